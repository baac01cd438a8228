/* Memory that cannot be had: each allocation of every public operation fails once, on the first run of the operation and
 * on later ones, where plans are cached. Each time the error is clean, nothing is lost, and the next try gives what it
 * should. Then the same with a limit on array memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <mica.h>

#include "base/memory.h"
#include "core/thread.h"
#include "run/run.h"
#include "support/ops_calls.h"

/* ---- What is tried ----------------------------------------------------------------------------------------------- */
static mx_array loss(const mx_array *w, void *ctx) {
  (void)ctx;
  return mx_sum(mx_square(mx_sin(w[0])), MX_ALL, false);
}

static mx_status twice(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  y[0] = mx_multiply(mx_exp(x[0]), mx_scalar_f(2));
  return MX_OK;
}

static mx_status own_gradient(const mx_array *x, const mx_array *g, const mx_array *y, size_t count, size_t result_count, mx_array *out,
                              void *ctx) {
  (void)x, (void)y, (void)count, (void)result_count, (void)ctx;
  out[0] = mx_negative(g[0]);
  return MX_OK;
}

static mx_array custom_loss(const mx_array *w, void *ctx) {
  mx_array y = NULL;
  mx_status code = ctx ? mx_custom_vjp(twice, own_gradient, NULL, w, 1, &y, 1) : mx_checkpoint(twice, NULL, w, 1, &y, 1);
  return code ? NULL : mx_sum(y, MX_ALL, false);
}

static mx_array by_grad(const mx_array *o) {
  mx_array g = NULL;
  return mx_grad(loss, NULL, &o[OPS_A], 1, &g) ? NULL : g;
}

static mx_array second_order(const mx_array *w, void *ctx) {
  (void)ctx;
  mx_array g = NULL, value = NULL;
  return mx_value_and_grad(loss, NULL, w, 1, &value, &g) ? NULL : mx_add(value, mx_sum(g, MX_ALL, false));
}

static mx_array by_nested_grad(const mx_array *o) {
  mx_array g = NULL;
  return mx_grad(second_order, NULL, &o[OPS_A], 1, &g) ? NULL : g;
}

static mx_array by_vjp(const mx_array *o) {
  mx_array y = NULL, g = NULL;
  return mx_vjp(twice, NULL, &o[OPS_A], 1, &o[OPS_B], 1, &y, &g) ? NULL : mx_add(y, g);
}

static mx_array by_jvp(const mx_array *o) {
  mx_array y = NULL, t = NULL;
  return mx_jvp(twice, NULL, &o[OPS_A], &o[OPS_B], 1, &y, 1, &t) ? NULL : mx_add(y, t);
}

static mx_array by_custom_vjp(const mx_array *o) {
  mx_array g = NULL;
  return mx_grad(custom_loss, "", &o[OPS_A], 1, &g) ? NULL : g;
}

static mx_array by_checkpoint(const mx_array *o) {
  mx_array g = NULL;
  return mx_grad(custom_loss, NULL, &o[OPS_A], 1, &g) ? NULL : g;
}

static mx_array in_background(const mx_array *o) {
  mx_array a = mx_multiply(o[OPS_A], o[OPS_B]);
  return mx_async_eval(&a, 1) ? NULL : a;
}

static mx_array in_place(const mx_array *o) {
  mx_array a = mx_add(o[OPS_A], mx_scalar_f(1));
  return mx_slice_update(mx_slice_update(a, o[OPS_V], MX_INTS(1, 0), MX_INTS(2, 4), MX_INTS(1, 1)), o[OPS_X], MX_INTS(0, 0),
                         MX_INTS(1, 4), MX_INTS(1, 2));
}

static mx_array many_operands(const mx_array *o) {
  mx_array list[20];
  for (int i = 0; i < 20; i++) list[i] = i % 2 ? o[OPS_A] : mx_negative(o[OPS_B]);
  return mx_concatenate(list, 20, 0);
}

static mx_array long_chain(const mx_array *o) {
  mx_array a = o[OPS_A];
  for (int i = 0; i < 60; i++) a = mx_add(mx_sin(a), o[OPS_B]);
  return a;
}

static mx_array linear_step(const mx_array *o) {
  mx_array t = mx_sigmoid(mx_matmul(o[OPS_A], o[OPS_V]));
  return mx_matmul(mx_transpose(o[OPS_A], MX_ALL), t);
}

static mx_array reduced_cluster(const mx_array *o) {
  return mx_sum(mx_square(mx_subtract(o[OPS_A], o[OPS_B])), MX_INTS(1), false);
}

static mx_array six_axes(const mx_array *o) {
  mx_array a = mx_reshape(o[OPS_A], MX_INTS(1, 3, 1, 2, 1, 2));
  return mx_add(mx_transpose(a, MX_ALL), mx_sum(a, MX_INTS(1), false));
}

static mx_array literal(const mx_array *o) { return mx_add(mx_c64(1, 2), mx_add(mx_scalar_c(1, 1), o[OPS_X])); }
static mx_array nested_scopes(const mx_array *o) {
  mx_scope s = mx_scope_begin();
  for (int i = 0; i < 40; i++) mx_f32((float)i);
  return mx_scope_end_keep(s, mx_negative(o[OPS_A]));
}

static mx_array through_a_file(const mx_array *o) {
  char path[64];
  snprintf(path, sizeof path, "t_failures_%ld.npy", (long)getpid());
  mx_array a = mx_save(path, o[OPS_A]) ? NULL : mx_load(path);
  if (a && mx_eval(a)) a = NULL;
  unlink(path);
  return a;
}

static mx_array through_an_archive(const mx_array *o) {
  static const char *const names[2] = {"first", "second"};
  char path[64];
  mx_array out[2] = {NULL, NULL};
  snprintf(path, sizeof path, "t_failures_%ld.npz", (long)getpid());
  mx_status code = mx_save_named(path, names, o, 2);
  if (!code) code = mx_load_named(path, names, out, 2);
  if (!code) code = mx_eval_all(out, 2);
  unlink(path);
  return code ? NULL : out[1];
}

static const struct ops_call more_calls[] = {
    {"grad", by_grad, ""},           {"nested grad", by_nested_grad, ""}, {"vjp", by_vjp, ""},
    {"jvp", by_jvp, ""},             {"custom_vjp", by_custom_vjp, ""},   {"checkpoint", by_checkpoint, ""},
    {"async_eval", in_background, ""}, {"in place", in_place, ""},        {"many operands", many_operands, ""},
    {"long chain", long_chain, ""},  {"linear step", linear_step, ""}, {"reduced cluster", reduced_cluster, ""},    {"six axes", six_axes, ""},
    {"literal", literal, ""},        {"scopes", nested_scopes, ""},       {"save and load", through_a_file, ""},
    {"save_named and load_named", through_an_archive, ""},
};

/* ---- One try ----------------------------------------------------------------------------------------------------- */
struct outcome {
  mx_status code;
  char message[512];
  void *bytes; /* of the result, where there is one */
  size_t nbytes;
  bool again; /* the graph was built, failed to run, and was run again */
  int64_t count; /* of allocations */
};

/* Operands, call, evaluation, reading: the allocation `nth` after the operands are made fails (0: none). The operands
 * are gone before the graph runs, so that it may take their memory. */
static struct outcome try_call(const struct ops_call *call, int64_t nth) {
  struct outcome r = {.code = MX_OK};
  mx_array o[OPS_OPERANDS];
  mx_scope s = mx_scope_begin();
  ops_operands(o);
  mxi_memory_fail_at(nth);
  mx_array a = mx_scope_end_keep(s, call->run(o));
  const void *p = a && !mx_error() ? mx_data(a) : NULL;
  if (!p && a && mx_error() == MX_ERR_MEMORY) {
    r.code = mx_error_take(r.message, sizeof r.message);
    r.count = mxi_memory_count();
    mxi_memory_fail_at(0);
    if (!mx_is_evaluated(a) && !strstr(call->name, "async")) {
      r.again = true;
      p = mx_data(a);
    }
  }
  if (!r.count) r.count = mxi_memory_count();
  mx_status code = mx_error_take(r.again ? NULL : r.code ? NULL : r.message, sizeof r.message);
  if (!r.code) r.code = code;
  if (p) {
    r.nbytes = mx_nbytes(a);
    r.bytes = malloc(r.nbytes ? r.nbytes : 1);
    if (r.bytes && r.nbytes) memcpy(r.bytes, p, r.nbytes);
  }
  mx_scope_end(s);
  mx_synchronize();
  mx_error_clear();
  return r;
}

static void check_outcome(const struct ops_call *call, const struct outcome *r, const struct outcome *expected, int64_t nth) {
  if (r->code && r->code != MX_ERR_MEMORY) fail_msg("%s, allocation %lld: error %d, %s", call->name, (long long)nth, r->code, r->message);
  if (r->code && r->message[0] != '[') fail_msg("%s, allocation %lld: \"%s\"", call->name, (long long)nth, r->message);
  if (r->again && !r->bytes) fail_msg("%s, allocation %lld: the graph does not run again", call->name, (long long)nth);
  if (r->bytes && (r->nbytes != expected->nbytes || memcmp(r->bytes, expected->bytes, r->nbytes)))
    fail_msg("%s, allocation %lld: another result%s", call->name, (long long)nth, r->again ? " when run again" : "");
}

/* Brings plan cache and free memory to where they are after `runs` runs. */
static void prepare(const struct ops_call *call, int runs) {
  mxi_memory_fail_at(0);
  mxi_plan_cache_clear();
  for (int i = 0; i < runs; i++) free(try_call(call, 0).bytes);
  mx_memory_clear_cache();
}

static void fail_each_allocation(const struct ops_call *call, int runs) {
  struct outcome expected = try_call(call, 0);
  if (expected.code) fail_msg("%s: %s", call->name, expected.message);
  prepare(call, runs);
  int64_t live = mxi_live_nodes();
  size_t active = mx_memory_info().active;
  bool reached = true;
  for (int64_t nth = 1; reached; nth++) {
    prepare(call, runs);
    struct outcome r = try_call(call, nth);
    reached = r.count >= nth;
    check_outcome(call, &r, &expected, nth);
    free(r.bytes);
    mxi_memory_fail_at(0);
    if (mxi_live_nodes() != live || mx_memory_info().active != active)
      fail_msg("%s, run %d, allocation %lld: %lld nodes and %lld bytes are lost", call->name, runs + 1, (long long)nth,
               (long long)(mxi_live_nodes() - live), (long long)(mx_memory_info().active - active));
    if (ops_published_by_failure) fail_msg("%s, allocation %lld: results were written", call->name, (long long)nth);
    if (r.code == MX_OK && !r.bytes) fail_msg("%s, allocation %lld: neither result nor error", call->name, (long long)nth);
    if (nth > 5000) fail_msg("%s: no end", call->name);
  }
  free(expected.bytes);
}

static void each_allocation(int runs) {
  const char *only = getenv("MICA_TEST_OP");
  for (size_t i = 0; i < ops_call_count; i++)
    if (!only || !strcmp(only, ops_calls[i].name)) fail_each_allocation(&ops_calls[i], runs);
  for (size_t i = 0; i < sizeof more_calls / sizeof *more_calls; i++)
    if (!only || !strcmp(only, more_calls[i].name)) fail_each_allocation(&more_calls[i], runs);
}

static void each_allocation_of_a_first_run(void **state) { (void)state, each_allocation(0); }
static void each_allocation_of_a_second_run(void **state) { (void)state, each_allocation(1); }
static void each_allocation_of_a_third_run(void **state) { (void)state, each_allocation(2); }

/* ---- A limit below the need -------------------------------------------------------------------------------------- */
static void limit_each(const struct ops_call *call) {
  struct outcome expected = try_call(call, 0);
  int64_t live = mxi_live_nodes();
  size_t active = mx_memory_info().active, need;
  for (need = 64; need < 1 << 20; need += 64) {
    mx_array o[OPS_OPERANDS];
    mx_scope s = mx_scope_begin();
    ops_operands(o);
    assert_int_equal(mx_memory_limit(mx_memory_info().active + need - 64), MX_OK);
    mx_array a = call->run(o);
    bool done = a && mx_data(a);
    mx_status code = mx_error_take(NULL, 0);
    mx_memory_limit(0);
    if (done && memcmp(mx_data(a), expected.bytes, expected.nbytes)) fail_msg("%s: another result under a limit", call->name);
    if (done ? code : code != MX_ERR_MEMORY) fail_msg("%s: error %d under a limit", call->name, code);
    mx_scope_end(s);
    mx_synchronize();
    mx_error_clear();
    if (mxi_live_nodes() != live || mx_memory_info().active != active) fail_msg("%s: memory is lost under a limit", call->name);
    if (done) break;
  }
  if (need >= 1 << 20) fail_msg("%s: no limit is enough", call->name);
  free(expected.bytes);
}

static void limits_below_the_need(void **state) {
  (void)state;
  for (size_t i = 0; i < ops_call_count; i++) limit_each(&ops_calls[i]);
  for (size_t i = 0; i < sizeof more_calls / sizeof *more_calls; i++) limit_each(&more_calls[i]);
}

static void one_limit_for_all(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_arange(0, 1 << 20, 1, MX_FLOAT32);
  mx_memory_limit(1 << 20);
  assert_int_equal(mx_eval(a), MX_ERR_MEMORY);
  assert_non_null(strstr(mx_error_message(), "limit"));
  mx_error_clear();
  assert_int_equal(mx_memory_info().limit, 1 << 20);
  mx_memory_limit(0);
  assert_int_equal(mx_eval(a), MX_OK);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_of_a_first_run),
      cmocka_unit_test(each_allocation_of_a_second_run),
      cmocka_unit_test(each_allocation_of_a_third_run),
      cmocka_unit_test(limits_below_the_need),
      cmocka_unit_test(one_limit_for_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* mica/bind.h: owned results, errors of their own, waiting in slices, memory lent out, and failing allocations. Transforms
 * and garbage collection are in t_bind_transforms.c. */
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <mica/bind.h>
#include <mica/extend.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "core/thread.h"
#include "run/run.h"

static mxb_ctx *c; /* of most tests */

static mx_array vector(mxb_ctx *ctx, const float *v, int64_t n) { return mxb_from_data(ctx, v, MX_INTS(n), MX_FLOAT32); }
static mx_array abc(mxb_ctx *ctx) { return vector(ctx, (float[]){1, 2, 3}, 3); }

static float at(mx_array a, int i) {
  const float *p = mxb_data(c, a);
  return p ? p[i] : NAN;
}

static void expect(mx_status code, const char *part) {
  if (mxb_error_code(c) != code || !strstr(mxb_error_message(c), part))
    fail_msg("error %d, \"%s\", not %d with \"%s\"", mxb_error_code(c), mxb_error_message(c), code, part);
  mxb_error_clear(c);
}

static int setup(void **state) {
  (void)state;
  return (c = mxb_ctx_new()) == NULL;
}

static int teardown(void **state) {
  (void)state;
  bool clean = !mxb_error_code(c) && c->top == 0;
  mxb_ctx_free(c);
  mxb_drain();
  return !clean;
}

/* ---- Owned results ----------------------------------------------------------------------------------------------- */
static void results_are_owned_and_scopes_are_left_alone(void **state) {
  (void)state;
  int64_t live = mxi_live_nodes();
  size_t top = mxi_ctx_thread()->top;
  mx_array a = abc(c), b = mxb_mean(c, a, MX_ALL, false), y = mxb_subtract(c, a, b);
  assert_int_equal(mxb_reference_count(y), 1);
  assert_int_equal(mxb_reference_count(a), 3); /* ours, y's, and that of what b is made of */
  assert_int_equal(c->top, 0);
  assert_int_equal(mxi_ctx_thread()->top, top);
  mxb_release(a);
  mxb_release(b);
  assert_float_equal(at(y, 0), -1, 0);
  assert_float_equal(at(y, 2), 1, 0);
  mxb_release(mxb_retain(y));
  mxb_release(y);
  mxb_release(NULL);
  assert_int_equal(mxi_live_nodes(), live);
}

static void an_operand_that_is_the_result_gets_a_reference(void **state) {
  (void)state;
  mx_array a = abc(c), b = mxb_positive(c, a);
  assert_ptr_equal(a, b);
  assert_int_equal(mxb_reference_count(a), 2);
  mxb_release(a);
  mxb_release(b);
}

static void several_results_are_each_owned(void **state) {
  (void)state;
  int64_t live = mxi_live_nodes();
  mx_array a = abc(c), two = mxb_scalar_f(c, 2), out[2] = {NULL, NULL};
  assert_int_equal(mxb_divmod(c, a, two, out), MX_OK);
  mxb_release(a);
  mxb_release(two);
  assert_float_equal(at(out[0], 2), 1, 0);
  assert_float_equal(at(out[1], 2), 1, 0);
  mxb_release(out[0]);
  mxb_release(out[1]);
  assert_int_equal(mxi_live_nodes(), live);
}

static void literals_are_weak_and_constants_are_not(void **state) {
  (void)state;
  mx_array i = mxb_constant_i(c, 3, MX_INT8), half = mxb_scalar_f(c, 0.5), one = mxb_scalar_i(c, 1), yes = mxb_scalar_b(c, true);
  mx_array a = mxb_add(c, i, half), b = mxb_add(c, i, one), d = mxb_constant_f(c, 0.1, MX_FLOAT64);
  mx_array z = mxb_constant_c(c, 1, 2, MX_COMPLEX64), w = mxb_scalar_c(c, 0, 1);
  assert_int_equal(mx_dtype_of(a), MX_FLOAT32);
  assert_int_equal(mx_dtype_of(b), MX_INT8);
  assert_int_equal(mx_dtype_of(d), MX_FLOAT64);
  double v;
  assert_int_equal(mxb_item(c, d, &v), MX_OK);
  assert_true(v == 0.1);
  mx_array product = mxb_multiply(c, z, w);
  float pair[2];
  assert_int_equal(mxb_item(c, product, pair), MX_OK);
  assert_true(pair[0] == -2 && pair[1] == 1);
  assert_null(mxb_constant_i(c, 1, (mx_dtype)99));
  expect(MX_ERR_DTYPE, "99");
  mx_array all[] = {i, half, one, yes, a, b, d, z, w, product};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) mxb_release(all[k]);
}

static void integers_count_exactly(void **state) {
  (void)state;
  int64_t big = ((int64_t)1 << 53) + 1;
  mx_array a = mxb_arange_i(c, big, big + 2, 1, MX_INT64);
  assert_true(((const int64_t *)mxb_data(c, a))[0] == big);
  mxb_release(a);
}

/* ---- The same operations as in mica.h ---------------------------------------------------------------------------- */
struct both_faces {
  const char *name;
  mx_array (*bound)(mxb_ctx *ctx, const mx_array *in);
  mx_array (*scoped)(const mx_array *in);
};

/* Parts of operations, which have neither face. */
#define mxb_rint(ctx, a) mxb_negative(ctx, a)
#define mx_rint(a) mx_negative(a)
#define mxb_decode_fp8(ctx, a) mxb_negative(ctx, a)
#define mx_decode_fp8(a) mx_negative(a)
#define IN_1 in[0]
#define IN_2 in[0], in[1]
#define IN_3 in[2], in[0], in[1]
#define K(name, class, formula)
#define D(name, operand, partial)
#define OP(name, arity, rule, lo, hi, ulp, doc)                                                    \
  static mx_array bound_##name(mxb_ctx *ctx, const mx_array *in) { return mxb_##name(ctx, IN_##arity); } \
  static mx_array scoped_##name(const mx_array *in) { return mx_##name(IN_##arity); }
#include "core/elementwise.def"
#undef OP
static const struct both_faces rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) {#name, bound_##name, scoped_##name},
#include "core/elementwise.def"
#undef OP
};

/* Every row on floats, integers, bools: the same bits, or the same error. */
static void each_row_does_what_its_other_face_does(void **state) {
  (void)state;
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_INT32, MX_UINT8, MX_BOOL, MX_COMPLEX64};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
    mx_array x = vector(c, (float[]){1, 0, 2}, 3), half = vector(c, (float[]){0.5f}, 1);
    mx_array in[3] = {mxb_astype(c, x, dtypes[d]), mxb_astype(c, half, dtypes[d]), mxb_astype(c, x, MX_BOOL)};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      mx_scope s = mx_scope_begin();
      mx_array a = rows[i].bound(c, in), b = rows[i].scoped(in);
      bool same = !a == !b && mxb_error_code(c) == mx_error() && !strcmp(mxb_error_message(c), mx_error_message());
      mxb_error_clear(c);
      mx_error_clear();
      if (a && b) same = mx_dtype_of(a) == mx_dtype_of(b) && !memcmp(mxb_data(c, a), mx_data(b), mx_nbytes(b));
      if (!same) fail_msg("%s of dtype %d", rows[i].name, dtypes[d]);
      mxb_release(a);
      mx_scope_end(s);
    }
    for (int k = 0; k < 3; k++) mxb_release(in[k]);
    mxb_release(x);
    mxb_release(half);
  }
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */
static void an_error_stays_in_its_ctx(void **state) {
  (void)state;
  mxb_ctx *other = mxb_ctx_new();
  mx_array a = abc(c), b = vector(c, (float[]){1, 2}, 2);
  assert_null(mxb_add(c, a, b));
  assert_int_equal(mxb_error_code(c), MX_ERR_SHAPE);
  assert_int_equal(mxb_error_code(other), MX_OK);
  assert_string_equal(mxb_error_message(other), "");
  assert_int_equal(mx_error(), MX_OK);
  assert_null(mxb_load(other, "/nowhere/at/all.npy"));
  assert_int_equal(mxb_error_code(other), MX_ERR_IO);
  assert_false(mxb_error_is_axis(c));
  expect(MX_ERR_SHAPE, "[add] shapes (3,) and (2,)");
  mx_array y = mxb_add(c, a, a);
  assert_non_null(y);
  mxb_ctx_free(other);
  mxb_release(a);
  mxb_release(b);
  mxb_release(y);
}

static void the_first_error_is_kept_and_stops_actions(void **state) {
  (void)state;
  mx_array a = abc(c);
  assert_int_equal(mxb_raise(c, MX_ERR_TYPE, "first %d", 1), MX_ERR_TYPE);
  assert_int_equal(mxb_raise(c, MX_ERR_VALUE, "second"), MX_ERR_VALUE);
  assert_int_equal(mxb_eval(c, &a, 1), MX_ERR_TYPE);
  assert_null(mxb_data(c, a));
  mx_array y = mxb_add(c, a, a);
  assert_non_null(y); /* builders run */
  expect(MX_ERR_TYPE, "first 1");
  mxb_release(a);
  mxb_release(y);
}

static void errors_about_axes_are_told_apart(void **state) {
  (void)state;
  mx_array a = abc(c);
  assert_null(mxb_sum(c, a, MX_INTS(1), false));
  assert_true(mxb_error_is_axis(c));
  assert_null(mxb_sum(c, a, MX_INTS(0, 0), false)); /* the first error stays */
  assert_true(mxb_error_is_axis(c));
  expect(MX_ERR_VALUE, "[sum] axis 1");
  assert_false(mxb_error_is_axis(c));
  assert_null(mxb_sum(c, a, MX_INTS(0, 0), false));
  assert_null(mxb_sum(c, a, MX_INTS(1), false));
  assert_false(mxb_error_is_axis(c));
  expect(MX_ERR_VALUE, "named twice");
  mxb_release(a);
}

static void missing_arguments_are_named(void **state) {
  (void)state;
  mx_array a = abc(c), out = NULL;
  int64_t strides[1];
  bool done;
  assert_null(mxb_add(c, NULL, a));
  expect(MX_ERR_VALUE, "[add] argument `a` is NULL");
  assert_null(mxb_concatenate(c, (mx_array[]){a, NULL}, 2, 0));
  expect(MX_ERR_VALUE, "`arrays`");
  assert_int_equal(mxb_divmod(c, a, a, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[divmod]");
  assert_int_equal(mxb_eval(c, NULL, 1), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[eval]");
  assert_int_equal(mxb_eval_start(c, &a, 1, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`done`");
  assert_int_equal(mxb_wait(c, &out, 1, 0, &done), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[wait]");
  assert_null(mxb_data(c, NULL));
  expect(MX_ERR_VALUE, "[data]");
  assert_int_equal(mxb_item(c, a, strides), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "exactly one element");
  assert_int_equal(mxb_strides(c, a, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`strides`");
  assert_int_equal(mxb_export(c, a, NULL, strides), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[export]");
  assert_null(mxb_from_data(c, NULL, MX_INTS(2), MX_FLOAT32));
  expect(MX_ERR_VALUE, "`data`");
  assert_int_equal(mxb_save(c, NULL, a), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`path`");
  assert_false(mxb_is_exported(NULL) || mxb_is_donatable(NULL) || mxb_is_tainted(NULL));
  mxb_export_end(NULL);
  mxb_ctx_free(NULL);
  mxb_list_free(NULL);
  mxb_release(a);
}

/* ---- Memory lent out --------------------------------------------------------------------------------------------- */
static void exported_memory_is_not_overwritten(void **state) {
  (void)state;
  for (int lent = 0; lent < 2; lent++) {
    mx_array a = abc(c), half = mxb_scalar_f(c, 0.5);
    mxb_exported e = {0};
    int64_t strides[1] = {0};
    if (lent) assert_int_equal(mxb_export(c, a, &e, strides), MX_OK);
    assert_int_equal(mxb_is_exported(a), lent);
    assert_int_equal(mxb_is_donatable(a), !lent);
    const void *memory = a->buffer->data;
    mx_array y = mxb_multiply(c, a, half);
    mxb_release(a);
    assert_int_equal(mxb_eval(c, &y, 1), MX_OK);
    assert_int_equal(y->buffer->data == memory, !lent); /* without an export, the sum is written over its operand */
    if (lent) {
      assert_ptr_equal(e.data, memory);
      assert_true(((float *)e.data)[2] == 3 && strides[0] == 1 && e.ndim == 1 && e.shape[0] == 3 && e.dtype == MX_FLOAT32);
      mxb_export_end(&e);
    }
    mxb_release(y);
    mxb_release(half);
  }
}

static void an_export_ends_though_the_pointer_was_given_away(void **state) {
  (void)state;
  mx_array a = abc(c);
  mxb_exported first, second;
  assert_int_equal(mxb_export(c, a, &first, NULL), MX_OK);
  assert_int_equal(mxb_export(c, a, &second, NULL), MX_OK);
  mxb_export_end(&first);
  assert_true(mxb_is_exported(a));
  mxb_export_end(&second);
  mxb_export_end(&second); /* once more does nothing */
  assert_false(mxb_is_exported(a));
  assert_int_equal(mxb_export(c, a, &first, NULL), MX_OK);
  assert_non_null(mxb_data(c, a));
  mxb_export_end(&first);
  assert_true(mxb_is_exported(a)); /* who asked for the pointer may still have it */
  mxb_release(a);
}

static void views_and_numbers_are_exported_as_they_lie(void **state) {
  (void)state;
  mx_array a = mxb_arange(c, 0, 6, 1, MX_FLOAT32), m = mxb_reshape(c, a, MX_INTS(2, 3)), t = mxb_transpose(c, m, MX_ALL);
  mx_array number = mxb_constant_f(c, 7, MX_FLOAT32);
  mxb_exported e;
  int64_t strides[2];
  assert_int_equal(mxb_export(c, t, &e, strides), MX_OK);
  assert_true(strides[0] == 1 && strides[1] == 3 && e.shape[0] == 3 && ((float *)e.data)[strides[0] + strides[1]] == 4);
  mxb_export_end(&e);
  assert_int_equal(mxb_export(c, number, &e, NULL), MX_OK);
  assert_true(e.ndim == 0 && *(float *)e.data == 7);
  mxb_export_end(&e);
  mx_array all[] = {a, m, t, number};
  for (int k = 0; k < 4; k++) mxb_release(all[k]);
}

static void count_free(void *user) { ++*(int *)user; }

static void managed_memory_goes_back_once(void **state) {
  (void)state;
  static float data[3] = {4, 5, 6};
  int freed = 0;
  mx_array a = mxb_from_data_managed(c, data, MX_INTS(3), MX_FLOAT32, count_free, &freed);
  assert_ptr_equal(mxb_data(c, a), data);
  assert_false(mxb_is_donatable(a));
  mxb_release(a);
  assert_int_equal(freed, 1);
  assert_null(mxb_from_data_managed(c, (char *)data + 1, MX_INTS(1), MX_FLOAT32, count_free, &freed));
  expect(MX_ERR_VALUE, "not aligned");
  assert_int_equal(freed, 1);
}

static void text_is_that_of_mx_format(void **state) {
  (void)state;
  mx_array a = abc(c);
  char mine[100], theirs[100];
  size_t needed = 0, length = mx_format(a, theirs, sizeof theirs);
  assert_int_equal(mxb_format(c, a, mine, sizeof mine, &needed), MX_OK);
  assert_string_equal(mine, theirs);
  assert_int_equal(needed, length);
  mxb_release(a);
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */
static sem_t gate;
static int slow_op;

static mx_status slow_kernel(struct mx_task *task) {
  while (sem_wait(&gate)) {}
  if (task->in[0].size > 3) return mx_task_fail(task, MX_ERR_VALUE, "too many");
  memcpy(task->out[0].data, task->in[0].data, (size_t)task->in[0].size * 4);
  return MX_OK;
}

static bool same_shape(mxb_ctx *ctx, const void *params, const mx_array *inputs, size_t count, struct mx_result *r) {
  (void)params;
  if (count != 1) return mxb_raise(ctx, MX_ERR_VALUE, "[slow] one input"), false;
  r->dtype = mx_dtype_of(inputs[0]);
  r->ndim = mx_ndim(inputs[0]);
  memcpy(r->shape, mx_shape(inputs[0]).at, (size_t)r->ndim * sizeof *r->shape);
  return true;
}

static mx_array slow(mx_array a) {
  mx_array y = NULL;
  if (!slow_op) {
    struct mx_prim prim = {.size = sizeof prim, .name = "t_bind_slow", .flags = MX_PRIM_FALLIBLE, .shape = same_shape};
    slow_op = mx_prim_register(&prim, &(struct mx_kernel){slow_kernel, NULL});
    sem_init(&gate, 0, 0);
  }
  mxb_prim_apply(c, slow_op, NULL, &a, 1, &y);
  return y;
}

static void a_long_run_is_waited_for_in_slices(void **state) {
  (void)state;
  mx_array a = abc(c), y = slow(a);
  bool done = true;
  assert_int_equal(mxb_eval_start(c, &y, 1, &done), MX_OK);
  assert_false(done);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(mxb_wait(c, &y, 1, 0.001, &done), MX_OK);
    assert_false(done);
  }
  assert_int_equal(mxb_wait(c, &y, 1, -1, &done), MX_OK);
  assert_int_equal(mxb_wait(c, &y, 1, NAN, &done), MX_OK);
  sem_post(&gate);
  while (!done) assert_int_equal(mxb_wait(c, &y, 1, 10, &done), MX_OK);
  assert_float_equal(at(y, 2), 3, 0);
  mxb_release(a);
  mxb_release(y);
}

static void a_short_run_is_done_at_once(void **state) {
  (void)state;
  mx_array a = abc(c), y = mxb_exp(c, a);
  bool done = false;
  assert_int_equal(mxb_eval_start(c, &y, 1, &done), MX_OK);
  assert_true(done);
  assert_int_equal(mxb_wait(c, &y, 1, 0, &done), MX_OK);
  assert_true(done);
  mxb_release(a);
  mxb_release(y);
}

static void who_gives_up_waiting_does_not_stop_the_run(void **state) {
  (void)state;
  mx_array a = abc(c), y = slow(a), z = mxb_negative(c, y);
  bool done;
  assert_int_equal(mxb_eval_start(c, &y, 1, &done), MX_OK);
  assert_int_equal(mxb_wait(c, &y, 1, 0.001, &done), MX_OK);
  mxb_release(a);
  mxb_release(y);
  sem_post(&gate);
  assert_float_equal(at(z, 1), -2, 0); /* the run's value is there for others */
  mxb_release(z);
  assert_int_equal(mxb_synchronize(c), MX_OK);
}

static void a_failed_run_is_told_to_its_waiter_and_to_its_ctx(void **state) {
  (void)state;
  mxb_ctx *other = mxb_ctx_new();
  mx_array a = vector(c, (float[]){1, 2, 3, 4}, 4), y = slow(a);
  bool done = true;
  assert_int_equal(mxb_async_eval(c, &y, 1), MX_OK);
  sem_post(&gate);
  mx_status code = MX_OK;
  while (!code && !(done = false)) code = mxb_wait(c, &y, 1, 10, &done);
  assert_false(done);
  expect(MX_ERR_VALUE, "[t_bind_slow] too many");
  assert_int_equal(mxb_synchronize(other), MX_OK);
  assert_int_equal(mxb_synchronize(c), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "too many");
  assert_int_equal(mxb_synchronize(c), MX_OK);
  mxb_ctx_free(other);
  mxb_release(a);
  mxb_release(y);
}

static void what_nobody_evaluates_is_evaluated_by_the_waiter(void **state) {
  (void)state;
  mx_array a = abc(c), y = mxb_square(c, a);
  bool done = false;
  assert_int_equal(mxb_wait(c, &y, 1, 0, &done), MX_OK);
  assert_true(done);
  assert_float_equal(at(y, 2), 9, 0);
  mxb_release(a);
  mxb_release(y);
}

static void a_ctx_has_its_own_stream(void **state) {
  (void)state;
  mx_stream s = mx_stream_new();
  assert_ptr_equal(mxb_use(c, s), mx_default_stream());
  mx_array a = abc(c), y = mxb_add(c, a, a);
  assert_int_equal(mxb_async_eval(c, &y, 1), MX_OK);
  assert_int_equal(mxb_synchronize(c), MX_OK);
  assert_true(mx_is_evaluated(y));
  assert_ptr_equal(mxb_use(c, NULL), s);
  mx_stream_free(s);
  mxb_release(a);
  mxb_release(y);
}

/* ---- Random numbers and files ------------------------------------------------------------------------------------ */
static void random_bits_are_those_of_the_key_or_the_thread(void **state) {
  (void)state;
  mx_array key = mxb_random_key(c, 7), again = mxb_random_key(c, 7);
  mx_array x = mxb_random_bits(c, MX_INTS(4), 4, key), y = mxb_random_bits(c, MX_INTS(4), 4, again);
  assert_memory_equal(mxb_data(c, x), mxb_data(c, y), 16);
  uint32_t saved[2];
  mx_random_seed(3);
  mxb_random_state(saved);
  mx_array first = mxb_random_bits(c, MX_INTS(4), 4, NULL);
  mxb_random_set_state(saved);
  mx_array second = mxb_random_bits(c, MX_INTS(4), 4, NULL), third = mxb_random_bits(c, MX_INTS(4), 4, NULL);
  assert_memory_equal(mxb_data(c, first), mxb_data(c, second), 16);
  assert_memory_not_equal(mxb_data(c, first), mxb_data(c, third), 16);
  mx_array all[] = {key, again, x, y, first, second, third};
  for (int k = 0; k < 7; k++) mxb_release(all[k]);
}

struct seen {
  char names[64];
  float sum;
  int stop_after;
};

static mx_status see(const char *name, mx_array array, void *user) {
  struct seen *s = user;
  snprintf(s->names + strlen(s->names), sizeof s->names - strlen(s->names), "%s;", name);
  s->sum += at(array, 0);
  mxb_release(array);
  return --s->stop_after ? MX_OK : MX_ERR_INTERRUPTED;
}

static void files_go_round(void **state) {
  (void)state;
  char npy[64], npz[64];
  snprintf(npy, sizeof npy, "t_bind_%ld.npy", (long)getpid());
  snprintf(npz, sizeof npz, "t_bind_%ld.npz", (long)getpid());
  mx_array a = abc(c), b = vector(c, (float[]){10}, 1), out[2] = {NULL, NULL};
  const char *const names[] = {"first", "second"};
  assert_int_equal(mxb_save(c, npy, a), MX_OK);
  mx_array loaded = mxb_load(c, npy);
  assert_float_equal(at(loaded, 2), 3, 0);
  assert_int_equal(mxb_save_named(c, npz, names, (mx_array[]){a, b}, 2), MX_OK);
  assert_int_equal(mxb_load_named(c, npz, (const char *const[]){"second", "first"}, out, 2), MX_OK);
  assert_float_equal(at(out[0], 0), 10, 0);
  struct seen s = {.stop_after = 10};
  assert_int_equal(mxb_load_each(c, npz, see, &s), MX_OK);
  assert_string_equal(s.names, "first;second;");
  assert_float_equal(s.sum, 11, 0);
  s = (struct seen){.stop_after = 1};
  assert_int_equal(mxb_load_each(c, npz, see, &s), MX_ERR_INTERRUPTED);
  expect(MX_ERR_INTERRUPTED, "'first'");
  assert_int_equal(mxb_load_named(c, npz, (const char *const[]){"third"}, out, 1), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "there are: first, second");
  unlink(npy);
  unlink(npz);
  mx_array all[] = {a, b, loaded, out[0], out[1]};
  for (int k = 0; k < 5; k++) mxb_release(all[k]);
}

/* ---- Allocations that fail --------------------------------------------------------------------------------------- */
/* Each call on its own ctx; true with its results released, or false with the error in ctx. */
static bool release_all(mx_array *list, size_t count) {
  bool ok = true;
  for (size_t i = 0; i < count; i++) ok &= list[i] != NULL;
  for (size_t i = 0; i < count; i++) mxb_release(list[i]);
  return ok;
}

static bool try_operations(mxb_ctx *ctx, mx_array a) {
  mx_array w = mxb_scalar_f(ctx, 2), y = w ? mxb_add(ctx, a, w) : NULL, m = y ? mxb_mean(ctx, y, MX_ALL, true) : NULL;
  mx_array both[3] = {m ? mxb_concatenate(ctx, (mx_array[]){y, m}, 2, 0) : NULL};
  mx_array out[4] = {w, y, m, both[0]};
  return release_all(out, 4);
}

static bool try_many(mxb_ctx *ctx, mx_array a) {
  mx_array out[2] = {NULL, NULL};
  return !mxb_divmod(ctx, a, a, out) && release_all(out, 2);
}

static bool try_memory(mxb_ctx *ctx, mx_array a) {
  (void)a;
  int64_t shape[6] = {1, 1, 1, 1, 1, 1};
  mx_array out[3] = {mxb_from_data(ctx, (float[]){1}, (mx_ints){shape, 6}, MX_FLOAT32), mxb_constant_f(ctx, 1, MX_FLOAT16),
                     mxb_scalar_c(ctx, 1, 2)};
  return release_all(out, 3);
}

static bool try_eval(mxb_ctx *ctx, mx_array a) {
  mx_array y = mxb_exp(ctx, a);
  mxb_exported e;
  bool done, ok = y && !mxb_eval_start(ctx, &y, 1, &done) && !mxb_wait(ctx, &y, 1, 1, &done) && !mxb_export(ctx, y, &e, NULL);
  if (ok) mxb_export_end(&e);
  mxb_release(y);
  return ok;
}

static bool try_async(mxb_ctx *ctx, mx_array a) {
  mx_array y = mxb_exp(ctx, a);
  bool ok = y && !mxb_async_eval(ctx, &y, 1) && !mxb_synchronize(ctx) && mxb_data(ctx, y);
  mxb_synchronize(ctx);
  mxb_release(y);
  return ok;
}

static bool try_format(mxb_ctx *ctx, mx_array a) {
  mx_array t = mxb_flip(ctx, a, MX_ALL), n = mxb_constant_i(ctx, 3, MX_INT32);
  char text[100];
  int64_t strides[1];
  bool ok = t && n && !mxb_format(ctx, t, text, sizeof text, NULL) && !mxb_strides(ctx, t, strides) && mxb_data(ctx, n);
  mxb_release(t);
  mxb_release(n);
  return ok;
}

static bool try_attach(mxb_ctx *ctx, mx_array a) {
  mx_array y = mxb_negative(ctx, a);
  bool ok = y && !mxb_attach(ctx, y, (char *)"", NULL);
  mxb_clear(y);
  mxb_release(y);
  return ok;
}

static bool (*const tries[])(mxb_ctx *ctx, mx_array a) = {try_operations, try_many, try_memory, try_eval, try_async, try_format, try_attach};

static void each_allocation_can_fail(void **state) {
  (void)state;
  mx_array a = abc(c);
  assert_non_null(mxb_data(c, a));
  for (size_t k = 0; k < sizeof tries / sizeof *tries; k++) {
    for (int warm = 0; warm < 3; warm++) assert_true(tries[k](c, a));
    bool reached = true;
    for (int64_t nth = 1; reached; nth++) {
      int64_t live = mxi_live_nodes();
      size_t active = mx_memory_info().active;
      mxi_memory_fail_at(nth);
      mxb_ctx *ctx = mxb_ctx_new();
      bool ok = ctx && tries[k](ctx, a);
      reached = mxi_memory_count() >= nth;
      mxi_memory_fail_at(0);
      if (ctx && !ok != !!mxb_error_code(ctx)) fail_msg("try %zu, allocation %lld: failed %d, error %d", k, (long long)nth, !ok, mxb_error_code(ctx));
      if (ctx && !ok) assert_int_equal(mxb_error_code(ctx), MX_ERR_MEMORY);
      mxb_ctx_free(ctx);
      mxb_drain();
      if (mxi_live_nodes() != live || mx_memory_info().active != active)
        fail_msg("try %zu, allocation %lld: %lld nodes lost", k, (long long)nth, (long long)(mxi_live_nodes() - live));
    }
  }
  mxb_release(a);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */
enum { THREADS = 8, ROUNDS = 60 };

static void *work(void *arg) {
  mx_array shared = arg;
  mxb_ctx *ctx = mxb_ctx_new();
  intptr_t wrong = 0;
  for (int i = 0; i < ROUNDS; i++) {
    mx_array k = mxb_scalar_i(ctx, i), y = mxb_add(ctx, shared, k), s = mxb_sum(ctx, y, MX_ALL, false);
    bool done = false;
    if (i % 3 == 0) wrong += mxb_async_eval(ctx, &s, 1) != MX_OK;
    if (i % 3 == 1) wrong += mxb_eval_start(ctx, &s, 1, &done) != MX_OK;
    wrong += mxb_wait(ctx, &s, 1, 10, &done) != MX_OK;
    float v = 0;
    wrong += mxb_item(ctx, s, &v) != MX_OK || v != 6 + 3 * (float)i;
    wrong += mxb_matmul(ctx, k, shared) != NULL || mxb_error_code(ctx) == MX_OK;
    mxb_error_clear(ctx);
    mxb_release(k);
    mxb_release(y);
    mxb_release(s);
  }
  mxb_ctx_free(ctx);
  return (void *)wrong;
}

static void threads_with_a_ctx_each_share_arrays(void **state) {
  (void)state;
  mx_array lazy = abc(c), shared = mxb_positive(c, lazy);
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, work, shared), 0);
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    pthread_join(t[i], &wrong);
    assert_null(wrong);
  }
  mxb_release(lazy);
  mxb_release(shared);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(results_are_owned_and_scopes_are_left_alone),
      TEST(an_operand_that_is_the_result_gets_a_reference),
      TEST(several_results_are_each_owned),
      TEST(literals_are_weak_and_constants_are_not),
      TEST(integers_count_exactly),
      TEST(each_row_does_what_its_other_face_does),
      TEST(an_error_stays_in_its_ctx),
      TEST(the_first_error_is_kept_and_stops_actions),
      TEST(errors_about_axes_are_told_apart),
      TEST(missing_arguments_are_named),
      TEST(exported_memory_is_not_overwritten),
      TEST(an_export_ends_though_the_pointer_was_given_away),
      TEST(views_and_numbers_are_exported_as_they_lie),
      TEST(managed_memory_goes_back_once),
      TEST(text_is_that_of_mx_format),
      TEST(a_long_run_is_waited_for_in_slices),
      TEST(a_short_run_is_done_at_once),
      TEST(who_gives_up_waiting_does_not_stop_the_run),
      TEST(a_failed_run_is_told_to_its_waiter_and_to_its_ctx),
      TEST(what_nobody_evaluates_is_evaluated_by_the_waiter),
      TEST(a_ctx_has_its_own_stream),
      TEST(random_bits_are_those_of_the_key_or_the_thread),
      TEST(files_go_round),
      TEST(each_allocation_can_fail),
      TEST(threads_with_a_ctx_each_share_arrays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

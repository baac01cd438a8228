/* mica/bind.h: functions of functions whose closures are given the context, payloads, and what a garbage collector does
 * with them. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica/bind.h>

#include "base/memory.h"
#include "core/thread.h"

static mxb_ctx *c;

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

static int64_t live_before;

static int setup(void **state) {
  (void)state;
  live_before = mxi_live_nodes();
  return (c = mxb_ctx_new()) == NULL;
}

static int teardown(void **state) {
  (void)state;
  bool clean = !mxb_error_code(c) && c->top == 0;
  mxb_ctx_free(c);
  mxb_drain();
  return !clean || mxi_live_nodes() != live_before;
}

/* ---- grad -------------------------------------------------------------------------------------------------------- */
/* sum(x * x * x); with user "eval", evaluated on the way; "fail" and "null" as they say. */
static mx_array cube_sum(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  if (user && !strcmp(user, "fail")) return mxb_raise(ctx, MX_ERR_TYPE, "[closure] no"), NULL;
  if (user && !strcmp(user, "null")) return NULL;
  mx_array x2 = mxb_multiply(ctx, args[0], args[count - 1]);
  if (user && !strcmp(user, "eval") && mxb_eval(ctx, &x2, 1)) return mxb_release(x2), NULL;
  mx_array x3 = mxb_multiply(ctx, x2, args[0]), y = mxb_sum(ctx, x3, MX_ALL, false);
  mxb_release(x2);
  mxb_release(x3);
  return y;
}

static void gradients_are_owned(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL, value = NULL;
  assert_int_equal(mxb_grad(c, cube_sum, NULL, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 2), 27, 0);
  mxb_release(g);
  assert_int_equal(mxb_value_and_grad(c, cube_sum, NULL, &x, 1, &value, &g), MX_OK);
  assert_float_equal(at(value, 0), 36, 0);
  assert_float_equal(at(g, 1), 12, 0);
  mxb_release(x);
  mxb_release(g);
  mxb_release(value);
}

static void evaluating_in_a_closure_keeps_its_graph(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL;
  assert_int_equal(mxb_grad(c, cube_sum, (char *)"eval", &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 2), 27, 0);
  mxb_release(x);
  mxb_release(g);
}

static void a_failing_closure_says_why(void **state) {
  (void)state;
  mx_array x = abc(c), untouched = (mx_array)(uintptr_t)16, g = untouched;
  assert_int_equal(mxb_grad(c, cube_sum, (char *)"fail", &x, 1, &g), MX_ERR_TYPE);
  expect(MX_ERR_TYPE, "[closure] no");
  assert_int_equal(mxb_grad(c, cube_sum, (char *)"null", &x, 1, &g), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[grad] the function returned no array");
  assert_int_equal(mxb_grad(c, NULL, NULL, &x, 1, &g), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`f`");
  assert_int_equal(mxb_grad(c, cube_sum, NULL, NULL, 1, &g), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`args`");
  assert_ptr_equal(g, untouched);
  mxb_release(x);
}

static mx_array grad_sum(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  mx_array g = NULL;
  if (mxb_grad(ctx, cube_sum, user, args, count, &g)) return NULL;
  mx_array y = mxb_sum(ctx, g, MX_ALL, false);
  mxb_release(g);
  return y;
}

static void gradients_nest(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL;
  assert_int_equal(mxb_grad(c, grad_sum, NULL, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 2), 18, 0);
  mxb_release(x);
  mxb_release(g);
}

/* ---- vjp and jvp ------------------------------------------------------------------------------------------------- */
/* As many results as `user` counts: x * k for k = 1, 2, ... */
static mx_status multiples(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  (void)count;
  for (int k = 1; k <= *(int *)user; k++) {
    mx_array factor = mxb_scalar_i(ctx, k), y = mxb_multiply(ctx, args[0], factor);
    mxb_release(factor);
    if (!y || mxb_list_add(ctx, results, y)) return mxb_error_code(ctx);
  }
  return MX_OK;
}

static void any_number_of_results_comes_back(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL;
  mxb_list *results = mxb_list_new(), *jvps = mxb_list_new();
  for (int n = 0; n < 6; n++) {
    assert_int_equal(mxb_jvp(c, multiples, &n, &x, &x, 1, results, jvps), MX_OK);
    assert_int_equal(mxb_list_count(results), n);
    assert_int_equal(mxb_list_count(jvps), n);
    if (n) assert_float_equal(at(mxb_list_at(jvps, (size_t)n - 1), 1), 2 * (float)n, 0);
    assert_null(mxb_list_at(jvps, (size_t)n));
    mxb_list_clear(results);
    mxb_list_clear(jvps);
  }
  int two = 2, three = 3;
  assert_int_equal(mxb_vjp(c, multiples, &two, &x, 1, (mx_array[]){x, x}, 2, results, &g), MX_OK);
  assert_float_equal(at(g, 2), 9, 0); /* x * 1 + x * 2 */
  assert_int_equal(mxb_list_count(results), 2);
  assert_int_equal(mxb_vjp(c, multiples, &three, &x, 1, (mx_array[]){x, x}, 2, results, &g), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[vjp] the function returned 3 arrays, not 2");
  assert_int_equal(mxb_list_count(results), 2);
  assert_int_equal(mxb_list_add(c, results, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[list_add]");
  mxb_list_free(results);
  mxb_list_free(jvps);
  mxb_release(x);
  mxb_release(g);
}

/* ---- Functions with a gradient of their own ---------------------------------------------------------------------- */
/* A closure of a binding's: it may hold an array, as a Python function may. */
struct closure {
  mx_array captured;
  int *count;
  pthread_t by;
  _Atomic int released;
};

static void release_closure(void *user) {
  struct closure *f = user;
  mxb_release(f->captured);
  f->captured = NULL;
  f->by = pthread_self();
  atomic_fetch_add(&f->released, 1); /* last: any thread that drains may be the one */
}

static mx_status plus_captured(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  const struct closure *f = user;
  (void)count;
  return mxb_list_add(ctx, results, f->captured ? mxb_add(ctx, args[0], f->captured) : mxb_exp(ctx, args[0]));
}

/* Ten times the cotangent, whatever the function. */
static mx_status tenfold(mxb_ctx *ctx, const mx_array *primals, size_t count, const mx_array *cotangents, const mx_array *results,
                         size_t result_count, mx_array *vjps, void *user) {
  (void)primals, (void)count, (void)results, (void)result_count, (void)user;
  mx_array ten = mxb_scalar_i(ctx, 10);
  vjps[0] = mxb_multiply(ctx, cotangents[0], ten);
  mxb_release(ten);
  return vjps[0] ? MX_OK : mxb_error_code(ctx);
}

static mx_array custom(mxb_ctx *ctx, struct closure *f, mx_array x) {
  mxb_list *results = mxb_list_new();
  mx_array y = NULL;
  if (!results) mxb_raise(ctx, MX_ERR_MEMORY, "[closure] no list");
  if (results && !mxb_custom_vjp(ctx, plus_captured, tenfold, f, release_closure, &x, 1, results)) y = mxb_retain(mxb_list_at(results, 0));
  mxb_list_free(results);
  return y;
}

static mx_array custom_loss(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  (void)count;
  mx_array y = custom(ctx, user, args[0]), s = y ? mxb_sum(ctx, y, MX_ALL, false) : NULL;
  mxb_release(y);
  return s;
}

static void a_custom_gradient_is_used_and_its_closure_held(void **state) {
  (void)state;
  struct closure f = {0};
  mx_array x = abc(c), g = NULL;
  assert_int_equal(mxb_grad(c, custom_loss, &f, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 0), 10, 0);
  assert_int_equal(f.released, 0); /* due, but only when the binding says so */
  assert_int_equal(mxb_drain(), 1);
  assert_int_equal(f.released, 1);
  assert_int_equal(mxb_drain(), 0);
  mxb_release(x);
  mxb_release(g);
}

static mx_status exp_once(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  struct closure *f = user;
  (void)count;
  ++*f->count;
  return mxb_list_add(ctx, results, mxb_exp(ctx, args[0]));
}

static mx_array checkpoint_loss(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  mxb_list *results = mxb_list_new();
  mx_array s = NULL;
  if (!mxb_checkpoint(ctx, exp_once, user, release_closure, args, count, results)) s = mxb_sum(ctx, mxb_list_at(results, 0), MX_ALL, false);
  mxb_list_free(results);
  return s;
}

static void a_checkpoint_runs_again(void **state) {
  (void)state;
  int count = 0;
  struct closure f = {.count = &count};
  mx_array x = abc(c), g = NULL;
  assert_int_equal(mxb_grad(c, checkpoint_loss, &f, &x, 1, &g), MX_OK);
  assert_int_equal(count, 2);
  assert_float_equal(at(g, 1), expf(2), 1e-6f * expf(2)); /* 2 ulp of exp */
  mxb_drain();
  assert_int_equal(f.released, 1);
  mxb_release(x);
  mxb_release(g);
}

static void a_call_that_fails_gives_the_closure_back(void **state) {
  (void)state;
  struct closure f = {0};
  mxb_list *results = mxb_list_new();
  assert_int_equal(mxb_custom_vjp(c, plus_captured, tenfold, &f, release_closure, (mx_array[]){NULL}, 1, results), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[custom_vjp]");
  mxb_drain();
  assert_int_equal(f.released, 1);
  mxb_list_free(results);
}

/* What a C program built with mx_custom_vjp is differentiated by a binding. */
static mx_status c_double(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  results[0] = mx_add(args[0], args[0]);
  return MX_OK;
}

static mx_status c_tenfold(const mx_array *primals, const mx_array *cotangents, const mx_array *results, size_t count, size_t result_count,
                           mx_array *vjps, void *ctx) {
  (void)primals, (void)results, (void)count, (void)result_count;
  if (ctx) return mx_raise(MX_ERR_TYPE, "[gradient] no");
  vjps[0] = mx_multiply(cotangents[0], mx_scalar_i(10));
  return MX_OK;
}

static mx_array mixed_loss(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  mx_scope s = mx_scope_begin();
  mx_array y = NULL;
  mx_status code = mx_custom_vjp(c_double, c_tenfold, user, args, count, &y, 1);
  mx_array sum = code ? NULL : mxb_sum(ctx, y, MX_ALL, false);
  mx_scope_end(s);
  return sum;
}

static void functions_of_c_programs_work_in_other_contexts(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL;
  size_t top = mxi_ctx_thread()->top;
  assert_int_equal(mxb_grad(c, mixed_loss, NULL, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 0), 10, 0);
  mxb_release(g);
  assert_int_equal(mxb_grad(c, mixed_loss, (char *)"", &x, 1, &g), MX_ERR_TYPE);
  expect(MX_ERR_TYPE, "[gradient] no");
  assert_int_equal(mx_error(), MX_OK);
  assert_int_equal(mxi_ctx_thread()->top, top);
  mxb_release(x);
}

/* ---- Rules for forward derivatives ------------------------------------------------------------------------------- */
/* f(a, b) = (a * b, a), with derivatives of the user's: forward, 100 * da for the first result and none for the second. */
static mx_status product_and_a(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  (void)count;
  ++*((struct closure *)user)->count;
  mx_status code = mxb_list_add(ctx, results, mxb_multiply(ctx, args[0], args[1]));
  return code ? code : mxb_list_add(ctx, results, mxb_retain(args[0]));
}

static mx_status hundredfold(mxb_ctx *ctx, const mx_array *primals, const mx_array *tangents, size_t count, size_t result_count,
                             mx_array *jvps, void *user) {
  (void)primals, (void)count, (void)user;
  assert_true(count == 2 && result_count == 2);
  if (!tangents[0]) return MX_OK;
  mx_array hundred = mxb_scalar_i(ctx, ((struct closure *)user)->captured ? -1 : 100);
  jvps[0] = mxb_multiply(ctx, tangents[0], hundred);
  if (jvps[0] && ((struct closure *)user)->captured) { /* a tangent of another shape */
    mx_array sum = mxb_sum(ctx, jvps[0], MX_ALL, false);
    mxb_release(jvps[0]);
    jvps[0] = sum;
  }
  mxb_release(hundred);
  return jvps[0] ? MX_OK : mxb_error_code(ctx);
}

static mx_status only_forward(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  return mxb_custom_function(ctx, product_and_a, NULL, hundredfold, user, NULL, args, count, results);
}

static mx_status second_is_constant(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  (void)count;
  mx_array both[2] = {args[0], mxb_constant_f(ctx, 7, MX_FLOAT32)};
  mx_status code = mxb_custom_function(ctx, product_and_a, NULL, hundredfold, user, NULL, both, 2, results);
  mxb_release(both[1]);
  return code;
}

static mx_status first_is_constant(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  (void)count;
  mx_array both[2] = {mxb_constant_f(ctx, 7, MX_FLOAT32), args[0]};
  mx_status code = mxb_custom_function(ctx, product_and_a, NULL, hundredfold, user, NULL, both, 2, results);
  mxb_release(both[0]);
  return code;
}

static void expect_jvps(mxb_fn_many f, void *user, const mx_array *x, size_t count, float first, float second) {
  mxb_list *results = mxb_list_new(), *jvps = mxb_list_new();
  assert_int_equal(mxb_jvp(c, f, user, x, x, count, results, jvps), MX_OK);
  assert_int_equal(mxb_list_count(jvps), 2);
  assert_float_equal(at(mxb_list_at(jvps, 0), 1), first, 0);
  assert_float_equal(at(mxb_list_at(jvps, 1), 1), second, 0);
  mxb_list_free(results);
  mxb_list_free(jvps);
}

static void forward_rules_are_used(void **state) {
  (void)state;
  int count = 0;
  struct closure f = {.count = &count};
  mx_array x[2] = {abc(c), abc(c)};
  expect_jvps(only_forward, &f, x, 2, 200, 0);
  expect_jvps(second_is_constant, &f, x, 1, 200, 0);
  expect_jvps(first_is_constant, &f, x, 1, 0, 0); /* the rule sees that the first argument has no tangent */
  assert_int_equal(count, 3);
  f.captured = x[0];
  mxb_list *results = mxb_list_new(), *jvps = mxb_list_new();
  assert_int_equal(mxb_jvp(c, only_forward, &f, x, x, 2, results, jvps), MX_ERR_SHAPE);
  expect(MX_ERR_SHAPE, "[custom_jvp] tangent 0 has shape () but result 0 has shape (3,)");
  mxb_list_free(results);
  mxb_list_free(jvps);
  mxb_release(x[0]);
  mxb_release(x[1]);
}

static void where_a_rule_is_missing_the_function_runs_again(void **state) {
  (void)state;
  int count = 0;
  struct closure f = {.count = &count};
  mx_array x[2] = {abc(c), abc(c)}, vjps[2];
  mxb_list *results = mxb_list_new();
  assert_int_equal(mxb_vjp(c, only_forward, &f, x, 2, x, 2, results, vjps), MX_OK);
  assert_int_equal(count, 2);
  assert_float_equal(at(vjps[0], 1), 2 * 2 + 2, 0);
  assert_float_equal(at(vjps[1], 1), 2 * 2, 0);
  mxb_release(vjps[0]);
  mxb_release(vjps[1]);
  mxb_list_clear(results);
  assert_int_equal(mxb_custom_function(c, product_and_a, NULL, NULL, &f, NULL, x, 2, results), MX_OK);
  assert_false(mxb_is_tainted(mxb_list_at(results, 0))); /* no transform is there to ask */
  mxb_list_free(results);
  mxb_release(x[0]);
  mxb_release(x[1]);
}

/* What a function reaches besides its arguments is a constant. */
static mx_array captured_loss(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  struct closure *f = user;
  static struct closure inner; /* the function runs again when this one is over */
  inner = (struct closure){.captured = args[0]};
  (void)count;
  mx_array y = mxb_add(ctx, args[0], args[0]), z = f->count ? y : f->captured;
  mxb_list *results = mxb_list_new();
  mx_array s = NULL;
  if (!mxb_custom_function(ctx, plus_captured, NULL, NULL, &inner, NULL, &z, 1, results)) s = mxb_sum(ctx, mxb_list_at(results, 0), MX_ALL, false);
  mxb_list_free(results);
  mxb_release(y);
  return s;
}

static void captured_arrays_are_constants(void **state) {
  (void)state;
  mx_array x = abc(c), g = NULL;
  struct closure f = {.captured = x};
  assert_int_equal(mxb_grad(c, captured_loss, &f, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 1), 0, 0);
  mxb_release(g);
  int through = 1;
  f.count = &through;
  assert_int_equal(mxb_grad(c, captured_loss, &f, &x, 1, &g), MX_OK);
  assert_float_equal(at(g, 1), 2, 0);
  mxb_release(g);
  mxb_release(x);
}

/* ---- What a garbage collector sees ------------------------------------------------------------------------------- */
struct edges {
  void *payload;
  mx_array inputs[4];
  int count, stop_at;
};

static int note(void *payload, mx_array input, void *arg) {
  struct edges *e = arg;
  if (payload) e->payload = payload;
  if (input) e->inputs[e->count++] = input;
  return --e->stop_at ? 0 : 77;
}

struct leak {
  struct closure *f;
  mx_array y;
};

static mx_array leaking_loss(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  struct leak *l = user;
  (void)count;
  l->y = custom(ctx, l->f, args[0]);
  return mxb_sum(ctx, l->y, MX_ALL, false);
}

/* custom(x), called in a transform that is over, but for this result. */
static mx_array leaked(struct closure *f, mx_array x) {
  struct leak l = {f, NULL};
  mx_array g = NULL;
  assert_int_equal(mxb_grad(c, leaking_loss, &l, &x, 1, &g), MX_OK);
  mxb_release(g);
  return l.y;
}

static void taint_is_inherited_and_seen_edge_by_edge(void **state) {
  (void)state;
  struct closure f = {0};
  mx_array x = abc(c), y = leaked(&f, x), z = mxb_add(c, y, x), twice = mxb_multiply(c, y, y), plain = mxb_add(c, x, x);
  assert_true(mxb_is_tainted(y) && mxb_is_tainted(z));
  assert_false(mxb_is_tainted(x) || mxb_is_tainted(plain));
  struct edges e = {0};
  assert_int_equal(mxb_visit(z, note, &e), 0);
  assert_true(e.count == 1 && e.inputs[0] == y && !e.payload); /* x is not tainted: nothing to see there */
  e = (struct edges){0};
  mxb_visit(twice, note, &e);
  assert_true(e.count == 2 && e.inputs[0] == y && e.inputs[1] == y);
  e = (struct edges){.stop_at = 1};
  assert_int_equal(mxb_visit(twice, note, &e), 77);
  assert_int_equal(e.count, 1);
  e = (struct edges){0};
  mxb_visit(y, note, &e);
  assert_int_equal(e.count, 1); /* the node of the call, of which y is an output */
  mx_array call = e.inputs[0];
  e = (struct edges){0};
  mxb_visit(call, note, &e);
  assert_ptr_equal(e.payload, &f);
  e = (struct edges){0};
  mxb_visit(plain, note, &e);
  assert_true(!e.payload && !e.count);
  mx_array all[] = {x, y, z, twice, plain};
  for (int k = 0; k < 5; k++) mxb_release(all[k]);
  mxb_drain();
  assert_int_equal(f.released, 1);
}

static void an_array_can_be_given_a_payload(void **state) {
  (void)state;
  struct closure f = {0};
  mx_array x = abc(c);
  assert_null(mxb_payload(x));
  assert_int_equal(mxb_attach(c, x, &f, release_closure), MX_OK);
  assert_ptr_equal(mxb_payload(x), &f);
  assert_int_equal(mxb_attach(c, x, &f, release_closure), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "already");
  mxb_release(x);
  assert_int_equal(f.released, 0);
  mxb_drain();
  assert_int_equal(f.released, 1);
}

static void evaluation_lets_closures_go_but_does_not_run_their_release(void **state) {
  (void)state;
  struct closure f = {0};
  mx_array x = abc(c), y = leaked(&f, x);
  assert_true(mxb_is_tainted(y));
  assert_int_equal(mxb_async_eval(c, &y, 1), MX_OK);
  assert_int_equal(mxb_synchronize(c), MX_OK); /* the graph went on the stream's thread */
  assert_false(mxb_is_tainted(y));
  assert_float_equal(at(y, 0), expf(1), 1e-6f * expf(1));
  assert_int_equal(f.released, 0);
  assert_int_equal(mxb_drain(), 1);
  assert_true(f.released == 1 && pthread_equal(f.by, pthread_self()));
  mxb_release(x);
  mxb_release(y);
}

/* A collector in small: all nodes that one array reaches, and the references that are found on the way. */
struct found {
  mx_array node[16];
  int64_t refs[16];
  int count;
  struct closure *closure;
};

static void find(struct found *g, mx_array a);

static int follow(void *payload, mx_array input, void *arg) {
  struct found *g = arg;
  if (payload) g->closure = payload;
  if (payload && g->closure->captured) find(g, g->closure->captured);
  if (input) find(g, input);
  return 0;
}

static void find(struct found *g, mx_array a) {
  for (int i = 0; i < g->count; i++)
    if (g->node[i] == a) {
      g->refs[i]++;
      return;
    }
  g->node[g->count] = a;
  g->refs[g->count++] = 1;
  mxb_visit(a, follow, g);
}

static bool is_garbage(const struct found *g) {
  for (int i = 0; i < g->count; i++)
    if (g->refs[i] != mxb_reference_count(g->node[i])) return false;
  return true;
}

static void a_cycle_through_a_closure_is_found_and_cleared(void **state) {
  (void)state;
  struct closure f = {0};
  mx_array x = abc(c), y = leaked(&f, x), z = mxb_exp(c, y);
  f.captured = mxb_retain(z); /* z -> y -> call -> closure -> z */
  mxb_release(x);
  mxb_release(y);
  struct found g = {0};
  find(&g, z);
  assert_ptr_equal(g.closure, &f);
  assert_int_equal(g.count, 3); /* z, y, and the call */
  g.refs[0]--;                  /* find began at our own reference, which is none of the graph's */
  assert_false(is_garbage(&g));
  mxb_release(z);
  assert_true(is_garbage(&g));
  assert_int_equal(mxb_drain(), 0); /* counting alone does not free it */
  mx_array kept = mxb_retain(y);
  for (int i = 0; i < g.count; i++) mxb_retain(g.node[i]); /* what is cleared must not go while others are looked at */
  for (int i = 0; i < g.count; i++) mxb_clear(g.node[i]);
  assert_int_equal(mxb_drain(), 1);
  assert_true(f.released == 1 && !f.captured);
  for (int i = 0; i < g.count; i++) {
    struct edges e = {0};
    mxb_visit(g.node[i], note, &e);
    assert_true(!e.count && !e.payload); /* nothing is left to see */
  }
  for (int i = 0; i < g.count; i++) mxb_release(g.node[i]);
  assert_int_equal(mxb_eval(c, &kept, 1), MX_ERR_STATE); /* who holds on to it is told */
  expect(MX_ERR_STATE, "garbage collector");
  mx_array later = mxb_exp(c, kept);
  assert_int_equal(mxb_eval(c, &later, 1), MX_ERR_STATE);
  expect(MX_ERR_STATE, "garbage collector");
  mxb_release(later);
  mxb_release(kept);
  mxb_clear(NULL);
}

/* ---- Allocations that fail --------------------------------------------------------------------------------------- */
static bool try_grad(mxb_ctx *ctx, mx_array x) {
  mx_array g = NULL;
  bool ok = !mxb_grad(ctx, grad_sum, NULL, &x, 1, &g) && mxb_data(ctx, g);
  mxb_release(g);
  return ok;
}

static bool try_lists(mxb_ctx *ctx, mx_array x) {
  int two = 2;
  mxb_list *results = mxb_list_new(), *jvps = mxb_list_new();
  mx_array g = NULL;
  bool ok = results && jvps && !mxb_jvp(ctx, multiples, &two, &x, &x, 1, results, jvps) &&
            !mxb_vjp(ctx, multiples, &two, &x, 1, (mx_array[]){x, x}, 2, results, &g);
  if (!results || !jvps) mxb_raise(ctx, MX_ERR_MEMORY, "no list");
  mxb_release(g);
  mxb_list_free(results);
  mxb_list_free(jvps);
  return ok;
}

static bool try_custom(mxb_ctx *ctx, mx_array x) {
  struct closure f = {0}, again = {.count = (int[]){0}};
  mx_array g = NULL, h = NULL;
  bool ok = !mxb_grad(ctx, custom_loss, &f, &x, 1, &g);
  mx_array y = ok ? custom(ctx, &again, x) : NULL;
  ok = ok && y;
  mxb_clear(y);
  mxb_release(y);
  mxb_release(g);
  mxb_release(h);
  mxb_drain();
  return ok && f.released == 1 && again.released == 1;
}

static bool try_forward(mxb_ctx *ctx, mx_array x) {
  int count = 0;
  struct closure f = {.count = &count};
  mx_array both[2] = {x, x}, vjps[2] = {NULL, NULL};
  mxb_list *results = mxb_list_new(), *jvps = mxb_list_new();
  if (!results || !jvps) mxb_raise(ctx, MX_ERR_MEMORY, "no list");
  bool ok = results && jvps && !mxb_jvp(ctx, only_forward, &f, both, both, 2, results, jvps) &&
            !mxb_vjp(ctx, only_forward, &f, both, 2, both, 2, results, vjps); /* which runs it again */
  mxb_release(vjps[0]);
  mxb_release(vjps[1]);
  mxb_list_free(results);
  mxb_list_free(jvps);
  mxb_drain();
  return ok;
}

static bool (*const tries[])(mxb_ctx *ctx, mx_array x) = {try_grad, try_lists, try_custom, try_forward};

static void each_allocation_can_fail(void **state) {
  (void)state;
  mx_array x = abc(c);
  assert_non_null(mxb_data(c, x));
  for (size_t k = 0; k < sizeof tries / sizeof *tries; k++) {
    for (int warm = 0; warm < 3; warm++) assert_true(tries[k](c, x));
    bool reached = true;
    for (int64_t nth = 1; reached; nth++) {
      int64_t live = mxi_live_nodes();
      size_t active = mx_memory_info().active;
      mxb_ctx *ctx = mxb_ctx_new();
      mxi_memory_fail_at(nth);
      bool ok = tries[k](ctx, x);
      reached = mxi_memory_count() >= nth;
      mxi_memory_fail_at(0);
      if (mxb_error_code(ctx) != (ok ? MX_OK : MX_ERR_MEMORY))
        fail_msg("try %zu, allocation %lld: failed %d, error %d", k, (long long)nth, !ok, mxb_error_code(ctx));
      mxb_ctx_free(ctx);
      mxb_drain();
      if (mxi_live_nodes() != live || mx_memory_info().active != active)
        fail_msg("try %zu, allocation %lld: %lld nodes lost", k, (long long)nth, (long long)(mxi_live_nodes() - live));
    }
  }
  mxb_release(x);
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */
enum { THREADS = 8, ROUNDS = 40 };

static void *work(void *arg) {
  mx_array shared = arg;
  mxb_ctx *ctx = mxb_ctx_new();
  intptr_t wrong = 0;
  for (int i = 0; i < ROUNDS; i++) {
    struct closure *f = calloc(1, sizeof *f);
    mx_array g = NULL, h = NULL;
    wrong += mxb_grad(ctx, custom_loss, f, &shared, 1, &g) != MX_OK || ((const float *)mxb_data(ctx, g))[0] != 10;
    wrong += mxb_grad(ctx, cube_sum, NULL, &shared, 1, &h) != MX_OK || ((const float *)mxb_data(ctx, h))[1] != 12;
    mxb_release(g);
    mxb_release(h);
    while (!atomic_load(&f->released)) mxb_drain(); /* another thread may be at it */
    free(f);
  }
  mxb_ctx_free(ctx);
  return (void *)wrong;
}

static void threads_differentiate_with_a_ctx_each(void **state) {
  (void)state;
  mx_array shared = abc(c);
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, work, shared), 0);
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    pthread_join(t[i], &wrong);
    assert_null(wrong);
  }
  mxb_release(shared);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(gradients_are_owned),
      TEST(evaluating_in_a_closure_keeps_its_graph),
      TEST(a_failing_closure_says_why),
      TEST(gradients_nest),
      TEST(any_number_of_results_comes_back),
      TEST(a_custom_gradient_is_used_and_its_closure_held),
      TEST(a_checkpoint_runs_again),
      TEST(a_call_that_fails_gives_the_closure_back),
      TEST(functions_of_c_programs_work_in_other_contexts),
      TEST(forward_rules_are_used),
      TEST(where_a_rule_is_missing_the_function_runs_again),
      TEST(captured_arrays_are_constants),
      TEST(taint_is_inherited_and_seen_edge_by_edge),
      TEST(an_array_can_be_given_a_payload),
      TEST(evaluation_lets_closures_go_but_does_not_run_their_release),
      TEST(a_cycle_through_a_closure_is_found_and_cleared),
      TEST(each_allocation_can_fail),
      TEST(threads_differentiate_with_a_ctx_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

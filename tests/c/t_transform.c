/* Transforms of transforms, functions that fail, arrays that escape, and what is left behind: nothing. Values are checked
 * against derivatives written by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"

static int64_t live_before;
static size_t active_before;

static int count_before(void **state) {
  (void)state;
  mx_error_clear();
  live_before = mxi_live_nodes();
  active_before = mx_memory_info().active;
  return 0;
}

static int count_after(void **state) {
  (void)state;
  if (mx_error()) print_error("left pending: %s\n", mx_error_message());
  if (!mx_error() && mxi_live_nodes() == live_before && mx_memory_info().active == active_before) return 0;
  print_error("%lld nodes, %lld bytes leaked\n", (long long)(mxi_live_nodes() - live_before),
              (long long)(mx_memory_info().active - active_before));
  mx_error_clear();
  return 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, count_before, count_after)

static void expect_error(mx_status code, const char *text) {
  char message[512];
  assert_int_equal(mx_error_take(message, sizeof message), code);
  if (!strstr(message, text)) fail_msg("\"%s\" does not contain \"%s\"", message, text);
}

static void expect_near(double got, double expected) {
  if (!(fabs(got - expected) <= 1e-12 * (1 + fabs(expected)))) fail_msg("%.17g is not %.17g (%s)", got, expected, mx_error_message());
}

static mx_array grad_of(mx_fn f, void *ctx, mx_array x) {
  mx_array g = NULL;
  mx_grad(f, ctx, &x, 1, &g);
  return g;
}

/* ---- Derivatives of derivatives ---------------------------------------------------------------------------------- */
static mx_array fourth_power(const mx_array *x, void *ctx) { return (void)ctx, mx_square(mx_square(x[0])); }
static mx_array first(const mx_array *x, void *ctx) { return (void)ctx, grad_of(fourth_power, NULL, x[0]); }
static mx_array second(const mx_array *x, void *ctx) { return (void)ctx, grad_of(first, NULL, x[0]); }
static mx_array third(const mx_array *x, void *ctx) { return (void)ctx, grad_of(second, NULL, x[0]); }

static void gradients_nest(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(1.5);
  expect_near(mx_item_f64(grad_of(fourth_power, NULL, x)), 4 * 1.5 * 1.5 * 1.5);
  expect_near(mx_item_f64(grad_of(first, NULL, x)), 12 * 1.5 * 1.5);
  expect_near(mx_item_f64(grad_of(second, NULL, x)), 24 * 1.5);
  expect_near(mx_item_f64(grad_of(third, NULL, x)), 24);
  mx_scope_end(s);
}

/* d/dx [x * d/dy (x y^2) at y = x] = d/dx 2 x^3: an inner variable that depends on the outer one. */
static mx_array inner(const mx_array *y, void *ctx) { return mx_multiply(*(mx_array *)ctx, mx_square(y[0])); }
static mx_array outer(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array held = x[0];
  return mx_multiply(x[0], grad_of(inner, &held, x[0]));
}
static mx_array ignores_inner(const mx_array *y, void *ctx) { return (void)y, mx_square(*(mx_array *)ctx); }
static mx_array outer_of_ignored(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array held = x[0];
  return mx_add(x[0], grad_of(ignores_inner, &held, x[0]));
}

static void levels_are_told_apart(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  expect_near(mx_item_f64(grad_of(outer, NULL, mx_f64(0.75))), 6 * 0.75 * 0.75);
  expect_near(mx_item_f64(grad_of(outer_of_ignored, NULL, mx_f64(0.75))), 1);
  mx_scope_end(s);
}

static mx_status sin_and_product(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  y[0] = mx_sin(x[0]);
  y[1] = mx_multiply(x[0], x[1]);
  return MX_OK;
}

static mx_array by_vjp(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array cotangents[2] = {x[0], mx_f64(3)}, y[2], g[2];
  if (mx_vjp(sin_and_product, NULL, x, 2, cotangents, 2, y, g)) return NULL;
  return mx_multiply(g[0], g[1]);
}

static void gradients_of_vjps(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  double a = 0.7, b = -1.3;
  mx_array x[2] = {mx_f64(a), mx_f64(b)}, g[2];
  /* h = (a cos a + 3 b)(3 a) */
  assert_int_equal(mx_grad(by_vjp, NULL, x, 2, g), MX_OK);
  expect_near(mx_item_f64(g[0]), (cos(a) - a * sin(a)) * 3 * a + (a * cos(a) + 3 * b) * 3);
  expect_near(mx_item_f64(g[1]), 9 * a);
  mx_scope_end(s);
}

static mx_status gradient_as_many(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  y[0] = grad_of(fourth_power, NULL, x[0]);
  return mx_error();
}

static mx_array by_jvp(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array tangent = mx_f64(2), y, t;
  if (mx_jvp(gradient_as_many, NULL, x, &tangent, 1, &y, 1, &t)) return NULL;
  return t;
}

static void jvps_of_gradients_and_back(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(1.25), tangent = mx_f64(1), y, t;
  assert_int_equal(mx_jvp(gradient_as_many, NULL, &x, &tangent, 1, &y, 1, &t), MX_OK);
  expect_near(mx_item_f64(y), 4 * pow(1.25, 3));
  expect_near(mx_item_f64(t), 12 * 1.25 * 1.25);
  expect_near(mx_item_f64(grad_of(by_jvp, NULL, x)), 2 * 24 * 1.25);
  mx_scope_end(s);
}

static mx_array quadratic(const mx_array *x, void *ctx) {
  (void)ctx;
  return mx_sum(mx_multiply(mx_square(x[0]), x[1]), MX_ALL, false);
}

static void value_and_grad_gives_both(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x[2] = {mx_from_data((double[]){1, 2, 3}, MX_INTS(3), MX_FLOAT64), mx_f64(2)}, value = NULL, g[2];
  assert_int_equal(mx_value_and_grad(quadratic, NULL, x, 2, &value, g), MX_OK);
  expect_near(mx_item_f64(value), 28);
  assert_memory_equal(mx_data(g[0]), ((double[]){4, 8, 12}), 24);
  expect_near(mx_item_f64(g[1]), 14);
  assert_int_equal(mx_ndim(g[1]), 0);
  mx_scope_end(s);
}

static mx_array same_argument(const mx_array *x, void *ctx) { return (void)ctx, mx_multiply(x[0], mx_square(x[1])); }

static void one_array_may_be_two_arguments(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(3), both[2] = {x, x}, g[2];
  assert_int_equal(mx_grad(same_argument, NULL, both, 2, g), MX_OK);
  expect_near(mx_item_f64(g[0]), 9);
  expect_near(mx_item_f64(g[1]), 18);
  mx_scope_end(s);
}

static mx_array returns_its_argument(const mx_array *x, void *ctx) { return (void)ctx, x[0]; }
static mx_array returns_a_constant(const mx_array *x, void *ctx) { return (void)ctx, (void)x, mx_f64(5); }
static mx_array returns_a_literal(const mx_array *x, void *ctx) { return (void)ctx, (void)x, mx_scalar_f(5); }
static mx_array stopped(const mx_array *x, void *ctx) { return (void)ctx, mx_multiply(x[0], mx_stop_gradient(x[0])); }

static void constants_and_arguments_differentiate(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(3);
  expect_near(mx_item_f64(grad_of(returns_its_argument, NULL, x)), 1);
  expect_near(mx_item_f64(grad_of(returns_a_constant, NULL, x)), 0);
  expect_near(mx_item_f64(grad_of(returns_a_literal, NULL, x)), 0);
  expect_near(mx_item_f64(grad_of(stopped, NULL, x)), 3);
  expect_near(mx_item_f64(grad_of(returns_its_argument, NULL, mx_scalar_f(3))), 1);
  mx_scope_end(s);
}

static mx_array over_integers(const mx_array *x, void *ctx) { return (void)ctx, mx_multiply(mx_astype(x[0], MX_FLOAT32), x[1]); }

static void integer_arguments_have_integer_gradients(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x[2] = {mx_i32(3), mx_f32(2.5f)}, g[2];
  assert_int_equal(mx_grad(over_integers, NULL, x, 2, g), MX_OK);
  assert_int_equal(mx_dtype_of(g[0]), MX_INT32);
  assert_true(mx_item_f64(g[1]) == 3);
  mx_scope_end(s);
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */
static mx_array says_nothing(const mx_array *x, void *ctx) { return (void)ctx, (void)x, NULL; }
static mx_array raises(const mx_array *x, void *ctx) { return (void)ctx, (void)x, mx_raise(MX_ERR_IO, "of my own"), NULL; }
static mx_array raises_yet_returns(const mx_array *x, void *ctx) { return (void)ctx, mx_raise(MX_ERR_IO, "of my own"), x[0]; }
static mx_array not_a_scalar(const mx_array *x, void *ctx) { return (void)ctx, mx_broadcast_to(x[0], MX_INTS(3)); }
static mx_array bad_shapes(const mx_array *x, void *ctx) {
  (void)ctx;
  return mx_sum(mx_add(mx_broadcast_to(x[0], MX_INTS(2)), mx_zeros(MX_INTS(3), MX_FLOAT64)), MX_ALL, false);
}
static mx_array leaves_scopes_open(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_scope_begin();
  mx_square(x[0]);
  mx_scope_begin();
  return mx_exp(x[0]);
}

static void functions_that_fail(void **state) {
  (void)state;
  static const struct {
    mx_fn f;
    mx_status code;
    const char *text;
  } rows[] = {
      {says_nothing, MX_ERR_VALUE, "[grad] the function returned no array"},
      {raises, MX_ERR_IO, "of my own"},
      {raises_yet_returns, MX_ERR_IO, "of my own"},
      {not_a_scalar, MX_ERR_SHAPE, "[grad]"},
      {bad_shapes, MX_ERR_SHAPE, "[add]"},
  };
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(2), mark = mx_f64(0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mx_array g = mark, value = mark;
    int64_t live = mxi_live_nodes();
    assert_int_equal(mx_grad(rows[i].f, NULL, &x, 1, &g), rows[i].code);
    expect_error(rows[i].code, rows[i].text);
    assert_int_equal(mx_value_and_grad(rows[i].f, NULL, &x, 1, &value, &g), rows[i].code);
    mx_error_clear();
    assert_ptr_equal(g, mark);
    assert_ptr_equal(value, mark);
    assert_int_equal(mxi_live_nodes(), live);
  }
  expect_near(mx_item_f64(grad_of(leaves_scopes_open, NULL, mx_f64(0))), 1);
  mx_scope_end(s);
}

static mx_status many_nothing(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  return (void)ctx, (void)x, (void)n, (void)m, (void)y, MX_OK;
}
static mx_status many_code(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  return (void)ctx, (void)n, (void)m, y[0] = x[0], MX_ERR_TYPE;
}
static mx_status many_ok(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  return (void)ctx, (void)n, (void)m, y[0] = mx_square(x[0]), MX_OK;
}

static void functions_of_many_that_fail(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(2), one = mx_f64(1), wrong = mx_ones(MX_INTS(2), MX_FLOAT64), mark = mx_f64(0);
  static const mx_fn_many fs[] = {many_nothing, many_code};
  static const mx_status codes[] = {MX_ERR_VALUE, MX_ERR_TYPE};
  for (int i = 0; i < 2; i++) {
    mx_array y = mark, d = mark;
    assert_int_equal(mx_vjp(fs[i], NULL, &x, 1, &one, 1, &y, &d), codes[i]);
    expect_error(codes[i], "[vjp]");
    assert_int_equal(mx_jvp(fs[i], NULL, &x, &one, 1, &y, 1, &d), codes[i]);
    expect_error(codes[i], "[jvp]");
    assert_int_equal(mx_checkpoint(fs[i], NULL, &x, 1, &y, 1), codes[i]);
    expect_error(codes[i], "[checkpoint]");
    assert_true(y == mark && d == mark);
  }
  mx_array y = mark, d = mark;
  assert_int_equal(mx_vjp(many_ok, NULL, &x, 1, &wrong, 1, &y, &d), MX_ERR_SHAPE);
  expect_error(MX_ERR_SHAPE, "[vjp]");
  assert_int_equal(mx_jvp(many_ok, NULL, &x, &wrong, 1, &y, 1, &d), MX_ERR_SHAPE);
  expect_error(MX_ERR_SHAPE, "[jvp]");
  mx_array none = NULL;
  assert_int_equal(mx_vjp(many_ok, NULL, &none, 1, &one, 1, &y, &d), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[vjp]");
  assert_int_equal(mx_vjp(many_ok, NULL, &x, 1, &none, 1, &y, &d), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[vjp]");
  assert_int_equal(mx_grad(NULL, NULL, &x, 1, &y), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[grad]");
  assert_int_equal(mx_grad(fourth_power, NULL, &none, 1, &y), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[grad]");
  assert_true(y == mark && d == mark);
  mx_scope_end(s);
}

/* A failure in an inner transform leaves the outer one usable afterwards. */
static mx_array recovers(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array g = NULL;
  if (mx_grad(says_nothing, NULL, x, 1, &g) != MX_ERR_VALUE || g) return NULL;
  mx_error_clear();
  return mx_square(x[0]);
}

static void an_inner_failure_can_be_recovered_from(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  expect_near(mx_item_f64(grad_of(recovers, NULL, mx_f64(4))), 8);
  expect_near(mx_item_f64(grad_of(second, NULL, mx_f64(1))), 24);
  mx_scope_end(s);
}

/* ---- Evaluating inside, and escaping ----------------------------------------------------------------------------- */
static mx_array evaluates(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array y = mx_exp(mx_square(x[0]));
  if (mx_eval(y) || mx_eval(x[0])) return NULL;
  double seen = mx_item_f64(y);
  mx_data(y);
  mx_array z = mx_multiply(y, x[0]);
  return mx_item_f64(z) == seen * mx_item_f64(x[0]) ? z : NULL;
}

static mx_array branches(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array y = x[0];
  while (mx_item_f64(y) < 100) y = mx_multiply(y, y);
  return y;
}

static mx_array evaluates_in_two_levels(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array g = grad_of(evaluates, NULL, x[0]);
  return mx_eval(g) ? NULL : mx_multiply(g, x[0]);
}

static void evaluating_inside_keeps_the_graph(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  double x = 0.5, e = exp(x * x);
  expect_near(mx_item_f64(grad_of(evaluates, NULL, mx_f64(x))), e * (1 + 2 * x * x));
  expect_near(mx_item_f64(grad_of(branches, NULL, mx_f64(3))), 8 * pow(3, 7));
  /* h = x e (1 + 2x^2); h' = e (1 + 2x^2) + x (2x e (1 + 2x^2) + 4x e) */
  expect_near(mx_item_f64(grad_of(evaluates_in_two_levels, NULL, mx_f64(x))),
              e * (1 + 2 * x * x) + x * (2 * x * e * (1 + 2 * x * x) + 4 * x * e));
  mx_scope_end(s);
}

static mx_array leaks(const mx_array *x, void *ctx) {
  mx_array *out = ctx, y = mx_multiply(x[0], mx_f64(10));
  mx_set(&out[0], y);
  mx_set(&out[1], x[0]);
  if (mx_eval(y)) return NULL;
  mx_set(&out[2], mx_square(y));
  return mx_square(y);
}

static void arrays_may_escape(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array out[3] = {NULL, NULL, NULL};
  expect_near(mx_item_f64(grad_of(leaks, out, mx_f64(2))), 400);
  mx_scope_end(s);
  expect_near(mx_item_f64(out[0]), 20);
  expect_near(mx_item_f64(out[1]), 2);
  expect_near(mx_item_f64(out[2]), 400);
  s = mx_scope_begin();
  expect_near(mx_item_f64(grad_of(fourth_power, NULL, out[1])), 32);
  expect_near(mx_item_f64(grad_of(first, NULL, mx_add(out[0], mx_f64(0)))), 4800);
  mx_scope_end(s);
  for (int i = 0; i < 3; i++) mx_clear(&out[i]);
}

/* ---- Gradients of one's own -------------------------------------------------------------------------------------- */
static mx_status half_gradient(const mx_array *x, const mx_array *g, const mx_array *y, size_t count, size_t result_count,
                               mx_array *out, void *ctx) {
  (void)count, (void)result_count, (void)y;
  ++*(int *)ctx;
  out[0] = mx_multiply(mx_multiply(g[0], x[0]), mx_f64(0.5));
  return MX_OK;
}

static mx_status counted_square(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  ++*(int *)ctx;
  y[0] = mx_multiply(x[0], mx_sin(x[0]));
  return MX_OK;
}

static mx_array uses_custom(const mx_array *x, void *ctx) {
  mx_array y = NULL;
  if (mx_custom_vjp(counted_square, half_gradient, ctx, x, 1, &y, 1)) return NULL;
  return mx_multiply(y, mx_f64(3));
}

static mx_array grad_of_custom(const mx_array *x, void *ctx) { return grad_of(uses_custom, ctx, x[0]); }

static void custom_gradients_replace_the_rules(void **state) {
  (void)state;
  int calls = 0;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(1.5), y = NULL;
  assert_int_equal(mx_custom_vjp(counted_square, half_gradient, &calls, &x, 1, &y, 1), MX_OK);
  expect_near(mx_item_f64(y), 1.5 * sin(1.5));
  assert_int_equal(calls, 1);
  expect_near(mx_item_f64(grad_of(uses_custom, &calls, x)), 3 * 1.5 * 0.5);
  assert_int_equal(calls, 3);
  expect_near(mx_item_f64(grad_of(grad_of_custom, &calls, x)), 3 * 0.5);
  mx_scope_end(s);
}

/* d(x sin x) = 10 dx, if one believes this. */
static mx_status tenfold(const mx_array *x, const mx_array *dx, size_t count, size_t result_count, mx_array *out, void *ctx) {
  (void)x, (void)count, (void)result_count, (void)ctx;
  out[0] = mx_multiply(dx[0], mx_f64(10));
  return MX_OK;
}

static mx_status uses_tenfold(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  return mx_custom_function(counted_square, NULL, tenfold, ctx, x, n, y, m);
}

static mx_status uses_half(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  return mx_custom_function(counted_square, half_gradient, NULL, ctx, x, n, y, m);
}

static mx_status vjp_of_tenfold(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  mx_array one = mx_f64(1), value;
  (void)m;
  return mx_vjp(uses_tenfold, ctx, x, n, &one, 1, &value, y);
}

static void custom_forward_derivatives_replace_the_rules(void **state) {
  (void)state;
  int calls = 0;
  mx_scope s = mx_scope_begin();
  double a = 0.8, d = sin(a) + a * cos(a), dd = 2 * cos(a) - a * sin(a);
  mx_array x = mx_f64(a), v = mx_f64(3), y, t, g, tt;
  assert_int_equal(mx_jvp(uses_tenfold, &calls, &x, &v, 1, &y, 1, &t), MX_OK);
  expect_near(mx_item_f64(y), a * sin(a));
  expect_near(mx_item_f64(t), 30);
  assert_int_equal(calls, 1);
  /* The direction without a rule runs the function again, to any order. */
  assert_int_equal(mx_vjp(uses_tenfold, &calls, &x, 1, &v, 1, &y, &g), MX_OK);
  expect_near(mx_item_f64(g), 3 * d);
  assert_int_equal(calls, 3);
  assert_int_equal(mx_jvp(uses_half, &calls, &x, &v, 1, &y, 1, &t), MX_OK);
  expect_near(mx_item_f64(t), 3 * d);
  assert_int_equal(mx_jvp(vjp_of_tenfold, &calls, &x, &v, 1, &g, 1, &tt), MX_OK);
  expect_near(mx_item_f64(tt), 3 * dd);
  mx_scope_end(s);
}

static mx_array uses_checkpoint(const mx_array *x, void *ctx) {
  mx_array y = NULL;
  if (mx_checkpoint(counted_square, ctx, x, 1, &y, 1)) return NULL;
  return mx_square(y);
}

static mx_array grad_of_checkpoint(const mx_array *x, void *ctx) { return grad_of(uses_checkpoint, ctx, x[0]); }

static void checkpoints_run_the_function_again(void **state) {
  (void)state;
  int calls = 0;
  mx_scope s = mx_scope_begin();
  double a = 0.8, f = a * sin(a), d = sin(a) + a * cos(a), dd = 2 * cos(a) - a * sin(a);
  expect_near(mx_item_f64(grad_of(uses_checkpoint, &calls, mx_f64(a))), 2 * f * d);
  assert_int_equal(calls, 2);
  expect_near(mx_item_f64(grad_of(grad_of_checkpoint, &calls, mx_f64(a))), 2 * (d * d + f * dd));
  mx_scope_end(s);
}

static mx_status failing_gradient(const mx_array *x, const mx_array *g, const mx_array *y, size_t count, size_t result_count,
                                  mx_array *out, void *ctx) {
  (void)x, (void)g, (void)y, (void)count, (void)result_count, (void)ctx, (void)out;
  return MX_ERR_TYPE;
}

static mx_array uses_failing(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array y = NULL;
  return mx_custom_vjp(many_ok, failing_gradient, NULL, x, 1, &y, 1) ? NULL : y;
}

static void a_failing_gradient_is_an_error(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(1), g = NULL;
  assert_int_equal(mx_grad(uses_failing, NULL, &x, 1, &g), MX_ERR_TYPE);
  expect_error(MX_ERR_TYPE, "[custom_vjp]");
  assert_null(g);
  mx_scope_end(s);
}

static mx_status two_results(const mx_array *x, size_t n, mx_array *y, size_t m, void *ctx) {
  (void)n, (void)m, (void)ctx;
  y[0] = mx_square(x[0]);
  y[1] = mx_multiply(x[0], x[1]);
  return MX_OK;
}

static mx_array uses_one_of_two(const mx_array *x, void *ctx) {
  mx_array y[2];
  if (mx_checkpoint(two_results, NULL, x, 2, y, 2)) return NULL;
  return ctx ? mx_add(y[0], mx_square(y[1])) : y[1];
}

static void checkpoints_have_several_results(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x[2] = {mx_f64(3), mx_f64(5)}, g[2];
  assert_int_equal(mx_grad(uses_one_of_two, NULL, x, 2, g), MX_OK);
  expect_near(mx_item_f64(g[0]), 5);
  expect_near(mx_item_f64(g[1]), 3);
  assert_int_equal(mx_grad(uses_one_of_two, g, x, 2, g), MX_OK);
  expect_near(mx_item_f64(g[0]), 6 + 2 * 3 * 25);
  expect_near(mx_item_f64(g[1]), 2 * 5 * 9);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(gradients_nest),
      TEST(levels_are_told_apart),
      TEST(gradients_of_vjps),
      TEST(jvps_of_gradients_and_back),
      TEST(value_and_grad_gives_both),
      TEST(one_array_may_be_two_arguments),
      TEST(constants_and_arguments_differentiate),
      TEST(integer_arguments_have_integer_gradients),
      TEST(functions_that_fail),
      TEST(functions_of_many_that_fail),
      TEST(an_inner_failure_can_be_recovered_from),
      TEST(evaluating_inside_keeps_the_graph),
      TEST(arrays_may_escape),
      TEST(custom_gradients_replace_the_rules),
      TEST(custom_forward_derivatives_replace_the_rules),
      TEST(checkpoints_run_the_function_again),
      TEST(a_failing_gradient_is_an_error),
      TEST(checkpoints_have_several_results),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* For tests of rules: random float64 arrays, and a check of vjp and jvp against a central difference along a random
 * direction. */
#ifndef MICA_TESTS_DERIVATIVES_H
#define MICA_TESTS_DERIVATIVES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mica.h>

static uint64_t random_state = 88172645463325252u;
static inline double draw(void) { /* in [-1, 1) */
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)(random_state >> 11) / (double)(1ll << 52) - 1;
}

static inline mx_array random_array(mx_ints shape, mx_dtype t) {
  int64_t size = 1;
  for (size_t i = 0; i < shape.count; i++) size *= shape.at[i];
  double *data = malloc(sizeof *data * (size_t)(size + 1));
  assert_non_null(data);
  for (int64_t i = 0; i < size; i++) data[i] = draw();
  mx_array a = mx_astype(mx_from_data(data, shape, MX_FLOAT64), t);
  free(data);
  assert_non_null(a);
  return a;
}

static inline void check_no_error(void) {
  if (mx_error()) print_error("%s\n", mx_error_message());
  assert_int_equal(mx_error(), MX_OK);
}

static inline double dot_of(mx_array a, mx_array b) {
  double v = mx_item_f64(mx_sum(mx_multiply(a, b), MX_ALL, false));
  check_no_error();
  return v;
}

/* F(x + step * direction), as its inner product with `weights`. */
static inline double value_at(mx_fn_many f, void *ctx, const mx_array *x, const mx_array *direction, size_t count,
                              double step, mx_array weights) {
  mx_array moved[4], y = NULL;
  for (size_t i = 0; i < count; i++) moved[i] = mx_add(x[i], mx_multiply(mx_scalar_f(step), direction[i]));
  assert_int_equal(f(moved, count, &y, 1, ctx), MX_OK);
  return dot_of(y, weights);
}

/* f of one result, in float64, at x along `direction`. The difference of step h is off by its third derivative times
 * h^2 / 6 and by rounding over h: with h = 1e-5 and operands of order 1 both are below 1e-8; conditioning gets the
 * rest. */
static inline void check_derivatives(mx_fn_many f, void *ctx, const mx_array *x, const mx_array *direction, size_t count) {
  const double h = 1e-5;
  mx_array y = NULL, grads[4] = {NULL}, tangent = NULL;
  assert_int_equal(f(x, count, &y, 1, ctx), MX_OK);
  check_no_error();
  mx_array weights = random_array(mx_shape(y), MX_FLOAT64);
  double slope = (value_at(f, ctx, x, direction, count, h, weights) - value_at(f, ctx, x, direction, count, -h, weights)) / (2 * h);
  double by_vjp = 0, scale = 1;
  mx_vjp(f, ctx, x, count, &weights, 1, &y, grads);
  check_no_error();
  for (size_t i = 0; i < count; i++) by_vjp += dot_of(grads[i], direction[i]);
  mx_jvp(f, ctx, x, direction, count, &y, 1, &tangent);
  check_no_error();
  double by_jvp = dot_of(tangent, weights);
  scale += fabs(slope);
  if (fabs(by_vjp - slope) > 1e-6 * scale || fabs(by_jvp - slope) > 1e-6 * scale)
    fail_msg("difference %.12g, vjp %.12g, jvp %.12g", slope, by_vjp, by_jvp);
}

#endif

/* Derivatives of everything that is not a row of elementwise.def: layout, indexing, order, reductions, products and
 * linear algebra, at float64: against central differences, forward against backward, and of derivatives again. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <mica.h>

enum { N = 12 }; /* elements of x, which is (3, 4) */

static mx_array weights(mx_array y) {
  int64_t n = mx_size(y);
  mx_array w = mx_sin(mx_add(mx_multiply(mx_arange(0, (double)n, 1, MX_FLOAT64), mx_scalar_f(1.7)), mx_scalar_f(0.4)));
  return mx_reshape(w, mx_shape(y));
}

static mx_array rows_index(void) { return mx_from_data((int32_t[]){2, 0, 2}, MX_INTS(3), MX_INT32); }
static mx_array along_index(void) { return mx_from_data((int32_t[]){0, 2, 1, 0, 3, 3}, MX_INTS(3, 2), MX_INT32); }
static mx_array part(mx_array x, int64_t row) { return mx_slice(x, MX_INTS(row, 0), MX_INTS(row + 1, 4), MX_INTS(1, 1)); }
static mx_array positive(mx_array x) { /* (3, 3), symmetric, positive definite */
  return mx_add(mx_matmul(x, mx_transpose(x, MX_ALL)), mx_multiply(mx_scalar_f(3), mx_eye(3, 3, 0, MX_FLOAT64)));
}
static mx_array split_part(mx_array x) {
  mx_array out[2];
  return mx_split(x, 2, 1, out) ? NULL : mx_multiply(out[0], mx_exp(out[1]));
}
static mx_array divmod_part(mx_array x) {
  mx_array out[2];
  return mx_divmod(x, mx_scalar_f(0.7), out) ? NULL : mx_square(out[1]);
}
static mx_array minmax_part(mx_array x) {
  mx_array out[2];
  return mx_minmax(x, MX_INTS(1), false, out) ? NULL : mx_multiply(out[0], out[1]);
}
static mx_array joined(mx_array x) {
  mx_array list[3] = {x, mx_square(x), mx_slice(x, MX_INTS(0, 0), MX_INTS(3, 1), MX_INTS(1, 1))};
  return mx_concatenate(list, 3, 1);
}
static mx_array stacked(mx_array x) {
  mx_array list[2] = {mx_sin(x), x};
  return mx_stack(list, 2, -1);
}
static mx_array gathered(mx_array x) {
  mx_array index = rows_index();
  return mx_square(mx_gather(x, &index, 1, MX_INTS(0), MX_INTS(1, 4)));
}
static mx_array scattered(mx_array x, int how) {
  mx_array index = mx_from_data((int32_t[]){2, 0}, MX_INTS(2), MX_INT32), base = mx_sin(x);
  mx_array updates = mx_reshape(mx_square(mx_slice(x, MX_INTS(0, 0), MX_INTS(2, 4), MX_INTS(1, 1))), MX_INTS(2, 1, 4));
  return how ? mx_scatter_add(base, &index, 1, updates, MX_INTS(0)) : mx_scatter(base, &index, 1, updates, MX_INTS(0));
}
static mx_array summed(mx_array x) {
  mx_array list[2] = {x, mx_cos(x)};
  return mx_einsum("ij,kj->ik", list, 2);
}

static mx_array first_column(mx_array x) { return mx_slice(x, MX_INTS(0, 0), MX_INTS(3, 1), MX_INTS(1, 1)); }
static mx_array rows_index_2d(void) { return mx_reshape(rows_index(), MX_INTS(3, 1)); }

/* Every one is made nonlinear, so that the second derivatives say something too. */
#define FUNCTIONS(F)                                                                                         \
  F(reshape, mx_square(mx_reshape(mx_transpose(x, MX_ALL), MX_INTS(2, 6))))                                  \
  F(transpose, mx_exp(mx_transpose(x, MX_INTS(1, 0))))                                                       \
  F(broadcast, mx_square(mx_broadcast_to(x, MX_INTS(2, 3, 4))))                                              \
  F(expand, mx_multiply(mx_expand_dims(x, MX_INTS(1)), mx_expand_dims(x, MX_INTS(2))))                       \
  F(slice, mx_square(mx_slice(x, MX_INTS(2, 3), MX_INTS(-4, 0), MX_INTS(-1, -2))))                           \
  F(slice_update, mx_slice_update(mx_square(x), mx_sin(part(x, 0)), MX_INTS(1, 0), MX_INTS(2, 4), MX_INTS(1, 1))) \
  F(as_strided, mx_square(mx_as_strided(x, MX_INTS(3, 3), MX_INTS(4, 1), 1)))                                \
  F(contiguous, mx_square(mx_contiguous(mx_transpose(x, MX_ALL))))                                           \
  F(astype, mx_square(mx_astype(x, MX_FLOAT64)))                                                             \
  F(concatenate, mx_square(joined(x)))                                                                       \
  F(stack, mx_square(stacked(x)))                                                                            \
  F(split, split_part(x))                                                                                    \
  F(repeat, mx_square(mx_repeat(x, 2, 0)))                                                                   \
  F(tile, mx_square(mx_tile(x, MX_INTS(2, 1))))                                                              \
  F(pad, mx_square(mx_pad(x, MX_INTS(1, 0), MX_INTS(0, 2), mx_scalar_f(1))))                                 \
  F(pad_edge, mx_square(mx_pad_edge(x, MX_INTS(1, 0), MX_INTS(0, 2))))                                       \
  F(roll, mx_multiply(x, mx_roll(x, MX_INTS(1, -1), MX_INTS(0, 1))))                                         \
  F(flip, mx_multiply(x, mx_flip(x, MX_ALL)))                                                                \
  F(diagonal, mx_square(mx_diagonal(x, 1, 0, 1)))                                                            \
  F(tril, mx_square(mx_tril(x, 0)))                                                                          \
  F(trace, mx_square(mx_trace(x, 0, 0, 1)))                                                                  \
  F(take, mx_square(mx_take(x, rows_index(), 0)))                                                            \
  F(take_along_axis, mx_square(mx_take_along_axis(x, along_index(), 1)))                                     \
  F(put_along_axis, mx_put_along_axis(mx_square(x), rows_index_2d(), mx_sin(first_column(x)), 1))            \
  F(scatter_add_axis, mx_scatter_add_axis(mx_square(x), along_index(), mx_sin(mx_broadcast_to(first_column(x), MX_INTS(3, 2))), 1))          \
  F(gather, gathered(x))                                                                                     \
  F(scatter, scattered(x, 0))                                                                                \
  F(scatter_add, scattered(x, 1))                                                                            \
  F(sort, mx_square(mx_sort(x, 1)))                                                                          \
  F(sort_all, mx_square(mx_sort_all(x)))                                                                     \
  F(topk, mx_square(mx_topk(x, 2, 1)))                                                                       \
  F(sum, mx_square(mx_sum(x, MX_INTS(1), true)))                                                             \
  F(prod, mx_prod(x, MX_INTS(0), false))                                                                     \
  F(max, mx_square(mx_max(x, MX_INTS(1), false)))                                                            \
  F(minmax, minmax_part(x))                                                                                  \
  F(mean, mx_square(mx_mean(x, MX_ALL, false)))                                                              \
  F(var, mx_var(x, MX_INTS(1), false, 1))                                                                    \
  F(std, mx_std(x, MX_INTS(0), false, 0))                                                                    \
  F(logsumexp, mx_logsumexp(x, MX_INTS(1), false))                                                           \
  F(softmax, mx_softmax(x, MX_INTS(1), false))                                                               \
  F(cumsum, mx_square(mx_cumsum(x, 1, true, false)))                                                         \
  F(cumprod, mx_cumprod(x, 1, false, true))                                                                  \
  F(logcumsumexp, mx_logcumsumexp(x, 1, false, true))                                                        \
  F(norm, mx_linalg_norm_l2(x, MX_INTS(1), false))                                                           \
  F(matmul, mx_matmul(x, mx_transpose(mx_sin(x), MX_ALL)))                                                   \
  F(matvec, mx_matmul(mx_exp(x), mx_mean(x, MX_INTS(0), false)))                                             \
  F(linear_step, mx_matmul(mx_transpose(x, MX_ALL), mx_sigmoid(mx_matmul(x, mx_mean(x, MX_INTS(0), false))))) \
  F(outer, mx_outer(x, x))                                                                                   \
  F(inner, mx_inner(x, mx_cos(x)))                                                                           \
  F(tensordot, mx_tensordot(x, mx_transpose(x, MX_ALL), 1))                                                  \
  F(einsum, summed(x))                                                                                       \
  F(inv, mx_linalg_inv(positive(x)))                                                                         \
  F(solve, mx_linalg_solve(positive(x), x))                                                                  \
  F(cholesky, mx_linalg_cholesky(positive(x), false))                                                        \
  F(divmod, divmod_part(x))                                                                                  \
  F(clip, mx_square(mx_clip(x, mx_scalar_f(-1), mx_scalar_f(1))))                                            \
  F(where, mx_where(mx_greater(x, mx_scalar_f(0)), mx_square(x), mx_exp(x)))                                 \
  F(nothing, mx_sum(mx_square(mx_slice(x, MX_INTS(3, 0), MX_INTS(3, 4), MX_INTS(1, 1))), MX_ALL, false))

#define FUNCTION(name, ...) \
  static mx_array f_##name(mx_array x) { return __VA_ARGS__; }
FUNCTIONS(FUNCTION)

struct function {
  const char *name;
  mx_array (*f)(mx_array x);
  double direction[N]; /* for second derivatives */
};
static struct function functions[] = {
#define ENTRY(name, ...) {#name, f_##name, {0}},
    FUNCTIONS(ENTRY)};
enum { COUNT = sizeof functions / sizeof *functions };

/* The weighted sum of f's results. */
static mx_array scalar(const mx_array *x, void *ctx) {
  mx_array y = ((struct function *)ctx)->f(x[0]);
  return y ? mx_sum(mx_multiply(y, weights(y)), MX_ALL, false) : NULL;
}

/* The derivative of that along a direction. */
static mx_array slope(const mx_array *x, void *ctx) {
  struct function *f = ctx;
  mx_array g = NULL, d = mx_from_data(f->direction, MX_INTS(3, 4), MX_FLOAT64);
  return mx_grad(scalar, ctx, x, 1, &g) ? NULL : mx_sum(mx_multiply(g, d), MX_ALL, false);
}

static double value_at(mx_fn f, struct function *of, const double *x) {
  mx_scope s = mx_scope_begin();
  mx_array a = mx_from_data(x, MX_INTS(3, 4), MX_FLOAT64);
  double v = mx_item_f64(f(&a, of));
  mx_scope_end(s);
  if (mx_error()) fail_msg("%s: %s", of->name, mx_error_message());
  return v;
}

static void points(double *x) {
  for (int i = 0; i < N; i++) x[i] = 2 * sin(2.3 * i + 0.7);
}

/* Differences at h and 2h tell the truncation error of the first: a third of how far they are apart, to the next order.
 * Rounding: a few dozen operations, each within an ulp of values of the size seen, over h. */
static void check_gradient(mx_fn f, struct function *of) {
  double x[N], g[N], h = 1e-5;
  points(x);
  mx_scope s = mx_scope_begin();
  mx_array a = mx_from_data(x, MX_INTS(3, 4), MX_FLOAT64), grad = NULL;
  if (mx_grad(f, of, &a, 1, &grad) || mx_copy_to(grad, g, sizeof g)) fail_msg("%s: %s", of->name, mx_error_message());
  mx_scope_end(s);
  double size = fabs(value_at(f, of, x)) + 1;
  for (int i = 0; i < N; i++) {
    double keep = x[i], v[4];
    for (int k = 0; k < 4; k++) {
      x[i] = keep + (k < 2 ? -1 : 1) * h * (k % 2 + 1);
      v[k] = value_at(f, of, x);
    }
    x[i] = keep;
    double near = (v[2] - v[0]) / (2 * h), far = (v[3] - v[1]) / (4 * h);
    double bound = fabs(far - near) + 256 * DBL_EPSILON * (size + fabs(near)) / h;
    if (!(fabs(g[i] - near) <= bound)) fail_msg("%s: element %d is %.15g, differences give %.15g +- %.2g", of->name, i, g[i], near, bound);
  }
}

static void gradients_agree_with_differences(void **state) {
  (void)state;
  for (int i = 0; i < COUNT; i++) check_gradient(scalar, &functions[i]);
}

static void second_derivatives_agree_with_differences(void **state) {
  (void)state;
  for (int i = 0; i < COUNT; i++) {
    for (int k = 0; k < N; k++) functions[i].direction[k] = cos(3.1 * k);
    check_gradient(slope, &functions[i]);
  }
}

static mx_status many(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  y[0] = ((struct function *)ctx)->f(x[0]);
  return MX_OK;
}

/* <g, J t> from forward equals <J^T g, t> from backward. */
static void forward_and_backward_agree(void **state) {
  (void)state;
  double x[N], t[N];
  points(x);
  for (int i = 0; i < N; i++) t[i] = cos(1.1 * i + 0.2);
  for (int i = 0; i < COUNT; i++) {
    struct function *f = &functions[i];
    mx_scope s = mx_scope_begin();
    mx_array a = mx_from_data(x, MX_INTS(3, 4), MX_FLOAT64), d = mx_from_data(t, MX_INTS(3, 4), MX_FLOAT64), y, forward = NULL, back = NULL;
    mx_status code = mx_jvp(many, f, &a, &d, 1, &y, 1, &forward);
    mx_array g = code ? NULL : weights(y);
    if (!code) code = mx_vjp(many, f, &a, 1, &g, 1, &y, &back);
    if (code) fail_msg("%s: %s", f->name, mx_error_message());
    double p = mx_item_f64(mx_sum(mx_multiply(g, forward), MX_ALL, false)), q = mx_item_f64(mx_sum(mx_multiply(back, d), MX_ALL, false));
    double size = mx_item_f64(mx_sum(mx_abs(mx_multiply(back, d)), MX_ALL, false)) + 1;
    if (!(fabs(p - q) <= 1024 * DBL_EPSILON * size)) fail_msg("%s: %.17g forward, %.17g back", f->name, p, q);
    mx_scope_end(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_differences),
      cmocka_unit_test(second_derivatives_agree_with_differences),
      cmocka_unit_test(forward_and_backward_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is made of reductions: mean, var, std, median, counts and comparisons of whole arrays. Halves are computed in
 * float32 and rounded once. */
#include "ops/reduce.h"

/* sum / count over `mask`, kept as size 1, in the accumulator dtype. */
static mx_array mean_kept(struct mxi_ctx *c, mx_array a, uint64_t mask) {
  mx_dtype t = mxi_accumulator_dtype((mx_dtype)a->dtype);
  mx_array count = mxi_scalar_f(c, (double)mxi_reduced_count(a, mask), t);
  return mxi_divide(c, mxi_sum_as(c, a, mask, t), count);
}

mx_array mxi_mean(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, "mean", axes, a->ndim, &mask));
  mx_dtype t = mxi_float_dtype((mx_dtype)a->dtype);
  mx_array y = mean_kept(c, a, mask);
  return y ? mxi_reduced(c, mxi_astype(c, y, t), mask, keepdims) : NULL;
}

/* sum |a - mean|^2 / max(count - ddof, 0), kept, in the accumulator dtype (float32 for complex64). */
static mx_array var_kept(struct mxi_ctx *c, mx_array a, uint64_t mask, int ddof) {
  mx_dtype t = mxi_accumulator_dtype((mx_dtype)a->dtype), real = t == MX_COMPLEX64 ? MX_FLOAT32 : t;
  int64_t count = mxi_reduced_count(a, mask) - ddof;
  mx_array d = mxi_subtract(c, mxi_astype(c, a, t), mean_kept(c, a, mask));
  mx_array square = t == MX_COMPLEX64 ? mxi_real(c, mxi_multiply(c, d, mxi_conjugate(c, d))) : mxi_square(c, d);
  return mxi_divide(c, mxi_sum_as(c, square, mask, real), mxi_scalar_f(c, count > 0 ? (double)count : 0, real));
}

static mx_array spread(struct mxi_ctx *c, const char *who, mx_array a, mx_ints axes, bool keepdims, int ddof, bool root) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, who, axes, a->ndim, &mask));
  mx_dtype t = mxi_float_dtype((mx_dtype)a->dtype);
  mx_array y = var_kept(c, a, mask, ddof);
  if (root) y = mxi_sqrt(c, y);
  return y ? mxi_reduced(c, mxi_astype(c, y, t == MX_COMPLEX64 ? MX_FLOAT32 : t), mask, keepdims) : NULL;
}

mx_array mxi_var(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims, int ddof) {
  return spread(c, "var", a, axes, keepdims, ddof, false);
}
mx_array mxi_std(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims, int ddof) {
  return spread(c, "std", a, axes, keepdims, ddof, true);
}

mx_array mxi_median(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, "median", axes, a->ndim, &mask));
  int64_t n = mxi_reduced_count(a, mask), shape[MXI_MAX_NDIM];
  if (axes.count == 0) return mxi_fail(c, MX_ERR_VALUE, "[median] no axis is named");
  if (n == 0) return mxi_fail(c, MX_ERR_VALUE, "[median] an empty axis has no median");
  for (int i = 0; i < a->ndim; i++) shape[i] = mask >> i & 1 ? 1 : mxi_dims(a)[i];
  mx_dtype t = mxi_float_dtype((mx_dtype)a->dtype), wide = mxi_accumulator_dtype(t);
  mx_array x = mxi_reduced_last(c, mxi_astype(c, a, t), mask);
  MXI_TRY(x);
  int axis = x->ndim - 1;
  MXI_TRY(x = mxi_sort(c, x, axis));
  mx_array low = mxi_astype(c, mxi_narrow(c, x, axis, (n - 1) / 2, (n - 1) / 2 + 1), wide), y = low;
  if (n % 2 == 0) {
    mx_array high = mxi_astype(c, mxi_narrow(c, x, axis, n / 2, n / 2 + 1), wide);
    y = mxi_multiply(c, mxi_add(c, low, high), mxi_scalar_f(c, 0.5, wide));
  }
  mx_array last = mxi_narrow(c, x, axis, n - 1, n); /* NaN, if there is one */
  MXI_TRY(y = mxi_where(c, mxi_isnan(c, last), last, y ? mxi_astype(c, y, t) : NULL));
  return mxi_reduced(c, mxi_reshape(c, y, mxi_list(shape, a->ndim)), mask, keepdims);
}

mx_status mxi_minmax(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims, mx_array *results) {
  size_t mark = c->top;
  if (!mxi_keep(c, mark, mxi_min(c, a, axes, keepdims))) return c->code;
  if (!mxi_keep(c, mark + 1, mxi_max(c, a, axes, keepdims))) return c->code;
  return mxi_publish(c, mark, results, 2);
}

mx_array mxi_count_nonzero(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, "count_nonzero", axes, a->ndim, &mask));
  return mxi_reduced(c, mxi_sum_as(c, mxi_astype(c, a, MX_BOOL), mask, MX_INT32), mask, keepdims);
}

mx_array mxi_array_equal(struct mxi_ctx *c, mx_array a, mx_array b, bool equal_nan) {
  MXI_TRY(a && b);
  if (!mxi_same_shape(mxi_shape_of(a), b)) return mxi_scalar_i(c, 0, MX_BOOL);
  mx_array same = mxi_equal(c, a, b);
  if (equal_nan && mxi_is_inexact((mx_dtype)a->dtype) && mxi_is_inexact((mx_dtype)b->dtype))
    same = mxi_logical_or(c, same, mxi_logical_and(c, mxi_isnan(c, a), mxi_isnan(c, b)));
  return mxi_all(c, same, MX_ALL, false);
}

mx_array mxi_allclose(struct mxi_ctx *c, mx_array a, mx_array b, double rtol, double atol, bool equal_nan) {
  return mxi_all(c, mxi_isclose(c, a, b, rtol, atol, equal_nan), MX_ALL, false);
}

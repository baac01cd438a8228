/* Products made of matmul and multiply: addmm, inner, outer, tensordot, vecdot, kron. */
#include "ops/elementwise.h"
#include "ops/layout.h"
#include "ops/matmul.h"

mx_array mxi_addmm(struct mxi_ctx *ctx, mx_array c, mx_array a, mx_array b, double alpha, double beta) {
  MXI_TRY(c && a && b && (c = mxi_strong(ctx, c)) && (a = mxi_strong(ctx, a)) && (b = mxi_strong(ctx, b)));
  mx_dtype t = mxi_promote(mxi_promote((mx_dtype)a->dtype, (mx_dtype)b->dtype), (mx_dtype)c->dtype);
  if (!mxi_is_inexact(t))
    return mxi_fail(ctx, MX_ERR_DTYPE, "[addmm] %s is not accepted: only floating point and complex types are",
                    mxi_dtype_names[t]);
  mx_array y = mxi_matmul_named(ctx, "addmm", mxi_astype(ctx, a, t), mxi_astype(ctx, b, t));
  MXI_TRY(y);
  int64_t shape[MXI_MAX_NDIM];
  int ndim;
  MXI_TRY(mxi_broadcast_shapes(ctx, "addmm", y->ndim, mxi_dims(y), c->ndim, mxi_dims(c), &ndim, shape));
  if (!mxi_same_shape(mxi_list(shape, ndim), y))
    return mxi_fail(ctx, MX_ERR_SHAPE, "[addmm] shape %s does not broadcast to that of the product, %s", MXI_SHAPE_TEXT(c),
                    MXI_SHAPE_TEXT(y));
  if (alpha != 1) y = mxi_multiply(ctx, mxi_scalar_f(ctx, alpha, t), y);
  if (beta == 0) return y;
  c = mxi_astype(ctx, c, t);
  if (beta != 1) c = mxi_multiply(ctx, mxi_scalar_f(ctx, beta, t), c);
  return mxi_add(ctx, y, c);
}

/* ---- Contractions of two arrays over lists of axes --------------------------------------------------------------- */
/* The axes that `named` leaves out, ascending. */
static int other_axes(int ndim, const int *named, int count, int *out) {
  uint64_t mask = 0;
  int n = 0;
  for (int i = 0; i < count; i++) mask |= (uint64_t)1 << named[i];
  for (int i = 0; i < ndim; i++)
    if (!(mask >> i & 1)) out[n++] = i;
  return n;
}

/* `a` as a matrix: the axes of `rows`, then those of `columns`, each flattened. */
static mx_array as_matrix(struct mxi_ctx *c, mx_array a, const int *rows, int row_count, const int *columns,
                          int column_count) {
  struct mxi_params_perm order;
  int64_t shape[2] = {1, 1};
  bool moves = false;
  for (int i = 0; i < row_count + column_count; i++) {
    int axis = i < row_count ? rows[i] : columns[i - row_count];
    order.axis[i] = axis;
    moves |= axis != i;
    shape[i >= row_count] *= mxi_dims(a)[axis];
  }
  if (moves) MXI_TRY(a = mxi_permute(c, a, &order));
  return mxi_reshape(c, a, mxi_list(shape, 2));
}

/* Sums a * b over the paired axes; the others of a, then of b, remain. */
static mx_array contract(struct mxi_ctx *c, const char *who, mx_array a, mx_array b, const int *a_axes, const int *b_axes,
                         int count) {
  int a_free[MXI_MAX_NDIM], b_free[MXI_MAX_NDIM], ndim = 0;
  int64_t shape[2 * MXI_MAX_NDIM];
  for (int i = 0; i < count; i++)
    if (mxi_dims(a)[a_axes[i]] != mxi_dims(b)[b_axes[i]])
      return mxi_fail(c, MX_ERR_SHAPE, "[%s] sizes differ along axis %d of %s and axis %d of %s", who, a_axes[i],
                      MXI_SHAPE_TEXT(a), b_axes[i], MXI_SHAPE_TEXT(b));
  int a_count = other_axes(a->ndim, a_axes, count, a_free), b_count = other_axes(b->ndim, b_axes, count, b_free);
  for (int i = 0; i < a_count; i++) shape[ndim++] = mxi_dims(a)[a_free[i]];
  for (int i = 0; i < b_count; i++) shape[ndim++] = mxi_dims(b)[b_free[i]];
  MXI_TRY((a = as_matrix(c, a, a_free, a_count, a_axes, count)) && (b = as_matrix(c, b, b_axes, count, b_free, b_count)));
  return mxi_reshape(c, mxi_matmul_named(c, who, a, b), mxi_list(shape, ndim));
}

mx_array mxi_inner(struct mxi_ctx *ctx, mx_array a, mx_array b) {
  MXI_TRY(a && b);
  if (a->ndim == 0 || b->ndim == 0) return mxi_multiply(ctx, a, b);
  return contract(ctx, "inner", a, b, (int[]){a->ndim - 1}, (int[]){b->ndim - 1}, 1);
}

mx_array mxi_tensordot(struct mxi_ctx *ctx, mx_array a, mx_array b, int axes) {
  MXI_TRY(a && b && (a = mxi_strong(ctx, a)) && (b = mxi_strong(ctx, b)));
  int a_axes[MXI_MAX_NDIM], b_axes[MXI_MAX_NDIM];
  if (axes < 0 || axes > a->ndim || axes > b->ndim)
    return mxi_fail(ctx, MX_ERR_VALUE, "[tensordot] cannot sum over %d axes of %s and %s", axes, MXI_SHAPE_TEXT(a),
                    MXI_SHAPE_TEXT(b));
  for (int i = 0; i < axes; i++) a_axes[i] = a->ndim - axes + i, b_axes[i] = i;
  return contract(ctx, "tensordot", a, b, a_axes, b_axes, axes);
}

static bool list_axes(struct mxi_ctx *c, mx_ints axes, int ndim, int *out) {
  uint64_t mask;
  if (!mxi_axes(c, "tensordot", axes, ndim, &mask)) return false;
  for (size_t i = 0; i < axes.count; i++) out[i] = (int)(axes.at[i] < 0 ? axes.at[i] + ndim : axes.at[i]);
  return true;
}

mx_array mxi_tensordot_axes(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_ints a_axes, mx_ints b_axes) {
  MXI_TRY(a && b && (a = mxi_strong(ctx, a)) && (b = mxi_strong(ctx, b)));
  int x[MXI_MAX_NDIM], y[MXI_MAX_NDIM];
  if (a_axes.count != b_axes.count || a_axes.count == SIZE_MAX)
    return mxi_fail(ctx, MX_ERR_VALUE, "[tensordot] needs two lists with as many axes");
  MXI_TRY(list_axes(ctx, a_axes, a->ndim, x) && list_axes(ctx, b_axes, b->ndim, y));
  return contract(ctx, "tensordot", a, b, x, y, (int)a_axes.count);
}

/* ---- Others ------------------------------------------------------------------------------------------------------ */
mx_array mxi_outer(struct mxi_ctx *ctx, mx_array a, mx_array b) {
  MXI_TRY(a && b);
  return mxi_multiply(ctx, mxi_reshape(ctx, a, MX_INTS(-1, 1)), mxi_reshape(ctx, b, MX_INTS(1, -1)));
}

mx_array mxi_vecdot(struct mxi_ctx *ctx, mx_array a, mx_array b, int axis) {
  MXI_TRY(a && b && (a = mxi_strong(ctx, a)) && (b = mxi_strong(ctx, b)));
  int at;
  if (a->ndim != b->ndim)
    return mxi_fail(ctx, MX_ERR_SHAPE, "[vecdot] ranks differ: %s and %s", MXI_SHAPE_TEXT(a), MXI_SHAPE_TEXT(b));
  MXI_TRY(mxi_axis(ctx, "vecdot", axis, a->ndim, &at));
  if (mxi_dims(a)[at] != mxi_dims(b)[at])
    return mxi_fail(ctx, MX_ERR_SHAPE, "[vecdot] sizes along axis %d differ: %s and %s", at, MXI_SHAPE_TEXT(a),
                    MXI_SHAPE_TEXT(b));
  return mxi_sum(ctx, mxi_multiply(ctx, mxi_conjugated(ctx, a), b), MX_INTS(at), false);
}

/* Axis i of the result is axis i of a, then of b: a's axes go to even positions, b's to odd ones. */
mx_array mxi_kron(struct mxi_ctx *ctx, mx_array a, mx_array b) {
  MXI_TRY(a && b && (a = mxi_strong(ctx, a)) && (b = mxi_strong(ctx, b)));
  int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  if (2 * n > MXI_MAX_NDIM) return mxi_fail(ctx, MX_ERR_SHAPE, "[kron] takes at most %d axes", MXI_MAX_NDIM / 2);
  int64_t x[MXI_MAX_NDIM], y[MXI_MAX_NDIM], shape[MXI_MAX_NDIM];
  for (int i = 0; i < n; i++) {
    int64_t s = i < n - a->ndim ? 1 : mxi_dims(a)[i - (n - a->ndim)];
    int64_t t = i < n - b->ndim ? 1 : mxi_dims(b)[i - (n - b->ndim)];
    x[2 * i] = s, x[2 * i + 1] = 1;
    y[2 * i] = 1, y[2 * i + 1] = t;
    if (__builtin_mul_overflow(s, t, &shape[i])) return mxi_fail(ctx, MX_ERR_SHAPE, "[kron] the result is too large");
  }
  a = mxi_reshape(ctx, a, mxi_list(x, 2 * n));
  b = mxi_reshape(ctx, b, mxi_list(y, 2 * n));
  return mxi_reshape(ctx, mxi_multiply(ctx, a, b), mxi_list(shape, n));
}

/* Norms of vectors and matrices. Halves are computed in float32 and rounded once. */
#include "ops/reduce.h"

#include <math.h>
#include <string.h>

#define WHO "linalg_norm"

static mx_array two_norm(struct mxi_ctx *c, mx_array a, uint64_t mask) {
  MXI_TRY(a);
  bool is_complex = a->dtype == MX_COMPLEX64;
  mx_array square = is_complex ? mxi_real(c, mxi_multiply(c, a, mxi_conjugate(c, a))) : mxi_square(c, a);
  return square ? mxi_sqrt(c, mxi_sum_as(c, square, mask, (mx_dtype)square->dtype)) : NULL;
}

/* max or min over one axis; an empty one is an error. */
static mx_array extreme(struct mxi_ctx *c, bool largest, mx_array a, int axis) {
  mx_ints axes = MX_INTS(axis);
  return largest ? mxi_max(c, a, axes, true) : mxi_min(c, a, axes, true);
}

static mx_array vector_norm(struct mxi_ctx *c, mx_array a, double p, int axis) {
  MXI_TRY(a);
  uint64_t mask = 1ull << axis;
  if (p == 2) return two_norm(c, a, mask);
  mx_array size = mxi_abs(c, a);
  MXI_TRY(size);
  mx_dtype t = (mx_dtype)size->dtype;
  if (isinf(p)) return extreme(c, p > 0, size, axis);
  if (p == 0) return mxi_sum_as(c, mxi_astype(c, mxi_not_equal(c, a, mxi_scalar_f(c, 0, (mx_dtype)a->dtype)), t), mask, t);
  if (p == 1) return mxi_sum_as(c, size, mask, t);
  mx_array sum = mxi_sum_as(c, mxi_power(c, size, mxi_scalar_f(c, p, t)), mask, t);
  return mxi_power(c, sum, mxi_scalar_f(c, 1 / p, t));
}

static bool has_singular_values(mx_array a) { return a->dtype == MX_FLOAT32 || a->dtype == MX_FLOAT64; }

/* The singular values, (..., min(m, n)), of the matrices that two axes make. */
static mx_array singular_values(struct mxi_ctx *c, mx_array a, int rows, int columns) {
  MXI_TRY(a = mxi_move_axis(c, a, rows, a->ndim - 1));
  MXI_TRY(a = mxi_move_axis(c, a, columns - (columns > rows), a->ndim - 1));
  int64_t shape[MXI_MAX_NDIM], m = mxi_dims(a)[a->ndim - 2], n = mxi_dims(a)[a->ndim - 1];
  for (int i = 0; i < a->ndim - 2; i++) shape[i] = mxi_dims(a)[i];
  shape[a->ndim - 2] = m < n ? m : n;
  return mxi_node_make(c, MXI_OP_svd, (mx_dtype)a->dtype, a->ndim - 1, shape, &a, 1, &(struct mxi_params_linalg){0, 0});
}

/* Of the singular values: their sum, the largest or the smallest; both axes are put back with size 1. */
static mx_array singular_norm(struct mxi_ctx *c, mx_array a, int rows, int columns, int op) {
  MXI_TRY(a);
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) shape[i] = i == rows || i == columns ? 1 : mxi_dims(a)[i];
  mx_array s = singular_values(c, a, rows, columns);
  MXI_TRY(s);
  mx_ints last = MX_INTS(s->ndim - 1);
  s = op == MXI_OP_sum ? mxi_sum(c, s, last, false) : op == MXI_OP_max ? mxi_max(c, s, last, false) : mxi_min(c, s, last, false);
  return s ? mxi_reshape(c, s, mxi_list(shape, a->ndim)) : NULL;
}

static mx_array matrix_norm(struct mxi_ctx *c, mx_array a, double p, int rows, int columns) {
  MXI_TRY(a);
  if (fabs(p) == 2) return singular_norm(c, a, rows, columns, p > 0 ? MXI_OP_max : MXI_OP_min);
  if (fabs(p) != 1 && !isinf(p)) return mxi_fail(c, MX_ERR_VALUE, "[" WHO "] %g is no order of a matrix norm", p);
  int along = isinf(p) ? columns : rows, across = isinf(p) ? rows : columns;
  mx_array size = mxi_abs(c, a);
  MXI_TRY(size);
  return extreme(c, p > 0, mxi_sum_as(c, size, 1ull << along, (mx_dtype)size->dtype), across);
}

/* The operand in the dtype that norms are computed in, its axes, and the axes in the order given. */
static mx_array norm_operand(struct mxi_ctx *c, mx_array a, mx_ints axes, uint64_t *mask, int *first, int *second) {
  int count = 0;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, WHO, axes, a->ndim, mask));
  *first = *second = -1;
  for (int i = 0; i < a->ndim; i++)
    if (*mask >> i & 1) *(count++ ? second : first) = i;
  if (axes.count == 2 && axes.at && (axes.at[0] < 0 ? axes.at[0] + a->ndim : axes.at[0]) != *first) {
    int swap = *first;
    *first = *second;
    *second = swap;
  }
  return mxi_astype(c, a, mxi_accumulator_dtype((mx_dtype)a->dtype));
}

/* The result in the dtype promised for an operand of `t`. Complex operands keep theirs but for 2-norms. */
static mx_array norm_result(struct mxi_ctx *c, mx_array y, mx_dtype t, bool is_real, uint64_t mask, bool keepdims) {
  MXI_TRY(y);
  mx_dtype to = t == MX_COMPLEX64 && is_real ? MX_FLOAT32 : mxi_float_dtype(t);
  return mxi_reduced(c, mxi_astype(c, y, to), mask, keepdims);
}

mx_array mxi_linalg_norm_l2(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  int first, second;
  mx_array x = norm_operand(c, a, axes, &mask, &first, &second);
  MXI_TRY(x);
  if (axes.count != SIZE_MAX && axes.count > 2) return mxi_fail(c, MX_ERR_VALUE, "[" WHO "] too many axes: %zu", axes.count);
  return norm_result(c, two_norm(c, x, mask), (mx_dtype)a->dtype, true, mask, keepdims);
}

mx_array mxi_linalg_norm(struct mxi_ctx *c, mx_array a, double ord, mx_ints axes, bool keepdims) {
  uint64_t mask;
  int first, second, count;
  mx_array x = norm_operand(c, a, axes, &mask, &first, &second);
  MXI_TRY(x);
  count = __builtin_popcountll(mask);
  if (count != 1 && count != 2) return mxi_fail(c, MX_ERR_VALUE, "[" WHO "] a norm is over one axis or two, not %d", count);
  bool is_singular = count == 2 && fabs(ord) == 2;
  if (is_singular && !has_singular_values(a))
    return mxi_fail(c, MX_ERR_DTYPE, "[" WHO "] singular values of %s are not computed", mxi_dtype_names[a->dtype]);
  mx_array y = count == 1 ? vector_norm(c, x, ord, first) : matrix_norm(c, x, ord, first, second);
  return norm_result(c, y, (mx_dtype)a->dtype, (count == 1 && ord == 2) || is_singular, mask, keepdims);
}

mx_array mxi_linalg_norm_matrix(struct mxi_ctx *c, mx_array a, const char *ord, mx_ints axes, bool keepdims) {
  uint64_t mask;
  int first, second, count;
  mx_array x = norm_operand(c, a, axes, &mask, &first, &second);
  MXI_TRY(x);
  if (!ord) return mxi_null(c, WHO, "ord");
  count = __builtin_popcountll(mask);
  if (count != 2) return mxi_fail(c, MX_ERR_VALUE, "[" WHO "] the norm '%s' is over two axes, not %d", ord, count);
  bool is_nuclear = strcmp(ord, "nuc") == 0;
  if (!is_nuclear && strcmp(ord, "fro") && strcmp(ord, "f"))
    return mxi_fail(c, MX_ERR_VALUE, "[" WHO "] there is no matrix norm '%s'", ord);
  if (is_nuclear && !has_singular_values(a))
    return mxi_fail(c, MX_ERR_DTYPE, "[" WHO "] singular values of %s are not computed", mxi_dtype_names[a->dtype]);
  mx_array y = is_nuclear ? singular_norm(c, x, first, second, MXI_OP_sum) : two_norm(c, x, mask);
  return norm_result(c, y, (mx_dtype)a->dtype, true, mask, keepdims);
}

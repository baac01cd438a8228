/* What is made of the views: shapes, repetition, rotation, diagonals, grids. */
#include "ops/layout.h"

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */
mx_array mxi_flatten(struct mxi_ctx *c, mx_array a, int start_axis, int end_axis) {
  MXI_TRY(a = mxi_operand(c, a));
  if (a->ndim == 0) return mxi_reshape(c, a, MX_INTS(1));
  /* A start before the first axis and an end beyond the last are those; the other way round there is nothing. */
  int64_t first = start_axis + (start_axis < 0 ? (int64_t)a->ndim : 0), last = end_axis + (end_axis < 0 ? (int64_t)a->ndim : 0);
  first = first < 0 ? 0 : first;
  last = last < a->ndim ? last : a->ndim - 1;
  if (first > last) return mxi_fail(c, MX_ERR_VALUE, "[flatten] axis %d comes after axis %d", start_axis, end_axis);
  int64_t shape[MXI_MAX_NDIM], merged = 1;
  int ndim = 0;
  for (int i = 0; i < a->ndim; i++) {
    if (i < first || i > last)
      shape[ndim++] = mxi_dims(a)[i];
    else if (i == last)
      shape[ndim++] = merged * mxi_dims(a)[i];
    else
      merged *= mxi_dims(a)[i];
  }
  return mxi_reshape(c, a, mxi_list(shape, ndim));
}

mx_array mxi_unflatten(struct mxi_ctx *c, mx_array a, int axis, mx_ints shape) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "unflatten", axis, a->ndim, &axis));
  if (shape.count == 0) return mxi_fail(c, MX_ERR_VALUE, "[unflatten] the shape is empty");
  if (a->ndim - 1 + shape.count > MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_SHAPE, "[unflatten] an array has at most %d axes", MXI_MAX_NDIM);
  int64_t out[MXI_MAX_NDIM], known = 1, size = mxi_dims(a)[axis];
  int ndim = 0, unknown = -1;
  for (int i = 0; i < axis; i++) out[ndim++] = mxi_dims(a)[i];
  bool fits = true;
  for (size_t i = 0; i < shape.count; i++, ndim++) {
    out[ndim] = shape.at[i];
    if (shape.at[i] == -1 && unknown < 0)
      unknown = ndim;
    else
      fits &= shape.at[i] >= 0 && (!known || !__builtin_mul_overflow(known, shape.at[i], &known));
  }
  fits = fits && (unknown < 0 ? known == size : known && size % known == 0);
  if (!fits)
    return mxi_fail(c, MX_ERR_SHAPE, "[unflatten] axis %d of size %lld cannot be split into %s", axis, (long long)size,
                    mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  if (unknown >= 0) out[unknown] = size / known;
  for (int i = axis + 1; i < a->ndim; i++) out[ndim++] = mxi_dims(a)[i];
  return mxi_reshape(c, a, mxi_list(out, ndim));
}

mx_array mxi_squeeze(struct mxi_ctx *c, mx_array a, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  uint64_t mask;
  MXI_TRY(mxi_axes(c, "squeeze", axes, a->ndim, &mask));
  int64_t shape[MXI_MAX_NDIM];
  int ndim = 0;
  for (int i = 0; i < a->ndim; i++) {
    int64_t size = mxi_dims(a)[i];
    bool drop = mask >> i & 1 && (size == 1 || axes.count != SIZE_MAX);
    if (drop && size != 1)
      return mxi_fail(c, MX_ERR_VALUE, "[squeeze] axis %d of shape %s is not of size 1", i, MXI_SHAPE_TEXT(a));
    if (!drop) shape[ndim++] = size;
  }
  return mxi_reshape(c, a, mxi_list(shape, ndim));
}

mx_array mxi_expand_dims(struct mxi_ctx *c, mx_array a, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  if (axes.count > MXI_MAX_NDIM - (size_t)a->ndim)
    return mxi_fail(c, MX_ERR_SHAPE, "[expand_dims] an array has at most %d axes", MXI_MAX_NDIM);
  int ndim = a->ndim + (int)axes.count;
  uint64_t mask;
  MXI_TRY(mxi_axes(c, "expand_dims", axes, ndim, &mask));
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0, own = 0; i < ndim; i++) shape[i] = mask >> i & 1 ? 1 : mxi_dims(a)[own++];
  return mxi_reshape(c, a, mxi_list(shape, ndim));
}

mx_array mxi_drop_ones(struct mxi_ctx *c, mx_array a, int ndim) {
  MXI_TRY(a);
  int extra = a->ndim - ndim;
  for (int i = 0; i < extra; i++)
    if (mxi_dims(a)[i] != 1) return a;
  return extra > 0 ? mxi_reshape(c, a, mxi_list(mxi_dims(a) + extra, ndim)) : a;
}

mx_array mxi_swapaxes(struct mxi_ctx *c, mx_array a, int axis1, int axis2) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "swapaxes", axis1, a->ndim, &axis1));
  MXI_TRY(mxi_axis(c, "swapaxes", axis2, a->ndim, &axis2));
  struct mxi_params_perm p;
  for (int i = 0; i < a->ndim; i++) p.axis[i] = i == axis1 ? axis2 : i == axis2 ? axis1 : i;
  return mxi_permute(c, a, &p);
}

mx_array mxi_matrix_transpose(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  if (a->ndim < 2) return mxi_fail(c, MX_ERR_VALUE, "[matrix_transpose] shape %s has fewer than two axes", MXI_SHAPE_TEXT(a));
  return mxi_swapaxes(c, a, -2, -1);
}

mx_array mxi_moveaxis(struct mxi_ctx *c, mx_array a, int source, int destination) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "moveaxis", source, a->ndim, &source));
  MXI_TRY(mxi_axis(c, "moveaxis", destination, a->ndim, &destination));
  return mxi_move_axis(c, a, source, destination);
}

mx_array mxi_atleast_1d(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  return a->ndim ? a : mxi_reshape(c, a, MX_INTS(1));
}

mx_array mxi_atleast_2d(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_atleast_1d(c, a));
  return a->ndim > 1 ? a : mxi_reshape(c, a, MX_INTS(1, mxi_dims(a)[0]));
}

mx_array mxi_atleast_3d(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_atleast_2d(c, a));
  return a->ndim > 2 ? a : mxi_reshape(c, a, MX_INTS(mxi_dims(a)[0], mxi_dims(a)[1], 1));
}

/* ---- Repetition and rotation ------------------------------------------------------------------------------------- */
mx_array mxi_repeat(struct mxi_ctx *c, mx_array a, int repeats, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "repeat", axis, a->ndim, &axis));
  if (repeats < 0) return mxi_fail(c, MX_ERR_VALUE, "[repeat] %d repeats are negative", repeats);
  if (repeats == 1) return a;
  int64_t shape[MXI_MAX_NDIM + 1], out[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) {
    shape[i + (i > axis)] = out[i] = mxi_dims(a)[i];
  }
  shape[axis + 1] = repeats;
  if (__builtin_mul_overflow(out[axis], repeats, &out[axis]))
    return mxi_fail(c, MX_ERR_SHAPE, "[repeat] axis %d is longer than memory can be", axis);
  mx_array spread = mxi_expand_dims(c, a, MX_INTS(axis + 1));
  return mxi_reshape(c, mxi_broadcast_to(c, spread, mxi_list(shape, a->ndim + 1)), mxi_list(out, a->ndim));
}

mx_array mxi_repeat_all(struct mxi_ctx *c, mx_array a, int repeats) {
  return mxi_repeat(c, mxi_reshape(c, a, MX_INTS(-1)), repeats, 0);
}

/* (n, m) tiled (r, s) times is (r, n, s, m), flattened. */
mx_array mxi_tile(struct mxi_ctx *c, mx_array a, mx_ints reps) {
  MXI_TRY(a = mxi_operand(c, a));
  int ndim = reps.count > a->ndim ? (int)reps.count : a->ndim;
  if (2 * ndim > MXI_MAX_NDIM) return mxi_fail(c, MX_ERR_SHAPE, "[tile] tiles have at most %d axes", MXI_MAX_NDIM / 2);
  int64_t ones[MXI_MAX_NDIM], spread[MXI_MAX_NDIM], out[MXI_MAX_NDIM];
  for (int i = 0; i < ndim; i++) {
    int own = i - (ndim - a->ndim), rep = i - (ndim - (int)reps.count);
    ones[2 * i] = 1;
    spread[2 * i] = rep < 0 ? 1 : reps.at[rep];
    ones[2 * i + 1] = spread[2 * i + 1] = own < 0 ? 1 : mxi_dims(a)[own];
    if (spread[2 * i] < 0)
      return mxi_fail(c, MX_ERR_VALUE, "[tile] %lld repeats are negative", (long long)spread[2 * i]);
    if (__builtin_mul_overflow(spread[2 * i], spread[2 * i + 1], &out[i]))
      return mxi_fail(c, MX_ERR_SHAPE, "[tile] axis %d is longer than memory can be", i);
  }
  a = mxi_broadcast_to(c, mxi_reshape(c, a, mxi_list(ones, 2 * ndim)), mxi_list(spread, 2 * ndim));
  return mxi_reshape(c, a, mxi_list(out, ndim));
}

static mx_array roll_axis(struct mxi_ctx *c, mx_array a, int64_t shift, int axis) {
  int64_t size = mxi_dims(a)[axis];
  if (!size) return a;
  shift %= size;
  if (shift < 0) shift += size;
  if (!shift) return a;
  const mx_array parts[] = {mxi_narrow(c, a, axis, size - shift, size), mxi_narrow(c, a, axis, 0, size - shift)};
  if (!parts[0] || !parts[1]) return NULL;
  return mxi_concatenate(c, parts, 2, axis);
}

mx_array mxi_roll(struct mxi_ctx *c, mx_array a, mx_ints shift, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  if (!shift.count) return mxi_fail(c, MX_ERR_VALUE, "[roll] there is no shift");
  uint64_t total = 0;
  for (size_t i = 0; i < shift.count; i++) total += (uint64_t)shift.at[i];
  if (axes.count == SIZE_MAX) {
    mx_array flat = mxi_reshape(c, a, MX_INTS(-1));
    MXI_TRY(flat);
    MXI_TRY(flat = roll_axis(c, flat, (int64_t)total, 0));
    return mxi_reshape(c, flat, mxi_shape_of(a));
  }
  if (axes.count > 1 && shift.count > 1 && shift.count < axes.count)
    return mxi_fail(c, MX_ERR_VALUE, "[roll] %zu shifts for %zu axes", shift.count, axes.count);
  for (size_t i = 0; i < axes.count; i++) {
    int axis;
    MXI_TRY(mxi_axis(c, "roll", axes.at[i], a->ndim, &axis));
    int64_t by = axes.count == 1 ? (int64_t)total : shift.at[shift.count == 1 ? 0 : i];
    MXI_TRY(a = roll_axis(c, a, by, axis));
  }
  return a;
}

mx_array mxi_flip(struct mxi_ctx *c, mx_array a, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  struct mxi_params_slice p;
  for (int i = 0; i < a->ndim; i++) {
    p.start[i] = 0;
    p.step[i] = 1;
  }
  size_t count = axes.count == SIZE_MAX ? a->ndim : axes.count;
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    int axis;
    MXI_TRY(mxi_axis(c, "flip", axes.count == SIZE_MAX ? (int64_t)i : axes.at[i], a->ndim, &axis));
    int64_t size = mxi_dims(a)[axis];
    if (size < 2) continue;
    p.start[axis] = size - 1;
    p.step[axis] = -1;
    any = true;
  }
  return any ? mxi_slice_of(c, a, mxi_dims(a), &p) : a;
}

/* ---- Diagonals --------------------------------------------------------------------------------------------------- */
/* Every (columns + 1)th element of the flattened matrices, from the first on the diagonal. */
static mx_array last_axes_diagonal(struct mxi_ctx *c, mx_array a, int64_t offset) {
  const int n = a->ndim;
  int64_t rows = mxi_dims(a)[n - 2], columns = mxi_dims(a)[n - 1], count;
  count = offset < 0 ? rows + offset : columns - offset;
  if (count > (offset < 0 ? columns : rows)) count = offset < 0 ? columns : rows;
  if (count < 0) count = 0;
  MXI_TRY(a = mxi_flatten(c, a, n - 2, n - 1));
  struct mxi_params_slice p;
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < n - 1; i++) {
    p.start[i] = 0;
    p.step[i] = 1;
    shape[i] = mxi_dims(a)[i];
  }
  shape[n - 2] = count;
  p.start[n - 2] = !count ? 0 : offset < 0 ? -offset * columns : offset;
  p.step[n - 2] = count > 1 ? columns + 1 : 1;
  return mxi_slice_of(c, a, shape, &p);
}

mx_array mxi_diagonal(struct mxi_ctx *c, mx_array a, int offset, int axis1, int axis2) {
  MXI_TRY(a = mxi_operand(c, a));
  if (a->ndim < 2) return mxi_fail(c, MX_ERR_VALUE, "[diagonal] shape %s has no two axes", MXI_SHAPE_TEXT(a));
  MXI_TRY(mxi_axis(c, "diagonal", axis1, a->ndim, &axis1));
  MXI_TRY(mxi_axis(c, "diagonal", axis2, a->ndim, &axis2));
  if (axis1 == axis2) return mxi_fail(c, MX_ERR_VALUE, "[diagonal] axis %d is named twice", axis1);
  struct mxi_params_perm p;
  for (int i = 0, rest = 0; i < a->ndim; i++)
    if (i != axis1 && i != axis2) p.axis[rest++] = i;
  p.axis[a->ndim - 2] = axis1;
  p.axis[a->ndim - 1] = axis2;
  MXI_TRY(a = mxi_permute(c, a, &p));
  return last_axes_diagonal(c, a, offset);
}

mx_array mxi_diag(struct mxi_ctx *c, mx_array a, int k) {
  MXI_TRY(a = mxi_operand(c, a));
  if (a->ndim == 2) return mxi_diagonal(c, a, k, 0, 1);
  if (a->ndim != 1)
    return mxi_fail(c, MX_ERR_VALUE, "[diag] shape %s is neither a vector nor a matrix", MXI_SHAPE_TEXT(a));
  int64_t away = k < 0 ? -(int64_t)k : k, n = mxi_dims(a)[0] + away, size;
  if (__builtin_mul_overflow(n, n, &size))
    return mxi_fail(c, MX_ERR_SHAPE, "[diag] the matrix is larger than memory can be");
  mx_array matrix = mxi_zeros(c, MX_INTS(n, n), (mx_dtype)a->dtype);
  if (!mxi_dims(a)[0]) return matrix;
  struct mxi_params_slice p = {.start = {k < 0 ? away * n : away}, .step = {n + 1}};
  matrix = mxi_slice_put(c, mxi_reshape(c, matrix, MX_INTS(size)), a, &p);
  return mxi_reshape(c, matrix, MX_INTS(n, n));
}

mx_array mxi_trace(struct mxi_ctx *c, mx_array a, int offset, int axis1, int axis2) {
  mx_array d = mxi_diagonal(c, a, offset, axis1, axis2);
  MXI_TRY(d);
  return mxi_sum(c, d, MX_INTS(-1), false);
}

/* row >= column - k, as a mask of a's matrices. */
static mx_array lower_mask(struct mxi_ctx *c, const char *who, mx_array a, int64_t k) {
  MXI_TRY(a);
  if (a->ndim < 2) return mxi_fail(c, MX_ERR_VALUE, "[%s] shape %s has no two axes", who, MXI_SHAPE_TEXT(a));
  return mxi_lower_triangle(c, mxi_dims(a)[a->ndim - 2], mxi_dims(a)[a->ndim - 1], k);
}

mx_array mxi_tril(struct mxi_ctx *c, mx_array a, int k) {
  MXI_TRY(a = mxi_operand(c, a));
  mx_array mask = lower_mask(c, "tril", a, k), zero = mxi_scalar_i(c, 0, (mx_dtype)a->dtype);
  if (!mask || !zero) return NULL;
  return mxi_where(c, mask, a, zero);
}

mx_array mxi_triu(struct mxi_ctx *c, mx_array a, int k) {
  MXI_TRY(a = mxi_operand(c, a));
  mx_array mask = lower_mask(c, "triu", a, (int64_t)k - 1), zero = mxi_scalar_i(c, 0, (mx_dtype)a->dtype);
  if (!mask || !zero) return NULL;
  return mxi_where(c, mask, zero, a);
}

/* ---- Grids ------------------------------------------------------------------------------------------------------- */
/* The axis that array i lies along: the first two change places where `xy`. */
static size_t grid_axis(size_t i, size_t count, bool xy) { return xy && count > 1 && i < 2 ? 1 - i : i; }

mx_status mxi_meshgrid(struct mxi_ctx *c, const mx_array *arrays, size_t count, bool sparse, bool xy,
                       mx_array *results) {
  if (count > MXI_MAX_NDIM)
    return mxi_fail_status(c, MX_ERR_SHAPE, "[meshgrid] a grid has at most %d axes", MXI_MAX_NDIM);
  int64_t full[MXI_MAX_NDIM];
  for (size_t i = 0; i < count; i++) full[grid_axis(i, count, xy)] = mxi_size(arrays[i]);
  size_t mark = c->top;
  for (size_t i = 0; i < count; i++) {
    int64_t shape[MXI_MAX_NDIM];
    for (size_t j = 0; j < count; j++) shape[j] = j == grid_axis(i, count, xy) ? full[j] : 1;
    mx_array a = mxi_reshape(c, arrays[i], mxi_list(shape, (int)count));
    if (a && !sparse) a = mxi_broadcast_to(c, a, mxi_list(full, (int)count));
    if (!mxi_keep(c, mark + i, a)) return c->code;
  }
  return mxi_publish(c, mark, results, count);
}

/* a[...] = v and a.at[...]: slices are put back, arrays are scatters. Start at mxp_updated. */
#include "index.h"

static mx_ints ints(const int64_t *at, int n) { return (mx_ints){at, (size_t)n}; }

/* `value` for a place of this shape: without leading axes of size 1 that the place does not have. Owned. */
static mx_array fit(mxb_ctx *ctx, mx_array value, const int64_t *shape, int n) {
  mx_ints have = mx_shape(value);
  size_t extra = have.count > (size_t)n ? have.count - (size_t)n : 0, ones = 0;
  while (ones < extra && have.at[ones] == 1) ones++;
  mx_array trimmed = ones ? mxb_reshape(ctx, value, (mx_ints){have.at + ones, have.count - ones}) : mxb_retain(value);
  mx_array result = trimmed ? mxb_broadcast_to(ctx, trimmed, ints(shape, n)) : NULL;
  mxb_release(trimmed);
  return result;
}

/* ---- Ranges, numbers and new axes -------------------------------------------------------------------------------- */
static mx_array put_back(struct mxp_index *x, mx_array value) {
  return mxb_slice_update(x->ctx, x->a, value, ints(x->start, x->ndim), ints(x->stop, x->ndim), ints(x->step, x->ndim));
}

static mx_array put_shaped(struct mxp_index *x, mx_array value) {
  if (!mx_ndim(value)) return put_back(x, value);
  int64_t shape[2 * MX_MAX_NDIM], region[MX_MAX_NDIM];
  int n = mxp_index_shape(x, shape);
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != MXP_NEW_AXIS) region[x->items[i].axis] = x->items[i].kind == MXP_NUMBER ? 1 : x->items[i].length;
  mx_array fitted = fit(x->ctx, value, shape, n), shaped = fitted ? mxb_reshape(x->ctx, fitted, ints(region, x->ndim)) : NULL;
  mx_array result = shaped ? put_back(x, shaped) : NULL;
  mxb_release(shaped);
  mxb_release(fitted);
  return result;
}

static mx_array write_ranges(struct mxp_index *x, mx_array value, const struct mxp_update *how) {
  if (!how) return put_shaped(x, value);
  mx_array read = mxp_index_read(x);
  int64_t shape[2 * MX_MAX_NDIM];
  mx_array fitted = read ? fit(x->ctx, value, shape, mxp_index_shape(x, shape)) : NULL;
  mx_array combined = fitted ? how->combine(x->ctx, read, fitted) : NULL, result = combined ? put_shaped(x, combined) : NULL;
  mxb_release(combined);
  mxb_release(fitted);
  mxb_release(read);
  return result;
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
/* `value`, broadcast to the shape of a[index], as the updates of a scatter: index axes first, then one per axis of a. */
static mx_array as_updates(struct mxp_index *x, mx_array value, mx_array read, int index_ndim) {
  mx_ints shape = mx_shape(read);
  int front = mxp_index_front(x), n = index_ndim, at = 0;
  int64_t order[2 * MX_MAX_NDIM], sizes[3 * MX_MAX_NDIM];
  mx_array fitted = fit(x->ctx, value, shape.at, (int)shape.count);
  for (int i = 0; i < index_ndim; i++) order[at++] = front + i, sizes[i] = shape.at[front + i];
  for (int i = 0; i < (int)shape.count; i++)
    if (i < front || i >= front + index_ndim) order[at++] = i;
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != MXP_NEW_AXIS) sizes[n++] = x->items[i].kind == MXP_RANGE ? x->items[i].length : 1;
  mx_array moved = fitted ? mxb_transpose(x->ctx, fitted, ints(order, at)) : NULL;
  mx_array result = moved ? mxb_reshape(x->ctx, moved, ints(sizes, n)) : NULL;
  mxb_release(moved);
  mxb_release(fitted);
  return result;
}

static int index_rank(const mx_array *arrays, int n) {
  int rank = 0;
  for (int i = 0; i < n; i++) rank = mx_ndim(arrays[i]) > rank ? mx_ndim(arrays[i]) : rank;
  return rank;
}

/* Numbers among arrays are indices of the scatter: their axes are then put back whole. */
static void widen_numbers(struct mxp_index *x) {
  for (int i = 0; i < x->count; i++) {
    int64_t length = x->items[i].kind == MXP_NUMBER ? mxp_index_length(x, x->items[i].axis) : 0;
    if (length) mxp_index_range(x, x->items[i].axis, 0, length, 1, length);
  }
}

/* Writes into the sliced part, and puts that back. */
static mx_array write_arrays(struct mxp_index *x, mx_array value, const struct mxp_update *how) {
  mx_array arrays[MX_MAX_NDIM], base = mxp_index_slice(x, false), read = base ? mxp_index_read(x) : NULL, result = NULL;
  int64_t axes[MX_MAX_NDIM];
  int n = read ? mxp_index_arrays(x, arrays, axes) : 0;
  mx_array updates = read ? as_updates(x, value, read, index_rank(arrays, n)) : NULL;
  mx_array written = updates ? (how ? how->scatter : mxb_scatter)(x->ctx, base, arrays, (size_t)n, updates, ints(axes, n)) : NULL;
  widen_numbers(x);
  if (written) result = x->is_whole ? mxb_retain(written) : put_back(x, written);
  mxb_release(written);
  mxb_release(updates);
  while (n) mxb_release(arrays[--n]);
  mxb_release(read);
  mxb_release(base);
  return result;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */
/* A value for `a`: an operand, or a nested list. Owned; NULL with an exception. */
static mx_array value_of(mxb_ctx *ctx, PyObject *o) {
  if (MXP_IS_ARRAY(o)) return mxb_retain(MXP_NODE(o));
  mx_array v = mxp_operand(ctx, o);
  return v || PyErr_Occurred() ? v : mxp_from_object(ctx, o, -1);
}

static mx_array as_dtype(mxb_ctx *ctx, mx_array v, mx_dtype t) { return mx_ndim(v) ? mxb_astype(ctx, v, t) : mxb_full(ctx, MX_0D, v, t); }

/* The value as it goes into the place: in a's dtype, which a number must fit, and what `how` makes of it. Slices and masks
 * alone convert what they are given. Owned. */
static mx_array prepared(struct mxp_index *x, PyObject *value, const struct mxp_update *how) {
  mx_array v = value_of(x->ctx, value);
  if (!v || (!how && !x->has_arrays)) return v;
  mx_dtype t = mx_dtype_of(x->a);
  mx_array (*prepare)(mxb_ctx *, mx_array) = how ? how->prepare : NULL;
  bool is_integer = t < MX_FLOAT16; /* there 1 / v is rounded, and not v */
  mx_array first = prepare && is_integer ? prepare(x->ctx, v) : as_dtype(x->ctx, v, t), made = NULL;
  if (first) made = !prepare ? mxb_retain(first) : is_integer ? as_dtype(x->ctx, first, t) : prepare(x->ctx, first);
  mxb_release(first);
  mxb_release(v);
  if (!made) mxp_raise(x->ctx);
  return made;
}

static mx_array written(struct mxp_index *x, mx_array value, const struct mxp_update *how) {
  if (x->mask) return mxp_index_write_mask(x, value, how);
  mx_array result = x->has_arrays ? write_arrays(x, value, how) : write_ranges(x, value, how);
  if (!result || !x->from) return result;
  mx_array shaped = mxb_reshape(x->ctx, result, mx_shape(x->from));
  mxb_release(result);
  return shaped;
}

mx_array mxp_updated(PyObject *a, PyObject *index, PyObject *value, const struct mxp_update *how) {
  struct mxp_index x;
  if (!mxp_index_begin(&x, a, index, true)) return NULL;
  mx_array v = prepared(&x, value, how), result = v ? written(&x, v, how) : NULL;
  if (v && !result) mxp_raise(x.ctx);
  mxb_release(v);
  mxp_index_end(&x);
  return result;
}

int mxp_assign_subscript(PyObject *a, PyObject *index, PyObject *value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "[index] elements of arrays cannot be deleted");
    return -1;
  }
  mx_array result = mxp_updated(a, index, value, NULL), before = MXP_NODE(a);
  if (!result) return -1;
  MXP_NODE(a) = result;
  mxb_release(before);
  return 0;
}

PyMappingMethods mxp_mapping_methods = {NULL, mxp_subscript, mxp_assign_subscript};

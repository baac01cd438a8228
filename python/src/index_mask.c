/* Masks in an index. Where it must be known how many places a mask selects it is evaluated: its axes are merged into one,
 * and the mask becomes the positions on that axis. A mask that is all of an index is written through lazily. */
#include "index.h"

/* Shape of the array with the axes of masks merged. */
struct merged {
  int64_t shape[MX_MAX_NDIM];
  int n, axis; /* sizes so far; axes of a that they stand for */
};

static bool room_for(const struct merged *m, int count) {
  if (m->n + count <= MX_MAX_NDIM) return true;
  PyErr_Format(PyExc_ValueError, "[index] masks and axes are more than %d", MX_MAX_NDIM);
  return false;
}

static bool keep_axes(const struct mxp_index *x, struct merged *m, int count) {
  if (!room_for(m, count)) return false;
  while (count-- > 0) m->shape[m->n++] = mxp_index_length(x, m->axis++);
  return true;
}

static bool merge_axes(const struct mxp_index *x, struct merged *m, mx_array mask) {
  mx_ints shape = mx_shape(mask);
  int64_t size = 1;
  if (!room_for(m, 1)) return false;
  for (size_t i = 0; i < shape.count; i++, m->axis++) {
    size *= shape.at[i];
    if (shape.at[i] == mxp_index_length(x, m->axis)) continue;
    PyErr_Format(PyExc_ValueError, "[index] axis %zu of a mask is of size %lld, but axis %d of the array of size %lld", i,
                 (long long)shape.at[i], m->axis, (long long)mxp_index_length(x, m->axis));
    return false;
  }
  m->shape[m->n++] = size;
  return true;
}

/* Takes over `mask`; NULL with an exception. */
static mx_array positions(mxb_ctx *ctx, mx_array mask) {
  mx_array at = mxp_evaluate(ctx, &mask, 1) ? mxb_flatnonzero(ctx, mask) : NULL;
  mxb_release(mask);
  if (!at && !PyErr_Occurred()) mxp_raise(ctx);
  return at;
}

bool mxp_index_masks(struct mxp_index *x, PyObject *const *items, int n, int dots, int dots_axes) {
  struct merged m = {.n = 0};
  for (int i = 0; i < n; i++) {
    bool is_mask = x->given[i] && mx_dtype_of(x->given[i]) == MX_BOOL;
    int kept = i == dots ? dots_axes : items[i] != Py_None;
    if (is_mask ? !merge_axes(x, &m, x->given[i]) : !keep_axes(x, &m, kept)) return false;
    if (is_mask && !(x->given[i] = positions(x->ctx, x->given[i]))) return false;
  }
  if (!keep_axes(x, &m, x->ndim - m.axis)) return false;
  mx_array a = mxb_reshape(x->ctx, x->a, (mx_ints){m.shape, (size_t)m.n});
  if (!a) return mxp_raise(x->ctx) != NULL;
  x->from = x->a;
  x->a = a;
  x->ndim = m.n;
  return true;
}

/* The mask with axes of size 1 behind its own, so that it broadcasts against a. Owned. */
static mx_array over(struct mxp_index *x) {
  int64_t shape[MX_MAX_NDIM];
  mx_ints own = mx_shape(x->mask);
  for (size_t i = 0; i < (size_t)x->ndim; i++) shape[i] = i < own.count ? own.at[i] : 1;
  return mxb_reshape(x->ctx, x->mask, (mx_ints){shape, (size_t)x->ndim});
}

mx_array mxp_index_write_mask(struct mxp_index *x, mx_array value, const struct mxp_update *how) {
  if (!how) return mxb_masked_scatter(x->ctx, x->a, x->mask, value);
  mx_array zeros = mxb_zeros_like(x->ctx, x->a), spread = zeros ? mxb_masked_scatter(x->ctx, zeros, x->mask, value) : NULL;
  mx_array changed = spread ? how->combine(x->ctx, x->a, spread) : NULL, mask = changed ? over(x) : NULL;
  mx_array result = mask ? mxb_where(x->ctx, mask, changed, x->a) : NULL;
  mxb_release(mask);
  mxb_release(changed);
  mxb_release(spread);
  mxb_release(zeros);
  return result;
}

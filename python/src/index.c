/* Reading an index, and a[...]. An index becomes items, one for each axis or new axis; ranges become one slice, arrays one
 * gather. Reading items may run Python code (__index__), so the node is held. Start at mxp_subscript. */
#include "index.h"

void mxp_index_end(struct mxp_index *x) {
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind == MXP_INDICES) mxb_release(x->items[i].array);
  for (int i = 0; i < x->given_count; i++) mxb_release(x->given[i]);
  mxb_release(x->mask);
  mxb_release(x->from);
  mxb_release(x->a);
}

int64_t mxp_index_length(const struct mxp_index *x, int axis) { return mx_shape(x->a).at[axis]; }

/* ---- Items ------------------------------------------------------------------------------------------------------- */
void mxp_index_range(struct mxp_index *x, int axis, int64_t start, int64_t stop, int64_t step, int64_t length) {
  int64_t whole = mxp_index_length(x, axis);
  x->start[axis] = length ? start : 0;
  x->stop[axis] = !length ? 0 : stop < 0 ? -whole - 1 : stop;
  x->step[axis] = length ? step : 1;
  if (length != whole || (length && step != 1)) x->is_whole = false;
}

static void whole_axis(struct mxp_index *x, int axis) {
  int64_t length = mxp_index_length(x, axis);
  mxp_index_range(x, axis, 0, length, 1, length);
}

static bool read_slice(struct mxp_index *x, int axis, PyObject *o) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(o, &start, &stop, &step)) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_Format(PyExc_ValueError, "[index] the bounds of a slice are ints or None: %R", o);
    return false;
  }
  Py_ssize_t length = PySlice_AdjustIndices((Py_ssize_t)mxp_index_length(x, axis), &start, &stop, step);
  x->items[x->count].kind = MXP_RANGE;
  x->items[x->count].length = length;
  mxp_index_range(x, axis, start, stop, step, length);
  return true;
}

static bool read_number(struct mxp_index *x, int axis, PyObject *o) {
  Py_ssize_t i = PyNumber_AsSsize_t(o, PyExc_IndexError), size = (Py_ssize_t)mxp_index_length(x, axis);
  if (i == -1 && PyErr_Occurred()) return false;
  if (i < -size || i >= size) {
    PyErr_Format(PyExc_IndexError, "[index] %zd is out of bounds for axis %d of size %zd", i, axis, size);
    return false;
  }
  i += i < 0 ? size : 0;
  x->items[x->count].kind = MXP_NUMBER;
  x->items[x->count].number = i;
  mxp_index_range(x, axis, i, i + 1, 1, 1);
  return true;
}

static bool read_indices(struct mxp_index *x, int axis, mx_array given) {
  mx_dtype t = mx_dtype_of(given);
  if (t >= MX_FLOAT16) {
    PyErr_Format(PyExc_ValueError, "[index] arrays of %s cannot be indices: integers and bool can", mx_dtype_name(t));
    return false;
  }
  x->items[x->count].kind = MXP_INDICES;
  x->items[x->count].array = mxb_retain(given);
  x->has_arrays = true;
  whole_axis(x, axis);
  return true;
}

static bool read_item(struct mxp_index *x, int *axis, PyObject *o, mx_array given) {
  bool is_read;
  if (o == Py_None) {
    x->items[x->count].kind = MXP_NEW_AXIS;
    x->items[x->count++].length = 1;
    return true;
  }
  if (given) {
    is_read = read_indices(x, *axis, given);
  } else if (PySlice_Check(o)) {
    is_read = read_slice(x, *axis, o);
  } else if (PyIndex_Check(o)) {
    is_read = read_number(x, *axis, o);
  } else {
    PyErr_Format(PyExc_ValueError, "[index] an index is an int, a slice, None, ..., an array, a list or a tuple of these, not %.200s",
                 Py_TYPE(o)->tp_name);
    return false;
  }
  if (is_read) x->items[x->count++].axis = (*axis)++;
  return is_read;
}

static void whole_axes(struct mxp_index *x, int *axis, int count) {
  for (; count > 0; count--, (*axis)++) {
    x->items[x->count].kind = MXP_RANGE;
    x->items[x->count].length = mxp_index_length(x, *axis);
    x->items[x->count++].axis = *axis;
    whole_axis(x, *axis);
  }
}

/* ---- The whole index --------------------------------------------------------------------------------------------- */
/* A list of nothing has no dtype, and is taken for integers. */
static mx_array array_of_list(mxb_ctx *ctx, PyObject *list) {
  mx_array a = mxp_from_object(ctx, list, -1);
  if (!a || mx_size(a) || mx_dtype_of(a) != MX_FLOAT32) return a;
  mx_array empty = mxb_astype(ctx, a, MX_INT32);
  mxb_release(a);
  if (!empty) mxp_raise(ctx);
  return empty;
}

/* The array that an item is or stands for, owned. NULL without an exception: it is none. */
static mx_array given_array(mxb_ctx *ctx, PyObject *o) {
  if (PyLong_CheckExact(o) || PySlice_Check(o) || o == Py_None || o == Py_Ellipsis) return NULL;
  if (MXP_IS_ARRAY(o)) return mxb_retain(MXP_NODE(o));
  if (PyList_Check(o)) return array_of_list(ctx, o);
  if (PyBool_Check(o)) {
    mx_array mask = mxb_constant_i(ctx, o == Py_True, MX_BOOL);
    if (!mask) mxp_raise(ctx);
    return mask;
  }
  bool is_number = PyIndex_Check(o) && !PySequence_Check(o);
  return is_number || !mxp_is_operand(o) ? NULL : mxp_operand(ctx, o);
}

/* Whether there are masks among them. False with an exception in *ok. */
static bool take_given(struct mxp_index *x, PyObject *const *items, Py_ssize_t n, bool *ok) {
  bool has_masks = false;
  *ok = n <= MX_MAX_NDIM;
  if (!*ok) PyErr_Format(PyExc_ValueError, "[index] too many indices: %zd for an array of %d axes", n, x->ndim);
  for (Py_ssize_t i = 0; *ok && i < n; i++) {
    mx_array given = given_array(x->ctx, items[i]);
    if (!given && PyErr_Occurred()) *ok = false;
    x->given[x->given_count++] = given;
    has_masks |= given && mx_dtype_of(given) == MX_BOOL;
  }
  return has_masks;
}

/* How many axes of a the items name, and where "..." stands, or -1. */
static bool count_axes(const struct mxp_index *x, PyObject *const *items, int n, int *named, int *dots) {
  *named = 0;
  *dots = -1;
  for (int i = 0; i < n; i++) {
    if (items[i] == Py_Ellipsis && *dots >= 0) {
      PyErr_SetString(PyExc_ValueError, "[index] there is more than one ...");
      return false;
    }
    if (items[i] == Py_Ellipsis)
      *dots = i;
    else if (items[i] != Py_None)
      *named += mxp_index_axes(x->given[i]);
  }
  if (*named <= x->ndim) return true;
  PyErr_Format(PyExc_ValueError, "[index] too many indices: %d for an array of %d axes", *named, x->ndim);
  return false;
}

static bool read_items(struct mxp_index *x, PyObject *const *items, int n, bool has_masks) {
  int named, dots, axis = 0;
  if (!count_axes(x, items, n, &named, &dots)) return false;
  int dots_axes = dots < 0 ? 0 : x->ndim - named;
  if (has_masks && !mxp_index_masks(x, items, n, dots, dots_axes)) return false;
  for (int i = 0; i < n; i++) {
    if (i == dots)
      whole_axes(x, &axis, dots_axes);
    else if (!read_item(x, &axis, items[i], x->given[i]))
      return false;
  }
  whole_axes(x, &axis, x->ndim - axis);
  return true;
}

bool mxp_index_begin(struct mxp_index *x, PyObject *a, PyObject *index, bool is_write) {
  x->ctx = mxp_ctx();
  if (!x->ctx) return false;
  x->a = mxb_retain(MXP_NODE(a));
  x->from = x->mask = NULL;
  x->ndim = mx_ndim(x->a);
  x->count = x->given_count = 0;
  x->is_whole = true;
  x->has_arrays = false;
  bool is_tuple = PyTuple_Check(index), is_read;
  PyObject *const *items = is_tuple ? PySequence_Fast_ITEMS(index) : &index;
  Py_ssize_t n = is_tuple ? PyTuple_GET_SIZE(index) : 1;
  bool has_masks = take_given(x, items, n, &is_read);
  if (is_read && has_masks && is_write && n == 1)
    x->mask = mxb_retain(x->given[0]);
  else if (is_read)
    is_read = read_items(x, items, (int)n, has_masks);
  if (!is_read) mxp_index_end(x);
  return is_read;
}

/* ---- Ranges, numbers and new axes -------------------------------------------------------------------------------- */
static mx_ints ints(const int64_t *at, int n) { return (mx_ints){at, (size_t)n}; }

mx_array mxp_index_slice(struct mxp_index *x, bool is_with_numbers) {
  if (!is_with_numbers && x->is_whole) return mxb_retain(x->a);
  int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM];
  for (int i = 0; i < x->ndim; i++) start[i] = x->start[i], stop[i] = x->stop[i];
  for (int i = 0; i < x->count && !is_with_numbers; i++)
    if (x->items[i].kind == MXP_NUMBER) start[x->items[i].axis] = 0, stop[x->items[i].axis] = mxp_index_length(x, x->items[i].axis);
  return mxb_slice(x->ctx, x->a, ints(start, x->ndim), ints(stop, x->ndim), ints(x->step, x->ndim));
}

int mxp_index_shape(const struct mxp_index *x, int64_t *shape) {
  int n = 0;
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != MXP_NUMBER) shape[n++] = x->items[i].length;
  return n;
}

static mx_array read_ranges(struct mxp_index *x) {
  int64_t shape[2 * MX_MAX_NDIM];
  int n = mxp_index_shape(x, shape);
  mx_array sliced = mxp_index_slice(x, true);
  if (!sliced || (n == x->ndim && x->count == x->ndim)) return sliced;
  mx_array result = mxb_reshape(x->ctx, sliced, ints(shape, n));
  mxb_release(sliced);
  return result;
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
int mxp_index_arrays(struct mxp_index *x, mx_array *arrays, int64_t *axes) {
  int n = 0;
  for (int i = 0; i < x->count; i++) {
    if (x->items[i].kind != MXP_INDICES && x->items[i].kind != MXP_NUMBER) continue;
    axes[n] = x->items[i].axis;
    arrays[n] = x->items[i].kind == MXP_INDICES ? mxb_retain(x->items[i].array) : mxb_constant_i(x->ctx, x->items[i].number, MX_INT64);
    if (!arrays[n++]) break;
  }
  return n;
}

/* In NumPy's order: the axes of the index arrays stand where the first of them stood, or in front if something stands
 * between them. */
int mxp_index_front(const struct mxp_index *x) {
  int first = -1, last = -1;
  for (int i = 0; i < x->count; i++) {
    if (x->items[i].kind != MXP_INDICES && x->items[i].kind != MXP_NUMBER) continue;
    if (first < 0) first = i;
    else if (i != last + 1) return 0;
    last = i;
  }
  return first;
}

/* What a gather gives, (index axes..., one per axis of a), as a[index]: without the axes of the arrays, with new ones. */
static mx_array arrange(struct mxp_index *x, mx_array gathered, int index_ndim) {
  int64_t shape[3 * MX_MAX_NDIM], order[3 * MX_MAX_NDIM];
  int n = index_ndim, front = mxp_index_front(x), at = 0;
  for (int i = 0; i < index_ndim; i++) shape[i] = mx_shape(gathered).at[i];
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind == MXP_NEW_AXIS || x->items[i].kind == MXP_RANGE) shape[n++] = x->items[i].length;
  if (n > MX_MAX_NDIM) return mxb_raise(x->ctx, MX_ERR_SHAPE, "[index] the result would have %d axes", n), NULL;
  mx_array shaped = mxb_reshape(x->ctx, gathered, ints(shape, n));
  if (!front || !shaped) return shaped;
  for (int i = 0; i < front; i++) order[at++] = index_ndim + i;
  for (int i = 0; i < index_ndim; i++) order[at++] = i;
  for (int i = index_ndim + front; i < n; i++) order[at++] = i;
  mx_array result = mxb_transpose(x->ctx, shaped, ints(order, n));
  mxb_release(shaped);
  return result;
}

static mx_array read_arrays(struct mxp_index *x) {
  mx_array arrays[MX_MAX_NDIM], base = mxp_index_slice(x, false), result = NULL;
  int64_t axes[MX_MAX_NDIM], sizes[MX_MAX_NDIM];
  int n = base ? mxp_index_arrays(x, arrays, axes) : 0;
  for (int i = 0; base && i < x->ndim; i++) sizes[i] = mx_shape(base).at[i];
  for (int i = 0; i < n; i++) sizes[axes[i]] = 1;
  mx_array gathered = base ? mxb_gather(x->ctx, base, arrays, (size_t)n, ints(axes, n), ints(sizes, x->ndim)) : NULL;
  if (gathered) result = arrange(x, gathered, mx_ndim(gathered) - x->ndim);
  mxb_release(gathered);
  while (n) mxb_release(arrays[--n]);
  mxb_release(base);
  return result;
}

mx_array mxp_index_read(struct mxp_index *x) { return x->has_arrays ? read_arrays(x) : read_ranges(x); }

PyObject *mxp_subscript(PyObject *a, PyObject *index) {
  struct mxp_index x;
  if (!mxp_index_begin(&x, a, index, false)) return NULL;
  PyObject *o = mxp_wrap(x.ctx, mxp_index_read(&x));
  mxp_index_end(&x);
  return o;
}

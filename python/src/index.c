/* a[...] and a[...] = v. An index is first read into items, one for each axis or new axis; ranges become one slice, arrays
 * one gather or scatter. Reading items may run Python code (__index__), so the node is held. Start at mxp_subscript. */
#include "mxp.h"

enum item_kind { NEW_AXIS, NUMBER, RANGE, ARRAY };
struct index {
  mxb_ctx *ctx;
  mx_array a; /* owned */
  int ndim;   /* of a */
  int count;
  struct {
    enum item_kind kind;
    int axis;       /* of a; not for NEW_AXIS */
    int64_t number; /* NUMBER: from 0 */
    int64_t length; /* of the axis in the result */
    mx_array array; /* ARRAY: owned */
  } items[2 * MX_MAX_NDIM];
  int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
  bool is_whole, has_arrays; /* whether every range is a whole axis */
};

static void end(struct index *x) {
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind == ARRAY) mxb_release(x->items[i].array);
  mxb_release(x->a);
}

static int64_t axis_length(const struct index *x, int axis) { return mx_shape(x->a).at[axis]; }

/* ---- Reading an index -------------------------------------------------------------------------------------------- */
static void set_range(struct index *x, int axis, int64_t start, int64_t stop, int64_t step, int64_t length) {
  x->start[axis] = length ? start : 0;
  x->stop[axis] = !length ? 0 : stop < 0 ? -axis_length(x, axis) - 1 : stop;
  x->step[axis] = length ? step : 1;
  if (length != axis_length(x, axis) || (length && step != 1)) x->is_whole = false;
}

static bool read_slice(struct index *x, int axis, PyObject *o) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(o, &start, &stop, &step)) return false;
  Py_ssize_t length = PySlice_AdjustIndices((Py_ssize_t)axis_length(x, axis), &start, &stop, step);
  x->items[x->count].kind = RANGE;
  x->items[x->count].length = length;
  set_range(x, axis, start, stop, step, length);
  return true;
}

static bool read_number(struct index *x, int axis, PyObject *o) {
  Py_ssize_t i = PyNumber_AsSsize_t(o, PyExc_IndexError), size = (Py_ssize_t)axis_length(x, axis);
  if (i == -1 && PyErr_Occurred()) return false;
  if (i < -size || i >= size) {
    PyErr_Format(PyExc_IndexError, "[index] %zd is out of bounds for axis %d of size %zd", i, axis, size);
    return false;
  }
  i += i < 0 ? size : 0;
  x->items[x->count].kind = NUMBER;
  x->items[x->count].number = i;
  set_range(x, axis, i, i + 1, 1, 1);
  return true;
}

static bool read_array(struct index *x, int axis, PyObject *o) {
  mx_array a = MXP_IS_ARRAY(o) ? mxb_retain(MXP_NODE(o)) : mxp_operand(x->ctx, o);
  if (!a) return false;
  mx_dtype t = mx_dtype_of(a);
  if (t == MX_BOOL || t >= MX_FLOAT16) {
    mxb_release(a);
    PyErr_Format(PyExc_ValueError, "[index] arrays of %s cannot be indices: only integers can", mx_dtype_name(t));
    return false;
  }
  x->items[x->count].kind = ARRAY;
  x->items[x->count].array = a;
  x->has_arrays = true;
  set_range(x, axis, 0, axis_length(x, axis), 1, axis_length(x, axis));
  return true;
}

static bool read_item(struct index *x, int *axis, PyObject *o) {
  if (o == Py_None) {
    x->items[x->count].kind = NEW_AXIS;
    x->items[x->count++].length = 1;
    return true;
  }
  bool is_number = PyIndex_Check(o) && !MXP_IS_ARRAY(o) && !PyBool_Check(o) && (PyLong_Check(o) || !mxp_is_operand(o) || !PySequence_Check(o));
  bool is_read;
  if (PySlice_Check(o)) {
    is_read = read_slice(x, *axis, o);
  } else if (is_number) {
    is_read = read_number(x, *axis, o);
  } else if (MXP_IS_ARRAY(o) || mxp_is_operand(o)) {
    is_read = read_array(x, *axis, o);
  } else {
    PyErr_Format(PyExc_ValueError, "[index] an index is an int, a slice, None, ..., an array or a tuple of these, not %.200s",
                 Py_TYPE(o)->tp_name);
    return false;
  }
  if (is_read) x->items[x->count++].axis = (*axis)++;
  return is_read;
}

static void whole_axes(struct index *x, int *axis, int count) {
  for (; count > 0; count--, (*axis)++) {
    x->items[x->count].kind = RANGE;
    x->items[x->count].length = axis_length(x, *axis);
    x->items[x->count++].axis = *axis;
    set_range(x, *axis, 0, axis_length(x, *axis), 1, axis_length(x, *axis));
  }
}

/* How many axes of a the items name, and where "..." stands (or the end). */
static bool count_axes(const struct index *x, PyObject *const *items, Py_ssize_t n, int *named, Py_ssize_t *dots) {
  *named = 0;
  *dots = -1;
  for (Py_ssize_t i = 0; i < n; i++) {
    if (items[i] == Py_Ellipsis && *dots >= 0) {
      PyErr_SetString(PyExc_ValueError, "[index] there is more than one ...");
      return false;
    }
    if (items[i] == Py_Ellipsis)
      *dots = i;
    else
      *named += items[i] != Py_None;
  }
  if (*named <= x->ndim && n <= MX_MAX_NDIM) return true;
  PyErr_Format(PyExc_ValueError, "[index] too many indices: %zd for an array of %d axes", n, x->ndim);
  return false;
}

static bool read_items(struct index *x, PyObject *const *items, Py_ssize_t n) {
  int named, axis = 0;
  Py_ssize_t dots;
  if (!count_axes(x, items, n, &named, &dots)) return false;
  for (Py_ssize_t i = 0; i < n; i++) {
    if (i == dots)
      whole_axes(x, &axis, x->ndim - named);
    else if (!read_item(x, &axis, items[i]))
      return false;
  }
  whole_axes(x, &axis, x->ndim - axis);
  return true;
}

static bool begin(struct index *x, PyObject *a, PyObject *index) {
  x->ctx = mxp_ctx();
  if (!x->ctx) return false;
  x->a = mxb_retain(MXP_NODE(a));
  x->ndim = mx_ndim(x->a);
  x->count = 0;
  x->is_whole = true;
  x->has_arrays = false;
  bool is_tuple = PyTuple_Check(index);
  if (read_items(x, is_tuple ? PySequence_Fast_ITEMS(index) : &index, is_tuple ? PyTuple_GET_SIZE(index) : 1)) return true;
  end(x);
  return false;
}

/* ---- Ranges, numbers and new axes -------------------------------------------------------------------------------- */
static mx_ints ints(const int64_t *at, int n) { return (mx_ints){at, (size_t)n}; }

static mx_array slice(struct index *x, bool is_with_numbers) {
  if (!is_with_numbers && x->is_whole) return mxb_retain(x->a);
  int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM];
  for (int i = 0; i < x->ndim; i++) start[i] = x->start[i], stop[i] = x->stop[i];
  for (int i = 0; i < x->count && !is_with_numbers; i++)
    if (x->items[i].kind == NUMBER) start[x->items[i].axis] = 0, stop[x->items[i].axis] = axis_length(x, x->items[i].axis);
  return mxb_slice(x->ctx, x->a, ints(start, x->ndim), ints(stop, x->ndim), ints(x->step, x->ndim));
}

/* The shape of a[index] where no item is an array. */
static int result_shape(const struct index *x, int64_t *shape) {
  int n = 0;
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != NUMBER) shape[n++] = x->items[i].length;
  return n;
}

static mx_array read_ranges(struct index *x) {
  int64_t shape[2 * MX_MAX_NDIM];
  int n = result_shape(x, shape);
  mx_array sliced = slice(x, true);
  if (!sliced || (n == x->ndim && x->count == x->ndim)) return sliced;
  mx_array result = mxb_reshape(x->ctx, sliced, ints(shape, n));
  mxb_release(sliced);
  return result;
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
/* The index arrays, numbers among them, with their axes; all owned. False: an error is pending in ctx. */
static int take_arrays(struct index *x, mx_array *arrays, int64_t *axes) {
  int n = 0;
  for (int i = 0; i < x->count; i++) {
    if (x->items[i].kind != ARRAY && x->items[i].kind != NUMBER) continue;
    axes[n] = x->items[i].axis;
    arrays[n] = x->items[i].kind == ARRAY ? mxb_retain(x->items[i].array) : mxb_constant_i(x->ctx, x->items[i].number, MX_INT64);
    if (!arrays[n++]) break;
  }
  return n;
}

static void release_all(mx_array *arrays, int n) {
  while (n) mxb_release(arrays[--n]);
}

/* In NumPy's order: the axes of the index arrays stand where the first of them stood, or in front if something stands
 * between them. */
static int front_of(const struct index *x) {
  int first = -1, last = -1, front = 0;
  for (int i = 0; i < x->count; i++) {
    if (x->items[i].kind != ARRAY && x->items[i].kind != NUMBER) continue;
    if (first < 0) first = i;
    else if (i != last + 1) return 0;
    last = i;
  }
  for (int i = 0; i < first; i++) front++;
  return front;
}

/* What a gather gives, (index axes..., one per axis of a), as a[index]: without the axes of the arrays, with new ones. */
static mx_array arrange(struct index *x, mx_array gathered, int index_ndim) {
  int64_t shape[3 * MX_MAX_NDIM], order[3 * MX_MAX_NDIM];
  int n = index_ndim, front = front_of(x), at = 0;
  for (int i = 0; i < index_ndim; i++) shape[i] = mx_shape(gathered).at[i];
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind == NEW_AXIS || x->items[i].kind == RANGE) shape[n++] = x->items[i].length;
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

static mx_array read_arrays(struct index *x) {
  mx_array arrays[MX_MAX_NDIM], base = slice(x, false), result = NULL;
  int64_t axes[MX_MAX_NDIM], sizes[MX_MAX_NDIM];
  int n = base ? take_arrays(x, arrays, axes) : 0;
  for (int i = 0; base && i < x->ndim; i++) sizes[i] = mx_shape(base).at[i];
  for (int i = 0; i < n; i++) sizes[axes[i]] = 1;
  mx_array gathered = base ? mxb_gather(x->ctx, base, arrays, (size_t)n, ints(axes, n), ints(sizes, x->ndim)) : NULL;
  if (gathered) result = arrange(x, gathered, mx_ndim(gathered) - x->ndim);
  mxb_release(gathered);
  release_all(arrays, n);
  mxb_release(base);
  return result;
}

PyObject *mxp_subscript(PyObject *a, PyObject *index) {
  struct index x;
  if (!begin(&x, a, index)) return NULL;
  mx_array result = x.has_arrays ? read_arrays(&x) : read_ranges(&x);
  PyObject *o = mxp_wrap(x.ctx, result);
  end(&x);
  return o;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
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

static mx_array put_back(struct index *x, mx_array value) {
  return mxb_slice_update(x->ctx, x->a, value, ints(x->start, x->ndim), ints(x->stop, x->ndim), ints(x->step, x->ndim));
}

static mx_array put_shaped(struct index *x, mx_array value) {
  if (!mx_ndim(value)) return put_back(x, value);
  int64_t shape[2 * MX_MAX_NDIM], region[MX_MAX_NDIM];
  int n = result_shape(x, shape);
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != NEW_AXIS) region[x->items[i].axis] = x->items[i].kind == NUMBER ? 1 : x->items[i].length;
  mx_array fitted = fit(x->ctx, value, shape, n), shaped = fitted ? mxb_reshape(x->ctx, fitted, ints(region, x->ndim)) : NULL;
  mx_array result = shaped ? put_back(x, shaped) : NULL;
  mxb_release(shaped);
  mxb_release(fitted);
  return result;
}

static mx_array write_ranges(struct index *x, mx_array value, const struct mxp_update *how) {
  if (!how) return put_shaped(x, value);
  mx_array read = read_ranges(x), cast = read ? mxb_astype(x->ctx, value, mx_dtype_of(x->a)) : NULL;
  int64_t shape[2 * MX_MAX_NDIM];
  mx_array fitted = cast ? fit(x->ctx, cast, shape, result_shape(x, shape)) : NULL;
  mx_array combined = fitted ? how->combine(x->ctx, read, fitted) : NULL, result = combined ? put_shaped(x, combined) : NULL;
  mxb_release(combined);
  mxb_release(fitted);
  mxb_release(cast);
  mxb_release(read);
  return result;
}

/* `value`, broadcast to the shape of a[index], as the updates of a scatter: index axes first, then one per axis of a. */
static mx_array as_updates(struct index *x, mx_array value, mx_array read, int index_ndim) {
  mx_ints shape = mx_shape(read);
  int front = front_of(x), n = index_ndim, at = 0;
  int64_t order[2 * MX_MAX_NDIM], sizes[3 * MX_MAX_NDIM];
  mx_array fitted = fit(x->ctx, value, shape.at, (int)shape.count);
  for (int i = 0; i < index_ndim; i++) order[at++] = front + i, sizes[i] = shape.at[front + i];
  for (int i = 0; i < (int)shape.count; i++)
    if (i < front || i >= front + index_ndim) order[at++] = i;
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind != NEW_AXIS) sizes[n++] = x->items[i].kind == RANGE ? x->items[i].length : 1;
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

/* Writes into the sliced part, and puts that back. */
static mx_array write_arrays(struct index *x, mx_array value, const struct mxp_update *how) {
  mx_array arrays[MX_MAX_NDIM], base = slice(x, false), read = base ? read_arrays(x) : NULL, result = NULL;
  int64_t axes[MX_MAX_NDIM];
  int n = read ? take_arrays(x, arrays, axes) : 0;
  mx_array updates = read ? as_updates(x, value, read, index_rank(arrays, n)) : NULL;
  mx_array written = updates ? (how ? how->scatter : mxb_scatter)(x->ctx, base, arrays, (size_t)n, updates, ints(axes, n)) : NULL;
  for (int i = 0; i < x->count; i++)
    if (x->items[i].kind == NUMBER) set_range(x, x->items[i].axis, 0, axis_length(x, x->items[i].axis), 1, axis_length(x, x->items[i].axis));
  if (written) result = x->is_whole ? mxb_retain(written) : put_back(x, written);
  mxb_release(written);
  mxb_release(updates);
  release_all(arrays, n);
  mxb_release(read);
  mxb_release(base);
  return result;
}

/* A value for `a`: an operand, or a nested list. Owned; NULL with an exception. */
static mx_array value_of(mxb_ctx *ctx, PyObject *o) {
  if (MXP_IS_ARRAY(o)) return mxb_retain(MXP_NODE(o));
  mx_array v = mxp_operand(ctx, o);
  return v || PyErr_Occurred() ? v : mxp_from_object(ctx, o, -1);
}

/* The value as it goes into the place: what `how` makes of it, in a's dtype. Owned. */
static mx_array prepared(struct index *x, PyObject *value, const struct mxp_update *how) {
  mx_array v = value_of(x->ctx, value);
  if (!v || !how || !how->prepare) return v;
  mx_array cast = mxb_astype(x->ctx, v, mx_dtype_of(x->a)), made = cast ? how->prepare(x->ctx, cast) : NULL;
  mxb_release(cast);
  mxb_release(v);
  if (!made) mxp_raise(x->ctx);
  return made;
}

mx_array mxp_updated(PyObject *a, PyObject *index, PyObject *value, const struct mxp_update *how) {
  struct index x;
  if (!begin(&x, a, index)) return NULL;
  mx_array v = prepared(&x, value, how);
  mx_array result = !v ? NULL : x.has_arrays ? write_arrays(&x, v, how) : write_ranges(&x, v, how);
  if (v && !result) mxp_raise(x.ctx);
  mxb_release(v);
  end(&x);
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

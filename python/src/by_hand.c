/* Calls that a row cannot describe: MLX's one function is several of the core, or makes a number of arrays that depends on
 * the arguments. Rows with the word "hand" name them. Layout and creation are here, the rest in by_hand_math.c. */
#include "call.h"

#include <string.h>

/* ---- Several results --------------------------------------------------------------------------------------------- */
static mx_array *room_for_results(struct mxp_call *c, size_t count) { return mxp_room(c, (count + 1) * sizeof(mx_array)); }

PyObject *mxp_broadcast_arrays(struct mxp_call *c) {
  size_t n = c->v[0].arrays.count;
  mx_array *results = room_for_results(c, n);
  return results ? mxp_give_many(c, mxb_broadcast_arrays(c->ctx, c->v[0].arrays.at, n, results), results, n) : NULL;
}

PyObject *mxp_meshgrid(struct mxp_call *c) {
  size_t n = c->v[0].arrays.count;
  const char *indexing = c->v[2].text;
  if (strcmp(indexing, "xy") && strcmp(indexing, "ij"))
    return PyErr_Format(PyExc_ValueError, "[meshgrid] indexing must be 'xy' or 'ij', not '%.200s'", indexing);
  mx_array *results = room_for_results(c, n);
  if (!results) return NULL;
  return mxp_give_many(c, mxb_meshgrid(c->ctx, c->v[0].arrays.at, n, c->v[1].flag, *indexing == 'x', results), results, n);
}

/* A tuple as a list, as MLX returns it. */
static PyObject *as_list(PyObject *tuple) {
  PyObject *list = tuple ? PySequence_List(tuple) : NULL;
  Py_XDECREF(tuple);
  return list;
}

PyObject *mxp_split(struct mxp_call *c) {
  PyObject *where = c->v[1].object;
  int axis = (int)c->v[2].i;
  union mxp_value v;
  mx_array *results;
  if (PyLong_Check(where)) {
    if (!mxp_read_as(c, "indices_or_sections", MXP_INT, where, &v)) return NULL;
    if (v.i < 1) return PyErr_Format(PyExc_ValueError, "[split] %lld is no number of sections", (long long)v.i);
    size_t n = (size_t)v.i;
    if (!(results = room_for_results(c, n))) return NULL;
    return as_list(mxp_give_many(c, mxb_split(c->ctx, c->v[0].array, (int)n, axis, results), results, n));
  }
  if (!mxp_read_ints(c, "indices_or_sections", where, &v.ints)) return NULL;
  size_t n = v.ints.count + 1;
  if (!(results = room_for_results(c, n))) return NULL;
  return as_list(mxp_give_many(c, mxb_split_at(c->ctx, c->v[0].array, v.ints, axis, results), results, n));
}

PyObject *mxp_unstack(struct mxp_call *c) {
  mx_ints shape = mx_shape(c->v[0].array);
  int64_t axis = c->v[1].i + (c->v[1].i < 0 ? (int64_t)shape.count : 0);
  mx_array none;
  if (axis < 0 || axis >= (int64_t)shape.count) return mxp_give_many(c, mxb_unstack(c->ctx, c->v[0].array, (int)c->v[1].i, &none), NULL, 0);
  size_t n = (size_t)shape.at[axis];
  mx_array *results = room_for_results(c, n);
  return results ? mxp_give_many(c, mxb_unstack(c->ctx, c->v[0].array, (int)axis, results), results, n) : NULL;
}

static PyObject *atleast(struct mxp_call *c, mx_array (*op)(mxb_ctx *, mx_array)) {
  size_t n = c->v[0].arrays.count, made = 0;
  if (n == 1) return mxp_give(c, op(c->ctx, c->v[0].arrays.at[0]));
  mx_array *results = room_for_results(c, n);
  if (!results) return NULL;
  while (made < n && (results[made] = op(c->ctx, c->v[0].arrays.at[made]))) made++;
  if (made == n) return mxp_give_many(c, MX_OK, results, n);
  while (made) mxb_release(results[--made]);
  return mxp_raise_as(c->ctx, c->op->name);
}

PyObject *mxp_atleast_1d(struct mxp_call *c) { return atleast(c, mxb_atleast_1d); }
PyObject *mxp_atleast_2d(struct mxp_call *c) { return atleast(c, mxb_atleast_2d); }
PyObject *mxp_atleast_3d(struct mxp_call *c) { return atleast(c, mxb_atleast_3d); }

/* ---- Layout ------------------------------------------------------------------------------------------------------ */
PyObject *mxp_as_strided(struct mxp_call *c) {
  mx_ints shape = c->v[1].ints, strides = c->v[2].ints;
  if (shape.count == SIZE_MAX) shape = mx_shape(c->v[0].array);
  if (strides.count == SIZE_MAX) {
    int64_t *at = mxp_room(c, (shape.count + 1) * sizeof *at), stride = 1;
    if (!at) return NULL;
    for (size_t i = shape.count; i-- > 0;) {
      at[i] = stride;
      if (__builtin_mul_overflow(stride, shape.at[i], &stride)) return PyErr_Format(PyExc_ValueError, "[as_strided] the shape is too large");
    }
    strides = (mx_ints){at, shape.count};
  }
  return mxp_give(c, mxb_as_strided(c->ctx, c->v[0].array, shape, strides, c->v[3].i));
}

/* (n,) and (low, high) for every axis, or such a pair for each. */
static bool read_pairs(struct mxp_call *c, PyObject *items, mx_ints *low, mx_ints *high) {
  size_t n = (size_t)PyTuple_GET_SIZE(items);
  int64_t *at = mxp_room(c, (2 * n + 1) * sizeof *at);
  for (size_t i = 0; at && i < n; i++) {
    mx_ints pair;
    if (!mxp_read_ints(c, "pad_width", PyTuple_GET_ITEM(items, (Py_ssize_t)i), &pair)) return false;
    if (pair.count < 1 || pair.count > 2) {
      PyErr_Format(PyExc_ValueError, "[pad] pad_width has %zu numbers for an axis, not one or two", pair.count);
      return false;
    }
    at[i] = pair.at[0];
    at[n + i] = pair.at[pair.count - 1];
  }
  *low = (mx_ints){at, n};
  *high = (mx_ints){at + n, n};
  return at != NULL;
}

static bool read_widths(struct mxp_call *c, PyObject *o, mx_ints *low, mx_ints *high) {
  bool is_list = PyList_Check(o) || PyTuple_Check(o);
  if (!is_list || !PySequence_Fast_GET_SIZE(o) || PyLong_Check(PySequence_Fast_GET_ITEM(o, 0))) {
    mx_ints widths;
    if (!mxp_read_ints(c, "pad_width", o, &widths)) return false;
    if (widths.count < 1 || widths.count > 2) return PyErr_Format(PyExc_ValueError, "[pad] pad_width has %zu numbers", widths.count), false;
    *low = (mx_ints){widths.at, 1};
    *high = (mx_ints){widths.at + widths.count - 1, 1};
    return true;
  }
  PyObject *items = PySequence_Tuple(o);
  bool is_read = items && read_pairs(c, items, low, high);
  Py_XDECREF(items);
  return is_read;
}

PyObject *mxp_pad(struct mxp_call *c) {
  mx_ints low, high;
  const char *mode = c->v[2].text;
  mx_array a = c->v[0].array;
  if (!read_widths(c, c->v[1].object, &low, &high)) return NULL;
  if (!strcmp(mode, "constant")) return mxp_give(c, mxb_pad(c->ctx, a, low, high, c->v[3].array));
  if (!strcmp(mode, "edge")) return mxp_give(c, mxb_pad_edge(c->ctx, a, low, high));
  if (!strcmp(mode, "reflect")) return mxp_give(c, mxb_pad_reflect(c->ctx, a, low, high));
  if (!strcmp(mode, "symmetric")) return mxp_give(c, mxb_pad_symmetric(c->ctx, a, low, high));
  return PyErr_Format(PyExc_ValueError, "[pad] mode must be 'constant', 'edge', 'reflect' or 'symmetric', not '%.200s'", mode);
}

/* ---- Creation ---------------------------------------------------------------------------------------------------- */
static mx_dtype dtype_or(int64_t wanted, mx_dtype otherwise) { return wanted == MXP_NONE ? otherwise : (mx_dtype)wanted; }

PyObject *mxp_full(struct mxp_call *c) {
  mx_array value = c->v[1].array;
  return mxp_give(c, mxb_full(c->ctx, c->v[0].ints, value, dtype_or(c->v[2].i, mx_dtype_of(value))));
}

PyObject *mxp_full_like(struct mxp_call *c) {
  mx_array a = c->v[0].array;
  return mxp_give(c, mxb_full_like(c->ctx, a, c->v[1].array, dtype_or(c->v[2].i, mx_dtype_of(a))));
}

static PyObject *like(struct mxp_call *c, mx_array (*op)(mxb_ctx *, mx_ints, mx_dtype)) {
  mx_array a = c->v[0].array;
  return mxp_give(c, op(c->ctx, mx_shape(a), dtype_or(c->v[1].i, mx_dtype_of(a))));
}

PyObject *mxp_zeros_like(struct mxp_call *c) { return like(c, mxb_zeros); }
PyObject *mxp_ones_like(struct mxp_call *c) { return like(c, mxb_ones); }
PyObject *mxp_empty_like(struct mxp_call *c) { return like(c, mxb_empty); }

/* n x m, where m may be None. */
static PyObject *matrix(struct mxp_call *c, mx_array (*op)(mxb_ctx *, int64_t, int64_t, int, mx_dtype)) {
  union mxp_value m = c->v[0];
  PyObject *o = c->v[1].object;
  if (o && o != Py_None && !mxp_read_as(c, "m", MXP_I64, o, &m)) return NULL;
  return mxp_give(c, op(c->ctx, c->v[0].i, m.i, (int)c->v[2].i, (mx_dtype)c->v[3].i));
}

PyObject *mxp_eye(struct mxp_call *c) { return matrix(c, mxb_eye); }
PyObject *mxp_tri(struct mxp_call *c) { return matrix(c, mxb_tri); }

struct number {
  bool is_float;
  double f;
  int64_t i;
};

static bool read_number(struct mxp_call *c, const char *name, PyObject *o, struct number *out) {
  union mxp_value v;
  if (PyBool_Check(o) || MXP_IS_ARRAY(o)) return mxp_wrong(c, name, "an int or a float", o);
  out->is_float = !PyLong_Check(o) && !PyIndex_Check(o);
  if (!mxp_read_as(c, name, out->is_float ? MXP_F64 : MXP_I64, o, &v)) return false;
  out->i = out->is_float ? 0 : v.i;
  out->f = out->is_float ? v.f : (double)v.i;
  return true;
}

/* One number is the end, two are start and end. */
PyObject *mxp_arange(struct mxp_call *c) {
  static const char *const names[] = {"start", "stop", "step"};
  struct number n[3] = {{false, 0, 0}, {false, 0, 0}, {false, 1, 1}};
  bool has_stop = c->v[1].object && c->v[1].object != Py_None, is_float = false, is_wide = false;
  for (int i = 0; i < 3; i++) {
    PyObject *o = c->v[i].object;
    if (o && o != Py_None && !read_number(c, names[i], o, &n[i == 0 && !has_stop ? 1 : i])) return NULL;
  }
  for (int i = 0; i < 3; i++) {
    is_float |= n[i].is_float;
    is_wide |= n[i].i != (int32_t)n[i].i;
  }
  if (is_float) return mxp_give(c, mxb_arange(c->ctx, n[0].f, n[1].f, n[2].f, dtype_or(c->v[3].i, MX_FLOAT32)));
  return mxp_give(c, mxb_arange_i(c->ctx, n[0].i, n[1].i, n[2].i, dtype_or(c->v[3].i, is_wide ? MX_INT64 : MX_INT32)));
}

/* ---- depends ------------------------------------------------------------------------------------------------------- */
/* One array, or a list of them; a new reference to each item is held. */
static bool read_one_or_many(struct mxp_call *c, const char *name, PyObject *o, struct mxp_leaves *out) {
  bool is_list = PyList_Check(o) || PyTuple_Check(o);
  for (Py_ssize_t i = 0; is_list && i < PySequence_Fast_GET_SIZE(o); i++)
    if (!MXP_IS_ARRAY(PySequence_Fast_GET_ITEM(o, i))) return mxp_wrong(c, name, "arrays", PySequence_Fast_GET_ITEM(o, i));
  if (!is_list && !MXP_IS_ARRAY(o)) return mxp_wrong(c, name, "an array or a list of arrays", o);
  return mxp_tree_flatten(o, out, "depends");
}

/* The structure of `inputs`, as MLX returns it: an array, or a list. */
static PyObject *depending(struct mxp_call *c, const struct mxp_leaves *inputs, const struct mxp_leaves *dependencies) {
  if (MXP_IS_ARRAY(c->v[0].object)) return mxp_give(c, mxb_depends(c->ctx, inputs->at[0], dependencies->at, dependencies->count));
  PyObject *list = PyList_New((Py_ssize_t)inputs->count);
  for (size_t i = 0; list && i < inputs->count; i++) {
    PyObject *o = mxp_give(c, mxb_depends(c->ctx, inputs->at[i], dependencies->at, dependencies->count));
    if (o)
      PyList_SET_ITEM(list, (Py_ssize_t)i, o);
    else
      Py_CLEAR(list);
  }
  return list;
}

PyObject *mxp_depends(struct mxp_call *c) {
  struct mxp_leaves inputs = {0}, dependencies = {0};
  bool is_read = read_one_or_many(c, "inputs", c->v[0].object, &inputs) && read_one_or_many(c, "dependencies", c->v[1].object, &dependencies);
  PyObject *result = is_read ? depending(c, &inputs, &dependencies) : NULL;
  mxp_leaves_free(&inputs);
  mxp_leaves_free(&dependencies);
  return result;
}

/* Python values as nodes: numbers, nested sequences of numbers and arrays, and what has the buffer protocol. Start at
 * mxp_from_object. */
#include <stdlib.h>
#include <string.h>

#include "mxp.h"

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static bool as_int64(PyObject *o, int64_t *out) {
  int overflow = 0;
  *out = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (!overflow) return true;
  PyErr_SetString(PyExc_ValueError, "[array] an integer does not fit in 64 bits");
  return false;
}

mx_array mxp_scalar(mxb_ctx *ctx, PyObject *o) {
  mx_array a;
  int64_t i;
  if (PyFloat_CheckExact(o)) {
    a = mxb_scalar_f(ctx, PyFloat_AS_DOUBLE(o));
  } else if (PyBool_Check(o)) {
    a = mxb_scalar_b(ctx, o == Py_True);
  } else if (PyLong_Check(o)) {
    if (!as_int64(o, &i)) return NULL;
    a = mxb_scalar_i(ctx, i);
  } else if (PyFloat_Check(o)) {
    a = mxb_scalar_f(ctx, PyFloat_AS_DOUBLE(o));
  } else if (PyComplex_Check(o)) {
    Py_complex z = ((PyComplexObject *)o)->cval;
    a = mxb_scalar_c(ctx, z.real, z.imag);
  } else {
    return NULL;
  }
  if (!a) mxp_raise(ctx);
  return a;
}

/* The same as a plain array, which takes part in promotion. */
static mx_array constant(mxb_ctx *ctx, PyObject *o, int dtype) {
  mx_array a;
  int64_t i;
  if (PyBool_Check(o)) {
    a = mxb_constant_i(ctx, o == Py_True, dtype < 0 ? MX_BOOL : (mx_dtype)dtype);
  } else if (PyLong_Check(o)) {
    if (!as_int64(o, &i)) return NULL;
    a = mxb_constant_i(ctx, i, dtype >= 0 ? (mx_dtype)dtype : i == (int32_t)i ? MX_INT32 : MX_INT64);
  } else if (PyFloat_Check(o)) {
    a = mxb_constant_f(ctx, PyFloat_AS_DOUBLE(o), dtype < 0 ? MX_FLOAT32 : (mx_dtype)dtype);
  } else {
    Py_complex z = ((PyComplexObject *)o)->cval;
    a = mxb_constant_c(ctx, z.real, z.imag, dtype < 0 ? MX_COMPLEX64 : (mx_dtype)dtype);
  }
  if (!a) mxp_raise(ctx);
  return a;
}

static bool is_number(PyObject *o) { return PyFloat_Check(o) || PyLong_Check(o) || PyComplex_Check(o); }

/* `a` is given up. */
static mx_array as_dtype(mxb_ctx *ctx, mx_array a, int dtype) {
  if (!a || dtype < 0 || (int)mx_dtype_of(a) == dtype) return a;
  mx_array b = mxb_astype(ctx, a, (mx_dtype)dtype);
  mxb_release(a);
  if (!b) mxp_raise(ctx);
  return b;
}

/* ---- Buffers ----------------------------------------------------------------------------------------------------- */
/* A view's item as a dtype; float64 and complex128 are read as such, and narrowed afterwards. -1: none of ours. */
static int dtype_of_format(const char *f, Py_ssize_t size, bool *is_wide_complex) {
  static const struct {
    const char *letters;
    int by_size[4]; /* 1, 2, 4, 8 bytes */
  } kinds[] = {{"?", {MX_BOOL, -1, -1, -1}},
               {"bhilqn", {MX_INT8, MX_INT16, MX_INT32, MX_INT64}},
               {"BHILQN", {MX_UINT8, MX_UINT16, MX_UINT32, MX_UINT64}},
               {"efd", {-1, MX_FLOAT16, MX_FLOAT32, MX_FLOAT64}}};
  *is_wide_complex = false;
  if (!f) f = "B";
  if (*f == '@' || *f == '=' || *f == '<' || (*f == '>' && size == 1)) f++;
  if (*f == 'Z') {
    *is_wide_complex = !strcmp(f, "Zd");
    return !strcmp(f, "Zf") || *is_wide_complex ? MX_COMPLEX64 : -1;
  }
  int log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds && log >= 0; i++)
    if (*f && !f[1] && strchr(kinds[i].letters, *f)) return kinds[i].by_size[log];
  return -1;
}

static void narrow_complex(void *data, size_t count) {
  const double *from = data;
  float *to = data;
  for (size_t i = 0; i < 2 * count; i++) to[i] = (float)from[i];
}

static mx_array from_view(mxb_ctx *ctx, Py_buffer *view) {
  bool is_wide_complex;
  int dtype = dtype_of_format(view->format, view->itemsize, &is_wide_complex);
  if (dtype < 0 || view->ndim > MX_MAX_NDIM) {
    PyErr_Format(PyExc_TypeError, "[array] a buffer of %d axes with items of format '%s' has no dtype here", view->ndim,
                 view->format ? view->format : "B");
    return NULL;
  }
  int64_t shape[MX_MAX_NDIM];
  for (int i = 0; i < view->ndim; i++) shape[i] = view->shape[i];
  void *data = malloc((size_t)view->len + 1);
  if (!data) return (mx_array)PyErr_NoMemory();
  mx_array a = NULL;
  if (!PyBuffer_ToContiguous(data, view, view->len, 'C')) {
    if (is_wide_complex) narrow_complex(data, (size_t)(view->len / view->itemsize));
    mx_ints ints = {shape, (size_t)view->ndim};
    a = view->len ? mxb_from_data_managed(ctx, data, ints, (mx_dtype)dtype, free, data) : mxb_from_data(ctx, data, ints, (mx_dtype)dtype);
    if (!a) mxp_raise(ctx);
  }
  if (!a || !view->len) free(data);
  return a;
}

static mx_array from_buffer(mxb_ctx *ctx, PyObject *o) {
  Py_buffer view;
  if (PyObject_GetBuffer(o, &view, PyBUF_FULL_RO)) return NULL;
  mx_array a = from_view(ctx, &view);
  PyBuffer_Release(&view);
  return a;
}

bool mxp_is_operand(PyObject *o) { return PyObject_CheckBuffer(o) && !PyBytes_Check(o) && !PyByteArray_Check(o); }

/* As MLX does, float64 from outside becomes float32. */
static int default_dtype(mx_array a) { return mx_dtype_of(a) == MX_FLOAT64 ? MX_FLOAT32 : -1; }

mx_array mxp_operand(mxb_ctx *ctx, PyObject *o) {
  if (is_number(o)) return mxp_scalar(ctx, o);
  if (!mxp_is_operand(o)) return NULL;
  mx_array a = from_buffer(ctx, o);
  return a ? as_dtype(ctx, a, default_dtype(a)) : NULL;
}

/* ---- Nested sequences -------------------------------------------------------------------------------------------- */
enum kind { NOTHING, BOOLS, INTS, LONGS, FLOATS, COMPLEXES, OBJECTS };
struct nest {
  int64_t shape[MX_MAX_NDIM];
  int ndim; /* -1 until the first leaf says */
  enum kind kind;
};

static bool is_sequence(PyObject *o) { return PyList_Check(o) || PyTuple_Check(o); }

static enum kind kind_of(PyObject *o) {
  if (PyFloat_Check(o)) return FLOATS;
  if (PyBool_Check(o)) return BOOLS;
  if (PyComplex_Check(o)) return COMPLEXES;
  if (!PyLong_Check(o)) return OBJECTS;
  int overflow;
  long v = PyLong_AsLongAndOverflow(o, &overflow);
  return overflow || v != (int32_t)v ? LONGS : INTS;
}

static bool ragged(void) {
  PyErr_SetString(PyExc_ValueError, "[array] the lists are ragged: those of one level must be of one length");
  return false;
}

/* Finds shape and kind; runs no Python code. A list that contains itself is too deep. */
static bool measure(struct nest *n, PyObject *o, int depth) {
  if (!is_sequence(o)) {
    enum kind kind = kind_of(o);
    if (n->ndim >= 0 && n->ndim != depth) return ragged();
    n->ndim = depth;
    if (kind > n->kind) n->kind = kind;
    return true;
  }
  if (depth == MX_MAX_NDIM) {
    PyErr_Format(PyExc_ValueError, "[array] lists nested more than %d deep", MX_MAX_NDIM);
    return false;
  }
  int64_t count = PySequence_Fast_GET_SIZE(o);
  if (n->shape[depth] >= 0 && n->shape[depth] != count) return ragged();
  if (n->ndim >= 0 && n->ndim <= depth) return ragged();
  n->shape[depth] = count;
  if (!count) {
    if (n->ndim >= 0 && n->ndim != depth + 1) return ragged();
    n->ndim = depth + 1;
  }
  for (int64_t i = 0; i < count; i++)
    if (!measure(n, PySequence_Fast_GET_ITEM(o, i), depth + 1)) return false;
  return true;
}

/* Without calling methods that a subclass may have. */
static double as_double(PyObject *o) { return PyFloat_Check(o) ? PyFloat_AS_DOUBLE(o) : PyLong_AsDouble(o); }

static Py_complex as_complex(PyObject *o) {
  return PyComplex_Check(o) ? ((PyComplexObject *)o)->cval : (Py_complex){as_double(o), 0};
}

/* Numbers as double, int64 or complex, one after the other. False, with an exception, where one does not fit. */
static bool fill(PyObject *o, enum kind kind, char **at) {
  if (is_sequence(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); i++)
      if (!fill(PySequence_Fast_GET_ITEM(o, i), kind, at)) return false;
    return true;
  }
  if (kind == COMPLEXES) {
    Py_complex z = as_complex(o);
    float parts[2] = {(float)z.real, (float)z.imag};
    memcpy(*at, parts, sizeof parts);
  } else if (kind == FLOATS) {
    double v = as_double(o);
    memcpy(*at, &v, sizeof v);
  } else {
    int64_t v;
    if (!as_int64(o, &v)) return false;
    memcpy(*at, &v, sizeof v);
  }
  *at += 8;
  return !PyErr_Occurred();
}

/* Wide items become those that were asked for, in place. */
static mx_dtype narrow(char *data, size_t count, enum kind kind, int dtype) {
  if (kind == COMPLEXES) return MX_COMPLEX64;
  if (kind == FLOATS) {
    if (dtype >= 0 && dtype != MX_FLOAT32) return MX_FLOAT64;
    for (size_t i = 0; i < count; i++) {
      double v;
      memcpy(&v, data + 8 * i, 8);
      memcpy(data + 4 * i, &(float){(float)v}, 4);
    }
    return MX_FLOAT32;
  }
  if (kind == LONGS || (dtype >= 0 && dtype != MX_INT32)) return MX_INT64;
  for (size_t i = 0; i < count; i++) {
    int64_t v;
    memcpy(&v, data + 8 * i, 8);
    if (kind == BOOLS && dtype < 0)
      data[i] = (char)v;
    else
      memcpy(data + 4 * i, &(int32_t){(int32_t)v}, 4);
  }
  return kind == BOOLS && dtype < 0 ? MX_BOOL : MX_INT32;
}

static mx_array from_numbers(mxb_ctx *ctx, PyObject *o, const struct nest *n, int dtype) {
  size_t count = 1;
  for (int i = 0; i < n->ndim; i++) count *= (size_t)(n->shape[i] < 0 ? 0 : n->shape[i]);
  mx_ints shape = {n->shape, (size_t)n->ndim};
  enum kind kind = count ? n->kind : FLOATS;
  char small[256], *data = count <= sizeof small / 8 ? small : PyMem_Malloc(8 * count), *at = data;
  if (!data) return (mx_array)PyErr_NoMemory();
  mx_array a = NULL;
  if (fill(o, kind, &at)) {
    mx_dtype have = narrow(data, count, kind, dtype);
    a = mxb_from_data(ctx, data, shape, have);
    if (!a) mxp_raise(ctx);
  }
  if (data != small) PyMem_Free(data);
  return as_dtype(ctx, a, dtype);
}

/* A list with arrays in it: its items, stacked. Items are held, since a buffer's code may change the list. */
static mx_array stack_items(mxb_ctx *ctx, PyObject *o) {
  PyObject *items = PySequence_Tuple(o);
  if (!items) return NULL;
  Py_ssize_t count = PyTuple_GET_SIZE(items), made = 0;
  mx_array *at = PyMem_Calloc((size_t)count + 1, sizeof *at), a = NULL;
  if (!at) PyErr_NoMemory();
  for (; at && made < count; made++)
    if (!(at[made] = mxp_from_object(ctx, PyTuple_GET_ITEM(items, made), -1))) break;
  if (at && made == count && !(a = mxb_stack(ctx, at, (size_t)count, 0))) mxp_raise(ctx);
  while (at && made) mxb_release(at[--made]);
  PyMem_Free(at);
  Py_DECREF(items);
  return a;
}

static mx_array from_sequence(mxb_ctx *ctx, PyObject *o, int dtype) {
  struct nest n = {.ndim = -1};
  for (int i = 0; i < MX_MAX_NDIM; i++) n.shape[i] = -1;
  if (!measure(&n, o, 0)) return NULL;
  if (n.kind != OBJECTS) return from_numbers(ctx, o, &n, dtype);
  return as_dtype(ctx, stack_items(ctx, o), dtype);
}

mx_array mxp_from_object(mxb_ctx *ctx, PyObject *o, int dtype) {
  if (Py_TYPE(o) == &mxp_array_type) return as_dtype(ctx, mxb_retain(MXP_NODE(o)), dtype);
  if (is_number(o)) return constant(ctx, o, dtype);
  if (is_sequence(o)) {
    if (Py_EnterRecursiveCall(" while making an array of nested lists")) return NULL;
    mx_array a = from_sequence(ctx, o, dtype);
    Py_LeaveRecursiveCall();
    return a;
  }
  if (PyObject_CheckBuffer(o)) {
    mx_array a = from_buffer(ctx, o);
    return a ? as_dtype(ctx, a, dtype < 0 ? default_dtype(a) : dtype) : NULL;
  }
  PyErr_Format(PyExc_TypeError, "[array] cannot make an array of %.200s", Py_TYPE(o)->tp_name);
  return NULL;
}

/* From arrays to Python: one number, nested lists, the buffer protocol (which NumPy reads without a copy), __array__. */
#include <string.h>

#include "foreign.h"

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static float from_half(const void *p) {
  uint16_t h;
  memcpy(&h, p, sizeof h);
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023, bits;
  float v;
  if (!exponent) {
    v = (float)fraction * 0x1p-24f;
    return sign ? -v : v;
  }
  bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static float from_bfloat16(const void *p) {
  uint16_t h;
  memcpy(&h, p, sizeof h);
  uint32_t bits = (uint32_t)h << 16;
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

#define READ(type) (*(const type *)p)
static PyObject *number(mx_dtype t, const void *p) {
  switch (t) {
  case MX_BOOL: return PyBool_FromLong(READ(uint8_t));
  case MX_UINT8: return PyLong_FromLong(READ(uint8_t));
  case MX_UINT16: return PyLong_FromLong(READ(uint16_t));
  case MX_UINT32: return PyLong_FromUnsignedLongLong(READ(uint32_t));
  case MX_UINT64: return PyLong_FromUnsignedLongLong(READ(uint64_t));
  case MX_INT8: return PyLong_FromLong(READ(int8_t));
  case MX_INT16: return PyLong_FromLong(READ(int16_t));
  case MX_INT32: return PyLong_FromLong(READ(int32_t));
  case MX_INT64: return PyLong_FromLongLong(READ(int64_t));
  case MX_FLOAT16: return PyFloat_FromDouble(from_half(p));
  case MX_BFLOAT16: return PyFloat_FromDouble(from_bfloat16(p));
  case MX_FLOAT32: return PyFloat_FromDouble(READ(float));
  case MX_FLOAT64: return PyFloat_FromDouble(READ(double));
  default: return PyComplex_FromDoubles(((const float *)p)[0], ((const float *)p)[1]);
  }
}

PyObject *mxp_number_of(mxb_ctx *ctx, mx_array node) {
  union {
    double align;
    char bytes[8];
  } value;
  return mxb_item(ctx, node, &value) ? mxp_raise(ctx) : number(mx_dtype_of(node), &value);
}

PyObject *mxp_item(PyObject *array) {
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxp_evaluated(ctx, array) : NULL;
  if (!node) return NULL;
  PyObject *result = mxp_number_of(ctx, node);
  mxb_release(node);
  return result;
}

static PyObject *nested(mx_dtype t, size_t itemsize, const int64_t *shape, int ndim, const char **at) {
  if (!ndim) {
    PyObject *o = number(t, *at);
    *at += itemsize;
    return o;
  }
  PyObject *list = PyList_New((Py_ssize_t)shape[0]);
  for (int64_t i = 0; list && i < shape[0]; i++) {
    PyObject *item = nested(t, itemsize, shape + 1, ndim - 1, at);
    if (item)
      PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    else
      Py_CLEAR(list);
  }
  return list;
}

PyObject *mxp_tolist(PyObject *array) {
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxp_evaluated(ctx, array) : NULL;
  if (!node) return NULL;
  const char *data = mxb_data(ctx, node);
  PyObject *result = data ? nested(mx_dtype_of(node), mx_itemsize(node), mx_shape(node).at, mx_ndim(node), &data) : mxp_raise(ctx);
  mxb_release(node);
  return result;
}

/* ---- The buffer protocol: who writes changes every array that shares the memory ------------------------------------ */
struct lent {
  mxb_exported memory;
  Py_ssize_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
};

static const char *format_of(mx_dtype t) {
  static const char *const formats[] = {"?", "B", "H", "I", "Q", "b", "h", "i", "q", "e", "f", "d", NULL, "Zf"};
  return formats[t];
}

static bool describe(Py_buffer *view, PyObject *self, struct lent *l, const int64_t *strides, int flags) {
  size_t itemsize = mx_itemsize(l->memory.owner);
  for (int i = 0; i < l->memory.ndim; i++) {
    l->shape[i] = (Py_ssize_t)l->memory.shape[i];
    l->strides[i] = (Py_ssize_t)strides[i] * (Py_ssize_t)itemsize;
  }
  *view = (Py_buffer){.buf = l->memory.data, .len = (Py_ssize_t)mx_nbytes(l->memory.owner), .itemsize = (Py_ssize_t)itemsize, .readonly = !l->memory.is_writable,
                      .ndim = l->memory.ndim, .format = (char *)format_of(l->memory.dtype), .shape = l->shape, .strides = l->strides,
                      .internal = l};
  if (flags & PyBUF_WRITABLE && view->readonly) {
    PyErr_SetString(PyExc_BufferError, "[array] this memory is read-only: it belongs to another object, or to a number");
    return false;
  }
  bool asks_c = (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS || (flags & PyBUF_STRIDES) != PyBUF_STRIDES;
  bool asks_f = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS, asks_any = (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS;
  if ((asks_c && !PyBuffer_IsContiguous(view, 'C')) || (asks_f && !PyBuffer_IsContiguous(view, 'F')) ||
      (asks_any && !PyBuffer_IsContiguous(view, 'A'))) {
    PyErr_SetString(PyExc_BufferError, "[array] the memory is not contiguous: use mx.contiguous first");
    return false;
  }
  if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES) view->strides = NULL;
  if ((flags & PyBUF_ND) != PyBUF_ND) view->shape = NULL;
  if ((flags & PyBUF_FORMAT) != PyBUF_FORMAT) view->format = NULL;
  view->obj = Py_NewRef(self);
  return true;
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags) {
  view->obj = NULL;
  mx_dtype dtype = mx_dtype_of(MXP_NODE(self));
  if (!format_of(dtype)) {
    PyErr_Format(PyExc_BufferError, "[array] buffers have no format for %s: convert it with astype first", mx_dtype_name(dtype));
    return -1;
  }
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxp_evaluated(ctx, self) : NULL;
  if (!node) return -1;
  int64_t strides[MX_MAX_NDIM];
  struct lent *l = PyMem_Malloc(sizeof *l);
  bool is_lent = l && !mxb_export(ctx, node, &l->memory, strides);
  mxb_release(node);
  if (!l) PyErr_NoMemory();
  if (l && !is_lent) mxp_raise(ctx);
  if (is_lent && describe(view, self, l, strides, flags)) return 0;
  if (is_lent) mxb_export_end(&l->memory);
  PyMem_Free(l);
  view->obj = NULL;
  return -1;
}

static void release_buffer(PyObject *self, Py_buffer *view) {
  (void)self;
  struct lent *l = view->internal;
  mxb_export_end(&l->memory);
  PyMem_Free(l);
}

PyBufferProcs mxp_buffer_procs = {get_buffer, release_buffer};

/* ---- __array__: for what NumPy cannot read through the buffer protocol, and with dtype and copy as it asks --------- */
/* A view of the bits, as NumPy has them, in the dtype of ml_dtypes. */
static PyObject *bfloat16_view(mxb_ctx *ctx, PyObject *numpy, mx_array node) {
  PyObject *ml_dtypes = PyImport_ImportModule("ml_dtypes");
  if (!ml_dtypes) {
    if (PyErr_ExceptionMatches(PyExc_ImportError))
      PyErr_SetString(PyExc_TypeError, "[array] NumPy has no bfloat16: install ml_dtypes, or convert with astype(mx.float32) first");
    return NULL;
  }
  PyObject *dtype = mxp_get(ml_dtypes, MXP_NAME_bfloat16), *bits = dtype ? mxp_wrap(ctx, mxb_view(ctx, node, MX_UINT16)) : NULL;
  PyObject *plain = bits ? mxp_call(numpy, MXP_NAME_asarray, Py_BuildValue("(O)", bits)) : NULL;
  PyObject *view = plain ? mxp_call(plain, MXP_NAME_view, Py_BuildValue("(O)", dtype)) : NULL;
  Py_DECREF(ml_dtypes);
  Py_XDECREF(dtype);
  Py_XDECREF(bits);
  Py_XDECREF(plain);
  return view;
}

/* A memoryview, since asarray of the array itself would come back here where its memory cannot be had. */
static PyObject *numpy_view(mxb_ctx *ctx, PyObject *numpy, PyObject *self) {
  if (mx_dtype_of(MXP_NODE(self)) == MX_BFLOAT16) return bfloat16_view(ctx, numpy, MXP_NODE(self));
  PyObject *memory = PyMemoryView_FromObject(self), *view = memory ? mxp_call(numpy, MXP_NAME_asarray, Py_BuildValue("(O)", memory)) : NULL;
  Py_XDECREF(memory);
  return view;
}

/* `view` is given up. */
static PyObject *convert_view(PyObject *numpy, PyObject *view, PyObject *wanted, int copy) {
  PyObject *dtype = wanted == Py_None ? NULL : mxp_call(numpy, MXP_NAME_dtype, Py_BuildValue("(O)", wanted));
  PyObject *have = dtype ? mxp_get(view, MXP_NAME_dtype) : NULL, *result = NULL;
  int is_other = have ? PyObject_RichCompareBool(have, dtype, Py_NE) : wanted == Py_None ? 0 : -1;
  if (is_other == 1 && !copy)
    PyErr_Format(PyExc_ValueError, "[array] %S cannot become %S without a copy", have, dtype);
  else if (is_other == 1)
    result = mxp_call(view, MXP_NAME_astype, Py_BuildValue("(O)", dtype));
  else if (!is_other)
    result = copy == 1 ? mxp_call(view, MXP_NAME_copy, PyTuple_New(0)) : Py_NewRef(view);
  Py_XDECREF(dtype);
  Py_XDECREF(have);
  Py_DECREF(view);
  return result;
}

static PyObject *array_array(PyObject *self, PyObject *args, PyObject *keywords) {
  static char *names[] = {"dtype", "copy", NULL};
  PyObject *dtype = Py_None, *copy_object = Py_None;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "|OO:__array__", names, &dtype, &copy_object)) return NULL;
  int copy = mxp_read_copy(copy_object, "array");
  PyObject *numpy = copy == -2 ? NULL : PyImport_ImportModule("numpy"), *view = numpy ? numpy_view(ctx, numpy, self) : NULL;
  PyObject *result = view ? convert_view(numpy, view, dtype, copy) : NULL;
  Py_XDECREF(numpy);
  return result;
}

static PyObject *array_namespace(PyObject *self, PyObject *args, PyObject *keywords) {
  (void)self;
  static char *names[] = {"api_version", NULL};
  PyObject *version = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:__array_namespace__", names, &version)) return NULL;
  if (version != Py_None && !PyUnicode_Check(version))
    return PyErr_Format(PyExc_TypeError, "[array] api_version must be a str or None, not %.200s", Py_TYPE(version)->tp_name);
  if (version != Py_None) return PyErr_Format(PyExc_ValueError, "[array] no version of the array API is there as a whole, %R included", version);
  return PyImport_ImportModule("mlx.core");
}

PyMethodDef mxp_export_methods[] = {
    {"__array__", (PyCFunction)(void (*)(void))array_array, METH_VARARGS | METH_KEYWORDS,
     "__array__($self, /, dtype=None, copy=None)\n--\n\n"
     "The array as NumPy's, over the same memory where `dtype` and `copy` allow it. Evaluates. bfloat16 needs ml_dtypes.\n"
     "error: ValueError if copy=False cannot be kept; TypeError for bfloat16 without ml_dtypes."},
    {"__array_namespace__", (PyCFunction)(void (*)(void))array_namespace, METH_VARARGS | METH_KEYWORDS,
     "__array_namespace__($self, /, api_version=None)\n--\n\nThe module with the functions of the array API: mlx.core.\n"
     "error: ValueError if a version is asked for."},
    {NULL, NULL, 0, NULL}};

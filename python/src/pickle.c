/* Pickles and bytes of arrays. The state is (elements, shape, dtype); that of MLX's pickles, a NumPy array and the number
 * of a dtype, is read too. */
#include <string.h>

#include "mxp.h"

PyObject *mxp_bytes(PyObject *self, PyObject *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxp_evaluated(ctx, self) : NULL;
  if (!node) return NULL;
  const void *data = mxb_data(ctx, node);
  PyObject *bytes = data ? PyBytes_FromStringAndSize(data, (Py_ssize_t)mx_nbytes(node)) : mxp_raise(ctx);
  mxb_release(node);
  return bytes;
}

/* The elements without a copy, for protocols that can hand memory over; bfloat16, which buffers do not know, as uint16. */
static PyObject *lent(mxb_ctx *ctx, PyObject *self) {
  mx_array row_major = mxb_contiguous(ctx, MXP_NODE(self));
  mx_array plain = row_major && mx_dtype_of(row_major) == MX_BFLOAT16 ? mxb_view(ctx, row_major, MX_UINT16) : mxb_retain(row_major);
  mxb_release(row_major);
  PyObject *array = mxp_wrap(ctx, plain), *buffer = array ? PyPickleBuffer_FromObject(array) : NULL;
  Py_XDECREF(array);
  return buffer;
}

PyObject *mxp_reduce(PyObject *self, PyObject *protocol) {
  mxb_ctx *ctx = mxp_ctx();
  long p = PyLong_AsLong(protocol);
  if (!ctx || (p == -1 && PyErr_Occurred())) return NULL;
  mx_dtype t = mx_dtype_of(MXP_NODE(self));
  PyObject *copyreg = PyImport_ImportModule("copyreg"), *make = copyreg ? PyObject_GetAttrString(copyreg, "__newobj__") : NULL;
  PyObject *data = !make ? NULL : p >= 5 ? lent(ctx, self) : mxp_bytes(self, NULL), *shape = data ? mxp_shape(MXP_NODE(self)) : NULL;
  PyObject *result = shape ? Py_BuildValue("O(O)(OOO)", make, Py_TYPE(self), data, shape, mxp_dtype_object(t)) : NULL;
  Py_XDECREF(shape);
  Py_XDECREF(data);
  Py_XDECREF(make);
  Py_XDECREF(copyreg);
  return result;
}

/* ---- Reading a state --------------------------------------------------------------------------------------------- */
static mx_array wrong_state(void) {
  PyErr_SetString(PyExc_ValueError, "[array] the state is not that of a pickled array");
  return NULL;
}

static bool read_shape(PyObject *o, size_t itemsize, int64_t *shape, size_t *nbytes) {
  *nbytes = itemsize;
  if (!PyTuple_Check(o) || PyTuple_GET_SIZE(o) > MX_MAX_NDIM) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); i++) {
    PyObject *size = PyTuple_GET_ITEM(o, i);
    int overflow = 1;
    shape[i] = PyLong_Check(size) ? PyLong_AsLongLongAndOverflow(size, &overflow) : -1;
    if (overflow || shape[i] < 0 || __builtin_mul_overflow(*nbytes, (size_t)shape[i], nbytes)) return false;
  }
  return true;
}

static mx_array from_elements(mxb_ctx *ctx, PyObject *data, PyObject *shape, PyObject *dtype) {
  int64_t sizes[MX_MAX_NDIM];
  size_t nbytes;
  Py_buffer view;
  int t = mxp_dtype_of(dtype, "array");
  if (t < 0 || PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)) return NULL;
  mx_array a = NULL;
  char none = 0;
  if (!read_shape(shape, mxp_dtype_size((mx_dtype)t), sizes, &nbytes) || (size_t)view.len != nbytes)
    wrong_state();
  else if (!(a = mxb_from_data(ctx, nbytes ? view.buf : &none, (mx_ints){sizes, (size_t)PyTuple_GET_SIZE(shape)}, (mx_dtype)t)))
    mxp_raise(ctx);
  PyBuffer_Release(&view);
  return a;
}

/* MLX numbers dtypes as mica does, and its pickles hold bfloat16 as uint16. */
static mx_array from_numpy(mxb_ctx *ctx, PyObject *array, PyObject *code) {
  int overflow = 0;
  long t = PyLong_Check(code) ? PyLong_AsLongAndOverflow(code, &overflow) : -1;
  if (overflow || t < MX_BOOL || t > MX_COMPLEX64) return wrong_state();
  mx_array a = mxp_from_object(ctx, array, t == MX_BFLOAT16 ? -1 : (int)t);
  if (!a || t != MX_BFLOAT16) return a;
  mx_array halves = mxb_view(ctx, a, MX_BFLOAT16);
  mxb_release(a);
  if (!halves) mxp_raise(ctx);
  return halves;
}

PyObject *mxp_set_state(PyObject *self, PyObject *state) {
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  Py_ssize_t n = PyTuple_Check(state) ? PyTuple_GET_SIZE(state) : 0;
  PyObject *const *s = n ? PySequence_Fast_ITEMS(state) : NULL;
  mx_array a = n == 3 ? from_elements(ctx, s[0], s[1], s[2]) : n == 2 ? from_numpy(ctx, s[0], s[1]) : wrong_state(), before;
  if (!a) return NULL;
  before = MXP_NODE(self);
  MXP_NODE(self) = a;
  mxb_release(before);
  Py_RETURN_NONE;
}

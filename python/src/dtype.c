/* Dtype: one immortal object for each dtype. */
#include "mxp.h"

typedef struct {
  PyObject_HEAD
  mx_dtype dtype;
} dtype_object;

enum { DTYPES = MX_COMPLEX64 + 1 };
static dtype_object objects[DTYPES];
/* bool is bool_ in Python, where bool is taken. */
static const char *name_of(mx_dtype t) { return t == MX_BOOL ? "bool_" : mx_dtype_name(t); }

PyObject *mxp_dtype_object(mx_dtype t) { return (PyObject *)&objects[t]; }

int mxp_dtype_of(PyObject *o, const char *who) {
  if (Py_TYPE(o) == &mxp_dtype_type) return (int)((dtype_object *)o)->dtype;
  PyErr_Format(PyExc_TypeError, "[%s] dtype must be a Dtype such as mx.float32, not %.200s", who, Py_TYPE(o)->tp_name);
  return -1;
}

static PyObject *dtype_repr(PyObject *self) {
  return PyUnicode_FromFormat("mlx.core.%s", mx_dtype_name(((dtype_object *)self)->dtype));
}

static PyObject *dtype_reduce(PyObject *self, PyObject *unused) {
  (void)unused;
  return PyUnicode_FromString(name_of(((dtype_object *)self)->dtype));
}

size_t mxp_dtype_size(mx_dtype t) {
  static const unsigned char sizes[DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8};
  return sizes[t];
}

static PyObject *dtype_size(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromSize_t(mxp_dtype_size(((dtype_object *)self)->dtype));
}

static PyMethodDef methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyGetSetDef getset[] = {{"size", dtype_size, NULL, "Bytes of one item.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

PyTypeObject mxp_dtype_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Dtype",
    .tp_basicsize = sizeof(dtype_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "The type of an array's elements: mx.float32, mx.int32, mx.bool_, ...",
    .tp_repr = dtype_repr,
    .tp_methods = methods,
    .tp_getset = getset,
};

bool mxp_add_dtypes(PyObject *module) {
  for (int t = 0; t < DTYPES; t++) {
    if (!PyObject_Init((PyObject *)&objects[t], &mxp_dtype_type)) return false;
    objects[t].dtype = (mx_dtype)t;
    if (PyModule_AddObjectRef(module, name_of((mx_dtype)t), (PyObject *)&objects[t])) return false;
  }
  return true;
}

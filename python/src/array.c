/* mlx.core.array: a slot that owns a node. Attributes and methods that are not operations; the operations come from
 * operations.c, operators from number.c, indexing from index.c. */
#include <stddef.h>

#include "call.h"

PyObject *mxp_wrap(mxb_ctx *ctx, mx_array node) {
  if (!node) return mxp_raise(ctx);
  mxp_array *a = PyObject_New(mxp_array, &mxp_array_type);
  if (!a) {
    mxb_release(node);
    return NULL;
  }
  a->node = node;
  a->weak_references = NULL;
  return (PyObject *)a;
}

mx_array mxp_evaluated(mxb_ctx *ctx, PyObject *array) {
  mx_array node = mxb_retain(MXP_NODE(array));
  if (mxp_evaluate(ctx, &node, 1)) return node;
  mxb_release(node);
  return NULL;
}

static void array_dealloc(PyObject *self) {
  if (((mxp_array *)self)->weak_references) PyObject_ClearWeakRefs(self);
  mxb_release(MXP_NODE(self));
  Py_TYPE(self)->tp_free(self);
}

/* The node for array(val, dtype); owned, NULL with an exception. */
static mx_array made(PyObject *const *args, Py_ssize_t n, PyObject *names) {
  Py_ssize_t keywords = names ? PyTuple_GET_SIZE(names) : 0;
  PyObject *dtype = n > 1 ? args[1] : NULL, *value = n > 0 ? args[0] : NULL;
  bool is_known = n <= 2;
  for (Py_ssize_t i = 0; i < keywords; i++) {
    PyObject *name = PyTuple_GET_ITEM(names, i);
    if (!dtype && !PyUnicode_CompareWithASCIIString(name, "dtype"))
      dtype = args[n + i];
    else if (!value && !PyUnicode_CompareWithASCIIString(name, "val"))
      value = args[n + i];
    else
      is_known = false;
  }
  if (!value || !is_known) {
    PyErr_SetString(PyExc_TypeError, "[array] takes a value and, if wanted, a dtype: array(val, dtype=None)");
    return NULL;
  }
  int code = -1;
  if (dtype && dtype != Py_None && (code = mxp_dtype_of(dtype, "array")) < 0) return NULL;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_from_object(ctx, value, code) : NULL;
}

static PyObject *array_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *names) {
  (void)type;
  mx_array node = made(args, PyVectorcall_NARGS(nargsf), names);
  return node ? mxp_wrap(mxp_ctx(), node) : NULL;
}

/* Only derived classes and pickles come here: an array has a node from the first, and gets its value by __init__ or
 * __setstate__. */
static PyObject *array_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  (void)args, (void)keywords;
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxb_constant_i(ctx, 0, MX_FLOAT32) : NULL;
  if (!node) return ctx ? mxp_raise(ctx) : NULL;
  mxp_array *a = (mxp_array *)type->tp_alloc(type, 0);
  if (a)
    a->node = node;
  else
    mxb_release(node);
  return (PyObject *)a;
}

/* What __init__ of a derived class calls: through the base, whose call reads the arguments. */
static int array_init(PyObject *self, PyObject *args, PyObject *keywords) {
  PyObject *array = PyVectorcall_Call((PyObject *)&mxp_array_type, args, keywords);
  if (!array) return -1;
  mx_array before = MXP_NODE(self);
  MXP_NODE(self) = mxb_retain(MXP_NODE(array));
  mxb_release(before);
  Py_DECREF(array);
  return 0;
}

/* ---- Attributes -------------------------------------------------------------------------------------------------- */
PyObject *mxp_shape(mx_array node) {
  mx_ints shape = mx_shape(node);
  PyObject *tuple = PyTuple_New((Py_ssize_t)shape.count);
  for (size_t i = 0; tuple && i < shape.count; i++) {
    PyObject *size = PyLong_FromLongLong(shape.at[i]);
    if (!size)
      Py_CLEAR(tuple);
    else
      PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, size);
  }
  return tuple;
}

static PyObject *get_shape(PyObject *self, void *unused) {
  (void)unused;
  return mxp_shape(MXP_NODE(self));
}

static PyObject *get_dtype(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef(mxp_dtype_object(mx_dtype_of(MXP_NODE(self))));
}

static PyObject *get_ndim(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromLong(mx_ndim(MXP_NODE(self)));
}

static PyObject *get_size(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromLongLong(mx_size(MXP_NODE(self)));
}

static PyObject *get_nbytes(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromSize_t(mx_nbytes(MXP_NODE(self)));
}

static PyObject *get_itemsize(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromSize_t(mx_itemsize(MXP_NODE(self)));
}

static PyObject *get_T(PyObject *self, void *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_wrap(ctx, mxb_transpose(ctx, MXP_NODE(self), MX_ALL)) : NULL;
}

static PyObject *get_mT(PyObject *self, void *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_wrap(ctx, mxb_swapaxes(ctx, MXP_NODE(self), -2, -1)) : NULL;
}

static PyObject *get_real(PyObject *self, void *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_wrap(ctx, mxb_real(ctx, MXP_NODE(self))) : NULL;
}

static PyObject *get_imag(PyObject *self, void *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_wrap(ctx, mxb_imag(ctx, MXP_NODE(self))) : NULL;
}

static PyObject *get_at(PyObject *self, void *unused) {
  (void)unused;
  return mxp_at(self);
}

static PyGetSetDef array_getset[] = {
    {"at", get_at, NULL, "a.at[index].add(value) and the like: the array with elements changed; repeated places add up.", NULL},
    {"shape", get_shape, NULL, "Sizes along the axes.", NULL},
    {"dtype", get_dtype, NULL, "The type of the elements.", NULL},
    {"ndim", get_ndim, NULL, "How many axes.", NULL},
    {"size", get_size, NULL, "How many elements.", NULL},
    {"nbytes", get_nbytes, NULL, "Bytes of all elements.", NULL},
    {"itemsize", get_itemsize, NULL, "Bytes of one element.", NULL},
    {"T", get_T, NULL, "The array with its axes reversed.", NULL},
    {"mT", get_mT, NULL, "The array with its last two axes exchanged.", NULL},
    {"real", get_real, NULL, "The real part.", NULL},
    {"imag", get_imag, NULL, "The imaginary part.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

/* ---- Methods that are not operations ----------------------------------------------------------------------------- */
static PyObject *array_item(PyObject *self, PyObject *unused) {
  (void)unused;
  return mxp_item(self);
}

static PyObject *array_tolist(PyObject *self, PyObject *unused) {
  (void)unused;
  return mxp_tolist(self);
}

static PyObject *array_copy(PyObject *self, PyObject *unused) {
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  return ctx ? mxp_wrap(ctx, mxb_retain(MXP_NODE(self))) : NULL;
}

static Py_ssize_t array_length(PyObject *self) {
  if (mx_ndim(MXP_NODE(self))) return (Py_ssize_t)mx_shape(MXP_NODE(self)).at[0];
  PyErr_SetString(PyExc_TypeError, "[array] an array of no axes has no length");
  return -1;
}

static PyObject *array_getitem(PyObject *self, Py_ssize_t i) {
  PyObject *index = PyLong_FromSsize_t(i);
  PyObject *item = index ? mxp_subscript(self, index) : NULL;
  Py_XDECREF(index);
  return item;
}

static PyObject *array_divide(PyObject *self, PyObject *other) { return mxp_divide(self, other); }
static PyObject *array_divide_into(PyObject *self, PyObject *other) { return mxp_divide(other, self); }

static const PyMethodDef own_methods[] = {
    {"item", array_item, METH_NOARGS,
     "item($self, /)\n--\n\n"
     "The one element of the array, as a Python number. Evaluates.\n"
     "error: ValueError if the array has not exactly one element.\n"
     "\n>>> mx.sum(mx.array([1, 2, 3])).item()\n"
     "6"},
    {"tolist", array_tolist, METH_NOARGS,
     "tolist($self, /)\n--\n\n"
     "The elements as nested lists of Python numbers; a number of a 0-d array. Evaluates.\n"
     "\n>>> mx.array([[1, 2], [3, 4]]).tolist()\n"
     "[[1, 2], [3, 4]]"},
    {"__copy__", array_copy, METH_NOARGS, "__copy__($self, /)\n--\n\nAnother array of the same value."},
    {"__deepcopy__", array_copy, METH_O, "__deepcopy__($self, memo, /)\n--\n\nAnother array of the same value."},
    {"__format__", mxp_format, METH_O, "__format__($self, spec, /)\n--\n\nThe text of the number in an array of no axes, as `spec` says. Evaluates."},
    {"__bytes__", mxp_bytes, METH_NOARGS, "__bytes__($self, /)\n--\n\nThe bytes of the elements, in row-major order. Evaluates."},
    {"__complex__", mxp_complex, METH_NOARGS, "__complex__($self, /)\n--\n\nThe one element of the array as a complex number. Evaluates."},
    {"__div__", array_divide, METH_O, "__div__($self, other, /)\n--\n\nself / other."},
    {"__rdiv__", array_divide_into, METH_O, "__rdiv__($self, other, /)\n--\n\nother / self."},
    {"__reduce_ex__", mxp_reduce, METH_O, "__reduce_ex__($self, protocol, /)\n--\n\nFor pickles. Evaluates."},
    {"__setstate__", mxp_set_state, METH_O, "__setstate__($self, state, /)\n--\n\nFor pickles: this array gets the value that was pickled, MLX's pickles included."},
};

/* The methods of the table, of other files and these, in one list, made when the module is. */
bool mxp_array_ready(void) {
  static PyMethodDef methods[96];
  const PyMethodDef *const lists[] = {mxp_array_operations, mxp_export_methods, mxp_dlpack_methods};
  size_t n = 0, room = sizeof methods / sizeof *methods - 1;
  for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
    for (const PyMethodDef *m = lists[k]; m->ml_name && n < room; m++) methods[n++] = *m;
  for (size_t i = 0; i < sizeof own_methods / sizeof *own_methods && n < room; i++) methods[n++] = own_methods[i];
  mxp_array_type.tp_methods = methods;
  mxp_array_type.tp_hash = PyBaseObject_Type.tp_hash; /* by identity: == is elementwise */
  return !PyType_Ready(&mxp_array_type);
}

bool mxp_add_array(PyObject *m) {
  return !PyModule_AddObjectRef(m, "array", (PyObject *)&mxp_array_type) && mxp_add_at(m) && mxp_add_iterator(m) && mxp_add_text(m);
}

static PySequenceMethods array_sequence = {.sq_length = array_length, .sq_item = array_getitem};

PyTypeObject mxp_array_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.array",
    .tp_basicsize = sizeof(mxp_array),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc =
        "array(val, dtype=None)\n--\n\n"
        "An array of numbers, from an array, a number, a nested list or anything with the buffer protocol.\n"
        "shape: that of `val`; lists of one level must be of one length.\n"
        "dtype: `dtype`, or that of `val`; Python integers give int32, or int64 where they need it, floats and buffers of float64 give\n"
        "float32, complex numbers complex64.\n"
        "error: ValueError if lists are ragged or a number does not fit; TypeError for what is no number.\n"
        "\n>>> mx.array([[1, 2], [3, 4]], dtype=mx.float32)\n"
        "array([[1, 2],\n"
        "       [3, 4]], dtype=float32)",
    .tp_vectorcall = array_vectorcall,
    .tp_new = array_new,
    .tp_init = array_init,
    .tp_dealloc = array_dealloc,
    .tp_repr = mxp_repr,
    .tp_str = mxp_repr,
    .tp_richcompare = mxp_compare,
    .tp_as_number = &mxp_number_methods,
    .tp_as_mapping = &mxp_mapping_methods,
    .tp_as_sequence = &array_sequence,
    .tp_as_buffer = &mxp_buffer_procs,
    .tp_getset = array_getset,
    .tp_iter = mxp_iterate,
    .tp_weaklistoffset = offsetof(mxp_array, weak_references),
};

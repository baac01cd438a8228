/* mlx.core.ArrayIterator: the items along the first axis of an array as it was when the iteration began. */
#include <stdatomic.h>

#include "mxp.h"

typedef struct {
  PyObject_HEAD
  mx_array node; /* owned */
  _Atomic int64_t at;
} iterator_object;

static PyTypeObject iterator_type;

PyObject *mxp_iterate(PyObject *array) {
  if (!mx_ndim(MXP_NODE(array))) return PyErr_Format(PyExc_TypeError, "[array] an array of no axes cannot be iterated over");
  iterator_object *it = PyObject_New(iterator_object, &iterator_type);
  if (!it) return NULL;
  it->node = mxb_retain(MXP_NODE(array));
  atomic_init(&it->at, 0);
  return (PyObject *)it;
}

static void iterator_dealloc(PyObject *self) {
  mxb_release(((iterator_object *)self)->node);
  PyObject_Free(self);
}

static PyObject *iterator_next(PyObject *self) {
  iterator_object *it = (iterator_object *)self;
  mxb_ctx *ctx = mxp_ctx();
  int64_t at = atomic_fetch_add(&it->at, 1);
  if (!ctx || at >= mx_shape(it->node).at[0]) return NULL;
  mx_array index = mxb_scalar_i(ctx, at), item = index ? mxb_take(ctx, it->node, index, 0) : NULL;
  mxb_release(index);
  return mxp_wrap(ctx, item);
}

static PyTypeObject iterator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ArrayIterator",
    .tp_basicsize = sizeof(iterator_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "What iter(array) returns: the items along the first axis.\n\n>>> next(iter(mx.array([1, 2])))\narray(1, dtype=int32)",
    .tp_dealloc = iterator_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
};

bool mxp_add_iterator(PyObject *m) {
  return !PyType_Ready(&iterator_type) && !PyModule_AddObjectRef(m, "ArrayIterator", (PyObject *)&iterator_type);
}

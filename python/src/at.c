/* a.at[index].add(value): an object that remembers array and index until a method says what to do. */
#include "mxp.h"

typedef struct {
  PyObject_HEAD
  PyObject *array, *index; /* index NULL: a.at */
} at_object;

static PyTypeObject at_type;

static PyObject *make(PyObject *array, PyObject *index) {
  at_object *at = PyObject_GC_New(at_object, &at_type);
  if (!at) return NULL;
  at->array = Py_NewRef(array);
  at->index = Py_XNewRef(index);
  PyObject_GC_Track(at);
  return (PyObject *)at;
}

PyObject *mxp_at(PyObject *array) { return make(array, NULL); }

static int at_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((at_object *)self)->index);
  return 0;
}

static int at_clear(PyObject *self) {
  Py_CLEAR(((at_object *)self)->index);
  return 0;
}

static void at_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(((at_object *)self)->array);
  Py_XDECREF(((at_object *)self)->index);
  PyObject_GC_Del(self);
}

static PyObject *at_subscript(PyObject *self, PyObject *index) {
  if (!((at_object *)self)->index) return make(((at_object *)self)->array, index);
  PyErr_SetString(PyExc_ValueError, "[at] has an index already");
  return NULL;
}

static PyObject *change(PyObject *self, PyObject *value, const struct mxp_update *how) {
  const at_object *at = (at_object *)self;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  if (!at->index) {
    PyErr_SetString(PyExc_ValueError, "[at] needs an index: a.at[index].add(value)");
    return NULL;
  }
  mx_array result = mxp_updated(at->array, at->index, value, how);
  return result ? mxp_wrap(ctx, result) : NULL;
}

/* The one argument, which may be named; NULL with an exception. */
static PyObject *value_of(PyObject *const *args, Py_ssize_t n, PyObject *names) {
  Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  if (n + named == 1 && (!named || !PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "value"))) return args[0];
  return PyErr_Format(PyExc_TypeError, "[at] takes one argument, value");
}

#define METHOD(name, scatter, combine, prepare)                                                             \
  static PyObject *at_##name(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {        \
    static const struct mxp_update how = {scatter, combine, prepare};                                       \
    PyObject *value = value_of(args, n, names);                                                             \
    return value ? change(self, value, &how) : NULL;                                                        \
  }
METHOD(add, mxb_scatter_add, mxb_add, NULL)
METHOD(subtract, mxb_scatter_add, mxb_add, mxb_negative)
METHOD(multiply, mxb_scatter_multiply, mxb_multiply, NULL)
METHOD(divide, mxb_scatter_multiply, mxb_multiply, mxb_reciprocal)
METHOD(maximum, mxb_scatter_max, mxb_maximum, NULL)
METHOD(minimum, mxb_scatter_min, mxb_minimum, NULL)

#define DOC(name, text)                                                                                     \
  {#name, (PyCFunction)(void (*)(void))at_##name, METH_FASTCALL | METH_KEYWORDS, #name "($self, value)\n--\n\n" text}
static PyMethodDef methods[] = {
    DOC(add,
        "The array with `value` added there, as often as an element is indexed.\n"
        "\n>>> mx.zeros(3).at[mx.array([0, 2, 2])].add(1)\n"
        "array([1, 0, 2], dtype=float32)"),
    DOC(subtract,
        "The array with `value` subtracted there, as often as an element is indexed.\n"
        "\n>>> mx.zeros(3).at[mx.array([0, 2, 2])].subtract(1)\n"
        "array([-1, 0, -2], dtype=float32)"),
    DOC(multiply,
        "The array multiplied by `value` there, as often as an element is indexed.\n"
        "\n>>> mx.ones(3).at[mx.array([0, 2, 2])].multiply(3)\n"
        "array([3, 1, 9], dtype=float32)"),
    DOC(divide,
        "The array divided by `value` there, as often as an element is indexed.\n"
        "\n>>> mx.ones(3).at[mx.array([0, 2, 2])].divide(2)\n"
        "array([0.5, 1, 0.25], dtype=float32)"),
    DOC(maximum,
        "The array with the larger of it and `value` there.\n"
        "\n>>> mx.array([1, 5, 3]).at[1:].maximum(4)\n"
        "array([1, 5, 4], dtype=int32)"),
    DOC(minimum,
        "The array with the smaller of it and `value` there.\n"
        "\n>>> mx.array([1, 5, 3]).at[1:].minimum(4)\n"
        "array([1, 4, 3], dtype=int32)"),
    {NULL, NULL, 0, NULL}};
static PyMappingMethods mapping = {.mp_subscript = at_subscript};

static PyTypeObject at_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ArrayAt",
    .tp_basicsize = sizeof(at_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "What array.at is: index it, then call a method.",
    .tp_traverse = at_traverse,
    .tp_clear = at_clear,
    .tp_dealloc = at_dealloc,
    .tp_methods = methods,
    .tp_as_mapping = &mapping,
};

bool mxp_add_at(PyObject *m) { return !PyType_Ready(&at_type) && !PyModule_AddObjectRef(m, "ArrayAt", (PyObject *)&at_type); }

/* Questions about dtypes and shapes: categories, issubdtype, isdtype, result_type, can_cast, broadcast_shapes. */
#include "mxp.h"

/* ---- Categories: a tree --------------------------------------------------------------------------------------------- */
typedef struct {
  PyObject_HEAD
  const char *name;
  int parent; /* -1: none */
} category;

enum { GENERIC, NUMBER, INTEGER, SIGNED, UNSIGNED, INEXACT, FLOATING, COMPLEX, CATEGORIES };
static category categories[CATEGORIES] = {[GENERIC] = {.name = "generic", .parent = -1},
                                          [NUMBER] = {.name = "number", .parent = GENERIC},
                                          [INTEGER] = {.name = "integer", .parent = NUMBER},
                                          [SIGNED] = {.name = "signedinteger", .parent = INTEGER},
                                          [UNSIGNED] = {.name = "unsignedinteger", .parent = INTEGER},
                                          [INEXACT] = {.name = "inexact", .parent = NUMBER},
                                          [FLOATING] = {.name = "floating", .parent = INEXACT},
                                          [COMPLEX] = {.name = "complexfloating", .parent = INEXACT}};

static PyObject *category_repr(PyObject *self) { return PyUnicode_FromFormat("DtypeCategory.%s", ((category *)self)->name); }

static PyTypeObject category_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.DtypeCategory",
    .tp_basicsize = sizeof(category),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A kind of dtypes: mx.floating, mx.integer, ...; see issubdtype.",
    .tp_repr = category_repr,
};

static int category_of(int dtype) {
  if (dtype == MX_BOOL) return GENERIC;
  if (dtype <= MX_UINT64) return UNSIGNED;
  if (dtype <= MX_INT64) return SIGNED;
  return dtype == MX_COMPLEX64 ? COMPLEX : FLOATING;
}

static PyObject *core_issubdtype(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  if (n != 2) return PyErr_Format(PyExc_TypeError, "[issubdtype] takes two dtypes or categories, not %zd", n);
  for (int i = 0; i < 2; i++)
    if (Py_TYPE(args[i]) != &category_type && mxp_dtype_of(args[i], "issubdtype") < 0) return NULL;
  if (args[0] == args[1]) Py_RETURN_TRUE;
  if (Py_TYPE(args[1]) != &category_type) Py_RETURN_FALSE;
  bool is_category = Py_TYPE(args[0]) == &category_type;
  int at = is_category ? ((category *)args[0])->parent : category_of(mxp_dtype_of(args[0], "issubdtype")), wanted = (int)((category *)args[1] - categories);
  while (at >= 0 && at != wanted) at = categories[at].parent;
  return PyBool_FromLong(at == wanted);
}

/* ---- Kinds of the array API ------------------------------------------------------------------------------------------ */
/* 1 or 0; -1: there is no kind of that name. */
static int is_of_kind(mx_dtype t, PyObject *name) {
  static const struct {
    const char *name;
    int first, last; /* dtypes */
  } kinds[] = {{"bool", MX_BOOL, MX_BOOL},
               {"signed integer", MX_INT8, MX_INT64},
               {"unsigned integer", MX_UINT8, MX_UINT64},
               {"integral", MX_UINT8, MX_INT64},
               {"real floating", MX_FLOAT16, MX_BFLOAT16},
               {"complex floating", MX_COMPLEX64, MX_COMPLEX64},
               {"numeric", MX_UINT8, MX_COMPLEX64}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!PyUnicode_CompareWithASCIIString(name, kinds[i].name)) return (int)t >= kinds[i].first && (int)t <= kinds[i].last;
  return -1;
}

/* 1, 0, or -1 with an exception. */
static int matches(PyObject *dtype, PyObject *kind) {
  if (Py_TYPE(kind) == &mxp_dtype_type) return kind == dtype;
  int found = PyUnicode_Check(kind) ? is_of_kind((mx_dtype)mxp_dtype_of(dtype, "isdtype"), kind) : -1;
  if (found < 0 && PyUnicode_Check(kind))
    PyErr_Format(PyExc_ValueError, "[isdtype] there is no kind %R: kinds are 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating', "
                                   "'complex floating' and 'numeric'", kind);
  else if (found < 0)
    PyErr_Format(PyExc_ValueError, "[isdtype] kind must be a dtype, a str or a tuple of these, not %.200s", Py_TYPE(kind)->tp_name);
  return found;
}

static PyObject *core_isdtype(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"dtype", "kind", NULL};
  PyObject *dtype, *kind;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:isdtype", names, &dtype, &kind) || mxp_dtype_of(dtype, "isdtype") < 0) return NULL;
  int found = 0;
  if (!PyTuple_Check(kind))
    found = matches(dtype, kind);
  else
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kind) && !found; i++) found = matches(dtype, PyTuple_GET_ITEM(kind, i));
  return found < 0 ? NULL : PyBool_FromLong(found);
}

/* ---- Promotion ------------------------------------------------------------------------------------------------------ */
static PyObject *core_result_type(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  int result = -1;
  for (Py_ssize_t i = 0; i < n; i++) {
    int t = MXP_IS_ARRAY(args[i]) ? (int)mx_dtype_of(MXP_NODE(args[i])) : mxp_dtype_of(args[i], "result_type");
    if (t < 0) return NULL;
    result = result < 0 ? t : (int)mx_result_type((mx_dtype)result, (mx_dtype)t);
  }
  if (result < 0) return PyErr_Format(PyExc_ValueError, "[result_type] needs at least one array or dtype");
  return Py_NewRef(mxp_dtype_object((mx_dtype)result));
}

static PyObject *core_can_cast(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"from_", "to", NULL};
  PyObject *from, *to;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:can_cast", names, &from, &to)) return NULL;
  int have = MXP_IS_ARRAY(from) ? (int)mx_dtype_of(MXP_NODE(from)) : mxp_dtype_of(from, "can_cast"), wanted = have < 0 ? -1 : mxp_dtype_of(to, "can_cast");
  return wanted < 0 ? NULL : PyBool_FromLong((int)mx_result_type((mx_dtype)have, (mx_dtype)wanted) == wanted);
}

/* The sizes of `o` in `at`, last axis first; how many, or -1 with an exception. */
static int read_shape(PyObject *o, long long *at) {
  PyObject *tuple = PyList_Check(o) || PyTuple_Check(o) ? PySequence_Tuple(o) : NULL;
  Py_ssize_t n = tuple ? PyTuple_GET_SIZE(tuple) : 0;
  if (!tuple && !PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "[broadcast_shapes] expects tuples of ints, not %.200s", Py_TYPE(o)->tp_name);
  if (n > MX_MAX_NDIM) PyErr_Format(PyExc_ValueError, "[broadcast_shapes] %zd axes are more than %d", n, MX_MAX_NDIM);
  for (Py_ssize_t i = 0; i < n && !PyErr_Occurred(); i++) {
    PyObject *size = PyTuple_GET_ITEM(tuple, i);
    at[n - 1 - i] = PyLong_AsLongLong(size);
    if (PyErr_ExceptionMatches(PyExc_TypeError))
      PyErr_Format(PyExc_TypeError, "[broadcast_shapes] expects tuples of ints, not of %.200s", Py_TYPE(size)->tp_name);
    if (at[n - 1 - i] < 0 && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "[broadcast_shapes] a size is negative");
  }
  Py_XDECREF(tuple);
  return PyErr_Occurred() ? -1 : (int)n;
}

static PyObject *core_broadcast_shapes(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  long long shape[MX_MAX_NDIM], other[MX_MAX_NDIM];
  int ndim = 0;
  for (Py_ssize_t k = 0; k < n; k++) {
    int count = read_shape(args[k], other);
    if (count < 0) return NULL;
    while (ndim < count) shape[ndim++] = 1;
    for (int i = 0; i < count; i++) {
      if (shape[i] != other[i] && shape[i] != 1 && other[i] != 1)
        return PyErr_Format(PyExc_ValueError, "[broadcast_shapes] sizes %lld and %lld cannot be broadcast", shape[i], other[i]);
      if (shape[i] == 1) shape[i] = other[i];
    }
  }
  PyObject *tuple = PyTuple_New(ndim);
  for (int i = 0; tuple && i < ndim; i++) {
    PyObject *size = PyLong_FromLongLong(shape[ndim - 1 - i]);
    if (!size)
      Py_CLEAR(tuple);
    else
      PyTuple_SET_ITEM(tuple, i, size);
  }
  return tuple;
}

PyMethodDef mxp_type_functions[] = {
    {"issubdtype", (PyCFunction)(void (*)(void))core_issubdtype, METH_FASTCALL,
     "issubdtype($module, arg1, arg2, /)\n--\n\n"
     "Whether a dtype or category belongs to a category.\n"
     "\n>>> mx.issubdtype(mx.float32, mx.floating)\n"
     "True"},
    {"result_type", (PyCFunction)(void (*)(void))core_result_type, METH_FASTCALL,
     "result_type($module, /, *arrays_and_dtypes)\n--\n\n"
     "The dtype that all promote to.\n"
     "\n>>> mx.result_type(mx.ones(2, dtype=mx.int8), mx.float16)\n"
     "mlx.core.float16"},
    {"isdtype", (PyCFunction)(void (*)(void))core_isdtype, METH_VARARGS | METH_KEYWORDS,
     "isdtype($module, /, dtype, kind)\n--\n\n"
     "Whether a dtype is `kind`, or of that kind of the array API ('bool', 'signed integer', 'unsigned integer', 'integral',\n"
     "'real floating', 'complex floating', 'numeric'), or one of a tuple of these.\n"
     "error: ValueError if there is no such kind.\n"
     "\n>>> mx.isdtype(mx.int8, ('bool', 'integral'))\n"
     "True"},
    {"can_cast", (PyCFunction)(void (*)(void))core_can_cast, METH_VARARGS | METH_KEYWORDS,
     "can_cast($module, /, from_, to)\n--\n\n"
     "Whether an array or dtype promoted with `to` gives `to`.\n"
     "\n>>> mx.can_cast(mx.int8, mx.float16)\n"
     "True"},
    {"broadcast_shapes", (PyCFunction)(void (*)(void))core_broadcast_shapes, METH_FASTCALL,
     "broadcast_shapes($module, /, *shapes)\n--\n\n"
     "The shape that all broadcast to.\n"
     "error: ValueError if they do not.\n"
     "\n>>> mx.broadcast_shapes((3, 1), (4,))\n"
     "(3, 4)"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_categories(PyObject *m) {
  if (PyType_Ready(&category_type)) return false;
  for (int i = 0; i < CATEGORIES; i++) {
    if (!PyObject_Init((PyObject *)&categories[i], &category_type)) return false;
    if (PyModule_AddObjectRef(m, categories[i].name, (PyObject *)&categories[i])) return false;
  }
  return !PyModule_AddObjectRef(m, "DtypeCategory", (PyObject *)&category_type);
}

/* Arrays as text: repr, str and format, and mlx.core's print options, which are the process's. */
#include <stdatomic.h>

#include "mxp.h"

static atomic_int print_precision = -1;

/* ---- repr, str, format ------------------------------------------------------------------------------------------- */
PyObject *mxp_repr(PyObject *self) {
  mxb_ctx *ctx = mxp_ctx();
  mx_array node = ctx ? mxp_evaluated(ctx, self) : NULL;
  if (!node) return NULL;
  mx_format_options options = {sizeof options, atomic_load(&print_precision)};
  char small[512], *text = small;
  size_t needed = 0;
  PyObject *result = NULL;
  mx_status status = mxb_format_with(ctx, node, &options, small, sizeof small, &needed);
  if (!status && needed >= sizeof small) {
    text = PyMem_Malloc(needed + 1);
    status = text ? mxb_format_with(ctx, node, &options, text, needed + 1, NULL) : MX_ERR_MEMORY;
  }
  if (!text)
    PyErr_NoMemory();
  else if (status)
    mxp_raise(ctx);
  else
    result = PyUnicode_FromStringAndSize(text, (Py_ssize_t)needed);
  if (text != small) PyMem_Free(text);
  mxb_release(node);
  return result;
}

/* A 0-d array is formatted as the number it holds. */
PyObject *mxp_format(PyObject *self, PyObject *spec) {
  if (!PyUnicode_Check(spec)) return PyErr_Format(PyExc_TypeError, "[array] a format is a str, not %.200s", Py_TYPE(spec)->tp_name);
  if (mx_ndim(MXP_NODE(self))) {
    if (!PyUnicode_GET_LENGTH(spec)) return PyObject_Str(self);
    return PyErr_Format(PyExc_TypeError, "[array] an array of %d axes has no format %R: only one of no axes has", mx_ndim(MXP_NODE(self)), spec);
  }
  PyObject *item = mxp_item(self), *text = item ? PyObject_Format(item, spec) : NULL;
  Py_XDECREF(item);
  return text;
}

/* ---- PrintOptions ------------------------------------------------------------------------------------------------ */
typedef struct {
  PyObject_HEAD
  atomic_int precision;
} options_object;

static PyTypeObject options_type;

/* `precision` of whoever `format` ("|i:name") names; -1 where it is left out. */
static bool read_precision(PyObject *args, PyObject *keywords, const char *format, int *precision) {
  static char *names[] = {"precision", NULL};
  *precision = -1;
  if (PyArg_ParseTupleAndKeywords(args, keywords, format, names, precision)) return true;
  bool is_placed = PyTuple_GET_SIZE(args) == 1;
  if (!PyErr_ExceptionMatches(PyExc_TypeError) || PyTuple_GET_SIZE(args) + (keywords ? PyDict_GET_SIZE(keywords) : 0) != 1) return false;
  PyObject *o = is_placed ? PyTuple_GET_ITEM(args, 0) : PyDict_GetItemString(keywords, names[0]);
  if (o) /* Python's message, or the object's, does not say whose argument it is */
    PyErr_Format(PyExc_TypeError, "[%s] precision must be an int, not %.200s", strchr(format, ':') + 1, Py_TYPE(o)->tp_name);
  return false;
}

static PyObject *make_options(PyTypeObject *type, int precision) {
  options_object *o = (options_object *)type->tp_alloc(type, 0);
  if (o) o->precision = precision;
  return (PyObject *)o;
}

static PyObject *options_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  int precision;
  return read_precision(args, keywords, "|i:PrintOptions", &precision) ? make_options(type, precision) : NULL;
}

static PyObject *options_repr(PyObject *o) { return PyUnicode_FromFormat("PrintOptions(precision=%d)", ((options_object *)o)->precision); }

static PyObject *get_precision(PyObject *o, void *unused) {
  (void)unused;
  return PyLong_FromLong(((options_object *)o)->precision);
}

static int set_precision(PyObject *o, PyObject *value, void *unused) {
  (void)unused;
  int overflow = 1;
  long precision = value && PyLong_Check(value) ? PyLong_AsLongAndOverflow(value, &overflow) : 0;
  if (overflow || precision != (int)precision) {
    PyErr_SetString(PyExc_TypeError, "[PrintOptions] precision is an int");
    return -1;
  }
  ((options_object *)o)->precision = (int)precision;
  return 0;
}

static PyGetSetDef options_getset[] = {{"precision", get_precision, set_precision, "Decimals of floats; -1: six significant digits.", NULL},
                                       {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject options_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.PrintOptions",
    .tp_basicsize = sizeof(options_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "PrintOptions(precision=-1)\n--\n\nHow arrays are printed: get_printoptions() is what holds now.\n\n"
              ">>> mx.PrintOptions(precision=3)\nPrintOptions(precision=3)",
    .tp_new = options_new,
    .tp_repr = options_repr,
    .tp_getset = options_getset,
};

/* ---- printoptions: options for a while --------------------------------------------------------------------------- */
typedef struct {
  PyObject_HEAD
  int precision;
  atomic_int before, depth; /* what the first entry found; how often it is entered */
} context_object;

static PyTypeObject context_type;

static PyObject *context_enter(PyObject *self, PyObject *unused) {
  (void)unused;
  context_object *c = (context_object *)self;
  int before = atomic_exchange(&print_precision, c->precision);
  if (!atomic_fetch_add(&c->depth, 1)) atomic_store(&c->before, before);
  return Py_NewRef(self);
}

static PyObject *context_exit(PyObject *self, PyObject *args) {
  (void)args;
  context_object *c = (context_object *)self;
  if (atomic_load(&c->depth) && atomic_fetch_sub(&c->depth, 1) == 1) atomic_store(&print_precision, atomic_load(&c->before));
  Py_RETURN_NONE;
}

static PyMethodDef context_methods[] = {{"__enter__", context_enter, METH_NOARGS, "__enter__($self, /)\n--\n\nMakes the options hold."},
                                        {"__exit__", context_exit, METH_VARARGS, "__exit__($self, /, *args)\n--\n\nMakes hold what held before."},
                                        {NULL, NULL, 0, NULL}};

static PyTypeObject context_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core._PrintOptionsContext",
    .tp_basicsize = sizeof(context_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "What printoptions returns, for a with statement.",
    .tp_methods = context_methods,
};

static PyObject *print_options(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  int precision;
  if (!read_precision(args, keywords, "|i:printoptions", &precision)) return NULL;
  context_object *c = (context_object *)context_type.tp_alloc(&context_type, 0);
  if (c) c->precision = precision;
  return (PyObject *)c;
}

/* ---- Functions of mlx.core --------------------------------------------------------------------------------------- */
static PyObject *set_options(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  int precision;
  if (!read_precision(args, keywords, "|i:set_printoptions", &precision)) return NULL;
  atomic_store(&print_precision, precision);
  Py_RETURN_NONE;
}

static PyObject *get_options(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  return make_options(&options_type, atomic_load(&print_precision));
}

#define KEYWORDS(f) ((PyCFunction)(void (*)(void))(f))
static PyMethodDef functions[] = {
    {"set_printoptions", KEYWORDS(set_options), METH_VARARGS | METH_KEYWORDS,
     "set_printoptions($module, precision=-1)\n--\n\nPrints floats with so many decimals from now on; -1: with six significant digits.\n\n"
     ">>> mx.set_printoptions(precision=2)\n>>> mx.array([0.123, 4])\narray([0.12, 4.00], dtype=float32)\n>>> mx.set_printoptions()"},
    {"get_printoptions", get_options, METH_NOARGS, "get_printoptions($module)\n--\n\nHow arrays are printed now, as PrintOptions.\n\n>>> mx.get_printoptions().precision\n-1"},
    {"printoptions", KEYWORDS(print_options), METH_VARARGS | METH_KEYWORDS,
     "printoptions($module, precision=-1)\n--\n\nset_printoptions for the duration of a with statement.\n\n"
     ">>> with mx.printoptions(precision=2):\n...     print(mx.array(0.123))\narray(0.12, dtype=float32)"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_text(PyObject *m) {
  return !PyType_Ready(&options_type) && !PyType_Ready(&context_type) && !PyModule_AddObjectRef(m, "PrintOptions", (PyObject *)&options_type) &&
         !PyModule_AddFunctions(m, functions);
}

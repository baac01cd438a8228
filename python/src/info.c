/* finfo and iinfo, the limits of dtypes; what the array API can ask. */
#include <float.h>
#include <stdio.h>

#include "mxp.h"

/* ---- finfo ---------------------------------------------------------------------------------------------------------- */
struct float_limits {
  int bits;
  double max, eps, smallest_normal;
};

typedef struct {
  PyObject_HEAD
  mx_dtype dtype;
} info;

static const struct float_limits *limits_of(mx_dtype t) {
  static const struct float_limits half = {16, 0x1.ffcp15, 0x1p-10, 0x1p-14}, brain = {16, 0x1.fep127, 0x1p-7, 0x1p-126},
                                   single = {32, FLT_MAX, FLT_EPSILON, FLT_MIN}, wide = {64, DBL_MAX, DBL_EPSILON, DBL_MIN};
  return t == MX_FLOAT16 ? &half : t == MX_BFLOAT16 ? &brain : t == MX_FLOAT32 ? &single : t == MX_FLOAT64 ? &wide : NULL;
}

/* The dtype that is the one argument; -1 with an exception. */
static int read_dtype(const char *who, PyObject *args, PyObject *keywords) {
  if (PyTuple_GET_SIZE(args) == 1 && (!keywords || !PyDict_GET_SIZE(keywords))) return mxp_dtype_of(PyTuple_GET_ITEM(args, 0), who);
  PyErr_Format(PyExc_TypeError, "[%s] takes one dtype such as mx.float32", who);
  return -1;
}

static PyObject *make_info(PyTypeObject *type, mx_dtype dtype) {
  info *o = PyObject_New(info, type);
  if (o) o->dtype = dtype;
  return (PyObject *)o;
}

/* The limits of complex numbers are those of their parts. */
static PyObject *finfo_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  int dtype = read_dtype("finfo", args, keywords);
  if (dtype < 0) return NULL;
  if (dtype == MX_COMPLEX64) dtype = MX_FLOAT32;
  if (limits_of((mx_dtype)dtype)) return make_info(type, (mx_dtype)dtype);
  return PyErr_Format(PyExc_ValueError, "[finfo] %s is no floating-point dtype: use iinfo for integers", mx_dtype_name((mx_dtype)dtype));
}

static const struct float_limits *limits(PyObject *self) { return limits_of(((info *)self)->dtype); }

static PyObject *finfo_repr(PyObject *self) {
  char text[128];
  double max = limits(self)->max;
  snprintf(text, sizeof text, "finfo(min=%g, max=%g, dtype=%s)", -max, max, mx_dtype_name(((info *)self)->dtype));
  return PyUnicode_FromString(text);
}

static PyObject *info_dtype(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef(mxp_dtype_object(((info *)self)->dtype));
}

#define LIMIT(name, make, value)                                 \
  static PyObject *finfo_##name(PyObject *self, void *unused) {  \
    (void)unused;                                                \
    return make(value);                                          \
  }
LIMIT(bits, PyLong_FromLong, limits(self)->bits)
LIMIT(min, PyFloat_FromDouble, -limits(self)->max)
LIMIT(max, PyFloat_FromDouble, limits(self)->max)
LIMIT(eps, PyFloat_FromDouble, limits(self)->eps)
LIMIT(smallest_normal, PyFloat_FromDouble, limits(self)->smallest_normal)

static PyGetSetDef finfo_getset[] = {{"bits", finfo_bits, NULL, "Bits of one number.", NULL},
                                     {"min", finfo_min, NULL, "The lowest finite number.", NULL},
                                     {"max", finfo_max, NULL, "The highest finite number.", NULL},
                                     {"eps", finfo_eps, NULL, "From 1 to the next higher number.", NULL},
                                     {"smallest_normal", finfo_smallest_normal, NULL, "The smallest positive number of full precision.", NULL},
                                     {"dtype", info_dtype, NULL, "The dtype; float32 for complex64.", NULL},
                                     {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject finfo_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.finfo",
    .tp_basicsize = sizeof(info),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "finfo(dtype, /)\n--\n\n"
              "The limits of a floating-point or complex dtype.\n"
              "error: ValueError for other dtypes.\n"
              "\n>>> mx.finfo(mx.float16).max\n"
              "65504.0",
    .tp_new = finfo_new,
    .tp_repr = finfo_repr,
    .tp_getset = finfo_getset,
};

/* ---- iinfo ---------------------------------------------------------------------------------------------------------- */
static PyObject *iinfo_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  int dtype = read_dtype("iinfo", args, keywords);
  if (dtype < 0) return NULL;
  if (dtype >= MX_UINT8 && dtype <= MX_INT64) return make_info(type, (mx_dtype)dtype);
  return PyErr_Format(PyExc_ValueError, "[iinfo] %s is no integer dtype: use finfo for floats", mx_dtype_name((mx_dtype)dtype));
}

static bool is_signed(PyObject *self) { return ((info *)self)->dtype >= MX_INT8; }
static int bits_of(PyObject *self) { return 8 << (((info *)self)->dtype - (is_signed(self) ? MX_INT8 : MX_UINT8)); }
static int64_t lowest(PyObject *self) { return is_signed(self) ? INT64_MIN >> (64 - bits_of(self)) : 0; }
static uint64_t highest(PyObject *self) { return UINT64_MAX >> (64 - bits_of(self) + is_signed(self)); }

static PyObject *iinfo_min(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromLongLong(lowest(self));
}

static PyObject *iinfo_max(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(highest(self));
}

static PyObject *iinfo_repr(PyObject *self) {
  return PyUnicode_FromFormat("iinfo(min=%lld, max=%llu, dtype=%s)", (long long)lowest(self), (unsigned long long)highest(self),
                              mx_dtype_name(((info *)self)->dtype));
}

static PyGetSetDef iinfo_getset[] = {{"min", iinfo_min, NULL, "The lowest integer.", NULL},
                                     {"max", iinfo_max, NULL, "The highest integer.", NULL},
                                     {"dtype", info_dtype, NULL, "The dtype.", NULL},
                                     {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject iinfo_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.iinfo",
    .tp_basicsize = sizeof(info),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "iinfo(dtype, /)\n--\n\n"
              "The limits of an integer dtype.\n"
              "error: ValueError for other dtypes.\n"
              "\n>>> mx.iinfo(mx.int8).max\n"
              "127",
    .tp_new = iinfo_new,
    .tp_repr = iinfo_repr,
    .tp_getset = iinfo_getset,
};

/* ---- What the array API calls inspection ---------------------------------------------------------------------------- */
static PyObject *core_namespace_info(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  PyObject *python = PyImport_ImportModule("mlx._array_api"), *info = python ? PyObject_CallMethod(python, "ArrayNamespaceInfo", NULL) : NULL;
  Py_XDECREF(python);
  return info;
}

static PyMethodDef info_functions[] = {
    {"__array_namespace_info__", core_namespace_info, METH_NOARGS,
     "__array_namespace_info__($module, /)\n--\n\n"
     "What the array API can ask of a module: its capabilities, devices, default dtypes and dtypes.\n"
     "\n>>> mx.__array_namespace_info__().default_device()\n"
     "Device(cpu, 0)"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_infos(PyObject *m) {
  return !PyModule_AddFunctions(m, info_functions) && !PyType_Ready(&finfo_type) && !PyType_Ready(&iinfo_type) && !PyModule_AddObjectRef(m, "finfo", (PyObject *)&finfo_type) &&
         !PyModule_AddObjectRef(m, "iinfo", (PyObject *)&iinfo_type);
}

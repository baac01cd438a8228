/* Python values as nodes: numbers, nested sequences of numbers and arrays, and objects that offer their memory or an
 * array. Start at mxp_from_object. */
#include <string.h>

#include "foreign.h"

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
static bool is_little(void) { return *(const char *)&(const int){1} == 1; }

/* The dtype of a letter of the struct module and a size; -1: none of ours. */
static int dtype_of_letter(char letter, Py_ssize_t size) {
  static const struct {
    const char *letters;
    int by_size[4]; /* 1, 2, 4, 8 bytes */
  } kinds[] = {{"?", {MX_BOOL, -1, -1, -1}},
               {"bhilqn", {MX_INT8, MX_INT16, MX_INT32, MX_INT64}},
               {"BHILQN", {MX_UINT8, MX_UINT16, MX_UINT32, MX_UINT64}},
               {"efd", {-1, MX_FLOAT16, MX_FLOAT32, MX_FLOAT64}}};
  int log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds && log >= 0; i++)
    if (letter && strchr(kinds[i].letters, letter)) return kinds[i].by_size[log];
  return -1;
}

static bool read_format(const Py_buffer *view, struct mxp_foreign *f) {
  const char *p = view->format ? view->format : "B";
  if (*p && strchr("@=<>!", *p)) {
    f->is_swapped = (*p == '<' && !is_little()) || ((*p == '>' || *p == '!') && is_little());
    p++;
  }
  bool is_complex = *p == 'Z';
  int dtype = *p && !p[1 + is_complex] ? dtype_of_letter(p[is_complex], view->itemsize >> is_complex) : -1;
  f->is_wide = is_complex && dtype == MX_FLOAT64;
  if (is_complex) dtype = dtype == MX_FLOAT32 || f->is_wide ? MX_COMPLEX64 : -1;
  f->dtype = (mx_dtype)dtype;
  return dtype >= 0;
}

static bool read_view(const Py_buffer *view, struct mxp_foreign *f) {
  *f = (struct mxp_foreign){.data = view->buf, .ndim = view->ndim, .itemsize = (size_t)view->itemsize};
  if (view->ndim > MX_MAX_NDIM || view->suboffsets || !read_format(view, f)) {
    PyErr_Format(PyExc_TypeError, "[array] a buffer of %d axes with items of format '%s' has no dtype here", view->ndim,
                 view->format ? view->format : "B");
    return false;
  }
  for (int i = 0; i < view->ndim; i++) {
    f->shape[i] = view->shape[i];
    f->strides[i] = view->strides[i];
  }
  return true;
}

static void release_view(void *view) {
  PyBuffer_Release(view);
  PyMem_Free(view);
}

static mx_array refuse_to_share(const char *why) {
  PyErr_Format(PyExc_ValueError, "[asarray] the memory cannot be shared, since %s: leave out copy=False", why);
  return NULL;
}

static Py_buffer *open_view(PyObject *o) {
  Py_buffer *view = PyMem_Malloc(sizeof *view);
  if (!view) return (Py_buffer *)PyErr_NoMemory();
  if (!PyObject_GetBuffer(o, view, PyBUF_FULL_RO)) return view;
  PyMem_Free(view);
  return NULL;
}

/* The view is closed, or goes with the array. */
static mx_array from_view(mxb_ctx *ctx, Py_buffer *view, bool share, int dtype) {
  struct mxp_foreign f;
  bool is_read = read_view(view, &f);
  if (is_read && share) return mxp_foreign_share(ctx, &f, dtype, release_view, view);
  mx_array a = is_read ? mxp_foreign_copy(ctx, &f) : NULL;
  release_view(view);
  return a;
}

/* An array of ml_dtypes, whose dtype is no letter of the struct module: NumPy sees its bits as integers. */
static mx_array from_bfloat16(mxb_ctx *ctx, PyObject *o, bool share) {
  PyObject *bits = mxp_call(o, MXP_NAME_view, Py_BuildValue("(s)", "uint16"));
  Py_buffer *view = bits ? open_view(bits) : NULL;
  mx_array a = view ? from_view(ctx, view, share, MX_UINT16) : NULL, b = a ? mxb_view(ctx, a, MX_BFLOAT16) : NULL;
  if (a && !b) mxp_raise(ctx);
  mxb_release(a);
  Py_XDECREF(bits);
  return b;
}

/* str(o.dtype), new; NULL without an exception where there is no such thing. */
static PyObject *dtype_name(PyObject *o) {
  PyObject *dtype = mxp_has(o, MXP_NAME_dtype) ? mxp_get(o, MXP_NAME_dtype) : NULL, *name = dtype ? PyObject_Str(dtype) : NULL;
  Py_XDECREF(dtype);
  if (!name) PyErr_Clear();
  return name;
}

/* NumPy lends no memory of dtypes that have no letter: bfloat16 is one that is here, the others are named. */
static mx_array from_buffer(mxb_ctx *ctx, PyObject *o, bool share, int dtype) {
  Py_buffer *view = open_view(o);
  if (view) return from_view(ctx, view, share, dtype);
  if (PyErr_ExceptionMatches(PyExc_MemoryError)) return NULL;
  PyObject *type, *value, *traceback, *name;
  PyErr_Fetch(&type, &value, &traceback);
  if (!(name = dtype_name(o))) {
    PyErr_Restore(type, value, traceback);
    return NULL;
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  bool is_bfloat16 = !PyUnicode_CompareWithASCIIString(name, "bfloat16");
  if (!is_bfloat16) PyErr_Format(PyExc_TypeError, "[array] cannot make an array of %.200s of dtype %U", Py_TYPE(o)->tp_name, name);
  Py_DECREF(name);
  return is_bfloat16 ? from_bfloat16(ctx, o, share) : NULL;
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */
bool mxp_is_operand(PyObject *o) {
  if (PyUnicode_Check(o) || PyBytes_Check(o) || PyByteArray_Check(o)) return false; /* NumPy's strings have a buffer */
  return PyObject_CheckBuffer(o) || mxp_has(o, MXP_NAME___mlx_array__);
}

mx_array mxp_operand(mxb_ctx *ctx, PyObject *o) {
  if (is_number(o)) return mxp_scalar(ctx, o);
  return mxp_is_operand(o) ? mxp_from_object(ctx, o, -1) : NULL;
}

/* The one element as a number of Python's, which is weak. `a` is given up. */
static mx_array weakened(mxb_ctx *ctx, mx_array a) {
  PyObject *number = mxp_number_of(ctx, a);
  mx_array weak = number ? mxp_scalar(ctx, number) : NULL;
  Py_XDECREF(number);
  mxb_release(a);
  return weak;
}

/* A number of NumPy's is as weak as one of Python's. */
mx_array mxp_weak_operand(mxb_ctx *ctx, PyObject *o) {
  if (is_number(o) || !PyObject_CheckBuffer(o) || !mxp_is_operand(o)) return mxp_operand(ctx, o);
  mx_array a = mxp_from_foreign(ctx, o, false, -1);
  if (a && !mx_ndim(a)) return weakened(ctx, a);
  return a ? as_dtype(ctx, a, mx_dtype_of(a) == MX_FLOAT64 ? MX_FLOAT32 : -1) : NULL;
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
  if (at && made == count && !(a = mxb_stack(ctx, at, (size_t)count, 0))) mxp_raise_as(ctx, "array");
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

/* ---- Objects that offer an array ----------------------------------------------------------------------------------- */
static mx_array wrong_type(PyObject *o) {
  PyErr_Format(PyExc_TypeError, "[array] cannot make an array of %.200s", Py_TYPE(o)->tp_name);
  return NULL;
}

/* What o's method returns must be an array, of ours or with a buffer. */
static mx_array from_method(mxb_ctx *ctx, PyObject *o, enum mxp_name method, bool share, int dtype) {
  PyObject *made = mxp_call(o, method, PyTuple_New(0));
  mx_array a = NULL;
  if (made && MXP_IS_ARRAY(made))
    a = mxb_retain(MXP_NODE(made));
  else if (made && PyObject_CheckBuffer(made))
    a = mxp_from_foreign(ctx, made, share, dtype);
  else if (made)
    PyErr_Format(PyExc_TypeError, "[array] %.200s.%U must return an array, not %.200s", Py_TYPE(o)->tp_name, mxp_names[method], Py_TYPE(made)->tp_name);
  Py_XDECREF(made);
  return a;
}

mx_array mxp_from_foreign(mxb_ctx *ctx, PyObject *o, bool share, int dtype) {
  if (Py_EnterRecursiveCall(" while making an array")) return NULL;
  mx_array a = NULL;
  if (PyObject_CheckBuffer(o))
    a = from_buffer(ctx, o, share, dtype);
  else if (mxp_has(o, MXP_NAME___mlx_array__))
    a = from_method(ctx, o, MXP_NAME___mlx_array__, share, dtype);
  else if (mxp_has(o, MXP_NAME___dlpack__))
    a = mxp_from_dlpack(ctx, o, share, dtype);
  else if (mxp_has(o, MXP_NAME___array__))
    a = from_method(ctx, o, MXP_NAME___array__, share, dtype);
  else
    wrong_type(o);
  Py_LeaveRecursiveCall();
  return a;
}

mx_array mxp_from_object(mxb_ctx *ctx, PyObject *o, int dtype) {
  if (MXP_IS_ARRAY(o)) return as_dtype(ctx, mxb_retain(MXP_NODE(o)), dtype);
  if (is_number(o)) return constant(ctx, o, dtype);
  if (is_sequence(o)) {
    if (Py_EnterRecursiveCall(" while making an array of nested lists")) return NULL;
    mx_array a = from_sequence(ctx, o, dtype);
    Py_LeaveRecursiveCall();
    return a;
  }
  mx_array a = mxp_from_foreign(ctx, o, false, dtype);
  return a && dtype < 0 && mx_dtype_of(a) == MX_FLOAT64 && !mxp_has(o, MXP_NAME___mlx_array__) ? as_dtype(ctx, a, MX_FLOAT32)
                                                                                       : as_dtype(ctx, a, dtype);
}

/* ---- asarray ------------------------------------------------------------------------------------------------------- */
/* A lazy array has no memory to be copied yet: the copy is an operation of its own. */
static mx_array copy_array(mxb_ctx *ctx, mx_array node) {
  if (mx_is_evaluated(node)) return mxp_copied(ctx, node);
  mx_array yes = mxb_scalar_b(ctx, true), a = yes ? mxb_where(ctx, yes, node, node) : NULL;
  mxb_release(yes);
  if (!a) mxp_raise(ctx);
  return a;
}

mx_array mxp_array_as_array(mxb_ctx *ctx, PyObject *o, int dtype, int copy) {
  mx_array node = mxb_retain(MXP_NODE(o)), a = NULL;
  bool is_other = dtype >= 0 && dtype != (int)mx_dtype_of(node);
  if (is_other && !copy)
    PyErr_Format(PyExc_ValueError, "[asarray] %s cannot become %s without a copy", mx_dtype_name(mx_dtype_of(node)), mx_dtype_name((mx_dtype)dtype));
  else
    a = copy == 1 && !is_other ? copy_array(ctx, node) : as_dtype(ctx, mxb_retain(node), dtype);
  mxb_release(node);
  return a;
}

static PyObject *core_asarray(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"", "dtype", "copy", NULL};
  PyObject *o, *dtype_object = Py_None, *copy_object = Py_None;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "O|O$O:asarray", names, &o, &dtype_object, &copy_object)) return NULL;
  int dtype = dtype_object == Py_None ? -1 : mxp_dtype_of(dtype_object, "asarray"), copy = mxp_read_copy(copy_object, "asarray");
  if (copy == -2 || (dtype < 0 && dtype_object != Py_None)) return NULL;
  mx_array a;
  if (MXP_IS_ARRAY(o))
    a = mxp_array_as_array(ctx, o, dtype, copy);
  else if (copy)
    a = mxp_from_object(ctx, o, dtype);
  else if (is_number(o) || is_sequence(o))
    a = refuse_to_share("numbers of Python's are no memory");
  else
    a = mxp_from_foreign(ctx, o, true, dtype);
  if (a && dtype >= 0 && (int)mx_dtype_of(a) != dtype) {
    mxb_release(a);
    a = refuse_to_share("its dtype is another");
  }
  return a ? mxp_wrap(ctx, a) : NULL;
}

int mxp_read_copy(PyObject *o, const char *who) {
  if (o == Py_None) return -1;
  if (PyBool_Check(o)) return o == Py_True;
  PyErr_Format(PyExc_TypeError, "[%s] copy must be True, False or None, not %.200s", who, Py_TYPE(o)->tp_name);
  return -2;
}

PyMethodDef mxp_convert_functions[] = {
    {"asarray", (PyCFunction)(void (*)(void))core_asarray, METH_VARARGS | METH_KEYWORDS,
     "asarray($module, a, /, dtype=None, *, copy=None)\n--\n\n"
     "An array of an array, a number, a nested list, or an object with the buffer protocol, __mlx_array__, __dlpack__ or\n"
     "__array__.\n"
     "`copy`: False shares the memory, so that what its owner writes there later is seen; True always copies; None copies what\n"
     "is no array of mlx.core yet.\n"
     "dtype: that of `a` where None, but float32 for float64.\n"
     "error: ValueError if copy=False cannot be kept; TypeError for an unknown dtype.\n"
     "\n>>> import numpy\n"
     ">>> ones = numpy.ones(3, dtype=numpy.float32)\n"
     ">>> a = mx.asarray(ones, copy=False)\n"
     ">>> ones[0] = 5\n"
     ">>> a\n"
     "array([5, 1, 1], dtype=float32)"},
    {NULL, NULL, 0, NULL}};

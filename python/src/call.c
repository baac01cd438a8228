/* From Python's arguments to a struct mxp_call: one parser for all operations. Arrays are borrowed from their objects as
 * long as nothing can run that would change those; before Python code may run (an __index__, a buffer), what was
 * borrowed so far is retained. Start at mxp_call_function. */
#include "call.h"

#include <limits.h>

static PyObject *stream_key;

/* ---- What a call holds ------------------------------------------------------------------------------------------- */
static void pin(struct mxp_call *c) {
  while (c->borrowed_count) c->owned[c->owned_count++] = mxb_retain(c->borrowed[--c->borrowed_count]);
}

/* Rows have fewer arrays than the lists have room. */
static mx_array borrow(struct mxp_call *c, PyObject *o) { return c->borrowed[c->borrowed_count++] = MXP_NODE(o); }

mx_array mxp_hold(struct mxp_call *c, mx_array a) {
  if (a && c->owned_count + c->borrowed_count < MXP_MAX_PARAMS) return c->owned[c->owned_count++] = a;
  mxb_release(a);
  mxp_raise_as(c->ctx, c->op->name);
  return NULL;
}

void *mxp_room(struct mxp_call *c, size_t nbytes) {
  size_t words = (nbytes + sizeof *c->room - 1) / sizeof *c->room;
  if (words <= MXP_ROOM - c->room_used) {
    void *p = c->room + c->room_used;
    c->room_used += words;
    return p;
  }
  void *p = c->heap_count < MXP_HEAP ? PyMem_Malloc(nbytes) : NULL;
  if (p)
    c->heap[c->heap_count++] = p;
  else
    PyErr_NoMemory();
  return p;
}

static void finish(struct mxp_call *c) {
  while (c->owned_count) mxb_release(c->owned[--c->owned_count]);
  while (c->list_count) mxb_release(c->list[--c->list_count]);
  while (c->heap_count) PyMem_Free(c->heap[--c->heap_count]);
}

PyObject *mxp_give_many(struct mxp_call *c, mx_status status, mx_array *results, size_t count) {
  if (status) return mxp_raise_as(c->ctx, c->op->name);
  PyObject *tuple = PyTuple_New((Py_ssize_t)count);
  for (size_t i = 0; i < count; i++) {
    PyObject *o = tuple ? mxp_wrap(c->ctx, results[i]) : NULL;
    if (o)
      PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, o);
    else if (tuple)
      Py_CLEAR(tuple); /* mxp_wrap has released this one; the rest is released below */
    else
      mxb_release(results[i]);
  }
  return tuple;
}

/* ---- Reading values ---------------------------------------------------------------------------------------------- */
bool mxp_wrong(const struct mxp_call *c, const char *name, const char *expected, PyObject *o) {
  if (!PyErr_Occurred())
    PyErr_Format(PyExc_TypeError, "[%s] %s must be %s, not %.200s", c->op->name, name, expected, Py_TYPE(o)->tp_name);
  return false;
}

/* Integers, and what has __index__; floats are refused. */
static bool read_int(struct mxp_call *c, const char *name, PyObject *o, long long low, long long high, int64_t *out) {
  PyObject *owned = NULL;
  if (!PyLong_Check(o)) {
    pin(c);
    owned = PyIndex_Check(o) ? PyNumber_Index(o) : NULL;
    bool is_refused = !owned && MXP_IS_ARRAY(o) && (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError));
    if (is_refused) PyErr_Clear(); /* the array does not know who asks */
    if (!owned) return mxp_wrong(c, name, "an int", o);
    o = owned;
  }
  int overflow = 0;
  long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  Py_XDECREF(owned);
  if (overflow || v < low || v > high) {
    PyErr_Format(PyExc_ValueError, "[%s] %s is out of range", c->op->name, name);
    return false;
  }
  *out = v;
  return true;
}

static bool read_unsigned(struct mxp_call *c, const char *name, PyObject *o, uint64_t *out) {
  if (!PyLong_Check(o)) return mxp_wrong(c, name, "an int", o);
  *out = PyLong_AsUnsignedLongLong(o);
  if (!PyErr_Occurred()) return true;
  PyErr_Clear();
  PyErr_Format(PyExc_ValueError, "[%s] %s must be from 0 to 2**64 - 1", c->op->name, name);
  return false;
}

static bool read_float(struct mxp_call *c, const char *name, PyObject *o, double *out) {
  if (PyFloat_CheckExact(o)) return *out = PyFloat_AS_DOUBLE(o), true;
  if (MXP_IS_ARRAY(o) || !PyNumber_Check(o) || PyComplex_Check(o)) return mxp_wrong(c, name, "a float", o);
  pin(c);
  *out = PyFloat_AsDouble(o);
  return !(*out == -1.0 && PyErr_Occurred());
}

/* `items` is a list or tuple. Items are held, since __index__ of one may change the list. */
static bool read_items(struct mxp_call *c, const char *name, PyObject *items, mx_ints *out) {
  Py_ssize_t n = PySequence_Fast_GET_SIZE(items);
  int64_t *at = mxp_room(c, (size_t)n * sizeof *at);
  for (Py_ssize_t i = 0; at && i < n; i++) {
    if (i >= PySequence_Fast_GET_SIZE(items)) {
      PyErr_Format(PyExc_RuntimeError, "[%s] %s changed while it was read", c->op->name, name);
      return false;
    }
    PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, i));
    bool is_read = !PyFloat_Check(item) ? read_int(c, name, item, INT64_MIN, INT64_MAX, &at[i]) : mxp_wrong(c, name, "a list of ints", item);
    Py_DECREF(item);
    if (!is_read) return false;
  }
  *out = (mx_ints){at, (size_t)n};
  return at != NULL;
}

bool mxp_read_ints(struct mxp_call *c, const char *name, PyObject *o, mx_ints *out) {
  if (PyTuple_Check(o) || PyList_Check(o)) return read_items(c, name, o, out);
  if (PyLong_Check(o) || (PyIndex_Check(o) && !(MXP_IS_ARRAY(o) && mx_ndim(MXP_NODE(o))))) {
    int64_t *at = mxp_room(c, sizeof *at);
    *out = (mx_ints){at, 1};
    return at && read_int(c, name, o, INT64_MIN, INT64_MAX, at);
  }
  pin(c);
  PyObject *items = PyUnicode_Check(o) || !PySequence_Check(o) || MXP_IS_ARRAY(o) ? NULL : PySequence_Tuple(o);
  if (!items) return mxp_wrong(c, name, "an int or a list of ints", o);
  bool is_read = read_items(c, name, items, out);
  Py_DECREF(items);
  return is_read;
}

/* Whether dtypes of operands meet, as in add, and not in full. */
static bool has_operands(const struct mxp_op *op) {
  int n = 0;
  for (int i = 0; i < op->count; i++) n += op->params[i].kind == MXP_SCALAR;
  return n > 1;
}

/* What mx.array would say of an object, as said by the operation. Always false. */
static bool refuse_operand(const struct mxp_call *c, const char *name, PyObject *o) {
  PyObject *type, *value, *traceback;
  if (!PyErr_Occurred()) return mxp_wrong(c, name, "an array or a number", o);
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyObject *message = value ? PyObject_Str(value) : NULL;
  const char *text = message ? PyUnicode_AsUTF8(message) : NULL;
  PyErr_Clear();
  if (text && !strncmp(text, "[array] ", 8)) {
    PyErr_Format(type, "[%s] %s: %s", c->op->name, name, text + 8);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
  } else {
    PyErr_Restore(type, value, traceback);
  }
  Py_XDECREF(message);
  return false;
}

static bool read_operand(struct mxp_call *c, const char *name, PyObject *o, mx_array *out) {
  mx_array a = mxp_scalar(c->ctx, o);
  if (!a && PyLong_Check(o) && PyErr_ExceptionMatches(PyExc_ValueError)) {
    PyErr_Format(PyExc_ValueError, "[%s] %s does not fit in 64 bits", c->op->name, name);
    return false;
  }
  if (!a && !PyErr_Occurred() && mxp_is_operand(o)) {
    pin(c);
    a = has_operands(c->op) ? mxp_weak_operand(c->ctx, o) : mxp_operand(c->ctx, o);
  }
  if (!a) return refuse_operand(c, name, o);
  return (*out = mxp_hold(c, a)) != NULL;
}

/* The arrays of a list are retained: they may be taken out of it. No row has two lists. */
static bool read_arrays(struct mxp_call *c, const char *name, PyObject *const *items, size_t n, union mxp_value *out) {
  mx_array *at = c->list_count ? NULL : mxp_room(c, (n + 1) * sizeof *at);
  for (size_t i = 0; i < n; i++)
    if (!MXP_IS_ARRAY(items[i])) return mxp_wrong(c, name, "arrays", items[i]);
  for (size_t i = 0; at && i < n; i++) at[i] = mxb_retain(MXP_NODE(items[i]));
  c->list = at;
  c->list_count = at ? n : 0;
  out->arrays.at = at;
  out->arrays.count = n;
  return at != NULL;
}

static bool read_list(struct mxp_call *c, const char *name, PyObject *o, union mxp_value *out) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return mxp_wrong(c, name, "a list or tuple of arrays", o);
  return read_arrays(c, name, PySequence_Fast_ITEMS(o), (size_t)PySequence_Fast_GET_SIZE(o), out);
}

static bool read_dtype(struct mxp_call *c, const struct mxp_param *p, PyObject *o, union mxp_value *out) {
  if (o == Py_None && (p->flags & MXP_OPTIONAL)) return out->i = p->value.i, true;
  if (Py_TYPE(o) != &mxp_dtype_type) return mxp_wrong(c, p->name, "a Dtype such as mx.float32", o);
  return out->i = mxp_dtype_of(o, c->op->name), true;
}

static bool read_text(struct mxp_call *c, const char *name, PyObject *o, const char **out) {
  if (!PyUnicode_Check(o)) return mxp_wrong(c, name, "a str", o);
  Py_ssize_t size;
  *out = PyUnicode_AsUTF8AndSize(o, &size);
  if (!*out || strlen(*out) == (size_t)size) return *out != NULL;
  PyErr_Format(PyExc_ValueError, "[%s] %s has a null character", c->op->name, name);
  return false;
}

bool mxp_read(struct mxp_call *c, const struct mxp_param *p, PyObject *o, union mxp_value *out) {
  switch (p->kind) {
  case MXP_OPTARRAY:
  case MXP_OPTSCALAR:
    if (o == Py_None) return out->array = NULL, true;
    if (MXP_IS_ARRAY(o)) return out->array = borrow(c, o), true;
    return p->kind == MXP_OPTSCALAR ? read_operand(c, p->name, o, &out->array) : mxp_wrong(c, p->name, "an array or None", o);
  case MXP_SCALAR:
  case MXP_ARRAY:
    if (MXP_IS_ARRAY(o)) return out->array = borrow(c, o), true;
    return p->kind == MXP_SCALAR ? read_operand(c, p->name, o, &out->array) : mxp_wrong(c, p->name, "an array", o);
  case MXP_ARRAYS: return read_list(c, p->name, o, out);
  case MXP_OPTAXIS:
    if (o == Py_None) return out->i = MXP_NONE, true;
    /* fallthrough */
  case MXP_INT: return read_int(c, p->name, o, INT_MIN, INT_MAX, &out->i);
  case MXP_I64: return read_int(c, p->name, o, INT64_MIN, INT64_MAX, &out->i);
  case MXP_U64: return read_unsigned(c, p->name, o, &out->u);
  case MXP_F64: return read_float(c, p->name, o, &out->f);
  case MXP_BOOL:
    if (!PyBool_Check(o)) return mxp_wrong(c, p->name, "True or False", o);
    return out->flag = o == Py_True, true;
  case MXP_AXES:
    if (o == Py_None) return out->ints = MX_ALL, true;
    /* fallthrough */
  case MXP_INTS:
  case MXP_SHAPE: return mxp_read_ints(c, p->name, o, &out->ints);
  case MXP_DTYPE:
  case MXP_OPTDTYPE: return read_dtype(c, p, o, out);
  case MXP_STR: return read_text(c, p->name, o, &out->text);
  default: return out->object = o, true;
  }
}

bool mxp_read_as(struct mxp_call *c, const char *name, unsigned char kind, PyObject *o, union mxp_value *out) {
  struct mxp_param p = {.name = name, .kind = kind};
  return mxp_read(c, &p, o, out);
}

/* ---- Reading the arguments --------------------------------------------------------------------------------------- */
static int find_keyword(const struct mxp_call *c, PyObject *name) {
  const struct mxp_op *op = c->op;
  for (int i = op->positional_only; i < op->count; i++)
    if (op->params[i].key == name) return i;
  for (int i = op->positional_only; i < op->count; i++)
    if (!PyUnicode_Compare(op->params[i].key, name)) return i;
  return -1;
}

static bool is_stream(PyObject *name) { return name == stream_key || !PyUnicode_Compare(name, stream_key); }

static bool read_keywords(struct mxp_call *c, PyObject *const *values, PyObject *names, unsigned *seen) {
  Py_ssize_t n = PyTuple_GET_SIZE(names);
  for (Py_ssize_t k = 0; k < n; k++) {
    PyObject *name = PyTuple_GET_ITEM(names, k);
    int i = find_keyword(c, name);
    if (i < 0 && is_stream(name)) {
      if (values[k] != Py_None && !mxp_check_stream(values[k], c->op->name)) return false;
      continue;
    }
    if (i < 0 || *seen & 1u << i || c->op->params[i].kind == MXP_VARARGS) {
      PyErr_Format(PyExc_TypeError, i < 0 ? "[%s] there is no keyword argument '%U'" : "[%s] '%U' is given twice", c->op->name, name);
      return false;
    }
    if (!mxp_read(c, &c->op->params[i], values[k], &c->v[i])) return false;
    *seen |= 1u << i;
  }
  return true;
}

static bool read_defaults(struct mxp_call *c, unsigned seen) {
  for (int i = 0; i < c->op->count; i++) {
    const struct mxp_param *p = &c->op->params[i];
    if (seen & 1u << i) continue;
    if (!(p->flags & MXP_OPTIONAL)) {
      PyErr_Format(PyExc_TypeError, "[%s] the argument '%s' is missing", c->op->name, p->name);
      return false;
    }
    c->v[i] = p->value;
    if (p->flags & (MXP_LITERAL_INT | MXP_LITERAL_FLOAT)) {
      mx_array a = p->flags & MXP_LITERAL_INT ? mxb_scalar_i(c->ctx, p->value.i) : mxb_scalar_f(c->ctx, p->value.f);
      if (!(c->v[i].array = mxp_hold(c, a))) return false;
    }
  }
  return true;
}

static bool read_positional(struct mxp_call *c, int first, PyObject *const *args, Py_ssize_t n, unsigned *seen) {
  const struct mxp_op *op = c->op;
  int last = op->positional - 1;
  bool has_varargs = last >= 0 && op->params[last].kind == MXP_VARARGS;
  if (!has_varargs && first + n > op->positional) {
    PyErr_Format(PyExc_TypeError, "[%s] takes at most %d positional arguments, not %zd", op->name, op->positional - first, n);
    return false;
  }
  Py_ssize_t plain = has_varargs && n > last - first ? last - first : n;
  for (Py_ssize_t i = 0; i < plain; i++)
    if (!mxp_read(c, &op->params[first + i], args[i], &c->v[first + i])) return false;
  *seen |= ((1u << plain) - 1) << first;
  if (!has_varargs) return true;
  *seen |= 1u << last;
  return read_arrays(c, op->params[last].name, args + plain, (size_t)(n - plain), &c->v[last]);
}

static PyObject *run(const struct mxp_op *op, PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
  struct mxp_call c;
  c.op = op;
  c.owned_count = c.borrowed_count = c.heap_count = 0;
  c.room_used = c.list_count = 0;
  if (!(c.ctx = mxp_ctx())) return NULL;
  unsigned seen = self != NULL;
  if (self) c.v[0].array = borrow(&c, self);
  PyObject *result = NULL;
  if (read_positional(&c, self != NULL, args, n, &seen) && (!names || read_keywords(&c, args + n, names, &seen)) &&
      (seen == (1u << op->count) - 1 || read_defaults(&c, seen)))
    result = op->call(&c);
  finish(&c);
  return result;
}

PyObject *mxp_call_function(const struct mxp_op *op, PyObject *const *args, Py_ssize_t n, PyObject *names) {
  return run(op, NULL, args, n, names);
}

PyObject *mxp_call_method(const struct mxp_op *op, PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
  return run(op, self, args, n, names);
}

PyObject *mxp_call_method_varargs(const struct mxp_op *op, PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
  if (n == 0 || (n == 1 && !PyLong_Check(args[0])) || names) return run(op, self, args, n, names);
  PyObject *tuple = PyTuple_New(n);
  if (!tuple) return NULL;
  for (Py_ssize_t i = 0; i < n; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
  PyObject *result = run(op, self, &tuple, 1, NULL);
  Py_DECREF(tuple);
  return result;
}

bool mxp_intern_names(void) {
  if (!(stream_key = PyUnicode_InternFromString("stream"))) return false;
  for (struct mxp_op *const *op = mxp_ops; *op; op++)
    for (int i = 0; i < (*op)->count; i++)
      if (!((*op)->params[i].key = PyUnicode_InternFromString((*op)->params[i].name))) return false;
  return true;
}

PyObject *mxp_only(PyObject *const *args, Py_ssize_t count, PyObject *names, const char *name, const char *who) {
  Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  if (count + named != 1)
    return PyErr_Format(PyExc_TypeError, "[%s] takes one argument, %s, not %zd", who, name, count + named);
  if (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), name))
    return PyErr_Format(PyExc_TypeError, "[%s] there is no keyword argument '%U'", who, PyTuple_GET_ITEM(names, 0));
  return args[0];
}

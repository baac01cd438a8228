/* How an operation is called from Python. operations.c has a struct mxp_op for each; mxp_call_function (call.c) reads
 * Python's arguments into a struct mxp_call by the op's parameters, and hands it to the op's call. */
#ifndef MXP_CALL_H
#define MXP_CALL_H

#include "mxp.h"

enum mxp_kind {
  MXP_ARRAY,     /* .array  an array */
  MXP_SCALAR,    /*         an array, a number or a buffer */
  MXP_OPTARRAY,  /*         an array, or NULL for None */
  MXP_OPTSCALAR, /*         the same with numbers */
  MXP_ARRAYS,    /* .arrays a list or tuple of arrays */
  MXP_VARARGS,   /*         all further positional arguments */
  MXP_INT,       /* .i      a C int */
  MXP_OPTAXIS,   /*         or MXP_NONE for None */
  MXP_I64,
  MXP_U64,  /* .u */
  MXP_F64,  /* .f */
  MXP_BOOL, /* .flag */
  MXP_INTS, /* .ints   an int or a sequence of ints */
  MXP_AXES, /*         or None, which is MX_ALL */
  MXP_SHAPE,
  MXP_DTYPE,    /* .i, None is the default */
  MXP_OPTDTYPE, /* .i, None is MXP_NONE */
  MXP_STR,      /* .text */
  MXP_OBJECT    /* .object, borrowed; NULL where it was left out */
};
#define MXP_NONE INT64_MIN
enum { MXP_OPTIONAL = 1, MXP_LITERAL_INT = 2, MXP_LITERAL_FLOAT = 4 };

union mxp_value {
  int64_t i;
  uint64_t u;
  double f;
  bool flag;
  const char *text;
  mx_array array; /* borrowed for the duration of the call */
  mx_ints ints;
  PyObject *object;
  struct {
    const mx_array *at;
    size_t count;
  } arrays;
};

struct mxp_param {
  const char *name;
  unsigned char kind, flags;
  union mxp_value value; /* of an optional one that was left out */
  PyObject *key;         /* `name`, interned when the module is made */
};

struct mxp_call;
struct mxp_op {
  const char *name;
  PyObject *(*call)(struct mxp_call *c);
  struct mxp_param *params;
  int count, positional_only, positional; /* parameters; before "/"; before "*" */
};
extern struct mxp_op *const mxp_ops[]; /* ends with NULL */

enum { MXP_MAX_PARAMS = 10, MXP_ROOM = 40, MXP_HEAP = 8 };

/* A call under way. Only what the counts cover is initialised. */
struct mxp_call {
  mxb_ctx *ctx;
  const struct mxp_op *op;
  union mxp_value v[MXP_MAX_PARAMS];
  mx_array owned[MXP_MAX_PARAMS];    /* to be released */
  mx_array borrowed[MXP_MAX_PARAMS]; /* from array objects; owned as soon as Python code may run */
  mx_array *list;                    /* the arrays of MXP_ARRAYS and MXP_VARARGS, owned */
  void *heap[MXP_HEAP];
  int owned_count, borrowed_count, heap_count;
  size_t room_used, list_count;
  int64_t room[MXP_ROOM]; /* for lists of integers */
};

PyObject *mxp_call_function(const struct mxp_op *op, PyObject *const *args, Py_ssize_t n, PyObject *names);
/* `self` is the first parameter. */
PyObject *mxp_call_method(const struct mxp_op *op, PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names);
/* The same, where several integers stand for one tuple of them: a.reshape(2, 3). */
PyObject *mxp_call_method_varargs(const struct mxp_op *op, PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names);

/* ---- For calls --------------------------------------------------------------------------------------------------- */
static inline PyObject *mxp_give(struct mxp_call *c, mx_array a) {
  return a ? mxp_wrap(c->ctx, a) : mxp_raise_as(c->ctx, c->op->name);
}
/* A tuple of owned results. */
PyObject *mxp_give_many(struct mxp_call *c, mx_status status, mx_array *results, size_t count);
/* Takes over a node that the call needs until it is over; returns it. NULL raises what is pending. */
mx_array mxp_hold(struct mxp_call *c, mx_array a);
/* Memory until the call is over; NULL with MemoryError. */
void *mxp_room(struct mxp_call *c, size_t nbytes);
/* Reading one value: false with an exception that names the operation and the parameter. */
bool mxp_read(struct mxp_call *c, const struct mxp_param *p, PyObject *o, union mxp_value *out);
bool mxp_read_as(struct mxp_call *c, const char *name, unsigned char kind, PyObject *o, union mxp_value *out);
bool mxp_read_ints(struct mxp_call *c, const char *name, PyObject *o, mx_ints *out);
/* TypeError "sum: axis must be an int, not str". Always false. */
bool mxp_wrong(const struct mxp_call *c, const char *name, const char *expected, PyObject *o);

/* Makes the keys of all parameters, once. */
bool mxp_intern_names(void);

#define MXP_CFUNCTION(f) ((PyCFunction)(void (*)(void))(f))
#define MXP_TRAMPOLINE(name, suffix, call)                                                                      \
  static PyObject *name##_##suffix(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {      \
    (void)self;                                                                                                 \
    return call;                                                                                                \
  }
#define MXP_FUNCTION(name)       MXP_TRAMPOLINE(name, function, mxp_call_function(&name##_op, args, n, names))
#define MXP_METHOD(name)         MXP_TRAMPOLINE(name, method, mxp_call_method(&name##_op, self, args, n, names))
#define MXP_METHOD_VARARGS(name) MXP_TRAMPOLINE(name, method, mxp_call_method_varargs(&name##_op, self, args, n, names))

extern PyMethodDef mxp_core_functions[], mxp_linalg_functions[], mxp_random_functions[], mxp_array_operations[];

#endif

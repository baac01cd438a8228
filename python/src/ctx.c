/* The context of each thread, errors as exceptions, and evaluation: without the GIL, which is taken now and then to see
 * whether Ctrl-C was pressed. */
#include <pthread.h>
#include <string.h>

#include "mxp.h"

__thread mxb_ctx *mxp_thread_ctx __attribute__((tls_model("initial-exec")));
static pthread_key_t key; /* frees a context with its thread */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool has_key;

/* Asked by mica while this thread evaluates or waits, mostly without the GIL. Signal handlers may do anything, evaluate
 * included. */
static bool interrupted(void *unused) {
  (void)unused;
  PyGILState_STATE state = PyGILState_Ensure();
  bool is_interrupted = PyErr_CheckSignals();
  PyGILState_Release(state);
  return is_interrupted;
}

static void free_ctx(void *ctx) { mxb_ctx_free(ctx); }
static void make_key(void) { has_key = !pthread_key_create(&key, free_ctx); }

mxb_ctx *mxp_ctx_slow(void) {
  pthread_once(&key_once, make_key);
  mxb_ctx *ctx = has_key ? mxb_ctx_new() : NULL;
  if (ctx && pthread_setspecific(key, ctx)) {
    mxb_ctx_free(ctx);
    ctx = NULL;
  }
  if (!ctx)
    PyErr_NoMemory();
  else
    mxb_interrupted_by(ctx, interrupted, NULL);
  return mxp_thread_ctx = ctx;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */
static PyObject *exception_of(mx_status code) {
  switch (code) {
  case MX_ERR_INDEX: return PyExc_IndexError;
  case MX_ERR_TYPE: return PyExc_TypeError;
  case MX_ERR_MEMORY: return PyExc_MemoryError;
  case MX_ERR_IO: return PyExc_OSError;
  case MX_ERR_UNSUPPORTED: return PyExc_NotImplementedError;
  case MX_ERR_DEVICE:
  case MX_ERR_STATE: return PyExc_RuntimeError;
  case MX_ERR_INTERRUPTED: return PyExc_KeyboardInterrupt;
  default: return PyExc_ValueError;
  }
}

/* Who expects MLX catches IndexError, who expects NumPy or reads "wrong value" ValueError: it is both. */
static PyObject *axis_error;

bool mxp_add_errors(PyObject *m) {
  PyObject *bases = PyTuple_Pack(2, PyExc_ValueError, PyExc_IndexError);
  if (bases)
    axis_error = PyErr_NewExceptionWithDoc("mlx.core.AxisError", "An axis is out of range: a ValueError and an IndexError.\n\n"
                                           ">>> mx.sum(mx.ones((2, 2)), axis=2)\nTraceback (most recent call last):\n"
                                           "mlx.core.AxisError: [sum] axis 2 is out of range for an array with 2 axes", bases, NULL);
  Py_XDECREF(bases);
  return axis_error && !PyModule_AddObjectRef(m, "AxisError", axis_error);
}

static PyObject *pending(mxb_ctx *ctx) { return mxb_error_is_axis(ctx) ? axis_error : exception_of(mxb_error_code(ctx)); }

PyObject *mxp_raise(mxb_ctx *ctx) {
  if (!PyErr_Occurred()) PyErr_SetString(pending(ctx), mxb_error_message(ctx));
  mxb_error_clear(ctx);
  return NULL;
}

PyObject *mxp_raise_as(mxb_ctx *ctx, const char *who) {
  const char *message = mxb_error_message(ctx), *end = *message == '[' ? strchr(message, ']') : NULL;
  if (end && !PyErr_Occurred()) PyErr_Format(pending(ctx), "[%s]%s", who, end + 1);
  return mxp_raise(ctx);
}

/* ---- Evaluation -------------------------------------------------------------------------------------------------- */
bool mxp_evaluate(mxb_ctx *ctx, const mx_array *arrays, size_t count) {
  bool is_done = true;
  for (size_t i = 0; i < count && is_done; i++) is_done = mx_is_evaluated(arrays[i]);
  if (is_done) return true;
  mx_status status;
  Py_BEGIN_ALLOW_THREADS
  status = mxb_eval(ctx, arrays, count);
  Py_END_ALLOW_THREADS
  return !status || mxp_raise(ctx);
}

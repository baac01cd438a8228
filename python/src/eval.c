/* Functions of the module that act: evaluation, the seed, threads and memory. */
#include "mxp.h"

/* ---- Evaluation of trees ----------------------------------------------------------------------------------------- */
static PyObject *core_eval(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  mxb_ctx *ctx = mxp_ctx();
  struct mxp_leaves leaves = {0};
  bool is_done = ctx != NULL;
  for (Py_ssize_t i = 0; i < n && is_done; i++) is_done = mxp_tree_flatten_loose(args[i], &leaves);
  is_done = is_done && mxp_evaluate(ctx, leaves.at, leaves.count);
  mxp_leaves_free(&leaves);
  return is_done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *core_async_eval(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  mxb_ctx *ctx = mxp_ctx();
  struct mxp_leaves leaves = {0};
  bool is_done = ctx != NULL;
  for (Py_ssize_t i = 0; i < n && is_done; i++) is_done = mxp_tree_flatten_loose(args[i], &leaves);
  if (is_done && mxb_async_eval(ctx, leaves.at, leaves.count)) is_done = mxp_raise(ctx) != NULL;
  mxp_leaves_free(&leaves);
  return is_done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *core_synchronize(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  mx_status status;
  Py_BEGIN_ALLOW_THREADS
  status = mxb_synchronize(ctx);
  Py_END_ALLOW_THREADS
  return status ? mxp_raise(ctx) : Py_NewRef(Py_None);
}

/* ---- The machine ------------------------------------------------------------------------------------------------- */
static PyObject *core_set_num_threads(PyObject *module, PyObject *o) {
  (void)module;
  long n = PyLong_Check(o) ? PyLong_AsLong(o) : -1;
  if (n < 1 || n > 1 << 16) {
    PyErr_Clear();
    return PyErr_Format(PyExc_ValueError, "[set_num_threads] expects a number of threads, at least 1, not %R", o);
  }
  mx_set_num_threads((int)n);
  Py_RETURN_NONE;
}

static PyObject *core_num_threads(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  return PyLong_FromLong(mx_num_threads());
}

static PyObject *core_clear_cache(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  mx_memory_clear_cache();
  Py_RETURN_NONE;
}

static PyObject *core_get_active_memory(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  return PyLong_FromSize_t(mx_memory_info().active);
}

static PyObject *core_get_peak_memory(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  return PyLong_FromSize_t(mx_memory_info().peak);
}

static PyObject *core_get_cache_memory(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  return PyLong_FromSize_t(mx_memory_info().cached);
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_eval_functions[] = {
    {"eval", FUNCTION(core_eval), METH_FASTCALL,
     "eval($module, /, *args)\n--\n\nComputes the arrays, and those in lists, tuples and dicts. Other objects are left alone."},
    {"async_eval", FUNCTION(core_async_eval), METH_FASTCALL,
     "async_eval($module, /, *args)\n--\n\nStarts to compute the arrays; an error shows where one is read, and in synchronize."},
    {"synchronize", core_synchronize, METH_NOARGS, "synchronize($module, /)\n--\n\nWaits for what async_eval has started."},
    {"set_num_threads", core_set_num_threads, METH_O, "set_num_threads($module, n, /)\n--\n\nThreads that share one evaluation."},
    {"num_threads", core_num_threads, METH_NOARGS, "num_threads($module, /)\n--\n\nThreads that share one evaluation."},
    {"clear_cache", core_clear_cache, METH_NOARGS, "clear_cache($module, /)\n--\n\nReturns memory that is kept for later to the system."},
    {"get_active_memory", core_get_active_memory, METH_NOARGS, "get_active_memory($module, /)\n--\n\nBytes that arrays use."},
    {"get_peak_memory", core_get_peak_memory, METH_NOARGS, "get_peak_memory($module, /)\n--\n\nThe most bytes that arrays have used."},
    {"get_cache_memory", core_get_cache_memory, METH_NOARGS, "get_cache_memory($module, /)\n--\n\nBytes that are kept for later."},
    {NULL, NULL, 0, NULL}};

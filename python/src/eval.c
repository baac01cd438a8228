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
  if (is_done) {
    mx_status status;
    Py_BEGIN_ALLOW_THREADS
    status = mxb_async_eval(ctx, leaves.at, leaves.count);
    Py_END_ALLOW_THREADS
    is_done = !status || mxp_raise(ctx);
  }
  mxp_leaves_free(&leaves);
  return is_done ? Py_NewRef(Py_None) : NULL;
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
     "eval($module, /, *args)\n--\n\n"
     "Computes the arrays, and those in lists, tuples and dicts. Other objects are left alone.\n"
     "error: what the operations raise when they run, such as IndexError for an index that is out of range.\n"
     "\n>>> a = mx.arange(3) * 2\n"
     ">>> mx.eval(a, {\"more\": [a + 1]})"},
    {"async_eval", FUNCTION(core_async_eval), METH_FASTCALL,
     "async_eval($module, /, *args)\n--\n\n"
     "Starts to compute the arrays, and those in lists, tuples and dicts, and returns at once.\n"
     "error: shows where one of the arrays is read, and in synchronize.\n"
     "\n>>> a = mx.arange(3) * 2\n"
     ">>> mx.async_eval(a)\n"
     ">>> a.tolist()\n"
     "[0, 2, 4]"},
    {"set_num_threads", core_set_num_threads, METH_O,
     "set_num_threads($module, n, /)\n--\n\n"
     "Sets how many threads share one evaluation; results do not depend on it.\n"
     "\n>>> before = mx.num_threads()\n"
     ">>> mx.set_num_threads(1)\n"
     ">>> mx.num_threads()\n"
     "1\n"
     ">>> mx.set_num_threads(before)"},
    {"num_threads", core_num_threads, METH_NOARGS,
     "num_threads($module, /)\n--\n\n"
     "How many threads share one evaluation: as many as there are cores, MICA_THREADS in the environment, or what\n"
     "set_num_threads has set.\n"
     "\n>>> mx.num_threads() >= 1\n"
     "True"},
    {"clear_cache", core_clear_cache, METH_NOARGS,
     "clear_cache($module, /)\n--\n\n"
     "Returns memory that is kept for later to the system.\n"
     "\n>>> mx.clear_cache()"},
    {"get_active_memory", core_get_active_memory, METH_NOARGS,
     "get_active_memory($module, /)\n--\n\n"
     "Bytes that arrays use.\n"
     "\n>>> a = mx.zeros(1000)\n"
     ">>> mx.eval(a)\n"
     ">>> mx.get_active_memory() >= a.nbytes\n"
     "True"},
    {"get_peak_memory", core_get_peak_memory, METH_NOARGS,
     "get_peak_memory($module, /)\n--\n\n"
     "The most bytes that arrays have used.\n"
     "\n>>> mx.get_peak_memory() >= mx.get_active_memory()\n"
     "True"},
    {"get_cache_memory", core_get_cache_memory, METH_NOARGS,
     "get_cache_memory($module, /)\n--\n\n"
     "Bytes that are kept for later.\n"
     "\n>>> mx.get_cache_memory() >= 0\n"
     "True"},
    {NULL, NULL, 0, NULL}};

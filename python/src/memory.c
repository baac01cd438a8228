/* Memory: limits, counters, what arrays take; and the modules metal and cuda, by which programs find out that neither is
 * here. */
#include <stdlib.h>
#include <unistd.h>

#include "mxp.h"

uint64_t mxp_total_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* A number of bytes, positional or by name; false with an exception. */
static bool read_limit(PyObject *args, PyObject *keywords, const char *format, size_t *out) {
  static char *names[] = {"limit", NULL};
  PyObject *o;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, format, names, &o)) return false;
  *out = PyLong_Check(o) ? PyLong_AsSize_t(o) : 0;
  if (PyLong_Check(o) && !PyErr_Occurred()) return true;
  PyErr_Clear();
  PyErr_Format(PyLong_Check(o) ? PyExc_ValueError : PyExc_TypeError, "[%s] limit must be a number of bytes, not %R", format + 2, o);
  return false;
}

/* Where none was set, what the machine has. */
static size_t memory_limit(void) {
  size_t limit = mx_memory_info().limit;
  return limit ? limit : (size_t)mxp_total_memory();
}

static PyObject *core_get_memory_limit(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  return PyLong_FromSize_t(memory_limit());
}

static PyObject *core_set_memory_limit(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  size_t limit, before = memory_limit();
  if (!read_limit(args, keywords, "O:set_memory_limit", &limit)) return NULL;
  mx_memory_limit(limit);
  return PyLong_FromSize_t(before);
}

static PyObject *core_set_cache_limit(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  size_t limit;
  if (!read_limit(args, keywords, "O:set_cache_limit", &limit)) return NULL;
  return PyLong_FromSize_t(mx_memory_cache_limit(limit));
}

static PyObject *core_set_wired_limit(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  size_t limit;
  return read_limit(args, keywords, "O:set_wired_limit", &limit) ? PyLong_FromLong(0) : NULL;
}

static PyObject *core_reset_peak_memory(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  mx_memory_reset_peak();
  Py_RETURN_NONE;
}

static int by_address(const void *a, const void *b) {
  const void *x = *(const void *const *)a, *y = *(const void *const *)b;
  return (x > y) - (x < y);
}

/* Sorted by the address of their block, arrays that share one lie side by side. */
static PyObject *block_sizes(const struct mxp_leaves *leaves) {
  struct block {
    const void *at;
    size_t nbytes;
  } *blocks = PyMem_Malloc((leaves->count + 1) * sizeof *blocks);
  if (!blocks) return PyErr_NoMemory();
  size_t total = 0;
  for (size_t i = 0; i < leaves->count; i++) blocks[i].at = mxb_block(leaves->at[i], &blocks[i].nbytes);
  qsort(blocks, leaves->count, sizeof *blocks, by_address);
  for (size_t i = 0; i < leaves->count; i++)
    if (!i || blocks[i].at != blocks[i - 1].at) total += blocks[i].nbytes;
  PyMem_Free(blocks);
  return PyLong_FromSize_t(total);
}

static PyObject *core_get_array_buffer_size(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  struct mxp_leaves leaves = {0};
  bool is_flat = true;
  for (Py_ssize_t i = 0; i < n && is_flat; i++) is_flat = mxp_tree_flatten_loose(args[i], &leaves);
  for (size_t i = 0; i < leaves.count && is_flat; i++)
    if (!(is_flat = mx_is_evaluated(leaves.at[i])))
      PyErr_SetString(PyExc_ValueError, "[get_array_buffer_size] an array is not evaluated, and has no memory yet: use mx.eval first");
  PyObject *total = is_flat ? block_sizes(&leaves) : NULL;
  mxp_leaves_free(&leaves);
  return total;
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_memory_functions[] = {
    {"get_memory_limit", core_get_memory_limit, METH_NOARGS,
     "get_memory_limit($module, /)\n--\n\n"
     "Bytes that arrays may use; the machine's memory where no limit was set.\n"
     "\n>>> mx.get_memory_limit() > 0\n"
     "True"},
    {"set_memory_limit", FUNCTION(core_set_memory_limit), METH_VARARGS | METH_KEYWORDS,
     "set_memory_limit($module, /, limit)\n--\n\n"
     "Arrays may use so many bytes: what needs more raises MemoryError. 0 lifts the limit. Returns the limit before.\n"
     "\n>>> before = mx.set_memory_limit(1 << 30)\n"
     ">>> mx.get_memory_limit()\n"
     "1073741824\n"
     ">>> before = mx.set_memory_limit(0)"},
    {"set_cache_limit", FUNCTION(core_set_cache_limit), METH_VARARGS | METH_KEYWORDS,
     "set_cache_limit($module, /, limit)\n--\n\n"
     "At most so many bytes are kept for later arrays. Returns the limit before.\n"
     "\n>>> before = mx.set_cache_limit(0)\n"
     ">>> mx.set_cache_limit(before)\n"
     "0"},
    {"set_wired_limit", FUNCTION(core_set_wired_limit), METH_VARARGS | METH_KEYWORDS,
     "set_wired_limit($module, /, limit)\n--\n\n"
     "Returns 0: only on a Mac can memory be wired.\n"
     "\n>>> mx.set_wired_limit(1000)\n"
     "0"},
    {"reset_peak_memory", core_reset_peak_memory, METH_NOARGS,
     "reset_peak_memory($module, /)\n--\n\n"
     "get_peak_memory starts again from 0.\n"
     "\n>>> mx.reset_peak_memory()\n"
     ">>> mx.get_peak_memory()\n"
     "0"},
    {"get_array_buffer_size", FUNCTION(core_get_array_buffer_size), METH_FASTCALL,
     "get_array_buffer_size($module, /, *args)\n--\n\n"
     "Bytes of the memory blocks under arrays and trees of arrays; a block that several share counts once. A number made of\n"
     "Python's has none.\n"
     "error: ValueError if an array is not evaluated.\n"
     "\n>>> a = mx.arange(16) + 1\n"
     ">>> mx.eval(a)\n"
     ">>> mx.get_array_buffer_size(a, [a])\n"
     "64"},
    {NULL, NULL, 0, NULL}};

/* ---- mlx.core.metal, mlx.core.cuda ------------------------------------------------------------------------------------ */
static PyObject *is_unavailable(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  Py_RETURN_FALSE;
}

static PyObject *do_nothing(PyObject *module, PyObject *args) {
  (void)module, (void)args;
  Py_RETURN_NONE;
}

static PyObject *metal_device_info(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  return PyDict_New();
}

/* The names that have moved to mlx.core. */
static PyObject *forward(const char *name, PyObject *args) {
  if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "mx.metal.%s is deprecated: use mx.%s", name, name)) return NULL;
  PyObject *core = PyImport_ImportModule("mlx.core"), *function = core ? PyObject_GetAttrString(core, name) : NULL;
  PyObject *result = function ? PyObject_CallObject(function, args) : NULL;
  Py_XDECREF(core);
  Py_XDECREF(function);
  return result;
}

#define FORWARD(name)                                             \
  static PyObject *metal_##name(PyObject *module, PyObject *args) { \
    (void)module;                                                 \
    return forward(#name, args);                                  \
  }
FORWARD(clear_cache)
FORWARD(get_active_memory)
FORWARD(get_cache_memory)
FORWARD(get_peak_memory)
FORWARD(reset_peak_memory)
FORWARD(set_cache_limit)
FORWARD(set_memory_limit)
FORWARD(set_wired_limit)

#define MOVED(name, parameters) \
  { #name, metal_##name, METH_VARARGS, #name "($module, " parameters "/)\n--\n\nDeprecated: use mx." #name "." }
static PyMethodDef metal_functions[] = {
    {"is_available", is_unavailable, METH_NOARGS, "is_available($module, /)\n--\n\nFalse: Metal is not here."},
    {"device_info", metal_device_info, METH_NOARGS, "device_info($module, /)\n--\n\nAn empty dict: Metal is not here."},
    {"start_capture", do_nothing, METH_VARARGS, "start_capture($module, path, /)\n--\n\nDoes nothing: Metal is not here."},
    {"stop_capture", do_nothing, METH_VARARGS, "stop_capture($module, /)\n--\n\nDoes nothing: Metal is not here."},
    MOVED(clear_cache, ""), MOVED(get_active_memory, ""), MOVED(get_cache_memory, ""), MOVED(get_peak_memory, ""),
    MOVED(reset_peak_memory, ""), MOVED(set_cache_limit, "limit, "), MOVED(set_memory_limit, "limit, "), MOVED(set_wired_limit, "limit, "),
    {NULL, NULL, 0, NULL}};
static PyMethodDef cuda_functions[] = {
    {"is_available", is_unavailable, METH_NOARGS, "is_available($module, /)\n--\n\nFalse: CUDA is not here."}, {NULL, NULL, 0, NULL}};

struct PyModuleDef mxp_metal = {PyModuleDef_HEAD_INIT, .m_name = "mlx.core.metal", .m_size = -1, .m_methods = metal_functions,
                                .m_doc = "What asks for Metal gets an answer."};
struct PyModuleDef mxp_cuda = {PyModuleDef_HEAD_INIT, .m_name = "mlx.core.cuda", .m_size = -1, .m_methods = cuda_functions,
                               .m_doc = "What asks for CUDA gets an answer."};

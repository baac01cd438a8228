/* save, savez, load: .npy and .npz files by path. Loading reads headers; elements are read when evaluated. */
#include <string.h>

#include "mxp.h"

/* A path with this ending, which is added where it is missing; NULL with an exception. The caller frees it. */
static char *path_of(PyObject *o, const char *ending) {
  PyObject *bytes;
  if (!PyUnicode_FSConverter(o, &bytes)) return NULL;
  size_t n = (size_t)PyBytes_GET_SIZE(bytes), extra = strlen(ending);
  bool has = n >= extra && !strcmp(PyBytes_AS_STRING(bytes) + n - extra, ending);
  char *path = PyMem_Malloc(n + extra + 1);
  if (path) {
    memcpy(path, PyBytes_AS_STRING(bytes), n + 1);
    if (!has) memcpy(path + n, ending, extra + 1);
  } else {
    PyErr_NoMemory();
  }
  Py_DECREF(bytes);
  return path;
}

static PyObject *core_save(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"file", "arr", NULL};
  PyObject *file, *array;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "OO!:save", names, &file, &mxp_array_type, &array)) return NULL;
  char *path = path_of(file, ".npy");
  mx_array node = path ? mxp_evaluated(ctx, array) : NULL;
  bool is_saved = node && (!mxb_save(ctx, path, node) || mxp_raise(ctx));
  mxb_release(node);
  PyMem_Free(path);
  return is_saved ? Py_NewRef(Py_None) : NULL;
}

/* Positional arrays are called arr_0, arr_1, ... */
static PyObject *named(PyObject *args, PyObject *keywords) {
  PyObject *dict = keywords ? PyDict_Copy(keywords) : PyDict_New();
  for (Py_ssize_t i = 1; dict && i < PyTuple_GET_SIZE(args); i++) {
    PyObject *name = PyUnicode_FromFormat("arr_%zd", i - 1);
    if (name && PyDict_Contains(dict, name)) PyErr_Format(PyExc_ValueError, "[savez] the name %U is given twice", name);
    if (!name || PyErr_Occurred() || PyDict_SetItem(dict, name, PyTuple_GET_ITEM(args, i))) Py_CLEAR(dict);
    Py_XDECREF(name);
  }
  return dict;
}

static bool save_dict(mxb_ctx *ctx, const char *path, PyObject *dict) {
  size_t room = (size_t)PyDict_GET_SIZE(dict), n = 0;
  const char **names = PyMem_Calloc(room + 1, sizeof *names);
  struct mxp_leaves leaves = {0};
  PyObject *key, *value;
  bool is_good = names || PyErr_NoMemory();
  for (Py_ssize_t at = 0; is_good && PyDict_Next(dict, &at, &key, &value); n++) {
    is_good = MXP_IS_ARRAY(value) || PyErr_Format(PyExc_TypeError, "[savez] %R must be an array, not %.200s", key, Py_TYPE(value)->tp_name);
    is_good = is_good && (names[n] = PyUnicode_AsUTF8(key)) && mxp_tree_flatten(value, &leaves, "savez");
  }
  is_good = is_good && mxp_evaluate(ctx, leaves.at, n) && (!mxb_save_named(ctx, path, names, leaves.at, n) || mxp_raise(ctx));
  mxp_leaves_free(&leaves);
  PyMem_Free(names);
  return is_good;
}

static PyObject *core_savez(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  if (!PyTuple_GET_SIZE(args)) return PyErr_Format(PyExc_TypeError, "[savez] takes a path, then arrays");
  char *path = path_of(PyTuple_GET_ITEM(args, 0), ".npz");
  PyObject *dict = path ? named(args, keywords) : NULL;
  bool is_saved = dict && save_dict(ctx, path, dict);
  Py_XDECREF(dict);
  PyMem_Free(path);
  return is_saved ? Py_NewRef(Py_None) : NULL;
}

struct members {
  mxb_ctx *ctx;
  PyObject *dict;
};

static mx_status add_member(const char *name, mx_array array, void *user) {
  struct members *m = user;
  PyObject *o = mxp_wrap(m->ctx, array), *key = o ? PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "surrogateescape") : NULL;
  bool is_added = key && !PyDict_SetItem(m->dict, key, o);
  Py_XDECREF(key);
  Py_XDECREF(o);
  return is_added ? MX_OK : MX_ERR_STATE;
}

static PyObject *core_load(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"file", NULL};
  PyObject *file, *result = NULL;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "O:load", names, &file)) return NULL;
  char *path = path_of(file, "");
  if (!path) return NULL;
  const char *dot = strrchr(path, '.');
  if (dot && !strcmp(dot, ".npy")) {
    result = mxp_wrap(ctx, mxb_load(ctx, path));
  } else if (dot && !strcmp(dot, ".npz")) {
    struct members m = {ctx, PyDict_New()};
    if (m.dict && mxb_load_each(ctx, path, add_member, &m)) {
      mxp_raise(ctx);
      Py_CLEAR(m.dict);
    }
    result = m.dict;
  } else {
    PyErr_Format(PyExc_ValueError, "[load] the name of a file must end in .npy or .npz, not %R", file);
  }
  PyMem_Free(path);
  return result;
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_file_functions[] = {
    {"save", FUNCTION(core_save), METH_VARARGS | METH_KEYWORDS,
     "save($module, /, file, arr)\n--\n\n"
     "Writes an array as .npy, whole or not at all. `file` is a path; .npy is added where it is missing.\n"
     "error: OSError if the file cannot be written.\n"
     "\n>>> mx.save(\"a.npy\", mx.arange(3))\n"
     ">>> mx.load(\"a.npy\")\n"
     "array([0, 1, 2], dtype=int32)"},
    {"savez", FUNCTION(core_savez), METH_VARARGS | METH_KEYWORDS,
     "savez($module, file, /, *args, **kwargs)\n--\n\n"
     "Writes arrays as .npz, under their keywords or arr_0, arr_1, ... `file` is a path; .npz is added where it is missing.\n"
     "error: OSError if the file cannot be written.\n"
     "\n>>> mx.savez(\"a.npz\", mx.arange(3), weight=mx.ones((2, 2)))\n"
     ">>> sorted(mx.load(\"a.npz\"))\n"
     "['arr_0', 'weight']"},
    {"load", FUNCTION(core_load), METH_VARARGS | METH_KEYWORDS,
     "load($module, /, file)\n--\n\n"
     "The array of a .npy file, or the arrays of an .npz file by name. The elements are read when evaluated.\n"
     "error: OSError if the file cannot be read or is damaged, ValueError if it holds something else than numbers.\n"
     "\n>>> mx.savez(\"a.npz\", weight=mx.ones((2, 2)))\n"
     ">>> mx.load(\"a.npz\")[\"weight\"].shape\n"
     "(2, 2)"},
    {NULL, NULL, 0, NULL}};

/* save, savez, savez_compressed, load: .npy and .npz files, by path or through a file object. Loading by path reads headers,
 * and elements when they are evaluated; a file object is read at once, since it belongs to the caller. */
#include <string.h>

#include "foreign.h"

#define PIECE ((size_t)1 << 20) /* bytes given to a file object at once */

static bool is_path(PyObject *o) { return PyUnicode_Check(o) || PyBytes_Check(o) || mxp_has(o, MXP_NAME___fspath__); }

/* The bytes of a path, new; NULL with an exception. Python's does not say whose argument it was. */
static PyObject *path_bytes(PyObject *o, const char *who) {
  PyObject *bytes;
  if (PyUnicode_FSConverter(o, &bytes)) return bytes;
  if (PyErr_ExceptionMatches(PyExc_ValueError)) PyErr_Format(PyExc_ValueError, "[%s] %R cannot be a path", who, o);
  return NULL;
}

/* A path with this ending, which is added where it is missing; NULL with an exception. The caller frees it. */
static char *path_of(PyObject *o, const char *who, const char *ending) {
  PyObject *bytes = path_bytes(o, who);
  if (!bytes) return NULL;
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

/* ---- File objects ------------------------------------------------------------------------------------------------ */
struct file {
  PyObject *object;
  long long start, at; /* where the data begin; where the object stands */
};

static bool has_method(PyObject *o, const char *who, enum mxp_name name) {
  if (PyObject_HasAttr(o, mxp_names[name])) return true;
  PyErr_Format(PyExc_TypeError, "[%s] file must be a path or a binary file object with %U, not %.200s", who, mxp_names[name], Py_TYPE(o)->tp_name);
  return false;
}

/* How much of a piece the object took; -1 with an exception. None means all of it. */
static Py_ssize_t write_piece(PyObject *object, const char *data, size_t nbytes) {
  PyObject *written = mxp_call(object, MXP_NAME_write, Py_BuildValue("(y#)", data, (Py_ssize_t)nbytes));
  Py_ssize_t n = !written ? -1 : written == Py_None ? (Py_ssize_t)nbytes : PyLong_AsSsize_t(written);
  if (written && !PyErr_Occurred() && (n < 1 || n > (Py_ssize_t)nbytes))
    PyErr_Format(PyExc_OSError, "[save] write was given %zu bytes and returned %R", nbytes, written);
  Py_XDECREF(written);
  return PyErr_Occurred() ? -1 : n;
}

static mx_status write_all(void *user, const void *data, size_t nbytes) {
  const char *p = data;
  while (nbytes) {
    Py_ssize_t n = write_piece(((struct file *)user)->object, p, nbytes < PIECE ? nbytes : PIECE);
    if (n < 0) return MX_ERR_IO;
    p += n;
    nbytes -= (size_t)n;
  }
  return MX_OK;
}

static long long tell(PyObject *object) {
  PyObject *at = mxp_call(object, MXP_NAME_tell, PyTuple_New(0));
  long long v = at ? PyLong_AsLongLong(at) : -1;
  Py_XDECREF(at);
  if (v < 0 && !PyErr_Occurred()) PyErr_SetString(PyExc_OSError, "[load] tell returned a negative number");
  return v;
}

static bool seek(PyObject *object, long long offset, int whence) {
  PyObject *result = mxp_call(object, MXP_NAME_seek, Py_BuildValue("(Li)", offset, whence));
  Py_XDECREF(result);
  return result != NULL;
}

/* Copies what one read returned; how much that was, or -1 with an exception. */
static Py_ssize_t read_piece(PyObject *object, char *out, size_t nbytes) {
  PyObject *bytes = mxp_call(object, MXP_NAME_read, Py_BuildValue("(n)", (Py_ssize_t)nbytes));
  Py_ssize_t n = bytes && PyBytes_Check(bytes) ? PyBytes_GET_SIZE(bytes) : -1;
  if (bytes && n < 0)
    PyErr_Format(PyExc_TypeError, "[load] read must return bytes, not %.200s: open the file in binary mode", Py_TYPE(bytes)->tp_name);
  else if (n > 0 && (size_t)n <= nbytes)
    memcpy(out, PyBytes_AS_STRING(bytes), (size_t)n);
  else if (bytes)
    PyErr_Format(PyExc_OSError, "[load] read was asked for %zu bytes and returned %zd", nbytes, n);
  Py_XDECREF(bytes);
  return PyErr_Occurred() ? -1 : n;
}

static mx_status read_all(void *user, uint64_t offset, void *out, size_t nbytes) {
  struct file *f = user;
  long long at = f->start + (long long)offset;
  if (f->at != at && !seek(f->object, at, 0)) return MX_ERR_IO;
  f->at = at;
  for (char *p = out; nbytes;) {
    Py_ssize_t n = read_piece(f->object, p, nbytes < PIECE ? nbytes : PIECE);
    if (n < 0) return MX_ERR_IO;
    p += n;
    f->at += n;
    nbytes -= (size_t)n;
  }
  return MX_OK;
}

/* The source that goes from where the object stands to its end. */
static bool open_source(struct file *f, mxb_source *source) {
  PyObject *o = f->object;
  if (!has_method(o, "load", MXP_NAME_read) || !has_method(o, "load", MXP_NAME_seek) || !has_method(o, "load", MXP_NAME_tell)) return false;
  if ((f->start = tell(o)) < 0 || !seek(o, 0, 2) || (f->at = tell(o)) < 0) return false;
  *source = (mxb_source){read_all, f->at > f->start ? (uint64_t)(f->at - f->start) : 0, f};
  return true;
}

/* ---- save -------------------------------------------------------------------------------------------------------- */
static bool save_to(mxb_ctx *ctx, PyObject *file, mx_array node) {
  struct file f = {file, 0, 0};
  if (!is_path(file)) return has_method(file, "save", MXP_NAME_write) && (!mxb_save_to(ctx, &(mxb_sink){write_all, &f}, node) || mxp_raise(ctx));
  char *path = path_of(file, "save", ".npy");
  if (!path) return false;
  mx_status status;
  Py_BEGIN_ALLOW_THREADS
  status = mxb_save(ctx, path, node);
  Py_END_ALLOW_THREADS
  PyMem_Free(path);
  return !status || mxp_raise(ctx);
}

static PyObject *core_save(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"file", "arr", NULL};
  PyObject *file, *array;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "OO!:save", names, &file, &mxp_array_type, &array)) return NULL;
  mx_array node = mxp_evaluated(ctx, array);
  bool is_saved = node && save_to(ctx, file, node);
  mxb_release(node);
  return is_saved ? Py_NewRef(Py_None) : NULL;
}

/* ---- savez ------------------------------------------------------------------------------------------------------- */
/* What is saved, and where: `file` is borrowed from the arguments, the rest is owned. */
struct archive {
  PyObject *file, *dict; /* arrays by name */
  struct mxp_leaves leaves;
  const char **names; /* into the dict's keys */
};

/* Positional arrays are called arr_0, arr_1, ... The file may be given by its keyword. */
static bool read_arguments(struct archive *z, PyObject *args, PyObject *keywords) {
  z->dict = keywords ? PyDict_Copy(keywords) : PyDict_New();
  if (!z->dict) return false;
  PyObject *named = PyDict_GetItemString(z->dict, "file");
  bool has_file = PyTuple_GET_SIZE(args) > 0;
  if (has_file == (named != NULL)) {
    PyErr_SetString(PyExc_TypeError, "[savez] takes one file, then arrays");
    return false;
  }
  z->file = has_file ? PyTuple_GET_ITEM(args, 0) : PyDict_GetItemString(keywords, "file");
  if (named && PyDict_DelItemString(z->dict, "file")) return false;
  for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(args); i++) {
    PyObject *name = PyUnicode_FromFormat("arr_%zd", i - 1);
    if (name && PyDict_Contains(z->dict, name)) PyErr_Format(PyExc_ValueError, "[savez] the name %U is given twice", name);
    bool is_set = name && !PyErr_Occurred() && !PyDict_SetItem(z->dict, name, PyTuple_GET_ITEM(args, i));
    Py_XDECREF(name);
    if (!is_set) return false;
  }
  return true;
}

static bool read_arrays(struct archive *z) {
  z->names = PyMem_Calloc((size_t)PyDict_GET_SIZE(z->dict) + 1, sizeof *z->names);
  if (!z->names) return PyErr_NoMemory(), false;
  PyObject *key, *value;
  size_t n = 0;
  for (Py_ssize_t at = 0; PyDict_Next(z->dict, &at, &key, &value); n++) {
    if (!MXP_IS_ARRAY(value)) {
      PyErr_Format(PyExc_TypeError, "[savez] %R must be an array, not %.200s", key, Py_TYPE(value)->tp_name);
      return false;
    }
    if (!(z->names[n] = PyUnicode_AsUTF8(key)) || !mxp_tree_flatten(value, &z->leaves, "savez")) return false;
  }
  return true;
}

static bool write_archive(mxb_ctx *ctx, struct archive *z, bool deflates) {
  struct file f = {z->file, 0, 0};
  const mx_array *arrays = z->leaves.at;
  size_t n = z->leaves.count;
  if (!is_path(z->file))
    return has_method(z->file, "savez", MXP_NAME_write) &&
           (!mxb_save_named_to(ctx, &(mxb_sink){write_all, &f}, z->names, arrays, n, deflates) || mxp_raise(ctx));
  char *path = path_of(z->file, "savez", ".npz");
  if (!path) return false;
  mx_status status;
  Py_BEGIN_ALLOW_THREADS
  status = deflates ? mxb_save_named_deflated(ctx, path, z->names, arrays, n) : mxb_save_named(ctx, path, z->names, arrays, n);
  Py_END_ALLOW_THREADS
  PyMem_Free(path);
  return !status || mxp_raise(ctx);
}

static PyObject *savez(PyObject *args, PyObject *keywords, bool deflates) {
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  struct archive z = {0};
  bool is_saved = read_arguments(&z, args, keywords) && read_arrays(&z) && mxp_evaluate(ctx, z.leaves.at, z.leaves.count) &&
                  write_archive(ctx, &z, deflates);
  mxp_leaves_free(&z.leaves);
  PyMem_Free(z.names);
  Py_XDECREF(z.dict);
  return is_saved ? Py_NewRef(Py_None) : NULL;
}

static PyObject *core_savez(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  return savez(args, keywords, false);
}

static PyObject *core_savez_compressed(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  return savez(args, keywords, true);
}

/* ---- load -------------------------------------------------------------------------------------------------------- */
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

/* A path's name, or what a file object says is its own; new, NULL with an exception. */
static PyObject *name_of(PyObject *file) {
  if (is_path(file)) return PyOS_FSPath(file);
  PyObject *name = mxp_get(file, MXP_NAME_name);
  if (name && (PyUnicode_Check(name) || PyBytes_Check(name))) return name;
  Py_XDECREF(name);
  PyErr_Clear();
  PyErr_SetString(PyExc_ValueError, "[load] a file object without a name needs format='npy' or format='npz'");
  return NULL;
}

/* What follows the last dot of the name, new; NULL with an exception. */
static PyObject *format_of_name(PyObject *file) {
  PyObject *name = name_of(file), *bytes = name ? path_bytes(name, "load") : NULL, *format = NULL;
  if (bytes) {
    const char *dot = strrchr(PyBytes_AS_STRING(bytes), '.');
    if (dot && !strchr(dot, '/'))
      format = PyUnicode_DecodeFSDefault(dot + 1);
    else
      PyErr_Format(PyExc_ValueError, "[load] the name %R has no ending that tells the format: use format='npy' or format='npz'", name);
  }
  Py_XDECREF(name);
  Py_XDECREF(bytes);
  return format;
}

/* True for npz; -1 with an exception. */
static int read_format(PyObject *file, PyObject *format) {
  if (format != Py_None && !PyUnicode_Check(format)) {
    PyErr_Format(PyExc_TypeError, "[load] format must be a str or None, not %.200s", Py_TYPE(format)->tp_name);
    return -1;
  }
  PyObject *name = format == Py_None ? format_of_name(file) : Py_NewRef(format);
  if (!name) return -1;
  int is_npz = !PyUnicode_CompareWithASCIIString(name, "npz");
  if (!is_npz && PyUnicode_CompareWithASCIIString(name, "npy")) {
    PyErr_Format(PyExc_ValueError, "[load] the format %R is not known: there are 'npy' and 'npz'", name);
    is_npz = -1;
  }
  Py_DECREF(name);
  return is_npz;
}

static PyObject *load_array(mxb_ctx *ctx, const char *path, const mxb_source *source) {
  return mxp_wrap(ctx, path ? mxb_load(ctx, path) : mxb_load_from(ctx, source));
}

static PyObject *load_archive(mxb_ctx *ctx, const char *path, const mxb_source *source) {
  struct members m = {ctx, PyDict_New()};
  if (m.dict && (path ? mxb_load_each(ctx, path, add_member, &m) : mxb_load_each_from(ctx, source, add_member, &m))) {
    mxp_raise(ctx);
    Py_CLEAR(m.dict);
  }
  return m.dict;
}

static PyObject *load_from(mxb_ctx *ctx, PyObject *file, bool is_npz) {
  struct file f = {file, 0, 0};
  mxb_source source;
  bool by_path = is_path(file);
  char *path = by_path ? path_of(file, "load", "") : NULL;
  PyObject *result = NULL;
  if (by_path ? path != NULL : open_source(&f, &source)) result = is_npz ? load_archive(ctx, path, &source) : load_array(ctx, path, &source);
  PyMem_Free(path);
  return result;
}

static PyObject *core_load(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"", "format", "return_metadata", "stream", NULL};
  PyObject *file, *format = Py_None, *stream = Py_None, *wants_metadata = Py_False;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "O|OO$O:load", names, &file, &format, &wants_metadata, &stream) ||
      (stream != Py_None && !mxp_check_stream(stream, "load")))
    return NULL;
  if (!is_path(file) && !PyObject_HasAttr(file, mxp_names[MXP_NAME_read]))
    return PyErr_Format(PyExc_TypeError, "[load] file must be a path or a binary file object, not %.200s", Py_TYPE(file)->tp_name);
  if (!PyBool_Check(wants_metadata))
    return PyErr_Format(PyExc_TypeError, "[load] return_metadata must be a bool, not %.200s", Py_TYPE(wants_metadata)->tp_name);
  int is_npz = read_format(file, format);
  if (is_npz < 0) return NULL;
  if (wants_metadata == Py_True) return PyErr_Format(PyExc_ValueError, "[load] .%s files have no metadata", is_npz ? "npz" : "npy");
  return load_from(ctx, file, is_npz);
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_file_functions[] = {
    {"save", FUNCTION(core_save), METH_VARARGS | METH_KEYWORDS,
     "save($module, /, file, arr)\n--\n\n"
     "Writes an array as .npy. `file` is a path, to which .npy is added where it is missing and which is written whole or not at\n"
     "all; or a binary file object, which is written to.\n"
     "error: OSError if the file cannot be written.\n"
     "\n>>> mx.save(\"a.npy\", mx.arange(3))\n"
     ">>> mx.load(\"a.npy\")\n"
     "array([0, 1, 2], dtype=int32)"},
    {"savez", FUNCTION(core_savez), METH_VARARGS | METH_KEYWORDS,
     "savez($module, file, /, *args, **kwargs)\n--\n\n"
     "Writes arrays as .npz, under their keywords or arr_0, arr_1, ... `file` is as in save, with .npz.\n"
     "error: OSError if the file cannot be written.\n"
     "\n>>> mx.savez(\"a.npz\", mx.arange(3), weight=mx.ones((2, 2)))\n"
     ">>> sorted(mx.load(\"a.npz\"))\n"
     "['arr_0', 'weight']"},
    {"savez_compressed", FUNCTION(core_savez_compressed), METH_VARARGS | METH_KEYWORDS,
     "savez_compressed($module, file, /, *args, **kwargs)\n--\n\n"
     "savez with members that are packed: a smaller file, written more slowly.\n"
     "error: OSError if the file cannot be written.\n"
     "\n>>> mx.savez_compressed(\"a.npz\", mx.zeros(1000))\n"
     ">>> mx.load(\"a.npz\")[\"arr_0\"].shape\n"
     "(1000,)"},
    {"load", FUNCTION(core_load), METH_VARARGS | METH_KEYWORDS,
     "load($module, file, /, format=None, return_metadata=False, *, stream=None)\n--\n\n"
     "The array of a .npy file, or the arrays of an .npz file by name. `file` is a path, whose elements are read when they are\n"
     "evaluated, or a binary file object, which is read at once from where it stands. `format` is 'npy' or 'npz'; None goes by\n"
     "the name's ending.\n"
     "error: OSError if the file cannot be read or is damaged, ValueError if it holds something else than numbers.\n"
     "\n>>> mx.savez(\"a.npz\", weight=mx.ones((2, 2)))\n"
     ">>> mx.load(\"a.npz\")[\"weight\"].shape\n"
     "(2, 2)"},
    {NULL, NULL, 0, NULL}};

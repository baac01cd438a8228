/* DLPack both ways. Exported memory goes back when the consumer's deleter says so, on any thread and without the GIL. What
 * is imported is copied, unless sharing was asked for. Start at mxp_dlpack and mxp_from_dlpack. */
#include <stdlib.h>
#include <string.h>

#include "dlpack.h"
#include "foreign.h"

#define OLD "dltensor"
#define VERSIONED "dltensor_versioned"

/* ---- Dtypes ------------------------------------------------------------------------------------------------------ */
static const struct {
  uint8_t code, bits;
} codes[] = {[MX_BOOL] = {DL_BOOL, 8},      [MX_UINT8] = {DL_UINT, 8},      [MX_UINT16] = {DL_UINT, 16},     [MX_UINT32] = {DL_UINT, 32},
             [MX_UINT64] = {DL_UINT, 64},   [MX_INT8] = {DL_INT, 8},        [MX_INT16] = {DL_INT, 16},       [MX_INT32] = {DL_INT, 32},
             [MX_INT64] = {DL_INT, 64},     [MX_FLOAT16] = {DL_FLOAT, 16},  [MX_FLOAT32] = {DL_FLOAT, 32},   [MX_FLOAT64] = {DL_FLOAT, 64},
             [MX_BFLOAT16] = {DL_BFLOAT, 16}, [MX_COMPLEX64] = {DL_COMPLEX, 64}};

static bool read_dtype(const struct dl_tensor *t, struct mxp_foreign *f) {
  f->itemsize = t->dtype.bits / 8;
  f->is_wide = t->dtype.code == DL_COMPLEX && t->dtype.bits == 128;
  int found = f->is_wide ? MX_COMPLEX64 : -1;
  for (int i = 0; i < (int)(sizeof codes / sizeof *codes) && found < 0; i++)
    if (codes[i].code == t->dtype.code && codes[i].bits == t->dtype.bits) found = i;
  f->dtype = (mx_dtype)found;
  if (found >= 0 && t->dtype.lanes == 1) return true;
  PyErr_Format(PyExc_TypeError, "[from_dlpack] a tensor of type code %d with %d bits and %d lanes has no dtype here", t->dtype.code,
               t->dtype.bits, t->dtype.lanes);
  return false;
}

/* ---- Import ------------------------------------------------------------------------------------------------------ */
static bool read_layout(const struct dl_tensor *t, struct mxp_foreign *f) {
  int64_t step = (int64_t)f->itemsize;
  bool is_empty = false, is_good = true;
  for (int i = f->ndim - 1; i >= 0 && is_good; i--) {
    f->shape[i] = t->shape[i];
    f->strides[i] = step;
    is_empty |= !t->shape[i];
    is_good = t->shape[i] >= 0 && !__builtin_mul_overflow(step, t->shape[i] ? t->shape[i] : 1, &step) &&
              !(t->strides && __builtin_mul_overflow(t->strides[i], (int64_t)f->itemsize, &f->strides[i]));
  }
  if (is_good && (t->data || is_empty)) return true;
  PyErr_SetString(PyExc_ValueError, "[from_dlpack] the tensor has no memory, a negative size, or more elements than fit in memory");
  return false;
}

static bool read_tensor(const struct dl_tensor *t, struct mxp_foreign *f) {
  *f = (struct mxp_foreign){.data = (char *)t->data + t->byte_offset, .ndim = t->ndim};
  if (t->device.type != DL_CPU) {
    PyErr_Format(PyExc_ValueError, "[from_dlpack] the tensor is on a device of type %d: only memory of the CPU (1) can be read", (int)t->device.type);
    return false;
  }
  if (t->ndim < 0 || t->ndim > MX_MAX_NDIM || (t->ndim && !t->shape)) {
    PyErr_Format(PyExc_ValueError, "[from_dlpack] a tensor of %d axes cannot be an array", (int)t->ndim);
    return false;
  }
  if (!read_dtype(t, f)) return false;
  return read_layout(t, f);
}

static void delete_old(void *p) {
  struct dl_managed *m = p;
  if (m->deleter) m->deleter(m);
}

static void delete_versioned(void *p) {
  struct dl_versioned *m = p;
  if (m->deleter) m->deleter(m);
}

static const struct dl_tensor *open_capsule(PyObject *capsule, void **managed, bool *is_versioned) {
  *is_versioned = PyCapsule_IsValid(capsule, VERSIONED);
  if (!*is_versioned && !PyCapsule_IsValid(capsule, OLD)) {
    bool is_capsule = PyCapsule_CheckExact(capsule);
    const char *name = is_capsule ? PyCapsule_GetName(capsule) : NULL;
    PyErr_Format(is_capsule ? PyExc_ValueError : PyExc_TypeError, "[from_dlpack] expects a capsule called 'dltensor' that was not used yet, not %.100s '%.100s'",
                 Py_TYPE(capsule)->tp_name, name ? name : "");
    return NULL;
  }
  *managed = PyCapsule_GetPointer(capsule, *is_versioned ? VERSIONED : OLD);
  if (!*is_versioned) return &((struct dl_managed *)*managed)->tensor;
  const struct dl_versioned *v = *managed;
  if (v->version.major == DLPACK_MAJOR) return &v->tensor;
  PyErr_Format(PyExc_BufferError, "[from_dlpack] version %u.%u of DLPack is not known", (unsigned)v->version.major, (unsigned)v->version.minor);
  return NULL;
}

/* Who copies leaves the capsule as it was, and its destructor gives the memory back. */
static mx_array from_capsule(mxb_ctx *ctx, PyObject *capsule, bool share, int dtype) {
  void *managed;
  bool is_versioned;
  struct mxp_foreign f;
  const struct dl_tensor *t = open_capsule(capsule, &managed, &is_versioned);
  if (!t || !read_tensor(t, &f)) return NULL;
  if (!share) return mxp_foreign_copy(ctx, &f);
  if (PyCapsule_SetName(capsule, is_versioned ? "used_" VERSIONED : "used_" OLD)) return NULL;
  return mxp_foreign_share(ctx, &f, dtype, is_versioned ? delete_versioned : delete_old, managed);
}

/* Asked before the producer does any work. */
static bool is_on_cpu(PyObject *o) {
  if (!mxp_has(o, MXP_NAME___dlpack_device__)) return true;
  PyObject *device = mxp_call(o, MXP_NAME___dlpack_device__, PyTuple_New(0));
  int type, id;
  bool is_read = device && PyTuple_Check(device) && PyArg_ParseTuple(device, "ii:__dlpack_device__", &type, &id);
  if (device && !is_read && !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "[from_dlpack] __dlpack_device__ must return a tuple of two ints");
  Py_XDECREF(device);
  if (is_read && type != DL_CPU)
    PyErr_Format(PyExc_ValueError, "[from_dlpack] %.200s is on a device of type %d: only memory of the CPU (1) can be read", Py_TYPE(o)->tp_name, type);
  return is_read && type == DL_CPU;
}

/* Producers from before DLPack 1.0 know no max_version. */
static PyObject *ask_for_capsule(PyObject *o) {
  PyObject *method = mxp_get(o, MXP_NAME___dlpack__), *keywords = Py_BuildValue("{s(ii)}", "max_version", DLPACK_MAJOR, DLPACK_MINOR);
  PyObject *none = PyTuple_New(0), *capsule = NULL;
  if (method && keywords && none) capsule = PyObject_Call(method, none, keywords);
  if (!capsule && method && PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Clear();
    capsule = PyObject_CallNoArgs(method);
  }
  Py_XDECREF(method);
  Py_XDECREF(keywords);
  Py_XDECREF(none);
  return capsule;
}

mx_array mxp_from_dlpack(mxb_ctx *ctx, PyObject *o, bool share, int dtype) {
  if (PyCapsule_CheckExact(o)) return from_capsule(ctx, o, share, dtype);
  if (!is_on_cpu(o)) return NULL;
  PyObject *capsule = ask_for_capsule(o);
  mx_array a = capsule ? from_capsule(ctx, capsule, share, dtype) : NULL;
  Py_XDECREF(capsule);
  return a;
}

static PyObject *core_from_dlpack(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"", "copy", NULL};
  PyObject *o, *copy_object = Py_None;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "O|$O:from_dlpack", names, &o, &copy_object)) return NULL;
  int copy = mxp_read_copy(copy_object, "from_dlpack");
  if (copy == -2) return NULL;
  if (!PyCapsule_CheckExact(o) && !mxp_has(o, MXP_NAME___dlpack__))
    return PyErr_Format(PyExc_TypeError, "[from_dlpack] expects an object with __dlpack__, not %.200s", Py_TYPE(o)->tp_name);
  mx_array a = MXP_IS_ARRAY(o) ? mxp_array_as_array(ctx, o, -1, copy) : mxp_from_dlpack(ctx, o, copy == 0, -1);
  if (a && mx_dtype_of(a) == MX_FLOAT64 && !MXP_IS_ARRAY(o)) { /* as mx.array */
    mx_array narrow = mxb_astype(ctx, a, MX_FLOAT32);
    mxb_release(a);
    return mxp_wrap(ctx, narrow);
  }
  return a ? mxp_wrap(ctx, a) : NULL;
}

/* ---- Export ------------------------------------------------------------------------------------------------------ */
struct lent {
  union {
    struct dl_managed old;
    struct dl_versioned versioned;
  } as;
  mxb_exported memory;
  int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
};

static void end(struct lent *l) {
  mxb_export_end(&l->memory);
  free(l);
}

static void end_old(struct dl_managed *m) { end(m->owner); }
static void end_versioned(struct dl_versioned *m) { end(m->owner); }

/* A consumer has renamed the capsule, and calls the deleter itself. */
static void drop_capsule(PyObject *capsule) {
  if (PyCapsule_IsValid(capsule, OLD)) delete_old(PyCapsule_GetPointer(capsule, OLD));
  if (PyCapsule_IsValid(capsule, VERSIONED)) delete_versioned(PyCapsule_GetPointer(capsule, VERSIONED));
}

static struct dl_tensor tensor_of(struct lent *l) {
  struct dl_tensor t = {.data = l->memory.data, .ndim = l->memory.ndim, .shape = l->shape, .strides = l->strides};
  t.device.type = DL_CPU;
  t.dtype.code = codes[l->memory.dtype].code;
  t.dtype.bits = codes[l->memory.dtype].bits;
  t.dtype.lanes = 1;
  memcpy(l->shape, l->memory.shape, (size_t)l->memory.ndim * sizeof *l->shape);
  return t;
}

static PyObject *make_capsule(struct lent *l, bool is_versioned, bool is_copied) {
  PyObject *capsule;
  if (is_versioned) {
    l->as.versioned = (struct dl_versioned){.owner = l, .deleter = end_versioned, .tensor = tensor_of(l)};
    l->as.versioned.version.major = DLPACK_MAJOR;
    l->as.versioned.version.minor = DLPACK_MINOR;
    l->as.versioned.flags = (l->memory.is_writable ? 0 : DL_READ_ONLY) | (is_copied ? DL_IS_COPIED : 0);
    capsule = PyCapsule_New(&l->as.versioned, VERSIONED, drop_capsule);
  } else {
    l->as.old = (struct dl_managed){.owner = l, .deleter = end_old, .tensor = tensor_of(l)};
    capsule = PyCapsule_New(&l->as.old, OLD, drop_capsule);
  }
  if (!capsule) end(l);
  return capsule;
}

static struct lent *lend(mxb_ctx *ctx, mx_array node) {
  struct lent *l = malloc(sizeof *l);
  if (!l) return PyErr_NoMemory(), NULL;
  if (!mxb_export(ctx, node, &l->memory, l->strides)) return l;
  free(l);
  mxp_raise(ctx);
  return NULL;
}

/* Tensors of old cannot say that they must not be written to: where that is so, they are copies. */
static PyObject *export(mxb_ctx *ctx, mx_array node, bool is_versioned, int copy) {
  struct lent *l = copy == 1 ? NULL : lend(ctx, node);
  if (copy != 1 && (!l || l->memory.is_writable || is_versioned)) return l ? make_capsule(l, is_versioned, false) : NULL;
  if (l) end(l);
  if (!copy) return PyErr_Format(PyExc_BufferError, "[array] memory that must not be written to needs a consumer of DLPack 1.0, or a copy");
  mx_array fresh = mxp_copied(ctx, node);
  l = fresh ? lend(ctx, fresh) : NULL;
  mxb_release(fresh);
  return l ? make_capsule(l, is_versioned, true) : NULL;
}

static bool read_pair(PyObject *o, const char *name, long *first, long *second) {
  if (PyTuple_Check(o) && PyTuple_GET_SIZE(o) == 2) {
    *first = PyLong_AsLong(PyTuple_GET_ITEM(o, 0));
    *second = PyErr_Occurred() ? 0 : PyLong_AsLong(PyTuple_GET_ITEM(o, 1));
    if (!PyErr_Occurred()) return true;
    PyErr_Clear();
  }
  PyErr_Format(PyExc_TypeError, "[array] %s must be a tuple of two ints or None, not %R", name, o);
  return false;
}

static PyObject *array_dlpack(PyObject *self, PyObject *args, PyObject *keywords) {
  static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
  PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy_object = Py_None;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOO:__dlpack__", names, &stream, &version, &device, &copy_object)) return NULL;
  long major = 0, minor = 0, type = DL_CPU, id = 0;
  int copy = mxp_read_copy(copy_object, "array");
  if (copy == -2 || (version != Py_None && !read_pair(version, "max_version", &major, &minor)) ||
      (device != Py_None && !read_pair(device, "dl_device", &type, &id)))
    return NULL;
  if (stream != Py_None && !PyLong_Check(stream))
    return PyErr_Format(PyExc_TypeError, "[array] stream must be an int or None, not %.200s", Py_TYPE(stream)->tp_name);
  if (type != DL_CPU || id) return PyErr_Format(PyExc_BufferError, "[array] there is no device (%ld, %ld) here: arrays are on (1, 0), the CPU", type, id);
  mx_array node = mxp_evaluated(ctx, self);
  PyObject *capsule = node ? export(ctx, node, major >= DLPACK_MAJOR, copy) : NULL;
  mxb_release(node);
  return capsule;
}

static PyObject *array_dlpack_device(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  return Py_BuildValue("(ii)", DL_CPU, 0);
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_dlpack_methods[] = {
    {"__dlpack__", FUNCTION(array_dlpack), METH_VARARGS | METH_KEYWORDS,
     "__dlpack__($self, /, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
     "The array's memory as a DLPack capsule, for from_dlpack of other libraries. Evaluates.\n"
     "`max_version` from (1, 0) on gives a versioned capsule. `copy`: True always copies, False never does; None copies only\n"
     "what must not be written to, where the capsule cannot say so.\n"
     "error: BufferError if `dl_device` is not (1, 0), the CPU, or copy=False cannot be kept."},
    {"__dlpack_device__", array_dlpack_device, METH_NOARGS, "__dlpack_device__($self, /)\n--\n\n(1, 0): DLPack's word for the CPU."},
    {NULL, NULL, 0, NULL}};

PyMethodDef mxp_dlpack_functions[] = {
    {"from_dlpack", FUNCTION(core_from_dlpack), METH_VARARGS | METH_KEYWORDS,
     "from_dlpack($module, x, /, *, copy=None)\n--\n\n"
     "An array of a tensor of another library, which has __dlpack__, or of its capsule. float64 becomes float32.\n"
     "`copy`: False shares the memory, with its strides; True and None copy.\n"
     "error: ValueError if the tensor is not in the CPU's memory, or cannot be shared; TypeError if its dtype is unknown.\n"
     "\n>>> import numpy\n"
     ">>> mx.from_dlpack(numpy.arange(3, dtype=numpy.float32))\n"
     "array([0, 1, 2], dtype=float32)"},
    {NULL, NULL, 0, NULL}};

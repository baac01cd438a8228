/* Devices: there is the CPU. mx.gpu exists, so that programs which ask for it get an answer. */
#include "device.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  PyObject_HEAD
  bool is_gpu;
} device_type;

typedef struct {
  PyObject_HEAD
  bool is_gpu;
  long index;
} device;

static PyTypeObject type_type, device_class;
static device_type types[2];
static PyObject *default_device; /* Device(cpu, 0), immortal */

static PyObject *type_repr(PyObject *self) {
  return PyUnicode_FromFormat("DeviceType.%s", ((device_type *)self)->is_gpu ? "gpu" : "cpu");
}

static PyObject *device_repr(PyObject *self) {
  const device *d = (device *)self;
  return PyUnicode_FromFormat("Device(%s, %ld)", d->is_gpu ? "gpu" : "cpu", d->index);
}

static PyObject *device_get_type(PyObject *self, void *unused) {
  (void)unused;
  return Py_NewRef((PyObject *)&types[((device *)self)->is_gpu]);
}

static PyObject *device_compare(PyObject *a, PyObject *b, int op) {
  if ((op != Py_EQ && op != Py_NE) || Py_TYPE(a) != &device_class) Py_RETURN_NOTIMPLEMENTED;
  const device *d = (device *)a;
  bool is_equal;
  if (Py_TYPE(b) == &device_class)
    is_equal = d->is_gpu == ((device *)b)->is_gpu && d->index == ((device *)b)->index;
  else if (Py_TYPE(b) == &type_type)
    is_equal = d->is_gpu == ((device_type *)b)->is_gpu && !d->index;
  else
    Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong(is_equal == (op == Py_EQ));
}

static Py_hash_t device_hash(PyObject *self) { return 1 + 2 * ((device *)self)->index + ((device *)self)->is_gpu; }

static PyObject *device_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  static char *names[] = {"type", "index", NULL};
  PyObject *kind;
  long index = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!|l:Device", names, &type_type, &kind, &index)) return NULL;
  device *d = PyObject_New(device, type);
  if (!d) return NULL;
  d->is_gpu = ((device_type *)kind)->is_gpu;
  d->index = index;
  return (PyObject *)d;
}

static PyObject *type_name(PyObject *self, void *unused) {
  (void)unused;
  return PyUnicode_FromString(((device_type *)self)->is_gpu ? "gpu" : "cpu");
}

static PyObject *type_value(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromLong(((device_type *)self)->is_gpu);
}

static PyGetSetDef type_getset[] = {
    {"name", type_name, NULL, "\"cpu\" or \"gpu\".", NULL}, {"value", type_value, NULL, "0 or 1.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject type_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.DeviceType",
    .tp_basicsize = sizeof(device_type),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A kind of device: mx.cpu or mx.gpu.",
    .tp_repr = type_repr,
    .tp_getset = type_getset,
};

static PyGetSetDef device_getset[] = {{"type", device_get_type, NULL, "mx.cpu or mx.gpu.", NULL}, {NULL, NULL, NULL, NULL, NULL}};
static PyTypeObject device_class = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Device",
    .tp_basicsize = sizeof(device),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Device(type, index=0)\n--\n\nA device that can run operations.",
    .tp_new = device_new,
    .tp_repr = device_repr,
    .tp_hash = device_hash,
    .tp_richcompare = device_compare,
    .tp_getset = device_getset,
};

/* 0: a device that is here; -1: one that is not; -2: something else. */
static int look_up(PyObject *o) {
  if (Py_TYPE(o) == &type_type) return -((device_type *)o)->is_gpu;
  if (Py_TYPE(o) == &device_class) return ((device *)o)->is_gpu || ((device *)o)->index ? -1 : 0;
  return -2;
}

bool mxp_check_device(PyObject *o, const char *who) {
  int found = look_up(o);
  if (found == -1) PyErr_Format(PyExc_ValueError, "[%s] there is no %R here: mx.cpu is the only device", who, o);
  if (found == -2) PyErr_Format(PyExc_TypeError, "[%s] expects a device such as mx.cpu, not %.200s", who, Py_TYPE(o)->tp_name);
  return !found;
}

PyObject *mxp_default_device(void) { return Py_NewRef(default_device); }

static PyObject *core_default_device(PyObject *module, PyObject *unused) {
  (void)module;
  (void)unused;
  return mxp_default_device();
}

static PyObject *core_set_default_device(PyObject *module, PyObject *o) {
  (void)module;
  return mxp_check_device(o, "set_default_device") ? Py_NewRef(Py_None) : NULL;
}
MXP_ONLY(core_set_default_device, "device", "set_default_device")

static PyObject *core_is_available(PyObject *module, PyObject *o) {
  (void)module;
  int found = look_up(o);
  return found == -2 && !mxp_check_device(o, "is_available") ? NULL : PyBool_FromLong(!found);
}
MXP_ONLY(core_is_available, "device", "is_available")

static PyObject *core_device_count(PyObject *module, PyObject *o) {
  (void)module;
  if (Py_TYPE(o) != &type_type) return PyErr_Format(PyExc_TypeError, "[device_count] expects mx.cpu or mx.gpu, not %.200s", Py_TYPE(o)->tp_name);
  return PyLong_FromLong(!((device_type *)o)->is_gpu);
}
MXP_ONLY(core_device_count, "device_type", "device_count")

/* The processor's name as Linux knows it, without the line's end; "" where it does not. */
static void processor_name(char *out, size_t size) {
  char line[512];
  *out = 0;
  FILE *f = fopen("/proc/cpuinfo", "re");
  while (f && !*out && fgets(line, sizeof line, f)) {
    const char *colon = strncmp(line, "model name", 10) ? NULL : strchr(line, ':');
    if (colon) snprintf(out, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
  }
  if (f) fclose(f);
}

static const char *architecture(void) {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}

static PyObject *core_device_info(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"d", NULL};
  PyObject *o = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:device_info", names, &o)) return NULL;
  int found = o == Py_None ? 0 : look_up(o);
  if (found == -2 && !mxp_check_device(o, "device_info")) return NULL;
  if (found) return PyDict_New();
  char name[256];
  processor_name(name, sizeof name);
  return Py_BuildValue("{sssssssK}", "architecture", architecture(), "device_name", name, "kernels", mx_cpu_name(), "memory_size",
                       (unsigned long long)mxp_total_memory());
}

PyMethodDef mxp_device_functions[] = {
    {"default_device", core_default_device, METH_NOARGS,
     "default_device($module, /)\n--\n\n"
     "The device that operations run on.\n"
     "\n>>> mx.default_device()\n"
     "Device(cpu, 0)"},
    {"set_default_device", MXP_BY_NAME(core_set_default_device_only),
     "set_default_device($module, /, device)\n--\n\n"
     "Sets the device that operations run on.\n"
     "error: ValueError if it is not here.\n"
     "\n>>> mx.set_default_device(mx.cpu)"},
    {"is_available", MXP_BY_NAME(core_is_available_only),
     "is_available($module, /, device)\n--\n\n"
     "Whether the device is here.\n"
     "\n>>> mx.is_available(mx.cpu)\n"
     "True"},
    {"device_count", MXP_BY_NAME(core_device_count_only),
     "device_count($module, /, device_type)\n--\n\n"
     "How many devices of a kind are here: 1 for mx.cpu, 0 for mx.gpu.\n"
     "\n>>> mx.device_count(mx.cpu)\n"
     "1"},
    {"device_info", (PyCFunction)(void (*)(void))core_device_info, METH_VARARGS | METH_KEYWORDS,
     "device_info($module, /, d=None)\n--\n\n"
     "What is known of a device: its architecture, device_name, memory_size in bytes, and which kernels are in use. An empty\n"
     "dict for a device that is not here.\n"
     "\n>>> sorted(mx.device_info())\n"
     "['architecture', 'device_name', 'kernels', 'memory_size']"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_devices(PyObject *m) {
  if (PyType_Ready(&type_type) || PyType_Ready(&device_class)) return false;
  for (int i = 0; i < 2; i++) {
    if (!PyObject_Init((PyObject *)&types[i], &type_type)) return false;
    types[i].is_gpu = i;
    if (PyModule_AddObjectRef(m, i ? "gpu" : "cpu", (PyObject *)&types[i])) return false;
    if (PyDict_SetItemString(type_type.tp_dict, i ? "gpu" : "cpu", (PyObject *)&types[i])) return false;
  }
  default_device = PyObject_CallOneArg((PyObject *)&device_class, (PyObject *)&types[0]);
  return default_device && mxp_add_streams(m) && !PyModule_AddObjectRef(m, "Device", (PyObject *)&device_class) &&
         !PyModule_AddObjectRef(m, "DeviceType", (PyObject *)&type_type);
}

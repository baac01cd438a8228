/* Streams: queues of evaluations. Each thread has a default one. Operations are not bound to streams here: a graph is
 * evaluated as a whole, on the stream that is the thread's default then. */
#include <stdatomic.h>
#include <pthread.h>

#include "device.h"

/* ---- What objects and threads refer to --------------------------------------------------------------------------- */
struct stream {
  mx_stream handle;
  long index;
  _Atomic int refs;
  _Atomic bool is_cleared;
  struct stream *next; /* of those that its thread has made */
};

/* Of a thread. `local` are its streams for objects that mean another one in each thread. */
struct own_stream {
  long id;
  struct stream *stream;
  struct own_stream *next;
};
struct own {
  struct stream *current; /* NULL: the process's default stream */
  struct stream *made;
  struct own_stream *local;
};

static __thread struct own *own;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;
static _Atomic long last_index, last_local_id; /* index 0 is the default stream's */

static struct stream *retain(struct stream *s) {
  if (s) atomic_fetch_add(&s->refs, 1);
  return s;
}

static void release(struct stream *s) {
  if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
  mx_stream_free(s->handle);
  PyMem_RawFree(s);
}

static void thread_ends(void *p) {
  struct own *o = p;
  release(o->current);
  for (struct stream *s = o->made, *next; s; s = next) next = s->next, release(s);
  for (struct own_stream *l = o->local, *next; l; l = next) {
    next = l->next;
    release(l->stream);
    PyMem_RawFree(l);
  }
  PyMem_RawFree(o);
}

static void make_key(void) { has_key = !pthread_key_create(&key, thread_ends); }

static struct own *mine(void) {
  if (own) return own;
  pthread_once(&once, make_key);
  struct own *o = has_key ? PyMem_RawCalloc(1, sizeof *o) : NULL;
  if (o && pthread_setspecific(key, o)) {
    PyMem_RawFree(o);
    o = NULL;
  }
  if (!o) PyErr_NoMemory();
  return own = o;
}

/* A new stream with two references: the thread's, and the caller's. */
static struct stream *make_stream(void) {
  struct own *o = mine();
  struct stream *s = o ? PyMem_RawCalloc(1, sizeof *s) : NULL;
  if (!s || !(s->handle = mx_stream_new())) {
    PyMem_RawFree(s);
    mx_error_clear();
    return (struct stream *)PyErr_NoMemory();
  }
  s->index = ++last_index;
  atomic_init(&s->refs, 2);
  s->next = o->made;
  return o->made = s;
}

/* Makes `s` (NULL: the process's default) the calling thread's default stream. */
static bool use(struct stream *s) {
  struct own *o = mine();
  mxb_ctx *ctx = o ? mxp_ctx() : NULL;
  if (!ctx) return false;
  mxb_use(ctx, s ? s->handle : NULL);
  retain(s);
  release(o->current);
  o->current = s;
  return true;
}

/* ---- Stream ------------------------------------------------------------------------------------------------------- */
typedef struct {
  PyObject_HEAD
  struct stream *stream; /* NULL: the process's default */
} stream_object;

typedef struct {
  PyObject_HEAD
  long id;
} local_object;

static PyTypeObject stream_type, local_type, context_type;

/* Takes over the reference. */
static PyObject *wrap(struct stream *s) {
  stream_object *o = PyObject_New(stream_object, &stream_type);
  if (!o) return release(s), NULL;
  o->stream = s;
  return (PyObject *)o;
}

static void stream_dealloc(PyObject *self) {
  release(((stream_object *)self)->stream);
  PyObject_Free(self);
}

static long index_of(PyObject *o) { return ((stream_object *)o)->stream ? ((stream_object *)o)->stream->index : 0; }

static PyObject *stream_repr(PyObject *self) { return PyUnicode_FromFormat("Stream(Device(cpu, 0), %ld)", index_of(self)); }
static Py_hash_t stream_hash(PyObject *self) { return index_of(self); }

static PyObject *stream_compare(PyObject *a, PyObject *b, int op) {
  if ((op != Py_EQ && op != Py_NE) || Py_TYPE(a) != Py_TYPE(b)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((index_of(a) == index_of(b)) == (op == Py_EQ));
}

static PyObject *get_device(PyObject *self, void *unused) {
  (void)self, (void)unused;
  return mxp_default_device();
}

static PyGetSetDef device_attribute[] = {{"device", get_device, NULL, "The device that the stream is on.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject stream_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Stream",
    .tp_basicsize = sizeof(stream_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A queue of evaluations, made by new_stream.\n"
              "\n>>> s = mx.new_stream(mx.cpu)\n"
              ">>> s.device\n"
              "Device(cpu, 0)",
    .tp_dealloc = stream_dealloc,
    .tp_repr = stream_repr,
    .tp_hash = stream_hash,
    .tp_richcompare = stream_compare,
    .tp_getset = device_attribute,
};

/* ---- ThreadLocalStream --------------------------------------------------------------------------------------------- */
static PyObject *local_repr(PyObject *self) {
  return PyUnicode_FromFormat("ThreadLocalStream(Device(cpu, 0), %ld)", ((local_object *)self)->id);
}

static Py_hash_t local_hash(PyObject *self) { return ((local_object *)self)->id; }

static PyObject *local_compare(PyObject *a, PyObject *b, int op) {
  if ((op != Py_EQ && op != Py_NE) || Py_TYPE(a) != Py_TYPE(b)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((((local_object *)a)->id == ((local_object *)b)->id) == (op == Py_EQ));
}

static PyTypeObject local_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ThreadLocalStream",
    .tp_basicsize = sizeof(local_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A stream of its own in each thread that uses it, made by new_thread_local_stream.\n"
              "\n>>> s = mx.new_thread_local_stream(mx.cpu)\n"
              ">>> mx.synchronize(s)",
    .tp_repr = local_repr,
    .tp_hash = local_hash,
    .tp_richcompare = local_compare,
    .tp_getset = device_attribute,
};

/* The calling thread's stream of a ThreadLocalStream, retained; NULL with an exception. */
static struct stream *local_stream(long id) {
  struct own *o = mine();
  struct own_stream *l = o ? o->local : NULL;
  while (l && l->id != id) l = l->next;
  if (l && !l->stream->is_cleared) return retain(l->stream);
  if (!o) return NULL;
  struct stream *s = make_stream();
  if (l && s) {
    release(l->stream);
    l->stream = retain(s);
  } else if (s && (l = PyMem_RawMalloc(sizeof *l))) {
    *l = (struct own_stream){id, retain(s), o->local};
    o->local = l;
  } else if (s) {
    release(s);
    PyErr_NoMemory();
    s = NULL;
  }
  return s;
}

/* ---- What stands for a stream --------------------------------------------------------------------------------------- */
static bool is_stream(PyObject *o) { return Py_TYPE(o) == &stream_type || Py_TYPE(o) == &local_type; }

static bool is_alive(const struct stream *s, const char *who) {
  if (s && s->is_cleared) PyErr_Format(PyExc_RuntimeError, "[%s] Stream(Device(cpu, 0), %ld) was destroyed by clear_streams", who, s->index);
  return !s || !s->is_cleared;
}

/* A device stands for the thread's default stream. *out is retained, NULL for the process's default. */
static bool read_stream(PyObject *o, const char *who, struct stream **out) {
  *out = NULL;
  if (!is_stream(o)) {
    if (!mxp_check_device(o, who)) return false;
    *out = own ? retain(own->current) : NULL;
    return true;
  }
  if (Py_TYPE(o) == &local_type) return (*out = local_stream(((local_object *)o)->id)) != NULL;
  struct stream *s = ((stream_object *)o)->stream;
  if (!is_alive(s, who)) return false;
  *out = retain(s);
  return true;
}

bool mxp_check_stream(PyObject *o, const char *who) {
  if (!is_stream(o)) return mxp_check_device(o, who);
  return Py_TYPE(o) == &local_type || is_alive(((stream_object *)o)->stream, who);
}

/* ---- StreamContext ------------------------------------------------------------------------------------------------- */
typedef struct {
  PyObject_HEAD
  PyObject *wanted;
  PyObject *before; /* a list of the streams to come back to, for a context that is entered several times */
} context_object;

static PyObject *context_make(PyTypeObject *type, PyObject *o) {
  if (!mxp_check_stream(o, "stream")) return NULL;
  context_object *c = PyObject_New(context_object, type);
  if (!c) return NULL;
  c->wanted = Py_NewRef(o);
  c->before = PyList_New(0);
  if (!c->before) Py_CLEAR(c);
  return (PyObject *)c;
}

static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  static char *names[] = {"s", NULL};
  PyObject *o;
  return PyArg_ParseTupleAndKeywords(args, keywords, "O:StreamContext", names, &o) ? context_make(type, o) : NULL;
}

static void context_dealloc(PyObject *self) {
  Py_XDECREF(((context_object *)self)->wanted);
  Py_XDECREF(((context_object *)self)->before);
  PyObject_Free(self);
}

static PyObject *context_enter(PyObject *self, PyObject *unused) {
  (void)unused;
  context_object *c = (context_object *)self;
  struct stream *s;
  if (!read_stream(c->wanted, "stream", &s)) return NULL;
  PyObject *before = wrap(own ? retain(own->current) : NULL);
  bool is_used = before && !PyList_Append(c->before, before) && use(s);
  release(s);
  Py_XDECREF(before);
  return is_used ? Py_NewRef(Py_None) : NULL;
}

static PyObject *context_exit(PyObject *self, PyObject *args) {
  (void)args;
  context_object *c = (context_object *)self;
  if (!PyList_GET_SIZE(c->before)) Py_RETURN_NONE;
  PyObject *before = PyObject_CallMethod(c->before, "pop", NULL);
  struct stream *s = before ? ((stream_object *)before)->stream : NULL;
  bool is_used = before && use(s && s->is_cleared ? NULL : s);
  Py_XDECREF(before);
  return is_used ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef context_methods[] = {
    {"__enter__", context_enter, METH_NOARGS, "__enter__($self, /)\n--\n\nMakes the stream the calling thread's default."},
    {"__exit__", context_exit, METH_VARARGS, "__exit__($self, /, *args)\n--\n\nBrings back the default stream from before."},
    {NULL, NULL, 0, NULL}};

static PyTypeObject context_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.StreamContext",
    .tp_basicsize = sizeof(context_object),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "StreamContext(s)\n--\n\n"
              "What stream makes: in a with statement, `s` is the calling thread's default stream.\n"
              "\n>>> with mx.StreamContext(mx.cpu):\n"
              "...     mx.eval(mx.arange(3) + 1)",
    .tp_new = context_new,
    .tp_dealloc = context_dealloc,
    .tp_methods = context_methods,
};

/* ---- Functions ------------------------------------------------------------------------------------------------------ */
static PyObject *core_default_stream(PyObject *module, PyObject *device) {
  (void)module;
  return mxp_check_device(device, "default_stream") ? wrap(own ? retain(own->current) : NULL) : NULL;
}
MXP_ONLY(core_default_stream, "device", "default_stream")

static PyObject *core_set_default_stream(PyObject *module, PyObject *o) {
  (void)module;
  if (Py_TYPE(o) != &stream_type) return PyErr_Format(PyExc_TypeError, "[set_default_stream] expects a Stream, not %.200s", Py_TYPE(o)->tp_name);
  struct stream *s = ((stream_object *)o)->stream;
  return is_alive(s, "set_default_stream") && use(s) ? Py_NewRef(Py_None) : NULL;
}
MXP_ONLY(core_set_default_stream, "stream", "set_default_stream")

static PyObject *core_new_stream(PyObject *module, PyObject *device) {
  (void)module;
  struct stream *s = mxp_check_device(device, "new_stream") ? make_stream() : NULL;
  return s ? wrap(s) : NULL;
}
MXP_ONLY(core_new_stream, "device", "new_stream")

static PyObject *core_new_thread_local_stream(PyObject *module, PyObject *device) {
  (void)module;
  if (!mxp_check_device(device, "new_thread_local_stream")) return NULL;
  local_object *o = PyObject_New(local_object, &local_type);
  if (o) o->id = ++last_local_id;
  return (PyObject *)o;
}
MXP_ONLY(core_new_thread_local_stream, "device", "new_thread_local_stream")

static PyObject *core_stream(PyObject *module, PyObject *o) {
  (void)module;
  return context_make(&context_type, o);
}
MXP_ONLY(core_stream, "s", "stream")

static PyObject *core_clear_streams(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  while (own && own->made) {
    struct stream *s = own->made;
    own->made = s->next;
    s->is_cleared = true;
    release(s);
  }
  bool is_done = !own || !own->current || !own->current->is_cleared || use(NULL);
  return is_done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *core_synchronize(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  static char *names[] = {"stream", NULL};
  PyObject *o = Py_None;
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx || !PyArg_ParseTupleAndKeywords(args, keywords, "|O:synchronize", names, &o)) return NULL;
  struct stream *s = own ? retain(own->current) : NULL;
  if (o != Py_None) {
    release(s);
    if (!read_stream(o, "synchronize", &s)) return NULL;
  }
  mx_stream before = mxb_use(ctx, s ? s->handle : NULL);
  mx_status status;
  Py_BEGIN_ALLOW_THREADS
  status = mxb_synchronize(ctx);
  Py_END_ALLOW_THREADS
  mxb_use(ctx, before);
  release(s);
  return status ? mxp_raise(ctx) : Py_NewRef(Py_None);
}

PyMethodDef mxp_stream_functions[] = {
    {"default_stream", MXP_BY_NAME(core_default_stream_only),
     "default_stream($module, /, device)\n--\n\n"
     "The calling thread's default stream: graphs are evaluated there.\n"
     "error: ValueError if the device is not here.\n"
     "\n>>> mx.default_stream(mx.cpu)\n"
     "Stream(Device(cpu, 0), 0)"},
    {"set_default_stream", MXP_BY_NAME(core_set_default_stream_only),
     "set_default_stream($module, /, stream)\n--\n\n"
     "Makes a Stream the calling thread's default.\n"
     "error: RuntimeError if clear_streams has destroyed it.\n"
     "\n>>> mx.set_default_stream(mx.default_stream(mx.cpu))"},
    {"new_stream", MXP_BY_NAME(core_new_stream_only),
     "new_stream($module, /, device)\n--\n\n"
     "A new Stream, which any thread may use.\n"
     "error: ValueError if the device is not here.\n"
     "\n>>> mx.new_stream(mx.cpu) == mx.default_stream(mx.cpu)\n"
     "False"},
    {"new_thread_unsafe_stream", MXP_BY_NAME(core_new_stream_only),
     "new_thread_unsafe_stream($module, /, device)\n--\n\n"
     "The same as new_stream, by the name that MLX has for streams that any thread may use.\n"
     "\n>>> mx.new_thread_unsafe_stream(mx.cpu).device\n"
     "Device(cpu, 0)"},
    {"new_thread_local_stream", MXP_BY_NAME(core_new_thread_local_stream_only),
     "new_thread_local_stream($module, /, device)\n--\n\n"
     "A ThreadLocalStream: a stream of its own in each thread that uses it.\n"
     "error: ValueError if the device is not here.\n"
     "\n>>> mx.new_thread_local_stream(mx.cpu).device\n"
     "Device(cpu, 0)"},
    {"stream", MXP_BY_NAME(core_stream_only),
     "stream($module, /, s)\n--\n\n"
     "A StreamContext, in which `s` is the calling thread's default stream.\n"
     "\n>>> with mx.stream(mx.new_stream(mx.cpu)):\n"
     "...     mx.async_eval(mx.arange(3) + 1)"},
    {"clear_streams", core_clear_streams, METH_NOARGS,
     "clear_streams($module, /)\n--\n\n"
     "Destroys the streams that the calling thread has made, once what was started on them is done.\n"
     "\n>>> mx.clear_streams()"},
    {"synchronize", (PyCFunction)(void (*)(void))core_synchronize, METH_VARARGS | METH_KEYWORDS,
     "synchronize($module, /, stream=None)\n--\n\n"
     "Waits for what async_eval has started on a stream; None and devices stand for the default one.\n"
     "error: the first of the calling thread's failures there since the last call.\n"
     "\n>>> mx.async_eval(mx.arange(3) * 2)\n"
     ">>> mx.synchronize()"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_streams(PyObject *m) {
  return !PyType_Ready(&stream_type) && !PyType_Ready(&local_type) && !PyType_Ready(&context_type) &&
         !PyModule_AddObjectRef(m, "Stream", (PyObject *)&stream_type) && !PyModule_AddObjectRef(m, "ThreadLocalStream", (PyObject *)&local_type) &&
         !PyModule_AddObjectRef(m, "StreamContext", (PyObject *)&context_type);
}

/* custom_function and checkpoint: objects that hold Python functions and that the garbage collector can look through. Their
 * calls are in custom_call.c. */
#include "custom.h"

#define SELF(o) ((struct mxp_custom *)(o))

static int custom_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(SELF(self)->fun);
  Py_VISIT(SELF(self)->vjp);
  Py_VISIT(SELF(self)->jvp);
  Py_VISIT(SELF(self)->vmap);
  return 0;
}

static int custom_clear(PyObject *self) {
  Py_CLEAR(SELF(self)->fun);
  Py_CLEAR(SELF(self)->vjp);
  Py_CLEAR(SELF(self)->jvp);
  Py_CLEAR(SELF(self)->vmap);
  return 0;
}

static void custom_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  custom_clear(self);
  PyObject_GC_Del(self);
}

static PyObject *make(PyTypeObject *type, PyObject *fun, const char *name) {
  if (!PyCallable_Check(fun)) return PyErr_Format(PyExc_TypeError, "%s must be callable, not %.200s", name, Py_TYPE(fun)->tp_name);
  struct mxp_custom *f = PyObject_GC_New(struct mxp_custom, type);
  if (!f) return NULL;
  f->fun = Py_NewRef(fun);
  f->vjp = f->jvp = f->vmap = NULL;
  PyObject_GC_Track(f);
  return (PyObject *)f;
}

/* Who is called while the collector takes a cycle apart has lost the function. */
static bool is_whole(PyObject *self) {
  if (SELF(self)->fun) return true;
  PyErr_SetString(PyExc_RuntimeError, "the garbage collector has cleared this function");
  return false;
}

/* ---- custom_function --------------------------------------------------------------------------------------------- */
static PyObject *custom_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  static char *names[] = {"f", NULL};
  PyObject *fun;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:custom_function", names, &fun)) return NULL;
  return make(type, fun, "[custom_function] f");
}

static PyObject *custom_call(PyObject *self, PyObject *args, PyObject *keywords) {
  if (!is_whole(self)) return NULL;
  if (!SELF(self)->vjp && !SELF(self)->jvp && !SELF(self)->vmap) return PyObject_Call(SELF(self)->fun, args, keywords);
  return mxp_custom_call("custom_function", SELF(self), false, args, keywords);
}

static PyObject *custom_repr(PyObject *self) { return PyUnicode_FromFormat("<%s of %R>", Py_TYPE(self)->tp_name, SELF(self)->fun); }

static PyObject *set_rule(PyObject *self, PyObject **rule, PyObject *f, const char *name) {
  if (!PyCallable_Check(f)) return PyErr_Format(PyExc_TypeError, "[custom_function.%s] f must be callable, not %.200s", name, Py_TYPE(f)->tp_name);
  Py_XSETREF(*rule, Py_NewRef(f));
  return Py_NewRef(self);
}

static PyObject *custom_vjp(PyObject *self, PyObject *f) { return set_rule(self, &SELF(self)->vjp, f, "vjp"); }
static PyObject *custom_jvp(PyObject *self, PyObject *f) { return set_rule(self, &SELF(self)->jvp, f, "jvp"); }
static PyObject *custom_vmap(PyObject *self, PyObject *f) { return set_rule(self, &SELF(self)->vmap, f, "vmap"); }

static PyMethodDef custom_methods[] = {
    {"vjp", custom_vjp, METH_O,
     "vjp($self, f, /)\n--\n\nMakes f(primals, cotangents, outputs, **keywords) the function's reverse derivative; a decorator, which\n"
     "returns the custom function. `primals` is the positional argument, or the tuple of several; `cotangents` and `outputs` have the\n"
     "form of the result. `f` returns gradients in the form of `primals`, None for zeros. Where the form differs, but there are as many\n"
     "arrays, they are taken in order. ValueError where neither fits, and for a gradient of another shape."},
    {"jvp", custom_jvp, METH_O,
     "jvp($self, f, /)\n--\n\nMakes f(primals, tangents) the function's forward derivative; a decorator, which returns the custom function.\n"
     "`tangents` has the form of `primals`, with None where nothing changes. `f` returns tangents in the form of the result, None for\n"
     "zeros. Such a function takes no keyword arguments where it is differentiated forward: ValueError."},
    {"vmap", custom_vmap, METH_O,
     "vmap($self, f, /)\n--\n\nMakes f(inputs, axes) the function's vectorised form, for mx.vmap; a decorator, which returns the custom function."},
    {NULL, NULL, 0, NULL}};

static PyTypeObject custom_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.custom_function",
    .tp_basicsize = sizeof(struct mxp_custom),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "custom_function(f)\n--\n\n`f`, with derivatives of one's own: a decorator. Called, it gives what `f` gives, which must be an array or a tree of\n"
              "arrays as soon as a derivative is set. Transforms then use the functions given to `vjp` and `jvp` instead of looking into `f`; where the\n"
              "one they need is missing, they run `f` again and differentiate it. Arrays that `f` does not get as positional arguments are\n"
              "constants to derivatives of one's own, and arrays that it does not get as arguments always are.\n\n"
              ">>> @mx.custom_function\n... def clip(x):\n...     return mx.clip(x, -1, 1)\n>>> @clip.vjp\n... def clip_vjp(x, g, y):\n...     return g\n"
              ">>> mx.grad(lambda x: clip(x).sum())(mx.array([0.5, 2.0]))\narray([1, 1], dtype=float32)",
    .tp_new = custom_new,
    .tp_call = custom_call,
    .tp_methods = custom_methods,
    .tp_traverse = custom_traverse,
    .tp_clear = custom_clear,
    .tp_dealloc = custom_dealloc,
    .tp_repr = custom_repr,
};

/* ---- checkpoint -------------------------------------------------------------------------------------------------- */
static PyObject *checkpoint_call(PyObject *self, PyObject *args, PyObject *keywords) {
  return is_whole(self) ? mxp_custom_call("checkpoint", SELF(self), true, args, keywords) : NULL;
}

static PyTypeObject checkpoint_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.checkpoint_function",
    .tp_basicsize = sizeof(struct mxp_custom),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_call = checkpoint_call,
    .tp_traverse = custom_traverse,
    .tp_clear = custom_clear,
    .tp_dealloc = custom_dealloc,
    .tp_repr = custom_repr,
};

static PyObject *core_checkpoint(PyObject *module, PyObject *args, PyObject *keywords) {
  static char *names[] = {"fun", NULL};
  PyObject *fun;
  (void)module;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:checkpoint", names, &fun)) return NULL;
  return make(&checkpoint_type, fun, "[checkpoint] fun");
}

static PyMethodDef functions[] = {
    {"checkpoint", (PyCFunction)(void (*)(void))core_checkpoint, METH_VARARGS | METH_KEYWORDS,
     "checkpoint($module, /, fun)\n--\n\nA function that gives what `fun` gives, and whose derivatives run `fun` again instead of keeping what it computes on the\n"
     "way: less memory for more time. Arguments and results may be trees with arrays in them. Arrays that `fun` does not get as\n"
     "arguments are constants. Random numbers that `fun` draws are the same when it runs again.\n\n"
     ">>> block = mx.checkpoint(lambda x: mx.exp(mx.sin(x)).sum())\n>>> mx.grad(block)(mx.zeros((2,)))\narray([1, 1], dtype=float32)"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_custom(PyObject *module) {
  return !PyType_Ready(&custom_type) && !PyType_Ready(&checkpoint_type) && !PyModule_AddObjectRef(module, "custom_function", (PyObject *)&custom_type) &&
         !PyModule_AddFunctions(module, functions);
}

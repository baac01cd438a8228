/* grad, value_and_grad, vjp, jvp. mx.grad(f) is an object that holds f and takes part in garbage collection; calling it
 * flattens the arguments that are differentiated, and rebuilds them around the arrays that the core passes back in.
 * Start at grad_call. */
#include "mxp.h"

typedef struct {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  PyObject *fun;
  PyObject *argnums;  /* a tuple of ints */
  PyObject *argnames; /* a tuple of strs */
  bool with_value;
} grad_object;

/* One call of a grad_object: what the closure needs. */
struct grad_run {
  const grad_object *g;
  PyObject *const *args;
  Py_ssize_t count; /* positional ones; those of `names` follow */
  PyObject *names;
  PyObject **slots;     /* the arguments that are differentiated: first those of argnums, then those of argnames */
  Py_ssize_t *places;   /* where each stands in args */
  Py_ssize_t slot_count;
  PyObject *value; /* what the function returned */
};

static const char *who(const grad_object *g) { return g->with_value ? "value_and_grad" : "grad"; }

/* ---- The function, called by the core ---------------------------------------------------------------------------- */
static PyObject *call_with(mxb_ctx *ctx, struct grad_run *r, const mx_array *arrays, size_t n) {
  Py_ssize_t all = r->count + (r->names ? PyTuple_GET_SIZE(r->names) : 0);
  PyObject **args = PyMem_Calloc((size_t)all + 1, sizeof *args), *result = NULL;
  if (!args) return PyErr_NoMemory();
  for (Py_ssize_t i = 0; i < all; i++) args[i] = Py_NewRef(r->args[i]);
  struct mxp_leaves leaves = {(mx_array *)arrays, n, n};
  size_t at = 0;
  bool is_built = true;
  for (Py_ssize_t i = 0; i < r->slot_count && is_built; i++) {
    PyObject *traced = mxp_tree_rebuild(ctx, r->slots[i], &leaves, &at);
    if ((is_built = traced != NULL)) Py_SETREF(args[r->places[i]], traced);
  }
  if (is_built) result = PyObject_Vectorcall(r->g->fun, args, (size_t)r->count, r->names);
  for (Py_ssize_t i = 0; i < all; i++) Py_DECREF(args[i]);
  PyMem_Free(args);
  return result;
}

/* The array to differentiate: the result, or, where that is wanted too, the first item of a tuple; borrowed. */
static PyObject *loss_of(const grad_object *g, PyObject *value) {
  if (MXP_IS_ARRAY(value)) return value;
  PyObject *first = g->with_value && PyTuple_Check(value) && PyTuple_GET_SIZE(value) ? PyTuple_GET_ITEM(value, 0) : NULL;
  return first && MXP_IS_ARRAY(first) ? first : NULL;
}

static mx_array grad_closure(mxb_ctx *ctx, const mx_array *args, size_t count, void *user) {
  struct grad_run *r = user;
  Py_XSETREF(r->value, call_with(ctx, r, args, count));
  PyObject *loss = r->value ? loss_of(r->g, r->value) : NULL;
  if (loss) return mxb_retain(MXP_NODE(loss));
  if (r->value)
    PyErr_Format(PyExc_ValueError, "[%s] the function must return an array%s, not %.200s", who(r->g),
                 r->g->with_value ? ", or a tuple that begins with one" : " (value_and_grad lets it return more)", Py_TYPE(r->value)->tp_name);
  mxb_raise(ctx, MX_ERR_VALUE, "a Python function raised an exception");
  return NULL;
}

/* ---- Which arguments --------------------------------------------------------------------------------------------- */
static bool find_positional(struct grad_run *r, Py_ssize_t slot, PyObject *number) {
  Py_ssize_t i = PyLong_AsSsize_t(number);
  if (i < 0 || i >= r->count) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "[%s] argument %R is to be differentiated, but the call has %zd positional arguments", who(r->g), number,
                 r->count);
    return false;
  }
  r->places[slot] = i;
  return true;
}

static bool find_named(struct grad_run *r, Py_ssize_t slot, PyObject *name) {
  for (Py_ssize_t i = 0; r->names && i < PyTuple_GET_SIZE(r->names); i++)
    if (!PyUnicode_Compare(PyTuple_GET_ITEM(r->names, i), name)) return r->places[slot] = r->count + i, true;
  PyErr_Format(PyExc_ValueError, "[%s] argument %R is to be differentiated, but the call does not name it", who(r->g), name);
  return false;
}

/* Copies the arguments, so that what the function does to their containers is not seen here. */
static bool take_arguments(mxb_ctx *ctx, struct grad_run *r, struct mxp_leaves *leaves) {
  const grad_object *g = r->g;
  Py_ssize_t numbered = PyTuple_GET_SIZE(g->argnums);
  for (Py_ssize_t i = 0; i < r->slot_count; i++) {
    bool is_found = i < numbered ? find_positional(r, i, PyTuple_GET_ITEM(g->argnums, i))
                                 : find_named(r, i, PyTuple_GET_ITEM(g->argnames, i - numbered));
    if (!is_found) return false;
    size_t first = leaves->count;
    PyObject *tree = r->args[r->places[i]];
    if (!mxp_tree_flatten(tree, leaves, who(g)) || !(r->slots[i] = mxp_tree_rebuild(ctx, tree, leaves, &first))) return false;
  }
  if (!leaves->count) PyErr_Format(PyExc_ValueError, "[%s] there is no array in the arguments to differentiate", who(g));
  return leaves->count;
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */
static PyObject *named_gradients(mxb_ctx *ctx, struct grad_run *r, struct mxp_leaves *grads, size_t *at) {
  Py_ssize_t numbered = PyTuple_GET_SIZE(r->g->argnums);
  PyObject *dict = PyDict_New();
  for (Py_ssize_t i = numbered; dict && i < r->slot_count; i++) {
    PyObject *tree = mxp_tree_rebuild(ctx, r->slots[i], grads, at);
    if (!tree || PyDict_SetItem(dict, PyTuple_GET_ITEM(r->g->argnames, i - numbered), tree)) Py_CLEAR(dict);
    Py_XDECREF(tree);
  }
  return dict;
}

static PyObject *positional_gradients(mxb_ctx *ctx, struct grad_run *r, struct mxp_leaves *grads, size_t *at) {
  Py_ssize_t n = PyTuple_GET_SIZE(r->g->argnums);
  if (!n) return Py_NewRef(Py_None);
  if (n == 1) return mxp_tree_rebuild(ctx, r->slots[0], grads, at); /* also where argnums is a list of one, as in MLX */
  PyObject *tuple = PyTuple_New(n);
  for (Py_ssize_t i = 0; tuple && i < n; i++) {
    PyObject *tree = mxp_tree_rebuild(ctx, r->slots[i], grads, at);
    if (!tree)
      Py_CLEAR(tuple);
    else
      PyTuple_SET_ITEM(tuple, i, tree);
  }
  return tuple;
}

static PyObject *gradients(mxb_ctx *ctx, struct grad_run *r, struct mxp_leaves *grads) {
  size_t at = 0;
  PyObject *positional = positional_gradients(ctx, r, grads, &at);
  if (!positional || !PyTuple_GET_SIZE(r->g->argnames)) return positional;
  PyObject *named = named_gradients(ctx, r, grads, &at), *pair = named ? PyTuple_Pack(2, positional, named) : NULL;
  Py_DECREF(positional);
  Py_XDECREF(named);
  return pair;
}

/* What the function returned, with the loss as the core has it. Gives up `loss`. */
static PyObject *value_of(mxb_ctx *ctx, struct grad_run *r, mx_array loss) {
  PyObject *first = mxp_wrap(ctx, loss);
  if (!first || MXP_IS_ARRAY(r->value)) return first;
  Py_ssize_t n = PyTuple_GET_SIZE(r->value);
  PyObject *copy = PyTuple_New(n);
  for (Py_ssize_t i = 1; copy && i < n; i++) PyTuple_SET_ITEM(copy, i, Py_NewRef(PyTuple_GET_ITEM(r->value, i)));
  if (copy)
    PyTuple_SET_ITEM(copy, 0, first);
  else
    Py_DECREF(first);
  return copy;
}

static PyObject *differentiate(mxb_ctx *ctx, struct grad_run *r, struct mxp_leaves *leaves) {
  mx_array *grads = PyMem_Calloc(leaves->count + 1, sizeof *grads), loss = NULL;
  if (!grads) return PyErr_NoMemory();
  mx_status status = r->g->with_value ? mxb_value_and_grad(ctx, grad_closure, r, leaves->at, leaves->count, &loss, grads)
                                      : mxb_grad(ctx, grad_closure, r, leaves->at, leaves->count, grads);
  struct mxp_leaves found = {grads, status ? 0 : leaves->count, 0};
  PyObject *result = status ? mxp_raise(ctx) : gradients(ctx, r, &found);
  mxp_leaves_free(&found);
  if (!result || !r->g->with_value) return result;
  PyObject *value = value_of(ctx, r, loss), *pair = value ? PyTuple_Pack(2, value, result) : NULL;
  Py_XDECREF(value);
  Py_DECREF(result);
  return pair;
}

static PyObject *grad_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *names) {
  const grad_object *g = (const grad_object *)self;
  if (!g->fun) return PyErr_SetString(PyExc_RuntimeError, "the garbage collector has cleared this function"), NULL;
  Py_ssize_t slots = PyTuple_GET_SIZE(g->argnums) + PyTuple_GET_SIZE(g->argnames);
  PyObject **room = PyMem_Calloc((size_t)slots, sizeof *room + sizeof(Py_ssize_t));
  mxb_ctx *ctx = mxp_ctx();
  if (!room || !ctx) return PyMem_Free(room), PyErr_NoMemory();
  struct grad_run r = {.g = g, .args = args, .count = PyVectorcall_NARGS(nargsf), .names = names, .slots = room,
                       .places = (Py_ssize_t *)(room + slots), .slot_count = slots};
  struct mxp_leaves leaves = {0};
  struct mxp_extent extent;
  mxp_extent_begin(&extent);
  PyObject *result = take_arguments(ctx, &r, &leaves) ? differentiate(ctx, &r, &leaves) : NULL;
  mxp_extent_end(&extent);
  mxp_leaves_free(&leaves);
  for (Py_ssize_t i = 0; i < slots; i++) Py_XDECREF(room[i]);
  Py_XDECREF(r.value);
  PyMem_Free(room);
  return result;
}

/* ---- The object -------------------------------------------------------------------------------------------------- */
static int grad_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((grad_object *)self)->fun);
  return 0;
}

static int grad_clear(PyObject *self) {
  Py_CLEAR(((grad_object *)self)->fun);
  return 0;
}

static void grad_dealloc(PyObject *self) {
  grad_object *g = (grad_object *)self;
  PyObject_GC_UnTrack(self);
  Py_XDECREF(g->fun);
  Py_XDECREF(g->argnums);
  Py_XDECREF(g->argnames);
  PyObject_GC_Del(self);
}

static PyObject *grad_repr(PyObject *self) {
  const grad_object *g = (const grad_object *)self;
  return PyUnicode_FromFormat("<mlx.core.%s of %R>", who(g), g->fun);
}

PyTypeObject mxp_grad_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.gradient_function",
    .tp_basicsize = sizeof(grad_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_vectorcall_offset = offsetof(grad_object, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_traverse = grad_traverse,
    .tp_clear = grad_clear,
    .tp_dealloc = grad_dealloc,
    .tp_repr = grad_repr,
};

/* One `type`, or a sequence of distinct ones, as a tuple; None is an empty one. */
static PyObject *as_tuple(const grad_object *g, const char *name, PyObject *o, PyTypeObject *type) {
  if (o == Py_None) return PyTuple_New(0);
  if (PyObject_TypeCheck(o, type)) return PyTuple_Pack(1, o);
  PyObject *tuple = PyList_Check(o) || PyTuple_Check(o) ? PySequence_Tuple(o) : NULL;
  for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); i++)
    if (!PyObject_TypeCheck(PyTuple_GET_ITEM(tuple, i), type)) Py_CLEAR(tuple);
  if (!tuple) {
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "[%s] %s must be one %s or a list of them", who(g), name, type->tp_name);
    return NULL;
  }
  return tuple;
}

/* None negative, none twice; the gradients come in the order of the arguments, as in MLX. */
static bool check_numbers(const grad_object *g, PyObject *sorted) {
  Py_ssize_t before = -1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sorted); i++) {
    PyObject *number = PyTuple_GET_ITEM(sorted, i);
    Py_ssize_t n = PyLong_AsSsize_t(number);
    PyErr_Clear();
    if (n > before) {
      before = n;
      continue;
    }
    PyErr_Format(PyExc_ValueError, n < 0 ? "[%s] argnums must be numbers of arguments, not %R" : "[%s] argnums names argument %R twice", who(g), number);
    return false;
  }
  return true;
}

static bool sort_numbers(grad_object *g) {
  if (PyTuple_GET_SIZE(g->argnums) < 2) return check_numbers(g, g->argnums);
  PyObject *list = PySequence_List(g->argnums), *sorted = list && !PyList_Sort(list) ? PyList_AsTuple(list) : NULL;
  Py_XDECREF(list);
  if (sorted) Py_SETREF(g->argnums, sorted);
  return sorted && check_numbers(g, sorted);
}

static bool read_which(grad_object *g, PyObject *argnums, PyObject *argnames) {
  if (!(g->argnames = as_tuple(g, "argnames", argnames, &PyUnicode_Type)) || !(g->argnums = as_tuple(g, "argnums", argnums, &PyLong_Type)))
    return false;
  if (!sort_numbers(g)) return false;
  if (PyTuple_GET_SIZE(g->argnums) || PyTuple_GET_SIZE(g->argnames)) return true;
  PyErr_Format(PyExc_ValueError, "[%s] there is no argument to differentiate", who(g));
  return false;
}

static PyObject *make(PyObject *args, PyObject *keywords, bool with_value) {
  static char *names[] = {"fun", "argnums", "argnames", NULL};
  PyObject *fun, *argnums = Py_None, *argnames = Py_None, *zero = NULL;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, with_value ? "O|OO:value_and_grad" : "O|OO:grad", names, &fun, &argnums, &argnames))
    return NULL;
  if (!PyCallable_Check(fun))
    return PyErr_Format(PyExc_TypeError, "[%s] fun must be callable, not %.200s", with_value ? "value_and_grad" : "grad", Py_TYPE(fun)->tp_name);
  bool has_list = PyTuple_Check(argnames) || PyList_Check(argnames);
  if (argnums == Py_None && (argnames == Py_None || (has_list && !PySequence_Size(argnames)))) {
    if (!(zero = PyLong_FromLong(0))) return NULL;
    argnums = zero;
  }
  grad_object *g = PyObject_GC_New(grad_object, &mxp_grad_type);
  if (g) {
    g->vectorcall = grad_call;
    g->fun = Py_NewRef(fun);
    g->argnums = g->argnames = NULL;
    g->with_value = with_value;
    PyObject_GC_Track(g);
    if (!read_which(g, argnums, argnames)) Py_CLEAR(g);
  }
  Py_XDECREF(zero);
  return (PyObject *)g;
}

static PyObject *make_grad(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  return make(args, keywords, false);
}

static PyObject *make_value_and_grad(PyObject *module, PyObject *args, PyObject *keywords) {
  (void)module;
  return make(args, keywords, true);
}

/* ---- vjp, jvp ---------------------------------------------------------------------------------------------------- */
static PyObject *list_of(mxb_ctx *ctx, const mx_array *arrays, size_t n) {
  PyObject *list = PyList_New((Py_ssize_t)n);
  for (size_t i = 0; list && i < n; i++) {
    PyObject *o = mxp_wrap(ctx, mxb_retain(arrays[i]));
    if (o)
      PyList_SET_ITEM(list, (Py_ssize_t)i, o);
    else
      Py_CLEAR(list);
  }
  return list;
}

struct function {
  PyObject *fun;
  const char *who;
};

static mx_status add_results(mxb_ctx *ctx, const char *who, PyObject *value, mxb_list *results) {
  bool is_list = PyTuple_Check(value) || PyList_Check(value);
  Py_ssize_t n = is_list ? PySequence_Fast_GET_SIZE(value) : 1;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject *o = is_list ? PySequence_Fast_GET_ITEM(value, i) : value;
    if (!MXP_IS_ARRAY(o)) {
      PyErr_Format(PyExc_ValueError, "[%s] the function must return an array or a list of arrays, but there is a %.200s", who,
                   Py_TYPE(o)->tp_name);
      return mxb_raise(ctx, MX_ERR_VALUE, "a function returned something else than arrays");
    }
    if (mxb_list_add(ctx, results, mxb_retain(MXP_NODE(o)))) return mxb_error_code(ctx);
  }
  return MX_OK;
}

static mx_status many_closure(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  const struct function *f = user;
  PyObject *list = list_of(ctx, args, count), *tuple = list ? PyList_AsTuple(list) : NULL;
  PyObject *value = tuple ? PyObject_CallObject(f->fun, tuple) : NULL;
  Py_XDECREF(list);
  Py_XDECREF(tuple);
  mx_status status = value ? add_results(ctx, f->who, value, results) : mxb_raise(ctx, MX_ERR_VALUE, "a Python function raised an exception");
  Py_XDECREF(value);
  return status;
}

/* Two lists, as Python lists in a tuple; both are freed. */
static PyObject *pair_of(mxb_ctx *ctx, mx_status status, mxb_list *results, const mx_array *others, size_t n) {
  const size_t count = mxb_list_count(results);
  PyObject *first = status ? mxp_raise(ctx) : PyList_New(0), *second = NULL, *pair = NULL;
  for (size_t i = 0; first && i < count; i++) {
    PyObject *o = mxp_wrap(ctx, mxb_retain(mxb_list_at(results, i)));
    if (!o || PyList_Append(first, o)) Py_CLEAR(first);
    Py_XDECREF(o);
  }
  if (first && (second = list_of(ctx, others, n))) pair = PyTuple_Pack(2, first, second);
  Py_XDECREF(first);
  Py_XDECREF(second);
  return pair;
}

struct two_lists {
  struct mxp_leaves primals, others;
  mxb_list *results, *jvps;
};

static bool read_two(PyObject *args, PyObject *keywords, const char *format, char **names, PyObject **fun, struct two_lists *t) {
  PyObject *primals, *others;
  const char *name = strchr(format, ':') + 1;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, format, names, fun, &primals, &others)) return false;
  if (!PyCallable_Check(*fun)) return PyErr_Format(PyExc_TypeError, "[%s] fun must be callable, not %.200s", name, Py_TYPE(*fun)->tp_name), false;
  t->results = mxb_list_new();
  t->jvps = mxb_list_new();
  if (!t->results || !t->jvps) return PyErr_NoMemory(), false;
  return mxp_tree_flatten(primals, &t->primals, name) && mxp_tree_flatten(others, &t->others, name);
}

static void free_two(struct two_lists *t) {
  mxp_leaves_free(&t->primals);
  mxp_leaves_free(&t->others);
  mxb_list_free(t->results);
  mxb_list_free(t->jvps);
}

static PyObject *run_vjp(mxb_ctx *ctx, PyObject *fun, struct two_lists *t) {
  size_t n = t->primals.count;
  mx_array *vjps = PyMem_Calloc(n + 1, sizeof *vjps);
  if (!vjps) return PyErr_NoMemory();
  mx_status status = mxb_vjp(ctx, many_closure, &(struct function){fun, "vjp"}, t->primals.at, n, t->others.at, t->others.count, t->results, vjps);
  PyObject *pair = pair_of(ctx, status, t->results, vjps, n);
  for (size_t i = 0; i < n; i++) mxb_release(vjps[i]);
  PyMem_Free(vjps);
  return pair;
}

static PyObject *run_jvp(mxb_ctx *ctx, PyObject *fun, struct two_lists *t) {
  if (t->primals.count != t->others.count)
    return PyErr_Format(PyExc_ValueError, "[jvp] %zu primals and %zu tangents", t->primals.count, t->others.count);
  mx_status status = mxb_jvp(ctx, many_closure, &(struct function){fun, "jvp"}, t->primals.at, t->others.at, t->primals.count, t->results, t->jvps);
  size_t n = mxb_list_count(t->jvps);
  mx_array *jvps = PyMem_Calloc(n + 1, sizeof *jvps);
  if (!jvps) return PyErr_NoMemory();
  for (size_t i = 0; i < n; i++) jvps[i] = mxb_list_at(t->jvps, i);
  PyObject *pair = pair_of(ctx, status, t->results, jvps, n);
  PyMem_Free(jvps);
  return pair;
}

static PyObject *transform(PyObject *args, PyObject *keywords, const char *format, char **names,
                           PyObject *(*run)(mxb_ctx *ctx, PyObject *fun, struct two_lists *t)) {
  mxb_ctx *ctx = mxp_ctx();
  struct two_lists t = {{0}, {0}, NULL, NULL};
  struct mxp_extent extent;
  mxp_extent_begin(&extent);
  PyObject *fun, *pair = ctx && read_two(args, keywords, format, names, &fun, &t) ? run(ctx, fun, &t) : NULL;
  mxp_extent_end(&extent);
  free_two(&t);
  return pair;
}

static PyObject *core_vjp(PyObject *module, PyObject *args, PyObject *keywords) {
  static char *names[] = {"fun", "primals", "cotangents", NULL};
  (void)module;
  return transform(args, keywords, "OOO:vjp", names, run_vjp);
}

static PyObject *core_jvp(PyObject *module, PyObject *args, PyObject *keywords) {
  static char *names[] = {"fun", "primals", "tangents", NULL};
  (void)module;
  return transform(args, keywords, "OOO:jvp", names, run_jvp);
}

#define FUNCTION(f) ((PyCFunction)(void (*)(void))(f))
PyMethodDef mxp_transform_functions[] = {
    {"grad", FUNCTION(make_grad), METH_VARARGS | METH_KEYWORDS,
     "grad($module, /, fun, argnums=None, argnames=None)\n--\n\n"
     "A function that returns the gradient of `fun`, which returns a scalar array.\n"
     "The gradient is with respect to argument 0, or those of `argnums` (a position or several) and `argnames` (a name or several).\n"
     "Arguments may be lists, tuples and dicts of arrays; gradients have the same form.\n"
     "With several argnums the result is a tuple, in the order of the arguments; with argnames it is a pair of that (or None) and a dict.\n"
     "error: ValueError if an argument to differentiate holds something else than arrays, or the result is no scalar array. What `fun`\n"
     "raises comes out unchanged.\n"
     "\n>>> mx.grad(lambda x: mx.sum(x * x))(mx.array([1.0, 2.0]))\n"
     "array([2, 4], dtype=float32)\n"
     ">>> mx.grad(lambda x, y: x * y, argnums=(0, 1))(mx.array(2.0), mx.array(5.0))\n"
     "(array(5, dtype=float32), array(2, dtype=float32))"},
    {"value_and_grad", FUNCTION(make_value_and_grad), METH_VARARGS | METH_KEYWORDS,
     "value_and_grad($module, /, fun, argnums=None, argnames=None)\n--\n\n"
     "A function that returns what `fun` returns and the gradient; see grad. `fun` may also return a tuple that begins with the scalar\n"
     "array, and goes on with whatever else it has to tell.\n"
     "\n>>> mx.value_and_grad(lambda x: mx.sum(x * x))(mx.array([1.0, 2.0]))\n"
     "(array(5, dtype=float32), array([2, 4], dtype=float32))"},
    {"vjp", FUNCTION(core_vjp), METH_VARARGS | METH_KEYWORDS,
     "vjp($module, /, fun, primals, cotangents)\n--\n\n"
     "fun(*primals), and the products of `cotangents` with the Jacobian, as two lists.\n"
     "shape: cotangents have those of the results, the products those of the primals. There is one cotangent for each result; those of\n"
     "stop_gradient may be left out.\n"
     "\n>>> mx.vjp(lambda x: x * x, [mx.array([1.0, 2.0])], [mx.array([1.0, 10.0])])\n"
     "([array([1, 4], dtype=float32)], [array([2, 40], dtype=float32)])"},
    {"jvp", FUNCTION(core_jvp), METH_VARARGS | METH_KEYWORDS,
     "jvp($module, /, fun, primals, tangents)\n--\n\n"
     "fun(*primals), and the products of the Jacobian with `tangents`, as two lists.\n"
     "shape: tangents have those of the primals, the products those of the results.\n"
     "\n>>> mx.jvp(lambda x: x * x, [mx.array([1.0, 2.0])], [mx.array([1.0, 10.0])])\n"
     "([array([1, 4], dtype=float32)], [array([2, 40], dtype=float32)])"},
    {NULL, NULL, 0, NULL}};

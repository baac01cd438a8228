/* One call of a custom function or of a checkpoint: what the core calls back. The graph holds a struct call, which holds
 * the functions and the forms of arguments and results, without their arrays. Start at mxp_custom_call. */
#include "custom.h"

enum { FUN, VJP, JVP, ARGS, KEYWORDS, OUTPUT }; /* of kept.objects; the last three are skeletons */
_Static_assert(OUTPUT + 1 == MXP_KEPT, "one place for each");

struct call {
  struct mxp_kept kept;
  const char *who;
  size_t positional; /* arrays of ARGS; those of KEYWORDS follow */
  bool any_result;   /* not only trees of arrays */
  uint32_t key[2];   /* random numbers, as they were: when the function runs again, it draws the same ones */
  PyObject **output; /* where the caller waits for OUTPUT */
};

static void release_call(void *user) {
  struct call *r = user;
  mxp_unkeep(&r->kept);
  PyMem_RawFree(r);
}

static mx_status raised(mxb_ctx *ctx) { return mxb_raise(ctx, MX_ERR_VALUE, "a Python function raised an exception"); }

/* ---- Arguments for Python functions ------------------------------------------------------------------------------ */
/* *keywords: NULL where there were none. */
static bool fill_keywords(mxb_ctx *ctx, const struct call *r, const mx_array *args, size_t count, PyObject **keywords) {
  PyObject *skeleton = r->kept.objects[KEYWORDS];
  *keywords = skeleton ? mxp_tree_fill(ctx, skeleton, args + r->positional, count - r->positional) : NULL;
  return *keywords || !skeleton;
}

/* Rules see one argument as it is, several as a tuple. */
static PyObject *only_item(PyObject *tuple) {
  if (!tuple || PyTuple_GET_SIZE(tuple) != 1) return tuple;
  PyObject *item = Py_NewRef(PyTuple_GET_ITEM(tuple, 0));
  Py_DECREF(tuple);
  return item;
}

/* function(*items, **keywords); gives up the references to the items, of which some may be NULL: there was an exception. */
static PyObject *call_with(PyObject *function, PyObject **items, Py_ssize_t n, PyObject *keywords) {
  PyObject *args = PyTuple_New(n), *value = NULL;
  bool is_whole = args != NULL;
  for (Py_ssize_t i = 0; i < n; i++) {
    is_whole = is_whole && items[i];
    if (args)
      PyTuple_SET_ITEM(args, i, items[i]);
    else
      Py_XDECREF(items[i]);
  }
  if (is_whole) value = PyObject_Call(function, args, keywords);
  Py_XDECREF(args);
  return value;
}

/* ---- The function ------------------------------------------------------------------------------------------------ */
static PyObject *call_function(mxb_ctx *ctx, const struct call *r, const mx_array *args, size_t count) {
  PyObject *keywords = NULL, *value = NULL, *filled = mxp_tree_fill(ctx, r->kept.objects[ARGS], args, r->positional);
  if (filled && fill_keywords(ctx, r, args, count, &keywords)) value = PyObject_Call(r->kept.objects[FUN], filled, keywords);
  Py_XDECREF(filled);
  Py_XDECREF(keywords);
  return value;
}

static PyObject *call_again(mxb_ctx *ctx, const struct call *r, const mx_array *args, size_t count) {
  uint32_t now[2];
  mxb_random_state(now);
  mxb_random_set_state(r->key);
  PyObject *value = call_function(ctx, r, args, count);
  mxb_random_set_state(now);
  return value;
}

static bool keep_form(struct call *r, PyObject *value) {
  PyObject *form = mxp_tree_skeleton(value);
  if (!form) return false;
  r->kept.objects[OUTPUT] = form;
  *r->output = Py_NewRef(form);
  return true;
}

static mx_status run(mxb_ctx *ctx, const mx_array *args, size_t count, mxb_list *results, void *user) {
  struct call *r = user;
  bool is_first = !r->kept.objects[OUTPUT];
  PyObject *value = (is_first ? call_function : call_again)(ctx, r, args, count);
  struct mxp_leaves leaves = {0};
  bool is_good = value && (r->any_result ? mxp_tree_flatten_loose(value, &leaves) : mxp_tree_flatten(value, &leaves, r->who));
  if (is_good && is_first) is_good = keep_form(r, value);
  mx_status status = is_good ? MX_OK : raised(ctx);
  for (size_t i = 0; i < leaves.count && !status; i++) status = mxb_list_add(ctx, results, mxb_retain(leaves.at[i]));
  mxp_leaves_free(&leaves);
  Py_XDECREF(value);
  return status;
}

/* ---- Rules ------------------------------------------------------------------------------------------------------- */
/* The arrays of what a rule returned, owned, into out[0..n): by their places in the skeleton, or, where the forms differ,
 * just as many. `rule` and `of` are for the message. */
static mx_status give(mxb_ctx *ctx, const char *rule, const char *of, PyObject *skeleton, PyObject *value, mx_array *out, size_t n) {
  struct mxp_leaves leaves = {0};
  int found = mxp_tree_match(skeleton, value, &leaves);
  if (!found && mxp_tree_flatten_loose(value, &leaves)) {
    found = leaves.count == n ? 1 : -1;
    if (found < 0)
      PyErr_Format(PyExc_ValueError, "[custom_function] the %s returned a %.200s with %zu arrays, but %s %zu", rule, Py_TYPE(value)->tp_name,
                   leaves.count, of, n);
  }
  for (size_t i = 0; found > 0 && i < n; i++) out[i] = mxb_retain(leaves.at[i]);
  mxp_leaves_free(&leaves);
  return found > 0 ? MX_OK : raised(ctx);
}

static mx_status vjp(mxb_ctx *ctx, const mx_array *primals, size_t count, const mx_array *cotangents, const mx_array *results,
                     size_t result_count, mx_array *vjps, void *user) {
  const struct call *r = user;
  PyObject *const *o = r->kept.objects, *keywords = NULL, *value = NULL;
  if (fill_keywords(ctx, r, primals, count, &keywords)) {
    PyObject *items[3] = {only_item(mxp_tree_fill(ctx, o[ARGS], primals, r->positional)), mxp_tree_fill(ctx, o[OUTPUT], cotangents, result_count),
                          mxp_tree_fill(ctx, o[OUTPUT], results, result_count)};
    value = call_with(o[VJP], items, 3, keywords);
  }
  PyObject *form = only_item(Py_NewRef(o[ARGS]));
  mx_status status = value ? give(ctx, "vjp", "the positional arguments hold", form, value, vjps, r->positional) : raised(ctx);
  Py_DECREF(form);
  Py_XDECREF(keywords);
  Py_XDECREF(value);
  return status;
}

static mx_status jvp(mxb_ctx *ctx, const mx_array *primals, const mx_array *tangents, size_t count, size_t result_count, mx_array *jvps,
                     void *user) {
  const struct call *r = user;
  PyObject *const *o = r->kept.objects, *value = NULL;
  (void)count;
  if (o[KEYWORDS]) {
    PyErr_SetString(PyExc_ValueError, "[custom_function] a function with a jvp takes no keyword arguments where it is differentiated forward");
    return raised(ctx);
  }
  PyObject *items[2] = {only_item(mxp_tree_fill(ctx, o[ARGS], primals, r->positional)),
                        only_item(mxp_tree_fill_tangents(ctx, o[ARGS], tangents, r->positional))};
  value = call_with(o[JVP], items, 2, NULL);
  mx_status status = value ? give(ctx, "jvp", "the result holds", o[OUTPUT], value, jvps, result_count) : raised(ctx);
  Py_XDECREF(value);
  return status;
}

/* ---- The call ---------------------------------------------------------------------------------------------------- */
/* Flattens the arguments; NULL with an exception. */
static struct call *new_call(const struct mxp_custom *f, PyObject *args, PyObject *keywords, struct mxp_leaves *leaves) {
  struct call *r = PyMem_RawCalloc(1, sizeof *r);
  if (!r) return PyErr_NoMemory(), NULL;
  PyObject **o = r->kept.objects;
  bool has_keywords = keywords && PyDict_GET_SIZE(keywords);
  bool is_good = mxp_tree_flatten_loose(args, leaves) && (o[ARGS] = mxp_tree_skeleton(args));
  r->positional = leaves->count;
  if (is_good && has_keywords) is_good = mxp_tree_flatten_loose(keywords, leaves) && (o[KEYWORDS] = mxp_tree_skeleton(keywords));
  o[FUN] = Py_NewRef(f->fun);
  o[VJP] = Py_XNewRef(f->vjp);
  o[JVP] = Py_XNewRef(f->jvp);
  mxb_random_state(r->key);
  mxp_keep(&r->kept);
  if (is_good) return r;
  release_call(r);
  return NULL;
}

static PyObject *rebuild(mxb_ctx *ctx, PyObject *form, const mxb_list *list) {
  size_t n = mxb_list_count(list);
  mx_array *arrays = PyMem_Malloc((n + 1) * sizeof *arrays);
  if (!arrays) return PyErr_NoMemory();
  for (size_t i = 0; i < n; i++) arrays[i] = mxb_list_at(list, i);
  PyObject *value = mxp_tree_fill(ctx, form, arrays, n);
  PyMem_Free(arrays);
  return value;
}

PyObject *mxp_custom_call(const char *who, const struct mxp_custom *f, bool any_result, PyObject *args, PyObject *keywords) {
  mxb_ctx *ctx = mxp_ctx();
  mxb_list *results = ctx ? mxb_list_new() : NULL;
  if (!results) return PyErr_NoMemory();
  struct mxp_extent extent;
  mxp_extent_begin(&extent); /* where no transform runs, nothing is kept longer than the call */
  struct mxp_leaves leaves = {0};
  PyObject *form = NULL, *value = NULL;
  struct call *r = new_call(f, args, keywords, &leaves);
  if (r) {
    r->who = who;
    r->any_result = any_result;
    r->output = &form;
    mx_status status = mxb_custom_function(ctx, run, f->vjp ? vjp : NULL, f->jvp ? jvp : NULL, r, release_call, leaves.at, leaves.count, results);
    value = status ? mxp_raise(ctx) : rebuild(ctx, form, results);
  }
  Py_XDECREF(form);
  mxb_list_free(results);
  mxp_leaves_free(&leaves);
  mxp_extent_end(&extent);
  return value;
}

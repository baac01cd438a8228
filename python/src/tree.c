/* Trees: nests of lists, tuples and dicts whose leaves are arrays, and perhaps other objects. Walking one runs no Python
 * code; building one may. A skeleton is a copy of a tree with holes in the places of its arrays: what is kept of a tree
 * without keeping the arrays alive. */
#include "mxp.h"

/* Only its address counts; nobody outside sees it. */
static struct {
  PyObject_HEAD
} hole = {PyObject_HEAD_INIT(&PyBaseObject_Type)};

static bool is_hole(PyObject *o) { return o == (PyObject *)&hole; }
static bool is_array_place(PyObject *o) { return MXP_IS_ARRAY(o) || is_hole(o); }
static bool is_container(PyObject *o) { return PyList_Check(o) || PyTuple_Check(o) || PyDict_Check(o); }

/* ---- Leaves ------------------------------------------------------------------------------------------------------ */
void mxp_leaves_free(struct mxp_leaves *leaves) {
  while (leaves->count) mxb_release(leaves->at[--leaves->count]);
  PyMem_Free(leaves->at);
  *leaves = (struct mxp_leaves){0};
}

/* `node` may be NULL: no array. */
static bool add_leaf(struct mxp_leaves *leaves, mx_array node) {
  if (leaves->count == leaves->room) {
    size_t room = leaves->room ? 2 * leaves->room : 16;
    mx_array *at = PyMem_Realloc(leaves->at, room * sizeof *at);
    if (!at) return PyErr_NoMemory(), false;
    leaves->at = at;
    leaves->room = room;
  }
  leaves->at[leaves->count++] = mxb_retain(node);
  return true;
}

/* `who` NULL: other leaves are left out. */
static bool flatten(PyObject *tree, struct mxp_leaves *leaves, const char *who);

static bool flatten_items(PyObject *tree, struct mxp_leaves *leaves, const char *who) {
  if (PyDict_Check(tree)) {
    PyObject *value;
    for (Py_ssize_t at = 0; PyDict_Next(tree, &at, NULL, &value);)
      if (!flatten(value, leaves, who)) return false;
    return true;
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(tree); i++)
    if (!flatten(PySequence_Fast_GET_ITEM(tree, i), leaves, who)) return false;
  return true;
}

static bool flatten(PyObject *tree, struct mxp_leaves *leaves, const char *who) {
  if (MXP_IS_ARRAY(tree)) return add_leaf(leaves, MXP_NODE(tree));
  if (!is_container(tree)) {
    if (who) PyErr_Format(PyExc_ValueError, "[%s] expects arrays, or lists, tuples and dicts of them, not %.200s", who, Py_TYPE(tree)->tp_name);
    return !who;
  }
  if (Py_EnterRecursiveCall(" while looking for the arrays of a tree")) return false;
  bool is_flat = flatten_items(tree, leaves, who);
  Py_LeaveRecursiveCall();
  return is_flat;
}

bool mxp_tree_flatten(PyObject *tree, struct mxp_leaves *leaves, const char *who) { return flatten(tree, leaves, who); }
bool mxp_tree_flatten_loose(PyObject *tree, struct mxp_leaves *leaves) { return flatten(tree, leaves, NULL); }

/* ---- Building: hashing a key and the classes of named tuples may run Python code, which may change the tree ------- */
enum build { REBUILD, SKELETON, TANGENTS }; /* TANGENTS: None for what is no array, and for arrays without one */

struct builder {
  mxb_ctx *ctx;
  enum build what;
  const mx_array *arrays; /* for the places, in order */
  size_t count, at;
};

static PyObject *build(struct builder *b, PyObject *tree);

static PyObject *changed(void) {
  PyErr_SetString(PyExc_RuntimeError, "a tree of arrays changed while it was copied");
  return NULL;
}

static PyObject *build_leaf(struct builder *b, PyObject *leaf) {
  if (!is_array_place(leaf)) return Py_NewRef(b->what == TANGENTS ? Py_None : leaf);
  if (b->what == SKELETON) return Py_NewRef((PyObject *)&hole);
  if (b->at >= b->count) return changed();
  mx_array node = b->arrays[b->at++];
  return node ? mxp_wrap(b->ctx, mxb_retain(node)) : Py_NewRef(Py_None);
}

static PyObject *build_dict(struct builder *b, PyObject *tree) {
  PyObject *copy = PyDict_New(), *key, *value;
  for (Py_ssize_t i = 0; copy && PyDict_Next(tree, &i, &key, &value);) {
    Py_INCREF(key);
    PyObject *item = build(b, value);
    if (!item || PyDict_SetItem(copy, key, item)) Py_CLEAR(copy);
    Py_XDECREF(item);
    Py_DECREF(key);
  }
  return copy;
}

static PyObject *build_sequence(struct builder *b, PyObject *tree, bool is_list) {
  Py_ssize_t n = PySequence_Fast_GET_SIZE(tree);
  PyObject *copy = is_list ? PyList_New(n) : PyTuple_New(n);
  for (Py_ssize_t i = 0; copy && i < n; i++) {
    PyObject *item = i < PySequence_Fast_GET_SIZE(tree) ? build(b, PySequence_Fast_GET_ITEM(tree, i)) : changed();
    if (!item)
      Py_CLEAR(copy);
    else if (is_list)
      PyList_SET_ITEM(copy, i, item);
    else
      PyTuple_SET_ITEM(copy, i, item);
  }
  return copy;
}

/* Named tuples stay what they are; other subclasses become plain tuples. */
static PyObject *build_tuple(struct builder *b, PyObject *tree) {
  PyObject *plain = build_sequence(b, tree, false);
  if (!plain || PyTuple_CheckExact(tree) || !PyObject_HasAttrString((PyObject *)Py_TYPE(tree), "_fields")) return plain;
  PyObject *named = PyObject_CallObject((PyObject *)Py_TYPE(tree), plain);
  Py_DECREF(plain);
  return named;
}

static PyObject *build(struct builder *b, PyObject *tree) {
  if (!is_container(tree)) return build_leaf(b, tree);
  if (Py_EnterRecursiveCall(" while copying a tree of arrays")) return NULL;
  Py_INCREF(tree);
  PyObject *copy = PyDict_Check(tree) ? build_dict(b, tree) : PyList_Check(tree) ? build_sequence(b, tree, true) : build_tuple(b, tree);
  Py_DECREF(tree);
  Py_LeaveRecursiveCall();
  return copy;
}

PyObject *mxp_tree_rebuild(mxb_ctx *ctx, PyObject *tree, const struct mxp_leaves *leaves, size_t *at) {
  struct builder b = {.ctx = ctx, .what = REBUILD, .arrays = leaves->at, .count = leaves->count, .at = *at};
  PyObject *copy = build(&b, tree);
  *at = b.at;
  return copy;
}

PyObject *mxp_tree_fill(mxb_ctx *ctx, PyObject *skeleton, const mx_array *arrays, size_t count) {
  struct builder b = {.ctx = ctx, .what = REBUILD, .arrays = arrays, .count = count};
  return build(&b, skeleton);
}

PyObject *mxp_tree_fill_tangents(mxb_ctx *ctx, PyObject *skeleton, const mx_array *arrays, size_t count) {
  struct builder b = {.ctx = ctx, .what = TANGENTS, .arrays = arrays, .count = count};
  return build(&b, skeleton);
}

PyObject *mxp_tree_skeleton(PyObject *tree) { return build(&(struct builder){.what = SKELETON}, tree); }

/* ---- Trees that ought to have the form of another ---------------------------------------------------------------- */
enum match { FAILED = -1, DIFFERENT, ALIKE };

static enum match match(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves);

/* None in the place of a container stands for None in all of its places. */
static enum match match_dict(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves) {
  if (tree != Py_None && !PyDict_Check(tree)) return DIFFERENT;
  enum match found = ALIKE;
  PyObject *key, *value;
  for (Py_ssize_t i = 0; found == ALIKE && PyDict_Next(skeleton, &i, &key, &value);) {
    PyObject *item = tree == Py_None ? tree : PyDict_GetItemWithError(tree, key);
    if (!item && PyErr_Occurred()) return FAILED;
    Py_XINCREF(item);
    found = item ? match(value, item, leaves) : DIFFERENT;
    Py_XDECREF(item);
  }
  return found;
}

static enum match match_sequence(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves) {
  Py_ssize_t n = PySequence_Fast_GET_SIZE(skeleton);
  bool is_none = tree == Py_None;
  if (!is_none && !PyList_Check(tree) && !PyTuple_Check(tree)) return DIFFERENT;
  enum match found = ALIKE;
  for (Py_ssize_t i = 0; found == ALIKE && i < n; i++) {
    if (!is_none && PySequence_Fast_GET_SIZE(tree) != n) return DIFFERENT;
    PyObject *item = Py_NewRef(is_none ? tree : PySequence_Fast_GET_ITEM(tree, i));
    found = match(PySequence_Fast_GET_ITEM(skeleton, i), item, leaves);
    Py_DECREF(item);
  }
  return found;
}

static enum match match(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves) {
  if (is_hole(skeleton)) {
    if (!MXP_IS_ARRAY(tree) && tree != Py_None) return DIFFERENT;
    return add_leaf(leaves, MXP_IS_ARRAY(tree) ? MXP_NODE(tree) : NULL) ? ALIKE : FAILED;
  }
  if (!is_container(skeleton)) return ALIKE;
  return PyDict_Check(skeleton) ? match_dict(skeleton, tree, leaves) : match_sequence(skeleton, tree, leaves);
}

int mxp_tree_match(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves) {
  enum match found = match(skeleton, tree, leaves);
  if (found != ALIKE) mxp_leaves_free(leaves);
  return found;
}

/* Trees: nests of lists, tuples and dicts whose leaves are arrays. Walking one runs no Python code. */
#include "mxp.h"

void mxp_leaves_free(struct mxp_leaves *leaves) {
  while (leaves->count) mxb_release(leaves->at[--leaves->count]);
  PyMem_Free(leaves->at);
  *leaves = (struct mxp_leaves){0};
}

static bool add_leaf(struct mxp_leaves *leaves, PyObject *o) {
  if (leaves->count == leaves->room) {
    size_t room = leaves->room ? 2 * leaves->room : 16;
    mx_array *at = PyMem_Realloc(leaves->at, room * sizeof *at);
    if (!at) return PyErr_NoMemory(), false;
    leaves->at = at;
    leaves->room = room;
  }
  leaves->at[leaves->count++] = mxb_retain(MXP_NODE(o));
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

static bool is_container(PyObject *o) { return PyList_Check(o) || PyTuple_Check(o) || PyDict_Check(o); }

static bool flatten(PyObject *tree, struct mxp_leaves *leaves, const char *who) {
  if (MXP_IS_ARRAY(tree)) return add_leaf(leaves, tree);
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

/* ---- Rebuilding: hashing a key may run Python code, which may change the tree ------------------------------------ */
static PyObject *changed(void) {
  PyErr_SetString(PyExc_RuntimeError, "a tree of arrays changed while it was copied");
  return NULL;
}

static PyObject *rebuild_dict(mxb_ctx *ctx, PyObject *tree, struct mxp_leaves *leaves, size_t *at) {
  PyObject *copy = PyDict_New(), *key, *value;
  for (Py_ssize_t i = 0; copy && PyDict_Next(tree, &i, &key, &value);) {
    Py_INCREF(key);
    PyObject *item = mxp_tree_rebuild(ctx, value, leaves, at);
    if (!item || PyDict_SetItem(copy, key, item)) Py_CLEAR(copy);
    Py_XDECREF(item);
    Py_DECREF(key);
  }
  return copy;
}

static PyObject *rebuild_sequence(mxb_ctx *ctx, PyObject *tree, struct mxp_leaves *leaves, size_t *at) {
  bool is_list = PyList_Check(tree);
  Py_ssize_t n = PySequence_Fast_GET_SIZE(tree);
  PyObject *copy = is_list ? PyList_New(n) : PyTuple_New(n);
  for (Py_ssize_t i = 0; copy && i < n; i++) {
    PyObject *item = i < PySequence_Fast_GET_SIZE(tree) ? mxp_tree_rebuild(ctx, PySequence_Fast_GET_ITEM(tree, i), leaves, at) : changed();
    if (!item)
      Py_CLEAR(copy);
    else if (is_list)
      PyList_SET_ITEM(copy, i, item);
    else
      PyTuple_SET_ITEM(copy, i, item);
  }
  return copy;
}

/* Its depth is that of a tree that was flattened before. */
PyObject *mxp_tree_rebuild(mxb_ctx *ctx, PyObject *tree, struct mxp_leaves *leaves, size_t *at) {
  if (MXP_IS_ARRAY(tree)) return *at < leaves->count ? mxp_wrap(ctx, mxb_retain(leaves->at[(*at)++])) : changed();
  Py_INCREF(tree);
  PyObject *copy = PyDict_Check(tree) ? rebuild_dict(ctx, tree, leaves, at) : is_container(tree) ? rebuild_sequence(ctx, tree, leaves, at) : Py_NewRef(tree);
  Py_DECREF(tree);
  return copy;
}

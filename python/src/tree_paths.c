/* mlx.utils.tree_flatten and tree_unflatten for plain trees: dicts, lists and tuples of those very types, names in ASCII, paths in the
 * order of a tree. For others these functions return None, and mlx/utils.py, which says what is right, goes the long way.
 * While a tree is walked, the garbage collector may run Python code that changes it: what is in use is held. */
#include "mxp.h"

enum outcome { FAILED = -1, UNUSUAL, DONE };

static PyObject *result_of(enum outcome outcome, PyObject *result) {
  if (outcome == DONE) return result;
  Py_XDECREF(result);
  return outcome == FAILED ? NULL : Py_NewRef(Py_None);
}

static bool is_plain_text(PyObject *o) { return PyUnicode_CheckExact(o) && PyUnicode_IS_COMPACT_ASCII(o); }
static PyObject *text_of(const char *text, size_t n) { return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, text, (Py_ssize_t)n); }

/* ---- Flattening -------------------------------------------------------------------------------------------------- */
struct walk {
  char *path; /* of the node that is visited, a dot before each name */
  size_t length, room;
  PyObject *pairs;
};

static bool reserve(struct walk *w, size_t more) {
  if (w->length + more <= w->room) return true;
  size_t room = 2 * (w->length + more);
  char *path = PyMem_Realloc(w->path, room);
  if (!path) return PyErr_NoMemory(), false;
  w->path = path;
  w->room = room;
  return true;
}

static enum outcome visit(struct walk *w, PyObject *tree);

static enum outcome visit_named(struct walk *w, PyObject *name, PyObject *child) {
  if (!is_plain_text(name)) return UNUSUAL;
  size_t n = (size_t)PyUnicode_GET_LENGTH(name), before = w->length;
  if (!reserve(w, n + 1)) return FAILED;
  w->path[w->length++] = '.';
  memcpy(w->path + w->length, PyUnicode_DATA(name), n);
  w->length += n;
  enum outcome outcome = visit(w, child);
  w->length = before;
  return outcome;
}

static enum outcome visit_numbered(struct walk *w, Py_ssize_t i, PyObject *child) {
  char digits[24];
  size_t n = 0, before = w->length;
  do digits[n++] = (char)('0' + i % 10);
  while (i /= 10);
  if (!reserve(w, n + 1)) return FAILED;
  w->path[w->length++] = '.';
  while (n) w->path[w->length++] = digits[--n];
  enum outcome outcome = visit(w, child);
  w->length = before;
  return outcome;
}

static enum outcome visit_children(struct walk *w, PyObject *tree) {
  enum outcome outcome = DONE;
  if (PyDict_CheckExact(tree)) {
    PyObject *name, *child;
    for (Py_ssize_t at = 0; outcome == DONE && PyDict_Next(tree, &at, &name, &child);) outcome = visit_named(w, name, child);
  } else {
    for (Py_ssize_t i = 0; outcome == DONE && i < PySequence_Fast_GET_SIZE(tree); i++)
      outcome = visit_numbered(w, i, PySequence_Fast_GET_ITEM(tree, i));
  }
  return outcome;
}

/* The first character of a path is dropped: the dot, or one that the caller chose. */
static enum outcome add_pair(struct walk *w, PyObject *leaf) {
  size_t skip = w->length > 0;
  PyObject *path = text_of(w->path + skip, w->length - skip), *pair = path ? PyTuple_New(2) : NULL;
  if (!pair) return Py_XDECREF(path), FAILED;
  PyTuple_SET_ITEM(pair, 0, path);
  PyTuple_SET_ITEM(pair, 1, Py_NewRef(leaf));
  int failed = PyList_Append(w->pairs, pair);
  Py_DECREF(pair);
  return failed ? FAILED : DONE;
}

static enum outcome visit(struct walk *w, PyObject *tree) {
  enum outcome outcome = UNUSUAL;
  Py_INCREF(tree);
  if (PyDict_CheckExact(tree) || PyList_CheckExact(tree) || PyTuple_CheckExact(tree)) {
    bool is_deep = Py_EnterRecursiveCall(" while a tree was flattened");
    outcome = is_deep ? FAILED : visit_children(w, tree);
    if (!is_deep) Py_LeaveRecursiveCall();
  } else if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree)) {
    outcome = add_pair(w, tree);
  }
  Py_DECREF(tree);
  return outcome;
}

static PyObject *flatten_plain(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  if (n != 2) return PyErr_Format(PyExc_TypeError, "[tree_flatten] takes a tree and a prefix, not %zd arguments", n);
  if (!is_plain_text(args[1])) Py_RETURN_NONE;
  struct walk w = {.pairs = PyList_New(0)};
  size_t length = (size_t)PyUnicode_GET_LENGTH(args[1]);
  enum outcome outcome = FAILED;
  if (w.pairs && reserve(&w, length + 64)) {
    memcpy(w.path, PyUnicode_DATA(args[1]), w.length = length);
    outcome = visit(&w, args[0]);
  }
  PyMem_Free(w.path);
  return result_of(outcome, w.pairs);
}

/* ---- Unflattening: each path goes on where it parts from the one before ------------------------------------------ */
enum { MAX_DEPTH = 32, NAMES = 16 };

struct level {
  PyObject *container; /* the one above holds it */
  size_t begin, end;   /* where the last path has the name of the entry that was added last */
};

struct builder {
  PyObject *root, *last; /* owned: the tree, the last path */
  int depth;             /* levels that are open */
  struct level levels[MAX_DEPTH];
  PyObject *names[NAMES]; /* owned: names seen before, for they come again in the next layer */
};

static PyObject *name_of(struct builder *b, const char *text, size_t n) {
  PyObject **slot = &b->names[((size_t)text[0] + 3 * (size_t)text[n - 1] + n) % NAMES];
  if (*slot && (size_t)PyUnicode_GET_LENGTH(*slot) == n && !memcmp(PyUnicode_DATA(*slot), text, n)) return *slot;
  PyObject *name = text_of(text, n);
  if (name) Py_XSETREF(*slot, name);
  return name;
}

static size_t name_length(const char *text, size_t n) {
  const char *dot = memchr(text, '.', n);
  return dot ? (size_t)(dot - text) : n;
}

static bool is_number(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (text[i] < '0' || text[i] > '9') return false;
  return n > 0;
}

static PyObject *new_container(const char *text, size_t n) {
  return is_number(text, name_length(text, n)) ? PyList_New(0) : PyDict_New();
}

/* A list takes its entries from 0 upwards; a dict takes a name once. */
static enum outcome put(struct builder *b, PyObject *container, const char *text, size_t n, PyObject *child) {
  if (PyList_CheckExact(container)) {
    Py_ssize_t index = 0;
    if (!is_number(text, n) || n > 9 || (n > 1 && text[0] == '0')) return UNUSUAL;
    for (size_t i = 0; i < n; i++) index = 10 * index + (text[i] - '0');
    if (index != PyList_GET_SIZE(container)) return UNUSUAL;
    return PyList_Append(container, child) ? FAILED : DONE;
  }
  PyObject *name = name_of(b, text, n);
  Py_ssize_t before = PyDict_GET_SIZE(container);
  if (!name || PyDict_SetItem(container, name, child)) return FAILED;
  return PyDict_GET_SIZE(container) > before ? DONE : UNUSUAL;
}

/* Closes the levels that `text` does not go through; returns where its first own name begins. */
static size_t follow(struct builder *b, const char *text, size_t n) {
  size_t at = 0;
  int depth = 0;
  const char *last = b->last ? PyUnicode_DATA(b->last) : NULL;
  while (depth + 1 < b->depth) {
    struct level *level = &b->levels[depth];
    size_t length = level->end - level->begin;
    if (at + length >= n || text[at + length] != '.' || memcmp(text + at, last + level->begin, length)) break;
    at += length + 1;
    depth++;
  }
  b->depth = depth + 1;
  return at;
}

static enum outcome add_leaf(struct builder *b, PyObject *path, PyObject *leaf) {
  const char *text = PyUnicode_DATA(path);
  size_t n = (size_t)PyUnicode_GET_LENGTH(path);
  if (!b->root && !(b->root = b->levels[0].container = new_container(text, n))) return FAILED;
  size_t at = follow(b, text, n);
  for (;;) {
    struct level *level = &b->levels[b->depth - 1];
    size_t length = name_length(text + at, n - at), end = at + length;
    bool is_last = end == n;
    if (!length || (!is_last && b->depth == MAX_DEPTH)) return UNUSUAL;
    PyObject *child = is_last ? Py_NewRef(leaf) : new_container(text + end + 1, n - end - 1);
    enum outcome outcome = child ? put(b, level->container, text + at, length, child) : FAILED;
    Py_XDECREF(child);
    if (outcome != DONE || is_last) return outcome;
    level->begin = at;
    level->end = end;
    b->levels[b->depth++].container = child;
    at = end + 1;
  }
}

static enum outcome add_held(struct builder *b, PyObject *path, PyObject *leaf) {
  if (!is_plain_text(path)) return UNUSUAL;
  Py_INCREF(path);
  Py_INCREF(leaf);
  enum outcome outcome = add_leaf(b, path, leaf);
  Py_DECREF(leaf);
  Py_XSETREF(b->last, path);
  return outcome;
}

static enum outcome add_all(struct builder *b, PyObject *tree) {
  enum outcome outcome = DONE;
  if (PyDict_CheckExact(tree)) {
    PyObject *path, *leaf;
    for (Py_ssize_t at = 0; outcome == DONE && PyDict_Next(tree, &at, &path, &leaf);) outcome = add_held(b, path, leaf);
  } else if (PyList_CheckExact(tree)) {
    for (Py_ssize_t i = 0; outcome == DONE && i < PyList_GET_SIZE(tree); i++) {
      PyObject *pair = PyList_GET_ITEM(tree, i);
      bool is_pair = PyTuple_CheckExact(pair) && PyTuple_GET_SIZE(pair) == 2;
      outcome = is_pair ? add_held(b, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1)) : UNUSUAL;
    }
  }
  return outcome == DONE && !b->root ? UNUSUAL : outcome;
}

static PyObject *unflatten_plain(PyObject *module, PyObject *tree) {
  (void)module;
  struct builder b = {.depth = 1};
  enum outcome outcome = add_all(&b, tree);
  Py_XDECREF(b.last);
  for (int i = 0; i < NAMES; i++) Py_XDECREF(b.names[i]);
  return result_of(outcome, b.root);
}

PyMethodDef mxp_tree_functions[] = {
    {"_tree_flatten", (PyCFunction)(void (*)(void))flatten_plain, METH_FASTCALL,
     "_tree_flatten($module, tree, prefix, /)\n--\n\nPairs of paths and leaves of a plain tree; None for others. For mlx.utils."},
    {"_tree_unflatten", unflatten_plain, METH_O,
     "_tree_unflatten($module, tree, /)\n--\n\nThe tree of such pairs, or of a dict of paths; None if it is not plain. For mlx.utils."},
    {NULL, NULL, 0, NULL}};

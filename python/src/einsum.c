/* einsum_path: what einsum would do, as steps and as text. */
#include <stdio.h>

#include "mxp.h"

static PyObject *steps_of(int64_t (*steps)[2], const mx_einsum_cost *cost) {
  PyObject *list = PyList_New(0);
  if (list && !cost->step_count) {
    PyObject *only = Py_BuildValue("(i)", 0);
    if (!only || PyList_Append(list, only)) Py_CLEAR(list);
    Py_XDECREF(only);
  }
  for (size_t i = 0; list && i < cost->step_count; i++) {
    PyObject *pair = Py_BuildValue("(LL)", (long long)steps[i][0], (long long)steps[i][1]);
    if (!pair || PyList_Append(list, pair)) Py_CLEAR(list);
    Py_XDECREF(pair);
  }
  return list;
}

static PyObject *text_of(const char *subscripts, const mx_einsum_cost *cost) {
  char naive[32], flops[32];
  snprintf(naive, sizeof naive, "%.15g", cost->naive_flops);
  snprintf(flops, sizeof flops, "%.15g", cost->flops);
  return PyUnicode_FromFormat("  Complete contraction:  %s\n         Naive scaling:  %d\n     Optimized scaling:  %d\n"
                              "      Naive FLOP count:  %s\n  Optimized FLOP count:  %s\n",
                              subscripts, cost->naive_scaling, cost->scaling, naive, flops);
}

static PyObject *path(const char *subscripts, PyObject *const *operands, size_t count) {
  mxb_ctx *ctx = mxp_ctx();
  mx_array *arrays = PyMem_Calloc(count + 1, sizeof *arrays);
  int64_t(*steps)[2] = PyMem_Calloc(count + 1, sizeof *steps);
  mx_einsum_cost cost = {0};
  PyObject *list = NULL, *text = NULL;
  if (!arrays || !steps) PyErr_NoMemory();
  for (size_t i = 0; arrays && i < count; i++) arrays[i] = MXP_NODE(operands[i]);
  if (ctx && arrays && steps && !mxb_einsum_path(ctx, subscripts, arrays, count, steps, &cost)) {
    list = steps_of(steps, &cost);
    text = text_of(subscripts, &cost);
  }
  if (ctx && !list && !PyErr_Occurred()) mxp_raise(ctx);
  PyMem_Free(steps);
  PyMem_Free(arrays);
  PyObject *result = list && text ? PyTuple_Pack(2, list, text) : NULL;
  Py_XDECREF(text);
  Py_XDECREF(list);
  return result;
}

static PyObject *einsum_path(PyObject *module, PyObject *const *args, Py_ssize_t n) {
  (void)module;
  const char *subscripts = n && PyUnicode_Check(args[0]) ? PyUnicode_AsUTF8(args[0]) : NULL;
  if (!subscripts && !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "[einsum_path] subscripts must be a str");
  if (!subscripts) return NULL;
  for (Py_ssize_t i = 1; i < n; i++)
    if (!MXP_IS_ARRAY(args[i])) return PyErr_Format(PyExc_TypeError, "[einsum_path] operands must be arrays, not %.200s", Py_TYPE(args[i])->tp_name);
  return path(subscripts, args + 1, (size_t)n - 1);
}

static PyMethodDef functions[] = {
    {"einsum_path", (PyCFunction)(void (*)(void))einsum_path, METH_FASTCALL,
     "einsum_path($module, subscripts, /, *operands)\n--\n\nHow einsum contracts its operands: a list of steps, and text about what they cost. Each step takes "
     "two terms\nout of the list, and puts their product at its end. Nothing is computed.\n\n"
     ">>> mx.einsum_path('ij,jk,kl->il', mx.ones((2, 9)), mx.ones((9, 9)), mx.ones((9, 2)))[0]\n[(0, 1), (0, 1)]"},
    {NULL, NULL, 0, NULL}};

bool mxp_add_einsum(PyObject *m) { return !PyModule_AddFunctions(m, functions); }

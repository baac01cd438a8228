/* Names of attributes that are looked up in objects of others, made when the module is. */
#include "foreign.h"

PyObject *mxp_names[MXP_NAME_COUNT];

bool mxp_make_names(void) {
#define MXP_NAME(name) #name,
  static const char *const texts[] = {MXP_NAMES(MXP_NAME)};
#undef MXP_NAME
  for (int i = 0; i < MXP_NAME_COUNT; i++)
    if (!(mxp_names[i] = PyUnicode_InternFromString(texts[i]))) return false;
  return true;
}

bool mxp_has(PyObject *o, enum mxp_name name) { return PyObject_HasAttr((PyObject *)Py_TYPE(o), mxp_names[name]); }
PyObject *mxp_get(PyObject *o, enum mxp_name name) { return PyObject_GetAttr(o, mxp_names[name]); }

PyObject *mxp_call(PyObject *o, enum mxp_name name, PyObject *args) {
  PyObject *method = args ? mxp_get(o, name) : NULL, *result = method ? PyObject_Call(method, args, NULL) : NULL;
  Py_XDECREF(args);
  Py_XDECREF(method);
  return result;
}

/* What custom.c, the objects, and custom_call.c, their calls, share. */
#ifndef MXP_CUSTOM_H
#define MXP_CUSTOM_H

#include "mxp.h"

/* A custom_function; a checkpoint, which has no rules. */
struct mxp_custom {
  PyObject_HEAD
  PyObject *fun;
  PyObject *vjp, *jvp, *vmap; /* or NULL */
};

/* `any_result`: the function may return what is no array, too. */
PyObject *mxp_custom_call(const char *who, const struct mxp_custom *f, bool any_result, PyObject *args, PyObject *keywords);

#endif

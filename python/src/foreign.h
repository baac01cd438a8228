/* Memory that belongs to others (foreign.c). */
#ifndef MXP_FOREIGN_H
#define MXP_FOREIGN_H

#include "mxp.h"

struct mxp_foreign {
  char *data; /* the element at index 0, 0, ... */
  int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM]; /* strides in bytes */
  int ndim;
  size_t itemsize;  /* of what lies there: 1, 2, 4, 8 or 16 */
  mx_dtype dtype;   /* what the elements become */
  bool is_wide;     /* complex128, which becomes complex64 */
  bool is_swapped;  /* the byte order is not this machine's */
};

/* Owned; NULL with an exception. */
mx_array mxp_foreign_copy(mxb_ctx *ctx, const struct mxp_foreign *f);
/* An array over the memory itself, read-only to all; ValueError where it cannot be, for its layout or since `dtype` is
 * another (-1: any but float64, which becomes float32 as MLX has it). release(user) is called once, with the GIL: when the
 * last array over the memory is gone, or on failure. */
mx_array mxp_foreign_share(mxb_ctx *ctx, const struct mxp_foreign *f, int dtype, void (*release)(void *user), void *user);
/* A copy of an evaluated array, in memory of its own. */
mx_array mxp_copied(mxb_ctx *ctx, mx_array node);

/* ---- names.c: attributes of other objects. Their names are made once: strings that are made for each call would fill the
 *      interpreter's cache of lookups ------------------------------------------------------------------------------------ */
#define MXP_NAMES(X)                                                                                                       \
  X(__array__) X(__dlpack__) X(__dlpack_device__) X(__fspath__) X(__mlx_array__) X(asarray) X(astype) X(bfloat16) X(copy)   \
  X(dtype) X(name) X(read) X(seek) X(tell) X(view) X(write)
#define MXP_NAME(name) MXP_NAME_##name,
enum mxp_name { MXP_NAMES(MXP_NAME) MXP_NAME_COUNT };
#undef MXP_NAME
extern PyObject *mxp_names[MXP_NAME_COUNT];

bool mxp_has(PyObject *o, enum mxp_name name); /* whether o's type has it */
PyObject *mxp_get(PyObject *o, enum mxp_name name);
PyObject *mxp_call(PyObject *o, enum mxp_name name, PyObject *args); /* o.name(*args); takes over args, fails where they are NULL */

/* ---- convert.c, dlpack.c: an array of an object that offers memory or an array. `share`: over that memory, or ValueError
 *      where it cannot be, `dtype` (-1: any) included; else a copy, in the dtype that is there -------------------------- */
mx_array mxp_from_foreign(mxb_ctx *ctx, PyObject *o, bool share, int dtype);
/* `o` is a capsule, or has __dlpack__. */
mx_array mxp_from_dlpack(mxb_ctx *ctx, PyObject *o, bool share, int dtype);
/* The array object `o` in a dtype (-1: its own), and in memory of its own where copy is 1. */
mx_array mxp_array_as_array(mxb_ctx *ctx, PyObject *o, int dtype, int copy);
/* copy=None, True or False as -1, 1 or 0; -2 with an exception. */
int mxp_read_copy(PyObject *o, const char *who);

#endif

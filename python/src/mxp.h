/* What the files of the extension share: the array object, errors, evaluation, conversions. Names begin with mxp_. Every
 * function needs the GIL. One that returns PyObject * gives a new reference, or NULL with an exception set. */
#ifndef MXP_H
#define MXP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mica/bind.h>

/* A slot for a node: operators like += replace the node, and aliases of the object follow. */
typedef struct {
  PyObject_HEAD
  mx_array node; /* owned, never NULL once the object can be seen */
  PyObject *weak_references;
} mxp_array;

extern PyTypeObject mxp_array_type, mxp_dtype_type, mxp_grad_type;
/* An array, or an instance of a class derived from it: such classes are made at run time, numbers and lists are not. */
#define MXP_IS_ARRAY(o) (Py_TYPE(o) == &mxp_array_type || (PyType_HasFeature(Py_TYPE(o), Py_TPFLAGS_HEAPTYPE) && PyObject_TypeCheck(o, &mxp_array_type)))
#define MXP_NODE(o)     (((mxp_array *)(o))->node)

/* ---- ctx.c: the context of the calling thread, and how its errors become exceptions ------------------------------ */
mxb_ctx *mxp_ctx_slow(void);
extern __thread mxb_ctx *mxp_thread_ctx __attribute__((tls_model("initial-exec"))); /* looked up in every call */
/* NULL, with MemoryError, where there is no memory for one. */
static inline mxb_ctx *mxp_ctx(void) { return mxp_thread_ctx ? mxp_thread_ctx : mxp_ctx_slow(); }
/* Turns ctx's pending error into an exception, unless one is set already (by a function that was called back), and
 * clears it. Always NULL. */
PyObject *mxp_raise(mxb_ctx *ctx);
/* The same in the name of `who`, whose part may have failed: "[minimum] shapes ..." becomes "[clip] shapes ...". */
PyObject *mxp_raise_as(mxb_ctx *ctx, const char *who);
bool mxp_add_errors(PyObject *module);
/* Evaluates without the GIL; Ctrl-C is noticed. False with an exception set. */
bool mxp_evaluate(mxb_ctx *ctx, const mx_array *arrays, size_t count);

/* ---- call.c ------------------------------------------------------------------------------------------------------ */
/* The only argument of `who`, by place or as `name`; borrowed, NULL with TypeError. */
PyObject *mxp_only(PyObject *const *args, Py_ssize_t count, PyObject *names, const char *name, const char *who);
/* f(module, o) as a method of flags METH_FASTCALL | METH_KEYWORDS, which is MXP_BY_NAME(f_only). */
#define MXP_ONLY(f, name, who)                                                                                  \
  static PyObject *f##_only(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {       \
    PyObject *o = mxp_only(args, count, names, name, who);                                                     \
    return o ? f(module, o) : NULL;                                                                             \
  }
#define MXP_BY_NAME(f) (PyCFunction)(void (*)(void))(f), METH_FASTCALL | METH_KEYWORDS

/* ---- array.c ----------------------------------------------------------------------------------------------------- */
/* Takes over the reference `node`; a NULL raises what is pending in ctx. */
PyObject *mxp_wrap(mxb_ctx *ctx, mx_array node);
/* An owned reference to the evaluated node, so that a slot may change meanwhile; NULL with an exception. */
mx_array mxp_evaluated(mxb_ctx *ctx, PyObject *array);
PyObject *mxp_shape(mx_array node);
bool mxp_array_ready(void);
bool mxp_add_array(PyObject *module);

/* ---- convert.c: Python values as nodes, owned -------------------------------------------------------------------- */
/* A weak scalar for bool, int, float and complex. NULL without an exception: `o` is none of these. */
mx_array mxp_scalar(mxb_ctx *ctx, PyObject *o);
/* mxp_scalar, or an array from what has the buffer protocol or __mlx_array__; NULL without an exception: neither. May run
 * Python code. */
mx_array mxp_operand(mxb_ctx *ctx, PyObject *o);
mx_array mxp_weak_operand(mxb_ctx *ctx, PyObject *o); /* the same beside an array, whose dtype NumPy's numbers take too */
/* mx.array(o, dtype): arrays, scalars, nested sequences, and objects that offer memory or an array (foreign.h). `dtype` -1:
 * by the values. NULL with an exception. */
mx_array mxp_from_object(mxb_ctx *ctx, PyObject *o, int dtype);
bool mxp_is_operand(PyObject *o); /* cheap: could mxp_operand take it? */

/* ---- names.c ----------------------------------------------------------------------------------------------------- */
bool mxp_make_names(void);

/* ---- export.c ---------------------------------------------------------------------------------------------------- */
PyObject *mxp_item(PyObject *array);
PyObject *mxp_number_of(mxb_ctx *ctx, mx_array node); /* the one element; evaluates */
PyObject *mxp_tolist(PyObject *array);
extern PyBufferProcs mxp_buffer_procs;

/* ---- text.c, pickle.c, iterator.c: methods of arrays ------------------------------------------------------------- */
PyObject *mxp_repr(PyObject *array);
PyObject *mxp_format(PyObject *array, PyObject *spec);
bool mxp_add_text(PyObject *module);
PyObject *mxp_bytes(PyObject *array, PyObject *unused);
PyObject *mxp_reduce(PyObject *array, PyObject *protocol);
PyObject *mxp_set_state(PyObject *array, PyObject *state);
PyObject *mxp_iterate(PyObject *array);
bool mxp_add_iterator(PyObject *module);

/* ---- number.c, index.c ------------------------------------------------------------------------------------------- */
extern PyNumberMethods mxp_number_methods;
extern PyMappingMethods mxp_mapping_methods;
PyObject *mxp_compare(PyObject *a, PyObject *b, int op);
PyObject *mxp_divide(PyObject *a, PyObject *b);
PyObject *mxp_complex(PyObject *array, PyObject *unused);
PyObject *mxp_subscript(PyObject *a, PyObject *index);
int mxp_assign_subscript(PyObject *a, PyObject *index, PyObject *value);
/* How a.at[index] changes elements; repeated places add up in `scatter`. */
struct mxp_update {
  mx_array (*scatter)(mxb_ctx *ctx, mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
  mx_array (*combine)(mxb_ctx *ctx, mx_array old, mx_array value);
  mx_array (*prepare)(mxb_ctx *ctx, mx_array value); /* or NULL */
};
/* `a` with the elements at `index` set to `value` (`how` NULL) or changed by it; owned, NULL with an exception. */
mx_array mxp_updated(PyObject *a, PyObject *index, PyObject *value, const struct mxp_update *how);

/* ---- at.c -------------------------------------------------------------------------------------------------------- */
PyObject *mxp_at(PyObject *array);
bool mxp_add_at(PyObject *module);

/* ---- dtype.c ----------------------------------------------------------------------------------------------------- */
PyObject *mxp_dtype_object(mx_dtype t); /* borrowed */
/* -1 with TypeError where `o` is not a Dtype. */
int mxp_dtype_of(PyObject *o, const char *who);
size_t mxp_dtype_size(mx_dtype t);
bool mxp_add_dtypes(PyObject *module);

/* ---- types.c, info.c, device.c, stream.c, memory.c ---------------------------------------------------------------- */
bool mxp_add_categories(PyObject *module);
bool mxp_add_infos(PyObject *module);
bool mxp_add_devices(PyObject *module);
/* False with an exception unless `o` is a device that is here. */
bool mxp_check_device(PyObject *o, const char *who);
/* The same for what a stream= argument takes: devices and streams. */
bool mxp_check_stream(PyObject *o, const char *who);
uint64_t mxp_total_memory(void); /* of the machine, in bytes; 0: not known */
extern struct PyModuleDef mxp_metal, mxp_cuda;

/* ---- einsum.c ---------------------------------------------------------------------------------------------------- */
bool mxp_add_einsum(PyObject *module);

/* ---- tree.c: nests of lists, tuples and dicts with arrays as leaves ---------------------------------------------- */
struct mxp_leaves {
  mx_array *at; /* owned */
  size_t count, room;
};
/* Appends the leaves of `tree`. What is neither a container nor an array: an error naming `who`, or left out. */
bool mxp_tree_flatten(PyObject *tree, struct mxp_leaves *leaves, const char *who);
bool mxp_tree_flatten_loose(PyObject *tree, struct mxp_leaves *leaves);
/* A copy of the containers of `tree` with its arrays replaced by leaves[*at], ..., which are retained. */
PyObject *mxp_tree_rebuild(mxb_ctx *ctx, PyObject *tree, const struct mxp_leaves *leaves, size_t *at);
/* A copy with holes in the places of the arrays; filled with `count` arrays; and with tangents, where NULL and what is
 * no array are None. */
PyObject *mxp_tree_skeleton(PyObject *tree);
PyObject *mxp_tree_fill(mxb_ctx *ctx, PyObject *skeleton, const mx_array *arrays, size_t count);
PyObject *mxp_tree_fill_tangents(mxb_ctx *ctx, PyObject *skeleton, const mx_array *arrays, size_t count);
/* 1 and an array of `tree` for each hole, NULL for None; 0 where the forms differ; -1 with an exception. */
int mxp_tree_match(PyObject *skeleton, PyObject *tree, struct mxp_leaves *leaves);
void mxp_leaves_free(struct mxp_leaves *leaves);

/* ---- extent.c: what running transforms may ask for --------------------------------------------------------------- */
/* A transform that runs; in the frame of the function that runs it. */
struct mxp_extent {
  struct mxp_extent *older, *newer;
  uint64_t born;
};
void mxp_extent_begin(struct mxp_extent *e);
void mxp_extent_end(struct mxp_extent *e); /* keeps the exception that is set */
/* What a call keeps for the transforms that run now: freed with the last of them, at the latest. */
enum { MXP_KEPT = 6 };
struct mxp_kept {
  struct mxp_kept *older, *newer;
  uint64_t born;
  PyObject *objects[MXP_KEPT]; /* owned; NULL once freed */
};
void mxp_keep(struct mxp_kept *k);   /* its objects are set */
void mxp_unkeep(struct mxp_kept *k); /* frees what is left; k itself is the caller's */

/* ---- custom.c ---------------------------------------------------------------------------------------------------- */
bool mxp_add_custom(PyObject *module);
/* ---- transform.c ------------------------------------------------------------------------------------------------- */
extern PyMethodDef mxp_transform_functions[], mxp_eval_functions[], mxp_type_functions[], mxp_device_functions[], mxp_file_functions[],
    mxp_tree_functions[];
extern PyMethodDef mxp_stream_functions[], mxp_memory_functions[], mxp_convert_functions[], mxp_dlpack_functions[];
extern PyMethodDef mxp_export_methods[], mxp_dlpack_methods[]; /* of arrays */

#endif

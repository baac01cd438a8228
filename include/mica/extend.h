/* For authors of operations and of backends: what a primitive is, what a kernel is given, and how both are added to a
 * running program. docs/extending.md is the tour, examples/c/custom_operation.c a complete one.
 *
 * Whoever fills in a struct sets its first field to the struct's size and the rest to zero where nothing is said, so
 * that later versions can add fields. Functions here belong with mica.h: results are in the calling thread's scope, and
 * errors are the thread's; those that take an mxb_ctx belong with bind.h. */
#ifndef MICA_EXTEND_H
#define MICA_EXTEND_H

#include <mica/bind.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a kernel is given -------------------------------------------------------------------------------------- */
/* An operand: memory and how to walk it. Strides count elements; shape and strides are valid for the call. An operand
 * of size 0 may have any data pointer. Views lie in arrays, so this struct does not change. */
struct mx_view {
  char *data; /* the element at index 0, 0, ... */
  const int64_t *shape;
  const int64_t *strides;
  int64_t size; /* elements: the product of shape */
  int32_t ndim;
  uint8_t dtype;      /* mx_dtype */
  uint8_t contiguous; /* row-major without gaps */
};

/* One operation on evaluated operands. Outputs are row-major contiguous and share no memory with inputs, but that
 * out[0].data may equal in[0].data where the primitive has MX_PRIM_INPLACE and the base was donated. */
struct mx_task {
  size_t size; /* sizeof(struct mx_task), as mica knows it */
  const struct mx_view *in;
  const struct mx_view *out;
  const void *params; /* the primitive's parameters */
  void *scratch;      /* 64-byte aligned, as many bytes as the kernel's scratch function asked for; else NULL */
  int32_t in_count, out_count;
  char message[192]; /* what went wrong, without the operation's name */
};

/* Validates before it writes, so that a failure leaves inputs whole. Returns MX_OK or a code with the message set. Runs
 * on any thread; may be running several times at once. */
typedef mx_status (*mx_kernel_fn)(struct mx_task *task);
/* Bytes of scratch for these shapes (data pointers are not valid yet). */
typedef size_t (*mx_scratch_fn)(const struct mx_task *task);

struct mx_kernel {
  mx_kernel_fn run;
  mx_scratch_fn scratch; /* NULL: none */
};

/** Sets the task's message and returns `code`. */
MX_API mx_status mx_task_fail(struct mx_task *task, mx_status code, const char *format, ...) MX_PRINTF(3, 4);
/** For kernels: fn(arg, begin, end, slot) over [0, count) in chunks that are multiples of `grain` (but the last), on as
 *  many threads as there are. `slot` is below mx_num_threads(), and no two concurrent calls share it. Which thread takes
 *  which chunk is not defined: the bits of a result must not depend on it. Returns when all is done. */
MX_API void mx_parallel(int64_t count, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int slot), void *arg);

/* ---- Primitives -------------------------------------------------------------------------------------------------- */
enum {
  MX_PRIM_VIEW = 1,     /* the result can be an alias of input 0: `view` says how */
  MX_PRIM_BARRIER = 2,  /* not shared with equal nodes, not fused through */
  MX_PRIM_INPLACE = 4,  /* may write into input 0 when that is donated */
  MX_PRIM_FALLIBLE = 8, /* its kernel can fail: no earlier leaf of the run is donated */
  MX_PRIM_LEAF = 16,    /* holds its value: scalars and arrays; not for registered ones */
  MX_PRIM_NODIFF = 32,  /* outputs take no cotangent and give no tangent */
  MX_PRIM_PURE = 64     /* shape and values follow from the inputs and STRUCTURE parameters: equal ones may be computed once */
};

/* How each parameter takes part in planning. STRUCTURE is in the plan's key; SIZE and VALUE only in the sizing's.
 * IDENTITY is in neither: a kernel finds it in the node that runs. */
enum mx_field_role { MX_FIELD_END, MX_FIELD_STRUCTURE, MX_FIELD_SIZE, MX_FIELD_VALUE, MX_FIELD_IDENTITY };
enum mx_field_type {
  MX_FIELD_I64, /* any eight bytes: a double is one too */
  MX_FIELD_I32,
  MX_FIELD_INTS64, /* int64_t[MX_MAX_NDIM], of which as many count as the node or its first input has axes */
  MX_FIELD_INTS32
};

struct mx_field {
  uint8_t role, type;
  uint16_t offset;
  const char *name;
};

/* A layout in planning: where an operand's elements lie, relative to the memory it is in. */
struct mx_layout {
  int64_t offset; /* bytes */
  int32_t ndim;
  int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
};

/* Rules. Arrays go in and out borrowed: what a rule makes with mxb_* functions it hands to mxb_lend, which keeps it until
 * the call that runs the rule is over. A rule that fails leaves the error in c and returns false.
 * Cotangents (or tangents) arrive and leave as arrays; NULL stands for zero. `node` is the operation's node: its inputs
 * are the primals (mx_prim_inputs). Gradients are written for inputs whose bit is in `wanted`; bit 63 stands for all from
 * the 64th on. Written with operations that differentiate, a rule can be differentiated again. */
typedef bool (*mx_vjp_rule)(mxb_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                            mx_array *grads);
typedef bool (*mx_jvp_rule)(mxb_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                            mx_array *output_tangents);
/* inputs carry the mapped axis at in_axes[i] (-1: not mapped); outputs carry it at out_axes[i]. */
typedef bool (*mx_vmap_rule)(mxb_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                             int *out_axes);
/* Writes how the node (an alias of input 0) lies, given the layout of input 0; false: it needs a copy of that, row-major,
 * which every rule must accept. */
typedef bool (*mx_view_rule)(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                             struct mx_layout *out);

/* What comes out, one entry for each output; as the rule finds them, each is a float32 of no axes. */
struct mx_result {
  mx_dtype dtype;
  int ndim;
  int64_t shape[MX_MAX_NDIM];
};
/* Checks the inputs and says what comes out; false with the error in c (mxb_raise). */
typedef bool (*mx_shape_rule)(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, struct mx_result *results);
/* The same operation said with others; results are lent. */
typedef bool (*mx_fallback_rule)(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, mx_array *results);

struct mx_prim {
  size_t size; /* sizeof(struct mx_prim) */
  const char *name;
  uint32_t flags;
  uint32_t params_size; /* 0: none. Parameters are plain data, copied into the node */
  const struct mx_field *fields; /* ends with role MX_FIELD_END; NULL with params: all bytes are STRUCTURE */
  void (*params_retain)(void *params); /* for parameters of more than 8 bytes that refer to something counted: called */
  void (*params_free)(void *params);   /* for each copy, and when the copy goes: on any thread, perhaps under a lock */
  mx_view_rule view;
  mx_vjp_rule vjp; /* a rule that is NULL is derived from the fallback */
  mx_jvp_rule jvp;
  mx_vmap_rule vmap;
  mx_shape_rule shape;       /* registered primitives must have one */
  mx_fallback_rule fallback; /* NULL: none; then what is not there is an UNSUPPORTED error where it is needed */
  uint32_t output_count;     /* 0 means 1 */
};

#define MX_OP_MAX 1024 /* numbers of operations are below this */

/** Adds a primitive to the program, for good: its number, or 0. The structs are copied, what they point to (fields too)
 *  must stay. `kernel` NULL: evaluation goes by the fallback. Any thread, any time.  [fails: value memory]
 *  error: MX_ERR_VALUE if the name is taken or the description contradicts itself. */
MX_API int mx_prim_register(const struct mx_prim *prim, const struct mx_kernel *kernel);
/** The number of the operation or primitive of this name; 0 if there is none. */
MX_API int mx_prim_find(const char *name);
/** Applies a registered primitive: the result of one with a single output.  [lazy; fails: as its shape rule, memory] */
MX_API mx_array mx_prim_apply(int op, const void *params, const mx_array *inputs, size_t count);
/** The same for any number of outputs; results has room for all of them. */
MX_API mx_status mx_prim_apply_many(int op, const void *params, const mx_array *inputs, size_t count, mx_array *results);
/** The ctx form, for rules and bindings: results are owned. */
MX_API mx_status mxb_prim_apply(mxb_ctx *ctx, int op, const void *params, const mx_array *inputs, size_t count,
                                mx_array *results);
/** For rules: the inputs and the parameters of a node. */
MX_API const mx_array *mx_prim_inputs(mx_array node, size_t *count);
MX_API const void *mx_prim_params(mx_array node);

/* ---- Clusters of elementwise operations over one iteration space --------------------------------------------------
 * Registers 0 .. in_count-1 are the inputs in their stored dtype; instruction i writes register in_count + i. A
 * register is a run of n elements of the iteration space (row-major), or one element where it is scalar. Halves are
 * computed in float32 and rounded after each instruction, so a fused chain equals the unfused one. */
struct mx_instr {
  uint16_t op;       /* number of an elementwise operation, or MX_INSTR_CAST */
  uint8_t dtype;     /* of the operands (of the source, for a cast), all of them after promotion */
  uint8_t out_dtype; /* of the result */
  uint8_t arity;
  uint8_t scalar;  /* the result is one element: computed once */
  int16_t in[3];   /* registers */
  int32_t output;  /* >= 0: the result is also stored to this output operand */
};
#define MX_INSTR_CAST 0xffff

#define MX_CLUSTER_MAX_INSTRS 24 /* a longer chain is cut: registers must fit in the first-level cache */
#define MX_CLUSTER_MAX_INPUTS 12

/* A cluster at one size, after collapsing. */
struct mx_cluster {
  const struct mx_instr *instrs;
  const int64_t *shape;   /* of the collapsed iteration space, ndim of them */
  const int64_t *strides; /* in_count * ndim: element strides of each input; outputs are dense */
  const uint8_t *in_dtypes, *out_dtypes;
  const uint8_t *in_kinds; /* enum mx_input_kind */
  const void *program;     /* what mica's own interpreter made of it; may be NULL */
  int64_t size;
  int32_t ndim, in_count, out_count, instr_count;
};
enum mx_input_kind { MX_INPUT_DENSE, MX_INPUT_SCALAR, MX_INPUT_STRIDED };

/* z = x @ w, t = chain(z, ...), g = t @ x, over x of `rows` by `columns`: the linear-model step. */
struct mx_linear {
  int64_t rows, columns, row_stride;
  int32_t z_input;   /* which input of the chain is z */
  int32_t y, s1, s2; /* registers of the chain where it is affine; s1, s2 may be -1: none */
  uint8_t affine;    /* the chain is ((z - y) * s1) * s2 */
};

/* ---- Backends ---------------------------------------------------------------------------------------------------- */
/* How operations are computed. What is NULL is inherited from mica's own. */
struct mx_backend {
  size_t size; /* sizeof(struct mx_backend) */
  const char *name;
  const struct mx_kernel *kernels; /* by operation number; an entry without `run` is inherited */
  size_t kernel_count;
  mx_status (*elementwise)(const struct mx_cluster *cluster, const void *const *in, void *const *out);
  mx_status (*linear)(const struct mx_linear *linear, const struct mx_cluster *chain, const void *const *in, void *const *out,
                      void *scratch); /* scratch: as mica's own needs it */
  /* The reduction `op` (sum, prod, max, min, all or any) over the cluster's last result, which gets no memory:
   * task->in[0] is its shape without data, out[] the other results, then task->out[0]. Inherited only where none of the
   * parts is replaced, neither `elementwise` nor a kernel of the six; else cluster and reduction run one by one. */
  mx_status (*reduce)(int op, struct mx_task *task, const struct mx_cluster *chain, const void *const *in, void *const *out);
};

/** Computes with `backend` from now on; NULL: mica's own again. The struct is copied, the kernels too. Not while an
 *  evaluation runs.  [action; fails: value] */
MX_API mx_status mx_backend_use(const struct mx_backend *backend);

#ifdef __cplusplus
}
#endif

#endif

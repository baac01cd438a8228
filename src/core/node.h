/* Nodes: the vertices of the graph, and what a handle points to. A node is immutable but for its reference counts, its
 * mark (guarded by the graph lock) and, once evaluated, its buffer. Start at mxi_node_make; builders live in ops/. */
#ifndef MXI_CORE_NODE_H
#define MXI_CORE_NODE_H

#include <stdatomic.h>

#include "core/dtype.h"
#include "core/quarantine.h"

#define MXI_MAX_NDIM MX_MAX_NDIM /* as in NumPy; more is MX_ERR_SHAPE */
#define MXI_INLINE_NDIM 4

struct mxi_buffer;
struct mxi_ctx;
struct mxi_extra;
struct mxi_payload;

/* What lives beside few nodes: outputs of a multi-output operation, failure, a binding's payload. */
struct mxi_extra {
  char *failure;                  /* message of a failed run; the node's code is in failure_code */
  mx_status failure_code;
  mx_stream stream;               /* NULL: the default stream */
  struct mxi_buffer *contiguous;  /* row-major copy of a view, made by mx_data */
  struct mxi_run *run;            /* the asynchronous run that will publish this node */
  int output_count;               /* of a multi-output node */
  struct mxi_buffer **outputs;    /* its buffers, once evaluated */
  const struct mxi_output *output_specs; /* shapes and dtypes of its outputs */
  struct mxi_payload *ext;        /* a language binding's (core/payload.h) */
};

enum {
  MXI_NODE_EVALUATED = 1, /* buffer is set, or the value is inline (a scalar) */
  MXI_NODE_WEAK = 2,      /* a literal: takes the other operand's dtype */
  MXI_NODE_CLAIMED = 4,   /* an asynchronous run will publish it */
  MXI_NODE_FAILED = 8,
  MXI_NODE_TAINTED = 16,  /* downstream of a binding's closure */
  MXI_NODE_BESIDE = 32,   /* parameters, dimensions, strides or extra lie outside the node and go with it */
};

struct mx_array_ {
  _Atomic uint32_t owner; /* the thread whose count `local` is; 0 once merged (PEP 703) */
  _Atomic int32_t local;  /* references of the owner, stored relaxed */
  _Atomic int32_t shared; /* references of the others << 2 | MXI_SHARED_* */
  uint16_t op;            /* enum mxi_op */
  uint8_t dtype;
  _Atomic uint8_t flags;  /* MXI_NODE_* */
  uint32_t input_count;
  uint16_t ndim;
  uint16_t shape_class;   /* of its dimensions, as the key of a plan has them: see MXI_CLASS_NDIM */
  union {
    uint64_t mark;           /* epoch << MXI_MARK_BITS | position on the tape */
    struct mx_array_ *next;  /* of the free, and of the dead */
  };
  union {
    struct mx_array_ *in[2];
    struct {
      struct mx_array_ **list; /* where input_count > 2 */
      void *unused;
    } many;
  };
  struct mxi_buffer *buffer;
  uint64_t trace; /* id of the innermost transform this depends on; 0: none */
  union {
    double f;
    int64_t i;
    uint64_t u;
    mxi_c64 c;
    void *heap; /* where the primitive's params_size > 8 */
  } params;
  union mxi_node_dims {
    int64_t fixed[MXI_INLINE_NDIM]; /* zero beyond ndim */
    int64_t *heap;
  } dims;
  int64_t *strides; /* NULL: row-major from the buffer's start; else ndim strides in elements, then the offset in bytes */
  struct mx_array_ *next_merge; /* in a merge queue */
  struct mxi_extra *extra;
  MXI_ORIGIN /* debug builds only */
};

static inline const int64_t *mxi_dims(const struct mx_array_ *a) {
  return a->ndim <= MXI_INLINE_NDIM ? a->dims.fixed : a->dims.heap;
}
static inline struct mx_array_ *const *mxi_inputs(const struct mx_array_ *a) {
  return a->input_count > 2 ? a->many.list : a->in;
}
static inline uint8_t mxi_flags(const struct mx_array_ *a) {
  return atomic_load_explicit(&a->flags, memory_order_acquire);
}
static inline bool mxi_is_evaluated(const struct mx_array_ *a) { return mxi_flags(a) & MXI_NODE_EVALUATED; }
static inline int64_t mxi_offset(const struct mx_array_ *a) { return a->strides ? a->strides[a->ndim] : 0; }
int64_t mxi_size(const struct mx_array_ *a);
static inline bool mxi_shapes_equal(const struct mx_array_ *a, const struct mx_array_ *b) {
  if (a->ndim != b->ndim) return false;
  if (a->ndim <= MXI_INLINE_NDIM) {
    uint64_t differ = 0;
    for (int i = 0; i < MXI_INLINE_NDIM; i++) differ |= (uint64_t)(a->dims.fixed[i] ^ b->dims.fixed[i]);
    return differ == 0;
  }
  for (int i = 0; i < a->ndim; i++)
    if (a->dims.heap[i] != b->dims.heap[i]) return false;
  return true;
}

/* The class of each dimension takes two bits: 0, 1, 2 = larger. Of more dimensions than these, none is noted. */
enum { MXI_CLASS_NDIM = 8 };
const void *mxi_params(const struct mx_array_ *a); /* the primitive's parameter struct */

/* ---- Making nodes ------------------------------------------------------------------------------------------------ */
/* A node of operation `op`, its result on c's stack (the caller borrows it). Inputs are retained, params and shape
 * copied. NULL with c's error set on failure. Checks rank and that the size in bytes fits. */
mx_array mxi_node_make(struct mxi_ctx *c, int op, mx_dtype dtype, int ndim, const int64_t *shape, const mx_array *inputs,
                       size_t input_count, const void *params);

/* A multi-output operation: one node, read through projections. results[i] are on c's stack. */
struct mxi_output {
  mx_dtype dtype;
  int ndim;
  const int64_t *shape;
};
mx_status mxi_node_make_many(struct mxi_ctx *c, int op, const struct mxi_output *outputs, int output_count,
                             const mx_array *inputs, size_t input_count, const void *params, mx_array *results);

/* A 0-d constant held in the node itself, cast to dtype; never weak. */
mx_array mxi_scalar_f(struct mxi_ctx *c, double v, mx_dtype dtype);
mx_array mxi_scalar_i(struct mxi_ctx *c, int64_t v, mx_dtype dtype);
mx_array mxi_scalar_c(struct mxi_ctx *c, double re, double im, mx_dtype dtype);
/* The value of a scalar node, whatever its dtype. */
double mxi_scalar_value(const struct mx_array_ *a);
/* `a` as it counts where it stands alone: a weak literal becomes a plain 0-d array, all else is returned as it is. */
mx_array mxi_strong(struct mxi_ctx *c, mx_array a);
/* A literal, or any operand, for an operation computed in `dtype`: weak ones are remade, others are cast by ops/. */
mx_array mxi_literal_as(struct mxi_ctx *c, const char *who, mx_array weak, mx_dtype dtype);

/* An evaluated array over `buffer` (one reference is taken over, on success only). strides NULL: row-major. */
mx_array mxi_node_from_buffer(struct mxi_ctx *c, struct mxi_buffer *buffer, mx_dtype dtype, int ndim, const int64_t *shape);

/* ---- References -------------------------------------------------------------------------------------------------- */
void mxi_retain(mx_array a);
void mxi_node_detach(mx_array a); /* drops the inputs of an evaluated node */
void mxi_release(mx_array a); /* iterative: a million nodes deep is fine */
void mxi_release_many(mx_array a, int32_t count);

#endif

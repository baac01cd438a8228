/* What forward and reverse differentiation share: running a function on tracers, and the tape of what depends on them.
 * A tracer is an `argument` node; its id, larger than that of every transform before, is inherited by whatever is built
 * from it, so a walk enters only nodes with an id at least its own. */
#ifndef MXI_TRANSFORM_TRACE_H
#define MXI_TRANSFORM_TRACE_H

#include "core/prim.h"

enum { MXI_TRACE_NONE = -1 };

struct mxi_trace_node {
  mx_array node;
  uint64_t wanted;     /* bit k: input k depends on an argument; bit 63 also for those after it */
  uint32_t input_at;   /* into positions */
  uint32_t output_at;  /* into cotangents or tangents: a multi-output node has several */
  uint16_t output_count;
  bool needed;         /* depends on an argument */
  bool is_argument;    /* of this trace */
};

struct mxi_trace_entry { /* of the walk that lists the tape */
  mx_array node;
  uint32_t next;
};

/* Growing arrays, kept by the thread from one transform to the next. */
struct mxi_trace_memory {
  struct mxi_trace_memory *next;
  mx_array *arguments;
  struct mxi_trace_node *nodes; /* the tape, inputs before their readers */
  int32_t *positions;           /* by input: position on the tape, MXI_TRACE_NONE for constants; then by result */
  struct mxi_trace_entry *stack;
  mx_array *values;             /* cotangents or tangents, by value of the tape; NULL: zero */
  mx_array *operands;           /* gradients or tangents of one node's inputs: room for those of any node */
  size_t argument_capacity, node_capacity, position_capacity, stack_capacity, value_capacity, operand_capacity;
};

struct mxi_trace {
  struct mxi_ctx *c;
  struct mxi_trace_memory *memory;
  uint64_t id, outer_base;
  const mx_array *primals;
  mx_array *arguments;
  size_t count;
  struct mxi_trace_node *nodes;
  int32_t *positions;
  size_t node_count, position_count, value_count;
};

/* Makes tracers for the primals, on c's stack. */
mx_status mxi_trace_begin_call(struct mxi_trace *t, struct mxi_ctx *c, const char *who, const mx_array *primals, size_t count);
/* Lists what the results depend on. Call after the function has run. */
mx_status mxi_trace_collect(struct mxi_trace *t, const char *who, const mx_array *results, size_t result_count);
void mxi_trace_end_call(struct mxi_trace *t);
/* The array of values of the tape, all NULL; NULL without memory. */
mx_array *mxi_trace_values(struct mxi_trace *t);

/* outputs[i] of a node: itself, or its projections as new nodes. NULL on failure. The stack may move while a rule runs:
 * `self` is where a node's own handle is kept meanwhile; projections are kept behind its operands, which may move here. */
const mx_array *mxi_trace_projections(struct mxi_trace *t, const struct mxi_trace_node *n);
static inline const mx_array *mxi_trace_outputs(struct mxi_trace *t, const struct mxi_trace_node *n, mx_array *self) {
  *self = n->node;
  return n->node->extra && n->node->extra->output_count ? mxi_trace_projections(t, n) : self;
}
/* A zero of a's shape and dtype, and a one. */
mx_array mxi_zeros_of(struct mxi_ctx *c, mx_array a);

#endif

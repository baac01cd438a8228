/* What the files that build a sizing share. */
#ifndef MXI_PLAN_SIZING_H
#define MXI_PLAN_SIZING_H

#include "plan/plan.h"

/* Where a node's value lies. */
struct mxi_place {
  uint32_t slot;
  int32_t ndim;
  int64_t offset; /* bytes */
  const int64_t *shape, *strides;
  bool dense; /* row-major without gaps */
  bool whole; /* a leaf that is row-major from its buffer's start: its buffer may be donated */
};

struct mxi_sizer {
  const struct mxi_skeleton *s;
  const struct mxi_tape *t;
  const struct mxi_planner *planner;
  struct mxi_sizing *z;
  struct mxi_place *places;
  struct mx_layout *layouts; /* two, for calls of view functions */
  size_t slot_capacity, step_capacity, operand_capacity;
  bool failed; /* out of memory */
};

uint32_t mxi_sizing_slot(struct mxi_sizer *b, enum mxi_slot_kind kind, uint32_t node, size_t nbytes);
struct mxi_step *mxi_sizing_step(struct mxi_sizer *b, enum mxi_step_kind kind, uint32_t node);
bool mxi_sizing_operand(struct mxi_sizer *b, uint32_t slot, int64_t offset);
bool mxi_sizing_is_dense(int ndim, const int64_t *shape, const int64_t *strides);

void mxi_sizing_cluster(struct mxi_sizer *b, int32_t cluster);
/* A step that copies `from` to `to`, of the same shape. */
void mxi_sizing_copy(struct mxi_sizer *b, uint32_t node, mx_dtype dtype, const struct mxi_place *from, const struct mxi_place *to);
/* True when the product at `node` was placed as a linear step, or will be by one. */
bool mxi_sizing_linear(struct mxi_sizer *b, uint32_t node);
/* True when the cluster is left to the reduction that reads it. */
bool mxi_sizing_is_reduced(const struct mxi_sizer *b, int32_t cluster);
/* True when the reduction at `node` was placed as one step with its cluster. */
bool mxi_sizing_reduction(struct mxi_sizer *b, uint32_t node);
/* A step over a cluster whose root gets no memory: inputs and other results are its operands. NULL without memory. */
struct mxi_step *mxi_sizing_chain_step(struct mxi_sizer *b, int32_t cluster, enum mxi_step_kind kind, uint32_t node);
/* A row-major value of this shape: without memory, and in a slot of its own. */
struct mxi_place mxi_sizing_dense(struct mxi_sizer *b, int ndim, const int64_t *shape);
struct mxi_place mxi_sizing_fresh(struct mxi_sizer *b, uint32_t node, mx_dtype dtype, int ndim, const int64_t *shape);
void mxi_sizing_view(struct mx_view *v, const struct mxi_place *p, mx_dtype dtype);
/* Lifetimes, donation and addresses. */
bool mxi_sizing_memory(struct mxi_sizer *b);

#endif

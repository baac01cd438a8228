/* What makes and frees most nodes, in line: a node of the shape of one of its inputs, with at most two of them, and no
 * parameters. All else goes through node.c and refs.c. */
#ifndef MXI_CORE_NODE_INLINE_H
#define MXI_CORE_NODE_INLINE_H

#include "base/buffer.h"
#include "core/prim.h"
#include "core/refs.h"

/* A 0-d node with one reference, no inputs, no parameters; NULL without memory. */
static inline mx_array mxi_node_blank(struct mxi_thread *self, int op, mx_dtype dtype, uint8_t flags) {
  mx_array a = mxi_node_alloc(self);
  if (!a) return NULL;
  atomic_store_explicit(&a->owner, self->id, memory_order_relaxed);
  atomic_store_explicit(&a->local, 1, memory_order_relaxed);
  atomic_store_explicit(&a->shared, 0, memory_order_relaxed);
  atomic_store_explicit(&a->flags, flags, memory_order_relaxed);
  a->op = (uint16_t)op;
  a->dtype = (uint8_t)dtype;
  a->input_count = 0;
  a->ndim = 0;
  a->shape_class = 0;
  a->mark = 0;
  a->buffer = NULL;
  a->params.u = 0;
  a->trace = 0;
  for (int i = 0; i < MXI_INLINE_NDIM; i++) a->dims.fixed[i] = 0;
  a->strides = NULL;
  a->extra = NULL;
  return a;
}

/* The node of an operation without parameters on `x`, and `y` unless that is NULL, which has the shape of `like`, one of
 * them, and items no wider. Its result is on c's stack. */
static inline mx_array mxi_node_like(struct mxi_ctx *c, int op, mx_dtype dtype, mx_array like, mx_array x, mx_array y) {
  if (like->ndim > MXI_INLINE_NDIM) return mxi_node_make(c, op, dtype, like->ndim, mxi_dims(like), (mx_array[]){x, y}, y ? 2 : 1, NULL);
  struct mxi_thread *self = mxi_self();
  uint8_t flags = mxi_flags(x) | (y ? mxi_flags(y) : 0);
  mx_array a = mxi_node_blank(self, op, dtype, flags & MXI_NODE_TAINTED);
  if (!a) return mxi_fail_memory(c, mxi_prims[op]->name);
  a->input_count = y ? 2 : 1;
  a->in[0] = x;
  a->in[1] = y;
  mxi_refs_add(x, self);
  if (y) mxi_refs_add(y, self);
  a->trace = y && y->trace > x->trace ? y->trace : x->trace;
  a->ndim = like->ndim;
  a->shape_class = like->shape_class;
  for (int i = 0; i < MXI_INLINE_NDIM; i++) a->dims.fixed[i] = like->dims.fixed[i];
  return mxi_push(c, a);
}

void mxi_node_free_beside(mx_array a);

/* Frees a node whose inputs are dealt with and that nobody refers to. */
static inline void mxi_node_free_alone(struct mxi_thread *self, mx_array a) {
  if (a->buffer) mxi_buffer_release(a->buffer);
  if (mxi_flags(a) & MXI_NODE_BESIDE) mxi_node_free_beside(a);
  mxi_node_recycle(self, a);
}

#endif

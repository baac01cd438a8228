/* What makes and frees most nodes, in line: a node of the shape of one of its inputs, with at most two of them, and no
 * parameters. All else goes through node.c and refs.c. */
#ifndef MXI_CORE_NODE_INLINE_H
#define MXI_CORE_NODE_INLINE_H

#include "base/buffer.h"
#include "core/prim.h"
#include "core/refs.h"

/* Makes free memory a node with one reference and no parameters. */
static inline void mxi_node_start(mx_array a, const struct mxi_thread *self, int op, mx_dtype dtype, uint8_t flags, mx_array x, mx_array y,
                                  uint64_t trace, uint16_t ndim, uint16_t shape_class, union mxi_node_dims dims) {
  atomic_store_explicit(&a->owner, self->id, memory_order_relaxed);
  atomic_store_explicit(&a->local, 1, memory_order_relaxed);
  atomic_store_explicit(&a->shared, 0, memory_order_relaxed);
  a->op = (uint16_t)op;
  a->dtype = (uint8_t)dtype;
  atomic_store_explicit(&a->flags, flags, memory_order_relaxed);
  a->input_count = (x != NULL) + (y != NULL);
  a->ndim = ndim;
  a->shape_class = shape_class;
  a->mark = 0;
  a->in[0] = x;
  a->in[1] = y;
  a->buffer = NULL;
  a->params.u = 0;
  a->trace = trace;
  a->dims = dims;
  a->strides = NULL;
  a->extra = NULL;
  mxi_node_born(a, self);
}

/* The node of an operation without parameters on `x`, and `y` unless that is NULL, which has the shape of `like`, one of
 * them, and items no wider. Its result is on c's stack. What can fail is looked at first, and left to the other paths. */
static inline mx_array mxi_node_like(struct mxi_ctx *c, int op, mx_dtype dtype, mx_array like, mx_array x, mx_array y) {
  struct mxi_thread *self = mxi_self_;
  if (!self || !self->free_nodes || mxi_memory_is_armed() || c->top == c->capacity || like->ndim > MXI_INLINE_NDIM) {
    mx_array in[2] = {x, y};
    return mxi_node_make(c, op, dtype, like->ndim, mxi_dims(like), in, y ? 2 : 1, NULL);
  }
  mx_array a = mxi_node_pop(self);
  uint8_t taint = (mxi_flags(x) | (y ? mxi_flags(y) : 0)) & MXI_NODE_TAINTED;
  uint64_t trace = y && y->trace > x->trace ? y->trace : x->trace;
  mxi_refs_add(x, self);
  if (y) mxi_refs_add(y, self);
  mxi_node_start(a, self, op, dtype, taint, x, y, trace, like->ndim, like->shape_class, like->dims);
  return c->stack[c->top++] = a;
}

void mxi_node_free_beside(mx_array a);

/* Frees a node whose inputs are dealt with and that nobody refers to. */
static inline void mxi_node_free_alone(struct mxi_thread *self, mx_array a) {
  if (a->buffer) mxi_buffer_release(a->buffer);
  if (mxi_flags(a) & MXI_NODE_BESIDE) mxi_node_free_beside(a);
  mxi_node_bury(self, a);
}

#endif

/* The tape, in line: what collect does for each node. Appending a node marks it with its position and writes its part of
 * the key (plan/key.h says what that is); members are found, and end the key, when the tape is whole. */
#ifndef MXI_PLAN_TAPE_H
#define MXI_PLAN_TAPE_H

#include "core/refs.h"
#include "plan/key.h"

enum { MXI_TAPE_ROOM = 16 }; /* words of structure and of sizes that a node of the short kind takes at most */

bool mxi_tape_grow(struct mxi_tape *t);
/* The rest of a node's key, for what is not in line: its head is written, unless its rank is above MXI_CLASS_NDIM. */
bool mxi_tape_add_long(struct mxi_tape *t, mx_array a, uint32_t layout);

static inline uint32_t mxi_tape_position(const struct mx_array_ *a) {
  return (uint32_t)(a->mark & ((1u << MXI_MARK_BITS) - 1));
}

static inline uint32_t mxi_key_head(const struct mx_array_ *a, uint32_t op, uint32_t layout) {
  return op | (uint32_t)a->dtype << MXI_KEY_DTYPE | layout << MXI_KEY_LAYOUT | (uint32_t)a->shape_class << MXI_KEY_NDIM;
}

/* A value that is there already. */
static inline bool mxi_tape_add_leaf(struct mxi_tape *t, mx_array a) {
  uint32_t layout = a->op == MXI_OP_scalar ? MXI_KEY_SCALAR : a->strides ? MXI_KEY_STRIDED : MXI_KEY_DENSE;
  t->leaf_count++;
  if (a->ndim > MXI_INLINE_NDIM || layout == MXI_KEY_STRIDED) return mxi_tape_add_long(t, a, layout);
  t->structure[t->structure_count++] = mxi_key_head(a, 0, layout);
  for (int i = 0; i < a->ndim; i++) t->sizes[t->sizes_count++] = a->dims.fixed[i];
  return true;
}

/* Appends a node whose inputs are on the tape; false without memory. Flags are the node's. */
static inline bool mxi_tape_add(struct mxi_tape *t, mx_array a, uint64_t epoch, uint8_t flags) {
  size_t at = t->count;
  if ((at >= t->capacity || t->structure_count + MXI_TAPE_ROOM > t->structure_capacity ||
       t->sizes_count + MXI_TAPE_ROOM > t->sizes_capacity) && !mxi_tape_grow(t))
    return false;
  a->mark = epoch << MXI_MARK_BITS | at;
  t->nodes[at] = a;
  t->uses[at] = 0;
  t->kinds[at] = flags & MXI_NODE_EVALUATED ? MXI_TAPE_LEAF : MXI_TAPE_INNER;
  t->count = at + 1;
  if (flags & MXI_NODE_EVALUATED) return mxi_tape_add_leaf(t, a);
  mx_array const *in = a->in;
  if (!mxi_is_elementwise(a->op) || a->input_count > 2 || a->ndim > MXI_CLASS_NDIM) return mxi_tape_add_long(t, a, 0);
  uint32_t *w = t->structure + t->structure_count;
  *w++ = mxi_key_head(a, a->op, 0);
  *w++ = a->input_count;
  for (uint32_t k = 0; k < a->input_count; k++) {
    *w = mxi_tape_position(in[k]);
    t->uses[*w++]++;
  }
  t->structure_count = (size_t)(w - t->structure);
  return true; /* no parameters, and its shape follows from its inputs */
}

/* Finds the members and ends the key with them; false without memory. */
bool mxi_tape_finish(struct mxi_tape *t, uint64_t trace_base);
void mxi_tape_free(struct mxi_tape *t);

static inline void mxi_tape_clear(struct mxi_tape *t) {
  t->count = t->structure_count = t->sizes_count = t->member_count = 0;
  t->leaf_count = 0;
  t->traced = false;
}

#endif

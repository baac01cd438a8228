/* The tape, in line: what collect does for each node. Appending a node marks it with its position and writes its part of
 * the key (plan/key.h says what that is); members are found, and end the key, when the tape is whole. */
#ifndef MXI_PLAN_TAPE_H
#define MXI_PLAN_TAPE_H

#include "core/refs.h"
#include "plan/key.h"

enum { MXI_TAPE_ROOM = 16 }; /* words of structure and of sizes that a node of the short kind takes at most */

bool mxi_tape_grow(struct mxi_tape *t);
/* The key of a node, where it is not in line. */
bool mxi_tape_add_long(struct mxi_tape *t, mx_array a, uint32_t layout);

static inline uint32_t mxi_tape_position(const struct mx_array_ *a) {
  return (uint32_t)(a->mark & ((1u << MXI_MARK_BITS) - 1));
}

static inline void mxi_key_head(uint32_t *w, const struct mx_array_ *a, uint32_t op, uint32_t layout) {
  w[0] = op | (uint32_t)a->dtype << MXI_KEY_DTYPE | layout << MXI_KEY_LAYOUT;
  w[1] = a->ndim | (uint32_t)a->shape_class << MXI_KEY_CLASSES;
}

/* Where the next node goes, with room for a node of the short kind; false without memory. */
static inline bool mxi_tape_place(struct mxi_tape *t, mx_array a, uint64_t epoch, enum mxi_tape_kind kind) {
  size_t at = t->count;
  if ((at >= t->capacity || t->structure_count + MXI_TAPE_ROOM > t->structure_capacity ||
       t->sizes_count + MXI_TAPE_ROOM > t->sizes_capacity) && !mxi_tape_grow(t))
    return false;
  a->mark = epoch << MXI_MARK_BITS | at;
  t->nodes[at] = a;
  t->uses[at] = 0;
  t->kinds[at] = (uint8_t)kind;
  t->count = at + 1;
  return true;
}

/* A value that is there already. */
static inline bool mxi_tape_add_leaf(struct mxi_tape *t, mx_array a, uint64_t epoch) {
  if (!mxi_tape_place(t, a, epoch, MXI_TAPE_LEAF)) return false;
  uint32_t layout = a->op == MXI_OP_scalar ? MXI_KEY_SCALAR : a->strides ? MXI_KEY_STRIDED : MXI_KEY_DENSE;
  t->leaf_count++;
  if (a->ndim > MXI_INLINE_NDIM || layout == MXI_KEY_STRIDED) return mxi_tape_add_long(t, a, layout);
  mxi_key_head(t->structure + t->structure_count, a, 0, layout);
  t->structure_count += MXI_KEY_HEAD;
  for (int i = 0; i < a->ndim; i++) t->sizes[t->sizes_count++] = a->dims.fixed[i];
  return true;
}

/* A node whose inputs are on the tape. In line: what has no parameters, and a shape that follows from its inputs. */
static inline bool mxi_tape_add(struct mxi_tape *t, mx_array a, uint64_t epoch) {
  if (!mxi_tape_place(t, a, epoch, MXI_TAPE_INNER)) return false;
  uint32_t inputs = a->input_count;
  if (!mxi_is_elementwise(a->op) || inputs - 1 > 1 || a->ndim > MXI_CLASS_NDIM) return mxi_tape_add_long(t, a, 0);
  uint32_t *w = t->structure + t->structure_count, last = mxi_tape_position(a->in[inputs - 1]);
  uint32_t first = mxi_tape_position(a->in[0]);
  mxi_key_head(w, a, a->op, 0);
  w[2] = inputs;
  w[3] = first;
  w[2 + inputs] = last;
  t->uses[first]++;
  if (inputs == 2) t->uses[last]++;
  t->structure_count += MXI_KEY_HEAD + 1 + inputs;
  return true;
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

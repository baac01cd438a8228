/* The key of a tape. Structure, in 32-bit words, a node after the other:
 *   a head, as plan/key.h packs it: op, dtype, rank, member, layout, and the classes of up to five dimensions
 *   rank, then dimension classes, 2 bits each: 0, 1, 2 = larger       (only above five dimensions)
 *   input count, input positions                                      (not for leaves)
 *   STRUCTURE parameters
 * Sizes, in 64-bit words: shapes (and strides of strided leaves), SIZE and VALUE parameters. Shapes of elementwise
 * nodes follow from their inputs and are left out. Never: identities, values, addresses. */
#include "plan/key.h"

#include <string.h>

#include "base/memory.h"
#include "core/refs.h"
#include "plan/plan.h"

static uint32_t *reserve_structure(struct mxi_tape *t, size_t n) {
  if (!mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + n, sizeof *t->structure)) return NULL;
  uint32_t *at = t->structure + t->structure_count;
  t->structure_count += n;
  return at;
}

static inline bool add_sizes(struct mxi_tape *t, const int64_t *v, size_t n) {
  if (!mxi_reserve(&t->sizes, &t->sizes_capacity, t->sizes_count + n, sizeof *t->sizes)) return false;
  for (size_t i = 0; i < n; i++) t->sizes[t->sizes_count + i] = v[i];
  t->sizes_count += n;
  return true;
}

static size_t field_words(const struct mxi_field_spec *f, int ndim) {
  return f->type == MXI_I64 ? 2 : f->type == MXI_I32 ? 1 : f->type == MXI_INTS64 ? 2 * (size_t)ndim : (size_t)ndim;
}

static bool add_field(struct mxi_tape *t, const struct mxi_field_spec *f, const char *at, int ndim) {
  size_t words = field_words(f, ndim);
  if (f->role == MXI_IDENTITY) return true;
  if (f->role == MXI_STRUCTURE || f->type == MXI_I32 || f->type == MXI_INTS32) {
    uint32_t *w = reserve_structure(t, words);
    if (!w) return false;
    memcpy(w, at, words * 4);
    return true;
  }
  return add_sizes(t, (const int64_t *)at, words / 2);
}

static bool add_params(struct mxi_tape *t, mx_array a) {
  const struct mx_prim *prim = mxi_prims[a->op];
  if (!prim->params_size) return true;
  const char *params = mxi_params(a);
  if (!prim->fields) {
    size_t words = (prim->params_size + 3) / 4;
    uint32_t *w = reserve_structure(t, words);
    if (!w) return false;
    w[words - 1] = 0;
    memcpy(w, params, prim->params_size);
    return true;
  }
  int ndim = a->input_count && mxi_inputs(a)[0]->ndim > a->ndim ? mxi_inputs(a)[0]->ndim : a->ndim;
  for (const struct mxi_field_spec *f = prim->fields; f->role != MXI_FIELD_END; f++)
    if (!add_field(t, f, params + f->offset, ndim)) return false;
  return true;
}

/* Writes the head of a node and what belongs to it; returns the word after. Room has been made. */
static inline uint32_t *write_head(uint32_t *w, const struct mx_array_ *a, uint32_t op, uint32_t member, uint32_t layout) {
  int ndim = a->ndim;
  const int64_t *dims = mxi_dims(a);
  uint32_t head = op | (uint32_t)a->dtype << MXI_KEY_DTYPE | member << MXI_KEY_MEMBER | layout << MXI_KEY_LAYOUT;
  if (ndim <= MXI_KEY_INLINE) {
    head |= (uint32_t)ndim << MXI_KEY_NDIM;
    for (int i = 0; i < ndim; i++) head |= (uint32_t)(dims[i] > 1 ? 2 : dims[i]) << (MXI_KEY_CLASSES + 2 * i);
    *w = head;
    return w + 1;
  }
  *w++ = head | MXI_KEY_MORE << MXI_KEY_NDIM;
  *w++ = (uint32_t)ndim;
  for (int i = 0; i < (ndim + 15) / 16; i++) w[i] = 0;
  for (int i = 0; i < ndim; i++) w[i / 16] |= (uint32_t)(dims[i] > 1 ? 2 : dims[i]) << (i % 16 * 2);
  return w + (ndim + 15) / 16;
}

#define HEAD_WORDS (2 + MXI_MAX_NDIM / 16)

/* A leaf: what the plan must know of a value that is there already. */
static inline bool write_leaf(struct mxi_tape *t, mx_array a) {
  uint32_t layout = a->op == MXI_OP_scalar ? 4 : a->strides ? 3 : 1;
  if (!mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + HEAD_WORDS, sizeof *t->structure)) return false;
  uint32_t *w = write_head(t->structure + t->structure_count, a, 0, 0, layout);
  t->structure_count = (size_t)(w - t->structure);
  t->leaf_count++;
  if (!a->ndim) return true;
  return add_sizes(t, mxi_dims(a), a->ndim) && (layout != 3 || add_sizes(t, a->strides, a->ndim));
}

static inline bool write_node(struct mxi_tape *t, mx_array a, uint32_t member) {
  uint32_t inputs = a->input_count;
  if (!mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + HEAD_WORDS + 1 + inputs, sizeof *t->structure)) return false;
  uint32_t *w = write_head(t->structure + t->structure_count, a, a->op, member, 0);
  *w++ = inputs;
  mx_array const *in = mxi_inputs(a);
  for (uint32_t i = 0; i < inputs; i++) *w++ = (uint32_t)(in[i]->mark & ((1u << MXI_MARK_BITS) - 1));
  t->structure_count = (size_t)(w - t->structure);
  if (mxi_is_elementwise(a->op)) return true; /* no parameters, and its shape follows from its inputs */
  return add_params(t, a) && (!a->ndim || add_sizes(t, mxi_dims(a), a->ndim));
}

bool mxi_key_write(struct mxi_tape *t, uint64_t trace_base) {
  const struct mxi_thread *self = mxi_self();
  t->structure_count = t->sizes_count = 0;
  t->leaf_count = 0;
  t->traced = false;
  for (size_t i = 0; i < t->count; i++) {
    mx_array a = t->nodes[i];
    if (mxi_is_evaluated(a)) {
      if (!write_leaf(t, a)) return false;
      continue;
    }
    if (trace_base && a->trace >= trace_base) t->traced = true;
    int32_t refs = mxi_refs_exact(a, self);
    if (refs < 0 || (uint32_t)refs > t->uses[i]) t->member[i] = 1;
    if (!write_node(t, a, t->member[i])) return false;
  }
  return true;
}

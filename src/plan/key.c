/* The key of a tape. Structure, in 32-bit words, a node after the other:
 *   a head, as plan/key.h packs it: op, dtype, layout, rank, and the classes of up to MXI_CLASS_NDIM dimensions
 *   dimension classes, 2 bits each: 0, 1, 2 = larger                  (only above that many dimensions)
 *   input count, input positions                                      (not for leaves)
 *   STRUCTURE parameters
 * and, at the end, the positions of the members. Sizes, in 64-bit words: shapes (and strides of strided leaves), SIZE and
 * VALUE parameters. Shapes of elementwise nodes follow from their inputs and are left out. Never: identities, values,
 * addresses. */
#include "plan/key.h"

#include <string.h>

#include "base/memory.h"
#include "plan/tape.h"

/* Room for one more node of the short kind; arrays by node grow together. */
bool mxi_tape_grow(struct mxi_tape *t) {
  size_t nodes = t->capacity, uses = t->capacity, kinds = t->capacity, members = t->capacity, need = t->count + 1;
  if (!mxi_reserve(&t->nodes, &nodes, need, sizeof *t->nodes) || !mxi_reserve(&t->uses, &uses, need, sizeof *t->uses) ||
      !mxi_reserve(&t->kinds, &kinds, need, sizeof *t->kinds) || !mxi_reserve(&t->members, &members, need, sizeof *t->members))
    return false;
  size_t least = nodes < uses ? nodes : uses;
  if (kinds < least) least = kinds;
  t->capacity = members < least ? members : least;
  return mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + MXI_TAPE_ROOM, sizeof *t->structure) &&
         mxi_reserve(&t->sizes, &t->sizes_capacity, t->sizes_count + MXI_TAPE_ROOM, sizeof *t->sizes);
}

void mxi_tape_free(struct mxi_tape *t) {
  mxi_free(t->nodes);
  mxi_free(t->uses);
  mxi_free(t->kinds);
  mxi_free(t->members);
  mxi_free(t->structure);
  mxi_free(t->sizes);
}

static bool reserve_structure(struct mxi_tape *t, size_t n) {
  return mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + n, sizeof *t->structure);
}

static bool add_sizes(struct mxi_tape *t, const int64_t *v, size_t n) {
  if (!mxi_reserve(&t->sizes, &t->sizes_capacity, t->sizes_count + n, sizeof *t->sizes)) return false;
  for (size_t i = 0; i < n; i++) t->sizes[t->sizes_count + i] = v[i];
  t->sizes_count += n;
  return true;
}

static size_t field_words(const struct mx_field *f, int ndim) {
  return f->type == MX_FIELD_I64 ? 2 : f->type == MX_FIELD_I32 ? 1 : f->type == MX_FIELD_INTS64 ? 2 * (size_t)ndim : (size_t)ndim;
}

/* Room has been made for all of a node's parameters to be structure. */
static bool add_fields(struct mxi_tape *t, const struct mx_field *f, const char *params, int ndim) {
  for (; f->role != MX_FIELD_END; f++) {
    size_t words = field_words(f, ndim);
    if (f->role == MX_FIELD_IDENTITY) continue;
    if (f->role == MX_FIELD_STRUCTURE || f->type == MX_FIELD_I32 || f->type == MX_FIELD_INTS32) {
      memcpy(t->structure + t->structure_count, params + f->offset, words * 4);
      t->structure_count += words;
    } else if (!add_sizes(t, (const int64_t *)(params + f->offset), words / 2)) {
      return false;
    }
  }
  return true;
}

static bool add_params(struct mxi_tape *t, mx_array a, const struct mx_prim *prim) {
  if (prim->fields) {
    int ndim = a->input_count && mxi_inputs(a)[0]->ndim > a->ndim ? mxi_inputs(a)[0]->ndim : a->ndim;
    return add_fields(t, prim->fields, mxi_params(a), ndim);
  }
  size_t words = (prim->params_size + 3) / 4;
  uint32_t *w = t->structure + t->structure_count;
  t->structure_count += words;
  if (words == 2) { /* most: they are in the node, whose unused bytes are zero */
    memcpy(w, &a->params, 8);
  } else {
    w[words - 1] = 0;
    memcpy(w, mxi_params(a), prim->params_size);
  }
  return true;
}

/* The head of a node; room has been made. */
static void add_head(struct mxi_tape *t, mx_array a, uint32_t op, uint32_t layout) {
  uint32_t *w = t->structure + t->structure_count;
  mxi_key_head(w, a, op, layout);
  t->structure_count += MXI_KEY_HEAD;
  if (a->ndim <= MXI_CLASS_NDIM) return;
  const int64_t *dims = mxi_dims(a);
  int more = (a->ndim + 15) / 16;
  w += MXI_KEY_HEAD;
  for (int i = 0; i < more; i++) w[i] = 0;
  for (int i = 0; i < a->ndim; i++) w[i / 16] |= (uint32_t)(dims[i] > 1 ? 2 : dims[i]) << (i % 16 * 2);
  t->structure_count += (size_t)more;
}

#define HEAD_WORDS (MXI_KEY_HEAD + MXI_MAX_NDIM / 16)

bool mxi_tape_add_long(struct mxi_tape *t, mx_array a, uint32_t layout) {
  const struct mx_prim *prim = mxi_prims[a->op];
  if (!reserve_structure(t, HEAD_WORDS + 1 + a->input_count + prim->params_size / 4 + 1)) return false;
  add_head(t, a, layout ? 0 : a->op, layout);
  if (layout) return add_sizes(t, mxi_dims(a), a->ndim) && (layout != MXI_KEY_STRIDED || add_sizes(t, a->strides, a->ndim));
  uint32_t *w = t->structure + t->structure_count;
  *w++ = a->input_count;
  mx_array const *in = mxi_inputs(a);
  for (uint32_t k = 0; k < a->input_count; k++) {
    *w = mxi_tape_position(in[k]);
    t->uses[*w++]++;
  }
  t->structure_count += 1 + a->input_count;
  if (mxi_is_elementwise(a->op)) return true;
  return (!prim->params_size || add_params(t, a, prim)) && add_sizes(t, mxi_dims(a), a->ndim);
}

static bool end_with_members(struct mxi_tape *t) {
  if (!reserve_structure(t, t->member_count)) return false;
  memcpy(t->structure + t->structure_count, t->members, t->member_count * sizeof *t->members);
  t->structure_count += t->member_count;
  return true;
}

bool mxi_tape_finish(struct mxi_tape *t, uint64_t trace_base) {
  const struct mxi_thread *self = mxi_self();
  size_t members = 0;
  for (size_t i = 0; i < t->count; i++) {
    if (t->kinds[i] == MXI_TAPE_LEAF) continue;
    mx_array a = t->nodes[i];
    if (trace_base && a->trace >= trace_base) t->traced = true;
    if (mxi_refs_exact(a, self) == (int32_t)t->uses[i]) continue;
    t->kinds[i] = MXI_TAPE_MEMBER;
    t->members[members++] = (uint32_t)i;
  }
  t->member_count = members;
  return end_with_members(t);
}

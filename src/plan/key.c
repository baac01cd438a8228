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

static uint32_t *reserve_structure(struct mxi_tape *t, size_t n) {
  if (!mxi_reserve(&t->structure, &t->structure_capacity, t->structure_count + n, sizeof *t->structure)) return NULL;
  uint32_t *at = t->structure + t->structure_count;
  t->structure_count += n;
  return at;
}

static bool add_sizes(struct mxi_tape *t, const int64_t *v, size_t n) {
  if (!mxi_reserve(&t->sizes, &t->sizes_capacity, t->sizes_count + n, sizeof *t->sizes)) return false;
  if (n) memcpy(t->sizes + t->sizes_count, v, n * sizeof *v);
  t->sizes_count += n;
  return true;
}

static size_t field_words(const struct mx_field *f, int ndim) {
  return f->type == MX_FIELD_I64 ? 2 : f->type == MX_FIELD_I32 ? 1 : f->type == MX_FIELD_INTS64 ? 2 * (size_t)ndim : (size_t)ndim;
}

static bool add_field(struct mxi_tape *t, const struct mx_field *f, const char *at, int ndim) {
  size_t words = field_words(f, ndim);
  if (f->role == MX_FIELD_IDENTITY) return true;
  if (f->role == MX_FIELD_STRUCTURE || f->type == MX_FIELD_I32 || f->type == MX_FIELD_INTS32) {
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
  for (const struct mx_field *f = prim->fields; f->role != MX_FIELD_END; f++)
    if (!add_field(t, f, params + f->offset, ndim)) return false;
  return true;
}

static bool add_head(struct mxi_tape *t, mx_array a, uint32_t op, uint32_t layout) {
  int ndim = a->ndim, more = ndim > MXI_CLASS_NDIM ? (ndim + 15) / 16 : 0;
  uint32_t *w = reserve_structure(t, MXI_KEY_HEAD + (size_t)more);
  if (!w) return false;
  mxi_key_head(w, a, op, layout);
  if (!more) return true;
  const int64_t *dims = mxi_dims(a);
  w += MXI_KEY_HEAD;
  for (int i = 0; i < more; i++) w[i] = 0;
  for (int i = 0; i < ndim; i++) w[i / 16] |= (uint32_t)(dims[i] > 1 ? 2 : dims[i]) << (i % 16 * 2);
  return true;
}

bool mxi_tape_add_long(struct mxi_tape *t, mx_array a, uint32_t layout) {
  if (layout)
    return add_head(t, a, 0, layout) && add_sizes(t, mxi_dims(a), a->ndim) &&
           (layout != MXI_KEY_STRIDED || add_sizes(t, a->strides, a->ndim));
  if (!add_head(t, a, a->op, 0)) return false;
  uint32_t *w = reserve_structure(t, 1 + a->input_count);
  if (!w) return false;
  *w++ = a->input_count;
  mx_array const *in = mxi_inputs(a);
  for (uint32_t k = 0; k < a->input_count; k++) {
    *w = mxi_tape_position(in[k]);
    t->uses[*w++]++;
  }
  if (mxi_is_elementwise(a->op)) return true;
  return add_params(t, a) && add_sizes(t, mxi_dims(a), a->ndim);
}

static bool end_with_members(struct mxi_tape *t) {
  uint32_t *w = reserve_structure(t, t->member_count);
  if (w) memcpy(w, t->members, t->member_count * sizeof *w);
  return w != NULL;
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

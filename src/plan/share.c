/* Common subexpressions: a node that computes what an earlier one does is left unread, and so is dead. Structure alone
 * decides: operations whose result follows from their inputs and STRUCTURE parameters, on equal inputs. A value that is
 * kept is computed in its own place, and what lies behind a barrier is another input. */
#include "plan/share.h"

#include <string.h>

enum { NONE = UINT32_MAX };

static bool is_pure(const struct mxi_pnode *p) {
  if (p->kind == MXI_P_ARRAY || p->kind == MXI_P_SCALAR || p->output_count != 1 || !p->input_count) return false;
  return mxi_is_elementwise(p->op) || mxi_prims[p->op]->flags & MX_PRIM_PURE;
}

static uint64_t mix(uint64_t h, uint32_t word) {
  h = (h ^ word) * 0xff51afd7ed558ccdu;
  return h ^ h >> 32;
}

static uint64_t hash_of(const struct mxi_skeleton *s, uint32_t i, const struct mxi_words *params) {
  const struct mxi_pnode *p = &s->nodes[i];
  uint64_t h = mix(p->op, p->dtype);
  for (uint32_t k = 0; k < p->input_count; k++) h = mix(h, s->inputs[p->input_at + k]);
  for (size_t k = 0; k < params[i].count; k++) h = mix(h, params[i].at[k]);
  return h;
}

static bool equal(const struct mxi_skeleton *s, uint32_t i, uint32_t j, const struct mxi_words *params) {
  const struct mxi_pnode *p = &s->nodes[i], *q = &s->nodes[j];
  return p->op == q->op && p->dtype == q->dtype && p->input_count == q->input_count && params[i].count == params[j].count &&
         !memcmp(s->inputs + p->input_at, s->inputs + q->input_at, p->input_count * sizeof *s->inputs) &&
         !memcmp(params[i].at, params[j].at, params[i].count * sizeof *params[i].at);
}

bool mxi_skeleton_share(struct mxi_skeleton *s, const struct mxi_words *params, struct mxi_arena *scratch) {
  size_t size = 16;
  while (size < 2 * (size_t)s->node_count) size *= 2;
  uint32_t *table = mxi_arena_alloc(scratch, size * sizeof *table);
  uint32_t *same = mxi_arena_alloc(scratch, s->node_count * sizeof *same); /* by node: the one that stands for it */
  if (!table || !same) return false;
  memset(table, 0xff, size * sizeof *table);
  for (uint32_t i = 0; i < s->node_count; i++) {
    const struct mxi_pnode *p = &s->nodes[i];
    same[i] = i;
    for (uint32_t k = 0; k < p->input_count; k++) s->inputs[p->input_at + k] = same[s->inputs[p->input_at + k]];
    if (!is_pure(p)) continue;
    size_t at = hash_of(s, i, params) & (size - 1);
    while (table[at] != NONE && !equal(s, i, table[at], params)) at = (at + 1) & (size - 1);
    if (table[at] == NONE)
      table[at] = i;
    else
      same[i] = table[at];
  }
  return true;
}

/* Reductions over clusters: one step where the backend takes the shape and no operand is better read another way. */
#include "core/params.h"
#include "plan/sizing.h"

/* Whether each row of the operand is dense or one element in the cluster's space: others are turned in panels, which
 * only a cluster of its own does. `lead`: the last axis of more than one element, counted from the last. */
static bool has_plain_rows(const struct mxi_place *p, int lead) {
  int axis = p->ndim - 1 - lead;
  return axis < 0 || p->shape[axis] == 1 || p->strides[axis] == 1;
}

static bool operands_suit(const struct mxi_sizer *b, int32_t cluster, int lead) {
  const struct mxi_skeleton *s = b->s;
  const struct mxi_cluster *c = &s->clusters[cluster];
  for (uint32_t m = 0; m < c->member_count; m++) {
    const struct mxi_pnode *p = &s->nodes[s->members[c->member_at + m]];
    for (uint32_t k = 0; k < p->input_count; k++) {
      uint32_t in = s->inputs[p->input_at + k];
      if (s->nodes[in].cluster != cluster && !has_plain_rows(&b->places[in], lead)) return false;
    }
  }
  return true;
}

bool mxi_sizing_is_reduced(const struct mxi_sizer *b, int32_t cluster) {
  const struct mxi_cluster *c = &b->s->clusters[cluster];
  if (c->reduction < 0) return false;
  mx_array a = b->t->nodes[c->root];
  const struct mxi_params_axes *params = mxi_params(b->t->nodes[c->reduction]);
  const int64_t *shape = mxi_dims(a);
  int lead = 0;
  while (lead < a->ndim - 1 && shape[a->ndim - 1 - lead] == 1) lead++;
  return b->planner->can_reduce(a->ndim, shape, params->mask) && operands_suit(b, cluster, lead);
}

/* The operands of the step: the cluster's inputs; its results but the root, then the reduction's. */
static void place_reduction(struct mxi_sizer *b, uint32_t node, int32_t cluster) {
  uint32_t root = b->s->clusters[cluster].root;
  mx_array from = b->t->nodes[root], to = b->t->nodes[node];
  struct mx_view *views = mxi_arena_alloc(&b->z->arena, 2 * sizeof *views);
  struct mxi_place in = mxi_sizing_dense(b, from->ndim, mxi_dims(from)), *out = &b->places[node];
  *out = mxi_sizing_fresh(b, node, (mx_dtype)to->dtype, to->ndim, mxi_dims(to));
  struct mxi_step *step = views && !b->failed ? mxi_sizing_chain_step(b, cluster, MXI_STEP_REDUCE, node) : NULL;
  if (!step) {
    b->failed = true;
    return;
  }
  mxi_sizing_view(&views[0], &in, (mx_dtype)from->dtype);
  mxi_sizing_view(&views[1], out, (mx_dtype)to->dtype);
  step->views = views;
  mxi_sizing_operand(b, out->slot, 0);
  step->out_count++;
  struct mx_task task = {.in = views, .out = views + 1, .params = mxi_params(to), .in_count = 1, .out_count = 1};
  step->scratch = b->planner->scratch(b->s->nodes[node].op, &task);
}

bool mxi_sizing_reduction(struct mxi_sizer *b, uint32_t node) {
  const struct mxi_pnode *n = &b->s->nodes[node];
  if (!n->input_count) return false;
  int32_t cluster = b->s->nodes[b->s->inputs[n->input_at]].cluster;
  if (cluster < 0 || b->s->clusters[cluster].reduction != (int32_t)node || !mxi_sizing_is_reduced(b, cluster)) return false;
  place_reduction(b, node, cluster);
  return true;
}

/* Which reductions may take in the cluster that feeds them: those that are the only reader of a cluster's root, so that
 * nobody misses the array. Other results of the cluster have no reader in the tape, or the cluster would not be one: it
 * may as well run where the reduction stands. Whether it does is decided in sizing. */
#include "plan/plan.h"

bool mxi_plan_is_reduction(int op) {
  switch (op) {
    case MXI_OP_sum:
    case MXI_OP_prod:
    case MXI_OP_max:
    case MXI_OP_min:
    case MXI_OP_all:
    case MXI_OP_any: return true;
    default: return false;
  }
}

void mxi_skeleton_find_reductions(struct mxi_skeleton *s) {
  for (uint32_t i = 0; i < s->node_count; i++) {
    const struct mxi_pnode *n = &s->nodes[i];
    if (n->dead || n->kind != MXI_P_KERNEL || !mxi_plan_is_reduction(n->op)) continue;
    uint32_t in = s->inputs[n->input_at];
    const struct mxi_pnode *root = &s->nodes[in];
    if (root->cluster < 0 || root->member || root->uses != 1) continue;
    struct mxi_cluster *c = &s->clusters[root->cluster];
    if (c->root == in && c->linear < 0) c->reduction = (int32_t)i;
  }
}

/* Common subexpressions of a skeleton. */
#ifndef MXI_PLAN_SHARE_H
#define MXI_PLAN_SHARE_H

#include "plan/plan.h"

struct mxi_words { /* of a node's STRUCTURE parameters, in the key */
  const uint32_t *at;
  size_t count;
};

/* Points readers at the first of equal nodes; false without memory. `params` by node. */
bool mxi_skeleton_share(struct mxi_skeleton *s, const struct mxi_words *params, struct mxi_arena *scratch);

#endif

/* The graph checker of debug builds: looks at every tape before it is planned. A fault is a mistake of mica's, or of a
 * primitive made elsewhere; it is reported as an error of the evaluation. */
#ifndef MXI_PLAN_CHECK_H
#define MXI_PLAN_CHECK_H

#include "plan/plan.h"

#ifdef MXI_DEBUG
/* NULL, or what is wrong with the node at position *at. */
const char *mxi_graph_check(const struct mxi_tape *t, size_t *at);
/* The same for one node: its shape, dtype and parameters as its primitive's rule has them. */
const char *mxi_node_check(mx_array a);
#else
static inline const char *mxi_graph_check(const struct mxi_tape *t, size_t *at) {
  (void)t, (void)at;
  return NULL;
}
#endif

#endif

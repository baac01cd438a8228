/* The one-pass kernel of the linear-model step, as the planner finds it. in: x, w, then the chain's inputs; out: the
 * chain's stored results, then g. */
#ifndef MXI_BACKEND_CPU_LINEAR_H
#define MXI_BACKEND_CPU_LINEAR_H

#include "plan/program.h"

size_t mxi_cpu_linear_scratch(const struct mx_linear *l, const struct mx_cluster *chain);
bool mxi_cpu_can_linear(mx_dtype dtype);
mx_status mxi_cpu_linear(const struct mx_linear *l, const struct mx_cluster *chain, const void *const *in, void *const *out,
                         void *scratch);

#endif

/* Kernels of reductions, arg-reductions, softmax and scans: what the backend's table points to. Reduced axes keep size
 * 1 in the output. The order in which elements are combined depends only on shapes and axes: docs/numerics-reduce.md. */
#ifndef MXI_BACKEND_CPU_REDUCE_H
#define MXI_BACKEND_CPU_REDUCE_H

#include <stdbool.h>

#include "plan/program.h"

/* params: mxi_params_axes. sum and prod convert to the output's dtype as they read. */
mx_status mxi_cpu_sum(struct mx_task *task);
mx_status mxi_cpu_prod(struct mx_task *task);
mx_status mxi_cpu_max(struct mx_task *task);
mx_status mxi_cpu_min(struct mx_task *task);
mx_status mxi_cpu_all(struct mx_task *task);
mx_status mxi_cpu_any(struct mx_task *task);
size_t mxi_cpu_sum_scratch(const struct mx_task *task); /* of all six */
/* One of the six over the last result of an elementwise cluster, computed a tile at a time: task->in[0] is its row-major
 * shape without memory, out[] the cluster's other results. The bits are those of cluster and reduction one by one. */
mx_status mxi_cpu_reduce(int op, struct mx_task *task, const struct mx_cluster *chain, const void *const *in, void *const *out);
/* Whether it takes this shape and these axes: not where a few columns would be reduced one by one, nor where a large
 * cluster would be left to too few threads. */
bool mxi_cpu_can_reduce(int ndim, const int64_t *shape, uint64_t mask);
/* params: mxi_params_axis; the output is uint32 */
mx_status mxi_cpu_argmax(struct mx_task *task);
mx_status mxi_cpu_argmin(struct mx_task *task);
size_t mxi_cpu_argmax_scratch(const struct mx_task *task); /* of both */
/* params: mxi_params_axes, mxi_params_softmax; float and complex dtypes */
mx_status mxi_cpu_logsumexp(struct mx_task *task);
mx_status mxi_cpu_softmax(struct mx_task *task);
size_t mxi_cpu_softmax_scratch(const struct mx_task *task); /* of both */
/* params: mxi_params_scan; logcumsumexp: float and complex dtypes */
mx_status mxi_cpu_cumsum(struct mx_task *task);
mx_status mxi_cpu_cumprod(struct mx_task *task);
mx_status mxi_cpu_cummax(struct mx_task *task);
mx_status mxi_cpu_cummin(struct mx_task *task);
mx_status mxi_cpu_logcumsumexp(struct mx_task *task);
size_t mxi_cpu_cumsum_scratch(const struct mx_task *task); /* of all five: none */

#endif

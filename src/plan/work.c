/* How long a sizing's steps may take on one thread, in nanoseconds: an estimate, of which only the order of magnitude is
 * used, to tell evaluations that are waited for at once from those that go to a stream. */
#include "plan/plan.h"

/* Measured on two-core servers, rounded: 8 bytes a nanosecond from memory; one element through one elementwise
 * instruction, half a nanosecond where it is a transcendental one; 16 flops a nanosecond in products. */
#define BYTES_A_NS 8.0
#define INSTR_NS 0.5
#define FLOPS_A_NS 16.0

static double view_bytes(const struct mx_view *v) { return (double)v->size * (double)mxi_itemsize((mx_dtype)v->dtype); }

static double last_axis(const struct mx_view *v) { return v->ndim ? (double)v->shape[v->ndim - 1] : 1; }

static double kernel_work(const struct mxi_step *step, int op) {
  double bytes = 0, elements = 0;
  for (uint32_t k = 0; k < step->in_count + step->out_count; k++) {
    bytes += view_bytes(&step->views[k]);
    if ((double)step->views[k].size > elements) elements = (double)step->views[k].size;
  }
  const struct mx_view *out = &step->views[step->in_count];
  switch (op) {
    case MXI_OP_matmul: return 2 * (double)out->size * last_axis(&step->views[0]) / FLOPS_A_NS + bytes / BYTES_A_NS;
    case MXI_OP_solve:
    case MXI_OP_solve_triangular:
    case MXI_OP_inv:
    case MXI_OP_cholesky: return elements * last_axis(&step->views[0]);
    case MXI_OP_qr:
    case MXI_OP_svd: return 20 * elements * last_axis(&step->views[0]);
    case MXI_OP_sort:
    case MXI_OP_argsort:
    case MXI_OP_partition:
    case MXI_OP_argpartition:
    case MXI_OP_searchsorted: return 20 * elements;
    case MXI_OP_load: return 10 * bytes;
    default: return op >= MXI_OP_COUNT ? MXI_WORK_LONG : elements + bytes / BYTES_A_NS; /* a registered kernel may do anything */
  }
}

double mxi_sizing_work(const struct mxi_skeleton *s, const struct mxi_sizing *z) {
  double ns = 0;
  for (uint32_t i = 0; i < z->step_count; i++) {
    const struct mxi_step *step = &z->steps[i];
    if (step->kind == MXI_STEP_KERNEL) ns += kernel_work(step, s->nodes[step->node].op);
    if (step->kind == MXI_STEP_ELEMENTWISE) ns += (double)step->ew->size * step->ew->instr_count * INSTR_NS;
    if (step->kind == MXI_STEP_LINEAR) ns += (double)step->linear->rows * (double)step->linear->columns;
  }
  return ns;
}

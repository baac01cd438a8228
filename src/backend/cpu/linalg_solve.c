/* solve, solve_triangular and inv: a x = b for n x n matrices a and n x k right-hand sides. The inverse solves for the
 * identity. Operands are copied to column-major memory, factored there, and the result is copied back. */
#include "backend/cpu/linalg.h"

enum { A, B, PIVOTS }; /* parts of a lane */

static void load_right_side(const struct mxi_linalg *l, int64_t i, char *to) {
  if (l->task->in_count > 1) mxi_linalg_load_columns(l, &l->task->in[1], i, to);
  else mxi_linalg_identity(l, to, l->n);
}

static int solve_one(const struct mxi_linalg *l, int64_t i, char *lane) {
  char *a = lane + l->parts[A], *b = lane + l->parts[B];
  int *pivots = (int *)(void *)(lane + l->parts[PIVOTS]), info = 0;
  mxi_linalg_load_columns(l, &l->task->in[0], i, a);
  l->lapack->getrf(&l->n, &l->n, a, &l->n, pivots, &info);
  if (info) return info;
  load_right_side(l, i, b);
  l->lapack->getrs("N", &l->n, &l->k, a, &l->n, pivots, b, &l->n, &info, 1);
  mxi_linalg_store_columns(l, &l->task->out[0], i, b, l->n);
  return info;
}

static int solve_triangular_one(const struct mxi_linalg *l, int64_t i, char *lane) {
  char *a = lane + l->parts[A], *b = lane + l->parts[B];
  int info = 0;
  mxi_linalg_load_columns(l, &l->task->in[0], i, a);
  load_right_side(l, i, b);
  l->lapack->trtrs(l->upper ? "U" : "L", "N", "N", &l->n, &l->k, a, &l->n, b, &l->n, &info, 1, 1, 1);
  if (!info) mxi_linalg_store_columns(l, &l->task->out[0], i, b, l->n);
  return info;
}

static mx_status run_solve(struct mx_task *task, int (*one)(const struct mxi_linalg *, int64_t, char *)) {
  struct mxi_linalg l;
  const struct mx_view *out = &task->out[0];
  if (out->size == 0) return MX_OK;
  mx_status code = mxi_linalg_read(&l, task);
  int64_t k = out->shape[out->ndim - 1];
  if (code) return code;
  if (k > mxi_blas_int_max / l.n) return mx_task_fail(task, MX_ERR_UNSUPPORTED, "the right-hand side is too large");
  l.k = (int)k;
  l.one = one;
  if (task->params) l.upper = ((const struct mxi_params_linalg *)task->params)->upper;
  const size_t parts[MXI_LINALG_PARTS] = {mxi_linalg_nbytes(&l, l.n, l.n), mxi_linalg_nbytes(&l, l.n, l.k),
                                          sizeof(int) * (size_t)l.n};
  return mxi_linalg_run(&l, parts, "is singular");
}

mx_status mxi_cpu_solve(struct mx_task *task) { return run_solve(task, solve_one); }
mx_status mxi_cpu_inv(struct mx_task *task) { return run_solve(task, solve_one); }
mx_status mxi_cpu_solve_triangular(struct mx_task *task) { return run_solve(task, solve_triangular_one); }

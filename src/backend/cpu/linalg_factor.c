/* cholesky, qr and svd. A row-major matrix is the transpose of a column-major one, so cholesky factors in the output
 * itself and svd, asked about the transpose, writes both of its factors where they belong. */
#include <math.h>

#include "backend/cpu/linalg.h"

/* ---- cholesky ---------------------------------------------------------------------------------------------------- */
static int cholesky_one(const struct mxi_linalg *l, int64_t i, char *lane) {
  char *out = mxi_linalg_out(l, &l->task->out[0], i);
  int info = 0;
  (void)lane;
  mxi_linalg_load_rows(l, &l->task->in[0], i, out);
  l->lapack->potrf(l->upper ? "L" : "U", &l->n, out, &l->n, &info, 1);
  for (int64_t r = 0; r < l->n; r++) {
    if (l->upper) mxi_linalg_zero(l, out, r * l->n, r * l->n + r);
    else mxi_linalg_zero(l, out, r * l->n + r + 1, (r + 1) * l->n);
  }
  return info;
}

mx_status mxi_cpu_cholesky(struct mx_task *task) {
  struct mxi_linalg l;
  if (task->out[0].size == 0) return MX_OK;
  mx_status code = mxi_linalg_read(&l, task);
  if (code) return code;
  l.one = cholesky_one;
  l.upper = ((const struct mxi_params_linalg *)task->params)->upper;
  return mxi_linalg_run(&l, (const size_t[MXI_LINALG_PARTS]){0}, "is not positive definite");
}

/* ---- qr: k = min(m, n) ------------------------------------------------------------------------------------------- */
enum { QR_A, QR_TAU, QR_WORK };

static int qr_one(const struct mxi_linalg *l, int64_t i, char *lane) {
  char *a = lane + l->parts[QR_A], *r = mxi_linalg_out(l, &l->task->out[1], i);
  void *tau = lane + l->parts[QR_TAU], *work = lane + l->parts[QR_WORK];
  int info = 0;
  mxi_linalg_load_columns(l, &l->task->in[0], i, a);
  l->lapack->geqrf(&l->m, &l->n, a, &l->m, tau, work, &l->work_count, &info);
  mxi_linalg_store_columns(l, &l->task->out[1], i, a, l->m);
  for (int64_t row = 1; row < l->k; row++) mxi_linalg_zero(l, r, row * l->n, row * l->n + row);
  l->lapack->orgqr(&l->m, &l->k, &l->k, a, &l->m, tau, work, &l->work_count, &info);
  mxi_linalg_store_columns(l, &l->task->out[0], i, a, l->m);
  return info;
}

/* Work memory for the two steps; false: too large. */
static bool ask_qr(struct mxi_linalg *l) {
  double answer = 0, nothing = 0;
  int info = 0, ask = -1;
  mxi_blas_enter();
  l->lapack->geqrf(&l->m, &l->n, &nothing, &l->m, &nothing, &answer, &ask, &info);
  l->work_count = mxi_linalg_work(l, &answer);
  l->lapack->orgqr(&l->m, &l->k, &l->k, &nothing, &l->m, &nothing, &answer, &ask, &info);
  mxi_blas_leave();
  int second = mxi_linalg_work(l, &answer);
  if (l->work_count < 0 || second < 0) return false;
  if (second > l->work_count) l->work_count = second;
  return true;
}

mx_status mxi_cpu_qr(struct mx_task *task) {
  struct mxi_linalg l;
  if (task->in[0].size == 0) return MX_OK;
  mx_status code = mxi_linalg_read(&l, task);
  if (code) return code;
  l.k = l.m < l.n ? l.m : l.n;
  l.one = qr_one;
  if (!mxi_linalg_lapack(&l, &code)) return code;
  if (!ask_qr(&l)) return mx_task_fail(task, MX_ERR_UNSUPPORTED, "a matrix of %d x %d is too large", l.m, l.n);
  const size_t parts[MXI_LINALG_PARTS] = {mxi_linalg_nbytes(&l, l.m, l.n), mxi_linalg_nbytes(&l, l.k, 1),
                                          mxi_linalg_nbytes(&l, l.work_count, 1)};
  return mxi_linalg_run(&l, parts, "could not be factored");
}

/* ---- svd: k = min(m, n) ------------------------------------------------------------------------------------------ */
enum { SVD_A, SVD_WORK, SVD_IWORK };

static bool has_factors(const struct mxi_linalg *l) { return l->task->out_count == 3; }
static const struct mx_view *values_of(const struct mxi_linalg *l) { return &l->task->out[has_factors(l) ? 1 : 0]; }

/* Given an infinity, LAPACK scales it to a NaN, and then iterates for ever. */
static bool is_finite(const struct mxi_linalg *l, const char *a) {
  bool finite = true;
  for (int64_t i = 0; i < (int64_t)l->m * l->n; i++)
    finite &= (bool)isfinite(l->itemsize == 8 ? ((const double *)a)[i] : ((const float *)a)[i]);
  return finite;
}

/* LAPACK's view of the memory is the transpose, vt^T s u^T. */
static int svd_one(const struct mxi_linalg *l, int64_t i, char *lane) {
  char *a = lane + l->parts[SVD_A], *s = values_of(l)->data + i * l->k * l->itemsize;
  char *u = has_factors(l) ? mxi_linalg_out(l, &l->task->out[0], i) : a;
  char *vt = has_factors(l) ? mxi_linalg_out(l, &l->task->out[2], i) : a;
  int *iwork = (int *)(void *)(lane + l->parts[SVD_IWORK]), info = 0;
  mxi_linalg_load_rows(l, &l->task->in[0], i, a);
  if (!is_finite(l, a)) return 1;
  l->lapack->gesdd(has_factors(l) ? "A" : "N", &l->n, &l->m, a, &l->n, s, vt, &l->n, u, &l->m, lane + l->parts[SVD_WORK],
                   &l->work_count, iwork, &info, 1);
  return info;
}

static bool ask_svd(struct mxi_linalg *l) {
  double answer = 0, nothing = 0;
  int info = 0, ask = -1, unused = 0;
  mxi_blas_enter();
  l->lapack->gesdd(has_factors(l) ? "A" : "N", &l->n, &l->m, &nothing, &l->n, &nothing, &nothing, &l->n, &nothing, &l->m,
                   &answer, &ask, &unused, &info, 1);
  mxi_blas_leave();
  l->work_count = mxi_linalg_work(l, &answer);
  return l->work_count >= 0;
}

/* Of a matrix without elements: no values, and identities. */
static mx_status empty_svd(struct mx_task *task) {
  struct mxi_linalg l = {.task = task, .itemsize = (int64_t)mxi_itemsize((mx_dtype)task->in[0].dtype)};
  for (int o = 0; o < 3 && has_factors(&l); o += 2) {
    const struct mx_view *v = &task->out[o];
    int64_t size = v->shape[v->ndim - 1];
    for (int64_t i = 0; size && i < v->size / size / size; i++)
      mxi_linalg_identity(&l, mxi_linalg_out(&l, v, i), (int)size);
  }
  return MX_OK;
}

mx_status mxi_cpu_svd(struct mx_task *task) {
  struct mxi_linalg l;
  mx_status code = mxi_linalg_read(&l, task);
  if (code) return code;
  if (task->in[0].size == 0) return empty_svd(task);
  l.k = l.m < l.n ? l.m : l.n;
  l.one = svd_one;
  if (!mxi_linalg_lapack(&l, &code)) return code;
  if (!ask_svd(&l)) return mx_task_fail(task, MX_ERR_UNSUPPORTED, "a matrix of %d x %d is too large", l.m, l.n);
  const size_t parts[MXI_LINALG_PARTS] = {mxi_linalg_nbytes(&l, l.m, l.n), mxi_linalg_nbytes(&l, l.work_count, 1),
                                          sizeof(int) * 8 * (size_t)l.k};
  return mxi_linalg_run(&l, parts, "has no singular value decomposition: it holds an infinity or a NaN, or no convergence was reached");
}

/* Batches of matrices for LAPACK: reading the task, copies between row-major and column-major, and the loop over the
 * batch. The operations are in linalg_solve.c and linalg_factor.c. */
#include "backend/cpu/linalg.h"

#include <string.h>

#include "backend/cpu/elementwise.h"
#include "backend/cpu/layout.h"
#include "base/pool.h"

enum { CHUNK_WORK = 1 << 15 }; /* multiply-adds, about, that are worth handing to a thread */

mx_status mxi_linalg_read(struct mxi_linalg *l, struct mx_task *task) {
  const struct mx_view *a = &task->in[0];
  int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], most = mxi_blas_int_max;
  *l = (struct mxi_linalg){.task = task, .itemsize = (int64_t)mxi_itemsize((mx_dtype)a->dtype), .batch = 1};
  for (int i = 0; i < a->ndim - 2; i++) l->batch *= a->shape[i];
  atomic_init(&l->failed, l->batch);
  if (m > most || n > most || (m && n > most / m))
    return mx_task_fail(task, MX_ERR_UNSUPPORTED, "a matrix of %lld x %lld is too large", (long long)m, (long long)n);
  l->m = (int)m;
  l->n = (int)n;
  return MX_OK;
}

const struct mxi_lapack *mxi_linalg_lapack(struct mxi_linalg *l, mx_status *code) {
  const struct mxi_blas *blas = mxi_blas_ready(l->task, 1, code);
  if (!blas) return NULL;
  return l->lapack = l->itemsize == 8 ? &blas->f64 : &blas->f32;
}

int mxi_linalg_work(const struct mxi_linalg *l, const void *answer) {
  double count = l->itemsize == 8 ? *(const double *)answer : *(const float *)answer;
  count = count * (l->itemsize == 8 ? 1 : 1 + 0x1p-22); /* a float may have been rounded down */
  return count < INT32_MAX - 1 ? (int)count + 1 : -1;
}

/* ---- Copies ------------------------------------------------------------------------------------------------------ */
/* to[r * columns + c] = from[r * row + c * column] */
static void copy_rows(const struct mxi_linalg *l, char *to, int64_t rows, int64_t columns, const char *from, int64_t row,
                      int64_t column) {
  const struct mxi_ew_casts *casts = mxi_ew_casts();
  int size = l->itemsize == 8 ? 3 : 2;
  if (column != 1 && row == 1) {
    casts->transpose[size](to, columns, from, column, (size_t)rows, (size_t)columns);
    return;
  }
  for (int64_t r = 0; r < rows; r++, to += columns * l->itemsize, from += row * l->itemsize) {
    if (column == 1) memcpy(to, from, (size_t)(columns * l->itemsize));
    else casts->gather[size](to, from, column, (size_t)columns);
  }
}

static const char *matrix_of(const struct mxi_linalg *l, const struct mx_view *v, int64_t i) {
  return v->data + mxi_layout_offset(v->ndim - 2, v->shape, v->strides, i) * l->itemsize;
}

void mxi_linalg_load_rows(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, char *to) {
  const int64_t *shape = v->shape + v->ndim - 2, *strides = v->strides + v->ndim - 2;
  copy_rows(l, to, shape[0], shape[1], matrix_of(l, v, i), strides[0], strides[1]);
}

void mxi_linalg_load_columns(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, char *to) {
  const int64_t *shape = v->shape + v->ndim - 2, *strides = v->strides + v->ndim - 2;
  copy_rows(l, to, shape[1], shape[0], matrix_of(l, v, i), strides[1], strides[0]);
}

char *mxi_linalg_out(const struct mxi_linalg *l, const struct mx_view *v, int64_t i) {
  return v->data + i * v->shape[v->ndim - 2] * v->shape[v->ndim - 1] * l->itemsize;
}

void mxi_linalg_store_columns(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, const char *from,
                              int leading) {
  const int64_t *shape = v->shape + v->ndim - 2;
  copy_rows(l, mxi_linalg_out(l, v, i), shape[0], shape[1], from, 1, leading);
}

void mxi_linalg_zero(const struct mxi_linalg *l, char *to, int64_t begin, int64_t end) {
  if (begin < end) memset(to + begin * l->itemsize, 0, (size_t)((end - begin) * l->itemsize));
}

void mxi_linalg_identity(const struct mxi_linalg *l, char *to, int size) {
  mxi_linalg_zero(l, to, 0, (int64_t)size * size);
  for (int64_t i = 0; i < size; i++) {
    if (l->itemsize == 8) ((double *)to)[i * size + i] = 1;
    else ((float *)to)[i * size + i] = 1;
  }
}

/* ---- The batch --------------------------------------------------------------------------------------------------- */
static void note_failure(struct mxi_linalg *l, int64_t i) {
  int64_t first = atomic_load(&l->failed);
  while (i < first && !atomic_compare_exchange_weak(&l->failed, &first, i)) {}
}

static void run_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  struct mxi_linalg *l = arg;
  int lane;
  char *memory = mxi_blas_enter_lane(&l->lanes, slot, &lane);
  for (int64_t i = begin; i < end && i < atomic_load_explicit(&l->failed, memory_order_relaxed); i++)
    if (l->one(l, i, memory)) note_failure(l, i);
  mxi_blas_leave_lane(&l->lanes, lane);
}

mx_status mxi_linalg_run(struct mxi_linalg *l, const size_t *part_nbytes, const char *what) {
  size_t nbytes = 0;
  for (int i = 0; i < MXI_LINALG_PARTS; i++) {
    l->parts[i] = nbytes;
    nbytes += (part_nbytes[i] + 63) & ~(size_t)63;
  }
  int64_t work = (int64_t)l->m * l->n * (l->m > l->n ? l->m : l->n) + 1, grain = work < CHUNK_WORK ? CHUNK_WORK / work : 1;
  mx_status code = MX_OK;
  const struct mxi_blas *blas = mxi_blas_open(l->task, &l->lanes, (l->batch + grain - 1) / grain, nbytes, &code);
  if (!blas) return code;
  l->lapack = l->itemsize == 8 ? &blas->f64 : &blas->f32;
  mxi_parallel(l->batch, grain, run_chunk, l);
  mxi_blas_close(&l->lanes);
  int64_t failed = atomic_load(&l->failed);
  if (failed == l->batch) return MX_OK;
  if (l->task->in[0].ndim == 2) return mx_task_fail(l->task, MX_ERR_VALUE, "the matrix %s", what);
  return mx_task_fail(l->task, MX_ERR_VALUE, "matrix %lld %s", (long long)failed, what);
}

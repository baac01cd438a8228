/* Linear algebra on LAPACK, float32 and float64, batched over leading axes. A matrix is worked on by one thread; a batch
 * is shared by all. Matrices that cannot be solved or factored are MX_ERR_VALUE, naming the first one. */
#ifndef MXI_BACKEND_CPU_LINALG_H
#define MXI_BACKEND_CPU_LINALG_H

#include "backend/cpu/blas.h"
#include "core/params.h"

mx_status mxi_cpu_solve(struct mx_task *task);            /* a (..., n, n), b (..., n, k), batches equal */
mx_status mxi_cpu_solve_triangular(struct mx_task *task); /* the same; params: mxi_params_linalg.upper */
mx_status mxi_cpu_inv(struct mx_task *task);
mx_status mxi_cpu_cholesky(struct mx_task *task); /* params: mxi_params_linalg.upper; reads that triangle alone */
mx_status mxi_cpu_qr(struct mx_task *task);       /* out: q (..., m, r), r (..., r, n) with r = min(m, n) */
mx_status mxi_cpu_svd(struct mx_task *task);      /* out: u (..., m, m), s, vt (..., n, n); or s alone */

/* ---- What the files of the family share -------------------------------------------------------------------------- */
enum { MXI_LINALG_PARTS = 5 };

/* A batch of matrices under way. A lane is the memory of one matrix, in parts. */
struct mxi_linalg {
  struct mx_task *task;
  const struct mxi_lapack *lapack;
  struct mxi_blas_lanes lanes;
  int64_t itemsize, batch;
  int m, n, k; /* sizes, as each operation says */
  int work_count; /* of LAPACK's work array, in items */
  bool upper;
  size_t parts[MXI_LINALG_PARTS]; /* where they begin in a lane */
  int (*one)(const struct mxi_linalg *l, int64_t i, char *lane); /* matrix i; nonzero: it cannot be done */
  _Atomic int64_t failed; /* the first that could not be done; `batch` while there is none */
};

/* Reads the task: batch and dtype, m and n from the last axes of its first input. MX_ERR_UNSUPPORTED where a size or a
 * number of elements does not fit LAPACK's int. */
mx_status mxi_linalg_read(struct mxi_linalg *l, struct mx_task *task);
/* Gets BLAS and lanes with parts of so many bytes, does all matrices on all threads, and gives lanes back. `what`
 * completes "matrix 3 ...". */
mx_status mxi_linalg_run(struct mxi_linalg *l, const size_t *part_nbytes, const char *what);
/* LAPACK's tables, for asking how much work memory it wants; NULL as mxi_blas_ready. */
const struct mxi_lapack *mxi_linalg_lapack(struct mxi_linalg *l, mx_status *code);
/* The answer to such a question as a count of items; -1 when it does not fit an int. */
int mxi_linalg_work(const struct mxi_linalg *l, const void *answer);

static inline size_t mxi_linalg_nbytes(const struct mxi_linalg *l, int rows, int columns) {
  return (size_t)l->itemsize * (size_t)rows * (size_t)columns;
}
/* Matrix i of an input, copied to column-major (or row-major) memory. */
void mxi_linalg_load_columns(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, char *to);
void mxi_linalg_load_rows(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, char *to);
/* Matrix i of a row-major output: where it is, and filling it with columns of `leading` items each. */
char *mxi_linalg_out(const struct mxi_linalg *l, const struct mx_view *v, int64_t i);
void mxi_linalg_store_columns(const struct mxi_linalg *l, const struct mx_view *v, int64_t i, const char *from,
                              int leading);
/* 1 on the diagonal of a square matrix, 0 elsewhere; zeros at [begin, end). */
void mxi_linalg_identity(const struct mxi_linalg *l, char *to, int size);
void mxi_linalg_zero(const struct mxi_linalg *l, char *to, int64_t begin, int64_t end);

#endif

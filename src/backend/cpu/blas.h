/* The BLAS and LAPACK library: found and loaded at first use, never linked, one thread a call. It ends the process when
 * it cannot get its work memory, so no call is made outside mxi_blas_enter and mxi_blas_leave: they let in as many
 * callers as there is work memory for. Start at mxi_blas_ready. */
#ifndef MXI_BACKEND_CPU_BLAS_H
#define MXI_BACKEND_CPU_BLAS_H

#include <stdatomic.h>

#include "plan/program.h"

enum { MXI_BLAS_ROWS = 101, MXI_BLAS_N = 111, MXI_BLAS_T = 112 }; /* row-major; as it is, or transposed */
extern int64_t mxi_blas_int_max; /* of sizes and leading dimensions in one call: INT32_MAX, and less in tests */

/* LAPACK of one element type; matrices are column-major. Text arguments carry their lengths at the end. */
struct mxi_lapack {
  void (*getrf)(const int *m, const int *n, void *a, const int *lda, int *pivots, int *info);
  void (*getrs)(const char *trans, const int *n, const int *nrhs, const void *a, const int *lda, const int *pivots,
                void *b, const int *ldb, int *info, size_t);
  void (*potrf)(const char *uplo, const int *n, void *a, const int *lda, int *info, size_t);
  void (*trtrs)(const char *uplo, const char *trans, const char *diag, const int *n, const int *nrhs, const void *a,
                const int *lda, void *b, const int *ldb, int *info, size_t, size_t, size_t);
  void (*geqrf)(const int *m, const int *n, void *a, const int *lda, void *tau, void *work, const int *lwork, int *info);
  void (*orgqr)(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau, void *work,
                const int *lwork, int *info);
  void (*gesdd)(const char *jobz, const int *m, const int *n, void *a, const int *lda, void *s, void *u, const int *ldu,
                void *vt, const int *ldvt, void *work, const int *lwork, int *iwork, int *info, size_t);
};

struct mxi_blas {
  void (*sgemm)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                int ldb, float beta, float *c, int ldc);
  void (*cgemm)(int order, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int lda, const void *b,
                int ldb, const void *beta, void *c, int ldc);
  struct mxi_lapack f32, f64;
};

/* The library, with work memory for at least one caller and, where it can be had, for `callers` of this task at once.
 * NULL with the task's message set: MX_ERR_UNSUPPORTED when there is no library, MX_ERR_MEMORY. */
const struct mxi_blas *mxi_blas_ready(struct mx_task *task, int64_t callers, mx_status *code);
/* Around a call, or a run of calls by one thread; waits while too many are inside. Not to be nested. */
void mxi_blas_enter(void);
void mxi_blas_leave(void);
/* Memory for the callers of one task: a lane is one thread's while it is between enter and leave. Lanes are had before
 * the first call, and are as many as callers that can be inside; zero bytes need none. */
#define MXI_BLAS_MAX_LANES 256
struct mxi_blas_lanes {
  struct mxi_buffer *buffer;
  size_t nbytes; /* of one, rounded up */
  int count;
  _Atomic uint8_t busy[MXI_BLAS_MAX_LANES];
};
/* mxi_blas_ready, and lanes of `nbytes` for it. NULL with the task's message and *code set. */
const struct mxi_blas *mxi_blas_open(struct mx_task *task, struct mxi_blas_lanes *l, int64_t callers, size_t nbytes,
                                     mx_status *code);
void mxi_blas_close(struct mxi_blas_lanes *l);
/* Enters and returns the lane's memory. */
char *mxi_blas_enter_lane(struct mxi_blas_lanes *l, int slot, int *lane);
void mxi_blas_leave_lane(struct mxi_blas_lanes *l, int lane);
/* A fork waits until no caller is inside; both processes go on from there. */
void mxi_blas_before_fork(void);
void mxi_blas_after_fork(void);

#endif

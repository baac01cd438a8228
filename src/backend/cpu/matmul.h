/* Matrix products on the CPU. matmul.c brings the operands of a task to one form and picks who computes it: the trees of
 * matvec_kernels.h where the result is one row or one column, one call of a kernel for tiny products, strips for larger
 * ones, and for complex64 the BLAS, one tile of a fixed grid a call. docs/numerics-products.md defines trees and grid. */
#ifndef MXI_BACKEND_CPU_MATMUL_H
#define MXI_BACKEND_CPU_MATMUL_H

#include "backend/cpu/isa.h"
#include "backend/cpu/matvec_kernels.h"
#include "core/params.h"
#include "plan/program.h"

mx_status mxi_cpu_matmul(struct mx_task *task);
size_t mxi_cpu_matmul_scratch(const struct mx_task *task);

/* A matrix in memory; strides count elements. */
struct mxi_matrix {
  char *data;
  int64_t row, column;
};

/* c[i] = a[i] @ b[i] over a batch: a is m x k, b is k x n, c is m x n and row-major. */
struct mxi_product {
  struct mxi_matrix a, b;
  char *c;
  int64_t m, n, k;
  int32_t batch_ndim;
  mx_dtype dtype;
  bool a_is_vector, b_is_vector; /* 1-d operands */
  int64_t batch; /* the product of batch_shape */
  int64_t batch_shape[MXI_MAX_NDIM], a_batch[MXI_MAX_NDIM], b_batch[MXI_MAX_NDIM];
};

int64_t mxi_product_offset_slow(const struct mxi_product *p, const int64_t *strides, int64_t i);
/* Where item i of the batch lies, in elements. */
static inline int64_t mxi_product_offset(const struct mxi_product *p, const int64_t *strides, int64_t i) {
  return p->batch_ndim == 0 ? 0 : p->batch_ndim == 1 ? i * strides[0] : mxi_product_offset_slow(p, strides, i);
}

/* m or n is 1. */
mx_status mxi_matmul_vector(struct mx_task *task, const struct mxi_product *p);
size_t mxi_matmul_vector_scratch(const struct mxi_product *p);
/* What one call of a kernel for tiny products can do. */
bool mxi_matmul_is_small(const struct mxi_product *p);
void mxi_matmul_small(const struct mxi_product *p);
/* Any real product; halves in float32. */
mx_status mxi_matmul_strips(struct mx_task *task, const struct mxi_product *p);
/* complex64: OpenBLAS in single-threaded calls. */
mx_status mxi_matmul_tiles(struct mx_task *task, const struct mxi_product *p);

enum { MXI_SMALL = 32 }; /* the largest size of a tiny product */

/* c (+)= a @ b for a piece of the sum and at most strip_nbytes of columns. Strides count elements; a_block leads from
 * strip_rows rows of a to the next. Columns of b are next to each other, and whole vectors of them are read. */
struct mxi_strip {
  const void *a, *b;
  void *c;
  int64_t a_row, a_column, a_block, b_row, c_row;
  int64_t rows, columns, depth;
  bool accumulate;
};

struct mxi_matmul_kernels {
  /* c = a @ b; b has columns next to each other, c is row-major. Sums run over k in order, each step a fused
   * multiply-add where the instruction set has one. m, n, k in [1, MXI_SMALL]. */
  void (*small_f32)(struct mxi_matrix a, const float *b, int64_t b_row, float *c, int64_t m, int64_t n, int64_t k);
  void (*small_f64)(struct mxi_matrix a, const double *b, int64_t b_row, double *c, int64_t m, int64_t n, int64_t k);
  /* The same sums from 0, added to c where it accumulates. */
  void (*strip_f32)(const struct mxi_strip *s);
  void (*strip_f64)(const struct mxi_strip *s);
  int64_t strip_rows, strip_nbytes;
  struct mxi_matvec c64;
};

MXI_ISA_TABLE(struct mxi_matmul_kernels, mxi_matmul_kernels)

#endif

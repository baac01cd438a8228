/* Matrix-vector kernels of the CPU backend: products of a row-major matrix with a vector from either side, and the
 * one-pass kernel of the linear-model step. All of them compute with the same two trees (docs/numerics.md), so fused
 * and unfused, split and whole runs agree bit for bit. Scheduling, scratch and threads are the caller's.
 * x: `rows` rows of d contiguous elements, `row_stride` elements apart, of any alignment. d and rows may be 0. */
#ifndef MXI_BACKEND_CPU_MATVEC_KERNELS_H
#define MXI_BACKEND_CPU_MATVEC_KERNELS_H

#include <stdint.h>

#include "backend/cpu/isa.h"

enum { MXI_MATVEC_BLOCK = 256 }; /* rows of one partial of the row tree */

/* One storage type. Partials are float32 for float32, float16 and bfloat16, float64 for float64; everything else is
 * in the storage type. No argument may overlap an output. */
struct mxi_matvec {
  /* z[r] = dot(x[r], w), rounded once. Rows are independent: any split of them gives the same bits. */
  void (*gemv)(const void *x, int64_t row_stride, const void *w, void *z, int64_t rows, int64_t d);
  /* partial[j] = 0, then as gemv_t_accumulate; rows <= MXI_MATVEC_BLOCK. */
  void (*gemv_t_block)(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows, int64_t d);
  /* for r ascending: partial[j] = fma(x[r][j], t[r], partial[j]) */
  void (*gemv_t_accumulate)(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows, int64_t d);
  /* out[j] = the pairwise tree over partials[i * partial_stride + j], i in [0, count), rounded once; 0 if there are
   * none. An aligned group of 2^k partials may be combined early, in the partial's type: it is a subtree. */
  void (*combine)(const void *partials, int64_t partial_stride, int64_t count, int64_t d, void *out);
};

struct mxi_matvec_kernels {
  struct mxi_matvec f32, f64, f16, bf16;
  /* for r: t = ((dot(x[r], w) - y[r]) * s1) * s2;  partial += t * x[r]     one pass over x, rows <= MXI_MATVEC_BLOCK
   * partial starts at 0. */
  void (*linear_block)(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                       float *partial, int64_t rows, int64_t d);
};

MXI_ISA_TABLE(struct mxi_matvec_kernels, mxi_matvec_kernels)

/* Rows for which gemv, an elementwise chain and gemv_t_accumulate in turn find x in L1: a power of two, at most 256. */
static inline int64_t mxi_matvec_block_rows(int64_t row_nbytes) {
  int64_t rows = MXI_MATVEC_BLOCK;
  while (rows > 8 && rows * row_nbytes > 28 * 1024) rows /= 2;
  return rows;
}

#endif

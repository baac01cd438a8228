/* Reductions and scans: the table each instruction set fills. Kernels compute in an accumulator type: that of the
 * dtype, with float32 for halves and one byte for bool. Trees are written down in docs/numerics-reduce.md. */
#ifndef MXI_BACKEND_CPU_REDUCE_KERNELS_H
#define MXI_BACKEND_CPU_REDUCE_KERNELS_H

#include "backend/cpu/isa.h"
#include "core/dtype.h"

/* ACC(name, C type, lanes of the row tree) */
#define MXI_ACCS(ACC)    \
  ACC(u8, uint8_t, 256)  \
  ACC(i8, int8_t, 256)   \
  ACC(u16, uint16_t, 128) \
  ACC(i16, int16_t, 128) \
  ACC(u32, uint32_t, 64) \
  ACC(i32, int32_t, 64)  \
  ACC(u64, uint64_t, 32) \
  ACC(i64, int64_t, 32)  \
  ACC(f32, float, 64)    \
  ACC(f64, double, 32)   \
  ACC(c64, mxi_c64, 32)

enum mxi_acc {
#define ACC(name, type, lanes) MXI_ACC_##name,
  MXI_ACCS(ACC)
#undef ACC
  MXI_ACC_COUNT
};

enum mxi_fold { MXI_FOLD_SUM, MXI_FOLD_PROD, MXI_FOLD_MAX, MXI_FOLD_MIN, MXI_FOLD_COUNT };

#define MXI_LANES_NBYTES 256 /* of the lanes of any accumulator */
#define MXI_ROW_BLOCK 4096 /* elements of one block of the row tree */
#define MXI_COLUMN_BLOCK 256 /* rows of one block of the column tree */

struct mxi_fold_kernels {
  /* for r < rows, c < n: acc[c] = op(acc[c], x[r * pitch + c]), in the order of r */
  void (*cols)(void *acc, const void *x, int64_t pitch, int64_t rows, int64_t n);
  /* for r < rows: out[r] = the row tree over x[r * pitch + (0 .. n)], n <= MXI_ROW_BLOCK; the identity for n = 0 */
  void (*rows)(void *out, const void *x, int64_t pitch, int64_t rows, int64_t n);
  /* y[i] = op(y[i - 1], x[i]) in a row of n, y[-1] = *carry, which becomes y[n - 1]. step is 1 or -1; y may be x. */
  void (*scan)(void *y, const void *x, int64_t step, int64_t n, void *carry);
  /* y[i] = op(a[i], x[i]); y may be a or x */
  void (*combine)(void *y, const void *a, const void *x, int64_t n);
};

struct mxi_best_kernels {
  /* first i with x[i] the same as *value (any NaN is the same as any other); n when there is none */
  int64_t (*find)(const void *x, const void *value, int64_t n);
  /* for i: where x[i] beats best[i]: best[i] = x[i], index[i] = row */
  void (*update)(void *best, uint32_t *index, const void *x, uint32_t row, int64_t n);
};

/* Strides count elements. dst[i] = src[i * stride], converted */
typedef void (*mxi_load_fn)(void *dst, const void *src, int64_t stride, int64_t n);
typedef void (*mxi_store_fn)(void *dst, int64_t stride, const void *src, int64_t n);

struct mxi_reduce_kernels {
  struct mxi_fold_kernels folds[MXI_FOLD_COUNT][MXI_ACC_COUNT];
  struct mxi_best_kernels best[2][MXI_ACC_COUNT]; /* max, min */
};

struct mxi_reduce_convert_kernels {
  mxi_load_fn load[MXI_DTYPE_COUNT][MXI_ACC_COUNT]; /* NULL where no reduction needs it */
  mxi_load_fn truth[MXI_DTYPE_COUNT];               /* to u8: 1 where not zero */
  mxi_store_fn store[MXI_DTYPE_COUNT];              /* from the dtype's own accumulator, rounding halves */
};

/* For f32, f64 and c64; other entries are NULL. */
struct mxi_reduce_exp_kernels {
  /* y[i] = exp(x[i] - m[i * m_step]): m_step is 0 or 1 */
  void (*exp_minus)(void *y, const void *x, const void *m, int64_t m_step, int64_t n);
  /* y[i] = exp(x[i] - *m) unless y is NULL; lanes[l] = y[l] + y[L + l] + ... in order, L lanes or n if that is less, as
   * the row tree adds them up. What lies at `next`, as long as x, is fetched meanwhile. y may be x. */
  void (*exp_lanes)(void *lanes, void *y, const void *x, const void *m, int64_t n, const void *next);
  /* y[i] *= s[i * s_step] */
  void (*scale)(void *y, const void *s, int64_t s_step, int64_t n);
  /* s[i] = 1 / s[i] */
  void (*invert)(void *s, int64_t n);
  /* y[i] = m[i] + log(s[i]), or m[i] where that is infinite */
  void (*log_plus)(void *y, const void *m, const void *s, int64_t n);
  /* m[i] as it is subtracted: itself, but for c64 its real part */
  void (*center)(void *m, int64_t n);
  /* logaddexp in the forms of scan and combine */
  void (*scan)(void *y, const void *x, int64_t step, int64_t n, void *carry);
  void (*combine)(void *y, const void *a, const void *x, int64_t n);
};

struct mxi_reduce_exp_table {
  struct mxi_reduce_exp_kernels of[MXI_ACC_COUNT];
};

MXI_ISA_TABLE(struct mxi_reduce_kernels, mxi_reduce_kernels)
MXI_ISA_TABLE(struct mxi_reduce_convert_kernels, mxi_reduce_convert_kernels)
MXI_ISA_TABLE(struct mxi_reduce_exp_table, mxi_reduce_exp_table)

#endif

/* Elementwise operations on the CPU. Kernels (kernels/elementwise_*.c) work on runs of n elements that are dense or
 * one scalar; the interpreter in elementwise.c brings strides, broadcasts, casts and half floats to that form. */
#ifndef MXI_BACKEND_CPU_ELEMENTWISE_H
#define MXI_BACKEND_CPU_ELEMENTWISE_H

#include "backend/cpu/isa.h"
#include "base/arena.h"
#include "core/prim.h"
#include "plan/program.h"

/* out[i] = f(in[0][i], ...) for i < n. Bit k of `scalar_mask`: operand k is one element; not all of them are, but
 * where n is 1. `out` may equal an operand of the same item size. Halves are float32 here, bool is uint8_t. */
typedef void (*mxi_ew_fn)(void *out, const void *const *in, unsigned scalar_mask, size_t n);
/* out[i] = convert(in[i]) */
typedef void (*mxi_ew_cast_fn)(void *out, const void *in, size_t n);

/* Rows by operation and dtype of the operands; NULL where the table has no formula. */
struct mxi_ew_rows {
  mxi_ew_fn fn[MXI_OP_ELEMENTWISE_END][MXI_DTYPE_COUNT];
};
MXI_ISA_TABLE(struct mxi_ew_rows, mxi_ew_float_rows)
MXI_ISA_TABLE(struct mxi_ew_rows, mxi_ew_int_rows)
MXI_ISA_TABLE(struct mxi_ew_rows, mxi_ew_complex_rows)

struct mxi_ew_casts {
  mxi_ew_cast_fn cast[MXI_DTYPE_COUNT][MXI_DTYPE_COUNT]; /* in compute types: halves are float32 on both sides */
  mxi_ew_cast_fn load[2], store[2], round[2]; /* float16, bfloat16: to and from float32, and float32 made to fit */
  mxi_ew_cast_fn move[4];                     /* items of 1, 2, 4, 8 bytes, as below */
  void (*gather[4])(void *out, const void *in, int64_t step, size_t n); /* out[i] = in[i * step] */
  void (*fill[4])(void *out, const void *in, size_t n);                 /* out[i] = in[0] */
  /* out[r * out_step + c] = in[c * in_step + r] for r < rows, c < columns; steps in items */
  void (*transpose[4])(void *out, int64_t out_step, const void *in, int64_t in_step, size_t rows, size_t columns);
};
MXI_ISA_TABLE(struct mxi_ew_casts, mxi_ew_casts)

/* What of a cluster is worked out once a plan: the `program` of ew, in the arena; NULL without memory. */
const void *mxi_cpu_elementwise_prepare(const struct mx_cluster *ew, struct mxi_arena *arena);

/* Runs a cluster, prepared or not, over its iteration space. in[i] is the element at index 0, 0, ... of input i, out[i]
 * the row-major result i, which may be exactly a dense input of the same item size. */
mx_status mxi_cpu_elementwise(const struct mx_cluster *ew, const void *const *in, void *const *out);

#endif

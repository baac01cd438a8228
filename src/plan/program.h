/* What a plan hands to a backend: operands, tasks, and clusters of elementwise operations. Everything a kernel may
 * know is here; it sees no nodes. Strides count elements, shapes and strides are valid for the call. */
#ifndef MXI_PLAN_PROGRAM_H
#define MXI_PLAN_PROGRAM_H

#include "core/dtype.h"

/* An operand: memory and how to walk it. A size-0 operand may have any data pointer. */
struct mxi_view {
  char *data; /* the element at index 0, 0, ... */
  const int64_t *shape;
  const int64_t *strides;
  int64_t size; /* elements: the product of shape */
  int32_t ndim;
  uint8_t dtype;
  uint8_t contiguous; /* row-major without gaps */
};

/* One operation on evaluated operands. Outputs are row-major contiguous and share no memory with inputs, but that
 * out[0].data may equal in[0].data where the primitive has MXI_INPLACE and the base was donated. */
struct mxi_task {
  const struct mxi_view *in;
  const struct mxi_view *out;
  const void *params; /* the struct of core/params.h that belongs to the primitive */
  void *scratch;      /* 64-byte aligned, as many bytes as the entry's scratch function asked for; else NULL */
  int32_t in_count, out_count;
  char message[192]; /* what went wrong, without the operation's name */
};

/* Validates before it writes, so that a failure leaves inputs whole. Returns MX_OK or a code with task->message set. */
typedef mx_status (*mxi_kernel_fn)(struct mxi_task *task);
/* Bytes of scratch for these shapes (data pointers are not valid yet). */
typedef size_t (*mxi_scratch_fn)(const struct mxi_task *task);

struct mxi_kernel {
  mxi_kernel_fn run;
  mxi_scratch_fn scratch; /* NULL: none */
};

mx_status mxi_task_fail(struct mxi_task *task, mx_status code, const char *format, ...) MX_PRINTF(3, 4);

/* ---- Clusters of elementwise operations over one iteration space -------------------------------------------------
 * Registers 0 .. in_count-1 are the inputs in their stored dtype; instruction i writes register in_count + i. A
 * register is a run of n elements of the iteration space (row-major), or one element where it is scalar. Halves are
 * computed in float32 and rounded after each instruction that says so, so a fused chain equals the unfused one. */
struct mxi_ew_instr {
  uint16_t op;      /* row of elementwise.def, or MXI_EW_CAST */
  uint8_t dtype;    /* of the operands (of the source, for a cast), all of them after promotion */
  uint8_t out_dtype; /* of the result */
  uint8_t arity;
  uint8_t scalar;   /* the result is one element: computed once */
  int16_t in[3];    /* registers */
  int32_t output;   /* >= 0: the result is also stored to this output operand */
};
#define MXI_EW_CAST 0xffff

#define MXI_EW_MAX_INSTRS 24 /* a longer chain is cut: registers must fit in the first-level cache */
#define MXI_EW_MAX_INPUTS 12

/* One size, after collapsing: what sizing writes and the backend runs. */
struct mxi_ew {
  const struct mxi_ew_instr *instrs;
  const int64_t *shape;          /* of the collapsed iteration space, ndim of them */
  const int64_t *strides;        /* in_count * ndim: element strides of each input; outputs are dense */
  const uint8_t *in_dtypes, *out_dtypes;
  const uint8_t *in_kinds;       /* enum mxi_ew_kind */
  const void *program;           /* what the backend made of it when it was sized; may be NULL */
  int64_t size;
  int32_t ndim, in_count, out_count, instr_count;
};
enum mxi_ew_kind { MXI_EW_DENSE, MXI_EW_SCALAR, MXI_EW_STRIDED };

/* z = x @ w, t = chain(z, ...), g = t @ x, over x of `rows` by `columns`: the linear-model step. */
struct mxi_linear {
  int64_t rows, columns, row_stride;
  int32_t z_input;   /* which input of the chain is z */
  int32_t y, s1, s2; /* registers of the chain where it is affine; s1, s2 may be -1: none */
  uint8_t affine;    /* the chain is ((z - y) * s1) * s2 */
};

#endif

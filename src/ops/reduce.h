/* Makers of reduction and scan nodes, for builders and rules: they check nothing, and a NULL operand gives NULL. */
#ifndef MXI_OPS_REDUCE_H
#define MXI_OPS_REDUCE_H

#include "ops/layout.h"

/* One of sum prod max min all any logsumexp over the axes in `mask`, which keep size 1. */
mx_array mxi_reduce_made(struct mxi_ctx *c, int op, mx_dtype dtype, mx_array a, uint64_t mask);
/* The sum over `mask`, kept as size 1, added up and left in `dtype`: a's, or one its elements convert to. */
mx_array mxi_sum_as(struct mxi_ctx *c, mx_array a, uint64_t mask, mx_dtype dtype);
mx_array mxi_softmax_made(struct mxi_ctx *c, mx_array a, uint64_t mask);
mx_array mxi_scan_made(struct mxi_ctx *c, int op, mx_array a, int axis, bool reverse, bool inclusive);

/* `a` as it is, or without the axes in `mask`, which have size 1. */
mx_array mxi_reduced(struct mxi_ctx *c, mx_array a, uint64_t mask, bool keepdims);
/* (kept axes..., product of reduced ones): the reduced axes last and merged. */
mx_array mxi_reduced_last(struct mxi_ctx *c, mx_array a, uint64_t mask);
/* Back from that to `shape`. */
mx_array mxi_reduced_back(struct mxi_ctx *c, mx_array a, uint64_t mask, mx_ints shape);
int64_t mxi_reduced_count(mx_array a, uint64_t mask); /* elements that make one result */
/* The dtype of elementwise results on `t` where integers give float32. */
static inline mx_dtype mxi_float_dtype(mx_dtype t) { return mxi_is_inexact(t) ? t : MX_FLOAT32; }
/* The dtype that means and norms of `t` are computed in. */
static inline mx_dtype mxi_accumulator_dtype(mx_dtype t) {
  return t == MX_FLOAT64 || t == MX_COMPLEX64 ? t : MX_FLOAT32;
}
static inline mx_array mxi_conjugated(struct mxi_ctx *c, mx_array a) {
  return a && a->dtype == MX_COMPLEX64 ? mxi_conjugate(c, a) : a;
}
/* `a` moved by `by` places along an axis (forward where positive); `fill`, 0-d, comes in. */
mx_array mxi_slide(struct mxi_ctx *c, mx_array a, int axis, int64_t by, double fill);

/* vmap of a primitive of one operand with mxi_params_axes, or a struct that begins with its mask. */
bool mxi_axes_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                   int *out_axes);

#endif

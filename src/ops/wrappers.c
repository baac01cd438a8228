/* Public operations: the builder of the same name in a frame of the calling thread's context. Printed by
 * tools/opgen from core/elementwise.def and ops/ops.def: edit those. */
#include "ops/builders.h"

mx_array mx_add(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "add", "a");
  if (!b) return mxi_null(ctx, "add", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_add(ctx, a, b));
}

mx_array mx_subtract(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "subtract", "a");
  if (!b) return mxi_null(ctx, "subtract", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_subtract(ctx, a, b));
}

mx_array mx_multiply(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "multiply", "a");
  if (!b) return mxi_null(ctx, "multiply", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_multiply(ctx, a, b));
}

mx_array mx_divide(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "divide", "a");
  if (!b) return mxi_null(ctx, "divide", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_divide(ctx, a, b));
}

mx_array mx_square(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "square", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_square(ctx, a));
}

mx_array mx_negative(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "negative", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_negative(ctx, a));
}

mx_array mx_exp(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "exp", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_exp(ctx, a));
}

mx_array mx_sigmoid(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sigmoid", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sigmoid(ctx, a));
}

mx_array mx_astype(mx_array a, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "astype", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_astype(ctx, a, dtype));
}

mx_array mx_stop_gradient(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "stop_gradient", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_stop_gradient(ctx, a));
}

mx_array mx_reciprocal(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "reciprocal", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_reciprocal(ctx, a));
}

mx_array mx_reshape(mx_array a, mx_ints shape) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "reshape", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_reshape(ctx, a, shape));
}

mx_array mx_transpose(mx_array a, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "transpose", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_transpose(ctx, a, axes));
}

mx_array mx_sum(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sum", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sum(ctx, a, axes, keepdims));
}

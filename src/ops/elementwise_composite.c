/* Elementwise operations made of rows of core/elementwise.def. */
#include "ops/builders.h"
#include "ops/elementwise.h"

/* The number v in the dtype that `a` is computed in as a float. */
static mx_array float_like(struct mxi_ctx *c, mx_array a, double v) {
  return mxi_scalar_f(c, v, mxi_ew_operand_dtype(MXI_RULE_FLOAT, (mx_dtype)a->dtype));
}

mx_array mxi_reciprocal(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a);
  return mxi_divide(ctx, float_like(ctx, a, 1), a);
}

/* Builders: what operations are made of. Results are on ctx's stack and are borrowed; a NULL operand gives NULL.
 * Printed by tools/opgen from core/elementwise.def and ops/ops.def: edit those. */
#ifndef MXI_OPS_BUILDERS_H
#define MXI_OPS_BUILDERS_H

#include "core/ctx.h"

mx_array mxi_add(struct mxi_ctx *ctx, mx_array a, mx_array b);
mx_array mxi_subtract(struct mxi_ctx *ctx, mx_array a, mx_array b);
mx_array mxi_multiply(struct mxi_ctx *ctx, mx_array a, mx_array b);
mx_array mxi_divide(struct mxi_ctx *ctx, mx_array a, mx_array b);
mx_array mxi_square(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_negative(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_exp(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_sigmoid(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_astype(struct mxi_ctx *ctx, mx_array a, mx_dtype dtype);
mx_array mxi_stop_gradient(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_reciprocal(struct mxi_ctx *ctx, mx_array a);
mx_array mxi_reshape(struct mxi_ctx *ctx, mx_array a, mx_ints shape);
mx_array mxi_transpose(struct mxi_ctx *ctx, mx_array a, mx_ints axes);
mx_array mxi_sum(struct mxi_ctx *ctx, mx_array a, mx_ints axes, bool keepdims);

#endif

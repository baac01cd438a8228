/* logsumexp and softmax. Halves are computed in float32 and rounded once, so `precise` changes nothing. */
#include "ops/reduce.h"

mx_array mxi_softmax_made(struct mxi_ctx *c, mx_array a, uint64_t mask) {
  MXI_TRY(a);
  return mxi_node_make(c, MXI_OP_softmax, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1,
                       &(struct mxi_params_softmax){mask, 0});
}

static uint64_t mask_of(mx_array node) { return ((const struct mxi_params_axes *)mxi_params(node))->mask; }

static bool logsumexp_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                          uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array y = mxi_conjugated(c, mxi_softmax_made(c, mxi_inputs(node)[0], mask_of(node)));
  return (grads[0] = mxi_multiply(c, cotangents[0], y)) != NULL;
}

static bool logsumexp_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                          mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  mx_array t = mxi_multiply(c, tangents[0], mxi_softmax_made(c, mxi_inputs(node)[0], mask_of(node)));
  return (output_tangents[0] = mxi_sum_as(c, t, mask_of(node), (mx_dtype)node->dtype)) != NULL;
}

/* y * (t - sum(t * y)) */
static mx_array softmax_product(struct mxi_ctx *c, mx_array y, mx_array t, uint64_t mask) {
  mx_array ty = mxi_multiply(c, t, y);
  MXI_TRY(ty);
  mx_array mean = mxi_sum_as(c, ty, mask, (mx_dtype)ty->dtype);
  return mxi_multiply(c, y, mxi_subtract(c, t, mean));
}

static bool softmax_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  (void)wanted;
  mx_array y = mxi_conjugated(c, outputs[0]);
  return (grads[0] = softmax_product(c, y, cotangents[0], mask_of(node))) != NULL;
}

static bool softmax_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  return (output_tangents[0] = softmax_product(c, outputs[0], tangents[0], mask_of(node))) != NULL;
}

const struct mx_prim mxi_prim_logsumexp = {.size = sizeof(struct mx_prim), .name = "logsumexp", .flags = MX_PRIM_PURE,
                                           .params_size = sizeof(struct mxi_params_axes), .vjp = logsumexp_vjp,
                                           .jvp = logsumexp_jvp, .vmap = mxi_axes_vmap};
const struct mx_prim mxi_prim_softmax = {.size = sizeof(struct mx_prim), .name = "softmax", .flags = MX_PRIM_PURE,
                                         .params_size = sizeof(struct mxi_params_softmax), .vjp = softmax_vjp,
                                         .jvp = softmax_jvp, .vmap = mxi_axes_vmap};

mx_array mxi_logsumexp(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, "logsumexp", axes, a->ndim, &mask));
  if (mxi_size(a) == 0)
    return mxi_fail(c, MX_ERR_VALUE, "[logsumexp] an array of shape %s is empty", MXI_SHAPE_TEXT(a));
  MXI_TRY(a = mxi_astype(c, a, mxi_float_dtype((mx_dtype)a->dtype)));
  if (axes.count == 0) return a;
  return mxi_reduced(c, mxi_reduce_made(c, MXI_OP_logsumexp, (mx_dtype)a->dtype, a, mask), mask, keepdims);
}

mx_array mxi_softmax(struct mxi_ctx *c, mx_array a, mx_ints axes, bool precise) {
  (void)precise;
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, "softmax", axes, a->ndim, &mask));
  bool has_nan = a->dtype >= MX_FLOAT16; /* or infinities, of which NaN is made */
  if (axes.count == 0) return has_nan ? mxi_exp(c, mxi_subtract(c, a, a)) : mxi_ones(c, mxi_shape_of(a), (mx_dtype)a->dtype);
  return mxi_softmax_made(c, mxi_astype(c, a, mxi_float_dtype((mx_dtype)a->dtype)), mask);
}

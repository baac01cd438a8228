/* argmax and argmin. */
#include "ops/reduce.h"

static bool arg_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes) {
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)};
  struct mxi_params_axis p = *(const struct mxi_params_axis *)mxi_params(node);
  p.axis++;
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], shape[0]);
  out_axes[0] = 0;
  outputs[0] = a ? mxi_node_make(c, node->op, MX_UINT32, node->ndim + 1, shape, &a, 1, &p) : NULL;
  return outputs[0] != NULL;
}

const struct mx_prim mxi_prim_argmax = {.size = sizeof(struct mx_prim), .name = "argmax", .flags = MX_PRIM_PURE | MX_PRIM_NODIFF,
                                        .params_size = sizeof(struct mxi_params_axis), .vmap = arg_vmap};
const struct mx_prim mxi_prim_argmin = {.size = sizeof(struct mx_prim), .name = "argmin", .flags = MX_PRIM_PURE | MX_PRIM_NODIFF,
                                        .params_size = sizeof(struct mxi_params_axis), .vmap = arg_vmap};

static mx_array arg_reduce(struct mxi_ctx *c, const char *who, int op, mx_array a, int axis, bool keepdims) {
  MXI_TRY(a = mxi_operand(c, a));
  int at;
  MXI_TRY(mxi_axis(c, who, axis, a->ndim, &at));
  if (mxi_size(a) == 0) return mxi_fail(c, MX_ERR_VALUE, "[%s] an array of shape %s is empty", who, MXI_SHAPE_TEXT(a));
  if (mxi_dims(a)[at] > UINT32_MAX) return mxi_fail(c, MX_ERR_VALUE, "[%s] the axis is too long for uint32", who);
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) shape[i] = i == at ? 1 : mxi_dims(a)[i];
  mx_array y = mxi_node_make(c, op, MX_UINT32, a->ndim, shape, &a, 1, &(struct mxi_params_axis){at, 0});
  return mxi_reduced(c, y, 1ull << at, keepdims);
}

static mx_array arg_reduce_all(struct mxi_ctx *c, const char *who, int op, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(a = mxi_reshape(c, a, MX_INTS(mxi_size(a))));
  return arg_reduce(c, who, op, a, 0, false);
}

mx_array mxi_argmax(struct mxi_ctx *c, mx_array a, int axis, bool keepdims) {
  return arg_reduce(c, "argmax", MXI_OP_argmax, a, axis, keepdims);
}
mx_array mxi_argmin(struct mxi_ctx *c, mx_array a, int axis, bool keepdims) {
  return arg_reduce(c, "argmin", MXI_OP_argmin, a, axis, keepdims);
}
mx_array mxi_argmax_all(struct mxi_ctx *c, mx_array a) { return arg_reduce_all(c, "argmax", MXI_OP_argmax, a); }
mx_array mxi_argmin_all(struct mxi_ctx *c, mx_array a) { return arg_reduce_all(c, "argmin", MXI_OP_argmin, a); }

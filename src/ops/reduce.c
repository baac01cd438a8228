/* sum, prod, max, min, all, any: nodes keep reduced axes as size 1, and a reshape drops them. Their rules stand beside
 * them; what is made of them is in reduce_stats.c and reduce_norm.c. */
#include "ops/reduce.h"

#include <string.h>

/* ---- Makers ------------------------------------------------------------------------------------------------------ */
mx_array mxi_reduce_made(struct mxi_ctx *c, int op, mx_dtype dtype, mx_array a, uint64_t mask) {
  MXI_TRY(a);
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) shape[i] = mask >> i & 1 ? 1 : mxi_dims(a)[i];
  return mxi_node_make(c, op, dtype, a->ndim, shape, &a, 1, &(struct mxi_params_axes){mask});
}

mx_array mxi_sum_as(struct mxi_ctx *c, mx_array a, uint64_t mask, mx_dtype dtype) {
  MXI_TRY(a);
  return mask ? mxi_reduce_made(c, MXI_OP_sum, dtype, a, mask) : mxi_astype(c, a, dtype);
}

mx_array mxi_reduced(struct mxi_ctx *c, mx_array a, uint64_t mask, bool keepdims) {
  MXI_TRY(a);
  if (keepdims || !mask) return a;
  int64_t shape[MXI_MAX_NDIM];
  int ndim = 0;
  for (int i = 0; i < a->ndim; i++)
    if (!(mask >> i & 1)) shape[ndim++] = mxi_dims(a)[i];
  return mxi_reshape(c, a, mxi_list(shape, ndim));
}

int64_t mxi_reduced_count(mx_array a, uint64_t mask) {
  int64_t count = 1;
  for (int i = 0; i < a->ndim; i++)
    if (mask >> i & 1) count *= mxi_dims(a)[i];
  return count;
}

/* Kept axes, then reduced ones; returns how many are kept. */
static int last_order(int ndim, uint64_t mask, int32_t *order) {
  int at = 0, kept;
  for (int i = 0; i < ndim; i++)
    if (!(mask >> i & 1)) order[at++] = i;
  kept = at;
  for (int i = 0; i < ndim; i++)
    if (mask >> i & 1) order[at++] = i;
  return kept;
}

mx_array mxi_reduced_last(struct mxi_ctx *c, mx_array a, uint64_t mask) {
  MXI_TRY(a);
  struct mxi_params_perm p = {{0}};
  int64_t shape[MXI_MAX_NDIM + 1];
  int kept = last_order(a->ndim, mask, p.axis);
  for (int i = 0; i < kept; i++) shape[i] = mxi_dims(a)[p.axis[i]];
  shape[kept] = mxi_reduced_count(a, mask);
  return mxi_reshape(c, mxi_permute(c, a, &p), mxi_list(shape, kept + 1));
}

mx_array mxi_reduced_back(struct mxi_ctx *c, mx_array a, uint64_t mask, mx_ints shape) {
  MXI_TRY(a);
  struct mxi_params_perm order = {{0}}, back = {{0}};
  int64_t moved[MXI_MAX_NDIM];
  int ndim = (int)shape.count;
  last_order(ndim, mask, order.axis);
  for (int i = 0; i < ndim; i++) {
    moved[i] = shape.at[order.axis[i]];
    back.axis[order.axis[i]] = i;
  }
  MXI_TRY(a = mxi_reshape(c, a, mxi_list(moved, ndim)));
  return mxi_permute(c, a, &back);
}

bool mxi_axes_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                   int *out_axes) {
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)};
  struct mxi_params_softmax p = {0, 0};
  memcpy(&p, mxi_params(node), mxi_prims[node->op]->params_size);
  p.mask <<= 1;
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], shape[0]);
  out_axes[0] = 0;
  outputs[0] = a ? mxi_node_make(c, node->op, (mx_dtype)node->dtype, node->ndim + 1, shape, &a, 1, &p) : NULL;
  return outputs[0] != NULL;
}

static uint64_t mask_of(mx_array node) { return ((const struct mxi_params_axes *)mxi_params(node))->mask; }

/* ---- Rules ------------------------------------------------------------------------------------------------------- */
static bool sum_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                    mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array a = mxi_inputs(node)[0];
  mx_array g = mxi_astype(c, cotangents[0], (mx_dtype)a->dtype);
  return (grads[0] = g ? mxi_broadcast_to(c, g, mxi_shape_of(a)) : NULL) != NULL;
}

static bool sum_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                    mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  mx_dtype t = mxi_is_inexact((mx_dtype)tangents[0]->dtype) && !mxi_is_inexact((mx_dtype)node->dtype)
                   ? (mx_dtype)tangents[0]->dtype
                   : (mx_dtype)node->dtype;
  return (output_tangents[0] = mxi_reduce_made(c, MXI_OP_sum, t, tangents[0], mask_of(node))) != NULL;
}

/* The product of all the other elements of each reduction: right where there are zeros, and differentiable again. */
static mx_array product_of_others(struct mxi_ctx *c, mx_array a, mx_dtype dtype, uint64_t mask) {
  mx_array x = mxi_reduced_last(c, mxi_astype(c, a, dtype), mask);
  MXI_TRY(x);
  int axis = x->ndim - 1;
  mx_array before = mxi_scan_made(c, MXI_OP_cumprod, x, axis, false, false);
  mx_array after = mxi_scan_made(c, MXI_OP_cumprod, x, axis, true, false);
  return mxi_reduced_back(c, mxi_multiply(c, before, after), mask, mxi_shape_of(a));
}

static bool prod_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                     uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array a = mxi_inputs(node)[0];
  mx_array others = mxi_conjugated(c, product_of_others(c, a, (mx_dtype)node->dtype, mask_of(node)));
  mx_array g = mxi_multiply(c, cotangents[0], others);
  return (grads[0] = g ? mxi_astype(c, g, (mx_dtype)a->dtype) : NULL) != NULL;
}

static bool prod_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                     mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  mx_array others = product_of_others(c, mxi_inputs(node)[0], (mx_dtype)node->dtype, mask_of(node));
  mx_array t = mxi_multiply(c, tangents[0], others);
  return (output_tangents[0] = mxi_sum_as(c, t, mask_of(node), (mx_dtype)node->dtype)) != NULL;
}

/* 1 / k at each of the k elements that attain the extreme y, 0 elsewhere. */
static mx_array share_of_extreme(struct mxi_ctx *c, mx_array a, mx_array y, uint64_t mask) {
  mx_dtype t = (mx_dtype)a->dtype, wide = mxi_is_half(t) ? MX_FLOAT32 : mxi_float_dtype(t);
  mx_array hit = mxi_astype(c, mxi_equal(c, a, y), wide);
  mx_array share = mxi_divide(c, hit, mxi_sum_as(c, hit, mask, wide));
  return share ? mxi_astype(c, share, mxi_is_inexact(t) ? t : MX_FLOAT32) : NULL;
}

static bool extreme_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  (void)wanted;
  mx_array a = mxi_inputs(node)[0];
  mx_array g = mxi_multiply(c, cotangents[0], share_of_extreme(c, a, outputs[0], mask_of(node)));
  return (grads[0] = g ? mxi_astype(c, g, (mx_dtype)a->dtype) : NULL) != NULL;
}

static bool extreme_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  mx_array t = mxi_multiply(c, tangents[0], share_of_extreme(c, mxi_inputs(node)[0], outputs[0], mask_of(node)));
  MXI_TRY(t);
  return (output_tangents[0] = mxi_sum_as(c, t, mask_of(node), (mx_dtype)t->dtype)) != NULL;
}

#define PRIM_OF_AXES(prim, more)                                                                       \
  const struct mx_prim mxi_prim_##prim = {.size = sizeof(struct mx_prim), .name = #prim,               \
                                          .params_size = sizeof(struct mxi_params_axes), .vmap = mxi_axes_vmap, more}
#define LINEAR .flags = MX_PRIM_PURE, .vjp = sum_vjp, .jvp = sum_jvp
#define PRODUCT .flags = MX_PRIM_PURE, .vjp = prod_vjp, .jvp = prod_jvp
#define EXTREME .flags = MX_PRIM_PURE, .vjp = extreme_vjp, .jvp = extreme_jvp
#define TRUTH .flags = MX_PRIM_PURE | MX_PRIM_NODIFF
PRIM_OF_AXES(sum, LINEAR);
PRIM_OF_AXES(prod, PRODUCT);
PRIM_OF_AXES(max, EXTREME);
PRIM_OF_AXES(min, EXTREME);
PRIM_OF_AXES(all, TRUTH);
PRIM_OF_AXES(any, TRUTH);

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
/* The dtype of sums and products. */
static mx_dtype widened(mx_dtype t) {
  switch (t) {
    case MX_BOOL: case MX_INT8: case MX_INT16: return MX_INT32;
    case MX_UINT8: case MX_UINT16: return MX_UINT32;
    default: return t;
  }
}

static mx_array reduce(struct mxi_ctx *c, const char *who, int op, mx_array a, mx_ints axes, bool keepdims) {
  uint64_t mask;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axes(c, who, axes, a->ndim, &mask));
  mx_dtype t = (mx_dtype)a->dtype, to = op == MXI_OP_sum || op == MXI_OP_prod ? widened(t) : t;
  if (op == MXI_OP_all || op == MXI_OP_any) {
    if (!mask) return mxi_astype(c, a, MX_BOOL);
    to = MX_BOOL;
  }
  if (!mask) return a; /* also every axis of a 0-d array */
  for (int i = 0; (op == MXI_OP_max || op == MXI_OP_min) && i < a->ndim; i++)
    if (mask >> i & 1 && mxi_dims(a)[i] == 0)
      return mxi_fail(c, MX_ERR_VALUE, "[%s] axis %d of shape %s is empty: nothing to choose from", who, i,
                      MXI_SHAPE_TEXT(a));
  return mxi_reduced(c, mxi_reduce_made(c, op, to, a, mask), mask, keepdims);
}

#define BUILDER(name)                                                                          \
  mx_array mxi_##name(struct mxi_ctx *c, mx_array a, mx_ints axes, bool keepdims) {            \
    return reduce(c, #name, MXI_OP_##name, a, axes, keepdims);                                 \
  }
BUILDER(sum)
BUILDER(prod)
BUILDER(max)
BUILDER(min)
BUILDER(all)
BUILDER(any)

/* gather_axis and scatter_axis: one index for each element, along one axis. take_along_axis and put_along_axis. */
#include "ops/index.h"

#include "ops/elementwise.h"

mx_array mxi_gather_axis_made(struct mxi_ctx *c, mx_array a, mx_array indices, int axis) {
  if (!a || !indices) return NULL;
  struct mxi_params_axis p = {axis, 0};
  const mx_array inputs[] = {a, indices};
  return mxi_node_make(c, MXI_OP_gather_axis, (mx_dtype)a->dtype, indices->ndim, mxi_dims(indices), inputs, 2, &p);
}

mx_array mxi_scatter_axis_made(struct mxi_ctx *c, mx_array a, mx_array indices, mx_array updates, int axis,
                               enum mxi_scatter_mode mode) {
  if (!a || !indices || !updates) return NULL;
  struct mxi_params_axis p = {axis, mode};
  const mx_array inputs[] = {a, indices, updates};
  return mxi_node_make(c, MXI_OP_scatter_axis, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), inputs, 3, &p);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------- */
static bool gather_axis_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                            uint64_t wanted, mx_array *grads) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  mx_array a = mxi_inputs(node)[0], indices = mxi_inputs(node)[1];
  if (!(wanted & 1)) return true;
  mx_array zeros = mxi_zeros(c, mxi_shape_of(a), (mx_dtype)cotangents[0]->dtype);
  grads[0] = mxi_scatter_axis_made(c, zeros, indices, cotangents[0], p->axis, MXI_SCATTER_ADD);
  return grads[0] != NULL;
}

static bool gather_axis_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                            mx_array *output_tangents) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  output_tangents[0] = tangents[0] ? mxi_gather_axis_made(c, tangents[0], mxi_inputs(node)[1], p->axis) : NULL;
  return !tangents[0] || output_tangents[0];
}

static bool gather_axis_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                             mx_array *outputs, int *out_axes) {
  const struct mxi_params_axis *p = mxi_params(node);
  int64_t size = mxi_batch_size(inputs, in_axes, 2);
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], size),
           indices = mxi_batch_first(c, inputs[1], in_axes[1], size);
  out_axes[0] = 0;
  return (outputs[0] = mxi_gather_axis_made(c, a, indices, p->axis + 1)) != NULL;
}

const struct mx_prim mxi_prim_gather_axis = {.size = sizeof(struct mx_prim), .name = "take_along_axis",
                                             .flags = MX_PRIM_FALLIBLE, .params_size = sizeof(struct mxi_params_axis),
                                             .vjp = gather_axis_vjp, .jvp = gather_axis_jvp, .vmap = gather_axis_vmap};

/* Of assign and add, the modes that builders make. */
static bool scatter_axis_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                             uint64_t wanted, mx_array *grads) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  mx_array indices = mxi_inputs(node)[1], g = cotangents[0];
  if (wanted & 1 && p->option == MXI_SCATTER_ADD) grads[0] = g;
  if (wanted & 1 && p->option == MXI_SCATTER_ASSIGN) {
    mx_array zeros = mxi_zeros(c, mxi_shape_of(indices), (mx_dtype)g->dtype);
    MXI_TRY(grads[0] = mxi_scatter_axis_made(c, g, indices, zeros, p->axis, MXI_SCATTER_ASSIGN));
  }
  if (wanted & 4) MXI_TRY(grads[2] = mxi_gather_axis_made(c, g, indices, p->axis));
  return true;
}

static bool scatter_axis_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                             mx_array *output_tangents) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  mx_array a = tangents[0], updates = tangents[2];
  output_tangents[0] = NULL;
  if (!a && !updates) return true;
  if (!a) a = mxi_zeros_as(c, mxi_inputs(node)[0]);
  if (!updates) updates = mxi_zeros_as(c, mxi_inputs(node)[2]);
  output_tangents[0] =
      mxi_scatter_axis_made(c, a, mxi_inputs(node)[1], updates, p->axis, (enum mxi_scatter_mode)p->option);
  return output_tangents[0] != NULL;
}

static bool scatter_axis_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                              mx_array *outputs, int *out_axes) {
  const struct mxi_params_axis *p = mxi_params(node);
  int64_t size = mxi_batch_size(inputs, in_axes, 3);
  mx_array batched[3];
  for (int i = 0; i < 3; i++) batched[i] = mxi_batch_first(c, inputs[i], in_axes[i], size);
  out_axes[0] = 0;
  outputs[0] =
      mxi_scatter_axis_made(c, batched[0], batched[1], batched[2], p->axis + 1, (enum mxi_scatter_mode)p->option);
  return outputs[0] != NULL;
}

const struct mx_prim mxi_prim_scatter_axis = {.size = sizeof(struct mx_prim), .name = "put_along_axis",
                                              .flags = MX_PRIM_INPLACE | MX_PRIM_FALLIBLE,
                                              .params_size = sizeof(struct mxi_params_axis), .vjp = scatter_axis_vjp,
                                              .jvp = scatter_axis_jvp, .vmap = scatter_axis_vmap};

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
/* Checks axis, rank and dtype, and finds the shape that `a` and `indices` broadcast to beside the axis. */
static bool agree(struct mxi_ctx *c, const char *who, mx_array a, mx_array indices, int *axis, int64_t *shape) {
  if (!mxi_axis(c, who, *axis, a->ndim, axis) || !mxi_index_dtype(c, who, indices)) return false;
  bool fits = indices->ndim == a->ndim;
  for (int i = 0; fits && i < a->ndim; i++) {
    int64_t x = mxi_dims(a)[i], y = mxi_dims(indices)[i];
    fits = i == *axis || x == y || x == 1 || y == 1;
    shape[i] = x == 1 ? y : x;
  }
  if (!fits)
    mxi_fail(c, MX_ERR_SHAPE, "[%s] indices of shape %s do not match an array of shape %s beside axis %d", who,
             MXI_SHAPE_TEXT(indices), MXI_SHAPE_TEXT(a), *axis);
  return fits;
}

mx_array mxi_take_along_axis(struct mxi_ctx *c, mx_array a, mx_array indices, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(indices = mxi_operand(c, indices));
  int64_t shape[MXI_MAX_NDIM];
  MXI_TRY(agree(c, "take_along_axis", a, indices, &axis, shape));
  if (!mxi_dims(a)[axis] && mxi_dims(indices)[axis])
    return mxi_fail(c, MX_ERR_VALUE, "[take_along_axis] axis %d of shape %s is empty", axis, MXI_SHAPE_TEXT(a));
  shape[axis] = mxi_dims(a)[axis];
  MXI_TRY(a = mxi_broadcast_to(c, a, mxi_list(shape, a->ndim)));
  shape[axis] = mxi_dims(indices)[axis];
  return mxi_gather_axis_made(c, a, mxi_broadcast_to(c, indices, mxi_list(shape, a->ndim)), axis);
}

mx_array mxi_take_along_axis_all(struct mxi_ctx *c, mx_array a, mx_array indices) {
  return mxi_take_along_axis(c, mxi_reshape(c, a, MX_INTS(-1)), indices, 0);
}

static mx_array put(struct mxi_ctx *c, const char *who, mx_array a, mx_array indices, mx_array values, int axis,
                    enum mxi_scatter_mode mode) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(indices = mxi_operand(c, indices));
  MXI_TRY(values);
  int64_t shape[MXI_MAX_NDIM];
  MXI_TRY(agree(c, who, a, indices, &axis, shape));
  for (int i = 0; i < a->ndim; i++) shape[i] = i == axis ? mxi_dims(indices)[i] : mxi_dims(a)[i];
  MXI_TRY(indices = mxi_broadcast_to(c, indices, mxi_list(shape, a->ndim)));
  values = mxi_broadcast_to(c, mxi_ew_operand(c, who, values, (mx_dtype)a->dtype), mxi_list(shape, a->ndim));
  return mxi_scatter_axis_made(c, a, indices, values, axis, mode);
}

mx_array mxi_put_along_axis(struct mxi_ctx *c, mx_array a, mx_array indices, mx_array values, int axis) {
  return put(c, "put_along_axis", a, indices, values, axis, MXI_SCATTER_ASSIGN);
}

mx_array mxi_scatter_add_axis(struct mxi_ctx *c, mx_array a, mx_array indices, mx_array values, int axis) {
  return put(c, "scatter_add_axis", a, indices, values, axis, MXI_SCATTER_ADD);
}

mx_array mxi_put_along_axis_all(struct mxi_ctx *c, mx_array a, mx_array indices, mx_array values) {
  MXI_TRY(a = mxi_operand(c, a));
  mx_array flat = mxi_put_along_axis(c, mxi_reshape(c, a, MX_INTS(-1)), indices, values, 0);
  return mxi_reshape(c, flat, mxi_shape_of(a));
}

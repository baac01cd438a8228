/* reshape, transpose, broadcast and contiguous: the same elements in another order or shape. They are views, aliases
 * that the planner decides on through the view functions here. Composites of them are in layout_shape.c. */
#include "ops/layout.h"

#include <stddef.h>

mx_array mxi_zeros_as(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a);
  return mxi_zeros(c, mxi_shape_of(a), (mx_dtype)a->dtype);
}

mx_array mxi_move_axis(struct mxi_ctx *c, mx_array a, int from, int to) {
  MXI_TRY(a);
  if (from == to) return a;
  struct mxi_params_perm p;
  for (int i = 0, rest = 0; i < a->ndim; i++) {
    if (i == to) {
      p.axis[i] = from;
      continue;
    }
    rest += rest == from;
    p.axis[i] = rest++;
  }
  return mxi_permute(c, a, &p);
}

int64_t mxi_batch_size(const mx_array *inputs, const int *in_axes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (in_axes[i] >= 0) return mxi_dims(inputs[i])[in_axes[i]];
  return 1;
}

mx_array mxi_batch_first(struct mxi_ctx *c, mx_array a, int axis, int64_t size) {
  MXI_TRY(a);
  if (axis >= 0) return mxi_move_axis(c, a, axis, 0);
  int64_t shape[MXI_MAX_NDIM + 1] = {size};
  for (int i = 0; i < a->ndim; i++) shape[i + 1] = mxi_dims(a)[i];
  return mxi_broadcast_to(c, a, mxi_list(shape, a->ndim + 1));
}

bool mxi_same_on_tangent(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                         mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  output_tangents[0] = mxi_node_make(c, node->op, (mx_dtype)tangents[0]->dtype, node->ndim, mxi_dims(node), tangents, 1,
                                     mxi_prims[node->op]->params_size ? mxi_params(node) : NULL);
  return output_tangents[0] != NULL;
}

/* ---- reshape ----------------------------------------------------------------------------------------------------- */
/* Walks both shapes from the end: each group of input axes that steps evenly through memory is cut into result axes. */
static bool reshape_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim,
                         const int64_t *shape, struct mx_layout *out) {
  (void)params, (void)itemsize;
  int64_t shapes[MXI_MAX_NDIM], strides[MXI_MAX_NDIM], size = 1;
  int count = 0;
  for (int i = 0; i < in->ndim; i++) {
    size *= in->shape[i];
    if (in->shape[i] == 1) continue;
    if (count && strides[count - 1] == in->strides[i] * in->shape[i]) {
      shapes[count - 1] *= in->shape[i];
      strides[count - 1] = in->strides[i];
    } else {
      shapes[count] = in->shape[i];
      strides[count++] = in->strides[i];
    }
  }
  out->offset = in->offset;
  out->ndim = ndim;
  int64_t left = count ? shapes[count - 1] : 1, step = count ? strides[count - 1] : 1;
  for (int i = ndim - 1; i >= 0; i--) {
    out->shape[i] = shape[i];
    out->strides[i] = step;
    if (!size || shape[i] == 1) continue;
    if (left == 1 && count > 1) {
      count--;
      left = shapes[count - 1];
      out->strides[i] = step = strides[count - 1];
    }
    if (left % shape[i]) return false;
    left /= shape[i];
    step *= shape[i];
  }
  return true;
}

static bool reshape_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  return (grads[0] = mxi_reshape(c, cotangents[0], mxi_shape_of(mxi_inputs(node)[0]))) != NULL;
}

static bool reshape_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                         mx_array *outputs, int *out_axes) {
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)};
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  out_axes[0] = 0;
  return (outputs[0] = mxi_reshape(c, mxi_batch_first(c, inputs[0], in_axes[0], shape[0]),
                                   mxi_list(shape, node->ndim + 1))) != NULL;
}

const struct mx_prim mxi_prim_reshape = {.size = sizeof(struct mx_prim), .name = "reshape", .flags = MX_PRIM_VIEW,
                                         .view = reshape_view, .vjp = reshape_vjp, .jvp = mxi_same_on_tangent,
                                         .vmap = reshape_vmap};

/* Copies `shape` with its -1 replaced by what makes the size `size`; false where that cannot be. */
static bool infer_shape(mx_ints shape, int64_t size, int64_t *out) {
  int64_t known = 1;
  int unknown = -1;
  for (size_t i = 0; i < shape.count; i++) {
    out[i] = shape.at[i];
    if (out[i] == -1 && unknown < 0)
      unknown = (int)i;
    else if (out[i] < 0 || (known && __builtin_mul_overflow(known, out[i], &known)))
      return false;
  }
  if (unknown < 0) return known == size;
  if (!known || size % known) return false;
  out[unknown] = size / known;
  return true;
}

mx_array mxi_reshape(struct mxi_ctx *c, mx_array a, mx_ints shape) {
  MXI_TRY(a = mxi_operand(c, a));
  if (shape.count > MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_SHAPE, "[reshape] a shape has at most %d axes", MXI_MAX_NDIM);
  if (mxi_same_shape(shape, a)) return a;
  int64_t out[MXI_MAX_NDIM];
  if (!infer_shape(shape, mxi_size(a), out))
    return mxi_fail(c, MX_ERR_SHAPE, "[reshape] an array of shape %s cannot take shape %s", MXI_SHAPE_TEXT(a),
                    mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  if (mxi_same_shape(mxi_list(out, (int)shape.count), a)) return a;
  return mxi_node_make(c, MXI_OP_reshape, (mx_dtype)a->dtype, (int)shape.count, out, &a, 1, NULL);
}

/* ---- transpose --------------------------------------------------------------------------------------------------- */
static bool transpose_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim,
                           const int64_t *shape, struct mx_layout *out) {
  (void)itemsize;
  const struct mxi_params_perm *p = params;
  out->offset = in->offset;
  out->ndim = ndim;
  for (int i = 0; i < ndim; i++) {
    out->shape[i] = shape[i];
    out->strides[i] = in->strides[p->axis[i]];
  }
  return true;
}

static bool transpose_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                          uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  const struct mxi_params_perm *p = mxi_params(node);
  struct mxi_params_perm inverse;
  for (int i = 0; i < node->ndim; i++) inverse.axis[p->axis[i]] = i;
  return (grads[0] = mxi_permute(c, cotangents[0], &inverse)) != NULL;
}

static bool transpose_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                           mx_array *outputs, int *out_axes) {
  const struct mxi_params_perm *p = mxi_params(node);
  struct mxi_params_perm batched = {.axis = {in_axes[0]}};
  for (int i = 0; i < node->ndim; i++) batched.axis[i + 1] = p->axis[i] + (p->axis[i] >= in_axes[0]);
  out_axes[0] = 0;
  return (outputs[0] = mxi_permute(c, inputs[0], &batched)) != NULL;
}

static const struct mx_field transpose_fields[] = {
    {MX_FIELD_STRUCTURE, MX_FIELD_INTS32, offsetof(struct mxi_params_perm, axis), "axes"}, {0}};

const struct mx_prim mxi_prim_transpose = {.size = sizeof(struct mx_prim), .name = "transpose", .flags = MX_PRIM_VIEW | MX_PRIM_PURE,
                                           .params_size = sizeof(struct mxi_params_perm), .fields = transpose_fields,
                                           .view = transpose_view, .vjp = transpose_vjp, .jvp = mxi_same_on_tangent,
                                           .vmap = transpose_vmap};

mx_array mxi_permute(struct mxi_ctx *c, mx_array a, const struct mxi_params_perm *p) {
  MXI_TRY(a);
  if (a->ndim > MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_SHAPE, "[transpose] an array has at most %d axes", MXI_MAX_NDIM);
  int64_t shape[MXI_MAX_NDIM];
  bool moved = false;
  for (int i = 0; i < a->ndim; i++) {
    shape[i] = mxi_dims(a)[p->axis[i]];
    moved |= p->axis[i] != i;
  }
  if (!moved) return a;
  return mxi_node_make(c, MXI_OP_transpose, (mx_dtype)a->dtype, a->ndim, shape, &a, 1, p);
}

mx_array mxi_transpose(struct mxi_ctx *c, mx_array a, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  struct mxi_params_perm p;
  if (axes.count == SIZE_MAX) {
    for (int i = 0; i < a->ndim; i++) p.axis[i] = a->ndim - 1 - i;
    return mxi_permute(c, a, &p);
  }
  if (axes.count != a->ndim)
    return mxi_fail(c, MX_ERR_VALUE, "[transpose] %zu axes for an array of shape %s", axes.count, MXI_SHAPE_TEXT(a));
  uint64_t mask;
  MXI_TRY(mxi_axes(c, "transpose", axes, a->ndim, &mask));
  for (int i = 0; i < a->ndim; i++) p.axis[i] = (int32_t)(axes.at[i] < 0 ? axes.at[i] + a->ndim : axes.at[i]);
  return mxi_permute(c, a, &p);
}

/* ---- broadcast --------------------------------------------------------------------------------------------------- */
static bool broadcast_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim,
                           const int64_t *shape, struct mx_layout *out) {
  (void)params, (void)itemsize;
  out->offset = in->offset;
  out->ndim = ndim;
  for (int i = 0; i < ndim; i++) {
    int own = i - (ndim - in->ndim);
    out->shape[i] = shape[i];
    out->strides[i] = own < 0 || in->shape[own] != shape[i] ? 0 : in->strides[own];
  }
  return true;
}

/* Sums what was spread: in front, and where a size was 1. */
static bool broadcast_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                          uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array a = mxi_inputs(node)[0];
  int64_t axes[MXI_MAX_NDIM];
  int count = 0, extra = node->ndim - a->ndim;
  for (int i = 0; i < node->ndim; i++)
    if (i < extra || mxi_dims(a)[i - extra] != mxi_dims(node)[i]) axes[count++] = i;
  mx_array sum = count ? mxi_sum(c, cotangents[0], mxi_list(axes, count), false) : cotangents[0];
  if (sum && sum->dtype != cotangents[0]->dtype) sum = mxi_astype(c, sum, (mx_dtype)cotangents[0]->dtype);
  return (grads[0] = mxi_reshape(c, sum, mxi_shape_of(a))) != NULL;
}

/* The mapped axis goes in front, over ones up to the result's rank. */
static bool broadcast_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                           mx_array *outputs, int *out_axes) {
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)};
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], shape[0]);
  MXI_TRY(a);
  int own = a->ndim - 1, extra = node->ndim - own;
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = i < extra ? 1 : mxi_dims(a)[i - extra + 1];
  a = mxi_reshape(c, a, mxi_list(shape, node->ndim + 1));
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  out_axes[0] = 0;
  return (outputs[0] = mxi_broadcast_to(c, a, mxi_list(shape, node->ndim + 1))) != NULL;
}

const struct mx_prim mxi_prim_broadcast = {.size = sizeof(struct mx_prim), .name = "broadcast", .flags = MX_PRIM_VIEW,
                                           .view = broadcast_view, .vjp = broadcast_vjp, .jvp = mxi_same_on_tangent,
                                           .vmap = broadcast_vmap};

mx_array mxi_broadcast_to(struct mxi_ctx *c, mx_array a, mx_ints shape) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_check_shape(c, "broadcast_to", shape, (mx_dtype)a->dtype));
  bool fits = shape.count >= a->ndim;
  for (int i = 0; fits && i < a->ndim; i++) {
    int64_t from = mxi_dims(a)[i], to = shape.at[shape.count - a->ndim + (size_t)i];
    fits = from == to || from == 1;
  }
  if (!fits)
    return mxi_fail(c, MX_ERR_SHAPE, "[broadcast_to] an array of shape %s cannot be broadcast to %s", MXI_SHAPE_TEXT(a),
                    mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  if (mxi_same_shape(shape, a)) return a;
  return mxi_node_make(c, MXI_OP_broadcast, (mx_dtype)a->dtype, (int)shape.count, shape.at, &a, 1, NULL);
}

mx_status mxi_broadcast_arrays(struct mxi_ctx *c, const mx_array *arrays, size_t count, mx_array *results) {
  int ndim = 0;
  int64_t shape[MXI_MAX_NDIM];
  for (size_t i = 0; i < count; i++) {
    mx_array a = arrays[i];
    if (!a) return mxi_fail_status(c, MX_ERR_VALUE, "[broadcast_arrays] argument `arrays` holds a NULL");
    if (!mxi_broadcast_shapes(c, "broadcast_arrays", ndim, shape, a->ndim, mxi_dims(a), &ndim, shape)) return c->code;
  }
  size_t mark = c->top;
  for (size_t i = 0; i < count; i++)
    if (!mxi_keep(c, mark + i, mxi_broadcast_to(c, arrays[i], mxi_list(shape, ndim)))) return c->code;
  return mxi_publish(c, mark, results, count);
}

/* ---- contiguous -------------------------------------------------------------------------------------------------- */
static bool contiguous_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim,
                            const int64_t *shape, struct mx_layout *out) {
  (void)params, (void)itemsize;
  out->offset = in->offset;
  out->ndim = ndim;
  int64_t step = 1;
  bool empty = false;
  for (int i = 0; i < ndim; i++) empty |= !shape[i];
  for (int i = ndim - 1; i >= 0; i--) {
    if (!empty && shape[i] != 1 && in->strides[i] != step) return false;
    out->shape[i] = shape[i];
    out->strides[i] = step;
    step *= shape[i];
  }
  return true;
}

static bool contiguous_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                           uint64_t wanted, mx_array *grads) {
  (void)c, (void)node, (void)outputs, (void)wanted;
  return (grads[0] = cotangents[0]) != NULL;
}

static bool contiguous_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                           mx_array *output_tangents) {
  (void)c, (void)node, (void)outputs;
  output_tangents[0] = tangents[0];
  return true;
}

static bool contiguous_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                            mx_array *outputs, int *out_axes) {
  (void)node;
  out_axes[0] = 0;
  return (outputs[0] = mxi_contiguous(c, mxi_batch_first(c, inputs[0], in_axes[0], 1))) != NULL;
}

const struct mx_prim mxi_prim_contiguous = {.size = sizeof(struct mx_prim), .name = "contiguous", .flags = MX_PRIM_VIEW,
                                            .view = contiguous_view, .vjp = contiguous_vjp, .jvp = contiguous_jvp,
                                            .vmap = contiguous_vmap};

mx_array mxi_contiguous(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  return mxi_node_make(c, MXI_OP_contiguous, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, NULL);
}

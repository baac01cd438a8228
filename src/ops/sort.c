/* sort, argsort, partition, argpartition, topk, searchsorted. Values move with their indices, so derivatives go through
 * gather_axis: sort(a) is a taken along argsort(a). */
#include "ops/index.h"

/* ---- Rules of sort and partition; each has its twin that gives indices ------------------------------------------- */
static mx_array twin(struct mxi_ctx *c, mx_array node) {
  int op = node->op == MXI_OP_sort ? MXI_OP_argsort : MXI_OP_argpartition;
  return mxi_node_make(c, op, MX_UINT32, node->ndim, mxi_dims(node), mxi_inputs(node), 1, mxi_params(node));
}

/* Both parameter structs begin with the axis. */
static int axis_of(mx_array node) { return ((const struct mxi_params_axis *)mxi_params(node))->axis; }

static bool sort_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                     uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array zeros = mxi_zeros(c, mxi_shape_of(node), (mx_dtype)cotangents[0]->dtype);
  grads[0] = mxi_scatter_axis_made(c, zeros, twin(c, node), cotangents[0], axis_of(node), MXI_SCATTER_ASSIGN);
  return grads[0] != NULL;
}

static bool sort_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                     mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = tangents[0] ? mxi_gather_axis_made(c, tangents[0], twin(c, node), axis_of(node)) : NULL;
  return !tangents[0] || output_tangents[0];
}

/* The same operation one axis further. */
static bool sort_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                      int *out_axes) {
  struct mxi_params_axis p = *(const struct mxi_params_axis *)mxi_params(node);
  p.axis++;
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], 1);
  MXI_TRY(a);
  out_axes[0] = 0;
  return (outputs[0] = mxi_node_make(c, node->op, (mx_dtype)node->dtype, a->ndim, mxi_dims(a), &a, 1, &p)) != NULL;
}

#define SORT_PARAMS .size = sizeof(struct mx_prim), .params_size = sizeof(struct mxi_params_axis), .vmap = sort_vmap
_Static_assert(sizeof(struct mxi_params_axis) == sizeof(struct mxi_params_partition), "both are an axis and a number");

const struct mx_prim mxi_prim_sort = {SORT_PARAMS, .name = "sort", .flags = MX_PRIM_PURE, .vjp = sort_vjp, .jvp = sort_jvp};
const struct mx_prim mxi_prim_argsort = {SORT_PARAMS, .name = "argsort", .flags = MX_PRIM_PURE | MX_PRIM_NODIFF};
const struct mx_prim mxi_prim_partition = {SORT_PARAMS, .name = "partition", .flags = MX_PRIM_PURE, .vjp = sort_vjp, .jvp = sort_jvp};
const struct mx_prim mxi_prim_argpartition = {SORT_PARAMS, .name = "argpartition", .flags = MX_PRIM_PURE | MX_PRIM_NODIFF};

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
static mx_array sorted(struct mxi_ctx *c, const char *who, int op, mx_array a, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, who, axis, a->ndim, &axis));
  bool indices = op == MXI_OP_argsort;
  if (mxi_dims(a)[axis] > UINT32_MAX)
    return mxi_fail(c, MX_ERR_UNSUPPORTED, "[%s] an axis of 2^32 or more items", who);
  struct mxi_params_axis p = {axis, 0};
  return mxi_node_make(c, op, indices ? MX_UINT32 : (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, &p);
}

static mx_array partitioned(struct mxi_ctx *c, const char *who, int op, mx_array a, int64_t kth, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, who, axis, a->ndim, &axis));
  int64_t size = mxi_dims(a)[axis];
  if (size > INT32_MAX) return mxi_fail(c, MX_ERR_UNSUPPORTED, "[%s] an axis of 2^31 or more items", who);
  if (kth < -size || kth >= size)
    return mxi_fail(c, MX_ERR_VALUE, "[%s] item %lld is out of range for axis %d with size %lld", who, (long long)kth,
                    axis, (long long)size);
  struct mxi_params_partition p = {axis, (int32_t)(kth < 0 ? kth + size : kth)};
  bool indices = op == MXI_OP_argpartition;
  return mxi_node_make(c, op, indices ? MX_UINT32 : (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, &p);
}

mx_array mxi_sort(struct mxi_ctx *c, mx_array a, int axis) { return sorted(c, "sort", MXI_OP_sort, a, axis); }
mx_array mxi_argsort(struct mxi_ctx *c, mx_array a, int axis) { return sorted(c, "argsort", MXI_OP_argsort, a, axis); }

mx_array mxi_partition(struct mxi_ctx *c, mx_array a, int kth, int axis) {
  return partitioned(c, "partition", MXI_OP_partition, a, kth, axis);
}

mx_array mxi_argpartition(struct mxi_ctx *c, mx_array a, int kth, int axis) {
  return partitioned(c, "argpartition", MXI_OP_argpartition, a, kth, axis);
}

mx_array mxi_topk(struct mxi_ctx *c, mx_array a, int k, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "topk", axis, a->ndim, &axis));
  int64_t size = mxi_dims(a)[axis];
  if (k < 0 || k > size)
    return mxi_fail(c, MX_ERR_VALUE, "[topk] %d of the %lld items of axis %d", k, (long long)size, axis);
  if (k == size) return a;
  if (k > 0) MXI_TRY(a = partitioned(c, "topk", MXI_OP_partition, a, size - k, axis));
  return mxi_narrow(c, a, axis, size - k, size);
}

mx_array mxi_sort_all(struct mxi_ctx *c, mx_array a) { return mxi_sort(c, mxi_reshape(c, a, MX_INTS(-1)), 0); }
mx_array mxi_argsort_all(struct mxi_ctx *c, mx_array a) { return mxi_argsort(c, mxi_reshape(c, a, MX_INTS(-1)), 0); }

mx_array mxi_partition_all(struct mxi_ctx *c, mx_array a, int kth) {
  return mxi_partition(c, mxi_reshape(c, a, MX_INTS(-1)), kth, 0);
}

mx_array mxi_argpartition_all(struct mxi_ctx *c, mx_array a, int kth) {
  return mxi_argpartition(c, mxi_reshape(c, a, MX_INTS(-1)), kth, 0);
}

mx_array mxi_topk_all(struct mxi_ctx *c, mx_array a, int k) {
  return mxi_topk(c, mxi_reshape(c, a, MX_INTS(-1)), k, 0);
}

/* ---- searchsorted ------------------------------------------------------------------------------------------------ */
static mx_array search_made(struct mxi_ctx *c, mx_array sequence, mx_array values, bool right) {
  if (!sequence || !values) return NULL;
  struct mxi_params_axis p = {0, right};
  const mx_array inputs[] = {sequence, values};
  return mxi_node_make(c, MXI_OP_searchsorted, MX_UINT32, values->ndim, mxi_dims(values), inputs, 2, &p);
}

/* Mapped values are just more of them. A mapped sequence is searched by counting what lies before each value; NaN is
 * after every number. */
static bool search_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                        int *out_axes) {
  bool right = ((const struct mxi_params_axis *)mxi_params(node))->option;
  out_axes[0] = in_axes[1] < 0 ? 0 : in_axes[1];
  if (in_axes[0] < 0) return (outputs[0] = search_made(c, inputs[0], inputs[1], right)) != NULL;
  int64_t size = mxi_batch_size(inputs, in_axes, 2), shape[MXI_MAX_NDIM + 2] = {size};
  mx_array sequence = mxi_batch_first(c, inputs[0], in_axes[0], size);
  mx_array values = mxi_expand_dims(c, mxi_batch_first(c, inputs[1], in_axes[1], size), MX_INTS(-1));
  if (!sequence || !values) return false;
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = 1;
  shape[node->ndim + 1] = mxi_dims(sequence)[1];
  sequence = mxi_reshape(c, sequence, mxi_list(shape, node->ndim + 2));
  mx_array before = right ? mxi_less_equal(c, sequence, values) : mxi_less(c, sequence, values);
  mx_array is_nan = mxi_isnan(c, values), number = mxi_logical_not(c, mxi_isnan(c, sequence));
  before = mxi_logical_or(c, before, mxi_logical_and(c, is_nan, right ? mxi_ones_like(c, number) : number));
  out_axes[0] = 0;
  return (outputs[0] = mxi_astype(c, mxi_sum(c, before, MX_INTS(-1), false), MX_UINT32)) != NULL;
}

const struct mx_prim mxi_prim_searchsorted = {.size = sizeof(struct mx_prim), .name = "searchsorted",
                                              .flags = MX_PRIM_NODIFF, .params_size = sizeof(struct mxi_params_axis),
                                              .vmap = search_vmap};

mx_array mxi_searchsorted(struct mxi_ctx *c, mx_array sequence, mx_array values, bool right) {
  MXI_TRY(sequence = mxi_operand(c, sequence));
  MXI_TRY(values = mxi_operand(c, values));
  if (sequence->ndim != 1)
    return mxi_fail(c, MX_ERR_VALUE, "[searchsorted] the sequence has shape %s, not one axis",
                    MXI_SHAPE_TEXT(sequence));
  if (mxi_dims(sequence)[0] > UINT32_MAX)
    return mxi_fail(c, MX_ERR_UNSUPPORTED, "[searchsorted] a sequence of 2^32 or more items");
  mx_dtype dtype = mxi_promote((mx_dtype)sequence->dtype, (mx_dtype)values->dtype);
  return search_made(c, mxi_astype(c, sequence, dtype), mxi_astype(c, values, dtype), right);
}

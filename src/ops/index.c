/* gather and scatter: slices at the places that arrays of indices name, with their derivatives; take stands on gather.
 * Indices get no gradient. Where indices repeat, the derivatives of scatter's assign, multiply, max and min treat each
 * update as if it were the only one. */
#include "ops/index.h"

#include <stddef.h>
#include <string.h>

#include "core/scalar.h"
#include "ops/elementwise.h"

static const struct mx_field gather_fields[] = {
    {MX_FIELD_STRUCTURE, MX_FIELD_I32, offsetof(struct mxi_params_gather, index_count), "index_count"},
    {MX_FIELD_STRUCTURE, MX_FIELD_I32, offsetof(struct mxi_params_gather, mode), "mode"},
    {MX_FIELD_STRUCTURE, MX_FIELD_INTS32, offsetof(struct mxi_params_gather, axes), "axes"},
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_gather, slice_sizes), "slice_sizes"},
    {0}};

/* Operands in front of the indices. */
enum { GATHER_OPERANDS = 1, SCATTER_OPERANDS = 2, MAX_INPUTS = MXI_MAX_NDIM + 3 };

bool mxi_index_dtype(struct mxi_ctx *c, const char *who, mx_array indices) {
  if (mxi_is_integer((mx_dtype)indices->dtype)) return true;
  mxi_fail(c, MX_ERR_DTYPE, "[%s] indices are %s, not integers", who, mxi_dtype_names[indices->dtype]);
  return false;
}

mx_array mxi_gather_made(struct mxi_ctx *c, const mx_array *inputs, const struct mxi_params_gather *p) {
  int64_t shape[2 * MXI_MAX_NDIM];
  int ndim = 0;
  for (int i = 0; i < GATHER_OPERANDS + p->index_count; i++) MXI_TRY(inputs[i]);
  for (int i = 0; i < p->index_count; i++) {
    mx_array x = inputs[GATHER_OPERANDS + i];
    MXI_TRY(mxi_broadcast_shapes(c, "gather", ndim, shape, x->ndim, mxi_dims(x), &ndim, shape));
  }
  memcpy(shape + ndim, p->slice_sizes, inputs[0]->ndim * sizeof *shape);
  return mxi_node_make(c, MXI_OP_gather, (mx_dtype)inputs[0]->dtype, ndim + inputs[0]->ndim, shape, inputs,
                       (size_t)(GATHER_OPERANDS + p->index_count), p);
}

mx_array mxi_scatter_made(struct mxi_ctx *c, const mx_array *inputs, const struct mxi_params_gather *p) {
  for (int i = 0; i < SCATTER_OPERANDS + p->index_count; i++) MXI_TRY(inputs[i]);
  return mxi_node_make(c, MXI_OP_scatter, (mx_dtype)inputs[0]->dtype, inputs[0]->ndim, mxi_dims(inputs[0]), inputs,
                       (size_t)(SCATTER_OPERANDS + p->index_count), p);
}

/* The gather that reads what a scatter node writes, or the scatter that writes what a gather node reads: `node`'s
 * indices behind other operands. */
static mx_array gather_like(struct mxi_ctx *c, mx_array node, int operands, mx_array a) {
  const struct mxi_params_gather *p = mxi_params(node);
  mx_array inputs[MAX_INPUTS] = {a};
  memcpy(inputs + GATHER_OPERANDS, mxi_inputs(node) + operands, (size_t)p->index_count * sizeof *inputs);
  return mxi_gather_made(c, inputs, p);
}

static mx_array scatter_like(struct mxi_ctx *c, mx_array node, int operands, enum mxi_scatter_mode mode, mx_array a,
                             mx_array updates) {
  struct mxi_params_gather p = *(const struct mxi_params_gather *)mxi_params(node);
  p.mode = mode;
  mx_array inputs[MAX_INPUTS] = {a, updates};
  memcpy(inputs + SCATTER_OPERANDS, mxi_inputs(node) + operands, (size_t)p.index_count * sizeof *inputs);
  return mxi_scatter_made(c, inputs, &p);
}

/* ---- gather ------------------------------------------------------------------------------------------------------ */
static bool gather_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                       uint64_t wanted, mx_array *grads) {
  (void)outputs;
  if (!(wanted & 1)) return true;
  mx_array zeros = mxi_zeros(c, mxi_shape_of(mxi_inputs(node)[0]), (mx_dtype)cotangents[0]->dtype);
  return (grads[0] = scatter_like(c, node, GATHER_OPERANDS, MXI_SCATTER_ADD, zeros, cotangents[0])) != NULL;
}

static bool gather_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                       mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = tangents[0] ? gather_like(c, node, GATHER_OPERANDS, tangents[0]) : NULL;
  return !tangents[0] || output_tangents[0];
}

/* Indices with the mapped axis in front of `ndim` others; not mapped ones broadcast as they are. */
static mx_array batch_indices(struct mxi_ctx *c, mx_array indices, int axis, int ndim) {
  if (axis < 0) return indices;
  mx_array x = mxi_move_axis(c, indices, axis, 0);
  MXI_TRY(x);
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_dims(x)[0]};
  int own = x->ndim - 1;
  for (int i = 0; i < ndim; i++) shape[i + 1] = i < ndim - own ? 1 : mxi_dims(x)[i - (ndim - own) + 1];
  return mxi_reshape(c, x, mxi_list(shape, ndim + 1));
}

/* 0, 1, .., size - 1 along an axis in front of `ndim` others. */
static mx_array batch_numbers(struct mxi_ctx *c, int64_t size, int ndim) {
  int64_t shape[MXI_MAX_NDIM + 1] = {size};
  for (int i = 0; i < ndim; i++) shape[i + 1] = 1;
  return mxi_reshape(c, mxi_arange_i(c, 0, size, 1, MX_INT64), mxi_list(shape, ndim + 1));
}

/* The parameters with one more axis in front of the indexed array: walked by indices of its own, or taken whole. */
static struct mxi_params_gather batch_params(const struct mxi_params_gather *p, int ndim, bool walked, int64_t size) {
  struct mxi_params_gather b = {.index_count = p->index_count + walked, .mode = p->mode};
  for (int i = 0; i < p->index_count; i++) b.axes[i + walked] = p->axes[i] + 1;
  b.slice_sizes[0] = size;
  for (int i = 0; i < ndim && i + 1 < MXI_MAX_NDIM; i++) b.slice_sizes[i + 1] = p->slice_sizes[i];
  return b;
}

static bool gather_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                        int *out_axes) {
  const struct mxi_params_gather *p = mxi_params(node);
  const int count = p->index_count, a_ndim = mxi_inputs(node)[0]->ndim, batch_ndim = node->ndim - a_ndim;
  int64_t size = mxi_batch_size(inputs, in_axes, (size_t)count + 1);
  bool is_mapped = false, a_mapped = in_axes[0] >= 0;
  for (int i = 1; i <= count; i++) is_mapped |= in_axes[i] >= 0;
  mx_array list[MAX_INPUTS];
  list[0] = a_mapped ? mxi_move_axis(c, inputs[0], in_axes[0], 0) : inputs[0];
  const int walked = is_mapped && a_mapped;
  if (walked) list[1] = batch_numbers(c, size, batch_ndim);
  for (int i = 0; i < count; i++) list[1 + walked + i] = batch_indices(c, inputs[1 + i], in_axes[1 + i], batch_ndim);
  struct mxi_params_gather b = *p;
  if (a_mapped) b = batch_params(p, a_ndim, walked, walked ? 1 : size);
  out_axes[0] = is_mapped ? 0 : batch_ndim;
  outputs[0] = mxi_gather_made(c, list, &b);
  if (walked) outputs[0] = mxi_squeeze(c, outputs[0], MX_INTS(1 + batch_ndim));
  return outputs[0] != NULL;
}

const struct mx_prim mxi_prim_gather = {.size = sizeof(struct mx_prim), .name = "gather", .flags = MX_PRIM_FALLIBLE,
                                        .params_size = sizeof(struct mxi_params_gather), .fields = gather_fields,
                                        .vjp = gather_vjp, .jvp = gather_jvp, .vmap = gather_vmap};

/* Reads axes and indices of a gather or scatter; false with an error. */
static bool read_indices(struct mxi_ctx *c, const char *who, mx_array a, const mx_array *indices, size_t count,
                         mx_ints axes, mx_array *list, struct mxi_params_gather *p) {
  uint64_t mask;
  if (!mxi_axes(c, who, axes, a->ndim, &mask)) return false;
  if (axes.count != count) {
    mxi_fail(c, MX_ERR_VALUE, "[%s] %zu arrays of indices for %zu axes", who, count, axes.count);
    return false;
  }
  p->index_count = (int32_t)count;
  for (size_t i = 0; i < count; i++) {
    if (!(list[i] = mxi_operand(c, indices[i])) || !mxi_index_dtype(c, who, list[i])) return false;
    p->axes[i] = (int32_t)(axes.at[i] < 0 ? axes.at[i] + a->ndim : axes.at[i]);
  }
  return true;
}

/* Whether the indices are none, so that slices which do not fit are not read or written. */
static bool is_nothing(const mx_array *indices, int count) {
  for (int i = 0; i < count; i++)
    if (!mxi_size(indices[i])) return true;
  return false;
}

/* What indices that name no place read from an axis that has none. */
static mx_array nothing_made(struct mxi_ctx *c, const mx_array *inputs, const struct mxi_params_gather *p) {
  mx_array like = mxi_gather_made(c, inputs, p);
  return like ? mxi_zeros(c, mxi_shape_of(like), (mx_dtype)like->dtype) : NULL;
}

mx_array mxi_gather(struct mxi_ctx *c, mx_array a, const mx_array *indices, size_t count, mx_ints axes,
                    mx_ints slice_sizes) {
  MXI_TRY(a = mxi_operand(c, a));
  struct mxi_params_gather p = {0};
  mx_array inputs[MAX_INPUTS] = {a};
  MXI_TRY(read_indices(c, "gather", a, indices, count, axes, inputs + GATHER_OPERANDS, &p));
  if (slice_sizes.count != a->ndim)
    return mxi_fail(c, MX_ERR_VALUE, "[gather] %zu slice sizes for shape %s", slice_sizes.count, MXI_SHAPE_TEXT(a));
  bool fits = true, is_none = is_nothing(inputs + GATHER_OPERANDS, p.index_count);
  for (int i = 0; i < a->ndim; i++) {
    p.slice_sizes[i] = slice_sizes.at[i];
    fits = fits && slice_sizes.at[i] <= mxi_dims(a)[i];
    if (slice_sizes.at[i] < 0 || (!fits && !is_none))
      return mxi_fail(c, MX_ERR_VALUE, "[gather] slices of %lld items do not fit axis %d of shape %s",
                      (long long)slice_sizes.at[i], i, MXI_SHAPE_TEXT(a));
  }
  return fits ? mxi_gather_made(c, inputs, &p) : nothing_made(c, inputs, &p);
}

/* ---- take -------------------------------------------------------------------------------------------------------- */
/* An index that is known now: checked now, and a view. */
static mx_array take_item(struct mxi_ctx *c, mx_array a, int64_t index, int axis) {
  int64_t size = mxi_dims(a)[axis], i = index < 0 ? index + size : index;
  if (i < 0 || i >= size)
    return mxi_fail(c, MX_ERR_INDEX, "[take] index %lld is out of range for axis %d with size %lld", (long long)index,
                    axis, (long long)size);
  return mxi_squeeze(c, mxi_narrow(c, a, axis, i, i + 1), MX_INTS(axis));
}

/* Puts the axes of the indices, now in front, where the taken axis was. */
static mx_array move_batch(struct mxi_ctx *c, mx_array a, int batch_ndim, int axis) {
  MXI_TRY(a);
  struct mxi_params_perm p;
  for (int i = 0; i < a->ndim; i++)
    p.axis[i] = i < axis ? i + batch_ndim : i < axis + batch_ndim ? i - axis : i;
  return mxi_permute(c, a, &p);
}

/* From an axis of size 0. */
static mx_array take_nothing(struct mxi_ctx *c, mx_array a, mx_array indices, int axis) {
  if (mxi_size(indices) || a->ndim - 1 + indices->ndim > MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_VALUE, "[take] axis %d of shape %s is empty: there is nothing to take", axis,
                    MXI_SHAPE_TEXT(a));
  int64_t shape[MXI_MAX_NDIM];
  int ndim = 0;
  for (int i = 0; i < axis; i++) shape[ndim++] = mxi_dims(a)[i];
  for (int i = 0; i < indices->ndim; i++) shape[ndim++] = mxi_dims(indices)[i];
  for (int i = axis + 1; i < a->ndim; i++) shape[ndim++] = mxi_dims(a)[i];
  return mxi_zeros(c, mxi_list(shape, ndim), (mx_dtype)a->dtype);
}

mx_array mxi_take(struct mxi_ctx *c, mx_array a, mx_array indices, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(indices = mxi_operand(c, indices));
  MXI_TRY(mxi_axis(c, "take", axis, a->ndim, &axis));
  MXI_TRY(mxi_index_dtype(c, "take", indices));
  if (indices->op == MXI_OP_scalar && indices->dtype != MX_UINT64) return take_item(c, a, indices->params.i, axis);
  if (!mxi_dims(a)[axis]) return take_nothing(c, a, indices, axis);
  struct mxi_params_gather p = {.index_count = 1, .axes = {axis}};
  for (int i = 0; i < a->ndim; i++) p.slice_sizes[i] = i == axis ? 1 : mxi_dims(a)[i];
  const mx_array inputs[] = {a, indices};
  mx_array taken = mxi_gather_made(c, inputs, &p);
  MXI_TRY(taken);
  int64_t shape[2 * MXI_MAX_NDIM];
  int ndim = 0;
  for (int i = 0; i < taken->ndim; i++)
    if (i != indices->ndim + axis) shape[ndim++] = mxi_dims(taken)[i];
  return move_batch(c, mxi_reshape(c, taken, mxi_list(shape, ndim)), indices->ndim, axis);
}

mx_array mxi_take_all(struct mxi_ctx *c, mx_array a, mx_array indices) {
  return mxi_take(c, mxi_reshape(c, a, MX_INTS(-1)), indices, 0);
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */
static mx_array where_equal(struct mxi_ctx *c, mx_array x, mx_array y, mx_array value) {
  MXI_TRY(value);
  mx_array equal = mxi_equal(c, x, y), zero = mxi_scalar_i(c, 0, (mx_dtype)value->dtype);
  if (!equal || !zero) return NULL;
  return mxi_where(c, equal, value, zero);
}

static mx_array scatter_base_grad(struct mxi_ctx *c, mx_array node, mx_array y, mx_array g) {
  const struct mxi_params_gather *p = mxi_params(node);
  mx_array a = mxi_inputs(node)[0], updates = mxi_inputs(node)[1];
  switch ((enum mxi_scatter_mode)p->mode) {
    case MXI_SCATTER_ADD: return g;
    case MXI_SCATTER_MULTIPLY: return scatter_like(c, node, SCATTER_OPERANDS, MXI_SCATTER_MULTIPLY, g, updates);
    case MXI_SCATTER_MAX:
    case MXI_SCATTER_MIN: return where_equal(c, a, y, g);
    default: break;
  }
  mx_array zeros = mxi_zeros(c, mxi_shape_of(updates), (mx_dtype)g->dtype);
  return scatter_like(c, node, SCATTER_OPERANDS, MXI_SCATTER_ASSIGN, g, zeros);
}

static mx_array scatter_updates_grad(struct mxi_ctx *c, mx_array node, mx_array y, mx_array g) {
  const struct mxi_params_gather *p = mxi_params(node);
  mx_array a = mxi_inputs(node)[0], updates = mxi_inputs(node)[1];
  if (p->mode == MXI_SCATTER_MULTIPLY) return gather_like(c, node, SCATTER_OPERANDS, mxi_multiply(c, g, a));
  mx_array there = gather_like(c, node, SCATTER_OPERANDS, g);
  if (p->mode == MXI_SCATTER_ADD || p->mode == MXI_SCATTER_ASSIGN) return there;
  return where_equal(c, updates, gather_like(c, node, SCATTER_OPERANDS, y), there);
}

static bool scatter_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  if (wanted & 1) MXI_TRY(grads[0] = scatter_base_grad(c, node, outputs[0], cotangents[0]));
  if (wanted & 2) MXI_TRY(grads[1] = scatter_updates_grad(c, node, outputs[0], cotangents[0]));
  return true;
}

/* How the result moves with the base, and with the updates, each where it decides. */
static bool scatter_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  const struct mxi_params_gather *p = mxi_params(node);
  mx_array a = mxi_inputs(node)[0], updates = mxi_inputs(node)[1], base = tangents[0], moved = tangents[1];
  output_tangents[0] = NULL;
  if (!base && !moved) return true;
  if (!base) base = mxi_zeros_as(c, a);
  if (!moved) moved = mxi_zeros_as(c, updates);
  if (!base || !moved) return false;
  enum mxi_scatter_mode mode = (enum mxi_scatter_mode)p->mode;
  if (mode == MXI_SCATTER_MULTIPLY) {
    base = scatter_like(c, node, SCATTER_OPERANDS, mode, base, updates);
    moved = mxi_multiply(c, moved, gather_like(c, node, SCATTER_OPERANDS, a));
  } else if (mode == MXI_SCATTER_MAX || mode == MXI_SCATTER_MIN) {
    base = where_equal(c, a, outputs[0], base);
    moved = where_equal(c, updates, gather_like(c, node, SCATTER_OPERANDS, outputs[0]), moved);
  }
  if (mode != MXI_SCATTER_ASSIGN) mode = MXI_SCATTER_ADD;
  return (output_tangents[0] = scatter_like(c, node, SCATTER_OPERANDS, mode, base, moved)) != NULL;
}

static bool scatter_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                         mx_array *outputs, int *out_axes) {
  const struct mxi_params_gather *p = mxi_params(node);
  const int count = p->index_count, a_ndim = node->ndim, batch_ndim = mxi_inputs(node)[1]->ndim - a_ndim;
  int64_t size = mxi_batch_size(inputs, in_axes, (size_t)count + 2);
  mx_array list[MAX_INPUTS];
  list[0] = mxi_batch_first(c, inputs[0], in_axes[0], size);
  list[1] = mxi_expand_dims(c, mxi_batch_first(c, inputs[1], in_axes[1], size), MX_INTS(1 + batch_ndim));
  list[2] = batch_numbers(c, size, batch_ndim);
  for (int i = 0; i < count; i++) list[3 + i] = batch_indices(c, inputs[2 + i], in_axes[2 + i], batch_ndim);
  struct mxi_params_gather b = batch_params(p, a_ndim, true, 1);
  out_axes[0] = 0;
  return (outputs[0] = mxi_scatter_made(c, list, &b)) != NULL;
}

const struct mx_prim mxi_prim_scatter = {.size = sizeof(struct mx_prim), .name = "scatter",
                                         .flags = MX_PRIM_INPLACE | MX_PRIM_FALLIBLE,
                                         .params_size = sizeof(struct mxi_params_gather), .fields = gather_fields,
                                         .vjp = scatter_vjp, .jvp = scatter_jvp, .vmap = scatter_vmap};

static mx_array scatter(struct mxi_ctx *c, const char *who, mx_array a, const mx_array *indices, size_t count,
                        mx_array updates, mx_ints axes, enum mxi_scatter_mode mode) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(updates);
  struct mxi_params_gather p = {.mode = mode};
  mx_array inputs[MAX_INPUTS] = {a};
  MXI_TRY(read_indices(c, who, a, indices, count, axes, inputs + SCATTER_OPERANDS, &p));
  MXI_TRY(inputs[1] = mxi_ew_operand(c, who, updates, (mx_dtype)a->dtype));
  int64_t shape[MXI_MAX_NDIM];
  int ndim = 0;
  for (size_t i = 0; i < count; i++) {
    mx_array x = inputs[SCATTER_OPERANDS + i];
    MXI_TRY(mxi_broadcast_shapes(c, who, ndim, shape, x->ndim, mxi_dims(x), &ndim, shape));
  }
  const int64_t *u = mxi_dims(inputs[1]);
  bool fits = inputs[1]->ndim == ndim + a->ndim;
  for (int i = 0; fits && i < ndim; i++) fits = u[i] == shape[i];
  if (fits && is_nothing(inputs + SCATTER_OPERANDS, p.index_count)) return a;
  for (int i = 0; fits && i < a->ndim; i++) fits = (p.slice_sizes[i] = u[ndim + i]) <= mxi_dims(a)[i];
  if (!fits)
    return mxi_fail(c, MX_ERR_SHAPE, "[%s] updates of shape %s do not fit indices of shape %s and an array of shape %s",
                    who, MXI_SHAPE_TEXT(inputs[1]), mxi_shape_text((char[96]){0}, 96, ndim, shape), MXI_SHAPE_TEXT(a));
  return mxi_scatter_made(c, inputs, &p);
}

#define SCATTER(name, mode)                                                                                        \
  mx_array mxi_##name(struct mxi_ctx *c, mx_array a, const mx_array *indices, size_t count, mx_array updates,      \
                      mx_ints axes) {                                                                              \
    return scatter(c, #name, a, indices, count, updates, axes, mode);                                              \
  }
SCATTER(scatter, MXI_SCATTER_ASSIGN)
SCATTER(scatter_add, MXI_SCATTER_ADD)
SCATTER(scatter_multiply, MXI_SCATTER_MULTIPLY)
SCATTER(scatter_max, MXI_SCATTER_MAX)
SCATTER(scatter_min, MXI_SCATTER_MIN)

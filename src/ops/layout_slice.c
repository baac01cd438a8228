/* slice, slice_update, as_strided and view: parts of an array, and its memory seen in another way. */
#include <stddef.h>

#include "ops/elementwise.h"
#include "ops/layout.h"

static const struct mx_field slice_fields[] = {
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_slice, start), "start"},
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_slice, step), "step"},
    {0}};

/* The same selection behind a batch axis that is taken whole. */
static struct mxi_params_slice batched_slice(const struct mxi_params_slice *p, int ndim) {
  struct mxi_params_slice b;
  b.start[0] = 0;
  b.step[0] = 1;
  for (int i = 0; i < ndim && i + 1 < MXI_MAX_NDIM; i++) {
    b.start[i + 1] = p->start[i];
    b.step[i + 1] = p->step[i];
  }
  return b;
}

/* ---- slice ------------------------------------------------------------------------------------------------------- */
static bool slice_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                       struct mx_layout *out) {
  const struct mxi_params_slice *p = params;
  bool empty = false;
  for (int i = 0; i < ndim; i++) empty |= !shape[i];
  out->offset = in->offset;
  out->ndim = ndim;
  for (int i = 0; i < ndim; i++) {
    out->shape[i] = shape[i];
    out->strides[i] = shape[i] > 1 ? in->strides[i] * p->step[i] : in->strides[i];
    if (!empty) out->offset += p->start[i] * in->strides[i] * (int64_t)itemsize;
  }
  return true;
}

static bool slice_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                      uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  mx_array a = mxi_inputs(node)[0], zeros = mxi_zeros(c, mxi_shape_of(a), (mx_dtype)cotangents[0]->dtype);
  return (grads[0] = mxi_slice_put(c, zeros, cotangents[0], mxi_params(node))) != NULL;
}

static bool slice_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                       int *out_axes) {
  struct mxi_params_slice p = batched_slice(mxi_params(node), node->ndim);
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)};
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  out_axes[0] = 0;
  return (outputs[0] = mxi_slice_of(c, mxi_batch_first(c, inputs[0], in_axes[0], shape[0]), shape, &p)) != NULL;
}

const struct mx_prim mxi_prim_slice = {.size = sizeof(struct mx_prim), .name = "slice", .flags = MX_PRIM_VIEW,
                                       .params_size = sizeof(struct mxi_params_slice), .fields = slice_fields,
                                       .view = slice_view, .vjp = slice_vjp, .jvp = mxi_same_on_tangent,
                                       .vmap = slice_vmap};

mx_array mxi_slice_of(struct mxi_ctx *c, mx_array a, const int64_t *shape, const struct mxi_params_slice *p) {
  MXI_TRY(a);
  return mxi_node_make(c, MXI_OP_slice, (mx_dtype)a->dtype, a->ndim, shape, &a, 1, p);
}

mx_array mxi_narrow(struct mxi_ctx *c, mx_array a, int axis, int64_t begin, int64_t end) {
  MXI_TRY(a);
  if (begin == 0 && end == mxi_dims(a)[axis]) return a;
  struct mxi_params_slice p;
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) {
    p.start[i] = i == axis ? begin : 0;
    p.step[i] = 1;
    shape[i] = i == axis ? end - begin : mxi_dims(a)[i];
  }
  return mxi_slice_of(c, a, shape, &p);
}

/* One axis of a[start:stop:step] as Python reads it: *first is an index where *count is not 0. */
static void clamp_slice(int64_t size, int64_t start, int64_t stop, int64_t step, int64_t *first, int64_t *count) {
  const int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
  int64_t *ends[2] = {&start, &stop};
  for (int i = 0; i < 2; i++) {
    if (*ends[i] < 0) *ends[i] += size;
    if (*ends[i] < low) *ends[i] = low;
    if (*ends[i] > high) *ends[i] = high;
  }
  int64_t span = step < 0 ? start - stop : stop - start;
  uint64_t stride = step < 0 ? -(uint64_t)step : (uint64_t)step;
  *count = span <= 0 ? 0 : (int64_t)(((uint64_t)span - 1) / stride) + 1;
  *first = *count ? start : 0;
}

/* Reads the lists of a slice; false with MX_ERR_VALUE. */
static bool read_slice(struct mxi_ctx *c, const char *who, mx_array a, mx_ints start, mx_ints stop, mx_ints step,
                       struct mxi_params_slice *p, int64_t *shape) {
  size_t n = a->ndim;
  if (start.count != n || stop.count != n || (step.count != n && step.count != 0)) {
    mxi_fail(c, MX_ERR_VALUE, "[%s] start, stop and step need one entry for each axis of shape %s", who,
             MXI_SHAPE_TEXT(a));
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    p->step[i] = step.count ? step.at[i] : 1;
    if (p->step[i] == 0) {
      mxi_fail(c, MX_ERR_VALUE, "[%s] the step of axis %zu is 0", who, i);
      return false;
    }
    clamp_slice(mxi_dims(a)[i], start.at[i], stop.at[i], p->step[i], &p->start[i], &shape[i]);
    if (shape[i] <= 1) p->step[i] = 1;
  }
  return true;
}

static bool is_whole(mx_array a, const struct mxi_params_slice *p, const int64_t *shape) {
  for (int i = 0; i < a->ndim; i++)
    if (shape[i] != mxi_dims(a)[i] || p->step[i] != 1) return false;
  return true;
}

mx_array mxi_slice(struct mxi_ctx *c, mx_array a, mx_ints start, mx_ints stop, mx_ints step) {
  MXI_TRY(a = mxi_operand(c, a));
  struct mxi_params_slice p;
  int64_t shape[MXI_MAX_NDIM];
  MXI_TRY(read_slice(c, "slice", a, start, stop, step, &p, shape));
  return is_whole(a, &p, shape) ? a : mxi_slice_of(c, a, shape, &p);
}

/* ---- slice_update ------------------------------------------------------------------------------------------------ */
static bool slice_update_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                             uint64_t wanted, mx_array *grads) {
  (void)outputs;
  const struct mxi_params_slice *p = mxi_params(node);
  mx_array update = mxi_inputs(node)[1];
  if (wanted & 1) {
    mx_array zeros = mxi_zeros(c, mxi_shape_of(update), (mx_dtype)cotangents[0]->dtype);
    MXI_TRY(grads[0] = mxi_slice_put(c, cotangents[0], zeros, p));
  }
  if (wanted & 2) MXI_TRY(grads[1] = mxi_slice_of(c, cotangents[0], mxi_dims(update), p));
  return true;
}

static bool slice_update_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                             mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0] && !tangents[1]) return true;
  mx_array a = tangents[0] ? tangents[0] : mxi_zeros_as(c, mxi_inputs(node)[0]);
  mx_array update = tangents[1] ? tangents[1] : mxi_zeros_as(c, mxi_inputs(node)[1]);
  return (output_tangents[0] = mxi_slice_put(c, a, update, mxi_params(node))) != NULL;
}

static bool slice_update_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                              mx_array *outputs, int *out_axes) {
  struct mxi_params_slice p = batched_slice(mxi_params(node), node->ndim);
  int64_t size = mxi_batch_size(inputs, in_axes, 2);
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], size),
           update = mxi_batch_first(c, inputs[1], in_axes[1], size);
  out_axes[0] = 0;
  return (outputs[0] = mxi_slice_put(c, a, update, &p)) != NULL;
}

const struct mx_prim mxi_prim_slice_update = {.size = sizeof(struct mx_prim), .name = "slice_update",
                                              .flags = MX_PRIM_INPLACE, .params_size = sizeof(struct mxi_params_slice),
                                              .fields = slice_fields, .vjp = slice_update_vjp, .jvp = slice_update_jvp,
                                              .vmap = slice_update_vmap};

mx_array mxi_slice_put(struct mxi_ctx *c, mx_array a, mx_array update, const struct mxi_params_slice *p) {
  MXI_TRY(a);
  MXI_TRY(update);
  const mx_array inputs[] = {a, update};
  return mxi_node_make(c, MXI_OP_slice_update, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), inputs, 2, p);
}

mx_array mxi_slice_update(struct mxi_ctx *c, mx_array a, mx_array update, mx_ints start, mx_ints stop, mx_ints step) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(update);
  struct mxi_params_slice p;
  int64_t shape[MXI_MAX_NDIM];
  MXI_TRY(read_slice(c, "slice_update", a, start, stop, step, &p, shape));
  MXI_TRY(update = mxi_drop_ones(c, mxi_ew_operand(c, "slice_update", update, (mx_dtype)a->dtype), a->ndim));
  int ndim;
  int64_t both[MXI_MAX_NDIM];
  MXI_TRY(mxi_broadcast_shapes(c, "slice_update", a->ndim, shape, update->ndim, mxi_dims(update), &ndim, both));
  MXI_TRY(update = mxi_broadcast_to(c, update, mxi_list(shape, a->ndim)));
  return is_whole(a, &p, shape) ? update : mxi_slice_put(c, a, update, &p);
}

/* ---- as_strided -------------------------------------------------------------------------------------------------- */
static bool is_row_major(const struct mx_layout *in) {
  int64_t step = 1;
  for (int i = in->ndim - 1; i >= 0; i--) {
    if (in->shape[i] != 1 && in->strides[i] != step) return false;
    step *= in->shape[i];
  }
  return true;
}

static bool as_strided_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim,
                            const int64_t *shape, struct mx_layout *out) {
  const struct mxi_params_strided *p = params;
  if (!is_row_major(in)) return false;
  out->offset = in->offset + p->offset * (int64_t)itemsize;
  out->ndim = ndim;
  for (int i = 0; i < ndim; i++) {
    out->shape[i] = shape[i];
    out->strides[i] = p->strides[i];
  }
  return true;
}

/* Elements may be seen several times: their cotangents add up at the positions they were read from. */
static bool as_strided_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                           uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  const struct mxi_params_strided *p = mxi_params(node);
  mx_array a = mxi_inputs(node)[0],
           flat = mxi_zeros(c, mxi_list((int64_t[]){mxi_size(a)}, 1), (mx_dtype)cotangents[0]->dtype);
  mx_array at = mxi_arange_i(c, 0, mxi_size(a), 1, MX_INT64);
  at = mxi_as_strided(c, at, mxi_shape_of(node), mxi_list(p->strides, node->ndim), p->offset);
  MXI_TRY(at = mxi_reshape(c, at, MX_INTS(-1)));
  mx_array updates = mxi_reshape(c, cotangents[0], MX_INTS(-1, 1));
  mx_array sum = mxi_scatter_add(c, flat, &at, 1, updates, MX_INTS(0));
  return (grads[0] = mxi_reshape(c, sum, mxi_shape_of(a))) != NULL;
}

/* Each mapped item is row-major in the copy that has the mapped axis in front. */
static bool as_strided_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                            mx_array *outputs, int *out_axes) {
  const struct mxi_params_strided *p = mxi_params(node);
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_batch_size(inputs, in_axes, 1)}, strides[MXI_MAX_NDIM + 1];
  strides[0] = mxi_size(mxi_inputs(node)[0]);
  for (int i = 0; i < node->ndim; i++) {
    shape[i + 1] = mxi_dims(node)[i];
    strides[i + 1] = p->strides[i];
  }
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], shape[0]);
  out_axes[0] = 0;
  return (outputs[0] = mxi_as_strided(c, a, mxi_list(shape, node->ndim + 1), mxi_list(strides, node->ndim + 1),
                                      p->offset)) != NULL;
}

static const struct mx_field as_strided_fields[] = {
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_strided, strides), "strides"},
    {MX_FIELD_SIZE, MX_FIELD_I64, offsetof(struct mxi_params_strided, offset), "offset"},
    {0}};

const struct mx_prim mxi_prim_as_strided = {.size = sizeof(struct mx_prim), .name = "as_strided", .flags = MX_PRIM_VIEW,
                                            .params_size = sizeof(struct mxi_params_strided),
                                            .fields = as_strided_fields, .view = as_strided_view,
                                            .vjp = as_strided_vjp, .jvp = mxi_same_on_tangent, .vmap = as_strided_vmap};

/* True if every element lies in [0, size). */
static bool is_inside(mx_ints shape, mx_ints strides, int64_t offset, int64_t size) {
  int64_t low = offset, high = offset, span;
  for (size_t i = 0; i < shape.count; i++) {
    if (shape.at[i] == 0) return true;
    if (__builtin_mul_overflow(shape.at[i] - 1, strides.at[i], &span)) return false;
    if (__builtin_add_overflow(span < 0 ? low : high, span, span < 0 ? &low : &high)) return false;
  }
  return low >= 0 && high < size;
}

mx_array mxi_as_strided(struct mxi_ctx *c, mx_array a, mx_ints shape, mx_ints strides, int64_t offset) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_check_shape(c, "as_strided", shape, (mx_dtype)a->dtype));
  if (shape.count != strides.count)
    return mxi_fail(c, MX_ERR_VALUE, "[as_strided] %zu strides for %zu axes", strides.count, shape.count);
  if (!is_inside(shape, strides, offset, mxi_size(a)))
    return mxi_fail(
        c, MX_ERR_VALUE, "[as_strided] shape %s with these strides and offset %lld leaves an array of %lld elements",
        mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at), (long long)offset, (long long)mxi_size(a));
  struct mxi_params_strided p = {.offset = offset};
  bool empty = false;
  for (size_t i = 0; i < shape.count; i++) empty |= !shape.at[i];
  if (empty) p.offset = 0;
  for (size_t i = 0; i < shape.count; i++) p.strides[i] = empty ? 0 : strides.at[i];
  return mxi_node_make(c, MXI_OP_as_strided, (mx_dtype)a->dtype, (int)shape.count, shape.at, &a, 1, &p);
}

/* ---- view -------------------------------------------------------------------------------------------------------- */
/* Sizes of items that differ need the last axis without gaps and memory aligned for the larger item. */
static bool view_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                      struct mx_layout *out) {
  (void)params;
  *out = *in;
  const int last = ndim - 1;
  if (ndim == 0 || shape[last] == in->shape[last]) return true;
  const int64_t from = (int64_t)itemsize, to = in->shape[last] * from / (shape[last] ? shape[last] : 1);
  if (!shape[last]) return true;
  if ((in->strides[last] != 1 && in->shape[last] != 1) || in->offset % to) return false;
  for (int i = 0; i < last; i++) {
    if (shape[i] > 1 && in->strides[i] * from % to) return false;
    out->strides[i] = in->strides[i] * from / to;
  }
  out->shape[last] = shape[last];
  out->strides[last] = 1;
  return true;
}

static bool view_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                      int *out_axes) {
  out_axes[0] = 0;
  return (outputs[0] = mxi_view(c, mxi_batch_first(c, inputs[0], in_axes[0], 1), (mx_dtype)node->dtype)) != NULL;
}

const struct mx_prim mxi_prim_view = {.size = sizeof(struct mx_prim), .name = "view", .flags = MX_PRIM_VIEW | MX_PRIM_NODIFF,
                                      .view = view_view, .vmap = view_vmap};

mx_array mxi_view(struct mxi_ctx *c, mx_array a, mx_dtype dtype) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_check_shape(c, "view", mxi_shape_of(a), dtype));
  if (a->dtype == dtype) return a;
  int64_t from = (int64_t)mxi_itemsize((mx_dtype)a->dtype), to = (int64_t)mxi_itemsize(dtype), shape[MXI_MAX_NDIM];
  if (from != to && (a->ndim == 0 || mxi_dims(a)[a->ndim - 1] * from % to))
    return mxi_fail(c, MX_ERR_VALUE, "[view] the last axis of shape %s of %s is not a whole number of %s",
                    MXI_SHAPE_TEXT(a), mxi_dtype_names[a->dtype], mxi_dtype_names[dtype]);
  for (int i = 0; i < a->ndim; i++) shape[i] = mxi_dims(a)[i];
  if (a->ndim) shape[a->ndim - 1] = shape[a->ndim - 1] * from / to;
  return mxi_node_make(c, MXI_OP_view, dtype, a->ndim, shape, &a, 1, NULL);
}

/* concatenate and pad, and what is made of them: stack, split, repeat, tile, roll. */
#include <stddef.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "ops/layout.h"

/* ---- concatenate ------------------------------------------------------------------------------------------------- */
static bool concatenate_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                            uint64_t wanted, mx_array *grads) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  int64_t begin = 0;
  for (uint32_t i = 0; i < node->input_count; i++) {
    int64_t end = begin + mxi_dims(mxi_inputs(node)[i])[p->axis];
    if (i > 63 || wanted >> i & 1) MXI_TRY(grads[i] = mxi_narrow(c, cotangents[0], p->axis, begin, end));
    begin = end;
  }
  return true;
}

static mx_array concatenate_made(struct mxi_ctx *c, const mx_array *arrays, size_t count, int axis) {
  int64_t shape[MXI_MAX_NDIM], total = 0;
  for (int i = 0; i < arrays[0]->ndim; i++) shape[i] = mxi_dims(arrays[0])[i];
  for (size_t i = 0; i < count; i++)
    if (__builtin_add_overflow(total, mxi_dims(arrays[i])[axis], &total))
      return mxi_fail(c, MX_ERR_SHAPE, "[concatenate] axis %d is longer than memory can be", axis);
  shape[axis] = total;
  struct mxi_params_axis p = {axis, 0};
  return mxi_node_make(c, MXI_OP_concatenate, (mx_dtype)arrays[0]->dtype, arrays[0]->ndim, shape, arrays, count, &p);
}

/* A list of `count` arrays on the heap: the caller frees it. */
static mx_array *array_list(struct mxi_ctx *c, const char *who, size_t count) {
  mx_array *list = mxi_malloc(count * sizeof *list);
  if (!list) mxi_fail_memory(c, who);
  return list;
}

static bool concatenate_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                            mx_array *output_tangents) {
  (void)outputs;
  const struct mxi_params_axis *p = mxi_params(node);
  bool any = false, made = true;
  output_tangents[0] = NULL;
  for (uint32_t i = 0; i < node->input_count; i++) any |= tangents[i] != NULL;
  if (!any) return true;
  mx_array *list = array_list(c, "concatenate", node->input_count);
  MXI_TRY(list);
  for (uint32_t i = 0; made && i < node->input_count; i++)
    made = (list[i] = tangents[i] ? tangents[i] : mxi_zeros_as(c, mxi_inputs(node)[i])) != NULL;
  if (made) output_tangents[0] = concatenate_made(c, list, node->input_count, p->axis);
  mxi_free(list);
  return output_tangents[0] != NULL;
}

static bool concatenate_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                             mx_array *outputs, int *out_axes) {
  const struct mxi_params_axis *p = mxi_params(node);
  int64_t size = mxi_batch_size(inputs, in_axes, node->input_count);
  mx_array *list = array_list(c, "concatenate", node->input_count);
  MXI_TRY(list);
  bool made = true;
  for (uint32_t i = 0; made && i < node->input_count; i++)
    made = (list[i] = mxi_batch_first(c, inputs[i], in_axes[i], size)) != NULL;
  out_axes[0] = 0;
  outputs[0] = made ? concatenate_made(c, list, node->input_count, p->axis + 1) : NULL;
  mxi_free(list);
  return outputs[0] != NULL;
}

const struct mx_prim mxi_prim_concatenate = {.size = sizeof(struct mx_prim), .name = "concatenate",
                                             .params_size = sizeof(struct mxi_params_axis), .vjp = concatenate_vjp,
                                             .jvp = concatenate_jvp, .vmap = concatenate_vmap};

/* The dtype that all arrays promote to; literals among them give way to arrays. */
static mx_dtype promote_all(const mx_array *arrays, size_t count) {
  mx_dtype t = (mx_dtype)arrays[0]->dtype;
  for (size_t i = 1; i < count; i++) t = mxi_promote(t, (mx_dtype)arrays[i]->dtype);
  return t;
}

/* Casts the arrays to one dtype into `list`; each keeps its shape. */
static bool unify(struct mxi_ctx *c, const mx_array *arrays, size_t count, mx_array *list) {
  for (size_t i = 0; i < count; i++)
    if (!(list[i] = mxi_operand(c, arrays[i]))) return false;
  mx_dtype dtype = promote_all(list, count);
  for (size_t i = 0; i < count; i++)
    if (list[i]->dtype != dtype && !(list[i] = mxi_astype(c, list[i], dtype))) return false;
  return true;
}

static bool may_join(struct mxi_ctx *c, const mx_array *list, size_t count, int axis) {
  for (size_t i = 1; i < count; i++) {
    bool same = list[i]->ndim == list[0]->ndim;
    for (int j = 0; same && j < list[0]->ndim; j++) same = j == axis || mxi_dims(list[i])[j] == mxi_dims(list[0])[j];
    if (same) continue;
    mxi_fail(c, MX_ERR_SHAPE, "[concatenate] shapes %s and %s differ beside axis %d", MXI_SHAPE_TEXT(list[0]),
             MXI_SHAPE_TEXT(list[i]), axis);
    return false;
  }
  return true;
}

mx_array mxi_concatenate(struct mxi_ctx *c, const mx_array *arrays, size_t count, int axis) {
  if (!count) return mxi_fail(c, MX_ERR_VALUE, "[concatenate] there are no arrays to join");
  mx_array *list = array_list(c, "concatenate", count), result = NULL;
  MXI_TRY(list);
  if (unify(c, arrays, count, list) && mxi_axis(c, "concatenate", axis, list[0]->ndim, &axis) &&
      may_join(c, list, count, axis))
    result = count == 1 ? list[0] : concatenate_made(c, list, count, axis);
  mxi_free(list);
  return result;
}

mx_array mxi_concatenate_all(struct mxi_ctx *c, const mx_array *arrays, size_t count) {
  if (!count) return mxi_fail(c, MX_ERR_VALUE, "[concatenate] there are no arrays to join");
  mx_array *list = array_list(c, "concatenate", count), result = NULL;
  MXI_TRY(list);
  bool made = true;
  for (size_t i = 0; made && i < count; i++) made = (list[i] = mxi_reshape(c, arrays[i], MX_INTS(-1))) != NULL;
  if (made) result = mxi_concatenate(c, list, count, 0);
  mxi_free(list);
  return result;
}

mx_array mxi_stack(struct mxi_ctx *c, const mx_array *arrays, size_t count, int axis) {
  if (!count) return mxi_fail(c, MX_ERR_VALUE, "[stack] there are no arrays to stack");
  MXI_TRY(arrays[0]);
  MXI_TRY(mxi_axis(c, "stack", axis, arrays[0]->ndim + 1, &axis));
  for (size_t i = 1; i < count; i++)
    if (arrays[i] && !mxi_same_shape(mxi_shape_of(arrays[0]), arrays[i]))
      return mxi_fail(c, MX_ERR_SHAPE, "[stack] shapes %s and %s differ", MXI_SHAPE_TEXT(arrays[0]),
                      MXI_SHAPE_TEXT(arrays[i]));
  mx_array *list = array_list(c, "stack", count), result = NULL;
  MXI_TRY(list);
  bool made = true;
  for (size_t i = 0; made && i < count; i++) made = (list[i] = mxi_expand_dims(c, arrays[i], MX_INTS(axis))) != NULL;
  if (made) result = mxi_concatenate(c, list, count, axis);
  mxi_free(list);
  return result;
}

/* ---- split ------------------------------------------------------------------------------------------------------- */
mx_status mxi_split(struct mxi_ctx *c, mx_array a, int sections, int axis, mx_array *results) {
  if (!(a = mxi_operand(c, a)) || !mxi_axis(c, "split", axis, a->ndim, &axis)) return c->code;
  int64_t size = mxi_dims(a)[axis];
  if (sections <= 0 || size % sections)
    return mxi_fail_status(c, MX_ERR_VALUE, "[split] axis %d of size %lld cannot be cut into %d equal parts", axis,
                           (long long)size, sections);
  size_t mark = c->top, count = (size_t)sections;
  for (size_t i = 0; i < count; i++) {
    int64_t begin = size / sections * (int64_t)i;
    if (!mxi_keep(c, mark + i, mxi_narrow(c, a, axis, begin, begin + size / sections))) return c->code;
  }
  return mxi_publish(c, mark, results, count);
}

static int64_t clamp_index(int64_t i, int64_t size) {
  if (i < 0) i += size;
  return i < 0 ? 0 : i > size ? size : i;
}

mx_status mxi_split_at(struct mxi_ctx *c, mx_array a, mx_ints indices, int axis, mx_array *results) {
  if (!(a = mxi_operand(c, a)) || !mxi_axis(c, "split_at", axis, a->ndim, &axis)) return c->code;
  if (indices.count && !indices.at) return mxi_null(c, "split_at", "indices"), c->code;
  int64_t size = mxi_dims(a)[axis], begin = 0;
  size_t mark = c->top;
  for (size_t i = 0; i <= indices.count; i++) {
    int64_t end = i < indices.count ? clamp_index(indices.at[i], size) : size;
    if (!mxi_keep(c, mark + i, mxi_narrow(c, a, axis, begin, end < begin ? begin : end))) return c->code;
    begin = end;
  }
  return mxi_publish(c, mark, results, indices.count + 1);
}

mx_status mxi_unstack(struct mxi_ctx *c, mx_array a, int axis, mx_array *results) {
  if (!(a = mxi_operand(c, a)) || !mxi_axis(c, "unstack", axis, a->ndim, &axis)) return c->code;
  size_t mark = c->top, count = (size_t)mxi_dims(a)[axis];
  for (size_t i = 0; i < count; i++) {
    mx_array item = mxi_narrow(c, a, axis, (int64_t)i, (int64_t)i + 1);
    if (!mxi_keep(c, mark + i, mxi_squeeze(c, item, MX_INTS(axis)))) return c->code;
  }
  return mxi_publish(c, mark, results, count);
}

/* ---- pad --------------------------------------------------------------------------------------------------------- */
static const struct mx_field pad_fields[] = {
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_pad, before), "before"},
    {MX_FIELD_SIZE, MX_FIELD_INTS64, offsetof(struct mxi_params_pad, after), "after"},
    {0}};

static mx_array pad_made(struct mxi_ctx *c, mx_array a, mx_array value, const struct mxi_params_pad *p) {
  MXI_TRY(a);
  MXI_TRY(value);
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++)
    if (__builtin_add_overflow(mxi_dims(a)[i], p->before[i], &shape[i]) ||
        __builtin_add_overflow(shape[i], p->after[i], &shape[i]))
      return mxi_fail(c, MX_ERR_SHAPE, "[pad] axis %d is longer than memory can be", i);
  const mx_array inputs[] = {a, value};
  return mxi_node_make(c, MXI_OP_pad, (mx_dtype)a->dtype, a->ndim, shape, inputs, 2, p);
}

/* Where the padded array lies in the result. */
static struct mxi_params_slice inside(const struct mxi_params_pad *p, int ndim) {
  struct mxi_params_slice s;
  for (int i = 0; i < ndim; i++) {
    s.start[i] = p->before[i];
    s.step[i] = 1;
  }
  return s;
}

static bool pad_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                    uint64_t wanted, mx_array *grads) {
  (void)outputs;
  mx_array a = mxi_inputs(node)[0], g = cotangents[0];
  struct mxi_params_slice s = inside(mxi_params(node), node->ndim);
  if (wanted & 1) MXI_TRY(grads[0] = mxi_slice_of(c, g, mxi_dims(a), &s));
  if (!(wanted & 2)) return true;
  mx_array around = mxi_slice_put(c, g, mxi_zeros(c, mxi_shape_of(a), (mx_dtype)g->dtype), &s);
  return (grads[1] = mxi_astype(c, mxi_sum(c, around, MX_ALL, false), (mx_dtype)g->dtype)) != NULL;
}

static bool pad_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                    mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0] && !tangents[1]) return true;
  mx_array a = tangents[0] ? tangents[0] : mxi_zeros_as(c, mxi_inputs(node)[0]);
  mx_array value = tangents[1] ? tangents[1] : mxi_zeros_as(c, mxi_inputs(node)[1]);
  return (output_tangents[0] = pad_made(c, a, value, mxi_params(node))) != NULL;
}

/* A mapped value cannot be one scalar: it is spread, and the array written into it. */
static bool pad_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes) {
  const struct mxi_params_pad *p = mxi_params(node);
  int64_t size = mxi_batch_size(inputs, in_axes, 2), shape[MXI_MAX_NDIM + 1] = {size}, ones[MXI_MAX_NDIM + 1] = {size};
  struct mxi_params_pad batched;
  batched.before[0] = batched.after[0] = 0;
  for (int i = 0; i < node->ndim && i + 1 < MXI_MAX_NDIM; i++) {
    batched.before[i + 1] = p->before[i];
    batched.after[i + 1] = p->after[i];
    shape[i + 1] = mxi_dims(node)[i];
    ones[i + 1] = 1;
  }
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], size);
  out_axes[0] = 0;
  if (in_axes[1] < 0) return (outputs[0] = pad_made(c, a, inputs[1], &batched)) != NULL;
  mx_array spread = mxi_reshape(c, inputs[1], mxi_list(ones, node->ndim + 1));
  spread = mxi_broadcast_to(c, spread, mxi_list(shape, node->ndim + 1));
  struct mxi_params_slice s = inside(&batched, node->ndim + 1);
  return (outputs[0] = mxi_slice_put(c, spread, a, &s)) != NULL;
}

const struct mx_prim mxi_prim_pad = {.size = sizeof(struct mx_prim), .name = "pad",
                                     .params_size = sizeof(struct mxi_params_pad), .fields = pad_fields,
                                     .vjp = pad_vjp, .jvp = pad_jvp, .vmap = pad_vmap};

/* Widths per axis; false with an error. */
static bool read_widths(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high, struct mxi_params_pad *p) {
  if (low.count != high.count || (low.count != 1 && low.count != a->ndim)) {
    mxi_fail(c, MX_ERR_VALUE, "[pad] widths are needed for each axis of shape %s, or one pair for all",
             MXI_SHAPE_TEXT(a));
    return false;
  }
  for (int i = 0; i < a->ndim; i++) {
    p->before[i] = low.at[low.count == 1 ? 0 : i];
    p->after[i] = high.at[high.count == 1 ? 0 : i];
    if (p->before[i] >= 0 && p->after[i] >= 0) continue;
    mxi_fail(c, MX_ERR_VALUE, "[pad] the widths %lld and %lld of axis %d are negative", (long long)p->before[i],
             (long long)p->after[i], i);
    return false;
  }
  return true;
}

mx_array mxi_pad(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high, mx_array value) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(value = mxi_operand(c, value));
  struct mxi_params_pad p;
  MXI_TRY(read_widths(c, a, low, high, &p));
  if (value->ndim)
    return mxi_fail(c, MX_ERR_VALUE, "[pad] the value has shape %s, not that of a scalar", MXI_SHAPE_TEXT(value));
  bool any = false;
  for (int i = 0; i < a->ndim; i++) any |= p.before[i] || p.after[i];
  return any ? pad_made(c, a, mxi_astype(c, value, (mx_dtype)a->dtype), &p) : a;
}

enum edge { EDGE, REFLECT, SYMMETRIC };

/* The item of an axis of `size` that stands at position `at`, which may lie outside. */
static int64_t edge_source(enum edge mode, int64_t at, int64_t size) {
  if (mode == EDGE || size == 1) return at < 0 ? 0 : at >= size ? size - 1 : at;
  int64_t period = 2 * (mode == REFLECT ? size - 1 : size), i = at % period;
  if (i < 0) i += period;
  return i < size ? i : period - i - (mode == SYMMETRIC);
}

static mx_array edge_indices(struct mxi_ctx *c, enum edge mode, int64_t before, int64_t size, int64_t after) {
  int64_t n;
  if (__builtin_add_overflow(before, size, &n) || __builtin_add_overflow(n, after, &n) || n > INT64_MAX / 8)
    return mxi_fail(c, MX_ERR_SHAPE, "[pad] an axis is longer than memory can be");
  struct mxi_buffer *b = mxi_buffer_new((size_t)n * sizeof(int64_t));
  if (!b) return mxi_fail_memory(c, "pad");
  int64_t *at = (int64_t *)b->data;
  for (int64_t i = 0; i < n; i++) at[i] = edge_source(mode, i - before, size);
  mx_array result = mxi_node_from_buffer(c, b, MX_INT64, 1, &n);
  if (!result) mxi_buffer_release(b);
  return result;
}

static mx_array pad_from_edges(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high, enum edge mode) {
  MXI_TRY(a = mxi_operand(c, a));
  struct mxi_params_pad p;
  MXI_TRY(read_widths(c, a, low, high, &p));
  for (int i = 0; i < a->ndim; i++) {
    if (!p.before[i] && !p.after[i]) continue;
    int64_t size = mxi_dims(a)[i];
    if (!size) return mxi_fail(c, MX_ERR_VALUE, "[pad] axis %d is empty: it has no edge to extend", i);
    MXI_TRY(a = mxi_take(c, a, edge_indices(c, mode, p.before[i], size, p.after[i]), i));
  }
  return a;
}

mx_array mxi_pad_edge(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high) {
  return pad_from_edges(c, a, low, high, EDGE);
}

mx_array mxi_pad_reflect(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high) {
  return pad_from_edges(c, a, low, high, REFLECT);
}

mx_array mxi_pad_symmetric(struct mxi_ctx *c, mx_array a, mx_ints low, mx_ints high) {
  return pad_from_edges(c, a, low, high, SYMMETRIC);
}

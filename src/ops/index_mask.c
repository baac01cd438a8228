/* Masks: arrays of bool that select elements. Where the mask's elements decide a shape it is evaluated; writing needs no
 * shape, and stays lazy: each selected place is given its number, and takes the value of that number. */
#include "base/buffer.h"
#include "core/node_inline.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "run/read.h"

/* ---- Where elements are not zero --------------------------------------------------------------------------------- */
static int64_t count_set(const uint8_t *x, int64_t n) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) count += x[i];
  return count;
}

/* Every place is written and the next overwrites it unless it counts: no branch depends on the elements. The buffer has
 * room for one more. */
static void list_set(const uint8_t *x, int64_t n, int64_t *out) {
  for (int64_t i = 0, at = 0; i < n; i++) {
    out[at] = i;
    at += x[i];
  }
}

mx_array mxi_flatnonzero(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  if (a->dtype != MX_BOOL) MXI_TRY(a = mxi_astype(c, a, MX_BOOL));
  const uint8_t *x = mxi_read(c, "flatnonzero", a);
  MXI_TRY(x);
  int64_t size = mxi_size(a), count = count_set(x, size);
  struct mxi_buffer *b = mxi_buffer_new((size_t)(count + 1) * sizeof(int64_t));
  if (!b) return mxi_fail_memory(c, "flatnonzero");
  list_set(x, size, (int64_t *)b->data);
  mx_array at = mxi_node_from_buffer(c, b, MX_INT64, 1, &count);
  if (!at) mxi_buffer_release(b);
  return at;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
/* `mask` with axes of size 1 behind its own, so that it broadcasts against a. */
static mx_array over(struct mxi_ctx *c, mx_array mask, int ndim) {
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < ndim; i++) shape[i] = i < mask->ndim ? mxi_dims(mask)[i] : 1;
  return mxi_reshape(c, mask, mxi_list(shape, ndim));
}

/* For each element of the flat mask that is set, how many are set before it; else 0. Where there are no values, the
 * first that is set already counts as the second: any is one too many. */
static mx_array numbers(struct mxi_ctx *c, mx_array mask, bool is_from_1) {
  mx_dtype t = mxi_size(mask) > INT32_MAX ? MX_INT64 : MX_INT32;
  mx_array before = mxi_cumsum(c, mxi_astype(c, mask, t), 0, false, is_from_1);
  return before ? mxi_where(c, mask, before, mxi_scalar_i(c, 0, t)) : NULL;
}

/* values[i] for the i-th selected place, shaped as `a`; what stands in other places does not matter. */
static mx_array spread(struct mxi_ctx *c, mx_array a, mx_array mask, mx_array values) {
  int64_t shape[MXI_MAX_NDIM + 1], count = mxi_dims(values)[0];
  int rest = a->ndim - mask->ndim;
  shape[0] = count;
  for (int i = 0; i < rest; i++) shape[i + 1] = mxi_dims(a)[mask->ndim + i];
  mx_array flat = mxi_reshape(c, mask, MX_INTS(-1)), at = flat ? numbers(c, flat, !count) : NULL;
  MXI_TRY(at);
  if (!count) shape[0] = 1;
  values = count ? mxi_broadcast_to(c, values, mxi_list(shape, rest + 1)) : mxi_zeros(c, mxi_list(shape, rest + 1), (mx_dtype)a->dtype);
  mx_array taken = values ? mxi_take(c, values, at, 0) : NULL;
  return taken ? mxi_reshape(c, taken, mxi_shape_of(a)) : NULL;
}

static bool is_mask_of(struct mxi_ctx *c, mx_array mask, mx_array a) {
  bool fits = mask->ndim <= a->ndim;
  for (int i = 0; fits && i < mask->ndim; i++) fits = mxi_dims(mask)[i] == mxi_dims(a)[i];
  if (mask->dtype != MX_BOOL)
    mxi_fail(c, MX_ERR_DTYPE, "[masked_scatter] the mask is %s, not bool", mxi_dtype_names[mask->dtype]);
  else if (!fits)
    mxi_fail(c, MX_ERR_SHAPE, "[masked_scatter] a mask of shape %s does not fit the first axes of shape %s", MXI_SHAPE_TEXT(mask),
             MXI_SHAPE_TEXT(a));
  return mask->dtype == MX_BOOL && fits;
}

mx_array mxi_masked_scatter(struct mxi_ctx *c, mx_array a, mx_array mask, mx_array values) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mask = mxi_operand(c, mask));
  MXI_TRY(is_mask_of(c, mask, a));
  MXI_TRY(values = mxi_ew_operand(c, "masked_scatter", values, (mx_dtype)a->dtype));
  int rest = a->ndim - mask->ndim;
  MXI_TRY(values = mxi_drop_ones(c, mxi_drop_ones(c, values, rest + 1), rest));
  if (values->ndim > rest + 1)
    return mxi_fail(c, MX_ERR_SHAPE, "[masked_scatter] values of shape %s for places of %d axes", MXI_SHAPE_TEXT(values), rest);
  if (values->ndim > rest) MXI_TRY(values = spread(c, a, mask, values));
  else MXI_TRY(values = mxi_broadcast_to(c, values, mxi_shape_of(a)));
  mx_array where = over(c, mask, a->ndim);
  return where ? mxi_where(c, where, values, a) : NULL;
}

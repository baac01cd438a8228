/* Slices whose start is an array: one gather or scatter of a single slice, whose indices are the elements of `start`.
 */
#include "ops/index.h"

/* The elements of `start`, each a 0-d array; false with an error. */
static bool starts(struct mxi_ctx *c, const char *who, mx_array start, mx_ints axes, int ndim, mx_array *list) {
  uint64_t mask;
  if (!mxi_axes(c, who, axes, ndim, &mask) || !mxi_index_dtype(c, who, start)) return false;
  if (start->ndim == 0 && axes.count == 1) return (list[0] = start), true;
  if (start->ndim != 1 || (size_t)mxi_dims(start)[0] != axes.count) {
    mxi_fail(c, MX_ERR_VALUE, "[%s] the start has shape %s, not one item for each of %zu axes", who,
             MXI_SHAPE_TEXT(start), axes.count);
    return false;
  }
  for (size_t i = 0; i < axes.count; i++)
    if (!(list[i] = mxi_reshape(c, mxi_narrow(c, start, 0, (int64_t)i, (int64_t)i + 1), MX_0D))) return false;
  return true;
}

mx_array mxi_slice_dynamic(struct mxi_ctx *c, mx_array a, mx_array start, mx_ints axes, mx_ints slice_size) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(start = mxi_operand(c, start));
  mx_array list[MXI_MAX_NDIM];
  MXI_TRY(starts(c, "slice", start, axes, a->ndim, list));
  return mxi_gather(c, a, list, axes.count, axes, slice_size);
}

mx_array mxi_slice_update_dynamic(struct mxi_ctx *c, mx_array a, mx_array update, mx_array start, mx_ints axes) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(start = mxi_operand(c, start));
  MXI_TRY(update = mxi_drop_ones(c, update ? mxi_operand(c, update) : NULL, a->ndim));
  mx_array list[MXI_MAX_NDIM];
  MXI_TRY(starts(c, "slice_update", start, axes, a->ndim, list));
  int64_t region[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) region[i] = mxi_dims(a)[i];
  for (size_t i = 0; i < axes.count; i++) {
    int64_t axis = axes.at[i] < 0 ? axes.at[i] + a->ndim : axes.at[i], own = axis - (a->ndim - update->ndim);
    region[axis] = own < 0 ? 1 : mxi_dims(update)[own];
  }
  update = mxi_broadcast_to(c, update, mxi_list(region, a->ndim));
  return mxi_scatter(c, a, list, axes.count, update, axes);
}

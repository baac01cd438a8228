/* unique: sorted, equal items stand together, and the first of each run stands for it. Numbering the runs from 0 gives a
 * sorted list in which the k-th run is found by a search, so that no shape depends on a value. */
#include "core/node_inline.h"
#include "ops/elementwise.h"
#include "ops/layout.h"

enum { VALUES, INDEX, INVERSE, COUNTS, RESULTS };

/* The number of the run that each of the sorted items is in. */
static mx_array run_numbers(struct mxi_ctx *c, mx_array sorted, int64_t n) {
  mx_array first = mxi_zeros(c, MX_INTS(1), MX_INT64);
  if (n < 2) return n ? first : mxi_zeros(c, MX_INTS(0), MX_INT64);
  mx_array differs = mxi_not_equal(c, mxi_narrow(c, sorted, 0, 1, n), mxi_narrow(c, sorted, 0, 0, n - 1));
  mx_array numbers = differs ? mxi_cumsum(c, mxi_astype(c, differs, MX_INT64), 0, false, true) : NULL;
  const mx_array parts[] = {first, numbers};
  return first && numbers ? mxi_concatenate(c, parts, 2, 0) : NULL;
}

/* The run of each element where it stood, at most size - 1, shaped as `a`. */
static mx_array inverse_of(struct mxi_ctx *c, mx_array a, mx_array order, mx_array runs, int64_t size) {
  mx_array none = mxi_zeros(c, mxi_shape_of(order), MX_UINT32);
  mx_array most = mxi_scalar_i(c, size ? size - 1 : 0, MX_INT64), number = most ? mxi_minimum(c, runs, most) : NULL;
  if (!none || !number) return NULL;
  return mxi_reshape(c, mxi_put_along_axis(c, none, order, mxi_astype(c, number, MX_UINT32), 0), mxi_shape_of(a));
}

/* The places of `from` at which the runs begin; `otherwise` (NULL: as at 0) where there are fewer runs than places. */
static mx_array at_starts(struct mxi_ctx *c, mx_array from, mx_array start, mx_array exists, mx_array otherwise) {
  mx_array zero = mxi_scalar_i(c, 0, (mx_dtype)start->dtype), at = zero ? mxi_where(c, exists, start, zero) : NULL;
  mx_array taken = at ? mxi_take(c, from, at, 0) : NULL;
  return taken && otherwise ? mxi_where(c, exists, taken, otherwise) : taken;
}

static bool uniques(struct mxi_ctx *c, mx_array a, int64_t size, mx_array fill, mx_array *results) {
  mx_array flat = mxi_reshape(c, a, MX_INTS(-1)), order = mxi_argsort(c, flat, 0);
  mx_array sorted = order ? mxi_take(c, flat, order, 0) : NULL, runs = sorted ? run_numbers(c, sorted, mxi_size(a)) : NULL;
  mx_array number = mxi_arange_i(c, 0, size, 1, MX_INT64);
  if (!runs || !number) return false;
  mx_array start = mxi_searchsorted(c, runs, number, false), end = mxi_searchsorted(c, runs, number, true);
  if (!start || !end) return false;
  mx_array exists = mxi_not_equal(c, start, end);
  if (!exists) return false;
  results[VALUES] = at_starts(c, sorted, start, exists, fill);
  results[INDEX] = at_starts(c, order, start, exists, NULL);
  results[INVERSE] = inverse_of(c, a, order, runs, size);
  results[COUNTS] = mxi_astype(c, mxi_subtract(c, end, start), MX_INT32);
  return results[VALUES] && results[INDEX] && results[INVERSE] && results[COUNTS];
}

/* Of an array without elements. */
static bool nothing(struct mxi_ctx *c, mx_array a, int64_t size, mx_array fill, mx_array *results) {
  if (size && !fill) {
    mxi_fail(c, MX_ERR_VALUE, "[unique] %lld elements of an array of none need a fill value", (long long)size);
    return false;
  }
  mx_dtype t = (mx_dtype)a->dtype;
  results[VALUES] = size ? mxi_broadcast_to(c, fill, MX_INTS(size)) : mxi_zeros(c, MX_INTS(0), t);
  results[INDEX] = mxi_zeros(c, MX_INTS(size), MX_UINT32);
  results[INVERSE] = mxi_zeros(c, mxi_shape_of(a), MX_UINT32);
  results[COUNTS] = mxi_zeros(c, MX_INTS(size), MX_INT32);
  return results[VALUES] && results[INDEX] && results[INVERSE] && results[COUNTS];
}

/* One element in a's dtype; false with an error. NULL stays NULL. */
static bool read_fill(struct mxi_ctx *c, mx_array a, mx_array *fill) {
  if (!*fill) return true;
  if (mxi_size(*fill) != 1) {
    mxi_fail(c, MX_ERR_VALUE, "[unique] the fill value has shape %s, not one element", MXI_SHAPE_TEXT(*fill));
    return false;
  }
  return (*fill = mxi_reshape(c, mxi_ew_operand(c, "unique", *fill, (mx_dtype)a->dtype), MX_0D)) != NULL;
}

mx_status mxi_unique(struct mxi_ctx *c, mx_array a, int64_t size, mx_array fill_value, mx_array *results) {
  size_t mark = c->top;
  mx_array made[RESULTS];
  a = mxi_operand(c, a);
  if (!a) return c->code;
  if (size < 0) return mxi_fail_status(c, MX_ERR_VALUE, "[unique] a size of %lld is negative", (long long)size);
  if (!mxi_check_shape(c, "unique", MX_INTS(size), MX_INT64) || !read_fill(c, a, &fill_value)) return c->code;
  bool is_made = mxi_size(a) ? uniques(c, a, size, fill_value, made) : nothing(c, a, size, fill_value, made);
  if (!is_made || mxi_keep_many(c, mark, made, RESULTS)) return c->code;
  return mxi_publish(c, mark, results, RESULTS);
}

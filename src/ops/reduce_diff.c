/* diff: differences of neighbours, again and again. */
#include "ops/layout.h"

static mx_array differences(struct mxi_ctx *c, mx_array a, int axis) {
  int64_t n = mxi_dims(a)[axis];
  if (n == 0) return a;
  mx_array after = mxi_narrow(c, a, axis, 1, n), before = mxi_narrow(c, a, axis, 0, n - 1);
  return a->dtype == MX_BOOL ? mxi_not_equal(c, after, before) : mxi_subtract(c, after, before);
}

mx_array mxi_diff(struct mxi_ctx *c, mx_array a, int n, int axis) {
  MXI_TRY(a = mxi_operand(c, a));
  if (n < 0) return mxi_fail(c, MX_ERR_VALUE, "[diff] %d times is not possible", n);
  MXI_TRY(mxi_axis(c, "diff", axis, a->ndim, &axis));
  if (n >= mxi_dims(a)[axis]) return mxi_narrow(c, a, axis, 0, 0);
  for (int i = 0; a && i < n; i++) a = differences(c, a, axis);
  return a;
}

/* Arrays made from nothing. Constants are broadcasts of a scalar and take no memory until something writes to them. */
#include <math.h>
#include <stddef.h>

#include "base/buffer.h"
#include "core/scalar.h"
#include "ops/layout.h"

/* ---- Constants --------------------------------------------------------------------------------------------------- */
mx_array mxi_full(struct mxi_ctx *c, mx_ints shape, mx_array value, mx_dtype dtype) {
  MXI_TRY(value);
  MXI_TRY(mxi_check_shape(c, "full", shape, dtype));
  bool weak = mxi_flags(value) & MXI_NODE_WEAK;
  value = weak ? mxi_literal_as(c, "full", value, dtype) : mxi_astype(c, value, dtype);
  return mxi_broadcast_to(c, value, shape);
}

static mx_array constant(struct mxi_ctx *c, const char *who, mx_ints shape, int64_t value, mx_dtype dtype) {
  MXI_TRY(mxi_check_shape(c, who, shape, dtype));
  return mxi_broadcast_to(c, mxi_scalar_i(c, value, dtype), shape);
}

mx_array mxi_zeros(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype) { return constant(c, "zeros", shape, 0, dtype); }
mx_array mxi_ones(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype) { return constant(c, "ones", shape, 1, dtype); }
mx_array mxi_empty(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype) { return constant(c, "empty", shape, 0, dtype); }

mx_array mxi_full_like(struct mxi_ctx *c, mx_array a, mx_array value, mx_dtype dtype) {
  MXI_TRY(a = mxi_operand(c, a));
  return mxi_full(c, mxi_shape_of(a), value, dtype);
}

mx_array mxi_zeros_like(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  return mxi_zeros(c, mxi_shape_of(a), (mx_dtype)a->dtype);
}

mx_array mxi_ones_like(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a = mxi_operand(c, a));
  return mxi_ones(c, mxi_shape_of(a), (mx_dtype)a->dtype);
}

mx_array mxi_empty_like(struct mxi_ctx *c, mx_array a) { return mxi_zeros_like(c, a); }

/* ---- Matrices ---------------------------------------------------------------------------------------------------- */
/* Row numbers as a column, and column numbers less k as a row. */
static bool coordinates(struct mxi_ctx *c, int64_t rows, int64_t columns, int64_t k, mx_array *row, mx_array *column) {
  *row = mxi_reshape(c, mxi_arange_i(c, 0, rows, 1, MX_INT64), MX_INTS(rows, 1));
  *column = mxi_reshape(c, mxi_arange_i(c, -k, columns - k, 1, MX_INT64), MX_INTS(1, columns));
  return *row && *column;
}

mx_array mxi_lower_triangle(struct mxi_ctx *c, int64_t rows, int64_t columns, int64_t k) {
  mx_array row, column;
  MXI_TRY(coordinates(c, rows, columns, k, &row, &column));
  return mxi_greater_equal(c, row, column);
}

mx_array mxi_eye(struct mxi_ctx *c, int64_t n, int64_t m, int k, mx_dtype dtype) {
  MXI_TRY(mxi_check_shape(c, "eye", MX_INTS(n, m), dtype));
  mx_array row, column;
  MXI_TRY(coordinates(c, n, m, k, &row, &column));
  return mxi_astype(c, mxi_equal(c, row, column), dtype);
}

mx_array mxi_identity(struct mxi_ctx *c, int64_t n, mx_dtype dtype) { return mxi_eye(c, n, n, 0, dtype); }

mx_array mxi_tri(struct mxi_ctx *c, int64_t n, int64_t m, int k, mx_dtype dtype) {
  if (n < 0) n = 0;
  if (m < 0) m = 0;
  MXI_TRY(mxi_check_shape(c, "tri", MX_INTS(n, m), dtype));
  return mxi_astype(c, mxi_lower_triangle(c, n, m, k), dtype);
}

/* ---- arange ------------------------------------------------------------------------------------------------------ */
static const struct mx_field arange_fields[] = {
    {MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct mxi_params_arange, start), "start"},
    {MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct mxi_params_arange, step), "step"},
    {MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct mxi_params_arange, istart), "istart"},
    {MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct mxi_params_arange, istep), "istep"},
    {0}};

const struct mx_prim mxi_prim_arange = {.size = sizeof(struct mx_prim), .name = "arange", .flags = MX_PRIM_NODIFF,
                                        .params_size = sizeof(struct mxi_params_arange), .fields = arange_fields};

static bool may_count(struct mxi_ctx *c, mx_dtype dtype, bool has_step) {
  MXI_TRY(mxi_check_shape(c, "arange", MX_0D, dtype));
  if (dtype == MX_BOOL)
    mxi_fail(c, MX_ERR_VALUE, "[arange] bool cannot count");
  else if (!has_step)
    mxi_fail(c, MX_ERR_VALUE, "[arange] the step is 0");
  return dtype != MX_BOOL && has_step;
}

mx_array mxi_arange(struct mxi_ctx *c, double start, double stop, double step, mx_dtype dtype) {
  MXI_TRY(may_count(c, dtype, step != 0));
  double count = ceil((stop - start) / step);
  if (!(count < 9.2e18) || isinf(start) || isinf(step))
    return mxi_fail(c, MX_ERR_VALUE, "[arange] the length from %g to %g by %g is not a number of items", start, stop,
                    step);
  struct mxi_params_arange p = {.start = start, .step = step};
  p.istart = mxi_float_to_int(start, dtype);
  p.istep = (int64_t)((uint64_t)mxi_float_to_int(start + step, dtype) - (uint64_t)p.istart);
  int64_t n = count > 0 ? (int64_t)count : 0;
  return mxi_node_make(c, MXI_OP_arange, dtype, 1, &n, NULL, 0, &p);
}

mx_array mxi_arange_i(struct mxi_ctx *c, int64_t start, int64_t stop, int64_t step, mx_dtype dtype) {
  MXI_TRY(may_count(c, dtype, step != 0));
  struct mxi_params_arange p = {(double)start, (double)step, start, step};
  uint64_t span = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
  uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
  bool any = step > 0 ? start < stop : start > stop;
  int64_t n = any ? (int64_t)((span - 1) / stride) : -1;
  if (any && n < 0) return mxi_fail(c, MX_ERR_SHAPE, "[arange] the result is larger than memory can be");
  if (n == INT64_MAX) return mxi_fail(c, MX_ERR_SHAPE, "[arange] the result is larger than memory can be");
  n++;
  return mxi_node_make(c, MXI_OP_arange, dtype, 1, &n, NULL, 0, &p);
}

/* (1 - t) * start + t * stop for t = i / (num - 1), which meets both ends. */
mx_array mxi_linspace(struct mxi_ctx *c, double start, double stop, int64_t num, bool endpoint, mx_dtype dtype) {
  MXI_TRY(mxi_check_shape(c, "linspace", MX_INTS(num), dtype));
  mx_dtype wide = dtype == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
  mx_array from = mxi_scalar_f(c, start, wide), to = mxi_scalar_f(c, stop, wide), one = mxi_scalar_f(c, 1, wide);
  if (!from || !to || !one) return NULL;
  if (num == 1) return mxi_astype(c, mxi_reshape(c, from, MX_INTS(1)), dtype);
  mx_array last = mxi_scalar_f(c, (double)(endpoint ? num - 1 : num), wide);
  mx_array t = mxi_arange(c, 0, (double)num, 1, wide);
  MXI_TRY(t && last && (t = mxi_divide(c, t, last)));
  mx_array left = mxi_multiply(c, mxi_subtract(c, one, t), from), right = mxi_multiply(c, t, to);
  if (!left || !right) return NULL;
  return mxi_astype(c, mxi_add(c, left, right), dtype);
}

/* ---- Windows: constants, computed here in float64 ---------------------------------------------------------------- */
static double bartlett(double x) { return 1 - fabs(2 * x - 1); }
static double hanning(double x) { return 0.5 - 0.5 * cos(2 * M_PI * x); }
static double hamming(double x) { return 0.54 - 0.46 * cos(2 * M_PI * x); }
static double blackman(double x) { return 0.42 - 0.5 * cos(2 * M_PI * x) + 0.08 * cos(4 * M_PI * x); }

static mx_array window(struct mxi_ctx *c, const char *who, int64_t size, double (*at)(double x)) {
  if (size < 1) return mxi_zeros(c, MX_INTS(0), MX_FLOAT32);
  if (size == 1) return mxi_ones(c, MX_INTS(1), MX_FLOAT32);
  MXI_TRY(mxi_check_shape(c, who, MX_INTS(size), MX_FLOAT32));
  struct mxi_buffer *b = mxi_buffer_new((size_t)size * sizeof(float));
  if (!b) return mxi_fail_memory(c, who);
  for (int64_t i = 0; i < size; i++) ((float *)b->data)[i] = (float)at((double)i / (double)(size - 1));
  mx_array result = mxi_node_from_buffer(c, b, MX_FLOAT32, 1, &size);
  if (!result) mxi_buffer_release(b);
  return result;
}

mx_array mxi_bartlett(struct mxi_ctx *c, int64_t size) { return window(c, "bartlett", size, bartlett); }
mx_array mxi_hanning(struct mxi_ctx *c, int64_t size) { return window(c, "hanning", size, hanning); }
mx_array mxi_hamming(struct mxi_ctx *c, int64_t size) { return window(c, "hamming", size, hamming); }
mx_array mxi_blackman(struct mxi_ctx *c, int64_t size) { return window(c, "blackman", size, blackman); }

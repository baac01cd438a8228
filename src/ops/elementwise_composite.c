/* Elementwise operations made of rows of core/elementwise.def. A NULL from a step is passed on by the next. */
#include <float.h>
#include <math.h>

#include "ops/builders.h"
#include "ops/elementwise.h"

/* The number v in the dtype that `a` is computed in as a float. */
static mx_array float_like(struct mxi_ctx *c, mx_array a, double v) {
  return mxi_scalar_f(c, v, mxi_ew_operand_dtype(MXI_RULE_FLOAT, (mx_dtype)a->dtype));
}

mx_array mxi_positive(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a);
  return mxi_strong(ctx, a);
}

mx_array mxi_reciprocal(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a);
  return mxi_divide(ctx, float_like(ctx, a, 1), a);
}

mx_array mxi_degrees(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a);
  return mxi_multiply(ctx, a, float_like(ctx, a, 57.295779513082321));
}

mx_array mxi_radians(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a);
  return mxi_multiply(ctx, a, float_like(ctx, a, 0.017453292519943295));
}

/* round(x 10**d) 10**-d in x's own dtype, the second power rounded too; integers go through float32 where d < 0. */
mx_array mxi_round(struct mxi_ctx *ctx, mx_array a, int decimals) {
  MXI_TRY(a && (a = mxi_strong(ctx, a)));
  mx_dtype dtype = (mx_dtype)a->dtype;
  if (decimals == 0 || (decimals > 0 && !mxi_is_inexact(dtype))) return mxi_rint(ctx, a);
  double power = pow(10, decimals), inverse = pow(10, -(double)decimals);
  mx_array back = float_like(ctx, a, inverse);
  MXI_TRY(back && (a = mxi_rint(ctx, mxi_multiply(ctx, a, float_like(ctx, a, power)))));
  return mxi_astype(ctx, mxi_multiply(ctx, a, back), dtype);
}

mx_array mxi_clip(struct mxi_ctx *ctx, mx_array a, mx_array a_min, mx_array a_max) {
  MXI_TRY(a);
  if (!a_min && !a_max) return mxi_fail(ctx, MX_ERR_VALUE, "[clip] at least one of a_min and a_max must be given");
  if (a_min) MXI_TRY(a = mxi_maximum(ctx, a, a_min));
  return a_max ? mxi_minimum(ctx, a, a_max) : a;
}

static double largest(mx_dtype dtype) {
  return dtype == MX_FLOAT16 ? 65504 : dtype == MX_BFLOAT16 ? 0x1.fep127 : dtype == MX_FLOAT64 ? DBL_MAX : FLT_MAX;
}

mx_array mxi_nan_to_num(struct mxi_ctx *ctx, mx_array a, mx_array nan, mx_array posinf, mx_array neginf) {
  MXI_TRY(a && (a = mxi_strong(ctx, a)));
  mx_dtype dtype = (mx_dtype)a->dtype;
  if (dtype == MX_COMPLEX64) return mxi_fail(ctx, MX_ERR_DTYPE, "[nan_to_num] complex64 is not accepted");
  if (!mxi_is_float(dtype)) return a;
  MXI_TRY(nan = nan ? mxi_ew_operand(ctx, "nan_to_num", nan, dtype) : mxi_scalar_f(ctx, 0, dtype));
  MXI_TRY(posinf = posinf ? mxi_ew_operand(ctx, "nan_to_num", posinf, dtype) : float_like(ctx, a, largest(dtype)));
  MXI_TRY(neginf = neginf ? mxi_ew_operand(ctx, "nan_to_num", neginf, dtype) : float_like(ctx, a, -largest(dtype)));
  mx_array y = mxi_where(ctx, mxi_isnan(ctx, a), nan, a);
  y = mxi_where(ctx, mxi_isposinf(ctx, a), posinf, y);
  return mxi_where(ctx, mxi_isneginf(ctx, a), neginf, y);
}

mx_array mxi_isclose(struct mxi_ctx *ctx, mx_array a, mx_array b, double rtol, double atol, bool equal_nan) {
  MXI_TRY(a && b);
  mx_dtype t = mxi_ew_operand_dtype(MXI_RULE_FLOAT, mxi_ew_promote(a, b));
  MXI_TRY(a = mxi_ew_operand(ctx, "isclose", a, t));
  MXI_TRY(b = mxi_ew_operand(ctx, "isclose", b, t));
  mx_array size = mxi_abs(ctx, b), distance = mxi_abs(ctx, mxi_subtract(ctx, a, b));
  MXI_TRY(size && distance);
  mx_dtype real = (mx_dtype)size->dtype;
  mx_array bound = mxi_multiply(ctx, mxi_scalar_f(ctx, rtol, real), size);
  bound = mxi_add(ctx, mxi_scalar_f(ctx, atol, real), bound);
  mx_array either_inf = mxi_logical_or(ctx, mxi_isinf(ctx, a), mxi_isinf(ctx, b));
  mx_array near = mxi_logical_and(ctx, mxi_less_equal(ctx, distance, bound), mxi_logical_not(ctx, either_inf));
  mx_array close = mxi_logical_or(ctx, near, mxi_logical_and(ctx, either_inf, mxi_equal(ctx, a, b)));
  if (!equal_nan) return close;
  return mxi_logical_or(ctx, close, mxi_logical_and(ctx, mxi_isnan(ctx, a), mxi_isnan(ctx, b)));
}

mx_status mxi_divmod(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array *quotient_and_remainder) {
  size_t mark = ctx->top;
  if (!mxi_keep(ctx, mark, mxi_floor_divide(ctx, a, b))) return ctx->code;
  if (!mxi_keep(ctx, mark + 1, mxi_remainder(ctx, a, b))) return ctx->code;
  return mxi_publish(ctx, mark, quotient_and_remainder, 2);
}

mx_array mxi_from_fp8(struct mxi_ctx *ctx, mx_array a, mx_dtype dtype) {
  MXI_TRY(a);
  if ((unsigned)dtype >= MXI_DTYPE_COUNT) return mxi_fail(ctx, MX_ERR_DTYPE, "[from_fp8] no dtype has number %d", (int)dtype);
  if (!mxi_is_float(dtype)) return mxi_fail(ctx, MX_ERR_DTYPE, "[from_fp8] %s is no float", mxi_dtype_names[dtype]);
  if (a->dtype != MX_UINT8)
    return mxi_fail(ctx, MX_ERR_DTYPE, "[from_fp8] the bits are uint8, not %s", mxi_dtype_names[a->dtype]);
  return mxi_astype(ctx, mxi_decode_fp8(ctx, a), dtype);
}

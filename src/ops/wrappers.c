/* Public operations: the builder of the same name in a frame of the calling thread's context. Printed by
 * tools/opgen from core/elementwise.def and ops/ops.def: edit those. */
#include "ops/builders.h"

static bool has_null(struct mxi_ctx *ctx, const char *who, const char *name, const mx_array *arrays, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!arrays[i]) return !mxi_null(ctx, who, name);
  return false;
}

mx_array mx_add(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "add", "a");
  if (!b) return mxi_null(ctx, "add", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_add(ctx, a, b));
}

mx_array mx_subtract(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "subtract", "a");
  if (!b) return mxi_null(ctx, "subtract", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_subtract(ctx, a, b));
}

mx_array mx_multiply(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "multiply", "a");
  if (!b) return mxi_null(ctx, "multiply", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_multiply(ctx, a, b));
}

mx_array mx_divide(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "divide", "a");
  if (!b) return mxi_null(ctx, "divide", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_divide(ctx, a, b));
}

mx_array mx_floor_divide(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "floor_divide", "a");
  if (!b) return mxi_null(ctx, "floor_divide", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_floor_divide(ctx, a, b));
}

mx_array mx_remainder(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "remainder", "a");
  if (!b) return mxi_null(ctx, "remainder", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_remainder(ctx, a, b));
}

mx_array mx_power(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "power", "a");
  if (!b) return mxi_null(ctx, "power", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_power(ctx, a, b));
}

mx_array mx_square(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "square", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_square(ctx, a));
}

mx_array mx_negative(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "negative", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_negative(ctx, a));
}

mx_array mx_abs(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "abs", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_abs(ctx, a));
}

mx_array mx_sign(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sign", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sign(ctx, a));
}

mx_array mx_maximum(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "maximum", "a");
  if (!b) return mxi_null(ctx, "maximum", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_maximum(ctx, a, b));
}

mx_array mx_minimum(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "minimum", "a");
  if (!b) return mxi_null(ctx, "minimum", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_minimum(ctx, a, b));
}

mx_array mx_sqrt(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sqrt", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sqrt(ctx, a));
}

mx_array mx_rsqrt(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "rsqrt", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_rsqrt(ctx, a));
}

mx_array mx_exp(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "exp", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_exp(ctx, a));
}

mx_array mx_expm1(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "expm1", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_expm1(ctx, a));
}

mx_array mx_log(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "log", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_log(ctx, a));
}

mx_array mx_log2(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "log2", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_log2(ctx, a));
}

mx_array mx_log10(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "log10", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_log10(ctx, a));
}

mx_array mx_log1p(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "log1p", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_log1p(ctx, a));
}

mx_array mx_logaddexp(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logaddexp", "a");
  if (!b) return mxi_null(ctx, "logaddexp", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logaddexp(ctx, a, b));
}

mx_array mx_sigmoid(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sigmoid", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sigmoid(ctx, a));
}

mx_array mx_erf(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "erf", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_erf(ctx, a));
}

mx_array mx_erfinv(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "erfinv", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_erfinv(ctx, a));
}

mx_array mx_sin(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sin", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sin(ctx, a));
}

mx_array mx_cos(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cos", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cos(ctx, a));
}

mx_array mx_tan(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tan", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tan(ctx, a));
}

mx_array mx_arcsin(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arcsin", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arcsin(ctx, a));
}

mx_array mx_arccos(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arccos", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arccos(ctx, a));
}

mx_array mx_arctan(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arctan", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arctan(ctx, a));
}

mx_array mx_arctan2(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arctan2", "a");
  if (!b) return mxi_null(ctx, "arctan2", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arctan2(ctx, a, b));
}

mx_array mx_sinh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sinh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sinh(ctx, a));
}

mx_array mx_cosh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cosh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cosh(ctx, a));
}

mx_array mx_tanh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tanh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tanh(ctx, a));
}

mx_array mx_arcsinh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arcsinh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arcsinh(ctx, a));
}

mx_array mx_arccosh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arccosh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arccosh(ctx, a));
}

mx_array mx_arctanh(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "arctanh", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arctanh(ctx, a));
}

mx_array mx_floor(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "floor", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_floor(ctx, a));
}

mx_array mx_ceil(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "ceil", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_ceil(ctx, a));
}

mx_array mx_trunc(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "trunc", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_trunc(ctx, a));
}

mx_array mx_real(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "real", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_real(ctx, a));
}

mx_array mx_imag(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "imag", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_imag(ctx, a));
}

mx_array mx_conjugate(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "conjugate", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_conjugate(ctx, a));
}

mx_array mx_equal(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "equal", "a");
  if (!b) return mxi_null(ctx, "equal", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_equal(ctx, a, b));
}

mx_array mx_not_equal(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "not_equal", "a");
  if (!b) return mxi_null(ctx, "not_equal", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_not_equal(ctx, a, b));
}

mx_array mx_less(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "less", "a");
  if (!b) return mxi_null(ctx, "less", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_less(ctx, a, b));
}

mx_array mx_less_equal(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "less_equal", "a");
  if (!b) return mxi_null(ctx, "less_equal", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_less_equal(ctx, a, b));
}

mx_array mx_greater(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "greater", "a");
  if (!b) return mxi_null(ctx, "greater", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_greater(ctx, a, b));
}

mx_array mx_greater_equal(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "greater_equal", "a");
  if (!b) return mxi_null(ctx, "greater_equal", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_greater_equal(ctx, a, b));
}

mx_array mx_logical_and(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logical_and", "a");
  if (!b) return mxi_null(ctx, "logical_and", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logical_and(ctx, a, b));
}

mx_array mx_logical_or(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logical_or", "a");
  if (!b) return mxi_null(ctx, "logical_or", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logical_or(ctx, a, b));
}

mx_array mx_logical_xor(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logical_xor", "a");
  if (!b) return mxi_null(ctx, "logical_xor", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logical_xor(ctx, a, b));
}

mx_array mx_logical_not(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logical_not", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logical_not(ctx, a));
}

mx_array mx_bitwise_and(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "bitwise_and", "a");
  if (!b) return mxi_null(ctx, "bitwise_and", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_bitwise_and(ctx, a, b));
}

mx_array mx_bitwise_or(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "bitwise_or", "a");
  if (!b) return mxi_null(ctx, "bitwise_or", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_bitwise_or(ctx, a, b));
}

mx_array mx_bitwise_xor(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "bitwise_xor", "a");
  if (!b) return mxi_null(ctx, "bitwise_xor", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_bitwise_xor(ctx, a, b));
}

mx_array mx_bitwise_invert(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "bitwise_invert", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_bitwise_invert(ctx, a));
}

mx_array mx_left_shift(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "left_shift", "a");
  if (!b) return mxi_null(ctx, "left_shift", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_left_shift(ctx, a, b));
}

mx_array mx_right_shift(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "right_shift", "a");
  if (!b) return mxi_null(ctx, "right_shift", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_right_shift(ctx, a, b));
}

mx_array mx_isnan(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isnan", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isnan(ctx, a));
}

mx_array mx_isinf(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isinf", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isinf(ctx, a));
}

mx_array mx_isfinite(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isfinite", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isfinite(ctx, a));
}

mx_array mx_isposinf(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isposinf", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isposinf(ctx, a));
}

mx_array mx_isneginf(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isneginf", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isneginf(ctx, a));
}

mx_array mx_where(mx_array condition, mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!condition) return mxi_null(ctx, "where", "condition");
  if (!a) return mxi_null(ctx, "where", "a");
  if (!b) return mxi_null(ctx, "where", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_where(ctx, condition, a, b));
}

mx_array mx_to_fp8(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "to_fp8", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_to_fp8(ctx, a));
}

mx_array mx_astype(mx_array a, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "astype", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_astype(ctx, a, dtype));
}

mx_array mx_stop_gradient(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "stop_gradient", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_stop_gradient(ctx, a));
}

mx_array mx_positive(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "positive", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_positive(ctx, a));
}

mx_array mx_reciprocal(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "reciprocal", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_reciprocal(ctx, a));
}

mx_array mx_degrees(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "degrees", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_degrees(ctx, a));
}

mx_array mx_radians(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "radians", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_radians(ctx, a));
}

mx_array mx_round(mx_array a, int decimals) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "round", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_round(ctx, a, decimals));
}

mx_array mx_clip(mx_array a, mx_array a_min, mx_array a_max) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "clip", "a");
  if (!a_min && ctx->code) return NULL;
  if (!a_max && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_clip(ctx, a, a_min, a_max));
}

mx_array mx_nan_to_num(mx_array a, mx_array nan, mx_array posinf, mx_array neginf) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "nan_to_num", "a");
  if (!nan && ctx->code) return NULL;
  if (!posinf && ctx->code) return NULL;
  if (!neginf && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_nan_to_num(ctx, a, nan, posinf, neginf));
}

mx_array mx_isclose(mx_array a, mx_array b, double rtol, double atol, bool equal_nan) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "isclose", "a");
  if (!b) return mxi_null(ctx, "isclose", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_isclose(ctx, a, b, rtol, atol, equal_nan));
}

mx_status mx_divmod(mx_array a, mx_array b, mx_array *quotient_and_remainder) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "divmod", "a")) return ctx->code;
  if (!b && !mxi_null(ctx, "divmod", "b")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_divmod(ctx, a, b, quotient_and_remainder);
  if (!status) return mxi_keep_many(ctx, mark, quotient_and_remainder, (size_t)(2));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_from_fp8(mx_array a, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "from_fp8", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_from_fp8(ctx, a, dtype));
}

mx_array mx_reshape(mx_array a, mx_ints shape) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "reshape", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_reshape(ctx, a, shape));
}

mx_array mx_transpose(mx_array a, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "transpose", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_transpose(ctx, a, axes));
}

mx_array mx_broadcast_to(mx_array a, mx_ints shape) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "broadcast_to", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_broadcast_to(ctx, a, shape));
}

mx_status mx_broadcast_arrays(const mx_array *arrays, size_t count, mx_array *results) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "broadcast_arrays", "arrays", arrays, count)) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_broadcast_arrays(ctx, arrays, count, results);
  if (!status) return mxi_keep_many(ctx, mark, results, (size_t)(count));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_contiguous(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "contiguous", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_contiguous(ctx, a));
}

mx_array mx_flatten(mx_array a, int start_axis, int end_axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "flatten", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_flatten(ctx, a, start_axis, end_axis));
}

mx_array mx_unflatten(mx_array a, int axis, mx_ints shape) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "unflatten", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_unflatten(ctx, a, axis, shape));
}

mx_array mx_squeeze(mx_array a, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "squeeze", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_squeeze(ctx, a, axes));
}

mx_array mx_expand_dims(mx_array a, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "expand_dims", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_expand_dims(ctx, a, axes));
}

mx_array mx_swapaxes(mx_array a, int axis1, int axis2) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "swapaxes", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_swapaxes(ctx, a, axis1, axis2));
}

mx_array mx_moveaxis(mx_array a, int source, int destination) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "moveaxis", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_moveaxis(ctx, a, source, destination));
}

mx_array mx_slice(mx_array a, mx_ints start, mx_ints stop, mx_ints step) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "slice", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_slice(ctx, a, start, stop, step));
}

mx_array mx_slice_update(mx_array a, mx_array update, mx_ints start, mx_ints stop, mx_ints step) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "slice_update", "a");
  if (!update) return mxi_null(ctx, "slice_update", "update");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_slice_update(ctx, a, update, start, stop, step));
}

mx_array mx_as_strided(mx_array a, mx_ints shape, mx_ints strides, int64_t offset) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "as_strided", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_as_strided(ctx, a, shape, strides, offset));
}

mx_array mx_view(mx_array a, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "view", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_view(ctx, a, dtype));
}

mx_array mx_concatenate(const mx_array *arrays, size_t count, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "concatenate", "arrays", arrays, count)) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_concatenate(ctx, arrays, count, axis));
}

mx_array mx_concatenate_all(const mx_array *arrays, size_t count) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "concatenate_all", "arrays", arrays, count)) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_concatenate_all(ctx, arrays, count));
}

mx_array mx_stack(const mx_array *arrays, size_t count, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "stack", "arrays", arrays, count)) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_stack(ctx, arrays, count, axis));
}

mx_status mx_split(mx_array a, int sections, int axis, mx_array *results) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "split", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_split(ctx, a, sections, axis, results);
  if (!status) return mxi_keep_many(ctx, mark, results, (size_t)(sections));
  mxi_sweep(ctx, mark);
  return status;
}

mx_status mx_split_at(mx_array a, mx_ints indices, int axis, mx_array *results) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "split_at", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_split_at(ctx, a, indices, axis, results);
  if (!status) return mxi_keep_many(ctx, mark, results, (size_t)(indices.count + 1));
  mxi_sweep(ctx, mark);
  return status;
}

mx_status mx_unstack(mx_array a, int axis, mx_array *results) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "unstack", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_unstack(ctx, a, axis, results);
  if (!status) return mxi_keep_many(ctx, mark, results, (size_t)(mx_dim(a, axis)));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_repeat(mx_array a, int repeats, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "repeat", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_repeat(ctx, a, repeats, axis));
}

mx_array mx_repeat_all(mx_array a, int repeats) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "repeat_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_repeat_all(ctx, a, repeats));
}

mx_array mx_tile(mx_array a, mx_ints reps) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tile", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tile(ctx, a, reps));
}

mx_array mx_pad(mx_array a, mx_ints low, mx_ints high, mx_array value) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "pad", "a");
  if (!value) return mxi_null(ctx, "pad", "value");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_pad(ctx, a, low, high, value));
}

mx_array mx_pad_edge(mx_array a, mx_ints low, mx_ints high) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "pad_edge", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_pad_edge(ctx, a, low, high));
}

mx_array mx_pad_reflect(mx_array a, mx_ints low, mx_ints high) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "pad_reflect", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_pad_reflect(ctx, a, low, high));
}

mx_array mx_pad_symmetric(mx_array a, mx_ints low, mx_ints high) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "pad_symmetric", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_pad_symmetric(ctx, a, low, high));
}

mx_array mx_roll(mx_array a, mx_ints shift, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "roll", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_roll(ctx, a, shift, axes));
}

mx_array mx_flip(mx_array a, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "flip", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_flip(ctx, a, axes));
}

mx_array mx_diag(mx_array a, int k) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "diag", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_diag(ctx, a, k));
}

mx_array mx_diagonal(mx_array a, int offset, int axis1, int axis2) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "diagonal", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_diagonal(ctx, a, offset, axis1, axis2));
}

mx_array mx_tril(mx_array a, int k) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tril", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tril(ctx, a, k));
}

mx_array mx_triu(mx_array a, int k) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "triu", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_triu(ctx, a, k));
}

mx_array mx_trace(mx_array a, int offset, int axis1, int axis2) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "trace", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_trace(ctx, a, offset, axis1, axis2));
}

mx_status mx_meshgrid(const mx_array *arrays, size_t count, bool sparse, bool xy, mx_array *results) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "meshgrid", "arrays", arrays, count)) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_meshgrid(ctx, arrays, count, sparse, xy, results);
  if (!status) return mxi_keep_many(ctx, mark, results, (size_t)(count));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_atleast_1d(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "atleast_1d", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_atleast_1d(ctx, a));
}

mx_array mx_atleast_2d(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "atleast_2d", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_atleast_2d(ctx, a));
}

mx_array mx_atleast_3d(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "atleast_3d", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_atleast_3d(ctx, a));
}

mx_array mx_sum(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sum", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sum(ctx, a, axes, keepdims));
}

mx_array mx_prod(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "prod", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_prod(ctx, a, axes, keepdims));
}

mx_array mx_max(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "max", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_max(ctx, a, axes, keepdims));
}

mx_array mx_min(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "min", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_min(ctx, a, axes, keepdims));
}

mx_status mx_minmax(mx_array a, mx_ints axes, bool keepdims, mx_array *min_and_max) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "minmax", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_minmax(ctx, a, axes, keepdims, min_and_max);
  if (!status) return mxi_keep_many(ctx, mark, min_and_max, (size_t)(2));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_all(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_all(ctx, a, axes, keepdims));
}

mx_array mx_any(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "any", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_any(ctx, a, axes, keepdims));
}

mx_array mx_mean(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "mean", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_mean(ctx, a, axes, keepdims));
}

mx_array mx_var(mx_array a, mx_ints axes, bool keepdims, int ddof) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "var", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_var(ctx, a, axes, keepdims, ddof));
}

mx_array mx_std(mx_array a, mx_ints axes, bool keepdims, int ddof) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "std", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_std(ctx, a, axes, keepdims, ddof));
}

mx_array mx_median(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "median", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_median(ctx, a, axes, keepdims));
}

mx_array mx_argmax(mx_array a, int axis, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argmax", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argmax(ctx, a, axis, keepdims));
}

mx_array mx_argmax_all(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argmax_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argmax_all(ctx, a));
}

mx_array mx_argmin(mx_array a, int axis, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argmin", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argmin(ctx, a, axis, keepdims));
}

mx_array mx_argmin_all(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argmin_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argmin_all(ctx, a));
}

mx_array mx_logsumexp(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logsumexp", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logsumexp(ctx, a, axes, keepdims));
}

mx_array mx_softmax(mx_array a, mx_ints axes, bool precise) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "softmax", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_softmax(ctx, a, axes, precise));
}

mx_array mx_cumsum(mx_array a, int axis, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cumsum", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cumsum(ctx, a, axis, reverse, inclusive));
}

mx_array mx_cumsum_all(mx_array a, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cumsum_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cumsum_all(ctx, a, reverse, inclusive));
}

mx_array mx_cumprod(mx_array a, int axis, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cumprod", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cumprod(ctx, a, axis, reverse, inclusive));
}

mx_array mx_cumprod_all(mx_array a, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cumprod_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cumprod_all(ctx, a, reverse, inclusive));
}

mx_array mx_cummax(mx_array a, int axis, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cummax", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cummax(ctx, a, axis, reverse, inclusive));
}

mx_array mx_cummax_all(mx_array a, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cummax_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cummax_all(ctx, a, reverse, inclusive));
}

mx_array mx_cummin(mx_array a, int axis, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cummin", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cummin(ctx, a, axis, reverse, inclusive));
}

mx_array mx_cummin_all(mx_array a, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "cummin_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_cummin_all(ctx, a, reverse, inclusive));
}

mx_array mx_logcumsumexp(mx_array a, int axis, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logcumsumexp", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logcumsumexp(ctx, a, axis, reverse, inclusive));
}

mx_array mx_logcumsumexp_all(mx_array a, bool reverse, bool inclusive) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "logcumsumexp_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_logcumsumexp_all(ctx, a, reverse, inclusive));
}

mx_array mx_count_nonzero(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "count_nonzero", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_count_nonzero(ctx, a, axes, keepdims));
}

mx_array mx_array_equal(mx_array a, mx_array b, bool equal_nan) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "array_equal", "a");
  if (!b) return mxi_null(ctx, "array_equal", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_array_equal(ctx, a, b, equal_nan));
}

mx_array mx_allclose(mx_array a, mx_array b, double rtol, double atol, bool equal_nan) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "allclose", "a");
  if (!b) return mxi_null(ctx, "allclose", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_allclose(ctx, a, b, rtol, atol, equal_nan));
}

mx_array mx_linalg_norm(mx_array a, double ord, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_norm", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_norm(ctx, a, ord, axes, keepdims));
}

mx_array mx_linalg_norm_matrix(mx_array a, const char *ord, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_norm_matrix", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_norm_matrix(ctx, a, ord, axes, keepdims));
}

mx_array mx_linalg_norm_l2(mx_array a, mx_ints axes, bool keepdims) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_norm_l2", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_norm_l2(ctx, a, axes, keepdims));
}

mx_array mx_take(mx_array a, mx_array indices, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "take", "a");
  if (!indices) return mxi_null(ctx, "take", "indices");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_take(ctx, a, indices, axis));
}

mx_array mx_take_all(mx_array a, mx_array indices) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "take_all", "a");
  if (!indices) return mxi_null(ctx, "take_all", "indices");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_take_all(ctx, a, indices));
}

mx_array mx_take_along_axis(mx_array a, mx_array indices, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "take_along_axis", "a");
  if (!indices) return mxi_null(ctx, "take_along_axis", "indices");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_take_along_axis(ctx, a, indices, axis));
}

mx_array mx_take_along_axis_all(mx_array a, mx_array indices) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "take_along_axis_all", "a");
  if (!indices) return mxi_null(ctx, "take_along_axis_all", "indices");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_take_along_axis_all(ctx, a, indices));
}

mx_array mx_put_along_axis(mx_array a, mx_array indices, mx_array values, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "put_along_axis", "a");
  if (!indices) return mxi_null(ctx, "put_along_axis", "indices");
  if (!values) return mxi_null(ctx, "put_along_axis", "values");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_put_along_axis(ctx, a, indices, values, axis));
}

mx_array mx_put_along_axis_all(mx_array a, mx_array indices, mx_array values) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "put_along_axis_all", "a");
  if (!indices) return mxi_null(ctx, "put_along_axis_all", "indices");
  if (!values) return mxi_null(ctx, "put_along_axis_all", "values");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_put_along_axis_all(ctx, a, indices, values));
}

mx_array mx_scatter_add_axis(mx_array a, mx_array indices, mx_array values, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter_add_axis", "a");
  if (!indices) return mxi_null(ctx, "scatter_add_axis", "indices");
  if (!values) return mxi_null(ctx, "scatter_add_axis", "values");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter_add_axis(ctx, a, indices, values, axis));
}

mx_array mx_gather(mx_array a, const mx_array *indices, size_t count, mx_ints axes, mx_ints slice_sizes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "gather", "a");
  if (has_null(ctx, "gather", "indices", indices, count)) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_gather(ctx, a, indices, count, axes, slice_sizes));
}

mx_array mx_scatter(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter", "a");
  if (has_null(ctx, "scatter", "indices", indices, count)) return NULL;
  if (!updates) return mxi_null(ctx, "scatter", "updates");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter(ctx, a, indices, count, updates, axes));
}

mx_array mx_scatter_add(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter_add", "a");
  if (has_null(ctx, "scatter_add", "indices", indices, count)) return NULL;
  if (!updates) return mxi_null(ctx, "scatter_add", "updates");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter_add(ctx, a, indices, count, updates, axes));
}

mx_array mx_scatter_multiply(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter_multiply", "a");
  if (has_null(ctx, "scatter_multiply", "indices", indices, count)) return NULL;
  if (!updates) return mxi_null(ctx, "scatter_multiply", "updates");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter_multiply(ctx, a, indices, count, updates, axes));
}

mx_array mx_scatter_max(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter_max", "a");
  if (has_null(ctx, "scatter_max", "indices", indices, count)) return NULL;
  if (!updates) return mxi_null(ctx, "scatter_max", "updates");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter_max(ctx, a, indices, count, updates, axes));
}

mx_array mx_scatter_min(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "scatter_min", "a");
  if (has_null(ctx, "scatter_min", "indices", indices, count)) return NULL;
  if (!updates) return mxi_null(ctx, "scatter_min", "updates");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_scatter_min(ctx, a, indices, count, updates, axes));
}

mx_array mx_slice_dynamic(mx_array a, mx_array start, mx_ints axes, mx_ints slice_size) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "slice_dynamic", "a");
  if (!start) return mxi_null(ctx, "slice_dynamic", "start");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_slice_dynamic(ctx, a, start, axes, slice_size));
}

mx_array mx_slice_update_dynamic(mx_array a, mx_array update, mx_array start, mx_ints axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "slice_update_dynamic", "a");
  if (!update) return mxi_null(ctx, "slice_update_dynamic", "update");
  if (!start) return mxi_null(ctx, "slice_update_dynamic", "start");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_slice_update_dynamic(ctx, a, update, start, axes));
}

mx_array mx_sort(mx_array a, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sort", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sort(ctx, a, axis));
}

mx_array mx_sort_all(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "sort_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_sort_all(ctx, a));
}

mx_array mx_argsort(mx_array a, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argsort", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argsort(ctx, a, axis));
}

mx_array mx_argsort_all(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argsort_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argsort_all(ctx, a));
}

mx_array mx_partition(mx_array a, int kth, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "partition", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_partition(ctx, a, kth, axis));
}

mx_array mx_partition_all(mx_array a, int kth) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "partition_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_partition_all(ctx, a, kth));
}

mx_array mx_argpartition(mx_array a, int kth, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argpartition", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argpartition(ctx, a, kth, axis));
}

mx_array mx_argpartition_all(mx_array a, int kth) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "argpartition_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_argpartition_all(ctx, a, kth));
}

mx_array mx_topk(mx_array a, int k, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "topk", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_topk(ctx, a, k, axis));
}

mx_array mx_topk_all(mx_array a, int k) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "topk_all", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_topk_all(ctx, a, k));
}

mx_array mx_searchsorted(mx_array sequence, mx_array values, bool right) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!sequence) return mxi_null(ctx, "searchsorted", "sequence");
  if (!values) return mxi_null(ctx, "searchsorted", "values");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_searchsorted(ctx, sequence, values, right));
}

mx_array mx_full(mx_ints shape, mx_array value, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!value) return mxi_null(ctx, "full", "value");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_full(ctx, shape, value, dtype));
}

mx_array mx_zeros(mx_ints shape, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_zeros(ctx, shape, dtype));
}

mx_array mx_ones(mx_ints shape, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_ones(ctx, shape, dtype));
}

mx_array mx_empty(mx_ints shape, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_empty(ctx, shape, dtype));
}

mx_array mx_full_like(mx_array a, mx_array value, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "full_like", "a");
  if (!value) return mxi_null(ctx, "full_like", "value");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_full_like(ctx, a, value, dtype));
}

mx_array mx_zeros_like(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "zeros_like", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_zeros_like(ctx, a));
}

mx_array mx_ones_like(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "ones_like", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_ones_like(ctx, a));
}

mx_array mx_empty_like(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "empty_like", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_empty_like(ctx, a));
}

mx_array mx_eye(int64_t n, int64_t m, int k, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_eye(ctx, n, m, k, dtype));
}

mx_array mx_identity(int64_t n, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_identity(ctx, n, dtype));
}

mx_array mx_tri(int64_t n, int64_t m, int k, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tri(ctx, n, m, k, dtype));
}

mx_array mx_arange(double start, double stop, double step, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arange(ctx, start, stop, step, dtype));
}

mx_array mx_arange_i(int64_t start, int64_t stop, int64_t step, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_arange_i(ctx, start, stop, step, dtype));
}

mx_array mx_linspace(double start, double stop, int64_t num, bool endpoint, mx_dtype dtype) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linspace(ctx, start, stop, num, endpoint, dtype));
}

mx_array mx_bartlett(int64_t size) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_bartlett(ctx, size));
}

mx_array mx_hanning(int64_t size) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_hanning(ctx, size));
}

mx_array mx_hamming(int64_t size) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_hamming(ctx, size));
}

mx_array mx_blackman(int64_t size) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_blackman(ctx, size));
}

mx_array mx_matmul(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "matmul", "a");
  if (!b) return mxi_null(ctx, "matmul", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_matmul(ctx, a, b));
}

mx_array mx_addmm(mx_array c, mx_array a, mx_array b, double alpha, double beta) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!c) return mxi_null(ctx, "addmm", "c");
  if (!a) return mxi_null(ctx, "addmm", "a");
  if (!b) return mxi_null(ctx, "addmm", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_addmm(ctx, c, a, b, alpha, beta));
}

mx_array mx_inner(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "inner", "a");
  if (!b) return mxi_null(ctx, "inner", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_inner(ctx, a, b));
}

mx_array mx_outer(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "outer", "a");
  if (!b) return mxi_null(ctx, "outer", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_outer(ctx, a, b));
}

mx_array mx_tensordot(mx_array a, mx_array b, int axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tensordot", "a");
  if (!b) return mxi_null(ctx, "tensordot", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tensordot(ctx, a, b, axes));
}

mx_array mx_tensordot_axes(mx_array a, mx_array b, mx_ints a_axes, mx_ints b_axes) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "tensordot_axes", "a");
  if (!b) return mxi_null(ctx, "tensordot_axes", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_tensordot_axes(ctx, a, b, a_axes, b_axes));
}

mx_array mx_vecdot(mx_array a, mx_array b, int axis) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "vecdot", "a");
  if (!b) return mxi_null(ctx, "vecdot", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_vecdot(ctx, a, b, axis));
}

mx_array mx_kron(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "kron", "a");
  if (!b) return mxi_null(ctx, "kron", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_kron(ctx, a, b));
}

mx_array mx_einsum(const char *subscripts, const mx_array *operands, size_t count) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (has_null(ctx, "einsum", "operands", operands, count)) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_einsum(ctx, subscripts, operands, count));
}

mx_array mx_linalg_solve(mx_array a, mx_array b) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_solve", "a");
  if (!b) return mxi_null(ctx, "linalg_solve", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_solve(ctx, a, b));
}

mx_array mx_linalg_solve_triangular(mx_array a, mx_array b, bool upper) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_solve_triangular", "a");
  if (!b) return mxi_null(ctx, "linalg_solve_triangular", "b");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_solve_triangular(ctx, a, b, upper));
}

mx_array mx_linalg_inv(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_inv", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_inv(ctx, a));
}

mx_array mx_linalg_cholesky(mx_array a, bool upper) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_cholesky", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_cholesky(ctx, a, upper));
}

mx_status mx_linalg_qr(mx_array a, mx_array *qr) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "linalg_qr", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_linalg_qr(ctx, a, qr);
  if (!status) return mxi_keep_many(ctx, mark, qr, (size_t)(2));
  mxi_sweep(ctx, mark);
  return status;
}

mx_status mx_linalg_svd(mx_array a, mx_array *usv) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a && !mxi_null(ctx, "linalg_svd", "a")) return ctx->code;
  size_t mark = ctx->top;
  mx_status status = mxi_linalg_svd(ctx, a, usv);
  if (!status) return mxi_keep_many(ctx, mark, usv, (size_t)(3));
  mxi_sweep(ctx, mark);
  return status;
}

mx_array mx_linalg_svd_values(mx_array a) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "linalg_svd_values", "a");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_linalg_svd_values(ctx, a));
}

mx_array mx_random_key(uint64_t seed) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_key(ctx, seed));
}

mx_array mx_random_split(mx_array key, int64_t count) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key) return mxi_null(ctx, "random_split", "key");
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_split(ctx, key, count));
}

mx_array mx_random_bits(mx_ints shape, int width, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_bits(ctx, shape, width, key));
}

mx_array mx_random_uniform(mx_array low, mx_array high, mx_ints shape, mx_dtype dtype, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!low) return mxi_null(ctx, "random_uniform", "low");
  if (!high) return mxi_null(ctx, "random_uniform", "high");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_uniform(ctx, low, high, shape, dtype, key));
}

mx_array mx_random_normal(mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_normal(ctx, shape, dtype, loc, scale, key));
}

mx_array mx_random_normal_scaled(mx_ints shape, mx_dtype dtype, mx_array loc, mx_array scale, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!loc && ctx->code) return NULL;
  if (!scale && ctx->code) return NULL;
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_normal_scaled(ctx, shape, dtype, loc, scale, key));
}

mx_array mx_random_randint(mx_array low, mx_array high, mx_ints shape, mx_dtype dtype, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!low) return mxi_null(ctx, "random_randint", "low");
  if (!high) return mxi_null(ctx, "random_randint", "high");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_randint(ctx, low, high, shape, dtype, key));
}

mx_array mx_random_bernoulli(mx_array p, mx_ints shape, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!p) return mxi_null(ctx, "random_bernoulli", "p");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_bernoulli(ctx, p, shape, key));
}

mx_array mx_random_truncated_normal(mx_array lower, mx_array upper, mx_ints shape, mx_dtype dtype, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!lower) return mxi_null(ctx, "random_truncated_normal", "lower");
  if (!upper) return mxi_null(ctx, "random_truncated_normal", "upper");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_truncated_normal(ctx, lower, upper, shape, dtype, key));
}

mx_array mx_random_gumbel(mx_ints shape, mx_dtype dtype, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_gumbel(ctx, shape, dtype, key));
}

mx_array mx_random_laplace(mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_laplace(ctx, shape, dtype, loc, scale, key));
}

mx_array mx_random_categorical(mx_array logits, int axis, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!logits) return mxi_null(ctx, "random_categorical", "logits");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_categorical(ctx, logits, axis, key));
}

mx_array mx_random_categorical_many(mx_array logits, int axis, int64_t count, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!logits) return mxi_null(ctx, "random_categorical_many", "logits");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_categorical_many(ctx, logits, axis, count, key));
}

mx_array mx_random_categorical_shaped(mx_array logits, int axis, mx_ints shape, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!logits) return mxi_null(ctx, "random_categorical_shaped", "logits");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_categorical_shaped(ctx, logits, axis, shape, key));
}

mx_array mx_random_permutation(mx_array a, int axis, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!a) return mxi_null(ctx, "random_permutation", "a");
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_permutation(ctx, a, axis, key));
}

mx_array mx_random_permutation_of(int64_t count, mx_array key) {
  struct mxi_ctx *ctx = mxi_ctx_thread();
  if (!key && ctx->code) return NULL;
  size_t mark = ctx->top;
  return mxi_keep(ctx, mark, mxi_random_permutation_of(ctx, count, key));
}

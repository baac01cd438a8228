/* Recorded elementwise operations: one call each, by the name MLX gives it. */
#include <string.h>

#include "golden_call.h"

#define UNARY(name) \
  static void call_##name(struct golden_call *k) { golden_give(k, mx_##name(k->in[0])); }
#define BINARY(name) \
  static void call_##name(struct golden_call *k) { golden_give(k, mx_##name(k->in[0], k->in[1])); }
#define UNARIES(X)                                                                                                   \
  X(abs)                                                                                                             \
  X(sign) X(positive) X(stop_gradient) X(conjugate) X(negative) X(square) X(ceil) X(floor) X(trunc) X(sqrt) X(rsqrt) \
      X(reciprocal) X(exp) X(sin) X(cos) X(tan) X(arcsin) X(arccos) X(arctan) X(sinh) X(cosh) X(tanh) X(arcsinh)     \
          X(arccosh) X(arctanh) X(log) X(log2) X(log10) X(log1p) X(degrees) X(radians) X(expm1) X(erf) X(erfinv)     \
              X(sigmoid) X(isnan) X(isinf) X(isfinite) X(isposinf) X(isneginf) X(logical_not) X(real) X(imag)        \
                  X(bitwise_invert) X(to_fp8)
#define BINARIES(X)                                                                                        \
  X(add)                                                                                                   \
  X(subtract) X(multiply) X(maximum) X(minimum) X(divide) X(floor_divide) X(remainder) X(power) X(arctan2) \
      X(logaddexp) X(equal) X(not_equal) X(less) X(less_equal) X(greater) X(greater_equal) X(logical_and)  \
          X(logical_or) X(logical_xor) X(bitwise_and) X(bitwise_or) X(bitwise_xor) X(left_shift) X(right_shift)
UNARIES(UNARY)
BINARIES(BINARY)

static void call_round(struct golden_call *k) { golden_give(k, mx_round(k->in[0], golden_number(k, "decimals", 0))); }

static void call_where(struct golden_call *k) { golden_give(k, mx_where(k->in[0], k->in[1], k->in[2])); }

static void call_clip(struct golden_call *k) {
  size_t next = 1;
  mx_array low = golden_flag(k, "has_min", true) ? k->in[next++] : NULL;
  mx_array high = golden_flag(k, "has_max", true) ? k->in[next] : NULL;
  golden_give(k, mx_clip(k->in[0], low, high));
}

static mx_array bound(const struct golden_call *k, const char *name) {
  return golden_is_none(k->recorded, name) ? NULL : mx_scalar_f(golden_float(k->recorded, name, 0));
}

static void call_nan_to_num(struct golden_call *k) {
  golden_give(k, mx_nan_to_num(k->in[0], bound(k, "nan"), bound(k, "posinf"), bound(k, "neginf")));
}

static void call_isclose(struct golden_call *k) {
  golden_give(k, mx_isclose(k->in[0], k->in[1], golden_float(k->recorded, "rtol", 1e-5),
                            golden_float(k->recorded, "atol", 1e-8), golden_flag(k, "equal_nan", false)));
}

static void call_divmod(struct golden_call *k) {
  mx_divmod(k->in[0], k->in[1], k->out);
  golden_give_many(k, 2);
}

static void call_from_fp8(struct golden_call *k) {
  golden_give(k, mx_from_fp8(k->in[0], golden_dtype_param(k, MX_BFLOAT16)));
}

static void call_astype(struct golden_call *k) {
  golden_give(k, mx_astype(k->in[0], golden_dtype_param(k, MX_FLOAT32)));
}

static void call_result_type(struct golden_call *k) {
  k->dtype = (int)mx_result_type((mx_dtype)golden_dtype(golden_str(k->recorded, "a", "")),
                                 (mx_dtype)golden_dtype(golden_str(k->recorded, "b", "")));
}

#define ROW(name) {#name, call_##name},
const struct golden_row golden_elementwise[] = {
    UNARIES(ROW) BINARIES(ROW) ROW(round) ROW(where) ROW(clip) ROW(nan_to_num) ROW(isclose) ROW(divmod) ROW(from_fp8)
        ROW(astype) ROW(result_type){"conj", call_conjugate},
    {NULL, NULL},
};

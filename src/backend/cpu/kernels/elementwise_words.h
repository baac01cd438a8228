/* The vocabulary of formulas in core/elementwise.def. Words work on every compute type they make sense for; they
 * evaluate an operand more than once and contain no branch, so that a loop over a formula becomes vector code. */
#ifndef MXI_KERNELS_ELEMENTWISE_WORDS_H
#define MXI_KERNELS_ELEMENTWISE_WORDS_H

#include "core/dtype.h"
#include "elementwise_math.h"

#define EW_FN static inline __attribute__((always_inline, unused))

#define W ((unsigned)(8 * sizeof(T))) /* bits of the compute type */
#define INF __builtin_inff()
#define SCALAR(x, ...) (x) /* what follows is for tools/check_kernels */
#define SEL(condition, x, y) ((condition) ? (x) : (y))
#define AND(x, y) ((x) & (y))
#define OR(x, y) ((x) | (y))
#define NOT(x) (!(x))
#define EQ(x, y) ((x) == (y))
#define NE(x, y) ((x) != (y))
#define LT(x, y) ((x) < (y))
#define LE(x, y) ((x) <= (y))
#define MIN(x, y) SEL(OR(LT(x, y), NE(x, x)), x, y) /* NaN in either wins */
#define MAX(x, y) SEL(OR(LT(y, x), NE(x, x)), x, y)

/* ---- Integers ---------------------------------------------------------------------------------------------------- */
/* No machine divides vectors of integers: up to 32 bits the quotient of floats is exact enough, since a / b is an
 * integer or at least 1 / b away from one. Divisors 0 and -1, where C leaves the quotient undefined, are set apart. */
#define QUOTIENT(a, b) FLOOR((__typeof__(__builtin_choose_expr(sizeof(T) <= 2, 1.0f, 1.0)))(a) / (b))
#define SAFE(b) SEL(OR(EQ(b, 0), EQ(b, (T)-1)), (T)1, b)
#define S_SPECIAL(a, b, quotient) SEL(EQ(b, 0), (T)0, SEL(EQ(b, (T)-1), (T)(0u - (U)(a)), quotient))
#define U_SPECIAL(a, b, quotient) SEL(EQ(b, 0), (T)0, quotient)
#define S_DIV(a, b) __builtin_choose_expr(sizeof(T) == 8, i_div(a, b), S_SPECIAL(a, b, (T)QUOTIENT(a, SAFE(b))))
#define U_SAFE(b) SEL(EQ(b, 0), (T)1, b)
#define U_DIV(a, b) __builtin_choose_expr(sizeof(T) == 8, u_div(a, b), U_SPECIAL(a, b, (T)QUOTIENT(a, U_SAFE(b))))

EW_FN int64_t i_div(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return (int64_t)(0 - (uint64_t)a);
  return a / b - (a % b != 0 && (a ^ b) < 0);
}

EW_FN uint64_t u_div(uint64_t a, uint64_t b) { return b ? a / b : 0; }

EW_FN uint64_t u_pow(uint64_t a, uint64_t b) {
  uint64_t y = 1;
  for (; b; b >>= 1, a *= a) y *= b & 1 ? a : 1;
  return y;
}

/* Negative powers of 1 and -1 are 0 as well, as in MLX. */
EW_FN uint64_t i_pow(uint64_t a, int64_t b) { return b < 0 ? 0 : u_pow(a, (uint64_t)b); }

/* ---- float8: 1 sign, 4 exponent (bias 7) and 3 fraction bits; no infinity, all ones is NaN ----------------------- */
EW_FN uint8_t e4m3_from_parts(uint8_t sign, int exponent, int eighths, int is_nan) {
  int code = (exponent + 6) * 8 + eighths;
  return sign | (uint8_t)(is_nan ? 127 : code > 126 ? 126 : code);
}

/* The exponent is that of a, at least -6, where subnormals begin; above 2^9 all saturates. */
EW_FN uint8_t e4m3_f32(float a) {
  uint32_t bits = vm_bits_f32(a), magnitude = bits & 0x7fffffff;
  uint32_t capped = magnitude > 0x44000000 ? 0x44000000 : magnitude;
  int exponent = (int)(capped >> 23) - 127, e = exponent < -6 ? -6 : exponent;
  float scale = vm_from_bits_f32((uint32_t)(130 - e) << 23);
  return e4m3_from_parts((uint8_t)(bits >> 24 & 0x80), e, (int)RINT(vm_from_bits_f32(capped) * scale),
                         magnitude > 0x7f800000);
}

EW_FN uint8_t e4m3_f64(double a) {
  uint64_t bits = vm_bits_f64(a), magnitude = bits & 0x7fffffffffffffff, cap = 0x4080000000000000;
  uint64_t capped = magnitude > cap ? cap : magnitude;
  int exponent = (int)(capped >> 52) - 1023, e = exponent < -6 ? -6 : exponent;
  double scale = vm_from_bits_f64((uint64_t)(1026 - e) << 52);
  return e4m3_from_parts((uint8_t)(bits >> 56 & 0x80), e, (int)RINT(vm_from_bits_f64(capped) * scale),
                         magnitude > 0x7ff0000000000000);
}
#define to_e4m3(a) _Generic((a), float: e4m3_f32, double: e4m3_f64)(a)

EW_FN float from_e4m3(uint8_t a) {
  uint32_t magnitude = a & 0x7f, sign = (uint32_t)(a & 0x80) << 24;
  float value = vm_from_bits_f32(magnitude << 20) * 0x1p120f;
  return vm_from_bits_f32(sign | (magnitude == 127 ? 0x7fc00000 : vm_bits_f32(value)));
}

/* ---- Complex numbers --------------------------------------------------------------------------------------------- */
EW_FN mxi_c64 c_make(float re, float im) { return (mxi_c64){re, im}; }
EW_FN mxi_c64 c_add(mxi_c64 a, mxi_c64 b) { return c_make(a.re + b.re, a.im + b.im); }
EW_FN mxi_c64 c_sub(mxi_c64 a, mxi_c64 b) { return c_make(a.re - b.re, a.im - b.im); }
EW_FN mxi_c64 c_neg(mxi_c64 a) { return c_make(-a.re, -a.im); }

EW_FN mxi_c64 c_mul(mxi_c64 a, mxi_c64 b) {
  return c_make(a.re * b.re + vm_minus_product_f32(a.im, b.im), a.re * b.im + a.im * b.re);
}

#define c_div vm_div_c64
#define c_sign vm_sign_c64

/* Order: by real part, then by imaginary part. */
EW_FN int c_eq(mxi_c64 a, mxi_c64 b) { return (a.re == b.re) & (a.im == b.im); }
EW_FN int c_lt(mxi_c64 a, mxi_c64 b) { return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im)); }
EW_FN int c_le(mxi_c64 a, mxi_c64 b) { return (a.re < b.re) | ((a.re == b.re) & (a.im <= b.im)); }
EW_FN int c_is_nan(mxi_c64 a) { return (a.re != a.re) | (a.im != a.im); }
EW_FN mxi_c64 c_choose(int is_a, mxi_c64 a, mxi_c64 b) { return c_make(is_a ? a.re : b.re, is_a ? a.im : b.im); }
EW_FN mxi_c64 c_max(mxi_c64 a, mxi_c64 b) { return c_choose(c_is_nan(a) | (c_lt(b, a) & (c_is_nan(b) ^ 1)), a, b); }
EW_FN mxi_c64 c_min(mxi_c64 a, mxi_c64 b) { return c_choose(c_is_nan(a) | (c_lt(a, b) & (c_is_nan(b) ^ 1)), a, b); }

#endif

/* What the elementary functions are built from: bit casts, fused multiply-add, polynomials, rounding. Everything in
 * vmath*.h is plain C without branches, written for one element, so that a compiler turns a loop over it into vector
 * code at any width: selects instead of if, integers as wide as the floats beside them, no calls. */
#ifndef MXI_KERNELS_VMATH_BITS_H
#define MXI_KERNELS_VMATH_BITS_H

#include <stddef.h>
#include <stdint.h>

#define VM_FN static inline __attribute__((always_inline))

#if defined(__FMA__) || defined(__aarch64__)
#define VM_HAS_FMA 1
#else
#define VM_HAS_FMA 0
#endif
#if defined(__SSE4_1__) || defined(__aarch64__)
#define VM_HAS_ROUND 1
#else
#define VM_HAS_ROUND 0
#endif

#define VM_INF_F32 __builtin_inff()
#define VM_NAN_F32 __builtin_nanf("")
#define VM_INF_F64 __builtin_inf()
#define VM_NAN_F64 __builtin_nan("")
#define VM_SIGN_F32 0x80000000u
#define VM_SIGN_F64 0x8000000000000000u

VM_FN uint32_t vm_bits_f32(float x) {
  uint32_t u;
  __builtin_memcpy(&u, &x, sizeof u);
  return u;
}

VM_FN float vm_from_bits_f32(uint32_t u) {
  float x;
  __builtin_memcpy(&x, &u, sizeof x);
  return x;
}

VM_FN uint64_t vm_bits_f64(double x) {
  uint64_t u;
  __builtin_memcpy(&u, &x, sizeof u);
  return u;
}

VM_FN double vm_from_bits_f64(uint64_t u) {
  double x;
  __builtin_memcpy(&x, &u, sizeof x);
  return x;
}

/* a * b + c: rounded once where the machine can, twice elsewhere; never a call. */
VM_FN float vm_fma_f32(float a, float b, float c) {
#if VM_HAS_FMA
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

VM_FN double vm_fma_f64(double a, double b, double c) {
#if VM_HAS_FMA
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/* -(a b) for complex products, its sign turned in the bits: gcc 12 would fuse the products of a loop over
 * { a c - b d, a d + b c } into alternating fused adds and subtracts, -ffp-contract=off or not. */
VM_FN float vm_minus_product_f32(float a, float b) { return vm_from_bits_f32(vm_bits_f32(a * b) ^ VM_SIGN_F32); }

/* What rounding took from p = a * b. */
VM_FN double vm_product_error_f64(double a, double b, double p) {
#if VM_HAS_FMA
  return __builtin_fma(a, b, -p);
#else
  double a1 = vm_from_bits_f64(vm_bits_f64(a) & ~0x7ffffffULL), a2 = a - a1;
  double b1 = vm_from_bits_f64(vm_bits_f64(b) & ~0x7ffffffULL), b2 = b - b1;
  return ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2;
#endif
}

VM_FN float vm_abs_f32(float x) { return __builtin_fabsf(x); }
VM_FN double vm_abs_f64(double x) { return __builtin_fabs(x); }

/* The magnitude of `x` with the sign of `s`. */
VM_FN float vm_copysign_f32(float x, float s) {
  return vm_from_bits_f32((vm_bits_f32(x) & ~VM_SIGN_F32) | (vm_bits_f32(s) & VM_SIGN_F32));
}

VM_FN double vm_copysign_f64(double x, double s) {
  return vm_from_bits_f64((vm_bits_f64(x) & ~VM_SIGN_F64) | (vm_bits_f64(s) & VM_SIGN_F64));
}

/* Where `yes` a, else b, by masks: for results of table look-ups, which a compiler would otherwise make conditional
 * and could not vectorise then. */
VM_FN float vm_blend_f32(int yes, float a, float b) {
  uint32_t m = -(uint32_t)yes;
  return vm_from_bits_f32((vm_bits_f32(a) & m) | (vm_bits_f32(b) & ~m));
}

VM_FN double vm_blend_f64(int yes, double a, double b) {
  uint64_t m = -(uint64_t)yes;
  return vm_from_bits_f64((vm_bits_f64(a) & m) | (vm_bits_f64(b) & ~m));
}

/* max(low, x) and min(high, x), with a NaN in `x` kept; in this form each is one instruction. */
VM_FN float vm_at_least_f32(float low, float x) { return low > x ? low : x; }
VM_FN float vm_at_most_f32(float high, float x) { return high < x ? high : x; }
VM_FN double vm_at_least_f64(double low, double x) { return low > x ? low : x; }
VM_FN double vm_at_most_f64(double high, double x) { return high < x ? high : x; }

/* max(low, x) for a negative `low`, by the order of the bits: cheaper where a float comparison goes through a mask
 * register. A NaN becomes anything. */
VM_FN float vm_not_below_f32(float low, float x) {
#if VM_HAS_ROUND
  uint32_t a = vm_bits_f32(low), b = vm_bits_f32(x);
  return vm_from_bits_f32(a < b ? a : b);
#else
  return low > x ? low : x;
#endif
}

/* min(high, x) for a positive `high` and x without a sign, in the same way. A NaN becomes anything. */
VM_FN float vm_not_above_f32(float high, float x) {
#if VM_HAS_ROUND
  uint32_t a = vm_bits_f32(high), b = vm_bits_f32(x);
  return vm_from_bits_f32(a < b ? a : b);
#else
  return high < x ? high : x;
#endif
}

/* VM_POLY(f32, x, c0, c1, ...): c0 + c1 x + ..., by Horner's rule. */
#define VM_P1(t, x, a) (a)
#define VM_P2(t, x, a, b) vm_fma_##t(b, x, a)
#define VM_P3(t, x, a, ...) vm_fma_##t(VM_P2(t, x, __VA_ARGS__), x, a)
#define VM_P4(t, x, a, ...) vm_fma_##t(VM_P3(t, x, __VA_ARGS__), x, a)
#define VM_P5(t, x, a, ...) vm_fma_##t(VM_P4(t, x, __VA_ARGS__), x, a)
#define VM_P6(t, x, a, ...) vm_fma_##t(VM_P5(t, x, __VA_ARGS__), x, a)
#define VM_P7(t, x, a, ...) vm_fma_##t(VM_P6(t, x, __VA_ARGS__), x, a)
#define VM_P8(t, x, a, ...) vm_fma_##t(VM_P7(t, x, __VA_ARGS__), x, a)
#define VM_P9(t, x, a, ...) vm_fma_##t(VM_P8(t, x, __VA_ARGS__), x, a)
#define VM_P10(t, x, a, ...) vm_fma_##t(VM_P9(t, x, __VA_ARGS__), x, a)
#define VM_P11(t, x, a, ...) vm_fma_##t(VM_P10(t, x, __VA_ARGS__), x, a)
#define VM_P12(t, x, a, ...) vm_fma_##t(VM_P11(t, x, __VA_ARGS__), x, a)
#define VM_P13(t, x, a, ...) vm_fma_##t(VM_P12(t, x, __VA_ARGS__), x, a)
#define VM_P14(t, x, a, ...) vm_fma_##t(VM_P13(t, x, __VA_ARGS__), x, a)
#define VM_P15(t, x, a, ...) vm_fma_##t(VM_P14(t, x, __VA_ARGS__), x, a)
#define VM_P16(t, x, a, ...) vm_fma_##t(VM_P15(t, x, __VA_ARGS__), x, a)
#define VM_P17(t, x, a, ...) vm_fma_##t(VM_P16(t, x, __VA_ARGS__), x, a)
#define VM_P18(t, x, a, ...) vm_fma_##t(VM_P17(t, x, __VA_ARGS__), x, a)
#define VM_P19(t, x, a, ...) vm_fma_##t(VM_P18(t, x, __VA_ARGS__), x, a)
#define VM_P20(t, x, a, ...) vm_fma_##t(VM_P19(t, x, __VA_ARGS__), x, a)
#define VM_P21(t, x, a, ...) vm_fma_##t(VM_P20(t, x, __VA_ARGS__), x, a)
#define VM_P22(t, x, a, ...) vm_fma_##t(VM_P21(t, x, __VA_ARGS__), x, a)
#define VM_P23(t, x, a, ...) vm_fma_##t(VM_P22(t, x, __VA_ARGS__), x, a)
#define VM_P24(t, x, a, ...) vm_fma_##t(VM_P23(t, x, __VA_ARGS__), x, a)
#define VM_COUNT(...) \
  VM_COUNT_(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define VM_COUNT_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, count, ...) count
#define VM_PASTE_(a, b) a##b
#define VM_PASTE(a, b) VM_PASTE_(a, b)
#define VM_POLY(t, x, ...) VM_PASTE(VM_P, VM_COUNT(__VA_ARGS__))(t, x, __VA_ARGS__)

/* VM_POLY2(f32, x, z, c0, c1, ...) with z = x x: the same polynomial as two shorter chains, even powers and odd ones,
 * for loops whose time is the length of the chain. From 4 to 16 coefficients. */
#define VM_S4(t, x, z, a, b, c, d) vm_fma_##t(VM_P2(t, z, b, d), x, VM_P2(t, z, a, c))
#define VM_S5(t, x, z, a, b, c, d, e) vm_fma_##t(VM_P2(t, z, b, d), x, VM_P3(t, z, a, c, e))
#define VM_S6(t, x, z, a, b, c, d, e, f) vm_fma_##t(VM_P3(t, z, b, d, f), x, VM_P3(t, z, a, c, e))
#define VM_S7(t, x, z, a, b, c, d, e, f, g) vm_fma_##t(VM_P3(t, z, b, d, f), x, VM_P4(t, z, a, c, e, g))
#define VM_S8(t, x, z, a, b, c, d, e, f, g, h) vm_fma_##t(VM_P4(t, z, b, d, f, h), x, VM_P4(t, z, a, c, e, g))
#define VM_S9(t, x, z, a, b, c, d, e, f, g, h, i) vm_fma_##t(VM_P4(t, z, b, d, f, h), x, VM_P5(t, z, a, c, e, g, i))
#define VM_S10(t, x, z, a, b, c, d, e, f, g, h, i, j) \
  vm_fma_##t(VM_P5(t, z, b, d, f, h, j), x, VM_P5(t, z, a, c, e, g, i))
#define VM_S11(t, x, z, a, b, c, d, e, f, g, h, i, j, k) \
  vm_fma_##t(VM_P5(t, z, b, d, f, h, j), x, VM_P6(t, z, a, c, e, g, i, k))
#define VM_S12(t, x, z, a, b, c, d, e, f, g, h, i, j, k, l) \
  vm_fma_##t(VM_P6(t, z, b, d, f, h, j, l), x, VM_P6(t, z, a, c, e, g, i, k))
#define VM_S13(t, x, z, a, b, c, d, e, f, g, h, i, j, k, l, m) \
  vm_fma_##t(VM_P6(t, z, b, d, f, h, j, l), x, VM_P7(t, z, a, c, e, g, i, k, m))
#define VM_S14(t, x, z, a, b, c, d, e, f, g, h, i, j, k, l, m, n) \
  vm_fma_##t(VM_P7(t, z, b, d, f, h, j, l, n), x, VM_P7(t, z, a, c, e, g, i, k, m))
#define VM_S15(t, x, z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o) \
  vm_fma_##t(VM_P7(t, z, b, d, f, h, j, l, n), x, VM_P8(t, z, a, c, e, g, i, k, m, o))
#define VM_S16(t, x, z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) \
  vm_fma_##t(VM_P8(t, z, b, d, f, h, j, l, n, p), x, VM_P8(t, z, a, c, e, g, i, k, m, o))
#define VM_POLY2(t, x, z, ...) VM_PASTE(VM_S, VM_COUNT(__VA_ARGS__))(t, x, z, __VA_ARGS__)

/* Adding these leaves the nearest integer in the low bits of the sum, for |x| < 2^22 and |x| < 2^51. */
#define VM_MAGIC_F32 0x1.8p23f
#define VM_MAGIC_F64 0x1.8p52

/* Nearest integer, halves to even. Without an instruction: numbers below 2^23 (2^52) lose their fraction when that
 * is added, the others have none. */
VM_FN float vm_rint_f32(float x) {
#if VM_HAS_ROUND
  return __builtin_rintf(x);
#else
  float a = vm_abs_f32(x), r = a + 0x1p23f;
  r -= 0x1p23f;
  return vm_copysign_f32(a < 0x1p23f ? r : a, x);
#endif
}

VM_FN double vm_rint_f64(double x) {
#if VM_HAS_ROUND
  return __builtin_rint(x);
#else
  double a = vm_abs_f64(x), r = a + 0x1p52;
  r -= 0x1p52;
  return vm_copysign_f64(a < 0x1p52 ? r : a, x);
#endif
}

VM_FN float vm_floor_f32(float x) {
#if VM_HAS_ROUND
  return __builtin_floorf(x);
#else
  float r = vm_rint_f32(x);
  return vm_copysign_f32(r - (r > x ? 1.0f : 0.0f), x);
#endif
}

VM_FN double vm_floor_f64(double x) {
#if VM_HAS_ROUND
  return __builtin_floor(x);
#else
  double r = vm_rint_f64(x);
  return vm_copysign_f64(r - (r > x ? 1.0 : 0.0), x);
#endif
}

VM_FN float vm_ceil_f32(float x) {
#if VM_HAS_ROUND
  return __builtin_ceilf(x);
#else
  float r = vm_rint_f32(x);
  return vm_copysign_f32(r + (r < x ? 1.0f : 0.0f), x);
#endif
}

VM_FN double vm_ceil_f64(double x) {
#if VM_HAS_ROUND
  return __builtin_ceil(x);
#else
  double r = vm_rint_f64(x);
  return vm_copysign_f64(r + (r < x ? 1.0 : 0.0), x);
#endif
}

VM_FN float vm_trunc_f32(float x) {
#if VM_HAS_ROUND
  return __builtin_truncf(x);
#else
  float a = vm_abs_f32(x), r = vm_rint_f32(a);
  return vm_copysign_f32(r - (r > a ? 1.0f : 0.0f), x);
#endif
}

VM_FN double vm_trunc_f64(double x) {
#if VM_HAS_ROUND
  return __builtin_trunc(x);
#else
  double a = vm_abs_f64(x), r = vm_rint_f64(a);
  return vm_copysign_f64(r - (r > a ? 1.0 : 0.0), x);
#endif
}

VM_FN float vm_sqrt_f32(float x) { return __builtin_sqrtf(x); }
VM_FN double vm_sqrt_f64(double x) { return __builtin_sqrt(x); }

#endif

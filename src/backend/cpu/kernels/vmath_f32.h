/* Elementary functions of one float32: exponentials, logarithms, hyperbolics, error functions, powers. Errors in ulp
 * stand in docs/numerics.md; trigonometry is in vmath_trig.h. Written for loops: see vmath_bits.h. Coefficients come
 * from tools/vmath_coefficients.py. */
#ifndef MXI_KERNELS_VMATH_F32_H
#define MXI_KERNELS_VMATH_F32_H

#include "vmath_bits.h"

#define VM_LOG2E_F32 0x1.715476p+0f
#define VM_LN2_HIGH_F32 0x1.62e4p-1f /* 15 bits: its product with any exponent is exact */
#define VM_LN2_LOW_F32 0x1.7f7d1cp-20f

/* exp(r) - 1 and exp(r) for |r| <= log(2) / 2 */
#define VM_EXP_TAIL_F32 0x1.fffffcp-2f, 0x1.55548cp-3f, 0x1.555858p-5f, 0x1.123daep-7f, 0x1.6ac35p-10f
VM_FN float vm_expm1_core_f32(float r) {
  float z = r * r;
  return vm_fma_f32(z, VM_POLY2(f32, r, z, VM_EXP_TAIL_F32), r);
}
VM_FN float vm_exp_core_f32(float r) {
#if VM_HAS_FMA
  return VM_POLY(f32, r, 1.0f, 1.0f, VM_EXP_TAIL_F32);
#else
  return 1.0f + vm_expm1_core_f32(r);
#endif
}

/* x = n log(2) + r: returns r; n + bias is in the low bits of *shifted. */
VM_FN float vm_exp_reduce_f32(float x, float bias, float *shifted) {
  float t = vm_fma_f32(x, VM_LOG2E_F32, VM_MAGIC_F32 + bias), n = t - (VM_MAGIC_F32 + bias);
  *shifted = t;
  return vm_fma_f32(n, -VM_LN2_LOW_F32, vm_fma_f32(n, -VM_LN2_HIGH_F32, x));
}

/* y 2^n with one rounding, |n| < 252, from `shifted` with a bias of 254: the power is applied in two halves. */
VM_FN float vm_scale_f32(float y, float shifted) {
  uint32_t n = vm_bits_f32(shifted), half = n >> 1;
  return y * vm_from_bits_f32(half << 23) * vm_from_bits_f32((n - half) << 23);
}

VM_FN float vm_exp_f32(float x) {
  float t, r = vm_exp_reduce_f32(vm_not_below_f32(-104.0f, x), 254.0f, &t);
  float y = vm_scale_f32(vm_exp_core_f32(r), t);
  return x <= 89.0f ? y : x + VM_INF_F32;
}

/* Below 1/2 a polynomial; above, 2^n (exp(r) - 1) + (2^n - 1), halved so that 2^128 does not overflow. */
VM_FN float vm_expm1_f32(float x) {
  float a = vm_abs_f32(x), c = vm_not_below_f32(-18.0f, x), t;
  float small = VM_POLY(f32, x, 0x1.000002p-1f, 0x1.555558p-3f, 0x1.55520cp-5f, 0x1.11108ep-7f, 0x1.6f186cp-10f,
                        0x1.a1196ap-13f);
  small = vm_fma_f32(x * x, small, x);
  float p = vm_expm1_core_f32(vm_exp_reduce_f32(c, 126.0f, &t));
  float half = vm_from_bits_f32(vm_bits_f32(t) << 23);
  float large = 2.0f * vm_fma_f32(half, p, half - 0.5f);
  large = x <= 89.0f ? large : x + VM_INF_F32;
  return vm_copysign_f32(a < 0.5f ? small : large, x);
}

/* x = 2^e (1 + r), 1 + r in [sqrt(1/2), sqrt(2)), for normal x > 0 given as bits: returns e, sets the bits of 1 + r. */
VM_FN int32_t vm_log_split_f32(uint32_t bits, uint32_t *fraction) {
  int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23;
  *fraction = bits - ((uint32_t)e << 23);
  return e;
}

/* log(1 + r) for 1 + r in [sqrt(1/2), sqrt(2)), plus what of e log(2) is below VM_LN2_HIGH_F32 */
VM_FN float vm_log_core_f32(float r, float e) {
  float z = r * r;
  float q = VM_POLY2(f32, r, z, -0.5f, 0x1.555542p-2f, -0x1.ffffe2p-3f, 0x1.99a6f6p-3f, -0x1.55667cp-3f,
                     0x1.231952p-3f, -0x1.fabaa4p-4f, 0x1.e70ac6p-4f, -0x1.e5c5c6p-4f, 0x1.1cf6ep-4f);
  return r + vm_fma_f32(z, q, e * VM_LN2_LOW_F32);
}

/* The last step of the logarithms: y where x is positive and finite, else their limit. */
VM_FN float vm_log_limits_f32(float x, float y) {
  y = x < VM_INF_F32 ? y : x;
  y = x >= 0.0f ? y : VM_NAN_F32;
  return x == 0.0f ? -VM_INF_F32 : y;
}

/* x = 2^e (1 + r) for any x > 0, subnormal ones included. The second test asks the same as the first, but a compiler
 * that saw it would compute everything between them twice. */
VM_FN float vm_log_reduce_f32(float x, float *e) {
  float normal = x < 0x1p-126f ? x * 0x1p23f : x;
  uint32_t m;
  int32_t n = vm_log_split_f32(vm_bits_f32(normal), &m);
  *e = (float)n - (normal != x ? 23.0f : 0.0f);
  return vm_from_bits_f32(m) - 1.0f;
}

VM_FN float vm_log_f32(float x) {
  float e, r = vm_log_reduce_f32(x, &e);
  return vm_log_limits_f32(x, vm_fma_f32(e, VM_LN2_HIGH_F32, vm_log_core_f32(r, e)));
}

/* 1 + x = 2^e (1 + r) where r = x 2^-e + (2^-e - 1) is exact or nearly: 1 + x itself only chooses e. */
VM_FN float vm_log1p_f32(float x) {
  float u = 1.0f + x;
  uint32_t m;
  int32_t n = vm_log_split_f32(vm_bits_f32(u), &m);
  uint32_t shift = (uint32_t)n << 23;
  int32_t inverse = (int32_t)(0x3f800000u - shift); /* the bits of 2^-n; negative where that is 2^-128 */
  float scaled = vm_from_bits_f32(vm_bits_f32(x) - shift);
  float r = scaled + (vm_from_bits_f32((uint32_t)(inverse < 0 ? 0 : inverse)) - 1.0f);
  float e = (float)n, y = vm_fma_f32(e, VM_LN2_HIGH_F32, vm_log_core_f32(r, e));
  return vm_log_limits_f32(u, vm_copysign_f32(y, x));
}

/* 1 / (1 + exp(a)) for a in [0, 104], without overflow: exp(a) = 2^n (1 + p), so it is w / (1 + w + p), w = 2^-n. The
 * powers carry 2^32 until the end. What 1 + w rounds away is given back to p. */
VM_FN float vm_sigmoid_negative_f32(float a) {
  float t = vm_fma_f32(a, -VM_LOG2E_F32, VM_MAGIC_F32 + 159.0f), n = t - (VM_MAGIC_F32 + 159.0f);
  float p = vm_expm1_core_f32(vm_fma_f32(n, VM_LN2_LOW_F32, vm_fma_f32(n, VM_LN2_HIGH_F32, a)));
  float wide = vm_from_bits_f32(vm_bits_f32(t) << 23), w = wide * 0x1p-32f, d = 1.0f + w;
  return wide / (d + ((w - (d - 1.0f)) + p)) * 0x1p-32f;
}

VM_FN float vm_sigmoid_f32(float x) {
  float q = vm_sigmoid_negative_f32(vm_at_most_f32(104.0f, vm_abs_f32(x)));
  return x < 0.0f ? q : 1.0f - q;
}

/* Small arguments by a polynomial, and NaN with them; others as 1 - 2 / (1 + exp(2a)), see vm_sigmoid_negative_f32. */
VM_FN float vm_tanh_f32(float x) {
  float a = vm_abs_f32(x), z = x * x;
  float small = VM_POLY(f32, z, -0x1.555552p-2f, 0x1.110fd6p-3f, -0x1.b9d13cp-5f, 0x1.624b86p-6f, -0x1.05e96cp-7f,
                        0x1.036de2p-9f);
  float c = vm_not_above_f32(20.0f, a + a);
  float t = vm_fma_f32(c, -VM_LOG2E_F32, VM_MAGIC_F32 + 127.0f), n = t - (VM_MAGIC_F32 + 127.0f);
  float p = vm_expm1_core_f32(vm_fma_f32(n, VM_LN2_LOW_F32, vm_fma_f32(n, VM_LN2_HIGH_F32, c)));
  float w = vm_from_bits_f32(vm_bits_f32(t) << 23);
  float large = vm_fma_f32(-2.0f, w / (1.0f + (w + p)), 1.0f), y = a >= 0.65f ? large : vm_fma_f32(a * z, small, a);
  return vm_from_bits_f32(vm_bits_f32(y) | (vm_bits_f32(x) & VM_SIGN_F32)); /* y has no sign yet */
}

VM_FN float vm_rsqrt_f32(float x) { return 1.0f / __builtin_sqrtf(x); }

VM_FN float vm_floor_divide_f32(float a, float b) { return vm_floor_f32(a / b); }

#endif

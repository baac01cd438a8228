/* sin, cos and tan of one float32 or float64, right for every argument however large. vm_<f>_<t> works for all of them
 * at the price of vmath_pi.h; the loops vm_<f>_<t>_n are several times faster: they assume arguments below
 * VM_TRIG_NEAR and redo with the former a block that holds a larger one. */
#ifndef MXI_KERNELS_VMATH_TRIG_H
#define MXI_KERNELS_VMATH_TRIG_H

#include "vmath_pi.h"

#define VM_TRIG_NEAR_F32 0x1p16f
#define VM_TRIG_NEAR_F64 0x1p20
#define VM_TRIG_BLOCK 512

/* sin(n pi / 2 + r) for |r| <= pi / 4: sin or cos, its sign turned or not. `zero` is what sin becomes where it is that
 * small: the argument itself, with its sign. */
VM_FN float vm_sin_turned_f32(float r, uint32_t n, float zero) {
  float z = r * r;
  float s = vm_fma_f32(r * z, VM_POLY(f32, z, -0x1.555544p-3f, 0x1.1106c6p-7f, -0x1.991c36p-13f), r);
  float c = VM_POLY(f32, z, 1.0f, -0.5f, 0x1.55554ap-5f, -0x1.6c0c1ap-10f, 0x1.99e0eep-16f);
  s = vm_abs_f32(zero) < 0x1p-12f ? zero : s;
  return vm_from_bits_f32(vm_bits_f32(n & 1u ? c : s) ^ ((n << 30) & VM_SIGN_F32));
}

/* x - n pi / 2, n nearest; |x| <= VM_TRIG_NEAR_F32 */
VM_FN float vm_near_half_pi_f32(float x, uint32_t *turn) {
  float t = vm_fma_f32(x, 0x1.45f306p-1f, VM_MAGIC_F32), n = t - VM_MAGIC_F32;
  *turn = vm_bits_f32(t);
#if VM_HAS_FMA
  float a = vm_fma_f32(n, -0x1.921fb6p+0f, x); /* exact */
  return vm_fma_f32(n, 0x1.ee59dap-50f, vm_fma_f32(n, 0x1.777a5cp-25f, a));
#else
  return (float)(((double)x - (double)n * 0x1.921fb544p+0) - (double)n * 0x1.0b4611a626331p-34);
#endif
}

VM_FN float vm_sin_near_f32(float x) {
  uint32_t n;
  float r = vm_near_half_pi_f32(x, &n);
  return vm_sin_turned_f32(r, n, x);
}

VM_FN float vm_cos_near_f32(float x) {
  uint32_t n;
  float r = vm_near_half_pi_f32(x, &n);
  return vm_sin_turned_f32(r, n + 1u, 1.0f);
}

/* tan(r), or -1 / tan(r) where the lowest bit of `shifted` is set, for |r| <= pi / 4; right to 2^-29 */
VM_FN double vm_tan_mid(double r, double shifted) {
  double z = r * r;
  double p = VM_POLY2(f64, z, z * z, 0x1.555560d3f42b9p-2, 0x1.110d6c074e463p-3, 0x1.bae20ac1146a5p-5,
                      0x1.5c6e2c0d1dd0ap-6, 0x1.647043daef757p-7, 0x1.2651d3a2730dp-15, 0x1.209c028ffca74p-8);
  double t = vm_fma_f64(r * z, p, r);
  double odd = vm_from_bits_f64((vm_bits_f64(shifted) & 1u) * 0x3ff0000000000000u); /* 0 or 1 */
  return odd == 0.0 ? t : -1.0 / t;
}

VM_FN float vm_tan_near_f32(float x) {
  double t = vm_fma_f64(x, 0x1.45f306dc9c883p-1, VM_MAGIC_F64), n = t - VM_MAGIC_F64;
  double r = vm_fma_f64(n, -0x1.0b4611a626331p-34, vm_fma_f64(n, -0x1.921fb544p+0, x));
  float y = (float)vm_tan_mid(r, t);
  return vm_abs_f32(x) < 0x1p-12f ? x : y;
}

/* The same of what vm_far_f32 leaves */
VM_FN float vm_far_sin_f32(float x, uint64_t turn) {
  double t, r = vm_far_f32(x, &t) * 0x1.921fb54442d18p+0;
  return vm_sin_turned_f32((float)r, (uint32_t)(vm_bits_f64(t) + turn), 1.0f);
}

VM_FN float vm_sin_f32(float x) { return vm_blend_f32(vm_abs_f32(x) < 0x1p-12f, x, vm_far_sin_f32(x, 0)); }

VM_FN float vm_cos_f32(float x) { return vm_far_sin_f32(x, 1); }

VM_FN float vm_tan_f32(float x) {
  double t, left = vm_far_f32(x, &t);
  float y = (float)vm_tan_mid(left * 0x1.921fb54442d18p+0, t);
  return vm_blend_f32(vm_abs_f32(x) < 0x1p-12f, x, y);
}

/* x - n pi / 2 as *low plus what is returned, n nearest; |x| <= VM_TRIG_NEAR_F64 */
VM_FN double vm_near_half_pi_f64(double x, double *low, double *shifted) {
  double t = vm_fma_f64(x, 0x1.45f306dc9c883p-1, VM_MAGIC_F64), n = t - VM_MAGIC_F64;
  *shifted = t;
#if VM_HAS_FMA
  double a = vm_fma_f64(n, -0x1.921fb54442d18p+0, x), b = n * 0x1.1a62633145c07p-54; /* a is exact */
  double rest = vm_fma_f64(n, -0x1.f1976b7ed8fbcp-110, vm_product_error_f64(n, 0x1.1a62633145c07p-54, b));
#else
  double a = x - n * 0x1.921fb544p+0, b = n * 0x1.0b4611a6p-34; /* both exact */
  double rest = n * 0x1.3198a2e037073p-69;
#endif
  double r = a - b, c = a - r, left = ((a - (r + c)) + (c - b)) - rest;
#if VM_HAS_FMA
  *low = left;
  return r;
#else
  double sum = r + left; /* here `left` reaches 2^-49, and what follows takes *low for half an ulp at most */
  *low = left - (sum - r);
  return sum;
#endif
}

/* sin(r + low) and cos(r + low) for |r| <= pi / 4, as what is returned plus *rest */
VM_FN double vm_sin_parts_f64(double r, double low, double *rest) {
  double z = r * r;
  double p = VM_POLY2(f64, z, z * z, -0x1.5555555555548p-3, 0x1.111111110f731p-7, -0x1.a01a019be9832p-13,
                      0x1.71de3555d06b9p-19, -0x1.ae5e4be3c5949p-26, 0x1.5d8b483efdd3dp-33);
  double tail = vm_fma_f64(r * z, p, low * vm_fma_f64(z, -0.5, 1.0)), y = r + tail;
  *rest = tail - (y - r);
  return y;
}

VM_FN double vm_cos_parts_f64(double r, double low, double *rest) {
  double z = r * r, half = 0.5 * z, w = 1.0 - half;
  double p = VM_POLY2(f64, z, z * z, 0x1.555555555554cp-5, -0x1.6c16c16c1521dp-10, 0x1.a01a019cbc5bap-16,
                      -0x1.27e4f80df480ep-22, 0x1.1ee9ec531621ap-29, -0x1.8fadbe03c1bf5p-37);
  double tail = ((1.0 - w) - half) + (vm_fma_f64(z * z, p, -r * low) - 0.5 * vm_product_error_f64(r, r, z));
  double y = w + tail;
  *rest = tail - (y - w);
  return y;
}

/* sin(n pi / 2 + r + low) */
VM_FN double vm_sin_turned_f64(double r, double low, uint64_t n) {
  double rest, s = vm_sin_parts_f64(r, low, &rest), c = vm_cos_parts_f64(r, low, &rest);
  double odd = vm_from_bits_f64((n & 1u) * 0x3ff0000000000000u);
  return vm_from_bits_f64(vm_bits_f64(odd == 0.0 ? s : c) ^ (n >> 1 << 63));
}

VM_FN double vm_tan_turned_f64(double r, double low, uint64_t n) {
  double sl, cl, s = vm_sin_parts_f64(r, low, &sl), c = vm_cos_parts_f64(r, low, &cl);
  double odd = vm_from_bits_f64((n & 1u) * 0x3ff0000000000000u);
  double a = odd == 0.0 ? s : -c, al = odd == 0.0 ? sl : -cl, b = odd == 0.0 ? c : s, bl = odd == 0.0 ? cl : sl;
  double q = a / b, p = q * b;
  return q + (((a - p) - vm_product_error_f64(q, b, p)) + (al - q * bl)) / b;
}

VM_FN double vm_sin_near_f64(double x) {
  double low, t, r = vm_near_half_pi_f64(x, &low, &t);
  double y = vm_sin_turned_f64(r, low, vm_bits_f64(t));
  return vm_abs_f64(x) < 0x1p-27 ? x : y;
}

VM_FN double vm_cos_near_f64(double x) {
  double low, t, r = vm_near_half_pi_f64(x, &low, &t);
  return vm_sin_turned_f64(r, low, vm_bits_f64(t) + 1u);
}

VM_FN double vm_tan_near_f64(double x) {
  double low, t, r = vm_near_half_pi_f64(x, &low, &t);
  double y = vm_tan_turned_f64(r, low, vm_bits_f64(t));
  return vm_abs_f64(x) < 0x1p-27 ? x : y;
}

VM_FN double vm_sin_f64(double x) {
  double low, t, r = vm_far_f64(x, &low, &t), y = vm_sin_turned_f64(r, low, vm_bits_f64(t));
  return vm_blend_f64(vm_abs_f64(x) < 0x1p-27, x, y);
}

VM_FN double vm_cos_f64(double x) {
  double low, t, r = vm_far_f64(x, &low, &t);
  return vm_sin_turned_f64(r, low, vm_bits_f64(t) + 1u);
}

VM_FN double vm_tan_f64(double x) {
  double low, t, r = vm_far_f64(x, &low, &t), y = vm_tan_turned_f64(r, low, vm_bits_f64(t));
  return vm_blend_f64(vm_abs_f64(x) < 0x1p-27, x, y);
}

/* for i < n: y[i] = f(x[i]); y may be x. A block in which an argument was too large is done again by a function of its
 * own, kept out of the way of the usual loop; which way an element is computed depends on it alone. */
#define VM_TRIG_LOOP(name, t, type, whole, near)                                                            \
  static __attribute__((noinline, unused)) void vm_##name##_##t##_far_n(type *y, const type *x, size_t n) { \
    for (size_t i = 0; i < n; i++)                                                                          \
      y[i] = vm_blend_##t(vm_abs_##t(x[i]) <= (near), vm_##name##_near_##t(x[i]), vm_##name##_##t(x[i]));   \
  }                                                                                                         \
  static inline __attribute__((unused)) void vm_##name##_##t##_n(type *y, const type *x, size_t n) {        \
    type copy[VM_TRIG_BLOCK];                                                                               \
    for (size_t at = 0; at < n; at += VM_TRIG_BLOCK) {                                                      \
      size_t count = n - at < VM_TRIG_BLOCK ? n - at : VM_TRIG_BLOCK;                                       \
      type *restrict to = y + at;                                                                           \
      const type *restrict from = x + at;                                                                   \
      whole largest = 0;                                                                                    \
      if (x == y) from = __builtin_memcpy(copy, from, count * sizeof *copy);                                \
      for (size_t i = 0; i < count; i++) {                                                                  \
        whole a = (whole)vm_bits_##t(vm_abs_##t(from[i])); /* the order of the bits is that of the numbers */ \
        largest = a > largest ? a : largest;                                                                \
        to[i] = vm_##name##_near_##t(from[i]);                                                              \
      }                                                                                                     \
      if (largest > (whole)vm_bits_##t(near)) vm_##name##_##t##_far_n(to, from, count);                     \
    }                                                                                                       \
  }
VM_TRIG_LOOP(sin, f32, float, int32_t, VM_TRIG_NEAR_F32)
VM_TRIG_LOOP(cos, f32, float, int32_t, VM_TRIG_NEAR_F32)
VM_TRIG_LOOP(tan, f32, float, int32_t, 0x1p19f)
VM_TRIG_LOOP(sin, f64, double, int64_t, VM_TRIG_NEAR_F64)
VM_TRIG_LOOP(cos, f64, double, int64_t, VM_TRIG_NEAR_F64)
VM_TRIG_LOOP(tan, f64, double, int64_t, VM_TRIG_NEAR_F64)

#endif

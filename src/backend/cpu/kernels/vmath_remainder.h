/* a - b floor(a / b), exact before the sign is Python's: the remainder of |a| by |b| has the sign of a, and b is added
 * where that differs from the sign of b. float32 is a loop without branches that takes 25 bits off the quotient a step;
 * the loop vm_remainder_f32_n does one step where that is enough. float64 is the C library's and stays scalar. */
#ifndef MXI_KERNELS_VMATH_REMAINDER_H
#define MXI_KERNELS_VMATH_REMAINDER_H

#include "vmath_bits.h"

#define VM_REMAINDER_NEAR_F32 0x1p24f
#define VM_REMAINDER_BLOCK 512

/* x - h b, h near x / b: an integer of at most 26 bits times a power of two, so that all is exact */
VM_FN double vm_remainder_step(double x, double b, double inverse) {
  double q = x * inverse, c = q * 0x8000001p0, h = c - (c - q), near = (q + VM_MAGIC_F64) - VM_MAGIC_F64;
  h = vm_abs_f64(q) < 0x1p25 ? near : h;
  return x - h * b;
}

/* The remainder of x by b, floats and positive, that `left` is after the last step: it lies in [-b / 2, b / 2]. */
VM_FN float vm_remainder_sign_f32(float a, float b, double left, double divisor) {
  float m = (float)(left < 0.0 ? left + divisor : left);
  float whole = vm_abs_f32(a) < VM_INF_F32 ? vm_abs_f32(a) : m;
  m = vm_abs_f32(b) == VM_INF_F32 ? whole : m;
  m = vm_copysign_f32(m, a);
  return (((m < 0.0f) != (b < 0.0f)) & (m != 0.0f)) ? m + b : m;
}

VM_FN float vm_remainder_near_f32(float a, float b) {
  double d = vm_abs_f32(b) == VM_INF_F32 ? 1.0 : (double)vm_abs_f32(b), x = vm_abs_f32(a), inverse = 1.0 / d;
  return vm_remainder_sign_f32(a, b, vm_remainder_step(x, d, inverse), d);
}

VM_FN float vm_remainder_f32(float a, float b) {
  double d = vm_abs_f32(b) == VM_INF_F32 ? 1.0 : (double)vm_abs_f32(b), x = vm_abs_f32(a), inverse = 1.0 / d;
  x = vm_remainder_step(x, d, inverse); /* 277 bits at most */
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  x = vm_remainder_step(x, d, inverse);
  return vm_remainder_sign_f32(a, b, x, d);
}

VM_FN double vm_remainder_f64(double a, double b) {
  double m = __builtin_fmod(a, b);
  return (((m < 0.0) != (b < 0.0)) & (m != 0.0)) ? m + b : m;
}

/* for i < n: y[i] = remainder of a[i] by b[i]; y may be a or b */
static __attribute__((noinline, unused)) void vm_remainder_far_n(float *y, const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = vm_remainder_f32(a[i], b[i]);
}

static inline __attribute__((unused)) void vm_remainder_f32_n(float *y, const float *a, const float *b, size_t n) {
  for (size_t at = 0; at < n; at += VM_REMAINDER_BLOCK) {
    size_t count = n - at < VM_REMAINDER_BLOCK ? n - at : VM_REMAINDER_BLOCK;
    uint32_t far = 0;
    for (size_t i = at; i < at + count; i++)
      far |= vm_abs_f32(a[i]) <= vm_abs_f32(b[i]) * VM_REMAINDER_NEAR_F32 ? 0u : 1u;
    if (far)
      vm_remainder_far_n(y + at, a + at, b + at, count);
    else
      for (size_t i = at; i < at + count; i++) y[i] = vm_remainder_near_f32(a[i], b[i]);
  }
}

#endif

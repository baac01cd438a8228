/* Elementary functions of one float32 that are computed in float64: what is lost in their middle (powers, inverse
 * hyperbolics, logarithms to other bases) then disappears in the last rounding. The float64 parts are right to 2^-38
 * only, where that is enough. */
#ifndef MXI_KERNELS_VMATH_MID_H
#define MXI_KERNELS_VMATH_MID_H

#include "vmath_f64.h"

/* exp(x) for |x| <= 700, right to 2^-39 */
VM_FN double vm_exp_mid(double x) {
  double t = vm_fma_f64(x, VM_LOG2E_F64, VM_MAGIC_F64 + 1023.0), n = t - (VM_MAGIC_F64 + 1023.0);
  double r = vm_fma_f64(n, -VM_LN2_LOW_F64, vm_fma_f64(n, -VM_LN2_HIGH_F64, x)), z = r * r;
  double q = VM_POLY2(f64, r, z, 0x1.000000005e3bap-1, 0x1.5555557de85d3p-3, 0x1.5555541d8a073p-5,
                      0x1.1110a237c7c16p-7, 0x1.6c18d41637bb6p-10, 0x1.a185a2440e64p-13, 0x1.9e88d8e016a26p-16);
  return (1.0 + vm_fma_f64(z, q, r)) * vm_from_bits_f64(vm_bits_f64(t) << 52);
}

/* x = 2^e (1 + r), x normal: e, and log(1 + r) right to 2^-43 */
VM_FN double vm_log_mid_parts(double x, double *e) {
  uint64_t m, n = vm_log_split_f64(vm_bits_f64(x), &m);
  double r = vm_from_bits_f64(m) - 1.0, s = r / (2.0 + r), z = s * s;
  double q = VM_POLY(f64, z, 0x1.555555561e9d2p-1, 0x1.999996a83c187p-2, 0x1.249412697a1c6p-2, 0x1.c62ae90cc5309p-3,
                     0x1.91182eb5142bap-3);
  *e = vm_small_int_f64(n) - 1023.0;
  return vm_fma_f64(s * z, q, s + s);
}

/* log(x) for x that is no subnormal float64; its limits are those of vm_log_f64. */
VM_FN double vm_log_mid(double x) {
  double e, y = vm_log_mid_parts(x, &e);
  return vm_log_limits_f64(x, vm_fma_f64(e, 0x1.62e42fefa39efp-1, y));
}

VM_FN float vm_log2_f32(float x) {
  double e, y = vm_log_mid_parts(x, &e);
  return (float)vm_log_limits_f64(x, vm_fma_f64(y, VM_LOG2E_F64, e));
}

VM_FN float vm_log10_f32(float x) {
  double e, y = vm_log_mid_parts(x, &e);
  return (float)vm_log_limits_f64(x, vm_fma_f64(y, 0x1.bcb7b1526e50ep-2, e * 0x1.34413509f79ffp-2));
}

VM_FN float vm_sinh_f32(float x) {
  float a = vm_abs_f32(x), z = x * x;
  float small = VM_POLY(f32, z, 0x1.555556p-3f, 0x1.1110ep-7f, 0x1.a022bcp-13f, 0x1.756ff4p-19f);
  double h = 0.5 * vm_exp_mid(vm_at_most_f32(100.0f, a));
  return vm_copysign_f32(a < 1.0f ? vm_fma_f32(a * z, small, a) : (float)(h - 0.25 / h), x);
}

VM_FN float vm_cosh_f32(float x) {
  double h = 0.5 * vm_exp_mid(vm_at_most_f32(100.0f, vm_abs_f32(x)));
  return (float)(h + 0.25 / h);
}

VM_FN float vm_arcsinh_f32(float x) {
  double a = vm_abs_f32(x);
  float y = (float)vm_log_mid(a + __builtin_sqrt(vm_fma_f64(a, a, 1.0)));
  return vm_copysign_f32(vm_abs_f32(x) < 0x1p-12f ? vm_abs_f32(x) : y, x);
}

VM_FN float vm_arccosh_f32(float x) {
  double a = x;
  double y = vm_log_mid(a + __builtin_sqrt((a - 1.0) * (a + 1.0)));
  return (float)(a >= 1.0 ? y : VM_NAN_F64);
}

VM_FN float vm_arctanh_f32(float x) {
  double a = vm_abs_f32(x);
  float y = (float)(0.5 * vm_log_mid((1.0 + a) / (1.0 - a)));
  return vm_copysign_f32(vm_abs_f32(x) < 0x1p-13f ? vm_abs_f32(x) : y, x);
}

#endif

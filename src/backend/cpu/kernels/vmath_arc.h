/* Inverse circular functions of one float32 or float64. */
#ifndef MXI_KERNELS_VMATH_ARC_H
#define MXI_KERNELS_VMATH_ARC_H

#include "vmath_bits.h"

/* (arcsin(x) - x) / x for x in [0, 1/2], z = x x */
VM_FN float vm_arcsin_tail_f32(float z) {
  return z * VM_POLY(f32, z, 0x1.5555c8p-3f, 0x1.330204p-4f, 0x1.747ccap-5f, 0x1.8c1fa2p-6f, 0x1.599014p-5f);
}

VM_FN double vm_arcsin_tail_f64(double z) {
  return z * VM_POLY2(f64, z, z * z, 0x1.555555555539p-3, 0x1.333333336e85p-4, 0x1.6db6db4276a93p-5,
                      0x1.f1c72c3a4613dp-6, 0x1.6e89f41f65f86p-6, 0x1.1c6be3dfbff9ep-6, 0x1.c6fd8a176cfd7p-7,
                      0x1.8ec4da10b8d67p-7, 0x1.abba7b81a5866p-8, 0x1.4006a0d913caap-6, -0x1.09f57cfb69eedp-6,
                      0x1.057b546c6c33dp-5);
}

/* Above 1/2: pi / 2 - 2 arcsin(sqrt((1 - a) / 2)) */
VM_FN float vm_arcsin_f32(float x) {
  float a = vm_abs_f32(x), z = a < 0.5f ? x * x : 0.5f - 0.5f * a, s = a < 0.5f ? a : __builtin_sqrtf(z);
  float tail = s * vm_arcsin_tail_f32(z);
  float large = 0x1.921fb6p+0f - (2.0f * s + (2.0f * tail + 0x1.777a5cp-25f));
  return vm_copysign_f32(a < 0.5f ? s + tail : large, x);
}

/* pi / 2 - arcsin(x) below 1/2, 2 arcsin(sqrt((1 - a) / 2)) above it, and pi less that below -1/2 */
VM_FN float vm_arccos_f32(float x) {
  float a = vm_abs_f32(x), z = a < 0.5f ? x * x : 0.5f - 0.5f * a, s = a < 0.5f ? x : __builtin_sqrtf(z);
  float tail = s * vm_arcsin_tail_f32(z), twice = 2.0f * (s + tail);
  float middle = 0x1.921fb6p+0f - (s + (tail + 0x1.777a5cp-25f));
  float left = 0x1.921fb6p+1f - (twice + 0x1.777a5cp-24f);
  return a < 0.5f ? middle : (x < 0.0f ? left : twice);
}

VM_FN double vm_arcsin_f64(double x) {
  double a = vm_abs_f64(x), z = a < 0.5 ? x * x : 0.5 - 0.5 * a, s = a < 0.5 ? a : __builtin_sqrt(z), p = s * s;
  double low = a < 0.5 ? 0.0 : ((z - p) - vm_product_error_f64(s, s, p)) / (s + s + 0x1p-1000);
  double tail = vm_fma_f64(s, vm_arcsin_tail_f64(z), low);
  double large = 0x1.921fb54442d18p+0 - (2.0 * s + (2.0 * tail - 0x1.1a62633145c07p-54));
  return vm_copysign_f64(a < 0.5 ? s + tail : large, x);
}

VM_FN double vm_arccos_f64(double x) {
  double a = vm_abs_f64(x), z = a < 0.5 ? x * x : 0.5 - 0.5 * a, s = a < 0.5 ? x : __builtin_sqrt(z), p = s * s;
  double low = a < 0.5 ? 0.0 : ((z - p) - vm_product_error_f64(s, s, p)) / (s + s + 0x1p-1000);
  double tail = vm_fma_f64(s, vm_arcsin_tail_f64(z), low);
  double middle = 0x1.921fb54442d18p+0 - (s + (tail - 0x1.1a62633145c07p-54));
  double left = 0x1.921fb54442d18p+1 - (2.0 * s + (2.0 * tail - 0x1.1a62633145c07p-53));
  return a < 0.5 ? middle : (x < 0.0 ? left : 2.0 * (s + tail));
}

/* The angle of (x, y), both positive or zero: the quotient of the smaller by the larger is below 1, and what is left of
 * a right angle where y is the larger. 0 / 0 counts as 0, inf / inf as 1. */
VM_FN float vm_angle_f32(float y, float x) {
  int steep = y > x;
  float low = steep ? x : y, high = steep ? y : x, q = low / (high == 0.0f ? 1.0f : high);
  q = low == VM_INF_F32 ? 1.0f : q;
  float z = q * q;
  float p = VM_POLY(f32, z, -0x1.55553ep-2f, 0x1.9991e4p-3f, -0x1.242086p-3f, 0x1.c08c56p-4f, -0x1.580986p-4f,
                    0x1.da2dd4p-5f, -0x1.fd8d4ep-6f, 0x1.64405cp-7f, -0x1.d3a2cep-10f);
  float tail = q * z * p;
  float rest = 0x1.921fb6p+0f - (q + (tail + 0x1.777a5cp-25f));
  return steep ? rest : q + tail;
}

VM_FN float vm_arctan_f32(float x) { return vm_copysign_f32(vm_angle_f32(vm_abs_f32(x), 1.0f), x); }

VM_FN float vm_atan2_f32(float y, float x) {
  float a = vm_angle_f32(vm_abs_f32(y), vm_abs_f32(x));
  float left = 0x1.921fb6p+1f - (a + 0x1.777a5cp-24f);
  a = vm_bits_f32(x) >> 31 ? left : a;
  return x != x ? x : y != y ? y : vm_copysign_f32(a, y);
}

/* The same in float64, with the angle turned by 0, pi / 4 or pi / 2 so that the quotient stays below tan(pi / 8). */
VM_FN double vm_angle_f64(double y, double x) {
  double big = x > y ? x : y, scale = big > 0x1p1000 ? 0x1p-60 : (big < 0x1p-900 ? 0x1p100 : 1.0);
  y = big == VM_INF_F64 ? (y == VM_INF_F64 ? 1.0 : 0.0) : y * scale;
  x = big == VM_INF_F64 ? (x == VM_INF_F64 ? 1.0 : 0.0) : x * scale;
  int flat = y < 0.41421356237309503 * x, steep = y > 2.414213562373095 * x;
  double n = flat ? y : (steep ? -x : y - x), d = flat ? x : (steep ? y : y + x);
  double q = n / (d == 0.0 ? 1.0 : d), z = q * q;
  double high = flat ? 0.0 : (steep ? 0x1.921fb54442d18p+0 : 0x1.921fb54442d18p-1);
  double low = flat ? 0.0 : (steep ? 0x1.1a62633145c07p-54 : 0x1.1a62633145c07p-55);
  double p = VM_POLY2(f64, z, z * z, -0x1.5555555555554p-2, 0x1.9999999999584p-3, -0x1.249249246f594p-3,
                      0x1.c71c71b459fbbp-4, -0x1.745d1450ab3bdp-4, 0x1.3b1364ff6a8bbp-4, -0x1.110becc715b05p-4,
                      0x1.e167de673891cp-5, -0x1.ab3d1400ab116p-5, 0x1.6fea8aca20ef7p-5, -0x1.0fe4c9f34b92ep-5,
                      0x1.e8955755c2354p-7);
  double tail = q * z * p + low;
  return (big == 0.0) ? 0.0 : high + (q + tail);
}

VM_FN double vm_arctan_f64(double x) {
  double y = vm_angle_f64(vm_abs_f64(x), 1.0);
  return vm_abs_f64(x) < 0x1p-27 ? x : vm_copysign_f64(y, x);
}

VM_FN double vm_atan2_f64(double y, double x) {
  double a = vm_angle_f64(vm_abs_f64(y), vm_abs_f64(x));
  double left = 0x1.921fb54442d18p+1 - (a - 0x1.1a62633145c07p-53);
  double negative = vm_copysign_f64(1.0, x);
  a = negative < 0.0 ? left : a;
  return x != x ? x : y != y ? y : vm_copysign_f64(a, y);
}

#endif

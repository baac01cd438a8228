/* Powers, and log(exp(a) + exp(b)), of float32 and float64. */
#ifndef MXI_KERNELS_VMATH_POW_H
#define MXI_KERNELS_VMATH_POW_H

#include "vmath_mid.h"

/* The sign and the exceptions of a power, y being |a| ** b: a negative base takes an integer exponent, whose oddness
 * is its sign; 1 ** b and a ** 0 are 1, NaN or not. */
VM_FN double vm_power_limits(double a, double b, double y) {
  double half = 0.5 * b;
  int whole = vm_trunc_f64(b) == b, odd = whole & (vm_trunc_f64(half) != half);
  double sign = odd ? a : 1.0;
  y = ((a < 0.0) & (a > -VM_INF_F64) & !whole) ? VM_NAN_F64 : vm_copysign_f64(y, sign);
  y = ((a == -1.0) & (vm_abs_f64(b) == VM_INF_F64)) ? 1.0 : y;
  y = a != a ? a : (b != b ? b : y);
  return ((a == 1.0) | (b == 0.0)) ? 1.0 : y;
}

VM_FN float vm_pow_f32(float a, float b) {
  double e, x = vm_abs_f32(a), l = vm_log_mid_parts(x, &e);
  l = vm_fma_f64(e, 0x1.62e42fefa39efp-1, l);
  l = x < VM_INF_F64 ? l : x;
  l = (x == 0.0 ? -VM_INF_F64 : l) * b;
  return (float)vm_power_limits(a, b, vm_exp_mid(vm_at_most_f64(200.0, vm_at_least_f64(-200.0, l))));
}

/* 2 / 3 + what follows it in log((1 + s) / (1 - s)) / s, over z = s s: the sum and *low */
VM_FN double vm_log_series(double z, double *low) {
  double w = z * VM_POLY2(f64, z, z * z, 0x1.9999999999996p-2, 0x1.2492492492f53p-2, 0x1.c71c71c593177p-3,
                        0x1.745d182cc9ec7p-3, 0x1.3b13636b1f739p-3, 0x1.1120b30e064c8p-3, 0x1.de30954566d45p-4,
                        0x1.eb3fc8b42dd62p-4);
  double t = 0x1.5555555555555p-1 + w;
  *low = ((0x1.5555555555555p-1 - t) + w) + 0x1.5555555555555p-55;
  return t;
}

/* log(x) for normal or subnormal x > 0 as what is returned plus *low, together right to 2^-64 */
VM_FN double vm_log_double_f64(double x, double *low) {
  double e, r = vm_log_reduce_f64(x, &e), d = 2.0 + r, sl, tl;
  double s = vm_divide_parts_f64(r, 0.0, d, r - (d - 2.0), &sl);
  double z = s * s, zl = vm_product_error_f64(s, s, z) + 2.0 * s * sl, t = vm_log_series(z, &tl);
  double p = z * t, pl = vm_product_error_f64(z, t, p) + (z * tl + zl * t);
  double q = s * p, ql = vm_product_error_f64(s, p, q) + (s * pl + sl * p);
  double a = e * VM_LN2_HIGH_F64, h = a + 2.0 * s, h2 = h + q;
  double l = (2.0 * s - (h - a)) + (q - (h2 - h)) + (2.0 * sl + ql + e * VM_LN2_LOW_F64);
  double sum = h2 + l;
  *low = l - (sum - h2);
  return sum;
}

VM_FN double vm_pow_f64(double a, double b) {
  double x = vm_abs_f64(a), ll, l = vm_log_double_f64(x, &ll);
  double c = vm_at_most_f64(0x1p66, vm_at_least_f64(-0x1p66, b)), p = l * c;
  double low = vm_product_error_f64(l, c, p) + ll * c, t;
  double limit = (x == 0.0 ? -VM_INF_F64 : (x < VM_INF_F64 ? 0.0 : x)) * c;
  double out = vm_at_most_f64(710.0, vm_at_least_f64(-746.0, p));
  double r = vm_exp_reduce_f64(out, 2046.0, &t) + (p == out ? low : 0.0);
  double y = vm_scale_f64(1.0 + vm_expm1_core_f64(r), t);
  y = vm_abs_f64(limit) < VM_INF_F64 ? y : (limit > 0.0 ? VM_INF_F64 : 0.0);
  return vm_power_limits(a, b, y);
}

/* log(exp(a) + exp(b)), in full float64 also for float32, because the two terms may cancel */
VM_FN double vm_logaddexp_f64(double a, double b) {
  double high = a > b ? a : b, low = a > b ? b : a;
  return high + vm_log1p_f64(vm_exp_f64(high == low ? 0.0 : low - high));
}

VM_FN float vm_logaddexp_f32(float a, float b) { return (float)vm_logaddexp_f64(a, b); }

#endif

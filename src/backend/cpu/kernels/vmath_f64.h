/* Elementary functions of one float64: exponentials, logarithms, hyperbolics and their inverses. Errors in ulp stand
 * in docs/numerics.md; the circular functions are in vmath_trig.h. Written for loops: see vmath_bits.h. Coefficients
 * come from tools/vmath_coefficients.py. */
#ifndef MXI_KERNELS_VMATH_F64_H
#define MXI_KERNELS_VMATH_F64_H

#include "vmath_bits.h"

#define VM_LOG2E_F64 0x1.71547652b82fep+0
#define VM_LN2_HIGH_F64 0x1.62e42fefa38p-1 /* 42 bits: its product with any exponent is exact */
#define VM_LN2_LOW_F64 0x1.ef35793c7673p-45

/* exp(r) - 1 for |r| <= log(2) / 2 */
VM_FN double vm_expm1_core_f64(double r) {
  double z = r * r;
  double q = VM_POLY2(f64, r, z, 0x1.000000000000ap-1, 0x1.5555555555502p-3, 0x1.55555555506p-5, 0x1.11111111251d5p-7,
                      0x1.6c16c184b7334p-10, 0x1.a01a013b4da67p-13, 0x1.a019988188dbfp-16, 0x1.71defaf2e5436p-19,
                      0x1.28aef90037d2ep-22, 0x1.adc4878365fcbp-26);
  return vm_fma_f64(z, q, r);
}

/* x = n log(2) + r: returns r; n + bias is in the low bits of *shifted. */
VM_FN double vm_exp_reduce_f64(double x, double bias, double *shifted) {
  double t = vm_fma_f64(x, VM_LOG2E_F64, VM_MAGIC_F64 + bias), n = t - (VM_MAGIC_F64 + bias);
  *shifted = t;
  return vm_fma_f64(n, -VM_LN2_LOW_F64, vm_fma_f64(n, -VM_LN2_HIGH_F64, x));
}

/* y 2^n with one rounding, |n| < 2044, from `shifted` with a bias of 2046: the power is applied in two halves. */
VM_FN double vm_scale_f64(double y, double shifted) {
  uint64_t n = vm_bits_f64(shifted), half = n >> 1;
  return y * vm_from_bits_f64(half << 52) * vm_from_bits_f64((n - half) << 52);
}

VM_FN double vm_exp_f64(double x) {
  double t, r = vm_exp_reduce_f64(vm_at_least_f64(-746.0, x), 2046.0, &t);
  double y = vm_scale_f64(1.0 + vm_expm1_core_f64(r), t);
  return x <= 710.0 ? y : x + VM_INF_F64;
}

/* Below 1/2 a polynomial; above, 2^n (exp(r) - 1) + (2^n - 1), halved so that 2^1024 does not overflow. */
VM_FN double vm_expm1_f64(double x) {
  double z = x * x, t;
  double small = VM_POLY2(f64, x, z, 0x1p-1, 0x1.5555555555556p-3, 0x1.555555555559dp-5, 0x1.1111111110e5bp-7,
                          0x1.6c16c16bfcf73p-10, 0x1.a01a01a0ee266p-13, 0x1.a01a02077ad1bp-16, 0x1.71de38a78a25fp-19,
                          0x1.27e43fa78a73fp-22, 0x1.ae673111251d1p-26, 0x1.202a80aae2c6ep-29, 0x1.5fe43a5d578c4p-33);
  small = vm_fma_f64(z, small, x);
  double p = vm_expm1_core_f64(vm_exp_reduce_f64(vm_at_least_f64(-40.0, x), 1022.0, &t));
  double half = vm_from_bits_f64(vm_bits_f64(t) << 52);
  double large = 2.0 * vm_fma_f64(half, p, half - 0.5);
  large = x <= 710.0 ? large : x + VM_INF_F64;
  return vm_copysign_f64(vm_abs_f64(x) < 0.5 ? small : large, x);
}

/* x = 2^e (1 + r), 1 + r in [sqrt(1/2), sqrt(2)), for normal x > 0 given as bits: returns e + 1023 (no machine below
 * AVX-512 shifts 64 bits arithmetically) and sets the bits of 1 + r. */
VM_FN uint64_t vm_log_split_f64(uint64_t bits, uint64_t *fraction) {
  uint64_t u = bits + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu), e = u >> 52;
  *fraction = bits - ((e - 1023u) << 52);
  return e;
}

/* A small integer, below 2^52, as a double */
VM_FN double vm_small_int_f64(uint64_t n) { return vm_from_bits_f64(n | 0x4330000000000000u) - 0x1p52; }

/* e log(2) + log(1 + r) + low for 1 + r in [sqrt(1/2), sqrt(2)) */
VM_FN double vm_log_core_f64(double r, double e, double low) {
  double s = r / (2.0 + r), z = s * s, half = 0.5 * r * r;
  double q = z * VM_POLY2(f64, z, z * z, 0x1.5555555555593p-1, 0x1.999999997f9fdp-2, 0x1.2492494229583p-2,
                          0x1.c71c51d96a61bp-3, 0x1.74664978043cfp-3, 0x1.39a08cc47d408p-3, 0x1.2f12ec427dc19p-3);
  double tail = vm_fma_f64(s, half + q, vm_fma_f64(e, VM_LN2_LOW_F64, low)) - half;
  return vm_fma_f64(e, VM_LN2_HIGH_F64, r + tail);
}

/* The last step of the logarithms: y where x is positive and finite, else their limit. */
VM_FN double vm_log_limits_f64(double x, double y) {
  y = x < VM_INF_F64 ? y : x;
  y = x >= 0.0 ? y : VM_NAN_F64;
  return x == 0.0 ? -VM_INF_F64 : y;
}

/* x = 2^e (1 + r) for any x > 0, subnormal ones included; see vm_log_reduce_f32 for the second test. */
VM_FN double vm_log_reduce_f64(double x, double *e) {
  double normal = x < 0x1p-1022 ? x * 0x1p52 : x;
  uint64_t m;
  uint64_t n = vm_log_split_f64(vm_bits_f64(normal), &m);
  *e = vm_small_int_f64(n) - (normal != x ? 1075.0 : 1023.0);
  return vm_from_bits_f64(m) - 1.0;
}

VM_FN double vm_log_f64(double x) {
  double e, r = vm_log_reduce_f64(x, &e);
  return vm_log_limits_f64(x, vm_log_core_f64(r, e, 0.0));
}

/* log(1 + r) for 1 + r in [sqrt(1/2), sqrt(2)) as high (of 20 bits) plus low */
VM_FN double vm_log_parts_f64(double r, double *low) {
  double s = r / (2.0 + r), z = s * s, half = 0.5 * r * r;
  double q = z * VM_POLY2(f64, z, z * z, 0x1.5555555555593p-1, 0x1.999999997f9fdp-2, 0x1.2492494229583p-2,
                          0x1.c71c51d96a61bp-3, 0x1.74664978043cfp-3, 0x1.39a08cc47d408p-3, 0x1.2f12ec427dc19p-3);
  double high = vm_from_bits_f64(vm_bits_f64(r - half) & 0xffffffff00000000u);
  *low = ((r - high) - half) + s * (half + q);
  return high;
}

VM_FN double vm_log2_f64(double x) {
  double e, low, r = vm_log_reduce_f64(x, &e), high = vm_log_parts_f64(r, &low);
  double a = high * 0x1.71547652p+0, b = (low + high) * 0x1.705fc2eefa2p-33 + low * 0x1.71547652p+0;
  double w = e + a;
  return vm_log_limits_f64(x, w + (b + ((e - w) + a)));
}

VM_FN double vm_log10_f64(double x) {
  double e, low, r = vm_log_reduce_f64(x, &e), high = vm_log_parts_f64(r, &low);
  double a = high * 0x1.bcb7b152p-2, b = (low + high) * 0x1.b9438ca9aadd5p-36 + low * 0x1.bcb7b152p-2;
  double f = e * 0x1.34413509f78p-2, w = f + a;
  return vm_log_limits_f64(x, w + (vm_fma_f64(e, 0x1.fef311f12b358p-46, b) + ((f - w) + a)));
}

/* u = 1 + x = 2^e (1 + r) where r = x 2^-e + (2^-e - 1) is exact or nearly: u itself only chooses e. */
VM_FN double vm_log1p_reduce_f64(double x, double u, double *e) {
  uint64_t m, n = vm_log_split_f64(vm_bits_f64(u), &m);
  double scale = vm_from_bits_f64((2046u - n) << 52);
  *e = vm_small_int_f64(n) - 1023.0;
  return vm_from_bits_f64(vm_bits_f64(x) - ((n - 1023u) << 52)) + ((u < 0x1p1000 ? scale : 0.0) - 1.0);
}

VM_FN double vm_log1p_f64(double x) {
  double u = 1.0 + x, e, r = vm_log1p_reduce_f64(x, u, &e);
  return vm_log_limits_f64(u, vm_copysign_f64(vm_log_core_f64(r, e, 0.0), x));
}

/* log(1 + x + low), x >= 0 and low below x's last bit */
VM_FN double vm_log1p_parts_f64(double x, double low) {
  double u = 1.0 + x, e, r = vm_log1p_reduce_f64(x, u, &e);
  return vm_log_limits_f64(u, vm_log_core_f64(r, e, low / u));
}

/* 1 / (1 + exp(a)) for a in [0, 746]: see vm_sigmoid_negative_f32. */
VM_FN double vm_sigmoid_negative_f64(double a) {
  double t = vm_fma_f64(a, -VM_LOG2E_F64, VM_MAGIC_F64 + 1087.0), n = t - (VM_MAGIC_F64 + 1087.0);
  double p = vm_expm1_core_f64(vm_fma_f64(n, VM_LN2_LOW_F64, vm_fma_f64(n, VM_LN2_HIGH_F64, a)));
  double wide = vm_from_bits_f64(vm_bits_f64(t) << 52), w = wide * 0x1p-64, d = 1.0 + w;
  return wide / (d + ((w - (d - 1.0)) + p)) * 0x1p-64;
}

VM_FN double vm_sigmoid_f64(double x) {
  double q = vm_sigmoid_negative_f64(vm_at_most_f64(746.0, vm_abs_f64(x)));
  return x < 0.0 ? q : 1.0 - q;
}

/* Small arguments by a polynomial; others as 1 - 2 / (1 + exp(2a)). */
VM_FN double vm_tanh_f64(double x) {
  double a = vm_abs_f64(x), z = x * x;
  double small = VM_POLY2(f64, z, z * z, -0x1.555555555554cp-2, 0x1.1111111110551p-3, -0x1.ba1ba1b9763b7p-5,
                          0x1.664f485e30217p-6, -0x1.226e309e9d0b7p-7, 0x1.d6d307234b03p-9, -0x1.7d982d4168725p-10,
                          0x1.34ea6e8b14b9p-11, -0x1.efacf251e366ep-13, 0x1.7b51081ee6bf6p-14, -0x1.e7fabe1c89ad1p-16,
                          0x1.75d7164e10c79p-18);
  double q = vm_sigmoid_negative_f64(2.0 * vm_at_most_f64(20.0, a));
  return vm_copysign_f64(a < 0.65 ? vm_fma_f64(a * z, small, a) : 1.0 - 2.0 * q, x);
}

/* exp(a) / 2 for a >= 0, which overflows only where sinh and cosh do */
VM_FN double vm_half_exp_f64(double a) {
  double t, r = vm_exp_reduce_f64(vm_at_most_f64(711.0, a), 2045.0, &t);
  return vm_scale_f64(1.0 + vm_expm1_core_f64(r), t);
}

VM_FN double vm_sinh_f64(double x) {
  double a = vm_abs_f64(x), z = x * x, h = vm_half_exp_f64(a);
  double small = VM_POLY2(f64, z, z * z, 0x1.5555555555555p-3, 0x1.111111111119bp-7, 0x1.a01a01a00735bp-13,
                          0x1.71de3a68d1022p-19, 0x1.ae64411f5cd8p-26, 0x1.613151b19bd93p-33, 0x1.a6607c4ce937dp-41,
                          0x1.d38e5a98dc79ap-48);
  return vm_copysign_f64(a < 1.0 ? vm_fma_f64(a * z, small, a) : h - 0.25 / h, x);
}

VM_FN double vm_cosh_f64(double x) {
  double h = vm_half_exp_f64(vm_abs_f64(x));
  return h + 0.25 / h;
}

/* q = (n + nl) / (d + dl) as q, which is returned, plus *low */
VM_FN double vm_divide_parts_f64(double n, double nl, double d, double dl, double *low) {
  double q = n / d, p = q * d;
  *low = (((n - p) - vm_product_error_f64(q, d, p)) + (nl - q * dl)) / d;
  return q;
}

/* sqrt(x + xl) as what is returned plus *low */
VM_FN double vm_sqrt_parts_f64(double x, double xl, double *low) {
  double s = __builtin_sqrt(x), p = s * s;
  *low = ((x - p) - vm_product_error_f64(s, s, p) + xl) / (s + s);
  return s;
}

/* What rounding took from t = a + b. */
VM_FN double vm_sum_error_f64(double a, double b, double t) {
  double v = t - a;
  return (a - (t - v)) + (b - v);
}

/* log(w + low) + log(2) turns: the end of the inverse hyperbolics of large arguments */
VM_FN double vm_log_doubled_f64(double w, double low, double turns) {
  double e, r = vm_log_reduce_f64(w, &e);
  return vm_log_core_f64(r, e + turns, low / w);
}

/* Below 1/2 a polynomial; above, log(a + sqrt(a a + 1)) with what each step rounds away; log(2 a) where a is huge. */
VM_FN double vm_arcsinh_f64(double x) {
  double a = vm_abs_f64(x), z = a * a, t = z + 1.0, sl;
  double small = VM_POLY2(f64, z, z * z, -0x1.5555555555555p-3, 0x1.3333333333256p-4, -0x1.6db6db6daa4fep-5,
                          0x1.f1c71c6c07a7cp-6, -0x1.6e8ba220fdc84p-6, 0x1.1c4eb360afd21p-6, -0x1.c9977f02929d1p-7,
                          0x1.7a70c19217bc3p-7, -0x1.3f2d25578a9c9p-7, 0x1.0f085028be9abp-7, -0x1.bf5d2e653c12bp-8,
                          0x1.490bada275161p-8, -0x1.6b9e72c81ac1cp-9, 0x1.a8202a63dfce5p-11);
  double s = vm_sqrt_parts_f64(t, vm_sum_error_f64(z, 1.0, t) + vm_product_error_f64(a, a, z), &sl);
  double w = s + a, low = (a - (w - s)) + sl;
  int huge = a > 0x1p60;
  double y = vm_log_doubled_f64(huge ? a : w, huge ? 0.0 : low, huge ? 1.0 : 0.0);
  y = a < VM_INF_F64 ? y : a;
  return vm_copysign_f64(a < 0.5 ? vm_fma_f64(a * z, small, a) : y, x);
}

/* log1p(u), u = (x - 1) + sqrt(x x - 1) */
VM_FN double vm_arccosh_f64(double x) {
  double z = x * x, t = z - 1.0, b = x - 1.0, sl;
  double s = vm_sqrt_parts_f64(t, vm_sum_error_f64(z, -1.0, t) + vm_product_error_f64(x, x, z), &sl);
  double u = s + b, low = (b - (u - s)) + (sl + vm_sum_error_f64(x, -1.0, b));
  double y = x > 0x1p60 ? vm_log_doubled_f64(x, 0.0, 1.0) : vm_log1p_parts_f64(u, low);
  y = x < VM_INF_F64 ? y : x;
  y = x >= 1.0 ? y : VM_NAN_F64;
  return x == 1.0 ? 0.0 : y;
}

/* log1p(2 a / (1 - a)) / 2 */
VM_FN double vm_arctanh_f64(double x) {
  double a = vm_abs_f64(x), d = 1.0 - a, low, q = vm_divide_parts_f64(a + a, 0.0, d, (1.0 - d) - a, &low);
  double y = 0.5 * vm_log1p_parts_f64(q, a < 0x1p-500 ? 0.0 : low);
  return vm_copysign_f64(a < 0x1p-27 ? a : y, x);
}

VM_FN double vm_rsqrt_f64(double x) { return 1.0 / __builtin_sqrt(x); }

VM_FN double vm_floor_divide_f64(double a, double b) { return vm_floor_f64(a / b); }

#endif

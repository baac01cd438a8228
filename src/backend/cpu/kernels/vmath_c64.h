/* Elementary functions of one complex64. All are computed in float64 and rounded once, so that squares and products
 * cannot overflow or vanish on the way; results at infinities and zeros are those of C's Annex G, products excepted,
 * which are the plain formula. Branch cuts follow the sign of zero. Errors stand in docs/numerics.md. */
#ifndef MXI_KERNELS_VMATH_C64_H
#define MXI_KERNELS_VMATH_C64_H

#include "core/dtype.h"
#include "vmath.h"

typedef struct {
  double re, im;
} vm_c128;

VM_FN vm_c128 vm_wide(mxi_c64 z) { return (vm_c128){z.re, z.im}; }
VM_FN mxi_c64 vm_narrow(vm_c128 z) { return (mxi_c64){(float)z.re, (float)z.im}; }
VM_FN int vm_is_infinite(double x) { return vm_abs_f64(x) == VM_INF_F64; }
VM_FN double vm_clamp(double x, double limit) { return vm_at_most_f64(limit, vm_at_least_f64(-limit, x)); }

VM_FN vm_c128 vm_mul_c128(vm_c128 a, vm_c128 b) {
  return (vm_c128){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* a / b for parts that were floats. Where an operand is zero or infinite, Annex G: infinities become units, finite
 * numbers beside them zeros. */
VM_FN vm_c128 vm_div_c128(vm_c128 a, vm_c128 b) {
  double d = b.re * b.re + b.im * b.im;
  double far = vm_is_infinite(b.re) | vm_is_infinite(b.im), big = vm_is_infinite(a.re) | vm_is_infinite(a.im);
  double c = far != 0 ? vm_copysign_f64(vm_is_infinite(b.re) ? 1.0 : 0.0, b.re) : b.re;
  double e = far != 0 ? vm_copysign_f64(vm_is_infinite(b.im) ? 1.0 : 0.0, b.im) : b.im;
  double p = big != 0 ? vm_copysign_f64(vm_is_infinite(a.re) ? 1.0 : 0.0, a.re) : a.re;
  double q = big != 0 ? vm_copysign_f64(vm_is_infinite(a.im) ? 1.0 : 0.0, a.im) : a.im;
  double re = p * c + q * e, im = q * c - p * e;
  double scale = big != 0 ? (far != 0 ? VM_NAN_F64 : VM_INF_F64) : 0.0, zero = vm_copysign_f64(VM_INF_F64, b.re);
  int special = (far != 0) | (big != 0);
  re = special ? re * scale : re / d;
  im = special ? im * scale : im / d;
  return (vm_c128){d == 0.0 ? zero * a.re : re, d == 0.0 ? zero * a.im : im};
}

/* sin and cos of a number that was a float, in float64 */
VM_FN double vm_sin_cos_wide(double x, double *cosine) {
  double t, rest, r = vm_far_f32(x, &t) * 0x1.921fb54442d18p+0;
  uint64_t n = vm_bits_f64(t);
  double s = vm_sin_parts_f64(r, 0.0, &rest), c = vm_cos_parts_f64(r, 0.0, &rest);
  double odd = vm_from_bits_f64((n & 1u) * 0x3ff0000000000000u);
  *cosine = vm_from_bits_f64(vm_bits_f64(odd == 0.0 ? c : s) ^ ((n + 1) >> 1 << 63));
  double sine = vm_from_bits_f64(vm_bits_f64(odd == 0.0 ? s : c) ^ (n >> 1 << 63));
  return vm_blend_f64(vm_abs_f64(x) < 0x1p-27, x, sine);
}

/* sinh and cosh of a number that was a float, bounded by 1e300 */
VM_FN double vm_sinh_cosh_wide(double x, double *cosh) {
  double a = vm_at_most_f64(690.0, vm_abs_f64(x)), u = vm_expm1_f64(a), v = u + 1.0;
  *cosh = 0.5 * (v + 1.0 / v);
  return vm_copysign_f64(0.5 * (u + u / v), x);
}

VM_FN vm_c128 vm_sqrt_c128(vm_c128 z) {
  double r = __builtin_sqrt(z.re * z.re + z.im * z.im), t = __builtin_sqrt(0.5 * (r + vm_abs_f64(z.re)));
  double u = vm_abs_f64(z.im) / (t + t);
  u = ((t == 0.0) | (vm_abs_f64(z.im) == VM_INF_F64)) ? vm_abs_f64(z.im) : u;
  t = vm_abs_f64(z.im) == VM_INF_F64 ? VM_INF_F64 : t;
  return (vm_c128){z.re < 0.0 ? u : t, vm_copysign_f64(z.re < 0.0 ? t : u, z.im)};
}

/* log|z|: by log1p where |z| is near 1, from squares that are exact */
VM_FN double vm_log_abs_wide(double re, double im) {
  double a = vm_abs_f64(re), b = vm_abs_f64(im), x = a > b ? a : b, y = a > b ? b : a, square = x * x + y * y;
  double near = vm_log1p_f64((x * x - 1.0) + y * y), far = vm_log_f64(square);
  far = ((a == VM_INF_F64) | (b == VM_INF_F64)) ? VM_INF_F64 : far;
  return 0.5 * (((square > 0.5) & (square < 2.0)) ? near : far);
}

VM_FN vm_c128 vm_log_c128(vm_c128 z) { return (vm_c128){vm_log_abs_wide(z.re, z.im), vm_atan2_f64(z.im, z.re)}; }

/* exp(re) (cosine + i sine), sine and cosine being those of im */
VM_FN vm_c128 vm_exp_parts_c128(vm_c128 z, double sine, double cosine) {
  double e = vm_exp_f64(vm_clamp(z.re, 690.0));
  double re = e * cosine, im = z.im == 0.0 ? z.im : e * sine;
  int lost = cosine != cosine; /* im was not finite */
  re = z.re == -VM_INF_F64 ? 0.0 : (((z.re == VM_INF_F64) & lost) ? VM_INF_F64 : re);
  im = ((z.re == -VM_INF_F64) & lost) ? 0.0 : im;
  return (vm_c128){re, im};
}

VM_FN vm_c128 vm_exp_c128(vm_c128 z) {
  double c, s = vm_sin_cos_wide(z.im, &c);
  return vm_exp_parts_c128(z, s, c);
}

VM_FN vm_c128 vm_sinh_c128(vm_c128 z) {
  double c, s = vm_sin_cos_wide(z.im, &c), ch, sh = vm_sinh_cosh_wide(z.re, &ch);
  return (vm_c128){z.re == 0.0 ? z.re : sh * c, z.im == 0.0 ? z.im : ch * s};
}

VM_FN vm_c128 vm_cosh_c128(vm_c128 z) {
  double c, s = vm_sin_cos_wide(z.im, &c), ch, sh = vm_sinh_cosh_wide(z.re, &ch);
  double im = sh * s;
  return (vm_c128){ch * c, (((z.re == 0.0) | (z.im == 0.0)) & (im != im)) ? 0.0 : im};
}

/* (sinh x cosh x + i sin y cos y) / (sinh(x)^2 + cos(y)^2) */
VM_FN vm_c128 vm_tanh_c128(vm_c128 z) {
  double c, s = vm_sin_cos_wide(z.im, &c), ch, sh = vm_sinh_cosh_wide(vm_clamp(z.re, 100.0), &ch);
  double d = sh * sh + c * c;
  return (vm_c128){z.re == 0.0 ? z.re : sh * ch / d, z.im == 0.0 ? z.im : s * c / d};
}

VM_FN vm_c128 vm_turn_right(vm_c128 z) { return (vm_c128){z.im, -z.re}; } /* -i z */
VM_FN vm_c128 vm_turn_left(vm_c128 z) { return (vm_c128){-z.im, z.re}; }  /* i z */

/* The parts of the inverse functions: sqrt(1 - z) and sqrt(1 + z) of a z that was made finite */
VM_FN vm_c128 vm_finite(vm_c128 z) { return (vm_c128){vm_clamp(z.re, 1e100), vm_clamp(z.im, 1e100)}; }
VM_FN vm_c128 vm_sqrt_below(vm_c128 z) { return vm_sqrt_c128((vm_c128){1.0 - z.re, -z.im}); }
VM_FN vm_c128 vm_sqrt_above(vm_c128 z) { return vm_sqrt_c128((vm_c128){1.0 + z.re, z.im}); }
VM_FN double vm_unbounded(vm_c128 z, double part) {
  return (vm_is_infinite(z.re) | vm_is_infinite(z.im)) ? vm_copysign_f64(VM_INF_F64, part) : part;
}

VM_FN vm_c128 vm_arcsin_c128(vm_c128 z) {
  vm_c128 f = vm_finite(z), m = vm_sqrt_below(f), p = vm_sqrt_above(f);
  double re = vm_atan2_f64(f.re, m.re * p.re - m.im * p.im);
  return (vm_c128){z.re == 0.0 ? z.re : re, vm_unbounded(z, vm_arcsinh_f64(m.re * p.im - m.im * p.re))};
}

VM_FN vm_c128 vm_arccos_c128(vm_c128 z) {
  vm_c128 f = vm_finite(z), m = vm_sqrt_below(f), p = vm_sqrt_above(f);
  return (vm_c128){2.0 * vm_atan2_f64(m.re, p.re), vm_unbounded(z, vm_arcsinh_f64(p.re * m.im - p.im * m.re))};
}

VM_FN vm_c128 vm_arccosh_c128(vm_c128 z) {
  vm_c128 f = vm_finite(z), m = vm_sqrt_c128((vm_c128){f.re - 1.0, f.im}), p = vm_sqrt_above(f);
  return (vm_c128){vm_unbounded(z, vm_arcsinh_f64(m.re * p.re + m.im * p.im)), 2.0 * vm_atan2_f64(m.im, p.re)};
}

VM_FN vm_c128 vm_arctanh_c128(vm_c128 z) {
  vm_c128 f = vm_finite(z);
  double a = vm_abs_f64(f.re), y = f.im, b = 1.0 - a;
  double re = 0.25 * vm_log1p_f64(4.0 * a / (b * b + y * y));
  double im = 0.5 * vm_atan2_f64(y + y, b * (1.0 + a) - y * y);
  return (vm_c128){z.re == 0.0 ? z.re : vm_copysign_f64(re, z.re), im};
}

VM_FN float vm_abs_c64(mxi_c64 z) {
  double r = __builtin_sqrt((double)z.re * z.re + (double)z.im * z.im);
  return (vm_is_infinite(z.re) | vm_is_infinite(z.im)) ? VM_INF_F32 : (float)r;
}

VM_FN mxi_c64 vm_mul_c64(mxi_c64 a, mxi_c64 b) { return vm_narrow(vm_mul_c128(vm_wide(a), vm_wide(b))); }
VM_FN mxi_c64 vm_div_c64(mxi_c64 a, mxi_c64 b) { return vm_narrow(vm_div_c128(vm_wide(a), vm_wide(b))); }
VM_FN mxi_c64 vm_reciprocal_c64(mxi_c64 z) { return vm_narrow(vm_div_c128((vm_c128){1.0, 0.0}, vm_wide(z))); }
VM_FN mxi_c64 vm_square_c64(mxi_c64 z) { return vm_mul_c64(z, z); }
VM_FN mxi_c64 vm_sqrt_c64(mxi_c64 z) { return vm_narrow(vm_sqrt_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_rsqrt_c64(mxi_c64 z) {
  return vm_narrow(vm_div_c128((vm_c128){1.0, 0.0}, vm_sqrt_c128(vm_wide(z))));
}

/* z / |z|, 0 for 0, NaN for infinities */
VM_FN mxi_c64 vm_sign_c64(mxi_c64 z) {
  double r = __builtin_sqrt((double)z.re * z.re + (double)z.im * z.im), d = r == 0.0 ? 1.0 : r;
  d = d < VM_INF_F64 ? d : VM_NAN_F64;
  return (mxi_c64){(float)(z.re / d), (float)(z.im / d)};
}

VM_FN mxi_c64 vm_rint_c64(mxi_c64 z) { return (mxi_c64){vm_rint_f32(z.re), vm_rint_f32(z.im)}; }
VM_FN mxi_c64 vm_exp_c64(mxi_c64 z) { return vm_narrow(vm_exp_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_log_c64(mxi_c64 z) { return vm_narrow(vm_log_c128(vm_wide(z))); }

VM_FN mxi_c64 vm_log2_c64(mxi_c64 z) {
  vm_c128 l = vm_log_c128(vm_wide(z));
  return (mxi_c64){(float)(l.re * VM_LOG2E_F64), (float)(l.im * VM_LOG2E_F64)};
}

VM_FN mxi_c64 vm_log10_c64(mxi_c64 z) {
  vm_c128 l = vm_log_c128(vm_wide(z));
  return (mxi_c64){(float)(l.re * 0x1.bcb7b1526e50ep-2), (float)(l.im * 0x1.bcb7b1526e50ep-2)};
}

/* |1 + z|^2 = 1 + (re (2 + re) + im^2) */
VM_FN vm_c128 vm_log1p_c128(vm_c128 z) {
  double re = 0.5 * vm_log1p_f64(z.re * (2.0 + z.re) + z.im * z.im);
  re = (vm_is_infinite(z.re) | vm_is_infinite(z.im)) ? VM_INF_F64 : re;
  return (vm_c128){re, vm_atan2_f64(z.im, 1.0 + z.re)};
}

VM_FN mxi_c64 vm_log1p_c64(mxi_c64 z) { return vm_narrow(vm_log1p_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_sinh_c64(mxi_c64 z) { return vm_narrow(vm_sinh_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_cosh_c64(mxi_c64 z) { return vm_narrow(vm_cosh_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_tanh_c64(mxi_c64 z) { return vm_narrow(vm_tanh_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_sin_c64(mxi_c64 z) { return vm_narrow(vm_turn_right(vm_sinh_c128(vm_turn_left(vm_wide(z))))); }
VM_FN mxi_c64 vm_cos_c64(mxi_c64 z) { return vm_narrow(vm_cosh_c128(vm_turn_left(vm_wide(z)))); }
VM_FN mxi_c64 vm_tan_c64(mxi_c64 z) { return vm_narrow(vm_turn_right(vm_tanh_c128(vm_turn_left(vm_wide(z))))); }
VM_FN mxi_c64 vm_arcsin_c64(mxi_c64 z) { return vm_narrow(vm_arcsin_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_arccos_c64(mxi_c64 z) { return vm_narrow(vm_arccos_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_arccosh_c64(mxi_c64 z) { return vm_narrow(vm_arccosh_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_arctanh_c64(mxi_c64 z) { return vm_narrow(vm_arctanh_c128(vm_wide(z))); }
VM_FN mxi_c64 vm_arcsinh_c64(mxi_c64 z) { return vm_narrow(vm_turn_right(vm_arcsin_c128(vm_turn_left(vm_wide(z))))); }
VM_FN mxi_c64 vm_arctan_c64(mxi_c64 z) { return vm_narrow(vm_turn_right(vm_arctanh_c128(vm_turn_left(vm_wide(z))))); }

/* exp(b log(a)); the angle is a float64 of any size here */
VM_FN mxi_c64 vm_pow_c64(mxi_c64 a, mxi_c64 b) {
  vm_c128 e = vm_mul_c128(vm_wide(b), vm_log_c128(vm_wide(a)));
  return vm_narrow(vm_exp_parts_c128(e, vm_sin_f64(e.im), vm_cos_f64(e.im)));
}

/* m + log(1 + exp(n - m)), m being the larger by real part, then imaginary part; two equal ones give m + log(2). */
VM_FN mxi_c64 vm_logaddexp_c64(mxi_c64 a, mxi_c64 b) {
  int first = (a.re > b.re) | ((a.re == b.re) & (a.im > b.im));
  vm_c128 m = vm_wide(first ? a : b), n = vm_wide(first ? b : a), d = {n.re - m.re, n.im - m.im};
  int same = (m.re == n.re) & (m.im == n.im);
  vm_c128 l = vm_log1p_c128(vm_exp_c128((vm_c128){same ? 0.0 : d.re, same ? 0.0 : d.im}));
  return vm_narrow((vm_c128){m.re + l.re, m.im + l.im});
}

#endif

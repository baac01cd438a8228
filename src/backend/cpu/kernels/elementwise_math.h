/* Which function stands behind each word for an elementary function, by compute type. */
#ifndef MXI_KERNELS_ELEMENTWISE_MATH_H
#define MXI_KERNELS_ELEMENTWISE_MATH_H

#include <complex.h>
#include <math.h>
#undef I

#include "core/dtype.h"
#include "vmath.h"

#define FUNCTION(x, f, d) _Generic((x), float: f, double: d)(x)
#define FUNCTION_C(x, f, d, c) _Generic((x), float: f, double: d, mxi_c64: c)(x)

#define FABS(x) FUNCTION(x, vm_abs_f32, vm_abs_f64)
#define FLOOR(x) FUNCTION(x, vm_floor_f32, vm_floor_f64)
#define CEIL(x) FUNCTION(x, vm_ceil_f32, vm_ceil_f64)
#define TRUNC(x) FUNCTION(x, vm_trunc_f32, vm_trunc_f64)
#define RINT(x) FUNCTION(x, vm_rint_f32, vm_rint_f64)

/* libm until vmath has them */
#define LIBM_C64(name, function) \
  static inline __attribute__((unused)) mxi_c64 libm_##name##_c64(mxi_c64 a) { \
    float complex z = function(__builtin_complex(a.re, a.im)); \
    return (mxi_c64){crealf(z), cimagf(z)}; \
  }
LIBM_C64(sqrt, csqrtf)
LIBM_C64(exp, cexpf)
LIBM_C64(log, clogf)
LIBM_C64(sin, csinf)
LIBM_C64(cos, ccosf)
LIBM_C64(tan, ctanf)
LIBM_C64(asin, casinf)
LIBM_C64(acos, cacosf)
LIBM_C64(atan, catanf)
LIBM_C64(sinh, csinhf)
LIBM_C64(cosh, ccoshf)
LIBM_C64(tanh, ctanhf)
LIBM_C64(asinh, casinhf)
LIBM_C64(acosh, cacoshf)
LIBM_C64(atanh, catanhf)

static inline __attribute__((unused)) mxi_c64 libm_log1p_c64(mxi_c64 a) {
  double re = a.re, im = a.im;
  return (mxi_c64){(float)(0.5 * log1p(re * (2 + re) + im * im)), atan2f(a.im, 1 + a.re)};
}
static inline __attribute__((unused)) mxi_c64 libm_pow_c64(mxi_c64 a, mxi_c64 b) {
  float complex z = cpowf(__builtin_complex(a.re, a.im), __builtin_complex(b.re, b.im));
  return (mxi_c64){crealf(z), cimagf(z)};
}
static inline __attribute__((unused)) double libm_erfinv_f64(double a) {
  if (!(fabs(a) < 1)) return fabs(a) == 1 ? a / 0.0 : NAN;
  double w = log1p(-a * a), t = 4.3307467507998 + w / 2, x = copysign(sqrt(sqrt(t * t - w / 0.147) - t), a);
  for (int i = 0; i < 3; i++) {
    double e = (x > 0 ? (1 - a) - erfc(x) : erfc(-x) - (1 + a)) * 0.886226925452758 * exp(x * x);
    x -= e / (1 + x * e);
  }
  return a == 0 ? a : x;
}
static inline __attribute__((unused)) float libm_erfinv_f32(float a) { return (float)libm_erfinv_f64(a); }
static inline __attribute__((unused)) float libm_mod_f32(float a, float b) {
  float r = fmodf(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline __attribute__((unused)) double libm_mod_f64(double a, double b) {
  double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

#define SQRT(x) FUNCTION_C(x, vm_sqrt_f32, vm_sqrt_f64, libm_sqrt_c64)
#define EXP(x) FUNCTION_C(x, vm_exp_f32, vm_exp_f64, libm_exp_c64)
#define EXPM1(x) FUNCTION(x, vm_expm1_f32, vm_expm1_f64)
#define LOG(x) FUNCTION_C(x, vm_log_f32, vm_log_f64, libm_log_c64)
#define LOG2(x) FUNCTION(x, log2f, vm_log2_f64)
#define LOG10(x) FUNCTION(x, log10f, vm_log10_f64)
#define LOG1P(x) FUNCTION_C(x, vm_log1p_f32, vm_log1p_f64, libm_log1p_c64)
#define SIGMOID(x) FUNCTION(x, vm_sigmoid_f32, vm_sigmoid_f64)
#define ERF(x) FUNCTION(x, vm_erf_f32, erf)
#define ERFINV(x) FUNCTION(x, libm_erfinv_f32, libm_erfinv_f64)
#define SIN(x) FUNCTION_C(x, sinf, sin, libm_sin_c64)
#define COS(x) FUNCTION_C(x, cosf, cos, libm_cos_c64)
#define TAN(x) FUNCTION_C(x, tanf, tan, libm_tan_c64)
#define ASIN(x) FUNCTION_C(x, asinf, asin, libm_asin_c64)
#define ACOS(x) FUNCTION_C(x, acosf, acos, libm_acos_c64)
#define ATAN(x) FUNCTION_C(x, atanf, atan, libm_atan_c64)
#define SINH(x) FUNCTION_C(x, sinhf, vm_sinh_f64, libm_sinh_c64)
#define COSH(x) FUNCTION_C(x, coshf, vm_cosh_f64, libm_cosh_c64)
#define TANH(x) FUNCTION_C(x, vm_tanh_f32, vm_tanh_f64, libm_tanh_c64)
#define ASINH(x) FUNCTION_C(x, asinhf, asinh, libm_asinh_c64)
#define ACOSH(x) FUNCTION_C(x, acoshf, acosh, libm_acosh_c64)
#define ATANH(x) FUNCTION_C(x, atanhf, atanh, libm_atanh_c64)
#define POW(x, y) _Generic((x), float: powf, double: pow, mxi_c64: libm_pow_c64)(x, y)
#define ATAN2(x, y) _Generic((x), float: atan2f, double: atan2)(x, y)
#define MOD(x, y) _Generic((x), float: libm_mod_f32, double: libm_mod_f64)(x, y)

#endif

/* What t_vmath.c and long_vmath.c measure with: errors in ulp, and the oracles that the C library lacks. */
#ifndef MXI_TESTS_VMATH_ORACLE_H
#define MXI_TESTS_VMATH_ORACLE_H

#include <math.h>
#include <stdbool.h>

#include "backend/cpu/kernels/vmath_bits.h"

/* |y - r| in units in the last place of y's format at r, r being exact or nearly. Infinity where only one of them is
 * NaN, or their signs differ; the format's infinity counts as the power of two that its numbers stop before. Without
 * branches, for loops over all floats. */
static inline double ulp_error_f32(float y, double r) {
  double value = y, got = fabs(value), want = fabs(r), scale = want < 0x1p-126 ? 0x1p-126 : want;
  got = got > 0x1p128 ? 0x1p128 : got;
  double e = fabs(got - want) * vm_from_bits_f64((2069 - (vm_bits_f64(scale) >> 52)) << 52); /* 2^23 / its power of two */
  double if_zero = got == 0 ? 0 : INFINITY, if_large = got == 0x1p128 ? 0 : INFINITY, if_nan = value == value ? INFINITY : 0;
  e = want == 0 ? if_zero : e;
  e = want >= 0x1p128 ? if_large : e;
  e = copysign(1, value) == copysign(1, r) ? e : INFINITY;
  e = value == value ? e : INFINITY;
  return r == r ? e : if_nan;
}

static inline double ulp_error_f64(double y, long double r) {
  if (isnan(r) || isnan(y)) return isnan(r) && isnan(y) ? 0 : INFINITY;
  if (!signbit(y) != !signbit(r)) return INFINITY;
  long double got = isinf(y) ? 0x1p1024L : fabsl(y), want = fabsl(r);
  if (want >= 0x1p1024L) return got == 0x1p1024L ? 0 : INFINITY;
  if (want == 0) return y == 0 ? 0 : INFINITY;
  int exponent = ilogbl(want);
  return (double)ldexpl(fabsl(got - want), 52 - (exponent < -1022 ? -1022 : exponent));
}

/* What is left of an error in ulp when a distance of `slack` is allowed, whatever the size of the result. */
static inline double error_beyond(long double slack, double error, long double distance) {
  if (!(slack > 0) || !isfinite(distance)) return error;
  return distance <= slack ? 0 : error * (double)(1 - slack / distance);
}

static inline long double sigmoidl(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static inline double sigmoid(double x) { return (double)sigmoidl(x); }
static inline long double rsqrtl(long double x) { return 1 / sqrtl(x); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }

/* The inverse of erf by Newton's method: on erf below 1/2, on the logarithm of erfc above. */
static inline long double erfinvl(long double x) {
  long double a = fabsl(x), y;
  if (!(a < 1)) return a == 1 ? copysignl(INFINITY, x) : NAN;
  if (a < 1e-7L) return x * 0.886226925452758013649L * (1 + 0.261799387799149436539L * a * a);
  y = a < 0.5L ? 0.9L * a : sqrtl(-logl(1 - a)) * 0.9L;
  for (int i = 0; i < 12; i++) {
    long double slope = 1.128379167095512573896L * expl(-y * y), tail = erfcl(y);
    long double step = a < 0.5L ? (a - erfl(y)) / slope : logl(tail / (1 - a)) * tail / slope;
    y += step;
    if (fabsl(step) <= 1e-18L * y) break;
  }
  return copysignl(y, x);
}

static inline double erfinv(double x) { return (double)erfinvl(x); }

/* ---- Two operands: those of float32 return what its arithmetic gives, or float64 ---------------------------------- */
static inline long double python_remainderl(long double a, long double b) {
  long double m = fmodl(a, b);
  return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static inline double python_remainder(double a, double b) {
  float m = fmodf((float)a, (float)b);
  return m != 0 && (m < 0) != (b < 0) ? m + (float)b : m;
}

static inline long double logaddexpl(long double a, long double b) {
  long double high = a > b ? a : b, low = a > b ? b : a;
  return isnan(a) || isnan(b) ? NAN : isinf(high) ? high : high + log1pl(expl(low - high));
}

static inline double logaddexp(double a, double b) { return (double)logaddexpl(a, b); }

static inline double floor_divide(double a, double b) { return floorf((float)a / (float)b); }
static inline long double floor_dividel(long double a, long double b) { return floor((double)a / (double)b); }

#endif

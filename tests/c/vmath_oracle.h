/* What t_vmath.c and long_vmath.c measure with: errors in ulp, and the oracles that the C library lacks. */
#ifndef MXI_TESTS_VMATH_ORACLE_H
#define MXI_TESTS_VMATH_ORACLE_H

#include <math.h>
#include <stdbool.h>

/* |y - r| in units of the last place of the binary format that has `digits` bits and `lowest` as its smallest normal
 * exponent, `top` being one above its largest; infinity where only one of them is NaN or the signs of zeros differ. */
static inline double ulp_error(double y, long double r, int digits, int lowest, int top) {
  if (isnan(r) || isnan(y)) return isnan(r) && isnan(y) ? 0 : INFINITY;
  if (r == 0) return y == 0 && !signbit(y) == !signbit(r) ? 0 : INFINITY;
  if (!signbit(y) != !signbit(r)) return INFINITY;
  if (isinf(y) && (isinf(r) || fabsl(r) >= ldexpl(1, top))) return 0;
  if (isinf(r)) return INFINITY;
  int exponent = ilogbl(r);
  long double got = isinf(y) ? copysignl(ldexpl(1, top), y) : y;
  return (double)(fabsl(got - r) / ldexpl(1, (exponent < lowest ? lowest : exponent) - digits + 1));
}

static inline double ulp_error_f32(float y, double r) { return ulp_error(y, r, 24, -126, 128); }
static inline double ulp_error_f64(double y, long double r) { return ulp_error(y, r, 53, -1022, 1024); }

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
    y += a < 0.5L ? (a - erfl(y)) / slope : logl(tail / (1 - a)) * tail / slope;
  }
  return copysignl(y, x);
}

static inline double erfinv(double x) { return (double)erfinvl(x); }

#endif

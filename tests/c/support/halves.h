/* float16 and bfloat16 by their definition, in arithmetic instead of bits: an oracle for base/half.h and the kernels. */
#ifndef MXI_TESTS_HALVES_H
#define MXI_TESTS_HALVES_H

#include <math.h>
#include <stdint.h>

#include "mica.h"

struct half_format {
  int digits, least, most; /* of the significand, with its leading one; exponents of the normal numbers */
};

static inline struct half_format half_format_of(mx_dtype t) {
  return t == MX_FLOAT16 ? (struct half_format){11, -14, 15} : (struct half_format){8, -126, 127};
}

static inline double half_value(mx_dtype t, uint16_t bits) {
  struct half_format f = half_format_of(t);
  int fraction = bits & ((1 << (f.digits - 1)) - 1), exponent = (bits & 0x7fff) >> (f.digits - 1);
  int leading = exponent ? 1 << (f.digits - 1) : 0;
  double v = ldexp(leading + fraction, (exponent ? exponent : 1) + f.least - f.digits);
  if (exponent > f.most - f.least + 1) v = fraction ? NAN : INFINITY;
  return bits & 0x8000 ? -v : v;
}

/* The bits of the nearest number, halves to even; any NaN for NaN. */
static inline uint16_t half_nearest(mx_dtype t, double v) {
  struct half_format f = half_format_of(t);
  uint16_t sign = signbit(v) ? 0x8000 : 0, infinity = (uint16_t)((f.most - f.least + 2) << (f.digits - 1));
  if (isnan(v)) return sign | infinity | 1;
  if (isinf(v)) return sign | infinity;
  int exponent = v == 0 || ilogb(v) < f.least ? f.least : ilogb(v);
  double steps = rint(ldexp(fabs(v), f.digits - 1 - exponent)); /* of the format at this exponent */
  double bits = steps + ldexp(exponent - f.least, f.digits - 1); /* a carry moves into the exponent by itself */
  return sign | (bits >= infinity ? infinity : (uint16_t)bits);
}

#endif

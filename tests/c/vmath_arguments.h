/* Where t_vmath.c and long_vmath_sets.c try functions whose arguments are too many to try all. */
#ifndef MXI_TESTS_VMATH_ARGUMENTS_H
#define MXI_TESTS_VMATH_ARGUMENTS_H

#include <math.h>
#include <stdint.h>

/* xorshift64*: the same numbers in every run */
static uint64_t state = 88172645463325252u;
static uint64_t next_bits(void) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 2685821657736338717u;
}

static double next_unit(void) { return (double)(next_bits() >> 11) * 0x1p-53; }

/* A number of either sign whose exponent is uniform in [low, high) */
static double next_scaled(int low, int high) {
  int exponent = low + (int)(next_bits() % (uint64_t)(high - low));
  double v = ldexp(1 + next_unit(), exponent);
  return next_bits() & 1 ? -v : v;
}

/* Where a function, or its type, changes its method or meets its limit */
static const double critical[] = {
    0, 0x1p-27, 0x1p-12, 0.3466, 0.41421356237309503, 0.5, 0.65, 0.6931471805599453, 0.7071067811865476,
    0.7853981633974483, 0.9933, 0.9980694, 1, 1.4142135623730951, 1.5707963267948966, 2, 2.414213562373095, 2.5,
    3.141592653589793, 4, 6, 6.283185307179586, 17, 20, 87.336, 88.029, 88.722839, 103.97, 104, 708.39,
    709.782712893384, 745.13321910194, 65536, 1048576, 0x1p22, 0x1p23, 0x1p52, 1e9, 1e18,
};

/* A third of all bit patterns, a third of moderate numbers, a third around the critical points and their multiples */
static double next_argument(int digits) {
  switch (next_bits() % 3) {
    case 0: return next_scaled(-digits, 10);
    case 1: return next_scaled(digits == 24 ? -149 : -1074, digits == 24 ? 128 : 1024);
    default: {
      double c = critical[next_bits() % (sizeof critical / sizeof *critical)];
      double turns = next_bits() % 4 ? 1 : (double)(next_bits() % 4096);
      int distance = (int)(next_bits() % (uint64_t)digits);
      double v = c * turns + ldexp(next_unit() - 0.5, -distance);
      return next_bits() & 1 ? -v : v;
    }
  }
}

static const double special[] = {
    0.0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 0x1p-149, -0x1p-149, 0x1p-126, 0x1.fffffep127, -0x1.fffffep127,
    0x1p-1074, -0x1p-1074, 0x1p-1022, 0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023,
    0x1.6ac5b262ca1ffp849, /* the float64 nearest to a multiple of pi / 2 */
};
enum { SPECIAL_COUNT = sizeof special / sizeof *special };

#endif

/* Elementary functions of kernels: errors on samples of all floats and around the points where a function changes its
 * method, against the C library's wider functions; exact values at infinities, zeros and NaN. long_vmath.c tries every
 * float32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vmath.h"
#include "vmath_oracle.h"

enum { COUNT = 1 << 16 };

static float x32[COUNT], a32[COUNT], y32[COUNT];
static double x64[COUNT], a64[COUNT], y64[COUNT];

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

static void fill(void) {
  for (int i = 0; i < COUNT; i++) {
    x64[i] = i < SPECIAL_COUNT ? special[i] : next_argument(53);
    x32[i] = (float)(i < SPECIAL_COUNT ? special[i] : next_argument(24));
  }
}

static void expect(const char *name, double at, double with, double error, double bound) {
  if (!(error <= bound)) fail_msg("%s(%.17g, %.17g): error %g ulp, bound %g", name, at, with, error, bound);
}

#define ROW(name, oracle, bound32, bound64)                                                    \
  static void name##_f32_is_within_its_bound(void **unused) {                                  \
    (void)unused;                                                                              \
    fill();                                                                                    \
    for (int i = 0; i < COUNT; i++) y32[i] = vm_##name##_f32(x32[i]);                          \
    for (int i = 0; i < COUNT; i++)                                                            \
      expect(#name " f32", x32[i], 0, ulp_error_f32(y32[i], oracle((double)x32[i])), bound32); \
  }                                                                                            \
  static void name##_f64_is_within_its_bound(void **unused) {                                  \
    (void)unused;                                                                              \
    fill();                                                                                    \
    for (int i = 0; i < COUNT; i++) y64[i] = vm_##name##_f64(x64[i]);                          \
    for (int i = 0; i < COUNT; i++) {                                                          \
      double error = ulp_error_f64(y64[i], oracle##l((long double)x64[i]));                    \
      expect(#name " f64", x64[i], 0, error, bound64);                                         \
    }                                                                                          \
  }
#include "vmath_functions.h"
#undef ROW

/* The loops choose a method block by block; here some blocks have large arguments, some not, and all run in place. */
#define LOOP_TEST(name, bound32, bound64)                                                            \
  static void name##_loops_mix_near_and_far_arguments(void **unused) {                               \
    (void)unused;                                                                                    \
    for (int i = 0; i < COUNT; i++) {                                                                \
      a64[i] = next_scaled(-20, (i / 1500) % 2 ? 1000 : 15);                                         \
      a32[i] = (float)next_scaled(-20, (i / 1500) % 2 ? 128 : 15);                                   \
    }                                                                                                \
    memcpy(x32, a32, sizeof a32);                                                                    \
    memcpy(x64, a64, sizeof a64);                                                                    \
    vm_##name##_f32_n(x32, x32, COUNT - 3);                                                          \
    vm_##name##_f64_n(x64, x64, COUNT - 3);                                                          \
    for (int i = 0; i < COUNT - 3; i++) {                                                            \
      expect(#name " f32", a32[i], 0, ulp_error_f32(x32[i], name((double)a32[i])), bound32);         \
      expect(#name " f64", a64[i], 0, ulp_error_f64(x64[i], name##l((long double)a64[i])), bound64); \
    }                                                                                                \
  }
LOOP_TEST(sin, 2, 1.25)
LOOP_TEST(cos, 2, 1.25)
LOOP_TEST(tan, 0.6, 1)

static long double python_remainderl(long double a, long double b) {
  long double m = fmodl(a, b);
  return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

static double python_remainder(double a, double b) {
  float m = fmodf((float)a, (float)b);
  return m != 0 && (m < 0) != (b < 0) ? m + (float)b : m;
}

static long double logaddexpl(long double a, long double b) {
  long double high = a > b ? a : b, low = a > b ? b : a;
  return isnan(a) || isnan(b) ? NAN : isinf(high) ? high : high + log1pl(expl(low - high));
}

static double logaddexp(double a, double b) { return (double)logaddexpl(a, b); }

/* Pairs: special values with each other, then exponents of four ranges */
static void fill_pairs(void) {
  static const int high32[] = {3, 8, 30, 128}, high64[] = {3, 8, 200, 1024};
  for (int i = 0; i < COUNT; i++) {
    bool sp = i < SPECIAL_COUNT * SPECIAL_COUNT;
    int range = (int)(next_bits() % 4), h = high32[range], d = high64[range];
    x32[i] = (float)(sp ? special[i % SPECIAL_COUNT] : next_scaled(-h, h));
    a32[i] = (float)(sp ? special[i / SPECIAL_COUNT] : next_scaled(-h, h));
    x64[i] = sp ? special[i % SPECIAL_COUNT] : next_scaled(-d, d);
    a64[i] = sp ? special[i / SPECIAL_COUNT] : next_scaled(-d, d);
    if (i % 5 == 0 && !sp) a32[i] = rintf(a32[i]), a64[i] = rint(a64[i]);
  }
}

/* `floor64` is what a result that cancels may be wrong by, beyond its bound. */
#define PAIR_TEST(name, oracle32, oracle64, bound32, bound64, floor64)                                \
  static void name##_of_pairs_is_within_its_bound(void **unused) {                                    \
    (void)unused;                                                                                     \
    fill_pairs();                                                                                     \
    for (int i = 0; i < COUNT; i++) y32[i] = vm_##name##_f32(x32[i], a32[i]);                         \
    for (int i = 0; i < COUNT; i++) y64[i] = vm_##name##_f64(x64[i], a64[i]);                         \
    for (int i = 0; i < COUNT; i++) {                                                                 \
      expect(#name " f32", x32[i], a32[i], ulp_error_f32(y32[i], oracle32(x32[i], a32[i])), bound32); \
      long double r = oracle64((long double)x64[i], (long double)a64[i]);                             \
      double error = fabsl(y64[i] - r) <= (floor64) ? 0 : ulp_error_f64(y64[i], r);                   \
      expect(#name " f64", x64[i], a64[i], error, bound64);                                           \
    }                                                                                                 \
  }
PAIR_TEST(pow, pow, powl, 0.51, 1.5, -1)
PAIR_TEST(atan2, atan2, atan2l, 1.5, 2, -1)
PAIR_TEST(logaddexp, logaddexp, logaddexpl, 0.6, 1.5, 0x1p-52)
PAIR_TEST(remainder, python_remainder, python_remainderl, 0, 0.5, -1)

/* Stretches of quotients of up to 2^20, 2^23, ... 2^44, and some of any size: the loop chooses its method by block. */
static void remainder_loop_is_exact_for_any_quotient(void **unused) {
  (void)unused;
  fill_pairs();
  for (int i = COUNT / 4; i < COUNT; i++) {
    x32[i] = (float)next_scaled(0, 20 + (i / 1500) % 9 * 3);
    a32[i] = (float)next_scaled(0, 1);
  }
  vm_remainder_f32_n(y32, x32, a32, COUNT - 5);
  for (int i = 0; i < COUNT - 5; i++)
    expect("remainder", x32[i], a32[i], ulp_error_f32(y32[i], python_remainder(x32[i], a32[i])), 0);
}

static void floor_divide_rounds_the_quotient_down(void **unused) {
  (void)unused;
  fill_pairs();
  for (int i = 0; i < COUNT; i++) {
    expect("floor_divide f32", x32[i], a32[i],
           ulp_error_f32(vm_floor_divide_f32(x32[i], a32[i]), floorf(x32[i] / a32[i])), 0);
    expect("floor_divide f64", x64[i], a64[i],
           ulp_error_f64(vm_floor_divide_f64(x64[i], a64[i]), floor(x64[i] / a64[i])), 0);
  }
}

int main(void) {
#define ROW(name, oracle, bound32, bound64)                                                           \
  cmocka_unit_test(name##_f32_is_within_its_bound), cmocka_unit_test(name##_f64_is_within_its_bound),
  const struct CMUnitTest tests[] = {
#include "vmath_functions.h"
      cmocka_unit_test(sin_loops_mix_near_and_far_arguments),
      cmocka_unit_test(cos_loops_mix_near_and_far_arguments),
      cmocka_unit_test(tan_loops_mix_near_and_far_arguments),
      cmocka_unit_test(pow_of_pairs_is_within_its_bound),
      cmocka_unit_test(atan2_of_pairs_is_within_its_bound),
      cmocka_unit_test(logaddexp_of_pairs_is_within_its_bound),
      cmocka_unit_test(remainder_of_pairs_is_within_its_bound),
      cmocka_unit_test(remainder_loop_is_exact_for_any_quotient),
      cmocka_unit_test(floor_divide_rounds_the_quotient_down),
  };
#undef ROW
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "vmath_arguments.h"
#include "vmath_oracle.h"

enum { COUNT = 1 << 16 };

static float x32[COUNT], a32[COUNT], y32[COUNT];
static double x64[COUNT], a64[COUNT], y64[COUNT];

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

/* `slack` is what a result that cancels may be wrong by, beyond its bound. */
#define PAIR_TEST(name, oracle32, oracle64, bound32, bound64, slack)                                \
  static void name##_of_pairs_is_within_its_bound(void **unused) {                                    \
    (void)unused;                                                                                     \
    fill_pairs();                                                                                     \
    for (int i = 0; i < COUNT; i++) y32[i] = vm_##name##_f32(x32[i], a32[i]);                         \
    for (int i = 0; i < COUNT; i++) y64[i] = vm_##name##_f64(x64[i], a64[i]);                         \
    for (int i = 0; i < COUNT; i++) {                                                                 \
      double r32 = oracle32(x32[i], a32[i]), e32 = ulp_error_f32(y32[i], r32);                        \
      expect(#name " f32", x32[i], a32[i], error_beyond(slack, e32, fabs(y32[i] - r32)), bound32);    \
      long double r = oracle64((long double)x64[i], (long double)a64[i]);                             \
      double error = error_beyond(slack, ulp_error_f64(y64[i], r), fabsl(y64[i] - r));                \
      expect(#name " f64", x64[i], a64[i], error, bound64);                                           \
    }                                                                                                 \
  }
#define PAIR(row, name, oracle32, oracle64, bound32, bound64, slack) \
  PAIR_TEST(name, oracle32, oracle64, bound32, bound64, slack)
#include "vmath_pairs.h"
#undef PAIR

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

int main(void) {
#define ROW(name, oracle, bound32, bound64)                                                           \
  cmocka_unit_test(name##_f32_is_within_its_bound), cmocka_unit_test(name##_f64_is_within_its_bound),
  const struct CMUnitTest tests[] = {
#include "vmath_functions.h"
      cmocka_unit_test(sin_loops_mix_near_and_far_arguments),
      cmocka_unit_test(cos_loops_mix_near_and_far_arguments),
      cmocka_unit_test(tan_loops_mix_near_and_far_arguments),
#define PAIR(row, name, oracle32, oracle64, bound32, bound64, slack) \
  cmocka_unit_test(name##_of_pairs_is_within_its_bound),
#include "vmath_pairs.h"
#undef PAIR
      cmocka_unit_test(remainder_loop_is_exact_for_any_quotient),
  };
#undef ROW
  return cmocka_run_group_tests(tests, NULL, NULL);
}

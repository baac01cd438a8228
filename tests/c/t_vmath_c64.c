/* Elementary functions of complex64, against the C library's complex functions of long double: each part within one
 * ulp of the whole number's magnitude on samples of every size, and exact at infinities and zeros. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef I
#include "vmath_c64.h"

enum { COUNT = 20000 };
typedef long double complex wide;

static mxi_c64 z[COUNT], w[COUNT], out[COUNT];

static uint64_t state = 88172645463325252u;
static uint64_t next_bits(void) { /* xorshift64*: the same numbers in every run */
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 2685821657736338717u;
}

static float next_scaled(int low, int high) {
  double unit = 1 + (double)(next_bits() >> 11) * 0x1p-53;
  int exponent = low + (int)(next_bits() % (uint64_t)(high - low));
  float v = (float)ldexp(unit, exponent);
  return next_bits() & 1 ? -v : v;
}

/* Numbers of moderate size, of any size up to 2^top, and near 1 */
static void fill(mxi_c64 *to, int top) {
  for (int i = 0; i < COUNT; i++) {
    if (i % 3 == 0) to[i] = (mxi_c64){next_scaled(-6, 4), next_scaled(-6, 4)};
    if (i % 3 == 1) to[i] = (mxi_c64){next_scaled(-40, top), next_scaled(-40, top)};
    if (i % 3 == 2) to[i] = (mxi_c64){1 + next_scaled(-23, -1), next_scaled(-23, -1)};
  }
}

static wide widen(mxi_c64 a) { return __builtin_complex((long double)a.re, (long double)a.im); }

/* The error in ulp of |r|; a result too large for a float is not compared */
static void expect(const char *name, mxi_c64 x, mxi_c64 y, wide r, double bound) {
  long double size = fmaxl(fabsl(creall(r)), fabsl(cimagl(r)));
  if (size >= 0x1.fffffep127L) return;
  long double unit = ldexpl(1, (size < 0x1p-126L ? -126 : ilogbl(cabsl(r))) - 23);
  long double error = fmaxl(fabsl(y.re - creall(r)), fabsl(y.im - cimagl(r))) / unit;
  if (!(error <= bound)) fail_msg("%s(%.9g, %.9g) = (%.9g, %.9g): %.2Lf ulp", name, x.re, x.im, y.re, y.im, error);
}

static wide reciprocal(wide a) { return 1 / a; }
static wide rsqrt(wide a) { return 1 / csqrtl(a); }
static wide square(wide a) { return a * a; }
static wide log2_wide(wide a) { return clogl(a) / logl(2); }
static wide log10_wide(wide a) { return clogl(a) / logl(10); }
static wide sign(wide a) { return a / cabsl(a); }

#define ROWS                                                                                                     \
  ROW(exp, cexpl, 6) ROW(log, clogl, 120) ROW(log2, log2_wide, 120) ROW(log10, log10_wide, 120)                  \
  ROW(sin, csinl, 6) ROW(cos, ccosl, 6) ROW(tan, ctanl, 5) ROW(sinh, csinhl, 6) ROW(cosh, ccoshl, 6)             \
  ROW(tanh, ctanhl, 5) ROW(arcsin, casinl, 60) ROW(arccos, cacosl, 60) ROW(arctan, catanl, 60)                   \
  ROW(arcsinh, casinhl, 60) ROW(arccosh, cacoshl, 60) ROW(arctanh, catanhl, 60) ROW(sqrt, csqrtl, 126)           \
  ROW(rsqrt, rsqrt, 126) ROW(reciprocal, reciprocal, 126) ROW(square, square, 60) ROW(sign, sign, 126)

#define ROW(name, oracle, top)                                                       \
  static void name##_is_within_an_ulp(void **unused) {                               \
    (void)unused;                                                                    \
    fill(z, top);                                                                    \
    for (int i = 0; i < COUNT; i++) out[i] = vm_##name##_c64(z[i]);                  \
    for (int i = 0; i < COUNT; i++) expect(#name, z[i], out[i], oracle(widen(z[i])), 0.75); \
  }
ROWS
#undef ROW

static wide mul(wide a, wide b) { return a * b; }
static wide divide(wide a, wide b) { return a / b; }
static wide power(wide a, wide b) { return cexpl(b * clogl(a)); }

static void mul_div_and_pow_are_within_an_ulp(void **unused) {
  (void)unused;
  fill(z, 60), fill(w, 60);
  for (int i = 0; i < COUNT; i++) expect("mul", z[i], vm_mul_c64(z[i], w[i]), mul(widen(z[i]), widen(w[i])), 0.75);
  for (int i = 0; i < COUNT; i++) expect("div", z[i], vm_div_c64(z[i], w[i]), divide(widen(z[i]), widen(w[i])), 0.75);
  fill(z, 3), fill(w, 3);
  for (int i = 0; i < COUNT; i++) expect("pow", z[i], vm_pow_c64(z[i], w[i]), power(widen(z[i]), widen(w[i])), 0.75);
}

static void log1p_keeps_small_arguments(void **unused) {
  (void)unused;
  fill(z, 3);
  for (int i = 0; i < COUNT; i++) {
    long double x = z[i].re, y = z[i].im;
    wide r = __builtin_complex(log1pl(x * (2 + x) + y * y) / 2, atan2l(y, 1 + x));
    expect("log1p", z[i], vm_log1p_c64(z[i]), r, 0.75);
  }
}

static void log_keeps_its_real_part_on_the_unit_circle(void **unused) {
  (void)unused;
  for (int i = 0; i < COUNT; i++) {
    double angle = (double)next_scaled(-3, 2);
    z[i] = (mxi_c64){(float)cos(angle), (float)sin(angle)};
    long double x = z[i].re, y = z[i].im, r = log1pl((x * x - 1) + y * y) / 2;
    float got = vm_log_c64(z[i]).re;
    if (!(fabsl(got - r) <= 0x1p-23L * fabsl(r))) fail_msg("log(%.9g, %.9g): %.9g", z[i].re, z[i].im, got);
  }
}

static void abs_neither_overflows_nor_vanishes(void **unused) {
  (void)unused;
  assert_true(vm_abs_c64((mxi_c64){3e38f, 4e37f}) == (float)hypot(3e38f, 4e37f));
  assert_true(vm_abs_c64((mxi_c64){3e-40f, 4e-40f}) == (float)hypot(3e-40f, 4e-40f));
  assert_true(isinf(vm_abs_c64((mxi_c64){NAN, -INFINITY})));
  assert_true(isnan(vm_abs_c64((mxi_c64){NAN, 1})));
}

static void same(const char *what, mxi_c64 y, float re, float im) {
  bool ok = (isnan(re) ? isnan(y.re) : y.re == re && !signbit(y.re) == !signbit(re)) &&
            (isnan(im) ? isnan(y.im) : y.im == im && !signbit(y.im) == !signbit(im));
  if (!ok) fail_msg("%s: (%g, %g), expected (%g, %g)", what, y.re, y.im, re, im);
}

/* What released MLX 0.32.4 returns */
static void infinities_and_zeros_are_those_of_annex_g(void **unused) {
  (void)unused;
  const float inf = INFINITY, nan = NAN, pi = 3.14159274f, zero = -0.0f;
  same("exp(inf)", vm_exp_c64((mxi_c64){inf, 0}), inf, 0);
  same("exp(-inf)", vm_exp_c64((mxi_c64){-inf, 0}), 0, 0);
  same("exp(nan + 0i)", vm_exp_c64((mxi_c64){nan, 0}), nan, 0);
  same("exp(-0i)", vm_exp_c64((mxi_c64){0, zero}), 1, zero);
  same("log(0)", vm_log_c64((mxi_c64){0, 0}), -inf, 0);
  same("log(-0)", vm_log_c64((mxi_c64){zero, 0}), -inf, pi);
  same("log(-1 - 0i)", vm_log_c64((mxi_c64){-1, zero}), 0, -pi);
  same("log(inf i)", vm_log_c64((mxi_c64){0, inf}), inf, pi / 2);
  same("sqrt(-inf)", vm_sqrt_c64((mxi_c64){-inf, 0}), 0, inf);
  same("sqrt(inf i)", vm_sqrt_c64((mxi_c64){0, inf}), inf, inf);
  same("sqrt(-0i)", vm_sqrt_c64((mxi_c64){0, zero}), 0, zero);
  same("cosh(inf)", vm_cosh_c64((mxi_c64){inf, 0}), inf, 0);
  same("tanh(-inf)", vm_tanh_c64((mxi_c64){-inf, 0}), -1, 0);
  same("arcsin(inf)", vm_arcsin_c64((mxi_c64){inf, 0}), pi / 2, inf);
  same("arctanh(1)", vm_arctanh_c64((mxi_c64){1, 0}), inf, 0);
  same("1 / 0", vm_div_c64((mxi_c64){1, 1}, (mxi_c64){0, 0}), inf, inf);
  same("0 / 0", vm_div_c64((mxi_c64){0, 0}, (mxi_c64){0, 0}), nan, nan);
  same("1 / inf", vm_div_c64((mxi_c64){1, 1}, (mxi_c64){inf, 0}), 0, 0);
  same("inf / (1 + i)", vm_div_c64((mxi_c64){inf, 0}, (mxi_c64){1, 1}), inf, -inf);
  same("huge / huge", vm_div_c64((mxi_c64){3e38f, 3e38f}, (mxi_c64){3e38f, 3e38f}), 1, 0);
  same("sign(0)", vm_sign_c64((mxi_c64){zero, 0}), zero, 0);
  same("logaddexp", vm_logaddexp_c64((mxi_c64){-inf, 0}, (mxi_c64){-inf, 0}), -inf, 0);
}

int main(void) {
#define ROW(name, oracle, top) cmocka_unit_test(name##_is_within_an_ulp),
  const struct CMUnitTest tests[] = {
      ROWS
      cmocka_unit_test(mul_div_and_pow_are_within_an_ulp),
      cmocka_unit_test(log1p_keeps_small_arguments),
      cmocka_unit_test(log_keeps_its_real_part_on_the_unit_circle),
      cmocka_unit_test(abs_neither_overflows_nor_vanishes),
      cmocka_unit_test(infinities_and_zeros_are_those_of_annex_g),
  };
#undef ROW
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Complex rows of core/elementwise.def, for every instruction set this CPU has: dense and scalar operands, special values
 * and results in place. Arithmetic, comparisons and parts are exact by their definition in float32; functions are those of
 * C's complex numbers in long double. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#undef I
#include "support/isa_rows.h"

static const struct row {
  const char *name;
  int arity;
  double lo, hi;
} rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = {#name, arity, lo, hi},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

enum { COUNT = 1283 }; /* odd, so that last blocks are partial */
typedef long double complex wide;

static uint64_t state = 88172645463325252u;
static uint64_t next_bits(void) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 2685821657736338717u;
}

static const float special[] = {0.0f, -0.0f, 1, -1, 2.5f, INFINITY, -INFINITY, NAN};
enum { SPECIALS = sizeof special / sizeof *special, SPECIAL_NUMBERS = SPECIALS * SPECIALS };

static float draw(const struct row *r) { return (float)(r->lo + (r->hi - r->lo) * (double)(next_bits() >> 11) * 0x1p-53); }

/* Special numbers, then those with an equal real part, then any of the row's range. */
static mxi_c64 draw_number(const struct row *r, int i, int operand) {
  int at = (operand ? i * 7 + 3 : i) % SPECIAL_NUMBERS;
  if (i < 8 * SPECIAL_NUMBERS) return (mxi_c64){special[at % SPECIALS], special[at / SPECIALS]};
  return (mxi_c64){i < 10 * SPECIAL_NUMBERS ? 1 : draw(r), draw(r)};
}

/* ---- Exact rows -------------------------------------------------------------------------------------------------- */
static bool is_nan(mxi_c64 a) { return isnan(a.re) || isnan(a.im); }
static bool is_less(mxi_c64 a, mxi_c64 b) { return a.re < b.re || (a.re == b.re && a.im < b.im); }
static bool is_equal(mxi_c64 a, mxi_c64 b) { return a.re == b.re && a.im == b.im; }
static mxi_c64 number(float re, float im) { return (mxi_c64){re, im}; }

/* Each product and each sum rounds. */
static mxi_c64 product(mxi_c64 a, mxi_c64 b) {
  volatile float rr = a.re * b.re, ii = a.im * b.im, ri = a.re * b.im, ir = a.im * b.re;
  return number(rr - ii, ri + ir);
}

enum answer { NONE, NUMBER, REAL_PART, BYTE };

static enum answer exact_of(int op, mxi_c64 a, mxi_c64 b, mxi_c64 *y) {
  switch (op) {
#define CASE(name, value) case MXI_OP_##name: *y = value; return NUMBER;
    CASE(add, number(a.re + b.re, a.im + b.im)) CASE(subtract, number(a.re - b.re, a.im - b.im))
    CASE(multiply, product(a, b)) CASE(square, product(a, a)) CASE(negative, number(-a.re, -a.im))
    CASE(conjugate, number(a.re, -a.im)) CASE(rint, number(rintf(a.re), rintf(a.im)))
    CASE(maximum, is_nan(a) ? a : is_nan(b) || !is_less(b, a) ? b : a)
    CASE(minimum, is_nan(a) ? a : is_nan(b) || !is_less(a, b) ? b : a)
#undef CASE
#define CASE(name, value) case MXI_OP_##name: y->re = value; y->im = 0; return REAL_PART;
    CASE(real, a.re) CASE(imag, a.im)
#undef CASE
#define CASE(name, value) case MXI_OP_##name: y->re = value; y->im = 0; return BYTE;
    CASE(equal, is_equal(a, b)) CASE(not_equal, !is_equal(a, b)) CASE(less, is_less(a, b)) CASE(greater, is_less(b, a))
    CASE(less_equal, is_less(a, b) || is_equal(a, b)) CASE(greater_equal, is_less(b, a) || is_equal(a, b))
    CASE(isnan, is_nan(a)) CASE(isinf, isinf(a.re) || isinf(a.im)) CASE(isfinite, isfinite(a.re) && isfinite(a.im))
    CASE(isposinf, a.re == INFINITY && a.im == 0) CASE(isneginf, a.re == -INFINITY && a.im == 0)
#undef CASE
    default: return NONE;
  }
}

/* ---- Functions --------------------------------------------------------------------------------------------------- */
static wide widen(mxi_c64 a) { return __builtin_complex((long double)a.re, (long double)a.im); }

static wide log1p_wide(wide a) { /* log(1 + a) without losing a where it is small */
  long double x = creall(a), y = cimagl(a);
  return __builtin_complex(log1pl(x * (2 + x) + y * y) / 2, atan2l(y, 1 + x));
}

static wide sign_wide(wide a) { return cabsl(a) == 0 ? 0 : a / cabsl(a); }

static bool function_of(int op, wide a, wide b, wide *y) {
  switch (op) {
#define CASE(name, value) case MXI_OP_##name: *y = value; return true;
    CASE(divide, a / b) CASE(floor_divide, a / b) CASE(power, cpowl(a, b)) CASE(abs, cabsl(a)) CASE(sign, sign_wide(a))
    CASE(sqrt, csqrtl(a)) CASE(rsqrt, 1 / csqrtl(a)) CASE(exp, cexpl(a)) CASE(log, clogl(a)) CASE(log2, clogl(a) / logl(2))
    CASE(log10, clogl(a) / logl(10)) CASE(log1p, log1p_wide(a)) CASE(logaddexp, clogl(cexpl(a) + cexpl(b)))
    CASE(sin, csinl(a)) CASE(cos, ccosl(a)) CASE(tan, ctanl(a)) CASE(arcsin, casinl(a)) CASE(arccos, cacosl(a))
    CASE(arctan, catanl(a)) CASE(sinh, csinhl(a)) CASE(cosh, ccoshl(a)) CASE(tanh, ctanhl(a)) CASE(arcsinh, casinhl(a))
    CASE(arccosh, cacoshl(a)) CASE(arctanh, catanhl(a))
#undef CASE
    default: return false;
  }
}

/* Computed in float64 and rounded once: half an ulp of the larger part, and what float64 loses, 2^-26 of an ulp a step,
 * times at most 2^7 where a function of this range is that sensitive. logaddexp may leave its branch by a turn. */
static bool is_near(int op, mxi_c64 y, wide r) {
  long double size = fmaxl(fabsl(creall(r)), fabsl(cimagl(r))), unit = ldexpl(1, ilogbl(size) - 23);
  long double im = cimagl(r) - y.im, turn = 2 * acosl(-1);
  if (op == MXI_OP_logaddexp) im -= turn * rintl(im / turn), unit = fmaxl(unit, 0x1p-21L);
  return size == 0 ? y.re == 0 && y.im == 0 : fabsl(y.re - creall(r)) <= 0.52L * unit && fabsl(im) <= 0.52L * unit;
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */
static bool is_same(float a, float b) { return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b)); }

static void check(const char *set, int op, mxi_c64 a, mxi_c64 b, const void *out, int i) {
  mxi_c64 want = {0, 0}, y = {0, 0};
  wide r;
  enum answer kind = exact_of(op, a, b, &want);
  bool is_finite = isfinite(a.re) && isfinite(a.im) && isfinite(b.re) && isfinite(b.im), is_right = true;
  if (kind == BYTE) y.re = ((const uint8_t *)out)[i];
  else if (kind == REAL_PART || op == MXI_OP_abs) y.re = ((const float *)out)[i];
  else y = ((const mxi_c64 *)out)[i];
  if (kind != NONE) {
    is_right = is_same(y.re, want.re) && is_same(y.im, want.im);
  } else if (!function_of(op, widen(a), widen(b), &r)) {
    fail_msg("%s has no definition here", rows[op].name);
  } else if (is_finite && isfinite(creall(r)) && isfinite(cimagl(r)) && i >= 8 * SPECIAL_NUMBERS) {
    want = number((float)creall(r), (float)cimagl(r));
    is_right = is_near(op, y, r);
  }
  if (!is_right)
    fail_msg("%s %s((%a, %a), (%a, %a)) = (%a, %a), expected (%a, %a)", set, rows[op].name, a.re, a.im, b.re, b.im, y.re,
             y.im, want.re, want.im);
}

static mxi_c64 a[COUNT], b[COUNT], y[COUNT], before[COUNT];

static void run(const struct isa_rows *set, int op, unsigned mask, bool is_in_place) {
  for (int i = 0; i < COUNT; i++) a[i] = draw_number(&rows[op], i, 0), b[i] = draw_number(&rows[op], i, 1);
  if (mask) a[0] = draw_number(&rows[op], COUNT, 0), b[0] = draw_number(&rows[op], COUNT, 1);
  memcpy(before, a, sizeof a);
  set->complexes->fn[op][MX_COMPLEX64](is_in_place ? a : y, (const void *const[]){a, b, b}, mask, COUNT);
  for (int i = 0; i < COUNT; i++)
    check(set->name, op, before[mask & 1 ? 0 : i], b[mask & 2 ? 0 : i], is_in_place ? a : y, i);
}

static void complex_rows_are_exact_or_rounded_once(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int op = 0; op < MXI_OP_ELEMENTWISE_END; op++) {
      mxi_c64 unused_number;
      if (op == MXI_OP_where || !sets[s].complexes->fn[op][MX_COMPLEX64]) continue;
      run(&sets[s], op, 0, false);
      enum answer kind = exact_of(op, a[0], b[0], &unused_number);
      if (kind == NUMBER || (kind == NONE && op != MXI_OP_abs)) run(&sets[s], op, 0, true);
      if (rows[op].arity == 2) run(&sets[s], op, 1, false), run(&sets[s], op, 2, false);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(complex_rows_are_exact_or_rounded_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

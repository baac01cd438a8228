/* Rows of core/elementwise.def, for every real dtype and instruction set this CPU has: dense and scalar operands,
 * special values, odd lengths and results in place, against plain C in the definition's own words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/isa_rows.h"

static const struct row {
  const char *name;
  int arity;
  double lo, hi, ulp;
} rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = {#name, arity, lo, hi, ulp},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

/* ---- Operands ---------------------------------------------------------------------------------------------------- */
enum { COUNT = 1283 }; /* odd, so that last blocks are partial */

static uint64_t state = 88172645463325252u;
static uint64_t next_bits(void) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 2685821657736338717u;
}

static const double special[] = {0.0, -0.0, 1, -1, 0.5, -0.5, 2.5, -2.5, INFINITY, -INFINITY, NAN};
enum { SPECIALS = sizeof special / sizeof *special };

/* Pairs of special values first, then numbers of the row's range. */
static double draw(const struct row *row, int i, int operand) {
  if (i < SPECIALS * SPECIALS) return special[operand ? i / SPECIALS : i % SPECIALS];
  return row->lo + (row->hi - row->lo) * (double)(next_bits() >> 11) * 0x1p-53;
}

/* ---- Definitions: real numbers ----------------------------------------------------------------------------------- */
static long double erfinv_l(long double x) { /* bisection: slow and plain */
  long double low = 0, high = 12, a = fabsl(x);
  if (!(a < 1)) return a == 1 ? copysignl(INFINITY, x) : NAN;
  for (int i = 0; i < 200; i++) {
    long double middle = (low + high) / 2;
    if (erfl(middle) < a) low = middle; else high = middle;
  }
  return copysignl(high, x) * (a != 0);
}

static long double logaddexp_l(long double a, long double b) {
  if (isnan(a) || isnan(b)) return NAN;
  if (a == b && isinf(a)) return a;
  return fmaxl(a, b) + log1pl(expl(-fabsl(a - b)));
}

/* Functions with an error bound. false: the row is not one of them. */
static bool function_of(int op, long double a, long double b, long double *y) {
  switch (op) {
#define CASE(name, value) case MXI_OP_##name: *y = value; return true;
    CASE(rsqrt, 1 / sqrtl(a)) CASE(exp, expl(a)) CASE(expm1, expm1l(a)) CASE(log, logl(a)) CASE(log2, log2l(a))
    CASE(log10, log10l(a)) CASE(log1p, log1pl(a)) CASE(logaddexp, logaddexp_l(a, b)) CASE(power, powl(a, b))
    CASE(sigmoid, a < 0 ? expl(a) / (1 + expl(a)) : 1 / (1 + expl(-a))) CASE(erf, erfl(a)) CASE(erfinv, erfinv_l(a))
    CASE(sin, sinl(a)) CASE(cos, cosl(a)) CASE(tan, tanl(a)) CASE(arcsin, asinl(a)) CASE(arccos, acosl(a))
    CASE(arctan, atanl(a)) CASE(arctan2, atan2l(a, b)) CASE(sinh, sinhl(a)) CASE(cosh, coshl(a)) CASE(tanh, tanhl(a))
    CASE(arcsinh, asinhl(a)) CASE(arccosh, acoshl(a)) CASE(arctanh, atanhl(a))
    default: return false;
  }
}

/* Rows without one, in the arithmetic of the dtype. Volatile keeps the compiler from working in another. */
#define EXACT(T, s)                                                                                              \
  static T python_mod_##s(T a, T b) {                                                                            \
    T m = (T)fmodl(a, b);                                                                                        \
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                                             \
  }                                                                                                              \
  static bool exact_##s(int op, T a, T b, T *y) {                                                                \
    volatile T q = a / b, sum = a + b, difference = a - b, product = a * b, square = a * a;                      \
    bool is_nan = isnan(a) || isnan(b);                                                                          \
    switch (op) {                                                                                                \
      CASE(add, sum) CASE(subtract, difference) CASE(multiply, product) CASE(divide, q) CASE(square, square)     \
      CASE(floor_divide, (T)floorl(q)) CASE(remainder, python_mod_##s(a, b)) CASE(negative, -a)                  \
      CASE(abs, (T)fabsl(a)) CASE(sign, a > 0 ? 1 : a < 0 ? -1 : 0)                                              \
      CASE(maximum, is_nan ? (T)NAN : a > b ? a : b) CASE(minimum, is_nan ? (T)NAN : a < b ? a : b)              \
      CASE(sqrt, sizeof(T) == 4 ? (T)sqrtf((float)a) : (T)sqrt(a)) CASE(floor, (T)floorl(a))                     \
      CASE(ceil, (T)ceill(a)) CASE(trunc, (T)truncl(a)) CASE(rint, (T)rintl(a)) CASE(real, a) CASE(imag, 0)      \
      CASE(conjugate, a) CASE(equal, a == b) CASE(not_equal, a != b) CASE(less, a < b) CASE(less_equal, a <= b)  \
      CASE(greater, a > b) CASE(greater_equal, a >= b) CASE(isnan, !!isnan(a)) CASE(isinf, !!isinf(a))           \
      CASE(isfinite, !!isfinite(a)) CASE(isposinf, isinf(a) && a > 0) CASE(isneginf, isinf(a) && a < 0)          \
      default: return false;                                                                                     \
    }                                                                                                            \
  }
EXACT(float, f32)
EXACT(double, f64)

static bool gives_bytes(int op) {
  return (op >= MXI_OP_equal && op <= MXI_OP_greater_equal) || (op >= MXI_OP_isnan && op <= MXI_OP_isneginf);
}

/* Units in the last place of a format with `digits` bits, at r. */
static long double ulps(long double y, long double r, int digits, int lowest) {
  if (isnan(y) || isnan(r)) return isnan(y) && isnan(r) ? 0 : INFINITY;
  if (y == r) return 0;
  if (isinf(y) || isinf(r)) return INFINITY;
  int exponent = r == 0 ? lowest : ilogbl(r);
  return ldexpl(fabsl(y - r), digits - 1 - (exponent < lowest ? lowest : exponent));
}

static void check_real(const char *set, int op, double a, double b, double y, bool is_double) {
  long double r = 0, error, bound = rows[op].ulp;
  float r32 = 0;
  double r64 = 0;
  if (is_double ? exact_f64(op, a, b, &r64) : exact_f32(op, (float)a, (float)b, &r32)) {
    r = is_double ? r64 : (double)r32;
    bound = 0;
  } else if (!function_of(op, a, b, &r)) {
    fail_msg("%s has no definition here", rows[op].name);
  }
  if (!is_double && !isnan(r) && fabsl(r) >= 0x1.ffffffp127L) r = copysignl(INFINITY, r);
  error = ulps(y, r, is_double ? 53 : 24, is_double ? -1022 : -126);
  /* a sum of logarithms near 0 is as exact as its terms */
  if (op == MXI_OP_logaddexp && fabsl(r) < 1) error *= fabsl(r) / 2;
  if (!(error <= bound))
    fail_msg("%s %s(%a, %a) = %a, expected %La: %Lg ulp, bound %Lg", set, rows[op].name, a, b, y, r, error, bound);
}

/* ---- Real rows --------------------------------------------------------------------------------------------------- */
union run {
  float f32[COUNT];
  double f64[COUNT];
  uint8_t u8[COUNT];
};
static union run a, b, y;
static double get(const union run *x, int i, bool is_double) { return is_double ? x->f64[i] : (double)x->f32[i]; }
static void put(union run *x, int i, bool is_double, double v) {
  if (is_double) x->f64[i] = v;
  else x->f32[i] = (float)v;
}

static void run_real(const struct isa_rows *set, int op, bool is_double, unsigned mask, bool is_in_place) {
  mxi_ew_fn fn = set->floats->fn[op][is_double ? MX_FLOAT64 : MX_FLOAT32];
  static union run a_before;
  for (int i = 0; i < COUNT; i++) {
    put(&a, i, is_double, draw(&rows[op], i, 0));
    put(&b, i, is_double, draw(&rows[op], i, 1));
  }
  if (mask & 1) put(&a, 0, is_double, draw(&rows[op], 5000, 0));
  if (mask & 2) put(&b, 0, is_double, draw(&rows[op], 5000, 0));
  a_before = a;
  fn(is_in_place ? (void *)&a : (void *)&y, (const void *const[]){&a, &b, &b}, mask, COUNT);
  const union run *result = is_in_place ? &a : &y;
  for (int i = 0; i < COUNT; i++) {
    double got = gives_bytes(op) ? result->u8[i] : get(result, i, is_double);
    double u = get(&a_before, mask & 1 ? 0 : i, is_double), v = get(&b, mask & 2 ? 0 : i, is_double);
    check_real(set->name, op, u, v, got, is_double);
  }
}

static void real_rows_are_within_their_bound(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int op = 0; op < MXI_OP_ELEMENTWISE_END; op++)
      for (int is_double = 0; is_double < 2; is_double++) {
        if (op == MXI_OP_where || op == MXI_OP_to_fp8) continue;
        if (!sets[s].floats->fn[op][is_double ? MX_FLOAT64 : MX_FLOAT32]) continue;
        run_real(&sets[s], op, is_double, 0, false);
        if (!gives_bytes(op)) run_real(&sets[s], op, is_double, 0, true);
        if (rows[op].arity < 2) continue;
        run_real(&sets[s], op, is_double, 1, false);
        run_real(&sets[s], op, is_double, 2, false);
      }
}

/* ---- Definitions: integers --------------------------------------------------------------------------------------- */
typedef __int128 wide;

static wide power_of(wide a, wide b) {
  uint64_t y = 1;
  if (b < 0) return 0;
  for (wide i = 0; i < b; i++) y *= (uint64_t)a;
  return (wide)y;
}
static wide floor_of(wide a, wide b) { return b == 0 ? 0 : a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static wide shift_right(wide a, wide b, int bits) { return b < 0 || b >= bits ? (a < 0 ? -1 : 0) : a >> (int)b; }
static wide shift_left(wide a, wide b, int bits) {
  return b < 0 || b >= bits ? 0 : (wide)((unsigned __int128)a << (int)b);
}

static bool integer_of(int op, wide a, wide b, int bits, wide *y) {
  switch (op) {
    CASE(add, a + b) CASE(subtract, a - b) CASE(multiply, (wide)((unsigned __int128)a * (unsigned __int128)b))
    CASE(floor_divide, floor_of(a, b)) CASE(remainder, a - floor_of(a, b) * b) CASE(power, power_of(a, b))
    CASE(square, (wide)((unsigned __int128)a * (unsigned __int128)a)) CASE(negative, -a) CASE(abs, a < 0 ? -a : a)
    CASE(sign, (a > 0) - (a < 0)) CASE(maximum, a > b ? a : b) CASE(minimum, a < b ? a : b) CASE(floor, a)
    CASE(ceil, a) CASE(trunc, a) CASE(rint, a) CASE(real, a) CASE(imag, 0) CASE(conjugate, a) CASE(equal, a == b)
    CASE(not_equal, a != b) CASE(less, a < b) CASE(less_equal, a <= b) CASE(greater, a > b) CASE(greater_equal, a >= b)
    CASE(logical_and, a && b) CASE(logical_or, a || b) CASE(logical_xor, !a != !b) CASE(logical_not, !a)
    CASE(bitwise_and, a & b) CASE(bitwise_or, a | b) CASE(bitwise_xor, a ^ b) CASE(bitwise_invert, bits == 1 ? !a : ~a)
    CASE(left_shift, shift_left(a, b, bits)) CASE(right_shift, shift_right(a, b, bits)) CASE(isnan, 0) CASE(isinf, 0)
    CASE(isfinite, 1) CASE(isposinf, 0) CASE(isneginf, 0)
    default: return false;
  }
}

static wide load_integer(const char *x, int dtype) {
  uint64_t bits = 0;
  int width = 8 * mxi_itemsizes[dtype];
  memcpy(&bits, x, (size_t)width / 8);
  return mxi_kinds[dtype] == MXI_KIND_SIGNED ? (wide)((int64_t)(bits << (64 - width)) >> (64 - width)) : (wide)bits;
}

/* ---- Integer rows: every pair of 8-bit numbers, a sample of others ----------------------------------------------- */
enum { PAIRS = 65536 + 7 };
static char p[PAIRS * 8], q[PAIRS * 8], z[PAIRS * 8];

static void fill_integers(int op, int dtype, int n) {
  static const uint64_t edges[] = {0,      1,      2,          ~0ull,      ~1ull,     0x7f,      0x80,
                                   0x7fff, 0x8000, 0x7fffffff, 0x80000000, INT64_MAX, 1ull << 63};
  size_t size = mxi_itemsizes[dtype];
  for (int i = 0; i < n; i++) {
    uint64_t u = next_bits() >> next_bits() % 64, v = next_bits() >> next_bits() % 64;
    if (i < 169) u = edges[i % 13], v = edges[i / 13];
    if (size == 1) u = (uint64_t)i & 255, v = (uint64_t)i >> 8 & 255;
    if (dtype == MX_BOOL) u &= 1, v &= 1;
    if (op == MXI_OP_power && size > 1) v = next_bits() % 70 - (mxi_kinds[dtype] == MXI_KIND_SIGNED ? 3 : 0);
    if ((op == MXI_OP_left_shift || op == MXI_OP_right_shift) && size > 1 && i > 169) v = next_bits() % 70 - 3;
    memcpy(p + (size_t)i * size, &u, size);
    memcpy(q + (size_t)i * size, &v, size);
  }
}

static void check_integers(const struct isa_rows *set, int op, int dtype, unsigned mask, int n) {
  size_t size = mxi_itemsizes[dtype];
  bool is_bool = dtype == MX_BOOL, is_byte = gives_bytes(op);
  set->ints->fn[op][dtype](z, (const void *const[]){p, q, q}, mask, (size_t)n);
  for (int i = 0; i < n; i++) {
    wide u = load_integer(p + (mask & 1 ? 0 : (size_t)i * size), dtype), r;
    wide v = load_integer(q + (mask & 2 ? 0 : (size_t)i * size), dtype);
    if (!integer_of(op, u, v, is_bool ? 1 : (int)size * 8, &r)) fail_msg("%s has no definition here", rows[op].name);
    if (is_bool) r = r != 0;
    size_t out_size = is_byte ? 1 : size;
    uint64_t want = (uint64_t)r, got = 0, keep = out_size == 8 ? ~0ull : (1ull << 8 * out_size) - 1;
    memcpy(&got, z + (size_t)i * out_size, out_size);
    if (got != (want & keep))
      fail_msg("%s %s(%lld, %lld) of dtype %s is %llx, expected %llx", set->name, rows[op].name, (long long)u,
               (long long)v, mxi_dtype_names[dtype], (unsigned long long)got, (unsigned long long)(want & keep));
  }
}

static void integer_rows_are_exact(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int op = 0; op < MXI_OP_ELEMENTWISE_END; op++)
      for (int dtype = 0; dtype < MXI_DTYPE_COUNT; dtype++) {
        if (mxi_kinds[dtype] > MXI_KIND_SIGNED || !sets[s].ints->fn[op][dtype]) continue;
        if (op == MXI_OP_where || op == MXI_OP_decode_fp8) continue;
        int n = mxi_itemsizes[dtype] == 1 && dtype != MX_BOOL ? PAIRS : 1031;
        fill_integers(op, dtype, n);
        for (unsigned mask = 0; mask < (rows[op].arity == 2 ? 3u : 1u); mask++)
          check_integers(&sets[s], op, dtype, mask, n);
      }
}

/* ---- Choice and float8 ------------------------------------------------------------------------------------------- */
static const struct mxi_ew_rows *rows_of(const struct isa_rows *set, int dtype) {
  int kind = mxi_kinds[dtype];
  return kind == MXI_KIND_FLOAT ? set->floats : kind == MXI_KIND_COMPLEX ? set->complexes : set->ints;
}

static void choose(const struct isa_rows *set, int dtype, unsigned mask) {
  static uint8_t condition[COUNT];
  bool is_half = mxi_is_half((mx_dtype)dtype);
  size_t size = is_half ? 4 : mxi_itemsizes[dtype];
  for (int i = 0; i < COUNT; i++) condition[i] = next_bits() & 1;
  for (size_t i = 0; i < COUNT * size; i++) p[i] = (char)(next_bits() & 1), q[i] = (char)(next_bits() & 1);
  rows_of(set, dtype)->fn[MXI_OP_where][dtype](z, (const void *const[]){condition, p, q}, mask, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    const char *from = condition[mask & 1 ? 0 : i] ? p + (mask & 2 ? 0 : i * size) : q + (mask & 4 ? 0 : i * size);
    if (memcmp(z + i * size, from, size))
      fail_msg("%s where, dtype %s, mask %u, at %zu", set->name, mxi_dtype_names[dtype], mask, i);
  }
}

static void where_takes_either_side(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int dtype = 0; dtype < MXI_DTYPE_COUNT; dtype++)
      for (unsigned mask = 0; mask < 7; mask++) choose(&sets[s], dtype, mask);
}

/* The value of float8 bits 0 .. 126. */
static double fp8_value(int bits) {
  int exponent = bits >> 3, fraction = bits & 7;
  return exponent ? ldexp(8 + fraction, exponent - 10) : ldexp(fraction, -9);
}

static int nearest_fp8(double x) {
  int best = 0;
  for (int k = 1; k < 127; k++) {
    double old = fabs(fabs(x) - fp8_value(best)), now = fabs(fabs(x) - fp8_value(k));
    if (now < old || (now == old && k % 2 == 0)) best = k;
  }
  return isnan(x) ? 127 : isinf(x) ? 126 : best;
}

static void float8_rounds_to_nearest(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int is_double = 0; is_double < 2; is_double++) {
      for (int i = 0; i < COUNT; i++) {
        double middle = i % 126 < 125 ? (fp8_value(i % 126) + fp8_value(i % 126 + 1)) / 2 : 1e6;
        double v = ldexp((double)(next_bits() % 4096), (int)(next_bits() % 24) - 24);
        if (i < 700) v = nextafter(middle, i % 2 ? 0 : 1e9);
        if (i < 500) v = i < SPECIALS ? special[i] : middle;
        put(&a, i, is_double, i % 3 ? v : -v);
      }
      mxi_ew_fn encode = sets[s].floats->fn[MXI_OP_to_fp8][is_double ? MX_FLOAT64 : MX_FLOAT32];
      encode(&y, (const void *const[]){&a, &a, &a}, 0, COUNT);
      for (int i = 0; i < COUNT; i++) {
        double v = get(&a, i, is_double);
        int want = nearest_fp8(v) | (signbit(v) ? 128 : 0);
        if (isnan(v) ? (y.u8[i] & 127) != 127 : y.u8[i] != want)
          fail_msg("%s to_fp8(%a) = %d, expected %d", sets[s].name, v, y.u8[i], want);
      }
    }
}

static void float8_decodes_to_its_value(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  uint8_t all[256];
  float value[256];
  for (int i = 0; i < 256; i++) all[i] = (uint8_t)i;
  for (int s = 0; s < count; s++) {
    sets[s].ints->fn[MXI_OP_decode_fp8][MX_UINT8](value, (const void *const[]){all, all, all}, 0, 256);
    for (int i = 0; i < 256; i++) {
      double want = (i & 128 ? -1 : 1) * ((i & 127) == 127 ? NAN : fp8_value(i & 127));
      if (isnan(want) ? !isnan(value[i]) : value[i] != want)
        fail_msg("%s decode_fp8(%d) = %a", sets[s].name, i, value[i]);
    }
  }
}

/* ---- Quotients by one number -------------------------------------------------------------------------------------- */
#define DIVIDE_ALL(T, divide, divisor)                                                                    \
  for (int i = 0; i < 67; i++) {                                                                          \
    uint64_t bits = next_bits();                                                                          \
    memcpy((T *)p + i, i < SPECIALS ? (const void *)&(T){(T)special[i]} : (const void *)&bits, sizeof(T)); \
  }                                                                                                       \
  divide(z, (const void *const[]){p, &divisor, p}, 2, 67);                                                \
  for (int i = 0; i < 67; i++) {                                                                          \
    volatile T x = ((T *)p)[i], want = x / divisor;                                                       \
    T got = ((T *)z)[i];                                                                                  \
    if (isnan(want) ? !isnan(got) : memcmp(&got, (const void *)&want, sizeof(T)))                         \
      fail_msg("%s: %a / %a = %a, expected %a", sets[s].name, x, divisor, got, want);                     \
  }

/* Powers of two, which have a path of their own, and others. */
static void quotients_by_one_number_are_rounded_once(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int e = -1075; e <= 1024; e++) { /* zero and infinity at the ends */
      double d = (e & 1 ? -1 : 1) * ldexp(e % 3 ? 1 : 1.5, e);
      float f = (float)d;
      DIVIDE_ALL(float, sets[s].floats->fn[MXI_OP_divide][MX_FLOAT32], f)
      DIVIDE_ALL(double, sets[s].floats->fn[MXI_OP_divide][MX_FLOAT64], d)
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_rows_are_within_their_bound), cmocka_unit_test(integer_rows_are_exact),
      cmocka_unit_test(where_takes_either_side),          cmocka_unit_test(float8_rounds_to_nearest),
      cmocka_unit_test(float8_decodes_to_its_value),
      cmocka_unit_test(quotients_by_one_number_are_rounded_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

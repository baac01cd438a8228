/* Matrix-vector kernels of every instruction set this CPU has, against the definition of the two trees written out
 * here in plain C, bit for bit; and their fused, split and unfused forms against each other. All operands lie against
 * guard pages, and what lies between the rows is NaN. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/cpu/matvec_kernels.h"

/* ---- storage types: values are held as double, which represents all of them ---- */

enum kind { F32, F64, F16, BF16, KIND_COUNT };
static const size_t kind_size[KIND_COUNT] = {4, 8, 2, 2};
static const size_t partial_size[KIND_COUNT] = {4, 8, 4, 4};

/* a small binary format: sign, exponent with this bias, `bits` of mantissa */
static double decode(uint16_t h, int bits, int bias) {
  int exponent = (h & 0x7fff) >> bits, mantissa = h & ((1 << bits) - 1), top = 0x7fff >> bits;
  double v = exponent == top ? (mantissa ? NAN : INFINITY)
             : exponent      ? ldexp(mantissa + (1 << bits), exponent - bias - bits)
                             : ldexp(mantissa, 1 - bias - bits);
  return h & 0x8000 ? -v : v;
}

static uint16_t encode(double v, int bits, int bias) {
  uint16_t sign = signbit(v) ? 0x8000 : 0, top = (uint16_t)(0x7fff >> bits << bits);
  if (isnan(v)) return (uint16_t)(top | 1 << (bits - 1));
  v = fabs(v);
  int exponent = v > 0 && !isinf(v) && ilogb(v) > 1 - bias ? ilogb(v) : 1 - bias;
  double units = rint(ldexp(v, bits - exponent)); /* ties to even */
  double code = units + ldexp(exponent + bias - 1, bits);
  return sign | (code >= top ? top : (uint16_t)code);
}

static double get(enum kind k, const void *p, int64_t i) {
  if (k == F32) return ((const float *)p)[i];
  if (k == F64) return ((const double *)p)[i];
  return k == F16 ? decode(((const uint16_t *)p)[i], 10, 15) : decode(((const uint16_t *)p)[i], 7, 127);
}

static void put(enum kind k, void *p, int64_t i, double v) {
  if (k == F32) ((float *)p)[i] = (float)v;
  else if (k == F64) ((double *)p)[i] = v;
  else ((uint16_t *)p)[i] = k == F16 ? encode(v, 10, 15) : encode(v, 7, 127);
}

static enum kind partial_kind(enum kind k) { return k == F64 ? F64 : F32; }

static double add(enum kind k, double a, double b) { return k == F64 ? a + b : (float)a + (float)b; }
static double multiply(enum kind k, double a, double b) { return k == F64 ? a * b : (float)a * (float)b; }
static double multiply_add(enum kind k, double a, double b, double c, bool fused) {
  if (!fused) return add(k, multiply(k, a, b), c);
  return k == F64 ? fma(a, b, c) : fmaf((float)a, (float)b, (float)c);
}

/* ---- the trees, as docs/numerics.md defines them ---- */

static double reference_dot(enum kind k, const double *x, const double *w, int64_t d, bool fused) {
  int64_t lanes = k == F64 ? 8 : 16, tail = d % lanes, full = d - tail, item = 0;
  double acc[2][16] = {{0}};
  for (int64_t start = tail ? -1 : 0; start < full / lanes; start++, item++) {
    for (int64_t l = 0; l < lanes; l++) {
      int64_t j = start < 0 ? full + l : start * lanes + l;
      double a = j < d ? x[j] : 0, b = j < d ? w[j] : 0, *s = &acc[item % 2][l];
      *s = item < 2 ? multiply(k, a, b) : multiply_add(k, a, b, *s, fused);
    }
  }
  for (int64_t l = 0; l < lanes && item > 1; l++) acc[0][l] = add(k, acc[0][l], acc[1][l]);
  for (int64_t half = lanes / 2; half; half /= 2)
    for (int64_t l = 0; l < half; l++) acc[0][l] = add(k, acc[0][l], acc[0][l + half]);
  return acc[0][0];
}

static void reference_accumulate(enum kind k, const double *x, const double *t, double *g, int64_t rows, int64_t d,
                                 bool fused) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < d; j++) g[j] = multiply_add(k, x[r * d + j], t[r], g[j], fused);
}

/* neighbours are added, then neighbours of those; an odd one out waits for the next round */
static double reference_pairwise(enum kind k, double *p, int64_t count) {
  if (count == 0) return 0;
  for (int64_t step = 1; step < count; step *= 2)
    for (int64_t i = 0; i + step < count; i += 2 * step) p[i] = add(k, p[i], p[i + step]);
  return p[0];
}

/* ---- operands against guard pages ---- */

struct guarded {
  char *map;
  size_t map_size, size;
  char *data;
};

/* `size` bytes that end at a page nobody may touch, or begin after one */
static struct guarded guarded_new(size_t size, bool at_end) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + page) / page * page;
  struct guarded g = {.map_size = body + 2 * page, .size = size};
  g.map = mmap(NULL, g.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(g.map != MAP_FAILED);
  assert_int_equal(mprotect(g.map + page, body, PROT_READ | PROT_WRITE), 0);
  g.data = g.map + page + (at_end ? body - size : 0);
  return g;
}
static void guarded_free(struct guarded g) { munmap(g.map, g.map_size); }

static uint64_t random_state = 1;
static double random_value(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  int64_t bits = (int64_t)(random_state >> 33);
  if (bits % 61 == 0) return bits % 2 ? 0.0 : -0.0;
  return ldexp((double)(bits - (1 << 30)), -30 - (int)(bits % 5));
}

/* A problem: storage against guard pages beside its values in double. */
struct problem {
  enum kind kind;
  int64_t rows, d, stride;
  struct guarded x, w, y, z, g;
  double *xv, *wv, *yv;
};

static double *fill(enum kind k, void *p, int64_t n) {
  double *v = malloc((size_t)(n + 1) * sizeof *v);
  assert_non_null(v);
  for (int64_t i = 0; i < n; i++) {
    put(k, p, i, random_value());
    v[i] = get(k, p, i);
  }
  return v;
}

static struct problem problem_new(enum kind k, int64_t rows, int64_t d, int64_t gap, bool at_end) {
  struct problem p = {.kind = k, .rows = rows, .d = d, .stride = d + gap};
  size_t size = kind_size[k];
  int64_t elements = rows ? (rows - 1) * p.stride + d : 0;
  p.x = guarded_new((size_t)elements * size, at_end);
  p.w = guarded_new((size_t)d * size, at_end);
  p.y = guarded_new((size_t)rows * size, at_end);
  p.z = guarded_new((size_t)rows * size, at_end);
  p.g = guarded_new((size_t)d * partial_size[k], at_end);
  p.wv = fill(k, p.w.data, d);
  p.yv = fill(k, p.y.data, rows);
  p.xv = malloc((size_t)(rows * d + 1) * sizeof *p.xv);
  assert_non_null(p.xv);
  for (int64_t i = 0; i < elements; i++) put(k, p.x.data, i, NAN);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < d; j++) {
      put(k, p.x.data, r * p.stride + j, random_value());
      p.xv[r * d + j] = get(k, p.x.data, r * p.stride + j);
    }
  return p;
}

static void problem_free(struct problem p) {
  struct guarded all[] = {p.x, p.w, p.y, p.z, p.g};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) guarded_free(all[i]);
  free(p.xv), free(p.wv), free(p.yv);
}

/* ---- every instruction set of this CPU ---- */

struct isa {
  const char *name;
  const struct mxi_matvec_kernels *kernels;
  bool fused;
};

static struct isa isas[3];
static int isa_count;

static int find_isas(void **state) {
  (void)state;
  isas[isa_count++] = (struct isa){"baseline", &mxi_matvec_kernels_baseline, false};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    isas[isa_count++] = (struct isa){"avx2", &mxi_matvec_kernels_avx2, true};
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    isas[isa_count++] = (struct isa){"avx512", &mxi_matvec_kernels_avx512, true};
#endif
  return 0;
}

static const struct mxi_matvec *kernels_of(const struct isa *isa, enum kind k) {
  const struct mxi_matvec *all[KIND_COUNT] = {&isa->kernels->f32, &isa->kernels->f64, &isa->kernels->f16,
                                              &isa->kernels->bf16};
  return all[k];
}

/* Every width up to 130, then some that are large or beside a power of two; gap and side vary with the width. */
static const int64_t wide[] = {255, 256, 257, 511, 1000, 1023, 1536, 4097};
enum { NARROW = 131, WIDTHS = NARROW + (int)(sizeof wide / sizeof *wide) };
static int64_t width(int i) { return i < NARROW ? i : wide[i - NARROW]; }
static int64_t row_count(int i) { return (int64_t[]){1, 2, 7, 9, 0, 13, 24, 3, 31, 16, 4}[i % 11]; }

static bool same(enum kind k, const void *p, int64_t i, double expected) {
  double actual = get(k, p, i);
  char stored[8] = {0};
  if (isnan(expected)) return isnan(actual);
  put(k, stored, 0, expected);
  return memcmp((const char *)p + (size_t)i * kind_size[k], stored, kind_size[k]) == 0;
}

static void check(bool holds, const struct isa *isa, const struct problem *p, const char *what, int64_t at) {
  if (!holds)
    fail_msg("%s: %s, kind %d, rows %d, d %d, at %d", isa->name, what, p->kind, (int)p->rows, (int)p->d, (int)at);
}

static void each_problem(void (*test)(const struct isa *, const struct problem *)) {
  for (int i = 0; i < WIDTHS; i++) {
    for (enum kind k = 0; k < KIND_COUNT; k++) {
      struct problem p = problem_new(k, row_count(i), width(i), i % 3, i % 2 == 0);
      for (int a = 0; a < isa_count; a++) test(&isas[a], &p);
      problem_free(p);
    }
  }
}

/* ---- gemv ---- */

static void check_gemv(const struct isa *isa, const struct problem *p) {
  kernels_of(isa, p->kind)->gemv(p->x.data, p->stride, p->w.data, p->z.data, p->rows, p->d);
  for (int64_t r = 0; r < p->rows; r++) {
    double expected = reference_dot(p->kind, p->xv + r * p->d, p->wv, p->d, isa->fused);
    check(same(p->kind, p->z.data, r, expected), isa, p, "gemv", r);
  }
}
static void gemv_is_the_dot_tree(void **state) {
  (void)state;
  each_problem(check_gemv);
}

static void dot_tree_is_near_the_exact_dot(void **state) {
  (void)state;
  for (int64_t d = 0; d < 2000; d += 37) {
    struct problem p = problem_new(F32, 1, d, 0, true);
    long double exact = 0, sum = 0;
    for (int64_t j = 0; j < d; j++) {
      long double product = (long double)p.xv[j] * p.wv[j];
      exact += product, sum += fabsl(product);
    }
    /* every product passes at most d/32 + 7 roundings; without a fused operation one more */
    long double bound = (d / 32 + 8) * 0x1p-23L * sum;
    for (int fused = 0; fused < 2; fused++)
      assert_true(fabsl(reference_dot(F32, p.xv, p.wv, d, fused) - exact) <= bound);
    problem_free(p);
  }
}

/* ---- gemv_t ---- */

static void check_partial(const struct isa *isa, const struct problem *p, const double *expected, const char *what) {
  for (int64_t j = 0; j < p->d; j++) check(same(partial_kind(p->kind), p->g.data, j, expected[j]), isa, p, what, j);
}

static void check_gemv_t(const struct isa *isa, const struct problem *p) {
  const struct mxi_matvec *m = kernels_of(isa, p->kind);
  double *expected = calloc((size_t)p->d + 1, sizeof *expected);
  assert_non_null(expected);
  reference_accumulate(p->kind, p->xv, p->yv, expected, p->rows, p->d, isa->fused);
  memset(p->g.data, 0xff, p->g.size);
  m->gemv_t_block(p->x.data, p->stride, p->y.data, p->g.data, p->rows, p->d);
  check_partial(isa, p, expected, "gemv_t_block");
  int64_t first = p->rows / 3;
  size_t size = kind_size[p->kind];
  m->gemv_t_block(p->x.data, p->stride, p->y.data, p->g.data, first, p->d);
  m->gemv_t_accumulate(p->x.data + (size_t)(first * p->stride) * (first < p->rows ? size : 0), p->stride,
                       p->y.data + (size_t)first * size, p->g.data, p->rows - first, p->d);
  check_partial(isa, p, expected, "gemv_t_block, then gemv_t_accumulate");
  free(expected);
}
static void gemv_t_is_the_row_tree_whole_or_in_pieces(void **state) {
  (void)state;
  each_problem(check_gemv_t);
}

/* ---- combine ---- */

static void check_combine(const struct isa *isa, enum kind k, int64_t count, int64_t d, int64_t stride) {
  enum kind pk = partial_kind(k);
  struct problem shape = {.kind = k, .rows = count, .d = d};
  int64_t elements = count ? (count - 1) * stride + d : 0;
  struct guarded p = guarded_new((size_t)elements * kind_size[pk], true);
  struct guarded out = guarded_new((size_t)d * kind_size[k], true);
  double *values = fill(pk, p.data, elements), *column = malloc((size_t)(count + 1) * sizeof *column);
  assert_non_null(column);
  memset(out.data, 0xff, out.size);
  kernels_of(isa, k)->combine(p.data, stride, count, d, out.data);
  for (int64_t j = 0; j < d; j++) {
    for (int64_t i = 0; i < count; i++) column[i] = values[i * stride + j];
    check(same(k, out.data, j, reference_pairwise(pk, column, count)), isa, &shape, "combine", j);
  }
  free(values), free(column);
  guarded_free(p), guarded_free(out);
}

static void combine_is_the_pairwise_tree(void **state) {
  (void)state;
  for (int a = 0; a < isa_count; a++)
    for (enum kind k = 0; k < KIND_COUNT; k++)
      for (int64_t count = 0; count < 40; count++) {
        check_combine(&isas[a], k, count, 1 + count * 5 % 23, 1 + count * 5 % 23 + count % 4);
        check_combine(&isas[a], k, count * 37, 130, 130);
      }
}

static void groups_of_partials_may_be_combined_early(void **state) {
  (void)state;
  enum { COUNT = 27, D = 19, EARLY = 8 };
  float p[COUNT][D], whole[D], early[(COUNT + EARLY - 1) / EARLY][D], out[D];
  for (int i = 0; i < COUNT * D; i++) p[i / D][i % D] = (float)random_value();
  for (int a = 0; a < isa_count; a++) {
    const struct mxi_matvec *m = &isas[a].kernels->f32;
    m->combine(p, D, COUNT, D, whole);
    for (int i = 0; i < COUNT; i += EARLY)
      m->combine(p[i], D, COUNT - i < EARLY ? COUNT - i : EARLY, D, early[i / EARLY]);
    m->combine(early, D, (COUNT + EARLY - 1) / EARLY, D, out);
    assert_memory_equal(whole, out, sizeof out);
  }
}

/* Every value half-way between two neighbours of a half type, and the floats on either side of it. */
static void results_round_to_the_nearest_half_ties_to_even(void **state) {
  (void)state;
  enum { INPUTS = 6 };
  float in[INPUTS];
  uint16_t out[INPUTS];
  for (enum kind k = F16; k <= BF16; k++) {
    uint16_t infinity = encode(INFINITY, k == F16 ? 10 : 7, k == F16 ? 15 : 127);
    for (uint16_t code = 0; code < infinity; code++) {
      uint16_t below = code ? code - 1 : 0;
      double v = get(k, &code, 0), step = code ? v - get(k, &below, 0) : get(k, &(uint16_t){1}, 0);
      bool first = code && (code & (k == F16 ? 0x3ff : 0x7f)) == 0 && code > (k == F16 ? 0x400 : 0x80);
      float middle = (float)(v + (first ? 2 * step : step) / 2);
      for (int i = 0; i < INPUTS; i++)
        in[i] = (i < 3 ? 1 : -1) * (i % 3 == 0 ? middle : nextafterf(middle, i % 3 == 1 ? 0 : INFINITY));
      for (int a = 0; a < isa_count; a++) {
        kernels_of(&isas[a], k)->combine(in, INPUTS, 1, INPUTS, out);
        for (int i = 0; i < INPUTS; i++) assert_true(same(k, out, i, in[i]));
      }
    }
  }
}

/* ---- the one-pass linear step ---- */

static void check_linear(const struct isa *isa, const struct problem *p) {
  const struct mxi_matvec *m = &isa->kernels->f32;
  const float *x = (const float *)p->x.data, *w = (const float *)p->w.data, *y = (const float *)p->y.data;
  const float s1 = 0.3f, s2 = -1.7f;
  float z[MXI_MATVEC_BLOCK], t[MXI_MATVEC_BLOCK], *partial = malloc(p->g.size + 4);
  assert_non_null(partial);
  m->gemv(x, p->stride, w, z, p->rows, p->d);
  for (int64_t r = 0; r < p->rows; r++) t[r] = ((z[r] - y[r]) * s1) * s2;
  m->gemv_t_block(x, p->stride, t, partial, p->rows, p->d);
  memset(p->g.data, 0xff, p->g.size);
  isa->kernels->linear_block(x, p->stride, w, y, s1, s2, (float *)p->g.data, p->rows, p->d);
  for (int64_t j = 0; j < p->d; j++) check(same(F32, p->g.data, j, partial[j]), isa, p, "linear: partial", j);
  free(partial);
}

static void linear_step_has_the_bits_of_separate_kernels(void **state) {
  (void)state;
  for (int i = 0; i < WIDTHS; i++) {
    for (int variant = 0; variant < 3; variant++) {
      int64_t rows = variant == 2 ? MXI_MATVEC_BLOCK - i % 3 : row_count(i + variant);
      struct problem p = problem_new(F32, rows, width(i), (i + variant) % 3, (i + variant) % 2);
      for (int a = 0; a < isa_count; a++) check_linear(&isas[a], &p);
      problem_free(p);
    }
  }
}

/* ---- values that leak or get lost easily ---- */

static void infinities_and_nans_stay_in_their_row_and_column(void **state) {
  (void)state;
  for (int64_t d = 1; d < 130; d += 6) {
    for (enum kind k = 0; k < KIND_COUNT; k++) {
      struct problem p = problem_new(k, 9, d, 0, true);
      int64_t row = d % 9, column = d / 2;
      put(k, p.x.data, row * d + column, d % 2 ? INFINITY : NAN);
      p.xv[row * d + column] = d % 2 ? INFINITY : NAN;
      for (int a = 0; a < isa_count; a++) {
        check_gemv(&isas[a], &p), check_gemv_t(&isas[a], &p);
        for (int64_t j = 0; j < d; j++) assert_int_equal(!isfinite(get(partial_kind(k), p.g.data, j)), j == column);
        if (k == F32) check_linear(&isas[a], &p);
      }
      problem_free(p);
    }
  }
}

static void halves_overflow_and_underflow_as_one_rounding_says(void **state) {
  (void)state;
  const double scales[] = {0x1p-14, 0x1p-12, 0x1p-8, 1, 300};
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    for (enum kind k = F16; k <= BF16; k++) {
      struct problem p = problem_new(k, 64, 33, 0, true);
      for (int64_t j = 0; j < 33 * 64; j++) {
        put(k, p.x.data, j, p.xv[j] * scales[i]);
        p.xv[j] = get(k, p.x.data, j);
      }
      for (int64_t j = 0; j < 33; j++) {
        put(k, p.w.data, j, p.wv[j] * scales[i]);
        p.wv[j] = get(k, p.w.data, j);
      }
      for (int a = 0; a < isa_count; a++) check_gemv(&isas[a], &p), check_gemv_t(&isas[a], &p);
      problem_free(p);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gemv_is_the_dot_tree),
      cmocka_unit_test(dot_tree_is_near_the_exact_dot),
      cmocka_unit_test(gemv_t_is_the_row_tree_whole_or_in_pieces),
      cmocka_unit_test(combine_is_the_pairwise_tree),
      cmocka_unit_test(groups_of_partials_may_be_combined_early),
      cmocka_unit_test(results_round_to_the_nearest_half_ties_to_even),
      cmocka_unit_test(linear_step_has_the_bits_of_separate_kernels),
      cmocka_unit_test(infinities_and_nans_stay_in_their_row_and_column),
      cmocka_unit_test(halves_overflow_and_underflow_as_one_rounding_says),
  };
  return cmocka_run_group_tests(tests, find_isas, NULL);
}

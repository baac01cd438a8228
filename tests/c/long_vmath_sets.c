/* Elementary functions whose arguments are too many to try all, by the kernels of every instruction set that this CPU has:
 * float64 of one operand (vmath_arguments.h: any exponent, moderate numbers, around every point where a function changes
 * its method) against long double, and pairs: every pair of corners, random ones of four kinds, and those that one
 * function finds hardest. Prints lines like long_vmath.c, for the same table.
 * Usage: long_vmath_sets [-s SHARE] [NAME...]; 1 / SHARE of the samples. Returns 1 if a bound is broken. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/isa_rows.h"
#include "vmath_arguments.h"
#include "vmath_oracle.h"

enum { BLOCK = 1024, SINGLES = 1 << 22, PAIRS_F32 = 1 << 26, PAIRS_F64 = 1 << 22 };

struct found {
  double worst, at, with;
};

static struct isa_rows sets[ISA_ROWS_MOST];
static int set_count;
static uint64_t share = 1;

static void note(struct found *f, double error, double at, double with) {
  if (error > f->worst) *f = (struct found){error, at, with};
}

static void reset(struct found *found) {
  for (int k = 0; k < ISA_ROWS_MOST; k++) found[k] = (struct found){-1, 0, 0};
}

static bool report(const char *name, const char *dtype, const struct found *found, double bound) {
  bool is_broken = false;
  for (int k = 0; k < set_count; k++) {
    bool fails = !(found[k].worst <= bound);
    is_broken |= fails;
    printf("%s %s %s %.4f %a,%a %g%s\n", name, dtype, sets[k].name, found[k].worst, found[k].at, found[k].with, bound,
           fails ? " BROKEN" : "");
  }
  fflush(stdout);
  return is_broken;
}

/* ---- float64 of one operand -------------------------------------------------------------------------------------- */
static bool singles(const char *name, int op, long double (*oracle)(long double), double bound) {
  struct found found[ISA_ROWS_MOST];
  double x[BLOCK], y[BLOCK];
  long double r[BLOCK];
  reset(found);
  for (uint64_t at = 0; at < SINGLES / share; at += BLOCK) {
    for (int i = 0; i < BLOCK; i++) x[i] = at == 0 && i < SPECIAL_COUNT ? special[i] : next_argument(53);
    for (int i = 0; i < BLOCK; i++) r[i] = oracle(x[i]);
    for (int k = 0; k < set_count; k++) {
      sets[k].floats->fn[op][MX_FLOAT64](y, (const void *const[]){x, x, x}, 0, BLOCK);
      for (int i = 0; i < BLOCK; i++) note(&found[k], ulp_error_f64(y[i], r[i]), x[i], 0);
    }
  }
  return report(name, "f64", found, bound);
}

/* ---- Pairs ------------------------------------------------------------------------------------------------------- */
/* Special values, small integers and halves, powers of two and their neighbours, what is near 1, limits of types */
enum { CORNERS = 512 };
static double corners[CORNERS];
static int corner_count;

static void corner(double v) {
  if (corner_count + 2 <= CORNERS) corners[corner_count++] = v, corners[corner_count++] = -v;
}

static void make_corners(bool is_double) {
  double tiny = is_double ? 0x1p-52 : 0x1p-23;
  corner_count = 0;
  for (int i = 0; i < SPECIAL_COUNT; i++)
    if (!signbit(special[i])) corner(special[i]);
  for (int i = 1; i <= 20; i++) corner(0.5 * i), corner(1 + i * tiny), corner(1 - i * tiny / 2);
  for (int e = -148; e < 128; e += e > -30 && e < 30 ? 3 : 23) {
    double v = ldexp(1, e);
    corner(v), corner(v * (1 + tiny)), corner(v * (1 - tiny / 2));
  }
  for (int e = 20; e <= 54; e++) corner(ldexp(1, e) - 1);
}

/* The second operand with which `op` of a is hard. */
static double hard_partner(int op, double a, bool is_double) {
  double limit = is_double ? 1074 : 149;
  switch (op) {
    case MXI_OP_power: return (next_unit() * 2.1 - 1.05) * limit / log2(fabs(a)); /* any result, and just outside */
    case MXI_OP_arctan2: return a * (next_bits() & 1 ? 1 + next_unit() * 0x1p-10 : tan(next_unit() * 1.57));
    case MXI_OP_logaddexp: return a < 0 ? log(-expm1(a)) : a - next_unit() * 40; /* near 0, where the terms cancel */
    default: return a / (double)(int64_t)(1 + next_bits() % (1u << next_bits() % 31)); /* nearly whole quotients */
  }
}

static void fill_pairs(int op, bool is_double, uint64_t at, double *a, double *b) {
  static const int high32[] = {3, 8, 30, 128}, high64[] = {3, 8, 200, 1024};
  for (uint64_t i = 0; i < BLOCK; i++) {
    uint64_t n = at + i, kind = next_bits() % 8;
    int h = (is_double ? high64 : high32)[kind % 4];
    a[i] = next_scaled(-h, h);
    b[i] = next_scaled(-h, h);
    if (kind == 0) a[i] = rint(a[i]), b[i] = rint(b[i]);
    if (kind == 4) a[i] = 1 + a[i] * 0x1p-9;
    if (kind >= 4) b[i] = hard_partner(op, a[i], is_double);
    if (n < (uint64_t)corner_count * (uint64_t)corner_count) a[i] = corners[n % corner_count], b[i] = corners[n / corner_count];
  }
}

struct pair {
  const char *name;
  int op;
  double (*oracle32)(double, double);
  long double (*oracle64)(long double, long double);
  double bound32, bound64, slack;
};

static bool pairs_f32(const struct pair *p) {
  struct found found[ISA_ROWS_MOST];
  double wide_a[BLOCK], wide_b[BLOCK], r[BLOCK];
  float a[BLOCK], b[BLOCK], y[BLOCK];
  reset(found);
  make_corners(false);
  for (uint64_t at = 0; at < PAIRS_F32 / share; at += BLOCK) {
    fill_pairs(p->op, false, at, wide_a, wide_b);
    for (int i = 0; i < BLOCK; i++) a[i] = (float)wide_a[i], b[i] = (float)wide_b[i], r[i] = p->oracle32(a[i], b[i]);
    for (int k = 0; k < set_count; k++) {
      sets[k].floats->fn[p->op][MX_FLOAT32](y, (const void *const[]){a, b, b}, 0, BLOCK);
      for (int i = 0; i < BLOCK; i++)
        note(&found[k], error_beyond(p->slack, ulp_error_f32(y[i], r[i]), fabs(y[i] - r[i])), a[i], b[i]);
    }
  }
  return report(p->name, "f32", found, p->bound32);
}

static bool pairs_f64(const struct pair *p) {
  struct found found[ISA_ROWS_MOST];
  double a[BLOCK], b[BLOCK], y[BLOCK];
  long double r[BLOCK];
  reset(found);
  make_corners(true);
  for (uint64_t at = 0; at < PAIRS_F64 / share; at += BLOCK) {
    fill_pairs(p->op, true, at, a, b);
    for (int i = 0; i < BLOCK; i++) r[i] = p->oracle64(a[i], b[i]);
    for (int k = 0; k < set_count; k++) {
      sets[k].floats->fn[p->op][MX_FLOAT64](y, (const void *const[]){a, b, b}, 0, BLOCK);
      for (int i = 0; i < BLOCK; i++)
        note(&found[k], error_beyond(p->slack, ulp_error_f64(y[i], r[i]), fabsl(y[i] - r[i])), a[i], b[i]);
    }
  }
  return report(p->name, "f64", found, p->bound64);
}

/* ---- Which ------------------------------------------------------------------------------------------------------- */
static bool is_asked_for(const char *name, char **names) {
  bool any = false, found = false;
  for (; *names; names++) any = true, found |= strcmp(name, *names) == 0;
  return found || !any;
}

int main(int argc, char **argv) {
  static const struct pair pairs[] = {
#define PAIR(row, name, oracle32, oracle64, bound32, bound64, slack) \
  {#row, MXI_OP_##row, oracle32, oracle64, bound32, bound64, slack},
#include "vmath_pairs.h"
#undef PAIR
  };
  bool is_broken = false;
  char **names = argv + 1;
  if (argc > 2 && strcmp(argv[1], "-s") == 0) share = strtoull(argv[2], NULL, 10), names = argv + 3;
  set_count = isa_rows_here(sets);
  printf("# function dtype set error at bound\n");
#define ROW(name, oracle, bound32, bound64) \
  if (is_asked_for(#name, names)) is_broken |= singles(#name, MXI_OP_##name, oracle##l, bound64);
#include "vmath_functions.h"
#undef ROW
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if (!is_asked_for(pairs[i].name, names)) continue;
    is_broken |= pairs_f32(&pairs[i]);
    is_broken |= pairs_f64(&pairs[i]);
  }
  return is_broken;
}

/* Every float32 through every elementary function of one operand, against the C library's float64 functions.
 * Prints the table of docs/numerics.md: the largest error in ulp, where it lies, and the bound it must keep.
 * Usage: long_vmath [stride [name]]; a stride above 1 samples. Returns 1 if a bound is broken. */
#include "vmath.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, WORKERS = 2 };

typedef void (*loop_fn)(float *restrict y, const float *restrict x, size_t n);

struct function {
  const char *name;
  loop_fn loop;
  double (*oracle)(double x);
  double bound; /* ulp */
};

struct share { /* one worker's part of the floats, and what it found */
  const struct function *f;
  uint64_t first, stride;
  double worst;
  float worst_at;
};

#define LOOP(name)                                                            \
  static void name##_loop(float *restrict y, const float *restrict x, size_t n) { \
    for (size_t i = 0; i < n; i++) y[i] = vm_##name##_f32(x[i]);              \
  }
#include "vmath_functions.h"
#undef LOOP

static double sigmoid_oracle(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double rsqrt_oracle(double x) { return 1 / sqrt(x); }

/* The inverse of erf by Newton's method from both ends' asymptotes, in long double. */
static double erfinv_oracle(double x) {
  double a = fabs(x);
  if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
  if (a < 1e-9) return x * 0.88622692545275801365;
  double w = -log((1 - a) * (1 + a)), u = 2 / (M_PI * 0.147) - w / 2;
  long double y = sqrt(sqrt(u * u + w / 0.147) - u);
  for (int i = 0; i < 6; i++) {
    long double error = a < 0.5 ? erfl(y) - a : (1.0L - a) - erfcl(y);
    long double slope = 1.128379167095512573896L * expl(-y * y);
    long double step = error / slope;
    y -= step / (1 + y * step);
  }
  return copysign((double)y, x);
}

#define ROW(name, oracle, bound) {#name, name##_loop, oracle, bound},
static const struct function functions[] = {
#include "vmath_functions.h"
};
#undef ROW

static double ulp_error(float y, double r) {
  if (isnan(r) || isnan(y)) return isnan(r) && isnan(y) ? 0 : INFINITY;
  float nearest = (float)r;
  if (y == nearest) return signbit(y) != signbit(nearest) ? INFINITY : isinf(y) ? 0 : fabs(y - r) / ldexp(1, fmax(ilogb(r), -126) - 23);
  if (r == 0 || isinf(r)) return INFINITY;
  int exponent = ilogb(r) < -126 ? -126 : ilogb(r);
  double got = isinf(y) ? copysign(0x1p128, y) : y;
  return fabs(got - r) / ldexp(1, exponent - 23);
}

static void *work(void *argument) {
  struct share *s = argument;
  float x[BLOCK], y[BLOCK];
  uint64_t u = s->first;
  while (u < (uint64_t)1 << 32) {
    size_t n = 0;
    for (; n < BLOCK && u < (uint64_t)1 << 32; n++, u += s->stride) x[n] = vm_from_bits_f32((uint32_t)u);
    s->f->loop(y, x, n);
    for (size_t i = 0; i < n; i++) {
      double error = ulp_error(y[i], s->f->oracle(x[i]));
      if (!(error <= s->worst)) s->worst = error, s->worst_at = x[i];
    }
  }
  return NULL;
}

static struct share measure(const struct function *f, uint64_t stride) {
  struct share shares[WORKERS], worst = {.worst = -1};
  pthread_t threads[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    shares[i] = (struct share){.f = f, .first = stride * i, .stride = stride * WORKERS, .worst = -1};
    if (pthread_create(&threads[i], NULL, work, &shares[i])) exit(2);
  }
  for (int i = 0; i < WORKERS; i++) {
    pthread_join(threads[i], NULL);
    if (shares[i].worst > worst.worst) worst = shares[i];
  }
  return worst;
}

int main(int argc, char **argv) {
  uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  int broken = 0;
  printf("| function | largest error, ulp | at | bound |\n|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const struct function *f = &functions[i];
    if (argc > 2 && strcmp(argv[2], f->name)) continue;
    struct share s = measure(f, stride ? stride : 1);
    int fails = !(s.worst <= f->bound);
    broken |= fails;
    printf("| %s | %.2f | %.9g | %g%s |\n", f->name, s.worst, s.worst_at, f->bound, fails ? " BROKEN" : "");
    fflush(stdout);
  }
  return broken;
}

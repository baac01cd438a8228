/* Every float32 through every elementary function of one operand, against the C library's float64 functions. Prints
 * the table of docs/numerics.md: the largest error in ulp, where it lies, and the bound it keeps.
 * Usage: long_vmath [stride [name]]; a stride above 1 samples. Returns 1 if a bound is broken. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmath.h"
#include "vmath_oracle.h"

enum { BLOCK = 1024, MOST_WORKERS = 64 };

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

#define ROW(name, oracle, bound32, bound64)                                       \
  static void name##_loop(float *restrict y, const float *restrict x, size_t n) { \
    for (size_t i = 0; i < n; i++) y[i] = vm_##name##_f32(x[i]);                  \
  }
#include "vmath_functions.h"
#undef ROW

static void sin_n_loop(float *restrict y, const float *restrict x, size_t n) { vm_sin_f32_n(y, x, n); }
static void cos_n_loop(float *restrict y, const float *restrict x, size_t n) { vm_cos_f32_n(y, x, n); }
static void tan_n_loop(float *restrict y, const float *restrict x, size_t n) { vm_tan_f32_n(y, x, n); }

#define ROW(name, oracle, bound32, bound64) {#name, name##_loop, oracle, bound32},
static const struct function functions[] = {
#include "vmath_functions.h"
    {"sin, loop", sin_n_loop, sin, 2},
    {"cos, loop", cos_n_loop, cos, 2},
    {"tan, loop", tan_n_loop, tan, 0.6},
};
#undef ROW

static void *work(void *argument) {
  struct share *s = argument;
  float x[BLOCK], y[BLOCK];
  uint64_t u = s->first;
  while (u < (uint64_t)1 << 32) {
    size_t n = 0;
    for (; n < BLOCK && u < (uint64_t)1 << 32; n++, u += s->stride) x[n] = vm_from_bits_f32((uint32_t)u);
    s->f->loop(y, x, n);
    for (size_t i = 0; i < n; i++) {
      double error = ulp_error_f32(y[i], s->f->oracle(x[i]));
      if (error > s->worst) s->worst = error, s->worst_at = x[i];
    }
  }
  return NULL;
}

static struct share measure(const struct function *f, uint64_t stride) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  int workers = online < 1 ? 1 : online > MOST_WORKERS ? MOST_WORKERS : (int)online;
  struct share shares[MOST_WORKERS], worst = {.worst = -1};
  pthread_t threads[MOST_WORKERS];
  for (int i = 0; i < workers; i++) {
    uint64_t first = stride * (uint64_t)i, step = stride * (uint64_t)workers;
    shares[i] = (struct share){.f = f, .first = first, .stride = step, .worst = -1};
    if (pthread_create(&threads[i], NULL, work, &shares[i])) exit(2);
  }
  for (int i = 0; i < workers; i++) {
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
    if (argc > 2 && strcmp(argv[2], f->name) != 0) continue;
    struct share s = measure(f, stride ? stride : 1);
    int fails = !(s.worst <= f->bound);
    broken |= fails;
    printf("| %s | %.2f | %.9g | %g%s |\n", f->name, s.worst, s.worst_at, f->bound, fails ? " broken" : "");
    fflush(stdout);
  }
  return broken;
}

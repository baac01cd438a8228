/* Every float32 through the kernel of every elementary function of one operand, for every instruction set that this CPU
 * has: the largest error in ulp, where it lies, and whether it keeps the bound of vmath_functions.h and the promise of
 * core/elementwise.def. tools/ulp_table writes what is printed here into docs/numerics-elementary.md.
 * Usage: long_vmath [-p PART/PARTS] [NAME...]; one part, counted from 0, instead of all. Returns 1 if a bound is broken. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/isa_rows.h"
#include "support/vmath_wide.h"
#include "vmath_oracle.h"

enum { MOST_WORKERS = 64, RUN = 1 << 20 };

static const struct function {
  const char *name;
  enum wide_function wide;
  int op;
  double (*oracle)(double x);
  double bound; /* ulp */
} functions[] = {
#define ROW(name, oracle, bound32, bound64) {#name, WIDE_##name, MXI_OP_##name, oracle, bound32},
#include "vmath_functions.h"
#undef ROW
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const double promised[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = ulp > 0 ? ulp : 0.5,
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

struct found { /* the largest error of one instruction set */
  double worst;
  float at;
};

struct sweep { /* what the workers of one function share */
  const struct function *f;
  uint64_t end;
  _Atomic uint64_t next; /* the next run to take */
  struct isa_rows sets[ISA_ROWS_MOST];
  int set_count;
};

struct worker {
  pthread_t thread;
  struct sweep *sweep;
  struct found found[ISA_ROWS_MOST];
};

/* The wide reference finds candidates; the C library's own function decides. */
static void look_closer(const struct function *f, struct found *found, const float *x, const float *y) {
  for (int i = 0; i < WIDE_BLOCK; i++) {
    double r = f->oracle(x[i]), error = ulp_error_f32(y[i], r);
    if (error > found->worst) *found = (struct found){error, x[i]};
  }
}

/* Sets mostly agree to the last bit, and then a block is judged once. */
static void sweep_block(struct worker *w, const float *x) {
  const struct sweep *s = w->sweep;
  double r[WIDE_BLOCK], worst = 0;
  float y[2][WIDE_BLOCK];
  wide_reference(s->f->wide, r, x);
  for (int i = 0; i < s->set_count; i++) {
    float *now = y[i % 2], *before = y[(i + 1) % 2];
    s->sets[i].floats->fn[s->f->op][MX_FLOAT32](now, (const void *const[]){x, x, x}, 0, WIDE_BLOCK);
    if (i == 0 || memcmp(now, before, sizeof y[0]) != 0) worst = wide_worst(now, r);
    if (worst > w->found[i].worst + WIDE_ERROR) look_closer(s->f, &w->found[i], x, now);
  }
}

static void *work(void *argument) {
  struct worker *w = argument;
  struct sweep *s = w->sweep;
  for (;;) {
    uint64_t first = atomic_fetch_add(&s->next, RUN);
    if (first >= s->end) return NULL;
    for (uint64_t at = first; at < first + RUN; at += WIDE_BLOCK) {
      float x[WIDE_BLOCK];
      for (uint32_t i = 0; i < WIDE_BLOCK; i++) x[i] = vm_from_bits_f32((uint32_t)at + i);
      sweep_block(w, x);
    }
  }
}

/* Runs one function on all cores; its workers' findings are merged into `merged`. */
static void measure(struct sweep *s, struct found *merged) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  int workers = online < 1 ? 1 : online > MOST_WORKERS ? MOST_WORKERS : (int)online;
  struct worker all[MOST_WORKERS];
  for (int k = 0; k < ISA_ROWS_MOST; k++) merged[k] = (struct found){0, 0};
  for (int i = 0; i < workers; i++) {
    all[i].sweep = s;
    for (int k = 0; k < ISA_ROWS_MOST; k++) all[i].found[k] = (struct found){0, 0};
    if (pthread_create(&all[i].thread, NULL, work, &all[i])) exit(2);
  }
  for (int i = 0; i < workers; i++) {
    pthread_join(all[i].thread, NULL);
    for (int k = 0; k < s->set_count; k++)
      if (all[i].found[k].worst > merged[k].worst) merged[k] = all[i].found[k];
  }
}

static bool is_asked_for(const char *name, char **names, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(name, names[i]) == 0) return true;
  return count == 0;
}

int main(int argc, char **argv) {
  unsigned part = 0, parts = 1;
  int first = 1;
  bool is_broken = false;
  if (argc > 2 && strcmp(argv[1], "-p") == 0) {
    if (sscanf(argv[2], "%u/%u", &part, &parts) != 2 || part >= parts) return 2;
    first = 3;
  }
  uint64_t runs = ((uint64_t)1 << 32) / RUN;
  struct sweep sweep = {.end = runs * (part + 1) / parts * RUN};
  sweep.set_count = isa_rows_here(sweep.sets);
  if (!wide_open()) printf("# no vector functions in this C library: this takes an hour\n");
  printf("# function dtype set error at bound\n");
  for (int i = 0; i < FUNCTIONS; i++) {
    struct found merged[ISA_ROWS_MOST];
    if (!is_asked_for(functions[i].name, argv + first, argc - first)) continue;
    sweep.f = &functions[i];
    atomic_store(&sweep.next, runs * part / parts * RUN);
    measure(&sweep, merged);
    for (int k = 0; k < sweep.set_count; k++) {
      bool fails = !(merged[k].worst <= sweep.f->bound && merged[k].worst <= promised[sweep.f->op]);
      is_broken |= fails;
      printf("%s f32 %s %.4f %a %g%s\n", sweep.f->name, sweep.sets[k].name, merged[k].worst, (double)merged[k].at,
             sweep.f->bound, fails ? " BROKEN" : "");
    }
    fflush(stdout);
  }
  return is_broken;
}

/* Pool threads of mica itself run the limits that read and copy: they are what a user would have at hand. */
#define _GNU_SOURCE
#include "support/timing.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/pool.h"

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Calls that take about a millisecond. */
static int calls_for(bench_fn f, void *arg) {
  int calls = 1;
  for (;;) {
    double t = bench_now();
    for (int i = 0; i < calls; i++) f(arg);
    if (bench_now() - t > 1e-3 || calls > 1 << 20) return calls;
    calls *= 2;
  }
}

static double time_calls(bench_fn f, void *arg, int calls) {
  double t = bench_now();
  for (int i = 0; i < calls; i++) f(arg);
  return (bench_now() - t) / calls;
}

/* A round, after a rest that lets threads of others fall asleep and a call that wakes ours. */
static double time_rested(bench_fn f, void *arg, int calls, double rest) {
  if (rest > 0) {
    struct timespec t = {.tv_nsec = (long)(rest * 1e9)};
    nanosleep(&t, NULL);
    f(arg);
  }
  return time_calls(f, arg, calls);
}

struct bench_pair bench_apart(bench_fn ours, bench_fn limit, void *arg, double seconds, double rest) {
  int a = calls_for(ours, arg), b = calls_for(limit, arg);
  struct bench_pair best = {1e30, 1e30};
  double end = bench_now() + seconds;
  for (int round = 0; round < 5 || bench_now() < end; round++) {
    double x = time_rested(ours, arg, a, rest), y = time_rested(limit, arg, b, rest);
    if (x < best.ours) best.ours = x;
    if (y < best.limit) best.limit = y;
  }
  return best;
}

struct bench_pair bench_both(bench_fn ours, bench_fn limit, void *arg, double seconds) {
  return bench_apart(ours, limit, arg, seconds, 0);
}

void bench_row_plus(const char *row, struct bench_pair t, double bar, double allowance, const char *note) {
  double ratio = t.ours / t.limit, allowed = bar + allowance / t.limit;
  printf("%s | %.3f us | %.3f us | %.2f | %.2f | %s%s\n", row, t.ours * 1e6, t.limit * 1e6, ratio, allowed,
         ratio <= allowed ? "" : "MISSED; ", note);
  fflush(stdout);
}

void bench_row(const char *row, struct bench_pair t, double bar, const char *note) { bench_row_plus(row, t, bar, 0, note); }

void *bench_alloc(size_t nbytes) {
  size_t page = (size_t)2 << 20, size = (nbytes + page - 1) / page * page;
  void *p = aligned_alloc(page, size);
  if (!p) exit(1);
  madvise(p, size, MADV_HUGEPAGE);
  return memset(p, 0, size);
}

static volatile uint64_t sink;

struct span {
  char *to;
  const char *from;
};

#define STEP 65536

typedef uint64_t lanes __attribute__((vector_size(64), aligned(1), may_alias));

/* Compiled for the machine's widest vectors: as fast as a hand-written loop of loads. */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void read_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const char *p = ((struct span *)arg)->from;
  lanes sum[8] = {0};
  int64_t i = begin;
  for (; i + 512 <= end; i += 512) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) sum[k] ^= *(const lanes *)(p + i + 64 * k);
  }
  for (int k = 1; k < 8; k++) sum[0] ^= sum[k];
  sink = sum[0][0];
}

static void copy_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct span *s = arg;
  memcpy(s->to + begin, s->from + begin, (size_t)(end - begin));
}

void bench_read(const void *p, size_t nbytes, int threads) {
  struct span s = {NULL, p};
  mxi_parallel((int64_t)nbytes, threads > 1 ? STEP : (int64_t)nbytes, read_chunk, &s);
}

void bench_copy(void *to, const void *from, size_t nbytes, int threads) {
  struct span s = {to, from};
  mxi_parallel((int64_t)nbytes, threads > 1 ? STEP : (int64_t)nbytes, copy_chunk, &s);
}

/* The formulas over mica's pool, in chunks of 64 KiB as the other limits. */
#include "support/formulas.h"

#include <stddef.h>

#include "base/pool.h"

#define STEP 16384

struct span {
  float *to;
  const float *from;
};

static volatile float sink;

static void run(mxi_chunk_fn fn, float *to, const float *from, int64_t n, int threads) {
  struct span s = {to, from};
  mxi_parallel(n, threads > 1 ? STEP : n, fn, &s);
}

static void exp_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  const struct span *s = arg;
  (void)slot;
  bench_formulas()->exp_of(s->to + begin, s->from + begin, end - begin);
}

static void sum_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  const struct span *s = arg;
  (void)slot;
  sink = bench_formulas()->exp_sum(s->from + begin, end - begin);
}

static void gelu_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  const struct span *s = arg;
  (void)slot;
  bench_formulas()->gelu_of(s->to + begin, s->from + begin, end - begin);
}

static void arithmetic_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)arg, (void)slot;
  sink = bench_formulas()->arithmetic(end - begin);
}

void bench_exp(float *to, const float *from, int64_t n, int threads) { run(exp_chunk, to, from, n, threads); }
void bench_exp_sum(const float *from, int64_t n, int threads) { run(sum_chunk, NULL, from, n, threads); }
void bench_gelu(float *to, const float *from, int64_t n, int threads) { run(gelu_chunk, to, from, n, threads); }

#define ROUNDS 524288

void bench_arithmetic(int threads) { mxi_parallel(ROUNDS, threads > 1 ? ROUNDS / 64 : ROUNDS, arithmetic_chunk, NULL); }

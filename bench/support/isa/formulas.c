/* Hand-written loops over whole arrays, one function a formula, compiled once per instruction set like mica's kernels and
 * with the same inline functions: what the memory-bound rows are measured against. */
#include "support/formulas.h"

#include "backend/cpu/kernels/vmath.h"

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

static void exp_of(float *to, const float *from, int64_t n) {
  INDEPENDENT for (int64_t i = 0; i < n; i++) to[i] = vm_exp_f32(from[i]);
}

#define LANES 64 /* sums side by side, so that an addition does not wait for the one before */

static float exp_sum(const float *from, int64_t n) {
  float sums[LANES] = {0}, sum = 0;
  for (int64_t i = 0; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) sums[l] += vm_exp_f32(from[i + l]);
  for (int l = 0; l < LANES; l++) sum += sums[l];
  return sum;
}

static void gelu_of(float *to, const float *from, int64_t n) {
  INDEPENDENT for (int64_t i = 0; i < n; i++) to[i] = from[i] * (1 + vm_erf_f32(from[i] / 1.4142135623730951f)) / 2;
}

#define CHAINS 12 /* enough to hide the latency of two operations a cycle */

/* Nothing but arithmetic on registers. */
static float arithmetic(int64_t rounds) {
  typedef float lanes __attribute__((vector_size(64)));
  lanes a[CHAINS], m, total = {0};
  for (int l = 0; l < 16; l++) m[l] = 0.999f;
  for (int k = 0; k < CHAINS; k++) a[k] = m * (float)(k + 1);
  for (int64_t r = 0; r < rounds; r++)
    for (int k = 0; k < CHAINS; k++) a[k] = a[k] * m + m;
  for (int k = 0; k < CHAINS; k++) total += a[k];
  return total[0];
}

const struct bench_formulas MXI_ISA_NAME(bench_formulas) = {exp_of, exp_sum, gelu_of, arithmetic};

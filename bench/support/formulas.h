/* Limits that compute: formulas by hand, for the instruction set in use. */
#ifndef BENCH_FORMULAS_H
#define BENCH_FORMULAS_H

#include <stdint.h>

#include "backend/cpu/isa.h"

struct bench_formulas {
  void (*exp_of)(float *to, const float *from, int64_t n);
  float (*exp_sum)(const float *from, int64_t n);           /* of exponentials; n a multiple of 64 */
  void (*gelu_of)(float *to, const float *from, int64_t n); /* x * (1 + erf(x / sqrt 2)) / 2 */
  float (*arithmetic)(int64_t rounds);                      /* the peak: no memory at all */
};
MXI_ISA_TABLE(struct bench_formulas, bench_formulas)

/* Each over n elements, on all threads given. */
void bench_exp(float *to, const float *from, int64_t n, int threads);
void bench_exp_sum(const float *from, int64_t n, int threads);
void bench_gelu(float *to, const float *from, int64_t n, int threads);
/* Takes a few milliseconds on one thread. */
void bench_arithmetic(int threads);

#endif

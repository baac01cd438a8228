/* The elementwise kernels of every instruction set that this CPU has, side by side. */
#ifndef MXI_TESTS_ISA_ROWS_H
#define MXI_TESTS_ISA_ROWS_H

#include "backend/cpu/elementwise.h"

enum { ISA_ROWS_MOST = 3 };

struct isa_rows {
  const char *name;
  const struct mxi_ew_rows *floats, *ints, *complexes;
  const struct mxi_ew_casts *casts;
};

/* Fills `sets` and returns how many there are; the baseline comes first. */
static inline int isa_rows_here(struct isa_rows sets[ISA_ROWS_MOST]) {
  int count = 0;
#define SET(isa)                                                                                              \
  (struct isa_rows) {                                                                                         \
    #isa, &mxi_ew_float_rows_##isa, &mxi_ew_int_rows_##isa, &mxi_ew_complex_rows_##isa, &mxi_ew_casts_##isa   \
  }
  sets[count++] = SET(baseline);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets[count++] = SET(avx2);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) sets[count++] = SET(avx512);
#endif
#undef SET
  return count;
}

#endif

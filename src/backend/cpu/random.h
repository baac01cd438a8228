/* Random bits: the table each instruction set fills. */
#ifndef MXI_BACKEND_CPU_RANDOM_H
#define MXI_BACKEND_CPU_RANDOM_H

#include <stdint.h>

#include "backend/cpu/isa.h"

struct mxi_random_kernels {
  /* (a[i], b[i]) = threefry2x32(key, (c0 + i, c1 + i)) for i < n; a and b do not overlap. */
  void (*threefry)(uint32_t *a, uint32_t *b, const uint32_t key[2], uint32_t c0, uint32_t c1, int64_t n);
};

MXI_ISA_TABLE(struct mxi_random_kernels, mxi_random_kernels)

#endif

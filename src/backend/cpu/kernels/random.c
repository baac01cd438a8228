/* Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011). The
 * rounds are one straight line, so that the loop over counters becomes vector code. */
#include "backend/cpu/random.h"

#define ROUND(by) (x += y, y = (y << (by) | y >> (32 - (by))) ^ x)
#define FOUR_A (ROUND(13), ROUND(15), ROUND(26), ROUND(6))
#define FOUR_B (ROUND(17), ROUND(29), ROUND(16), ROUND(24))
#define INJECT(k, l, step) (x += (k), y += (l) + (step))

/* for i: (a[i], b[i]) = the two words of counter (c0 + i, c1 + i) under key */
static void threefry(uint32_t *restrict a, uint32_t *restrict b, const uint32_t key[2], uint32_t c0, uint32_t c1,
                     int64_t n) {
  const uint32_t k0 = key[0], k1 = key[1], k2 = k0 ^ k1 ^ 0x1bd11bda;
  for (int64_t i = 0; i < n; i++) {
    uint32_t x = c0 + (uint32_t)i + k0, y = c1 + (uint32_t)i + k1;
    FOUR_A, INJECT(k1, k2, 1);
    FOUR_B, INJECT(k2, k0, 2);
    FOUR_A, INJECT(k0, k1, 3);
    FOUR_B, INJECT(k1, k2, 4);
    FOUR_A, INJECT(k2, k0, 5);
    a[i] = x;
    b[i] = y;
  }
}

const struct mxi_random_kernels MXI_ISA_NAME(mxi_random_kernels) = {threefry};

/* One long line, sorted by all threads: it is cut into parts whose number and place depend on its length alone. */
#ifndef MXI_BACKEND_CPU_SORT_WIDE_H
#define MXI_BACKEND_CPU_SORT_WIDE_H

#include "backend/cpu/sort.h"

enum {
  MXI_SORT_WIDE = 1 << 17, /* items of a line that is worth it */
  MXI_SORT_PARTS = 16,
  MXI_SORT_DIGITS = 2048,
  MXI_SORT_COUNTERS = MXI_SORT_PARTS * MXI_SORT_DIGITS
};

/* As struct mxi_sort_kernels; `counters` has room for MXI_SORT_COUNTERS. */
uint32_t *mxi_sort_wide_words(uint32_t *a, uint32_t *b, int64_t n, int to_bit, uint32_t *counters);
uint64_t *mxi_sort_wide_pairs(uint64_t *a, uint64_t *b, int64_t n, int from_bit, int to_bit, uint32_t *counters);

/* As the functions of struct mxi_sort_key_kernels; and pairs[i] = (upper 32 bits of key i) << 32 | i. */
bool mxi_sort_wide_encode(mx_dtype dtype, void *keys, const char *from, int64_t step, int64_t n);
void mxi_sort_wide_decode(mx_dtype dtype, const void *keys, char *to, int64_t step, int64_t n);
void mxi_sort_wide_make_pairs(uint64_t *pairs, const void *keys, bool keys_are_long, int64_t n);

#endif

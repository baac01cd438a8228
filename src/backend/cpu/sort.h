/* Sorting on keys: every dtype maps to unsigned integers that order as its values do, with -0 equal to 0 and NaN last,
 * so that one integer sort serves all. Keys of items up to 4 bytes are uint32_t, of 8 bytes uint64_t. */
#ifndef MXI_BACKEND_CPU_SORT_H
#define MXI_BACKEND_CPU_SORT_H

#include "backend/cpu/isa.h"
#include "plan/program.h"

/* Writes the keys of n items, step bytes apart. Returns true if two different items may have the same key (-0 and 0,
 * NaNs), so that items cannot be got back from keys. */
typedef bool (*mxi_sort_encode_fn)(void *keys, const char *from, int64_t step, int64_t n);
/* Writes the items of n keys. */
typedef void (*mxi_sort_decode_fn)(const void *keys, char *to, int64_t step, int64_t n);

struct mxi_sort_key_kernels {
  struct {
    mxi_sort_encode_fn encode;
    mxi_sort_decode_fn decode;
  } of[MXI_DTYPE_COUNT];
};

/* Sorts of n < 2^32 integers by the bits from from_bit (0 for words) up to to_bit; equal ones keep their order. The
 * result is in `a` or in `b`, which is as large: whichever is returned. */
struct mxi_sort_kernels {
  uint32_t *(*words)(uint32_t *a, uint32_t *b, int64_t n, int to_bit);
  uint64_t *(*pairs)(uint64_t *a, uint64_t *b, int64_t n, int from_bit, int to_bit);
};

MXI_ISA_TABLE(struct mxi_sort_key_kernels, mxi_sort_key_kernels)
MXI_ISA_TABLE(struct mxi_sort_kernels, mxi_sort_kernels)

#endif

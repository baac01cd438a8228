/* One step of a reduction, which reduce.c takes from an array and reduce_chain.c from a cluster. */
#ifndef MXI_BACKEND_CPU_REDUCE_STEP_H
#define MXI_BACKEND_CPU_REDUCE_STEP_H

#include "backend/cpu/elementwise_run.h"
#include "backend/cpu/reduce_nest.h"

#define MXI_FEW_COLUMNS 16 /* fewer are reduced as rows, one by one */

/* One step: src, elements of `item` bytes under the nest's strides, to dst, [outer, blocks, inner] accumulators. */
struct mxi_reduce_step {
  const struct mxi_fold_kernels *fold;
  mxi_load_fn load;
  mxi_store_fn scatter; /* of accumulators */
  bool is_plain;        /* elements are accumulators already */
  size_t item, acc;
  int64_t lanes, blocks;
  const struct ew_frame *chain; /* src does not exist: this computes its elements; else NULL */
  const char *src;
  char *dst;
  const struct mxi_nest *nest;
};

static inline int64_t mxi_block_size(int64_t size, int64_t block, int64_t index) {
  int64_t left = size - index * block;
  return left < block ? left : block;
}

/* The step over what the chain computes: inner is 1, or not few columns. */
void mxi_reduce_chain(struct mxi_reduce_step *s, bool by_rows);

#endif

/* A bump allocator: many small pieces, freed together. */
#ifndef MXI_BASE_ARENA_H
#define MXI_BASE_ARENA_H

#include <stddef.h>

struct mxi_arena {
  struct mxi_arena_chunk *chunks;
  size_t used;   /* of the newest chunk */
  size_t nbytes; /* of all chunks */
};

void *mxi_arena_alloc(struct mxi_arena *a, size_t nbytes); /* 16-byte aligned, zeroed; NULL without memory */
void mxi_arena_free(struct mxi_arena *a);

#endif

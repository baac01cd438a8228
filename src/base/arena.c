/* Chunks double from 1 KiB, so that a small plan stays small. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/poison.h"

struct mxi_arena_chunk {
  struct mxi_arena_chunk *next;
  size_t size;
  _Alignas(16) char data[];
};

void *mxi_arena_alloc(struct mxi_arena *a, size_t nbytes) {
  if (nbytes > SIZE_MAX / 4) return NULL;
  nbytes = (nbytes + 15) / 16 * 16;
  if (!a->chunks || a->chunks->size - a->used < nbytes) {
    size_t size = a->chunks ? a->chunks->size * 2 : 1024 - sizeof(struct mxi_arena_chunk);
    if (size < nbytes) size = nbytes;
    struct mxi_arena_chunk *chunk = mxi_malloc(sizeof *chunk + size);
    if (!chunk) return NULL;
    chunk->next = a->chunks;
    chunk->size = size;
    a->chunks = chunk;
    a->used = 0;
    MXI_POISON(chunk->data, size);
    a->nbytes += sizeof *chunk + size;
  }
  void *p = a->chunks->data + a->used;
  a->used += nbytes;
  MXI_UNPOISON(p, nbytes);
  return memset(p, 0, nbytes);
}

void mxi_arena_free(struct mxi_arena *a) {
  while (a->chunks) {
    struct mxi_arena_chunk *next = a->chunks->next;
    mxi_free(a->chunks);
    a->chunks = next;
  }
  a->used = a->nbytes = 0;
}

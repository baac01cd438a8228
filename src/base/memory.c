/* malloc and friends with failure injection. The counter is touched only while a test has armed it. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

_Atomic bool mxi_memory_armed;
static _Atomic int64_t fail_at, count;

void mxi_memory_fail_at(int64_t nth) {
  atomic_store(&count, 0);
  atomic_store(&fail_at, nth);
  atomic_store(&mxi_memory_armed, true);
}

int64_t mxi_memory_count(void) { return atomic_load(&count); }

bool mxi_memory_count_one(void) { return atomic_fetch_add(&count, 1) + 1 == atomic_load(&fail_at); }

void *mxi_malloc(size_t nbytes) {
  if (mxi_memory_should_fail()) return NULL;
  return malloc(nbytes ? nbytes : 1);
}

void *mxi_calloc(size_t nbytes) {
  if (mxi_memory_should_fail()) return NULL;
  return calloc(1, nbytes ? nbytes : 1);
}

void *mxi_realloc(void *p, size_t nbytes) {
  if (mxi_memory_should_fail()) return NULL;
  return realloc(p, nbytes ? nbytes : 1);
}

void mxi_free(void *p) { free(p); }

void *mxi_aligned(size_t nbytes) {
  if (nbytes > SIZE_MAX / 2 || mxi_memory_should_fail()) return NULL;
  size_t align = nbytes >= MXI_HUGE_PAGE ? MXI_HUGE_PAGE : 64;
  size_t total = (nbytes + align - 1) / align * align;
  void *p = aligned_alloc(align, total ? total : align);
  if (p && align == MXI_HUGE_PAGE) madvise(p, total, MADV_HUGEPAGE);
  return p;
}

bool mxi_grow(void *items, size_t *capacity, size_t need, size_t size) {
  size_t grown = *capacity < 16 ? 16 : *capacity;
  while (grown < need) {
    if (grown > SIZE_MAX / 2) return false;
    grown *= 2;
  }
  if (grown > SIZE_MAX / size) return false;
  void *old, *p;
  memcpy(&old, items, sizeof old);
  p = mxi_realloc(old, grown * size);
  if (!p) return false;
  memcpy(items, &p, sizeof p);
  *capacity = grown;
  return true;
}

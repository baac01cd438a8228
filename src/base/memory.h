/* Memory for everything but array elements (those come from base/buffer.h). Every allocation of the library goes
 * through here, so that tests can make any one of them fail. */
#ifndef MXI_BASE_MEMORY_H
#define MXI_BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mxi_malloc(size_t nbytes); /* NULL when there is none; a size of 0 gives a pointer to free */
void *mxi_calloc(size_t nbytes); /* zeroed */
void *mxi_realloc(void *p, size_t nbytes);
void mxi_free(void *p);
/* 64-byte aligned, and on large pages from their size on; released with mxi_free. */
#define MXI_HUGE_PAGE ((size_t)2 << 20)
void *mxi_aligned(size_t nbytes);

/* Makes room for `need` items of `size` bytes in the growing array *items; false without memory, nothing changed. */
bool mxi_grow(void *items, size_t *capacity, size_t need, size_t size);
static inline bool mxi_reserve(void *items, size_t *capacity, size_t need, size_t size) {
  return need <= *capacity || mxi_grow(items, capacity, need, size);
}

/* Failure injection: the nth allocation from now fails (1 is the next), once. 0 disarms. Counts since the last arming. */
void mxi_memory_fail_at(int64_t nth);
int64_t mxi_memory_count(void);
extern _Atomic bool mxi_memory_armed;
bool mxi_memory_count_one(void);
static inline bool mxi_memory_is_armed(void) { return atomic_load_explicit(&mxi_memory_armed, memory_order_relaxed); }
/* For the other allocators: true when this allocation is the one to fail. */
static inline bool mxi_memory_should_fail(void) { return mxi_memory_is_armed() && mxi_memory_count_one(); }

#endif

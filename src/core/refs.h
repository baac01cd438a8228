/* Biased reference counts, as in PEP 703 (Choi, Shull, Torrellas, PACT 2018): the owner thread counts without locked
 * instructions, all others in `shared`, whose two low bits say how far the two have been merged. */
#ifndef MXI_CORE_REFS_H
#define MXI_CORE_REFS_H

#include "core/thread.h"

enum { MXI_SHARED_ONE = 4, MXI_SHARED_FLAGS = 3, MXI_SHARED_QUEUED = 2, MXI_SHARED_MERGED = 3 };

static inline bool mxi_refs_owned(const struct mx_array_ *a, const struct mxi_thread *self) {
  return atomic_load_explicit(&a->owner, memory_order_relaxed) == self->id;
}

/* References as the owner sees them; -1: another thread's, or shared with one. */
static inline int32_t mxi_refs_exact(const struct mx_array_ *a, const struct mxi_thread *self) {
  if (!mxi_refs_owned(a, self) || atomic_load_explicit(&a->shared, memory_order_relaxed)) return -1;
  return atomic_load_explicit(&a->local, memory_order_relaxed);
}

static inline void mxi_refs_add(mx_array a, const struct mxi_thread *self) {
  if (mxi_refs_owned(a, self)) {
    int32_t n = atomic_load_explicit(&a->local, memory_order_relaxed);
    atomic_store_explicit(&a->local, n + 1, memory_order_relaxed);
  } else {
    atomic_fetch_add_explicit(&a->shared, MXI_SHARED_ONE, memory_order_relaxed);
  }
}

/* One reference less; true when it was the last, and the caller must free the node. */
bool mxi_refs_drop_slow(mx_array a, const struct mxi_thread *self);
static inline bool mxi_refs_drop(mx_array a, const struct mxi_thread *self) {
  if (mxi_refs_owned(a, self)) {
    int32_t n = atomic_load_explicit(&a->local, memory_order_relaxed) - 1;
    atomic_store_explicit(&a->local, n, memory_order_relaxed);
    if (n > 0) return false;
    if (atomic_load_explicit(&a->shared, memory_order_acquire) == 0) return true;
  }
  return mxi_refs_drop_slow(a, self);
}

void mxi_node_free(mx_array a, struct mxi_thread *self); /* what nobody refers to, and what dies with it */
static inline void mxi_release_by(mx_array a, struct mxi_thread *self) {
  if (mxi_refs_drop(a, self)) mxi_node_free(a, self);
}
void mxi_refs_merge(mx_array a); /* adds the owner's count to the shared one, less the queue's; frees at zero */

#endif

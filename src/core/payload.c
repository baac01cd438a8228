/* The queue is a stack that any thread pushes to; whoever drains takes all of it at once and goes from the oldest on. */
#include "core/payload.h"

#include "base/memory.h"

static _Atomic(struct mxi_payload *) queue;

struct mxi_payload *mxi_payload_new(void *data, void (*release)(void *data)) {
  struct mxi_payload *p = mxi_calloc(sizeof *p);
  if (!p) return NULL;
  p->data = data;
  p->release = release;
  atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
  return p;
}

struct mxi_payload *mxi_payload_retain(struct mxi_payload *p) {
  if (p) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
  return p;
}

void mxi_payload_release(struct mxi_payload *p) {
  if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  struct mxi_payload *head = atomic_load_explicit(&queue, memory_order_relaxed);
  do p->next = head;
  while (!atomic_compare_exchange_weak_explicit(&queue, &head, p, memory_order_release, memory_order_relaxed));
}

size_t mxi_payload_drain(void) {
  size_t count = 0;
  while (atomic_load_explicit(&queue, memory_order_relaxed)) { /* releasing one may end others */
    struct mxi_payload *p = atomic_exchange_explicit(&queue, NULL, memory_order_acquire), *oldest = NULL;
    while (p) {
      struct mxi_payload *next = p->next;
      p->next = oldest;
      oldest = p;
      p = next;
    }
    for (; oldest; count++) {
      p = oldest;
      oldest = p->next;
      if (p->release) p->release(p->data);
      mxi_free(p);
    }
  }
  return count;
}

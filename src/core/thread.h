/* What each thread owns: its number, its context, its free nodes, and the queue of nodes that other threads released
 * on its behalf. Arrays outlive their thread: an exited owner's nodes are merged by whoever releases them. */
#ifndef MXI_CORE_THREAD_H
#define MXI_CORE_THREAD_H

#include "base/memory.h"
#include "base/poison.h"
#include "core/ctx.h"

struct mxi_thread {
  uint32_t id; /* never reused; never 0 */
  uint32_t free_count;
  mx_array free_nodes; /* linked through next */
  mx_array spare;      /* a magazine, or NULL */
  _Atomic(mx_array) merge_queue;
  struct mxi_ctx ctx;
  struct mxi_thread *next; /* in the registry */
  MXI_SCOPES
};

/* Read at every step of building a graph: the model that costs one instruction, also in a shared library. */
extern __thread struct mxi_thread *mxi_self_ __attribute__((tls_model("initial-exec")));
uint32_t mxi_thread_new_id(void); /* for threads and contexts: never the same again */
struct mxi_thread *mxi_thread_start(void); /* never NULL: without memory the thread shares a static last resort */

static inline struct mxi_thread *mxi_self(void) { return mxi_self_ ? mxi_self_ : mxi_thread_start(); }
static inline struct mxi_ctx *mxi_ctx_thread(void) { return &mxi_self()->ctx; }

/* Free nodes move between threads by the magazine (Bonwick and Adams, USENIX 2001): a thread keeps at most two. */
#define MXI_MAGAZINE 4096

/* A node that nobody may look at: all but what links it into lists, and what debug builds know of it. */
static inline void mxi_node_poison(mx_array a) {
  MXI_POISON(a, offsetof(struct mx_array_, input_count));
  MXI_POISON(&a->buffer, offsetof(struct mx_array_, extra) + sizeof a->extra - offsetof(struct mx_array_, buffer));
}

bool mxi_nodes_refill(struct mxi_thread *t);
void mxi_nodes_give_back(struct mxi_thread *t);

/* Nodes made one after the other mostly lie at equal distances. A chain of them is read faster than memory answers where
 * the place of one some steps ahead is guessed from the last step; a wrong guess costs nothing but its instruction. */
static inline void mxi_node_prefetch(const struct mx_array_ *from, const struct mx_array_ *to) {
  __builtin_prefetch((const char *)((uintptr_t)to + 8 * ((uintptr_t)to - (uintptr_t)from)), 1);
}

/* From a list that is not empty. */
static inline mx_array mxi_node_pop(struct mxi_thread *t) {
  mx_array a = t->free_nodes;
  mxi_node_prefetch(a, a->next);
  t->free_nodes = a->next;
  t->free_count--;
  MXI_UNPOISON(a, sizeof *a);
  return a;
}

/* 128 bytes, contents undefined; NULL without memory. */
static inline mx_array mxi_node_alloc(struct mxi_thread *t) {
  return mxi_memory_should_fail() || (!t->free_nodes && !mxi_nodes_refill(t)) ? NULL : mxi_node_pop(t);
}

static inline void mxi_node_recycle(struct mxi_thread *t, mx_array a) {
  mxi_node_poison(a);
  a->next = t->free_nodes;
  t->free_nodes = a;
  if (++t->free_count >= MXI_MAGAZINE) mxi_nodes_give_back(t);
}
void mxi_thread_drain(struct mxi_thread *t); /* merges the queue; the owner calls this at eval and scope end */
static inline void mxi_thread_poll(struct mxi_thread *t) {
  if (atomic_load_explicit(&t->merge_queue, memory_order_relaxed)) mxi_thread_drain(t);
}
/* A release by a thread that is not the owner brought the shared count below zero. */
void mxi_thread_queue(mx_array a);
void mxi_thread_before_fork(void);
void mxi_thread_after_fork(bool child); /* other threads of the parent do not exist in the child: their nodes are merged at release */
int64_t mxi_live_nodes(void); /* for tests: exact when no other thread runs */

#endif

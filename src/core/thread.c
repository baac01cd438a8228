/* The registry of threads and their free lists. Nodes come from slabs, which are never given back: a process keeps the
 * most nodes it had at one time, 128 bytes each. */
#include "core/thread.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "core/refs.h"

/* Nodes taken from the system at a time: few, until so many are in use that large pages pay. */
enum { SMALL_SLAB = 256, LARGE_SLAB = MXI_HUGE_PAGE / 128, LARGE_FROM = 2 * LARGE_SLAB };
_Static_assert(LARGE_SLAB % MXI_MAGAZINE == 0, "a large slab is whole magazines");
_Static_assert(offsetof(struct mx_array_, extra) + sizeof(void *) == 128, "two cache lines, before what debug builds add");

__thread struct mxi_thread *mxi_self_ __attribute__((tls_model("initial-exec")));

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mxi_thread *registry;
static _Atomic uint32_t next_id = 1;
static struct mxi_thread last_resort = {.id = UINT32_MAX, .ctx.id = UINT32_MAX}; /* serves threads that found no memory at their first call */

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static mx_array pool; /* free nodes of nobody: magazines, see put_in_pool */
static _Atomic int64_t node_count; /* in all slabs */
static int64_t pool_count;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A list of free nodes becomes a magazine of the pool; its first node holds the link and how many there are. */
static void put_in_pool(mx_array list, uint32_t count) {
  if (!list) return;
  pthread_mutex_lock(&pool_lock);
  list->in[0] = pool;
  list->input_count = count;
  pool = list;
  pool_count += count;
  pthread_mutex_unlock(&pool_lock);
}

static mx_array take_from_pool(uint32_t *count) {
  pthread_mutex_lock(&pool_lock);
  mx_array list = pool;
  if (list) {
    pool = list->in[0];
    *count = list->input_count;
    pool_count -= *count;
  }
  pthread_mutex_unlock(&pool_lock);
  return list;
}

/* Runs at thread exit. The scopes end first; then the thread leaves the registry, so that nobody queues any more. */
static void thread_ends(void *p) {
  struct mxi_thread *t = p;
  mxi_self_ = t;
  mxi_sweep(&t->ctx, 0);
  pthread_mutex_lock(&registry_lock);
  for (struct mxi_thread **at = &registry; *at; at = &(*at)->next)
    if (*at == t) {
      *at = t->next;
      break;
    }
  pthread_mutex_unlock(&registry_lock);
  mxi_thread_drain(t);
  put_in_pool(t->free_nodes, t->free_count);
  put_in_pool(t->spare, MXI_MAGAZINE);
  mxi_free(t->ctx.stack);
  mxi_self_ = NULL;
  mxi_free(t);
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

uint32_t mxi_thread_new_id(void) { return atomic_fetch_add(&next_id, 1); }

struct mxi_thread *mxi_thread_start(void) {
  pthread_once(&once, make_key);
  struct mxi_thread *t = mxi_calloc(sizeof *t);
  if (!t) return &last_resort;
  if (pthread_setspecific(key, t)) {
    mxi_free(t);
    return &last_resort;
  }
  t->id = t->ctx.id = mxi_thread_new_id();
  pthread_mutex_lock(&registry_lock);
  t->next = registry;
  registry = t;
  pthread_mutex_unlock(&registry_lock);
  mxi_self_ = t;
  return t;
}

/* The thread's spare magazine, else one from the pool, else a new slab. */
bool mxi_nodes_refill(struct mxi_thread *t) {
  if (t == &last_resort) return false;
  t->free_nodes = t->spare;
  t->free_count = t->spare ? MXI_MAGAZINE : 0;
  t->spare = NULL;
  if (!t->free_nodes) t->free_nodes = take_from_pool(&t->free_count);
  if (t->free_nodes) return true;
  bool is_large = atomic_load_explicit(&node_count, memory_order_relaxed) >= LARGE_FROM;
  uint32_t count = is_large ? LARGE_SLAB : SMALL_SLAB, magazine = is_large ? MXI_MAGAZINE : SMALL_SLAB;
  mx_array slab = mxi_aligned(count * sizeof *slab);
  if (!slab) return false;
  atomic_fetch_add_explicit(&node_count, count, memory_order_relaxed);
  for (uint32_t i = 0; i < count; i++) {
    slab[i].next = (i + 1) % magazine ? &slab[i + 1] : NULL;
    mxi_node_poison(&slab[i]);
  }
  mxi_slab_made(slab, count);
  for (uint32_t i = count - magazine; i > 0; i -= magazine) put_in_pool(&slab[i], magazine);
  t->free_nodes = slab;
  t->free_count = magazine;
  return true;
}

/* Called when the list is a full magazine. */
void mxi_nodes_give_back(struct mxi_thread *t) {
  put_in_pool(t->spare, MXI_MAGAZINE);
  t->spare = t->free_nodes;
  t->free_nodes = NULL;
  t->free_count = 0;
}

int64_t mxi_live_nodes(void) {
  int64_t live = atomic_load(&node_count);
  pthread_mutex_lock(&registry_lock);
  for (struct mxi_thread *t = registry; t; t = t->next) live -= t->free_count + (t->spare ? MXI_MAGAZINE : 0);
  pthread_mutex_lock(&pool_lock);
  live -= pool_count + mxi_quarantined();
  pthread_mutex_unlock(&pool_lock);
  pthread_mutex_unlock(&registry_lock);
  return live;
}

void mxi_thread_drain(struct mxi_thread *t) {
  mx_array a = atomic_exchange_explicit(&t->merge_queue, NULL, memory_order_acquire);
  while (a) {
    mx_array next = a->next_merge;
    mxi_refs_merge(a);
    a = next;
  }
}

void mxi_thread_queue(mx_array a) {
  pthread_mutex_lock(&registry_lock);
  uint32_t id = atomic_load_explicit(&a->owner, memory_order_relaxed);
  struct mxi_thread *t = registry;
  while (t && t->id != id) t = t->next;
  if (t) {
    mx_array head = atomic_load_explicit(&t->merge_queue, memory_order_relaxed);
    do a->next_merge = head;
    while (!atomic_compare_exchange_weak_explicit(&t->merge_queue, &head, a, memory_order_release, memory_order_relaxed));
  }
  pthread_mutex_unlock(&registry_lock);
  if (!t) mxi_refs_merge(a); /* the owner has exited: its count no longer changes */
}

void mxi_thread_before_fork(void) {
  pthread_mutex_lock(&registry_lock);
  pthread_mutex_lock(&pool_lock);
}

void mxi_thread_after_fork(bool child) {
  if (child) {
    registry = mxi_self_;
    if (mxi_self_) mxi_self_->next = NULL;
  }
  pthread_mutex_unlock(&pool_lock);
  pthread_mutex_unlock(&registry_lock);
}

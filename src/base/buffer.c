/* The caching allocator. Sizes are rounded to classes, four to an octave; a freed block goes to the list of its class,
 * first of the thread (no lock), then of the process. The cache is dropped when memory runs short. */
#define _GNU_SOURCE
#include "base/buffer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/poison.h"

#define CLASS_COUNT 160
#define LOCAL_CLASSES 44       /* up to 128 KiB */
#define LOCAL_BLOCKS 8         /* of each class kept by a thread */
#define HEADER 64              /* the buffer itself, before its data */
#define CACHE_DEFAULT ((size_t)1 << 30) /* bytes that may be kept for later */

_Static_assert(sizeof(struct mxi_buffer) <= HEADER, "the header keeps data aligned");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mxi_buffer *cache[CLASS_COUNT];
static _Atomic size_t active, peak, cached, limit, cache_limit = CACHE_DEFAULT;
static _Atomic bool used;
static void *(*user_alloc)(size_t, void *);
static void (*user_release)(void *, size_t, void *);
static void *user_ctx;

/* Behind a pointer: a library that is loaded late, as Python's extensions are, shares some hundred bytes of room for
 * initial-exec variables with all others. */
struct local_cache {
  struct mxi_buffer *list[LOCAL_CLASSES];
  uint8_t count[LOCAL_CLASSES];
};
static __thread struct local_cache *local __attribute__((tls_model("initial-exec"))); /* NULL: nothing was freed yet */
static pthread_key_t local_key;
static pthread_once_t local_once = PTHREAD_ONCE_INIT;

/* Class 4k+j holds 64 * 2^k * (4+j)/4 bytes. */
static size_t class_size(int c) { return ((size_t)64 << (c / 4)) / 4 * (size_t)(4 + c % 4); }

static int class_of(size_t n) {
  if (n <= 64) return 0;
  int octave = 63 - __builtin_clzll((n - 1) | 64) - 6; /* 64 << octave <= n - 1 */
  size_t quarter = ((size_t)64 << octave) / 4;
  return octave * 4 + (int)((n - ((size_t)64 << octave) + quarter - 1) / quarter);
}

static void *block_alloc(size_t total) {
  if (!user_alloc) return mxi_aligned(total);
  return mxi_memory_should_fail() ? NULL : user_alloc(total, user_ctx);
}

static void block_free(struct mxi_buffer *b) {
  size_t total = b->nbytes + HEADER;
  MXI_UNPOISON(b->data, b->nbytes);
  if (user_release)
    user_release(b, total, user_ctx);
  else
    mxi_free(b);
}

static void flush_local(struct local_cache *l) {
  pthread_mutex_lock(&lock);
  for (int c = 0; c < LOCAL_CLASSES; c++) {
    while (l->list[c]) {
      struct mxi_buffer *b = l->list[c];
      l->list[c] = b->next;
      b->next = cache[c];
      cache[c] = b;
    }
    l->count[c] = 0;
  }
  pthread_mutex_unlock(&lock);
}

static void thread_ends(void *l) {
  flush_local(l);
  mxi_free(l);
  local = NULL;
}

static void make_key(void) { pthread_key_create(&local_key, thread_ends); }

/* False without memory: the thread then shares the cache of the process. */
static bool has_local(void) {
  if (local) return true;
  pthread_once(&local_once, make_key);
  struct local_cache *l = mxi_calloc(sizeof *l);
  if (l && pthread_setspecific(local_key, l)) {
    mxi_free(l);
    l = NULL;
  }
  local = l;
  return l;
}

void mxi_buffer_clear_cache(void) {
  if (local) flush_local(local);
  pthread_mutex_lock(&lock);
  for (int c = 0; c < CLASS_COUNT; c++)
    while (cache[c]) {
      struct mxi_buffer *b = cache[c];
      cache[c] = b->next;
      atomic_fetch_sub(&cached, b->nbytes);
      block_free(b);
    }
  pthread_mutex_unlock(&lock);
}

static struct mxi_buffer *from_cache(int c) {
  if (c < LOCAL_CLASSES && local && local->list[c]) {
    struct mxi_buffer *b = local->list[c];
    local->list[c] = b->next;
    local->count[c]--;
    return b;
  }
  if (atomic_load_explicit(&cached, memory_order_relaxed) == 0) return NULL;
  pthread_mutex_lock(&lock);
  struct mxi_buffer *b = cache[c];
  if (b) cache[c] = b->next;
  pthread_mutex_unlock(&lock);
  return b;
}

/* Accounts for n more bytes; false when that passes the limit. */
static bool reserve_bytes(size_t n) {
  size_t max = atomic_load_explicit(&limit, memory_order_relaxed);
  size_t now = atomic_fetch_add_explicit(&active, n, memory_order_relaxed) + n;
  if (max && now > max) {
    atomic_fetch_sub_explicit(&active, n, memory_order_relaxed);
    return false;
  }
  size_t top = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > top && !atomic_compare_exchange_weak_explicit(&peak, &top, now, memory_order_relaxed, memory_order_relaxed)) {
  }
  return true;
}

struct mxi_buffer *mxi_buffer_new(size_t nbytes) {
  if (nbytes > SIZE_MAX / 4) return NULL;
  int c = class_of(nbytes);
  if (c >= CLASS_COUNT) return NULL;
  size_t size = class_size(c);
  if (!reserve_bytes(size)) return NULL;
  struct mxi_buffer *b = from_cache(c);
  if (b) {
    atomic_fetch_sub_explicit(&cached, size, memory_order_relaxed);
    MXI_UNPOISON(b->data, size);
  } else {
    atomic_store_explicit(&used, true, memory_order_relaxed);
    b = block_alloc(size + HEADER);
    if (!b) {
      mxi_buffer_clear_cache();
      b = block_alloc(size + HEADER);
    }
    if (!b) {
      atomic_fetch_sub_explicit(&active, size, memory_order_relaxed);
      return NULL;
    }
  }
  b->data = (char *)b + HEADER;
  b->nbytes = size;
  b->size_class = c;
  b->free_fn = NULL;
  b->next = NULL;
  atomic_store_explicit(&b->exports, 0, memory_order_relaxed);
  atomic_store_explicit(&b->lent, false, memory_order_relaxed);
  atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

struct mxi_buffer *mxi_buffer_wrap(void *data, size_t nbytes, void (*free_fn)(void *ctx), void *ctx) {
  struct mxi_buffer *b = mxi_calloc(sizeof *b);
  if (!b) return NULL;
  b->data = data ? data : (char *)b;
  b->nbytes = nbytes;
  b->size_class = -1;
  b->free_fn = free_fn;
  b->free_ctx = ctx;
  atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

static void recycle(struct mxi_buffer *b) {
  int c = b->size_class;
  size_t size = b->nbytes;
  MXI_POISON(b->data, size);
  atomic_fetch_sub_explicit(&active, size, memory_order_relaxed);
  size_t max = atomic_load_explicit(&cache_limit, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&cached, size, memory_order_relaxed) + size > max) {
    atomic_fetch_sub_explicit(&cached, size, memory_order_relaxed);
    block_free(b);
    return;
  }
  if (c < LOCAL_CLASSES && has_local() && local->count[c] < LOCAL_BLOCKS) {
    b->next = local->list[c];
    local->list[c] = b;
    local->count[c]++;
    return;
  }
  pthread_mutex_lock(&lock);
  b->next = cache[c];
  cache[c] = b;
  pthread_mutex_unlock(&lock);
}

void mxi_buffer_release(struct mxi_buffer *b) {
  if (!b) return;
  /* The only holder needs no locked instruction. */
  if (atomic_load_explicit(&b->refs, memory_order_acquire) != 1 &&
      atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (b->size_class >= 0) {
    recycle(b);
    return;
  }
  if (b->free_fn) b->free_fn(b->free_ctx);
  mxi_free(b);
}

struct mxi_buffer_stats mxi_buffer_stats(void) {
  return (struct mxi_buffer_stats){atomic_load(&active), atomic_load(&peak), atomic_load(&cached), atomic_load(&limit)};
}

void mxi_buffer_set_limit(size_t nbytes) { atomic_store(&limit, nbytes); }

size_t mxi_buffer_set_cache_limit(size_t nbytes) {
  size_t before = atomic_exchange(&cache_limit, nbytes);
  if (atomic_load(&cached) > nbytes) mxi_buffer_clear_cache();
  return before;
}

void mxi_buffer_reset_peak(void) { atomic_store(&peak, 0); }

bool mxi_buffer_set_allocator(void *(*alloc)(size_t, void *), void (*release)(void *, size_t, void *), void *ctx) {
  if (atomic_load(&used) || !alloc != !release) return false;
  user_alloc = alloc;
  user_release = release;
  user_ctx = ctx;
  return true;
}

void mxi_buffer_lock_for_fork(void) { pthread_mutex_lock(&lock); }
void mxi_buffer_unlock_after_fork(void) { pthread_mutex_unlock(&lock); }

/* Buffers: reference-counted memory for array elements, from a caching allocator by size class. Counters, a limit and
 * the user's allocator live here. Any thread may release any buffer. */
#ifndef MXI_BASE_BUFFER_H
#define MXI_BASE_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mxi_buffer {
  char *data; /* 64-byte aligned where mica allocated it; never NULL */
  size_t nbytes; /* usable */
  _Atomic int64_t refs;
  _Atomic int32_t exports; /* who looks at it from outside (mxb_export), or MXI_BUFFER_SEEN: no donation */
  int32_t size_class;      /* < 0: the user's memory */
  void (*free_fn)(void *ctx);
  void *free_ctx;
  struct mxi_buffer *next; /* in the cache */
  _Atomic bool lent;       /* somebody outside may have written into it: copies of parts of it do not last */
};

#define MXI_BUFFER_SEEN (1 << 30) /* its pointer was given away, and nobody says when they are done */

/* A buffer of at least nbytes with one reference; NULL without memory or beyond the limit. Contents undefined. */
struct mxi_buffer *mxi_buffer_new(size_t nbytes);
/* A buffer over the user's memory; free_fn(ctx) runs when the last reference goes. */
struct mxi_buffer *mxi_buffer_wrap(void *data, size_t nbytes, void (*free_fn)(void *ctx), void *ctx);
static inline struct mxi_buffer *mxi_buffer_retain(struct mxi_buffer *b) {
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}
void mxi_buffer_release(struct mxi_buffer *b); /* NULL is fine */
/* True when the caller's reference is the only one and mica owns the memory: its contents may be overwritten. */
static inline bool mxi_buffer_donatable(struct mxi_buffer *b) {
  return b->size_class >= 0 && atomic_load_explicit(&b->refs, memory_order_acquire) == 1 &&
         atomic_load_explicit(&b->exports, memory_order_relaxed) == 0;
}

struct mxi_buffer_stats {
  size_t active, peak, cached, limit;
};
struct mxi_buffer_stats mxi_buffer_stats(void);
void mxi_buffer_set_limit(size_t nbytes); /* 0: none */
size_t mxi_buffer_set_cache_limit(size_t nbytes); /* returns the one before */
void mxi_buffer_reset_peak(void);
void mxi_buffer_clear_cache(void);
/* False once memory has been handed out. NULLs restore the default. */
bool mxi_buffer_set_allocator(void *(*alloc)(size_t, void *), void (*release)(void *, size_t, void *), void *ctx);
void mxi_buffer_lock_for_fork(void);
void mxi_buffer_unlock_after_fork(void);

#endif

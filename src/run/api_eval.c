/* The public functions that evaluate, and those about the machine. */
#include "base/buffer.h"
#include "base/log.h"
#include "base/pool.h"
#include "core/thread.h"
#include "run/run.h"

MX_API mx_status mx_eval_all(const mx_array *as, size_t count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  for (size_t i = 0; i < count; i++)
    if (!as || mxi_unusable(as[i])) {
      mxi_refuse(c, "eval", "a", as ? as[i] : NULL);
      return c->code;
    }
  return mxi_eval(c, as, count);
}

MX_API mx_status mx_eval(mx_array a) { return mx_eval_all(&a, 1); }

MX_API void mx_set_num_threads(int n) { mxi_pool_set_threads(n); }
MX_API int mx_num_threads(void) { return mxi_pool_threads(); }

MX_API mx_memory mx_memory_info(void) {
  struct mxi_buffer_stats s = mxi_buffer_stats();
  return (mx_memory){s.active, s.peak, s.cached, s.limit};
}

MX_API mx_status mx_memory_limit(size_t bytes) {
  mxi_buffer_set_limit(bytes);
  return MX_OK;
}

MX_API void mx_memory_clear_cache(void) { mxi_buffer_clear_cache(); }
MX_API size_t mx_memory_cache_limit(size_t bytes) { return mxi_buffer_set_cache_limit(bytes); }
MX_API void mx_memory_reset_peak(void) { mxi_buffer_reset_peak(); }

MX_API mx_status mx_set_allocator(void *(*alloc)(size_t nbytes, void *ctx), void (*release)(void *p, size_t nbytes, void *ctx),
                                  void *ctx) {
  if (mxi_buffer_set_allocator(alloc, release, ctx)) return MX_OK;
  return mxi_fail_status(mxi_ctx_thread(), MX_ERR_STATE, "[set_allocator] memory has been handed out already");
}

MX_API void mx_set_log(void (*fn)(const char *topic, const char *message, void *ctx), void *ctx) { mxi_log_set(fn, ctx); }

MX_API const char *mx_version(void) { return "0.1.0"; }

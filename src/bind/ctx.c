/* Contexts of bindings: their life, errors, and references. */
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "bind/own.h"
#include "core/refs.h"
#include "core/thread.h"

#define FIRST_ROOM 64 /* arrays; so that most contexts never grow their stack */

mxb_ctx *mxb_ctx_new(void) {
  struct mxi_ctx *c = mxi_calloc(sizeof *c);
  if (!c) return NULL;
  if (!mxi_reserve(&c->stack, &c->capacity, FIRST_ROOM, sizeof *c->stack)) {
    mxi_free(c);
    return NULL;
  }
  c->id = mxi_thread_new_id();
  return c;
}

void mxb_ctx_free(mxb_ctx *ctx) {
  if (!ctx) return;
  mxi_sweep(ctx, 0);
  mxi_free(ctx->stack);
  mxi_free(ctx);
}

mx_status mxb_error_code(const mxb_ctx *ctx) { return ctx->code; }
const char *mxb_error_message(const mxb_ctx *ctx) { return ctx->code ? ctx->message : ""; }
bool mxb_error_is_axis(const mxb_ctx *ctx) { return ctx->code && ctx->is_about_axis; }
void mxb_error_clear(mxb_ctx *ctx) {
  ctx->code = MX_OK;
  ctx->message[0] = 0;
}

mx_status mxb_raise(mxb_ctx *ctx, mx_status code, const char *format, ...) {
  char message[MXI_MESSAGE_MAX] = "";
  va_list args;
  va_start(args, format);
  if (format) vsnprintf(message, sizeof message, format, args);
  va_end(args);
  code = code ? code : MX_ERR_VALUE;
  mxi_fail(ctx, code, "%s", message);
  return code;
}

void mxb_interrupted_by(mxb_ctx *ctx, bool (*interrupted)(void *user), void *user) {
  ctx->interrupted = interrupted;
  ctx->interrupted_user = user;
}

mx_stream mxb_use(mxb_ctx *ctx, mx_stream s) {
  mx_stream before = ctx->stream ? ctx->stream : mx_default_stream();
  ctx->stream = s;
  return before;
}

/* ---- References -------------------------------------------------------------------------------------------------- */
mx_array mxb_retain(mx_array a) {
  if (a && mxi_handle_take("retain", a)) mxi_retain(a);
  return a;
}

void mxb_release(mx_array a) {
  if (a && mxi_handle_drop("release", a)) mxi_release(a);
}

mx_array mxb_lend(mxb_ctx *ctx, mx_array a) { return a && mxi_handle_drop("lend", a) ? mxi_push(ctx, a) : NULL; }

int64_t mxb_reference_count(mx_array a) {
  if (!a) return 0;
  int32_t shared = atomic_load_explicit(&a->shared, memory_order_acquire);
  if ((shared & MXI_SHARED_FLAGS) == MXI_SHARED_MERGED) return shared >> 2;
  if ((shared & MXI_SHARED_FLAGS) || !mxi_refs_owned(a, mxi_self())) return -1;
  return atomic_load_explicit(&a->local, memory_order_relaxed) + (shared >> 2);
}

/* ---- The end of a call ------------------------------------------------------------------------------------------- */
mx_array mxi_own_found(struct mxi_ctx *c, size_t mark, mx_array result) {
  if (c->top > mark && c->stack[c->top - 1] == result)
    c->top--; /* made last, after temporaries */
  else if (result)
    mxi_retain(result);
  if (c->top > mark) mxi_sweep(c, mark);
  return mxi_owned(result);
}

mx_status mxi_own_many(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (results[i]) mxi_retain(mxi_owned(results[i]));
  mxi_sweep(c, mark);
  return MX_OK;
}

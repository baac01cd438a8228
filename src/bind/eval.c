/* Evaluating in a binding's context. */
#include "bind/own.h"
#include "run/run.h"

static bool starts(mxb_ctx *ctx, const char *who, const mx_array *arrays, size_t count) {
  return !ctx->code && !mxi_refused(ctx, who, "arrays", arrays, count);
}

mx_status mxb_eval(mxb_ctx *ctx, const mx_array *arrays, size_t count) {
  return starts(ctx, "eval", arrays, count) ? mxi_eval(ctx, arrays, count) : ctx->code;
}

mx_status mxb_async_eval(mxb_ctx *ctx, const mx_array *arrays, size_t count) {
  return starts(ctx, "async_eval", arrays, count) ? mxi_eval_async(ctx, arrays, count) : ctx->code;
}

mx_status mxb_eval_start(mxb_ctx *ctx, const mx_array *arrays, size_t count, bool *done) {
  if (!starts(ctx, "eval", arrays, count) || !mxi_given(ctx, "eval", "done", done) || mxi_eval_start(ctx, arrays, count)) return ctx->code;
  *done = true;
  for (size_t i = 0; i < count && *done; i++) *done = mxi_is_evaluated(arrays[i]);
  return MX_OK;
}

mx_status mxb_wait(mxb_ctx *ctx, const mx_array *arrays, size_t count, double seconds, bool *done) {
  if (!starts(ctx, "wait", arrays, count) || !mxi_given(ctx, "wait", "done", done)) return ctx->code;
  return mxi_eval_wait(ctx, arrays, count, seconds, done);
}

mx_status mxb_synchronize(mxb_ctx *ctx) { return ctx->code ? ctx->code : mxi_synchronize(ctx); }

/* Functions of functions in a binding's context: the transforms run in a frame of it, and what was asked for leaves
 * owned. */
#include <string.h>

#include "base/memory.h"
#include "bind/own.h"
#include "core/payload.h"
#include "transform/vjp.h"

/* ---- grad -------------------------------------------------------------------------------------------------------- */
#define FEW 8 /* arguments whose gradients fit on the stack */

static mx_status run_grad(mxb_ctx *ctx, const char *who, mxb_fn f, void *user, const mx_array *args, size_t count, mx_array *value,
                          mx_array *grads) {
  if (ctx->code || mxi_refused(ctx, who, "args", args, count)) return ctx->code;
  if (!f || (count && !grads)) return mxi_null(ctx, who, f ? "grads" : "f"), ctx->code;
  mx_array few[FEW + 1] = {0}, *out = count <= FEW ? few : mxi_calloc((count + 1) * sizeof *out);
  if (!out) return mxi_fail_memory(ctx, who), ctx->code;
  size_t mark = ctx->top;
  mx_status code = mxi_grad_call(ctx, who, &(struct mxi_closure){.own_one = f, .user = user}, args, count, out);
  if (code) {
    mxi_sweep(ctx, mark);
  } else {
    if (!value) out[0] = NULL;
    mxi_own_many(ctx, mark, out, count + 1);
    if (value) *value = out[0];
    if (count) memcpy(grads, out + 1, count * sizeof *out);
  }
  if (out != few) mxi_free(out);
  return code;
}

mx_status mxb_grad(mxb_ctx *ctx, mxb_fn f, void *user, const mx_array *args, size_t count, mx_array *grads) {
  return run_grad(ctx, "grad", f, user, args, count, NULL, grads);
}

mx_status mxb_value_and_grad(mxb_ctx *ctx, mxb_fn f, void *user, const mx_array *args, size_t count, mx_array *value, mx_array *grads) {
  if (!value && !ctx->code) mxi_null(ctx, "value_and_grad", "value");
  return ctx->code ? ctx->code : run_grad(ctx, "value_and_grad", f, user, args, count, value, grads);
}

/* ---- Lists of results -------------------------------------------------------------------------------------------- */
/* Room for all of them first, so that either all or none are added. */
static bool make_room(mxb_ctx *ctx, const char *who, mxb_list *list, size_t more) {
  return mxi_reserve(&list->at, &list->capacity, list->count + more, sizeof *list->at) || mxi_fail_memory(ctx, who);
}

static void add_owned(mxb_list *list, const struct mxb_list *borrowed) {
  for (size_t i = 0; i < borrowed->count; i++) {
    mxi_retain(borrowed->at[i]);
    list->at[list->count++] = borrowed->at[i];
  }
}

mx_status mxb_vjp(mxb_ctx *ctx, mxb_fn_many f, void *user, const mx_array *primals, size_t count, const mx_array *cotangents,
                  size_t cotangent_count, mxb_list *results, mx_array *vjps) {
  if (ctx->code || mxi_refused(ctx, "vjp", "primals", primals, count) ||
      mxi_refused(ctx, "vjp", "cotangents", cotangents, cotangent_count))
    return ctx->code;
  const char *missing = !f ? "f" : !results ? "results" : count && !vjps ? "vjps" : NULL;
  if (missing) return mxi_null(ctx, "vjp", missing), ctx->code;
  mx_array *grads = mxi_calloc((count + 1) * sizeof *grads);
  if (!grads) return mxi_fail_memory(ctx, "vjp"), ctx->code;
  size_t mark = ctx->top;
  struct mxb_list found = {0};
  mx_status code = mxi_vjp_call(ctx, "vjp", &(struct mxi_closure){.own_many = f, .user = user}, primals, count, cotangents, cotangent_count,
                                &found, grads);
  if (!code && !make_room(ctx, "vjp", results, found.count)) code = ctx->code;
  if (!code) {
    add_owned(results, &found);
    mxi_own_many(ctx, mark, grads, count);
    if (count) memcpy(vjps, grads, count * sizeof *grads);
  } else {
    mxi_sweep(ctx, mark);
  }
  mxi_list_free(&found);
  mxi_free(grads);
  return code;
}

mx_status mxb_jvp(mxb_ctx *ctx, mxb_fn_many f, void *user, const mx_array *primals, const mx_array *tangents, size_t count,
                  mxb_list *results, mxb_list *jvps) {
  if (ctx->code || mxi_refused(ctx, "jvp", "primals", primals, count) || mxi_refused(ctx, "jvp", "tangents", tangents, count))
    return ctx->code;
  if (!f || !results || !jvps) return mxi_null(ctx, "jvp", !f ? "f" : results ? "jvps" : "results"), ctx->code;
  size_t mark = ctx->top;
  struct mxb_list found = {0}, derivatives = {0};
  mx_status code = mxi_jvp_call(ctx, &(struct mxi_closure){.own_many = f, .user = user}, primals, tangents, count, MXI_ANY_COUNT, &found,
                                &derivatives);
  if (!code && (!make_room(ctx, "jvp", results, found.count) || !make_room(ctx, "jvp", jvps, derivatives.count))) code = ctx->code;
  if (!code) {
    add_owned(results, &found);
    add_owned(jvps, &derivatives);
  }
  mxi_sweep(ctx, mark);
  mxi_list_free(&found);
  mxi_list_free(&derivatives);
  return code;
}

/* ---- Functions with a gradient of their own ---------------------------------------------------------------------- */
static mx_status run_custom(mxb_ctx *ctx, const char *who, const struct mxi_closure *f, struct mxi_payload *payload, const mx_array *args,
                            size_t count, mxb_list *results) {
  if (ctx->code || mxi_refused(ctx, who, "args", args, count)) return ctx->code;
  if (!f->own_many || !results) return mxi_null(ctx, who, results ? "f" : "results"), ctx->code;
  size_t mark = ctx->top;
  struct mxb_list found = {0};
  mx_status code = mxi_custom_call(ctx, who, f, payload, args, count, MXI_ANY_COUNT, &found);
  if (!code && !make_room(ctx, who, results, found.count)) code = ctx->code;
  if (!code) add_owned(results, &found);
  mxi_sweep(ctx, mark);
  mxi_list_free(&found);
  return code;
}

static mx_status hold_and_run(mxb_ctx *ctx, const char *who, const struct mxi_closure *f, void (*release)(void *user), const mx_array *args,
                              size_t count, mxb_list *results) {
  struct mxi_payload *payload = mxi_payload_new(f->user, release);
  if (!payload) {
    if (release) release(f->user); /* there is no memory to put that off */
    return mxi_fail_memory(ctx, who), ctx->code;
  }
  mx_status code = run_custom(ctx, who, f, payload, args, count, results);
  mxi_payload_release(payload);
  return code;
}

mx_status mxb_custom_function(mxb_ctx *ctx, mxb_fn_many f, mxb_vjp_fn vjp, mxb_jvp_fn jvp, void *user, void (*release)(void *user),
                              const mx_array *args, size_t count, mxb_list *results) {
  return hold_and_run(ctx, "custom_function", &(struct mxi_closure){.own_many = f, .own_vjp = vjp, .own_jvp = jvp, .user = user}, release,
                      args, count, results);
}

mx_status mxb_custom_vjp(mxb_ctx *ctx, mxb_fn_many f, mxb_vjp_fn vjp, void *user, void (*release)(void *user), const mx_array *args,
                         size_t count, mxb_list *results) {
  if (!vjp) mxi_null(ctx, "custom_vjp", "vjp");
  return hold_and_run(ctx, "custom_vjp", &(struct mxi_closure){.own_many = f, .own_vjp = vjp, .user = user}, release, args, count, results);
}

mx_status mxb_checkpoint(mxb_ctx *ctx, mxb_fn_many f, void *user, void (*release)(void *user), const mx_array *args, size_t count,
                         mxb_list *results) {
  return hold_and_run(ctx, "checkpoint", &(struct mxi_closure){.own_many = f, .user = user}, release, args, count, results);
}

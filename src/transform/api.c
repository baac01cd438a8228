/* The public transforms. Each runs the user's function on tracers in a frame of its own, and hands only what was asked
 * for to the caller's scope; a failure leaves the outputs untouched. */
#include <string.h>

#include "base/memory.h"
#include "core/thread.h"
#include "ops/builders.h"
#include "transform/vjp.h"

/* A function that gave no result must have said why. */
static mx_status no_result(struct mxi_ctx *c, const char *who, mx_array result) {
  if (mxi_stale(result)) mxi_refuse(c, who, "result of the function", result);
  return c->code ? c->code : mxi_fail_status(c, MX_ERR_VALUE, "[%s] the function returned no array", who);
}

static mx_status call_many(struct mxi_ctx *c, const char *who, mx_fn_many f, void *user, const mx_array *args, size_t count,
                           mx_array *results, size_t result_count) {
  memset(results, 0, result_count * sizeof *results);
  mx_status code = f(args, count, results, result_count, user);
  if (c->code) return c->code;
  if (code) return mxi_fail_status(c, code, "[%s] the function failed", who);
  for (size_t i = 0; i < result_count; i++) {
    if (mxi_unusable(results[i])) return no_result(c, who, results[i]);
    if (!(results[i] = mxi_strong(c, results[i]))) return c->code;
  }
  return MX_OK;
}

static mx_status check_cotangents(struct mxi_ctx *c, const char *who, const mx_array *cotangents, const mx_array *results, size_t count) {
  for (size_t i = 0; i < count; i++) {
    mx_array g = cotangents[i], y = results[i];
    if (mxi_unusable(g)) {
      mxi_refuse(c, who, "cotangents", g);
      return c->code;
    }
    bool same = g->ndim == y->ndim && !memcmp(mxi_dims(g), mxi_dims(y), (size_t)y->ndim * sizeof(int64_t));
    if (!same)
      return mxi_fail_status(c, MX_ERR_SHAPE, "[%s] cotangent %zu has shape %s but result %zu has shape %s", who, i, MXI_SHAPE_TEXT(g), i,
                             MXI_SHAPE_TEXT(y));
  }
  return MX_OK;
}

mx_status mxi_vjp_call(struct mxi_ctx *c, const char *who, mx_fn_many f, void *user, const mx_array *primals, size_t count,
                       const mx_array *cotangents, size_t result_count, mx_array *results, mx_array *vjps) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, who, primals, count);
  if (!code) code = call_many(c, who, f, user, t.arguments, count, results, result_count);
  if (!code) code = check_cotangents(c, who, cotangents, results, result_count);
  if (!code) code = mxi_trace_collect(&t, who, results, result_count);
  if (!code) code = mxi_vjp_run(&t, cotangents, result_count, vjps);
  mxi_trace_end_call(&t);
  return code;
}

/* ---- grad -------------------------------------------------------------------------------------------------------- */
static mx_status check_scalar(struct mxi_ctx *c, const char *who, mx_array y) {
  if (y->ndim)
    return mxi_fail_status(c, MX_ERR_SHAPE, "[%s] the function must return a scalar, not an array of shape %s", who, MXI_SHAPE_TEXT(y));
  if (!mxi_is_inexact((mx_dtype)y->dtype))
    return mxi_fail_status(c, MX_ERR_DTYPE, "[%s] the function must return a float, not %s", who, mxi_dtype_names[y->dtype]);
  return MX_OK;
}

static mx_status grad_in_frame(struct mxi_ctx *c, const char *who, mx_fn f, void *user, const mx_array *args, size_t count, mx_array *out) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, who, args, count);
  mx_array value = code ? NULL : f(t.arguments, user);
  if (!code && (mxi_unusable(value) || c->code)) code = no_result(c, who, value);
  if (!code && !(value = mxi_strong(c, value))) code = c->code;
  if (!code) code = check_scalar(c, who, value);
  if (!code) code = mxi_trace_collect(&t, who, &value, 1);
  mx_array one = code ? NULL : mxi_scalar_f(c, 1, (mx_dtype)value->dtype);
  if (!code && !one) code = c->code;
  if (!code) code = mxi_vjp_run(&t, &one, 1, out + 1);
  out[0] = value;
  mxi_trace_end_call(&t);
  return code;
}

/* Values and gradients of a scalar function: out[0] and out[1..count]. */
static mx_status run_grad(const char *who, mx_fn f, void *user, const mx_array *args, size_t count, mx_array *value, mx_array *grads) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  if (!f || (count && (!args || !grads))) {
    mxi_null(c, who, !f ? "f" : !args ? "args" : "grads");
    return c->code;
  }
  mx_array *out = mxi_calloc((count + 1) * sizeof *out);
  if (!out) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  size_t mark = c->top;
  mx_status code = grad_in_frame(c, who, f, user, args, count, out);
  if (!value) out[0] = NULL;
  if (code)
    mxi_sweep(c, mark);
  else
    code = mxi_keep_many(c, mark, out, count + 1);
  if (!code && value) *value = out[0];
  for (size_t i = 0; i < count && !code; i++) grads[i] = out[i + 1];
  mxi_free(out);
  return code;
}

MX_API mx_status mx_grad(mx_fn f, void *ctx, const mx_array *args, size_t count, mx_array *grads) {
  return run_grad("grad", f, ctx, args, count, NULL, grads);
}

MX_API mx_status mx_value_and_grad(mx_fn f, void *ctx, const mx_array *args, size_t count, mx_array *value, mx_array *grads) {
  return run_grad("value_and_grad", f, ctx, args, count, value, grads);
}

/* ---- vjp and jvp ------------------------------------------------------------------------------------------------- */
static mx_status check_lists(struct mxi_ctx *c, const char *who, mx_fn_many f, const void *primals, const void *others, size_t count,
                             size_t result_count, const void *results, const void *out) {
  if (c->code) return c->code;
  const char *missing = !f ? "f" : count && !primals ? "primals" : others ? NULL : "cotangents";
  if (!missing && result_count && (!results || !out)) missing = "results";
  if (missing) mxi_null(c, who, missing);
  return c->code;
}

/* Moves results and derivatives, which lie together in `all`, to the caller's scope and arrays. */
static mx_status hand_over(struct mxi_ctx *c, size_t mark, mx_status code, mx_array *all, size_t result_count, size_t rest, mx_array *results,
                           mx_array *derivatives) {
  if (code)
    mxi_sweep(c, mark);
  else
    code = mxi_keep_many(c, mark, all, result_count + rest);
  if (!code) {
    memcpy(results, all, result_count * sizeof *all);
    memcpy(derivatives, all + result_count, rest * sizeof *all);
  }
  mxi_free(all);
  return code;
}

MX_API mx_status mx_vjp(mx_fn_many f, void *ctx, const mx_array *primals, size_t count, const mx_array *cotangents, size_t result_count,
                        mx_array *results, mx_array *vjps) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_status code = check_lists(c, "vjp", f, primals, cotangents, count, result_count, results, vjps);
  if (code) return code;
  mx_array *all = mxi_calloc((result_count + count + 1) * sizeof *all);
  if (!all) {
    mxi_fail_memory(c, "vjp");
    return c->code;
  }
  size_t mark = c->top;
  code = mxi_vjp_call(c, "vjp", f, ctx, primals, count, cotangents, result_count, all, all + result_count);
  return hand_over(c, mark, code, all, result_count, count, results, vjps);
}

static mx_status jvp_in_frame(struct mxi_ctx *c, mx_fn_many f, void *user, const mx_array *primals, const mx_array *tangents, size_t count,
                              mx_array *results, size_t result_count, mx_array *jvps) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, "jvp", primals, count);
  if (!code) code = check_cotangents(c, "jvp", tangents, primals, count);
  if (!code) code = call_many(c, "jvp", f, user, t.arguments, count, results, result_count);
  if (!code) code = mxi_trace_collect(&t, "jvp", results, result_count);
  if (!code) code = mxi_jvp_run(&t, tangents, results, result_count, jvps);
  mxi_trace_end_call(&t);
  return code;
}

MX_API mx_status mx_jvp(mx_fn_many f, void *ctx, const mx_array *primals, const mx_array *tangents, size_t count, mx_array *results,
                        size_t result_count, mx_array *jvps) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_status code = check_lists(c, "jvp", f, primals, tangents, count, result_count, results, jvps);
  if (code) return code;
  mx_array *all = mxi_calloc((2 * result_count + 1) * sizeof *all);
  if (!all) {
    mxi_fail_memory(c, "jvp");
    return c->code;
  }
  size_t mark = c->top;
  code = jvp_in_frame(c, f, ctx, primals, tangents, count, all, result_count, all + result_count);
  return hand_over(c, mark, code, all, result_count, result_count, results, jvps);
}

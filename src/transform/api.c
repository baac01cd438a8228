/* The public transforms. Each runs the user's function on tracers in a frame of its own, and hands only what was asked
 * for to the caller's scope; a failure leaves the outputs untouched. */
#include <string.h>

#include "base/memory.h"
#include "core/thread.h"
#include "ops/builders.h"
#include "transform/vjp.h"

mx_status mxi_check_shapes(struct mxi_ctx *c, const char *who, const char *what, const mx_array *given, const char *of,
                           const mx_array *arrays, size_t count) {
  for (size_t i = 0; i < count; i++) {
    mx_array g = given[i], a = arrays[i];
    if (g && !mxi_shapes_equal(g, a))
      return mxi_fail_status(c, MX_ERR_SHAPE, "[%s] %s %zu has shape %s but %s %zu has shape %s", who, what, i, MXI_SHAPE_TEXT(g), of, i,
                             MXI_SHAPE_TEXT(a));
  }
  return MX_OK;
}

/* A cotangent for each result: as given, or, where fewer are given, one for each result that does not stop gradients; in
 * the result's dtype. */
static mx_status pair(struct mxi_ctx *c, const char *who, const mx_array *given, size_t count, const struct mxb_list *results,
                      mx_array *cotangents) {
  size_t used = 0;
  for (size_t i = 0; i < results->count; i++) {
    bool is_stopped = count != results->count && results->at[i]->op == MXI_OP_stop_gradient;
    cotangents[i] = is_stopped || used >= count ? NULL : given[used];
    used += !is_stopped;
    if (cotangents[i] && !(cotangents[i] = mxi_astype(c, cotangents[i], (mx_dtype)results->at[i]->dtype))) return c->code;
  }
  if (used == count) return MX_OK;
  return mxi_fail_status(c, MX_ERR_VALUE, "[%s] the function returned %zu arrays, not %zu", who, results->count, count);
}

mx_status mxi_vjp_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *primals, size_t count,
                       const mx_array *cotangents, size_t cotangent_count, struct mxb_list *results, mx_array *vjps) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, who, primals, count);
  if (!code) code = mxi_closure_many(c, who, f, t.arguments, count, f->own_many ? MXI_ANY_COUNT : cotangent_count, results);
  mx_array *paired = code ? NULL : mxi_malloc((results->count + 1) * sizeof *paired);
  if (!code && !paired) code = (mxi_fail_memory(c, who), c->code);
  if (!code) code = pair(c, who, cotangents, cotangent_count, results, paired);
  if (!code) code = mxi_check_shapes(c, who, "cotangent", paired, "result", results->at, results->count);
  if (!code) code = mxi_trace_collect(&t, who, results->at, results->count);
  if (!code) code = mxi_vjp_run(&t, paired, results->count, vjps);
  mxi_free(paired);
  mxi_trace_end_call(&t);
  return code;
}

/* ---- grad -------------------------------------------------------------------------------------------------------- */
static mx_status check_scalar(struct mxi_ctx *c, const char *who, mx_array y) {
  if (y->ndim)
    return mxi_fail_status(c, MX_ERR_SHAPE, "[%s] the function must return a scalar, not an array of shape %s", who, MXI_SHAPE_TEXT(y));
  return MX_OK;
}

mx_status mxi_grad_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                        mx_array *out) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, who, args, count);
  mx_array value = code ? NULL : mxi_closure_one(c, who, f, t.arguments, count);
  if (!code && !value) code = c->code;
  if (!code) code = check_scalar(c, who, value);
  if (!code) code = mxi_trace_collect(&t, who, &value, 1);
  mx_array one = code ? NULL : mxi_scalar_f(c, 1, (mx_dtype)value->dtype);
  if (!code && !one) code = c->code;
  if (!code) code = mxi_vjp_run(&t, &one, 1, out + 1);
  out[0] = value;
  mxi_trace_end_call(&t);
  return code;
}

#define FEW 8 /* arguments whose gradients fit on the stack */

/* Values and gradients of a scalar function: out[0] and out[1..count]. */
static mx_status run_grad(const char *who, mx_fn f, void *user, const mx_array *args, size_t count, mx_array *value, mx_array *grads) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  if (!f || (count && (!args || !grads))) {
    mxi_null(c, who, !f ? "f" : !args ? "args" : "grads");
    return c->code;
  }
  mx_array few[FEW + 1] = {0}, *out = count <= FEW ? few : mxi_calloc((count + 1) * sizeof *out);
  if (!out) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  size_t mark = c->top;
  mx_status code = mxi_grad_call(c, who, &(struct mxi_closure){.one = f, .user = user}, args, count, out);
  if (!value) out[0] = NULL;
  if (code)
    mxi_sweep(c, mark);
  else
    code = mxi_keep_many(c, mark, out, count + 1);
  if (!code && value) *value = out[0];
  for (size_t i = 0; i < count && !code; i++) grads[i] = out[i + 1];
  if (out != few) mxi_free(out);
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

/* Moves results and derivatives to the caller's scope and arrays. */
static mx_status hand_over(struct mxi_ctx *c, size_t mark, const struct mxb_list *from, const mx_array *derivatives, size_t count,
                           mx_array *results, mx_array *out) {
  size_t n = from->count;
  mx_array *all = mxi_malloc((n + count + 1) * sizeof *all);
  if (!all) {
    mxi_sweep(c, mark);
    mxi_fail_memory(c, "vjp");
    return c->code;
  }
  if (n) memcpy(all, from->at, n * sizeof *all);
  if (count) memcpy(all + n, derivatives, count * sizeof *all);
  mx_status code = mxi_keep_many(c, mark, all, n + count);
  if (!code && n) memcpy(results, all, n * sizeof *all);
  if (!code && count) memcpy(out, all + n, count * sizeof *all);
  mxi_free(all);
  return code;
}

MX_API mx_status mx_vjp(mx_fn_many f, void *ctx, const mx_array *primals, size_t count, const mx_array *cotangents, size_t result_count,
                        mx_array *results, mx_array *vjps) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_status code = check_lists(c, "vjp", f, primals, cotangents, count, result_count, results, vjps);
  if (code || mxi_refused(c, "vjp", "cotangents", cotangents, result_count)) return c->code;
  mx_array *grads = mxi_calloc((count + 1) * sizeof *grads);
  if (!grads) {
    mxi_fail_memory(c, "vjp");
    return c->code;
  }
  size_t mark = c->top;
  struct mxb_list found = {0};
  code = mxi_vjp_call(c, "vjp", &(struct mxi_closure){.many = f, .user = ctx}, primals, count, cotangents, result_count, &found, grads);
  if (code)
    mxi_sweep(c, mark);
  else
    code = hand_over(c, mark, &found, grads, count, results, vjps);
  mxi_list_free(&found);
  mxi_free(grads);
  return code;
}

static bool jvp_room(struct mxi_ctx *c, struct mxb_list *jvps, size_t count) {
  if (!mxi_reserve(&jvps->at, &jvps->capacity, count, sizeof *jvps->at)) return mxi_fail_memory(c, "jvp");
  if (count) memset(jvps->at, 0, count * sizeof *jvps->at);
  jvps->count = count;
  return true;
}

mx_status mxi_jvp_call(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, const mx_array *tangents, size_t count,
                       size_t expected, struct mxb_list *results, struct mxb_list *jvps) {
  struct mxi_trace t;
  mx_status code = mxi_trace_begin_call(&t, c, "jvp", primals, count);
  if (!code) code = mxi_check_shapes(c, "jvp", "tangent", tangents, "primal", primals, count);
  if (!code) code = mxi_closure_many(c, "jvp", f, t.arguments, count, expected, results);
  if (!code && !jvp_room(c, jvps, results->count)) code = c->code;
  if (!code) code = mxi_trace_collect(&t, "jvp", results->at, results->count);
  if (!code) code = mxi_jvp_run(&t, tangents, results->at, results->count, jvps->at);
  mxi_trace_end_call(&t);
  return code;
}

MX_API mx_status mx_jvp(mx_fn_many f, void *ctx, const mx_array *primals, const mx_array *tangents, size_t count, mx_array *results,
                        size_t result_count, mx_array *jvps) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_status code = check_lists(c, "jvp", f, primals, tangents, count, result_count, results, jvps);
  if (code || mxi_refused(c, "jvp", "tangents", tangents, count)) return c->code;
  size_t mark = c->top;
  struct mxb_list found = {0}, derivatives = {0};
  code = mxi_jvp_call(c, &(struct mxi_closure){.many = f, .user = ctx}, primals, tangents, count, result_count, &found, &derivatives);
  if (code)
    mxi_sweep(c, mark);
  else
    code = hand_over(c, mark, &found, derivatives.at, derivatives.count, results, jvps);
  mxi_list_free(&found);
  mxi_list_free(&derivatives);
  return code;
}

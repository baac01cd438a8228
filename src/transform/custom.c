/* Functions with a gradient of their own, and checkpoints. Both wrap the results of a function in one `custom` node,
 * which reverse differentiation does not look behind: its inputs are the results, then the arguments. */
#include <string.h>

#include "base/memory.h"
#include "core/thread.h"
#include "ops/builders.h"
#include "transform/vjp.h"

/* One call of a wrapped function: shared by the nodes of its results. */
struct call {
  _Atomic int64_t refs;
  mx_fn_many f;
  mx_vjp_fn vjp; /* NULL: a checkpoint */
  void *user;
  size_t count, result_count;
};

struct params {
  struct call *call;
  int64_t result_count; /* of the key, for it is the number of outputs; the call is not */
};

static void retain_call(void *params) { atomic_fetch_add(&((struct params *)params)->call->refs, 1); }

static void release_call(void *params) {
  struct call *call = ((struct params *)params)->call;
  if (atomic_fetch_sub(&call->refs, 1) == 1) mxi_free(call);
}

static const struct mxi_field_spec fields[] = {
    {MXI_IDENTITY, MXI_I64, offsetof(struct params, call), "call"},
    {MXI_STRUCTURE, MXI_I64, offsetof(struct params, result_count), "result_count"},
    {.role = MXI_FIELD_END},
};

static bool custom_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                       mx_array *grads) {
  (void)wanted;
  const struct call *call = ((const struct params *)mxi_params(node))->call;
  size_t n = call->count, m = call->result_count;
  mx_array *all = mxi_calloc((2 * m + n + 1) * sizeof *all);
  if (!all) return mxi_fail_memory(c, "custom_vjp");
  mx_array *results = all, *given = all + m, *vjps = all + 2 * m;
  bool ok = true;
  for (size_t i = 0; i < m && ok; i++) {
    results[i] = outputs[i];
    given[i] = cotangents[i] ? cotangents[i] : mxi_zeros_of(c, outputs[i]);
    ok = given[i] != NULL;
  }
  const mx_array *args = mxi_inputs(node) + m;
  mx_status code = MX_OK;
  if (ok && call->vjp)
    code = call->vjp(args, given, results, n, m, vjps, call->user);
  else if (ok)
    code = mxi_vjp_call(c, "checkpoint", call->f, call->user, args, n, given, m, results, vjps);
  if (ok && code && !c->code) mxi_fail(c, code, "[custom_vjp] the gradient function failed");
  for (size_t k = 0; k < n; k++)
    if (mxi_stale(vjps[k])) mxi_refuse(c, "custom_vjp", "result of the gradient function", vjps[k]);
  ok = ok && !c->code;
  for (size_t k = 0; k < n && ok; k++) grads[m + k] = vjps[k];
  mxi_free(all);
  return ok;
}

/* Forward derivatives go through the function's own operations. */
static bool custom_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *out) {
  (void)c, (void)outputs;
  const struct call *call = ((const struct params *)mxi_params(node))->call;
  for (size_t i = 0; i < call->result_count; i++) out[i] = tangents[i];
  return true;
}

const struct mx_prim mxi_prim_custom = {.size = sizeof(struct mx_prim), .name = "custom", .flags = MXI_BARRIER,
                                        .params_size = sizeof(struct params), .fields = fields, .params_retain = retain_call,
                                        .params_free = release_call,
                                        .vjp = custom_vjp, .jvp = custom_jvp};

/* Wraps the results of one call. */
static mx_status wrap(struct mxi_ctx *c, struct call *call, const mx_array *args, mx_array *results) {
  size_t n = call->count, m = call->result_count;
  mx_array *inputs = mxi_malloc((n + m) * sizeof *inputs);
  struct mxi_output *specs = mxi_malloc((m + 1) * sizeof *specs);
  mx_status code = MX_OK;
  if (!inputs || !specs) {
    mxi_fail_memory(c, "custom_vjp");
    code = c->code;
  }
  for (size_t i = 0; i < m && !code; i++) {
    inputs[i] = results[i];
    specs[i] = (struct mxi_output){(mx_dtype)results[i]->dtype, results[i]->ndim, mxi_dims(results[i])};
  }
  if (!code) memcpy(inputs + m, args, n * sizeof *args);
  struct params p = {call, (int64_t)m};
  if (!code) code = mxi_node_make_many(c, MXI_OP_custom, specs, (int)m, inputs, n + m, &p, results);
  mxi_free(inputs);
  mxi_free(specs);
  return code;
}

static mx_status run_in_frame(struct mxi_ctx *c, const char *who, struct call *call, const mx_array *given, mx_array *results) {
  mx_array *args = mxi_malloc((call->count + 1) * sizeof *args);
  mx_status code = MX_OK;
  if (!args) {
    mxi_fail_memory(c, who);
    code = c->code;
  }
  for (size_t i = 0; i < call->count && !code; i++) {
    bool ok = !mxi_unusable(given[i]) || mxi_refuse(c, who, "args", given[i]);
    args[i] = ok ? mxi_strong(c, given[i]) : NULL;
    if (!args[i]) code = c->code;
  }
  if (!code) {
    code = call->f(args, call->count, results, call->result_count, call->user);
    if (code && !c->code) mxi_fail(c, code, "[%s] the function failed", who);
    code = c->code;
  }
  for (size_t i = 0; i < call->result_count && !code; i++) {
    if (mxi_stale(results[i])) mxi_refuse(c, who, "result of the function", results[i]);
    if (mxi_unusable(results[i]))
      code = mxi_fail_status(c, MX_ERR_VALUE, "[%s] the function returned no array", who);
    else if (!(results[i] = mxi_strong(c, results[i])))
      code = c->code;
  }
  if (!code) code = wrap(c, call, args, results);
  mxi_free(args);
  return code;
}

static mx_status run_wrapped(const char *who, mx_fn_many f, mx_vjp_fn vjp, void *user, const mx_array *args, size_t count,
                             mx_array *results, size_t result_count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  if (!f || (count && !args) || !results || !result_count) {
    mxi_null(c, who, !f ? "f" : count && !args ? "args" : "results");
    return c->code;
  }
  struct call *call = mxi_malloc(sizeof *call);
  mx_array *out = mxi_calloc(result_count * sizeof *out);
  mx_status code = MX_OK;
  if (call) *call = (struct call){.refs = 1, .f = f, .vjp = vjp, .user = user, .count = count, .result_count = result_count};
  if (!call || !out) {
    mxi_fail_memory(c, who);
    code = c->code;
  }
  size_t mark = c->top;
  if (!code) {
    mxi_call_begun(mark, who);
    code = run_in_frame(c, who, call, args, out);
    mxi_call_ended();
    if (code)
      mxi_sweep(c, mark);
    else
      code = mxi_keep_many(c, mark, out, result_count);
  }
  if (!code) memcpy(results, out, result_count * sizeof *out);
  if (call) release_call(&(struct params){call, 0});
  mxi_free(out);
  return code;
}

MX_API mx_status mx_custom_vjp(mx_fn_many f, mx_vjp_fn vjp, void *ctx, const mx_array *args, size_t count, mx_array *results,
                               size_t result_count) {
  if (!vjp) {
    mxi_null(mxi_ctx_thread(), "custom_vjp", "vjp");
    return mxi_ctx_thread()->code;
  }
  return run_wrapped("custom_vjp", f, vjp, ctx, args, count, results, result_count);
}

MX_API mx_status mx_checkpoint(mx_fn_many f, void *ctx, const mx_array *args, size_t count, mx_array *results, size_t result_count) {
  return run_wrapped("checkpoint", f, NULL, ctx, args, count, results, result_count);
}

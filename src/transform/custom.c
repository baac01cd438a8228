/* Functions with a gradient of their own, and checkpoints. Both wrap the results of a function in one `custom` node,
 * which reverse differentiation does not look behind: its inputs are the results, then the arguments. */
#include <string.h>

#include "base/memory.h"
#include "core/payload.h"
#include "core/scalar.h"
#include "core/thread.h"
#include "ops/builders.h"
#include "transform/vjp.h"

/* One call of a wrapped function: shared by the nodes of its results. */
struct call {
  _Atomic int64_t refs;
  struct mxi_closure f; /* without a vjp: a checkpoint */
  struct mxi_payload *payload; /* of a binding: what the closure's `user` hangs on */
  size_t count, result_count;
};

struct params {
  struct call *call;
  int64_t result_count; /* of the key, for it is the number of outputs; the call is not */
};

static void retain_call(void *params) { atomic_fetch_add(&((struct params *)params)->call->refs, 1); }

static void release_call(void *params) {
  struct call *call = ((struct params *)params)->call;
  if (atomic_fetch_sub(&call->refs, 1) != 1) return;
  mxi_payload_release(call->payload);
  mxi_free(call);
}

static const struct mx_field fields[] = {
    {MX_FIELD_IDENTITY, MX_FIELD_I64, offsetof(struct params, call), "call"},
    {MX_FIELD_STRUCTURE, MX_FIELD_I64, offsetof(struct params, result_count), "result_count"},
    {.role = MX_FIELD_END},
};

static bool has_vjp(const struct mxi_closure *f) { return f->vjp || f->own_vjp; }

static bool call_vjp(struct mxi_ctx *c, const struct call *call, const mx_array *args, const mx_array *cotangents,
                     const mx_array *outputs, mx_array *vjps) {
  size_t n = call->count, m = call->result_count;
  if (has_vjp(&call->f)) return !mxi_closure_vjp(c, &call->f, args, n, cotangents, outputs, m, vjps);
  struct mxb_list again = {0};
  mx_status code = mxi_vjp_call(c, "checkpoint", &call->f, args, n, cotangents, m, &again, vjps);
  mxi_list_free(&again);
  return !code;
}

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
    results[i] = outputs[i]; /* `outputs` lie on the stack, which moves while the rule runs */
    given[i] = cotangents[i] ? cotangents[i] : mxi_zeros_of(c, outputs[i]);
    ok = given[i] != NULL;
  }
  ok = ok && call_vjp(c, call, mxi_inputs(node) + m, given, results, vjps);
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

const struct mx_prim mxi_prim_custom = {.size = sizeof(struct mx_prim), .name = "custom", .flags = MX_PRIM_BARRIER,
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

/* A binding's closure hangs on the node, where its garbage collector finds it. */
static mx_status taint(struct mxi_ctx *c, struct call *call, const struct mxb_list *results) {
  if (!call->payload) return MX_OK;
  mx_array node = results->at[0]->in[0];
  struct mxi_extra *x = mxi_node_extra(node);
  if (!x) {
    mxi_fail_memory(c, "custom_vjp");
    return c->code;
  }
  x->ext = mxi_payload_retain(call->payload);
  atomic_fetch_or_explicit(&node->flags, MXI_NODE_TAINTED, memory_order_relaxed);
  for (size_t i = 0; i < results->count; i++) atomic_fetch_or_explicit(&results->at[i]->flags, MXI_NODE_TAINTED, memory_order_relaxed);
  return MX_OK;
}

static mx_status run_in_frame(struct mxi_ctx *c, const char *who, struct call *call, const mx_array *given, size_t expected,
                              struct mxb_list *results) {
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
  if (!code) code = mxi_closure_many(c, who, &call->f, args, call->count, expected, results);
  call->result_count = results->count;
  if (!code && results->count) code = wrap(c, call, args, results->at);
  if (!code && results->count) code = taint(c, call, results);
  mxi_free(args);
  return code;
}

mx_status mxi_custom_call(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, struct mxi_payload *payload,
                          const mx_array *args, size_t count, size_t expected, struct mxb_list *results) {
  struct call *call = mxi_malloc(sizeof *call);
  if (!call) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  *call = (struct call){.refs = 1, .f = *f, .payload = mxi_payload_retain(payload), .count = count};
  mxi_call_begun(c->top, who);
  mx_status code = run_in_frame(c, who, call, args, expected, results);
  mxi_call_ended();
  release_call(&(struct params){call, 0});
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
  struct mxi_closure closure = {.many = f, .vjp = vjp, .user = user};
  struct mxb_list found = {0};
  size_t mark = c->top;
  mx_status code = mxi_custom_call(c, who, &closure, NULL, args, count, result_count, &found);
  if (code)
    mxi_sweep(c, mark);
  else
    code = mxi_keep_many(c, mark, found.at, result_count);
  if (!code) memcpy(results, found.at, result_count * sizeof *results);
  mxi_list_free(&found);
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

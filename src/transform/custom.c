/* Functions with derivatives of their own, and checkpoints, which have none: for them the function is run again. The
 * results of a call are wrapped in one `custom` node, whose inputs are the results, as constants, then the arguments: no
 * transform looks into the function itself. Where no argument is traced, none can ask, and there is no node. */
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
  struct mxi_closure f;
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

/* ---- Rules ------------------------------------------------------------------------------------------------------- */
/* The function again, on tracers. */
static mx_status vjp_again(struct mxi_ctx *c, const struct call *call, const mx_array *args, const mx_array *cotangents, mx_array *vjps) {
  struct mxb_list again = {0};
  mx_status code = mxi_vjp_call(c, "checkpoint", &call->f, args, call->count, cotangents, call->result_count, &again, vjps);
  mxi_list_free(&again);
  return code;
}

static mx_status jvp_again(struct mxi_ctx *c, const struct call *call, const mx_array *args, const mx_array *tangents, mx_array *jvps) {
  struct mxb_list again = {0}, found = {0};
  mx_status code = mxi_jvp_call(c, &call->f, args, tangents, call->count, call->result_count, &again, &found);
  if (!code) memcpy(jvps, found.at, call->result_count * sizeof *jvps);
  mxi_list_free(&again);
  mxi_list_free(&found);
  return code;
}

/* The user's rule: it is given zeros where no cotangent came, and gradients that nobody asked for are dropped. */
static mx_status own_vjp(struct mxi_ctx *c, const struct call *call, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                         uint64_t wanted, mx_array *vjps) {
  size_t n = call->count, m = call->result_count;
  const mx_array *args = mxi_inputs(node) + m;
  mx_array *results = mxi_malloc(2 * m * sizeof *results), *given = results + m;
  if (!results) return mxi_fail_memory(c, "custom_vjp"), c->code;
  mx_status code = MX_OK;
  for (size_t i = 0; i < m && !code; i++) {
    results[i] = outputs[i]; /* they may lie on the stack, which moves while the rule runs */
    given[i] = cotangents[i] ? cotangents[i] : mxi_zeros_of(c, outputs[i]);
    if (!given[i]) code = c->code;
  }
  if (!code) code = mxi_closure_vjp(c, &call->f, args, n, given, results, m, vjps);
  for (size_t k = 0; k < n && !code; k++)
    if (!(wanted >> (m + k < 63 ? m + k : 63) & 1)) vjps[k] = NULL;
  if (!code) code = mxi_check_shapes(c, "custom_vjp", "gradient", vjps, "argument", args, n);
  mxi_free(results);
  return code;
}

static bool custom_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                       mx_array *grads) {
  const struct call *call = ((const struct params *)mxi_params(node))->call;
  size_t n = call->count, m = call->result_count;
  mx_array *vjps = mxi_calloc((n + 1) * sizeof *vjps);
  if (!vjps) return mxi_fail_memory(c, "custom_vjp");
  mx_status code = call->f.vjp || call->f.own_vjp ? own_vjp(c, call, node, outputs, cotangents, wanted, vjps)
                                                  : vjp_again(c, call, mxi_inputs(node) + m, cotangents, vjps);
  if (!code) memcpy(grads + m, vjps, n * sizeof *vjps);
  mxi_free(vjps);
  return !code;
}

static bool custom_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *jvps) {
  const struct call *call = ((const struct params *)mxi_params(node))->call;
  size_t m = call->result_count;
  const mx_array *args = mxi_inputs(node) + m;
  if (!call->f.jvp && !call->f.own_jvp) return !jvp_again(c, call, args, tangents + m, jvps);
  mx_array *results = mxi_malloc(m * sizeof *results);
  if (!results) return mxi_fail_memory(c, "custom_jvp");
  memcpy(results, outputs, m * sizeof *results);
  mx_status code = mxi_closure_jvp(c, &call->f, args, tangents + m, call->count, m, jvps);
  if (!code) code = mxi_check_shapes(c, "custom_jvp", "tangent", jvps, "result", results, m);
  mxi_free(results);
  return !code;
}

const struct mx_prim mxi_prim_custom = {.size = sizeof(struct mx_prim), .name = "custom", .flags = MX_PRIM_BARRIER,
                                        .params_size = sizeof(struct params), .fields = fields, .params_retain = retain_call,
                                        .params_free = release_call,
                                        .vjp = custom_vjp, .jvp = custom_jvp};

/* ---- Calls ------------------------------------------------------------------------------------------------------- */
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

/* Whatever else a result depends on, from here on it is a constant. */
static mx_status hide(struct mxi_ctx *c, struct mxb_list *results) {
  for (size_t i = 0; i < results->count; i++) {
    if (!results->at[i]->trace) continue;
    if (!(results->at[i] = mxi_stop_gradient(c, results->at[i]))) return c->code;
    results->at[i]->trace = 0;
  }
  return MX_OK;
}

/* *traced: a transform can reach an argument. */
static mx_status take_args(struct mxi_ctx *c, const char *who, const mx_array *given, size_t count, mx_array *args, bool *traced) {
  for (size_t i = 0; i < count; i++) {
    if (mxi_unusable(given[i])) return mxi_refuse(c, who, "args", given[i]), c->code;
    if (!(args[i] = mxi_strong(c, given[i]))) return c->code;
    *traced |= args[i]->trace != 0;
  }
  return MX_OK;
}

static mx_status run_in_frame(struct mxi_ctx *c, const char *who, struct call *call, const mx_array *given, size_t expected,
                              struct mxb_list *results) {
  mx_array *args = mxi_malloc((call->count + 1) * sizeof *args);
  if (!args) return mxi_fail_memory(c, who), c->code;
  bool traced = false;
  mx_status code = take_args(c, who, given, call->count, args, &traced);
  if (!code) code = mxi_closure_many(c, who, &call->f, args, call->count, expected, results);
  call->result_count = results->count;
  if (!code) code = hide(c, results);
  if (!code && traced && results->count) code = wrap(c, call, args, results->at);
  if (!code && traced && results->count) code = taint(c, call, results);
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

static mx_status run_wrapped(const char *who, const struct mxi_closure *f, const mx_array *args, size_t count, mx_array *results,
                             size_t result_count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  if (!f->many || (count && !args) || !results || !result_count) {
    mxi_null(c, who, !f->many ? "f" : count && !args ? "args" : "results");
    return c->code;
  }
  struct mxb_list found = {0};
  size_t mark = c->top;
  mx_status code = mxi_custom_call(c, who, f, NULL, args, count, result_count, &found);
  if (code)
    mxi_sweep(c, mark);
  else
    code = mxi_keep_many(c, mark, found.at, result_count);
  if (!code) memcpy(results, found.at, result_count * sizeof *results);
  mxi_list_free(&found);
  return code;
}

MX_API mx_status mx_custom_function(mx_fn_many f, mx_vjp_fn vjp, mx_jvp_fn jvp, void *ctx, const mx_array *args, size_t count,
                                    mx_array *results, size_t result_count) {
  struct mxi_closure closure = {.many = f, .vjp = vjp, .jvp = jvp, .user = ctx};
  return run_wrapped("custom_function", &closure, args, count, results, result_count);
}

MX_API mx_status mx_custom_vjp(mx_fn_many f, mx_vjp_fn vjp, void *ctx, const mx_array *args, size_t count, mx_array *results,
                               size_t result_count) {
  if (!vjp) {
    mxi_null(mxi_ctx_thread(), "custom_vjp", "vjp");
    return mxi_ctx_thread()->code;
  }
  return run_wrapped("custom_vjp", &(struct mxi_closure){.many = f, .vjp = vjp, .user = ctx}, args, count, results, result_count);
}

MX_API mx_status mx_checkpoint(mx_fn_many f, void *ctx, const mx_array *args, size_t count, mx_array *results, size_t result_count) {
  return run_wrapped("checkpoint", &(struct mxi_closure){.many = f, .user = ctx}, args, count, results, result_count);
}

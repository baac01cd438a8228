/* Reverse-mode differentiation: cotangents flow from the results back over the tape of a trace. */
#include "transform/vjp.h"

#include <string.h>

#include "base/memory.h"
#include "ops/builders.h"
#include "transform/fallback.h"
#include "transform/trace.h"

struct reverse {
  struct mxi_trace *t;
  mx_array *cotangents; /* by value of the tape */
};

static inline bool accumulate(struct mxi_ctx *c, mx_array *slot, mx_array g) {
  *slot = *slot ? mxi_add(c, *slot, g) : g;
  return *slot != NULL;
}

/* Which value of the tape an input stands for: an `output` node shares its parent's values. */
static inline mx_array *value_slot(struct reverse *r, int32_t position) {
  const struct mxi_trace_node *n = &r->t->nodes[position];
  return &r->cotangents[n->output_at];
}

static bool pass_output(struct reverse *r, const struct mxi_trace_node *n) {
  int32_t parent = r->t->positions[n->input_at];
  if (parent < 0) return true;
  mx_array *slot = &r->cotangents[r->t->nodes[parent].output_at + n->node->params.i];
  return accumulate(r->t->c, slot, r->cotangents[n->output_at]);
}

/* One operation: its cotangents are complete, since all its readers come after it. */
static bool pass_node(struct reverse *r, const struct mxi_trace_node *n) {
  struct mxi_ctx *c = r->t->c;
  mx_array a = n->node, self;
  const struct mx_prim *prim = mxi_prims[a->op];
  if (prim->flags & MX_PRIM_NODIFF || !a->input_count) return true;
  if (a->op == MXI_OP_output) return pass_output(r, n);
  mx_vjp_rule rule = prim->vjp ? prim->vjp : prim->fallback ? mxi_fallback_vjp : NULL;
  if (!rule) return mxi_fail(c, MX_ERR_UNSUPPORTED, "[%s] has no gradient", prim->name);
  const mx_array *outputs = mxi_trace_outputs(r->t, n, &self);
  if (!outputs) return false;
  mx_array *grads = r->t->memory->operands; /* copies of several outputs may lie behind them */
  grads[0] = NULL;
  if (a->input_count > 1) grads[1] = NULL;
  for (uint32_t k = 2; k < a->input_count; k++) grads[k] = NULL;
  if (!rule(c, a, outputs, &r->cotangents[n->output_at], n->wanted, grads)) return false;
  for (uint32_t k = 0; k < a->input_count; k++) {
    int32_t p = r->t->positions[n->input_at + k];
    if (grads[k] && p >= 0 && r->t->nodes[p].needed && !accumulate(c, value_slot(r, p), grads[k])) return false;
  }
  return true;
}

static inline bool has_cotangent(const struct reverse *r, const struct mxi_trace_node *n) {
  for (int i = 0; i < n->output_count; i++)
    if (r->cotangents[n->output_at + i]) return true;
  return false;
}

static bool seed(struct reverse *r, const mx_array *cotangents, size_t count) {
  const int32_t *at = r->t->positions + r->t->position_count;
  for (size_t i = 0; i < count; i++) {
    if (at[i] < 0 || !cotangents[i]) continue;
    if (!accumulate(r->t->c, value_slot(r, at[i]), cotangents[i])) return false;
  }
  return true;
}

static bool collect_grads(struct reverse *r, mx_array *vjps) {
  struct mxi_trace *t = r->t;
  memset(vjps, 0, t->count * sizeof *vjps);
  for (size_t i = 0; i < t->node_count; i++) {
    for (size_t k = 0; t->nodes[i].is_argument && k < t->count; k++)
      if (t->arguments[k] == t->nodes[i].node) vjps[k] = r->cotangents[t->nodes[i].output_at];
  }
  for (size_t k = 0; k < t->count; k++)
    if (!vjps[k] && !(vjps[k] = mxi_zeros_of(t->c, t->primals[k]))) return false;
  return true;
}

mx_status mxi_vjp_run(struct mxi_trace *t, const mx_array *cotangents, size_t count, mx_array *vjps) {
  struct reverse r = {.t = t, .cotangents = mxi_trace_values(t)};
  bool ok = r.cotangents != NULL;
  if (!ok) mxi_fail_memory(t->c, "vjp");
  ok = ok && seed(&r, cotangents, count);
  for (size_t i = t->node_count; ok && i-- > 0;) {
    const struct mxi_trace_node *n = &t->nodes[i];
    if (n->needed && !n->is_argument && has_cotangent(&r, n)) ok = pass_node(&r, n);
  }
  ok = ok && collect_grads(&r, vjps);
  return ok ? MX_OK : t->c->code;
}

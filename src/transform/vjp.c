/* Reverse-mode differentiation: cotangents flow from the results back over the tape of a trace. */
#include "transform/vjp.h"

#include <string.h>

#include "base/memory.h"
#include "ops/builders.h"
#include "transform/trace.h"

struct reverse {
  struct mxi_trace *t;
  mx_array *cotangents; /* by value of the tape */
};

static bool accumulate(struct mxi_ctx *c, mx_array *slot, mx_array g) {
  *slot = *slot ? mxi_add(c, *slot, g) : g;
  return *slot != NULL;
}

/* Which value of the tape an input stands for: an `output` node shares its parent's values. */
static mx_array *value_slot(struct reverse *r, int64_t position) {
  const struct mxi_trace_node *n = &r->t->nodes[position];
  return &r->cotangents[n->output_at];
}

static bool pass_output(struct reverse *r, const struct mxi_trace_node *n) {
  int64_t parent = r->t->positions[n->input_at];
  if (parent < 0) return true;
  mx_array *slot = &r->cotangents[r->t->nodes[parent].output_at + n->node->params.i];
  return accumulate(r->t->c, slot, r->cotangents[n->output_at]);
}

static uint64_t wanted_inputs(const struct reverse *r, const struct mxi_trace_node *n) {
  uint64_t wanted = 0;
  for (uint32_t k = 0; k < n->node->input_count; k++) {
    int64_t p = r->t->positions[n->input_at + k];
    if (p >= 0 && r->t->nodes[p].needed) wanted |= (uint64_t)1 << (k < 63 ? k : 63);
  }
  return wanted;
}

/* One operation: its cotangents are complete, since all its readers come after it. */
static bool pass_node(struct reverse *r, const struct mxi_trace_node *n) {
  struct mxi_ctx *c = r->t->c;
  mx_array a = n->node;
  const struct mx_prim *prim = mxi_prims[a->op];
  if (prim->flags & MXI_NODIFF || !a->input_count) return true;
  if (a->op == MXI_OP_output) return pass_output(r, n);
  if (!prim->vjp) return mxi_fail(c, MX_ERR_UNSUPPORTED, "[%s] has no gradient", prim->name);
  mx_array *grads = mxi_trace_operands(r->t, a->input_count);
  if (!grads) return mxi_fail_memory(c, prim->name);
  memset(grads, 0, a->input_count * sizeof *grads);
  uint64_t wanted = wanted_inputs(r, n);
  const mx_array *outputs = mxi_trace_outputs(r->t, n);
  if (!outputs) return false;
  mx_array output = outputs[0]; /* one output: the stack may move while the rule runs */
  if (!prim->vjp(c, a, n->output_count == 1 ? &output : outputs, &r->cotangents[n->output_at], wanted, grads)) return false;
  for (uint32_t k = 0; k < a->input_count; k++) {
    int64_t p = r->t->positions[n->input_at + k];
    if (p < 0 || !r->t->nodes[p].needed || !grads[k]) continue;
    if (!accumulate(c, value_slot(r, p), grads[k])) return false;
  }
  return true;
}

static bool has_cotangent(const struct reverse *r, const struct mxi_trace_node *n) {
  for (int i = 0; i < n->output_count; i++)
    if (r->cotangents[n->output_at + i]) return true;
  return false;
}

static bool seed(struct reverse *r, const mx_array *cotangents, size_t count) {
  const int64_t *at = r->t->positions + r->t->position_count;
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
    mx_array a = t->nodes[i].node;
    if (a->op != MXI_OP_argument || a->trace != t->id) continue;
    for (size_t k = 0; k < t->count; k++)
      if (t->arguments[k] == a) vjps[k] = r->cotangents[t->nodes[i].output_at];
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
    bool is_argument = n->node->op == MXI_OP_argument && n->node->trace == t->id;
    if (n->needed && !is_argument && has_cotangent(&r, n)) ok = pass_node(&r, n);
  }
  ok = ok && collect_grads(&r, vjps);
  return ok ? MX_OK : t->c->code;
}

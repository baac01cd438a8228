/* Forward-mode differentiation: tangents flow from the arguments over the tape of a trace. */
#include <string.h>

#include "base/memory.h"
#include "ops/builders.h"
#include "transform/fallback.h"
#include "transform/vjp.h"

struct forward {
  struct mxi_trace *t;
  mx_array *tangents; /* by value of the tape; NULL: zero */
};

static mx_array tangent_of(const struct forward *f, int32_t position) {
  return position < 0 ? NULL : f->tangents[f->t->nodes[position].output_at];
}

static bool pass_node(struct forward *f, const struct mxi_trace_node *n) {
  struct mxi_ctx *c = f->t->c;
  mx_array a = n->node;
  const struct mx_prim *prim = mxi_prims[a->op];
  if (prim->flags & MX_PRIM_NODIFF || !a->input_count) return true;
  if (a->op == MXI_OP_output) {
    int32_t parent = f->t->positions[n->input_at];
    if (parent >= 0) f->tangents[n->output_at] = f->tangents[f->t->nodes[parent].output_at + (uint32_t)a->params.i];
    return true;
  }
  mx_array *in = f->t->memory->operands, self;
  bool any = false;
  for (uint32_t k = 0; k < a->input_count; k++) {
    in[k] = tangent_of(f, f->t->positions[n->input_at + k]);
    any |= in[k] != NULL;
  }
  if (!any) return true;
  mx_jvp_rule rule = prim->jvp ? prim->jvp : prim->fallback ? mxi_fallback_jvp : NULL;
  if (!rule) return mxi_fail(c, MX_ERR_UNSUPPORTED, "[%s] has no forward derivative", prim->name);
  const mx_array *outputs = mxi_trace_outputs(f->t, n, &self);
  return outputs && rule(c, a, outputs, f->t->memory->operands, &f->tangents[n->output_at]);
}

static void seed(struct forward *f, const mx_array *tangents) {
  struct mxi_trace *t = f->t;
  for (size_t i = 0; i < t->node_count; i++)
    for (size_t k = 0; k < t->count; k++)
      if (t->arguments[k] == t->nodes[i].node) f->tangents[t->nodes[i].output_at] = tangents[k];
}

mx_status mxi_jvp_run(struct mxi_trace *t, const mx_array *tangents, const mx_array *results, size_t count, mx_array *jvps) {
  struct forward f = {.t = t, .tangents = mxi_trace_values(t)};
  bool ok = f.tangents != NULL;
  if (!ok) mxi_fail_memory(t->c, "jvp");
  if (ok) seed(&f, tangents);
  for (size_t i = 0; ok && i < t->node_count; i++) {
    const struct mxi_trace_node *n = &t->nodes[i];
    if (n->needed && !n->is_argument) ok = pass_node(&f, n);
  }
  const int32_t *at = t->positions + t->position_count;
  for (size_t i = 0; ok && i < count; i++) {
    jvps[i] = tangent_of(&f, at[i]);
    if (!jvps[i] && results[i]->dtype == MX_BOOL) jvps[i] = mxi_zeros(t->c, (mx_ints){mxi_dims(results[i]), results[i]->ndim}, MX_FLOAT32);
    if (!jvps[i]) jvps[i] = mxi_zeros_of(t->c, results[i]);
    ok = jvps[i] != NULL;
  }
  return ok ? MX_OK : t->c->code;
}

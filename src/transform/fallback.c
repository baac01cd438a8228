/* The fallback is run as a closure on tracers, as a function of the user's is. */
#include "transform/fallback.h"

#include <string.h>

#include "base/memory.h"
#include "transform/vjp.h"

static size_t outputs_of(const struct mx_prim *prim) { return prim->output_count ? prim->output_count : 1; }

static mx_status run(mxb_ctx *c, const mx_array *args, size_t count, mxb_list *results, void *user) {
  mx_array node = user;
  const struct mx_prim *prim = mxi_prims[node->op];
  size_t n = outputs_of(prim);
  mx_array *out = mxi_calloc(n * sizeof *out);
  if (!out) return mxi_fail_memory(c, prim->name), c->code;
  bool ok = prim->fallback(c, mxi_params(node), args, count, out);
  for (size_t i = 0; i < n && ok; i++) {
    if (!out[i]) mxi_fail(c, MX_ERR_VALUE, "[%s] the fallback gave no array", prim->name);
    ok = out[i] && mxi_list_add(c, prim->name, results, out[i]);
    if (ok) mxi_retain(out[i]); /* the list is the closure's to give: it owns what is in it */
  }
  mxi_free(out);
  return ok ? MX_OK : c->code ? c->code : MX_ERR_VALUE;
}

bool mxi_fallback_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                      mx_array *grads) {
  (void)outputs, (void)wanted;
  const struct mx_prim *prim = mxi_prims[node->op];
  struct mxb_list results = {0};
  struct mxi_closure f = {.own_many = run, .user = node};
  mx_status code = mxi_vjp_call(c, prim->name, &f, mxi_inputs(node), node->input_count, cotangents, outputs_of(prim), &results, grads);
  mxi_list_free(&results);
  return !code;
}

bool mxi_fallback_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *output_tangents) {
  (void)outputs;
  size_t n = outputs_of(mxi_prims[node->op]);
  struct mxb_list results = {0}, jvps = {0};
  struct mxi_closure f = {.own_many = run, .user = node};
  mx_status code = mxi_jvp_call(c, &f, mxi_inputs(node), tangents, node->input_count, n, &results, &jvps);
  if (!code) memcpy(output_tangents, jvps.at, n * sizeof *jvps.at);
  mxi_list_free(&results);
  mxi_list_free(&jvps);
  return !code;
}

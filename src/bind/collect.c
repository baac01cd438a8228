/* What a binding's garbage collector sees of graphs, and how it breaks cycles through them. */
#include "base/memory.h"
#include "bind/own.h"
#include "core/payload.h"
#include "core/prim.h"
#include "core/refs.h"
#include "core/scalar.h"
#include "run/run.h"

mx_status mxb_attach(mxb_ctx *ctx, mx_array a, void *payload, void (*release)(void *payload)) {
  if (!mxi_given_array(ctx, "attach", a)) return ctx->code;
  if (a->extra && a->extra->ext) return mxi_fail_status(ctx, MX_ERR_VALUE, "[attach] the array has a payload already");
  struct mxi_extra *x = mxi_node_extra(a);
  struct mxi_payload *p = x ? mxi_payload_new(payload, release) : NULL;
  if (!p) return mxi_fail_memory(ctx, "attach"), ctx->code;
  x->ext = p;
  atomic_fetch_or_explicit(&a->flags, MXI_NODE_TAINTED, memory_order_release);
  return MX_OK;
}

void *mxb_payload(mx_array a) { return a && a->extra && a->extra->ext ? a->extra->ext->data : NULL; }

bool mxb_is_tainted(mx_array a) { return a && mxi_flags(a) & MXI_NODE_TAINTED; }

size_t mxb_drain(void) { return mxi_payload_drain(); }

/* A node that a run works on will lose its inputs at any moment. */
static bool is_claimed(mx_array a) {
  mxi_graph_lock();
  bool is = mxi_flags(a) & MXI_NODE_CLAIMED;
  mxi_graph_unlock();
  return is;
}

int mxb_visit(mx_array a, int (*fn)(void *payload, mx_array input, void *arg), void *arg) {
  if (!mxb_is_tainted(a) || is_claimed(a)) return 0;
  int stop = mxb_payload(a) ? fn(mxb_payload(a), NULL, arg) : 0;
  for (uint32_t i = 0; i < a->input_count && !stop; i++)
    if (mxb_is_tainted(mxi_inputs(a)[i])) stop = fn(NULL, mxi_inputs(a)[i], arg);
  return stop;
}

static void set_cleared(mx_array a) {
  struct mxi_extra *x = mxi_node_extra(a);
  static const char message[] = "[eval] the garbage collector has cleared this array";
  if (x) {
    x->failure_code = MX_ERR_STATE;
    x->failure = mxi_malloc(sizeof message);
    for (size_t i = 0; x->failure && i < sizeof message; i++) x->failure[i] = message[i];
  }
  atomic_fetch_or_explicit(&a->flags, MXI_NODE_FAILED, memory_order_release);
}

/* Parameters may hold a payload too: they go, and with them what the node was. */
static void drop_params(mx_array a) {
  const struct mx_prim *prim = mxi_prims[a->op];
  if (prim->params_size <= sizeof a->params) return;
  if (prim->params_free) prim->params_free(a->params.heap);
  mxi_free(a->params.heap);
  a->params.heap = NULL;
  a->op = MXI_OP_array;
}

void mxb_clear(mx_array a) {
  if (!mxb_is_tainted(a)) return;
  mxi_graph_lock();
  uint8_t flags = mxi_flags(a);
  bool leave = flags & MXI_NODE_CLAIMED;
  if (!leave && !(flags & (MXI_NODE_EVALUATED | MXI_NODE_FAILED))) set_cleared(a);
  mxi_graph_unlock();
  if (leave) return;
  struct mxi_payload *p = a->extra ? a->extra->ext : NULL;
  if (p) a->extra->ext = NULL;
  if (!(flags & MXI_NODE_EVALUATED)) drop_params(a);
  mxi_payload_release(p);
  mxi_node_detach(a);
}

/* Tracers and tapes. The walk is iterative and takes the graph lock, because it borrows the marks of eval. */
#include "transform/trace.h"

#include <string.h>

#include "base/memory.h"
#include "ops/builders.h"
#include "run/run.h"

static _Atomic uint64_t next_id = 1;

static bool argument_view(const void *params, const struct mxi_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                          struct mxi_layout *out) {
  (void)params, (void)itemsize, (void)ndim, (void)shape;
  *out = *in;
  return true;
}

static bool argument_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *out) {
  (void)c, (void)node, (void)outputs;
  out[0] = tangents[0];
  return true;
}

static bool argument_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                         mx_array *grads) {
  (void)c, (void)node, (void)outputs, (void)wanted;
  grads[0] = cotangents[0];
  return true;
}

const struct mx_prim mxi_prim_argument = {.size = sizeof(struct mx_prim), .name = "argument", .flags = MXI_VIEW,
                                          .view = argument_view, .vjp = argument_vjp, .jvp = argument_jvp};

mx_status mxi_trace_begin_call(struct mxi_trace *t, struct mxi_ctx *c, const char *who, const mx_array *primals, size_t count) {
  *t = (struct mxi_trace){.c = c, .primals = primals, .count = count, .outer_base = c->trace_base};
  t->id = atomic_fetch_add(&next_id, 1);
  t->arguments = mxi_malloc(count * sizeof *t->arguments);
  if (!t->arguments) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  for (size_t i = 0; i < count; i++) {
    if (!primals[i]) {
      mxi_null(c, who, "args");
      return c->code;
    }
    mx_array a = mxi_strong(c, primals[i]);
    if (a) a = mxi_node_make(c, MXI_OP_argument, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, NULL);
    if (!a) return c->code;
    a->trace = t->id;
    t->arguments[i] = a;
  }
  if (!c->trace_base) c->trace_base = t->id;
  return MX_OK;
}

void mxi_trace_end_call(struct mxi_trace *t) {
  t->c->trace_base = t->outer_base;
  mxi_free(t->arguments);
  mxi_free(t->nodes);
  mxi_free(t->positions);
}

/* ---- The tape ---------------------------------------------------------------------------------------------------- */
struct entry {
  mx_array node;
  uint32_t next;
};

struct walk {
  struct mxi_trace *t;
  struct entry *stack;
  size_t depth, capacity;
  uint64_t epoch;
};

static bool entered(const struct walk *w, mx_array a) { return a->trace >= w->t->id; }
static bool listed(const struct walk *w, const struct mx_array_ *a) { return a->mark >> MXI_MARK_BITS == w->epoch; }

static bool push(struct walk *w, mx_array a) {
  if (!mxi_reserve(&w->stack, &w->capacity, w->depth + 1, sizeof *w->stack)) return false;
  w->stack[w->depth++] = (struct entry){a, 0};
  return true;
}

static int64_t position_of(const struct walk *w, mx_array a) {
  return entered(w, a) && listed(w, a) ? (int64_t)(a->mark & ((1u << MXI_MARK_BITS) - 1)) : MXI_TRACE_NONE;
}

static bool list_node(struct walk *w, mx_array a) {
  struct mxi_trace *t = w->t;
  if (!mxi_reserve(&t->nodes, &t->node_capacity, t->node_count + 1, sizeof *t->nodes)) return false;
  if (!mxi_reserve(&t->positions, &t->position_capacity, t->position_count + a->input_count + 1, sizeof *t->positions)) return false;
  struct mxi_trace_node *n = &t->nodes[t->node_count];
  int outputs = a->extra && a->extra->output_count && a->op != MXI_OP_output ? a->extra->output_count : 1;
  *n = (struct mxi_trace_node){a, (uint32_t)t->position_count, (uint32_t)t->value_count, (uint16_t)outputs, false};
  n->needed = a->op == MXI_OP_argument && a->trace == t->id;
  for (uint32_t k = 0; k < a->input_count; k++) {
    int64_t p = position_of(w, mxi_inputs(a)[k]);
    t->positions[t->position_count++] = p;
    if (p >= 0 && t->nodes[p].needed) n->needed = true;
  }
  t->value_count += (size_t)outputs;
  a->mark = w->epoch << MXI_MARK_BITS | t->node_count++;
  return true;
}

static bool walk_from(struct walk *w, mx_array root) {
  if (!entered(w, root) || listed(w, root)) return true;
  if (!push(w, root)) return false;
  while (w->depth) {
    struct entry *e = &w->stack[w->depth - 1];
    mx_array a = e->node;
    if (e->next < a->input_count) {
      mx_array in = mxi_inputs(a)[e->next++];
      if (entered(w, in) && !listed(w, in) && !push(w, in)) return false;
      continue;
    }
    w->depth--;
    if (!listed(w, a) && !list_node(w, a)) return false;
  }
  return true;
}

mx_status mxi_trace_collect(struct mxi_trace *t, const char *who, const mx_array *results, size_t result_count) {
  struct walk w = {.t = t};
  bool ok = true;
  mxi_graph_lock();
  w.epoch = mxi_graph_epoch();
  for (size_t i = 0; i < result_count && ok; i++) ok = walk_from(&w, results[i]);
  /* The results' positions are looked up once more after this, by mark: they are put aside. */
  size_t at = t->position_count;
  ok = ok && mxi_reserve(&t->positions, &t->position_capacity, at + result_count, sizeof *t->positions);
  for (size_t i = 0; i < result_count && ok; i++) t->positions[at + i] = position_of(&w, results[i]);
  mxi_graph_unlock();
  mxi_free(w.stack);
  if (ok) return MX_OK;
  mxi_fail_memory(t->c, who);
  return t->c->code;
}

const mx_array *mxi_trace_outputs(struct mxi_trace *t, const struct mxi_trace_node *n) {
  struct mxi_ctx *c = t->c;
  if (n->output_count == 1 && !(n->node->extra && n->node->extra->output_count)) return &n->node;
  const struct mxi_output *specs = n->node->extra->output_specs;
  size_t at = c->top;
  for (int i = 0; i < n->output_count; i++) {
    struct mxi_params_output p = {i};
    mx_array o = mxi_node_make(c, MXI_OP_output, specs[i].dtype, specs[i].ndim, specs[i].shape, &n->node, 1, &p);
    if (!o) return NULL;
    o->output_index = (uint16_t)i;
  }
  return &c->stack[at];
}

mx_array mxi_zeros_of(struct mxi_ctx *c, mx_array a) {
  mx_array zero = mxi_scalar_f(c, 0, (mx_dtype)a->dtype);
  MXI_TRY(zero);
  return mxi_broadcast_to(c, zero, (mx_ints){mxi_dims(a), a->ndim});
}

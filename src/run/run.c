/* One run of a plan: binding memory by position, executing the steps, publishing the results. */
#include "run/run.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/poison.h"
#include "core/node_inline.h"
#include "core/scalar.h"
#include "plan/tape.h"
#include "run/trace.h"

/* ---- Bind -------------------------------------------------------------------------------------------------------- */
/* One block: base and own by slot, strides by result, then eight bytes for each slot that is a scalar. */
static bool reserve_frame(struct mxi_run *r, const struct mxi_sizing *z) {
  size_t need = (size_t)z->slot_count * 24 + (size_t)z->result_count * 8;
  if (!mxi_reserve(&r->frame, &r->frame_capacity, need, 1)) return false;
  r->base = (char **)r->frame;
  r->own = (struct mxi_buffer **)(r->frame + (size_t)z->slot_count * 8);
  r->strides = (int64_t **)(r->frame + (size_t)z->slot_count * 16);
  memset(r->own, 0, (size_t)z->slot_count * 8 + (size_t)z->result_count * 8);
  return true;
}

/* The leaf gives up its memory when nothing but this tape can see it: neither its node, nor its buffer. */
static struct mxi_buffer *donated(const struct mxi_run *r, const struct mxi_slot *s) {
  if (s->donor < 0 || r->tape.traced) return NULL;
  mx_array leaf = r->tape.nodes[r->plan.sizing->slots[s->donor].node];
  if (mxi_refs_exact(leaf, mxi_self()) != (int32_t)s->donor_uses || !mxi_buffer_donatable(leaf->buffer)) return NULL;
  return mxi_buffer_retain(leaf->buffer);
}

static bool bind_slots(struct mxi_run *r) {
  const struct mxi_sizing *z = r->plan.sizing;
  char *scalars = r->frame + (size_t)z->slot_count * 16 + (size_t)z->result_count * 8;
  for (uint32_t i = 0; i < z->slot_count; i++) {
    const struct mxi_slot *s = &z->slots[i];
    switch (s->kind) {
      case MXI_SLOT_LEAF: r->base[i] = r->tape.nodes[s->node]->buffer->data + mxi_offset(r->tape.nodes[s->node]); break;
      case MXI_SLOT_SCALAR:
        r->base[i] = scalars;
        mxi_scalar_store(r->tape.nodes[s->node], scalars);
        scalars += 8;
        break;
      case MXI_SLOT_ARENA: r->base[i] = r->arena ? r->arena->data + s->offset : NULL; break;
      default:
        r->own[i] = donated(r, s);
        if (!r->own[i]) r->own[i] = mxi_buffer_new(s->nbytes);
        if (!r->own[i]) return false;
        r->base[i] = r->own[i]->data;
    }
  }
  return true;
}

/* Strides of results that are views, made now so that publishing cannot fail. */
static bool bind_strides(struct mxi_run *r) {
  const struct mxi_sizing *z = r->plan.sizing;
  for (uint32_t i = 0; i < z->result_count; i++) {
    const struct mxi_result *x = &z->results[i];
    if (x->output >= 0) continue;
    int ndim = r->tape.nodes[x->node]->ndim;
    const struct mxi_slot *s = &z->slots[x->slot];
    int64_t offset = x->offset + (s->kind == MXI_SLOT_LEAF ? mxi_offset(r->tape.nodes[s->node]) : 0);
    if (x->dense && offset == 0) continue;
    int64_t *strides = mxi_malloc(((size_t)ndim + 1) * sizeof *strides);
    if (!strides) return false;
    if (ndim) memcpy(strides, x->strides, (size_t)ndim * sizeof *strides);
    strides[ndim] = offset;
    r->strides[i] = strides;
  }
  return true;
}

mx_status mxi_run_bind(struct mxi_run *r, struct mxi_ctx *c) {
  const struct mxi_sizing *z = r->plan.sizing;
  r->arena = NULL;
  r->code = MX_OK;
  if (!reserve_frame(r, z)) {
    mxi_fail_memory(c, "eval");
    return c->code;
  }
  if (z->arena_nbytes) r->arena = mxi_buffer_new(z->arena_nbytes);
  if ((z->arena_nbytes && !r->arena) || !bind_slots(r) || !bind_strides(r)) {
    mxi_run_release(r);
    struct mxi_buffer_stats m = mxi_buffer_stats();
    return mxi_fail_status(c, MX_ERR_MEMORY, "[eval] out of memory: %zu bytes are in use%s", m.active,
                           m.limit ? ", and a limit is set" : "");
  }
  return MX_OK;
}

void mxi_run_release(struct mxi_run *r) {
  const struct mxi_sizing *z = r->plan.sizing;
  for (uint32_t i = 0; i < z->slot_count; i++) mxi_buffer_release(r->own[i]);
  for (uint32_t i = 0; i < z->result_count; i++) mxi_free(r->strides[i]);
  mxi_buffer_release(r->arena);
  r->arena = NULL;
}

void mxi_run_free(struct mxi_run *r) {
  mxi_tape_free(&r->tape);
  mxi_free(r->frame);
}

/* ---- Execute ----------------------------------------------------------------------------------------------------- */
static void run_failed(struct mxi_run *r, const struct mxi_step *step, mx_status code, const char *message) {
  r->code = code;
  snprintf(r->message, sizeof r->message, "[%s] %s", mxi_prims[r->tape.nodes[step->node]->op]->name, message);
}

#define FEW 8 /* operands whose views fit on the stack */

static void run_kernel(struct mxi_run *r, const struct mxi_step *step, uint16_t op) {
  const struct mxi_operand *operands = r->plan.sizing->operands;
  struct mx_view few[FEW], *views = few;
  uint32_t count = step->in_count + step->out_count;
  if (count > FEW && !(views = mxi_malloc(count * sizeof *views))) {
    run_failed(r, step, MX_ERR_MEMORY, "out of memory");
    return;
  }
  for (uint32_t k = 0; k < count; k++) {
    const struct mxi_operand *o = &operands[k < step->in_count ? step->in_at + k : step->out_at + k - step->in_count];
    views[k] = step->views[k];
    views[k].data = r->base[o->slot] + o->offset;
  }
  struct mx_task task = {.size = sizeof task, .in = views, .out = views + step->in_count, .params = mxi_params(r->tape.nodes[step->node]),
                          .scratch = step->scratch ? r->arena->data + step->scratch_at : NULL,
                          .in_count = (int32_t)step->in_count, .out_count = (int32_t)step->out_count};
  mx_status code = mxi_backend.kernels[op].run(&task);
  if (code) run_failed(r, step, code, task.message);
  if (views != few) mxi_free(views);
}

/* The cluster's root has no memory: the reduction's result stands where its own would. */
static mx_status run_reduction(struct mxi_run *r, const struct mxi_step *step, const void *const *in, void *const *out) {
  struct mx_view result = step->views[1];
  mx_array a = r->tape.nodes[step->node];
  result.data = out[step->out_count - 1];
  struct mx_task task = {.in = step->views, .out = &result, .params = mxi_params(a),
                          .scratch = step->scratch ? r->arena->data + step->scratch_at : NULL, .in_count = 1, .out_count = 1};
  return mxi_backend.reduce(a->op, &task, step->ew, in, out);
}

static mx_status run_cluster(struct mxi_run *r, const struct mxi_step *step) {
  const struct mxi_operand *o = r->plan.sizing->operands;
  const void *in[MX_CLUSTER_MAX_INPUTS + 2];
  void *out[MX_CLUSTER_MAX_INSTRS + 1];
  for (uint32_t k = 0; k < step->in_count; k++) in[k] = r->base[o[step->in_at + k].slot] + o[step->in_at + k].offset;
  for (uint32_t k = 0; k < step->out_count; k++) out[k] = r->base[o[step->out_at + k].slot] + o[step->out_at + k].offset;
  if (step->kind == MXI_STEP_ELEMENTWISE) return mxi_backend.elementwise(step->ew, in, out);
  if (step->kind == MXI_STEP_REDUCE) return run_reduction(r, step, in, out);
  return mxi_backend.linear(step->linear, step->ew, in, out, step->scratch ? r->arena->data + step->scratch_at : NULL);
}

/* Under the address sanitizer a step may touch its own operands and scratch, and nothing else of the arena. */
static void fence_arena(const struct mxi_run *r, const struct mxi_step *step) {
#ifdef MXI_ASAN
  if (!r->arena) return;
  const struct mxi_sizing *z = r->plan.sizing;
  char *arena = r->arena->data;
  MXI_POISON(arena, z->arena_nbytes);
  for (uint32_t k = 0; k < step->in_count + step->out_count; k++) {
    const struct mxi_operand *o = &z->operands[k < step->in_count ? step->in_at + k : step->out_at + k - step->in_count];
    const struct mxi_slot *s = &z->slots[o->slot];
    if (s->kind == MXI_SLOT_ARENA) MXI_UNPOISON(arena + s->offset, s->nbytes);
  }
  if (step->scratch) MXI_UNPOISON(arena + step->scratch_at, step->scratch);
#else
  (void)r, (void)step;
#endif
}

void mxi_run_execute(struct mxi_run *r) {
  const struct mxi_sizing *z = r->plan.sizing;
  const struct mxi_pnode *nodes = r->plan.plan->skeleton->nodes;
  for (uint32_t i = 0; i < z->step_count && !r->code; i++) {
    const struct mxi_step *step = &z->steps[i];
    fence_arena(r, step);
    int64_t started = mxi_trace_begin();
    if (step->kind == MXI_STEP_KERNEL) {
      run_kernel(r, step, nodes[step->node].op);
    } else {
      mx_status code = run_cluster(r, step);
      if (code) run_failed(r, step, code, "out of memory");
    }
    if (started) mxi_trace_end(started, mxi_prims[r->tape.nodes[step->node]->op]->name, step->kind != MXI_STEP_KERNEL);
  }
}

/* ---- Publish ----------------------------------------------------------------------------------------------------- */
static void store_result(struct mxi_run *r, uint32_t i) {
  const struct mxi_result *x = &r->plan.sizing->results[i];
  const struct mxi_slot *s = &r->plan.sizing->slots[x->slot];
  mx_array a = r->tape.nodes[x->node];
  struct mxi_buffer *b = s->kind == MXI_SLOT_LEAF ? r->tape.nodes[s->node]->buffer : r->own[x->slot];
  mxi_buffer_retain(b);
  if (x->output >= 0) {
    a->extra->outputs[x->output] = b;
  } else {
    a->buffer = b;
    a->strides = r->strides[i];
    r->strides[i] = NULL;
    if (a->strides) atomic_fetch_or_explicit(&a->flags, MXI_NODE_BESIDE, memory_order_relaxed);
  }
}

static void set_failure(mx_array a, const struct mxi_run *r) {
  struct mxi_extra *x = mxi_node_extra(a);
  if (!x) return; /* the flag alone then says out of memory */
  x->failure_code = r->code;
  x->failure = mxi_malloc(strlen(r->message) + 1);
  if (x->failure) strcpy(x->failure, r->message);
}

static bool keeps_graph(const struct mxi_run *r, mx_array a) { return r->trace_base && a->trace >= r->trace_base; }

/* With its graph gone, a value no longer leads to closures of a binding's, but to one that hangs on itself. */
static bool loses_taint(const struct mxi_run *r, mx_array a) { return !keeps_graph(r, a) && !(a->extra && a->extra->ext); }

static void finish_member(mx_array a, const struct mxi_run *r, bool failed) {
  if (failed) set_failure(a, r);
  uint8_t flags = mxi_flags(a) & (uint8_t)~MXI_NODE_CLAIMED;
  if (!r->code) flags |= MXI_NODE_EVALUATED;
  if (!r->code && flags & MXI_NODE_TAINTED && loses_taint(r, a)) flags &= (uint8_t)~MXI_NODE_TAINTED;
  atomic_store_explicit(&a->flags, flags | (failed ? MXI_NODE_FAILED : 0), memory_order_release);
}

/* Frees the nodes that only this tape referred to, and lets members go of their inputs. All edges of the tape end at
 * once, so those to what stays are counted down in one step a node, and those to what goes not at all. A node's edges
 * end after it has let go of its own inputs, since another thread may free it from then on. */
static void drop_graph(struct mxi_run *r) {
  struct mxi_tape *t = &r->tape;
  struct mxi_thread *self = mxi_self();
  for (size_t i = 0; i < t->count; i++) {
    mx_array a = t->nodes[i];
    if (t->kinds[i] != MXI_TAPE_LEAF && a->input_count > 2) mxi_free(a->many.list);
    if (t->kinds[i] == MXI_TAPE_INNER) {
      mxi_node_free_alone(self, a);
      continue;
    }
    if (t->kinds[i] == MXI_TAPE_MEMBER) a->input_count = 0;
    if (t->uses[i]) mxi_release_many(a, (int32_t)t->uses[i]);
  }
}

static struct mxi_run *newest_claim;

void mxi_run_claim(struct mxi_run *r) {
  struct mxi_tape *t = &r->tape;
  for (size_t i = 0; i < t->member_count; i++)
    atomic_fetch_or_explicit(&t->nodes[t->members[i]]->flags, MXI_NODE_CLAIMED, memory_order_relaxed);
  r->newer = NULL;
  r->older = newest_claim;
  if (r->older) r->older->newer = r;
  newest_claim = r;
}

static void unlink_claim(struct mxi_run *r) {
  *(r->newer ? &r->newer->older : &newest_claim) = r->older;
  if (r->older) r->older->newer = r->newer;
}

void mxi_run_unclaim(struct mxi_run *r) {
  struct mxi_tape *t = &r->tape;
  unlink_claim(r);
  for (size_t i = 0; i < t->member_count; i++)
    atomic_fetch_and_explicit(&t->nodes[t->members[i]]->flags, (uint8_t)~MXI_NODE_CLAIMED, memory_order_release);
}

void mxi_run_move(struct mxi_run *to, struct mxi_run *from) {
  *to = *from;
  *(to->newer ? &to->newer->older : &newest_claim) = to;
  if (to->older) to->older->newer = to;
  memset(from, 0, sizeof *from);
}

void mxi_run_fail_all(const char *message) {
  for (struct mxi_run *r = newest_claim; r; r = r->older) {
    r->code = MX_ERR_STATE;
    snprintf(r->message, sizeof r->message, "%s", message);
    for (size_t i = 0; i < r->tape.member_count; i++) finish_member(r->tape.nodes[r->tape.members[i]], r, true);
  }
  newest_claim = NULL;
}

void mxi_run_publish(struct mxi_run *r) {
  struct mxi_tape *t = &r->tape;
  unlink_claim(r);
  const struct mxi_sizing *z = r->plan.sizing;
  if (!r->code)
    for (uint32_t i = 0; i < z->result_count; i++) store_result(r, i);
  for (size_t i = 0; i < t->member_count; i++) finish_member(t->nodes[t->members[i]], r, r->code != MX_OK && r->background);
  if (r->code) return;
  if (!t->traced) {
    drop_graph(r);
    return;
  }
  for (size_t i = 0; i < t->member_count; i++) {
    mx_array a = t->nodes[t->members[i]];
    if (!keeps_graph(r, a)) mxi_node_detach(a);
  }
}

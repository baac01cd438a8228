/* Tracers and tapes. The walk is iterative and takes the graph lock, because it borrows the marks of eval. */
#include "transform/trace.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "ops/builders.h"
#include "run/run.h"

static _Atomic uint64_t next_id = 1;

/* ---- Memory that threads keep ------------------------------------------------------------------------------------ */
static __thread struct mxi_trace_memory *spare __attribute__((tls_model("initial-exec")));
static __thread bool registered __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_memory(struct mxi_trace_memory *m) {
  mxi_free(m->arguments);
  mxi_free(m->nodes);
  mxi_free(m->positions);
  mxi_free(m->stack);
  mxi_free(m->values);
  mxi_free(m->operands);
  mxi_free(m);
}

static void thread_ends(void *unused) {
  (void)unused;
  registered = false;
  while (spare) {
    struct mxi_trace_memory *next = spare->next;
    free_memory(spare);
    spare = next;
  }
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

static struct mxi_trace_memory *take_memory(void) {
  struct mxi_trace_memory *m = spare;
  if (m) {
    spare = m->next;
    return m;
  }
  return mxi_calloc(sizeof *m);
}

static void give_memory(struct mxi_trace_memory *m) {
  if (!registered) {
    pthread_once(&once, make_key);
    registered = pthread_setspecific(key, &spare) == 0;
  }
  if (!registered) {
    free_memory(m);
    return;
  }
  m->next = spare;
  spare = m;
}

/* ---- Tracers ----------------------------------------------------------------------------------------------------- */

static bool argument_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                          struct mx_layout *out) {
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

const struct mx_prim mxi_prim_argument = {.size = sizeof(struct mx_prim), .name = "argument", .flags = MX_PRIM_VIEW,
                                          .view = argument_view, .vjp = argument_vjp, .jvp = argument_jvp};

mx_status mxi_trace_begin_call(struct mxi_trace *t, struct mxi_ctx *c, const char *who, const mx_array *primals, size_t count) {
  *t = (struct mxi_trace){.c = c, .primals = primals, .count = count, .outer_base = c->trace_base};
  t->id = atomic_fetch_add(&next_id, 1);
  mxi_call_begun(c->top, who);
  struct mxi_trace_memory *m = t->memory = take_memory();
  if (!m || !mxi_reserve(&m->arguments, &m->argument_capacity, count, sizeof *m->arguments)) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  t->arguments = m->arguments;
  for (size_t i = 0; i < count; i++) {
    if (mxi_unusable(primals[i])) {
      mxi_refuse(c, who, "args", primals[i]);
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
  mxi_call_ended();
  if (t->memory) give_memory(t->memory);
}

/* ---- The tape ---------------------------------------------------------------------------------------------------- */
struct walk {
  struct mxi_trace *t;
  struct mxi_trace_memory *m;
  size_t depth;
  uint64_t id, epoch;
};

static inline bool entered(const struct walk *w, const struct mx_array_ *a) { return a->trace >= w->id; }
static inline bool listed(const struct walk *w, const struct mx_array_ *a) { return a->mark >> MXI_MARK_BITS == w->epoch; }

static inline bool push(struct walk *w, mx_array a) {
  if (!mxi_reserve(&w->m->stack, &w->m->stack_capacity, w->depth + 1, sizeof *w->m->stack)) return false;
  w->m->stack[w->depth++] = (struct mxi_trace_entry){a, 0};
  return true;
}

static inline int32_t position_of(const struct walk *w, mx_array a) {
  return entered(w, a) && listed(w, a) ? (int32_t)(a->mark & ((1u << MXI_MARK_BITS) - 1)) : MXI_TRACE_NONE;
}

static bool make_room(struct walk *w, uint32_t inputs) {
  struct mxi_trace *t = w->t;
  if (t->node_count >> MXI_MARK_BITS) return false; /* no mark can say where */
  struct mxi_trace_memory *m = w->m;
  if (!mxi_reserve(&m->nodes, &m->node_capacity, t->node_count + 1, sizeof *m->nodes)) return false;
  if (!mxi_reserve(&m->positions, &m->position_capacity, t->position_count + inputs + 1, sizeof *m->positions)) return false;
  if (!mxi_reserve(&m->operands, &m->operand_capacity, inputs, sizeof *m->operands)) return false;
  t->nodes = m->nodes;
  t->positions = m->positions;
  return true;
}

/* Writes where input k lies on the tape; returns its bit of `wanted`. */
static inline uint64_t note_input(const struct walk *w, const struct mx_array_ *in, uint32_t k, int32_t *positions) {
  positions[k] = MXI_TRACE_NONE;
  if (!entered(w, in)) return 0;
  positions[k] = (int32_t)(in->mark & ((1u << MXI_MARK_BITS) - 1));
  return (uint64_t)w->t->nodes[positions[k]].needed << (k < 63 ? k : 63);
}

/* Appends a node whose inputs are listed. */
static inline bool list_node(struct walk *w, mx_array a) {
  struct mxi_trace *t = w->t;
  const struct mxi_trace_memory *m = w->m;
  uint32_t inputs = a->input_count;
  if ((t->node_count >= m->node_capacity || t->node_count >> MXI_MARK_BITS || t->position_count + inputs >= m->position_capacity || inputs > m->operand_capacity) &&
      !make_room(w, inputs))
    return false;
  int32_t *positions = t->positions + t->position_count;
  uint64_t wanted = 0;
  if (inputs > 2) {
    for (uint32_t k = 0; k < inputs; k++) wanted |= note_input(w, a->many.list[k], k, positions);
  } else if (inputs) {
    wanted = note_input(w, a->in[0], 0, positions);
    if (inputs == 2) wanted |= note_input(w, a->in[1], 1, positions);
  }
  uint32_t outputs = a->extra && a->extra->output_count && a->op != MXI_OP_output ? (uint32_t)a->extra->output_count : 1;
  bool is_own = a->op == MXI_OP_argument && a->trace == w->id;
  t->nodes[t->node_count] = (struct mxi_trace_node){
      .node = a, .wanted = wanted, .input_at = (uint32_t)t->position_count, .output_at = (uint32_t)t->value_count,
      .output_count = (uint16_t)outputs, .needed = wanted || is_own, .is_argument = is_own};
  t->position_count += inputs;
  t->value_count += outputs;
  a->mark = w->epoch << MXI_MARK_BITS | t->node_count++;
  return true;
}

static bool walk_from(struct walk *w, mx_array root) {
  if (!entered(w, root) || listed(w, root)) return true;
  if (!push(w, root)) return false;
  while (w->depth) {
    struct mxi_trace_entry *e = &w->m->stack[w->depth - 1];
    mx_array a = e->node;
    mx_array const *in = mxi_inputs(a);
    uint32_t k = e->next;
    while (k < a->input_count && (!entered(w, in[k]) || listed(w, in[k]))) k++;
    if (k < a->input_count) {
      e->next = k + 1;
      if (!push(w, in[k])) return false;
      continue;
    }
    w->depth--;
    if (!listed(w, a) && !list_node(w, a)) return false;
  }
  return true;
}

mx_status mxi_trace_collect(struct mxi_trace *t, const char *who, const mx_array *results, size_t result_count) {
  struct walk w = {.t = t, .m = t->memory, .id = t->id};
  t->nodes = w.m->nodes;
  t->positions = w.m->positions;
  bool ok = true;
  mxi_graph_lock();
  w.epoch = mxi_graph_epoch();
  for (size_t i = 0; i < result_count && ok; i++) ok = walk_from(&w, results[i]);
  /* The results' positions are looked up once more after this, by mark: they are put aside. */
  size_t at = t->position_count;
  ok = ok && mxi_reserve(&w.m->positions, &w.m->position_capacity, at + result_count, sizeof *t->positions);
  t->positions = w.m->positions;
  for (size_t i = 0; i < result_count && ok; i++) t->positions[at + i] = position_of(&w, results[i]);
  mxi_graph_unlock();
  if (ok) return MX_OK;
  mxi_fail_memory(t->c, who);
  return t->c->code;
}

mx_array *mxi_trace_values(struct mxi_trace *t) {
  struct mxi_trace_memory *m = t->memory;
  if (!mxi_reserve(&m->values, &m->value_capacity, t->value_count + 1, sizeof *m->values)) return NULL;
  memset(m->values, 0, t->value_count * sizeof *m->values);
  return m->values;
}

const mx_array *mxi_trace_projections(struct mxi_trace *t, const struct mxi_trace_node *n) {
  struct mxi_ctx *c = t->c;
  const struct mxi_output *specs = n->node->extra->output_specs;
  size_t at = c->top;
  for (int i = 0; i < n->output_count; i++) {
    struct mxi_params_output p = {i};
    mx_array o = mxi_node_make(c, MXI_OP_output, specs[i].dtype, specs[i].ndim, specs[i].shape, &n->node, 1, &p);
    if (!o) return NULL;
  }
  struct mxi_trace_memory *m = t->memory;
  uint32_t inputs = n->node->input_count;
  if (!mxi_reserve(&m->operands, &m->operand_capacity, inputs + n->output_count, sizeof *m->operands)) {
    mxi_fail_memory(c, mxi_prims[n->node->op]->name);
    return NULL;
  }
  return memcpy(m->operands + inputs, &c->stack[at], n->output_count * sizeof *m->operands);
}

mx_array mxi_zeros_of(struct mxi_ctx *c, mx_array a) {
  mx_array zero = mxi_scalar_f(c, 0, (mx_dtype)a->dtype);
  MXI_TRY(zero);
  return mxi_broadcast_to(c, zero, (mx_ints){mxi_dims(a), a->ndim});
}

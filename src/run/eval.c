/* Evaluation on the calling thread. The walk is iterative; a graph of more than MXI_TAPE_MAX nodes is cut into windows,
 * each planned, run and published before the walk goes on. */
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "core/scalar.h"
#include "plan/check.h"
#include "plan/tape.h"
#include "run/eval.h"
#include "run/run.h"

static pthread_mutex_t graph_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published; /* of WAIT_CLOCK */
static int waiting;
static uint64_t epoch;     /* of the walk that marks nodes now; guarded by the lock */
static uint64_t publishes; /* so far; guarded by the lock */

void mxi_graph_lock(void) { pthread_mutex_lock(&graph_lock); }
void mxi_graph_unlock(void) { pthread_mutex_unlock(&graph_lock); }
uint64_t mxi_graph_epoch(void) { return ++epoch; }
#if defined(__APPLE__)
#define WAIT_CLOCK CLOCK_REALTIME /* conditions know no other clock there */
#else
#define WAIT_CLOCK CLOCK_MONOTONIC
#endif

void mxi_graph_start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
#if !defined(__APPLE__)
  pthread_condattr_setclock(&attributes, WAIT_CLOCK);
#endif
  pthread_cond_init(&published, &attributes);
  pthread_condattr_destroy(&attributes);
}

void mxi_graph_forked(void) {
  mxi_graph_start();
  waiting = 0;
}

void mxi_graph_published(void) {
  publishes++;
  if (waiting) pthread_cond_broadcast(&published);
}

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */
double mxi_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool mxi_go_on(struct mxi_ctx *c) {
  if (!c->interrupted || !c->interrupted(c->interrupted_user)) return true;
  mxi_fail(c, MX_ERR_INTERRUPTED, "[eval] interrupted");
  return false;
}

/* For the next publish, at most so many seconds. The lock is held. */
static void wait_a_while(double seconds) {
  struct timespec t;
  clock_gettime(WAIT_CLOCK, &t);
  double until = (double)t.tv_nsec * 1e-9 + seconds;
  t.tv_sec += (time_t)until;
  t.tv_nsec = (long)((until - (double)(time_t)until) * 1e9);
  waiting++;
  pthread_cond_timedwait(&published, &graph_lock, &t);
  waiting--;
}

static void wait_for_ever(void) {
  waiting++;
  pthread_cond_wait(&published, &graph_lock);
  waiting--;
}

/* ---- What a thread keeps between evaluations --------------------------------------------------------------------- */
static __thread struct mxi_walk *self_walk __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void thread_ends(void *p) {
  struct mxi_walk *w = p;
  mxi_plan_forget(&w->last);
  mxi_run_free(&w->run);
  mxi_free(w->stack);
  mxi_free(w);
  self_walk = NULL;
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

struct mxi_walk *mxi_walk_self(void) {
  if (self_walk) return self_walk;
  pthread_once(&once, make_key);
  struct mxi_walk *w = mxi_calloc(sizeof *w);
  if (!w || pthread_setspecific(key, w)) {
    mxi_free(w);
    return NULL;
  }
  return self_walk = w;
}

/* ---- Collect ----------------------------------------------------------------------------------------------------- */
static mx_status report_failure(struct mxi_ctx *c, mx_array a) {
  if (!a->extra || !a->extra->failure) return mxi_fail_status(c, MX_ERR_MEMORY, "[eval] out of memory");
  return mxi_fail_status(c, a->extra->failure_code, "%s", a->extra->failure);
}

static inline bool push(struct mxi_walk *w, mx_array a) {
  if (!mxi_reserve(&w->stack, &w->capacity, w->depth + 1, sizeof *w->stack)) return false;
  w->stack[w->depth++] = (struct mxi_walk_entry){a, 0, (uint32_t)epoch};
  return true;
}

static __attribute__((noinline)) bool add_leaf(struct mxi_walk *w, mx_array a, uint64_t now) {
  return mxi_tape_add_leaf(&w->run.tape, a, now);
}

static inline bool on_tape(const struct mx_array_ *a, uint64_t now) { return a->mark >> MXI_MARK_BITS == now; }

/* An output of a node that was evaluated before takes its buffer. */
static void take_output(mx_array a) {
  mx_array parent = a->in[0];
  a->buffer = mxi_buffer_retain(parent->extra->outputs[(uint32_t)a->params.i]);
  atomic_fetch_or_explicit(&a->flags, MXI_NODE_EVALUATED, memory_order_release);
  mxi_node_detach(a);
}

/* How an evaluation goes about what it has to do. */
enum mode {
  HERE,          /* all of it on the calling thread */
  IN_BACKGROUND, /* the last window on the stream's */
  BY_LENGTH      /* what takes long on the stream's, so that waiting for it can end */
};

struct effort {
  enum mode mode;
  double until; /* when to stop waiting, INFINITY: never */
  bool late;    /* it did */
};

enum visit { VISIT_DONE, VISIT_DEEPER, VISIT_FULL, VISIT_WAIT, VISIT_ASK, VISIT_FAILED, VISIT_MEMORY };
enum { STEPS_TO_ASK = 1 << 14 }; /* of a walk, which take a millisecond or two; a power of two */

/* Sees to one input of the node on top of the stack: it is on the tape, or goes there if it is evaluated, or on the
 * stack, to come first. */
static inline __attribute__((always_inline)) enum visit visit_input(struct mxi_walk *w, mx_array a, mx_array in, uint64_t now) {
  if (on_tape(in, now)) return VISIT_DONE;
  if (!mxi_is_evaluated(in)) {
    mxi_node_prefetch(a, in);
    return push(w, in) ? VISIT_DEEPER : VISIT_MEMORY;
  }
  return add_leaf(w, in, now) ? VISIT_DONE : VISIT_MEMORY;
}

/* A node of more inputs than are worth looking at again remembers how far it came on this tape. */
static enum visit visit_many_inputs(struct mxi_walk *w, mx_array a, uint64_t now) {
  size_t at = w->depth - 1;
  enum visit v = VISIT_DONE;
  uint32_t k = w->stack[at].epoch == (uint32_t)now ? w->stack[at].next : 0;
  while (v == VISIT_DONE && k < a->input_count) v = visit_input(w, a, a->many.list[k++], now);
  w->stack[at].next = k;
  w->stack[at].epoch = (uint32_t)now;
  return v;
}

static inline enum visit visit_inputs(struct mxi_walk *w, mx_array a, uint64_t now) {
  if (a->input_count > 2) return visit_many_inputs(w, a, now);
  enum visit v = a->input_count ? visit_input(w, a, a->in[0], now) : VISIT_DONE;
  return a->input_count < 2 || v != VISIT_DONE ? v : visit_input(w, a, a->in[1], now);
}

/* Whether a node can be put on the tape: an output of a node that was evaluated before takes its value first. */
static enum visit visit_special(mx_array a, uint8_t flags, mx_array *failed) {
  if (flags & MXI_NODE_CLAIMED) return VISIT_WAIT;
  if (flags & MXI_NODE_FAILED) {
    *failed = a;
    return VISIT_FAILED;
  }
  if (a->op == MXI_OP_output && mxi_is_evaluated(a->in[0])) take_output(a);
  return VISIT_DONE;
}

/* Puts what the stack holds on the tape, inputs first, until the stack is empty or the tape is full. */
static enum visit walk(struct mxi_walk *w, mx_array *failed, bool may_ask) {
  uint32_t steps = 0;
  struct mxi_tape *t = &w->run.tape;
  const uint64_t now = epoch;
  while (w->depth) {
    mx_array a = w->stack[w->depth - 1].node;
    uint8_t flags = mxi_flags(a);
    enum visit v = VISIT_DONE;
    if (flags & (MXI_NODE_CLAIMED | MXI_NODE_FAILED) || a->op == MXI_OP_output) {
      v = visit_special(a, flags, failed);
      flags = mxi_flags(a);
    }
    bool is_leaf = flags & MXI_NODE_EVALUATED;
    if (v == VISIT_DONE && !is_leaf) v = visit_inputs(w, a, now);
    if (v == VISIT_DEEPER) {
      if (may_ask && !(++steps & (STEPS_TO_ASK - 1))) return VISIT_ASK;
      continue;
    }
    if (v == VISIT_DONE && t->count >= MXI_TAPE_MAX && !is_leaf) v = VISIT_FULL;
    if (v != VISIT_DONE) return v;
    w->depth--;
    if (on_tape(a, now)) continue; /* a root that another one depends on */
    if (!(is_leaf ? add_leaf(w, a, now) : mxi_tape_add(t, a, now))) return VISIT_MEMORY;
  }
  return VISIT_DONE;
}

static void start_tape(struct mxi_walk *w) {
  epoch++;
  mxi_tape_clear(&w->run.tape);
}

static mx_status restart(struct mxi_walk *w, struct mxi_ctx *c, const mx_array *roots, size_t count) {
  w->depth = 0;
  w->run.trace_base = c->trace_base;
  start_tape(w);
  for (size_t i = count; i-- > 0;)
    if (!push(w, roots[i])) {
      mxi_fail_memory(c, "eval");
      return c->code;
    }
  return MX_OK;
}

/* Debug builds look at every graph; in others nothing is left of this. */
static mx_status check_graph(const struct mxi_tape *t, struct mxi_ctx *c) {
  size_t at = 0;
  const char *fault = mxi_graph_check(t, &at);
  if (!fault) return MX_OK;
  return mxi_fail_status(c, MX_ERR_STATE, "[eval] the graph is damaged: `%s`, node %zu of %zu, %s", mxi_prims[t->nodes[at]->op]->name, at,
                         t->count, fault);
}

/* Asks whether to go on, if it is time to. The lock is held, and given up meanwhile; what is asked may evaluate, and take
 * the walk over. */
static mx_status ask(struct mxi_walk *w, struct mxi_ctx *c) {
  if (!c->interrupted) return MX_OK;
  double now = mxi_now();
  if (!w->asked) w->asked = now;
  if (now < w->asked + MXI_ASK_SECONDS) return MX_OK;
  mxi_graph_unlock();
  bool go_on = mxi_go_on(c);
  mxi_graph_lock();
  w->asked = mxi_now();
  return go_on ? MX_OK : c->code;
}

/* For the next publish; the lock is held. e->late: it is time to stop. */
static mx_status wait_for_publish(struct mxi_walk *w, struct mxi_ctx *c, struct effort *e) {
  double now = e->until < INFINITY ? mxi_now() : 0, left = e->until - now;
  e->late = left <= 0;
  if (e->late) return MX_OK;
  if (c->interrupted && !w->asked) w->asked = mxi_now();
  if (left > 1e9 && !c->interrupted)
    wait_for_ever();
  else
    wait_a_while(c->interrupted && left > MXI_ASK_SECONDS ? MXI_ASK_SECONDS : left);
  return ask(w, c);
}

/* In the middle of a walk. Where something was published meanwhile, or walked, the marks and the stack say nothing any more:
 * the walk starts over, and asks no more, so that it ends. */
static mx_status ask_on_the_way(struct mxi_walk *w, struct mxi_ctx *c, const mx_array *roots, size_t count, bool *may_ask) {
  uint64_t now = epoch, before = publishes, serial = w->serial;
  mx_status code = ask(w, c);
  if (code || (epoch == now && publishes == before && w->serial == serial)) return code;
  *may_ask = false;
  return restart(w, c, roots, count);
}

/* One window: fills the tape, writes its key, claims its members. *more: the stack holds what is still to do. Late, there
 * is nothing on the tape. */
static mx_status collect(struct mxi_walk *w, struct mxi_ctx *c, const mx_array *roots, size_t count, struct effort *e, bool *more) {
  bool may_ask = c->interrupted;
  for (;;) {
    mx_array failed = NULL;
    enum visit v = walk(w, &failed, may_ask);
    *more = v == VISIT_FULL;
    if (v == VISIT_DONE || v == VISIT_FULL) break;
    if (v == VISIT_FAILED) return report_failure(c, failed);
    if (v == VISIT_MEMORY) {
      mxi_fail_memory(c, "eval");
      return c->code;
    }
    mx_status code;
    if (v == VISIT_ASK) {
      code = ask_on_the_way(w, c, roots, count, &may_ask);
    } else {
      code = wait_for_publish(w, c, e);
      if (!code) code = restart(w, c, roots, e->late ? 0 : count);
    }
    if (code || e->late) return code;
  }
  if (!mxi_tape_finish(&w->run.tape, w->run.trace_base)) {
    mxi_fail_memory(c, "eval");
    return c->code;
  }
  mx_status code = check_graph(&w->run.tape, c);
  if (!code) mxi_run_claim(&w->run);
  return code;
}

/* ---- Run --------------------------------------------------------------------------------------------------------- */
/* Plans and binds the tape; the caller holds the lock, which is given up meanwhile. */
static mx_status prepare(struct mxi_walk *w, struct mxi_ctx *c) {
  struct mxi_run *r = &w->run;
  mxi_graph_unlock();
  r->plan = mxi_plan_find(&r->tape, &w->last);
  mx_status code = MX_OK;
  if (!r->plan.plan) {
    mxi_fail_memory(c, "eval");
    code = c->code;
  } else {
    code = mxi_run_bind(r, c);
  }
  return code;
}

/* Hands the window, which is bound, to its stream; false where there is no memory for that. The run takes the tape's
 * arrays along, and holds the members, since the caller may let go of them. */
static bool hand_over(struct mxi_walk *w, struct mxi_ctx *c) {
  struct mxi_run *r = mxi_malloc(sizeof *r);
  if (!r) return false;
  struct mxi_tape *t = &w->run.tape;
  for (size_t i = 0; i < t->member_count; i++) mxi_retain(t->nodes[t->members[i]]);
  mxi_plan_keep(w->run.plan);
  mxi_graph_lock();
  mxi_run_move(r, &w->run);
  r->background = true;
  r->caller = c->id;
  mxi_graph_unlock();
  mxi_stream_submit(c->stream, r);
  return true;
}

static bool is_long(const struct mxi_run *r) {
  return mxi_sizing_work(r->plan.plan->skeleton, r->plan.sizing) >= MXI_WORK_LONG;
}

/* *handed: the window runs elsewhere, and this is one of its members, retained; else NULL. */
static mx_status run_window(struct mxi_walk *w, struct mxi_ctx *c, enum mode mode, mx_array *handed) {
  struct mxi_run *r = &w->run;
  mx_status code = prepare(w, c);
  *handed = NULL;
  if (code) {
    mxi_graph_lock();
    mxi_run_unclaim(r);
    mxi_graph_published();
    return code;
  }
  mx_array member = r->tape.member_count ? r->tape.nodes[r->tape.members[0]] : NULL;
  if (member && (mode == IN_BACKGROUND || (mode == BY_LENGTH && is_long(r)))) {
    mxi_retain(member);
    if (hand_over(w, c)) {
      *handed = member;
      mxi_graph_lock();
      return MX_OK;
    }
    mxi_release(member);
  }
  mxi_run_execute(r);
  mxi_graph_lock();
  mxi_run_publish(r);
  mxi_graph_published();
  mxi_run_release(r);
  return r->code ? mxi_fail_status(c, r->code, "%s", r->message) : MX_OK;
}

/* Lets a window that was handed over end, if there are more. The lock is held, and given up meanwhile. */
static mx_status let_end(struct mxi_walk *w, struct mxi_ctx *c, mx_array handed, bool more) {
  mx_status code = MX_OK;
  struct effort patient = {.until = INFINITY};
  while (more && !code && mxi_flags(handed) & MXI_NODE_CLAIMED) code = wait_for_publish(w, c, &patient);
  mxi_graph_unlock();
  mxi_release(handed);
  mxi_graph_lock();
  return code;
}

/* Between windows the lock was free. What the stack holds hangs on the roots through unevaluated nodes, which only
 * publishing cuts: where another thread has published, or an evaluation inside this one used the walk, it starts over. */
static mx_status next_window(struct mxi_walk *w, struct mxi_ctx *c, const mx_array *roots, size_t count, uint64_t before, uint64_t serial) {
  if (publishes != before + 1 || w->serial != serial) return restart(w, c, roots, count);
  start_tape(w);
  return MX_OK;
}

static mx_status run_windows(struct mxi_walk *w, struct mxi_ctx *c, const mx_array *roots, size_t count, struct effort *e) {
  bool more = true;
  mx_status code = restart(w, c, roots, count);
  while (!code && more) {
    code = collect(w, c, roots, count, e, &more);
    if (code || !w->run.tape.count) break;
    uint64_t before = publishes, serial = w->serial;
    mx_array handed = NULL;
    code = run_window(w, c, !more ? e->mode : c->interrupted ? BY_LENGTH : HERE, &handed);
    if (handed) code = let_end(w, c, handed, more);
    if (!code && more) code = ask(w, c);
    if (!code && more) code = next_window(w, c, roots, count, before, serial);
  }
  return code;
}

static bool all_evaluated(const mx_array *roots, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!mxi_is_evaluated(roots[i])) return false;
  return true;
}

/* `once`: started is enough. */
static mx_status evaluate(struct mxi_ctx *c, const mx_array *roots, size_t count, struct effort *e, bool once) {
  if (all_evaluated(roots, count)) return MX_OK;
  struct mxi_walk *w = mxi_walk_self();
  if (!w) {
    mxi_fail_memory(c, "eval");
    return c->code;
  }
  mxi_thread_poll(mxi_self());
  w->serial++;
  w->asked = 0;
  mxi_graph_lock();
  mx_status code;
  do code = run_windows(w, c, roots, count, e);
  while (!code && !once && !e->late && !all_evaluated(roots, count));
  mxi_graph_unlock();
  return code;
}

mx_status mxi_eval(struct mxi_ctx *c, const mx_array *roots, size_t count) {
  return evaluate(c, roots, count, &(struct effort){.mode = c->interrupted ? BY_LENGTH : HERE, .until = INFINITY}, false);
}

mx_status mxi_eval_async(struct mxi_ctx *c, const mx_array *roots, size_t count) {
  return evaluate(c, roots, count, &(struct effort){.mode = IN_BACKGROUND, .until = INFINITY}, true);
}

mx_status mxi_eval_one(struct mxi_ctx *c, mx_array a) { return mxi_eval(c, &a, 1); }

mx_status mxi_eval_start(struct mxi_ctx *c, const mx_array *roots, size_t count) {
  return evaluate(c, roots, count, &(struct effort){.mode = BY_LENGTH, .until = 0}, true);
}

mx_status mxi_eval_wait(struct mxi_ctx *c, const mx_array *roots, size_t count, double seconds, bool *done) {
  struct effort e = {.mode = BY_LENGTH, .until = seconds > 0 ? mxi_now() + seconds : 0};
  mx_status code = evaluate(c, roots, count, &e, false);
  *done = !code && all_evaluated(roots, count);
  return code;
}

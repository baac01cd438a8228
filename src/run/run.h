/* Evaluation: collect a tape, find or make its plan, bind memory, run, publish. Start at mxi_eval. */
#ifndef MXI_RUN_RUN_H
#define MXI_RUN_RUN_H

#include "plan/plan.h"

/* What computes, with every function and a kernel table of MX_OP_MAX entries. init.c fills it in; registry.c adds and
 * replaces kernels. */
extern struct mx_backend mxi_backend;
extern struct mx_kernel *const mxi_kernels; /* the table, to write into */
extern const struct mxi_planner mxi_planner;

/* ---- The plan cache ---------------------------------------------------------------------------------------------- */
#define MXI_SIZINGS 4 /* remembered for one skeleton */

struct mxi_plan {
  struct mxi_skeleton *skeleton;
  struct mxi_sizing *sizings[MXI_SIZINGS];
  struct mxi_plan *predicted; /* what followed last time */
  struct mxi_plan *chain, *newer, *older;
  uint64_t hash;
  size_t nbytes;
  int32_t users; /* threads that found it last, and runs in the background; guarded by the cache's lock */
  uint8_t next_sizing;
  bool cached, fuse;
};

struct mxi_plan_pick {
  struct mxi_plan *plan;
  struct mxi_sizing *sizing; /* read only, but for its users */
};
/* The plan for this tape, also put into *last, where its thread holds it until it finds another; NULL plan without memory. */
struct mxi_plan_pick mxi_plan_find(const struct mxi_tape *t, struct mxi_plan_pick *last);
void mxi_plan_forget(struct mxi_plan_pick *last); /* at thread exit */
/* For runs that their thread does not wait for. */
void mxi_plan_keep(struct mxi_plan_pick pick);
void mxi_plan_done(struct mxi_plan_pick pick);

struct mxi_plan_stats {
  int64_t predicted, hits, resized, misses, plans, nbytes;
};
struct mxi_plan_stats mxi_plan_stats(void);
void mxi_plan_cache_clear(void);
void mxi_plan_lock_for_fork(void);
void mxi_plan_unlock_after_fork(void);

/* ---- One run ----------------------------------------------------------------------------------------------------- */
struct mxi_run {
  struct mxi_tape tape;
  struct mxi_plan_pick plan;
  char **base;                /* by slot */
  struct mxi_buffer **own;    /* by slot, for OWN slots */
  int64_t **strides;          /* by result, for results that need them */
  struct mxi_buffer *arena;
  char *frame;                /* the memory of the arrays above, and of scalars */
  size_t frame_capacity;
  uint64_t trace_base;
  bool background;            /* an asynchronous run: it holds its members, and a failure stays on them */
  mx_status code;
  char message[256];
  struct mxi_run *next;       /* in a stream's queue */
  struct mxi_run *newer, *older; /* among the runs that hold claims; guarded by the graph lock */
  uint32_t caller;            /* id of the context that started it */
};

mx_status mxi_run_bind(struct mxi_run *r, struct mxi_ctx *c);  /* reserves all memory; on failure nothing is held */
void mxi_run_execute(struct mxi_run *r);                       /* sets code and message on failure */
void mxi_run_publish(struct mxi_run *r);                       /* the caller holds the graph lock */
void mxi_run_claim(struct mxi_run *r);                         /* marks the members; publish or unclaim ends it */
void mxi_run_unclaim(struct mxi_run *r);
void mxi_run_fail_all(const char *message);                    /* in the child of a fork: what was in flight never comes */
void mxi_run_release(struct mxi_run *r);                       /* gives back what bind took and publish did not hand on */
void mxi_run_free(struct mxi_run *r);                          /* the arrays of the run itself */
void mxi_run_move(struct mxi_run *to, struct mxi_run *from);   /* claims and all; `from` is left empty. Lock held */

/* ---- Evaluating -------------------------------------------------------------------------------------------------- */
mx_status mxi_eval(struct mxi_ctx *c, const mx_array *roots, size_t count);
mx_status mxi_eval_one(struct mxi_ctx *c, mx_array a);
/* The last window of the graph runs in the background, on the context's stream. */
mx_status mxi_eval_async(struct mxi_ctx *c, const mx_array *roots, size_t count);
/* The same where the last window is expected to take long, else as mxi_eval; but where another run works on a part of the
 * graph, it returns and starts nothing. */
mx_status mxi_eval_start(struct mxi_ctx *c, const mx_array *roots, size_t count);
/* Evaluates as mxi_eval_start, and waits for the runs that work on the graph, at most so many seconds; *done: all is
 * evaluated. */
mx_status mxi_eval_wait(struct mxi_ctx *c, const mx_array *roots, size_t count, double seconds, bool *done);
mx_status mxi_synchronize(struct mxi_ctx *c); /* the first failure of the context's runs since its last call */
void mxi_stream_submit(mx_stream s, struct mxi_run *r); /* takes the run over; it is bound. NULL: the default stream */
void mxi_streams_before_fork(void);
void mxi_streams_after_fork(bool child); /* in the child no runner is left */

void mxi_graph_lock(void);
void mxi_graph_unlock(void);
uint64_t mxi_graph_epoch(void); /* a new one, for a walk that marks nodes; the caller holds the lock */
/* How often a call that waits asks whether to go on; and the asking: false with MX_ERR_INTERRUPTED. Without locks. */
#define MXI_ASK_SECONDS 0.02
bool mxi_go_on(struct mxi_ctx *c);
double mxi_now(void); /* seconds of a clock that does not jump */
void mxi_graph_start(void);     /* once, before any wait */
void mxi_graph_forked(void);    /* in the child: nobody waits; the caller holds the lock */
void mxi_graph_published(void); /* wakes those who wait; the caller holds the lock */

#endif

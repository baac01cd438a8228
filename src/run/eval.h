/* The walk over a graph, and what a thread keeps from one to the next. */
#ifndef MXI_RUN_EVAL_H
#define MXI_RUN_EVAL_H

#include "run/run.h"

struct mxi_walk_entry {
  mx_array node;
  uint32_t next;  /* input to look at next */
  uint32_t epoch; /* low bits of the epoch in which `next` counts: a new tape looks at all inputs again */
};

struct mxi_walk {
  struct mxi_walk_entry *stack;
  size_t depth, capacity;
  struct mxi_plan_pick last; /* the plan found last, which predicts the next one */
  uint64_t serial;       /* of the evaluation that uses this: one inside another takes it over */
  double asked;          /* when it last asked whether to go on, in seconds; 0: when it first looked at a clock */
  struct mxi_run run;
};

struct mxi_walk *mxi_walk_self(void); /* the calling thread's; NULL without memory */

#endif

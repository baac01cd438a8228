/* Plans: what a graph looks like once it is ready to run. A skeleton depends on the structure of the tape (operations,
 * dtypes, ranks, which dimensions are 0 or 1, who reads whom, which values must survive); a sizing adds the sizes:
 * layouts, slots of memory, scratch. Both are immutable once built and shared by threads; what changes from run to run
 * is in the frame (run/). Start at mxi_skeleton_build and mxi_sizing_build. */
#ifndef MXI_PLAN_PLAN_H
#define MXI_PLAN_PLAN_H

#include <stdatomic.h>

#include "base/arena.h"
#include "core/prim.h"
#include "plan/program.h"

/* The tape, as collect writes it (plan/tape.h): nodes in an order where inputs come first, and the two parts of the key. */
enum mxi_tape_kind {
  MXI_TAPE_INNER,
  MXI_TAPE_LEAF,   /* evaluated before */
  MXI_TAPE_MEMBER, /* keeps its value: a root, or referenced from outside the tape */
};
struct mxi_tape {
  mx_array *nodes;
  uint32_t *uses;    /* edges to node i from inside the tape */
  uint8_t *kinds;    /* enum mxi_tape_kind */
  uint32_t *members; /* their positions, ascending */
  size_t count, capacity, member_count;
  uint32_t *structure; /* see plan/key.c */
  size_t structure_count, structure_capacity;
  int64_t *sizes;
  size_t sizes_count, sizes_capacity;
  uint32_t leaf_count;
  bool traced; /* some node belongs to a running transform: its graph is kept */
};

#define MXI_MARK_BITS 24 /* of a mark, for the position; the rest is the epoch */
#define MXI_TAPE_MAX 8192 /* nodes planned and run together */

enum mxi_pkind { MXI_P_ARRAY, MXI_P_SCALAR, MXI_P_ELEMENTWISE, MXI_P_VIEW, MXI_P_KERNEL, MXI_P_OUTPUT };

struct mxi_pnode {
  uint16_t op;
  uint8_t dtype, ndim, kind, member;
  uint8_t scalar_space; /* one element by its structure */
  uint8_t dead;         /* no reader is left: fusion replaced it */
  uint8_t vector;       /* one axis, or a matrix of one column */
  uint16_t output_count;
  uint32_t input_at, input_count; /* into skeleton->inputs */
  int32_t cluster;                /* of an elementwise node */
  uint32_t uses;                  /* readers left after canonicalisation */
};

struct mxi_cluster {
  uint32_t root;                /* position of the last member: where the cluster runs */
  uint32_t member_at, member_count; /* into skeleton->members, in tape order */
  int32_t linear;               /* >= 0: index of the linear step that swallowed it */
  int32_t reduction;            /* >= 0: position of the reduction that is its root's only reader (or unfused) */
};

/* z = x @ w, t = chain(z, ...), g = t @ x as one pass over x (or unfused, where sizes say so). */
struct mxi_linear_pattern {
  uint32_t forward, backward; /* positions of the two products */
  uint32_t x, w, z;           /* positions of the operands and of the forward product's result */
  int32_t cluster;            /* of the chain */
};

struct mxi_skeleton {
  struct mxi_arena arena;
  uint32_t *structure;
  size_t structure_count;
  struct mxi_pnode *nodes;
  uint32_t *inputs, *members;
  struct mxi_cluster *clusters;
  struct mxi_linear_pattern *linears;
  uint32_t node_count, leaf_count, cluster_count, linear_count;
};

struct mxi_skeleton *mxi_skeleton_build(const struct mxi_tape *t, bool fuse);
bool mxi_plan_is_reduction(int op); /* one that may run over a cluster */
void mxi_skeleton_find_reductions(struct mxi_skeleton *s); /* sets the clusters' reductions, once linear steps are found */
void mxi_skeleton_free(struct mxi_skeleton *s);

/* ---- Sizing ------------------------------------------------------------------------------------------------------ */
enum mxi_slot_kind { MXI_SLOT_LEAF, MXI_SLOT_SCALAR, MXI_SLOT_ARENA, MXI_SLOT_OWN };

struct mxi_slot {
  uint8_t kind;
  int32_t donor;    /* OWN: the leaf slot whose memory it may take over; -1 */
  uint32_t node;    /* LEAF, SCALAR: position; OWN: position of the node that made it */
  size_t nbytes;
  size_t offset;    /* ARENA: in the run's arena */
  uint32_t donor_uses; /* references the donor's node has when the tape holds all of them */
};

struct mxi_operand { /* of a step */
  uint32_t slot;
  int64_t offset; /* bytes */
};

enum mxi_step_kind { MXI_STEP_KERNEL, MXI_STEP_ELEMENTWISE, MXI_STEP_LINEAR, MXI_STEP_REDUCE };

struct mxi_step {
  uint8_t kind;
  uint32_t node;     /* position, for names and errors */
  uint32_t in_at, in_count, out_at, out_count; /* into sizing->operands */
  const struct mx_view *views; /* KERNEL: templates, inputs then outputs; data is bound. REDUCE: of the reduction alone */
  size_t scratch, scratch_at;   /* bytes, and where in the arena */
  const struct mx_cluster *ew;      /* ELEMENTWISE; LINEAR, REDUCE: the chain */
  const struct mx_linear *linear;
};

/* How a member is published. */
struct mxi_result {
  uint32_t node, slot;
  int32_t output; /* which output of a multi-output node; -1: the node is its own */
  int64_t offset;
  const int64_t *strides;
  bool dense; /* row-major: no strides are needed at offset 0 */
};

struct mxi_sizing {
  struct mxi_arena arena;
  int64_t *sizes;
  size_t sizes_count;
  struct mxi_slot *slots;
  struct mxi_operand *operands;
  struct mxi_step *steps;
  struct mxi_result *results;
  uint32_t slot_count, operand_count, step_count, result_count, own_count;
  size_t arena_nbytes; /* scratch of steps included */
  int32_t users;       /* runs and the plan it belongs to; guarded by the cache's lock */
};

/* What planning must know of the backend. */
struct mxi_planner {
  size_t (*scratch)(int op, const struct mx_task *task);
  size_t (*linear_scratch)(const struct mx_linear *linear, const struct mx_cluster *chain);
  bool (*can_linear)(mx_dtype dtype);
  bool (*can_reduce)(int ndim, const int64_t *shape, uint64_t mask); /* over a cluster of this shape */
  const void *(*prepare)(const struct mx_cluster *ew, struct mxi_arena *arena); /* the program of ew; NULL without memory */
};

struct mxi_sizing *mxi_sizing_build(const struct mxi_skeleton *s, const struct mxi_tape *t, const struct mxi_planner *b);
void mxi_sizing_free(struct mxi_sizing *z);
#define MXI_WORK_LONG 1e6 /* nanoseconds: what takes longer is worth a thread of its own */
double mxi_sizing_work(const struct mxi_skeleton *s, const struct mxi_sizing *z); /* estimated nanoseconds */

/* A text a person can read: clusters, kernels, bytes. Returns the length it needs, as snprintf. */
size_t mxi_plan_describe(const struct mxi_skeleton *s, const struct mxi_sizing *z, char *buf, size_t size);

#endif

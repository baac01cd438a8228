/* The tile program that elementwise_build.c makes from a cluster and elementwise.c runs: a short list of steps over
 * places. A place is a pointer: an input or output in memory, moving along with the tile, or a slot of the tile memory
 * that each thread has on its stack. A program knows no pointers: it is made once a plan, and bound at every run. */
#ifndef MXI_BACKEND_CPU_ELEMENTWISE_RUN_H
#define MXI_BACKEND_CPU_ELEMENTWISE_RUN_H

#include <string.h>

#include "backend/cpu/elementwise.h"

#define EW_SERIAL_WORK  32768 /* element operations below which threads cost more than they bring */
#define EW_TILE_BYTES   16384 /* of slots, and of the operands in memory that a tile touches */
#define EW_MIN_TILE     64    /* elements */
#define EW_SHORT_ROW    64    /* inner axes below this many elements are gathered across rows */
#define EW_MAX_REGS     (MX_CLUSTER_MAX_INPUTS + MX_CLUSTER_MAX_INSTRS)
#define EW_MAX_OPERANDS EW_MAX_REGS
#define EW_MAX_SLOTS    (EW_MAX_REGS + 1)
#define EW_MAX_PLACES   (EW_MAX_OPERANDS + EW_MAX_REGS + EW_MAX_SLOTS)
#define EW_MAX_STEPS    (4 * EW_MAX_REGS)
#define EW_SLOT_GAP     64 /* bytes between slots, so that they do not alias in the first-level cache */
#define EW_SLOT_MEMORY  (EW_MAX_SLOTS * (EW_MIN_TILE * 8 + EW_SLOT_GAP))

#define EW_TURN_ROWS   256 /* of a transposed copy, written at a time: a few pages of what is read */
#define EW_TURN_BLOCKS 8   /* pieces there must be at least, to share among threads */
#define EW_MAX_PANELS    3
#define EW_PANEL_ROWS    16
#define EW_PANEL_COLUMNS 256

enum ew_step_kind {
  EW_STEP_ROW,    /* row(out, in, mask, n) */
  EW_STEP_CAST,   /* cast(out, in, n) */
  EW_STEP_GATHER, /* the tile's elements of input in[0], which lie an inner stride apart */
  EW_STEP_WALK,   /* the same where the tile crosses rows */
};

struct ew_step {
  union {
    mxi_ew_fn row;
    mxi_ew_cast_fn cast;
  };
  uint8_t kind, mask;
  uint8_t is_one; /* on one element, not on the whole tile */
  uint8_t in[3], out;
};

/* Places: inputs, outputs, cells for what is scalar in the whole cluster, slots. */
struct ew_program {
  const struct mx_cluster *ew;
  const struct mxi_ew_casts *casts;
  const struct ew_step *prologue, *steps; /* the prologue computes the cells, once a run */
  int64_t tile, slot_stride;              /* elements; bytes */
  int16_t prologue_count, step_count, cell_count, slot_count, cell_base, slot_base;
  bool has_strided, is_walking;           /* is_walking: tiles cross rows */
  bool is_turn;                           /* nothing but a transposed copy */
  bool is_once;                           /* one tile, on one thread */
  bool is_risky;                          /* some output may not take the memory of some input: see safe */
  uint8_t panel_count;                    /* transposed inputs, which are read several rows at a time */
  uint16_t moved;                         /* bit i: scalar input i is read from a copy, as an output takes its memory */
  uint16_t safe[MX_CLUSTER_MAX_INSTRS];       /* bit i: this output may take the memory of input i */
  uint8_t panel[MX_CLUSTER_MAX_INPUTS];       /* 1 .. panel_count, or 0 */
  uint8_t itemsize[EW_MAX_OPERANDS];      /* of inputs and outputs that move with the tile; 0: those that stay */
  uint8_t place[EW_MAX_REGS];             /* of each register */
};

/* A program under construction, and what one outside a plan lives in. */
struct ew_storage {
  struct ew_program program;
  struct ew_step prologue[EW_MAX_STEPS], steps[EW_MAX_STEPS];
};

/* A program and what it works on. */
struct ew_frame {
  const struct ew_program *program;
  char *at[EW_MAX_PLACES]; /* slots are placed by each thread */
  _Alignas(16) char cells[EW_MAX_REGS][16], copies[MX_CLUSTER_MAX_INPUTS][16];
  struct ew_storage storage; /* of a program for this run alone */
};

/* Where `in` and `out` are given, outputs are placed with regard to the inputs whose memory they take. */
void mxi_ew_build(struct ew_storage *storage, const struct mx_cluster *ew, const void *const *in, void *const *out);

/* Binds the program of ew, or one made for this run if there is none or outputs take memory that it reads later, and
 * computes what is scalar. */
void mxi_ew_bind(struct ew_frame *f, const struct mx_cluster *ew, const void *const *in, void *const *out);

/* Runs the steps for elements [begin, end) on the calling thread; any number of threads may. */
void mxi_ew_run(const struct ew_frame *f, int64_t begin, int64_t end);
/* The same, with elements [begin, end) of the last output going to `last`. */
void mxi_ew_run_to(const struct ew_frame *f, int64_t begin, int64_t end, void *last);

static inline int ew_size_class(size_t itemsize) {
  return itemsize == 1 ? 0 : itemsize == 2 ? 1 : itemsize == 4 ? 2 : 3;
}
static inline const struct mxi_ew_rows *ew_rows(int dtype) {
  return mxi_kinds[dtype] == MXI_KIND_FLOAT     ? mxi_ew_float_rows()
         : mxi_kinds[dtype] == MXI_KIND_COMPLEX ? mxi_ew_complex_rows()
                                                : mxi_ew_int_rows();
}

/* One step other than a gather. */
static inline void ew_step_run(const struct ew_step *s, char *const *at, size_t n) {
  if (s->is_one) n = 1;
  if (s->kind == EW_STEP_ROW)
    s->row(at[s->out], (const void *const[]){at[s->in[0]], at[s->in[1]], at[s->in[2]]}, s->mask, n);
  else
    s->cast(at[s->out], at[s->in[0]], n);
}

#endif

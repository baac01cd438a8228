/* The first step of a reduction over an elementwise cluster: each block of the tree is computed into a tile and folded
 * while it is in the first-level cache, by the kernels and in the order that the array itself would be. What the cluster
 * computes is row-major: element [o, a, i] of the nest is number (o * axis + a) * inner + i. */
#include <string.h>

#include "backend/cpu/reduce.h"
#include "backend/cpu/reduce_step.h"

#define WIDE 1024      /* columns that are accumulated at a time */
#define NARROW 256     /* the same, where there are few */
#define SHARES 8       /* pieces of work that are enough to share */
#define SERIAL 65536   /* elements that need not be shared */

static int64_t blocks_of(int64_t outer, int64_t axis) {
  return outer * ((axis + MXI_COLUMN_BLOCK - 1) / MXI_COLUMN_BLOCK);
}

static int64_t stretch_of(int64_t outer, int64_t axis, int64_t inner) {
  bool is_enough = blocks_of(outer, axis) * ((inner + WIDE - 1) / WIDE) >= SHARES;
  return is_enough || outer * axis * inner < SERIAL ? WIDE : NARROW;
}

/* Elements [begin, begin + n) as accumulators, in `tile`. */
static void compute(const struct mxi_reduce_step *s, int64_t begin, int64_t n, char *tile, char *raw) {
  mxi_ew_run_to(s->chain, begin, begin + n, s->is_plain ? tile : raw);
  if (!s->is_plain) s->load(tile, raw, 1, n);
}

/* Rows, or blocks of rows; several at a time where they are short. */
static void rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  int64_t n = s->nest->axis.size, together = s->blocks == 1 ? MXI_ROW_BLOCK / n : 1;
  MXI_TILE(tile);
  MXI_TILE(raw);
  (void)slot;
  for (int64_t i = begin, count; i < end; i += count) {
    int64_t b = i % s->blocks, size = mxi_block_size(n, MXI_ROW_BLOCK, b);
    count = end - i < together ? end - i : together;
    compute(s, i / s->blocks * n + b * MXI_ROW_BLOCK, count * size, tile, raw);
    s->fold->rows(s->dst + i * (int64_t)s->acc, tile, size, count, size);
  }
}

/* Rows [0, count) of a block from element `at` on, as far as column n of `inner`; the first ones of a block begin it. */
static void add_rows(const struct mxi_reduce_step *s, char *acc, int64_t at, int64_t count, int64_t n, bool is_first,
                     char *tile, char *raw) {
  compute(s, at, count * n, tile, raw);
  if (is_first) memcpy(acc, tile, (size_t)n * s->acc);
  if (count > is_first) s->fold->cols(acc, tile + is_first * n * (int64_t)s->acc, n, count - is_first, n);
}

/* Blocks of rows, a stretch of columns at a time; several whole rows where they are short. */
static void columns(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  int64_t inner = s->nest->inner.size, axis = s->nest->axis.size;
  int64_t stretch = stretch_of(s->nest->outer.size, axis, inner), stretches = (inner + stretch - 1) / stretch;
  MXI_TILE(tile);
  MXI_TILE(raw);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t c = i % stretches * stretch, b = i / stretches % s->blocks, o = i / stretches / s->blocks;
    int64_t n = mxi_block_size(inner, stretch, i % stretches), count = mxi_block_size(axis, MXI_COLUMN_BLOCK, b);
    int64_t at = (o * axis + b * MXI_COLUMN_BLOCK) * inner + c, together = n == inner ? MXI_TILE_ITEMS / n : 1;
    char *acc = s->dst + (size_t)((o * s->blocks + b) * inner + c) * s->acc;
    for (int64_t r = 0; r < count; r += together)
      add_rows(s, acc, at + r * inner, count - r < together ? count - r : together, n, r == 0, tile, raw);
  }
}

void mxi_reduce_chain(struct mxi_reduce_step *s, bool by_rows) {
  const struct mxi_nest *nest = s->nest;
  int64_t blocks = nest->outer.size * s->blocks, inner = nest->inner.size, axis = nest->axis.size;
  int64_t cost = 1 + s->chain->program->step_count;
  if (by_rows) {
    mxi_reduce_parallel(blocks, (axis < MXI_ROW_BLOCK ? axis : MXI_ROW_BLOCK) * cost, rows, s);
    return;
  }
  int64_t stretch = stretch_of(nest->outer.size, axis, inner), length = axis < MXI_COLUMN_BLOCK ? axis : MXI_COLUMN_BLOCK;
  mxi_reduce_parallel(blocks * ((inner + stretch - 1) / stretch), length * (inner < stretch ? inner : stretch) * cost,
                      columns, s);
}

bool mxi_cpu_can_reduce(int ndim, const int64_t *shape, uint64_t mask) {
  int64_t outer = 1, axis = 1, inner = 1;
  int i = ndim - 1;
  for (; i >= 0 && (shape[i] == 1 || !(mask >> i & 1)); i--) inner *= shape[i];
  for (; i >= 0 && (shape[i] == 1 || mask >> i & 1); i--) axis *= shape[i];
  for (; i >= 0; i--) outer *= shape[i];
  if (axis < 2 || outer * axis * inner == 0) return false;
  if (inner < MXI_FEW_COLUMNS) return inner == 1;
  int64_t stretch = stretch_of(outer, axis, inner), stretches = (inner + stretch - 1) / stretch;
  return outer * axis * inner < SERIAL || blocks_of(outer, axis) * stretches >= SHARES / 2;
}

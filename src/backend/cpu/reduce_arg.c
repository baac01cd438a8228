/* argmax and argmin. The first of equal elements wins, and a NaN wins over numbers, so the order of work is free: rows
 * find their extreme block by block and then its place; columns carry a best value and its row. */
#include <string.h>

#include "backend/cpu/reduce.h"
#include "backend/cpu/reduce_nest.h"

#define FEW_COLUMNS 16
#define COLUMNS 512
#define FEW_ROWS 64 /* fewer long rows are cut into blocks that threads share */

struct arg_job {
  const struct mxi_fold_kernels *fold;
  const struct mxi_best_kernels *best;
  mxi_load_fn load;
  bool is_plain;
  size_t item, acc;
  int64_t blocks;
  const char *src;
  uint32_t *out;
  char *partials; /* extremes of all blocks, or NULL */
  const struct mxi_nest *nest;
};

/* Block b of row k as accumulators, in place where it can be. */
static const void *row_block(const struct arg_job *j, void *tile, int64_t k, int64_t b, int64_t *n) {
  const struct mxi_nest *nest = j->nest;
  int64_t start = b * MXI_ROW_BLOCK, left = nest->axis.size - start, inner = nest->inner.size;
  int64_t offset = mxi_group_offset(&nest->outer, k / inner) + mxi_group_offset(&nest->inner, k % inner);
  const char *base = j->src + offset * (int64_t)j->item;
  *n = left < MXI_ROW_BLOCK ? left : MXI_ROW_BLOCK;
  if (j->is_plain && mxi_group_is_dense(&nest->axis)) return base + start * (int64_t)j->item;
  mxi_group_load(&nest->axis, j->load, j->item, tile, j->acc, base, start, *n);
  return tile;
}

static void arg_blocks(void *arg, int64_t begin, int64_t end, int slot) {
  const struct arg_job *j = arg;
  MXI_TILE(tile);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t n;
    const void *x = row_block(j, tile, i / j->blocks, i % j->blocks, &n);
    j->fold->rows(j->partials + (size_t)i * j->acc, x, 0, 1, n);
  }
}

static void arg_rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct arg_job *j = arg;
  MXI_TILE(tile);
  (void)slot;
  for (int64_t k = begin; k < end; k++) {
    uint64_t best = 0, extreme = 0;
    uint32_t block = 0;
    int64_t n;
    const void *x = NULL;
    for (int64_t b = 0; b < j->blocks; b++) {
      if (j->partials) {
        memcpy(&extreme, j->partials + (size_t)(k * j->blocks + b) * j->acc, j->acc);
      } else {
        x = row_block(j, tile, k, b, &n);
        j->fold->rows(&extreme, x, 0, 1, n);
      }
      if (b == 0) best = extreme;
      j->best->update(&best, &block, &extreme, (uint32_t)b, 1);
    }
    if (j->blocks > 1 || j->partials) x = row_block(j, tile, k, block, &n);
    j->out[k] = (uint32_t)((int64_t)block * MXI_ROW_BLOCK + j->best->find(x, &best, n));
  }
}

static void arg_columns(void *arg, int64_t begin, int64_t end, int slot) {
  const struct arg_job *j = arg;
  const struct mxi_nest *nest = j->nest;
  int64_t inner = nest->inner.size, stretches = (inner + COLUMNS - 1) / COLUMNS;
  bool in_place = j->is_plain && mxi_group_is_dense(&nest->inner);
  MXI_TILE(tile);
  char *best = tile, *row = tile + COLUMNS * 8;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t c = i % stretches * COLUMNS, o = i / stretches, n = inner - c < COLUMNS ? inner - c : COLUMNS;
    const char *base = j->src + mxi_group_offset(&nest->outer, o) * (int64_t)j->item;
    uint32_t *index = j->out + o * inner + c;
    mxi_group_load(&nest->inner, j->load, j->item, best, j->acc, base, c, n);
    memset(index, 0, (size_t)n * sizeof *index);
    for (int64_t r = 1; r < nest->axis.size; r++) {
      const char *at = base + mxi_group_offset(&nest->axis, r) * (int64_t)j->item;
      if (!in_place) mxi_group_load(&nest->inner, j->load, j->item, row, j->acc, at, c, n);
      j->best->update(best, index, in_place ? at + c * (int64_t)j->item : row, (uint32_t)r, n);
    }
  }
}

/* Where neighbours in memory belong to different rows, rows are columns: the run of outer that is dense goes inside. */
static void prefer_columns(struct mxi_nest *nest) {
  struct mxi_group *outer = &nest->outer;
  if (nest->inner.size != 1 || nest->axis.ndim != 1 || nest->axis.stride[0] == 1) return;
  if (!outer->ndim || outer->stride[0] != 1 || outer->shape[0] < FEW_COLUMNS) return;
  nest->inner = (struct mxi_group){.size = outer->shape[0], .ndim = 1};
  nest->inner.shape[0] = outer->shape[0];
  nest->inner.stride[0] = 1;
  outer->size /= outer->shape[0];
  outer->ndim--;
  memmove(outer->shape, outer->shape + 1, (size_t)outer->ndim * sizeof *outer->shape);
  memmove(outer->stride, outer->stride + 1, (size_t)outer->ndim * sizeof *outer->stride);
}

static mx_status arg_run(struct mx_task *task, enum mxi_fold op) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  mx_dtype from = (mx_dtype)in->dtype;
  enum mxi_acc acc = (enum mxi_acc)mxi_acc_of[from];
  const struct mxi_reduce_kernels *kernels = mxi_reduce_kernels();
  if (out->size == 0) return MX_OK;
  struct mxi_nest nest;
  mxi_nest_split(&nest, in->ndim, in->shape, in->strides, 1ull << ((const struct mxi_params_axis *)task->params)->axis);
  if (nest.axis.size == 1) {
    memset(out->data, 0, (size_t)out->size * sizeof(uint32_t));
    return MX_OK;
  }
  if (nest.axis.size > UINT32_MAX) return mx_task_fail(task, MX_ERR_VALUE, "the axis is too long for uint32");
  prefer_columns(&nest);
  struct arg_job j = {.fold = &kernels->folds[op][acc], .best = &kernels->best[op == MXI_FOLD_MIN][acc]};
  j.load = mxi_reduce_convert_kernels()->load[from][acc];
  j.is_plain = mxi_acc_is_stored(from);
  j.item = mxi_itemsize(from);
  j.acc = mxi_acc_sizes[acc];
  j.src = in->data;
  j.out = (uint32_t *)(void *)out->data;
  j.nest = &nest;
  int64_t axis = nest.axis.size, inner = nest.inner.size, rows = nest.outer.size * inner;
  j.blocks = (axis + MXI_ROW_BLOCK - 1) / MXI_ROW_BLOCK;
  if (inner >= FEW_COLUMNS) {
    int64_t stretches = (inner + COLUMNS - 1) / COLUMNS;
    mxi_reduce_parallel(nest.outer.size * stretches, axis * (inner < COLUMNS ? inner : COLUMNS), arg_columns, &j);
    return MX_OK;
  }
  if (j.blocks > 1 && rows < FEW_ROWS) {
    j.partials = task->scratch;
    mxi_reduce_parallel(rows * j.blocks, MXI_ROW_BLOCK, arg_blocks, &j);
  }
  mxi_reduce_parallel(rows, axis, arg_rows, &j);
  return MX_OK;
}

size_t mxi_cpu_argmax_scratch(const struct mx_task *task) {
  const struct mx_view *in = &task->in[0];
  if (in->size == 0) return 0;
  int64_t axis = in->shape[((const struct mxi_params_axis *)task->params)->axis], rows = in->size / axis;
  if (axis <= MXI_ROW_BLOCK || rows >= FEW_ROWS) return 0;
  return (size_t)(rows * ((axis + MXI_ROW_BLOCK - 1) / MXI_ROW_BLOCK)) * mxi_acc_sizes[mxi_acc_of[in->dtype]];
}

mx_status mxi_cpu_argmax(struct mx_task *task) { return arg_run(task, MXI_FOLD_MAX); }
mx_status mxi_cpu_argmin(struct mx_task *task) { return arg_run(task, MXI_FOLD_MIN); }

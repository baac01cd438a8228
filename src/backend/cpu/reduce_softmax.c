/* softmax and logsumexp: m = max x, e = exp(x - m), s = sum e by the tree of the axis; then e * (1 / s), or m + log s.
 * Rows go through the cache block by block; columns are taken side by side. Start at softmax_run. */
#include <string.h>

#include "backend/cpu/reduce.h"
#include "backend/cpu/reduce_nest.h"

#define FEW_COLUMNS 16
#define ROW_PARTIALS 256 /* blocks of a row whose sums one thread keeps on its stack */

struct softmax_job {
  const struct mxi_fold_kernels *max, *sum;
  const struct mxi_reduce_exp_kernels *exp;
  mxi_load_fn load;
  mxi_store_fn store;
  size_t item, acc;
  bool is_plain, in_place; /* elements are accumulators; and results can be written where they belong */
  bool log;
  int64_t blocks, lanes;
  const char *src;
  char *dst;
  const struct mxi_nest *in, *out;
  /* one long row, shared by threads */
  int64_t row;
  char *partials;
  uint64_t m, scale;
};

static int64_t row_block_size(const struct softmax_job *j, int64_t b) {
  int64_t left = j->in->axis.size - b * MXI_ROW_BLOCK;
  return left < MXI_ROW_BLOCK ? left : MXI_ROW_BLOCK;
}

static const void *row_block(const struct softmax_job *j, void *tile, int64_t k, int64_t b, int64_t n) {
  const char *base = j->src + mxi_group_offset(&j->in->outer, k) * (int64_t)j->item;
  int64_t start = b * MXI_ROW_BLOCK;
  if (j->is_plain && mxi_group_is_dense(&j->in->axis)) return base + start * (int64_t)j->item;
  mxi_group_load(&j->in->axis, j->load, j->item, tile, j->acc, base, start, n);
  return tile;
}

static char *out_row(const struct softmax_job *j, int64_t k) {
  return j->dst + mxi_group_offset(&j->out->outer, k) * (int64_t)j->item;
}

static void block_max(const struct softmax_job *j, int64_t k, int64_t b, void *max) {
  MXI_TILE(tile);
  int64_t n = row_block_size(j, b);
  j->max->rows(max, row_block(j, tile, k, b, n), 0, 1, n);
}

/* e, kept in the output where that holds accumulators, and its sum. Row `next` is fetched meanwhile, or none: -1. */
static void block_sum(const struct softmax_job *j, int64_t k, int64_t b, const void *m, void *sum, int64_t next) {
  MXI_TILE(tile);
  _Alignas(64) char lanes[MXI_LANES_NBYTES];
  int64_t n = row_block_size(j, b), live = n < j->lanes ? n : j->lanes;
  const void *x = row_block(j, tile, k, b, n), *ahead = next >= 0 && x != tile ? row_block(j, tile, next, b, n) : NULL;
  void *e = j->in_place && !j->log ? out_row(j, k) + b * MXI_ROW_BLOCK * (int64_t)j->item : NULL;
  j->exp->exp_lanes(lanes, e, x, m, n, ahead);
  j->sum->rows(sum, lanes, 0, 1, live);
}

static void block_scale(const struct softmax_job *j, int64_t k, int64_t b, const void *m, const void *scale) {
  MXI_TILE(tile);
  int64_t n = row_block_size(j, b);
  if (j->in_place) {
    j->exp->scale(out_row(j, k) + b * MXI_ROW_BLOCK * (int64_t)j->item, scale, 0, n);
    return;
  }
  j->exp->exp_minus(tile, row_block(j, tile, k, b, n), m, 0, n);
  j->exp->scale(tile, scale, 0, n);
  mxi_group_store(&j->out->axis, j->store, j->item, out_row(j, k), tile, j->acc, b * MXI_ROW_BLOCK, n);
}

/* The row tree over `count` accumulators, which it overwrites. */
static void row_tree(const struct mxi_fold_kernels *fold, size_t acc, char *x, int64_t count, void *result) {
  while (count > MXI_ROW_BLOCK) {
    int64_t blocks = (count + MXI_ROW_BLOCK - 1) / MXI_ROW_BLOCK;
    for (int64_t b = 0; b < blocks; b++) {
      int64_t n = count - b * MXI_ROW_BLOCK;
      fold->rows(x + (size_t)b * acc, x + (size_t)(b * MXI_ROW_BLOCK) * acc, 0, 1, n < MXI_ROW_BLOCK ? n : MXI_ROW_BLOCK);
    }
    count = blocks;
  }
  uint64_t r;
  fold->rows(&r, x, 0, 1, count);
  memcpy(result, &r, acc);
}

static void log_row(const struct softmax_job *j, int64_t k, const void *m, const void *sum) {
  uint64_t y;
  j->exp->log_plus(&y, m, sum, 1);
  j->store(j->dst + k * (int64_t)j->item, 1, &y, 1);
}

static void softmax_rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct softmax_job *j = arg;
  uint64_t partials[ROW_PARTIALS], m, sum;
  (void)slot;
  for (int64_t k = begin; k < end; k++) {
    for (int64_t b = 0; b < j->blocks; b++) block_max(j, k, b, (char *)partials + (size_t)b * j->acc);
    row_tree(j->max, j->acc, (char *)partials, j->blocks, &m);
    j->exp->center(&m, 1);
    for (int64_t b = 0; b < j->blocks; b++) block_sum(j, k, b, &m, (char *)partials + (size_t)b * j->acc, k + 1 < end ? k + 1 : -1);
    row_tree(j->sum, j->acc, (char *)partials, j->blocks, &sum);
    if (j->log) {
      log_row(j, k, &m, &sum);
      continue;
    }
    j->exp->invert(&sum, 1);
    for (int64_t b = 0; b < j->blocks; b++) block_scale(j, k, b, &m, &sum);
  }
}

static void shared_max(void *arg, int64_t begin, int64_t end, int slot) {
  struct softmax_job *j = arg;
  (void)slot;
  for (int64_t b = begin; b < end; b++) block_max(j, j->row, b, j->partials + (size_t)b * j->acc);
}

static void shared_sum(void *arg, int64_t begin, int64_t end, int slot) {
  struct softmax_job *j = arg;
  (void)slot;
  for (int64_t b = begin; b < end; b++) block_sum(j, j->row, b, &j->m, j->partials + (size_t)b * j->acc, -1);
}

static void shared_scale(void *arg, int64_t begin, int64_t end, int slot) {
  struct softmax_job *j = arg;
  (void)slot;
  for (int64_t b = begin; b < end; b++) block_scale(j, j->row, b, &j->m, &j->scale);
}

/* Few long rows: one after the other, each shared by all threads. */
static void softmax_long_rows(struct softmax_job *j, int64_t rows) {
  for (j->row = 0; j->row < rows; j->row++) {
    mxi_reduce_parallel(j->blocks, MXI_ROW_BLOCK, shared_max, j);
    row_tree(j->max, j->acc, j->partials, j->blocks, &j->m);
    j->exp->center(&j->m, 1);
    mxi_reduce_parallel(j->blocks, MXI_ROW_BLOCK, shared_sum, j);
    row_tree(j->sum, j->acc, j->partials, j->blocks, &j->scale);
    if (j->log) {
      log_row(j, j->row, &j->m, &j->scale);
      continue;
    }
    j->exp->invert(&j->scale, 1);
    mxi_reduce_parallel(j->blocks, MXI_ROW_BLOCK, shared_scale, j);
  }
}

/* ---- Columns ----------------------------------------------------------------------------------------------------- */
#define STRETCH 512 /* columns that are taken side by side: narrower ones do not stream, and alias in the caches */
#define LEVELS 7    /* of the column tree: 256 ** 7 rows */

#define GROUP 8     /* lines that are computed before they are added up */

/* One stretch: lines of n accumulators. sums[l] holds the sum so far at level l of the tree, of counts[l] lines. */
struct stretch {
  int64_t n, c, counts[LEVELS];
  const char *base;
  char *m, *x, *e, *sums[LEVELS];
};

static const void *column_row(const struct softmax_job *j, const struct stretch *s, int64_t r) {
  const char *at = s->base + mxi_group_offset(&j->in->axis, r) * (int64_t)j->item;
  if (j->is_plain && mxi_group_is_dense(&j->in->inner)) return at + s->c * (int64_t)j->item;
  mxi_group_load(&j->in->inner, j->load, j->item, s->x, j->acc, at, s->c, s->n);
  return s->x;
}

/* Adds lines to the column tree: 256 lines of a level make one of the next. `count` divides 256, but at the end. */
static void tree_add(const struct softmax_job *j, struct stretch *s, const char *lines, int64_t pitch, int64_t count,
                     int level) {
  if (s->counts[level] == MXI_COLUMN_BLOCK) {
    tree_add(j, s, s->sums[level], 0, 1, level + 1);
    s->counts[level] = 0;
  }
  int64_t first = s->counts[level] == 0;
  if (first) memcpy(s->sums[level], lines, (size_t)s->n * j->acc);
  if (count > first) j->sum->cols(s->sums[level], lines + first * pitch * (int64_t)j->acc, pitch, count - first, s->n);
  s->counts[level] += count;
}

/* Closes the levels from the lowest up; the sum is the highest one. */
static char *tree_end(const struct softmax_job *j, struct stretch *s) {
  int level = 0;
  while (level + 1 < LEVELS && s->counts[level + 1]) {
    tree_add(j, s, s->sums[level], 0, 1, level + 1);
    level++;
  }
  return s->sums[level];
}

static void stretch_max(const struct softmax_job *j, struct stretch *s) {
  int64_t rows = j->in->axis.size;
  const char *x = column_row(j, s, 0);
  memcpy(s->m, x, (size_t)s->n * j->acc);
  if (x != s->x && j->in->axis.ndim <= 1) {
    int64_t pitch = mxi_group_stride(&j->in->axis);
    if (rows > 1) j->max->cols(s->m, x + pitch * (int64_t)j->item, pitch, rows - 1, s->n);
  } else {
    for (int64_t r = 1; r < rows; r++) j->max->cols(s->m, column_row(j, s, r), 0, 1, s->n);
  }
  j->exp->center(s->m, s->n);
}

static void softmax_stretch(const struct softmax_job *j, struct stretch *s, char *out) {
  int64_t rows = j->in->axis.size, line = j->in->inner.size * (int64_t)j->item;
  bool keep = j->in_place && !j->log;
  stretch_max(j, s);
  memset(s->counts, 0, sizeof s->counts);
  for (int64_t r = 0, count; r < rows; r += count) {
    count = rows - r < GROUP ? rows - r : GROUP;
    char *e = keep ? out + r * line : s->e;
    int64_t pitch = keep ? j->in->inner.size : s->n;
    for (int64_t k = 0; k < count; k++)
      j->exp->exp_minus(e + k * pitch * (int64_t)j->acc, column_row(j, s, r + k), s->m, 1, s->n);
    tree_add(j, s, e, pitch, count, 0);
  }
  char *sum = tree_end(j, s);
  if (j->log) {
    j->exp->log_plus(s->e, s->m, sum, s->n);
    j->store(out, 1, s->e, s->n);
    return;
  }
  j->exp->invert(sum, s->n);
  for (int64_t r = 0; r < rows; r++, out += line) {
    if (keep) {
      j->exp->scale(out, sum, 1, s->n);
      continue;
    }
    j->exp->exp_minus(s->e, column_row(j, s, r), s->m, 1, s->n);
    j->exp->scale(s->e, sum, 1, s->n);
    j->store(out, 1, s->e, s->n);
  }
}

static void softmax_columns(void *arg, int64_t begin, int64_t end, int slot) {
  const struct softmax_job *j = arg;
  int64_t inner = j->in->inner.size, stretches = (inner + STRETCH - 1) / STRETCH;
  _Alignas(64) char lines[2 + LEVELS + GROUP][STRETCH * 8];
  struct stretch s = {.m = lines[0], .x = lines[1], .e = lines[2 + LEVELS]};
  (void)slot;
  for (int l = 0; l < LEVELS; l++) s.sums[l] = lines[2 + l];
  for (int64_t i = begin; i < end; i++) {
    int64_t o = i / stretches, rows = j->log ? 1 : j->in->axis.size;
    s.c = i % stretches * STRETCH;
    s.n = inner - s.c < STRETCH ? inner - s.c : STRETCH;
    s.base = j->src + mxi_group_offset(&j->in->outer, o) * (int64_t)j->item;
    softmax_stretch(j, &s, j->dst + (o * rows * inner + s.c) * (int64_t)j->item);
  }
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */
/* Whether the axes are one run with columns after it; `nest` is then split that way, else all kept axes are outer. */
static bool nest_for(struct mxi_nest *nest, const struct mx_view *v, const int64_t *shape, uint64_t mask) {
  uint64_t live = 0;
  for (int i = 0; i < v->ndim; i++) live |= (uint64_t)(shape[i] != 1) << i;
  int ndim = v->ndim, runs = 0, was = 0;
  for (int i = 0; i < ndim; i++) {
    if (!(live >> i & 1)) continue;
    int is = (int)(mask >> i & 1);
    runs += is && !was;
    was = is;
  }
  mxi_nest_split(nest, ndim, shape, v->strides, mask & live);
  if (runs == 1 && nest->inner.size >= FEW_COLUMNS) return true;
  mxi_nest_gather(nest, ndim, shape, v->strides, mask & live);
  return false;
}

static mx_status softmax_run(struct mx_task *task, uint64_t mask, bool log) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  mx_dtype t = (mx_dtype)in->dtype;
  enum mxi_acc acc = (enum mxi_acc)mxi_acc_of[t];
  struct mxi_nest from, to;
  struct softmax_job j = {.exp = &mxi_reduce_exp_table()->of[acc], .log = log};
  if (!j.exp->scale) return mx_task_fail(task, MX_ERR_DTYPE, "not for %s", mxi_dtype_names[t]);
  if (in->size == 0 || out->size == 0) return MX_OK;
  j.max = &mxi_reduce_kernels()->folds[MXI_FOLD_MAX][acc];
  j.sum = &mxi_reduce_kernels()->folds[MXI_FOLD_SUM][acc];
  j.load = mxi_reduce_convert_kernels()->load[t][acc];
  j.store = mxi_reduce_convert_kernels()->store[t];
  j.item = mxi_itemsize(t);
  j.acc = mxi_acc_sizes[acc];
  j.lanes = mxi_acc_lanes[acc];
  j.is_plain = mxi_acc_is_stored(t);
  j.src = in->data;
  j.dst = out->data;
  j.partials = task->scratch;
  j.in = &from;
  j.out = &to;
  bool by_columns = nest_for(&from, in, in->shape, mask);
  nest_for(&to, out, in->shape, mask);
  j.in_place = j.is_plain && (by_columns || mxi_group_is_dense(&to.axis));
  int64_t axis = from.axis.size;
  j.blocks = (axis + MXI_ROW_BLOCK - 1) / MXI_ROW_BLOCK;
  if (by_columns) {
    int64_t inner = from.inner.size, stretches = (inner + STRETCH - 1) / STRETCH;
    mxi_reduce_parallel(from.outer.size * stretches, axis * (inner < STRETCH ? inner : STRETCH), softmax_columns, &j);
  } else if (j.partials) {
    softmax_long_rows(&j, from.outer.size);
  } else {
    mxi_reduce_parallel(from.outer.size, axis, softmax_rows, &j);
  }
  return MX_OK;
}

mx_status mxi_cpu_logsumexp(struct mx_task *task) {
  return softmax_run(task, ((const struct mxi_params_axes *)task->params)->mask, true);
}

mx_status mxi_cpu_softmax(struct mx_task *task) {
  return softmax_run(task, ((const struct mxi_params_softmax *)task->params)->mask, false);
}

/* Sums of the blocks of one row, where rows are long and few, or longer than a stack takes. The mask comes first in
 * both parameter structs. */
size_t mxi_cpu_softmax_scratch(const struct mx_task *task) {
  const struct mx_view *in = &task->in[0];
  uint64_t mask = ((const struct mxi_params_axes *)task->params)->mask;
  struct mxi_nest nest;
  if (in->size == 0 || nest_for(&nest, in, in->shape, mask)) return 0;
  int64_t blocks = (nest.axis.size + MXI_ROW_BLOCK - 1) / MXI_ROW_BLOCK;
  if (blocks <= 1 || (blocks <= ROW_PARTIALS && nest.outer.size >= 8)) return 0;
  return (size_t)blocks * mxi_acc_sizes[mxi_acc_of[in->dtype]];
}

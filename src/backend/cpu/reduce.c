/* sum, prod, max, min, all, any. A reduction is a sequence of steps; each takes the last run of reduced axes of what is
 * left, as [outer, axis, inner], and makes [outer, blocks, inner] of it, by the row tree where inner is small and by the
 * column tree elsewhere. Halves are float32 until the end. Start at fold. */
#include "backend/cpu/reduce.h"

#include <string.h>

#include "backend/cpu/reduce_step.h"

#define STRIP 128      /* rows that a strip reduces side by side */
#define COLUMNS 1024   /* columns that are accumulated at a time */
#define TURNED 16      /* columns of a tile that is filled column by column */

/* What is left to reduce, and how the next step does it. */
struct walk {
  int32_t ndim;
  uint64_t mask, rest; /* reduced axes; those left after the next step, if it makes one block */
  const int64_t *shape, *strides;
  struct mxi_nest nest;
  int64_t blocks, out_size;
  bool by_rows;
  int64_t own_shape[MXI_MAX_NDIM], own_strides[MXI_MAX_NDIM];
};

static void walk_split(struct walk *w) {
  for (int i = 0; i < w->ndim; i++)
    if (w->shape[i] == 1) w->mask &= ~(1ull << i);
  mxi_nest_split(&w->nest, w->ndim, w->shape, w->strides, w->mask);
  w->by_rows = w->nest.inner.size < MXI_FEW_COLUMNS;
  int64_t block = w->by_rows ? MXI_ROW_BLOCK : MXI_COLUMN_BLOCK;
  w->blocks = (w->nest.axis.size + block - 1) / block;
  w->out_size = w->nest.outer.size * w->blocks * w->nest.inner.size;
  w->rest = w->mask;
  int i = w->ndim - 1;
  while (i >= 0 && !(w->mask >> i & 1)) i--;
  for (; i >= 0 && (w->mask >> i & 1 || w->shape[i] == 1); i--) w->rest &= ~(1ull << i);
}

static bool walk_is_last(const struct walk *w) { return w->blocks == 1 && !w->rest; }

/* From now on the array is what the step made: dense, with the axes just reduced merged into their last one. */
static void walk_next(struct walk *w) {
  uint64_t done = w->mask & ~w->rest;
  int last = done ? 63 - __builtin_clzll(done) : -1;
  int64_t stride = 1;
  for (int i = w->ndim - 1; i >= 0; i--) {
    w->own_shape[i] = i == last ? w->blocks : done >> i & 1 ? 1 : w->shape[i];
    w->own_strides[i] = stride;
    stride *= w->own_shape[i];
  }
  w->shape = w->own_shape;
  w->strides = w->own_strides;
  w->mask = w->rest | (w->blocks > 1 ? 1ull << last : 0);
}

static const char *element(const struct mxi_reduce_step *s, int64_t offset) { return s->src + offset * (int64_t)s->item; }

/* Rows in place, one after the other. */
static void rows_direct(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  int64_t n = s->nest->axis.size, pitch = mxi_group_stride(&s->nest->outer);
  (void)slot;
  if (s->blocks == 1) {
    s->fold->rows(s->dst + begin * (int64_t)s->acc, element(s, begin * pitch), pitch, end - begin, n);
    return;
  }
  for (int64_t i = begin; i < end; i++) {
    int64_t b = i % s->blocks;
    s->fold->rows(s->dst + i * (int64_t)s->acc, element(s, i / s->blocks * pitch + b * MXI_ROW_BLOCK), 0, 1,
                  mxi_block_size(n, MXI_ROW_BLOCK, b));
  }
}

/* Rows of any layout, through a tile. */
static void rows_gathered(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  const struct mxi_nest *nest = s->nest;
  MXI_TILE(tile);
  bool in_place = s->is_plain && mxi_group_is_dense(&nest->axis);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t column = i % nest->inner.size, b = i / nest->inner.size % s->blocks, o = i / nest->inner.size / s->blocks;
    const char *base = element(s, mxi_group_offset(&nest->outer, o) + mxi_group_offset(&nest->inner, column));
    int64_t start = b * MXI_ROW_BLOCK, n = mxi_block_size(nest->axis.size, MXI_ROW_BLOCK, b);
    if (!in_place) mxi_group_load(&nest->axis, s->load, s->item, tile, s->acc, base, start, n);
    s->fold->rows(s->dst + i * (int64_t)s->acc, in_place ? base + start * (int64_t)s->item : tile, 0, 1, n);
  }
}

/* The lanes of `width` rows side by side, where neighbours in memory belong to different rows:
 * lanes[l][w] = x[w][l], x[w][lanes + l], ... folded in order. */
static int64_t strip_fill(const struct mxi_reduce_step *s, char *lanes, const char *x, int64_t n, int64_t width) {
  int64_t stride = s->nest->axis.stride[0], live = n < s->lanes ? n : s->lanes;
  size_t line = (size_t)width * s->acc;
  MXI_TILE(tile);
  for (int64_t l = 0; l < live; l++)
    s->load(lanes + (size_t)l * line, x + l * stride * (int64_t)s->item, 1, width);
  for (int64_t r = live; r < n; r += 4 * s->lanes) {
    int64_t rows = n - r < 4 * s->lanes ? n - r : 4 * s->lanes;
    const char *p = x + r * stride * (int64_t)s->item;
    for (int64_t l = 0; s->is_plain && l < s->lanes && l < rows; l++, p += stride * (int64_t)s->item)
      s->fold->cols(lanes + (size_t)l * line, p, s->lanes * stride, (rows - l + s->lanes - 1) / s->lanes, width);
    for (int64_t k = 0; !s->is_plain && k < rows; k += s->lanes) {
      int64_t count = rows - k < s->lanes ? rows - k : s->lanes;
      for (int64_t l = 0; l < count; l++, p += stride * (int64_t)s->item)
        s->load(tile + (size_t)l * line, p, 1, width);
      s->fold->cols(lanes, tile, 0, 1, count * width);
    }
  }
  return live;
}

/* Rows side by side: the same tree, each instruction working on many rows. */
static void rows_strips(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  const struct mxi_group *outer = &s->nest->outer;
  int64_t run = outer->shape[0], strips = (run + STRIP - 1) / STRIP;
  MXI_TILE(lanes);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t b = i % s->blocks, strip = i / s->blocks % strips, o = i / s->blocks / strips * run + strip * STRIP;
    int64_t width = mxi_block_size(run, STRIP, strip), n = mxi_block_size(s->nest->axis.size, MXI_ROW_BLOCK, b);
    const char *x = element(s, mxi_group_offset(outer, o) + b * MXI_ROW_BLOCK * s->nest->axis.stride[0]);
    int64_t live = strip_fill(s, lanes, x, n, width);
    for (int64_t h = s->lanes / 2; h > 0; h /= 2) {
      if (h >= live) continue;
      int64_t upper = live - h;
      s->fold->cols(lanes, lanes + (size_t)(h * width) * s->acc, 0, 1, upper * width);
      live = h;
    }
    for (int64_t w = 0; w < width; w++)
      memcpy(s->dst + (size_t)((o + w) * s->blocks + b) * s->acc, lanes + (size_t)w * s->acc, s->acc);
  }
}

/* Rows [first, first + rows) of columns [c, c + n), any layout: through tiles of rows. */
static void columns_gathered(const struct mxi_reduce_step *s, const char *base, int64_t first, int64_t rows, int64_t c, int64_t n,
                             char *acc) {
  const struct mxi_nest *nest = s->nest;
  int64_t width = mxi_group_is_dense(&nest->inner) ? 512 : 64;
  MXI_TILE(tile);
  for (int64_t at = 0, m; at < n; at += m, acc += (size_t)m * s->acc) {
    m = n - at < width ? n - at : width;
    for (int64_t r = 0, count; r < rows; r += count) {
      count = r == 0 ? 1 : rows - r < MXI_TILE_ITEMS / m ? rows - r : MXI_TILE_ITEMS / m;
      if (count > 64) count = 64;
      for (int64_t k = 0; k < count; k++)
        mxi_group_load(&nest->inner, s->load, s->item, r ? tile + (size_t)(k * m) * s->acc : acc, s->acc,
                       base + mxi_group_offset(&nest->axis, first + r + k) * (int64_t)s->item, c + at, m);
      if (r) s->fold->cols(acc, tile, m, count, m);
    }
  }
}

/* The same where neighbours in memory belong to one column: a tile is filled column by column. */
static void columns_turned(const struct mxi_reduce_step *s, const char *base, int64_t first, int64_t rows, int64_t c, int64_t n,
                           char *acc) {
  const struct mxi_nest *nest = s->nest;
  _Alignas(64) char tile[MXI_COLUMN_BLOCK * TURNED * 8], column[MXI_COLUMN_BLOCK * 8];
  for (int64_t at = 0, m; at < n; at += m, acc += (size_t)m * s->acc) {
    m = n - at < TURNED ? n - at : TURNED;
    for (int64_t k = 0; k < m; k++) {
      const char *x = base + (mxi_group_offset(&nest->inner, c + at + k) + first) * (int64_t)s->item;
      if (!s->is_plain) s->load(column, x, 1, rows);
      s->scatter(tile + (size_t)k * s->acc, m, s->is_plain ? x : column, rows);
    }
    memcpy(acc, tile, (size_t)m * s->acc);
    if (rows > 1) s->fold->cols(acc, tile + (size_t)m * s->acc, m, rows - 1, m);
  }
}

/* Columns: blocks of rows added up in order, a stretch of columns at a time. */
static void columns(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mxi_reduce_step *s = arg;
  const struct mxi_nest *nest = s->nest;
  int64_t inner = nest->inner.size, stretches = (inner + COLUMNS - 1) / COLUMNS;
  int64_t pitch = nest->axis.ndim == 1 ? nest->axis.stride[0] : 0;
  bool in_place = s->is_plain && nest->axis.ndim <= 1 && mxi_group_is_dense(&nest->inner);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t c = i % stretches * COLUMNS, b = i / stretches % s->blocks, o = i / stretches / s->blocks;
    int64_t n = mxi_block_size(inner, COLUMNS, i % stretches), first = b * MXI_COLUMN_BLOCK;
    int64_t rows = mxi_block_size(nest->axis.size, MXI_COLUMN_BLOCK, b);
    char *acc = s->dst + (size_t)((o * s->blocks + b) * inner + c) * s->acc;
    const char *base = element(s, mxi_group_offset(&nest->outer, o));
    if (in_place) {
      const char *x = base + (first * pitch + c) * (int64_t)s->item;
      memcpy(acc, x, (size_t)n * s->acc);
      if (rows > 1) s->fold->cols(acc, x + pitch * (int64_t)s->item, pitch, rows - 1, n);
    } else if (pitch == 1) {
      columns_turned(s, base, first, rows, c, n, acc);
    } else {
      columns_gathered(s, base, first, rows, c, n, acc);
    }
  }
}

static void run_step(struct mxi_reduce_step *s, bool by_rows) {
  const struct mxi_nest *nest = s->nest;
  int64_t outer = nest->outer.size, axis = nest->axis.size, inner = nest->inner.size;
  if (s->chain) {
    mxi_reduce_chain(s, by_rows);
    return;
  }
  if (!by_rows) {
    int64_t stretches = (inner + COLUMNS - 1) / COLUMNS;
    int64_t rows = axis < MXI_COLUMN_BLOCK ? axis : MXI_COLUMN_BLOCK;
    mxi_reduce_parallel(outer * s->blocks * stretches, rows * (inner < COLUMNS ? inner : COLUMNS), columns, s);
    return;
  }
  int64_t block = axis < MXI_ROW_BLOCK ? axis : MXI_ROW_BLOCK;
  if (inner == 1 && nest->axis.ndim == 1 && nest->axis.stride[0] != 1 && nest->outer.ndim &&
      nest->outer.stride[0] == 1 && nest->outer.shape[0] >= 8) {
    int64_t run = nest->outer.shape[0], strips = (run + STRIP - 1) / STRIP;
    mxi_reduce_parallel(outer / run * strips * s->blocks, block * STRIP, rows_strips, s);
  } else if (inner == 1 && s->is_plain && mxi_group_is_dense(&nest->axis) && nest->outer.ndim <= 1) {
    mxi_reduce_parallel(outer * s->blocks, block, rows_direct, s);
  } else {
    mxi_reduce_parallel(outer * s->blocks * inner, block, rows_gathered, s);
  }
}

/* The result of reducing nothing. */
static void fill_identity(const struct mx_view *out, const struct mxi_fold_kernels *fold, mxi_store_fn store) {
  MXI_TILE(tile) = {0};
  fold->rows(tile, tile, 0, 64, 0);
  size_t item = mxi_itemsize((mx_dtype)out->dtype);
  for (int64_t i = 0; i < out->size; i += 64)
    store(out->data + i * (int64_t)item, 1, tile, out->size - i < 64 ? out->size - i : 64);
}

/* truth: elements count as zero or not (all is min, any is max). chain: what computes the elements, or NULL. */
static mx_status fold(struct mx_task *task, enum mxi_fold op, bool truth, const struct ew_frame *chain) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  const struct mxi_reduce_convert_kernels *convert = mxi_reduce_convert_kernels();
  mx_dtype from = (mx_dtype)in->dtype, to = (mx_dtype)out->dtype;
  enum mxi_acc acc = mxi_reduce_acc(op, to);
  const struct mxi_fold_kernels *kernels = &mxi_reduce_kernels()->folds[op][acc];
  if (out->size == 0) return MX_OK;
  if (in->size == 0) {
    enum mxi_fold same = !truth ? op : op == MXI_FOLD_MIN ? MXI_FOLD_PROD : MXI_FOLD_SUM; /* one or zero, not 255 */
    fill_identity(out, &mxi_reduce_kernels()->folds[same][acc], convert->store[to]);
    return MX_OK;
  }
  struct mxi_reduce_step s = {.fold = kernels, .item = mxi_itemsize(from), .acc = mxi_acc_sizes[acc], .src = in->data,
                              .chain = chain};
  s.load = truth ? convert->truth[from] : convert->load[from][acc];
  if (!s.load || !kernels->rows)
    return mx_task_fail(task, MX_ERR_DTYPE, "not for %s to %s", mxi_dtype_names[from], mxi_dtype_names[to]);
  s.scatter = convert->store[mxi_acc_dtypes[acc]];
  s.is_plain = from == to && mxi_acc_is_stored(from);
  s.lanes = mxi_acc_lanes[acc];
  struct walk w;
  w.ndim = in->ndim;
  w.mask = ((const struct mxi_params_axes *)task->params)->mask;
  w.shape = in->shape;
  w.strides = in->strides;
  char *spare[2] = {task->scratch, NULL};
  for (int i = 0;; i++) {
    walk_split(&w);
    bool last = walk_is_last(&w);
    if (i == 0 && !last) spare[1] = spare[0] + (size_t)w.out_size * s.acc;
    s.dst = last && mxi_acc_is_stored(to) ? out->data : spare[i & 1];
    s.blocks = w.blocks;
    s.nest = &w.nest;
    run_step(&s, w.by_rows);
    if (last) break;
    walk_next(&w);
    s.src = s.dst;
    s.load = convert->load[mxi_acc_dtypes[acc]][acc];
    s.item = s.acc;
    s.is_plain = true;
    s.chain = NULL;
  }
  if (!mxi_acc_is_stored(to)) convert->store[to](out->data, 1, s.dst, out->size);
  return MX_OK;
}

size_t mxi_cpu_sum_scratch(const struct mx_task *task) {
  const struct mx_view *in = &task->in[0];
  mx_dtype to = (mx_dtype)task->out[0].dtype;
  size_t acc = mxi_acc_sizes[mxi_acc_of[to]], total = 0;
  if (in->size == 0) return 0;
  struct walk w;
  w.ndim = in->ndim;
  w.mask = ((const struct mxi_params_axes *)task->params)->mask;
  w.shape = in->shape;
  w.strides = in->strides;
  for (int i = 0; i < 2; i++) {
    walk_split(&w);
    bool last = walk_is_last(&w);
    if (!last || !mxi_acc_is_stored(to)) total += (size_t)w.out_size * acc;
    if (last) break;
    walk_next(&w);
  }
  return total;
}

mx_status mxi_cpu_sum(struct mx_task *task) { return fold(task, MXI_FOLD_SUM, false, NULL); }
mx_status mxi_cpu_prod(struct mx_task *task) { return fold(task, MXI_FOLD_PROD, false, NULL); }
mx_status mxi_cpu_max(struct mx_task *task) { return fold(task, MXI_FOLD_MAX, false, NULL); }
mx_status mxi_cpu_min(struct mx_task *task) { return fold(task, MXI_FOLD_MIN, false, NULL); }
mx_status mxi_cpu_all(struct mx_task *task) { return fold(task, MXI_FOLD_MIN, true, NULL); }
mx_status mxi_cpu_any(struct mx_task *task) { return fold(task, MXI_FOLD_MAX, true, NULL); }

mx_status mxi_cpu_reduce(int op, struct mx_task *task, const struct mx_cluster *chain, const void *const *in, void *const *out) {
  struct ew_frame frame;
  mxi_ew_bind(&frame, chain, in, out);
  switch (op) {
    case MXI_OP_sum: return fold(task, MXI_FOLD_SUM, false, &frame);
    case MXI_OP_prod: return fold(task, MXI_FOLD_PROD, false, &frame);
    case MXI_OP_max: return fold(task, MXI_FOLD_MAX, false, &frame);
    case MXI_OP_min: return fold(task, MXI_FOLD_MIN, false, &frame);
    default: return fold(task, op == MXI_OP_all ? MXI_FOLD_MIN : MXI_FOLD_MAX, true, &frame);
  }
}

/* cumsum, cumprod, cummax, cummin, logcumsumexp: from one end of the axis to the other, in order. Threads share rows or
 * columns, never one row; halves are accumulated in float32 and each result is rounded. */
#include <string.h>

#include "backend/cpu/reduce.h"
#include "backend/cpu/reduce_nest.h"

#define FEW_COLUMNS 16
#define COLUMNS 512

struct scan_job {
  void (*scan)(void *y, const void *x, int64_t step, int64_t n, void *carry);
  void (*combine)(void *y, const void *a, const void *x, int64_t n);
  mxi_load_fn load;
  mxi_store_fn store;
  size_t item, acc;
  bool reverse, inclusive;
  const char *src;
  char *dst;
  const struct mxi_nest *nest;
  _Alignas(64) char identity[COLUMNS * 8]; /* what an exclusive scan starts with */
};

/* The n elements of one piece, in line + acc; line is the element that an exclusive scan has before them. */
static void scan_piece(const struct scan_job *j, char *line, int64_t n, char *carry, bool first) {
  char *x = line + j->acc;
  int64_t step = 1, skip = first ? 1 : 0;
  if (j->reverse) { /* here the element before the piece stands after it */
    x = line + (size_t)(n - 1) * j->acc;
    step = -1;
  }
  memcpy(x - step * (int64_t)j->acc, first ? j->identity : carry, j->acc);
  if (first) memcpy(carry, x, j->acc);
  x += skip * step * (int64_t)j->acc;
  j->scan(x, x, step, n - skip, carry);
}

static void scan_rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct scan_job *j = arg;
  const struct mxi_nest *nest = j->nest;
  int64_t inner = nest->inner.size, n = nest->axis.size, pieces = (n + MXI_TILE_ITEMS - 1) / MXI_TILE_ITEMS;
  _Alignas(64) char line[(MXI_TILE_ITEMS + 1) * 8];
  char carry[8];
  (void)slot;
  for (int64_t k = begin; k < end; k++) {
    int64_t offset = mxi_group_offset(&nest->outer, k / inner) + mxi_group_offset(&nest->inner, k % inner);
    const char *base = j->src + offset * (int64_t)j->item;
    char *out = j->dst + (k / inner * n * inner + k % inner) * (int64_t)j->item;
    for (int64_t p = 0; p < pieces; p++) {
      int64_t start = (j->reverse ? pieces - 1 - p : p) * MXI_TILE_ITEMS;
      int64_t m = n - start < MXI_TILE_ITEMS ? n - start : MXI_TILE_ITEMS;
      mxi_group_load(&nest->axis, j->load, j->item, line + (j->reverse ? 0 : j->acc), j->acc, base, start, m);
      scan_piece(j, line, m, carry, p == 0);
      j->store(out + start * inner * (int64_t)j->item, inner, line + (j->reverse != j->inclusive ? j->acc : 0), m);
    }
  }
}

static void scan_columns(void *arg, int64_t begin, int64_t end, int slot) {
  const struct scan_job *j = arg;
  const struct mxi_nest *nest = j->nest;
  int64_t inner = nest->inner.size, n = nest->axis.size, stretches = (inner + COLUMNS - 1) / COLUMNS;
  MXI_TILE(tile);
  char *sum = tile, *x = tile + COLUMNS * 8;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t c = i % stretches * COLUMNS, o = i / stretches, m = inner - c < COLUMNS ? inner - c : COLUMNS;
    const char *base = j->src + mxi_group_offset(&nest->outer, o) * (int64_t)j->item;
    for (int64_t k = 0; k < n; k++) {
      int64_t r = j->reverse ? n - 1 - k : k;
      const char *at = base + mxi_group_offset(&nest->axis, r) * (int64_t)j->item;
      char *out = j->dst + ((o * n + r) * inner + c) * (int64_t)j->item;
      if (!j->inclusive) j->store(out, 1, k ? sum : j->identity, m);
      mxi_group_load(&nest->inner, j->load, j->item, k ? x : sum, j->acc, at, c, m);
      if (k) j->combine(sum, sum, x, m);
      if (j->inclusive) j->store(out, 1, sum, m);
    }
  }
}

/* Fills `job->identity` and the functions for an operation on a dtype; false where there are none. */
static bool scan_choose(struct scan_job *j, enum mxi_fold op, bool log, mx_dtype t) {
  enum mxi_acc acc = mxi_reduce_acc(op, t);
  const struct mxi_reduce_exp_kernels *exp = &mxi_reduce_exp_table()->of[acc];
  const struct mxi_fold_kernels *fold = &mxi_reduce_kernels()->folds[op][acc];
  j->scan = log ? exp->scan : fold->scan;
  j->combine = log ? exp->combine : fold->combine;
  if (!j->scan) return false;
  j->acc = mxi_acc_sizes[acc];
  j->load = mxi_reduce_convert_kernels()->load[t][acc];
  j->store = mxi_reduce_convert_kernels()->store[t];
  if (t == MX_BOOL && op == MXI_FOLD_MIN) fold = &mxi_reduce_kernels()->folds[MXI_FOLD_PROD][acc]; /* one, not 255 */
  fold->rows(j->identity, j->identity, 0, COLUMNS, 0);
  if (log && t == MX_COMPLEX64) {
    mxi_c64 *c = (mxi_c64 *)(void *)j->identity;
    for (int i = 0; i < COLUMNS; i++) c[i].im = 0;
  }
  return true;
}

static mx_status scan_run(struct mx_task *task, enum mxi_fold op, bool log) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  const struct mxi_params_scan *params = task->params;
  struct mxi_nest nest;
  struct scan_job j;
  if (op == MXI_FOLD_PROD && in->dtype == MX_BOOL) op = MXI_FOLD_MIN;
  if (!scan_choose(&j, op, log, (mx_dtype)in->dtype))
    return mx_task_fail(task, MX_ERR_DTYPE, "not for %s", mxi_dtype_names[in->dtype]);
  if (out->size == 0) return MX_OK;
  mxi_nest_split(&nest, in->ndim, in->shape, in->strides, 1ull << params->axis);
  j.item = mxi_itemsize((mx_dtype)in->dtype);
  j.reverse = params->reverse;
  j.inclusive = params->inclusive;
  j.src = in->data;
  j.dst = out->data;
  j.nest = &nest;
  int64_t axis = nest.axis.size, inner = nest.inner.size;
  if (inner >= FEW_COLUMNS) {
    int64_t stretches = (inner + COLUMNS - 1) / COLUMNS;
    mxi_reduce_parallel(nest.outer.size * stretches, axis * (inner < COLUMNS ? inner : COLUMNS), scan_columns, &j);
  } else {
    mxi_reduce_parallel(nest.outer.size * inner, axis, scan_rows, &j);
  }
  return MX_OK;
}

mx_status mxi_cpu_cumsum(struct mx_task *task) { return scan_run(task, MXI_FOLD_SUM, false); }
mx_status mxi_cpu_cumprod(struct mx_task *task) { return scan_run(task, MXI_FOLD_PROD, false); }
mx_status mxi_cpu_cummax(struct mx_task *task) { return scan_run(task, MXI_FOLD_MAX, false); }
mx_status mxi_cpu_cummin(struct mx_task *task) { return scan_run(task, MXI_FOLD_MIN, false); }
mx_status mxi_cpu_logcumsumexp(struct mx_task *task) { return scan_run(task, MXI_FOLD_MAX, true); }

size_t mxi_cpu_cumsum_scratch(const struct mx_task *task) {
  (void)task;
  return 0;
}

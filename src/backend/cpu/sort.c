/* sort, argsort, partition, argpartition: a line of the array at a time, through keys. Lines are shared among a number
 * of lanes that depends on shapes alone, each with its own scratch; a few long lines are each sorted by all threads
 * (sort_wide.h). Start at sort_line. */
#include "backend/cpu/sort.h"

#include <string.h>

#include "backend/cpu/layout.h"
#include "backend/cpu/sort_wide.h"
#include "base/pool.h"
#include "core/params.h"

#define MAX_LANES 64
#define ITEM_SCRATCH 24 /* bytes an item: its key, a (key, index) pair, and as much again to sort into */

enum mode { VALUES = 1, SELECT = 2 }; /* results are values, not indices; only item kth needs its place */

struct sort_run {
  const struct mx_view *in, *out;
  char *scratch;
  int64_t n, lines, lanes, in_step, out_step, kth; /* steps in bytes */
  int32_t axis, mode;
};

/* What one line is sorted with. */
struct line {
  mx_dtype dtype;
  const char *from;
  char *to;
  int64_t n, in_step, out_step, kth;
  void *keys;
  uint64_t *pairs, *spare;
  uint32_t *counters; /* of a line that all threads sort; else NULL */
};

static inline int key_bits(const struct line *l) { return 8 * mxi_itemsizes[l->dtype]; }

static void store_indices(const struct line *l, const uint64_t *pairs) {
  for (int64_t i = 0; i < l->n; i++) *(uint32_t *)(l->to + i * l->out_step) = (uint32_t)pairs[i];
}

static void store_items(const struct line *l, const uint64_t *pairs) {
  size_t itemsize = mxi_itemsizes[l->dtype];
  mxi_line_fn copy = mxi_layout_copy_line(itemsize);
  for (int64_t i = 0; i < l->n; i++)
    copy(l->to + i * l->out_step, 8, l->from + (int64_t)(uint32_t)pairs[i] * l->in_step, 8, 1);
}

static uint64_t *sort_pairs(const struct line *l, uint64_t *a, uint64_t *b, int64_t n, int from_bit, int to_bit) {
  if (l->counters && n >= MXI_SORT_WIDE) return mxi_sort_wide_pairs(a, b, n, from_bit, to_bit, l->counters);
  return mxi_sort_kernels()->pairs(a, b, n, from_bit, to_bit);
}

/* Pairs (low half of the key, index), sorted within each run of pairs whose upper halves, their keys now, are equal. */
static void sort_low_halves(const struct line *l, uint64_t *pairs, uint64_t *spare) {
  const uint64_t *keys = l->keys;
  for (int64_t i = 0, end; i < l->n; i = end) {
    for (end = i + 1; end < l->n && pairs[end] >> 32 == pairs[i] >> 32; end++) continue;
    if (end - i == 1) continue;
    for (int64_t j = i; j < end; j++) pairs[j] = keys[(uint32_t)pairs[j]] << 32 | (uint32_t)pairs[j];
    uint64_t *sorted = sort_pairs(l, pairs + i, spare + i, end - i, 32, 64);
    if (sorted != pairs + i) memcpy(pairs + i, sorted, (size_t)(end - i) * sizeof *pairs);
  }
}

/* (The upper half of the key, or all of a short one, index). */
static void make_pairs(const struct line *l) {
  if (l->counters) {
    mxi_sort_wide_make_pairs(l->pairs, l->keys, key_bits(l) == 64, l->n);
  } else if (key_bits(l) < 64) {
    const uint32_t *keys = l->keys;
    for (int64_t i = 0; i < l->n; i++) l->pairs[i] = (uint64_t)keys[i] << 32 | (uint64_t)i;
  } else {
    const uint64_t *keys = l->keys;
    for (int64_t i = 0; i < l->n; i++) l->pairs[i] = keys[i] >> 32 << 32 | (uint64_t)i;
  }
}

/* The pairs of the line in order; only their indices mean anything. */
static uint64_t *sort_indices(const struct line *l) {
  int bits = key_bits(l);
  make_pairs(l);
  if (bits < 64) return sort_pairs(l, l->pairs, l->spare, l->n, 32, 32 + bits);
  uint64_t *sorted = sort_pairs(l, l->pairs, l->spare, l->n, 32, 64);
  sort_low_halves(l, sorted, sorted == l->pairs ? l->spare : l->pairs);
  return sorted;
}

static void sort_values(const struct line *l) {
  int bits = key_bits(l);
  uint32_t *spare = (uint32_t *)l->pairs;
  void *sorted = bits == 64    ? (void *)sort_pairs(l, l->keys, l->pairs, l->n, 0, 64)
                 : l->counters ? (void *)mxi_sort_wide_words(l->keys, spare, l->n, bits, l->counters)
                               : (void *)mxi_sort_kernels()->words(l->keys, spare, l->n, bits);
  if (l->counters)
    mxi_sort_wide_decode(l->dtype, sorted, l->to, l->out_step, l->n);
  else
    mxi_sort_key_kernels()->of[l->dtype].decode(sorted, l->to, l->out_step, l->n);
}

static inline uint64_t key_at(const struct line *l, int64_t i) {
  return mxi_itemsizes[l->dtype] == 8 ? ((const uint64_t *)l->keys)[i] : ((const uint32_t *)l->keys)[i];
}

/* The key of item kth, found eight bits at a time from the top among the keys that share what is known of it. *less
 * counts the keys below it, *equal those like it. */
static uint64_t select_key(const struct line *l, int64_t *less, int64_t *equal) {
  uint64_t *left = l->spare;
  int64_t n = l->n, digit;
  for (int64_t i = 0; i < n; i++) left[i] = key_at(l, i);
  *less = 0;
  for (int shift = key_bits(l) - 8; shift >= 0; shift -= 8) {
    int64_t counts[256] = {0}, kept = 0;
    for (int64_t i = 0; i < n; i++) counts[left[i] >> shift & 255]++;
    for (digit = 0; *less + counts[digit] <= l->kth; digit++) *less += counts[digit];
    if (counts[digit] == n) continue;
    for (int64_t i = 0; i < n; i++) {
      left[kept] = left[i];
      kept += (int64_t)(left[i] >> shift & 255) == digit;
    }
    n = kept;
  }
  *equal = n;
  return left[0];
}

/* The indices of the line, smaller keys than item kth's first, then equal ones, then the rest, each in order. */
static uint64_t *split_indices(const struct line *l) {
  int64_t less = 0, equal = 0;
  uint64_t pivot = select_key(l, &less, &equal);
  int64_t at[3] = {0, less, less + equal};
  for (int64_t i = 0; i < l->n; i++) {
    uint64_t key = key_at(l, i);
    l->pairs[at[(key >= pivot) + (key > pivot)]++] = (uint64_t)i;
  }
  return l->pairs;
}

static void sort_line(const struct line *l, int mode) {
  bool lossy = l->counters ? mxi_sort_wide_encode(l->dtype, l->keys, l->from, l->in_step, l->n)
                           : mxi_sort_key_kernels()->of[l->dtype].encode(l->keys, l->from, l->in_step, l->n);
  if (mode == VALUES && !lossy) {
    sort_values(l);
    return;
  }
  const uint64_t *pairs = mode & SELECT ? split_indices(l) : sort_indices(l);
  if (mode & VALUES)
    store_items(l, pairs);
  else
    store_indices(l, pairs);
}

/* Few long lines: one after the other, each by all threads. */
static bool is_wide(int64_t n, int64_t lines, int mode) { return n >= MXI_SORT_WIDE && lines < 8 && !(mode & SELECT); }

/* Where line number `line` starts: a position of the shape without the axis. */
static int64_t line_offset(const struct mx_view *v, int axis, int64_t line) {
  int64_t at = 0;
  for (int i = v->ndim - 1; i >= 0; i--) {
    if (i == axis) continue;
    at += line % v->shape[i] * v->strides[i];
    line /= v->shape[i];
  }
  return at;
}

/* Lines [begin, end), in the scratch of a lane. */
static void sort_lines(const struct sort_run *r, char *scratch, int64_t begin, int64_t end) {
  struct line l = {.dtype = (mx_dtype)r->in->dtype, .n = r->n, .in_step = r->in_step, .out_step = r->out_step, .kth = r->kth};
  l.keys = scratch;
  l.pairs = (uint64_t *)(scratch + 8 * r->n);
  l.spare = l.pairs + r->n;
  l.counters = is_wide(r->n, r->lines, r->mode) ? (uint32_t *)(l.spare + r->n) : NULL;
  for (int64_t i = begin; i < end; i++) {
    l.from = r->in->data + line_offset(r->in, r->axis, i) * mxi_itemsizes[r->in->dtype];
    l.to = r->out->data + line_offset(r->out, r->axis, i) * mxi_itemsizes[r->out->dtype];
    sort_line(&l, r->mode);
  }
}

static void sort_lanes(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct sort_run *r = arg;
  for (int64_t lane = begin; lane < end; lane++)
    sort_lines(r, r->scratch + lane * r->n * ITEM_SCRATCH, lane * r->lines / r->lanes, (lane + 1) * r->lines / r->lanes);
}

/* Few lanes for few lines, so that the scratch stays within a small multiple of the array. */
static int64_t lane_count(int64_t n, int64_t lines, int mode) {
  if (is_wide(n, lines, mode)) return 1;
  if (lines <= 16) return lines;
  return lines < 128 ? 16 : lines < 8 * MAX_LANES ? lines / 8 : MAX_LANES;
}

static size_t sort_scratch(const struct mx_task *task, int axis, int mode) {
  const struct mx_view *in = &task->in[0];
  if (!in->size) return 0;
  int64_t n = in->shape[axis];
  size_t counters = is_wide(n, in->size / n, mode) ? MXI_SORT_COUNTERS * sizeof(uint32_t) : 0;
  return (size_t)(lane_count(n, in->size / n, mode) * n) * ITEM_SCRATCH + counters;
}

static mx_status run_sort(struct mx_task *task, int axis, int64_t kth, int mode) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  if (!in->size) return MX_OK;
  struct sort_run r = {.in = in, .out = out, .scratch = task->scratch, .n = in->shape[axis], .axis = axis};
  if (r.n > UINT32_MAX)
    return mx_task_fail(task, MX_ERR_UNSUPPORTED, "an axis of 2^32 or more elements cannot be sorted");
  r.kth = kth;
  r.mode = mode;
  r.in_step = in->strides[axis] * mxi_itemsizes[in->dtype];
  r.out_step = out->strides[axis] * mxi_itemsizes[out->dtype];
  r.lines = in->size / r.n;
  r.lanes = lane_count(r.n, r.lines, mode);
  if (is_wide(r.n, r.lines, mode)) {
    sort_lines(&r, r.scratch, 0, r.lines);
    return MX_OK;
  }
  int64_t lane_items = in->size / r.lanes;
  mxi_parallel(r.lanes, lane_items >= 4096 ? 1 : (4096 + lane_items - 1) / lane_items, sort_lanes, &r);
  return MX_OK;
}

mx_status mxi_cpu_sort(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  return run_sort(task, p->axis, 0, VALUES);
}

mx_status mxi_cpu_argsort(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  return run_sort(task, p->axis, 0, 0);
}

mx_status mxi_cpu_partition(struct mx_task *task) {
  const struct mxi_params_partition *p = task->params;
  return run_sort(task, p->axis, p->kth, VALUES | SELECT);
}

mx_status mxi_cpu_argpartition(struct mx_task *task) {
  const struct mxi_params_partition *p = task->params;
  return run_sort(task, p->axis, p->kth, SELECT);
}

size_t mxi_cpu_sort_scratch(const struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  return sort_scratch(task, p->axis, 0);
}

size_t mxi_cpu_partition_scratch(const struct mx_task *task) {
  const struct mxi_params_partition *p = task->params;
  return sort_scratch(task, p->axis, SELECT);
}

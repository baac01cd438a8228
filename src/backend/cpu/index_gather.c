/* gather and scatter: slices of an array at the places that arrays of indices name. Each tuple of indices gives the
 * place of one slice; tuples are taken in blocks, and within a block a run of all its slices at a time, so that slices
 * of scattered elements (a column) still read and write neighbours together. */
#include <string.h>

#include "backend/cpu/index.h"
#include "base/pool.h"

#define PARALLEL_NBYTES (64 << 10) /* moved by one chunk at least */

/* The operands of one gather or scatter. `place` is the array that is indexed. */
struct places {
  const struct mx_view *place;
  int32_t index_count, batch_ndim;
  int64_t tuples, slice_size, itemsize;
  int64_t batch[MXI_MAX_NDIM]; /* the shape the indices broadcast to: the front of the updates' or result's shape */
  bool overlaps;               /* different tuples may share elements without being equal */
  struct mxi_indices indices[MXI_MAX_NDIM];
};

static void places_init(struct places *s, const struct mx_task *task, const struct mx_view *place,
                        const struct mx_view *indices, const struct mx_view *slices) {
  const struct mxi_params_gather *p = task->params;
  s->place = place;
  s->index_count = p->index_count;
  s->batch_ndim = slices->ndim - place->ndim;
  s->itemsize = mxi_itemsizes[place->dtype];
  s->tuples = s->slice_size = 1;
  s->overlaps = false;
  for (int i = 0; i < s->batch_ndim; i++) s->tuples *= s->batch[i] = slices->shape[i];
  for (int i = 0; i < place->ndim; i++) s->slice_size *= p->slice_sizes[i];
  for (int i = 0; i < p->index_count; i++) {
    int axis = p->axes[i];
    mxi_indices_init(&s->indices[i], &indices[i], s->batch_ndim, s->batch);
    s->indices[i].extent = place->shape[axis];
    s->indices[i].stride = place->strides[axis] * s->itemsize;
    s->overlaps |= p->slice_sizes[axis] > 1;
  }
}

static mx_status check_places(struct mx_task *task, const struct mx_view *place, const struct mx_view *indices) {
  const struct mxi_params_gather *p = task->params;
  for (int i = 0; i < p->index_count; i++) {
    int axis = p->axes[i];
    mx_status st = mxi_indices_check(task, &indices[i], axis, place->shape[axis], p->slice_sizes[axis]);
    if (st != MX_OK) return st;
  }
  return MX_OK;
}

/* Byte offsets of the slices of tuples [begin, begin + n). */
static void find_places(const struct places *s, int64_t begin, int64_t n, int64_t *at) {
  memset(at, 0, (size_t)n * sizeof *at);
  for (int i = 0; i < s->index_count; i++) mxi_indices_add(&s->indices[i], s->batch_ndim, s->batch, begin, n, at);
}

/* ---- gather ------------------------------------------------------------------------------------------------------ */
struct gather_run {
  struct places s;
  struct mxi_move slice; /* from the slice at offset 0 to row-major memory */
  char *out;
};

static void gather_items(const struct gather_run *r, const int64_t *at, int64_t n, char *to) {
  const char *from = r->s.place->data;
  switch (r->s.itemsize) {
#define CASE(size, T)                                                                      \
  case size:                                                                               \
    for (int64_t i = 0; i < n; i++) ((T *)to)[i] = *(const T *)(from + at[i]);             \
    return;
    CASE(1, uint8_t)
    CASE(2, uint16_t)
    CASE(4, uint32_t)
    default: CASE(8, uint64_t)
#undef CASE
  }
}

/* One run of each slice at a time; runs follow each other in the slice's order. */
static void gather_runs(const struct gather_run *r, const int64_t *at, int64_t n, char *to) {
  const struct mxi_move *m = &r->slice;
  const int last = m->ndim - 1;
  const int64_t slice_nbytes = r->s.slice_size * r->s.itemsize, run = m->shape[last];
  for (int64_t begin = 0; begin < r->s.slice_size; begin += run) {
    const char *from = m->from + mxi_layout_offset(last, m->shape, m->from_strides, begin / run);
    char *row = to + begin * r->s.itemsize;
    for (int64_t i = 0; i < n; i++)
      m->line(row + i * slice_nbytes, r->s.itemsize, from + at[i], m->from_strides[last], run);
  }
}

static void gather_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct gather_run *r = arg;
  int64_t at[MXI_INDEX_BLOCK];
  for (int64_t i = begin; i < end; i += MXI_INDEX_BLOCK) {
    int64_t n = end - i < MXI_INDEX_BLOCK ? end - i : MXI_INDEX_BLOCK;
    char *to = r->out + i * r->s.slice_size * r->s.itemsize;
    find_places(&r->s, i, n, at);
    if (r->s.slice_size == 1)
      gather_items(r, at, n, to);
    else
      gather_runs(r, at, n, to);
  }
}

static int64_t tuples_grain(const struct places *s) {
  return 1 + PARALLEL_NBYTES / (s->slice_size * s->itemsize + 8);
}

mx_status mxi_cpu_gather(struct mx_task *task) {
  const struct mxi_params_gather *p = task->params;
  const struct mx_view *a = &task->in[0], *out = &task->out[0];
  mx_status st = check_places(task, a, &task->in[1]);
  if (st != MX_OK || !out->size) return st;
  struct gather_run r;
  r.out = out->data;
  places_init(&r.s, task, a, &task->in[1], out);
  mxi_move_init(&r.slice, (size_t)r.s.itemsize, a->ndim, p->slice_sizes, NULL, NULL, a->data, a->strides);
  mxi_parallel(r.s.tuples, tuples_grain(&r.s), gather_chunk, &r);
  return MX_OK;
}

/* ---- scatter: updates are applied in the order of their tuples, whatever the number of threads --------------------
 */
struct scatter_run {
  struct places s;
  struct mxi_move slice; /* from the updates of tuple 0 to the slice at offset 0 */
  const struct mx_view *updates;
  bool is_even; /* updates lie update_step bytes apart */
  int64_t update_step, parts;
};

/* The run [begin, begin + n) of the slices at `at`; updates from `first` on. */
static void scatter_run_of(const struct scatter_run *r, const int64_t *at, const int64_t *from, int64_t tuples,
                           int64_t begin, int64_t n) {
  const struct mxi_move *m = &r->slice;
  const int last = m->ndim - 1;
  const int64_t row = begin / m->shape[last], column = begin % m->shape[last];
  const int64_t to_offset = mxi_layout_offset(last, m->shape, m->to_strides, row) + column * m->to_strides[last];
  const int64_t from_offset = mxi_layout_offset(last, m->shape, m->from_strides, row) + column * m->from_strides[last];
  for (int64_t i = 0; i < tuples; i++)
    m->line(m->to + to_offset + at[i], m->to_strides[last], m->from + from_offset + from[i], m->from_strides[last], n);
}

/* Elements [begin, end) of the slices of a block of tuples. */
static void scatter_slices(const struct scatter_run *r, const int64_t *at, const int64_t *from, int64_t tuples,
                           int64_t begin, int64_t end) {
  const int64_t run = r->slice.shape[r->slice.ndim - 1];
  while (begin < end) {
    int64_t n = run - begin % run < end - begin ? run - begin % run : end - begin;
    scatter_run_of(r, at, from, tuples, begin, n);
    begin += n;
  }
}

/* Where the updates of the tuples lie. */
static void find_updates(const struct scatter_run *r, int64_t begin, int64_t n, int64_t *from) {
  const struct mx_view *u = r->updates;
  if (r->is_even) {
    for (int64_t i = 0; i < n; i++) from[i] = (begin + i) * r->update_step;
    return;
  }
  for (int64_t i = 0; i < n; i++)
    from[i] = mxi_layout_offset(r->s.batch_ndim, u->shape, u->strides, begin + i) * r->s.itemsize;
}

/* Every tuple, but only elements [begin, end) of its slice: threads share slices, none shares an element. */
static void scatter_columns(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct scatter_run *r = arg;
  const int64_t block = r->s.overlaps ? 1 : MXI_INDEX_BLOCK;
  int64_t at[MXI_INDEX_BLOCK], from[MXI_INDEX_BLOCK];
  for (int64_t i = 0; i < r->s.tuples; i += block) {
    int64_t n = r->s.tuples - i < block ? r->s.tuples - i : block;
    find_places(&r->s, i, n, at);
    find_updates(r, i, n, from);
    scatter_slices(r, at, from, n, begin, end);
  }
}

/* Every tuple whose slice starts in part [begin, end) of the array: threads share the array. */
static void scatter_parts(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct scatter_run *r = arg;
  const int64_t nbytes = r->s.place->size * r->s.itemsize;
  const int64_t low = nbytes / r->parts * begin, high = end == r->parts ? nbytes : nbytes / r->parts * end;
  int64_t at[MXI_INDEX_BLOCK], from[MXI_INDEX_BLOCK];
  for (int64_t i = 0; i < r->s.tuples; i += MXI_INDEX_BLOCK) {
    int64_t n = r->s.tuples - i < MXI_INDEX_BLOCK ? r->s.tuples - i : MXI_INDEX_BLOCK, kept = 0;
    find_places(&r->s, i, n, at);
    find_updates(r, i, n, from);
    for (int64_t j = 0; j < n; j++) {
      at[kept] = at[j];
      from[kept] = from[j];
      kept += at[j] >= low && at[j] < high;
    }
    scatter_slices(r, at, from, kept, 0, r->s.slice_size);
  }
}

static void run_scatter(struct scatter_run *r) {
  int64_t elements = r->s.tuples * r->s.slice_size, threads = mxi_pool_threads();
  bool small = elements * r->s.itemsize < 2 * PARALLEL_NBYTES || threads == 1 || r->s.overlaps;
  if (small) {
    scatter_columns(r, 0, r->s.slice_size, 0);
  } else if (r->s.slice_size >= 1024 * threads) {
    mxi_parallel(r->s.slice_size, (r->s.slice_size + threads - 1) / threads, scatter_columns, r);
  } else {
    r->parts = threads;
    mxi_parallel(r->parts, 1, scatter_parts, r);
  }
}

mx_status mxi_cpu_scatter(struct mx_task *task) {
  const struct mxi_params_gather *p = task->params;
  const struct mx_view *a = &task->in[0], *updates = &task->in[1], *out = &task->out[0];
  mx_status st = check_places(task, a, &task->in[2]);
  if (st != MX_OK || !out->size) return st;
  if (out->data != a->data) mxi_layout_copy(out->data, a);
  if (!updates->size) return MX_OK;
  struct scatter_run r;
  r.updates = updates;
  places_init(&r.s, task, out, &task->in[2], updates);
  mxi_move_init(&r.slice, (size_t)r.s.itemsize, out->ndim, p->slice_sizes, out->data, out->strides, updates->data,
                updates->strides + r.s.batch_ndim);
  struct mxi_move batch; /* only to see whether its axes merge */
  mxi_move_init(&batch, (size_t)r.s.itemsize, r.s.batch_ndim, r.s.batch, NULL, NULL, NULL, updates->strides);
  r.is_even = batch.ndim == 1;
  r.update_step = batch.from_strides[0];
  r.slice.line = mxi_index_combine((enum mxi_scatter_mode)p->mode, (mx_dtype)out->dtype);
  run_scatter(&r);
  return MX_OK;
}

/* gather_axis and scatter_axis: one index for each element, along one axis. An array is seen as outer x axis x inner;
 * for scatter, a line along the axis belongs to one thread, so that updates meet it in order. */
#include <string.h>

#include "backend/cpu/index.h"
#include "base/pool.h"

#define GRAIN (16 << 10) /* elements of one chunk at least */

/* ---- gather_axis ------------------------------------------------------------------------------------------------- */
struct gather_run {
  const struct mx_view *a, *out;
  struct mxi_indices indices;
  int64_t itemsize, row; /* row: of the result, along its last axis */
  int axis;
};

static void gather_items(const char *from, const int64_t *at, int64_t step, int64_t itemsize, int64_t n, char *to) {
  switch (itemsize) {
#define CASE(size, T)                                                                              \
  case size:                                                                                       \
    for (int64_t i = 0; i < n; i++) ((T *)to)[i] = *(const T *)(from + at[i] + i * step);          \
    return;
    CASE(1, uint8_t)
    CASE(2, uint16_t)
    CASE(4, uint32_t)
    default: CASE(8, uint64_t)
#undef CASE
  }
}

/* Where an element of the result has its line in `a`: its own place but for the axis. */
static int64_t line_offset(const struct gather_run *r, int64_t position) {
  int64_t at = 0;
  for (int i = r->out->ndim - 1; i >= 0; i--) {
    if (i != r->axis) at += position % r->out->shape[i] * r->a->strides[i];
    position /= r->out->shape[i];
  }
  return at * r->itemsize;
}

static void gather_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct gather_run *r = arg;
  const int last = r->out->ndim - 1;
  const int64_t step = r->axis == last ? 0 : r->a->strides[last] * r->itemsize;
  int64_t at[MXI_INDEX_BLOCK];
  while (begin < end) {
    int64_t n = r->row - begin % r->row;
    if (n > end - begin) n = end - begin;
    if (n > MXI_INDEX_BLOCK) n = MXI_INDEX_BLOCK;
    memset(at, 0, (size_t)n * sizeof *at);
    mxi_indices_add(&r->indices, r->out->ndim, r->out->shape, begin, n, at);
    gather_items(r->a->data + line_offset(r, begin), at, step, r->itemsize, n, r->out->data + begin * r->itemsize);
    begin += n;
  }
}

mx_status mxi_cpu_gather_axis(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  const struct mx_view *a = &task->in[0], *indices = &task->in[1], *out = &task->out[0];
  mx_status st = mxi_indices_check(task, indices, p->axis, a->shape[p->axis], 1);
  if (st != MX_OK || !out->size) return st;
  struct gather_run r = {.a = a, .out = out, .axis = p->axis, .itemsize = mxi_itemsizes[out->dtype]};
  r.row = out->shape[out->ndim - 1];
  mxi_indices_init(&r.indices, indices, out->ndim, out->shape);
  r.indices.extent = a->shape[p->axis];
  r.indices.stride = a->strides[p->axis] * r.itemsize;
  mxi_parallel(out->size, GRAIN, gather_chunk, &r);
  return MX_OK;
}

/* ---- scatter_axis ------------------------------------------------------------------------------------------------ */
struct scatter_run {
  const struct mx_view *out, *updates;
  struct mxi_indices indices;
  mxi_line_fn line;
  int64_t itemsize, inner, length; /* inner: elements of the updates behind the axis; length: of the updates' axis */
  int axis;
};

/* The element offset of item `position` of axes [first, last) of an array. */
static int64_t part_offset(const struct mx_view *v, int first, int last, int64_t position) {
  return mxi_layout_offset(last - first, v->shape + first, v->strides + first, position);
}

/* Columns [begin, end) of one outer item, for each index along the axis in turn. */
static void scatter_columns(const struct scatter_run *r, int64_t outer, int64_t begin, int64_t end) {
  const int axis = r->axis, ndim = r->out->ndim;
  const int64_t item = r->itemsize;
  char *to = r->out->data + part_offset(r->out, 0, axis, outer) * item;
  const char *from = r->updates->data + part_offset(r->updates, 0, axis, outer) * item;
  const int64_t *shape = r->updates->shape;
  int64_t at[MXI_INDEX_BLOCK];
  for (int64_t column = begin; column < end; column += MXI_INDEX_BLOCK) {
    int64_t n = end - column < MXI_INDEX_BLOCK ? end - column : MXI_INDEX_BLOCK;
    for (int64_t j = 0; j < r->length; j++) {
      memset(at, 0, (size_t)n * sizeof *at);
      mxi_indices_add(&r->indices, ndim, shape, (outer * r->length + j) * r->inner + column, n, at);
      for (int64_t i = 0; i < n; i++)
        r->line(to + at[i] + part_offset(r->out, axis + 1, ndim, column + i) * item, item,
                from + (j * r->updates->strides[axis] + part_offset(r->updates, axis + 1, ndim, column + i)) * item,
                item, 1);
    }
  }
}

/* The same where the axis is the last: indices of one line are read together. */
static void scatter_line(const struct scatter_run *r, int64_t outer) {
  char *to = r->out->data + part_offset(r->out, 0, r->axis, outer) * r->itemsize;
  const char *from = r->updates->data + part_offset(r->updates, 0, r->axis, outer) * r->itemsize;
  const int64_t step = r->updates->strides[r->axis] * r->itemsize;
  int64_t at[MXI_INDEX_BLOCK];
  for (int64_t j = 0; j < r->length; j += MXI_INDEX_BLOCK) {
    int64_t n = r->length - j < MXI_INDEX_BLOCK ? r->length - j : MXI_INDEX_BLOCK;
    memset(at, 0, (size_t)n * sizeof *at);
    mxi_indices_add(&r->indices, r->out->ndim, r->updates->shape, outer * r->length + j, n, at);
    for (int64_t i = 0; i < n; i++) r->line(to + at[i], r->itemsize, from + (j + i) * step, step, 1);
  }
}

static void scatter_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct scatter_run *r = arg;
  while (begin < end) {
    int64_t outer = begin / r->inner, column = begin % r->inner, n = r->inner - column;
    if (n > end - begin) n = end - begin;
    if (r->axis == r->out->ndim - 1)
      scatter_line(r, outer);
    else
      scatter_columns(r, outer, column, column + n);
    begin += n;
  }
}

mx_status mxi_cpu_scatter_axis(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  const struct mx_view *a = &task->in[0], *indices = &task->in[1], *updates = &task->in[2], *out = &task->out[0];
  mx_status st = mxi_indices_check(task, indices, p->axis, out->shape[p->axis], 1);
  if (st != MX_OK || !out->size) return st;
  if (out->data != a->data) mxi_layout_copy(out->data, a);
  if (!updates->size) return MX_OK;
  struct scatter_run r = {.out = out, .updates = updates, .axis = p->axis, .itemsize = mxi_itemsizes[out->dtype]};
  r.line = mxi_index_combine((enum mxi_scatter_mode)p->option, (mx_dtype)out->dtype);
  r.length = updates->shape[p->axis];
  r.inner = 1;
  for (int i = p->axis + 1; i < out->ndim; i++) r.inner *= out->shape[i];
  mxi_indices_init(&r.indices, indices, out->ndim, updates->shape);
  r.indices.extent = out->shape[p->axis];
  r.indices.stride = out->strides[p->axis] * r.itemsize;
  mxi_parallel(updates->size / r.length, 1 + GRAIN / r.length, scatter_chunk, &r);
  return MX_OK;
}

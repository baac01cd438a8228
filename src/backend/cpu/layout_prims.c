/* concatenate, pad and slice_update: arrays placed in a larger one. */
#include <string.h>

#include "backend/cpu/layout.h"
#include "base/pool.h"
#include "core/params.h"

mx_status mxi_cpu_concatenate(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  const struct mx_view *out = &task->out[0];
  size_t itemsize = mxi_itemsizes[out->dtype];
  char *to = out->data;
  for (int i = 0; i < task->in_count; i++) {
    const struct mx_view *in = &task->in[i];
    if (!in->size) continue;
    struct mxi_move m;
    mxi_move_init(&m, itemsize, in->ndim, in->shape, to, out->strides, in->data, in->strides);
    mxi_move_run(&m);
    to += in->shape[p->axis] * out->strides[p->axis] * (int64_t)itemsize;
  }
  return MX_OK;
}

/* A row is a line of the result along its last axis. */
struct pad_run {
  const struct mx_view *in, *out;
  const struct mxi_params_pad *p;
  const char *value;
  mxi_line_fn line;
  int64_t itemsize;
};

/* The row of the input that lies in row `row` of the result; false where that is all padding. */
static bool row_source(const struct pad_run *r, int64_t row, int64_t *offset) {
  *offset = 0;
  for (int i = r->out->ndim - 2; i >= 0; i--) {
    int64_t at = row % r->out->shape[i] - r->p->before[i];
    if (at < 0 || at >= r->in->shape[i]) return false;
    *offset += at * r->in->strides[i];
    row /= r->out->shape[i];
  }
  return true;
}

static void pad_rows(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct pad_run *r = arg;
  const int last = r->out->ndim - 1;
  const int64_t n = r->out->shape[last], inside = r->in->shape[last], item = r->itemsize;
  for (int64_t row = begin; row < end; row++) {
    char *to = r->out->data + row * n * item;
    int64_t offset;
    if (!inside || !row_source(r, row, &offset)) {
      r->line(to, item, r->value, 0, n);
      continue;
    }
    int64_t before = r->p->before[last];
    r->line(to, item, r->value, 0, before);
    r->line(to + before * item, item, r->in->data + offset * item, r->in->strides[last] * item, inside);
    r->line(to + (before + inside) * item, item, r->value, 0, n - before - inside);
  }
}

mx_status mxi_cpu_pad(struct mx_task *task) {
  const struct mx_view *in = &task->in[0], *out = &task->out[0];
  if (!out->size) return MX_OK;
  struct pad_run r = {.in = in, .out = out, .p = task->params, .value = task->in[1].data};
  r.itemsize = mxi_itemsizes[out->dtype];
  r.line = mxi_layout_copy_line((size_t)r.itemsize);
  if (out->ndim == 0) {
    r.line(out->data, r.itemsize, in->data, r.itemsize, 1);
    return MX_OK;
  }
  int64_t n = out->shape[out->ndim - 1];
  mxi_parallel(out->size / n, 1 + (64 << 10) / (n * r.itemsize), pad_rows, &r);
  return MX_OK;
}

mx_status mxi_cpu_slice_update(struct mx_task *task) {
  const struct mxi_params_slice *p = task->params;
  const struct mx_view *in = &task->in[0], *update = &task->in[1], *out = &task->out[0];
  if (!out->size) return MX_OK;
  if (out->data != in->data) mxi_layout_copy(out->data, in);
  if (!update->size) return MX_OK;
  int64_t strides[MXI_MAX_NDIM], itemsize = mxi_itemsizes[out->dtype];
  char *to = out->data;
  for (int i = 0; i < out->ndim; i++) {
    strides[i] = out->strides[i] * p->step[i];
    to += p->start[i] * out->strides[i] * itemsize;
  }
  struct mxi_move m;
  mxi_move_init(&m, (size_t)itemsize, out->ndim, update->shape, to, strides, update->data, update->strides);
  mxi_move_run(&m);
  return MX_OK;
}

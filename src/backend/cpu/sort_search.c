/* searchsorted: where each value would go in a sorted sequence, by binary search on keys. */
#include "backend/cpu/sort.h"
#include "base/pool.h"
#include "backend/cpu/layout.h"
#include "core/params.h"

#define GRAIN 1024

struct search_run {
  const struct mx_view *sorted, *values;
  uint32_t *out;
  mxi_sort_encode_fn encode;
  int64_t step; /* bytes between items of the sequence */
  bool right, wide;
};

static inline uint64_t key_of(const struct search_run *r, const char *item) {
  uint64_t wide;
  uint32_t word;
  r->encode(r->wide ? (void *)&wide : (void *)&word, item, 0, 1);
  return r->wide ? wide : word;
}

/* The first item that is not before the value: not below it, or, on the right, above it. */
static int64_t search(const struct search_run *r, uint64_t value) {
  int64_t low = 0, high = r->sorted->size;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    uint64_t key = key_of(r, r->sorted->data + middle * r->step);
    if (key < value || (r->right && key == value))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void search_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct search_run *r = arg;
  const struct mx_view *v = r->values;
  for (int64_t i = begin; i < end; i++) {
    int64_t at = v->contiguous ? i : mxi_layout_offset(v->ndim, v->shape, v->strides, i);
    r->out[i] = (uint32_t)search(r, key_of(r, v->data + at * mxi_itemsizes[v->dtype]));
  }
}

mx_status mxi_cpu_searchsorted(struct mx_task *task) {
  const struct mxi_params_axis *p = task->params;
  const struct mx_view *sorted = &task->in[0], *values = &task->in[1];
  if (!values->size) return MX_OK;
  struct search_run r = {.sorted = sorted, .values = values, .out = (uint32_t *)task->out[0].data, .right = p->option};
  r.encode = mxi_sort_key_kernels()->of[sorted->dtype].encode;
  r.wide = mxi_itemsizes[sorted->dtype] == 8;
  r.step = sorted->strides[0] * mxi_itemsizes[sorted->dtype];
  mxi_parallel(values->size, GRAIN, search_chunk, &r);
  return MX_OK;
}

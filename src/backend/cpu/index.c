/* Arrays of indices: read as int64 whatever their dtype and layout, checked before anything is written. */
#include "backend/cpu/index.h"

#include <stdatomic.h>

#include "base/pool.h"

#define CHECK_GRAIN (32 << 10)

void mxi_indices_init(struct mxi_indices *x, const struct mx_view *view, int ndim, const int64_t *shape) {
  x->view = view;
  for (int i = 0; i < ndim; i++) {
    int own = i - (ndim - view->ndim);
    x->strides[i] = own < 0 || (view->shape[own] == 1 && shape[i] != 1) ? 0 : view->strides[own];
  }
}

#define READ(T, CONVERT) \
  for (int64_t i = 0; i < n; i++) to[i] = CONVERT(((const T *)from)[i * step])

static inline int64_t from_u64(uint64_t index) { return index > INT64_MAX ? INT64_MAX : (int64_t)index; }

/* n indices, `step` elements apart. */
static void read_line(mx_dtype dtype, const char *from, int64_t step, int64_t n, int64_t *to) {
  switch (dtype) {
    case MX_UINT8: READ(uint8_t, ); return;
    case MX_UINT16: READ(uint16_t, ); return;
    case MX_UINT32: READ(uint32_t, ); return;
    case MX_UINT64: READ(uint64_t, from_u64); return;
    case MX_INT8: READ(int8_t, ); return;
    case MX_INT16: READ(int16_t, ); return;
    case MX_INT32: READ(int32_t, ); return;
    default: READ(int64_t, ); return;
  }
}

/* n indices from position `begin` of the walk on. */
static void read_range(const struct mx_view *view, int ndim, const int64_t *shape, const int64_t *strides,
                       int64_t begin, int64_t n, int64_t *to) {
  mx_dtype dtype = (mx_dtype)view->dtype;
  const int64_t itemsize = mxi_itemsizes[dtype];
  if (ndim == 0) {
    read_line(dtype, view->data, 0, n, to);
    return;
  }
  const int64_t row = shape[ndim - 1];
  while (n) {
    int64_t column = begin % row, k = row - column < n ? row - column : n;
    int64_t at = mxi_layout_offset(ndim, shape, strides, begin);
    read_line(dtype, view->data + at * itemsize, strides[ndim - 1], k, to);
    to += k;
    begin += k;
    n -= k;
  }
}

void mxi_indices_add(const struct mxi_indices *x, int ndim, const int64_t *shape, int64_t begin, int64_t n,
                     int64_t *at) {
  int64_t raw[MXI_INDEX_BLOCK];
  const int64_t extent = x->extent, stride = x->stride;
  for (int64_t done = 0; done < n; done += MXI_INDEX_BLOCK) {
    int64_t k = n - done < MXI_INDEX_BLOCK ? n - done : MXI_INDEX_BLOCK;
    read_range(x->view, ndim, shape, x->strides, begin + done, k, raw);
    for (int64_t i = 0; i < k; i++) at[done + i] += (raw[i] + (raw[i] < 0 ? extent : 0)) * stride;
  }
}

struct check_run {
  const struct mx_view *view;
  int64_t extent, most; /* counted from the start, 0 .. most is allowed */
  _Atomic int64_t first_bad;
};

static inline bool is_bad(const struct check_run *r, int64_t index) {
  return (uint64_t)(index < 0 ? index + r->extent : index) > (uint64_t)r->most;
}

static void check_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  struct check_run *r = arg;
  int64_t raw[MXI_INDEX_BLOCK];
  for (int64_t at = begin; at < end; at += MXI_INDEX_BLOCK) {
    int64_t n = end - at < MXI_INDEX_BLOCK ? end - at : MXI_INDEX_BLOCK, bad = 0;
    read_range(r->view, r->view->ndim, r->view->shape, r->view->strides, at, n, raw);
    for (int64_t i = 0; i < n; i++) bad |= is_bad(r, raw[i]);
    if (!bad) continue;
    int64_t i = 0, seen = atomic_load(&r->first_bad);
    while (!is_bad(r, raw[i])) i++;
    while (at + i < seen && !atomic_compare_exchange_weak(&r->first_bad, &seen, at + i)) continue;
    return;
  }
}

mx_status mxi_indices_check(struct mx_task *task, const struct mx_view *view, int axis, int64_t extent,
                            int64_t slice) {
  if (!view->size) return MX_OK;
  struct check_run r = {.view = view, .extent = extent, .most = extent - slice, .first_bad = INT64_MAX};
  mxi_parallel(view->size, CHECK_GRAIN, check_chunk, &r);
  int64_t at = atomic_load(&r.first_bad), bad;
  if (at == INT64_MAX) return MX_OK;
  read_range(view, view->ndim, view->shape, view->strides, at, 1, &bad);
  return mx_task_fail(task, MX_ERR_INDEX, "index %lld is out of range for axis %d with size %lld", (long long)bad,
                       axis, (long long)extent);
}

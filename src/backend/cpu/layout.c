/* Strided moves, and the primitives that are made of them: contiguous pieces of one array placed in another. */
#include "backend/cpu/layout.h"

#include <string.h>

#include "base/pool.h"

#define GRAIN_NBYTES (128 << 10) /* of one chunk: small enough to share, large enough for memcpy to run at full speed */

#define COPY_LINE(T)                                                                                          \
  static void copy_##T(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n) {           \
    if (to_step == sizeof(T) && from_step == sizeof(T)) {                                                     \
      if (n * (int64_t)sizeof(T) >= 64) {                                                                     \
        memcpy(to, from, (size_t)n * sizeof(T));                                                              \
        return;                                                                                               \
      }                                                                                                       \
    }                                                                                                         \
    for (int64_t i = 0; i < n; i++) *(T *)(to + i * to_step) = *(const T *)(from + i * from_step);            \
  }

COPY_LINE(uint8_t)
COPY_LINE(uint16_t)
COPY_LINE(uint32_t)
COPY_LINE(uint64_t)

mxi_line_fn mxi_layout_copy_line(size_t itemsize) {
  return itemsize == 1 ? copy_uint8_t : itemsize == 2 ? copy_uint16_t : itemsize == 4 ? copy_uint32_t : copy_uint64_t;
}

/* Puts an axis in front of those merged so far; they are kept at the end of the arrays. Returns the new first axis. */
static int add_axis(struct mxi_move *m, int first, int64_t extent, int64_t to_stride, int64_t from_stride) {
  if (extent == 1) return first;
  if (first < MXI_MAX_NDIM && to_stride == m->to_strides[first] * m->shape[first] &&
      from_stride == m->from_strides[first] * m->shape[first]) {
    m->shape[first] *= extent;
    return first;
  }
  first--;
  m->shape[first] = extent;
  m->to_strides[first] = to_stride;
  m->from_strides[first] = from_stride;
  return first;
}

void mxi_move_init(struct mxi_move *m, size_t itemsize, int ndim, const int64_t *shape, char *to,
                   const int64_t *to_strides, const char *from, const int64_t *from_strides) {
  m->to = to, m->from = from;
  m->itemsize = (int64_t)itemsize;
  m->line = mxi_layout_copy_line(itemsize);
  m->size = 1;
  int first = MXI_MAX_NDIM;
  for (int i = ndim - 1; i >= 0; i--) {
    int64_t to_stride = to_strides ? to_strides[i] : m->size;
    first = add_axis(m, first, shape[i], to_stride * m->itemsize, from_strides[i] * m->itemsize);
    m->size *= shape[i];
  }
  if (first == MXI_MAX_NDIM) {
    first--;
    m->shape[first] = 1;
    m->to_strides[first] = m->from_strides[first] = m->itemsize;
  }
  m->ndim = MXI_MAX_NDIM - first;
  memmove(m->shape, m->shape + first, (size_t)m->ndim * sizeof *m->shape);
  memmove(m->to_strides, m->to_strides + first, (size_t)m->ndim * sizeof *m->to_strides);
  memmove(m->from_strides, m->from_strides + first, (size_t)m->ndim * sizeof *m->from_strides);
}

void mxi_move_range(const struct mxi_move *m, int64_t begin, int64_t end) {
  const int last = m->ndim - 1;
  int64_t index[MXI_MAX_NDIM], left = begin, to = 0, from = 0;
  for (int i = last; i >= 0; i--) {
    index[i] = left % m->shape[i];
    left /= m->shape[i];
    to += index[i] * m->to_strides[i];
    from += index[i] * m->from_strides[i];
  }
  while (begin < end) {
    int64_t n = m->shape[last] - index[last];
    if (n > end - begin) n = end - begin;
    m->line(m->to + to, m->to_strides[last], m->from + from, m->from_strides[last], n);
    begin += n;
    to -= index[last] * m->to_strides[last];
    from -= index[last] * m->from_strides[last];
    index[last] = 0;
    for (int i = last - 1; i >= 0; i--) {
      to += m->to_strides[i];
      from += m->from_strides[i];
      if (++index[i] < m->shape[i]) break;
      to -= index[i] * m->to_strides[i];
      from -= index[i] * m->from_strides[i];
      index[i] = 0;
    }
  }
}

static void move_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  mxi_move_range(arg, begin, end);
}

void mxi_move_run(const struct mxi_move *m) {
  if (m->size) mxi_parallel(m->size, GRAIN_NBYTES / m->itemsize, move_chunk, (void *)m);
}

void mxi_layout_copy(char *to, const struct mx_view *from) {
  struct mxi_move m;
  mxi_move_init(&m, mxi_itemsizes[from->dtype], from->ndim, from->shape, to, NULL, from->data, from->strides);
  mxi_move_run(&m);
}

/* Walking strided memory: positions, and lines of elements moved from one layout to another. Byte strides throughout,
 * but where a name says elements. */
#ifndef MXI_BACKEND_CPU_LAYOUT_H
#define MXI_BACKEND_CPU_LAYOUT_H

#include "core/params.h"
#include "plan/program.h"

/* The element offset of item `position` (row-major) of a shape. */
static inline int64_t mxi_layout_offset(int ndim, const int64_t *shape, const int64_t *strides, int64_t position) {
  int64_t at = 0;
  for (int i = ndim - 1; i >= 0; i--) {
    at += position % shape[i] * strides[i];
    position /= shape[i];
  }
  return at;
}

/* n elements from `from`, from_step bytes apart, into `to`, to_step bytes apart: copied, added, ... */
typedef void (*mxi_line_fn)(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n);

/* The line that copies elements of 1, 2, 4 or 8 bytes. */
mxi_line_fn mxi_layout_copy_line(size_t itemsize);

/* A movement of `size` elements between two layouts of one shape, axes of one element dropped and neighbours merged. */
struct mxi_move {
  char *to;
  const char *from;
  mxi_line_fn line;
  int64_t size, itemsize;
  int ndim; /* at least 1 */
  int64_t shape[MXI_MAX_NDIM], to_strides[MXI_MAX_NDIM], from_strides[MXI_MAX_NDIM];
};

/* Strides given here count elements. A NULL to_strides is row-major. */
void mxi_move_init(struct mxi_move *m, size_t itemsize, int ndim, const int64_t *shape, char *to,
                   const int64_t *to_strides, const char *from, const int64_t *from_strides);
/* Elements [begin, end) of the merged shape. */
void mxi_move_range(const struct mxi_move *m, int64_t begin, int64_t end);
/* All of it, on all threads. */
void mxi_move_run(const struct mxi_move *m);

/* Copies all of `from` to row-major memory. */
void mxi_layout_copy(char *to, const struct mx_view *from);

#endif

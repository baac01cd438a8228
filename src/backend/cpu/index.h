/* What gather and scatter share: reading arrays of indices of any integer dtype and layout, and combining elements. */
#ifndef MXI_BACKEND_CPU_INDEX_H
#define MXI_BACKEND_CPU_INDEX_H

#include "backend/cpu/layout.h"
#include "core/params.h"

#define MXI_INDEX_BLOCK 256 /* indices handled at a time */

/* An array of indices walked in the order of a shape it broadcasts to, and the axis it indexes. */
struct mxi_indices {
  const struct mx_view *view;
  int64_t extent; /* of the axis: an index i < 0 means i + extent */
  int64_t stride; /* bytes that one index is worth */
  int64_t strides[MXI_MAX_NDIM]; /* elements, by axis of the common shape */
};

/* The strides of `view` over a shape that it broadcasts to. */
void mxi_indices_init(struct mxi_indices *x, const struct mx_view *view, int ndim, const int64_t *shape);
/* at[i] += index number (begin + i), counted from the start of its axis, times stride, for i < n. */
void mxi_indices_add(const struct mxi_indices *x, int ndim, const int64_t *shape, int64_t begin, int64_t n,
                     int64_t *at);
/* Fails the task, naming the first index that is not in [-extent, extent - slice]. */
mx_status mxi_indices_check(struct mx_task *task, const struct mx_view *view, int axis, int64_t extent,
                            int64_t slice);

/* to[i] = to[i] op from[i] along a line. */
mxi_line_fn mxi_index_combine(enum mxi_scatter_mode mode, mx_dtype dtype);

#endif

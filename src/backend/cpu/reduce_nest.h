/* The loop nest of a reduction: an array seen as [outer, axis, inner]. A group is a set of logical axes, row-major,
 * merged where strides allow; which axes are in it depends on the shape alone, so that trees do. */
#ifndef MXI_BACKEND_CPU_REDUCE_NEST_H
#define MXI_BACKEND_CPU_REDUCE_NEST_H

#include "backend/cpu/reduce_kernels.h"
#include "core/params.h"

/* Dimensions from the innermost out; strides in elements. No dimension: one element. */
struct mxi_group {
  int64_t size;
  int32_t ndim;
  int64_t shape[MXI_MAX_NDIM], stride[MXI_MAX_NDIM];
};

struct mxi_nest {
  struct mxi_group outer, axis, inner;
};

/* inner: the kept axes after the last reduced one; axis: the run of reduced axes before them; outer: all the others,
 * reduced ones among them. Axes of size 1 are in none. */
void mxi_nest_split(struct mxi_nest *nest, int ndim, const int64_t *shape, const int64_t *strides, uint64_t mask);
/* outer: all kept axes; axis: all reduced ones; inner: none. */
void mxi_nest_gather(struct mxi_nest *nest, int ndim, const int64_t *shape, const int64_t *strides, uint64_t mask);

int64_t mxi_group_offset_slow(const struct mxi_group *g, int64_t index);
/* Where element `index` of the group lies, in elements. */
static inline int64_t mxi_group_offset(const struct mxi_group *g, int64_t index) {
  if (g->ndim == 0) return 0;
  return g->ndim == 1 ? index * g->stride[0] : mxi_group_offset_slow(g, index);
}
static inline bool mxi_group_is_dense(const struct mxi_group *g) {
  return g->ndim == 0 || (g->ndim == 1 && g->stride[0] == 1);
}
/* The stride of a group of at most one dimension. */
static inline int64_t mxi_group_stride(const struct mxi_group *g) { return g->ndim ? g->stride[0] : 0; }

/* dst = n elements of the group from `start` on, converted; base is the group's element 0. */
void mxi_group_load(const struct mxi_group *g, mxi_load_fn load, size_t item, void *dst, size_t dst_item,
                    const char *base, int64_t start, int64_t n);
void mxi_group_store(const struct mxi_group *g, mxi_store_fn store, size_t item, char *base, const void *src,
                     size_t src_item, int64_t start, int64_t n);

/* Room for 4096 accumulators of any type on the stack: what is converted or gathered at a time. */
#define MXI_TILE_ITEMS 4096
#define MXI_TILE(name) _Alignas(64) char name[MXI_TILE_ITEMS * 8]

/* The accumulator of a dtype; of an accumulator: its size, its lanes in the row tree, a dtype with the same elements. */
extern const uint8_t mxi_acc_of[MXI_DTYPE_COUNT];
extern const uint8_t mxi_acc_sizes[MXI_ACC_COUNT];
extern const uint16_t mxi_acc_lanes[MXI_ACC_COUNT];
extern const uint8_t mxi_acc_dtypes[MXI_ACC_COUNT];
/* The accumulator that `op` uses for an output dtype: sums and products of signed integers are those of unsigned ones. */
enum mxi_acc mxi_reduce_acc(enum mxi_fold op, mx_dtype t);
/* Whether elements of the dtype are their own accumulators, so that kernels read and write them in place. */
static inline bool mxi_acc_is_stored(mx_dtype t) { return !mxi_is_half(t); }

/* Calls fn over [0, count), each item taking `work` elements: at once when that is little, else over the pool. */
void mxi_reduce_parallel(int64_t count, int64_t work, void (*fn)(void *, int64_t, int64_t, int), void *arg);

#endif

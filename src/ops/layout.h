/* Small steps that builders and rules share, and the raw makers of the layout primitives: those check nothing. A NULL
 * operand gives NULL. */
#ifndef MXI_OPS_LAYOUT_H
#define MXI_OPS_LAYOUT_H

#include "core/prim.h"
#include "ops/builders.h"

/* A plain array: literals become 0-d arrays. */
static inline mx_array mxi_operand(struct mxi_ctx *c, mx_array a) { return a ? mxi_strong(c, a) : NULL; }

static inline mx_ints mxi_list(const int64_t *at, int count) { return (mx_ints){at, (size_t)count}; }
static inline mx_ints mxi_shape_of(const struct mx_array_ *a) { return mxi_list(mxi_dims(a), a->ndim); }
static inline bool mxi_same_shape(mx_ints a, const struct mx_array_ *b) {
  if (a.count != b->ndim) return false;
  for (size_t i = 0; i < a.count; i++)
    if (a.at[i] != mxi_dims(b)[i]) return false;
  return true;
}

/* bool (rows, columns): row >= column - k. */
mx_array mxi_lower_triangle(struct mxi_ctx *c, int64_t rows, int64_t columns, int64_t k);
mx_array mxi_zeros_as(struct mxi_ctx *c, mx_array a);               /* of a's shape and dtype */
mx_array mxi_move_axis(struct mxi_ctx *c, mx_array a, int from, int to); /* both in range */
mx_array mxi_permute(struct mxi_ctx *c, mx_array a, const struct mxi_params_perm *p);
mx_array mxi_slice_of(struct mxi_ctx *c, mx_array a, const int64_t *shape, const struct mxi_params_slice *p);
/* `a` with what p and update's shape select replaced by `update`, of a's dtype. */
mx_array mxi_slice_put(struct mxi_ctx *c, mx_array a, mx_array update, const struct mxi_params_slice *p);
/* `a` without axes of size 1 in front of its last ndim ones, as broadcasting an update allows. */
mx_array mxi_drop_ones(struct mxi_ctx *c, mx_array a, int ndim);
/* Elements [begin, end) along an axis. */
mx_array mxi_narrow(struct mxi_ctx *c, mx_array a, int axis, int64_t begin, int64_t end);

/* The jvp of a linear operation of one operand: the same operation on the tangent. */
bool mxi_same_on_tangent(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                         mx_array *output_tangents);

/* For vmap rules. The size of the mapped axis; then each operand with that axis in front, broadcast along it where the
 * operand is not mapped. */
int64_t mxi_batch_size(const mx_array *inputs, const int *in_axes, size_t count);
mx_array mxi_batch_first(struct mxi_ctx *c, mx_array a, int axis, int64_t size);

#endif

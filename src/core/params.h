/* The parameters of primitives: plain data, copied into the node, read by rules, planner and kernels. Structs of at
 * most 8 bytes stay inside the node. An axis is counted from the start here. */
#ifndef MXI_CORE_PARAMS_H
#define MXI_CORE_PARAMS_H

#include "core/node.h"

struct mxi_params_axes { uint64_t mask; };              /* sum prod max min all any logsumexp softmax: bit i is axis i */
struct mxi_params_axis { int32_t axis, option; };       /* sort argsort concatenate argmax ...; option by primitive */
struct mxi_params_partition { int32_t axis, kth; };
struct mxi_params_scan { int32_t axis; int16_t reverse, inclusive; };
struct mxi_params_softmax { uint64_t mask; int64_t precise; };
struct mxi_params_perm { int32_t axis[MXI_MAX_NDIM]; }; /* transpose: result axis i is input axis axis[i] */
struct mxi_params_slice { int64_t start[MXI_MAX_NDIM], step[MXI_MAX_NDIM]; }; /* slice, slice_update: normalised;
                                                                                 start is an index, step may be < 0 */
struct mxi_params_strided { int64_t strides[MXI_MAX_NDIM], offset; };         /* elements */
struct mxi_params_pad { int64_t before[MXI_MAX_NDIM], after[MXI_MAX_NDIM]; }; /* inputs: a, 0-d value */
struct mxi_params_arange { double start, step; int64_t istart, istep; };      /* integers use the latter two */
struct mxi_params_bits { int32_t width; int32_t unused; };                    /* bytes an item: 1 2 4 */
struct mxi_params_output { int64_t index; };

/* gather: inputs a, indices[0..k). Result shape: broadcast shape of the indices, then slice_sizes (one per axis of a).
 * axes[i] is the axis that indices[i] walks. scatter: inputs a, updates, indices[0..k); updates have that same shape. */
struct mxi_params_gather {
  int32_t index_count, mode; /* mode: enum mxi_scatter_mode */
  int32_t axes[MXI_MAX_NDIM];
  int64_t slice_sizes[MXI_MAX_NDIM];
};
enum mxi_scatter_mode { MXI_SCATTER_ASSIGN, MXI_SCATTER_ADD, MXI_SCATTER_MULTIPLY, MXI_SCATTER_MAX, MXI_SCATTER_MIN };
/* gather_axis: inputs a, indices. scatter_axis: inputs a, indices, updates (option: enum mxi_scatter_mode). Both use
 * mxi_params_axis. searchsorted: inputs sorted (1-d), values; option 1 is side right. matmul has no parameters: inputs
 * a, b of rank >= 1 after promotion to one float or complex dtype; solve: a, b; svd: option compute_uv. */
struct mxi_params_linalg { int32_t upper, option; };

#endif

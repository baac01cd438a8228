/* Makers of gather and scatter nodes, for builders and rules: they check nothing. */
#ifndef MXI_OPS_INDEX_H
#define MXI_OPS_INDEX_H

#include "ops/layout.h"

/* inputs: a, then p->index_count arrays of indices. */
mx_array mxi_gather_made(struct mxi_ctx *c, const mx_array *inputs, const struct mxi_params_gather *p);
/* inputs: a, updates, then the indices. */
mx_array mxi_scatter_made(struct mxi_ctx *c, const mx_array *inputs, const struct mxi_params_gather *p);
/* result[.., i, ..] = a[.., indices[.., i, ..], ..]; shapes agree beside the axis. */
mx_array mxi_gather_axis_made(struct mxi_ctx *c, mx_array a, mx_array indices, int axis);
/* a[.., indices[.., i, ..], ..] = updates[.., i, ..], or what `mode` says. */
mx_array mxi_scatter_axis_made(struct mxi_ctx *c, mx_array a, mx_array indices, mx_array updates, int axis,
                               enum mxi_scatter_mode mode);
/* False with MX_ERR_DTYPE unless `indices` are integers. */
bool mxi_index_dtype(struct mxi_ctx *c, const char *who, mx_array indices);

#endif

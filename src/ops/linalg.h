/* What the files of this family share. A NULL operand gives NULL. */
#ifndef MXI_OPS_LINALG_H
#define MXI_OPS_LINALG_H

#include "ops/layout.h"
#include "ops/matmul.h"

/* `a` as a plain array of float32 or float64 with at least two axes, square where `square`; else NULL with an error. */
mx_array mxi_linalg_matrix(struct mxi_ctx *c, const char *who, mx_array a, bool square);
/* The node of an operation on operands that are as its kernel wants them. */
mx_array mxi_linalg_solve_node(struct mxi_ctx *c, int op, mx_array a, mx_array b, bool upper);
mx_array mxi_linalg_unary_node(struct mxi_ctx *c, int op, mx_array a, bool upper);

/* Batching, for operations whose leading axes are a batch: the mapped axis goes in front. */
bool mxi_linalg_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes);

#endif

/* What the files of this family, and linear algebra, share. A NULL operand gives NULL. */
#ifndef MXI_OPS_MATMUL_H
#define MXI_OPS_MATMUL_H

#include "core/prim.h"
#include "ops/builders.h"

mx_status mxi_einsum_path(struct mxi_ctx *c, const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2],
                          mx_einsum_cost *cost);

/* matmul, in whose errors `who` stands. */
mx_array mxi_matmul_named(struct mxi_ctx *c, const char *who, mx_array a, mx_array b);
/* The last two axes exchanged. */
mx_array mxi_matrix_t(struct mxi_ctx *c, mx_array a);
/* The complex conjugate; any other array itself. */
mx_array mxi_conjugated(struct mxi_ctx *c, mx_array a);

#endif

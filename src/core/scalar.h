/* Scalars held in their node. */
#ifndef MXI_CORE_SCALAR_H
#define MXI_CORE_SCALAR_H

#include "core/node.h"

mx_array mxi_scalar_node(struct mxi_ctx *c, mx_dtype dtype, uint8_t flags); /* value 0 */
mx_array mxi_weak(struct mxi_ctx *c, enum mxi_kind kind, int64_t i, double re, double im);
/* The dtype of an operation between a literal and an operand of dtype `other`. */
mx_dtype mxi_weak_result(const struct mx_array_ *weak, mx_dtype other);
void mxi_scalar_store(const struct mx_array_ *a, void *out); /* one element, in a's dtype */
/* Truncates; out of range and NaN give the minimum of int32 (int64 for wide targets), low bits kept. */
int64_t mxi_float_to_int(double v, mx_dtype dtype);
struct mxi_extra *mxi_node_extra(mx_array a); /* made when missing; NULL without memory */

#endif

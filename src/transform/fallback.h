/* Derivatives of primitives that have no rule for them, by their fallback: the same operation said with others. */
#ifndef MXI_TRANSFORM_FALLBACK_H
#define MXI_TRANSFORM_FALLBACK_H

#include "core/prim.h"

/* As the rules of mica/extend.h; the primitive has a fallback. */
bool mxi_fallback_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                      mx_array *grads);
bool mxi_fallback_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *output_tangents);

#endif

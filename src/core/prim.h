/* Primitives: what can stand in a node (struct mx_prim, mica/extend.h). A primitive is a constant struct beside its
 * builder in ops/; the list of all of them, and so their numbers, is core/prims.def. Kernels are found by number in the
 * backend's table. */
#ifndef MXI_CORE_PRIM_H
#define MXI_CORE_PRIM_H

#include <mica/extend.h>

#include "core/ctx.h"
#include "core/params.h"

enum mxi_op {
  MXI_OP_NONE,
#define OP(name, arity, rule, lo, hi, ulp, doc) MXI_OP_##name,
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
  MXI_OP_ELEMENTWISE_END, /* rows of elementwise.def come before this, primitives after */
#define PRIM(name) MXI_OP_##name,
#include "core/prims.def"
#undef PRIM
  MXI_OP_COUNT
};

static inline bool mxi_is_elementwise(int op) { return op > MXI_OP_NONE && op < MXI_OP_ELEMENTWISE_END; }

/* Indexed by enum mxi_op; registered ones follow (core/registry.h). Defined in init.c. */
extern const struct mx_prim *mxi_prims[MX_OP_MAX];

#endif

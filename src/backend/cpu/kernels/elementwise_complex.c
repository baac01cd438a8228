/* Rows of complex64. */
#include "elementwise_loops.h"

#define OP(name, arity, rule, lo, hi, ulp, doc)
#define D(name, operand, partial)
#define K(name, class, formula) K_##class(name, formula)
#define K_C(name, formula) KERNEL(name, c64, mxi_c64, uint64_t, formula)
#define K_A(name, formula) SELECT_KERNEL(name, c64, mxi_c64, formula)
#define K_B(name, formula)
#define K_E(name, formula)
#define K_U(name, formula)
#define K_S(name, formula)
#define K_I(name, formula)
#define K_F(name, formula)
#define K_D(name, formula)
#define K_R(name, formula)
#define K_L(name, formula)
#define K_Q(name, formula)
#include "core/elementwise.def"
#undef K
#undef K_C
#undef K_A

#define K(name, class, formula) K_##class(name, formula)
#define K_C(name, formula) [MXI_OP_##name][MX_COMPLEX64] = name##_c64,
#define K_A(name, formula) K_C(name, formula)
const struct mxi_ew_rows MXI_ISA_NAME(mxi_ew_complex_rows) = {{
#include "core/elementwise.def"
}};

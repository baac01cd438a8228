/* Rows of bool, kept as bytes of 0 and 1, and of the eight integer dtypes. */
#include "elementwise_loops.h"

#define OP(name, arity, rule, lo, hi, ulp, doc)
#define D(name, operand, partial)
#define K(name, class, formula) K_##class(name, formula)
#define K_B(name, formula) KERNEL(name, b8, uint8_t, uint8_t, formula)
#define K_U(name, formula)                                                                                             \
  KERNEL(name, u8, uint8_t, uint8_t, formula)                                                                          \
  KERNEL(name, u16, uint16_t, uint16_t, formula)                                                                       \
  KERNEL(name, u32, uint32_t, uint32_t, formula)                                                                       \
  KERNEL(name, u64, uint64_t, uint64_t, formula)
#define K_S(name, formula)                                                                                             \
  KERNEL(name, i8, int8_t, uint8_t, formula)                                                                           \
  KERNEL(name, i16, int16_t, uint16_t, formula)                                                                        \
  KERNEL(name, i32, int32_t, uint32_t, formula)                                                                        \
  KERNEL(name, i64, int64_t, uint64_t, formula)
#define K_I(name, formula) K_U(name, formula) K_S(name, formula)
#define K_A(name, formula)                                                                                             \
  SELECT_KERNEL(name, u8, uint8_t, formula)                                                                            \
  SELECT_KERNEL(name, u16, uint16_t, formula)                                                                          \
  SELECT_KERNEL(name, u32, uint32_t, formula)                                                                          \
  SELECT_KERNEL(name, u64, uint64_t, formula)
#define K_E(name, formula) KERNEL(name, u8, uint8_t, uint8_t, formula)
#define K_F(name, formula)
#define K_D(name, formula)
#define K_R(name, formula)
#define K_L(name, formula)
#define K_Q(name, formula)
#define K_C(name, formula)
#include "core/elementwise.def"
#undef K
#undef K_B
#undef K_E
#undef K_U
#undef K_S
#undef K_A

#define ROW(name, dtype, kernel) [MXI_OP_##name][dtype] = kernel,
#define K(name, class, formula) K_##class(name, formula)
#define K_B(name, formula) ROW(name, MX_BOOL, name##_b8)
#define K_E(name, formula) ROW(name, MX_UINT8, name##_u8)
#define K_U(name, formula)                                                                                             \
  ROW(name, MX_UINT8, name##_u8)                                                                                       \
  ROW(name, MX_UINT16, name##_u16) ROW(name, MX_UINT32, name##_u32) ROW(name, MX_UINT64, name##_u64)
#define K_S(name, formula)                                                                                             \
  ROW(name, MX_INT8, name##_i8)                                                                                        \
  ROW(name, MX_INT16, name##_i16) ROW(name, MX_INT32, name##_i32) ROW(name, MX_INT64, name##_i64)
#define K_A(name, formula)                                                                                             \
  ROW(name, MX_BOOL, name##_u8) K_U(name, formula)                                                                     \
  ROW(name, MX_INT8, name##_u8)                                                                                        \
  ROW(name, MX_INT16, name##_u16) ROW(name, MX_INT32, name##_u32) ROW(name, MX_INT64, name##_u64)
const struct mxi_ew_rows MXI_ISA_NAME(mxi_ew_int_rows) = {{
#include "core/elementwise.def"
}};

/* Rows of float32, which also serves both halves, and of float64. */
#include "elementwise_loops.h"

/* A function that vmath has for whole lines, where the usual arguments are much cheaper than the rare ones. */
#define LINE_KERNEL(name, suffix)                                                           \
  static void name##_##suffix(void *out, const void *const *in, unsigned mask, size_t n) { \
    (void)mask;                                                                             \
    vm_##name##_##suffix##_n(out, in[0], n);                                                \
  }

/* Whether s is a power of two whose reciprocal is a normal number: then a / s and a * (1 / s) have the same bits. */
EW_FN int has_exact_inverse_f32(float s) {
  uint32_t bits = vm_bits_f32(s), exponent = bits >> 23 & 0xff;
  return (bits & 0x7fffff) == 0 && exponent >= 1 && exponent <= 253;
}
EW_FN int has_exact_inverse_f64(double s) {
  uint64_t bits = vm_bits_f64(s), exponent = bits >> 52 & 0x7ff;
  return (bits & 0xfffffffffffff) == 0 && exponent >= 1 && exponent <= 2045;
}

/* Quotients by one number, which is often such a power: a product costs a fraction of a division. */
#define QUOTIENT_KERNEL(name, suffix, type, unsigned_type, formula)                                \
  KERNEL(name, suffix, type, unsigned_type, formula)                                               \
  static void name##_scaling_##suffix(void *out, const void *const *in, unsigned mask, size_t n) { \
    const type s = *(const mem_##suffix *)in[1], inverse = 1 / s;                                  \
    if (mask == 2 && has_exact_inverse_##suffix(s))                                                \
      multiply_##suffix(out, (const void *const[]){in[0], &inverse}, mask, n);                     \
    else                                                                                           \
      name##_##suffix(out, in, mask, n);                                                           \
  }

#define OP(name, arity, rule, lo, hi, ulp, doc)
#define D(name, operand, partial)
#define K(name, class, formula) K_##class(name, formula)
#define K_F(name, formula) KERNEL(name, f32, float, uint32_t, formula)
#define K_D(name, formula) KERNEL(name, f64, double, uint64_t, formula)
#define K_R(name, formula) K_F(name, formula) K_D(name, formula)
#define K_L(name, formula) LINE_KERNEL(name, f32) LINE_KERNEL(name, f64)
#define K_Q(name, formula) \
  QUOTIENT_KERNEL(name, f32, float, uint32_t, formula) QUOTIENT_KERNEL(name, f64, double, uint64_t, formula)
#define K_A(name, formula) SELECT_KERNEL(name, f32, float, formula) SELECT_KERNEL(name, f64, double, formula)
#define K_B(name, formula)
#define K_E(name, formula)
#define K_U(name, formula)
#define K_S(name, formula)
#define K_I(name, formula)
#define K_C(name, formula)
#include "core/elementwise.def"
#undef K
#undef K_F
#undef K_D
#undef K_L
#undef K_Q
#undef K_A

#define ROW(name, dtype, kernel) [MXI_OP_##name][dtype] = kernel,
#define K(name, class, formula) K_##class(name, formula)
#define K_F(name, formula)                                                                                             \
  ROW(name, MX_FLOAT32, name##_f32) ROW(name, MX_FLOAT16, name##_f32) ROW(name, MX_BFLOAT16, name##_f32)
#define K_D(name, formula) ROW(name, MX_FLOAT64, name##_f64)
#define K_L(name, formula) K_R(name, formula)
#define K_Q(name, formula)                                                                              \
  ROW(name, MX_FLOAT32, name##_scaling_f32)                                                             \
  ROW(name, MX_FLOAT16, name##_scaling_f32) ROW(name, MX_BFLOAT16, name##_scaling_f32)                  \
  ROW(name, MX_FLOAT64, name##_scaling_f64)
#define K_A(name, formula) K_R(name, formula)
const struct mxi_ew_rows MXI_ISA_NAME(mxi_ew_float_rows) = {{
#include "core/elementwise.def"
}};

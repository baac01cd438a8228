/* The vocabulary of formulas in core/elementwise.def. Words work on every compute type they make sense for; they
 * evaluate an operand more than once and contain no branch, so that a loop over a formula becomes vector code. */
#ifndef MXI_KERNELS_ELEMENTWISE_WORDS_H
#define MXI_KERNELS_ELEMENTWISE_WORDS_H

#include "core/dtype.h"
#include "elementwise_math.h"

#define EW_FN static inline __attribute__((always_inline, unused))

#define W ((unsigned)(8 * sizeof(T))) /* bits of the compute type */
#define SCALAR(x) (x)
#define SEL(condition, x, y) ((condition) ? (x) : (y))
#define AND(x, y) ((x) & (y))
#define OR(x, y) ((x) | (y))
#define NOT(x) (!(x))
#define EQ(x, y) ((x) == (y))
#define NE(x, y) ((x) != (y))
#define LT(x, y) ((x) < (y))
#define LE(x, y) ((x) <= (y))

/* ---- Complex numbers --------------------------------------------------------------------------------------------- */
EW_FN mxi_c64 c_make(float re, float im) { return (mxi_c64){re, im}; }
EW_FN mxi_c64 c_add(mxi_c64 a, mxi_c64 b) { return c_make(a.re + b.re, a.im + b.im); }
EW_FN mxi_c64 c_sub(mxi_c64 a, mxi_c64 b) { return c_make(a.re - b.re, a.im - b.im); }
EW_FN mxi_c64 c_neg(mxi_c64 a) { return c_make(-a.re, -a.im); }

/* The sign is flipped by hand, since gcc 12 fuses the product into an alternating add and subtract against orders. */
EW_FN mxi_c64 c_mul(mxi_c64 a, mxi_c64 b) {
  float minus = vm_from_bits_f32(vm_bits_f32(a.im * b.im) ^ VM_SIGN_F32);
  return c_make(a.re * b.re + minus, a.re * b.im + a.im * b.re);
}

/* In double, where no product or sum of squares of floats overflows or vanishes. */
EW_FN mxi_c64 c_div(mxi_c64 a, mxi_c64 b) {
  double ar = a.re, ai = a.im, br = b.re, bi = b.im, norm = br * br + bi * bi;
  return c_make((float)((ar * br + ai * bi) / norm), (float)((ai * br - ar * bi) / norm));
}

#endif

/* Which function stands behind each word for an elementary function, by compute type. */
#ifndef MXI_KERNELS_ELEMENTWISE_MATH_H
#define MXI_KERNELS_ELEMENTWISE_MATH_H

#include <complex.h>
#include <math.h>
#undef I

#include "core/dtype.h"
#include "vmath.h"

static inline __attribute__((unused)) mxi_c64 ew_cexp(mxi_c64 a) {
  float complex z = cexpf(__builtin_complex(a.re, a.im));
  return (mxi_c64){crealf(z), cimagf(z)};
}

#define EXP(x) _Generic((x), float: vm_exp_f32, double: exp, mxi_c64: ew_cexp)(x)

#endif

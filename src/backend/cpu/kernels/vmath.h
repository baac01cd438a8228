/* Elementary functions for kernels: vm_<name>_f32, vm_<name>_f64 and vm_<name>_c64, for one element each, all inline
 * and free of branches, so that `for (i < n) y[i] = vm_exp_f32(x[i]);` becomes vector code. Their errors are listed in
 * docs/numerics.md and checked by tests/c/t_vmath.c and tests/c/long_vmath.c. */
#ifndef MXI_KERNELS_VMATH_H
#define MXI_KERNELS_VMATH_H

#include "vmath_f32.h"
#include "vmath_f64.h"
#include "vmath_mid.h"
#include "vmath_erf.h"
#include "vmath_pow.h"
#include "vmath_trig.h"
#include "vmath_arc.h"
#include "vmath_remainder.h"

#endif

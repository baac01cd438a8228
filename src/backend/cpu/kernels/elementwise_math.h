/* Which function stands behind each word for an elementary function, by compute type. */
#ifndef MXI_KERNELS_ELEMENTWISE_MATH_H
#define MXI_KERNELS_ELEMENTWISE_MATH_H

#include "core/dtype.h"
#include "vmath.h"
#include "vmath_c64.h"

#define REAL_WORD(x, name) _Generic((x), float: vm_##name##_f32, double: vm_##name##_f64)
#define ANY_WORD(x, name) _Generic((x), float: vm_##name##_f32, double: vm_##name##_f64, mxi_c64: vm_##name##_c64)

#define FABS(x) ANY_WORD(x, abs)(x)
#define FLOOR(x) REAL_WORD(x, floor)(x)
#define CEIL(x) REAL_WORD(x, ceil)(x)
#define TRUNC(x) REAL_WORD(x, trunc)(x)
#define EXPM1(x) REAL_WORD(x, expm1)(x)
#define SIGMOID(x) REAL_WORD(x, sigmoid)(x)
#define ERF(x) REAL_WORD(x, erf)(x)
#define ERFINV(x) REAL_WORD(x, erfinv)(x)
#define RINT(x) ANY_WORD(x, rint)(x)
#define SQRT(x) ANY_WORD(x, sqrt)(x)
#define RSQRT(x) ANY_WORD(x, rsqrt)(x)
#define EXP(x) ANY_WORD(x, exp)(x)
#define LOG(x) ANY_WORD(x, log)(x)
#define LOG2(x) ANY_WORD(x, log2)(x)
#define LOG10(x) ANY_WORD(x, log10)(x)
#define LOG1P(x) ANY_WORD(x, log1p)(x)
#define SIN(x) ANY_WORD(x, sin)(x)
#define COS(x) ANY_WORD(x, cos)(x)
#define TAN(x) ANY_WORD(x, tan)(x)
#define ASIN(x) ANY_WORD(x, arcsin)(x)
#define ACOS(x) ANY_WORD(x, arccos)(x)
#define ATAN(x) ANY_WORD(x, arctan)(x)
#define SINH(x) ANY_WORD(x, sinh)(x)
#define COSH(x) ANY_WORD(x, cosh)(x)
#define TANH(x) ANY_WORD(x, tanh)(x)
#define ASINH(x) ANY_WORD(x, arcsinh)(x)
#define ACOSH(x) ANY_WORD(x, arccosh)(x)
#define ATANH(x) ANY_WORD(x, arctanh)(x)
#define POW(x, y) ANY_WORD(x, pow)(x, y)
#define LOGADDEXP(x, y) ANY_WORD(x, logaddexp)(x, y)
#define ATAN2(x, y) REAL_WORD(x, atan2)(x, y)
#define MOD(x, y) REAL_WORD(x, remainder)(x, y)

#endif

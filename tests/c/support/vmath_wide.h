/* A float64 reference for float32 functions, many arguments at a time: the vector functions of the C library, whose error
 * of at most 4 ulp of float64 is 2^-27 ulp of float32. Only where their library, or a function of it, is missing are the
 * ordinary functions called one by one. Start at wide_open. */
#ifndef MXI_TESTS_VMATH_WIDE_H
#define MXI_TESTS_VMATH_WIDE_H

#include <stdbool.h>
#include <stddef.h>

enum wide_function {
#define ROW(name, oracle, bound32, bound64) WIDE_##name,
#include "vmath_functions.h"
#undef ROW
  WIDE_COUNT
};

enum { WIDE_BLOCK = 1024 };

#define WIDE_ERROR 0x1p-27 /* of the reference, in ulp of float32 */

/* Looks for the vector functions; false if there are none. */
bool wide_open(void);

/* r[i] = function(x[i]) for i < WIDE_BLOCK */
void wide_reference(enum wide_function f, double *r, const float *x);

/* The largest of ulp_error_f32(y[i], r[i]) for i < WIDE_BLOCK */
double wide_worst(const float *y, const double *r);

#endif

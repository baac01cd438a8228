/* Does an answer agree with a recorded case? Exact cases compare bits; near ones compare with the float64 reference, or
 * with MLX's value, within a bound that golden_bounds.c derives; unordered ones by what sorting promises. */
#ifndef MICA_TESTS_GOLDEN_COMPARE_H
#define MICA_TESTS_GOLDEN_COMPARE_H

#include "golden_call.h"

/* Writes why not to `reason`. Takes a pending error as the answer. */
bool golden_agrees(struct golden_call *k, char *reason, size_t size);

/* Element i of host data as a double; `part` 1 is the imaginary one. */
double golden_element(int dtype, const void *data, int64_t i, int part);

/* How far a value may be from its target: `ulps` in the last place of the result's dtype, and `absolute`. */
struct golden_bound {
  double ulps, absolute;
};
struct golden_bound golden_bound_of(const struct golden_call *k, size_t output, double target);

/* Digits after the leading one, and the exponent of the smallest normal number, of a float or complex dtype. */
int golden_digits(int dtype);
int golden_lowest(int dtype);

#endif

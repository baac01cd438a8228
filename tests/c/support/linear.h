/* Checks of derivative and vmap rules that need no tolerance: a linear function is its own jvp, its vjp is its adjoint,
 * and both are exact on small integers; vmap of a node is the node on each item. Used by t_layout.c and t_index.c. */
#ifndef MICA_TESTS_LINEAR_H
#define MICA_TESTS_LINEAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/prim.h"

typedef mx_array (*linear_fn)(mx_array x);
typedef mx_array (*node_fn)(const mx_array *in); /* makes one node whose inputs are `in`, in order */

/* Numbers from -8 to 8 in `dtype`. */
mx_array linear_numbers(mx_ints shape, mx_dtype dtype, uint64_t seed);
/* f at `x` of `shape`, float64. */
void linear_check(const char *name, linear_fn f, mx_ints shape);
/* f of `count` operands; batches[i] carries the mapped axis at axes[i]. Tries every set of mapped operands. */
void vmap_check(const char *name, node_fn f, const mx_array *batches, const int *axes, size_t count);

#endif

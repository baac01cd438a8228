/* The operations, one documented prototype each; <mica.h> includes this. Printed by tools/opgen from
 * src/core/elementwise.def and src/ops/ops.def: edit those. */
#ifndef MICA_OPS_H
#define MICA_OPS_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Elementwise; operands broadcast against each other */
/** a + b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_add(mx_array a, mx_array b);
/** a - b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_subtract(mx_array a, mx_array b);
/** a * b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_multiply(mx_array a, mx_array b);
/** a / b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_divide(mx_array a, mx_array b);
/** a * a.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_square(mx_array a);
/** -a; unsigned integers wrap.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_negative(mx_array a);
/** e ** a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_exp(mx_array a);
/** 1 / (1 + e ** -a).  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_sigmoid(mx_array a);

/* ---- The rest */
/** `a` converted to `dtype`.  [lazy; fails: memory]
 *  dtype: floats to integers are truncated; complex to others keeps the real part; to bool tests for not zero. */
MX_API mx_array mx_astype(mx_array a, mx_dtype dtype);
/** `a`, as a constant to differentiation.  [lazy; fails: memory] */
MX_API mx_array mx_stop_gradient(mx_array a);
/** 1 / a.  [lazy; fails: memory]
 *  dtype: bool and integers give float32, the rest keep theirs. */
MX_API mx_array mx_reciprocal(mx_array a);
/** `a` with another shape, elements in row-major order; one -1 is inferred.  [lazy; fails: shape memory]
 *  error: MX_ERR_SHAPE if the sizes differ. */
MX_API mx_array mx_reshape(mx_array a, mx_ints shape);
/** `a` with its axes permuted; MX_ALL reverses them.  [lazy; fails: value memory]
 *  error: MX_ERR_VALUE if `axes` is not a permutation. */
MX_API mx_array mx_transpose(mx_array a, mx_ints axes);
/** Sum of `a` over `axes`.  [lazy; fails: shape dtype memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool and small integers widen to int32, the rest keep theirs.
 *  error: MX_ERR_VALUE if an axis is out of range or named twice. */
MX_API mx_array mx_sum(mx_array a, mx_ints axes, bool keepdims);

#ifdef __cplusplus
}
#endif

#endif

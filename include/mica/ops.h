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
/** a / b rounded down; x // 0 is 0 for integers.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_floor_divide(mx_array a, mx_array b);
/** a modulo b, with the sign of b; x % 0 is x for integers.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_remainder(mx_array a, mx_array b);
/** a ** b; integer a ** negative is 0.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_power(mx_array a, mx_array b);
/** a * a.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_square(mx_array a);
/** -a; unsigned integers wrap.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_negative(mx_array a);
/** |a|; the modulus of a complex number.  [lazy; fails: dtype memory]
 *  dtype: promoted; complex64 gives float32. */
MX_API mx_array mx_abs(mx_array a);
/** -1, 0 or 1; a / |a| for complex numbers.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_sign(mx_array a);
/** The larger of a and b; NaN wins, complex numbers compare by parts.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_maximum(mx_array a, mx_array b);
/** The smaller of a and b; NaN wins, complex numbers compare by parts.  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_minimum(mx_array a, mx_array b);
/** The square root of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_sqrt(mx_array a);
/** 1 / sqrt(a).  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_rsqrt(mx_array a);
/** e ** a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_exp(mx_array a);
/** e ** a - 1, exact near 0.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_expm1(mx_array a);
/** The natural logarithm of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_log(mx_array a);
/** The base-2 logarithm of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_log2(mx_array a);
/** The base-10 logarithm of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_log10(mx_array a);
/** log(1 + a), exact near 0.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_log1p(mx_array a);
/** log(e**a + e**b) without overflow.  [lazy; fails: shape dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_logaddexp(mx_array a, mx_array b);
/** 1 / (1 + e ** -a).  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_sigmoid(mx_array a);
/** The error function of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_erf(mx_array a);
/** The inverse of erf.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_erfinv(mx_array a);
/** The sine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_sin(mx_array a);
/** The cosine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_cos(mx_array a);
/** The tangent of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_tan(mx_array a);
/** The inverse sine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arcsin(mx_array a);
/** The inverse cosine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arccos(mx_array a);
/** The inverse tangent of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arctan(mx_array a);
/** The angle of the point (b, a).  [lazy; fails: shape dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arctan2(mx_array a, mx_array b);
/** The hyperbolic sine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_sinh(mx_array a);
/** The hyperbolic cosine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_cosh(mx_array a);
/** The hyperbolic tangent of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_tanh(mx_array a);
/** The inverse hyperbolic sine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arcsinh(mx_array a);
/** The inverse hyperbolic cosine of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arccosh(mx_array a);
/** The inverse hyperbolic tangent of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; bool and integers give float32. */
MX_API mx_array mx_arctanh(mx_array a);
/** a rounded down.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_floor(mx_array a);
/** a rounded up.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_ceil(mx_array a);
/** a rounded towards 0.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_trunc(mx_array a);
/** The real part of a.  [lazy; fails: dtype memory]
 *  dtype: promoted; complex64 gives float32. */
MX_API mx_array mx_real(mx_array a);
/** The imaginary part of a; 0 where a is not complex.  [lazy; fails: dtype memory]
 *  dtype: promoted; complex64 gives float32. */
MX_API mx_array mx_imag(mx_array a);
/** a with the sign of its imaginary part changed.  [lazy; fails: dtype memory]
 *  dtype: promoted. */
MX_API mx_array mx_conjugate(mx_array a);
/** a == b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_equal(mx_array a, mx_array b);
/** a != b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_not_equal(mx_array a, mx_array b);
/** a < b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_less(mx_array a, mx_array b);
/** a <= b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_less_equal(mx_array a, mx_array b);
/** a > b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_greater(mx_array a, mx_array b);
/** a >= b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands are promoted first. */
MX_API mx_array mx_greater_equal(mx_array a, mx_array b);
/** a and b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands count as true where not zero. */
MX_API mx_array mx_logical_and(mx_array a, mx_array b);
/** a or b.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands count as true where not zero. */
MX_API mx_array mx_logical_or(mx_array a, mx_array b);
/** a or b, not both.  [lazy; fails: shape dtype memory]
 *  dtype: bool; operands count as true where not zero. */
MX_API mx_array mx_logical_xor(mx_array a, mx_array b);
/** not a.  [lazy; fails: dtype memory]
 *  dtype: bool; operands count as true where not zero. */
MX_API mx_array mx_logical_not(mx_array a);
/** a & b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted; floats and complex are refused. */
MX_API mx_array mx_bitwise_and(mx_array a, mx_array b);
/** a | b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted; floats and complex are refused. */
MX_API mx_array mx_bitwise_or(mx_array a, mx_array b);
/** a ^ b.  [lazy; fails: shape dtype memory]
 *  dtype: promoted; floats and complex are refused. */
MX_API mx_array mx_bitwise_xor(mx_array a, mx_array b);
/** ~a; not a for bool.  [lazy; fails: dtype memory]
 *  dtype: promoted; floats and complex are refused. */
MX_API mx_array mx_bitwise_invert(mx_array a);
/** a << b; 0 where b is not in [0, width).  [lazy; fails: shape dtype memory]
 *  dtype: promoted, bool as uint8; floats and complex are refused. */
MX_API mx_array mx_left_shift(mx_array a, mx_array b);
/** a >> b; where b is not in [0, width): 0, or -1 for negative a.  [lazy; fails: shape dtype memory]
 *  dtype: promoted, bool as uint8; floats and complex are refused. */
MX_API mx_array mx_right_shift(mx_array a, mx_array b);
/** Whether a is NaN; for complex numbers, either part.  [lazy; fails: dtype memory]
 *  dtype: bool. */
MX_API mx_array mx_isnan(mx_array a);
/** Whether a is infinite; for complex numbers, either part.  [lazy; fails: dtype memory]
 *  dtype: bool. */
MX_API mx_array mx_isinf(mx_array a);
/** Whether a is neither infinite nor NaN; for complex numbers, both parts.  [lazy; fails: dtype memory]
 *  dtype: bool. */
MX_API mx_array mx_isfinite(mx_array a);
/** Whether a is +infinity.  [lazy; fails: dtype memory]
 *  dtype: bool. */
MX_API mx_array mx_isposinf(mx_array a);
/** Whether a is -infinity.  [lazy; fails: dtype memory]
 *  dtype: bool. */
MX_API mx_array mx_isneginf(mx_array a);
/** a where the condition holds, b elsewhere.  [lazy; fails: shape dtype memory]
 *  dtype: `a` and `b` promoted; `condition` counts as true where not zero. */
MX_API mx_array mx_where(mx_array condition, mx_array a, mx_array b);
/** a as float8 with 4 bits of exponent and 3 of fraction; beyond 448 saturates.  [lazy; fails: dtype memory]
 *  dtype: uint8; floats only. */
MX_API mx_array mx_to_fp8(mx_array a);

/* ---- The rest */
/** `a` converted to `dtype`.  [lazy; fails: dtype memory]
 *  dtype: floats to integers are truncated; complex to others keeps the real part; to bool tests for not zero. */
MX_API mx_array mx_astype(mx_array a, mx_dtype dtype);
/** `a`, as a constant to differentiation.  [lazy; fails: memory] */
MX_API mx_array mx_stop_gradient(mx_array a);
/** `a` itself.  [lazy; fails: memory] */
MX_API mx_array mx_positive(mx_array a);
/** 1 / a.  [lazy; fails: memory]
 *  dtype: bool and integers give float32, the rest keep theirs. */
MX_API mx_array mx_reciprocal(mx_array a);
/** `a` from radians to degrees.  [lazy; fails: memory]
 *  dtype: bool and integers give float32. */
MX_API mx_array mx_degrees(mx_array a);
/** `a` from degrees to radians.  [lazy; fails: memory]
 *  dtype: bool and integers give float32. */
MX_API mx_array mx_radians(mx_array a);
/** `a` rounded to `decimals` decimals, halves to even; complex numbers by parts.  [lazy; fails: memory]
 *  dtype: kept; integers change only where `decimals` is negative. */
MX_API mx_array mx_round(mx_array a, int decimals);
/** minimum(maximum(a, a_min), a_max); a NULL bound is none.  [lazy; fails: shape value memory]
 *  dtype: promoted.
 *  error: MX_ERR_VALUE if both bounds are NULL. */
MX_API mx_array mx_clip(mx_array a, mx_array a_min, mx_array a_max);
/** `a` with NaN and the infinities replaced; by 0, and by the largest and lowest finite number, where NULL.  [lazy; fails: shape memory]
 *  dtype: kept; integers are returned as they are. */
MX_API mx_array mx_nan_to_num(mx_array a, mx_array nan, mx_array posinf, mx_array neginf);
/** abs(a - b) <= atol + rtol * abs(b); equal infinities are close, and NaNs where `equal_nan`.  [lazy; fails: shape memory]
 *  dtype: bool. */
MX_API mx_array mx_isclose(mx_array a, mx_array b, double rtol, double atol, bool equal_nan);
/** floor_divide(a, b) and remainder(a, b).  [lazy; fails: shape dtype memory]
 *  dtype: promoted. */
MX_API mx_status mx_divmod(mx_array a, mx_array b, mx_array *quotient_and_remainder);
/** Float8 bits (see mx_to_fp8) as numbers.  [lazy; fails: dtype memory]
 *  error: MX_ERR_DTYPE unless `a` is uint8 and `dtype` a float. */
MX_API mx_array mx_from_fp8(mx_array a, mx_dtype dtype);
/** `a` with another shape, elements in row-major order; one -1 is inferred.  [lazy; fails: shape memory]
 *  error: MX_ERR_SHAPE if the sizes differ. */
MX_API mx_array mx_reshape(mx_array a, mx_ints shape);
/** `a` with its axes permuted; MX_ALL reverses them.  [lazy; fails: value memory]
 *  error: MX_ERR_VALUE if `axes` is not a permutation. */
MX_API mx_array mx_transpose(mx_array a, mx_ints axes);
/** `a` repeated along new axes in front and along its axes of size 1.  [lazy; fails: shape memory] */
MX_API mx_array mx_broadcast_to(mx_array a, mx_ints shape);
/** The arrays, broadcast to the one shape that they agree on.  [lazy; fails: shape memory] */
MX_API mx_status mx_broadcast_arrays(const mx_array *arrays, size_t count, mx_array *results);
/** `a`, in row-major memory.  [lazy; fails: memory] */
MX_API mx_array mx_contiguous(mx_array a);
/** `a` with its axes from `start_axis` to `end_axis` merged; axes out of range count as the nearest.  [lazy; fails: value memory]
 *  shape: a 0-d array gives (1,). */
MX_API mx_array mx_flatten(mx_array a, int start_axis, int end_axis);
/** `a` with `axis` split into `shape`; one -1 is inferred.  [lazy; fails: shape value memory] */
MX_API mx_array mx_unflatten(mx_array a, int axis, mx_ints shape);
/** `a` without the given axes of size 1; MX_ALL drops every one.  [lazy; fails: value memory]
 *  error: MX_ERR_VALUE if an axis is of another size, out of range or named twice. */
MX_API mx_array mx_squeeze(mx_array a, mx_ints axes);
/** `a` with new axes of size 1, at these places of the result.  [lazy; fails: value memory] */
MX_API mx_array mx_expand_dims(mx_array a, mx_ints axes);
/** `a` with two axes exchanged.  [lazy; fails: value memory] */
MX_API mx_array mx_swapaxes(mx_array a, int axis1, int axis2);
/** `a` with one axis moved, the others in order.  [lazy; fails: value memory] */
MX_API mx_array mx_moveaxis(mx_array a, int source, int destination);
/** a[start:stop:step] for each axis, with the rules of Python.  [lazy; fails: value memory]
 *  error: MX_ERR_VALUE if a list is not as long as `a` has axes (an empty `step` means ones) or a step is 0.
 *  A negative index counts from the end; one below that means the end that is met first going down: for a negative
 *     step,
 *  stop = -size - 1 includes element 0. */
MX_API mx_array mx_slice(mx_array a, mx_ints start, mx_ints stop, mx_ints step);
/** `a` with a[start:stop:step] replaced by `update`, which broadcasts and takes a's dtype.  [lazy; fails: shape value memory] */
MX_API mx_array mx_slice_update(mx_array a, mx_array update, mx_ints start, mx_ints stop, mx_ints step);
/** The elements at offset + sum(index * strides) of a's row-major order.  [lazy; fails: shape value memory]
 *  error: MX_ERR_VALUE if an element lies outside `a`. */
MX_API mx_array mx_as_strided(mx_array a, mx_ints shape, mx_ints strides, int64_t offset);
/** The same bytes in another dtype; the last axis is scaled.  [lazy; fails: value memory]
 *  error: MX_ERR_VALUE if the last axis does not hold a whole number of items. */
MX_API mx_array mx_view(mx_array a, mx_dtype dtype);
/** The arrays one after the other along `axis`, in their promoted dtype.  [lazy; fails: shape value memory] */
MX_API mx_array mx_concatenate(const mx_array *arrays, size_t count, int axis);
/** The arrays, flattened, one after the other.  [lazy; fails: value memory] */
MX_API mx_array mx_concatenate_all(const mx_array *arrays, size_t count);
/** The arrays along a new axis.  [lazy; fails: shape value memory] */
MX_API mx_array mx_stack(const mx_array *arrays, size_t count, int axis);
/** `a` cut along `axis` into equal parts.  [lazy; fails: value memory] */
MX_API mx_status mx_split(mx_array a, int sections, int axis, mx_array *results);
/** `a` cut along `axis` before each index; indices are clamped as those of slices are.  [lazy; fails: value memory] */
MX_API mx_status mx_split_at(mx_array a, mx_ints indices, int axis, mx_array *results);
/** The arrays that a's items along `axis` are.  [lazy; fails: value memory] */
MX_API mx_status mx_unstack(mx_array a, int axis, mx_array *results);
/** Each item along `axis`, `repeats` times.  [lazy; fails: value memory] */
MX_API mx_array mx_repeat(mx_array a, int repeats, int axis);
/** Each element of `a`, flattened, `repeats` times.  [lazy; fails: value memory] */
MX_API mx_array mx_repeat_all(mx_array a, int repeats);
/** `a` repeated as a whole along each axis.  [lazy; fails: value memory] */
MX_API mx_array mx_tile(mx_array a, mx_ints reps);
/** `a` between low[i] and high[i] copies of `value` along axis i.  [lazy; fails: shape value memory]
 *  A list of one width counts for every axis. */
MX_API mx_array mx_pad(mx_array a, mx_ints low, mx_ints high, mx_array value);
/** `a` extended by its first and last items.  [lazy; fails: shape value memory] */
MX_API mx_array mx_pad_edge(mx_array a, mx_ints low, mx_ints high);
/** `a` extended by its reflection about the first and last items.  [lazy; fails: shape value memory] */
MX_API mx_array mx_pad_reflect(mx_array a, mx_ints low, mx_ints high);
/** `a` extended by its reflection about its edges.  [lazy; fails: shape value memory] */
MX_API mx_array mx_pad_symmetric(mx_array a, mx_ints low, mx_ints high);
/** `a` with its items moved by `shift` places along `axes`, around the end.  [lazy; fails: value memory]
 *  One shift serves all axes, several go with one axis each, or add up on one axis. MX_ALL rolls the flattened
 *     array. */
MX_API mx_array mx_roll(mx_array a, mx_ints shift, mx_ints axes);
/** `a` with its items in reverse along `axes`.  [lazy; fails: value memory] */
MX_API mx_array mx_flip(mx_array a, mx_ints axes);
/** The matrix with diagonal `a`, or the diagonal of the matrix `a`.  [lazy; fails: value memory] */
MX_API mx_array mx_diag(mx_array a, int k);
/** The diagonals of a's matrices, along the last axis.  [lazy; fails: value memory] */
MX_API mx_array mx_diagonal(mx_array a, int offset, int axis1, int axis2);
/** `a` with zeros above diagonal `k`.  [lazy; fails: value memory] */
MX_API mx_array mx_tril(mx_array a, int k);
/** `a` with zeros below diagonal `k`.  [lazy; fails: value memory] */
MX_API mx_array mx_triu(mx_array a, int k);
/** The sums of the diagonals of a's matrices.  [lazy; fails: value memory]
 *  dtype: as sum. */
MX_API mx_array mx_trace(mx_array a, int offset, int axis1, int axis2);
/** Coordinates over the grid that the arrays span; `xy` swaps the first two axes.  [lazy; fails: memory] */
MX_API mx_status mx_meshgrid(const mx_array *arrays, size_t count, bool sparse, bool xy, mx_array *results);
/** `a` with at least one axis.  [lazy; fails: memory] */
MX_API mx_array mx_atleast_1d(mx_array a);
/** `a` with at least two axes; new ones are in front.  [lazy; fails: memory] */
MX_API mx_array mx_atleast_2d(mx_array a);
/** `a` with at least three axes; (n,) gives (1, n, 1), (m, n) gives (m, n, 1).  [lazy; fails: memory] */
MX_API mx_array mx_atleast_3d(mx_array a);
/** Sum of `a` over `axes`.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool, int8 and int16 give int32, uint8 and uint16 give uint32, the rest keep theirs.
 *  error: MX_ERR_VALUE if an axis is out of range or named twice. */
MX_API mx_array mx_sum(mx_array a, mx_ints axes, bool keepdims);
/** Product of `a` over `axes`.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: as mx_sum. */
MX_API mx_array mx_prod(mx_array a, mx_ints axes, bool keepdims);
/** Largest element over `axes`; NaN where there is one; complex numbers are ordered by real, then imaginary part.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  error: MX_ERR_VALUE if a reduced axis is empty. */
MX_API mx_array mx_max(mx_array a, mx_ints axes, bool keepdims);
/** Smallest element over `axes`; see mx_max.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  error: MX_ERR_VALUE if a reduced axis is empty. */
MX_API mx_array mx_min(mx_array a, mx_ints axes, bool keepdims);
/** mx_min and mx_max.  [lazy; fails: value memory] */
MX_API mx_status mx_minmax(mx_array a, mx_ints axes, bool keepdims, mx_array *min_and_max);
/** Whether every element over `axes` is not zero.  [lazy; fails: value memory]
 *  dtype: bool. */
MX_API mx_array mx_all(mx_array a, mx_ints axes, bool keepdims);
/** Whether some element over `axes` is not zero.  [lazy; fails: value memory]
 *  dtype: bool. */
MX_API mx_array mx_any(mx_array a, mx_ints axes, bool keepdims);
/** Mean of `a` over `axes`; NaN of nothing.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool and integers give float32; halves are added up in float32. */
MX_API mx_array mx_mean(mx_array a, mx_ints axes, bool keepdims);
/** Mean of |a - mean|^2 over `axes`, divided by count - ddof.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool, integers and complex64 give float32. */
MX_API mx_array mx_var(mx_array a, mx_ints axes, bool keepdims, int ddof);
/** Square root of mx_var.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool, integers and complex64 give float32. */
MX_API mx_array mx_std(mx_array a, mx_ints axes, bool keepdims, int ddof);
/** Median of `a` over `axes`: of an even count, the mean of the middle two; NaN where there is one.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool and integers give float32.
 *  error: MX_ERR_VALUE if there is nothing to reduce. */
MX_API mx_array mx_median(mx_array a, mx_ints axes, bool keepdims);
/** Index of the largest element along `axis`, the first of equal ones; a NaN counts as the largest.  [lazy; fails: value memory]
 *  dtype: uint32.
 *  error: MX_ERR_VALUE if `a` is empty. */
MX_API mx_array mx_argmax(mx_array a, int axis, bool keepdims);
/** Index of the largest element of `a`, flattened; see mx_argmax.  [lazy; fails: value memory]
 *  dtype: uint32. */
MX_API mx_array mx_argmax_all(mx_array a);
/** Index of the smallest element along `axis`, the first of equal ones; a NaN counts as the smallest.  [lazy; fails: value memory]
 *  dtype: uint32.
 *  error: MX_ERR_VALUE if `a` is empty. */
MX_API mx_array mx_argmin(mx_array a, int axis, bool keepdims);
/** Index of the smallest element of `a`, flattened; see mx_argmin.  [lazy; fails: value memory]
 *  dtype: uint32. */
MX_API mx_array mx_argmin_all(mx_array a);
/** log(sum(exp(a))) over `axes`, without overflow.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool and integers give float32.
 *  error: MX_ERR_VALUE if `a` is empty. */
MX_API mx_array mx_logsumexp(mx_array a, mx_ints axes, bool keepdims);
/** exp(a) / sum(exp(a)) over `axes`, without overflow; halves are always computed in float32.  [lazy; fails: value memory]
 *  dtype: bool and integers give float32. */
MX_API mx_array mx_softmax(mx_array a, mx_ints axes, bool precise);
/** Sums of the elements up to each one along `axis`; without it where not `inclusive`.  [lazy; fails: value memory]
 *  dtype: bool gives int32, the rest keep theirs. */
MX_API mx_array mx_cumsum(mx_array a, int axis, bool reverse, bool inclusive);
/** mx_cumsum of `a`, flattened.  [lazy; fails: memory] */
MX_API mx_array mx_cumsum_all(mx_array a, bool reverse, bool inclusive);
/** Products of the elements up to each one along `axis`.  [lazy; fails: value memory] */
MX_API mx_array mx_cumprod(mx_array a, int axis, bool reverse, bool inclusive);
/** mx_cumprod of `a`, flattened.  [lazy; fails: memory] */
MX_API mx_array mx_cumprod_all(mx_array a, bool reverse, bool inclusive);
/** Largest of the elements up to each one along `axis`.  [lazy; fails: value memory] */
MX_API mx_array mx_cummax(mx_array a, int axis, bool reverse, bool inclusive);
/** mx_cummax of `a`, flattened.  [lazy; fails: memory] */
MX_API mx_array mx_cummax_all(mx_array a, bool reverse, bool inclusive);
/** Smallest of the elements up to each one along `axis`.  [lazy; fails: value memory] */
MX_API mx_array mx_cummin(mx_array a, int axis, bool reverse, bool inclusive);
/** mx_cummin of `a`, flattened.  [lazy; fails: memory] */
MX_API mx_array mx_cummin_all(mx_array a, bool reverse, bool inclusive);
/** log of the sum of the exponentials of the elements up to each one along `axis`.  [lazy; fails: value memory]
 *  dtype: bool and integers give float32. */
MX_API mx_array mx_logcumsumexp(mx_array a, int axis, bool reverse, bool inclusive);
/** mx_logcumsumexp of `a`, flattened.  [lazy; fails: memory] */
MX_API mx_array mx_logcumsumexp_all(mx_array a, bool reverse, bool inclusive);
/** How many elements over `axes` are not zero.  [lazy; fails: value memory]
 *  dtype: int32. */
MX_API mx_array mx_count_nonzero(mx_array a, mx_ints axes, bool keepdims);
/** Whether the shapes and all elements are equal, compared in the promoted dtype.  [lazy; fails: memory]
 *  shape: 0-d.
 *  dtype: bool. */
MX_API mx_array mx_array_equal(mx_array a, mx_array b, bool equal_nan);
/** Whether mx_isclose holds everywhere.  [lazy; fails: shape memory]
 *  shape: 0-d.
 *  dtype: bool. */
MX_API mx_array mx_allclose(mx_array a, mx_array b, double rtol, double atol, bool equal_nan);
/** Norm of vectors (one axis: any order, 0 and the infinities too) or matrices (two axes: 1, -1, 2, -2, infinities).  [lazy; fails: value dtype memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool and integers give float32; complex64 gives float32 for order 2, else stays. */
MX_API mx_array mx_linalg_norm(mx_array a, double ord, mx_ints axes, bool keepdims);
/** Norm of matrices by name: "fro" or "nuc".  [lazy; fails: value dtype memory]
 *  shape: axes removed, or 1 where `keepdims`. */
MX_API mx_array mx_linalg_norm_matrix(mx_array a, const char *ord, mx_ints axes, bool keepdims);
/** Square root of the sum of |a|^2 over up to two axes, or all of them.  [lazy; fails: value memory]
 *  shape: axes removed, or 1 where `keepdims`.
 *  dtype: bool, integers and complex64 give float32. */
MX_API mx_array mx_linalg_norm_l2(mx_array a, mx_ints axes, bool keepdims);
/** The items of `a` along `axis` that `indices` name; negative ones count from the end.  [lazy; fails: dtype value index memory]
 *  shape: that of `indices` in place of the axis.
 *  error: MX_ERR_INDEX if an index is out of range: now for a literal, when evaluated for an array. */
MX_API mx_array mx_take(mx_array a, mx_array indices, int axis);
/** The elements of `a`, flattened, that `indices` name.  [lazy; fails: dtype value index memory] */
MX_API mx_array mx_take_all(mx_array a, mx_array indices);
/** result[.., i, ..] = a[.., indices[.., i, ..], ..].  [lazy; fails: shape dtype value index memory]
 *  shape: that of `indices`; the other axes of both broadcast. */
MX_API mx_array mx_take_along_axis(mx_array a, mx_array indices, int axis);
/** The elements of `a`, flattened, that the 1-d `indices` name.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_take_along_axis_all(mx_array a, mx_array indices);
/** `a` with a[.., indices[.., i, ..], ..] = values[.., i, ..]; of equal indices the last counts.  [lazy; fails: shape dtype value index memory]
 *  dtype: that of `a`; `values` are converted and broadcast to `indices`. */
MX_API mx_array mx_put_along_axis(mx_array a, mx_array indices, mx_array values, int axis);
/** The same on the flattened array; a's shape is kept.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_put_along_axis_all(mx_array a, mx_array indices, mx_array values);
/** `a` with values[.., i, ..] added to a[.., indices[.., i, ..], ..].  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_scatter_add_axis(mx_array a, mx_array indices, mx_array values, int axis);
/** The slices of `a` that start where the indices, one array for each of `axes`, say.  [lazy; fails: shape dtype value index memory]
 *  shape: that of the indices, broadcast together, then `slice_sizes`, one for each axis of `a`. */
MX_API mx_array mx_gather(mx_array a, const mx_array *indices, size_t count, mx_ints axes, mx_ints slice_sizes);
/** `a` with slices replaced by `updates`; of equal places the last counts.  [lazy; fails: shape dtype value index memory]
 *  Shapes are those of gather: updates' shape ends with the slice sizes.
 *  dtype: that of `a`; `updates` are converted. */
MX_API mx_array mx_scatter(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
/** `a` with `updates` added to slices, repeated places as often as they occur.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_scatter_add(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
/** `a` with slices multiplied by `updates`.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_scatter_multiply(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
/** `a` with slices replaced by the maximum of them and `updates`.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_scatter_max(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
/** `a` with slices replaced by the minimum of them and `updates`.  [lazy; fails: shape dtype value index memory] */
MX_API mx_array mx_scatter_min(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);
/** The slice of `a` that starts at `start`, one item for each of `axes`, and at 0 along the others.  [lazy; fails: dtype value index memory]
 *  shape: `slice_size`.
 *  error: MX_ERR_INDEX when evaluated, if the slice leaves `a`. */
MX_API mx_array mx_slice_dynamic(mx_array a, mx_array start, mx_ints axes, mx_ints slice_size);
/** `a` with the slice that starts there replaced by `update`, which broadcasts along the axes that are not named.  [lazy; fails: shape dtype value index memory]
 *  dtype: that of `a`; `update` is converted. */
MX_API mx_array mx_slice_update_dynamic(mx_array a, mx_array update, mx_array start, mx_ints axes);
/** `a` in ascending order along `axis`: stable, -0 equals 0, NaN last, complex numbers by real part, then imaginary
 *     part.  [lazy; fails: value memory] */
MX_API mx_array mx_sort(mx_array a, int axis);
/** The elements of `a`, flattened, in ascending order.  [lazy; fails: memory] */
MX_API mx_array mx_sort_all(mx_array a);
/** The indices that sort `a` along `axis`.  [lazy; fails: value memory]
 *  dtype: uint32. */
MX_API mx_array mx_argsort(mx_array a, int axis);
/** The indices that sort the flattened array.  [lazy; fails: memory]
 *  dtype: uint32. */
MX_API mx_array mx_argsort_all(mx_array a);
/** `a` with the item that sorting puts at `kth` in its place along `axis`, no greater ones before it, no smaller
 *     ones after.  [lazy; fails: value memory] */
MX_API mx_array mx_partition(mx_array a, int kth, int axis);
/** The same on the flattened array.  [lazy; fails: value memory] */
MX_API mx_array mx_partition_all(mx_array a, int kth);
/** The indices that partition `a` along `axis`.  [lazy; fails: value memory]
 *  dtype: uint32. */
MX_API mx_array mx_argpartition(mx_array a, int kth, int axis);
/** The indices that partition the flattened array.  [lazy; fails: value memory]
 *  dtype: uint32. */
MX_API mx_array mx_argpartition_all(mx_array a, int kth);
/** The `k` largest items along `axis`, in no particular order.  [lazy; fails: value memory] */
MX_API mx_array mx_topk(mx_array a, int k, int axis);
/** The `k` largest elements, in no particular order.  [lazy; fails: value memory] */
MX_API mx_array mx_topk_all(mx_array a, int k);
/** Where each value would go in the sorted 1-d `sequence`: before equal items, or after them on the right.  [lazy; fails: value memory]
 *  dtype: uint32; both are promoted first. */
MX_API mx_array mx_searchsorted(mx_array sequence, mx_array values, bool right);
/** An array of this shape filled with `value`, which broadcasts to it and is converted to `dtype`.  [lazy; fails: shape value memory]
 *  error: MX_ERR_VALUE if `value` is an integer literal that `dtype` cannot hold. */
MX_API mx_array mx_full(mx_ints shape, mx_array value, mx_dtype dtype);
/** An array of zeros.  [lazy; fails: shape memory] */
MX_API mx_array mx_zeros(mx_ints shape, mx_dtype dtype);
/** An array of ones.  [lazy; fails: shape memory] */
MX_API mx_array mx_ones(mx_ints shape, mx_dtype dtype);
/** An array whose values do not matter: zeros.  [lazy; fails: shape memory] */
MX_API mx_array mx_empty(mx_ints shape, mx_dtype dtype);
/** `value` in a's shape.  [lazy; fails: shape value memory] */
MX_API mx_array mx_full_like(mx_array a, mx_array value, mx_dtype dtype);
/** Zeros of a's shape and dtype.  [lazy; fails: memory] */
MX_API mx_array mx_zeros_like(mx_array a);
/** Ones of a's shape and dtype.  [lazy; fails: memory] */
MX_API mx_array mx_ones_like(mx_array a);
/** Values that do not matter in a's shape and dtype: zeros.  [lazy; fails: memory] */
MX_API mx_array mx_empty_like(mx_array a);
/** n x m zeros with ones on diagonal `k`.  [lazy; fails: shape memory] */
MX_API mx_array mx_eye(int64_t n, int64_t m, int k, mx_dtype dtype);
/** The n x n identity matrix.  [lazy; fails: shape memory] */
MX_API mx_array mx_identity(int64_t n, mx_dtype dtype);
/** n x m ones up to diagonal `k`, zeros above.  [lazy; fails: shape memory] */
MX_API mx_array mx_tri(int64_t n, int64_t m, int k, mx_dtype dtype);
/** start, start + step, ... up to but without `stop`.  [lazy; fails: shape value memory]
 *  shape: max(ceil((stop - start) / step), 0) items.
 *  dtype: integers start at `start` truncated and step by what start + step gains on it, truncated.
 *  error: MX_ERR_VALUE if `step` is 0, the length is not finite or `dtype` is bool. */
MX_API mx_array mx_arange(double start, double stop, double step, mx_dtype dtype);
/** The same with integers, exact where float64 is not.  [lazy; fails: shape value memory] */
MX_API mx_array mx_arange_i(int64_t start, int64_t stop, int64_t step, mx_dtype dtype);
/** `num` values from `start` to `stop`, evenly spaced; without `endpoint`, `stop` would be the next.  [lazy; fails: shape memory]
 *  dtype: computed in float32, or float64 where asked for, then converted. */
MX_API mx_array mx_linspace(double start, double stop, int64_t num, bool endpoint, mx_dtype dtype);
/** The triangular window of `size` float32 items.  [lazy; fails: shape memory] */
MX_API mx_array mx_bartlett(int64_t size);
/** The window 0.5 - 0.5 cos(2 pi x), x from 0 to 1.  [lazy; fails: shape memory] */
MX_API mx_array mx_hanning(int64_t size);
/** The window 0.54 - 0.46 cos(2 pi x), x from 0 to 1.  [lazy; fails: shape memory] */
MX_API mx_array mx_hamming(int64_t size);
/** The window 0.42 - 0.5 cos(2 pi x) + 0.08 cos(4 pi x), x from 0 to 1.  [lazy; fails: shape memory] */
MX_API mx_array mx_blackman(int64_t size);
/** Matrix product over the last axis of `a` and the last but one of `b`; axes before them are a batch, and
 *     broadcast. A 1-d operand is one row (`a`) or one column (`b`), and its axis is dropped.  [lazy; fails: shape dtype memory]
 *  dtype: what the operands promote to, which must be floating point or complex.
 *  error: MX_ERR_SHAPE if the inner sizes differ or an operand has no axes; MX_ERR_DTYPE for bool and integers. */
MX_API mx_array mx_matmul(mx_array a, mx_array b);
/** alpha * (a @ b) + beta * c; with a `beta` of 0, `c` is not read.  [lazy; fails: shape dtype memory]
 *  shape: that of a @ b, to which `c` is broadcast.
 *  dtype: what all three promote to, which must be floating point or complex. */
MX_API mx_array mx_addmm(mx_array c, mx_array a, mx_array b, double alpha, double beta);
/** Sums of products over the last axes: element (i..., j...) is sum over k of a[i..., k] * b[j..., k]. With an
 *     operand of no axes, the product.  [lazy; fails: shape dtype memory]
 *  error: MX_ERR_DTYPE for bool and integers. */
MX_API mx_array mx_inner(mx_array a, mx_array b);
/** Element (i, j) is a[i] * b[j], of the flattened operands; every dtype.  [lazy; fails: shape dtype memory] */
MX_API mx_array mx_outer(mx_array a, mx_array b);
/** Sums products over the last `axes` axes of `a` and the first `axes` of `b`.  [lazy; fails: shape value dtype memory]
 *  error: MX_ERR_SHAPE if their sizes differ; MX_ERR_DTYPE for bool and integers. */
MX_API mx_array mx_tensordot(mx_array a, mx_array b, int axes);
/** Sums products over pairs of axes; the other axes of `a`, then of `b`, remain.  [lazy; fails: shape value dtype memory]
 *  error: MX_ERR_VALUE unless there are as many axes of `a` as of `b`; MX_ERR_SHAPE if their sizes differ. */
MX_API mx_array mx_tensordot_axes(mx_array a, mx_array b, mx_ints a_axes, mx_ints b_axes);
/** sum of conjugate(a) * b along `axis`.  [lazy; fails: shape value memory]
 *  dtype: as sum.
 *  error: MX_ERR_SHAPE if ranks or the sizes along `axis` differ. */
MX_API mx_array mx_vecdot(mx_array a, mx_array b, int axis);
/** Kronecker product: `a` with each element replaced by its product with `b`.  [lazy; fails: shape dtype memory] */
MX_API mx_array mx_kron(mx_array a, mx_array b);
/** Sums of products in Einstein's notation: "ij,jk->ik" is a matrix product. Axes that share a letter are paired,
 *     repeated letters within a term take a diagonal, letters not in the output are summed, "..." stands for any
 *     further axes. Without "->" the output has the letters that occur once, sorted, after the ellipsis.  [lazy; fails: value shape dtype memory]
 *  error: MX_ERR_VALUE for subscripts that are not understood; MX_ERR_SHAPE for sizes that differ. */
MX_API mx_array mx_einsum(const char *subscripts, const mx_array *operands, size_t count);
/** The solution x of a @ x = b for square matrices `a`; a 1-d `b` is one column.  [lazy; fails: shape dtype memory]
 *  dtype: what the operands promote to, which must be float32 or float64.
 *  error: MX_ERR_VALUE when evaluated, if a matrix is singular. */
MX_API mx_array mx_linalg_solve(mx_array a, mx_array b);
/** The solution x of a @ x = b, reading only the lower triangle of `a`, or the upper one.  [lazy; fails: shape dtype memory]
 *  dtype: what the operands promote to, which must be float32 or float64.
 *  error: MX_ERR_VALUE when evaluated, if there is a zero on the diagonal. */
MX_API mx_array mx_linalg_solve_triangular(mx_array a, mx_array b, bool upper);
/** The inverse of square matrices of float32 or float64.  [lazy; fails: shape dtype memory]
 *  error: MX_ERR_VALUE when evaluated, if a matrix is singular. */
MX_API mx_array mx_linalg_inv(mx_array a);
/** The lower triangular l with l @ l^T = a, reading only the lower triangle of `a`; or the upper u with u^T @ u = a,
 *     reading the upper one. Derivatives are those of a function of symmetric matrices.  [lazy; fails: shape dtype memory]
 *  error: MX_ERR_VALUE when evaluated, if a matrix is not positive definite. */
MX_API mx_array mx_linalg_cholesky(mx_array a, bool upper);
/** q with orthonormal columns and the upper triangular r with q @ r = a.  [lazy; fails: shape dtype memory]
 *  shape: (m, k) and (k, n) for a matrix of (m, n), k = min(m, n). */
MX_API mx_status mx_linalg_qr(mx_array a, mx_array *qr);
/** Orthogonal u and vt and the singular values s, descending, with a = u @ diag(s) @ vt.  [lazy; fails: shape dtype memory]
 *  shape: (m, m), (k,) and (n, n) for a matrix of (m, n), k = min(m, n).
 *  error: MX_ERR_VALUE when evaluated, if a matrix holds a NaN. */
MX_API mx_status mx_linalg_svd(mx_array a, mx_array *usv);
/** The singular values, descending.  [lazy; fails: shape dtype memory]
 *  error: MX_ERR_VALUE when evaluated, if a matrix holds a NaN. */
MX_API mx_array mx_linalg_svd_values(mx_array a);
/** The key that `seed` stands for: (high word, low word).  [lazy; fails: memory]
 *  dtype: uint32. */
MX_API mx_array mx_random_key(uint64_t seed);
/** `count` keys made from one.  [lazy; fails: shape value memory]
 *  shape: (count, 2).
 *  dtype: uint32. */
MX_API mx_array mx_random_split(mx_array key, int64_t count);
/** Random bits.  [lazy; fails: shape value memory]
 *  dtype: uint8, uint16 or uint32 by `width`, 1, 2 or 4 bytes. */
MX_API mx_array mx_random_bits(mx_ints shape, int width, mx_array key);
/** Samples spread evenly over [low, high).  [lazy; fails: shape dtype value memory]
 *  dtype: float32, float16 or bfloat16; the bounds are converted and broadcast to `shape`. */
MX_API mx_array mx_random_uniform(mx_array low, mx_array high, mx_ints shape, mx_dtype dtype, mx_array key);
/** Normally distributed samples of mean `loc` and standard deviation `scale`.  [lazy; fails: shape dtype value memory]
 *  dtype: any float, or complex64. */
MX_API mx_array mx_random_normal(mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key);
/** The same with arrays, which broadcast to `shape`, for mean and deviation; NULL means 0 and 1.  [lazy; fails: shape dtype value memory] */
MX_API mx_array mx_random_normal_scaled(mx_ints shape, mx_dtype dtype, mx_array loc, mx_array scale, mx_array key);
/** Integers from [low, high); `low` where the range is empty.  [lazy; fails: shape dtype value memory]
 *  dtype: integers or bool; the bounds are converted to it first (to int32 for bool). Samples are multiples of what
 *     float32 can tell apart. */
MX_API mx_array mx_random_randint(mx_array low, mx_array high, mx_ints shape, mx_dtype dtype, mx_array key);
/** True with probability `p`, which broadcasts to `shape`; MX_ALL means p's shape.  [lazy; fails: shape dtype value memory] */
MX_API mx_array mx_random_bernoulli(mx_array p, mx_ints shape, mx_array key);
/** Standard normal samples within [lower, upper]; MX_ALL means the bounds' shape.  [lazy; fails: shape dtype value memory] */
MX_API mx_array mx_random_truncated_normal(mx_array lower, mx_array upper, mx_ints shape, mx_dtype dtype, mx_array key);
/** Samples of the standard Gumbel distribution.  [lazy; fails: shape dtype value memory] */
MX_API mx_array mx_random_gumbel(mx_ints shape, mx_dtype dtype, mx_array key);
/** Samples of the Laplace distribution.  [lazy; fails: shape dtype value memory] */
MX_API mx_array mx_random_laplace(mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key);
/** One index along `axis` for each row, with probability softmax(logits).  [lazy; fails: shape value memory]
 *  dtype: uint32. */
MX_API mx_array mx_random_categorical(mx_array logits, int axis, mx_array key);
/** `count` independent indices for each row, along a new last axis.  [lazy; fails: shape value memory]
 *  dtype: uint32. */
MX_API mx_array mx_random_categorical_many(mx_array logits, int axis, int64_t count, mx_array key);
/** Indices in `shape`, to which the shape of the logits without `axis` broadcasts.  [lazy; fails: shape value memory]
 *  dtype: uint32. */
MX_API mx_array mx_random_categorical_shaped(mx_array logits, int axis, mx_ints shape, mx_array key);
/** `a` with its items along `axis` shuffled.  [lazy; fails: value memory] */
MX_API mx_array mx_random_permutation(mx_array a, int axis, mx_array key);
/** The numbers below `count`, shuffled.  [lazy; fails: shape value memory]
 *  dtype: uint32. */
MX_API mx_array mx_random_permutation_of(int64_t count, mx_array key);

#ifdef __cplusplus
}
#endif

#endif

/* Distributions, made of bits by the same steps as MLX, so that the same key gives the same samples. */
#include <math.h>

#include "ops/layout.h"

static const float sqrt2 = 0x1.6a09e6p0f, below_minus_one = -0x1.fffffep-1f; /* the float above -1 */

static bool check_dtype(struct mxi_ctx *c, const char *who, mx_dtype dtype) {
  if (dtype == MX_FLOAT32 || dtype == MX_FLOAT16 || dtype == MX_BFLOAT16) return true;
  mxi_fail(c, MX_ERR_DTYPE, "[%s] samples are float32, float16 or bfloat16, not %s", who,
           (unsigned)dtype < MXI_DTYPE_COUNT ? mxi_dtype_names[dtype] : "that");
  return false;
}

/* ---- uniform ----------------------------------------------------------------------------------------------------- */
/* The largest number of the dtype below 1. */
static double below_one(mx_dtype dtype) {
  return dtype == MX_FLOAT16 ? 1 - 0x1p-11 : dtype == MX_BFLOAT16 ? 1 - 0x1p-8 : 1 - 0x1p-24;
}

/* [0, 1): bits / 2^32 in float32, rounded to the dtype, never 1. */
static mx_array unit(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, mx_array key) {
  mx_array bits = mxi_random_bits(c, shape, 4, key);
  MXI_TRY(bits && (bits = mxi_astype(c, bits, MX_FLOAT32)));
  mx_array scale = mxi_scalar_f(c, 0x1p-32, MX_FLOAT32), most = mxi_scalar_f(c, below_one(dtype), dtype);
  if (!scale || !most) return NULL;
  return mxi_minimum(c, mxi_astype(c, mxi_multiply(c, bits, scale), dtype), most);
}

static bool is_scalar(mx_array a, double value) { return a->op == MXI_OP_scalar && mxi_scalar_value(a) == value; }

/* `a` in the dtype, and no larger than `shape` when broadcast. */
static mx_array bound(struct mxi_ctx *c, const char *who, mx_array a, mx_ints shape, mx_dtype dtype) {
  MXI_TRY(a);
  a = mxi_flags(a) & MXI_NODE_WEAK ? mxi_literal_as(c, who, a, dtype) : mxi_astype(c, a, dtype);
  MXI_TRY(a);
  bool fits = a->ndim <= shape.count;
  for (int i = 0; fits && i < a->ndim; i++) {
    int64_t size = mxi_dims(a)[i];
    fits = size == 1 || size == shape.at[shape.count - a->ndim + (size_t)i];
  }
  if (!fits)
    return mxi_fail(c, MX_ERR_SHAPE, "[%s] a bound of shape %s cannot be broadcast to %s", who, MXI_SHAPE_TEXT(a),
                    mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  return a;
}

mx_array mxi_random_uniform(struct mxi_ctx *c, mx_array low, mx_array high, mx_ints shape, mx_dtype dtype,
                            mx_array key) {
  MXI_TRY(check_dtype(c, "random_uniform", dtype));
  MXI_TRY(mxi_check_shape(c, "random_uniform", shape, dtype));
  MXI_TRY(low = bound(c, "random_uniform", low, shape, dtype));
  MXI_TRY(high = bound(c, "random_uniform", high, shape, dtype));
  mx_array u = unit(c, shape, dtype, key);
  MXI_TRY(u);
  if (is_scalar(low, 0) && is_scalar(high, 1)) return u;
  mx_array range = mxi_subtract(c, high, low);
  MXI_TRY(range && (u = mxi_multiply(c, u, range)));
  return mxi_add(c, u, low);
}

/* (-1, 1) in float32, where inverse error function and logarithm are finite. */
static mx_array symmetric(struct mxi_ctx *c, mx_ints shape, mx_array key) {
  mx_array low = mxi_scalar_f(c, below_minus_one, MX_FLOAT32), high = mxi_scalar_f(c, 1, MX_FLOAT32);
  if (!low || !high) return NULL;
  return mxi_random_uniform(c, low, high, shape, MX_FLOAT32, key);
}

mx_array mxi_random_randint(struct mxi_ctx *c, mx_array low, mx_array high, mx_ints shape, mx_dtype dtype,
                            mx_array key) {
  MXI_TRY(mxi_check_shape(c, "random_randint", shape, dtype));
  if (mxi_is_inexact(dtype))
    return mxi_fail(c, MX_ERR_DTYPE, "[random_randint] samples are integers or bool, not %s", mxi_dtype_names[dtype]);
  if (!(low = mxi_operand(c, low)) || !(high = mxi_operand(c, high))) return NULL;
  mx_dtype first = dtype == MX_BOOL ? MX_INT32 : dtype;
  low = bound(c, "random_randint", mxi_astype(c, low, first), shape, MX_FLOAT32);
  high = bound(c, "random_randint", mxi_astype(c, high, first), shape, MX_FLOAT32);
  mx_array u = mxi_random_uniform(c, low, high, shape, MX_FLOAT32, key);
  MXI_TRY(u && (u = mxi_maximum(c, mxi_floor(c, u), low)));
  return mxi_astype(c, u, dtype);
}

mx_array mxi_random_bernoulli(struct mxi_ctx *c, mx_array p, mx_ints shape, mx_array key) {
  MXI_TRY(p = mxi_operand(c, p));
  if (!mxi_is_float((mx_dtype)p->dtype))
    return mxi_fail(c, MX_ERR_DTYPE, "[random_bernoulli] the probability is %s, not a float",
                    mxi_dtype_names[p->dtype]);
  if (shape.count == SIZE_MAX) shape = mxi_shape_of(p);
  MXI_TRY(mxi_check_shape(c, "random_bernoulli", shape, MX_FLOAT32));
  MXI_TRY(bound(c, "random_bernoulli", p, shape, (mx_dtype)p->dtype));
  mx_array u = unit(c, shape, MX_FLOAT32, key);
  return u ? mxi_less(c, u, p) : NULL;
}

/* ---- normal ------------------------------------------------------------------------------------------------------ */
static mx_array scaled(struct mxi_ctx *c, mx_array samples, mx_array scale, mx_array loc) {
  if (samples && scale) samples = mxi_multiply(c, samples, scale);
  return samples && loc ? mxi_add(c, samples, loc) : samples;
}

/* Inverse error function of uniform samples, in the dtype; a complex sample is two of them, scaled by 1 / sqrt(2). */
static mx_array normal_base(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, mx_array key) {
  if (dtype != MX_COMPLEX64) return mxi_astype(c, mxi_erfinv(c, symmetric(c, shape, key)), dtype);
  if (shape.count >= MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_SHAPE, "[random_normal] a complex array has at most %d axes here", MXI_MAX_NDIM - 1);
  int64_t pairs[MXI_MAX_NDIM];
  for (size_t i = 0; i < shape.count; i++) pairs[i] = shape.at[i];
  pairs[shape.count] = 2;
  mx_array parts = mxi_erfinv(c, symmetric(c, mxi_list(pairs, (int)shape.count + 1), key));
  return mxi_squeeze(c, mxi_view(c, mxi_contiguous(c, parts), MX_COMPLEX64), MX_INTS(-1));
}

static bool check_normal(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype) {
  if (!mxi_check_shape(c, "random_normal", shape, dtype)) return false;
  if (mxi_is_inexact(dtype)) return true;
  mxi_fail(c, MX_ERR_DTYPE, "[random_normal] samples are floats or complex64, not %s", mxi_dtype_names[dtype]);
  return false;
}

mx_array mxi_random_normal(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key) {
  MXI_TRY(check_normal(c, shape, dtype));
  double factor = dtype == MX_COMPLEX64 ? scale : dtype == MX_FLOAT64 ? M_SQRT2 * (double)scale : sqrt2 * scale;
  mx_array base = normal_base(c, shape, dtype, key), by = mxi_scalar_f(c, factor, dtype), to = NULL;
  if (loc != 0) MXI_TRY(to = mxi_scalar_f(c, loc, dtype));
  return by ? scaled(c, base, factor == 1 ? NULL : by, to) : NULL;
}

mx_array mxi_random_normal_scaled(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, mx_array loc, mx_array scale,
                                  mx_array key) {
  MXI_TRY(check_normal(c, shape, dtype));
  mx_array base = normal_base(c, shape, dtype, key);
  mx_array by = mxi_scalar_f(c, dtype == MX_COMPLEX64 ? 1 : dtype == MX_FLOAT64 ? M_SQRT2 : sqrt2, dtype);
  if (loc) MXI_TRY(loc = bound(c, "random_normal", loc, shape, dtype));
  if (scale) {
    MXI_TRY(scale = bound(c, "random_normal", scale, shape, dtype));
    MXI_TRY(by = mxi_multiply(c, by, scale));
  }
  return by ? scaled(c, base, by, loc) : NULL;
}

mx_array mxi_random_truncated_normal(struct mxi_ctx *c, mx_array lower, mx_array upper, mx_ints shape, mx_dtype dtype,
                                     mx_array key) {
  MXI_TRY(check_dtype(c, "random_truncated_normal", dtype));
  if (!(lower = mxi_operand(c, lower)) || !(upper = mxi_operand(c, upper))) return NULL;
  int64_t common[MXI_MAX_NDIM];
  int ndim;
  if (shape.count == SIZE_MAX) {
    MXI_TRY(mxi_broadcast_shapes(c, "random_truncated_normal", lower->ndim, mxi_dims(lower), upper->ndim,
                                 mxi_dims(upper), &ndim, common));
    shape = mxi_list(common, ndim);
  }
  MXI_TRY(lower = mxi_astype(c, lower, dtype));
  MXI_TRY(upper = mxi_astype(c, upper, dtype));
  mx_array root = mxi_scalar_f(c, sqrt2, dtype);
  MXI_TRY(root);
  mx_array low = mxi_erf(c, mxi_divide(c, lower, root)), high = mxi_erf(c, mxi_divide(c, upper, root));
  if (!low || !high) return NULL;
  mx_array x = mxi_erfinv(c, mxi_random_uniform(c, low, high, shape, dtype, key));
  MXI_TRY(x && (x = mxi_minimum(c, mxi_multiply(c, x, root), upper)));
  return mxi_maximum(c, x, lower);
}

/* ---- gumbel, laplace --------------------------------------------------------------------------------------------- */
mx_array mxi_random_gumbel(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, mx_array key) {
  MXI_TRY(check_dtype(c, "random_gumbel", dtype));
  MXI_TRY(mxi_check_shape(c, "random_gumbel", shape, dtype));
  mx_array x = unit(c, shape, dtype, key);
  MXI_TRY(x && (x = mxi_negative(c, mxi_log(c, x))));
  return mxi_negative(c, mxi_log(c, x));
}

mx_array mxi_random_laplace(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, float loc, float scale, mx_array key) {
  MXI_TRY(check_dtype(c, "random_laplace", dtype));
  MXI_TRY(mxi_check_shape(c, "random_laplace", shape, dtype));
  mx_array u = symmetric(c, shape, key);
  MXI_TRY(u);
  mx_array distance = mxi_log1p(c, mxi_negative(c, mxi_abs(c, u))), sign = mxi_sign(c, u), by = NULL, to = NULL;
  if (!distance || !sign) return NULL;
  if (scale != 1) MXI_TRY(by = mxi_scalar_f(c, scale, dtype));
  if (loc != 0) MXI_TRY(to = mxi_scalar_f(c, loc, dtype));
  return scaled(c, mxi_astype(c, mxi_multiply(c, sign, distance), dtype), by, to);
}

/* ---- categorical: the largest of logits + Gumbel noise ------------------------------------------------------------
 */
static mx_array noisy_argmax(struct mxi_ctx *c, mx_array logits, mx_ints shape, int axis, mx_array key) {
  MXI_TRY(logits);
  mx_array noise = mxi_random_gumbel(c, shape, MX_FLOAT32, key);
  MXI_TRY(noise);
  return mxi_argmax(c, mxi_add(c, logits, noise), axis, false);
}

static mx_array check_logits(struct mxi_ctx *c, mx_array logits, int *axis) {
  MXI_TRY(logits = mxi_operand(c, logits));
  MXI_TRY(mxi_axis(c, "random_categorical", *axis, logits->ndim, axis));
  if (!mxi_dims(logits)[*axis])
    return mxi_fail(c, MX_ERR_VALUE, "[random_categorical] axis %d is empty: there is nothing to choose from", *axis);
  return logits;
}

mx_array mxi_random_categorical(struct mxi_ctx *c, mx_array logits, int axis, mx_array key) {
  MXI_TRY(logits = check_logits(c, logits, &axis));
  return noisy_argmax(c, logits, mxi_shape_of(logits), axis, key);
}

/* Many samples of one distribution: where uniform numbers fall among its running sums, which end in exactly 1. */
static mx_array inverse_of_sums(struct mxi_ctx *c, mx_array logits, int64_t count, mx_array key) {
  mx_array sums = mxi_cumsum(c, mxi_softmax(c, mxi_astype(c, logits, MX_FLOAT32), MX_INTS(0), true), 0, false, true);
  MXI_TRY(sums);
  mx_array last = mxi_narrow(c, sums, 0, mxi_dims(sums)[0] - 1, mxi_dims(sums)[0]);
  mx_array u = mxi_random_uniform(c, mxi_scalar_f(c, 0, MX_FLOAT32), mxi_scalar_f(c, 1, MX_FLOAT32), MX_INTS(count), MX_FLOAT32, key);
  return mxi_searchsorted(c, mxi_divide(c, sums, last), u, true);
}

mx_array mxi_random_categorical_many(struct mxi_ctx *c, mx_array logits, int axis, int64_t count, mx_array key) {
  MXI_TRY(logits = check_logits(c, logits, &axis));
  if (logits->ndim == 1) return inverse_of_sums(c, logits, count, key);
  if (logits->ndim == MXI_MAX_NDIM)
    return mxi_fail(c, MX_ERR_SHAPE, "[random_categorical] the result would have more than %d axes", MXI_MAX_NDIM);
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < logits->ndim; i++) shape[i] = mxi_dims(logits)[i];
  shape[logits->ndim] = count;
  return noisy_argmax(c, mxi_expand_dims(c, logits, MX_INTS(-1)), mxi_list(shape, logits->ndim + 1), axis, key);
}

/* The result's shape is `shape`, which the shape of the logits without the axis must broadcast to. */
mx_array mxi_random_categorical_shaped(struct mxi_ctx *c, mx_array logits, int axis, mx_ints shape, mx_array key) {
  MXI_TRY(logits = check_logits(c, logits, &axis));
  MXI_TRY(mxi_check_shape(c, "random_categorical", shape, MX_FLOAT32));
  int64_t full[MXI_MAX_NDIM + 1];
  int extra = (int)shape.count + 1 - logits->ndim, at = axis + extra;
  bool fits = extra >= 0 && shape.count < MXI_MAX_NDIM;
  for (int i = 0; fits && i <= (int)shape.count; i++) {
    full[i] = i == at ? mxi_dims(logits)[axis] : shape.at[i - (i > at)];
    int64_t own = i < extra ? 1 : mxi_dims(logits)[i - extra];
    fits = own == full[i] || own == 1;
  }
  if (!fits)
    return mxi_fail(c, MX_ERR_SHAPE, "[random_categorical] logits of shape %s cannot give samples of shape %s",
                    MXI_SHAPE_TEXT(logits), mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  return noisy_argmax(c, logits, mxi_list(full, (int)shape.count + 1), at, key);
}

/* ---- permutation ------------------------------------------------------------------------------------------------- */
mx_array mxi_random_permutation_of(struct mxi_ctx *c, int64_t count, mx_array key) {
  MXI_TRY(mxi_check_shape(c, "random_permutation_of", MX_INTS(count), MX_UINT32));
  return mxi_argsort(c, mxi_random_bits(c, MX_INTS(count), 4, key), 0);
}

mx_array mxi_random_permutation(struct mxi_ctx *c, mx_array a, int axis, mx_array key) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, "random_permutation", axis, a->ndim, &axis));
  return mxi_take(c, a, mxi_random_permutation_of(c, mxi_dims(a)[axis], key), axis);
}

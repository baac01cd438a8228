/* Normal samples of several variables at once: standard ones times the symmetric square root of the covariance, which
 * comes from its singular values, as MLX does it. */
#include "ops/linalg.h"

static const char who[] = "random_multivariate_normal";

static bool check(struct mxi_ctx *c, mx_array mean, mx_array cov, mx_dtype dtype) {
  if (dtype != MX_FLOAT32) {
    mxi_fail(c, MX_ERR_DTYPE, "[%s] samples are float32, not %s", who,
             (unsigned)dtype < MXI_DTYPE_COUNT ? mxi_dtype_names[dtype] : "that");
    return false;
  }
  const int64_t *m = mxi_dims(mean), *v = mxi_dims(cov);
  int last = cov->ndim - 1;
  if (mean->ndim >= 1 && last >= 1 && v[last] == v[last - 1] && v[last] == m[mean->ndim - 1]) return true;
  mxi_fail(c, MX_ERR_SHAPE, "[%s] a mean of shape %s does not go with a covariance of shape %s", who,
           MXI_SHAPE_TEXT(mean), MXI_SHAPE_TEXT(cov));
  return false;
}

/* `full` gets `shape`, or that of the operands' batches where it is empty, and the number of variables. */
static bool sample_shape(struct mxi_ctx *c, mx_array mean, mx_array cov, mx_ints shape, int64_t *full, int *ndim) {
  int64_t batch[MXI_MAX_NDIM];
  if (!mxi_broadcast_shapes(c, who, mean->ndim - 1, mxi_dims(mean), cov->ndim - 2, mxi_dims(cov), ndim, batch))
    return false;
  mx_ints asked = shape.count ? shape : mxi_list(batch, *ndim);
  if (!mxi_check_shape(c, who, asked, MX_FLOAT32)) return false;
  if (!mxi_broadcast_shapes(c, who, *ndim, batch, (int)asked.count, asked.at, ndim, full)) return false;
  bool fits = (size_t)*ndim == asked.count && *ndim < MXI_MAX_NDIM;
  for (int i = 0; fits && i < *ndim; i++) fits = full[i] == asked.at[i];
  if (!fits)
    mxi_fail(c, MX_ERR_SHAPE, "[%s] a mean of shape %s and a covariance of shape %s cannot give the shape asked for",
             who, MXI_SHAPE_TEXT(mean), MXI_SHAPE_TEXT(cov));
  else
    full[(*ndim)++] = mxi_dims(mean)[mean->ndim - 1];
  return fits;
}

/* u sqrt(s) vt */
static mx_array square_root(struct mxi_ctx *c, mx_array cov) {
  mx_array usv[3];
  if (mxi_linalg_svd(c, cov, usv) != MX_OK) return NULL;
  mx_array lengths = mxi_expand_dims(c, mxi_sqrt(c, usv[1]), MX_INTS(-2));
  return mxi_matmul(c, mxi_multiply(c, usv[0], lengths), usv[2]);
}

mx_array mxi_random_multivariate_normal(struct mxi_ctx *c, mx_array mean, mx_array cov, mx_ints shape, mx_dtype dtype,
                                        mx_array key) {
  MXI_TRY(mean && cov);
  MXI_TRY(mean = mxi_operand(c, mean));
  MXI_TRY(cov = mxi_operand(c, cov));
  MXI_TRY(check(c, mean, cov, dtype));
  int64_t full[MXI_MAX_NDIM + 1];
  int ndim;
  MXI_TRY(sample_shape(c, mean, cov, shape, full, &ndim));
  mx_array root = square_root(c, mxi_astype(c, cov, MX_FLOAT32));
  mx_array x = mxi_random_normal(c, mxi_list(full, ndim), MX_FLOAT32, 0, 1, key);
  if (!root || !x) return NULL;
  x = mxi_squeeze(c, mxi_matmul(c, mxi_expand_dims(c, x, MX_INTS(-2)), root), MX_INTS(-2));
  return mxi_add(c, mxi_astype(c, mean, MX_FLOAT32), x);
}

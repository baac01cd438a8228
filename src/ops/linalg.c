/* linalg: solve, solve_triangular, inv, cholesky and their derivatives. The right-hand side of a solve is a matrix in the
 * node; a 1-d one is a column for as long as it takes. qr and svd are in linalg_factor.c. */
#include "ops/linalg.h"

#include "ops/elementwise.h"

/* ---- Building ---------------------------------------------------------------------------------------------------- */
mx_array mxi_linalg_matrix(struct mxi_ctx *c, const char *who, mx_array a, bool square) {
  MXI_TRY(a && (a = mxi_strong(c, a)));
  if (a->ndim < 2) return mxi_fail(c, MX_ERR_SHAPE, "[%s] needs at least two axes, not shape %s", who, MXI_SHAPE_TEXT(a));
  if (a->dtype != MX_FLOAT32 && a->dtype != MX_FLOAT64)
    return mxi_fail(c, MX_ERR_DTYPE, "[%s] %s is not accepted: only float32 and float64 are", who,
                    mxi_dtype_names[a->dtype]);
  const int64_t *dims = mxi_dims(a) + a->ndim - 2;
  if (square && dims[0] != dims[1])
    return mxi_fail(c, MX_ERR_SHAPE, "[%s] needs square matrices, not shape %s", who, MXI_SHAPE_TEXT(a));
  return a;
}

mx_array mxi_linalg_solve_node(struct mxi_ctx *c, int op, mx_array a, mx_array b, bool upper) {
  struct mxi_params_linalg p = {.upper = upper};
  MXI_TRY(a && b);
  return mxi_node_make(c, op, (mx_dtype)b->dtype, b->ndim, mxi_dims(b), (mx_array[]){a, b}, 2, &p);
}

mx_array mxi_linalg_unary_node(struct mxi_ctx *c, int op, mx_array a, bool upper) {
  struct mxi_params_linalg p = {.upper = upper};
  MXI_TRY(a);
  return mxi_node_make(c, op, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, &p);
}

/* `a` with the leading axes `batch` and its own last two. */
static mx_array with_batch(struct mxi_ctx *c, mx_array a, int batch_ndim, const int64_t *batch) {
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < batch_ndim; i++) shape[i] = batch[i];
  shape[batch_ndim] = mxi_dims(a)[a->ndim - 2];
  shape[batch_ndim + 1] = mxi_dims(a)[a->ndim - 1];
  mx_ints wanted = mxi_list(shape, batch_ndim + 2);
  return mxi_same_shape(wanted, a) ? a : mxi_broadcast_to(c, a, wanted);
}

static mx_array build_solve(struct mxi_ctx *c, const char *who, int op, mx_array a, mx_array b, bool upper) {
  MXI_TRY(a && b && (a = mxi_strong(c, a)) && (b = mxi_strong(c, b)));
  mx_dtype t = mxi_promote((mx_dtype)a->dtype, (mx_dtype)b->dtype);
  if (t != MX_FLOAT32 && t != MX_FLOAT64)
    return mxi_fail(c, MX_ERR_DTYPE, "[%s] %s and %s do not promote to float32 or float64", who, mxi_dtype_names[a->dtype],
                    mxi_dtype_names[b->dtype]);
  MXI_TRY((a = mxi_linalg_matrix(c, who, mxi_astype(c, a, t), true)) && (b = mxi_astype(c, b, t)));
  bool is_vector = b->ndim == 1;
  int64_t n = mxi_dims(a)[a->ndim - 1];
  if (b->ndim == 0 || mxi_dims(b)[is_vector ? 0 : b->ndim - 2] != n)
    return mxi_fail(c, MX_ERR_SHAPE, "[%s] shapes do not fit: %s and a right-hand side of %s", who, MXI_SHAPE_TEXT(a),
                    MXI_SHAPE_TEXT(b));
  if (is_vector) MXI_TRY(b = mxi_expand_dims(c, b, MX_INTS(-1)));
  int64_t batch[MXI_MAX_NDIM];
  int ndim;
  MXI_TRY(mxi_broadcast_shapes(c, who, a->ndim - 2, mxi_dims(a), b->ndim - 2, mxi_dims(b), &ndim, batch));
  MXI_TRY((a = with_batch(c, a, ndim, batch)) && (b = with_batch(c, b, ndim, batch)));
  mx_array x = mxi_linalg_solve_node(c, op, a, b, upper);
  return x && is_vector ? mxi_squeeze(c, x, MX_INTS(-1)) : x;
}

mx_array mxi_linalg_solve(struct mxi_ctx *ctx, mx_array a, mx_array b) {
  return build_solve(ctx, "linalg_solve", MXI_OP_solve, a, b, false);
}

mx_array mxi_linalg_solve_triangular(struct mxi_ctx *ctx, mx_array a, mx_array b, bool upper) {
  return build_solve(ctx, "linalg_solve_triangular", MXI_OP_solve_triangular, a, b, upper);
}

mx_array mxi_linalg_inv(struct mxi_ctx *ctx, mx_array a) {
  return mxi_linalg_unary_node(ctx, MXI_OP_inv, mxi_linalg_matrix(ctx, "linalg_inv", a, true), false);
}

mx_array mxi_linalg_cholesky(struct mxi_ctx *ctx, mx_array a, bool upper) {
  return mxi_linalg_unary_node(ctx, MXI_OP_cholesky, mxi_linalg_matrix(ctx, "linalg_cholesky", a, true), upper);
}

/* ---- Derivatives of solves: a x = b ------------------------------------------------------------------------------- */
static bool is_upper(mx_array node) { return ((const struct mxi_params_linalg *)mxi_params(node))->upper; }

/* What of a matrix the operation reads. */
static mx_array read_part(struct mxi_ctx *c, mx_array node, mx_array m) {
  if (node->op == MXI_OP_solve) return m;
  return is_upper(node) ? mxi_triu(c, m, 0) : mxi_tril(c, m, 0);
}

/* db = a^-T g;  da = -db x^T */
static bool solve_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                      uint64_t wanted, mx_array *grads) {
  mx_array a = mxi_inputs(node)[0], g = cotangents[0];
  grads[0] = grads[1] = NULL;
  if (!g) return true;
  mx_array db = mxi_linalg_solve_node(c, node->op, mxi_matrix_t(c, a), g, !is_upper(node));
  if (!db) return false;
  if (wanted >> 1 & 1) grads[1] = db;
  if (!(wanted & 1)) return true;
  mx_array da = mxi_matmul(c, mxi_negative(c, db), mxi_matrix_t(c, outputs[0]));
  return (grads[0] = da ? read_part(c, node, da) : NULL) != NULL;
}

/* dx = a^-1 (db - da x) */
static bool solve_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                      mx_array *output_tangents) {
  mx_array right = tangents[1];
  *output_tangents = NULL;
  if (tangents[0]) {
    mx_array da = read_part(c, node, tangents[0]);
    mx_array term = da ? mxi_negative(c, mxi_matmul(c, da, outputs[0])) : NULL;
    if (!term) return false;
    right = right ? mxi_add(c, right, term) : term;
  } else if (!right) {
    return true;
  }
  *output_tangents = mxi_linalg_solve_node(c, node->op, mxi_inputs(node)[0], right, is_upper(node));
  return *output_tangents != NULL;
}

/* ---- Derivatives of inv: y = a^-1, dy = -y da y ------------------------------------------------------------------- */
static mx_array between(struct mxi_ctx *c, mx_array y, mx_array m) {
  MXI_TRY(y && m);
  return mxi_negative(c, mxi_matmul(c, mxi_matmul(c, y, m), y));
}

static bool inv_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                    uint64_t wanted, mx_array *grads) {
  (void)node, (void)wanted;
  grads[0] = cotangents[0] ? between(c, mxi_matrix_t(c, outputs[0]), cotangents[0]) : NULL;
  return grads[0] || !cotangents[0];
}

static bool inv_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                    mx_array *output_tangents) {
  (void)node;
  *output_tangents = tangents[0] ? between(c, outputs[0], tangents[0]) : NULL;
  return *output_tangents || !tangents[0];
}

/* ---- Derivatives of cholesky: a = l l^T, as a function of symmetric matrices -------------------------------------- */
/* The lower triangle with half the diagonal. */
static mx_array half_lower(struct mxi_ctx *c, mx_array m) {
  MXI_TRY(m);
  mx_array half = mxi_scalar_f(c, 0.5, (mx_dtype)m->dtype);
  return mxi_multiply(c, half, mxi_add(c, mxi_tril(c, m, 0), mxi_tril(c, m, -1)));
}

static mx_array symmetric_part(struct mxi_ctx *c, mx_array m) {
  MXI_TRY(m);
  return mxi_multiply(c, mxi_scalar_f(c, 0.5, (mx_dtype)m->dtype), mxi_add(c, m, mxi_matrix_t(c, m)));
}

static mx_array solve_with(struct mxi_ctx *c, mx_array t, mx_array b, bool upper) {
  return mxi_linalg_solve_node(c, MXI_OP_solve_triangular, t, b, upper);
}

/* The lower factor, or something of its shape, from the factor as the operation returns it; and back. */
static mx_array lower_of(struct mxi_ctx *c, mx_array node, mx_array m) { return is_upper(node) ? mxi_matrix_t(c, m) : m; }

/* da = sym(l^-T half_lower(l^T g) l^-1) */
static bool cholesky_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                         uint64_t wanted, mx_array *grads) {
  (void)wanted;
  grads[0] = NULL;
  if (!cotangents[0]) return true;
  mx_array l = lower_of(c, node, outputs[0]), g = lower_of(c, node, cotangents[0]), lt = mxi_matrix_t(c, l);
  if (!g || !lt) return false;
  mx_array left = solve_with(c, lt, half_lower(c, mxi_matmul(c, lt, g)), true);
  mx_array both = solve_with(c, lt, mxi_matrix_t(c, left), true);
  return (grads[0] = symmetric_part(c, both)) != NULL;
}

/* dl = l half_lower(l^-1 sym(da) l^-T) */
static bool cholesky_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                         mx_array *output_tangents) {
  *output_tangents = NULL;
  if (!tangents[0]) return true;
  mx_array l = lower_of(c, node, outputs[0]);
  mx_array left = l ? solve_with(c, l, symmetric_part(c, tangents[0]), false) : NULL;
  mx_array both = solve_with(c, l, mxi_matrix_t(c, left), false);
  mx_array dl = both ? mxi_matmul(c, l, half_lower(c, both)) : NULL;
  return dl && (*output_tangents = lower_of(c, node, dl));
}

/* ---- Batching ---------------------------------------------------------------------------------------------------- */
bool mxi_linalg_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes) {
  mx_array in[2] = {NULL, NULL};
  int64_t size = mxi_batch_size(inputs, in_axes, node->input_count);
  for (uint32_t i = 0; i < node->input_count; i++)
    if (!(in[i] = mxi_batch_first(c, inputs[i], in_axes[i], size))) return false;
  out_axes[0] = 0;
  outputs[0] = in[1] ? mxi_linalg_solve_node(c, node->op, in[0], in[1], is_upper(node))
                     : mxi_linalg_unary_node(c, node->op, in[0], is_upper(node));
  return outputs[0] != NULL;
}

#define PRIM(op, rule)                                                                                          \
  const struct mx_prim mxi_prim_##op = {.size = sizeof(struct mx_prim), .name = #op, .flags = MX_PRIM_FALLIBLE,       \
                                        .params_size = sizeof(struct mxi_params_linalg), .vjp = rule##_vjp,       \
                                        .jvp = rule##_jvp, .vmap = mxi_linalg_vmap};
PRIM(solve, solve)
PRIM(solve_triangular, solve)
PRIM(inv, inv)
PRIM(cholesky, cholesky)

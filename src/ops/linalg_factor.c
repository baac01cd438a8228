/* linalg: qr and svd with their derivatives. Both are operations of several outputs. */
#include <string.h>

#include "ops/linalg.h"

/* ---- Small steps --------------------------------------------------------------------------------------------------- */
static int64_t rows_of(mx_array a) { return mxi_dims(a)[a->ndim - 2]; }
static int64_t columns_of(mx_array a) { return mxi_dims(a)[a->ndim - 1]; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static mx_array columns(struct mxi_ctx *c, mx_array a, int64_t begin, int64_t end) {
  MXI_TRY(a);
  return begin == 0 && end == columns_of(a) ? a : mxi_narrow(c, a, a->ndim - 1, begin, end);
}
static mx_array rows(struct mxi_ctx *c, mx_array a, int64_t begin, int64_t end) {
  MXI_TRY(a);
  return begin == 0 && end == rows_of(a) ? a : mxi_narrow(c, a, a->ndim - 2, begin, end);
}
static mx_array t_matmul(struct mxi_ctx *c, mx_array a, mx_array b) { return mxi_matmul(c, mxi_matrix_t(c, a), b); }
static mx_array matmul_t(struct mxi_ctx *c, mx_array a, mx_array b) { return mxi_matmul(c, a, mxi_matrix_t(c, b)); }
/* m r^-1 for an upper triangular r, and m r^-T */
static mx_array divide_right(struct mxi_ctx *c, mx_array m, mx_array r) {
  MXI_TRY(m && r);
  mx_array x = mxi_linalg_solve_node(c, MXI_OP_solve_triangular, mxi_matrix_t(c, r), mxi_matrix_t(c, m), false);
  return mxi_matrix_t(c, x);
}
static mx_array divide_right_t(struct mxi_ctx *c, mx_array m, mx_array r) {
  MXI_TRY(m && r);
  return mxi_matrix_t(c, mxi_linalg_solve_node(c, MXI_OP_solve_triangular, r, mxi_matrix_t(c, m), true));
}
static mx_array sum_of(struct mxi_ctx *c, mx_array a, mx_array b) { return !a ? b : !b ? a : mxi_add(c, a, b); }

/* ---- qr ----------------------------------------------------------------------------------------------------------- */
static mx_status qr_node(struct mxi_ctx *c, mx_array a, mx_array *results) {
  int64_t q[MXI_MAX_NDIM], r[MXI_MAX_NDIM];
  memcpy(q, mxi_dims(a), sizeof *q * a->ndim);
  memcpy(r, mxi_dims(a), sizeof *r * a->ndim);
  q[a->ndim - 1] = r[a->ndim - 2] = least(rows_of(a), columns_of(a));
  const struct mxi_output outputs[] = {{(mx_dtype)a->dtype, a->ndim, q}, {(mx_dtype)a->dtype, a->ndim, r}};
  struct mxi_params_linalg p = {0};
  return mxi_node_make_many(c, MXI_OP_qr, outputs, 2, &a, 1, &p, results);
}

mx_status mxi_linalg_qr(struct mxi_ctx *ctx, mx_array a, mx_array *qr) {
  if (!(a = mxi_linalg_matrix(ctx, "linalg_qr", a, false))) return ctx->code;
  return qr_node(ctx, a, qr);
}

/* Of a = q r with at least as many rows as columns:
 * m = r gr^T - gq^T q;  da = (gq + q (tril(m, -1) + tril(m)^T)) r^-T */
static mx_array tall_qr_gradient(struct mxi_ctx *c, mx_array q, mx_array r, mx_array gq, mx_array gr) {
  mx_array m = gr ? matmul_t(c, r, gr) : NULL;
  if (gr && !m) return NULL;
  if (gq) {
    mx_array n = mxi_negative(c, t_matmul(c, gq, q));
    MXI_TRY(n && (m = sum_of(c, m, n)));
  }
  mx_array mirrored = mxi_add(c, mxi_tril(c, m, -1), mxi_matrix_t(c, mxi_tril(c, m, 0)));
  mx_array inner = mxi_matmul(c, q, mirrored);
  MXI_TRY(inner);
  return divide_right_t(c, sum_of(c, gq, inner), r);
}

/* A wide a is [x, y] = q [u, v] with u square: q and u are the factors of x, and v = q^T y. */
static bool qr_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                   uint64_t wanted, mx_array *grads) {
  mx_array a = mxi_inputs(node)[0], q = outputs[0], r = outputs[1], gq = cotangents[0], gr = cotangents[1];
  int64_t k = columns_of(q), n = columns_of(a);
  (void)wanted;
  grads[0] = NULL;
  if (!gq && !gr) return true;
  if (n == k) return (grads[0] = tall_qr_gradient(c, q, r, gq, gr)) != NULL;
  mx_array gv = gr ? columns(c, gr, k, n) : mxi_zeros_as(c, columns(c, r, k, n)), gu = gr ? columns(c, gr, 0, k) : NULL;
  mx_array from_v = gv ? matmul_t(c, columns(c, a, k, n), gv) : NULL;
  mx_array dx = from_v ? tall_qr_gradient(c, q, columns(c, r, 0, k), sum_of(c, gq, from_v), gu) : NULL;
  mx_array parts[] = {dx, dx ? mxi_matmul(c, q, gv) : NULL};
  if (!parts[0] || !parts[1]) return false;
  return (grads[0] = mxi_concatenate(c, parts, 2, a->ndim - 1)) != NULL;
}

/* s = q^T da r^-1 is the skew q^T dq plus the upper triangular dr r^-1, so its lower part decides the former. */
static bool qr_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                   mx_array *output_tangents) {
  mx_array a = mxi_inputs(node)[0], q = outputs[0], r = outputs[1], da = tangents[0];
  output_tangents[0] = output_tangents[1] = NULL;
  if (!da) return true;
  int64_t k = columns_of(q), n = columns_of(a);
  mx_array u = columns(c, r, 0, k), scaled = divide_right(c, columns(c, da, 0, k), u), s = t_matmul(c, q, scaled);
  if (!s) return false;
  mx_array low = mxi_tril(c, s, -1), skew = mxi_subtract(c, low, mxi_matrix_t(c, low)), rest = mxi_subtract(c, s, skew);
  mx_array dq = mxi_subtract(c, scaled, mxi_matmul(c, q, rest)), du = mxi_matmul(c, rest, u);
  output_tangents[0] = dq;
  output_tangents[1] = du;
  if (!dq || !du || n == k) return dq && du;
  mx_array dv = mxi_add(c, t_matmul(c, dq, columns(c, a, k, n)), t_matmul(c, q, columns(c, da, k, n)));
  if (!dv) return false;
  return (output_tangents[1] = mxi_concatenate(c, (mx_array[]){du, dv}, 2, a->ndim - 1)) != NULL;
}

static bool qr_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                    int *out_axes) {
  (void)node;
  mx_array a = mxi_move_axis(c, inputs[0], in_axes[0], 0);
  out_axes[0] = out_axes[1] = 0;
  return a && qr_node(c, a, outputs) == MX_OK;
}

const struct mx_prim mxi_prim_qr = {.size = sizeof(struct mx_prim), .name = "qr", .flags = MX_PRIM_FALLIBLE,
                                    .params_size = sizeof(struct mxi_params_linalg), .vjp = qr_vjp, .jvp = qr_jvp,
                                    .vmap = qr_vmap};

/* ---- svd ---------------------------------------------------------------------------------------------------------- */
enum { VALUES_ONLY, WITH_FACTORS }; /* mxi_params_linalg.option */

static mx_status svd_node(struct mxi_ctx *c, mx_array a, mx_array *results) {
  int64_t u[MXI_MAX_NDIM], s[MXI_MAX_NDIM], vt[MXI_MAX_NDIM];
  for (int64_t *shape = u; shape; shape = shape == u ? s : shape == s ? vt : NULL)
    memcpy(shape, mxi_dims(a), sizeof *shape * a->ndim);
  u[a->ndim - 1] = rows_of(a);
  s[a->ndim - 2] = least(rows_of(a), columns_of(a));
  vt[a->ndim - 2] = columns_of(a);
  mx_dtype t = (mx_dtype)a->dtype;
  const struct mxi_output outputs[] = {{t, a->ndim, u}, {t, a->ndim - 1, s}, {t, a->ndim, vt}};
  struct mxi_params_linalg p = {.option = WITH_FACTORS};
  return mxi_node_make_many(c, MXI_OP_svd, outputs, 3, &a, 1, &p, results);
}

static mx_array values_node(struct mxi_ctx *c, mx_array a) {
  int64_t s[MXI_MAX_NDIM];
  struct mxi_params_linalg p = {.option = VALUES_ONLY};
  memcpy(s, mxi_dims(a), sizeof *s * a->ndim);
  s[a->ndim - 2] = least(rows_of(a), columns_of(a));
  return mxi_node_make(c, MXI_OP_svd, (mx_dtype)a->dtype, a->ndim - 1, s, &a, 1, &p);
}

mx_status mxi_linalg_svd(struct mxi_ctx *ctx, mx_array a, mx_array *usv) {
  if (!(a = mxi_linalg_matrix(ctx, "linalg_svd", a, false))) return ctx->code;
  return svd_node(ctx, a, usv);
}

mx_array mxi_linalg_svd_values(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a = mxi_linalg_matrix(ctx, "linalg_svd_values", a, false));
  return values_node(ctx, a);
}

static bool has_factors(mx_array node) {
  return ((const struct mxi_params_linalg *)mxi_params(node))->option == WITH_FACTORS;
}

/* The first min(m, n) singular vectors of either side: columns of u, rows of vt. */
static bool thin_factors(struct mxi_ctx *c, mx_array node, const mx_array *outputs, mx_array *u, mx_array *vt) {
  mx_array a = mxi_inputs(node)[0], own[3] = {NULL};
  if (!has_factors(node)) {
    if (svd_node(c, a, own) != MX_OK) return false;
    outputs = own;
  }
  int64_t k = least(rows_of(a), columns_of(a));
  return (*u = columns(c, outputs[0], 0, k)) && (*vt = rows(c, outputs[2], 0, k));
}

/* Of the values: da = u diag(g) vt, and ds = diag(u^T da v). */
static bool svd_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                    uint64_t wanted, mx_array *grads) {
  mx_array u, vt, g = cotangents[has_factors(node) ? 1 : 0];
  (void)wanted;
  grads[0] = NULL;
  if (has_factors(node) && (cotangents[0] || cotangents[2])) {
    mxi_fail(c, MX_ERR_UNSUPPORTED, "[linalg_svd] singular vectors cannot be differentiated, singular values can");
    return false;
  }
  if (!g) return true;
  if (!thin_factors(c, node, outputs, &u, &vt) || !(g = mxi_expand_dims(c, g, MX_INTS(-2)))) return false;
  return (grads[0] = mxi_matmul(c, mxi_multiply(c, u, g), vt)) != NULL;
}

static bool svd_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                    mx_array *output_tangents) {
  mx_array u, vt, da = tangents[0];
  memset(output_tangents, 0, sizeof *output_tangents * (has_factors(node) ? 3 : 1));
  if (!da) return true;
  if (has_factors(node)) {
    mxi_fail(c, MX_ERR_UNSUPPORTED, "[linalg_svd] singular vectors cannot be differentiated: use linalg_svd_values");
    return false;
  }
  if (!thin_factors(c, node, outputs, &u, &vt)) return false;
  mx_array terms = mxi_multiply(c, t_matmul(c, u, da), vt); /* row i sums to u_i^T da v_i */
  return terms && (output_tangents[0] = mxi_sum(c, terms, MX_INTS(-1), false));
}

static bool svd_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes) {
  mx_array a = mxi_move_axis(c, inputs[0], in_axes[0], 0);
  if (!a) return false;
  for (int i = 0; i < (has_factors(node) ? 3 : 1); i++) out_axes[i] = 0;
  if (has_factors(node)) return svd_node(c, a, outputs) == MX_OK;
  return (outputs[0] = values_node(c, a)) != NULL;
}

const struct mx_prim mxi_prim_svd = {.size = sizeof(struct mx_prim), .name = "svd", .flags = MX_PRIM_FALLIBLE,
                                     .params_size = sizeof(struct mxi_params_linalg), .vjp = svd_vjp, .jvp = svd_jvp,
                                     .vmap = svd_vmap};

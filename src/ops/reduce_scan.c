/* cumsum, cumprod, cummax, cummin, logcumsumexp. An exclusive scan is the inclusive one moved by one place, and its
 * derivative that of the inclusive one of a cotangent moved back: rules below are written for inclusive scans. */
#include "ops/reduce.h"

#include "ops/index.h"

#include <math.h>

mx_array mxi_scan_made(struct mxi_ctx *c, int op, mx_array a, int axis, bool reverse, bool inclusive) {
  MXI_TRY(a);
  struct mxi_params_scan p = {axis, reverse, inclusive};
  return mxi_node_make(c, op, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, &p);
}

mx_array mxi_slide(struct mxi_ctx *c, mx_array a, int axis, int64_t by, double fill) {
  MXI_TRY(a);
  int64_t n = mxi_dims(a)[axis], gap = by < 0 ? -by : by, shape[MXI_MAX_NDIM];
  if (gap > n) gap = n;
  for (int i = 0; i < a->ndim; i++) shape[i] = i == axis ? gap : mxi_dims(a)[i];
  mx_array value = mxi_scalar_f(c, fill, (mx_dtype)a->dtype);
  mx_array filler = value ? mxi_broadcast_to(c, value, mxi_list(shape, a->ndim)) : NULL;
  mx_array rest = by < 0 ? mxi_narrow(c, a, axis, gap, n) : mxi_narrow(c, a, axis, 0, n - gap);
  if (!filler || !rest) return NULL;
  return mxi_concatenate(c, by < 0 ? (mx_array[]){rest, filler} : (mx_array[]){filler, rest}, 2, axis);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------- */
static struct mxi_params_scan params_of(mx_array node) { return *(const struct mxi_params_scan *)mxi_params(node); }
/* The direction of the scan: what comes after an element is at + direction. */
static int64_t direction(struct mxi_params_scan p) { return p.reverse ? -1 : 1; }

/* The cotangent of the inclusive scan. */
static mx_array of_inclusive(struct mxi_ctx *c, mx_array g, struct mxi_params_scan p) {
  return p.inclusive ? g : mxi_slide(c, g, p.axis, -direction(p), 0);
}
/* The tangent of the scan as it is, from that of the inclusive one. */
static mx_array from_inclusive(struct mxi_ctx *c, mx_array t, struct mxi_params_scan p) {
  return p.inclusive ? t : mxi_slide(c, t, p.axis, direction(p), 0);
}

static bool cumsum_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                       uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  struct mxi_params_scan p = params_of(node);
  return (grads[0] = mxi_scan_made(c, MXI_OP_cumsum, cotangents[0], p.axis, !p.reverse, p.inclusive)) != NULL;
}

/* cumprod by doubling: y_0 = a, y_k+1 = y_k * (y_k moved by 2^k), with no division, so that zeros are right and rules
 * apply again. The derivative goes back through the same steps. */
static bool cumprod_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  struct mxi_params_scan p = params_of(node);
  mx_array y = mxi_inputs(node)[0], g = of_inclusive(c, cotangents[0], p), levels[64], moved[64];
  int64_t n = mxi_dims(y)[p.axis];
  int count = 0;
  for (int64_t by = 1; by < n; by *= 2, count++) {
    levels[count] = y;
    moved[count] = mxi_slide(c, y, p.axis, by * direction(p), 1);
    MXI_TRY(y = mxi_multiply(c, y, moved[count]));
  }
  while (count-- > 0) {
    mx_array later = mxi_multiply(c, g, mxi_conjugated(c, levels[count]));
    later = mxi_slide(c, later, p.axis, -direction(p) * ((int64_t)1 << count), 0);
    g = mxi_add(c, mxi_multiply(c, g, mxi_conjugated(c, moved[count])), later);
  }
  return (grads[0] = g) != NULL;
}

static bool cumprod_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  struct mxi_params_scan p = params_of(node);
  mx_array y = mxi_inputs(node)[0], t = tangents[0];
  int64_t n = mxi_dims(y)[p.axis];
  for (int64_t by = 1; by < n; by *= 2) {
    mx_array moved = mxi_slide(c, y, p.axis, by * direction(p), 1);
    mx_array moved_t = mxi_slide(c, t, p.axis, by * direction(p), 0);
    t = mxi_add(c, mxi_multiply(c, t, moved), mxi_multiply(c, y, moved_t));
    MXI_TRY(y = mxi_multiply(c, y, moved));
  }
  return (output_tangents[0] = from_inclusive(c, t, p)) != NULL;
}

/* Where the running extreme was last attained. */
static mx_array place_of_extreme(struct mxi_ctx *c, mx_array node, struct mxi_params_scan p) {
  mx_array a = mxi_inputs(node)[0];
  int64_t n = mxi_dims(a)[p.axis], shape[MXI_MAX_NDIM];
  for (int i = 0; i < a->ndim; i++) shape[i] = i == p.axis ? n : 1;
  mx_array y = mxi_scan_made(c, node->op, a, p.axis, p.reverse, true);
  mx_array hit = mxi_equal(c, a, y);
  if (mxi_is_inexact((mx_dtype)a->dtype)) hit = mxi_logical_or(c, hit, mxi_isnan(c, a));
  mx_array place = mxi_arange_i(c, 0, n, 1, MX_INT64);
  MXI_TRY(place = place ? mxi_reshape(c, place, mxi_list(shape, a->ndim)) : NULL);
  mx_array places = mxi_where(c, hit, place, mxi_scalar_i(c, p.reverse ? n - 1 : 0, MX_INT64));
  return mxi_scan_made(c, p.reverse ? MXI_OP_cummin : MXI_OP_cummax, places, p.axis, p.reverse, true);
}

static bool extreme_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                        uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  struct mxi_params_scan p = params_of(node);
  mx_array zeros = mxi_zeros_as(c, cotangents[0]);
  return (grads[0] = mxi_scatter_axis_made(c, zeros, place_of_extreme(c, node, p), of_inclusive(c, cotangents[0], p),
                                           p.axis, MXI_SCATTER_ADD)) != NULL;
}

static bool extreme_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  (void)outputs;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  struct mxi_params_scan p = params_of(node);
  mx_array t = mxi_gather_axis_made(c, tangents[0], place_of_extreme(c, node, p), p.axis);
  return (output_tangents[0] = from_inclusive(c, t, p)) != NULL;
}

/* y_i = log sum_j exp(a_j), j up to i, has the partials exp(a_j - y_i) = w_j exp(y_j - y_i) with w_j = exp(a_j - y_j). As y
 * ascends, no factor is above 1, whatever the numbers are. Where y_i is -infinity there is nothing to differentiate: as
 * the later of two, such a y is +infinity, which makes every factor 0. Halves are computed in float32. */
struct log_scan {
  struct mxi_params_scan p;
  mx_array weight, y, later;
};

static bool log_scan(struct mxi_ctx *c, mx_array node, struct log_scan *s) {
  s->p = params_of(node);
  mx_dtype t = mxi_accumulator_dtype((mx_dtype)node->dtype);
  mx_array a = mxi_astype(c, mxi_inputs(node)[0], t);
  s->y = mxi_scan_made(c, MXI_OP_logcumsumexp, a, s->p.axis, s->p.reverse, true);
  mx_array low = mxi_isneginf(c, t == MX_COMPLEX64 ? mxi_real(c, s->y) : s->y);
  s->later = mxi_where(c, low, mxi_scalar_f(c, INFINITY, t), s->y);
  return (s->weight = mxi_exp(c, mxi_subtract(c, a, s->later))) != NULL;
}

/* x_i + sum of exp(y_j - y_i) x_j over the earlier j; or, of the adjoint, exp(y_i - y_j) x_j over the later ones. By
 * doubling: after k steps, the sum of 2^k of them. */
static mx_array log_scan_sum(struct mxi_ctx *c, const struct log_scan *s, mx_array x, bool adjoint) {
  int64_t n = x ? mxi_dims(x)[s->p.axis] : 0, way = adjoint ? -direction(s->p) : direction(s->p);
  for (int64_t by = 1; by < n; by *= 2) {
    mx_array other = mxi_slide(c, adjoint ? s->later : s->y, s->p.axis, way * by, adjoint ? INFINITY : -INFINITY);
    mx_array factor = mxi_exp(c, adjoint ? mxi_subtract(c, s->y, other) : mxi_subtract(c, other, s->later));
    if (adjoint) factor = mxi_conjugated(c, factor);
    x = mxi_add(c, x, mxi_multiply(c, factor, mxi_slide(c, x, s->p.axis, way * by, 0)));
    MXI_TRY(x);
  }
  return x;
}

static bool logcumsumexp_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                             uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  struct log_scan s;
  if (mxi_size(node) == 0) return (grads[0] = cotangents[0]) != NULL;
  MXI_TRY(log_scan(c, node, &s));
  mx_array g = mxi_astype(c, of_inclusive(c, cotangents[0], s.p), (mx_dtype)s.y->dtype);
  g = mxi_multiply(c, log_scan_sum(c, &s, g, true), mxi_conjugated(c, s.weight));
  return (grads[0] = mxi_astype(c, g, (mx_dtype)node->dtype)) != NULL;
}

static bool logcumsumexp_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                             mx_array *output_tangents) {
  (void)outputs;
  struct log_scan s;
  output_tangents[0] = NULL;
  if (!tangents[0]) return true;
  if (mxi_size(node) == 0) return (output_tangents[0] = tangents[0]) != NULL;
  MXI_TRY(log_scan(c, node, &s));
  mx_array t = mxi_multiply(c, mxi_astype(c, tangents[0], (mx_dtype)s.y->dtype), s.weight);
  t = mxi_astype(c, log_scan_sum(c, &s, t, false), (mx_dtype)node->dtype);
  return (output_tangents[0] = from_inclusive(c, t, s.p)) != NULL;
}

static bool scan_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                      int *out_axes) {
  struct mxi_params_scan p = params_of(node);
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], mxi_batch_size(inputs, in_axes, 1));
  out_axes[0] = 0;
  return (outputs[0] = mxi_scan_made(c, node->op, a, p.axis + 1, p.reverse, p.inclusive)) != NULL;
}

#define SCAN(prim, vjp_rule, jvp_rule)                                                                              \
  const struct mx_prim mxi_prim_##prim = {.size = sizeof(struct mx_prim), .name = #prim, .flags = MX_PRIM_PURE,      \
                                          .params_size = sizeof(struct mxi_params_scan), .vjp = vjp_rule,           \
                                          .jvp = jvp_rule, .vmap = scan_vmap}
SCAN(cumsum, cumsum_vjp, mxi_same_on_tangent);
SCAN(cumprod, cumprod_vjp, cumprod_jvp);
SCAN(cummax, extreme_vjp, extreme_jvp);
SCAN(cummin, extreme_vjp, extreme_jvp);
SCAN(logcumsumexp, logcumsumexp_vjp, logcumsumexp_jvp);

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
static mx_array scan(struct mxi_ctx *c, const char *who, int op, mx_array a, int axis, bool reverse, bool inclusive) {
  int at;
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(mxi_axis(c, who, axis, a->ndim, &at));
  if (op == MXI_OP_cumsum && a->dtype == MX_BOOL) a = mxi_astype(c, a, MX_INT32);
  if (op == MXI_OP_logcumsumexp) a = mxi_astype(c, a, mxi_float_dtype((mx_dtype)a->dtype));
  return mxi_scan_made(c, op, a, at, reverse, inclusive);
}

static mx_array scan_all(struct mxi_ctx *c, const char *who, int op, mx_array a, bool reverse, bool inclusive) {
  MXI_TRY(a = mxi_operand(c, a));
  MXI_TRY(a = mxi_reshape(c, a, MX_INTS(mxi_size(a))));
  return scan(c, who, op, a, 0, reverse, inclusive);
}

#define BUILDERS(name)                                                                               \
  mx_array mxi_##name(struct mxi_ctx *c, mx_array a, int axis, bool reverse, bool inclusive) {       \
    return scan(c, #name, MXI_OP_##name, a, axis, reverse, inclusive);                               \
  }                                                                                                  \
  mx_array mxi_##name##_all(struct mxi_ctx *c, mx_array a, bool reverse, bool inclusive) {           \
    return scan_all(c, #name, MXI_OP_##name, a, reverse, inclusive);                                 \
  }
BUILDERS(cumsum)
BUILDERS(cumprod)
BUILDERS(cummax)
BUILDERS(cummin)
BUILDERS(logcumsumexp)

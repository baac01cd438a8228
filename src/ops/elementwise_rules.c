/* Derivatives and batching of elementwise operations. A Jacobian is diagonal, so that the partials of
 * core/elementwise.def serve both directions: jvp adds p * t over operands, vjp gives g * conj(p), summed over the axes
 * along which the operand was broadcast. Start at row_vjp. */
#include <string.h>

#include "ops/builders.h"
#include "ops/elementwise.h"

#define MAX_OPERANDS 3

mx_array mxi_unbroadcast(struct mxi_ctx *c, mx_array g, int ndim, const int64_t *shape) {
  MXI_TRY(g);
  const int64_t *dims = mxi_dims(g);
  int64_t axes[MXI_MAX_NDIM];
  size_t count = 0;
  int lead = g->ndim - ndim;
  for (int i = 0; i < g->ndim; i++)
    if (i < lead || (shape[i - lead] == 1 && dims[i] != 1)) axes[count++] = i;
  if (!count) return g;
  mx_dtype dtype = (mx_dtype)g->dtype;
  MXI_TRY(g = mxi_sum(c, g, (mx_ints){axes, count}, true));
  MXI_TRY(g = mxi_astype(c, g, dtype));
  return lead ? mxi_reshape(c, g, (mx_ints){shape, (size_t)ndim}) : g;
}

/* ---- Partials ---------------------------------------------------------------------------------------------------- */
/* Marks that stand for a partial; never dereferenced. */
static struct mx_array_ mark_one, mark_neg_one, mark_zero, mark_hand;
#define ONE     (&mark_one)
#define NEG_ONE (&mark_neg_one)
#define ZERO    (&mark_zero)
#define HAND    (&mark_hand)

#include "ops/partials.h"
#define number(v)              mxi_scalar_f(ctx, v, (mx_dtype)a->dtype)
#define like(a, x)             mxi_astype(ctx, x, (mx_dtype)(a)->dtype)
#define share(a, b, y)         share_of(ctx, a, b, y)
#define base_partial(a, b)     base_partial_of(ctx, a, b)
#define exponent_partial(a, y) exponent_partial_of(ctx, a, y)

/* e**a / (e**a + e**b), where y is the logarithm of that sum */
static mx_array share_of(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array y) {
  return a->dtype == MX_COMPLEX64 ? exp(subtract(a, y)) : sigmoid(subtract(a, b));
}

/* b a ** (b - 1), and 0 for b = 0 whatever a is */
static mx_array base_partial_of(struct mxi_ctx *ctx, mx_array a, mx_array b) {
  MXI_TRY(a && b);
  return where(equal(b, number(0)), number(0), multiply(b, power(a, subtract(b, number(1)))));
}

/* a ** b log(a), and 0 where a ** b is 0 */
static mx_array exponent_partial_of(struct mxi_ctx *ctx, mx_array a, mx_array y) {
  return where(equal(y, number(0)), number(0), like(a, multiply(y, log(a))));
}

typedef mx_array (*partial_fn)(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array y);

#define OP(name, arity, rule, lo, hi, ulp, doc)
#define K(name, class, formula)
#define D(name, operand, partial)                                                              \
  static mx_array name##_d##operand(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array y) { \
    (void)ctx, (void)a, (void)b, (void)y;                                                      \
    return partial;                                                                            \
  }
#include "core/elementwise.def"
#undef D

static const partial_fn partials[MXI_OP_ELEMENTWISE_END][MAX_OPERANDS] = {
#define D(name, operand, partial) [MXI_OP_##name][operand] = name##_d##operand,
#include "core/elementwise.def"
#undef D
#undef OP
};

static inline mx_array partial_of(struct mxi_ctx *c, mx_array node, mx_array y, int operand) {
  const mx_array *in = mxi_inputs(node);
  partial_fn fn = partials[node->op][operand];
  return fn ? fn(c, in[0], node->input_count > 1 ? in[1] : NULL, y) : ZERO;
}

/* ---- Rules written by hand: operations that are not differentiable as functions of a complex number, and choice ---
 */
static mx_array zero_like(struct mxi_ctx *c, mx_array a) { return mxi_scalar_f(c, 0, (mx_dtype)a->dtype); }
static mx_array imaginary_unit(struct mxi_ctx *c) { return mxi_scalar_c(c, 0, 1, MX_COMPLEX64); }

/* What the cotangent `g` of the result is for `operand`, before sums over broadcast axes. */
static mx_array hand_vjp(struct mxi_ctx *c, mx_array node, mx_array g, int operand) {
  mx_array a = mxi_inputs(node)[0];
  bool is_complex = a->dtype == MX_COMPLEX64;
  switch (node->op) {
  case MXI_OP_abs: return mxi_multiply(c, g, mxi_sign(c, a));
  case MXI_OP_real: return mxi_astype(c, g, (mx_dtype)a->dtype);
  case MXI_OP_imag: return is_complex ? mxi_multiply(c, g, imaginary_unit(c)) : mxi_multiply(c, g, zero_like(c, g));
  case MXI_OP_conjugate: return mxi_conjugate(c, g);
  default: /* where */ return operand == 1 ? mxi_where(c, a, g, zero_like(c, g)) : mxi_where(c, a, zero_like(c, g), g);
  }
}

/* The tangent of the result for the tangents of the operands, not all of them zero. */
static mx_array hand_jvp(struct mxi_ctx *c, mx_array node, const mx_array *t) {
  const mx_array *in = mxi_inputs(node);
  switch (node->op) {
  case MXI_OP_abs: return mxi_real(c, mxi_multiply(c, t[0], mxi_conjugate(c, mxi_sign(c, in[0]))));
  case MXI_OP_real: return mxi_real(c, t[0]);
  case MXI_OP_imag: return mxi_imag(c, t[0]);
  case MXI_OP_conjugate: return mxi_conjugate(c, t[0]);
  default: /* where */ return mxi_where(c, in[0], t[1] ? t[1] : zero_like(c, in[1]), t[2] ? t[2] : zero_like(c, in[2]));
  }
}

/* ---- The rules of all rows --------------------------------------------------------------------------------------- */
/* x * p */
static mx_array times(struct mxi_ctx *c, mx_array x, mx_array p) {
  if (p == ONE) return x;
  if (p == NEG_ONE) return mxi_negative(c, x);
  return mxi_multiply(c, x, p);
}

/* g * conj(p) */
static mx_array pull_back(struct mxi_ctx *c, mx_array node, mx_array g, mx_array p, int operand) {
  if (p == HAND) return hand_vjp(c, node, g, operand);
  if (p != ONE && p != NEG_ONE && p->dtype == MX_COMPLEX64) p = mxi_conjugate(c, p);
  return p ? times(c, g, p) : NULL;
}

static bool row_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                    uint64_t wanted, mx_array *grads) {
  const mx_array *in = mxi_inputs(node);
  mx_array g = cotangents[0];
  for (int i = 0; i < (int)node->input_count; i++) {
    if (!(wanted >> i & 1)) continue;
    grads[i] = NULL;
    mx_array p = g ? partial_of(c, node, outputs[0], i) : ZERO;
    if (p == ZERO) continue;
    mx_array d = p == ONE ? g : p ? pull_back(c, node, g, p, i) : NULL;
    MXI_TRY(d);
    grads[i] = mxi_shapes_equal(d, in[i]) ? d : mxi_unbroadcast(c, d, in[i]->ndim, mxi_dims(in[i]));
    if (!grads[i]) return false;
  }
  return true;
}

static bool row_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                    mx_array *output_tangents) {
  mx_array sum = NULL;
  for (int i = 0; i < (int)node->input_count; i++) {
    mx_array p = tangents[i] ? partial_of(c, node, outputs[0], i) : ZERO;
    if (p == ZERO) continue;
    if (p == HAND) return (*output_tangents = hand_jvp(c, node, tangents)) != NULL;
    mx_array term = p ? times(c, tangents[i], p) : NULL;
    if (!term || (sum && !(term = mxi_add(c, sum, term)))) return false;
    sum = term;
  }
  *output_tangents = sum;
  return true;
}

/* ---- Batching ---------------------------------------------------------------------------------------------------- */
/* `a` with its mapped axis first and `rank` axes after it, so that operands line up. */
static mx_array align(struct mxi_ctx *c, mx_array a, int axis, int rank) {
  int64_t order[MXI_MAX_NDIM], shape[MXI_MAX_NDIM];
  const int64_t *dims = mxi_dims(a);
  int count = 0, lead = rank - (a->ndim - 1);
  order[count++] = axis;
  for (int i = 0; i < a->ndim; i++)
    if (i != axis) order[count++] = i;
  shape[0] = dims[axis];
  for (int i = 0; i < lead; i++) shape[1 + i] = 1;
  for (int i = 1; i < count; i++) shape[lead + i] = dims[order[i]];
  if (axis) MXI_TRY(a = mxi_transpose(c, a, (mx_ints){order, (size_t)count}));
  return lead ? mxi_reshape(c, a, (mx_ints){shape, (size_t)rank + 1}) : a;
}

static mx_array rebuild(struct mxi_ctx *c, mx_array node, const mx_array *in) {
  if (node->op == MXI_OP_astype) return mxi_astype(c, in[0], (mx_dtype)node->dtype);
  if (node->op == MXI_OP_stop_gradient) return mxi_stop_gradient(c, in[0]);
  if (node->input_count == 1) return mxi_ew_unary(c, node->op, in[0]);
  if (node->input_count == 2) return mxi_ew_binary(c, node->op, in[0], in[1]);
  return mxi_where(c, in[0], in[1], in[2]);
}

static bool row_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                     int *out_axes) {
  mx_array in[MAX_OPERANDS];
  int rank = 0, count = (int)node->input_count;
  for (int i = 0; i < count; i++) {
    int ndim = inputs[i]->ndim - (in_axes[i] >= 0);
    rank = ndim > rank ? ndim : rank;
  }
  out_axes[0] = -1;
  for (int i = 0; i < count; i++) {
    in[i] = inputs[i];
    if (in_axes[i] < 0) continue;
    out_axes[0] = count == 1 ? in_axes[0] : 0;
    if (count > 1 && !(in[i] = align(c, in[i], in_axes[i], rank))) return false;
  }
  return (outputs[0] = rebuild(c, node, in)) != NULL;
}

/* ---- Conversions ------------------------------------------------------------------------------------------------- */
static bool astype_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                       uint64_t wanted, mx_array *grads) {
  (void)outputs;
  if (!(wanted & 1)) return true;
  grads[0] = cotangents[0] ? mxi_astype(c, cotangents[0], (mx_dtype)mxi_inputs(node)[0]->dtype) : NULL;
  return grads[0] || !cotangents[0];
}

static bool astype_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                       mx_array *output_tangents) {
  (void)outputs;
  *output_tangents = tangents[0] ? mxi_astype(c, tangents[0], (mx_dtype)node->dtype) : NULL;
  return *output_tangents || !tangents[0];
}

static bool alias_view(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                       struct mx_layout *out) {
  (void)params, (void)itemsize, (void)ndim, (void)shape;
  *out = *in;
  return true;
}

const struct mx_prim mxi_prim_astype = {
    .size = sizeof(struct mx_prim), .name = "astype", .flags = MX_PRIM_PURE, .vjp = astype_vjp, .jvp = astype_jvp, .vmap = row_vmap};
const struct mx_prim mxi_prim_stop_gradient = {.size = sizeof(struct mx_prim),
                                               .name = "stop_gradient",
                                               .flags = MX_PRIM_VIEW | MX_PRIM_BARRIER | MX_PRIM_NODIFF,
                                               .view = alias_view,
                                               .vmap = row_vmap};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */
enum { SAME, FLOAT, REAL, SELECT, COMPARE, LOGIC, BITS, SHIFT, PRED, ENCODE, DECODE }; /* from COMPARE on: discrete */
#define OP(row, arity, rule, lo, hi, ulp, doc)                                        \
  const struct mx_prim mxi_prim_##row = {.size = sizeof(struct mx_prim),              \
                                         .name = #row,                                \
                                         .flags = (rule) >= COMPARE ? MX_PRIM_NODIFF : 0, \
                                         .vjp = row_vjp,                              \
                                         .jvp = row_jvp,                              \
                                         .vmap = row_vmap};
#define D(name, operand, partial)
#include "core/elementwise.def"

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
static struct mx_array_ mark_one, mark_neg_one, mark_zero, mark_hand __attribute__((unused));
#define ONE (&mark_one)
#define NEG_ONE (&mark_neg_one)
#define ZERO (&mark_zero)
#define HAND (&mark_hand)

typedef mx_array (*partial_fn)(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array y);

#define number(v) mxi_scalar_f(ctx, v, (mx_dtype)a->dtype)
#include "ops/partials.h"
#define OP(name, arity, rule, lo, hi, ulp, doc)
#define K(name, class, formula)
#define D(name, operand, partial)                                                                       \
  static mx_array name##_d##operand(struct mxi_ctx *ctx, mx_array a, mx_array b, mx_array y) {          \
    (void)ctx, (void)a, (void)b, (void)y;                                                               \
    return partial;                                                                                     \
  }
#include "core/elementwise.def"
#undef D

static const partial_fn partials[MXI_OP_ELEMENTWISE_END][MAX_OPERANDS] = {
#define D(name, operand, partial) [MXI_OP_##name][operand] = name##_d##operand,
#include "core/elementwise.def"
#undef D
#undef OP
};

static mx_array partial_of(struct mxi_ctx *c, mx_array node, mx_array y, int operand) {
  const mx_array *in = mxi_inputs(node);
  partial_fn fn = partials[node->op][operand];
  return fn ? fn(c, in[0], node->input_count > 1 ? in[1] : NULL, y) : ZERO;
}

/* x * p; NULL with no error is zero. */
static mx_array times(struct mxi_ctx *c, mx_array x, mx_array p) {
  if (p == ONE) return x;
  if (p == NEG_ONE) return mxi_negative(c, x);
  return mxi_multiply(c, x, p);
}

static mx_array conjugated(struct mxi_ctx *c, mx_array p) {
  (void)c;
  return p;
}

static bool row_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                    uint64_t wanted, mx_array *grads) {
  const mx_array *in = mxi_inputs(node);
  for (int i = 0; i < (int)node->input_count; i++) {
    if (!(wanted >> i & 1)) continue;
    grads[i] = NULL;
    mx_array p = cotangents[0] ? partial_of(c, node, outputs[0], i) : ZERO;
    if (p == ZERO) continue;
    if (!p || !(p = conjugated(c, p))) return false;
    grads[i] = mxi_unbroadcast(c, times(c, cotangents[0], p), in[i]->ndim, mxi_dims(in[i]));
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
  return NULL;
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

static bool alias_view(const void *params, const struct mxi_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                       struct mxi_layout *out) {
  (void)params, (void)itemsize, (void)ndim, (void)shape;
  *out = *in;
  return true;
}

const struct mx_prim mxi_prim_astype = {
    .size = sizeof(struct mx_prim), .name = "astype", .vjp = astype_vjp, .jvp = astype_jvp, .vmap = row_vmap};
const struct mx_prim mxi_prim_stop_gradient = {.size = sizeof(struct mx_prim),
                                               .name = "stop_gradient",
                                               .flags = MXI_VIEW | MXI_BARRIER | MXI_NODIFF,
                                               .view = alias_view,
                                               .vmap = row_vmap};

/* ---- The rows ---------------------------------------------------------------------------------------------------- */
enum { SAME, FLOAT, REAL, SELECT, COMPARE, LOGIC, BITS, SHIFT, PRED, ENCODE, DECODE }; /* from COMPARE on: discrete */
#define OP(row, arity, rule, lo, hi, ulp, doc)                                                          \
  const struct mx_prim mxi_prim_##row = {.size = sizeof(struct mx_prim),                                \
                                         .name = #row,                                                  \
                                         .flags = (rule) >= COMPARE ? MXI_NODIFF : 0,                   \
                                         .vjp = row_vjp,                                                \
                                         .jvp = row_jvp,                                                \
                                         .vmap = row_vmap};
#define D(name, operand, partial)
#include "core/elementwise.def"

/* Builders of the elementwise rows: one function each, all through three that promote, broadcast and make the node.
 * Operands keep their own shapes: the planner broadcasts. Conversions are nodes of their own (astype). */
#include "ops/elementwise.h"

#include <string.h>

#include "core/node_inline.h"
#include "ops/builders.h"

const struct mxi_ew_row mxi_ew_rows[MXI_OP_ELEMENTWISE_END] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = {#name, arity, MXI_RULE_##rule},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
};

#define ADMIT(name, dtype) [MXI_OP_##name][dtype] = 1,
#define ADMIT_B(name)      ADMIT(name, MX_BOOL)
#define ADMIT_U(name)      ADMIT(name, MX_UINT8) ADMIT(name, MX_UINT16) ADMIT(name, MX_UINT32) ADMIT(name, MX_UINT64)
#define ADMIT_S(name)      ADMIT(name, MX_INT8) ADMIT(name, MX_INT16) ADMIT(name, MX_INT32) ADMIT(name, MX_INT64)
#define ADMIT_I(name)      ADMIT_U(name) ADMIT_S(name)
#define ADMIT_F(name)      ADMIT(name, MX_FLOAT16) ADMIT(name, MX_BFLOAT16) ADMIT(name, MX_FLOAT32)
#define ADMIT_D(name)      ADMIT(name, MX_FLOAT64)
#define ADMIT_R(name)      ADMIT_F(name) ADMIT_D(name)
#define ADMIT_L(name)      ADMIT_R(name)
#define ADMIT_C(name)      ADMIT(name, MX_COMPLEX64)
#define ADMIT_E(name)      ADMIT(name, MX_UINT8)
#define ADMIT_A(name)      ADMIT_B(name) ADMIT_I(name) ADMIT_R(name) ADMIT_C(name)
const uint8_t mxi_ew_admits[MXI_OP_ELEMENTWISE_END][MXI_DTYPE_COUNT] = {
#define OP(name, arity, rule, lo, hi, ulp, doc)
#define K(name, class, formula) ADMIT_##class(name)
#include "core/elementwise.def"
#undef OP
#undef K
};

/* ---- Dtypes ------------------------------------------------------------------------------------------------------ */
/* By rule: what an operand of dtype t is converted to, and what the result of operands converted to t is. */
#define EACH_DTYPE(x)                                                                                                  \
  {x(MX_BOOL),  x(MX_UINT8), x(MX_UINT16),  x(MX_UINT32),  x(MX_UINT64),  x(MX_INT8),     x(MX_INT16),                 \
   x(MX_INT32), x(MX_INT64), x(MX_FLOAT16), x(MX_FLOAT32), x(MX_FLOAT64), x(MX_BFLOAT16), x(MX_COMPLEX64)}
#define ITSELF(t)      t
#define TO_INEXACT(t)  (t) < MX_FLOAT16 ? MX_FLOAT32 : (t)
#define TO_REAL(t)     (t) == MX_COMPLEX64 ? MX_FLOAT32 : (t)
#define TO_UNSIGNED(t) (t) == MX_BOOL ? MX_UINT8 : (t)
#define TO_BOOL(t)     MX_BOOL
#define TO_UINT8(t)    MX_UINT8
#define TO_FLOAT32(t)  MX_FLOAT32
static const struct {
  uint8_t operand[MXI_DTYPE_COUNT], result[MXI_DTYPE_COUNT];
} rules[] = {
  [MXI_RULE_SAME] = {EACH_DTYPE(ITSELF), EACH_DTYPE(ITSELF)},
  [MXI_RULE_FLOAT] = {EACH_DTYPE(TO_INEXACT), EACH_DTYPE(ITSELF)},
  [MXI_RULE_REAL] = {EACH_DTYPE(ITSELF), EACH_DTYPE(TO_REAL)},
  [MXI_RULE_COMPARE] = {EACH_DTYPE(ITSELF), EACH_DTYPE(TO_BOOL)},
  [MXI_RULE_LOGIC] = {EACH_DTYPE(TO_BOOL), EACH_DTYPE(TO_BOOL)},
  [MXI_RULE_BITS] = {EACH_DTYPE(ITSELF), EACH_DTYPE(ITSELF)},
  [MXI_RULE_SHIFT] = {EACH_DTYPE(TO_UNSIGNED), EACH_DTYPE(ITSELF)},
  [MXI_RULE_PRED] = {EACH_DTYPE(ITSELF), EACH_DTYPE(TO_BOOL)},
  [MXI_RULE_SELECT] = {EACH_DTYPE(ITSELF), EACH_DTYPE(ITSELF)},
  [MXI_RULE_ENCODE] = {EACH_DTYPE(ITSELF), EACH_DTYPE(TO_UINT8)},
  [MXI_RULE_DECODE] = {EACH_DTYPE(ITSELF), EACH_DTYPE(TO_FLOAT32)},
};

mx_dtype mxi_ew_operand_dtype(enum mxi_ew_rule rule, mx_dtype t) { return (mx_dtype)rules[rule].operand[t]; }

mx_dtype mxi_ew_result_dtype(enum mxi_ew_rule rule, mx_dtype t) { return (mx_dtype)rules[rule].result[t]; }

static bool is_weak(mx_array a) { return mxi_flags(a) & MXI_NODE_WEAK; }

/* bool, integer, float, complex */
static int rank_of(mx_dtype t) { return mxi_kind(t) - (mxi_kind(t) > MXI_KIND_UNSIGNED); }

static mx_dtype promote_weak(mx_dtype weak, mx_dtype t) {
  if (rank_of(weak) <= rank_of(t)) return t;
  return rank_of(weak) == rank_of(MX_INT32)     ? MX_INT32
         : rank_of(weak) == rank_of(MX_FLOAT32) ? MX_FLOAT32
                                                : MX_COMPLEX64;
}

mx_dtype mxi_ew_promote(mx_array a, mx_array b) {
  mx_dtype t = (mx_dtype)a->dtype, u = (mx_dtype)b->dtype;
  if (is_weak(a) == is_weak(b)) return mxi_promote(t, u);
  return is_weak(a) ? promote_weak(t, u) : promote_weak(u, t);
}

mx_array mxi_ew_operand(struct mxi_ctx *c, const char *who, mx_array a, mx_dtype t) {
  return is_weak(a) ? mxi_literal_as(c, who, a, t) : mxi_astype(c, a, t);
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */
static mx_array refuse(struct mxi_ctx *c, int op, mx_dtype t) {
  return mxi_fail(c, MX_ERR_DTYPE, "[%s] %s is not accepted", mxi_ew_rows[op].name, mxi_dtype_names[t]);
}

/* The node of a row on operands that have their final dtypes, t where it matters. */
static mx_array make(struct mxi_ctx *c, int op, mx_dtype t, const mx_array *in, size_t count) {
  const struct mxi_ew_row *row = &mxi_ew_rows[op];
  mx_dtype result = mxi_ew_result_dtype((enum mxi_ew_rule)row->rule, t);
  int ndim = in[0]->ndim;
  bool same = true;
  for (size_t i = 1; i < count; i++) same &= mxi_shapes_equal(in[0], in[i]);
  if (same) return mxi_node_make(c, op, result, ndim, mxi_dims(in[0]), in, count, NULL);
  int64_t shape[MXI_MAX_NDIM];
  memcpy(shape, mxi_dims(in[0]), sizeof *shape * (size_t)ndim);
  for (size_t i = 1; i < count; i++)
    MXI_TRY(mxi_broadcast_shapes(c, row->name, ndim, shape, in[i]->ndim, mxi_dims(in[i]), &ndim, shape));
  return mxi_node_make(c, op, result, ndim, shape, in, count, NULL);
}

/* Whether operands of dtype t are taken as they are; then *result is the result's dtype. */
static inline bool is_direct(int op, mx_dtype t, mx_dtype *result) {
  unsigned rule = mxi_ew_rows[op].rule;
  *result = (mx_dtype)rules[rule].result[t];
  return mxi_ew_admits[op][t] && rules[rule].operand[t] == t;
}

mx_array mxi_ew_unary(struct mxi_ctx *c, int op, mx_array a) {
  MXI_TRY(a);
  mx_dtype result;
  if (is_direct(op, (mx_dtype)a->dtype, &result) && !is_weak(a) && mxi_itemsize(result) <= mxi_itemsize((mx_dtype)a->dtype))
    return mxi_node_like(c, op, result, a, a, NULL);
  const struct mxi_ew_row *row = &mxi_ew_rows[op];
  mx_dtype t = mxi_ew_operand_dtype((enum mxi_ew_rule)row->rule, (mx_dtype)a->dtype);
  if (!mxi_ew_admits[op][t]) return refuse(c, op, t);
  if (is_weak(a)) MXI_TRY(a = mxi_strong(c, a));
  if (a->dtype != t) MXI_TRY(a = mxi_astype(c, a, t));
  return make(c, op, t, &a, 1);
}

static mx_array binary_mixed(struct mxi_ctx *c, int op, mx_array a, mx_array b) {
  const struct mxi_ew_row *row = &mxi_ew_rows[op];
  mx_dtype common = mxi_ew_promote(a, b), t = mxi_ew_operand_dtype((enum mxi_ew_rule)row->rule, common);
  if (!mxi_ew_admits[op][t]) return refuse(c, op, common);
  if (row->rule == MXI_RULE_LOGIC) {
    MXI_TRY(a = mxi_strong(c, a));
    MXI_TRY(b = mxi_strong(c, b));
  } else { /* literals are checked against the common dtype, also where the operation then computes in another */
    if (is_weak(a)) MXI_TRY(a = mxi_literal_as(c, row->name, a, common));
    if (is_weak(b)) MXI_TRY(b = mxi_literal_as(c, row->name, b, common));
  }
  MXI_TRY(a = mxi_astype(c, a, t));
  MXI_TRY(b = mxi_astype(c, b, t));
  return make(c, op, t, (mx_array[]){a, b}, 2);
}

mx_array mxi_ew_binary(struct mxi_ctx *c, int op, mx_array a, mx_array b) {
  MXI_TRY(a && b);
  mx_dtype t = (mx_dtype)a->dtype, result;
  if (a->dtype != b->dtype || ((mxi_flags(a) | mxi_flags(b)) & MXI_NODE_WEAK) || !is_direct(op, t, &result))
    return binary_mixed(c, op, a, b);
  if (b->ndim == 0 || mxi_shapes_equal(a, b)) return mxi_node_like(c, op, result, a, a, b);
  if (a->ndim == 0) return mxi_node_like(c, op, result, b, a, b);
  return make(c, op, t, (mx_array[]){a, b}, 2);
}

static mx_array select_row(struct mxi_ctx *c, int op, mx_array condition, mx_array a, mx_array b) {
  MXI_TRY(condition && a && b);
  mx_dtype t = mxi_ew_promote(a, b);
  MXI_TRY(condition = mxi_strong(c, condition));
  MXI_TRY(condition = mxi_astype(c, condition, MX_BOOL));
  MXI_TRY(a = mxi_ew_operand(c, mxi_ew_rows[op].name, a, t));
  MXI_TRY(b = mxi_ew_operand(c, mxi_ew_rows[op].name, b, t));
  return make(c, op, t, (mx_array[]){condition, a, b}, 3);
}

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
#define BUILDER_1(name) \
  mx_array mxi_##name(struct mxi_ctx *ctx, mx_array a) { return mxi_ew_unary(ctx, MXI_OP_##name, a); }
#define BUILDER_2(name) \
  mx_array mxi_##name(struct mxi_ctx *ctx, mx_array a, mx_array b) { return mxi_ew_binary(ctx, MXI_OP_##name, a, b); }
#define BUILDER_3(name)                                                                  \
  mx_array mxi_##name(struct mxi_ctx *ctx, mx_array condition, mx_array a, mx_array b) { \
    return select_row(ctx, MXI_OP_##name, condition, a, b);                              \
  }
#define OP(name, arity, rule, lo, hi, ulp, doc) BUILDER_##arity(name)
#define K(name, class, formula)
#include "core/elementwise.def"

mx_array mxi_astype(struct mxi_ctx *ctx, mx_array a, mx_dtype dtype) {
  MXI_TRY(a);
  if ((unsigned)dtype >= MXI_DTYPE_COUNT)
    return mxi_fail(ctx, MX_ERR_DTYPE, "[astype] no dtype has number %d", (int)dtype);
  if (is_weak(a)) MXI_TRY(a = mxi_strong(ctx, a));
  if (a->dtype == dtype) return a;
  return mxi_node_make(ctx, MXI_OP_astype, dtype, a->ndim, mxi_dims(a), &a, 1, NULL);
}

mx_array mxi_stop_gradient(struct mxi_ctx *ctx, mx_array a) {
  MXI_TRY(a && (a = mxi_strong(ctx, a)));
  return mxi_node_make(ctx, MXI_OP_stop_gradient, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), &a, 1, NULL);
}

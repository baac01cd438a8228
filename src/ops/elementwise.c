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

/* ---- Dtypes ------------------------------------------------------------------------------------------------------ */
#define OPERAND(rule, t)                                        \
  ((rule) == MXI_RULE_FLOAT   ? (t) < MX_FLOAT16 ? MX_FLOAT32 : (t) \
   : (rule) == MXI_RULE_LOGIC ? MX_BOOL                         \
   : (rule) == MXI_RULE_SHIFT ? (t) == MX_BOOL ? MX_UINT8 : (t) \
                              : (t))
#define RESULT(rule, t)                                                                              \
  ((rule) == MXI_RULE_COMPARE || (rule) == MXI_RULE_LOGIC || (rule) == MXI_RULE_PRED ? MX_BOOL       \
   : (rule) == MXI_RULE_REAL                                                   ? (t) == MX_COMPLEX64 ? MX_FLOAT32 : (t) \
   : (rule) == MXI_RULE_ENCODE                                                 ? MX_UINT8            \
   : (rule) == MXI_RULE_DECODE                                                 ? MX_FLOAT32          \
                                                                               : (t))

mx_dtype mxi_ew_operand_dtype(enum mxi_ew_rule rule, mx_dtype t) { return OPERAND(rule, t); }

enum {
#define OP(name, arity, rule, lo, hi, ulp, doc) RULE_##name = MXI_RULE_##rule,
#define K(name, class, formula)
#include "core/elementwise.def"
#undef OP
#undef K
};

#define ADMIT(name, dtype) [MXI_OP_##name][dtype] = OPERAND((int)RULE_##name, dtype) == dtype ? 1 + RESULT((int)RULE_##name, dtype) : 0,
#define ADMIT_B(name)      ADMIT(name, MX_BOOL)
#define ADMIT_U(name)      ADMIT(name, MX_UINT8) ADMIT(name, MX_UINT16) ADMIT(name, MX_UINT32) ADMIT(name, MX_UINT64)
#define ADMIT_S(name)      ADMIT(name, MX_INT8) ADMIT(name, MX_INT16) ADMIT(name, MX_INT32) ADMIT(name, MX_INT64)
#define ADMIT_I(name)      ADMIT_U(name) ADMIT_S(name)
#define ADMIT_F(name)      ADMIT(name, MX_FLOAT16) ADMIT(name, MX_BFLOAT16) ADMIT(name, MX_FLOAT32)
#define ADMIT_D(name)      ADMIT(name, MX_FLOAT64)
#define ADMIT_R(name)      ADMIT_F(name) ADMIT_D(name)
#define ADMIT_L(name)      ADMIT_R(name)
#define ADMIT_Q(name)      ADMIT_R(name)
#define ADMIT_C(name)      ADMIT(name, MX_COMPLEX64)
#define ADMIT_E(name)      ADMIT(name, MX_UINT8)
#define ADMIT_A(name)      ADMIT_B(name) ADMIT_I(name) ADMIT_R(name) ADMIT_C(name)
const uint8_t mxi_ew_results[MXI_OP_ELEMENTWISE_END][MXI_EW_RESULTS] = {
#define OP(name, arity, rule, lo, hi, ulp, doc)
#define K(name, class, formula) ADMIT_##class(name)
#include "core/elementwise.def"
#undef OP
#undef K
};

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
static __attribute__((noinline)) mx_array make(struct mxi_ctx *c, int op, mx_dtype t, const mx_array *in, size_t count) {
  const struct mxi_ew_row *row = &mxi_ew_rows[op];
  mx_dtype result = (mx_dtype)(mxi_ew_results[op][t] - 1);
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

static __attribute__((noinline)) mx_array unary_converted(struct mxi_ctx *c, int op, mx_array a) {
  mx_dtype t = mxi_ew_operand_dtype((enum mxi_ew_rule)mxi_ew_rows[op].rule, (mx_dtype)a->dtype);
  if (!mxi_ew_results[op][t]) return refuse(c, op, t);
  if (is_weak(a)) MXI_TRY(a = mxi_strong(c, a));
  if (a->dtype != t) MXI_TRY(a = mxi_astype(c, a, t));
  return make(c, op, t, &a, 1);
}

mx_array mxi_ew_unary(struct mxi_ctx *c, int op, mx_array a) {
  MXI_TRY(a);
  uint8_t result = mxi_ew_results[op][a->dtype];
  if (!result || is_weak(a) || mxi_itemsizes[result - 1] > mxi_itemsizes[a->dtype]) return unary_converted(c, op, a);
  return mxi_node_like(c, op, (mx_dtype)(result - 1), a, a, NULL);
}

static __attribute__((noinline)) mx_array binary_converted(struct mxi_ctx *c, int op, mx_array a, mx_array b) {
  const struct mxi_ew_row *row = &mxi_ew_rows[op];
  mx_dtype common = mxi_ew_promote(a, b), t = mxi_ew_operand_dtype((enum mxi_ew_rule)row->rule, common);
  if (!mxi_ew_results[op][t]) return refuse(c, op, common);
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

/* Of two operands that need no conversion, the one whose shape the result has; NULL where it has neither's. */
static inline mx_array wider_operand(mx_array a, mx_array b) {
  return b->ndim == 0 || mxi_shapes_equal(a, b) ? a : a->ndim == 0 ? b : NULL;
}

mx_array mxi_ew_binary(struct mxi_ctx *c, int op, mx_array a, mx_array b) {
  MXI_TRY(a && b);
  uint8_t result = mxi_ew_results[op][a->dtype];
  mx_array like = NULL;
  if (a->dtype == b->dtype && result && !((mxi_flags(a) | mxi_flags(b)) & MXI_NODE_WEAK)) like = wider_operand(a, b);
  return like ? mxi_node_like(c, op, (mx_dtype)(result - 1), like, a, b) : binary_converted(c, op, a, b);
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

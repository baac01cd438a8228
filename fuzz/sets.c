/* Any bytes as a graph, each node of it evaluated on every instruction set from the same operands: the results agree, to
 * the bit where docs/numerics.md says so, else within what it allows. Nodes are compared one by one, since a rounding that
 * differs may become anything further down. */
#include <float.h>
#include <stdlib.h>

#include "../tests/c/support/ops_graph.h"
#include "backend/cpu/isa.h"
#include "core/prim.h"
#include "core/thread.h"
#include "run/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 40 };

static const double ulps[MXI_OP_COUNT] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = ulp,
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

static void require(bool ok) {
  if (!ok) abort();
}

static void choose(int isa) {
  atomic_store(&mxi_isa_chosen, isa);
  mxi_plan_cache_clear();
}

static double epsilon(mx_dtype t) {
  return t == MX_FLOAT64 ? DBL_EPSILON : t == MX_FLOAT16 ? 0x1p-10 : t == MX_BFLOAT16 ? 0x1p-7 : FLT_EPSILON;
}

static mx_array magnitude(mx_array a) { return mx_abs(mx_astype(a, MX_FLOAT64)); }

/* How far the two results may be apart, in float64, or NULL: not at all. Each is off by the rounding of its storage and by
 * half of the rest: an elementwise row by the ulp it states; a product of k terms by k roundings of |a| @ |b|; exponentials
 * and logarithms, whose sums are long, by less than 64 units of what is added, the largest operand included. */
static mx_array allowance(mx_array node, mx_array y) {
  double eps = epsilon((mx_dtype)node->dtype);
  mx_array size = magnitude(y), a = node->input_count ? mxi_inputs(node)[0] : NULL;
  if (mxi_is_elementwise(node->op)) return ulps[node->op] > 0 ? mx_multiply(size, mx_scalar_f(2 * (ulps[node->op] + 1) * eps)) : NULL;
  switch (node->op) {
    case MXI_OP_softmax: return mx_multiply(size, mx_scalar_f(64 * eps));
    case MXI_OP_logsumexp: case MXI_OP_logcumsumexp:
      return mx_multiply(mx_add(size, mx_add(mx_scalar_f(16), mx_max(magnitude(a), MX_ALL, false))), mx_scalar_f(64 * eps));
    case MXI_OP_matmul: {
      double k = (double)mx_dim(a, -1), wide = node->dtype == MX_FLOAT64 ? DBL_EPSILON : FLT_EPSILON;
      mx_array terms = mx_matmul(magnitude(a), magnitude(mxi_inputs(node)[1]));
      return mx_add(mx_multiply(terms, mx_scalar_f(2 * (k + 8) * wide)), mx_multiply(size, mx_scalar_f(eps)));
    }
    default: return NULL;
  }
}

static void compare(mx_array node, mx_array y, mx_array other) {
  mx_array allowed = allowance(node, y), equal = mx_equal(y, other);
  if (mx_dtype_of(y) >= MX_FLOAT16) equal = mx_logical_or(equal, mx_logical_and(mx_isnan(y), mx_isnan(other)));
  if (allowed) {
    mx_array apart = mx_abs(mx_subtract(mx_astype(y, MX_FLOAT64), mx_astype(other, MX_FLOAT64)));
    mx_array tiny = mx_scalar_f(mx_dtype_of(y) == MX_FLOAT16 ? 0x1p-23 : 0x1p-125); /* where units are not relative */
    mx_array near = mx_less_equal(apart, mx_add(allowed, tiny));
    equal = mx_logical_or(equal, mx_logical_or(near, mx_logical_not(mx_isfinite(allowed))));
  }
  require(mx_item_i64(mx_all(equal, MX_ALL, false)) == 1);
}

/* The same operation on the same operands. */
static mx_array again(mx_array node) {
  const void *params = mxi_prims[node->op]->params_size ? mxi_params(node) : NULL;
  mx_array copy = mxi_node_make(mxi_ctx_thread(), node->op, (mx_dtype)node->dtype, node->ndim, mxi_dims(node), mxi_inputs(node),
                                node->input_count, params);
  require(copy != NULL);
  return copy;
}

static void check_node(mx_array a, void *ctx) {
  if (mxi_is_evaluated(a)) return;
  for (uint32_t i = 0; i < a->input_count; i++) check_node(mxi_inputs(a)[i], ctx);
  int top = *(int *)ctx;
  mx_scope s = mx_scope_begin();
  mx_array others[MXI_ISA_COUNT];
  for (int isa = 0; isa < top; isa++) {
    others[isa] = again(a);
    choose(isa);
    require(!mx_eval(others[isa]));
  }
  mx_array witness = again(a); /* keeps the operands, which `a` lets go of */
  choose(top);
  require(!mx_eval(a));
  for (int isa = 0; isa < top; isa++) compare(witness, a, others[isa]);
  mx_scope_end(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int top = -1;
  if (top < 0) top = (int)mxi_isa();
  struct graph g = {.source = {.data = data, .size = size, .state = 1}};
  mx_scope s = mx_scope_begin();
  graph_grow(&g, STEPS, check_node, &top);
  mx_scope_end(s);
  require(!mx_error());
  return 0;
}

/* Every vmap rule against a loop over the items. The rows of the tables say what is tried: each row of elementwise.def
 * with operands of several ranks, and each primitive where it stands in the graph of an operation of ops_calls.def.
 * A primitive with a rule that no call reaches fails the test, so that a new one is tested without a new test. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "core/prim.h"
#include "core/thread.h"
#include "ops/elementwise.h"
#include "support/ops_calls.h"
#include "support/ops_graph.h"

enum { ITEMS = 3, MAX_INPUTS = 4, MAX_OUTPUTS = 3, PLACES = 6 };

static int wrong;
static bool seen[MXI_OP_COUNT];

/* Says what is wrong and goes on, so that one run shows all of it. */
#define NOTE(...) (wrong++ < 50 ? print_error(__VA_ARGS__) : (void)0)

/* A node and what its rule is applied to. */
struct trial {
  const char *name;
  mx_array node;
  size_t inputs, outputs;
  mx_array items[MAX_INPUTS][ITEMS]; /* of each operand; the first is the node's own */
  unsigned mapped;                   /* bit i: operand i is mapped */
  int place;                         /* which axis of each operand is */
};

/* ---- Operands ---------------------------------------------------------------------------------------------------- */
/* Item k of an operand: the same numbers elsewhere, so that indices stay indices, and symmetric definite matrices, whose
 * rows and columns move alike, stay such. A line of floats or of int64 is made smaller, so that a sorted one stays sorted. */
static mx_array item_of(mx_array a, int k) {
  mx_dtype t = mx_dtype_of(a);
  if (k == 0) return a;
  if (mx_ndim(a) <= 1 && (t == MX_FLOAT32 || t == MX_FLOAT64)) return mx_multiply(a, mx_scalar_f(1 - 0.25 * k));
  if (mx_ndim(a) <= 1 && t == MX_INT64) return mx_subtract(a, mx_scalar_i(k));
  if (k == 1) return mx_flip(a, MX_ALL);
  for (int axis = 0; axis < mx_ndim(a); axis++) a = mx_roll(a, MX_INTS(1), MX_INTS(axis));
  return a;
}

/* The mapped axis of operand i of `ndim` axes: in front, last, in the middle; all alike, or each operand another. */
static int axis_at(int place, size_t i, int ndim) {
  switch ((place % 3 + (place / 3) * (int)i) % 3) {
    case 0: return 0;
    case 1: return ndim;
    default: return (ndim + 1) / 2;
  }
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */
/* Where a result is a sum of products, its rounding depends on how a batch is laid out: the rule may take another order
 * than the item did. All values here are below 64, sums have less than 64 terms, and a solve less than 8 steps. */
static double tolerance(int op, mx_dtype t) {
  double eps = t == MX_FLOAT64 ? DBL_EPSILON : t == MX_FLOAT16 ? 1.0 / 1024 : t == MX_BFLOAT16 ? 1.0 / 128 : FLT_EPSILON;
  switch (op) {
    case MXI_OP_matmul: case MXI_OP_sum: case MXI_OP_prod: case MXI_OP_logsumexp: case MXI_OP_softmax: return 64 * eps;
    case MXI_OP_solve: case MXI_OP_solve_triangular: case MXI_OP_inv: case MXI_OP_cholesky: case MXI_OP_svd: case MXI_OP_qr:
      return 64 * 8 * eps;
    default: return 0;
  }
}

static bool same(mx_array got, mx_array expected, double tol) {
  if (!got || !expected || mx_dtype_of(got) != mx_dtype_of(expected) || mx_ndim(got) != mx_ndim(expected)) return false;
  for (int i = 0; i < mx_ndim(got); i++)
    if (mx_dim(got, i) != mx_dim(expected, i)) return false;
  if (tol > 0) return mx_size(got) == 0 || mx_item_i64(mx_allclose(got, expected, tol, tol, true));
  const char *p = mx_data(got), *q = mx_data(expected);
  mx_dtype t = mx_dtype_of(got) == MX_COMPLEX64 ? MX_FLOAT32 : mx_dtype_of(got);
  size_t part = mx_dtype_of(got) == MX_COMPLEX64 ? 4 : mx_itemsize(got), n = mx_nbytes(got) / part;
  if (!p || !q) return false;
  for (size_t i = 0; i < n; i++, p += part, q += part)
    if (memcmp(p, q, part) && !(graph_is_nan(p, t) && graph_is_nan(q, t))) return false;
  return true;
}

/* The node's operation on item k of the mapped operands and on the first item of the others. */
static bool run_item(const struct trial *t, int k, mx_array *outputs) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_array in[MAX_INPUTS], node = t->node;
  for (size_t i = 0; i < t->inputs; i++) in[i] = t->items[i][t->mapped >> i & 1 ? k : 0];
  const void *params = mxi_prims[node->op]->params_size ? mxi_params(node) : NULL;
  if (node->extra && node->extra->output_count)
    return !mxi_node_make_many(c, node->op, node->extra->output_specs, node->extra->output_count, in, t->inputs, params, outputs);
  outputs[0] = mxi_node_make(c, node->op, (mx_dtype)node->dtype, node->ndim, mxi_dims(node), in, t->inputs, params);
  return outputs[0] != NULL;
}

static void check_trial(const struct trial *t) {
  mx_array inputs[MAX_INPUTS], got[MAX_OUTPUTS] = {NULL}, expected[MAX_OUTPUTS] = {NULL};
  int in_axes[MAX_INPUTS], out_axes[MAX_OUTPUTS] = {-1, -1, -1};
  for (size_t i = 0; i < t->inputs; i++) {
    in_axes[i] = t->mapped >> i & 1 ? axis_at(t->place, i, mx_ndim(t->items[i][0])) : -1;
    inputs[i] = in_axes[i] < 0 ? t->items[i][0] : mx_stack(t->items[i], ITEMS, in_axes[i]);
  }
  if (!mxi_prims[t->node->op]->vmap(mxi_ctx_thread(), t->node, inputs, in_axes, got, out_axes)) {
    NOTE("%s, mapped %u at %d: %s\n", t->name, t->mapped, t->place, mx_error_message());
    mx_error_clear();
    return;
  }
  for (int k = 0; k < ITEMS; k++) {
    if (!run_item(t, k, expected)) fail_msg("%s: %s", t->name, mx_error_message());
    for (size_t j = 0; j < t->outputs; j++) {
      mx_array item = got[j] ? mx_take(got[j], mx_scalar_i(k), out_axes[j]) : NULL;
      if (!same(item, expected[j], tolerance(t->node->op, mx_dtype_of(expected[j]))))
        NOTE("%s of %s, mapped %u at %d: item %d of result %d differs; %s\n", mxi_prims[t->node->op]->name, t->name, t->mapped,
             t->place, k, (int)j, mx_error_message());
      mx_error_clear();
    }
  }
}

/* The rule of one node, with every choice of mapped operands. */
static void check_node(const char *name, mx_array node) {
  struct trial t = {.name = name, .node = node, .inputs = node->input_count, .outputs = 1};
  if (node->extra && node->extra->output_count) t.outputs = (size_t)node->extra->output_count;
  assert_true(t.inputs >= 1 && t.inputs <= MAX_INPUTS && t.outputs <= MAX_OUTPUTS);
  mx_scope s = mx_scope_begin();
  for (size_t i = 0; i < t.inputs; i++)
    for (int k = 0; k < ITEMS; k++) {
      t.items[i][k] = item_of(mxi_inputs(node)[i], k);
      if (mx_eval(t.items[i][k])) fail_msg("%s: operand %d: %s", name, (int)i, mx_error_message());
    }
  for (t.mapped = 1; t.mapped < 1u << t.inputs; t.mapped++)
    for (t.place = 0; t.place < PLACES; t.place++) {
      mx_scope one = mx_scope_begin();
      check_trial(&t);
      mx_scope_end(one);
    }
  mx_scope_end(s);
  seen[node->op] = true;
}

/* ---- The rows of elementwise.def --------------------------------------------------------------------------------- */
static const struct row {
  const char *name;
  int op, arity;
  double lo, hi;
} rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) {#name, MXI_OP_##name, arity, lo, hi},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

static mx_array row_operand(const struct row *r, mx_dtype dtype, mx_ints shape, int salt) {
  double v[24];
  int64_t n = 1;
  for (size_t i = 0; i < shape.count; i++) n *= shape.at[i];
  assert_true(n <= 24);
  for (int64_t i = 0; i < n; i++) v[i] = r->lo + (r->hi - r->lo) * fmod(0.137 + 0.618033988749895 * (double)(i + 1) + 0.31 * salt, 1);
  return mx_astype(mx_from_data(v, shape, MX_FLOAT64), dtype);
}

/* Shapes that broadcast: alike, of fewer axes on either side, with axes of size 1, and numbers. */
static mx_ints row_shape(int which, int operand) {
  static const int64_t all[] = {2, 3, 4, 3, 1};
  switch ((which + 2 * operand * (which > 0)) % 5) {
    case 0: return (mx_ints){all, 3};     /* (2, 3, 4) */
    case 1: return (mx_ints){all + 3, 2}; /* (3, 1) */
    case 2: return (mx_ints){all + 2, 1}; /* (4,) */
    case 3: return (mx_ints){all + 4, 1}; /* (1,) */
    default: return MX_0D;
  }
}

static mx_array apply(const struct row *r, const mx_array *in) {
  if (r->arity == 1) return mxi_ew_unary(mxi_ctx_thread(), r->op, in[0]);
  if (r->arity == 2) return mxi_ew_binary(mxi_ctx_thread(), r->op, in[0], in[1]);
  return mx_where(in[0], in[1], in[2]);
}

static void rows_work_item_by_item(void **state) {
  (void)state;
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_UINT8, MX_COMPLEX64};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++)
      for (int which = 0; which < 5; which++) {
        const struct row *r = &rows[i];
        if (!mxi_ew_results[r->op][mxi_ew_operand_dtype((enum mxi_ew_rule)mxi_ew_rows[r->op].rule, dtypes[t])]) continue;
        mx_scope s = mx_scope_begin();
        mx_array in[3];
        for (int k = 0; k < r->arity; k++)
          in[k] = row_operand(r, k == 0 && r->arity == 3 ? MX_BOOL : dtypes[t], row_shape(which, k), k);
        mx_array y = apply(r, in);
        if (!y) fail_msg("%s: %s", r->name, mx_error_message());
        if (y->op == r->op) check_node(r->name, y);
        mx_scope_end(s);
      }
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!seen[rows[i].op]) NOTE("%s was not tried\n", rows[i].name);
  assert_int_equal(wrong, 0);
}

/* ---- Primitives, where operations use them ----------------------------------------------------------------------- */
/* Checks the nodes below `a` that are not evaluated, each once: a mark of 1 says that it was. */
static void walk(const char *name, mx_array a, mx_array *visited, size_t *count) {
  for (size_t i = 0; i < *count; i++)
    if (visited[i] == a) return;
  if (mxi_is_evaluated(a)) return;
  assert_true(*count < 256);
  visited[(*count)++] = mx_retain(a);
  /* Inputs first: checking a node evaluates them, and they then have none. */
  for (uint32_t i = 0; i < a->input_count; i++) walk(name, mxi_inputs(a)[i], visited, count);
  if (mxi_prims[a->op]->vmap) check_node(name, a);
}

static void primitives_work_item_by_item(void **state) {
  (void)state;
  for (size_t i = 0; i < ops_call_count; i++) {
    mx_scope s = mx_scope_begin();
    mx_array o[OPS_OPERANDS], visited[256];
    size_t count = 0;
    ops_operands(o);
    mx_array y = ops_calls[i].run(o);
    if (!y) fail_msg("%s: %s", ops_calls[i].uses, mx_error_message());
    walk(ops_calls[i].name, y, visited, &count);
    while (count) mx_release(visited[--count]);
    mx_scope_end(s);
  }
  for (int op = 0; op < MXI_OP_COUNT; op++)
    if (mxi_prims[op] && mxi_prims[op]->vmap && !seen[op]) NOTE("no call of ops_calls.def reaches %s\n", mxi_prims[op]->name);
  assert_int_equal(wrong, 0);
}

static int nothing_is_left(void **state) {
  (void)state;
  wrong = 0;
  return mx_error() || mxi_live_nodes() != 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(rows_work_item_by_item, nothing_is_left),
      cmocka_unit_test_teardown(primitives_work_item_by_item, nothing_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

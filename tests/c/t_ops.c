/* Every row of elementwise.def, over dtypes and layouts: the same bits however the operands lie, fused or not, on any
 * number of threads; derivatives of every kind against central differences in float64. A new row is tested as it is. */
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

#include "base/config.h"
#include "core/prim.h"
#include "core/thread.h"
#include "ops/builders.h"
#include "ops/elementwise.h"
#include "support/ops_graph.h"

struct row {
  const char *name;
  int op, arity;
  double lo, hi, ulp;
};

static const struct row rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) {#name, MXI_OP_##name, arity, lo, hi, ulp},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef D
};
enum { ROWS = sizeof rows / sizeof *rows };

/* By operation and operand: the text of the derivative. */
static const char *const partials[MXI_OP_ELEMENTWISE_END][3] = {
#define OP(name, arity, rule, lo, hi, ulp, doc)
#define D(name, operand, partial) [MXI_OP_##name][operand] = #partial,
#include "core/elementwise.def"
#undef OP
#undef D
#undef K
};

static bool has_derivative(const struct row *r) { return partials[r->op][0] || partials[r->op][1] || partials[r->op][2]; }

static mx_array apply(const struct row *r, const mx_array *in) {
  if (r->arity == 1) return mxi_ew_unary(mxi_ctx_thread(), r->op, in[0]);
  if (r->arity == 2) return mxi_ew_binary(mxi_ctx_thread(), r->op, in[0], in[1]);
  return mx_where(in[0], in[1], in[2]);
}

/* ---- Operands ---------------------------------------------------------------------------------------------------- */
/* Numbers spread over (lo, hi), none of them near an integer, no two near each other. */
static double draw(const struct row *r, int64_t i, int salt) {
  double u = fmod(0.137 + 0.6180339887498949 * (double)(i + 1) + 0.7548776662466927 * salt, 1);
  double x = r->lo + (r->hi - r->lo) * u;
  return fabs(x - round(x)) < 0.01 ? x + 0.02 : x;
}

static mx_array operand(const struct row *r, mx_dtype dtype, mx_ints shape, int salt) {
  int64_t n = 1;
  for (size_t i = 0; i < shape.count; i++) n *= shape.at[i];
  double *v = malloc((size_t)(n ? n : 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = draw(r, i, salt);
  mx_array a = mx_from_data(v, shape, MX_FLOAT64);
  free(v);
  if (dtype == MX_COMPLEX64) return mx_add(mx_astype(a, dtype), mx_multiply(mx_c64(0, 0.5f), mx_astype(mx_flip(a, MX_ALL), dtype)));
  return mx_astype(a, dtype);
}

enum layout { DENSE, STRIDED, REVERSED, TRANSPOSED, WIDE_ROW, WIDE_COLUMN, NUMBER, LAYOUTS };

/* A (6, 10) view of memory that lies otherwise. */
static mx_array laid_out(const struct row *r, mx_dtype dtype, enum layout layout, int salt) {
  const mx_ints shape = MX_INTS(6, 10);
  switch (layout) {
    case STRIDED: return mx_slice(operand(r, dtype, MX_INTS(13, 31), salt), MX_INTS(1, 1), MX_INTS(13, 31), MX_INTS(2, 3));
    case REVERSED: return mx_flip(operand(r, dtype, shape, salt), MX_ALL);
    case TRANSPOSED: return mx_transpose(operand(r, dtype, MX_INTS(10, 6), salt), MX_ALL);
    case WIDE_ROW: return mx_broadcast_to(operand(r, dtype, MX_INTS(1, 10), salt), shape);
    case WIDE_COLUMN: return mx_broadcast_to(operand(r, dtype, MX_INTS(6, 1), salt), shape);
    case NUMBER: return mx_broadcast_to(operand(r, dtype, MX_0D, salt), shape);
    default: return operand(r, dtype, shape, salt);
  }
}

static bool takes(const struct row *r, mx_dtype dtype) {
  return mxi_ew_results[r->op][mxi_ew_operand_dtype((enum mxi_ew_rule)mxi_ew_rows[r->op].rule, dtype)];
}

static void assert_same(mx_array got, mx_array expected, const struct row *r, mx_dtype dtype, int way) {
  const char *p = mx_data(got), *q = mx_data(expected);
  if (!p || !q) fail_msg("%s of %s, %d: %s", r->name, mx_dtype_name(dtype), way, mx_error_message());
  assert_int_equal(mx_dtype_of(got), mx_dtype_of(expected));
  assert_int_equal(mx_size(got), mx_size(expected));
  size_t itemsize = mx_itemsize(got), part = mx_dtype_of(got) == MX_COMPLEX64 ? 4 : itemsize;
  mx_dtype t = mx_dtype_of(got) == MX_COMPLEX64 ? MX_FLOAT32 : mx_dtype_of(got);
  for (int64_t i = 0; i < mx_size(got) * (int64_t)(itemsize / part); i++, p += part, q += part)
    if (memcmp(p, q, part) && !(graph_is_nan(p, t) && graph_is_nan(q, t)))
      fail_msg("%s of %s, %d: element %lld differs", r->name, mx_dtype_name(dtype), way, (long long)i);
}

/* ---- Layouts ----------------------------------------------------------------------------------------------------- */
static void check_layouts(const struct row *r, mx_dtype dtype) {
  for (int k = 0; k < LAYOUTS * LAYOUTS; k++) {
    mx_scope s = mx_scope_begin();
    mx_array in[3], dense[3];
    for (int i = 0; i < r->arity; i++) {
      in[i] = laid_out(r, i == 0 && r->arity == 3 ? MX_BOOL : dtype, (enum layout)(i ? k / LAYOUTS : k % LAYOUTS), i);
      dense[i] = mx_contiguous(in[i]);
      assert_int_equal(mx_eval_many(in[i], dense[i]), MX_OK);
    }
    assert_same(apply(r, in), apply(r, dense), r, dtype, k);
    mx_scope_end(s);
    if (r->arity == 1 && k == LAYOUTS - 1) break;
  }
}

static void check_shapes(const struct row *r, mx_dtype dtype) {
  mx_scope s = mx_scope_begin();
  mx_array in[3], empty[3], zero[3], line[3];
  for (int i = 0; i < r->arity; i++) {
    mx_dtype t = i == 0 && r->arity == 3 ? MX_BOOL : dtype;
    empty[i] = operand(r, t, i ? MX_INTS(3, 0, 1) : MX_INTS(0, 5), i);
    zero[i] = operand(r, t, MX_0D, i);
    in[i] = operand(r, t, i == 0 ? MX_INTS(4, 1, 3) : i == 1 ? MX_INTS(5, 1) : MX_INTS(3), i);
    line[i] = mx_contiguous(mx_broadcast_to(in[i], r->arity == 1 ? mx_shape(in[0]) : MX_INTS(4, 5, 3)));
  }
  mx_array none = apply(r, empty), one = apply(r, zero), wide = apply(r, in);
  assert_int_equal(mx_eval_many(none, one, wide), MX_OK);
  assert_true(mx_size(none) == 0 && mx_ndim(none) == (r->arity > 1 ? 3 : 2));
  assert_true(mx_size(one) == 1 && mx_ndim(one) == 0);
  assert_same(wide, apply(r, line), r, dtype, 1000);
  mx_scope_end(s);
}

static void rows_do_not_depend_on_layout(void **state) {
  (void)state;
  for (int i = 0; i < ROWS; i++)
    for (int t = 0; t < MXI_DTYPE_COUNT; t++)
      if (takes(&rows[i], (mx_dtype)t)) {
        check_layouts(&rows[i], (mx_dtype)t);
        check_shapes(&rows[i], (mx_dtype)t);
      }
}

/* ---- Fusion and threads ------------------------------------------------------------------------------------------ */
/* The row between others: its operands are computed, its result is read twice. */
static mx_array in_a_chain(const struct row *r, mx_dtype dtype, mx_ints shape) {
  mx_array in[3];
  for (int i = 0; i < r->arity; i++) {
    mx_array a = operand(r, i == 0 && r->arity == 3 ? MX_BOOL : dtype, shape, i);
    in[i] = mx_where(mx_equal(a, a), a, mx_zeros_like(a));
  }
  mx_array y = apply(r, in);
  return mx_where(mx_not_equal(y, mx_zeros_like(y)), y, mx_astype(mx_isfinite(y), mx_dtype_of(y)));
}

static mx_array chain_result(const struct row *r, mx_dtype dtype, mx_ints shape, const char *fuse, int threads) {
  mxi_config_set(MXI_CONFIG_FUSE, fuse);
  mx_set_num_threads(threads);
  mx_scope s = mx_scope_begin();
  mx_array a = mx_retain(in_a_chain(r, dtype, shape));
  mx_scope_end(s);
  if (!a || mx_eval(a)) fail_msg("%s of %s: %s", r->name, mx_dtype_name(dtype), mx_error_message());
  return a;
}

static void rows_do_not_depend_on_fusion_or_threads(void **state) {
  (void)state;
  for (int i = 0; i < ROWS; i++)
    for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
      if (!takes(&rows[i], (mx_dtype)t)) continue;
      for (int n = 0; n < 2; n++) {
        const mx_ints shape = n ? MX_INTS(40001) : MX_INTS(3, 37);
        mx_array expected = chain_result(&rows[i], (mx_dtype)t, shape, "0", 1);
        for (int threads = 1; threads <= 3; threads++) {
          mx_array got = chain_result(&rows[i], (mx_dtype)t, shape, "1", threads);
          assert_same(got, expected, &rows[i], (mx_dtype)t, threads);
          mx_release(got);
        }
        mx_release(expected);
        if (t != MX_FLOAT32 && t != MX_BFLOAT16) break;
      }
    }
  mx_set_num_threads(2);
}

/* ---- Derivatives ------------------------------------------------------------------------------------------------- */
enum { POINTS = 40 };

struct derived {
  const struct row *r;
  int which;          /* the operand that varies */
  mx_array others[3]; /* float64 but a condition, POINTS each */
  int depth;          /* of gradients taken */
};

static mx_array place(const struct derived *d, mx_array x) {
  mx_array in[3] = {d->others[0], d->others[1], d->others[2]};
  in[d->which] = x;
  return apply(d->r, in);
}

static mx_array total(const mx_array *x, void *ctx) {
  struct derived *d = ctx;
  if (d->depth == 0) return mx_sum(place(d, x[0]), MX_ALL, false);
  mx_array g = NULL;
  struct derived inner = *d;
  inner.depth--;
  return mx_grad(total, &inner, x, 1, &g) ? NULL : mx_sum(g, MX_ALL, false);
}

/* Derivative number `depth` at every point; 0: the values. */
static void evaluate(struct derived *d, int depth, const double *x, double *out) {
  mx_scope s = mx_scope_begin();
  mx_array at = mx_from_data(x, MX_INTS(POINTS), MX_FLOAT64), y = NULL;
  d->depth = depth - 1;
  if (depth == 0)
    y = place(d, at);
  else
    mx_grad(total, d, &at, 1, &y);
  if (mx_copy_to(y, out, POINTS * sizeof *out)) fail_msg("%s, derivative %d: %s", d->r->name, depth, mx_error_message());
  mx_scope_end(s);
}

/* Two central differences, at h and 2h, differ by three times the error of the first, h^2/6 f'''; to that comes rounding:
 * the error of f, in units of its last place, over h. The derivative itself is made of a few such operations. */
static void check_derivative(struct derived *d, int depth) {
  double x[POINTS], low[2][POINTS], high[2][POINTS], got[POINTS], h = 2e-5, error = (2 + d->r->ulp * 4) * (depth > 1 ? 8 : 1);
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < POINTS; i++) x[i] = draw(d->r, i, d->which) - h * (k + 1);
    evaluate(d, depth - 1, x, low[k]);
    for (int i = 0; i < POINTS; i++) x[i] = draw(d->r, i, d->which) + h * (k + 1);
    evaluate(d, depth - 1, x, high[k]);
  }
  for (int i = 0; i < POINTS; i++) x[i] = draw(d->r, i, d->which);
  evaluate(d, depth, x, got);
  for (int i = 0; i < POINTS; i++) {
    double near = (high[0][i] - low[0][i]) / (2 * h), far = (high[1][i] - low[1][i]) / (4 * h);
    double rounding = error * DBL_EPSILON * ((fabs(high[0][i]) + fabs(low[0][i])) / h + fabs(x[i] * near) / h + 16 * fabs(near));
    double bound = fabs(far - near) + rounding + 1e-13 / h * DBL_EPSILON;
    if (!(fabs(got[i] - near) <= bound))
      fail_msg("%s, derivative %d by operand %d at %.17g: %.17g, differences give %.17g +- %.2g", d->r->name, depth, d->which, x[i], got[i],
               near, bound);
  }
}

static void make_others(struct derived *d) {
  for (int i = 0; i < d->r->arity; i++)
    d->others[i] = operand(d->r, i == 0 && d->r->arity == 3 ? MX_BOOL : MX_FLOAT64, MX_INTS(POINTS), i);
}

static void for_each_derivative(void (*check)(struct derived *d)) {
  for (int i = 0; i < ROWS; i++) {
    if (!has_derivative(&rows[i]) || !takes(&rows[i], MX_FLOAT64)) continue;
    for (int which = rows[i].arity == 3; which < rows[i].arity; which++) {
      mx_scope s = mx_scope_begin();
      struct derived d = {.r = &rows[i], .which = which};
      make_others(&d);
      check(&d);
      mx_scope_end(s);
    }
  }
}

static void first_derivative(struct derived *d) { check_derivative(d, 1); }
static void second_derivative(struct derived *d) { check_derivative(d, 2); }
static void third_derivative(struct derived *d) { check_derivative(d, 3); }

static void gradients_agree_with_differences(void **state) { (void)state, for_each_derivative(first_derivative); }
static void second_derivatives_agree_with_differences(void **state) { (void)state, for_each_derivative(second_derivative); }
static void third_derivatives_agree_with_differences(void **state) { (void)state, for_each_derivative(third_derivative); }

static mx_status row_of_many(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  y[0] = place(ctx, x[0]);
  return MX_OK;
}

/* An elementwise row has a diagonal Jacobian: g * (J t) = (J^T g) * t at each point, within a few roundings. */
static void forward_and_back(struct derived *d) {
  mx_array x = d->others[d->which], g = operand(d->r, MX_FLOAT64, MX_INTS(POINTS), 7), t = operand(d->r, MX_FLOAT64, MX_INTS(POINTS), 9);
  mx_array y = NULL, back = NULL, again = NULL, forward = NULL;
  mx_status code = mx_vjp(row_of_many, d, &x, 1, &g, 1, &y, &back);
  if (!code) code = mx_jvp(row_of_many, d, &x, &t, 1, &again, 1, &forward);
  if (code) fail_msg("%s: %s", d->r->name, mx_error_message());
  const double *p = mx_data(mx_multiply(g, forward)), *q = mx_data(mx_multiply(back, t));
  for (int i = 0; i < POINTS; i++)
    if (!(fabs(p[i] - q[i]) <= 32 * DBL_EPSILON * fabs(p[i]))) fail_msg("%s by %d: %.17g forward, %.17g back", d->r->name, d->which, p[i], q[i]);
  assert_memory_equal(mx_data(y), mx_data(again), POINTS * sizeof(double));
}

static void forward_and_backward_agree(void **state) { (void)state, for_each_derivative(forward_and_back); }

/* Gradients of broadcast operands: of their shape and dtype, and the sum of what a full operand would get. */
static mx_array spread(const mx_array *x, void *ctx) {
  const struct row *r = ctx;
  return mx_sum(apply(r, x), MX_ALL, false);
}

static void check_broadcast(const struct row *r, mx_dtype dtype) {
  mx_scope s = mx_scope_begin();
  mx_array small[2] = {operand(r, dtype, MX_INTS(4, 1), 0), operand(r, dtype, MX_INTS(7), 1)}, full[2], g[2], sums[2];
  for (int i = 0; i < 2; i++) full[i] = mx_broadcast_to(small[i], MX_INTS(4, 7));
  mx_status code = mx_grad(spread, (void *)r, small, 2, g);
  if (!code) code = mx_grad(spread, (void *)r, full, 2, sums);
  if (code) fail_msg("%s: %s", r->name, mx_error_message());
  sums[0] = mx_sum(sums[0], MX_INTS(1), true);
  sums[1] = mx_sum(sums[1], MX_INTS(0), false);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(mx_dtype_of(g[i]), dtype);
    assert_int_equal(mx_ndim(g[i]), mx_ndim(small[i]));
    if (!mx_item_i64(mx_allclose(g[i], sums[i], 16 * FLT_EPSILON, 16 * FLT_EPSILON, true))) fail_msg("%s: operand %d", r->name, i);
  }
  mx_scope_end(s);
}

static void gradients_of_broadcast_operands_are_sums(void **state) {
  (void)state;
  for (int i = 0; i < ROWS; i++)
    if (rows[i].arity == 2 && has_derivative(&rows[i])) check_broadcast(&rows[i], MX_FLOAT32), check_broadcast(&rows[i], MX_FLOAT64);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_do_not_depend_on_layout),
      cmocka_unit_test(rows_do_not_depend_on_fusion_or_threads),
      cmocka_unit_test(gradients_agree_with_differences),
      cmocka_unit_test(second_derivatives_agree_with_differences),
      cmocka_unit_test(third_derivatives_agree_with_differences),
      cmocka_unit_test(forward_and_backward_agree),
      cmocka_unit_test(gradients_of_broadcast_operands_are_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

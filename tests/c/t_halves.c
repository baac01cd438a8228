/* float16 and bfloat16 through every row of elementwise.def: an operation on halves is the operation on float32, rounded
 * by the definition, alone and after another one in the same cluster. The float32 rows are t_elementwise.c's. */
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
#include "ops/builders.h"
#include "ops/elementwise.h"
#include "support/halves.h"

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
enum { ROWS = sizeof rows / sizeof *rows, COUNT = 1283 };

static const double special[] = {0.0, 1, 0.5, 2.5, INFINITY, NAN, 65504, 0x1p-24, 0x1p-133, 3e38};
enum { SPECIALS = 2 * sizeof special / sizeof *special };

static mx_array apply(const struct row *r, const mx_array *in) {
  if (r->arity == 1) return mxi_ew_unary(mxi_ctx_thread(), r->op, in[0]);
  if (r->arity == 2) return mxi_ew_binary(mxi_ctx_thread(), r->op, in[0], in[1]);
  return mx_where(mx_greater(in[0], mx_scalar_f(1)), in[1], in[2]);
}

static bool takes(const struct row *r, mx_dtype dtype) {
  return mxi_ew_results[r->op][mxi_ew_operand_dtype((enum mxi_ew_rule)mxi_ew_rows[r->op].rule, dtype)];
}

/* Pairs of special values, then numbers of the row's range; bits of halves. */
static void fill(const struct row *r, mx_dtype dtype, int operand, uint16_t *to) {
  for (int i = 0; i < COUNT; i++) {
    double u = fmod(0.137 + 0.6180339887498949 * (i + 1) + 0.7548776662466927 * operand, 1);
    int at = operand ? i / SPECIALS : i % SPECIALS;
    double v = i < SPECIALS * SPECIALS ? (at % 2 ? -special[at / 2] : special[at / 2]) : r->lo + (r->hi - r->lo) * u;
    to[i] = half_nearest(dtype, v);
  }
}

static mx_array single(mx_dtype dtype, const uint16_t *bits) {
  static float v[COUNT];
  for (int i = 0; i < COUNT; i++) v[i] = (float)half_value(dtype, bits[i]);
  return mx_from_data(v, MX_INTS(COUNT), MX_FLOAT32);
}

/* The halves nearest to a float32 array. */
static void nearest(mx_dtype dtype, mx_array y, uint16_t *to) {
  const float *v = mx_data(y);
  assert_non_null(v);
  for (int i = 0; i < COUNT; i++) to[i] = half_nearest(dtype, v[i]);
}

static void compare(const struct row *r, const char *way, mx_dtype dtype, mx_array got, mx_array in_f32) {
  const uint16_t *y = mx_data(got);
  uint16_t want[COUNT];
  if (!y) fail_msg("%s of %s, %s: %s", r->name, mx_dtype_name(dtype), way, mx_error_message());
  if (mx_dtype_of(got) != dtype) { /* bool and float8 are not rounded */
    assert_int_equal(mx_dtype_of(got), mx_dtype_of(in_f32));
    assert_memory_equal(y, mx_data(in_f32), mx_nbytes(got));
    return;
  }
  nearest(dtype, in_f32, want);
  for (int i = 0; i < COUNT; i++) {
    double u = half_value(dtype, y[i]), v = half_value(dtype, want[i]);
    if (y[i] != want[i] && !(isnan(u) && isnan(v)))
      fail_msg("%s of %s, %s: element %d is %a, expected %a", r->name, mx_dtype_name(dtype), way, i, u, v);
  }
}

static void check_row(const struct row *r, mx_dtype dtype) {
  uint16_t bits[3][COUNT], sum[COUNT];
  mx_array h[3], f[3];
  for (int k = 0; k < 3; k++) {
    fill(r, dtype, k, bits[k]);
    h[k] = mx_from_data(bits[k], MX_INTS(COUNT), dtype);
    f[k] = single(dtype, bits[k]);
  }
  compare(r, "alone", dtype, apply(r, h), apply(r, f));
  /* a + c, rounded, in the place of the first operand */
  nearest(dtype, mx_add(f[0], f[2]), sum);
  compare(r, "after a sum", dtype, apply(r, (mx_array[]){mx_add(h[0], h[2]), h[1], h[2]}),
          apply(r, (mx_array[]){single(dtype, sum), f[1], f[2]}));
}

static void halves_round_after_each_operation(void **unused) {
  (void)unused;
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < 2; k++) {
      mx_dtype dtype = k ? MX_BFLOAT16 : MX_FLOAT16;
      if (!takes(&rows[i], dtype)) continue;
      mx_scope s = mx_scope_begin();
      check_row(&rows[i], dtype);
      mx_scope_end(s);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(halves_round_after_each_operation)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

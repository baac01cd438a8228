/* What is computed once although it is written twice, and what is not. Kernels are replaced by ones that count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mica/extend.h>

#include "core/prim.h"

static int products, instructions;

static mx_status count_product(struct mx_task *task) {
  (void)task;
  products++;
  return MX_OK;
}

static mx_status count_instructions(const struct mx_cluster *cluster, const void *const *in, void *const *out) {
  (void)in, (void)out;
  instructions += cluster->instr_count;
  return MX_OK;
}

static mx_array x, y;

static int set_up(void **state) {
  (void)state;
  static struct mx_kernel kernels[MXI_OP_COUNT];
  kernels[MXI_OP_matmul] = (struct mx_kernel){count_product, NULL};
  mx_set(&x, mx_random_normal(MX_SHAPE(6, 6), MX_FLOAT32, 0, 1, mx_random_key(1)));
  mx_set(&y, mx_random_normal(MX_SHAPE(6, 6), MX_FLOAT32, 0, 1, mx_random_key(2)));
  if (mx_eval_many(x, y)) return 1;
  const struct mx_backend counting = {.size = sizeof counting, .name = "counting", .kernels = kernels,
                                      .kernel_count = MXI_OP_COUNT, .elementwise = count_instructions};
  return mx_backend_use(&counting);
}

static int tear_down(void **state) {
  (void)state;
  mx_backend_use(NULL);
  mx_clear(&x);
  mx_clear(&y);
  return mx_error() != MX_OK;
}

/* Products and instructions that evaluating `a` runs; `a` must be the last thing made in the scope. */
static void assert_runs(mx_scope s, mx_array a, int expected_products, int expected_instructions) {
  mx_array keep = mx_retain(a);
  mx_scope_end(s);
  products = instructions = 0;
  assert_int_equal(mx_eval(keep), MX_OK);
  mx_release(keep);
  assert_int_equal(products, expected_products);
  assert_int_equal(instructions, expected_instructions);
}

static void equal_expressions_are_computed_once(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  assert_runs(s, mx_add(mx_matmul(x, y), mx_matmul(x, y)), 1, 1);
  s = mx_scope_begin();
  assert_runs(s, mx_multiply(mx_sin(mx_add(x, y)), mx_sin(mx_add(x, y))), 0, 3);
  s = mx_scope_begin(); /* equal only once what they read is known to be */
  assert_runs(s, mx_subtract(mx_matmul(mx_exp(x), y), mx_matmul(mx_exp(x), y)), 1, 2);
}

static void other_expressions_are_not(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  assert_runs(s, mx_add(mx_matmul(x, y), mx_matmul(y, x)), 2, 1);
  s = mx_scope_begin(); /* parameters differ, where the structure does not say so */
  mx_array top = mx_slice(x, MX_INTS(0, 0), MX_INTS(3, 6), MX_INTS(1, 1)), bottom = mx_slice(x, MX_INTS(3, 0), MX_INTS(6, 6), MX_INTS(1, 1));
  assert_runs(s, mx_add(mx_matmul(top, y), mx_matmul(bottom, y)), 2, 1);
  s = mx_scope_begin(); /* two literals are two values */
  assert_runs(s, mx_add(mx_multiply(x, mx_scalar_f(2)), mx_multiply(x, mx_scalar_f(3))), 0, 3);
}

static void held_values_stay_apart(void **state) {
  (void)state;
  mx_array a = mx_retain(mx_matmul(x, y)), b = mx_retain(mx_matmul(x, y));
  mx_scope s = mx_scope_begin();
  assert_runs(s, mx_add(a, b), 2, 1);
  mx_release(a);
  mx_release(b);
}

static void barriers_are_not_looked_through(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  assert_runs(s, mx_add(mx_matmul(mx_stop_gradient(x), y), mx_matmul(mx_stop_gradient(x), y)), 2, 1);
}

static mx_status square_of_product(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  return (results[0] = mx_square(mx_matmul(args[0], y))) ? MX_OK : mx_error();
}

static mx_array checkpointed(const mx_array *args, void *ctx) {
  mx_array out = NULL;
  mx_status code = ctx ? mx_checkpoint(square_of_product, NULL, args, 1, &out, 1) : square_of_product(args, 1, &out, 1, NULL);
  return code ? NULL : mx_sum(out, MX_ALL, false);
}

/* The product of the forward pass is computed again in the backward pass, which has one of its own. */
static void a_checkpoint_is_not_undone(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    mx_scope s = mx_scope_begin();
    mx_array value = NULL, grad = NULL;
    assert_int_equal(mx_value_and_grad(checkpointed, way ? "" : NULL, &x, 1, &value, &grad), MX_OK);
    mx_retain(value);
    mx_retain(grad);
    mx_scope_end(s);
    products = 0;
    assert_int_equal(mx_eval_many(value, grad), MX_OK);
    assert_int_equal(products, way ? 3 : 2);
    mx_release(value);
    mx_release(grad);
  }
}

static void a_held_constant_has_memory_of_its_own(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_SHAPE(3, 4), MX_FLOAT32);
  mx_ints strides = mx_strides(a);
  assert_int_equal(strides.count, 2);
  assert_int_equal(strides.at[0], 4);
  assert_int_equal(strides.at[1], 1);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_expressions_are_computed_once),
      cmocka_unit_test(other_expressions_are_not),
      cmocka_unit_test(held_values_stay_apart),
      cmocka_unit_test(barriers_are_not_looked_through),
      cmocka_unit_test(a_checkpoint_is_not_undone),
      cmocka_unit_test(a_held_constant_has_memory_of_its_own),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

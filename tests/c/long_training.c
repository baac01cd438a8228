/* A hundred thousand steps of training, with momentum, a varying batch and a value read now and then: after the first few,
 * the number of nodes and the bytes in use are the same at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"

enum { STEPS = 100000, SETTLED = 100, ROWS = 64, COLUMNS = 8 };

struct problem {
  mx_array x, y;
  int step;
};

static mx_array loss(const mx_array *w, void *ctx) {
  const struct problem *p = ctx;
  int64_t first = p->step % (ROWS / 2);
  mx_array x = mx_slice(p->x, MX_INTS(first, 0), MX_INTS(first + ROWS / 2, COLUMNS), MX_INTS(1, 1));
  mx_array y = mx_slice(p->y, MX_INTS(first), MX_INTS(first + ROWS / 2), MX_INTS(1));
  mx_array hidden = mx_tanh(mx_add(mx_matmul(x, w[0]), w[1]));
  return mx_mean(mx_square(mx_subtract(mx_matmul(hidden, w[2]), y)), MX_ALL, false);
}

static void train_one(struct problem *p, mx_array *w, mx_array *momentum, double *value) {
  mx_array g[3], l = NULL;
  mx_scope s = mx_scope_begin();
  assert_int_equal(mx_value_and_grad(loss, p, w, 3, &l, g), MX_OK);
  for (int i = 0; i < 3; i++) {
    mx_set(&momentum[i], mx_add(mx_multiply(momentum[i], mx_scalar_f(0.9)), g[i]));
    mx_set(&w[i], mx_subtract(w[i], mx_multiply(momentum[i], mx_scalar_f(0.01))));
  }
  if (p->step % 10 == 0) *value = mx_item_f64(l);
  mx_scope_end(s);
  assert_int_equal(mx_eval_many(w[0], w[1], w[2], momentum[0], momentum[1], momentum[2]), MX_OK);
}

static void training_takes_no_more_and_more_memory(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array key = mx_random_key(3), w[3], momentum[3];
  struct problem p = {.x = mx_random_normal(MX_SHAPE(ROWS, COLUMNS), MX_FLOAT32, 0, 1, key)};
  p.y = mx_sin(mx_sum(p.x, MX_INTS(1), false));
  w[0] = mx_retain(mx_random_normal(MX_SHAPE(COLUMNS, 5), MX_FLOAT32, 0, 0.3f, mx_random_key(4)));
  w[1] = mx_retain(mx_zeros(MX_SHAPE(5), MX_FLOAT32));
  w[2] = mx_retain(mx_random_normal(MX_SHAPE(5), MX_FLOAT32, 0, 0.3f, mx_random_key(5)));
  for (int i = 0; i < 3; i++) momentum[i] = mx_retain(mx_zeros_like(w[i]));
  assert_int_equal(mx_eval_many(p.x, p.y), MX_OK);
  int64_t live = 0;
  size_t active = 0;
  double first = 0, value = 0;
  for (p.step = 0; p.step < STEPS; p.step++) {
    train_one(&p, w, momentum, &value);
    if (p.step == 0) first = value;
    if (p.step == SETTLED) live = mxi_live_nodes(), active = mx_memory_info().active;
    if (p.step <= SETTLED) continue;
    assert_int_equal(mxi_live_nodes(), live);
    assert_int_equal(mx_memory_info().active, active);
  }
  assert_true(value < first / 2);
  for (int i = 0; i < 3; i++) mx_release(w[i]), mx_release(momentum[i]);
  mx_scope_end(s);
  assert_int_equal(mxi_live_nodes(), 0);
  assert_int_equal(mx_memory_info().active, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(training_takes_no_more_and_more_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

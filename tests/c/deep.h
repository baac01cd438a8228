/* Deep graphs, for t_deep and long_deep: a chain and a balanced tree of DEEP_NODES, built, evaluated, differentiated and
 * freed on a thread whose stack is 8 MB. */
#ifndef MICA_TESTS_DEEP_H
#define MICA_TESTS_DEEP_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"

enum { DEEP_STACK = 8 << 20 };

/* x + 1 + 1 + ...: the value is exact, the derivative 1. */
static mx_array deep_chain(const mx_array *x, void *ctx) {
  int64_t n = *(int64_t *)ctx;
  mx_array a = mx_retain(x[0]), one = mx_f64(1);
  for (int64_t i = 0; i < n && a; i++) {
    mx_scope s = mx_scope_begin();
    mx_array next = mx_retain(i % 2 ? mx_add(a, one) : mx_add(one, a));
    mx_scope_end(s);
    mx_release(a);
    a = next;
  }
  mx_array result = mx_add(a, mx_f64(0)); /* in the caller's scope */
  mx_release(a);
  return result;
}

/* The sum of as many leaves x as fit, added up in pairs: the derivative is their number. */
static mx_array deep_tree(const mx_array *x, void *ctx) {
  int64_t leaves = *(int64_t *)ctx / 2, n = leaves;
  mx_array *level = malloc((size_t)leaves * sizeof *level), total = NULL;
  if (!level) return NULL;
  for (int64_t i = 0; i < leaves; i++) level[i] = mx_retain(x[0]);
  for (; n > 1; n = (n + 1) / 2)
    for (int64_t i = 0; i < n / 2 + n % 2; i++) {
      mx_scope s = mx_scope_begin();
      mx_array sum = 2 * i + 1 < n ? mx_retain(mx_add(level[2 * i], level[2 * i + 1])) : mx_retain(level[2 * i]);
      mx_scope_end(s);
      mx_release(level[2 * i]);
      if (2 * i + 1 < n) mx_release(level[2 * i + 1]);
      level[i] = sum;
    }
  total = mx_add(level[0], mx_f64(0));
  mx_release(level[0]);
  free(level);
  return total;
}

struct deep_test {
  mx_fn make;
  int64_t nodes;
  double value, gradient;
  const char *wrong;
};

static const char *deep_check(struct deep_test *t) {
  int64_t live = mxi_live_nodes();
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f64(0.5), y = t->make(&x, &t->nodes), value = NULL, g = NULL;
  if (!y) return "it is not built";
  if (mx_item_f64(y) != t->value) return "its value is wrong";
  t->make(&x, &t->nodes); /* freed without being evaluated */
  if (mx_value_and_grad(t->make, &t->nodes, &x, 1, &value, &g)) return mx_error_message();
  if (mx_eval_many(value, g)) return mx_error_message();
  if (mx_item_f64(value) != t->value || mx_item_f64(g) != t->gradient) return "its derivative is wrong";
  mx_scope_end(s);
  return mxi_live_nodes() == live ? NULL : "nodes are lost";
}

static void *deep_main(void *p) {
  struct deep_test *t = p;
  t->wrong = deep_check(t);
  return NULL;
}

static void deep_run(mx_fn make, int64_t nodes, double value, double gradient) {
  struct deep_test t = {make, nodes, value, gradient, NULL};
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  assert_int_equal(pthread_attr_setstacksize(&attributes, DEEP_STACK), 0);
  assert_int_equal(pthread_create(&thread, &attributes, deep_main, &t), 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  if (t.wrong) fail_msg("%lld nodes: %s", (long long)nodes, t.wrong);
}

static void a_deep_chain(void **state) {
  (void)state;
  deep_run(deep_chain, DEEP_NODES, 0.5 + DEEP_NODES, 1);
}

static void a_wide_tree(void **state) {
  (void)state;
  deep_run(deep_tree, DEEP_NODES, 0.5 * (DEEP_NODES / 2), DEEP_NODES / 2);
}

static int deep_tests(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_deep_chain), cmocka_unit_test(a_wide_tree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif

/* Loops on the pool: every index is visited once, whatever the count, the grain and the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"

enum { MOST = 5000 };

static _Atomic int visits[MOST];
static _Atomic int wrong_slots, nested_slots;
static int threads_now;

static void visit(void *arg, int64_t begin, int64_t end, int slot) {
  (void)arg;
  if (slot < 0 || slot >= threads_now) wrong_slots++;
  for (int64_t i = begin; i < end; i++) visits[i]++;
}

static void assert_each_once(int64_t count, int64_t grain) {
  for (int64_t i = 0; i < MOST; i++) atomic_store(&visits[i], 0);
  mxi_parallel(count, grain, visit, NULL);
  for (int64_t i = 0; i < MOST; i++)
    if (visits[i] != (i < count)) fail_msg("count %lld grain %lld threads %d: index %lld was visited %d times", (long long)count,
                                           (long long)grain, threads_now, (long long)i, visits[i]);
}

static void every_index_is_visited_once(void **state) {
  (void)state;
  static const int64_t counts[] = {0, 1, 2, 3, 7, 64, 65, 1000, MOST}, grains[] = {1, 2, 3, 64, MOST};
  static const int threads[] = {1, 2, 3, 5, 2, 8, 3}; /* up and down: ranges that rested are used again */
  for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
    mxi_pool_set_threads(threads_now = threads[t]);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
      for (size_t g = 0; g < sizeof grains / sizeof *grains; g++)
        for (int again = 0; again < 5; again++) assert_each_once(counts[c], grains[g]);
  }
  assert_int_equal(wrong_slots, 0);
}

static void inner(void *arg, int64_t begin, int64_t end, int slot) {
  (void)arg;
  if (slot) nested_slots++;
  for (int64_t i = begin; i < end; i++) visits[i]++;
}

static void outer(void *arg, int64_t begin, int64_t end, int slot) {
  (void)arg, (void)slot;
  for (int64_t i = begin; i < end; i++) mxi_parallel(10, 1, inner, NULL);
}

static void a_loop_within_a_loop_runs_alone(void **state) {
  (void)state;
  mxi_pool_set_threads(threads_now = 3);
  for (int64_t i = 0; i < MOST; i++) atomic_store(&visits[i], 0);
  mxi_parallel(100, 1, outer, NULL);
  for (int i = 0; i < 10; i++) assert_int_equal(visits[i], 100);
  assert_int_equal(nested_slots, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_index_is_visited_once),
                                     cmocka_unit_test(a_loop_within_a_loop_runs_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

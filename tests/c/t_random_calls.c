/* Thousands of calls of every operation with arguments that fit and that do not; see support/random_calls.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"
#include "support/random_calls.h"

enum { RUNS = 300, STEPS = 100 };

static void any_call_gives_a_result_or_an_error(void **state) {
  (void)state;
  static struct random_calls r;
  const char *only = getenv("MICA_TEST_SEED");
  mx_memory_limit((size_t)1 << 28);
  for (uint64_t seed = only ? strtoull(only, NULL, 10) : 1; seed <= RUNS; seed++) {
    r = (struct random_calls){.source = {.state = seed}};
    if (!random_calls(&r, STEPS)) fail_msg("seed %llu: %s", (unsigned long long)seed, r.failure);
    if (mxi_live_nodes()) fail_msg("seed %llu: %lld nodes are left", (unsigned long long)seed, (long long)mxi_live_nodes());
    if (only) break;
  }
  assert_int_equal(mx_memory_info().active, 0);
  mx_memory_limit(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_call_gives_a_result_or_an_error)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Any bytes as calls of any operations with any arguments; see tests/c/support/random_calls.h. */
#include "../tests/c/support/random_calls.h"
#include "core/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct random_calls r;
  mx_memory_limit((size_t)1 << 28);
  r = (struct random_calls){.source = {.data = data, .size = size, .state = 1}};
  if (!random_calls(&r, STEPS)) {
    fprintf(stderr, "%s\n", r.failure);
    abort();
  }
  if (mxi_live_nodes()) abort();
  return 0;
}

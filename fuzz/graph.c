/* Any bytes as a graph: evaluated lazily with its temporaries gone, fused, on one, two and three threads; and one operation
 * at a time with all of them held, unfused. Nothing may crash, leak a node, or differ by a bit. */
#include <stdlib.h>
#include <string.h>

#include "../tests/c/support/ops_graph.h"
#include "base/config.h"
#include "core/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEPT = 8, STEPS = 60, THREADS = 3 };

static void require(bool ok) {
  if (!ok) abort();
}

static void evaluate_now(mx_array a, void *ctx) {
  (void)ctx;
  require(!mx_eval(a));
}

static int run(const uint8_t *data, size_t size, bool eager, mx_array *kept) {
  struct graph g = {.source = {.data = data, .size = size, .state = 1}};
  mx_scope s = mx_scope_begin();
  graph_grow(&g, STEPS, eager ? evaluate_now : NULL, NULL);
  int count = 0;
  for (int i = g.count - 1; i >= 0 && count < KEPT; i -= 1 + count) kept[count++] = mx_retain(g.values[i]);
  mx_scope_end(s);
  require(!mx_eval_all(kept, (size_t)count));
  return count;
}

static bool same(mx_array a, mx_array b) {
  const char *p = mx_data(a), *q = mx_data(b);
  mx_dtype dtype = mx_dtype_of(a);
  size_t itemsize = mx_itemsize(a);
  if (!p || !q || mx_size(a) != mx_size(b) || dtype != mx_dtype_of(b)) return false;
  for (int64_t i = 0; i < mx_size(a); i++, p += itemsize, q += itemsize)
    if (memcmp(p, q, itemsize) && !(graph_is_nan(p, dtype) && graph_is_nan(q, dtype))) return false;
  return true;
}

static void check(const uint8_t *data, size_t size) {
  mx_array eager[KEPT], lazy[KEPT];
  mxi_config_set(MXI_CONFIG_FUSE, "0");
  int count = run(data, size, true, eager);
  mxi_config_set(MXI_CONFIG_FUSE, "1");
  for (int threads = 1; threads <= THREADS; threads++) {
    mx_set_num_threads(threads);
    require(run(data, size, false, lazy) == count);
    for (int i = 0; i < count; i++) {
      require(same(lazy[i], eager[i]));
      mx_release(lazy[i]);
    }
  }
  for (int i = 0; i < count; i++) mx_release(eager[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t live = mxi_live_nodes();
  check(data, size);
  require(mxi_live_nodes() == live);
  return 0;
}

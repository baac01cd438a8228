/* Any bytes as a graph: built, evaluated lazily with its temporaries gone, and one operation at a time with all of them
 * held. Nothing may crash, leak a node, or differ by a bit. */
#include <stdlib.h>
#include <string.h>

#include "../tests/c/support/ops_graph.h"
#include "core/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEPT = 8, STEPS = 60 };

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mx_array lazy[KEPT], eager[KEPT];
  int64_t live = mxi_live_nodes();
  int count = run(data, size, false, lazy);
  require(run(data, size, true, eager) == count);
  for (int i = 0; i < count; i++) {
    require(same(lazy[i], eager[i]));
    mx_release(lazy[i]);
    mx_release(eager[i]);
  }
  require(mxi_live_nodes() == live);
  return 0;
}

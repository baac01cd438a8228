/* Reductions over clusters: fused, they give the bits of the cluster's array reduced, at any number of threads, on every
 * instruction set, and the array never exists. The oracle is the same graph with fusion off; t_reduce.c holds that to its
 * definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "backend/cpu/isa.h"
#include "base/config.h"
#include "run/run.h"
#include "support/ops_graph.h"
#include "support/sanitized.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static mx_array pattern(mx_ints shape, mx_dtype dtype, int salt) {
  int64_t n = 1;
  for (size_t i = 0; i < shape.count; i++) n *= shape.at[i];
  float *v = malloc((size_t)(n ? n : 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = (float)((i * 7919 + salt * 104729) % 401 - 200) / 64;
  if (n > 40) v[n / 3] = (float)NAN, v[n / 2] = -0.0f, v[n - 1] = 0.0f;
  mx_array a = mx_astype(mx_from_data(v, shape, MX_FLOAT32), dtype);
  free(v);
  assert_int_equal(mx_eval(a), MX_OK);
  return a;
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */
struct graph_of {
  mx_array x, y, row, column, turned;
  int chain, op;
  mx_ints axes;
  bool keep;
};

static mx_array chain_of(const struct graph_of *g) {
  mx_array x = g->x, y = g->y;
  switch (g->chain) {
    case 0: return mx_square(mx_subtract(x, y));
    case 1: return mx_multiply(mx_add(x, g->row), g->column);
    case 2: return mx_astype(mx_maximum(x, y), MX_FLOAT32);
    case 3: return mx_add(mx_flip(x, MX_INTS(1, 2)), y); /* no dense rows: not fused */
    case 4: return mx_subtract(g->row, mx_flip(x, MX_INTS(1)));
    case 5: return mx_less(x, y);
    case 6: return mx_multiply(mx_transpose(g->turned, MX_INTS(0, 2, 1)), y); /* read in panels: not fused */
    default: return mx_where(mx_greater(x, g->column), x, mx_multiply(mx_scalar_i(2), y));
  }
}
enum { CHAINS = 8 };

static mx_array reduction_of(const struct graph_of *g, mx_array a) {
  switch (g->op) {
    case 0: return mx_sum(a, g->axes, g->keep);
    case 1: return mx_prod(a, g->axes, g->keep);
    case 2: return mx_max(a, g->axes, g->keep);
    case 3: return mx_min(a, g->axes, g->keep);
    case 4: return mx_all(a, g->axes, g->keep);
    case 5: return mx_any(a, g->axes, g->keep);
    default: return mx_mean(a, g->axes, g->keep);
  }
}
enum { REDUCTIONS = 7 };

/* Nothing but the result is held when it runs: what a scope holds is kept, and so exists. */
static mx_array run(const struct graph_of *g, const char *fuse, int threads) {
  mxi_config_set(MXI_CONFIG_FUSE, fuse);
  mx_set_num_threads(threads);
  mx_scope s = mx_scope_begin();
  mx_array a = mx_scope_end_keep(s, reduction_of(g, chain_of(g)));
  if (a && mx_eval(a)) fail_msg("chain %d, reduction %d: %s", g->chain, g->op, mx_error_message());
  mx_error_clear(); /* a dtype that the operation refuses */
  return a;
}

static void assert_same(mx_array got, mx_array expected, const struct graph_of *g, int threads) {
  const char *p = mx_data(got), *q = mx_data(expected);
  mx_dtype t = mx_dtype_of(got) == MX_COMPLEX64 ? MX_FLOAT32 : mx_dtype_of(got); /* part by part */
  size_t parts = t == mx_dtype_of(got) ? 1 : 2, itemsize = mx_itemsize(got) / parts;
  assert_int_equal(mx_size(got), mx_size(expected));
  for (size_t i = 0; i < (size_t)mx_size(got) * parts; i++, p += itemsize, q += itemsize)
    if (memcmp(p, q, itemsize) && !(graph_is_nan(p, t) && graph_is_nan(q, t)))
      fail_msg("chain %d, reduction %d, %s %lld x %lld x %lld, axes %lld.., %d threads: element %lld differs", g->chain, g->op,
               mx_dtype_name(mx_dtype_of(g->x)), (long long)mx_dim(g->x, 0), (long long)mx_dim(g->x, 1),
               (long long)mx_dim(g->x, 2), (long long)(g->axes.count ? g->axes.at[0] : -1), threads, (long long)i);
}

static void every_axis(struct graph_of *g, int most_threads) {
  static const int64_t lists[][3] = {{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}};
  static const size_t counts[] = {1, 1, 1, 2, 2, 2, 3};
  for (size_t k = 0; k < COUNT(lists); k++) {
    mx_scope s = mx_scope_begin();
    g->axes = (mx_ints){lists[k], counts[k]};
    g->keep = k & 1;
    mx_array expected = run(g, "0", 1);
    for (int threads = 1; expected && threads <= most_threads; threads++) assert_same(run(g, "1", threads), expected, g, threads);
    mx_scope_end(s);
  }
}

/* Sizes below, at and above the lanes, blocks and tiles of both trees. */
static const int64_t shapes[][3] = {{1, 1, 1},    {3, 5, 7},     {2, 3, 64},    {1, 2, 4096}, {1, 3, 4097},  {2, 1, 8193},
                                    {4, 255, 16}, {1, 256, 17},  {2, 257, 40},  {1, 513, 129}, {3, 40, 1025}, {1, 70, 2050},
                                    {300, 3, 20}, {5, 1, 300},   {1100, 2, 63}, {0, 3, 4}};
static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_INT8,
                                  MX_UINT16,  MX_INT32,   MX_BOOL,     MX_COMPLEX64};

static void make(struct graph_of *g, const int64_t *d, mx_dtype dtype) {
  g->x = pattern(MX_SHAPE(d[0], d[1], d[2]), dtype, 1);
  g->y = pattern(MX_SHAPE(d[0], d[1], d[2]), dtype, 2);
  g->row = pattern(MX_SHAPE(d[2]), dtype, 3);
  g->turned = pattern(MX_SHAPE(d[0], d[2], d[1]), dtype, 5);
  g->column = pattern(MX_SHAPE(d[0], d[1], 1), dtype, 4);
}

static void over_everything(int most_threads, size_t shape_step) {
  for (size_t i = 0; i < COUNT(shapes); i += shape_step)
    for (size_t t = i % EVERY(4); t < COUNT(dtypes); t += EVERY(4)) {
      mx_scope s = mx_scope_begin();
      struct graph_of g;
      make(&g, shapes[i], dtypes[t]);
      for (g.chain = 0; g.chain < CHAINS; g.chain += t < 2 ? 1 : 3)
        for (g.op = 0; g.op < REDUCTIONS; g.op++) every_axis(&g, most_threads);
      mx_scope_end(s);
    }
}

static void fused_and_unfused_have_the_same_bits(void **state) {
  (void)state;
  over_everything(2, 1);
}

/* The threads of the loop above mostly find too little to share. */
static void large_ones_have_the_same_bits_on_any_threads(void **state) {
  (void)state;
  static const int64_t large[][3] = {{3, 700, 300}, {1, 600000, 1}, {1, 40, 9000}, {1000, 40, 20}};
  for (size_t i = 0; i < COUNT(large); i++)
    for (size_t t = i % EVERY(3); t < 3; t += EVERY(3)) {
      mx_scope s = mx_scope_begin();
      struct graph_of g = {.op = 0};
      make(&g, large[i], dtypes[t]);
      for (g.chain = 0; g.chain < CHAINS; g.chain++) every_axis(&g, 3);
      mx_scope_end(s);
    }
}

/* Plans hold kernels of one set. */
static void every_instruction_set_fuses_alike(void **state) {
  (void)state;
  int top = (int)mxi_isa();
  for (int isa = 0; isa < top; isa++) {
    mxi_plan_cache_clear();
    atomic_store(&mxi_isa_chosen, isa);
    over_everything(1, 3);
  }
  mxi_plan_cache_clear();
  atomic_store(&mxi_isa_chosen, top);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */
/* What others see of a cluster: a result inside it, its root, and a root that two reductions read. */
static void build_seen(mx_array x, mx_array y, int which, mx_array *out) {
  mx_scope s = mx_scope_begin();
  mx_array d = mx_subtract(x, y), r = mx_square(d);
  out[0] = mx_retain(mx_sum(r, MX_INTS(0), false));
  out[1] = mx_retain(which == 0 ? d : which == 1 ? r : mx_max(r, MX_INTS(1), false));
  mx_scope_end(s);
  assert_int_equal(mx_eval_many(out[0], out[1]), MX_OK);
}

static void what_others_see_is_stored(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = pattern(MX_SHAPE(300, 77), MX_FLOAT32, 1), y = pattern(MX_SHAPE(300, 77), MX_FLOAT32, 2);
  for (int which = 0; which < 3; which++) {
    struct graph_of g = {.x = mx_reshape(x, MX_INTS(300, 77, 1)), .chain = which};
    mx_array expected[2], got[2];
    mxi_config_set(MXI_CONFIG_FUSE, "0");
    build_seen(x, y, which, expected);
    mxi_config_set(MXI_CONFIG_FUSE, "1");
    build_seen(x, y, which, got);
    for (int i = 0; i < 2; i++) {
      assert_same(got[i], expected[i], &g, 2);
      mx_release(got[i]);
      mx_release(expected[i]);
    }
  }
  mx_scope_end(s);
}

/* With memory for the operands and the result, but not for an array of 4 MiB more, only the fused graph runs. */
static void the_array_never_exists(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  struct graph_of g = {.op = REDUCTIONS - 1};
  make(&g, (const int64_t[]){512, 8, 256}, MX_FLOAT32);
  mx_memory_limit(mx_memory_info().active + (3 << 20));
  for (int axis = 0; axis < 4; axis++) {
    int64_t one = axis;
    g.axes = axis < 3 ? (mx_ints){&one, 1} : MX_ALL;
    for (int fuse = 0; fuse < 2; fuse++) {
      mxi_config_set(MXI_CONFIG_FUSE, fuse ? "1" : "0");
      mx_scope inner = mx_scope_begin();
      mx_array a = mx_scope_end_keep(inner, reduction_of(&g, chain_of(&g)));
      mx_status code = mx_eval(a);
      if (code != (fuse ? MX_OK : MX_ERR_MEMORY)) fail_msg("axis %d, fuse %d: %s", axis, fuse, mx_error_message());
      mx_error_clear();
    }
  }
  mx_memory_limit(0);
  mx_scope_end(s);
}

static int after(void **state) {
  (void)state;
  mxi_config_set(MXI_CONFIG_FUSE, "1");
  mx_error_clear();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(fused_and_unfused_have_the_same_bits, after),
      cmocka_unit_test_teardown(large_ones_have_the_same_bits_on_any_threads, after),
      cmocka_unit_test_teardown(every_instruction_set_fuses_alike, after),
      cmocka_unit_test_teardown(what_others_see_is_stored, after),
      cmocka_unit_test_teardown(the_array_never_exists, after),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

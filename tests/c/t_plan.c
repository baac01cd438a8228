/* Plans: what is fused, cached, donated or shared between threads never changes a bit of a result. The oracle is the same
 * graph evaluated one operation at a time, every value held, or plain C where the values are simple. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "base/config.h"
#include "core/thread.h"
#include "run/run.h"
#include "support/ops_graph.h"

static int64_t live_before;
static size_t active_before;

static int count_before(void **state) {
  (void)state;
  mx_error_clear();
  mx_set_num_threads(2);
  live_before = mxi_live_nodes();
  active_before = mx_memory_info().active;
  return 0;
}

static int count_after(void **state) {
  (void)state;
  mxi_config_set(MXI_CONFIG_FUSE, "1");
  if (mx_error()) print_error("left pending: %s\n", mx_error_message());
  if (mx_error() || mxi_live_nodes() != live_before || mx_memory_info().active != active_before) {
    print_error("%lld nodes, %lld bytes leaked\n", (long long)(mxi_live_nodes() - live_before),
                (long long)(mx_memory_info().active - active_before));
    return 1;
  }
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, count_before, count_after)
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* -1: the same; else the first element that differs. */
static int64_t first_difference(const char *p, const char *q, int64_t size, size_t itemsize, mx_dtype dtype) {
  if (!memcmp(p, q, (size_t)size * itemsize)) return -1;
  for (int64_t i = 0; i < size; i++, p += itemsize, q += itemsize)
    if (memcmp(p, q, itemsize) && !(graph_is_nan(p, dtype) && graph_is_nan(q, dtype))) return i;
  return -1;
}

static void assert_same(mx_array got, mx_array expected, const char *what, unsigned n) {
  const void *p = mx_data(got), *q = mx_data(expected);
  if (!p || !q) fail_msg("%s %u: %s", what, n, mx_error_message());
  assert_int_equal(mx_size(got), mx_size(expected));
  int64_t at = first_difference(p, q, mx_size(got), mx_itemsize(got), mx_dtype_of(got));
  if (at >= 0) fail_msg("%s %u: element %lld differs", what, n, (long long)at);
}

/* ---- The same result every way ----------------------------------------------------------------------------------- */
typedef mx_array (*maker)(void *ctx);

static mx_array make_and_run(maker make, void *ctx, const char *fuse, int threads) {
  mxi_config_set(MXI_CONFIG_FUSE, fuse);
  mx_set_num_threads(threads);
  mx_scope s = mx_scope_begin();
  mx_array a = mx_retain(make(ctx));
  mx_scope_end(s);
  if (!a || mx_eval(a)) fail_msg("%s", mx_error_message());
  return a;
}

/* Unfused on one thread is the reference for: fused; fresh, admitted and cached plans; two and three threads. */
static void same_every_way(maker make, void *ctx, const char *what, unsigned n) {
  mx_array expected = make_and_run(make, ctx, "0", 1);
  static const struct {
    const char *fuse;
    int threads;
  } ways[] = {{"0", 3}, {"1", 1}, {"1", 2}, {"1", 3}};
  for (size_t i = 0; i < COUNT(ways); i++) {
    mx_array got = make_and_run(make, ctx, ways[i].fuse, ways[i].threads);
    assert_same(got, expected, what, n * 10 + (unsigned)i);
    mx_release(got);
  }
  mx_release(expected);
}

static mx_array pattern(int64_t rows, int64_t columns, mx_dtype dtype, int salt) {
  int64_t n = rows * columns;
  float *v = malloc((size_t)(n ? n : 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = (float)((i * 7919 + salt * 104729) % 4001 - 2000) / 1024;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_retain(mx_astype(mx_from_data(v, MX_INTS(rows, columns), MX_FLOAT32), dtype));
  mx_scope_end(s);
  free(v);
  assert_int_equal(mx_eval(a), MX_OK);
  return a;
}

/* ---- Chains ------------------------------------------------------------------------------------------------------ */
struct operands {
  mx_array x, y, row, column;
  int which;
};

static mx_array chain(void *ctx) {
  struct operands *o = ctx;
  mx_array x = o->x, y = o->y;
  switch (o->which) {
    case 0: return mx_add(mx_multiply(x, y), mx_exp(mx_negative(mx_abs(x))));
    case 1: return mx_subtract(mx_multiply(x, o->row), mx_divide(o->column, mx_add(mx_square(y), mx_scalar_i(1))));
    case 2: return mx_where(mx_greater(x, o->row), mx_sin(x), mx_multiply(y, o->column));
    case 3: return mx_sum(mx_multiply(x, mx_tanh(y)), MX_INTS(0), false);
    case 4: return mx_mean(mx_square(mx_subtract(x, o->row)), MX_INTS(1), true);
    case 5: return mx_divide(mx_exp(x), mx_sum(mx_exp(x), MX_INTS(1), true));
    case 6: return mx_add(mx_astype(mx_astype(x, MX_FLOAT16), MX_FLOAT32), mx_astype(mx_greater(y, x), MX_FLOAT32));
    case 7: return mx_multiply(mx_add(x, mx_mean(y, MX_ALL, false)), mx_sigmoid(o->column));
    case 8: return mx_matmul(mx_add(x, y), mx_transpose(mx_multiply(x, o->row), MX_ALL));
    case 9: return mx_add(mx_flip(x, MX_ALL), mx_multiply(x, mx_flip(y, MX_INTS(1))));
    case 10: return mx_logaddexp(mx_broadcast_to(o->row, mx_shape(x)), mx_subtract(x, mx_max(x, MX_INTS(1), true)));
    default: return mx_reshape(mx_sqrt(mx_abs(mx_transpose(mx_add(x, o->row), MX_ALL))), MX_INTS(-1));
  }
}

static void chains_are_the_same_every_way(void **state) {
  (void)state;
  static const int64_t shapes[][2] = {{1, 1}, {1, 100}, {3, 37}, {64, 128}, {257, 1}, {300, 257}, {0, 5}};
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16};
  for (unsigned s = 0; s < COUNT(shapes); s++)
    for (unsigned d = 0; d < COUNT(dtypes); d++) {
      int64_t rows = shapes[s][0], columns = shapes[s][1];
      struct operands o = {pattern(rows, columns, dtypes[d], 1), pattern(rows, columns, dtypes[d], 2),
                           pattern(1, columns, dtypes[d], 3), pattern(rows, 1, dtypes[d], 4), 0};
      for (o.which = rows ? 0 : 3; o.which < (rows ? 12 : 5); o.which++)
        same_every_way(chain, &o, "chain", (s * 10 + d) * 100 + (unsigned)o.which);
      mx_release(o.x), mx_release(o.y), mx_release(o.row), mx_release(o.column);
    }
}

static mx_array long_chain(void *ctx) {
  mx_array x = *(mx_array *)ctx, y = x;
  for (int i = 0; i < 100; i++) y = i % 3 ? mx_add(mx_multiply(y, mx_scalar_f(0.75)), x) : mx_sin(y);
  return y;
}

static mx_array many_operands(void *ctx) {
  mx_array x = *(mx_array *)ctx, y = x;
  for (int i = 0; i < 30; i++) y = mx_add(y, mx_add(mx_full(MX_INTS(mx_dim(x, 1)), mx_scalar_i(i), MX_FLOAT32), mx_scalar_f(0.5)));
  return y;
}

static void chains_longer_than_a_cluster_are_cut(void **state) {
  (void)state;
  mx_array x = pattern(70, 33, MX_FLOAT32, 5);
  same_every_way(long_chain, &x, "long chain", 0);
  same_every_way(many_operands, &x, "many operands", 0);
  mx_release(x);
}

/* ---- The linear step --------------------------------------------------------------------------------------------- */
struct linear {
  mx_array x, w, y;
  int which;
};

static mx_array linear_step(void *ctx) {
  struct linear *p = ctx;
  mx_array z = mx_matmul(p->x, p->w), t;
  switch (p->which) {
    case 0: t = mx_subtract(z, p->y); break;
    case 1: t = mx_multiply(mx_multiply(mx_subtract(z, p->y), mx_scalar_f(2)), mx_scalar_f(0.001)); break;
    case 2: t = mx_subtract(mx_sigmoid(z), p->y); break;
    case 3: t = mx_clip(mx_subtract(z, p->y), mx_scalar_f(-1), mx_scalar_f(1)); break;
    case 4: t = mx_multiply(mx_tanh(z), mx_add(z, p->y)); break;
    default: t = mx_divide(z, mx_add(mx_abs(p->y), mx_scalar_i(1))); break;
  }
  return mx_matmul(mx_transpose(p->x, MX_ALL), t);
}

static mx_array vector(int64_t n, mx_dtype dtype, int salt) {
  mx_array a = pattern(n, 1, dtype, salt);
  mx_scope s = mx_scope_begin();
  mx_array v = mx_retain(mx_reshape(a, MX_INTS(n)));
  mx_scope_end(s);
  assert_int_equal(mx_eval(v), MX_OK);
  mx_release(a);
  return v;
}

static void linear_steps(mx_array x, mx_dtype dtype, bool matrix, unsigned n) {
  int64_t rows = mx_dim(x, 0), columns = mx_dim(x, 1);
  struct linear p = {x, matrix ? pattern(columns, 1, dtype, 6) : vector(columns, dtype, 6),
                     matrix ? pattern(rows, 1, dtype, 7) : vector(rows, dtype, 7), 0};
  for (p.which = 0; p.which < 6; p.which++) same_every_way(linear_step, &p, "linear step", n * 10 + (unsigned)p.which);
  mx_release(p.w), mx_release(p.y);
}

static void linear_steps_are_the_same_every_way(void **state) {
  (void)state;
  static const int64_t rows[] = {1, 2, 3, 7, 64, 255, 256, 257, 1000}, columns[] = {1, 2, 16, 37, 100, 128, 1000};
  for (unsigned r = 0; r < COUNT(rows); r++)
    for (unsigned c = 0; c < COUNT(columns); c++)
      for (int d = 0; d < 2; d++) {
        if (rows[r] * columns[c] > 300000 && d) continue;
        mx_dtype dtype = d ? MX_FLOAT64 : MX_FLOAT32;
        mx_array x = pattern(rows[r], columns[c], dtype, 8);
        linear_steps(x, dtype, (r + c) % 2, (r * 10 + c) * 2 + (unsigned)d);
        mx_release(x);
      }
}

static void linear_steps_over_views(void **state) {
  (void)state;
  mx_array whole = pattern(300, 141, MX_FLOAT32, 9);
  for (int k = 0; k < 4; k++) {
    mx_scope s = mx_scope_begin();
    mx_array x = k == 0   ? mx_slice(whole, MX_INTS(1, 3), MX_INTS(300, 103), MX_INTS(1, 1))
                 : k == 1 ? mx_slice(whole, MX_INTS(0, 0), MX_INTS(300, 141), MX_INTS(2, 1))
                 : k == 2 ? mx_transpose(whole, MX_ALL)
                          : mx_slice(whole, MX_INTS(0, 1), MX_INTS(300, 141), MX_INTS(1, 2));
    mx_retain(x);
    mx_scope_end(s);
    linear_steps(x, MX_FLOAT32, k % 2, 1000 + (unsigned)k);
    mx_release(x);
  }
  mx_release(whole);
}

static mx_array two_steps_over_one_matrix(void *ctx) {
  struct linear *p = ctx;
  mx_array g = linear_step(p), w = mx_subtract(p->w, mx_multiply(mx_scalar_f(0.01), g));
  struct linear next = {p->x, w, p->y, p->which};
  return mx_add(linear_step(&next), g);
}

static void linear_steps_follow_each_other(void **state) {
  (void)state;
  struct linear p = {pattern(500, 37, MX_FLOAT32, 10), vector(37, MX_FLOAT32, 11), vector(500, MX_FLOAT32, 12), 0};
  for (p.which = 0; p.which < 6; p.which++) same_every_way(two_steps_over_one_matrix, &p, "two steps", (unsigned)p.which);
  mx_release(p.x), mx_release(p.w), mx_release(p.y);
}

/* ---- Random graphs ----------------------------------------------------------------------------------------------- */
static void evaluate_now(mx_array a, void *ctx) {
  (void)ctx;
  if (mx_eval(a)) fail_msg("%s", mx_error_message());
}

enum { KEPT = 12 };

/* Grows the graph of `seed`, keeps some of its values and evaluates those together. */
static int run_graph(unsigned seed, bool eager, mx_array *kept) {
  struct graph g = {.source = {.state = seed * 2654435761u + 1}};
  mx_scope s = mx_scope_begin();
  graph_grow(&g, 40, eager ? evaluate_now : NULL, NULL);
  int count = 0;
  for (int i = g.count - 1; i >= 0 && count < KEPT; i -= 1 + count) kept[count++] = mx_retain(g.values[i]);
  mx_scope_end(s);
  if (mx_eval_all(kept, (size_t)count)) fail_msg("graph %u: %s", seed, mx_error_message());
  return count;
}

static void check_graph(unsigned seed) {
  mx_array expected[KEPT], got[KEPT];
  mx_set_num_threads(1);
  mxi_config_set(MXI_CONFIG_FUSE, "0");
  int count = run_graph(seed, true, expected);
  for (int way = 0; way < 5; way++) {
    mxi_config_set(MXI_CONFIG_FUSE, way ? "1" : "0");
    mx_set_num_threads(way < 3 ? 1 : way - 1);
    assert_int_equal(run_graph(seed, false, got), count);
    for (int i = 0; i < count; i++) {
      assert_same(got[i], expected[i], "graph", seed * 100 + (unsigned)(way * 20 + i));
      mx_release(got[i]);
    }
  }
  for (int i = 0; i < count; i++) mx_release(expected[i]);
}

static void random_graphs_are_the_same_every_way(void **state) {
  (void)state;
  const char *from = getenv("MICA_TEST_SEED"), *many = getenv("MICA_TEST_GRAPHS");
  unsigned first = from ? (unsigned)atoi(from) : 0, count = many ? (unsigned)atoi(many) : 150;
  for (unsigned seed = first; seed < first + count; seed++) check_graph(seed);
}

/* ---- The cache --------------------------------------------------------------------------------------------------- */
static void check_sizes_alternate(int64_t n) {
  mx_scope s = mx_scope_begin();
  mx_array x = mx_arange(0, (double)n, 1, MX_FLOAT32), a = mx_retain(mx_add(mx_multiply(x, x), mx_flip(x, MX_ALL)));
  mx_array total = mx_retain(mx_sum(a, MX_ALL, false));
  mx_scope_end(s);
  assert_int_equal(mx_eval_many(a, total), MX_OK);
  const float *p = mx_data(a);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    assert_true(p[i] == (float)(i * i + n - 1 - i));
    sum += p[i];
  }
  assert_true(mx_item_f32(total) == (float)sum);
  mx_release(a), mx_release(total);
}

static void one_structure_serves_alternating_sizes(void **state) {
  (void)state;
  static const int64_t sizes[] = {5, 64, 7, 200, 33, 100, 2, 5, 5, 200, 64, 17};
  for (int round = 0; round < 4; round++)
    for (size_t i = 0; i < COUNT(sizes); i++) check_sizes_alternate(sizes[(i + (size_t)round * 5) % COUNT(sizes)]);
}

static void plans_are_counted(void **state) {
  (void)state;
  mxi_plan_cache_clear();
  mx_array x = pattern(3, 4, MX_FLOAT32, 1), y = pattern(3, 4, MX_FLOAT32, 2), row = pattern(1, 4, MX_FLOAT32, 3);
  struct operands o = {x, y, row, x, 1};
  struct mxi_plan_stats before = mxi_plan_stats();
  assert_int_equal(before.plans, 0);
  for (int i = 0; i < 10; i++) mx_release(make_and_run(chain, &o, "1", 1));
  struct mxi_plan_stats after = mxi_plan_stats();
  assert_int_equal(after.misses - before.misses, 2);
  assert_int_equal(after.predicted + after.hits - before.predicted - before.hits, 8);
  assert_true(after.predicted - before.predicted >= 6);
  assert_int_equal(after.resized, before.resized);
  assert_int_equal(after.plans, 1);
  assert_true(after.nbytes > 0);
  mx_release(x), mx_release(y), mx_release(row);
  mxi_plan_cache_clear();
  assert_int_equal(mxi_plan_stats().plans, 0);
}

static void another_size_keeps_the_skeleton(void **state) {
  (void)state;
  mxi_plan_cache_clear();
  mx_array a = pattern(3, 4, MX_FLOAT32, 1), b = pattern(5, 9, MX_FLOAT32, 2);
  struct operands small = {a, a, a, a, 0}, large = {b, b, b, b, 0};
  for (int i = 0; i < 3; i++) mx_release(make_and_run(chain, &small, "1", 1));
  struct mxi_plan_stats before = mxi_plan_stats();
  for (int i = 0; i < 3; i++) {
    mx_release(make_and_run(chain, &large, "1", 1));
    mx_release(make_and_run(chain, &small, "1", 1));
  }
  struct mxi_plan_stats after = mxi_plan_stats();
  assert_int_equal(after.misses, before.misses);
  assert_int_equal(after.resized - before.resized, 1);
  mx_release(a), mx_release(b);
}

/* The thread stands at one plan, which predicts the other, when both go. */
static void a_cleared_cache_predicts_nothing(void **state) {
  (void)state;
  mx_array x = pattern(3, 4, MX_FLOAT32, 1);
  struct operands here = {x, x, x, x, 1}, there = {x, x, x, x, 2};
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 3; k++) {
      mx_release(make_and_run(chain, &there, "1", 1));
      mx_release(make_and_run(chain, &here, "1", 1));
    }
    mxi_plan_cache_clear();
    mx_release(make_and_run(chain, i % 2 ? &there : &here, "1", 1));
  }
  mx_release(x);
}

static void cached_plans_do_not_remember_values(void **state) {
  (void)state;
  for (int i = 1; i < 8; i++) {
    mx_scope s = mx_scope_begin();
    mx_array x = mx_full(MX_INTS(5), mx_scalar_i(i), MX_FLOAT32);
    mx_array y = mx_retain(mx_add(mx_multiply(x, mx_scalar_f(i * 0.5)), mx_f32((float)i)));
    mx_scope_end(s);
    assert_int_equal(mx_eval(y), MX_OK);
    for (int k = 0; k < 5; k++) assert_true(((const float *)mx_data(y))[k] == (float)i * ((float)i * 0.5f) + (float)i);
    mx_release(y);
  }
}

/* ---- Donation ---------------------------------------------------------------------------------------------------- */
static mx_array reads_twice(mx_array x, int which) {
  int64_t n = mx_dim(x, 0);
  mx_array left = mx_slice(x, MX_INTS(0, 0), MX_INTS(n - 1, n), MX_INTS(1, 1));
  switch (which) {
    case 0: return mx_add(x, mx_transpose(x, MX_ALL));
    case 1: return mx_subtract(x, mx_flip(x, MX_ALL));
    case 2: return mx_multiply(x, mx_take(x, mx_scalar_i(1), 0));
    case 3: return mx_slice_update(x, left, MX_INTS(1, 0), MX_INTS(n, n), MX_INTS(1, 1));
    case 4: return mx_slice_update(x, mx_negative(left), MX_INTS(1, 0), MX_INTS(n, n), MX_INTS(1, 1));
    case 5: return mx_add(x, mx_slice(x, MX_INTS(0, 0), MX_INTS(1, n), MX_INTS(1, 1)));
    case 6: return mx_slice_update(x, mx_transpose(x, MX_ALL), MX_INTS(0, 0), MX_INTS(n, n), MX_INTS(1, 1));
    case 7: return mx_add(mx_add(x, mx_scalar_f(1)), mx_reshape(mx_transpose(mx_add(x, mx_scalar_f(2)), MX_ALL), MX_INTS(n, n)));
    case 8: return mx_put_along_axis(x, mx_astype(mx_argsort(x, 1), MX_INT32), mx_flip(x, MX_ALL), 1);
    case 9: return mx_subtract(x, mx_mean(x, MX_INTS(0), true));
    case 10: return mx_matmul(mx_add(x, mx_scalar_f(1)), x);
    default: return mx_multiply(mx_exp(x), mx_add(x, mx_transpose(mx_exp(x), MX_ALL)));
  }
}

static void an_operand_read_elsewhere_is_not_overwritten(void **state) {
  (void)state;
  for (int which = 0; which < 12; which++)
    for (int64_t n = 2; n <= 130; n += 64) {
      mx_array held = pattern(n, n, MX_FLOAT32, which), dropped = pattern(n, n, MX_FLOAT32, which), y = NULL, z = NULL;
      mxi_config_set(MXI_CONFIG_FUSE, "0");
      mx_scope s = mx_scope_begin();
      mx_set(&y, reads_twice(held, which));
      mx_scope_end(s);
      if (mx_eval(y)) fail_msg("%d: %s", which, mx_error_message());
      mxi_config_set(MXI_CONFIG_FUSE, "1");
      s = mx_scope_begin();
      mx_set(&z, reads_twice(dropped, which));
      mx_scope_end(s);
      mx_clear(&dropped);
      if (mx_eval(z)) fail_msg("%d: %s", which, mx_error_message());
      assert_same(z, y, "read twice", (unsigned)(which * 1000 + n));
      mx_clear(&held), mx_clear(&y), mx_clear(&z);
    }
}

static void memory_seen_by_others_is_not_overwritten(void **state) {
  (void)state;
  for (int how = 0; how < 4; how++) {
    mx_array x = pattern(64, 64, MX_FLOAT32, 3), copy = pattern(64, 64, MX_FLOAT32, 3), other = NULL, y = NULL;
    mx_scope s = mx_scope_begin();
    const float *exported = NULL;
    if (how == 0) mx_set(&other, x);
    if (how == 1) mx_set(&other, mx_transpose(x, MX_ALL));
    if (how == 2) mx_set(&other, mx_slice(x, MX_INTS(0, 0), MX_INTS(64, 64), MX_INTS(1, 2)));
    if (how == 3) exported = mx_data(x), mx_set(&other, x);
    if (other && how) mx_eval(other);
    mx_set(&y, mx_add(x, mx_scalar_f(1)));
    mx_scope_end(s);
    mx_clear(&x);
    assert_int_equal(mx_eval(y), MX_OK);
    const float *want = mx_data(copy), *sum = mx_data(y), *seen = mx_data(other);
    for (int i = 0; i < 64 * 64; i++) assert_true(sum[i] == want[i] + 1.0f);
    for (int i = 0; i < 64; i++)
      for (int j = 0; j < 32; j++)
        assert_true(seen[how == 2 ? i * 32 + j : i * 64 + j] == want[how == 1 ? j * 64 + i : how == 2 ? i * 64 + 2 * j : i * 64 + j]);
    if (exported) assert_memory_equal(exported, want, 64 * 64 * 4);
    mx_clear(&copy), mx_clear(&other), mx_clear(&y);
  }
}

static void updates_in_place_leave_older_values_alone(void **state) {
  (void)state;
  enum { N = 100 };
  mx_array a = pattern(N, 3, MX_FLOAT32, 1), old = NULL;
  for (int i = 0; i < N; i++) {
    if (i == 50) mx_set(&old, a);
    mx_scope s = mx_scope_begin();
    mx_array row = mx_full(MX_INTS(1, 3), mx_scalar_i(i), MX_FLOAT32);
    mx_set(&a, mx_slice_update(a, row, MX_INTS(i, 0), MX_INTS(i + 1, 3), MX_INTS(1, 1)));
    mx_scope_end(s);
    if (i % 3) assert_int_equal(mx_eval(a), MX_OK);
  }
  mx_array start = pattern(N, 3, MX_FLOAT32, 1);
  const float *p = mx_data(a), *q = mx_data(old), *r = mx_data(start);
  for (int i = 0; i < 3 * N; i++) {
    assert_true(p[i] == (float)(i / 3));
    assert_true(q[i] == (i < 150 ? (float)(i / 3) : r[i]));
  }
  mx_clear(&a), mx_clear(&old), mx_clear(&start);
}

static void scatters_in_place_add_up(void **state) {
  (void)state;
  mx_array a = pattern(10, 1, MX_FLOAT32, 0), start = pattern(10, 1, MX_FLOAT32, 0);
  float want[10];
  memcpy(want, mx_data(start), sizeof want);
  for (int i = 0; i < 60; i++) {
    int at[3] = {i % 10, i * 3 % 10, i % 10};
    for (int k = 0; k < 3; k++) want[at[k]] += 0.25f;
    mx_scope s = mx_scope_begin();
    mx_array index = mx_from_data(at, MX_INTS(3), MX_INT32);
    mx_array updates = mx_full(MX_INTS(3, 1, 1), mx_scalar_f(0.25), MX_FLOAT32);
    mx_set(&a, mx_scatter_add(a, &index, 1, updates, MX_INTS(0)));
    mx_scope_end(s);
    if (i % 4 == 3) assert_int_equal(mx_eval(a), MX_OK);
  }
  assert_int_equal(mx_eval(a), MX_OK);
  assert_memory_equal(mx_data(a), want, sizeof want);
  mx_clear(&a), mx_clear(&start);
}

static void results_keep_the_graph_alive_only_where_held(void **state) {
  (void)state;
  mx_array x = pattern(4, 4, MX_FLOAT32, 1), y = NULL;
  int64_t live = mxi_live_nodes();
  mx_scope s = mx_scope_begin();
  mx_set(&y, mx_sum(mx_exp(mx_multiply(x, x)), MX_ALL, false));
  mx_scope_end(s);
  assert_int_equal(mx_eval(y), MX_OK);
  assert_int_equal(mxi_live_nodes(), live + 1);
  mx_clear(&x), mx_clear(&y);
}

/* ---- Small views of large buffers -------------------------------------------------------------------------------- */
enum { LARGE = 640, PART = 70, WAYS = 8 };

/* A (PART, PART) view of a small part, that lies one way or another. */
static mx_array small_part(mx_array x, int way) {
  mx_array a = mx_slice(x, MX_INTS(5, 9), MX_INTS(5 + PART, 9 + PART), MX_INTS(1, 1));
  switch (way) {
    case 0: return a;
    case 1: return mx_transpose(a, MX_ALL);
    case 2: return mx_slice(x, MX_INTS(3, 1), MX_INTS(3 + 2 * PART, 1 + 2 * PART), MX_INTS(2, 2));
    case 3: return mx_transpose(mx_slice(x, MX_INTS(3, 1), MX_INTS(3 + 2 * PART, 1 + 2 * PART), MX_INTS(2, 2)), MX_ALL);
    case 4: return mx_flip(a, MX_ALL);
    case 5: return mx_transpose(mx_flip(a, MX_INTS(1)), MX_ALL);
    case 6: return mx_broadcast_to(mx_slice(x, MX_INTS(4, 2), MX_INTS(5, 2 + PART), MX_INTS(1, 1)), MX_INTS(PART, PART));
    default: return mx_broadcast_to(mx_slice(x, MX_INTS(4, 2), MX_INTS(4 + PART, 3), MX_INTS(1, 1)), MX_INTS(PART, PART));
  }
}

/* What is held is copied, so that it does not keep the rest, in the order in which it lies: products over it take the same
 * way through it as if nobody had held it. */
static void a_held_part_is_copied_and_gives_the_same_bits(void **state) {
  (void)state;
  for (int way = 0; way < WAYS; way++) {
    mx_scope s = mx_scope_begin();
    mx_array x = mx_retain(mx_random_normal(MX_SHAPE(LARGE, LARGE), MX_FLOAT32, 0, 1, mx_random_key(1)));
    mx_array v = mx_random_normal(MX_SHAPE(PART), MX_FLOAT32, 0, 1, mx_random_key(2));
    assert_int_equal(mx_eval_many(x, v), MX_OK);
    mx_array held = NULL, a = NULL, b = NULL;
    mx_scope inner = mx_scope_begin(); /* at whose end nothing but `held` itself is held: no step on the way to a part */
    mx_set(&held, small_part(x, way));
    mx_set(&a, mx_matmul(small_part(x, way), v));
    mx_set(&b, mx_matmul(v, small_part(x, way)));
    mx_scope_end(inner);
    assert_int_equal(mx_eval_many(a, b), MX_OK);
    assert_int_equal(mx_eval(held), MX_OK);
    mx_array c = mx_matmul(held, v), d = mx_matmul(v, held);
    assert_int_equal(mx_eval_many(c, d), MX_OK);
    if (memcmp(mx_data(a), mx_data(c), mx_nbytes(a)) || memcmp(mx_data(b), mx_data(d), mx_nbytes(b))) fail_msg("way %d: other bits", way);
    mx_clear(&a), mx_clear(&b);
    mx_release(x);
    mx_scope_end(s);
    if (mx_memory_info().active > LARGE * LARGE) fail_msg("way %d: the whole is kept", way);
    mx_release(held);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(chains_are_the_same_every_way),
      TEST(chains_longer_than_a_cluster_are_cut),
      TEST(linear_steps_are_the_same_every_way),
      TEST(linear_steps_over_views),
      TEST(linear_steps_follow_each_other),
      TEST(random_graphs_are_the_same_every_way),
      TEST(one_structure_serves_alternating_sizes),
      TEST(plans_are_counted),
      TEST(another_size_keeps_the_skeleton),
      TEST(a_cleared_cache_predicts_nothing),
      TEST(cached_plans_do_not_remember_values),
      TEST(an_operand_read_elsewhere_is_not_overwritten),
      TEST(memory_seen_by_others_is_not_overwritten),
      TEST(updates_in_place_leave_older_values_alone),
      TEST(scatters_in_place_add_up),
      TEST(results_keep_the_graph_alive_only_where_held),
      TEST(a_held_part_is_copied_and_gives_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

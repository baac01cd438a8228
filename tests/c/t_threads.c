/* Many threads: private and shared arrays, arrays that change hands and outlive their thread, one graph evaluated by
 * several threads at once, background runs and streams. Run under the thread sanitizer too (preset tsan). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"
#include "support/ops_graph.h"

enum { THREADS = 8 };

static int64_t live_before;

static int count_before(void **state) {
  (void)state;
  mx_error_clear();
  mx_set_num_threads(2);
  live_before = mxi_live_nodes();
  return 0;
}

static int count_after(void **state) {
  (void)state;
  mx_scope_end(mx_scope_begin()); /* takes in what other threads released */
  if (mx_error()) print_error("left pending: %s\n", mx_error_message());
  if (!mx_error() && mxi_live_nodes() == live_before) return 0;
  print_error("%lld nodes leaked\n", (long long)(mxi_live_nodes() - live_before));
  mx_error_clear();
  return 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, count_before, count_after)

/* ---- Running eight at once --------------------------------------------------------------------------------------- */
struct task {
  int id;
  bool (*run)(int id, void *ctx); /* false: what was expected did not hold */
  void *ctx;
  pthread_barrier_t *start;
  bool ok;
  char message[256];
};

static void *task_main(void *p) {
  struct task *t = p;
  pthread_barrier_wait(t->start);
  t->ok = t->run(t->id, t->ctx);
  if (mx_error()) {
    t->ok = false;
    mx_error_take(t->message, sizeof t->message);
  }
  return NULL;
}

static void on_all_threads(bool (*run)(int id, void *ctx), void *ctx) {
  pthread_t threads[THREADS];
  struct task tasks[THREADS];
  pthread_barrier_t start;
  pthread_barrier_init(&start, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    tasks[i] = (struct task){.id = i, .run = run, .ctx = ctx, .start = &start};
    assert_int_equal(pthread_create(&threads[i], NULL, task_main, &tasks[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&start);
  for (int i = 0; i < THREADS; i++)
    if (!tasks[i].ok) fail_msg("thread %d: wrong result; %s", i, tasks[i].message);
}

/* ---- Random graphs ----------------------------------------------------------------------------------------------- */
enum { GRAPHS = 12 };

/* A number that two arrays share only when they are equal. */
static uint64_t digest(mx_array a) {
  const char *p = mx_data(a);
  size_t itemsize = mx_itemsize(a);
  uint64_t h = 1469598103934665603u;
  for (int64_t i = 0, n = p ? mx_size(a) : 0; i < n; i++, p += itemsize)
    for (size_t k = 0; k < itemsize; k++) h = (h ^ (graph_is_nan(p, mx_dtype_of(a)) ? 1 : (unsigned char)p[k])) * 1099511628211u;
  return h;
}

static uint64_t graph_digest(unsigned seed) {
  struct graph g = {.source = {.state = seed * 2654435761u + 1}};
  mx_scope s = mx_scope_begin();
  graph_grow(&g, 30, NULL, NULL);
  mx_array kept[3];
  for (int i = 0; i < 3; i++) kept[i] = mx_retain(g.values[g.count - 1 - i * 3]);
  mx_scope_end(s);
  uint64_t h = 0;
  if (!mx_eval_all(kept, 3))
    for (int i = 0; i < 3; i++) h = h * 31 + digest(kept[i]);
  for (int i = 0; i < 3; i++) mx_release(kept[i]);
  return h;
}

static bool private_graphs(int id, void *ctx) {
  const uint64_t *expected = ctx;
  for (int i = 0; i < GRAPHS; i++) {
    int seed = (i + id) % GRAPHS;
    if (graph_digest((unsigned)seed) != expected[seed]) return false;
  }
  return true;
}

static void private_graphs_on_many_threads(void **state) {
  (void)state;
  uint64_t expected[GRAPHS];
  for (int i = 0; i < GRAPHS; i++) expected[i] = graph_digest((unsigned)i);
  on_all_threads(private_graphs, expected);
}

/* ---- One graph for all ------------------------------------------------------------------------------------------- */
struct shared {
  mx_array leaf;
  mx_array values[GRAPH_MAX_VALUES];
  uint64_t digests[GRAPH_MAX_VALUES];
  int count;
};

static void share_graph(struct shared *s, unsigned seed) {
  struct graph g = {.source = {.state = seed * 2654435761u + 1}};
  mx_scope scope = mx_scope_begin();
  graph_grow(&g, 40, NULL, NULL);
  for (int i = 0; i < g.count; i++) s->digests[i] = digest(g.values[i]);
  g.source = (struct graph_source){.state = seed * 2654435761u + 1};
  graph_grow(&g, 40, NULL, NULL);
  s->count = g.count;
  for (int i = 0; i < g.count; i++) s->values[i] = mx_retain(g.values[i]);
  mx_scope_end(scope);
}

/* Each thread starts elsewhere, so that they meet in the middle of each other's graphs. */
static bool evaluate_shared(int id, void *ctx) {
  struct shared *s = ctx;
  for (int i = 0; i < s->count; i++) {
    int at = id % 2 ? (i * 7 + id) % s->count : s->count - 1 - (i + id) % s->count;
    mx_retain(s->values[at]);
    if (mx_eval(s->values[at]) || digest(s->values[at]) != s->digests[at]) return false;
    mx_release(s->values[at]);
  }
  return true;
}

static void one_graph_evaluated_by_many_threads(void **state) {
  (void)state;
  for (unsigned seed = 100; seed < 110; seed++) {
    struct shared s = {.count = 0};
    share_graph(&s, seed);
    on_all_threads(evaluate_shared, &s);
    for (int i = 0; i < s.count; i++) mx_release(s.values[i]);
  }
}

static bool build_on_shared(int id, void *ctx) {
  mx_array x = *(mx_array *)ctx, y = NULL;
  for (int i = 0; i < 100; i++) {
    mx_scope s = mx_scope_begin();
    mx_set(&y, mx_add(mx_sum(mx_multiply(x, mx_scalar_i(id)), MX_ALL, false), mx_scalar_i(i)));
    mx_scope_end(s);
    if (mx_item_f32(y) != (float)(id * 1000 + i)) return false;
  }
  mx_clear(&y);
  return true;
}

static void graphs_over_shared_leaves(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array evaluated = mx_retain(mx_ones(MX_INTS(1000), MX_FLOAT32));
  mx_array lazy = mx_retain(mx_add(mx_zeros(MX_INTS(1000), MX_FLOAT32), mx_scalar_f(1)));
  mx_scope_end(s);
  assert_int_equal(mx_eval(evaluated), MX_OK);
  on_all_threads(build_on_shared, &evaluated);
  on_all_threads(build_on_shared, &lazy);
  mx_release(evaluated);
  mx_release(lazy);
}

/* ---- Arrays that change hands ------------------------------------------------------------------------------------ */
enum { BOX = 16, ROUNDS = 300 };

struct mailbox {
  pthread_mutex_t lock;
  mx_array slots[BOX];
};

/* Swaps arrays of its own for whatever lies in the box, and releases those. */
static bool swap_arrays(int id, void *ctx) {
  struct mailbox *box = ctx;
  bool ok = true;
  for (int i = 0; i < ROUNDS; i++) {
    mx_scope s = mx_scope_begin();
    mx_array mine = mx_retain(mx_multiply(mx_add(mx_full(MX_INTS(8), mx_scalar_i(id), MX_FLOAT32), mx_scalar_i(i)), mx_scalar_i(2)));
    mx_scope_end(s);
    if (i % 3 == 0) mx_eval(mine);
    pthread_mutex_lock(&box->lock);
    mx_array other = box->slots[(i * 5 + id) % BOX];
    box->slots[(i * 5 + id) % BOX] = mine;
    pthread_mutex_unlock(&box->lock);
    if (!other) continue;
    if (i % 2) ok = ok && !mx_eval(other) && ((const float *)mx_data(other))[7] >= 0;
    mx_release(other);
  }
  return ok;
}

static void arrays_are_released_by_other_threads(void **state) {
  (void)state;
  struct mailbox box = {PTHREAD_MUTEX_INITIALIZER, {NULL}};
  on_all_threads(swap_arrays, &box);
  for (int i = 0; i < BOX; i++) { /* their makers have exited */
    assert_non_null(box.slots[i]);
    assert_int_equal(mx_eval(box.slots[i]), MX_OK);
    mx_release(box.slots[i]);
  }
}

static void *leave_arrays(void *p) {
  mx_array *out = p, a = mx_add(mx_ones(MX_INTS(5), MX_FLOAT32), mx_scalar_i(1));
  out[0] = mx_retain(a);
  out[1] = mx_retain(mx_square(a));
  mx_eval(out[1]);
  mx_scope_begin();
  mx_raise(MX_ERR_IO, "goes with the thread");
  return NULL;
}

static void arrays_outlive_their_thread(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    mx_array out[2];
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, leave_arrays, out), 0);
    pthread_join(t, NULL);
    assert_true(((const float *)mx_data(out[1]))[4] == 4);
    assert_true(((const float *)mx_data(out[0]))[4] == 2);
    mx_release(out[0]);
    mx_release(out[1]);
  }
}

/* ---- Transforms -------------------------------------------------------------------------------------------------- */
static mx_array loss(const mx_array *w, void *ctx) {
  mx_array x = *(mx_array *)ctx;
  return mx_mean(mx_square(mx_subtract(mx_matmul(x, w[0]), mx_scalar_f(1))), MX_ALL, false);
}

static bool train(int id, void *ctx) {
  uint64_t *digests = ctx;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_reshape(mx_divide(mx_arange(0, 60, 1, MX_FLOAT32), mx_scalar_i(60)), MX_INTS(20, 3));
  mx_array w = mx_retain(mx_zeros(MX_INTS(3), MX_FLOAT32));
  for (int i = 0; i < 50; i++) {
    mx_array g = NULL;
    mx_scope step = mx_scope_begin();
    if (mx_grad(loss, &x, &w, 1, &g)) return false;
    mx_set(&w, mx_subtract(w, mx_multiply(mx_scalar_f(0.1), g)));
    mx_scope_end(step);
    if (mx_eval(w)) return false;
  }
  digests[id] = digest(w);
  mx_release(w);
  mx_scope_end(s);
  return true;
}

static void training_on_many_threads(void **state) {
  (void)state;
  uint64_t digests[THREADS], alone;
  assert_true(train(0, &alone));
  on_all_threads(train, digests);
  for (int i = 0; i < THREADS; i++) assert_int_equal(digests[i], alone);
}

/* ---- Background runs --------------------------------------------------------------------------------------------- */
static bool background(int id, void *ctx) {
  (void)ctx;
  mx_stream own = id % 2 ? mx_stream_new() : NULL, before = own ? mx_use(own) : NULL;
  bool ok = true;
  for (int i = 0; i < 40; i++) {
    mx_scope s = mx_scope_begin();
    mx_array a = mx_retain(mx_sum(mx_add(mx_full(MX_INTS(500), mx_scalar_i(i), MX_FLOAT32), mx_scalar_i(id)), MX_ALL, false));
    mx_scope_end(s);
    ok = ok && !mx_async_eval(&a, 1);
    if (i % 4 == 0) ok = ok && !mx_synchronize() && mx_is_evaluated(a);
    mx_scope inner = mx_scope_begin();
    mx_array b = mx_add(a, mx_scalar_i(1));
    if (i % 3) ok = ok && mx_item_f32(b) == (float)(500 * (i + id) + 1);
    mx_scope_end(inner);
    mx_release(a);
  }
  ok = ok && !mx_synchronize();
  if (own) {
    mx_use(before);
    mx_stream_free(own);
  }
  return ok;
}

static void background_runs_on_many_threads(void **state) {
  (void)state;
  on_all_threads(background, NULL);
}

static void a_released_run_still_ends(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    mx_scope s = mx_scope_begin();
    mx_array a = mx_exp(mx_ones(MX_INTS(10000), MX_FLOAT32));
    assert_int_equal(mx_async_eval(&a, 1), MX_OK);
    mx_scope_end(s);
  }
  assert_int_equal(mx_synchronize(), MX_OK);
}

static mx_array out_of_range(void) {
  int64_t indices[2] = {1, 100};
  mx_scope s = mx_scope_begin();
  mx_array a = mx_take(mx_ones(MX_INTS(5), MX_FLOAT32), mx_from_data(indices, MX_INTS(2), MX_INT64), 0);
  return mx_scope_end_keep(s, mx_add(a, mx_scalar_i(1)));
}

static void a_failed_run_is_raised_where_it_is_read(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array bad = out_of_range(), good = mx_add(mx_f32(1), mx_f32(1));
  assert_int_equal(mx_async_eval(&bad, 1), MX_OK);
  assert_int_equal(mx_async_eval(&good, 1), MX_OK);
  assert_int_equal(mx_synchronize(), MX_ERR_INDEX);
  mx_error_clear();
  assert_int_equal(mx_synchronize(), MX_OK);
  assert_true(mx_item_f32(good) == 2);
  for (int i = 0; i < 2; i++) {
    assert_null(mx_data(bad));
    assert_int_equal(mx_error(), MX_ERR_INDEX);
    mx_error_clear();
  }
  assert_int_equal(mx_eval(mx_negative(bad)), MX_ERR_INDEX);
  mx_error_clear();
  mx_scope_end(s);
}

static bool fails_in_background(int id, void *ctx) {
  (void)ctx;
  mx_scope s = mx_scope_begin();
  mx_array a = id % 2 ? out_of_range() : mx_add(mx_f32(1), mx_f32(1));
  bool ok = !mx_async_eval(&a, 1);
  ok = ok && mx_synchronize() == (id % 2 ? MX_ERR_INDEX : MX_OK);
  mx_error_clear();
  mx_scope_end(s);
  return ok;
}

static void failures_go_to_the_thread_that_asked(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) on_all_threads(fails_in_background, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(private_graphs_on_many_threads),
      TEST(one_graph_evaluated_by_many_threads),
      TEST(graphs_over_shared_leaves),
      TEST(arrays_are_released_by_other_threads),
      TEST(arrays_outlive_their_thread),
      TEST(training_on_many_threads),
      TEST(background_runs_on_many_threads),
      TEST(a_released_run_still_ends),
      TEST(a_failed_run_is_raised_where_it_is_read),
      TEST(failures_go_to_the_thread_that_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

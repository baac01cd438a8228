/* Forks and exits: a child computes on its own threads and fails what was in flight, and no process hangs at its end.
 * Every child reports by its exit status and has an alarm. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <mica.h>

#if defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_TSAN skip() /* it ends a child that starts threads */
#else
#define SKIP_UNDER_TSAN (void)0
#endif

enum { LIMIT = 60, OK = 42 };

/* Threads that a fork leaves behind take their memory along: the leak sanitizer asks whether to look. */
static bool is_child;
MX_API int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return is_child; }

/* Runs `body` in a child; it must return true, and the process end by itself. */
static void in_child(bool (*body)(void *ctx), void *ctx) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    is_child = true;
    alarm(LIMIT);
    exit(body(ctx) ? OK : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status)) fail_msg("the child ended by signal %d", WTERMSIG(status));
  assert_int_equal(WEXITSTATUS(status), OK);
}

static mx_array some_graph(int64_t n) {
  mx_scope s = mx_scope_begin();
  mx_array x = mx_arange(0, (double)n, 1, MX_FLOAT32);
  return mx_scope_end_keep(s, mx_sum(mx_multiply(mx_add(x, mx_scalar_i(1)), mx_scalar_i(2)), MX_ALL, false));
}

static bool graph_is_right(int64_t n) {
  mx_scope s = mx_scope_begin();
  double got = mx_item_f32(some_graph(n)), expected = (double)n * (double)(n + 1);
  mx_scope_end(s);
  return !mx_error() && got > expected * 0.9999 && got < expected * 1.0001;
}

static bool computes(void *ctx) {
  mx_array before = *(mx_array *)ctx;
  mx_set_num_threads(3);
  for (int i = 0; i < 5; i++)
    if (!graph_is_right(200000 + i)) return false;
  return mx_item_f32(mx_add(before, mx_scalar_i(1))) == 3;
}

static void a_child_computes(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  mx_scope s = mx_scope_begin();
  mx_set_num_threads(2);
  assert_true(graph_is_right(300000)); /* the pool has started */
  mx_array lazy = mx_add(mx_f32(1), mx_f32(1)), done = mx_add(mx_f32(1), mx_f32(1));
  assert_int_equal(mx_eval(done), MX_OK);
  in_child(computes, &lazy);
  in_child(computes, &done);
  assert_true(graph_is_right(300000));
  mx_scope_end(s);
}

/* ---- Other threads at work --------------------------------------------------------------------------------------- */
static atomic_bool stop;

static void *keep_busy(void *ctx) {
  (void)ctx;
  while (!atomic_load(&stop)) graph_is_right(5000);
  return NULL;
}

static bool computes_a_little(void *ctx) { return (void)ctx, graph_is_right(5000) && graph_is_right(100000); }

static void a_child_of_a_busy_process_computes(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  pthread_t busy[3];
  atomic_store(&stop, false);
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&busy[i], NULL, keep_busy, NULL), 0);
  for (int i = 0; i < 20; i++) in_child(computes_a_little, NULL);
  atomic_store(&stop, true);
  for (int i = 0; i < 3; i++) pthread_join(busy[i], NULL);
}

/* ---- The BLAS ---------------------------------------------------------------------------------------------------- */
enum { SIDE = 120 };

/* Products in mica's own loops and in the BLAS, and LAPACK: matrices of ones, and the solution of 2 y = 1. */
static bool products_are_right(void) {
  mx_scope s = mx_scope_begin();
  mx_array one = mx_full(MX_INTS(SIDE, SIDE), mx_scalar_i(1), MX_FLOAT32), d = mx_multiply(mx_eye(SIDE, SIDE, 0, MX_FLOAT32), mx_scalar_i(2));
  mx_array real = mx_matmul(one, one), complex = mx_matmul(mx_astype(one, MX_COMPLEX64), mx_astype(one, MX_COMPLEX64));
  mx_array off = mx_max(mx_abs(mx_subtract(complex, real)), MX_ALL, false);
  mx_array solved = mx_max(mx_linalg_solve(d, one), MX_ALL, false);
  bool right = mx_item_f32(off) == 0 && mx_item_f32(mx_max(real, MX_ALL, false)) == SIDE && mx_item_f32(solved) == 0.5f;
  mx_scope_end(s);
  return right && !mx_error();
}

static bool multiplies(void *ctx) {
  (void)ctx;
  if (!products_are_right()) return false;
  mx_set_num_threads(3);
  return products_are_right();
}

static void *keep_multiplying(void *ctx) {
  (void)ctx;
  while (!atomic_load(&stop)) products_are_right();
  return NULL;
}

/* A fork waits for calls that are under way; parent and child both go on with the library. */
static void a_child_multiplies_while_its_parent_does(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  pthread_t busy[2];
  assert_true(products_are_right());
  atomic_store(&stop, false);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&busy[i], NULL, keep_multiplying, NULL), 0);
  for (int i = 0; i < 10; i++) in_child(multiplies, NULL);
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) pthread_join(busy[i], NULL);
  assert_true(products_are_right());
}

/* ---- Runs in flight ---------------------------------------------------------------------------------------------- */
static mx_array long_run(void) {
  mx_scope s = mx_scope_begin();
  mx_array x = mx_full(MX_INTS(300, 300), mx_scalar_f(0.001), MX_FLOAT32);
  for (int i = 0; i < 40; i++) x = mx_matmul(x, x);
  return mx_scope_end_keep(s, x);
}

static bool finds_it_failed(void *ctx) {
  mx_array a = *(mx_array *)ctx;
  if (mx_eval(a) != MX_ERR_STATE) return false;
  mx_error_clear();
  if (mx_data(mx_add(a, mx_scalar_i(1))) || mx_error() != MX_ERR_STATE) return false;
  mx_error_clear();
  return mx_synchronize() == MX_OK && graph_is_right(5000);
}

static bool runs_in_background(void *ctx) {
  (void)ctx;
  mx_array a = some_graph(1000);
  return !mx_async_eval(&a, 1) && !mx_synchronize() && mx_item_f32(a) == 1001000;
}

static void what_was_in_flight_fails_in_the_child(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  mx_scope s = mx_scope_begin();
  mx_array a = long_run();
  assert_int_equal(mx_async_eval(&a, 1), MX_OK);
  if (!mx_is_evaluated(a)) in_child(finds_it_failed, &a);
  in_child(runs_in_background, NULL);
  assert_int_equal(mx_synchronize(), MX_OK);
  assert_int_equal(mx_eval(a), MX_OK);
  mx_scope_end(s);
}

/* ---- Ends -------------------------------------------------------------------------------------------------------- */
static bool leaves_work_in_flight(void *ctx) {
  (void)ctx;
  for (int i = 0; i < 4; i++) {
    mx_array a = long_run();
    if (mx_async_eval(&a, 1)) return false;
  }
  return true;
}

static void *lives_on(void *ctx) {
  (void)ctx;
  for (;;) graph_is_right(5000);
  return NULL;
}

static bool leaves_threads_running(void *ctx) {
  (void)ctx;
  pthread_t t;
  for (int i = 0; i < 3; i++)
    if (pthread_create(&t, NULL, lives_on, NULL)) return false;
  return graph_is_right(300000);
}

static void reads_at_exit(void) {
  if (!graph_is_right(1000)) _exit(7);
}

static bool computes_at_exit(void *ctx) { return (void)ctx, graph_is_right(1000) && !atexit(reads_at_exit); }

static void a_process_may_end_at_any_time(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  for (int i = 0; i < 3; i++) {
    in_child(leaves_work_in_flight, NULL);
    in_child(leaves_threads_running, NULL);
    in_child(computes_at_exit, NULL);
  }
}

static void *leaves_all_open(void *ctx) {
  (void)ctx;
  mx_scope_begin();
  mx_array a = mx_exp(mx_ones(MX_INTS(1000), MX_FLOAT32));
  mx_scope_begin();
  mx_async_eval(&a, 1);
  mx_negative(a);
  mx_raise(MX_ERR_IO, "unread");
  mx_use(mx_stream_new());
  return NULL;
}

static bool threads_leave_all_open(void *ctx) {
  (void)ctx;
  pthread_t t[8];
  for (int i = 0; i < 8; i++)
    if (pthread_create(&t[i], NULL, leaves_all_open, NULL)) return false;
  for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
  return graph_is_right(1000);
}

static void threads_end_with_scopes_and_work_open(void **state) {
  (void)state;
  SKIP_UNDER_TSAN;
  in_child(threads_leave_all_open, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_child_computes),
      cmocka_unit_test(a_child_of_a_busy_process_computes),
      cmocka_unit_test(a_child_multiplies_while_its_parent_does),
      cmocka_unit_test(what_was_in_flight_fails_in_the_child),
      cmocka_unit_test(a_process_may_end_at_any_time),
      cmocka_unit_test(threads_end_with_scopes_and_work_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

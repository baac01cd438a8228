/* mxb_interrupted_by: whatever waits for a run asks whether to go on, and who gives up finds the library as it was. Runs are
 * long because a kernel of the test's own waits at a gate. */
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mica/bind.h>
#include <mica/extend.h>

#include "core/thread.h"

static mxb_ctx *c;
static sem_t gate;
static int slow_op;

/* ---- What takes long ----------------------------------------------------------------------------------------------- */
static mx_status slow_kernel(struct mx_task *task) {
  while (sem_wait(&gate)) {}
  memcpy(task->out[0].data, task->in[0].data, (size_t)task->in[0].size * 4);
  return MX_OK;
}

static bool same_shape(mxb_ctx *ctx, const void *params, const mx_array *inputs, size_t count, struct mx_result *r) {
  (void)ctx, (void)params, (void)count;
  r->dtype = mx_dtype_of(inputs[0]);
  r->ndim = mx_ndim(inputs[0]);
  memcpy(r->shape, mx_shape(inputs[0]).at, (size_t)r->ndim * sizeof *r->shape);
  return true;
}

/* slow(1, 2, 3), then `more` times + 1. */
static mx_array slow_chain(int more) {
  mx_array a = mxb_from_data(c, (float[]){1, 2, 3}, MX_INTS(3), MX_FLOAT32), y = NULL, one = mxb_scalar_i(c, 1);
  assert_int_equal(mxb_prim_apply(c, slow_op, NULL, &a, 1, &y), MX_OK);
  for (int i = 0; i < more; i++) {
    mx_array next = mxb_add(c, y, one);
    mxb_release(y);
    y = next;
  }
  mxb_release(a);
  mxb_release(one);
  return y;
}

/* ---- Who is asked -------------------------------------------------------------------------------------------------- */
struct asked {
  int times, stop_at; /* stop_at 0: never */
  bool evaluates;     /* something else, in the same ctx, meanwhile */
  bool opens;         /* the gate, when first asked */
  float nested;       /* what it evaluated */
};

static bool ask(void *user) {
  struct asked *q = user;
  if (q->evaluates) {
    struct asked *outer = q;
    mxb_interrupted_by(c, NULL, NULL);
    mx_array a = mxb_arange_i(c, 0, 10, 1, MX_FLOAT32), y = a;
    for (int i = 0; i < 9000; i++) { /* more than a window */
      mx_array next = mxb_negative(c, y);
      if (y != a) mxb_release(y);
      y = next;
    }
    const float *p = mxb_data(c, y);
    q->nested = p ? p[9] : NAN;
    mxb_release(y);
    mxb_release(a);
    mxb_interrupted_by(c, ask, outer);
  }
  if (!q->times++ && q->opens) sem_post(&gate);
  return q->stop_at && q->times >= q->stop_at;
}

static void expect_third(mx_array y, float v) {
  mxb_interrupted_by(c, NULL, NULL);
  const float *p = mxb_data(c, y);
  assert_non_null(p);
  assert_float_equal(p[2], v, 0);
}

static void expect_interrupted(mx_status code) {
  assert_int_equal(code, MX_ERR_INTERRUPTED);
  assert_int_equal(mxb_error_code(c), MX_ERR_INTERRUPTED);
  mxb_error_clear(c);
}

static int64_t live_before;

static int setup(void **state) {
  (void)state;
  if (!slow_op) {
    struct mx_prim prim = {.size = sizeof prim, .name = "t_interrupt_slow", .shape = same_shape};
    slow_op = mx_prim_register(&prim, &(struct mx_kernel){slow_kernel, NULL});
    sem_init(&gate, 0, 0);
  }
  live_before = mxi_live_nodes();
  return (c = mxb_ctx_new()) == NULL;
}

static int teardown(void **state) {
  (void)state;
  int closed = 1;
  bool clean = !mxb_error_code(c) && c->top == 0 && !mxb_synchronize(c) && !sem_getvalue(&gate, &closed) && !closed;
  mxb_ctx_free(c);
  return !clean || mxi_live_nodes() != live_before;
}

/* ---- Tests --------------------------------------------------------------------------------------------------------- */
static mx_status by_eval(mx_array y) { return mxb_eval(c, &y, 1); }
static mx_status by_data(mx_array y) { return mxb_data(c, y) ? MX_OK : mxb_error_code(c); }
static mx_status by_wait(mx_array y) {
  bool done = true;
  mx_status code = mxb_wait(c, &y, 1, 1e9, &done);
  return code ? code : done ? MX_OK : MX_ERR_STATE;
}
static mx_status (*const ways[])(mx_array y) = {by_eval, by_data, by_wait};

/* 0: the run's own result; 1: what follows; 9,000: the run is in the first of two windows. */
static void waiting_ends_and_the_run_goes_on(void **state) {
  (void)state;
  const int chains[] = {0, 1, 9000};
  for (size_t k = 0; k < sizeof chains / sizeof *chains; k++)
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
      struct asked q = {.stop_at = 2};
      if (ways[way] == by_wait && chains[k] > 8192) continue; /* it starts windows, and returns between them */
      mx_array y = slow_chain(chains[k]);
      mxb_interrupted_by(c, ask, &q);
      expect_interrupted(ways[way](y));
      assert_int_equal(q.times, 2);
      q = (struct asked){.stop_at = 1};
      expect_interrupted(ways[way](y)); /* somebody's run works on it: that can be given up too */
      sem_post(&gate);
      expect_third(y, 3 + (float)chains[k]);
      mxb_release(y);
    }
}

static void a_run_in_the_middle_of_a_graph_is_not_waited_for_in_vain(void **state) {
  (void)state;
  mx_array y = slow_chain(0), z = mxb_negative(c, y);
  bool done = true;
  struct asked q = {.stop_at = 1};
  assert_int_equal(mxb_async_eval(c, &y, 1), MX_OK);
  assert_int_equal(mxb_eval_start(c, &z, 1, &done), MX_OK);
  assert_false(done);
  assert_int_equal(mxb_wait(c, &z, 1, 0.001, &done), MX_OK);
  assert_false(done);
  mxb_interrupted_by(c, ask, &q);
  expect_interrupted(mxb_eval(c, &z, 1));
  expect_interrupted(mxb_async_eval(c, &z, 1));
  expect_interrupted(mxb_synchronize(c));
  sem_post(&gate);
  mxb_interrupted_by(c, NULL, NULL);
  while (!done) assert_int_equal(mxb_wait(c, &z, 1, 10, &done), MX_OK);
  expect_third(z, -3);
  mxb_release(y);
  mxb_release(z);
}

static void who_is_not_interrupted_gets_the_values(void **state) {
  (void)state;
  const int chains[] = {0, 1, 9000, 30000, 600000}; /* the last takes several times as long to walk as it takes to be asked */
  for (size_t k = 0; k < sizeof chains / sizeof *chains; k++)
    for (int evaluates = 0; evaluates < 2; evaluates++) {
      struct asked q = {.opens = true, .evaluates = evaluates};
      mx_array y = slow_chain(chains[k]);
      mxb_interrupted_by(c, ask, &q);
      assert_int_equal(mxb_eval(c, &y, 1), MX_OK);
      assert_true(q.times > 0);
      if (evaluates) assert_float_equal(q.nested, 9, 0);
      expect_third(y, 3 + (float)chains[k]);
      mxb_release(y);
    }
}

static void synchronizing_asks_too(void **state) {
  (void)state;
  struct asked q = {.opens = true};
  mx_array y = slow_chain(1);
  assert_int_equal(mxb_async_eval(c, &y, 1), MX_OK);
  mxb_interrupted_by(c, ask, &q);
  assert_int_equal(mxb_synchronize(c), MX_OK);
  assert_true(q.times > 0 && mx_is_evaluated(y));
  expect_third(y, 4);
  mxb_release(y);
}

static void *open_gate(void *unused) {
  sem_post(&gate);
  return unused;
}

static void what_is_short_is_done_without_asking(void **state) {
  (void)state;
  struct asked q = {.stop_at = 1};
  mxb_interrupted_by(c, ask, &q);
  mx_array a = mxb_arange_i(c, 0, 3, 1, MX_FLOAT32), y = mxb_negative(c, a);
  assert_int_equal(mxb_eval(c, &y, 1), MX_OK);
  assert_int_equal(q.times, 0);
  mxb_release(a);
  mxb_release(y);
  mx_array z = slow_chain(0);
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, open_gate, NULL), 0);
  q.stop_at = 0;
  assert_int_equal(mxb_eval(c, &z, 1), MX_OK);
  pthread_join(t, NULL);
  mxb_release(z);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(waiting_ends_and_the_run_goes_on),
      TEST(a_run_in_the_middle_of_a_graph_is_not_waited_for_in_vain),
      TEST(who_is_not_interrupted_gets_the_values),
      TEST(synchronizing_asks_too),
      TEST(what_is_short_is_done_without_asking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

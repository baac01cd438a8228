/* What debug builds know of handles: one that was kept too long, released twice, or released although its scope owns it
 * is an error that names where it came from, and nothing happens. Other builds skip these tests: there such a program
 * is undefined. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "core/thread.h"

#ifdef MXI_DEBUG
#define DEBUG_ONLY() ((void)state)
#else
#define DEBUG_ONLY()                                              \
  do {                                                            \
    print_message("skipped: only debug builds know this\n");        \
    (void)state;                                                  \
    skip();                                                       \
  } while (0)
#define mxi_handles_report() 0
#define MXI_QUARANTINE 0
#endif

/* The pending error is STATE, its message starts and ends so; between them is a number of a scope or thread. */
static void assert_state_error(const char *start, const char *part) {
  char message[512];
  assert_int_equal(mx_error_take(message, sizeof message), MX_ERR_STATE);
  if (strncmp(message, start, strlen(start)) || !strstr(message, part)) fail_msg("\"%s\" is not \"%s ... %s\"", message, start, part);
}

/* A product whose scope has ended; the arguments are in the root scope. */
static mx_array stale_product(void) {
  mx_scope s = mx_scope_begin();
  mx_array a = mx_multiply(mx_f32(2), mx_f32(3));
  mx_scope_end(s);
  return a;
}

#define SCOPE_ENDED "is a handle of `multiply` whose scope has ended (scope "

static void operations_refuse_a_handle_after_its_scope(void **state) {
  DEBUG_ONLY();
  mx_array a = stale_product();
  assert_null(mx_add(a, mx_f32(1)));
  assert_state_error("[add] argument `a` " SCOPE_ENDED, " of thread ");
  assert_null(mx_add(mx_f32(1), a));
  assert_state_error("[add] argument `b` " SCOPE_ENDED, " of thread ");
  assert_null(mx_stack((const mx_array[]){mx_f32(1), a}, 2, 0));
  assert_state_error("[stack] argument `arrays` " SCOPE_ENDED, "");
  assert_null(mx_random_normal(MX_INTS(2), MX_FLOAT32, 0, 1, a));
  assert_state_error("[random_normal] argument `key` " SCOPE_ENDED, "");
}

static void actions_refuse_a_handle_after_its_scope(void **state) {
  DEBUG_ONLY();
  mx_array a = stale_product();
  float v = 7;
  assert_int_equal(mx_eval(a), MX_ERR_STATE);
  assert_state_error("[eval] argument `a` " SCOPE_ENDED, "");
  assert_int_equal(mx_async_eval(&a, 1), MX_ERR_STATE);
  assert_state_error("[async_eval] ", SCOPE_ENDED);
  assert_null(mx_data(a));
  assert_state_error("[data] ", SCOPE_ENDED);
  assert_int_equal(mx_item(a, &v), MX_ERR_STATE);
  assert_state_error("[item] ", SCOPE_ENDED);
  assert_true(v == 7);
  assert_int_equal(mx_copy_to(a, &v, 1), MX_ERR_STATE);
  assert_state_error("[copy_to] ", SCOPE_ENDED);
  char text[8];
  assert_int_equal(mx_format(a, text, sizeof text), 0);
  assert_state_error("[format] ", SCOPE_ENDED);
  assert_int_equal(mx_save("/nonexistent/a.npy", a), MX_ERR_STATE);
  assert_state_error("[save] ", SCOPE_ENDED);
  const char *name = "a";
  assert_int_equal(mx_save_named("/nonexistent/a.npz", &name, &a, 1), MX_ERR_STATE);
  assert_state_error("[save_named] ", SCOPE_ENDED);
}

static void queries_answer_neutrally_after_the_scope(void **state) {
  DEBUG_ONLY();
  mx_array a = stale_product();
  assert_int_equal(mx_ndim(a), 0);
  assert_state_error("[ndim] ", SCOPE_ENDED);
  assert_int_equal(mx_shape(a).count, 0);
  assert_state_error("[shape] ", SCOPE_ENDED);
  assert_int_equal(mx_dtype_of(a), MX_FLOAT32);
  assert_state_error("[dtype_of] ", SCOPE_ENDED);
  assert_int_equal(mx_dim(a, 0), -1);
  assert_state_error("[dim] ", SCOPE_ENDED);
  assert_int_equal(mx_size(a), 0);
  assert_state_error("[size] ", SCOPE_ENDED);
  assert_int_equal(mx_nbytes(a), 0);
  assert_state_error("[nbytes] ", SCOPE_ENDED);
  assert_int_equal(mx_itemsize(a), 0);
  assert_state_error("[itemsize] ", SCOPE_ENDED);
  assert_int_equal(mx_strides(a).count, 0);
  assert_state_error("[strides] ", SCOPE_ENDED);
  assert_false(mx_is_evaluated(a));
  assert_state_error("[is_evaluated] ", SCOPE_ENDED);
}

static void nobody_can_own_a_handle_after_its_scope(void **state) {
  DEBUG_ONLY();
  mx_array a = stale_product(), slot = NULL;
  assert_null(mx_retain(a));
  assert_state_error("[retain] ", SCOPE_ENDED);
  mx_set(&slot, a);
  assert_null(slot);
  assert_state_error("[set] ", SCOPE_ENDED);
  mx_scope s = mx_scope_begin();
  assert_null(mx_scope_end_keep(s, a));
  assert_state_error("[scope_end_keep] ", SCOPE_ENDED);
}

static void a_second_release_is_refused(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array a = mx_retain(mx_multiply(mx_f32(2), mx_f32(3)));
  mx_scope_end(s);
  mx_release(a);
  assert_int_equal(mx_error(), MX_OK);
  mx_release(a);
  assert_state_error("[release] argument `a` is a handle of `multiply` that was released (made in scope ", " of thread ");
  mx_clear(&a);
  assert_null(a);
  assert_state_error("[clear] ", "that was released");
  a = mx_multiply(mx_f32(2), mx_f32(3)); /* alive through the root scope */
  mx_release(mx_retain(a));
  mx_release(a);
  assert_state_error("[release] every handle of this `multiply` that mx_retain or mx_set took was released before", "the root scope");
  assert_true(mx_item_f32(a) == 6);
}

static void a_scope_releases_its_handles_itself(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array a = mx_multiply(mx_f32(2), mx_f32(3)), slot = a;
  mx_release(a);
  assert_state_error("[release] the handle of `multiply` is its scope's, which releases it (scope ", "mx_retain or mx_set took");
  mx_set(&slot, mx_f32(5)); /* a slot that never owned what it holds */
  assert_state_error("[set] the handle of `multiply` is its scope's", "");
  assert_true(mx_item_f32(slot) == 5 && mx_item_f32(a) == 6);
  mx_clear(&slot);
  assert_int_equal(mx_error(), MX_OK);
  mx_scope_end(s);
}

/* ---- Transforms -------------------------------------------------------------------------------------------------- */
struct leak {
  mx_array tracer, square;
  bool retain;
};

static mx_array leaky(const mx_array *args, void *ctx) {
  struct leak *l = ctx;
  l->tracer = args[0];
  l->square = mx_square(args[0]);
  if (l->retain) mx_retain(l->tracer), mx_retain(l->square);
  return mx_multiply(l->square, mx_scalar_f(2));
}

static void what_a_closure_kept_is_gone_after_the_call(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f32(3), g = NULL;
  struct leak l = {0};
  assert_int_equal(mx_grad(leaky, &l, &x, 1, &g), MX_OK);
  assert_int_equal(mx_eval(g), MX_OK); /* the graph of g refers to the tracer no more */
  assert_null(mx_negative(l.tracer));
  assert_state_error("[negative] argument `a` is a handle of `argument` whose scope has ended (scope ", ": a call of grad)");
  assert_null(mx_negative(l.square));
  assert_state_error("[negative] argument `a` is a handle of `square` whose scope has ended (scope ", ": a call of grad)");
  assert_true(mx_item_f32(g) == 12);
  mx_scope_end(s);
}

static void what_a_closure_retained_stays(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f32(3), g = NULL;
  struct leak l = {.retain = true};
  assert_int_equal(mx_grad(leaky, &l, &x, 1, &g), MX_OK);
  mx_scope_end(s);
  assert_true(mx_item_f32(l.tracer) == 3 && mx_item_f32(l.square) == 9);
  mx_release(l.tracer), mx_release(l.square);
  assert_int_equal(mx_error(), MX_OK);
}

static mx_array returns_stale(const mx_array *args, void *ctx) {
  (void)ctx;
  mx_scope s = mx_scope_begin();
  mx_array y = mx_multiply(args[0], args[0]);
  mx_scope_end(s);
  return y;
}

static mx_status returns_stale_many(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  results[0] = returns_stale(args, ctx);
  return MX_OK;
}

static void transforms_refuse_handles_after_their_scope(void **state) {
  DEBUG_ONLY();
  mx_array x = mx_f32(3), g = NULL, y = NULL, a = stale_product();
  const char *result = "argument `result of the function` " SCOPE_ENDED;
  assert_int_equal(mx_grad(returns_stale, NULL, &x, 1, &g), MX_ERR_STATE);
  assert_state_error("[grad] ", result);
  assert_int_equal(mx_vjp(returns_stale_many, NULL, &x, 1, &x, 1, &y, &g), MX_ERR_STATE);
  assert_state_error("[vjp] ", result);
  assert_int_equal(mx_checkpoint(returns_stale_many, NULL, &x, 1, &y, 1), MX_ERR_STATE);
  assert_state_error("[checkpoint] ", result);
  assert_int_equal(mx_grad(returns_stale, NULL, &a, 1, &g), MX_ERR_STATE);
  assert_state_error("[grad] argument `args` ", SCOPE_ENDED);
  assert_int_equal(mx_jvp(returns_stale_many, NULL, &x, &a, 1, &y, 1, &g), MX_ERR_STATE);
  assert_state_error("[jvp] argument `tangents` ", SCOPE_ENDED);
  assert_null(g);
}

static void gradients_belong_to_the_callers_scope(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f32(3), g = NULL;
  assert_int_equal(mx_grad(leaky, &(struct leak){0}, &x, 1, &g), MX_OK);
  mx_scope_end(s);
  assert_null(mx_negative(g));
  char message[512];
  assert_int_equal(mx_error_take(message, sizeof message), MX_ERR_STATE);
  assert_null(strstr(message, "a call of grad"));
}

/* ---- Threads, and the report ------------------------------------------------------------------------------------- */
static void *make_in_root(void *out) {
  *(mx_array *)out = mx_multiply(mx_f32(2), mx_f32(3));
  return NULL;
}

static void a_root_scope_ends_with_its_thread(void **state) {
  DEBUG_ONLY();
  mx_array a = NULL;
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, make_in_root, &a), 0);
  pthread_join(t, NULL);
  assert_null(mx_negative(a));
  assert_state_error("[negative] argument `a` is a handle of `multiply` whose scope has ended (the root scope of thread ", "");
}

static void the_quarantine_is_bounded(void **state) {
  DEBUG_ONLY();
  int64_t live = mxi_live_nodes();
  for (int i = 0; i < 200000; i++) stale_product();
  assert_int_equal(mxi_live_nodes(), live);
  assert_int_equal(mxi_quarantined(), MXI_QUARANTINE);
  assert_null(mx_negative(stale_product()));
  assert_state_error("[negative] ", SCOPE_ENDED);
}

struct lines {
  int count;
  char text[8][160];
};

static void note(const char *topic, const char *message, void *ctx) {
  struct lines *l = ctx;
  if (strcmp(topic, "handles") || l->count == 8) return;
  snprintf(l->text[l->count++], sizeof l->text[0], "%s", message);
}

static void the_report_groups_by_operation_and_scope(void **state) {
  DEBUG_ONLY();
  assert_int_equal(mxi_handles_report(), 0);
  mx_scope s = mx_scope_begin();
  mx_array a[3], b = NULL;
  for (int i = 0; i < 3; i++) a[i] = mx_retain(mx_multiply(mx_f32(2), mx_f32(3)));
  mx_set(&b, mx_add(a[0], a[1]));
  struct lines l = {0};
  mx_set_log(note, &l);
  assert_int_equal(mxi_handles_report(), 4);
  mx_scope_end(s);
  assert_int_equal(mxi_handles_report(), 4);
  mx_set_log(NULL, NULL);
  assert_int_equal(l.count, 5); /* the open scope and two groups, then two groups */
  assert_non_null(strstr(l.text[0], "has not ended (10 handles)"));
  bool products = false, sums = false;
  for (int i = 3; i < 5; i++) {
    products |= !strncmp(l.text[i], "3 of `multiply` not released (made in scope ", 44);
    sums |= !strncmp(l.text[i], "1 of `add` not released (made in scope ", 39);
  }
  assert_true(products && sums);
  for (int i = 0; i < 3; i++) mx_release(a[i]);
  mx_clear(&b);
  assert_int_equal(mxi_handles_report(), 0);
  assert_int_equal(mx_error(), MX_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operations_refuse_a_handle_after_its_scope),
      cmocka_unit_test(actions_refuse_a_handle_after_its_scope),
      cmocka_unit_test(queries_answer_neutrally_after_the_scope),
      cmocka_unit_test(nobody_can_own_a_handle_after_its_scope),
      cmocka_unit_test(a_second_release_is_refused),
      cmocka_unit_test(a_scope_releases_its_handles_itself),
      cmocka_unit_test(what_a_closure_kept_is_gone_after_the_call),
      cmocka_unit_test(what_a_closure_retained_stays),
      cmocka_unit_test(transforms_refuse_handles_after_their_scope),
      cmocka_unit_test(gradients_belong_to_the_callers_scope),
      cmocka_unit_test(a_root_scope_ends_with_its_thread),
      cmocka_unit_test(the_quarantine_is_bounded),
      cmocka_unit_test(the_report_groups_by_operation_and_scope),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

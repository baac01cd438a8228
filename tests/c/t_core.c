/* The core of the C API: scopes and references, errors, literals, memory in and out, questions, memory counters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"

static int64_t live_before;
static size_t active_before;

static int count_before(void **state) {
  (void)state;
  mx_error_clear();
  live_before = mxi_live_nodes();
  active_before = mx_memory_info().active;
  return 0;
}

/* Every test leaves as many nodes and as much array memory as it found. */
static int count_after(void **state) {
  (void)state;
  if (mx_error()) {
    print_error("left pending: %s\n", mx_error_message());
    mx_error_clear();
    return 1;
  }
  if (mxi_live_nodes() == live_before && mx_memory_info().active == active_before) return 0;
  print_error("%lld nodes, %lld bytes leaked\n", (long long)(mxi_live_nodes() - live_before),
              (long long)(mx_memory_info().active - active_before));
  return 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, count_before, count_after)

static void expect_error(mx_status code, const char *text) {
  char message[512];
  assert_int_equal(mx_error_take(message, sizeof message), code);
  if (!strstr(message, text)) fail_msg("\"%s\" does not contain \"%s\"", message, text);
}

static mx_array ramp(int64_t rows, int64_t columns) {
  return mx_reshape(mx_arange(0, (double)(rows * columns), 1, MX_FLOAT32), MX_INTS(rows, columns));
}

/* ---- Scopes and references --------------------------------------------------------------------------------------- */
static void scope_end_releases_what_was_made_in_it(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_add(mx_ones(MX_INTS(100), MX_FLOAT32), mx_f32(1));
  assert_int_equal(mx_eval(a), MX_OK);
  assert_true(mxi_live_nodes() > live_before);
  mx_scope_end(s);
  assert_int_equal(mxi_live_nodes(), live_before);
}

static void scopes_nest(void **state) {
  (void)state;
  mx_scope outer = mx_scope_begin();
  mx_array a = mx_f32(1);
  int64_t with_a = mxi_live_nodes();
  for (int i = 0; i < 3; i++) {
    mx_scope inner = mx_scope_begin();
    mx_add(a, mx_f32(2));
    mx_scope deeper = mx_scope_begin();
    mx_multiply(a, a);
    mx_scope_end(deeper);
    mx_scope_end(inner);
    assert_int_equal(mxi_live_nodes(), with_a);
  }
  assert_true(mx_item_f32(a) == 1);
  mx_scope_end(outer);
}

static void an_outer_scope_ends_the_inner_ones(void **state) {
  (void)state;
  mx_scope outer = mx_scope_begin();
  mx_scope_begin();
  mx_f32(1);
  mx_scope_end(outer);
  assert_int_equal(mxi_live_nodes(), live_before);
}

static void keep_hands_the_result_to_the_enclosing_scope(void **state) {
  (void)state;
  mx_scope outer = mx_scope_begin();
  mx_scope inner = mx_scope_begin();
  mx_array a = mx_exp(mx_f32(0));
  mx_array b = mx_add(a, mx_f32(1));
  mx_f32(7);
  assert_ptr_equal(mx_scope_end_keep(inner, b), b);
  assert_true(mx_item_f32(b) == 2);
  mx_scope_end(outer);
}

static void keep_accepts_null_and_arrays_of_outer_scopes(void **state) {
  (void)state;
  mx_scope outer = mx_scope_begin();
  mx_array a = mx_f32(3);
  mx_scope inner = mx_scope_begin();
  assert_null(mx_scope_end_keep(inner, NULL));
  inner = mx_scope_begin();
  mx_f32(5);
  assert_ptr_equal(mx_scope_end_keep(inner, a), a);
  assert_true(mx_item_f32(a) == 3);
  mx_scope_end(outer);
}

static void retained_arrays_outlive_their_scope(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_retain(mx_square(mx_f32(3)));
  mx_scope_end(s);
  assert_true(mx_item_f32(a) == 9);
  mx_release(a);
  assert_null(mx_retain(NULL));
  mx_release(NULL);
}

static void set_owns_the_new_and_releases_the_old(void **state) {
  (void)state;
  mx_array slot = NULL;
  for (int i = 0; i < 10; i++) {
    mx_scope s = mx_scope_begin();
    mx_set(&slot, mx_add(slot ? slot : mx_f32(0), mx_f32(1)));
    mx_scope_end(s);
    assert_int_equal(mx_eval(slot), MX_OK);
  }
  mx_set(&slot, slot);
  mx_set(&slot, NULL);
  assert_non_null(slot);
  assert_true(mx_item_f32(slot) == 10);
  assert_int_equal(mxi_live_nodes(), live_before + 1);
  mx_clear(&slot);
  assert_null(slot);
  mx_clear(&slot);
  mx_clear(NULL);
  mx_set(NULL, NULL);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */
static void the_first_error_is_kept(void **state) {
  (void)state;
  assert_int_equal(mx_error(), MX_OK);
  assert_string_equal(mx_error_message(), "");
  assert_int_equal(mx_raise(MX_ERR_IO, "first %d", 1), MX_ERR_IO);
  assert_int_equal(mx_raise(MX_ERR_TYPE, "second"), MX_ERR_TYPE);
  assert_int_equal(mx_error(), MX_ERR_IO);
  assert_string_equal(mx_error_message(), "first 1");
  char little[4];
  assert_int_equal(mx_error_take(little, sizeof little), MX_ERR_IO);
  assert_string_equal(little, "fir");
  assert_int_equal(mx_error(), MX_OK);
  assert_string_equal(mx_error_message(), "");
  assert_int_equal(mx_error_take(NULL, 0), MX_OK);
}

static void a_chain_is_checked_once_at_its_end(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array bad = mx_matmul(ramp(3, 4), ramp(5, 6));
  assert_null(bad);
  mx_array after = mx_sum(mx_add(bad, mx_f32(1)), MX_ALL, false);
  assert_null(after);
  assert_int_equal(mx_eval(after), MX_ERR_SHAPE);
  assert_non_null(strstr(mx_error_message(), "matmul"));
  expect_error(MX_ERR_SHAPE, "matmul");
  mx_scope_end(s);
}

static mx_array never_called(const mx_array *args, void *ctx) {
  (void)args;
  *(bool *)ctx = true;
  return NULL;
}

static void actions_do_nothing_while_an_error_is_pending(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_add(mx_f32(1), mx_f32(2)), g = NULL;
  mx_raise(MX_ERR_IO, "mine");
  float out = 5;
  bool called = false;
  assert_int_equal(mx_eval(a), MX_ERR_IO);
  assert_int_equal(mx_eval_many(a, a), MX_ERR_IO);
  assert_int_equal(mx_async_eval(&a, 1), MX_ERR_IO);
  assert_int_equal(mx_synchronize(), MX_ERR_IO);
  assert_false(mx_is_evaluated(a));
  assert_int_equal(mx_item(a, &out), MX_ERR_IO);
  assert_int_equal(mx_copy_to(a, &out, 4), MX_ERR_IO);
  assert_true(out == 5);
  assert_true(isnan(mx_item_f32(a)) && isnan(mx_item_f64(a)) && mx_item_i64(a) == 0);
  assert_null(mx_data(a));
  assert_int_equal(mx_grad(never_called, &called, &a, 1, &g), MX_ERR_IO);
  assert_int_equal(mx_save("/nonexistent/x.npy", a), MX_ERR_IO);
  assert_true(!called && !g);
  assert_string_equal(mx_error_message(), "mine");
  mx_error_clear();
  assert_true(mx_item_f32(a) == 3);
  mx_scope_end(s);
}

static void builders_and_questions_run_while_an_error_is_pending(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_raise(MX_ERR_IO, "mine");
  mx_array slot = NULL, a = mx_add(mx_ones(MX_INTS(2, 3), MX_FLOAT32), mx_f32(2));
  assert_non_null(a);
  assert_true(mx_ndim(a) == 2 && mx_size(a) == 6 && mx_dim(a, -1) == 3 && mx_dtype_of(a) == MX_FLOAT32);
  mx_set(&slot, a);
  assert_ptr_equal(slot, a);
  mx_scope_end(s);
  mx_clear(&slot);
  expect_error(MX_ERR_IO, "mine");
}

static void null_operands_are_named(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  assert_null(mx_add(NULL, mx_f32(1)));
  expect_error(MX_ERR_VALUE, "[add] argument `a` is NULL");
  assert_null(mx_add(mx_f32(1), NULL));
  expect_error(MX_ERR_VALUE, "[add] argument `b` is NULL");
  assert_int_equal(mx_eval(NULL), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[eval]");
  assert_null(mx_data(NULL));
  expect_error(MX_ERR_VALUE, "[data]");
  mx_raise(MX_ERR_IO, "mine");
  assert_null(mx_add(NULL, mx_f32(1)));
  expect_error(MX_ERR_IO, "mine");
  mx_scope_end(s);
}

static void an_absent_key_gives_null_while_an_error_is_pending(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_raise(MX_ERR_IO, "mine");
  assert_null(mx_random_normal(MX_INTS(3), MX_FLOAT32, 0, 1, NULL));
  expect_error(MX_ERR_IO, "mine");
  assert_non_null(mx_random_normal(MX_INTS(3), MX_FLOAT32, 0, 1, NULL));
  mx_scope_end(s);
}

/* ---- Literals ---------------------------------------------------------------------------------------------------- */
static void literals_take_the_other_dtype(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array i8 = mx_zeros(MX_INTS(2), MX_INT8), u8 = mx_zeros(MX_INTS(2), MX_UINT8), f16 = mx_zeros(MX_INTS(2), MX_FLOAT16);
  mx_array b = mx_zeros(MX_INTS(2), MX_BOOL), f64 = mx_zeros(MX_INTS(2), MX_FLOAT64);
  const struct {
    mx_array a, literal;
    mx_dtype result;
  } rows[] = {
      {i8, mx_scalar_i(3), MX_INT8},      {i8, mx_scalar_f(3), MX_FLOAT32},   {i8, mx_scalar_b(true), MX_INT8},
      {f16, mx_scalar_f(1e10), MX_FLOAT16}, {f16, mx_scalar_i(3), MX_FLOAT16}, {b, mx_scalar_i(1), MX_INT32},
      {b, mx_scalar_b(true), MX_BOOL},    {u8, mx_scalar_i(255), MX_UINT8},   {f16, mx_scalar_c(1, 2), MX_COMPLEX64},
      {b, mx_scalar_f(1), MX_FLOAT32},    {f64, mx_scalar_f(0.1), MX_FLOAT64},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(mx_dtype_of(mx_add(rows[i].a, rows[i].literal)), rows[i].result);
    assert_int_equal(mx_dtype_of(mx_add(rows[i].literal, rows[i].a)), rows[i].result);
  }
  assert_true(mx_item_f64(mx_sum(mx_add(f64, mx_scalar_f(0.1)), MX_ALL, false)) == 0.1 + 0.1);
  assert_null(mx_add(u8, mx_scalar_i(300)));
  expect_error(MX_ERR_VALUE, "[add]");
  assert_null(mx_add(u8, mx_scalar_i(-1)));
  expect_error(MX_ERR_VALUE, "[add]");
  mx_scope_end(s);
}

static void a_literal_alone_is_a_plain_scalar(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  assert_int_equal(mx_dtype_of(mx_scalar_b(true)), MX_BOOL);
  assert_int_equal(mx_dtype_of(mx_scalar_i(5)), MX_INT32);
  assert_int_equal(mx_dtype_of(mx_scalar_i(INT64_C(1) << 40)), MX_INT64);
  assert_int_equal(mx_dtype_of(mx_scalar_f(0.1)), MX_FLOAT32);
  assert_int_equal(mx_dtype_of(mx_scalar_c(0, 1)), MX_COMPLEX64);
  mx_array two = mx_add(mx_scalar_i(1), mx_scalar_f(0.1));
  assert_int_equal(mx_dtype_of(two), MX_FLOAT32);
  assert_true(mx_item_f32(two) == 1.0f + 0.1f);
  mx_array no_longer = mx_negative(mx_scalar_f(2));
  assert_int_equal(mx_dtype_of(mx_add(no_longer, mx_zeros(MX_INTS(1), MX_FLOAT16))), MX_FLOAT32);
  assert_true(mx_item_f64(mx_scalar_f(0.1)) == (double)0.1f);
  assert_int_equal(mx_eval(mx_scalar_f(1)), MX_OK);
  mx_scope_end(s);
}

/* ---- Memory in --------------------------------------------------------------------------------------------------- */
static void from_data_copies(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  float v[6] = {1, 2, 3, 4, 5, 6};
  mx_array a = mx_from_data(v, MX_INTS(2, 3), MX_FLOAT32);
  v[0] = 9;
  assert_true(((const float *)mx_data(a))[0] == 1);
  assert_non_null(mx_from_data(NULL, MX_INTS(0, 3), MX_FLOAT32));
  assert_null(mx_from_data(NULL, MX_INTS(2), MX_FLOAT32));
  expect_error(MX_ERR_VALUE, "[from_data]");
  assert_null(mx_from_data(v, MX_INTS(2, -3), MX_FLOAT32));
  expect_error(MX_ERR_SHAPE, "[from_data]");
  assert_null(mx_from_data(v, MX_INTS(2), (mx_dtype)99));
  expect_error(MX_ERR_DTYPE, "[from_data]");
  mx_scope_end(s);
}

static void count_call(void *ctx) { ++*(int *)ctx; }

static void managed_memory_is_released_once(void **state) {
  (void)state;
  static float v[4] = {1, 2, 3, 4};
  int calls = 0;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_from_data_managed(v, MX_INTS(4), MX_FLOAT32, count_call, &calls);
  mx_array tail = mx_retain(mx_slice(a, MX_INTS(2), MX_INTS(4), MX_INTS(1)));
  assert_ptr_equal(mx_data(a), v);
  assert_ptr_equal(mx_data(tail), v + 2);
  mx_scope_end(s);
  assert_int_equal(calls, 0);
  assert_true(((const float *)mx_data(tail))[1] == 4);
  mx_release(tail);
  assert_int_equal(calls, 1);
}

static void managed_memory_stays_the_callers_on_failure(void **state) {
  (void)state;
  static float v[4];
  int calls = 0;
  mx_scope s = mx_scope_begin();
  assert_null(mx_from_data_managed((char *)v + 1, MX_INTS(2), MX_FLOAT32, count_call, &calls));
  expect_error(MX_ERR_VALUE, "[from_data_managed]");
  assert_null(mx_from_data_managed(v, MX_INTS(-2), MX_FLOAT32, count_call, &calls));
  expect_error(MX_ERR_SHAPE, "[from_data_managed]");
  assert_null(mx_from_data_managed(NULL, MX_INTS(2), MX_FLOAT32, count_call, &calls));
  expect_error(MX_ERR_VALUE, "[from_data_managed]");
  mx_scope_end(s);
  assert_int_equal(calls, 0);
}

static void managed_memory_is_never_written(void **state) {
  (void)state;
  static float v[1000];
  for (int i = 0; i < 1000; i++) v[i] = (float)i;
  mx_array a = NULL;
  for (int step = 0; step < 3; step++) {
    mx_scope s = mx_scope_begin();
    mx_set(&a, mx_from_data_managed(v, MX_INTS(1000), MX_FLOAT32, NULL, NULL));
    mx_set(&a, mx_add(a, mx_f32(1)));
    mx_scope_end(s);
    assert_int_equal(mx_eval(a), MX_OK);
  }
  for (int i = 0; i < 1000; i++) assert_true(v[i] == (float)i);
  mx_clear(&a);
}

/* ---- Memory out -------------------------------------------------------------------------------------------------- */
static void data_is_row_major_and_stable(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = ramp(3, 4), t = mx_transpose(a, MX_ALL), wide = mx_broadcast_to(mx_f32(2), MX_INTS(2, 2)), e = mx_zeros(MX_INTS(0, 3), MX_FLOAT32);
  const float *p = mx_data(t), *first = mx_data(a), *w = mx_data(wide);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 3; j++) assert_true(p[i * 3 + j] == (float)(j * 4 + i));
  for (int i = 0; i < 4; i++) assert_true(w[i] == 2);
  assert_non_null(mx_data(e));
  for (int i = 0; i < 5; i++) {
    mx_eval(mx_add(t, mx_f32(1)));
    assert_ptr_equal(mx_data(t), p);
    assert_ptr_equal(mx_data(a), first);
    assert_ptr_equal(mx_data(wide), w);
  }
  mx_array number = mx_f32(4);
  const float *n = mx_data(number);
  assert_true(*n == 4);
  assert_ptr_equal(mx_data(number), n);
  mx_scope_end(s);
}

static void exported_data_is_never_overwritten(void **state) {
  (void)state;
  mx_array a = NULL, b = NULL;
  mx_scope s = mx_scope_begin();
  mx_set(&a, mx_add(mx_zeros(MX_INTS(4096), MX_FLOAT32), mx_f32(1)));
  mx_scope_end(s);
  const float *p = mx_data(a);
  s = mx_scope_begin();
  mx_set(&b, mx_multiply(a, mx_f32(5)));
  mx_scope_end(s);
  assert_int_equal(mx_eval(b), MX_OK);
  for (int i = 0; i < 4096; i++) assert_true(p[i] == 1);
  mx_clear(&a);
  mx_clear(&b);
}

static void items_convert(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_from_data((double[]){2.75}, MX_INTS(1, 1), MX_FLOAT64);
  double out = 0;
  assert_int_equal(mx_item(x, &out), MX_OK);
  assert_true(out == 2.75 && mx_item_f32(x) == 2.75f && mx_item_i64(x) == 2);
  assert_true(mx_item_i64(mx_bool(true)) == 1 && mx_item_f64(mx_i64(-7)) == -7);
  assert_true(mx_item_f64(mx_astype(mx_f32(1.5f), MX_BFLOAT16)) == 1.5);
  assert_true(mx_item_f64(mx_astype(mx_f32(1.5f), MX_FLOAT16)) == 1.5);
  assert_true(mx_item_i64(mx_from_data((uint64_t[]){UINT64_MAX}, MX_0D, MX_UINT64)) == -1);
  assert_true(mx_item_f64(mx_from_data((uint64_t[]){UINT64_MAX}, MX_0D, MX_UINT64)) == 18446744073709551616.0);
  assert_true(isnan(mx_item_f64(ramp(2, 2))));
  expect_error(MX_ERR_VALUE, "[item]");
  assert_true(mx_item_i64(mx_zeros(MX_INTS(0), MX_INT32)) == 0);
  expect_error(MX_ERR_VALUE, "[item]");
  assert_int_equal(mx_item(x, NULL), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[item]");
  assert_true(isnan(mx_item_f32(NULL)));
  expect_error(MX_ERR_VALUE, "[item]");
  mx_scope_end(s);
}

static void copy_to_needs_the_exact_size(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  float out[6] = {0};
  mx_array t = mx_transpose(ramp(2, 3), MX_ALL);
  assert_int_equal(mx_copy_to(t, out, sizeof out), MX_OK);
  assert_memory_equal(out, ((float[]){0, 3, 1, 4, 2, 5}), sizeof out);
  assert_int_equal(mx_copy_to(t, out, sizeof out - 4), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[copy_to]");
  assert_int_equal(mx_copy_to(t, NULL, sizeof out), MX_ERR_VALUE);
  expect_error(MX_ERR_VALUE, "[copy_to]");
  assert_int_equal(mx_copy_to(mx_zeros(MX_INTS(0), MX_FLOAT32), NULL, 0), MX_OK);
  mx_scope_end(s);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */
static void questions(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_zeros(MX_INTS(2, 3, 4), MX_INT16);
  assert_int_equal(mx_ndim(a), 3);
  assert_int_equal(mx_size(a), 24);
  assert_int_equal(mx_nbytes(a), 48);
  assert_int_equal(mx_itemsize(a), 2);
  assert_int_equal(mx_shape(a).count, 3);
  assert_int_equal(mx_shape(a).at[1], 3);
  assert_int_equal(mx_dim(a, -3), 2);
  assert_int_equal(mx_dim(a, 3), -1);
  expect_error(MX_ERR_VALUE, "[dim]");
  assert_int_equal(mx_ndim(NULL), 0);
  expect_error(MX_ERR_VALUE, "[ndim]");
  assert_string_equal(mx_dtype_name(MX_BFLOAT16), "bfloat16");
  assert_int_equal(mx_result_type(MX_INT32, MX_FLOAT16), MX_FLOAT16);
  assert_int_equal(mx_result_type(MX_UINT8, MX_INT8), MX_INT16);
  assert_string_equal(mx_version(), "0.1.0");
  mx_array deep = mx_reshape(a, MX_INTS(1, 2, 1, 3, 1, 4, 1));
  assert_true(mx_ndim(deep) == 7 && mx_dim(deep, 5) == 4 && mx_dim(deep, -2) == 4);
  mx_scope_end(s);
}

static void shapes_broadcast_whichever_has_fewer_axes(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array few = mx_from_data((float[]){10, 20, 30}, MX_INTS(3), MX_FLOAT32), many = ramp(2, 3);
  mx_array sum = mx_add(few, many), same = mx_add(many, few);
  assert_memory_equal(mx_data(sum), ((float[]){10, 21, 32, 13, 24, 35}), 24);
  assert_memory_equal(mx_data(same), mx_data(sum), 24);
  assert_null(mx_add(mx_zeros(MX_INTS(2), MX_FLOAT32), ramp(17, 17)));
  expect_error(MX_ERR_SHAPE, "[add] shapes (2,) and (17, 17)");
  assert_null(mx_add(ramp(17, 17), mx_zeros(MX_INTS(2), MX_FLOAT32)));
  expect_error(MX_ERR_SHAPE, "[add]");
  assert_null(mx_where(mx_bool(true), mx_zeros(MX_INTS(2), MX_FLOAT32), ramp(5, 5)));
  expect_error(MX_ERR_SHAPE, "[where]");
  mx_scope_end(s);
}

static void strides_count_elements(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = ramp(3, 4), t = mx_transpose(a, MX_ALL);
  assert_memory_equal(mx_strides(a).at, ((int64_t[]){4, 1}), 16);
  assert_memory_equal(mx_strides(t).at, ((int64_t[]){1, 4}), 16);
  assert_true(mx_is_evaluated(t));
  assert_memory_equal(mx_strides(mx_slice(a, MX_INTS(0, 0), MX_INTS(3, 4), MX_INTS(2, 2))).at, ((int64_t[]){8, 2}), 16);
  assert_int_equal(mx_strides(mx_f32(1)).count, 0);
  assert_memory_equal(mx_data(t), ((float[]){0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}), 48);
  mx_scope_end(s);
}

/* ---- Counters ---------------------------------------------------------------------------------------------------- */
struct problem {
  mx_array x, y;
};

static mx_array loss(const mx_array *w, void *ctx) {
  struct problem *p = ctx;
  return mx_mean(mx_square(mx_subtract(mx_matmul(p->x, w[0]), p->y)), MX_ALL, false);
}

static void training_uses_constant_memory(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  struct problem p = {mx_divide(ramp(16, 4), mx_f32(64)), mx_ones(MX_INTS(16), MX_FLOAT32)};
  assert_int_equal(mx_eval_many(p.x, p.y), MX_OK);
  mx_array w = mx_retain(mx_zeros(MX_INTS(4), MX_FLOAT32));
  int64_t live = 0;
  size_t active = 0;
  for (int i = 0; i < 100000; i++) {
    mx_scope step = mx_scope_begin();
    mx_array g = NULL;
    if (mx_grad(loss, &p, &w, 1, &g)) break;
    mx_set(&w, mx_subtract(w, mx_multiply(mx_scalar_f(0.01), g)));
    mx_scope_end(step);
    if (mx_eval(w)) break;
    if (i == 10) {
      live = mxi_live_nodes();
      active = mx_memory_info().active;
    }
  }
  assert_int_equal(mx_error(), MX_OK);
  assert_int_equal(mxi_live_nodes(), live);
  assert_int_equal(mx_memory_info().active, active);
  mx_release(w);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(scope_end_releases_what_was_made_in_it),
      TEST(scopes_nest),
      TEST(an_outer_scope_ends_the_inner_ones),
      TEST(keep_hands_the_result_to_the_enclosing_scope),
      TEST(keep_accepts_null_and_arrays_of_outer_scopes),
      TEST(retained_arrays_outlive_their_scope),
      TEST(set_owns_the_new_and_releases_the_old),
      TEST(the_first_error_is_kept),
      TEST(a_chain_is_checked_once_at_its_end),
      TEST(actions_do_nothing_while_an_error_is_pending),
      TEST(builders_and_questions_run_while_an_error_is_pending),
      TEST(null_operands_are_named),
      TEST(an_absent_key_gives_null_while_an_error_is_pending),
      TEST(literals_take_the_other_dtype),
      TEST(a_literal_alone_is_a_plain_scalar),
      TEST(from_data_copies),
      TEST(managed_memory_is_released_once),
      TEST(managed_memory_stays_the_callers_on_failure),
      TEST(managed_memory_is_never_written),
      TEST(data_is_row_major_and_stable),
      TEST(exported_data_is_never_overwritten),
      TEST(items_convert),
      TEST(copy_to_needs_the_exact_size),
      TEST(questions),
      TEST(shapes_broadcast_whichever_has_fewer_axes),
      TEST(strides_count_elements),
      TEST(training_uses_constant_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

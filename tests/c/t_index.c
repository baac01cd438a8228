/* Indexing against loops over indices, for every dtype and mode; duplicates in order and bit for bit with any number of
 * threads; bad indices refused before anything is written; derivatives as adjoints, vmap rules item by item. */
#include <stdlib.h>

#include "support/linear.h"

/* Small numbers that every dtype holds, as doubles (bool: 0 or 1). */
static double small_number(mx_dtype t, int64_t i, int64_t modulus) {
  return (double)(t == MX_BOOL ? i % 2 : 1 + i % modulus);
}

static mx_array array_of(const double *x, mx_ints shape, mx_dtype t) {
  mx_array a = mx_astype(mx_from_data(x, shape, MX_FLOAT64), t);
  assert_non_null(a);
  return a;
}

static void assert_numbers(mx_array a, const double *expected) {
  const double *x = mx_data(mx_astype(a, MX_FLOAT64));
  if (!x) fail_msg("%s", mx_error_message());
  for (int64_t i = 0; i < mx_size(a); i++)
    if (x[i] != expected[i])
      fail_msg("element %lld of %s is %g, not %g", (long long)i, mx_dtype_name(mx_dtype_of(a)), x[i], expected[i]);
}

/* An odd layout of the same values: transposed twice, the first time in memory. */
static mx_array strided(mx_array a) {
  mx_array copy = mx_contiguous(mx_transpose(a, MX_ALL));
  assert_int_equal(mx_eval(copy), MX_OK);
  return mx_transpose(copy, MX_ALL);
}

/* ---- take, gather ------------------------------------------------------------------------------------------------ */
enum { ROWS = 70, COLUMNS = 40, COUNT = 300 };

static void takes_are_loops_over_indices(void **state) {
  (void)state;
  static const mx_dtype kinds[] = {MX_UINT8, MX_INT8, MX_UINT16, MX_INT16, MX_UINT32, MX_INT32, MX_UINT64, MX_INT64};
  static double x[ROWS * COLUMNS], raw[COUNT], expected[ROWS * COUNT];
  for (int t = 0; t < MXI_DTYPE_COUNT; t++)
    for (int k = 0; k < 8; k++) {
      mx_scope s = mx_scope_begin();
      bool is_signed = kinds[k] == MX_INT8 || kinds[k] == MX_INT16 || kinds[k] == MX_INT32 || kinds[k] == MX_INT64;
      for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = small_number((mx_dtype)t, i * 7, 100);
      for (int i = 0; i < COUNT; i++) raw[i] = is_signed ? i * 13 % (2 * COLUMNS) - COLUMNS : i * 13 % COLUMNS;
      mx_array a = array_of(x, MX_INTS(ROWS, COLUMNS), (mx_dtype)t), at = array_of(raw, MX_INTS(COUNT), kinds[k]);
      for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COUNT; j++) expected[i * COUNT + j] = x[i * COLUMNS + ((int)raw[j] + COLUMNS) % COLUMNS];
      assert_numbers(mx_take(strided(a), at, 1), expected);
      mx_array every = mx_broadcast_to(at, MX_INTS(ROWS, COUNT));
      assert_numbers(mx_take_along_axis(k % 2 ? a : strided(a), every, -1), expected);
      for (int j = 0; j < COUNT; j++)
        for (int i = 0; i < COLUMNS; i++) expected[j * COLUMNS + i] = x[((int)raw[j] + ROWS) % ROWS * COLUMNS + i];
      assert_numbers(mx_take(a, at, 0), expected);
      mx_scope_end(s);
    }
}

static void gather_reads_slices(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_reshape(mx_arange_i(0, 5 * 6 * 7, 1, MX_INT32), MX_INTS(5, 6, 7));
  const int32_t i0[] = {0, 4, -2}, i2[] = {0, 3, -5, 1};
  const mx_array at[] = {mx_from_data(i2, MX_INTS(4), MX_INT32), mx_from_data(i0, MX_INTS(3, 1), MX_INT32)};
  mx_array y = mx_gather(strided(a), at, 2, MX_INTS(2, 0), MX_INTS(1, 4, 3));
  const int32_t *x = mx_data(y);
  assert_non_null(x);
  for (int p = 0; p < 3; p++)
    for (int q = 0; q < 4; q++)
      for (int j = 0; j < 4; j++)
        for (int k = 0; k < 3; k++) assert_int_equal(*x++, (i0[p] + 5) % 5 * 42 + j * 7 + (i2[q] + 7) % 7 + k);
  mx_scope_end(s);
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */
static double combined(int mode, mx_dtype t, double a, double b) {
  switch (mode) {
    case MXI_SCATTER_ADD: return t == MX_BOOL ? a || b : a + b;
    case MXI_SCATTER_MULTIPLY: return a * b;
    case MXI_SCATTER_MAX: return a > b ? a : b;
    case MXI_SCATTER_MIN: return a < b ? a : b;
    default: return b;
  }
}

static mx_array (*const scatters[])(mx_array, const mx_array *, size_t, mx_array, mx_ints) = {
    mx_scatter, mx_scatter_add, mx_scatter_multiply, mx_scatter_max, mx_scatter_min};

static void scatters_combine_in_order_for_every_dtype(void **state) {
  (void)state;
  enum { N = 50, WIDTH = 3, UPDATES = 150 }; /* each row is met three times */
  double x[N * WIDTH], u[UPDATES * WIDTH], at[UPDATES];
  for (int t = 0; t < MXI_DTYPE_COUNT; t++)
    for (int mode = 0; mode < 5; mode++) {
      mx_scope s = mx_scope_begin();
      for (int i = 0; i < N * WIDTH; i++) x[i] = small_number((mx_dtype)t, i, 3);
      for (int i = 0; i < UPDATES * WIDTH; i++) u[i] = small_number((mx_dtype)t, i * 5 + i / 7, 3);
      for (int i = 0; i < UPDATES; i++) at[i] = i * 7 % N - (i % 2 ? N : 0);
      mx_array a = array_of(x, MX_INTS(N, WIDTH), (mx_dtype)t),
               v = array_of(u, MX_INTS(UPDATES, 1, WIDTH), (mx_dtype)t);
      mx_array index = array_of(at, MX_INTS(UPDATES), MX_INT16);
      for (int i = 0; i < UPDATES; i++)
        for (int j = 0; j < WIDTH; j++) {
          double *p = &x[((int)at[i] + N) % N * WIDTH + j];
          *p = combined(mode, (mx_dtype)t, *p, u[i * WIDTH + j]);
        }
      assert_numbers(scatters[mode](strided(a), &index, 1, mode % 2 ? v : strided(v), MX_INTS(0)), x);
      mx_scope_end(s);
    }
}

static void put_and_add_along_each_axis(void **state) {
  (void)state;
  enum { A = 4, B = 9, C = 5, K = 30 };
  for (int axis = 0; axis < 3; axis++) {
    mx_scope s = mx_scope_begin();
    int64_t shape[] = {A, B, C}, many[] = {A, B, C}, n = 1;
    many[axis] = K;
    for (int i = 0; i < 3; i++) n *= many[i];
    double *put = calloc(A * B * C, sizeof *put), *sum = calloc(A * B * C, sizeof *sum);
    double *u = malloc((size_t)n * sizeof *u), *at = malloc((size_t)n * sizeof *at);
    assert_true(put && sum && u && at);
    for (int64_t i = 0; i < n; i++) {
      int64_t place[] = {i / (many[1] * many[2]), i / many[2] % many[1], i % many[2]};
      u[i] = (double)(i % 17), at[i] = (double)(i * 31 % shape[axis]);
      place[axis] = (int64_t)at[i];
      int64_t target = (place[0] * B + place[1]) * C + place[2];
      put[target] = u[i], sum[target] += u[i];
      if (i % 3 == 0) at[i] -= (double)shape[axis];
    }
    mx_array zeros = mx_zeros((mx_ints){shape, 3}, MX_INT32), index = array_of(at, (mx_ints){many, 3}, MX_INT64);
    mx_array v = array_of(u, (mx_ints){many, 3}, MX_FLOAT32);
    assert_numbers(mx_put_along_axis(zeros, strided(index), v, axis), put);
    assert_numbers(mx_scatter_add_axis(zeros, index, strided(v), axis), sum);
    free(put), free(sum), free(u), free(at);
    mx_scope_end(s);
  }
}

static void results_do_not_depend_on_threads(void **state) {
  (void)state;
  enum { N = 1000, COUNT_LARGE = 200000 };
  mx_scope s = mx_scope_begin();
  mx_array at = mx_random_randint(mx_scalar_i(0), mx_scalar_i(N), MX_INTS(COUNT_LARGE), MX_INT32, mx_random_key(1));
  mx_array u = mx_random_normal(MX_INTS(COUNT_LARGE), MX_FLOAT32, 0, 1, mx_random_key(2));
  mx_array rows = mx_reshape(u, MX_INTS(50, 1, 4000)), few = mx_slice(at, MX_INTS(0), MX_INTS(50), MX_0D);
  assert_int_equal(mx_eval_many(at, u), MX_OK);
  const float *values = mx_data(u);
  const int32_t *places = mx_data(at);
  static float expected[N];
  for (int i = 0; i < COUNT_LARGE; i++) expected[places[i]] += values[i];
  float *first = NULL;
  for (int threads = 1; threads <= 3; threads++) {
    mx_set_num_threads(threads);
    mx_array sum = mx_scatter_add(mx_zeros(MX_INTS(N), MX_FLOAT32), &at, 1, mx_reshape(u, MX_INTS(-1, 1)), MX_INTS(0));
    assert_memory_equal(mx_data(sum), expected, sizeof expected);
    mx_array wide = mx_scatter_add(mx_zeros(MX_INTS(N, 4000), MX_FLOAT32), &few, 1, rows, MX_INTS(0));
    const float *w = mx_data(wide);
    assert_non_null(w);
    if (!first) {
      first = malloc(mx_nbytes(wide));
      assert_non_null(first);
      memcpy(first, w, mx_nbytes(wide));
    }
    assert_memory_equal(w, first, mx_nbytes(wide));
    mx_array taken = mx_take(u, at, 0);
    const float *x = mx_data(taken);
    for (int i = 0; i < COUNT_LARGE; i++) assert_true(x[i] == values[places[i]]);
  }
  free(first);
  mx_set_num_threads(1);
  mx_scope_end(s);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */
static void bad_indices_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  char text[256];
  const int32_t at[] = {0, -5, 4, 7, 9}, low[] = {-6};
  const uint64_t huge[] = {UINT64_MAX};
  mx_array a = mx_arange_i(0, 5, 1, MX_INT32), index = mx_from_data(at, MX_INTS(5), MX_INT32);
  assert_int_equal(mx_eval(a), MX_OK);
  const mx_array bad[] = {index, mx_from_data(low, MX_INTS(1), MX_INT32), mx_from_data(huge, MX_INTS(1), MX_UINT64)};
  for (int i = 0; i < 3; i++) {
    mx_array u = mx_zeros(MX_INTS(mx_size(bad[i])), MX_INT32), results[] = {
        mx_take(a, bad[i], 0), mx_take_along_axis(a, bad[i], 0), mx_put_along_axis(a, bad[i], u, 0),
        mx_scatter(a, &bad[i], 1, mx_reshape(u, MX_INTS(-1, 1)), MX_INTS(0))};
    for (int j = 0; j < 4; j++) {
      assert_non_null(results[j]);
      assert_int_equal(mx_eval(results[j]), MX_ERR_INDEX);
      assert_int_equal(mx_error_take(text, sizeof text), MX_ERR_INDEX);
      if (i == 0) assert_non_null(strstr(text, "index 7 is out of range for axis 0 with size 5"));
    }
  }
  const int32_t *x = mx_data(a);
  for (int i = 0; i < 5; i++) assert_int_equal(x[i], i);
  assert_null(mx_take(a, mx_scalar_i(5), 0));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_INDEX);
  assert_null(mx_take(a, mx_zeros(MX_INTS(2), MX_FLOAT32), 0));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_DTYPE);
  assert_null(mx_take(mx_zeros(MX_INTS(0), MX_INT8), index, 0));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_take_along_axis(mx_zeros(MX_INTS(2, 3), MX_INT8), index, 0));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_SHAPE);
  assert_null(mx_scatter(a, &index, 1, mx_zeros(MX_INTS(5), MX_INT32), MX_INTS(0)));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_SHAPE);
  mx_scope_end(s);
}

static void slices_may_start_at_an_array(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_reshape(mx_arange_i(0, 20, 1, MX_INT32), MX_INTS(4, 5));
  const int32_t at[] = {1, 3};
  mx_array start = mx_from_data(at, MX_INTS(2), MX_INT32), u = mx_full(MX_INTS(2), mx_scalar_i(-1), MX_INT32);
  const int32_t *x = mx_data(mx_slice_dynamic(a, start, MX_INTS(0, 1), MX_INTS(2, 2)));
  assert_memory_equal(x, ((int32_t[]){8, 9, 13, 14}), 16);
  const int32_t *y = mx_data(mx_slice_update_dynamic(a, u, start, MX_INTS(0, 1)));
  for (int i = 0; i < 20; i++) assert_int_equal(y[i], i == 8 || i == 9 ? -1 : i);
  assert_int_equal(mx_eval(mx_slice_dynamic(a, start, MX_INTS(0, 1), MX_INTS(2, 3))), MX_ERR_INDEX);
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_INDEX);
  mx_scope_end(s);
}

/* ---- Derivatives, linear in x of shape (4, 6) ---------------------------------------------------------------------
 */
static mx_array indices(int64_t count, int64_t modulus, mx_ints shape) {
  mx_array a = mx_remainder(mx_multiply(mx_arange_i(0, count, 1, MX_INT32), mx_scalar_i(7)), mx_scalar_i(modulus));
  return mx_reshape(a, shape);
}
static mx_array l_take(mx_array x) { return mx_take(x, indices(9, 6, MX_INTS(3, 3)), 1); }
static mx_array l_take_all(mx_array x) { return mx_take_all(x, indices(30, 24, MX_INTS(30))); }
static mx_array l_take_item(mx_array x) { return mx_take(x, mx_scalar_i(-2), 0); }
static mx_array l_take_along(mx_array x) { return mx_take_along_axis(x, indices(32, 6, MX_INTS(4, 8)), 1); }
static mx_array l_put_base(mx_array x) {
  return mx_put_along_axis(x, indices(8, 6, MX_INTS(4, 2)), mx_zeros(MX_INTS(4, 2), MX_FLOAT64), 1);
}
static mx_array l_put_values(mx_array x) {
  return mx_put_along_axis(mx_zeros(MX_INTS(10, 6), MX_FLOAT64), indices(24, 10, MX_INTS(4, 6)), x, 0);
}
static mx_array l_add_along(mx_array x) { return mx_scatter_add_axis(x, indices(24, 4, MX_INTS(4, 6)), x, 0); }
static mx_array l_gather(mx_array x) {
  const mx_array at[] = {indices(3, 3, MX_INTS(3, 1)), indices(4, 4, MX_INTS(4))};
  return mx_gather(x, at, 2, MX_INTS(0, 1), MX_INTS(2, 3));
}
static mx_array l_scatter_base(mx_array x) {
  mx_array at = indices(3, 4, MX_INTS(3));
  return mx_scatter(x, &at, 1, mx_zeros(MX_INTS(3, 1, 6), MX_FLOAT64), MX_INTS(0));
}
static mx_array l_scatter_updates(mx_array x) {
  mx_array at = indices(4, 9, MX_INTS(4));
  return mx_scatter(mx_zeros(MX_INTS(9, 7), MX_FLOAT64), &at, 1, mx_reshape(x, MX_INTS(4, 1, 6)), MX_INTS(0));
}
static mx_array l_scatter_add(mx_array x) {
  mx_array at = indices(4, 3, MX_INTS(4)), wide = mx_broadcast_to(mx_sum(x, MX_INTS(0), false), MX_INTS(3, 6));
  return mx_scatter_add(wide, &at, 1, mx_reshape(x, MX_INTS(4, 1, 6)), MX_INTS(0));
}
static mx_array l_scatter_multiply(mx_array x) {
  mx_array at = indices(3, 4, MX_INTS(3));
  return mx_scatter_multiply(x, &at, 1, mx_full(MX_INTS(3, 1, 6), mx_scalar_f(3), MX_FLOAT64), MX_INTS(0));
}
static mx_array l_slice_dynamic(mx_array x) {
  return mx_slice_dynamic(x, mx_ones(MX_INTS(2), MX_INT32), MX_INTS(0, 1), MX_INTS(3, 4));
}

static mx_array some_of(mx_ints shape) { return mx_greater(linear_numbers(shape, MX_FLOAT32, 9), mx_scalar_i(0)); }
static mx_array l_masked_base(mx_array x) { return mx_masked_scatter(x, some_of(MX_INTS(4)), mx_zeros(MX_INTS(6), MX_FLOAT64)); }
static mx_array l_masked_one(mx_array x) {
  return mx_masked_scatter(mx_zeros(MX_INTS(5, 4, 6), MX_FLOAT64), some_of(MX_INTS(5)), x);
}
static mx_array l_masked_each(mx_array x) {
  return mx_masked_scatter(mx_zeros(MX_INTS(2, 2, 6), MX_FLOAT64), some_of(MX_INTS(2, 2)), x);
}

static void derivatives_are_adjoint(void **state) {
  (void)state;
#define CHECK(f) linear_check(#f, f, MX_INTS(4, 6))
  CHECK(l_take), CHECK(l_take_all), CHECK(l_take_item), CHECK(l_take_along), CHECK(l_put_base), CHECK(l_put_values);
  CHECK(l_add_along), CHECK(l_gather), CHECK(l_scatter_base), CHECK(l_scatter_updates), CHECK(l_scatter_add);
  CHECK(l_scatter_multiply), CHECK(l_slice_dynamic), CHECK(l_masked_base), CHECK(l_masked_one), CHECK(l_masked_each);
#undef CHECK
}

static mx_array max_loss(const mx_array *args, void *ctx) {
  mx_array at = mx_from_data(((int32_t[]){2, 0}), MX_INTS(2), MX_INT32);
  return mx_sum(mx_scatter_max(args[0], &at, 1, mx_reshape(args[1], MX_INTS(2, 1)), MX_INTS(0)), MX_ALL, *(bool *)ctx);
}

static void gradient_of_scatter_max_goes_to_what_won(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  bool keep = false;
  const mx_array args[] = {mx_from_data(((float[]){5, 1, 2}), MX_INTS(3), MX_FLOAT32),
                           mx_from_data(((float[]){3, 4}), MX_INTS(2), MX_FLOAT32)};
  mx_array grads[2] = {0};
  assert_int_equal(mx_grad(max_loss, &keep, args, 2, grads), MX_OK);
  assert_memory_equal(mx_data(grads[0]), ((float[]){1, 1, 0}), 12);
  assert_memory_equal(mx_data(grads[1]), ((float[]){1, 0}), 8);
  mx_scope_end(s);
}

/* ---- Masks ------------------------------------------------------------------------------------------------------- */
enum { PLACES = 5000 };

/* Loops over the mask: values[k] goes to the k-th place, with one value for all, and with one for each. */
static void masks_are_loops_over_places(void **state) {
  (void)state;
  static double x[PLACES], values[PLACES], raw[PLACES], expected[PLACES];
  for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
    mx_scope s = mx_scope_begin();
    int count = 0;
    for (int i = 0; i < PLACES; i++) {
      x[i] = small_number((mx_dtype)t, i * 7, 100);
      values[i] = small_number((mx_dtype)t, i * 11, 90);
      raw[i] = i % 3 == t % 3 || i % 7 == 2;
      if (raw[i] != 0) expected[count++] = i;
    }
    mx_array a = array_of(x, MX_INTS(PLACES / 10, 10), (mx_dtype)t), mask = array_of(raw, MX_INTS(PLACES / 10, 10), MX_BOOL);
    mx_array at = mx_flatnonzero(strided(mask));
    assert_int_equal(mx_size(at), count);
    assert_int_equal(mx_dtype_of(at), MX_INT64);
    assert_numbers(at, expected);
    for (int i = 0, k = 0; i < PLACES; i++) expected[i] = raw[i] != 0 ? values[k++] : x[i];
    assert_numbers(mx_masked_scatter(a, mask, array_of(values, MX_INTS(count), (mx_dtype)t)), expected);
    assert_numbers(mx_masked_scatter(strided(a), strided(mask), array_of(values, MX_INTS(1, PLACES), (mx_dtype)t)), expected);
    for (int i = 0; i < PLACES; i++) expected[i] = raw[i] != 0 ? values[0] : x[i];
    assert_numbers(mx_masked_scatter(a, mask, array_of(values, MX_0D, (mx_dtype)t)), expected);
    mx_scope_end(s);
  }
}

static void masks_that_do_not_fit_are_refused(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_zeros(MX_INTS(2, 3), MX_FLOAT32), mask = mx_ones(MX_INTS(2, 3), MX_BOOL), three = mx_ones(MX_INTS(3), MX_FLOAT32);
#define REFUSED(code, call) assert_null(call), assert_int_equal(mx_error_take(NULL, 0), code)
  REFUSED(MX_ERR_DTYPE, mx_masked_scatter(a, three, three));
  REFUSED(MX_ERR_SHAPE, mx_masked_scatter(a, mx_ones(MX_INTS(3), MX_BOOL), three));
  REFUSED(MX_ERR_SHAPE, mx_masked_scatter(three, mask, three));
  REFUSED(MX_ERR_SHAPE, mx_masked_scatter(a, mask, mx_ones(MX_INTS(2, 3), MX_FLOAT32)));
  REFUSED(MX_ERR_SHAPE, mx_masked_scatter(a, mx_ones(MX_INTS(2), MX_BOOL), mx_ones(MX_INTS(2, 2), MX_FLOAT32)));
  REFUSED(MX_ERR_VALUE, mx_masked_scatter(mx_astype(a, MX_INT8), mask, mx_scalar_i(128)));
#undef REFUSED
  assert_int_equal(mx_eval(mx_masked_scatter(a, mask, three)), MX_ERR_INDEX); /* three values for six places */
  mx_error_clear();
  mx_array one = mx_from_data(((bool[]){false, true, false, false, false, false}), MX_INTS(2, 3), MX_BOOL);
  assert_int_equal(mx_eval(mx_masked_scatter(a, one, mx_zeros(MX_INTS(0), MX_FLOAT32))), MX_ERR_INDEX);
  mx_error_clear();
  assert_int_equal(mx_eval(mx_masked_scatter(a, mx_logical_not(mask), mx_zeros(MX_INTS(0), MX_FLOAT32))), MX_OK);
  mx_array none = mx_zeros(MX_INTS(0), MX_INT32), nothing = mx_zeros(MX_INTS(0, 3), MX_FLOAT32);
  mx_array read = mx_gather(nothing, &none, 1, MX_INTS(0), MX_INTS(1, 3));
  assert_int_equal(mx_dim(read, 0), 0); /* (0, 1, 3): indices that are none, of an axis that has none */
  assert_int_equal(mx_eval(mx_scatter(nothing, &none, 1, read, MX_INTS(0))), MX_OK);
  mx_scope_end(s);
}

/* ---- vmap rules -------------------------------------------------------------------------------------------------- */
static mx_array v_gather(const mx_array *in) { return mx_gather(in[0], in + 1, 2, MX_INTS(2, 0), MX_INTS(1, 4, 2)); }
static mx_array v_scatter(const mx_array *in) { return mx_scatter_add(in[0], in + 2, 2, in[1], MX_INTS(2, 0)); }
static mx_array v_gather_axis(const mx_array *in) { return mx_take_along_axis(in[0], in[1], 1); }
static mx_array v_scatter_axis(const mx_array *in) { return mx_put_along_axis(in[0], in[1], in[2], 1); }
static mx_array v_sort(const mx_array *in) { return mx_sort(in[0], 1); }
static mx_array v_argsort(const mx_array *in) { return mx_argsort(in[0], 0); }
static mx_array v_partition(const mx_array *in) { return mx_partition(in[0], 2, 1); }
static mx_array v_search(const mx_array *in) { return mx_searchsorted(in[0], in[1], false); }
static mx_array v_search_right(const mx_array *in) { return mx_searchsorted(in[0], in[1], true); }

static void vmap_rules_work_item_by_item(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = linear_numbers(MX_INTS(3, 4, 5, 6), MX_FLOAT32, 1);    /* mapped at 2: (3, 4, 6) */
  mx_array i2 = indices(20, 5, MX_INTS(4, 5)),
           i0 = indices(10, 2, MX_INTS(5, 2, 1)); /* mapped at 1 and 0: (4), (2, 1) */
  const mx_array gather[] = {a, i2, i0};
  const int gather_axes[] = {2, 1, 0};
  vmap_check("gather", v_gather, gather, gather_axes, 3);
  const mx_array scatter[] = {a, linear_numbers(MX_INTS(2, 4, 1, 4, 5, 2), MX_FLOAT32, 2), i2, i0};
  const int scatter_axes[] = {2, 4, 1, 0};
  vmap_check("scatter", v_scatter, scatter, scatter_axes, 4);
  mx_array m = linear_numbers(MX_INTS(3, 4, 5), MX_FLOAT32, 3),
           at = indices(105, 4, MX_INTS(5, 3, 7)); /* (3, 4), (3, 7) */
  const mx_array along[] = {m, at}, put[] = {m, at, linear_numbers(MX_INTS(3, 5, 7), MX_FLOAT32, 4)};
  const int along_axes[] = {2, 0, 1};
  vmap_check("gather_axis", v_gather_axis, along, along_axes, 2);
  vmap_check("scatter_axis", v_scatter_axis, put, along_axes, 3);
  for (int axis = 0; axis < 3; axis++) {
    mx_array cube = linear_numbers(MX_INTS(4, 4, 4), MX_FLOAT32, 5);
    vmap_check("sort", v_sort, &cube, &axis, 1);
    vmap_check("argsort", v_argsort, &cube, &axis, 1);
    vmap_check("partition", v_partition, &cube, &axis, 1);
  }
  const mx_array search[] = {mx_sort(linear_numbers(MX_INTS(5, 9), MX_FLOAT32, 6), 1),
                             linear_numbers(MX_INTS(3, 5, 2), MX_FLOAT32, 7)};
  const int search_axes[] = {0, 1};
  vmap_check("searchsorted", v_search, search, search_axes, 2);
  vmap_check("searchsorted right", v_search_right, search, search_axes, 2);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_are_loops_over_indices),
      cmocka_unit_test(gather_reads_slices),
      cmocka_unit_test(scatters_combine_in_order_for_every_dtype),
      cmocka_unit_test(put_and_add_along_each_axis),
      cmocka_unit_test(results_do_not_depend_on_threads),
      cmocka_unit_test(bad_indices_are_refused_and_nothing_is_written),
      cmocka_unit_test(slices_may_start_at_an_array),
      cmocka_unit_test(derivatives_are_adjoint),
      cmocka_unit_test(gradient_of_scatter_max_goes_to_what_won),
      cmocka_unit_test(masks_are_loops_over_places),
      cmocka_unit_test(masks_that_do_not_fit_are_refused),
      cmocka_unit_test(vmap_rules_work_item_by_item),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

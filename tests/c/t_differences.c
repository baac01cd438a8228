/* The rows of docs/differences.md whose expected values are not in tests/golden/differs.txt, each by its definition. Rows
 * about accuracy are t_elementwise's and t_vmath's, about size and depth long_deep's and t_wrong_input's. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#define EMPTY ((mx_ints){(const int64_t[]){0}, 0})

/* The pending error has this code, and begins with this operation. */
static void expect(mx_status code, const char *who) {
  char message[512];
  mx_status got = mx_error_take(message, sizeof message);
  if (got != code || strncmp(message, who, strlen(who))) fail_msg("error %d, \"%s\", where %s should complain", got, message, who);
}

static void nothing_gives_no_arrays(void **state) {
  (void)state;
  mx_array none[1] = {NULL}, empty = mx_zeros(MX_INTS(0, 3), MX_FLOAT32);
  assert_int_equal(mx_unstack(empty, 0, none), MX_OK);
  assert_int_equal(mx_meshgrid(none, 0, false, true, none), MX_OK);
  assert_int_equal(mx_broadcast_arrays(none, 0, none), MX_OK);
  assert_null(none[0]);
}

static void bad_axes_name_the_operation(void **state) {
  (void)state;
  mx_array a = mx_ones(MX_INTS(2, 2), MX_FLOAT32);
  assert_null(mx_random_permutation(mx_f32(1), 0, mx_random_key(1)));
  expect(MX_ERR_VALUE, "[random_permutation]");
  assert_null(mx_tensordot_axes(a, a, MX_INTS(2), MX_INTS(0)));
  expect(MX_ERR_VALUE, "[tensordot");
  assert_null(mx_median(a, EMPTY, false));
  expect(MX_ERR_VALUE, "[median]");
  assert_null(mx_take_along_axis(a, a, 0));
  expect(MX_ERR_DTYPE, "[take_along_axis]");
}

static void matrices_without_a_factor_or_inverse_are_errors(void **state) {
  (void)state;
  const float indefinite[4] = {1, 2, 2, 1}, singular[4] = {1, 2, 2, 4};
  assert_null(mx_data(mx_linalg_cholesky(mx_from_data(indefinite, MX_INTS(2, 2), MX_FLOAT32), false)));
  expect(MX_ERR_VALUE, "[cholesky]");
  assert_null(mx_data(mx_linalg_inv(mx_from_data(singular, MX_INTS(2, 2), MX_FLOAT32))));
  expect(MX_ERR_VALUE, "[inv]");
}

static void softmax_of_no_integers_is_float32(void **state) {
  (void)state;
  static const mx_dtype dtypes[] = {MX_BOOL, MX_INT8, MX_UINT32, MX_INT64};
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
    assert_int_equal(mx_dtype_of(mx_softmax(mx_zeros(MX_INTS(0, 2), dtypes[i]), MX_INTS(1), false)), MX_FLOAT32);
}

/* 35000 lies between the halves 34976 and 35008, and nearer to the latter; the squares of 1e4 are beyond what halves hold. */
static void statistics_of_halves_are_rounded_once(void **state) {
  (void)state;
  mx_array a = mx_astype(mx_from_data((float[]){1e4f, 6e4f}, MX_INTS(2), MX_FLOAT32), MX_FLOAT16);
  assert_true(mx_item_f32(mx_mean(a, MX_ALL, false)) == 35008);
  assert_true(mx_item_f32(mx_std(a, MX_ALL, false, 0)) == 24992); /* of 1e4 and 59968: 24984, between 24976 and 24992 */
  mx_array b = mx_astype(mx_from_data((float[]){3e4f, 4e4f}, MX_INTS(2), MX_FLOAT32), MX_FLOAT16);
  assert_true(mx_item_f32(mx_linalg_norm_l2(b, MX_ALL, false)) == 49984 || mx_item_f32(mx_linalg_norm_l2(b, MX_ALL, false)) == 50016);
}

static void some_complex_norms_are_dtype_errors(void **state) {
  (void)state;
  mx_array a = mx_ones(MX_INTS(2, 2), MX_COMPLEX64);
  assert_null(mx_linalg_norm(a, 2, MX_INTS(0, 1), false));
  expect(MX_ERR_DTYPE, "[linalg_norm]");
  assert_null(mx_linalg_norm(a, -2, MX_INTS(0, 1), false));
  expect(MX_ERR_DTYPE, "[linalg_norm]");
  assert_null(mx_linalg_norm_matrix(a, "nuc", MX_INTS(0, 1), false));
  expect(MX_ERR_DTYPE, "[linalg_norm");
}

/* (inf + i) (1 + i) = inf - 1 + i (inf + 1); (inf + 0i) (0 + i) = inf * 0 - 0 + i (inf + 0), a NaN and an infinity. */
static void complex_products_follow_the_formula(void **state) {
  (void)state;
  const float *p = mx_data(mx_multiply(mx_c64(INFINITY, 1), mx_c64(1, 1)));
  assert_true(p && isinf(p[0]) && isinf(p[1]));
  p = mx_data(mx_multiply(mx_c64(INFINITY, 0), mx_c64(0, 1)));
  assert_true(p && isnan(p[0]) && isinf(p[1]));
}

static void rank_ends_at_64(void **state) {
  (void)state;
  static const int64_t ones[65] = {[0 ... 64] = 1};
  mx_array a = mx_zeros((mx_ints){ones, 64}, MX_FLOAT32);
  assert_int_equal(mx_ndim(a), 64);
  assert_null(mx_zeros((mx_ints){ones, 65}, MX_FLOAT32));
  expect(MX_ERR_SHAPE, "[zeros]");
  assert_null(mx_expand_dims(a, MX_INTS(0)));
  expect(MX_ERR_SHAPE, "[expand_dims]");
}

/* d/dx sum(a[i] *= x) is a[i]. */
static mx_array multiplied(const mx_array *x, void *ctx) {
  mx_array a = mx_from_data((float[]){2, 3, 5}, MX_INTS(3), MX_FLOAT32), i = mx_from_data((int32_t[]){2, 0}, MX_INTS(2), MX_INT32);
  (void)ctx;
  mx_array updates = mx_reshape(x[0], MX_INTS(2, 1));
  return mx_sum(mx_scatter_multiply(a, &i, 1, updates, MX_INTS(0)), MX_ALL, false);
}

/* d log(e^a + e^b) / da = e^a / (e^a + e^b), here of a = i pi / 2 and b = 0: i / (1 + i) = (1 + i) / 2, conjugated. */
static mx_array complex_logaddexp(const mx_array *x, void *ctx) {
  (void)ctx;
  return mx_sum(mx_real(mx_logaddexp(x[0], mx_c64(0, 0))), MX_ALL, false);
}

static void gradients_that_mlx_does_not_have(void **state) {
  (void)state;
  mx_array x = mx_from_data((float[]){7, 11}, MX_INTS(2), MX_FLOAT32), g = NULL;
  mx_status code = mx_grad(multiplied, NULL, &x, 1, &g);
  if (code == MX_ERR_UNSUPPORTED) mx_error_clear(); /* the page says that it may be given */
  const float *p = code ? NULL : mx_data(g);
  if (p) assert_true(p[0] == 5 && p[1] == 2);
  mx_array z = mx_c64(0, (float)acos(0));
  code = mx_grad(complex_logaddexp, NULL, &z, 1, &g);
  if (code == MX_ERR_UNSUPPORTED) mx_error_clear();
  p = code ? NULL : mx_data(g);
  if (p) assert_true(fabs(p[0] - 0.5) < 8 * FLT_EPSILON && fabs(p[1] + 0.5) < 8 * FLT_EPSILON);
}

static mx_scope scope;
static int begin(void **state) { return (void)state, scope = mx_scope_begin(), 0; }
static int end(void **state) {
  (void)state;
  mx_scope_end(scope);
  if (mx_error()) print_error("left pending: %s\n", mx_error_message());
  return mx_error() != MX_OK;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nothing_gives_no_arrays),
      TEST(bad_axes_name_the_operation),
      TEST(matrices_without_a_factor_or_inverse_are_errors),
      TEST(softmax_of_no_integers_is_float32),
      TEST(statistics_of_halves_are_rounded_once),
      TEST(some_complex_norms_are_dtype_errors),
      TEST(complex_products_follow_the_formula),
      TEST(rank_ends_at_64),
      TEST(gradients_that_mlx_does_not_have),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

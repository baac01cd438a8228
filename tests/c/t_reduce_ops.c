/* Builders of reductions: shapes, dtypes and errors as released MLX gives them, and derivatives against central
 * differences in float64, forward against backward, and of derivatives again. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

/* ---- Derivatives ------------------------------------------------------------------------------------------------- */
static const mx_ints all = {NULL, SIZE_MAX};
#define AXIS(n) MX_INTS(n)
#define FN(name, expression) \
  static mx_array name(mx_array x) { return expression; }

FN(f_sum, mx_sum(x, AXIS(1), false))
FN(f_sum_all, mx_sum(x, all, true))
FN(f_prod, mx_prod(x, AXIS(1), false))
FN(f_prod_0, mx_prod(x, AXIS(0), true))
FN(f_prod_all, mx_prod(x, all, false))
FN(f_max, mx_max(x, AXIS(1), false))
FN(f_min, mx_min(x, AXIS(0), true))
FN(f_mean, mx_mean(x, AXIS(0), false))
FN(f_var, mx_var(x, AXIS(1), false, 1))
FN(f_std, mx_std(x, all, false, 0))
FN(f_median, mx_median(x, AXIS(1), true))
FN(f_logsumexp, mx_logsumexp(x, AXIS(1), false))
FN(f_softmax, mx_softmax(x, AXIS(1), false))
FN(f_softmax_all, mx_softmax(x, all, true))
FN(f_cumsum, mx_cumsum(x, 1, false, true))
FN(f_cumsum_rx, mx_cumsum(x, 0, true, false))
FN(f_cumprod, mx_cumprod(x, 1, false, true))
FN(f_cumprod_r, mx_cumprod(x, 1, true, true))
FN(f_cumprod_x, mx_cumprod(x, 1, false, false))
FN(f_cumprod_rx, mx_cumprod(x, 0, true, false))
FN(f_cummax, mx_cummax(x, 1, false, true))
FN(f_cummin_r, mx_cummin(x, 1, true, true))
FN(f_logcumsumexp, mx_logcumsumexp(x, 1, false, true))
FN(f_logcumsumexp_r, mx_logcumsumexp(x, 1, true, true))
FN(f_norm_l2, mx_linalg_norm_l2(x, all, false))
FN(f_norm_3, mx_linalg_norm(x, 3, AXIS(1), false))
FN(f_norm_1, mx_linalg_norm(x, 1, MX_INTS(0, 1), false))
FN(f_norm_inf, mx_linalg_norm(x, INFINITY, MX_INTS(0, 1), false))

static const struct {
  const char *name;
  mx_array (*f)(mx_array);
} functions[] = {
#define ROW(name) {#name, name}
    ROW(f_sum),       ROW(f_sum_all),   ROW(f_prod),      ROW(f_prod_0),      ROW(f_prod_all),      ROW(f_max),
    ROW(f_min),       ROW(f_mean),      ROW(f_var),       ROW(f_std),         ROW(f_median),        ROW(f_logsumexp),
    ROW(f_softmax),   ROW(f_softmax_all), ROW(f_cumsum),  ROW(f_cumsum_rx),   ROW(f_cumprod),       ROW(f_cumprod_r),
    ROW(f_cumprod_x), ROW(f_cumprod_rx), ROW(f_cummax),   ROW(f_cummin_r),    ROW(f_logcumsumexp),  ROW(f_logcumsumexp_r),
    ROW(f_norm_l2),   ROW(f_norm_3),    ROW(f_norm_1),    ROW(f_norm_inf),
};
#define FUNCTIONS (sizeof functions / sizeof *functions)
#define ROWS 3
#define COLS 5
#define N (ROWS * COLS)

/* Weights that make one number of a result: sum(cos(1 + k) * y_k), and of its square, so that second derivatives exist. */
static mx_array weigh(mx_array y) {
  double w[64];
  int64_t n = mx_size(y);
  for (int64_t i = 0; i < n; i++) w[i] = cos(1.0 + (double)i);
  mx_array c = mx_from_data(w, mx_shape(y), MX_FLOAT64);
  return mx_sum(mx_add(mx_multiply(c, y), mx_square(y)), all, false);
}

static mx_array scalar_of(const mx_array *args, void *ctx) {
  return weigh(((mx_array(*)(mx_array))(uintptr_t)*(uintptr_t *)ctx)(args[0]));
}

static mx_array input(const double *x) { return mx_from_data(x, MX_SHAPE(ROWS, COLS), MX_FLOAT64); }

static double value(uintptr_t f, const double *x) {
  mx_scope s = mx_scope_begin();
  mx_array a = input(x);
  double y = mx_item_f64(scalar_of(&a, &f));
  mx_scope_end(s);
  return y;
}

static void gradient(uintptr_t f, const double *x, double *g) {
  mx_scope s = mx_scope_begin();
  mx_array a = input(x), out = NULL;
  mx_status status = mx_grad(scalar_of, &f, &a, 1, &out);
  if (status || mx_copy_to(out, g, N * sizeof *g)) fail_msg("%s", mx_error_message());
  mx_scope_end(s);
}

/* Points: distinct values, and the same with zeros, where products are. */
static void fill(double *x, int zeros) {
  for (int i = 0; i < N; i++) x[i] = 0.3 + 0.37 * ((i * 7) % N) / 3 - (i % 2);
  if (zeros > 0) x[2] = 0;
  if (zeros > 1) x[3] = x[COLS] = 0;
}

static bool is_product(size_t k) { return strstr(functions[k].name, "prod") != NULL; }

static void gradients_are_the_differences(void **state) {
  (void)state;
  for (size_t k = 0; k < FUNCTIONS; k++)
    for (int zeros = 0; zeros < (is_product(k) ? 3 : 1); zeros++) {
      double x[N], g[N];
      fill(x, zeros);
      uintptr_t f = (uintptr_t)functions[k].f;
      gradient(f, x, g);
      for (int i = 0; i < N; i++) {
        double at = x[i], h = 1e-5;
        x[i] = at + h;
        double up = value(f, x);
        x[i] = at - h;
        double slope = (up - value(f, x)) / (2 * h);
        x[i] = at;
        if (!(fabs(slope - g[i]) <= 1e-6 * (1 + fabs(slope))))
          fail_msg("%s, %d zeros: element %d: %.9g, not %.9g", functions[k].name, zeros, i, g[i], slope);
      }
    }
}

/* d/dx of sum(v * grad) against differences of the gradient */
static mx_array directional(const mx_array *args, void *ctx) {
  mx_array g = NULL;
  double v[N];
  for (int i = 0; i < N; i++) v[i] = sin(2.0 + i);
  if (mx_grad(scalar_of, ctx, args, 1, &g)) return NULL;
  return mx_sum(mx_multiply(g, input(v)), all, false);
}

static void derivatives_of_gradients_are_the_differences(void **state) {
  (void)state;
  for (size_t k = 0; k < FUNCTIONS; k++)
    for (int zeros = 0; zeros < (is_product(k) ? 3 : 1); zeros++) {
      double x[N], got[N], up[N], down[N];
      uintptr_t f = (uintptr_t)functions[k].f;
      fill(x, zeros);
      mx_scope s = mx_scope_begin();
      mx_array a = input(x), h = NULL;
      if (mx_grad(directional, &f, &a, 1, &h) || mx_copy_to(h, got, sizeof got)) fail_msg("%s: %s", functions[k].name, mx_error_message());
      mx_scope_end(s);
      for (int i = 0; i < N; i++) {
        double at = x[i], step = 1e-5, slope = 0;
        x[i] = at + step;
        gradient(f, x, up);
        x[i] = at - step;
        gradient(f, x, down);
        x[i] = at;
        for (int j = 0; j < N; j++) slope += sin(2.0 + j) * (up[j] - down[j]) / (2 * step);
        if (!(fabs(slope - got[i]) <= 1e-5 * (1 + fabs(slope))))
          fail_msg("%s, %d zeros: element %d: %.9g, not %.9g", functions[k].name, zeros, i, got[i], slope);
      }
    }
}

static mx_status results_of(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  results[0] = ((mx_array(*)(mx_array))(uintptr_t)*(uintptr_t *)ctx)(args[0]);
  return results[0] ? MX_OK : mx_error();
}

/* w . (J t) = (J^T w) . t */
static void forward_and_backward_agree(void **state) {
  (void)state;
  for (size_t k = 0; k < FUNCTIONS; k++)
    for (int zeros = 0; zeros < (is_product(k) ? 3 : 1); zeros++) {
      double x[N], t[N], w[N];
      uintptr_t f = (uintptr_t)functions[k].f;
      fill(x, zeros);
      for (int i = 0; i < N; i++) t[i] = sin(3.0 * i), w[i] = cos(5.0 * i);
      mx_scope s = mx_scope_begin();
      mx_array a = input(x), at = input(t), y = NULL, yt = NULL, gx = NULL;
      if (mx_jvp(results_of, &f, &a, &at, 1, &y, 1, &yt)) fail_msg("%s: %s", functions[k].name, mx_error_message());
      mx_array weights = mx_from_data(w, mx_shape(y), MX_FLOAT64);
      if (mx_vjp(results_of, &f, &a, 1, &weights, 1, &y, &gx)) fail_msg("%s: %s", functions[k].name, mx_error_message());
      double left = mx_item_f64(mx_sum(mx_multiply(weights, yt), all, false));
      double right = mx_item_f64(mx_sum(mx_multiply(gx, at), all, false));
      if (!(fabs(left - right) <= 1e-12 * (1 + fabs(left)))) fail_msg("%s: %.15g, not %.15g", functions[k].name, left, right);
      mx_scope_end(s);
    }
}

static mx_array max_of(const mx_array *args, void *ctx) {
  (void)ctx;
  return mx_max(args[0], all, false);
}
static mx_array cummax_of(const mx_array *args, void *ctx) {
  (void)ctx;
  const float w[5] = {1, 2, 3, 4, 5};
  return mx_sum(mx_multiply(mx_cummax(args[0], 0, false, true), mx_from_data(w, MX_SHAPE(5), MX_FLOAT32)), all, false);
}

static void expect(mx_array a, const float *want, int64_t n) {
  float got[16];
  if (!a) fail_msg("%s", mx_error_message());
  assert_int_equal(mx_size(a), n);
  assert_int_equal(mx_copy_to(mx_astype(a, MX_FLOAT32), got, (size_t)n * sizeof *got), MX_OK);
  for (int64_t i = 0; i < n; i++)
    if (!(fabsf(got[i] - want[i]) <= 1e-6f * fabsf(want[i])) && !(isnan(got[i]) && isnan(want[i])) && got[i] != want[i])
      fail_msg("element %lld: %.9g, not %.9g", (long long)i, (double)got[i], (double)want[i]);
}
#define EXPECT(a, ...) expect(a, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

static void ties_share_in_max_and_go_last_in_cummax(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  const float x[3] = {4, 4, 1}, z[5] = {1, 3, 3, 2, 4};
  mx_array a = mx_from_data(x, MX_SHAPE(3), MX_FLOAT32), b = mx_from_data(z, MX_SHAPE(5), MX_FLOAT32), g = NULL;
  assert_int_equal(mx_grad(max_of, NULL, &a, 1, &g), MX_OK);
  EXPECT(g, 0.5f, 0.5f, 0);
  assert_int_equal(mx_grad(cummax_of, NULL, &b, 1, &g), MX_OK);
  EXPECT(g, 1, 2, 7, 0, 5);
  mx_scope_end(s);
}

/* ---- Values, dtypes, errors -------------------------------------------------------------------------------------- */
static mx_array of(mx_dtype t, int64_t n, const float *x) {
  return mx_astype(mx_from_data(x, MX_SHAPE(n), MX_FLOAT32), t);
}
#define OF(t, ...) of(t, sizeof((const float[]){__VA_ARGS__}) / sizeof(float), (const float[]){__VA_ARGS__})
#define NOTHING(...) mx_zeros(MX_SHAPE(__VA_ARGS__), MX_FLOAT32)

static void dtypes_follow_the_rules(void **state) {
  (void)state;
  for (int i = 0; i <= MX_COMPLEX64; i++) {
    mx_scope s = mx_scope_begin();
    mx_dtype t = (mx_dtype)i, real = t == MX_COMPLEX64 ? MX_FLOAT32 : t;
    bool is_small = t == MX_BOOL || t == MX_INT8 || t == MX_INT16, is_short = t == MX_UINT8 || t == MX_UINT16;
    mx_dtype sum = is_small ? MX_INT32 : is_short ? MX_UINT32 : t, flt = t >= MX_FLOAT16 ? t : MX_FLOAT32;
    mx_dtype spread = t >= MX_FLOAT16 ? real : MX_FLOAT32;
    mx_array a = OF(t, 1, 0, 1, 1);
    assert_int_equal(mx_dtype_of(mx_sum(a, all, false)), sum);
    assert_int_equal(mx_dtype_of(mx_prod(a, all, false)), sum);
    assert_int_equal(mx_dtype_of(mx_sum(a, (mx_ints){NULL, 0}, false)), t);
    assert_int_equal(mx_dtype_of(mx_max(a, all, false)), t);
    assert_int_equal(mx_dtype_of(mx_any(a, all, false)), MX_BOOL);
    assert_int_equal(mx_dtype_of(mx_mean(a, all, false)), flt);
    assert_int_equal(mx_dtype_of(mx_var(a, all, false, 0)), spread);
    assert_int_equal(mx_dtype_of(mx_std(a, all, false, 0)), spread);
    assert_int_equal(mx_dtype_of(mx_median(a, all, false)), flt);
    assert_int_equal(mx_dtype_of(mx_argmin(a, 0, false)), MX_UINT32);
    assert_int_equal(mx_dtype_of(mx_logsumexp(a, all, false)), flt);
    assert_int_equal(mx_dtype_of(mx_softmax(a, all, false)), flt);
    assert_int_equal(mx_dtype_of(mx_cumsum(a, 0, false, true)), t == MX_BOOL ? MX_INT32 : t);
    assert_int_equal(mx_dtype_of(mx_cumprod(a, 0, false, true)), t);
    assert_int_equal(mx_dtype_of(mx_logcumsumexp(a, 0, false, true)), flt);
    assert_int_equal(mx_dtype_of(mx_count_nonzero(a, all, false)), MX_INT32);
    assert_int_equal(mx_dtype_of(mx_linalg_norm_l2(a, all, false)), spread);
    EXPECT(mx_sum(a, all, false), 3);
    EXPECT(mx_prod(a, all, true), 0);
    EXPECT(mx_max(a, all, false), 1);
    EXPECT(mx_all(a, all, false), 0);
    EXPECT(mx_mean(a, all, false), 0.75f);
    EXPECT(mx_var(a, all, false, 1), t == MX_BFLOAT16 ? 0.25f : 0.25f);
    EXPECT(mx_median(a, all, false), 1);
    EXPECT(mx_argmin(a, -1, true), 1);
    EXPECT(mx_argmax_all(a), 0);
    EXPECT(mx_cumsum(a, 0, true, false), 2, 2, 1, 0);
    EXPECT(mx_cumprod(a, 0, false, true), 1, 0, 0, 0);
    EXPECT(mx_count_nonzero(a, all, false), 3);
    EXPECT(mx_array_equal(a, a, false), 1);
    mx_scope_end(s);
  }
}

static void halves_are_added_up_in_float32(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  EXPECT(mx_mean(OF(MX_FLOAT16, 1e4f, 6e4f), all, false), 35008);
  EXPECT(mx_linalg_norm_l2(OF(MX_FLOAT16, 300, 400), all, false), 500);
  EXPECT(mx_std(OF(MX_FLOAT16, 300, -300), all, false, 0), 300);
  mx_scope_end(s);
}

static void nothing_has_its_values(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  EXPECT(mx_sum(NOTHING(0, 2), AXIS(0), false), 0, 0);
  EXPECT(mx_prod(NOTHING(0, 2), AXIS(0), false), 1, 1);
  EXPECT(mx_mean(NOTHING(0, 2), AXIS(0), false), NAN, NAN);
  EXPECT(mx_var(NOTHING(0), all, false, 0), NAN);
  EXPECT(mx_var(OF(MX_FLOAT32, 1), all, false, 1), NAN);
  EXPECT(mx_var(OF(MX_FLOAT32, 1, 2), all, false, 3), INFINITY);
  EXPECT(mx_all(NOTHING(0, 3), all, false), 1);
  EXPECT(mx_any(NOTHING(0), all, false), 0);
  assert_int_equal(mx_size(mx_max(NOTHING(0, 3), AXIS(1), false)), 0);
  assert_int_equal(mx_size(mx_softmax(NOTHING(0, 3), AXIS(0), false)), 0);
  assert_int_equal(mx_size(mx_cumsum(NOTHING(0, 3), 0, false, true)), 0);
  EXPECT(mx_linalg_norm(NOTHING(0, 3), 1, MX_INTS(0, 1), false), 0);
  mx_scope_end(s);
}

static void refused(mx_array a, mx_status code) {
  char text[256];
  assert_null(a);
  assert_int_equal(mx_error_take(text, sizeof text), code);
  assert_true(text[0] == '[');
}

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = NOTHING(2, 3), v = OF(MX_FLOAT32, 3, 4);
  refused(mx_sum(a, AXIS(2), false), MX_ERR_VALUE);
  refused(mx_sum(a, MX_INTS(0, -2), false), MX_ERR_VALUE);
  refused(mx_max(NOTHING(0, 3), AXIS(0), false), MX_ERR_VALUE);
  refused(mx_min(NOTHING(0), all, false), MX_ERR_VALUE);
  refused(mx_argmax(NOTHING(0, 3), 1, false), MX_ERR_VALUE);
  refused(mx_argmax(a, 5, false), MX_ERR_VALUE);
  refused(mx_argmin_all(NOTHING(0)), MX_ERR_VALUE);
  refused(mx_logsumexp(NOTHING(3, 0), AXIS(0), false), MX_ERR_VALUE);
  refused(mx_softmax(mx_f32(3), AXIS(0), false), MX_ERR_VALUE);
  refused(mx_cumsum(mx_f32(3), 0, false, true), MX_ERR_VALUE);
  refused(mx_median(NOTHING(0, 3), all, false), MX_ERR_VALUE);
  refused(mx_median(v, (mx_ints){NULL, 0}, false), MX_ERR_VALUE);
  refused(mx_linalg_norm(NOTHING(2, 2, 2), 1, all, false), MX_ERR_VALUE);
  refused(mx_linalg_norm(a, 3, MX_INTS(0, 1), false), MX_ERR_VALUE);
  refused(mx_linalg_norm_matrix(v, "fro", AXIS(0), false), MX_ERR_VALUE);
  refused(mx_linalg_norm_matrix(a, "none", all, false), MX_ERR_VALUE);
  refused(mx_linalg_norm(mx_zeros(MX_SHAPE(2, 2), MX_INT32), 2, all, false), MX_ERR_DTYPE);
  mx_scope_end(s);
}

static void norms_are_those_of_their_definitions(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array v = OF(MX_FLOAT32, 3, -4), m = mx_reshape(OF(MX_FLOAT32, 3, 4, -5, 6), MX_SHAPE(2, 2));
  EXPECT(mx_linalg_norm(v, 2, all, false), 5);
  EXPECT(mx_linalg_norm(v, 1, all, true), 7);
  EXPECT(mx_linalg_norm(v, 0, all, false), 2);
  EXPECT(mx_linalg_norm(v, INFINITY, all, false), 4);
  EXPECT(mx_linalg_norm(v, -INFINITY, all, false), 3);
  EXPECT(mx_linalg_norm(v, -1, all, false), 1.7142857f);
  EXPECT(mx_linalg_norm(v, 3, all, false), 4.4979414f);
  EXPECT(mx_linalg_norm(m, 1, all, false), 10);
  EXPECT(mx_linalg_norm(m, -1, all, false), 8);
  EXPECT(mx_linalg_norm(m, INFINITY, all, false), 11);
  EXPECT(mx_linalg_norm(m, INFINITY, MX_INTS(1, 0), false), 10);
  EXPECT(mx_linalg_norm_matrix(m, "fro", all, false), 9.2736185f);
  EXPECT(mx_linalg_norm_l2(mx_reshape(m, MX_SHAPE(1, 2, 2)), all, false), 9.2736185f);
  EXPECT(mx_linalg_norm_matrix(OF(MX_FLOAT32, 3, 4), "fro", all, false) ? NULL : (mx_error_clear(), mx_f32(1)), 1);
  mx_scope_end(s);
}

static void comparisons_of_arrays(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = OF(MX_FLOAT32, 1, NAN), b = OF(MX_INT32, 1, 2);
  EXPECT(mx_array_equal(a, a, false), 0);
  EXPECT(mx_array_equal(a, a, true), 1);
  EXPECT(mx_array_equal(b, OF(MX_FLOAT32, 1, 2), true), 1);
  EXPECT(mx_array_equal(b, mx_reshape(b, MX_SHAPE(1, 2)), false), 0);
  EXPECT(mx_array_equal(mx_scalar_i(1), mx_i32(1), false), 1);
  EXPECT(mx_allclose(OF(MX_FLOAT32, 1, INFINITY), OF(MX_FLOAT32, 1.000001f, INFINITY), 1e-5, 1e-8, false), 1);
  EXPECT(mx_allclose(a, a, 1e-5, 1e-8, false), 0);
  EXPECT(mx_allclose(a, a, 1e-5, 1e-8, true), 1);
  EXPECT(mx_median(a, all, false), NAN);
  mx_array ends[2];
  assert_int_equal(mx_minmax(b, all, false, ends), MX_OK);
  EXPECT(ends[0], 1);
  EXPECT(ends[1], 2);
  EXPECT(mx_median(mx_reshape(OF(MX_INT32, 3, 1, 2, 5), MX_SHAPE(2, 2)), MX_INTS(0, 1), false), 2.5f);
  EXPECT(mx_cumsum_all(mx_f32(3), false, true), 3);
  mx_scope_end(s);
}

/* ---- Logarithms of sums whose terms differ by any factor ---------------------------------------------------------- */
enum { FAR = 8 };
static const float far_apart[FAR] = {-INFINITY, -INFINITY, 0, -120, 95, 600, 599, -40};

static mx_status log_scan(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  results[0] = mx_logcumsumexp(args[0], 0, *(bool *)ctx, true);
  return MX_OK;
}

/* d y_i / d a_j, from the definition in double; 0 where j does not count for i, and where y_i is -infinity. */
static double far_partial(int i, int j, bool reverse) {
  double m = -INFINITY, s = 0;
  if (reverse ? j < i : j > i) return 0;
  for (int k = reverse ? FAR - 1 : 0; reverse ? k >= i : k <= i; k += reverse ? -1 : 1) m = fmax(m, far_apart[k]);
  if (isinf(m)) return 0;
  for (int k = reverse ? FAR - 1 : 0; reverse ? k >= i : k <= i; k += reverse ? -1 : 1) s += exp(far_apart[k] - m);
  return exp(far_apart[j] - m) / s;
}

/* y is known to half a unit of its last place, at most 600 eps / 2, and is in the exponent of each of two factors. */
static void check_far(const float *got, const double *expected, const double *size, const char *what) {
  for (int i = 0; i < FAR; i++)
    if (!(fabs(got[i] - expected[i]) <= (4 * 600 + 16) * FLT_EPSILON * size[i] + FLT_MIN))
      fail_msg("%s, element %d: %.9g, not %.9g", what, i, got[i], expected[i]);
}

static void derivatives_of_log_scans_never_overflow(void **state) {
  (void)state;
  static const float weights[FAR] = {1, -2, 0.5f, 3, -1, 2, 0, -0.75f};
  for (int reverse = 0; reverse < 2; reverse++) {
    mx_scope s = mx_scope_begin();
    bool way = reverse;
    double back[FAR] = {0}, forward[FAR] = {0}, back_size[FAR] = {0}, forward_size[FAR] = {0};
    for (int i = 0; i < FAR; i++)
      for (int j = 0; j < FAR; j++) {
        double d = far_partial(i, j, way);
        back[j] += weights[i] * d, back_size[j] += fabs(weights[i] * d);
        forward[i] += weights[j] * d, forward_size[i] += fabs(weights[j] * d);
      }
    mx_array a = mx_from_data(far_apart, MX_INTS(FAR), MX_FLOAT32), w = mx_from_data(weights, MX_INTS(FAR), MX_FLOAT32), y, g, t;
    assert_int_equal(mx_vjp(log_scan, &way, &a, 1, &w, 1, &y, &g), MX_OK);
    assert_int_equal(mx_jvp(log_scan, &way, &a, &w, 1, &y, 1, &t), MX_OK);
    check_far(mx_data(g), back, back_size, "back");
    check_far(mx_data(t), forward, forward_size, "forward");
    mx_scope_end(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_the_differences),
      cmocka_unit_test(derivatives_of_gradients_are_the_differences),
      cmocka_unit_test(forward_and_backward_agree),
      cmocka_unit_test(ties_share_in_max_and_go_last_in_cummax),
      cmocka_unit_test(dtypes_follow_the_rules),
      cmocka_unit_test(halves_are_added_up_in_float32),
      cmocka_unit_test(nothing_has_its_values),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(norms_are_those_of_their_definitions),
      cmocka_unit_test(comparisons_of_arrays),
      cmocka_unit_test(derivatives_of_log_scans_never_overflow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Linear algebra: residuals of what LAPACK returns, computed in long double; layouts and batches; errors; derivatives
 * against differences; batching rules against a loop. */
#include "derivatives.h"

#include "core/prim.h"
#include "core/thread.h"

static mx_scope scope;
static int set_up(void **unused) {
  (void)unused;
  scope = mx_scope_begin();
  return 0;
}
static int tear_down(void **unused) {
  (void)unused;
  mx_scope_end(scope);
  return 0;
}

/* Matrix b of an array of matrices, in long double: residuals read each element many times. */
static long double *matrix(mx_array a, int64_t b) {
  int64_t size = mx_dim(a, -2) * mx_dim(a, -1);
  const void *data = mx_data(a);
  long double *m = malloc((size_t)(size + 1) * sizeof *m);
  assert_non_null(data);
  assert_non_null(m);
  for (int64_t i = 0, k = b * size; i < size; i++, k++)
    m[i] = mx_dtype_of(a) == MX_FLOAT64 ? ((const double *)data)[k] : ((const float *)data)[k];
  return m;
}

static long double norm_of(const long double *m, int64_t size) {
  long double sum = 0;
  for (int64_t i = 0; i < size; i++) sum += m[i] * m[i];
  return sqrtl(sum);
}

static int64_t batch_of(mx_array a) {
  int64_t size = mx_dim(a, -2) * mx_dim(a, -1);
  return size ? mx_size(a) / size : 0;
}

static double unit(mx_array a) { return mx_dtype_of(a) == MX_FLOAT64 ? 0x1p-53 : 0x1p-24; }

/* The largest element of |x @ y - z|. */
static long double residual(const long double *x, const long double *y, const long double *z, int64_t rows, int64_t inner,
                            int64_t columns) {
  long double worst = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      long double sum = -z[i * columns + j];
      for (int64_t k = 0; k < inner; k++) sum += x[i * inner + k] * y[k * columns + j];
      worst = fmaxl(worst, fabsl(sum));
    }
  return worst;
}

/* x @ y = z for each matrix of the batch, up to `allowed` units of the sums of magnitudes. */
static void check_product(mx_array x, mx_array y, mx_array z, double allowed) {
  int64_t rows = mx_dim(z, -2), inner = mx_dim(x, -1), columns = mx_dim(z, -1);
  check_no_error();
  assert_int_equal(mx_dim(x, -2), rows);
  assert_int_equal(mx_dim(y, -2), inner);
  assert_int_equal(mx_dim(y, -1), columns);
  for (int64_t b = 0; b < batch_of(z); b++) {
    long double *of_x = matrix(x, b), *of_y = matrix(y, b), *of_z = matrix(z, b);
    long double worst = residual(of_x, of_y, of_z, rows, inner, columns);
    long double norms = norm_of(of_x, rows * inner) * norm_of(of_y, inner * columns);
    if (!(worst <= allowed * unit(z) * (norms + 1))) fail_msg("residual %Lg", worst);
    free(of_x);
    free(of_y);
    free(of_z);
  }
}

static mx_array transposed(mx_array a) { return mx_swapaxes(a, -1, -2); }
static mx_array identity_like(mx_array a) { return mx_add(mx_multiply(a, mx_scalar_f(0)), mx_eye(mx_dim(a, -1), mx_dim(a, -1), 0, mx_dtype_of(a))); }
/* Random, and far from singular. */
static mx_array well_behaved(mx_ints shape, mx_dtype t) {
  mx_array a = random_array(shape, t);
  return mx_add(a, mx_multiply(mx_scalar_f((double)mx_dim(a, -1)), mx_eye(mx_dim(a, -1), mx_dim(a, -1), 0, t)));
}
/* a a^T + I */
static mx_array positive(mx_ints shape, mx_dtype t) {
  mx_array a = random_array(shape, t);
  return mx_add(mx_matmul(a, transposed(a)), mx_eye(mx_dim(a, -1), mx_dim(a, -1), 0, t));
}

static const int64_t sizes[] = {1, 2, 3, 5, 17, 40, 90};
static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT64};
#define EACH_CASE                                                                     \
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)                           \
    for (int view = 0; view < 2; view++)                                              \
      for (int batch = 1; batch < 8; batch += 6)                                      \
        for (size_t d = 0; d < 2; d++)
/* The same array, or a view whose columns are next to each other in memory. */
static mx_array laid_out(mx_array a, int view) { return view ? transposed(mx_contiguous(transposed(a))) : a; }

/* LU with partial pivoting: growth is small for such matrices, so the residual is some n units. */
static void solutions_solve(void **unused) {
  (void)unused;
  EACH_CASE {
    int64_t n = sizes[s];
    mx_array a = laid_out(well_behaved(MX_INTS(batch, n, n), dtypes[d]), view);
    mx_array b = laid_out(random_array(MX_INTS(batch, n, 3), dtypes[d]), view);
    check_product(a, mx_linalg_solve(a, b), b, 8.0 * (double)n);
    check_product(a, mx_linalg_inv(a), identity_like(a), 8.0 * (double)n);
    mx_array upper = mx_triu(a, 0), lower = mx_tril(a, 0);
    check_product(upper, mx_linalg_solve_triangular(a, b, true), b, 4.0 * (double)n);
    check_product(lower, mx_linalg_solve_triangular(a, b, false), b, 4.0 * (double)n);
  }
}

static void right_hand_sides_broadcast(void **unused) {
  (void)unused;
  mx_array a = well_behaved(MX_INTS(2, 3, 4, 4), MX_FLOAT64), v = random_array(MX_INTS(4), MX_FLOAT64);
  mx_array x = mx_linalg_solve(a, v);
  assert_int_equal(mx_ndim(x), 3);
  mx_array columns = mx_broadcast_to(mx_reshape(v, MX_INTS(4, 1)), MX_INTS(2, 3, 4, 1));
  check_product(a, mx_reshape(x, MX_INTS(2, 3, 4, 1)), columns, 32);
  mx_array one = well_behaved(MX_INTS(4, 4), MX_FLOAT64), many = random_array(MX_INTS(5, 4, 2), MX_FLOAT64);
  check_product(mx_broadcast_to(one, MX_INTS(5, 4, 4)), mx_linalg_solve(one, many), many, 32);
}

static void cholesky_factors(void **unused) {
  (void)unused;
  EACH_CASE {
    int64_t n = sizes[s];
    mx_array a = laid_out(positive(MX_INTS(batch, n, n), dtypes[d]), view);
    mx_array l = mx_linalg_cholesky(a, false), u = mx_linalg_cholesky(a, true);
    check_product(l, transposed(l), a, 4.0 * (double)n);
    check_product(transposed(u), u, a, 4.0 * (double)n);
    assert_true(mx_item_f64(mx_sum(mx_abs(mx_triu(l, 1)), MX_ALL, false)) == 0);
    assert_true(mx_item_f64(mx_sum(mx_abs(mx_tril(u, -1)), MX_ALL, false)) == 0);
  }
}

static void cholesky_reads_one_triangle(void **unused) {
  (void)unused;
  const float a[] = {2, 100, 1, 3};
  mx_array l = mx_linalg_cholesky(mx_from_data(a, MX_INTS(2, 2), MX_FLOAT32), false);
  const float *p = mx_data(l);
  assert_true(fabsf(p[0] * p[0] - 2) < 1e-6f && p[1] == 0 && fabsf(p[2] * p[0] - 1) < 1e-6f);
}

static void qr_factors(void **unused) {
  (void)unused;
  EACH_CASE {
    for (int wide = 0; wide < 2; wide++) {
      int64_t n = sizes[s], m = n + 4;
      mx_array a = laid_out(random_array(wide ? MX_INTS(batch, n, m) : MX_INTS(batch, m, n), dtypes[d]), view), f[2];
      assert_int_equal(mx_linalg_qr(a, f), MX_OK);
      assert_int_equal(mx_dim(f[0], -1), n);
      check_product(f[0], f[1], a, 8.0 * (double)m);
      check_product(transposed(f[0]), f[0], identity_like(mx_matmul(transposed(f[0]), f[0])), 8.0 * (double)m);
      assert_true(mx_item_f64(mx_sum(mx_abs(mx_tril(f[1], -1)), MX_ALL, false)) == 0);
    }
  }
}

static void svd_factors(void **unused) {
  (void)unused;
  EACH_CASE {
    for (int wide = 0; wide < 2; wide++) {
      int64_t n = sizes[s], m = n + 3;
      mx_array a = laid_out(random_array(wide ? MX_INTS(batch, n, m) : MX_INTS(batch, m, n), dtypes[d]), view), f[3];
      assert_int_equal(mx_linalg_svd(a, f), MX_OK);
      mx_array u = mx_slice(f[0], MX_INTS(0, 0, 0), MX_INTS(batch, mx_dim(a, -2), n), MX_INTS(1, 1, 1));
      mx_array vt = mx_slice(f[2], MX_INTS(0, 0, 0), MX_INTS(batch, n, mx_dim(a, -1)), MX_INTS(1, 1, 1));
      check_product(mx_multiply(u, mx_expand_dims(f[1], MX_INTS(-2))), vt, a, 16.0 * (double)m);
      check_product(transposed(f[0]), f[0], identity_like(f[0]), 16.0 * (double)m);
      check_product(f[2], transposed(f[2]), identity_like(f[2]), 16.0 * (double)m);
      mx_array alone = mx_linalg_svd_values(a), drop = mx_max(mx_abs(mx_subtract(alone, f[1])), MX_ALL, false);
      assert_true(mx_item_f64(drop) <= 16.0 * (double)m * unit(a) * (double)m);
    }
  }
}

static void empty_matrices(void **unused) {
  (void)unused;
  mx_array f[3];
  assert_int_equal(mx_linalg_svd(mx_zeros(MX_INTS(0, 3), MX_FLOAT32), f), MX_OK);
  assert_int_equal(mx_size(f[0]), 0);
  assert_int_equal(mx_size(f[1]), 0);
  assert_true(mx_item_f32(mx_sum(f[2], MX_ALL, false)) == 3);
  assert_int_equal(mx_linalg_qr(mx_zeros(MX_INTS(3, 0), MX_FLOAT32), f), MX_OK);
  assert_int_equal(mx_eval_all(f, 2), MX_OK);
  assert_int_equal(mx_eval(mx_linalg_solve(mx_zeros(MX_INTS(0, 0), MX_FLOAT32), mx_zeros(MX_INTS(0), MX_FLOAT32))), MX_OK);
  assert_int_equal(mx_eval(mx_linalg_cholesky(mx_zeros(MX_INTS(4, 0, 0), MX_FLOAT32), false)), MX_OK);
  assert_int_equal(mx_eval(mx_linalg_inv(mx_zeros(MX_INTS(0, 2, 2), MX_FLOAT32))), MX_OK);
  check_no_error();
}

/* ---- Errors ---- */
static void expect(mx_status code, const char *part) {
  char message[512];
  const char *text = mx_error_message();
  if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
  assert_int_equal(mx_error_take(message, sizeof message), code);
}

/* Seven matrices of which the fourth and the last are zero. */
static mx_array mostly_good(mx_array good) {
  const float keep[] = {1, 1, 1, 0, 1, 1, 0};
  return mx_multiply(good, mx_reshape(mx_from_data(keep, MX_INTS(7), MX_FLOAT32), MX_INTS(7, 1, 1)));
}

static void matrices_that_fail_are_named(void **unused) {
  (void)unused;
  mx_array a = mostly_good(well_behaved(MX_INTS(7, 3, 3), MX_FLOAT32)), b = random_array(MX_INTS(7, 3, 1), MX_FLOAT32);
  mx_eval(mx_linalg_inv(a));
  expect(MX_ERR_VALUE, "matrix 3 is singular");
  mx_eval(mx_linalg_solve(a, b));
  expect(MX_ERR_VALUE, "matrix 3 is singular");
  mx_eval(mx_linalg_solve_triangular(a, b, true));
  expect(MX_ERR_VALUE, "matrix 3 is singular");
  mx_eval(mx_linalg_cholesky(mostly_good(positive(MX_INTS(7, 3, 3), MX_FLOAT32)), false));
  expect(MX_ERR_VALUE, "matrix 3 is not positive definite");
  mx_eval(mx_linalg_inv(mx_zeros(MX_INTS(2, 2), MX_FLOAT64)));
  expect(MX_ERR_VALUE, "the matrix is singular");
  mx_array f[3];
  mx_linalg_svd(mx_multiply(mx_ones(MX_INTS(2, 2), MX_FLOAT32), mx_scalar_f(NAN)), f);
  mx_eval(f[1]);
  expect(MX_ERR_VALUE, "NaN");
  mx_linalg_svd(mx_multiply(mx_ones(MX_INTS(12, 2), MX_FLOAT32), mx_scalar_f(INFINITY)), f);
  mx_eval(f[1]);
  expect(MX_ERR_VALUE, "infinity");
}

static void wrong_operands_are_refused(void **unused) {
  (void)unused;
  mx_array square = well_behaved(MX_INTS(2, 2), MX_FLOAT32), oblong = mx_zeros(MX_INTS(2, 3), MX_FLOAT32);
  mx_array vector = mx_zeros(MX_INTS(3), MX_FLOAT32), f[3];
  assert_null(mx_linalg_inv(oblong));
  expect(MX_ERR_SHAPE, "[linalg_inv] needs square matrices, not shape (2, 3)");
  assert_null(mx_linalg_cholesky(vector, false));
  expect(MX_ERR_SHAPE, "at least two axes");
  assert_null(mx_linalg_solve(square, vector));
  expect(MX_ERR_SHAPE, "shapes do not fit");
  assert_null(mx_linalg_solve(oblong, vector));
  expect(MX_ERR_SHAPE, "square");
  assert_null(mx_linalg_inv(mx_astype(square, MX_FLOAT16)));
  expect(MX_ERR_DTYPE, "float16");
  assert_null(mx_linalg_solve(mx_astype(square, MX_COMPLEX64), square));
  expect(MX_ERR_DTYPE, "complex64");
  assert_int_not_equal(mx_linalg_qr(vector, f), MX_OK);
  expect(MX_ERR_SHAPE, "[linalg_qr]");
  assert_int_not_equal(mx_linalg_svd(mx_astype(square, MX_INT32), f), MX_OK);
  expect(MX_ERR_DTYPE, "int32");
}

/* ---- Derivatives ---- */
enum { SOLVE, TRIANGULAR, TRIANGULAR_UPPER, INV, CHOLESKY, CHOLESKY_UPPER, QR_Q, QR_R, VALUES };

static mx_status call(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *which) {
  mx_array f[3] = {NULL};
  (void)count, (void)result_count;
  switch (*(int *)which) {
    case SOLVE: f[0] = mx_linalg_solve(args[0], args[1]); break;
    case TRIANGULAR: f[0] = mx_linalg_solve_triangular(args[0], args[1], false); break;
    case TRIANGULAR_UPPER: f[0] = mx_linalg_solve_triangular(args[0], args[1], true); break;
    case INV: f[0] = mx_linalg_inv(args[0]); break;
    case CHOLESKY: f[0] = mx_linalg_cholesky(args[0], false); break;
    case CHOLESKY_UPPER: f[0] = mx_linalg_cholesky(args[0], true); break;
    case VALUES: f[0] = mx_linalg_svd_values(args[0]); break;
    case QR_Q: mx_linalg_qr(args[0], f); break;
    case QR_R: mx_linalg_qr(args[0], f); f[0] = f[1]; break;
  }
  results[0] = f[0];
  return mx_error();
}

static void derivatives_of_solves(void **unused) {
  (void)unused;
  for (int which = SOLVE; which <= INV; which++)
    for (int vector = 0; vector < (which < INV ? 2 : 1); vector++) {
      mx_array x[] = {well_behaved(MX_INTS(3, 4, 4), MX_FLOAT64), random_array(vector ? MX_INTS(4) : MX_INTS(3, 4, 2), MX_FLOAT64)};
      mx_array d[] = {random_array(mx_shape(x[0]), MX_FLOAT64), random_array(mx_shape(x[1]), MX_FLOAT64)};
      check_derivatives(call, &which, x, d, which == INV ? 1 : 2);
    }
}

static void derivatives_of_cholesky(void **unused) {
  (void)unused;
  for (int which = CHOLESKY; which <= CHOLESKY_UPPER; which++) {
    mx_array x = positive(MX_INTS(2, 5, 5), MX_FLOAT64), d = random_array(MX_INTS(2, 5, 5), MX_FLOAT64);
    d = mx_add(d, transposed(d)); /* among symmetric matrices */
    check_derivatives(call, &which, &x, &d, 1);
  }
}

static void derivatives_of_factors(void **unused) {
  (void)unused;
  for (int which = QR_Q; which <= VALUES; which++)
    for (int shape = 0; shape < 3; shape++) {
      mx_array x = random_array(shape == 0 ? MX_INTS(2, 4, 4) : shape == 1 ? MX_INTS(2, 6, 3) : MX_INTS(2, 3, 5), MX_FLOAT64);
      mx_array d = random_array(mx_shape(x), MX_FLOAT64);
      check_derivatives(call, &which, &x, &d, 1);
    }
}

static mx_status both_qr(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  mx_array f[2];
  (void)count, (void)result_count, (void)ctx;
  mx_linalg_qr(args[0], f);
  results[0] = mx_matmul(mx_square(f[0]), f[1]);
  return mx_error();
}

static mx_status values_of_svd(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  mx_array f[3];
  (void)count, (void)result_count;
  mx_linalg_svd(args[0], f);
  results[0] = *(int *)ctx ? f[0] : f[1];
  return mx_error();
}

static void both_outputs_share_a_gradient(void **unused) {
  (void)unused;
  mx_array x = random_array(MX_INTS(4, 6), MX_FLOAT64), d = random_array(MX_INTS(4, 6), MX_FLOAT64);
  check_derivatives(both_qr, NULL, &x, &d, 1);
}

static void singular_vectors_have_no_gradient(void **unused) {
  (void)unused;
  mx_array x = random_array(MX_INTS(3, 3), MX_FLOAT64), y = NULL, g = NULL, alone = NULL, one = mx_ones(MX_INTS(3), MX_FLOAT64);
  int vectors = 0, which = VALUES;
  assert_int_equal(mx_vjp(values_of_svd, &vectors, &x, 1, &one, 1, &y, &g), MX_OK);
  assert_int_equal(mx_vjp(call, &which, &x, 1, &one, 1, &y, &alone), MX_OK);
  assert_true(mx_item_f64(mx_max(mx_abs(mx_subtract(g, alone)), MX_ALL, false)) < 1e-12);
  vectors = 1;
  mx_array square = mx_ones(MX_INTS(3, 3), MX_FLOAT64);
  mx_vjp(values_of_svd, &vectors, &x, 1, &square, 1, &y, &g);
  expect(MX_ERR_UNSUPPORTED, "singular vectors");
}

/* d/da of a gradient, by differences of it. */
static mx_status gradient_of_inv(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  mx_array y = NULL, seed = mx_square(mx_add(mx_arange(0, 9, 1, MX_FLOAT64), mx_scalar_f(1)));
  int which = INV;
  (void)count, (void)result_count, (void)ctx;
  seed = mx_reshape(seed, MX_INTS(3, 3));
  return mx_vjp(call, &which, args, 1, &seed, 1, &y, results);
}
static void second_derivatives(void **unused) {
  (void)unused;
  mx_array x = well_behaved(MX_INTS(3, 3), MX_FLOAT64), d = random_array(MX_INTS(3, 3), MX_FLOAT64);
  check_derivatives(gradient_of_inv, NULL, &x, &d, 1);
}

/* ---- Batching ---- */
static void check_batched_node(mx_array node, const mx_array *in, const int *in_axes, mx_array *outputs) {
  int out_axes[3] = {-1, -1, -1};
  assert_true(mxi_prims[node->op]->vmap(mxi_ctx_thread(), node, in, in_axes, outputs, out_axes));
  assert_int_equal(out_axes[0], 0);
}

static void check_same(mx_array got, mx_array wanted) {
  check_no_error();
  assert_int_equal(mx_size(got), mx_size(wanted));
  assert_true(mx_item_f64(mx_max(mx_abs(mx_subtract(got, wanted)), MX_ALL, false)) < 1e-12);
}

static void batching_puts_the_mapped_axis_first(void **unused) {
  (void)unused;
  mx_array a = well_behaved(MX_INTS(5, 2, 4, 4), MX_FLOAT64), b = random_array(MX_INTS(2, 4, 3), MX_FLOAT64), out[3];
  mx_array moved = mx_moveaxis(a, 0, 2), one = mx_take(a, mx_i32(0), 0), f[3];
  check_batched_node(mx_linalg_solve(one, b), (mx_array[]){moved, b}, (int[]){2, -1}, out);
  check_same(out[0], mx_linalg_solve(a, b));
  check_batched_node(mx_linalg_inv(one), &moved, (int[]){2}, out);
  check_same(out[0], mx_linalg_inv(a));
  check_batched_node(mx_linalg_svd_values(one), &moved, (int[]){2}, out);
  check_same(out[0], mx_linalg_svd_values(a));
  mx_linalg_qr(one, f);
  check_batched_node(mxi_inputs(f[0])[0], &moved, (int[]){2}, out);
  mx_linalg_qr(a, f);
  check_same(out[1], f[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(solutions_solve, set_up, tear_down),
      cmocka_unit_test_setup_teardown(right_hand_sides_broadcast, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cholesky_factors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cholesky_reads_one_triangle, set_up, tear_down),
      cmocka_unit_test_setup_teardown(qr_factors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(svd_factors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(empty_matrices, set_up, tear_down),
      cmocka_unit_test_setup_teardown(matrices_that_fail_are_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrong_operands_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(derivatives_of_solves, set_up, tear_down),
      cmocka_unit_test_setup_teardown(derivatives_of_cholesky, set_up, tear_down),
      cmocka_unit_test_setup_teardown(derivatives_of_factors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(both_outputs_share_a_gradient, set_up, tear_down),
      cmocka_unit_test_setup_teardown(singular_vectors_have_no_gradient, set_up, tear_down),
      cmocka_unit_test_setup_teardown(second_derivatives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(batching_puts_the_mapped_axis_first, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

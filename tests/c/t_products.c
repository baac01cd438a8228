/* Products as operations: matmul and what is made of it against sums over all subscripts written out; shapes, dtypes and
 * errors; derivatives; batching rules against a loop. How matmul computes is tested in t_matmul.c. */
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

static void expect(mx_status code, const char *part) {
  char message[512];
  if (!strstr(mx_error_message(), part)) fail_msg("\"%s\" does not say \"%s\"", mx_error_message(), part);
  assert_int_equal(mx_error_take(message, sizeof message), code);
}

static mx_array real(mx_ints shape) { return random_array(shape, MX_FLOAT64); }

/* The sum that "ab,bc->ac" spells, over every value of every letter. An axis of size 1 is stretched. */
static void check_sum(const char *spec, const mx_array *x, size_t count, mx_array y) {
  int64_t size[128] = {0}, at[128] = {0}, total = 1;
  const char *letter = spec, *arrow = strstr(spec, "->");
  char letters[32];
  int letter_count = 0;
  check_no_error();
  for (size_t i = 0; i < count; i++, letter++)
    for (int axis = 0; *letter != ',' && *letter != '-'; letter++, axis++) {
      if (!size[(int)*letter]) letters[letter_count++] = *letter;
      if (mx_dim(x[i], axis) > size[(int)*letter]) size[(int)*letter] = mx_dim(x[i], axis);
    }
  for (int i = 0; i < letter_count; i++) total *= size[(int)letters[i]];
  assert_int_equal(mx_ndim(y), strlen(arrow + 2));
  const double *got = mx_data(y);
  assert_non_null(got);
  long double *sum = calloc((size_t)mx_size(y), sizeof *sum), *bound = calloc((size_t)mx_size(y), sizeof *bound);
  for (int64_t i = 0; i < total; i++) {
    int64_t rest = i, out = 0;
    long double product = 1;
    for (int l = 0; l < letter_count; l++) at[(int)letters[l]] = rest % size[(int)letters[l]], rest /= size[(int)letters[l]];
    letter = spec;
    for (size_t o = 0; o < count; o++, letter++) {
      int64_t k = 0;
      for (int axis = 0; *letter != ',' && *letter != '-'; letter++, axis++)
        k = k * mx_dim(x[o], axis) + (mx_dim(x[o], axis) == 1 ? 0 : at[(int)*letter]);
      product *= ((const double *)mx_data(x[o]))[k];
    }
    for (letter = arrow + 2; *letter; letter++) out = out * size[(int)*letter] + at[(int)*letter];
    sum[out] += product;
    bound[out] += fabsl(product);
  }
  for (int64_t i = 0; i < mx_size(y); i++)
    if (!(fabsl(sum[i] - got[i]) <= bound[i] * 0x1p-53L * (long double)(total + 8))) fail_msg("%s: element %d", spec, (int)i);
  free(sum);
  free(bound);
}

static void check_einsum(const char *spec, const char *spelled, const mx_array *x, size_t count) {
  check_sum(spelled, x, count, mx_einsum(spec, x, count));
}

static void einsum_sums(void **unused) {
  (void)unused;
  mx_array a = real(MX_INTS(3, 4)), b = real(MX_INTS(4, 5)), c = real(MX_INTS(5, 2)), s = real(MX_INTS(4, 4));
  mx_array t = real(MX_INTS(2, 3, 4)), u = real(MX_INTS(2, 4, 5)), cube = real(MX_INTS(3, 3, 3)), one = real(MX_INTS(1, 4));
  mx_array ab[] = {a, b}, abc[] = {a, b, c}, tu[] = {t, u}, aa[] = {a, a}, sa[] = {s, a}, to[] = {t, one}, cubes[] = {cube, cube};
  check_einsum("ij,jk", "ij,jk->ik", ab, 2);
  check_einsum(" i j , j k -> k i ", "ij,jk->ki", ab, 2);
  check_einsum("ij,jk->", "ij,jk->", ab, 2);
  check_einsum("ij,jk->ijk", "ij,jk->ijk", ab, 2);
  check_einsum("ij,kl", "ij,kl->ijkl", ab, 2);
  check_einsum("ij,jk,kl", "ij,jk,kl->il", abc, 3);
  check_einsum("kl,ij,jk->li", "kl,ij,jk->li", (mx_array[]){c, a, b}, 3);
  check_einsum("ii", "ii->", &s, 1);
  check_einsum("ii->i", "ii->i", &s, 1);
  check_einsum("iij->ij", "iij->ij", &cube, 1);
  check_einsum("iji,jkk->ik", "iji,jkk->ik", cubes, 2);
  check_einsum("iii", "iii->", &cube, 1);
  check_einsum("ii,ji->j", "ii,ji->j", sa, 2);
  check_einsum("ba", "ba->ab", &a, 1);
  check_einsum("ij->j", "ij->j", &a, 1);
  check_einsum("ij,ij->i", "ij,ij->i", aa, 2);
  check_einsum("ij,ij", "ij,ij->", aa, 2);
  check_einsum("ij,ij->ij", "ij,ij->ij", aa, 2);
  check_einsum("bij,bjk->bik", "bij,bjk->bik", tu, 2);
  check_einsum("...ij,...jk", "bij,bjk->bik", tu, 2);
  check_einsum("...ij,jk->...ik", "bij,jk->bik", (mx_array[]){t, b}, 2);
  check_einsum("i...", "ij->ji", &a, 1);
  check_einsum("...i->i...", "bij->jbi", &t, 1);
  check_einsum("i...->...", "bij->ij", &t, 1);
  check_einsum("...i->i", "bij->j", &t, 1);
  check_einsum("...,...->...", "bij,ij->bij", (mx_array[]){t, a}, 2);
  check_einsum("bij,kj->bik", "bij,kj->bik", to, 2);
  check_einsum("bij,ij->bj", "bij,kj->bj", (mx_array[]){t, one}, 2); /* i has size 1 in one operand */
  check_einsum("Aa,aB->BA", "ij,jk->ki", ab, 2);
  check_einsum("ij,jk,ij->k", "ij,jk,ij->k", (mx_array[]){a, b, a}, 3);
}

static void einsum_of_integers_multiplies_and_sums(void **unused) {
  (void)unused;
  mx_array i = mx_reshape(mx_arange(0, 6, 1, MX_INT32), MX_INTS(2, 3)), ii[] = {i, i};
  assert_int_equal(mx_item_i64(mx_einsum("ij->", &i, 1)), 15);
  assert_int_equal(mx_item_i64(mx_sum(mx_einsum("ij,ij->ij", ii, 2), MX_ALL, false)), 55);
  assert_null(mx_einsum("ij,ij", ii, 2));
  expect(MX_ERR_DTYPE, "[einsum] int32");
}

static void einsum_refuses(void **unused) {
  (void)unused;
  mx_array a = real(MX_INTS(3, 4)), aa[] = {a, a};
  const struct {
    const char *spec;
    size_t count;
    mx_status code;
  } bad[] = {{"ij", 2, MX_ERR_VALUE},    {"ij,jk", 1, MX_ERR_VALUE}, {"ijk", 1, MX_ERR_VALUE},  {"i", 1, MX_ERR_VALUE},
             {"ij->jj", 1, MX_ERR_VALUE}, {"ij->k", 1, MX_ERR_VALUE}, {"i1", 1, MX_ERR_VALUE},   {"i.j", 1, MX_ERR_VALUE},
             {"....", 1, MX_ERR_VALUE},  {"ij->->", 1, MX_ERR_VALUE}, {"......", 1, MX_ERR_VALUE}, {"ijk...", 1, MX_ERR_VALUE},
             {"ij,jk", 2, MX_ERR_SHAPE}, {"ii", 1, MX_ERR_SHAPE},    {"ij-", 1, MX_ERR_VALUE},   {"", 0, MX_ERR_VALUE},
             {"", 1, MX_ERR_VALUE}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_null(mx_einsum(bad[i].spec, aa, bad[i].count));
    expect(bad[i].code, "[einsum]");
  }
}

static void products_made_of_matmul(void **unused) {
  (void)unused;
  mx_array a = real(MX_INTS(3, 4)), b = real(MX_INTS(4, 5)), t = real(MX_INTS(2, 3, 4)), v = real(MX_INTS(4));
  check_sum("ij,jk->ik", (mx_array[]){a, b}, 2, mx_matmul(a, b));
  check_sum("bij,jk->bik", (mx_array[]){t, b}, 2, mx_matmul(t, b));
  check_sum("bij,j->bi", (mx_array[]){t, v}, 2, mx_matmul(t, v));
  check_sum("j,jk->k", (mx_array[]){v, b}, 2, mx_matmul(v, b));
  check_sum("j,j->", (mx_array[]){v, v}, 2, mx_matmul(v, v));
  check_sum("bij,kj->bik", (mx_array[]){t, a}, 2, mx_inner(t, a));
  check_sum("ij,j->i", (mx_array[]){a, v}, 2, mx_inner(a, v));
  check_sum("i,j->ij", (mx_array[]){v, v}, 2, mx_outer(v, v));
  check_sum("bij,jk->bik", (mx_array[]){t, b}, 2, mx_tensordot(t, b, 1));
  check_sum("bij,ij->b", (mx_array[]){t, a}, 2, mx_tensordot(t, a, 2));
  check_sum("ij,k->ijk", (mx_array[]){a, v}, 2, mx_tensordot(a, v, 0));
  check_sum("bij,cij->bc", (mx_array[]){t, t}, 2, mx_tensordot_axes(t, t, MX_INTS(2, 1), MX_INTS(-1, -2)));
  check_sum("bij,ik->bjk", (mx_array[]){t, a}, 2, mx_tensordot_axes(t, a, MX_INTS(1), MX_INTS(0)));
  check_sum("bij,bij->bi", (mx_array[]){t, t}, 2, mx_vecdot(t, t, -1));
  mx_array k = mx_reshape(mx_kron(a, b), MX_INTS(3, 4, 4, 5));
  check_sum("ij,kl->ikjl", (mx_array[]){a, b}, 2, k);
  assert_int_equal(mx_ndim(mx_kron(v, b)), 2);
  assert_int_equal(mx_size(mx_outer(mx_f32(2), mx_f32(3))), 1);
  assert_int_equal(mx_dtype_of(mx_outer(mx_arange(0, 3, 1, MX_INT32), mx_arange(0, 2, 1, MX_INT32))), MX_INT32);
}

static void addmm_scales_and_adds(void **unused) {
  (void)unused;
  mx_array a = real(MX_INTS(3, 4)), b = real(MX_INTS(4, 5)), c = real(MX_INTS(5)), ab = mx_matmul(a, b);
  mx_array wanted = mx_add(mx_multiply(mx_scalar_f(2), ab), mx_multiply(mx_scalar_f(3), c));
  assert_true(mx_item_f64(mx_max(mx_abs(mx_subtract(mx_addmm(c, a, b, 2, 3), wanted)), MX_ALL, false)) == 0);
  mx_array nan = mx_multiply(c, mx_scalar_f(NAN));
  assert_true(mx_item_f64(mx_max(mx_abs(mx_subtract(mx_addmm(nan, a, b, 1, 0), ab)), MX_ALL, false)) == 0);
  assert_null(mx_addmm(real(MX_INTS(2, 3, 5)), a, b, 1, 1));
  expect(MX_ERR_SHAPE, "[addmm] shape (2, 3, 5) does not broadcast");
}

static void matmul_refuses(void **unused) {
  (void)unused;
  mx_array a = real(MX_INTS(3, 4)), i = mx_arange(0, 3, 1, MX_INT32);
  assert_null(mx_matmul(a, a));
  expect(MX_ERR_SHAPE, "[matmul] inner sizes differ: (3, 4) @ (3, 4)");
  assert_null(mx_matmul(a, mx_scalar_f(2)));
  expect(MX_ERR_SHAPE, "[matmul] needs at least one axis");
  assert_null(mx_matmul(i, i));
  expect(MX_ERR_DTYPE, "[matmul] int32");
  assert_null(mx_matmul(real(MX_INTS(2, 3, 4)), real(MX_INTS(3, 4, 5))));
  expect(MX_ERR_SHAPE, "broadcast");
  assert_null(mx_tensordot(a, a, 3));
  expect(MX_ERR_VALUE, "[tensordot]");
  assert_null(mx_tensordot(a, a, 1));
  expect(MX_ERR_SHAPE, "[tensordot] sizes differ");
  assert_null(mx_tensordot_axes(a, a, MX_INTS(0, 0), MX_INTS(0, 1)));
  expect(MX_ERR_VALUE, "named twice");
  assert_null(mx_vecdot(a, real(MX_INTS(4)), -1));
  expect(MX_ERR_SHAPE, "[vecdot] ranks differ");
  assert_int_equal(mx_dtype_of(mx_matmul(mx_astype(a, MX_FLOAT16), mx_zeros(MX_INTS(4), MX_INT64))), MX_FLOAT16);
}

/* ---- Derivatives ---- */
static mx_status product(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count, (void)ctx;
  results[0] = mx_matmul(args[0], args[1]);
  return mx_error();
}

static const struct {
  int a_ndim, b_ndim;
  int64_t a[4], b[4];
} shapes[] = {{2, 2, {3, 4}, {4, 5}},       {2, 1, {3, 4}, {4}},          {1, 2, {4}, {4, 5}},          {1, 1, {4}, {4}},
              {3, 2, {2, 3, 4}, {4, 5}},    {3, 1, {2, 3, 4}, {4}},       {1, 3, {4}, {2, 4, 5}},       {2, 3, {3, 4}, {2, 4, 5}},
              {3, 3, {2, 3, 4}, {2, 4, 5}}, {3, 3, {1, 3, 4}, {2, 4, 5}}, {4, 3, {2, 1, 3, 4}, {3, 4, 5}}, {3, 3, {2, 3, 4}, {1, 4, 5}},
              {2, 2, {3, 0}, {0, 5}},       {3, 2, {2, 3, 0}, {0, 5}},    {2, 2, {1, 4}, {4, 1}}};

static void derivatives_of_matmul(void **unused) {
  (void)unused;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    mx_ints a = {shapes[i].a, (size_t)shapes[i].a_ndim}, b = {shapes[i].b, (size_t)shapes[i].b_ndim};
    mx_array x[] = {real(a), real(b)}, d[] = {real(a), real(b)};
    check_derivatives(product, NULL, x, d, 2);
  }
}

/* The planner finds the linear-model step by this form. */
static void gradient_of_a_matrix_operand_is_its_transpose_times_g(void **unused) {
  (void)unused;
  mx_array x[] = {real(MX_INTS(6, 3)), real(MX_INTS(3))}, g = real(MX_INTS(6)), y = NULL, grads[2];
  assert_int_equal(mx_vjp(product, NULL, x, 2, &g, 1, &y, grads), MX_OK);
  assert_int_equal(grads[1]->op, MXI_OP_matmul);
  assert_int_equal(mxi_inputs(grads[1])[0]->op, MXI_OP_transpose);
  mx_array operand = mxi_inputs(mxi_inputs(grads[1])[0])[0];
  assert_ptr_equal(operand->op == MXI_OP_argument ? mxi_inputs(operand)[0] : operand, x[0]);
  assert_ptr_equal(mxi_inputs(grads[1])[1], g);
}

static mx_status gradient_of_product(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  mx_array grads[2], y = NULL;
  (void)count, (void)result_count, (void)ctx;
  mx_array g = mx_square(mx_matmul(args[0], args[1]));
  mx_status status = mx_vjp(product, NULL, args, 2, &g, 1, &y, grads);
  results[0] = grads[0];
  return status;
}

static void second_derivatives(void **unused) {
  (void)unused;
  mx_array x[] = {real(MX_INTS(3, 4)), real(MX_INTS(4, 2))}, d[] = {real(MX_INTS(3, 4)), real(MX_INTS(4, 2))};
  check_derivatives(gradient_of_product, NULL, x, d, 2);
}

/* L = sum |a b|^2: dL/dx + i dL/dy of a, by differences in each part. */
static mx_array energy(const mx_array *args, void *ctx) {
  (void)ctx;
  return mx_sum(mx_square(mx_abs(mx_matmul(args[0], args[1]))), MX_ALL, false);
}
static void gradient_of_a_complex_product(void **unused) {
  (void)unused;
  mxi_c64 a[6], b[6], moved[6];
  for (int i = 0; i < 6; i++) a[i] = (mxi_c64){(float)draw(), (float)draw()}, b[i] = (mxi_c64){(float)draw(), (float)draw()};
  mx_array x[] = {mx_from_data(a, MX_INTS(2, 3), MX_COMPLEX64), mx_from_data(b, MX_INTS(3, 2), MX_COMPLEX64)}, grads[2];
  assert_int_equal(mx_grad(energy, NULL, x, 2, grads), MX_OK);
  const mxi_c64 *g = mx_data(grads[0]);
  for (int i = 0; i < 12; i++) {
    const float h = 1.0f / 64;
    float value[2];
    for (int s = 0; s < 2; s++) {
      memcpy(moved, a, sizeof moved);
      *(i % 2 ? &moved[i / 2].im : &moved[i / 2].re) += s ? h : -h;
      mx_array y[] = {mx_from_data(moved, MX_INTS(2, 3), MX_COMPLEX64), x[1]};
      value[s] = mx_item_f32(energy(y, NULL));
    }
    float slope = (value[1] - value[0]) / (2 * h), got = i % 2 ? g[i / 2].im : g[i / 2].re; /* exact: L is quadratic */
    assert_true(fabsf(slope - got) <= 64 * 40 * 0x1p-23f); /* rounding of L, at most 40, over h */
  }
}

/* ---- Batching ---- */
/* The rule of `node` with its inputs mapped along in_axes, against the operation on each slice. */
static void check_batching(int in_a, int in_b, int a_ndim, int b_ndim) {
  const int64_t size = 3;
  int64_t a[4] = {4}, b[4] = {4};
  struct mxi_ctx *c = mxi_ctx_thread();
  if (a_ndim == 2) a[0] = 5, a[1] = 4;
  if (a_ndim == 3) a[0] = 2, a[1] = 5, a[2] = 4;
  if (b_ndim == 2) b[1] = 6;
  if (b_ndim == 3) b[0] = 2, b[1] = 4, b[2] = 6;
  mx_array in[2] = {NULL, NULL}, node = mx_matmul(real((mx_ints){a, (size_t)a_ndim}), real((mx_ints){b, (size_t)b_ndim})), out = NULL;
  for (int i = 0; i < 2; i++) {
    int64_t shape[5];
    int axis = i ? in_b : in_a, ndim = i ? b_ndim : a_ndim, n = 0;
    const int64_t *own = i ? b : a;
    for (int j = 0; j <= ndim; j++) {
      if (j == axis) shape[n++] = size;
      if (j < ndim) shape[n++] = own[j];
    }
    in[i] = real((mx_ints){shape, (size_t)n});
  }
  int out_axis = -1;
  assert_true(mxi_prims[MXI_OP_matmul]->vmap(c, node, in, (int[]){in_a, in_b}, &out, &out_axis));
  assert_true(out_axis >= 0);
  for (int64_t i = 0; i < size; i++) {
    mx_array x = in_a < 0 ? in[0] : mx_take(in[0], mx_i32((int32_t)i), in_a);
    mx_array y = in_b < 0 ? in[1] : mx_take(in[1], mx_i32((int32_t)i), in_b);
    mx_array wanted = mx_matmul(x, y), got = mx_take(out, mx_i32((int32_t)i), out_axis);
    check_no_error();
    assert_int_equal(mx_ndim(got), mx_ndim(wanted));
    assert_true(mx_item_f64(mx_max(mx_abs(mx_subtract(got, wanted)), MX_ALL, false)) < 1e-14);
  }
}

static void batching_of_matmul(void **unused) {
  (void)unused;
  for (int a_ndim = 1; a_ndim <= 3; a_ndim++)
    for (int b_ndim = 1; b_ndim <= 3; b_ndim++)
      for (int in_a = -1; in_a <= a_ndim; in_a++)
        for (int in_b = -1; in_b <= b_ndim; in_b++)
          if (in_a >= 0 || in_b >= 0) check_batching(in_a, in_b, a_ndim, b_ndim);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(einsum_sums, set_up, tear_down),
      cmocka_unit_test_setup_teardown(einsum_of_integers_multiplies_and_sums, set_up, tear_down),
      cmocka_unit_test_setup_teardown(einsum_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(products_made_of_matmul, set_up, tear_down),
      cmocka_unit_test_setup_teardown(addmm_scales_and_adds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(matmul_refuses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(derivatives_of_matmul, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gradient_of_a_matrix_operand_is_its_transpose_times_g, set_up, tear_down),
      cmocka_unit_test_setup_teardown(second_derivatives, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gradient_of_a_complex_product, set_up, tear_down),
      cmocka_unit_test_setup_teardown(batching_of_matmul, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

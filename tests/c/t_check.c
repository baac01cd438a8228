/* The graph checker of debug builds: each kind of damage to a node is found before the graph runs, and undone, the graph
 * runs. Other builds have no checker, and skip. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/prim.h"
#include "core/thread.h"

#ifdef MXI_DEBUG
#define DEBUG_ONLY() ((void)state)
#else
#define DEBUG_ONLY()                                          \
  do {                                                        \
    print_message("skipped: only debug builds check graphs\n"); \
    (void)state;                                              \
    skip();                                                   \
  } while (0)
#endif

static void assert_damaged(mx_array root, const char *fault) {
  char message[512];
  assert_int_equal(mx_eval(root), MX_ERR_STATE);
  assert_int_equal(mx_error_take(message, sizeof message), MX_ERR_STATE);
  if (strncmp(message, "[eval] the graph is damaged: `", 30) || !strstr(message, fault)) fail_msg("\"%s\" does not say \"%s\"", message, fault);
}

/* Changes one field of `node`, expects the fault when `root` is evaluated, and changes it back. */
#define DAMAGE(root, field, value, fault) \
  do {                                    \
    __typeof__(field) before_ = (field);  \
    (field) = (value);                    \
    assert_damaged(root, fault);          \
    (field) = before_;                    \
  } while (0)

static mx_array matrix(int64_t rows, int64_t columns) {
  return mx_reshape(mx_arange(0, (double)(rows * columns), 1, MX_FLOAT32), MX_INTS(rows, columns));
}

static void wrong_headers_are_found(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array y = mx_add(matrix(2, 3), mx_f32(1));
  DAMAGE(y, y->op, MXI_OP_array, "check_rules.c has no rule for it");
  DAMAGE(y, y->dtype, MXI_DTYPE_COUNT, "no dtype has this number");
  DAMAGE(y, y->dims.fixed[0], -2, "a negative size");
  DAMAGE(y, y->dims.fixed[0], INT64_MAX / 2, "larger than memory can be");
  DAMAGE(y, y->dims.fixed[3], 1, "sizes beyond its rank");
  DAMAGE(y, y->dims.fixed[0], 1, "shape class and shape differ");
  assert_int_equal(mx_eval(y), MX_OK);
  mx_scope_end(s);
}

static void wrong_inputs_are_found(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array y = mx_add(matrix(2, 3), mx_f32(1));
  DAMAGE(y, y->input_count, 1, "the number of its inputs is wrong");
  mx_array x = y->in[0];
  DAMAGE(y, x->trace, 7, "an input belongs to a transform that it does not");
  mx_array z = mx_negative(y);
  atomic_store(&y->local, 0); /* of the scope's and the reader's */
  assert_damaged(z, "fewer references than readers");
  atomic_store(&y->local, 2);
  assert_int_equal(mx_eval(z), MX_OK);
  mx_scope_end(s);
}

static void values_outside_their_buffer_are_found(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  const float data[64] = {0};
  mx_array x = mx_from_data(data, MX_INTS(8, 8), MX_FLOAT32), y = mx_negative(x);
  DAMAGE(y, x->dims.fixed[0], 9, "ends after its buffer");
  mx_array t = mx_transpose(x, MX_ALL), z = mx_negative(t);
  assert_int_equal(mx_eval(t), MX_OK);
  assert_non_null(t->strides);
  DAMAGE(z, t->strides[2], -4, "starts before its buffer");
  DAMAGE(z, t->strides[1], 9, "ends after its buffer");
  assert_int_equal(mx_eval(y), MX_OK);
  assert_int_equal(mx_eval(z), MX_OK);
  mx_scope_end(s);
}

/* Shapes and dtypes, primitive by primitive: one size or the dtype of the result is changed. */
static void wrong_shapes_and_dtypes_are_found(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array a = matrix(4, 6), square = mx_eye(4, 4, 0, MX_FLOAT32), i = mx_from_data((int32_t[]){0, 1}, MX_INTS(2), MX_INT32);
  mx_array at = mx_zeros(MX_INTS(4, 1), MX_INT32), line = mx_arange(0, 6, 1, MX_FLOAT32), qr[2];
  mx_array u32 = mx_from_data((uint32_t[]){5, 6}, MX_INTS(2), MX_UINT32);
  assert_int_equal(mx_linalg_qr(square, qr), MX_OK);
  mx_array all[] = {
      mx_add(a, line), mx_astype(a, MX_FLOAT64), mx_stop_gradient(a), mx_reshape(a, MX_INTS(3, 8)), mx_transpose(a, MX_ALL),
      mx_broadcast_to(line, MX_INTS(5, 6)), mx_slice(a, MX_INTS(0, 1), MX_INTS(4, 6), MX_INTS(1, 2)),
      mx_as_strided(a, MX_INTS(3, 3), MX_INTS(6, 1), 2), mx_view(a, MX_INT16), mx_concatenate((mx_array[]){a, a}, 2, 1),
      mx_pad(a, MX_INTS(1, 1), MX_INTS(0, 2), mx_scalar_f(1)), mx_sum(a, MX_INTS(1), true), mx_max(a, MX_INTS(0), true),
      mx_argmax(a, 1, true), mx_softmax(a, MX_INTS(1), false), mx_cumsum(a, 1, false, true), mx_sort(a, 1), mx_argsort(a, 1),
      mx_take(a, i, 0), mx_take_along_axis(a, at, 1), mx_put_along_axis(a, at, mx_zeros(MX_INTS(4, 1), MX_FLOAT32), 1),
      mx_searchsorted(line, line, false), mx_matmul(a, mx_transpose(a, MX_ALL)), mx_linalg_inv(square), qr[0],
      mx_random_bits(MX_INTS(4, 4), 4, u32),
  };
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    mx_array y = all[k];
    if (!y) fail_msg("%zu: %s", k, mx_error_message());
    if (mx_is_evaluated(y) || y->ndim == 0) fail_msg("%zu is no node to damage", k);
    int last = y->ndim - 1;
    int64_t before = y->dims.fixed[last];
    y->dims.fixed[last] = before + 100;
    uint16_t class = y->shape_class;
    if (before < 2) y->shape_class = (uint16_t)((class & ~(3 << 2 * last)) | 2 << 2 * last);
    if (y->op != MXI_OP_random_bits && mx_eval(y) != MX_ERR_STATE) /* of any shape */
      fail_msg("a wrong shape of %zu, `%s`, is not found", k, mxi_prims[y->op]->name);
    mx_error_clear();
    y->dims.fixed[last] = before;
    y->shape_class = class;
    if (y->op == MXI_OP_astype) continue; /* any dtype will do */
    uint8_t dtype = y->dtype;
    y->dtype = y->op == MXI_OP_sum ? MX_BOOL : MX_COMPLEX64; /* sums widen */
    if (mx_eval(y) != MX_ERR_STATE) fail_msg("a wrong dtype of %zu, `%s`, is not found", k, mxi_prims[y->op]->name);
    mx_error_clear();
    y->dtype = dtype;
    if (mx_eval(y)) fail_msg("%zu: %s", k, mx_error_message());
  }
  mx_scope_end(s);
}

static void parameters_out_of_range_are_found(void **state) {
  DEBUG_ONLY();
  mx_scope s = mx_scope_begin();
  mx_array a = matrix(4, 6);
  mx_array t = mx_transpose(a, MX_ALL), sl = mx_slice(a, MX_INTS(1, 1), MX_INTS(4, 6), MX_INTS(1, 1)), sorted = mx_sort(a, 1);
  mx_array sum = mx_sum(a, MX_INTS(1), true);
  DAMAGE(t, ((struct mxi_params_perm *)t->params.heap)->axis[0], -1, "its parameters are out of range");
  DAMAGE(t, ((struct mxi_params_perm *)t->params.heap)->axis[1], 2, "its parameters are out of range");
  DAMAGE(sl, ((struct mxi_params_slice *)sl->params.heap)->start[0], 2, "its parameters are out of range");
  DAMAGE(sl, ((struct mxi_params_slice *)sl->params.heap)->step[1], 0, "its parameters are out of range");
  DAMAGE(sorted, ((struct mxi_params_axis *)mxi_params(sorted))->axis, 2, "its parameters are out of range");
  DAMAGE(sum, sum->params.u, 4, "its parameters are out of range");
  assert_int_equal(mx_eval_many(t, sl, sorted, sum), MX_OK);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_headers_are_found),
      cmocka_unit_test(wrong_inputs_are_found),
      cmocka_unit_test(values_outside_their_buffer_are_found),
      cmocka_unit_test(wrong_shapes_and_dtypes_are_found),
      cmocka_unit_test(parameters_out_of_range_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

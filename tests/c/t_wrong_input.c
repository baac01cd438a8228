/* What programs should not ask for: every operation with operands that are missing, of another rank, size or dtype, and
 * with axes, shapes and sizes that cannot be. Never a crash; the error says which operation it was. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica.h>

#include "core/thread.h"
#include "support/ops_calls.h"

static int64_t live_before;
static size_t active_before;
static int wrong; /* calls that were not refused as they should be */

static int count_before(void **state) {
  (void)state;
  wrong = 0;
  mx_error_clear();
  live_before = mxi_live_nodes();
  active_before = mx_memory_info().active;
  return 0;
}

/* Says what is wrong and goes on, so that one run shows all of it. */
static void note(const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  print_error("%s\n", text);
  wrong++;
}

static int count_after(void **state) {
  (void)state;
  assert_int_equal(ops_published_by_failure, 0);
  if (!wrong && !mx_error() && mxi_live_nodes() == live_before && mx_memory_info().active == active_before) return 0;
  print_error("%lld nodes leaked; %s\n", (long long)(mxi_live_nodes() - live_before), mx_error_message());
  mx_error_clear();
  return 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, count_before, count_after)

/* ---- Every operation with every operand spoiled ------------------------------------------------------------------ */
static void missing_operands_are_named(void **state) {
  (void)state;
  for (size_t i = 0; i < ops_call_count; i++)
    for (int k = 0; k < OPS_OPERANDS; k++) {
      if (k == OPS_K || k == OPS_W || !ops_reads(&ops_calls[i], k)) continue;
      mx_array o[OPS_OPERANDS];
      char message[512], name[80];
      mx_scope s = mx_scope_begin();
      ops_operands(o);
      o[k] = NULL;
      mx_array a = ops_calls[i].run(o);
      mx_status code = mx_error_take(message, sizeof message);
      mx_scope_end(s);
      if (!strncmp(ops_calls[i].name, "random_normal_scaled", 20)) continue; /* NULL stands for 0 and 1 */
      if (!strcmp(ops_calls[i].name, "nan_to_num") && k == OPS_X) continue;  /* and for the default */
      if (!strcmp(ops_calls[i].name, "clip") && k != OPS_A) continue;        /* and for no bound */
      snprintf(name, sizeof name, "[%s] argument `", ops_calls[i].name);
      if (a || code != MX_ERR_VALUE) note("%s takes a missing operand: %d %s", ops_calls[i].uses, code, message);
      bool inner = strstr(ops_calls[i].uses + 4, "mx_") && message[0] == '['; /* a call within the call */
      if (strncmp(message, name, strlen(name)) && !inner) note("%s: %s", ops_calls[i].uses, message);
    }
}

enum { SPOILED = 14 };

/* Another operand in place of one: of any rank, size, dtype and value. */
static mx_array spoiled(int which) {
  static const int64_t many[64] = {[0 ... 63] = 1};
  switch (which) {
    case 0: return mx_f32(2);
    case 1: return mx_zeros(MX_INTS(0), MX_FLOAT32);
    case 2: return mx_ones(MX_INTS(5), MX_FLOAT32);
    case 3: return mx_ones(MX_INTS(2, 3, 4, 1, 2), MX_FLOAT32);
    case 4: return mx_ones((mx_ints){many, 64}, MX_FLOAT32);
    case 5: return mx_ones(MX_INTS(3, 4), MX_BOOL);
    case 6: return mx_ones(MX_INTS(3, 4), MX_COMPLEX64);
    case 7: return mx_ones(MX_INTS(3, 4), MX_UINT64);
    case 8: return mx_full(MX_INTS(3, 4), mx_scalar_f(NAN), MX_FLOAT32);
    case 9: return mx_full(MX_INTS(3, 4), mx_scalar_i(INT64_MIN), MX_INT64);
    case 10: return mx_full(MX_INTS(3, 2), mx_scalar_f(INFINITY), MX_FLOAT64);
    case 11: return mx_zeros(MX_INTS(0, 4), MX_INT32);
    case 12: return mx_full(MX_INTS(2), mx_scalar_i(1 << 30), MX_INT32);
    default: return mx_scalar_i(INT64_MAX);
  }
}

static void check_spoiled(const struct ops_call *call, int operand, int which) {
  char message[512];
  mx_array o[OPS_OPERANDS];
  mx_scope s = mx_scope_begin();
  ops_operands(o);
  o[operand] = spoiled(which);
  mx_array a = call->run(o);
  if (!a && !mx_error() && !strcmp(call->name, "unstack")) a = o[OPS_A]; /* there may be no third part */
  if (!a && !mx_error()) note("%s with operand %d as %d: no result, no error", call->uses, operand, which);
  if (a && mx_error()) note("%s with operand %d as %d: result and error", call->uses, operand, which);
  const void *p = a ? mx_data(a) : NULL;
  mx_status code = mx_error_take(message, sizeof message);
  if (!p != !!code) note("%s with operand %d as %d: %d", call->uses, operand, which, code);
  if (code == MX_ERR_MEMORY) note("%s with operand %d as %d: %s", call->uses, operand, which, message);
  if (code && message[0] != '[') note("%s with operand %d as %d: %s", call->uses, operand, which, message);
  mx_scope_end(s);
}

static void spoiled_operands_do_no_harm(void **state) {
  (void)state;
  for (size_t i = 0; i < ops_call_count; i++)
    for (int k = 0; k < OPS_OPERANDS; k++)
      for (int which = 0; which < SPOILED; which++)
        if (ops_reads(&ops_calls[i], k)) check_spoiled(&ops_calls[i], k, which);
}

static void all_operations_are_in_the_table(void **state) {
  (void)state;
  FILE *f = fopen(MICA_SOURCE_DIR "/include/mica/ops.h", "r");
  char line[512], name[80];
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    char *p = strncmp(line, "MX_API ", 7) ? NULL : strstr(line, " mx_");
    while (p && (sscanf(p, " mx_%79[a-z0-9_](", name) != 1 || !strchr(p, '(') || strchr(p + 1, ' ') < strchr(p, '('))) p = strstr(p + 1, " mx_");
    bool found = !p;
    for (size_t i = 0; i < ops_call_count && !found; i++) found = !strcmp(name, ops_calls[i].name);
    if (!found) note("mx_%s is missing in ops_calls.def", name);
  }
  fclose(f);
}

/* ---- Axes, shapes, sizes ----------------------------------------------------------------------------------------- */
#define REFUSED(name, code, call) refused("[" name "]", code, (call) != 0, #call)

static void refused(const char *who, mx_status code, bool result, const char *text) {
  char message[512];
  mx_status got = mx_error_take(message, sizeof message);
  if (result && got == MX_OK)
    note("%s is accepted", text);
  else if (got != code)
    note("%s: error %d, not %d: %s", text, got, code, message);
  else if (strncmp(message, who, strlen(who)))
    note("%s: \"%s\" does not begin with %s", text, message, who);
}

static void axes_out_of_range(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32), out[8], i = mx_zeros(MX_INTS(3, 4), MX_INT32);
  static const int axes[] = {2, -3, 64, INT_MAX, INT_MIN};
  for (size_t k = 0; k < sizeof axes / sizeof *axes; k++) {
    int axis = axes[k];
    REFUSED("sum", MX_ERR_VALUE, mx_sum(a, MX_INTS(axis), false));
    REFUSED("mean", MX_ERR_VALUE, mx_mean(a, MX_INTS(axis), false));
    REFUSED("softmax", MX_ERR_VALUE, mx_softmax(a, MX_INTS(axis), false));
    REFUSED("argmax", MX_ERR_VALUE, mx_argmax(a, axis, false));
    REFUSED("cumsum", MX_ERR_VALUE, mx_cumsum(a, axis, false, true));
    REFUSED("sort", MX_ERR_VALUE, mx_sort(a, axis));
    REFUSED("argsort", MX_ERR_VALUE, mx_argsort(a, axis));
    REFUSED("partition", MX_ERR_VALUE, mx_partition(a, 0, axis));
    REFUSED("topk", MX_ERR_VALUE, mx_topk(a, 1, axis));
    REFUSED("take", MX_ERR_VALUE, mx_take(a, mx_i32(0), axis));
    REFUSED("take_along_axis", MX_ERR_VALUE, mx_take_along_axis(a, i, axis));
    REFUSED("put_along_axis", MX_ERR_VALUE, mx_put_along_axis(a, i, a, axis));
    REFUSED("scatter_add_axis", MX_ERR_VALUE, mx_scatter_add_axis(a, i, a, axis));
    REFUSED("concatenate", MX_ERR_VALUE, mx_concatenate(&a, 1, axis));
    REFUSED("split", MX_ERR_VALUE, mx_split(a, 1, axis, out));
    REFUSED("unstack", MX_ERR_VALUE, mx_unstack(a, axis, out));
    REFUSED("repeat", MX_ERR_VALUE, mx_repeat(a, 1, axis));
    REFUSED("squeeze", MX_ERR_VALUE, mx_squeeze(a, MX_INTS(axis)));
    REFUSED("swapaxes", MX_ERR_VALUE, mx_swapaxes(a, 0, axis));
    REFUSED("moveaxis", MX_ERR_VALUE, mx_moveaxis(a, axis, 0));
    REFUSED("flip", MX_ERR_VALUE, mx_flip(a, MX_INTS(axis)));
    REFUSED("roll", MX_ERR_VALUE, mx_roll(a, MX_INTS(1), MX_INTS(axis)));
    REFUSED("diagonal", MX_ERR_VALUE, mx_diagonal(a, 0, 0, axis));
    REFUSED("unflatten", MX_ERR_VALUE, mx_unflatten(a, axis, MX_INTS(2, 2)));
    REFUSED("random_categorical", MX_ERR_VALUE, mx_random_categorical(a, axis, mx_random_key(1)));
    REFUSED("random_permutation", MX_ERR_VALUE, mx_random_permutation(a, axis, mx_random_key(1)));
  }
  mx_scope_end(s);
}

static void axes_named_twice(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32);
  REFUSED("sum", MX_ERR_VALUE, mx_sum(a, MX_INTS(0, 0), false));
  REFUSED("max", MX_ERR_VALUE, mx_max(a, MX_INTS(1, -1), false));
  REFUSED("transpose", MX_ERR_VALUE, mx_transpose(a, MX_INTS(0, 0)));
  REFUSED("transpose", MX_ERR_VALUE, mx_transpose(a, MX_INTS(0)));
  REFUSED("expand_dims", MX_ERR_VALUE, mx_expand_dims(a, MX_INTS(0, 0)));
  REFUSED("expand_dims", MX_ERR_VALUE, mx_expand_dims(a, MX_INTS(7)));
  REFUSED("squeeze", MX_ERR_VALUE, mx_squeeze(mx_ones(MX_INTS(1, 1), MX_FLOAT32), MX_INTS(0, -2)));
  REFUSED("diagonal", MX_ERR_VALUE, mx_diagonal(a, 0, 1, 1));
  mx_scope_end(s);
}

#define BIG (INT64_C(1) << 40)

static void sizes_that_cannot_be(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f32(1), key = mx_random_key(1);
  static const int64_t shapes[][2] = {{-1, 3}, {INT64_MIN, 1}, {BIG, BIG}, {INT64_MAX, INT64_MAX}, {INT64_MAX, 8}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const mx_ints shape = {shapes[i], 2};
    REFUSED("zeros", MX_ERR_SHAPE, mx_zeros(shape, MX_FLOAT32));
    REFUSED("ones", MX_ERR_SHAPE, mx_ones(shape, MX_FLOAT32));
    REFUSED("full", MX_ERR_SHAPE, mx_full(shape, x, MX_FLOAT32));
    REFUSED("broadcast_to", MX_ERR_SHAPE, mx_broadcast_to(x, shape));
    REFUSED("random_normal", MX_ERR_SHAPE, mx_random_normal(shape, MX_FLOAT32, 0, 1, key));
    REFUSED("random_uniform", MX_ERR_SHAPE, mx_random_uniform(x, x, shape, MX_FLOAT32, key));
    REFUSED("random_bits", MX_ERR_SHAPE, mx_random_bits(shape, 4, key));
    REFUSED("from_data", MX_ERR_SHAPE, mx_from_data(&x, shape, MX_FLOAT32));
    REFUSED("eye", MX_ERR_SHAPE, mx_eye(shapes[i][0], shapes[i][1], 0, MX_FLOAT64));
    if (shapes[i][0] > 0) REFUSED("tri", MX_ERR_SHAPE, mx_tri(shapes[i][0], shapes[i][1], 0, MX_FLOAT64));
  }
  REFUSED("reshape", MX_ERR_SHAPE, mx_reshape(mx_ones(MX_INTS(6), MX_FLOAT32), MX_INTS(4, -1)));
  REFUSED("reshape", MX_ERR_SHAPE, mx_reshape(mx_ones(MX_INTS(6), MX_FLOAT32), MX_INTS(-1, -1)));
  REFUSED("reshape", MX_ERR_SHAPE, mx_reshape(mx_ones(MX_INTS(6), MX_FLOAT32), MX_INTS(BIG, BIG)));
  REFUSED("random_split", MX_ERR_SHAPE, mx_random_split(key, -1));
  REFUSED("random_permutation_of", MX_ERR_SHAPE, mx_random_permutation_of(-5, key));
  REFUSED("hanning", MX_ERR_SHAPE, mx_hanning(INT64_MAX));
  REFUSED("linspace", MX_ERR_SHAPE, mx_linspace(0, 1, -1, true, MX_FLOAT32));
  REFUSED("eye", MX_ERR_SHAPE, mx_identity(BIG, MX_FLOAT64));
  mx_scope_end(s);
}

static void numbers_that_cannot_be(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32), out[8];
  REFUSED("arange", MX_ERR_VALUE, mx_arange(0, 1, 0, MX_FLOAT32));
  REFUSED("arange", MX_ERR_VALUE, mx_arange(0, INFINITY, 1, MX_FLOAT32));
  REFUSED("arange", MX_ERR_VALUE, mx_arange(0, NAN, 1, MX_FLOAT32));
  REFUSED("arange", MX_ERR_VALUE, mx_arange_i(0, 5, 0, MX_INT32));
  REFUSED("split", MX_ERR_VALUE, mx_split(a, 3, 1, out));
  REFUSED("split", MX_ERR_VALUE, mx_split(a, 0, 1, out));
  REFUSED("split", MX_ERR_VALUE, mx_split(a, -1, 1, out));
  REFUSED("repeat", MX_ERR_VALUE, mx_repeat(a, -1, 0));
  REFUSED("partition", MX_ERR_VALUE, mx_partition(a, 4, 1));
  REFUSED("topk", MX_ERR_VALUE, mx_topk(a, 5, 1));
  REFUSED("topk", MX_ERR_VALUE, mx_topk(a, -1, 1));
  REFUSED("random_bits", MX_ERR_VALUE, mx_random_bits(MX_INTS(2), 3, mx_random_key(1)));
  REFUSED("slice", MX_ERR_VALUE, mx_slice(a, MX_INTS(0, 0), MX_INTS(3, 4), MX_INTS(1, 0)));
  REFUSED("slice", MX_ERR_VALUE, mx_slice(a, MX_INTS(0), MX_INTS(3, 4), MX_INTS(1, 1)));
  REFUSED("linalg_norm", MX_ERR_VALUE, mx_linalg_norm_matrix(a, "what", MX_INTS(0, 1), false));
  REFUSED("einsum", MX_ERR_VALUE, mx_einsum("ij,->", &a, 1));
  REFUSED("stack", MX_ERR_VALUE, mx_stack(NULL, 0, 0));
  REFUSED("concatenate", MX_ERR_VALUE, mx_concatenate(NULL, 0, 0));
  REFUSED("flatten", MX_ERR_VALUE, mx_flatten(a, 1, 0));
  REFUSED("take", MX_ERR_INDEX, mx_take(a, mx_scalar_i(3), 0));
  mx_array lazily = mx_take(a, mx_from_data((int32_t[]){-4}, MX_INTS(1), MX_INT32), 0);
  REFUSED("gather", MX_ERR_INDEX, mx_data(lazily)); /* the operation that runs */
  mx_scope_end(s);
}

static void dtypes_that_cannot_be(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32), i = mx_ones(MX_INTS(3, 4), MX_INT32), c = mx_ones(MX_INTS(3, 4), MX_COMPLEX64);
  const mx_dtype wrong[] = {(mx_dtype)14, (mx_dtype)-1, (mx_dtype)255};
  for (size_t k = 0; k < 3; k++) {
    REFUSED("astype", MX_ERR_DTYPE, mx_astype(a, wrong[k]));
    REFUSED("view", MX_ERR_DTYPE, mx_view(a, wrong[k]));
    REFUSED("zeros", MX_ERR_DTYPE, mx_zeros(MX_INTS(2), wrong[k]));
    REFUSED("full", MX_ERR_DTYPE, mx_full(MX_INTS(2), a, wrong[k]));
    REFUSED("arange", MX_ERR_DTYPE, mx_arange(0, 3, 1, wrong[k]));
    REFUSED("eye", MX_ERR_DTYPE, mx_eye(2, 2, 0, wrong[k]));
    REFUSED("linspace", MX_ERR_DTYPE, mx_linspace(0, 1, 3, true, wrong[k]));
    REFUSED("random_normal", MX_ERR_DTYPE, mx_random_normal(MX_INTS(2), wrong[k], 0, 1, mx_random_key(1)));
    REFUSED("random_uniform", MX_ERR_DTYPE, mx_random_uniform(mx_f32(0), mx_f32(1), MX_INTS(2), wrong[k], mx_random_key(1)));
    REFUSED("random_randint", MX_ERR_DTYPE, mx_random_randint(mx_i32(0), mx_i32(1), MX_INTS(2), wrong[k], mx_random_key(1)));
    REFUSED("from_fp8", MX_ERR_DTYPE, mx_from_fp8(mx_zeros(MX_INTS(2), MX_UINT8), wrong[k]));
  }
  REFUSED("matmul", MX_ERR_DTYPE, mx_matmul(i, mx_transpose(i, MX_ALL)));
  REFUSED("bitwise_and", MX_ERR_DTYPE, mx_bitwise_and(a, a));
  REFUSED("left_shift", MX_ERR_DTYPE, mx_left_shift(a, i));
  REFUSED("erf", MX_ERR_DTYPE, mx_erf(c));
  REFUSED("floor", MX_ERR_DTYPE, mx_floor(c));
  REFUSED("take", MX_ERR_DTYPE, mx_take(a, a, 0));
  REFUSED("random_uniform", MX_ERR_DTYPE, mx_random_uniform(mx_f32(0), mx_f32(1), MX_INTS(2), MX_INT32, mx_random_key(1)));
  mx_scope_end(s);
}

static void shapes_that_do_not_fit(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32), b = mx_ones(MX_INTS(3, 5), MX_FLOAT32), pair[2] = {a, b};
  REFUSED("add", MX_ERR_SHAPE, mx_add(a, b));
  REFUSED("where", MX_ERR_SHAPE, mx_where(a, a, b));
  REFUSED("matmul", MX_ERR_SHAPE, mx_matmul(a, b));
  REFUSED("matmul", MX_ERR_SHAPE, mx_matmul(a, mx_f32(1)));
  REFUSED("inner", MX_ERR_SHAPE, mx_inner(a, b));
  REFUSED("concatenate", MX_ERR_SHAPE, mx_concatenate(pair, 2, 0));
  REFUSED("stack", MX_ERR_SHAPE, mx_stack(pair, 2, 0));
  REFUSED("broadcast_to", MX_ERR_SHAPE, mx_broadcast_to(a, MX_INTS(4, 3)));
  REFUSED("slice_update", MX_ERR_SHAPE, mx_slice_update(a, b, MX_INTS(0, 0), MX_INTS(3, 4), MX_INTS(1, 1)));
  REFUSED("linalg_inv", MX_ERR_SHAPE, mx_linalg_inv(a));
  REFUSED("linalg_cholesky", MX_ERR_SHAPE, mx_linalg_cholesky(a, false));
  REFUSED("linalg_solve", MX_ERR_SHAPE, mx_linalg_solve(a, b));
  mx_scope_end(s);
}

/* ---- Sizes beyond 2^31, of which only a little is touched -------------------------------------------------------- */
static void more_than_2_to_the_31(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array wide = mx_broadcast_to(mx_f32(3), MX_INTS(INT64_C(3) << 31, 2));
  assert_true(mx_size(wide) == INT64_C(3) << 32);
  mx_array end = mx_slice(wide, MX_INTS((INT64_C(3) << 31) - 2, 0), MX_INTS(INT64_C(3) << 31, 2), MX_INTS(1, 1));
  assert_true(mx_item_f32(mx_sum(end, MX_ALL, false)) == 12);
  mx_array far = mx_take(wide, mx_i64((INT64_C(3) << 31) - 1), 0);
  assert_true(mx_item_f32(mx_sum(far, MX_ALL, false)) == 6);
  assert_true(mx_item_i64(mx_arange_i(INT64_C(1) << 40, (INT64_C(1) << 40) + 1, 1, MX_INT64)) == INT64_C(1) << 40);
  mx_memory_limit(1 << 24);
  assert_null(mx_data(mx_add(wide, wide)));
  assert_int_equal(mx_error(), MX_ERR_MEMORY);
  mx_error_clear();
  assert_null(mx_data(mx_zeros(MX_INTS(BIG), MX_INT8)));
  assert_int_equal(mx_error(), MX_ERR_MEMORY);
  mx_error_clear();
  mx_memory_limit(0);
  mx_scope_end(s);
}

static void missing_lists_and_closures(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_ones(MX_INTS(3, 4), MX_FLOAT32), none[2] = {NULL, NULL};
  const mx_ints broken = {NULL, 2};
  REFUSED("concatenate", MX_ERR_VALUE, mx_concatenate(none, 2, 0));
  REFUSED("stack", MX_ERR_VALUE, mx_stack(none, 2, 0));
  REFUSED("split", MX_ERR_VALUE, mx_split(a, 2, 1, NULL));
  REFUSED("unstack", MX_ERR_VALUE, mx_unstack(a, 0, NULL));
  REFUSED("divmod", MX_ERR_VALUE, mx_divmod(a, a, NULL));
  REFUSED("minmax", MX_ERR_VALUE, mx_minmax(a, MX_ALL, false, NULL));
  REFUSED("meshgrid", MX_ERR_VALUE, mx_meshgrid(none, 2, false, true, none));
  REFUSED("sum", MX_ERR_VALUE, mx_sum(a, broken, false));
  REFUSED("eval", MX_ERR_VALUE, mx_eval_all(none, 2));
  REFUSED("async_eval", MX_ERR_VALUE, mx_async_eval(none, 2));
  REFUSED("einsum", MX_ERR_VALUE, mx_einsum(NULL, &a, 1));
  REFUSED("save", MX_ERR_VALUE, mx_save(NULL, a));
  REFUSED("load", MX_ERR_VALUE, mx_load(NULL));
  REFUSED("load", MX_ERR_IO, mx_load("/nonexistent/file.npy"));
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(missing_operands_are_named), TEST(spoiled_operands_do_no_harm), TEST(all_operations_are_in_the_table),
      TEST(axes_out_of_range),          TEST(axes_named_twice),            TEST(sizes_that_cannot_be),
      TEST(numbers_that_cannot_be),     TEST(dtypes_that_cannot_be),       TEST(shapes_that_do_not_fit),
      TEST(more_than_2_to_the_31),      TEST(missing_lists_and_closures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

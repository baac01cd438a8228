/* Saving, loading and printing arrays through the public functions. What files look like inside is tested in t_io.c and
 * t_zip.c, what texts look like in t_format.c. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <mica.h>

#include "base/memory.h"

static char folder[200], npy[240], npz[240];

static int make_folder(void **state) {
  (void)state;
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/mica-test-XXXXXX", parent ? parent : P_tmpdir);
  if (!mkdtemp(folder)) return -1;
  snprintf(npy, sizeof npy, "%s/a.npy", folder);
  snprintf(npz, sizeof npz, "%s/a.npz", folder);
  return 0;
}

/* Fails when something else was left there. */
static int remove_folder(void **state) {
  (void)state;
  unlink(npy);
  unlink(npz);
  return rmdir(folder);
}

static mx_scope scope;

static int open_scope(void **state) {
  (void)state;
  mx_error_clear();
  scope = mx_scope_begin();
  return 0;
}

static int close_scope(void **state) {
  (void)state;
  mx_scope_end(scope);
  mx_error_clear();
  return 0;
}

static void assert_error(mx_status code, const char *words) {
  char message[512];
  mx_status got = mx_error_take(message, sizeof message);
  if (got != code || !strstr(message, words)) fail_msg("status %d: %s", got, message);
}

static void assert_same(mx_array a, mx_array b) {
  assert_int_equal(mx_dtype_of(a), mx_dtype_of(b));
  assert_int_equal(mx_ndim(a), mx_ndim(b));
  for (int i = 0; i < mx_ndim(a); i++) assert_int_equal(mx_dim(a, i), mx_dim(b, i));
  const void *p = mx_data(a), *q = mx_data(b);
  assert_non_null(p);
  assert_non_null(q);
  assert_memory_equal(p, q, mx_nbytes(a));
}

static mx_array example(mx_dtype dtype) {
  static uint64_t bytes[24];
  unsigned char *p = (unsigned char *)bytes;
  for (size_t i = 0; i < sizeof bytes; i++) p[i] = (unsigned char)(dtype == MX_BOOL ? i % 3 == 0 : i * 89 + 7);
  return mx_from_data(bytes, MX_SHAPE(2, 3, 4), dtype);
}

static void every_dtype_is_saved_and_loaded(void **state) {
  (void)state;
  for (int t = MX_BOOL; t <= MX_COMPLEX64; t++) {
    mx_array a = example((mx_dtype)t);
    assert_int_equal(mx_save(npy, a), MX_OK);
    mx_array b = mx_load(npy);
    assert_false(mx_is_evaluated(b));
    assert_same(a, b);
  }
}

static void shapes_without_elements_or_axes_are_kept(void **state) {
  (void)state;
  mx_array scalar = mx_f64(1.25), empty = mx_from_data(NULL, MX_SHAPE(3, 0, 2), MX_INT16);
  assert_int_equal(mx_save(npy, scalar), MX_OK);
  assert_same(scalar, mx_load(npy));
  assert_int_equal(mx_save(npy, empty), MX_OK);
  assert_same(empty, mx_load(npy));
}

static void views_are_saved_row_major(void **state) {
  (void)state;
  mx_array t = mx_transpose(example(MX_INT32), MX_INTS(2, 0, 1));
  assert_int_equal(mx_save(npy, t), MX_OK);
  assert_same(t, mx_load(npy));
}

static void write_bytes(const char *path, const void *data, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, n, f), n);
  fclose(f);
}

/* numpy.asfortranarray([[0, 1, 2], [3, 4, 5]]) as uint8, written by hand. */
static void fortran_order_is_a_transposed_view(void **state) {
  (void)state;
  static const char file[] =
      "\x93NUMPY\1\0\x40\0{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }     \n\0\3\1\4\2\5";
  write_bytes(npy, file, sizeof file - 1);
  mx_array a = mx_load(npy);
  assert_int_equal(mx_dim(a, 0), 2);
  assert_int_equal(mx_dim(a, 1), 3);
  const unsigned char *p = mx_data(a);
  assert_non_null(p);
  assert_memory_equal(p, "\0\1\2\3\4\5", 6);
}

static void what_was_opened_is_what_is_read(void **state) {
  (void)state;
  mx_array a = example(MX_FLOAT32);
  assert_int_equal(mx_save(npy, a), MX_OK);
  mx_array b = mx_load(npy);
  assert_int_equal(mx_save(npy, mx_i32(7)), MX_OK);
  assert_same(a, b);
  unlink(npy);
}

static void saving_over_what_is_loaded_works(void **state) {
  (void)state;
  assert_int_equal(mx_save(npy, mx_i32(20)), MX_OK);
  mx_array b = mx_add(mx_load(npy), mx_i32(1));
  assert_int_equal(mx_save(npy, b), MX_OK);
  assert_int_equal(mx_item_i64(mx_load(npy)), 21);
}

static void two_loads_are_two_arrays(void **state) {
  (void)state;
  assert_int_equal(mx_save(npy, mx_i32(1)), MX_OK);
  mx_array a = mx_load(npy), first = mx_load(npy);
  assert_int_equal(mx_save(npy, mx_i32(10)), MX_OK);
  mx_array b = mx_load(npy), sum = NULL;
  mx_scope s = mx_scope_begin();
  mx_set(&sum, mx_add(mx_add(a, mx_multiply(b, b)), first));
  mx_scope_end(s);
  assert_int_equal(mx_item_i64(sum), 102);
  mx_clear(&sum);
}

static void a_file_cut_after_loading_fails_when_read(void **state) {
  (void)state;
  assert_int_equal(mx_save(npy, example(MX_FLOAT64)), MX_OK);
  mx_array a = mx_load(npy), sum = mx_add(a, a);
  assert_int_equal(truncate(npy, 130), 0);
  assert_int_equal(mx_eval(sum), MX_ERR_IO);
  assert_error(MX_ERR_IO, "a.npy: truncated");
  assert_null(mx_data(a));
  assert_error(MX_ERR_IO, "[load] ");
}

static void headers_fail_at_once(void **state) {
  (void)state;
  assert_null(mx_load("/no/such/file.npy"));
  assert_error(MX_ERR_IO, "[load] /no/such/file.npy: cannot open: no such file or directory");
  write_bytes(npy, "garbage, and more of it", 23);
  assert_null(mx_load(npy));
  assert_error(MX_ERR_IO, "not an .npy file");
  assert_null(mx_load(NULL));
  assert_error(MX_ERR_VALUE, "`path` is NULL");
}

/* ---- Archives ---------------------------------------------------------------------------------------------------- */
static const char *const names[] = {"layers.0.weight", "b", "\xc3\xa9"};

static void named_arrays_are_saved_and_loaded(void **state) {
  (void)state;
  mx_array saved[] = {example(MX_BFLOAT16), mx_from_data(NULL, MX_SHAPE(0), MX_BOOL),
                      mx_multiply(mx_f32(2), mx_f32(3))};
  mx_array loaded[3] = {NULL}, last = NULL;
  assert_int_equal(mx_save_named(npz, names, saved, 3), MX_OK);
  assert_int_equal(mx_load_named(npz, names, loaded, 3), MX_OK);
  for (int i = 0; i < 3; i++) assert_same(saved[i], loaded[i]);
  assert_int_equal(mx_load_named(npz, &names[2], &last, 1), MX_OK);
  assert_float_equal(mx_item_f32(last), 6, 0);
  assert_int_equal(mx_save_named(npz, NULL, NULL, 0), MX_OK);
  assert_int_equal(mx_load_named(npz, NULL, NULL, 0), MX_OK);
}

static void results_belong_to_the_open_scope(void **state) {
  (void)state;
  mx_array a = mx_i32(5), out = NULL;
  assert_int_equal(mx_save_named(npz, names, &a, 1), MX_OK);
  mx_scope s = mx_scope_begin();
  assert_int_equal(mx_load_named(npz, names, &out, 1), MX_OK);
  mx_retain(out);
  mx_scope_end(s);
  assert_int_equal(mx_item_i64(out), 5);
  mx_release(out);
}

static void failures_leave_outputs_alone(void **state) {
  (void)state;
  const char *const asked[] = {"b", "nothing"};
  mx_array saved[] = {mx_i32(1), mx_i32(2), mx_i32(3)}, mine = mx_i32(9), out[] = {mine, mine};
  assert_int_equal(mx_save_named(npz, names, saved, 3), MX_OK);
  assert_int_equal(mx_load_named(npz, asked, out, 2), MX_ERR_VALUE);
  assert_error(MX_ERR_VALUE, "there is no array 'nothing'; there are: layers.0.weight, b, \xc3\xa9");
  assert_ptr_equal(out[0], mine);
  assert_ptr_equal(out[1], mine);
}

static void the_wrong_kind_of_file_is_said_so(void **state) {
  (void)state;
  mx_array a = mx_i32(1), out = NULL;
  assert_int_equal(mx_save_named(npz, names, &a, 1), MX_OK);
  assert_null(mx_load(npz));
  assert_error(MX_ERR_IO, "mx_load_named reads it");
  assert_int_equal(mx_save(npy, a), MX_OK);
  assert_int_equal(mx_load_named(npy, names, &out, 1), MX_ERR_IO);
  assert_error(MX_ERR_IO, "not a zip archive");
}

static void bad_arguments_are_refused_before_writing(void **state) {
  (void)state;
  const char *const twice[] = {"x", "y", "x"};
  mx_array a[] = {mx_i32(1), mx_i32(2), mx_i32(3)}, holed[] = {a[0], NULL};
  unlink(npz);
  mx_save_named(npz, twice, a, 3);
  assert_error(MX_ERR_VALUE, "two arrays are called 'x'");
  mx_save_named(npz, names, holed, 2);
  assert_error(MX_ERR_VALUE, "`arrays[i]` is NULL");
  mx_save_named(NULL, names, a, 3);
  assert_error(MX_ERR_VALUE, "`path` is NULL");
  mx_save(npz, NULL);
  assert_error(MX_ERR_VALUE, "`a` is NULL");
  assert_int_equal(access(npz, F_OK), -1);
  mx_save("/no/such/folder/a.npy", a[0]);
  assert_error(MX_ERR_IO, "[save] /no/such/folder/a.npy: cannot write: no such file or directory");
}

static void nothing_happens_while_an_error_is_pending(void **state) {
  (void)state;
  mx_array a = mx_i32(1), out = NULL;
  assert_int_equal(mx_save(npy, a), MX_OK);
  assert_int_equal(mx_save_named(npz, names, &a, 1), MX_OK);
  mx_raise(MX_ERR_STATE, "mine");
  assert_null(mx_load(npy));
  assert_int_equal(mx_load_named(npz, names, &out, 1), MX_ERR_STATE);
  assert_null(out);
  unlink(npy);
  unlink(npz);
  assert_int_equal(mx_save(npy, a), MX_ERR_STATE);
  assert_int_equal(mx_save_named(npz, names, &a, 1), MX_ERR_STATE);
  assert_int_equal(mx_format(a, NULL, 0), 0);
  assert_int_equal(access(npy, F_OK), -1);
  assert_int_equal(access(npz, F_OK), -1);
  assert_error(MX_ERR_STATE, "mine");
}

/* A value that cannot be computed is not saved, and the old file stays. */
static void what_fails_to_evaluate_is_not_saved(void **state) {
  (void)state;
  assert_int_equal(mx_save(npy, example(MX_FLOAT64)), MX_OK);
  mx_array broken = mx_load(npy), list[] = {mx_i32(1), broken};
  assert_int_equal(truncate(npy, 130), 0);
  assert_int_equal(mx_save_named(npz, names, list, 1), MX_OK);
  assert_int_equal(mx_save_named(npz, names, list, 2), MX_ERR_IO);
  mx_error_clear();
  mx_array out = NULL;
  assert_int_equal(mx_load_named(npz, names, &out, 1), MX_OK);
  assert_int_equal(mx_item_i64(out), 1);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */
static mx_status round_trip(void) {
  mx_scope s = mx_scope_begin();
  mx_array a = example(MX_INT64), loaded = NULL;
  mx_save(npy, mx_transpose(a, MX_ALL));
  mx_eval(mx_load(npy));
  mx_save_named(npz, names, &a, 1);
  mx_load_named(npz, names, &loaded, 1);
  mx_status st = mx_eval(loaded);
  mx_scope_end(s);
  return st;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  for (int64_t n = 1;; n++) {
    mxi_memory_fail_at(n);
    mx_status st = round_trip();
    bool reached = mxi_memory_count() >= n;
    mxi_memory_fail_at(0);
    if (!reached) {
      assert_int_equal(st, MX_OK);
      break;
    }
    if (st) assert_error(MX_ERR_MEMORY, "memory");
    assert_int_equal(round_trip(), MX_OK);
  }
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */
static void arrays_print_as_values(void **state) {
  (void)state;
  char b[100];
  const int32_t v[] = {1, 2, 3, 4};
  mx_array a = mx_from_data(v, MX_SHAPE(2, 2), MX_INT32);
  const char *expected = "array([[1, 3],\n       [2, 4]], dtype=int32)";
  assert_int_equal(mx_format(mx_transpose(a, MX_ALL), b, sizeof b), strlen(expected));
  assert_string_equal(b, expected);
  assert_int_equal(mx_format(mx_transpose(a, MX_ALL), NULL, 0), strlen(expected));
  assert_int_equal(mx_format(a, NULL, sizeof b), strlen(expected));
  assert_int_equal(mx_format(mx_scalar_f(0.5), b, sizeof b), strlen("array(0.5, dtype=float32)"));
  assert_string_equal(b, "array(0.5, dtype=float32)");
  assert_int_equal(mx_format(a, b, 6), strlen(expected));
  assert_string_equal(b, "array");
  assert_int_equal(mx_format(NULL, b, sizeof b), 0);
  assert_string_equal(b, "");
  assert_error(MX_ERR_VALUE, "`a` is NULL");
}

#define SCOPED(test) cmocka_unit_test_setup_teardown(test, open_scope, close_scope)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCOPED(every_dtype_is_saved_and_loaded),
      SCOPED(shapes_without_elements_or_axes_are_kept),
      SCOPED(views_are_saved_row_major),
      SCOPED(fortran_order_is_a_transposed_view),
      SCOPED(what_was_opened_is_what_is_read),
      SCOPED(saving_over_what_is_loaded_works),
      SCOPED(two_loads_are_two_arrays),
      SCOPED(a_file_cut_after_loading_fails_when_read),
      SCOPED(headers_fail_at_once),
      SCOPED(named_arrays_are_saved_and_loaded),
      SCOPED(results_belong_to_the_open_scope),
      SCOPED(failures_leave_outputs_alone),
      SCOPED(the_wrong_kind_of_file_is_said_so),
      SCOPED(bad_arguments_are_refused_before_writing),
      SCOPED(nothing_happens_while_an_error_is_pending),
      SCOPED(what_fails_to_evaluate_is_not_saved),
      SCOPED(any_allocation_may_fail),
      SCOPED(arrays_print_as_values),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

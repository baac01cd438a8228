/* Text of arrays and numbers. Expected texts of arrays were printed by released MLX 0.32.4; numbers are compared with
 * the C library's printf in the C locale, and checked not to move with the locale or the rounding mode. */
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/node.h"
#include "io/format.h"

static char text[1 << 16];

static const char *format(mx_dtype dtype, int ndim, const int64_t *shape, const void *data) {
  struct mxi_text t = {text, sizeof text, 0};
  mxi_text_array(&t, dtype, ndim, shape, data, MXI_PRECISION_DEFAULT);
  mxi_text_end(&t);
  assert_int_equal(t.length, strlen(text));
  return text;
}

static const char *number(double v, int precision) {
  struct mxi_text t = {text, sizeof text, 0};
  mxi_text_double(&t, v, precision);
  mxi_text_end(&t);
  return text;
}

#define SHAPE(...) \
  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]) { __VA_ARGS__ }

static void scalars_have_no_brackets(void **state) {
  (void)state;
  assert_string_equal(format(MX_FLOAT32, 0, NULL, (float[]){1.5f}), "array(1.5, dtype=float32)");
  assert_string_equal(format(MX_BOOL, 0, NULL, (uint8_t[]){1}), "array(True, dtype=bool)");
  assert_string_equal(format(MX_COMPLEX64, 0, NULL, (float[]){1, 2}), "array(1+2j, dtype=complex64)");
}

static void every_dtype_prints(void **state) {
  (void)state;
  assert_string_equal(format(MX_BOOL, SHAPE(2), (uint8_t[]){1, 0}), "array([True, False], dtype=bool)");
  assert_string_equal(format(MX_UINT8, SHAPE(2), (uint8_t[]){0, 255}), "array([0, 255], dtype=uint8)");
  assert_string_equal(format(MX_INT8, SHAPE(2), (int8_t[]){-128, 65}), "array([-128, 65], dtype=int8)");
  assert_string_equal(format(MX_UINT16, SHAPE(1), (uint16_t[]){65535}), "array([65535], dtype=uint16)");
  assert_string_equal(format(MX_INT16, SHAPE(1), (int16_t[]){-32768}), "array([-32768], dtype=int16)");
  assert_string_equal(format(MX_UINT32, SHAPE(1), (uint32_t[]){4294967295u}), "array([4294967295], dtype=uint32)");
  assert_string_equal(format(MX_INT32, SHAPE(1), (int32_t[]){INT32_MIN}), "array([-2147483648], dtype=int32)");
  assert_string_equal(format(MX_UINT64, SHAPE(1), (uint64_t[]){UINT64_MAX}),
                      "array([18446744073709551615], dtype=uint64)");
  assert_string_equal(format(MX_INT64, SHAPE(2), (int64_t[]){INT64_MAX, INT64_MIN}),
                      "array([9223372036854775807, -9223372036854775808], dtype=int64)");
  assert_string_equal(format(MX_FLOAT16, SHAPE(3), (uint16_t[]){0x3555, 0x7bff, 0x0001}),
                      "array([0.333252, 65504, 5.96046e-08], dtype=float16)");
  assert_string_equal(format(MX_BFLOAT16, SHAPE(3), (uint16_t[]){0x3eab, 0x461c, 0x7f7f}),
                      "array([0.333984, 9984, 3.38953e+38], dtype=bfloat16)");
  assert_string_equal(format(MX_FLOAT32, SHAPE(4), (float[]){1.0f / 3, 1e10f, 123456.7f, 16777216}),
                      "array([0.333333, 1e+10, 123457, 1.67772e+07], dtype=float32)");
  assert_string_equal(format(MX_FLOAT64, SHAPE(4), (double[]){1.0 / 3, 1e300, 1e-300, 1234567.891}),
                      "array([0.333333, 1e+300, 1e-300, 1.23457e+06], dtype=float64)");
}

static void signs_of_nan_and_zero_show(void **state) {
  (void)state;
  float nan_ = __builtin_nanf(""), v[] = {nan_, -nan_, INFINITY, -INFINITY, 0.0f, -0.0f};
  assert_string_equal(format(MX_FLOAT32, SHAPE(6), v), "array([nan, -nan, inf, -inf, 0, -0], dtype=float32)");
  float c[] = {-1, -0.5f, nan_, -INFINITY, 0, -0.0f, INFINITY, nan_, 1.5f, -nan_};
  assert_string_equal(format(MX_COMPLEX64, SHAPE(5), c),
                      "array([-1-0.5j, nan-infj, 0+-0j, inf+nanj, 1.5+-nanj], dtype=complex64)");
}

static void nested_brackets_are_indented(void **state) {
  (void)state;
  int32_t v[] = {1, 2, 3, 4, 5, 6, 7, 8};
  assert_string_equal(format(MX_INT32, SHAPE(2, 2), v), "array([[1, 2],\n       [3, 4]], dtype=int32)");
  assert_string_equal(format(MX_INT32, SHAPE(2, 2, 2), v),
                      "array([[[1, 2],\n        [3, 4]],\n       [[5, 6],\n        [7, 8]]], dtype=int32)");
  assert_string_equal(format(MX_INT32, SHAPE(1, 1, 1, 1), v), "array([[[[1]]]], dtype=int32)");
}

static void empty_axes_print_their_brackets(void **state) {
  (void)state;
  assert_string_equal(format(MX_FLOAT32, SHAPE(0), NULL), "array([], dtype=float32)");
  assert_string_equal(format(MX_FLOAT32, SHAPE(0, 3), NULL), "array([], dtype=float32)");
  assert_string_equal(format(MX_FLOAT32, SHAPE(3, 0), NULL), "array([[],\n       [],\n       []], dtype=float32)");
  assert_string_equal(format(MX_FLOAT32, SHAPE(2, 0, 3), NULL), "array([[],\n       []], dtype=float32)");
  assert_string_equal(
      format(MX_FLOAT32, SHAPE(7, 0), NULL),
      "array([[],\n       [],\n       [],\n       ...,\n       [],\n       [],\n       []], dtype=float32)");
}

static void axes_longer_than_six_are_cut(void **state) {
  (void)state;
  int32_t v[56];
  for (int i = 0; i < 56; i++) v[i] = i;
  assert_string_equal(format(MX_INT32, SHAPE(6), v), "array([0, 1, 2, 3, 4, 5], dtype=int32)");
  assert_string_equal(format(MX_INT32, SHAPE(7), v), "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)");
  assert_string_equal(
      format(MX_INT32, SHAPE(8, 7), v),
      "array([[0, 1, 2, ..., 4, 5, 6],\n       [7, 8, 9, ..., 11, 12, 13],\n       [14, 15, 16, ..., 18, 19, 20],\n"
      "       ...,\n       [35, 36, 37, ..., 39, 40, 41],\n       [42, 43, 44, ..., 46, 47, 48],\n"
      "       [49, 50, 51, ..., 53, 54, 55]], dtype=int32)");
  assert_string_equal(format(MX_INT32, SHAPE(1, 7, 1), v), "array([[[0],\n        [1],\n        [2],\n        ...,\n   "
                                                           "     [4],\n        [5],\n        [6]]], dtype=int32)");
}

static void deepest_rank_prints(void **state) {
  (void)state;
  int64_t shape[MXI_MAX_NDIM];
  for (int i = 0; i < MXI_MAX_NDIM; i++) shape[i] = 1;
  format(MX_INT8, MXI_MAX_NDIM, shape, (int8_t[]){5});
  assert_int_equal(strlen(text), strlen("array(5, dtype=int8)") + 2 * MXI_MAX_NDIM);
}

/* As snprintf: the length asked for does not depend on the room, and the text is a terminated prefix. */
static void short_buffers_get_a_prefix(void **state) {
  (void)state;
  const char *whole = "array([1, 2, 3], dtype=int16)";
  for (size_t size = 0; size <= strlen(whole) + 2; size++) {
    char b[64];
    memset(b, '#', sizeof b);
    struct mxi_text t = {b, size, 0};
    mxi_text_array(&t, MX_INT16, SHAPE(3), (int16_t[]){1, 2, 3}, MXI_PRECISION_DEFAULT);
    mxi_text_end(&t);
    assert_int_equal(t.length, strlen(whole));
    size_t shown = size > strlen(whole) ? strlen(whole) : size ? size - 1 : 0;
    assert_memory_equal(b, whole, shown);
    if (size) assert_int_equal(b[shown], '\0');
    assert_int_equal(b[size > strlen(whole) ? strlen(whole) + 1 : size], '#');
  }
}

static void options_reach_the_numbers(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_from_data(((float[]){1.25f, -2.f}), MX_INTS(2), MX_FLOAT32);
  char b[64];
  mx_format_options options = {sizeof options, 1};
  const char *const texts[] = {"array([1.2, -2.0], dtype=float32)", "array([1.25, -2], dtype=float32)"};
  assert_int_equal(mx_format_with(a, &options, b, sizeof b), strlen(texts[0]));
  assert_string_equal(b, texts[0]);
  options.precision = -5;
  mx_format_with(a, &options, b, sizeof b);
  assert_string_equal(b, texts[1]);
  options = (mx_format_options){sizeof options.size, 1}; /* a program that knows no precision */
  mx_format_with(a, &options, b, sizeof b);
  assert_string_equal(b, texts[1]);
  mx_format_with(a, NULL, b, sizeof b);
  assert_string_equal(b, texts[1]);
  options = (mx_format_options){sizeof options, INT32_MAX};
  mx_format_with(a, &options, b, sizeof b);
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  mx_scope_end(s);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static uint64_t random_bits(void) {
  static uint64_t s = 88172645463325252u;
  s ^= s << 13;
  s ^= s >> 7;
  return s ^= s << 17;
}

static double random_double(int i) {
  double v = 0;
  uint64_t bits = random_bits();
  memcpy(&v, &bits, sizeof v);
  if (i % 3 == 1) v = (double)(int64_t)(bits % 4000001) / 64 - 31250; /* ties of %.nf */
  if (i % 3 == 2) v = (double)(bits % 10000000) * pow(10, (int)(bits >> 40 & 15) - 10);
  return v;
}

static void numbers_equal_printf(void **state) {
  (void)state;
  char expected[700];
  for (int i = 0; i < 200000; i++) {
    double v = random_double(i);
    if (isnan(v)) continue;
    snprintf(expected, sizeof expected, "%.6g", v);
    assert_string_equal(number(v, MXI_PRECISION_DEFAULT), expected);
    int precision = i % 24;
    snprintf(expected, sizeof expected, "%.*f", precision, v);
    assert_string_equal(number(v, precision), expected);
  }
}

static void extreme_numbers_equal_printf(void **state) {
  (void)state;
  static const double values[] = {0,
                                  -0.0,
                                  0x1p-1074,
                                  0x1.fffffffffffffp-1023,
                                  0x1p-1022,
                                  0x1.fffffffffffffp1023,
                                  999999.5,
                                  999999.4999,
                                  0.00009999995,
                                  0.000099999949,
                                  9.5,
                                  0.5,
                                  1.5,
                                  2.5,
                                  0.05,
                                  99999.95,
                                  1e5,
                                  1e6,
                                  123456.5,
                                  123457.5};
  char expected[1500];
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    for (int precision = -1; precision < 1100; precision += precision < 20 ? 1 : 270) {
      if (precision < 0)
        snprintf(expected, sizeof expected, "%.6g", values[i]);
      else
        snprintf(expected, sizeof expected, "%.*f", precision, values[i]);
      assert_string_equal(number(values[i], precision), expected);
    }
}

static void rounding_mode_does_not_matter(void **state) {
  (void)state;
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (int i = 0; i < 3000; i++) {
    char expected[400];
    double v = random_double(i);
    strcpy(expected, number(v, MXI_PRECISION_DEFAULT));
    for (int m = 0; m < 3; m++) {
      assert_int_equal(fesetround(modes[m]), 0);
      const char *got = number(v, MXI_PRECISION_DEFAULT);
      fesetround(FE_TONEAREST);
      assert_string_equal(got, expected);
    }
  }
}

/* Any locale whose decimal point is a comma will do; a machine without one skips. */
static void locale_does_not_matter(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8",
                                      "de_DE",       "fr_FR",      "ru_RU.UTF-8"};
  bool found = false;
  for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
    found = setlocale(LC_ALL, names[i]) && localeconv()->decimal_point[0] == ',';
  if (!found) skip();
  char by_printf[16];
  snprintf(by_printf, sizeof by_printf, "%.1f", 1.5);
  const char *ours = format(MX_FLOAT32, SHAPE(2), (float[]){1.5f, 1234567});
  setlocale(LC_ALL, "C");
  assert_string_equal(by_printf, "1,5");
  assert_string_equal(ours, "array([1.5, 1.23457e+06], dtype=float32)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars_have_no_brackets),
      cmocka_unit_test(every_dtype_prints),
      cmocka_unit_test(signs_of_nan_and_zero_show),
      cmocka_unit_test(nested_brackets_are_indented),
      cmocka_unit_test(empty_axes_print_their_brackets),
      cmocka_unit_test(axes_longer_than_six_are_cut),
      cmocka_unit_test(deepest_rank_prints),
      cmocka_unit_test(short_buffers_get_a_prefix),
      cmocka_unit_test(options_reach_the_numbers),
      cmocka_unit_test(numbers_equal_printf),
      cmocka_unit_test(extreme_numbers_equal_printf),
      cmocka_unit_test(rounding_mode_does_not_matter),
      cmocka_unit_test(locale_does_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Comparing answers with recorded cases; golden_compare.h says how. Start at golden_agrees. */
#include "golden_compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
  char *at;
  size_t size;
};

__attribute__((format(printf, 2, 3))) static bool differ(struct report *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(r->at, r->size, format, args);
  va_end(args);
  return false;
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */
int golden_digits(int dtype) {
  return dtype == MX_FLOAT16 ? 10 : dtype == MX_BFLOAT16 ? 7 : dtype == MX_FLOAT64 ? 52 : 23;
}

int golden_lowest(int dtype) { return dtype == MX_FLOAT16 ? -14 : dtype == MX_FLOAT64 ? -1022 : -126; }

static bool is_inexact(int dtype) { return dtype >= MX_FLOAT16; }

static double half(uint16_t bits, bool brain) {
  int digits = brain ? 7 : 10, exponents = brain ? 255 : 31, bias = brain ? 127 : 15;
  int exponent = bits >> digits & exponents, fraction = bits & ((1 << digits) - 1);
  double size = exponent == exponents ? (fraction ? NAN : INFINITY)
                : exponent            ? ldexp((1 << digits) + fraction, exponent - bias - digits)
                                      : ldexp(fraction, 1 - bias - digits);
  return bits >> 15 ? -size : size;
}

#define READ(type) (((const type *)data)[i])
double golden_element(int dtype, const void *data, int64_t i, int part) {
  switch (dtype) {
  case MX_BOOL: return READ(uint8_t);
  case MX_UINT8: return READ(uint8_t);
  case MX_UINT16: return READ(uint16_t);
  case MX_UINT32: return READ(uint32_t);
  case MX_UINT64: return (double)READ(uint64_t);
  case MX_INT8: return READ(int8_t);
  case MX_INT16: return READ(int16_t);
  case MX_INT32: return READ(int32_t);
  case MX_INT64: return (double)READ(int64_t);
  case MX_FLOAT16: return half(READ(uint16_t), false);
  case MX_FLOAT32: return READ(float);
  case MX_FLOAT64: return READ(double);
  case MX_BFLOAT16: return half(READ(uint16_t), true);
  default: return ((const float *)data)[2 * i + part];
  }
}

static bool same_bits(int dtype, const void *a, const void *b, int64_t i) {
  size_t size = golden_itemsize(dtype);
  if (memcmp((const char *)a + size * (size_t)i, (const char *)b + size * (size_t)i, size) == 0) return true;
  if (!is_inexact(dtype)) return false;
  for (int part = 0; part < (dtype == MX_COMPLEX64 ? 2 : 1); part++) {
    double x = golden_element(dtype, a, i, part), y = golden_element(dtype, b, i, part);
    if (!(isnan(x) && isnan(y)) && (x != y || signbit(x) != signbit(y))) return false;
  }
  return true;
}

static bool fail_element(struct report *r, const struct golden_array *want, const void *got, int64_t i,
                         const char *how) {
  bool is_complex = want->dtype == MX_COMPLEX64;
  return differ(r, "%s element %lld is %.17g %.9g, not %.17g %.9g%s", golden_dtype_name(want->dtype), (long long)i,
                golden_element(want->dtype, got, i, 0), is_complex ? golden_element(want->dtype, got, i, 1) : 0.0,
                golden_element(want->dtype, want->data, i, 0),
                is_complex ? golden_element(want->dtype, want->data, i, 1) : 0.0, how);
}

static bool equal_bits(const struct golden_array *want, const void *got, struct report *r) {
  for (int64_t i = 0; i < want->count; i++)
    if (!same_bits(want->dtype, want->data, got, i)) return fail_element(r, want, got, i, "");
  return true;
}

/* ---- Near -------------------------------------------------------------------------------------------------------- */
static double ulp_at(double x, int dtype) {
  int exponent;
  frexp(x, &exponent); /* x in [2^(exponent-1), 2^exponent) */
  int lowest = golden_lowest(dtype);
  return ldexp(1, (x == 0 || exponent - 1 < lowest ? lowest : exponent - 1) - golden_digits(dtype));
}

static double largest(int dtype) {
  int top = dtype == MX_FLOAT16 ? 15 : dtype == MX_FLOAT64 ? 1023 : 127;
  return ldexp(2 - ldexp(1, -golden_digits(dtype)), top);
}

/* `size` is the modulus that complex errors are relative to. */
static bool is_near(const struct golden_call *k, size_t output, double got, double target, double recorded,
                    double size) {
  int dtype = k->recorded->outputs[output].dtype;
  if (got == recorded || (isnan(got) && isnan(recorded))) return true;
  if (isnan(got) || isnan(target)) return isnan(got) && isnan(target);
  struct golden_bound bound = golden_bound_of(k, output, target);
  double tolerance = bound.ulps * ulp_at(size, dtype) + bound.absolute;
  if (isinf(got))
    return got == target || (got > 0 ? target + tolerance > largest(dtype) : target - tolerance < -largest(dtype));
  return fabs(got - target) <= tolerance;
}

static bool near_element(const struct golden_call *k, size_t output, const void *got, int64_t i) {
  const struct golden_array *want = &k->recorded->outputs[output];
  int parts = want->dtype == MX_COMPLEX64 ? 2 : 1;
  double target[2] = {0, 0};
  for (int p = 0; p < parts; p++)
    target[p] = want->ref ? want->ref[parts * i + p] : golden_element(want->dtype, want->data, i, p);
  double size = parts == 2 && isfinite(target[0]) && isfinite(target[1]) ? hypot(target[0], target[1]) : 0;
  for (int p = 0; p < parts; p++) {
    double recorded = golden_element(want->dtype, want->data, i, p);
    if (!is_near(k, output, golden_element(want->dtype, got, i, p), target[p], recorded, fmax(size, fabs(target[p]))))
      return false;
  }
  return true;
}

static bool near(const struct golden_call *k, size_t output, const void *got, struct report *r) {
  const struct golden_array *want = &k->recorded->outputs[output];
  if (!is_inexact(want->dtype)) return equal_bits(want, got, r);
  for (int64_t i = 0; i < want->count; i++) {
    if (near_element(k, output, got, i)) continue;
    int parts = want->dtype == MX_COMPLEX64 ? 2 : 1;
    double target = want->ref ? want->ref[parts * i] : golden_element(want->dtype, want->data, i, 0);
    struct golden_bound bound = golden_bound_of(k, output, target);
    char how[160];
    double error = golden_element(want->dtype, got, i, 0) - target;
    snprintf(how, sizeof how, ", %s%.17g, %.3g ulp off, %.3g ulp + %.3g allowed", want->ref ? "reference " : "value ",
             target, error / ulp_at(target, want->dtype), bound.ulps, bound.absolute);
    return fail_element(r, want, got, i, how);
  }
  return true;
}

/* ---- Unordered: partition, argpartition, topk -------------------------------------------------------------------- */
static int order(double x, double y) { return isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y); }

static int order_elements(int dtype, const void *a, int64_t i, const void *b, int64_t j) {
  int first = order(golden_element(dtype, a, i, 0), golden_element(dtype, b, j, 0));
  if (first || dtype != MX_COMPLEX64) return first;
  return order(golden_element(dtype, a, i, 1), golden_element(dtype, b, j, 1));
}

/* A line along the axis: n elements, `step` apart from `first`. */
struct line {
  int dtype;
  const void *data;
  int64_t first, step, n;
};

static int64_t at(const struct line *l, int64_t i) { return l->first + i * l->step; }

static int64_t times(const struct line *l, const struct line *in, int64_t i) {
  int64_t count = 0;
  for (int64_t j = 0; j < in->n; j++) count += order_elements(l->dtype, l->data, at(l, i), in->data, at(in, j)) == 0;
  return count;
}

static bool same_multiset(const struct line *a, const struct line *b) {
  for (int64_t i = 0; i < a->n; i++)
    if (times(a, a, i) != times(a, b, i)) return false;
  return true;
}

static bool is_partitioned(const struct line *l, int64_t kth) {
  for (int64_t i = 0; i < l->n; i++) {
    int o = order_elements(l->dtype, l->data, at(l, i), l->data, at(l, kth));
    if ((i < kth && o > 0) || (i > kth && o < 0)) return false;
  }
  return true;
}

/* Puts the values that `indices` name into `values`; false unless they are a permutation. */
static bool follow(const struct line *in, const struct line *indices, char *values) {
  size_t size = golden_itemsize(in->dtype);
  for (int64_t i = 0; i < indices->n; i++) {
    int64_t index = (int64_t)golden_element(indices->dtype, indices->data, at(indices, i), 0);
    if (index < 0 || index >= in->n) return false;
    for (int64_t j = 0; j < i; j++)
      if ((int64_t)golden_element(indices->dtype, indices->data, at(indices, j), 0) == index) return false;
    memcpy(values + size * (size_t)i, (const char *)in->data + size * (size_t)at(in, index), size);
  }
  return true;
}

static bool unordered_line(const struct golden_call *k, struct line want, struct line got, struct line in) {
  if (strcmp(k->op, "topk") == 0) return same_multiset(&want, &got);
  int64_t kth = golden_number(k, "kth", 0);
  kth += kth < 0 ? in.n : 0;
  if (strcmp(k->op, "partition") == 0) return same_multiset(&want, &got) && is_partitioned(&got, kth);
  char *values = malloc((size_t)(in.n ? in.n : 1) * golden_itemsize(in.dtype));
  struct line followed = {in.dtype, values, 0, 1, in.n};
  bool good = values && follow(&in, &got, values) && is_partitioned(&followed, kth);
  free(values);
  return good;
}

static bool unordered(const struct golden_call *k, const void *got, struct report *r) {
  const struct golden_array *want = &k->recorded->outputs[0], *in = &k->recorded->inputs[0];
  int axis = golden_number(k, "axis", -1);
  axis += axis < 0 ? want->ndim : 0;
  int64_t n = golden_flattens(k, false) ? want->count : want->shape[axis], inner = 1;
  int64_t in_n = golden_flattens(k, false) ? in->count : in->shape[axis];
  for (int i = axis + 1; i < want->ndim && !golden_flattens(k, false); i++) inner *= want->shape[i];
  for (int64_t l = 0; n && l < want->count / n; l++) {
    int64_t first = l / inner * n * inner + l % inner, in_first = l / inner * in_n * inner + l % inner;
    struct line expected = {want->dtype, want->data, first, inner, n}, found = {want->dtype, got, first, inner, n};
    if (!unordered_line(k, expected, found, (struct line){in->dtype, in->data, in_first, inner, in_n}))
      return differ(r, "line %lld is not as promised", (long long)l);
  }
  return true;
}

/* ---- Cases ------------------------------------------------------------------------------------------------------- */
static bool same_shape(const struct golden_array *want, mx_array got, struct report *r) {
  mx_ints shape = mx_shape(got);
  if ((int)mx_dtype_of(got) != want->dtype)
    return differ(r, "dtype is %s, not %s", mx_dtype_name(mx_dtype_of(got)), golden_dtype_name(want->dtype));
  bool same = (int)shape.count == want->ndim;
  for (int i = 0; same && i < want->ndim; i++) same = shape.at[i] == want->shape[i];
  char text[200] = "";
  for (size_t i = 0, used = 0; !same && i < shape.count && used < sizeof text - 24; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", i ? "x" : "", (long long)shape.at[i]);
  return same || differ(r, "shape is %s", *text ? text : "-");
}

static bool agrees_output(const struct golden_call *k, size_t i, struct report *r) {
  const struct golden_array *want = &k->recorded->outputs[i];
  if (!k->out[i]) return differ(r, "result %zu is no array", i);
  if (!same_shape(want, k->out[i], r)) return false;
  const void *got = mx_data(k->out[i]);
  if (mx_error()) return differ(r, "%s", mx_error_message());
  switch (k->recorded->check) {
  case GOLDEN_NEAR: return near(k, i, got, r);
  case GOLDEN_UNORDERED: return unordered(k, got, r);
  default: return equal_bits(want, got, r);
  }
}

/* Python's exceptions in mica's codes. MLX raises ValueError for shapes, dtypes and values alike, IndexError also for
 * an axis (here a VALUE), RuntimeError where it has no kernel for a dtype or an axis is missing. */
static bool agrees_error(const char *exception, mx_status status) {
  if (strcmp(exception, "ValueError") == 0)
    return status == MX_ERR_VALUE || status == MX_ERR_SHAPE || status == MX_ERR_DTYPE;
  if (strcmp(exception, "IndexError") == 0)
    return status == MX_ERR_INDEX || status == MX_ERR_VALUE || status == MX_ERR_SHAPE;
  if (strcmp(exception, "TypeError") == 0) return status == MX_ERR_TYPE || status == MX_ERR_DTYPE;
  return status == MX_ERR_DTYPE || status == MX_ERR_VALUE || status == MX_ERR_SHAPE || status == MX_ERR_UNSUPPORTED;
}

bool golden_agrees(struct golden_call *k, char *reason, size_t size) {
  const struct golden_case *c = k->recorded;
  struct report r = {reason, size};
  *reason = 0;
  if (c->error) {
    for (size_t i = 0; i < k->out_count && !mx_error(); i++) mx_eval(k->out[i]);
    if (!mx_error()) return differ(&r, "no error, %s expected", c->error);
    return agrees_error(c->error, mx_error()) ||
           differ(&r, "error %d for %s: %s", (int)mx_error(), c->error, mx_error_message());
  }
  if (mx_error()) return differ(&r, "error: %s", mx_error_message());
  if (c->text)
    return (k->text && strcmp(k->text, c->text) == 0) ||
           differ(&r, "text is %s, not %s", k->text ? k->text : "none", c->text);
  if (c->dtype >= 0)
    return k->dtype == c->dtype ||
           differ(&r, "dtype is %s, not %s", golden_dtype_name(k->dtype), golden_dtype_name(c->dtype));
  if (k->out_count != c->output_count) return differ(&r, "%zu results, not %zu", k->out_count, c->output_count);
  for (size_t i = 0; i < c->output_count; i++)
    if (!agrees_output(k, i, &r)) return false;
  return true;
}

/* Recorded creation, matrix products and printing. Where MLX chooses the dtype of None, the C caller does. */
#include <stdlib.h>
#include <string.h>

#include "golden_call.h"

static const mx_ints scalar = {NULL, 0};

static void call_zeros(struct golden_call *k) {
  golden_give(k, mx_zeros(golden_ints(k, "shape", scalar), golden_dtype_param(k, MX_FLOAT32)));
}
static void call_ones(struct golden_call *k) {
  golden_give(k, mx_ones(golden_ints(k, "shape", scalar), golden_dtype_param(k, MX_FLOAT32)));
}
static void call_full(struct golden_call *k) {
  golden_give(k, mx_full(golden_ints(k, "shape", scalar), k->in[0], golden_dtype_param(k, mx_dtype_of(k->in[0]))));
}
static void call_zeros_like(struct golden_call *k) { golden_give(k, mx_zeros_like(k->in[0])); }
static void call_ones_like(struct golden_call *k) { golden_give(k, mx_ones_like(k->in[0])); }
static void call_full_like(struct golden_call *k) {
  golden_give(k, mx_full_like(k->in[0], k->in[1], golden_dtype_param(k, mx_dtype_of(k->in[0]))));
}
static void call_eye(struct golden_call *k) {
  int64_t n = golden_int(k->recorded, "n", 0);
  golden_give(k,
              mx_eye(n, golden_int(k->recorded, "m", n), golden_number(k, "k", 0), golden_dtype_param(k, MX_FLOAT32)));
}
static void call_identity(struct golden_call *k) {
  golden_give(k, mx_identity(golden_int(k->recorded, "n", 0), golden_dtype_param(k, MX_FLOAT32)));
}
static void call_tri(struct golden_call *k) {
  int64_t n = golden_int(k->recorded, "n", 0);
  golden_give(k,
              mx_tri(n, golden_int(k->recorded, "m", n), golden_number(k, "k", 0), golden_dtype_param(k, MX_FLOAT32)));
}

/* int32, or int64 where a value needs it */
static void call_arange_int(struct golden_call *k) {
  int64_t v[] = {golden_int(k->recorded, "start", 0), golden_int(k->recorded, "stop", 0),
                 golden_int(k->recorded, "step", 1)};
  mx_dtype dtype = MX_INT32;
  for (int i = 0; i < 3; i++)
    if (v[i] < INT32_MIN || v[i] > INT32_MAX) dtype = MX_INT64;
  golden_give(k, mx_arange_i(v[0], v[1], v[2], golden_dtype_param(k, dtype)));
}
static void call_arange_float(struct golden_call *k) {
  golden_give(k, mx_arange(golden_float(k->recorded, "start", 0), golden_float(k->recorded, "stop", 0),
                           golden_float(k->recorded, "step", 1), golden_dtype_param(k, MX_FLOAT32)));
}
static void call_linspace(struct golden_call *k) {
  golden_give(k, mx_linspace(golden_float(k->recorded, "start", 0), golden_float(k->recorded, "stop", 0),
                             golden_int(k->recorded, "num", 50), golden_flag(k, "endpoint", true),
                             golden_dtype_param(k, MX_FLOAT32)));
}

#define WINDOW(name) \
  static void call_##name(struct golden_call *k) { golden_give(k, mx_##name(golden_int(k->recorded, "M", 0))); }
WINDOW(bartlett)
WINDOW(hanning)
WINDOW(hamming)
WINDOW(blackman)

#define PRODUCT(name) \
  static void call_##name(struct golden_call *k) { golden_give(k, mx_##name(k->in[0], k->in[1])); }
PRODUCT(matmul)
PRODUCT(inner)
PRODUCT(outer)
PRODUCT(kron)

static void call_addmm(struct golden_call *k) {
  golden_give(k, mx_addmm(k->in[0], k->in[1], k->in[2], golden_float(k->recorded, "alpha", 1),
                          golden_float(k->recorded, "beta", 1)));
}
static void call_tensordot(struct golden_call *k) {
  golden_give(k, mx_tensordot(k->in[0], k->in[1], golden_number(k, "axes", 2)));
}
static void call_tensordot_axes(struct golden_call *k) {
  golden_give(
      k, mx_tensordot_axes(k->in[0], k->in[1], golden_ints(k, "axes_a", scalar), golden_ints(k, "axes_b", scalar)));
}
static void call_vecdot(struct golden_call *k) {
  golden_give(k, mx_vecdot(k->in[0], k->in[1], golden_number(k, "axis", -1)));
}
static void call_einsum(struct golden_call *k) {
  golden_give(k, mx_einsum(golden_str(k->recorded, "subscripts", ""), k->in, k->in_count));
}

static void format(struct golden_call *k, mx_array a) {
  size_t length = mx_format(a, NULL, 0);
  k->text = malloc(length + 1);
  if (k->text) mx_format(a, k->text, length + 1);
}
static void call_print(struct golden_call *k) { format(k, k->in[0]); }

/* arange(n) in a shape; float32: divided by 4 */
static void call_print_ramp(struct golden_call *k) {
  mx_ints shape = golden_ints(k, "shape", scalar);
  int64_t n = 1;
  for (size_t i = 0; i < shape.count; i++) n *= shape.at[i];
  mx_array ramp = mx_reshape(mx_arange_i(0, n, 1, MX_INT32), shape);
  bool divided = golden_dtype_param(k, MX_INT32) == MX_FLOAT32;
  format(k, divided ? mx_divide(mx_astype(ramp, MX_FLOAT32), mx_scalar_f(4)) : ramp);
}

#define ROW(name) \
  { #name, call_##name }
const struct golden_row golden_make[] = {
    ROW(zeros),    ROW(ones),     ROW(full),       ROW(zeros_like), ROW(ones_like),      ROW(full_like),
    ROW(eye),      ROW(identity), ROW(tri),        ROW(arange_int), ROW(arange_float),   ROW(linspace),
    ROW(bartlett), ROW(hanning),  ROW(hamming),    ROW(blackman),   ROW(matmul),         ROW(inner),
    ROW(outer),    ROW(kron),     ROW(addmm),      ROW(tensordot),  ROW(tensordot_axes), ROW(vecdot),
    ROW(einsum),   ROW(print),    ROW(print_ramp), {NULL, NULL},
};

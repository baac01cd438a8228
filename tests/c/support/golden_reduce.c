/* Recorded reductions, scans, norms and sorting. Where axis may be None and C has an integer, the _all form is called.
 */
#include <math.h>
#include <string.h>

#include "golden_call.h"

#define REDUCTION(name)                                                                     \
  static void call_##name(struct golden_call *k) {                                          \
    golden_give(k, mx_##name(k->in[0], golden_axes(k), golden_flag(k, "keepdims", false))); \
  }
#define REDUCTIONS(X) X(sum) X(prod) X(max) X(min) X(all) X(any) X(mean) X(median) X(logsumexp) X(count_nonzero)
REDUCTIONS(REDUCTION)

#define SPREAD(name)                                                                                                  \
  static void call_##name(struct golden_call *k) {                                                                    \
    golden_give(k,                                                                                                    \
                mx_##name(k->in[0], golden_axes(k), golden_flag(k, "keepdims", false), golden_number(k, "ddof", 0))); \
  }
SPREAD(var)
SPREAD(std)

static void call_minmax(struct golden_call *k) {
  mx_minmax(k->in[0], golden_axes(k), golden_flag(k, "keepdims", false), k->out);
  golden_give_many(k, 2);
}

/* argmax with keepdims of every axis is the index among ones. */
static mx_array in_ones(mx_array index, int ndim, bool keepdims) {
  static const int64_t ones[GOLDEN_MAX_NDIM] = {1, 1, 1, 1, 1, 1, 1, 1};
  return keepdims ? mx_reshape(index, (mx_ints){ones, (size_t)ndim}) : index;
}
#define EXTREME(name)                                                                                         \
  static void call_##name(struct golden_call *k) {                                                            \
    bool keepdims = golden_flag(k, "keepdims", false);                                                        \
    golden_give(k, golden_flattens(k, true) ? in_ones(mx_##name##_all(k->in[0]), mx_ndim(k->in[0]), keepdims) \
                                            : mx_##name(k->in[0], golden_number(k, "axis", 0), keepdims));    \
  }
EXTREME(argmax)
EXTREME(argmin)

static void call_softmax(struct golden_call *k) {
  golden_give(k, mx_softmax(k->in[0], golden_axes(k), golden_flag(k, "precise", false)));
}

static mx_array scanned(const struct golden_call *k) {
  return golden_is_none(k->recorded, "dtype") ? k->in[0] : mx_astype(k->in[0], golden_dtype_param(k, MX_FLOAT32));
}
#define SCAN(name)                                                                                                     \
  static void call_##name(struct golden_call *k) {                                                                     \
    bool reverse = golden_flag(k, "reverse", false), inclusive = golden_flag(k, "inclusive", true);                    \
    golden_give(k, golden_flattens(k, true) ? mx_##name##_all(scanned(k), reverse, inclusive)                          \
                                            : mx_##name(scanned(k), golden_number(k, "axis", 0), reverse, inclusive)); \
  }
#define SCANS(X) X(cumsum) X(cumprod) X(cummax) X(cummin) X(logcumsumexp)
SCANS(SCAN)

static void call_norm(struct golden_call *k) {
  const struct golden_param *ord = golden_param(k->recorded, "ord");
  bool keepdims = golden_flag(k, "keepdims", false);
  mx_ints axes = golden_axes(k);
  if (!ord || ord->kind == GOLDEN_NONE)
    golden_give(k, mx_linalg_norm_l2(k->in[0], axes, keepdims));
  else if (ord->kind == GOLDEN_STR)
    golden_give(k, mx_linalg_norm_matrix(k->in[0], ord->text, axes, keepdims));
  else
    golden_give(k, mx_linalg_norm(k->in[0], golden_float(k->recorded, "ord", 2), axes, keepdims));
}

static void call_diff(struct golden_call *k) {
  golden_give(k, mx_diff(k->in[0], golden_number(k, "n", 1), golden_number(k, "axis", -1)));
}
static void call_array_equal(struct golden_call *k) {
  golden_give(k, mx_array_equal(k->in[0], k->in[1], golden_flag(k, "equal_nan", false)));
}
static void call_allclose(struct golden_call *k) {
  golden_give(k, mx_allclose(k->in[0], k->in[1], golden_float(k->recorded, "rtol", 1e-5),
                             golden_float(k->recorded, "atol", 1e-8), golden_flag(k, "equal_nan", false)));
}

#define SORT(name)                                                                                 \
  static void call_##name(struct golden_call *k) {                                                 \
    golden_give(k, golden_flattens(k, false) ? mx_##name##_all(k->in[0])                           \
                                             : mx_##name(k->in[0], golden_number(k, "axis", -1))); \
  }
SORT(sort)
SORT(argsort)
#define SELECT(name, number)                                                                          \
  static void call_##name(struct golden_call *k) {                                                    \
    int n = golden_number(k, number, 0);                                                              \
    golden_give(k, golden_flattens(k, false) ? mx_##name##_all(k->in[0], n)                           \
                                             : mx_##name(k->in[0], n, golden_number(k, "axis", -1))); \
  }
SELECT(partition, "kth")
SELECT(argpartition, "kth")
SELECT(topk, "k")

static void call_searchsorted(struct golden_call *k) {
  const char *side = golden_str(k->recorded, "side", "left");
  bool right = strcmp(side, "right") == 0;
  if (!right && strcmp(side, "left") != 0)
    k->unsaid = "side is a boolean";
  else
    golden_give(k, mx_searchsorted(k->in[0], k->in[1], right));
}

#define ROW(name) {#name, call_##name},
const struct golden_row golden_reduce[] = {
    REDUCTIONS(ROW) SCANS(ROW) ROW(var) ROW(std) ROW(minmax) ROW(argmax) ROW(argmin)
        ROW(softmax){"linalg.norm", call_norm},
    ROW(diff) ROW(array_equal) ROW(allclose) ROW(sort) ROW(argsort) ROW(partition) ROW(argpartition) ROW(topk)
        ROW(searchsorted){NULL, NULL},
};

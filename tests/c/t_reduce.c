/* Kernels of reductions, arg-reductions, softmax and scans against their definitions in long double, for every dtype,
 * layout and mask of axes; and bit for bit between layouts, instruction sets and numbers of threads. Builders have
 * their tests in t_reduce_ops.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/isa.h"
#include "backend/cpu/reduce.h"
#include "base/half.h"
#include "base/pool.h"
#include "core/params.h"
#include "support/sanitized.h"

/* ---- Operations under test ----------------------------------------------------------------------------------------- */
enum what { SUM, PROD, MAX, MIN, ALL, ANY, ARGMAX, ARGMIN, LSE, SOFTMAX, CUMSUM, CUMPROD, CUMMAX, CUMMIN, LOGCUMSUM, COUNT };
static const struct {
  const char *name;
  mx_status (*run)(struct mx_task *);
  size_t (*scratch)(const struct mx_task *);
} ops[COUNT] = {
    [SUM] = {"sum", mxi_cpu_sum, mxi_cpu_sum_scratch},
    [PROD] = {"prod", mxi_cpu_prod, mxi_cpu_sum_scratch},
    [MAX] = {"max", mxi_cpu_max, mxi_cpu_sum_scratch},
    [MIN] = {"min", mxi_cpu_min, mxi_cpu_sum_scratch},
    [ALL] = {"all", mxi_cpu_all, mxi_cpu_sum_scratch},
    [ANY] = {"any", mxi_cpu_any, mxi_cpu_sum_scratch},
    [ARGMAX] = {"argmax", mxi_cpu_argmax, mxi_cpu_argmax_scratch},
    [ARGMIN] = {"argmin", mxi_cpu_argmin, mxi_cpu_argmax_scratch},
    [LSE] = {"logsumexp", mxi_cpu_logsumexp, mxi_cpu_softmax_scratch},
    [SOFTMAX] = {"softmax", mxi_cpu_softmax, mxi_cpu_softmax_scratch},
    [CUMSUM] = {"cumsum", mxi_cpu_cumsum, NULL},
    [CUMPROD] = {"cumprod", mxi_cpu_cumprod, NULL},
    [CUMMAX] = {"cummax", mxi_cpu_cummax, NULL},
    [CUMMIN] = {"cummin", mxi_cpu_cummin, NULL},
    [LOGCUMSUM] = {"logcumsumexp", mxi_cpu_logcumsumexp, NULL},
};
static bool is_scan(enum what op) { return op >= CUMSUM; }
static bool is_arg(enum what op) { return op == ARGMAX || op == ARGMIN; }
static bool has_exp(enum what op) { return op == LSE || op == SOFTMAX || op == LOGCUMSUM; }
static bool keeps_shape(enum what op) { return op == SOFTMAX || is_scan(op); }
static bool one_axis(enum what op) { return is_arg(op) || is_scan(op); }

static mx_dtype result_dtype(enum what op, mx_dtype t) {
  if (op == ALL || op == ANY) return MX_BOOL;
  if (is_arg(op)) return MX_UINT32;
  if (op != SUM && op != PROD) return t;
  if (t == MX_BOOL || t == MX_INT8 || t == MX_INT16) return MX_INT32;
  return t == MX_UINT8 || t == MX_UINT16 ? MX_UINT32 : t;
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */
struct value {
  long double re, im;
  uint64_t u; /* of integers, sign extended */
};

static struct value get(const char *p, mx_dtype t) {
  struct value v = {0, 0, 0};
#define INT(T) { T x; memcpy(&x, p, sizeof x); v.u = (uint64_t)x; v.re = (long double)x; break; }
#define REAL(T) { T x; memcpy(&x, p, sizeof x); v.re = x; break; }
  switch (t) {
    case MX_BOOL: case MX_UINT8: INT(uint8_t)
    case MX_UINT16: INT(uint16_t)
    case MX_UINT32: INT(uint32_t)
    case MX_UINT64: INT(uint64_t)
    case MX_INT8: INT(int8_t)
    case MX_INT16: INT(int16_t)
    case MX_INT32: INT(int32_t)
    case MX_INT64: INT(int64_t)
    case MX_FLOAT32: REAL(float)
    case MX_FLOAT64: REAL(double)
    case MX_FLOAT16: { uint16_t h; memcpy(&h, p, 2); v.re = mxi_f16_to_f32(h); break; }
    case MX_BFLOAT16: { uint16_t h; memcpy(&h, p, 2); v.re = mxi_bf16_to_f32(h); break; }
    case MX_COMPLEX64: { mxi_c64 c; memcpy(&c, p, 8); v.re = c.re; v.im = c.im; break; }
  }
  return v;
}

static uint32_t seed = 1;
static uint32_t next(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

/* Values that keep products in range: near 1 in size, few kinds of integers. */
static void put_random(char *p, mx_dtype t) {
  float x = (float)((int)(next() % 4001) - 2000) / 1000.0f, y = (float)((int)(next() % 4001) - 2000) / 1000.0f;
  uint16_t h;
  uint64_t u = (uint64_t)next() << 40 ^ (uint64_t)next() << 20 ^ next();
  double d = x;
  mxi_c64 c = {x, y};
  switch (t) {
    case MX_BOOL: *p = (char)(next() % 3 != 0); break;
    case MX_FLOAT32: memcpy(p, &x, 4); break;
    case MX_FLOAT64: memcpy(p, &d, 8); break;
    case MX_FLOAT16: h = mxi_f32_to_f16(x); memcpy(p, &h, 2); break;
    case MX_BFLOAT16: h = mxi_f32_to_bf16(x); memcpy(p, &h, 2); break;
    case MX_COMPLEX64: memcpy(p, &c, 8); break;
    default: memcpy(p, &u, mxi_itemsize(t));
  }
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
struct array {
  struct mx_view view;
  int64_t shape[6], strides[6];
  char *memory;
};

static void strides_of(struct array *a) {
  int64_t stride = 1;
  a->view.size = 1;
  for (int i = a->view.ndim - 1; i >= 0; i--) {
    a->strides[i] = stride;
    stride *= a->shape[i];
  }
  a->view.size = stride;
  a->view.shape = a->shape;
  a->view.strides = a->strides;
}

static struct array *array_new(mx_dtype t, int ndim, const int64_t *shape) {
  struct array *a = calloc(1, sizeof *a);
  a->view.dtype = (uint8_t)t;
  a->view.ndim = ndim;
  for (int i = 0; i < ndim; i++) a->shape[i] = shape[i];
  strides_of(a);
  a->view.contiguous = 1;
  a->memory = a->view.data = aligned_alloc(64, ((size_t)a->view.size * mxi_itemsize(t) + 127) / 64 * 64);
  return a;
}

static void array_free(struct array *a) {
  if (!a) return;
  free(a->memory);
  free(a);
}

static const char *element(const struct array *a, int64_t index) {
  int64_t offset = 0;
  for (int i = a->view.ndim - 1; i >= 0; i--) {
    offset += index % a->shape[i] * a->strides[i];
    index /= a->shape[i];
  }
  return a->view.data + offset * (int64_t)mxi_itemsize((mx_dtype)a->view.dtype);
}

static struct array *array_random(mx_dtype t, int ndim, const int64_t *shape) {
  struct array *a = array_new(t, ndim, shape);
  size_t item = mxi_itemsize(t);
  for (int64_t i = 0; i < a->view.size; i++) put_random(a->memory + (size_t)i * item, t);
  return a;
}

/* The same elements in another layout: axes in memory in the order of perm, with gaps, backwards, off alignment. */
static struct array *array_lay(const struct array *a, bool turned, int64_t gap, bool backwards) {
  struct array *b = calloc(1, sizeof *b);
  size_t item = mxi_itemsize((mx_dtype)a->view.dtype);
  int n = a->view.ndim;
  *b = *a;
  b->view.shape = b->shape;
  b->view.strides = b->strides;
  b->view.contiguous = 0;
  int64_t stride = gap;
  for (int k = 0; k < n; k++) {
    int i = turned ? k : n - 1 - k;
    b->strides[i] = stride;
    stride *= a->shape[i] + (gap > 1);
  }
  b->memory = calloc((size_t)(stride + 8), item);
  b->view.data = b->memory + item;
  for (int i = 0; backwards && i < n; i++) {
    if (!a->shape[i]) continue;
    b->view.data += (a->shape[i] - 1) * b->strides[i] * (int64_t)item;
    b->strides[i] = -b->strides[i];
  }
  for (int64_t i = 0; i < a->view.size; i++) memcpy((char *)(uintptr_t)element(b, i), element(a, i), item);
  return b;
}

union params {
  struct mxi_params_axes axes;
  struct mxi_params_axis axis;
  struct mxi_params_softmax softmax;
  struct mxi_params_scan scan;
};

static int first_axis(uint64_t mask) { return __builtin_ctzll(mask | 1ull << 63); }

static union params params_for(enum what op, uint64_t mask, int reverse, int inclusive) {
  union params p;
  memset(&p, 0, sizeof p);
  if (is_arg(op))
    p.axis.axis = first_axis(mask);
  else if (is_scan(op))
    p.scan = (struct mxi_params_scan){first_axis(mask), (int16_t)reverse, (int16_t)inclusive};
  else
    p.axes.mask = mask; /* softmax has its mask in the same place */
  return p;
}

/* The result, or NULL where the kernel refuses the dtype. */
static struct array *apply(enum what op, const struct array *a, mx_dtype to, uint64_t mask, int reverse, int inclusive) {
  int64_t shape[6];
  for (int i = 0; i < a->view.ndim; i++) shape[i] = mask >> i & 1 && !keeps_shape(op) ? 1 : a->shape[i];
  struct array *out = array_new(to, a->view.ndim, shape);
  memset(out->memory, 0xa5, (size_t)out->view.size * mxi_itemsize(to));
  union params p = params_for(op, mask, reverse, inclusive);
  struct mx_task task = {.in = &a->view, .out = &out->view, .params = &p, .in_count = 1, .out_count = 1};
  size_t scratch = ops[op].scratch ? ops[op].scratch(&task) : 0;
  task.scratch = scratch ? aligned_alloc(64, (scratch + 63) / 64 * 64) : NULL;
  mx_status status = ops[op].run(&task);
  free(task.scratch);
  if (!status) return out;
  array_free(out);
  return NULL;
}

/* The same but for the sign and payload of NaN, which no one promises. */
static bool same_bits(const struct array *a, const struct array *b) {
  mx_dtype t = (mx_dtype)a->view.dtype;
  size_t item = mxi_itemsize(t);
  if (a->view.size != b->view.size) return false;
  if (!memcmp(a->memory, b->memory, (size_t)a->view.size * item)) return true;
  for (int64_t i = 0; i < a->view.size; i++) {
    const char *p = a->memory + (size_t)i * item, *q = b->memory + (size_t)i * item;
    struct value x = get(p, t), y = get(q, t);
    bool re = (isnan(x.re) && isnan(y.re)) || (x.re == y.re && signbit(x.re) == signbit(y.re));
    bool im = (isnan(x.im) && isnan(y.im)) || (x.im == y.im && signbit(x.im) == signbit(y.im));
    if (memcmp(p, q, item) && (!mxi_is_inexact(t) || !re || !im)) return false;
  }
  return true;
}

/* ---- The definitions --------------------------------------------------------------------------------------------- */
/* Elements of one reduction, in logical order: those of `index` (of the array without the reduced axes, kept as 1). */
static int64_t collect(const struct array *a, uint64_t mask, int64_t index, struct value *list) {
  int64_t at[6], count = 0;
  for (int i = a->view.ndim - 1; i >= 0; i--) {
    int64_t n = mask >> i & 1 ? 1 : a->shape[i];
    at[i] = index % n;
    index /= n;
  }
  for (;;) {
    int64_t offset = 0;
    for (int i = 0; i < a->view.ndim; i++) offset += at[i] * a->strides[i];
    list[count++] = get(a->view.data + offset * (int64_t)mxi_itemsize((mx_dtype)a->view.dtype), (mx_dtype)a->view.dtype);
    int i = a->view.ndim - 1;
    for (; i >= 0; i--) {
      if (!(mask >> i & 1)) continue;
      if (++at[i] < a->shape[i]) break;
      at[i] = 0;
    }
    if (i < 0) return count;
  }
}

static int compare(struct value a, struct value b, mx_dtype t) {
  if (mxi_kind(t) == MXI_KIND_UNSIGNED || t == MX_BOOL) return a.u < b.u ? -1 : a.u > b.u;
  if (mxi_kind(t) == MXI_KIND_SIGNED) return (int64_t)a.u < (int64_t)b.u ? -1 : (int64_t)a.u > (int64_t)b.u;
  if (a.re != b.re) return a.re < b.re ? -1 : 1;
  return a.im < b.im ? -1 : a.im > b.im;
}

struct expected {
  struct value v;
  long double size; /* what errors are relative to */
};

static long double complex_abs(struct value v) { return v.im != 0 ? hypotl(v.re, v.im) : fabsl(v.re); }

/* The definition, one element after the other, so that a scan costs no more than its last element. */
struct fold {
  struct value v; /* the sum, product, best element or truth; of logarithms the sum of exp(x - top) */
  long double size, top;
  int64_t count, best;
};

static struct fold fold_start(enum what op) {
  bool is_one = op == PROD || op == CUMPROD || op == ALL;
  return (struct fold){{is_one, 0, is_one}, 0, -INFINITY, 0, 0};
}

static void fold_product(struct value *v, struct value x) {
  long double re = v->re * x.re - v->im * x.im;
  v->im = v->re * x.im + v->im * x.re;
  v->re = re;
  v->u *= x.u;
}

static void fold_exp(struct fold *f, struct value x) {
  if (x.re > f->top) {
    long double less = expl(f->top - x.re);
    f->v.re *= less, f->v.im *= less, f->top = x.re;
  }
  long double r = expl(x.re - f->top);
  f->v.re += x.im != 0 ? r * cosl(x.im) : r;
  f->v.im += x.im != 0 ? r * sinl(x.im) : 0;
}

static void fold_add(struct fold *f, enum what op, struct value x, mx_dtype t) {
  switch (op) {
    case SUM: case CUMSUM: f->v.re += x.re, f->v.im += x.im, f->v.u += x.u, f->size += complex_abs(x); break;
    case PROD: case CUMPROD: fold_product(&f->v, x); break;
    case MAX: case CUMMAX: case ARGMAX:
      if (f->count == 0 || compare(x, f->v, t) > 0) f->v = x, f->best = f->count;
      break;
    case MIN: case CUMMIN: case ARGMIN:
      if (f->count == 0 || compare(x, f->v, t) < 0) f->v = x, f->best = f->count;
      break;
    case ALL: f->v.u &= x.re != 0 || x.im != 0; break;
    case ANY: f->v.u |= x.re != 0 || x.im != 0; break;
    default: fold_exp(f, x);
  }
  f->count++;
}

static struct expected fold_result(const struct fold *f, enum what op) {
  struct expected e = {f->v, f->size};
  if (is_arg(op)) e.v.u = (uint64_t)f->best;
  if (op == PROD || op == CUMPROD) /* of many, some order may have passed through 0 or infinity: see long_products_hold */
    e.size = f->count > 40 ? INFINITY : complex_abs(e.v) * (long double)f->count;
  if (has_exp(op)) {
    long double s = complex_abs(f->v);
    e.v.re = f->top + logl(s);
    e.v.im = atan2l(f->v.im, f->v.re);
    e.size = fabsl(e.v.re) + fabsl(f->top) + 1 + 1 / s * (long double)f->count;
  }
  return e;
}

static struct expected define(enum what op, const struct value *x, int64_t n, mx_dtype t) {
  struct fold f = fold_start(op);
  for (int64_t i = 0; i < n; i++) fold_add(&f, op, x[i], t);
  return fold_result(&f, op);
}

static long double epsilon(mx_dtype t) {
  return t == MX_FLOAT64 ? 0x1p-52L : t == MX_FLOAT16 ? 0x1p-10L : t == MX_BFLOAT16 ? 0x1p-7L : 0x1p-23L;
}

static const long double pi = 3.14159265358979323846264338327950288L;

/* Sums have at most 4 levels of 256 + 6 additions, scans n of them; halves are rounded once at the end. */
static void check_value(const char *name, struct value got, struct expected want, mx_dtype to, int64_t n, bool scan) {
  if (!mxi_is_inexact(to)) {
    int bits = 8 * (int)mxi_itemsize(to);
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
    if ((got.u & mask) != (want.v.u & mask)) fail_msg("%s %s: %llx, not %llx", name, mxi_dtype_names[to],
                                                     (unsigned long long)got.u, (unsigned long long)want.v.u);
    return;
  }
  long double acc = to == MX_FLOAT64 ? 0x1p-52L : 0x1p-23L, steps = scan ? (long double)n : n < 270 ? (long double)n : 270 + (long double)(n / 256);
  long double bound = acc * (steps + 8) * want.size + epsilon(to) * complex_abs(want.v) * (mxi_is_half(to)) + acc * complex_abs(want.v);
  if (to == MX_FLOAT16) bound += 0x1p-25L;
  if (!strncmp(name, "log", 3)) /* a logarithm is as good on another branch */
    want.v.im += 2 * pi * roundl((got.im - want.v.im) / (2 * pi));
  long double off = hypotl(got.re - want.v.re, got.im - want.v.im);
  bool both_infinite = isinf(got.re) && isinf(want.v.re) && got.re * want.v.re > 0;
  if (want.size == 0) bound = 0;
  if (isinf(bound)) return;
  if (!(off <= bound) && !both_infinite && !(mxi_is_half(to) && isinf(got.re)))
    fail_msg("%s %s: %Lg%+Lgi, not %Lg%+Lgi (n = %lld, off by %Lg of %Lg)", name, mxi_dtype_names[to], got.re, got.im,
             want.v.re, want.v.im, (long long)n, off, bound);
}

static void check_reduction(enum what op, const struct array *a, const struct array *out, uint64_t mask) {
  struct value *list = malloc((size_t)a->view.size * sizeof *list);
  mx_dtype t = (mx_dtype)a->view.dtype, to = (mx_dtype)out->view.dtype;
  int64_t results = 1;
  for (int i = 0; i < a->view.ndim; i++) results *= mask >> i & 1 ? 1 : a->shape[i];
  for (int64_t k = 0; k < results; k++) {
    int64_t n = collect(a, mask, k, list);
    if (op != SOFTMAX) {
      check_value(ops[op].name, get(element(out, k), to), define(op, list, n, t), to, n, false);
      continue;
    }
    struct expected e = define(LSE, list, n, t);
    struct value *got = malloc((size_t)n * sizeof *got);
    collect(out, mask, k, got);
    for (int64_t i = 0; i < n; i++) {
      long double r = expl(list[i].re - e.v.re), angle = list[i].im - e.v.im;
      struct expected y = {{r * cosl(angle), r * sinl(angle), 0}, r * (e.size + 8)};
      check_value("softmax", got[i], y, to, n, false);
    }
    free(got);
  }
  free(list);
}

static void check_scan(enum what op, const struct array *a, const struct array *out, uint64_t mask, int reverse,
                       int inclusive) {
  struct value *x = malloc((size_t)a->view.size * sizeof *x), *y = malloc((size_t)a->view.size * sizeof *y);
  mx_dtype t = (mx_dtype)a->view.dtype;
  int64_t rows = a->view.size / a->shape[first_axis(mask)];
  for (int64_t k = 0; k < rows; k++) {
    int64_t n = collect(a, mask, k, x);
    collect(out, mask, k, y);
    struct fold f = fold_start(op);
    for (int64_t i = 0; i < n; i++) {
      int64_t at = reverse ? n - 1 - i : i;
      if (inclusive) fold_add(&f, op, x[at], t);
      if (f.count) check_value(ops[op].name, y[at], fold_result(&f, op), t, f.count, true);
      if (!inclusive) fold_add(&f, op, x[at], t);
    }
  }
  free(x);
  free(y);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */
static const struct {
  int ndim;
  int64_t shape[6];
} shapes[] = {
    {0, {0}},          {1, {1}},          {1, {5}},        {1, {64}},         {1, {100}},      {1, {1000}},
    {1, {4097}},       {1, {8500}},       {2, {3, 5}},     {2, {300, 20}},    {2, {20, 300}},  {2, {3, 4100}},
    {2, {600, 17}},    {2, {4100, 3}},    {2, {1, 40}},    {3, {2, 3, 4}},    {3, {5, 40, 17}}, {3, {17, 3, 70}},
    {3, {9, 1, 50}},   {3, {33, 30, 2}},  {3, {260, 2, 18}}, {4, {2, 5, 3, 20}}, {5, {2, 3, 2, 3, 2}},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static bool skips(enum what op, int ndim, uint64_t mask, mx_dtype t) {
  if (one_axis(op) && (mask == 0 || mask & (mask - 1) || ndim == 0)) return true;
  if (has_exp(op) && !mxi_is_inexact(t)) return true;
  return op == CUMSUM && t == MX_BOOL; /* cast to int32 by the builder */
}

static void each_case(void (*fn)(enum what, const struct array *, mx_dtype, uint64_t)) {
  for (int t = 0; t < MXI_DTYPE_COUNT; t++)
    for (size_t s = (size_t)t % EVERY(2); s < SHAPES; s += EVERY(2)) {
      struct array *a = array_random((mx_dtype)t, shapes[s].ndim, shapes[s].shape);
      bool is_large = a->view.size > 2500, is_typical = t == MX_FLOAT32 || t == MX_BFLOAT16 || t == MX_COMPLEX64 || t == MX_INT8;
      for (uint64_t mask = is_large && !is_typical ? 1ull << shapes[s].ndim : 0; mask < 1ull << shapes[s].ndim; mask++)
        for (int op = 0; op < COUNT; op++)
          if (!skips((enum what)op, shapes[s].ndim, mask, (mx_dtype)t))
            fn((enum what)op, a, result_dtype((enum what)op, (mx_dtype)t), mask);
      array_free(a);
    }
}

static void against_definition(enum what op, const struct array *a, mx_dtype to, uint64_t mask) {
  for (int mode = 0; mode < (is_scan(op) ? 4 : 1); mode++) {
    struct array *out = apply(op, a, to, mask, mode & 1, !(mode & 2));
    assert_non_null(out);
    if (!is_scan(op))
      check_reduction(op, a, out, mask);
    else
      check_scan(op, a, out, mask, mode & 1, !(mode & 2));
    array_free(out);
  }
}
static void results_are_those_of_the_definitions(void **state) {
  (void)state;
  each_case(against_definition);
}

static void against_dense(enum what op, const struct array *a, mx_dtype to, uint64_t mask) {
  struct array *dense = apply(op, a, to, mask, 1, 0);
  for (int mode = 0; mode < 5; mode++) {
    static const struct { bool turned; int64_t gap; bool backwards; } modes[] = {
        {true, 1, false}, {false, 2, false}, {false, 1, true}, {true, 3, true}, {false, 1, false}};
    struct array *b = array_lay(a, modes[mode].turned, modes[mode].gap, modes[mode].backwards);
    struct array *out = apply(op, b, to, mask, 1, 0);
    if (!same_bits(dense, out)) fail_msg("%s %s: layout %d differs, ndim %d mask %llx", ops[op].name,
                                         mxi_dtype_names[a->view.dtype], mode, a->view.ndim, (unsigned long long)mask);
    array_free(out);
    array_free(b);
  }
  array_free(dense);
}
static void layouts_give_the_same_bits(void **state) {
  (void)state;
  each_case(against_dense);
}

static void broadcast_inputs_give_the_bits_of_their_copies(void **state) {
  (void)state;
  const int64_t shape[3] = {40, 7, 33};
  for (int t = 0; t < MXI_DTYPE_COUNT; t++)
    for (uint64_t zero = 1; zero < 8; zero++) {
      struct array *a = array_random((mx_dtype)t, 3, shape);
      for (int i = 0; i < 3; i++)
        if (zero >> i & 1) a->strides[i] = 0;
      struct array *copy = array_new((mx_dtype)t, 3, shape);
      for (int64_t i = 0; i < copy->view.size; i++)
        memcpy(copy->memory + (size_t)i * mxi_itemsize((mx_dtype)t), element(a, i), mxi_itemsize((mx_dtype)t));
      for (uint64_t mask = 1; mask < 8; mask++)
        for (int op = 0; op < COUNT; op++) {
          if (skips((enum what)op, 3, mask, (mx_dtype)t)) continue;
          mx_dtype to = result_dtype((enum what)op, (mx_dtype)t);
          struct array *x = apply((enum what)op, a, to, mask, 0, 1), *y = apply((enum what)op, copy, to, mask, 0, 1);
          assert_true(same_bits(x, y));
          array_free(x);
          array_free(y);
        }
      array_free(copy);
      array_free(a);
    }
}

static void against_baseline(enum what op, const struct array *a, mx_dtype to, uint64_t mask) {
  if (has_exp(op)) return; /* fused multiply-add where there is one */
  int top = atomic_load(&mxi_isa_chosen);
  struct array *best = apply(op, a, to, mask, 0, 1);
  for (int isa = 0; isa < top; isa++) {
    atomic_store(&mxi_isa_chosen, isa);
    struct array *out = apply(op, a, to, mask, 0, 1);
    atomic_store(&mxi_isa_chosen, top);
    if (!same_bits(best, out)) fail_msg("%s %s: isa %d differs", ops[op].name, mxi_dtype_names[a->view.dtype], isa);
    array_free(out);
  }
  array_free(best);
}
static void instruction_sets_give_the_same_bits(void **state) {
  (void)state;
  mxi_isa();
  each_case(against_baseline);
}

static void exponentials_hold_on_every_instruction_set(void **state) {
  (void)state;
  int top = (int)mxi_isa();
  for (int isa = 0; isa <= top; isa++) {
    atomic_store(&mxi_isa_chosen, isa);
    for (size_t s = 0; s < SHAPES; s++)
      for (int t = MX_FLOAT16; t < MXI_DTYPE_COUNT; t++) {
        struct array *a = array_random((mx_dtype)t, shapes[s].ndim, shapes[s].shape);
        for (uint64_t mask = 1; mask < 1ull << shapes[s].ndim; mask++) {
          against_definition(LSE, a, (mx_dtype)t, mask);
          against_definition(SOFTMAX, a, (mx_dtype)t, mask);
        }
        array_free(a);
      }
  }
  atomic_store(&mxi_isa_chosen, top);
}

static void threads_give_the_same_bits(void **state) {
  (void)state;
  static const struct { int ndim; int64_t shape[3]; } large[] = {
      {1, {300000 / EVERY(6)}}, {2, {3, 150001 / EVERY(6)}},   {2, {150001 / EVERY(6), 3}},
      {2, {700, 300 / EVERY(6)}}, {2, {2000, 100 / EVERY(6)}}, {3, {40, 50, 120 / EVERY(6)}}};
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT16, MX_FLOAT64, MX_INT8, MX_COMPLEX64};
  for (size_t s = 0; s < sizeof large / sizeof *large; s++)
    for (size_t t = s % EVERY(3); t < 5; t += EVERY(3)) {
      struct array *dense = array_random(dtypes[t], large[s].ndim, large[s].shape);
      struct array *turned = array_lay(dense, true, 1, false);
      for (uint64_t mask = 1; mask < 1ull << large[s].ndim; mask++)
        for (int op = 0; op < COUNT; op++) {
          if (skips((enum what)op, large[s].ndim, mask, dtypes[t])) continue;
          mx_dtype to = result_dtype((enum what)op, dtypes[t]);
          mxi_pool_set_threads(1);
          struct array *one = apply((enum what)op, dense, to, mask, 0, 1);
          for (int threads = 1; threads <= 3; threads++) {
            mxi_pool_set_threads(threads);
            struct array *x = apply((enum what)op, dense, to, mask, 0, 1), *y = apply((enum what)op, turned, to, mask, 0, 1);
            if (!same_bits(one, x) || !same_bits(one, y)) fail_msg("%s %s on %d threads", ops[op].name,
                                                                  mxi_dtype_names[dtypes[t]], threads);
            array_free(x);
            array_free(y);
          }
          array_free(one);
        }
      array_free(turned);
      array_free(dense);
    }
  mxi_pool_set_threads(1);
}

static void empty_inputs_give_identities(void **state) {
  (void)state;
  const int64_t shape[2] = {0, 5}, none[2] = {5, 0};
  for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
    struct array *a = array_new((mx_dtype)t, 2, shape), *b = array_new((mx_dtype)t, 2, none);
    for (int op = 0; op < COUNT; op++) {
      if (skips((enum what)op, 2, 1, (mx_dtype)t)) continue;
      mx_dtype to = result_dtype((enum what)op, (mx_dtype)t);
      struct array *nothing = apply((enum what)op, b, to, 1, 0, 1);
      assert_non_null(nothing);
      assert_int_equal(nothing->view.size, 0);
      array_free(nothing);
      if (op > ANY || op == MAX || op == MIN) continue; /* refused by the builders */
      struct array *out = apply((enum what)op, a, to, 1, 0, 1);
      for (int64_t i = 0; i < 5; i++) {
        struct value v = get(element(out, i), to);
        assert_true(v.re == (op == PROD || op == ALL) && v.im == 0);
      }
      array_free(out);
    }
    array_free(a);
    array_free(b);
  }
}

static float one(enum what op, const float *x, int64_t n) {
  struct array *a = array_new(MX_FLOAT32, 1, &n);
  memcpy(a->memory, x, (size_t)n * sizeof *x);
  struct array *out = apply(op, a, is_arg(op) ? MX_UINT32 : MX_FLOAT32, 1, 0, 1);
  struct value v = get(element(out, keeps_shape(op) ? n - 1 : 0), (mx_dtype)out->view.dtype);
  array_free(a);
  array_free(out);
  return (float)v.re;
}

static void nan_wins_wherever_it_stands(void **state) {
  (void)state;
  int top = (int)mxi_isa();
  for (int isa = 0; isa <= top; isa++) {
    atomic_store(&mxi_isa_chosen, isa);
    for (int64_t n = 1; n < 9000; n = n * 3 / 2 + 1) {
      float *x = malloc((size_t)n * sizeof *x);
      for (int64_t at = 0; at < n; at += 1 + at / 3) {
        for (int64_t i = 0; i < n; i++) x[i] = (float)(i % 7);
        x[at] = NAN;
        assert_true(isnan(one(MAX, x, n)) && isnan(one(MIN, x, n)));
        assert_true(isnan(one(LSE, x, n)) && isnan(one(SOFTMAX, x, n)));
        assert_true(isnan(one(CUMMAX, x, n)) && isnan(one(CUMMIN, x, n)));
        x[n - 1] = NAN;
        assert_true(one(ARGMAX, x, n) == (float)at && one(ARGMIN, x, n) == (float)at);
      }
      free(x);
    }
    const int64_t shape[2] = {11, 40}; /* columns */
    for (int64_t r = 0; r < 11; r++)
      for (int64_t c = 0; c < 40; c += 13) {
        struct array *a = array_new(MX_FLOAT32, 2, shape);
        for (int64_t i = 0; i < 440; i++) ((float *)(void *)a->memory)[i] = (float)(i % 5);
        ((float *)(void *)a->memory)[r * 40 + c] = NAN;
        struct array *max = apply(MAX, a, MX_FLOAT32, 1, 0, 1), *arg = apply(ARGMIN, a, MX_UINT32, 1, 0, 1);
        for (int64_t i = 0; i < 40; i++) assert_int_equal(isnan(((float *)(void *)max->memory)[i]) != 0, i == c);
        assert_int_equal(((uint32_t *)(void *)arg->memory)[c], r);
        array_free(a);
        array_free(max);
        array_free(arg);
      }
  }
  atomic_store(&mxi_isa_chosen, top);
}

static void infinities_have_their_limits(void **state) {
  (void)state;
  const float low[3] = {-INFINITY, -INFINITY, -INFINITY}, high[3] = {INFINITY, 0, -INFINITY};
  assert_true(one(LSE, low, 3) == -INFINITY && one(LSE, high, 3) == INFINITY);
  assert_true(isnan(one(SOFTMAX, low, 3)) && isnan(one(SOFTMAX, high, 3)));
  assert_true(one(LOGCUMSUM, low, 3) == -INFINITY && one(LOGCUMSUM, high, 3) == INFINITY);
  assert_true(one(MAX, low, 3) == -INFINITY && one(MIN, (const float[]){INFINITY, INFINITY}, 2) == INFINITY);
}

static void ties_take_the_first(void **state) {
  (void)state;
  for (int64_t n = 2; n < 10000; n = n * 2 + 3) {
    float *x = calloc((size_t)n, sizeof *x);
    assert_true(one(ARGMAX, x, n) == 0 && one(ARGMIN, x, n) == 0);
    x[n / 2] = x[n - 1] = 1;
    assert_true(one(ARGMAX, x, n) == (float)(n / 2));
    x[n / 2] = x[n - 1] = -1;
    assert_true(one(ARGMIN, x, n) == (float)(n / 2));
    free(x);
  }
}

static void complex_order_is_lexicographic(void **state) {
  (void)state;
  const int64_t n = 3;
  const mxi_c64 x[3] = {{1, 2}, {1, 5}, {0, 7}};
  struct array *a = array_new(MX_COMPLEX64, 1, &n);
  memcpy(a->memory, x, sizeof x);
  struct array *max = apply(MAX, a, MX_COMPLEX64, 1, 0, 1), *min = apply(MIN, a, MX_COMPLEX64, 1, 0, 1);
  struct array *arg = apply(ARGMAX, a, MX_UINT32, 1, 0, 1);
  assert_true(get(max->memory, MX_COMPLEX64).im == 5 && get(min->memory, MX_COMPLEX64).im == 7);
  assert_int_equal(*(uint32_t *)(void *)arg->memory, 1);
  array_free(a);
  array_free(max);
  array_free(min);
  array_free(arg);
}

static void exclusive_scans_start_with_identities(void **state) {
  (void)state;
  const int64_t n = 4;
  static const long double starts[COUNT] = {[CUMPROD] = 1, [CUMMAX] = -INFINITY, [CUMMIN] = INFINITY, [LOGCUMSUM] = -INFINITY};
  for (int op = CUMSUM; op < COUNT; op++)
    for (int reverse = 0; reverse < 2; reverse++) {
      struct array *a = array_random(MX_FLOAT32, 1, &n), *out = apply((enum what)op, a, MX_FLOAT32, 1, reverse, 0);
      assert_true(get(element(out, reverse ? 3 : 0), MX_FLOAT32).re == starts[op]);
      assert_true(get(element(out, reverse ? 2 : 1), MX_FLOAT32).re == get(element(a, reverse ? 3 : 0), MX_FLOAT32).re);
      array_free(a);
      array_free(out);
    }
}

/* Factors near 1, so that no order leaves the range. */
static void long_products_hold(void **state) {
  (void)state;
  static const int64_t shape[3] = {30, 300, 20};
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
  for (size_t t = 0; t < 3; t++) {
    struct array *a = array_new(dtypes[t], 3, shape);
    for (int64_t i = 0; i < a->view.size; i++) {
      float x = 1 + (float)((int)(next() % 2001) - 1000) / 1e5f;
      double d = x;
      mxi_c64 c = {x, (x - 1) / 2};
      char *p = a->memory + (size_t)i * mxi_itemsize(dtypes[t]);
      if (dtypes[t] == MX_FLOAT64) memcpy(p, &d, 8);
      else if (dtypes[t] == MX_FLOAT32) memcpy(p, &x, 4);
      else memcpy(p, &c, 8);
    }
    struct value *list = malloc((size_t)a->view.size * sizeof *list);
    for (uint64_t mask = 1; mask < 8; mask++) {
      struct array *out = apply(PROD, a, dtypes[t], mask, 0, 1);
      for (int64_t k = 0; k < out->view.size; k++) {
        int64_t n = collect(a, mask, k, list);
        struct expected e = define(PROD, list, n, dtypes[t]);
        e.size = complex_abs(e.v) * (long double)n / 100; /* each rounding is a share of the whole */
        check_value("prod", get(element(out, k), dtypes[t]), e, dtypes[t], 100, true);
      }
      array_free(out);
    }
    free(list);
    array_free(a);
  }
}

static void sums_convert_to_their_output(void **state) {
  (void)state;
  const int64_t shape[2] = {30, 50};
  for (int t = 0; t < MX_COMPLEX64; t++) {
    struct array *a = array_random((mx_dtype)t, 2, shape);
    for (int to = MX_FLOAT32; to <= MX_FLOAT64; to++) {
      if (t == MX_FLOAT64 && to == MX_FLOAT32) continue;
      for (uint64_t mask = 1; mask < 4; mask++) {
        struct array *out = apply(SUM, a, (mx_dtype)to, mask, 0, 1);
        assert_non_null(out);
        struct array *wide = array_new((mx_dtype)to, 2, shape);
        for (int64_t i = 0; i < a->view.size; i++) {
          long double v = get(element(a, i), (mx_dtype)t).re;
          if (to == MX_FLOAT32) ((float *)(void *)wide->memory)[i] = (float)v;
          else ((double *)(void *)wide->memory)[i] = (double)v;
        }
        struct array *want = apply(SUM, wide, (mx_dtype)to, mask, 0, 1);
        assert_true(same_bits(out, want));
        array_free(out);
        array_free(want);
        array_free(wide);
      }
    }
    array_free(a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_those_of_the_definitions),
      cmocka_unit_test(layouts_give_the_same_bits),
      cmocka_unit_test(broadcast_inputs_give_the_bits_of_their_copies),
      cmocka_unit_test(instruction_sets_give_the_same_bits),
      cmocka_unit_test(exponentials_hold_on_every_instruction_set),
      cmocka_unit_test(threads_give_the_same_bits),
      cmocka_unit_test(empty_inputs_give_identities),
      cmocka_unit_test(nan_wins_wherever_it_stands),
      cmocka_unit_test(infinities_have_their_limits),
      cmocka_unit_test(ties_take_the_first),
      cmocka_unit_test(complex_order_is_lexicographic),
      cmocka_unit_test(exclusive_scans_start_with_identities),
      cmocka_unit_test(long_products_hold),
      cmocka_unit_test(sums_convert_to_their_output),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

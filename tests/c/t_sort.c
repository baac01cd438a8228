/* Sort kernels against qsort with an explicit order (ties by position), for every dtype, axis, layout and length class;
 * bit for bit between instruction sets and numbers of threads. Then the builders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/isa.h"
#include "backend/cpu/sort_wide.h"
#include "base/half.h"
#include "base/pool.h"
#include "core/params.h"
#include "plan/program.h"

mx_status mxi_cpu_sort(struct mx_task *task);
mx_status mxi_cpu_argsort(struct mx_task *task);
mx_status mxi_cpu_partition(struct mx_task *task);
mx_status mxi_cpu_argpartition(struct mx_task *task);
mx_status mxi_cpu_searchsorted(struct mx_task *task);
size_t mxi_cpu_sort_scratch(const struct mx_task *task);
size_t mxi_cpu_partition_scratch(const struct mx_task *task);

static uint64_t random_state = 1;
static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

/* ---- The order, by definition ------------------------------------------------------------------------------------ */
struct number {
  double re, im;
  uint64_t whole; /* of 64-bit integers, offset so that unsigned order is the value's */
  int is_nan;
};

static struct number read_number(mx_dtype t, const char *p) {
  struct number v = {0};
  switch (t) {
    case MX_BOOL: case MX_UINT8: v.re = *(const uint8_t *)p; break;
    case MX_UINT16: v.re = *(const uint16_t *)p; break;
    case MX_UINT32: v.re = *(const uint32_t *)p; break;
    case MX_UINT64: v.whole = *(const uint64_t *)p; break;
    case MX_INT8: v.re = *(const int8_t *)p; break;
    case MX_INT16: v.re = *(const int16_t *)p; break;
    case MX_INT32: v.re = *(const int32_t *)p; break;
    case MX_INT64: v.whole = (uint64_t)*(const int64_t *)p + (UINT64_C(1) << 63); break;
    case MX_FLOAT16: v.re = mxi_f16_to_f32(*(const uint16_t *)p); break;
    case MX_BFLOAT16: v.re = mxi_bf16_to_f32(*(const uint16_t *)p); break;
    case MX_FLOAT32: v.re = *(const float *)p; break;
    case MX_FLOAT64: v.re = *(const double *)p; break;
    case MX_COMPLEX64: v.re = ((const float *)p)[0], v.im = ((const float *)p)[1]; break;
  }
  v.is_nan = isnan(v.re) || isnan(v.im);
  return v;
}

static int compare(struct number a, struct number b) {
  if (a.is_nan || b.is_nan) return a.is_nan - b.is_nan;
  if (a.whole != b.whole) return a.whole < b.whole ? -1 : 1;
  if (a.re != b.re) return a.re < b.re ? -1 : 1;
  return a.im < b.im ? -1 : a.im > b.im;
}

static struct {
  mx_dtype dtype;
  const char *line;
  int64_t step;
} ordered;

static int compare_places(const void *x, const void *y) {
  uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
  int order = compare(read_number(ordered.dtype, ordered.line + i * ordered.step),
                      read_number(ordered.dtype, ordered.line + j * ordered.step));
  return order ? order : i < j ? -1 : 1;
}

/* ---- Arrays: (outer, length, inner), with gaps or reversed --------------------------------------------------------
 */
struct sample {
  int64_t shape[3], strides[3], dense[3], size;
  struct mx_view in;
  char *memory;
};

static void fill(mx_dtype t, char *p, int64_t n) {
  static const uint32_t odd[] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x3f800000, 0xbf800000};
  for (int64_t i = 0; i < n; i++) {
    uint64_t r = next_random(), pick = next_random() % 16;
    int size = mxi_itemsizes[t];
    if (t == MX_BOOL) r &= 1;
    if (t == MX_FLOAT32 || t == MX_COMPLEX64) {
      uint32_t word[2] = {pick < 8 ? odd[pick] : (uint32_t)r, pick < 12 ? odd[r % 8] : (uint32_t)(r >> 32)};
      memcpy(p + i * size, word, (size_t)size);
      continue;
    }
    if (t == MX_FLOAT64 && pick < 8) r = (uint64_t)odd[pick] << 32;
    if (t == MX_FLOAT64 && pick == 9) r &= UINT64_C(0xffffffff); /* equal upper halves */
    if ((t == MX_FLOAT16 || t == MX_BFLOAT16) && pick < 8) r = odd[pick] >> 16;
    if ((t == MX_INT64 || t == MX_UINT64) && pick < 8) r &= UINT64_C(0x800000000000000f);
    memcpy(p + i * size, &r, (size_t)size);
  }
}

/* The view of a sample that has come to rest. */
static struct mx_view view_of(const struct sample *s) {
  struct mx_view v = s->in;
  v.shape = s->shape;
  v.strides = s->strides;
  return v;
}

static struct sample make(mx_dtype t, int64_t outer, int64_t length, int64_t inner, int layout) {
  struct sample s = {.shape = {outer, length, inner}, .size = outer * length * inner};
  int64_t gap = layout == 1 ? 2 : 1, item = mxi_itemsizes[t];
  s.strides[2] = gap, s.strides[1] = gap * inner, s.strides[0] = gap * inner * length;
  s.dense[2] = 1, s.dense[1] = inner, s.dense[0] = inner * length;
  s.memory = malloc((size_t)(s.size * gap * item + 1));
  assert_non_null(s.memory);
  fill(t, s.memory, s.size * gap);
  s.in = (struct mx_view){s.memory, NULL, NULL, s.size, 3, (uint8_t)t, gap == 1};
  if (layout == 2 && s.size) { /* the line runs backwards */
    s.in.data += (length - 1) * inner * item;
    s.strides[1] = -s.strides[1];
    s.in.contiguous = 0;
  }
  return s;
}

static void run(mx_status (*kernel)(struct mx_task *), const struct sample *s, int axis, int number,
                mx_dtype out_dtype, char *out) {
  struct mx_view in = view_of(s), result = {out, s->shape, s->dense, s->size, 3, (uint8_t)out_dtype, 1};
  struct mxi_params_axis p = {axis, number};
  struct mx_task task = {.in = &in, .out = &result, .params = &p, .in_count = 1, .out_count = 1};
  size_t nbytes = mxi_cpu_sort_scratch(&task), other = mxi_cpu_partition_scratch(&task);
  if (other > nbytes) nbytes = other;
  task.scratch = aligned_alloc(64, (nbytes + 127) / 64 * 64);
  assert_non_null(task.scratch);
  assert_int_equal(kernel(&task), MX_OK);
  free(task.scratch);
}

static void check_line(const struct sample *s, mx_dtype t, int64_t at, int64_t out_at, int64_t kth,
                       char *const out[4]) {
  const int64_t n = s->shape[1], item = mxi_itemsizes[t], step = s->strides[1] * item, inner = s->shape[2];
  const char *line = s->in.data + at * item;
  uint32_t *order = malloc((size_t)n * sizeof *order), *seen = calloc((size_t)n, sizeof *seen);
  assert_non_null(order);
  assert_non_null(seen);
  for (int64_t i = 0; i < n; i++) order[i] = (uint32_t)i;
  ordered.dtype = t, ordered.line = line, ordered.step = step;
  qsort(order, (size_t)n, sizeof *order, compare_places);
  struct number pivot = read_number(t, line + order[kth] * step);
  for (int64_t i = 0; i < n; i++) {
    int64_t place = out_at + i * inner;
    assert_memory_equal(out[0] + place * item, line + order[i] * step, (size_t)item);
    assert_int_equal(((uint32_t *)out[1])[place], order[i]);
    uint32_t source = ((uint32_t *)out[3])[place];
    assert_true(source < n && !seen[source]++);
    assert_memory_equal(out[2] + place * item, line + source * step, (size_t)item);
    int side = compare(read_number(t, out[2] + place * item), pivot);
    assert_true(i < kth ? side <= 0 : i > kth ? side >= 0 : side == 0);
  }
  free(order);
  free(seen);
}

static void check_shape(mx_dtype t, int64_t outer, int64_t length, int64_t inner, int layout) {
  struct sample s = make(t, outer, length, inner, layout);
  char *out[4], *again[4];
  for (int i = 0; i < 4; i++) {
    out[i] = malloc((size_t)s.size * 8 + 1);
    again[i] = malloc((size_t)s.size * 8 + 1);
    assert_non_null(out[i]);
    assert_non_null(again[i]);
  }
  int kth = length ? (int)(next_random() % (uint64_t)length) : 0, top = (int)mxi_isa();
  for (int isa = 0; isa <= top; isa++)
    for (int threads = 1; threads <= 3; threads++) {
      atomic_store(&mxi_isa_chosen, isa);
      mxi_pool_set_threads(threads);
      char *const *to = isa == 0 && threads == 1 ? out : again;
      run(mxi_cpu_sort, &s, 1, 0, t, to[0]);
      run(mxi_cpu_argsort, &s, 1, 0, MX_UINT32, to[1]);
      run(mxi_cpu_partition, &s, 1, kth, t, to[2]);
      run(mxi_cpu_argpartition, &s, 1, kth, MX_UINT32, to[3]);
      for (int i = 0; i < 4 && to == again; i++)
        assert_memory_equal(out[i], again[i], (size_t)s.size * (i % 2 ? 4 : mxi_itemsizes[t]));
    }
  for (int64_t i = 0; length && i < outer; i++)
    for (int64_t j = 0; j < inner; j++)
      check_line(&s, t, i * s.strides[0] + j * s.strides[2], i * length * inner + j, kth, out);
  for (int i = 0; i < 4; i++) {
    free(out[i]);
    free(again[i]);
  }
  free(s.memory);
}

static void sorts_are_stable_on_every_set_and_number_of_threads(void **state) {
  (void)state;
  static const int64_t lengths[] = {0, 1, 2, 7, 48, 49, 64, 65, 300, 2047, 2048, 5000};
  mxi_isa();
  for (int t = 0; t < MXI_DTYPE_COUNT; t++)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
      check_shape((mx_dtype)t, lengths[i] > 1000 ? 3 : 37, lengths[i], lengths[i] > 100 ? 1 : 3,
                  (int)(i + (size_t)t) % 3);
  static const mx_dtype wide[] = {MX_UINT8, MX_FLOAT32, MX_INT64, MX_BFLOAT16, MX_COMPLEX64};
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) check_shape(wide[i], 1, MXI_SORT_WIDE + 77, 1, (int)i % 3);
  check_shape(MX_FLOAT32, 2, 300, 7, 1);
  check_shape(MX_INT64, 2, 300, 7, 2);
}

static void searches_count_what_lies_before(void **state) {
  (void)state;
  for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
    const int64_t item = mxi_itemsizes[t], n = 200, count = 3000;
    struct sample s = make((mx_dtype)t, 1, n, 1, 0), v = make((mx_dtype)t, 1, count, 1, 1);
    char *sorted = malloc((size_t)(n * item));
    uint32_t *out = malloc((size_t)count * sizeof *out);
    assert_non_null(sorted);
    assert_non_null(out);
    run(mxi_cpu_sort, &s, 1, 0, (mx_dtype)t, sorted);
    for (int right = 0; right < 2; right++) {
      const int64_t one[] = {n}, step[] = {1};
      struct mx_view in[] = {{sorted, one, step, n, 1, (uint8_t)t, 1}, view_of(&v)};
      struct mx_view result = {(char *)out, v.shape, v.dense, count, 3, MX_UINT32, 1};
      struct mxi_params_axis p = {0, right};
      struct mx_task task = {.in = in, .out = &result, .params = &p, .in_count = 2, .out_count = 1};
      assert_int_equal(mxi_cpu_searchsorted(&task), MX_OK);
      for (int64_t i = 0; i < count; i++) {
        struct number value = read_number((mx_dtype)t, v.in.data + i * v.strides[1] * item);
        uint32_t before = 0;
        for (int64_t j = 0; j < n; j++) before += compare(read_number((mx_dtype)t, sorted + j * item), value) < right;
        assert_int_equal(out[i], before);
      }
    }
    free(sorted);
    free(out);
    free(s.memory);
    free(v.memory);
  }
}

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
static mx_array sort_last(const mx_array *args, void *ctx) {
  (void)ctx;
  const float weights[] = {1, 10, 100, 1000};
  return mx_sum(mx_multiply(mx_sort(args[0], -1), mx_from_data(weights, MX_INTS(4), MX_FLOAT32)), MX_ALL, false);
}

static void gradient_of_sort_follows_the_values(void **state) {
  (void)state;
  const float x[] = {3, 1, 4, 2, 0, -1, 5, -2}, expected[] = {100, 1, 1000, 10, 100, 10, 1000, 1};
  mx_scope scope = mx_scope_begin();
  mx_array a = mx_from_data(x, MX_INTS(2, 4), MX_FLOAT32), g = NULL;
  assert_int_equal(mx_grad(sort_last, NULL, &a, 1, &g), MX_OK);
  assert_memory_equal(mx_data(g), expected, sizeof expected);
  mx_scope_end(scope);
}

static void builders_refuse_what_they_cannot_sort(void **state) {
  (void)state;
  mx_scope scope = mx_scope_begin();
  mx_array a = mx_zeros(MX_INTS(3, 4), MX_INT32);
  assert_null(mx_sort(mx_f32(1), -1));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_partition(a, 4, 1));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_topk(a, 5, 1));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_searchsorted(a, a, false));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_int_equal(mx_dim(mx_topk(a, 0, 1), 1), 0);
  mx_array out[4];
  assert_int_equal(mx_unique(a, -1, NULL, out), MX_ERR_VALUE);
  mx_error_clear();
  assert_int_equal(mx_unique(a, 2, mx_zeros(MX_INTS(2), MX_INT32), out), MX_ERR_VALUE);
  mx_error_clear();
  assert_int_equal(mx_unique(mx_zeros(MX_INTS(0), MX_INT32), 1, NULL, out), MX_ERR_VALUE);
  mx_error_clear();
  mx_scope_end(scope);
}

/* Against a loop over what was seen so far, for sizes below, at and above the number of different elements. */
static void uniques_are_first_of_their_kind(void **state) {
  (void)state;
  enum { COUNT = 200, KINDS = 17, MOST = 20 };
  int32_t x[COUNT];
  uint32_t first[MOST], kind[COUNT];
  int32_t counts[MOST];
  for (int i = 0; i < COUNT; i++) x[i] = (int32_t)(next_random() % KINDS);
  for (int size = 0; size <= MOST; size++) {
    mx_scope scope = mx_scope_begin();
    mx_array out[4], a = mx_from_data(x, MX_INTS(10, 20), MX_INT32);
    assert_int_equal(mx_unique(a, size, mx_scalar_i(-1), out), MX_OK);
    int32_t values[MOST];
    int found = 0;
    for (int32_t v = 0; v < KINDS; v++) {
      uint32_t times = 0, at = 0;
      for (int i = COUNT; i-- > 0;)
        if (x[i] == v) times++, at = (uint32_t)i, kind[i] = (uint32_t)(found < size ? found : size ? size - 1 : 0);
      if (!times) continue;
      if (found < size) values[found] = v, first[found] = at, counts[found] = (int32_t)times;
      found++;
    }
    for (int i = found; i < size; i++) values[i] = -1, first[i] = first[0], counts[i] = 0;
    assert_memory_equal(mx_data(out[2]), kind, sizeof kind);
    if (size) assert_memory_equal(mx_data(out[0]), values, (size_t)size * 4);
    if (size) assert_memory_equal(mx_data(out[1]), first, (size_t)size * 4);
    if (size) assert_memory_equal(mx_data(out[3]), counts, (size_t)size * 4);
    mx_scope_end(scope);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sorts_are_stable_on_every_set_and_number_of_threads),
      cmocka_unit_test(searches_count_what_lies_before),
      cmocka_unit_test(gradient_of_sort_follows_the_values),
      cmocka_unit_test(uniques_are_first_of_their_kind),
      cmocka_unit_test(builders_refuse_what_they_cannot_sort),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

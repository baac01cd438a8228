/* Conversions between every pair of dtypes, against the rules of docs/numerics.md in plain C: by the kernels of every
 * instruction set, and by astype over layouts. What released MLX gives for the same stands in tests/golden/cast.txt and is
 * replayed by t_golden. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/halves.h"
#include "support/isa_rows.h"

enum { COUNT = 1283 }; /* odd, so that last blocks are partial */

static uint64_t state = 88172645463325252u;
static uint64_t next_bits(void) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return state * 2685821657736338717u;
}

/* ---- The definition ---------------------------------------------------------------------------------------------- */
struct value { /* of any dtype: integers in `bits`, with their sign above; floats in re, complex numbers in both */
  int kind;
  uint64_t bits;
  double re, im;
};

static bool is_float(int kind) { return kind == MXI_KIND_FLOAT || kind == MXI_KIND_COMPLEX; }

static struct value load(int dtype, const void *from) {
  struct value v = {.kind = mxi_kinds[dtype]};
  float parts[2];
  memcpy(&v.bits, from, mxi_itemsizes[dtype]);
  int unused = 64 - 8 * mxi_itemsizes[dtype];
  if (v.kind == MXI_KIND_SIGNED) v.bits = (uint64_t)((int64_t)(v.bits << unused) >> unused);
  if (dtype == MX_FLOAT64) memcpy(&v.re, from, sizeof v.re);
  if (dtype == MX_FLOAT32) memcpy(parts, from, 4), v.re = parts[0];
  if (dtype == MX_COMPLEX64) memcpy(parts, from, 8), v.re = parts[0], v.im = parts[1];
  if (mxi_is_half((mx_dtype)dtype)) v.re = half_value((mx_dtype)dtype, (uint16_t)v.bits);
  return v;
}

/* Truncated through int32, or int64 for uint32 and 64-bit targets; what does not fit, and NaN, is the lowest of those.
 * uint64 also takes what only it can hold. */
static uint64_t whole(int to, double x) {
  bool is_wide = mxi_itemsizes[to] == 8 || to == MX_UINT32;
  double limit = is_wide ? 0x1p63 : 0x1p31, t = trunc(x);
  if (to == MX_UINT64 && t >= 0x1p63 && t < 0x1p64) return (uint64_t)t;
  return t >= -limit && t < limit ? (uint64_t)(int64_t)t : is_wide ? 1ull << 63 : (uint64_t)INT32_MIN;
}

static float to_f32(struct value v) {
  return is_float(v.kind) ? (float)v.re : v.kind == MXI_KIND_SIGNED ? (float)(int64_t)v.bits : (float)v.bits;
}

static double to_f64(struct value v) {
  return is_float(v.kind) ? v.re : v.kind == MXI_KIND_SIGNED ? (double)(int64_t)v.bits : (double)v.bits;
}

static void convert(int to, struct value v, void *out) {
  uint64_t bits = is_float(v.kind) ? 0 : v.bits;
  float parts[2] = {to_f32(v), (float)v.im};
  double wide = to_f64(v);
  if (to == MX_BOOL) bits = is_float(v.kind) ? (v.re != 0) | (v.im != 0) : v.bits != 0;
  else if (mxi_is_half((mx_dtype)to)) bits = half_nearest((mx_dtype)to, parts[0]);
  else if (mxi_kinds[to] < MXI_KIND_FLOAT && is_float(v.kind)) bits = whole(to, v.re);
  const void *from = to == MX_FLOAT64 ? (void *)&wide : to == MX_FLOAT32 || to == MX_COMPLEX64 ? (void *)parts : &bits;
  memcpy(out, from, mxi_itemsizes[to]);
}

/* The same bits, or NaN both, part by part. */
static bool is_same(int dtype, const void *a, const void *b) {
  struct value u = load(dtype, a), v = load(dtype, b);
  if (!is_float(u.kind)) return u.bits == v.bits;
  return ((isnan(u.re) && isnan(v.re)) || (u.re == v.re && !signbit(u.re) == !signbit(v.re))) &&
         ((isnan(u.im) && isnan(v.im)) || (u.im == v.im && !signbit(u.im) == !signbit(v.im)));
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */
/* Zeros, limits of every type and their neighbours, fractions, what is no number; then any bits. */
static const double floats[] = {
    0, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 127, 127.5, 128, 255, 255.9, 256, 257, 32767, 32767.5, 32768, 65504, 65519, 65520,
    65535, 65536, 16777217, 0x1.fffffep30, 2147483647, 2147483647.5, 0x1p31, 2147483648.5, 0x1.000002p31, 4294967295,
    0x1p32, 0x1.000002p32, 0x1.fffffep62, 0x1.fffffffffffffp62, 0x1p63, 0x1.000002p63, 0x1.fffffep63,
    0x1.fffffffffffffp63, 0x1p64, 1e10, 3e38, 0x1.fffffep127, 0x1.fffffefp127, 1e300, INFINITY, NAN, 0x1p-14, 0x1p-24,
    0x1p-25, 0x1.8p-25, 0x1p-126, 0x1p-133, 0x1p-149, 0x1p-150, 0x1p-1074, 1.00390625, 1.0009765625, 1.01171875,
};
enum { FLOATS = sizeof floats / sizeof *floats };

static void put_float(int dtype, double v, char *out) {
  float narrow = (float)v;
  uint16_t half = half_nearest((mx_dtype)dtype, v);
  memcpy(out, dtype == MX_FLOAT64 ? (void *)&v : mxi_is_half((mx_dtype)dtype) ? (void *)&half : &narrow,
         dtype == MX_COMPLEX64 ? 4 : mxi_itemsizes[dtype]);
}

static void fill(int dtype, char *to) {
  static const uint64_t edges[] = {0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 16777217, INT32_MAX, 1ull << 31,
                                   UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, 0x80000000c0000001, 0x4000004000000001};
  size_t size = mxi_itemsizes[dtype], part = dtype == MX_COMPLEX64 ? 4 : size;
  for (size_t i = 0; i < COUNT * (size / part); i++) {
    uint64_t bits = next_bits() >> next_bits() % 64;
    if (i < 40) bits = i % 2 ? -edges[i / 2] : edges[i / 2];
    if (dtype == MX_BOOL) bits &= 1;
    memcpy(to + i * part, &bits, part);
    double v = i < 2 * FLOATS ? floats[i / 2] : ldexp((double)(int64_t)next_bits(), (int)(next_bits() % 140) - 100);
    if (is_float(mxi_kinds[dtype]) && (i < 2 * FLOATS || i % 2)) put_float(dtype, i % 2 ? -v : v, to + i * part);
  }
}

static void expect(const char *way, int from, int to, const char *in, const char *out) {
  char want[16];
  convert(to, load(from, in), want);
  if (is_same(to, out, want)) return;
  struct value v = load(from, in), got = load(to, out), w = load(to, want);
  fail_msg("%s: %s (%llx, %a, %a) to %s is (%llx, %a), expected (%llx, %a)", way, mxi_dtype_names[from],
           (unsigned long long)v.bits, v.re, v.im, mxi_dtype_names[to], (unsigned long long)got.bits, got.re,
           (unsigned long long)w.bits, w.re);
}

static char in[COUNT * 8], out[COUNT * 8];

/* ---- Kernels ----------------------------------------------------------------------------------------------------- */
static void every_set_converts_every_pair(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++)
    for (int from = 0; from < MXI_DTYPE_COUNT; from++)
      for (int to = 0; to < MXI_DTYPE_COUNT; to++) {
        if (mxi_is_half((mx_dtype)from) || mxi_is_half((mx_dtype)to)) continue;
        fill(from, in);
        sets[s].casts->cast[from][to](out, in, COUNT);
        for (size_t i = 0; i < COUNT; i++)
          expect(sets[s].name, from, to, in + i * mxi_itemsizes[from], out + i * mxi_itemsizes[to]);
      }
}

enum { HALVES = 65536 };
static float singles[HALVES * 4], rounded[HALVES * 4];
static uint16_t halves[HALVES * 4];

static void check_halves(const struct isa_rows *set, mx_dtype dtype) {
  int at = dtype == MX_BFLOAT16, n = HALVES;
  for (int i = 0; i < n; i++) halves[i] = (uint16_t)i;
  set->casts->load[at](singles, halves, HALVES);
  for (int i = 0; i < n; i++) expect(set->name, dtype, MX_FLOAT32, (char *)&halves[i], (char *)&singles[i]);
  /* every half, the middle to the next one, and its neighbours */
  for (int i = 0; i < n; i++) {
    float v = (float)half_value(dtype, (uint16_t)i), middle = (float)((v + half_value(dtype, (uint16_t)(i + 1))) / 2);
    if (isinf(middle) && !isinf(v)) middle = v + copysignf(ldexpf(1, ilogbf(v) - half_format_of(dtype).digits), v);
    singles[4 * i] = v;
    for (int k = 0; k < 3; k++) singles[4 * i + 1 + k] = k == 0 ? middle : nextafterf(middle, k == 1 ? 0 : INFINITY);
  }
  set->casts->store[at](halves, singles, 4 * HALVES - 3);
  set->casts->round[at](rounded, singles, 4 * HALVES - 3);
  for (int i = 0; i < 4 * HALVES - 3; i++) {
    expect(set->name, MX_FLOAT32, dtype, (char *)&singles[i], (char *)&halves[i]);
    expect(set->name, dtype, MX_FLOAT32, (char *)&halves[i], (char *)&rounded[i]);
  }
}

static void every_half_and_every_middle_rounds_to_nearest(void **unused) {
  (void)unused;
  struct isa_rows sets[ISA_ROWS_MOST];
  int count = isa_rows_here(sets);
  for (int s = 0; s < count; s++) check_halves(&sets[s], MX_FLOAT16), check_halves(&sets[s], MX_BFLOAT16);
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
enum layout { DENSE, FROM_THIRD, EVERY_THIRD, BACKWARDS, TURNED, REPEATED, NUMBER, EMPTY, LAYOUTS };

static mx_array laid_out(mx_array a, enum layout layout) {
  mx_array some = mx_slice(a, MX_INTS(3), MX_INTS(1283), MX_INTS(1));
  switch (layout) {
    case FROM_THIRD: return some;
    case EVERY_THIRD: return mx_slice(a, MX_INTS(1), MX_INTS(COUNT), MX_INTS(3));
    case BACKWARDS: return mx_flip(a, MX_ALL);
    case TURNED: return mx_transpose(mx_reshape(some, MX_INTS(32, 40)), MX_ALL);
    case REPEATED: return mx_broadcast_to(mx_slice(a, MX_INTS(0), MX_INTS(120), MX_INTS(1)), MX_INTS(10, 120));
    case NUMBER: return mx_reshape(mx_slice(a, MX_INTS(9), MX_INTS(10), MX_INTS(1)), MX_0D);
    case EMPTY: return mx_slice(a, MX_INTS(5), MX_INTS(5), MX_INTS(1));
    default: return a;
  }
}

/* Where element i of the layout lies in the array. */
static size_t source_of(enum layout layout, size_t i) {
  switch (layout) {
    case FROM_THIRD: return i + 3;
    case EVERY_THIRD: return 1 + 3 * i;
    case BACKWARDS: return COUNT - 1 - i;
    case TURNED: return 3 + i % 32 * 40 + i / 32;
    case REPEATED: return i % 120;
    case NUMBER: return 9;
    default: return i;
  }
}

static void astype_converts_every_pair_in_every_layout(void **unused) {
  (void)unused;
  static const char *const names[] = {"dense", "offset", "strided", "reversed", "transposed", "broadcast", "0-d", "empty"};
  for (int from = 0; from < MXI_DTYPE_COUNT; from++) {
    fill(from, in);
    for (int to = 0; to < MXI_DTYPE_COUNT; to++)
      for (int layout = 0; layout < LAYOUTS; layout++) {
        mx_scope s = mx_scope_begin();
        mx_array a = laid_out(mx_from_data(in, MX_INTS(COUNT), (mx_dtype)from), (enum layout)layout);
        mx_array y = mx_astype(a, (mx_dtype)to);
        size_t n = (size_t)mx_size(y);
        assert_int_equal(mx_copy_to(y, out, n * mxi_itemsizes[to]), MX_OK);
        assert_int_equal(mx_dtype_of(y), to);
        for (size_t i = 0; i < n; i++)
          expect(names[layout], from, to, in + source_of((enum layout)layout, i) * mxi_itemsizes[from],
                 out + i * mxi_itemsizes[to]);
        mx_scope_end(s);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_set_converts_every_pair),
      cmocka_unit_test(every_half_and_every_middle_rounds_to_nearest),
      cmocka_unit_test(astype_converts_every_pair_in_every_layout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

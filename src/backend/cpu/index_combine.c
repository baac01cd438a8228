/* What scatter does where an update meets an element: assign, add, multiply, max or min, for each dtype, along lines.
 * Integers wrap, bools use `or` and `and`, halves round after each step, NaN wins in max and min, complex numbers order
 * by real part, then imaginary part. */
#include "backend/cpu/index.h"
#include "base/half.h"

#define ADD(a, b) ((a) + (b))
#define MULTIPLY(a, b) ((a) * (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX_NAN(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define MIN_NAN(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define OR(a, b) ((a) | (b))
#define AND(a, b) ((a) & (b))
#define SAME(x) (x)

/* T as stored, C as computed */
#define LINE(op, name, T, C, LOAD, STORE, FORMULA)                                                          \
  static void op##_##name(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n) {      \
    for (int64_t i = 0; i < n; i++) {                                                                       \
      T *p = (T *)(to + i * to_step);                                                                       \
      C a = LOAD(*p), b = LOAD(*(const T *)(from + i * from_step));                                         \
      *p = (T)STORE(FORMULA(a, b));                                                                         \
    }                                                                                                       \
  }
#define LINES(name, T, C, LOAD, STORE, ADD, MULTIPLY, MAX, MIN) \
  LINE(add, name, T, C, LOAD, STORE, ADD)                       \
  LINE(multiply, name, T, C, LOAD, STORE, MULTIPLY)             \
  LINE(max, name, T, C, LOAD, STORE, MAX)                       \
  LINE(min, name, T, C, LOAD, STORE, MIN)

static inline mxi_c64 c_add(mxi_c64 a, mxi_c64 b) { return (mxi_c64){a.re + b.re, a.im + b.im}; }
static inline mxi_c64 c_multiply(mxi_c64 a, mxi_c64 b) {
  return (mxi_c64){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline bool c_less(mxi_c64 a, mxi_c64 b) { return a.re < b.re || (a.re == b.re && a.im < b.im); }
static inline bool c_isnan(mxi_c64 a) { return a.re != a.re || a.im != a.im; }
static inline mxi_c64 c_max(mxi_c64 a, mxi_c64 b) { return c_isnan(a) || (!c_isnan(b) && c_less(b, a)) ? a : b; }
static inline mxi_c64 c_min(mxi_c64 a, mxi_c64 b) { return c_isnan(a) || (!c_isnan(b) && c_less(a, b)) ? a : b; }

LINES(b8, uint8_t, uint8_t, SAME, SAME, OR, AND, OR, AND)
LINES(u8, uint8_t, uint32_t, SAME, SAME, ADD, MULTIPLY, MAX, MIN)
LINES(u16, uint16_t, uint32_t, SAME, SAME, ADD, MULTIPLY, MAX, MIN)
LINES(u32, uint32_t, uint32_t, SAME, SAME, ADD, MULTIPLY, MAX, MIN)
LINES(u64, uint64_t, uint64_t, SAME, SAME, ADD, MULTIPLY, MAX, MIN)
LINE(max, i8, int8_t, int8_t, SAME, SAME, MAX)
LINE(min, i8, int8_t, int8_t, SAME, SAME, MIN)
LINE(max, i16, int16_t, int16_t, SAME, SAME, MAX)
LINE(min, i16, int16_t, int16_t, SAME, SAME, MIN)
LINE(max, i32, int32_t, int32_t, SAME, SAME, MAX)
LINE(min, i32, int32_t, int32_t, SAME, SAME, MIN)
LINE(max, i64, int64_t, int64_t, SAME, SAME, MAX)
LINE(min, i64, int64_t, int64_t, SAME, SAME, MIN)
LINES(f16, uint16_t, float, mxi_f16_to_f32, mxi_f32_to_f16, ADD, MULTIPLY, MAX_NAN, MIN_NAN)
LINES(bf16, uint16_t, float, mxi_bf16_to_f32, mxi_f32_to_bf16, ADD, MULTIPLY, MAX_NAN, MIN_NAN)
LINES(f32, float, float, SAME, SAME, ADD, MULTIPLY, MAX_NAN, MIN_NAN)
LINES(f64, double, double, SAME, SAME, ADD, MULTIPLY, MAX_NAN, MIN_NAN)
LINES(c64, mxi_c64, mxi_c64, SAME, , c_add, c_multiply, c_max, c_min)

/* add and multiply of signed integers are those of unsigned ones: the low bits agree */
static const mxi_line_fn lines[MXI_DTYPE_COUNT][4] = {
    [MX_BOOL] = {add_b8, multiply_b8, max_b8, min_b8},
    [MX_UINT8] = {add_u8, multiply_u8, max_u8, min_u8},
    [MX_UINT16] = {add_u16, multiply_u16, max_u16, min_u16},
    [MX_UINT32] = {add_u32, multiply_u32, max_u32, min_u32},
    [MX_UINT64] = {add_u64, multiply_u64, max_u64, min_u64},
    [MX_INT8] = {add_u8, multiply_u8, max_i8, min_i8},
    [MX_INT16] = {add_u16, multiply_u16, max_i16, min_i16},
    [MX_INT32] = {add_u32, multiply_u32, max_i32, min_i32},
    [MX_INT64] = {add_u64, multiply_u64, max_i64, min_i64},
    [MX_FLOAT16] = {add_f16, multiply_f16, max_f16, min_f16},
    [MX_FLOAT32] = {add_f32, multiply_f32, max_f32, min_f32},
    [MX_FLOAT64] = {add_f64, multiply_f64, max_f64, min_f64},
    [MX_BFLOAT16] = {add_bf16, multiply_bf16, max_bf16, min_bf16},
    [MX_COMPLEX64] = {add_c64, multiply_c64, max_c64, min_c64},
};

mxi_line_fn mxi_index_combine(enum mxi_scatter_mode mode, mx_dtype dtype) {
  if (mode == MXI_SCATTER_ASSIGN) return mxi_layout_copy_line(mxi_itemsizes[dtype]);
  return lines[dtype][mode - MXI_SCATTER_ADD];
}

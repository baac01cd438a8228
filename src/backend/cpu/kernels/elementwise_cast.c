/* Conversions between dtypes, half floats to and from float32, and moves of strided runs. */
#include "elementwise_half.h"
#include "elementwise_loops.h"
#include "elementwise_transpose.h"

/* Real part, "is not zero", and the complex number of any element. */
EW_FN float re_c64(mxi_c64 x) { return x.re; }
EW_FN uint8_t test_c64(mxi_c64 x) { return (x.re != 0) | (x.im != 0); }
EW_FN mxi_c64 c64_c64(mxi_c64 x) { return x; }
#define IDENTITY(s, type)                                                                                              \
  EW_FN type re_##s(type x) { return x; }                                                                              \
  EW_FN mxi_c64 c64_##s(type x) { return c_make((float)x, 0); }                                                        \
  EW_FN uint8_t test_##s(type x) { return x != 0; }
IDENTITY(b8, uint8_t)
IDENTITY(u8, uint8_t)
IDENTITY(u16, uint16_t)
IDENTITY(u32, uint32_t)
IDENTITY(u64, uint64_t)
IDENTITY(i8, int8_t)
IDENTITY(i16, int16_t)
IDENTITY(i32, int32_t)
IDENTITY(i64, int64_t)
IDENTITY(f32, float)
IDENTITY(f64, double)

/* Floats to integers are truncated; what does not fit, and NaN, gives the lowest int32, or int64 for wide targets,
 * of which narrow targets keep the low bits. */
EW_FN int32_t narrow_f32(float x) { return x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN; }
EW_FN int32_t narrow_f64(double x) { return x > -0x1.00000002p31 && x < 0x1p31 ? (int32_t)x : INT32_MIN; }
EW_FN int64_t wide_f32(float x) { return x >= -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN; }
EW_FN int64_t wide_f64(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }
EW_FN uint64_t unsigned_f32(float x) {
  float high = x >= 0x1p63f && x < 0x1p64f ? 0x1p63f : 0;
  return (uint64_t)wide_f32(x - high) ^ (high != 0 ? 1ull << 63 : 0);
}
EW_FN uint64_t unsigned_f64(double x) {
  double high = x >= 0x1p63 && x < 0x1p64 ? 0x1p63 : 0;
  return (uint64_t)wide_f64(x - high) ^ (high != 0 ? 1ull << 63 : 0);
}

#define BY_KIND(T, x, f32_way, f64_way)                                                                                \
  _Generic((x), float: (T)f32_way((float)(x)), double: (T)f64_way((double)(x)), default: (T)(x))
#define TO_NARROW(T, x) BY_KIND(T, x, narrow_f32, narrow_f64)
#define TO_WIDE(T, x) BY_KIND(T, x, wide_f32, wide_f64)
#define TO_UNSIGNED(T, x) BY_KIND(T, x, unsigned_f32, unsigned_f64)
#define TO_b8(from, x) test_##from(x)
#define TO_u8(from, x) TO_NARROW(uint8_t, re_##from(x))
#define TO_u16(from, x) TO_NARROW(uint16_t, re_##from(x))
#define TO_u32(from, x) TO_WIDE(uint32_t, re_##from(x))
#define TO_u64(from, x) TO_UNSIGNED(uint64_t, re_##from(x))
#define TO_i8(from, x) TO_NARROW(int8_t, re_##from(x))
#define TO_i16(from, x) TO_NARROW(int16_t, re_##from(x))
#define TO_i32(from, x) TO_NARROW(int32_t, re_##from(x))
#define TO_i64(from, x) TO_WIDE(int64_t, re_##from(x))
#define TO_f32(from, x) (float)re_##from(x)
#define TO_f64(from, x) (double)re_##from(x)
#define TO_c64(from, x) c64_##from(x)

#define CAST(from, to)                                                                                                 \
  static __attribute__((unused)) void from##_to_##to(void *out, const void *in, size_t n) {                            \
    mem_##to *y = out;                                                                                                 \
    const mem_##from *x = in;                                                                                          \
    EW_LOOP for (size_t i = 0; i < n; i++) y[i] = TO_##to(from, x[i]);                                                 \
  }
#define CASTS(from)                                                                                                    \
  CAST(from, b8)                                                                                                       \
  CAST(from, u8)                                                                                                       \
  CAST(from, u16)                                                                                                      \
  CAST(from, u32)                                                                                                      \
  CAST(from, u64)                                                                                                      \
  CAST(from, i8)                                                                                                       \
  CAST(from, i16)                                                                                                      \
  CAST(from, i32)                                                                                                      \
  CAST(from, i64)                                                                                                      \
  CAST(from, f32)                                                                                                      \
  CAST(from, f64)                                                                                                      \
  CAST(from, c64)
CASTS(b8)
CASTS(u8)
CASTS(u16)
CASTS(u32)
CASTS(u64)
CASTS(i8)
CASTS(i16)
CASTS(i32)
CASTS(i64)
CASTS(f32)
CASTS(f64)
CASTS(c64)

/* Runs and lines of items of 1, 2, 4 and 8 bytes. */
#define MOVES(s)                                                                                                       \
  static void move_##s(void *out, const void *in, size_t n) {                                                          \
    if (out != in) __builtin_memcpy(out, in, n * sizeof(mem_##s));                                                     \
  }                                                                                                                    \
  static void gather_##s(void *out, const void *in, int64_t step, size_t n) {                                          \
    mem_##s *y = out;                                                                                                  \
    const mem_##s *x = in;                                                                                             \
    for (size_t i = 0; i < n; i++) y[i] = x[(int64_t)i * step];                                                        \
  }                                                                                                                    \
  static void fill_##s(void *out, const void *in, size_t n) {                                                          \
    mem_##s *y = out;                                                                                                  \
    const mem_##s x = *(const mem_##s *)in;                                                                            \
    for (size_t i = 0; i < n; i++) y[i] = x;                                                                           \
  }
MOVES(u8)
MOVES(u16)
MOVES(u32)
MOVES(u64)

#define TO_ALL(from)                                                                                                   \
  [MX_BOOL] = from##_to_b8, [MX_UINT8] = from##_to_u8, [MX_UINT16] = from##_to_u16, [MX_UINT32] = from##_to_u32,       \
  [MX_UINT64] = from##_to_u64, [MX_INT8] = from##_to_i8, [MX_INT16] = from##_to_i16, [MX_INT32] = from##_to_i32,       \
  [MX_INT64] = from##_to_i64, [MX_FLOAT16] = from##_to_f32, [MX_FLOAT32] = from##_to_f32,                              \
  [MX_FLOAT64] = from##_to_f64, [MX_BFLOAT16] = from##_to_f32, [MX_COMPLEX64] = from##_to_c64

const struct mxi_ew_casts MXI_ISA_NAME(mxi_ew_casts) = {
    .cast =
        {
            [MX_BOOL] = {TO_ALL(b8)},
            [MX_UINT8] = {TO_ALL(u8)},
            [MX_UINT16] = {TO_ALL(u16)},
            [MX_UINT32] = {TO_ALL(u32)},
            [MX_UINT64] = {TO_ALL(u64)},
            [MX_INT8] = {TO_ALL(i8)},
            [MX_INT16] = {TO_ALL(i16)},
            [MX_INT32] = {TO_ALL(i32)},
            [MX_INT64] = {TO_ALL(i64)},
            [MX_FLOAT16] = {TO_ALL(f32)},
            [MX_FLOAT32] = {TO_ALL(f32)},
            [MX_FLOAT64] = {TO_ALL(f64)},
            [MX_BFLOAT16] = {TO_ALL(f32)},
            [MX_COMPLEX64] = {TO_ALL(c64)},
        },
    .move = {move_u8, move_u16, move_u32, move_u64},
    .gather = {gather_u8, gather_u16, gather_u32, gather_u64},
    .fill = {fill_u8, fill_u16, fill_u32, fill_u64},
    .transpose = {transpose_u8, transpose_u16, transpose_u32, transpose_u64},
    .load = {load_f16, load_bf16},
    .store = {store_f16, store_bf16},
    .round = {round_f16, round_bf16},
};

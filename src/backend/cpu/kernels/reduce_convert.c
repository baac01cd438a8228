/* Elements on their way into and out of reductions: strided loads that convert to an accumulator type, truth values,
 * strided stores that round halves. Dense runs are vector code. */
#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "backend/cpu/reduce_kernels.h"
#include "base/half.h"

/* LOAD(from, S, name, T, value): value converts one element x of S. */
#define LOAD(from, S, name, T, value)                                                                     \
  static void load_##from##_##name(void *restrict dst, const void *restrict src, int64_t stride, int64_t n) { \
    T *d = dst;                                                                                           \
    const S *s = src;                                                                                     \
    if (stride == 1)                                                                                      \
      for (int64_t i = 0; i < n; i++) {                                                                   \
        S x = s[i];                                                                                       \
        d[i] = (value);                                                                                   \
      }                                                                                                   \
    else                                                                                                  \
      for (int64_t i = 0; i < n; i++) {                                                                   \
        S x = s[i * stride];                                                                              \
        d[i] = (value);                                                                                   \
      }                                                                                                   \
  }

#define REAL(from, S, name)                   \
  LOAD(from, S, name, name##_t, (name##_t)x)  \
  LOAD(from, S, f32, float, (float)x)         \
  LOAD(from, S, f64, double, (double)x)       \
  LOAD(from, S, truth, uint8_t, x != 0)
typedef uint8_t u8_t;
typedef uint16_t u16_t;
typedef uint32_t u32_t;
typedef uint64_t u64_t;
typedef int8_t i8_t;
typedef int16_t i16_t;
typedef int32_t i32_t;
typedef int64_t i64_t;

REAL(u8, uint8_t, u8)
REAL(u16, uint16_t, u16)
REAL(u32, uint32_t, u32)
REAL(u64, uint64_t, u64)
REAL(i8, int8_t, i8)
REAL(i16, int16_t, i16)
REAL(i32, int32_t, i32)
REAL(i64, int64_t, i64)
LOAD(f32, float, f32, float, x)
LOAD(f32, float, f64, double, x)
LOAD(f32, float, truth, uint8_t, x != 0)
LOAD(f64, double, f64, double, x)
LOAD(f64, double, truth, uint8_t, x != 0)
LOAD(c64, mxi_c64, c64, mxi_c64, x)
LOAD(c64, mxi_c64, truth, uint8_t, (x.re != 0) | (x.im != 0))
/* Small integers in the wider dtype of their sums. A sign is extended and then read as unsigned. */
LOAD(u8, uint8_t, u32, uint32_t, x)
LOAD(u16, uint16_t, u32, uint32_t, x)
LOAD(i8, int8_t, u32, uint32_t, (uint32_t)(int32_t)x)
LOAD(i16, int16_t, u32, uint32_t, (uint32_t)(int32_t)x)
LOAD(bf16, uint16_t, f32, float, mxi_bf16_to_f32(x))
LOAD(bf16, uint16_t, f64, double, mxi_bf16_to_f32(x))
LOAD(half, uint16_t, truth, uint8_t, (x & 0x7fff) != 0)
LOAD(f16, uint16_t, f64, double, mxi_f16_to_f32(x))

static void load_f16_f32(void *restrict dst, const void *restrict src, int64_t stride, int64_t n) {
  float *d = dst;
  const uint16_t *s = src;
  int64_t i = 0;
#if defined(__AVX512F__)
  if (stride == 1)
    for (; i + 16 <= n; i += 16) _mm512_storeu_ps(d + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(s + i))));
#elif defined(__F16C__)
  if (stride == 1)
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(d + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(s + i))));
#endif
  for (; i < n; i++) d[i] = mxi_f16_to_f32(s[i * stride]);
}

#define STORE(name, T, S, value)                                                                      \
  static void store_##name(void *restrict dst, int64_t stride, const void *restrict src, int64_t n) { \
    T *d = dst;                                                                                       \
    const S *s = src;                                                                                 \
    if (stride == 1)                                                                                  \
      for (int64_t i = 0; i < n; i++) {                                                               \
        S x = s[i];                                                                                   \
        d[i] = (value);                                                                               \
      }                                                                                               \
    else                                                                                              \
      for (int64_t i = 0; i < n; i++) {                                                               \
        S x = s[i];                                                                                   \
        d[i * stride] = (value);                                                                      \
      }                                                                                               \
  }
STORE(8, uint8_t, uint8_t, x)
STORE(16, uint16_t, uint16_t, x)
STORE(32, uint32_t, uint32_t, x)
STORE(64, uint64_t, uint64_t, x)
STORE(c64, mxi_c64, mxi_c64, x)
STORE(f32, float, float, x)
STORE(f64, double, double, x)
STORE(bf16, uint16_t, float, mxi_f32_to_bf16(x))

static void store_f16(void *restrict dst, int64_t stride, const void *restrict src, int64_t n) {
  uint16_t *d = dst;
  const float *s = src;
  int64_t i = 0;
#if defined(__AVX512F__)
  if (stride == 1)
    for (; i + 16 <= n; i += 16) _mm256_storeu_si256((void *)(d + i), _mm512_cvtps_ph(_mm512_loadu_ps(s + i), 0));
#elif defined(__F16C__)
  if (stride == 1)
    for (; i + 8 <= n; i += 8) _mm_storeu_si128((void *)(d + i), _mm256_cvtps_ph(_mm256_loadu_ps(s + i), 0));
#endif
  for (; i < n; i++) d[i * stride] = mxi_f32_to_f16(s[i]);
}

#define FLOATS(from) [MXI_ACC_f32] = load_##from##_f32, [MXI_ACC_f64] = load_##from##_f64
#define WIDE(from) [MXI_ACC_u32] = load_##from##_u32, FLOATS(from)

/* i32 as u32, i64 as u64: the same bits. */
const struct mxi_reduce_convert_kernels MXI_ISA_NAME(mxi_reduce_convert_kernels) = {
    .load =
        {
            [MX_BOOL] = {[MXI_ACC_u8] = load_u8_u8, WIDE(u8)},
            [MX_UINT8] = {[MXI_ACC_u8] = load_u8_u8, WIDE(u8)},
            [MX_UINT16] = {[MXI_ACC_u16] = load_u16_u16, WIDE(u16)},
            [MX_UINT32] = {WIDE(u32)},
            [MX_UINT64] = {[MXI_ACC_u64] = load_u64_u64, FLOATS(u64)},
            [MX_INT8] = {[MXI_ACC_i8] = load_i8_i8, [MXI_ACC_u8] = load_i8_i8, WIDE(i8)},
            [MX_INT16] = {[MXI_ACC_i16] = load_i16_i16, [MXI_ACC_u16] = load_i16_i16, WIDE(i16)},
            [MX_INT32] = {[MXI_ACC_i32] = load_i32_i32, [MXI_ACC_u32] = load_i32_i32, FLOATS(i32)},
            [MX_INT64] = {[MXI_ACC_i64] = load_i64_i64, [MXI_ACC_u64] = load_i64_i64, FLOATS(i64)},
            [MX_FLOAT16] = {FLOATS(f16)},
            [MX_FLOAT32] = {FLOATS(f32)},
            [MX_FLOAT64] = {[MXI_ACC_f64] = load_f64_f64},
            [MX_BFLOAT16] = {FLOATS(bf16)},
            [MX_COMPLEX64] = {[MXI_ACC_c64] = load_c64_c64},
        },
    .truth = {load_u8_truth, load_u8_truth, load_u16_truth, load_u32_truth, load_u64_truth, load_i8_truth,
              load_i16_truth, load_i32_truth, load_i64_truth, load_half_truth, load_f32_truth, load_f64_truth,
              load_half_truth, load_c64_truth},
    .store = {store_8, store_8, store_16, store_32, store_64, store_8, store_16, store_32, store_64, store_f16,
              store_f32, store_f64, store_bf16, store_c64},
};

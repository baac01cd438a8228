/* The vectors of the matrix-vector kernels: 64 bytes whatever the instruction set, vf of 16 floats and vd of 8
 * doubles, made of one, two or four registers. `_n` forms touch only the first n elements in memory and read the rest
 * as +0. sum() is the last step of the dot tree: halves are added until one lane is left. */
#ifndef MXI_KERNELS_MATVEC_VEC_H
#define MXI_KERNELS_MATVEC_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum { VF_LANES = 16, VD_LANES = 8 };

#if defined(__AVX512F__)

typedef __m512 vf;
typedef __m512d vd;

INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
INLINE vf vf_set1(float a) { return _mm512_set1_ps(a); }
INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE vf vf_load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
INLINE void vf_store_n(float *p, vf a, int64_t n) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE __m256 vf_halve(vf a) { return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1)); }

INLINE vd vd_zero(void) { return _mm512_setzero_pd(); }
INLINE vd vd_set1(double a) { return _mm512_set1_pd(a); }
INLINE vd vd_load(const double *p) { return _mm512_loadu_pd(p); }
INLINE vd vd_load_n(const double *p, int64_t n) { return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p); }
INLINE void vd_store(double *p, vd a) { _mm512_storeu_pd(p, a); }
INLINE void vd_store_n(double *p, vd a, int64_t n) { _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), a); }
INLINE vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
INLINE vd vd_mul(vd a, vd b) { return _mm512_mul_pd(a, b); }
INLINE vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
INLINE __m256d vd_halve(vd a) { return _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1)); }

INLINE vf vf_widen_f16(__m256i h) { return _mm512_cvtph_ps(h); }
INLINE vf vf_widen_bf16(__m256i h) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }
INLINE __m256i load_u16(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE __m256i load_u16_n(const uint16_t *p, int64_t n) {
  return _mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p);
}

#elif defined(__AVX2__)

typedef struct { __m256 a, b; } vf;
typedef struct { __m256d a, b; } vd;

/* -1 in the first n of 8 lanes, n in any range */
INLINE __m256i first_lanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE __m256i first_lanes_wide(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

INLINE vf vf_zero(void) { return (vf){_mm256_setzero_ps(), _mm256_setzero_ps()}; }
INLINE vf vf_set1(float a) { return (vf){_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
INLINE vf vf_load(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE vf vf_load_n(const float *p, int64_t n) {
  if (n <= 8) return (vf){_mm256_maskload_ps(p, first_lanes(n)), _mm256_setzero_ps()};
  return (vf){_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, first_lanes(n - 8))};
}
INLINE void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v.a), _mm256_storeu_ps(p + 8, v.b); }
INLINE void vf_store_n(float *p, vf v, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes(n), v.a);
  if (n > 8) _mm256_maskstore_ps(p + 8, first_lanes(n - 8), v.b);
}
INLINE vf vf_add(vf x, vf y) { return (vf){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
INLINE vf vf_mul(vf x, vf y) { return (vf){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
INLINE vf vf_fma(vf x, vf y, vf z) { return (vf){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
INLINE __m256 vf_halve(vf v) { return _mm256_add_ps(v.a, v.b); }

INLINE vd vd_zero(void) { return (vd){_mm256_setzero_pd(), _mm256_setzero_pd()}; }
INLINE vd vd_set1(double a) { return (vd){_mm256_set1_pd(a), _mm256_set1_pd(a)}; }
INLINE vd vd_load(const double *p) { return (vd){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
INLINE vd vd_load_n(const double *p, int64_t n) {
  if (n <= 4) return (vd){_mm256_maskload_pd(p, first_lanes_wide(n)), _mm256_setzero_pd()};
  return (vd){_mm256_loadu_pd(p), _mm256_maskload_pd(p + 4, first_lanes_wide(n - 4))};
}
INLINE void vd_store(double *p, vd v) { _mm256_storeu_pd(p, v.a), _mm256_storeu_pd(p + 4, v.b); }
INLINE void vd_store_n(double *p, vd v, int64_t n) {
  _mm256_maskstore_pd(p, first_lanes_wide(n), v.a);
  if (n > 4) _mm256_maskstore_pd(p + 4, first_lanes_wide(n - 4), v.b);
}
INLINE vd vd_add(vd x, vd y) { return (vd){_mm256_add_pd(x.a, y.a), _mm256_add_pd(x.b, y.b)}; }
INLINE vd vd_mul(vd x, vd y) { return (vd){_mm256_mul_pd(x.a, y.a), _mm256_mul_pd(x.b, y.b)}; }
INLINE vd vd_fma(vd x, vd y, vd z) { return (vd){_mm256_fmadd_pd(x.a, y.a, z.a), _mm256_fmadd_pd(x.b, y.b, z.b)}; }
INLINE __m256d vd_halve(vd v) { return _mm256_add_pd(v.a, v.b); }

typedef struct { __m128i a, b; } u16x16;

INLINE vf vf_widen_f16(u16x16 h) { return (vf){_mm256_cvtph_ps(h.a), _mm256_cvtph_ps(h.b)}; }
INLINE __m256 widen_bf16(__m128i h) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
INLINE vf vf_widen_bf16(u16x16 h) { return (vf){widen_bf16(h.a), widen_bf16(h.b)}; }
INLINE u16x16 load_u16(const uint16_t *p) {
  return (u16x16){_mm_loadu_si128((const __m128i *)p), _mm_loadu_si128((const __m128i *)(p + 8))};
}

#else

typedef float f4 __attribute__((vector_size(16)));
typedef double d2 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef uint32_t u4 __attribute__((vector_size(16)));
typedef struct { f4 a, b, c, d; } vf;
typedef struct { d2 a, b, c, d; } vd;

INLINE f4 f4_load(const float *p) {
  f4 v;
  memcpy(&v, p, sizeof v);
  return v;
}
INLINE f4 f4_load_n(const float *p, int64_t n) {
  if (n >= 4) return f4_load(p);
  return (f4){n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
INLINE d2 d2_load(const double *p) {
  d2 v;
  memcpy(&v, p, sizeof v);
  return v;
}
INLINE d2 d2_load_n(const double *p, int64_t n) {
  if (n >= 2) return d2_load(p);
  return (d2){n > 0 ? p[0] : 0, 0};
}

INLINE vf vf_zero(void) { return (vf){{0}, {0}, {0}, {0}}; }
INLINE vf vf_set1(float a) { return (vf){{a, a, a, a}, {a, a, a, a}, {a, a, a, a}, {a, a, a, a}}; }
INLINE vf vf_load(const float *p) { return (vf){f4_load(p), f4_load(p + 4), f4_load(p + 8), f4_load(p + 12)}; }
INLINE vf vf_load_n(const float *p, int64_t n) {
  return (vf){f4_load_n(p, n), f4_load_n(p + 4, n - 4), f4_load_n(p + 8, n - 8), f4_load_n(p + 12, n - 12)};
}
INLINE void vf_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
INLINE void vf_store_n(float *p, vf v, int64_t n) { memcpy(p, &v, (size_t)n * sizeof *p); }
INLINE vf vf_add(vf x, vf y) { return (vf){x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d}; }
INLINE vf vf_mul(vf x, vf y) { return (vf){x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d}; }
INLINE vf vf_fma(vf x, vf y, vf z) { return (vf){x.a * y.a + z.a, x.b * y.b + z.b, x.c * y.c + z.c, x.d * y.d + z.d}; }
INLINE float vf_sum(vf v) {
  f4 s = (v.a + v.c) + (v.b + v.d);
  return (s[0] + s[2]) + (s[1] + s[3]);
}

INLINE vd vd_zero(void) { return (vd){{0}, {0}, {0}, {0}}; }
INLINE vd vd_set1(double a) { return (vd){{a, a}, {a, a}, {a, a}, {a, a}}; }
INLINE vd vd_load(const double *p) { return (vd){d2_load(p), d2_load(p + 2), d2_load(p + 4), d2_load(p + 6)}; }
INLINE vd vd_load_n(const double *p, int64_t n) {
  return (vd){d2_load_n(p, n), d2_load_n(p + 2, n - 2), d2_load_n(p + 4, n - 4), d2_load_n(p + 6, n - 6)};
}
INLINE void vd_store(double *p, vd v) { memcpy(p, &v, sizeof v); }
INLINE void vd_store_n(double *p, vd v, int64_t n) { memcpy(p, &v, (size_t)n * sizeof *p); }
INLINE vd vd_add(vd x, vd y) { return (vd){x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d}; }
INLINE vd vd_mul(vd x, vd y) { return (vd){x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d}; }
INLINE vd vd_fma(vd x, vd y, vd z) { return (vd){x.a * y.a + z.a, x.b * y.b + z.b, x.c * y.c + z.c, x.d * y.d + z.d}; }
INLINE double vd_sum(vd v) {
  d2 s = (v.a + v.c) + (v.b + v.d);
  return s[0] + s[1];
}

typedef struct { u4 a, b, c, d; } u16x16; /* each in 32 bits */
typedef uint16_t h4 __attribute__((vector_size(8)));

INLINE u4 u4_load(const uint16_t *p) {
  h4 h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, u4);
}
INLINE u16x16 load_u16(const uint16_t *p) {
  return (u16x16){u4_load(p), u4_load(p + 4), u4_load(p + 8), u4_load(p + 12)};
}
/* The exponent is moved by a multiplication, exact for subnormals too; infinities and NaNs get the full exponent. */
INLINE f4 widen_f16(u4 h) {
  u4 magnitude = h & 0x7fff;
  u4 special = (u4)((i4)magnitude > 0x7bff) & 0x7f800000u;
  f4 scaled = (f4)(magnitude << 13) * 0x1p112f;
  return (f4)((u4)scaled | special | (h & 0x8000) << 16);
}
INLINE vf vf_widen_f16(u16x16 h) { return (vf){widen_f16(h.a), widen_f16(h.b), widen_f16(h.c), widen_f16(h.d)}; }
INLINE vf vf_widen_bf16(u16x16 h) { return (vf){(f4)(h.a << 16), (f4)(h.b << 16), (f4)(h.c << 16), (f4)(h.d << 16)}; }

#endif

#if defined(__AVX2__)
INLINE __m128 vf_quarter(vf v) {
  __m256 s = vf_halve(v);
  return _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
}
INLINE float vf_sum(vf v) {
  __m128 s = vf_quarter(v);
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE double vd_sum(vd v) {
  __m256d h = vd_halve(v);
  __m128d s = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
  return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
#endif

#if !defined(__AVX512F__)
INLINE u16x16 load_u16_n(const uint16_t *p, int64_t n) {
  uint16_t padded[16] = {0};
  memcpy(padded, p, (size_t)n * sizeof *p);
  return load_u16(padded);
}
#endif

/* Scalars of the storage types, to and from the type they are computed in. */
INLINE float bits_float(uint32_t u) {
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
INLINE uint32_t float_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}
INLINE float widen1_bf16(uint16_t h) { return bits_float((uint32_t)h << 16); }
INLINE uint16_t round1_bf16(float f) {
  uint32_t u = float_bits(f);
  if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
#if defined(__F16C__)
INLINE float widen1_f16(uint16_t h) { return _cvtsh_ss(h); }
INLINE uint16_t round1_f16(float f) { return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT); }
#else
INLINE float widen1_f16(uint16_t h) {
  uint32_t magnitude = h & 0x7fff;
  float scaled = bits_float(magnitude << 13) * 0x1p112f;
  return bits_float(float_bits(scaled) | (magnitude > 0x7bff ? 0x7f800000u : 0) | (uint32_t)(h & 0x8000) << 16);
}
/* Below 2^-14 an addition of 0.5 leaves the subnormal in the low bits; above, the low 13 bits are rounded away. */
INLINE uint16_t round1_f16(float f) {
  uint32_t sign = float_bits(f) >> 16 & 0x8000, u = float_bits(f) & 0x7fffffff;
  if (u > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x3ff));
  if (u >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (u < 0x38800000) return (uint16_t)(sign | (float_bits(bits_float(u) + 0.5f) - 0x3f000000));
  return (uint16_t)(sign | (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13);
}
#endif

INLINE void store_f16_n(uint16_t *p, vf v, int64_t n) {
  float f[VF_LANES];
  vf_store(f, v);
  for (int64_t i = 0; i < n; i++) p[i] = round1_f16(f[i]);
}
INLINE void store_bf16_n(uint16_t *p, vf v, int64_t n) {
  float f[VF_LANES];
  vf_store(f, v);
  for (int64_t i = 0; i < n; i++) p[i] = round1_bf16(f[i]);
}

#endif

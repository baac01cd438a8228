/* Hand-written gradients of a linear and a logistic model. Nothing here keeps to a reduction tree. */
#include "linreg_limit.h"

#include <math.h>
#include <string.h>

static bool takes_any(int64_t d, bool logistic) {
  (void)d, (void)logistic;
  return true;
}

#define RESTRICT __restrict__
#if defined(__clang__)
#define REASSOCIATE _Pragma("clang fp reassociate(on)")
#define FAST_MATH
#else
#define REASSOCIATE
#define FAST_MATH __attribute__((optimize("O3", "fast-math")))
#endif

FAST_MATH static void plain_c(const float *RESTRICT x, const float *RESTRICT y, const float *RESTRICT w,
                              float *RESTRICT g, int64_t rows, int64_t d, bool logistic) {
  REASSOCIATE
  for (int64_t j = 0; j < d; j++) g[j] = 0;
  for (int64_t r = 0; r < rows; r++, x += d) {
    float z = 0;
    for (int64_t j = 0; j < d; j++) z += x[j] * w[j];
    float t = (logistic ? 1 / (1 + expf(-z)) : z) - y[r];
    for (int64_t j = 0; j < d; j++) g[j] += t * x[j];
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define INLINE WIDE static inline __attribute__((always_inline))

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
static bool takes_wide(int64_t d, bool logistic) {
  (void)logistic;
  return d > 0 && has_avx512();
}
static bool takes_registers(int64_t d, bool logistic) { return d > 0 && d <= 112 && !logistic && has_avx512(); }
static bool takes_100(int64_t d, bool logistic) { return d == 100 && !logistic && has_avx512(); }

INLINE __m512 sigmoid(__m512 x) {
  x = _mm512_sub_ps(_mm512_setzero_ps(), x);
  x = _mm512_min_ps(_mm512_set1_ps(89), _mm512_max_ps(_mm512_set1_ps(-105), x));
  __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x), one = _mm512_set1_ps(1);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, _mm512_add_ps(r, one));
  return _mm512_div_ps(one, _mm512_add_ps(one, _mm512_scalef_ps(p, n)));
}

/* ---- blocks of rows: 16 dots, f, 8 rows added at a time ---- */

/* lane i = the sum of a[i] */
INLINE __m512 sums(__m512 *a) {
  __m512 b[8], c[4];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    b[i] = _mm512_add_ps(_mm512_unpacklo_ps(a[2 * i], a[2 * i + 1]), _mm512_unpackhi_ps(a[2 * i], a[2 * i + 1]));
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    __m512d p = _mm512_castps_pd(b[2 * i]), q = _mm512_castps_pd(b[2 * i + 1]);
    c[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(p, q)), _mm512_castpd_ps(_mm512_unpackhi_pd(p, q)));
  }
  __m512 d = _mm512_add_ps(_mm512_shuffle_f32x4(c[0], c[1], 0x44), _mm512_shuffle_f32x4(c[0], c[1], 0xEE));
  __m512 e = _mm512_add_ps(_mm512_shuffle_f32x4(c[2], c[3], 0x44), _mm512_shuffle_f32x4(c[2], c[3], 0xEE));
  return _mm512_add_ps(_mm512_shuffle_f32x4(d, e, 0x88), _mm512_shuffle_f32x4(d, e, 0xDD));
}

INLINE void dots16(const float *x, const float *w, float *z, int64_t d, int64_t rows) {
  __m512 acc[16];
  const __mmask16 mask = (__mmask16)((1u << d % 16) - 1);
  int64_t full = d / 16 * 16;
  __m512 wt = _mm512_maskz_loadu_ps(mask, w + full);
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    acc[i] = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + (i < rows ? i : 0) * d + full), wt);
  for (int64_t j = 0; j < full; j += 16) {
    __m512 wv = _mm512_loadu_ps(w + j);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) acc[i] = _mm512_fmadd_ps(_mm512_loadu_ps(x + (i < rows ? i : 0) * d + j), wv, acc[i]);
  }
  _mm512_storeu_ps(z, sums(acc));
}

INLINE void axpys(const float *x, const float *t, float *g, int64_t d, const int rows) {
  const __mmask16 mask = (__mmask16)((1u << d % 16) - 1);
  __m512 tv[8];
  int64_t j = 0;
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) tv[i] = _mm512_set1_ps(t[i]);
  for (; j + 16 <= d; j += 16) {
    __m512 s = _mm512_loadu_ps(g + j);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) s = _mm512_fmadd_ps(_mm512_loadu_ps(x + i * d + j), tv[i], s);
    _mm512_storeu_ps(g + j, s);
  }
  if (j == d) return;
  __m512 s = _mm512_maskz_loadu_ps(mask, g + j);
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) s = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i * d + j), tv[i], s);
  _mm512_mask_storeu_ps(g + j, mask, s);
}

INLINE void row_block(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                      bool logistic) {
  float t[1024];
  for (int64_t r = 0; r < rows; r += 16) {
    __mmask16 mask = rows - r < 16 ? (__mmask16)((1u << (rows - r)) - 1) : 0xffff;
    if (rows - r < 16) dots16(x + r * d, w, t + r, d, rows - r);
    else dots16(x + r * d, w, t + r, d, 16);
    __m512 z = _mm512_loadu_ps(t + r);
    if (logistic) z = sigmoid(z);
    _mm512_storeu_ps(t + r, _mm512_maskz_sub_ps(mask, z, _mm512_maskz_loadu_ps(mask, y + r)));
  }
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) axpys(x + r * d, t + r, g, d, 8);
  for (; r < rows; r++) axpys(x + r * d, t + r, g, d, 1);
}

INLINE void row_blocks(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d, bool logistic,
                       int64_t block) {
  memset(g, 0, (size_t)d * sizeof *g);
  for (int64_t r = 0; r < rows; r += block)
    row_block(x + r * d, y + r, w, g, rows - r < block ? rows - r : block, d, logistic);
}

WIDE static void blocks_16(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                           bool logistic) {
  row_blocks(x, y, w, g, rows, d, logistic, 16);
}
WIDE static void blocks_64(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                           bool logistic) {
  row_blocks(x, y, w, g, rows, d, logistic, 64);
}
WIDE static void blocks_1024(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                             bool logistic) {
  row_blocks(x, y, w, g, rows, d, logistic, 1024);
}

/* ---- one pass, two rows in registers; n vectors, the last one masked ---- */

INLINE void pairs(const float *x, const float *y, const float *wp, float *gp, int64_t rows, int64_t d, const int n) {
  const __mmask16 mask = (__mmask16)(0xffffu >> (16 * n - d));
  __m512 w[7], g[7];
#pragma GCC unroll 7
  for (int k = 0; k < n; k++) {
    w[k] = _mm512_maskz_loadu_ps(k == n - 1 ? mask : 0xffff, wp + 16 * k);
    g[k] = _mm512_setzero_ps();
  }
  int64_t r = 0;
  for (; r + 2 <= rows; r += 2, x += 2 * d) {
    __m512 a[7], b[7], p, q;
#pragma GCC unroll 7
    for (int k = 0; k < n; k++) {
      a[k] = k == n - 1 ? _mm512_maskz_loadu_ps(mask, x + 16 * k) : _mm512_loadu_ps(x + 16 * k);
      __asm__ volatile("" ::: "memory"); /* loads in the order of memory: prefetchers follow those */
    }
#pragma GCC unroll 7
    for (int k = 0; k < n; k++) {
      b[k] = k == n - 1 ? _mm512_maskz_loadu_ps(mask, x + d + 16 * k) : _mm512_loadu_ps(x + d + 16 * k);
      __asm__ volatile("" ::: "memory");
    }
    p = _mm512_mul_ps(a[0], w[0]), q = _mm512_mul_ps(b[0], w[0]);
#pragma GCC unroll 7
    for (int k = 1; k < n; k++) p = _mm512_fmadd_ps(a[k], w[k], p), q = _mm512_fmadd_ps(b[k], w[k], q);
    __m256 u = _mm256_add_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m256 v = _mm256_add_ps(_mm512_castps512_ps256(q), _mm512_extractf32x8_ps(q, 1));
    u = _mm256_add_ps(_mm256_unpacklo_ps(u, v), _mm256_unpackhi_ps(u, v));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(u), _mm256_extractf128_ps(u, 1));
    s = _mm_sub_ps(_mm_add_ps(s, _mm_movehl_ps(s, s)), _mm_setr_ps(y[r], y[r + 1], 0, 0));
    p = _mm512_broadcastss_ps(s), q = _mm512_broadcastss_ps(_mm_movehdup_ps(s));
#pragma GCC unroll 7
    for (int k = 0; k < n; k++) g[k] = _mm512_fmadd_ps(b[k], q, _mm512_fmadd_ps(a[k], p, g[k]));
  }
#pragma GCC unroll 7
  for (int k = 0; k < n; k++) _mm512_mask_storeu_ps(gp + 16 * k, k == n - 1 ? mask : 0xffff, g[k]);
  if (r < rows) row_block(x, y + r, wp, gp, 1, d, false);
}

#define PAIRS(n)                                                                                    \
  WIDE static void pairs_##n(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d) { \
    pairs(x, y, w, g, rows, d, n);                                                                  \
  }
PAIRS(1) PAIRS(2) PAIRS(3) PAIRS(4) PAIRS(5) PAIRS(6) PAIRS(7)

static void registers(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                      bool logistic) {
  static void (*const by_width[7])(const float *, const float *, const float *, float *, int64_t, int64_t) = {
      pairs_1, pairs_2, pairs_3, pairs_4, pairs_5, pairs_6, pairs_7};
  (void)logistic;
  by_width[(d + 15) / 16 - 1](x, y, w, g, rows, d);
}

/* ---- the same for 100 columns with all 32 registers allocated by hand; both tails share one register ---- */

/* Two rows from `step` on: zmm0-5 ymm6 = w, zmm7-12 ymm13 = g, zmm14-19 and zmm20-25 = rows, ymm26 = both tails. */
#define LOAD_ROW(at, a, b, c, d, e, f)                                                                            \
  "vmovups " at "(%0),%%zmm" a "\n vmovups " at "+64(%0),%%zmm" b "\n vmovups " at "+128(%0),%%zmm" c "\n"        \
  "vmovups " at "+192(%0),%%zmm" d "\n vmovups " at "+256(%0),%%zmm" e "\n vmovups " at "+320(%0),%%zmm" f "\n"
#define DOT_ROW(a, b, c, d, e, f, even, odd)                                                                      \
  "vmulps %%zmm" a ",%%zmm0,%%zmm" even "\n vmulps %%zmm" b ",%%zmm1,%%zmm" odd "\n"                              \
  "vfmadd231ps %%zmm" c ",%%zmm2,%%zmm" even "\n vfmadd231ps %%zmm" d ",%%zmm3,%%zmm" odd "\n"                    \
  "vfmadd231ps %%zmm" e ",%%zmm4,%%zmm" even "\n vfmadd231ps %%zmm" f ",%%zmm5,%%zmm" odd "\n"
#define ADD_ROW(a, b, c, d, e, f, t)                                                                              \
  "vfmadd231ps %%zmm" a ",%%zmm" t ",%%zmm7\n vfmadd231ps %%zmm" b ",%%zmm" t ",%%zmm8\n"                         \
  "vfmadd231ps %%zmm" c ",%%zmm" t ",%%zmm9\n vfmadd231ps %%zmm" d ",%%zmm" t ",%%zmm10\n"                        \
  "vfmadd231ps %%zmm" e ",%%zmm" t ",%%zmm11\n vfmadd231ps %%zmm" f ",%%zmm" t ",%%zmm12\n"
#define ROW_A "14", "15", "16", "17", "18", "19"
#define ROW_B "20", "21", "22", "23", "24", "25"
#define WITH(macro, ...) macro(__VA_ARGS__)

WIDE static void by_hand_100(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d,
                             bool logistic) {
  (void)logistic;
  float wt[8], gt[8] = {0};
  const float *yp = y;
  int64_t n = rows / 2;
  memset(g, 0, 100 * sizeof *g);
  memcpy(wt, w + 96, 16), memcpy(wt + 4, w + 96, 16);
  if (n)
    __asm__ volatile(
        "mov $0x11,%%eax\n kmovb %%eax,%%k3\n"
        "vmovups (%3),%%zmm0\n vmovups 64(%3),%%zmm1\n vmovups 128(%3),%%zmm2\n vmovups 192(%3),%%zmm3\n"
        "vmovups 256(%3),%%zmm4\n vmovups 320(%3),%%zmm5\n vmovups (%5),%%ymm6\n"
        "vpxord %%zmm7,%%zmm7,%%zmm7\n vpxord %%zmm8,%%zmm8,%%zmm8\n vpxord %%zmm9,%%zmm9,%%zmm9\n"
        "vpxord %%zmm10,%%zmm10,%%zmm10\n vpxord %%zmm11,%%zmm11,%%zmm11\n vpxord %%zmm12,%%zmm12,%%zmm12\n"
        "vpxord %%zmm13,%%zmm13,%%zmm13\n"
        ".p2align 5\n1:\n"
        WITH(LOAD_ROW, "0", ROW_A) "vmovups 384(%0),%%xmm26\n vexpandps (%1),%%ymm27%{%%k3%}%{z%}\n"
        WITH(DOT_ROW, ROW_A, "28", "29")
        WITH(LOAD_ROW, "400", ROW_B) "vinsertf32x4 $1,784(%0),%%ymm26,%%ymm26\n"
        WITH(DOT_ROW, ROW_B, "30", "31")
        "vfmsub231ps %%ymm26,%%ymm6,%%ymm27\n"
        "vaddps %%zmm29,%%zmm28,%%zmm28\n vaddps %%zmm31,%%zmm30,%%zmm30\n"
        "vextractf64x4 $1,%%zmm28,%%ymm29\n vextractf64x4 $1,%%zmm30,%%ymm31\n"
        "vaddps %%ymm29,%%ymm28,%%ymm28\n vaddps %%ymm31,%%ymm30,%%ymm30\n"
        "vinsertf32x4 $1,%%xmm30,%%ymm28,%%ymm29\n vshuff32x4 $3,%%ymm30,%%ymm28,%%ymm31\n"
        "vaddps %%ymm27,%%ymm29,%%ymm29\n vaddps %%ymm31,%%ymm29,%%ymm28\n"
        "vpermilps $0x4e,%%ymm28,%%ymm30\n vaddps %%ymm30,%%ymm28,%%ymm28\n"
        "vpermilps $0xb1,%%ymm28,%%ymm30\n vaddps %%ymm30,%%ymm28,%%ymm28\n"
        "vshuff32x4 $0x00,%%zmm28,%%zmm28,%%zmm30\n vshuff32x4 $0x55,%%zmm28,%%zmm28,%%zmm31\n"
        WITH(ADD_ROW, ROW_A, "30") "vfmadd231ps %%ymm26,%%ymm28,%%ymm13\n"
        WITH(ADD_ROW, ROW_B, "31")
        "add $800,%0\n add $8,%1\n dec %2\n jnz 1b\n"
        "vmovups %%zmm7,(%4)\n vmovups %%zmm8,64(%4)\n vmovups %%zmm9,128(%4)\n vmovups %%zmm10,192(%4)\n"
        "vmovups %%zmm11,256(%4)\n vmovups %%zmm12,320(%4)\n vmovups %%ymm13,(%6)\n"
        : "+r"(x), "+r"(yp), "+r"(n)
        : "r"(w), "r"(g), "r"(wt), "r"(gt)
        : "eax", "k3", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",
          "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
  for (int k = 0; k < 4; k++) g[96 + k] = gt[k] + gt[k + 4];
  if (rows % 2) row_block(x, yp, w, g, 1, d, false);
}

const struct linreg_limit linreg_limits[] = {
    {"plain C", plain_c, takes_any},
    {"blocks of 16 rows", blocks_16, takes_wide},
    {"blocks of 64 rows", blocks_64, takes_wide},
    {"blocks of 1024 rows", blocks_1024, takes_wide},
    {"two rows in registers", registers, takes_registers},
    {"two rows in registers, assembler", by_hand_100, takes_100},
};

#else

const struct linreg_limit linreg_limits[] = {{"plain C", plain_c, takes_any}};

#endif

const int linreg_limit_count = sizeof linreg_limits / sizeof *linreg_limits;

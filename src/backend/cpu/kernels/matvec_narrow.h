/* float32 kernels for rows of at most 112 elements on AVX-512: w or the partial stays in registers, and x is read in
 * the order of memory. One function per shape, a shape being the number of whole vectors and the lanes of the tail.
 * Included by matvec.c alone; elsewhere every width takes the template of matvec_dtype.h. */

INLINE bool is_narrow(int64_t d) { return d > 0 && d <= 112; }

#if defined(__AVX512F__)

/* Keeps loads in the order of memory: left to themselves compilers shuffle those of an unrolled loop, and the CPU's
 * prefetchers lose the stream (2.7 times slower on a matrix that is not in cache). */
#define IN_ORDER __asm__ volatile("" ::: "memory")

/* A row, w or the partial in registers: `full` vectors and a tail of 0, 4, 8 or 16 lanes, all constants. Tails of 8 and 16
 * are masked, which costs an operation; one of 4 is exactly that long. */
#define IS_HALF(tail) ((tail) == 4 || (tail) == 8)
struct row {
  __m512 v[7], tail;
  __m256 half_tail;
};

INLINE void row_load(struct row *x, const float *p, const int full, const int tail, __mmask16 mask) {
#pragma GCC unroll 7
  for (int k = 0; k < full; k++) {
    x->v[k] = _mm512_loadu_ps(p + 16 * k);
    IN_ORDER;
  }
  if (tail == 4) x->half_tail = _mm256_zextps128_ps256(_mm_loadu_ps(p + 16 * full));
  if (tail == 8) x->half_tail = _mm256_maskz_loadu_ps((__mmask8)mask, p + 16 * full);
  if (tail == 16) x->tail = _mm512_maskz_loadu_ps(mask, p + 16 * full);
  IN_ORDER;
}

/* The two accumulators of the dot tree, added: the tail comes first, then whole vectors. */
INLINE __m512 row_lanes(const struct row *x, const struct row *w, const int full, const int tail) {
  __m512 p, q;
  const int has_tail = tail > 0;
  if (IS_HALF(tail)) p = _mm512_zextps256_ps512(_mm256_mul_ps(x->half_tail, w->half_tail));
  else if (tail == 16) p = _mm512_mul_ps(x->tail, w->tail);
  else p = _mm512_mul_ps(x->v[0], w->v[0]);
  if (full + has_tail == 1) return p;
  q = _mm512_mul_ps(x->v[1 - has_tail], w->v[1 - has_tail]);
#pragma GCC unroll 7
  for (int k = 2 - has_tail; k < full; k += 2) p = _mm512_fmadd_ps(x->v[k], w->v[k], p);
#pragma GCC unroll 7
  for (int k = 3 - has_tail; k < full; k += 2) q = _mm512_fmadd_ps(x->v[k], w->v[k], q);
  return _mm512_add_ps(p, q);
}

/* g += t * x */
INLINE void row_add(struct row *g, const struct row *x, __m512 t, const int full, const int tail) {
#pragma GCC unroll 7
  for (int k = 0; k < full; k++) g->v[k] = _mm512_fmadd_ps(x->v[k], t, g->v[k]);
  if (IS_HALF(tail)) g->half_tail = _mm256_fmadd_ps(x->half_tail, _mm512_castps512_ps256(t), g->half_tail);
  if (tail == 16) g->tail = _mm512_fmadd_ps(x->tail, t, g->tail);
}

INLINE void row_store(float *p, const struct row *g, const int full, const int tail, __mmask16 mask) {
#pragma GCC unroll 7
  for (int k = 0; k < full; k++) _mm512_storeu_ps(p + 16 * k, g->v[k]);
  if (IS_HALF(tail)) _mm256_mask_storeu_ps(p + 16 * full, (__mmask8)mask, g->half_tail);
  if (tail == 16) _mm512_mask_storeu_ps(p + 16 * full, mask, g->tail);
}

INLINE __mmask16 tail_mask(int64_t d) { return (__mmask16)((1u << d % 16) - 1); }

/* The sums of the lanes of a, b, c and d, four copies of each. */
INLINE __m512 four_sums(__m512 a, __m512 b, __m512 c, __m512 d) {
  __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
  __m512 s = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  s = _mm512_add_ps(s, _mm512_permute_ps(s, 0x4e));
  return _mm512_add_ps(s, _mm512_permute_ps(s, 0xb1));
}

/* z[0..4) = the first of each four copies */
INLINE void store_firsts(float *z, __m512 copies) {
  const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  _mm_storeu_ps(z, _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, copies)));
}

/* for r: z[r] = dot(x[r], w) */
INLINE void narrow_gemv(const float *x, int64_t stride, const float *wp, float *z, int64_t rows, int64_t d,
                        const int full, const int tail) {
  const __mmask16 mask = tail_mask(d);
  struct row w, a;
  int64_t r = 0;
  row_load(&w, wp, full, tail, mask);
  for (; r + 4 <= rows; r += 4) {
    __m512 lanes[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++, x += stride) {
      row_load(&a, x, full, tail, mask);
      lanes[i] = row_lanes(&a, &w, full, tail);
    }
    store_firsts(z + r, four_sums(lanes[0], lanes[1], lanes[2], lanes[3]));
  }
  for (; r < rows; r++, x += stride) {
    row_load(&a, x, full, tail, mask);
    z[r] = vf_sum(row_lanes(&a, &w, full, tail));
  }
}

/* for r: partial += t[r] * x[r] */
INLINE void narrow_gemv_t(const float *x, int64_t stride, const float *t, float *partial, int64_t rows, int64_t d,
                          const int full, const int tail) {
  const __mmask16 mask = tail_mask(d);
  struct row g, a;
  row_load(&g, partial, full, tail, mask);
  for (int64_t r = 0; r < rows; r++, x += stride) {
    row_load(&a, x, full, tail, mask);
    row_add(&g, &a, _mm512_set1_ps(t[r]), full, tail);
  }
  row_store(partial, &g, full, tail, mask);
}

/* The 28 shapes, their table, and a row's entry in it. */
#define NARROW_SHAPES(F)                                                                                          \
  F(0, 4) F(0, 8) F(0, 16) F(1, 0) F(1, 4) F(1, 8) F(1, 16) F(2, 0) F(2, 4) F(2, 8) F(2, 16) F(3, 0) F(3, 4)      \
  F(3, 8) F(3, 16) F(4, 0) F(4, 4) F(4, 8) F(4, 16) F(5, 0) F(5, 4) F(5, 8) F(5, 16) F(6, 0) F(6, 4) F(6, 8)      \
  F(6, 16) F(7, 0)
#define NARROW_TABLE(f)                                                                                           \
  {                                                                                                               \
    {NULL, f##_0_4, f##_0_8, f##_0_16}, {f##_1_0, f##_1_4, f##_1_8, f##_1_16},                                    \
    {f##_2_0, f##_2_4, f##_2_8, f##_2_16}, {f##_3_0, f##_3_4, f##_3_8, f##_3_16},                                 \
    {f##_4_0, f##_4_4, f##_4_8, f##_4_16}, {f##_5_0, f##_5_4, f##_5_8, f##_5_16},                                 \
    {f##_6_0, f##_6_4, f##_6_8, f##_6_16}, {f##_7_0, NULL, NULL, NULL},                                           \
  }
#define NARROW_OF(table, d) table[(d) / 16][narrow_tail((d) % 16)]

INLINE int narrow_tail(int64_t lanes) { return lanes == 0 ? 0 : lanes == 4 ? 1 : lanes <= 8 ? 2 : 3; }

typedef void narrow_fn(const float *x, int64_t stride, const float *v, float *out, int64_t rows, int64_t d);

#define GEMV(full, tail)                                                                                      \
  static void gemv_##full##_##tail(const float *x, int64_t stride, const float *w, float *z, int64_t rows,    \
                                   int64_t d) {                                                               \
    narrow_gemv(x, stride, w, z, rows, d, full, tail);                                                        \
  }
#define GEMV_T(full, tail)                                                                                      \
  static void gemv_t_##full##_##tail(const float *x, int64_t stride, const float *t, float *partial, int64_t rows, \
                                     int64_t d) {                                                               \
    narrow_gemv_t(x, stride, t, partial, rows, d, full, tail);                                                  \
  }
NARROW_SHAPES(GEMV)
NARROW_SHAPES(GEMV_T)
#undef GEMV
#undef GEMV_T

static narrow_fn *const gemv_by_width[8][4] = NARROW_TABLE(gemv);
static narrow_fn *const gemv_t_by_width[8][4] = NARROW_TABLE(gemv_t);

#endif

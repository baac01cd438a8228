/* The linear-model step in one pass over x. Where rows are narrow (AVX-512) four of them are in registers while they are
 * multiplied with w and added to the partial; otherwise a few rows go through gemv, the affine chain and gemv_t while
 * they are in L1. Both compute with the trees of gemv and gemv_t_block, so their bits are the same. Included by
 * matvec.c alone. */

/* for r: t = ((dot(x[r], w) - y[r]) * s1) * s2;  partial += t * x[r] */
static void linear_through_l1(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *partial, int64_t rows, int64_t d) {
  int64_t step = mxi_matvec_block_rows(d * (int64_t)sizeof *x);
  float t[MXI_MATVEC_BLOCK];
  if (d > 0) memset(partial, 0, (size_t)d * sizeof *partial);
  for (int64_t r = 0; r < rows; r += step, x += step * row_stride) {
    int64_t count = rows - r < step ? rows - r : step;
    gemv_f32(x, row_stride, w, t, count, d);
    for (int64_t i = 0; i < count; i++) t[i] = ((t[i] - y[r + i]) * s1) * s2;
    gemv_t_accumulate_f32(x, row_stride, t, partial, count, d);
  }
}

#if defined(__AVX512F__)

/* What bounds the loop is the two ports of 512-bit arithmetic: as many rows as registers hold, four or two, share one
 * reduction and one scaling, and their factors are broadcast by loads. Reading rows or sums from L1 a second time, to
 * have four rows always, was slower: most vectors of a row lie across two cache lines. */
struct linear {
  const float *x, *y;
  int64_t row_stride, rows;
  float s1, s2;
};

/* ((z - y) * s1) * s2 */
INLINE __m512 scaled(const struct linear *c, __m512 z, __m512 y) {
  return _mm512_mul_ps(_mm512_mul_ps(_mm512_sub_ps(z, y), _mm512_set1_ps(c->s1)), _mm512_set1_ps(c->s2));
}

/* t[4 * i] = the factor of row i of four, whose dot is the sum of its lanes */
INLINE void four_factors(const struct linear *c, const __m512 *lanes, const float *y, float *t) {
  const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  __m512 z = four_sums(lanes[0], lanes[1], lanes[2], lanes[3]);
  _mm512_store_ps(t, scaled(c, z, _mm512_permutevar_ps(_mm512_broadcast_f32x4(_mm_loadu_ps(y)), spread)));
}

/* t[8 * i] = the factor of row i of two */
INLINE void two_factors(const struct linear *c, const __m512 *lanes, const float *y, float *t) {
  const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  double both;
  memcpy(&both, y, sizeof both);
  __m512 low = _mm512_shuffle_f32x4(lanes[0], lanes[1], 0x44), high = _mm512_shuffle_f32x4(lanes[0], lanes[1], 0xee);
  __m512 z = _mm512_add_ps(low, high);
  z = _mm512_add_ps(z, _mm512_shuffle_f32x4(z, z, 0xb1));
  z = _mm512_add_ps(z, _mm512_permute_ps(z, 0x4e));
  z = _mm512_add_ps(z, _mm512_permute_ps(z, 0xb1));
  _mm512_store_ps(t, scaled(c, z, _mm512_permutevar_ps(_mm512_castpd_ps(_mm512_set1_pd(both)), spread)));
}

INLINE void linear_rows(const struct linear *c, const float *wp, float *partial, int64_t d, const int full,
                        const int tail) {
  const __mmask16 mask = tail_mask(d);
  const int64_t stride = c->row_stride, rows = c->rows;
  const float *x = c->x, *y = c->y;
  _Alignas(64) float memory[16], *t = memory;
  __asm__("" : "+r"(t)); /* what is stored there is loaded from there */
  const int group = full < 4 ? 4 : 2;
  struct row w, g, a[4];
  row_load(&w, wp, full, tail, mask);
  for (int k = 0; k < 7; k++) g.v[k] = _mm512_setzero_ps();
  g.tail = _mm512_setzero_ps(), g.half_tail = _mm256_setzero_ps();
  int64_t r = 0;
  for (; r + group <= rows; r += group) {
    __m512 lanes[4];
#pragma GCC unroll 4
    for (int i = 0; i < group; i++, x += stride) {
      row_load(&a[i], x, full, tail, mask);
      lanes[i] = row_lanes(&a[i], &w, full, tail);
    }
    if (group == 4) four_factors(c, lanes, y + r, t);
    else two_factors(c, lanes, y + r, t);
    IN_ORDER;
#pragma GCC unroll 4
    for (int i = 0; i < group; i++) row_add(&g, &a[i], _mm512_set1_ps(t[16 / group * i]), full, tail);
  }
  for (; r < rows; r++, x += stride) {
    row_load(a, x, full, tail, mask);
    float factor = ((vf_sum(row_lanes(a, &w, full, tail)) - y[r]) * c->s1) * c->s2;
    row_add(&g, a, _mm512_set1_ps(factor), full, tail);
  }
  row_store(partial, &g, full, tail, mask);
}

#define LINEAR(full, tail)                                                                                \
  static void linear_##full##_##tail(const struct linear *c, const float *w, float *partial, int64_t d) { \
    linear_rows(c, w, partial, d, full, tail);                                                            \
  }
NARROW_SHAPES(LINEAR)
#undef LINEAR

static void (*const linear_by_width[8][4])(const struct linear *, const float *, float *, int64_t) =
    NARROW_TABLE(linear);

static void linear_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                         float *partial, int64_t rows, int64_t d) {
  if (!is_narrow(d)) {
    linear_through_l1(x, row_stride, w, y, s1, s2, partial, rows, d);
    return;
  }
  const struct linear c = {x, y, row_stride, rows, s1, s2};
  NARROW_OF(linear_by_width, d)(&c, w, partial, d);
}

#else

static void linear_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                         float *partial, int64_t rows, int64_t d) {
  linear_through_l1(x, row_stride, w, y, s1, s2, partial, rows, d);
}

#endif

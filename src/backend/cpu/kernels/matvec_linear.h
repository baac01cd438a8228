/* The linear-model step in one pass over x. Up to 112 columns a pair of rows, w and the partial all stay in 32
 * registers (AVX-512); otherwise a few rows go through gemv, the affine chain and gemv_t while they are in L1. Both
 * compute with the trees of gemv and gemv_t_block, so their bits are the same. Included by matvec.c alone. */

/* for r: t = ((dot(x[r], w) - y[r]) * s1) * s2;  partial += t * x[r] */
static void linear_through_l1(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *t_out, float *z_out, float *partial, int64_t rows, int64_t d) {
  int64_t step = mxi_matvec_block_rows(d * (int64_t)sizeof *x);
  float z[MXI_MATVEC_BLOCK], t[MXI_MATVEC_BLOCK];
  if (d > 0) memset(partial, 0, (size_t)d * sizeof *partial);
  for (int64_t r = 0; r < rows; r += step, x += step * row_stride) {
    int64_t count = rows - r < step ? rows - r : step;
    gemv_f32(x, row_stride, w, z, count, d);
    for (int64_t i = 0; i < count; i++) t[i] = ((z[i] - y[r + i]) * s1) * s2;
    gemv_t_accumulate_f32(x, row_stride, t, partial, count, d);
    if (z_out) memcpy(z_out + r, z, (size_t)count * sizeof *z);
    if (t_out) memcpy(t_out + r, t, (size_t)count * sizeof *t);
  }
}

#if defined(__AVX512F__)

/* Intrinsics: neither compiler keeps the pair's 28 vectors in registers from plain C. */
struct linear {
  const float *x, *y;
  int64_t row_stride, rows;
  float s1, s2;
  float *t_out, *z_out;
};

/* A row, w or the partial in registers: `full` vectors and a tail of 0, 8 or 16 lanes, all constants. A tail of 8 is
 * half a vector, which costs half the multiply-adds. */
struct row {
  __m512 v[7], tail;
  __m256 half_tail;
};

INLINE void row_load(struct row *x, const float *p, const int full, const int tail, __mmask16 mask) {
#pragma GCC unroll 7
  for (int k = 0; k < full; k++) x->v[k] = _mm512_loadu_ps(p + 16 * k);
  if (tail == 8) x->half_tail = _mm256_maskz_loadu_ps((__mmask8)mask, p + 16 * full);
  if (tail == 16) x->tail = _mm512_maskz_loadu_ps(mask, p + 16 * full);
}

/* The two accumulators of the dot tree, added: the tail comes first, then whole vectors. */
INLINE __m512 row_lanes(const struct row *x, const struct row *w, const int full, const int tail) {
  __m512 p, q;
  const int has_tail = tail > 0;
  if (tail == 8) p = _mm512_zextps256_ps512(_mm256_mul_ps(x->half_tail, w->half_tail));
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
  if (tail == 8) g->half_tail = _mm256_fmadd_ps(x->half_tail, _mm512_castps512_ps256(t), g->half_tail);
  if (tail == 16) g->tail = _mm512_fmadd_ps(x->tail, t, g->tail);
}

INLINE void row_store(float *p, const struct row *g, const int full, const int tail, __mmask16 mask) {
#pragma GCC unroll 7
  for (int k = 0; k < full; k++) _mm512_storeu_ps(p + 16 * k, g->v[k]);
  if (tail == 8) _mm256_mask_storeu_ps(p + 16 * full, (__mmask8)mask, g->half_tail);
  if (tail == 16) _mm512_mask_storeu_ps(p + 16 * full, mask, g->tail);
}

/* The sums of the lanes of a and of b, four copies of each. */
INLINE __m256 pair_sum(__m512 a, __m512 b) {
  __m256 a8 = vf_halve(a), b8 = vf_halve(b);
  __m256 low = _mm256_insertf128_ps(a8, _mm256_castps256_ps128(b8), 1), high = _mm256_permute2f128_ps(a8, b8, 0x31);
  __m256 s = _mm256_add_ps(low, high);
  s = _mm256_add_ps(s, _mm256_permute_ps(s, 0x4e));
  return _mm256_add_ps(s, _mm256_permute_ps(s, 0xb1));
}

/* p[0] and p[1], four copies of each */
INLINE __m256 pair_broadcast(const float *p) {
  double both;
  memcpy(&both, p, sizeof both);
  return _mm256_permutevar_ps(_mm256_castpd_ps(_mm256_set1_pd(both)), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

INLINE void pair_store(float *p, __m256 v) {
  _mm_store_ss(p, _mm256_castps256_ps128(v));
  _mm_store_ss(p + 1, _mm256_extractf128_ps(v, 1));
}

INLINE void linear_rows(const struct linear *c, const float *wp, float *partial, int64_t d, const int full,
                        const int tail) {
  const __mmask16 mask = (__mmask16)((1u << (d - 16 * full)) - 1);
  const int64_t stride = c->row_stride, rows = c->rows;
  const float *x = c->x, *y = c->y;
  struct row w, g, a, b;
  row_load(&w, wp, full, tail, mask);
  for (int k = 0; k < 7; k++) g.v[k] = _mm512_setzero_ps();
  g.tail = _mm512_setzero_ps(), g.half_tail = _mm256_setzero_ps();
  int64_t r = 0;
  for (; r + 2 <= rows; r += 2, x += 2 * stride) {
    row_load(&a, x, full, tail, mask);
    row_load(&b, x + stride, full, tail, mask);
    __m256 z = pair_sum(row_lanes(&a, &w, full, tail), row_lanes(&b, &w, full, tail));
    __m256 t = _mm256_sub_ps(z, pair_broadcast(y + r));
    t = _mm256_mul_ps(_mm256_mul_ps(t, _mm256_set1_ps(c->s1)), _mm256_set1_ps(c->s2));
    if (c->z_out) pair_store(c->z_out + r, z);
    if (c->t_out) pair_store(c->t_out + r, t);
    __m512 both = _mm512_castps256_ps512(t);
    row_add(&g, &a, _mm512_shuffle_f32x4(both, both, 0x00), full, tail);
    row_add(&g, &b, _mm512_shuffle_f32x4(both, both, 0x55), full, tail);
  }
  if (r < rows) {
    row_load(&a, x, full, tail, mask);
    float z = vf_sum(row_lanes(&a, &w, full, tail)), t = ((z - y[r]) * c->s1) * c->s2;
    row_add(&g, &a, _mm512_set1_ps(t), full, tail);
    if (c->z_out) c->z_out[r] = z;
    if (c->t_out) c->t_out[r] = t;
  }
  row_store(partial, &g, full, tail, mask);
}

#define LINEAR(full, tail_lanes)                                                                               \
  static void linear_##full##_##tail_lanes(const struct linear *c, const float *w, float *partial, int64_t d) { \
    linear_rows(c, w, partial, d, full, tail_lanes);                                                           \
  }
LINEAR(0, 8) LINEAR(0, 16)
LINEAR(1, 0) LINEAR(1, 8) LINEAR(1, 16)
LINEAR(2, 0) LINEAR(2, 8) LINEAR(2, 16)
LINEAR(3, 0) LINEAR(3, 8) LINEAR(3, 16)
LINEAR(4, 0) LINEAR(4, 8) LINEAR(4, 16)
LINEAR(5, 0) LINEAR(5, 8) LINEAR(5, 16)
LINEAR(6, 0) LINEAR(6, 8) LINEAR(6, 16)
LINEAR(7, 0)
#undef LINEAR

static void (*const linear_by_width[8][3])(const struct linear *, const float *, float *, int64_t) = {
    {NULL, linear_0_8, linear_0_16},       {linear_1_0, linear_1_8, linear_1_16},
    {linear_2_0, linear_2_8, linear_2_16}, {linear_3_0, linear_3_8, linear_3_16},
    {linear_4_0, linear_4_8, linear_4_16}, {linear_5_0, linear_5_8, linear_5_16},
    {linear_6_0, linear_6_8, linear_6_16}, {linear_7_0, NULL, NULL},
};

static void linear_pair_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *t_out, float *z_out, float *partial, int64_t rows, int64_t d) {
  if (d == 0 || d > 112) {
    linear_through_l1(x, row_stride, w, y, s1, s2, t_out, z_out, partial, rows, d);
    return;
  }
  const struct linear c = {x, y, row_stride, rows, s1, s2, t_out, z_out};
  linear_by_width[d / 16][(d % 16 + 7) / 8](&c, w, partial, d);
}

#else

static void linear_pair_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *t_out, float *z_out, float *partial, int64_t rows, int64_t d) {
  linear_through_l1(x, row_stride, w, y, s1, s2, t_out, z_out, partial, rows, d);
}

#endif

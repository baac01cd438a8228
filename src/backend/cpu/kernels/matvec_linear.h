/* The linear-model step in one pass over x. Where rows are narrow a pair of them, w and the partial all stay in 32
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
  const __mmask16 mask = tail_mask(d);
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

#define LINEAR(full, tail)                                                                                \
  static void linear_##full##_##tail(const struct linear *c, const float *w, float *partial, int64_t d) { \
    linear_rows(c, w, partial, d, full, tail);                                                            \
  }
NARROW_SHAPES(LINEAR)
#undef LINEAR

static void (*const linear_by_width[8][3])(const struct linear *, const float *, float *, int64_t) =
    NARROW_TABLE(linear);

static void linear_pair_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *t_out, float *z_out, float *partial, int64_t rows, int64_t d) {
  if (!is_narrow(d)) {
    linear_through_l1(x, row_stride, w, y, s1, s2, t_out, z_out, partial, rows, d);
    return;
  }
  const struct linear c = {x, y, row_stride, rows, s1, s2, t_out, z_out};
  NARROW_OF(linear_by_width, d)(&c, w, partial, d);
}

#else

static void linear_pair_block(const float *x, int64_t row_stride, const float *w, const float *y, float s1, float s2,
                              float *t_out, float *z_out, float *partial, int64_t rows, int64_t d) {
  linear_through_l1(x, row_stride, w, y, s1, s2, t_out, z_out, partial, rows, d);
}

#endif

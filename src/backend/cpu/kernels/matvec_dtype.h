/* The matrix-vector kernels of one storage type; matvec.c includes this once per type, with
 *   DTYPE  suffix of the names        T  storage type        C  type computed in        V  its vector (vf or vd)
 *   LOAD(p), LOAD_N(p, n), STORE_N(p, v, n)  a vector of T, widened to V and rounded back
 *   WIDEN(t), ROUND(c)                       a scalar of T, likewise
 *   NARROW, WIDENS                           1 if narrow rows have kernels of their own; if T is not C
 * No include guard: it is a template. The trees are defined in docs/numerics.md. */

#define NAME(name) MXI_PASTE(name, DTYPE) /* gemv_f32 */
#define OP(name) MXI_PASTE(V, name)       /* vf_add */
#define LANES ((int64_t)(sizeof(V) / sizeof(C)))

/* The tail, if any, then whole vectors, dealt to p and q in turn. W_LOAD says of what type w is. */
#define DOT(name, W, W_LOAD, W_LOAD_N)                                                        \
  INLINE C NAME(name)(const T *x, const W *w, int64_t d) {                                    \
    int64_t full = d - d % LANES, j = full < d ? 0 : LANES;                                   \
    V p, q;                                                                                   \
    if (full < d) p = OP(mul)(LOAD_N(x + full, d - full), W_LOAD_N(w + full, d - full));      \
    else p = OP(mul)(LOAD(x), W_LOAD(w));                                                     \
    if (j == full) return OP(sum)(p);                                                         \
    q = OP(mul)(LOAD(x + j), W_LOAD(w + j));                                                  \
    for (j += LANES; j + 2 * LANES <= full; j += 2 * LANES) {                                 \
      p = OP(fma)(LOAD(x + j), W_LOAD(w + j), p);                                             \
      q = OP(fma)(LOAD(x + j + LANES), W_LOAD(w + j + LANES), q);                             \
    }                                                                                         \
    if (j < full) p = OP(fma)(LOAD(x + j), W_LOAD(w + j), p);                                 \
    return OP(sum)(OP(add)(p, q));                                                            \
  }
DOT(dot, T, LOAD, LOAD_N)
#if WIDENS
DOT(dot_wide, C, OP(load), OP(load_n))
#endif
#undef DOT

/* Rows are read one after the other, in the order of memory: several side by side cost up to three times as much where
 * they are not in cache. */
static void NAME(gemv)(const void *x, int64_t row_stride, const void *w, void *z, int64_t rows, int64_t d) {
  const T *row = x;
  T *out = z;
#if NARROW
  if (is_narrow(d)) {
    NARROW_OF(gemv_by_width, d)(x, row_stride, w, z, rows, d);
    return;
  }
#endif
#if WIDENS
  if (rows > 1 && d > 0 && d <= WIDE_MAX) {
    C wide[WIDE_MAX];
    int64_t j = 0;
    for (; j + LANES <= d; j += LANES) OP(store)(wide + j, LOAD((const T *)w + j));
    if (j < d) OP(store)(wide + j, LOAD_N((const T *)w + j, d - j));
    for (int64_t r = 0; r < rows; r++, row += row_stride) out[r] = ROUND(NAME(dot_wide)(row, wide, d));
    return;
  }
#endif
  for (int64_t r = 0; r < rows; r++, row += row_stride) out[r] = d ? ROUND(NAME(dot)(row, w, d)) : 0;
}

/* for i < count: g += t[i] * x[i]     each g is loaded and stored once for all rows of the group; for x in cache, or
 * long rows */
INLINE void NAME(axpys)(const T *x, int64_t stride, const T *t, C *g, int64_t d, const int count) {
  V tv[T_GROUP];
  int64_t j = 0;
  for (int i = 0; i < count; i++) tv[i] = OP(set1)(WIDEN(t[i]));
  for (; j + LANES <= d; j += LANES) {
    V sum = OP(load)(g + j);
    for (int i = 0; i < count; i++) sum = OP(fma)(LOAD(x + i * stride + j), tv[i], sum);
    OP(store)(g + j, sum);
  }
  if (j < d) {
    V sum = OP(load_n)(g + j, d - j);
    for (int i = 0; i < count; i++) sum = OP(fma)(LOAD_N(x + i * stride + j, d - j), tv[i], sum);
    OP(store_n)(g + j, sum, d - j);
  }
}

static void NAME(gemv_t_accumulate)(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows,
                                    int64_t d) {
  const T *row = x, *factor = t;
  int64_t r = 0;
#if NARROW
  if (is_narrow(d)) {
    NARROW_OF(gemv_t_by_width, d)(x, row_stride, t, partial, rows, d);
    return;
  }
#endif
  for (; r + T_GROUP <= rows; r += T_GROUP, row += T_GROUP * row_stride)
    NAME(axpys)(row, row_stride, factor + r, partial, d, T_GROUP);
  for (; r + T_GROUP / 2 <= rows; r += T_GROUP / 2, row += T_GROUP / 2 * row_stride)
    NAME(axpys)(row, row_stride, factor + r, partial, d, T_GROUP / 2);
  for (; r < rows; r++, row += row_stride) NAME(axpys)(row, row_stride, factor + r, partial, d, 1);
}

static void NAME(gemv_t_block)(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows,
                               int64_t d) {
  const T *row = x, *factor = t;
  if (d > 0) memset(partial, 0, (size_t)d * sizeof(C));
  if ((NARROW && is_narrow(d)) || d * (int64_t)sizeof(C) > ROW_BY_ROW_NBYTES) {
    NAME(gemv_t_accumulate)(x, row_stride, t, partial, rows, d);
    return;
  }
  for (int64_t r = 0; r < rows; r++, row += row_stride) NAME(axpys)(row, row_stride, factor + r, partial, d, 1);
}

/* One column vector of the pairwise tree, as a binary counter: level k holds the sum of an aligned group of 2^k. n is
 * LANES or the tail. */
INLINE V NAME(tree)(const C *p, int64_t stride, int64_t count, int64_t n) {
  V level[64], sum = OP(zero)();
  int depth = 0;
  for (int64_t i = 0; i < count; i++, p += stride) {
    V v = n == LANES ? OP(load)(p) : OP(load_n)(p, n);
    for (int64_t k = i; k & 1; k >>= 1) v = OP(add)(level[--depth], v);
    level[depth++] = v;
  }
  if (depth) sum = level[--depth];
  while (depth) sum = OP(add)(level[--depth], sum);
  return sum;
}

static void NAME(combine)(const void *partials, int64_t partial_stride, int64_t count, int64_t d, void *out) {
  const C *p = partials;
  T *result = out;
  int64_t j = 0;
  for (; j + LANES <= d; j += LANES) STORE_N(result + j, NAME(tree)(p + j, partial_stride, count, LANES), LANES);
  if (j < d) STORE_N(result + j, NAME(tree)(p + j, partial_stride, count, d - j), d - j);
}

#undef NAME
#undef OP
#undef LANES
#undef DTYPE
#undef T
#undef C
#undef V
#undef LOAD
#undef LOAD_N
#undef STORE_N
#undef WIDEN
#undef ROUND
#undef NARROW
#undef WIDENS

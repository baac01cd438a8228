/* The matrix-vector kernels of one storage type; matvec.c includes this once per type, with
 *   DTYPE  suffix of the names        T  storage type        C  type computed in        V  its vector (vf or vd)
 *   LOAD(p), LOAD_N(p, n), STORE_N(p, v, n)  a vector of T, widened to V and rounded back
 *   WIDEN(t), ROUND(c)                       a scalar of T, likewise
 * No include guard: it is a template. The trees are defined in docs/numerics.md. */

#define NAME(name) MXI_PASTE(name, DTYPE) /* gemv_f32 */
#define OP(name) MXI_PASTE(V, name)       /* vf_add */
#define LANES ((int64_t)(sizeof(V) / sizeof(C)))

/* s[i] = dot(x[i], w) for GROUP rows or one; count is a constant. The tail comes first, then whole vectors ascending;
 * they go to two accumulators in turn. */
INLINE void NAME(dots)(const T *x, int64_t stride, const T *w, int64_t d, C *s, const int count) {
  V p[GROUP], q[GROUP];
  int64_t full = d - d % LANES, j = 0;
  if (full < d) {
    V wv = LOAD_N(w + full, d - full);
    for (int i = 0; i < count; i++) p[i] = OP(mul)(LOAD_N(x + i * stride + full, d - full), wv);
  } else {
    V wv = LOAD(w);
    for (int i = 0; i < count; i++) p[i] = OP(mul)(LOAD(x + i * stride), wv);
    j = LANES;
  }
  if (j < full) {
    V wv = LOAD(w + j);
    for (int i = 0; i < count; i++) q[i] = OP(mul)(LOAD(x + i * stride + j), wv);
    j += LANES;
    for (; j + LANES < full; j += 2 * LANES) {
      V wp = LOAD(w + j), wq = LOAD(w + j + LANES);
      for (int i = 0; i < count; i++) p[i] = OP(fma)(LOAD(x + i * stride + j), wp, p[i]);
      for (int i = 0; i < count; i++) q[i] = OP(fma)(LOAD(x + i * stride + j + LANES), wq, q[i]);
    }
    if (j < full) {
      V wp = LOAD(w + j);
      for (int i = 0; i < count; i++) p[i] = OP(fma)(LOAD(x + i * stride + j), wp, p[i]);
    }
    for (int i = 0; i < count; i++) p[i] = OP(add)(p[i], q[i]);
  }
  for (int i = 0; i < count; i++) s[i] = OP(sum)(p[i]);
}

static void NAME(gemv)(const void *x, int64_t row_stride, const void *w, void *z, int64_t rows, int64_t d) {
  const T *row = x;
  T *out = z;
  C s[GROUP];
  int64_t r = 0;
  if (d == 0) {
    for (; r < rows; r++) out[r] = 0;
    return;
  }
  for (; r + GROUP <= rows; r += GROUP, row += GROUP * row_stride) {
    NAME(dots)(row, row_stride, w, d, s, GROUP);
    for (int i = 0; i < GROUP; i++) out[r + i] = ROUND(s[i]);
  }
  for (; r < rows; r++, row += row_stride) {
    NAME(dots)(row, row_stride, w, d, s, 1);
    out[r] = ROUND(s[0]);
  }
}

/* for i < count: g += t[i] * x[i]     each g is loaded and stored once for all rows of the group */
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
  for (; r + T_GROUP <= rows; r += T_GROUP, row += T_GROUP * row_stride)
    NAME(axpys)(row, row_stride, factor + r, partial, d, T_GROUP);
  for (; r + T_GROUP / 2 <= rows; r += T_GROUP / 2, row += T_GROUP / 2 * row_stride)
    NAME(axpys)(row, row_stride, factor + r, partial, d, T_GROUP / 2);
  for (; r < rows; r++, row += row_stride) NAME(axpys)(row, row_stride, factor + r, partial, d, 1);
}

static void NAME(gemv_t_block)(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows,
                               int64_t d) {
  if (d > 0) memset(partial, 0, (size_t)d * sizeof(C));
  NAME(gemv_t_accumulate)(x, row_stride, t, partial, rows, d);
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

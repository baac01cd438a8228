/* A tiny product of one type; kernels/matmul.c includes this once per type, with
 *   DTYPE  suffix of the names        T  element type        V  its vector (vf or vd)
 * No include guard: it is a template. for i, j: c[i][j] = sum over p of a[i][p] * b[p][j] */

#define NAME(name) MXI_PASTE(name, DTYPE) /* small_f32 */
#define OP(name) MXI_PASTE(V, name)       /* vf_fma */
#define LANES ((int64_t)(sizeof(V) / sizeof(T)))

/* `rows` x `vectors` sums in registers; both are constants. The last vector has `last` columns. */
INLINE void NAME(block)(const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *c, int64_t c_row,
                        int64_t k, int64_t last, const int rows, const int vectors) {
  V s[ROWS][VECTORS], bv[VECTORS];
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) s[i][v] = OP(zero)();
  for (int64_t p = 0; p < k; p++, a += a_column, b += b_row) {
    for (int v = 0; v < vectors - 1; v++) bv[v] = OP(load)(b + v * LANES);
    const T *end = b + (vectors - 1) * LANES;
    bv[vectors - 1] = last == LANES ? OP(load)(end) : OP(load_n)(end, last);
    for (int i = 0; i < rows; i++) {
      V x = OP(set1)(a[i * a_row]);
      for (int v = 0; v < vectors; v++) s[i][v] = OP(fma)(x, bv[v], s[i][v]);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int v = 0; v < vectors - 1; v++) OP(store)(c + i * c_row + v * LANES, s[i][v]);
    OP(store_n)(c + i * c_row + (vectors - 1) * LANES, s[i][vectors - 1], last);
  }
}

/* All rows of a column block. */
INLINE void NAME(strip)(const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *c, int64_t c_row,
                        int64_t m, int64_t k, int64_t last, const int vectors) {
  int64_t i = 0;
  for (; i + ROWS <= m; i += ROWS)
    NAME(block)(a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row, k, last, ROWS, vectors);
#if defined(__AVX2__)
  for (; i + ROWS / 2 <= m; i += ROWS / 2)
    NAME(block)(a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row, k, last, ROWS / 2, vectors);
#endif
  for (; i < m; i++)
    NAME(block)(a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row, k, last, 1, vectors);
}

static void NAME(small)(struct mxi_matrix a, const T *b, int64_t b_row, T *c, int64_t m, int64_t n, int64_t k) {
  const T *x = (const T *)a.data;
  int64_t j = 0;
  for (; VECTORS > 1 && j + VECTORS * LANES <= n; j += VECTORS * LANES)
    NAME(strip)(x, a.row, a.column, b + j, b_row, c + j, n, m, k, LANES, VECTORS);
  for (; j + LANES <= n; j += LANES) NAME(strip)(x, a.row, a.column, b + j, b_row, c + j, n, m, k, LANES, 1);
  if (j < n) NAME(strip)(x, a.row, a.column, b + j, b_row, c + j, n, m, k, n - j, 1);
}

#undef NAME
#undef OP
#undef LANES
#undef DTYPE
#undef T
#undef V

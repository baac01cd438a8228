/* A tiny product of one type; kernels/matmul.c includes this once per type, with
 *   DTYPE  suffix of the names        T  element type        V  its vector (vf or vd)
 * No include guard: it is a template. for i, j: c[i][j] = sum over p of a[i][p] * b[p][j] */

#define NAME(name) MXI_PASTE(name, DTYPE) /* small_f32 */
#define OP(name) MXI_PASTE(V, name)       /* vf_fma */
#define LANES ((int64_t)(sizeof(V) / sizeof(T)))

/* `rows` x `vectors` sums in registers; both are constants. The last vector has `last` columns. */
INLINE void NAME(block)(const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *c, int64_t c_row,
                        int64_t k, int64_t last, const int rows, const int vectors) {
  V s[MAX_ROWS][VECTORS], bv[VECTORS];
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
    T *tail = c + i * c_row + (vectors - 1) * LANES;
    if (last == LANES) OP(store)(tail, s[i][vectors - 1]); /* whole lines are written without being read */
    else OP(store_n)(tail, s[i][vectors - 1], last);
  }
}

/* All rows of a strip of columns, in blocks as even as can be. */
INLINE void NAME(strip)(const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *c, int64_t c_row,
                        int64_t m, int64_t k, int64_t last, const int vectors) {
  const uint32_t most = ROWS * VECTORS / vectors < MAX_ROWS ? ROWS * VECTORS / vectors : MAX_ROWS;
  for (uint32_t blocks = ((uint32_t)m + most - 1) / most; blocks; blocks--) {
    int64_t rows = blocks == 1 ? m : (uint32_t)m / blocks;
    switch (rows) {
#define CASE(r) \
  case r: \
    if (r <= (int)most) NAME(block)(a, a_row, a_column, b, b_row, c, c_row, k, last, r <= MAX_ROWS ? r : 1, vectors); \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
      CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
#undef CASE
    }
    m -= rows;
    a += rows * a_row;
    c += rows * c_row;
  }
}

static void NAME(small)(struct mxi_matrix a, const T *b, int64_t b_row, T *c, int64_t m, int64_t n, int64_t k) {
  const T *x = (const T *)a.data;
  for (int64_t j = 0, left = n; left > 0;) {
    if (VECTORS > 1 && left > LANES) {
      int64_t last = left < VECTORS * LANES ? left - LANES : LANES;
      NAME(strip)(x, a.row, a.column, b + j, b_row, c + j, n, m, k, last, VECTORS);
    } else {
      NAME(strip)(x, a.row, a.column, b + j, b_row, c + j, n, m, k, left < LANES ? left : LANES, 1);
    }
    j += left > LANES ? VECTORS * LANES : LANES;
    left = n - j;
  }
}

#undef NAME
#undef OP
#undef LANES
#undef DTYPE
#undef T
#undef V

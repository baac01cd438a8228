/* A strip of a product: all its rows, STRIP_VECTORS vectors of columns, one piece of the sum; kernels/matmul.c includes
 * this once per type, with DTYPE, T and V as for matmul_small.h. A block of rows has its sums in registers, and reads a
 * row of b and a column of a at each step. No include guard: it is a template. */

#define NAME(name) MXI_PASTE(name, DTYPE)
#define OP(name) MXI_PASTE(V, name)
#define LANES ((int64_t)(sizeof(V) / sizeof(T)))

/* for i < rows, j: c[i][j] (+)= sum over p of a[i][p] * b[p][j] */
INLINE void NAME(strip_block)(const struct mxi_strip *at, const T *a, T *c, const int rows, const int vectors) {
  const int64_t a_row = at->a_row, a_column = at->a_column, b_row = at->b_row, c_row = at->c_row;
  const int64_t last = at->columns - (vectors - 1) * LANES;
  const bool adds = at->accumulate;
  const T *b = at->b;
  V s[STRIP_ROWS][STRIP_VECTORS], bv[STRIP_VECTORS];
  UNROLL
  for (int i = 0; i < rows; i++)
    UNROLL
    for (int v = 0; v < vectors; v++) {
      s[i][v] = OP(zero)();
      __builtin_prefetch(c + i * c_row + v * LANES, 1);
    }
  for (int64_t p = 0; p < at->depth; p++, a += a_column, b += b_row) {
    UNROLL
    for (int v = 0; v < vectors; v++) bv[v] = OP(load)(b + v * LANES);
    UNROLL
    for (int i = 0; i < rows; i++) {
      V x = OP(set1)(a[i * a_row]);
      UNROLL
      for (int v = 0; v < vectors; v++) s[i][v] = OP(fma)(x, bv[v], s[i][v]);
    }
  }
  UNROLL
  for (int i = 0; i < rows; i++, c += c_row) {
    T *end = c + (vectors - 1) * LANES;
    UNROLL
    for (int v = 0; v < vectors - 1; v++)
      OP(store)(c + v * LANES, adds ? OP(add)(OP(load)(c + v * LANES), s[i][v]) : s[i][v]);
    V sum = s[i][vectors - 1];
    if (last == LANES) OP(store)(end, adds ? OP(add)(OP(load)(end), sum) : sum);
    else OP(store_n)(end, adds ? OP(add)(OP(load_n)(end, last), sum) : sum, last);
  }
}

typedef void (*NAME(strip_fn))(const struct mxi_strip *at, const T *a, T *c);
#define BLOCK(r, v)                                                                                          \
  static __attribute__((noinline)) void NAME(strip_##r##_##v)(const struct mxi_strip *at, const T *a, T *c) { \
    NAME(strip_block)(at, a, c, r, v);                                                                       \
  }
STRIP_BLOCKS(BLOCK)
#undef BLOCK
static const NAME(strip_fn) NAME(strips)[STRIP_VECTORS + 1][STRIP_ROWS + 1] = {
#define BLOCK(r, v) [v][r] = NAME(strip_##r##_##v),
    STRIP_BLOCKS(BLOCK)
#undef BLOCK
};

static void NAME(strip)(const struct mxi_strip *at) {
  const NAME(strip_fn) *blocks = NAME(strips)[(at->columns + LANES - 1) / LANES];
  const T *a = at->a;
  T *c = at->c;
  for (int64_t left = at->rows; left > 0; left -= STRIP_ROWS, a += at->a_block, c += STRIP_ROWS * at->c_row)
    blocks[left < STRIP_ROWS ? left : STRIP_ROWS](at, a, c);
}

#undef NAME
#undef OP
#undef LANES
#undef DTYPE
#undef T
#undef V

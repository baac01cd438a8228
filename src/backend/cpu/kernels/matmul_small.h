/* A tiny product of one type; kernels/matmul.c includes this once per type, with
 *   DTYPE  suffix of the names        T  element type        V  its vector (vf or vd)
 * Every block shape is a function of its own: together in one, the compiler computes the addresses of all before it
 * runs any. No include guard: it is a template. for i, j: c[i][j] = sum over p of a[i][p] * b[p][j] */

#define NAME(name) MXI_PASTE(name, DTYPE) /* small_f32 */
#define OP(name) MXI_PASTE(V, name)       /* vf_fma */
#define LANES ((int64_t)(sizeof(V) / sizeof(T)))

struct NAME(place) {
  const T *a, *b;
  T *c;
  int64_t a_row, a_column, b_row, c_row, k;
  int64_t last; /* columns of the last vector */
};

/* `rows` x `vectors` sums in registers; both are constants. */
INLINE void NAME(block)(const struct NAME(place) *at, const int rows, const int vectors) {
  V s[ROWS][VECTORS], bv[VECTORS];
  const T *a = at->a, *b = at->b;
  const int64_t a_row = at->a_row, a_column = at->a_column, b_row = at->b_row, c_row = at->c_row, last = at->last;
  UNROLL
  for (int i = 0; i < rows; i++)
    UNROLL
    for (int v = 0; v < vectors; v++) s[i][v] = OP(zero)();
  for (int64_t p = 0; p < at->k; p++, a += a_column, b += b_row) {
    UNROLL
    for (int v = 0; v < vectors - 1; v++) bv[v] = OP(load)(b + v * LANES);
    const T *end = b + (vectors - 1) * LANES;
    bv[vectors - 1] = last == LANES ? OP(load)(end) : OP(load_n)(end, last);
    UNROLL
    for (int i = 0; i < rows; i++) {
      V x = OP(set1)(a[i * a_row]);
      UNROLL
      for (int v = 0; v < vectors; v++) s[i][v] = OP(fma)(x, bv[v], s[i][v]);
    }
  }
  T *c = at->c;
  UNROLL
  for (int i = 0; i < rows; i++, c += c_row) {
    UNROLL
    for (int v = 0; v < vectors - 1; v++) OP(store)(c + v * LANES, s[i][v]);
    T *end = c + (vectors - 1) * LANES;
    if (last == LANES) OP(store)(end, s[i][vectors - 1]); /* whole lines are written without being read */
    else OP(store_n)(end, s[i][vectors - 1], last);
  }
}

typedef void (*NAME(block_fn))(const struct NAME(place) *at);
#define BLOCK(r, v) \
  static __attribute__((noinline)) void NAME(block_##r##_##v)(const struct NAME(place) *at) { NAME(block)(at, r, v); }
BLOCKS(BLOCK)
#undef BLOCK
static const NAME(block_fn) NAME(blocks)[VECTORS + 1][ROWS + 1] = {
#define BLOCK(r, v) [v][r] = NAME(block_##r##_##v),
    BLOCKS(BLOCK)
#undef BLOCK
};

/* A strip is as wide as c where registers allow, so that c is written from its start to its end; its rows go in blocks
 * as even as can be. */
static void NAME(small)(struct mxi_matrix a, const T *b, int64_t b_row, T *c, int64_t m, int64_t n, int64_t k) {
  struct NAME(place) at = {NULL, b, c, a.row, a.column, b_row, n, k, 0};
  for (int64_t left = n; left > 0; left -= VECTORS * LANES) {
    uint32_t vectors = (uint32_t)((left + LANES - 1) / LANES), rows = (uint32_t)m;
    at.last = vectors > VECTORS ? LANES : left - (vectors - 1) * LANES;
    if (vectors > VECTORS) vectors = VECTORS;
    at.a = (const T *)a.data;
    for (uint32_t most = most_rows[vectors], blocks = (rows + most - 1) / most; blocks; blocks--) {
      uint32_t some = blocks == 1 ? rows : rows / blocks;
      NAME(blocks)[vectors][some](&at);
      at.a += some * a.row;
      at.c += some * n;
      rows -= some;
    }
    at.b += VECTORS * LANES;
    at.c += VECTORS * LANES - m * n;
  }
}

#undef NAME
#undef OP
#undef LANES
#undef DTYPE
#undef T
#undef V

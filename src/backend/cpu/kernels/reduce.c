/* Folds: sum, prod, max and min of rows and of columns, running folds, and where an extreme stands. Every instruction
 * set gives the same bits: loops are plain, and the order of operations is that of docs/numerics-reduce.md. */
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "backend/cpu/reduce_kernels.h"

#define FN(op, name, what) op##_##name##_##what

/* The arrays of the next loop may be the same one, but an iteration touches its own element only. */
#if defined(__clang__)
#define INDEPENDENT
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
/* In a loop over a few elements: keeps it scalar, since vector code with its remainders is slower. */
#define FEW(i) __asm__("" : "+r"(i))

/* ---- Operations: a is the accumulator, b comes in ------------------------------------------------------------------ */
#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))
#define MUL_U16(a, b) ((uint32_t)(a) * (b)) /* int would overflow */
/* One instruction each. A NaN in a stays; one in b does not get in. */
#define MAX(a, b) ((b) > (a) ? (b) : (a))
#define MIN(a, b) ((b) < (a) ? (b) : (a))
#define LATER(a, b) ((b) >= (a) ? (b) : (a)) /* for scans: of -0 and 0 the one that came last */
#define MAX_F(a, b) ((b) != (b) ? __builtin_nanf("") : MAX(a, b))
#define LATER_F(a, b) ((b) != (b) ? __builtin_nanf("") : LATER(a, b))
#define MIN_F(a, b) ((b) != (b) ? __builtin_nanf("") : MIN(a, b))

static inline mxi_c64 add_c(mxi_c64 a, mxi_c64 b) { return (mxi_c64){a.re + b.re, a.im + b.im}; }
/* In double, where products are exact: compilers that fuse this in spite of -ffp-contract=off change nothing. */
static inline mxi_c64 mul_c(mxi_c64 a, mxi_c64 b) {
  double ar = a.re, ai = a.im, br = b.re, bi = b.im;
  return (mxi_c64){(float)(ar * br - ai * bi), (float)(ar * bi + ai * br)};
}
/* By real part, then by imaginary part; a NaN part is beyond every number. */
static inline int above(float b, float a) { return (b > a) | ((b != b) & (a == a)); }
static inline int below(float b, float a) { return (b < a) | ((b != b) & (a == a)); }
static inline int same(float b, float a) { return (b == a) | ((b != b) & (a != a)); }
static inline int above_c(mxi_c64 b, mxi_c64 a) { return above(b.re, a.re) | (same(b.re, a.re) & above(b.im, a.im)); }
static inline int below_c(mxi_c64 b, mxi_c64 a) { return below(b.re, a.re) | (same(b.re, a.re) & below(b.im, a.im)); }
static inline int same_c(mxi_c64 b, mxi_c64 a) { return same(b.re, a.re) & same(b.im, a.im); }
static inline mxi_c64 max_c(mxi_c64 a, mxi_c64 b) { return above_c(b, a) ? b : a; }
static inline mxi_c64 min_c(mxi_c64 a, mxi_c64 b) { return below_c(b, a) ? b : a; }

#define EQUAL(b, a) ((b) == (a))
#define ABOVE(b, a) ((b) > (a))
#define BELOW(b, a) ((b) < (a))
#define EQUAL_F(b, a) (((b) == (a)) | (((b) != (b)) & ((a) != (a))))
#define ABOVE_F(b, a) (((b) > (a)) | (((b) != (b)) & ((a) == (a))))
#define BELOW_F(b, a) (((b) < (a)) | (((b) != (b)) & ((a) == (a))))

/* ---- Columns: for r < rows, c < n: acc[c] = op(acc[c], x[r * pitch + c]) ------------------------------------------- */
#define COLUMNS(fn, T, OP)                                                                              \
  static inline void fn(T *restrict acc, const T *restrict x, int64_t pitch, int64_t rows, int64_t n) { \
    int64_t r = 0;                                                                                      \
    for (; r + 4 <= rows; r += 4, x += 4 * pitch)                                                       \
      for (int64_t c = 0; c < n; c++) {                                                                 \
        T a = OP(acc[c], x[c]);                                                                         \
        a = OP(a, x[pitch + c]);                                                                        \
        a = OP(a, x[2 * pitch + c]);                                                                    \
        acc[c] = OP(a, x[3 * pitch + c]);                                                               \
      }                                                                                                 \
    for (; r < rows; r++, x += pitch)                                                                   \
      for (int64_t c = 0; c < n; c++) acc[c] = OP(acc[c], x[c]);                                        \
  }

/* The same for max and min of floats, in vectors: compilers load operands twice to look for NaN, at half the speed.
 * NaN is looked for in pairs of rows. */
#define COLUMNS_F(fn, plain, T, W, V, LOAD, STORE, OP, PUT_NAN)                                         \
  static inline void fn(T *restrict acc, const T *restrict x, int64_t pitch, int64_t rows, int64_t n) { \
    for (; rows >= 4; rows -= 4, x += 4 * pitch) {                                                      \
      int64_t c = 0;                                                                                    \
      for (; c + (W) <= n; c += (W)) {                                                                  \
        V p = LOAD(x + c), q = LOAD(x + pitch + c), s = LOAD(x + 2 * pitch + c), t = LOAD(x + 3 * pitch + c); \
        V a = OP(t, OP(s, OP(q, OP(p, LOAD(acc + c)))));                                                \
        STORE(acc + c, PUT_NAN(a, p, q, s, t));                                                         \
      }                                                                                                 \
      plain(acc + c, x + c, pitch, 4, n - c);                                                           \
    }                                                                                                   \
    plain(acc, x, pitch, rows, n);                                                                      \
  }

#if defined(__AVX512F__)
#define PUT_NAN(T, a, p, q, s, t)                                                                                 \
  _mm512_mask_mov_##T(a, _mm512_cmp_##T##_mask(p, q, _CMP_UNORD_Q) | _mm512_cmp_##T##_mask(s, t, _CMP_UNORD_Q),   \
                      _mm512_set1_##T(__builtin_nan("")))
#define VECTORS(op, name, T, W, V, P) \
  COLUMNS_F(op##_##name##_add, op##_##name##_plain, T, W, V, _mm512_loadu_##P, _mm512_storeu_##P, _mm512_##op##_##P, PUT_NAN_##P)
#define WIDTH 64
#define V_PS __m512
#define V_PD __m512d
#elif defined(__AVX2__)
#define PUT_NAN(T, a, p, q, s, t)                     \
  _mm256_blendv_##T(a, _mm256_set1_##T(__builtin_nan("")), \
                    _mm256_or_##T(_mm256_cmp_##T(p, q, _CMP_UNORD_Q), _mm256_cmp_##T(s, t, _CMP_UNORD_Q)))
#define VECTORS(op, name, T, W, V, P) \
  COLUMNS_F(op##_##name##_add, op##_##name##_plain, T, W, V, _mm256_loadu_##P, _mm256_storeu_##P, _mm256_##op##_##P, PUT_NAN_##P)
#define WIDTH 32
#define V_PS __m256
#define V_PD __m256d
#endif

#if defined(__AVX2__)
#define PUT_NAN_ps(a, p, q, s, t) PUT_NAN(ps, a, p, q, s, t)
#define PUT_NAN_pd(a, p, q, s, t) PUT_NAN(pd, a, p, q, s, t)
#define FLOAT_COLUMNS(op, OP)                          \
  COLUMNS(op##_f32_plain, float, OP)                   \
  VECTORS(op, f32, float, WIDTH / 4, V_PS, ps)         \
  COLUMNS(op##_f64_plain, double, OP)                  \
  VECTORS(op, f64, double, WIDTH / 8, V_PD, pd)
#else
#define FLOAT_COLUMNS(op, OP)      \
  COLUMNS(op##_f32_add, float, OP) \
  COLUMNS(op##_f64_add, double, OP)
#endif

/* ---- Rows of 64 lanes: lane l takes x[l], x[64 + l], ... in order; then lane l takes lane l + 32, + 16, ... + 1. ---- */
/* Each step through memory: a compiler that sees several at once takes the lanes apart and folds them one by one. */
#define FOLD_STEP(OP, h)                                             \
  if (lanes > (h)) {                                                 \
    for (int64_t l = 0; l < (h); l++) t[l] = OP(t[l], t[l + (h)]);   \
    __asm__("" : "+m"(t));                                           \
  }

#define ROWS(op, name, T, LANES, ID, OP)                                                              \
  static void FN(op, name, cols)(void *acc, const void *x, int64_t pitch, int64_t rows, int64_t n) {  \
    FN(op, name, add)(acc, x, pitch, rows, n);                                                        \
  }                                                                                                   \
  static T FN(op, name, short_row)(const T *x, int64_t n) { /* lanes that took nothing take no part */ \
    T t[LANES];                                                                                       \
    int64_t h = LANES / 2;                                                                            \
    for (int64_t l = 0; l < n; l++) {                                                                 \
      FEW(l);                                                                                         \
      t[l] = x[l];                                                                                    \
    }                                                                                                 \
    while (h >= n && h) h /= 2;                                                                       \
    for (; h; n = h, h /= 2)                                                                          \
      for (int64_t l = 0; l + h < n; l++) {                                                           \
        FEW(l);                                                                                       \
        t[l] = OP(t[l], t[l + h]);                                                                    \
      }                                                                                               \
    return t[0];                                                                                      \
  }                                                                                                   \
  static T FN(op, name, row)(const T *x, int64_t n) {                                                 \
    enum { lanes = LANES };                                                                           \
    T t[LANES] __attribute__((aligned(64)));                                                          \
    for (int64_t l = 0; l < LANES; l++) t[l] = x[l];                                                  \
    FN(op, name, add)(t, x + LANES, LANES, n / LANES - 1, LANES);                                     \
    x += n / LANES * LANES;                                                                           \
    for (int64_t l = 0; l < n % LANES; l++) t[l] = OP(t[l], x[l]);                                    \
    FOLD_STEP(OP, 128);                                                                               \
    FOLD_STEP(OP, 64);                                                                                \
    FOLD_STEP(OP, 32);                                                                                \
    FOLD_STEP(OP, 16);                                                                                \
    FOLD_STEP(OP, 8);                                                                                 \
    FOLD_STEP(OP, 4);                                                                                 \
    FOLD_STEP(OP, 2);                                                                                 \
    return OP(t[0], t[1]);                                                                            \
  }                                                                                                   \
  static void FN(op, name, rows)(void *out, const void *x, int64_t pitch, int64_t rows, int64_t n) {  \
    T *o = out;                                                                                       \
    const T *p = x;                                                                                   \
    if (n == 0)                                                                                       \
      for (int64_t r = 0; r < rows; r++) o[r] = ID;                                                   \
    else if (n < LANES)                                                                               \
      for (int64_t r = 0; r < rows; r++) o[r] = FN(op, name, short_row)(p + r * pitch, n);            \
    else                                                                                              \
      for (int64_t r = 0; r < rows; r++) o[r] = FN(op, name, row)(p + r * pitch, n);                  \
  }

#define SCANS(op, name, T, OP)                                                                          \
  static void FN(op, name, scan)(void *y, const void *x, int64_t step, int64_t n, void *carry) {        \
    T a = *(T *)carry, *o = y;                                                                          \
    const T *p = x;                                                                                     \
    for (int64_t i = 0; i < n; i++) o[i * step] = a = OP(a, p[i * step]);                               \
    *(T *)carry = a;                                                                                    \
  }                                                                                                     \
  static void FN(op, name, combine)(void *y, const void *a, const void *x, int64_t n) {                 \
    T *o = y;                                                                                           \
    const T *p = x, *q = a;                                                                             \
    INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = OP(q[i], p[i]);                                  \
  }

/* find looks at 64 elements at a time, so that the loop without an exit is vector code. */
#define BEST(op, name, T, SAME, BEATS)                                                               \
  static int64_t FN(op, name, find)(const void *x, const void *value, int64_t n) {                   \
    const T *p = x, v = *(const T *)value;                                                           \
    int64_t i = 0;                                                                                   \
    for (; i + 64 <= n; i += 64) {                                                                   \
      int hits = 0;                                                                                  \
      for (int64_t l = 0; l < 64; l++) hits |= SAME(p[i + l], v);                                    \
      if (hits) break;                                                                               \
    }                                                                                                \
    while (i < n && !SAME(p[i], v)) i++;                                                             \
    return i;                                                                                        \
  }                                                                                                  \
  static void FN(op, name, update)(void *best, uint32_t *restrict index, const void *x, uint32_t row, int64_t n) { \
    T *restrict b = best;                                                                            \
    const T *restrict p = x;                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                                \
      int better = BEATS(p[i], b[i]);                                                                \
      b[i] = better ? p[i] : b[i];                                                                   \
      index[i] = better ? row : index[i];                                                            \
    }                                                                                                \
  }

/* ---- Types ------------------------------------------------------------------------------------------------------- */
#define ARITHMETIC(name, T, LANES, ZERO, ONE, PLUS, TIMES) \
  COLUMNS(sum_##name##_add, T, PLUS)                       \
  ROWS(sum, name, T, LANES, ZERO, PLUS)                    \
  SCANS(sum, name, T, PLUS)                                \
  COLUMNS(prod_##name##_add, T, TIMES)                     \
  ROWS(prod, name, T, LANES, ONE, TIMES)                   \
  SCANS(prod, name, T, TIMES)
#define ORDER(name, T, LANES, LOW, HIGH, UP, SCAN_UP, DOWN, SAME, HIGHER, LOWER) \
  ROWS(max, name, T, LANES, LOW, UP)                                    \
  SCANS(max, name, T, SCAN_UP)                                          \
  BEST(max, name, T, SAME, HIGHER)                                      \
  ROWS(min, name, T, LANES, HIGH, DOWN)                                 \
  SCANS(min, name, T, DOWN)                                             \
  BEST(min, name, T, SAME, LOWER)
#define ORDER_I(name, T, LANES, LOW, HIGH) \
  COLUMNS(max_##name##_add, T, MAX)        \
  COLUMNS(min_##name##_add, T, MIN)        \
  ORDER(name, T, LANES, (T)(LOW), (T)(HIGH), MAX, LATER, MIN, EQUAL, ABOVE, BELOW)
#define ORDER_F(name, T, LANES, INF) ORDER(name, T, LANES, -INF, INF, MAX_F, LATER_F, MIN_F, EQUAL_F, ABOVE_F, BELOW_F)
#define INF_C(sign) ((mxi_c64){sign __builtin_inff(), sign __builtin_inff()})

/* Sums and products of signed integers are those of unsigned ones: they wrap. */
ARITHMETIC(u8, uint8_t, 256, 0, 1, ADD, MUL)
ARITHMETIC(u16, uint16_t, 128, 0, 1, ADD, MUL_U16)
ARITHMETIC(u32, uint32_t, 64, 0, 1, ADD, MUL)
ARITHMETIC(u64, uint64_t, 32, 0, 1, ADD, MUL)
ARITHMETIC(f32, float, 64, 0.0f, 1.0f, ADD, MUL)
ARITHMETIC(f64, double, 32, 0.0, 1.0, ADD, MUL)
ARITHMETIC(c64, mxi_c64, 32, ((mxi_c64){0, 0}), ((mxi_c64){1, 0}), add_c, mul_c)
ORDER_I(u8, uint8_t, 256, 0, UINT8_MAX)
ORDER_I(i8, int8_t, 256, INT8_MIN, INT8_MAX)
ORDER_I(u16, uint16_t, 128, 0, UINT16_MAX)
ORDER_I(i16, int16_t, 128, INT16_MIN, INT16_MAX)
ORDER_I(u32, uint32_t, 64, 0, UINT32_MAX)
ORDER_I(i32, int32_t, 64, INT32_MIN, INT32_MAX)
ORDER_I(u64, uint64_t, 32, 0, UINT64_MAX)
ORDER_I(i64, int64_t, 32, INT64_MIN, INT64_MAX)
FLOAT_COLUMNS(max, MAX_F)
FLOAT_COLUMNS(min, MIN_F)
ORDER_F(f32, float, 64, __builtin_inff())
ORDER_F(f64, double, 32, __builtin_inf())
COLUMNS(max_c64_add, mxi_c64, max_c)
COLUMNS(min_c64_add, mxi_c64, min_c)
ORDER(c64, mxi_c64, 32, INF_C(-), INF_C(+), max_c, max_c, min_c, same_c, above_c, below_c)

#define FOLD(op, name) [MXI_ACC_##name] = {FN(op, name, cols), FN(op, name, rows), FN(op, name, scan), FN(op, name, combine)}
#define UNSIGNED(M, op) M(op, u8), M(op, u16), M(op, u32), M(op, u64), M(op, f32), M(op, f64), M(op, c64)
#define SIGNED(M, op) M(op, i8), M(op, i16), M(op, i32), M(op, i64)
#define PLACE(op, name) [MXI_ACC_##name] = {FN(op, name, find), FN(op, name, update)}

const struct mxi_reduce_kernels MXI_ISA_NAME(mxi_reduce_kernels) = {
    .folds = {{UNSIGNED(FOLD, sum)},
              {UNSIGNED(FOLD, prod)},
              {UNSIGNED(FOLD, max), SIGNED(FOLD, max)},
              {UNSIGNED(FOLD, min), SIGNED(FOLD, min)}},
    .best = {{UNSIGNED(PLACE, max), SIGNED(PLACE, max)}, {UNSIGNED(PLACE, min), SIGNED(PLACE, min)}},
};

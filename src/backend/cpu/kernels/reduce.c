/* Folds: sum, prod, max and min of rows and of columns, running folds, and where an extreme stands. Plain loops that
 * compilers turn into vector code; every instruction set gives the same bits. */
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

/* a is the accumulator: it stays where it equals b, and a NaN stays once it is there. */
#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))
#define MUL_U16(a, b) ((uint32_t)(a) * (b)) /* int would overflow */
#define MAX_I(a, b) ((b) > (a) ? (b) : (a))
#define MIN_I(a, b) ((b) < (a) ? (b) : (a))
#define MAX_F(a, b) ((((b) > (a)) | ((b) != (b))) ? (b) : (a))
#define MIN_F(a, b) ((((b) < (a)) | ((b) != (b))) ? (b) : (a))

static inline mxi_c64 add_c(mxi_c64 a, mxi_c64 b) { return (mxi_c64){a.re + b.re, a.im + b.im}; }
static inline mxi_c64 mul_c(mxi_c64 a, mxi_c64 b) {
  return (mxi_c64){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/* By real part, then by imaginary part; a NaN part is beyond every number. */
static inline int above(float b, float a) { return (b > a) | ((b != b) & (a == a)); }
static inline int below(float b, float a) { return (b < a) | ((b != b) & (a == a)); }
static inline int same(float b, float a) { return (b == a) | ((b != b) & (a != a)); }
static inline int above_c(mxi_c64 b, mxi_c64 a) { return above(b.re, a.re) | (same(b.re, a.re) & above(b.im, a.im)); }
static inline int below_c(mxi_c64 b, mxi_c64 a) { return below(b.re, a.re) | (same(b.re, a.re) & below(b.im, a.im)); }
static inline mxi_c64 max_c(mxi_c64 a, mxi_c64 b) { return above_c(b, a) ? b : a; }
static inline mxi_c64 min_c(mxi_c64 a, mxi_c64 b) { return below_c(b, a) ? b : a; }

#define FOLD_STEP(OP, h) \
  if (lanes > (h)) for (int64_t l = 0; l < (h); l++) t[l] = OP(t[l], t[l + (h)])

/* A row of 64 lanes: lane l takes x[l], x[64 + l], ... in order; then lane l takes lane l + 32, then l + 16, ... 1. */
#define ROWS(op, name, T, LANES, ID, OP)                                                                       \
  static inline void FN(op, name, add)(T *restrict acc, const T *restrict x, int64_t pitch, int64_t rows, int64_t n) { \
    int64_t r = 0;                                                                                             \
    for (; r + 4 <= rows; r += 4, x += 4 * pitch)                                                              \
      for (int64_t c = 0; c < n; c++) {                                                                        \
        T a = OP(acc[c], x[c]);                                                                                \
        a = OP(a, x[pitch + c]);                                                                               \
        a = OP(a, x[2 * pitch + c]);                                                                           \
        acc[c] = OP(a, x[3 * pitch + c]);                                                                      \
      }                                                                                                        \
    for (; r < rows; r++, x += pitch)                                                                          \
      for (int64_t c = 0; c < n; c++) acc[c] = OP(acc[c], x[c]);                                               \
  }                                                                                                            \
  static void FN(op, name, cols)(void *acc, const void *x, int64_t pitch, int64_t rows, int64_t n) {           \
    FN(op, name, add)(acc, x, pitch, rows, n);                                                                 \
  }                                                                                                            \
  static T FN(op, name, short_row)(const T *x, int64_t n) { /* lanes that took nothing take no part */       \
    T t[LANES];                                                                                                \
    int64_t h = LANES / 2;                                                                                     \
    for (int64_t l = 0; l < n; l++) {                                                                          \
      FEW(l);                                                                                                  \
      t[l] = x[l];                                                                                             \
    }                                                                                                          \
    while (h >= n && h) h /= 2;                                                                                \
    for (; h; n = h, h /= 2)                                                                                   \
      for (int64_t l = 0; l + h < n; l++) {                                                                    \
        FEW(l);                                                                                                \
        t[l] = OP(t[l], t[l + h]);                                                                             \
      }                                                                                                        \
    return t[0];                                                                                               \
  }                                                                                                            \
  static T FN(op, name, row)(const T *x, int64_t n) {                                                          \
    enum { lanes = LANES };                                                                                    \
    T t[LANES] __attribute__((aligned(64)));                                                                   \
    for (int64_t l = 0; l < LANES; l++) t[l] = x[l];                                                           \
    FN(op, name, add)(t, x + LANES, LANES, n / LANES - 1, LANES);                                              \
    x += n / LANES * LANES;                                                                                    \
    for (int64_t l = 0; l < n % LANES; l++) t[l] = OP(t[l], x[l]);                                             \
    FOLD_STEP(OP, 128);                                                                                        \
    FOLD_STEP(OP, 64);                                                                                         \
    FOLD_STEP(OP, 32);                                                                                         \
    FOLD_STEP(OP, 16);                                                                                         \
    FOLD_STEP(OP, 8);                                                                                          \
    FOLD_STEP(OP, 4);                                                                                          \
    FOLD_STEP(OP, 2);                                                                                          \
    return OP(t[0], t[1]);                                                                                     \
  }                                                                                                            \
  static void FN(op, name, rows)(void *out, const void *x, int64_t pitch, int64_t rows, int64_t n) {           \
    T *o = out;                                                                                                \
    const T *p = x;                                                                                            \
    if (n == 0)                                                                                                \
      for (int64_t r = 0; r < rows; r++) o[r] = ID;                                                            \
    else if (n < LANES)                                                                                        \
      for (int64_t r = 0; r < rows; r++) o[r] = FN(op, name, short_row)(p + r * pitch, n);                     \
    else                                                                                                       \
      for (int64_t r = 0; r < rows; r++) o[r] = FN(op, name, row)(p + r * pitch, n);                           \
  }

#define SCANS(op, name, T, OP)                                                                     \
  static void FN(op, name, scan)(void *y, const void *x, int64_t step, int64_t n, void *carry) {   \
    T a = *(T *)carry, *o = y;                                                                     \
    const T *p = x;                                                                                \
    for (int64_t i = 0; i < n; i++) o[i * step] = a = OP(a, p[i * step]);                          \
    *(T *)carry = a;                                                                               \
  }                                                                                                \
  static void FN(op, name, combine)(void *y, const void *a, int64_t a_step, const void *x, int64_t n) { \
    T *o = y;                                                                                      \
    const T *p = x, *q = a, first = n ? *q : *p;                                                   \
    if (a_step) {                                                                                  \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = OP(q[i], p[i]);                           \
    } else {                                                                                       \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = OP(first, p[i]);                          \
    }                                                                                              \
  }

/* find looks at 64 elements at a time, so that the loop without an exit is vector code. */
#define BEST(op, name, T, EQUAL, BEATS)                                                              \
  static int64_t FN(op, name, find)(const void *x, const void *value, int64_t n) {                   \
    const T *p = x, v = *(const T *)value;                                                           \
    int64_t i = 0;                                                                                   \
    for (; i + 64 <= n; i += 64) {                                                                   \
      int hits = 0;                                                                                  \
      for (int64_t l = 0; l < 64; l++) hits |= EQUAL(p[i + l], v);                                   \
      if (hits) break;                                                                               \
    }                                                                                                \
    while (i < n && !(EQUAL(p[i], v))) i++;                                                          \
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

#define EQUAL_I(a, b) ((a) == (b))
#define EQUAL_F(a, b) (((a) == (b)) | (((a) != (a)) & ((b) != (b))))
#define EQUAL_C(a, b) (same((a).re, (b).re) & same((a).im, (b).im))
#define ABOVE_I(b, a) ((b) > (a))
#define BELOW_I(b, a) ((b) < (a))
#define ABOVE_F(b, a) (((b) > (a)) | (((b) != (b)) & ((a) == (a))))
#define BELOW_F(b, a) (((b) < (a)) | (((b) != (b)) & ((a) == (a))))

#define ARITHMETIC(name, T, LANES, ZERO, ONE, PLUS, TIMES) \
  ROWS(sum, name, T, LANES, ZERO, PLUS)                    \
  SCANS(sum, name, T, PLUS)                                \
  ROWS(prod, name, T, LANES, ONE, TIMES)                   \
  SCANS(prod, name, T, TIMES)
#define ORDER(name, T, LANES, LOW, HIGH, UP, DOWN, SAME, ABOVE, BELOW) \
  ROWS(max, name, T, LANES, LOW, UP)                                   \
  SCANS(max, name, T, UP)                                              \
  BEST(max, name, T, SAME, ABOVE)                                      \
  ROWS(min, name, T, LANES, HIGH, DOWN)                                \
  SCANS(min, name, T, DOWN)                                            \
  BEST(min, name, T, SAME, BELOW)
#define ORDER_I(name, T, LANES, LOW, HIGH) \
  ORDER(name, T, LANES, (T)(LOW), (T)(HIGH), MAX_I, MIN_I, EQUAL_I, ABOVE_I, BELOW_I)
#define ORDER_F(name, T, LANES, INF) ORDER(name, T, LANES, -INF, INF, MAX_F, MIN_F, EQUAL_F, ABOVE_F, BELOW_F)

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
ORDER_F(f32, float, 64, __builtin_inff())
ORDER_F(f64, double, 32, __builtin_inf())
ORDER(c64, mxi_c64, 32, INF_C(-), INF_C(), max_c, min_c, EQUAL_C, above_c, below_c)

#define FOLD(op, name) {FN(op, name, cols), FN(op, name, rows), FN(op, name, scan), FN(op, name, combine)}
#define FOLDS(op)                                                                                                  \
  {[MXI_ACC_u8] = FOLD(op, u8), [MXI_ACC_u16] = FOLD(op, u16), [MXI_ACC_u32] = FOLD(op, u32),                      \
   [MXI_ACC_u64] = FOLD(op, u64), [MXI_ACC_f32] = FOLD(op, f32), [MXI_ACC_f64] = FOLD(op, f64),                    \
   [MXI_ACC_c64] = FOLD(op, c64)
#define SIGNED(op)                                                                                                 \
  , [MXI_ACC_i8] = FOLD(op, i8), [MXI_ACC_i16] = FOLD(op, i16), [MXI_ACC_i32] = FOLD(op, i32),                     \
    [MXI_ACC_i64] = FOLD(op, i64)
#define ENTRY(op, name) {FN(op, name, find), FN(op, name, update)}
#define BESTS(op)                                                                                                  \
  {[MXI_ACC_u8] = ENTRY(op, u8), [MXI_ACC_u16] = ENTRY(op, u16), [MXI_ACC_u32] = ENTRY(op, u32),                   \
   [MXI_ACC_u64] = ENTRY(op, u64), [MXI_ACC_i8] = ENTRY(op, i8), [MXI_ACC_i16] = ENTRY(op, i16),                   \
   [MXI_ACC_i32] = ENTRY(op, i32), [MXI_ACC_i64] = ENTRY(op, i64), [MXI_ACC_f32] = ENTRY(op, f32),                 \
   [MXI_ACC_f64] = ENTRY(op, f64), [MXI_ACC_c64] = ENTRY(op, c64)}

const struct mxi_reduce_kernels MXI_ISA_NAME(mxi_reduce_kernels) = {
    .folds = {FOLDS(sum)}, FOLDS(prod)}, FOLDS(max) SIGNED(max)}, FOLDS(min) SIGNED(min)}},
    .best = {BESTS(max), BESTS(min)},
};

/* What softmax, logsumexp and logcumsumexp do with exponentials. Real types are vector code over vmath.h; complex64 is
 * computed in double, one element at a time. */
#include <complex.h>

#include "backend/cpu/reduce_kernels.h"
#include "vmath.h"

#define FN(name, what) what##_##name

/* The arrays of the next loop may be the same one, but an iteration touches its own element only. */
#if defined(__clang__)
#define INDEPENDENT
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

static inline float exp_f32(float x) { return vm_exp_f32(x); }
static inline float log_f32(float x) { return vm_log_f32(x); }
static inline double exp_f64(double x) { return vm_exp_f64(x); }
static inline double log_f64(double x) { return vm_log_f64(x); }

#define LOGADDEXP(name, T, INF, EXP, LOG1P)                                            \
  static inline T FN(name, logaddexp)(T a, T b) {                                      \
    T high = a > b ? a : b, low = a > b ? b : a;                                       \
    T y = ((low == -INF) | (high == INF)) ? high : high + LOG1P(EXP(low - high));        \
    return a == a ? y : a;                                                             \
  }
LOGADDEXP(f32, float, __builtin_inff(), vm_exp_f32, vm_log1p_f32)
LOGADDEXP(f64, double, __builtin_inf(), vm_exp_f64, vm_log1p_f64)

static inline mxi_c64 narrow(double complex z) { return (mxi_c64){(float)creal(z), (float)cimag(z)}; }
static inline double complex widen(mxi_c64 a) { return __builtin_complex((double)a.re, (double)a.im); }
static inline mxi_c64 exp_c64(mxi_c64 a) { return narrow(cexp(widen(a))); }
static inline mxi_c64 add_c64(mxi_c64 a, mxi_c64 b) { return (mxi_c64){a.re + b.re, a.im + b.im}; }
static inline mxi_c64 sub_c64(mxi_c64 a, mxi_c64 b) { return (mxi_c64){a.re - b.re, a.im - b.im}; }
static inline mxi_c64 mul_c64(mxi_c64 a, mxi_c64 b) {
  return narrow(__builtin_complex((double)a.re * b.re - (double)a.im * b.im, (double)a.re * b.im + (double)a.im * b.re));
}
static inline mxi_c64 invert_one_c64(mxi_c64 a) { return narrow(1.0 / widen(a)); }
static inline mxi_c64 log_plus_one_c64(mxi_c64 m, mxi_c64 s) {
  return __builtin_isinf(m.re) ? m : narrow(widen(m) + clog(widen(s)));
}
static inline mxi_c64 center_one_c64(mxi_c64 m) { return (mxi_c64){m.re, 0}; }
static mxi_c64 logaddexp_c64(mxi_c64 a, mxi_c64 b) {
  mxi_c64 high = a.re > b.re ? a : b, low = a.re > b.re ? b : a;
  if (a.re != a.re) return a;
  if (low.re == -__builtin_inff() || high.re == __builtin_inff()) return high;
  return narrow(widen(high) + clog(1.0 + cexp(widen(low) - widen(high))));
}

#define REAL(name, T, INF)                                                                              \
  static inline T FN(name, add)(T a, T b) { return a + b; }                                             \
  static inline T FN(name, sub)(T a, T b) { return a - b; }                                             \
  static inline T FN(name, mul)(T a, T b) { return a * b; }                                             \
  static inline T FN(name, invert_one)(T a) { return 1 / a; }                                           \
  static inline T FN(name, log_plus_one)(T m, T s) { return ((m == INF) | (m == -INF)) ? m : m + FN(name, log)(s); }
REAL(f32, float, __builtin_inff())
REAL(f64, double, __builtin_inf())

/* Into the second-level cache: memory would else be idle while exponentials are computed. */
static inline __attribute__((always_inline)) void fetch(const char *at, int64_t nbytes) {
  for (int64_t i = 0; i < nbytes; i += 64) __builtin_prefetch(at + i, 0, 2);
}

/* LANES elements e = exp(x - v), one for each lane. */
#define EACH_LANE(name, LANES, e, x, v) \
  INDEPENDENT for (int64_t l = 0; l < LANES; l++)(e)[l] = FN(name, exp)(FN(name, sub)((x)[l], v))
#define ADD_LANES(name, n, lanes, e) \
  for (int64_t l = 0; l < (n); l++) (lanes)[l] = FN(name, add)((lanes)[l], (e)[l])

#define EXP_LANES(name, T, LANES)                                                                           \
  static void FN(name, exp_lanes)(void *lanes, void *y, const void *x, const void *m, int64_t n, const void *next) { \
    T t[LANES] __attribute__((aligned(64))), e[LANES] __attribute__((aligned(64)));                         \
    const T *p = x, v = *(const T *)m;                                                                      \
    T *o = y ? y : e;                                                                                       \
    const char *ahead = next ? next : x; /* the latter is not fetched */                                    \
    int64_t step = y ? LANES : 0, rest = n % LANES, ahead_step = next ? (int64_t)sizeof t : 0;              \
    for (int64_t i = 0; i < n / LANES; i++, p += LANES, o += step, ahead += ahead_step) {                   \
      if (ahead_step) fetch(ahead, sizeof t);                                                               \
      EACH_LANE(name, LANES, o, p, v);                                                                      \
      if (i)                                                                                                \
        ADD_LANES(name, LANES, t, o);                                                                       \
      else                                                                                                  \
        __builtin_memcpy(t, o, sizeof t);                                                                   \
    }                                                                                                       \
    if (rest) { /* of a block that is filled up */                                                          \
      T padded[LANES] __attribute__((aligned(64))) = {0};                                                   \
      __builtin_memcpy(padded, p, (size_t)rest * sizeof(T));                                                \
      EACH_LANE(name, LANES, padded, padded, v);                                                            \
      if (n > rest)                                                                                         \
        ADD_LANES(name, rest, t, padded);                                                                   \
      else                                                                                                  \
        __builtin_memcpy(t, padded, (size_t)rest * sizeof(T));                                              \
      __builtin_memcpy(o, padded, (size_t)rest * sizeof(T));                                                \
    }                                                                                                       \
    __builtin_memcpy(lanes, t, (size_t)(n < LANES ? n : LANES) * sizeof(T));                                \
  }

#define EXPONENTIALS(name, T)                                                                                 \
  static void FN(name, exp_minus)(void *y, const void *x, const void *m, int64_t m_step, int64_t n) {         \
    T *o = y;                                                                                                 \
    const T *p = x, *q = m;                                                                                   \
    if (m_step) {                                                                                             \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, exp)(FN(name, sub)(p[i], q[i]));            \
    } else if (n) {                                                                                           \
      const T v = *q;                                                                                         \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, exp)(FN(name, sub)(p[i], v));               \
    }                                                                                                         \
  }                                                                                                           \
  static void FN(name, scale)(void *y, const void *s, int64_t s_step, int64_t n) {                            \
    T *o = y;                                                                                                 \
    const T *q = s;                                                                                           \
    if (s_step) {                                                                                             \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, mul)(o[i], q[i]);                           \
    } else if (n) {                                                                                           \
      const T v = *q;                                                                                         \
      INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, mul)(o[i], v);                              \
    }                                                                                                         \
  }                                                                                                           \
  static void FN(name, invert)(void *s, int64_t n) {                                                          \
    T *o = s;                                                                                                 \
    for (int64_t i = 0; i < n; i++) o[i] = FN(name, invert_one)(o[i]);                                        \
  }                                                                                                           \
  static void FN(name, log_plus)(void *y, const void *m, const void *s, int64_t n) {                          \
    T *o = y;                                                                                                 \
    const T *p = m, *q = s;                                                                                   \
    INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, log_plus_one)(p[i], q[i]);                    \
  }                                                                                                           \
  static void FN(name, scan)(void *y, const void *x, int64_t step, int64_t n, void *carry) {                  \
    T a = *(T *)carry, *o = y;                                                                                \
    const T *p = x;                                                                                           \
    for (int64_t i = 0; i < n; i++) o[i * step] = a = FN(name, logaddexp)(a, p[i * step]);                    \
    *(T *)carry = a;                                                                                          \
  }                                                                                                           \
  static void FN(name, combine)(void *y, const void *a, const void *x, int64_t n) {                           \
    T *o = y;                                                                                                 \
    const T *p = x, *q = a;                                                                                   \
    INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = FN(name, logaddexp)(q[i], p[i]);                       \
  }
EXPONENTIALS(f32, float)
EXPONENTIALS(f64, double)
EXPONENTIALS(c64, mxi_c64)
EXP_LANES(f32, float, 64)
EXP_LANES(f64, double, 32)
EXP_LANES(c64, mxi_c64, 32)

static void center_real(void *m, int64_t n) { (void)m, (void)n; }
static void center_c64(void *m, int64_t n) {
  mxi_c64 *o = m;
  for (int64_t i = 0; i < n; i++) o[i] = center_one_c64(o[i]);
}

#define ENTRY(name, center)                                                                                    \
  {exp_minus_##name, exp_lanes_##name, scale_##name, invert_##name, log_plus_##name, center, scan_##name, combine_##name}

const struct mxi_reduce_exp_table MXI_ISA_NAME(mxi_reduce_exp_table) = {
    .of = {[MXI_ACC_f32] = ENTRY(f32, center_real),
           [MXI_ACC_f64] = ENTRY(f64, center_real),
           [MXI_ACC_c64] = ENTRY(c64, center_c64)},
};

/* From formulas to kernels. A kernel file defines the classes it covers as lists of KERNEL(name, suffix, type,
 * unsigned type, formula), includes core/elementwise.def, and so gets one static function a row and dtype; arity and
 * result type come from the row. */
#ifndef MXI_KERNELS_ELEMENTWISE_LOOPS_H
#define MXI_KERNELS_ELEMENTWISE_LOOPS_H

#include "backend/cpu/elementwise.h"
#include "elementwise_words.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* rows marked SCALAR stay scalar */
#define EW_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define EW_LOOP _Pragma("GCC ivdep") /* the result may be exactly an operand, never a shifted one */
#endif

enum { SAME, FLOAT, REAL, COMPARE, LOGIC, BITS, SHIFT, PRED, SELECT, ENCODE, DECODE };
enum {
#define OP(name, arity, rule, lo, hi, ulp, doc) ARITY_##name = arity, RULE_##name = rule, ULP_##name = ulp,
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

/* The type of a row's results: chosen by its rule, at compile time. */
#define IF_TYPE(condition, yes, no) __typeof__(__builtin_choose_expr(condition, *(yes *)0, *(no *)0))
#define IS_RULE(name, rule) ((int)RULE_##name == (int)(rule))
#define GIVES_BYTES(name)                                                                                              \
  (IS_RULE(name, COMPARE) || IS_RULE(name, LOGIC) || IS_RULE(name, PRED) || IS_RULE(name, ENCODE))
#define REAL_TYPE(type) IF_TYPE(__builtin_types_compatible_p(type, mxi_c64), float, type)
#define RESULT(name, type)                                                                                             \
  IF_TYPE(GIVES_BYTES(name), uint8_t,                                                                                  \
          IF_TYPE(IS_RULE(name, REAL), REAL_TYPE(type), IF_TYPE(IS_RULE(name, DECODE), float, type)))

/* Types as they lie in memory: a result may take the place of an operand of another type. */
typedef uint8_t mem_b8, mem_u8;
typedef int8_t mem_i8;
typedef uint16_t mem_u16 __attribute__((may_alias));
typedef int16_t mem_i16 __attribute__((may_alias));
typedef uint32_t mem_u32 __attribute__((may_alias));
typedef int32_t mem_i32 __attribute__((may_alias));
typedef uint64_t mem_u64 __attribute__((may_alias));
typedef int64_t mem_i64 __attribute__((may_alias));
typedef float mem_f32 __attribute__((may_alias));
typedef double mem_f64 __attribute__((may_alias));
typedef mxi_c64 mem_c64;

/* Elements a block of a function that costs much more than its loads: its last, partial block is padded, so that no
 * element goes through scalar code. */
#define EW_BLOCK 16

#define KERNEL(name, suffix, type, unsigned_type, formula)                                                             \
  EW_FN RESULT(name, type) name##_##suffix##_1(type a, type b, type c) {                                  \
    typedef type T __attribute__((unused));                                                                            \
    typedef unsigned_type U __attribute__((unused));                                                                   \
    (void)a, (void)b, (void)c;                                                                                         \
    return formula;                                                                                                    \
  }                                                                                                                    \
  static void name##_##suffix(void *out, const void *const *in, unsigned mask, size_t n) {                             \
    typedef RESULT(name, mem_##suffix) Y;                                                                              \
    typedef mem_##suffix X;                                                                                            \
    Y *y = out;                                                                                                        \
    if (ARITY_##name == 1)                                                                                             \
      LOOP_1(name##_##suffix##_1, ULP_##name > 0);                                                                     \
    else                                                                                                               \
      LOOP_2(name##_##suffix##_1, ULP_##name > 0);                                                                     \
  }

/* Constants fold: one of the two loops remains, in the padded or in the plain form. */
#define LOOP_1(f, is_padded)                                                                                           \
  do {                                                                                                                 \
    (void)mask;                                                                                                        \
    const X *a = in[0];                                                                                                \
    PADDED_OR_PLAIN(is_padded, f(a[i], a[i], a[i]), f(pa[i], pa[i], pa[i]), COPY_TAIL(pa, a), (void)0)                 \
  } while (0)

#define LOOP_2(f, is_padded)                                                                                           \
  do {                                                                                                                 \
    const X *a = in[0], *b = in[1];                                                                                    \
    if (mask == 1) {                                                                                                   \
      const X s = a[0];                                                                                                \
      PADDED_OR_PLAIN(is_padded, f(s, b[i], b[i]), f(s, pb[i], pb[i]), (void)0, COPY_TAIL(pb, b))                      \
    } else if (mask == 2) {                                                                                            \
      const X s = b[0];                                                                                                \
      PADDED_OR_PLAIN(is_padded, f(a[i], s, s), f(pa[i], s, s), COPY_TAIL(pa, a), (void)0)                             \
    } else {                                                                                                           \
      PADDED_OR_PLAIN(is_padded, f(a[i], b[i], b[i]), f(pa[i], pb[i], pb[i]), COPY_TAIL(pa, a), COPY_TAIL(pb, b))      \
    }                                                                                                                  \
  } while (0)

#define COPY_TAIL(to, from) __builtin_memcpy(to, from + m, (n - m) * sizeof(X))
#define PADDED_OR_PLAIN(is_padded, each, each_padded, copy_a, copy_b)                                                  \
  const size_t m = (is_padded) ? n - n % EW_BLOCK : n;                                                                 \
  EW_LOOP for (size_t i = 0; i < m; i++) y[i] = each;                                                                  \
  if (m < n) {                                                                                                         \
    X pa[EW_BLOCK] = {0}, pb[EW_BLOCK] = {0};                                                                          \
    Y py[EW_BLOCK];                                                                                                    \
    (void)pa, (void)pb;                                                                                                \
    copy_a;                                                                                                            \
    copy_b;                                                                                                            \
    EW_LOOP for (size_t i = 0; i < EW_BLOCK; i++) py[i] = each_padded;                                                 \
    __builtin_memcpy(y + m, py, (n - m) * sizeof(Y));                                                                  \
  }

/* A choice by a bool: operands b and c each dense or scalar; a scalar condition chooses between them once. */
#define SELECT_KERNEL(name, suffix, type, formula)                                                                     \
  EW_FN type name##_##suffix##_1(uint8_t a, type b, type c) { return formula; }                                        \
  static void name##_##suffix(void *out, const void *const *in, unsigned mask, size_t n) {                             \
    typedef mem_##suffix X;                                                                                            \
    X *y = out;                                                                                                        \
    const uint8_t *a = in[0];                                                                                          \
    const X *b = in[1], *c = in[2];                                                                                    \
    const X s = b[0], t = c[0];                                                                                        \
    if (mask & 1) {                                                                                                    \
      if (mask & (a[0] ? 2 : 4)) {                                                                                     \
        const X chosen = a[0] ? s : t;                                                                                 \
        EW_LOOP for (size_t i = 0; i < n; i++) y[i] = chosen;                                                          \
      } else {                                                                                                         \
        const X *chosen = a[0] ? b : c;                                                                                \
        EW_LOOP for (size_t i = 0; i < n; i++) y[i] = chosen[i];                                                       \
      }                                                                                                                \
    } else if ((mask & 6) == 6) {                                                                                      \
      EW_LOOP for (size_t i = 0; i < n; i++) y[i] = name##_##suffix##_1(a[i], s, t);                                   \
    } else if (mask & 2) {                                                                                             \
      EW_LOOP for (size_t i = 0; i < n; i++) y[i] = name##_##suffix##_1(a[i], s, c[i]);                                \
    } else if (mask & 4) {                                                                                             \
      EW_LOOP for (size_t i = 0; i < n; i++) y[i] = name##_##suffix##_1(a[i], b[i], t);                                \
    } else {                                                                                                           \
      EW_LOOP for (size_t i = 0; i < n; i++) y[i] = name##_##suffix##_1(a[i], b[i], c[i]);                             \
    }                                                                                                                  \
  }

#endif

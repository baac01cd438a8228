/* Transposes of blocks of items of 1, 2, 4 and 8 bytes: squares of N vectors of N items, turned in registers by rounds
 * that interleave vector i with vector i + N / 2. Squares make blocks that leave cache lines and pages whole. */
#ifndef MXI_KERNELS_ELEMENTWISE_TRANSPOSE_H
#define MXI_KERNELS_ELEMENTWISE_TRANSPOSE_H

#include "elementwise_loops.h"

#define LOW_2(a, b) __builtin_shufflevector(a, b, 0, 2)
#define HIGH_2(a, b) __builtin_shufflevector(a, b, 1, 3)
#define LOW_4(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW_8(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_8(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define LOW_16(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_16(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
/* The same within each half of a vector, which AVX2 does in one step. */
#define LOW_4x2(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_4x2(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_2x2(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define HIGH_2x2(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define ROUND(way, n, to, from)                             \
  for (int i = 0; i < (n) / 2; i++) {                       \
    to[2 * i] = LOW_##way(from[i], from[i + (n) / 2]);      \
    to[2 * i + 1] = HIGH_##way(from[i], from[i + (n) / 2]); \
  }
#define ROUNDS_2(way) ROUND(way, 2, w, v)
#define ROUNDS_4(way) ROUND(way, 4, w, v) ROUND(way, 4, v, w)
#define ROUNDS_8(way) ROUND(way, 8, w, v) ROUND(way, 8, v, w) ROUND(way, 8, w, v)
#define ROUNDS_16(way) ROUND(way, 16, w, v) ROUND(way, 16, v, w) ROUND(way, 16, w, v) ROUND(way, 16, v, w)
#define RESULT_2 w
#define RESULT_4 v
#define RESULT_8 w
#define RESULT_16 v

/* n by n items, or n rows of 2 * n with the second n columns in the upper halves of vectors. */
#define SQUARE(s, n)                                                                                                   \
  enum { WIDTH_##s = (n), HEIGHT_##s = (n) };                                                                          \
  typedef mem_##s vec_##s __attribute__((vector_size((n) * sizeof(mem_##s))));                                         \
  EW_FN void turn_##s(mem_##s *y, int64_t y_step, const mem_##s *x, int64_t x_step) {                                  \
    vec_##s v[n], w[n];                                                                                                \
    for (int c = 0; c < (n); c++) __builtin_memcpy(&v[c], x + c * x_step, sizeof v[c]);                                \
    ROUNDS_##n(n)                                                                                                      \
    for (int r = 0; r < (n); r++) __builtin_memcpy(y + r * y_step, &RESULT_##n[r], sizeof v[r]);                       \
  }
#define SQUARES(s, n, ...)                                                                                             \
  enum { WIDTH_##s = 2 * (n), HEIGHT_##s = (n) };                                                                      \
  typedef mem_##s half_##s __attribute__((vector_size((n) * sizeof(mem_##s))));                                        \
  typedef mem_##s vec_##s __attribute__((vector_size(2 * (n) * sizeof(mem_##s))));                                     \
  EW_FN void turn_##s(mem_##s *y, int64_t y_step, const mem_##s *x, int64_t x_step) {                                  \
    vec_##s v[n], w[n];                                                                                                \
    for (int c = 0; c < (n); c++) {                                                                                    \
      half_##s low, high;                                                                                              \
      __builtin_memcpy(&low, x + c * x_step, sizeof low);                                                              \
      __builtin_memcpy(&high, x + (c + (n)) * x_step, sizeof high);                                                    \
      v[c] = __builtin_shufflevector(low, high, __VA_ARGS__);                                                          \
    }                                                                                                                  \
    ROUNDS_##n(n##x2)                                                                                                  \
    for (int r = 0; r < (n); r++) __builtin_memcpy(y + r * y_step, &RESULT_##n[r], sizeof v[r]);                       \
  }

/* LINE items make a cache line; BLOCK rows of the result are written at a time, so that what is read of each of the
 * other rows is long enough to be worth its page. No prefetcher follows such steps. */
#define TRANSPOSE(s, LINE, BLOCK)                                                                                      \
  /* LINE columns of m rows of the result */                                                                           \
  static void stripe_##s(mem_##s *y, int64_t y_step, const mem_##s *x, int64_t x_step, int64_t m, bool is_last) {      \
    for (int64_t r = 0; r < m; r += (LINE)) {                                                                          \
      for (int c = 0; c < (LINE) && !is_last; c++) __builtin_prefetch(x + (c + (LINE)) * x_step + r, 0, 2);            \
      for (int64_t k = r; k < r + (LINE); k += HEIGHT_##s)                                                             \
        for (int c = 0; c < (LINE); c += WIDTH_##s) turn_##s(y + k * y_step + c, y_step, x + c * x_step + k, x_step);  \
    }                                                                                                                  \
  }                                                                                                                    \
  static void transpose_##s(void *out, int64_t y_step, const void *in, int64_t x_step, size_t rows, size_t columns) {  \
    mem_##s *y = out;                                                                                                  \
    const mem_##s *x = in;                                                                                             \
    int64_t m = (int64_t)rows, n = (int64_t)columns, whole_m = m - m % (LINE), whole_n = n - n % (LINE);              \
    for (int64_t r = 0; r < whole_m; r += (BLOCK))                                                                     \
      for (int64_t c = 0; c < whole_n; c += (LINE))                                                                    \
        stripe_##s(y + r * y_step + c, y_step, x + c * x_step + r, x_step,                                             \
                   whole_m - r < (BLOCK) ? whole_m - r : (BLOCK), c + (LINE) == whole_n);                              \
    for (int64_t c = 0; c < whole_n; c++)                                                                              \
      for (int64_t r = whole_m; r < m; r++) y[r * y_step + c] = x[c * x_step + r];                                     \
    for (int64_t r = 0; r < m; r++)                                                                                    \
      for (int64_t c = whole_n; c < n; c++) y[r * y_step + c] = x[c * x_step + r];                                     \
  }

SQUARE(u8, 16)
SQUARE(u16, 8)
#if defined(__AVX512F__)
SQUARE(u32, 16)
SQUARE(u64, 8)
#elif defined(__AVX2__)
SQUARES(u32, 4, 0, 1, 2, 3, 4, 5, 6, 7)
SQUARES(u64, 2, 0, 1, 2, 3)
#else
SQUARE(u32, 4)
SQUARE(u64, 2)
#endif
TRANSPOSE(u8, 32, 256)
TRANSPOSE(u16, 32, 256)
TRANSPOSE(u32, 16, 128)
TRANSPOSE(u64, 8, 128)

#endif

/* What hand-written code reaches for the gradient of a linear or logistic model, g = X^T (f(X w) - y): the yardstick
 * of the matrix-vector kernels. Several ways are offered, free to sum in any order; the limit is the fastest one that
 * takes the width. AVX-512 only, but for the first, which is plain C. */
#ifndef BENCH_LINREG_LIMIT_H
#define BENCH_LINREG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct linreg_limit {
  const char *name;
  /* x: rows * d floats, dense; w and g: d floats; g is overwritten */
  void (*gradient)(const float *x, const float *y, const float *w, float *g, int64_t rows, int64_t d, bool logistic);
  /* can `gradient` be called on this CPU with this width? */
  bool (*takes)(int64_t d, bool logistic);
};

extern const struct linreg_limit linreg_limits[];
extern const int linreg_limit_count;

#endif

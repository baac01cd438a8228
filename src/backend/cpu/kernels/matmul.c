/* Kernels of matrix products: tiny ones (matmul_small.h), strips of larger ones (matmul_strip.h), and the matrix-vector
 * trees for complex64. */
#include "backend/cpu/matmul.h"

#include "backend/cpu/kernels/matvec_vec.h"
#include "backend/cpu/kernels/vmath_bits.h"

/* Blocks of rows x vectors of columns: sums that the registers hold, with enough of them to hide latency. */
#if defined(__AVX512F__)
enum { ROWS = 8, VECTORS = 4, STRIP_ROWS = 8, STRIP_VECTORS = 2 };
#define STRIP_BLOCKS(B)                                           \
  B(1, 1) B(2, 1) B(3, 1) B(4, 1) B(5, 1) B(6, 1) B(7, 1) B(8, 1) \
  B(1, 2) B(2, 2) B(3, 2) B(4, 2) B(5, 2) B(6, 2) B(7, 2) B(8, 2)
static const uint8_t most_rows[VECTORS + 1] = {1, 8, 8, 5, 4};
#define BLOCKS(B)                                                   \
  B(1, 1) B(2, 1) B(3, 1) B(4, 1) B(5, 1) B(6, 1) B(7, 1) B(8, 1)   \
  B(1, 2) B(2, 2) B(3, 2) B(4, 2) B(5, 2) B(6, 2) B(7, 2) B(8, 2)   \
  B(1, 3) B(2, 3) B(3, 3) B(4, 3) B(5, 3) B(1, 4) B(2, 4) B(3, 4) B(4, 4)
#elif defined(__AVX2__)
enum { ROWS = 4, VECTORS = 1, STRIP_ROWS = 6, STRIP_VECTORS = 1 };
#define STRIP_BLOCKS(B) B(1, 1) B(2, 1) B(3, 1) B(4, 1) B(5, 1) B(6, 1)
static const uint8_t most_rows[VECTORS + 1] = {1, 4};
#define BLOCKS(B) B(1, 1) B(2, 1) B(3, 1) B(4, 1)
#else
enum { ROWS = 2, VECTORS = 1, STRIP_ROWS = 2, STRIP_VECTORS = 1 };
#define STRIP_BLOCKS(B) B(1, 1) B(2, 1)
static const uint8_t most_rows[VECTORS + 1] = {1, 2};
#define BLOCKS(B) B(1, 1) B(2, 1)
#endif

/* Of sums in registers, so that none of them is kept in an array. */
#define UNROLL _Pragma("GCC unroll 8")

#define DTYPE f32
#define T float
#define V vf
#include "backend/cpu/kernels/matmul_small.h"
#define DTYPE f32
#define T float
#define V vf
#include "backend/cpu/kernels/matmul_strip.h"

#define DTYPE f64
#define T double
#define V vd
#include "backend/cpu/kernels/matmul_small.h"
#define DTYPE f64
#define T double
#define V vd
#include "backend/cpu/kernels/matmul_strip.h"

/* ---- complex64 matrix-vector: the trees of the other types with 8 lanes of complex numbers and unfused products ---- */
enum { C_LANES = 8 };

/* re, im += x * w for C_LANES numbers */
INLINE void c_lanes(const float *x, const float *w, float *re, float *im) {
  for (int l = 0; l < C_LANES; l++) {
    float xr = x[2 * l], xi = x[2 * l + 1], wr = w[2 * l], wi = w[2 * l + 1];
    re[l] += xr * wr + vm_minus_product_f32(xi, wi);
    im[l] += xr * wi + xi * wr;
  }
}

static mxi_c64 c_dot(const float *x, const float *w, int64_t d) {
  float re[C_LANES] = {0}, im[C_LANES] = {0};
  int64_t full = d - d % C_LANES;
  if (full < d) {
    float tail[2][2 * C_LANES] = {{0}};
    memcpy(tail[0], x + 2 * full, (size_t)(d - full) * sizeof(mxi_c64));
    memcpy(tail[1], w + 2 * full, (size_t)(d - full) * sizeof(mxi_c64));
    c_lanes(tail[0], tail[1], re, im);
  }
  for (int64_t j = 0; j < full; j += C_LANES) c_lanes(x + 2 * j, w + 2 * j, re, im);
  for (int half = C_LANES / 2; half; half /= 2)
    for (int l = 0; l < half; l++) re[l] += re[l + half], im[l] += im[l + half];
  return (mxi_c64){re[0], im[0]};
}

static void c_gemv(const void *x, int64_t row_stride, const void *w, void *z, int64_t rows, int64_t d) {
  const mxi_c64 *row = x;
  mxi_c64 *out = z;
  for (int64_t r = 0; r < rows; r++, row += row_stride) out[r] = c_dot((const float *)row, w, d);
}

static void c_gemv_t_accumulate(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows,
                                int64_t d) {
  const mxi_c64 *row = x, *factor = t;
  float *restrict sum = partial;
  for (int64_t r = 0; r < rows; r++, row += row_stride) {
    const float *v = (const float *)row;
    float tr = factor[r].re, ti = factor[r].im;
    for (int64_t j = 0; j < d; j++) {
      float xr = v[2 * j], xi = v[2 * j + 1];
      sum[2 * j] += xr * tr + vm_minus_product_f32(xi, ti);
      sum[2 * j + 1] += xr * ti + xi * tr;
    }
  }
}

static void c_gemv_t_block(const void *x, int64_t row_stride, const void *t, void *partial, int64_t rows, int64_t d) {
  if (d > 0) memset(partial, 0, (size_t)d * sizeof(mxi_c64));
  c_gemv_t_accumulate(x, row_stride, t, partial, rows, d);
}

/* The pairwise tree as a binary counter: level k holds the sum of an aligned group of 2^k. */
static mxi_c64 c_tree(const mxi_c64 *p, int64_t stride, int64_t count) {
  mxi_c64 level[64], sum = {0, 0};
  int depth = 0;
  for (int64_t i = 0; i < count; i++, p += stride) {
    mxi_c64 v = *p;
    for (int64_t k = i; k & 1; k >>= 1) depth--, v.re = level[depth].re + v.re, v.im = level[depth].im + v.im;
    level[depth++] = v;
  }
  if (depth) sum = level[--depth];
  while (depth) depth--, sum.re = level[depth].re + sum.re, sum.im = level[depth].im + sum.im;
  return sum;
}

static void c_combine(const void *partials, int64_t partial_stride, int64_t count, int64_t d, void *out) {
  const mxi_c64 *p = partials;
  mxi_c64 *result = out;
  for (int64_t j = 0; j < d; j++) result[j] = c_tree(p + j, partial_stride, count);
}

const struct mxi_matmul_kernels MXI_ISA_NAME(mxi_matmul_kernels) = {
    .small_f32 = small_f32,
    .small_f64 = small_f64,
    .strip_f32 = strip_f32,
    .strip_f64 = strip_f64,
    .strip_rows = STRIP_ROWS,
    .strip_nbytes = STRIP_VECTORS * sizeof(vf),
    .c64 = {c_gemv, c_gemv_t_block, c_gemv_t_accumulate, c_combine},
};

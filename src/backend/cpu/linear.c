/* The linear step: z = x @ w, t = chain(z, ...), g = t @ x in one pass over x. Blocks of 256 rows are shared among
 * threads; each gives one partial of g, and the partials are combined by the tree of the product itself, so the result
 * equals that of three separate kernels bit for bit. */
#include "backend/cpu/linear.h"

#include <string.h>

#include "backend/cpu/elementwise_run.h"
#include "backend/cpu/matvec_kernels.h"
#include "base/pool.h"

#define ALIGN(n) (((size_t)(n) + 63) / 64 * 64)
#define SERIAL_WORK 32768 /* elements of x below which threads cost more than they bring */

struct step {
  _Alignas(64) const struct mx_linear *l; /* what an affine block needs is in one cache line, for other threads to fetch */
  const char *x, *w;
  const float *y;     /* of an affine chain */
  float s1, s2;
  char *partials;     /* one a block */
  size_t partial_nbytes;
  const struct mxi_matvec *kernels;
  char *z, *t;        /* one element a row */
  size_t itemsize;
  struct ew_frame chain;
};

static int64_t block_count(const struct mx_linear *l) { return (l->rows + MXI_MATVEC_BLOCK - 1) / MXI_MATVEC_BLOCK; }

size_t mxi_cpu_linear_scratch(const struct mx_linear *l, const struct mx_cluster *chain) {
  size_t itemsize = mxi_itemsize((mx_dtype)chain->in_dtypes[l->z_input]);
  return ALIGN((size_t)l->columns * itemsize) * (size_t)block_count(l) + 2 * ALIGN((size_t)l->rows * itemsize);
}

bool mxi_cpu_can_linear(mx_dtype dtype) { return dtype == MX_FLOAT32 || dtype == MX_FLOAT64; }

static void affine_block(const struct step *s, int64_t first, int64_t rows, void *partial) {
  const float *x = (const float *)s->x + first * s->l->row_stride;
  mxi_matvec_kernels()->linear_block(x, s->l->row_stride, (const float *)s->w, s->y + first, s->s1, s->s2, partial, rows,
                                     s->l->columns);
}

/* A few rows at a time, so that x is read from the first-level cache the second time. */
static void chain_block(const struct step *s, int64_t first, int64_t rows, void *partial) {
  int64_t some = mxi_matvec_block_rows(s->l->columns * (int64_t)s->itemsize);
  memset(partial, 0, s->partial_nbytes);
  for (int64_t r = first; r < first + rows; r += some) {
    int64_t n = first + rows - r < some ? first + rows - r : some;
    const char *x = s->x + r * s->l->row_stride * (int64_t)s->itemsize;
    s->kernels->gemv(x, s->l->row_stride, s->w, s->z + r * (int64_t)s->itemsize, n, s->l->columns);
    mxi_ew_run(&s->chain, r, r + n);
    s->kernels->gemv_t_accumulate(x, s->l->row_stride, s->t + r * (int64_t)s->itemsize, partial, n, s->l->columns);
  }
}

static void blocks(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct step *s = arg;
  for (int64_t b = begin; b < end; b++) {
    int64_t first = b * MXI_MATVEC_BLOCK, left = s->l->rows - first;
    void *partial = s->partials + (size_t)b * s->partial_nbytes;
    (s->l->affine ? affine_block : chain_block)(s, first, left < MXI_MATVEC_BLOCK ? left : MXI_MATVEC_BLOCK, partial);
  }
}

/* The value of a scalar register once the chain is bound: what depends on scalars alone has been computed then. */
static float scalar_of(const struct step *s, int32_t reg) {
  if (reg < 0) return 1.0f;
  return *(const float *)s->chain.at[s->chain.program->place[reg]];
}

mx_status mxi_cpu_linear(const struct mx_linear *l, const struct mx_cluster *chain, const void *const *in, void *const *out,
                         void *scratch) {
  struct step s;
  bool wide = chain->in_dtypes[l->z_input] == MX_FLOAT64;
  s.l = l;
  s.kernels = wide ? &mxi_matvec_kernels()->f64 : &mxi_matvec_kernels()->f32;
  s.itemsize = wide ? 8 : 4;
  s.x = in[0];
  s.w = in[1];
  s.partial_nbytes = ALIGN((size_t)l->columns * s.itemsize);
  s.partials = scratch;
  s.z = s.partials + s.partial_nbytes * (size_t)block_count(l);
  s.t = s.z + ALIGN((size_t)l->rows * s.itemsize);
  const void *chain_in[MX_CLUSTER_MAX_INPUTS];
  void *chain_out[MX_CLUSTER_MAX_INSTRS + 1];
  memcpy(chain_in, in + 2, (size_t)chain->in_count * sizeof *in);
  memcpy(chain_out, out, (size_t)(chain->out_count - 1) * sizeof *out);
  chain_in[l->z_input] = s.z;
  chain_out[chain->out_count - 1] = s.t;
  mxi_ew_bind(&s.chain, chain, chain_in, chain_out);
  if (l->affine) {
    s.y = chain_in[l->y];
    s.s1 = scalar_of(&s, l->s1);
    s.s2 = scalar_of(&s, l->s2);
  }
  mxi_parallel(block_count(l), l->rows * l->columns < SERIAL_WORK ? block_count(l) : 1, blocks, &s);
  s.kernels->combine(s.partials, (int64_t)(s.partial_nbytes / s.itemsize), block_count(l), l->columns, out[chain->out_count - 1]);
  return MX_OK;
}

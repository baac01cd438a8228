/* Tiny products, and products whose rows come in great number but whose other sizes are tiny: our own kernels, which
 * cost less than a call of the BLAS. */
#include "backend/cpu/elementwise.h"
#include "backend/cpu/matmul.h"
#include "base/pool.h"

enum { SERIAL_WORK = 40000, CHUNK_WORK = 40000 }; /* multiply-adds */

struct small_job {
  const struct mxi_product *p;
  int64_t strips; /* of at most MXI_SMALL rows each, in one item of the batch */
};

bool mxi_matmul_is_small(const struct mxi_product *p) {
  return p->n <= MXI_SMALL && p->k <= MXI_SMALL && (p->dtype == MX_FLOAT32 || p->dtype == MX_FLOAT64);
}

/* b with columns next to each other, in `tile` unless it is so already. */
static const char *arrange(const struct mxi_product *p, const char *b, char *tile, int64_t *row) {
  *row = p->b.row;
  if (p->b.column == 1) return b;
  *row = p->n;
  if (p->b.row == 1) {
    mxi_ew_casts()->transpose[p->dtype == MX_FLOAT64 ? 3 : 2](tile, p->n, b, p->b.column, (size_t)p->k, (size_t)p->n);
    return tile;
  }
  for (int64_t i = 0; i < p->k; i++)
    for (int64_t j = 0; j < p->n; j++) {
      if (p->dtype == MX_FLOAT64) ((double *)tile)[i * p->n + j] = ((const double *)b)[i * p->b.row + j * p->b.column];
      else ((float *)tile)[i * p->n + j] = ((const float *)b)[i * p->b.row + j * p->b.column];
    }
  return tile;
}

static void run_strips(void *arg, int64_t begin, int64_t end, int slot) {
  const struct small_job *j = arg;
  const struct mxi_product *p = j->p;
  const struct mxi_matmul_kernels *kernels = mxi_matmul_kernels();
  _Alignas(64) char tile[MXI_SMALL * MXI_SMALL * sizeof(double)];
  int64_t itemsize = (int64_t)mxi_itemsize(p->dtype), b_row = 0;
  const char *arranged = NULL, *last = NULL;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t item = j->strips == 1 ? i : i / j->strips, first = j->strips == 1 ? 0 : i % j->strips * MXI_SMALL;
    int64_t rows = p->m - first < MXI_SMALL ? p->m - first : MXI_SMALL;
    const char *b = p->b.data + mxi_product_offset(p, p->b_batch, item) * itemsize;
    if (b != last) arranged = arrange(p, last = b, tile, &b_row);
    struct mxi_matrix a = p->a;
    a.data += (mxi_product_offset(p, p->a_batch, item) + first * a.row) * itemsize;
    char *c = p->c + (item * p->m + first) * p->n * itemsize;
    if (p->dtype == MX_FLOAT64) kernels->small_f64(a, (const double *)arranged, b_row, (double *)c, rows, p->n, p->k);
    else kernels->small_f32(a, (const float *)arranged, b_row, (float *)c, rows, p->n, p->k);
  }
}

void mxi_matmul_small(const struct mxi_product *p) {
  struct small_job j = {p, (p->m + MXI_SMALL - 1) / MXI_SMALL};
  int64_t rows = p->m < MXI_SMALL ? p->m : MXI_SMALL, work = rows * p->n * p->k, count = p->batch * j.strips;
  int64_t grain = count <= SERIAL_WORK / work ? count : CHUNK_WORK / work;
  mxi_parallel(count, grain < 1 ? 1 : grain, run_strips, &j);
}

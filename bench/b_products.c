/* Products against OpenBLAS called directly with the same threads (its own when there are two), and half
 * matrix-vector products against reading the matrix. */
#include <dlfcn.h>
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mica_config.h"
#include "support/timing.h"

#define STR2(x) #x
#define STR(x) STR2(x)

#define SPIN_LOG2 "20" /* a thread of OpenBLAS spins for 2^20 ticks, not its 2^26, before it sleeps */
#define REST 1e-3      /* seconds, more than that */

typedef void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);

static sgemm blas_s;
static dgemm blas_d;
static void (*blas_threads)(int);

struct work {
  mx_array a, b;
  int64_t n, batch;
  bool wide;
  void *pa, *pb, *pc;
  int threads;
};

static void ours(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(mx_matmul(w->a, w->b));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void direct(void *arg) {
  struct work *w = arg;
  int n = (int)w->n;
  int64_t step = w->n * w->n;
  for (int64_t i = 0; i < w->batch; i++)
    if (w->wide)
      blas_d(101, 111, 111, n, n, n, 1, (double *)w->pa + i * step, n, (double *)w->pb + i * step, n, 0, (double *)w->pc + i * step, n);
    else
      blas_s(101, 111, 111, n, n, n, 1, (float *)w->pa + i * step, n, (float *)w->pb + i * step, n, 0, (float *)w->pc + i * step, n);
}

static void read_matrix(void *arg) {
  struct work *w = arg;
  bench_read(w->pa, (size_t)4096 * 4096 * 2, w->threads);
}

static void product(int64_t n, int64_t batch, bool wide, int threads, double bar) {
  struct work w = {.n = n, .batch = batch, .wide = wide, .threads = threads};
  mx_dtype t = wide ? MX_FLOAT64 : MX_FLOAT32;
  mx_scope s = mx_scope_begin();
  w.a = mx_astype(mx_random_normal(MX_SHAPE(batch, n, n), MX_FLOAT32, 0, 1, NULL), t);
  w.b = mx_astype(mx_random_normal(MX_SHAPE(batch, n, n), MX_FLOAT32, 0, 1, NULL), t);
  mx_eval_many(w.a, w.b);
  w.pa = (void *)mx_data(w.a);
  w.pb = (void *)mx_data(w.b);
  w.pc = aligned_alloc(64, (size_t)(batch * n * n) * 8 + 64);
  mx_set_num_threads(threads);
  blas_threads(threads);
  char row[96];
  snprintf(row, sizeof row, "matmul %s n = %lld%s, %d thread%s", mx_dtype_name(t), (long long)n, batch > 1 ? ", batch of 1000" : "", threads,
           threads > 1 ? "s" : "");
  bench_row(row, bench_apart(ours, direct, &w, 0.3, threads > 1 ? REST : 0), bar, "limit: OpenBLAS called directly");
  blas_threads(1);
  free(w.pc);
  mx_scope_end(s);
}

static void half_vector(mx_dtype t, int threads) {
  struct work w = {.threads = threads};
  mx_scope s = mx_scope_begin();
  w.a = mx_astype(mx_random_normal(MX_SHAPE(4096, 4096), MX_FLOAT32, 0, 1, NULL), t);
  w.b = mx_astype(mx_random_normal(MX_SHAPE(4096), MX_FLOAT32, 0, 1, NULL), t);
  mx_eval_many(w.a, w.b);
  w.pa = (void *)mx_data(w.a);
  mx_set_num_threads(threads);
  char row[96];
  snprintf(row, sizeof row, "%s matrix-vector 4096 x 4096, %d thread%s", mx_dtype_name(t), threads, threads > 1 ? "s" : "");
  bench_row(row, bench_both(ours, read_matrix, &w, 0.5), 1.3, "limit: reading the matrix");
  mx_scope_end(s);
}

static void *symbol(void *lib, const char *name) {
  char full[96];
  snprintf(full, sizeof full, STR(MXI_BLAS_PREFIX) "%s", name);
  return dlsym(lib, full);
}

int main(void) {
  int all = mx_num_threads();
  setenv("OPENBLAS_NUM_THREADS", all > 1 ? "2" : "1", 0);
  setenv("OPENBLAS_THREAD_TIMEOUT", SPIN_LOG2, 0);
  void *lib = dlopen(MXI_BLAS_BUILD_PATH, RTLD_NOW | RTLD_LOCAL);
  if (!lib) return fprintf(stderr, "b_products: %s\n", dlerror()), 1;
  void *s = symbol(lib, "cblas_sgemm"), *d = symbol(lib, "cblas_dgemm"), *t = symbol(lib, "openblas_set_num_threads");
  memcpy(&blas_s, &s, sizeof s);
  memcpy(&blas_d, &d, sizeof d);
  memcpy(&blas_threads, &t, sizeof t);
  for (int threads = 1; threads <= (all > 1 ? 2 : 1); threads++) {
    for (int wide = 0; wide < 2; wide++)
      for (int64_t n = 64; n <= 2048; n *= 2) product(n, 1, wide, threads, n <= 128 ? 1 / 0.95 : 1 / 0.85);
    half_vector(MX_BFLOAT16, threads);
    half_vector(MX_FLOAT16, threads);
  }
  for (int64_t n = 4; n <= 32; n *= 2) product(n, 1000, false, 1, 1 / 0.9);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

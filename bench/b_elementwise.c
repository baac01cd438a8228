/* Elementwise formulas: the fused GELU against the same formula written by hand with mica's own inline functions and
 * against copying; functions with data in the second-level cache against libmvec. One thread. */
#include <dlfcn.h>
#include <math.h>
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "backend/cpu/isa.h"
#include "support/formulas.h"
#include "support/timing.h"

struct work {
  mx_array a;
  mx_array (*build)(mx_array a);
  const float *from;
  float *to;
  size_t count;
  void *vector_function; /* of libmvec */
};

static mx_array gelu(mx_array x) {
  mx_array e = mx_erf(mx_divide(x, mx_scalar_f(1.4142135623730951)));
  return mx_divide(mx_multiply(x, mx_add(mx_scalar_f(1), e)), mx_scalar_f(2));
}

static void ours(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(w->build(w->a));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void copy(void *arg) {
  struct work *w = arg;
  memcpy(w->to, w->from, w->count * 4);
}

static void by_hand(void *arg) {
  struct work *w = arg;
  bench_gelu(w->to, w->from, (int64_t)w->count, 1);
}

#if defined(__x86_64__)
typedef __m512 (*vector512)(__m512);
typedef __m256 (*vector256)(__m256);

__attribute__((target("avx512f"))) static void libmvec512(struct work *w) {
  vector512 f;
  memcpy(&f, &w->vector_function, sizeof f);
  for (size_t i = 0; i < w->count; i += 16) _mm512_storeu_ps(w->to + i, f(_mm512_loadu_ps(w->from + i)));
}
__attribute__((target("avx2"))) static void libmvec256(struct work *w) {
  vector256 f;
  memcpy(&f, &w->vector_function, sizeof f);
  for (size_t i = 0; i < w->count; i += 8) _mm256_storeu_ps(w->to + i, f(_mm256_loadu_ps(w->from + i)));
}
static void libmvec(void *arg) { (mxi_isa() == MXI_ISA_AVX512 ? libmvec512 : libmvec256)(arg); }

static void *find(const char *name) {
  void *lib = dlopen("libmvec.so.1", RTLD_NOW);
  char symbol[64];
  snprintf(symbol, sizeof symbol, mxi_isa() == MXI_ISA_AVX512 ? "_ZGVeN16v_%sf" : "_ZGVdN8v_%sf", name);
  return lib && mxi_isa() != MXI_ISA_BASELINE ? dlsym(lib, symbol) : NULL;
}
#else
static void libmvec(void *arg) { copy(arg); }
static void *find(const char *name) { return (void)name, NULL; }
#endif

static const struct {
  const char *name;
  mx_array (*build)(mx_array a);
  double low, high;
} functions[] = {{"exp", mx_exp, -10, 10},   {"log", mx_log, 0.001, 1000}, {"tanh", mx_tanh, -5, 5},
                 {"erf", mx_erf, -4, 4},     {"sin", mx_sin, -20, 20},     {"cos", mx_cos, -20, 20},
                 {"log1p", mx_log1p, -0.9, 10}};

int main(void) {
  mx_set_num_threads(1);
  mx_scope s = mx_scope_begin();
  struct work w = {.count = 4 << 20, .build = gelu};
  float *from = bench_alloc(w.count * 4);
  w.to = bench_alloc(w.count * 4);
  w.from = from;
  for (size_t i = 0; i < w.count; i++) from[i] = (float)((double)(i * 2654435761u % 1000003) / 1000003 * 8 - 4), w.to[i] = 0;
  w.a = mx_from_data(from, MX_SHAPE((int64_t)w.count), MX_FLOAT32);
  bench_row("x * (1 + erf(x / sqrt 2)) / 2, 4 M floats, 1 thread", bench_both(ours, copy, &w, 1), 3, "limit: copying the bytes");
  bench_row("the same, by hand", bench_both(ours, by_hand, &w, 1), 1.3, "limit: one loop over the same formula");
  w.count = 16384;
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    for (size_t i = 0; i < w.count; i++)
      from[i] = (float)(functions[k].low + (functions[k].high - functions[k].low) * (double)(i * 2654435761u % 16381) / 16381);
    w.a = mx_from_data(from, MX_SHAPE((int64_t)w.count), MX_FLOAT32);
    w.build = functions[k].build;
    w.vector_function = find(functions[k].name);
    if (!w.vector_function) continue;
    char row[64];
    snprintf(row, sizeof row, "%s of 16,384 floats, 1 thread", functions[k].name);
    bench_row(row, bench_both(ours, libmvec, &w, 0.3), 1.3, "limit: libmvec, whose error is up to 4 ulp");
  }
  mx_scope_end(s);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

/* The training loops of the front page: the graph is rebuilt and differentiated at each step, through the public API.
 * The limit is the best hand-written gradient of that width, with its update of w. */
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "support/linreg_limit.h"
#include "support/timing.h"

struct problem {
  mx_array X, y, w;
  const float *x, *target;
  float *wl, *g, *partials;
  int64_t n, d;
  bool logistic;
  const struct linreg_limit *limit;
};

static mx_array linear_loss(const mx_array *w, void *ctx) {
  struct problem *p = ctx;
  return mx_multiply(mx_scalar_f(0.5), mx_mean(mx_square(mx_subtract(mx_matmul(p->X, w[0]), p->y)), MX_ALL, false));
}

static mx_array logistic_loss(const mx_array *w, void *ctx) {
  struct problem *p = ctx;
  mx_array z = mx_matmul(p->X, w[0]);
  return mx_mean(mx_subtract(mx_logaddexp(mx_scalar_f(0), z), mx_multiply(p->y, z)), MX_ALL, false);
}

static void ours(void *arg) {
  struct problem *p = arg;
  mx_scope s = mx_scope_begin();
  mx_array g = NULL;
  if (!mx_grad(p->logistic ? logistic_loss : linear_loss, p, &p->w, 1, &g))
    mx_set(&p->w, mx_subtract(p->w, mx_multiply(mx_scalar_f(0.01), g)));
  mx_scope_end(s);
  mx_eval(p->w);
}

/* Rows are split in two where two threads take part. */
static void limit_part(void *arg, int64_t begin, int64_t end, int slot) {
  struct problem *p = arg;
  (void)slot;
  for (int64_t half = begin; half < end; half++) {
    int64_t first = half * (p->n / 16 * 8), rows = half ? p->n - first : first;
    p->limit->gradient(p->x + first * p->d, p->target + first, p->wl, p->partials + half * 4096, rows, p->d, p->logistic);
  }
}

static void limit(void *arg) {
  struct problem *p = arg;
  if (mxi_pool_threads() == 1) {
    p->limit->gradient(p->x, p->target, p->wl, p->g, p->n, p->d, p->logistic);
  } else {
    mxi_parallel(2, 1, limit_part, p);
    for (int64_t j = 0; j < p->d; j++) p->g[j] = p->partials[j] + p->partials[4096 + j];
  }
  for (int64_t j = 0; j < p->d; j++) p->wl[j] -= 0.01f / (float)p->n * p->g[j];
}

static void read_once(void *arg) {
  struct problem *p = arg;
  bench_read(p->x, (size_t)(p->n * p->d) * 4, mxi_pool_threads());
}

static void start(struct problem *p, int64_t n, int64_t d, bool logistic) {
  mx_scope s = mx_scope_begin();
  *p = (struct problem){.n = n, .d = d, .logistic = logistic};
  mx_random_seed(0);
  mx_array X = mx_random_normal(MX_SHAPE(n, d), MX_FLOAT32, 0, 1, NULL), w = mx_random_normal(MX_SHAPE(d), MX_FLOAT32, 0, 1, NULL);
  mx_array y = mx_matmul(X, w);
  if (logistic) y = mx_astype(mx_greater(y, mx_scalar_f(0)), MX_FLOAT32);
  mx_set(&p->X, X);
  mx_set(&p->y, y);
  mx_set(&p->w, mx_zeros(MX_SHAPE(d), MX_FLOAT32));
  mx_eval_many(p->X, p->y, p->w);
  p->x = mx_data(p->X);
  p->target = mx_data(p->y);
  p->wl = calloc(4096, 4);
  p->g = calloc(4096, 4);
  p->partials = calloc(8192, 4);
  mx_scope_end(s);
}

static void stop(struct problem *p) {
  mx_clear(&p->X);
  mx_clear(&p->y);
  mx_clear(&p->w);
  free(p->wl);
  free(p->g);
  free(p->partials);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  mx_error_clear();
}

/* The fastest variant that takes this width, against ours. */
static void against_hand(int64_t n, int64_t d, bool logistic, int threads, double bar, double allowance) {
  struct problem p;
  start(&p, n, d, logistic);
  mx_set_num_threads(threads);
  struct bench_pair best = {1e30, 1e30};
  const char *name = "none";
  for (int i = 0; i < linreg_limit_count; i++) {
    p.limit = &linreg_limits[i];
    if (!p.limit->takes(d, logistic)) continue;
    struct bench_pair t = bench_both(ours, limit, &p, 0.4);
    if (t.ours < best.ours) best.ours = t.ours;
    if (t.limit < best.limit) best.limit = t.limit, name = p.limit->name;
  }
  char row[128];
  snprintf(row, sizeof row, "%s loop, %lld x %lld, %d thread%s", logistic ? "logistic" : "linear", (long long)n, (long long)d, threads,
           threads > 1 ? "s" : "");
  char note[128];
  snprintf(note, sizeof note, "limit: %s", name);
  bench_row_plus(row, best, bar, allowance, note);
  stop(&p);
}

static void against_reading(int64_t n, int64_t d, bool logistic) {
  struct problem p;
  start(&p, n, d, logistic);
  struct bench_pair t = bench_both(ours, read_once, &p, 1);
  char row[128];
  snprintf(row, sizeof row, "%s loop, %lld x %lld, all threads", logistic ? "logistic" : "linear", (long long)n, (long long)d);
  bench_row(row, t, 1.5, "limit: one read of the matrix");
  stop(&p);
}

int main(void) {
  int all = mx_num_threads();
  static const int64_t widths[] = {37, 128, 1000};
  for (int logistic = 0; logistic < 2; logistic++) {
    against_hand(1000, 100, logistic, 1, 1.4, 0);
    if (all > 1) against_hand(1000, 100, logistic, 2, 1.6, 0);
    for (int i = 0; i < 3; i++) against_hand(1000, widths[i], logistic, 1, 1.4, 0.5e-6);
    mx_set_num_threads(all);
    against_reading(100000, 100, logistic);
    against_reading(100000, 1000, logistic);
  }
  return 0;
}

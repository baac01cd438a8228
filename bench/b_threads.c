/* Two threads against one. What computes without waiting for memory should gain from the second thread what arithmetic on
 * registers gains in the same run: the limit is one thread's time divided by that gain, and a bar of 1.11 says that nine
 * tenths of the gain must be there. */
#include <mica.h>
#include <stdio.h>

#include "support/formulas.h"
#include "support/timing.h"

struct work {
  mx_array a, positive, matrix, rows;
  mx_array (*build)(struct work *w);
};

static void evaluate(struct work *w) {
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(w->build(w));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void with_two(void *arg) {
  mx_set_num_threads(2);
  evaluate(arg);
}

static void with_one(void *arg) {
  mx_set_num_threads(1);
  evaluate(arg);
}

static void peak_two(void *arg) {
  (void)arg;
  mx_set_num_threads(2);
  bench_arithmetic(2);
}

static void peak_one(void *arg) {
  (void)arg;
  mx_set_num_threads(1);
  bench_arithmetic(1);
}

static mx_array exp_of(struct work *w) { return mx_exp(w->a); }
static mx_array log_of(struct work *w) { return mx_log(w->positive); }
static mx_array tanh_of(struct work *w) { return mx_tanh(w->a); }
static mx_array erf_of(struct work *w) { return mx_erf(w->a); }
static mx_array sin_of(struct work *w) { return mx_sin(w->a); }
static mx_array gelu_of(struct work *w) {
  mx_array e = mx_erf(mx_divide(w->a, mx_scalar_f(1.4142135623730951)));
  return mx_divide(mx_multiply(w->a, mx_add(mx_scalar_f(1), e)), mx_scalar_f(2));
}
static mx_array product_of(struct work *w) { return mx_matmul(w->matrix, w->matrix); }
static mx_array sort_of(struct work *w) { return mx_sort(w->rows, 1); }
static mx_array normal_of(struct work *w) {
  (void)w;
  return mx_random_normal(MX_SHAPE(1000000), MX_FLOAT32, 0, 1, NULL);
}
static mx_array softmax_of(struct work *w) { return mx_softmax(w->rows, MX_INTS(1), false); }

/* Elements stay in the second-level caches where the work on one is small. */
static const struct {
  const char *row;
  mx_array (*build)(struct work *w);
} rows[] = {
    {"exp of 256 K floats", exp_of},
    {"log of 256 K floats", log_of},
    {"tanh of 256 K floats", tanh_of},
    {"erf of 256 K floats", erf_of},
    {"sin of 256 K floats", sin_of},
    {"x * (1 + erf(x / sqrt 2)) / 2 of 256 K floats", gelu_of},
    {"matmul float32, n = 512", product_of},
    {"sort of 256 rows of 1,024 floats", sort_of},
    {"normal, 1 M floats", normal_of},
    {"softmax of 256 rows of 1,024 floats", softmax_of},
};

int main(void) {
  if (mx_num_threads() < 2) {
    bench_row("peak of arithmetic", (struct bench_pair){1, 1}, 1, "one CPU only: nothing to compare");
    return 0;
  }
  mx_scope s = mx_scope_begin();
  struct work w = {0};
  w.a = mx_random_normal(MX_SHAPE(256, 1024), MX_FLOAT32, 0, 1, NULL);
  w.positive = mx_exp(w.a);
  w.rows = w.a;
  w.matrix = mx_random_normal(MX_SHAPE(512, 512), MX_FLOAT32, 0, 1, NULL);
  mx_eval_many(w.a, w.positive, w.matrix);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    w.build = rows[i].build;
    struct bench_pair peak = bench_both(peak_two, peak_one, NULL, 0.3), t = bench_both(with_two, with_one, &w, 0.5);
    double gain = peak.limit / peak.ours;
    char row[96], note[96];
    snprintf(row, sizeof row, "%s, 2 threads", rows[i].row);
    snprintf(note, sizeof note, "limit: one thread's time / %.2f, the gain of arithmetic", gain);
    bench_row(row, (struct bench_pair){t.ours, t.limit / gain}, 1 / 0.9, note);
  }
  mx_scope_end(s);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

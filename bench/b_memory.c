/* Operations bound by memory: each against reading, or reading and writing, its bytes. One thread and all threads. */
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/timing.h"

struct work {
  mx_array a, b, index;
  mx_array (*build)(struct work *w);
  size_t read_nbytes, copy_nbytes;
  char *from, *to;
  int threads;
};

static void ours(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array r = mx_retain(w->build(w));
  mx_scope_end(s);
  mx_eval(r);
  mx_release(r);
}

static void limit(void *arg) {
  struct work *w = arg;
  if (w->read_nbytes) bench_read(w->from, w->read_nbytes, w->threads);
  if (w->copy_nbytes) bench_copy(w->to, w->from, w->copy_nbytes, w->threads);
}

static mx_array sum_rows(struct work *w) { return mx_sum(w->a, MX_INTS(1), false); }
static mx_array sum_columns(struct work *w) { return mx_sum(w->a, MX_INTS(0), false); }
static mx_array sum_all(struct work *w) { return mx_sum(w->a, MX_ALL, false); }
static mx_array max_rows(struct work *w) { return mx_max(w->a, MX_INTS(1), false); }
static mx_array max_columns(struct work *w) { return mx_max(w->a, MX_INTS(0), false); }
static mx_array mean_rows(struct work *w) { return mx_mean(w->a, MX_INTS(1), false); }
static mx_array mean_columns(struct work *w) { return mx_mean(w->a, MX_INTS(0), false); }
static mx_array softmax_rows(struct work *w) { return mx_softmax(w->a, MX_INTS(1), false); }
static mx_array logsumexp_rows(struct work *w) { return mx_logsumexp(w->a, MX_INTS(1), false); }
static mx_array to_half(struct work *w) { return mx_astype(w->a, MX_FLOAT16); }
static mx_array to_double(struct work *w) { return mx_astype(w->a, MX_FLOAT64); }
static mx_array transposed(struct work *w) { return mx_contiguous(mx_transpose(w->a, MX_ALL)); }
static mx_array joined(struct work *w) { return mx_concatenate((const mx_array[]){w->a, w->b}, 2, 0); }
static mx_array rows_taken(struct work *w) { return mx_take(w->a, w->index, 0); }

#define MB ((size_t)1 << 20)
static const struct {
  const char *row;
  mx_array (*build)(struct work *w);
  size_t read_nbytes, copy_nbytes;
  double bar;
} rows[] = {
    {"sum over rows of 1024 x 4096", sum_rows, 16 * MB, 0, 1.2},
    {"sum over columns", sum_columns, 16 * MB, 0, 1.2},
    {"sum of all", sum_all, 16 * MB, 0, 1.2},
    {"max over rows", max_rows, 16 * MB, 0, 1.2},
    {"max over columns", max_columns, 16 * MB, 0, 1.2},
    {"mean over rows", mean_rows, 16 * MB, 0, 1.2},
    {"mean over columns", mean_columns, 16 * MB, 0, 1.2},
    {"softmax of rows", softmax_rows, 0, 16 * MB, 1.5},
    {"logsumexp of rows", logsumexp_rows, 16 * MB, 0, 1.5},
    {"cast 4 M float32 to float16", to_half, 0, 12 * MB, 1.3},
    {"cast 4 M float32 to float64", to_double, 0, 24 * MB, 1.3},
    {"transposed copy, 1024 x 4096", transposed, 0, 16 * MB, 2.0},
    {"concatenate two of 2 M", joined, 0, 16 * MB, 1.3},
    {"take of 1024 rows", rows_taken, 0, 16 * MB, 1.3},
};

int main(void) {
  int all = mx_num_threads();
  struct work w = {.from = bench_alloc(32 * MB), .to = bench_alloc(32 * MB)};
  mx_scope s = mx_scope_begin();
  for (size_t i = 0; i < 32 * MB; i++) w.from[i] = w.to[i] = (char)i;
  mx_array big = mx_random_normal(MX_SHAPE(1024, 4096), MX_FLOAT32, 0, 1, NULL), half = mx_random_normal(MX_SHAPE(512, 4096), MX_FLOAT32, 0, 1, NULL);
  mx_array half2 = mx_random_normal(MX_SHAPE(512, 4096), MX_FLOAT32, 0, 1, NULL);
  w.index = mx_random_permutation_of(1024, NULL);
  mx_eval_many(big, half, half2, w.index);
  for (int threads = 1; threads <= (all > 1 ? 2 : 1); threads++) {
    mx_set_num_threads(threads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      w.build = rows[i].build;
      w.a = rows[i].build == joined ? half : big;
      w.b = half2;
      w.read_nbytes = rows[i].read_nbytes;
      w.copy_nbytes = rows[i].copy_nbytes;
      w.threads = threads;
      char row[96];
      snprintf(row, sizeof row, "%s, %d thread%s", rows[i].row, threads, threads > 1 ? "s" : "");
      bench_row(row, bench_both(ours, limit, &w, 0.5), rows[i].bar, w.read_nbytes ? "limit: reading the bytes" : "limit: memcpy of the bytes");
    }
  }
  mx_scope_end(s);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

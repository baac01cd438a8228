/* Operations bound by memory: each against reading, or reading and writing, its bytes; where exponentials are taken,
 * against a loop that does that too. One thread and all threads. */
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>

#include <string.h>

#include "support/formulas.h"
#include "support/timing.h"

/* Limits read what the operation reads, so that the caches hold the same for both. */
struct work {
  mx_array big, other, wide, half, half2, f16, bf16, i32, index;
  mx_array (*build)(struct work *w);
  size_t nbytes; /* read, or copied */
  const char *from;
  char *to;
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

static void reading(void *arg) {
  struct work *w = arg;
  bench_read(w->from, w->nbytes, w->threads);
}

static void copying(void *arg) {
  struct work *w = arg;
  bench_copy(w->to, w->from, w->nbytes, w->threads);
}

static void exponentials(void *arg) {
  struct work *w = arg;
  bench_exp((float *)w->to, (const float *)w->from, (int64_t)w->nbytes / 4, w->threads);
}

static void sum_of_exponentials(void *arg) {
  struct work *w = arg;
  bench_exp_sum((const float *)w->from, (int64_t)w->nbytes / 4, w->threads);
}

static mx_array sum_rows(struct work *w) { return mx_sum(w->big, MX_INTS(1), false); }
static mx_array sum_columns(struct work *w) { return mx_sum(w->big, MX_INTS(0), false); }
static mx_array sum_all(struct work *w) { return mx_sum(w->big, MX_ALL, false); }
static mx_array max_rows(struct work *w) { return mx_max(w->big, MX_INTS(1), false); }
static mx_array max_columns(struct work *w) { return mx_max(w->big, MX_INTS(0), false); }
static mx_array max_all(struct work *w) { return mx_max(w->big, MX_ALL, false); }
static mx_array mean_rows(struct work *w) { return mx_mean(w->big, MX_INTS(1), false); }
static mx_array mean_columns(struct work *w) { return mx_mean(w->big, MX_INTS(0), false); }
static mx_array mean_all(struct work *w) { return mx_mean(w->big, MX_ALL, false); }
static mx_array squares(struct work *w) { return mx_square(mx_subtract(w->big, w->other)); }
static mx_array squares_all(struct work *w) { return mx_mean(squares(w), MX_ALL, false); }
static mx_array squares_rows(struct work *w) { return mx_mean(squares(w), MX_INTS(1), false); }
static mx_array squares_columns(struct work *w) { return mx_mean(squares(w), MX_INTS(0), false); }
static mx_array softmax_rows(struct work *w) { return mx_softmax(w->big, MX_INTS(1), false); }
static mx_array logsumexp_rows(struct work *w) { return mx_logsumexp(w->big, MX_INTS(1), false); }
static mx_array to_f16(struct work *w) { return mx_astype(w->big, MX_FLOAT16); }
static mx_array to_bf16(struct work *w) { return mx_astype(w->big, MX_BFLOAT16); }
static mx_array to_f64(struct work *w) { return mx_astype(w->big, MX_FLOAT64); }
static mx_array from_f16(struct work *w) { return mx_astype(w->f16, MX_FLOAT32); }
static mx_array from_bf16(struct work *w) { return mx_astype(w->bf16, MX_FLOAT32); }
static mx_array from_i32(struct work *w) { return mx_astype(w->i32, MX_FLOAT32); }
static mx_array transposed(struct work *w) { return mx_contiguous(mx_transpose(w->big, MX_ALL)); }
static mx_array joined(struct work *w) { return mx_concatenate((const mx_array[]){w->half, w->half2}, 2, 0); }
static mx_array rows_taken(struct work *w) { return mx_take(w->big, w->index, 0); }

#define MB ((size_t)1 << 20)
static const struct {
  const char *row;
  mx_array (*build)(struct work *w);
  bench_fn limit;
  size_t nbytes;
  double bar;
} rows[] = {
    {"sum over rows of 1024 x 4096", sum_rows, reading, 16 * MB, 1.2},
    {"sum over columns", sum_columns, reading, 16 * MB, 1.2},
    {"sum of all", sum_all, reading, 16 * MB, 1.2},
    {"max over rows", max_rows, reading, 16 * MB, 1.2},
    {"max over columns", max_columns, reading, 16 * MB, 1.2},
    {"max of all", max_all, reading, 16 * MB, 1.2},
    {"mean over rows", mean_rows, reading, 16 * MB, 1.2},
    {"mean over columns", mean_columns, reading, 16 * MB, 1.2},
    {"mean of all", mean_all, reading, 16 * MB, 1.2},
    {"mean of (x - y)^2, all", squares_all, reading, 32 * MB, 1.2},
    {"mean of (x - y)^2 over rows", squares_rows, reading, 32 * MB, 1.2},
    {"mean of (x - y)^2 over columns", squares_columns, reading, 32 * MB, 1.2},
    {"softmax of rows", softmax_rows, exponentials, 16 * MB, 1.5},
    {"logsumexp of rows", logsumexp_rows, sum_of_exponentials, 16 * MB, 1.5},
    {"cast 4 M float32 to float16", to_f16, copying, 12 * MB, 1.3},
    {"cast 4 M float32 to bfloat16", to_bf16, copying, 12 * MB, 1.3},
    {"cast 4 M float16 to float32", from_f16, copying, 12 * MB, 1.3},
    {"cast 4 M bfloat16 to float32", from_bf16, copying, 12 * MB, 1.3},
    {"cast 4 M int32 to float32", from_i32, copying, 16 * MB, 1.3},
    {"cast 4 M float32 to float64", to_f64, copying, 24 * MB, 1.3},
    {"transposed copy, 1024 x 4096", transposed, copying, 16 * MB, 2.0},
    {"concatenate two of 2 M", joined, copying, 16 * MB, 1.3},
    {"take of 1024 rows", rows_taken, copying, 16 * MB, 1.3},
};

static const char *note(bench_fn limit) {
  if (limit == exponentials) return "limit: reading, exp and writing, by hand";
  if (limit == sum_of_exponentials) return "limit: reading and exp, by hand";
  return limit == reading ? "limit: reading the bytes" : "limit: memcpy of the bytes";
}

static void make_arrays(struct work *w) {
  w->big = mx_random_normal(MX_SHAPE(1024, 4096), MX_FLOAT32, 0, 1, NULL);
  w->other = mx_random_normal(MX_SHAPE(1024, 4096), MX_FLOAT32, 0, 1, NULL);
  w->half = mx_random_normal(MX_SHAPE(512, 4096), MX_FLOAT32, 0, 1, NULL);
  w->half2 = mx_random_normal(MX_SHAPE(512, 4096), MX_FLOAT32, 0, 1, NULL);
  w->f16 = mx_astype(w->big, MX_FLOAT16);
  w->bf16 = mx_astype(w->big, MX_BFLOAT16);
  w->i32 = mx_astype(mx_multiply(w->big, mx_scalar_f(1000)), MX_INT32);
  w->index = mx_random_permutation_of(1024, NULL);
  w->wide = mx_astype(w->big, MX_FLOAT64);
  mx_eval_many(w->wide, w->big, w->other, w->half, w->half2, w->f16, w->bf16, w->i32, w->index);
  w->to = bench_alloc(32 * MB);
  memset(w->to, 1, 32 * MB);
}

int main(void) {
  int all = mx_num_threads();
  struct work w;
  mx_scope s = mx_scope_begin();
  make_arrays(&w);
  for (int threads = 1; threads <= (all > 1 ? 2 : 1); threads++) {
    mx_set_num_threads(threads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      w.build = rows[i].build;
      w.nbytes = rows[i].nbytes;
      w.threads = threads;
      w.from = mx_data(w.nbytes > 16 * MB ? w.wide : w.big);
      char row[96];
      snprintf(row, sizeof row, "%s, %d thread%s", rows[i].row, threads, threads > 1 ? "s" : "");
      bench_row(row, bench_both(ours, rows[i].limit, &w, 0.5), rows[i].bar, note(rows[i].limit));
    }
  }
  mx_scope_end(s);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

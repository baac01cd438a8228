/* Sorting rows against NumPy (from the project's environment, when it is there), and normal random numbers against the
 * budget of 2.5 ns each on two threads. */
#define _GNU_SOURCE
#include <mica.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/timing.h"

struct work {
  mx_array a;
};

static void sort_line(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(mx_sort_all(w->a));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void sort_rows(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(mx_sort(w->a, 1));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void normal(void *arg) {
  (void)arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(mx_random_normal(MX_SHAPE(1000000), MX_FLOAT32, 0, 1, NULL));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static double best_of(bench_fn f, void *arg, int rounds) {
  double best = 1e30;
  for (int i = 0; i < rounds; i++) {
    double t = bench_now();
    f(arg);
    t = bench_now() - t;
    if (t < best) best = t;
  }
  return best;
}

/* Seconds NumPy takes to sort so many rows of so many floats; 0 without NumPy. */
static double numpy_sort(int rows, int columns) {
  char command[640];
  snprintf(command, sizeof command,
      "PY=" MICA_SOURCE_DIR "/.venv/bin/python; [ -x $PY ] || PY=python3; $PY -c \"import numpy,time\n"
      "a=numpy.random.default_rng(0).standard_normal((%d,%d)).astype('f4');b=9\n"
      "for i in range(20):\n t=time.perf_counter();numpy.sort(a,axis=1);b=min(b,time.perf_counter()-t)\n"
      "print(b)\" 2>/dev/null", rows, columns);
  FILE *p = popen(command, "r");
  double t = 0;
  if (p && fscanf(p, "%lf", &t) != 1) t = 0;
  if (p) pclose(p);
  return t;
}

int main(void) {
  int all = mx_num_threads();
  mx_scope s = mx_scope_begin();
  struct work w = {mx_random_normal(MX_SHAPE(1024, 4096), MX_FLOAT32, 0, 1, NULL)};
  mx_eval(w.a);
  double numpy = numpy_sort(1024, 4096), numpy_line = numpy_sort(1, 1 << 22);
  for (int threads = 1; threads <= (all > 1 ? 2 : 1); threads++) {
    mx_set_num_threads(threads);
    char row[96];
    snprintf(row, sizeof row, "sort of 1024 rows of 4,096 floats, %d thread%s", threads, threads > 1 ? "s" : "");
    if (numpy > 0) bench_row(row, (struct bench_pair){best_of(sort_rows, &w, 20), numpy}, 3, "limit: NumPy, one thread");
    snprintf(row, sizeof row, "sort of 4 M floats, one line, %d thread%s", threads, threads > 1 ? "s" : "");
    if (numpy_line > 0) bench_row(row, (struct bench_pair){best_of(sort_line, &w, 10), numpy_line}, 3, "limit: NumPy, one thread");
    snprintf(row, sizeof row, "normal, 1 M floats, %d thread%s", threads, threads > 1 ? "s" : "");
    bench_row(row, (struct bench_pair){best_of(normal, &w, 20), 2.5e-3 * (threads > 1 ? 1 : 2)}, 1, "limit: 2.5 ns each on two threads");
  }
  mx_scope_end(s);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return 0;
}

/* Timing for benchmarks: two things timed in turns, so that what disturbs one disturbs the other, and the best of each
 * kept. Rows go to stdout as scripts/bench reads them. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stddef.h>

typedef void (*bench_fn)(void *arg);

struct bench_pair {
  double ours, limit; /* best seconds of one call */
};

/* Calls each for about `seconds` in all, in rounds of about a millisecond. */
struct bench_pair bench_both(bench_fn ours, bench_fn limit, void *arg, double seconds);
/* The same for limits that have threads of their own: `rest` seconds pass and an untimed call is made before each
 * round, so that no round meets the other's threads spinning, or its own asleep. */
struct bench_pair bench_apart(bench_fn ours, bench_fn limit, void *arg, double seconds, double rest);
double bench_now(void);

/* Prints `row | ours | limit | ratio | bar | note`, times in microseconds per call. */
void bench_row(const char *row, struct bench_pair t, double bar, const char *note);
/* The same with a bar on ours / (limit + allowance in seconds). */
void bench_row_plus(const char *row, struct bench_pair t, double bar, double allowance, const char *note);

/* Memory on large pages, as mica's own; never freed. */
void *bench_alloc(size_t nbytes);
/* Reads n bytes with the widest loads, all threads given; for "reading the bytes" limits. */
void bench_read(const void *p, size_t nbytes, int threads);
/* Copies n bytes with plain memcpy on all threads given. */
void bench_copy(void *to, const void *from, size_t nbytes, int threads);

#endif

/* Nothing here flushes in a pipe: lines arrive when stdio sends them, or at exit. */
#include "common/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 30

void progress_show(struct progress *p, long done, long total, const char *text) {
  if (p->quiet) return;
  if (!isatty(STDOUT_FILENO)) {
    printf("%s\n", text);
    return;
  }
  int filled = total > 0 ? (int)(WIDTH * done / total) : WIDTH;
  printf("\r[");
  for (int i = 0; i < WIDTH; i++) putchar(i < filled ? '#' : '.');
  printf("] %s\033[K", text);
  fflush(stdout);
  p->drawn = true;
}

void progress_end(struct progress *p) {
  if (p->drawn) printf("\n");
  p->drawn = false;
}

double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

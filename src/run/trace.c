/* Events are appended one by one under a lock; the closing bracket of the array is optional in the format, so that a
 * process that ends early leaves a file that opens. */
#define _GNU_SOURCE
#include "run/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"

_Atomic int8_t mxi_trace_state;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void open_file(void) {
  const char *path = mxi_config_text(MXI_CONFIG_TRACE);
  pthread_mutex_lock(&lock);
  if (mxi_trace_state == 0) {
    file = path ? fopen(path, "we") : NULL;
    if (file) fputs("[\n", file);
    mxi_trace_state = file ? 2 : 1;
  }
  pthread_mutex_unlock(&lock);
}

int64_t mxi_trace_start(void) {
  if (mxi_trace_state == 0) open_file();
  return mxi_trace_state == 2 ? now_ns() : 0;
}

void mxi_trace_end(int64_t started, const char *name, bool fused) {
  int64_t duration = now_ns() - started;
  pthread_mutex_lock(&lock);
  fprintf(file, "{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"ts\":%lld.%03d,\"dur\":%lld.%03d,\"pid\":%d,\"tid\":%d},\n", name,
          fused ? "fused" : "kernel", (long long)(started / 1000), (int)(started % 1000), (long long)(duration / 1000),
          (int)(duration % 1000), (int)getpid(), (int)gettid());
  fflush(file);
  pthread_mutex_unlock(&lock);
}

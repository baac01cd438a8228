/* The thread pool. One loop runs at a time; a caller that finds the pool busy, or is itself inside a loop, runs its
 * loop alone. A worker spins for a while after its last loop, then sleeps on a futex. */
#define _GNU_SOURCE
#include "base/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"

#define MAX_THREADS 256
#define SPIN_NS 50000
#define TAKEN_BITS 24
#define CHUNKS_MAX ((int64_t)1 << TAKEN_BITS)

/* A loop is open while the closed bit of its gate is clear. A worker enters by adding one to the gate it read, so a
 * worker that wakes late finds it closed and nobody waits for it. */
#define CLOSED ((uint64_t)1 << 16)
#define ENTERED(gate) ((int)((gate) & (CLOSED - 1)))
#define WORKERS(gate) ((int)((gate) >> 17 & 0x7fff)) /* that may enter */
#define SEQUENCE(gate) ((uint32_t)((gate) >> 32))

/* What a worker needs to start lies beside the word that tells it to. */
static struct {
  _Alignas(128) _Atomic uint32_t sequence; /* a new loop; the futex word */
  _Atomic uint64_t gate;                   /* sequence << 32 | WORKERS << 17 | CLOSED | ENTERED */
  uint64_t loop; /* its number */
  int64_t count, grain, chunks;
  mxi_chunk_fn fn;
  void *arg;
  int threads;
  _Alignas(128) _Atomic uint32_t finished; /* workers that entered this loop and left it */
  _Atomic int32_t sleeping;
} job = {.gate = CLOSED};

/* Each number has a range of chunks of its own, so that what a thread touched in one loop it touches in the next, while
 * it is in its cache; who is done with its range helps with the others'. How many are taken: loop << TAKEN_BITS | count,
 * where another loop stands for none, so that nobody resets them. */
static struct {
  _Alignas(64) _Atomic uint64_t taken;
} ranges[MAX_THREADS];

static pthread_mutex_t owner = PTHREAD_MUTEX_INITIALIZER; /* held by whoever runs a loop, or changes the pool */
static int started;                                      /* workers alive */
static _Atomic int wanted;                               /* threads in all; 0: not decided */
static __thread bool inside __attribute__((tls_model("initial-exec")));                             /* in a loop: nested ones run serially */

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, MAX_THREADS, NULL, NULL, 0); }

static int64_t range_start(int number) { return job.chunks * number / job.threads; }

/* The next chunk of a range; -1: all are taken. */
static int64_t take_chunk(int number) {
  int64_t start = range_start(number), size = range_start(number + 1) - start;
  uint64_t none = job.loop << TAKEN_BITS, taken = atomic_load_explicit(&ranges[number].taken, memory_order_relaxed), next;
  do {
    next = (taken >> TAKEN_BITS == none >> TAKEN_BITS ? taken : none) + 1;
    if ((int64_t)(next - none) > size) return -1;
  } while (!atomic_compare_exchange_weak_explicit(&ranges[number].taken, &taken, next, memory_order_relaxed, memory_order_relaxed));
  return start + (int64_t)(next - none) - 1;
}

static void take_chunks(int number) {
  for (int i = 0; i < job.threads; i++) {
    int range = (number + i) % job.threads;
    for (int64_t chunk = take_chunk(range); chunk >= 0; chunk = take_chunk(range)) {
      int64_t begin = chunk * job.grain, end = job.count - begin > job.grain ? begin + job.grain : job.count;
      job.fn(job.arg, begin, end, number);
    }
  }
}

static uint32_t wait_for_loop(uint32_t seen) {
  int64_t start = now_ns();
  for (int spins = 0;; spins++) {
    uint32_t s = atomic_load_explicit(&job.sequence, memory_order_acquire);
    if (s != seen) return s;
    relax();
    if ((spins & 63) != 63) continue;
    if (now_ns() - start < SPIN_NS) {
      if ((spins & 1023) == 1023) sched_yield();
      continue;
    }
    atomic_fetch_add(&job.sleeping, 1);
    while ((s = atomic_load(&job.sequence)) == seen) futex_wait(&job.sequence, seen);
    atomic_fetch_sub(&job.sleeping, 1);
    return s;
  }
}

/* The number of this worker among those that entered, from 1 on; 0 where there is no need of it. */
static int enter(uint32_t sequence) {
  uint64_t gate = atomic_load_explicit(&job.gate, memory_order_acquire);
  while (SEQUENCE(gate) == sequence && !(gate & CLOSED) && ENTERED(gate) < WORKERS(gate))
    if (atomic_compare_exchange_weak(&job.gate, &gate, gate + 1)) return ENTERED(gate) + 1;
  return 0;
}

static void *worker(void *start) { /* the sequence it saw last */
  uint32_t seen = (uint32_t)(uintptr_t)start;
  inside = true;
  for (;;) {
    seen = wait_for_loop(seen);
    int number = enter(seen);
    if (!number) continue;
    take_chunks(number);
    atomic_fetch_add_explicit(&job.finished, 1, memory_order_release);
  }
  return NULL;
}

static void start_workers(int count) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (; started < count; started++) {
    pthread_t t;
    uintptr_t start = atomic_load(&job.sequence);
    if (pthread_create(&t, &attr, worker, (void *)start)) break;
  }
  pthread_attr_destroy(&attr);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The cgroup's quota in whole CPUs, rounded up; 0: none. */
static int cpu_quota(void) {
  FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!f) return 0;
  char text[64] = "";
  long long quota = 0, period = 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = 0;
  if (sscanf(text, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0) return 0;
  return (int)((quota + period - 1) / period);
}

static int default_threads(void) {
  int set = (int)mxi_config_int(MXI_CONFIG_THREADS, 0);
  if (set > 0) return set;
  cpu_set_t cpus;
  int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1, quota = cpu_quota();
  return quota && quota < n ? quota : n;
}

int mxi_pool_threads(void) {
  int n = atomic_load_explicit(&wanted, memory_order_relaxed);
  if (n) return n;
  n = default_threads();
  mxi_pool_set_threads(n);
  return atomic_load_explicit(&wanted, memory_order_relaxed);
}

void mxi_pool_set_threads(int n) {
  atomic_store(&wanted, n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n);
}

static void publish(int64_t count, int64_t grain, int64_t chunks, mxi_chunk_fn fn, void *arg, int threads) {
  job.loop++;
  job.count = count;
  job.grain = grain;
  job.chunks = chunks;
  job.fn = fn;
  job.arg = arg;
  job.threads = threads;
  atomic_store_explicit(&job.finished, 0, memory_order_relaxed);
  uint32_t sequence = atomic_load_explicit(&job.sequence, memory_order_relaxed) + 1;
  atomic_store_explicit(&job.gate, (uint64_t)sequence << 32 | (uint64_t)(threads - 1) << 17, memory_order_release);
  atomic_store(&job.sequence, sequence);
  if (atomic_load(&job.sleeping)) futex_wake(&job.sequence);
}

/* Closes the loop to workers that have not entered, and waits for those that have. */
static void join(void) {
  uint64_t gate = atomic_fetch_or(&job.gate, CLOSED);
  for (int spins = 1; atomic_load_explicit(&job.finished, memory_order_acquire) != (uint32_t)ENTERED(gate); spins++) {
    relax();
    if ((spins & 4095) == 0) sched_yield();
  }
}

void mxi_parallel(int64_t count, int64_t grain, mxi_chunk_fn fn, void *arg) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  int threads = mxi_pool_threads();
  if (count <= grain || threads == 1 || inside || pthread_mutex_trylock(&owner)) {
    fn(arg, 0, count, 0);
    return;
  }
  if (count / grain >= CHUNKS_MAX) grain = count / CHUNKS_MAX + 1; /* fewer than can be counted */
  int64_t chunks = count / grain + (count % grain != 0);
  if (chunks < threads) threads = (int)chunks;
  if (started < threads - 1) start_workers(threads - 1);
  inside = true;
  publish(count, grain, chunks, fn, arg, threads);
  take_chunks(0);
  join();
  inside = false;
  pthread_mutex_unlock(&owner);
}

void mxi_pool_before_fork(void) { pthread_mutex_lock(&owner); }

void mxi_pool_after_fork(bool child) {
  if (child) {
    started = 0; /* the workers stayed in the parent */
    atomic_store(&job.sleeping, 0);
  }
  pthread_mutex_unlock(&owner);
}

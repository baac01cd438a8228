/* Finding and loading the BLAS library, and the gate before its calls. The library takes a piece of work memory for
 * every call that is under way and keeps it for later ones, so memory is checked only when more callers than ever are
 * let in; they are then made to run together once, which allocates it there and then. */
#define _GNU_SOURCE
#include "backend/cpu/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/config.h"
#include "base/memory.h"
#include "base/pool.h"
#include "mica_config.h"

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#define PATH_LIMIT 4096
#define THREADS_VARIABLE "OPENBLAS_NUM_THREADS"

extern char **environ;

int64_t mxi_blas_int_max = INT32_MAX;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* loading, and letting more callers in */
static struct mxi_blas table;
static _Atomic(const struct mxi_blas *) loaded;

/* ---- Loading ----------------------------------------------------------------------------------------------------- */
/* dlopen with the number of threads in the environment: the library starts its threads while it is loaded. The strings
 * and the list the process has are not touched, for other threads may be reading them: another list takes its place. */
static void *open_with_one_thread(const char *path) {
  static char setting[] = THREADS_VARIABLE "=1";
  char **before = environ;
  size_t count = 0, kept = 0, name = strlen(THREADS_VARIABLE "=");
  while (before && before[count]) count++;
  char **list = mxi_malloc((count + 2) * sizeof *list);
  if (!list) return NULL;
  list[kept++] = setting;
  for (size_t i = 0; i < count; i++)
    if (strncmp(before[i], setting, name)) list[kept++] = before[i];
  list[kept] = NULL;
  environ = list;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (environ == list) environ = before;
  else unsetenv(THREADS_VARIABLE); /* someone else replaced the list meanwhile */
  static char **last; /* freed a load later: a thread that reads the environment now may be in it */
  mxi_free(last);
  last = list;
  return handle;
}

static void *find_library(void) {
  const char *chosen = mxi_config_text(MXI_CONFIG_BLAS);
  if (chosen) return open_with_one_thread(chosen);
  char path[PATH_LIMIT];
  Dl_info self;
  const char *slash = dladdr(&table, &self) && self.dli_fname ? strrchr(self.dli_fname, '/') : NULL;
  void *handle = NULL;
  if (slash) {
    int length = snprintf(path, sizeof path, "%.*s/%s/%s", (int)(slash - self.dli_fname), self.dli_fname,
                          MXI_BLAS_SUBDIR, MXI_BLAS_FILE);
    if (length < PATH_LIMIT) handle = open_with_one_thread(path);
  }
  static const char *const places[] = {MXI_BLAS_PLACES};
  for (size_t i = 0; i < sizeof places / sizeof *places && !handle; i++) handle = open_with_one_thread(places[i]);
  return handle;
}

/* Symbols have the prefix of the library mica was built with, or none. */
static void *find_symbol(void *handle, const char *name) {
  char text[64];
  snprintf(text, sizeof text, "%s%s", TEXT(MXI_BLAS_PREFIX), name);
  void *symbol = dlsym(handle, text);
  return symbol ? symbol : dlsym(handle, name);
}

/* A pointer to a function is stored as the object pointer that dlsym gives. */
static bool resolve(void *handle, const char *name, void *slot) {
  void *symbol = find_symbol(handle, name);
  memcpy(slot, &symbol, sizeof symbol);
  return symbol;
}

static bool bind_lapack(void *handle, char type, struct mxi_lapack *l) {
  const struct {
    const char *name;
    void *slot;
  } names[] = {{"getrf", &l->getrf}, {"getrs", &l->getrs}, {"potrf", &l->potrf}, {"trtrs", &l->trtrs},
               {"geqrf", &l->geqrf}, {"orgqr", &l->orgqr}, {"gesdd", &l->gesdd}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char text[32];
    snprintf(text, sizeof text, "%c%s_", type, names[i].name);
    if (!resolve(handle, text, names[i].slot)) return false;
  }
  return true;
}

static bool load(void) {
  void *handle = find_library();
  if (!handle) return false;
  if (!resolve(handle, "cblas_sgemm", &table.sgemm) || !resolve(handle, "cblas_cgemm", &table.cgemm) ||
      !bind_lapack(handle, 's', &table.f32) || !bind_lapack(handle, 'd', &table.f64)) {
    dlclose(handle);
    return false;
  }
  /* The library may have been in the process before, with threads of its own. */
  void (*set_threads)(int) = NULL;
  if (resolve(handle, "openblas_set_num_threads", &set_threads)) set_threads(1);
  atomic_store_explicit(&loaded, &table, memory_order_release);
  return true;
}

/* ---- The gate ---------------------------------------------------------------------------------------------------- */
#define WORK_NBYTES ((size_t)40 << 20) /* more than the library maps for one call */
enum { WARM_SIZE = 160, WARM_WAIT = 20000 }; /* a product large enough to need work memory; spins to wait for others */

static _Atomic int room;   /* callers that may be inside: as many pieces of work memory as were had */
static _Atomic int inside;

void mxi_blas_enter(void) {
  for (;;) {
    int now = atomic_load_explicit(&inside, memory_order_relaxed);
    if (now < atomic_load_explicit(&room, memory_order_relaxed)) {
      if (atomic_compare_exchange_weak_explicit(&inside, &now, now + 1, memory_order_acquire, memory_order_relaxed)) return;
    } else {
      sched_yield();
    }
  }
}

void mxi_blas_leave(void) { atomic_fetch_sub_explicit(&inside, 1, memory_order_release); }

static bool can_map(int pieces) {
  size_t nbytes = WORK_NBYTES * (size_t)pieces;
  void *p = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  munmap(p, nbytes);
  return true;
}

struct warming {
  float *c; /* a matrix of WARM_SIZE for each caller, after the two operands */
  int callers;
  _Atomic int arrived;
};

static void warm_one(void *arg, int64_t begin, int64_t end, int slot) {
  struct warming *w = arg;
  (void)slot;
  const size_t size = (size_t)WARM_SIZE * WARM_SIZE;
  if (end - begin == 1) { /* else the loop runs on one thread, which need not wait for itself */
    atomic_fetch_add(&w->arrived, 1);
    for (int i = 0; i < WARM_WAIT && atomic_load(&w->arrived) < w->callers; i++) sched_yield();
  }
  table.sgemm(MXI_BLAS_ROWS, MXI_BLAS_N, MXI_BLAS_N, WARM_SIZE, WARM_SIZE, WARM_SIZE, 1, w->c, WARM_SIZE, w->c + size,
              WARM_SIZE, 0, w->c + size * (size_t)(begin + 2), WARM_SIZE);
}

/* Lets `callers` in at once if memory for them can be had. */
static bool make_room(int callers) {
  int now = atomic_load(&room);
  if (callers <= now) return true;
  if (!can_map(callers)) return false; /* those inside already may be using what there is */
  size_t nbytes = sizeof(float) * WARM_SIZE * WARM_SIZE * (size_t)(callers + 2);
  struct warming w = {.c = mxi_aligned(nbytes), .callers = callers};
  if (!w.c) return false;
  memset(w.c, 0, nbytes);
  mxi_parallel(callers, 1, warm_one, &w);
  mxi_free(w.c);
  atomic_store(&room, callers);
  return true;
}

const struct mxi_blas *mxi_blas_ready(struct mx_task *task, int64_t callers, mx_status *code) {
  static _Atomic int refused; /* a number of callers there was no memory for */
  int threads = mxi_pool_threads(), most = callers < threads ? (int)callers : threads, now = atomic_load(&room);
  int most_refused = atomic_load_explicit(&refused, memory_order_relaxed);
  const struct mxi_blas *blas = atomic_load_explicit(&loaded, memory_order_acquire);
  if (blas && now && (most <= now || (most_refused && most >= most_refused))) return blas;
  pthread_mutex_lock(&lock);
  *code = MX_OK;
  if (!atomic_load(&loaded) && !load())
    *code = mx_task_fail(task, MX_ERR_UNSUPPORTED, "the BLAS library %s cannot be loaded",
                          mxi_config_text(MXI_CONFIG_BLAS) ? mxi_config_text(MXI_CONFIG_BLAS) : MXI_BLAS_FILE);
  else if (!make_room(1))
    *code = mx_task_fail(task, MX_ERR_MEMORY, "out of memory for the BLAS library");
  else if (!make_room(most))
    atomic_store(&refused, most);
  pthread_mutex_unlock(&lock);
  return *code == MX_OK ? &table : NULL;
}

static int room_before_fork;

void mxi_blas_before_fork(void) {
  pthread_mutex_lock(&lock);
  room_before_fork = atomic_exchange(&room, 0);
  while (atomic_load(&inside)) sched_yield();
}

void mxi_blas_after_fork(void) {
  atomic_store(&room, room_before_fork);
  pthread_mutex_unlock(&lock);
}

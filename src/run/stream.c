/* Streams: each has a queue of runs and a thread that takes them in order. Threads are started when first needed and
 * are not joined at process exit. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "core/thread.h"
#include "run/run.h"

struct failure {
  struct failure *next;
  uint32_t caller;
  mx_status code;
  char message[256];
};

struct mx_stream_ {
  struct mxi_run *first, *last; /* waiting */
  struct failure *failures;     /* of runs whose callers have not asked yet, oldest first */
  int running, users;           /* users: handles and the runner; the last one frees the stream */
  bool started, closed;
  uint32_t forks; /* how many there had been when the stream was last in use */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct mx_stream_ default_stream = {.users = 1};
static uint32_t forks; /* of this process and those it comes from, as children */

static void note_failure(mx_stream s, const struct mxi_run *r) {
  struct failure *f = mxi_malloc(sizeof *f), **at = &s->failures;
  if (!f) return; /* the arrays still carry it */
  *f = (struct failure){NULL, r->caller, r->code, ""};
  snprintf(f->message, sizeof f->message, "%s", r->message);
  while (*at) at = &(*at)->next;
  *at = f;
}

static void finish(struct mxi_run *r) {
  mxi_graph_lock();
  mxi_run_publish(r);
  mxi_graph_published();
  mxi_graph_unlock();
  for (size_t i = 0; i < r->tape.member_count; i++) mxi_release(r->tape.nodes[r->tape.members[i]]);
  mxi_run_release(r);
  mxi_plan_done(r->plan);
}

static void drop_user(mx_stream s) {
  if (--s->users || s == &default_stream) return;
  while (s->failures) {
    struct failure *next = s->failures->next;
    mxi_free(s->failures);
    s->failures = next;
  }
  mxi_free(s);
}

static void *runner(void *p) {
  mx_stream s = p;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!s->first && !s->closed) pthread_cond_wait(&changed, &lock);
    struct mxi_run *r = s->first;
    if (!r) break;
    s->first = r->next;
    s->running++;
    pthread_mutex_unlock(&lock);
    mxi_run_execute(r);
    finish(r);
    pthread_mutex_lock(&lock);
    if (r->code) note_failure(s, r);
    s->running--;
    pthread_cond_broadcast(&changed);
    mxi_run_free(r);
    mxi_free(r);
  }
  drop_user(s);
  pthread_mutex_unlock(&lock);
  return NULL;
}

static bool start_runner(mx_stream s) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_t t;
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool ok = pthread_create(&t, NULL, runner, s) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (ok) pthread_detach(t);
  return ok;
}

/* A stream made before a fork: its runner and its runs stayed in the parent. */
static void revive(mx_stream s) {
  if (s->forks == forks) return;
  s->first = s->last = NULL;
  s->running = 0;
  s->started = false;
  s->users = 1;
  s->forks = forks;
}

void mxi_stream_submit(mx_stream s, struct mxi_run *r) {
  if (!s) s = &default_stream;
  r->next = NULL;
  pthread_mutex_lock(&lock);
  revive(s);
  if (!s->started) {
    s->started = start_runner(s);
    s->users += s->started;
  }
  if (s->started) {
    *(s->first ? &s->last->next : &s->first) = r;
    s->last = r;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return;
  }
  pthread_mutex_unlock(&lock); /* no thread to be had: the caller does the work */
  mxi_run_execute(r);
  finish(r);
  mxi_run_free(r);
  mxi_free(r);
}

void mxi_streams_before_fork(void) { pthread_mutex_lock(&lock); }

void mxi_streams_after_fork(bool child) {
  if (child) {
    forks++;
    changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER; /* it counts waiters that are not in this process */
  }
  pthread_mutex_unlock(&lock);
}

/* ---- Public ------------------------------------------------------------------------------------------------------ */
MX_API mx_status mx_async_eval(const mx_array *as, size_t count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  for (size_t i = 0; i < count; i++)
    if (!as || mxi_unusable(as[i])) {
      mxi_refuse(c, "async_eval", "as", as ? as[i] : NULL);
      return c->code;
    }
  return mxi_eval_async(c, as, count);
}

/* For a change of some stream's, and for those who may be interrupted no longer than until they ask again. */
static bool wait_for_change(struct mxi_ctx *c) {
  if (!c->interrupted) return !pthread_cond_wait(&changed, &lock);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += (long)(MXI_ASK_SECONDS * 1e9);
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  if (pthread_cond_timedwait(&changed, &lock, &t) != ETIMEDOUT) return true;
  pthread_mutex_unlock(&lock);
  bool go_on = mxi_go_on(c);
  pthread_mutex_lock(&lock);
  return go_on;
}

mx_status mxi_synchronize(struct mxi_ctx *c) {
  mx_stream s = c->stream ? c->stream : &default_stream;
  pthread_mutex_lock(&lock);
  revive(s);
  bool go_on = true, first = true;
  while (go_on && (s->first || s->running)) go_on = wait_for_change(c);
  if (!go_on) {
    pthread_mutex_unlock(&lock);
    return c->code;
  }
  for (struct failure **at = &s->failures; *at;) {
    struct failure *f = *at;
    if (f->caller != c->id) {
      at = &f->next;
      continue;
    }
    if (first) mxi_fail(c, f->code, "%s", f->message);
    first = false;
    *at = f->next;
    mxi_free(f);
  }
  pthread_mutex_unlock(&lock);
  mxi_thread_poll(mxi_self());
  return c->code;
}

MX_API mx_status mx_synchronize(void) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code ? c->code : mxi_synchronize(c);
}

MX_API mx_stream mx_stream_new(void) {
  mx_stream s = mxi_calloc(sizeof *s);
  if (!s) {
    mxi_fail_memory(mxi_ctx_thread(), "stream_new");
    return NULL;
  }
  s->users = 1;
  s->forks = forks;
  return s;
}

MX_API void mx_stream_free(mx_stream s) {
  if (!s || s == &default_stream) return;
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->stream == s) c->stream = NULL;
  pthread_mutex_lock(&lock);
  revive(s);
  s->closed = true;
  pthread_cond_broadcast(&changed);
  drop_user(s);
  pthread_mutex_unlock(&lock);
}

MX_API mx_stream mx_default_stream(void) { return &default_stream; }

MX_API mx_stream mx_use(mx_stream s) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_stream before = c->stream ? c->stream : &default_stream;
  c->stream = s;
  return before;
}

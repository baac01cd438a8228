/* The plan cache: a hash table from structures to skeletons, each with the sizings seen last. A structure is kept from
 * its second sighting on; the least recently used go when the cache passes its size in bytes. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/memory.h"
#include "run/run.h"

#define BUCKETS 1024
#define SEEN 4096
#define MAX_NBYTES ((size_t)64 << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mxi_plan *buckets[BUCKETS];
static struct mxi_plan *newest, *oldest;
static uint64_t seen[SEEN]; /* hashes sighted once */
static struct mxi_plan_stats stats;

static uint64_t hash_words(const uint32_t *w, size_t n) {
  uint64_t h = 0x9e3779b97f4a7c15u ^ n;
  for (size_t i = 0; i < n; i++) h = (h ^ w[i]) * 0xff51afd7ed558ccdu, h ^= h >> 32;
  return h;
}

static bool same_structure(const struct mxi_plan *p, const struct mxi_tape *t, bool fuse) {
  return p->fuse == fuse && p->skeleton->structure_count == t->structure_count &&
         !memcmp(p->skeleton->structure, t->structure, t->structure_count * sizeof *t->structure);
}

static struct mxi_sizing *find_sizing(const struct mxi_plan *p, const struct mxi_tape *t) {
  for (int i = 0; i < MXI_SIZINGS; i++) {
    struct mxi_sizing *z = p->sizings[i];
    if (z && z->sizes_count == t->sizes_count && !memcmp(z->sizes, t->sizes, t->sizes_count * sizeof *t->sizes)) return z;
  }
  return NULL;
}

static void unlink_age(struct mxi_plan *p) {
  *(p->newer ? &p->newer->older : &newest) = p->older;
  *(p->older ? &p->older->newer : &oldest) = p->newer;
}

static void link_newest(struct mxi_plan *p) {
  p->newer = NULL;
  p->older = newest;
  *(newest ? &newest->newer : &oldest) = p;
  newest = p;
}

static void release_sizing(struct mxi_sizing *z) {
  if (z && --z->users == 0) mxi_sizing_free(z);
}

static void free_plan(struct mxi_plan *p) {
  for (int i = 0; i < MXI_SIZINGS; i++) release_sizing(p->sizings[i]);
  mxi_skeleton_free(p->skeleton);
  mxi_free(p);
}

/* Takes a plan out of the table; it is freed when its last user is done. */
static void drop(struct mxi_plan *p) {
  for (struct mxi_plan **at = &buckets[p->hash % BUCKETS]; *at; at = &(*at)->chain)
    if (*at == p) {
      *at = p->chain;
      break;
    }
  unlink_age(p);
  for (struct mxi_plan *q = newest; q; q = q->older)
    if (q->predicted == p) q->predicted = NULL;
  p->cached = false;
  p->predicted = NULL; /* that one may go while a thread still stands here */
  stats.plans--;
  stats.nbytes -= (int64_t)p->nbytes;
  if (!p->users) free_plan(p);
}

static void release(struct mxi_plan *p) {
  if (--p->users == 0 && !p->cached) free_plan(p);
}

/* The thread goes from plan to plan, and takes over the users of `pick`; what it came from now predicts this one. */
static void step_to(struct mxi_plan_pick *last, struct mxi_plan_pick pick) {
  if (last->plan) {
    if (last->plan->cached && pick.plan->cached) last->plan->predicted = pick.plan;
    release_sizing(last->sizing);
    release(last->plan);
  }
  *last = pick;
}

static struct mxi_plan *look_up(const struct mxi_tape *t, uint64_t hash, bool fuse) {
  for (struct mxi_plan *p = buckets[hash % BUCKETS]; p; p = p->chain)
    if (p->hash == hash && same_structure(p, t, fuse)) return p;
  return NULL;
}

/* The new sizing takes the place of the one that came first; runs that still use that one keep it alive. */
static void keep_sizing(struct mxi_plan *p, struct mxi_sizing *z) {
  struct mxi_sizing **slot = &p->sizings[p->next_sizing++ % MXI_SIZINGS];
  release_sizing(*slot);
  *slot = z;
  z->users = 1;
  size_t nbytes = z->arena.nbytes + z->slot_count * sizeof *z->slots + z->step_count * sizeof *z->steps;
  p->nbytes += nbytes;
  if (p->cached) stats.nbytes += (int64_t)nbytes;
}

static void admit(struct mxi_plan *p) {
  p->cached = true;
  p->chain = buckets[p->hash % BUCKETS];
  buckets[p->hash % BUCKETS] = p;
  link_newest(p);
  stats.plans++;
  stats.nbytes += (int64_t)p->nbytes;
  while ((size_t)stats.nbytes > MAX_NBYTES && oldest != p) drop(oldest);
}

/* MICA_DUMP=plan explains each new plan on stderr; MICA_DUMP=plan:FILE appends it to a file. */
static void dump(const struct mxi_plan *p, const struct mxi_sizing *z) {
  const char *what = mxi_config_text(MXI_CONFIG_DUMP);
  if (!what || strncmp(what, "plan", 4)) return;
  size_t n = mxi_plan_describe(p->skeleton, z, NULL, 0);
  char *text = mxi_malloc(n + 1);
  if (!text) return;
  mxi_plan_describe(p->skeleton, z, text, n + 1);
  FILE *f = what[4] == ':' ? fopen(what + 5, "ae") : NULL;
  fputs(text, f ? f : stderr);
  if (f) fclose(f);
  mxi_free(text);
}

static struct mxi_plan *new_plan(const struct mxi_tape *t, uint64_t hash, bool fuse) {
  struct mxi_plan *p = mxi_calloc(sizeof *p);
  if (!p) return NULL;
  p->hash = hash;
  p->fuse = fuse;
  p->skeleton = mxi_skeleton_build(t, fuse);
  if (!p->skeleton) {
    mxi_free(p);
    return NULL;
  }
  p->nbytes = sizeof *p + p->skeleton->arena.nbytes;
  return p;
}

/* Called with the lock held, which it gives up while it plans. */
static struct mxi_plan_pick build(const struct mxi_tape *t, struct mxi_plan *p, uint64_t hash, bool fuse) {
  bool second = seen[hash % SEEN] == hash, fresh = !p;
  seen[hash % SEEN] = hash;
  if (p) p->users++;
  pthread_mutex_unlock(&lock);
  if (!p) p = new_plan(t, hash, fuse);
  struct mxi_sizing *z = p ? mxi_sizing_build(p->skeleton, t, &mxi_planner) : NULL;
  if (z) dump(p, z);
  pthread_mutex_lock(&lock);
  if (!z) {
    if (p && fresh)
      free_plan(p);
    else if (p)
      release(p);
    return (struct mxi_plan_pick){NULL, NULL};
  }
  if (fresh) p->users = 1;
  keep_sizing(p, z);
  if (fresh && second && !look_up(t, hash, fuse)) admit(p);
  return (struct mxi_plan_pick){p, z};
}

/* The plan that was predicted, or the table's; its sizing may still be missing. */
static struct mxi_plan *find_plan(const struct mxi_tape *t, struct mxi_plan *last, uint64_t *hash, bool fuse) {
  struct mxi_plan *p = last ? last->predicted : NULL;
  if (p && same_structure(p, t, fuse)) {
    stats.predicted++;
    *hash = p->hash;
    return p;
  }
  *hash = hash_words(t->structure, t->structure_count);
  p = look_up(t, *hash, fuse);
  if (!p) return NULL;
  stats.hits++;
  unlink_age(p);
  link_newest(p);
  return p;
}

struct mxi_plan_pick mxi_plan_find(const struct mxi_tape *t, struct mxi_plan_pick *last) {
  bool fuse = mxi_config_int(MXI_CONFIG_FUSE, 1) != 0;
  uint64_t hash;
  pthread_mutex_lock(&lock);
  struct mxi_plan *p = find_plan(t, last->plan, &hash, fuse);
  struct mxi_plan_pick pick = {p, p ? find_sizing(p, t) : NULL};
  if (pick.sizing) {
    p->users++;
  } else {
    *(p ? &stats.resized : &stats.misses) += 1;
    pick = build(t, p, hash, fuse);
  }
  if (pick.plan) {
    pick.sizing->users++;
    step_to(last, pick);
  }
  pthread_mutex_unlock(&lock);
  return pick;
}

void mxi_plan_done(struct mxi_plan_pick pick) {
  pthread_mutex_lock(&lock);
  release_sizing(pick.sizing);
  release(pick.plan);
  pthread_mutex_unlock(&lock);
}

void mxi_plan_keep(struct mxi_plan_pick pick) {
  pthread_mutex_lock(&lock);
  pick.sizing->users++;
  pick.plan->users++;
  pthread_mutex_unlock(&lock);
}

void mxi_plan_forget(struct mxi_plan_pick *last) {
  if (last->plan) mxi_plan_done(*last);
  *last = (struct mxi_plan_pick){NULL, NULL};
}

struct mxi_plan_stats mxi_plan_stats(void) {
  pthread_mutex_lock(&lock);
  struct mxi_plan_stats s = stats;
  pthread_mutex_unlock(&lock);
  return s;
}

void mxi_plan_cache_clear(void) {
  pthread_mutex_lock(&lock);
  while (oldest) drop(oldest);
  memset(seen, 0, sizeof seen);
  pthread_mutex_unlock(&lock);
}

void mxi_plan_lock_for_fork(void) { pthread_mutex_lock(&lock); }
void mxi_plan_unlock_after_fork(void) { pthread_mutex_unlock(&lock); }

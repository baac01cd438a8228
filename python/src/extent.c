/* How long a graph needs the Python functions it was made with. The rule of a custom function can only be asked for by a
 * transform that was running when the function was called: walks enter nodes that were made under them, and no others.
 * So the objects of a call are kept here, not by the graph, and freed when the last such transform is over, or when the
 * graph lets go of the call before that. An array that stays from a transform leads to no Python object: arrays can be in
 * no cycle, and the garbage collector need not look into them.
 *
 * Both lists are ordered by birth. What a thread in the middle of a transform hands to another one is covered too: all
 * transforms of the process count. */
#include <pthread.h>

#include "mxp.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows; nothing of Python's runs under it */
static uint64_t births;
static struct mxp_extent *oldest_extent, *newest_extent;
static struct mxp_kept *oldest_kept, *newest_kept;

void mxp_extent_begin(struct mxp_extent *e) {
  pthread_mutex_lock(&lock);
  *e = (struct mxp_extent){.older = newest_extent, .born = ++births};
  *(e->older ? &e->older->newer : &oldest_extent) = e;
  newest_extent = e;
  pthread_mutex_unlock(&lock);
}

static void unlink_kept(struct mxp_kept *k) {
  *(k->newer ? &k->newer->older : &newest_kept) = k->older;
  *(k->older ? &k->older->newer : &oldest_kept) = k->newer;
}

/* Takes the objects out; the lock is held. */
static void take(struct mxp_kept *k, PyObject **objects) {
  unlink_kept(k);
  for (int i = 0; i < MXP_KEPT; i++) {
    objects[i] = k->objects[i];
    k->objects[i] = NULL;
  }
  k->born = 0;
}

static void drop(PyObject **objects) {
  for (int i = 0; i < MXP_KEPT; i++) Py_XDECREF(objects[i]);
}

void mxp_extent_end(struct mxp_extent *e) {
  pthread_mutex_lock(&lock);
  *(e->newer ? &e->newer->older : &newest_extent) = e->older;
  *(e->older ? &e->older->newer : &oldest_extent) = e->newer;
  while (oldest_kept && (!oldest_extent || oldest_extent->born >= oldest_kept->born)) {
    PyObject *objects[MXP_KEPT];
    take(oldest_kept, objects);
    pthread_mutex_unlock(&lock);
    drop(objects);
    pthread_mutex_lock(&lock);
  }
  pthread_mutex_unlock(&lock);
  mxb_drain();
}

void mxp_keep(struct mxp_kept *k) {
  pthread_mutex_lock(&lock);
  k->born = births + 1; /* not 0: that says it is on no list */
  k->older = newest_kept;
  k->newer = NULL;
  *(k->older ? &k->older->newer : &oldest_kept) = k;
  newest_kept = k;
  pthread_mutex_unlock(&lock);
}

void mxp_unkeep(struct mxp_kept *k) {
  PyObject *objects[MXP_KEPT] = {NULL};
  pthread_mutex_lock(&lock);
  if (k->born) take(k, objects);
  pthread_mutex_unlock(&lock);
  drop(objects);
}

/* What debug builds know of handles. Nothing here allocates, so that failure injection counts the same in every build. */
#include "core/quarantine.h"

#ifdef MXI_DEBUG
#include <stdio.h>

#include "base/log.h"
#include "core/prim.h"
#include "core/thread.h"

enum { FREE, ALIVE, DEAD };

/* ---- Scopes ------------------------------------------------------------------------------------------------------ */
static struct mxi_open_scope innermost(const struct mxi_open_scopes *s) {
  int n = s->depth < MXI_SCOPES_MAX ? s->depth : MXI_SCOPES_MAX;
  return n ? s->open[n - 1] : (struct mxi_open_scope){0};
}

static void begin(size_t mark, const char *call) {
  struct mxi_open_scopes *s = &mxi_self()->scopes;
  s->last++;
  if (s->depth < MXI_SCOPES_MAX) s->open[s->depth] = (struct mxi_open_scope){mark, s->last, call};
  s->depth++;
}

void mxi_scope_begun(size_t mark) { begin(mark, NULL); }
void mxi_call_begun(size_t mark, const char *who) { begin(mark, who); }

void mxi_call_ended(void) {
  struct mxi_open_scopes *s = &mxi_self()->scopes;
  if (s->depth > MXI_SCOPES_MAX) {
    s->depth--;
    return;
  }
  while (s->depth > 0 && !s->open[--s->depth].call) {
  }
}

/* Scopes opened later, and left open, end with this one. Of several with one mark the innermost ends. */
void mxi_scope_ended(size_t mark) {
  struct mxi_open_scopes *s = &mxi_self()->scopes;
  if (s->depth > MXI_SCOPES_MAX) {
    s->depth--;
    return;
  }
  while (s->depth > 0 && s->open[s->depth - 1].mark > mark) s->depth--;
  if (s->depth > 0 && s->open[s->depth - 1].mark == mark) s->depth--;
}

/* ---- From birth to quarantine ------------------------------------------------------------------------------------ */
static _Atomic(mx_array) slabs;
static _Atomic(mx_array) graves[MXI_QUARANTINE];
static _Atomic uint64_t buried;

void mxi_slab_made(mx_array slab, uint32_t count) {
  slab->origin.slab_nodes = count;
  for (uint32_t i = 0; i < count; i++) atomic_init(&slab[i].origin.state, FREE);
  slab->origin.next_slab = atomic_load(&slabs);
  while (!atomic_compare_exchange_weak(&slabs, &slab->origin.next_slab, slab)) {
  }
}

void mxi_node_born(mx_array a, const struct mxi_thread *self) {
  struct mxi_open_scope s = innermost(&self->scopes);
  a->origin.scope = s.number;
  a->origin.call = s.call;
  a->origin.thread = self->id;
  atomic_store_explicit(&a->origin.owned, 0, memory_order_relaxed);
  atomic_store_explicit(&a->origin.was_owned, false, memory_order_relaxed);
  atomic_store_explicit(&a->origin.state, ALIVE, memory_order_release);
}

/* The grave's last tenant moves out and can be used again. */
void mxi_node_bury(struct mxi_thread *self, mx_array a) {
  a->origin.op = a->op;
  atomic_store_explicit(&a->origin.state, DEAD, memory_order_release);
  mxi_node_poison(a);
  uint64_t n = atomic_fetch_add_explicit(&buried, 1, memory_order_relaxed);
  mx_array old = atomic_exchange_explicit(&graves[n % MXI_QUARANTINE], a, memory_order_acq_rel);
  if (!old) return;
  atomic_store_explicit(&old->origin.state, FREE, memory_order_release);
  mxi_node_recycle(self, old);
}

int64_t mxi_quarantined(void) {
  uint64_t n = atomic_load(&buried);
  return n < MXI_QUARANTINE ? (int64_t)n : MXI_QUARANTINE;
}

/* ---- Checks ------------------------------------------------------------------------------------------------------ */
static const char *scope_text(char *buf, size_t size, const struct mxi_origin *o) {
  if (!o->scope) snprintf(buf, size, "the root scope of thread %u", o->thread);
  else if (o->call) snprintf(buf, size, "scope %u of thread %u: a call of %s", o->scope, o->thread, o->call);
  else snprintf(buf, size, "scope %u of thread %u", o->scope, o->thread);
  return buf;
}
#define SCOPE_TEXT(a) scope_text((char[96]){0}, 96, &(a)->origin)

bool mxi_stale(mx_array a) { return a && atomic_load_explicit(&a->origin.state, memory_order_acquire) == DEAD; }

mx_array mxi_refuse(struct mxi_ctx *c, const char *who, const char *name, mx_array a) {
  if (!a) return mxi_null(c, who, name);
  bool released = atomic_load_explicit(&a->origin.was_owned, memory_order_relaxed);
  return mxi_fail(c, MX_ERR_STATE, "[%s] argument `%s` is a handle of `%s` %s (%s%s)", who, name, mxi_prims[a->origin.op]->name,
                  released ? "that was released" : "whose scope has ended", released ? "made in " : "", SCOPE_TEXT(a));
}

bool mxi_handle_take(const char *who, mx_array a) {
  if (mxi_stale(a)) return mxi_refuse(mxi_ctx_thread(), who, "a", a);
  atomic_fetch_add_explicit(&a->origin.owned, 1, memory_order_relaxed);
  atomic_store_explicit(&a->origin.was_owned, true, memory_order_relaxed);
  return true;
}

bool mxi_handle_drop(const char *who, mx_array a) {
  if (mxi_stale(a)) return mxi_refuse(mxi_ctx_thread(), who, "a", a);
  if (atomic_fetch_sub_explicit(&a->origin.owned, 1, memory_order_relaxed) > 0) return true;
  atomic_fetch_add_explicit(&a->origin.owned, 1, memory_order_relaxed);
  bool released = atomic_load_explicit(&a->origin.was_owned, memory_order_relaxed);
  return mxi_fail(mxi_ctx_thread(), MX_ERR_STATE,
                  released ? "[%s] every handle of this `%s` that mx_retain or mx_set took was released before (made in %s)"
                           : "[%s] the handle of `%s` is its scope's, which releases it (%s); release what mx_retain or mx_set took",
                  who, mxi_prims[a->op]->name, SCOPE_TEXT(a));
}

mx_array mxi_handle_moved(mx_array a) {
  const struct mxi_thread *self = mxi_self();
  if (!a || a->origin.thread != self->id) return a; /* another thread's scope holds it too */
  struct mxi_open_scope s = innermost(&self->scopes);
  a->origin.scope = s.number;
  a->origin.call = s.call;
  return a;
}

/* ---- The report -------------------------------------------------------------------------------------------------- */
#define GROUPS 64 /* told apart; the rest is only counted */

struct group {
  uint16_t op;
  const struct mxi_origin *origin;
  int64_t handles;
};

static bool joins(const struct group *g, const struct mx_array_ *a) {
  return g->op == a->op && g->origin->scope == a->origin.scope && g->origin->thread == a->origin.thread;
}

static int64_t report_taken(void) {
  struct group groups[GROUPS];
  int count = 0;
  int64_t all = 0, told = 0;
  for (mx_array slab = atomic_load(&slabs); slab; slab = slab->origin.next_slab)
    for (mx_array a = slab; a < slab + slab->origin.slab_nodes; a++) {
      int32_t owned = atomic_load_explicit(&a->origin.owned, memory_order_relaxed);
      if (atomic_load_explicit(&a->origin.state, memory_order_acquire) != ALIVE || owned <= 0) continue;
      all += owned;
      int g = 0;
      while (g < count && !joins(&groups[g], a)) g++;
      if (g == GROUPS) continue;
      if (g == count) groups[count++] = (struct group){a->op, &a->origin, 0};
      groups[g].handles += owned;
      told += owned;
    }
  for (int g = 0; g < count; g++)
    mxi_log_say("handles", "%lld of `%s` not released (made in %s)", (long long)groups[g].handles, mxi_prims[groups[g].op]->name,
                scope_text((char[96]){0}, 96, groups[g].origin));
  if (all > told) mxi_log_say("handles", "%lld of others not released", (long long)(all - told));
  return all;
}

int64_t mxi_handles_report(void) {
  const struct mxi_thread *self = mxi_self_;
  const struct mxi_open_scopes *s = self ? &self->scopes : NULL;
  int n = !s ? 0 : s->depth < MXI_SCOPES_MAX ? s->depth : MXI_SCOPES_MAX;
  for (int i = 0; i < n; i++)
    mxi_log_say("handles", "scope %u of thread %u has not ended (%zu handles)", s->open[i].number, self->id,
                (i + 1 < n ? s->open[i + 1].mark : self->ctx.top) - s->open[i].mark);
  return report_taken();
}

__attribute__((destructor)) static void report_at_exit(void) {
  if (mxi_log_wants("handles")) mxi_handles_report();
}
#endif

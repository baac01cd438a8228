/* Debug builds (MXI_DEBUG) know what every handle is: who made it, in which scope, and whether it may still be used.
 * A freed node stays in quarantine for the time of MXI_QUARANTINE further ones, so that a handle kept too long is an
 * error that names its origin. In other builds all of this is nothing. Users' handles are checked where they enter:
 * the generated wrappers and the hand-written public functions. */
#ifndef MXI_CORE_QUARANTINE_H
#define MXI_CORE_QUARANTINE_H

#include <mica.h>

struct mxi_ctx;
struct mxi_thread;

#ifdef MXI_DEBUG
#include <stdatomic.h>

#define MXI_QUARANTINE 65536 /* dead nodes of the process; a power of two */

/* At the end of a node. A scope's number counts from 1 in its thread; 0 is the root scope. */
struct mxi_origin {
  uint32_t scope, thread;     /* that holds the first handle */
  const char *call;           /* the transform whose call the scope is; NULL: one that the user opened */
  mx_array next_slab;         /* of the first node of a slab, and how many there are */
  uint32_t slab_nodes;
  _Atomic int32_t owned;      /* handles that mx_retain and mx_set took */
  _Atomic uint8_t state;      /* FREE, ALIVE or DEAD */
  _Atomic bool was_owned;
  uint16_t op;                /* of a dead node */
};
#define MXI_ORIGIN struct mxi_origin origin;

/* The open scopes of a thread, kept in its struct mxi_thread. */
#define MXI_SCOPES_MAX 64 /* scopes told apart; deeper ones count as the innermost of these */
struct mxi_open_scopes {
  uint32_t last; /* number */
  int depth;
  struct mxi_open_scope {
    size_t mark;
    uint32_t number;
    const char *call;
  } open[MXI_SCOPES_MAX];
};
#define MXI_SCOPES struct mxi_open_scopes scopes;

void mxi_slab_made(mx_array slab, uint32_t count);
void mxi_node_born(mx_array a, const struct mxi_thread *self);
void mxi_node_bury(struct mxi_thread *self, mx_array a); /* in place of mxi_node_recycle */
int64_t mxi_quarantined(void);

bool mxi_stale(mx_array a); /* not NULL, and dead */
/* For operands: NULL or dead. mxi_refuse says which, and returns NULL. */
#define mxi_unusable(a) (!(a) || mxi_stale(a))
mx_array mxi_refuse(struct mxi_ctx *c, const char *who, const char *name, mx_array a);

/* An owner outside the scopes takes a handle, or gives one up; false with MX_ERR_STATE when it cannot. */
bool mxi_handle_take(const char *who, mx_array a);
bool mxi_handle_drop(const char *who, mx_array a);
mx_array mxi_handle_moved(mx_array a); /* `a` belongs to the innermost open scope from now on; NULL is fine */

void mxi_scope_begun(size_t mark);
void mxi_scope_ended(size_t mark);
/* Around a call of the user's function by a transform: what it makes is not the caller's. */
void mxi_call_begun(size_t mark, const char *who);
void mxi_call_ended(void);

/* Tells the log, topic "handles", what mx_retain and mx_set took and nobody gave up, by operation and scope, and the
 * calling thread's open scopes. Returns the number of handles taken. Also runs when the process exits. */
int64_t mxi_handles_report(void);

#else
#define MXI_ORIGIN
#define MXI_SCOPES
#define mxi_slab_made(slab, count) ((void)0)
#define mxi_node_born(a, self) ((void)0)
#define mxi_node_bury(self, a) mxi_node_recycle(self, a)
#define mxi_quarantined() 0
#define mxi_stale(a) ((void)(a), false)
#define mxi_unusable(a) (!(a))
#define mxi_refuse(c, who, name, a) mxi_null(c, who, name)
#define mxi_handle_take(who, a) true
#define mxi_handle_drop(who, a) true
#define mxi_handle_moved(a) (a)
#define mxi_scope_begun(mark) ((void)0)
#define mxi_scope_ended(mark) ((void)0)
#define mxi_call_begun(mark, who) ((void)0)
#define mxi_call_ended() ((void)0)
#endif

#endif

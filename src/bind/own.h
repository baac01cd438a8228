/* How calls of bind.h end: the result leaves the context's stack with its reference, and what else was made goes. */
#ifndef MXI_BIND_OWN_H
#define MXI_BIND_OWN_H

#include <mica/bind.h>

#include "core/ctx.h"

/* A handle of the binding's from now on; debug builds keep count. */
static inline mx_array mxi_owned(mx_array a) {
  if (a) (void)mxi_handle_take("bind", a);
  return a;
}

mx_array mxi_own_found(struct mxi_ctx *c, size_t mark, mx_array result); /* anywhere on the stack, or not on it; or NULL */

/* The owned result of a frame that began at `mark`. Most operations leave one node: it is taken as it is. */
static inline mx_array mxi_own(struct mxi_ctx *c, size_t mark, mx_array result) {
  if (c->top == mark + 1 && c->stack[mark] == result) {
    c->top = mark;
    return mxi_owned(result);
  }
  return mxi_own_found(c, mark, result);
}

mx_status mxi_own_many(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count); /* NULL entries stay NULL */

/* False, with the error, for what is NULL; for a handle also where it is known to be dead. */
static inline bool mxi_given(struct mxi_ctx *c, const char *who, const char *name, const void *p) {
  return p || mxi_null(c, who, name);
}
static inline bool mxi_given_array(struct mxi_ctx *c, const char *who, mx_array a) {
  return !mxi_unusable(a) || mxi_refuse(c, who, "a", a);
}

#endif

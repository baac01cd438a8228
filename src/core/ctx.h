/* The context of a call: where its error goes and where its results live. The thread's own context (core/thread.h) serves the mx_*
 * functions; a binding brings one per call (mica/bind.h). Builders leave every array they make on the stack of the
 * context, so none of them frees anything: whoever opened the frame sweeps it. */
#ifndef MXI_CORE_CTX_H
#define MXI_CORE_CTX_H

#include "core/node.h"

#define MXI_MESSAGE_MAX 512

struct mxi_ctx {
  mx_array *stack; /* owned references */
  size_t top, capacity;
  mx_status code;
  bool is_about_axis; /* the error: an axis is out of range */
  char message[MXI_MESSAGE_MAX];
  mx_stream stream;
  uint32_t id;         /* of the thread, or of a binding's context: whose runs are whose */
  uint64_t trace_base; /* id of the outermost transform running in this context; 0: none */
  bool (*interrupted)(void *user); /* asked while a call waits, or NULL: true ends the call */
  void *interrupted_user;
  bool warned;         /* said once that the root scope holds a million handles */
};

/* Records an error unless one is pending; returns NULL, so that builders end with `return mxi_fail(...)`. The message
 * starts with "[operation] ". */
mx_array mxi_fail(struct mxi_ctx *c, mx_status code, const char *format, ...) MX_PRINTF(3, 4);
mx_status mxi_fail_status(struct mxi_ctx *c, mx_status code, const char *format, ...) MX_PRINTF(3, 4);
mx_array mxi_fail_memory(struct mxi_ctx *c, const char *who);

/* Puts an owned reference on the stack and returns it; on failure releases it, returns NULL with MX_ERR_MEMORY. */
mx_array mxi_push_grown(struct mxi_ctx *c, mx_array owned);
static inline mx_array mxi_push(struct mxi_ctx *c, mx_array owned) {
  return c->top < c->capacity ? (c->stack[c->top++] = owned) : mxi_push_grown(c, owned);
}
/* Ends a frame: releases all above `mark` but `result`, which moves down to it. Most operations leave just that. */
mx_array mxi_keep_swept(struct mxi_ctx *c, size_t mark, mx_array result);
static inline mx_array mxi_keep(struct mxi_ctx *c, size_t mark, mx_array result) {
  return c->top == mark + 1 && c->stack[mark] == result ? result : mxi_keep_swept(c, mark, result);
}
void mxi_sweep(struct mxi_ctx *c, size_t mark);
/* The same for several results, which stay on the stack in order. NULL entries are allowed. */
mx_status mxi_keep_many(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count);
/* How a builder of several results ends: they lie on the stack from `mark` on, and only now, when none can fail any more,
 * reach the caller's list (which may be the list of operands). */
mx_status mxi_publish(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count);
/* Refuses a NULL operand: keeps a pending error, else "[who] argument `name` is NULL". */
mx_array mxi_null(struct mxi_ctx *c, const char *who, const char *name);
/* True when an operand of a list is NULL or, where that is known, dead. */
bool mxi_refused(struct mxi_ctx *c, const char *who, const char *name, const mx_array *arrays, size_t count);
/* Whether a list is missing: NULL with a count, or MX_ALL where that means nothing. */
static inline bool mxi_no_list(struct mxi_ctx *c, const char *who, const char *name, mx_ints list, bool may_be_all) {
  if (list.at || !list.count || (may_be_all && list.count == SIZE_MAX)) return false;
  return !mxi_null(c, who, name);
}

/* ---- What many builders check ------------------------------------------------------------------------------------ */
/* *axis counted from the start; false with MX_ERR_VALUE. */
bool mxi_axis(struct mxi_ctx *c, const char *who, int64_t axis, int ndim, int *out);
/* The axes as a bit mask (MX_ALL: all of them); false with MX_ERR_VALUE when out of range or named twice. */
bool mxi_axes(struct mxi_ctx *c, const char *who, mx_ints axes, int ndim, uint64_t *mask);
/* The shape that `a` and `b` broadcast to; false with MX_ERR_SHAPE. out has room for MXI_MAX_NDIM and may be a or b. */
bool mxi_broadcast_shapes(struct mxi_ctx *c, const char *who, int a_ndim, const int64_t *a, int b_ndim, const int64_t *b,
                          int *out_ndim, int64_t *out);
/* Whether the bytes of such an array fit an int64. An axis of size 0 does not excuse the others, since steps are products of
 * them. */
bool mxi_can_be_counted(mx_dtype dtype, int ndim, const int64_t *shape);
/* Checks a list of sizes a user gave: none negative, rank and product within limits; false with MX_ERR_SHAPE. */
bool mxi_check_shape(struct mxi_ctx *c, const char *who, mx_ints shape, mx_dtype dtype);
/* "(2, 3)" for messages, into a caller's buffer, cut with "..." when long; returns buf. */
const char *mxi_shape_text(char *buf, size_t size, int ndim, const int64_t *shape);
#define MXI_SHAPE_TEXT(a) mxi_shape_text((char[96]){0}, 96, (a)->ndim, mxi_dims(a))

/* TRY(x): leaves with NULL when x is NULL or false. */
#define MXI_TRY(x) \
  do {             \
    if (!(x)) return NULL; \
  } while (0)

#endif

/* Calling the functions of users. */
#include "transform/closure.h"

#include <string.h>

#include "base/memory.h"
#include "core/thread.h"

/* ---- Lists ------------------------------------------------------------------------------------------------------- */
bool mxi_list_add(struct mxi_ctx *c, const char *who, struct mxb_list *list, mx_array a) {
  if (!mxi_reserve(&list->at, &list->capacity, list->count + 1, sizeof *list->at)) return mxi_fail_memory(c, who);
  list->at[list->count++] = a;
  return true;
}

void mxi_list_free(struct mxb_list *list) { mxi_free(list->at); }

mxb_list *mxb_list_new(void) { return mxi_calloc(sizeof(mxb_list)); }

void mxb_list_clear(mxb_list *list) {
  while (list->count) mxi_release(list->at[--list->count]);
}

void mxb_list_free(mxb_list *list) {
  if (!list) return;
  mxb_list_clear(list);
  mxi_list_free(list);
  mxi_free(list);
}

mx_status mxb_list_add(mxb_ctx *ctx, mxb_list *list, mx_array a) {
  if (!a || !list) return mxi_null(ctx, "list_add", a ? "list" : "a"), ctx->code;
  (void)mxi_handle_drop("list_add", a);
  if (mxi_list_add(ctx, "list_add", list, a)) return MX_OK;
  mxi_release(a);
  return ctx->code;
}

size_t mxb_list_count(const mxb_list *list) { return list->count; }
mx_array mxb_list_at(const mxb_list *list, size_t i) { return i < list->count ? list->at[i] : NULL; }

/* Takes over an owned reference, as mxb_lend. */
static mx_array lend(struct mxi_ctx *c, mx_array owned) {
  return owned && mxi_handle_drop("lend", owned) ? mxi_push(c, owned) : NULL;
}

/* ---- Functions of C programs ------------------------------------------------------------------------------------- */
/* They work in the thread's context, which is another one where a binding differentiates what a C program has built:
 * then what they give moves to c, results and error. */
struct visit {
  struct mxi_ctx *c, *thread;
  size_t mark;
  uint64_t trace_base;
};

static struct visit visit_begin(struct mxi_ctx *c) {
  struct mxi_ctx *thread = mxi_ctx_thread();
  struct visit v = {c, thread, thread->top, thread->trace_base};
  thread->trace_base = c->trace_base;
  return v;
}

static void visit_end(const struct visit *v, mx_array *results, size_t count) {
  v->thread->trace_base = v->trace_base;
  if (v->c == v->thread) return;
  for (size_t i = 0; i < count; i++) {
    if (mxi_unusable(results[i])) continue;
    mxi_retain(results[i]);
    results[i] = mxi_push(v->c, results[i]);
  }
  mxi_sweep(v->thread, v->mark);
  if (v->thread->code) mxi_fail(v->c, v->thread->code, "%s", v->thread->message);
  v->thread->code = MX_OK;
  v->thread->message[0] = 0;
}

/* ---- Functions of bindings --------------------------------------------------------------------------------------- */
static mx_status give_list(struct mxi_ctx *c, const char *who, struct mxb_list *from, struct mxb_list *results) {
  for (size_t i = 0; i < from->count; i++) {
    mxi_retain(from->at[i]);
    mx_array a = mxi_push(c, from->at[i]);
    if (!a || !mxi_list_add(c, who, results, a)) return c->code;
  }
  return MX_OK;
}

static mx_status call_own(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                          size_t expected, struct mxb_list *results) {
  struct mxb_list *given = mxb_list_new();
  if (!given) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  mx_status code = f->own_many(c, args, count, given, f->user);
  if (!c->code && !code && expected != MXI_ANY_COUNT && given->count != expected)
    code = mxi_fail_status(c, MX_ERR_VALUE, "[%s] the function returned %zu arrays, not %zu", who, given->count, expected);
  if (!c->code && !code) code = give_list(c, who, given, results);
  mxb_list_free(given);
  return code;
}

/* ---- Both -------------------------------------------------------------------------------------------------------- */
/* A function that gave no result must have said why. */
static mx_status no_result(struct mxi_ctx *c, const char *who, mx_array result) {
  if (mxi_stale(result)) mxi_refuse(c, who, "result of the function", result);
  return c->code ? c->code : mxi_fail_status(c, MX_ERR_VALUE, "[%s] the function returned no array", who);
}

mx_array mxi_closure_one(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count) {
  mx_array y;
  if (f->own_one) {
    y = lend(c, f->own_one(c, args, count, f->user));
  } else {
    struct visit v = visit_begin(c);
    y = f->one(args, f->user);
    visit_end(&v, &y, 1);
  }
  if (!mxi_unusable(y) && !c->code) return mxi_strong(c, y);
  no_result(c, who, y);
  return NULL;
}

static mx_status call_plain(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                            size_t expected, struct mxb_list *results) {
  if (!mxi_reserve(&results->at, &results->capacity, expected, sizeof *results->at)) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  if (expected) memset(results->at, 0, expected * sizeof *results->at);
  results->count = expected;
  struct visit v = visit_begin(c);
  mx_status code = f->many(args, count, results->at, expected, f->user);
  visit_end(&v, results->at, expected);
  return code;
}

mx_status mxi_closure_many(struct mxi_ctx *c, const char *who, const struct mxi_closure *f, const mx_array *args, size_t count,
                           size_t expected, struct mxb_list *results) {
  results->count = 0;
  mx_status code = (f->own_many ? call_own : call_plain)(c, who, f, args, count, expected, results);
  if (c->code) return c->code;
  if (code) return mxi_fail_status(c, code, "[%s] the function failed", who);
  for (size_t i = 0; i < results->count; i++) {
    if (mxi_unusable(results->at[i])) return no_result(c, who, results->at[i]);
    if (!(results->at[i] = mxi_strong(c, results->at[i]))) return c->code;
  }
  return MX_OK;
}

/* What a rule of the user's has given: a code, and arrays of which some may be dead. */
static mx_status rule_gave(struct mxi_ctx *c, const char *who, mx_status code, const mx_array *arrays, size_t count) {
  if (code && !c->code) mxi_fail(c, code, "[%s] the derivative failed", who);
  for (size_t i = 0; i < count; i++)
    if (mxi_stale(arrays[i])) mxi_refuse(c, who, "result of the derivative", arrays[i]);
  return c->code;
}

mx_status mxi_closure_vjp(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, size_t count,
                          const mx_array *cotangents, const mx_array *results, size_t result_count, mx_array *vjps) {
  mx_status code;
  if (f->own_vjp) {
    code = f->own_vjp(c, primals, count, cotangents, results, result_count, vjps, f->user);
    for (size_t i = 0; i < count; i++) vjps[i] = lend(c, vjps[i]);
  } else {
    struct visit v = visit_begin(c);
    code = f->vjp(primals, cotangents, results, count, result_count, vjps, f->user);
    visit_end(&v, vjps, count);
  }
  return rule_gave(c, "custom_vjp", code, vjps, count);
}

mx_status mxi_closure_jvp(struct mxi_ctx *c, const struct mxi_closure *f, const mx_array *primals, const mx_array *tangents, size_t count,
                          size_t result_count, mx_array *jvps) {
  mx_status code;
  if (f->own_jvp) {
    code = f->own_jvp(c, primals, tangents, count, result_count, jvps, f->user);
    for (size_t i = 0; i < result_count; i++) jvps[i] = lend(c, jvps[i]);
  } else {
    struct visit v = visit_begin(c);
    code = f->jvp(primals, tangents, count, result_count, jvps, f->user);
    visit_end(&v, jvps, result_count);
  }
  return rule_gave(c, "custom_jvp", code, jvps, result_count);
}

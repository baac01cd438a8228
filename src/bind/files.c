/* Files in a binding's context. */
#include <string.h>

#include "base/memory.h"
#include "bind/own.h"
#include "io/files.h"

mx_status mxb_save(mxb_ctx *ctx, const char *path, mx_array a) { return mxi_save(ctx, path, a); }

mx_array mxb_load(mxb_ctx *ctx, const char *path) {
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_load(ctx, path));
}

mx_status mxb_save_named(mxb_ctx *ctx, const char *path, const char *const *names, const mx_array *arrays, size_t count) {
  return mxi_save_named(ctx, path, names, arrays, count);
}

mx_status mxb_load_named(mxb_ctx *ctx, const char *path, const char *const *names, mx_array *arrays, size_t count) {
  if (ctx->code) return ctx->code;
  const char *missing = !path ? "path" : count && !names ? "names" : count && !arrays ? "arrays" : NULL;
  if (missing) return mxi_null(ctx, "load_named", missing), ctx->code;
  mx_array *found = mxi_calloc((count + 1) * sizeof *found);
  if (!found) return mxi_fail_memory(ctx, "load_named"), ctx->code;
  size_t mark = ctx->top;
  if (mxi_load_named(ctx, path, names, found, count)) {
    mxi_sweep(ctx, mark);
  } else {
    mxi_own_many(ctx, mark, found, count);
    if (count) memcpy(arrays, found, count * sizeof *found);
  }
  mxi_free(found);
  return ctx->code;
}

struct each {
  mx_status (*fn)(const char *name, mx_array array, void *user);
  void *user;
};

static bool give(struct mxi_ctx *c, const char *name, mx_array a, void *arg) {
  struct each *e = arg;
  mxi_retain(mxi_owned(a));
  mx_status code = e->fn(name, a, e->user);
  return code ? !mxi_fail_status(c, code, "[load_each] the function failed at '%.80s'", name) : true;
}

mx_status mxb_load_each(mxb_ctx *ctx, const char *path, mx_status (*fn)(const char *name, mx_array array, void *user), void *user) {
  if (ctx->code) return ctx->code;
  if (!path || !fn) return mxi_null(ctx, "load_each", path ? "fn" : "path"), ctx->code;
  return mxi_load_each(ctx, path, give, &(struct each){fn, user});
}

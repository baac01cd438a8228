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
  return mxi_save_named(ctx, path, names, arrays, count, false);
}

mx_status mxb_save_named_deflated(mxb_ctx *ctx, const char *path, const char *const *names, const mx_array *arrays, size_t count) {
  return mxi_save_named(ctx, path, names, arrays, count, true);
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

/* ---- Files elsewhere --------------------------------------------------------------------------------------------- */
struct sink_writer {
  struct mxi_writer base;
  const mxb_sink *sink;
};

static mx_status sink_write(struct mxi_writer *w, const void *data, size_t nbytes, struct mxi_io_error *e) {
  const mxb_sink *s = ((struct sink_writer *)w)->sink;
  mx_status st = nbytes ? s->write(s->user, data, nbytes) : MX_OK;
  return st ? mxi_io_fail(e, st, "writing failed") : MX_OK;
}

mx_status mxb_save_to(mxb_ctx *ctx, const mxb_sink *sink, mx_array a) {
  if (ctx->code || !mxi_given(ctx, "save", "sink", sink)) return ctx->code;
  struct sink_writer w = {{.write = sink_write}, sink};
  return mxi_save_to(ctx, &w.base, a);
}

mx_status mxb_save_named_to(mxb_ctx *ctx, const mxb_sink *sink, const char *const *names, const mx_array *arrays, size_t count,
                            bool deflate) {
  if (ctx->code || !mxi_given(ctx, "save_named", "sink", sink)) return ctx->code;
  struct sink_writer w = {{.write = sink_write}, sink};
  return mxi_save_named_to(ctx, &w.base, names, arrays, count, deflate);
}

struct source_reader {
  struct mxi_reader base;
  const mxb_source *source;
};

static mx_status source_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  const mxb_source *s = ((struct source_reader *)r)->source;
  mx_status st = nbytes ? s->read(s->user, offset, out, nbytes) : MX_OK;
  return st ? mxi_io_fail(e, st, "reading failed") : MX_OK;
}

/* The reader lies on the stack of a call that outlives every reference to it. */
static void source_close(struct mxi_reader *r) { (void)r; }

static struct source_reader reader_of(const mxb_source *source) {
  return (struct source_reader){{source_read, source_close, source->size, 1}, source};
}

mx_array mxb_load_from(mxb_ctx *ctx, const mxb_source *source) {
  if (ctx->code || !mxi_given(ctx, "load", "source", source)) return NULL;
  struct source_reader r = reader_of(source);
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_load_from(ctx, &r.base));
}

mx_status mxb_load_each_from(mxb_ctx *ctx, const mxb_source *source, mx_status (*fn)(const char *name, mx_array array, void *user),
                             void *user) {
  if (ctx->code || !mxi_given(ctx, "load_each", "source", source)) return ctx->code;
  if (!fn) return mxi_null(ctx, "load_each", "fn"), ctx->code;
  struct source_reader r = reader_of(source);
  return mxi_load_each_from(ctx, &r.base, give, &(struct each){fn, user});
}

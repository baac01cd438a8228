/* Arrays from files. Opening reads and checks headers; the elements come when they are evaluated, through the reader
 * that the node's parameters hold. Start at mx_load; archives come member by member in mx_load_named. Where there is no
 * path, the reader is the caller's and good for the call alone: the elements are read at once. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/prim.h"
#include "core/thread.h"
#include "io/files.h"
#include "io/npy.h"
#include "io/zip.h"
#include "ops/builders.h"
#include "plan/program.h"
#include "run/read.h"

/* ---- The primitive ----------------------------------------------------------------------------------------------- */
#define PATH_SHOWN 96 /* of a long path, its end: the message of a kernel is short */

/* What a load node reads from; its name is for messages. */
struct source {
  _Atomic int references;
  struct mxi_reader *reader;
  struct mxi_npy npy;
  char name[PATH_SHOWN + 4];
};

struct params {
  struct source *source;
  uint64_t unused; /* makes the struct too large for the node, so that params_free is called */
};

static void release(struct source *s) {
  if (atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1) return;
  mxi_reader_release(s->reader);
  mxi_free(s);
}

static void params_free(void *params) { release(((struct params *)params)->source); }

static const struct mx_field fields[] = {{MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct params, source), "source"}, {0}};

/* A barrier, since two loads are never the same; without inputs, so nothing flows back through it. */
const struct mx_prim mxi_prim_load = {.size = sizeof(struct mx_prim),
                                      .name = "load",
                                      .flags = MX_PRIM_BARRIER | MX_PRIM_FALLIBLE | MX_PRIM_NODIFF,
                                      .params_size = sizeof(struct params),
                                      .fields = fields,
                                      .params_free = params_free};

mx_status mxi_cpu_load(struct mx_task *task);
mx_status mxi_cpu_load(struct mx_task *task) {
  const struct source *s = ((const struct params *)task->params)->source;
  struct mxi_io_error e;
  mx_status st = mxi_npy_read_elements(s->reader, &s->npy, task->out[0].data, &e);
  if (st) snprintf(task->message, sizeof task->message, "%s: %.90s", s->name, e.text);
  return st;
}

/* ---- Building ---------------------------------------------------------------------------------------------------- */
static struct source *make_source(struct mxi_reader *r, const struct mxi_npy *npy, const char *path) {
  struct source *s = mxi_malloc(sizeof *s);
  if (!s) return NULL;
  size_t n = strlen(path);
  bool cut = n > PATH_SHOWN;
  snprintf(s->name, sizeof s->name, "%s%s", cut ? "..." : "", path + (cut ? n - PATH_SHOWN : 0));
  s->reader = mxi_reader_retain(r);
  s->npy = *npy;
  atomic_init(&s->references, 2);
  return s;
}

/* The node's shape is that of the bytes, row-major; Fortran order is a transpose of it. */
static mx_array make_node(struct mxi_ctx *c, struct source *s) {
  int64_t shape[MXI_MAX_NDIM];
  int ndim = s->npy.ndim;
  for (int i = 0; i < ndim; i++) shape[i] = s->npy.shape[s->npy.fortran_order ? ndim - 1 - i : i];
  struct params p = {s, 0};
  mx_array a = mxi_node_make(c, MXI_OP_load, s->npy.dtype, ndim, shape, NULL, 0, &p);
  if (!a || !s->npy.fortran_order || ndim < 2) return a;
  return mxi_transpose(c, a, (mx_ints){NULL, SIZE_MAX});
}

static const char *shown(const char *path) { return path ? path : "stream"; }

/* Fortran order is a transpose of what lies there row-major, its sizes reversed. */
static mx_array read_now(struct mxi_ctx *c, struct mxi_reader *r, const struct mxi_npy *npy) {
  int64_t shape[MXI_MAX_NDIM];
  int ndim = npy->ndim;
  bool turned = npy->fortran_order && ndim > 1;
  for (int i = 0; i < ndim; i++) shape[i] = npy->shape[turned ? ndim - 1 - i : i];
  void *data;
  struct mxi_io_error e;
  mx_array a = mxi_allocate(c, (mx_ints){shape, (size_t)ndim}, npy->dtype, &data);
  MXI_TRY(a);
  mx_status st = mxi_npy_read_elements(r, npy, data, &e);
  if (st) return mxi_fail(c, st, "[load] stream: %s", e.text);
  return turned ? mxi_transpose(c, a, MX_ALL) : a;
}

static mx_array make_array(struct mxi_ctx *c, struct mxi_reader *r, const struct mxi_npy *npy, const char *path) {
  if (!path) return read_now(c, r, npy);
  struct source *s = make_source(r, npy, path);
  if (!s) return mxi_fail_memory(c, "load");
  mx_array a = make_node(c, s);
  /* One reference was the node's: it is still there where the node never came to hold it. */
  if (!a && atomic_load_explicit(&s->references, memory_order_relaxed) == 2) release(s);
  release(s);
  return a;
}

/* ---- One array --------------------------------------------------------------------------------------------------- */
static mx_status refuse_archive(struct mxi_reader *r, struct mxi_io_error *e) {
  char b[4] = {0};
  mx_status st = r->size < sizeof b ? MX_OK : mxi_reader_read(r, 0, b, sizeof b, e);
  if (st || memcmp(b, "PK\3\4", 4)) return st;
  return mxi_io_fail(e, MX_ERR_IO, "an archive of several arrays: mx_load_named reads it");
}

static mx_array load_array(struct mxi_ctx *c, struct mxi_reader *r, const char *path) {
  struct mxi_io_error e;
  struct mxi_npy npy;
  mx_status st = refuse_archive(r, &e);
  if (!st) st = mxi_npy_read_header(r, &npy, &e);
  return st ? mxi_fail(c, st, "[load] %s: %s", shown(path), e.text) : make_array(c, r, &npy, path);
}

static mx_array load_file(struct mxi_ctx *c, const char *path) {
  struct mxi_io_error e;
  struct mxi_reader *r = NULL;
  mx_status st = mxi_reader_open(path, &r, &e);
  if (st) return mxi_fail(c, st, "[load] %s: %s", path, e.text);
  mx_array a = load_array(c, r, path);
  mxi_reader_release(r);
  return a;
}

mx_array mxi_load_from(struct mxi_ctx *c, struct mxi_reader *r) { return c->code ? NULL : load_array(c, r, NULL); }

mx_array mxi_load(struct mxi_ctx *c, const char *path) {
  if (c->code) return NULL;
  return path ? load_file(c, path) : mxi_null(c, "load", "path");
}

mx_array mx_load(const char *path) {
  struct mxi_ctx *c = mxi_ctx_thread();
  size_t mark = c->top;
  return mxi_keep(c, mark, mxi_load(c, path));
}

/* ---- Archives ---------------------------------------------------------------------------------------------------- */
/* "a, b, c" of the members, without ".npy", cut with "..." when long. */
static void list_members(const struct mxi_zip *zip, char *buf, size_t size) {
  size_t used = 0;
  buf[0] = '\0';
  for (size_t i = 0; i < zip->count && used < size; i++) {
    const struct mxi_zip_member *m = &zip->members[i];
    size_t n = m->name_size;
    if (n > 4 && !memcmp(m->name + n - 4, ".npy", 4)) n -= 4;
    if (n + 8 > size - used) {
      snprintf(buf + used, size - used, "%s...", used ? ", " : "");
      return;
    }
    used += (size_t)snprintf(buf + used, size - used, "%s%.*s", used ? ", " : "", (int)n, m->name);
  }
}

/* The elements must end with the member, so that reading them checks its checksum; where there are none to read, it is
 * checked now. */
static mx_status open_member(const struct mxi_zip *zip, const struct mxi_zip_member *m, struct mxi_reader **r,
                             struct mxi_npy *npy, struct mxi_io_error *e) {
  mx_status st = mxi_zip_read_member(zip, m, r, e);
  if (!st) st = mxi_npy_read_header(*r, npy, e);
  if (st) return st;
  if (npy->offset + npy->nbytes != (*r)->size) return mxi_io_fail(e, MX_ERR_IO, "something follows the elements");
  return npy->nbytes ? MX_OK : mxi_npy_read_elements(*r, npy, (char[1]){0}, e);
}

static mx_array load_found(struct mxi_ctx *c, const struct mxi_zip *zip, const struct mxi_zip_member *m, const char *path,
                           const char *name) {
  struct mxi_io_error e;
  struct mxi_reader *r = NULL;
  struct mxi_npy npy;
  mx_status st = open_member(zip, m, &r, &npy, &e);
  mx_array a = st ? mxi_fail(c, st, "[load_named] %s: '%.80s': %s", shown(path), name, e.text) : make_array(c, r, &npy, path);
  mxi_reader_release(r);
  return a;
}

static mx_array load_member(struct mxi_ctx *c, const struct mxi_zip *zip, const char *path, const char *name) {
  const struct mxi_zip_member *m = mxi_zip_find(zip, name);
  if (m) return load_found(c, zip, m, path, name);
  char list[200];
  list_members(zip, list, sizeof list);
  return mxi_fail(c, MX_ERR_VALUE, "[load_named] %s: there is no array '%.80s'; there are: %s", path, name, list);
}

static mx_status open_archive(struct mxi_ctx *c, const char *path, struct mxi_zip *zip) {
  struct mxi_io_error e;
  struct mxi_reader *r = NULL;
  mx_status st = mxi_reader_open(path, &r, &e);
  if (!st) {
    st = mxi_zip_open(r, zip, &e);
    mxi_reader_release(r);
  }
  return st ? mxi_fail_status(c, st, "[load_named] %s: %s", path, e.text) : MX_OK;
}

mx_status mxi_load_named(struct mxi_ctx *c, const char *path, const char *const *names, mx_array *results, size_t count) {
  struct mxi_zip zip;
  if (open_archive(c, path, &zip)) return c->code;
  for (size_t i = 0; i < count && !c->code; i++)
    results[i] = names[i] ? load_member(c, &zip, path, names[i]) : mxi_null(c, "load_named", "names[i]");
  mxi_zip_close(&zip);
  return c->code;
}

static bool give_member(struct mxi_ctx *c, const struct mxi_zip *zip, const struct mxi_zip_member *m, const char *path,
                        bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg), void *arg) {
  size_t n = m->name_size, mark = c->top;
  if (n > 4 && !memcmp(m->name + n - 4, ".npy", 4)) n -= 4;
  char *name = mxi_malloc(n + 1);
  if (!name) return mxi_fail_memory(c, "load_each");
  memcpy(name, m->name, n);
  name[n] = '\0';
  mx_array a = load_found(c, zip, m, path, name);
  bool ok = a && fn(c, name, a, arg);
  mxi_sweep(c, mark);
  mxi_free(name);
  return ok;
}

/* Closes the archive. */
static void give_members(struct mxi_ctx *c, struct mxi_zip *zip, const char *path,
                         bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg), void *arg) {
  bool ok = true;
  for (size_t i = 0; i < zip->count && ok; i++) ok = give_member(c, zip, &zip->members[i], path, fn, arg);
  mxi_zip_close(zip);
}

mx_status mxi_load_each(struct mxi_ctx *c, const char *path, bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg),
                        void *arg) {
  struct mxi_zip zip;
  if (!open_archive(c, path, &zip)) give_members(c, &zip, path, fn, arg);
  return c->code;
}

mx_status mxi_load_each_from(struct mxi_ctx *c, struct mxi_reader *r,
                             bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg), void *arg) {
  struct mxi_io_error e;
  struct mxi_zip zip;
  mx_status st = c->code ? c->code : mxi_zip_open(r, &zip, &e);
  if (c->code) return c->code;
  if (st) return mxi_fail_status(c, st, "[load_named] stream: %s", e.text);
  give_members(c, &zip, NULL, fn, arg);
  return c->code;
}

static mx_status load_named(struct mxi_ctx *c, const char *path, const char *const *names, mx_array *arrays,
                            size_t count) {
  mx_array *results = mxi_calloc(count * sizeof *results);
  if (!results) return mxi_fail_memory(c, "load_named"), c->code;
  size_t mark = c->top;
  if (mxi_load_named(c, path, names, results, count))
    mxi_sweep(c, mark);
  else if (!mxi_keep_many(c, mark, results, count) && count)
    memcpy(arrays, results, count * sizeof *arrays);
  mxi_free(results);
  return c->code;
}

mx_status mx_load_named(const char *path, const char *const *names, mx_array *arrays, size_t count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code) return c->code;
  if (!path) return mxi_null(c, "load_named", "path"), c->code;
  if (!names && count) return mxi_null(c, "load_named", "names"), c->code;
  if (!arrays && count) return mxi_null(c, "load_named", "arrays"), c->code;
  return load_named(c, path, names, arrays, count);
}

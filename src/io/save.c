/* Arrays to files: evaluated first, then written whole beside the old file, which is replaced last. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/thread.h"
#include "io/files.h"
#include "io/npy.h"
#include "io/zip.h"
#include "run/read.h"
#include "run/run.h"

static mx_status null_argument(struct mxi_ctx *c, const char *who, const char *name) {
  mxi_null(c, who, name);
  return c->code;
}

static size_t nbytes_of(const struct mx_array_ *a) { return (size_t)mxi_size(a) * mxi_itemsize((mx_dtype)a->dtype); }

/* ---- One array --------------------------------------------------------------------------------------------------- */
static mx_status write_array(struct mxi_writer *w, mx_array a, const void *data, struct mxi_io_error *e) {
  return mxi_npy_write(w, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), data, nbytes_of(a), e);
}

mx_status mxi_save(struct mxi_ctx *c, const char *path, mx_array a) {
  if (c->code) return c->code;
  if (!path) return null_argument(c, "save", "path");
  if (mxi_unusable(a)) return mxi_refuse(c, "save", "a", a), c->code;
  const void *data = mxi_read(c, "save", a);
  if (!data) return c->code;
  struct mxi_io_error e;
  struct mxi_writer *w = NULL;
  mx_status st = mxi_writer_open(path, &w, &e);
  if (!st) st = mxi_writer_end(w, write_array(w, a, data, &e), &e);
  return st ? mxi_fail_status(c, st, "[save] %s: %s", path, e.text) : MX_OK;
}

mx_status mxi_save_to(struct mxi_ctx *c, struct mxi_writer *w, mx_array a) {
  if (c->code) return c->code;
  if (mxi_unusable(a)) return mxi_refuse(c, "save", "a", a), c->code;
  const void *data = mxi_read(c, "save", a);
  if (!data) return c->code;
  struct mxi_io_error e;
  mx_status st = write_array(w, a, data, &e);
  return st ? mxi_fail_status(c, st, "[save] %s", e.text) : MX_OK;
}

mx_status mx_save(const char *path, mx_array a) { return mxi_save(mxi_ctx_thread(), path, a); }

/* ---- Archives ---------------------------------------------------------------------------------------------------- */
static mx_status add_member(struct mxi_ctx *c, struct mxi_zip_writer *z, const char *name, mx_array a,
                            struct mxi_io_error *e) {
  struct mxi_npy_header h;
  const void *data = mxi_read(c, "save_named", a);
  if (!data) return mxi_io_fail(e, c->code, "%.200s", c->message);
  mxi_npy_header_make(&h, (mx_dtype)a->dtype, a->ndim, mxi_dims(a));
  return mxi_zip_add(z, name, h.text, h.size, data, nbytes_of(a), e);
}

static mx_status write_archive(struct mxi_ctx *c, struct mxi_writer *w, const char *const *names, const mx_array *arrays, size_t count,
                               bool deflates, struct mxi_io_error *e) {
  struct mxi_zip_writer z;
  mx_status st = MX_OK;
  mxi_zip_begin(&z, w, deflates);
  for (size_t i = 0; !st && i < count; i++) st = add_member(c, &z, names[i], arrays[i], e);
  return mxi_zip_end(&z, st, e);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static mx_status check_names(struct mxi_ctx *c, const char *const *names, size_t count) {
  const char **sorted = mxi_malloc(count * sizeof *sorted);
  if (!sorted) return mxi_fail_memory(c, "save_named"), c->code;
  memcpy(sorted, names, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_name);
  for (size_t i = 1; i < count && !c->code; i++)
    if (!strcmp(sorted[i - 1], sorted[i]))
      mxi_fail(c, MX_ERR_VALUE, "[save_named] two arrays are called '%.80s'", sorted[i]);
  mxi_free(sorted);
  return c->code;
}

static mx_status check_named(struct mxi_ctx *c, const char *const *names, const mx_array *arrays, size_t count) {
  if (!names && count) return null_argument(c, "save_named", "names");
  if (!arrays && count) return null_argument(c, "save_named", "arrays");
  for (size_t i = 0; i < count; i++) {
    if (!names[i]) return null_argument(c, "save_named", "names[i]");
    if (mxi_unusable(arrays[i])) return mxi_refuse(c, "save_named", "arrays[i]", arrays[i]), c->code;
  }
  return count ? check_names(c, names, count) : MX_OK;
}

mx_status mxi_save_named(struct mxi_ctx *c, const char *path, const char *const *names, const mx_array *arrays, size_t count,
                         bool deflates) {
  if (c->code) return c->code;
  if (!path) return null_argument(c, "save_named", "path");
  struct mxi_io_error e;
  struct mxi_writer *w = NULL;
  if (check_named(c, names, arrays, count) || mxi_eval(c, arrays, count)) return c->code;
  mx_status st = mxi_writer_open(path, &w, &e);
  if (!st) st = mxi_writer_end(w, write_archive(c, w, names, arrays, count, deflates, &e), &e);
  return st ? mxi_fail_status(c, st, "[save_named] %s: %s", path, e.text) : MX_OK;
}

mx_status mxi_save_named_to(struct mxi_ctx *c, struct mxi_writer *w, const char *const *names, const mx_array *arrays, size_t count,
                            bool deflates) {
  struct mxi_io_error e;
  if (c->code || check_named(c, names, arrays, count) || mxi_eval(c, arrays, count)) return c->code;
  mx_status st = write_archive(c, w, names, arrays, count, deflates, &e);
  return st ? mxi_fail_status(c, st, "[save_named] %s", e.text) : MX_OK;
}

mx_status mx_save_named(const char *path, const char *const *names, const mx_array *arrays, size_t count) {
  return mxi_save_named(mxi_ctx_thread(), path, names, arrays, count, false);
}

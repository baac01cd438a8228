/* Readers and writers: what all of them share, and those over memory. Files are in file.c. */
#include "io/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

mx_status mxi_io_fail(struct mxi_io_error *e, mx_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, sizeof e->text, format, args);
  va_end(args);
  return code;
}

mx_status mxi_io_fail_memory(struct mxi_io_error *e) { return mxi_io_fail(e, MX_ERR_MEMORY, "out of memory"); }

mx_status mxi_reader_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  if (offset > r->size || nbytes > r->size - offset)
    return mxi_io_fail(e, MX_ERR_IO, "truncated: %llu bytes where at least %llu are needed",
                       (unsigned long long)r->size, (unsigned long long)offset + nbytes);
  return r->read(r, offset, out, nbytes, e);
}

struct mxi_reader *mxi_reader_retain(struct mxi_reader *r) {
  atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
  return r;
}

void mxi_reader_release(struct mxi_reader *r) {
  if (r && atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) == 1) r->close(r);
}

mx_status mxi_writer_end(struct mxi_writer *w, mx_status st, struct mxi_io_error *e) {
  if (!st) return w->close(w, e);
  w->discard(w);
  return st;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */
struct memory_reader {
  struct mxi_reader base;
  const char *data;
};

static mx_status memory_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  (void)e;
  if (nbytes) memcpy(out, ((struct memory_reader *)r)->data + offset, nbytes);
  return MX_OK;
}

static void memory_close(struct mxi_reader *r) { mxi_free(r); }

mx_status mxi_reader_memory(const void *data, size_t nbytes, struct mxi_reader **out, struct mxi_io_error *e) {
  struct memory_reader *r = mxi_malloc(sizeof *r);
  if (!r) return mxi_io_fail_memory(e);
  r->base = (struct mxi_reader){memory_read, memory_close, nbytes, 1};
  r->data = data;
  *out = &r->base;
  return MX_OK;
}

struct memory_writer {
  struct mxi_writer base;
  struct mxi_memory *memory;
};

static mx_status memory_write(struct mxi_writer *w, const void *data, size_t nbytes, struct mxi_io_error *e) {
  struct mxi_memory *m = ((struct memory_writer *)w)->memory;
  if (nbytes > SIZE_MAX - m->size || !mxi_reserve(&m->data, &m->capacity, m->size + nbytes, 1))
    return mxi_io_fail_memory(e);
  if (nbytes) memcpy(m->data + m->size, data, nbytes);
  m->size += nbytes;
  return MX_OK;
}

static mx_status memory_commit(struct mxi_writer *w, struct mxi_io_error *e) {
  (void)e;
  mxi_free(w);
  return MX_OK;
}

static void memory_abort(struct mxi_writer *w) { mxi_free(w); }

mx_status mxi_writer_memory(struct mxi_memory *memory, struct mxi_writer **out, struct mxi_io_error *e) {
  struct memory_writer *w = mxi_malloc(sizeof *w);
  if (!w) return mxi_io_fail_memory(e);
  w->base = (struct mxi_writer){memory_write, memory_commit, memory_abort};
  w->memory = memory;
  *memory = (struct mxi_memory){0};
  *out = &w->base;
  return MX_OK;
}

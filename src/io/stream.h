/* Where bytes come from and go to. Everything in io/ reads through a mxi_reader (any offset, any thread) and writes
 * through a mxi_writer (front to back), so that files, members of archives and memory are read by the same code.
 * A failing call returns a code and fills the message, which names neither the operation nor the path. */
#ifndef MXI_IO_STREAM_H
#define MXI_IO_STREAM_H

#include <stdatomic.h>

#include <mica.h>

#define MXI_IO_MESSAGE_MAX 256

struct mxi_io_error {
  char text[MXI_IO_MESSAGE_MAX];
};

/* Fills the message and returns `code`. */
mx_status mxi_io_fail(struct mxi_io_error *e, mx_status code, const char *format, ...) MX_PRINTF(3, 4);
mx_status mxi_io_fail_memory(struct mxi_io_error *e);

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
struct mxi_reader {
  mx_status (*read)(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e);
  void (*close)(struct mxi_reader *r); /* frees r */
  uint64_t size;
  _Atomic int references;
};

/* Reads exactly `nbytes`; MX_ERR_IO when the source is shorter. Any thread may read at any time. */
mx_status mxi_reader_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e);
struct mxi_reader *mxi_reader_retain(struct mxi_reader *r);
void mxi_reader_release(struct mxi_reader *r); /* the last one closes; NULL is fine */

/* A regular file, through a descriptor that stays open until the last release. *out is the caller's reference. */
mx_status mxi_reader_open(const char *path, struct mxi_reader **out, struct mxi_io_error *e);
/* Memory of the caller, which must outlive the reader. */
mx_status mxi_reader_memory(const void *data, size_t nbytes, struct mxi_reader **out, struct mxi_io_error *e);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
/* Ends with exactly one call of close or discard, which frees it. */
struct mxi_writer {
  mx_status (*write)(struct mxi_writer *w, const void *data, size_t nbytes, struct mxi_io_error *e);
  mx_status (*close)(struct mxi_writer *w, struct mxi_io_error *e); /* makes what was written the file */
  void (*discard)(struct mxi_writer *w);                            /* as if nothing had happened */
};

/* A file written beside `path` and renamed to it by close, once it is safe on the disk: whatever goes wrong, the old
 * file stays whole. A link is followed, permissions of an old file are kept. What is not a regular file (a pipe, a
 * device) is written directly. */
mx_status mxi_writer_open(const char *path, struct mxi_writer **out, struct mxi_io_error *e);

/* Memory that grows. The caller keeps `memory` and frees memory->data with mxi_free. */
struct mxi_memory {
  char *data;
  size_t size, capacity;
};
mx_status mxi_writer_memory(struct mxi_memory *memory, struct mxi_writer **out, struct mxi_io_error *e);

/* close after MX_OK, discard after anything else; returns the first failure. */
mx_status mxi_writer_end(struct mxi_writer *w, mx_status st, struct mxi_io_error *e);

#endif

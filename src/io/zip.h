/* Zip archives, as far as .npz needs them: members stored or deflated, zip64 both ways. Everything an archive says is
 * checked before it is believed; two members never share bytes; a member's CRC is checked by the read that ends it. */
#ifndef MXI_IO_ZIP_H
#define MXI_IO_ZIP_H

#include "io/stream.h"

struct mxi_zip_member {
  const char *name; /* not terminated */
  size_t name_size;
  uint64_t offset; /* of the local header */
  uint64_t packed_size, size;
  uint32_t crc;
  uint16_t method, flags;
};

struct mxi_zip {
  struct mxi_reader *source; /* a reference */
  char *directory;           /* the central directory; names point into it */
  uint64_t directory_offset;
  struct mxi_zip_member *members;
  size_t count;
};

/* Reads the central directory. MX_ERR_IO: not an archive, or a damaged one. On failure nothing is to be closed. */
mx_status mxi_zip_open(struct mxi_reader *source, struct mxi_zip *zip, struct mxi_io_error *e);
void mxi_zip_close(struct mxi_zip *zip);

/* The member called `name`, or `name`.npy, which is preferred. Of equals the last one counts. NULL: none. */
const struct mxi_zip_member *mxi_zip_find(const struct mxi_zip *zip, const char *name);

/* A reader over one member's bytes, unpacked on the fly; it may outlive the archive's struct. Each read starts from the
 * front of a deflated member: cheap for the header of an .npy and then for all the rest at once. */
mx_status mxi_zip_read_member(const struct mxi_zip *zip, const struct mxi_zip_member *m, struct mxi_reader **out,
                              struct mxi_io_error *e);

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
struct mxi_zip_writer {
  struct mxi_writer *sink; /* not owned */
  bool deflates;           /* members are packed, each in memory first, since its size comes before it */
  uint64_t offset;         /* bytes written so far */
  uint64_t count;
  char *directory;
  size_t directory_size, directory_capacity;
};

void mxi_zip_begin(struct mxi_zip_writer *z, struct mxi_writer *sink, bool deflates);
/* A member: `head` and then `body`. */
mx_status mxi_zip_add(struct mxi_zip_writer *z, const char *name, const void *head, size_t head_size, const void *body,
                      size_t body_size, struct mxi_io_error *e);
/* `head` and `body` as one deflate stream; the caller frees out->data with mxi_free, also on failure. */
mx_status mxi_zip_deflate(const void *head, size_t head_size, const void *body, size_t body_size, struct mxi_memory *out,
                          struct mxi_io_error *e);
/* Writes the central directory where `st` is MX_OK; frees. Returns the first failure. */
mx_status mxi_zip_end(struct mxi_zip_writer *z, mx_status st, struct mxi_io_error *e);

#endif

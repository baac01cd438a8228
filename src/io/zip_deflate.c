/* Packing one member of an archive, in memory. */
#include "io/zip.h"
#include "io/zip_format.h"

#define CHUNK ((size_t)1 << 16)
#define GIVEN_MAX ((size_t)1 << 30) /* to zlib in one call, whose counts are 32 bits */

/* Runs zlib until it has taken what it was given, or ended where `flush` says so; what it makes is appended. */
static mx_status run(z_stream *z, int flush, struct mxi_memory *out, struct mxi_io_error *e) {
  int rc;
  do {
    if (!mxi_reserve(&out->data, &out->capacity, out->size + CHUNK, 1)) return mxi_io_fail_memory(e);
    z->next_out = (unsigned char *)out->data + out->size;
    z->avail_out = (uInt)CHUNK;
    rc = deflate(z, flush);
    out->size += CHUNK - z->avail_out;
  } while (rc == Z_OK && (z->avail_in || !z->avail_out));
  return MX_OK;
}

static mx_status give(z_stream *z, const void *data, size_t nbytes, struct mxi_memory *out, struct mxi_io_error *e) {
  const unsigned char *p = data;
  mx_status st = MX_OK;
  while (nbytes && !st) {
    size_t n = nbytes < GIVEN_MAX ? nbytes : GIVEN_MAX;
    z->next_in = (unsigned char *)(uintptr_t)p; /* zlib's type lacks the const that it keeps */
    z->avail_in = (uInt)n;
    st = run(z, Z_NO_FLUSH, out, e);
    p += n;
    nbytes -= n;
  }
  return st;
}

mx_status mxi_zip_deflate(const void *head, size_t head_size, const void *body, size_t body_size, struct mxi_memory *out,
                          struct mxi_io_error *e) {
  z_stream z = {.zalloc = zip_alloc, .zfree = zip_free};
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return mxi_io_fail_memory(e);
  mx_status st = give(&z, head, head_size, out, e);
  if (!st) st = give(&z, body, body_size, out, e);
  if (!st) st = run(&z, Z_FINISH, out, e);
  deflateEnd(&z);
  return st;
}

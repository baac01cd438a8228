/* Reading one member: the bytes as they are, or inflated on the fly. A reader keeps no state between reads, so threads
 * share it freely. Start at mxi_zip_read_member. */
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "io/zip.h"
#include "io/zip_format.h"

#define CHUNK ((size_t)1 << 15)

struct member {
  struct mxi_reader base;
  struct mxi_reader *source;
  uint64_t start, packed_size; /* of the packed bytes in the source */
  uint32_t crc;
};

static mx_status check_crc(uint32_t crc, const struct member *m, struct mxi_io_error *e) {
  if (crc == m->crc) return MX_OK;
  return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member's checksum is wrong");
}

/* ---- Stored ------------------------------------------------------------------------------------------------------ */
static mx_status stored_crc(struct member *m, uint64_t nbytes, uint32_t *crc, struct mxi_io_error *e) {
  unsigned char chunk[4096];
  for (uint64_t at = 0; at < nbytes;) {
    size_t n = nbytes - at < sizeof chunk ? (size_t)(nbytes - at) : sizeof chunk;
    mx_status st = mxi_reader_read(m->source, m->start + at, chunk, n, e);
    if (st) return st;
    *crc = zip_crc(*crc, chunk, n);
    at += n;
  }
  return MX_OK;
}

static mx_status stored_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  struct member *m = (struct member *)r;
  mx_status st = mxi_reader_read(m->source, m->start + offset, out, nbytes, e);
  if (st || offset + nbytes < m->base.size) return st;
  uint32_t crc = 0;
  st = stored_crc(m, offset, &crc, e);
  return st ? st : check_crc(zip_crc(crc, out, nbytes), m, e);
}

/* ---- Deflated ---------------------------------------------------------------------------------------------------- */
struct inflater {
  z_stream z;
  struct member *m;
  uint64_t packed_at; /* packed bytes given to zlib so far */
  bool ended;         /* the deflate stream said that it ends */
  unsigned char in[CHUNK], skipped[CHUNK];
};

static mx_status feed(struct inflater *f, struct mxi_io_error *e) {
  uint64_t left = f->m->packed_size - f->packed_at;
  size_t n = left < CHUNK ? (size_t)left : CHUNK;
  if (!n) return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member's packed bytes end early");
  mx_status st = mxi_reader_read(f->m->source, f->m->start + f->packed_at, f->in, n, e);
  f->packed_at += n;
  f->z.next_in = f->in;
  f->z.avail_in = (uInt)n;
  return st;
}

/* Unpacks exactly nbytes to out. */
static mx_status inflate_exactly(struct inflater *f, unsigned char *out, size_t nbytes, struct mxi_io_error *e) {
  while (nbytes) {
    if (f->ended)
      return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member unpacks to fewer bytes than promised");
    if (!f->z.avail_in) {
      mx_status st = feed(f, e);
      if (st) return st;
    }
    size_t room = nbytes < ((size_t)1 << 30) ? nbytes : (size_t)1 << 30;
    f->z.next_out = out;
    f->z.avail_out = (uInt)room;
    int rc = inflate(&f->z, Z_NO_FLUSH);
    if (rc == Z_MEM_ERROR) return mxi_io_fail_memory(e);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
      return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member cannot be unpacked");
    size_t made = room - f->z.avail_out;
    out += made;
    nbytes -= made;
    f->ended = rc == Z_STREAM_END;
  }
  return MX_OK;
}

/* Nothing may follow the promised bytes: neither unpacked nor packed ones. */
static mx_status inflate_end(struct inflater *f, struct mxi_io_error *e) {
  unsigned char beyond = 0;
  while (!f->ended) {
    if (!f->z.avail_in) {
      mx_status st = feed(f, e);
      if (st) return st;
    }
    f->z.next_out = &beyond;
    f->z.avail_out = 1;
    int rc = inflate(&f->z, Z_NO_FLUSH);
    f->ended = rc == Z_STREAM_END;
    if (!f->z.avail_out || (rc != Z_OK && rc != Z_BUF_ERROR && !f->ended))
      return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member unpacks to more bytes than promised");
  }
  if (f->z.avail_in || f->packed_at != f->m->packed_size)
    return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member has bytes after its end");
  return MX_OK;
}

static mx_status inflate_range(struct inflater *f, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  uint32_t crc = 0;
  for (uint64_t at = 0; at < offset;) {
    size_t n = offset - at < CHUNK ? (size_t)(offset - at) : CHUNK;
    mx_status st = inflate_exactly(f, f->skipped, n, e);
    if (st) return st;
    crc = zip_crc(crc, f->skipped, n);
    at += n;
  }
  mx_status st = inflate_exactly(f, out, nbytes, e);
  if (st || offset + nbytes < f->m->base.size) return st;
  st = inflate_end(f, e);
  return st ? st : check_crc(zip_crc(crc, out, nbytes), f->m, e);
}

static mx_status deflated_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes,
                               struct mxi_io_error *e) {
  struct inflater *f = mxi_calloc(sizeof *f);
  if (!f) return mxi_io_fail_memory(e);
  f->m = (struct member *)r;
  f->z.zalloc = zip_alloc;
  f->z.zfree = zip_free;
  mx_status st = inflateInit2(&f->z, -MAX_WBITS) == Z_OK ? MX_OK : mxi_io_fail_memory(e);
  if (!st) {
    st = inflate_range(f, offset, out, nbytes, e);
    inflateEnd(&f->z);
  }
  mxi_free(f);
  return st;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */
static void member_close(struct mxi_reader *r) {
  mxi_reader_release(((struct member *)r)->source);
  mxi_free(r);
}

/* Where the packed bytes start: after the local header, whose name must be the directory's. */
static mx_status find_start(const struct mxi_zip *zip, const struct mxi_zip_member *m, uint64_t *start,
                            struct mxi_io_error *e) {
  unsigned char local[ZIP_LOCAL_SIZE];
  mx_status st = mxi_reader_read(zip->source, m->offset, local, sizeof local, e);
  if (st) return st;
  if (zip_u32(local) != ZIP_LOCAL || zip_u16(local + 26) != m->name_size || zip_u16(local + 8) != m->method)
    return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member is not where the directory says");
  *start = m->offset + ZIP_LOCAL_SIZE + zip_u16(local + 26) + zip_u16(local + 28);
  if (*start > zip->directory_offset || zip->directory_offset - *start < m->packed_size)
    return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: a member reaches into the directory");
  return MX_OK;
}

mx_status mxi_zip_read_member(const struct mxi_zip *zip, const struct mxi_zip_member *m, struct mxi_reader **out,
                              struct mxi_io_error *e) {
  if (m->flags & ZIP_ENCRYPTED) return mxi_io_fail(e, MX_ERR_UNSUPPORTED, "the archive is encrypted");
  if (m->method != ZIP_STORED && m->method != ZIP_DEFLATED)
    return mxi_io_fail(e, MX_ERR_UNSUPPORTED, "compression method %d (stored and deflated members can be read)",
                       m->method);
  uint64_t start = 0;
  mx_status st = find_start(zip, m, &start, e);
  if (st) return st;
  struct member *r = mxi_malloc(sizeof *r);
  if (!r) return mxi_io_fail_memory(e);
  bool stored = m->method == ZIP_STORED;
  r->base = (struct mxi_reader){stored ? stored_read : deflated_read, member_close, m->size, 1};
  r->source = mxi_reader_retain(zip->source);
  r->start = start;
  r->packed_size = m->packed_size;
  r->crc = m->crc;
  *out = &r->base;
  return MX_OK;
}

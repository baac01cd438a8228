/* Writing a zip archive front to back: members, stored or deflated, then the directory. Zip64 records appear only where a number
 * does not fit the old ones; dates are the format's zero, so equal arrays make equal files. */
#include <string.h>

#include "base/memory.h"
#include "io/zip.h"
#include "io/zip_format.h"

enum { DATE_1980 = 0x21, MODE_0644 = 0644, UNIX = 3, VERSION = 20, VERSION_64 = 45, NAME_MAX_SIZE = 65535 - 4 };
#define MODE_FILE 0100000u

void mxi_zip_begin(struct mxi_zip_writer *z, struct mxi_writer *sink, bool deflates) {
  *z = (struct mxi_zip_writer){.sink = sink, .deflates = deflates};
}

static mx_status emit(struct mxi_zip_writer *z, const void *data, size_t nbytes, struct mxi_io_error *e) {
  z->offset += nbytes;
  return z->sink->write(z->sink, data, nbytes, e);
}

static bool remember(struct mxi_zip_writer *z, const void *data, size_t nbytes) {
  if (!mxi_reserve(&z->directory, &z->directory_capacity, z->directory_size + nbytes, 1)) return false;
  memcpy(z->directory + z->directory_size, data, nbytes);
  z->directory_size += nbytes;
  return true;
}

struct entry {
  const char *name;
  size_t name_size;
  uint64_t size, packed_size, offset;
  uint32_t crc;
  int method;
};

static bool is_large(uint64_t v) { return v >= ZIP_SEE_64; }
static uint32_t or_see64(uint64_t v) { return is_large(v) ? ZIP_SEE_64 : (uint32_t)v; }
static bool has_large(const struct entry *n) { return is_large(n->size) || is_large(n->packed_size); }

/* What local header and directory share: version needed to crc, sizes, lengths of the name and the extra field. */
static unsigned char *put_common(unsigned char *p, const struct entry *n, bool sizes64, bool any64, int extra) {
  bool ascii = true;
  for (size_t i = 0; i < n->name_size; i++) ascii = ascii && !(n->name[i] & 0x80);
  p = zip_put(p, any64 ? VERSION_64 : VERSION, 2);
  p = zip_put(p, ascii ? 0 : ZIP_UTF8, 2);
  p = zip_put(p, (uint64_t)n->method, 2);
  p = zip_put(p, 0, 2);
  p = zip_put(p, DATE_1980, 2);
  p = zip_put(p, n->crc, 4);
  p = zip_put(p, sizes64 ? ZIP_SEE_64 : n->packed_size, 4);
  p = zip_put(p, sizes64 ? ZIP_SEE_64 : n->size, 4);
  p = zip_put(p, n->name_size + 4, 2);
  return zip_put(p, (uint64_t)extra, 2);
}

static mx_status emit_local(struct mxi_zip_writer *z, const struct entry *n, struct mxi_io_error *e) {
  unsigned char head[ZIP_LOCAL_SIZE], extra[20];
  bool large = has_large(n);
  put_common(zip_put(head, ZIP_LOCAL, 4), n, large, large, large ? 20 : 0);
  mx_status st = emit(z, head, sizeof head, e);
  if (!st) st = emit(z, n->name, n->name_size, e);
  if (!st) st = emit(z, ".npy", 4, e);
  if (st || !large) return st;
  unsigned char *p = zip_put(zip_put(extra, ZIP_EXTRA64, 2), 16, 2);
  zip_put(zip_put(p, n->size, 8), n->packed_size, 8);
  return emit(z, extra, sizeof extra, e);
}

static bool remember_central(struct mxi_zip_writer *z, const struct entry *n) {
  unsigned char head[ZIP_CENTRAL_SIZE], extra[28];
  bool size64 = has_large(n), offset64 = is_large(n->offset);
  int body = (size64 ? 16 : 0) + (offset64 ? 8 : 0), extra_size = body ? body + 4 : 0;
  unsigned char *p = zip_put(zip_put(head, ZIP_CENTRAL, 4), UNIX << 8 | VERSION_64, 2);
  p = put_common(p, n, size64, body > 0, extra_size);
  p = zip_put(p, 0, 6); /* no comment, disk 0, binary */
  p = zip_put(p, (uint64_t)(MODE_FILE | MODE_0644) << 16, 4);
  zip_put(p, or_see64(n->offset), 4);
  p = zip_put(zip_put(extra, ZIP_EXTRA64, 2), (uint64_t)body, 2);
  if (size64) p = zip_put(zip_put(p, n->size, 8), n->packed_size, 8);
  if (offset64) zip_put(p, n->offset, 8);
  return remember(z, head, sizeof head) && remember(z, n->name, n->name_size) && remember(z, ".npy", 4) &&
         remember(z, extra, (size_t)extra_size);
}

mx_status mxi_zip_add(struct mxi_zip_writer *z, const char *name, const void *head, size_t head_size, const void *body,
                      size_t body_size, struct mxi_io_error *e) {
  uint64_t size = (uint64_t)head_size + body_size;
  struct entry n = {.name = name, .name_size = strlen(name), .size = size, .packed_size = size, .offset = z->offset, .method = ZIP_STORED};
  if (n.name_size > NAME_MAX_SIZE) return mxi_io_fail(e, MX_ERR_VALUE, "a name is longer than %d bytes", NAME_MAX_SIZE);
  n.crc = zip_crc(zip_crc(0, head, head_size), body, body_size);
  struct mxi_memory packed = {0};
  mx_status st = z->deflates ? mxi_zip_deflate(head, head_size, body, body_size, &packed, e) : MX_OK;
  if (!st && z->deflates) n.packed_size = packed.size, n.method = ZIP_DEFLATED;
  if (!st && !remember_central(z, &n)) st = mxi_io_fail_memory(e);
  z->count += !st;
  if (!st) st = emit_local(z, &n, e);
  if (!st) st = z->deflates ? emit(z, packed.data, packed.size, e) : emit(z, head, head_size, e);
  if (!st && !z->deflates) st = emit(z, body, body_size, e);
  mxi_free(packed.data);
  return st;
}

static mx_status emit_end64(struct mxi_zip_writer *z, uint64_t start, struct mxi_io_error *e) {
  unsigned char b[ZIP_END64_SIZE + ZIP_LOCATOR64_SIZE];
  uint64_t at = z->offset;
  unsigned char *p = zip_put(zip_put(b, ZIP_END64, 4), ZIP_END64_SIZE - 12, 8);
  p = zip_put(zip_put(p, UNIX << 8 | VERSION_64, 2), VERSION_64, 2);
  p = zip_put(p, 0, 8);
  p = zip_put(zip_put(p, z->count, 8), z->count, 8);
  p = zip_put(zip_put(p, z->directory_size, 8), start, 8);
  p = zip_put(zip_put(p, ZIP_LOCATOR64, 4), 0, 4);
  zip_put(zip_put(p, at, 8), 1, 4);
  return emit(z, b, sizeof b, e);
}

static mx_status emit_directory(struct mxi_zip_writer *z, struct mxi_io_error *e) {
  unsigned char b[ZIP_END_SIZE];
  uint64_t start = z->offset, count = z->count < 0xffff ? z->count : 0xffff;
  mx_status st = emit(z, z->directory, z->directory_size, e);
  if (!st && (count == 0xffff || is_large(start) || is_large(z->directory_size))) st = emit_end64(z, start, e);
  if (st) return st;
  unsigned char *p = zip_put(zip_put(b, ZIP_END, 4), 0, 4);
  p = zip_put(zip_put(p, count, 2), count, 2);
  p = zip_put(zip_put(p, or_see64(z->directory_size), 4), or_see64(start), 4);
  zip_put(p, 0, 2);
  return emit(z, b, sizeof b, e);
}

mx_status mxi_zip_end(struct mxi_zip_writer *z, mx_status st, struct mxi_io_error *e) {
  if (!st) st = emit_directory(z, e);
  mxi_free(z->directory);
  z->directory = NULL;
  return st;
}

/* Finding the members of a zip archive: the end record, its zip64 cousin, the central directory. Unpacking is in
 * zip_member.c. Offsets are those of the file: an archive with something in front of it is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/zip.h"
#include "io/zip_format.h"

#define COMMENT_MAX 65535
#define MEMBERS_MAX ((uint64_t)1 << 24) /* a directory of more than 770 MB is not believed */

static mx_status damaged(struct mxi_io_error *e, const char *what) {
  return mxi_io_fail(e, MX_ERR_IO, "damaged zip archive: %s", what);
}

/* What the end record says. */
struct end {
  uint64_t count, directory_size, directory_offset, at;
};

/* The zip64 end record, where the locator in front of `end->at` leads to one. */
static mx_status read_end64(struct mxi_reader *r, struct end *end, struct mxi_io_error *e) {
  unsigned char locator[ZIP_LOCATOR64_SIZE], record[ZIP_END64_SIZE];
  if (end->at < sizeof locator) return MX_OK;
  mx_status st = mxi_reader_read(r, end->at - sizeof locator, locator, sizeof locator, e);
  if (st || zip_u32(locator) != ZIP_LOCATOR64) return st;
  uint64_t at = zip_u64(locator + 8);
  if (at > end->at - sizeof locator || end->at - sizeof locator - at < sizeof record)
    return damaged(e, "its zip64 record lies outside");
  st = mxi_reader_read(r, at, record, sizeof record, e);
  if (st) return st;
  if (zip_u32(record) != ZIP_END64) return damaged(e, "its zip64 record is missing");
  end->count = zip_u64(record + 32);
  end->directory_size = zip_u64(record + 40);
  end->directory_offset = zip_u64(record + 48);
  end->at = at;
  return MX_OK;
}

static mx_status parse_end(struct mxi_reader *r, const unsigned char *p, struct end *end, struct mxi_io_error *e) {
  end->count = zip_u16(p + 10);
  end->directory_size = zip_u32(p + 12);
  end->directory_offset = zip_u32(p + 16);
  if (zip_u16(p + 4) != zip_u16(p + 6)) return damaged(e, "it is one part of several");
  return read_end64(r, end, e);
}

/* Searches the tail backwards for the end record, whose comment must reach the end of the file. */
static mx_status find_end(struct mxi_reader *r, struct end *end, struct mxi_io_error *e) {
  size_t tail = r->size < ZIP_END_SIZE + COMMENT_MAX ? (size_t)r->size : ZIP_END_SIZE + COMMENT_MAX;
  if (tail < ZIP_END_SIZE) return mxi_io_fail(e, MX_ERR_IO, "not a zip archive");
  unsigned char *p = mxi_malloc(tail);
  if (!p) return mxi_io_fail_memory(e);
  mx_status st = mxi_reader_read(r, r->size - tail, p, tail, e);
  bool found = false;
  for (size_t i = tail - ZIP_END_SIZE + 1; !st && !found && i-- > 0;) {
    if (zip_u32(p + i) != ZIP_END || i + ZIP_END_SIZE + zip_u16(p + i + 20) != tail) continue;
    found = true;
    end->at = r->size - tail + i;
    st = parse_end(r, p + i, end, e);
  }
  mxi_free(p);
  if (!st && !found) return mxi_io_fail(e, MX_ERR_IO, "not a zip archive");
  return st;
}

/* Replaces the sizes that say "see the zip64 field". */
static bool apply_extra64(const unsigned char *p, size_t size, struct mxi_zip_member *m) {
  uint64_t *fields[] = {&m->size, &m->packed_size, &m->offset};
  while (size >= 4) {
    size_t n = zip_u16(p + 2);
    if (n > size - 4) return false;
    const unsigned char *q = p + 4;
    for (int i = 0; zip_u16(p) == ZIP_EXTRA64 && i < 3; i++) {
      if (*fields[i] != ZIP_SEE_64) continue;
      if ((size_t)(p + 4 + n - q) < 8) return false;
      *fields[i] = zip_u64(q);
      q += 8;
    }
    p += 4 + n;
    size -= 4 + n;
  }
  return true;
}

/* The smallest space a member can take: its header, name and packed bytes. False when it does not fit before the
 * directory, or when the packed bytes could not give as many as promised. */
static bool is_plausible(const struct mxi_zip_member *m, uint64_t directory_offset) {
  uint64_t end = 0;
  if (__builtin_add_overflow(m->offset, ZIP_LOCAL_SIZE + (uint64_t)m->name_size, &end)) return false;
  if (__builtin_add_overflow(end, m->packed_size, &end) || end > directory_offset) return false;
  if (m->method == ZIP_STORED) return m->size == m->packed_size;
  return m->size / ZIP_DEFLATE_RATIO <= m->packed_size;
}

static mx_status parse_directory(struct mxi_zip *zip, size_t size, struct mxi_io_error *e) {
  const unsigned char *p = (const unsigned char *)zip->directory;
  for (size_t i = 0; i < zip->count; i++) {
    if (size < ZIP_CENTRAL_SIZE || zip_u32(p) != ZIP_CENTRAL) return damaged(e, "its directory ends early");
    size_t name = zip_u16(p + 28), extra = zip_u16(p + 30), rest = name + extra + zip_u16(p + 32);
    if (size - ZIP_CENTRAL_SIZE < rest) return damaged(e, "its directory ends early");
    struct mxi_zip_member *m = &zip->members[i];
    *m = (struct mxi_zip_member){.name = (const char *)p + ZIP_CENTRAL_SIZE,
                                 .name_size = name,
                                 .flags = zip_u16(p + 8),
                                 .method = zip_u16(p + 10),
                                 .crc = zip_u32(p + 16),
                                 .packed_size = zip_u32(p + 20),
                                 .size = zip_u32(p + 24),
                                 .offset = zip_u32(p + 42)};
    if (!apply_extra64(p + ZIP_CENTRAL_SIZE + name, extra, m)) return damaged(e, "a zip64 field ends early");
    if (m->method == ZIP_STORED || m->method == ZIP_DEFLATED)
      if (!is_plausible(m, zip->directory_offset)) return damaged(e, "a member has sizes that cannot be");
    p += ZIP_CENTRAL_SIZE + rest;
    size -= ZIP_CENTRAL_SIZE + rest;
  }
  return size ? damaged(e, "its directory holds more members than promised") : MX_OK;
}

static int by_offset(const void *a, const void *b) {
  const struct mxi_zip_member *const *x = a, *const *y = b;
  return ((*x)->offset > (*y)->offset) - ((*x)->offset < (*y)->offset);
}

/* Members that share bytes are how a small archive holds a huge amount of data. */
static mx_status check_overlap(const struct mxi_zip *zip, struct mxi_io_error *e) {
  const struct mxi_zip_member **order = mxi_malloc(zip->count * sizeof *order);
  if (!order) return mxi_io_fail_memory(e);
  for (size_t i = 0; i < zip->count; i++) order[i] = &zip->members[i];
  qsort(order, zip->count, sizeof *order, by_offset);
  bool overlap = false;
  for (size_t i = 1; i < zip->count && !overlap; i++) {
    uint64_t gap = order[i]->offset - order[i - 1]->offset, head = ZIP_LOCAL_SIZE + order[i - 1]->name_size;
    overlap = gap < head || gap - head < order[i - 1]->packed_size;
  }
  mxi_free(order);
  return overlap ? damaged(e, "two members share bytes") : MX_OK;
}

static mx_status read_directory(struct mxi_zip *zip, const struct end *end, struct mxi_io_error *e) {
  if (end->directory_offset > end->at || end->at - end->directory_offset < end->directory_size)
    return damaged(e, "its directory lies outside");
  if (end->count > end->directory_size / ZIP_CENTRAL_SIZE || end->count > MEMBERS_MAX)
    return damaged(e, "it promises too many members");
  zip->count = (size_t)end->count;
  zip->directory_offset = end->directory_offset;
  zip->directory = mxi_malloc((size_t)end->directory_size);
  zip->members = mxi_malloc(zip->count * sizeof *zip->members);
  if (!zip->directory || !zip->members) return mxi_io_fail_memory(e);
  mx_status st = mxi_reader_read(zip->source, end->directory_offset, zip->directory, (size_t)end->directory_size, e);
  if (!st) st = parse_directory(zip, (size_t)end->directory_size, e);
  return st ? st : check_overlap(zip, e);
}

mx_status mxi_zip_open(struct mxi_reader *source, struct mxi_zip *zip, struct mxi_io_error *e) {
  struct end end = {0};
  *zip = (struct mxi_zip){.source = mxi_reader_retain(source)};
  mx_status st = find_end(source, &end, e);
  if (!st) st = read_directory(zip, &end, e);
  if (st) mxi_zip_close(zip);
  return st;
}

void mxi_zip_close(struct mxi_zip *zip) {
  mxi_free(zip->directory);
  mxi_free(zip->members);
  mxi_reader_release(zip->source);
  *zip = (struct mxi_zip){0};
}

const struct mxi_zip_member *mxi_zip_find(const struct mxi_zip *zip, const char *name) {
  size_t n = strlen(name);
  const struct mxi_zip_member *bare = NULL;
  for (size_t i = zip->count; i-- > 0;) {
    const struct mxi_zip_member *m = &zip->members[i];
    if (m->name_size < n || memcmp(m->name, name, n)) continue;
    if (m->name_size == n + 4 && !memcmp(m->name + n, ".npy", 4)) return m;
    if (m->name_size == n && !bare) bare = m;
  }
  return bare;
}

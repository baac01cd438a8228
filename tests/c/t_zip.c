/* Zip archives: written ones are read again, damaged and hostile ones refused. Archives to read are built here record
 * by record, from the format's description, with zlib's own deflate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "io/npy.h"
#include "io/zip.h"

static struct mxi_io_error error;

/* ---- Building ---------------------------------------------------------------------------------------------------- */
struct builder {
  unsigned char *at; /* bytes */
  size_t size;
  unsigned char *central;
  size_t central_size;
  int count;
};

static void put(unsigned char **to, size_t *size, const void *data, size_t n) {
  *to = realloc(*to, *size + n + 1);
  if (n) memcpy(*to + *size, data, n);
  *size += n;
}

static void put_number(unsigned char **to, size_t *size, uint64_t v, int nbytes) {
  unsigned char b[8];
  for (int i = 0; i < nbytes; i++) b[i] = (unsigned char)(v >> 8 * i);
  put(to, size, b, (size_t)nbytes);
}

/* What a test may lie about; the values of `truth` are what is honest. */
struct member {
  const char *name;
  const void *data;
  size_t size;
  bool deflate, zip64;
  int method_plus, flags;
  int64_t size_plus, packed_plus, crc_plus, offset_plus;
  int junk; /* bytes after the packed ones that count as packed */
};

static size_t deflate_bytes(const void *data, size_t size, unsigned char *out, size_t room) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)data;
  z.avail_in = (uInt)size;
  z.next_out = out;
  z.avail_out = (uInt)room;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  deflateEnd(&z);
  return room - z.avail_out;
}

static void put_shared(unsigned char **to, size_t *size, const struct member *m, uint64_t packed) {
  uint32_t crc = (uint32_t)crc32_z(0, m->data, m->size) + (uint32_t)m->crc_plus;
  put_number(to, size, 20, 2);
  put_number(to, size, (uint64_t)m->flags, 2);
  put_number(to, size, (uint64_t)((m->deflate ? 8 : 0) + m->method_plus), 2);
  put_number(to, size, 0, 4);
  put_number(to, size, crc, 4);
  put_number(to, size, m->zip64 ? 0xffffffff : packed + (uint64_t)m->packed_plus, 4);
  put_number(to, size, m->zip64 ? 0xffffffff : m->size + (uint64_t)m->size_plus, 4);
  put_number(to, size, strlen(m->name), 2);
}

static void add(struct builder *b, struct member m) {
  size_t room = m.size + 1024, packed = m.size, offset = b->size;
  unsigned char *bytes = malloc(room);
  if (m.deflate)
    packed = deflate_bytes(m.data, m.size, bytes, room);
  else
    memcpy(bytes, m.data, m.size);
  for (int i = 0; i < m.junk; i++) bytes[packed++] = 'j';
  put_number(&b->at, &b->size, 0x04034b50, 4);
  put_shared(&b->at, &b->size, &m, packed);
  put_number(&b->at, &b->size, 0, 2);
  put(&b->at, &b->size, m.name, strlen(m.name));
  put(&b->at, &b->size, bytes, packed);
  free(bytes);
  put_number(&b->central, &b->central_size, 0x02014b50, 4);
  put_number(&b->central, &b->central_size, 20, 2);
  put_shared(&b->central, &b->central_size, &m, packed);
  put_number(&b->central, &b->central_size, m.zip64 ? 7 + 28 : 0, 2);
  put(&b->central, &b->central_size, "\0\0\0\0\0\0\0\0\0", 10); /* no comment, disk 0, attributes */
  put_number(&b->central, &b->central_size, m.zip64 ? 0xffffffff : offset + (uint64_t)m.offset_plus, 4);
  put(&b->central, &b->central_size, m.name, strlen(m.name));
  if (m.zip64) { /* some other field first */
    put(&b->central, &b->central_size, "UX\3\0abc\1\0\x18\0", 11);
    put_number(&b->central, &b->central_size, m.size + (uint64_t)m.size_plus, 8);
    put_number(&b->central, &b->central_size, packed + (uint64_t)m.packed_plus, 8);
    put_number(&b->central, &b->central_size, offset + (uint64_t)m.offset_plus, 8);
  }
  b->count++;
}

static void finish(struct builder *b, const char *comment) {
  size_t start = b->size;
  put(&b->at, &b->size, b->central, b->central_size);
  put_number(&b->at, &b->size, 0x06054b50, 4);
  put_number(&b->at, &b->size, 0, 4);
  put_number(&b->at, &b->size, (uint64_t)b->count, 2);
  put_number(&b->at, &b->size, (uint64_t)b->count, 2);
  put_number(&b->at, &b->size, b->central_size, 4);
  put_number(&b->at, &b->size, start, 4);
  put_number(&b->at, &b->size, strlen(comment), 2);
  put(&b->at, &b->size, comment, strlen(comment));
  free(b->central);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
/* All of a member, in two reads that part at `at`. */
static mx_status read_member(const struct mxi_zip *zip, const struct mxi_zip_member *m, size_t at, char *out,
                             size_t size) {
  struct mxi_reader *r = NULL;
  mx_status st = mxi_zip_read_member(zip, m, &r, &error);
  if (st) return st;
  assert_int_equal(r->size, size);
  st = mxi_reader_read(r, 0, out, at, &error);
  if (!st) st = mxi_reader_read(r, at, out + at, size - at, &error);
  mxi_reader_release(r);
  return st;
}

static mx_status open_bytes(const void *data, size_t size, struct mxi_zip *zip) {
  struct mxi_reader *r = NULL;
  memset(&error, 0, sizeof error);
  assert_int_equal(mxi_reader_memory(data, size, &r, &error), MX_OK);
  mx_status st = mxi_zip_open(r, zip, &error);
  mxi_reader_release(r);
  return st;
}

static mx_status read_first(const void *data, size_t nbytes, char *out, size_t size) {
  struct mxi_zip zip;
  mx_status st = open_bytes(data, nbytes, &zip);
  if (st) return st;
  st = zip.count && zip.members[0].size == size ? read_member(&zip, &zip.members[0], size / 2, out, size)
                                                : mxi_io_fail(&error, MX_ERR_IO, "another size");
  mxi_zip_close(&zip);
  return st;
}

static char body[5000];

static void fill_body(void) {
  for (size_t i = 0; i < sizeof body; i++) body[i] = (char)(i * i % 7 + i / 1000);
}

static void stored_and_deflated_members_are_read(void **state) {
  (void)state;
  fill_body();
  for (int deflated = 0; deflated < 2; deflated++)
    for (int zip64 = 0; zip64 < 2; zip64++) {
      struct builder b = {0};
      struct mxi_zip zip;
      char out[sizeof body];
      add(&b, (struct member){.name = "first", .data = "x", .size = 1});
      add(&b, (struct member){.name = "a.npy", .data = body, .size = sizeof body, .deflate = deflated, .zip64 = zip64});
      add(&b, (struct member){.name = "empty", .data = "", .size = 0, .deflate = deflated, .zip64 = zip64});
      finish(&b, "a comment with PK\5\6 in it, which is long enough to look like a record");
      assert_int_equal(open_bytes(b.at, b.size, &zip), MX_OK);
      assert_int_equal(zip.count, 3);
      for (size_t at = 0; at <= sizeof body; at += 625) {
        memset(out, 0, sizeof out);
        assert_int_equal(read_member(&zip, mxi_zip_find(&zip, "a"), at, out, sizeof out), MX_OK);
        assert_memory_equal(out, body, sizeof body);
      }
      assert_int_equal(read_member(&zip, mxi_zip_find(&zip, "empty"), 0, out, 0), MX_OK);
      mxi_zip_close(&zip);
      free(b.at);
    }
}

static void names_are_found_with_and_without_npy(void **state) {
  (void)state;
  struct builder b = {0};
  struct mxi_zip zip;
  add(&b, (struct member){.name = "a", .data = "1", .size = 1});
  add(&b, (struct member){.name = "a.npy", .data = "22", .size = 2});
  add(&b, (struct member){.name = "b", .data = "333", .size = 3});
  add(&b, (struct member){.name = "b", .data = "4444", .size = 4});
  finish(&b, "");
  assert_int_equal(open_bytes(b.at, b.size, &zip), MX_OK);
  assert_int_equal(mxi_zip_find(&zip, "a")->size, 2);
  assert_int_equal(mxi_zip_find(&zip, "a.npy")->size, 2);
  assert_int_equal(mxi_zip_find(&zip, "b")->size, 4);
  assert_null(mxi_zip_find(&zip, "c"));
  assert_null(mxi_zip_find(&zip, "a.np"));
  assert_null(mxi_zip_find(&zip, ""));
  mxi_zip_close(&zip);
  free(b.at);
}

static void lies_are_found_out(void **state) {
  (void)state;
  fill_body();
  static const struct {
    struct member m;
    mx_status status;
    const char *message;
  } lies[] = {
      {{.crc_plus = 1}, MX_ERR_IO, "checksum"},
      {{.crc_plus = 1, .deflate = true}, MX_ERR_IO, "checksum"},
      {{.size_plus = 1}, MX_ERR_IO, "cannot be"},
      {{.size_plus = 1, .deflate = true}, MX_ERR_IO, "fewer bytes"},
      {{.size_plus = -1, .deflate = true}, MX_ERR_IO, "more bytes"},
      {{.size_plus = -1000, .deflate = true}, MX_ERR_IO, "more bytes"},
      {{.size_plus = 100000000, .deflate = true}, MX_ERR_IO, "cannot be"},
      {{.size_plus = (int64_t)1 << 61, .deflate = true, .zip64 = true}, MX_ERR_IO, "cannot be"},
      {{.packed_plus = 1000, .deflate = true}, MX_ERR_IO, "cannot be"},
      {{.packed_plus = -1, .deflate = true}, MX_ERR_IO, "end early"},
      {{.packed_plus = -5, .deflate = true, .zip64 = true}, MX_ERR_IO, "end early"},
      {{.junk = 3, .deflate = true}, MX_ERR_IO, "after its end"},
      {{.junk = 3}, MX_ERR_IO, "cannot be"},
      {{.offset_plus = 1}, MX_ERR_IO, "cannot be"},
      {{.offset_plus = INT64_MAX, .zip64 = true}, MX_ERR_IO, "cannot be"},
      {{.flags = 1}, MX_ERR_UNSUPPORTED, "encrypted"},
      {{.method_plus = 12}, MX_ERR_UNSUPPORTED, "compression method 12"},
      {{.method_plus = 8}, MX_ERR_IO, "cannot be unpacked"},
  };
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    struct builder b = {0};
    static char out[sizeof body];
    struct member m = lies[i].m;
    m.name = "a.npy";
    m.data = body;
    m.size = sizeof body;
    add(&b, m);
    finish(&b, "");
    struct mxi_zip zip;
    mx_status st = open_bytes(b.at, b.size, &zip);
    if (!st) {
      struct mxi_reader *r = NULL;
      st = mxi_zip_read_member(&zip, &zip.members[0], &r, &error);
      char *big = malloc((size_t)zip.members[0].size);
      if (!st) st = mxi_reader_read(r, 0, big ? big : out, (size_t)r->size, &error);
      free(big);
      mxi_reader_release(r);
      mxi_zip_close(&zip);
    }
    if (st != lies[i].status || !strstr(error.text, lies[i].message))
      fail_msg("lie %zu: status %d: %s", i, st, error.text);
    free(b.at);
  }
}

static void members_that_share_bytes_are_refused(void **state) {
  (void)state;
  fill_body();
  struct builder b = {0};
  struct mxi_zip zip;
  add(&b, (struct member){.name = "a", .data = body, .size = 1000});
  add(&b, (struct member){.name = "b", .data = body, .size = 1000, .offset_plus = -1});
  finish(&b, "");
  assert_int_equal(open_bytes(b.at, b.size, &zip), MX_ERR_IO);
  assert_non_null(strstr(error.text, "share bytes"));
  free(b.at);
}

static void members_beyond_the_count_are_refused(void **state) {
  (void)state;
  struct builder b = {0};
  struct mxi_zip zip;
  add(&b, (struct member){.name = "a", .data = "abc", .size = 3});
  add(&b, (struct member){.name = "b", .data = "abc", .size = 3});
  b.count--;
  finish(&b, "");
  assert_int_equal(open_bytes(b.at, b.size, &zip), MX_ERR_IO);
  assert_non_null(strstr(error.text, "more members than promised"));
  free(b.at);
}

static void local_header_must_agree(void **state) {
  (void)state;
  static const size_t changed[] = {0, 8, 26};
  for (size_t i = 0; i < 3; i++) {
    struct builder b = {0};
    char out[3];
    add(&b, (struct member){.name = "a", .data = "abc", .size = 3});
    finish(&b, "");
    b.at[changed[i]] ^= 1;
    assert_int_equal(read_first(b.at, b.size, out, 3), MX_ERR_IO);
    assert_non_null(strstr(error.text, "not where the directory says"));
    free(b.at);
  }
}

/* Whatever bit is changed or however the file is cut: an error, or the right bytes; always an error where the packed
 * bytes lie, but for the last of them, which deflate may leave half unused. */
static void damage_never_gives_wrong_bytes(void **state) {
  (void)state;
  fill_body();
  for (int deflated = 0; deflated < 2; deflated++) {
    struct builder b = {0};
    char out[600];
    add(&b, (struct member){.name = "a", .data = body, .size = sizeof out, .deflate = deflated});
    add(&b, (struct member){.name = "b", .data = "x", .size = 1});
    finish(&b, "");
    for (size_t cut = 0; cut < b.size; cut++) assert_int_not_equal(read_first(b.at, cut, out, sizeof out), MX_OK);
    struct mxi_zip zip;
    assert_int_equal(open_bytes(b.at, b.size, &zip), MX_OK);
    size_t first = 31, last = 30 + (size_t)zip.members[0].packed_size;
    mxi_zip_close(&zip);
    for (size_t i = 0; i < b.size * 8; i++) {
      b.at[i / 8] ^= (unsigned char)(1 << i % 8);
      mx_status st = read_first(b.at, b.size, out, sizeof out);
      if (!st) assert_memory_equal(out, body, sizeof out);
      if (i / 8 >= first && i / 8 < last) assert_int_equal(st, MX_ERR_IO);
      b.at[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_int_equal(read_first(b.at, b.size, out, sizeof out), MX_OK);
    free(b.at);
  }
}

static void what_is_no_archive_is_refused(void **state) {
  (void)state;
  struct mxi_zip zip;
  static char zeros[70000];
  assert_int_equal(open_bytes("", 0, &zip), MX_ERR_IO);
  assert_string_equal(error.text, "not a zip archive");
  assert_int_equal(open_bytes(zeros, sizeof zeros, &zip), MX_ERR_IO);
  assert_string_equal(error.text, "not a zip archive");
  struct builder empty = {0};
  finish(&empty, "");
  assert_int_equal(open_bytes(empty.at, empty.size, &zip), MX_OK);
  assert_int_equal(zip.count, 0);
  mxi_zip_close(&zip);
  empty.at[8] = empty.at[10] = 255; /* members */
  assert_int_equal(open_bytes(empty.at, empty.size, &zip), MX_ERR_IO);
  assert_non_null(strstr(error.text, "too many members"));
  empty.at[12] = 255; /* size of the directory */
  assert_int_equal(open_bytes(empty.at, empty.size, &zip), MX_ERR_IO);
  assert_non_null(strstr(error.text, "lies outside"));
  free(empty.at);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
static mx_status write_archive(struct mxi_memory *file, int count, const char *long_name) {
  struct mxi_writer *w = NULL;
  struct mxi_zip_writer z;
  mx_status st = mxi_writer_memory(file, &w, &error);
  if (st) return st;
  mxi_zip_begin(&z, w, false);
  for (int i = 0; !st && i < count; i++) {
    char name[16];
    snprintf(name, sizeof name, "n%d", i);
    st = mxi_zip_add(&z, long_name ? long_name : name, "head", 4, &i, sizeof i, &error);
  }
  st = mxi_zip_end(&z, st, &error);
  return mxi_writer_end(w, st, &error);
}

static void written_archives_are_read_again(void **state) {
  (void)state;
  static const int counts[] = {0, 1, 3, 65534, 65535, 70000}; /* the last two need zip64 records */
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    struct mxi_memory file;
    struct mxi_zip zip;
    assert_int_equal(write_archive(&file, counts[c], NULL), MX_OK);
    assert_int_equal(open_bytes(file.data, file.size, &zip), MX_OK);
    assert_int_equal(zip.count, counts[c]);
    for (int i = 0; i < counts[c]; i += 1 + counts[c] / 5) {
      char name[16], out[8];
      snprintf(name, sizeof name, "n%d", i);
      assert_int_equal(read_member(&zip, mxi_zip_find(&zip, name), 4, out, 8), MX_OK);
      assert_memory_equal(out, "head", 4);
      assert_memory_equal(out + 4, &i, 4);
    }
    mxi_zip_close(&zip);
    mxi_free(file.data);
  }
}

static void equal_arrays_make_equal_files(void **state) {
  (void)state;
  struct mxi_memory a, b;
  assert_int_equal(write_archive(&a, 5, NULL), MX_OK);
  assert_int_equal(write_archive(&b, 5, NULL), MX_OK);
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.data, b.data, a.size);
  mxi_free(a.data);
  mxi_free(b.data);
}

static void names_too_long_for_zip_are_refused(void **state) {
  (void)state;
  static char name[65540];
  struct mxi_memory file;
  struct mxi_zip zip;
  memset(name, 'n', 65532);
  assert_int_equal(write_archive(&file, 1, name), MX_ERR_VALUE);
  mxi_free(file.data);
  name[65531] = '\0';
  assert_int_equal(write_archive(&file, 1, name), MX_OK);
  assert_int_equal(open_bytes(file.data, file.size, &zip), MX_OK);
  assert_non_null(mxi_zip_find(&zip, name));
  mxi_zip_close(&zip);
  mxi_free(file.data);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  fill_body();
  struct builder b = {0};
  char out[1000];
  add(&b, (struct member){.name = "a", .data = body, .size = sizeof out, .deflate = true});
  finish(&b, "");
  struct mxi_reader *r = NULL;
  assert_int_equal(mxi_reader_memory(b.at, b.size, &r, &error), MX_OK);
  int failures = 0;
  for (int64_t n = 1;; n++) {
    struct mxi_zip zip;
    mxi_memory_fail_at(n);
    mx_status st = mxi_zip_open(r, &zip, &error);
    if (!st) {
      st = read_member(&zip, &zip.members[0], 500, out, sizeof out);
      mxi_zip_close(&zip);
    }
    mxi_memory_fail_at(0);
    if (!st) break;
    assert_int_equal(st, MX_ERR_MEMORY);
    failures++;
  }
  assert_in_range(failures, 6, 30);
  assert_memory_equal(out, body, sizeof out);
  for (int64_t n = 1;; n++) {
    struct mxi_memory file = {0};
    mxi_memory_fail_at(n);
    mx_status st = write_archive(&file, 20, NULL);
    mxi_memory_fail_at(0);
    mxi_free(file.data);
    if (!st) break;
    assert_int_equal(st, MX_ERR_MEMORY);
  }
  mxi_reader_release(r);
  free(b.at);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_and_deflated_members_are_read),
      cmocka_unit_test(names_are_found_with_and_without_npy),
      cmocka_unit_test(lies_are_found_out),
      cmocka_unit_test(members_that_share_bytes_are_refused),
      cmocka_unit_test(members_beyond_the_count_are_refused),
      cmocka_unit_test(local_header_must_agree),
      cmocka_unit_test(damage_never_gives_wrong_bytes),
      cmocka_unit_test(what_is_no_archive_is_refused),
      cmocka_unit_test(written_archives_are_read_again),
      cmocka_unit_test(equal_arrays_make_equal_files),
      cmocka_unit_test(names_too_long_for_zip_are_refused),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Files below the array layer: .npy headers and elements, and files written safely. Headers are spelled out here from
 * NumPy's format description; archives are in t_zip.c. What NumPy and MLX make of our files is checked from Python. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "io/npy.h"

static struct mxi_io_error error;

/* ---- Headers ----------------------------------------------------------------------------------------------------- */
/* An .npy file in memory: version, header text as it is, then `payload` zero bytes. */
static size_t make_file(char *out, int version, const char *text, size_t payload) {
  size_t n = strlen(text), at = version == 1 ? 10 : 12;
  memcpy(out, "\x93NUMPY", 6);
  out[6] = (char)version;
  out[7] = 0;
  for (size_t i = 8; i < at; i++) out[i] = (char)(n >> 8 * (i - 8));
  memcpy(out + at, text, n);
  memset(out + at + n, 0, payload);
  return at + n + payload;
}

static mx_status parse(const void *file, size_t size, struct mxi_npy *npy) {
  struct mxi_reader *r = NULL;
  char *exact = malloc(size ? size : 1); /* so that a sanitizer sees any byte read past the end */
  memcpy(exact, file, size);
  memset(&error, 0, sizeof error);
  assert_int_equal(mxi_reader_memory(exact, size, &r, &error), MX_OK);
  mx_status st = mxi_npy_read_header(r, npy, &error);
  mxi_reader_release(r);
  free(exact);
  return st;
}

static mx_status parse_text(const char *text, size_t payload, struct mxi_npy *npy) {
  char file[4096];
  return parse(file, make_file(file, 1, text, payload), npy);
}

static void headers_as_python_writes_them_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    mx_dtype dtype;
    int ndim;
    int64_t shape[3];
    bool fortran, swapped;
  } good[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", MX_FLOAT32, 2, {2, 3}, false, false},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': ()} \n", MX_FLOAT32, 0, {0}, true, false},
      {"{'descr': '|V2', 'fortran_order': True, 'shape': (1, 4, )}", MX_BFLOAT16, 2, {1, 4}, true, false},
      {"{'descr': '<V2', 'fortran_order': False, 'shape': (4,), }", MX_BFLOAT16, 1, {4}, false, false},
      {"{\"shape\":(3L,5L),\"descr\":\">c8\",\"fortran_order\":False}", MX_COMPLEX64, 2, {3, 5}, false, true},
      {"\n{ 'shape' :\t( 7 , ) , 'fortran_order' : False , 'descr' : '=i8' , }\r\n", MX_INT64, 1, {7}, false, false},
      {"{'descr': '>u1', 'fortran_order': False, 'shape': (0, 9), }", MX_UINT8, 2, {0, 9}, false, false},
      {"{'descr': '|b1', 'fortran_order': False, 'shape': (2, 1, 2), }", MX_BOOL, 3, {2, 1, 2}, false, false},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct mxi_npy npy;
    assert_int_equal(parse_text(good[i].text, 200, &npy), MX_OK);
    assert_int_equal(npy.dtype, good[i].dtype);
    assert_int_equal(npy.ndim, good[i].ndim);
    assert_memory_equal(npy.shape, good[i].shape, (size_t)npy.ndim * sizeof *npy.shape);
    assert_int_equal(npy.fortran_order, good[i].fortran);
    assert_int_equal(npy.swapped, good[i].swapped);
    assert_int_equal(npy.offset, 10 + strlen(good[i].text));
  }
}

static void every_version_is_read(void **state) {
  (void)state;
  for (int version = 1; version <= 4; version++) {
    char file[256];
    struct mxi_npy npy;
    size_t n = make_file(file, version, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", 4);
    assert_int_equal(parse(file, n, &npy), version < 4 ? MX_OK : MX_ERR_IO);
    if (version < 4) assert_int_equal(npy.offset, n - 4);
  }
  assert_non_null(strstr(error.text, "version 4.0"));
}

#define ORDER "'fortran_order': False"
static void bad_headers_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    mx_status status;
    const char *message;
  } bad[] = {
      {"", MX_ERR_IO, "not a dict"},
      {"{", MX_ERR_IO, "key is missing"},
      {"{}", MX_ERR_IO, "lacks"},
      {"{,}", MX_ERR_IO, "key is missing"},
      {"{'descr': '<f4', " ORDER ", 'shape': (2,)", MX_ERR_IO, "comma"},
      {"{'descr': '<f4', " ORDER ", 'shape': (2,),", MX_ERR_IO, "key is missing"},
      {"{'descr': '<f4', " ORDER ", 'shape': (2,)} x", MX_ERR_IO, "something follows"},
      {"{'descr': '<f4', " ORDER "}", MX_ERR_IO, "lacks"},
      {"{'descr': '<f4' " ORDER ", 'shape': ()}", MX_ERR_IO, "comma"},
      {"{'descr': '<f4', 'descr': '<f4', " ORDER ", 'shape': ()}", MX_ERR_IO, "twice"},
      {"{'descr': '<f4', " ORDER ", 'shape': (), 'more': 1}", MX_ERR_IO, "key is not one of"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", MX_ERR_IO, "not True or False"},
      {"{'descr': <f4, " ORDER ", 'shape': ()}", MX_ERR_IO, "not a string"},
      {"{'descr': '<f4\\'', " ORDER ", 'shape': ()}", MX_ERR_IO, "not a string"},
      {"{'descr': '<f4', " ORDER ", 'shape': (3)}", MX_ERR_IO, "not a tuple"},
      {"{'descr': '<f4', " ORDER ", 'shape': 3}", MX_ERR_IO, "not a tuple"},
      {"{'descr': '<f4', " ORDER ", 'shape': (,)}", MX_ERR_IO, "not a size"},
      {"{'descr': '<f4', " ORDER ", 'shape': (2 3)}", MX_ERR_IO, "not a tuple of sizes"},
      {"{'descr': '<f4', " ORDER ", 'shape': (-1,)}", MX_ERR_IO, "not a size"},
      {"{'descr': '<f4', " ORDER ", 'shape': (99999999999999999999,)}", MX_ERR_IO, "not a size"},
      {"{'descr': '<f4', " ORDER ", 'shape': (9223372036854775807,)}", MX_ERR_VALUE, "more elements"},
      {"{'descr': '|u1', " ORDER ", 'shape': (4294967296, 4294967296)}", MX_ERR_VALUE, "more elements"},
      {"{'descr': '<f8', " ORDER ", 'shape': (4611686018427387904, 4, 0)}", MX_ERR_VALUE, "more elements"},
      {"{'descr': '<f4', " ORDER ", 'shape': (1, 26)}", MX_ERR_IO, "truncated: 100 bytes"},
      {"{'descr': '<f4', " ORDER ", 'shape': (4611686018427387903,)}", MX_ERR_VALUE, "more elements"},
      {"{'descr': '|u1', " ORDER ", 'shape': (9223372036854775807,)}", MX_ERR_IO, "truncated"},
      {"{'descr': '<c16', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype '<c16'"},
      {"{'descr': '|V4', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype '|V4'"},
      {"{'descr': '|O', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype '|O'"},
      {"{'descr': '<U5', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype '<U5'"},
      {"{'descr': '<f44', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype '<f44'"},
      {"{'descr': 'f4', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype 'f4'"},
      {"{'descr': '>V2', " ORDER ", 'shape': ()}", MX_ERR_VALUE, "no dtype"},
      {"{'descr': [('a', '<f4')], " ORDER ", 'shape': ()}", MX_ERR_VALUE, "structured"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct mxi_npy npy;
    assert_int_equal(parse_text(bad[i].text, 100, &npy), bad[i].status);
    if (!strstr(error.text, bad[i].message)) fail_msg("%s\ngave: %s", bad[i].text, error.text);
  }
}

static void rank_is_limited(void **state) {
  (void)state;
  for (int ndim = MXI_MAX_NDIM; ndim <= MXI_MAX_NDIM + 1; ndim++) {
    char text[1024] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    struct mxi_npy npy;
    for (int i = 0; i < ndim; i++) strcat(text, "1, ");
    strcat(text, ")}");
    assert_int_equal(parse_text(text, 4, &npy), ndim == MXI_MAX_NDIM ? MX_OK : MX_ERR_VALUE);
  }
}

static void every_cut_of_a_file_is_refused(void **state) {
  (void)state;
  char file[256];
  struct mxi_npy npy;
  size_t n = make_file(file, 3, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", 4);
  for (size_t cut = 0; cut < n; cut++) assert_int_equal(parse(file, cut, &npy), MX_ERR_IO);
  assert_int_equal(parse(file, n, &npy), MX_OK);
  file[5] = 'X';
  assert_int_equal(parse(file, n, &npy), MX_ERR_IO);
  assert_string_equal(error.text, "not an .npy file");
  assert_int_equal(parse("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, &npy), MX_ERR_IO);
  assert_non_null(strstr(error.text, "too long"));
}

/* Magic, version 1.0, 118 bytes of text: the dict, spaces, a line feed. */
static void assert_header(mx_dtype dtype, int ndim, const int64_t *shape, const char *dict) {
  struct mxi_npy_header h;
  mxi_npy_header_make(&h, dtype, ndim, shape);
  assert_int_equal(h.size, 128);
  assert_memory_equal(h.text, "\x93NUMPY\1\0v\0", 10);
  assert_memory_equal(h.text + 10, dict, strlen(dict));
  for (size_t i = 10 + strlen(dict); i < 127; i++) assert_int_equal(h.text[i], ' ');
  assert_int_equal(h.text[127], '\n');
}

static void header_text_is_numpys(void **state) {
  (void)state;
  assert_header(MX_FLOAT32, 2, (const int64_t[]){2, 3}, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  assert_header(MX_BOOL, 0, NULL, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }");
  assert_header(MX_BFLOAT16, 1, (const int64_t[]){5}, "{'descr': '<V2', 'fortran_order': False, 'shape': (5,), }");
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */
static void every_dtype_makes_the_round_trip(void **state) {
  (void)state;
  for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
    const int64_t shape[] = {3, 1, 4};
    unsigned char data[12 * 8], back[12 * 8];
    struct mxi_memory file;
    struct mxi_writer *w = NULL;
    struct mxi_reader *r = NULL;
    struct mxi_npy npy;
    size_t nbytes = 12 * mxi_itemsize((mx_dtype)t);
    for (size_t i = 0; i < nbytes; i++) data[i] = (unsigned char)(t == MX_BOOL ? i & 1 : i * 37 + 11);
    assert_int_equal(mxi_writer_memory(&file, &w, &error), MX_OK);
    assert_int_equal(mxi_npy_write(w, (mx_dtype)t, 3, shape, data, nbytes, &error), MX_OK);
    assert_int_equal(mxi_writer_end(w, MX_OK, &error), MX_OK);
    assert_int_equal(mxi_reader_memory(file.data, file.size, &r, &error), MX_OK);
    assert_int_equal(mxi_npy_read_header(r, &npy, &error), MX_OK);
    assert_int_equal(npy.dtype, t);
    assert_int_equal(npy.nbytes, nbytes);
    assert_memory_equal(npy.shape, shape, sizeof shape);
    assert_int_equal(mxi_npy_read_elements(r, &npy, back, &error), MX_OK);
    assert_memory_equal(back, data, nbytes);
    mxi_reader_release(r);
    mxi_free(file.data);
  }
}

static void big_endian_elements_are_turned_round(void **state) {
  (void)state;
  char file[256];
  struct mxi_npy npy;
  struct mxi_reader *r = NULL;
  unsigned char out[16];
  size_t n = make_file(file, 1, "{'descr': '>c8', 'fortran_order': False, 'shape': (2,), }", 16);
  for (int i = 0; i < 16; i++) file[n - 16 + (size_t)i] = (char)i;
  assert_int_equal(mxi_reader_memory(file, n, &r, &error), MX_OK);
  assert_int_equal(mxi_npy_read_header(r, &npy, &error), MX_OK);
  assert_int_equal(mxi_npy_read_elements(r, &npy, out, &error), MX_OK);
  assert_memory_equal(out, "\3\2\1\0\7\6\5\4\13\12\11\10\17\16\15\14", 16); /* each float on its own */
  mxi_reader_release(r);
}

static void bools_become_zero_or_one(void **state) {
  (void)state;
  char file[256];
  struct mxi_npy npy;
  struct mxi_reader *r = NULL;
  unsigned char out[3];
  size_t n = make_file(file, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", 3);
  memcpy(file + n - 3, "\0\2\xff", 3);
  assert_int_equal(mxi_reader_memory(file, n, &r, &error), MX_OK);
  assert_int_equal(mxi_npy_read_header(r, &npy, &error), MX_OK);
  assert_int_equal(mxi_npy_read_elements(r, &npy, out, &error), MX_OK);
  assert_memory_equal(out, "\0\1\1", 3);
  mxi_reader_release(r);
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */
static char folder[200];

static const char *in_folder(const char *name) {
  static char path[4][600];
  static int next;
  char *p = path[next++ % 4];
  snprintf(p, sizeof path[0], "%s/%s", folder, name);
  return p;
}

static int make_folder(void **state) {
  (void)state;
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/mica-test-XXXXXX", parent ? parent : P_tmpdir);
  return mkdtemp(folder) ? 0 : -1;
}

/* Removes the folder; fails when a test left a file of its own. */
static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

static int count_files(void) {
  int n = 0;
  DIR *d = opendir(folder);
  while (readdir(d)) n++;
  closedir(d);
  return n - 2;
}

static mx_status write_file(const char *path, const char *text) {
  struct mxi_writer *w = NULL;
  mx_status st = mxi_writer_open(path, &w, &error);
  return st ? st : mxi_writer_end(w, w->write(w, text, strlen(text), &error), &error);
}

static void assert_holds(const char *path, const char *text) {
  char b[64] = "";
  struct mxi_reader *r = NULL;
  assert_int_equal(mxi_reader_open(path, &r, &error), MX_OK);
  assert_int_equal(r->size, strlen(text));
  assert_int_equal(mxi_reader_read(r, 0, b, strlen(text), &error), MX_OK);
  mxi_reader_release(r);
  assert_string_equal(b, text);
}

static void a_file_appears_whole_or_not_at_all(void **state) {
  (void)state;
  const char *path = in_folder("a");
  struct mxi_writer *w = NULL;
  assert_int_equal(mxi_writer_open(path, &w, &error), MX_OK);
  assert_int_equal(w->write(w, "half", 4, &error), MX_OK);
  assert_int_equal(access(path, F_OK), -1);
  w->discard(w);
  assert_int_equal(count_files(), 0);
  assert_int_equal(write_file(path, "old"), MX_OK);
  assert_holds(path, "old");
  assert_int_equal(mxi_writer_open(path, &w, &error), MX_OK);
  assert_int_equal(w->write(w, "new, but not all", 16, &error), MX_OK);
  assert_holds(path, "old");
  assert_int_equal(mxi_writer_end(w, MX_ERR_VALUE, &error), MX_ERR_VALUE);
  assert_holds(path, "old");
  assert_int_equal(write_file(path, "new"), MX_OK);
  assert_holds(path, "new");
  assert_int_equal(count_files(), 1);
  unlink(path);
}

static void a_crash_leaves_the_old_file(void **state) {
  (void)state;
  const char *path = in_folder("a");
  assert_int_equal(write_file(path, "old"), MX_OK);
  pid_t child = fork();
  if (!child) {
    struct mxi_writer *w = NULL;
    if (!mxi_writer_open(path, &w, &error)) w->write(w, "new", 3, &error);
    _exit(0);
  }
  char left[64];
  waitpid(child, NULL, 0);
  assert_holds(path, "old");
  snprintf(left, sizeof left, ".mica-%ld-0.tmp", (long)child);
  for (int i = 0; count_files() > 1 && i < 1000; i++) { /* what the crash left */
    snprintf(left, sizeof left, ".mica-%ld-%d.tmp", (long)child, i);
    unlink(in_folder(left));
  }
  assert_int_equal(count_files(), 1);
  unlink(path);
}

static void an_open_reader_keeps_its_file(void **state) {
  (void)state;
  const char *path = in_folder("a");
  char b[4] = "";
  struct mxi_reader *r = NULL;
  assert_int_equal(write_file(path, "old"), MX_OK);
  assert_int_equal(mxi_reader_open(path, &r, &error), MX_OK);
  assert_int_equal(write_file(path, "new!"), MX_OK);
  unlink(path);
  assert_int_equal(mxi_reader_read(mxi_reader_retain(r), 0, b, 3, &error), MX_OK);
  assert_string_equal(b, "old");
  assert_int_equal(mxi_reader_read(r, 1, b, 3, &error), MX_ERR_IO);
  assert_int_equal(mxi_reader_read(r, UINT64_MAX, b, 3, &error), MX_ERR_IO);
  mxi_reader_release(r);
  mxi_reader_release(r);
}

static void reads_outside_are_refused(void **state) {
  (void)state;
  char b[8];
  struct mxi_reader *r = NULL;
  assert_int_equal(mxi_reader_memory("abcd", 4, &r, &error), MX_OK);
  assert_int_equal(mxi_reader_read(r, 4, b, 0, &error), MX_OK);
  assert_int_equal(mxi_reader_read(r, 0, b, 5, &error), MX_ERR_IO);
  assert_int_equal(mxi_reader_read(r, 5, b, 0, &error), MX_ERR_IO);
  assert_int_equal(mxi_reader_read(r, UINT64_MAX, b, 2, &error), MX_ERR_IO);
  assert_int_equal(mxi_reader_read(r, 2, b, SIZE_MAX, &error), MX_ERR_IO);
  mxi_reader_release(r);
}

static void a_file_cut_after_opening_is_an_error(void **state) {
  (void)state;
  const char *path = in_folder("a");
  char b[4];
  struct mxi_reader *r = NULL;
  assert_int_equal(write_file(path, "whole"), MX_OK);
  assert_int_equal(mxi_reader_open(path, &r, &error), MX_OK);
  assert_int_equal(truncate(path, 2), 0);
  assert_int_equal(mxi_reader_read(r, 0, b, 4, &error), MX_ERR_IO);
  assert_non_null(strstr(error.text, "became shorter"));
  mxi_reader_release(r);
  unlink(path);
}

static void permissions_and_links_are_kept(void **state) {
  (void)state;
  struct stat st;
  assert_int_equal(write_file(in_folder("a"), "old"), MX_OK);
  assert_int_equal(chmod(in_folder("a"), 0640), 0);
  assert_int_equal(symlink("a", in_folder("link")), 0);
  assert_int_equal(write_file(in_folder("link"), "new"), MX_OK);
  assert_holds(in_folder("a"), "new");
  assert_int_equal(lstat(in_folder("link"), &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat(in_folder("a"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
  unlink(in_folder("link"));
  unlink(in_folder("a"));
}

static void new_files_follow_the_umask(void **state) {
  (void)state;
  struct stat st;
  mode_t before = umask(027);
  assert_int_equal(write_file(in_folder("a"), "x"), MX_OK);
  umask(before);
  assert_int_equal(stat(in_folder("a"), &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
  unlink(in_folder("a"));
}

static void what_is_not_a_file_is_refused_or_written_through(void **state) {
  (void)state;
  struct stat st;
  struct mxi_reader *r = NULL;
  assert_int_equal(mxi_reader_open(in_folder("none"), &r, &error), MX_ERR_IO);
  assert_string_equal(error.text, "cannot open: no such file or directory");
  assert_int_equal(mxi_reader_open(folder, &r, &error), MX_ERR_IO);
  assert_string_equal(error.text, "cannot open: it is a directory");
  assert_int_equal(mxi_reader_open("/dev/null", &r, &error), MX_ERR_IO);
  assert_string_equal(error.text, "cannot open: not a regular file");
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  assert_int_equal(mxi_reader_open(in_folder("pipe"), &r, &error), MX_ERR_IO); /* and does not wait for a writer */
  unlink(in_folder("pipe"));
  assert_int_equal(write_file(folder, "x"), MX_ERR_IO);
  assert_int_equal(write_file(in_folder("none/a"), "x"), MX_ERR_IO);
  assert_string_equal(error.text, "cannot write: no such file or directory");
  assert_int_equal(write_file("/dev/null", "x"), MX_OK);
  assert_int_equal(stat("/dev/null", &st), 0);
  assert_true(S_ISCHR(st.st_mode));
  assert_int_equal(count_files(), 0);
}

static void a_full_disk_is_an_error(void **state) {
  (void)state;
  if (access("/dev/full", W_OK)) skip();
  assert_int_equal(write_file("/dev/full", "x"), MX_ERR_IO);
  assert_string_equal(error.text, "cannot write: no space left on device");
}

static void long_names_are_errors(void **state) {
  (void)state;
  char name[6000], path[6300];
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = '\0';
  assert_int_equal(write_file(name, "x"), MX_ERR_IO);
  name[300] = '\0';
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(write_file(path, "x"), MX_ERR_IO);
  assert_int_equal(count_files(), 0);
  name[255] = '\0'; /* as long as a name may be: the temporary one must not be longer */
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(write_file(path, "x"), MX_OK);
  unlink(path);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  const char *path = in_folder("a");
  assert_int_equal(write_file(path, "old"), MX_OK);
  for (int64_t n = 1;; n++) {
    mxi_memory_fail_at(n);
    mx_status st = write_file(path, "new");
    mxi_memory_fail_at(0);
    if (!st) break;
    assert_int_equal(st, MX_ERR_MEMORY);
    assert_holds(path, "old");
    assert_int_equal(count_files(), 1);
    assert_true(n < 50);
  }
  assert_holds(path, "new");
  struct mxi_reader *r = NULL;
  mxi_memory_fail_at(1);
  assert_int_equal(mxi_reader_open(path, &r, &error), MX_ERR_MEMORY);
  mxi_memory_fail_at(0);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(headers_as_python_writes_them_are_read),
      cmocka_unit_test(every_version_is_read),
      cmocka_unit_test(bad_headers_are_refused),
      cmocka_unit_test(rank_is_limited),
      cmocka_unit_test(every_cut_of_a_file_is_refused),
      cmocka_unit_test(header_text_is_numpys),
      cmocka_unit_test(every_dtype_makes_the_round_trip),
      cmocka_unit_test(big_endian_elements_are_turned_round),
      cmocka_unit_test(bools_become_zero_or_one),
      cmocka_unit_test(a_file_appears_whole_or_not_at_all),
      cmocka_unit_test(a_crash_leaves_the_old_file),
      cmocka_unit_test(an_open_reader_keeps_its_file),
      cmocka_unit_test(reads_outside_are_refused),
      cmocka_unit_test(a_file_cut_after_opening_is_an_error),
      cmocka_unit_test(permissions_and_links_are_kept),
      cmocka_unit_test(new_files_follow_the_umask),
      cmocka_unit_test(what_is_not_a_file_is_refused_or_written_through),
      cmocka_unit_test(a_full_disk_is_an_error),
      cmocka_unit_test(long_names_are_errors),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* Readers and writers over files. A reader keeps its descriptor, so what it reads is the file that was opened, whatever
 * happens to the name since. A writer fills a new file in the same folder and renames it: start at mxi_writer_open. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/stream.h"

#define TRANSFER_MAX ((size_t)1 << 30) /* one call of read or write; Linux stops short of 2^31 */

/* Not strerror: its text follows the user's language, and not every system lets two threads ask. */
static const char *errno_text(int code) {
  static const struct {
    int code;
    const char *text;
  } texts[] = {
      {ENOENT, "no such file or directory"},
      {EACCES, "permission denied"},
      {EPERM, "operation not permitted"},
      {EISDIR, "it is a directory"},
      {ENOTDIR, "not a directory"},
      {ENOSPC, "no space left on device"},
      {EROFS, "read-only file system"},
      {EMFILE, "too many open files"},
      {ENFILE, "too many open files"},
      {ENAMETOOLONG, "the name is too long"},
      {ELOOP, "too many links"},
      {EFBIG, "the file is too large"},
      {EDQUOT, "disk quota exceeded"},
      {EIO, "input/output error"},
      {EPIPE, "broken pipe"},
      {ENOMEM, "out of memory"},
      {ETXTBSY, "the file is in use"},
      {EBUSY, "the file is in use"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].code == code) return texts[i].text;
  return NULL;
}

static mx_status fail_errno(struct mxi_io_error *e, const char *what, int code) {
  const char *text = errno_text(code);
  if (text) return mxi_io_fail(e, MX_ERR_IO, "%s: %s", what, text);
  return mxi_io_fail(e, MX_ERR_IO, "%s: system error %d", what, code);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
struct file_reader {
  struct mxi_reader base;
  int fd;
};

static mx_status file_read(struct mxi_reader *r, uint64_t offset, void *out, size_t nbytes, struct mxi_io_error *e) {
  char *p = out;
  while (nbytes) {
    ssize_t got = pread(((struct file_reader *)r)->fd, p, nbytes < TRANSFER_MAX ? nbytes : TRANSFER_MAX, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(e, "cannot read", errno);
    if (!got) return mxi_io_fail(e, MX_ERR_IO, "truncated: the file became shorter after it was opened");
    p += got;
    offset += (uint64_t)got;
    nbytes -= (size_t)got;
  }
  return MX_OK;
}

static void file_close(struct mxi_reader *r) {
  close(((struct file_reader *)r)->fd);
  mxi_free(r);
}

/* A regular file, or -1 with the message set. O_NONBLOCK: a pipe without a writer must not hold us. */
static int open_regular(const char *path, uint64_t *size, struct mxi_io_error *e) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    fail_errno(e, "cannot open", errno);
    return -1;
  }
  struct stat st;
  if (fstat(fd, &st)) {
    fail_errno(e, "cannot open", errno);
  } else if (S_ISDIR(st.st_mode)) {
    fail_errno(e, "cannot open", EISDIR);
  } else if (!S_ISREG(st.st_mode)) {
    mxi_io_fail(e, MX_ERR_IO, "cannot open: not a regular file");
  } else {
    *size = (uint64_t)st.st_size;
    return fd;
  }
  close(fd);
  return -1;
}

mx_status mxi_reader_open(const char *path, struct mxi_reader **out, struct mxi_io_error *e) {
  uint64_t size = 0;
  int fd = open_regular(path, &size, e);
  if (fd < 0) return MX_ERR_IO;
  struct file_reader *r = mxi_malloc(sizeof *r);
  if (!r) {
    close(fd);
    return mxi_io_fail_memory(e);
  }
  r->base = (struct mxi_reader){file_read, file_close, size, 1};
  r->fd = fd;
  *out = &r->base;
  return MX_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
struct file_writer {
  struct mxi_writer base;
  int fd;
  bool direct; /* no temporary file: `path` is a pipe or a device */
  char *path;  /* what close renames to, links resolved */
  char *temporary;
  size_t folder; /* length of the part of both that names the folder, its slash included */
};

static mx_status file_write(struct mxi_writer *w, const void *data, size_t nbytes, struct mxi_io_error *e) {
  const char *p = data;
  while (nbytes) {
    ssize_t put = write(((struct file_writer *)w)->fd, p, nbytes < TRANSFER_MAX ? nbytes : TRANSFER_MAX);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(e, "cannot write", errno);
    p += put;
    nbytes -= (size_t)put;
  }
  return MX_OK;
}

static void file_free(struct file_writer *f) {
  mxi_free(f->path);
  mxi_free(f->temporary);
  mxi_free(f);
}

static void file_abort(struct mxi_writer *w) {
  struct file_writer *f = (struct file_writer *)w;
  if (f->fd >= 0) close(f->fd);
  if (!f->direct && f->temporary[0]) unlink(f->temporary);
  file_free(f);
}

/* Makes the rename last; a file system that cannot sync a folder has nothing better to offer. */
static void sync_folder(struct file_writer *f) {
  f->temporary[f->folder] = '\0';
  int fd = open(f->folder ? f->temporary : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static mx_status file_commit(struct mxi_writer *w, struct mxi_io_error *e) {
  struct file_writer *f = (struct file_writer *)w;
  int failed = !f->direct && fsync(f->fd) ? errno : 0;
  if (close(f->fd) && !failed && errno != EINTR) failed = errno;
  f->fd = -1;
  if (!failed && !f->direct && rename(f->temporary, f->path)) failed = errno;
  if (failed) {
    file_abort(w);
    return fail_errno(e, "cannot write", failed);
  }
  if (!f->direct) sync_folder(f);
  file_free(f);
  return MX_OK;
}

/* `path` with links resolved where it exists; NULL without memory. */
static char *resolve(const char *path) {
  char *real = realpath(path, NULL);
  const char *source = real ? real : path;
  char *copy = mxi_malloc(strlen(source) + 1);
  if (copy) strcpy(copy, source);
  free(real);
  return copy;
}

/* A new file beside f->path, named so that no two writers of any process choose the same. */
static mx_status open_temporary(struct file_writer *f, mode_t mode, struct mxi_io_error *e) {
  static _Atomic unsigned counter;
  const char *slash = strrchr(f->path, '/');
  f->folder = slash ? (size_t)(slash - f->path) + 1 : 0;
  size_t size = f->folder + 64;
  f->temporary = mxi_malloc(size);
  if (!f->temporary) return mxi_io_fail_memory(e);
  for (int tries = 0; tries < 1000; tries++) {
    snprintf(f->temporary, size, "%.*s.mica-%ld-%u.tmp", (int)f->folder, f->path, (long)getpid(),
             atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed));
    f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (f->fd >= 0 || errno != EEXIST) break;
  }
  if (f->fd >= 0) return MX_OK;
  int code = errno;
  f->temporary[0] = '\0'; /* nothing to remove */
  return fail_errno(e, "cannot write", code);
}

static mx_status open_target(struct file_writer *f, struct mxi_io_error *e) {
  struct stat st;
  bool exists = !stat(f->path, &st);
  if (exists && S_ISDIR(st.st_mode)) return fail_errno(e, "cannot write", EISDIR);
  f->direct = exists && !S_ISREG(st.st_mode);
  if (f->direct) {
    f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
    return f->fd < 0 ? fail_errno(e, "cannot write", errno) : MX_OK;
  }
  if (exists && access(f->path, W_OK)) return fail_errno(e, "cannot write", errno);
  mx_status status = open_temporary(f, 0666, e);
  if (!status && exists && fchmod(f->fd, st.st_mode & 07777)) return fail_errno(e, "cannot write", errno);
  return status;
}

mx_status mxi_writer_open(const char *path, struct mxi_writer **out, struct mxi_io_error *e) {
  if (strlen(path) >= PATH_MAX) return fail_errno(e, "cannot write", ENAMETOOLONG);
  struct file_writer *f = mxi_calloc(sizeof *f);
  if (!f) return mxi_io_fail_memory(e);
  f->base = (struct mxi_writer){file_write, file_commit, file_abort};
  f->fd = -1;
  f->path = resolve(path);
  mx_status st = f->path ? open_target(f, e) : mxi_io_fail_memory(e);
  if (!st) {
    *out = &f->base;
    return MX_OK;
  }
  if (f->temporary)
    file_abort(&f->base);
  else
    file_free(f);
  return st;
}

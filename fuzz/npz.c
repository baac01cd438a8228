/* Any bytes as an .npz archive: every member that can be opened is read twice, header first and then to its end, and
 * both ways of reading must agree. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/npy.h"
#include "io/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBER_MAX  ((uint64_t)1 << 22)
#define MEMBERS_MAX 64

static void require(bool ok) {
  if (!ok) abort();
}

/* The whole member in one read equals what reading it in two gives. */
static void check_member(struct mxi_reader *r, const struct mxi_npy *npy) {
  struct mxi_io_error e;
  size_t size = (size_t)r->size;
  char *whole = mxi_malloc(size), *tail = mxi_malloc(npy->nbytes);
  if (whole && tail && npy->offset + npy->nbytes == r->size) {
    mx_status a = mxi_reader_read(r, 0, whole, size, &e);
    mx_status b = mxi_reader_read(r, npy->offset, tail, npy->nbytes, &e);
    require(a == b);
    require(a || !npy->nbytes || !memcmp(whole + npy->offset, tail, npy->nbytes));
  }
  mxi_free(whole);
  mxi_free(tail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mxi_io_error e;
  struct mxi_reader *source = NULL;
  struct mxi_zip zip;
  if (mxi_reader_memory(data, size, &source, &e)) return 0;
  if (!mxi_zip_open(source, &zip, &e)) {
    for (size_t i = 0; i < zip.count && i < MEMBERS_MAX; i++) {
      struct mxi_reader *r = NULL;
      struct mxi_npy npy;
      if (mxi_zip_read_member(&zip, &zip.members[i], &r, &e)) continue;
      if (r->size <= MEMBER_MAX && !mxi_npy_read_header(r, &npy, &e)) check_member(r, &npy);
      mxi_reader_release(r);
    }
    mxi_zip_find(&zip, "arr_0");
    mxi_zip_close(&zip);
  }
  mxi_reader_release(source);
  return 0;
}

/* Any bytes as an .npy file: the header parser and the payload reader must refuse or read them, never crash. What is
 * read is written again and must come back the same. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
  if (!ok) abort();
}

static void check_round_trip(const struct mxi_npy *npy, const void *elements) {
  struct mxi_io_error e;
  struct mxi_memory file;
  struct mxi_writer *w = NULL;
  struct mxi_reader *r = NULL;
  struct mxi_npy again;
  require(!mxi_writer_memory(&file, &w, &e));
  mx_status st = mxi_npy_write(w, npy->dtype, npy->ndim, npy->shape, elements, npy->nbytes, &e);
  require(!mxi_writer_end(w, st, &e));
  require(!mxi_reader_memory(file.data, file.size, &r, &e));
  require(!mxi_npy_read_header(r, &again, &e));
  require(again.dtype == npy->dtype && again.ndim == npy->ndim && again.nbytes == npy->nbytes);
  require(!memcmp(again.shape, npy->shape, sizeof npy->shape));
  require(!npy->nbytes || !memcmp(file.data + again.offset, elements, npy->nbytes));
  mxi_reader_release(r);
  mxi_free(file.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mxi_io_error e;
  struct mxi_reader *r = NULL;
  struct mxi_npy npy;
  if (mxi_reader_memory(data, size, &r, &e)) return 0;
  if (!mxi_npy_read_header(r, &npy, &e)) {
    void *elements = mxi_malloc(npy.nbytes);
    require(npy.nbytes <= size);
    if (elements && !mxi_npy_read_elements(r, &npy, elements, &e)) check_round_trip(&npy, elements);
    mxi_free(elements);
  }
  mxi_reader_release(r);
  return 0;
}

/* The .npy format: one array, a text header and its elements. Versions 1.0 to 3.0 are read, 1.0 is written, byte for
 * byte as NumPy writes it. bfloat16, which the format has no word for, is '<V2', as MLX and ml_dtypes write it. */
#ifndef MXI_IO_NPY_H
#define MXI_IO_NPY_H

#include "core/node.h"
#include "io/stream.h"

/* What a header says, checked: every product fits, and the elements lie inside the file. */
struct mxi_npy {
  mx_dtype dtype;
  bool swapped;       /* big-endian: mxi_npy_read_elements turns the bytes round */
  bool fortran_order; /* the elements are those of the transpose, row-major: shape reversed */
  int ndim;
  int64_t shape[MXI_MAX_NDIM];
  uint64_t offset; /* of the elements */
  size_t nbytes;   /* of the elements */
};

/* Reads and checks the header. MX_ERR_IO: not an .npy file, truncated, or malformed. MX_ERR_VALUE: a dtype, rank or
 * size that mica does not have. */
mx_status mxi_npy_read_header(struct mxi_reader *r, struct mxi_npy *npy, struct mxi_io_error *e);

/* Reads npy->nbytes of elements into `out`, native byte order, bools 0 or 1. */
mx_status mxi_npy_read_elements(struct mxi_reader *r, const struct mxi_npy *npy, void *out, struct mxi_io_error *e);

#define MXI_NPY_HEADER_MAX 2048 /* holds MXI_MAX_NDIM sizes of 19 digits */

struct mxi_npy_header {
  size_t size;
  char text[MXI_NPY_HEADER_MAX];
};

/* The header of a row-major array, magic and padding included: its size is a multiple of 64. */
void mxi_npy_header_make(struct mxi_npy_header *h, mx_dtype dtype, int ndim, const int64_t *shape);

/* Header and row-major elements. */
mx_status mxi_npy_write(struct mxi_writer *w, mx_dtype dtype, int ndim, const int64_t *shape, const void *data,
                        size_t nbytes, struct mxi_io_error *e);

#endif

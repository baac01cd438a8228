/* Arrays and numbers as text, the way MLX prints them, whatever the locale and the rounding mode of the process. */
#ifndef MXI_IO_FORMAT_H
#define MXI_IO_FORMAT_H

#include "core/dtype.h"

/* Text that grows to the right and is cut at `size`, as snprintf does it; `length` counts on. */
struct mxi_text {
  char *at;
  size_t size, length;
};

void mxi_text_put(struct mxi_text *t, const char *s, size_t n);
void mxi_text_end(struct mxi_text *t); /* writes the terminator where size > 0 */

#define MXI_PRECISION_DEFAULT (-1) /* six significant digits, as %g; n >= 0: n decimals, as %.nf */

/* One number, correctly rounded, halves to even. */
void mxi_text_double(struct mxi_text *t, double v, int precision);

/* "array([1, 2, ..., 9], dtype=int32)" for row-major `data`: axes longer than 6 show 3 items at each end. */
void mxi_text_array(struct mxi_text *t, mx_dtype dtype, int ndim, const int64_t *shape, const void *data,
                    int precision);

#endif

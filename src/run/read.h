/* Reading values: evaluated, row-major memory of an array. */
#ifndef MXI_RUN_READ_H
#define MXI_RUN_READ_H

#include "core/ctx.h"

/* The elements of `a`, row-major; evaluates, and copies a view once. NULL with c's error set. */
const void *mxi_read(struct mxi_ctx *c, const char *who, mx_array a);
const void *mxi_data(struct mxi_ctx *c, mx_array a);      /* the same, for a pointer that is given away */
const void *mxi_read_item(struct mxi_ctx *c, mx_array a); /* the one element; MX_ERR_VALUE when there is not exactly one */
/* Arrays from C memory, as mx_from_data and mx_from_data_managed. */
mx_array mxi_allocate(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, void **data); /* elements undefined, at *data */
mx_array mxi_from_data(struct mxi_ctx *c, const void *data, mx_ints shape, mx_dtype dtype);
mx_array mxi_from_data_managed(struct mxi_ctx *c, void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *user), void *user);
/* One element of a dtype, converted. */
double mxi_load_f64(const void *at, mx_dtype dtype);
int64_t mxi_load_i64(const void *at, mx_dtype dtype);

#endif

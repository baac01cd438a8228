/* Reading values: evaluated, row-major memory of an array. */
#ifndef MXI_RUN_READ_H
#define MXI_RUN_READ_H

#include "core/ctx.h"

/* The elements of `a`, row-major; evaluates, and copies a view once. NULL with c's error set. */
const void *mxi_read(struct mxi_ctx *c, const char *who, mx_array a);
/* One element of a dtype, converted. */
double mxi_load_f64(const void *at, mx_dtype dtype);
int64_t mxi_load_i64(const void *at, mx_dtype dtype);

#endif

/* The text of an array, for people. */
#include "core/thread.h"
#include "io/files.h"
#include "io/format.h"
#include "run/read.h"

#define DECIMALS_MAX 1100 /* the smallest float64 has 1074 */

/* False with an error where the options make no sense. */
static bool read_options(struct mxi_ctx *c, const mx_format_options *options, int *precision) {
  *precision = MXI_PRECISION_DEFAULT;
  if (!options) return true;
  if (options->size >= offsetof(mx_format_options, precision) + sizeof options->precision && options->precision >= 0) *precision = options->precision;
  if (*precision <= DECIMALS_MAX) return true;
  mxi_fail(c, MX_ERR_VALUE, "[format] %d decimals are more than %d", *precision, DECIMALS_MAX);
  return false;
}

mx_status mxi_format(struct mxi_ctx *c, mx_array a, const mx_format_options *options, char *buf, size_t size, size_t *needed) {
  struct mxi_text t = {buf, buf ? size : 0, 0};
  const void *data = NULL;
  int precision;
  bool ok = !mxi_unusable(a) || mxi_refuse(c, "format", "a", a);
  if (ok && !c->code && read_options(c, options, &precision)) data = mxi_read(c, "format", a);
  if (data) mxi_text_array(&t, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), data, precision);
  mxi_text_end(&t);
  *needed = t.length;
  return c->code;
}

size_t mx_format_with(mx_array a, const mx_format_options *options, char *buf, size_t size) {
  size_t needed;
  mxi_format(mxi_ctx_thread(), a, options, buf, size, &needed);
  return needed;
}

size_t mx_format(mx_array a, char *buf, size_t size) { return mx_format_with(a, NULL, buf, size); }

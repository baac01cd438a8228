/* The text of an array, for people. */
#include "core/thread.h"
#include "io/files.h"
#include "io/format.h"
#include "run/read.h"

mx_status mxi_format(struct mxi_ctx *c, mx_array a, char *buf, size_t size, size_t *needed) {
  struct mxi_text t = {buf, buf ? size : 0, 0};
  const void *data = NULL;
  bool ok = !mxi_unusable(a) || mxi_refuse(c, "format", "a", a);
  if (ok && !c->code) data = mxi_read(c, "format", a);
  if (data) mxi_text_array(&t, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), data, MXI_PRECISION_DEFAULT);
  mxi_text_end(&t);
  *needed = t.length;
  return c->code;
}

size_t mx_format(mx_array a, char *buf, size_t size) {
  size_t needed;
  mxi_format(mxi_ctx_thread(), a, buf, size, &needed);
  return needed;
}

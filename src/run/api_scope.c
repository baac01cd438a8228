/* The public functions for scopes, errors and references. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/thread.h"

MX_API mx_scope mx_scope_begin(void) { return (mx_scope){mxi_ctx_thread()->top}; }

MX_API void mx_scope_end(mx_scope s) { mxi_sweep(mxi_ctx_thread(), s.mark); }

MX_API mx_array mx_scope_end_keep(mx_scope s, mx_array result) { return mxi_keep(mxi_ctx_thread(), s.mark, result); }

MX_API mx_array mx_retain(mx_array a) {
  if (a) mxi_retain(a);
  return a;
}

MX_API void mx_release(mx_array a) {
  if (a) mxi_release(a);
}

MX_API void mx_set(mx_array *slot, mx_array a) {
  if (!a || !slot) return;
  mxi_retain(a);
  mx_array old = *slot;
  *slot = a;
  if (old) mxi_release(old);
}

MX_API void mx_clear(mx_array *slot) {
  if (!slot || !*slot) return;
  mxi_release(*slot);
  *slot = NULL;
}

MX_API mx_status mx_raise(mx_status code, const char *format, ...) {
  struct mxi_ctx *c = mxi_ctx_thread();
  char message[MXI_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  if (!format) format = " ";
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  mxi_fail(c, code, "%s", message);
  return code == MX_OK ? MX_ERR_VALUE : code;
}

MX_API mx_status mx_error(void) { return mxi_ctx_thread()->code; }

MX_API const char *mx_error_message(void) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code ? c->message : "";
}

MX_API mx_status mx_error_take(char *buf, size_t size) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_status code = c->code;
  if (buf && size) snprintf(buf, size, "%s", code ? c->message : "");
  c->code = MX_OK;
  c->message[0] = 0;
  return code;
}

MX_API void mx_error_clear(void) { mx_error_take(NULL, 0); }

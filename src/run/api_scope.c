/* The public functions for scopes, errors and references. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/thread.h"

MX_API mx_scope mx_scope_begin(void) {
  mx_scope s = {mxi_ctx_thread()->top};
  mxi_scope_begun(s.mark);
  return s;
}

MX_API void mx_scope_end(mx_scope s) {
  mxi_scope_ended(s.mark);
  mxi_sweep(mxi_ctx_thread(), s.mark);
}

MX_API mx_array mx_scope_end_keep(mx_scope s, mx_array result) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mxi_scope_ended(s.mark);
  if (mxi_stale(result)) result = mxi_refuse(c, "scope_end_keep", "result", result);
  return mxi_handle_moved(mxi_keep(c, s.mark, result));
}

MX_API mx_array mx_retain(mx_array a) {
  if (!a || !mxi_handle_take("retain", a)) return NULL;
  mxi_retain(a);
  return a;
}

MX_API void mx_release(mx_array a) {
  if (a && mxi_handle_drop("release", a)) mxi_release(a);
}

MX_API void mx_set(mx_array *slot, mx_array a) {
  if (!a || !slot || !mxi_handle_take("set", a)) return;
  mxi_retain(a);
  mx_array old = *slot;
  *slot = a;
  if (old && mxi_handle_drop("set", old)) mxi_release(old);
}

MX_API void mx_clear(mx_array *slot) {
  if (!slot || !*slot) return;
  if (mxi_handle_drop("clear", *slot)) mxi_release(*slot);
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

/* Errors, the stack of results, and the checks that many builders share. */
#include "core/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/prim.h"
#include "core/refs.h"

static void fail_v(struct mxi_ctx *c, mx_status code, const char *format, va_list args) {
  if (c->code != MX_OK) return;
  c->code = code == MX_OK ? MX_ERR_VALUE : code;
  c->is_about_axis = false;
  vsnprintf(c->message, sizeof c->message, format, args);
}

mx_array mxi_fail(struct mxi_ctx *c, mx_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fail_v(c, code, format, args);
  va_end(args);
  return NULL;
}

mx_status mxi_fail_status(struct mxi_ctx *c, mx_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fail_v(c, code, format, args);
  va_end(args);
  return c->code;
}

mx_array mxi_fail_memory(struct mxi_ctx *c, const char *who) { return mxi_fail(c, MX_ERR_MEMORY, "[%s] out of memory", who); }

mx_array mxi_null(struct mxi_ctx *c, const char *who, const char *name) {
  return mxi_fail(c, MX_ERR_VALUE, "[%s] argument `%s` is NULL", who, name);
}

bool mxi_refused(struct mxi_ctx *c, const char *who, const char *name, const mx_array *arrays, size_t count) {
  if (count && !arrays) return !mxi_null(c, who, name);
  for (size_t i = 0; i < count; i++)
    if (mxi_unusable(arrays[i])) return !mxi_refuse(c, who, name, arrays[i]);
  return false;
}

mx_array mxi_push_grown(struct mxi_ctx *c, mx_array owned) {
  if (!mxi_reserve(&c->stack, &c->capacity, c->top + 1, sizeof *c->stack)) {
    mxi_release(owned);
    return mxi_fail_memory(c, "scope");
  }
  return c->stack[c->top++] = owned;
}

void mxi_sweep(struct mxi_ctx *c, size_t mark) {
  struct mxi_thread *self = mxi_self();
  while (c->top > mark) {
    if (c->top > mark + 8) __builtin_prefetch(c->stack[c->top - 8], 1);
    mxi_release_by(c->stack[--c->top], self);
  }
  mxi_thread_poll(self);
}

mx_array mxi_keep_swept(struct mxi_ctx *c, size_t mark, mx_array result) {
  if (!result) {
    mxi_sweep(c, mark);
    return NULL;
  }
  mxi_retain(result);
  mxi_sweep(c, mark);
  return mxi_push(c, result);
}

mx_status mxi_keep_many(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count) {
  /* Room first: what is pushed below is at most what is there plus the results. */
  if (!mxi_reserve(&c->stack, &c->capacity, mark + count, sizeof *c->stack)) {
    mxi_sweep(c, mark);
    mxi_fail_memory(c, "scope");
    return c->code;
  }
  for (size_t i = 0; i < count; i++)
    if (results[i]) mxi_retain(results[i]);
  mxi_sweep(c, mark);
  for (size_t i = 0; i < count; i++)
    if (results[i]) c->stack[c->top++] = mxi_handle_moved(results[i]);
  return MX_OK;
}

mx_status mxi_publish(struct mxi_ctx *c, size_t mark, mx_array *results, size_t count) {
  if (count) memcpy(results, c->stack + mark, count * sizeof *results);
  return MX_OK;
}

bool mxi_axis(struct mxi_ctx *c, const char *who, int64_t axis, int ndim, int *out) {
  if (axis < -ndim || axis >= ndim) {
    bool is_first = c->code == MX_OK;
    mxi_fail(c, MX_ERR_VALUE, "[%s] axis %lld is out of range for an array with %d axes", who, (long long)axis, ndim);
    c->is_about_axis |= is_first;
    return false;
  }
  *out = (int)(axis < 0 ? axis + ndim : axis);
  return true;
}

bool mxi_axes(struct mxi_ctx *c, const char *who, mx_ints axes, int ndim, uint64_t *mask) {
  *mask = 0;
  if (axes.count == SIZE_MAX) {
    *mask = ndim == 64 ? UINT64_MAX : ((uint64_t)1 << ndim) - 1;
    return true;
  }
  if (axes.count && !axes.at) {
    mxi_null(c, who, "axes");
    return false;
  }
  for (size_t i = 0; i < axes.count; i++) {
    int axis;
    if (!mxi_axis(c, who, axes.at[i], ndim, &axis)) return false;
    if (*mask >> axis & 1) {
      mxi_fail(c, MX_ERR_VALUE, "[%s] axis %lld is named twice", who, (long long)axes.at[i]);
      return false;
    }
    *mask |= (uint64_t)1 << axis;
  }
  return true;
}

bool mxi_broadcast_shapes(struct mxi_ctx *c, const char *who, int a_ndim, const int64_t *a, int b_ndim, const int64_t *b,
                          int *out_ndim, int64_t *out) {
  int n = a_ndim > b_ndim ? a_ndim : b_ndim, shared = a_ndim < b_ndim ? a_ndim : b_ndim;
  for (int i = 1; i <= shared; i++) {
    int64_t x = a[a_ndim - i], y = b[b_ndim - i];
    if (x != y && x != 1 && y != 1) {
      mxi_fail(c, MX_ERR_SHAPE, "[%s] shapes %s and %s cannot be broadcast together", who,
               mxi_shape_text((char[96]){0}, 96, a_ndim, a), mxi_shape_text((char[96]){0}, 96, b_ndim, b));
      return false;
    }
  }
  for (int i = 1; i <= n; i++) { /* from the last axis on, since `out` may be `a` or `b` */
    int64_t x = i > a_ndim ? 1 : a[a_ndim - i], y = i > b_ndim ? 1 : b[b_ndim - i];
    out[n - i] = x == 1 ? y : x;
  }
  *out_ndim = n;
  return true;
}

bool mxi_can_be_counted(mx_dtype dtype, int ndim, const int64_t *shape) {
  int64_t n = (int64_t)mxi_itemsize(dtype);
  for (int i = 0; i < ndim; i++)
    if (shape[i] > 0 && __builtin_mul_overflow(n, shape[i], &n)) return false;
  return true;
}

bool mxi_check_shape(struct mxi_ctx *c, const char *who, mx_ints shape, mx_dtype dtype) {
  if ((unsigned)dtype >= MXI_DTYPE_COUNT) {
    mxi_fail(c, MX_ERR_DTYPE, "[%s] %d is not a dtype", who, (int)dtype);
    return false;
  }
  if (shape.count > MXI_MAX_NDIM || (shape.count && !shape.at)) {
    mxi_fail(c, MX_ERR_SHAPE, "[%s] a shape has at most %d axes", who, MXI_MAX_NDIM);
    return false;
  }
  for (size_t i = 0; i < shape.count; i++) {
    if (shape.at[i] >= 0) continue;
    mxi_fail(c, MX_ERR_SHAPE, "[%s] shape %s has a negative size", who,
             mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
    return false;
  }
  if (mxi_can_be_counted(dtype, (int)shape.count, shape.at)) return true;
  mxi_fail(c, MX_ERR_SHAPE, "[%s] an array of shape %s is larger than memory can be", who,
           mxi_shape_text((char[96]){0}, 96, (int)shape.count, shape.at));
  return false;
}

const char *mxi_shape_text(char *buf, size_t size, int ndim, const int64_t *shape) {
  size_t at = 0;
  at += (size_t)snprintf(buf, size, "(");
  for (int i = 0; i < ndim; i++) {
    if (at + 32 > size) {
      snprintf(buf + at, size - at, "...)");
      return buf;
    }
    at += (size_t)snprintf(buf + at, size - at, "%s%lld", i ? ", " : "", (long long)shape[i]);
  }
  snprintf(buf + at, size - at, ndim == 1 ? ",)" : ")");
  return buf;
}

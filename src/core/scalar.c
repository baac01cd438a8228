/* Scalars held in their node: plain ones, and weak literals. The value is kept as its kind's widest type (int64 for
 * bool and integers, double for floats, two floats for complex) and is already rounded to the node's dtype. */
#include "base/half.h"
#include "core/ctx.h"
#include "core/prim.h"
#include "core/scalar.h"

static double round_to(double v, mx_dtype dtype) {
  switch (dtype) {
    case MX_FLOAT16: return mxi_f16_to_f32(mxi_f32_to_f16((float)v));
    case MX_BFLOAT16: return mxi_bf16_to_f32(mxi_f32_to_bf16((float)v));
    case MX_FLOAT32: return (float)v;
    default: return v;
  }
}

/* Keeps the low bits, as a conversion between integers does. */
static int64_t wrap_to(int64_t v, mx_dtype dtype) {
  switch (dtype) {
    case MX_BOOL: return v != 0;
    case MX_UINT8: return (uint8_t)v;
    case MX_UINT16: return (uint16_t)v;
    case MX_UINT32: return (uint32_t)v;
    case MX_INT8: return (int8_t)v;
    case MX_INT16: return (int16_t)v;
    case MX_INT32: return (int32_t)v;
    default: return v;
  }
}

int64_t mxi_float_to_int(double v, mx_dtype dtype) {
  if (dtype == MX_BOOL) return v != 0;
  bool wide = mxi_itemsize(dtype) == 8;
  if (dtype == MX_UINT64 && v >= 9223372036854775808.0 && v < 18446744073709551616.0) return (int64_t)(uint64_t)v;
  if (wide) return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
  if (dtype == MX_UINT32 && v >= 0 && v < 4294967296.0) return (int64_t)v;
  return wrap_to(v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : INT32_MIN, dtype);
}

mx_array mxi_scalar_f(struct mxi_ctx *c, double v, mx_dtype dtype) {
  mx_array a = mxi_scalar_node(c, dtype, 0);
  MXI_TRY(a);
  if (mxi_kind(dtype) == MXI_KIND_COMPLEX)
    a->params.c = (mxi_c64){(float)v, 0};
  else if (mxi_is_float(dtype))
    a->params.f = round_to(v, dtype);
  else
    a->params.i = mxi_float_to_int(v, dtype);
  return a;
}

mx_array mxi_scalar_i(struct mxi_ctx *c, int64_t v, mx_dtype dtype) {
  if (mxi_is_inexact(dtype)) return mxi_scalar_f(c, (double)v, dtype);
  mx_array a = mxi_scalar_node(c, dtype, 0);
  MXI_TRY(a);
  a->params.i = wrap_to(v, dtype);
  return a;
}

mx_array mxi_scalar_c(struct mxi_ctx *c, double re, double im, mx_dtype dtype) {
  if (dtype != MX_COMPLEX64) return mxi_scalar_f(c, re, dtype);
  mx_array a = mxi_scalar_node(c, dtype, 0);
  MXI_TRY(a);
  a->params.c = (mxi_c64){(float)re, (float)im};
  return a;
}

double mxi_scalar_value(const struct mx_array_ *a) {
  if (mxi_kind((mx_dtype)a->dtype) == MXI_KIND_COMPLEX) return a->params.c.re;
  if (mxi_is_float((mx_dtype)a->dtype)) return a->params.f;
  return a->dtype == MX_UINT64 ? (double)a->params.u : (double)a->params.i;
}

void mxi_scalar_store(const struct mx_array_ *a, void *out) {
  switch ((mx_dtype)a->dtype) {
    case MX_BOOL: case MX_UINT8: case MX_INT8: *(uint8_t *)out = (uint8_t)a->params.i; return;
    case MX_UINT16: case MX_INT16: *(uint16_t *)out = (uint16_t)a->params.i; return;
    case MX_UINT32: case MX_INT32: *(uint32_t *)out = (uint32_t)a->params.i; return;
    case MX_UINT64: case MX_INT64: *(int64_t *)out = a->params.i; return;
    case MX_FLOAT16: *(uint16_t *)out = mxi_f32_to_f16((float)a->params.f); return;
    case MX_BFLOAT16: *(uint16_t *)out = mxi_f32_to_bf16((float)a->params.f); return;
    case MX_FLOAT32: *(float *)out = (float)a->params.f; return;
    case MX_FLOAT64: *(double *)out = a->params.f; return;
    case MX_COMPLEX64: *(mxi_c64 *)out = a->params.c; return;
  }
}

mx_array mxi_strong(struct mxi_ctx *c, mx_array a) {
  if (!(mxi_flags(a) & MXI_NODE_WEAK)) return a;
  return mxi_literal_as(c, "array", a, (mx_dtype)a->dtype);
}

static bool fits(int64_t v, mx_dtype dtype) {
  if (dtype == MX_BOOL) return v == 0 || v == 1;
  if (dtype == MX_UINT64) return v >= 0;
  return wrap_to(v, dtype) == v;
}

mx_array mxi_literal_as(struct mxi_ctx *c, const char *who, mx_array weak, mx_dtype dtype) {
  switch (mxi_kind((mx_dtype)weak->dtype)) {
    case MXI_KIND_COMPLEX: return mxi_scalar_c(c, weak->params.c.re, weak->params.c.im, dtype);
    case MXI_KIND_FLOAT: return mxi_scalar_f(c, weak->params.f, dtype);
    default:
      if (!mxi_is_inexact(dtype) && !fits(weak->params.i, dtype))
        return mxi_fail(c, MX_ERR_VALUE, "[%s] %lld does not fit %s", who, (long long)weak->params.i, mxi_dtype_names[dtype]);
      return mxi_scalar_i(c, weak->params.i, dtype);
  }
}

mx_array mxi_weak(struct mxi_ctx *c, enum mxi_kind kind, int64_t i, double re, double im) {
  mx_dtype dtype = kind == MXI_KIND_BOOL      ? MX_BOOL
                   : kind == MXI_KIND_COMPLEX ? MX_COMPLEX64
                   : kind == MXI_KIND_FLOAT   ? MX_FLOAT32
                   : i == (int32_t)i          ? MX_INT32
                                              : MX_INT64;
  mx_array a = mxi_scalar_node(c, dtype, MXI_NODE_WEAK);
  MXI_TRY(a);
  if (kind == MXI_KIND_COMPLEX)
    a->params.c = (mxi_c64){(float)re, (float)im};
  else if (kind == MXI_KIND_FLOAT)
    a->params.f = re; /* not rounded: a float64 operand takes all of it */
  else
    a->params.i = i;
  return a;
}

mx_dtype mxi_weak_result(const struct mx_array_ *weak, mx_dtype other) {
  enum mxi_kind w = mxi_kind((mx_dtype)weak->dtype), o = mxi_kind(other);
  if (w == MXI_KIND_SIGNED && o == MXI_KIND_UNSIGNED) w = o; /* one kind: integers */
  if (w <= o) return other;
  return w == MXI_KIND_SIGNED ? MX_INT32 : mxi_promote((mx_dtype)weak->dtype, other);
}

/* Numbers, memory in, memory out. */
#include <string.h>

#include "base/buffer.h"
#include "bind/own.h"
#include "core/scalar.h"
#include "io/files.h"
#include "ops/matmul.h"
#include "ops/random.h"
#include "run/read.h"
#include "run/run.h"

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static mx_array literal(mxb_ctx *ctx, enum mxi_kind kind, int64_t i, double re, double im) {
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_weak(ctx, kind, i, re, im));
}

mx_array mxb_scalar_b(mxb_ctx *ctx, bool v) { return literal(ctx, MXI_KIND_BOOL, v, 0, 0); }
mx_array mxb_scalar_i(mxb_ctx *ctx, int64_t v) { return literal(ctx, MXI_KIND_SIGNED, v, 0, 0); }
mx_array mxb_scalar_f(mxb_ctx *ctx, double v) { return literal(ctx, MXI_KIND_FLOAT, 0, v, 0); }
mx_array mxb_scalar_c(mxb_ctx *ctx, double re, double im) { return literal(ctx, MXI_KIND_COMPLEX, 0, re, im); }

static bool is_dtype(mxb_ctx *ctx, mx_dtype dtype) { return mxi_check_shape(ctx, "constant", MX_0D, dtype); }

mx_array mxb_constant_i(mxb_ctx *ctx, int64_t v, mx_dtype dtype) {
  size_t mark = ctx->top;
  return is_dtype(ctx, dtype) ? mxi_own(ctx, mark, mxi_scalar_i(ctx, v, dtype)) : NULL;
}

mx_array mxb_constant_f(mxb_ctx *ctx, double v, mx_dtype dtype) {
  size_t mark = ctx->top;
  return is_dtype(ctx, dtype) ? mxi_own(ctx, mark, mxi_scalar_f(ctx, v, dtype)) : NULL;
}

mx_array mxb_constant_c(mxb_ctx *ctx, double re, double im, mx_dtype dtype) {
  size_t mark = ctx->top;
  return is_dtype(ctx, dtype) ? mxi_own(ctx, mark, mxi_scalar_c(ctx, re, im, dtype)) : NULL;
}

mx_array mxb_from_data(mxb_ctx *ctx, const void *data, mx_ints shape, mx_dtype dtype) {
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_from_data(ctx, data, shape, dtype));
}

mx_array mxb_from_data_managed(mxb_ctx *ctx, void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *user), void *user) {
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_from_data_managed(ctx, data, shape, dtype, free_fn, user));
}

mx_array mxb_allocate(mxb_ctx *ctx, mx_ints shape, mx_dtype dtype, void **data) {
  if (!mxi_given(ctx, "allocate", "data", data)) return NULL;
  size_t mark = ctx->top;
  return mxi_own(ctx, mark, mxi_allocate(ctx, shape, dtype, data));
}

void mxb_random_state(uint32_t key[2]) { mxi_random_get_state(key); }
void mxb_random_set_state(const uint32_t key[2]) { mxi_random_set_state(key); }

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
/* An action on one array: false when it must not start. */
static bool starts(mxb_ctx *ctx, const char *who, mx_array a) { return !ctx->code && mxi_given_array(ctx, who, a); }

const void *mxb_data(mxb_ctx *ctx, mx_array a) { return starts(ctx, "data", a) ? mxi_data(ctx, a) : NULL; }

mx_status mxb_item(mxb_ctx *ctx, mx_array a, void *out) {
  if (!starts(ctx, "item", a) || !mxi_given(ctx, "item", "out", out)) return ctx->code;
  const void *p = mxi_read_item(ctx, a);
  if (!p) return ctx->code;
  memcpy(out, p, mxi_itemsize((mx_dtype)a->dtype));
  return MX_OK;
}

mx_status mxb_format_with(mxb_ctx *ctx, mx_array a, const mx_format_options *options, char *buf, size_t size, size_t *needed) {
  size_t length = 0;
  if (!starts(ctx, "format", a) || mxi_format(ctx, a, options, buf, size, &length)) return ctx->code;
  if (needed) *needed = length;
  return MX_OK;
}

mx_status mxb_format(mxb_ctx *ctx, mx_array a, char *buf, size_t size, size_t *needed) {
  return mxb_format_with(ctx, a, NULL, buf, size, needed);
}

static void copy_strides(const struct mx_array_ *a, int64_t *strides) {
  int64_t step = 1;
  for (int i = a->ndim - 1; i >= 0; i--) {
    strides[i] = a->strides ? a->strides[i] : step;
    step *= mxi_dims(a)[i];
  }
}

mx_status mxb_strides(mxb_ctx *ctx, mx_array a, int64_t *strides) {
  if (!starts(ctx, "strides", a) || (a->ndim && !mxi_given(ctx, "strides", "strides", strides))) return ctx->code;
  if (mxi_eval_one(ctx, a)) return ctx->code;
  copy_strides(a, strides);
  return MX_OK;
}

/* ---- Lending memory out ------------------------------------------------------------------------------------------ */
/* A number held in its node has memory once somebody has read it. */
static struct mxi_buffer *buffer_of(const struct mx_array_ *a) {
  return a->op == MXI_OP_scalar ? a->extra ? a->extra->contiguous : NULL : a->buffer;
}

mx_status mxb_export(mxb_ctx *ctx, mx_array a, mxb_exported *out, int64_t *strides) {
  if (!starts(ctx, "export", a) || !mxi_given(ctx, "export", "out", out) || mxi_eval_one(ctx, a)) return ctx->code;
  void *data;
  if (a->op == MXI_OP_scalar)
    data = (void *)(uintptr_t)mxi_read(ctx, "export", a);
  else
    data = a->buffer->data + mxi_offset(a);
  if (!data) return ctx->code;
  bool is_writable = a->op != MXI_OP_scalar && a->buffer->size_class >= 0;
  if (is_writable) atomic_store_explicit(&a->buffer->lent, true, memory_order_relaxed);
  atomic_fetch_add_explicit(&buffer_of(a)->exports, 1, memory_order_relaxed);
  mxi_retain(a);
  *out = (mxb_exported){
      .data = data, .shape = mxi_dims(a), .dtype = (mx_dtype)a->dtype, .ndim = a->ndim, .owner = a, .is_writable = is_writable};
  if (strides) copy_strides(a, strides);
  return MX_OK;
}

void mxb_export_end(mxb_exported *e) {
  if (!e || !e->owner) return;
  atomic_fetch_sub_explicit(&buffer_of(e->owner)->exports, 1, memory_order_release);
  mxi_release(e->owner);
  *e = (mxb_exported){0};
}

bool mxb_is_exported(mx_array a) {
  struct mxi_buffer *b = a && mxi_is_evaluated(a) ? buffer_of(a) : NULL;
  return b && atomic_load_explicit(&b->exports, memory_order_relaxed);
}

bool mxb_is_donatable(mx_array a) {
  struct mxi_buffer *b = a && mxi_is_evaluated(a) ? a->buffer : NULL;
  return b && mxi_buffer_donatable(b);
}

const void *mxb_block(mx_array a, size_t *nbytes) {
  const struct mxi_buffer *b = a && mxi_is_evaluated(a) ? a->buffer : NULL;
  if (nbytes) *nbytes = b ? b->nbytes : 0;
  return b;
}

mx_status mxb_einsum_path(mxb_ctx *ctx, const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2],
                          mx_einsum_cost *cost) {
  return ctx->code ? ctx->code : mxi_einsum_path(ctx, subscripts, operands, count, steps, cost);
}

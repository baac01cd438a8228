/* Public functions that make arrays from C memory, ask about them, and read them back. */
#include "run/read.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/half.h"
#include "base/memory.h"
#include "core/scalar.h"
#include "core/thread.h"
#include "run/run.h"

/* ---- Making ------------------------------------------------------------------------------------------------------ */
MX_API mx_array mx_bool(bool v) { return mxi_scalar_i(mxi_ctx_thread(), v, MX_BOOL); }
MX_API mx_array mx_i32(int32_t v) { return mxi_scalar_i(mxi_ctx_thread(), v, MX_INT32); }
MX_API mx_array mx_i64(int64_t v) { return mxi_scalar_i(mxi_ctx_thread(), v, MX_INT64); }
MX_API mx_array mx_f32(float v) { return mxi_scalar_f(mxi_ctx_thread(), v, MX_FLOAT32); }
MX_API mx_array mx_f64(double v) { return mxi_scalar_f(mxi_ctx_thread(), v, MX_FLOAT64); }
MX_API mx_array mx_c64(float re, float im) { return mxi_scalar_c(mxi_ctx_thread(), re, im, MX_COMPLEX64); }
MX_API mx_array mx_scalar_b(bool v) { return mxi_weak(mxi_ctx_thread(), MXI_KIND_BOOL, v, 0, 0); }
MX_API mx_array mx_scalar_i(int64_t v) { return mxi_weak(mxi_ctx_thread(), MXI_KIND_SIGNED, v, 0, 0); }
MX_API mx_array mx_scalar_f(double v) { return mxi_weak(mxi_ctx_thread(), MXI_KIND_FLOAT, 0, v, 0); }
MX_API mx_array mx_scalar_c(double re, double im) { return mxi_weak(mxi_ctx_thread(), MXI_KIND_COMPLEX, 0, re, im); }

static size_t shape_nbytes(mx_ints shape, mx_dtype dtype) {
  size_t n = mxi_itemsize(dtype);
  for (size_t i = 0; i < shape.count; i++) n *= (size_t)shape.at[i];
  return n;
}

static mx_array allocate(struct mxi_ctx *c, const char *who, mx_ints shape, mx_dtype dtype, void **data) {
  struct mxi_buffer *b = mxi_buffer_new(shape_nbytes(shape, dtype));
  if (!b) return mxi_fail_memory(c, who);
  mx_array a = mxi_node_from_buffer(c, b, dtype, (int)shape.count, shape.at);
  if (!a)
    mxi_buffer_release(b);
  else
    *data = b->data;
  return a;
}

mx_array mxi_allocate(struct mxi_ctx *c, mx_ints shape, mx_dtype dtype, void **data) {
  MXI_TRY(mxi_check_shape(c, "allocate", shape, dtype));
  return allocate(c, "allocate", shape, dtype, data);
}

mx_array mxi_from_data(struct mxi_ctx *c, const void *data, mx_ints shape, mx_dtype dtype) {
  MXI_TRY(mxi_check_shape(c, "from_data", shape, dtype));
  size_t nbytes = shape_nbytes(shape, dtype);
  if (!data && nbytes) return mxi_null(c, "from_data", "data");
  void *to;
  mx_array a = allocate(c, "from_data", shape, dtype, &to);
  if (a && nbytes) memcpy(to, data, nbytes);
  return a;
}

MX_API mx_array mx_from_data(const void *data, mx_ints shape, mx_dtype dtype) {
  return mxi_from_data(mxi_ctx_thread(), data, shape, dtype);
}

/* Bytes to which an element of this dtype is aligned: complex numbers are pairs of floats. */
static size_t alignment(mx_dtype dtype) { return dtype == MX_COMPLEX64 ? 4 : mxi_itemsize(dtype); }

mx_array mxi_from_data_managed(struct mxi_ctx *c, void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *user), void *user) {
  MXI_TRY(mxi_check_shape(c, "from_data_managed", shape, dtype));
  size_t nbytes = shape_nbytes(shape, dtype);
  if (!data && nbytes) return mxi_null(c, "from_data_managed", "data");
  if ((uintptr_t)data % alignment(dtype))
    return mxi_fail(c, MX_ERR_VALUE, "[from_data_managed] the pointer is not aligned to the %zu bytes of %s", alignment(dtype),
                    mxi_dtype_names[dtype]);
  struct mxi_buffer *b = mxi_buffer_wrap(data, nbytes, NULL, NULL);
  if (!b) return mxi_fail_memory(c, "from_data_managed");
  mx_array a = mxi_node_from_buffer(c, b, dtype, (int)shape.count, shape.at);
  if (!a) {
    mxi_buffer_release(b);
    return NULL;
  }
  b->free_ctx = user; /* only now: on failure the caller keeps the memory */
  b->free_fn = free_fn;
  return a;
}

MX_API mx_array mx_from_data_managed(void *data, mx_ints shape, mx_dtype dtype, void (*free_fn)(void *ctx), void *ctx) {
  return mxi_from_data_managed(mxi_ctx_thread(), data, shape, dtype, free_fn, ctx);
}

/* ---- Asking ------------------------------------------------------------------------------------------------------ */
/* False, with an error, for a handle that is NULL or, where that is known, dead. */
static bool given(const char *who, mx_array a) { return !mxi_unusable(a) || mxi_refuse(mxi_ctx_thread(), who, "a", a); }

MX_API mx_dtype mx_dtype_of(mx_array a) { return given("dtype_of", a) ? (mx_dtype)a->dtype : MX_FLOAT32; }
MX_API int mx_ndim(mx_array a) { return given("ndim", a) ? a->ndim : 0; }
MX_API mx_ints mx_shape(mx_array a) { return given("shape", a) ? (mx_ints){mxi_dims(a), a->ndim} : (mx_ints){NULL, 0}; }
MX_API int64_t mx_size(mx_array a) { return given("size", a) ? mxi_size(a) : 0; }
MX_API size_t mx_itemsize(mx_array a) { return given("itemsize", a) ? mxi_itemsize((mx_dtype)a->dtype) : 0; }
MX_API size_t mx_nbytes(mx_array a) { return given("nbytes", a) ? (size_t)mxi_size(a) * mxi_itemsize((mx_dtype)a->dtype) : 0; }
MX_API bool mx_is_evaluated(mx_array a) { return a && given("is_evaluated", a) && mxi_is_evaluated(a); }

MX_API int64_t mx_dim(mx_array a, int axis) {
  int at;
  if (!given("dim", a) || !mxi_axis(mxi_ctx_thread(), "dim", axis, a->ndim, &at)) return -1;
  return mxi_dims(a)[at];
}

MX_API mx_ints mx_strides(mx_array a) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code || !given("strides", a) || mxi_eval_one(c, a)) return (mx_ints){NULL, 0};
  if (!a->strides && a->ndim) {
    int64_t *strides = mxi_malloc(((size_t)a->ndim + 1) * sizeof *strides), step = 1;
    if (!strides) return mxi_fail_memory(c, "strides"), (mx_ints){NULL, 0};
    for (int i = a->ndim - 1; i >= 0; i--) {
      strides[i] = step;
      step *= mxi_dims(a)[i];
    }
    strides[a->ndim] = 0;
    mxi_graph_lock();
    if (a->strides) {
      mxi_free(strides);
    } else {
      a->strides = strides;
      atomic_fetch_or_explicit(&a->flags, MXI_NODE_BESIDE, memory_order_release);
    }
    mxi_graph_unlock();
  }
  return (mx_ints){a->strides, a->ndim};
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
static bool is_row_major(const struct mx_array_ *a) {
  if (!a->strides) return true;
  int64_t step = 1;
  const int64_t *d = mxi_dims(a);
  for (int i = a->ndim - 1; i >= 0; i--) {
    if (d[i] != 1 && a->strides[i] != step) return false;
    step *= d[i];
  }
  return true;
}

static void copy_strided(char *to, const char *from, int ndim, const int64_t *dims, const int64_t *strides, size_t itemsize) {
  int64_t index[MXI_MAX_NDIM] = {0};
  int64_t size = 1;
  for (int i = 0; i < ndim; i++) size *= dims[i];
  for (int64_t n = 0; n < size; n++) {
    memcpy(to, from, itemsize);
    to += itemsize;
    for (int i = ndim - 1; i >= 0; i--) {
      from += strides[i] * (int64_t)itemsize;
      if (++index[i] < dims[i]) break;
      from -= strides[i] * dims[i] * (int64_t)itemsize;
      index[i] = 0;
    }
  }
}

/* The value of a scalar, or the row-major copy of a view: kept beside the node, and made again only where somebody
 * outside may have written into the memory. */
static const void *attach_copy(struct mxi_ctx *c, const char *who, mx_array a) {
  size_t itemsize = mxi_itemsize((mx_dtype)a->dtype);
  bool is_scalar = a->op == MXI_OP_scalar;
  mxi_graph_lock();
  struct mxi_extra *x = mxi_node_extra(a);
  bool is_new = x && !x->contiguous;
  if (is_new) x->contiguous = mxi_buffer_new((size_t)mxi_size(a) * itemsize);
  if (is_new && is_scalar && x->contiguous) mxi_scalar_store(a, x->contiguous->data);
  if (x && x->contiguous && !is_scalar && (is_new || atomic_load_explicit(&a->buffer->lent, memory_order_relaxed)))
    copy_strided(x->contiguous->data, a->buffer->data + mxi_offset(a), a->ndim, mxi_dims(a), a->strides, itemsize);
  const void *data = x && x->contiguous ? x->contiguous->data : NULL;
  mxi_graph_unlock();
  return data ? data : (const void *)mxi_fail_memory(c, who);
}

const void *mxi_read(struct mxi_ctx *c, const char *who, mx_array a) {
  if (mxi_eval_one(c, a)) return NULL;
  if (a->op != MXI_OP_scalar && is_row_major(a)) return a->buffer->data + mxi_offset(a);
  return attach_copy(c, who, a);
}

double mxi_load_f64(const void *at, mx_dtype dtype) {
  switch (dtype) {
    case MX_FLOAT16: return mxi_f16_to_f32(*(const uint16_t *)at);
    case MX_BFLOAT16: return mxi_bf16_to_f32(*(const uint16_t *)at);
    case MX_FLOAT32:
    case MX_COMPLEX64: return *(const float *)at;
    case MX_FLOAT64: return *(const double *)at;
    case MX_UINT64: return (double)*(const uint64_t *)at;
    default: return (double)mxi_load_i64(at, dtype);
  }
}

int64_t mxi_load_i64(const void *at, mx_dtype dtype) {
  switch (dtype) {
    case MX_BOOL:
    case MX_UINT8: return *(const uint8_t *)at;
    case MX_UINT16: return *(const uint16_t *)at;
    case MX_UINT32: return *(const uint32_t *)at;
    case MX_INT8: return *(const int8_t *)at;
    case MX_INT16: return *(const int16_t *)at;
    case MX_INT32: return *(const int32_t *)at;
    case MX_UINT64:
    case MX_INT64: return *(const int64_t *)at;
    default: return mxi_float_to_int(mxi_load_f64(at, dtype), MX_INT64);
  }
}

/* An action: does nothing while an error is pending. */
static const void *read_action(const char *who, mx_array a) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (c->code || !given(who, a)) return NULL;
  return mxi_read(c, who, a);
}

const void *mxi_read_item(struct mxi_ctx *c, mx_array a) {
  if (mxi_size(a) == 1) return mxi_read(c, "item", a);
  return (const void *)mxi_fail(c, MX_ERR_VALUE, "[item] an array of shape %s has not exactly one element", MXI_SHAPE_TEXT(a));
}

static const void *read_item(mx_array a) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code || !given("item", a) ? NULL : mxi_read_item(c, a);
}

const void *mxi_data(struct mxi_ctx *c, mx_array a) {
  const void *p = mxi_read(c, "data", a);
  if (p && a->buffer) atomic_fetch_or_explicit(&a->buffer->exports, MXI_BUFFER_SEEN, memory_order_relaxed);
  return p;
}

MX_API const void *mx_data(mx_array a) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code || !given("data", a) ? NULL : mxi_data(c, a);
}

MX_API mx_status mx_item(mx_array a, void *out) {
  const void *p = read_item(a);
  if (p && !out) mxi_null(mxi_ctx_thread(), "item", "out");
  if (!p || !out) return mxi_ctx_thread()->code;
  memcpy(out, p, mxi_itemsize((mx_dtype)a->dtype));
  return MX_OK;
}

MX_API double mx_item_f64(mx_array a) {
  const void *p = read_item(a);
  return p ? mxi_load_f64(p, (mx_dtype)a->dtype) : NAN;
}

MX_API float mx_item_f32(mx_array a) { return (float)mx_item_f64(a); }

MX_API int64_t mx_item_i64(mx_array a) {
  const void *p = read_item(a);
  return p ? mxi_load_i64(p, (mx_dtype)a->dtype) : 0;
}

MX_API mx_status mx_copy_to(mx_array a, void *out, size_t nbytes) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (a && !mxi_stale(a) && !c->code && nbytes != (size_t)mxi_size(a) * mxi_itemsize((mx_dtype)a->dtype))
    return mxi_fail_status(c, MX_ERR_VALUE, "[copy_to] %zu bytes are not the size of an array of shape %s and dtype %s", nbytes,
                           MXI_SHAPE_TEXT(a), mxi_dtype_names[a->dtype]);
  const void *p = read_action("copy_to", a);
  if (!p) return c->code;
  if (!out && nbytes) {
    mxi_null(c, "copy_to", "out");
    return c->code;
  }
  if (nbytes) memcpy(out, p, nbytes);
  return MX_OK;
}

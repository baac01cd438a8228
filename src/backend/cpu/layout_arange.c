/* arange: item i is start + i * step. Integers wrap; floats are computed in float64 from the start and step that their
 * dtype can hold, and rounded once, so that no error builds up along the array. */
#include "backend/cpu/layout.h"
#include "base/half.h"
#include "base/pool.h"
#include "core/params.h"

#define GRAIN (16 << 10)

struct arange_run {
  void *out;
  double start, step;
  uint64_t istart, istep;
};

#define INTEGERS(name, T)                                                            \
  static void fill_##name(void *arg, int64_t begin, int64_t end, int slot) {         \
    (void)slot;                                                                      \
    const struct arange_run *r = arg;                                                \
    T *out = r->out, start = (T)r->istart, step = (T)r->istep;                       \
    for (int64_t i = begin; i < end; i++) out[i] = (T)(start + (T)((T)i * (uint64_t)step)); \
  }
#define FLOATS(name, T, MAKE)                                                              \
  static void fill_##name(void *arg, int64_t begin, int64_t end, int slot) {               \
    (void)slot;                                                                            \
    const struct arange_run *r = arg;                                                      \
    T *out = r->out;                                                                       \
    for (int64_t i = begin; i < end; i++) out[i] = MAKE(r->start + (double)i * r->step);   \
    if (begin == 0) out[0] = MAKE(r->start); /* also where the step is infinite */         \
  }
#define COMPLEX(x) ((mxi_c64){(float)(x), 0})

INTEGERS(u8, uint8_t)
INTEGERS(u16, uint16_t)
INTEGERS(u32, uint32_t)
INTEGERS(u64, uint64_t)
FLOATS(f32, float, (float))
FLOATS(f64, double, )
FLOATS(f16, uint16_t, mxi_f32_to_f16)
FLOATS(bf16, uint16_t, mxi_f32_to_bf16)
FLOATS(c64, mxi_c64, COMPLEX)

static double round_to(double v, mx_dtype dtype) {
  switch (dtype) {
    case MX_FLOAT16: return mxi_f16_to_f32(mxi_f32_to_f16((float)v));
    case MX_BFLOAT16: return mxi_bf16_to_f32(mxi_f32_to_bf16((float)v));
    case MX_FLOAT64: return v;
    default: return (float)v;
  }
}

static mxi_chunk_fn fill_of(mx_dtype dtype) {
  switch (dtype) {
    case MX_FLOAT16: return fill_f16;
    case MX_BFLOAT16: return fill_bf16;
    case MX_FLOAT32: return fill_f32;
    case MX_FLOAT64: return fill_f64;
    case MX_COMPLEX64: return fill_c64;
    default: break;
  }
  size_t itemsize = mxi_itemsizes[dtype];
  return itemsize == 1 ? fill_u8 : itemsize == 2 ? fill_u16 : itemsize == 4 ? fill_u32 : fill_u64;
}

mx_status mxi_cpu_arange(struct mx_task *task) {
  const struct mxi_params_arange *p = task->params;
  const struct mx_view *out = &task->out[0];
  mx_dtype dtype = (mx_dtype)out->dtype;
  struct arange_run r = {.out = out->data, .istart = (uint64_t)p->istart, .istep = (uint64_t)p->istep};
  r.start = round_to(p->start, dtype);
  r.step = round_to(p->step, dtype);
  if (out->size) mxi_parallel(out->size, GRAIN, fill_of(dtype), &r);
  return MX_OK;
}

/* Groups of axes: how they are built, walked, loaded and stored. */
#include "backend/cpu/reduce_nest.h"

#include "base/pool.h"

const uint8_t mxi_acc_of[MXI_DTYPE_COUNT] = {
    [MX_BOOL] = MXI_ACC_u8,     [MX_UINT8] = MXI_ACC_u8,    [MX_UINT16] = MXI_ACC_u16,   [MX_UINT32] = MXI_ACC_u32,
    [MX_UINT64] = MXI_ACC_u64,  [MX_INT8] = MXI_ACC_i8,     [MX_INT16] = MXI_ACC_i16,    [MX_INT32] = MXI_ACC_i32,
    [MX_INT64] = MXI_ACC_i64,   [MX_FLOAT16] = MXI_ACC_f32, [MX_FLOAT32] = MXI_ACC_f32,  [MX_FLOAT64] = MXI_ACC_f64,
    [MX_BFLOAT16] = MXI_ACC_f32, [MX_COMPLEX64] = MXI_ACC_c64,
};

const uint8_t mxi_acc_sizes[MXI_ACC_COUNT] = {
#define ACC(name, type, lanes) [MXI_ACC_##name] = sizeof(type),
    MXI_ACCS(ACC)
#undef ACC
};

const uint16_t mxi_acc_lanes[MXI_ACC_COUNT] = {
#define ACC(name, type, lanes) [MXI_ACC_##name] = lanes,
    MXI_ACCS(ACC)
#undef ACC
};

const uint8_t mxi_acc_dtypes[MXI_ACC_COUNT] = {
    [MXI_ACC_u8] = MX_UINT8,   [MXI_ACC_i8] = MX_INT8,     [MXI_ACC_u16] = MX_UINT16,  [MXI_ACC_i16] = MX_INT16,
    [MXI_ACC_u32] = MX_UINT32, [MXI_ACC_i32] = MX_INT32,   [MXI_ACC_u64] = MX_UINT64,  [MXI_ACC_i64] = MX_INT64,
    [MXI_ACC_f32] = MX_FLOAT32, [MXI_ACC_f64] = MX_FLOAT64, [MXI_ACC_c64] = MX_COMPLEX64,
};

enum mxi_acc mxi_reduce_acc(enum mxi_fold op, mx_dtype t) {
  enum mxi_acc acc = (enum mxi_acc)mxi_acc_of[t];
  if (op == MXI_FOLD_MAX || op == MXI_FOLD_MIN) return acc;
  switch (acc) {
    case MXI_ACC_i8: return MXI_ACC_u8;
    case MXI_ACC_i16: return MXI_ACC_u16;
    case MXI_ACC_i32: return MXI_ACC_u32;
    case MXI_ACC_i64: return MXI_ACC_u64;
    default: return acc;
  }
}

static void group_init(struct mxi_group *g) {
  g->size = 1;
  g->ndim = 0;
}

/* Puts an axis outside those already there. */
static void group_add(struct mxi_group *g, int64_t size, int64_t stride) {
  g->size *= size;
  int last = g->ndim - 1;
  if (last >= 0 && stride == g->stride[last] * g->shape[last]) {
    g->shape[last] *= size;
    return;
  }
  g->shape[g->ndim] = size;
  g->stride[g->ndim++] = stride;
}

void mxi_nest_split(struct mxi_nest *nest, int ndim, const int64_t *shape, const int64_t *strides, uint64_t mask) {
  struct mxi_group *const groups[3] = {&nest->inner, &nest->axis, &nest->outer};
  int at = 0;
  for (int i = 0; i < 3; i++) group_init(groups[i]);
  for (int i = ndim - 1; i >= 0; i--) {
    if (shape[i] == 1) continue;
    int reduced = (int)(mask >> i & 1);
    if ((at == 0 && reduced) || (at == 1 && !reduced)) at++;
    group_add(groups[at], shape[i], strides[i]);
  }
}

void mxi_nest_gather(struct mxi_nest *nest, int ndim, const int64_t *shape, const int64_t *strides, uint64_t mask) {
  group_init(&nest->inner);
  group_init(&nest->axis);
  group_init(&nest->outer);
  for (int i = ndim - 1; i >= 0; i--)
    if (shape[i] != 1) group_add(mask >> i & 1 ? &nest->axis : &nest->outer, shape[i], strides[i]);
}

int64_t mxi_group_offset_slow(const struct mxi_group *g, int64_t index) {
  int64_t offset = 0;
  for (int d = 0; d < g->ndim - 1; d++) {
    offset += index % g->shape[d] * g->stride[d];
    index /= g->shape[d];
  }
  return offset + index * g->stride[g->ndim - 1];
}

void mxi_group_load(const struct mxi_group *g, mxi_load_fn load, size_t item, void *dst, size_t dst_item,
                    const char *base, int64_t start, int64_t n) {
  if (g->ndim <= 1) {
    int64_t stride = mxi_group_stride(g);
    load(dst, base + start * stride * (int64_t)item, stride, n);
    return;
  }
  for (int64_t done = 0, run; done < n; done += run) {
    run = g->shape[0] - (start + done) % g->shape[0];
    if (run > n - done) run = n - done;
    load((char *)dst + (size_t)done * dst_item, base + mxi_group_offset_slow(g, start + done) * (int64_t)item,
         g->stride[0], run);
  }
}

void mxi_group_store(const struct mxi_group *g, mxi_store_fn store, size_t item, char *base, const void *src,
                     size_t src_item, int64_t start, int64_t n) {
  if (g->ndim <= 1) {
    int64_t stride = g->ndim ? g->stride[0] : 1;
    store(base + start * stride * (int64_t)item, stride, src, n);
    return;
  }
  for (int64_t done = 0, run; done < n; done += run) {
    run = g->shape[0] - (start + done) % g->shape[0];
    if (run > n - done) run = n - done;
    store(base + mxi_group_offset_slow(g, start + done) * (int64_t)item, g->stride[0],
          (const char *)src + (size_t)done * src_item, run);
  }
}

#define SERIAL_WORK 32768 /* elements below which waking another thread costs more than it gives */

void mxi_reduce_parallel(int64_t count, int64_t work, void (*fn)(void *, int64_t, int64_t, int), void *arg) {
  if (work < 1) work = 1;
  if (count <= 1 || count <= 2 * SERIAL_WORK / work) {
    fn(arg, 0, count, 0);
    return;
  }
  int64_t grain = SERIAL_WORK / work;
  mxi_parallel(count, grain < 1 ? 1 : grain, fn, arg);
}

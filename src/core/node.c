/* Making nodes. The path without heap parameters and with at most four axes allocates nothing but the node. */
#include "core/node.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "core/prim.h"
#include "core/node_inline.h"

int64_t mxi_size(const struct mx_array_ *a) {
  const int64_t *d = mxi_dims(a);
  int64_t n = 1;
  for (int i = 0; i < a->ndim; i++) n *= d[i];
  return n;
}

const void *mxi_params(const struct mx_array_ *a) {
  return mxi_prims[a->op]->params_size > sizeof a->params ? a->params.heap : &a->params;
}

/* Bytes that fields of the list kind really use; the rest of the struct is never read. */
static void copy_params(void *to, const void *from, const struct mx_prim *prim, int ndim) {
  if (!prim->fields) {
    memcpy(to, from, prim->params_size);
    return;
  }
  for (const struct mx_field *f = prim->fields; f->role != MX_FIELD_END; f++) {
    size_t n = f->type == MX_FIELD_INTS64 ? 8 * (size_t)ndim : f->type == MX_FIELD_INTS32 ? 4 * (size_t)ndim : f->type == MX_FIELD_I64 ? 8 : 4;
    memcpy((char *)to + f->offset, (const char *)from + f->offset, n);
  }
}

static bool set_params(mx_array a, const struct mx_prim *prim, const void *params, int ndim) {
  if (prim->params_size <= sizeof a->params) {
    if (prim->params_size == sizeof a->params) /* most: one store */
      memcpy(&a->params, params, sizeof a->params);
    else
      memcpy(&a->params, params, prim->params_size);
    return true;
  }
  a->params.heap = mxi_malloc(prim->params_size);
  if (!a->params.heap) return false;
  atomic_store_explicit(&a->flags, MXI_NODE_BESIDE, memory_order_relaxed);
  copy_params(a->params.heap, params, prim, ndim);
  if (prim->params_retain) prim->params_retain(a->params.heap);
  return true;
}

/* Sizes of nodes are products of their shapes; this is the one place that makes sure they fit. */
static bool check_large_size(struct mxi_ctx *c, const char *who, mx_dtype dtype, int ndim, const int64_t *shape) {
  if (ndim > MXI_MAX_NDIM) {
    mxi_fail(c, MX_ERR_SHAPE, "[%s] %d axes are more than the %d an array can have", who, ndim, MXI_MAX_NDIM);
    return false;
  }
  if (mxi_can_be_counted(dtype, ndim, shape)) return true;
  mxi_fail(c, MX_ERR_SHAPE, "[%s] an array of shape %s and dtype %s is larger than memory can be", who,
           mxi_shape_text((char[96]){0}, 96, ndim, shape), mxi_dtype_names[dtype]);
  return false;
}

/* Three sizes below 2^15 cannot be too many. */
static inline bool check_size(struct mxi_ctx *c, const char *who, mx_dtype dtype, int ndim, const int64_t *shape) {
  uint64_t bits = 0;
  if (ndim <= 3) {
    for (int i = 0; i < ndim; i++) bits |= (uint64_t)shape[i];
    if (bits < 32768) return true;
  }
  return check_large_size(c, who, dtype, ndim, shape);
}

static inline bool set_inputs(mx_array a, const mx_array *inputs, size_t count, const struct mxi_thread *self) {
  mx_array *in = a->in;
  uint64_t trace = 0;
  uint8_t taint = 0;
  if (count > 2) {
    in = mxi_malloc(count * sizeof *in);
    if (!in) return false;
    a->many.list = in;
  }
  for (size_t i = 0; i < count; i++) {
    in[i] = inputs[i];
    mxi_refs_add(in[i], self);
    if (in[i]->trace > trace) trace = in[i]->trace;
    taint |= mxi_flags(in[i]) & MXI_NODE_TAINTED;
  }
  a->input_count = (uint32_t)count;
  a->trace = trace;
  if (taint) atomic_fetch_or_explicit(&a->flags, taint, memory_order_relaxed);
  return true;
}

static inline uint32_t class_of(int64_t size, int axis) { return (uint32_t)(size > 1 ? 2 : size) << 2 * axis; }

static bool set_large_shape(mx_array a, int ndim, const int64_t *shape) {
  int64_t *dims = mxi_malloc((size_t)ndim * sizeof *dims);
  if (!dims) return false;
  memcpy(dims, shape, (size_t)ndim * sizeof *dims);
  uint32_t classes = 0;
  for (int i = 0; i < ndim && ndim <= MXI_CLASS_NDIM; i++) classes |= class_of(dims[i], i);
  a->dims.heap = dims;
  a->ndim = (uint16_t)ndim;
  a->shape_class = (uint16_t)classes;
  atomic_fetch_or_explicit(&a->flags, MXI_NODE_BESIDE, memory_order_relaxed);
  return true;
}

static inline bool set_shape(mx_array a, int ndim, const int64_t *shape) {
  if (ndim > MXI_INLINE_NDIM) return set_large_shape(a, ndim, shape);
  uint32_t classes = 0;
  for (int i = 0; i < ndim; i++) {
    a->dims.fixed[i] = shape[i];
    classes |= class_of(shape[i], i);
  }
  a->ndim = (uint16_t)ndim;
  a->shape_class = (uint16_t)classes;
  return true;
}

static inline mx_array blank(struct mxi_thread *self, int op, mx_dtype dtype, uint8_t flags) {
  mx_array a = mxi_node_alloc(self);
  if (a) mxi_node_start(a, self, op, dtype, flags, NULL, NULL, 0, 0, 0, (union mxi_node_dims){{0}});
  return a;
}

/* Drops a node that was never finished. */
static mx_array give_up(struct mxi_ctx *c, mx_array a, const char *who) {
  mxi_release(a);
  return mxi_fail_memory(c, who);
}

mx_array mxi_node_make(struct mxi_ctx *c, int op, mx_dtype dtype, int ndim, const int64_t *shape, const mx_array *inputs,
                       size_t input_count, const void *params) {
  const struct mx_prim *prim = mxi_prims[op];
  if (!check_size(c, prim->name, dtype, ndim, shape)) return NULL;
  struct mxi_thread *self = mxi_self();
  mx_array a = blank(self, MXI_OP_NONE, dtype, 0);
  if (!a) return mxi_fail_memory(c, prim->name);
  int params_ndim = input_count && inputs[0]->ndim > ndim ? inputs[0]->ndim : ndim;
  if (prim->params_size && !set_params(a, prim, params, params_ndim)) return give_up(c, a, prim->name);
  a->op = (uint16_t)op;
  if (!set_shape(a, ndim, shape) || !set_inputs(a, inputs, input_count, self)) return give_up(c, a, prim->name);
  return mxi_push(c, a);
}

static struct mxi_extra *extra_of(mx_array a) {
  if (a->extra) return a->extra;
  a->extra = mxi_calloc(sizeof *a->extra);
  if (a->extra) atomic_fetch_or_explicit(&a->flags, MXI_NODE_BESIDE, memory_order_release);
  return a->extra;
}

struct mxi_extra *mxi_node_extra(mx_array a) { return extra_of(a); }

/* Copies the specs and their shapes into one block, which `outputs` heads. */
static bool set_outputs(mx_array a, const struct mxi_output *outputs, int count) {
  struct mxi_extra *x = extra_of(a);
  if (!x) return false;
  size_t axes = 0;
  for (int i = 0; i < count; i++) axes += (size_t)outputs[i].ndim;
  size_t head = (size_t)count * sizeof *x->outputs, specs = (size_t)count * sizeof *outputs;
  char *block = mxi_calloc(head + specs + axes * sizeof(int64_t));
  if (!block) return false;
  struct mxi_output *copy = (struct mxi_output *)(block + head);
  int64_t *shapes = (int64_t *)(block + head + specs);
  for (int i = 0; i < count; i++) {
    if (outputs[i].ndim) memcpy(shapes, outputs[i].shape, (size_t)outputs[i].ndim * sizeof *shapes);
    copy[i] = (struct mxi_output){outputs[i].dtype, outputs[i].ndim, shapes};
    shapes += outputs[i].ndim;
  }
  x->outputs = (struct mxi_buffer **)block;
  x->output_specs = copy;
  x->output_count = count;
  return true;
}

mx_status mxi_node_make_many(struct mxi_ctx *c, int op, const struct mxi_output *outputs, int output_count,
                             const mx_array *inputs, size_t input_count, const void *params, mx_array *results) {
  const char *who = mxi_prims[op]->name;
  for (int i = 0; i < output_count; i++)
    if (!check_size(c, who, outputs[i].dtype, outputs[i].ndim, outputs[i].shape)) return c->code;
  mx_array a = mxi_node_make(c, op, outputs[0].dtype, 0, NULL, inputs, input_count, params);
  if (!a) return c->code;
  if (!set_outputs(a, outputs, output_count)) {
    mxi_fail_memory(c, who);
    return c->code;
  }
  size_t mark = c->top;
  for (int i = 0; i < output_count; i++) {
    struct mxi_params_output p = {i};
    mx_array y = mxi_node_make(c, MXI_OP_output, outputs[i].dtype, outputs[i].ndim, outputs[i].shape, &a, 1, &p);
    if (!y) return c->code;
  }
  return mxi_publish(c, mark, results, (size_t)output_count);
}

mx_array mxi_node_from_buffer(struct mxi_ctx *c, struct mxi_buffer *buffer, mx_dtype dtype, int ndim, const int64_t *shape) {
  if (!check_size(c, "array", dtype, ndim, shape)) return NULL;
  mx_array a = blank(mxi_self(), MXI_OP_array, dtype, MXI_NODE_EVALUATED);
  if (!a) return mxi_fail_memory(c, "array");
  if (!set_shape(a, ndim, shape)) return give_up(c, a, "array");
  a->buffer = buffer;
  if (mxi_push(c, a)) return a;
  mxi_buffer_retain(buffer); /* the failed push released it; on failure the caller keeps its reference */
  return NULL;
}

mx_array mxi_scalar_node(struct mxi_ctx *c, mx_dtype dtype, uint8_t flags) {
  mx_array a = blank(mxi_self(), MXI_OP_scalar, dtype, MXI_NODE_EVALUATED | flags);
  return a ? mxi_push(c, a) : mxi_fail_memory(c, "scalar");
}

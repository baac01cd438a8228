/* What holds for every node of a tape, whatever its operation: inputs before readers, counts, sizes, values in bounds. */
#include "plan/check.h"

#ifdef MXI_DEBUG
#include "base/buffer.h"
#include "core/refs.h"
#include "plan/tape.h"

#define EXPECT(condition, fault) \
  do {                           \
    if (!(condition)) return fault; \
  } while (0)

static const char *check_header(const struct mx_array_ *a) {
  EXPECT(mxi_prims[a->op] && mxi_prims[a->op]->size >= sizeof(struct mx_prim), "its primitive is of another version");
  EXPECT(a->dtype < MXI_DTYPE_COUNT, "no dtype has this number");
  EXPECT(a->ndim <= MXI_MAX_NDIM, "too many axes");
  const int64_t *dims = mxi_dims(a);
  int64_t n = (int64_t)mxi_itemsize((mx_dtype)a->dtype);
  bool empty = false, fits = true;
  for (int i = 0; i < a->ndim; i++) {
    EXPECT(dims[i] >= 0, "a negative size");
    empty |= dims[i] == 0;
    fits = fits && !__builtin_mul_overflow(n, dims[i] ? dims[i] : 1, &n);
  }
  EXPECT(empty || fits, "larger than memory can be");
  for (int i = a->ndim; i < MXI_INLINE_NDIM; i++) EXPECT(dims[i] == 0, "sizes beyond its rank");
  uint32_t classes = 0;
  for (int i = 0; i < a->ndim && a->ndim <= MXI_CLASS_NDIM; i++) classes |= (uint32_t)(dims[i] > 1 ? 2 : dims[i]) << 2 * i;
  EXPECT(a->shape_class == classes, "shape class and shape differ");
  return NULL;
}

/* An evaluated value lies within its buffer. */
static const char *check_leaf(const struct mx_array_ *a) {
  EXPECT(mxi_is_evaluated(a), "a leaf without a value");
  if (a->op == MXI_OP_scalar) {
    EXPECT(a->ndim == 0 && !a->buffer, "a scalar with axes, or a buffer");
    return NULL;
  }
  if (a->extra && a->extra->output_count) return NULL; /* its outputs have the buffers */
  EXPECT(a->buffer && a->buffer->data, "no buffer");
  EXPECT(atomic_load(&a->buffer->refs) > 0, "a buffer that nobody holds");
  int64_t low = 0, high = 0, itemsize = (int64_t)mxi_itemsize((mx_dtype)a->dtype), step = 1;
  const int64_t *dims = mxi_dims(a);
  for (int i = a->ndim - 1; i >= 0; i--) {
    if (dims[i] == 0) return NULL;
    int64_t span = (dims[i] - 1) * (a->strides ? a->strides[i] : step);
    *(span < 0 ? &low : &high) += span;
    step *= dims[i];
  }
  EXPECT(mxi_offset(a) + low * itemsize >= 0, "starts before its buffer");
  EXPECT((size_t)(mxi_offset(a) + (high + 1) * itemsize) <= a->buffer->nbytes, "ends after its buffer");
  return NULL;
}

static const char *check_inputs(const struct mxi_tape *t, size_t at) {
  mx_array a = t->nodes[at];
  for (uint32_t k = 0; k < a->input_count; k++) {
    mx_array in = mxi_inputs(a)[k];
    EXPECT(in, "an input is missing");
    EXPECT(!mxi_stale(in), "an input is dead");
    size_t p = mxi_tape_position(in);
    EXPECT(p < at && t->nodes[p] == in, "an input does not come before it");
    EXPECT(in->trace <= a->trace || a->op == MXI_OP_stop_gradient, "an input belongs to a transform that it does not");
  }
  return NULL;
}

/* Edges from inside the tape are counted, and no node has fewer references. */
static const char *check_uses(const struct mxi_tape *t, size_t *at) {
  for (size_t i = 0; i < t->count; i++) {
    if (t->kinds[i] == MXI_TAPE_LEAF) continue;
    for (uint32_t k = 0; k < t->nodes[i]->input_count; k++) t->uses[mxi_tape_position(mxi_inputs(t->nodes[i])[k])]--;
  }
  const char *fault = NULL;
  for (size_t i = 0; i < t->count; i++)
    if (t->uses[i]) *at = i, fault = "its readers are counted wrongly";
  for (size_t i = 0; i < t->count; i++) {
    if (t->kinds[i] == MXI_TAPE_LEAF) continue;
    for (uint32_t k = 0; k < t->nodes[i]->input_count; k++) t->uses[mxi_tape_position(mxi_inputs(t->nodes[i])[k])]++;
  }
  return fault;
}

static const char *check_counts(const struct mxi_tape *t, size_t at) {
  int32_t references = mxi_refs_exact(t->nodes[at], mxi_self());
  EXPECT(references < 0 || references >= (int32_t)t->uses[at], "fewer references than readers");
  if (t->kinds[at] == MXI_TAPE_LEAF) return NULL;
  bool is_member = references != (int32_t)t->uses[at];
  EXPECT((t->kinds[at] == MXI_TAPE_MEMBER) == is_member, "wrongly in or out of what is kept");
  return NULL;
}

const char *mxi_graph_check(const struct mxi_tape *t, size_t *at) {
  for (size_t i = 0; i < t->count; i++) {
    mx_array a = t->nodes[i];
    *at = i;
    EXPECT(!mxi_stale(a), "it is dead");
    EXPECT(mxi_tape_position(a) == i, "its mark is not its position");
    const char *fault = check_header(a);
    if (!fault) fault = t->kinds[i] == MXI_TAPE_LEAF ? check_leaf(a) : check_inputs(t, i);
    if (!fault && t->kinds[i] != MXI_TAPE_LEAF) fault = mxi_node_check(a);
    if (fault) return fault;
  }
  const char *fault = check_uses(t, at);
  for (size_t i = 0; i < t->count && !fault; i++) fault = check_counts(t, *at = i);
  return fault;
}
#endif

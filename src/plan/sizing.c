/* From a skeleton and the sizes of one tape to a sizing: one pass over the nodes places every value (a slot of memory
 * and a layout in it) and writes the steps; then slots get kinds, lifetimes and addresses. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "plan/sizing.h"

static void *take(struct mxi_sizer *b, size_t nbytes) {
  void *p = mxi_arena_alloc(&b->z->arena, nbytes);
  if (!p) b->failed = true;
  return p;
}

uint32_t mxi_sizing_slot(struct mxi_sizer *b, enum mxi_slot_kind kind, uint32_t node, size_t nbytes) {
  struct mxi_sizing *z = b->z;
  if (!mxi_reserve(&z->slots, &b->slot_capacity, z->slot_count + 1, sizeof *z->slots)) {
    b->failed = true;
    return 0;
  }
  z->slots[z->slot_count] = (struct mxi_slot){.kind = (uint8_t)kind, .donor = -1, .node = node, .nbytes = nbytes};
  return z->slot_count++;
}

struct mxi_step *mxi_sizing_step(struct mxi_sizer *b, enum mxi_step_kind kind, uint32_t node) {
  struct mxi_sizing *z = b->z;
  if (!mxi_reserve(&z->steps, &b->step_capacity, z->step_count + 1, sizeof *z->steps)) {
    b->failed = true;
    return NULL;
  }
  z->steps[z->step_count] = (struct mxi_step){.kind = (uint8_t)kind, .node = node, .in_at = z->operand_count};
  return &z->steps[z->step_count++];
}

bool mxi_sizing_operand(struct mxi_sizer *b, uint32_t slot, int64_t offset) {
  struct mxi_sizing *z = b->z;
  if (!mxi_reserve(&z->operands, &b->operand_capacity, z->operand_count + 1, sizeof *z->operands)) {
    b->failed = true;
    return false;
  }
  z->operands[z->operand_count++] = (struct mxi_operand){slot, offset};
  return true;
}

static int64_t product(int ndim, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < ndim; i++) n *= shape[i];
  return n;
}

bool mxi_sizing_is_dense(int ndim, const int64_t *shape, const int64_t *strides) {
  int64_t expect = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    if (shape[i] != 1 && strides[i] != expect) return false;
    expect *= shape[i];
  }
  return true;
}

static const int64_t *row_major(struct mxi_sizer *b, int ndim, const int64_t *shape) {
  int64_t *strides = take(b, (size_t)ndim * sizeof *strides), step = 1;
  if (!strides) return NULL;
  for (int i = ndim - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

static const int64_t *copy_dims(struct mxi_sizer *b, int ndim, const int64_t *dims) {
  int64_t *copy = take(b, (size_t)ndim * sizeof *copy);
  if (copy && ndim) memcpy(copy, dims, (size_t)ndim * sizeof *copy);
  return copy;
}

struct mxi_place mxi_sizing_dense(struct mxi_sizer *b, int ndim, const int64_t *shape) {
  struct mxi_place p = {.ndim = ndim, .shape = copy_dims(b, ndim, shape), .dense = true};
  if (p.shape) p.strides = row_major(b, ndim, p.shape);
  return p;
}

struct mxi_place mxi_sizing_fresh(struct mxi_sizer *b, uint32_t node, mx_dtype dtype, int ndim, const int64_t *shape) {
  struct mxi_place p = mxi_sizing_dense(b, ndim, shape);
  if (!b->failed) p.slot = mxi_sizing_slot(b, MXI_SLOT_ARENA, node, (size_t)product(ndim, shape) * mxi_itemsize(dtype));
  return p;
}

static void place_leaf(struct mxi_sizer *b, uint32_t i) {
  mx_array a = b->t->nodes[i];
  bool scalar = b->s->nodes[i].kind == MXI_P_SCALAR;
  struct mxi_place *p = &b->places[i];
  *p = (struct mxi_place){.ndim = a->ndim, .shape = copy_dims(b, a->ndim, mxi_dims(a))};
  if (!p->shape) return;
  size_t nbytes = scalar ? 8 : (size_t)mxi_size(a) * mxi_itemsize((mx_dtype)a->dtype);
  p->slot = mxi_sizing_slot(b, scalar ? MXI_SLOT_SCALAR : MXI_SLOT_LEAF, i, nbytes);
  p->strides = a->strides ? copy_dims(b, a->ndim, a->strides) : row_major(b, a->ndim, p->shape);
  p->dense = p->strides && mxi_sizing_is_dense(p->ndim, p->shape, p->strides);
  p->whole = !a->strides;
}

static bool try_view(struct mxi_sizer *b, uint32_t i, const struct mxi_place *from) {
  mx_array a = b->t->nodes[i];
  struct mx_layout *in = &b->layouts[0], *out = &b->layouts[1];
  in->offset = from->offset;
  in->ndim = from->ndim;
  memcpy(in->shape, from->shape, (size_t)from->ndim * sizeof(int64_t));
  memcpy(in->strides, from->strides, (size_t)from->ndim * sizeof(int64_t));
  const struct mx_prim *prim = mxi_prims[a->op];
  size_t itemsize = mxi_itemsize((mx_dtype)b->s->nodes[b->s->inputs[b->s->nodes[i].input_at]].dtype);
  if (!prim->view(mxi_params(a), in, itemsize, a->ndim, mxi_dims(a), out)) return false;
  struct mxi_place *p = &b->places[i];
  *p = (struct mxi_place){.slot = from->slot, .offset = out->offset, .ndim = a->ndim};
  p->shape = copy_dims(b, a->ndim, mxi_dims(a));
  p->strides = copy_dims(b, a->ndim, out->strides);
  p->dense = p->strides && p->shape && mxi_sizing_is_dense(p->ndim, p->shape, p->strides);
  return true;
}

/* A row-major copy of a value, in a slot of its own. */
static struct mxi_place copy_of(struct mxi_sizer *b, uint32_t node, mx_dtype dtype, const struct mxi_place *from) {
  struct mxi_place to = mxi_sizing_fresh(b, node, dtype, from->ndim, from->shape);
  if (!b->failed) mxi_sizing_copy(b, node, dtype, from, &to);
  return to;
}

/* A member that is a view of a constant gets real memory, since it is zeros to be filled, as a rule, or an operand. Where
 * that would be a lot, only the constant moves to memory that lasts, and the view lies there as before. */
#define CONSTANT_NBYTES_MAX ((int64_t)1 << 30)
static void own_constant(struct mxi_sizer *b, uint32_t i) {
  struct mxi_place *p = &b->places[i];
  mx_dtype dtype = (mx_dtype)b->s->nodes[i].dtype;
  struct mxi_place one = {.slot = p->slot, .shape = p->shape, .strides = p->strides, .dense = true};
  if (product(p->ndim, p->shape) <= CONSTANT_NBYTES_MAX / (int64_t)mxi_itemsize(dtype))
    *p = copy_of(b, i, dtype, p);
  else
    p->slot = copy_of(b, i, dtype, &one).slot;
}

/* The sizes of the axes of a view that are in memory: broadcast ones are not. */
static int64_t stored_size(const struct mxi_place *p, int axis) { return p->strides[axis] ? p->shape[axis] : 1; }

/* A member must not keep something large alive for a small part of it. */
static bool is_small_part(const struct mxi_sizer *b, uint32_t i) {
  const struct mxi_place *p = &b->places[i];
  const struct mxi_slot *slot = &b->z->slots[p->slot];
  size_t nbytes = mxi_itemsize((mx_dtype)b->s->nodes[i].dtype);
  for (int k = 0; k < p->ndim; k++) nbytes *= (size_t)stored_size(p, k);
  size_t whole = slot->kind == MXI_SLOT_LEAF ? b->t->nodes[slot->node]->buffer->nbytes : slot->nbytes;
  return whole > 65536 && nbytes < whole / 8;
}

/* Axes from the longest stride to the shortest; equal ones stay in order. */
static void order_axes(const struct mxi_place *p, int *order) {
  for (int i = 0; i < p->ndim; i++) {
    int at = i;
    for (; at && llabs(p->strides[order[at - 1]]) < llabs(p->strides[i]); at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* A dense copy of a view with its axes in the order in which they lie, and broadcast ones as they are: a product over it
 * adds up in the same order as over the view. */
static void compact(struct mxi_sizer *b, uint32_t i) {
  struct mxi_place *p = &b->places[i];
  int64_t shape[MXI_MAX_NDIM], strides[MXI_MAX_NDIM];
  int order[MXI_MAX_NDIM];
  order_axes(p, order);
  for (int k = 0; k < p->ndim; k++) {
    shape[k] = stored_size(p, order[k]);
    strides[k] = p->strides[order[k]];
  }
  struct mxi_place from = {.slot = p->slot, .offset = p->offset, .ndim = p->ndim, .shape = shape, .strides = strides};
  struct mxi_place to = copy_of(b, i, (mx_dtype)b->s->nodes[i].dtype, &from);
  if (b->failed) return;
  for (int k = 0; k < p->ndim; k++) strides[order[k]] = p->strides[order[k]] ? to.strides[k] : 0;
  p->slot = to.slot;
  p->offset = 0;
  p->strides = copy_dims(b, p->ndim, strides);
  p->dense = p->strides && mxi_sizing_is_dense(p->ndim, p->shape, p->strides);
}

static void place_view(struct mxi_sizer *b, uint32_t i) {
  const struct mxi_pnode *n = &b->s->nodes[i];
  uint32_t from = b->s->inputs[n->input_at];
  mx_dtype in_dtype = (mx_dtype)b->s->nodes[from].dtype;
  if (!try_view(b, i, &b->places[from])) {
    struct mxi_place copy = copy_of(b, i, in_dtype, &b->places[from]);
    if (b->failed) return;
    if (!try_view(b, i, &copy)) b->failed = true;
  }
  if (b->failed || !n->member) return;
  if (b->z->slots[b->places[i].slot].kind == MXI_SLOT_SCALAR)
    own_constant(b, i);
  else if (is_small_part(b, i))
    compact(b, i);
}

static void place_output(struct mxi_sizer *b, uint32_t i) {
  mx_array a = b->t->nodes[i];
  uint32_t parent = b->s->inputs[b->s->nodes[i].input_at];
  struct mxi_place *p = &b->places[i];
  *p = (struct mxi_place){.slot = b->places[parent].slot + (uint32_t)a->params.i, .ndim = a->ndim, .dense = true};
  p->shape = copy_dims(b, a->ndim, mxi_dims(a));
  if (p->shape) p->strides = row_major(b, a->ndim, p->shape);
}

void mxi_sizing_view(struct mx_view *v, const struct mxi_place *p, mx_dtype dtype) {
  *v = (struct mx_view){.shape = p->shape, .strides = p->strides, .size = product(p->ndim, p->shape), .ndim = p->ndim,
                         .dtype = (uint8_t)dtype, .contiguous = p->dense};
}

/* The base of an in-place operation is overwritten when this is the last step that reads it. Leaves are decided at
 * bind; here a temporary is renamed. */
static bool base_is_temporary(const struct mxi_sizer *b, uint32_t i) {
  uint32_t base = b->s->inputs[b->s->nodes[i].input_at];
  const struct mxi_place *p = &b->places[base];
  const struct mxi_pnode *n = &b->s->nodes[base];
  return (n->kind == MXI_P_ELEMENTWISE || n->kind == MXI_P_KERNEL) && n->uses == 1 && !n->member && p->dense && p->offset == 0 &&
         b->z->slots[p->slot].kind == MXI_SLOT_ARENA;
}

static void place_kernel(struct mxi_sizer *b, uint32_t i) {
  const struct mxi_pnode *n = &b->s->nodes[i];
  mx_array a = b->t->nodes[i];
  uint32_t outputs = n->output_count;
  struct mx_view *views = take(b, (n->input_count + outputs) * sizeof *views);
  if (b->failed) return;
  if (a->extra && a->extra->output_count) {
    const struct mxi_output *specs = a->extra->output_specs;
    for (uint32_t k = 0; k < outputs && !b->failed; k++) {
      struct mxi_place out = mxi_sizing_fresh(b, i, specs[k].dtype, specs[k].ndim, specs[k].shape);
      if (k == 0) b->places[i] = out;
      if (!b->failed) mxi_sizing_view(&views[n->input_count + k], &out, specs[k].dtype);
    }
  } else if (mxi_prims[n->op]->flags & MX_PRIM_INPLACE && base_is_temporary(b, i)) {
    b->places[i] = b->places[b->s->inputs[n->input_at]];
    mxi_sizing_view(&views[n->input_count], &b->places[i], (mx_dtype)n->dtype);
  } else {
    b->places[i] = mxi_sizing_fresh(b, i, (mx_dtype)n->dtype, a->ndim, mxi_dims(a));
    if (!b->failed) mxi_sizing_view(&views[n->input_count], &b->places[i], (mx_dtype)n->dtype);
  }
  struct mxi_step *step = b->failed ? NULL : mxi_sizing_step(b, MXI_STEP_KERNEL, i);
  if (!step) return;
  step->in_count = n->input_count;
  step->views = views;
  for (uint32_t k = 0; k < n->input_count; k++) {
    uint32_t in = b->s->inputs[n->input_at + k];
    mxi_sizing_view(&views[k], &b->places[in], (mx_dtype)b->s->nodes[in].dtype);
    if (!mxi_sizing_operand(b, b->places[in].slot, b->places[in].offset)) return;
  }
  step->out_at = b->z->operand_count;
  step->out_count = outputs;
  for (uint32_t k = 0; k < outputs; k++)
    if (!mxi_sizing_operand(b, b->places[i].slot + k, 0)) return;
  struct mx_task task = {.size = sizeof task, .in = views, .out = views + n->input_count, .params = mxi_params(a),
                          .in_count = (int32_t)n->input_count, .out_count = (int32_t)outputs};
  step->scratch = b->planner->scratch(n->op, &task);
}

static void place_nodes(struct mxi_sizer *b) {
  for (uint32_t i = 0; i < b->s->node_count && !b->failed; i++) {
    const struct mxi_pnode *n = &b->s->nodes[i];
    if (n->dead) continue;
    switch (n->kind) {
      case MXI_P_ARRAY:
      case MXI_P_SCALAR: place_leaf(b, i); break;
      case MXI_P_VIEW: place_view(b, i); break;
      case MXI_P_OUTPUT: place_output(b, i); break;
      case MXI_P_ELEMENTWISE:
        if (b->s->clusters[n->cluster].root == i) mxi_sizing_cluster(b, n->cluster);
        break;
      default:
        if (!mxi_sizing_linear(b, i) && !mxi_sizing_reduction(b, i)) place_kernel(b, i);
    }
  }
}

static void add_result(struct mxi_sizer *b, uint32_t node, uint32_t slot, int32_t output, const struct mxi_place *p) {
  struct mxi_result *r = &b->z->results[b->z->result_count++];
  *r = (struct mxi_result){
      .node = node, .slot = slot, .output = output, .offset = p->offset, .strides = p->strides, .dense = p->dense || output >= 0};
  if (b->z->slots[slot].kind == MXI_SLOT_ARENA) {
    b->z->slots[slot].kind = MXI_SLOT_OWN;
    b->z->own_count++;
  }
}

static void list_results(struct mxi_sizer *b) {
  size_t count = 0;
  for (uint32_t i = 0; i < b->s->node_count; i++)
    if (b->s->nodes[i].member) count += b->s->nodes[i].output_count;
  b->z->results = take(b, count * sizeof *b->z->results);
  if (b->failed) return;
  for (uint32_t i = 0; i < b->s->node_count; i++) {
    const struct mxi_pnode *n = &b->s->nodes[i];
    if (!n->member) continue;
    struct mxi_extra *x = b->t->nodes[i]->extra;
    if (x && x->output_count && n->kind != MXI_P_OUTPUT)
      for (int32_t k = 0; k < x->output_count; k++) add_result(b, i, b->places[i].slot + (uint32_t)k, k, &b->places[i]);
    else
      add_result(b, i, b->places[i].slot, -1, &b->places[i]);
  }
}

struct mxi_sizing *mxi_sizing_build(const struct mxi_skeleton *s, const struct mxi_tape *t, const struct mxi_planner *planner) {
  struct mxi_sizer b = {.s = s, .t = t, .planner = planner, .z = mxi_calloc(sizeof(struct mxi_sizing))};
  struct mxi_arena scratch = {0};
  if (!b.z) return NULL;
  b.places = mxi_arena_alloc(&scratch, s->node_count * sizeof *b.places);
  b.layouts = mxi_arena_alloc(&scratch, 2 * sizeof *b.layouts);
  b.failed = !b.places || !b.layouts;
  if (!b.failed) {
    b.z->sizes_count = t->sizes_count;
    b.z->sizes = take(&b, t->sizes_count * sizeof *t->sizes);
    if (b.z->sizes && t->sizes_count) memcpy(b.z->sizes, t->sizes, t->sizes_count * sizeof *t->sizes);
  }
  if (!b.failed) place_nodes(&b);
  if (!b.failed) list_results(&b);
  if (!b.failed && !mxi_sizing_memory(&b)) b.failed = true;
  mxi_arena_free(&scratch);
  if (!b.failed) return b.z;
  mxi_sizing_free(b.z);
  return NULL;
}

void mxi_sizing_free(struct mxi_sizing *z) {
  if (!z) return;
  mxi_free(z->slots);
  mxi_free(z->operands);
  mxi_free(z->steps);
  mxi_arena_free(&z->arena);
  mxi_free(z);
}

/* Clusters of elementwise operations, copies, and linear steps: the iteration space is collapsed to as few axes as all
 * operands allow, and each operand is dense, one element, or strided in it. */
#include <string.h>

#include "plan/sizing.h"

/* A cluster being sized. Strides are kept for every operand over the full, uncollapsed space. */
struct draft {
  struct mxi_sizer *b;
  uint32_t in[MX_CLUSTER_MAX_INPUTS];  /* positions of the inputs */
  uint32_t out[MX_CLUSTER_MAX_INSTRS]; /* positions of the stored results */
  int32_t in_count, out_count, ndim;
  int64_t shape[MXI_MAX_NDIM];
  int64_t strides[MX_CLUSTER_MAX_INPUTS][MXI_MAX_NDIM];
};

static void *take(struct mxi_sizer *b, size_t nbytes) {
  void *p = mxi_arena_alloc(&b->z->arena, nbytes);
  if (!p) b->failed = true;
  return p;
}

/* Strides of an operand in a space it broadcasts to. */
static void broadcast_strides(const struct draft *d, const struct mxi_place *p, int64_t *out) {
  int lead = d->ndim - p->ndim;
  for (int i = 0; i < d->ndim; i++) {
    int k = i - lead;
    out[i] = k < 0 || p->shape[k] == 1 ? 0 : p->strides[k];
  }
}

/* Drops axes of one element and joins neighbours that every operand walks as one. */
static void collapse(struct draft *d) {
  int n = 0;
  for (int i = 0; i < d->ndim; i++) {
    if (d->shape[i] == 1) continue;
    bool joins = n > 0;
    for (int k = 0; joins && k < d->in_count; k++) joins = d->strides[k][n - 1] == d->strides[k][i] * d->shape[i];
    if (!joins) n++;
    d->shape[n - 1] = joins ? d->shape[n - 1] * d->shape[i] : d->shape[i];
    for (int k = 0; k < d->in_count; k++) d->strides[k][n - 1] = d->strides[k][i];
  }
  d->ndim = n;
}

static uint8_t kind_of(const struct draft *d, const int64_t *strides, int64_t size) {
  bool scalar = true;
  for (int i = 0; i < d->ndim; i++) scalar = scalar && strides[i] == 0;
  if (size == 1) return MX_INPUT_DENSE;
  if (scalar) return MX_INPUT_SCALAR;
  return mxi_sizing_is_dense(d->ndim, d->shape, strides) ? MX_INPUT_DENSE : MX_INPUT_STRIDED;
}

/* The finished space and operands, without instructions. */
static struct mx_cluster *make_ew(struct draft *d) {
  struct mxi_sizer *b = d->b;
  int64_t size = 1;
  for (int i = 0; i < d->ndim; i++) size *= d->shape[i];
  collapse(d);
  struct mx_cluster *ew = take(b, sizeof *ew);
  int64_t *shape = take(b, (size_t)d->ndim * 8), *strides = take(b, (size_t)d->in_count * (size_t)d->ndim * 8);
  uint8_t *bytes = take(b, (size_t)(2 * d->in_count + d->out_count));
  if (b->failed) return NULL;
  *ew = (struct mx_cluster){.shape = shape, .strides = strides, .in_dtypes = bytes, .in_kinds = bytes + d->in_count,
                        .out_dtypes = bytes + 2 * d->in_count, .size = size, .ndim = d->ndim, .in_count = d->in_count,
                        .out_count = d->out_count};
  memcpy(shape, d->shape, (size_t)d->ndim * 8);
  for (int k = 0; k < d->in_count; k++) {
    memcpy(strides + k * d->ndim, d->strides[k], (size_t)d->ndim * 8);
    bytes[k] = b->s->nodes[d->in[k]].dtype;
    bytes[d->in_count + k] = kind_of(d, d->strides[k], size);
  }
  for (int k = 0; k < d->out_count; k++) bytes[2 * d->in_count + k] = b->s->nodes[d->out[k]].dtype;
  return ew;
}

/* The instructions, and what the backend makes of the whole. */
static bool finish_ew(struct mxi_sizer *b, struct mx_cluster *ew, const struct mx_instr *instrs, uint32_t count) {
  ew->instrs = instrs;
  ew->instr_count = (int32_t)count;
  if (b->failed) return false;
  ew->program = b->planner->prepare(ew, &b->z->arena);
  b->failed = !ew->program;
  return !b->failed;
}

static int input_index(struct draft *d, uint32_t node) {
  for (int k = 0; k < d->in_count; k++)
    if (d->in[k] == node) return k;
  d->in[d->in_count] = node;
  broadcast_strides(d, &d->b->places[node], d->strides[d->in_count]);
  return d->in_count++;
}

static int member_index(const struct mxi_skeleton *s, const struct mxi_cluster *c, uint32_t node) {
  for (uint32_t m = 0; m < c->member_count; m++)
    if (s->members[c->member_at + m] == node) return (int)m;
  return -1;
}

static void gather_inputs(struct draft *d, const struct mxi_cluster *c) {
  const struct mxi_skeleton *s = d->b->s;
  for (uint32_t m = 0; m < c->member_count; m++) {
    const struct mxi_pnode *p = &s->nodes[s->members[c->member_at + m]];
    for (uint32_t k = 0; k < p->input_count; k++) {
      uint32_t in = s->inputs[p->input_at + k];
      if (member_index(s, c, in) < 0) input_index(d, in);
    }
  }
}

/* A place for each result that is stored: the root's and those of members. */
static void place_results(struct draft *d, const struct mxi_cluster *c, bool root_is_stored) {
  struct mxi_sizer *b = d->b;
  for (uint32_t m = 0; m < c->member_count && !b->failed; m++) {
    uint32_t i = b->s->members[c->member_at + m];
    if (!(i == c->root && root_is_stored) && !b->s->nodes[i].member) continue;
    mx_array a = b->t->nodes[i];
    struct mxi_place *p = &b->places[i];
    *p = (struct mxi_place){.ndim = a->ndim, .dense = true};
    int64_t *dims = take(b, 16 * (size_t)a->ndim), step = 1;
    if (b->failed) return;
    for (int k = a->ndim - 1; k >= 0; k--) {
      dims[k] = mxi_dims(a)[k];
      dims[a->ndim + k] = step;
      step *= dims[k];
    }
    p->shape = dims;
    p->strides = dims + a->ndim;
    p->slot = mxi_sizing_slot(b, MXI_SLOT_ARENA, i, (size_t)step * mxi_itemsize((mx_dtype)a->dtype));
    d->out[d->out_count++] = i;
  }
}

static const struct mx_instr *write_instrs(struct draft *d, const struct mxi_cluster *c) {
  const struct mxi_skeleton *s = d->b->s;
  struct mx_instr *instrs = take(d->b, c->member_count * sizeof *instrs);
  if (!instrs) return NULL;
  bool one = s->nodes[c->root].scalar_space;
  for (uint32_t m = 0; m < c->member_count; m++) {
    uint32_t i = s->members[c->member_at + m];
    const struct mxi_pnode *p = &s->nodes[i];
    struct mx_instr *x = &instrs[m];
    *x = (struct mx_instr){.op = p->op == MXI_OP_astype ? MX_INSTR_CAST : p->op, .out_dtype = p->dtype,
                               .arity = (uint8_t)p->input_count, .scalar = p->scalar_space && !one, .output = -1};
    x->dtype = s->nodes[s->inputs[p->input_at + p->input_count - 1]].dtype;
    for (uint32_t k = 0; k < p->input_count; k++) {
      uint32_t in = s->inputs[p->input_at + k];
      int inside = member_index(s, c, in);
      x->in[k] = (int16_t)(inside >= 0 ? d->in_count + inside : input_index(d, in));
    }
    for (int k = 0; k < d->out_count; k++)
      if (d->out[k] == i) x->output = k;
  }
  return instrs;
}

/* The first `stored` results have memory of their own. */
static void write_operands(struct draft *d, struct mxi_step *step, int stored) {
  struct mxi_sizer *b = d->b;
  step->in_count = (uint32_t)d->in_count;
  for (int k = 0; k < d->in_count; k++) mxi_sizing_operand(b, b->places[d->in[k]].slot, b->places[d->in[k]].offset);
  step->out_at = b->z->operand_count;
  step->out_count = (uint32_t)stored;
  for (int k = 0; k < stored; k++) mxi_sizing_operand(b, b->places[d->out[k]].slot, 0);
}

static void start_draft(struct draft *d, struct mxi_sizer *b, uint32_t node) {
  mx_array a = b->t->nodes[node];
  d->b = b;
  d->in_count = d->out_count = 0;
  d->ndim = a->ndim;
  memcpy(d->shape, mxi_dims(a), (size_t)a->ndim * 8);
}

static bool linear_applies(struct mxi_sizer *b, const struct mxi_linear_pattern *l);

void mxi_sizing_cluster(struct mxi_sizer *b, int32_t cluster) {
  const struct mxi_cluster *c = &b->s->clusters[cluster];
  if (c->linear >= 0 && linear_applies(b, &b->s->linears[c->linear])) return;
  if (mxi_sizing_is_reduced(b, cluster)) return;
  struct draft d;
  start_draft(&d, b, c->root);
  gather_inputs(&d, c);
  place_results(&d, c, true);
  struct mx_cluster *ew = b->failed ? NULL : make_ew(&d);
  if (!ew) return;
  bool is_ready = finish_ew(b, ew, write_instrs(&d, c), c->member_count);
  struct mxi_step *step = !is_ready ? NULL : mxi_sizing_step(b, MXI_STEP_ELEMENTWISE, c->root);
  if (!step) return;
  step->ew = ew;
  write_operands(&d, step, d.out_count);
}

struct mxi_step *mxi_sizing_chain_step(struct mxi_sizer *b, int32_t cluster, enum mxi_step_kind kind, uint32_t node) {
  const struct mxi_cluster *c = &b->s->clusters[cluster];
  struct draft d;
  start_draft(&d, b, c->root);
  gather_inputs(&d, c);
  place_results(&d, c, false);
  d.out[d.out_count++] = c->root;
  struct mx_cluster *ew = b->failed ? NULL : make_ew(&d);
  if (!ew || !finish_ew(b, ew, write_instrs(&d, c), c->member_count)) return NULL;
  struct mxi_step *step = mxi_sizing_step(b, kind, node);
  if (!step) return NULL;
  step->ew = ew;
  write_operands(&d, step, d.out_count - 1);
  return step;
}

void mxi_sizing_copy(struct mxi_sizer *b, uint32_t node, mx_dtype dtype, const struct mxi_place *from, const struct mxi_place *to) {
  struct draft d = {.b = b, .ndim = from->ndim, .in_count = 1, .out_count = 1, .in = {node}, .out = {node}};
  memcpy(d.shape, from->shape, (size_t)from->ndim * 8);
  broadcast_strides(&d, from, d.strides[0]);
  struct mx_cluster *ew = make_ew(&d);
  struct mx_instr *x = ew ? take(b, sizeof *x) : NULL;
  if (!x) return;
  ((uint8_t *)ew->in_dtypes)[0] = ((uint8_t *)ew->out_dtypes)[0] = (uint8_t)dtype;
  *x = (struct mx_instr){.op = MX_INSTR_CAST, .dtype = (uint8_t)dtype, .out_dtype = (uint8_t)dtype, .arity = 1};
  bool is_ready = finish_ew(b, ew, x, 1);
  struct mxi_step *step = !is_ready ? NULL : mxi_sizing_step(b, MXI_STEP_ELEMENTWISE, node);
  if (!step) return;
  step->ew = ew;
  step->in_count = step->out_count = 1;
  mxi_sizing_operand(b, from->slot, from->offset);
  step->out_at = b->z->operand_count;
  mxi_sizing_operand(b, to->slot, to->offset);
}

/* ---- Linear steps ------------------------------------------------------------------------------------------------ */
/* Rows must be contiguous and operands dense, and there must be more than one row and column (a product of one number is
 * a dot): else the parts run one by one. */
static bool linear_applies(struct mxi_sizer *b, const struct mxi_linear_pattern *l) {
  const struct mxi_place *x = &b->places[l->x], *w = &b->places[l->w];
  if (x->shape[0] < 2 || x->shape[1] < 2 || !w->dense || !b->planner->can_linear((mx_dtype)b->s->nodes[l->x].dtype)) return false;
  if (b->s->nodes[l->w].dtype != b->s->nodes[l->x].dtype) return false;
  return x->strides[1] == 1 && x->strides[0] >= x->shape[1];
}

/* Recognises t = ((z - y) * s1) * s2 with per-row y and scalar s1, s2, in the order the chain computes it. */
static void find_affine(const struct mx_cluster *ew, struct mx_linear *l) {
  int z = l->z_input, reg = z, scalars[2] = {-1, -1}, found = 0;
  l->y = -1;
  for (int i = 0; i < ew->instr_count; i++) {
    const struct mx_instr *x = &ew->instrs[i];
    if (x->scalar) continue;
    bool first = x->in[0] == reg, second = x->arity == 2 && x->in[1] == reg;
    int other = first ? x->in[1] : x->in[0];
    if (x->arity != 2 || first == second || x->dtype != MX_FLOAT32) return;
    if (x->op == MXI_OP_subtract && first && reg == z && other < ew->in_count && ew->in_kinds[other] == MX_INPUT_DENSE)
      l->y = other;
    else if (x->op == MXI_OP_multiply && found < 2 && l->y >= 0 &&
             (other >= ew->in_count ? ew->instrs[other - ew->in_count].scalar : ew->in_kinds[other] == MX_INPUT_SCALAR))
      scalars[found++] = other;
    else
      return;
    reg = ew->in_count + i;
  }
  l->s1 = scalars[0];
  l->s2 = scalars[1];
  l->affine = l->y >= 0 && reg == ew->in_count + ew->instr_count - 1;
}

/* A vector result of the product at `node`. */
static void place_vector(struct mxi_sizer *b, uint32_t node) {
  mx_array a = b->t->nodes[node];
  int64_t *dims = take(b, 32), size = 1;
  if (!dims) return;
  for (int k = a->ndim - 1; k >= 0; k--) {
    dims[k] = mxi_dims(a)[k];
    dims[2 + k] = size;
    size *= dims[k];
  }
  b->places[node] = (struct mxi_place){.ndim = a->ndim, .shape = dims, .strides = dims + 2, .dense = true};
  b->places[node].slot = mxi_sizing_slot(b, MXI_SLOT_ARENA, node, (size_t)size * mxi_itemsize((mx_dtype)a->dtype));
}

/* The chain, with z among its inputs and t, which has no memory of its own, after its other results. */
static struct mx_cluster *size_chain(struct draft *d, const struct mxi_linear_pattern *p, const struct mxi_cluster *c) {
  struct mxi_sizer *b = d->b;
  mx_array z = b->t->nodes[p->z];
  static const int64_t ones[2] = {1, 1};
  b->places[p->z] = (struct mxi_place){.slot = b->places[p->x].slot, .ndim = z->ndim, .shape = mxi_dims(z), .strides = ones, .dense = true};
  gather_inputs(d, c);
  place_results(d, c, false);
  d->out[d->out_count++] = c->root;
  struct mx_cluster *ew = b->failed ? NULL : make_ew(d);
  if (!ew) return NULL;
  return finish_ew(b, ew, write_instrs(d, c), c->member_count) ? ew : NULL;
}

/* The operands of the step: x, w, then the chain's inputs in order (z's entry is unused); the chain's results, then g. */
static void place_linear(struct mxi_sizer *b, const struct mxi_linear_pattern *p) {
  const struct mxi_cluster *c = &b->s->clusters[p->cluster];
  const struct mxi_place *x = &b->places[p->x];
  struct draft d;
  start_draft(&d, b, c->root);
  struct mx_cluster *ew = size_chain(&d, p, c);
  struct mx_linear *l = ew ? take(b, sizeof *l) : NULL;
  if (!l) return;
  *l = (struct mx_linear){.rows = x->shape[0], .columns = x->shape[1], .row_stride = x->strides[0]};
  for (int k = 0; k < d.in_count; k++)
    if (d.in[k] == p->z) l->z_input = k;
  if (d.out_count == 1) find_affine(ew, l);
  place_vector(b, p->backward);
  struct mxi_step *step = b->failed ? NULL : mxi_sizing_step(b, MXI_STEP_LINEAR, p->backward);
  if (!step) return;
  step->ew = ew;
  step->linear = l;
  step->scratch = b->planner->linear_scratch(l, ew);
  mxi_sizing_operand(b, x->slot, x->offset);
  mxi_sizing_operand(b, b->places[p->w].slot, b->places[p->w].offset);
  uint32_t in_at = step->in_at;
  write_operands(&d, step, d.out_count - 1);
  step->in_at = in_at;
  step->in_count += 2;
  mxi_sizing_operand(b, b->places[p->backward].slot, 0);
  step->out_count++;
}

bool mxi_sizing_linear(struct mxi_sizer *b, uint32_t node) {
  for (uint32_t k = 0; k < b->s->linear_count; k++) {
    const struct mxi_linear_pattern *l = &b->s->linears[k];
    if ((l->forward != node && l->backward != node) || !linear_applies(b, l)) continue;
    if (l->backward == node) place_linear(b, l);
    return true;
  }
  return false;
}

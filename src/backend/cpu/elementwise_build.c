/* From a cluster to a tile program: which register lives where, which conversions stand around each operation. Made
 * once a plan; see elementwise.c for what happens at every run. Start at mxi_ew_build. */
#include "backend/cpu/elementwise_run.h"

enum { UNSET = 255, FOREVER = INT16_MAX };

struct builder {
  struct ew_program *p;
  struct ew_step *prologue, *steps; /* those of the program, while they are written */
  const struct mx_cluster *ew;
  uint64_t free_slots;
  int late_count;
  uint8_t late[MX_CLUSTER_MAX_INSTRS]; /* instructions whose output is copied at the end */
  uint8_t *place; /* of the program: where a value is, in its compute type; UNSET: an input not loaded yet */
  uint8_t dtype[EW_MAX_REGS];      /* as stored */
  bool is_one[EW_MAX_REGS];        /* one element for the whole tile */
  bool is_global[EW_MAX_REGS];     /* one element for the whole cluster */
  int16_t last_use[EW_MAX_REGS];
};

static const uint8_t compute_sizes[MXI_DTYPE_COUNT] = {
    [MX_BOOL] = 1,    [MX_UINT8] = 1,   [MX_UINT16] = 2,   [MX_UINT32] = 4,   [MX_UINT64] = 8,
    [MX_INT8] = 1,    [MX_INT16] = 2,   [MX_INT32] = 4,    [MX_INT64] = 8,    [MX_FLOAT16] = 4,
    [MX_FLOAT32] = 4, [MX_FLOAT64] = 8, [MX_BFLOAT16] = 4, [MX_COMPLEX64] = 8};
static size_t compute_size(int dtype) { return compute_sizes[dtype]; }
static bool is_half(int dtype) { return mxi_is_half((mx_dtype)dtype); }
static int which_half(int dtype) { return dtype == MX_BFLOAT16; }

/* ---- Places and steps -------------------------------------------------------------------------------------------- */
static int new_slot(struct builder *b) {
  int slot = __builtin_ctzll(b->free_slots);
  b->free_slots &= b->free_slots - 1;
  if (slot >= b->p->slot_count) b->p->slot_count = (int16_t)(slot + 1);
  return b->p->slot_base + slot;
}

static void free_place(struct builder *b, int place) {
  if (place != UNSET && place >= b->p->slot_base) b->free_slots |= 1ull << (place - b->p->slot_base);
}

/* Where register `reg` is to be computed. */
static int new_place(struct builder *b, int reg) {
  return b->is_global[reg] ? b->p->cell_base + b->p->cell_count++ : new_slot(b);
}

static struct ew_step *add_step(struct builder *b, enum ew_step_kind kind, int in, int out, bool is_one) {
  struct ew_step *s = &b->steps[b->p->step_count++];
  s->kind = (uint8_t)kind;
  s->in[0] = s->in[1] = s->in[2] = (uint8_t)in;
  s->out = (uint8_t)out;
  s->is_one = is_one;
  s->mask = 0;
  return s;
}

static void add_cast(struct builder *b, mxi_ew_cast_fn fn, int in, int out, bool is_one) {
  add_step(b, EW_STEP_CAST, in, out, is_one)->cast = fn;
}

/* What depends on scalars alone is computed once: steps from `first` on are such. */
static void move_to_prologue(struct builder *b, int first) {
  for (int i = first; i < b->p->step_count; i++) {
    struct ew_step *s = &b->prologue[b->p->prologue_count++];
    *s = b->steps[i];
    s->is_one = true;
  }
  b->p->step_count = (int16_t)first;
}

/* ---- Inputs ------------------------------------------------------------------------------------------------------ */
/* How input i varies within a tile: all of it dense, one element, or gathered. */
static enum mx_input_kind kind_in_tile(const struct builder *b, int i) {
  const struct mx_cluster *ew = b->ew;
  if (ew->in_kinds[i] != MX_INPUT_STRIDED || b->p->is_walking) return ew->in_kinds[i];
  int64_t inner = ew->strides[(i + 1) * ew->ndim - 1];
  return inner == 1 ? MX_INPUT_DENSE : inner == 0 ? MX_INPUT_SCALAR : MX_INPUT_STRIDED;
}

/* Places input i, stored as it is or as float32 for a half, before its first use. */
static void load(struct builder *b, int i) {
  if (b->place[i] != UNSET) return;
  int first = b->p->step_count, raw = i;
  b->is_global[i] = b->ew->in_kinds[i] == MX_INPUT_SCALAR;
  enum mx_input_kind kind = kind_in_tile(b, i);
  b->is_one[i] = kind == MX_INPUT_SCALAR;
  if (kind == MX_INPUT_STRIDED && !b->p->panel[i]) {
    raw = new_slot(b);
    add_step(b, b->p->is_walking ? EW_STEP_WALK : EW_STEP_GATHER, i, raw, false);
  }
  if (!is_half(b->dtype[i])) {
    b->place[i] = (uint8_t)raw;
    return;
  }
  b->place[i] = (uint8_t)new_place(b, i);
  add_cast(b, b->p->casts->load[which_half(b->dtype[i])], raw, b->place[i], b->is_one[i]);
  free_place(b, raw);
  if (b->is_global[i]) move_to_prologue(b, first);
}

/* ---- Instructions ------------------------------------------------------------------------------------------------ */
/* The result of instruction k goes straight to its output if that holds what later readers need. */
static bool is_direct(const struct builder *b, int k) {
  const struct mx_instr *ins = &b->ew->instrs[k];
  int reg = b->ew->in_count + k;
  return ins->output >= 0 && !is_half(ins->out_dtype) && b->last_use[reg] != FOREVER &&
         (!b->is_one[reg] || ins->scalar);
}

/* From the place of register reg to the output of instruction k. */
static void store(struct builder *b, int k) {
  const struct mx_instr *ins = &b->ew->instrs[k];
  int reg = b->ew->in_count + k, from = b->place[reg], to = b->ew->in_count + ins->output, dtype = ins->out_dtype;
  bool is_one = b->is_one[reg], is_filled = is_one && !ins->scalar;
  if (is_half(dtype)) {
    int stored = is_filled ? new_slot(b) : to;
    add_cast(b, b->p->casts->store[which_half(dtype)], from, stored, is_one);
    if (!is_filled) return;
    free_place(b, stored);
    from = stored;
  }
  int size = ew_size_class(mxi_itemsizes[dtype]);
  add_cast(b, is_filled ? b->p->casts->fill[size] : b->p->casts->move[size], from, to, ins->scalar);
}

/* Rounds what the step for instruction k has left in its place, if anything reads it there. */
static void add_round(struct builder *b, int k) {
  int reg = b->ew->in_count + k, dtype = b->ew->instrs[k].out_dtype;
  if (is_half(dtype) && b->last_use[reg] > k)
    add_cast(b, b->p->casts->round[which_half(dtype)], b->place[reg], b->place[reg], b->is_one[reg]);
}

/* A conversion in compute types: halves are float32 on both sides. */
static mxi_ew_cast_fn cast_of(const struct builder *b, int from, int to) {
  int f = is_half(from) ? MX_FLOAT32 : from, t = is_half(to) ? MX_FLOAT32 : to;
  return f == t ? b->p->casts->move[ew_size_class(mxi_itemsizes[f])] : b->p->casts->cast[f][t];
}

static void add_operation(struct builder *b, int k) {
  const struct mx_instr *ins = &b->ew->instrs[k];
  int reg = b->ew->in_count + k;
  struct ew_step *s = add_step(b, EW_STEP_ROW, b->place[ins->in[0]], b->place[reg], b->is_one[reg]);
  if (ins->op == MX_INSTR_CAST) {
    s->kind = EW_STEP_CAST;
    s->cast = cast_of(b, ins->dtype, ins->out_dtype);
    return;
  }
  s->row = ew_rows(ins->dtype)->fn[ins->op][ins->dtype];
  for (int j = 0; j < ins->arity; j++) {
    s->in[j] = b->place[ins->in[j]];
    s->mask |= (uint8_t)(b->is_one[ins->in[j]] << j);
  }
}

static void add_instr(struct builder *b, int k) {
  const struct mx_instr *ins = &b->ew->instrs[k];
  int reg = b->ew->in_count + k, first = b->p->step_count;
  size_t size = compute_size(ins->out_dtype);
  bool is_one = true, is_global = true;
  uint64_t freed = 0, freed_late = 0; /* a result may take the slot of an operand of its size */
  for (int j = 0; j < ins->arity; j++) {
    int operand = ins->in[j];
    if (operand < b->ew->in_count) load(b, operand);
    is_one &= b->is_one[operand];
    is_global &= b->is_global[operand];
    if (b->last_use[operand] == k && b->place[operand] >= b->p->slot_base)
      *(compute_size(b->dtype[operand]) == size ? &freed : &freed_late) |= 1ull
                                                                           << (b->place[operand] - b->p->slot_base);
  }
  b->is_one[reg] = is_one;
  b->is_global[reg] = is_global;
  b->dtype[reg] = ins->out_dtype;
  b->free_slots |= freed;
  b->place[reg] = (uint8_t)(is_direct(b, k) ? b->ew->in_count + ins->output : new_place(b, reg));
  b->free_slots |= freed_late;
  add_operation(b, k);
  add_round(b, k);
  if (is_global) move_to_prologue(b, first);
  first = b->p->step_count;
  if (b->last_use[reg] == FOREVER)
    b->late[b->late_count++] = (uint8_t)k;
  else if (ins->output >= 0 && !is_direct(b, k))
    store(b, k);
  if (is_global && ins->scalar) move_to_prologue(b, first);
  if (b->last_use[reg] < 0) free_place(b, b->place[reg]);
}

/* Inputs whose last two axes are transposed are read in panels of several rows, if rows are not too few or short. */
static void find_panels(struct ew_program *p, const struct mx_cluster *ew) {
  int n = ew->ndim;
  if (!p->has_strided || n < 2 || ew->shape[n - 1] < 16 || ew->shape[n - 2] < 4) return;
  for (int i = 0; i < ew->in_count; i++) {
    const int64_t *strides = ew->strides + i * n;
    if (ew->in_kinds[i] != MX_INPUT_STRIDED || strides[n - 2] != 1 || strides[n - 1] == 1 || strides[n - 1] == 0)
      continue;
    if (p->panel_count < EW_MAX_PANELS) p->panel[i] = (uint8_t)++p->panel_count;
  }
}

/* A copy that transposes the last two axes. */
static bool is_turn(const struct mx_cluster *ew) {
  const struct mx_instr *ins = ew->instrs;
  int n = ew->ndim;
  return ew->instr_count == 1 && ins->op == MX_INSTR_CAST && ins->dtype == ins->out_dtype && !ins->scalar &&
         ew->in_count == 1 && ew->in_kinds[0] == MX_INPUT_STRIDED && n >= 2 && ew->strides[n - 2] == 1 &&
         ew->strides[n - 1] != 1 && ew->strides[n - 1] != 0;
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */
static void start(struct builder *b) {
  struct ew_program *p = b->p;
  const struct mx_cluster *ew = b->ew;
  int regs = ew->in_count + ew->instr_count;
  memset(p, 0, sizeof *p);
  p->ew = ew;
  p->casts = mxi_ew_casts();
  p->cell_base = (int16_t)(ew->in_count + ew->out_count);
  p->slot_base = (int16_t)(p->cell_base + regs);
  memset(b->last_use, -1, sizeof *b->last_use * (size_t)regs);
  for (int i = 0; i < ew->in_count; i++) {
    b->place[i] = UNSET;
    b->dtype[i] = ew->in_dtypes[i];
    p->has_strided |= ew->in_kinds[i] == MX_INPUT_STRIDED;
    if (ew->in_kinds[i] == MX_INPUT_DENSE) p->itemsize[i] = mxi_itemsizes[ew->in_dtypes[i]];
  }
  for (int i = 0; i < ew->out_count; i++) p->itemsize[ew->in_count + i] = mxi_itemsizes[ew->out_dtypes[i]];
  find_panels(p, ew);
  p->is_turn = is_turn(ew);
  p->is_walking = p->has_strided && !p->panel_count && ew->ndim > 1 && ew->shape[ew->ndim - 1] < EW_SHORT_ROW;
}

/* Output o of instruction k may be the memory of an input of its size: a result that would overwrite an input still to
 * be read waits for the end, and a scalar is read from a copy. */
static void resolve_alias(struct builder *b, int k, int o, const void *const *in, void *const *out) {
  const struct mx_cluster *ew = b->ew;
  for (int i = 0; i < ew->in_count; i++) {
    bool is_scalar = ew->in_kinds[i] == MX_INPUT_SCALAR;
    if (is_scalar ? ew->instrs[k].scalar : b->last_use[i] > k)
      b->p->is_risky = true;
    else
      b->p->safe[o] |= (uint16_t)(1u << i);
    if (!in || in[i] != out[o]) continue;
    if (is_scalar)
      b->p->moved |= (uint16_t)(1u << i);
    else if (b->last_use[i] > k)
      b->last_use[ew->in_count + k] = FOREVER;
  }
}

static void find_uses(struct builder *b, const void *const *in, void *const *out) {
  const struct mx_cluster *ew = b->ew;
  for (int k = 0; k < ew->instr_count; k++)
    for (int j = 0; j < ew->instrs[k].arity; j++) b->last_use[ew->instrs[k].in[j]] = (int16_t)k;
  for (int k = 0; k < ew->instr_count; k++) {
    int o = ew->instrs[k].output;
    if (o < 0) continue;
    if (ew->instrs[k].scalar) b->p->itemsize[ew->in_count + o] = 0;
    resolve_alias(b, k, o, in, out);
  }
}

static void size_tiles(struct builder *b) {
  struct ew_program *p = b->p;
  const struct mx_cluster *ew = b->ew;
  size_t width = 1, touched = (size_t)p->slot_count;
  for (int i = 0; i < p->cell_base; i++) touched += p->itemsize[i] != 0;
  for (int i = 0; i < ew->in_count + ew->instr_count; i++)
    if (compute_size(b->dtype[i]) > width) width = compute_size(b->dtype[i]);
  p->tile = (int64_t)(EW_TILE_BYTES / (width * (touched + !touched))) & -EW_MIN_TILE;
  if (p->tile < EW_MIN_TILE) p->tile = EW_MIN_TILE;
  if (p->step_count == 1 && !p->slot_count) p->tile = ew->size + !ew->size;
  p->slot_stride = p->slot_count ? p->tile * (int64_t)width + EW_SLOT_GAP : 0;
  p->is_once = !p->has_strided && ew->size <= p->tile && ew->size * p->step_count < EW_SERIAL_WORK;
}

void mxi_ew_build(struct ew_storage *storage, const struct mx_cluster *ew, const void *const *in, void *const *out) {
  struct builder b;
  b.p = &storage->program;
  b.ew = ew;
  b.place = b.p->place;
  b.prologue = storage->prologue;
  b.steps = storage->steps;
  b.free_slots = ~0ull;
  b.late_count = 0;
  start(&b);
  b.p->prologue = b.prologue;
  b.p->steps = b.steps;
  find_uses(&b, in, out);
  for (int k = 0; k < ew->instr_count; k++) add_instr(&b, k);
  for (int i = 0; i < b.late_count; i++) store(&b, b.late[i]);
  size_tiles(&b);
}

const void *mxi_cpu_elementwise_prepare(const struct mx_cluster *ew, struct mxi_arena *arena) {
  struct ew_storage storage;
  mxi_ew_build(&storage, ew, NULL, NULL);
  struct ew_program *p = &storage.program;
  size_t prologue = sizeof(struct ew_step) * (size_t)p->prologue_count;
  size_t steps = sizeof(struct ew_step) * (size_t)p->step_count;
  struct ew_program *kept = mxi_arena_alloc(arena, sizeof *kept);
  struct ew_step *list = mxi_arena_alloc(arena, prologue + steps);
  if (!kept || !list) return NULL;
  memcpy(list, p->prologue, prologue);
  memcpy(list + p->prologue_count, p->steps, steps);
  p->prologue = list;
  p->steps = list + p->prologue_count;
  *kept = *p;
  return kept;
}

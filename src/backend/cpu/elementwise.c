/* The interpreter of elementwise clusters: tiles small enough for the first-level cache go through all steps of a
 * program. One operation on dense operands is one call of its kernel. Start at mxi_cpu_elementwise. */
#include "backend/cpu/elementwise.h"

#include "backend/cpu/elementwise_run.h"
#include "base/pool.h"

#define SERIAL_WORK 32768 /* element operations below which threads cost more than they bring */

/* ---- Strided operands -------------------------------------------------------------------------------------------- */
/* Where a thread is in the iteration space: row `row`, column `column`, for the walk of strided operands. */
struct position {
  int64_t column, index[MXI_MAX_NDIM];
  int64_t offset[MXI_EW_MAX_INPUTS]; /* elements, of the row's start */
};

static void seek(struct position *w, const struct mxi_ew *ew, int64_t at) {
  w->column = at % ew->shape[ew->ndim - 1];
  at /= ew->shape[ew->ndim - 1];
  memset(w->offset, 0, sizeof w->offset);
  for (int d = ew->ndim - 2; d >= 0; d--) {
    w->index[d] = at % ew->shape[d];
    at /= ew->shape[d];
    for (int i = 0; i < ew->in_count; i++) w->offset[i] += w->index[d] * ew->strides[i * ew->ndim + d];
  }
}

static void next_row(struct position *w, const struct mxi_ew *ew) {
  w->column = 0;
  for (int d = ew->ndim - 2; d >= 0; d--) {
    bool is_carry = ++w->index[d] == ew->shape[d];
    int64_t steps = is_carry ? 1 - ew->shape[d] : 1;
    for (int i = 0; i < ew->in_count; i++) w->offset[i] += steps * ew->strides[i * ew->ndim + d];
    if (!is_carry) return;
    w->index[d] = 0;
  }
}

/* n elements of input i from position `w` on, across rows, into `out`. */
static void walk(const struct ew_program *p, int i, const struct position *from, char *out, int64_t n) {
  const struct mxi_ew *ew = p->ew;
  struct position w = *from;
  size_t itemsize = mxi_itemsizes[ew->in_dtypes[i]];
  int64_t inner = ew->shape[ew->ndim - 1], stride = ew->strides[(i + 1) * ew->ndim - 1];
  for (int64_t done = 0; done < n; next_row(&w, ew)) {
    int64_t count = inner - w.column < n - done ? inner - w.column : n - done;
    const char *at = p->at[i] + (w.offset[i] + w.column * stride) * (int64_t)itemsize;
    p->casts->gather[ew_size_class(itemsize)](out + done * (int64_t)itemsize, at, stride, (size_t)count);
    done += count;
  }
}

/* ---- Tiles ------------------------------------------------------------------------------------------------------- */
struct thread_places {
  char *at[EW_MAX_PLACES];
  struct position position;
};

static void place_slots(const struct ew_program *p, struct thread_places *t, char *memory) {
  for (int i = p->cell_base; i < p->slot_base; i++) t->at[i] = p->at[i];
  for (int i = 0; i < p->slot_count; i++) t->at[p->slot_base + i] = memory + i * p->slot_stride;
}

static void run_tile(const struct ew_program *p, struct thread_places *t, int64_t n) {
  const struct mxi_ew *ew = p->ew;
  for (int i = 0; i < p->step_count; i++) {
    const struct ew_step *s = &p->steps[i];
    int input = s->in[0];
    if (s->kind == EW_STEP_GATHER)
      p->casts->gather[ew_size_class(mxi_itemsizes[ew->in_dtypes[input]])](
          t->at[s->out], t->at[input], ew->strides[(input + 1) * ew->ndim - 1], (size_t)n);
    else if (s->kind == EW_STEP_WALK)
      walk(p, input, &t->position, t->at[s->out], n);
    else
      ew_step_run(s, t->at, (size_t)n);
  }
}

static void run_dense(const struct ew_program *p, struct thread_places *t, int64_t count) {
  for (; count > 0; count -= p->tile) {
    int64_t n = count < p->tile ? count : p->tile;
    run_tile(p, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
  }
}

/* Tiles that end with the row, so that most strided operands are dense or one element in each. */
static void run_rows(const struct ew_program *p, struct thread_places *t, int64_t count) {
  const struct mxi_ew *ew = p->ew;
  struct position *w = &t->position;
  int64_t inner = ew->shape[ew->ndim - 1];
  while (count > 0) {
    int64_t n = count < p->tile ? count : p->tile;
    if (n > inner - w->column) n = inner - w->column;
    for (int i = 0; i < ew->in_count; i++)
      if (ew->in_kinds[i] == MXI_EW_STRIDED)
        t->at[i] = p->at[i] + (w->offset[i] + w->column * ew->strides[(i + 1) * ew->ndim - 1]) *
                                  (int64_t)mxi_itemsizes[ew->in_dtypes[i]];
    run_tile(p, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
    count -= n;
    w->column += n;
    if (w->column == inner) next_row(w, ew);
  }
}

/* Tiles across short rows: strided operands are gathered. */
static void run_walk(const struct ew_program *p, struct thread_places *t, int64_t begin, int64_t end) {
  for (; begin < end; begin += p->tile) {
    int64_t n = end - begin < p->tile ? end - begin : p->tile;
    seek(&t->position, p->ew, begin);
    run_tile(p, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
  }
}

/* One tile of row r of a block of rows; the block starts at `w`, with element `first`. */
static void run_panel_row(const struct ew_program *p, struct thread_places *t, char *const *panels, int64_t r,
                          int64_t first, int64_t n) {
  const struct mxi_ew *ew = p->ew;
  const struct position *w = &t->position;
  int64_t inner = ew->shape[ew->ndim - 1], at = first + r * inner + w->column;
  for (int i = 0; i < p->cell_base; i++) t->at[i] = p->at[i] + at * p->itemsize[i];
  for (int i = 0; i < ew->in_count; i++) {
    const int64_t *strides = ew->strides + (i + 1) * ew->ndim - 2, itemsize = mxi_itemsizes[ew->in_dtypes[i]];
    if (p->panel[i])
      t->at[i] = panels[p->panel[i] - 1] + r * EW_PANEL_COLUMNS * itemsize;
    else if (ew->in_kinds[i] == MXI_EW_STRIDED)
      t->at[i] = p->at[i] + (w->offset[i] + r * strides[0] + w->column * strides[1]) * itemsize;
  }
  run_tile(p, t, n);
}

/* Rows [begin, end) in blocks of several rows and columns, whose transposed inputs are turned first. */
static void run_panels(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct ew_program *p = arg;
  const struct mxi_ew *ew = p->ew;
  struct thread_places t;
  struct position *w = &t.position;
  _Alignas(64) char memory[EW_SLOT_MEMORY], panel_memory[EW_MAX_PANELS][EW_PANEL_ROWS * EW_PANEL_COLUMNS * 8];
  char *const panels[] = {panel_memory[0], panel_memory[1], panel_memory[2]};
  int64_t inner = ew->shape[ew->ndim - 1], length = ew->shape[ew->ndim - 2];
  int64_t width = p->tile < EW_PANEL_COLUMNS ? p->tile : EW_PANEL_COLUMNS;
  place_slots(p, &t, memory);
  for (int64_t rows; begin < end; begin += rows) {
    seek(w, ew, begin * inner);
    rows = end - begin < EW_PANEL_ROWS ? end - begin : EW_PANEL_ROWS;
    if (rows > length - w->index[ew->ndim - 2]) rows = length - w->index[ew->ndim - 2];
    for (int64_t n; w->column < inner; w->column += n) {
      n = inner - w->column < width ? inner - w->column : width;
      for (int i = 0; i < ew->in_count; i++) {
        if (!p->panel[i]) continue;
        int64_t step = ew->strides[(i + 1) * ew->ndim - 1], itemsize = mxi_itemsizes[ew->in_dtypes[i]];
        p->casts->transpose[ew_size_class((size_t)itemsize)](panels[p->panel[i] - 1], EW_PANEL_COLUMNS,
                                                             p->at[i] + (w->offset[i] + w->column * step) * itemsize,
                                                             step, (size_t)rows, (size_t)n);
      }
      for (int64_t r = 0; r < rows; r++) run_panel_row(p, &t, panels, r, begin * inner, n);
    }
  }
}

static void run_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct ew_program *p = arg;
  struct thread_places t;
  _Alignas(64) char memory[EW_SLOT_MEMORY];
  for (int i = 0; i < p->cell_base; i++) t.at[i] = p->at[i] + begin * p->itemsize[i];
  place_slots(p, &t, memory);
  if (!p->has_strided) {
    run_dense(p, &t, end - begin);
  } else if (p->is_walking) {
    run_walk(p, &t, begin, end);
  } else {
    seek(&t.position, p->ew, begin);
    run_rows(p, &t, end - begin);
  }
}

void mxi_ew_run(const struct ew_program *p, int64_t begin, int64_t end) { run_chunk((void *)p, begin, end, 0); }

/* ---- Whole clusters ---------------------------------------------------------------------------------------------- */
static void run_program(const struct mxi_ew *ew, const void *const *in, void *const *out) {
  struct ew_program p;
  mxi_ew_build(&p, ew, in, out);
  if (!p.step_count || !ew->size) return;
  int64_t inner = ew->ndim ? ew->shape[ew->ndim - 1] : 1, chunk = SERIAL_WORK / 2 / p.step_count;
  bool is_small = ew->size * p.step_count < SERIAL_WORK;
  if (p.panel_count && is_small)
    run_panels(&p, 0, ew->size / inner, 0);
  else if (p.panel_count)
    mxi_parallel(ew->size / inner, (chunk / inner + EW_PANEL_ROWS) & -EW_PANEL_ROWS, run_panels, &p);
  else if (is_small)
    run_chunk(&p, 0, ew->size, 0);
  else
    mxi_parallel(ew->size, (chunk + 63) & -64, run_chunk, &p);
}

/* One operation on dense or scalar operands, in the types they are stored in. */
struct single {
  mxi_ew_fn fn;
  const void *in[3];
  void *out;
  unsigned mask;
  uint8_t step[3], out_step; /* bytes an element */
};

static void run_single_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct single *s = arg;
  const void *in[3];
  for (int j = 0; j < 3; j++) in[j] = (const char *)s->in[j] + begin * s->step[j];
  s->fn((char *)s->out + begin * s->out_step, in, s->mask, (size_t)(end - begin));
}

static bool run_single(const struct mxi_ew *ew, const void *const *in, void *const *out) {
  const struct mxi_ew_instr *ins = ew->instrs;
  struct single s = {.out = out[0], .out_step = mxi_itemsizes[ins->out_dtype]};
  if (ins->op == MXI_EW_CAST || mxi_is_half((mx_dtype)ins->dtype)) return false;
  for (int j = 0; j < ins->arity; j++) {
    int reg = ins->in[j];
    if (ew->in_kinds[reg] == MXI_EW_STRIDED) return false;
    s.in[j] = in[reg];
    s.step[j] = ew->in_kinds[reg] == MXI_EW_SCALAR ? 0 : mxi_itemsizes[ew->in_dtypes[reg]];
    s.mask |= (unsigned)(s.step[j] == 0) << j;
  }
  if (s.mask == (1u << ins->arity) - 1 && ew->size != 1) return false;
  s.fn = ew_rows(ins->dtype)->fn[ins->op][ins->dtype];
  if (ew->size < SERIAL_WORK)
    s.fn(s.out, s.in, s.mask, (size_t)ew->size);
  else
    mxi_parallel(ew->size, SERIAL_WORK / 2, run_single_chunk, &s);
  return true;
}

/* A copy that transposes the last two axes: straight to the result, in blocks. */
struct turn {
  const struct mxi_ew *ew;
  const char *in;
  char *out;
};

static void run_turn(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct turn *t = arg;
  const struct mxi_ew *ew = t->ew;
  int64_t inner = ew->shape[ew->ndim - 1], length = ew->shape[ew->ndim - 2], itemsize = mxi_itemsizes[ew->in_dtypes[0]];
  for (int64_t rows; begin < end; begin += rows) {
    struct position w;
    seek(&w, ew, begin * inner);
    rows = length - w.index[ew->ndim - 2] < end - begin ? length - w.index[ew->ndim - 2] : end - begin;
    mxi_ew_casts()->transpose[ew_size_class((size_t)itemsize)](t->out + begin * inner * itemsize, inner,
                                                               t->in + w.offset[0] * itemsize,
                                                               ew->strides[ew->ndim - 1], (size_t)rows, (size_t)inner);
  }
}

static bool run_copy(const struct mxi_ew *ew, const void *const *in, void *const *out) {
  const struct mxi_ew_instr *ins = ew->instrs;
  int n = ew->ndim;
  if (ins->op != MXI_EW_CAST || ins->dtype != ins->out_dtype || ins->scalar || ew->in_count != 1) return false;
  if (ew->in_kinds[0] != MXI_EW_STRIDED || !ew->size) return false;
  if (n < 2 || ew->strides[n - 2] != 1 || ew->strides[n - 1] == 1 || ew->strides[n - 1] == 0) return false;
  struct turn t = {ew, in[0], out[0]};
  int64_t rows = ew->size / ew->shape[n - 1];
  if (ew->size < SERIAL_WORK)
    run_turn(&t, 0, rows, 0);
  else
    mxi_parallel(rows, (SERIAL_WORK / ew->shape[n - 1] + 64) & -64, run_turn, &t);
  return true;
}

mx_status mxi_cpu_elementwise(const struct mxi_ew *ew, const void *const *in, void *const *out) {
  if (ew->instr_count != 1 || !(run_single(ew, in, out) || run_copy(ew, in, out))) run_program(ew, in, out);
  return MX_OK;
}

/* The interpreter of elementwise clusters: tiles small enough for the first-level cache go through all steps of a
 * program. One operation on dense operands is one call of its kernel. Start at mxi_cpu_elementwise. */
#include "backend/cpu/elementwise.h"

#include "backend/cpu/elementwise_run.h"
#include "base/pool.h"

/* ---- Bind -------------------------------------------------------------------------------------------------------- */
/* Whether some output takes memory that the program would still read after writing. */
static bool has_hazard(const struct ew_program *p, const void *const *in, void *const *out) {
  const struct mx_cluster *ew = p->ew;
  for (int o = 0; o < ew->out_count; o++)
    for (int i = 0; i < ew->in_count; i++)
      if (in[i] == out[o] && !(p->safe[o] >> i & 1)) return true;
  return false;
}

static void copy_moved(struct ew_frame *f) {
  const struct ew_program *p = f->program;
  for (int i = 0; i < p->ew->in_count; i++)
    if (p->moved >> i & 1) f->at[i] = memcpy(f->copies[i], f->at[i], mxi_itemsizes[p->ew->in_dtypes[i]]);
}

static inline __attribute__((always_inline)) const struct ew_program *bind(struct ew_frame *f, const struct mx_cluster *ew,
                                                                           const void *const *in, void *const *out) {
  const struct ew_program *p = ew->program;
  int in_count = ew->in_count, out_count = ew->out_count;
  if (__builtin_expect(!p || (p->is_risky && has_hazard(p, in, out)), 0)) {
    mxi_ew_build(&f->storage, ew, in, out);
    p = &f->storage.program;
  }
  f->program = p;
  for (int i = 0; i < in_count; i++) f->at[i] = (char *)(uintptr_t)in[i];
  for (int i = 0; i < out_count; i++) f->at[in_count + i] = out[i];
  for (int i = 0; i < p->cell_count; i++) f->at[p->cell_base + i] = f->cells[i];
  if (p->moved) copy_moved(f);
  for (int i = 0; i < p->prologue_count; i++) ew_step_run(&p->prologue[i], f->at, 1);
  return p;
}

void mxi_ew_bind(struct ew_frame *f, const struct mx_cluster *ew, const void *const *in, void *const *out) {
  bind(f, ew, in, out);
}

/* ---- Strided operands -------------------------------------------------------------------------------------------- */
/* Where a thread is in the iteration space: row `row`, column `column`, for the walk of strided operands. */
struct position {
  int64_t column, index[MXI_MAX_NDIM];
  int64_t offset[MX_CLUSTER_MAX_INPUTS]; /* elements, of the row's start */
};

static void seek(struct position *w, const struct mx_cluster *ew, int64_t at) {
  w->column = at % ew->shape[ew->ndim - 1];
  at /= ew->shape[ew->ndim - 1];
  memset(w->offset, 0, sizeof w->offset);
  for (int d = ew->ndim - 2; d >= 0; d--) {
    w->index[d] = at % ew->shape[d];
    at /= ew->shape[d];
    for (int i = 0; i < ew->in_count; i++) w->offset[i] += w->index[d] * ew->strides[i * ew->ndim + d];
  }
}

static void next_row(struct position *w, const struct mx_cluster *ew) {
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
static void walk(const struct ew_frame *f, int i, const struct position *from, char *out, int64_t n) {
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  struct position w = *from;
  size_t itemsize = mxi_itemsizes[ew->in_dtypes[i]];
  int64_t inner = ew->shape[ew->ndim - 1], stride = ew->strides[(i + 1) * ew->ndim - 1];
  for (int64_t done = 0; done < n; next_row(&w, ew)) {
    int64_t count = inner - w.column < n - done ? inner - w.column : n - done;
    const char *at = f->at[i] + (w.offset[i] + w.column * stride) * (int64_t)itemsize;
    p->casts->gather[ew_size_class(itemsize)](out + done * (int64_t)itemsize, at, stride, (size_t)count);
    done += count;
  }
}

/* ---- Tiles ------------------------------------------------------------------------------------------------------- */
struct thread_places {
  char *at[EW_MAX_PLACES];
  struct position position;
};

static void place_slots(const struct ew_program *p, char **at, char *memory) {
  for (int i = 0; i < p->slot_count; i++) at[p->slot_base + i] = memory + i * p->slot_stride;
}

static void place_cells(const struct ew_frame *f, struct thread_places *t) {
  int base = f->program->cell_base;
  for (int i = base; i < base + f->program->cell_count; i++) t->at[i] = f->at[i];
}

static void run_tile(const struct ew_frame *f, struct thread_places *t, int64_t n) {
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  for (int i = 0; i < p->step_count; i++) {
    const struct ew_step *s = &p->steps[i];
    int input = s->in[0];
    if (s->kind == EW_STEP_GATHER)
      p->casts->gather[ew_size_class(mxi_itemsizes[ew->in_dtypes[input]])](
          t->at[s->out], t->at[input], ew->strides[(input + 1) * ew->ndim - 1], (size_t)n);
    else if (s->kind == EW_STEP_WALK)
      walk(f, input, &t->position, t->at[s->out], n);
    else
      ew_step_run(s, t->at, (size_t)n);
  }
}

static void run_dense(const struct ew_frame *f, struct thread_places *t, int64_t count) {
  const struct ew_program *p = f->program;
  for (; count > 0; count -= p->tile) {
    int64_t n = count < p->tile ? count : p->tile;
    run_tile(f, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
  }
}

/* Tiles that end with the row, so that most strided operands are dense or one element in each. */
static void run_rows(const struct ew_frame *f, struct thread_places *t, int64_t count) {
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  struct position *w = &t->position;
  int64_t inner = ew->shape[ew->ndim - 1];
  while (count > 0) {
    int64_t n = count < p->tile ? count : p->tile;
    if (n > inner - w->column) n = inner - w->column;
    for (int i = 0; i < ew->in_count; i++)
      if (ew->in_kinds[i] == MX_INPUT_STRIDED)
        t->at[i] = f->at[i] + (w->offset[i] + w->column * ew->strides[(i + 1) * ew->ndim - 1]) *
                                  (int64_t)mxi_itemsizes[ew->in_dtypes[i]];
    run_tile(f, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
    count -= n;
    w->column += n;
    if (w->column == inner) next_row(w, ew);
  }
}

/* Tiles across short rows: strided operands are gathered. */
static void run_walk(const struct ew_frame *f, struct thread_places *t, int64_t begin, int64_t end) {
  const struct ew_program *p = f->program;
  for (; begin < end; begin += p->tile) {
    int64_t n = end - begin < p->tile ? end - begin : p->tile;
    seek(&t->position, p->ew, begin);
    run_tile(f, t, n);
    for (int i = 0; i < p->cell_base; i++) t->at[i] += n * p->itemsize[i];
  }
}

/* One tile of row r of a block of rows; the block starts at `w`, with element `first`. */
static void run_panel_row(const struct ew_frame *f, struct thread_places *t, char *const *panels, int64_t r,
                          int64_t first, int64_t n) {
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  const struct position *w = &t->position;
  int64_t inner = ew->shape[ew->ndim - 1], at = first + r * inner + w->column;
  for (int i = 0; i < p->cell_base; i++) t->at[i] = f->at[i] + at * p->itemsize[i];
  for (int i = 0; i < ew->in_count; i++) {
    const int64_t *strides = ew->strides + (i + 1) * ew->ndim - 2, itemsize = mxi_itemsizes[ew->in_dtypes[i]];
    if (p->panel[i])
      t->at[i] = panels[p->panel[i] - 1] + r * EW_PANEL_COLUMNS * itemsize;
    else if (ew->in_kinds[i] == MX_INPUT_STRIDED)
      t->at[i] = f->at[i] + (w->offset[i] + r * strides[0] + w->column * strides[1]) * itemsize;
  }
  run_tile(f, t, n);
}

/* Rows [begin, end) in blocks of several rows and columns, whose transposed inputs are turned first. */
static void run_panels(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct ew_frame *f = arg;
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  struct thread_places t;
  struct position *w = &t.position;
  _Alignas(64) char memory[EW_SLOT_MEMORY], panel_memory[EW_MAX_PANELS][EW_PANEL_ROWS * EW_PANEL_COLUMNS * 8];
  char *const panels[] = {panel_memory[0], panel_memory[1], panel_memory[2]};
  int64_t inner = ew->shape[ew->ndim - 1], length = ew->shape[ew->ndim - 2];
  int64_t width = p->tile < EW_PANEL_COLUMNS ? p->tile : EW_PANEL_COLUMNS;
  place_cells(f, &t);
  place_slots(p, t.at, memory);
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
                                                             f->at[i] + (w->offset[i] + w->column * step) * itemsize,
                                                             step, (size_t)rows, (size_t)n);
      }
      for (int64_t r = 0; r < rows; r++) run_panel_row(f, &t, panels, r, begin * inner, n);
    }
  }
}

/* last: where the last output's element `begin` goes; NULL: to its own memory. */
static void run_span(const struct ew_frame *f, int64_t begin, int64_t end, char *last) {
  const struct ew_program *p = f->program;
  struct thread_places t;
  _Alignas(64) char memory[EW_SLOT_MEMORY];
  int own = last ? p->cell_base - 1 : p->cell_base;
  for (int i = 0; i < own; i++) t.at[i] = f->at[i] + begin * p->itemsize[i];
  if (last) t.at[own] = last;
  place_cells(f, &t);
  place_slots(p, t.at, memory);
  if (!p->has_strided) {
    run_dense(f, &t, end - begin);
  } else if (p->is_walking) {
    run_walk(f, &t, begin, end);
  } else {
    seek(&t.position, p->ew, begin);
    run_rows(f, &t, end - begin);
  }
}

static void run_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  run_span(arg, begin, end, NULL);
}

void mxi_ew_run(const struct ew_frame *f, int64_t begin, int64_t end) { run_span(f, begin, end, NULL); }

void mxi_ew_run_to(const struct ew_frame *f, int64_t begin, int64_t end, void *last) { run_span(f, begin, end, last); }

/* ---- Whole clusters ---------------------------------------------------------------------------------------------- */
/* All of it in one tile. */
static inline void run_once(const struct ew_program *p, char **at, size_t n) {
  _Alignas(64) char memory[EW_SLOT_MEMORY];
  place_slots(p, at, memory);
  const struct ew_step *end = p->steps + p->step_count;
  for (const struct ew_step *s = p->steps; s < end; s++) ew_step_run(s, at, n);
}

static void run_program(struct ew_frame *f, bool is_small) {
  const struct ew_program *p = f->program;
  const struct mx_cluster *ew = p->ew;
  if (is_small && !p->panel_count) {
    run_chunk(f, 0, ew->size, 0);
    return;
  }
  int64_t inner = ew->ndim ? ew->shape[ew->ndim - 1] : 1, chunk = EW_SERIAL_WORK / 2 / p->step_count;
  if (p->panel_count && is_small)
    run_panels(f, 0, ew->size / inner, 0);
  else if (p->panel_count)
    mxi_parallel(ew->size / inner, (chunk / inner + EW_PANEL_ROWS) & -EW_PANEL_ROWS, run_panels, f);
  else
    mxi_parallel(ew->size, (chunk + 63) & -64, run_chunk, f);
}

/* A copy that transposes the last two axes: straight to the result, in blocks of `rows` by `columns`. */
struct turn {
  const struct mx_cluster *ew;
  const char *in;
  char *out;
  int64_t rows, columns, down, across; /* down, across: blocks in each matrix */
};

static void run_turn(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct turn *t = arg;
  const struct mx_cluster *ew = t->ew;
  int64_t inner = ew->shape[ew->ndim - 1], length = ew->shape[ew->ndim - 2], itemsize = mxi_itemsizes[ew->in_dtypes[0]];
  int64_t step = ew->strides[ew->ndim - 1];
  for (; begin < end; begin++) {
    struct position w;
    int64_t row = begin / t->across % t->down * t->rows, column = begin % t->across * t->columns;
    int64_t at = begin / t->across / t->down * length * inner + row * inner;
    int64_t rows = length - row < t->rows ? length - row : t->rows;
    int64_t columns = inner - column < t->columns ? inner - column : t->columns;
    seek(&w, ew, at);
    mxi_ew_casts()->transpose[ew_size_class((size_t)itemsize)](t->out + (at + column) * itemsize, inner,
                                                               t->in + (w.offset[0] + column * step) * itemsize, step,
                                                               (size_t)rows, (size_t)columns);
  }
}

static void run_transposed_copy(const struct mx_cluster *ew, const void *in, void *out) {
  int64_t inner = ew->shape[ew->ndim - 1], length = ew->shape[ew->ndim - 2];
  struct turn t = {.ew = ew, .in = in, .out = out, .rows = EW_TURN_ROWS, .columns = inner, .across = 1};
  t.down = (length + t.rows - 1) / t.rows;
  int64_t matrices = ew->size / inner / length;
  if (matrices * t.down < EW_TURN_BLOCKS) {
    t.columns = (inner / EW_TURN_BLOCKS + 64) & -64;
    t.across = (inner + t.columns - 1) / t.columns;
  }
  int64_t blocks = matrices * t.down * t.across, block = ew->size / blocks;
  if (ew->size < EW_SERIAL_WORK)
    run_turn(&t, 0, blocks, 0);
  else
    mxi_parallel(blocks, EW_SERIAL_WORK / (block + 1) + 1, run_turn, &t);
}

mx_status mxi_cpu_elementwise(const struct mx_cluster *ew, const void *const *in, void *const *out) {
  struct ew_frame f;
  const struct ew_program *p = bind(&f, ew, in, out);
  if (!ew->size || !p->step_count) return MX_OK;
  if (p->is_once)
    run_once(p, f.at, (size_t)ew->size);
  else if (p->is_turn)
    run_transposed_copy(ew, in[0], out[0]);
  else
    run_program(&f, ew->size * p->step_count < EW_SERIAL_WORK);
  return MX_OK;
}

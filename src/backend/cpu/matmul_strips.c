/* Real products in strips: columns as wide as the registers, over pieces of the sum of DEPTH terms. Each element is the
 * sum of its pieces, so how rows and columns are cut and who computes what changes no bit. Middling products read a where
 * it lies and copy a strip of b to the stack; large ones copy both operands to panels first, which all threads share.
 * Start at mxi_matmul_strips. */
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/elementwise.h"
#include "backend/cpu/matmul.h"
#include "base/buffer.h"
#include "base/pool.h"

enum {
  DEPTH = 256,               /* terms of a piece: a strip of b is 32 KiB */
  STRIP_NBYTES = 128,        /* the widest strip of any instruction set */
  BLOCK = 1024,              /* rows and columns whose panels are made at once */
  MIDDLE_WORK = 7000000,     /* multiply-adds up to which panels do not pay */
  MIDDLE_COLUMNS = 128,      /* nor do they where a is read this few columns at a time, that is a few times */
  TASK_WORK = 65536,         /* multiply-adds that are worth a thread */
  TASK_ROWS = 64,            /* of a task: their panels and a strip of b stay in the caches close by */
  TASK_COLUMNS = 512,
  TASKS = 4,                 /* for each thread, or none is left to those that end first */
  COPY_ROWS = 64,            /* rows beyond which a strip of b is copied, for it is read once for each block of them */
  LINE = 16,                 /* rows of halves widened at a time */
};

struct job {
  const struct mxi_product *p;
  void (*strip)(const struct mxi_strip *s);
  bool half;
  int64_t stored, itemsize;         /* bytes of an element: in memory, computed in */
  int64_t block_rows, strip_columns; /* of the kernel */
  int64_t threads;
  int64_t task_rows, row_tasks, column_tasks; /* of middling products */
  size_t a_nbytes, b_nbytes, nbytes; /* panels of a, of b, and those with the sums of halves */
  _Atomic bool failed;
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t pieces(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }
static int64_t multiple(int64_t size, int64_t of) { return pieces(size, of) * of; }

/* ---- Panels ------------------------------------------------------------------------------------------------------ */
/* to[i] = from[i], for lengths that occur often without a call */
static void copy_line(char *to, const char *from, int64_t nbytes) {
  switch (nbytes) {
  case 32: memcpy(to, from, 32); break;
  case 64: memcpy(to, from, 64); break;
  case 128: memcpy(to, from, 128); break;
  default: memcpy(to, from, (size_t)nbytes);
  }
}

/* A panel of halves whose `down` is 1: LINE lines at a time are widened, then turned. */
static void widen_turned(const struct job *j, float *to, int64_t width, const uint16_t *from, int64_t along, int64_t count,
                         int64_t depth) {
  const struct mxi_ew_casts *casts = mxi_ew_casts();
  float lines[LINE * DEPTH];
  for (int64_t i = 0; i < count; i += LINE) {
    int64_t some = least(LINE, count - i);
    for (int64_t l = 0; l < some; l++)
      casts->load[j->p->dtype == MX_BFLOAT16](lines + l * DEPTH, from + (i + l) * along, (size_t)depth);
    casts->transpose[2](to + i, width, lines, DEPTH, (size_t)depth, (size_t)some);
  }
}

static void widen_lines(const struct job *j, float *to, int64_t width, const uint16_t *from, int64_t along, int64_t down,
                        int64_t count, int64_t depth) {
  const struct mxi_ew_casts *casts = mxi_ew_casts();
  mxi_ew_cast_fn widen = casts->load[j->p->dtype == MX_BFLOAT16];
  uint16_t line[STRIP_NBYTES / sizeof(float)];
  for (int64_t p = 0; p < depth; p++, to += width, from += down) {
    if (along != 1) casts->gather[1](line, from, along, (size_t)count);
    widen(to, along == 1 ? from : line, (size_t)count);
  }
}

/* to[p][i] = from[i * along + p * down] for i < count, widened; 0 for i in [count, width) */
static void make_panel(const struct job *j, char *to, int64_t width, const char *from, int64_t along, int64_t down,
                       int64_t count, int64_t depth) {
  const struct mxi_ew_casts *casts = mxi_ew_casts();
  int size = j->stored == 8 ? 3 : 2;
  if (count < width) memset(to, 0, (size_t)(width * depth * j->itemsize));
  if (j->half && down == 1) widen_turned(j, (float *)to, width, (const uint16_t *)from, along, count, depth);
  else if (j->half) widen_lines(j, (float *)to, width, (const uint16_t *)from, along, down, count, depth);
  else if (down == 1 && along != 1) casts->transpose[size](to, width, from, along, (size_t)depth, (size_t)count);
  else
    for (int64_t p = 0; p < depth; p++, to += width * j->itemsize, from += down * j->itemsize) {
      if (along == 1) copy_line(to, from, count * j->itemsize);
      else casts->gather[size](to, from, along, (size_t)count);
    }
}

static const char *a_at(const struct job *j, int64_t item, int64_t row, int64_t depth) {
  const struct mxi_product *p = j->p;
  return p->a.data + (mxi_product_offset(p, p->a_batch, item) + row * p->a.row + depth * p->a.column) * j->stored;
}
static const char *b_at(const struct job *j, int64_t item, int64_t depth, int64_t column) {
  const struct mxi_product *p = j->p;
  return p->b.data + (mxi_product_offset(p, p->b_batch, item) + depth * p->b.row + column * p->b.column) * j->stored;
}
static char *c_at(const struct job *j, int64_t item, int64_t row, int64_t column) {
  return j->p->c + ((item * j->p->m + row) * j->p->n + column) * j->stored;
}

/* ---- Middling products: a stays where it is ---------------------------------------------------------------------- */
/* One strip of some rows, over the whole sum. */
static void run_strip(const struct job *j, int64_t item, int64_t row, int64_t column) {
  const struct mxi_product *p = j->p;
  _Alignas(64) char panel[DEPTH * STRIP_NBYTES];
  struct mxi_strip s = {.c = c_at(j, item, row, column), .a_row = p->a.row, .a_column = p->a.column,
                        .a_block = j->block_rows * p->a.row, .b_row = p->b.row, .c_row = p->n,
                        .rows = least(j->task_rows, p->m - row), .columns = least(j->strip_columns, p->n - column)};
  bool copy = p->b.column != 1 || s.columns < j->strip_columns || s.rows > COPY_ROWS;
  for (int64_t at = 0; at < p->k; at += DEPTH) {
    s.depth = least(DEPTH, p->k - at);
    s.a = a_at(j, item, row, at);
    s.b = b_at(j, item, at, column);
    s.accumulate = at > 0;
    if (copy) {
      make_panel(j, panel, j->strip_columns, s.b, p->b.column, p->b.row, s.columns, s.depth);
      s.b = panel;
      s.b_row = j->strip_columns;
    }
    j->strip(&s);
  }
}

static void run_strips(void *arg, int64_t begin, int64_t end, int slot) {
  const struct job *j = arg;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t item = i / (j->row_tasks * j->column_tasks), task = i % (j->row_tasks * j->column_tasks);
    run_strip(j, item, task / j->column_tasks * j->task_rows, task % j->column_tasks * j->strip_columns);
  }
}

static void middling(struct job *j) {
  const struct mxi_product *p = j->p;
  j->column_tasks = pieces(p->n, j->strip_columns);
  int64_t cuts = pieces(TASKS * j->threads, j->column_tasks * p->batch);
  j->task_rows = multiple(pieces(p->m, cuts), j->block_rows);
  if (j->task_rows < TASK_ROWS) j->task_rows = TASK_ROWS;
  j->row_tasks = pieces(p->m, j->task_rows);
  int64_t work = least(j->task_rows, p->m) * least(j->strip_columns, p->n) * p->k;
  mxi_parallel(p->batch * j->row_tasks * j->column_tasks, work < TASK_WORK ? TASK_WORK / work : 1, run_strips, j);
}

/* ---- Large products: panels -------------------------------------------------------------------------------------- */
/* A block of the result and a piece of its sum. */
struct block {
  const struct job *j;
  int64_t item, row, column, at;   /* where it starts */
  int64_t rows, columns, depth;
  char *a, *b, *sums;
  bool is_last; /* piece of the sum */
  int64_t task_rows, task_columns, row_tasks, column_tasks;
};

static void make_panels(void *arg, int64_t begin, int64_t end, int slot) {
  const struct block *k = arg;
  const struct job *j = k->j;
  const struct mxi_product *p = j->p;
  int64_t a_count = pieces(k->rows, j->block_rows);
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    if (i < a_count) {
      int64_t row = i * j->block_rows;
      make_panel(j, k->a + row * DEPTH * j->itemsize, j->block_rows, a_at(j, k->item, k->row + row, k->at), p->a.row,
                 p->a.column, least(j->block_rows, k->rows - row), k->depth);
    } else {
      int64_t column = (i - a_count) * j->strip_columns;
      make_panel(j, k->b + column * DEPTH * j->itemsize, j->strip_columns, b_at(j, k->item, k->at, k->column + column),
                 p->b.column, p->b.row, least(j->strip_columns, k->columns - column), k->depth);
    }
  }
}

/* The sums of halves, rounded. */
static void round_sums(const struct block *k, int64_t row, int64_t column, int64_t rows, int64_t columns) {
  mxi_ew_cast_fn store = mxi_ew_casts()->store[k->j->p->dtype == MX_BFLOAT16];
  for (int64_t r = row; r < row + rows; r++)
    store(c_at(k->j, k->item, k->row + r, k->column + column), k->sums + (r * BLOCK + column) * k->j->itemsize,
          (size_t)columns);
}

static void run_block_tasks(void *arg, int64_t begin, int64_t end, int slot) {
  const struct block *k = arg;
  const struct job *j = k->j;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    /* all rows for some columns of b first: those stay in the second-level cache */
    int64_t row = i % k->row_tasks * k->task_rows, column = i / k->row_tasks * k->task_columns;
    int64_t columns = least(k->task_columns, k->columns - column);
    struct mxi_strip s = {.a = k->a + row * DEPTH * j->itemsize, .a_row = 1, .a_column = j->block_rows,
                          .a_block = j->block_rows * DEPTH, .b_row = j->strip_columns,
                          .c_row = j->half ? BLOCK : j->p->n, .rows = least(k->task_rows, k->rows - row), .depth = k->depth,
                          .accumulate = k->at > 0};
    for (int64_t c = column; c < column + columns; c += j->strip_columns) {
      s.b = k->b + c * DEPTH * j->itemsize;
      s.c = j->half ? k->sums + (row * BLOCK + c) * j->itemsize : c_at(j, k->item, k->row + row, k->column + c);
      s.columns = least(j->strip_columns, column + columns - c);
      j->strip(&s);
    }
    if (j->half && k->is_last) round_sums(k, row, column, s.rows, columns);
  }
}

/* Tasks as large as caches like, but enough of them. */
static void cut_block(struct block *k) {
  const struct job *j = k->j;
  k->task_rows = TASK_ROWS / j->block_rows * j->block_rows;
  k->task_columns = TASK_COLUMNS;
  for (;;) {
    k->row_tasks = pieces(k->rows, k->task_rows);
    k->column_tasks = pieces(k->columns, k->task_columns);
    if (j->threads == 1 || k->row_tasks * k->column_tasks >= TASKS * j->threads) return;
    if (k->task_columns > 2 * j->strip_columns && k->columns > j->strip_columns) k->task_columns /= 2;
    else if (k->task_rows > 2 * j->block_rows) k->task_rows = multiple(k->task_rows / 2, j->block_rows);
    else return;
  }
}

static void run_item(const struct job *j, int64_t item, char *memory) {
  const struct mxi_product *p = j->p;
  struct block k = {.j = j, .item = item, .a = memory, .b = memory + j->a_nbytes, .sums = memory + j->a_nbytes + j->b_nbytes};
  for (k.column = 0; k.column < p->n; k.column += BLOCK)
    for (k.row = 0; k.row < p->m; k.row += BLOCK) {
      k.rows = least(BLOCK, p->m - k.row);
      k.columns = least(BLOCK, p->n - k.column);
      cut_block(&k);
      int64_t panels = pieces(k.rows, j->block_rows) + pieces(k.columns, j->strip_columns);
      for (k.at = 0; k.at < p->k; k.at += DEPTH) {
        k.depth = least(DEPTH, p->k - k.at);
        k.is_last = k.at + k.depth == p->k;
        mxi_parallel(panels, pieces(panels, TASKS * j->threads), make_panels, &k);
        mxi_parallel(k.row_tasks * k.column_tasks, 1, run_block_tasks, &k);
      }
    }
}

static void run_items(void *arg, int64_t begin, int64_t end, int slot) {
  struct job *j = arg;
  struct mxi_buffer *panels = mxi_buffer_new(j->nbytes);
  (void)slot;
  if (!panels) atomic_store(&j->failed, true);
  for (int64_t i = begin; panels && i < end; i++) run_item(j, i, panels->data);
  mxi_buffer_release(panels);
}

/* Items of a batch are shared among threads where they are many or not worth a cut, else each by all threads. */
static mx_status large(struct mx_task *task, struct job *j) {
  const struct mxi_product *p = j->p;
  int64_t rows = least(BLOCK, p->m), columns = least(BLOCK, p->n), sums = j->half ? rows * BLOCK : 0;
  double work = (double)p->m * (double)p->n * (double)p->k;
  j->a_nbytes = (size_t)multiple(multiple(rows, j->block_rows) * DEPTH * j->itemsize, 64);
  j->b_nbytes = (size_t)(multiple(columns, j->strip_columns) * DEPTH * j->itemsize);
  j->nbytes = j->a_nbytes + j->b_nbytes + (size_t)(sums * j->itemsize);
  bool apart = p->batch >= TASKS * j->threads || work <= MIDDLE_WORK;
  mxi_parallel(p->batch, apart ? (int64_t)(TASK_WORK / work) + 1 : p->batch, run_items, j);
  return atomic_load(&j->failed) ? mx_task_fail(task, MX_ERR_MEMORY, "out of memory") : MX_OK;
}

mx_status mxi_matmul_strips(struct mx_task *task, const struct mxi_product *p) {
  const struct mxi_matmul_kernels *kernels = mxi_matmul_kernels();
  bool half = mxi_is_half(p->dtype), wide = p->dtype == MX_FLOAT64;
  struct job j = {.p = p, .strip = wide ? kernels->strip_f64 : kernels->strip_f32, .half = half,
                  .stored = (int64_t)mxi_itemsize(p->dtype), .itemsize = wide ? 8 : 4, .block_rows = kernels->strip_rows,
                  .threads = mxi_pool_threads()};
  j.strip_columns = kernels->strip_nbytes / j.itemsize;
  bool light = (double)p->m * (double)p->n * (double)p->k <= MIDDLE_WORK;
  if (half || !(light || (p->n <= MIDDLE_COLUMNS && p->k <= DEPTH))) return large(task, &j);
  middling(&j);
  return MX_OK;
}

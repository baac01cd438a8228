/* Products of complex64 by the BLAS: the result is cut into a grid that depends on sizes alone, one single-threaded call
 * a tile. Operands the BLAS can read stay where they are; odd layouts and strides that no int holds go through panels, a
 * piece of the sum at a time, into memory that each thread borrows for its tile. Start at mxi_matmul_tiles. */
#include <string.h>

#include "backend/cpu/blas.h"
#include "backend/cpu/elementwise.h"
#include "backend/cpu/layout.h"
#include "backend/cpu/matmul.h"
#include "base/pool.h"

enum {
  ITEM = sizeof(mxi_c64),
  PANEL_DEPTH = 512,       /* of the sum, in panels */
  PANEL_TILE = 256,        /* rows and columns of a tile where operands go through panels */
  DIRECT_DEPTH = 1 << 30,  /* of the sum, in one call */
  DIRECT_TILE = 512,       /* rows and columns of a tile */
  LIGHT_WORK = 1000000,    /* multiply-adds of a call that the library does without copying its operands */
  TILE_WORK = 8000000,     /* multiply-adds of a tile, at least, where a product is cut to be shared */
  TILES = 16,              /* of a product that is large enough */
};

/* How the BLAS sees an operand. */
struct side {
  bool panel, transposed;
  int leading;
};

struct tiles {
  const struct mxi_product *p;
  const struct mxi_blas *blas;
  struct side a, b;
  bool c_panel;
  int64_t rows, columns, depth;    /* of a tile, and of one call */
  int64_t row_count, column_count; /* tiles of one product */
  struct mxi_blas_lanes lanes;
};

/* ---- Panels ------------------------------------------------------------------------------------------------------ */
/* to[i] = from[i * step] */
static void load_line(char *to, const char *from, int64_t step, int64_t n) {
  if (step == 1) memcpy(to, from, (size_t)n * ITEM);
  else mxi_ew_casts()->gather[3](to, from, step, (size_t)n);
}

/* A panel of `rows` x `columns` in lines along the axis that is dense in memory. Returns its leading dimension. */
static int load_panel(const struct side *s, char *to, const char *from, const struct mxi_matrix *m,
                      int64_t rows, int64_t columns) {
  int64_t lines = s->transposed ? columns : rows, length = s->transposed ? rows : columns;
  int64_t line_step = s->transposed ? m->column : m->row, step = s->transposed ? m->row : m->column;
  for (int64_t i = 0; i < lines; i++) load_line(to + i * length * ITEM, from + i * line_step * ITEM, step, length);
  return (int)length;
}

static void store_tile(const struct tiles *t, char *to, const char *from, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * t->p->n * ITEM, from + i * columns * ITEM, (size_t)(columns * ITEM));
}

/* The panels of one tile. */
static size_t lane_nbytes(const struct tiles *t) {
  int64_t a = t->a.panel ? t->rows * t->depth : 0, b = t->b.panel ? t->columns * t->depth : 0;
  int64_t c = t->c_panel ? t->rows * t->columns : 0;
  return (size_t)((a + b + c) * ITEM);
}

/* ---- Tiles ------------------------------------------------------------------------------------------------------- */
struct call {
  int m, n, k, lda, ldb, ldc;
  int ta, tb;
  const void *a, *b;
  void *c;
  bool accumulate;
};

static void call_blas(const struct tiles *t, const struct call *x) {
  const float one[2] = {1, 0}, beta[2] = {x->accumulate, 0};
  t->blas->cgemm(MXI_BLAS_ROWS, x->ta, x->tb, x->m, x->n, x->k, one, x->a, x->lda, x->b, x->ldb, beta, x->c, x->ldc);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* The tile at (row, column) of one product of the batch, over the whole sum. */
static void run_tile(const struct tiles *t, int64_t item, int64_t row, int64_t column, char *lane) {
  const struct mxi_product *p = t->p;
  int64_t rows = least(t->rows, p->m - row), columns = least(t->columns, p->n - column);
  const char *a = p->a.data + (mxi_product_offset(p, p->a_batch, item) + row * p->a.row) * ITEM;
  const char *b = p->b.data + (mxi_product_offset(p, p->b_batch, item) + column * p->b.column) * ITEM;
  char *c = p->c + ((item * p->m + row) * p->n + column) * ITEM;
  char *a_panel = lane, *b_panel = t->a.panel ? a_panel + t->rows * t->depth * ITEM : lane;
  char *c_panel = t->b.panel ? b_panel + t->columns * t->depth * ITEM : b_panel;
  struct call x = {.m = (int)rows, .n = (int)columns, .lda = t->a.leading, .ldb = t->b.leading,
                   .ta = t->a.transposed ? MXI_BLAS_T : MXI_BLAS_N, .tb = t->b.transposed ? MXI_BLAS_T : MXI_BLAS_N,
                   .c = t->c_panel ? c_panel : c, .ldc = t->c_panel ? (int)columns : (int)p->n};
  for (int64_t at = 0; at < p->k; at += t->depth) {
    int64_t depth = least(t->depth, p->k - at);
    x.k = (int)depth;
    x.a = a + at * p->a.column * ITEM;
    x.b = b + at * p->b.row * ITEM;
    if (t->a.panel) x.lda = load_panel(&t->a, a_panel, x.a, &p->a, rows, depth), x.a = a_panel;
    if (t->b.panel) x.ldb = load_panel(&t->b, b_panel, x.b, &p->b, depth, columns), x.b = b_panel;
    x.accumulate = at > 0;
    call_blas(t, &x);
  }
  if (t->c_panel) store_tile(t, c, c_panel, rows, columns);
}

static void run_tiles(void *arg, int64_t begin, int64_t end, int slot) {
  struct tiles *t = arg;
  int lane;
  char *memory = mxi_blas_enter_lane(&t->lanes, slot, &lane);
  for (int64_t i = begin; i < end; i++) {
    int64_t tile = i % (t->row_count * t->column_count), item = i / (t->row_count * t->column_count);
    run_tile(t, item, tile / t->column_count * t->rows, tile % t->column_count * t->columns, memory);
  }
  mxi_blas_leave_lane(&t->lanes, lane);
}

/* ---- The grid ---------------------------------------------------------------------------------------------------- */
/* Pieces of at most `most`, as even as multiples of 32 allow. */
static int64_t even_piece(int64_t size, int64_t most) {
  int64_t count = (size + most - 1) / most, piece = (size + count - 1) / count;
  return (piece + 31) / 32 * 32;
}

static int64_t pieces(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }

/* Starts from large tiles and halves the longer side: a product of middling size until a call is light (the library does
 * without copies then), a larger one until there are enough tiles to share. */
static void cut(struct tiles *t) {
  const struct mxi_product *p = t->p;
  bool panels = t->a.panel || t->b.panel || t->c_panel;
  int64_t most = panels ? PANEL_TILE : DIRECT_TILE;
  double k = (double)p->k, work = (double)p->m * (double)p->n * k;
  bool light = work <= 8.0 * LIGHT_WORK;
  int64_t side = light ? 32 : p->k >= 4 * p->m || p->k >= 4 * p->n ? 64 : 128;
  t->depth = least(p->k, panels ? PANEL_DEPTH : least(DIRECT_DEPTH, mxi_blas_int_max));
  t->rows = even_piece(p->m, most);
  t->columns = even_piece(p->n, most);
  for (;;) {
    int64_t *longer = t->rows >= t->columns ? &t->rows : &t->columns;
    double tile = (double)t->rows * (double)t->columns * k;
    bool many = pieces(p->m, t->rows) * pieces(p->n, t->columns) >= TILES;
    bool enough = light ? tile <= LIGHT_WORK : many || tile < 2.0 * TILE_WORK;
    if (enough || *longer < 2 * side) break;
    *longer = even_piece(*longer, (*longer + 1) / 2);
  }
  t->row_count = pieces(p->m, t->rows);
  t->column_count = pieces(p->n, t->columns);
}

static struct side look(const struct mxi_matrix *m, int64_t rows, int64_t columns) {
  bool by_rows = m->column == 1 || columns == 1, by_columns = m->row == 1 || rows == 1;
  if (by_rows && m->row >= columns && m->row <= mxi_blas_int_max) return (struct side){false, false, (int)m->row};
  if (by_columns && m->column >= rows && m->column <= mxi_blas_int_max) return (struct side){false, true, (int)m->column};
  return (struct side){true, by_columns && !by_rows, 0};
}

mx_status mxi_matmul_tiles(struct mx_task *task, const struct mxi_product *p) {
  struct tiles t = {.p = p, .a = look(&p->a, p->m, p->k), .b = look(&p->b, p->k, p->n), .c_panel = p->n > mxi_blas_int_max};
  cut(&t);
  int64_t count = p->batch * t.row_count * t.column_count, work = t.rows * t.columns * p->k;
  int64_t grain = work < LIGHT_WORK ? LIGHT_WORK / work : 1;
  mx_status code = MX_OK;
  t.blas = mxi_blas_open(task, &t.lanes, (count + grain - 1) / grain, lane_nbytes(&t), &code);
  if (!t.blas) return code;
  mxi_parallel(count, grain, run_tiles, &t);
  mxi_blas_close(&t.lanes);
  return MX_OK;
}

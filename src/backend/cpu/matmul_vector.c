/* Products with one row or one column. Seen as out = X v, X is `length` x `depth`: where it lies by rows, every output is a
 * dot (the dot tree); by columns, outputs are sums of columns (the row tree: 256 terms a partial, then pairwise). What lies
 * so with gaps between elements is first copied. Which thread does what changes no bit. Start at mxi_matmul_vector. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/layout.h"
#include "backend/cpu/matmul.h"
#include "base/pool.h"

enum {
  SERIAL_WORK = 65536,  /* elements of X below which one thread does it all */
  CHUNK_WORK = 32768,   /* elements of X that are worth handing to a thread */
  TILE_COLUMNS = 2048,  /* columns summed at a time: 4 KiB of a row of halves, or reading stalls at every row */
  TILE_ITEMS = 4096,    /* partials of one piece, on the stack */
};

/* A task of this family, with everything that depends on sizes and strides. */
struct vector_job {
  const struct mxi_product *p;
  struct mxi_matvec kernels; /* of the dtype */
  struct mxi_matvec partial; /* of the partials */
  int64_t length, depth, batch;
  char *x, *v, *out;
  int64_t x_out, x_in, v_step; /* strides of X along outputs and along the sum; of v */
  int64_t x_batch[MXI_MAX_NDIM], v_batch[MXI_MAX_NDIM];
  size_t itemsize, partial_size;
  bool by_columns, copy_x, copy_v;
  /* by columns: pieces of `group` blocks of 256 terms and `width` columns; `groups` of them make one output */
  int64_t group, groups, width, strips;
  char *partials;
};

static void pick_kernels(struct vector_job *j, mx_dtype t) {
  const struct mxi_matvec_kernels *k = mxi_matvec_kernels();
  j->itemsize = mxi_itemsize(t);
  j->partial = t == MX_FLOAT64 ? k->f64 : t == MX_COMPLEX64 ? mxi_matmul_kernels()->c64 : k->f32;
  j->partial_size = mxi_is_half(t) ? sizeof(float) : j->itemsize;
  j->kernels = t == MX_FLOAT16 ? k->f16 : t == MX_BFLOAT16 ? k->bf16 : j->partial;
}

/* Pieces of blocks that fit the tile and are worth a thread each. */
static void cut_columns(struct vector_job *j) {
  int64_t blocks = (j->depth + MXI_MATVEC_BLOCK - 1) / MXI_MATVEC_BLOCK;
  j->width = j->length < TILE_COLUMNS ? j->length : TILE_COLUMNS;
  j->strips = (j->length + j->width - 1) / j->width;
  j->group = 1;
  while (j->group < blocks && j->group * 2 * j->width <= TILE_ITEMS && j->group * j->width * MXI_MATVEC_BLOCK < CHUNK_WORK)
    j->group *= 2;
  j->groups = (blocks + j->group - 1) / j->group;
}

/* Of the two ways to see a product of one number, the one in which the matrix operand is X. */
static bool is_row_times_matrix(const struct mxi_product *p) {
  return p->m == 1 && (p->n > 1 || (p->a_is_vector && !p->b_is_vector));
}

/* Whether the sum runs along the axis with the shorter stride; of equal ones, along the last axis. A broadcast axis is taken
 * for a long one, which it would be in a copy. Only the order counts, so that a view and a dense copy of it agree. */
static bool lies_by_rows(int64_t out, int64_t in, bool in_is_last) {
  if (!in || !out) return in ? true : out ? false : in_is_last;
  return llabs(in) < llabs(out) || (llabs(in) == llabs(out) && in_is_last);
}

static void read_job(struct vector_job *j, const struct mxi_product *p) {
  bool row = is_row_times_matrix(p);
  const struct mxi_matrix *x = row ? &p->b : &p->a;
  j->p = p;
  pick_kernels(j, p->dtype);
  j->length = row ? p->n : p->m;
  j->depth = p->k;
  j->batch = p->batch;
  j->x = x->data;
  j->x_out = row ? x->column : x->row;
  j->x_in = row ? x->row : x->column;
  j->v = row ? p->a.data : p->b.data;
  j->v_step = row ? p->a.column : p->b.row;
  j->out = p->c;
  size_t nbytes = sizeof *j->x_batch * (size_t)p->batch_ndim;
  memcpy(j->x_batch, row ? p->b_batch : p->a_batch, nbytes);
  memcpy(j->v_batch, row ? p->a_batch : p->b_batch, nbytes);
  /* The stride of an axis of one item says nothing: one output is a dot, sums of one term are columns. */
  j->by_columns = j->length > 1 && (j->depth == 1 || !lies_by_rows(j->x_out, j->x_in, !row));
  j->copy_x = j->by_columns ? j->x_out != 1 : j->x_in != 1 && j->depth > 1;
  j->copy_v = j->v_step != 1 && j->depth > 1;
  if (j->by_columns) cut_columns(j);
}

/* ---- Copies ------------------------------------------------------------------------------------------------------ */
/* Elements of an operand that is copied: the batch where it is not broadcast, times one item. */
static int64_t copied_items(const struct vector_job *j, const int64_t *batch, int64_t item) {
  int64_t count = item;
  for (int i = 0; i < j->p->batch_ndim; i++) count *= batch[i] ? j->p->batch_shape[i] : 1;
  return count;
}

/* Copies `rows` x `columns` items to row-major memory at `to` and points the batch strides there. */
static void copy_operand(const struct vector_job *j, char *to, const char *from, int64_t *batch, int64_t rows,
                         int64_t columns, int64_t row, int64_t column) {
  int64_t shape[MXI_MAX_NDIM + 2], strides[MXI_MAX_NDIM + 2], step = rows * columns;
  int ndim = j->p->batch_ndim;
  for (int i = 0; i < ndim; i++) {
    shape[i] = batch[i] ? j->p->batch_shape[i] : 1;
    strides[i] = batch[i];
  }
  shape[ndim] = rows, strides[ndim] = row;
  shape[ndim + 1] = columns, strides[ndim + 1] = column;
  struct mxi_move move;
  mxi_move_init(&move, j->itemsize, ndim + 2, shape, to, NULL, from, strides);
  mxi_move_run(&move);
  for (int i = ndim - 1; i >= 0; i--) {
    batch[i] = batch[i] ? step : 0;
    step *= shape[i];
  }
}

static size_t round_up(int64_t nbytes) { return ((size_t)nbytes + 63) & ~(size_t)63; }

static size_t x_copy_nbytes(const struct vector_job *j) {
  return j->copy_x ? round_up(copied_items(j, j->x_batch, j->length * j->depth) * (int64_t)j->itemsize) : 0;
}
static size_t v_copy_nbytes(const struct vector_job *j) {
  return j->copy_v ? round_up(copied_items(j, j->v_batch, j->depth) * (int64_t)j->itemsize) : 0;
}
static size_t partials_nbytes(const struct vector_job *j) {
  bool needed = j->by_columns && j->groups > 1;
  return needed ? round_up(j->batch * j->groups * j->length * (int64_t)j->partial_size) : 0;
}

static void make_copies(struct vector_job *j, char *scratch) {
  if (j->copy_x) {
    size_t nbytes = x_copy_nbytes(j);
    if (j->by_columns)
      copy_operand(j, scratch, j->x, j->x_batch, j->depth, j->length, j->x_in, j->x_out);
    else
      copy_operand(j, scratch, j->x, j->x_batch, j->length, j->depth, j->x_out, j->x_in);
    j->x = scratch;
    j->x_out = j->by_columns ? 1 : j->depth;
    j->x_in = j->by_columns ? j->length : 1;
    scratch += nbytes;
  }
  if (j->copy_v) {
    size_t nbytes = v_copy_nbytes(j);
    copy_operand(j, scratch, j->v, j->v_batch, 1, j->depth, 0, j->v_step);
    j->v = scratch;
    j->v_step = 1;
    scratch += nbytes;
  }
  j->partials = scratch;
}

static const char *x_of(const struct vector_job *j, int64_t item) {
  return j->x + mxi_product_offset(j->p, j->x_batch, item) * (int64_t)j->itemsize;
}
static const char *v_of(const struct vector_job *j, int64_t item) {
  return j->v + mxi_product_offset(j->p, j->v_batch, item) * (int64_t)j->itemsize;
}

/* ---- By rows ----------------------------------------------------------------------------------------------------- */
/* Outputs [begin, end), counted over the batch. */
static void run_rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct vector_job *j = arg;
  (void)slot;
  while (begin < end) {
    int64_t item = begin / j->length, first = begin % j->length, rows = j->length - first;
    if (rows > end - begin) rows = end - begin;
    j->kernels.gemv(x_of(j, item) + first * j->x_out * (int64_t)j->itemsize, j->x_out, v_of(j, item),
                    j->out + begin * (int64_t)j->itemsize, rows, j->depth);
    begin += rows;
  }
}

/* ---- By columns -------------------------------------------------------------------------------------------------- */
/* One piece: its blocks are summed into the tile, which is then combined into the output or into the group's partial. */
static void sum_piece(const struct vector_job *j, int64_t item, int64_t group, int64_t strip) {
  _Alignas(64) char tile[TILE_ITEMS * sizeof(double)];
  const char *x = x_of(j, item), *v = v_of(j, item);
  int64_t first = strip * j->width, columns = j->length - first < j->width ? j->length - first : j->width, count = 0;
  for (int64_t r = group * j->group * MXI_MATVEC_BLOCK; count < j->group && r < j->depth; r += MXI_MATVEC_BLOCK, count++) {
    int64_t rows = j->depth - r < MXI_MATVEC_BLOCK ? j->depth - r : MXI_MATVEC_BLOCK;
    j->kernels.gemv_t_block(x + (r * j->x_in + first) * (int64_t)j->itemsize, j->x_in, v + r * (int64_t)j->itemsize,
                            tile + (size_t)(count * columns) * j->partial_size, rows, columns);
  }
  if (j->groups == 1) {
    j->kernels.combine(tile, columns, count, columns, j->out + (item * j->length + first) * (int64_t)j->itemsize);
  } else {
    char *to = j->partials + (size_t)((item * j->groups + group) * j->length + first) * j->partial_size;
    j->partial.combine(tile, columns, count, columns, to);
  }
}

static void run_pieces(void *arg, int64_t begin, int64_t end, int slot) {
  const struct vector_job *j = arg;
  (void)slot;
  for (int64_t i = begin; i < end; i++) sum_piece(j, i / j->strips / j->groups, i / j->strips % j->groups, i % j->strips);
}

static void combine_strips(void *arg, int64_t begin, int64_t end, int slot) {
  const struct vector_job *j = arg;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    int64_t item = i / j->strips, first = i % j->strips * j->width;
    int64_t columns = j->length - first < j->width ? j->length - first : j->width;
    const char *from = j->partials + (size_t)(item * j->groups * j->length + first) * j->partial_size;
    j->kernels.combine(from, j->length, j->groups, columns, j->out + (item * j->length + first) * (int64_t)j->itemsize);
  }
}

/* ------------------------------------------------------------------------------------------------------------------ */
static int64_t grain_of(int64_t count, int64_t work) {
  if (work < 1) work = 1;
  if (count <= SERIAL_WORK / work) return count;
  int64_t grain = CHUNK_WORK / work;
  return grain < 1 ? 1 : grain;
}

mx_status mxi_matmul_vector(struct mx_task *task, const struct mxi_product *p) {
  struct vector_job j;
  read_job(&j, p);
  make_copies(&j, task->scratch);
  if (!j.by_columns) {
    int64_t outputs = j.batch * j.length, grain = grain_of(outputs, j.depth);
    mxi_parallel(outputs, grain < outputs && grain > 16 ? grain & ~(int64_t)15 : grain, run_rows, &j);
    return MX_OK;
  }
  int64_t pieces = j.batch * j.groups * j.strips, rows = j.group * MXI_MATVEC_BLOCK;
  mxi_parallel(pieces, grain_of(pieces, j.width * (rows < j.depth ? rows : j.depth)), run_pieces, &j);
  if (j.groups > 1) mxi_parallel(j.batch * j.strips, grain_of(j.batch * j.strips, j.width * j.groups), combine_strips, &j);
  return MX_OK;
}

size_t mxi_matmul_vector_scratch(const struct mxi_product *p) {
  struct vector_job j;
  read_job(&j, p);
  return x_copy_nbytes(&j) + v_copy_nbytes(&j) + partials_nbytes(&j);
}

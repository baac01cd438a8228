/* Matrix products as kernels: every dtype, layout, instruction set and number of threads against sums in long double.
 * The tolerance is the bound of a sum of k products in any order, and one rounding of the result. Products as operations
 * are tested in t_products.c. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "backend/cpu/blas.h"
#include "backend/cpu/matmul.h"
#include "base/half.h"
#include "base/pool.h"

extern _Atomic int mxi_isa_chosen;

enum layout { ROWS, COLUMNS, PADDED, STRIDED, REVERSED, SPREAD, LAYOUTS };

struct operand {
  char *memory;
  int64_t shape[4], strides[4];
  struct mx_view view;
};

static uint64_t state = 1;
static double draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)(state >> 33) / (1u << 30) - 1;
}

static void put(mx_dtype t, char *p, double re, double im) {
  if (t == MX_FLOAT32) *(float *)p = (float)re;
  else if (t == MX_FLOAT64) *(double *)p = re;
  else if (t == MX_FLOAT16) *(uint16_t *)p = mxi_f32_to_f16((float)re);
  else if (t == MX_BFLOAT16) *(uint16_t *)p = mxi_f32_to_bf16((float)re);
  else *(mxi_c64 *)p = (mxi_c64){(float)re, (float)im};
}

static void get(mx_dtype t, const char *p, long double *re, long double *im) {
  *im = 0;
  if (t == MX_FLOAT32) *re = *(const float *)p;
  else if (t == MX_FLOAT64) *re = *(const double *)p;
  else if (t == MX_FLOAT16) *re = mxi_f16_to_f32(*(const uint16_t *)p);
  else if (t == MX_BFLOAT16) *re = mxi_bf16_to_f32(*(const uint16_t *)p);
  else *re = ((const mxi_c64 *)p)->re, *im = ((const mxi_c64 *)p)->im;
}

/* An operand of random elements, its last two axes in the given layout. SPREAD: the batch is broadcast. */
static void make(struct operand *o, mx_dtype t, int ndim, const int64_t *shape, enum layout layout) {
  int64_t step = 1, order[4], size = 1, start = 0, itemsize = (int64_t)mxi_itemsize(t);
  for (int i = 0; i < ndim; i++) order[i] = ndim - 1 - i;
  if (layout == COLUMNS && ndim > 1) order[0] = ndim - 2, order[1] = ndim - 1;
  for (int i = 0; i < ndim; i++) {
    int axis = (int)order[i];
    o->shape[axis] = shape[axis];
    o->strides[axis] = step * (layout == STRIDED && i == 0 ? 2 : 1);
    step = o->strides[axis] * (shape[axis] ? shape[axis] : 1) + (layout == PADDED && i == 0 ? 3 : 0);
    if (layout == SPREAD && i >= 2) o->strides[axis] = 0;
    size *= shape[axis];
  }
  o->memory = malloc((size_t)((step + 1) * itemsize) + 64);
  assert_non_null(o->memory);
  for (int64_t i = 0; i <= step; i++) put(t, o->memory + i * itemsize, draw(), draw());
  if (layout == REVERSED && size) {
    start = o->strides[ndim - 1] * (shape[ndim - 1] - 1);
    o->strides[ndim - 1] = -o->strides[ndim - 1];
  }
  o->view = (struct mx_view){o->memory + start * itemsize, o->shape, o->strides, size, ndim, (uint8_t)t, layout == ROWS};
}

static mx_status run(struct operand *a, struct operand *b, struct operand *out) {
  struct mx_view in[2] = {a->view, b->view};
  struct mx_task task = {.in = in, .out = &out->view, .in_count = 2, .out_count = 1};
  size_t nbytes = mxi_cpu_matmul_scratch(&task);
  void *scratch = NULL;
  if (nbytes) assert_int_equal(posix_memalign(&scratch, 64, nbytes), 0);
  task.scratch = scratch;
  mx_status status = mxi_cpu_matmul(&task);
  free(scratch);
  if (status) print_error("%s\n", task.message);
  return status;
}

static double unit(mx_dtype t) { return t == MX_FLOAT64 ? 0x1p-53 : 0x1p-24; }
static double rounding(mx_dtype t) { return t == MX_FLOAT16 ? 0x1p-11 : t == MX_BFLOAT16 ? 0x1p-8 : 0; }

/* Operands seen with two matrix axes and a batch axis each. */
struct seen {
  int64_t batch, rows, columns, s_batch, s_row, s_column;
};
static struct seen see(const struct operand *o, bool is_row) {
  const struct mx_view *v = &o->view;
  struct seen s = {1, 1, 1, 0, 0, 0};
  if (v->ndim == 1) {
    if (is_row) s.columns = v->shape[0], s.s_column = v->strides[0];
    else s.rows = v->shape[0], s.s_row = v->strides[0];
    return s;
  }
  s.rows = v->shape[v->ndim - 2], s.s_row = v->strides[v->ndim - 2];
  s.columns = v->shape[v->ndim - 1], s.s_column = v->strides[v->ndim - 1];
  if (v->ndim == 3) s.batch = v->shape[0], s.s_batch = s.batch == 1 ? 0 : v->strides[0];
  return s;
}

/* The matrices of an operand one after another, each element read once: the sums below read them many times. */
struct number {
  long double re, im;
};
static struct number *matrices(const struct operand *o, const struct seen *s) {
  mx_dtype t = (mx_dtype)o->view.dtype;
  struct number *all = malloc((size_t)(s->batch * s->rows * s->columns + 1) * sizeof *all), *to = all;
  assert_non_null(all);
  for (int64_t i = 0; i < s->batch; i++)
    for (int64_t r = 0; r < s->rows; r++)
      for (int64_t c = 0; c < s->columns; c++, to++) {
        int64_t at = i * s->s_batch + r * s->s_row + c * s->s_column;
        get(t, o->view.data + at * (int64_t)mxi_itemsize(t), &to->re, &to->im);
      }
  return all;
}

struct sum {
  long double re, im, size; /* size: what the sum is of magnitudes */
};
/* Of a row of k numbers with a column of a matrix of n columns. */
static struct sum sum_of(mx_dtype t, const struct number *row, const struct number *column, int64_t k, int64_t n) {
  struct sum s = {0, 0, 0};
  if (t != MX_COMPLEX64) {
    for (int64_t p = 0; p < k; p++, row++, column += n) {
      long double x = row->re * column->re;
      s.re += x, s.size += fabsl(x);
    }
    return s;
  }
  for (int64_t p = 0; p < k; p++, row++, column += n) {
    s.re += row->re * column->re - row->im * column->im;
    s.im += row->re * column->im + row->im * column->re;
    s.size += (fabsl(row->re) + fabsl(row->im)) * (fabsl(column->re) + fabsl(column->im));
  }
  return s;
}

static void check(const struct operand *a, const struct operand *b, const struct operand *out) {
  mx_dtype t = (mx_dtype)out->view.dtype;
  struct seen x = see(a, true), y = see(b, false);
  struct number *rows = matrices(a, &x), *columns = matrices(b, &y);
  int64_t batch = x.batch > y.batch ? x.batch : y.batch, at = 0, k = x.columns, n = y.columns;
  for (int64_t i = 0; i < batch; i++)
    for (int64_t r = 0; r < x.rows; r++)
      for (int64_t c = 0; c < n; c++, at++) {
        const struct number *row = rows + ((x.batch == 1 ? 0 : i) * x.rows + r) * k;
        struct sum s = sum_of(t, row, columns + (y.batch == 1 ? 0 : i) * k * n + c, k, n);
        long double bound = s.size * (long double)(unit(t) * (double)(k + 2)) * 1.01L, re, im;
        get(t, out->view.data + at * (int64_t)mxi_itemsize(t), &re, &im);
        long double worst = fmaxl(fabsl(re - s.re), fabsl(im - s.im));
        long double allowed = bound + (fabsl(s.re) + bound) * (long double)rounding(t) + (rounding(t) ? 0x1p-25L : 0);
        if (!(worst <= allowed)) {
          fail_msg("%s, %lld x %lld x %lld, item %lld: off by %Lg of %Lg", mxi_dtype_names[t], (long long)x.rows,
                   (long long)n, (long long)k, (long long)at, worst, allowed);
        }
      }
  free(rows);
  free(columns);
}

/* a @ b with 1, 2 and 3 threads: the same bits, and right. */
static void check_product(mx_dtype t, int a_ndim, const int64_t *a_shape, enum layout a_layout, int b_ndim,
                          const int64_t *b_shape, enum layout b_layout) {
  struct operand a, b, out[3];
  make(&a, t, a_ndim, a_shape, a_layout);
  make(&b, t, b_ndim, b_shape, b_layout);
  struct seen x = see(&a, true), y = see(&b, false);
  int64_t shape[3];
  int ndim = 0;
  if (a_ndim == 3 || b_ndim == 3) shape[ndim++] = x.batch > y.batch ? x.batch : y.batch;
  if (a_ndim > 1) shape[ndim++] = x.rows;
  if (b_ndim > 1) shape[ndim++] = y.columns;
  for (int i = 0; i < 3; i++) {
    make(&out[i], t, ndim, shape, ROWS);
    mxi_pool_set_threads(i + 1);
    assert_int_equal(run(&a, &b, &out[i]), MX_OK);
    assert_memory_equal(out[i].memory, out[0].memory, (size_t)out[0].view.size * mxi_itemsize(t));
  }
  check(&a, &b, &out[0]);
  for (int i = 0; i < 3; i++) free(out[i].memory);
  free(a.memory);
  free(b.memory);
}

static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16, MX_COMPLEX64};
#define EACH(i, list) (size_t i = 0; i < sizeof(list) / sizeof *(list); i++)

static void for_each_isa(void (*fn)(void)) {
  int best = (int)mxi_isa();
  for (int isa = 0; isa <= best; isa++) {
    atomic_store(&mxi_isa_chosen, isa);
    fn();
  }
}

static void check_matrices(void) {
  static const int64_t sizes[][3] = {{2, 2, 2}, {4, 4, 4}, {3, 5, 7}, {16, 16, 16}, {31, 17, 32}, {33, 32, 31},
                                     {32, 33, 8}, {70, 9, 3}, {40, 70, 90}, {260, 70, 40}, {2, 80, 600}};
  for EACH(d, dtypes)
    for EACH(s, sizes) {
      int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
      for (int a = 0; a < SPREAD; a++)
        for (int b = 0; b < SPREAD; b++)
          if (s < 9 || a == 0 || b == a)
            check_product(dtypes[d], 2, (int64_t[]){m, k}, (enum layout)a, 2, (int64_t[]){k, n}, (enum layout)b);
    }
}
static void products_of_matrices_in_any_layout(void **unused) {
  (void)unused;
  for_each_isa(check_matrices);
}

static void check_vectors(void) {
  static const int64_t sizes[][2] = {{1, 1}, {1, 5}, {5, 1}, {2, 300}, {300, 2}, {7, 513}, {1030, 33}, {40, 1100}, {4, 5000}};
  for EACH(d, dtypes)
    for EACH(s, sizes)
      for (int a = 0; a < SPREAD; a++)
        for (int b = 0; b < SPREAD; b += s < 5 ? 1 : 3) {
          int64_t m = sizes[s][0], k = sizes[s][1];
          enum layout x = (enum layout)a, y = (enum layout)b;
          check_product(dtypes[d], 2, (int64_t[]){m, k}, x, 1, (int64_t[]){k}, y);
          check_product(dtypes[d], 1, (int64_t[]){k}, y, 2, (int64_t[]){k, m}, x);
          check_product(dtypes[d], 2, (int64_t[]){m, k}, x, 2, (int64_t[]){k, 1}, y);
          check_product(dtypes[d], 2, (int64_t[]){1, k}, y, 2, (int64_t[]){k, m}, x);
          if (m == 1) check_product(dtypes[d], 1, (int64_t[]){k}, x, 1, (int64_t[]){k}, y);
        }
}
static void rows_and_columns_in_any_layout(void **unused) {
  (void)unused;
  for_each_isa(check_vectors);
}

static void check_batches(void) {
  static const int64_t sizes[][3] = {{4, 4, 4}, {1, 6, 300}, {6, 1, 300}, {1, 1, 9}, {5, 40, 33}, {50, 60, 40}};
  for EACH(d, dtypes)
    for EACH(s, sizes)
      for (int a = 0; a < LAYOUTS; a++)
        for (int b = 0; b < LAYOUTS; b++) {
          int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
          enum layout x = (enum layout)a, y = (enum layout)b;
          if (a && b && a != b && s > 3) continue;
          check_product(dtypes[d], 3, (int64_t[]){5, m, k}, x, 3, (int64_t[]){5, k, n}, y);
          check_product(dtypes[d], 3, (int64_t[]){5, m, k}, x, 2, (int64_t[]){k, n}, y == SPREAD ? ROWS : y);
          check_product(dtypes[d], 2, (int64_t[]){m, k}, x == SPREAD ? ROWS : x, 3, (int64_t[]){5, k, n}, y);
          check_product(dtypes[d], 3, (int64_t[]){1, m, k}, x, 3, (int64_t[]){5, k, n}, y);
          check_product(dtypes[d], 3, (int64_t[]){5, m, k}, x, 1, (int64_t[]){k}, y == SPREAD ? ROWS : y);
        }
}
static void batches_broadcast(void **unused) {
  (void)unused;
  for_each_isa(check_batches);
}

/* Many tiny products, more than one thread's worth. */
static void check_many(void) {
  for EACH(d, dtypes) {
    check_product(dtypes[d], 3, (int64_t[]){900, 8, 8}, ROWS, 3, (int64_t[]){900, 8, 8}, ROWS);
    check_product(dtypes[d], 3, (int64_t[]){900, 8, 8}, ROWS, 3, (int64_t[]){900, 8, 8}, COLUMNS);
    check_product(dtypes[d], 3, (int64_t[]){900, 3, 70}, ROWS, 3, (int64_t[]){900, 70, 1}, ROWS);
  }
}
static void many_tiny_products(void **unused) {
  (void)unused;
  for_each_isa(check_many);
}

/* Enough work for panels, with something left over on all sides; the last one has several blocks. */
static void large_products_are_cut(void **unused) {
  (void)unused;
  for (int x = 0; x < SPREAD; x++) {
    enum layout a = (enum layout)x, b = (enum layout)(SPREAD - 1 - x);
    check_product(x % 2 ? MX_FLOAT64 : MX_FLOAT32, 2, (int64_t[]){211, 269}, a, 2, (int64_t[]){269, 163}, b);
    check_product(x % 2 ? MX_FLOAT16 : MX_BFLOAT16, 2, (int64_t[]){37, 269}, a, 2, (int64_t[]){269, 50}, b);
  }
  check_product(MX_FLOAT32, 3, (int64_t[]){9, 70, 270}, ROWS, 3, (int64_t[]){9, 270, 40}, ROWS);
  check_product(MX_BFLOAT16, 2, (int64_t[]){1030, 6}, ROWS, 2, (int64_t[]){6, 1041}, ROWS);
  check_product(MX_FLOAT32, 2, (int64_t[]){1030, 9}, ROWS, 2, (int64_t[]){9, 1041}, ROWS);
  check_product(MX_FLOAT32, 2, (int64_t[]){530, 40}, ROWS, 2, (int64_t[]){40, 517}, COLUMNS);
  check_product(MX_FLOAT64, 2, (int64_t[]){530, 40}, COLUMNS, 2, (int64_t[]){40, 517}, PADDED);
  check_product(MX_FLOAT16, 2, (int64_t[]){530, 40}, ROWS, 2, (int64_t[]){40, 517}, ROWS);
  check_product(MX_FLOAT32, 2, (int64_t[]){70, 2500}, STRIDED, 2, (int64_t[]){2500, 66}, ROWS);
}

/* Each element as docs/numerics-products.md says: pieces of 256 terms in order, and then in order. */
static void check_pieces(void) {
  enum { M = 19, N = 37, K = 600, PIECE = 256 };
  bool fused = mxi_isa() != MXI_ISA_BASELINE;
  for (int wide = 0; wide < 2; wide++)
    for (int layout = 0; layout < SPREAD; layout++) {
      struct operand a, b, out;
      mx_dtype t = wide ? MX_FLOAT64 : MX_FLOAT32;
      make(&a, t, 2, (int64_t[]){M, K}, (enum layout)layout);
      make(&b, t, 2, (int64_t[]){K, N}, (enum layout)(SPREAD - 1 - layout));
      make(&out, t, 2, (int64_t[]){M, N}, ROWS);
      assert_int_equal(run(&a, &b, &out), MX_OK);
      struct seen x = see(&a, true), y = see(&b, false);
      for (int64_t r = 0; r < M; r++)
        for (int64_t c = 0; c < N; c++) {
          double sum = 0, piece = 0;
          for (int64_t p = 0; p < K; p++) {
            const char *from = a.view.data + (r * x.s_row + p * x.s_column) * (wide ? 8 : 4);
            const char *with = b.view.data + (p * y.s_row + c * y.s_column) * (wide ? 8 : 4);
            if (p % PIECE == 0) piece = 0;
            if (wide) piece = fused ? fma(*(double *)from, *(double *)with, piece) : piece + *(double *)from * *(double *)with;
            else if (fused) piece = fmaf(*(float *)from, *(float *)with, (float)piece);
            else piece = (float)piece + *(float *)from * *(float *)with;
            if (p % PIECE == PIECE - 1 || p == K - 1) sum = p < PIECE ? piece : wide ? sum + piece : (float)sum + (float)piece;
          }
          if (wide) assert_true(((double *)out.memory)[r * N + c] == sum);
          else assert_true(((float *)out.memory)[r * N + c] == (float)sum);
        }
      free(a.memory), free(b.memory), free(out.memory);
    }
}
static void sums_are_cut_in_pieces(void **unused) {
  (void)unused;
  for_each_isa(check_pieces);
}

/* As with dimensions and strides above 2^31 - 1, of which few machines have the memory. */
static void what_no_int_holds_is_cut(void **unused) {
  (void)unused;
  int64_t before = mxi_blas_int_max;
  mxi_blas_int_max = 40;
  for (int x = 0; x < SPREAD; x++)
    for (int y = 0; y < SPREAD; y++)
      for (int64_t n = 37; n <= 70; n += 33)
        check_product(MX_COMPLEX64, 2, (int64_t[]){33, 90}, (enum layout)x, 2, (int64_t[]){90, n}, (enum layout)y);
  mxi_blas_int_max = before;
}

/* Rows 2^31 + 3 elements apart, in memory of which only the rows are touched. */
static void strides_may_be_beyond_an_int(void **unused) {
  (void)unused;
  enum { ROW_COUNT = 3, K = 40 };
  const int64_t stride = ((int64_t)1 << 31) + 3;
  for EACH(d, dtypes) {
    size_t itemsize = mxi_itemsize(dtypes[d]), nbytes = itemsize * (size_t)((ROW_COUNT - 1) * stride + K);
    struct operand far, near, b, out[2];
    make(&near, dtypes[d], 2, (int64_t[]){ROW_COUNT, K}, ROWS);
    make(&b, dtypes[d], 2, (int64_t[]){K, K}, ROWS);
    far = near;
    far.view.data = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool mapped = far.view.data != MAP_FAILED;
    far.view.strides = (int64_t[]){stride, 1};
    for (int i = 0; i < 2; i++) make(&out[i], dtypes[d], 2, (int64_t[]){ROW_COUNT, K}, ROWS);
    for (int64_t r = 0; mapped && r < ROW_COUNT; r++)
      memcpy(far.view.data + r * stride * (int64_t)itemsize, near.memory + r * K * (int64_t)itemsize, K * itemsize);
    for (int i = 0; mapped && i < 2; i++) assert_int_equal(run(i ? &far : &near, &b, &out[i]), MX_OK);
    if (mapped) assert_memory_equal(out[0].memory, out[1].memory, ROW_COUNT * K * itemsize);
    if (mapped) munmap(far.view.data, nbytes);
    free(near.memory), free(b.memory), free(out[0].memory), free(out[1].memory);
    if (!mapped) skip();
  }
}

/* ---- Several threads --------------------------------------------------------------------------------------------- */
enum { RUNNERS = 4, RUNS = 6 };
struct runner {
  struct operand a, b, expected, out;
  atomic_bool failed;
};

static void *run_again(void *ctx) {
  struct runner *r = ctx;
  size_t nbytes = (size_t)r->out.view.size * mxi_itemsize((mx_dtype)r->out.view.dtype);
  for (int i = 0; i < RUNS; i++) {
    memset(r->out.memory, 0xff, nbytes);
    if (run(&r->a, &r->b, &r->out) || memcmp(r->out.memory, r->expected.memory, nbytes)) atomic_store(&r->failed, true);
  }
  return NULL;
}

/* One of them has the pool, the others go on alone. */
static void products_run_while_others_do(void **unused) {
  (void)unused;
  mxi_pool_set_threads(3);
  for EACH(d, dtypes) {
    struct runner runners[RUNNERS];
    pthread_t threads[RUNNERS];
    for (int i = 0; i < RUNNERS; i++) {
      struct runner *r = &runners[i];
      int64_t m = 40 + 90 * i, n = 300 - 50 * i, k = 280;
      make(&r->a, dtypes[d], 2, (int64_t[]){m, k}, ROWS);
      make(&r->b, dtypes[d], 2, (int64_t[]){k, n}, i % 2 ? COLUMNS : ROWS);
      make(&r->expected, dtypes[d], 2, (int64_t[]){m, n}, ROWS);
      make(&r->out, dtypes[d], 2, (int64_t[]){m, n}, ROWS);
      atomic_init(&r->failed, false);
      assert_int_equal(run(&r->a, &r->b, &r->expected), MX_OK);
    }
    for (int i = 0; i < RUNNERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_again, &runners[i]), 0);
    for (int i = 0; i < RUNNERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < RUNNERS; i++) {
      assert_false(atomic_load(&runners[i].failed));
      free(runners[i].a.memory), free(runners[i].b.memory), free(runners[i].expected.memory), free(runners[i].out.memory);
    }
  }
}

static void empty_sums_are_zero(void **unused) {
  (void)unused;
  for EACH(d, dtypes) {
    check_product(dtypes[d], 2, (int64_t[]){3, 0}, ROWS, 2, (int64_t[]){0, 4}, ROWS);
    check_product(dtypes[d], 1, (int64_t[]){0}, ROWS, 2, (int64_t[]){0, 4}, ROWS);
    check_product(dtypes[d], 1, (int64_t[]){0}, ROWS, 1, (int64_t[]){0}, ROWS);
    check_product(dtypes[d], 2, (int64_t[]){0, 3}, ROWS, 2, (int64_t[]){3, 4}, ROWS);
    check_product(dtypes[d], 3, (int64_t[]){0, 3, 3}, ROWS, 3, (int64_t[]){0, 3, 3}, ROWS);
  }
}

/* A row-major and a transposed operand of the same values may use different trees, but one row alone is what it is as
 * part of a matrix: rows do not depend on each other. */
static void a_row_of_a_matrix_vector_product_stands_alone(void **unused) {
  (void)unused;
  for EACH(d, dtypes) {
    mx_dtype t = dtypes[d];
    struct operand x, w, all, one;
    make(&x, t, 2, (int64_t[]){37, 100}, ROWS);
    make(&w, t, 1, (int64_t[]){100}, ROWS);
    make(&all, t, 1, (int64_t[]){37}, ROWS);
    make(&one, t, 1, (int64_t[]){1}, ROWS);
    assert_int_equal(run(&x, &w, &all), MX_OK);
    for (int64_t r = 0; r < 37; r++) {
      struct operand row = x;
      row.shape[0] = 1;
      row.view.shape = row.shape, row.view.strides = row.strides, row.view.size = 100;
      row.view.data = x.memory + r * 100 * (int64_t)mxi_itemsize(t);
      assert_int_equal(run(&row, &w, &one), MX_OK);
      assert_memory_equal(one.memory, all.memory + r * (int64_t)mxi_itemsize(t), mxi_itemsize(t));
    }
    free(x.memory), free(w.memory), free(all.memory), free(one.memory);
  }
}

/* 256 times 1 and one 2^-13 in float16: rounding a partial would lose what the float32 sum keeps. */
static void halves_are_summed_in_float32(void **unused) {
  (void)unused;
  struct operand a, b, out;
  for (int64_t n = 1; n <= 40; n += 39) {
    make(&a, MX_BFLOAT16, 2, (int64_t[]){n, 600}, ROWS);
    make(&b, MX_BFLOAT16, 2, (int64_t[]){600, n}, ROWS);
    make(&out, MX_BFLOAT16, 2, (int64_t[]){n, n}, ROWS);
    for (int64_t i = 0; i < 600 * n; i++) put(MX_BFLOAT16, a.memory + 2 * i, 1, 0), put(MX_BFLOAT16, b.memory + 2 * i, 1, 0);
    assert_int_equal(run(&a, &b, &out), MX_OK);
    long double re, im;
    get(MX_BFLOAT16, out.memory, &re, &im);
    assert_true(re == 600); /* adding ones in bfloat16 stops at 256 */
    free(a.memory), free(b.memory), free(out.memory);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_of_matrices_in_any_layout), cmocka_unit_test(rows_and_columns_in_any_layout),
      cmocka_unit_test(batches_broadcast),                  cmocka_unit_test(many_tiny_products),
      cmocka_unit_test(large_products_are_cut),             cmocka_unit_test(what_no_int_holds_is_cut),
      cmocka_unit_test(sums_are_cut_in_pieces),
      cmocka_unit_test(strides_may_be_beyond_an_int),       cmocka_unit_test(products_run_while_others_do),
      cmocka_unit_test(empty_sums_are_zero),                cmocka_unit_test(a_row_of_a_matrix_vector_product_stands_alone),
      cmocka_unit_test(halves_are_summed_in_float32),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

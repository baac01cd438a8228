/* Random graphs: the same bytes give the same graph each time, of any operations that keep a value's meaning exact, so
 * that two ways of evaluating it can be compared bit for bit. Included by tests and by fuzz/graph.c. Start at graph_grow. */
#ifndef MICA_TESTS_OPS_GRAPH_H
#define MICA_TESTS_OPS_GRAPH_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mica.h>

/* Bytes from a buffer, then from a generator seeded with what was read. */
struct graph_source {
  const uint8_t *data;
  size_t size;
  uint64_t state;
};

static inline uint32_t graph_next(struct graph_source *s, uint32_t below) {
  if (s->size) {
    s->state = s->state * 257 + *s->data++;
    s->size--;
    return (uint32_t)(s->data[-1] % below);
  }
  s->state = s->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(s->state >> 33) % below;
}

/* Which operand's NaN survives an operation is the compiler's choice: any NaN equals any other. */
static inline bool graph_is_nan(const char *p, mx_dtype dtype) {
  switch (dtype) {
    case MX_FLOAT64: return isnan(*(const double *)p);
    case MX_FLOAT32: return isnan(*(const float *)p);
    case MX_FLOAT16: return (*(const uint16_t *)p & 0x7fff) > 0x7c00;
    case MX_BFLOAT16: return (*(const uint16_t *)p & 0x7fff) > 0x7f80;
    default: return false;
  }
}

enum { GRAPH_MAX_VALUES = 96, GRAPH_MAX_ELEMENTS = 70000 };

struct graph {
  struct graph_source source;
  mx_array values[GRAPH_MAX_VALUES];
  int count;
};

static inline mx_array graph_pick(struct graph *g) {
  return g->values[graph_next(&g->source, (uint32_t)g->count)];
}

/* A value with at least `ndim` axes, or any after some tries. */
static inline mx_array graph_pick_ndim(struct graph *g, int ndim) {
  mx_array a = graph_pick(g);
  for (int i = 0; i < 8 && mx_ndim(a) < ndim; i++) a = graph_pick(g);
  return a;
}

/* Numbers that are exact in every float dtype, so that leaves may be of any. */
static inline mx_array graph_leaf(struct graph *g, mx_dtype dtype, int64_t rows, int64_t columns) {
  int64_t n = rows * columns;
  float *v = malloc((size_t)(n ? n : 1) * sizeof *v);
  if (!v) return NULL;
  for (int64_t i = 0; i < n; i++) v[i] = (float)((int)graph_next(&g->source, 127) - 63) / 16;
  mx_array a = mx_astype(mx_from_data(v, MX_INTS(rows, columns), MX_FLOAT32), dtype);
  free(v);
  return a;
}

static inline mx_array graph_unary(struct graph *g, mx_array a) {
  switch (graph_next(&g->source, 12)) {
    case 0: return mx_negative(a);
    case 1: return mx_abs(a);
    case 2: return mx_square(a);
    case 3: return mx_sigmoid(a);
    case 4: return mx_tanh(a);
    case 5: return mx_sin(a);
    case 6: return mx_sqrt(mx_abs(a));
    case 7: return mx_floor(a);
    case 8: return mx_exp(mx_negative(mx_abs(a)));
    case 9: return mx_where(mx_greater(a, mx_scalar_f(0)), a, mx_scalar_i(2));
    case 10: return mx_add(a, mx_scalar_f(0.5));
    default: return mx_multiply(a, mx_scalar_i(3));
  }
}

static inline mx_array graph_binary(struct graph *g, mx_array a, mx_array b) {
  switch (graph_next(&g->source, 8)) {
    case 0: return mx_add(a, b);
    case 1: return mx_subtract(a, b);
    case 2: return mx_multiply(a, b);
    case 3: return mx_maximum(a, b);
    case 4: return mx_minimum(a, b);
    case 5: return mx_divide(a, mx_add(mx_abs(b), mx_scalar_i(1)));
    case 6: return mx_logaddexp(a, b);
    default: return mx_where(mx_less(a, b), a, b);
  }
}

static inline mx_array graph_reduce(struct graph *g, mx_array a) {
  int ndim = mx_ndim(a), axis = ndim ? (int)graph_next(&g->source, (uint32_t)ndim) : 0;
  bool keep = graph_next(&g->source, 2);
  int64_t one = axis;
  mx_ints axes = graph_next(&g->source, 3) && ndim ? (mx_ints){&one, 1} : MX_ALL;
  switch (graph_next(&g->source, 7)) {
    case 0: return mx_sum(a, axes, keep);
    case 1: return mx_max(a, axes, keep);
    case 2: return mx_mean(a, axes, keep);
    case 3: return mx_logsumexp(a, axes, keep);
    case 4: return mx_softmax(a, axes, false);
    case 5: return ndim ? mx_cumsum(a, axis, keep, true) : a;
    default: return ndim ? mx_sort(a, axis) : a;
  }
}

static inline mx_array graph_slice(struct graph *g, mx_array a) {
  int64_t start[8], stop[8], step[8];
  int ndim = mx_ndim(a);
  if (ndim > 8) return a;
  for (int i = 0; i < ndim; i++) {
    int64_t n = mx_dim(a, i);
    start[i] = n ? graph_next(&g->source, (uint32_t)n) / 2 : 0;
    stop[i] = n;
    step[i] = 1 + graph_next(&g->source, 2);
  }
  mx_ints from = {start, (size_t)ndim}, to = {stop, (size_t)ndim}, by = {step, (size_t)ndim};
  if (graph_next(&g->source, 3)) return mx_slice(a, from, to, by);
  mx_array part = mx_slice(a, from, to, by);
  return mx_slice_update(a, graph_next(&g->source, 2) ? graph_unary(g, part) : part, from, to, by);
}

static inline mx_array graph_view(struct graph *g, mx_array a) {
  int ndim = mx_ndim(a);
  switch (graph_next(&g->source, 7)) {
    case 0: return mx_transpose(a, MX_ALL);
    case 1: return mx_reshape(a, MX_INTS(-1));
    case 2: return ndim ? mx_flip(a, MX_ALL) : a;
    case 3: return mx_expand_dims(a, MX_INTS(0));
    case 4: return ndim && mx_dim(a, 0) ? mx_take(a, mx_scalar_i(0), 0) : a;
    case 5: return ndim < 2 ? mx_broadcast_to(a, MX_INTS(3, ndim ? mx_dim(a, 0) : 5)) : mx_squeeze(a, MX_ALL);
    default: return graph_slice(g, a);
  }
}

/* Products, among them the linear step: x @ w, a chain, transpose(x) @ chain. */
static inline mx_array graph_product(struct graph *g) {
  mx_array x = graph_pick_ndim(g, 2);
  if (mx_ndim(x) != 2) return NULL;
  mx_array other = graph_pick_ndim(g, 2);
  if (graph_next(&g->source, 2) && mx_ndim(other) == 2 && mx_dim(other, 1) == mx_dim(x, 1))
    return mx_matmul(x, mx_transpose(other, MX_ALL));
  mx_array z = mx_matmul(x, mx_mean(x, MX_INTS(0), false));
  for (uint32_t i = graph_next(&g->source, 4); i-- > 0;) z = graph_unary(g, z);
  return graph_next(&g->source, 4) ? mx_matmul(mx_transpose(x, MX_ALL), z) : z;
}

static inline mx_array graph_move(struct graph *g, mx_array a) {
  int ndim = mx_ndim(a);
  mx_array pair[2] = {a, a};
  int64_t n = ndim ? mx_dim(a, 0) : 0;
  mx_array index = mx_remainder(mx_arange_i(0, n + 2, 1, MX_INT32), mx_scalar_i(n ? n : 1));
  switch (graph_next(&g->source, 4)) {
    case 0: return ndim ? mx_concatenate(pair, 2, 0) : a;
    case 1: return n ? mx_take(a, index, 0) : a;
    case 2: return n && ndim == 1 ? mx_put_along_axis(a, mx_arange_i(0, n, 1, MX_INT32), graph_unary(g, a), 0) : a;
    default: return ndim ? mx_roll(a, MX_INTS(1), MX_INTS(0)) : a;
  }
}

static inline mx_array graph_step(struct graph *g) {
  static const mx_dtype dtypes[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16, MX_INT32};
  switch (graph_next(&g->source, 12)) {
    case 0: case 1: case 2: return graph_unary(g, graph_pick(g));
    case 3: case 4: case 5: return graph_binary(g, graph_pick(g), graph_pick(g));
    case 6: return graph_reduce(g, graph_pick(g));
    case 7: case 8: return graph_view(g, graph_pick(g));
    case 9: return graph_product(g);
    case 10: return graph_move(g, graph_pick(g));
    default: return mx_astype(graph_pick(g), dtypes[graph_next(&g->source, 5)]);
  }
}

/* Leaves, then up to `steps` operations; those that do not fit each other are left out. `each` may be NULL. */
static inline void graph_grow(struct graph *g, int steps, void (*each)(mx_array a, void *ctx), void *ctx) {
  static const uint8_t sizes[] = {1, 2, 3, 5, 16, 17, 64, 100};
  int64_t rows = sizes[graph_next(&g->source, 8)], columns = sizes[graph_next(&g->source, 8)];
  if (!graph_next(&g->source, 16)) rows = 0;
  g->count = 0;
  g->values[g->count++] = graph_leaf(g, MX_FLOAT32, rows, columns);
  g->values[g->count++] = graph_leaf(g, graph_next(&g->source, 3) ? MX_FLOAT32 : MX_FLOAT64, rows, columns);
  g->values[g->count++] = graph_leaf(g, MX_FLOAT32, 1, columns);
  g->values[g->count++] = mx_scalar_f(1.25);
  for (int i = 0; i < steps && g->count < GRAPH_MAX_VALUES; i++) {
    mx_array a = graph_step(g);
    mx_error_clear();
    if (!a || mx_size(a) > GRAPH_MAX_ELEMENTS || mx_ndim(a) > 6) continue;
    g->values[g->count++] = a;
    if (each) each(a, ctx);
  }
}

#endif

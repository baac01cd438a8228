/* Layout operations against their definition by indices: random chains of views against dense copies, joins and pads
 * against loops, derivatives as adjoints, vmap rules item by item, threads bit for bit. */
#include <stdlib.h>

#include "support/linear.h"

static uint64_t random_state = 88172645463325252u;
static int64_t below(int64_t n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (int64_t)(random_state % (uint64_t)n);
}

/* ---- Chains of views --------------------------------------------------------------------------------------------- */
enum { MAX_ITEMS = 4096, MAX_AXES = 8 };
struct grid {
  int ndim;
  int64_t shape[MAX_AXES], size;
  int32_t *data;
};

/* g becomes the array of `shape` whose items are g's at offset + sum(index * strides). */
static void remap(struct grid *g, int ndim, const int64_t *shape, int64_t offset, const int64_t *strides) {
  int32_t *from = g->data;
  g->ndim = ndim;
  g->size = 1;
  for (int i = 0; i < ndim; i++) g->size *= g->shape[i] = shape[i];
  g->data = malloc((size_t)(g->size + 1) * sizeof *from);
  assert_non_null(g->data);
  for (int64_t at = 0; at < g->size; at++) {
    int64_t source = offset, rest = at;
    for (int i = ndim - 1; i >= 0; i--) {
      source += rest % shape[i] * strides[i];
      rest /= shape[i];
    }
    g->data[at] = from[source];
  }
  free(from);
}

static void dense_strides(const struct grid *g, int64_t *strides) {
  int64_t step = 1;
  for (int i = g->ndim - 1; i >= 0; i--) {
    strides[i] = step;
    step *= g->shape[i];
  }
}

static mx_array try_transpose(struct grid *g, mx_array a) {
  int64_t axes[MAX_AXES], shape[MAX_AXES], steps[MAX_AXES], strides[MAX_AXES];
  dense_strides(g, strides);
  for (int i = 0; i < g->ndim; i++) axes[i] = i;
  for (int i = g->ndim - 1; i > 0; i--) {
    int j = (int)below(i + 1);
    int64_t t = axes[i];
    axes[i] = axes[j], axes[j] = t;
  }
  for (int i = 0; i < g->ndim; i++) shape[i] = g->shape[axes[i]], steps[i] = strides[axes[i]];
  remap(g, g->ndim, shape, 0, steps);
  return mx_transpose(a, (mx_ints){axes, (size_t)g->ndim});
}

static mx_array try_slice(struct grid *g, mx_array a) {
  int64_t start[MAX_AXES], stop[MAX_AXES], step[MAX_AXES], shape[MAX_AXES], steps[MAX_AXES], strides[MAX_AXES],
      offset = 0;
  dense_strides(g, strides);
  for (int i = 0; i < g->ndim; i++) {
    int64_t n = g->shape[i], first = n ? below(n) : 0, by = 1 + below(2), count = n ? 1 + below(n) : 0;
    bool down = below(3) == 0;
    step[i] = down ? -by : by;
    while (count && (down ? first - (count - 1) * by < 0 : first + (count - 1) * by >= n)) count--;
    start[i] = first;
    stop[i] = down ? first - count * by : first + count * by;
    if (down && stop[i] < 0) stop[i] = -n - 1;
    shape[i] = count;
    steps[i] = strides[i] * step[i];
    offset += first * strides[i];
  }
  remap(g, g->ndim, shape, offset, steps);
  size_t n = (size_t)g->ndim;
  return mx_slice(a, (mx_ints){start, n}, (mx_ints){stop, n}, (mx_ints){step, n});
}

/* Cuts or merges axes at random. */
static mx_array try_reshape(struct grid *g, mx_array a) {
  int64_t shape[MAX_AXES], strides[MAX_AXES], left = g->size;
  int ndim = 0;
  while (left > 1 && ndim < 4) {
    int64_t d = 1 + below(6);
    if (left % d == 0 && below(2)) shape[ndim++] = d, left /= d;
    if (below(4) == 0) break;
  }
  shape[ndim++] = left;
  struct grid to = {.ndim = ndim};
  memcpy(to.shape, shape, sizeof shape);
  dense_strides(&to, strides);
  remap(g, ndim, shape, 0, strides);
  return mx_reshape(a, (mx_ints){shape, (size_t)ndim});
}

static mx_array try_broadcast(struct grid *g, mx_array a) {
  if (g->ndim >= 5 || g->size > MAX_ITEMS / 3) return a;
  int64_t shape[MAX_AXES] = {1 + below(3)}, steps[MAX_AXES] = {0};
  dense_strides(g, steps + 1);
  for (int i = 0; i < g->ndim; i++) {
    shape[i + 1] = g->shape[i];
    if (g->shape[i] == 1 && below(2)) shape[i + 1] = 2, steps[i + 1] = 0;
  }
  remap(g, g->ndim + 1, shape, 0, steps);
  return mx_broadcast_to(a, (mx_ints){shape, (size_t)g->ndim});
}

static mx_array try_flip(struct grid *g, mx_array a) {
  if (!g->ndim) return a;
  int axis = (int)below(g->ndim);
  int64_t shape[MAX_AXES], strides[MAX_AXES], offset = g->size ? (g->shape[axis] - 1) : 0;
  dense_strides(g, strides);
  memcpy(shape, g->shape, sizeof shape);
  offset *= strides[axis];
  strides[axis] = -strides[axis];
  remap(g, g->ndim, shape, offset, strides);
  return mx_flip(a, MX_INTS(axis));
}

static void chains_of_views_equal_dense_copies(void **state) {
  (void)state;
  static mx_array (*const moves[])(struct grid *, mx_array) = {try_transpose, try_slice, try_reshape, try_broadcast,
                                                               try_flip};
  for (int round = 0; round < 3000; round++) {
    mx_scope s = mx_scope_begin();
    struct grid g = {.ndim = 3, .shape = {1 + below(6), below(20) ? 1 + below(6) : 0, 1 + below(6)}};
    g.size = g.shape[0] * g.shape[1] * g.shape[2];
    g.data = malloc((size_t)(g.size + 1) * sizeof *g.data);
    assert_non_null(g.data);
    for (int64_t i = 0; i < g.size; i++) g.data[i] = (int32_t)i;
    mx_array a = mx_from_data(g.data, (mx_ints){g.shape, 3}, MX_INT32);
    for (int64_t i = 1 + below(6); i > 0; i--) {
      a = moves[below(5)](&g, a);
      assert_non_null(a);
      if (below(5) == 0) assert_int_equal(mx_eval(a), MX_OK);
    }
    assert_int_equal(mx_ndim(a), g.ndim);
    for (int i = 0; i < g.ndim; i++) assert_int_equal(mx_dim(a, i), g.shape[i]);
    const void *data = mx_data(a);
    assert_non_null(data);
    assert_memory_equal(data, g.data, (size_t)g.size * sizeof *g.data);
    free(g.data);
    mx_scope_end(s);
  }
}

/* ---- Joins and pads, against loops --------------------------------------------------------------------------------
 */
static void joins_place_every_item(void **state) {
  (void)state;
  for (int threads = 1; threads <= 3; threads++) {
    mx_set_num_threads(threads);
    mx_scope s = mx_scope_begin();
    enum { M = 301, N = 500, K = 257 };
    mx_array a = mx_reshape(mx_arange_i(0, M * N, 1, MX_INT32), MX_INTS(M, N));
    mx_array b = mx_transpose(mx_reshape(mx_arange_i(0, M * K, 1, MX_INT32), MX_INTS(K, M)), MX_ALL);
    const mx_array parts[] = {a, b, a};
    const int32_t *x = mx_data(mx_concatenate(parts, 3, 1));
    assert_non_null(x);
    for (int i = 0; i < M; i++)
      for (int j = 0; j < 2 * N + K; j++)
        assert_int_equal(*x++, j < N ? i * N + j : j < N + K ? (j - N) * M + i : i * N + j - N - K);
    const int32_t *p = mx_data(mx_pad(b, MX_INTS(2, 0), MX_INTS(1, 3), mx_scalar_i(-7)));
    for (int i = -2; i < M + 1; i++)
      for (int j = 0; j < K + 3; j++) assert_int_equal(*p++, i < 0 || i >= M || j >= K ? -7 : j * M + i);
    mx_scope_end(s);
  }
  mx_set_num_threads(1);
}

static void slice_update_replaces_only_its_region(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_reshape(mx_arange_i(0, 63, 1, MX_INT16), MX_INTS(7, 9));
  mx_array u = mx_full(MX_INTS(1, 4), mx_scalar_i(-1), MX_INT16);
  const int16_t *x = mx_data(mx_slice_update(a, u, MX_INTS(6, 1), MX_INTS(0, 9), MX_INTS(-2, 2)));
  for (int i = 0; i < 7; i++)
    for (int j = 0; j < 9; j++) {
      bool inside = i > 0 && i % 2 == 0 && j % 2 == 1;
      assert_int_equal(x[9 * i + j], inside ? -1 : 9 * i + j);
    }
  assert_int_equal(((const int16_t *)mx_data(a))[54], 54);
  mx_scope_end(s);
}

static void a_view_of_bytes_at_any_offset_is_a_copy_where_it_must(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  uint8_t bytes[40];
  for (int i = 0; i < 40; i++) bytes[i] = (uint8_t)(i * 7);
  mx_array a = mx_from_data(bytes, MX_INTS(40), MX_UINT8);
  for (int start = 0; start < 8; start++) {
    mx_array part = mx_slice(a, MX_INTS(start), MX_INTS(start + 32), MX_0D);
    const void *data = mx_data(mx_view(part, MX_INT64));
    assert_int_equal((uintptr_t)data % 8, 0);
    assert_memory_equal(data, bytes + start, 32);
  }
  assert_null(mx_view(mx_slice(a, MX_INTS(0), MX_INTS(30), MX_0D), MX_INT32));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  mx_scope_end(s);
}

static void shapes_are_checked_at_the_call(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array a = mx_zeros(MX_INTS(3, 4), MX_FLOAT32), none = mx_zeros(MX_INTS(0, 4), MX_FLOAT32), parts[] = {a, none};
#define REFUSED(call, code)                          \
  do {                                               \
    assert_true(!(call));                            \
    assert_int_equal(mx_error_take(NULL, 0), (code)); \
  } while (0)
  REFUSED(mx_reshape(a, MX_INTS(5, -1)), MX_ERR_SHAPE);
  REFUSED(mx_reshape(none, MX_INTS(0, -1)), MX_ERR_SHAPE);
  REFUSED(mx_reshape(a, MX_INTS(-1, -1)), MX_ERR_SHAPE);
  REFUSED(mx_transpose(a, MX_INTS(0, 0)), MX_ERR_VALUE);
  REFUSED(mx_broadcast_to(a, MX_INTS(4)), MX_ERR_SHAPE);
  REFUSED(mx_squeeze(a, MX_INTS(0)), MX_ERR_VALUE);
  REFUSED(mx_slice(a, MX_INTS(0), MX_INTS(1), MX_0D), MX_ERR_VALUE);
  REFUSED(mx_slice(a, MX_INTS(0, 0), MX_INTS(1, 1), MX_INTS(1, 0)), MX_ERR_VALUE);
  REFUSED(mx_as_strided(a, MX_INTS(3), MX_INTS(6), 0), MX_ERR_VALUE);
  REFUSED(mx_as_strided(a, MX_INTS(3), MX_INTS(-1), 1), MX_ERR_VALUE);
  REFUSED(mx_concatenate(parts, 0, 0), MX_ERR_VALUE);
  REFUSED(mx_concatenate(parts, 2, 1), MX_ERR_SHAPE);
  REFUSED(mx_stack(parts, 2, 0), MX_ERR_SHAPE);
  REFUSED(mx_pad(a, MX_INTS(-1), MX_INTS(0), a), MX_ERR_VALUE);
  REFUSED(mx_pad_edge(none, MX_INTS(1), MX_INTS(0)), MX_ERR_VALUE);
  REFUSED(mx_zeros(MX_INTS(INT64_MAX, 3), MX_INT8), MX_ERR_SHAPE);
  REFUSED(mx_zeros(MX_INTS(0, INT64_MAX, 4), MX_INT8), MX_ERR_SHAPE);
  REFUSED(mx_tile(mx_zeros(MX_INTS(0, 4, 3), MX_INT8), MX_INTS(1, INT64_MAX, 1)), MX_ERR_SHAPE);
  REFUSED(mx_repeat(mx_zeros(MX_INTS(3), MX_INT8), -1, 0), MX_ERR_VALUE);
  REFUSED(mx_arange(0, 1, 0, MX_INT32), MX_ERR_VALUE);
  assert_non_null(mx_arange(2, -2e30, -1e30, MX_INT64)); /* whose integer step would be more than a long holds */
  REFUSED(mx_arange(0, 1, 1, MX_BOOL), MX_ERR_VALUE);
  REFUSED(mx_arange_i(INT64_MIN, INT64_MAX, 1, MX_INT64), MX_ERR_SHAPE);
  REFUSED(mx_full(MX_INTS(2), mx_scalar_i(300), MX_UINT8), MX_ERR_VALUE);
  mx_array results[4];
  assert_int_equal(mx_split(a, 3, 1, results), MX_ERR_VALUE);
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_int_equal(mx_size(mx_reshape(none, MX_INTS(-1))), 0);
  mx_scope_end(s);
}

static void arange_counts_without_drifting(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  const float *x = mx_data(mx_arange(0, 100000, 0.1, MX_FLOAT32));
  for (int i = 0; i < 1000000; i += 997) assert_float_equal(x[i], (float)((double)i * (double)0.1f), 0);
  const int64_t *n = mx_data(mx_arange_i(INT64_MAX, INT64_MAX - 10, -3, MX_INT64));
  for (int i = 0; i < 4; i++) assert_int_equal(n[i], INT64_MAX - 3 * i);
  const uint8_t *b = mx_data(mx_arange(250, 260, 1, MX_UINT8));
  for (int i = 0; i < 10; i++) assert_int_equal(b[i], (uint8_t)(250 + i));
  mx_scope_end(s);
}

/* ---- Derivatives ------------------------------------------------------------------------------------------------- */
static mx_array base(void) { return mx_full(MX_INTS(4, 6), mx_scalar_f(0), MX_FLOAT64); }
static mx_array zero(void) { return mx_full(MX_0D, mx_scalar_f(0), MX_FLOAT64); }
static mx_array l_reshape(mx_array x) { return mx_reshape(x, MX_INTS(3, -1)); }
static mx_array l_transpose(mx_array x) { return mx_transpose(mx_reshape(x, MX_INTS(2, 2, 6)), MX_INTS(2, 0, 1)); }
static mx_array l_broadcast(mx_array x) {
  return mx_broadcast_to(mx_reshape(x, MX_INTS(4, 1, 6)), MX_INTS(2, 4, 3, 6));
}
static mx_array l_slice(mx_array x) { return mx_slice(x, MX_INTS(3, 1), MX_INTS(-5, 6), MX_INTS(-2, 2)); }
static mx_array l_put_base(mx_array x) {
  return mx_slice_update(x, mx_zeros(MX_INTS(2, 3), MX_FLOAT64), MX_INTS(1, 0), MX_INTS(3, 6), MX_INTS(1, 2));
}
static mx_array l_put_update(mx_array x) {
  mx_array u = mx_slice(x, MX_INTS(0, 0), MX_INTS(2, 3), MX_0D);
  return mx_slice_update(base(), u, MX_INTS(3, 0), MX_INTS(0, 6), MX_INTS(-2, 2));
}
static mx_array l_strided(mx_array x) {
  return mx_as_strided(mx_transpose(x, MX_ALL), MX_INTS(5, 4), MX_INTS(3, 2), 1);
}
static mx_array l_contiguous(mx_array x) { return mx_contiguous(mx_transpose(x, MX_ALL)); }
static mx_array l_concatenate(mx_array x) {
  const mx_array parts[] = {x, mx_zeros(MX_INTS(4, 2), MX_FLOAT64), x};
  return mx_concatenate(parts, 3, 1);
}
static mx_array l_stack(mx_array x) {
  const mx_array parts[] = {x, mx_negative(x)};
  return mx_stack(parts, 2, -1);
}
static mx_array l_split(mx_array x) {
  mx_array parts[3];
  return mx_split_at(x, MX_INTS(1, 4), 1, parts) ? NULL : parts[1];
}
static mx_array l_repeat(mx_array x) { return mx_repeat(x, 3, 0); }
static mx_array l_tile(mx_array x) { return mx_tile(x, MX_INTS(2, 1, 3)); }
static mx_array l_pad(mx_array x) { return mx_pad(x, MX_INTS(1, 0), MX_INTS(0, 2), zero()); }
static mx_array l_pad_value(mx_array x) {
  return mx_pad(mx_zeros(MX_INTS(2, 2), MX_FLOAT64), MX_INTS(1), MX_INTS(2), mx_sum(x, MX_ALL, false));
}
static mx_array l_pad_edge(mx_array x) { return mx_pad_edge(x, MX_INTS(1, 2), MX_INTS(2, 0)); }
static mx_array l_pad_reflect(mx_array x) { return mx_pad_reflect(x, MX_INTS(7, 2), MX_INTS(2, 9)); }
static mx_array l_roll(mx_array x) { return mx_roll(x, MX_INTS(1, -2), MX_INTS(0, 1)); }
static mx_array l_flip(mx_array x) { return mx_flip(x, MX_ALL); }
static mx_array l_diag(mx_array x) { return mx_diag(mx_reshape(x, MX_INTS(-1)), -2); }
static mx_array l_diagonal(mx_array x) { return mx_diagonal(mx_reshape(x, MX_INTS(2, 4, 3)), 1, 2, 0); }
static mx_array l_tril(mx_array x) { return mx_tril(x, 1); }
static mx_array l_triu(mx_array x) { return mx_triu(x, -1); }
static mx_array l_trace(mx_array x) { return mx_trace(mx_reshape(x, MX_INTS(2, 4, 3)), 0, 1, 2); }

static void derivatives_are_adjoint(void **state) {
  (void)state;
#define CHECK(f) linear_check(#f, f, MX_INTS(4, 6))
  CHECK(l_reshape), CHECK(l_transpose), CHECK(l_broadcast), CHECK(l_slice), CHECK(l_put_base), CHECK(l_put_update);
  CHECK(l_strided), CHECK(l_contiguous), CHECK(l_concatenate), CHECK(l_stack), CHECK(l_split), CHECK(l_repeat);
  CHECK(l_tile), CHECK(l_pad), CHECK(l_pad_value), CHECK(l_pad_edge), CHECK(l_pad_reflect), CHECK(l_roll),
      CHECK(l_flip);
  CHECK(l_diag), CHECK(l_diagonal), CHECK(l_tril), CHECK(l_triu), CHECK(l_trace);
#undef CHECK
}

/* ---- vmap rules -------------------------------------------------------------------------------------------------- */
static mx_array v_reshape(const mx_array *in) { return mx_reshape(in[0], MX_INTS(6, 2)); }
static mx_array v_transpose(const mx_array *in) { return mx_transpose(in[0], MX_ALL); }
static mx_array v_broadcast(const mx_array *in) { return mx_broadcast_to(in[0], MX_INTS(2, 5, 3, 4)); }
static mx_array v_slice(const mx_array *in) { return mx_slice(in[0], MX_INTS(2, 0), MX_INTS(0, 4), MX_INTS(-1, 2)); }
static mx_array v_strided(const mx_array *in) { return mx_as_strided(in[0], MX_INTS(4, 3), MX_INTS(2, 1), 3); }
static mx_array v_view(const mx_array *in) { return mx_view(in[0], MX_INT16); }
static mx_array v_contiguous(const mx_array *in) { return mx_contiguous(in[0]); }
static mx_array v_update(const mx_array *in) {
  return mx_slice_update(in[0], in[1], MX_INTS(2, 0), MX_INTS(0, 4), MX_INTS(-1, 2));
}
static mx_array v_concatenate(const mx_array *in) { return mx_concatenate(in, 3, 1); }
static mx_array v_pad(const mx_array *in) { return mx_pad(in[0], MX_INTS(1, 0), MX_INTS(2, 3), in[1]); }

static void vmap_rules_work_item_by_item(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  for (int axis = 0; axis < 3; axis++) {
    int64_t shape[] = {3, 4, 4};
    for (int i = 2, own = 1; i >= 0; i--) shape[i] = i == axis ? 5 : 3 + own--;
    mx_array a = linear_numbers((mx_ints){shape, 3}, MX_FLOAT32, 5);
    mx_array b = linear_numbers(MX_INTS(2, 2, 5), MX_FLOAT32, 6), v = linear_numbers(MX_INTS(5), MX_FLOAT32, 7);
    const int axes[] = {axis, axis, axis}, update_axes[] = {axis, 2}, pad_axes[] = {axis, 0};
    const mx_array three[] = {a, a, a}, update[] = {a, b}, pad[] = {a, v};
    vmap_check("reshape", v_reshape, &a, axes, 1);
    vmap_check("transpose", v_transpose, &a, axes, 1);
    vmap_check("slice", v_slice, &a, axes, 1);
    vmap_check("as_strided", v_strided, &a, axes, 1);
    vmap_check("view", v_view, &a, axes, 1);
    vmap_check("contiguous", v_contiguous, &a, axes, 1);
    vmap_check("slice_update", v_update, update, update_axes, 2);
    vmap_check("pad", v_pad, pad, pad_axes, 2);
    vmap_check("concatenate", v_concatenate, three, axes, 3);
    mx_array row = linear_numbers(axis ? MX_INTS(3, 1, 5) : MX_INTS(5, 3, 1), MX_FLOAT32, 8);
    const int row_axis = axis ? 2 : 0;
    vmap_check("broadcast", v_broadcast, &row, &row_axis, 1);
  }
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chains_of_views_equal_dense_copies),
      cmocka_unit_test(joins_place_every_item),
      cmocka_unit_test(slice_update_replaces_only_its_region),
      cmocka_unit_test(a_view_of_bytes_at_any_offset_is_a_copy_where_it_must),
      cmocka_unit_test(shapes_are_checked_at_the_call),
      cmocka_unit_test(arange_counts_without_drifting),
      cmocka_unit_test(derivatives_are_adjoint),
      cmocka_unit_test(vmap_rules_work_item_by_item),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

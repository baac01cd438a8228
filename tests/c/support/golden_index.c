/* Recorded indexing: what Python writes with brackets is gather and scatter here, with the axes put where NumPy's rule
 * wants them. Start at read_index. */
#include <string.h>

#include "golden_call.h"

static bool is_whole_axis_none(const struct golden_call *k) { return golden_flattens(k, true); }

static void take(struct golden_call *k, mx_array indices) {
  golden_give(k, is_whole_axis_none(k) ? mx_take_all(k->in[0], indices)
                                       : mx_take(k->in[0], indices, golden_number(k, "axis", 0)));
}
static void call_take(struct golden_call *k) { take(k, k->in[1]); }
static void call_take_int(struct golden_call *k) { take(k, mx_scalar_i(golden_int(k->recorded, "i", 0))); }
static void call_index_int(struct golden_call *k) {
  golden_give(k, mx_take(k->in[0], mx_scalar_i(golden_int(k->recorded, "i", 0)), 0));
}

static void call_take_along_axis(struct golden_call *k) {
  golden_give(k, golden_flattens(k, false) ? mx_take_along_axis_all(k->in[0], k->in[1])
                                           : mx_take_along_axis(k->in[0], k->in[1], golden_number(k, "axis", -1)));
}

static void call_put_along_axis(struct golden_call *k) {
  golden_give(k, is_whole_axis_none(k) ? mx_put_along_axis_all(k->in[0], k->in[1], k->in[2])
                                       : mx_put_along_axis(k->in[0], k->in[1], k->in[2], golden_number(k, "axis", 0)));
}

/* ---- a[:, ..., i, j]: integer arrays for the axes from `axis` on --------------------------------------------------
 */
enum { MAX = 2 * GOLDEN_MAX_NDIM };
struct place {
  mx_array a, indices[GOLDEN_MAX_NDIM]; /* broadcast together */
  size_t count;                         /* of indices */
  int lead, index_ndim, ndim;           /* whole axes in front; axes of the indices; axes of a */
  int64_t axes[GOLDEN_MAX_NDIM], sizes[GOLDEN_MAX_NDIM];
};

static bool read_index(const struct golden_call *k, size_t count, struct place *p) {
  p->a = k->in[0];
  p->count = count;
  p->lead = golden_number(k, "axis", 0);
  p->ndim = mx_ndim(p->a);
  if (mx_broadcast_arrays(k->in + 1, count, p->indices) || mx_error()) return false;
  p->index_ndim = mx_ndim(p->indices[0]);
  mx_ints shape = mx_shape(p->a);
  for (int i = 0; i < p->ndim; i++) p->sizes[i] = shape.at[i];
  for (size_t i = 0; i < count; i++) {
    p->axes[i] = p->lead + (int64_t)i;
    if (p->axes[i] < p->ndim) p->sizes[p->axes[i]] = 1;
  }
  return true;
}

/* Axes of gather's result (indices, then a's) as brackets order them: whole axes in front, indices, the rest, and last
 * the indexed axes, which have size 1. */
static mx_ints bracket_order(const struct place *p, int64_t *order) {
  size_t n = 0;
  for (int i = 0; i < p->lead; i++) order[n++] = p->index_ndim + i;
  for (int i = 0; i < p->index_ndim; i++) order[n++] = i;
  for (int i = p->lead + (int)p->count; i < p->ndim; i++) order[n++] = p->index_ndim + i;
  for (size_t i = 0; i < p->count; i++) order[n++] = p->index_ndim + p->axes[i];
  return (mx_ints){order, n};
}

static mx_ints last_axes(const struct place *p, int64_t *axes) {
  for (size_t i = 0; i < p->count; i++) axes[i] = p->index_ndim + p->ndim - 1 - (int64_t)i;
  return (mx_ints){axes, p->count};
}

static mx_array gather(const struct place *p) {
  int64_t order[MAX], dropped[MAX];
  mx_array g =
      mx_gather(p->a, p->indices, p->count, (mx_ints){p->axes, p->count}, (mx_ints){p->sizes, (size_t)p->ndim});
  return mx_squeeze(mx_transpose(g, bracket_order(p, order)), last_axes(p, dropped));
}

/* `update`, cast to a's dtype and broadcast to a[...], in scatter's order of axes. */
static mx_array scattered(const struct place *p, mx_array update) {
  int64_t order[MAX], back[MAX], added[MAX];
  mx_ints forth = bracket_order(p, order);
  for (size_t i = 0; i < forth.count; i++) back[order[i]] = (int64_t)i;
  mx_array full = mx_broadcast_to(mx_astype(update, mx_dtype_of(p->a)), mx_shape(gather(p)));
  return mx_transpose(mx_expand_dims(full, last_axes(p, added)), (mx_ints){back, forth.count});
}

static void call_index(struct golden_call *k) {
  struct place p;
  if (read_index(k, k->in_count - 1, &p)) golden_give(k, gather(&p));
}

typedef mx_array (*scatter_fn)(mx_array a, const mx_array *indices, size_t count, mx_array updates, mx_ints axes);

static void update(struct golden_call *k, scatter_fn scatter, mx_array (*prepare)(mx_array)) {
  struct place p;
  if (!read_index(k, k->in_count - 2, &p)) return;
  mx_array v = k->in[k->in_count - 1];
  v = scattered(&p, prepare ? prepare(v) : v);
  golden_give(k, scatter(p.a, p.indices, p.count, v, (mx_ints){p.axes, p.count}));
}
static void call_index_set(struct golden_call *k) { update(k, mx_scatter, NULL); }
static void call_at_add(struct golden_call *k) { update(k, mx_scatter_add, NULL); }
static void call_at_subtract(struct golden_call *k) { update(k, mx_scatter_add, mx_negative); }
static void call_at_multiply(struct golden_call *k) { update(k, mx_scatter_multiply, NULL); }
static void call_at_divide(struct golden_call *k) { update(k, mx_scatter_multiply, mx_reciprocal); }
static void call_at_maximum(struct golden_call *k) { update(k, mx_scatter_max, NULL); }
static void call_at_minimum(struct golden_call *k) { update(k, mx_scatter_min, NULL); }

static void call_slice_dynamic(struct golden_call *k) {
  golden_give(k, mx_slice_dynamic(k->in[0], k->in[1], golden_ints(k, "axes", MX_ALL), golden_ints(k, "size", MX_0D)));
}
static void call_slice_update(struct golden_call *k) {
  golden_give(k, mx_slice_update_dynamic(k->in[0], k->in[1], k->in[2], golden_ints(k, "axes", MX_ALL)));
}

#define ROW(name) \
  { #name, call_##name }
const struct golden_row golden_index[] = {
    ROW(take),       ROW(take_int),      ROW(index_int),    ROW(take_along_axis), ROW(put_along_axis), ROW(index),
    ROW(index_set),  ROW(at_add),        ROW(at_subtract),  ROW(at_multiply),     ROW(at_divide),      ROW(at_maximum),
    ROW(at_minimum), ROW(slice_dynamic), ROW(slice_update), {NULL, NULL},
};

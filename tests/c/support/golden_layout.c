/* Recorded operations that move elements: shapes, slices, joins, padding. */
#include <string.h>

#include "golden_call.h"

static const mx_ints none = {NULL, 0};

static int axis_or(const struct golden_call *k, int fallback) { return golden_number(k, "axis", fallback); }

static void call_reshape(struct golden_call *k) { golden_give(k, mx_reshape(k->in[0], golden_ints(k, "shape", none))); }
static void call_transpose(struct golden_call *k) {
  golden_give(k, mx_transpose(k->in[0], golden_ints(k, "axes", MX_ALL)));
}
static void call_broadcast_to(struct golden_call *k) {
  golden_give(k, mx_broadcast_to(k->in[0], golden_ints(k, "shape", none)));
}

static void call_broadcast_arrays(struct golden_call *k) {
  mx_broadcast_arrays(k->in, k->in_count, k->out);
  golden_give_many(k, k->in_count);
}

/* The answer is a shape: that of zeros broadcast together. */
static void call_broadcast_shapes(struct golden_call *k) {
  mx_array both[] = {mx_zeros(golden_ints(k, "a", none), MX_BOOL), mx_zeros(golden_ints(k, "b", none), MX_BOOL)};
  mx_broadcast_arrays(both, 2, k->out);
  golden_give_many(k, 1);
}

static void call_contiguous(struct golden_call *k) { golden_give(k, mx_contiguous(k->in[0])); }
static void call_flatten(struct golden_call *k) {
  golden_give(k, mx_flatten(k->in[0], golden_number(k, "start_axis", 0), golden_number(k, "end_axis", -1)));
}
static void call_unflatten(struct golden_call *k) {
  golden_give(k, mx_unflatten(k->in[0], axis_or(k, 0), golden_ints(k, "shape", none)));
}
static void call_squeeze(struct golden_call *k) { golden_give(k, mx_squeeze(k->in[0], golden_axes(k))); }
static void call_expand_dims(struct golden_call *k) { golden_give(k, mx_expand_dims(k->in[0], golden_axes(k))); }
static void call_swapaxes(struct golden_call *k) {
  golden_give(k, mx_swapaxes(k->in[0], golden_number(k, "axis1", 0), golden_number(k, "axis2", 0)));
}
static void call_moveaxis(struct golden_call *k) {
  golden_give(k, mx_moveaxis(k->in[0], golden_number(k, "source", 0), golden_number(k, "destination", 0)));
}

/* Ranges of the leading axes, whole axes after them. */
struct ranges {
  int64_t start[GOLDEN_MAX_NDIM], stop[GOLDEN_MAX_NDIM], step[GOLDEN_MAX_NDIM];
  mx_ints starts, stops, steps;
};

static void read_ranges(const struct golden_call *k, struct ranges *r) {
  mx_ints start = golden_ints(k, "start", none), stop = golden_ints(k, "stop", none),
          step = golden_ints(k, "step", none);
  mx_ints shape = mx_shape(k->in[0]);
  for (size_t i = 0; i < shape.count; i++) {
    bool given = i < start.count;
    r->start[i] = given ? start.at[i] : 0;
    r->stop[i] = given ? stop.at[i] : shape.at[i];
    r->step[i] = given ? step.at[i] : 1;
  }
  r->starts = (mx_ints){r->start, shape.count};
  r->stops = (mx_ints){r->stop, shape.count};
  r->steps = (mx_ints){r->step, shape.count};
}

static void call_slice(struct golden_call *k) {
  struct ranges r;
  read_ranges(k, &r);
  golden_give(k, mx_slice(k->in[0], r.starts, r.stops, r.steps));
}

static void call_slice_set(struct golden_call *k) {
  struct ranges r;
  read_ranges(k, &r);
  golden_give(k, mx_slice_update(k->in[0], k->in[1], r.starts, r.stops, r.steps));
}

static void call_as_strided(struct golden_call *k) {
  mx_ints shape = golden_ints(k, "shape", mx_shape(k->in[0]));
  int64_t steps[GOLDEN_MAX_NDIM], step = 1;
  for (size_t i = shape.count; i-- > 0; step *= shape.at[i]) steps[i] = step;
  mx_ints strides = golden_ints(k, "strides", (mx_ints){steps, shape.count});
  golden_give(k, mx_as_strided(k->in[0], shape, strides, golden_int(k->recorded, "offset", 0)));
}

static void call_view(struct golden_call *k) { golden_give(k, mx_view(k->in[0], golden_dtype_param(k, MX_FLOAT32))); }

static void call_concatenate(struct golden_call *k) {
  golden_give(k, golden_flattens(k, false) ? mx_concatenate_all(k->in, k->in_count)
                                           : mx_concatenate(k->in, k->in_count, axis_or(k, 0)));
}
static void call_stack(struct golden_call *k) { golden_give(k, mx_stack(k->in, k->in_count, axis_or(k, 0))); }

static void call_array_split(struct golden_call *k) {
  mx_ints at = golden_ints(k, "indices", none);
  int sections = golden_number(k, "sections", 0), axis = axis_or(k, 0);
  if (golden_is_none(k->recorded, "indices")) {
    mx_split(k->in[0], sections, axis, k->out);
    golden_give_many(k, sections > 0 ? (size_t)sections : 0);
    return;
  }
  mx_split_at(k->in[0], at, axis, k->out);
  golden_give_many(k, at.count + 1);
}

static void call_unstack(struct golden_call *k) {
  int axis = axis_or(k, 0), ndim = mx_ndim(k->in[0]);
  mx_unstack(k->in[0], axis, k->out);
  if (!mx_error()) golden_give_many(k, (size_t)mx_dim(k->in[0], axis < 0 ? axis + ndim : axis));
}

static void call_repeat(struct golden_call *k) {
  int repeats = golden_number(k, "repeats", 1);
  golden_give(k, golden_flattens(k, true) ? mx_repeat_all(k->in[0], repeats)
                                          : mx_repeat(k->in[0], repeats, axis_or(k, 0)));
}
static void call_tile(struct golden_call *k) { golden_give(k, mx_tile(k->in[0], golden_ints(k, "reps", none))); }

static void call_pad(struct golden_call *k) {
  mx_ints low = golden_ints(k, "low", none), high = golden_ints(k, "high", none);
  const char *mode = golden_str(k->recorded, "mode", "constant");
  mx_array a = k->in[0], value = k->in_count > 1 ? k->in[1] : mx_scalar_i(0);
  if (strcmp(mode, "constant") == 0)
    golden_give(k, mx_pad(a, low, high, value));
  else if (strcmp(mode, "edge") == 0)
    golden_give(k, mx_pad_edge(a, low, high));
  else if (strcmp(mode, "reflect") == 0)
    golden_give(k, mx_pad_reflect(a, low, high));
  else if (strcmp(mode, "symmetric") == 0)
    golden_give(k, mx_pad_symmetric(a, low, high));
  else
    k->unsaid = "each mode is a function of its own";
}

/* In MLX a list of shifts with one axis adds up, an integer goes with every axis, and shifts without an axis are
 * ignored. */
static void call_roll(struct golden_call *k) {
  mx_ints shift = golden_ints(k, "shift", none), axes = golden_axes(k);
  if (axes.at && axes.count > 1 && shift.count > axes.count) shift.count = axes.count;
  golden_give(k, mx_roll(k->in[0], shift, axes));
}

static void call_flip(struct golden_call *k) { golden_give(k, mx_flip(k->in[0], golden_axes(k))); }
static void call_diag(struct golden_call *k) { golden_give(k, mx_diag(k->in[0], golden_number(k, "k", 0))); }
static void call_diagonal(struct golden_call *k) {
  golden_give(k, mx_diagonal(k->in[0], golden_number(k, "offset", 0), golden_number(k, "axis1", 0),
                             golden_number(k, "axis2", 1)));
}
static void call_tril(struct golden_call *k) { golden_give(k, mx_tril(k->in[0], golden_number(k, "k", 0))); }
static void call_triu(struct golden_call *k) { golden_give(k, mx_triu(k->in[0], golden_number(k, "k", 0))); }

static void call_trace(struct golden_call *k) {
  mx_array a = golden_is_none(k->recorded, "dtype") ? k->in[0] : mx_astype(k->in[0], golden_dtype_param(k, MX_FLOAT32));
  golden_give(k,
              mx_trace(a, golden_number(k, "offset", 0), golden_number(k, "axis1", 0), golden_number(k, "axis2", 1)));
}

static void call_meshgrid(struct golden_call *k) {
  const char *indexing = golden_str(k->recorded, "indexing", "xy");
  if (strcmp(indexing, "xy") != 0 && strcmp(indexing, "ij") != 0) {
    k->unsaid = "indexing is a boolean";
    return;
  }
  mx_meshgrid(k->in, k->in_count, golden_flag(k, "sparse", false), indexing[0] == 'x', k->out);
  golden_give_many(k, k->in_count);
}

/* MLX takes any number of arrays, mica one. */
static void each(struct golden_call *k, mx_array (*f)(mx_array)) {
  for (size_t i = 0; i < k->in_count; i++) k->out[i] = f(k->in[i]);
  golden_give_many(k, k->in_count);
}
static void call_atleast_1d(struct golden_call *k) { each(k, mx_atleast_1d); }
static void call_atleast_2d(struct golden_call *k) { each(k, mx_atleast_2d); }
static void call_atleast_3d(struct golden_call *k) { each(k, mx_atleast_3d); }

#define ROW(name) \
  { #name, call_##name }
const struct golden_row golden_layout[] = {
    ROW(reshape),
    ROW(transpose),
    ROW(broadcast_to),
    ROW(broadcast_arrays),
    ROW(broadcast_shapes),
    ROW(contiguous),
    ROW(flatten),
    ROW(unflatten),
    ROW(squeeze),
    ROW(expand_dims),
    ROW(swapaxes),
    ROW(moveaxis),
    ROW(slice),
    ROW(slice_set),
    ROW(as_strided),
    ROW(view),
    ROW(concatenate),
    ROW(stack),
    ROW(array_split),
    ROW(unstack),
    ROW(repeat),
    ROW(tile),
    ROW(pad),
    ROW(roll),
    ROW(flip),
    ROW(diag),
    ROW(diagonal),
    ROW(tril),
    ROW(triu),
    ROW(trace),
    ROW(meshgrid),
    ROW(atleast_1d),
    ROW(atleast_2d),
    ROW(atleast_3d),
    {NULL, NULL},
};

/* Any bytes as a row of calls: each of any public operation, with arguments drawn for the kinds that its row in the tables
 * names, good and bad ones. A new row takes part by itself (random_calls.def is generated). After each call: a result or an
 * error, never both; a message that begins with "[operation] "; a library that still works. Included by a test and by
 * fuzz/calls.c. Start at random_calls. */
#ifndef MICA_TESTS_RANDOM_CALLS_H
#define MICA_TESTS_RANDOM_CALLS_H

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "ops_graph.h"

enum {
  RANDOM_POOL = 24,       /* arrays to draw from */
  RANDOM_RESULTS = 64,    /* of one call */
  RANDOM_EVALUATED = 4096, /* elements: larger results are only built */
  RANDOM_AXIS = 65536
};

struct random_calls {
  struct graph_source source;
  mx_array pool[RANDOM_POOL];
  bool only_built[RANDOM_POOL]; /* large, or made of something large */
  bool is_large;                /* an operand of this call is only built */
  int ndim;                     /* of the array drawn last, whose shape is: */
  int64_t shape[64];
  int64_t numbers[4][66]; /* lists of this call */
  int lists;
  mx_array list[RANDOM_RESULTS];
  size_t list_count;
  mx_array *results; /* a block of exactly the size that the call may write */
  const char *name;
  char failure[700];
};

static inline uint32_t random_below(struct random_calls *r, uint32_t n) { return graph_next(&r->source, n); }
static inline bool random_rarely(struct random_calls *r) { return random_below(r, 12) == 0; }

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */
/* What the pool begins with: ranks 0 to 64, every dtype, no elements, not a number, views, literals, and sizes beyond 2^31,
 * of which only views are ever made. */
static inline mx_array random_fresh(struct random_calls *r, int which) {
  static const int64_t many[64] = {[0 ... 63] = 1};
  mx_dtype t = (mx_dtype)random_below(r, 14);
  mx_array line = mx_astype(mx_subtract(mx_arange_i(0, 12, 1, MX_INT32), mx_scalar_i(random_below(r, 6))), t);
  switch (which % 16) {
    case 0: return mx_reshape(line, MX_INTS(3, 4));
    case 1: return line;
    case 2: return mx_reshape(line, MX_INTS(2, 3, 2));
    case 3: return mx_transpose(mx_reshape(line, MX_INTS(4, 3)), MX_ALL);
    case 4: return mx_astype(mx_scalar_i(random_below(r, 9)), t);
    case 5: return mx_zeros(MX_INTS(random_below(r, 2), 0, random_below(r, 3)), t);
    case 6: return mx_full(MX_INTS(2, 2), mx_scalar_f(random_below(r, 2) ? NAN : INFINITY), MX_FLOAT32);
    case 7: return mx_add(mx_eye(3, 3, 0, random_below(r, 2) ? MX_FLOAT32 : MX_FLOAT64), mx_scalar_f(0.25));
    case 8: return mx_random_key(random_below(r, 99));
    case 9: return mx_from_data((int32_t[]){0, 2, 1}, MX_INTS(3), MX_INT32);
    case 10: return mx_ones((mx_ints){many, random_below(r, 65)}, t);
    case 11: return mx_slice(line, MX_INTS(11), MX_INTS(-13), MX_INTS(-2));
    case 12: return random_below(r, 2) ? mx_scalar_f(1.5) : mx_scalar_i((int64_t)random_below(r, 3) * (INT64_MAX / 2));
    case 13: return mx_broadcast_to(mx_astype(mx_scalar_i(1), t), MX_INTS(65536, 65536, 3));
    case 14: return mx_full(MX_INTS(4), mx_scalar_i(INT64_MIN), MX_INT64);
    default: return mx_reshape(mx_divide(line, mx_scalar_f(8)), MX_INTS(4, 3));
  }
}

static inline void random_put(struct random_calls *r, int at, mx_array a, bool is_large) {
  for (int i = 0; i < mx_ndim(a); i++) /* some builders make as many nodes as an axis is long */
    if (mx_dim(a, i) > RANDOM_AXIS) return;
  mx_set(&r->pool[at], a);
  r->only_built[at] = is_large || mx_size(a) > RANDOM_EVALUATED;
}

static inline mx_array random_array(struct random_calls *r, bool may_be_null) {
  uint32_t i = random_below(r, RANDOM_POOL);
  if (may_be_null && random_below(r, 40) == 0) return NULL;
  mx_array a = r->pool[i];
  r->is_large |= r->only_built[i];
  r->ndim = mx_ndim(a);
  for (int k = 0; k < r->ndim; k++) r->shape[k] = mx_shape(a).at[k];
  return a;
}

static inline const mx_array *random_arrays(struct random_calls *r, size_t *count) {
  *count = r->list_count = random_rarely(r) ? random_below(r, RANDOM_RESULTS) : random_below(r, 4);
  if (random_below(r, 40) == 0) return *count %= 3, NULL;
  bool alike = random_below(r, 2);
  for (size_t i = 0; i < *count; i++) r->list[i] = alike && i ? r->list[0] : random_array(r, true);
  return r->list;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static inline int64_t random_i64(struct random_calls *r) {
  static const int64_t far[] = {INT64_MAX, INT64_MIN, INT64_C(1) << 31, INT64_C(3) << 32, -(INT64_C(1) << 40), 1000, INT_MAX, INT_MIN};
  return random_rarely(r) ? far[random_below(r, 8)] : (int64_t)random_below(r, 9) - 2;
}

static inline int random_int(struct random_calls *r) {
  int64_t i = random_i64(r);
  return i > INT_MAX ? INT_MAX : i < INT_MIN ? INT_MIN : (int)i;
}

static inline int random_axis(struct random_calls *r) {
  if (random_rarely(r) || !r->ndim) return random_int(r);
  return (int)random_below(r, 2 * (uint32_t)r->ndim) - r->ndim;
}

static inline double random_f64(struct random_calls *r) {
  static const double all[] = {0, 1, -1, 0.5, 2, 1e-5, 3.7, NAN, INFINITY, -INFINITY, 1e308, 5e-324};
  return all[random_below(r, random_rarely(r) ? 12 : 7)];
}

static inline mx_dtype random_dtype(struct random_calls *r) {
  static const int bad[] = {14, -1, 255, INT_MAX};
  return random_rarely(r) ? (mx_dtype)bad[random_below(r, 4)] : (mx_dtype)random_below(r, 14);
}

static inline const char *random_text(struct random_calls *r) {
  static const char *const all[] = {"fro", "nuc", "ij,jk->ik", "ij,kj", "ii->i", "i,i", "...i->i...", "", "ij->ijk", "a,b,c", "->", "i j,", "(]{%s%n"};
  return random_below(r, 40) ? all[random_below(r, sizeof all / sizeof *all)] : NULL;
}

/* ---- Lists of numbers: one for each axis of the array drawn last, or of any length ------------------------------- */
static inline mx_ints random_list(struct random_calls *r, size_t count, int64_t (*draw)(struct random_calls *r, size_t i)) {
  int64_t *at = r->numbers[r->lists++ % 4];
  if (random_below(r, 40) == 0) return (mx_ints){NULL, count};
  for (size_t i = 0; i < count; i++) at[i] = draw(r, i);
  return (mx_ints){at, count};
}

static inline int64_t random_draw_axis(struct random_calls *r, size_t i) { return (void)i, random_axis(r); }
static inline int64_t random_draw_any(struct random_calls *r, size_t i) { return (void)i, random_i64(r); }
static inline int64_t random_draw_size(struct random_calls *r, size_t i) {
  if (random_rarely(r)) return random_i64(r);
  return i < (size_t)r->ndim && random_below(r, 3) ? r->shape[i] : random_below(r, 5);
}

static inline size_t random_count(struct random_calls *r) {
  return random_rarely(r) ? random_below(r, 67) : random_below(r, 3) ? (size_t)r->ndim : random_below(r, 4);
}

static inline mx_ints random_axes(struct random_calls *r) {
  return random_below(r, 4) == 0 ? MX_ALL : random_list(r, random_below(r, 2) ? 1 : random_count(r), random_draw_axis);
}
static inline mx_ints random_ints(struct random_calls *r) {
  return random_below(r, 20) == 0 ? MX_ALL : random_list(r, random_count(r), random_draw_any);
}
static inline mx_ints random_shape(struct random_calls *r) {
  return random_below(r, 20) == 0 ? MX_ALL : random_list(r, random_count(r), random_draw_size);
}

/* ---- One call ---------------------------------------------------------------------------------------------------- */
static inline bool random_fail(struct random_calls *r, const char *what, const char *more) {
  snprintf(r->failure, sizeof r->failure, "%s: %s: %s", r->name, what, more);
  return false;
}

/* The pending error, which is cleared, is one that a caller can use. */
static inline bool random_error_is_good(struct random_calls *r) {
  char message[512];
  mx_status code = mx_error_take(message, sizeof message);
  const char *end = message + 1;
  while (islower((unsigned char)*end) || isdigit((unsigned char)*end) || *end == '_') end++;
  if (code == MX_OK) return random_fail(r, "failed without an error", message);
  if (message[0] != '[' || end == message + 1 || end[0] != ']' || end[1] != ' ') return random_fail(r, "no [operation]", message);
  return true;
}

/* A result is whole, its value can be had or the reason why not, and it goes into the pool. */
static inline bool random_result(struct random_calls *r, mx_array a) {
  if (mx_error()) return random_fail(r, "a result and an error", mx_error_message());
  if (mx_ndim(a) > 64 || (unsigned)mx_dtype_of(a) > 13) return random_fail(r, "an impossible result", "");
  bool is_large = r->is_large || mx_size(a) > RANDOM_EVALUATED;
  if (!is_large && !mx_data(a)) return random_error_is_good(r);
  if (mx_error()) return random_fail(r, "a value and an error", mx_error_message());
  random_put(r, (int)random_below(r, RANDOM_POOL), a, is_large);
  return true;
}

static inline bool random_one(struct random_calls *r, mx_array a) { return a ? random_result(r, a) : random_error_is_good(r); }

/* Room for `count` results, the operands' own list at times; a call that would write more is left out. */
static inline mx_array *random_room(struct random_calls *r, int64_t count) {
  mx_error_clear(); /* counting may have met the bad argument */
  if (count > RANDOM_RESULTS) return NULL;
  size_t n = count < 0 ? 0 : (size_t)count;
  free(r->results);
  r->results = calloc(n + !n, sizeof *r->results);
  return r->list_count && n == r->list_count && random_below(r, 4) == 0 ? r->list : r->results;
}

static inline bool random_many(struct random_calls *r, mx_status code, mx_array *results, int64_t count) {
  if (code) return random_error_is_good(r);
  for (int64_t i = 0; i < count; i++)
    if (!results[i]) return random_fail(r, "a result is missing", "");
  for (int64_t i = 0; i < count && i < 3; i++)
    if (!random_result(r, results[i])) return false;
  return true;
}

#define arg_array(n) mx_array n = random_array(r, true);
#define arg_optarray(n) mx_array n = random_below(r, 3) ? random_array(r, true) : NULL;
#define arg_arrays(n) \
  size_t count;       \
  const mx_array *n = random_arrays(r, &count);
#define arg_axis(n) int n = random_axis(r);
#define arg_int(n) int n = random_int(r);
#define arg_axes(n) mx_ints n = random_axes(r);
#define arg_ints(n) mx_ints n = random_ints(r);
#define arg_shape(n) mx_ints n = random_shape(r);
#define arg_optshape(n) mx_ints n = random_shape(r);
#define arg_bool(n) bool n = random_below(r, 2);
#define arg_i64(n) int64_t n = random_i64(r);
#define arg_u64(n) uint64_t n = (uint64_t)random_i64(r);
#define arg_f32(n) float n = (float)random_f64(r);
#define arg_f64(n) double n = random_f64(r);
#define arg_dtype(n) mx_dtype n = random_dtype(r);
#define arg_str(n) const char *n = random_text(r);
#define CALL(op, args, call)                              \
  static inline bool random_##op(struct random_calls *r) { \
    args return random_one(r, call);                      \
  }
#define CALLS(op, args, size, call)                       \
  static inline bool random_##op(struct random_calls *r) { \
    args int64_t room = (int64_t)(size);                  \
    mx_array *results = random_room(r, room);             \
    return !results || random_many(r, call, results, room); \
  }
#include "random_calls.def"
#undef CALL
#undef CALLS

static const struct {
  const char *name;
  bool (*run)(struct random_calls *r);
} random_table[] = {
#define CALL(op, args, call) {#op, random_##op},
#define CALLS(op, args, size, call) {#op, random_##op},
#include "random_calls.def"
#undef CALL
#undef CALLS
};

/* ---- Many -------------------------------------------------------------------------------------------------------- */
static inline bool random_step(struct random_calls *r) {
  uint32_t high = random_below(r, 256), all = sizeof random_table / sizeof *random_table;
  uint32_t which = (high * 256 + random_below(r, 256)) % all;
  mx_scope s = mx_scope_begin();
  r->name = random_table[which].name;
  r->is_large = false;
  r->list_count = 0;
  if (random_rarely(r)) { /* something fresh, so that the pool does not run dry */
    int at = (int)random_below(r, RANDOM_POOL);
    random_put(r, at, random_fresh(r, at), at % 16 == 13);
  }
  bool ok = random_table[which].run(r);
  if (ok && mx_item_i64(mx_add(mx_i32(40), mx_i32(2))) != 42) ok = random_fail(r, "nothing works any more", mx_error_message());
  mx_scope_end(s);
  return ok;
}

/* `steps` calls; false with `failure` set when one did what it should not. */
static inline bool random_calls(struct random_calls *r, int steps) {
  mx_scope s = mx_scope_begin();
  for (int i = 0; i < RANDOM_POOL; i++) random_put(r, i, random_fresh(r, i), i % 16 == 13);
  mx_scope_end(s);
  bool ok = true;
  for (int i = 0; i < steps && ok; i++) ok = random_step(r);
  for (int i = 0; i < RANDOM_POOL; i++) mx_clear(&r->pool[i]);
  free(r->results);
  r->results = NULL;
  return ok;
}

#endif

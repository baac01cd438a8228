/* einsum: a string of subscripts becomes labels, one per axis; terms are then contracted in pairs, the cheapest pair
 * first, until one is left. Letters are labels 0..51, the axes of an ellipsis are counted from the end. Start at
 * mxi_einsum. */
#include <string.h>

#include "base/memory.h"
#include "core/thread.h"
#include "ops/layout.h"
#include "ops/matmul.h"

enum { LETTERS = 52, LABELS = LETTERS + MXI_MAX_NDIM };

struct term {
  mx_array a;
  int64_t place; /* in the list that a path speaks of */
  int count;     /* of labels; the rank of a, once diagonals are taken */
  uint8_t labels[MXI_MAX_NDIM];
};

struct einsum {
  struct mxi_ctx *c;
  const char *who;       /* stands in errors */
  const char *text, *at; /* the subscripts, and where reading is */
  int64_t size[LABELS];  /* 0: not seen */
  bool seen[LABELS];
  int uses[LABELS];      /* terms that have the label, and 1 for the output */
  int ellipsis;          /* the most axes an ellipsis stands for */
  struct term out;
  size_t count;
  struct term *terms;
  int64_t (*steps)[2]; /* the path; NULL: not wanted */
  mx_einsum_cost cost;
};

/* ---- Reading the string ------------------------------------------------------------------------------------------ */
static bool bad(struct einsum *e, const char *what) {
  mxi_fail(e->c, MX_ERR_VALUE, "[%s] %s in \"%.200s\"", e->who, what, e->text);
  return false;
}

static void skip_spaces(struct einsum *e) { e->at += strspn(e->at, " "); }

static int letter_label(char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= 'A' && c <= 'Z' ? c - 'A' : -1; }

/* The subscripts of one term of rank ndim (-1: the output, whose ellipsis has e->ellipsis axes). */
static bool read_term(struct einsum *e, struct term *t, int ndim) {
  int at_ellipsis = -1;
  t->count = 0;
  for (;; e->at++) {
    skip_spaces(e);
    int label = letter_label(*e->at);
    if (label >= 0) {
      if (t->count == MXI_MAX_NDIM) return bad(e, "too many subscripts for one operand");
      t->labels[t->count++] = (uint8_t)label;
    } else if (!strncmp(e->at, "...", 3)) {
      if (at_ellipsis >= 0) return bad(e, "more than one ellipsis for one operand");
      at_ellipsis = t->count;
      e->at += 2;
    } else {
      break;
    }
  }
  int axes = ndim < 0 ? e->ellipsis : ndim - t->count;
  if (at_ellipsis < 0) return ndim < 0 || axes == 0 ? true : bad(e, "not as many subscripts as axes of the operand");
  if (axes < 0 || t->count + axes > MXI_MAX_NDIM) return bad(e, "more subscripts than axes of the operand");
  memmove(t->labels + at_ellipsis + axes, t->labels + at_ellipsis, (size_t)(t->count - at_ellipsis));
  for (int i = 0; i < axes; i++) t->labels[at_ellipsis + i] = (uint8_t)(LETTERS + axes - 1 - i);
  t->count += axes;
  if (axes > e->ellipsis) e->ellipsis = axes;
  return true;
}

/* Without "->": the axes of the ellipsis, then the letters that occur once, sorted. */
static void imply_output(struct einsum *e, const int *times) {
  for (int i = 0; i < e->ellipsis; i++) e->out.labels[e->out.count++] = (uint8_t)(LETTERS + e->ellipsis - 1 - i);
  for (int l = 0; l < LETTERS; l++)
    if (times[l] == 1) e->out.labels[e->out.count++] = (uint8_t)l;
}

static bool check_output(struct einsum *e) {
  bool named[LABELS] = {false};
  for (int i = 0; i < e->out.count; i++) {
    int l = e->out.labels[i];
    if (named[l]) return bad(e, "a subscript is repeated in the output");
    if (!e->seen[l]) return bad(e, "a subscript of the output is in no operand");
    named[l] = true;
    e->uses[l]++;
  }
  return true;
}

static bool note_sizes(struct einsum *e, const struct term *t) {
  for (int i = 0; i < t->count; i++) {
    int l = t->labels[i];
    int64_t size = mxi_dims(t->a)[i];
    if (!e->seen[l] || e->size[l] == 1) {
      e->size[l] = size;
    } else if (size != e->size[l] && size != 1) {
      mxi_fail(e->c, MX_ERR_SHAPE, "[%s] a subscript stands for sizes %lld and %lld in \"%.200s\"", e->who,
               (long long)e->size[l], (long long)size, e->text);
      return false;
    }
    e->seen[l] = true;
  }
  return true;
}

static bool read_subscripts(struct einsum *e) {
  int times[LABELS] = {0};
  for (size_t i = 0; i < e->count; i++) {
    struct term *t = &e->terms[i];
    if (!read_term(e, t, t->a->ndim) || !note_sizes(e, t)) return false;
    for (int j = 0; j < t->count; j++) times[t->labels[j]]++;
    if (i + 1 == e->count) break;
    if (*e->at++ != ',') return bad(e, "fewer terms than operands, or a character that is no letter,");
  }
  if (*e->at == ',') return bad(e, "more terms than operands");
  if (!*e->at) {
    imply_output(e, times);
    return check_output(e);
  }
  if (e->at[0] != '-' || e->at[1] != '>') return bad(e, "a character that is no letter");
  e->at += 2;
  if (!read_term(e, &e->out, -1)) return false;
  return *e->at ? bad(e, "a character that is no letter") : check_output(e);
}

/* ---- One term ---------------------------------------------------------------------------------------------------- */
static int find(const struct term *t, int label, int from) {
  for (int i = from; i < t->count; i++)
    if (t->labels[i] == label) return i;
  return -1;
}

static void drop_label(struct term *t, int at) {
  memmove(t->labels + at, t->labels + at + 1, (size_t)(t->count - at - 1));
  t->count--;
}

/* "ii": the diagonal, its axis last. */
static bool take_diagonals(struct einsum *e, struct term *t) {
  for (int i = 0; i < t->count; i++) {
    int label = t->labels[i], j = find(t, label, i + 1);
    if (j < 0) continue;
    if (mxi_dims(t->a)[i] != mxi_dims(t->a)[j]) return bad(e, "a repeated subscript stands for different sizes");
    if (!(t->a = mxi_diagonal(e->c, t->a, 0, i, j))) return false;
    drop_label(t, j);
    drop_label(t, i);
    t->labels[t->count++] = (uint8_t)label;
    i = -1; /* axes have moved: look again */
  }
  return true;
}

/* Sums over the axes of labels that nothing else has. */
static bool sum_alone(struct einsum *e, struct term *t) {
  int64_t axes[MXI_MAX_NDIM];
  size_t count = 0;
  for (int i = t->count - 1; i >= 0; i--) {
    if (e->uses[t->labels[i]] > 1) continue;
    axes[count++] = i;
    drop_label(t, i);
  }
  return !count || (t->a = mxi_sum(e->c, t->a, (mx_ints){axes, count}, false));
}

/* ---- Two terms --------------------------------------------------------------------------------------------------- */
/* How a label takes part in the product of x and y. */
enum part { ABSENT, BATCH, SUMMED, X_ONLY, Y_ONLY };

static enum part part_of(const struct einsum *e, const struct term *x, const struct term *y, int label) {
  bool in_x = find(x, label, 0) >= 0, in_y = find(y, label, 0) >= 0;
  if (in_x && in_y) return e->uses[label] > 2 ? BATCH : SUMMED;
  return in_x ? X_ONLY : in_y ? Y_ONLY : ABSENT;
}

/* t with the axes of each part together, in the order of labels, for parts[0..3); those of parts[1] and parts[2] are
 * flattened into one axis each, or left out where the list says ABSENT. A label of size 1 is stretched if summed. */
static mx_array arrange(const struct einsum *e, const struct term *t, const uint8_t *part, const enum part *parts,
                        bool flatten) {
  struct mxi_params_perm order;
  int64_t shape[MXI_MAX_NDIM + 2], wide[MXI_MAX_NDIM];
  int ndim = 0, axes = 0;
  mx_array a = t->a;
  for (int p = 0; p < 3; p++) {
    int64_t product = 1;
    for (int l = 0; l < LABELS; l++) {
      int at = find(t, l, 0);
      if (part[l] != parts[p] || parts[p] == ABSENT) continue;
      if (at < 0) { /* a label of the other term: broadcast */
        shape[ndim++] = 1;
        continue;
      }
      order.axis[axes] = at;
      wide[axes] = part[l] == SUMMED ? e->size[l] : mxi_dims(t->a)[at];
      if (flatten && p > 0) product *= wide[axes];
      else shape[ndim++] = wide[axes];
      axes++;
    }
    if (flatten && p > 0) shape[ndim++] = product;
  }
  if (axes) MXI_TRY(a = mxi_permute(e->c, a, &order));
  if (!mxi_same_shape(mxi_list(wide, axes), a)) MXI_TRY(a = mxi_broadcast_to(e->c, a, mxi_list(wide, axes)));
  if (ndim > MXI_MAX_NDIM) return mxi_fail(e->c, MX_ERR_SHAPE, "[%s] more than %d axes", e->who, MXI_MAX_NDIM);
  return mxi_reshape(e->c, a, mxi_list(shape, ndim));
}

/* x becomes the product of x and y. */
static bool multiply_terms(struct einsum *e, struct term *x, struct term *y) {
  uint8_t part[LABELS];
  bool is_sum = false;
  struct term out = {.count = 0};
  int64_t shape[MXI_MAX_NDIM];
  for (int l = 0; l < LABELS; l++) {
    part[l] = (uint8_t)part_of(e, x, y, l);
    is_sum |= part[l] == SUMMED;
  }
  for (enum part p = BATCH; p <= Y_ONLY; p++)
    for (int l = 0; l < LABELS; l++) {
      if (part[l] != p || p == SUMMED) continue;
      if (out.count == MXI_MAX_NDIM) return bad(e, "more axes than an array can have");
      const struct term *from = p == Y_ONLY ? y : x;
      int64_t size = mxi_dims(from->a)[find(from, l, 0)];
      shape[out.count] = p == BATCH && size == 1 ? mxi_dims(y->a)[find(y, l, 0)] : size;
      out.labels[out.count++] = (uint8_t)l;
    }
  const enum part left[] = {BATCH, X_ONLY, is_sum ? SUMMED : Y_ONLY}, right[] = {BATCH, is_sum ? SUMMED : X_ONLY, Y_ONLY};
  mx_array a = arrange(e, x, part, left, is_sum), b = a ? arrange(e, y, part, right, is_sum) : NULL;
  if (!b) return false;
  out.a = is_sum ? mxi_matmul_named(e->c, "einsum", a, b) : mxi_multiply(e->c, a, b);
  if (!(out.a = mxi_reshape(e->c, out.a, mxi_list(shape, out.count)))) return false;
  for (int l = 0; l < LABELS; l++)
    if (part[l] == BATCH) e->uses[l]--;
    else if (part[l] == SUMMED) e->uses[l] -= 2;
  *x = out;
  return true;
}

/* Elements of the product of two terms, less those of the terms. */
static double growth(const struct einsum *e, const struct term *x, const struct term *y) {
  double sizes[] = {0, 1, 1, 1, 1}, product = 1, own[2] = {1, 1};
  for (int l = 0; l < LABELS; l++) {
    enum part p = part_of(e, x, y, l);
    if (p == ABSENT) continue;
    double size = (double)e->size[l];
    sizes[p] *= size;
    if (p != SUMMED) product *= size;
    if (p != Y_ONLY) own[0] *= size;
    if (p != X_ONLY) own[1] *= size;
  }
  return product - own[0] - own[1];
}

/* ---- The path ---------------------------------------------------------------------------------------------------- */
/* Two terms leave the list, and their product goes to its end. */
static void record_step(struct einsum *e, size_t first, size_t second) {
  int64_t low = e->terms[first].place, high = e->terms[second].place, swap = low;
  if (low > high) low = high, high = swap;
  e->steps[e->cost.step_count][0] = low;
  e->steps[e->cost.step_count++][1] = high;
  for (size_t i = 0; i < e->count; i++) e->terms[i].place -= (e->terms[i].place > low) + (e->terms[i].place > high);
}

/* One operation for each set of indices, and another where sums are formed. */
static void record_cost(struct einsum *e, const struct term *x, const struct term *y) {
  double size = 1;
  int labels = 0;
  bool is_sum = false;
  for (int l = 0; l < LABELS; l++) {
    enum part p = part_of(e, x, y, l);
    if (p == ABSENT) continue;
    labels++;
    is_sum |= p == SUMMED;
    size *= (double)e->size[l];
  }
  e->cost.flops += size * (1 + is_sum);
  if (labels > e->cost.scaling) e->cost.scaling = labels;
}

/* All terms at once, in one loop over every subscript. */
static void record_naive(struct einsum *e) {
  double size = 1;
  int labels = 0;
  for (int l = 0; l < LABELS; l++)
    if (e->seen[l]) labels++, size *= (double)e->size[l];
  int factors = e->count > 1 ? (int)e->count - 1 : 1;
  e->cost.naive_flops = size * (factors + (labels > e->out.count));
  e->cost.naive_scaling = labels;
  if (e->count > 1) return;
  e->cost.flops = e->cost.naive_flops;
  e->cost.scaling = labels;
}

static bool contract_all(struct einsum *e) {
  while (e->count > 1) {
    size_t first = 0, second = 1;
    double least = 0;
    for (size_t i = 0; i < e->count; i++)
      for (size_t j = i + 1; j < e->count; j++) {
        double g = growth(e, &e->terms[i], &e->terms[j]);
        if ((i == 0 && j == 1) || g < least) least = g, first = i, second = j;
      }
    if (e->steps) record_step(e, first, second), record_cost(e, &e->terms[first], &e->terms[second]);
    if (!multiply_terms(e, &e->terms[first], &e->terms[second])) return false;
    e->terms[first].place = (int64_t)e->count - 2;
    memmove(e->terms + second, e->terms + second + 1, (e->count - second - 1) * sizeof *e->terms);
    e->count--;
    if (!sum_alone(e, &e->terms[first])) return false;
  }
  return true;
}

static mx_array run(struct einsum *e) {
  for (size_t i = 0; i < e->count; i++) {
    if (!take_diagonals(e, &e->terms[i])) return NULL;
    for (int j = 0; j < e->terms[i].count; j++) e->uses[e->terms[i].labels[j]]++;
  }
  for (size_t i = 0; i < e->count; i++)
    if (!sum_alone(e, &e->terms[i])) return NULL;
  MXI_TRY(contract_all(e));
  struct mxi_params_perm order;
  bool moves = false;
  for (int i = 0; i < e->out.count; i++) {
    order.axis[i] = find(&e->terms[0], e->out.labels[i], 0);
    moves |= order.axis[i] != i;
  }
  return moves ? mxi_permute(e->c, e->terms[0].a, &order) : e->terms[0].a;
}

/* An einsum of operands that are there; freed by the caller. NULL with an error. */
static struct einsum *begin(struct mxi_ctx *ctx, const char *who, const char *subscripts, const mx_array *operands, size_t count) {
  if (!subscripts) return (void *)mxi_null(ctx, who, "subscripts");
  if (!count) return (void *)mxi_fail(ctx, MX_ERR_VALUE, "[%s] needs at least one operand", who);
  if (!operands) return (void *)mxi_null(ctx, who, "operands");
  struct einsum *e = mxi_calloc(sizeof *e + count * sizeof *e->terms);
  if (!e) return (void *)mxi_fail_memory(ctx, who);
  e->c = ctx;
  e->who = who;
  e->text = e->at = subscripts;
  e->count = count;
  e->terms = (struct term *)(e + 1);
  return e;
}

mx_array mxi_einsum(struct mxi_ctx *ctx, const char *subscripts, const mx_array *operands, size_t count) {
  struct einsum *e = begin(ctx, "einsum", subscripts, operands, count);
  MXI_TRY(e);
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) ok = operands[i] && (e->terms[i].a = mxi_strong(ctx, operands[i]));
  mx_array result = ok && read_subscripts(e) ? run(e) : NULL;
  mxi_free(e);
  return result;
}

/* By taking it, with zeros of the operands' shapes: they cost nothing, and every dtype has a path. */
mx_status mxi_einsum_path(struct mxi_ctx *ctx, const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2],
                          mx_einsum_cost *cost) {
  size_t mark = ctx->top;
  if (!steps || !cost) return mxi_null(ctx, "einsum_path", steps ? "cost" : "steps"), ctx->code;
  struct einsum *e = mxi_refused(ctx, "einsum_path", "operands", operands, count) ? NULL : begin(ctx, "einsum_path", subscripts, operands, count);
  if (!e) return ctx->code;
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    ok = (e->terms[i].a = mxi_zeros(ctx, mxi_shape_of(operands[i]), MX_FLOAT32)) != NULL;
    e->terms[i].place = (int64_t)i;
  }
  e->steps = steps;
  if (ok && read_subscripts(e)) {
    record_naive(e);
    if (run(e)) *cost = e->cost;
  }
  mxi_sweep(ctx, mark);
  mxi_free(e);
  return ctx->code;
}

mx_status mx_einsum_path(const char *subscripts, const mx_array *operands, size_t count, int64_t (*steps)[2], mx_einsum_cost *cost) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code ? c->code : mxi_einsum_path(c, subscripts, operands, count, steps, cost);
}

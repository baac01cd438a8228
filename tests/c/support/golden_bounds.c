/* How far a near value may be from its target. What mica promises for an operation is its row in core/elementwise.def,
 * or for sums the bound that n roundings give; a target that MLX computed brings MLX's own error of up to 32 ulp. u is
 * half an ulp of 1. Start at golden_bound_of. */
#include <math.h>
#include <string.h>

#include "golden_compare.h"

/* MLX's largest error in a float32 elementary function, as documented beside the recordings. */
enum { MLX_ULPS = 32 };

static const struct {
  const char *name;
  double ulps;
} rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) {#name, ulp},
#define K(name, class, ...)
#define D(name, operand, ...)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

/* ---- What the operands say --------------------------------------------------------------------------------------- */
struct operands {
  double n;         /* elements of the first one */
  double size;      /* its largest finite modulus */
  double spread;    /* twice the largest distance from any element to another, at most */
  double cotangent; /* the largest cotangent or tangent */
  double u;         /* half an ulp of 1 in the result's dtype */
};

static double largest_of(const struct golden_array *a) {
  double most = 0;
  if (a->kind != GOLDEN_ARRAY) return fmax(fabs(a->re), fabs((double)a->integer));
  for (int64_t i = 0; i < a->count; i++) {
    double x = hypot(golden_element(a->dtype, a->data, i, 0),
                     a->dtype == MX_COMPLEX64 ? golden_element(a->dtype, a->data, i, 1) : 0);
    if (isfinite(x)) most = fmax(most, x);
  }
  return most;
}

static struct operands read_operands(const struct golden_call *k, int dtype) {
  const struct golden_case *c = k->recorded;
  struct operands o = {.n = 1, .u = ldexp(1, -golden_digits(dtype) - 1)};
  if (c->input_count) o.n = c->inputs[0].kind == GOLDEN_ARRAY ? (double)c->inputs[0].count : 1;
  if (c->input_count) o.size = largest_of(&c->inputs[0]);
  o.spread = 2 * o.size;
  for (size_t i = 0; i < c->cotangent_count; i++) o.cotangent = fmax(o.cotangent, largest_of(&c->cotangents[i]));
  return o;
}

/* ---- Elementwise ------------------------------------------------------------------------------------------------- */
static double row_ulps(const char *op) {
  if (strcmp(op, "degrees") == 0 || strcmp(op, "radians") == 0) return 2; /* a rounded constant, a rounded product */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, op) == 0 && rows[i].ulps > 0) return rows[i].ulps;
  return 0.5;
}

static bool is_half(int dtype) { return dtype == MX_FLOAT16 || dtype == MX_BFLOAT16; }

/* Halves are computed in float32 and rounded once. */
static double in_dtype(double ulps, int dtype) {
  return is_half(dtype) ? 0.5 + ldexp(ulps, golden_digits(dtype) - 23) : ulps;
}

/* Where MLX has float64 only to the accuracy of float32 (docs/differences.md). */
static bool is_coarse(const char *op) {
  static const char *const names[] = {"exp",     "sin",       "cos",     "erf",       "erfinv",
                                      "sigmoid", "logaddexp", "softmax", "logsumexp", "logcumsumexp"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], op) == 0) return true;
  return false;
}

static double mlx_ulps(const char *op, int dtype) {
  if (dtype == MX_FLOAT64) return is_coarse(op) ? ldexp(MLX_ULPS, 52 - 23) : MLX_ULPS;
  bool is_rounded_once = row_ulps(op) <= 0.5 && dtype != MX_COMPLEX64 && strncmp(op, "random.", 7) != 0;
  return in_dtype(is_rounded_once ? 0.5 : MLX_ULPS, dtype);
}

/* ---- Folds: what n roundings of relative size u do --------------------------------------------------------------- */
/* The bound of a fold whose additions round to u. */
static double spread_bound(const struct golden_call *k, struct operands o) {
  double left = o.n - golden_number(k, "ddof", 0), mean = (o.n + 1) * o.u * o.size;
  return ((o.n + 4) * o.u * o.spread * o.spread + mean * mean) * o.n / fmax(left, 1);
}

/* `function` is the error, in units of 2u, of the elementary functions in it; -1 where the operation is no fold. */
static double rounded_fold(const struct golden_call *k, struct operands o, double target, double function) {
  const char *op = k->op;
  double n = o.n, u = o.u;
  if (strcmp(op, "mean") == 0) return (n + 1) * u * o.size;
  if (strcmp(op, "var") == 0) return spread_bound(k, o);
  if (strcmp(op, "std") == 0) return target > 0 ? spread_bound(k, o) / (2 * target) : sqrt(spread_bound(k, o));
  if (strcmp(op, "logsumexp") == 0) return (n + 4 * function) * u + 4 * u * o.size;
  if (strcmp(op, "logcumsumexp") == 0) return n * (4 * function * u + u * o.size);
  if (strcmp(op, "softmax") == 0) return (n + 4 * function + o.spread) * u * fabs(target);
  if (strcmp(op, "linalg.norm") == 0) return (n + 4 * function) * u * fmax(fabs(target), o.size);
  return -1;
}

/* mica adds in float32 at least and rounds once; MLX adds in the dtype. */
static bool fold_bound(const struct golden_call *k, struct operands o, double target, bool from_mlx,
                       struct golden_bound *b) {
  struct operands wide = o;
  wide.u = fmin(o.u, 0x1p-24);
  double own = rounded_fold(k, wide, target, 2);
  if (own < 0) return false;
  *b = (struct golden_bound){0.5, own};
  if (from_mlx && is_coarse(k->op)) o.u = fmax(o.u, 0x1p-24);
  if (from_mlx) *b = (struct golden_bound){1, own + rounded_fold(k, o, target, MLX_ULPS)};
  return true;
}

/* ---- Creation and random streams --------------------------------------------------------------------------------- */
static bool made_bound(const struct golden_call *k, struct operands o, double target, struct golden_bound *b) {
  const char *op = k->op;
  double loc = fabs(golden_float(k->recorded, "loc", 0));
  if (strcmp(op, "linspace") == 0) /* start + i * step: three roundings in float32 */
    *b = (struct golden_bound){
        0.5, 3 * fmin(o.u, 0x1p-24) *
                 fmax(fabs(golden_float(k->recorded, "start", 0)), fabs(golden_float(k->recorded, "stop", 0)))};
  else if (strstr("bartlett hanning hamming blackman",
                  op)) /* sums of terms of at most 1; angles have three roundings */
    *b = (struct golden_bound){0, (4 + 3 * 6.3) * o.u};
  else if (strcmp(op, "random.multivariate_normal") ==
           0) /* an ulp of the samples, which are below 6, through the product */
    *b = (struct golden_bound){
        0.5, 2 * o.u * (6 * o.n * sqrt(largest_of(&k->recorded->inputs[2])) + largest_of(&k->recorded->inputs[1]))};
  else if (strcmp(op, "random.normal") == 0 ||
           strcmp(op, "random.state") == 0) /* erfinv, a constant, a product, then scale and loc */
    *b = (struct golden_bound){row_ulps("erfinv") + 4, 2 * o.u * loc};
  else if (strcmp(op, "random.gumbel") == 0) /* a relative error of the inner log is an absolute one of the outer */
    *b = (struct golden_bound){row_ulps("log"), 2 * row_ulps("log") * o.u};
  else if (strcmp(op, "random.laplace") == 0)
    *b = (struct golden_bound){row_ulps("log1p") + 2, 2 * o.u * loc};
  else if (strcmp(op, "random.truncated_normal") == 0) /* an ulp of erf, times the slope of erfinv */
    *b = (struct golden_bound){row_ulps("erfinv") + 2, row_ulps("erf") * 2 * o.u * 1.2533 * exp(target * target / 2)};
  else
    return false;
  return true;
}

struct golden_bound golden_bound_of(const struct golden_call *k, size_t output, double target) {
  const struct golden_array *want = &k->recorded->outputs[output];
  struct operands o = read_operands(k, want->dtype);
  struct golden_bound b = {0, 0};
  if (k->op != k->recorded->op) { /* a gradient: partials and products, which may cancel against the cotangent */
    b.ulps = 8;
    b.absolute = 8 * o.u * o.cotangent;
  } else if (fold_bound(k, o, target, !want->ref, &b)) {
    return b;
  } else if (!made_bound(k, o, target, &b)) {
    b.ulps = in_dtype(row_ulps(k->op), want->dtype);
  }
  if (!want->ref) {
    b.ulps += k->op == k->recorded->op || want->dtype == MX_FLOAT64 ? mlx_ulps(k->op, want->dtype) : MLX_ULPS;
    b.absolute *= MLX_ULPS;
  }
  return b;
}

/* How far a near value may be from its target. What mica promises for an operation is its row in core/elementwise.def, or
 * for sums the bound that n roundings give; a target that MLX computed brings MLX's own error of up to 32 ulp. u is half
 * an ulp of 1. Start at golden_bound_of. */
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
    double x = hypot(golden_element(a->dtype, a->data, i, 0), a->dtype == MX_COMPLEX64 ? golden_element(a->dtype, a->data, i, 1) : 0);
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
static double in_dtype(double ulps, int dtype) { return is_half(dtype) ? 0.5 + ldexp(ulps, golden_digits(dtype) - 23) : ulps; }

/* Where MLX has float64 only to the accuracy of float32 (docs/differences.md), its error is that of float32. */
static double mlx_ulps(int dtype) {
  return dtype == MX_FLOAT64 ? ldexp(MLX_ULPS, 52 - 23) : in_dtype(MLX_ULPS, dtype);
}

/* ---- Folds: what n roundings of relative size u do --------------------------------------------------------------- */
static double spread_bound(const struct golden_call *k, struct operands o) {
  double left = o.n - golden_number(k, "ddof", 0), mean = (o.n + 1) * o.u * o.size;
  return ((o.n + 4) * o.u * o.spread * o.spread + mean * mean) * o.n / fmax(left, 1);
}

static bool fold_bound(const struct golden_call *k, struct operands o, double target, struct golden_bound *b) {
  const char *op = k->op;
  double n = o.n, u = o.u;
  if (strcmp(op, "mean") == 0) b->absolute = (n + 1) * u * o.size;
  else if (strcmp(op, "var") == 0) b->absolute = spread_bound(k, o);
  else if (strcmp(op, "std") == 0) b->absolute = target > 0 ? spread_bound(k, o) / (2 * target) : sqrt(spread_bound(k, o));
  else if (strcmp(op, "logsumexp") == 0 || strcmp(op, "logcumsumexp") == 0) b->absolute = (4 * n + 8) * u + 4 * u * o.size;
  else if (strcmp(op, "softmax") == 0) b->absolute = (n + 8 + o.spread) * u * fabs(target);
  else if (strcmp(op, "linalg.norm") == 0) b->absolute = (n + 8) * u * fmax(fabs(target), o.size);
  else return false;
  b->ulps = 0.5;
  return true;
}

/* ---- Creation and random streams --------------------------------------------------------------------------------- */
static bool made_bound(const struct golden_call *k, struct operands o, double target, struct golden_bound *b) {
  const char *op = k->op;
  double loc = fabs(golden_float(k->recorded, "loc", 0));
  if (strcmp(op, "linspace") == 0) /* start + i * step: three roundings in float32 */
    *b = (struct golden_bound){0.5, 3 * fmin(o.u, 0x1p-24) * fmax(fabs(golden_float(k->recorded, "start", 0)), fabs(golden_float(k->recorded, "stop", 0)))};
  else if (strstr("bartlett hanning hamming blackman", op)) /* sums of terms of at most 1; angles have three roundings */
    *b = (struct golden_bound){0, (4 + 3 * 6.3) * o.u};
  else if (strcmp(op, "random.normal") == 0) /* erfinv, a constant, a product, then scale and loc */
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
  } else if (!fold_bound(k, o, target, &b) && !made_bound(k, o, target, &b)) {
    b.ulps = in_dtype(row_ulps(k->op), want->dtype);
  }
  if (!want->ref) {
    b.ulps += mlx_ulps(want->dtype);
    b.absolute *= MLX_ULPS;
  }
  return b;
}

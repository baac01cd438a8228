/* See vmath_wide.h. Compiled for the widest vectors that this machine can run (tests/CMakeLists.txt), at -O3. */
#include "support/vmath_wide.h"

#include <dlfcn.h>
#include <math.h>

#include "vmath_oracle.h"

#if defined(__AVX512F__)
#define VECTOR_NAME "_ZGVeN8v_"
enum { LANES = 8 };
#elif defined(__AVX2__)
#define VECTOR_NAME "_ZGVdN4v_"
enum { LANES = 4 };
#elif defined(__SSE2__)
#define VECTOR_NAME "_ZGVbN2v_"
enum { LANES = 2 };
#endif

#define EACH for (int i = 0; i < WIDE_BLOCK; i++)

/* ---- Functions of the C library: a plain loop, and the vector function where there is one ------------------------- */
#define ROW(name, oracle, bound32, bound64) \
  static void name##_plain(double *r, const double *x) { EACH r[i] = oracle(x[i]); }
#include "vmath_functions.h"
ROW(erfc, erfc, 0, 0)
#undef ROW

enum { WIDE_erfc = WIDE_COUNT, ALL_COUNT };
static void (*const plain[ALL_COUNT])(double *r, const double *x) = {
#define ROW(name, oracle, bound32, bound64) [WIDE_##name] = name##_plain,
#include "vmath_functions.h"
    ROW(erfc, erfc, 0, 0)
#undef ROW
};

#ifdef VECTOR_NAME
typedef double lanes __attribute__((vector_size(8 * LANES)));
static lanes (*vector[ALL_COUNT])(lanes x);

bool wide_open(void) {
  static const char *const names[ALL_COUNT] = {
#define ROW(name, oracle, bound32, bound64) [WIDE_##name] = VECTOR_NAME #oracle,
#include "vmath_functions.h"
      ROW(erfc, erfc, 0, 0)
#undef ROW
  };
  void *library = dlopen("libmvec.so.1", RTLD_NOW);
  for (int f = 0; f < ALL_COUNT; f++) *(void **)&vector[f] = library ? dlsym(library, names[f]) : NULL;
  return library != NULL;
}

static bool has_vector(int f) { return vector[f] != NULL; }

static void call(int f, double *r, const double *x) {
  if (!vector[f]) {
    plain[f](r, x);
    return;
  }
  for (int i = 0; i < WIDE_BLOCK; i += LANES) {
    lanes v;
    __builtin_memcpy(&v, x + i, sizeof v);
    v = vector[f](v);
    __builtin_memcpy(r + i, &v, sizeof v);
  }
}
#else
bool wide_open(void) { return false; }
static bool has_vector(int f) { return f < 0; }
static void call(int f, double *r, const double *x) { plain[f](r, x); }
#endif

/* ---- Functions that the C library lacks --------------------------------------------------------------------------- */
static void sigmoid_wide(double *r, const double *x) {
  double t[WIDE_BLOCK];
  EACH t[i] = -x[i];
  call(WIDE_exp, r, t);
  EACH r[i] = 1 / (1 + r[i]);
}

/* One step of Halley's method for erf(y) = a, 0 <= a: on erf below 1/2, on erfc above, where 1 - a is exact. */
static void erfinv_step(double *y, const double *a) {
  double low[WIDE_BLOCK], high[WIDE_BLOCK], square[WIDE_BLOCK], growth[WIDE_BLOCK];
  call(WIDE_erf, low, y);
  call(WIDE_erfc, high, y);
  EACH square[i] = y[i] * y[i];
  call(WIDE_exp, growth, square);
  EACH {
    double left = a[i] < 0.5 ? a[i] - low[i] : high[i] - (1 - a[i]);
    double step = left * 0.8862269254527580 * growth[i];
    y[i] += step / (1 - y[i] * step);
  }
}

/* From Winitzki's approximation, which is right to 2^-8: two steps that cube the error leave that of float64. */
static void erfinv_wide(double *r, const double *x) {
  const double c = 0.147;
  double a[WIDE_BLOCK], y[WIDE_BLOCK], t[WIDE_BLOCK];
  EACH a[i] = fabs(x[i]) < 1 ? fabs(x[i]) : 0;
  EACH t[i] = -a[i] * a[i];
  call(WIDE_log1p, y, t);
  EACH {
    double half = 2 / (3.141592653589793 * c) + 0.5 * y[i];
    y[i] = sqrt(sqrt(half * half - y[i] / c) - half);
  }
  erfinv_step(y, a);
  erfinv_step(y, a);
  EACH y[i] = fabs(x[i]) < 1 ? y[i] : fabs(x[i]) == 1 ? INFINITY : NAN;
  EACH r[i] = copysign(y[i], x[i]);
}

/* ---- Both together ------------------------------------------------------------------------------------------------ */
/* Outside these the vector functions call the ordinary ones, which takes half of all floats long: arguments are brought
 * to the nearest end, where the result already is beyond float32, or nothing, or is NaN. */
static const struct range {
  double low, high;
  bool is_domain;
} ranges[WIDE_COUNT] = {
    [WIDE_exp] = {-700, 700, false},    [WIDE_expm1] = {-700, 700, false},     [WIDE_sinh] = {-700, 700, false},
    [WIDE_cosh] = {-700, 700, false},   [WIDE_sigmoid] = {-700, 700, false},   [WIDE_log] = {0, INFINITY, true},
    [WIDE_log2] = {0, INFINITY, true},  [WIDE_log10] = {0, INFINITY, true},    [WIDE_log1p] = {-1, INFINITY, true},
    [WIDE_arcsin] = {-1, 1, true},      [WIDE_arccos] = {-1, 1, true},         [WIDE_arctanh] = {-1, 1, true},
    [WIDE_arccosh] = {1, INFINITY, true},
};

void wide_reference(enum wide_function f, double *r, const float *x) {
  const struct range range = ranges[f];
  double wide[WIDE_BLOCK], low = range.high > range.low ? range.low : -INFINITY;
  double high = range.high > range.low ? range.high : INFINITY;
  EACH wide[i] = x[i];
  EACH wide[i] = wide[i] < low ? low : wide[i];
  EACH wide[i] = wide[i] > high ? high : wide[i];
  if (f == WIDE_sigmoid) sigmoid_wide(r, wide);
  else if (f == WIDE_erfinv && has_vector(WIDE_erfc)) erfinv_wide(r, wide);
  else call((int)f, r, wide);
  if (range.is_domain) EACH r[i] = wide[i] == x[i] ? r[i] : NAN;
}

double wide_worst(const float *y, const double *r) {
  double error[WIDE_BLOCK];
  int64_t worst = 0; /* errors are not negative, so their bits order as they do; integers have a vector maximum */
  EACH error[i] = ulp_error_f32(y[i], r[i]);
  EACH {
    int64_t bits = (int64_t)vm_bits_f64(error[i]);
    worst = bits > worst ? bits : worst;
  }
  return vm_from_bits_f64((uint64_t)worst);
}

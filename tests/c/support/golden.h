/* Reads golden files (tests/golden/README.md describes the form): one case at a time, everything owned by the reader until the next call.
 * Pure C, needs nothing of the library. Dtypes are numbered as mx_dtype is. Start at golden_open and golden_next. */
#ifndef MICA_TESTS_GOLDEN_H
#define MICA_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GOLDEN_MAX_ARRAYS = 16, GOLDEN_MAX_PARAMS = 12, GOLDEN_MAX_NDIM = 8, GOLDEN_MAX_INTS = 16, GOLDEN_DTYPES = 14 };

enum golden_kind { GOLDEN_ARRAY, GOLDEN_WEAK_BOOL, GOLDEN_WEAK_INT, GOLDEN_WEAK_FLOAT, GOLDEN_WEAK_COMPLEX };
enum golden_param_kind { GOLDEN_NONE, GOLDEN_INT, GOLDEN_INTS, GOLDEN_FLOAT, GOLDEN_STR };
enum golden_check { GOLDEN_EXACT, GOLDEN_NEAR, GOLDEN_UNORDERED };

/* An operand or a result. Arrays hold `count` elements of `dtype` in `data`, as the machine stores them; weak scalars hold integer or re, im. */
struct golden_array {
  enum golden_kind kind;
  int dtype;
  int ndim;
  int64_t shape[GOLDEN_MAX_NDIM];
  int64_t count;
  size_t nbytes;
  void *data;
  double *ref;       /* results only: float64 values, count of them (complex64: 2 * count), or NULL */
  int64_t integer;   /* weak bool and int */
  double re, im;     /* weak float and complex */
};

struct golden_param {
  const char *name;
  enum golden_param_kind kind;
  int64_t integer;
  double real;
  const char *text;  /* unescaped */
  size_t count;      /* of integers */
  int64_t integers[GOLDEN_MAX_INTS];
};

struct golden_case {
  const char *op;
  const char *why;      /* NULL except in differs.txt */
  const char *error;    /* the Python exception, or NULL */
  const char *text;     /* the expected text, or NULL */
  int dtype;            /* the expected dtype, or -1 */
  enum golden_check check;
  long line;            /* of `case`, for messages */
  size_t param_count, input_count, cotangent_count, output_count;
  struct golden_param params[GOLDEN_MAX_PARAMS];
  struct golden_array inputs[GOLDEN_MAX_ARRAYS], cotangents[GOLDEN_MAX_ARRAYS], outputs[GOLDEN_MAX_ARRAYS];
};

struct golden;

/* NULL if the file cannot be opened or memory is short. */
struct golden *golden_open(const char *path);
void golden_close(struct golden *g);

/* The next case, or NULL at the end or on an error, which golden_error then tells ("" at the end). Valid until the next call. */
const struct golden_case *golden_next(struct golden *g);
const char *golden_error(const struct golden *g);

/* The parameter `name`, or NULL; the shortcuts give `fallback` where it is absent or None. */
const struct golden_param *golden_param(const struct golden_case *c, const char *name);
int64_t golden_int(const struct golden_case *c, const char *name, int64_t fallback);
double golden_float(const struct golden_case *c, const char *name, double fallback);
const char *golden_str(const struct golden_case *c, const char *name, const char *fallback);
bool golden_is_none(const struct golden_case *c, const char *name); /* absent or None */

/* -1 where there is no such dtype. */
int golden_dtype(const char *name);
const char *golden_dtype_name(int dtype);
size_t golden_itemsize(int dtype);

#endif

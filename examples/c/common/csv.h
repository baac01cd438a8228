/* Tables of numbers from CSV files: a header row of names, then rows of as many numbers. Strict: a missing value, a
 * word or a short row is an error that names its line and column, never a guess. */
#ifndef EXAMPLES_CSV_H
#define EXAMPLES_CSV_H

#include <stddef.h>

#include "common/failure.h"

struct csv {
  size_t row_count, column_count;
  char **names;   /* column_count of them */
  double *values; /* row-major */
  char *text;     /* the file; names point into it */
};

bool csv_read(struct csv *t, const char *path, struct failure *f);
void csv_free(struct csv *t);

/* The column called `name`; false when there is none, with the names there are. */
bool csv_find(const struct csv *t, const char *name, size_t *column, struct failure *f);

/* A whole string as a number: digits, point, exponent; no hexadecimal, no "inf", whatever the locale. */
bool parse_number(const char *text, double *value);

#endif

/* Splitting and scaling; see dataset.h. Sums are taken in double, results are float. */
#include "common/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MICA_DATA_DIR
#define MICA_DATA_DIR "data"
#endif

void dataset_path(char *buf, size_t size, const char *name) {
  snprintf(buf, size, "data/%s", name);
  if (access(buf, R_OK)) snprintf(buf, size, "%s/%s", MICA_DATA_DIR, name);
}

/* splitmix64 */
uint64_t random_next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

void shuffle(uint64_t *order, size_t count, uint64_t *state) {
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)(random_next(state) % i);
    uint64_t t = order[i - 1];
    order[i - 1] = order[j];
    order[j] = t;
  }
}

static double value(const struct dataset *d, int64_t row, size_t column) {
  return d->table.values[d->order[row] * d->table.column_count + column];
}

/* Mean and variance of a column over the training rows. */
static void measure(const struct dataset *d, size_t column, double *mean, double *variance) {
  double n = (double)d->train.count, sum = 0, squares = 0;
  for (int64_t i = 0; i < d->train.count; i++) sum += value(d, i, column);
  *mean = sum / n;
  for (int64_t i = 0; i < d->train.count; i++) squares += pow(value(d, i, column) - *mean, 2);
  *variance = squares / n;
}

/* The deviation of all features together. */
static double common_scale(const struct dataset *d) {
  double sum = 0, mean = 0, variance = 0;
  for (size_t column = 0; column < d->table.column_count; column++) {
    if (column == d->target) continue;
    measure(d, column, &mean, &variance);
    sum += variance;
  }
  return sqrt(sum / (double)(d->table.column_count - 1));
}

/* Writes one feature of both parts; a constant one becomes zeros. */
static void fill_column(struct dataset *d, size_t column, int64_t feature, double scale) {
  double mean = 0, variance = 0;
  measure(d, column, &mean, &variance);
  double deviation = scale > 0 ? scale : sqrt(variance);
  if (variance <= pow(1e-12 * mean, 2)) deviation = 1;
  for (int64_t i = 0; i < d->train.count + d->held_out.count; i++) {
    struct part *p = i < d->train.count ? &d->train : &d->held_out;
    int64_t row = i < d->train.count ? i : i - d->train.count;
    p->x[row * d->width + feature] = (float)((value(d, i, column) - mean) / deviation);
  }
}

static bool allocate(struct part *p, int64_t width) {
  p->x = malloc((size_t)(p->count * width + 1) * sizeof *p->x);
  p->y = malloc((size_t)(p->count + 1) * sizeof *p->y);
  return p->x && p->y;
}

static void fill_rest(const struct dataset *d, struct part *p, int64_t first, bool with_ones) {
  for (int64_t i = 0; i < p->count; i++) {
    if (with_ones) p->x[i * d->width + d->width - 1] = 1;
    p->y[i] = (float)value(d, first + i, d->target);
  }
}

static bool fill(struct dataset *d, const struct dataset_options *o) {
  if (!allocate(&d->train, d->width) || !allocate(&d->held_out, d->width)) return false;
  double scale = o->one_scale ? common_scale(d) : 0;
  int64_t feature = 0;
  for (size_t column = 0; column < d->table.column_count; column++)
    if (column != d->target) fill_column(d, column, feature++, scale);
  fill_rest(d, &d->train, 0, o->with_ones);
  fill_rest(d, &d->held_out, d->train.count, o->with_ones);
  return true;
}

static bool split(struct dataset *d, const struct dataset_options *o, struct failure *f) {
  int64_t rows = (int64_t)d->table.row_count;
  d->held_out.count = (int64_t)(o->held_out * (double)rows + 0.5);
  d->train.count = rows - d->held_out.count;
  if (d->train.count < 2) return fail(f, "%s: %lld rows are too few to train on", o->path, (long long)d->train.count);
  if (o->held_out > 0 && d->held_out.count < 2)
    return fail(f, "%s: %lld rows are too few to hold some out", o->path, (long long)rows);
  d->order = malloc(d->table.row_count * sizeof *d->order);
  if (!d->order) return fail(f, "%s: out of memory", o->path);
  for (size_t i = 0; i < d->table.row_count; i++) d->order[i] = i;
  uint64_t state = o->seed;
  shuffle(d->order, d->table.row_count, &state);
  if (fill(d, o)) return true;
  return fail(f, "%s: out of memory", o->path);
}

bool dataset_read(struct dataset *d, const struct dataset_options *o, struct failure *f) {
  struct failure inner;
  *d = (struct dataset){0};
  if (!csv_read(&d->table, o->path, f)) return false;
  bool ok = csv_find(&d->table, o->target, &d->target, &inner) || fail(f, "%s: %.400s", o->path, inner.text);
  if (ok && d->table.column_count < 2) ok = fail(f, "%s has no column beside the target '%s'", o->path, o->target);
  d->width = (int64_t)d->table.column_count - 1 + o->with_ones;
  if (ok && split(d, o, f)) return true;
  dataset_free(d);
  return false;
}

void dataset_free(struct dataset *d) {
  csv_free(&d->table);
  free(d->train.x);
  free(d->train.y);
  free(d->held_out.x);
  free(d->held_out.y);
  free(d->order);
  *d = (struct dataset){0};
}

const char *dataset_feature(const struct dataset *d, int64_t i) {
  size_t column = (size_t)i + ((size_t)i >= d->target);
  return column < d->table.column_count ? d->table.names[column] : "(intercept)";
}

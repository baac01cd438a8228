/* From a table to what a model is fitted to: rows shuffled and split, features shifted to mean 0 and scaled to
 * deviation 1. The scaling is that of the training rows alone: the held-out rows must not take part in anything that is
 * learned. */
#ifndef EXAMPLES_DATASET_H
#define EXAMPLES_DATASET_H

#include <stdint.h>

#include "common/csv.h"

/* One side of the split: row-major features, then a column of ones where the model wants one. */
struct part {
  int64_t count;
  float *x, *y;
};

struct dataset {
  struct part train, held_out;
  int64_t width; /* columns of x */
  struct csv table;
  size_t target;   /* its column in the table */
  uint64_t *order; /* the shuffled rows: train first */
};

struct dataset_options {
  const char *path, *target;
  double held_out; /* fraction of the rows */
  uint64_t seed;
  bool with_ones;
  bool one_scale; /* of all columns together: for pixels, whose units are the same */
};

bool dataset_read(struct dataset *d, const struct dataset_options *options, struct failure *f);
void dataset_free(struct dataset *d);

/* The name of feature column i of x; "(intercept)" for the ones. */
const char *dataset_feature(const struct dataset *d, int64_t i);

/* A random number, and a shuffle of `order`, from a state that starts as the seed. */
uint64_t random_next(uint64_t *state);
void shuffle(uint64_t *order, size_t count, uint64_t *state);

/* Where a file of data/ is: below the current folder, else beside the sources. */
void dataset_path(char *buf, size_t size, const char *name);

#endif

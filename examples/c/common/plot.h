/* Curves of loss against step as a small SVG file that any browser shows. */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stddef.h>

#include "common/failure.h"

/* Curves over the same steps: what a training run remembers of itself. */
struct history {
  size_t count, capacity;
  double *steps, *train, *held_out; /* held_out may hold NaN: not drawn */
};

bool history_add(struct history *h, double step, double train, double held_out);
void history_free(struct history *h);

/* Writes the plot; the vertical axis is logarithmic where all values allow it. */
bool plot_write(const char *path, const char *title, const struct history *h, struct failure *f);

#endif

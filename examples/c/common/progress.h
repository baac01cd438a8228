/* How training reports: a bar that redraws itself on a terminal, a line each time in a pipe, nothing when quiet. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdbool.h>

struct progress {
  bool quiet;
  bool drawn; /* a bar stands on the current line */
};

/* `text` says how things are after `done` of `total`. */
void progress_show(struct progress *p, long done, long total, const char *text);
/* Ends the bar's line, before other output. */
void progress_end(struct progress *p);

/* Seconds since some fixed moment. */
double seconds(void);

#endif

/* How the shared parts of the examples say what went wrong: one sentence, which main prints before it exits. */
#ifndef EXAMPLES_FAILURE_H
#define EXAMPLES_FAILURE_H

#include <stdbool.h>

struct failure {
  char text[512];
};

/* Writes the sentence and returns false, so that functions end with `return fail(f, ...)`. */
bool fail(struct failure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

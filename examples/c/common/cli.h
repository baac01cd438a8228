/* Command lines of the examples: "--name value" and "--name=value" from a table, and the text of --help from the same
 * table. */
#ifndef EXAMPLES_CLI_H
#define EXAMPLES_CLI_H

#include "common/failure.h"

enum cli_kind { CLI_TEXT, CLI_INTEGER, CLI_REAL, CLI_FLAG };

struct cli_option {
  const char *name; /* without the dashes */
  enum cli_kind kind;
  void *value;      /* const char *, long, double or bool */
  double low, high; /* of numbers, both allowed */
  const char *argument, *help;
};

enum cli_result { CLI_RUN, CLI_HELP, CLI_USAGE };

/* Exit codes of every example. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Fills the values. CLI_HELP: --help was asked for and printed. CLI_USAGE: the sentence is in f. */
enum cli_result cli_parse(int argc, char **argv, const char *about, const struct cli_option *options, int count,
                          struct failure *f);

#endif

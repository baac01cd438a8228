/* Options are matched by their whole name; a value that is not in range is an error that says the range. */
#include "common/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"

static void print_help(const char *program, const char *about, const struct cli_option *options, int count) {
  printf("%s\n\nusage: %s [options]\n\n", about, program);
  for (int i = 0; i < count; i++) {
    char left[40];
    snprintf(left, sizeof left, "--%s %s", options[i].name, options[i].argument ? options[i].argument : "");
    printf("  %-22s %s\n", left, options[i].help);
  }
  printf("  %-22s %s\n", "--help", "print this and stop");
}

static bool set_integer(const struct cli_option *o, const char *text, struct failure *f) {
  char *end = NULL;
  errno = 0;
  long v = strtol(text, &end, 10);
  if (end == text || *end || errno || (double)v < o->low || (double)v > o->high)
    return fail(f, "--%s needs a whole number from %.0f to %.0f, not '%.40s'", o->name, o->low, o->high, text);
  *(long *)o->value = v;
  return true;
}

static bool set_real(const struct cli_option *o, const char *text, struct failure *f) {
  double v = 0;
  if (!parse_number(text, &v) || v < o->low || v > o->high)
    return fail(f, "--%s needs a number from %g to %g, not '%.40s'", o->name, o->low, o->high, text);
  *(double *)o->value = v;
  return true;
}

static bool set_value(const struct cli_option *o, const char *text, struct failure *f) {
  switch (o->kind) {
  case CLI_INTEGER: return set_integer(o, text, f);
  case CLI_REAL: return set_real(o, text, f);
  case CLI_TEXT: *(const char **)o->value = text; return *text ? true : fail(f, "--%s needs a value", o->name);
  case CLI_FLAG: break;
  }
  return fail(f, "--%s takes no value", o->name);
}

static const struct cli_option *find(const struct cli_option *options, int count, const char *name, size_t size) {
  for (int i = 0; i < count; i++)
    if (strlen(options[i].name) == size && !memcmp(options[i].name, name, size)) return &options[i];
  return NULL;
}

/* Takes argv[*i], and argv[*i + 1] where that is its value. */
static bool take(int argc, char **argv, int *i, const struct cli_option *options, int count, struct failure *f) {
  const char *word = argv[*i], *equals = strchr(word, '=');
  size_t size = equals ? (size_t)(equals - word) : strlen(word);
  const struct cli_option *o = size > 2 && !strncmp(word, "--", 2) ? find(options, count, word + 2, size - 2) : NULL;
  if (!o) return fail(f, "there is no option '%.60s'; --help lists them", word);
  if (equals) return set_value(o, equals + 1, f);
  if (o->kind == CLI_FLAG) return *(bool *)o->value = true;
  if (++*i == argc) return fail(f, "--%s needs a value", o->name);
  return set_value(o, argv[*i], f);
}

enum cli_result cli_parse(int argc, char **argv, const char *about, const struct cli_option *options, int count,
                          struct failure *f) {
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
      print_help(argv[0], about, options, count);
      return CLI_HELP;
    }
    if (!take(argc, argv, &i, options, count, f)) return CLI_USAGE;
  }
  return CLI_RUN;
}

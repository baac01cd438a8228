/* The file is read whole and cut into fields where it lies: separators become terminators. Fields may be quoted, lines
 * may end in CR LF, a byte order mark is skipped. Start at csv_read. */
#include "common/csv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 100000

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */
static const char *skip_digits(const char *p) {
  while (*p >= '0' && *p <= '9') p++;
  return p;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit on one side of the point. */
static bool is_number(const char *p) {
  if (*p == '+' || *p == '-') p++;
  const char *digits = p, *end = skip_digits(p);
  long count = end - digits;
  if (*end == '.') {
    digits = end + 1;
    end = skip_digits(digits);
    count += end - digits;
  }
  if (!count) return false;
  if (*end == 'e' || *end == 'E') {
    digits = end + 1 + (end[1] == '+' || end[1] == '-');
    end = skip_digits(digits);
    if (end == digits) return false;
  }
  return !*end;
}

/* strtod reads the point of the locale, which in a program that never calls setlocale is a point. */
bool parse_number(const char *text, double *value) {
  if (!is_number(text)) return false;
  *value = strtod(text, NULL);
  return isfinite(*value);
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */
static char *read_all(FILE *file, size_t *size) {
  size_t capacity = 1 << 16, used = 0;
  char *text = malloc(capacity);
  while (text) {
    used += fread(text + used, 1, capacity - used - 1, file);
    if (feof(file) || ferror(file)) break;
    char *more = realloc(text, capacity *= 2);
    if (!more) free(text);
    text = more;
  }
  if (text) text[used] = '\0';
  *size = used;
  return text;
}

static bool read_file(const char *path, char **text, size_t *size, struct failure *f) {
  FILE *file = fopen(path, "rb");
  if (!file) return fail(f, "cannot read %s: %s", path, strerror(errno));
  errno = 0;
  *text = read_all(file, size);
  bool failed = ferror(file);
  int code = errno;
  fclose(file);
  if (failed) {
    free(*text);
    *text = NULL;
    return fail(f, "cannot read %s: %s", path, strerror(code));
  }
  if (!*text) return fail(f, "cannot read %s: out of memory", path);
  if (strlen(*text) == *size) return true;
  return fail(f, "%s is not a text file", path);
}

/* ---- Fields ------------------------------------------------------------------------------------------------------ */
struct cutter {
  char *at;
  size_t line;
  const char *path;
};

static char *trim(char *start, char *end) {
  while (start < end && isspace((unsigned char)*start)) start++;
  while (end > start && isspace((unsigned char)end[-1])) end--;
  *end = '\0';
  return start;
}

/* A quoted field, with "" for a quote inside it; NULL when the closing quote is missing. */
static char *cut_quoted(struct cutter *c) {
  char *start = ++c->at, *out = start;
  for (;; c->at++) {
    if (!*c->at) return NULL;
    if (*c->at == '"' && *++c->at != '"') break;
    if (*c->at == '\n') c->line++;
    *out++ = *c->at;
  }
  while (*c->at == ' ' || *c->at == '\r') c->at++;
  if (*c->at && *c->at != ',' && *c->at != '\n') return NULL;
  return trim(start, out);
}

/* The next field; *last says that its line ends with it. */
static bool cut_field(struct cutter *c, char **field, bool *last, struct failure *f) {
  size_t line = c->line;
  while (*c->at == ' ') c->at++;
  if (*c->at == '"') {
    *field = cut_quoted(c);
    if (!*field) return fail(f, "%s: line %zu: a quoted field does not end", c->path, line);
  } else {
    char *start = c->at;
    c->at += strcspn(c->at, ",\n");
    char separator = *c->at;
    *field = trim(start, c->at);
    *c->at = separator;
  }
  char separator = *c->at;
  *c->at = '\0';
  if (separator) c->at++;
  *last = separator != ',';
  return true;
}

static bool skip_blank_lines(struct cutter *c) {
  for (;;) {
    char *p = c->at + strspn(c->at, " \t\r");
    if (*p != '\n') return *p != '\0';
    c->at = p + 1;
    c->line++;
  }
}

static bool read_names(struct csv *t, struct cutter *c, struct failure *f) {
  bool last = false;
  if (!skip_blank_lines(c)) return fail(f, "%s is empty", c->path);
  while (!last) {
    char *name = NULL;
    if (!cut_field(c, &name, &last, f)) return false;
    if (!*name) return fail(f, "%s: column %zu has no name", c->path, t->column_count + 1);
    for (size_t i = 0; i < t->column_count; i++)
      if (!strcmp(t->names[i], name)) return fail(f, "%s: two columns are called '%s'", c->path, name);
    if (t->column_count == COLUMNS_MAX) return fail(f, "%s has more than %d columns", c->path, COLUMNS_MAX);
    char **names = realloc(t->names, (t->column_count + 1) * sizeof *names);
    if (!names) return fail(f, "%s: out of memory", c->path);
    t->names = names;
    t->names[t->column_count++] = name;
  }
  c->line++;
  double ignored = 0;
  if (!parse_number(t->names[0], &ignored)) return true;
  return fail(f, "%s has no header row: its first line holds the number %s", c->path, t->names[0]);
}

static bool is_missing(const char *field) {
  static const char *const words[] = {"", "?", "NA", "N/A", "na", "n/a", "NaN", "nan", "NULL", "null", "None"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(field, words[i])) return true;
  return false;
}

static bool read_row(struct csv *t, struct cutter *c, double *row, struct failure *f) {
  bool last = false;
  size_t column = 0, line = c->line;
  for (; !last; column++) {
    char *field = NULL;
    if (!cut_field(c, &field, &last, f)) return false;
    if (column == t->column_count) return fail(f, "%s: line %zu has more than %zu fields", c->path, line, column);
    if (is_missing(field)) return fail(f, "%s: line %zu: column '%s' has no value", c->path, line, t->names[column]);
    if (!parse_number(field, &row[column]))
      return fail(f, "%s: line %zu: column '%s' is not a number: '%.40s'", c->path, line, t->names[column], field);
  }
  c->line++;
  if (column == t->column_count) return true;
  return fail(f, "%s: line %zu has %zu fields where the header has %zu", c->path, line, column, t->column_count);
}

static bool read_rows(struct csv *t, struct cutter *c, struct failure *f) {
  size_t capacity = 0;
  while (skip_blank_lines(c)) {
    if (t->row_count == capacity) {
      capacity = capacity ? capacity * 2 : 256;
      double *values = realloc(t->values, capacity * t->column_count * sizeof *values);
      if (!values) return fail(f, "%s: out of memory", c->path);
      t->values = values;
    }
    if (!read_row(t, c, t->values + t->row_count * t->column_count, f)) return false;
    t->row_count++;
  }
  return t->row_count ? true : fail(f, "%s has no rows under its header", c->path);
}

bool csv_read(struct csv *t, const char *path, struct failure *f) {
  size_t size = 0;
  *t = (struct csv){0};
  if (read_file(path, &t->text, &size, f)) {
    bool has_mark = !strncmp(t->text, "\xef\xbb\xbf", 3);
    struct cutter c = {t->text + (has_mark ? 3 : 0), 1, path};
    if (read_names(t, &c, f) && read_rows(t, &c, f)) return true;
  }
  csv_free(t);
  return false;
}

void csv_free(struct csv *t) {
  free(t->names);
  free(t->values);
  free(t->text);
  *t = (struct csv){0};
}

bool csv_find(const struct csv *t, const char *name, size_t *column, struct failure *f) {
  for (*column = 0; *column < t->column_count; ++*column)
    if (!strcmp(t->names[*column], name)) return true;
  char list[300] = "";
  for (size_t i = 0, used = 0; i < t->column_count; i++) {
    size_t need = strlen(t->names[i]) + 2;
    if (used + need + 4 > sizeof list) {
      strcpy(list + used, ", ...");
      break;
    }
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", t->names[i]);
  }
  return fail(f, "there is no column '%s'; the columns are %s", name, list);
}

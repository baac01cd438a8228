/* The reader behind golden.h. A line is read whole, cut into words in place, and handled by its first word; all memory of a case comes from a list
 * of blocks that the next case frees. Start at golden_next. */
#include "golden.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
  struct block *next;
  max_align_t bytes[];
};

struct golden {
  FILE *file;
  char *line, *rest;   /* rest: what of the line is not yet read */
  size_t capacity;
  long number;
  bool failed;
  char error[200];
  struct block *blocks;
  struct golden_case current;
};

static const struct { const char *name; size_t size; } dtypes[GOLDEN_DTYPES] = {
  {"bool", 1},  {"uint8", 1}, {"uint16", 2}, {"uint32", 4},  {"uint64", 8},  {"int8", 1},    {"int16", 2},
  {"int32", 4}, {"int64", 8}, {"float16", 2}, {"float32", 4}, {"float64", 8}, {"bfloat16", 2}, {"complex64", 8},
};
enum { FIRST_COMPLEX = 13 };

int golden_dtype(const char *name) {
  for (int i = 0; i < GOLDEN_DTYPES; i++)
    if (strcmp(dtypes[i].name, name) == 0) return i;
  return -1;
}

const char *golden_dtype_name(int dtype) {
  return dtype >= 0 && dtype < GOLDEN_DTYPES ? dtypes[dtype].name : "?";
}

size_t golden_itemsize(int dtype) {
  return dtype >= 0 && dtype < GOLDEN_DTYPES ? dtypes[dtype].size : 0;
}

__attribute__((format(printf, 2, 3))) static bool fail(struct golden *g, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int used = snprintf(g->error, sizeof g->error, "line %ld: ", g->number);
  vsnprintf(g->error + used, sizeof g->error - (size_t)used, format, args);
  va_end(args);
  g->failed = true;
  return false;
}

static void *keep(struct golden *g, size_t size) {
  struct block *b = malloc(sizeof *b + (size ? size : 1));
  if (!b) {
    fail(g, "out of memory");
    return NULL;
  }
  b->next = g->blocks;
  g->blocks = b;
  return b->bytes;
}

static void forget(struct golden *g) {
  while (g->blocks) {
    struct block *next = g->blocks->next;
    free(g->blocks);
    g->blocks = next;
  }
}

static const char *keep_text(struct golden *g, const char *text) {
  char *copy = keep(g, strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

/* The next word of the line, "" at its end. */
static char *word(struct golden *g) {
  char *start = g->rest;
  char *space = strchr(start, ' ');
  if (space) *space = '\0';
  g->rest = space ? space + 1 : start + strlen(start);
  return start;
}

static bool read_integer(struct golden *g, int64_t *out) {
  char *end, *text = word(g);
  errno = 0;
  *out = strtoll(text, &end, 10);
  return (*text && !*end && !errno) || fail(g, "'%s' is not an integer", text);
}

static bool read_count(struct golden *g, size_t limit, size_t *out) {
  int64_t n;
  if (!read_integer(g, &n)) return false;
  *out = (size_t)n;
  return (n >= 0 && (size_t)n <= limit) || fail(g, "a count of %lld", (long long)n);
}

static bool read_bits(struct golden *g, uint64_t *out) {
  char *end, *text = word(g);
  errno = 0;
  *out = strtoull(text, &end, 16);
  return (*text && !*end && !errno) || fail(g, "'%s' is not a hexadecimal word", text);
}

static bool read_double(struct golden *g, double *out) {
  uint64_t bits;
  if (!read_bits(g, &bits)) return false;
  memcpy(out, &bits, sizeof bits);
  return true;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX becomes the byte, a lone % nothing. */
static bool read_text(struct golden *g, const char **out) {
  char *text = word(g), *to = text;
  if (strcmp(text, "%") == 0) *text = '\0';
  for (const char *from = text; *from; to++) {
    if (*from != '%') {
      *to = *from++;
      continue;
    }
    int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
    if (low < 0) return fail(g, "a broken escape");
    *to = (char)(high * 16 + low);
    from += 3;
  }
  *to = '\0';
  *out = keep_text(g, text);
  return *out != NULL;
}

static bool read_shape(struct golden *g, struct golden_array *a) {
  char *text = word(g);
  a->ndim = 0;
  a->count = 1;
  if (strcmp(text, "-") == 0) return true;
  for (char *end = text; ; text = end + 1) {
    if (a->ndim == GOLDEN_MAX_NDIM) return fail(g, "too many dimensions");
    long long size = strtoll(text, &end, 10);
    if (end == text || size < 0 || size > 1 << 24) return fail(g, "a broken shape");
    a->shape[a->ndim++] = size;
    a->count *= size;
    if (!*end) return a->count <= 1 << 24 || fail(g, "too many elements");
    if (*end != 'x') return fail(g, "a broken shape");
  }
}

/* Words to elements, in the machine's byte order. */
static void store(void *data, int64_t i, uint64_t bits, int dtype) {
  size_t size = dtypes[dtype].size;
  char *at = (char *)data + (size_t)i * size;
  uint8_t b8 = (uint8_t)bits;
  uint16_t b16 = (uint16_t)bits;
  uint32_t pair[2] = {(uint32_t)(bits >> 32), (uint32_t)bits}, b32 = (uint32_t)bits;
  if (dtype == FIRST_COMPLEX) memcpy(at, pair, 8);
  else if (size == 1) memcpy(at, &b8, 1);
  else if (size == 2) memcpy(at, &b16, 2);
  else if (size == 4) memcpy(at, &b32, 4);
  else memcpy(at, &bits, 8);
}

static bool read_array(struct golden *g, struct golden_array *a) {
  *a = (struct golden_array){.kind = GOLDEN_ARRAY};
  const char *name = word(g);
  a->dtype = golden_dtype(name);
  if (a->dtype < 0) return fail(g, "no dtype '%s'", name);
  if (!read_shape(g, a)) return false;
  a->nbytes = (size_t)a->count * dtypes[a->dtype].size;
  a->data = keep(g, a->nbytes);
  if (!a->data) return false;
  for (int64_t i = 0; i < a->count; i++) {
    uint64_t bits;
    if (!read_bits(g, &bits)) return false;
    store(a->data, i, bits, a->dtype);
  }
  return !*g->rest || fail(g, "more elements than the shape holds");
}

static bool read_weak(struct golden *g, struct golden_array *a) {
  *a = (struct golden_array){.dtype = -1};
  const char *kind = word(g);
  if (strcmp(kind, "float") == 0) {
    a->kind = GOLDEN_WEAK_FLOAT;
    return read_double(g, &a->re);
  }
  if (strcmp(kind, "complex") == 0) {
    a->kind = GOLDEN_WEAK_COMPLEX;
    return read_double(g, &a->re) && read_double(g, &a->im);
  }
  a->kind = strcmp(kind, "bool") == 0 ? GOLDEN_WEAK_BOOL : GOLDEN_WEAK_INT;
  return read_integer(g, &a->integer);
}

static bool read_ref(struct golden *g, struct golden_case *c) {
  if (!c->output_count) return fail(g, "ref without out");
  struct golden_array *a = &c->outputs[c->output_count - 1];
  size_t count, want = (size_t)a->count * (a->dtype == FIRST_COMPLEX ? 2 : 1);
  if (!read_count(g, want, &count)) return false;
  if (count != want) return fail(g, "ref has %zu values, out needs %zu", count, want);
  a->ref = keep(g, count * sizeof *a->ref);
  if (!a->ref) return false;
  for (size_t i = 0; i < count; i++)
    if (!read_double(g, &a->ref[i])) return false;
  return true;
}

static bool read_param(struct golden *g, struct golden_case *c, enum golden_param_kind kind) {
  if (c->param_count == GOLDEN_MAX_PARAMS) return fail(g, "too many parameters");
  struct golden_param *p = &c->params[c->param_count++];
  *p = (struct golden_param){.kind = kind};
  p->name = keep_text(g, word(g));
  if (!p->name) return false;
  switch (kind) {
  case GOLDEN_NONE: return true;
  case GOLDEN_INT: return read_integer(g, &p->integer);
  case GOLDEN_FLOAT: return read_double(g, &p->real);
  case GOLDEN_STR: return read_text(g, &p->text);
  case GOLDEN_INTS: break;
  }
  if (!read_count(g, GOLDEN_MAX_INTS, &p->count)) return false;
  for (size_t i = 0; i < p->count; i++)
    if (!read_integer(g, &p->integers[i])) return false;
  return true;
}

static struct golden_array *room(struct golden *g, struct golden_array *list, size_t *count) {
  if (*count < GOLDEN_MAX_ARRAYS) return &list[(*count)++];
  fail(g, "too many arrays");
  return NULL;
}

static bool read_operand(struct golden *g, struct golden_array *list, size_t *count, bool weak) {
  struct golden_array *a = room(g, list, count);
  return a && (weak ? read_weak(g, a) : read_array(g, a));
}

static bool read_check(struct golden *g, struct golden_case *c) {
  const char *mode = word(g);
  if (strcmp(mode, "near") == 0) c->check = GOLDEN_NEAR;
  else if (strcmp(mode, "unordered") == 0) c->check = GOLDEN_UNORDERED;
  else return fail(g, "no check '%s'", mode);
  return true;
}

static bool read_rest(struct golden *g, const char **out) {
  *out = keep_text(g, g->rest);
  return *out != NULL;
}

static bool read_answer(struct golden *g, struct golden_case *c, const char *what) {
  if (strcmp(what, "error") == 0) return read_rest(g, &c->error);
  if (strcmp(what, "why") == 0) return read_rest(g, &c->why);
  if (strcmp(what, "text") == 0) return read_text(g, &c->text);
  if (strcmp(what, "check") == 0) return read_check(g, c);
  if (strcmp(what, "ref") == 0) return read_ref(g, c);
  if (strcmp(what, "dtype") != 0) return fail(g, "no line '%s'", what);
  c->dtype = golden_dtype(word(g));
  return c->dtype >= 0 || fail(g, "no such dtype");
}

static bool handle(struct golden *g, struct golden_case *c, const char *what) {
  static const char *const kinds[] = {"none", "int", "ints", "float", "str"};
  for (int k = GOLDEN_NONE; k <= GOLDEN_STR; k++)
    if (strcmp(what, kinds[k]) == 0) return read_param(g, c, (enum golden_param_kind)k);
  if (strcmp(what, "in") == 0) return read_operand(g, c->inputs, &c->input_count, false);
  if (strcmp(what, "weak") == 0) return read_operand(g, c->inputs, &c->input_count, true);
  if (strcmp(what, "cot") == 0) return read_operand(g, c->cotangents, &c->cotangent_count, false);
  if (strcmp(what, "out") == 0) return read_operand(g, c->outputs, &c->output_count, false);
  return read_answer(g, c, what);
}

static bool next_line(struct golden *g) {
  ssize_t length = getline(&g->line, &g->capacity, g->file);
  if (length < 0) return ferror(g->file) ? fail(g, "cannot be read") : false;
  g->number++;
  if (length && g->line[length - 1] == '\n') g->line[length - 1] = '\0';
  g->rest = g->line;
  return true;
}

const struct golden_case *golden_next(struct golden *g) {
  struct golden_case *c = &g->current;
  bool is_open = false;
  forget(g);
  memset(c, 0, sizeof *c);
  c->dtype = -1;
  while (!g->failed && next_line(g)) {
    if (!*g->line || *g->line == '#') continue;
    const char *what = word(g);
    if (!is_open) {
      if (strcmp(what, "case") != 0) return fail(g, "'%s' outside a case", what), NULL;
      is_open = true;
      c->line = g->number;
      if (!read_rest(g, &c->op)) return NULL;
    } else if (strcmp(what, "end") == 0) {
      return c;
    } else if (!handle(g, c, what)) {
      return NULL;
    }
  }
  if (is_open && !g->failed) fail(g, "the file ends inside a case");
  return NULL;
}

struct golden *golden_open(const char *path) {
  struct golden *g = calloc(1, sizeof *g);
  if (!g) return NULL;
  g->file = fopen(path, "r");
  if (g->file) return g;
  free(g);
  return NULL;
}

void golden_close(struct golden *g) {
  if (!g) return;
  forget(g);
  free(g->line);
  fclose(g->file);
  free(g);
}

const char *golden_error(const struct golden *g) {
  return g->error;
}

const struct golden_param *golden_param(const struct golden_case *c, const char *name) {
  for (size_t i = 0; i < c->param_count; i++)
    if (strcmp(c->params[i].name, name) == 0) return &c->params[i];
  return NULL;
}

int64_t golden_int(const struct golden_case *c, const char *name, int64_t fallback) {
  const struct golden_param *p = golden_param(c, name);
  return p && p->kind == GOLDEN_INT ? p->integer : fallback;
}

double golden_float(const struct golden_case *c, const char *name, double fallback) {
  const struct golden_param *p = golden_param(c, name);
  return p && p->kind == GOLDEN_FLOAT ? p->real : fallback;
}

const char *golden_str(const struct golden_case *c, const char *name, const char *fallback) {
  const struct golden_param *p = golden_param(c, name);
  return p && p->kind == GOLDEN_STR ? p->text : fallback;
}

bool golden_is_none(const struct golden_case *c, const char *name) {
  const struct golden_param *p = golden_param(c, name);
  return !p || p->kind == GOLDEN_NONE;
}

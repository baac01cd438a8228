/* .npy headers and elements. The header is a Python dict literal with exactly three keys; the parser takes what
 * Python's own would and nothing more. Start at mxi_npy_read_header. */
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define HEADER_TEXT_MAX ((size_t)1 << 16) /* NumPy refuses more than 10,000 characters by default */

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

/* ---- Dtypes ------------------------------------------------------------------------------------------------------ */
static const struct descr {
  char text[3];
  uint8_t part; /* bytes of the unit that byte order turns round */
} descrs[MXI_DTYPE_COUNT] = {
    [MX_BOOL] = {"b1", 1},     [MX_UINT8] = {"u1", 1},     [MX_UINT16] = {"u2", 2},  [MX_UINT32] = {"u4", 4},
    [MX_UINT64] = {"u8", 8},   [MX_INT8] = {"i1", 1},      [MX_INT16] = {"i2", 2},   [MX_INT32] = {"i4", 4},
    [MX_INT64] = {"i8", 8},    [MX_FLOAT16] = {"f2", 2},   [MX_FLOAT32] = {"f4", 4}, [MX_FLOAT64] = {"f8", 8},
    [MX_BFLOAT16] = {"V2", 2}, [MX_COMPLEX64] = {"c8", 4},
};

static bool parse_descr(const char *text, size_t size, struct mxi_npy *npy) {
  if (size != 3 || !memchr("<>|=", text[0], 4)) return false;
  for (int t = 0; t < MXI_DTYPE_COUNT; t++) {
    if (memcmp(text + 1, descrs[t].text, 2)) continue;
    npy->dtype = (mx_dtype)t;
    npy->swapped = text[0] == '>' && descrs[t].part > 1;
    return text[0] != '>' || t != MX_BFLOAT16; /* void has no byte order */
  }
  return false;
}

/* ---- The dict literal -------------------------------------------------------------------------------------------- */
struct cursor {
  const char *at, *end;
};

static void skip_space(struct cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

/* Takes `wanted` if it comes next. */
static bool take(struct cursor *c, char wanted) {
  skip_space(c);
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

static bool take_word(struct cursor *c, const char *word) {
  size_t n = strlen(word);
  skip_space(c);
  if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n)) return false;
  c->at += n;
  return true;
}

/* A string without escapes, in either kind of quotes. */
static bool take_string(struct cursor *c, const char **text, size_t *size) {
  skip_space(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
  char quote = *c->at++;
  *text = c->at;
  while (c->at < c->end && *c->at != quote && *c->at != '\\' && *c->at != '\n') c->at++;
  if (c->at == c->end || *c->at != quote) return false;
  *size = (size_t)(c->at++ - *text);
  return true;
}

/* A size: decimal digits, perhaps with the L of Python 2. False also when it does not fit. */
static bool take_size(struct cursor *c, int64_t *out) {
  skip_space(c);
  const char *start = c->at;
  int64_t v = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *c->at - '0', &v)) return false;
  if (c->at == start) return false;
  if (c->at < c->end && *c->at == 'L') c->at++;
  *out = v;
  return true;
}

static mx_status fail_header(struct mxi_io_error *e, const char *what) {
  return mxi_io_fail(e, MX_ERR_IO, "malformed .npy header: %s", what);
}

static mx_status read_descr(struct cursor *c, struct mxi_npy *npy, struct mxi_io_error *e) {
  const char *text = NULL;
  size_t size = 0;
  skip_space(c);
  if (c->at < c->end && *c->at == '[') return mxi_io_fail(e, MX_ERR_VALUE, "mica has no structured dtypes");
  if (!take_string(c, &text, &size)) return fail_header(e, "'descr' is not a string");
  if (parse_descr(text, size, npy)) return MX_OK;
  char shown[24];
  snprintf(shown, sizeof shown, "%.*s", size < sizeof shown ? (int)size : (int)sizeof shown - 1, text);
  for (char *p = shown; *p; p++)
    if (*p < ' ' || *p > '~') *p = '?';
  return mxi_io_fail(e, MX_ERR_VALUE, "mica has no dtype '%s'", shown);
}

static mx_status read_order(struct cursor *c, struct mxi_npy *npy, struct mxi_io_error *e) {
  npy->fortran_order = take_word(c, "True");
  if (!npy->fortran_order && !take_word(c, "False")) return fail_header(e, "'fortran_order' is not True or False");
  return MX_OK;
}

/* (), (3,) or (2, 3): a tuple, so one size alone needs its comma. */
static mx_status read_shape(struct cursor *c, struct mxi_npy *npy, struct mxi_io_error *e) {
  npy->ndim = 0;
  if (!take(c, '(')) return fail_header(e, "'shape' is not a tuple");
  bool comma = true;
  while (!take(c, ')')) {
    if (!comma) return fail_header(e, "'shape' is not a tuple of sizes");
    if (npy->ndim == MXI_MAX_NDIM) return mxi_io_fail(e, MX_ERR_VALUE, "more than %d axes", MXI_MAX_NDIM);
    if (!take_size(c, &npy->shape[npy->ndim])) return fail_header(e, "'shape' holds something that is not a size");
    npy->ndim++;
    comma = take(c, ',');
  }
  if (npy->ndim == 1 && !comma) return fail_header(e, "'shape' is not a tuple");
  return MX_OK;
}

enum { HAS_DESCR = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

static mx_status read_entry(struct cursor *c, int *seen, struct mxi_npy *npy, struct mxi_io_error *e) {
  static const struct {
    const char *name;
    mx_status (*read)(struct cursor *c, struct mxi_npy *npy, struct mxi_io_error *e);
  } keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
  const char *key = NULL;
  size_t size = 0;
  if (!take_string(c, &key, &size) || !take(c, ':')) return fail_header(e, "a key is missing");
  for (int k = 0; k < 3; k++) {
    if (strlen(keys[k].name) != size || memcmp(keys[k].name, key, size)) continue;
    if (*seen & 1 << k) return fail_header(e, "a key is given twice");
    *seen |= 1 << k;
    return keys[k].read(c, npy, e);
  }
  return fail_header(e, "a key is not one of 'descr', 'fortran_order', 'shape'");
}

static mx_status read_dict(const char *text, size_t size, struct mxi_npy *npy, struct mxi_io_error *e) {
  struct cursor c = {text, text + size};
  int seen = 0;
  bool comma = true;
  if (!take(&c, '{')) return fail_header(e, "it is not a dict");
  while (!take(&c, '}')) {
    if (!comma) return fail_header(e, "a comma is missing");
    mx_status st = read_entry(&c, &seen, npy, e);
    if (st) return st;
    comma = take(&c, ',');
  }
  skip_space(&c);
  if (c.at != c.end) return fail_header(e, "something follows the dict");
  if (seen != HAS_ALL) return fail_header(e, "it lacks 'descr', 'fortran_order' or 'shape'");
  return MX_OK;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */
/* Bytes of elements; false when they, or the product of the sizes that are not 0, do not fit. */
static bool count_bytes(const struct mxi_npy *npy, int64_t *nbytes) {
  int64_t product = (int64_t)mxi_itemsize(npy->dtype);
  bool empty = false;
  for (int i = 0; i < npy->ndim; i++) {
    if (!npy->shape[i])
      empty = true;
    else if (__builtin_mul_overflow(product, npy->shape[i], &product))
      return false;
  }
  *nbytes = empty ? 0 : product;
  return true;
}

static mx_status check_size(const struct mxi_reader *r, struct mxi_npy *npy, struct mxi_io_error *e) {
  int64_t nbytes = 0;
  if (!count_bytes(npy, &nbytes)) return mxi_io_fail(e, MX_ERR_VALUE, "the shape has more elements than fit in memory");
  npy->nbytes = (size_t)nbytes;
  if (r->size - npy->offset < npy->nbytes)
    return mxi_io_fail(e, MX_ERR_IO, "truncated: %llu bytes of elements, where the header promises %lld",
                       (unsigned long long)(r->size - npy->offset), (long long)nbytes);
  return MX_OK;
}

/* Magic, version and length: where the text begins and how long it is. */
static mx_status read_preamble(struct mxi_reader *r, uint64_t *offset, size_t *size, struct mxi_io_error *e) {
  unsigned char b[12] = {0};
  mx_status st = r->size < 10 ? MX_OK : mxi_reader_read(r, 0, b, 10, e);
  if (st) return st;
  if (memcmp(b, magic, sizeof magic)) return mxi_io_fail(e, MX_ERR_IO, "not an .npy file");
  if (b[6] < 1 || b[6] > 3 || b[7]) return mxi_io_fail(e, MX_ERR_IO, ".npy version %d.%d is not known", b[6], b[7]);
  *offset = b[6] == 1 ? 10 : 12;
  if (b[6] > 1) st = mxi_reader_read(r, 10, b + 10, 2, e);
  *size = b[8] | (size_t)b[9] << 8 | (size_t)b[10] << 16 | (size_t)b[11] << 24;
  if (!st && *size > HEADER_TEXT_MAX) return fail_header(e, "it is too long");
  return st;
}

mx_status mxi_npy_read_header(struct mxi_reader *r, struct mxi_npy *npy, struct mxi_io_error *e) {
  size_t size = 0;
  *npy = (struct mxi_npy){0};
  mx_status st = read_preamble(r, &npy->offset, &size, e);
  if (st) return st;
  char *text = mxi_malloc(size);
  if (!text) return mxi_io_fail_memory(e);
  st = mxi_reader_read(r, npy->offset, text, size, e);
  if (!st) st = read_dict(text, size, npy, e);
  mxi_free(text);
  npy->offset += size;
  return st ? st : check_size(r, npy, e);
}

static void swap_bytes(char *p, size_t nbytes, size_t part) {
  for (size_t i = 0; i < nbytes; i += part)
    for (size_t a = i, b = i + part - 1; a < b; a++, b--) {
      char t = p[a];
      p[a] = p[b];
      p[b] = t;
    }
}

mx_status mxi_npy_read_elements(struct mxi_reader *r, const struct mxi_npy *npy, void *out, struct mxi_io_error *e) {
  mx_status st = mxi_reader_read(r, npy->offset, out, npy->nbytes, e);
  if (st) return st;
  if (npy->swapped) swap_bytes(out, npy->nbytes, descrs[npy->dtype].part);
  if (npy->dtype == MX_BOOL)
    for (size_t i = 0; i < npy->nbytes; i++) ((char *)out)[i] = ((const char *)out)[i] != 0;
  return MX_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */
#define GROWTH_DIGITS 21 /* NumPy leaves room for the first size to grow in place; so do we */

void mxi_npy_header_make(struct mxi_npy_header *h, mx_dtype dtype, int ndim, const int64_t *shape) {
  char order = mxi_itemsize(dtype) == 1 ? '|' : '<';
  char *p = h->text, *end = h->text + sizeof h->text;
  memcpy(p, magic, sizeof magic);
  memcpy(p + 6, "\1\0", 2);
  p += 10;
  p +=
      snprintf(p, (size_t)(end - p), "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, descrs[dtype].text);
  int grown = 0;
  for (int i = 0; i < ndim; i++) {
    int n = snprintf(p, (size_t)(end - p), "%lld", (long long)shape[i]);
    if (i == 0) grown = GROWTH_DIGITS - n;
    p += n;
    p += snprintf(p, (size_t)(end - p), "%s", i + 1 < ndim ? ", " : ndim == 1 ? "," : "");
  }
  p += snprintf(p, (size_t)(end - p), "), }");
  size_t used = (size_t)(p - h->text) + (size_t)grown + 1;
  h->size = (used / 64 + 1) * 64; /* at least one space of padding */
  memset(p, ' ', h->size - (size_t)(p - h->text));
  h->text[h->size - 1] = '\n';
  h->text[8] = (char)((h->size - 10) & 0xff);
  h->text[9] = (char)((h->size - 10) >> 8);
}

mx_status mxi_npy_write(struct mxi_writer *w, mx_dtype dtype, int ndim, const int64_t *shape, const void *data,
                        size_t nbytes, struct mxi_io_error *e) {
  struct mxi_npy_header h;
  mxi_npy_header_make(&h, dtype, ndim, shape);
  mx_status st = w->write(w, h.text, h.size, e);
  return st ? st : w->write(w, data, nbytes, e);
}

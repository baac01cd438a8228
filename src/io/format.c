/* Arrays as text: nested brackets, long axes cut in the middle. Works on row-major data and knows nothing of nodes. */
#include "io/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "core/node.h"

#define AXIS_SHOWN 6 /* a longer axis shows EDGE items at each end */
#define EDGE       3

void mxi_text_put(struct mxi_text *t, const char *s, size_t n) {
  if (t->length < t->size) {
    size_t room = t->size - t->length;
    memcpy(t->at + t->length, s, n < room ? n : room);
  }
  t->length += n;
}

void mxi_text_end(struct mxi_text *t) {
  if (t->size) t->at[t->length < t->size ? t->length : t->size - 1] = '\0';
}

static void put_string(struct mxi_text *t, const char *s) { mxi_text_put(t, s, strlen(s)); }

static void put_signed(struct mxi_text *t, int64_t v) {
  char b[24];
  mxi_text_put(t, b, (size_t)snprintf(b, sizeof b, "%" PRId64, v));
}

static void put_unsigned(struct mxi_text *t, uint64_t v) {
  char b[24];
  mxi_text_put(t, b, (size_t)snprintf(b, sizeof b, "%" PRIu64, v));
}

/* An imaginary part brings its own sign only where it is less than zero: so -0 reads "+-0". */
static void put_complex(struct mxi_text *t, mxi_c64 v, int precision) {
  mxi_text_double(t, (double)v.re, precision);
  if (!(v.im < 0)) mxi_text_put(t, "+", 1);
  mxi_text_double(t, (double)v.im, precision);
  mxi_text_put(t, "j", 1);
}

#define READ(type, p) (*(const type *)(p))

static void put_element(struct mxi_text *t, mx_dtype dtype, const char *p, int precision) {
  switch (dtype) {
  case MX_BOOL: put_string(t, READ(uint8_t, p) ? "True" : "False"); break;
  case MX_UINT8: put_unsigned(t, READ(uint8_t, p)); break;
  case MX_UINT16: put_unsigned(t, READ(uint16_t, p)); break;
  case MX_UINT32: put_unsigned(t, READ(uint32_t, p)); break;
  case MX_UINT64: put_unsigned(t, READ(uint64_t, p)); break;
  case MX_INT8: put_signed(t, READ(int8_t, p)); break;
  case MX_INT16: put_signed(t, READ(int16_t, p)); break;
  case MX_INT32: put_signed(t, READ(int32_t, p)); break;
  case MX_INT64: put_signed(t, READ(int64_t, p)); break;
  case MX_FLOAT16: mxi_text_double(t, (double)mxi_f16_to_f32(READ(uint16_t, p)), precision); break;
  case MX_FLOAT32: mxi_text_double(t, (double)READ(float, p), precision); break;
  case MX_FLOAT64: mxi_text_double(t, READ(double, p), precision); break;
  case MX_BFLOAT16: mxi_text_double(t, (double)mxi_bf16_to_f32(READ(uint16_t, p)), precision); break;
  case MX_COMPLEX64: put_complex(t, READ(mxi_c64, p), precision); break;
  }
}

/* What stays the same from bracket to bracket. */
struct layout {
  mx_dtype dtype;
  int ndim, precision;
  const int64_t *shape;
  int64_t nbytes[MXI_MAX_NDIM + 1]; /* [i]: of axes i and inner ones together; [ndim] is the item size */
};

static void put_separator(struct mxi_text *t, const struct layout *l, int axis) {
  if (axis == l->ndim - 1) {
    put_string(t, ", ");
    return;
  }
  put_string(t, ",\n      ");
  for (int i = 0; i <= axis; i++) mxi_text_put(t, " ", 1);
}

static void put_axis(struct mxi_text *t, const struct layout *l, int axis, const char *p) {
  if (axis == l->ndim) {
    put_element(t, l->dtype, p, l->precision);
    return;
  }
  int64_t n = l->shape[axis];
  mxi_text_put(t, "[", 1);
  for (int64_t i = 0; i < n; i++) {
    if (i) put_separator(t, l, axis);
    if (n > AXIS_SHOWN && i == EDGE) {
      put_string(t, "...");
      i = n - EDGE - 1;
    } else {
      put_axis(t, l, axis + 1, p + i * l->nbytes[axis + 1]);
    }
  }
  mxi_text_put(t, "]", 1);
}

void mxi_text_array(struct mxi_text *t, mx_dtype dtype, int ndim, const int64_t *shape, const void *data,
                    int precision) {
  struct layout l = {.dtype = dtype, .ndim = ndim, .precision = precision, .shape = shape};
  bool empty = false;
  for (int i = 0; i < ndim; i++) empty = empty || !shape[i];
  l.nbytes[ndim] = (int64_t)mxi_itemsize(dtype);
  for (int i = ndim - 1; i >= 0; i--) l.nbytes[i] = empty ? 0 : l.nbytes[i + 1] * shape[i];
  put_string(t, "array(");
  put_axis(t, &l, 0, empty ? "" : data);
  put_string(t, ", dtype=");
  put_string(t, mxi_dtype_names[dtype]);
  mxi_text_put(t, ")", 1);
}

/* The fourteen dtypes: sizes, kinds, promotion. */
#ifndef MXI_CORE_DTYPE_H
#define MXI_CORE_DTYPE_H

#include <mica.h>

#define MXI_DTYPE_COUNT 14

typedef struct {
  float re, im;
} mxi_c64;

enum mxi_kind { MXI_KIND_BOOL, MXI_KIND_UNSIGNED, MXI_KIND_SIGNED, MXI_KIND_FLOAT, MXI_KIND_COMPLEX };

extern const uint8_t mxi_itemsizes[MXI_DTYPE_COUNT];
extern const uint8_t mxi_kinds[MXI_DTYPE_COUNT]; /* enum mxi_kind */
extern const uint8_t mxi_promotions[MXI_DTYPE_COUNT][MXI_DTYPE_COUNT];
extern const char *const mxi_dtype_names[MXI_DTYPE_COUNT];

static inline size_t mxi_itemsize(mx_dtype t) { return mxi_itemsizes[t]; }
static inline enum mxi_kind mxi_kind(mx_dtype t) { return (enum mxi_kind)mxi_kinds[t]; }
static inline mx_dtype mxi_promote(mx_dtype a, mx_dtype b) { return (mx_dtype)mxi_promotions[a][b]; }
static inline bool mxi_is_integer(mx_dtype t) {
  return mxi_kind(t) == MXI_KIND_UNSIGNED || mxi_kind(t) == MXI_KIND_SIGNED;
}
static inline bool mxi_is_inexact(mx_dtype t) { return mxi_kind(t) >= MXI_KIND_FLOAT; }
static inline bool mxi_is_float(mx_dtype t) { return mxi_kind(t) == MXI_KIND_FLOAT; }
static inline bool mxi_is_half(mx_dtype t) { return t == MX_FLOAT16 || t == MX_BFLOAT16; }

#endif

/* From items to keys and back. A float's bits order as integers once negatives are inverted and the sign of the others
 * is set; signed integers need the sign flipped. A complex number is two such words, the real part on top. */
#include <string.h>

#include "backend/cpu/sort.h"

#define SIGN32 0x80000000u
#define SIGN64 0x8000000000000000u

#define LOAD(T, p) (*(const T *)(p))

#define ENCODE_INT(name, T, K, flip)                                                 \
  static bool encode_##name(void *to, const char *from, int64_t step, int64_t n) {      \
    K *keys = to;                                                                    \
    for (int64_t i = 0; i < n; i++) keys[i] = (K)(LOAD(T, from + i * step) ^ (flip)); \
    return false;                                                                    \
  }                                                                                  \
  static void decode_##name(const void *from, char *to, int64_t step, int64_t n) {      \
    const K *keys = from;                                                            \
    for (int64_t i = 0; i < n; i++) *(T *)(to + i * step) = (T)(keys[i] ^ (flip));   \
  }

/* u is zero without its sign, or above infinity: both lose bits */
#define ENCODE_FLOAT(name, T, K, sign, infinity)                                     \
  static bool encode_##name(void *to, const char *from, int64_t step, int64_t n) {      \
    K *keys = to;                                                                    \
    K lost = 0;                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                \
      K u = LOAD(T, from + i * step), nan = (u & ~(K)(sign)) > (infinity);           \
      lost |= nan | (u == (sign));                                                   \
      K key = u & (sign) ? ((sign) << 1) - 1 - u : u | (sign);                       \
      key += u == (sign);                                                            \
      keys[i] = nan ? ((sign) << 1) - 1 : key;                                       \
    }                                                                                \
    return lost;                                                                     \
  }                                                                                  \
  static void decode_##name(const void *from, char *to, int64_t step, int64_t n) {      \
    const K *keys = from;                                                            \
    for (int64_t i = 0; i < n; i++) {                                                \
      K u = keys[i];                                                                 \
      *(T *)(to + i * step) = (T)(u & (sign) ? u ^ (sign) : ((sign) << 1) - 1 - u);  \
    }                                                                                \
  }

ENCODE_INT(u8, uint8_t, uint32_t, 0)
ENCODE_INT(u16, uint16_t, uint32_t, 0)
ENCODE_INT(u32, uint32_t, uint32_t, 0)
ENCODE_INT(u64, uint64_t, uint64_t, 0)
ENCODE_INT(i8, uint8_t, uint32_t, 0x80u)
ENCODE_INT(i16, uint16_t, uint32_t, 0x8000u)
ENCODE_INT(i32, uint32_t, uint32_t, SIGN32)
ENCODE_INT(i64, uint64_t, uint64_t, SIGN64)
ENCODE_FLOAT(f16, uint16_t, uint32_t, 0x8000u, 0x7c00u)
ENCODE_FLOAT(bf16, uint16_t, uint32_t, 0x8000u, 0x7f80u)
ENCODE_FLOAT(f32, uint32_t, uint32_t, SIGN32, 0x7f800000u)
ENCODE_FLOAT(f64, uint64_t, uint64_t, SIGN64, 0x7ff0000000000000u)

/* (real, imaginary) as one key; a NaN in either part puts the number last, and such numbers are equal. */
static bool encode_c64(void *to, const char *from, int64_t step, int64_t n) {
  uint64_t *keys = to;
  bool lost = false;
  for (int64_t i = 0; i < n; i++) {
    uint32_t parts[2];
    lost |= encode_f32(parts, from + i * step, 4, 2);
    uint64_t key = (uint64_t)parts[0] << 32 | parts[1];
    keys[i] = parts[0] == UINT32_MAX || parts[1] == UINT32_MAX ? UINT64_MAX : key;
  }
  return lost;
}

static void decode_c64(const void *from, char *to, int64_t step, int64_t n) {
  const uint64_t *keys = from;
  for (int64_t i = 0; i < n; i++) {
    uint32_t parts[2] = {(uint32_t)(keys[i] >> 32), (uint32_t)keys[i]};
    decode_f32(parts, to + i * step, 4, 2);
  }
}

const struct mxi_sort_key_kernels MXI_ISA_NAME(mxi_sort_key_kernels) = {
#define KEYS(dtype, name) [dtype] = {encode_##name, decode_##name},
    {KEYS(MX_BOOL, u8) KEYS(MX_UINT8, u8) KEYS(MX_UINT16, u16) KEYS(MX_UINT32, u32) KEYS(MX_UINT64, u64)
     KEYS(MX_INT8, i8) KEYS(MX_INT16, i16) KEYS(MX_INT32, i32) KEYS(MX_INT64, i64) KEYS(MX_FLOAT16, f16)
     KEYS(MX_FLOAT32, f32) KEYS(MX_FLOAT64, f64) KEYS(MX_BFLOAT16, bf16) KEYS(MX_COMPLEX64, c64)}};

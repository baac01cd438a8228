/* float16 and bfloat16 as storage: conversions of one value, rounding to nearest even, NaN kept a NaN. The kernels
 * have vector versions that give the same bits. */
#ifndef MXI_BASE_HALF_H
#define MXI_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t mxi_f32_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

static inline float mxi_f32_from_bits(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

static inline float mxi_bf16_to_f32(uint16_t h) { return mxi_f32_from_bits((uint32_t)h << 16); }

static inline uint16_t mxi_f32_to_bf16(float x) {
  uint32_t u = mxi_f32_bits(x);
  if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* Moves the exponent by a multiplication, which also normalises subnormals. */
static inline float mxi_f16_to_f32(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff);
  if (rest >= 0x7c00) return mxi_f32_from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13 | (rest > 0x7c00 ? 0x400000 : 0));
  float x = mxi_f32_from_bits(rest << 13) * mxi_f32_from_bits(0x77800000); /* 2^112 */
  return mxi_f32_from_bits(mxi_f32_bits(x) | sign);
}

static inline uint16_t mxi_f32_to_f16(float x) {
  uint32_t u = mxi_f32_bits(x), sign = u >> 16 & 0x8000;
  u &= 0x7fffffff;
  if (u > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x3ff));
  if (u >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above round to infinity */
  if (u < 0x38800000) {                                  /* below 2^-14: adding 0.5 rounds at 2^-24 */
    float y = mxi_f32_from_bits(u) + 0.5f;
    return (uint16_t)(sign | (mxi_f32_bits(y) - 0x3f000000));
  }
  return (uint16_t)(sign | (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13);
}

#endif

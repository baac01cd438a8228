/* float16 and bfloat16 to and from float32 over runs: the bits of base/half.h, in vector code. */
#ifndef MXI_KERNELS_ELEMENTWISE_HALF_H
#define MXI_KERNELS_ELEMENTWISE_HALF_H

#if defined(__F16C__)
#include <immintrin.h>
#endif

#include "base/half.h"
#include "elementwise_loops.h"

/* base/half.h without branches */
EW_FN float half_to_f32(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff);
  uint32_t special = 0x7f800000 | (rest & 0x3ff) << 13 | (rest > 0x7c00 ? 0x400000u : 0);
  float normal = vm_from_bits_f32(rest << 13) * 0x1p112f;
  return vm_from_bits_f32(sign | (rest >= 0x7c00 ? special : vm_bits_f32(normal)));
}

EW_FN uint32_t half_from_f32(float x) {
  uint32_t u = vm_bits_f32(x), sign = u >> 16 & 0x8000;
  u &= 0x7fffffff;
  uint32_t small = vm_bits_f32(vm_from_bits_f32(u) + 0.5f) - 0x3f000000;
  uint32_t normal = (u - 0x38000000 + 0xfff + (u >> 13 & 1)) >> 13;
  uint32_t large = u > 0x7f800000 ? 0x7e00 | (u >> 13 & 0x3ff) : 0x7c00;
  return sign | (u >= 0x477ff000 ? large : u < 0x38800000 ? small : normal);
}

EW_FN uint32_t bfloat_bits(float x) { /* rounded, the low 16 bits zero */
  uint32_t u = vm_bits_f32(x);
  uint32_t rounded = u + 0x7fff + (u >> 16 & 1);
  return ((u & 0x7fffffff) > 0x7f800000 ? u | 0x400000 : rounded) & 0xffff0000;
}

/* Whole vectors where the machine converts; the rest of the run one by one. */
static void load_f16(void *out, const void *in, size_t n) {
  mem_f32 *y = out;
  const mem_u16 *x = in;
  size_t i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(y + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(x + i))));
#elif defined(__F16C__)
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(x + i))));
#endif
  for (; i < n; i++) y[i] = half_to_f32(x[i]);
}

static void store_f16(void *out, const void *in, size_t n) {
  mem_u16 *y = out;
  const mem_f32 *x = in;
  size_t i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16)
    _mm256_storeu_si256((void *)(y + i), _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((void *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++) y[i] = (uint16_t)half_from_f32(x[i]);
}

static void round_f16(void *out, const void *in, size_t n) {
  mem_f32 *y = out;
  const mem_f32 *x = in;
  size_t i = 0;
#if defined(__AVX512F__)
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps(y + i, _mm512_cvtph_ps(_mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT)));
#elif defined(__F16C__)
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT)));
#endif
  for (; i < n; i++) y[i] = half_to_f32((uint16_t)half_from_f32(x[i]));
}

static void load_bf16(void *out, const void *in, size_t n) {
  mem_f32 *y = out;
  const mem_u16 *x = in;
  EW_LOOP for (size_t i = 0; i < n; i++) y[i] = vm_from_bits_f32((uint32_t)x[i] << 16);
}

static void store_bf16(void *out, const void *in, size_t n) {
  mem_u16 *y = out;
  const mem_f32 *x = in;
  EW_LOOP for (size_t i = 0; i < n; i++) y[i] = (uint16_t)(bfloat_bits(x[i]) >> 16);
}

static void round_bf16(void *out, const void *in, size_t n) {
  mem_f32 *y = out;
  const mem_f32 *x = in;
  EW_LOOP for (size_t i = 0; i < n; i++) y[i] = vm_from_bits_f32(bfloat_bits(x[i]));
}

#endif

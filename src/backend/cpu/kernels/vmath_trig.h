/* sin, cos and tan of one float32, for every float32: the argument less its nearest multiple of pi, or the odd half
 * multiples for cos, is computed to the last bit however large it is. vm_<f>_f32 does so for any argument; the loops
 * vm_<f>_f32_n are faster: they assume arguments below VM_TRIG_NEAR_F32 and redo a block that holds a larger one. */
#ifndef MXI_KERNELS_VMATH_TRIG_H
#define MXI_KERNELS_VMATH_TRIG_H

#include "vmath_bits.h"

#define VM_TRIG_NEAR_F32 0x1p16f

/* sin(r + low) for |r| <= 1.58 and a low part below r's last bit */
VM_FN float vm_sin_core_f32(float r, float low) {
  float z = r * r;
  float p = VM_POLY(f32, z, -0x1.55554cp-3f, 0x1.110edap-7f, -0x1.9f7064p-13f, 0x1.5db844p-19f);
  return r + vm_fma_f32(r * z, p, low * vm_fma_f32(z, -0.5f, 1.0f));
}

#if VM_HAS_FMA
/* x - n pi as *low plus what is returned, for n below 2^16 */
VM_FN float vm_less_pi_f32(float x, float n, float *low) {
  float a = vm_fma_f32(n, -0x1.921fb6p+1f, x); /* exact */
  float r = vm_fma_f32(n, 0x1.777a5cp-24f, a);
  *low = vm_fma_f32(n, 0x1.ee59dap-49f, vm_fma_f32(n, 0x1.777a5cp-24f, a - r));
  return r;
}
#else
VM_FN float vm_less_pi_f32(float x, float n, float *low) {
  double r = ((double)x - (double)n * 0x1.921fb544p+1) - (double)n * 0x1.0b4611a626331p-33;
  float high = (float)r;
  *low = (float)(r - (double)high);
  return high;
}
#endif

VM_FN float vm_sin_near_f32(float x) {
  float t = vm_fma_f32(x, 0x1.45f306p-2f, VM_MAGIC_F32), low, r = vm_less_pi_f32(x, t - VM_MAGIC_F32, &low);
  float y = vm_sin_core_f32(r, low);
  return vm_from_bits_f32(vm_bits_f32(y) ^ (vm_bits_f32(t) << 31));
}

VM_FN float vm_cos_near_f32(float x) {
  float t = vm_fma_f32(vm_abs_f32(x), 0x1.45f306p-2f, -0.5f) + VM_MAGIC_F32, low;
  float r = vm_less_pi_f32(vm_abs_f32(x), (t - VM_MAGIC_F32) + 0.5f, &low);
  float y = vm_sin_core_f32(r, low);
  return vm_from_bits_f32(vm_bits_f32(y) ^ ((vm_bits_f32(t) ^ 1u) << 31));
}

#endif

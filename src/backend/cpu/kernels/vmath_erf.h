/* The error function and its inverse, of one float32 or float64. */
#ifndef MXI_KERNELS_VMATH_ERF_H
#define MXI_KERNELS_VMATH_ERF_H

#include "vmath_f32.h"
#include "vmath_f64.h"

/* Below 1 an odd polynomial; above, one around 5/2, up to where erf rounds to 1. */
VM_FN float vm_erf_f32(float x) {
  float a = vm_abs_f32(x), z = x * x;
  float low = VM_POLY(f32, z, 0x1.06eba8p-3f, -0x1.81274p-2f, 0x1.ce2d74p-4f, -0x1.b80ac2p-6f, 0x1.552858p-8f,
                      -0x1.b551a2p-11f, 0x1.c41b84p-14f, -0x1.453756p-17f);
  float u = vm_at_most_f32(3.95f, a) - 2.5f;
  float high = VM_POLY(f32, u, 0x1.c5ddbcp-26f, 0x1.1d8092p-9f, -0x1.64e2p-8f, 0x1.11a8bcp-7f, -0x1.1a91dap-7f,
                       0x1.907638p-8f, -0x1.6e622p-9f, 0x1.247902p-11f, 0x1.0bd814p-12f, -0x1.1990acp-12f,
                       0x1.5e5da2p-14f, 0x1.1bf7fap-16f, -0x1.1694d6p-16f, 0x1.4fdae8p-21f, 0x1.10bccp-20f);
  high += 0x1.ffcaa8p-1f;
  return vm_copysign_f32(a < 1.0f ? vm_fma_f32(a, low, a) : high, x);
}

/* Below 1 an odd polynomial; above, 1 - exp(-a a) g(1 / (a + 3)) */
VM_FN double vm_erf_f64(double x) {
  double a = vm_abs_f64(x), z = a * a, c = vm_at_most_f64(6.0, a), t, u = 1.0 / (c + 3.0);
  double low = VM_POLY2(f64, z, z * z, 0x1.06eba8214db69p-3, -0x1.812746b037a31p-2, 0x1.ce2f21a046ba6p-4,
                        -0x1.b82ce313e07b8p-6, 0x1.565bcd4a9983p-8, -0x1.c02dc0acd98b7p-11, 0x1.f9a4e31ca4a28p-14,
                        -0x1.f4fb83ae37803p-17, 0x1.bc8776e2aef3dp-20, -0x1.7d0c7c1a53b3cp-23, 0x1.dfbfeec744ebdp-26,
                        -0x1.3efd023163d55p-27, 0x1.985381033c326p-29, -0x1.f97aa395f63c5p-32);
  double g = VM_POLY(f64, u, 0x1.8b9e845cdabafp-16, 0x1.202dc2f97302ap-1, 0x1.ba0b8bd918e24p+0, 0x1.1240617ad191cp+2,
                     0x1.18ee1600d5b0ep+4, 0x1.5648b4b296656p+0, 0x1.4cae5bc59847cp+7, 0x1.f678928d4b03bp+6,
                     -0x1.999736d1c8921p+10, 0x1.28fbf187e0119p+13, -0x1.85061168e8ab1p+14, 0x1.d28d8080b8071p+14,
                     -0x1.b1ddc6a85973cp+13);
  double r = vm_exp_reduce_f64(-c * c, 2046.0, &t), e = vm_scale_f64(1.0 + vm_expm1_core_f64(r), t);
  return vm_copysign_f64(a < 1.0 ? vm_fma_f64(a, low, a) : 1.0 - e * g, x);
}

/* a (first + rest), rest the smaller: one rounding where there is a fused multiply-add */
VM_FN float vm_times_sum_f32(float a, float first, float rest) {
  return VM_HAS_FMA ? vm_fma_f32(a, first, a * rest) : a * (first + rest);
}

VM_FN double vm_times_sum_f64(double a, double first, double rest) {
  return VM_HAS_FMA ? vm_fma_f64(a, first, a * rest) : a * (first + rest);
}

/* x times a polynomial in w = -log(1 - x x), in sqrt(w) where w is large; the first coefficient has a low part. */
VM_FN float vm_erfinv_f32(float x) {
#if VM_HAS_FMA
  float a = vm_abs_f32(x), left = __builtin_fmaf(-a, a, 1.0f);
#else
  float a = vm_abs_f32(x), left = (float)(1.0 - (double)a * a);
#endif
  float e, r = vm_log_reduce_f32(left, &e), l = vm_log_core_f32(r, e), whole = e * -VM_LN2_HIGH_F32;
  float w = whole - l, u = (whole - 1.5f) - l, v = __builtin_sqrtf(w) - 3.0f;
  float low = VM_POLY(f32, u, -0x1.e2f404p-26f, 0x1.005f02p-2f, 0x1.cd3ce4p-11f, -0x1.123cdp-9f,
                                    0x1.74abe2p-13f, 0x1.8590a2p-16f, -0x1.6912a2p-18f, -0x1.1bb14ap-25f,
                                    0x1.dd9fcep-24f, -0x1.9bca4ep-27f, 0x1.6a0212p-32f);
  float high = VM_POLY(f32, v, -0x1.331bc8p-26f, 0x1.006dcap+0f, 0x1.358168p-7f, -0x1.f4e33ap-8f, 0x1.74b71p-8f,
                       -0x1.d37354p-9f, 0x1.832076p-10f, -0x1.fc605ap-14f, -0x1.2519cap-12f, 0x1.521446p-13f,
                       -0x1.e21b8ap-16f);
  float y = vm_times_sum_f32(a, w < 5.0f ? 0x1.408742p+0f : 0x1.6a9efcp+1f, w < 5.0f ? low : high);
  y = a < 1.0f ? y : VM_NAN_F32;
  return vm_copysign_f32(a == 1.0f ? VM_INF_F32 : y, x);
}

VM_FN double vm_erfinv_f64(double x) {
  double a = vm_abs_f64(x), z = a * a, w = -vm_log_f64((1.0 - z) - vm_product_error_f64(a, a, z));
  double root = __builtin_sqrt(w), u = w - 1.5, v = root - 3.25, t = root - 5.0;
  double low = VM_POLY(f64, u, -0x1.ed61e09c377bep-55, 0x1.005f034b91d75p-2, 0x1.cd40055a3a4b3p-11,
                       -0x1.123ee01129d68p-9, 0x1.74997cbcb217dp-13, 0x1.86b5eb7072631p-16, -0x1.688f8de2da67ep-18,
                       -0x1.177f373241897p-24, 0x1.f9887abc5f1f1p-24, -0x1.f10008832a55dp-28, -0x1.15980d37c1203p-29,
                       0x1.4cdafec3c8eeap-32, 0x1.90f7bf40c8135p-36, -0x1.2500d75124efep-37, 0x1.7bc55a1b537c9p-44,
                       0x1.9947e698f03a1p-43, -0x1.1435653df64bdp-46, -0x1.ba0a3fc9bbaa5p-49, 0x1.7c49049c5048dp-51,
                       -0x1.5688024d244e4p-58, -0x1.dc8aa3fc2739dp-57, 0x1.1d46696acb8e8p-59, -0x1.2c316dc83fd27p-63,
                       0x1.fdf7682ae2f69p-69);
  double mid = VM_POLY(f64, v, -0x1.93cb5b963fd8fp-54, 0x1.0158a6d641d54p+0, 0x1.5ffcfe5b6cdd7p-8,
                       -0x1.ebadabb9fcba3p-9, 0x1.468eeca9402eap-9, -0x1.ba9240da407c9p-10, 0x1.f3cc545f40dd7p-11,
                       -0x1.7448bc4bded4ap-12, 0x1.932e8d719b95cp-16, 0x1.1e6aa91cde6aep-14, -0x1.8cf45b5b6979ap-15,
                       0x1.a2452c6e181cbp-17, 0x1.89989c4abdc4bp-19, -0x1.0b928ddb6643ep-18, 0x1.8dc0c1757df42p-20,
                       -0x1.a1f528f0a50f1p-26, -0x1.07d7788402865p-22, 0x1.10a6204fce096p-23, -0x1.6416359d72f17p-26,
                       -0x1.90c9b5bcfa2dbp-27, 0x1.0597a1891b0f1p-27, -0x1.51ce0c105db62p-30);
  double high = VM_POLY(f64, t, -0x1.5ed06732a956ep-54, 0x1.02a30d1fba10dp+0, -0x1.22ea5df1d19fcp-13,
                        -0x1.c2f36aa247123p-13, 0x1.3ebf4efc3cc91p-14, -0x1.4a348fc3320e1p-16, 0x1.2fbcfcd582a08p-18,
                        -0x1.0a9073ada168ap-20, 0x1.ebe3897852a62p-23, -0x1.222726ca43f5p-24, 0x1.f2802abf22ebap-26,
                        -0x1.0612e24ff4897p-26, 0x1.0cdbcbe462142p-27, -0x1.dd1e4e2ca4e35p-29, 0x1.68dd915408cd6p-30,
                        -0x1.e12571906d16ep-32, 0x1.38fc2583fff2dp-34, 0x1.79699fcb75a35p-35, -0x1.6c91862e792a6p-36);
  double first = w < 6.25 ? 0x1.4087417fcf5eep+0 : (w < 16.0 ? 0x1.8abcc380d5a48p+1 : 0x1.3664ddd1ad7fbp+2);
  double y = vm_times_sum_f64(a, first, w < 6.25 ? low : (w < 16.0 ? mid : high));
  return vm_copysign_f64(a == 1.0 ? VM_INF_F64 : y, x);
}
#endif

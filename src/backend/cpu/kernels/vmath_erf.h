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
  float high = VM_POLY(f32, u, 0x1.c5ddbcp-26f, 0x1.1d8074p-9f, -0x1.64e1fep-8f, 0x1.11a922p-7f, -0x1.1a91e2p-7f,
                       0x1.90734p-8f, -0x1.6e61bep-9f, 0x1.249eb6p-11f, 0x1.0bd4c2p-12f, -0x1.19cad2p-12f,
                       0x1.5e62c2p-14f, 0x1.1d504p-16f, -0x1.1694acp-16f, 0x1.49bacep-21f, 0x1.10aa8ep-20f);
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

/* a (first + rest), rest the smaller, with one rounding */
VM_FN float vm_times_sum_f32(float a, float first, float rest) {
#if VM_HAS_FMA
  return vm_fma_f32(a, first, a * rest);
#else
  return (float)(a * ((double)first + rest));
#endif
}

VM_FN double vm_times_sum_f64(double a, double first, double rest) {
  double s = first + rest, p = a * s;
  return p + (vm_product_error_f64(a, s, p) + a * ((first - s) + rest));
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
  float low = VM_POLY(f32, u, -0x1.e2f404p-26f, 0x1.005f02p-2f, 0x1.cd3ce4p-11f, -0x1.123cdp-9f, 0x1.74abe2p-13f,
                      0x1.8590a2p-16f, -0x1.6912a2p-18f, -0x1.1bb14ap-25f, 0x1.dd9fcep-24f, -0x1.9bca4ep-27f,
                      0x1.6a0212p-32f);
  float high = VM_POLY(f32, v, -0x1.331bc8p-26f, 0x1.006dcap+0f, 0x1.358168p-7f, -0x1.f4e33ap-8f, 0x1.74b71p-8f,
                       -0x1.d37354p-9f, 0x1.832076p-10f, -0x1.fc605ap-14f, -0x1.2519cap-12f, 0x1.521446p-13f,
                       -0x1.e21b8ap-16f);
  float y = vm_times_sum_f32(a, w < 5.0f ? 0x1.408742p+0f : 0x1.6a9efcp+1f, w < 5.0f ? low : high);
  y = a < 1.0f ? y : VM_NAN_F32;
  return vm_copysign_f32(a == 1.0f ? VM_INF_F32 : y, x);
}

/* The shifted arguments of the polynomials have room for what rounding left over of the logarithm and of its root, of which
 * the result, that can lie just below a power of two while they are just above, would feel twice as much. */
VM_FN double vm_erfinv_f64(double x) {
  double a = vm_abs_f64(x), z = a * a, e, r = vm_log_reduce_f64((1.0 - z) - vm_product_error_f64(a, a, z), &e);
  double whole = e * -VM_LN2_HIGH_F64, l = vm_log_core_f64(r, 0.0, e * VM_LN2_LOW_F64), w = whole - l;
  double root = __builtin_sqrt(w), square = root * root;
  double rest = (((w - square) - vm_product_error_f64(root, root, square)) + ((whole - w) - l)) / (root + root);
  double u = (whole - 1.5) - l, v = (root - 3.25) + rest, t = (root - 5.0) + rest;
  double low = VM_POLY(f64, u, -0x1.ed61e09c377bep-55, 0x1.005f034b91d74p-2, 0x1.cd40055a3a464p-11,
                       -0x1.123ee011299eap-9, 0x1.74997cbcb1a6cp-13, 0x1.86b5eb700e1f1p-16, -0x1.688f8de22fddfp-18,
                       -0x1.177f3699f4161p-24, 0x1.f9887a4f2ef4ep-24, -0x1.f1000ebcf7d37p-28, -0x1.1597fe84bccaep-29,
                       0x1.4cdb08942439p-32, 0x1.90f42b8495facp-36, -0x1.24fe60dc5b281p-37, 0x1.7c522bcec3549p-44,
                       0x1.9905181abd12ep-43, -0x1.13c4039d86205p-46, -0x1.b8eb013c9da86p-49, 0x1.78a1dec0184d1p-51,
                       -0x1.927fdc77323fbp-59, -0x1.e8e5d09e0519p-57, 0x1.2288420cf9551p-59, -0x1.31474bd73c126p-63,
                       0x1.034c6c0bff903p-68);
  double mid = VM_POLY(f64, v, -0x1.93cb5b963fd8fp-54, 0x1.0158a6d641d54p+0, 0x1.5ffcfe5b6cdebp-8,
                       -0x1.ebadabb9f930ep-9, 0x1.468eeca93f806p-9, -0x1.ba9240db17cccp-10, 0x1.f3cc545f835c3p-11,
                       -0x1.7448bc1935af1p-12, 0x1.932e8d0de1d7fp-16, 0x1.1e6aa2463d48fp-14, -0x1.8cf45a08986c4p-15,
                       0x1.a24650461e5c3p-17, 0x1.89984553fa7c6p-19, -0x1.0b9a5151ec8c3p-18, 0x1.8dc279a7c7a9cp-20,
                       -0x1.910c7dd26d705p-26, -0x1.07e1f63af2ea3p-22, 0x1.0dccaba17abb3p-23, -0x1.6388b921d004fp-26,
                       -0x1.6e2365104bd13p-27, 0x1.053265368deb5p-27, -0x1.ac9b0e6004296p-30);
  double high = VM_POLY(f64, t, -0x1.5ed06732a956ep-54, 0x1.02a30d1fba10dp+0, -0x1.22ea5df1d03eap-13,
                        -0x1.c2f36aa23cc21p-13, 0x1.3ebf4efbe4a5fp-14, -0x1.4a348fc66545ep-16, 0x1.2fbcfd11cb036p-18,
                        -0x1.0a9072b285d37p-20, 0x1.ebe36191f798bp-23, -0x1.2227521857a59p-24, 0x1.f283d22a9091cp-26,
                        -0x1.0611c7d7db896p-26, 0x1.0ccf4fe5cf71ep-27, -0x1.dd26c19a04728p-29, 0x1.6940913bb984ap-30,
                        -0x1.e10247a8a8f46p-32, 0x1.35afca9bd5e21p-34, 0x1.792c3ae36cd4p-35, -0x1.69a4c314bf06dp-36);
  double first = w < 6.25 ? 0x1.4087417fcf5eep+0 : (w < 16.0 ? 0x1.8abcc380d5a48p+1 : 0x1.3664ddd1ad7fbp+2);
  double y = vm_times_sum_f64(a, first, w < 6.25 ? low : (w < 16.0 ? mid : high));
  y = a < 1.0 ? y : VM_NAN_F64;
  return vm_copysign_f64(a == 1.0 ? VM_INF_F64 : y, x);
}
#endif

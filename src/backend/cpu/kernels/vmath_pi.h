/* Arguments of the circular functions less their nearest multiple of pi / 2, for any float32 or float64: the product
 * with 2 / pi is summed from exact partial products, and what is a multiple of 4 is never computed. The digits needed
 * are chosen by the exponent, so a loop over this gathers from a table. Start at vm_far_f32. */
#ifndef MXI_KERNELS_VMATH_PI_H
#define MXI_KERNELS_VMATH_PI_H

#include "vmath_bits.h"

/* 2 / pi in digits of 24 bits, after three zeros; printed by tools/vmath_coefficients.py */
static const double vm_two_over_pi[] = {
  0x0, 0x0, 0x0, 0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c,
  0x439041, 0xfe5163, 0xabdebb, 0xc561b7, 0x246e3a, 0x424dd2, 0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb,
  0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c, 0x7026b4, 0x5f7e41, 0x3991d6, 0x398353, 0x39f49c,
  0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x5980f, 0xef2f11, 0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09,
  0xb74f46, 0x3f669e, 0x5fea2d, 0x7527ba, 0xc7ebe5, 0xf17b3d, 0x739f7, 0x8a5292, 0xea6bfb, 0x5fb11f,
  0x8d5d08, 0x560330, 0x46fc7b,
};

/* x = y 2^(24 j), 1 <= |y| < 2^24, or y = x and j = 0 for |x| < 1: returns y and j. y is NaN
 * where x is infinite or NaN. */
VM_FN double vm_far_scale(double x, uint64_t *j) {
  double e = vm_from_bits_f64(((vm_bits_f64(x) >> 52) & 0x7ff) | 0x4330000000000000u) - (0x1p52 + 1023.0);
  e = 0.5 * (e + vm_abs_f64(e));                              /* max(e, 0) without a choice: j must not become one */
  double t = (e - 11.5) * (1.0 / 24.0) + VM_MAGIC_F64;        /* e / 24 rounded down, never near a tie */
  *j = vm_bits_f64(t) & 63u;
  return (x - x) + vm_from_bits_f64(vm_bits_f64(x) - (((*j << 4) + (*j << 3)) << 52));
}

/* y less its nearest multiple of 4; exact */
VM_FN double vm_modulo_4(double y) { return y - 4.0 * ((y * 0.25 + VM_MAGIC_F64) - VM_MAGIC_F64); }

/* x 2 / pi less the nearest integer n, for an x with 24 bits; n is in the low bits of *shifted. Until n is known every
 * sum is exact; afterwards only low digits are missing. */
VM_FN double vm_far_f32(double x, double *shifted) {
  uint64_t j;
  double y = vm_far_scale(x, &j);
  double s = vm_modulo_4(y * vm_two_over_pi[j + 1] * 0x1p24) + vm_modulo_4(y * vm_two_over_pi[j + 2]);
  s = vm_modulo_4(s + vm_modulo_4(y * vm_two_over_pi[j + 3] * 0x1p-24));
  double p = y * vm_two_over_pi[j + 4] * 0x1p-48, t = (s + p) + VM_MAGIC_F64;
  *shifted = t;
  s -= t - VM_MAGIC_F64;
  return ((s + p) + y * vm_two_over_pi[j + 5] * 0x1p-72) + y * vm_two_over_pi[j + 6] * 0x1p-96;
}

/* s + p as s, which is returned, and an error added to *low */
VM_FN double vm_far_add(double s, double p, double *low) {
  double t = s + p, b = t - s;
  *low += (s - (t - b)) + (p - b);
  return t;
}

/* s + *low as a sum, which is returned, and what it rounds away */
VM_FN double vm_far_renew(double s, double *low) {
  double rest = *low;
  *low = 0.0;
  return vm_far_add(s, rest, low);
}

/* The same for an x with 53 bits, to the nearest integer n, and times pi / 2: returned plus *low. */
VM_FN double vm_far_f64(double x, double *low, double *shifted) {
  uint64_t j;
  double y = vm_far_scale(x, &j), y1 = vm_from_bits_f64(vm_bits_f64(y) & ~0x7ffffffULL), y2 = y - y1, s = 0, l = 0;
  s = vm_modulo_4(y2 * vm_two_over_pi[j] * 0x1p48) + vm_modulo_4(y1 * vm_two_over_pi[j + 1] * 0x1p24);
  s = vm_modulo_4(s + vm_modulo_4(y2 * vm_two_over_pi[j + 1] * 0x1p24));
  s = vm_modulo_4(s + vm_modulo_4(y1 * vm_two_over_pi[j + 2]));
  s = vm_far_add(s, vm_modulo_4(y2 * vm_two_over_pi[j + 2]), &l);
  s = vm_modulo_4(vm_far_add(s, vm_modulo_4(y1 * vm_two_over_pi[j + 3] * 0x1p-24), &l));
  s = vm_far_add(s, vm_modulo_4(y2 * vm_two_over_pi[j + 3] * 0x1p-24), &l);
  s = vm_far_add(s, y1 * vm_two_over_pi[j + 4] * 0x1p-48, &l);
  s = vm_far_add(s, y2 * vm_two_over_pi[j + 4] * 0x1p-48, &l);
  double t = s + VM_MAGIC_F64;
  *shifted = t;
  s -= t - VM_MAGIC_F64;
  s = vm_far_renew(s, &l);
  s = vm_far_add(s, y1 * vm_two_over_pi[j + 5] * 0x1p-72, &l);
  s = vm_far_add(s, y2 * vm_two_over_pi[j + 5] * 0x1p-72, &l);
  s = vm_far_renew(s, &l);
  s = vm_far_add(s, y1 * vm_two_over_pi[j + 6] * 0x1p-96, &l);
  s = vm_far_add(s, y2 * vm_two_over_pi[j + 6] * 0x1p-96, &l);
  s = vm_far_renew(s, &l);
  l += (y1 + y2) * vm_two_over_pi[j + 7] * 0x1p-120 + y1 * vm_two_over_pi[j + 8] * 0x1p-144;
  s = vm_far_renew(s, &l);
  double high = s * 0x1.921fb54442d18p+0;
  *low = vm_product_error_f64(s, 0x1.921fb54442d18p+0, high) + l * 0x1.921fb54442d18p+0 + s * 0x1.1a62633145c07p-54;
  return high;
}

#endif

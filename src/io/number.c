/* Doubles as decimal text. The value is expanded to all its decimal digits with integers of base 10^9, then rounded
 * once: exact, and free of locale, rounding mode and libm. Start at mxi_text_double. */
#include <string.h>

#include "io/format.h"

#define BASE       1000000000u
#define LIMBS      90 /* 2^53 * 5^1074 has 767 digits */
#define DIGITS_MAX (9 * LIMBS)
#define GENERAL    6 /* significant digits of the default */

/* digits[0] . digits[1] ... * 10^exponent; zero has one digit 0. */
struct decimal {
  int count, exponent;
  char digits[DIGITS_MAX + 1];
};

static int multiply(uint32_t *limbs, int count, uint32_t by) {
  uint64_t carry = 0;
  for (int i = 0; i < count; i++) {
    carry += (uint64_t)limbs[i] * by;
    limbs[i] = (uint32_t)(carry % BASE);
    carry /= BASE;
  }
  if (carry) limbs[count++] = (uint32_t)carry;
  return count;
}

static int multiply_power(uint32_t *limbs, int count, uint32_t base, int times, int step) {
  uint32_t power = 1;
  for (int i = 0; i < step; i++) power *= base;
  for (; times >= step; times -= step) count = multiply(limbs, count, power);
  for (; times > 0; times--) count = multiply(limbs, count, base);
  return count;
}

/* The digits of limbs[count-1] ... limbs[0], without zeros in front. */
static void write_digits(struct decimal *d, const uint32_t *limbs, int count) {
  int n = 0;
  for (int i = count - 1; i >= 0; i--)
    for (uint32_t place = BASE / 10; place; place /= 10) {
      char digit = (char)('0' + limbs[i] / place % 10);
      if (n || digit != '0') d->digits[n++] = digit;
    }
  d->count = n;
}

/* v = mantissa * 2^e is mantissa * 5^-e * 10^e where e < 0. */
static void expand(struct decimal *d, uint64_t bits) {
  int e = (int)(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
  if (e)
    mantissa |= (uint64_t)1 << 52;
  else
    e = 1;
  e -= 1075;
  if (!mantissa) {
    *d = (struct decimal){.count = 1, .digits = "0"};
    return;
  }
  uint32_t limbs[LIMBS] = {(uint32_t)(mantissa % BASE), (uint32_t)(mantissa / BASE)};
  int count = e < 0 ? multiply_power(limbs, 2, 5, -e, 12) : multiply_power(limbs, 2, 2, e, 29);
  write_digits(d, limbs, count);
  d->exponent = d->count - 1 + (e < 0 ? e : 0);
}

static bool rounds_up(const struct decimal *d, int keep) {
  if (keep >= d->count || keep < 0 || d->digits[keep] != '5')
    return keep >= 0 && keep < d->count && d->digits[keep] > '5';
  for (int i = keep + 1; i < d->count; i++)
    if (d->digits[i] != '0') return true;
  return keep > 0 && (d->digits[keep - 1] - '0') % 2;
}

/* Rounds to the first `keep` digits, which may be none, or fewer than none. */
static void round_to(struct decimal *d, int keep) {
  if (keep >= d->count) return;
  bool up = rounds_up(d, keep);
  d->count = keep < 0 ? 0 : keep;
  while (up && d->count && d->digits[d->count - 1] == '9') d->count--;
  if (up && d->count) {
    d->digits[d->count - 1]++;
  } else if (up) {
    d->digits[d->count++] = '1';
    d->exponent++;
  } else if (!d->count) {
    *d = (struct decimal){.count = 1, .digits = "0"};
  }
}

/* The digit at 10^place; zero outside what is written. */
static char digit_at(const struct decimal *d, int place) {
  int i = d->exponent - place;
  return i >= 0 && i < d->count ? d->digits[i] : '0';
}

static void put_fixed(struct mxi_text *t, const struct decimal *d, int decimals) {
  for (int place = d->exponent > 0 ? d->exponent : 0; place >= -decimals; place--) {
    char c = digit_at(d, place);
    if (place == -1) mxi_text_put(t, ".", 1);
    mxi_text_put(t, &c, 1);
  }
}

static void put_scientific(struct mxi_text *t, const struct decimal *d) {
  int e = d->exponent < 0 ? -d->exponent : d->exponent;
  char tail[5] = {'e', d->exponent < 0 ? '-' : '+'};
  int n = 2;
  if (e >= 100) tail[n++] = (char)('0' + e / 100);
  tail[n++] = (char)('0' + e / 10 % 10);
  tail[n++] = (char)('0' + e % 10);
  mxi_text_put(t, d->digits, 1);
  if (d->count > 1) mxi_text_put(t, ".", 1);
  mxi_text_put(t, d->digits + 1, (size_t)d->count - 1);
  mxi_text_put(t, tail, (size_t)n);
}

static void put_general(struct mxi_text *t, struct decimal *d) {
  round_to(d, GENERAL);
  while (d->count > 1 && d->digits[d->count - 1] == '0') d->count--;
  if (d->exponent < -4 || d->exponent >= GENERAL)
    put_scientific(t, d);
  else
    put_fixed(t, d, d->count - 1 > d->exponent ? d->count - 1 - d->exponent : 0);
}

void mxi_text_double(struct mxi_text *t, double v, int precision) {
  uint64_t bits = 0;
  memcpy(&bits, &v, sizeof bits);
  if (bits >> 63) mxi_text_put(t, "-", 1);
  bits &= ~((uint64_t)1 << 63);
  uint64_t infinity = (uint64_t)0x7ff << 52;
  if (bits >= infinity) {
    mxi_text_put(t, bits > infinity ? "nan" : "inf", 3);
    return;
  }
  struct decimal d = {0};
  expand(&d, bits);
  if (precision < 0) {
    put_general(t, &d);
  } else {
    round_to(&d, d.exponent + 1 + precision);
    put_fixed(t, &d, precision);
  }
}

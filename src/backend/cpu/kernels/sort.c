/* Sorts of integers. Few of them are ranked or inserted, more go through a least-significant-digit radix sort, which
 * reads and writes in order of position, keeps the order of equals and takes the same time whatever the keys are.
 * Digits of 11 bits need fewer passes, digits of 8 bits cost less to count; a digit that all keys share is skipped. */
#include <string.h>

#include "backend/cpu/sort.h"

#define FEW_WORDS 64
#define FEW_PAIRS 48
#define MANY 2048 /* where counting 2,048 digits pays */

#define RADIX(name, T, BITS)                                               \
  static T *name(T *a, T *b, int64_t n, int from_bit, int to_bit) {        \
    enum { SIZE = 1 << BITS };                                             \
    T *from = a, *to = b;                                                  \
    for (int shift = from_bit; shift < to_bit; shift += BITS) {            \
      uint32_t at[SIZE] = {0}, sum = 0;                                    \
      for (int64_t i = 0; i < n; i++) at[from[i] >> shift & (SIZE - 1)]++; \
      if (at[from[0] >> shift & (SIZE - 1)] == n) continue;                \
      for (int i = 0; i < SIZE; i++) {                                     \
        uint32_t count = at[i];                                            \
        at[i] = sum;                                                       \
        sum += count;                                                      \
      }                                                                    \
      for (int64_t i = 0; i < n; i++) {                                    \
        T key = from[i];                                                   \
        to[at[key >> shift & (SIZE - 1)]++] = key;                         \
      }                                                                    \
      T *sorted = to;                                                      \
      to = from;                                                           \
      from = sorted;                                                       \
    }                                                                      \
    return from;                                                           \
  }

RADIX(radix8_words, uint32_t, 8)
RADIX(radix11_words, uint32_t, 11)
RADIX(radix8_pairs, uint64_t, 8)
RADIX(radix11_pairs, uint64_t, 11)

/* Each word goes to the place that counts the words before it: no branch depends on a key. */
static void rank(uint32_t *restrict to, const uint32_t *restrict from, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t key = from[i], place = 0;
    for (int64_t j = 0; j < i; j++) place += from[j] <= key;
    for (int64_t j = i + 1; j < n; j++) place += from[j] < key;
    to[place] = key;
  }
}

/* Bits above from_bit decide; those below ascend already among equals. */
static void insert(uint64_t *a, int64_t n, int from_bit) {
  for (int64_t i = 1; i < n; i++) {
    uint64_t key = a[i];
    int64_t j = i;
    for (; j > 0 && a[j - 1] >> from_bit > key >> from_bit; j--) a[j] = a[j - 1];
    a[j] = key;
  }
}

static uint32_t *sort_words(uint32_t *a, uint32_t *b, int64_t n, int to_bit) {
  if (n > FEW_WORDS)
    return n < MANY || to_bit <= 16 ? radix8_words(a, b, n, 0, to_bit) : radix11_words(a, b, n, 0, to_bit);
  rank(b, a, n);
  return b;
}

static uint64_t *sort_pairs(uint64_t *a, uint64_t *b, int64_t n, int from_bit, int to_bit) {
  if (n > FEW_PAIRS) {
    bool narrow = n < MANY || to_bit - from_bit <= 16;
    return narrow ? radix8_pairs(a, b, n, from_bit, to_bit) : radix11_pairs(a, b, n, from_bit, to_bit);
  }
  insert(a, n, from_bit);
  return a;
}

const struct mxi_sort_kernels MXI_ISA_NAME(mxi_sort_kernels) = {sort_words, sort_pairs};

/* A least-significant-digit radix sort in parts: each part counts its digits; a digit's items go first to where those of
 * smaller digits end, then part by part, so that each part knows its places and equal items keep their order. */
#include "backend/cpu/sort_wide.h"

#include <stdatomic.h>
#include <string.h>

#include "base/pool.h"

enum { BITS = 11 };
_Static_assert(1 << BITS == MXI_SORT_DIGITS, "a digit of BITS bits");

/* One pass over a line. */
struct pass {
  const void *from;
  void *to;
  int64_t n;
  int shift;
  uint32_t *counters; /* of part p and digit d at p * MXI_SORT_DIGITS + d: how many; later where the next one goes */
};

static inline int64_t part_begin(int64_t n, int64_t part) { return (int64_t)((uint64_t)n * (uint64_t)part / MXI_SORT_PARTS); }

#define PASS(name, T)                                                                              \
  static void count_##name(void *arg, int64_t begin, int64_t end, int slot) {                      \
    const struct pass *w = arg;                                                                    \
    const T *from = w->from;                                                                       \
    (void)slot;                                                                                    \
    for (int64_t part = begin; part < end; part++) {                                               \
      uint32_t *at = w->counters + part * MXI_SORT_DIGITS;                                         \
      memset(at, 0, MXI_SORT_DIGITS * sizeof *at);                                                 \
      for (int64_t i = part_begin(w->n, part); i < part_begin(w->n, part + 1); i++)                \
        at[from[i] >> w->shift & (MXI_SORT_DIGITS - 1)]++;                                         \
    }                                                                                              \
  }                                                                                                \
  static void move_##name(void *arg, int64_t begin, int64_t end, int slot) {                       \
    const struct pass *w = arg;                                                                    \
    const T *from = w->from;                                                                       \
    T *to = w->to;                                                                                 \
    (void)slot;                                                                                    \
    for (int64_t part = begin; part < end; part++) {                                               \
      uint32_t *at = w->counters + part * MXI_SORT_DIGITS;                                         \
      for (int64_t i = part_begin(w->n, part); i < part_begin(w->n, part + 1); i++) {              \
        T key = from[i];                                                                           \
        to[at[key >> w->shift & (MXI_SORT_DIGITS - 1)]++] = key;                                   \
      }                                                                                            \
    }                                                                                              \
  }
PASS(words, uint32_t)
PASS(pairs, uint64_t)

/* From counts to places. False where all items have one digit, and stay. */
static bool place(struct pass *w) {
  uint32_t sum = 0;
  for (int digit = 0; digit < MXI_SORT_DIGITS; digit++) {
    uint32_t first = sum;
    for (int part = 0; part < MXI_SORT_PARTS; part++) {
      uint32_t *at = &w->counters[part * MXI_SORT_DIGITS + digit], count = *at;
      *at = sum;
      sum += count;
    }
    if (sum - first == w->n) return false;
  }
  return true;
}

static void *sort(struct pass *w, void *a, void *b, int from_bit, int to_bit, mxi_chunk_fn count, mxi_chunk_fn move) {
  w->from = a;
  w->to = b;
  for (w->shift = from_bit; w->shift < to_bit; w->shift += BITS) {
    mxi_parallel(MXI_SORT_PARTS, 1, count, w);
    if (!place(w)) continue;
    mxi_parallel(MXI_SORT_PARTS, 1, move, w);
    w->from = w->to;
    w->to = w->to == a ? b : a;
  }
  return w->to == a ? b : a;
}

uint32_t *mxi_sort_wide_words(uint32_t *a, uint32_t *b, int64_t n, int to_bit, uint32_t *counters) {
  struct pass w = {.n = n, .counters = counters};
  return sort(&w, a, b, 0, to_bit, count_words, move_words);
}

uint64_t *mxi_sort_wide_pairs(uint64_t *a, uint64_t *b, int64_t n, int from_bit, int to_bit, uint32_t *counters) {
  struct pass w = {.n = n, .counters = counters};
  return sort(&w, a, b, from_bit, to_bit, count_pairs, move_pairs);
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */
struct conversion {
  mx_dtype dtype;
  void *keys;
  const char *from;
  char *to;
  uint64_t *pairs;
  int64_t step, n, key_size;
  atomic_bool lossy;
};

static void encode_parts(void *arg, int64_t begin, int64_t end, int slot) {
  struct conversion *x = arg;
  int64_t first = part_begin(x->n, begin), count = part_begin(x->n, end) - first;
  (void)slot;
  char *keys = (char *)x->keys + first * x->key_size;
  if (mxi_sort_key_kernels()->of[x->dtype].encode(keys, x->from + first * x->step, x->step, count)) atomic_store(&x->lossy, true);
}

static void decode_parts(void *arg, int64_t begin, int64_t end, int slot) {
  struct conversion *x = arg;
  int64_t first = part_begin(x->n, begin), count = part_begin(x->n, end) - first;
  (void)slot;
  const char *keys = (const char *)x->keys + first * x->key_size;
  mxi_sort_key_kernels()->of[x->dtype].decode(keys, x->to + first * x->step, x->step, count);
}

static void pair_parts(void *arg, int64_t begin, int64_t end, int slot) {
  struct conversion *x = arg;
  (void)slot;
  for (int64_t i = part_begin(x->n, begin); i < part_begin(x->n, end); i++) {
    uint64_t key = x->key_size == 8 ? ((const uint64_t *)x->keys)[i] >> 32 : ((const uint32_t *)x->keys)[i];
    x->pairs[i] = key << 32 | (uint64_t)i;
  }
}

static int64_t key_size(mx_dtype dtype) { return mxi_itemsizes[dtype] == 8 ? 8 : 4; }

bool mxi_sort_wide_encode(mx_dtype dtype, void *keys, const char *from, int64_t step, int64_t n) {
  struct conversion x = {.dtype = dtype, .keys = keys, .from = from, .step = step, .n = n, .key_size = key_size(dtype)};
  mxi_parallel(MXI_SORT_PARTS, 1, encode_parts, &x);
  return atomic_load(&x.lossy);
}

void mxi_sort_wide_decode(mx_dtype dtype, const void *keys, char *to, int64_t step, int64_t n) {
  struct conversion x = {.dtype = dtype, .keys = (void *)keys, .to = to, .step = step, .n = n, .key_size = key_size(dtype)};
  mxi_parallel(MXI_SORT_PARTS, 1, decode_parts, &x);
}

void mxi_sort_wide_make_pairs(uint64_t *pairs, const void *keys, bool keys_are_long, int64_t n) {
  struct conversion x = {.keys = (void *)keys, .pairs = pairs, .n = n, .key_size = keys_are_long ? 8 : 4};
  mxi_parallel(MXI_SORT_PARTS, 1, pair_parts, &x);
}

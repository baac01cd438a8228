/* The random_bits primitive: for each key a row of bytes, laid out as MLX does. A row of W 32-bit words is cut in two
 * halves; counter (i, j) with i in the first half and j at the same place of the second gives the words i and j. Where
 * W is odd, the word between the halves is the first word of counter (W / 2, 0). A last word that is not full gives its
 * low bytes. */
#include "backend/cpu/random.h"

#include <string.h>

#include "backend/cpu/layout.h"
#include "base/pool.h"

#define BLOCK 4096 /* counters that one call of the kernel takes */

struct bits_run {
  const struct mx_view *keys;
  char *out;
  int64_t row_nbytes, words, blocks; /* of a row; blocks of counters in it */
};

static void load_key(const struct mx_view *keys, int64_t row, uint32_t key[2]) {
  int last = keys->ndim - 1;
  int64_t at = mxi_layout_offset(last, keys->shape, keys->strides, row);
  memcpy(&key[0], keys->data + 4 * at, 4);
  memcpy(&key[1], keys->data + 4 * (at + keys->strides[last]), 4);
}

/* Words [at, at + n) of the row, but no byte past its end. */
static void store_words(const struct bits_run *r, int64_t row, int64_t at, const uint32_t *words, int64_t n) {
  int64_t begin = 4 * at, end = begin + 4 * n;
  if (end > r->row_nbytes) end = r->row_nbytes;
  memcpy(r->out + row * r->row_nbytes + begin, words, (size_t)(end - begin));
}

static void middle_word(const struct bits_run *r, int64_t row, const uint32_t key[2]) {
  uint32_t x, y;
  mxi_random_kernels()->threefry(&x, &y, key, (uint32_t)(r->words / 2), 0, 1);
  store_words(r, row, r->words / 2, &x, 1);
}

static void bits_chunk(void *arg, int64_t begin, int64_t end, int slot) {
  (void)slot;
  const struct bits_run *r = arg;
  const int64_t half = r->words / 2, second = half + r->words % 2;
  uint32_t a[BLOCK], b[BLOCK], key[2];
  for (int64_t at = begin; at < end; at++) {
    int64_t row = at / r->blocks, i = at % r->blocks * BLOCK, n = half - i < BLOCK ? half - i : BLOCK;
    load_key(r->keys, row, key);
    if (i == 0 && r->words % 2) middle_word(r, row, key);
    if (n <= 0) continue;
    bool whole = r->row_nbytes % 4 == 0; /* words need no cut, and lie where words may */
    uint32_t *words = (uint32_t *)(r->out + row * r->row_nbytes);
    mxi_random_kernels()->threefry(whole ? words + i : a, whole ? words + second + i : b, key, (uint32_t)i,
                                   (uint32_t)(second + i), n);
    if (whole) continue;
    store_words(r, row, i, a, n);
    store_words(r, row, second + i, b, n);
  }
}

mx_status mxi_cpu_random_bits(struct mx_task *task) {
  const struct mx_view *keys = &task->in[0], *out = &task->out[0];
  if (!out->size) return MX_OK;
  int64_t rows = keys->size / 2;
  struct bits_run r = {.keys = keys, .out = out->data};
  r.row_nbytes = out->size / rows * (int64_t)mxi_itemsizes[out->dtype];
  r.words = (r.row_nbytes + 3) / 4;
  r.blocks = (r.words / 2 + BLOCK - 1) / BLOCK;
  if (!r.blocks) r.blocks = 1;
  int64_t grain = r.words >= 2 * BLOCK ? 1 : 2 * BLOCK / r.words;
  mxi_parallel(rows * r.blocks, grain, bits_chunk, &r);
  return MX_OK;
}

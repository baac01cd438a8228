/* Random bits, keys and the thread's state. A key is two words; the state is a key kept outside any graph, split in two
 * at each use: one half is the new state, the other is used. Distributions are in random_distributions.c. */
#include "ops/random.h"

#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "ops/layout.h"

static __thread struct {
  uint32_t key[2];
  bool is_seeded;
} state;

static void key_of_seed(uint64_t seed, uint32_t key[2]) {
  key[0] = (uint32_t)(seed >> 32);
  key[1] = (uint32_t)seed;
}

void mxi_random_get_state(uint32_t key[2]) {
  if (!state.is_seeded) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    key_of_seed((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec, state.key);
    state.is_seeded = true;
  }
  memcpy(key, state.key, sizeof state.key);
}

void mxi_random_set_state(const uint32_t key[2]) {
  memcpy(state.key, key, sizeof state.key);
  state.is_seeded = true;
}

MX_API void mx_random_seed(uint64_t seed) {
  uint32_t key[2];
  key_of_seed(seed, key);
  mxi_random_set_state(key);
}

/* ---- Keys -------------------------------------------------------------------------------------------------------- */
static mx_array key_array(struct mxi_ctx *c, const uint32_t key[2]) {
  struct mxi_buffer *b = mxi_buffer_new(2 * sizeof *key);
  if (!b) return mxi_fail_memory(c, "random");
  memcpy(b->data, key, 2 * sizeof *key);
  const int64_t shape[] = {2};
  mx_array a = mxi_node_from_buffer(c, b, MX_UINT32, 1, shape);
  if (!a) mxi_buffer_release(b);
  return a;
}

mx_array mxi_random_key(struct mxi_ctx *c, uint64_t seed) {
  uint32_t key[2];
  key_of_seed(seed, key);
  return key_array(c, key);
}

static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* One counter of Threefry-2x32, as the kernel of random_bits computes it. */
static void threefry(const uint32_t key[2], uint32_t x[2]) {
  static const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda};
  x[0] += keys[0];
  x[1] += keys[1];
  for (uint32_t group = 1; group <= 5; group++) {
    for (int i = 0; i < 4; i++) {
      x[0] += x[1];
      x[1] = rotate(x[1], rotations[(group + 1) % 2][i]) ^ x[0];
    }
    x[0] += keys[group % 3];
    x[1] += keys[(group + 1) % 3] + group;
  }
}

/* The key to use: the caller's, or a fresh one from the thread's state. */
static mx_array use_key(struct mxi_ctx *c, mx_array key) {
  if (!key) {
    uint32_t now[2], first[2] = {0, 2}, second[2] = {1, 3};
    mxi_random_get_state(now);
    threefry(now, first);
    threefry(now, second);
    mxi_random_set_state((const uint32_t[]){first[0], second[0]});
    return key_array(c, (const uint32_t[]){first[1], second[1]});
  }
  MXI_TRY(key = mxi_operand(c, key));
  if (key->dtype != MX_UINT32)
    return mxi_fail(c, MX_ERR_VALUE, "[random] a key is uint32, not %s", mxi_dtype_names[key->dtype]);
  if (key->ndim != 1 || mxi_dims(key)[0] != 2)
    return mxi_fail(c, MX_ERR_VALUE, "[random] a key has shape (2,), not %s", MXI_SHAPE_TEXT(key));
  return key;
}

mx_array mxi_random_split(struct mxi_ctx *c, mx_array key, int64_t count) {
  MXI_TRY(key && mxi_check_shape(c, "random_split", MX_INTS(count, 2), MX_UINT32));
  return mxi_random_bits(c, MX_INTS(count, 2), 4, key);
}

/* ---- Bits -------------------------------------------------------------------------------------------------------- */
/* Keys of shape (.., 2) give bits of shape (.., rest): the mapped axis of a key is one more axis in front. */
static bool bits_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                      int *out_axes) {
  mx_array keys = mxi_batch_first(c, inputs[0], in_axes[0], 1);
  MXI_TRY(keys);
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_dims(keys)[0]};
  for (int i = 0; i < node->ndim; i++) shape[i + 1] = mxi_dims(node)[i];
  outputs[0] =
      mxi_node_make(c, MXI_OP_random_bits, (mx_dtype)node->dtype, node->ndim + 1, shape, &keys, 1, mxi_params(node));
  out_axes[0] = 0;
  return outputs[0] != NULL;
}

const struct mx_prim mxi_prim_random_bits = {.size = sizeof(struct mx_prim), .name = "random_bits", .flags = MX_PRIM_NODIFF,
                                             .params_size = sizeof(struct mxi_params_bits), .vmap = bits_vmap};

mx_array mxi_random_bits(struct mxi_ctx *c, mx_ints shape, int width, mx_array key) {
  if (width != 1 && width != 2 && width != 4)
    return mxi_fail(c, MX_ERR_VALUE, "[random_bits] a width of %d bytes is not 1, 2 or 4", width);
  mx_dtype dtype = width == 1 ? MX_UINT8 : width == 2 ? MX_UINT16 : MX_UINT32;
  MXI_TRY(mxi_check_shape(c, "random_bits", shape, dtype));
  MXI_TRY(key = use_key(c, key));
  struct mxi_params_bits p = {width, 0};
  return mxi_node_make(c, MXI_OP_random_bits, dtype, (int)shape.count, shape.at, &key, 1, &p);
}

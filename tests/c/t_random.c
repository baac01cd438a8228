/* Random numbers: bits against a second writing of the generator and of MLX's layout of counters, keys one by one
 * against many at once, instruction sets and threads bit for bit; distributions against their moments and limits.
 * Recorded values of MLX are replayed by t_golden. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/isa.h"
#include "core/prim.h"
#include "core/thread.h"
#include "plan/program.h"

mx_status mxi_cpu_random_bits(struct mx_task *task);

/* ---- The generator, round by round --------------------------------------------------------------------------------
 */
static void threefry(const uint32_t key[2], uint32_t x, uint32_t y, uint32_t out[2]) {
  static const int by[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const uint32_t k[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda};
  x += k[0], y += k[1];
  for (int round = 0; round < 20; round++) {
    x += y;
    y = (y << by[round % 8] | y >> (32 - by[round % 8])) ^ x;
    if (round % 4 != 3) continue;
    uint32_t s = (uint32_t)round / 4 + 1;
    x += k[s % 3], y += k[(s + 1) % 3] + s;
  }
  out[0] = x, out[1] = y;
}

/* Bytes [0, nbytes) of one key: words i and half + i come from one counter. */
static void bytes_of_key(const uint32_t key[2], char *out, int64_t nbytes) {
  int64_t words = (nbytes + 3) / 4, half = words / 2, odd = words % 2;
  for (int64_t i = 0; i < words; i++) {
    uint32_t pair[2], word;
    if (i < half)
      threefry(key, (uint32_t)i, (uint32_t)(half + odd + i), pair), word = pair[0];
    else if (odd && i == half)
      threefry(key, (uint32_t)half, 0, pair), word = pair[0];
    else
      threefry(key, (uint32_t)(i - half - odd), (uint32_t)i, pair), word = pair[1];
    memcpy(out + 4 * i, &word, (size_t)(nbytes - 4 * i < 4 ? nbytes - 4 * i : 4));
  }
}

static void known_answers_of_the_generator(void **state) {
  (void)state; /* of the authors' reference: counter and key all zeros, all ones, and digits of pi */
  uint32_t out[2];
  threefry((const uint32_t[]){0, 0}, 0, 0, out);
  assert_int_equal(out[0], 0x6b200159);
  assert_int_equal(out[1], 0x99ba4efe);
  threefry((const uint32_t[]){UINT32_MAX, UINT32_MAX}, UINT32_MAX, UINT32_MAX, out);
  assert_int_equal(out[0], 0x1cb996fc);
  assert_int_equal(out[1], 0xbb002be7);
  threefry((const uint32_t[]){0x13198a2e, 0x03707344}, 0x243f6a88, 0x85a308d3, out);
  assert_int_equal(out[0], 0xc4923a9c);
  assert_int_equal(out[1], 0x483df7a0);
}

/* keys of shape (rows, 2), `gap` elements apart along both axes */
static void check_bits(int64_t rows, int64_t per_key, int width, int64_t gap) {
  uint32_t *keys = malloc((size_t)(rows * 2 * gap) * 4);
  const int64_t nbytes = per_key * width;
  char *out = malloc((size_t)(rows * nbytes) + 8), *expected = malloc((size_t)nbytes + 8);
  assert_non_null(keys);
  assert_non_null(out);
  assert_non_null(expected);
  for (int64_t i = 0; i < rows * 2 * gap; i++) keys[i] = (uint32_t)(i * 2654435761u + 12345);
  const int64_t key_shape[] = {rows, 2}, key_strides[] = {2 * gap, gap}, shape[] = {rows, per_key},
                strides[] = {per_key, 1};
  uint8_t dtype = width == 1 ? MX_UINT8 : width == 2 ? MX_UINT16 : MX_UINT32;
  struct mx_view in = {(char *)keys, key_shape, key_strides, rows * 2, 2, MX_UINT32, gap == 1};
  struct mx_view result = {out, shape, strides, rows * per_key, 2, dtype, 1};
  struct mxi_params_bits p = {width, 0};
  struct mx_task task = {.in = &in, .out = &result, .params = &p, .in_count = 1, .out_count = 1};
  memset(out + rows * nbytes, 0x5a, 8);
  assert_int_equal(mxi_cpu_random_bits(&task), MX_OK);
  for (int64_t i = 0; i < rows; i++) {
    bytes_of_key((const uint32_t[]){keys[i * 2 * gap], keys[i * 2 * gap + gap]}, expected, nbytes);
    assert_memory_equal(out + i * nbytes, expected, (size_t)nbytes);
  }
  for (int i = 0; i < 8; i++) assert_int_equal(out[rows * nbytes + i], 0x5a);
  free(keys);
  free(out);
  free(expected);
}

static void bits_follow_the_layout_for_every_width_set_and_number_of_threads(void **state) {
  (void)state;
  static const int64_t counts[] = {1, 2, 3, 4, 5, 7, 8, 31, 64, 65, 1000, 8191, 8192, 16390, 40001};
  int top = (int)mxi_isa();
  for (int isa = 0; isa <= top; isa++)
    for (int threads = 1; threads <= 3; threads++) {
      atomic_store(&mxi_isa_chosen, isa);
      mx_set_num_threads(threads);
      for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int width = 1; width <= 4; width *= 2) {
          check_bits(1, counts[i], width, 1);
          check_bits(counts[i] < 100 ? 301 : 3, counts[i], width, 1 + (int64_t)i % 2);
        }
    }
  atomic_store(&mxi_isa_chosen, top);
  mx_set_num_threads(1);
}

/* ---- Builders ---------------------------------------------------------------------------------------------------- */
static void splitting_gives_the_bits_of_the_key(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array key = mx_random_key(UINT64_C(0x0123456789abcdef));
  const uint32_t *words = mx_data(key);
  assert_int_equal(words[0], 0x01234567);
  assert_int_equal(words[1], 0x89abcdef);
  uint32_t expected[10];
  bytes_of_key(words, (char *)expected, sizeof expected);
  assert_memory_equal(mx_data(mx_random_split(key, 5)), expected, sizeof expected);
  mx_scope_end(s);
}

static void the_state_repeats_after_seeding_and_moves_on_with_use(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  uint32_t first[3][4], split[4];
  mx_array key = mx_random_key(42);
  for (int round = 0; round < 2; round++) {
    mx_random_seed(42);
    for (int i = 0; i < 3; i++) {
      mx_array a = mx_random_bits(MX_INTS(4), 4, NULL);
      if (round) assert_memory_equal(mx_data(a), first[i], sizeof first[i]);
      memcpy(first[i], mx_data(a), sizeof first[i]);
    }
  }
  for (int i = 0; i < 3; i++) { /* the state is the first half of its split, the second half is used */
    mx_copy_to(mx_random_split(key, 2), split, sizeof split);
    mx_array used = mx_from_data(split + 2, MX_INTS(2), MX_UINT32);
    assert_memory_equal(mx_data(mx_random_bits(MX_INTS(4), 4, used)), first[i], sizeof first[i]);
    key = mx_from_data(split, MX_INTS(2), MX_UINT32);
  }
  mx_scope_end(s);
}

static void moments(mx_array a, double *mean, double *deviation, double *least, double *most) {
  int64_t n = mx_size(a);
  const float *x = mx_data(mx_astype(a, MX_FLOAT32));
  assert_non_null(x);
  *mean = *deviation = 0;
  *least = INFINITY, *most = -INFINITY;
  for (int64_t i = 0; i < n; i++) *mean += x[i] / (double)n, *least = fmin(*least, x[i]), *most = fmax(*most, x[i]);
  for (int64_t i = 0; i < n; i++) *deviation += (x[i] - *mean) * (x[i] - *mean) / (double)n;
  *deviation = sqrt(*deviation);
}

/* Within five standard errors: sigma / sqrt(n), and sigma sqrt((kurtosis - 1) / 4n) with kurtosis at most 9. */
static void check_moments(mx_array a, double mean, double deviation, double low, double high) {
  double m, d, least, most, n = (double)mx_size(a);
  moments(a, &m, &d, &least, &most);
  assert_true(fabs(m - mean) <= 5 * deviation / sqrt(n));
  assert_true(fabs(d - deviation) <= 5 * deviation * sqrt(2 / n));
  assert_true(least >= low && most <= high);
}

static void distributions_have_their_moments_and_limits(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array k = mx_random_key(7), zero = mx_scalar_f(0), one = mx_scalar_f(1);
  mx_ints n = MX_INTS(400, 500);
  const mx_dtype floats[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
  const double below_one[] = {1 - 0x1p-24, 1 - 0x1p-11, 1 - 0x1p-8};
  for (int i = 0; i < 3; i++)
    check_moments(mx_random_uniform(zero, one, n, floats[i], k), 0.5, sqrt(1 / 12.), 0, below_one[i]);
  check_moments(mx_random_uniform(mx_f32(-2), mx_f32(6), n, MX_FLOAT32, k), 2, 8 * sqrt(1 / 12.), -2, 6);
  check_moments(mx_random_normal(n, MX_FLOAT32, 0, 1, k), 0, 1, -7, 7);
  check_moments(mx_random_normal(n, MX_FLOAT64, 3, 0.5, k), 3, 0.5, -1, 7);
  check_moments(mx_random_randint(mx_i32(-3), mx_i32(4), n, MX_INT32, k), 0, 2, -3, 3);
  check_moments(mx_random_bernoulli(mx_f32(0.25f), n, k), 0.25, sqrt(0.1875), 0, 1);
  check_moments(mx_random_gumbel(n, MX_FLOAT32, k), 0.57721566490153286, M_PI / sqrt(6), -4, 30);
  check_moments(mx_random_laplace(n, MX_FLOAT32, 1, 2, k), 1, 2 * sqrt(2), -60, 60);
  double deviation = sqrt(1 - 2 * exp(-0.5) / sqrt(2 * M_PI) / erf(sqrt(0.5)));
  check_moments(mx_random_truncated_normal(mx_f32(-1), one, n, MX_FLOAT32, k), 0, deviation, -1, 1);
  mx_scope_end(s);
}

/* The first word of these keys rounds to 2^32 in float32. */
static void uniform_samples_stay_below_one(void **state) {
  (void)state;
  const uint64_t seeds[] = {43287483, 58041651};
  mx_scope s = mx_scope_begin();
  for (int i = 0; i < 2; i++) {
    mx_array key = mx_random_key(seeds[i]), bits = mx_random_bits(MX_INTS(1), 4, key);
    assert_true(*(const uint32_t *)mx_data(bits) >= 0xffffff80u);
    mx_array u = mx_random_uniform(mx_scalar_f(0), mx_scalar_f(1), MX_INTS(1), MX_FLOAT32, key);
    assert_true(*(const float *)mx_data(u) == 0x1.fffffep-1f);
  }
  mx_scope_end(s);
}

static void choices_follow_the_logits(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  const float logits[] = {logf(0.1f), logf(0.6f), logf(0.3f)};
  const double p[] = {0.1, 0.6, 0.3};
  mx_array a = mx_from_data(logits, MX_INTS(3), MX_FLOAT32);
  mx_array draws = mx_random_categorical_many(a, -1, 100000, mx_random_key(1));
  const uint32_t *x = mx_data(draws);
  int64_t counts[3] = {0};
  for (int i = 0; i < 100000; i++) assert_true(x[i] < 3), counts[x[i]]++;
  for (int i = 0; i < 3; i++) assert_true(fabs(counts[i] - 1e5 * p[i]) <= 5 * sqrt(1e5 * p[i] * (1 - p[i])));
  mx_scope_end(s);
}

static void permutations_hold_every_item_once(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  const uint32_t *x = mx_data(mx_random_permutation_of(5000, mx_random_key(3)));
  unsigned char seen[5000] = {0};
  for (int i = 0; i < 5000; i++) assert_true(x[i] < 5000 && !seen[x[i]]++);
  mx_array rows =
      mx_random_permutation(mx_reshape(mx_arange_i(0, 300, 1, MX_INT32), MX_INTS(100, 3)), 0, mx_random_key(3));
  const int32_t *r = mx_data(rows);
  for (int i = 0; i < 100; i++)
    assert_true(r[3 * i] % 3 == 0 && r[3 * i + 1] == r[3 * i] + 1 && r[3 * i + 2] == r[3 * i] + 2);
  mx_scope_end(s);
}

/* The mapped axis of the keys is the front axis of the bits. */
static void mapped_keys_give_the_bits_of_each(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_array keys = mx_transpose(mx_random_split(mx_random_key(9), 6), MX_ALL), one = mx_random_key(1), out = NULL;
  int in_axis = 1, out_axis = -1;
  mx_array node = mx_random_bits(MX_INTS(2, 3), 2, one);
  assert_true(mxi_prims[node->op]->vmap(c, node, &keys, &in_axis, &out, &out_axis));
  assert_int_equal(out_axis, 0);
  const char *all = mx_data(out);
  for (int i = 0; i < 6; i++) {
    mx_array key = mx_take(keys, mx_scalar_i(i), 1);
    assert_memory_equal(all + 12 * i, mx_data(mx_random_bits(MX_INTS(2, 3), 2, key)), 12);
  }
  mx_scope_end(s);
}

static void keys_and_dtypes_are_checked_at_the_call(void **state) {
  (void)state;
  mx_scope s = mx_scope_begin();
  mx_array zero = mx_scalar_f(0), one = mx_scalar_f(1);
  assert_null(mx_random_bits(MX_INTS(2), 4, mx_zeros(MX_INTS(2), MX_INT32)));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_random_bits(MX_INTS(2), 4, mx_zeros(MX_INTS(1, 2), MX_UINT32)));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_random_bits(MX_INTS(2), 3, NULL));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_VALUE);
  assert_null(mx_random_uniform(zero, one, MX_INTS(2), MX_FLOAT64, NULL));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_DTYPE);
  assert_null(mx_random_uniform(mx_zeros(MX_INTS(3), MX_FLOAT32), one, MX_INTS(2), MX_FLOAT32, NULL));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_SHAPE);
  assert_null(mx_random_randint(zero, one, MX_INTS(2), MX_FLOAT32, NULL));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_DTYPE);
  assert_null(mx_random_split(mx_random_key(0), -1));
  assert_int_equal(mx_error_take(NULL, 0), MX_ERR_SHAPE);
  mx_scope_end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers_of_the_generator),
      cmocka_unit_test(bits_follow_the_layout_for_every_width_set_and_number_of_threads),
      cmocka_unit_test(splitting_gives_the_bits_of_the_key),
      cmocka_unit_test(the_state_repeats_after_seeding_and_moves_on_with_use),
      cmocka_unit_test(distributions_have_their_moments_and_limits),
      cmocka_unit_test(uniform_samples_stay_below_one),
      cmocka_unit_test(choices_follow_the_logits),
      cmocka_unit_test(permutations_hold_every_item_once),
      cmocka_unit_test(mapped_keys_give_the_bits_of_each),
      cmocka_unit_test(keys_and_dtypes_are_checked_at_the_call),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

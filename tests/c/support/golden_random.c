/* Recorded random streams: the key is k->key, the operands are what MLX takes after it. */
#include "golden_call.h"

static const mx_ints scalar = {NULL, 0};

static mx_ints shape_of(const struct golden_call *k) { return golden_ints(k, "shape", scalar); }
static mx_ints shape_or_operands(const struct golden_call *k) { return golden_ints(k, "shape", MX_ALL); }
static float real_of(const struct golden_call *k, const char *name, double fallback) {
  return (float)golden_float(k->recorded, name, fallback);
}

static void call_key(struct golden_call *k) {
  golden_give(k, mx_random_key((uint64_t)golden_int(k->recorded, "seed", 0)));
}
static void call_split(struct golden_call *k) {
  golden_give(k, mx_random_split(k->key, golden_int(k->recorded, "num", 2)));
}

static void call_uniform(struct golden_call *k) {
  mx_array low = k->in_count > 0 ? k->in[0] : mx_scalar_f(0), high = k->in_count > 1 ? k->in[1] : mx_scalar_f(1);
  golden_give(k, mx_random_uniform(low, high, shape_of(k), golden_dtype_param(k, MX_FLOAT32), k->key));
}
static void call_normal(struct golden_call *k) {
  golden_give(k, mx_random_normal(shape_of(k), golden_dtype_param(k, MX_FLOAT32), real_of(k, "loc", 0),
                                  real_of(k, "scale", 1), k->key));
}
static void call_randint(struct golden_call *k) {
  golden_give(k, mx_random_randint(k->in[0], k->in[1], shape_of(k), golden_dtype_param(k, MX_INT32), k->key));
}
static void call_bernoulli(struct golden_call *k) {
  mx_array p = k->in_count > 0 ? k->in[0] : mx_scalar_f(0.5);
  golden_give(k, mx_random_bernoulli(p, shape_or_operands(k), k->key));
}
static void call_truncated_normal(struct golden_call *k) {
  golden_give(k, mx_random_truncated_normal(k->in[0], k->in[1], shape_or_operands(k), golden_dtype_param(k, MX_FLOAT32),
                                            k->key));
}
static void call_gumbel(struct golden_call *k) {
  golden_give(k, mx_random_gumbel(shape_of(k), golden_dtype_param(k, MX_FLOAT32), k->key));
}
static void call_laplace(struct golden_call *k) {
  golden_give(k, mx_random_laplace(shape_of(k), golden_dtype_param(k, MX_FLOAT32), real_of(k, "loc", 0),
                                   real_of(k, "scale", 1), k->key));
}

static void call_categorical(struct golden_call *k) {
  int axis = golden_number(k, "axis", -1);
  bool many = !golden_is_none(k->recorded, "num_samples"), shaped = !golden_is_none(k->recorded, "shape");
  if (many && shaped)
    k->unsaid = "a number of samples and a shape are two functions";
  else if (many)
    golden_give(k, mx_random_categorical_many(k->in[0], axis, golden_int(k->recorded, "num_samples", 1), k->key));
  else if (shaped)
    golden_give(k, mx_random_categorical_shaped(k->in[0], axis, shape_of(k), k->key));
  else
    golden_give(k, mx_random_categorical(k->in[0], axis, k->key));
}

static void call_permutation(struct golden_call *k) {
  const struct golden_array *a = &k->recorded->inputs[1];
  golden_give(k, a->kind == GOLDEN_WEAK_INT ? mx_random_permutation_of(a->integer, k->key)
                                            : mx_random_permutation(k->in[0], golden_number(k, "axis", 0), k->key));
}

static void call_multivariate_normal(struct golden_call *k) {
  golden_give(
      k, mx_random_multivariate_normal(k->in[0], k->in[1], shape_of(k), golden_dtype_param(k, MX_FLOAT32), k->key));
}

/* The thread's own state: what README.md lists, in order. */
static void call_state(struct golden_call *k) {
  mx_array zero = mx_scalar_f(0), one = mx_scalar_f(1);
  mx_random_seed((uint64_t)golden_int(k->recorded, "seed", 0));
  k->out[0] = mx_random_uniform(zero, one, MX_SHAPE(3), MX_FLOAT32, NULL);
  k->out[1] = mx_random_normal(MX_SHAPE(3), MX_FLOAT32, 0, 1, NULL);
  k->out[2] = mx_random_randint(mx_scalar_i(0), mx_scalar_i(100), MX_SHAPE(5), MX_INT32, NULL);
  k->out[3] = mx_random_bernoulli(mx_scalar_f(0.5), MX_SHAPE(4), NULL);
  k->out[4] = mx_random_permutation_of(6, NULL);
  k->out[5] = mx_random_uniform(zero, one, MX_SHAPE(2), MX_FLOAT16, NULL);
  k->out[6] = mx_random_uniform(zero, one, scalar, MX_FLOAT32, NULL);
  golden_give_many(k, 7);
}

#define ROW(name) \
  { "random." #name, call_##name }
const struct golden_row golden_random[] = {
    ROW(key),
    ROW(split),
    ROW(uniform),
    ROW(normal),
    ROW(randint),
    ROW(bernoulli),
    ROW(truncated_normal),
    ROW(gumbel),
    ROW(laplace),
    ROW(categorical),
    ROW(permutation),
    ROW(state),
    ROW(multivariate_normal),
    {NULL, NULL},
};

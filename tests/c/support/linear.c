/* See linear.h. */
#include "support/linear.h"

#include <stdlib.h>

#include "core/thread.h"

mx_array linear_numbers(mx_ints shape, mx_dtype dtype, uint64_t seed) {
  int64_t n = 1;
  for (size_t i = 0; i < shape.count; i++) n *= shape.at[i];
  double *x = malloc((size_t)(n + 1) * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    x[i] = (double)(seed >> 33) / (double)(1u << 31) * 16 - 8;
    x[i] = (double)(int)x[i];
  }
  mx_array a = mx_astype(mx_from_data(x, shape, MX_FLOAT64), dtype);
  free(x);
  assert_non_null(a);
  return a;
}

static mx_status apply(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  results[0] = (*(linear_fn *)ctx)(args[0]);
  return results[0] ? MX_OK : MX_ERR_VALUE;
}

static double dot(mx_array a, mx_array b) {
  const double *x = mx_data(a), *y = mx_data(b);
  assert_non_null(x);
  assert_non_null(y);
  double sum = 0;
  for (int64_t i = 0; i < mx_size(a); i++) sum += x[i] * y[i];
  return sum;
}

static bool same(mx_array a, mx_array b) {
  if (!a || !b || mx_ndim(a) != mx_ndim(b) || mx_dtype_of(a) != mx_dtype_of(b)) return false;
  for (int i = 0; i < mx_ndim(a); i++)
    if (mx_dim(a, i) != mx_dim(b, i)) return false;
  const void *x = mx_data(a), *y = mx_data(b);
  return x && y && memcmp(x, y, mx_nbytes(a)) == 0;
}

void linear_check(const char *name, linear_fn f, mx_ints shape) {
  mx_scope s = mx_scope_begin();
  mx_array x = linear_numbers(shape, MX_FLOAT64, 1), u = linear_numbers(shape, MX_FLOAT64, 2), y = NULL, out = NULL;
  mx_array expected = f(u);
  if (!expected) fail_msg("%s: %s", name, mx_error_message());
  if (mx_jvp(apply, &f, &x, &u, 1, &y, 1, &out)) fail_msg("%s: jvp: %s", name, mx_error_message());
  /* adding 0 turns -0 into 0 */
  if (!same(mx_add(out, mx_scalar_f(0)), mx_add(expected, mx_scalar_f(0)))) fail_msg("%s: jvp is not f", name);
  mx_array w = linear_numbers(mx_shape(expected), MX_FLOAT64, 3);
  if (mx_vjp(apply, &f, &x, 1, &w, 1, &y, &out)) fail_msg("%s: vjp: %s", name, mx_error_message());
  if (!same(mx_zeros_like(out), mx_zeros_like(x))) fail_msg("%s: vjp has another shape than its operand", name);
  if (dot(expected, w) != dot(u, out)) fail_msg("%s: vjp is not the adjoint", name);
  mx_scope_end(s);
}

static void check_mapped(const char *name, node_fn f, const mx_array *batches, const int *axes, size_t count,
                         unsigned mapped) {
  mx_array examples[8], inputs[8], first = NULL, out = NULL;
  int in_axes[8], out_axis = 0;
  size_t some = 0;
  for (size_t i = 0; i < count; i++) {
    in_axes[i] = mapped >> i & 1 ? axes[i] : -1;
    examples[i] = mx_take(batches[i], mx_scalar_i(0), axes[i]);
    inputs[i] = in_axes[i] < 0 ? examples[i] : batches[i];
    if (in_axes[i] >= 0) some = i;
  }
  first = f(examples);
  if (!first) fail_msg("%s: %s", name, mx_error_message());
  assert_int_equal(first->input_count, count);
  for (size_t i = 0; i < count; i++) assert_ptr_equal(mxi_inputs(first)[i], examples[i]);
  if (!mxi_prims[first->op]->vmap(mxi_ctx_thread(), first, inputs, in_axes, &out, &out_axis))
    fail_msg("%s, mapped %u: %s", name, mapped, mx_error_message());
  for (int64_t b = 0; b < mx_dim(batches[some], axes[some]); b++) {
    for (size_t i = 0; i < count; i++)
      if (in_axes[i] >= 0) examples[i] = mx_take(batches[i], mx_scalar_i(b), axes[i]);
    mx_array item = mx_take(out, mx_scalar_i(b), out_axis), expected = f(examples);
    if (!same(item, expected)) fail_msg("%s, mapped %u: item %d differs; %s", name, mapped, (int)b, mx_error_message());
  }
}

void vmap_check(const char *name, node_fn f, const mx_array *batches, const int *axes, size_t count) {
  for (unsigned mapped = 1; mapped < 1u << count; mapped++) {
    mx_scope s = mx_scope_begin();
    check_mapped(name, f, batches, axes, count, mapped);
    mx_scope_end(s);
  }
}

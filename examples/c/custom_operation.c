/* An operation of one's own: all squared distances between the rows of two matrices, d[i, j] = sum_k (a[i, k] - b[j, k])^2.
 * Said with mica's operations it needs an array of rows x rows x columns in between; the kernel here needs none. The
 * program registers the operation with its gradient, compares both with the composition, and times them.
 *
 * Start at main; docs/extending.md explains the parts. */
#include <math.h>
#include <mica/extend.h>
#include <stdio.h>
#include <time.h>

/* ---- The kernel: what the operation computes --------------------------------------------------------------------- */
/* Rows [begin, end) of the result. Inputs may lie in any way: strides tell. */
static void distance_rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct mx_task *task = arg;
  const struct mx_view *a = &task->in[0], *b = &task->in[1], *d = &task->out[0];
  const int64_t columns = a->shape[1], a_step = a->strides[1], b_step = b->strides[1];
  (void)slot;
  for (int64_t i = begin; i < end; i++)
    for (int64_t j = 0; j < b->shape[0]; j++) {
      const float *x = (const float *)a->data + i * a->strides[0], *y = (const float *)b->data + j * b->strides[0];
      float sum = 0;
      for (int64_t k = 0; k < columns; k++) {
        const float difference = x[k * a_step] - y[k * b_step];
        sum += difference * difference;
      }
      ((float *)d->data)[i * b->shape[0] + j] = sum;
    }
}

static mx_status distance_kernel(struct mx_task *task) {
  mx_parallel(task->in[0].shape[0], 4, distance_rows, task);
  return MX_OK;
}

/* ---- The shape rule: what may go in, and what comes out ---------------------------------------------------------- */
static bool distance_shape(mxb_ctx *c, const void *params, const mx_array *in, size_t count, struct mx_result *out) {
  (void)params;
  if (count != 2 || mx_ndim(in[0]) != 2 || mx_ndim(in[1]) != 2 || mx_dim(in[0], 1) != mx_dim(in[1], 1))
    return mxb_raise(c, MX_ERR_SHAPE, "[row_distances] two matrices with rows of one length, please"), false;
  if (mx_dtype_of(in[0]) != MX_FLOAT32 || mx_dtype_of(in[1]) != MX_FLOAT32)
    return mxb_raise(c, MX_ERR_DTYPE, "[row_distances] float32 only"), false;
  out->dtype = MX_FLOAT32;
  out->ndim = 2;
  out->shape[0] = mx_dim(in[0], 0);
  out->shape[1] = mx_dim(in[1], 0);
  return true;
}

/* ---- The gradient ------------------------------------------------------------------------------------------------ */
/* d/da[i] = 2 sum_j g[i, j] (a[i] - b[j]) = 2 (a[i] sum_j g[i, j] - (g @ b)[i]); for b the same with g transposed. What is
 * made here is lent to c, which releases it in time; a NULL goes through every function, and ends as the rule's failure. */
static mx_array one_gradient(mxb_ctx *c, mx_array g, mx_array a, mx_array b) {
  mx_array weight = mxb_lend(c, mxb_sum(c, g, MX_INTS(1), true));
  mx_array here = mxb_lend(c, mxb_multiply(c, weight, a));
  mx_array there = mxb_lend(c, mxb_matmul(c, g, b));
  mx_array half = mxb_lend(c, mxb_subtract(c, here, there));
  return mxb_lend(c, mxb_add(c, half, half));
}

static bool distance_vjp(mxb_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                         mx_array *grads) {
  const mx_array *in = mx_prim_inputs(node, NULL);
  (void)outputs;
  if (wanted & 1 && !(grads[0] = one_gradient(c, cotangents[0], in[0], in[1]))) return false;
  if (!(wanted & 2)) return true;
  mx_array transposed = mxb_lend(c, mxb_transpose(c, cotangents[0], MX_ALL));
  return (grads[1] = one_gradient(c, transposed, in[1], in[0])) != NULL;
}

/* ---- The same with mica's operations: rules that are missing (here: jvp) come from it ---------------------------- */
static bool distance_fallback(mxb_ctx *c, const void *params, const mx_array *in, size_t count, mx_array *out) {
  (void)params, (void)count;
  mx_array a = mxb_lend(c, mxb_expand_dims(c, in[0], MX_INTS(1)));
  mx_array b = mxb_lend(c, mxb_expand_dims(c, in[1], MX_INTS(0)));
  mx_array difference = mxb_lend(c, mxb_subtract(c, a, b));
  mx_array square = mxb_lend(c, mxb_square(c, difference));
  return (out[0] = mxb_lend(c, mxb_sum(c, square, MX_INTS(2), false))) != NULL;
}

/* ---- The operation, as programs call it -------------------------------------------------------------------------- */
static int row_distances_op;

static bool register_row_distances(void) {
  const struct mx_prim prim = {.size = sizeof prim,
                               .name = "row_distances",
                               .shape = distance_shape,
                               .vjp = distance_vjp,
                               .fallback = distance_fallback};
  const struct mx_kernel kernel = {distance_kernel, NULL};
  row_distances_op = mx_prim_register(&prim, &kernel);
  return row_distances_op != 0;
}

static mx_array row_distances(mx_array a, mx_array b) {
  return mx_prim_apply(row_distances_op, NULL, (const mx_array[]){a, b}, 2);
}

static mx_array composed_distances(mx_array a, mx_array b) {
  mx_array difference = mx_subtract(mx_expand_dims(a, MX_INTS(1)), mx_expand_dims(b, MX_INTS(0)));
  return mx_sum(mx_square(difference), MX_INTS(2), false);
}

/* ---- Comparing --------------------------------------------------------------------------------------------------- */
struct way {
  const char *name;
  mx_array (*distances)(mx_array a, mx_array b);
};

/* How near to a point of b the points of a lie, softly. */
static mx_array loss(const mx_array *args, void *ctx) {
  const struct way *way = ctx;
  mx_array d = way->distances(args[0], args[1]);
  return mx_negative(mx_mean(mx_logsumexp(mx_negative(d), MX_INTS(1), false), MX_ALL, false));
}

static double seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Value and gradients of the loss, and the seconds of the second of two calls. */
static mx_status run(struct way *way, const mx_array *points, mx_array *value, mx_array *grads, double *time) {
  for (int i = 0; i < 2; i++) {
    *time = -seconds();
    if (mx_value_and_grad(loss, way, points, 2, value, grads) || mx_eval_many(*value, grads[0], grads[1])) return mx_error();
    *time += seconds();
  }
  return MX_OK;
}

static float largest_difference(mx_array a, mx_array b) { return mx_item_f32(mx_max(mx_abs(mx_subtract(a, b)), MX_ALL, false)); }

int main(void) {
  struct way own = {"kernel", row_distances}, composed = {"composition", composed_distances};
  mx_array points[2], value[2], grads[2][2];
  double time[2];
  mx_random_seed(1);
  if (!register_row_distances()) return fprintf(stderr, "%s\n", mx_error_message()), 1;
  points[0] = mx_random_normal(MX_SHAPE(200, 16), MX_FLOAT32, 0, 1, NULL);
  points[1] = mx_random_normal(MX_SHAPE(300, 16), MX_FLOAT32, 0, 1, NULL);
  if (mx_eval_many(points[0], points[1]) || run(&own, points, &value[0], grads[0], &time[0]) ||
      run(&composed, points, &value[1], grads[1], &time[1]))
    return fprintf(stderr, "%s\n", mx_error_message()), 1;
  float in_value = largest_difference(value[0], value[1]), in_a = largest_difference(grads[0][0], grads[1][0]),
        in_b = largest_difference(grads[0][1], grads[1][1]);
  printf("loss %.5f\n", (double)mx_item_f32(value[0]));
  printf("the kernel and the composition differ by at most %.1e in the loss, %.1e and %.1e in the gradients\n", (double)in_value,
         (double)in_a, (double)in_b);
  printf("%s: %.2f ms, %s: %.2f ms\n", own.name, 1e3 * time[0], composed.name, 1e3 * time[1]);
  /* Distances of about 32 are sums of 16 terms: their roundings are about 16 * 2^-24 * 32 = 3e-5, and move the loss by as
   * much; the gradients are smaller than one. */
  if (mx_error() || !(in_value < 1e-4f && in_a < 1e-4f && in_b < 1e-4f)) return fprintf(stderr, "they differ\n"), 1;
  return 0;
}

/* A program of someone who uses mica, as C11 and as C++17: a sum, a product, a system that needs the BLAS, a call as bindings make
 * it, and an operation of its own. Its argument, if any, is the folder the BLAS must have been loaded from. */
#include <mica.h>
#include <mica/bind.h>
#include <mica/extend.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 64 };

/* Is a file below `folder` mapped into this process? */
static int is_loaded_from(const char *folder) {
  char line[4096];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) found |= strstr(line, folder) != NULL;
  if (maps) fclose(maps);
  return found;
}

/* The largest difference between a @ a and its definition, for a matrix of small integers: exactly 0. */
static float error_of_product(void) {
  static float a[SIDE * SIDE], c[SIDE * SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) a[i] = (float)(i * 7 % 11 - 5);
  mx_array m = mx_from_data(a, MX_SHAPE(SIDE, SIDE), MX_FLOAT32);
  mx_copy_to(mx_matmul(m, m), c, sizeof c);
  float worst = 0;
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      float sum = 0;
      for (int k = 0; k < SIDE; k++) sum += a[i * SIDE + k] * a[k * SIDE + j];
      float difference = sum > c[i * SIDE + j] ? sum - c[i * SIDE + j] : c[i * SIDE + j] - sum;
      if (!(difference <= worst)) worst = difference;
    }
  }
  return worst;
}

/* x where 2 x = 6 and 4 y = 8, plus y: 5. LAPACK solves it. */
static float sum_of_solution(void) {
  const float a[4] = {2, 0, 0, 4}, b[2] = {6, 8};
  mx_array x = mx_linalg_solve(mx_from_data(a, MX_SHAPE(2, 2), MX_FLOAT32), mx_from_data(b, MX_SHAPE(2), MX_FLOAT32));
  return mx_item_f32(mx_sum(x, MX_ALL, false));
}

static mx_status kernel_of_half(struct mx_task *task) {
  ((float *)task->out[0].data)[0] = ((const float *)task->in[0].data)[0] / 2;
  return MX_OK;
}

static bool shape_of_half(mxb_ctx *ctx, const void *params, const mx_array *inputs, size_t count, struct mx_result *result) {
  (void)ctx, (void)params, (void)inputs;
  result->dtype = MX_FLOAT32;
  return count == 1;
}

/* Half of 5, by an operation registered here and called as a binding would. */
static float half_of_five(void) {
  struct mx_prim prim;
  struct mx_kernel kernel = {kernel_of_half, NULL};
  memset(&prim, 0, sizeof prim);
  prim.size = sizeof prim;
  prim.name = "half";
  prim.shape = shape_of_half;
  mxb_ctx *ctx = mxb_ctx_new();
  mx_array five = mxb_constant_f(ctx, 5, MX_FLOAT32), half = NULL;
  float result = 0;
  mxb_prim_apply(ctx, mx_prim_register(&prim, &kernel), NULL, &five, 1, &half);
  mxb_item(ctx, half, &result);
  mxb_release(five);
  mxb_release(half);
  mxb_ctx_free(ctx);
  return result;
}

int main(int argc, char **argv) {
  mx_scope scope = mx_scope_begin();
  float sum = mx_item_f32(mx_add(mx_f32(2), mx_f32(3)));
  float error = error_of_product(), half = half_of_five(), solution = sum_of_solution();
  mx_scope_end(scope);
  if (mx_error()) fprintf(stderr, "mica: %s\n", mx_error_message());
  bool right = sum == 5 && error == 0 && half == 2.5f && solution == 5;
  if (!right) fprintf(stderr, "2 + 3 is %g; the product is off by %g; half of 5 is %g; the solution adds up to %g\n", (double)sum,
                      (double)error, (double)half, (double)solution);
  if (mx_error() || !right) return 1;
  if (argc > 1 && !is_loaded_from(argv[1])) {
    fprintf(stderr, "no BLAS was loaded from %s\n", argv[1]);
    return 1;
  }
  return 0;
}

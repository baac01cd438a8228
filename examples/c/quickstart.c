/* The first program: an expression, its value, and its gradient. */
#include <mica.h>
#include <stdio.h>

static mx_array f(const mx_array *x, void *ctx) {
  (void)ctx;
  return mx_sum(mx_square(mx_sin(x[0])), MX_ALL, false);
}

int main(void) {
  char text[200];
  mx_array x = mx_divide(mx_arange(0, 4, 1, MX_FLOAT32), mx_scalar_f(2)), slope = NULL;
  mx_grad(f, NULL, &x, 1, &slope);
  mx_format(slope, text, sizeof text);
  printf("x is 0, 0.5, 1, 1.5; the gradient of sum(sin(x)^2) is\n%s\n", text);
  if (mx_error()) fprintf(stderr, "%s\n", mx_error_message());
  return mx_error() != MX_OK;
}

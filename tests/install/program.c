/* A program of someone who uses mica, as C11 and as C++17: a sum, and a product that needs the BLAS. Its argument, if
 * any, is the folder the BLAS must have been loaded from. */
#include <mica.h>
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

int main(int argc, char **argv) {
  mx_scope scope = mx_scope_begin();
  float sum = mx_item_f32(mx_add(mx_f32(2), mx_f32(3)));
  float error = error_of_product();
  mx_scope_end(scope);
  if (mx_error()) fprintf(stderr, "mica: %s\n", mx_error_message());
  if (sum != 5 || error != 0) fprintf(stderr, "2 + 3 is %g; the product is off by %g\n", (double)sum, (double)error);
  if (mx_error() || sum != 5 || error != 0) return 1;
  if (argc > 1 && !is_loaded_from(argv[1])) {
    fprintf(stderr, "no BLAS was loaded from %s\n", argv[1]);
    return 1;
  }
  return 0;
}

/* The functions and the operands of ops_calls.def. */
#include "support/ops_calls.h"

#include <ctype.h>
#include <string.h>

enum { RESULTS = 8 };
static char untouched; /* what the list of results holds before the call */
#define UNTOUCHED ((mx_array)(void *)&untouched)
int ops_published_by_failure;

/* Result `k` of an operation with several, which must not have written any of them when it failed. */
static mx_array pick(mx_status status, mx_array *out, int k) {
  for (int i = 0; i < RESULTS && status; i++) ops_published_by_failure += out[i] != UNTOUCHED;
  return status || out[k] == UNTOUCHED ? NULL : out[k];
}

#define A o[OPS_A]
#define B o[OPS_B]
#define Y o[OPS_Y]
#define V o[OPS_V]
#define X o[OPS_X]
#define S o[OPS_S]
#define M o[OPS_M]
#define U o[OPS_U]
#define N o[OPS_N]
#define C o[OPS_C]
#define I o[OPS_I]
#define J o[OPS_J]
#define W o[OPS_W]
#define K o[OPS_K]
#define OUT out
#define PICK(status, k) pick(status, out, k)
#define AX(n) MX_INTS(n)

#define CALL(name, ...)                              \
  static mx_array call_##name(const mx_array *o) { \
    mx_array out[RESULTS] = {UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED}; \
    (void)o, (void)out;                             \
    return __VA_ARGS__;                             \
  }
#include "support/ops_calls.def"
#undef CALL
#undef A
#undef B
#undef Y
#undef V
#undef X
#undef S
#undef M
#undef U
#undef N
#undef C
#undef I
#undef J
#undef W
#undef K

const struct ops_call ops_calls[] = {
#define CALL(name, ...) {#name, call_##name, #__VA_ARGS__},
#include "support/ops_calls.def"
#undef CALL
};
const size_t ops_call_count = sizeof ops_calls / sizeof *ops_calls;

bool ops_reads(const struct ops_call *call, enum ops_operand operand) {
  char letter = "ABYVXSMUNCIJWK"[operand];
  for (const char *p = call->uses; (p = strchr(p, letter)); p++) {
    bool starts = p == call->uses || !(isalnum((unsigned char)p[-1]) || p[-1] == '_' || p[-1] == '"');
    if (starts && !isalnum((unsigned char)p[1]) && p[1] != '_') return true;
  }
  return false;
}

void ops_operands(mx_array *o) {
  static const float a[12] = {0.5f, -1.25f, 2, 3.5f, -0.75f, 1.5f, 4, -2.5f, 0.25f, 6, -3, 1.125f};
  static const float b[12] = {1.5f, 2, -0.5f, 2.5f, 3, -1, 0.5f, 1.25f, -2, 0.75f, 4, 3};
  static const float y[12] = {0.1f, 0.9f, 0.3f, 0.7f, 0.5f, 0.2f, 0.8f, 0.4f, 0.6f, 0.15f, 0.85f, 0.45f};
  static const float s[9] = {4, 1, 0.5f, 1, 3, 0.25f, 0.5f, 0.25f, 2};
  static const int32_t n[12] = {3, -1, 4, 1, -5, 9, 2, -6, 5, 3, 5, 8}, i[2] = {2, 0}, j[6] = {0, 2, 1, 0, 2, 1};
  static const uint8_t u[12] = {1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4}, m[12] = {1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0};
  float c[24];
  for (int k = 0; k < 12; k++) c[2 * k] = a[k], c[2 * k + 1] = b[k];
  const mx_ints shape = MX_INTS(3, 4);
  o[OPS_A] = mx_from_data(a, shape, MX_FLOAT32);
  o[OPS_B] = mx_from_data(b, shape, MX_FLOAT32);
  o[OPS_Y] = mx_from_data(y, shape, MX_FLOAT32);
  o[OPS_V] = mx_from_data((float[]){-1, 0.5f, 1, 2}, MX_INTS(4), MX_FLOAT32);
  o[OPS_X] = mx_from_data((float[]){0.75f}, MX_0D, MX_FLOAT32);
  o[OPS_S] = mx_from_data(s, MX_INTS(3, 3), MX_FLOAT32);
  o[OPS_M] = mx_from_data(m, shape, MX_BOOL);
  o[OPS_U] = mx_from_data(u, shape, MX_UINT8);
  o[OPS_N] = mx_from_data(n, shape, MX_INT32);
  o[OPS_C] = mx_from_data(c, shape, MX_COMPLEX64);
  o[OPS_I] = mx_from_data(i, MX_INTS(2), MX_INT32);
  o[OPS_J] = mx_from_data(j, MX_INTS(3, 2), MX_INT32);
  o[OPS_W] = mx_scalar_f(2);
  o[OPS_K] = mx_from_data((uint32_t[]){3, 5}, MX_INTS(2), MX_UINT32);
}

/* One recorded case in mica's terms: operands as arrays, parameters as the C API takes them. Each family has a table of
 * rows, MLX's name beside a function that makes the call. Start at golden_run. */
#ifndef MICA_TESTS_GOLDEN_CALL_H
#define MICA_TESTS_GOLDEN_CALL_H

#include <mica.h>

#include "golden.h"

struct golden_call {
  const struct golden_case *recorded;
  const char *op;
  mx_array in[GOLDEN_MAX_ARRAYS];
  size_t in_count;
  mx_array key; /* of random.* */
  mx_array out[GOLDEN_MAX_ARRAYS];
  size_t out_count;
  char *text;         /* an answer that is a text, from malloc */
  int dtype;          /* an answer that is a dtype, or -1 */
  const char *unsaid; /* what of the call C's types rule out, or NULL */
};

typedef void (*golden_fn)(struct golden_call *k);
struct golden_row {
  const char *op;
  golden_fn call;
};
extern const struct golden_row golden_elementwise[], golden_layout[], golden_index[], golden_reduce[], golden_make[],
    golden_random[];

/* Makes the call of `recorded` on the current thread; what fails stays pending. False where no row has its operation,
 * then named in k->op. The arrays are in the caller's scope. */
bool golden_run(const struct golden_case *recorded, struct golden_call *k);

/* One result, or `count` of them in k->out. */
void golden_give(struct golden_call *k, mx_array result);
void golden_give_many(struct golden_call *k, size_t count);

/* Parameters; pointers are valid as long as the case. An absent list is `fallback`, None is every axis. */
mx_ints golden_ints(const struct golden_call *k, const char *name, mx_ints fallback);
mx_ints golden_axes(const struct golden_call *k);
mx_dtype golden_dtype_param(const struct golden_call *k, mx_dtype fallback);
int golden_number(const struct golden_call *k, const char *name, int fallback);
bool golden_flag(const struct golden_call *k, const char *name, bool fallback);
bool golden_flattens(const struct golden_call *k, bool when_absent); /* axis=None */

#endif

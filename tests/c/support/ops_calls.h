/* The calls of ops_calls.def as functions, for tests that try every public operation. */
#ifndef MICA_TESTS_OPS_CALLS_H
#define MICA_TESTS_OPS_CALLS_H

#include <mica.h>

enum ops_operand { OPS_A, OPS_B, OPS_Y, OPS_V, OPS_X, OPS_S, OPS_M, OPS_U, OPS_N, OPS_C, OPS_I, OPS_J, OPS_W, OPS_K, OPS_OPERANDS };

struct ops_call {
  const char *name;
  mx_array (*run)(const mx_array *o); /* by enum ops_operand; one result, in the scope */
  const char *uses;                   /* the expression: operand letters stand alone in it */
};
extern const struct ops_call ops_calls[];
extern const size_t ops_call_count;

/* How many results were written by calls that failed: none should. */
extern int ops_published_by_failure;

/* Fresh operands in the current scope. */
void ops_operands(mx_array *o);
/* Whether the call's expression names this operand. */
bool ops_reads(const struct ops_call *call, enum ops_operand operand);

#endif

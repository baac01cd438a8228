/* Operands and parameters of a recorded case, and the calls behind vjp and jvp. */
#include "golden_call.h"

#include <string.h>

mx_ints golden_ints(const struct golden_call *k, const char *name, mx_ints fallback) {
  const struct golden_param *p = golden_param(k->recorded, name);
  if (!p) return fallback;
  if (p->kind == GOLDEN_NONE) return MX_ALL;
  return p->kind == GOLDEN_INT ? (mx_ints){&p->integer, 1} : (mx_ints){p->integers, p->count};
}

mx_ints golden_axes(const struct golden_call *k) { return golden_ints(k, "axis", MX_ALL); }

mx_dtype golden_dtype_param(const struct golden_call *k, mx_dtype fallback) {
  const char *name = golden_str(k->recorded, "dtype", NULL);
  return name ? (mx_dtype)golden_dtype(name) : fallback;
}

int golden_number(const struct golden_call *k, const char *name, int fallback) {
  return (int)golden_int(k->recorded, name, fallback);
}

bool golden_flag(const struct golden_call *k, const char *name, bool fallback) {
  return golden_int(k->recorded, name, fallback) != 0;
}

bool golden_flattens(const struct golden_call *k, bool when_absent) {
  const struct golden_param *p = golden_param(k->recorded, "axis");
  return p ? p->kind == GOLDEN_NONE : when_absent;
}

void golden_give(struct golden_call *k, mx_array result) {
  k->out[0] = result;
  k->out_count = 1;
}

void golden_give_many(struct golden_call *k, size_t count) { k->out_count = count; }

static mx_array operand(const struct golden_array *a) {
  switch (a->kind) {
  case GOLDEN_WEAK_BOOL: return mx_scalar_b(a->integer != 0);
  case GOLDEN_WEAK_INT: return mx_scalar_i(a->integer);
  case GOLDEN_WEAK_FLOAT: return mx_scalar_f(a->re);
  case GOLDEN_WEAK_COMPLEX: return mx_scalar_c(a->re, a->im);
  case GOLDEN_ARRAY: break;
  }
  return mx_from_data(a->data, (mx_ints){a->shape, (size_t)a->ndim}, (mx_dtype)a->dtype);
}

static golden_fn find(const char *op) {
  static const struct golden_row *const families[] = {golden_elementwise, golden_layout, golden_index,
                                                      golden_reduce,      golden_make,   golden_random};
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const struct golden_row *row = families[f]; row->op; row++)
      if (strcmp(row->op, op) == 0) return row->call;
  return NULL;
}

/* random.*: the first operand is the key. */
static void call(golden_fn fn, struct golden_call *k) {
  if (strncmp(k->op, "random.", 7) == 0 && k->in_count) {
    k->key = k->in[0];
    memmove(k->in, k->in + 1, --k->in_count * sizeof *k->in);
  }
  fn(k);
}

/* What vjp and jvp differentiate: the operation of the case as a function of the operands that `wrt` lists. */
struct differentiated {
  struct golden_call *outer;
  golden_fn fn;
  mx_ints wrt;
};

static mx_status apply(const mx_array *args, size_t count, mx_array *results, size_t result_count, void *ctx) {
  const struct differentiated *d = ctx;
  struct golden_call k = *d->outer;
  for (size_t i = 0; i < count; i++) k.in[d->wrt.at ? (size_t)d->wrt.at[i] : i] = args[i];
  call(d->fn, &k);
  if (mx_error()) return mx_error();
  if (k.out_count != result_count) return mx_raise(MX_ERR_VALUE, "%zu results, not %zu", k.out_count, result_count);
  memcpy(results, k.out, result_count * sizeof *results);
  return MX_OK;
}

static void differentiate(struct golden_call *k, golden_fn fn) {
  const struct golden_case *c = k->recorded;
  struct differentiated d = {k, fn, golden_ints(k, "wrt", (mx_ints){NULL, k->in_count})};
  mx_array primals[GOLDEN_MAX_ARRAYS], cotangents[GOLDEN_MAX_ARRAYS], values[GOLDEN_MAX_ARRAYS],
      found[GOLDEN_MAX_ARRAYS];
  for (size_t i = 0; i < d.wrt.count; i++) primals[i] = k->in[d.wrt.at ? (size_t)d.wrt.at[i] : i];
  for (size_t i = 0; i < c->cotangent_count; i++) cotangents[i] = operand(&c->cotangents[i]);
  bool forward = strcmp(c->op, "jvp") == 0;
  size_t count = forward ? c->output_count : d.wrt.count;
  mx_status status = forward ? mx_jvp(apply, &d, primals, cotangents, d.wrt.count, values, count, found)
                             : mx_vjp(apply, &d, primals, d.wrt.count, cotangents, c->cotangent_count, values, found);
  if (status) return;
  memcpy(k->out, found, count * sizeof *found);
  k->out_count = count;
}

bool golden_run(const struct golden_case *recorded, struct golden_call *k) {
  *k = (struct golden_call){.recorded = recorded, .in_count = recorded->input_count, .dtype = -1};
  k->op = golden_str(recorded, "of", recorded->op);
  golden_fn fn = find(k->op);
  if (!fn) return false;
  for (size_t i = 0; i < k->in_count; i++) k->in[i] = operand(&recorded->inputs[i]);
  if (k->op == recorded->op)
    call(fn, k);
  else
    differentiate(k, fn);
  return true;
}

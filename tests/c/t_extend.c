/* mica/extend.h: primitives that join at run time, and kernels in the place of mica's own. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mica/extend.h>

#include "base/memory.h"
#include "core/thread.h"

static mx_scope scope;
static int64_t live_before;

static int setup(void **state) {
  (void)state;
  live_before = mxi_live_nodes();
  scope = mx_scope_begin();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  mx_scope_end(scope);
  bool clean = !mx_error();
  mx_error_clear();
  return !clean || mxi_live_nodes() != live_before;
}

static void expect(mx_status code, const char *part) {
  if (mx_error() != code || !strstr(mx_error_message(), part))
    fail_msg("error %d, \"%s\", not %d with \"%s\"", mx_error(), mx_error_message(), code, part);
  mx_error_clear();
}

static float at(mx_array a, int i) {
  const float *p = mx_data(a);
  return p ? p[i] : NAN;
}

static mx_array numbers(int64_t rows, int64_t columns) {
  return mx_reshape(mx_arange(1, (double)(rows * columns) + 1, 1, MX_FLOAT32), MX_INTS(rows, columns));
}

/* ---- y = scale * x ** 2 + power, elementwise: one primitive, told in several ways ---------------------------------- */
struct params {
  double scale; /* VALUE */
  int64_t shift; /* STRUCTURE */
};
static const struct mx_field fields[] = {{MX_FIELD_VALUE, MX_FIELD_I64, offsetof(struct params, scale), "scale"},
                                         {MX_FIELD_STRUCTURE, MX_FIELD_I64, offsetof(struct params, shift), "shift"},
                                         {MX_FIELD_END, 0, 0, NULL}};

static bool like_input(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, struct mx_result *r) {
  (void)params;
  if (count != 1 || mx_dtype_of(inputs[0]) != MX_FLOAT32) return mxb_raise(c, MX_ERR_DTYPE, "[quadratic] one float32 array"), false;
  r->dtype = MX_FLOAT32;
  r->ndim = mx_ndim(inputs[0]);
  if (r->ndim) memcpy(r->shape, mx_shape(inputs[0]).at, (size_t)r->ndim * sizeof *r->shape);
  return true;
}

static float element(const struct mx_view *v, int64_t i) {
  int64_t at = 0;
  for (int d = v->ndim - 1; d >= 0; d--) {
    at += i % v->shape[d] * v->strides[d];
    i /= v->shape[d];
  }
  return ((const float *)v->data)[at];
}

struct loop {
  const struct mx_task *task;
  const struct params *p;
};

static void rows(void *arg, int64_t begin, int64_t end, int slot) {
  const struct loop *l = arg;
  (void)slot;
  for (int64_t i = begin; i < end; i++) {
    float x = element(&l->task->in[0], i);
    ((float *)l->task->out[0].data)[i] = (float)l->p->scale * x * x + (float)l->p->shift;
  }
}

static mx_status quadratic_kernel(struct mx_task *task) {
  if (task->size < sizeof *task || task->in_count != 1 || task->out_count != 1 || !task->out[0].contiguous)
    return mx_task_fail(task, MX_ERR_VALUE, "the task is not what was promised");
  mx_parallel(task->out[0].size, 16, rows, &(struct loop){task, task->params});
  return MX_OK;
}

static mx_array scaled(mxb_ctx *c, double scale, mx_array a) {
  mx_array s = mxb_lend(c, mxb_scalar_f(c, scale));
  return a ? mxb_lend(c, mxb_multiply(c, s, a)) : NULL;
}

/* d y / d x = 2 scale x */
static bool quadratic_vjp(mxb_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted, mx_array *grads) {
  (void)outputs, (void)wanted;
  size_t count;
  const mx_array *in = mx_prim_inputs(node, &count);
  const struct params *p = mx_prim_params(node);
  mx_array d = scaled(c, 2 * p->scale, in[0]);
  return d && (grads[0] = mxb_lend(c, mxb_multiply(c, d, cotangents[0])));
}

static bool quadratic_jvp(mxb_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents, mx_array *out) {
  return quadratic_vjp(c, node, outputs, tangents, 1, out);
}

static bool quadratic_fallback(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, mx_array *results) {
  (void)count;
  const struct params *p = params;
  mx_array y = scaled(c, p->scale, mxb_lend(c, mxb_square(c, inputs[0]))), shift = mxb_lend(c, mxb_scalar_i(c, p->shift));
  return y && shift && (results[0] = mxb_lend(c, mxb_add(c, y, shift)));
}

enum { BY_RULES, BY_KERNEL, BY_FALLBACK, WAYS };
static const char *const names[WAYS] = {"t_extend_rules", "t_extend_kernel", "t_extend_fallback"};

static int quadratic(int way) {
  static int ops[WAYS];
  struct mx_prim prim = {.size = sizeof prim, .name = names[way], .params_size = sizeof(struct params), .fields = fields, .shape = like_input};
  if (way == BY_RULES) prim.vjp = quadratic_vjp, prim.jvp = quadratic_jvp;
  if (way != BY_RULES) prim.fallback = quadratic_fallback;
  if (!ops[way]) ops[way] = mx_prim_register(&prim, way == BY_FALLBACK ? NULL : &(struct mx_kernel){quadratic_kernel, NULL});
  return ops[way];
}

static mx_array apply(int way, double scale, int64_t shift, mx_array x) {
  return mx_prim_apply(quadratic(way), &(struct params){scale, shift}, &x, 1);
}

static void a_primitive_computes_what_its_kernel_says(void **state) {
  (void)state;
  mx_array a = numbers(3, 40), t = mx_transpose(a, MX_ALL), part = mx_slice(a, MX_INTS(2, 39), MX_INTS(-4, 0), MX_INTS(-1, -3));
  mx_array operands[] = {a, t, part, mx_broadcast_to(mx_f32(3), MX_INTS(2, 2)), mx_zeros(MX_INTS(0, 4), MX_FLOAT32), mx_f32(2)};
  for (int way = 0; way < WAYS; way++)
    for (size_t k = 0; k < sizeof operands / sizeof *operands; k++) {
      mx_array y = apply(way, 0.5, 3, mx_exp(mx_log(operands[k]))), x = mx_exp(mx_log(operands[k]));
      mx_array expected = mx_add(mx_multiply(mx_scalar_f(0.5), mx_square(x)), mx_scalar_i(3));
      assert_int_equal(mx_ndim(y), mx_ndim(x));
      bool same;
      assert_int_equal(mx_item(mx_allclose(y, expected, 1e-6, 0, false), &same), MX_OK);
      if (!same) fail_msg("way %d, operand %zu", way, k);
    }
}

static void parameters_of_every_role_count(void **state) {
  (void)state;
  mx_array x = mx_from_data((float[]){1, 2}, MX_INTS(2), MX_FLOAT32);
  for (int round = 0; round < 3; round++)
    for (int scale = 1; scale < 4; scale++)
      for (int shift = 0; shift < 3; shift++) assert_float_equal(at(apply(BY_KERNEL, scale, shift, x), 1), 4 * scale + shift, 0);
}

static mx_array loss(const mx_array *x, void *ctx) { return mx_sum(mx_exp(apply(*(int *)ctx, 0.25, 1, x[0])), MX_ALL, false); }

static mx_array loss_of_grad(const mx_array *x, void *ctx) {
  mx_array g;
  return mx_grad(loss, ctx, x, 1, &g) ? NULL : mx_sum(g, MX_ALL, false);
}

static mx_status direct(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  y[0] = apply(*(int *)ctx, 0.25, 1, x[0]);
  return MX_OK;
}

/* f = exp(x^2 / 4 + 1), f' = x/2 f, f'' = (1/2 + x^2/4) f */
static void derivatives_come_from_rules_or_from_the_fallback(void **state) {
  (void)state;
  for (int way = 0; way < WAYS; way++) {
    mx_array x = mx_from_data((float[]){0.5f, -1}, MX_INTS(2), MX_FLOAT32), g, h, y, t;
    assert_int_equal(mx_grad(loss, &way, &x, 1, &g), MX_OK);
    assert_int_equal(mx_grad(loss_of_grad, &way, &x, 1, &h), MX_OK);
    assert_int_equal(mx_jvp(direct, &way, &x, &x, 1, &y, 1, &t), MX_OK);
    for (int i = 0; i < 2; i++) {
      float v = i ? -1 : 0.5f, f = expf(v * v / 4 + 1);
      assert_float_equal(at(g, i), v / 2 * f, 4e-6f);
      assert_float_equal(at(h, i), (0.5f + v * v / 4) * f, 8e-6f);
      assert_float_equal(at(t, i), v * v / 2, 1e-6f);
    }
  }
}

/* ---- Several outputs ---------------------------------------------------------------------------------------------- */
static bool two_like_inputs(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, struct mx_result *r) {
  if (count != 2) return mxb_raise(c, MX_ERR_VALUE, "[both] two inputs"), false;
  return like_input(c, params, inputs, 1, &r[0]) && like_input(c, params, inputs, 1, &r[1]);
}

static mx_status both_kernel(struct mx_task *task) {
  float *scratch = task->scratch;
  for (int64_t i = 0; i < task->out[0].size; i++) {
    scratch[i] = element(&task->in[0], i);
    ((float *)task->out[0].data)[i] = scratch[i] + element(&task->in[1], i);
    ((float *)task->out[1].data)[i] = scratch[i] * element(&task->in[1], i);
  }
  return MX_OK;
}

static size_t both_scratch(const struct mx_task *task) { return (size_t)task->out[0].size * sizeof(float); }

static bool both_fallback(mxb_ctx *c, const void *params, const mx_array *in, size_t count, mx_array *results) {
  (void)params, (void)count;
  results[0] = mxb_lend(c, mxb_add(c, in[0], in[1]));
  results[1] = mxb_lend(c, mxb_multiply(c, in[0], in[1]));
  return results[0] && results[1];
}

static int both(void) {
  static int op;
  struct mx_prim prim = {.size = sizeof prim, .name = "t_extend_both", .shape = two_like_inputs, .fallback = both_fallback, .output_count = 2};
  if (!op) op = mx_prim_register(&prim, &(struct mx_kernel){both_kernel, both_scratch});
  return op;
}

static mx_array both_loss(const mx_array *x, void *ctx) {
  (void)ctx;
  mx_array out[2];
  if (mx_prim_apply_many(both(), NULL, x, 2, out)) return NULL;
  return mx_sum(mx_multiply(out[0], out[1]), MX_ALL, false);
}

static mx_array first_loss(const mx_array *x, void *ctx) {
  mx_array out[2], operands[2] = {x[0], ctx};
  return mx_prim_apply_many(both(), NULL, operands, 2, out) ? NULL : mx_sum(out[0], MX_ALL, false);
}

static mx_status products(const mx_array *x, size_t count, mx_array *y, size_t result_count, void *ctx) {
  (void)count, (void)result_count;
  return mx_prim_apply_many(both(), NULL, (mx_array[]){ctx, x[0]}, 2, y);
}

static void derivatives_that_do_not_flow_are_zero(void **state) {
  (void)state;
  mx_array x = mx_from_data((float[]){3, 5}, MX_INTS(2), MX_FLOAT32), other = mx_from_data((float[]){7, 8}, MX_INTS(2), MX_FLOAT32), g, y[2], t[2];
  assert_int_equal(mx_grad(first_loss, other, &x, 1, &g), MX_OK); /* of the second output nothing is asked */
  assert_float_equal(at(g, 1), 1, 0);
  assert_int_equal(mx_jvp(products, other, &x, &x, 1, y, 2, t), MX_OK); /* the first operand does not move */
  assert_float_equal(at(t[0], 1), 5, 0);
  assert_float_equal(at(t[1], 1), 40, 0);
}

static void several_outputs_differentiate(void **state) {
  (void)state;
  mx_array x[2] = {mx_from_data((float[]){1, 2}, MX_INTS(2), MX_FLOAT32), mx_from_data((float[]){3, 5}, MX_INTS(2), MX_FLOAT32)}, g[2], value;
  assert_int_equal(mx_value_and_grad(both_loss, NULL, x, 2, &value, g), MX_OK);
  assert_float_equal(at(value, 0), 12 + 70, 0); /* (a + b) a b */
  assert_float_equal(at(g[0], 1), 45, 0);       /* 2ab + b^2 */
  assert_float_equal(at(g[1], 1), 24, 0);       /* a^2 + 2ab */
  assert_null(mx_prim_apply(both(), NULL, x, 2));
  expect(MX_ERR_VALUE, "mx_prim_apply_many");
}

/* ---- Views -------------------------------------------------------------------------------------------------------- */
static bool reversed(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape, struct mx_layout *out) {
  (void)params;
  *out = *in;
  out->ndim = ndim;
  if (shape[0]) out->offset += (shape[0] - 1) * in->strides[0] * (int64_t)itemsize;
  out->strides[0] = -in->strides[0];
  return true;
}

static void a_view_shares_the_memory(void **state) {
  (void)state;
  static int op;
  struct mx_prim prim = {.size = sizeof prim, .name = "t_extend_reverse", .flags = MX_PRIM_VIEW, .shape = like_input, .view = reversed};
  if (!op) op = mx_prim_register(&prim, NULL);
  mx_array x = mx_from_data((float[]){1, 2, 3}, MX_INTS(3), MX_FLOAT32), y = mx_prim_apply(op, NULL, &x, 1);
  assert_float_equal(at(mx_add(y, x), 0), 4, 0);
  assert_float_equal(at(y, 0), 3, 0);
  assert_int_equal(mx_strides(y).at[0], -1);
  mx_array g;
  assert_int_equal(mx_grad(loss, &(int){BY_RULES}, &y, 1, &g), MX_OK);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------- */
static void refuse(struct mx_prim prim, const struct mx_kernel *kernel, const char *part) {
  assert_int_equal(mx_prim_register(&prim, kernel), 0);
  expect(MX_ERR_VALUE, part);
}

static void wrong_descriptions_are_refused(void **state) {
  (void)state;
  const struct mx_kernel k = {quadratic_kernel, NULL};
  const struct mx_prim good = {.size = sizeof good, .name = "t_extend_wrong", .shape = like_input};
  struct mx_prim p = good;
  quadratic(BY_RULES);
  assert_int_equal(mx_prim_register(NULL, &k), 0);
  expect(MX_ERR_VALUE, "`prim`");
  p.name = "t_extend_rules", refuse(p, &k, "already");
  p.name = "add", refuse(p, &k, "called add already");
  p.name = "", refuse(p, &k, "name");
  p = good, p.size = 3, refuse(p, &k, "size");
  p = good, p.shape = NULL, refuse(p, &k, "shape rule");
  refuse(good, NULL, "neither a kernel nor a fallback");
  refuse(good, &(struct mx_kernel){0}, "neither a kernel nor a fallback");
  p = good, p.flags = MX_PRIM_LEAF, refuse(p, &k, "flags");
  p = good, p.flags = MX_PRIM_VIEW, refuse(p, &k, "view rule");
  p = good, p.output_count = 65, refuse(p, &k, "outputs");
  p = good, p.params_free = free, p.params_size = 8, refuse(p, &k, "8 bytes");
  p = good, p.params_size = 8, p.fields = fields, refuse(p, &k, "field `shift`");
  p.fields = (const struct mx_field[]){{MX_FIELD_SIZE, 9, 0, "odd"}, {MX_FIELD_END, 0, 0, NULL}}, refuse(p, &k, "field `odd`");
  p.fields = (const struct mx_field[]){{MX_FIELD_SIZE, MX_FIELD_I64, 4, "odd"}, {MX_FIELD_END, 0, 0, NULL}}, refuse(p, &k, "field `odd`");
  struct {
    struct mx_prim prim;
    void *later;
  } newer = {good, "something this version does not know"};
  newer.prim.size = sizeof newer;
  assert_int_equal(mx_prim_register(&newer.prim, &k), 0);
  expect(MX_ERR_VALUE, "does not know");
  assert_int_equal(mx_prim_find("t_extend_wrong"), 0);
  assert_int_equal(mx_prim_find("t_extend_rules"), quadratic(BY_RULES));
  assert_true(mx_prim_find("add") > 0);
}

static void wrong_calls_are_refused(void **state) {
  (void)state;
  mx_array x = mx_f32(1), out;
  struct params p = {1, 0};
  int op = quadratic(BY_RULES);
  assert_null(mx_prim_apply(mx_prim_find("add"), NULL, (mx_array[]){x, x}, 2));
  expect(MX_ERR_VALUE, "not a registered primitive");
  assert_null(mx_prim_apply(-1, &p, &x, 1));
  expect(MX_ERR_VALUE, "-1");
  assert_null(mx_prim_apply(op, NULL, &x, 1));
  expect(MX_ERR_VALUE, "`params`");
  assert_null(mx_prim_apply(op, &p, NULL, 1));
  expect(MX_ERR_VALUE, "`inputs`");
  assert_null(mx_prim_apply(op, &p, (mx_array[]){NULL}, 1));
  expect(MX_ERR_VALUE, "`inputs`");
  assert_null(mx_prim_apply(op, &p, (mx_array[]){mx_i32(1)}, 1));
  expect(MX_ERR_DTYPE, "[quadratic] one float32 array");
  assert_int_equal(mx_prim_apply_many(op, &p, &x, 1, NULL), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`results`");
  mxb_ctx *c = mxb_ctx_new();
  assert_int_equal(mxb_prim_apply(c, op, &p, (mx_array[]){NULL}, 1, &out), MX_ERR_VALUE);
  assert_int_equal(mx_error(), MX_OK);
  mxb_ctx_free(c);
  assert_null(mx_prim_inputs(NULL, NULL));
  assert_null(mx_prim_params(NULL));
}

static bool nowhere(mxb_ctx *c, const void *params, const mx_array *inputs, size_t count, struct mx_result *r) {
  (void)c, (void)count;
  int64_t what = *(const int64_t *)params;
  if (what == 0) return false;
  like_input(c, NULL, inputs, 1, r);
  if (what == 1) r->ndim = MX_MAX_NDIM + 1;
  if (what == 2) r->ndim = 1, r->shape[0] = -1;
  if (what == 3) r->dtype = (mx_dtype)77;
  return true;
}

static mx_status failing_kernel(struct mx_task *task) { return mx_task_fail(task, MX_ERR_INDEX, "row %d is missing", 5); }

static void what_fails_names_the_primitive(void **state) {
  (void)state;
  static int op;
  struct mx_prim prim = {.size = sizeof prim, .name = "t_extend_fails", .params_size = 8, .flags = MX_PRIM_FALLIBLE, .shape = nowhere};
  if (!op) op = mx_prim_register(&prim, &(struct mx_kernel){failing_kernel, NULL});
  static const mx_status codes[] = {MX_ERR_VALUE, MX_ERR_SHAPE, MX_ERR_SHAPE, MX_ERR_DTYPE};
  mx_array x = mx_f32(1);
  for (int64_t what = 0; what < 4; what++) {
    assert_null(mx_prim_apply(op, &what, &x, 1));
    expect(codes[what], "[t_extend_fails]");
  }
  mx_array y = mx_prim_apply(op, &(int64_t){9}, &x, 1);
  assert_int_equal(mx_eval(y), MX_ERR_INDEX);
  expect(MX_ERR_INDEX, "[t_extend_fails] row 5 is missing");
}

static mx_array no_gradient(const mx_array *x, void *ctx) {
  static int op;
  struct mx_prim prim = {.size = sizeof prim, .name = "t_extend_no_gradient", .shape = like_input};
  if (!op) op = mx_prim_register(&prim, &(struct mx_kernel){failing_kernel, NULL});
  (void)ctx;
  return mx_sum(mx_prim_apply(op, NULL, x, 1), MX_ALL, false);
}

static void without_rule_and_fallback_there_is_no_gradient(void **state) {
  (void)state;
  mx_array x = mx_f32(1), g;
  assert_int_equal(mx_grad(no_gradient, NULL, &x, 1, &g), MX_ERR_UNSUPPORTED);
  expect(MX_ERR_UNSUPPORTED, "[t_extend_no_gradient] has no gradient");
}

/* ---- Backends ------------------------------------------------------------------------------------------------------ */
static mx_status nothing(const struct mx_cluster *cluster, const void *const *in, void *const *out) {
  (void)cluster, (void)in;
  *(float *)out[0] = 42;
  return MX_OK;
}

static int sorts;
static mx_status counted(struct mx_task *task) {
  sorts++;
  memcpy(task->out[0].data, task->in[0].data, (size_t)task->in[0].size * 4);
  return MX_OK;
}

static mx_status seven(struct mx_task *task) {
  *(float *)task->out[0].data = 7;
  return MX_OK;
}

static double sum_of_squares(mx_array x) {
  mx_scope s = mx_scope_begin();
  return at(mx_scope_end_keep(s, mx_sum(mx_square(x), MX_ALL, false)), 0);
}

/* Else a step that mica fuses would go past what was replaced. */
static void a_replaced_reduction_is_not_fused(void **state) {
  (void)state;
  static struct mx_kernel kernels[MX_OP_MAX];
  mx_array x = mx_from_data((float[]){3, 1, 2}, MX_INTS(3), MX_FLOAT32);
  const struct mx_backend mine = {.size = sizeof mine, .name = "mine", .kernels = kernels, .kernel_count = MX_OP_MAX};
  kernels[mx_prim_find("sum")].run = seven;
  assert_float_equal(sum_of_squares(x), 14, 0);
  assert_int_equal(mx_backend_use(&mine), MX_OK);
  assert_float_equal(sum_of_squares(x), 7, 0);
  assert_int_equal(mx_backend_use(NULL), MX_OK);
  assert_float_equal(sum_of_squares(x), 14, 0);
}

static void a_backend_replaces_what_it_has_and_inherits_the_rest(void **state) {
  (void)state;
  static struct mx_kernel kernels[MX_OP_MAX];
  mx_array x = mx_from_data((float[]){3, 1, 2}, MX_INTS(3), MX_FLOAT32);
  kernels[mx_prim_find("sort")].run = counted;
  const struct mx_backend mine = {.size = sizeof mine, .name = "mine", .kernels = kernels, .kernel_count = MX_OP_MAX, .elementwise = nothing};
  assert_float_equal(at(mx_sort(x, 0), 0), 1, 0);
  assert_int_equal(mx_backend_use(&mine), MX_OK);
  assert_float_equal(at(mx_sort(x, 0), 0), 3, 0);
  assert_int_equal(sorts, 1);
  assert_float_equal(at(mx_negative(x), 0), 42, 0);
  assert_float_equal(at(mx_sum(x, MX_ALL, false), 0), 6, 0);
  assert_float_equal(at(apply(BY_KERNEL, 1, 0, x), 0), 9, 0); /* a registered primitive goes on */
  assert_int_equal(mx_backend_use(NULL), MX_OK);
  assert_float_equal(at(mx_sort(x, 0), 0), 1, 0);
  assert_float_equal(at(mx_negative(x), 0), -3, 0);
  assert_int_equal(mx_backend_use(&(struct mx_backend){.size = 1}), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "[backend_use]");
  assert_int_equal(mx_backend_use(&(struct mx_backend){.size = sizeof mine, .kernel_count = 3}), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "`kernels`");
  assert_int_equal(mx_backend_use(&(struct mx_backend){.size = sizeof mine, .kernels = kernels, .kernel_count = MX_OP_MAX + 1}), MX_ERR_VALUE);
  expect(MX_ERR_VALUE, "more than");
}

/* ---- Threads and memory -------------------------------------------------------------------------------------------- */
enum { THREADS = 8 };

static void *join(void *arg) {
  char name[40];
  struct mx_prim prim = {.size = sizeof prim, .name = name, .shape = like_input};
  const struct mx_kernel kernel = {quadratic_kernel, NULL};
  intptr_t got = 0;
  snprintf(name, sizeof name, "t_extend_thread_%d", *(int *)arg);
  if (mx_prim_register(&prim, &kernel) == mx_prim_find(name)) got = mx_prim_find(name);
  snprintf(name, sizeof name, "t_extend_contended");
  mx_prim_register(&prim, &kernel);
  mx_status code = mx_error_take(NULL, 0);
  mx_scope s = mx_scope_begin();
  mx_array x = mx_f32((float)*(int *)arg);
  if (at(apply(BY_KERNEL, 1, 0, x), 0) != (float)(*(int *)arg * *(int *)arg)) got = 0;
  mx_scope_end(s);
  return (void *)(got * 2 + (code == MX_OK));
}

static void threads_register_at_once(void **state) {
  (void)state;
  pthread_t t[THREADS];
  int numbers[THREADS], winners = 0;
  intptr_t got[THREADS];
  quadratic(BY_KERNEL);
  for (int i = 0; i < THREADS; i++) numbers[i] = i, assert_int_equal(pthread_create(&t[i], NULL, join, &numbers[i]), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], (void **)&got[i]);
  for (int i = 0; i < THREADS; i++) {
    winners += got[i] & 1;
    assert_true(got[i] >> 1 > 0);
    for (int k = 0; k < i; k++) assert_int_not_equal(got[i] >> 1, got[k] >> 1);
  }
  assert_int_equal(winners, 1);
}

static bool try_all(const mx_array *x) {
  mx_array g[2], y = apply(BY_KERNEL, 2, 1, x[0]), many[12], z;
  for (int i = 0; i < 12; i++) many[i] = x[0];
  mx_array h = NULL;
  bool ok = y && mx_data(y) && !mx_grad(loss, &(int){BY_RULES}, x, 1, g) && !mx_grad(loss, &(int){BY_KERNEL}, x, 1, &h) &&
            !mx_value_and_grad(both_loss, NULL, x, 2, &z, g) && mx_data(g[1]) && (z = apply(BY_FALLBACK, 2, 1, x[0]));
  if (mx_prim_apply(quadratic(BY_KERNEL), &(struct params){1, 1}, many, 12)) return false; /* the shape rule refuses it */
  if (mx_error() == MX_ERR_DTYPE) mx_error_clear();
  return ok && !mx_error();
}

static void each_allocation_can_fail(void **state) {
  (void)state;
  mx_array x[2] = {mx_from_data((float[]){1, 2}, MX_INTS(2), MX_FLOAT32), mx_from_data((float[]){3, 5}, MX_INTS(2), MX_FLOAT32)};
  for (int warm = 0; warm < 3; warm++) assert_true(try_all(x));
  bool reached = true;
  for (int64_t nth = 1; reached; nth++) {
    int64_t live = mxi_live_nodes();
    mx_scope s = mx_scope_begin();
    mxi_memory_fail_at(nth);
    bool ok = try_all(x);
    reached = mxi_memory_count() >= nth;
    mxi_memory_fail_at(0);
    mx_scope_end(s);
    if (mx_error() != (ok ? MX_OK : MX_ERR_MEMORY)) fail_msg("allocation %lld: %d, \"%s\"", (long long)nth, ok, mx_error_message());
    mx_error_clear();
    assert_int_equal(mxi_live_nodes(), live);
  }
  struct mx_prim prim = {.size = sizeof prim, .name = "t_extend_memory", .shape = like_input};
  mxi_memory_fail_at(1);
  assert_int_equal(mx_prim_register(&prim, &(struct mx_kernel){quadratic_kernel, NULL}), 0);
  mxi_memory_fail_at(0);
  expect(MX_ERR_MEMORY, "[prim_register]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_primitive_computes_what_its_kernel_says),
      TEST(parameters_of_every_role_count),
      TEST(derivatives_come_from_rules_or_from_the_fallback),
      TEST(several_outputs_differentiate),
      TEST(derivatives_that_do_not_flow_are_zero),
      TEST(a_view_shares_the_memory),
      TEST(wrong_descriptions_are_refused),
      TEST(wrong_calls_are_refused),
      TEST(what_fails_names_the_primitive),
      TEST(without_rule_and_fallback_there_is_no_gradient),
      TEST(a_backend_replaces_what_it_has_and_inherits_the_rest),
      TEST(a_replaced_reduction_is_not_fused),
      TEST(threads_register_at_once),
      TEST(each_allocation_can_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The functions of mica/extend.h: applying primitives that registered themselves (run/registry.c). */
#include <mica/extend.h>

#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "bind/own.h"
#include "core/thread.h"
#include "run/registry.h"

void mx_parallel(int64_t count, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int slot), void *arg) {
  if (count > 0 && fn) mxi_parallel(count, grain > 0 ? grain : 1, fn, arg);
}

int mx_prim_register(const struct mx_prim *prim, const struct mx_kernel *kernel) {
  return mxi_prim_register(mxi_ctx_thread(), prim, kernel);
}

int mx_prim_find(const char *name) { return name ? mxi_prim_find(name) : 0; }

mx_status mx_backend_use(const struct mx_backend *backend) {
  struct mxi_ctx *c = mxi_ctx_thread();
  return c->code ? c->code : mxi_backend_use(c, backend);
}

const mx_array *mx_prim_inputs(mx_array node, size_t *count) {
  if (count) *count = node ? node->input_count : 0;
  return node ? mxi_inputs(node) : NULL;
}

const void *mx_prim_params(mx_array node) { return node && mxi_prims[node->op]->params_size ? mxi_params(node) : NULL; }

/* ---- Applying ---------------------------------------------------------------------------------------------------- */
static size_t output_count(const struct mx_prim *prim) { return prim->output_count ? prim->output_count : 1; }

static bool check_results(struct mxi_ctx *c, const struct mx_prim *prim, const struct mx_result *r) {
  for (size_t i = 0; i < output_count(prim); i++) {
    if (r[i].ndim < 0 || r[i].ndim > MX_MAX_NDIM)
      return mxi_fail(c, MX_ERR_SHAPE, "[%s] the shape rule gives %d axes", prim->name, r[i].ndim);
    if (!mxi_check_shape(c, prim->name, (mx_ints){r[i].shape, (size_t)r[i].ndim}, r[i].dtype)) return false;
  }
  return true;
}

static bool make_node(struct mxi_ctx *c, int op, const struct mx_result *r, const void *params, const mx_array *inputs, size_t count,
                      mx_array *out) {
  const struct mx_prim *prim = mxi_prims[op];
  if (output_count(prim) == 1) return (out[0] = mxi_node_make(c, op, r->dtype, r->ndim, r->shape, inputs, count, params)) != NULL;
  struct mxi_output specs[MXI_PRIM_OUTPUTS_MAX];
  for (size_t i = 0; i < output_count(prim); i++) specs[i] = (struct mxi_output){r[i].dtype, r[i].ndim, r[i].shape};
  return !mxi_node_make_many(c, op, specs, (int)output_count(prim), inputs, count, params, out);
}

static bool use_fallback(struct mxi_ctx *c, const struct mx_prim *prim, const void *params, const mx_array *inputs, size_t count,
                         mx_array *out) {
  bool ok = prim->fallback(c, params, inputs, count, out);
  for (size_t i = 0; i < output_count(prim) && ok; i++) ok = out[i] != NULL;
  return ok || mxi_fail(c, MX_ERR_VALUE, "[%s] the fallback gave no array", prim->name);
}

/* `inputs` and `r` are room for the inputs without literals and for what the shape rule says. */
static bool build(struct mxi_ctx *c, int op, const void *params, const mx_array *given, size_t count, mx_array *inputs,
                  struct mx_result *r, mx_array *out) {
  const struct mx_prim *prim = mxi_prims[op];
  for (size_t i = 0; i < count; i++)
    if (!(inputs[i] = mxi_strong(c, given[i]))) return false;
  for (size_t i = 0; i < output_count(prim); i++) r[i].dtype = MX_FLOAT32, r[i].ndim = 0;
  if (!prim->shape(c, params, inputs, count, r))
    return mxi_fail(c, MX_ERR_VALUE, "[%s] the shape rule refuses the inputs", prim->name);
  if (!check_results(c, prim, r)) return false;
  if (mxi_kernels[op].run || prim->flags & MX_PRIM_VIEW) return make_node(c, op, r, params, inputs, count, out);
  return use_fallback(c, prim, params, inputs, count, out);
}

static bool check_call(struct mxi_ctx *c, int op, const void *params, const mx_array *inputs, size_t count, const mx_array *results) {
  if (!mxi_prim_is_registered(op)) return mxi_fail(c, MX_ERR_VALUE, "[prim_apply] %d is not a registered primitive", op);
  const struct mx_prim *prim = mxi_prims[op];
  if (mxi_refused(c, prim->name, "inputs", inputs, count)) return false;
  if (!results || (prim->params_size && !params)) return mxi_null(c, prim->name, results ? "params" : "results");
  if (count || !(prim->flags & (MX_PRIM_VIEW | MX_PRIM_INPLACE))) return true;
  return mxi_fail(c, MX_ERR_VALUE, "[%s] there is no input to lie in", prim->name);
}

#define FEW 8 /* inputs that lie on the stack */

/* How many outputs there are, on c's stack and in `out`; 0 on failure. */
static size_t apply(struct mxi_ctx *c, int op, const void *params, const mx_array *inputs, size_t count, const mx_array *results,
                    mx_array *out) {
  if (!check_call(c, op, params, inputs, count, results)) return 0;
  size_t n = output_count(mxi_prims[op]);
  mx_array few[FEW], *strong = count <= FEW ? few : mxi_malloc(count * sizeof *strong);
  struct mx_result one, *r = n == 1 ? &one : mxi_malloc(n * sizeof *r);
  bool ok = false;
  if (!strong || !r)
    mxi_fail_memory(c, mxi_prims[op]->name);
  else
    ok = build(c, op, params, inputs, count, strong, r, out);
  if (strong != few) mxi_free(strong);
  if (r != &one) mxi_free(r);
  return ok ? n : 0;
}

mx_status mxb_prim_apply(mxb_ctx *ctx, int op, const void *params, const mx_array *inputs, size_t count, mx_array *results) {
  mx_array out[MXI_PRIM_OUTPUTS_MAX];
  size_t mark = ctx->top, n = apply(ctx, op, params, inputs, count, results, out);
  if (!n) {
    mxi_sweep(ctx, mark);
    return ctx->code;
  }
  mxi_own_many(ctx, mark, out, n);
  memcpy(results, out, n * sizeof *out);
  return MX_OK;
}

mx_status mx_prim_apply_many(int op, const void *params, const mx_array *inputs, size_t count, mx_array *results) {
  struct mxi_ctx *c = mxi_ctx_thread();
  mx_array out[MXI_PRIM_OUTPUTS_MAX];
  size_t mark = c->top, n = apply(c, op, params, inputs, count, results, out);
  if (!n) {
    mxi_sweep(c, mark);
    return c->code;
  }
  if (mxi_keep_many(c, mark, out, n)) return c->code;
  memcpy(results, out, n * sizeof *out);
  return MX_OK;
}

mx_array mx_prim_apply(int op, const void *params, const mx_array *inputs, size_t count) {
  struct mxi_ctx *c = mxi_ctx_thread();
  if (mxi_prim_is_registered(op) && output_count(mxi_prims[op]) > 1)
    return mxi_fail(c, MX_ERR_VALUE, "[%s] has %u outputs: use mx_prim_apply_many", mxi_prims[op]->name, mxi_prims[op]->output_count);
  mx_array out;
  return mx_prim_apply_many(op, params, inputs, count, &out) ? NULL : out;
}

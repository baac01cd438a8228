/* What the graph costs: kernels do nothing, so all the time is building, differentiating, collecting, planning from the
 * cache, binding, publishing and freeing. The null kernels are put in place as anyone could, through mica/extend.h.
 * "limit" is the budget. */
#include <mica/extend.h>
#include <stdio.h>

#include "support/timing.h"

static mx_status no_elementwise(const struct mx_cluster *ew, const void *const *in, void *const *out) {
  (void)ew, (void)in, (void)out;
  return MX_OK;
}
static mx_status no_linear(const struct mx_linear *l, const struct mx_cluster *c, const void *const *in, void *const *out, void *s) {
  (void)l, (void)c, (void)in, (void)out, (void)s;
  return MX_OK;
}
static mx_status no_kernel(struct mx_task *task) {
  (void)task;
  return MX_OK;
}

struct work {
  mx_array x, y, w;
  int64_t count;
  mxb_ctx *ctx;
};

static mx_array chain(const mx_array *args, void *ctx) {
  struct work *w = ctx;
  mx_array a = args[0];
  for (int64_t i = 0; i < w->count; i++) a = mx_add(a, w->y);
  return mx_sum(a, MX_ALL, false);
}

static void differentiate(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array g = NULL;
  mx_grad(chain, w, &w->x, 1, &g);
  mx_array keep = mx_retain(g);
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void build_and_run(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(chain(&w->x, w));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

static void one_operation(void *arg) {
  struct work *w = arg;
  mx_scope s = mx_scope_begin();
  mx_array keep = mx_retain(mx_add(w->x, w->y));
  mx_scope_end(s);
  mx_eval(keep);
  mx_release(keep);
}

/* What a binding pays for a call, beside its own cost. */
static void bound_operation(void *arg) {
  struct work *w = arg;
  mxb_release(mxb_add(w->ctx, w->x, w->y));
}

static double best_of(bench_fn f, void *arg, int calls, int rounds) {
  double best = 1e30;
  for (int r = 0; r < rounds; r++) {
    double t = bench_now();
    for (int i = 0; i < calls; i++) f(arg);
    t = (bench_now() - t) / calls;
    if (t < best) best = t;
  }
  return best;
}

static void row(const char *name, double seconds, double budget, const char *note) {
  bench_row(name, (struct bench_pair){seconds, budget}, 1, note);
}

int main(void) {
  static struct mx_kernel kernels[MX_OP_MAX];
  for (int i = 0; i < MX_OP_MAX; i++) kernels[i] = (struct mx_kernel){no_kernel, NULL};
  const struct mx_backend null = {.size = sizeof null, .name = "null", .kernels = kernels, .kernel_count = MX_OP_MAX,
                                  .elementwise = no_elementwise, .linear = no_linear};
  mx_scope s = mx_scope_begin();
  struct work w = {.x = mx_from_data((float[]){1, 2}, MX_SHAPE(2), MX_FLOAT32), .y = mx_from_data((float[]){3, 4}, MX_SHAPE(2), MX_FLOAT32)};
  row("one operation on two elements, built and evaluated", best_of(one_operation, &w, 10000, 20), 0.3e-6, "limit: 0.3 us");
  w.ctx = mxb_ctx_new();
  row("mxb_add built and released, as a binding calls it", best_of(bound_operation, &w, 100000, 20), 60e-9,
      "limit: half of a Python call's 0.12 us");
  mxb_ctx_free(w.ctx);
  mx_backend_use(&null);
  w.count = 20;
  double forward = best_of(build_and_run, &w, 2000, 20);
  row("a node of a cached chain of 20, built and run", forward / 21, 25e-9, "limit: 25 ns");
  double both = best_of(differentiate, &w, 2000, 20);
  row("a call of a differentiated chain of 20", both, 25e-9 * 25, "limit: 25 ns for each of its 25 nodes");
  w.count = 1000000;
  double deep = best_of(build_and_run, &w, 1, 3);
  row("a node of a chain of 1,000,000", deep / 1e6, 50e-9, "limit: 50 ns");
  mx_backend_use(NULL);
  mx_scope_end(s);
  return 0;
}

/* The composition root: the one place that knows every primitive and every backend, and what must happen at a fork. */
#include <pthread.h>

#include "backend/cpu/blas.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/elementwise.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/linear.h"
#include "backend/cpu/reduce.h"
#include "base/buffer.h"
#include "base/pool.h"
#include "core/prim.h"
#include "core/thread.h"
#include "run/registry.h"

#define OP(name, arity, rule, lo, hi, ulp, doc) extern const struct mx_prim mxi_prim_##name;
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#define PRIM(name) extern const struct mx_prim mxi_prim_##name;
#include "core/prims.def"
#undef PRIM

const struct mx_prim *mxi_prims[MX_OP_MAX] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = &mxi_prim_##name,
#include "core/elementwise.def"
#undef OP
#define PRIM(name) [MXI_OP_##name] = &mxi_prim_##name,
#include "core/prims.def"
#undef PRIM
};

static size_t scratch(int op, const struct mx_task *task) { return mxi_kernels[op].scratch ? mxi_kernels[op].scratch(task) : 0; }

static bool can_reduce(int ndim, const int64_t *shape, uint64_t mask) {
  return mxi_backend.reduce && mxi_cpu_can_reduce(ndim, shape, mask);
}

struct mx_kernel *const mxi_kernels = mxi_cpu_kernels;
struct mx_backend mxi_backend = {.size = sizeof mxi_backend, .name = "cpu", .kernels = mxi_cpu_kernels, .kernel_count = MX_OP_MAX,
                                 .elementwise = mxi_cpu_elementwise, .linear = mxi_cpu_linear, .reduce = mxi_cpu_reduce};
const struct mxi_planner mxi_planner = {.scratch = scratch, .linear_scratch = mxi_cpu_linear_scratch, .can_linear = mxi_cpu_can_linear,
                                        .can_reduce = can_reduce, .prepare = mxi_cpu_elementwise_prepare};

MX_API const char *mx_cpu_name(void) { return mxi_isa_name(mxi_isa()); }

/* ---- Fork -------------------------------------------------------------------------------------------------------- */
/* All locks are taken in the order in which they nest, so the child finds none held by a thread it does not have. */
static void before_fork(void) {
  mxi_pool_before_fork();
  mxi_blas_before_fork();
  mxi_streams_before_fork();
  mxi_graph_lock();
  mxi_plan_lock_for_fork();
  mxi_registry_before_fork();
  mxi_thread_before_fork();
  mxi_buffer_lock_for_fork();
}

static void after_fork(bool child) {
  mxi_buffer_unlock_after_fork();
  mxi_thread_after_fork(child);
  mxi_registry_after_fork();
  mxi_plan_unlock_after_fork();
  if (child) {
    mxi_graph_forked();
    mxi_run_fail_all("[eval] the process was forked while this array was being computed");
  }
  mxi_graph_unlock();
  mxi_streams_after_fork(child);
  mxi_blas_after_fork();
  mxi_pool_after_fork(child);
}

static void in_parent(void) { after_fork(false); }
static void in_child(void) { after_fork(true); }

__attribute__((constructor)) static void start(void) {
  mxi_graph_start();
  pthread_atfork(before_fork, in_parent, in_child);
}

/* The composition root: the one place that knows every primitive and every backend. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/elementwise.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/linear.h"
#include "core/prim.h"
#include "run/run.h"

#define OP(name, arity, rule, lo, hi, ulp, doc) extern const struct mx_prim mxi_prim_##name;
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#define PRIM(name) extern const struct mx_prim mxi_prim_##name;
#include "core/prims.def"
#undef PRIM

const struct mx_prim *const mxi_prims[MXI_OP_COUNT] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = &mxi_prim_##name,
#include "core/elementwise.def"
#undef OP
#define PRIM(name) [MXI_OP_##name] = &mxi_prim_##name,
#include "core/prims.def"
#undef PRIM
};

static const struct mxi_backend cpu = {
    .name = "cpu",
    .kernels = mxi_cpu_kernels,
    .elementwise = mxi_cpu_elementwise,
    .linear = mxi_cpu_linear,
    .planner = {.scratch = mxi_cpu_scratch, .linear_scratch = mxi_cpu_linear_scratch, .can_linear = mxi_cpu_can_linear},
};

const struct mxi_backend *mxi_backend = &cpu;

MX_API const char *mx_cpu_name(void) { return mxi_isa_name(mxi_isa()); }

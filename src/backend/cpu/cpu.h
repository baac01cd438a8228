/* The CPU backend, as init.c sees it. */
#ifndef MXI_BACKEND_CPU_CPU_H
#define MXI_BACKEND_CPU_CPU_H

#include "core/prim.h"
#include "plan/program.h"

extern const struct mxi_kernel mxi_cpu_kernels[MXI_OP_COUNT];
size_t mxi_cpu_scratch(int op, const struct mxi_task *task);

#endif

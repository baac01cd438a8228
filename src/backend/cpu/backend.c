/* The table of kernels, from kernels.def. */
#include "backend/cpu/cpu.h"

#define KERNEL(prim) extern mx_status mxi_cpu_##prim(struct mx_task *task);
#define KERNEL_SCRATCH(prim, scratch) KERNEL(prim) extern size_t scratch(const struct mx_task *task);
#include "backend/cpu/kernels.def"
#undef KERNEL
#undef KERNEL_SCRATCH

struct mx_kernel mxi_cpu_kernels[MX_OP_MAX] = {
#define KERNEL(prim) [MXI_OP_##prim] = {mxi_cpu_##prim, NULL},
#define KERNEL_SCRATCH(prim, scratch) [MXI_OP_##prim] = {mxi_cpu_##prim, scratch},
#include "backend/cpu/kernels.def"
};

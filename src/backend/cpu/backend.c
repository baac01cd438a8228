/* The table of kernels, from kernels.def. */
#include "backend/cpu/cpu.h"

#define KERNEL(prim) extern mx_status mxi_cpu_##prim(struct mxi_task *task);
#define KERNEL_SCRATCH(prim, scratch) KERNEL(prim) extern size_t scratch(const struct mxi_task *task);
#include "backend/cpu/kernels.def"
#undef KERNEL
#undef KERNEL_SCRATCH

const struct mxi_kernel mxi_cpu_kernels[MXI_OP_COUNT] = {
#define KERNEL(prim) [MXI_OP_##prim] = {mxi_cpu_##prim, NULL},
#define KERNEL_SCRATCH(prim, scratch) [MXI_OP_##prim] = {mxi_cpu_##prim, scratch},
#include "backend/cpu/kernels.def"
};

size_t mxi_cpu_scratch(int op, const struct mxi_task *task) {
  mxi_scratch_fn scratch = mxi_cpu_kernels[op].scratch;
  return scratch ? scratch(task) : 0;
}

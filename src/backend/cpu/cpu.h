/* The CPU backend, as init.c sees it. */
#ifndef MXI_BACKEND_CPU_CPU_H
#define MXI_BACKEND_CPU_CPU_H

#include "core/prim.h"
#include "plan/program.h"

extern struct mx_kernel mxi_cpu_kernels[MX_OP_MAX]; /* by operation; kernels of registered primitives join */

#endif

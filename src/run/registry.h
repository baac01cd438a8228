/* What joins a running program: primitives, and kernels in the place of mica's own. */
#ifndef MXI_RUN_REGISTRY_H
#define MXI_RUN_REGISTRY_H

#include "run/run.h"

/* The number of a new primitive, whose struct is copied; 0 with c's error set. */
int mxi_prim_register(struct mxi_ctx *c, const struct mx_prim *prim, const struct mx_kernel *kernel);
#define MXI_PRIM_OUTPUTS_MAX 64
int mxi_prim_find(const char *name); /* 0: none */
bool mxi_prim_is_registered(int op);
mx_status mxi_backend_use(struct mxi_ctx *c, const struct mx_backend *backend); /* NULL: mica's own */
void mxi_registry_before_fork(void);
void mxi_registry_after_fork(void);

#endif

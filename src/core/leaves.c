/* Primitives without a kernel: values that are there from the start, and outputs of multi-output operations. */
#include "core/prim.h"

const struct mx_prim mxi_prim_scalar = {.size = sizeof(struct mx_prim), .name = "scalar", .flags = MX_PRIM_LEAF};
const struct mx_prim mxi_prim_array = {.size = sizeof(struct mx_prim), .name = "array", .flags = MX_PRIM_LEAF};
const struct mx_prim mxi_prim_output = {.size = sizeof(struct mx_prim), .name = "output", .params_size = sizeof(struct mxi_params_output)};

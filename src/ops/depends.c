/* depends: an alias of an array that is there only after others are computed. */
#include "base/memory.h"
#include "ops/layout.h"

static bool same_layout(const void *params, const struct mx_layout *in, size_t itemsize, int ndim, const int64_t *shape,
                        struct mx_layout *out) {
  (void)params, (void)itemsize, (void)ndim, (void)shape;
  *out = *in;
  return true;
}

static bool depends_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents, uint64_t wanted,
                        mx_array *grads) {
  (void)c, (void)node, (void)outputs;
  if (wanted & 1) grads[0] = cotangents[0];
  return true;
}

static bool depends_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                        mx_array *output_tangents) {
  (void)c, (void)node, (void)outputs;
  output_tangents[0] = tangents[0];
  return true;
}

static bool depends_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                         int *out_axes) {
  mx_array a = mxi_batch_first(c, inputs[0], in_axes[0], mxi_batch_size(inputs, in_axes, node->input_count));
  out_axes[0] = 0;
  return a && (outputs[0] = mxi_depends(c, a, inputs + 1, node->input_count - 1)) != NULL;
}

const struct mx_prim mxi_prim_depends = {.size = sizeof(struct mx_prim), .name = "depends", .flags = MX_PRIM_VIEW | MX_PRIM_BARRIER,
                                         .view = same_layout, .vjp = depends_vjp, .jvp = depends_jvp, .vmap = depends_vmap};

mx_array mxi_depends(struct mxi_ctx *c, mx_array a, const mx_array *dependencies, size_t count) {
  MXI_TRY(a && (a = mxi_strong(c, a)));
  if (!count) return a;
  mx_array *list = mxi_malloc((count + 1) * sizeof *list);
  if (!list) return mxi_fail_memory(c, "depends");
  bool made = true;
  list[0] = a;
  for (size_t i = 0; made && i < count; i++) made = (list[i + 1] = mxi_strong(c, dependencies[i])) != NULL;
  mx_array result = made ? mxi_node_make(c, MXI_OP_depends, (mx_dtype)a->dtype, a->ndim, mxi_dims(a), list, count + 1, NULL) : NULL;
  mxi_free(list);
  return result;
}

/* Primitives: what can stand in a node. A primitive is a constant struct beside its builder in ops/; the list of all
 * of them, and so their numbers, is core/prims.def. Kernels are found by number in the backend's table. */
#ifndef MXI_CORE_PRIM_H
#define MXI_CORE_PRIM_H

#include "core/ctx.h"
#include "core/params.h"

enum mxi_op {
  MXI_OP_NONE,
#define OP(name, arity, rule, lo, hi, ulp, doc) MXI_OP_##name,
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
  MXI_OP_ELEMENTWISE_END, /* rows of elementwise.def come before this, primitives after */
#define PRIM(name) MXI_OP_##name,
#include "core/prims.def"
#undef PRIM
  MXI_OP_COUNT
};

static inline bool mxi_is_elementwise(int op) { return op > MXI_OP_NONE && op < MXI_OP_ELEMENTWISE_END; }

enum {
  MXI_VIEW = 1,     /* the result can be an alias of input 0: `view` says how */
  MXI_BARRIER = 2,  /* not shared with equal nodes, not fused through */
  MXI_INPLACE = 4,  /* may write into input 0 when that is donated */
  MXI_FALLIBLE = 8, /* its kernel can fail: no earlier leaf of the run is donated */
  MXI_LEAF = 16,    /* holds its value: scalars and arrays */
  MXI_NODIFF = 32,  /* outputs take no cotangent and give no tangent */
};

/* How each parameter takes part in planning. STRUCTURE is in the plan's key; SIZE and VALUE only in the sizing's. */
/* IDENTITY is in neither: a kernel finds it in the node that runs. */
enum mxi_field { MXI_FIELD_END, MXI_STRUCTURE, MXI_SIZE, MXI_VALUE, MXI_IDENTITY };
enum mxi_field_type {
  MXI_I64,
  MXI_I32,
  MXI_INTS64, /* int64_t[MXI_MAX_NDIM], of which as many count as the node or its first input has axes */
  MXI_INTS32
};

struct mxi_field_spec {
  uint8_t role, type;
  uint16_t offset;
  const char *name;
};

/* A layout in planning: where an operand's elements lie, relative to its slot. */
struct mxi_layout {
  int64_t offset; /* bytes */
  int32_t ndim;
  int64_t shape[MXI_MAX_NDIM], strides[MXI_MAX_NDIM];
};

/* Cotangents (or tangents) arrive and leave as arrays; NULL stands for zero. `node` is the operation's node: its inputs
 * are the primals. A rule that fails leaves the error in c. Gradients are written for inputs whose bit is in `wanted`. */
typedef bool (*mxi_vjp_fn)(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                           uint64_t wanted, mx_array *grads);
typedef bool (*mxi_jvp_fn)(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                           mx_array *output_tangents);
/* inputs carry the mapped axis at in_axes[i] (-1: not mapped); outputs carry it at out_axes[i]. */
typedef bool (*mxi_vmap_fn)(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes,
                            mx_array *outputs, int *out_axes);
/* Writes how `node` (an alias of input 0) lies, given the layout of input 0; false: it needs a copy. */
typedef bool (*mxi_view_fn)(const void *params, const struct mxi_layout *in, size_t itemsize, int ndim,
                            const int64_t *shape, struct mxi_layout *out);

struct mx_prim {
  size_t size; /* sizeof(struct mx_prim) */
  const char *name;
  uint32_t flags;
  uint32_t params_size; /* 0: none; at most 8: kept in the node */
  const struct mxi_field_spec *fields; /* ends with role MXI_FIELD_END; NULL with params: all bytes are STRUCTURE */
  void (*params_retain)(void *params); /* for heap parameters that refer to something counted: called for each copy, */
  void (*params_free)(void *params);   /* and when the copy goes */
  mxi_view_fn view;
  mxi_vjp_fn vjp;
  mxi_jvp_fn jvp;
  mxi_vmap_fn vmap;
};

/* Indexed by enum mxi_op; rows of elementwise.def share one shape of entry. Defined in init.c. */
extern const struct mx_prim *const mxi_prims[MXI_OP_COUNT];

#endif

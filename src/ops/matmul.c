/* matmul: its shape rule, derivatives and batching. Products made of it are in matmul_products.c and matmul_einsum.c. */
#include "ops/matmul.h"

#include "ops/elementwise.h"
#include "ops/layout.h"

/* ---- Building ---------------------------------------------------------------------------------------------------- */
static bool check_operands(struct mxi_ctx *c, const char *who, mx_array a, mx_array b, mx_dtype t) {
  const int64_t *x = mxi_dims(a), *y = mxi_dims(b);
  if (a->ndim == 0 || b->ndim == 0) {
    mxi_fail(c, MX_ERR_SHAPE, "[%s] needs at least one axis: shapes %s and %s", who, MXI_SHAPE_TEXT(a), MXI_SHAPE_TEXT(b));
    return false;
  }
  if (!mxi_is_inexact(t)) {
    mxi_fail(c, MX_ERR_DTYPE, "[%s] %s is not accepted: only floating point and complex types are", who, mxi_dtype_names[t]);
    return false;
  }
  if (x[a->ndim - 1] != y[b->ndim > 1 ? b->ndim - 2 : 0]) {
    mxi_fail(c, MX_ERR_SHAPE, "[%s] inner sizes differ: %s @ %s", who, MXI_SHAPE_TEXT(a), MXI_SHAPE_TEXT(b));
    return false;
  }
  return true;
}

mx_array mxi_matmul_named(struct mxi_ctx *c, const char *who, mx_array a, mx_array b) {
  MXI_TRY(a && b && (a = mxi_strong(c, a)) && (b = mxi_strong(c, b)));
  mx_dtype t = mxi_promote((mx_dtype)a->dtype, (mx_dtype)b->dtype);
  MXI_TRY(check_operands(c, who, a, b, t));
  MXI_TRY((a = mxi_astype(c, a, t)) && (b = mxi_astype(c, b, t)));
  int64_t shape[MXI_MAX_NDIM];
  int ndim = 0, a_batch = a->ndim > 1 ? a->ndim - 2 : 0, b_batch = b->ndim > 1 ? b->ndim - 2 : 0;
  MXI_TRY(mxi_broadcast_shapes(c, who, a_batch, mxi_dims(a), b_batch, mxi_dims(b), &ndim, shape));
  if (a->ndim > 1) shape[ndim++] = mxi_dims(a)[a->ndim - 2];
  if (b->ndim > 1) shape[ndim++] = mxi_dims(b)[b->ndim - 1];
  return mxi_node_make(c, MXI_OP_matmul, t, ndim, shape, (mx_array[]){a, b}, 2, NULL);
}

mx_array mxi_matmul(struct mxi_ctx *ctx, mx_array a, mx_array b) { return mxi_matmul_named(ctx, "matmul", a, b); }

mx_array mxi_matrix_t(struct mxi_ctx *c, mx_array a) {
  MXI_TRY(a);
  return a->ndim == 2 ? mxi_transpose(c, a, MX_ALL) : mxi_swapaxes(c, a, -1, -2);
}

mx_array mxi_conjugated(struct mxi_ctx *c, mx_array a) {
  return a && a->dtype == MX_COMPLEX64 ? mxi_conjugate(c, a) : a;
}

/* ---- Derivatives ------------------------------------------------------------------------------------------------- */
static mx_array with_axis(struct mxi_ctx *c, mx_array a, int64_t axis) { return mxi_expand_dims(c, a, MX_INTS(axis)); }

/* (..., size) as (rows, size) */
static mx_array as_rows(struct mxi_ctx *c, mx_array a, int64_t size) {
  MXI_TRY(a);
  int64_t rows = size ? mxi_size(a) / size : 1;
  if (!size)
    for (int i = 0; i < a->ndim - 1; i++) rows *= mxi_dims(a)[i];
  return mxi_reshape(c, a, MX_INTS(rows, size));
}

/* g is the cotangent of a @ b; a and b are conjugated already. */
static mx_array gradient_of_a(struct mxi_ctx *c, mx_array g, mx_array a, mx_array b) {
  if (b->ndim == 1) {
    if (a->ndim == 1) return mxi_multiply(c, g, b);
    return mxi_multiply(c, with_axis(c, g, -1), b);
  }
  if (a->ndim == 1) {
    if (b->ndim == 2) return mxi_matmul(c, b, g);
    mx_array columns = mxi_matmul(c, b, with_axis(c, g, -1)); /* (..., k, 1) */
    return mxi_unbroadcast(c, mxi_squeeze(c, columns, MX_INTS(-1)), 1, mxi_dims(a));
  }
  return mxi_unbroadcast(c, mxi_matmul(c, g, mxi_matrix_t(c, b)), a->ndim, mxi_dims(a));
}

static mx_array gradient_of_b(struct mxi_ctx *c, mx_array g, mx_array a, mx_array b) {
  int64_t k = mxi_dims(a)[a->ndim - 1];
  if (a->ndim == 1) {
    if (b->ndim == 1) return mxi_multiply(c, a, g);
    mx_array outer = mxi_multiply(c, with_axis(c, a, -1), with_axis(c, g, -2));
    return mxi_unbroadcast(c, outer, b->ndim, mxi_dims(b));
  }
  if (b->ndim <= 2) { /* one b for all rows of a: the batch joins the rows */
    if (a->ndim > 2) {
      a = as_rows(c, a, k);
      g = b->ndim == 1 ? mxi_reshape(c, g, MX_INTS(-1)) : as_rows(c, g, mxi_dims(b)[1]);
    }
    return mxi_matmul(c, mxi_matrix_t(c, a), g);
  }
  return mxi_unbroadcast(c, mxi_matmul(c, mxi_matrix_t(c, a), g), b->ndim, mxi_dims(b));
}

static bool matmul_vjp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *cotangents,
                       uint64_t wanted, mx_array *grads) {
  (void)outputs;
  mx_array a = mxi_inputs(node)[0], b = mxi_inputs(node)[1], g = cotangents[0];
  for (int i = 0; i < 2; i++) {
    if (!(wanted >> i & 1)) continue;
    grads[i] = NULL;
    if (!g) continue;
    if (i == 0) {
      mx_array other = mxi_conjugated(c, b);
      if (other) grads[0] = gradient_of_a(c, g, a, other);
    } else {
      mx_array other = mxi_conjugated(c, a);
      if (other) grads[1] = gradient_of_b(c, g, other, b);
    }
    if (!grads[i]) return false;
  }
  return true;
}

static bool matmul_jvp(struct mxi_ctx *c, mx_array node, const mx_array *outputs, const mx_array *tangents,
                       mx_array *output_tangents) {
  (void)outputs;
  mx_array const *in = mxi_inputs(node);
  mx_array da = tangents[0] ? mxi_matmul(c, tangents[0], in[1]) : NULL;
  mx_array db = tangents[1] ? mxi_matmul(c, in[0], tangents[1]) : NULL;
  if ((tangents[0] && !da) || (tangents[1] && !db)) return false;
  *output_tangents = da && db ? mxi_add(c, da, db) : da ? da : db;
  return *output_tangents || !(da || db);
}

/* ---- Batching ---------------------------------------------------------------------------------------------------- */
/* The matrix (with a batch of `batch` axes in front where it is mapped) of an operand that may be 1-d. */
static mx_array batched_matrix(struct mxi_ctx *c, mx_array a, int axis, int vector_axis, int batch) {
  int rank = a->ndim - (axis >= 0);
  if (axis > 0) MXI_TRY(a = mxi_move_axis(c, a, axis, 0));
  if (rank == 1) {
    MXI_TRY(a = with_axis(c, a, vector_axis));
    rank = 2;
  }
  if (axis < 0 || rank - 2 == batch) return a;
  int64_t shape[MXI_MAX_NDIM + 1] = {mxi_dims(a)[0]};
  int ones = batch - (rank - 2);
  for (int i = 0; i < ones; i++) shape[1 + i] = 1;
  for (int i = 1; i < a->ndim; i++) shape[ones + i] = mxi_dims(a)[i];
  return mxi_reshape(c, a, mxi_list(shape, a->ndim + ones));
}

static bool matmul_vmap(struct mxi_ctx *c, mx_array node, const mx_array *inputs, const int *in_axes, mx_array *outputs,
                        int *out_axes) {
  (void)node;
  int a_rank = inputs[0]->ndim - (in_axes[0] >= 0), b_rank = inputs[1]->ndim - (in_axes[1] >= 0);
  int batch = (a_rank > b_rank ? a_rank : b_rank) - 2;
  if (batch < 0) batch = 0;
  mx_array a = batched_matrix(c, inputs[0], in_axes[0], -2, batch);
  mx_array b = a ? batched_matrix(c, inputs[1], in_axes[1], -1, batch) : NULL;
  mx_array y = b ? mxi_matmul(c, a, b) : NULL;
  if (y && b_rank == 1) y = mxi_squeeze(c, y, MX_INTS(-1));
  if (y && a_rank == 1) y = mxi_squeeze(c, y, MX_INTS(b_rank == 1 ? -1 : -2));
  outputs[0] = y;
  out_axes[0] = 0;
  return y != NULL;
}

const struct mx_prim mxi_prim_matmul = {.size = sizeof(struct mx_prim), .name = "matmul", .flags = MX_PRIM_FALLIBLE | MX_PRIM_PURE,
                                        .vjp = matmul_vjp, .jvp = matmul_jvp, .vmap = matmul_vmap};

/* What a node's primitive says about its shape, dtype and parameters, written once more, for debug builds: each rule from
 * the meaning of the operation, not from its builder. An operation without a row here is checked by nothing but check.c,
 * and a debug build refuses it. */
#include "plan/check.h"

#ifdef MXI_DEBUG
#define EXPECT(condition, fault) \
  do {                           \
    if (!(condition)) return fault; \
  } while (0)

static const char bad_shape[] = "its shape is not what its inputs give", bad_dtype[] = "its dtype is not what its inputs give",
                  bad_count[] = "the number of its inputs is wrong", bad_params[] = "its parameters are out of range";

static mx_array in(mx_array a, uint32_t k) { return mxi_inputs(a)[k]; }
static int64_t dim(mx_array a, int i) { return mxi_dims(a)[i]; }
static bool same_dims(mx_array a, mx_array b, int from_a, int from_b, int n) {
  for (int i = 0; i < n; i++)
    if (dim(a, from_a + i) != dim(b, from_b + i)) return false;
  return true;
}
static bool same_shape(mx_array a, mx_array b) { return a->ndim == b->ndim && same_dims(a, b, 0, 0, a->ndim); }
static bool within(int64_t i, int64_t n) { return i >= 0 && i < n; }

/* ---- Elementwise --------------------------------------------------------------------------------------------------- */
enum rule { SAME, FLOAT, REAL, COMPARE, LOGIC, BITS, SHIFT, PRED, SELECT, ENCODE, DECODE };
static const struct {
  uint8_t arity, rule;
} rows[] = {
#define OP(name, arity, rule, lo, hi, ulp, doc) [MXI_OP_##name] = {arity, rule},
#define K(name, class, formula)
#define D(name, operand, partial)
#include "core/elementwise.def"
#undef OP
#undef K
#undef D
};

static mx_dtype elementwise_dtype(enum rule rule, mx_dtype operand) {
  switch (rule) {
    case REAL: return operand == MX_COMPLEX64 ? MX_FLOAT32 : operand;
    case COMPARE:
    case LOGIC:
    case PRED: return MX_BOOL;
    case ENCODE: return MX_UINT8;
    case DECODE: return MX_FLOAT32;
    default: return operand;
  }
}

static const char *elementwise(mx_array a) {
  EXPECT(a->input_count == rows[a->op].arity, bad_count);
  enum rule rule = (enum rule)rows[a->op].rule;
  mx_dtype operand = (mx_dtype)in(a, a->input_count - 1)->dtype;
  int ndim = 0;
  int64_t shape[MXI_MAX_NDIM];
  for (uint32_t k = 0; k < a->input_count; k++) {
    mx_array x = in(a, k);
    EXPECT(x->dtype == (rule == SELECT && k == 0 ? MX_BOOL : operand), "its operands differ in dtype");
    EXPECT(mxi_broadcast_shapes(&(struct mxi_ctx){0}, "check", ndim, shape, x->ndim, mxi_dims(x), &ndim, shape), bad_shape);
  }
  EXPECT(a->dtype == elementwise_dtype(rule, operand), bad_dtype);
  EXPECT(rule != FLOAT || mxi_is_inexact(operand), bad_dtype);
  EXPECT(rule != LOGIC || operand == MX_BOOL, bad_dtype);
  EXPECT((rule != BITS && rule != SHIFT) || !mxi_is_inexact(operand), bad_dtype);
  EXPECT(a->ndim == ndim, bad_shape);
  for (int i = 0; i < ndim; i++) EXPECT(dim(a, i) == shape[i], bad_shape);
  return NULL;
}

/* ---- One input: the same shape, the same elements ------------------------------------------------------------------ */
static const char *one_input(mx_array a) {
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype, bad_dtype);
  return NULL;
}

static const char *identity(mx_array a) {
  const char *fault = one_input(a);
  return fault ? fault : same_shape(a, in(a, 0)) ? NULL : bad_shape;
}

static const char *depends(mx_array a) {
  EXPECT(a->input_count > 1, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype, bad_dtype);
  return same_shape(a, in(a, 0)) ? NULL : bad_shape;
}

static const char *astype(mx_array a) {
  EXPECT(a->input_count == 1, bad_count);
  return same_shape(a, in(a, 0)) ? NULL : bad_shape;
}

static const char *along_axis(mx_array a) { /* sort, scans */
  const char *fault = identity(a);
  return fault ? fault : within(((const struct mxi_params_axis *)mxi_params(a))->axis, a->ndim) ? NULL : bad_params;
}

static const char *indices_along_axis(mx_array a) { /* argsort */
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(a->dtype == MX_UINT32, bad_dtype);
  EXPECT(same_shape(a, in(a, 0)), bad_shape);
  return within(((const struct mxi_params_axis *)mxi_params(a))->axis, a->ndim) ? NULL : bad_params;
}

static const char *partition(mx_array a) {
  const struct mxi_params_partition *p = mxi_params(a);
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(a->dtype == (a->op == MXI_OP_argpartition ? MX_UINT32 : in(a, 0)->dtype), bad_dtype);
  EXPECT(same_shape(a, in(a, 0)), bad_shape);
  EXPECT(within(p->axis, a->ndim) && within(p->kth, dim(a, p->axis)), bad_params);
  return NULL;
}

static bool mask_fits(uint64_t mask, int ndim) { return ndim == 64 || mask >> ndim == 0; }

static const char *softmax(mx_array a) {
  const char *fault = identity(a);
  return fault ? fault : mask_fits(((const struct mxi_params_softmax *)mxi_params(a))->mask, a->ndim) ? NULL : bad_params;
}

/* ---- Reductions: reduced axes stay as 1 ---------------------------------------------------------------------------- */
static const char *reduced(mx_array a, uint64_t mask) {
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(mask_fits(mask, a->ndim), bad_params);
  EXPECT(a->ndim == in(a, 0)->ndim, bad_shape);
  for (int i = 0; i < a->ndim; i++) EXPECT(dim(a, i) == (mask >> i & 1 ? 1 : dim(in(a, 0), i)), bad_shape);
  return NULL;
}

static const char *reduction(mx_array a) {
  mx_dtype t = (mx_dtype)a->dtype, from = (mx_dtype)in(a, 0)->dtype;
  bool sums = a->op == MXI_OP_sum || a->op == MXI_OP_prod, tests = a->op == MXI_OP_all || a->op == MXI_OP_any;
  EXPECT(tests ? t == MX_BOOL : sums ? t != MX_BOOL && mxi_promote(from, t) == t : t == from, bad_dtype); /* sums widen */
  return reduced(a, ((const struct mxi_params_axes *)mxi_params(a))->mask);
}

static const char *arg_reduction(mx_array a) {
  int32_t axis = ((const struct mxi_params_axis *)mxi_params(a))->axis;
  EXPECT(within(axis, a->ndim), bad_params);
  EXPECT(a->dtype == MX_UINT32, bad_dtype);
  return reduced(a, (uint64_t)1 << axis);
}

/* ---- Layout -------------------------------------------------------------------------------------------------------- */
static const char *reshape(mx_array a) {
  const char *fault = one_input(a);
  return fault ? fault : mxi_size(a) == mxi_size(in(a, 0)) ? NULL : bad_shape;
}

static const char *transpose(mx_array a) {
  const char *fault = one_input(a);
  if (fault) return fault;
  const struct mxi_params_perm *p = mxi_params(a);
  uint64_t seen = 0;
  EXPECT(a->ndim == in(a, 0)->ndim, bad_shape);
  for (int i = 0; i < a->ndim; i++) {
    EXPECT(within(p->axis[i], a->ndim) && !(seen >> p->axis[i] & 1), bad_params);
    seen |= (uint64_t)1 << p->axis[i];
    EXPECT(dim(a, i) == dim(in(a, 0), p->axis[i]), bad_shape);
  }
  return NULL;
}

static const char *broadcast(mx_array a) {
  const char *fault = one_input(a);
  if (fault) return fault;
  int more = a->ndim - in(a, 0)->ndim;
  EXPECT(more >= 0, bad_shape);
  for (int i = more; i < a->ndim; i++) EXPECT(dim(in(a, 0), i - more) == 1 || dim(in(a, 0), i - more) == dim(a, i), bad_shape);
  return NULL;
}

/* `part` lies at the slice's places of `whole`. */
static const char *sliced(mx_array whole, mx_array part, const struct mxi_params_slice *p) {
  EXPECT(part->ndim == whole->ndim, bad_shape);
  for (int i = 0; i < part->ndim; i++) {
    if (dim(part, i) == 0) continue;
    EXPECT(p->step[i] != 0 && within(p->start[i], dim(whole, i)), bad_params);
    EXPECT(within(p->start[i] + (dim(part, i) - 1) * p->step[i], dim(whole, i)), bad_params);
  }
  return NULL;
}

static const char *slice(mx_array a) {
  const char *fault = one_input(a);
  return fault ? fault : sliced(in(a, 0), a, mxi_params(a));
}

static const char *slice_update(mx_array a) {
  EXPECT(a->input_count == 2, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype && a->dtype == in(a, 1)->dtype, bad_dtype);
  EXPECT(same_shape(a, in(a, 0)), bad_shape);
  return sliced(a, in(a, 1), mxi_params(a));
}

static const char *as_strided(mx_array a) {
  const char *fault = one_input(a);
  const struct mxi_params_strided *p = mxi_params(a);
  int64_t low = p->offset, high = p->offset;
  for (int i = 0; i < a->ndim && !fault; i++) {
    if (dim(a, i) == 0) return NULL;
    *(p->strides[i] < 0 ? &low : &high) += (dim(a, i) - 1) * p->strides[i];
  }
  return fault ? fault : low >= 0 && high < mxi_size(in(a, 0)) ? NULL : bad_params;
}

static const char *view(mx_array a) {
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(a->ndim == in(a, 0)->ndim, bad_shape);
  EXPECT(!a->ndim || same_dims(a, in(a, 0), 0, 0, a->ndim - 1), bad_shape);
  int64_t to = (int64_t)mxi_itemsize((mx_dtype)a->dtype), from = (int64_t)mxi_itemsize((mx_dtype)in(a, 0)->dtype);
  EXPECT(a->ndim ? dim(a, a->ndim - 1) * to == dim(in(a, 0), a->ndim - 1) * from : to == from, bad_shape);
  return NULL;
}

static const char *concatenate(mx_array a) {
  int32_t axis = ((const struct mxi_params_axis *)mxi_params(a))->axis;
  EXPECT(a->input_count, bad_count);
  EXPECT(within(axis, a->ndim), bad_params);
  int64_t length = 0;
  for (uint32_t k = 0; k < a->input_count; k++) {
    mx_array x = in(a, k);
    EXPECT(x->dtype == a->dtype, bad_dtype);
    EXPECT(x->ndim == a->ndim && same_dims(a, x, 0, 0, axis) && same_dims(a, x, axis + 1, axis + 1, a->ndim - axis - 1), bad_shape);
    length += dim(x, axis);
  }
  return length == dim(a, axis) ? NULL : bad_shape;
}

static const char *pad(mx_array a) {
  const struct mxi_params_pad *p = mxi_params(a);
  EXPECT(a->input_count == 2, bad_count);
  EXPECT(in(a, 0)->dtype == a->dtype && in(a, 1)->dtype == a->dtype, bad_dtype);
  EXPECT(in(a, 0)->ndim == a->ndim && in(a, 1)->ndim == 0, bad_shape);
  for (int i = 0; i < a->ndim; i++) {
    EXPECT(p->before[i] >= 0 && p->after[i] >= 0, bad_params);
    EXPECT(dim(a, i) == dim(in(a, 0), i) + p->before[i] + p->after[i], bad_shape);
  }
  return NULL;
}

/* ---- Indexing ------------------------------------------------------------------------------------------------------ */
/* Indices from input `first` on: integers, of which the shapes together give the axes before `rest` in `result`. */
static const char *indexed(mx_array a, uint32_t first, mx_array result, const struct mxi_params_gather *p) {
  int ndim = 0, rest = in(a, 0)->ndim;
  int64_t shape[MXI_MAX_NDIM];
  uint64_t seen = 0;
  EXPECT(p->index_count >= 0 && a->input_count == first + (uint32_t)p->index_count, bad_count);
  for (int k = 0; k < p->index_count; k++) {
    mx_array x = in(a, first + (uint32_t)k);
    EXPECT(mxi_is_integer((mx_dtype)x->dtype), bad_dtype);
    EXPECT(within(p->axes[k], rest) && !(seen >> p->axes[k] & 1), bad_params);
    seen |= (uint64_t)1 << p->axes[k];
    EXPECT(mxi_broadcast_shapes(&(struct mxi_ctx){0}, "check", ndim, shape, x->ndim, mxi_dims(x), &ndim, shape), bad_shape);
  }
  EXPECT(result->ndim == ndim + rest, bad_shape);
  for (int i = 0; i < ndim; i++) EXPECT(dim(result, i) == shape[i], bad_shape);
  for (int i = 0; i < rest; i++) {
    EXPECT(p->slice_sizes[i] >= 0 && p->slice_sizes[i] <= dim(in(a, 0), i), bad_params);
    EXPECT(dim(result, ndim + i) == p->slice_sizes[i], bad_shape);
  }
  return NULL;
}

static const char *gather(mx_array a) {
  EXPECT(a->input_count >= 1, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype, bad_dtype);
  return indexed(a, 1, a, mxi_params(a));
}

static const char *scatter(mx_array a) {
  const struct mxi_params_gather *p = mxi_params(a);
  EXPECT(a->input_count >= 2, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype && a->dtype == in(a, 1)->dtype, bad_dtype);
  EXPECT(same_shape(a, in(a, 0)), bad_shape);
  EXPECT(within(p->mode, MXI_SCATTER_MIN + 1), bad_params);
  return indexed(a, 2, in(a, 1), p);
}

/* `indices` and `a` agree but along the axis. */
static const char *aligned(mx_array a, mx_array indices, int32_t axis) {
  EXPECT(mxi_is_integer((mx_dtype)indices->dtype), bad_dtype);
  EXPECT(within(axis, a->ndim), bad_params);
  EXPECT(a->ndim == indices->ndim && same_dims(a, indices, 0, 0, axis), bad_shape);
  EXPECT(same_dims(a, indices, axis + 1, axis + 1, a->ndim - axis - 1), bad_shape);
  return NULL;
}

static const char *gather_axis(mx_array a) {
  EXPECT(a->input_count == 2, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype, bad_dtype);
  EXPECT(same_shape(a, in(a, 1)), bad_shape);
  return aligned(in(a, 0), in(a, 1), ((const struct mxi_params_axis *)mxi_params(a))->axis);
}

static const char *scatter_axis(mx_array a) {
  EXPECT(a->input_count == 3, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype && a->dtype == in(a, 2)->dtype, bad_dtype);
  EXPECT(same_shape(a, in(a, 0)) && same_shape(in(a, 1), in(a, 2)), bad_shape);
  return aligned(a, in(a, 1), ((const struct mxi_params_axis *)mxi_params(a))->axis);
}

static const char *searchsorted(mx_array a) {
  EXPECT(a->input_count == 2, bad_count);
  EXPECT(a->dtype == MX_UINT32 && in(a, 0)->dtype == in(a, 1)->dtype, bad_dtype);
  return in(a, 0)->ndim == 1 && same_shape(a, in(a, 1)) ? NULL : bad_shape;
}

/* ---- What begins a graph ------------------------------------------------------------------------------------------- */
static const char *arange(mx_array a) { return a->input_count ? bad_count : a->ndim == 1 ? NULL : bad_shape; }
static const char *load(mx_array a) { return a->input_count ? bad_count : NULL; }

static const char *random_bits(mx_array a) {
  int32_t width = ((const struct mxi_params_bits *)mxi_params(a))->width;
  EXPECT(a->input_count == 1, bad_count);
  EXPECT(width == 1 || width == 2 || width == 4, bad_params);
  EXPECT(a->dtype == (width == 1 ? MX_UINT8 : width == 2 ? MX_UINT16 : MX_UINT32) && in(a, 0)->dtype == MX_UINT32, bad_dtype);
  return in(a, 0)->ndim >= 1 && dim(in(a, 0), in(a, 0)->ndim - 1) == 2 ? NULL : bad_shape;
}

/* ---- Products and factorisations ----------------------------------------------------------------------------------- */
static const char *matmul(mx_array a) {
  EXPECT(a->input_count == 2, bad_count);
  mx_array x = in(a, 0), y = in(a, 1);
  EXPECT(a->dtype == x->dtype && a->dtype == y->dtype && mxi_is_inexact((mx_dtype)a->dtype), bad_dtype);
  EXPECT(x->ndim && y->ndim && dim(x, x->ndim - 1) == dim(y, y->ndim > 1 ? y->ndim - 2 : 0), bad_shape);
  int ndim = 0, x_batch = x->ndim > 1 ? x->ndim - 2 : 0, y_batch = y->ndim > 1 ? y->ndim - 2 : 0;
  int64_t shape[MXI_MAX_NDIM];
  EXPECT(mxi_broadcast_shapes(&(struct mxi_ctx){0}, "check", x_batch, mxi_dims(x), y_batch, mxi_dims(y), &ndim, shape), bad_shape);
  if (x->ndim > 1) shape[ndim++] = dim(x, x->ndim - 2);
  if (y->ndim > 1) shape[ndim++] = dim(y, y->ndim - 1);
  EXPECT(a->ndim == ndim, bad_shape);
  for (int i = 0; i < ndim; i++) EXPECT(dim(a, i) == shape[i], bad_shape);
  return NULL;
}

static bool is_square(mx_array a) { return a->ndim >= 2 && dim(a, a->ndim - 2) == dim(a, a->ndim - 1); }

static const char *solve(mx_array a) {
  EXPECT(a->input_count == 2, bad_count);
  EXPECT(a->dtype == in(a, 0)->dtype && a->dtype == in(a, 1)->dtype, bad_dtype);
  EXPECT(same_shape(a, in(a, 1)) && a->ndim == in(a, 0)->ndim && is_square(in(a, 0)), bad_shape);
  return same_dims(a, in(a, 0), 0, 0, a->ndim - 1) ? NULL : bad_shape;
}

static const char *of_square(mx_array a) { /* inv, cholesky */
  const char *fault = identity(a);
  return fault ? fault : is_square(a) ? NULL : bad_shape;
}

static const char *singular_values(mx_array a) {
  mx_array x = in(a, 0);
  int n = x->ndim;
  EXPECT(n >= 2 && a->ndim == n - 1 && same_dims(a, x, 0, 0, n - 2), bad_shape);
  return dim(a, n - 2) == (dim(x, n - 2) < dim(x, n - 1) ? dim(x, n - 2) : dim(x, n - 1)) ? NULL : bad_shape;
}

static const char *factorisation(mx_array a) { /* its outputs have the shapes */
  const char *fault = one_input(a);
  bool many = a->extra && a->extra->output_count;
  if (fault || many) return fault ? fault : in(a, 0)->ndim >= 2 ? NULL : bad_shape;
  return a->op == MXI_OP_svd ? singular_values(a) : "no outputs";
}

static const char *custom(mx_array a) {
  EXPECT(a->extra && a->extra->output_count && (uint32_t)a->extra->output_count <= a->input_count, bad_count);
  for (int i = 0; i < a->extra->output_count; i++) {
    const struct mxi_output *o = &a->extra->output_specs[i];
    EXPECT(o->dtype == in(a, (uint32_t)i)->dtype, bad_dtype);
    EXPECT(o->ndim == in(a, (uint32_t)i)->ndim, bad_shape);
    for (int k = 0; k < o->ndim; k++) EXPECT(o->shape[k] == dim(in(a, (uint32_t)i), k), bad_shape);
  }
  return NULL;
}

static const char *output(mx_array a) {
  EXPECT(a->input_count == 1, bad_count);
  const struct mxi_extra *x = in(a, 0)->extra;
  int64_t index = ((const struct mxi_params_output *)mxi_params(a))->index;
  EXPECT(x && within(index, x->output_count), bad_params);
  EXPECT(a->dtype == x->output_specs[index].dtype, bad_dtype);
  EXPECT(a->ndim == x->output_specs[index].ndim, bad_shape);
  for (int i = 0; i < a->ndim; i++) EXPECT(dim(a, i) == x->output_specs[index].shape[i], bad_shape);
  return NULL;
}

static const char *(*const rules[MXI_OP_COUNT])(mx_array) = {
    [MXI_OP_output] = output,             [MXI_OP_argument] = identity,
    [MXI_OP_depends] = depends,
    [MXI_OP_astype] = astype,             [MXI_OP_stop_gradient] = identity,
    [MXI_OP_custom] = custom,             [MXI_OP_load] = load,
    [MXI_OP_reshape] = reshape,           [MXI_OP_transpose] = transpose,
    [MXI_OP_broadcast] = broadcast,       [MXI_OP_slice] = slice,
    [MXI_OP_as_strided] = as_strided,     [MXI_OP_view] = view,
    [MXI_OP_contiguous] = identity,       [MXI_OP_concatenate] = concatenate,
    [MXI_OP_pad] = pad,                   [MXI_OP_slice_update] = slice_update,
    [MXI_OP_arange] = arange,             [MXI_OP_sum] = reduction,
    [MXI_OP_prod] = reduction,            [MXI_OP_max] = reduction,
    [MXI_OP_min] = reduction,             [MXI_OP_all] = reduction,
    [MXI_OP_any] = reduction,             [MXI_OP_logsumexp] = reduction,
    [MXI_OP_argmax] = arg_reduction,      [MXI_OP_argmin] = arg_reduction,
    [MXI_OP_softmax] = softmax,           [MXI_OP_cumsum] = along_axis,
    [MXI_OP_cumprod] = along_axis,        [MXI_OP_cummax] = along_axis,
    [MXI_OP_cummin] = along_axis,         [MXI_OP_logcumsumexp] = along_axis,
    [MXI_OP_sort] = along_axis,           [MXI_OP_argsort] = indices_along_axis,
    [MXI_OP_partition] = partition,       [MXI_OP_argpartition] = partition,
    [MXI_OP_searchsorted] = searchsorted, [MXI_OP_gather] = gather,
    [MXI_OP_gather_axis] = gather_axis,   [MXI_OP_scatter] = scatter,
    [MXI_OP_scatter_axis] = scatter_axis, [MXI_OP_random_bits] = random_bits,
    [MXI_OP_matmul] = matmul,             [MXI_OP_solve] = solve,
    [MXI_OP_solve_triangular] = solve,    [MXI_OP_inv] = of_square,
    [MXI_OP_cholesky] = of_square,        [MXI_OP_svd] = factorisation,
    [MXI_OP_qr] = factorisation,
};

const char *mxi_node_check(mx_array a) {
  if (mxi_is_elementwise(a->op)) return elementwise(a);
  if (a->op >= MXI_OP_COUNT) return NULL; /* a registered primitive: its shape rule has said what it is */
  return rules[a->op] ? rules[a->op](a) : "plan/check_rules.c has no rule for it";
}
#endif

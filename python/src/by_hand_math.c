/* More calls that a row cannot describe (see by_hand.c): reductions, products, linear algebra, random numbers. */
#include "call.h"

#include <string.h>

static bool is_given(PyObject *o) { return o && o != Py_None; }

/* `a` in another dtype, held by the call; `a` itself where none is asked for. */
static mx_array cast(struct mxp_call *c, mx_array a, int64_t dtype) {
  return dtype == MXP_NONE ? a : mxp_hold(c, mxb_astype(c->ctx, a, (mx_dtype)dtype));
}

/* ---- Reductions and scans ---------------------------------------------------------------------------------------- */
static PyObject *find_extreme(struct mxp_call *c, mx_array (*one)(mxb_ctx *, mx_array, int, bool), mx_array (*all)(mxb_ctx *, mx_array)) {
  const union mxp_value *v = c->v;
  if (v[1].i != MXP_NONE) return mxp_give(c, one(c->ctx, v[0].array, (int)v[1].i, v[2].flag));
  mx_array found = all(c->ctx, v[0].array);
  if (!found || !v[2].flag) return mxp_give(c, found);
  int64_t ones[MX_MAX_NDIM];
  for (int i = 0; i < MX_MAX_NDIM; i++) ones[i] = 1;
  mx_array kept = mxb_reshape(c->ctx, found, (mx_ints){ones, (size_t)mx_ndim(v[0].array)});
  mxb_release(found);
  return mxp_give(c, kept);
}

PyObject *mxp_argmax(struct mxp_call *c) { return find_extreme(c, mxb_argmax, mxb_argmax_all); }
PyObject *mxp_argmin(struct mxp_call *c) { return find_extreme(c, mxb_argmin, mxb_argmin_all); }

static PyObject *scan(struct mxp_call *c, mx_array (*one)(mxb_ctx *, mx_array, int, bool, bool), mx_array (*all)(mxb_ctx *, mx_array, bool, bool)) {
  const union mxp_value *v = c->v;
  mx_array a = cast(c, v[0].array, v[4].i);
  if (!a) return NULL;
  return mxp_give(c, v[1].i == MXP_NONE ? all(c->ctx, a, v[2].flag, v[3].flag) : one(c->ctx, a, (int)v[1].i, v[2].flag, v[3].flag));
}

PyObject *mxp_cumsum(struct mxp_call *c) { return scan(c, mxb_cumsum, mxb_cumsum_all); }
PyObject *mxp_cumprod(struct mxp_call *c) { return scan(c, mxb_cumprod, mxb_cumprod_all); }

PyObject *mxp_trace(struct mxp_call *c) {
  const union mxp_value *v = c->v;
  mx_array a = cast(c, v[0].array, v[4].i);
  return a ? mxp_give(c, mxb_trace(c->ctx, a, (int)v[1].i, (int)v[2].i, (int)v[3].i)) : NULL;
}

PyObject *mxp_searchsorted(struct mxp_call *c) {
  const char *side = c->v[2].text;
  if (strcmp(side, "left") && strcmp(side, "right"))
    return PyErr_Format(PyExc_ValueError, "[searchsorted] side must be 'left' or 'right', not '%.200s'", side);
  return mxp_give(c, mxb_searchsorted(c->ctx, c->v[0].array, c->v[1].array, *side == 'r'));
}

/* `correction` is the array API's name of ddof, and counts where both are given. */
static int degrees_of_freedom(const union mxp_value *v) { return (int)(v[4].i == MXP_NONE ? v[3].i : v[4].i); }

PyObject *mxp_var(struct mxp_call *c) {
  return mxp_give(c, mxb_var(c->ctx, c->v[0].array, c->v[1].ints, c->v[2].flag, degrees_of_freedom(c->v)));
}

PyObject *mxp_std(struct mxp_call *c) {
  return mxp_give(c, mxb_std(c->ctx, c->v[0].array, c->v[1].ints, c->v[2].flag, degrees_of_freedom(c->v)));
}

/* The values, then what else was asked for. */
PyObject *mxp_unique(struct mxp_call *c) {
  const union mxp_value *v = c->v;
  mx_array all[4], wanted[4];
  mx_status status = mxb_unique(c->ctx, v[0].array, v[1].i, v[5].array, all);
  if (status) return mxp_raise(c->ctx);
  size_t count = 0;
  for (size_t i = 0; i < 4; i++)
    if (i == 0 || v[i + 1].flag)
      wanted[count++] = all[i];
    else
      mxb_release(all[i]);
  return count == 1 ? mxp_give(c, wanted[0]) : mxp_give_many(c, MX_OK, wanted, count);
}

PyObject *mxp_linalg_norm(struct mxp_call *c) {
  const union mxp_value *v = c->v;
  PyObject *ord = v[1].object;
  union mxp_value order;
  if (!is_given(ord)) return mxp_give(c, mxb_linalg_norm_l2(c->ctx, v[0].array, v[2].ints, v[3].flag));
  bool is_name = PyUnicode_Check(ord);
  if (!mxp_read_as(c, "ord", is_name ? MXP_STR : MXP_F64, ord, &order)) return NULL;
  return mxp_give(c, is_name ? mxb_linalg_norm_matrix(c->ctx, v[0].array, order.text, v[2].ints, v[3].flag)
                             : mxb_linalg_norm(c->ctx, v[0].array, order.f, v[2].ints, v[3].flag));
}

/* ---- Products ---------------------------------------------------------------------------------------------------- */
PyObject *mxp_tensordot(struct mxp_call *c) {
  PyObject *axes = c->v[2].object;
  union mxp_value count = {.i = 2};
  if (!axes || PyLong_Check(axes)) {
    if (axes && !mxp_read_as(c, "axes", MXP_INT, axes, &count)) return NULL;
    return mxp_give(c, mxb_tensordot(c->ctx, c->v[0].array, c->v[1].array, (int)count.i));
  }
  PyObject *pair = PyList_Check(axes) || PyTuple_Check(axes) ? PySequence_Tuple(axes) : NULL;
  mx_ints sides[2];
  bool is_read = pair && PyTuple_GET_SIZE(pair) == 2 ? mxp_read_ints(c, "axes", PyTuple_GET_ITEM(pair, 0), &sides[0]) &&
                                                           mxp_read_ints(c, "axes", PyTuple_GET_ITEM(pair, 1), &sides[1])
                                                     : mxp_wrong(c, "axes", "an int or two lists of ints", axes);
  Py_XDECREF(pair);
  return is_read ? mxp_give(c, mxb_tensordot_axes(c->ctx, c->v[0].array, c->v[1].array, sides[0], sides[1])) : NULL;
}

PyObject *mxp_einsum(struct mxp_call *c) {
  return mxp_give(c, mxb_einsum(c->ctx, c->v[0].text, c->v[1].arrays.at, c->v[1].arrays.count));
}

PyObject *mxp_linalg_svd(struct mxp_call *c) {
  mx_array usv[3];
  if (!c->v[1].flag) return mxp_give(c, mxb_linalg_svd_values(c->ctx, c->v[0].array));
  return mxp_give_many(c, mxb_linalg_svd(c->ctx, c->v[0].array, usv), usv, 3);
}

/* ---- Random numbers ---------------------------------------------------------------------------------------------- */
PyObject *mxp_random_categorical(struct mxp_call *c) {
  const union mxp_value *v = c->v;
  PyObject *shape = v[2].object, *count = v[3].object;
  union mxp_value read;
  if (is_given(shape) && is_given(count))
    return PyErr_Format(PyExc_ValueError, "[random.categorical] takes a shape or num_samples, not both");
  if (is_given(shape)) {
    if (!mxp_read_ints(c, "shape", shape, &read.ints)) return NULL;
    return mxp_give(c, mxb_random_categorical_shaped(c->ctx, v[0].array, (int)v[1].i, read.ints, v[4].array));
  }
  if (is_given(count)) {
    if (!mxp_read_as(c, "num_samples", MXP_I64, count, &read)) return NULL;
    return mxp_give(c, mxb_random_categorical_many(c->ctx, v[0].array, (int)v[1].i, read.i, v[4].array));
  }
  return mxp_give(c, mxb_random_categorical(c->ctx, v[0].array, (int)v[1].i, v[4].array));
}

PyObject *mxp_random_permutation(struct mxp_call *c) {
  union mxp_value x;
  PyObject *o = c->v[0].object;
  if (!mxp_read_as(c, "x", PyLong_Check(o) ? MXP_I64 : MXP_ARRAY, o, &x)) return NULL;
  return mxp_give(c, PyLong_Check(o) ? mxb_random_permutation_of(c->ctx, x.i, c->v[2].array)
                                     : mxb_random_permutation(c->ctx, x.array, (int)c->v[1].i, c->v[2].array));
}

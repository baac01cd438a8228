/* Operators: array with array, or with what mxp_operand takes. In place means that the slot gets the new node. */
#include "mxp.h"

typedef mx_array (*binary)(mxb_ctx *ctx, mx_array a, mx_array b);

/* The node of either side, owned. NULL without an exception: not an operand. */
static mx_array side(mxb_ctx *ctx, PyObject *o) {
  if (MXP_IS_ARRAY(o)) return mxb_retain(MXP_NODE(o));
  mx_array a = mxp_scalar(ctx, o);
  return a || PyErr_Occurred() ? a : mxp_weak_operand(ctx, o);
}

/* Owned; NULL with an exception, or without where an operand is none. */
static mx_array mixed(mxb_ctx *ctx, PyObject *x, PyObject *y, binary op) {
  mx_array a = side(ctx, x), b = a ? side(ctx, y) : NULL, result = NULL;
  if (a && b && !(result = op(ctx, a, b))) mxp_raise(ctx);
  mxb_release(a);
  mxb_release(b);
  return result;
}

static PyObject *operate(PyObject *x, PyObject *y, binary op) {
  mxb_ctx *ctx = mxp_ctx();
  if (!ctx) return NULL;
  if (MXP_IS_ARRAY(x) && MXP_IS_ARRAY(y)) return mxp_wrap(ctx, op(ctx, MXP_NODE(x), MXP_NODE(y)));
  mx_array result = mixed(ctx, x, y, op);
  if (result) return mxp_wrap(ctx, result);
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *operate_in_place(PyObject *x, PyObject *y, binary op) {
  mxb_ctx *ctx = mxp_ctx();
  mx_array result = ctx ? mixed(ctx, x, y, op) : NULL;
  if (!result && PyErr_Occurred()) return NULL;
  if (!result) Py_RETURN_NOTIMPLEMENTED;
  mx_array before = MXP_NODE(x);
  MXP_NODE(x) = result;
  mxb_release(before);
  return Py_NewRef(x);
}

#define OPERATOR(name, op)                                                                                       \
  static PyObject *number_##name(PyObject *x, PyObject *y) { return operate(x, y, op); }                         \
  static PyObject *number_i##name(PyObject *x, PyObject *y) { return operate_in_place(x, y, op); }
OPERATOR(add, mxb_add)
OPERATOR(sub, mxb_subtract)
OPERATOR(mul, mxb_multiply)
OPERATOR(floordiv, mxb_floor_divide)
OPERATOR(mod, mxb_remainder)
OPERATOR(matmul, mxb_matmul)
OPERATOR(and, mxb_bitwise_and)
OPERATOR(or, mxb_bitwise_or)
OPERATOR(xor, mxb_bitwise_xor)
OPERATOR(lshift, mxb_left_shift)
OPERATOR(rshift, mxb_right_shift)

PyObject *mxp_divide(PyObject *x, PyObject *y) { return operate(x, y, mxb_divide); }

/* Integers would become floats, and with them everything that shares the object. */
static PyObject *number_itruediv(PyObject *x, PyObject *y) {
  mx_dtype t = mx_dtype_of(MXP_NODE(x));
  if (t >= MX_FLOAT16) return operate_in_place(x, y, mxb_divide);
  return PyErr_Format(PyExc_ValueError, "[divide] an array of %s cannot be divided in place: the result is not of its dtype", mx_dtype_name(t));
}

static bool has_modulus(PyObject *modulus) {
  if (modulus == Py_None) return false;
  PyErr_SetString(PyExc_TypeError, "[power] there is no power modulo a number");
  return true;
}

static PyObject *number_pow(PyObject *x, PyObject *y, PyObject *modulus) {
  return has_modulus(modulus) ? NULL : operate(x, y, mxb_power);
}

static PyObject *number_ipow(PyObject *x, PyObject *y, PyObject *modulus) {
  return has_modulus(modulus) ? NULL : operate_in_place(x, y, mxb_power);
}

#define UNARY(name, op)                                             \
  static PyObject *number_##name(PyObject *x) {                     \
    mxb_ctx *ctx = mxp_ctx();                                       \
    return ctx ? mxp_wrap(ctx, op(ctx, MXP_NODE(x))) : NULL;        \
  }
UNARY(neg, mxb_negative)
UNARY(pos, mxb_positive)
UNARY(abs, mxb_abs)
UNARY(invert, mxb_bitwise_invert)

/* ---- As Python numbers: these evaluate --------------------------------------------------------------------------- */
static int number_bool(PyObject *x) {
  PyObject *item = mxp_item(x);
  int truth = item ? PyObject_IsTrue(item) : -1;
  Py_XDECREF(item);
  return truth;
}

static PyObject *number_int(PyObject *x) {
  PyObject *item = mxp_item(x), *result = item ? PyNumber_Long(item) : NULL;
  Py_XDECREF(item);
  return result;
}

static PyObject *number_float(PyObject *x) {
  PyObject *item = mxp_item(x), *result = item ? PyNumber_Float(item) : NULL;
  Py_XDECREF(item);
  return result;
}

PyObject *mxp_complex(PyObject *x, PyObject *unused) {
  (void)unused;
  PyObject *item = mxp_item(x), *result = NULL;
  if (item && PyComplex_Check(item)) return item;
  if (item) {
    double v = PyFloat_AsDouble(item);
    result = v == -1.0 && PyErr_Occurred() ? NULL : PyComplex_FromDoubles(v, 0);
  }
  Py_XDECREF(item);
  return result;
}

static PyObject *number_index(PyObject *x) {
  mx_dtype t = mx_dtype_of(MXP_NODE(x));
  if (!mx_ndim(MXP_NODE(x)) && t != MX_BOOL && t < MX_FLOAT16) return mxp_item(x);
  return PyErr_Format(PyExc_TypeError, "[array] an array of %d axes and dtype %s cannot be an index: one of no axes and integers can",
                      mx_ndim(MXP_NODE(x)), mx_dtype_name(t));
}

PyNumberMethods mxp_number_methods = {
    .nb_add = number_add,
    .nb_subtract = number_sub,
    .nb_multiply = number_mul,
    .nb_remainder = number_mod,
    .nb_power = number_pow,
    .nb_negative = number_neg,
    .nb_positive = number_pos,
    .nb_absolute = number_abs,
    .nb_bool = number_bool,
    .nb_invert = number_invert,
    .nb_lshift = number_lshift,
    .nb_rshift = number_rshift,
    .nb_and = number_and,
    .nb_xor = number_xor,
    .nb_or = number_or,
    .nb_int = number_int,
    .nb_float = number_float,
    .nb_inplace_add = number_iadd,
    .nb_inplace_subtract = number_isub,
    .nb_inplace_multiply = number_imul,
    .nb_inplace_remainder = number_imod,
    .nb_inplace_power = number_ipow,
    .nb_inplace_lshift = number_ilshift,
    .nb_inplace_rshift = number_irshift,
    .nb_inplace_and = number_iand,
    .nb_inplace_xor = number_ixor,
    .nb_inplace_or = number_ior,
    .nb_floor_divide = number_floordiv,
    .nb_true_divide = mxp_divide,
    .nb_inplace_floor_divide = number_ifloordiv,
    .nb_inplace_true_divide = number_itruediv,
    .nb_index = number_index,
    .nb_matrix_multiply = number_matmul,
    .nb_inplace_matrix_multiply = number_imatmul,
};

/* ---- Comparisons ------------------------------------------------------------------------------------------------- */
PyObject *mxp_compare(PyObject *a, PyObject *b, int op) {
  static const binary ops[] = {[Py_LT] = mxb_less,      [Py_LE] = mxb_less_equal, [Py_EQ] = mxb_equal,
                               [Py_NE] = mxb_not_equal, [Py_GT] = mxb_greater,    [Py_GE] = mxb_greater_equal};
  return operate(a, b, ops[op]);
}

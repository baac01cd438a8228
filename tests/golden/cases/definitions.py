"""Recorded calls whose answer mica does not follow: the same call with the answer that its definition gives.

record.py asks for each recorded case; one that comes back changed stands in differs.txt instead. Start at redefined.
"""

import numpy as np

from .form import BOOL, COMPLEX, FLOATS, INTEGERS, SIGNED, Array, Case, Weak, array, same_bits, values_of


def _answer(case, why, outputs=(), error="", check="exact"):
    return Case(
        case.op, case.inputs, case.params, case.cotangents, check, list(outputs), [], error, case.text, case.dtype, why
    )


def _arange(case):
    dtype = case.params["dtype"] or ("float32" if case.op == "arange_float" else "")
    if case.error or dtype not in FLOATS + COMPLEX:
        return None
    start, step = (float(values_of(array([case.params[k]], dtype))[0].real) for k in ("start", "step"))
    count = case.outputs[0].bits.size
    with np.errstate(all="ignore"):
        values = np.where(np.arange(count) == 0, start, start + np.arange(count) * step)
    if dtype == "bfloat16":
        values = values.astype(np.float32)  # rounded to float32 first, as everything in a half type is
    return _answer(
        case, "MLX adds the step again and again, and its rounding errors add up", [array(values, dtype, (count,))]
    )


def _divmod(case):
    if case.error or case.inputs[0].dtype not in BOOL:
        return None
    a, b = (values_of(x) for x in case.inputs)
    why = "for booleans MLX's divmod by False is not what its floor_divide and remainder are"
    return _answer(case, why, [array(a & b, "bool"), array(a & ~b, "bool")])


def _isclose(case):
    if case.error or any(isinstance(x, Weak) or x.dtype not in INTEGERS for x in case.inputs):
        return None
    a, b = ([int(v) for v in values_of(x)] for x in case.inputs)
    rtol, atol = case.params.get("rtol", 1e-5), case.params.get("atol", 1e-8)
    close = [abs(x - y) <= atol + rtol * abs(y) for x, y in zip(a, b)]
    return _answer(case, "MLX compares a difference that has wrapped", [array(close, "bool", case.outputs[0].shape)])


def _take_int(case):
    a, i, axis = case.inputs[0], case.params["i"], case.params["axis"]
    n = a.bits.size if axis is None else a.shape[axis] if -len(a.shape) <= axis < len(a.shape) else 0
    if not case.error or not -n <= i < n:
        return None
    bits = a.bits.reshape(a.shape) if axis is not None else a.bits
    item = np.take(bits, i, axis or 0)
    why = "MLX takes no negative integer, though it takes arrays of them"
    return _answer(case, why, [Array(a.dtype, item.shape, item.reshape(-1))])


def _kron(case):
    if not case.error or any(0 not in (0, *x.shape) for x in case.inputs):
        return None
    a, b = case.inputs
    if 0 not in a.shape + b.shape:
        return None
    ndim = max(len(a.shape), len(b.shape))
    shapes = [(1,) * (ndim - len(x.shape)) + tuple(x.shape) for x in (a, b)]
    return _answer(
        case, "nothing is wrong with an array of size 0", [array([], a.dtype, [m * n for m, n in zip(*shapes)])]
    )


def _softmax(case):
    if case.error or case.inputs[0].dtype not in BOOL + INTEGERS or case.inputs[0].bits.size:
        return None
    return _answer(
        case, "MLX works in the integer dtype unless the reduced axis is the last", [array([], "float32", case.inputs[0].shape)]
    )


def _extreme(case):
    """cummax, cummin of arrays with NaN: once met, it stays; a complex number has one if a part is."""
    a = case.inputs[0]
    bad = np.isnan(values_of(a)) if a.dtype in FLOATS + COMPLEX else np.zeros(1, bool)
    axis = case.params.get("axis")
    if case.error or not bad.any() or case.params.get("reverse") or not case.params.get("inclusive", 1) or axis is None:
        return None
    bits = np.moveaxis(a.bits.reshape(a.shape), axis, 0).copy()
    values = np.moveaxis(values_of(a).reshape(a.shape), axis, 0)
    beats = _above if case.op == "cummax" else _below
    for i in range(1, len(bits)):
        kept = np.isnan(values[i - 1]) | ~np.isnan(values[i]) & ~beats(values[i], values[i - 1])
        bits[i] = np.where(kept, bits[i - 1], bits[i])
        values[i] = np.where(kept, values[i - 1], values[i])
    out = Array(a.dtype, a.shape, np.moveaxis(bits, 0, axis).reshape(-1))
    return _answer(case, "MLX loses a NaN on the way, depending on dtype and place", [out])


def _above(x, y):
    """The later one of equals, but the first of complex numbers."""
    if np.iscomplexobj(x):
        return (x.real > y.real) | (x.real == y.real) & (x.imag > y.imag)
    return x >= y


def _below(x, y):
    if np.iscomplexobj(x):
        return (x.real < y.real) | (x.real == y.real) & (x.imag < y.imag)
    return x < y


def _round(case):
    if case.error or case.inputs[0].dtype != "float64" or "decimals" not in case.params:
        return None
    power = 10.0 ** case.params["decimals"]
    values = np.rint(values_of(case.inputs[0]) * power) * 10.0 ** -case.params["decimals"]
    return _answer(case, "MLX scales by a power of ten in float32", [array(values, "float64", case.inputs[0].shape)])


def _add(case):
    if len(case.inputs) < 2 or not isinstance(case.inputs[1], Weak) or isinstance(case.inputs[0], Weak):
        return None
    v = case.inputs[1].value
    if case.error or case.inputs[0].dtype != "uint64" or not isinstance(v, int) or v >= 0:
        return None
    return _answer(case, "MLX wraps the scalar silently", error="ValueError")


def _power_vjp(case):
    a, b = (values_of(x) for x in case.inputs)
    cot = values_of(case.cotangents[0])
    dtype = case.inputs[0].dtype
    with np.errstate(all="ignore"):
        if dtype in SIGNED:
            exponent = a.astype(np.float64) ** b * np.log(a.astype(np.float64))
            why = "MLX gives the gradient of an integer exponent in float32"
            return _answer(case, why, [case.outputs[0], array(np.trunc(exponent.astype(np.float32)) * cot, dtype)])
        if dtype in COMPLEX:
            base, exponent = b * a ** (b - 1), a**b * np.log(a)
            why = "MLX does not conjugate the partial derivatives of power"
            return _answer(
                case, why, [array(cot * base.conj(), dtype), array(cot * exponent.conj(), dtype)], check="near"
            )
        base = np.where(b == 0, 0.0, cot * b * a ** (b - 1))
        why = "x ** 0 does not depend on x, but MLX multiplies 0 by an infinity at x = 0"
        return _answer(case, why, [array(base, dtype), case.outputs[1]], check="near")


def _sum_vjp(case):
    if case.inputs[0].dtype not in INTEGERS:
        return None
    why = "MLX gives the gradient of a widened sum in the wide dtype, every other one in that of the array"
    values = np.broadcast_to(values_of(case.cotangents[0]).reshape(-1), case.inputs[0].shape)
    return _answer(case, why, [array(values, case.inputs[0].dtype)]) if not case.params.get("axis") else None


def _logical_not_jvp(case):
    shape = case.outputs[0].shape
    why = "the tangent of every other boolean result is float32 zeros"
    return _answer(case, why, [array(np.zeros(shape), "float32")])


def _addmm_jvp(case):
    c, a, b = (values_of(x).reshape(x.shape) for x in case.inputs)
    dc, da, db = (values_of(x).reshape(x.shape) for x in case.cotangents)
    alpha, beta = case.params.get("alpha", 1.0), case.params.get("beta", 1.0)
    tangent = beta * np.broadcast_to(dc, case.outputs[0].shape) + alpha * (da @ b + a @ db)
    return _answer(case, "MLX forgets alpha and beta in the tangent", [array(tangent, case.outputs[0].dtype)])


CALLS = {
    "arange_int": _arange,
    "arange_float": _arange,
    "divmod": _divmod,
    "isclose": _isclose,
    "take_int": _take_int,
    "kron": _kron,
    "softmax": _softmax,
    "cummax": _extreme,
    "cummin": _extreme,
    "round": _round,
    "add": _add,
}
DERIVATIVES = {
    ("vjp", "power"): _power_vjp,
    ("vjp", "sum"): _sum_vjp,
    ("jvp", "logical_not"): _logical_not_jvp,
    ("jvp", "addmm"): _addmm_jvp,
}


def _close(case, a, b):
    """MLX's own rounding is no difference where the case is near: then parts agree to a thousandth."""
    if same_bits(a, b) or (a.dtype, tuple(a.shape)) != (b.dtype, tuple(b.shape)) or case.check == "exact":
        return same_bits(a, b)
    return bool(np.allclose(values_of(a), values_of(b), rtol=1e-3, atol=0, equal_nan=True))


def redefined(case):
    """The case as its definition has it, or None where that is what was recorded."""
    of = case.params.get("of")
    find = DERIVATIVES.get((case.op, of)) if of else CALLS.get(case.op)
    other = find(case) if find and not case.why else None
    if other is None or (case.error and case.error == other.error):
        return None
    same = not case.error and not other.error and all(map(lambda a, b: _close(other, a, b), case.outputs, other.outputs))
    return None if same else other

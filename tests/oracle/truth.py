"""Float64 values of calls whose results round, and how far mica may be from them. Start at truth.

A bound is made of what docs/numerics*.md promises: ulps of an elementary function from the table of numerics-elementary.md; roundings on
a path of the trees of sums and products; one rounding to storage for halves. Nothing in it was adjusted to what was seen. Where
intermediate values may overflow or vanish, the bound is infinite: any answer may come out.
"""

from __future__ import annotations

import functools
import math
import pathlib
import re

import numpy as np
from cases import form, refs

DOC = pathlib.Path(__file__).parent.parent.parent / "docs" / "numerics-elementary.md"
# Digits after the leading one, smallest normal exponent, largest number.
PRECISION = {
    "float16": (10, -14, 65504.0),
    "bfloat16": (7, -126, 3.3895313892515355e38),
    "float32": (23, -126, 3.4028234663852886e38),
    "float64": (52, -1022, 1.7976931348623157e308),
    "complex64": (23, -126, 3.4028234663852886e38),
}
HALVES = ("float16", "bfloat16")


def ulp(dtype, value):
    digits, lowest, _ = PRECISION[dtype]
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(np.abs(value), 2.0**lowest)))
        exponent = np.where(np.isfinite(exponent), exponent, 0)
        return 2.0 ** (np.maximum(exponent, lowest) - digits)


def computed_in(dtype):
    return "float32" if dtype in HALVES or dtype == "complex64" else dtype


def eps(dtype):
    return 2.0 ** -PRECISION[computed_in(dtype)][0]


@functools.cache
def promised():
    """ulps of float32 and of float64 by function, from the table of the documentation."""
    rows = re.findall(r"^\| (\w+) \|(.*)\|$", DOC.read_text(), re.M)
    return {name: [float(cells.split("|")[i]) for i in (3, 7)] for name, cells in rows if name not in ("one", "two")}


# What is not in that table: one rounding for each step of the formula.
COMPOSED = {"reciprocal": 0.5, "divide": 0.5, "multiply": 0.5, "degrees": 1.5, "radians": 1.5, "sign": 1.0}


def operand(a, dtype):
    """In the dtype of the result, where it is one that rounds; as float64 or complex128."""
    if isinstance(a, form.Weak):
        a = form.array([a.value], dtype, ())
    values = form.values_of(a)
    if a.dtype != dtype:
        values = form.values_of(form.array(values, dtype))
    return values.reshape(a.shape)


def stored(dtype, value, bound):
    """With the rounding of a half to its storage, and the smallest number, which is as near as vanishing ones come."""
    return bound + 2 * ulp(dtype, 0) + (0.5 * ulp(dtype, value) if dtype in HALVES else 0)


def reaches(dtype, size):
    """Where numbers of this size overflow."""
    return size > PRECISION[computed_in(dtype)][2] * 0.99


# ---- Elementwise
def elementwise(case, dtype):
    values = np.broadcast_arrays(*[operand(a, dtype) for a in case.inputs])
    if dtype == "float64" and case.op not in ("erf", "erfinv", "sigmoid", "logaddexp"):
        values = [v.astype(np.longdouble) for v in values]
    want = refs.reference(case.op, *values)
    limit = COMPOSED.get(case.op) or promised()[case.op][dtype == "float64"]
    size = np.abs(want)
    if dtype == "complex64":
        limit = 1.5 if case.op in ("degrees", "radians") else 4.0 if case.op in ("multiply", "power", "logaddexp") else 0.75
    if case.op == "multiply" and dtype == "complex64":
        size = np.abs(values[0]) * np.abs(values[1])
    if case.op == "logaddexp":
        size = np.maximum(size, 1.0)
    bound = (limit + (2 if dtype == "float64" else 0)) * ulp(computed_in(dtype), size)  # 2: the reference is float64 itself
    if dtype == "complex64":
        bound = np.where(size < 2.0**-120, 2.0**-140, bound)
    return [(want, stored(dtype, want, bound))]


# ---- Sums
def reduced(case, a):
    axis = case.params.get("axis")
    axis = tuple(axis) if isinstance(axis, list) else axis
    options = {"axis": axis, "keepdims": bool(case.params.get("keepdims", 0))}
    kept = np.sum(np.ones_like(a, dtype=np.float64), **options)
    return options, (float(kept.flat[0]) if kept.size else 0.0)


def tree(count, dtype):
    """The relative error of a sum of positive numbers: docs/numerics-reduce.md."""
    return (270 + count / 256) * eps(dtype)


def sums(case, dtype):
    a = operand(case.inputs[0], dtype)
    if case.op == "trace":
        k, i, j = case.params.get("offset", 0), case.params.get("axis1", 0), case.params.get("axis2", 1)
        a, options, count = np.diagonal(a, k, i, j), {"axis": -1}, float(max(a.shape))
    else:
        options, count = reduced(case, a)
    want, size = np.sum(a, **options), np.sum(np.abs(a), **options)
    bound = np.where(reaches(dtype, size), np.inf, tree(count, dtype) * size)
    if case.op == "mean":
        want, bound = want / count, bound / count + ulp(computed_in(dtype), want / count)
    return [(want, stored(dtype, want, bound))]


def variance(case, dtype):
    a = operand(case.inputs[0], "complex64" if case.inputs[0].dtype == "complex64" else dtype)
    options, count = reduced(case, a)
    keep = {**options, "keepdims": True}
    middle = np.sum(a, **keep) / count
    off = np.sum(np.abs(a), **keep) * tree(count, dtype) / count + ulp(computed_in(dtype), middle)
    far = np.abs(a - middle)
    parts = max(count - case.params.get("ddof", 0), 0)
    want = np.sum(far**2, **options) / parts
    bound = (np.sum(2 * far * off + off**2 + 3 * eps(dtype) * far**2, **options) + tree(count, dtype) * np.sum((far + off) ** 2, **options)) / parts
    bound = bound + ulp(computed_in(dtype), want)
    hopeless = reaches(dtype, np.sum(np.abs(a) ** 2, **options))
    if case.op == "std":
        want, bound = np.sqrt(want), np.minimum(bound / np.sqrt(np.maximum(want, 1e-300)), np.sqrt(bound))
        bound = bound + ulp(computed_in(dtype), want)
    return [(want, stored(dtype, want, np.where(hopeless, np.inf, bound)))]


def product(case, dtype):
    a = operand(case.inputs[0], dtype)
    options, count = reduced(case, a)
    want = np.prod(a, **options)
    size, least = np.prod(np.fmax(np.abs(a), 1), **options), np.prod(np.fmin(np.where(a == 0, 1, np.abs(a)), 1), **options)
    vanishes = least < 2.0 ** PRECISION[computed_in(dtype)][1]
    bound = np.where(reaches(dtype, size) | vanishes, np.inf, 4 * count * eps(dtype) * np.abs(want))
    return [(want, stored(dtype, want, bound))]


def exponentials(case, dtype):
    a = operand(case.inputs[0], dtype)
    options, count = reduced(case, a)
    keep = {**options, "keepdims": True}
    top = np.max(a.real, **keep) if a.size else np.zeros(())
    off = np.where(np.isfinite(top), a - top, a - 0)
    e = np.exp(off)
    total = np.sum(e, **keep)
    steps = (promised()["exp"][dtype == "float64"] + 3) * eps(dtype)  # the difference rounds, and exp; log or two products more
    worst = steps + tree(count, dtype) + np.sum(np.where(e == 0, 0, np.abs(e) * np.abs(off)), **keep) / np.maximum(np.abs(total), 1e-30) * eps(dtype)
    if dtype == "complex64":
        worst = worst * np.maximum(np.sum(np.abs(e), **keep) / np.maximum(np.abs(total), 1e-300), 1)
    if case.op == "softmax":
        want = e / total
        bound = np.abs(want) * (worst + steps + np.abs(off) * eps(dtype)) + ulp(computed_in(dtype), 0)
    else:
        want = np.where(np.isfinite(top), top + np.log(total), np.where(np.isnan(top), np.nan, top))
        bound = worst + 2 * ulp(computed_in(dtype), np.log(total)) + ulp(computed_in(dtype), want)
        shape = np.sum(np.zeros(a.shape), **options).shape
        want, bound = want.reshape(shape), np.broadcast_to(bound, want.shape).reshape(shape)
    return [(want, stored(dtype, want, bound))]


def scan(case, dtype):
    a = operand(case.inputs[0], dtype)
    axis, back, inclusive = case.params.get("axis"), case.params.get("reverse", 0), case.params.get("inclusive", 1)
    a = a.reshape(-1) if axis is None else np.moveaxis(a, axis, -1)
    a = np.flip(a, -1) if back else a
    unit = {"cumsum": 0.0, "cumprod": 1.0, "logcumsumexp": -np.inf}[case.op]
    run = {"cumsum": np.cumsum, "cumprod": np.cumprod, "logcumsumexp": functools.partial(accumulate_log)}[case.op]
    want, count = run(a, axis=-1), np.arange(1, a.shape[-1] + 1)
    rounding = 2.0 ** -PRECISION[dtype][0]
    if case.op == "cumsum":
        size = np.cumsum(np.abs(a), axis=-1)
        bound = np.where(reaches(dtype, size) | (size > PRECISION[dtype][2] * 0.99), np.inf, count * rounding * size)
    elif case.op == "cumprod":
        size, least = (np.cumprod(f(np.abs(a), 1), axis=-1) for f in (np.fmax, np.fmin))
        wild = (size > PRECISION[dtype][2] * 0.99) | (least < 2.0 ** PRECISION[dtype][1])
        bound = np.where(wild & (want != 0), np.inf, 4 * count * rounding * np.abs(want))
    else:  # each step is a logaddexp of its own, whose error the next ones pass on
        step = (promised()["logaddexp"][dtype == "float64"] + 0.5) * ulp(dtype, np.maximum(np.abs(want), 1)) * (6 if dtype == "complex64" else 1)
        bound = np.cumsum(np.where(np.isfinite(step), step, 0), axis=-1)
    if not inclusive:
        want, bound = (np.concatenate([np.full(a.shape[:-1] + (1,), v), x[..., :-1]], -1)[..., : a.shape[-1]] for v, x in ((unit, want), (0.0, bound)))
    want, bound = (np.flip(x, -1) if back else x for x in (want, bound))
    want, bound = (x if axis is None else np.moveaxis(x, -1, axis) for x in (want, bound))
    return [(want, stored(dtype, want, bound))]


def accumulate_log(a, axis):
    out = np.array(a, copy=True)
    for i in range(1, a.shape[-1]):
        out[..., i] = refs.reference("logaddexp", out[..., i - 1], a[..., i])
    return out


def norm(case, dtype):
    a = operand(case.inputs[0], "complex64" if case.inputs[0].dtype == "complex64" else dtype)
    order, axis = case.params.get("ord"), case.params.get("axis")
    axis = tuple(axis) if isinstance(axis, list) else axis
    a, axis = (a.reshape(-1), None) if order is None and axis is None else (a, axis)
    want = np.linalg.norm(a, order, axis, bool(case.params.get("keepdims", 0)) and a.shape == tuple(case.inputs[0].shape))
    power = abs(order) if isinstance(order, (int, float)) and math.isfinite(order) and order else 2.0
    wild = np.any((np.abs(a) ** max(power, 2) > 1e37) | (np.abs(a) ** max(power, 2) < 1e-37) & (a != 0))
    size = np.abs(want) if order not in (2, -2, "nuc") else np.linalg.norm(a.reshape(-1)) * max(a.shape)
    bound = np.where(wild, np.inf, (tree(a.size, dtype) + 4 * eps(dtype)) * (1 + power) * size)
    want = want.reshape(case.outputs[0].shape) if want.size == math.prod(case.outputs[0].shape) else want
    return [(want, stored(dtype, want, np.broadcast_to(bound, want.shape)))]


# ---- Products
def contraction(case, *operands):
    p = case.params
    if case.op in ("matmul", "addmm"):
        return np.matmul(*operands)
    if case.op == "einsum":
        return np.einsum(p["subscripts"], *operands)
    if case.op == "tensordot":
        return np.tensordot(*operands, axes=p.get("axes", 2))
    if case.op == "tensordot_axes":
        return np.tensordot(*operands, axes=[p["axes_a"], p["axes_b"]])
    if case.op == "vecdot":
        axis = p.get("axis", -1)
        return np.sum(operands[0] * operands[1], axis=axis)
    return {"inner": np.inner, "outer": np.outer, "kron": np.kron}[case.op](*operands)


def products(case, dtype):
    operands = [operand(a, dtype) for a in case.inputs]
    first = operands.pop(0) if case.op == "addmm" else None
    operands = [np.conj(operands[0]), operands[1]] if case.op == "vecdot" else operands
    want, size = contraction(case, *operands), contraction(case, *map(np.abs, operands))
    terms = max((max(x.shape, default=1) for x in operands), default=1) ** len(operands)
    bound = (terms / 256 + 256 + 4 * len(operands)) * eps(dtype) * size
    if first is not None:
        alpha, beta = case.params.get("alpha", 1.0), case.params.get("beta", 1.0)
        want, bound = alpha * want + beta * first, abs(alpha) * bound + 4 * eps(dtype) * (abs(alpha) * size + abs(beta) * np.abs(first))
        if dtype in HALVES:  # the product, what it becomes by alpha, and beta's part are rounded each
            bound = bound + ulp(dtype, np.abs(want) + bound + abs(beta) * np.abs(first)) + 0.5 * ulp(dtype, beta * first)
        size = abs(alpha) * size + abs(beta) * np.abs(first)
    bound = np.where(reaches(dtype, size) | ~np.isfinite(size), np.inf, bound)
    return [(want, stored(dtype, want, bound))]


# ---- Made from numbers
def line(case, dtype):
    start, stop, count = case.params["start"], case.params["stop"], case.params["num"]
    want = np.linspace(start, stop, count, endpoint=bool(case.params.get("endpoint", 1)))
    return [(want, stored(dtype, want, np.full(want.shape, 3 * ulp(computed_in(dtype), max(abs(start), abs(stop))))))]


def window(case, dtype):
    count = case.params["M"]
    want = getattr(np, case.op)(count)
    return [(want, np.full(want.shape, 8 * eps(dtype)))]  # three terms of cosines of rounded angles, none beyond 1


TRUTHS = {
    **dict.fromkeys([*refs.UNARY, *refs.BINARY, *refs.COMPLEX], elementwise),
    **dict.fromkeys(["sum", "mean", "trace"], sums),
    **dict.fromkeys(["var", "std"], variance),
    **dict.fromkeys(["logsumexp", "softmax"], exponentials),
    **dict.fromkeys(["cumsum", "cumprod", "logcumsumexp"], scan),
    **dict.fromkeys(["matmul", "addmm", "einsum", "tensordot", "tensordot_axes", "vecdot", "inner", "outer", "kron"], products),
    **dict.fromkeys(["bartlett", "hanning", "hamming", "blackman"], window),
    "prod": product,
    "linalg.norm": norm,
    "linspace": line,
}


def truth(case):
    """[(values, bounds)] for the outputs of an answered case, or None where results are exact or no definition is known here."""
    find = TRUTHS.get(case.op)
    if not find or not case.outputs or case.outputs[0].dtype not in PRECISION:
        return None
    with np.errstate(all="ignore"):
        return find(case, case.outputs[0].dtype)


def excess(a, want, bound, other):
    """By how many times its bound an output is from the truth at worst; 0 where the bound is infinite, or `other`, the output of the
    other library, is the same. Parts of complex numbers count each."""
    got = form.values_of(a)
    want, bound = np.asarray(want).reshape(-1), np.broadcast_to(np.asarray(bound, dtype=np.float64), np.shape(want)).reshape(-1)
    if got.shape != want.shape:
        return math.inf
    pairs = [(got.real, want.real), (got.imag, want.imag)] if np.iscomplexobj(got) else [(got.astype(np.float64), want)]
    top = PRECISION[a.dtype][2]
    with np.errstate(all="ignore"):
        worst = 0.0
        for g, w in pairs:
            w = np.where(np.abs(w) - bound > top, np.copysign(np.inf, w), w)  # beyond the dtype
            same = (g == w) | np.isnan(g) & np.isnan(w) | (np.isinf(g) & (np.abs(w) + bound > top)) | np.isinf(bound)
            same |= form.equal_elements(a, other)
            far = np.where(same, 0.0, np.abs(g - w) / bound)
            far = np.where(np.isnan(far), np.inf, far)
            worst = max(worst, float(np.max(far, initial=0.0)))
    return worst


# ---- Results without a definition here: random numbers that are not uniform, and derivatives
MLX_ULPS = 32  # MLX's own, as measured where tests/golden was recorded


def chain(case, values):
    """(ulps of the result, absolute error) that mica and MLX may be apart, by what the result is computed from; None: not at all."""
    if case.op in ("vjp", "jvp"):  # partial derivatives and products, which may cancel against the cotangent
        top = max((float(np.max(np.abs(form.values_of(a).astype(np.complex128)), initial=0)) for a in case.cotangents), default=0.0)
        return 8 + MLX_ULPS, (8 + MLX_ULPS) * max(top, 1.0)
    if case.op in ("random.normal", "random.state", "random.laplace"):
        return 6 + MLX_ULPS, 2 * abs(case.params.get("loc", 0.0) or 0.0)
    if case.op == "random.gumbel":  # a relative error of the inner logarithm is an absolute one of the outer
        return 2 + MLX_ULPS, 2 + MLX_ULPS
    if case.op == "random.truncated_normal":  # an ulp of erf, times the slope of erfinv
        return 4 + MLX_ULPS, (2 + MLX_ULPS) * 1.2533 * np.exp(np.minimum(np.abs(values), 30) ** 2 / 2)
    if case.op == "random.multivariate_normal":  # an ulp of the samples, which are below 6, through the product
        size = max(float(np.max(np.abs(form.values_of(a).astype(np.float64)), initial=0)) for a in case.inputs[1:])
        return 1, MLX_ULPS * (6 * case.inputs[1].bits.size * math.sqrt(size) + size)
    return None


def are_near(ours, theirs):
    for a, b in zip(ours.outputs, theirs.outputs):
        if form.same_bits(a, b):
            continue
        if a.dtype not in PRECISION or not chain(ours, 0.0):
            return False
        got, want = form.values_of(a), form.values_of(b)
        with np.errstate(all="ignore"):
            ulps, absolute = chain(ours, np.abs(want))
            own = computed_in(a.dtype)
            bound = ulps * ulp(own, np.abs(want)) + absolute * ulp(own, 1.0) / 2 + (ulp(a.dtype, np.abs(want)) if a.dtype in HALVES else 0)
            apart = np.abs(got - want)
        if np.any(~((apart <= bound) | form.equal_elements(a, b))):
            return False
    return True

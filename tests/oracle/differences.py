"""The rows of docs/differences.md as predicates: LISTED maps words of a row to whether a call is one of its kind. A disagreement that
no row explains is a mistake. Start at listed."""

from __future__ import annotations

import pathlib

import numpy as np
from cases import form, refs

DOC = (pathlib.Path(__file__).parent.parent.parent / "docs" / "differences.md").read_text()


def arrays(case):
    return [a for a in case.inputs if isinstance(a, form.Array)]


def dtypes(case):
    return {a.dtype for a in arrays(case)}


def has_nan(case):
    return any(np.isnan(form.values_of(a)).any() for a in arrays(case) if a.dtype in form.FLOATS + form.COMPLEX)


def has_infinity(case):
    return any(np.isinf(form.values_of(a)).any() for a in arrays(case) if a.dtype in form.FLOATS + form.COMPLEX)


def is_inexact(dtype):
    return dtype in form.FLOATS + form.COMPLEX


def is_value(answer):
    return answer is not None and not answer.error


def is_error(answer):
    return answer is not None and bool(answer.error)


def is_bitwise(case):
    return case.op in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift")


def refused(ours, theirs):
    return ours.error == "IndexError" and is_value(theirs) or theirs is None


def out_of_range(case, ours, theirs):
    """An index that is not there: mica says so."""
    ops = ("index", "index_int", "index_set", "take", "take_int", "take_along_axis", "put_along_axis")
    return (case.op in ops or case.op.startswith("at_")) and ours.error == "IndexError" and (theirs is None or theirs.error in ("", "ValueError"))


def integer_division(case, ours, theirs):
    return case.op in ("divmod", "floor_divide", "remainder") and theirs is None and is_value(ours) and not any(map(is_inexact, dtypes(case)))


def shifted_out(case):
    if case.op not in ("left_shift", "right_shift"):
        return False
    width = 8 * form.WIDTH[case.outputs[0].dtype]
    counts = form.values_of(case.inputs[1]) if isinstance(case.inputs[1], form.Array) else np.array([case.inputs[1].value])
    return bool(((counts < 0) | (counts >= width)).any())


def wild_cast(case, ours, theirs):
    """Floats that become integers and do not fit: in astype, where a value is written into an array of integers, and on the way."""
    if case.op == "round" or case.op == "at_divide":
        return is_value(theirs) and is_value(ours) and not is_inexact(ours.outputs[0].dtype)
    converts = case.op in ("astype", "full_like") or case.op.startswith("at_") or case.op in ("index_set", "slice_set", "slice_update", "put_along_axis")
    return converts and is_value(theirs) and is_value(ours) and not is_inexact(ours.outputs[0].dtype) and any(map(is_inexact, dtypes(case)))


def nothing_there(case, ours, theirs):
    moves = case.op in ("index", "index_int", "index_set", "slice_set", "unflatten", "take_along_axis", "put_along_axis") or case.op.startswith("at_")
    return (case.op == "unflatten" and theirs is None and 0 in case.params["shape"]) or moves and any(0 in a.shape for a in arrays(case)) and (not is_error(theirs) or is_value(ours))


def is_order(case):
    return case.op in ("max", "min", "minmax", "maximum", "minimum", "argmax", "argmin", "median", "sort", "argsort", "partition", "argpartition", "topk", "searchsorted", "clip", "at_maximum", "at_minimum")


def bad_axis(case):
    """Whether an axis is none of some operand's."""
    given = [case.params.get(name) for name in ("axis", "axis1", "axis2", "source", "destination", "axes", "axes_a", "axes_b")]
    axes = [n for v in given if v is not None for n in (v if isinstance(v, list) else [v])]
    return any(not -len(a.shape) <= n < len(a.shape) for n in axes for a in arrays(case))


def other_branch(case, ours, theirs):
    """The same logarithms but for whole turns, or infinities."""
    if case.op != "logcumsumexp" or "complex64" not in dtypes(case) or not (is_value(ours) and is_value(theirs)):
        return False
    with np.errstate(all="ignore"):
        apart = form.values_of(ours.outputs[0]) - form.values_of(theirs.outputs[0])
        turned = np.abs(np.exp(apart) - 1) < 1e-3
    return bool(np.all(turned | ~np.isfinite(apart)))


def complex_product(case, ours, theirs):
    """Infinities and NaN in products of complex numbers, and in what is made of such products."""
    makes = ("multiply", "divide", "floor_divide", "square", "prod", "cumprod", "matmul", "inner", "outer", "tensordot", "einsum", "vecdot", "kron", "addmm", "power", "at_multiply", "at_divide", "var", "std", "round")
    wild = any(not np.isfinite(form.values_of(a)).all() for a in [*arrays(case), *ours.outputs] if is_inexact(a.dtype))
    return case.op in makes and is_value(ours) and is_value(theirs) and ours.outputs[0].dtype == "complex64" and wild


LISTED = {
    "integer index out of range: `a[5]`": out_of_range,
    "`slice`, `slice_update` with a start array out of range": lambda c, o, t: c.op in ("slice_dynamic", "slice_update") and refused(o, t),
    "`as_strided` that leaves the array": lambda c, o, t: c.op == "as_strided" and o.error == "ValueError",
    "`divmod` of integers by 0": integer_division,
    "| `divmod(True, False)` |": lambda c, o, t: c.op == "divmod" and "bool" in dtypes(c),
    "`unstack` along an axis of size 0": lambda c, o, t: c.op in ("unstack", "meshgrid", "broadcast_arrays") and is_value(o) and not o.outputs,
    "`tensordot` with an axis out of range": lambda c, o, t: c.op in ("tensordot_axes", "tensordot") and bool(o.error) and is_error(t),
    "`random.permutation` of a 0-d array or a bad axis": lambda c, o, t: c.op == "random.permutation" and bool(o.error) and is_error(t),
    "`take_along_axis` with float indices": lambda c, o, t: c.op in ("take_along_axis", "put_along_axis") and bool(o.error) and is_error(t),
    "`take(a, -1)`, `take(a, -1, axis)` with a negative Python integer": lambda c, o, t: c.op == "take_int" and is_value(o) and is_error(t),
    "`kron`, `einsum` of an array of size 0": lambda c, o, t: c.op in ("kron", "einsum") and is_value(o) and is_error(t) and any(0 in a.shape for a in arrays(c)),
    "`<<`, `>>` by a count outside [0, width)": lambda c, o, t: is_value(o) and is_value(t) and shifted_out(o),
    "`cummax`, `cummin` of float16, bfloat16 and complex64 with NaN": lambda c, o, t: c.op in ("cummax", "cummin") and has_nan(c),
    "float to integer out of range, NaN, infinities": wild_cast,
    "`to_fp8`, `from_fp8` with float64": lambda c, o, t: c.op in ("to_fp8", "from_fp8") and ("float64" in dtypes(c) or c.params.get("dtype") == "float64"),
    "`to_fp8(nan)`": lambda c, o, t: c.op == "to_fp8" and has_nan(c),
    "a `key` that has not two elements": lambda c, o, t: c.op.startswith("random.") and t is None and o.error == "ValueError",
    "`slice_update` with an update larger than the array": lambda c, o, t: c.op == "slice_update" and o.error == "ValueError" and not is_error(t),
    "`a[::0]`, also on the left of `=`": lambda c, o, t: c.op in ("slice", "slice_set") and 0 in c.params["step"] and t is None and bool(o.error),
    "indexing, `at[]`, `unflatten`, `take_along_axis` of an array of size 0": nothing_there,
    "`reshape(a, (-2, 0))` and other negative sizes": lambda c, o, t: c.op in ("reshape", "unflatten") and not is_error(t) and 0 in c.inputs[0].shape,
    "`full`, `full_like` with values that do not broadcast": lambda c, o, t: c.op in ("full", "full_like") and o.error == "ValueError" and is_value(t),
    "a call in which an axis is out of range and something else is wrong": lambda c, o, t: o.error == "ValueError" and t is not None and t.error == "IndexError" and bad_axis(c),
    "`divmod`, `//` of float16 and bfloat16": lambda c, o, t: c.op in ("divmod", "floor_divide") and bool(dtypes(c) & {"float16", "bfloat16"}) and is_value(t),
    "`max`, `min`, `maximum`, `minimum`, `argmax`": lambda c, o, t: is_order(c) and "complex64" in dtypes(c) and has_nan(c),
    "elementary functions of complex numbers with a NaN part": lambda c, o, t: c.op in refs.UNARY and "complex64" in dtypes(c) and (has_nan(c) or has_infinity(c)),
    "`put_along_axis` where indices or values do not broadcast": lambda c, o, t: c.op == "put_along_axis" and o.error == "ValueError" and is_value(t),
    "`pad` with constant values of shape (1,)": lambda c, o, t: c.op == "pad" and o.error == "ValueError" and is_value(t) and len(c.inputs) == 2,
    "`vecdot` of arrays with different numbers of axes": lambda c, o, t: c.op == "vecdot" and bool(o.error) and len(c.inputs[0].shape) != len(c.inputs[1].shape),
    "float64 `exp`, `sin`, `cos`": lambda c, o, t: c.op in ("vjp", "jvp") and "float64" in dtypes(c) and is_value(o) and is_value(t),
    "`svd`, norms 2, -2 and": lambda c, o, t: c.op == "linalg.norm" and o.error == "ValueError" and not is_value(t),
    "`at[].maximum`, `at[].minimum` with NaN": lambda c, o, t: c.op in ("at_maximum", "at_minimum") and has_nan(c),
    "`at[].subtract` of unsigned integers": lambda c, o, t: c.op == "at_subtract" and bool({*form.UNSIGNED, "bool"} & dtypes(c)),
    "`addmm` with `alpha` or `beta` 0": lambda c, o, t: c.op == "addmm" and 0.0 in (c.params.get("alpha"), c.params.get("beta")) and is_value(o) and is_value(t),
    "`isclose`, `allclose` of complex": lambda c, o, t: c.op in ("isclose", "allclose") and "complex64" in dtypes(c),
    "`random.categorical` with several infinite": lambda c, o, t: c.op == "random.categorical" and is_value(o) and is_value(t) and has_infinity(c),
    "`trace` of an array of size 0": lambda c, o, t: c.op == "trace" and t is None and is_value(o) and 0 in c.inputs[0].shape,
    "`softmax` of an array of size 0 along": lambda c, o, t: c.op == "softmax" and bool(o.error) and is_value(t) and 0 in c.inputs[0].shape,
    "`pad(mode=\"edge\")` of an axis of size 0": lambda c, o, t: c.op == "pad" and o.error == "ValueError" and 0 in c.inputs[0].shape,
    "`random.key` of a negative seed": lambda c, o, t: c.op == "random.key" and o.error == "ValueError" and c.params["seed"] < 0,
    "`&`, `\|`, `^`, `<<`, `>>` of floats or complex numbers": lambda c, o, t: is_bitwise(c) and o.error == "ValueError" and t is not None and t.error == "RuntimeError",
    "`softmax` of integers or booleans": lambda c, o, t: c.op == "softmax" and not any(map(is_inexact, dtypes(c))),
    "`logsumexp` of booleans or unsigned integers": lambda c, o, t: c.op == "logsumexp" and bool(dtypes(c) & {*form.UNSIGNED, "bool"}),
    "`bool array + 2**40` and other integers outside int32": lambda c, o, t: o.error == "ValueError" and any(isinstance(a, form.Weak) and isinstance(a.value, int) for a in c.inputs),
    "`arange` of floats": lambda c, o, t: c.op.startswith("arange"),
    "`isclose`, `allclose` of integers": lambda c, o, t: c.op in ("isclose", "allclose") and bool(dtypes(c) & set(form.INTEGERS)),
    "`round(x, decimals)` of float64": lambda c, o, t: c.op == "round" and "float64" in dtypes(c),
    "`full((2,), 3.5, int32)`": lambda c, o, t: c.op == "full" and is_value(o) and is_value(t),
    "`nan_to_num` of float64": lambda c, o, t: c.op == "nan_to_num" and "float64" in dtypes(c),
    "complex multiply with infinite parts": complex_product,
    "`logcumsumexp` of complex numbers": other_branch,
    "norms 2, -2 and \"nuc\" of complex64": lambda c, o, t: c.op == "linalg.norm" and "complex64" in dtypes(c) and bool(o.error),
    "mean, var, std and norms of float16 and bfloat16": lambda c, o, t: c.op in ("mean", "var", "std", "linalg.norm") and bool(dtypes(c) & {"float16", "bfloat16"}),
    "`stack(axis=None)`": lambda c, o, t: c.op == "stack" and c.params.get("axis") is None and o.error == "TypeError",
}


def listed(case, ours, theirs):
    """The words of the row that explains the disagreement, or None. `theirs` is None where MLX died or hung."""
    for words, applies in LISTED.items():
        if applies(case, ours, theirs):
            return words
    return None


def unknown_rows():
    return [words for words in LISTED if words not in DOC]

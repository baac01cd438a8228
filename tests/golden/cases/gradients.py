"""Gradients where a choice had to be made: ties, kinks, zeros, complex numbers, integer arrays. Start at FILES.

A vjp case names the operation in `of`; its inputs are the primals, `cot` lines the cotangents (of jvp: the tangents),
and the outputs one gradient per primal, or per input listed in `wrt`. What released MLX does not differentiate is left
out (docs/differences.md).
"""

import numpy as np

from .call import run_case
from .form import FLOATS, Case, array

F, C = "float32", "complex64"


def f(*values):
    return array(np.array(values, dtype=np.float64), F)


def c(*values):
    return array(np.array(values, dtype=np.complex128), C)


INDEXED = {
    "take": [0],
    "take_along_axis": [0],
    "put_along_axis": [0, 2],
    "at_add": [0, 2],
    "at_maximum": [0, 2],
    "at_minimum": [0, 2],
    "at_multiply": [0, 2],
    "index_set": [0, 2],
    "index": [0],
}


def answered(build):
    """The cases of `build` that released MLX differentiates."""
    return lambda dropped: (case for case in build(dropped) if not case.error)


def vjp(of, inputs, params=None, cotangents=None, check="exact", op="vjp"):
    """Cotangents default to 1, 2, 3, ... in the outputs' dtype and shape; tangents of jvp likewise for the inputs."""
    params = dict(params or {})
    if cotangents is None:
        outputs = run_case(Case(of, list(inputs), dict(params))).outputs if op == "vjp" else inputs
        cotangents = [array(np.arange(1, o.bits.size + 1).reshape(o.shape), o.dtype) for o in outputs]
    if of in INDEXED:
        params["wrt"] = INDEXED[of]
        cotangents = [inputs[i] for i in INDEXED[of]] if op == "jvp" else cotangents
    case = run_case(Case(op, list(inputs), {"of": of, **params}, cotangents))
    case.check = check
    return case


def kinks(_dropped):
    a, b = f(1, 2, 2, -1, 0, 5), f(2, 2, 1, -1, -0.0, np.inf)
    for of in ("maximum", "minimum", "add", "subtract", "multiply", "remainder", "floor_divide"):
        yield vjp(of, [a, b])
    yield vjp("maximum", [f(np.nan, 1, np.nan), f(1, np.nan, np.nan)])
    for of in (
        "abs",
        "sign",
        "floor",
        "ceil",
        "trunc",
        "round",
        "square",
        "negative",
        "stop_gradient",
        "positive",
        "nan_to_num",
        "conj",
        "real",
        "imag",
    ):
        yield vjp(of, [f(-2, -0.5, -0.0, 0, 1.5, 3)])
    yield vjp("nan_to_num", [f(np.nan, np.inf, -np.inf, 1)])
    for low, high in ((f(1.0), f(3.0)), (f(1, 1, 1, 1), f(3, 3, 3, 3)), (f(3.0), f(1.0))):
        yield vjp("clip", [f(0, 1, 2, 3), low, high] if low.bits.size == 4 else [f(0, 1, 3, 4), low, high])
    yield vjp("where", [array([1, 0, 1], "bool"), f(1, 2, 3), f(4, 5, 6)])
    yield vjp("where", [array([1, 0, 1], "bool"), f(7), f(4, 5, 6)])
    for of in ("equal", "less", "logical_not", "isnan"):
        yield vjp(of, [f(1, 2), f(1, 3)] if of in ("equal", "less") else [f(1, 0)])
        yield vjp(of, [f(1, 2), f(1, 3)] if of in ("equal", "less") else [f(1, 0)], op="jvp")


def smooth(_dropped):
    x = f(-0.75, -0.25, 0.5, 0.8)
    for of in (
        "exp",
        "expm1",
        "erf",
        "erfinv",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arctanh",
        "log1p",
        "sigmoid",
        "degrees",
        "radians",
        "reciprocal",
    ):
        yield vjp(of, [x], check="near")
        yield vjp(of, [x], check="near", op="jvp")
    for of in ("sqrt", "rsqrt", "log", "log2", "log10", "arccosh"):
        yield vjp(of, [f(1.5, 2, 4, 9)], check="near")
        yield vjp(of, [f(0.0, 1.0)], check="near")
    yield vjp("reciprocal", [f(0.0, -0.0)])
    yield vjp("arctan2", [f(1, -1, 0, 0), f(2, -3, 1, 0)], check="near")
    yield vjp("logaddexp", [f(1, 2, -np.inf, np.inf), f(1, 5, -np.inf, 1)], check="near")
    yield vjp("divide", [f(1, 2, 0, 1), f(4, -8, 2, 0)], check="near")
    yield vjp("power", [f(2, 3, 0, 0, -2, 1, 0), f(3, 0, 0, 2, 2, 5, 1)], check="near")
    yield vjp("power", [f(4, 9, 2), f(0.5, -0.5, -1)], check="near")
    for dtype in FLOATS:
        yield vjp("exp", [array([0.0, 1.0], dtype)], check="near")
        yield vjp("sum", [array([[1.0, 2.0], [3.0, 4.0]], dtype)], {"axis": 0})
        yield vjp("multiply", [array([1.0, 2.0], dtype), array([3.0, 4.0], F)])
    yield vjp("add", [f(1, 2, 3), array([[1.0], [2.0]], F)])
    yield vjp("multiply", [array(3.0, F), array([[1.0, 2.0], [3.0, 4.0]], F)])


def folds(_dropped):
    m = array([[1, 3, 3], [2, 2, 2], [0, -1, 0]], F)
    for of in (
        "max",
        "min",
        "sum",
        "prod",
        "mean",
        "var",
        "std",
        "logsumexp",
        "softmax",
        "cumsum",
        "cumprod",
        "cummax",
        "cummin",
        "logcumsumexp",
        "sort",
        "median",
        "minmax",
    ):
        for axis in (0, 1, None):
            near = of in (
                "mean",
                "var",
                "std",
                "logsumexp",
                "softmax",
                "logcumsumexp",
                "prod",
                "cumprod",
                "max",
                "min",
                "minmax",
            )
            yield vjp(of, [m], {"axis": axis}, check="near" if near else "exact")
    for values in ((2, 3, 4), (2, 0, 4), (0, 3, 0), (0, 0, 0), (5,)):
        yield vjp("prod", [f(*values)], {"axis": None}, check="near")
        yield vjp("cumprod", [f(*values)], {"axis": 0}, check="near")
    for of in ("cumsum", "cumprod"):
        for reverse, inclusive in ((1, 1), (0, 0), (1, 0)):
            yield vjp(of, [f(1, 2, 4)], {"axis": 0, "reverse": reverse, "inclusive": inclusive}, check="near")
    yield vjp("linalg.norm", [f(3, 4)], check="near")
    yield vjp("linalg.norm", [f(0, 0)], check="near")
    for ord in (1.0, 2.0, np.inf, 3.0, 0.0):
        yield vjp("linalg.norm", [f(3, -4, 4, 0)], {"ord": float(ord)}, check="near")
    for of in ("all", "any", "argmax"):
        yield vjp(of, [f(1, 0)], cotangents=[array(1, "bool" if of != "argmax" else "uint32")])
    yield vjp("logsumexp", [f(-np.inf, -np.inf)], {"axis": None}, check="near")
    yield vjp("softmax", [f(-np.inf, 0)], {"axis": 0}, check="near")
    yield vjp("topk", [f(3, 1, 2)], {"k": 2, "axis": 0}, cotangents=[f(1, 1)])
    yield vjp("partition", [f(3, 1, 2)], {"kth": 1, "axis": 0}, cotangents=[f(1, 1, 1)])


def moves(_dropped):
    m, ints = array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], F), lambda *v: array(list(v), "int32")
    table = [
        ("reshape", [m], {"shape": [3, 2]}),
        ("transpose", [m], {"axes": None}),
        ("broadcast_to", [f(1, 2, 3)], {"shape": [2, 3]}),
        ("concatenate", [m, m], {"axis": 1}),
        ("stack", [f(1, 2), f(3, 4)], {"axis": 1}),
        ("slice", [m], {"start": [0, 2], "stop": [2, -4], "step": [1, -2]}),
        ("pad", [m], {"low": [1, 0], "high": [0, 1]}),
        ("pad", [f(1, 2)], {"low": [2], "high": [1], "mode": "edge"}),
        ("flip", [m], {"axis": 1}),
        ("roll", [m], {"shift": 1, "axis": 1}),
        ("repeat", [m], {"repeats": 2, "axis": 1}),
        ("tile", [f(1, 2)], {"reps": [3]}),
        ("diag", [f(1, 2)], {"k": 0}),
        ("diagonal", [m], {}),
        ("tril", [m], {"k": 0}),
        ("trace", [m], {}),
        ("take", [m, ints(0, 0, 2)], {"axis": 1}),
        ("take_along_axis", [m, array([[0, 0], [2, 2]], "int32")], {"axis": 1}),
        ("put_along_axis", [m, array([[0], [2]], "int32"), array([[7.0], [8.0]], F)], {"axis": 1}),
        ("at_add", [f(1, 2, 3), ints(0, 0, 2), f(1, 1, 1)], {"axis": 0}),
        ("at_maximum", [f(1, 2, 3), ints(0, 1), f(5, 2)], {"axis": 0}),
        ("at_multiply", [f(1, 2, 3), ints(0, 2), f(5, 2)], {"axis": 0}),
        ("index_set", [f(1, 2, 3), ints(1), f(9)], {"axis": 0}),
        ("slice_set", [m, f(7, 8, 9)], {"start": [0, 0], "stop": [1, 3], "step": [1, 1]}),
        ("array_split", [m], {"sections": 3, "axis": 1}),
        ("as_strided", [m], {"shape": [2, 2], "strides": [1, 1], "offset": 0}),
        ("matmul", [m, array(np.ones((3, 2)), F)], {}),
        ("matmul", [f(1, 2, 3), f(4, 5, 6)], {}),
        ("matmul", [array(np.arange(12.0).reshape(2, 2, 3), F), array(np.ones((3, 2)), F)], {}),
        ("addmm", [f(1, 2), m, array(np.ones((3, 2)), F)], {"alpha": 2.0, "beta": 3.0}),
        ("inner", [f(1, 2), f(3, 4)], {}),
        ("outer", [f(1, 2), f(3, 4)], {}),
        ("tensordot", [m, m], {"axes": 2}),
        ("einsum", [m, m], {"subscripts": "ij,kj->ik"}),
        ("kron", [f(1, 2), f(3, 4)], {}),
        ("astype", [f(1.5, 2.5)], {"dtype": "float16"}),
        ("astype", [f(1.5, 2.5)], {"dtype": "int32"}),
        ("expand_dims", [f(1, 2)], {"axis": 0}),
        ("flatten", [m], {}),
        ("contiguous", [m], {}),
        ("view", [f(1, 2)], {"dtype": "int32"}),
        ("searchsorted", [f(1, 2), f(1.5)], {"side": "left"}),
    ]
    for of, inputs, params in table:
        yield vjp(of, inputs, params)
        if of in ("matmul", "concatenate", "slice", "take", "at_add", "addmm"):
            yield vjp(of, inputs, params, op="jvp", cotangents=[array(np.ones(a.shape), a.dtype) for a in inputs])


def complex_numbers(_dropped):
    z, w = c(1 + 2j, 3 - 1j, -0.5j), c(2 - 1j, 1j, 1 + 1j)
    seeds = [array(np.array([1 + 1j, 2, 1j]), C)]
    for of in ("add", "subtract", "multiply", "divide", "maximum", "power", "logaddexp"):
        yield vjp(of, [z, w], cotangents=seeds, check="near")
        yield vjp(of, [z, w], cotangents=[z, w], check="near", op="jvp")
    for of in (
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "square",
        "sin",
        "cos",
        "tan",
        "tanh",
        "sinh",
        "cosh",
        "arctan",
        "arcsin",
        "arccos",
        "arcsinh",
        "arccosh",
        "arctanh",
        "reciprocal",
        "conj",
        "negative",
        "log1p",
        "log2",
        "log10",
        "sign",
    ):
        yield vjp(of, [z], cotangents=seeds, check="near")
        yield vjp(of, [z], cotangents=[w], check="near", op="jvp")
    for of in ("abs", "real", "imag"):
        yield vjp(of, [c(3 + 4j, 0, -2j)], check="near")
        yield vjp(of, [c(3 + 4j, 0, -2j)], cotangents=[w], check="near", op="jvp")
    yield vjp("sum", [z], {"axis": None}, cotangents=[array(1 + 2j, C)])
    yield vjp("prod", [z], {"axis": None}, cotangents=[array(1 + 2j, C)], check="near")
    yield vjp(
        "matmul", [array([[1 + 1j, 2]], C), array([[1j], [3 - 1j]], C)], cotangents=[array([[1 + 2j]], C)], check="near"
    )
    yield vjp("vecdot", [z, w], cotangents=[array(1 + 2j, C)], check="near")
    yield vjp("linalg.norm", [z], check="near")
    yield vjp("multiply", [f(1, 2, 3), w], cotangents=seeds, check="near")
    yield vjp("add", [f(1, 2, 3), w], cotangents=seeds)
    yield vjp("astype", [z], {"dtype": F}, cotangents=[f(1, 2, 3)])
    yield vjp("astype", [f(1, 2, 3)], {"dtype": C}, cotangents=seeds)


def integers(_dropped):
    i = array([2, 3], "int32")
    for of, inputs in (
        ("square", [i]),
        ("multiply", [i, i]),
        ("multiply", [i, f(1.5, 2.5)]),
        ("divide", [i, i]),
        ("sum", [i]),
        ("sqrt", [i]),
        ("power", [i, i]),
        ("add", [i, array([1, 2], "uint8")]),
    ):
        yield vjp(of, inputs, check="near" if of in ("sqrt", "power", "divide") else "exact")
    yield vjp("multiply", [array([1, 0], "bool"), f(2, 3)])
    yield vjp("sum", [array([1, 2], "int8")])
    yield vjp("take", [f(1, 2, 3), array([0, 2], "int32")], {"axis": 0})


FILES = {
    name: answered(build)
    for name, build in (
        ("grad_kinks", kinks),
        ("grad_smooth", smooth),
        ("grad_folds", folds),
        ("grad_moves", moves),
        ("grad_complex", complex_numbers),
        ("grad_integers", integers),
    )
}

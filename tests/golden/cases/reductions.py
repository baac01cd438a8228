"""Reductions, scans, sorting and norms over every dtype. Values are small integers, so that sums are exact in any
order. Start at FILES.
"""

import numpy as np
from scipy import special

from .call import run_case
from .form import BOOL, COMPLEX, DTYPES, FLOATS, Array, Case, array, values_of

REDUCTIONS = [
    "sum",
    "prod",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "minmax",
    "all",
    "any",
    "logsumexp",
    "median",
    "count_nonzero",
    "argmax",
    "argmin",
]
SCANS = ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"]
NEAR = {"mean", "var", "std", "logsumexp", "logcumsumexp", "softmax", "linalg.norm"}
GRID = [[3, 1, 2, 1], [0, 2, 2, 1], [1, 3, 0, 2]]
AXES = [None, 0, 1, -1, [0, 1], []]


def grid(dtype):
    values = np.array(GRID)
    return array(values + 1j * (values[::-1] - 1) if dtype in COMPLEX else values.tolist(), dtype)


def _wide(a):
    values = values_of(a).reshape(a.shape)
    return values if np.iscomplexobj(values) else values.astype(np.float64)


def _norm(x, ord=None, axis=None, keepdims=False):
    axis = tuple(axis) if isinstance(axis, list) else axis
    if ord is None:
        return np.sqrt(np.sum(np.abs(x) ** 2, axis=axis, keepdims=keepdims))
    return np.linalg.norm(x, ord, axis, keepdims)


def _softmax(x, axis=None, precise=0):
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


REFERENCE = {
    "mean": lambda x, axis=None, keepdims=0: np.mean(x, axis=axis, keepdims=bool(keepdims)),
    "var": lambda x, axis=None, keepdims=0, ddof=0: np.var(x, axis=axis, keepdims=bool(keepdims), ddof=ddof),
    "std": lambda x, axis=None, keepdims=0, ddof=0: np.std(x, axis=axis, keepdims=bool(keepdims), ddof=ddof),
    "logsumexp": lambda x, axis=None, keepdims=0: special.logsumexp(x, axis=axis, keepdims=bool(keepdims)),
    "softmax": _softmax,
    "linalg.norm": _norm,
    "logcumsumexp": lambda x, axis=None, **_: np.log(np.cumsum(np.exp(x), axis=axis)),
}


def reduced(op, a, params):
    case = run_case(Case(op, [a], params))
    axis = params.get("axis")
    if op in NEAR and not case.error and axis != [] and not params.get("reverse") and params.get("inclusive", 1):
        args = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
        with np.errstate(all="ignore"):
            case.refs, case.check = [REFERENCE[op](_wide(a), **args)], "near"
    elif op in NEAR and not case.error:
        case.check = "near"
    return case


def broken(dtype, axis):
    """Released MLX works in the integer dtype here (underflow, truncation): differs.py says what mica gives."""
    return dtype not in FLOATS + COMPLEX and axis not in (1, -1, [])


def reductions(_dropped):
    for op in REDUCTIONS:
        for dtype in DTYPES:
            for axis in AXES:
                if op in ("argmax", "argmin") and isinstance(axis, list):
                    continue
                if op == "median" and axis == [] or op == "logsumexp" and broken(dtype, axis):
                    continue
                yield reduced(op, grid(dtype), {"axis": axis})
            yield reduced(op, grid(dtype), {"axis": 1, "keepdims": 1})
            if op != "logsumexp" or dtype in FLOATS:
                yield reduced(op, grid(dtype), {"axis": None, "keepdims": 1})
            yield reduced(op, array(3, dtype), {"axis": None})
    for dtype in FLOATS + ["int32", "complex64"]:
        for op in ("var", "std"):
            yield reduced(op, grid(dtype), {"axis": 0, "ddof": 1})
            yield reduced(op, grid(dtype), {"axis": 0, "keepdims": 1, "ddof": 2})


def empty_and_errors(_dropped):
    shapes = {"flat": (0,), "rows": (0, 3), "columns": (2, 0)}
    for op in REDUCTIONS + SCANS + ["softmax", "sort", "argsort", "linalg.norm"]:
        for dtype in ("float32", "int32", "bool", "float16"):
            for shape in shapes.values():
                a = Array(dtype, shape, array([], dtype).bits)
                for axis in [0, -1] + ([] if op in ("sort", "argsort") else [None]):
                    yield run_case(Case(op, [a], {"axis": axis}))
        for axis in (2, -3, [0, 0], [0, -2], [0, 2]):
            if (
                op in SCANS + ["argmax", "argmin", "sort", "argsort"]
                and isinstance(axis, list)
                or op == "linalg.norm"
                and axis in ([0, 2],)
            ):
                continue
            yield run_case(Case(op, [grid("float32")], {"axis": axis}))


def special_values(_dropped):
    n = np.nan
    rows = [
        [1, n, 3, 2],
        [n, n, 0, -1],
        [np.inf, 1, -np.inf, 0],
        [-np.inf, -np.inf, -np.inf, -np.inf],
        [0.0, -0.0, -0.0, 0.0],
        [np.inf, np.inf, 1, 2],
    ]
    for dtype in FLOATS:
        a = array(np.array(rows), dtype)
        for op in (
            "sum",
            "prod",
            "max",
            "min",
            "argmax",
            "argmin",
            "all",
            "any",
            "count_nonzero",
            "cumsum",
            "cummax",
            "cummin",
            "sort",
            "argsort",
            "median",
        ):
            yield run_case(Case(op, [a], {"axis": 1}))
        for op in ("logsumexp", "logcumsumexp", "softmax", "mean", "var"):
            case = run_case(Case(op, [a], {"axis": 1}))
            case.check = "near"
            yield case
    c = array([2 + 1j, 1 + 5j, 1 - 5j, complex(n, 0), 0j, 1 + 5j], "complex64")
    for op in ("max", "min", "argmax", "argmin", "sort", "argsort", "cummax", "cummin"):
        yield run_case(Case(op, [c], {"axis": 0}))


def scans(_dropped):
    for op in SCANS:
        for dtype in DTYPES:
            for axis in (None, 0, 1):
                yield reduced(op, grid(dtype), {"axis": axis})
            for reverse, inclusive in ((1, 1), (0, 0), (1, 0)):
                yield reduced(op, grid(dtype), {"axis": 1, "reverse": reverse, "inclusive": inclusive})
        yield run_case(Case(op, [array(2, "float32")], {"axis": None}))
    for op in ("cumsum", "cumprod"):
        for dtype in ("float32", "int8", "bool", "int64"):
            yield run_case(Case(op, [grid("int32")], {"axis": 1, "dtype": dtype}))
            yield run_case(Case(op, [grid("bool")], {"axis": 1, "dtype": dtype}))


def softmaxes(_dropped):
    for dtype in DTYPES:
        for axis in AXES:
            for precise in (0, 1) if not broken(dtype, axis) else ():
                yield reduced("softmax", grid(dtype), {"axis": axis, "precise": precise})


def sorting(_dropped):
    for dtype in DTYPES:
        a = grid(dtype)
        for axis in (None, 0, 1, -2):
            for op in ("sort", "argsort"):
                yield run_case(Case(op, [a], {"axis": axis}))
        for kth in (0, 2, -1):
            for op in ("partition", "argpartition"):
                yield unordered(run_case(Case(op, [a], {"kth": kth, "axis": 1})))
        for k in (0, 1, 2, 4):
            yield unordered(run_case(Case("topk", [a], {"k": k, "axis": 1})))
        line = array([0, 1] if dtype in BOOL else [0, 1, 1, 2, 3], dtype)
        for side in ("left", "right"):
            yield run_case(Case("searchsorted", [line, array([[0, 1], [2, 1]], dtype)], {"side": side}))
        yield run_case(Case("searchsorted", [line, array([0.5, 1.0, 9.0], "float32")], {"side": "left"}))
    for kth in (4, -5):
        yield run_case(Case("partition", [grid("float32")], {"kth": kth, "axis": 1}))
        yield run_case(Case("argpartition", [grid("float32")], {"kth": kth, "axis": 1}))
    for k in (5, -1):
        yield run_case(Case("topk", [grid("float32")], {"k": k, "axis": 1}))
    for op in ("sort", "argsort"):
        yield run_case(Case(op, [array(1, "float32")], {"axis": -1}))
    ramp = array([1.0, 2.0, 3.0], "float32")
    yield run_case(Case("searchsorted", [ramp, array([2.0, 0.0, 9.0, np.nan], "float32")], {"side": "left"}))
    yield run_case(Case("searchsorted", [ramp, array(2.0, "float32")], {"side": "right"}))
    yield run_case(Case("searchsorted", [ramp, ramp], {"side": "middle"}))
    yield run_case(Case("searchsorted", [grid("float32"), ramp], {"side": "left"}))
    yield run_case(Case("searchsorted", [array([], "float32"), ramp], {"side": "left"}))


def unordered(case):
    """partition and topk promise what stands left and right of kth, not the order on either side."""
    case.check = "unordered" if not case.error else "exact"
    return case


def norms(_dropped):
    for dtype in DTYPES:
        yield reduced("linalg.norm", grid(dtype), {})
        yield reduced("linalg.norm", grid(dtype), {"axis": 1, "keepdims": 1})
        row = Array(dtype, (4,), grid(dtype).bits[:4])
        for ord in (0.0, 1.0, 2.0, 3.0, -1.0, np.inf, -np.inf):
            yield reduced("linalg.norm", row, {"ord": float(ord)})
        for ord in (1.0, -1.0, np.inf, -np.inf, "fro"):
            yield reduced("linalg.norm", grid(dtype), {"ord": ord})
    cube = array(np.arange(24.0).reshape(2, 3, 4), "float32")
    for ord, axis in ((2.0, None), (3.0, [0, 1]), ("x", [0, 1]), ("fro", [0]), (None, [0, 1, 2]), (1.0, [0, 1, 2])):
        yield run_case(Case("linalg.norm", [cube], {"ord": ord, "axis": axis}))
    regular = array(np.array([[[1.0, 2], [3, 4]], [[2, 0], [1, 5]]]), "float32")
    for ord in (2.0, -2.0, "nuc"):
        case = run_case(Case("linalg.norm", [regular], {"ord": ord, "axis": [1, 2]}))
        case.refs, case.check = [np.linalg.norm(_wide(regular), ord, (1, 2))], "near"
        yield case
    yield reduced("linalg.norm", cube, {})
    yield reduced("linalg.norm", array(2.0, "float32"), {})
    yield run_case(Case("linalg.norm", [array(2.0, "float32")], {"ord": 2.0}))
    for n in (0, 1, 2, 3, 5):
        yield run_case(Case("diff", [grid("int32")], {"n": n, "axis": 1}))
    yield run_case(Case("diff", [grid("bool")], {"n": 1, "axis": 0}))
    yield run_case(Case("diff", [grid("int32")], {"n": -1, "axis": 0}))


FILES = {
    "reductions": reductions,
    "reductions_empty": empty_and_errors,
    "reductions_special": special_values,
    "scans": scans,
    "softmax": softmaxes,
    "sorting": sorting,
    "norms": norms,
}

"""Creation and products. Operands of products are small integers, so that every order of summation gives the same bits.
Start at FILES.
"""

import numpy as np

from .call import run_case
from .form import DTYPES, FLOATS, Array, Case, array

F = "float32"


def ramp(*shape, dtype=F):
    return array(np.arange(float(np.prod(shape, dtype=int))).reshape(shape) % 7 - 2, dtype)


def filled(_dropped):
    for dtype in [None] + DTYPES:
        for value in (array(1, "int32"), array([1.0, 0.0], F), array(1, "bool")):
            if dtype is None:
                yield run_case(Case("full", [value], {"shape": [3, 2], "dtype": None}))
        named = {} if dtype is None else {"dtype": dtype}
        for op, params in (
            ("zeros", {"shape": [2, 3]}),
            ("ones", {"shape": [3]}),
            ("eye", {"n": 2, "m": 3, "k": 1}),
            ("identity", {"n": 3}),
            ("tri", {"n": 2, "m": 3, "k": 0}),
        ):
            yield run_case(Case(op, [], {**params, **named}))
        if dtype:
            a = array([[1, 0]], dtype)
            yield run_case(Case("zeros_like", [a]))
            yield run_case(Case("ones_like", [a]))
            yield run_case(Case("full_like", [a, array(1, "int32")]))
            yield run_case(Case("full_like", [a, array([2, 1], "int32")], {"dtype": "float16"}))
    for shape in ([], [0], [2, 0, 3], [-1], [2, -1]):
        yield run_case(Case("zeros", [], {"shape": shape}))
        yield run_case(Case("full", [array(7, "int32")], {"shape": shape, "dtype": None}))
    yield run_case(Case("full", [array([1.0, 2.0, 3.0], F)], {"shape": [2, 2], "dtype": None}))
    for n, m, k in (
        (0, None, 0),
        (2, None, 0),
        (3, 2, -1),
        (2, 3, 9),
        (2, 3, -9),
        (-1, None, 0),
        (2, -1, 0),
        (2, 0, 0),
    ):
        yield run_case(Case("eye", [], {"n": n, "m": m, "k": k}))
        yield run_case(Case("tri", [], {"n": n, "m": m, "k": k}))


def aranges(_dropped):
    ints = [
        (0, 5, 1),
        (1, 4, 2),
        (4, 1, -2),
        (1, 1, 1),
        (4, 1, 1),
        (-3, 3, 1),
        (0, 5, 0),
        (5, 0, -1),
        (250, 260, 1),
        (2**31 - 2, 2**31 + 2, 1),
        (2**40, 2**40 + 3, 1),
        (0, 100, 33),
    ]
    floats = [
        (0.0, 1.0, 0.25),
        (0.0, 1.0, 0.1),
        (0.0, 2.0, 0.5),
        (0.5, 3.0, 1.0),
        (1.9, 6.0, 1.9),
        (1.0, 0.0, -0.3),
        (0.0, 1.0, 1 / 3),
        (0.1, 0.95, 0.1),
        (0.0, 1e10, 1e9),
        (-1.5, 1.5, 0.75),
        (0.0, 3.0, 0.0),
        (0.0, np.inf, 1.0),
        (np.nan, 1.0, 1.0),
        (0.0, -1.0, 1.0),
        (0.0, 1e30, 1.0),
        (0.0, 49.0, 0.7),
    ]
    for start, stop, step in ints:
        for dtype in [None] + DTYPES:
            if (
                max(abs(start), abs(stop)) >= 2**31 - 2
                and dtype not in (None, "int64", "uint64", "float64")
                or dtype == "uint64"
                and start < 0
            ):
                continue
            yield run_case(Case("arange_int", [], {"start": start, "stop": stop, "step": step, "dtype": dtype}))
    for start, stop, step in floats:
        for dtype in (None, "float16", "bfloat16", "float32", "float64", "int32", "int64", "int8", "complex64"):
            if abs(stop) == 1e10 and dtype in ("int32", "int8"):
                continue
            yield run_case(
                Case(
                    "arange_float",
                    [],
                    {"start": float(start), "stop": float(stop), "step": float(step), "dtype": dtype},
                )
            )


def spaced(_dropped):
    for start, stop, num in (
        (0.0, 1.0, 5),
        (0.0, 1.0, 1),
        (0.0, 1.0, 0),
        (0.0, 1.0, -1),
        (0.0, 10.0, 7),
        (5.0, 1.0, 3),
        (-1.5, 2.5, 9),
        (0.0, 10.0, 2),
        (3.0, 3.0, 4),
        (0.1, 0.7, 11),
    ):
        for endpoint in (1, 0):
            for dtype in FLOATS + ["int32", "uint8", "complex64"]:
                if dtype == "uint8" and min(start, stop) < 0:
                    continue
                case = run_case(
                    Case(
                        "linspace", [], {"start": start, "stop": stop, "num": num, "endpoint": endpoint, "dtype": dtype}
                    )
                )
                if not case.error and dtype in FLOATS and num > 0:
                    case.check, case.refs = "near", [np.linspace(start, stop, num, bool(endpoint))]
                yield case
    for op, fn in (
        ("bartlett", np.bartlett),
        ("blackman", np.blackman),
        ("hamming", np.hamming),
        ("hanning", np.hanning),
    ):
        for n in (-1, 0, 1, 2, 3, 4, 5, 8, 17):
            case = run_case(Case(op, [], {"M": n}))
            case.check, case.refs = "near", [fn(n)]
            yield case


def matmuls(_dropped):
    pairs = [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 2, 3), (3, 4)),
        ((2, 2, 3), (2, 3, 1)),
        ((2, 1, 2, 3), (4, 3, 2)),
        ((3,), (4, 3, 2)),
        ((4, 2, 3), (3,)),
        ((1, 2, 3), (5, 3, 1)),
        ((2, 0), (0, 3)),
        ((0, 3), (3, 2)),
        ((0,), (0,)),
        ((2, 3), (2, 3)),
        ((3,), (2, 3)),
        ((), (2, 2)),
        ((2, 2), ()),
        ((2, 2, 3), (3, 3, 4)),
        ((1, 1), (1, 1)),
        ((17, 5), (5, 3)),
    ]
    for sa, sb in pairs:
        for op in ("matmul", "inner", "outer", "kron") if sa != (17, 5) else ("matmul",):
            yield run_case(Case(op, [ramp(*sa), ramp(*sb)]))
        yield run_case(Case("addmm", [array(2.0, F), ramp(*sa), ramp(*sb)], {"alpha": 1.0, "beta": 1.0}))
    for dtype in DTYPES:
        a, b = array((np.arange(6) % 4).reshape(2, 3), dtype), array((np.arange(6) % 3).reshape(3, 2), dtype)
        c = array([[1, 0], [2, 1]], dtype)
        yield from (run_case(Case(op, [a, b])) for op in ("matmul", "outer", "kron"))
        yield from (run_case(Case(op, [a, a])) for op in ("inner", "vecdot"))
        yield run_case(Case("addmm", [c, a, b], {"alpha": 2.0, "beta": 3.0}))
        yield run_case(Case("tensordot", [a, b], {"axes": 1}))
        for other in ("float32", "float16", "int32"):
            yield run_case(
                Case("matmul", [a, Array(other, (3, 2), array((np.arange(6) % 3).reshape(3, 2), other).bits)])
            )
    c = array([[1 + 2j, 3j], [2 - 1j, 1]], "complex64")
    yield from (run_case(Case(op, [c, c])) for op in ("matmul", "inner", "vecdot", "outer", "kron"))
    yield run_case(Case("vecdot", [c, c], {"axis": 0}))
    for alpha, beta in ((1.0, 0.0), (0.0, 1.0), (0.5, -2.0), (0.0, 0.0)):
        for c in (
            array(2.0, F),
            array([1.0, 2.0], F),
            array([[1.0, 2.0], [3.0, 4.0]], F),
            array(np.ones((3, 3)), F),
            array([1.0, 2.0], "int32"),
        ):
            yield run_case(Case("addmm", [c, ramp(2, 3), ramp(3, 2)], {"alpha": alpha, "beta": beta}))


def contractions(_dropped):
    m, t, v, s = ramp(2, 3), ramp(3, 2), ramp(3), array(2.0, F)
    for n in (0, 1, 2, 3, -1):
        yield from (
            run_case(Case("tensordot", [a, b], {"axes": n}))
            for a, b in ((m, t), (m, m), (s, s), (ramp(2, 3, 4), ramp(3, 4, 2)))
        )
    for x, y in (([1], [1]), ([1], [0]), ([0, 1], [0, 1]), ([0, 1], [0]), ([-1], [-1]), ([], []), ([5], [1])):
        yield run_case(Case("tensordot_axes", [m, m], {"axes_a": x, "axes_b": y}))
    for a, b, axis in (
        (m, m, -1),
        (m, m, 0),
        (v, v, -1),
        (m, v, -1),
        (m, ramp(1, 3), 1),
        (m, ramp(3, 3), -1),
        (s, s, -1),
        (m, m, 4),
    ):
        yield run_case(Case("vecdot", [a, b], {"axis": axis}))
    sums = [
        ("ij,jk->ik", [m, t]),
        ("ij,jk", [m, t]),
        ("ij->ji", [m]),
        ("ij->", [m]),
        ("ij->j", [m]),
        ("ii->i", [ramp(3, 3)]),
        ("ii", [ramp(3, 3)]),
        ("i,i", [v, v]),
        ("i,j", [v, v]),
        ("i,i->i", [v, v]),
        ("...ij->...ji", [ramp(2, 3, 4)]),
        ("...ij,...jk->...ik", [ramp(2, 2, 3), ramp(3, 2)]),
        ("bij,bjk->bik", [ramp(2, 2, 3), ramp(2, 3, 2)]),
        ("i,i,i->i", [v, v, v]),
        ("ij,jk,kl->il", [m, t, m]),
        (" ij , jk -> ik ", [m, t]),
        (",i->i", [s, v]),
        ("ij,j", [m, ramp(1)]),
        ("ijk,k->ji", [ramp(2, 3, 4), ramp(4)]),
        ("ba", [m]),
        ("ij,ij->", [m, m]),
        ("ij,jk->ik", [m, m]),
        ("ij,jk->im", [m, t]),
        ("i", [m]),
        ("ij->iij", [m]),
        ("ij->jj", [m]),
        ("i1->i", [m]),
        ("ij,jk->ik", [m]),
        ("iij->ij", [ramp(2, 2, 3)]),
        ("abc,abc->b", [ramp(2, 3, 2), ramp(2, 3, 2)]),
    ]
    for text, operands in sums:
        yield run_case(Case("einsum", operands, {"subscripts": text}))
    whole = array([[1, 2], [3, 4]], "int32")
    for text, operands in (
        ("ij->ji", [whole]),
        ("ij->", [whole]),
        ("i,i->i", [array([1, 2], "int32")] * 2),
        ("ij,jk->ik", [whole, whole]),
    ):
        yield run_case(Case("einsum", operands, {"subscripts": text}))


FILES = {"filled": filled, "arange": aranges, "linspace": spaced, "matmul": matmuls, "contractions": contractions}

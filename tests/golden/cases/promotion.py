"""Which dtype comes out: every pair of dtypes, and Python scalars (weak) with every dtype in both orders. Start at
FILES.
"""

from .call import run_case
from .form import DTYPES, Case, Weak, array

PAIR_OPS = [
    "add",
    "multiply",
    "divide",
    "power",
    "floor_divide",
    "maximum",
    "arctan2",
    "less",
    "bitwise_and",
    "left_shift",
    "remainder",
    "logaddexp",
]
WEAK_VALUES = [True, 3, 1.5, 2 + 1j]
WEAK_OPS = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "maximum",
    "less",
    "floor_divide",
    "logaddexp",
    "bitwise_and",
    "remainder",
]
LIMIT_VALUES = [
    127,
    128,
    -128,
    -129,
    255,
    256,
    -1,
    32767,
    32768,
    -32769,
    65535,
    65536,
    2**31 - 1,
    2**31,
    -(2**31),
    -(2**31) - 1,
    2**32 - 1,
    2**32,
    2**62,
    -(2**63),
    2**63 - 1,
    70000.0,
    1e10,
    1e300,
]


def result_types(_dropped):
    for a in DTYPES:
        for b in DTYPES:
            yield run_case(Case("result_type", params={"a": a, "b": b}))


def pair_results(_dropped):
    for op in PAIR_OPS:
        for a in DTYPES:
            for b in DTYPES:
                case = run_case(Case(op, [array([1, 0, 3], a), array([1, 2, 2], b)]))
                if not case.error and op in ("power", "arctan2", "logaddexp", "divide", "multiply"):
                    case.check = "near"
                yield case
    for a in DTYPES:
        for b in DTYPES:
            yield run_case(Case("where", [array([1, 0], "bool"), array([1, 1], a), array([0, 1], b)]))
            yield run_case(Case("concatenate", [array([1], a), array([0, 1], b)], {"axis": 0}))
            yield run_case(Case("stack", [array([1], a), array([0], b)], {"axis": 0}))


def weak_results(_dropped):
    for op in WEAK_OPS:
        for dtype in DTYPES:
            for w in WEAK_VALUES:
                for inputs in ([array([1, 2], dtype), Weak(w)], [Weak(w), array([1, 2], dtype)]):
                    case = run_case(Case(op, inputs))
                    near = not case.error and (op in ("power", "logaddexp", "divide") or isinstance(w, complex))
                    case.check = "near" if near else "exact"
                    yield case
    condition = array([1, 0], "bool")
    for dtype in DTYPES:
        for w in WEAK_VALUES:
            yield run_case(Case("where", [condition, array([1, 0], dtype), Weak(w)]))
            yield run_case(Case("where", [condition, Weak(w), array([1, 0], dtype)]))
            yield run_case(Case("clip", [array([1, 0, 5], dtype), Weak(w), Weak(w)]))
    for v in WEAK_VALUES:
        for w in WEAK_VALUES:
            for op in ("add", "multiply", "divide", "maximum", "equal"):
                case = run_case(Case(op, [Weak(v), Weak(w)]))
                case.check = "near" if op == "divide" and not case.error else "exact"
                yield case
            yield run_case(Case("where", [condition, Weak(v), Weak(w)]))


def weak_limits(_dropped):
    for dtype in DTYPES:
        for w in LIMIT_VALUES:
            if dtype == "bool" and isinstance(w, int) and not -(2**31) <= w < 2**31:
                continue  # MLX wraps silently: differs.txt
            yield run_case(Case("add", [array([0], dtype), Weak(w)]))


FILES = {"promotion": result_types, "promotion_pairs": pair_results, "weak": weak_results, "weak_limits": weak_limits}

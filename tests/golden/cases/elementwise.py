"""Elementwise operations over every dtype, with the values where they go wrong.

A value that released MLX treats differently alone, in a row of sixteen, or among others (its vector and scalar code
disagree) is dropped, and record.py lists it: such results are arbitrary. Start at unary_cases.
"""

import numpy as np

from . import refs
from .call import run_case
from .form import BOOL, COMPLEX, DTYPES, FLOATS, INTEGERS, SIGNED, WIDTH, Array, Case, array, equal_elements, values_of

EXACT_UNARY = [
    "abs",
    "sign",
    "positive",
    "negative",
    "square",
    "ceil",
    "floor",
    "trunc",
    "conj",
    "real",
    "imag",
    "logical_not",
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "stop_gradient",
    "bitwise_invert",
    "nan_to_num",
    "to_fp8",
    "round",
]
EXACT_BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "divmod",
    "maximum",
    "minimum",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "isclose",
    "array_equal",
    "allclose",
    "power",
    "arctan2",
    "logaddexp",
]
NEAR_BINARY = {"power", "arctan2", "logaddexp"}
SCALAR_RESULT = {"array_equal", "allclose"}

FINFO = {
    "float16": (65504.0, 2.0**-24, 2.0**-14),
    "bfloat16": (float(np.uint32(0x7F7F0000).view(np.float32)), 2.0**-133, 2.0**-126),
    "float32": (float(np.finfo(np.float32).max), 2.0**-149, 2.0**-126),
    "float64": (float(np.finfo(np.float64).max), 5e-324, 2.0**-1022),
}


def limits(dtype):
    bits = 8 * WIDTH[dtype]
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if dtype in SIGNED else (0, (1 << bits) - 1)


def unary_values(dtype):
    if dtype in BOOL:
        return [0, 1]
    if dtype in INTEGERS:
        low, high = limits(dtype)
        return [0, 1, 2, 3, 7, 100, high - 1, high] + ([-1, -2, -7, -100, low + 1, low] if low else [])
    if dtype in FLOATS:
        big, tiny, normal = FINFO[dtype]
        nonnegative = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 3.5, 3.75, 10.0, 100.0, 1e-3, normal, tiny, big, np.inf]
        return nonnegative + [-v for v in nonnegative] + [np.nan]
    return [0j, 1 + 0j, 1 + 2j, -1.5 + 0.25j, 0.5 - 0.75j, -0.25 - 2j, 3 - 4j, 1j, -0.5j]


def pair_values(dtype):
    if dtype in BOOL:
        return [0, 1]
    if dtype in INTEGERS:
        low, high = limits(dtype)
        return [0, 1, 2, 3, 7, high] + ([-1, -3, low] if low else [high - 1])
    if dtype in FLOATS:
        return [0.0, -0.0, 0.5, 1.0, -1.5, 2.5, 3.0, -7.0, np.inf, -np.inf, np.nan]
    return [0j, 1 + 0j, 1 + 2j, -1.5 + 0.25j, 1 - 2j, 3 - 4j]


def _alone(case, i, n):
    picked = [Array(a.dtype, (n,), np.repeat(a.bits[i : i + 1], n)) for a in case.inputs]
    return run_case(Case(case.op, picked, dict(case.params)))


def _steady(case, i):
    for n in (1, 16):
        other = _alone(case, i, n)
        for mine, theirs in zip(case.outputs, other.outputs):
            one = Array(mine.dtype, (1,), mine.bits[i : i + 1])
            if not equal_elements(one, Array(theirs.dtype, (1,), theirs.bits[-1:]))[0]:
                return False
    return True


def _pick(a, keep):
    return Array(a.dtype, (len(keep),), a.bits[keep])


def settle(case, dropped):
    """Runs an elementwise case and drops the elements whose value depends on where they stand."""
    run_case(case)
    if case.error or not case.outputs[0].shape:
        return case
    count = case.outputs[0].bits.size
    keep = [i for i in range(count) if case.check != "exact" or _steady(case, i)]
    for i in sorted(set(range(count)) - set(keep)):
        dropped.append(f"{case.op} {case.inputs[0].dtype} " + ", ".join(str(values_of(a)[i]) for a in case.inputs))
    if len(keep) < count:
        case.inputs, case.outputs = [_pick(a, keep) for a in case.inputs], [_pick(a, keep) for a in case.outputs]
    return case


def near(case, op):
    """Adds the float64 values to a case of an elementary function."""
    if case.error:
        return case
    values = [values_of(a) if a.dtype in FLOATS + COMPLEX else values_of(a).astype(np.float32) for a in case.inputs]
    wide = np.complex128 if case.outputs[0].dtype in COMPLEX else np.float64
    case.refs = [refs.reference(op, *[v.astype(wide) for v in values])]
    case.check = "near"
    return case


def unary_cases(dropped):
    for op in EXACT_UNARY:
        for dtype in DTYPES:
            values = unary_values(dtype)
            if (op, dtype) in (("to_fp8", "float64"), ("nan_to_num", "float64")):
                continue  # differs.py: garbage, and not done
            if op == "to_fp8" and dtype in FLOATS:
                values = [
                    v for v in values + [448.0, 464.0, -449.0, 1.0625, 1.1875, 0.0029296875, 0.0009765625] if v == v
                ]
            case = settle(Case(op, [array(values, dtype)]), dropped)
            yield near(case, op) if op in refs.COMPLEX and dtype in COMPLEX else case
    for op in refs.UNARY:
        for dtype in DTYPES:
            values = unary_values(dtype)
            if op in ("sqrt", "reciprocal", "degrees", "radians") and dtype not in COMPLEX:
                values = values + [2.0 / 3.0] if dtype in FLOATS else values
            if dtype in COMPLEX:
                values = [v for v in values if v.imag and v.real]
            yield near(settle(Case(op, [array(values, dtype)], check="near"), dropped), op)


def round_cases(dropped):
    for decimals in (1, 2, -1, -2):
        for dtype in DTYPES:
            values = [v for v in unary_values(dtype) if dtype not in FLOATS or not 1e4 < abs(v) < np.inf]
            values = values + [0.05, 0.15, 1.25, 1.35, 2.675, 15.0, 25.0, -35.0, 149.0] if dtype in FLOATS else values
            if dtype in INTEGERS:
                values = [v for v in values if -1000 < v < 1000] + [15, 25, 35, 55]
            yield settle(Case("round", [array(values, dtype)], {"decimals": decimals}), dropped)


def binary_cases(dropped):
    for op in EXACT_BINARY:
        for dtype in DTYPES:
            a, b = zip(*[(x, y) for x in pair_values(dtype) for y in pair_values(dtype) if _defined(op, dtype, x, y)])
            case = Case(op, [array(a, dtype), array(b, dtype)])
            inexact = op in NEAR_BINARY and not (op == "power" and dtype in BOOL + INTEGERS)
            if inexact or op in ("multiply", "divide", "floor_divide") and dtype in COMPLEX:
                case.check = "near"
                settle(case, dropped)
                yield near(case, "divide" if op == "floor_divide" else op)
            else:
                yield settle(case, dropped)


def _defined(op, dtype, x, y):
    if op in ("left_shift", "right_shift") and dtype in INTEGERS + BOOL:
        return 0 <= y < 8 * WIDTH[dtype]
    if op in ("floor_divide", "remainder", "divmod") and dtype in INTEGERS:
        return y != 0 and not (y == -1 and x == limits(dtype)[0])
    if dtype in COMPLEX and op in ("divide", "floor_divide", "power"):
        return y != 0 and (op != "power" or x != 0)
    return True


def option_cases(dropped):
    f = "float32"
    special = array([np.nan, np.inf, -np.inf, 1.0, -0.0], f)
    yield settle(Case("nan_to_num", [special], {"nan": 1.0, "posinf": 2.0, "neginf": -3.0}), dropped)
    yield settle(Case("nan_to_num", [special], {"nan": 7.0}), dropped)
    a, b = array([1, 1, np.inf, -np.inf, np.nan, 100, 0], f), array([1.0001, 1.1, np.inf, np.inf, np.nan, 101, 1e-9], f)
    for params in ({"rtol": 1e-3, "atol": 0.0}, {"rtol": 0.0, "atol": 0.2}, {"equal_nan": 1}, {}):
        yield settle(Case("isclose", [a, b], params), dropped)
        yield run_case(Case("allclose", [a, b], params))
    for equal_nan in (0, 1):
        yield run_case(Case("array_equal", [special, special], {"equal_nan": equal_nan}))
    yield run_case(Case("array_equal", [array([1, 2], "int32"), array([1.0, 2.0], f)]))
    yield run_case(Case("array_equal", [array([1, 2], "int32"), array([[1, 2]], "int32")]))
    codes = array(range(256), "uint8")
    for dtype in DTYPES:
        if dtype == "float64":
            continue  # differs.py: arbitrary data
        yield run_case(
            Case(
                "from_fp8",
                [codes if dtype in ("bfloat16", "float16", "float32") else _pick(codes, [1, 56])],
                {"dtype": dtype},
            )
        )
        yield run_case(Case("from_fp8", [array([1], dtype)], {"dtype": "float32"}))


def select_cases(dropped):
    for dtype in DTYPES:
        values = pair_values(dtype)[:3]
        yield run_case(
            Case(
                "where",
                [
                    array([1, 0, 1], "bool"),
                    array(values[:3] if len(values) > 2 else [0, 1, 1], dtype),
                    array([1, 1, 0], dtype),
                ],
            )
        )
        yield run_case(
            Case("where", [array(values[:2], dtype), array([5.0, 6.0], "float32"), array([[1.0], [2.0]], "float32")])
        )
        many = array(unary_values(dtype), dtype)
        one, two = array(1, dtype), array(2, dtype)
        yield run_case(Case("clip", [many, one, two]))
        yield run_case(Case("clip", [many, one], {"has_max": 0}))
        yield run_case(Case("clip", [many, two], {"has_min": 0}))
        yield run_case(Case("clip", [many, two, one]))
    yield run_case(
        Case(
            "clip",
            [array([[0.0, 1, 2], [3, 4, 5]], "float32"), array([1, 2, 3], "int32"), array([[4.0], [3.0]], "float32")],
        )
    )
    yield run_case(Case("clip", [array([0.0, 1], "float32")], {"has_min": 0, "has_max": 0}))


def cast_cases(dropped):
    for source in DTYPES:
        for target in DTYPES:
            values = [v for v in unary_values(source) if _castable(source, target, v)]
            yield settle(Case("astype", [array(values, source)], {"dtype": target}), dropped)


def _castable(source, target, v):
    """Whether a value has a defined integer: C leaves the others open, and differs.txt says what mica does."""
    if target not in INTEGERS or source not in FLOATS + COMPLEX:
        return True
    real = v.real if source in COMPLEX else v
    low, high = limits(target)
    return np.isfinite(real) and low <= int(real) <= high and abs(real) < 2.0**62


def view_cases(dropped):
    row = bytes(range(1, 49))
    for source in DTYPES:
        for target in DTYPES:
            if source == "bool" or target == "bool":
                continue  # bytes other than 0 and 1 are no booleans
            n = 48 // WIDTH[source]
            a = array(np.frombuffer(row, dtype=f"<u{WIDTH[source]}"), f"uint{8 * WIDTH[source]}")
            a = Array(
                source,
                (2, n // 2),
                a.bits if source not in COMPLEX else (a.bits >> np.uint64(32)) | (a.bits << np.uint64(32)),
            )
            yield run_case(Case("view", [a], {"dtype": target}))
    yield run_case(Case("view", [array([1, 0, 1], "bool")], {"dtype": "uint8"}))
    for shape, source, target in (
        ((), "float32", "int32"),
        ((), "float32", "int64"),
        ((), "float32", "int8"),
        ((2, 3), "float32", "int64"),
        ((0, 3), "float32", "uint16"),
        ((3,), "int16", "int32"),
    ):
        yield run_case(Case("view", [array(np.zeros(shape), source)], {"dtype": target}))


FILES = {
    "unary": unary_cases,
    "round": round_cases,
    "binary": binary_cases,
    "elementwise_options": option_cases,
    "select": select_cases,
    "cast": cast_cases,
    "view": view_cases,
}

"""Where mica does not follow released MLX: expected values written from definitions, none recorded. Each case says why.
Start at FILES.

Released MLX crashes, reads outside its memory or returns arbitrary data here, or its answer was judged wrong;
docs/differences.md is the list.
"""

import numpy as np
from scipy import special

from .elementwise import limits
from .form import BOOL, FLOATS, INTEGERS, WIDTH, Case, Weak, array, values_of
from .promotion import LIMIT_VALUES

F = "float32"
VECTOR, MATRIX = array([3.0, 1.0, 2.0], F), array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], F)


def expect(why, op, inputs, outputs=(), params=None, error="", check="exact", refs=()):
    return Case(
        op, list(inputs), params or {}, outputs=list(outputs), error=error, why=why, check=check, refs=list(refs)
    )


def shifts():
    why = "a shift count outside [0, width) is arbitrary in MLX; here 0, or the sign for >>"
    for dtype in INTEGERS:
        width, (low, high) = 8 * WIDTH[dtype], limits(dtype)
        counts = [width, width + 1, 100] + ([-1, low] if low else [high])
        pairs = [(x, n) for x in ([1, 5, high] + ([-1, low] if low else [])) for n in counts]
        a, n = array([x for x, _ in pairs], dtype), array([n for _, n in pairs], dtype)
        yield expect(why, "left_shift", [a, n], [array([0] * len(pairs), dtype)])
        yield expect(why, "right_shift", [a, n], [array([-1 if x < 0 else 0 for x, _ in pairs], dtype)])


def divisions():
    why = "integer division by zero, and the minimum by -1, end the process in MLX's divmod, or in its floor_divide"
    for dtype in INTEGERS:
        low, high = limits(dtype)
        pairs = [(x, 0) for x in [0, 1, 5, high] + ([-1, low] if low else [])] + ([(low, -1)] if low else [])
        a, b = array([x for x, _ in pairs], dtype), array([y for _, y in pairs], dtype)
        quotient = array([0 if y == 0 else -x for x, y in pairs], dtype)  # -low wraps to low
        rest = array([x if y == 0 else 0 for x, y in pairs], dtype)
        yield expect(why, "floor_divide", [a, b], [quotient])
        yield expect(why, "remainder", [a, b], [rest])
        yield expect(why, "divmod", [a, b], [quotient, rest])


def to_integer(v, dtype):
    """Truncation through int32, or int64 where int32 does not cover the target, keeping low bits.

    uint64 takes its own upper half as C does.
    """
    wide = dtype in ("uint32", "uint64", "int64")
    low, high = limits("int64" if wide else "int32")
    if dtype == "uint64" and np.isfinite(v) and 2.0**63 <= v < 2.0**64:
        return int(v)
    return int(v) if np.isfinite(v) and low <= int(v) <= high else low


def casts():
    why = "C leaves float to integer conversion out of range open, and MLX's scalar and vector code disagree"
    for source in FLOATS:
        values = [np.nan, np.inf, -np.inf, -1.5, 300.0, -300.0, 40000.0, 65504.0, -65504.0]
        values += (
            []
            if source == "float16"
            else [3e9, -3e9, 2.0**31, -(2.0**31), 2.0**32, 2.0**40, 2.0**62, 2.0**63, -(2.0**63), 2.0**64, -1e19, 1e30]
        )
        a = array(np.array(values), source)
        exact = [float(v) for v in values_of(a)]
        for target in INTEGERS:
            yield expect(why, "astype", [a], [array([to_integer(v, target) for v in exact], target)], {"dtype": target})


def scalars():
    for w in LIMIT_VALUES:
        if isinstance(w, int) and not -(2**31) <= w < 2**31:
            yield expect("MLX wraps the scalar silently", "add", [array([0], "bool"), Weak(w)], error="ValueError")
    why = "MLX ignores dtype when the value is a float or an array"
    yield expect(why, "full", [Weak(3.5)], [array([3, 3], "int32")], {"shape": [2], "dtype": "int32"})
    yield expect(why, "full", [array([1, 2], "int32")], [array([1, 2], "float16")], {"shape": [2], "dtype": "float16"})
    yield expect(why, "full", [array([1.5, -2.5], F)], [array([1, -2], "int8")], {"shape": [2], "dtype": "int8"})


def bounds():
    why = "MLX does not check bounds and returns what it finds in memory"
    far, cube = array([5], "int32"), array(np.arange(24.0).reshape(2, 3, 4), F)
    for i in (2, -3, 100):
        yield expect(why, "index_int", [MATRIX], params={"i": i}, error="IndexError")
        yield expect(why, "take_int", [MATRIX], params={"i": i, "axis": 0}, error="IndexError")
    for index in (
        far,
        array([-4], "int32"),
        array([0, 3], "int32"),
        array([255], "uint8"),
        array([2**40], "int64"),
        array([2**63], "uint64"),
    ):
        yield expect(why, "take", [VECTOR, index], params={"axis": 0}, error="IndexError")
        yield expect(why, "index", [VECTOR, index], params={"axis": 0}, error="IndexError")
        yield expect(why, "at_add", [VECTOR, index, array(1.0, F)], params={"axis": 0}, error="IndexError")
        yield expect(why, "index_set", [VECTOR, index, array(1.0, F)], params={"axis": 0}, error="IndexError")
        yield expect(why, "take_along_axis", [VECTOR, index], params={"axis": 0}, error="IndexError")
        yield expect(why, "put_along_axis", [VECTOR, index, array(1.0, F)], params={"axis": 0}, error="IndexError")
    yield expect(why, "index", [cube, array([0], "int32"), array([4], "int32")], params={"axis": 1}, error="IndexError")
    yield expect(why, "slice_dynamic", [MATRIX, far], params={"axes": [0], "size": [1, 3]}, error="IndexError")
    yield expect(why, "slice_update", [MATRIX, array([[9.0]], F), far], params={"axes": [1]}, error="IndexError")
    for shape, strides, offset in (([10], [1], 0), ([2], [-1], 0), ([2], [1], 2), ([2, 2], [1], 0)):
        yield expect(
            "MLX reads outside the array, or through a missing stride",
            "as_strided",
            [VECTOR],
            params={"shape": shape, "strides": strides, "offset": offset},
            error="ValueError",
        )
    yield expect(
        "MLX divides by the step and ends the process",
        "slice",
        [VECTOR],
        params={"start": [0], "stop": [3], "step": [0]},
        error="ValueError",
    )


def from_e4m3(code):
    """A sign, four bits of exponent, three of fraction; 0x7f and 0xff are NaN and there is no infinity."""
    exponent, fraction = (code >> 3) & 15, code & 7
    size = (
        np.nan
        if code & 127 == 127
        else fraction * 2.0**-9
        if exponent == 0
        else (8 + fraction) * 2.0 ** (exponent - 10)
    )
    return -size if code & 128 else size


def small_floats():
    yield expect(
        "MLX turns NaN into the largest number", "to_fp8", [array([np.nan, -np.nan], F)], [array([127, 255], "uint8")]
    )
    values, codes = (
        [0.0, -0.0, 0.5, 1.0, -1.5, 1.0625, 1.1875, 448.0, 464.0, 1e300, -np.inf, 2.0**-9, 2.0**-10],
        [0, 128, 48, 56, 188, 56, 58, 126, 126, 126, 254, 1, 0],
    )
    yield expect(
        "MLX returns arbitrary data for float64", "to_fp8", [array(values, "float64")], [array(codes, "uint8")]
    )
    big = float(np.finfo(np.float64).max)
    codes = list(range(256))
    yield expect(
        "MLX returns arbitrary data for float64",
        "from_fp8",
        [array(codes, "uint8")],
        [array([from_e4m3(c) for c in codes], "float64")],
        {"dtype": "float64"},
    )
    yield expect(
        "MLX has no float64 here",
        "nan_to_num",
        [array([np.nan, np.inf, -np.inf, 1.5], "float64")],
        [array([0.0, big, -big, 1.5], "float64")],
    )
    yield expect(
        "MLX overflows while adding in float16",
        "mean",
        [array([60000.0, 60000.0], "float16")],
        [array(60000.0, "float16")],
        {"axis": None},
    )


def reductions():
    why = "MLX works in the integer dtype unless the reduced axis is the last"
    grid = np.array([[3, 1, 2, 1], [0, 2, 2, 1], [1, 3, 0, 2]])
    for dtype in BOOL + INTEGERS:
        values = (grid != 0 if dtype in BOOL else grid).astype(np.float64)
        for axis in (None, 0, [0, 1]):
            over = tuple(axis) if isinstance(axis, list) else axis
            total = special.logsumexp(values, axis=over)
            shares = special.softmax(values, axis=over)
            yield expect(
                why,
                "logsumexp",
                [array(grid.tolist(), dtype)],
                [array(np.asarray(total), F)],
                {"axis": axis},
                check="near",
                refs=[total],
            )
            yield expect(
                why,
                "softmax",
                [array(grid.tolist(), dtype)],
                [array(shares, F)],
                {"axis": axis, "precise": 0},
                check="near",
                refs=[shares],
            )


def all_differences(_dropped):
    for build in (shifts, divisions, casts, scalars, bounds, small_floats, reductions):
        yield from build()


FILES = {"differs": all_differences}

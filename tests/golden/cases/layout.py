"""Shapes, views, joins, indexing and scatter: data is moved, never changed, so results are exact. Start at FILES."""

import numpy as np

from .call import run_case
from .form import DTYPES, Array, Case, array

F = "float32"
VECTOR, MATRIX = array([3.0, 1.0, 2.0], F), array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], F)
CUBE = array(np.arange(24.0).reshape(2, 3, 4), F)
SCALAR, INTS = array(2.0, F), array([1, 2, 3], "int32")
EMPTY = Array(F, (0, 3), array([], F).bits)
ONE_ROW = Array(F, (1, 2, 3), MATRIX.bits)


def ints(*values, shape=None):
    return array(np.array(values), "int32", shape)


def rows(table):
    """Cases from (op, inputs, params) rows; inputs may be one array."""
    for op, inputs, params in table:
        yield run_case(Case(op, inputs if isinstance(inputs, list) else [inputs], params))


def each_dtype(_dropped):
    for dtype in DTYPES:
        a = array([[0, 1, 1], [1, 0, 1]] if dtype == "bool" else [[0, 1, 2], [3, 4, 5]], dtype)
        v = Array(dtype, (3,), a.bits[3:])
        yield from rows(
            [
                ("transpose", a, {"axes": None}),
                ("slice", a, {"start": [0, 2], "stop": [2, -4], "step": [1, -2]}),
                ("repeat", a, {"repeats": 2, "axis": 1}),
                ("tile", v, {"reps": [2, 2]}),
                ("pad", v, {"low": [1], "high": [2]}),
                ("pad", v, {"low": [1], "high": [2], "mode": "edge"}),
                ("roll", a, {"shift": 1, "axis": 1}),
                ("flip", a, {"axis": 1}),
                ("diag", v, {"k": 1}),
                ("diagonal", a, {"offset": 1}),
                ("tril", a, {"k": 0}),
                ("triu", a, {"k": 0}),
                ("trace", a, {}),
                ("concatenate", [a, a], {"axis": 1}),
                ("stack", [v, v], {"axis": 1}),
                ("broadcast_to", v, {"shape": [2, 3]}),
                ("as_strided", a, {"shape": [3, 2], "strides": [1, 3], "offset": 0}),
                ("take", [a, ints(2, 0, -1)], {"axis": 1}),
                ("take_along_axis", [a, ints(1, 0, 1, shape=(1, 3))], {"axis": 0}),
                ("put_along_axis", [a, ints(1, 0, 1, shape=(1, 3)), Array(dtype, (1, 3), a.bits[:3])], {"axis": 0}),
                ("slice_set", [a, v], {"start": [0, 0], "stop": [1, 3], "step": [1, 1]}),
                ("index", [a, ints(1, 0)], {"axis": 0}),
            ]
        )
        for verb in ("add", "subtract", "multiply", "divide", "maximum", "minimum"):
            yield from rows([("at_" + verb, [a, ints(0, 0, 1), Array(dtype, (3, 1), v.bits)], {"axis": 0})])


def shapes(_dropped):
    yield from rows(
        [("reshape", MATRIX, {"shape": s}) for s in ([3, -1], [-1], [6], [1, 6, 1], [-1, -1], [4], [-2, 3], [])]
    )
    yield from rows([("reshape", EMPTY, {"shape": s}) for s in ([-1], [0, -1], [3, 0, 7], [0], [1])])
    yield from rows([("reshape", SCALAR, {"shape": s}) for s in ([], [1, 1], [-1])])
    yield from rows(
        [
            ("flatten", CUBE, {"start_axis": i, "end_axis": j})
            for i, j in ((0, -1), (1, 2), (0, 1), (2, 1), (0, 7), (-7, 1), (1, 1))
        ]
    )
    yield from rows([("flatten", SCALAR, {}), ("flatten", EMPTY, {})])
    yield from rows(
        [
            ("unflatten", CUBE, {"axis": i, "shape": s})
            for i, s in ((2, [2, -1]), (-1, [4, 1]), (2, [3]), (2, []), (5, [2, 2]), (1, [-1, -1]))
        ]
    )
    yield from rows([("squeeze", ONE_ROW, {"axis": i}) for i in (None, 0, -3, [0], [0, 0], 1, 5, [])])
    yield from rows(
        [("expand_dims", MATRIX, {"axis": i}) for i in (0, 1, 2, -1, -3, [0, 3], [0, -1], [0, 0], 4, -4, [])]
    )
    yield from rows(
        [("transpose", CUBE, {"axes": x}) for x in (None, [2, 0, 1], [-1, 0, 1], [0], [0, 0, 1], [0, 1, 3], [])]
    )
    yield from rows([("transpose", SCALAR, {"axes": []}), ("transpose", VECTOR, {"axes": None})])
    yield from rows([("swapaxes", CUBE, {"axis1": i, "axis2": j}) for i, j in ((0, 2), (-1, 0), (1, 1), (0, 3))])
    yield from rows(
        [("moveaxis", CUBE, {"source": i, "destination": j}) for i, j in ((0, -1), (2, 0), (1, 1), (0, 3), (-4, 0))]
    )
    yield from rows([("broadcast_to", VECTOR, {"shape": s}) for s in ([2, 3], [3], [2, 1, 3], [3, 2], [-1, 3], [])])
    yield from rows([("broadcast_to", array([7.0], F), {"shape": s}) for s in ([0], [2, 0], [4])])
    yield from rows(
        [
            ("broadcast_to", MATRIX, {"shape": [3]}),
            ("broadcast_to", SCALAR, {"shape": [2, 2]}),
            ("broadcast_arrays", [MATRIX, INTS, SCALAR], {}),
            ("broadcast_arrays", [MATRIX, ints(1, 2)], {}),
            ("broadcast_arrays", [EMPTY, SCALAR], {}),
        ]
    )
    yield from rows(
        [
            ("broadcast_shapes", [], {"a": a, "b": b})
            for a, b in (([2, 1], [3]), ([], [2]), ([0], [1]), ([2, 1], [3, 4]), ([0], [2]), ([5], []))
        ]
    )
    for n in "123":
        yield from rows([(f"atleast_{n}d", a, {}) for a in (SCALAR, VECTOR, MATRIX, CUBE, EMPTY)])
    yield from rows(
        [
            ("contiguous", MATRIX, {}),
            ("as_strided", MATRIX, {"shape": [2], "strides": [2], "offset": 1}),
            ("as_strided", MATRIX, {}),
            ("as_strided", VECTOR, {"shape": [2], "strides": [-1], "offset": 2}),
            ("as_strided", VECTOR, {"shape": [2, 2], "strides": [0, 1], "offset": 0}),
            ("as_strided", MATRIX, {"shape": [-2, 2], "strides": [1, 1], "offset": 0}),
        ]
    )


def slices(_dropped):
    for start, stop, step in (
        ([0], [2], [1]),
        ([1], [9], [1]),
        ([-1], [-9], [-1]),
        ([5], [9], [1]),
        ([2], [0], [1]),
        ([0], [3], [2]),
        ([2], [-4], [-2]),
        ([-2], [3], [1]),
        ([0], [0], [1]),
        ([9], [0], [-1]),
    ):
        yield from rows([("slice", VECTOR, {"start": start, "stop": stop, "step": step})])
        yield from rows([("slice_set", [VECTOR, array(9.0, F)], {"start": start, "stop": stop, "step": step})])
    yield from rows(
        [
            ("slice", CUBE, {"start": [0, 2, 3], "stop": [2, -4, 0], "step": [1, -1, -2]}),
            ("slice", CUBE, {"start": [1, 0, 1], "stop": [2, 3, 4], "step": [1, 2, 3]}),
            ("slice", EMPTY, {"start": [0, 1], "stop": [5, 3], "step": [1, 1]}),
            ("slice_set", [MATRIX, VECTOR], {"start": [0, 0], "stop": [2, 3], "step": [1, 1]}),
            ("slice_set", [INTS, array([2.9], F)], {"start": [1], "stop": [2], "step": [1]}),
            ("slice_set", [MATRIX, array([[7.0], [8.0]], F)], {"start": [1, 0], "stop": [-3, 3], "step": [-1, 2]}),
            ("slice_set", [MATRIX, ints(1, 2)], {"start": [0, 0], "stop": [2, 3], "step": [1, 1]}),
            ("slice_set", [INTS, array([True, False, True], "bool")], {"start": [0], "stop": [3], "step": [1]}),
        ]
    )
    # the start indices are an array: an input of the case, not a parameter
    yield from dynamic_slices()


def dynamic_slices():
    for start, axes, size in (
        ([1], [0], [1, 2]),
        ([1, 1], [0, 1], [1, 2]),
        ([0], [1], [2, 3]),
        ([1], [-1], [2, 2]),
        ([1, 1], [0, 1], [5, 2]),
        ([0], [0, 1], [1, 1]),
        ([0], [0], [1]),
    ):
        yield from rows([("slice_dynamic", [MATRIX, ints(*start)], {"axes": axes, "size": size})])
    yield from rows(
        [
            ("slice_dynamic", [MATRIX, array([0.0], F)], {"axes": [0], "size": [1, 1]}),
            ("slice_update", [MATRIX, array([[9.0, 8.0]], F), ints(1, 1)], {"axes": [0, 1]}),
            ("slice_update", [MATRIX, array([9.0, 8.0], F), ints(1, 1)], {"axes": [0, 1]}),
            ("slice_update", [MATRIX, SCALAR, ints(0)], {"axes": [0]}),
            ("slice_update", [INTS, array([2.5], F), ints(1)], {"axes": [0]}),
            ("slice_update", [MATRIX, array(np.zeros((5, 5)), F), ints(0, 0)], {"axes": [0, 1]}),
        ]
    )


def joins(_dropped):
    two = array(np.zeros((2, 2)), F)
    for axis in (0, 1, -1, 2, -3, None):
        yield from rows(
            [("concatenate", [MATRIX, MATRIX], {"axis": axis}), ("stack", [MATRIX, MATRIX], {"axis": axis})]
        )
    yield from rows(
        [
            ("concatenate", [MATRIX, VECTOR], {"axis": 0}),
            ("concatenate", [MATRIX, two], {"axis": 0}),
            ("concatenate", [MATRIX, two], {"axis": 1}),
            ("concatenate", [], {"axis": 0}),
            ("concatenate", [EMPTY, MATRIX], {"axis": 0}),
            ("concatenate", [SCALAR, SCALAR], {"axis": 0}),
            ("concatenate", [MATRIX], {"axis": 0}),
            ("stack", [], {"axis": 0}),
            ("stack", [MATRIX, VECTOR], {"axis": 0}),
            ("stack", [SCALAR, array(1, "int32")], {"axis": 0}),
            ("stack", [MATRIX], {"axis": 3}),
        ]
    )
    for sections, axis in ((3, 0), (2, 0), (1, 0), (0, 0), (-1, 0), (3, 1)):
        yield from rows([("array_split", VECTOR, {"sections": sections, "axis": axis})])
    for indices, axis in (([1, 2], 0), ([2, 1], 0), ([5], 0), ([-1], 0), ([0], 0), ([1], 2)):
        yield from rows([("array_split", VECTOR, {"indices": indices, "axis": axis})])
    yield from rows(
        [
            ("array_split", CUBE, {"sections": 2, "axis": 2}),
            ("array_split", CUBE, {"indices": [1, 3], "axis": -1}),
            ("array_split", SCALAR, {"sections": 1, "axis": 0}),
        ]
    )
    yield from rows([("unstack", CUBE, {"axis": i}) for i in (0, 1, -1, 3)] + [("unstack", SCALAR, {"axis": 0})])
    yield from rows(
        [
            ("repeat", MATRIX, {"repeats": n, "axis": i})
            for n, i in ((2, None), (2, 0), (2, 1), (3, -1), (0, 1), (1, 0), (-1, 1), (2, 3))
        ]
    )
    yield from rows([("repeat", SCALAR, {"repeats": 3, "axis": None}), ("repeat", EMPTY, {"repeats": 2, "axis": 1})])
    yield from rows(
        [("tile", MATRIX, {"reps": r}) for r in ([2], [2, 1, 1], [1, 2], [], [0], [-1])]
        + [("tile", SCALAR, {"reps": [2, 2]})]
    )
    for indexing in ("xy", "ij", "yx"):
        for sparse in (0, 1):
            yield from rows(
                [("meshgrid", [VECTOR, INTS, array([5, 6], "int32")], {"sparse": sparse, "indexing": indexing})]
            )
    yield from rows(
        [("meshgrid", [VECTOR], {}), ("meshgrid", [VECTOR, SCALAR], {}), ("meshgrid", [VECTOR, MATRIX], {})]
    )


def moves(_dropped):
    yield from rows(
        [
            ("pad", MATRIX, {"low": lo, "high": hi, "mode": mode})
            for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
            for lo, hi in (([1, 0], [0, 2]), ([0, 0], [0, 0]), ([2, 1], [1, 1]))
        ]
    )
    yield from rows(
        [
            ("pad", VECTOR, {"low": [-1], "high": [0]}),
            ("pad", [MATRIX, array(9.0, F)], {"low": [1, 1], "high": [0, 0]}),
            ("pad", [INTS, array(2.5, F)], {"low": [1], "high": [1]}),
            ("pad", VECTOR, {"low": [5], "high": [5], "mode": "reflect"}),
            ("pad", VECTOR, {"low": [7], "high": [4], "mode": "symmetric"}),
        ]
    )
    yield from rows(
        [
            ("roll", MATRIX, {"shift": s, "axis": x})
            for s, x in (
                (1, None),
                (-2, None),
                (1, 0),
                (7, 1),
                (-1, -1),
                ([1, 2], [0, 1]),
                ([1, 2], [1, 1]),
                ([1, 2], 1),
                (1, [0, 1]),
                (-1, 5),
                (0, 0),
            )
        ]
    )
    yield from rows(
        [
            ("roll", EMPTY, {"shift": 1, "axis": None}),
            ("roll", EMPTY, {"shift": 1, "axis": 1}),
            ("roll", SCALAR, {"shift": 1, "axis": None}),
        ]
    )
    yield from rows([("flip", MATRIX, {"axis": x}) for x in (None, 0, 1, -1, [0, 1], [0, 0], [], 5)])
    yield from rows([("diag", a, {"k": k}) for a in (VECTOR, MATRIX, CUBE, SCALAR) for k in (0, 1, -1, 9)])
    yield from rows(
        [
            ("diagonal", CUBE, {"offset": k, "axis1": i, "axis2": j})
            for k, i, j in ((0, 0, 1), (1, 1, 2), (-1, 2, 0), (0, -1, -2), (9, 0, 1), (-9, 0, 1), (0, 0, 0), (0, 0, 5))
        ]
    )
    yield from rows(
        [
            ("diagonal", VECTOR, {}),
            ("trace", CUBE, {}),
            ("trace", CUBE, {"offset": 1, "axis1": 1, "axis2": 2}),
            ("trace", MATRIX, {"dtype": "int32"}),
            ("trace", MATRIX, {"offset": 5}),
            ("trace", VECTOR, {}),
        ]
    )
    yield from rows(
        [(op, a, {"k": k}) for op in ("tril", "triu") for a in (MATRIX, CUBE) for k in (0, 1, -1, 4)]
        + [("tril", VECTOR, {"k": 0})]
    )


def gathers(_dropped):
    grid = ints(0, 2, 1, 0, shape=(2, 2))
    for axis in (None, 0, 1, -1, 2):
        small = axis in (0, -2)
        yield from rows(
            [
                ("take", [MATRIX, ints(0, 1) if small else ints(2, 0, -1)], {"axis": axis}),
                ("take", [MATRIX, ints(1, 0, 0, 1, shape=(2, 2)) if small else grid], {"axis": axis}),
                ("take_int", MATRIX, {"i": 1, "axis": axis}),
                ("take_int", MATRIX, {"i": -1, "axis": axis}),
            ]
        )
    for dtype in DTYPES:
        yield from rows([("take", [MATRIX, array([1, 0], dtype)], {"axis": 0})])
    nothing = Array("int32", (0,), array([], "int32").bits)
    yield from rows(
        [
            ("take", [EMPTY, ints(0)], {"axis": 0}),
            ("take", [EMPTY, nothing], {"axis": 0}),
            ("take", [MATRIX, nothing], {"axis": 1}),
            ("take", [SCALAR, ints(0)], {"axis": None}),
        ]
    )
    for axis, index in (
        (1, ints(0, 2, shape=(2, 1))),
        (1, ints(0, 0, shape=(1, 2))),
        (0, ints(0, 1, -1, shape=(1, 3))),
        (None, ints(0, 4)),
        (1, ints(0)),
        (3, ints(0, shape=(1, 1))),
        (-1, ints(2, 1, 0, 0, shape=(2, 2))),
    ):
        yield from rows(
            [
                ("take_along_axis", [MATRIX, index], {"axis": axis}),
                ("put_along_axis", [MATRIX, index, array(9.0, F)], {"axis": axis}),
            ]
        )
    yield from rows(
        [
            ("put_along_axis", [MATRIX, ints(0, 5), array([7.0, 8.0], F)], {"axis": None}),
            ("put_along_axis", [INTS, ints(0), array([2.5], F)], {"axis": 0}),
            ("put_along_axis", [MATRIX, ints(0, 1, shape=(2, 1)), array([[7], [8]], "int32")], {"axis": 1}),
        ]
    )
    yield from rows([("index_int", CUBE, {"i": i}) for i in (0, 1, -1, -2)])
    yield from rows(
        [
            ("index", [CUBE, ints(2, 0, -1)], {"axis": 1}),
            ("index", [CUBE, ints(0, 1), ints(3, 1)], {"axis": 1}),
            ("index", [CUBE, ints(0, 1, shape=(2, 1)), ints(2, 0), ints(1, 3)], {"axis": 0}),
            ("index", [CUBE, ints(1)], {"axis": 0}),
            ("index", [CUBE, array(1, "int32")], {"axis": 0}),
            ("index", [CUBE, ints(0, 1), ints(0, 1, 2)], {"axis": 0}),
        ]
    )


def scatters(_dropped):
    for verb in ("at_add", "at_subtract", "at_multiply", "at_divide", "at_maximum", "at_minimum", "index_set"):
        yield from rows(
            [
                (verb, [MATRIX, ints(1), array([10.0, 0.5, 4.0], F)], {"axis": 0}),
                (verb, [CUBE, ints(2, 0), SCALAR], {"axis": 1}),
                (verb, [INTS, ints(0), array([1.5], F)], {"axis": 0}),
                (verb, [CUBE, ints(0, 1), ints(2, 0), array([4.0, 8.0, 2.0, 1.0], F)], {"axis": 0}),
                (verb, [VECTOR, ints(-1), SCALAR], {"axis": 0}),
                (verb, [MATRIX, ints(0, 1), array([1.0, 2.0], F)], {"axis": 0}),
            ]
        )
    yield from rows(
        [
            ("at_add", [VECTOR, ints(0, 0, 2, 0), array([1.0, 2.0, 4.0, 8.0], F)], {"axis": 0}),
            ("at_multiply", [VECTOR, ints(1, 1, 1), SCALAR], {"axis": 0}),
            ("at_maximum", [VECTOR, ints(1, 1), array([5.0, 4.0], F)], {"axis": 0}),
        ]
    )


FILES = {
    "layout_dtypes": each_dtype,
    "shapes": shapes,
    "slices": slices,
    "joins": joins,
    "moves": moves,
    "gathers": gathers,
    "scatters": scatters,
}

"""How arrays print. Start at FILES."""

import numpy as np

from .call import run_case
from .form import COMPLEX, DTYPES, FLOATS, INTEGERS, Array, Case, array


def prints(_dropped):
    arrays = []
    for dtype in DTYPES:
        arrays += [
            array(1, dtype),
            array([0, 1, 1], dtype),
            array([[1, 0], [0, 1]], dtype),
            Array(dtype, (0,), array([], dtype).bits),
            array(np.arange(8).reshape(2, 2, 2), dtype),
        ]
        arrays += [Array(dtype, (2, 0), array([], dtype).bits), Array(dtype, (0, 3), array([], dtype).bits)]
        if dtype in INTEGERS:
            top = 1 << (8 * np.dtype(dtype).itemsize - (not dtype.startswith("u")))
            arrays += [
                array([0, top - 1] if dtype.startswith("u") else [-top, -1, top - 1], dtype),
                array([1, 20, 100, 7], dtype),
            ]
        if dtype in FLOATS:
            arrays += [
                array([0.1, -0.1, 1 / 3, 2 / 3, 1e-3], dtype),
                array([0.0, -0.0, np.nan, np.inf, -np.inf], dtype),
                array([1e-5, 1e-4, 1e4, 6e4], dtype),
                array([123456.0, 1234567.0, 65504.0, 0.00012345], dtype),
                array([1.0, 1.5, 100.25, 1e-7], dtype),
                array(-0.0, dtype),
                array(np.nan, dtype),
                array([1e20, 1e-20, 3.4e38, 1e-45], dtype),
                array(2.5, dtype),
                array(100000.0, dtype),
                array(1000000.0, dtype),
                array(16777216.0, dtype),
            ]
        if dtype in COMPLEX:
            arrays += [
                array([1 + 2j, -1.5 - 0.25j, 0j, 1e-7 + 1e7j], dtype),
                array(np.array([complex(np.nan, np.inf), complex(-0.0, -0.0), complex(1, -np.inf)]), dtype),
            ]
    for shape in (
        (7,),
        (10,),
        (1000,),
        (1001,),
        (1200,),
        (40, 40),
        (2, 600),
        (600, 2),
        (12, 12, 12),
        (1, 1, 1),
        (6, 1),
        (7, 1),
        (2, 3, 4),
        (2, 7, 2),
        (3, 1, 8),
    ):
        arrays.append(array(np.arange(np.prod(shape)).reshape(shape), "int32"))
        arrays.append(array(np.arange(np.prod(shape)).reshape(shape) / 4, "float32"))
    arrays += [
        array(np.arange(7) > 3, "bool"),
        Array("float32", (0, 0, 2), array([], "float32").bits),
        array(np.array([1.0, 10.0, 1e10]), "float32"),
        array(np.array([[1.0, np.nan], [1e10, -1.0]]), "float32"),
    ]
    for a in arrays:
        if a.bits.size <= 60:
            yield run_case(Case("print", [a]))
        else:  # a long array is given by its rule (README.md)
            yield long_print(a)


def long_print(a):
    return run_case(Case("print_ramp", params={"shape": list(a.shape), "dtype": a.dtype}))


FILES = {"printing": prints}

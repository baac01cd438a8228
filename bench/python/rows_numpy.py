"""Rows of NumPy, the gradient of the page's loop written by hand."""
import numpy as np
import problems

VERSION = np.__version__


def two():
    return {"np": np, "a": np.array([1.0, 2.0], np.float32), "b": np.array([3.0, 4.0], np.float32)}


def page_loop():
    X, y, w = problems.linear()
    return {"X": X, "y": y, "rate": np.float32(problems.RATE / len(y)), "start": w, "setup": "w = start"}


ROWS = {
    "loop": (page_loop, "w = w - rate * ((X @ w - y) @ X)"),
    "add": (two, "np.add(a, b)"),
    "add_number": (two, "a + 1.0"),
    "sum": (two, "np.sum(a, axis=-1, keepdims=True)"),
    "shape": (two, "a.shape"),
    "eval": (two, "np.add(a, b)"),
}

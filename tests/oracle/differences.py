"""The rows of docs/differences.md as predicates: LISTED maps words of a row to whether a call is one of its kind. A disagreement that
no row explains is a mistake. Start at listed."""

from __future__ import annotations

import pathlib

import numpy as np
from cases import form

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


LISTED = {}


def listed(case, ours, theirs):
    """The words of the row that explains the disagreement, or None. `theirs` is None where MLX died or hung."""
    for words, applies in LISTED.items():
        if applies(case, ours, theirs):
            return words
    return None


def unknown_rows():
    return [words for words in LISTED if words not in DOC]

"""mlx.nn and mlx.optimizers give what released MLX gave when tests/oracle/record_nn.py recorded it."""

from __future__ import annotations

import json
import math
import pathlib
import sys

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

ORACLE = pathlib.Path(__file__).parents[1] / "oracle"
sys.path.insert(0, str(ORACLE))

from nn_cases import CASES  # noqa: E402

RECORDED = json.loads((ORACLE / "nn_values.json").read_text())
EPS = {"float16": 2.0**-11, "float32": 2.0**-24}
# No case chains more than 64 roundings of numbers as large as its largest (gradients that cancel come from those), on
# either side.
ROUNDINGS = 2 * 64
# MLX transforms normal numbers by an erfinv of its own, good to about 2e-6 relative.
LOOSER = {"initial_normal_weights": 16}
EXACT = {"initial_weights"}


def is_array(recorded):
    return isinstance(recorded, dict) and recorded.keys() == {"dtype", "shape", "values"}


def largest(recorded):
    """The largest finite number of all arrays."""
    if is_array(recorded):
        return max((abs(v) for v in recorded["values"] if math.isfinite(v)), default=0)
    below = recorded.values() if isinstance(recorded, dict) else recorded if isinstance(recorded, list) else []
    return max(map(largest, below), default=0)


def check(path, ours, recorded, roundings):
    if is_array(recorded):
        assert isinstance(ours, mx.array), path
        assert (str(ours.dtype).rpartition(".")[2], list(ours.shape)) == (recorded["dtype"], recorded["shape"]), path
        values = mx.reshape(ours, (-1,)).tolist()
        bound = roundings * EPS.get(recorded["dtype"], 0)
        narrow = np.float32 if "float" in recorded["dtype"] else int
        for i, (a, b) in enumerate(zip(values, map(narrow, recorded["values"]))):
            same = a == b or (math.isnan(a) and math.isnan(b))
            assert same or abs(a - b) <= bound, f"{path}[{i}]: {a} is not {b} within {bound}"
    elif isinstance(recorded, dict):
        assert ours.keys() == recorded.keys(), path
        for key in recorded:
            check(f"{path}.{key}", ours[key], recorded[key], roundings)
    elif isinstance(recorded, list):
        assert len(ours) == len(recorded), path
        for i, (a, b) in enumerate(zip(ours, recorded)):
            check(f"{path}.{i}", a, b, roundings)
    else:
        assert ours == recorded, path


def test_every_case_is_recorded():
    assert CASES.keys() == RECORDED.keys()


@pytest.mark.parametrize("name", CASES)
def test_case_agrees_with_released_mlx(name):
    roundings = 0 if name in EXACT else ROUNDINGS * LOOSER.get(name, 1)
    ours = CASES[name](mx, nn, optim)
    recorded = RECORDED[name]
    if isinstance(ours, dict) and " at 0x" in str(ours.get("repr")):  # a function's address
        ours["repr"] = recorded["repr"] = None
    check(name, ours, recorded, roundings * largest(recorded))

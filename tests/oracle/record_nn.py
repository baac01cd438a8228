"""Writes nn_values.json: what released MLX gives for tests/oracle/nn_cases.py.

usage: PYTHON tests/oracle/record_nn.py, where PYTHON has mlx[cpu] 0.32.4 and not mica
(python3 -m venv oracle && oracle/bin/pip install "mlx[cpu]==0.32.4")"""

from __future__ import annotations

import json
import pathlib

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from nn_cases import CASES


def plain(tree):
    """A tree of arrays as JSON: [dtype, shape, values]; 9 digits tell every float32."""
    if isinstance(tree, mx.array):
        dtype = str(tree.dtype).rpartition(".")[2]
        wide = tree.astype(mx.float32) if dtype in ("float16", "bfloat16") else tree
        numbers = [float(f"{v:.9g}") for v in mx.reshape(wide, (-1,)).tolist()]
        return {"dtype": dtype, "shape": list(tree.shape), "values": numbers}
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [plain(value) for value in tree]
    return tree


if __name__ == "__main__":
    values = {}
    for name, run in CASES.items():
        values[name] = plain(run(mx, nn, optim))
    lines = ",\n".join(json.dumps(name) + ":" + json.dumps(v, separators=(",", ":")) for name, v in values.items())
    pathlib.Path(__file__).with_name("nn_values.json").write_text("{\n" + lines + "\n}\n")

"""A program of someone who installed the package: program.c from Python. Its arguments are the folder that mlx must have been
loaded from, and where the BLAS must come from, if that is known."""
import pathlib
import sys

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


def main(folder, blas=None):
    folder = pathlib.Path(folder).resolve()
    assert pathlib.Path(mx.__file__).resolve().is_relative_to(folder), f"mlx.core is that of {mx.__file__}"
    assert (mx.array(2.0) + 3).item() == 5
    solution = mx.linalg.solve(mx.array([[2.0, 0.0], [0.0, 4.0]]), mx.array([6.0, 8.0]), stream=mx.cpu)
    assert solution.tolist() == [3, 2]
    with open("/proc/self/maps") as maps:
        assert blas is None or blas in maps.read(), f"no BLAS was loaded from {blas}"

    model, optimizer, x = nn.Linear(3, 1), optim.SGD(learning_rate=0.1), mx.ones((4, 3))
    before, gradients = nn.value_and_grad(model, lambda m: mx.mean(mx.square(m(x))))(model)
    optimizer.update(model, gradients)
    assert mx.mean(mx.square(model(x))).item() < before.item()
    assert [name for name, _ in tree_flatten(model.parameters())] == ["weight", "bias"]

    package = pathlib.Path(mx.__file__).parent
    assert (package / "py.typed").exists() and (package / "core" / "__init__.pyi").exists()
    assert not [path for path in package.rglob("*") if "test" in path.name], "tests are no part of the package"


main(*sys.argv[1:])

"""Sequential: modules in a row."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Sequential(Module):
    """Calls `modules`, or any functions of an array, one after the other, each with what the last returned.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> model(mx.ones((4, 2))).shape
    (4, 1)
    """

    def __init__(self, *modules: Callable[[mx.array], mx.array]) -> None:
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: mx.array) -> mx.array:
        for layer in self.layers:
            x = layer(x)
        return x

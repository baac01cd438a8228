"""Muon: for matrices, steps whose singular values are all about one."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Muon(Optimizer):
    """v = momentum * v + (1 - momentum) * (g + weight_decay * w), whose singular values are then made about one by
    `ns_steps` Newton-Schulz iterations; a step along that goes learning_rate * sqrt(max(1, rows / columns)).

    With `nesterov` the average of v and the gradient is what is orthogonalised. Arrays with more than 2 axes are matrices
    whose columns are all axes but the first; those with fewer are stepped along v itself. Embeddings, output layers and
    vectors are better left to another optimizer, with `MultiOptimizer`.

    Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.

    >>> optim.Muon(0.1).apply_gradients({'w': mx.ones((2, 3))}, {'w': mx.ones((2, 3))})['w'].shape
    (2, 3)
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        nesterov: bool = True,
        ns_steps: int = 5,
    ) -> None:
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.ns_steps = ns_steps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["v"] = mx.zeros_like(parameter)

    def _orthogonalised(self, x: mx.array) -> mx.array:
        """U V^T of x = U S V^T, roughly: the polynomial a s + b s^3 + c s^5 drives every s in (0, 1] to about one."""
        a, b, c = 3.4445, -4.7750, 2.0315
        wide = x.shape[-2] <= x.shape[-1]
        x = x if wide else x.T
        x = x / (mx.linalg.norm(x, keepdims=True) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = a * x + (b * square + c * (square @ square)) @ x
        return x if wide else x.T

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        v = state["v"] = self.momentum * state["v"] + (1 - self.momentum) * gradient
        update = gradient * (1 - self.momentum) + v * self.momentum if self.nesterov else v
        rate = self.learning_rate.astype(gradient.dtype)
        if update.ndim >= 2:
            matrix = mx.reshape(update, (update.shape[0], -1))
            rate = rate * math.sqrt(max(1.0, matrix.shape[0] / matrix.shape[1]))
            update = mx.reshape(self._orthogonalised(matrix), update.shape)
        return parameter - rate * update

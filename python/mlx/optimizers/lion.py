"""Lion: steps of one size, along the sign of an average."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Lion(Optimizer):
    """c = b1 * m + (1 - b1) * g,  m = b2 * m + (1 - b2) * g,  w = w - learning_rate * (sign(c) + weight_decay * w).

    Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.

    >>> optim.Lion(0.1).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        betas: list[float] | tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.weight_decay = weight_decay

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["m"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = state["m"]
        state["m"] = b2 * m + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * mx.sign(b1 * m + (1 - b1) * gradient)

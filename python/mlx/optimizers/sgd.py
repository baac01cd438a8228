"""SGD: gradient descent, with momentum and weight decay."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class SGD(Optimizer):
    """v = momentum * v + (1 - dampening) * (g + weight_decay * w),  w = w - learning_rate * v.

    Without momentum v is the gradient with its weight decay. With `nesterov`, which needs momentum and no dampening, the
    step goes along g + momentum * v: Sutskever et al., On the importance of initialization and momentum, ICML 2013.

    >>> optim.SGD(0.1).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("[SGD] nesterov needs a momentum above 0 and no dampening")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        rate = self.learning_rate.astype(gradient.dtype)
        if self.momentum <= 0:
            return parameter - rate * gradient
        v = self.momentum * state["v"]
        v = v + ((1 - self.dampening) * gradient if self.dampening > 0 else gradient)
        state["v"] = v
        return parameter - rate * (gradient + self.momentum * v if self.nesterov else v)

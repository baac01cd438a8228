"""Steps divided by the root of accumulated squared gradients: RMSprop, Adagrad, AdaDelta."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _check(optimizer: Optimizer, **settings: float) -> None:
    for name, value in settings.items():
        if not value >= 0:
            raise ValueError(f"[{type(optimizer).__name__}] {name} must be at least 0, not {value}")


class RMSprop(Optimizer):
    """v = alpha * v + (1 - alpha) * g^2,  w = w - learning_rate * g / (sqrt(v) + eps).

    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.

    >>> optim.RMSprop(0.1).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1], dtype=float32)}
    """

    def __init__(
        self, learning_rate: float | Callable[[mx.array], mx.array], alpha: float = 0.99, eps: float = 1e-8
    ) -> None:
        _check(self, alpha=alpha, eps=eps)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.alpha = alpha
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        v = state["v"] = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(Optimizer):
    """v = v + g^2,  w = w - learning_rate * g / (sqrt(v) + eps).

    Duchi et al., Adaptive subgradient methods, JMLR 2011.

    >>> optim.Adagrad(0.1).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.9], dtype=float32)}
    """

    def __init__(self, learning_rate: float | Callable[[mx.array], mx.array], eps: float = 1e-8) -> None:
        _check(self, eps=eps)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        v = state["v"] = state["v"] + mx.square(gradient)
        return parameter - rate * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(Optimizer):
    """v = rho * v + (1 - rho) * g^2,  d = sqrt(u + eps) / sqrt(v + eps) * g,  u = rho * u + (1 - rho) * d^2,
    w = w - learning_rate * d.

    Zeiler, ADADELTA, 2012.

    >>> optim.AdaDelta(1.0).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.99684], dtype=float32)}
    """

    def __init__(
        self, learning_rate: float | Callable[[mx.array], mx.array], rho: float = 0.9, eps: float = 1e-6
    ) -> None:
        _check(self, rho=rho, eps=eps)
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.rho = rho
        self.eps = eps

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["v"] = mx.zeros_like(parameter)
        state["u"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        v = state["v"] = self.rho * state["v"] + (1 - self.rho) * mx.square(gradient)
        d = mx.sqrt(state["u"] + self.eps) / mx.sqrt(v + self.eps) * gradient
        state["u"] = self.rho * state["u"] + (1 - self.rho) * mx.square(d)
        return parameter - rate * d

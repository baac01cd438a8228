"""Adam and its relatives: averages of the gradient, and of its square or size. All follow Kingma and Ba, Adam, ICLR 2015."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Adam(Optimizer):
    """m = b1 * m + (1 - b1) * g,  v = b2 * v + (1 - b2) * g^2,  w = w - learning_rate * m / (sqrt(v) + eps).

    With `bias_correction` m and v are divided by 1 - b1^t and 1 - b2^t at step t, as the paper does; the default leaves
    that out.

    >>> optim.Adam(0.1, bias_correction=True).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        betas: list[float] | tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        bias_correction: bool = False,
    ) -> None:
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas = betas
        self.eps = eps
        self.bias_correction = bias_correction

    def init_single(self, parameter: mx.array, state: dict) -> None:
        state["m"] = mx.zeros_like(parameter)
        state["v"] = mx.zeros_like(parameter)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        if not self.bias_correction:
            return parameter - rate * m / (mx.sqrt(v) + self.eps)
        of_m = (rate / (1 - b1**self.step)).astype(gradient.dtype)
        of_v = mx.rsqrt(1 - b2**self.step).astype(gradient.dtype)
        return parameter - of_m * m / (mx.sqrt(v) * of_v + self.eps)


class AdamW(Adam):
    """`Adam` on weights that first shrink to w * (1 - learning_rate * weight_decay).

    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.

    >>> optim.AdamW(0.1, weight_decay=0.5).apply_gradients({'w': mx.array([0.0])}, {'w': mx.array([2.0])})
    {'w': array([1.9], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        betas: list[float] | tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(learning_rate, betas, eps, bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        return super().apply_single(gradient, parameter * (1 - rate * self.weight_decay), state)


class Adamax(Adam):
    """m = b1 * m + (1 - b1) * g,  v = max(b2 * v, |g|),  w = w - learning_rate * m / (v + eps): Adam by the largest size.

    >>> optim.Adamax(0.1).apply_gradients({'w': mx.array([1.0])}, {'w': mx.array([2.0])})
    {'w': array([1.99], dtype=float32)}
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array],
        betas: list[float] | tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not eps >= 0:
            raise ValueError(f"[Adamax] eps must be at least 0, not {eps}")
        super().__init__(learning_rate, betas, eps)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self.learning_rate.astype(gradient.dtype)
        b1, b2 = self.betas
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = mx.maximum(b2 * state["v"], mx.abs(gradient))
        return parameter - rate * m / (v + self.eps)

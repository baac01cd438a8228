"""Adafactor: an adaptive optimizer whose memory for a matrix is a row and a column."""

from __future__ import annotations

import mlx.core as mx
from mlx.optimizers.base import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _rms(x: mx.array) -> mx.array:
    return mx.sqrt(mx.mean(mx.square(x)))


class Adafactor(Optimizer):
    """u = g / sqrt(v), u = u / max(1, rms(u) / clip_threshold), w = w - rate * u, where v averages g^2 + eps[0] with the
    weight t^decay_rate at step t; for a matrix v is rank one: the averages of its rows times those of its columns.

    The rate is `learning_rate`, or with `relative_step` min(1e-2, 1 / sqrt(t)), where 1e-6 * t stands for 1e-2 with
    `warmup_init`; with `scale_parameter` times max(eps[1], rms(w)). `beta_1` averages the steps too. `weight_decay` adds
    -weight_decay * rate * w.

    Shazeer and Stern, Adafactor, ICML 2018.

    >>> optim.Adafactor(0.1, relative_step=False).apply_gradients({'w': mx.ones((2, 3))}, {'w': mx.ones((2, 3))})['w'].shape
    (2, 3)
    """

    def __init__(
        self,
        learning_rate: float | Callable[[mx.array], mx.array] | None = None,
        eps: tuple[float, float] = (1e-30, 1e-3),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta_1: float | None = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
    ) -> None:
        super().__init__()
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        self.clip_threshold = clip_threshold
        self.decay_rate = decay_rate
        self.beta_1 = beta_1
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step
        self.warmup_init = warmup_init

    def init_single(self, parameter: mx.array, state: dict) -> None:
        shape, dtype = parameter.shape, parameter.dtype
        if parameter.ndim >= 2:
            state["exp_avg_sq_row"] = mx.zeros(shape[:-1], dtype=dtype)
            state["exp_avg_sq_col"] = mx.zeros((*shape[:-2], shape[-1]), dtype=dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    def _rate(self, parameter: mx.array) -> mx.array:
        if self.relative_step:
            most = 1e-6 * self.step if self.warmup_init else 1e-2
            rate = mx.minimum(most, mx.rsqrt(self.step))
        else:
            rate = self.learning_rate
        rate = rate.astype(parameter.dtype)
        return mx.maximum(self.eps[1], _rms(parameter)) * rate if self.scale_parameter else rate

    def _inverse_root(self, gradient: mx.array, state: dict) -> mx.array:
        """1 / sqrt(v), after v has taken in the gradient."""
        old = (1.0 - self.step**self.decay_rate).astype(gradient.dtype)
        square = mx.square(gradient) + self.eps[0]
        if gradient.ndim < 2:
            v = state["exp_avg_sq"] = old * state["exp_avg_sq"] + (1 - old) * square
            return mx.rsqrt(v)
        row = state["exp_avg_sq_row"] = old * state["exp_avg_sq_row"] + (1 - old) * mx.mean(square, axis=-1)
        column = state["exp_avg_sq_col"] = old * state["exp_avg_sq_col"] + (1 - old) * mx.mean(square, axis=-2)
        by_row = mx.rsqrt(row / mx.mean(row, axis=-1, keepdims=True))
        return mx.expand_dims(by_row, -1) * mx.expand_dims(mx.rsqrt(column), -2)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self._rate(parameter)
        update = self._inverse_root(gradient, state) * gradient
        update = rate * (update / mx.maximum(1.0, _rms(update) / self.clip_threshold))
        if self.beta_1 is not None:
            update = state["exp_avg"] = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * update
        if self.weight_decay != 0:
            parameter = parameter + parameter * (-self.weight_decay * rate)
        return parameter - update

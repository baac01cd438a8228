"""Pooling: the maximum or mean of every window of the axes between batch and channels. Start at _Pool."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _windows(x: mx.array, kernel: tuple[int, ...], stride: tuple[int, ...]) -> mx.array:
    """x (batch, *space, channels) as (batch, *places, *kernel, channels), without padding."""
    space = x.shape[1:-1]
    places = [(n - k) // s + 1 for n, k, s in zip(space, kernel, stride)]
    if min(places) < 1:
        raise ValueError(f"[pooling] a window {kernel} does not fit into an input of shape {x.shape}")
    steps = [math.prod(x.shape[i + 1 :]) for i in range(x.ndim)]
    inner = steps[1:-1]
    strides = (steps[0], *(a * s for a, s in zip(inner, stride)), *inner, 1)
    return mx.as_strided(x, (x.shape[0], *places, *kernel, x.shape[-1]), strides)


class _Pool(Module):
    """A reduction of windows (`axes` axes), whose padding has the value `filler`."""

    axes: int
    filler: float
    reduce: Callable

    def __init__(
        self, kernel_size: int | tuple[int, ...], stride: int | tuple[int, ...] | None = None, padding: int | tuple = 0
    ) -> None:
        super().__init__()
        self._kernel_size = self._per_axis("kernel_size", kernel_size)
        self._stride = self._kernel_size if stride is None else self._per_axis("stride", stride)
        self._padding = self._per_axis("padding", padding)

    def _per_axis(self, name: str, value: int | tuple[int, ...]) -> tuple[int, ...]:
        least = 0 if name == "padding" else 1
        values = (value,) * self.axes if isinstance(value, int) else value
        if (
            not isinstance(values, (list, tuple))
            or len(values) != self.axes
            or not all(isinstance(v, int) and v >= least for v in values)
        ):
            what = f"an integer or {self.axes} integers, at least {least}"
            raise ValueError(f"[{type(self).__name__}] {name} must be {what}, not {value!r}")
        return tuple(values)

    def _extra_repr(self) -> str:
        return f"kernel_size={self._kernel_size}, stride={self._stride}, padding={self._padding}"

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim != self.axes + 2:
            raise ValueError(f"[{type(self).__name__}] the input must have {self.axes + 2} axes, not {x.ndim}")
        if any(self._padding):
            x = mx.pad(x, [(0, 0), *((p, p) for p in self._padding), (0, 0)], constant_values=mx.array(self.filler, x.dtype))
        axes = tuple(range(self.axes + 1, 2 * self.axes + 1))
        return type(self).reduce(_windows(x, self._kernel_size, self._stride), axis=axes)


class _MaxPool(_Pool):
    filler = -math.inf
    reduce = mx.max


class _AvgPool(_Pool):
    filler = 0.0
    reduce = mx.mean


class MaxPool1d(_MaxPool):
    """The maximum of windows of x (batch, length, channels), `stride` (by default `kernel_size`) apart; padding loses to
    everything.

    >>> nn.MaxPool1d(2)(mx.array([1.0, 5.0, 3.0, 2.0]).reshape(1, 4, 1)).flatten()
    array([5, 3], dtype=float32)
    """

    axes = 1


class MaxPool2d(_MaxPool):
    """The maximum of windows of x (batch, height, width, channels): see `MaxPool1d`.

    >>> nn.MaxPool2d(2, stride=2)(mx.ones((8, 32, 32, 3))).shape
    (8, 16, 16, 3)
    """

    axes = 2


class MaxPool3d(_MaxPool):
    """The maximum of windows of x (batch, depth, height, width, channels): see `MaxPool1d`.

    >>> nn.MaxPool3d(2)(mx.ones((8, 16, 16, 16, 3))).shape
    (8, 8, 8, 8, 3)
    """

    axes = 3


class AvgPool1d(_AvgPool):
    """The mean of windows of x (batch, length, channels), `stride` (by default `kernel_size`) apart; padding counts as
    zeros.

    >>> nn.AvgPool1d(2)(mx.array([1.0, 5.0, 3.0, 2.0]).reshape(1, 4, 1)).flatten()
    array([3, 2.5], dtype=float32)
    """

    axes = 1


class AvgPool2d(_AvgPool):
    """The mean of windows of x (batch, height, width, channels): see `AvgPool1d`.

    >>> nn.AvgPool2d(3, stride=2, padding=1)(mx.ones((8, 32, 32, 3))).shape
    (8, 16, 16, 3)
    """

    axes = 2


class AvgPool3d(_AvgPool):
    """The mean of windows of x (batch, depth, height, width, channels): see `AvgPool1d`.

    >>> nn.AvgPool3d(2)(mx.ones((8, 16, 16, 16, 3))).shape
    (8, 8, 8, 8, 3)
    """

    axes = 3

"""Upsample: resizing images and signals. Along each axis the result is a product with a matrix of interpolation weights."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


def _positions(size: int, count: int, scale: float, align_corners: bool) -> mx.array:
    """Where the `count` results lie among the `size` elements, in elements: (count, 1)."""
    i = mx.expand_dims(mx.arange(count, dtype=mx.float32), 1)
    if align_corners:
        return i * ((size - 1) / (count - 1)) if count > 1 else i
    return i / scale - ((count - 1) / scale - size + 1) / 2


def _nearest(size: int, count: int, scale: float) -> list[int]:
    """Which element is each result: the nearest to its middle where the axis grows, the first it covers where it shrinks."""
    if scale < 1:
        return [i * size // count for i in range(count)]
    start = ((count - 1) / scale - size + 1) / 2
    # Halfway between two elements the even one counts; six digits, so that the quotient's last bit does not decide.
    return [min(max(round(round(i / scale - start, 6)), 0), size - 1) for i in range(count)]


def _triangle(d: mx.array) -> mx.array:
    return mx.maximum(1 - d, 0)


def _cubic(d: mx.array, a: float) -> mx.array:
    """Keys, Cubic convolution interpolation for digital image processing, 1981."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return mx.where(d < 1, near, mx.where(d < 2, far, 0))


def _weights(size: int, count: int, scale: float, mode: str, align_corners: bool, antialias: bool) -> mx.array:
    """The matrix (count, size) that interpolates `size` elements at `count` places; every row sums to one."""
    position = _positions(size, count, scale, align_corners)
    if antialias:  # a kernel at least as wide as a result, cut at the edges
        d = mx.abs(position - mx.arange(size, dtype=mx.float32)) * min(scale, 1)
        w = _triangle(d) if mode == "linear" else _cubic(d, -0.5)
        return w / mx.sum(w, axis=1, keepdims=True)
    if mode == "linear":
        return _triangle(mx.abs(mx.clip(position, 0, size - 1) - mx.arange(size, dtype=mx.float32)))
    # Three elements more on either side, equal to the last there: their weights are added to its own.
    w = _cubic(mx.abs(position - mx.arange(-3, size + 3, dtype=mx.float32)), -0.75)
    if size == 1:
        return mx.sum(w, axis=1, keepdims=True)
    edges = [mx.sum(part, axis=1, keepdims=True) for part in (w[:, :4], w[:, -4:])]
    return mx.concatenate([edges[0], w[:, 4:-4], edges[1]], axis=1)


class Upsample(Module):
    """Resizes the axes between batch and channels of x (batch, ..., channels) by `scale_factor`, one for all or one each.

    `mode` is 'nearest', 'linear' or 'cubic'. With `align_corners` the first and last elements stay where they are, else
    the edges of the outermost ones. `antialias`, for 'linear' and 'cubic' without `align_corners`, widens
    the kernel where an axis shrinks.

    >>> nn.Upsample(2.0)(mx.ones((8, 16, 16, 3))).shape
    (8, 32, 32, 3)
    """

    def __init__(
        self,
        scale_factor: float | tuple[float, ...],
        mode: str = "nearest",
        align_corners: bool = False,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] mode must be 'nearest', 'linear' or 'cubic', not {mode!r}")
        if antialias and (mode == "nearest" or align_corners):
            raise ValueError("[Upsample] antialias needs mode 'linear' or 'cubic' and no align_corners")
        self._scale: float | tuple[float, ...]
        if isinstance(scale_factor, (list, tuple)):
            self._scale = tuple(map(float, scale_factor))
        else:
            self._scale = float(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.antialias = antialias

    def _extra_repr(self) -> str:
        smooth = ", antialias=True" if self.antialias else ""
        return f"scale_factor={self._scale}, mode={self.mode!r}, align_corners={self.align_corners}{smooth}"

    def _resized(self, x: mx.array, axis: int, scale: float) -> mx.array:
        size = x.shape[axis]
        count = int(scale * size)
        if count < 1:
            raise ValueError(f"[Upsample] a scale of {scale} leaves nothing of an axis of size {size}")
        if self.mode == "nearest":
            return mx.take(x, mx.array(_nearest(size, count, scale)), axis=axis)
        w = _weights(size, count, scale, self.mode, self.align_corners, self.antialias)
        if x.dtype in (mx.float16, mx.bfloat16, mx.float64):
            w = w.astype(x.dtype)
        return mx.moveaxis(mx.tensordot(x, w, axes=[[axis], [1]]), -1, axis)

    def __call__(self, x: mx.array) -> mx.array:
        space = x.ndim - 2
        if space < 1:
            raise ValueError(f"[Upsample] the input must have at least 3 axes (batch, ..., channels), not {x.ndim}")
        scales = self._scale if isinstance(self._scale, tuple) else (self._scale,) * space
        if len(scales) != space:
            raise ValueError(f"[Upsample] {len(scales)} scales do not fit an input with {space} axes between")
        for i, scale in enumerate(scales):
            if scale != 1:
                x = self._resized(x, i + 1, scale)
        return x

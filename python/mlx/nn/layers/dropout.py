"""Dropout: in training mode, zeros at random places and the rest scaled so that the expectation stays.

Srivastava et al., Dropout, JMLR 2014; whole channels: Tompson et al., Efficient object localization, CVPR 2015."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


class Dropout(Module):
    """Each element is zero with probability `p`, and divided by 1 - p otherwise.

    >>> sorted(set(nn.Dropout(0.75)(mx.ones(100)).tolist()))
    [0.0, 4.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"[{type(self).__name__}] the probability must be in [0, 1), not {p}")
        self._p_1 = 1 - p

    def _extra_repr(self) -> str:
        return f"p={1 - self._p_1}"

    def _mask_shape(self, x: mx.array) -> tuple[int, ...]:
        return x.shape

    def __call__(self, x: mx.array) -> mx.array:
        if self._p_1 == 1 or not self.training:
            return x
        return (1 / self._p_1) * mx.random.bernoulli(self._p_1, self._mask_shape(x)) * x


class _ChannelDropout(Dropout):
    """Dropout of whole channels; `spatial` axes before the last share a channel's fate, and a batch axis is optional."""

    spatial: int

    def _mask_shape(self, x: mx.array) -> tuple[int, ...]:
        least = self.spatial + 1
        if x.ndim not in (least, least + 1):
            raise ValueError(f"[{type(self).__name__}] the input must have {least} or {least + 1} axes, not {x.ndim}")
        batch = x.shape[: x.ndim - least]
        return (*batch, *(1 for _ in range(self.spatial)), x.shape[-1])


class Dropout2d(_ChannelDropout):
    """Each channel of each image (..., height, width, channels) is zero with probability `p`.

    >>> nn.Dropout2d(0.5)(mx.ones((4, 8, 8, 3))).shape
    (4, 8, 8, 3)
    """

    spatial = 2


class Dropout3d(_ChannelDropout):
    """Each channel of each volume (..., depth, height, width, channels) is zero with probability `p`.

    >>> nn.Dropout3d(0.5)(mx.ones((4, 8, 8, 8, 3))).shape
    (4, 8, 8, 8, 3)
    """

    spatial = 3

"""Positional encodings: RoPE, sinusoidal, ALiBi."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module


class RoPE(Module):
    """Rotates pairs of features by an angle that grows with the position: x (..., positions, features), at least 3 axes.

    Of the first `dims` features pair i turns by (offset + position) * scale * base^(-2 i / dims). A pair is features i
    and i + dims / 2, or with `traditional` 2 i and 2 i + 1. Features beyond `dims` stay.

    Su et al., RoFormer, 2021.

    >>> nn.RoPE(16)(mx.ones((2, 10, 16))).shape
    (2, 10, 16)
    """

    def __init__(self, dims: int, traditional: bool = False, base: float = 10000, scale: float = 1.0) -> None:
        super().__init__()
        self.dims = dims
        self.traditional = traditional
        self.base = base
        self.scale = scale

    def _extra_repr(self) -> str:
        return f"{self.dims}, traditional={self.traditional}"

    def _check(self, x: mx.array) -> None:
        if x.ndim < 3:
            raise ValueError(f"[RoPE] the input must have at least 3 axes, not {x.ndim}")
        if self.dims > x.shape[-1]:
            raise ValueError(f"[RoPE] dims is {self.dims}, but the input has only {x.shape[-1]} features")
        if self.dims % 2:
            raise ValueError(f"[RoPE] dims must be even, not {self.dims}")

    def __call__(self, x: mx.array, offset: int | mx.array = 0) -> mx.array:
        self._check(x)
        dims, half = self.dims, self.dims // 2
        positions = (offset + mx.arange(x.shape[-2], dtype=mx.float32)) * self.scale
        rates = mx.exp(mx.arange(half, dtype=mx.float32) * (-math.log(self.base) / max(half, 1)))
        angles = mx.expand_dims(positions, 1) * rates
        cos, sin = mx.cos(angles), mx.sin(angles)
        wide = x.astype(mx.float32)
        if self.traditional:
            a, b = wide[..., 0:dims:2], wide[..., 1:dims:2]
        else:
            a, b = wide[..., :half], wide[..., half:dims]
        turned = [a * cos - b * sin, a * sin + b * cos]
        if self.traditional:
            y = mx.reshape(mx.stack(turned, axis=-1), (*x.shape[:-1], dims))
        else:
            y = mx.concatenate(turned, axis=-1)
        y = y.astype(x.dtype)
        return y if dims == x.shape[-1] else mx.concatenate([y, x[..., dims:]], axis=-1)


class SinusoidalPositionalEncoding(Module):
    """scale * [sin(x * f), cos(x * f)]: positions x (...) give (..., dims), with dims / 2 frequencies f from `max_freq` down
    to `min_freq` in equal ratios.

    `scale` is sqrt(2 / dims) by default. `cos_first` swaps the halves; `full_turns` multiplies the frequencies by 2 pi.

    Vaswani et al., Attention is all you need, NeurIPS 2017.

    >>> nn.SinusoidalPositionalEncoding(16)(mx.arange(10)).shape
    (10, 16)
    """

    def __init__(
        self,
        dims: int,
        min_freq: float = 0.0001,
        max_freq: float = 1,
        scale: float | None = None,
        cos_first: bool = False,
        full_turns: bool = False,
    ) -> None:
        super().__init__()
        half = dims // 2
        falling = 1 - mx.arange(0, half, dtype=mx.float32) / (half - 1)
        low, high = math.log(min_freq), math.log(max_freq)
        self._sigmas = mx.exp(falling * (high - low) + low)
        if full_turns:
            self._sigmas = self._sigmas * (2 * math.pi)
        self.scale = math.sqrt(2 / dims) if scale is None else scale
        self.cos_first = cos_first

    def __call__(self, x: mx.array) -> mx.array:
        angles = mx.expand_dims(x, -1) * self._sigmas
        halves = [mx.sin(angles), mx.cos(angles)]
        y = mx.concatenate(halves[::-1] if self.cos_first else halves, axis=-1)
        return y if self.scale == 1 else y * self.scale


class ALiBi(Module):
    """Adds -slope * |distance| to attention scores (batch, heads, queries, keys), with a slope for each head.

    Press et al., Train short, test long, ICLR 2022.

    >>> nn.ALiBi()(mx.zeros((2, 4, 10, 10))).shape
    (2, 4, 10, 10)
    """

    @staticmethod
    def create_alibi_slope(num_heads: int) -> mx.array:
        """The slopes 2^(-8 h / num_heads) for h from 1 on, as (num_heads, 1, 1).

        Where `num_heads` is no power of two, the slopes of the power below, then every second one of the power above."""
        power = 1 << (num_heads.bit_length() - 1)
        exponents = [8 * h / power for h in range(1, power + 1)]
        exponents += [4 * h / power for h in range(1, 2 * (num_heads - power), 2)]
        return mx.reshape(mx.array([2.0**-e for e in exponents]), (num_heads, 1, 1))

    @classmethod
    def create_alibi_matrix(
        cls,
        q_sequence_length: int,
        k_sequence_length: int,
        num_heads: int,
        offset: int,
        dtype: mx.Dtype = mx.float32,
    ) -> mx.array:
        """The biases (1, num_heads, q_sequence_length - offset, k_sequence_length) of queries from `offset` on."""
        queries = mx.arange(offset, q_sequence_length, dtype=mx.float32)
        keys = mx.arange(0, k_sequence_length, dtype=mx.float32)
        distance = -mx.abs(mx.expand_dims(queries, 1) - keys)
        return mx.expand_dims(distance * cls.create_alibi_slope(num_heads), 0).astype(dtype)

    def __call__(self, attention_scores: mx.array, offset: int = 0, mask: mx.array | None = None) -> mx.array:
        _, heads, queries, keys = attention_scores.shape
        bias = self.create_alibi_matrix(queries + offset, keys, heads, offset, attention_scores.dtype)
        return attention_scores + (bias if mask is None else bias + mask)

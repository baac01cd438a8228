"""Attention and the transformer of Vaswani et al., Attention is all you need, NeurIPS 2017. Start at MultiHeadAttention."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.activations import relu
from mlx.nn.layers.base import Module
from mlx.nn.layers.dropout import Dropout
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.normalization import LayerNorm
from mlx.nn.utils import checkpoint as checkpointed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _attend(q: mx.array, k: mx.array, v: mx.array, mask: mx.array | None) -> mx.array:
    """softmax(q @ k^T / sqrt(features) + mask) @ v over (batch, heads, positions, features); a bool mask keeps where true."""
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ mx.swapaxes(k, -1, -2)
    if mask is not None:
        if mask.dtype == mx.bool_:
            scores = mx.where(mask, scores, mx.array(mx.finfo(scores.dtype).min, scores.dtype))
        else:
            scores = scores + mask
    return mx.softmax(scores, axis=-1, precise=True) @ v


class MultiHeadAttention(Module):
    """Attention of `num_heads` heads: queries (batch, n, query_input_dims), keys (batch, m, key_input_dims), values
    (batch, m, value_input_dims) give (batch, n, value_output_dims).

    Input dims default to `dims`, those of values to those of keys, as do value and output dims to `dims`. `mask`
    broadcasts to (batch, heads, n, m); it is added to the scores or, where bool, keeps those where it is true.

    >>> nn.MultiHeadAttention(16, 4)(*3 * [mx.ones((2, 10, 16))]).shape
    (2, 10, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        query_input_dims: int | None = None,
        key_input_dims: int | None = None,
        value_input_dims: int | None = None,
        value_dims: int | None = None,
        value_output_dims: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if dims % num_heads:
            raise ValueError(f"[MultiHeadAttention] {dims} features cannot be split into {num_heads} equal heads")
        query_input_dims = query_input_dims or dims
        key_input_dims = key_input_dims or dims
        value_input_dims = value_input_dims or key_input_dims
        value_dims = value_dims or dims
        value_output_dims = value_output_dims or dims
        self.num_heads = num_heads
        self.query_proj = Linear(query_input_dims, dims, bias=bias)
        self.key_proj = Linear(key_input_dims, dims, bias=bias)
        self.value_proj = Linear(value_input_dims, value_dims, bias=bias)
        self.out_proj = Linear(value_dims, value_output_dims, bias=bias)

    def _heads(self, x: mx.array) -> mx.array:
        """(batch, n, features) as (batch, heads, n, features / heads)"""
        return mx.swapaxes(mx.unflatten(x, -1, (self.num_heads, -1)), -2, -3)

    def __call__(
        self, queries: mx.array, keys: mx.array, values: mx.array, mask: mx.array | None = None
    ) -> mx.array:
        q, k, v = self.query_proj(queries), self.key_proj(keys), self.value_proj(values)
        y = _attend(self._heads(q), self._heads(k), self._heads(v), mask)
        return self.out_proj(mx.flatten(mx.swapaxes(y, -2, -3), -2, -1))

    @staticmethod
    def create_additive_causal_mask(N: int, dtype: mx.Dtype = mx.float32) -> mx.array:
        """A mask (N, N) that hides later positions: zero on and below the diagonal, the lowest finite number above."""
        positions = mx.arange(N)
        later = mx.expand_dims(positions, 1) < positions
        return later.astype(dtype) * mx.array(mx.finfo(dtype).min, dtype)


class TransformerEncoderLayer(Module):
    """Self-attention and a two-layer perceptron, each with dropout and a residual: x (batch, n, dims) keeps its shape.

    Layer normalisation comes before each of the two with `norm_first`, and else after each residual. `mlp_dims` is
    4 * dims by default.

    >>> nn.TransformerEncoderLayer(16, 4)(mx.ones((2, 10, 16)), mask=None).shape
    (2, 10, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _perceptron(self, x: mx.array) -> mx.array:
        return self.linear2(self.dropout2(self.activation(self.linear1(x))))

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        if self.norm_first:
            y = self.ln1(x)
            x = x + self.dropout1(self.attention(y, y, y, mask))
            return x + self._perceptron(self.ln2(x))
        x = self.ln1(x + self.dropout1(self.attention(x, x, x, mask)))
        return self.ln2(x + self._perceptron(x))


class TransformerEncoder(Module):
    """`num_layers` encoder layers and a last layer normalisation: x (batch, n, dims) keeps its shape. With `checkpoint`,
    layers are computed again for gradients, which takes less memory and more time.

    >>> nn.TransformerEncoder(2, 16, 4)(mx.ones((2, 10, 16)), mask=None).shape
    (2, 10, 16)
    """

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        self.layers = [
            TransformerEncoderLayer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(self, x: mx.array, mask: mx.array | None) -> mx.array:
        for layer in self.layers:
            x = (checkpointed(layer) if self.checkpoint else layer)(x, mask)
        return self.ln(x)


class TransformerDecoderLayer(Module):
    """Self-attention, attention to `memory` (batch, m, dims) and a two-layer perceptron, each with dropout and a residual:
    x (batch, n, dims) keeps its shape. Otherwise as `TransformerEncoderLayer`.

    >>> nn.TransformerDecoderLayer(16, 4)(mx.ones((2, 5, 16)), mx.ones((2, 10, 16)), None, None).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.self_attention = MultiHeadAttention(dims, num_heads)
        self.cross_attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.ln3 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def _perceptron(self, x: mx.array) -> mx.array:
        return self.linear2(self.dropout3(self.activation(self.linear1(x))))

    def __call__(
        self, x: mx.array, memory: mx.array, x_mask: mx.array | None, memory_mask: mx.array | None
    ) -> mx.array:
        if self.norm_first:
            y = self.ln1(x)
            x = x + self.dropout1(self.self_attention(y, y, y, x_mask))
            x = x + self.dropout2(self.cross_attention(self.ln2(x), memory, memory, memory_mask))
            return x + self._perceptron(self.ln3(x))
        x = self.ln1(x + self.dropout1(self.self_attention(x, x, x, x_mask)))
        x = self.ln2(x + self.dropout2(self.cross_attention(x, memory, memory, memory_mask)))
        return self.ln3(x + self._perceptron(x))


class TransformerDecoder(Module):
    """`num_layers` decoder layers and a last layer normalisation: x (batch, n, dims) keeps its shape. With `checkpoint`,
    layers are computed again for gradients, which takes less memory and more time.

    >>> nn.TransformerDecoder(2, 16, 4)(mx.ones((2, 5, 16)), mx.ones((2, 10, 16)), None, None).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        self.layers = [
            TransformerDecoderLayer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def __call__(
        self, x: mx.array, memory: mx.array, x_mask: mx.array | None, memory_mask: mx.array | None
    ) -> mx.array:
        for layer in self.layers:
            x = (checkpointed(layer) if self.checkpoint else layer)(x, memory, x_mask, memory_mask)
        return self.ln(x)


class Transformer(Module):
    """An encoder of `src` (batch, m, dims) and a decoder of `tgt` (batch, n, dims) that attends to it: (batch, n, dims).

    `custom_encoder` and `custom_decoder` take their places; other settings are those of the layers.

    >>> nn.Transformer(16, 4, 2, 2)(mx.ones((2, 10, 16)), mx.ones((2, 5, 16)), None, None, None).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        dims: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        norm_first: bool = True,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        settings = (dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint)
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(num_encoder_layers, *settings)
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(num_decoder_layers, *settings)
        self.encoder = custom_encoder
        self.decoder = custom_decoder

    def __call__(
        self,
        src: mx.array,
        tgt: mx.array,
        src_mask: mx.array | None,
        tgt_mask: mx.array | None,
        memory_mask: mx.array | None,
    ) -> mx.array:
        return self.decoder(tgt, self.encoder(src, src_mask), tgt_mask, memory_mask)

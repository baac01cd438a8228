"""Embedding: a table of vectors."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module


class Embedding(Module):
    """weight[x]: integers x (...) give vectors (..., dims) of weight (num_embeddings, dims).

    The weight starts normal with deviation 1 / sqrt(dims).

    >>> nn.Embedding(100, 16)(mx.array([[3, 7, 7]])).shape
    (1, 3, 16)
    """

    def __init__(self, num_embeddings: int, dims: int) -> None:
        super().__init__()
        self.weight = mx.random.normal(shape=(num_embeddings, dims), scale=math.sqrt(1 / dims))

    def _extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))

    def __call__(self, x: mx.array) -> mx.array:
        return self.weight[x]

    def as_linear(self, x: mx.array) -> mx.array:
        """x @ weight.T: the logits (..., num_embeddings) of x (..., dims), for a model whose output shares the table."""
        return x @ self.weight.T

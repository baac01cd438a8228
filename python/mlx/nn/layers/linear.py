"""Linear maps: Identity, Linear, Bilinear."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Identity(Module):
    """Gives back its input; takes and ignores any settings.

    >>> nn.Identity()(mx.array([1.0, 2.0]))
    array([1, 2], dtype=float32)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, x: mx.array) -> mx.array:
        return x


class Linear(Module):
    """x @ weight.T + bias: x (..., input_dims), weight (output_dims, input_dims), bias (output_dims,).

    Weight and bias start uniform within 1 / sqrt(input_dims) of zero.

    >>> nn.Linear(4, 2)(mx.ones((8, 4))).shape
    (8, 2)
    """

    def __init__(self, input_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        limit = math.sqrt(1.0 / input_dims)
        self.weight = mx.random.uniform(-limit, limit, (output_dims, input_dims))
        if bias:
            self.bias = mx.random.uniform(-limit, limit, (output_dims,))

    def _extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        return f"input_dims={inputs}, output_dims={outputs}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T


class Bilinear(Module):
    """y[..., k] = x2 @ weight[k] @ x1 + bias[k]: x1 (..., input1_dims), x2 (..., input2_dims),
    weight (output_dims, input2_dims, input1_dims), bias (output_dims,).

    Weight and bias start uniform within 1 / sqrt(input1_dims) of zero.

    >>> nn.Bilinear(3, 4, 2)(mx.ones((8, 3)), mx.ones((8, 4))).shape
    (8, 2)
    """

    def __init__(self, input1_dims: int, input2_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        limit = math.sqrt(1.0 / input1_dims)
        self.weight = mx.random.uniform(-limit, limit, (output_dims, input2_dims, input1_dims))
        if bias:
            self.bias = mx.random.uniform(-limit, limit, (output_dims,))

    def _extra_repr(self) -> str:
        outputs, inputs2, inputs1 = self.weight.shape
        return f"input1_dims={inputs1}, input2_dims={inputs2}, output_dims={outputs}, bias={'bias' in self}"

    def __call__(self, x1: mx.array, x2: mx.array) -> mx.array:
        outputs, inputs2, inputs1 = self.weight.shape
        # (n, outputs * inputs2), then for each example (outputs, inputs2) @ (inputs2, 1)
        y = mx.reshape(x1, (-1, inputs1)) @ mx.reshape(self.weight, (outputs * inputs2, inputs1)).T
        y = mx.reshape(y, (-1, outputs, inputs2)) @ mx.reshape(x2, (-1, inputs2, 1))
        y = mx.reshape(y, (*x1.shape[:-1], outputs))
        return y + self.bias if "bias" in self else y

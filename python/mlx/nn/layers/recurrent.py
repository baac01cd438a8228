"""Recurrent layers: RNN, GRU, LSTM. Their input is (..., steps, input_size), and they give every step's hidden state. All
weights start uniform within 1 / sqrt(hidden_size) of zero. Input projections of all steps are one product, before the loop."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.activations import tanh
from mlx.nn.layers.base import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _uniform(hidden_size: int, *shape: int) -> mx.array:
    limit = 1.0 / math.sqrt(hidden_size)
    return mx.random.uniform(-limit, limit, shape)


def _project(x: mx.array, weight: mx.array, bias: mx.array | None) -> mx.array:
    return x @ weight.T if bias is None else mx.addmm(bias, x, weight.T)


class RNN(Module):
    """h_t = nonlinearity(Wxh x_t + Whh h_(t-1) + bias): Elman, Finding structure in time, 1990.

    Gives all h_t, (..., steps, hidden_size); `hidden` is h before the first step, (..., hidden_size), zero by default.

    >>> nn.RNN(4, 8)(mx.ones((2, 10, 4))).shape
    (2, 10, 8)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Callable[[mx.array], mx.array] | None = None,
    ) -> None:
        super().__init__()
        self.nonlinearity = tanh if nonlinearity is None else nonlinearity
        if not callable(self.nonlinearity):
            raise ValueError(f"[RNN] nonlinearity must be callable, which {nonlinearity!r} is not")
        self.hidden_size = hidden_size
        self.Wxh = _uniform(hidden_size, hidden_size, input_size)
        self.Whh = _uniform(hidden_size, hidden_size, hidden_size)
        if bias:
            self.bias = _uniform(hidden_size, hidden_size)

    def _extra_repr(self) -> str:
        return (
            f"input_dims={self.Wxh.shape[1]}, hidden_size={self.hidden_size}, "
            f"nonlinearity={self.nonlinearity}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array, hidden: mx.array | None = None) -> mx.array:
        x = _project(x, self.Wxh, self.get("bias"))
        states = []
        for t in range(x.shape[-2]):
            step = x[..., t, :]
            hidden = self.nonlinearity(step if hidden is None else mx.addmm(step, hidden, self.Whh.T))
            states.append(hidden)
        return mx.stack(states, axis=-2)


class GRU(Module):
    """A gated recurrent unit: Cho et al., Learning phrase representations, EMNLP 2014.

    r = sigmoid(Wxr x + Whr h + br),  z = sigmoid(Wxz x + Whz h + bz),  n = tanh(Wxn x + bn + r * (Whn h + bhn)),
    h = (1 - z) * n + z * h.  Wx, Wh and b hold the rows of r, z and n in this order.

    Gives all h, (..., steps, hidden_size); `hidden` is h before the first step, (..., hidden_size), zero by default.

    >>> nn.GRU(4, 8)(mx.ones((2, 10, 4))).shape
    (2, 10, 8)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 3 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 3 * hidden_size, hidden_size)
        if bias:
            self.b = _uniform(hidden_size, 3 * hidden_size)
            self.bhn = _uniform(hidden_size, hidden_size)

    def _extra_repr(self) -> str:
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={'b' in self}"

    def _step(self, x: mx.array, hidden: mx.array | None) -> mx.array:
        h = self.hidden_size
        if hidden is None:
            hidden = mx.zeros((*x.shape[:-1], h), dtype=x.dtype)
        from_hidden = hidden @ self.Wh.T
        r = mx.sigmoid(x[..., :h] + from_hidden[..., :h])
        z = mx.sigmoid(x[..., h : 2 * h] + from_hidden[..., h : 2 * h])
        candidate = from_hidden[..., 2 * h :]
        if "bhn" in self:
            candidate = candidate + self.bhn
        n = mx.tanh(x[..., 2 * h :] + r * candidate)
        return (1 - z) * n + z * hidden

    def __call__(self, x: mx.array, hidden: mx.array | None = None) -> mx.array:
        x = _project(x, self.Wx, self.get("b"))
        states = []
        for t in range(x.shape[-2]):
            hidden = self._step(x[..., t, :], hidden)
            states.append(hidden)
        return mx.stack(states, axis=-2)


class LSTM(Module):
    """Long short-term memory: Hochreiter and Schmidhuber, 1997.

    i, f, o = sigmoid(Wx x + Wh h + bias),  g = tanh(the same),  c = f * c + i * g,  h = o * tanh(c).
    Wx, Wh and bias hold the rows of i, f, g and o in this order.

    Gives all h and all c, each (..., steps, hidden_size); `hidden` and `cell` are those before the first step, zero by
    default.

    >>> [states.shape for states in nn.LSTM(4, 8)(mx.ones((2, 10, 4)))]
    [(2, 10, 8), (2, 10, 8)]
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.Wx = _uniform(hidden_size, 4 * hidden_size, input_size)
        self.Wh = _uniform(hidden_size, 4 * hidden_size, hidden_size)
        if bias:
            self.bias = _uniform(hidden_size, 4 * hidden_size)

    def _extra_repr(self) -> str:
        return f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size}, bias={'bias' in self}"

    def __call__(
        self, x: mx.array, hidden: mx.array | None = None, cell: mx.array | None = None
    ) -> tuple[mx.array, mx.array]:
        x = _project(x, self.Wx, self.get("bias"))
        hiddens, cells = [], []
        for t in range(x.shape[-2]):
            gates = x[..., t, :] if hidden is None else mx.addmm(x[..., t, :], hidden, self.Wh.T)
            i, f, g, o = mx.split(gates, 4, axis=-1)
            new = mx.sigmoid(i) * mx.tanh(g)
            cell = new if cell is None else mx.sigmoid(f) * cell + new
            hidden = mx.sigmoid(o) * mx.tanh(cell)
            hiddens.append(hidden)
            cells.append(cell)
        return mx.stack(hiddens, axis=-2), mx.stack(cells, axis=-2)

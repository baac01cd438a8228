"""Initialisers: each function here returns one, which gives a new array of the shape of the array it is called with."""

from __future__ import annotations

import math

import mlx.core as mx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "normal",
    "orthogonal",
    "sparse",
    "uniform",
]


def constant(value: float, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """Every element `value`.

    >>> nn.init.constant(0.5)(mx.zeros(3))
    array([0.5, 0.5, 0.5], dtype=float32)
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.full(a.shape, value, dtype=dtype)

    return initializer


def normal(mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """Independent samples of a normal distribution.

    >>> nn.init.normal(std=0.02)(mx.zeros((4, 8))).shape
    (4, 8)
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)

    return initializer


def uniform(low: float = 0.0, high: float = 1.0, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """Independent samples of the uniform distribution on [low, high).

    >>> nn.init.uniform(-1, 1)(mx.zeros((4, 8))).shape
    (4, 8)
    """

    def initializer(a: mx.array) -> mx.array:
        return mx.random.uniform(low, high, a.shape, dtype=dtype)

    return initializer


def identity(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """The identity matrix, for a square matrix.

    >>> nn.init.identity()(mx.zeros((2, 2)))
    array([[1, 0],
           [0, 1]], dtype=float32)
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError(f"[identity] the array must be a square matrix, but its shape is {a.shape}")
        return mx.eye(a.shape[0], dtype=dtype)

    return initializer


def _fans(a: mx.array) -> tuple[int, int]:
    """How many inputs an output is made of, and how many outputs an input enters, for a weight (out, ..., in) whose middle
    axes are a convolution's window."""
    if a.ndim < 2:
        raise ValueError(f"[init] Glorot and He initialisers need at least 2 axes, but the shape is {a.shape}")
    window = math.prod(a.shape[1:-1])
    return a.shape[-1] * window, a.shape[0] * window


def _fan(a: mx.array, mode: str) -> int:
    fans = dict(zip(("fan_in", "fan_out"), _fans(a)))
    if mode not in fans:
        raise ValueError(f"[init] mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return fans[mode]


def glorot_normal(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, float], mx.array]:
    """Normal samples of deviation gain * sqrt(2 / (fan_in + fan_out)).

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    >>> nn.init.glorot_normal()(mx.zeros((4, 8))).shape
    (4, 8)
    """

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        return mx.random.normal(shape=a.shape, scale=gain * math.sqrt(2.0 / sum(_fans(a))), dtype=dtype)

    return initializer


def glorot_uniform(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, float], mx.array]:
    """Uniform samples within gain * sqrt(6 / (fan_in + fan_out)) of zero.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    >>> mx.max(mx.abs(nn.init.glorot_uniform()(mx.zeros((4, 8))))) <= (6 / 12) ** 0.5
    array(True, dtype=bool)
    """

    def initializer(a: mx.array, gain: float = 1.0) -> mx.array:
        limit = gain * math.sqrt(6.0 / sum(_fans(a)))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def he_normal(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, str, float], mx.array]:
    """Normal samples of deviation gain / sqrt(fan), where `mode` tells which fan.

    He et al., Delving deep into rectifiers, ICCV 2015.

    >>> nn.init.he_normal()(mx.zeros((4, 8))).shape
    (4, 8)
    """

    def initializer(a: mx.array, mode: str = "fan_in", gain: float = 1.0) -> mx.array:
        return mx.random.normal(shape=a.shape, scale=gain / math.sqrt(_fan(a, mode)), dtype=dtype)

    return initializer


def he_uniform(dtype: mx.Dtype = mx.float32) -> Callable[[mx.array, str, float], mx.array]:
    """Uniform samples within gain * sqrt(3 / fan) of zero, where `mode` tells which fan.

    He et al., Delving deep into rectifiers, ICCV 2015.

    >>> nn.init.he_uniform()(mx.zeros((4, 8))).shape
    (4, 8)
    """

    def initializer(a: mx.array, mode: str = "fan_in", gain: float = 1.0) -> mx.array:
        limit = gain * math.sqrt(3.0 / _fan(a, mode))
        return mx.random.uniform(-limit, limit, a.shape, dtype=dtype)

    return initializer


def sparse(
    sparsity: float, mean: float = 0.0, std: float = 1.0, dtype: mx.Dtype = mx.float32
) -> Callable[[mx.array], mx.array]:
    """Normal samples, of which in every row ceil(sparsity * columns) at random places are zero, for a matrix.

    Martens, Deep learning via Hessian-free optimization, ICML 2010.

    >>> mx.sum(nn.init.sparse(0.5)(mx.zeros((4, 8))) == 0, axis=1)
    array([4, 4, 4, 4], dtype=int32)
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError(f"[sparse] the array must be a matrix, but its shape is {a.shape}")
        zeros = math.ceil(sparsity * a.shape[1])
        order = mx.argsort(mx.random.uniform(shape=a.shape), axis=1)
        samples = mx.random.normal(shape=a.shape, scale=std, loc=mean, dtype=dtype)
        return mx.put_along_axis(samples, order[:, :zeros], mx.array(0, dtype), axis=1)

    return initializer


def orthogonal(gain: float = 1.0, dtype: mx.Dtype = mx.float32) -> Callable[[mx.array], mx.array]:
    """A matrix whose rows or columns, whichever are fewer, are orthogonal and of norm `gain`: Q of a normal matrix's QR
    with signs that make the distribution uniform.

    Saxe et al., Exact solutions to the nonlinear dynamics of learning in deep linear neural networks, ICLR 2014.

    >>> w = nn.init.orthogonal()(mx.zeros((3, 3)))
    >>> mx.allclose(w @ w.T, mx.eye(3), atol=1e-5)
    array(True, dtype=bool)
    """

    def initializer(a: mx.array) -> mx.array:
        if a.ndim != 2:
            raise ValueError(f"[orthogonal] the array must be a matrix, but its shape is {a.shape}")
        rows, columns = a.shape
        n = max(rows, columns)
        q, r = mx.linalg.qr(mx.random.normal(shape=(n, n)))
        q = q * mx.sign(mx.diag(r))
        return (gain * q[:rows, :columns]).astype(dtype)

    return initializer

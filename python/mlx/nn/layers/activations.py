"""Activations: a function each, and a module for use in `Sequential`. Every function is elementwise and keeps shape and
dtype unless it says otherwise."""

from __future__ import annotations

import math

import mlx.core as mx
from mlx.nn.layers.base import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


# ---- Functions ----------------------------------------------------------------------------------------------------------
def sigmoid(x: mx.array) -> mx.array:
    """1 / (1 + exp(-x))

    >>> nn.sigmoid(mx.array([0.0, 2.0]))
    array([0.5, 0.880797], dtype=float32)
    """
    return mx.sigmoid(x)


def tanh(x: mx.array) -> mx.array:
    """The hyperbolic tangent.

    >>> nn.tanh(mx.array([0.0, 1.0]))
    array([0, 0.761594], dtype=float32)
    """
    return mx.tanh(x)


def relu(x: mx.array) -> mx.array:
    """max(x, 0)

    >>> nn.relu(mx.array([-1.0, 2.0]))
    array([0, 2], dtype=float32)
    """
    return mx.maximum(x, 0)


def relu2(x: mx.array) -> mx.array:
    """max(x, 0)^2: So et al., Primer, 2021.

    >>> nn.relu2(mx.array([-1.0, 2.0]))
    array([0, 4], dtype=float32)
    """
    return mx.square(mx.maximum(x, 0))


def relu6(x: mx.array) -> mx.array:
    """min(max(x, 0), 6)

    >>> nn.relu6(mx.array([-1.0, 2.0, 9.0]))
    array([0, 2, 6], dtype=float32)
    """
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x: mx.array, negative_slope: float = 0.01) -> mx.array:
    """max(negative_slope * x, x)

    >>> nn.leaky_relu(mx.array([-1.0, 2.0]))
    array([-0.01, 2], dtype=float32)
    """
    return mx.maximum(negative_slope * x, x)


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """max(x, 0) + alpha * min(x, 0), where `alpha` broadcasts: He et al., Delving deep into rectifiers, ICCV 2015.

    >>> nn.prelu(mx.array([-1.0, 2.0]), mx.array(0.25))
    array([-0.25, 2], dtype=float32)
    """
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def _exponential_part(x: mx.array, alpha: float) -> mx.array:
    """alpha * (exp(x) - 1) for x <= 0; beyond, where callers ignore it, it stays finite so that gradients do too."""
    return alpha * mx.expm1(mx.where(x > 0, 0, x))


def elu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """x where positive, alpha * (exp(x) - 1) elsewhere: Clevert et al., Exponential linear units, ICLR 2016.

    >>> nn.elu(mx.array([-1.0, 2.0]))
    array([-0.632121, 2], dtype=float32)
    """
    return mx.where(x > 0, x, _exponential_part(x, alpha))


def celu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1): Barron, Continuously differentiable ELU, 2017.

    >>> nn.celu(mx.array([-1.0, 2.0]), alpha=2.0)
    array([-0.786939, 2], dtype=float32)
    """
    return mx.maximum(x, 0.0) + alpha * mx.expm1(mx.minimum(x, 0.0) / alpha)


def selu(x: mx.array) -> mx.array:
    """1.0507 * elu(x, 1.67326): Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.

    >>> nn.selu(mx.array([-1.0, 2.0]))
    array([-1.11133, 2.1014], dtype=float32)
    """
    return 1.0507 * elu(x, 1.67326)


def softplus(x: mx.array) -> mx.array:
    """log(1 + exp(x)), without overflow

    >>> nn.softplus(mx.array([-1.0, 1000.0]))
    array([0.313262, 1000], dtype=float32)
    """
    return mx.logaddexp(x, 0)


def softsign(x: mx.array) -> mx.array:
    """x / (1 + |x|)

    >>> nn.softsign(mx.array([-1.0, 3.0]))
    array([-0.5, 0.75], dtype=float32)
    """
    return mx.divide(x, 1 + mx.abs(x))


def softshrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x moved towards zero by `lambd`, and zero within `lambd` of it

    >>> nn.softshrink(mx.array([-2.0, 0.25, 1.0]))
    array([-1.5, 0, 0.5], dtype=float32)
    """
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def hard_shrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x, and zero within `lambd` of it

    >>> nn.hard_shrink(mx.array([-2.0, 0.25, 1.0]))
    array([-2, 0, 1], dtype=float32)
    """
    return mx.where(mx.abs(x) > lambd, x, 0)


def hard_tanh(x: mx.array, min_val: float = -1.0, max_val: float = 1.0) -> mx.array:
    """x clipped to [min_val, max_val]

    >>> nn.hard_tanh(mx.array([-2.0, 0.25, 1.0]))
    array([-1, 0.25, 1], dtype=float32)
    """
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hardswish(x: mx.array) -> mx.array:
    """x * min(max(x + 3, 0), 6) / 6: Howard et al., Searching for MobileNetV3, ICCV 2019.

    >>> nn.hardswish(mx.array([-4.0, 1.0, 4.0]))
    array([-0, 0.666667, 4], dtype=float32)
    """
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def silu(x: mx.array) -> mx.array:
    """x * sigmoid(x): Elfwing et al., Sigmoid-weighted linear units, 2017.

    >>> nn.silu(mx.array([-1.0, 2.0]))
    array([-0.268941, 1.76159], dtype=float32)
    """
    return x * mx.sigmoid(x)


def mish(x: mx.array) -> mx.array:
    """x * tanh(softplus(x)): Misra, Mish, 2019.

    >>> nn.mish(mx.array([-1.0, 2.0]))
    array([-0.303401, 1.94396], dtype=float32)
    """
    return x * mx.tanh(softplus(x))


def gelu(x: mx.array) -> mx.array:
    """x * (1 + erf(x / sqrt(2))) / 2: Hendrycks and Gimpel, Gaussian error linear units, 2016.

    >>> nn.gelu(mx.array([-1.0, 2.0]))
    array([-0.158655, 1.9545], dtype=float32)
    """
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x: mx.array) -> mx.array:
    """`gelu` within 5e-4: x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2

    >>> nn.gelu_approx(mx.array([-1.0, 2.0]))
    array([-0.158808, 1.9546], dtype=float32)
    """
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: mx.array) -> mx.array:
    """`gelu` within 0.02: x * sigmoid(1.702 x)

    >>> nn.gelu_fast_approx(mx.array([-1.0, 2.0]))
    array([-0.154204, 1.93566], dtype=float32)
    """
    return x * mx.sigmoid(1.702 * x)


def log_sigmoid(x: mx.array) -> mx.array:
    """log(sigmoid(x)), without overflow

    >>> nn.log_sigmoid(mx.array([0.0, -1000.0]))
    array([-0.693147, -1000], dtype=float32)
    """
    return -softplus(-x)


def step(x: mx.array, threshold: float = 0.0) -> mx.array:
    """1 where x >= threshold, 0 elsewhere; int32

    >>> nn.step(mx.array([-1.0, 0.0, 2.0]))
    array([0, 1, 1], dtype=int32)
    """
    return mx.where(x >= threshold, 1, 0)


def softmax(x: mx.array, axis: int = -1) -> mx.array:
    """exp(x) / sum(exp(x)) along `axis`

    >>> nn.softmax(mx.array([[0.0, 0.0], [1.0, 3.0]]))
    array([[0.5, 0.5],
           [0.119203, 0.880797]], dtype=float32)
    """
    return mx.softmax(x, axis=axis)


def softmin(x: mx.array, axis: int = -1) -> mx.array:
    """softmax(-x) along `axis`

    >>> nn.softmin(mx.array([0.0, 0.0, 1000.0]))
    array([0.5, 0.5, 0], dtype=float32)
    """
    return mx.softmax(-x, axis=axis)


def log_softmax(x: mx.array, axis: int = -1) -> mx.array:
    """log(softmax(x)) along `axis`, without overflow

    >>> nn.log_softmax(mx.array([0.0, 1000.0]))
    array([-1000, 0], dtype=float32)
    """
    return x - mx.logsumexp(x, axis=axis, keepdims=True)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """a * sigmoid(b), where a and b are the halves of x along `axis`, which the result has half of.

    Dauphin et al., Language modeling with gated convolutional networks, ICML 2017.

    >>> nn.glu(mx.array([1.0, 2.0, 0.0, 1.0]))
    array([0.5, 1.46212], dtype=float32)
    """
    a, b = mx.split(x, 2, axis=axis)
    return a * mx.sigmoid(b)


# ---- Modules ------------------------------------------------------------------------------------------------------------
def _module(name: str, fn: Callable[[mx.array], mx.array]) -> type[Module]:
    """A module class without settings that computes `fn`."""

    def __call__(self, x: mx.array) -> mx.array:
        return fn(x)

    doc = f"The module of `mlx.nn.{fn.__name__}`: {fn.__doc__}"
    return type(name, (Module,), {"__call__": __call__, "__doc__": doc, "__module__": __name__})


Sigmoid = _module("Sigmoid", sigmoid)
Tanh = _module("Tanh", tanh)
ReLU = _module("ReLU", relu)
ReLU2 = _module("ReLU2", relu2)
ReLU6 = _module("ReLU6", relu6)
Softplus = _module("Softplus", softplus)
Softsign = _module("Softsign", softsign)
HardTanh = _module("HardTanh", hard_tanh)
Hardswish = _module("Hardswish", hardswish)
SiLU = _module("SiLU", silu)
Mish = _module("Mish", mish)
SELU = _module("SELU", selu)
LogSigmoid = _module("LogSigmoid", log_sigmoid)
Softmax = _module("Softmax", softmax)
Softmin = _module("Softmin", softmin)
LogSoftmax = _module("LogSoftmax", log_softmax)


class LeakyReLU(Module):
    """The module of `mlx.nn.leaky_relu`.

    >>> nn.LeakyReLU(0.1)(mx.array([-1.0, 2.0]))
    array([-0.1, 2], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x: mx.array) -> mx.array:
        return leaky_relu(x, self._negative_slope)


class ELU(Module):
    """The module of `mlx.nn.elu`.

    >>> nn.ELU()(mx.array([-1.0, 2.0]))
    array([-0.632121, 2], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return elu(x, self._alpha)


class CELU(Module):
    """The module of `mlx.nn.celu`.

    >>> nn.CELU(2.0)(mx.array([-1.0, 2.0]))
    array([-0.786939, 2], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return celu(x, self._alpha)


class Softshrink(Module):
    """The module of `mlx.nn.softshrink`.

    >>> nn.Softshrink()(mx.array([-2.0, 0.25, 1.0]))
    array([-1.5, 0, 0.5], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return softshrink(x, self.lambd)


class HardShrink(Module):
    """The module of `mlx.nn.hard_shrink`.

    >>> nn.HardShrink()(mx.array([-2.0, 0.25, 1.0]))
    array([-2, 0, 1], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return hard_shrink(x, self.lambd)


class Step(Module):
    """The module of `mlx.nn.step`.

    >>> nn.Step()(mx.array([-1.0, 0.0, 2.0]))
    array([0, 1, 1], dtype=int32)
    """

    def __init__(self, threshold: float = 0.0) -> None:
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array) -> mx.array:
        return step(x, self.threshold)


class GLU(Module):
    """The module of `mlx.nn.glu`.

    >>> nn.GLU()(mx.array([1.0, 2.0, 0.0, 1.0]))
    array([0.5, 1.46212], dtype=float32)
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def __call__(self, x: mx.array) -> mx.array:
        return glu(x, self.axis)


class PReLU(Module):
    """`mlx.nn.prelu` with a trained slope, one for everything or one for each of the last axis's `num_parameters`.

    >>> nn.PReLU()(mx.array([-1.0, 2.0]))
    array([-0.25, 2], dtype=float32)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.weight = mx.full((num_parameters,), init)

    def __call__(self, x: mx.array) -> mx.array:
        return prelu(x, self.weight)


class GELU(Module):
    """`mlx.nn.gelu`, or for `approx` 'precise' or 'tanh' `mlx.nn.gelu_approx`, for 'fast' `mlx.nn.gelu_fast_approx`.

    >>> nn.GELU('fast')(mx.array([-1.0, 2.0]))
    array([-0.154204, 1.93566], dtype=float32)
    """

    def __init__(self, approx: str = "none") -> None:
        super().__init__()
        if approx not in _GELUS:
            raise ValueError(f"[GELU] approx must be one of {', '.join(_GELUS)}, not {approx!r}")
        self._approx = approx

    def __call__(self, x: mx.array) -> mx.array:
        return _GELUS[self._approx](x)


_GELUS = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}

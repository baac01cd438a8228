"""Normalisations: (x - mean) / sqrt(variance + eps), each over axes of its own, then maybe scaled and shifted by trained
weights. The last axis holds the features. Half precision is normalised in float32."""

from __future__ import annotations

import mlx.core as mx
from mlx.nn.layers.base import Module


def _widen(x: mx.array) -> mx.array:
    """float16 and bfloat16 as float32, whose squares neither overflow nor lose the mean."""
    return x.astype(mx.float32) if x.dtype in (mx.float16, mx.bfloat16) else x


def _scale_and_shift(x: mx.array, dtype: mx.Dtype, weight: mx.array | None, bias: mx.array | None) -> mx.array:
    """x * weight + bias, in `dtype` promoted with those of weight and bias.

    Two different floating dtypes of at most 32 bits promote to float32, in which x is already."""
    if all(a is None or a.dtype == dtype for a in (weight, bias)):
        x = x.astype(dtype)
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def _normalized(x: mx.array, axis: int | tuple[int, ...], eps: float) -> mx.array:
    mean = mx.mean(x, axis=axis, keepdims=True)
    return (x - mean) * mx.rsqrt(mx.var(x, axis=axis, keepdims=True) + eps)


def _affine(module: Module, dims: int) -> None:
    module.weight = mx.ones((dims,))
    module.bias = mx.zeros((dims,))


class LayerNorm(Module):
    """Over the features: y = (x - E[x]) / sqrt(Var[x] + eps) * weight + bias, x (..., dims).

    `affine` asks for the weight, which starts as ones, and `bias` with it for the bias, which starts as zeros.

    Ba et al., Layer normalization, 2016.

    >>> nn.LayerNorm(4)(mx.array([[1.0, 2.0, 3.0, 4.0]]))
    array([[-1.34164, -0.447212, 0.447212, 1.34164]], dtype=float32)
    """

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = True, bias: bool = True) -> None:
        super().__init__()
        if affine:
            self.weight = mx.ones((dims,))
            if bias:
                self.bias = mx.zeros((dims,))
        self.eps = eps
        self.dims = dims

    def _extra_repr(self) -> str:
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        y = _normalized(_widen(x), -1, self.eps)
        return _scale_and_shift(y, x.dtype, self.get("weight"), self.get("bias"))


class RMSNorm(Module):
    """Over the features, without a mean: y = x / sqrt(E[x^2] + eps) * weight, x (..., dims).

    Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.

    >>> nn.RMSNorm(2)(mx.array([[3.0, 4.0]]))
    array([[0.848528, 1.13137]], dtype=float32)
    """

    def __init__(self, dims: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = mx.ones((dims,))
        self.eps = eps

    def _extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"

    def __call__(self, x: mx.array) -> mx.array:
        wide = _widen(x)
        y = wide * mx.rsqrt(mx.mean(mx.square(wide), axis=-1, keepdims=True) + self.eps)
        return _scale_and_shift(y, x.dtype, self.weight, None)


class InstanceNorm(Module):
    """Over space, for each example and feature: x (batch, ..., dims) with at least one axis between.

    Ulyanov et al., Instance normalization, 2016.

    >>> nn.InstanceNorm(3)(mx.random.normal((8, 16, 16, 3))).shape
    (8, 16, 16, 3)
    """

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = False) -> None:
        super().__init__()
        if affine:
            _affine(self, dims)
        self.dims = dims
        self.eps = eps

    def _extra_repr(self) -> str:
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 3:
            raise ValueError(f"[InstanceNorm] the input must have at least 3 axes (batch, ..., dims), not {x.ndim}")
        y = _normalized(_widen(x), tuple(range(1, x.ndim - 1)), self.eps)
        return _scale_and_shift(y, x.dtype, self.get("weight"), self.get("bias"))


class GroupNorm(Module):
    """Over space and groups of features, for each example: x (batch, ..., dims), dims a multiple of `num_groups`.

    Group g holds the features g, g + num_groups, g + 2 * num_groups, ...; with `pytorch_compatible` the consecutive ones
    from g * dims / num_groups.

    Wu and He, Group normalization, ECCV 2018.

    >>> nn.GroupNorm(2, 6)(mx.random.normal((8, 16, 16, 6))).shape
    (8, 16, 16, 6)
    """

    def __init__(
        self, num_groups: int, dims: int, eps: float = 1e-5, affine: bool = True, pytorch_compatible: bool = False
    ) -> None:
        super().__init__()
        if dims % num_groups:
            raise ValueError(f"[GroupNorm] {dims} features cannot be split into {num_groups} equal groups")
        if affine:
            self.bias = mx.zeros((dims,))
            self.weight = mx.ones((dims,))
        self.num_groups = num_groups
        self.dims = dims
        self.eps = eps
        self.pytorch_compatible = pytorch_compatible

    def _extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.dims}, eps={self.eps}, affine={'weight' in self}, "
            f"pytorch_compatible={self.pytorch_compatible}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 2:
            raise ValueError(f"[GroupNorm] the input must have at least 2 axes (batch, ..., dims), not {x.ndim}")
        size = x.shape[-1] // self.num_groups
        groups: tuple[int, ...]
        axis: int | tuple[int, ...]
        if self.pytorch_compatible:
            groups, axis = (x.shape[0], -1, self.num_groups, size), (1, 3)
        else:
            groups, axis = (x.shape[0], -1, self.num_groups), 1
        y = mx.reshape(_normalized(mx.reshape(_widen(x), groups), axis, self.eps), x.shape)
        return _scale_and_shift(y, x.dtype, self.get("weight"), self.get("bias"))


class BatchNorm(Module):
    """Over all axes but the features: x (batch, num_features) with up to two axes between.

    In training mode mean and variance are the batch's, and move the running ones, which evaluation uses, by `momentum`:
    running = (1 - momentum) * running + momentum * batch, where the batch's variance counts one element less, so that it
    is unbiased. Running values are never trained.

    Ioffe and Szegedy, Batch normalization, ICML 2015.

    >>> nn.BatchNorm(4)(mx.random.normal((32, 4))).shape
    (32, 4)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            _affine(self, num_features)
        if track_running_stats:
            self.running_mean = mx.zeros((num_features,))
            self.running_var = mx.ones((num_features,))
            self._freeze_running()

    def _freeze_running(self) -> None:
        self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def _unfreeze_own(self, keys: str | list[str] | None, strict: bool) -> None:
        super()._unfreeze_own(keys, strict)
        self._freeze_running()

    def _extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={'weight' in self}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _statistics(self, x: mx.array) -> tuple[mx.array, mx.array]:
        """Mean and variance (num_features,) to normalise with; in training, moves the running ones."""
        if self.track_running_stats and not self.training:
            return self.running_mean, self.running_var
        axis = tuple(range(x.ndim - 1))
        mean, var = mx.mean(x, axis=axis), mx.var(x, axis=axis)
        if self.track_running_stats and self.training:
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean
            count = x.size // x.shape[-1]
            unbiased = var * (count / (count - 1)) if count > 1 else var
            self.running_var = (1 - m) * self.running_var + m * unbiased
        return mean, var

    def __call__(self, x: mx.array) -> mx.array:
        if not 2 <= x.ndim <= 4:
            raise ValueError(f"[BatchNorm] the input must have 2, 3 or 4 axes, not {x.ndim}")
        wide = _widen(x)
        mean, var = self._statistics(wide)
        y = (wide - mean) * mx.rsqrt(var + self.eps)
        return _scale_and_shift(y, x.dtype, self.get("weight"), self.get("bias"))

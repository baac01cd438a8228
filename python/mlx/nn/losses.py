"""Losses. Each gives a loss per example or element, which `reduction` leaves alone ('none'), averages ('mean') or sums
('sum')."""

from __future__ import annotations

import math

import mlx.core as mx

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "cosine_similarity_loss",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div_loss",
    "l1_loss",
    "log_cosh_loss",
    "margin_ranking_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
    "triplet_loss",
]

Reduction = str
"""'none', 'mean' or 'sum'."""


def _reduce(loss: mx.array, reduction: Reduction) -> mx.array:
    if reduction == "none":
        return loss
    if reduction == "mean":
        return mx.mean(loss)
    if reduction == "sum":
        return mx.sum(loss)
    raise ValueError(f"[losses] reduction must be 'none', 'mean' or 'sum', not {reduction!r}")


def _same_shape(name: str, **arrays: mx.array) -> None:
    """ValueError unless all arrays have the shape of the first."""
    (first, a), *others = arrays.items()
    for other, b in others:
        if a.shape != b.shape:
            raise ValueError(f"[{name}] {first} has the shape {a.shape}, but {other} has {b.shape}")


def _weighted(name: str, loss: mx.array, weights: mx.array | None) -> mx.array:
    if weights is None:
        return loss
    _same_shape(name, loss=loss, weights=weights)
    return loss * weights


def cross_entropy(
    logits: mx.array,
    targets: mx.array,
    weights: mx.array | None = None,
    axis: int = -1,
    label_smoothing: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """logsumexp(logits) - the target's logit, along `axis`.

    `targets` are class indices, of the shape of `logits` without `axis`, or probabilities, of the shape of `logits`.
    `label_smoothing` s in [0, 1) mixes the targets with the uniform distribution: (1 - s) * target + s / classes.
    `weights` multiply the loss of each example.

    >>> nn.losses.cross_entropy(mx.array([[0.0, 0.0], [9.0, 0.0]]), mx.array([1, 0]))
    array([0.693147, 0.000123374], dtype=float32)
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"[cross_entropy] label_smoothing must be in [0, 1), not {label_smoothing}")
    expected = list(logits.shape)
    are_probabilities = targets.ndim == logits.ndim
    if not are_probabilities:
        expected.pop(axis)
    if list(targets.shape) != expected:
        raise ValueError(f"[cross_entropy] targets have the shape {targets.shape}, and logits {logits.shape}")
    # Logits below zero, of which one is zero: a large common part of them would cost both terms their last digits.
    logits = logits - mx.stop_gradient(mx.max(logits, axis=axis, keepdims=True))
    if are_probabilities:
        score = mx.sum(logits * targets, axis=axis)
    else:
        score = mx.squeeze(mx.take_along_axis(logits, mx.expand_dims(targets, axis), axis), axis)
    total = mx.logsumexp(logits, axis=axis)
    if label_smoothing > 0:
        score = (1 - label_smoothing) * score + label_smoothing * mx.mean(logits, axis=axis)
    return _reduce(_weighted("cross_entropy", total - score, weights), reduction)


def binary_cross_entropy(
    inputs: mx.array,
    targets: mx.array,
    weights: mx.array | None = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
) -> mx.array:
    """-(t log p + (1 - t) log(1 - p)), where p is sigmoid(inputs), or `inputs` itself unless `with_logits`.

    Logarithms of probabilities are kept above -100. `weights` multiply the loss of each element.

    >>> nn.losses.binary_cross_entropy(mx.array([0.0, 4.0]), mx.array([1.0, 1.0]), reduction='none')
    array([0.693147, 0.0181499], dtype=float32)
    """
    _same_shape("binary_cross_entropy", inputs=inputs, targets=targets)
    if with_logits:
        loss = mx.logaddexp(0.0, inputs) - inputs * targets
    else:
        of_one = mx.maximum(mx.log(inputs), -100)
        of_zero = mx.maximum(mx.log(1 - inputs), -100)
        loss = -(targets * of_one + (1 - targets) * of_zero)
    return _reduce(_weighted("binary_cross_entropy", loss, weights), reduction)


def l1_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """|predictions - targets|

    >>> nn.losses.l1_loss(mx.array([1.0, 5.0]), mx.array([2.0, 2.0]))
    array(2, dtype=float32)
    """
    _same_shape("l1_loss", predictions=predictions, targets=targets)
    return _reduce(mx.abs(predictions - targets), reduction)


def mse_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """(predictions - targets)^2

    >>> nn.losses.mse_loss(mx.array([1.0, 5.0]), mx.array([2.0, 2.0]))
    array(5, dtype=float32)
    """
    _same_shape("mse_loss", predictions=predictions, targets=targets)
    return _reduce(mx.square(predictions - targets), reduction)


def nll_loss(inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none") -> mx.array:
    """-inputs at the target, where `inputs` are logarithms of probabilities along `axis` and `targets` class indices.

    >>> nn.losses.nll_loss(mx.log(mx.array([[0.25, 0.75]])), mx.array([0]))
    array([1.38629], dtype=float32)
    """
    picked = mx.take_along_axis(inputs, mx.expand_dims(targets, axis), axis)
    return _reduce(-mx.squeeze(picked, axis), reduction)


def gaussian_nll_loss(
    inputs: mx.array,
    targets: mx.array,
    vars: mx.array,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> mx.array:
    """(log v + (targets - inputs)^2 / v) / 2 with v = max(vars, eps): a normal distribution's negative log likelihood,
    with its constant log(2 pi) / 2 where `full`.

    Nix and Weigend, Estimating the mean and variance of the target probability distribution, ICNN 1994.

    >>> nn.losses.gaussian_nll_loss(mx.array([1.0]), mx.array([3.0]), mx.array([1.0]))
    array(2, dtype=float32)
    """
    _same_shape("gaussian_nll_loss", inputs=inputs, targets=targets, vars=vars)
    vars = mx.maximum(vars, eps)
    loss = 0.5 * (mx.log(vars) + mx.square(targets - inputs) / vars)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduce(loss, reduction)


def kl_div_loss(inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none") -> mx.array:
    """sum(exp(targets) * (targets - inputs)) over `axis`, where both are logarithms of probabilities: the divergence of
    `inputs` from `targets` of Kullback and Leibler, On information and sufficiency, 1951.

    >>> nn.losses.kl_div_loss(mx.log(mx.array([[0.5, 0.5]])), mx.log(mx.array([[0.25, 0.75]])))
    array([0.130812], dtype=float32)
    """
    return _reduce(mx.sum(mx.exp(targets) * (targets - inputs), axis=axis), reduction)


def smooth_l1_loss(
    predictions: mx.array, targets: mx.array, beta: float = 1.0, reduction: Reduction = "mean"
) -> mx.array:
    """d^2 / (2 beta) where d = |predictions - targets| < beta, and d - beta / 2 elsewhere.

    Girshick, Fast R-CNN, ICCV 2015.

    >>> nn.losses.smooth_l1_loss(mx.array([1.0, 5.0]), mx.array([1.5, 2.0]), reduction='none')
    array([0.125, 2.5], dtype=float32)
    """
    _same_shape("smooth_l1_loss", predictions=predictions, targets=targets)
    d = mx.abs(predictions - targets)
    return _reduce(mx.where(d < beta, (0.5 / beta) * mx.square(d) if beta else d, d - 0.5 * beta), reduction)


def huber_loss(inputs: mx.array, targets: mx.array, delta: float = 1.0, reduction: Reduction = "none") -> mx.array:
    """d^2 / 2 where d = |inputs - targets| <= delta, and delta * (d - delta / 2) elsewhere.

    Huber, Robust estimation of a location parameter, 1964.

    >>> nn.losses.huber_loss(mx.array([1.0, 5.0]), mx.array([1.5, 2.0]))
    array([0.125, 2.5], dtype=float32)
    """
    d = mx.abs(inputs - targets)
    return _reduce(mx.where(d <= delta, 0.5 * mx.square(d), delta * (d - 0.5 * delta)), reduction)


def log_cosh_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """log(cosh(inputs - targets)), without overflow.

    >>> nn.losses.log_cosh_loss(mx.array([1.0, 5.0]), mx.array([1.0, 2.0]))
    array([0, 2.30933], dtype=float32)
    """
    d = inputs - targets
    return _reduce(mx.logaddexp(d, -d) - math.log(2), reduction)


def hinge_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """max(1 - inputs * targets, 0), where `targets` are -1 or 1.

    >>> nn.losses.hinge_loss(mx.array([0.25, 3.0]), mx.array([1.0, -1.0]))
    array([0.75, 4], dtype=float32)
    """
    return _reduce(mx.maximum(1 - inputs * targets, 0), reduction)


def triplet_loss(
    anchors: mx.array,
    positives: mx.array,
    negatives: mx.array,
    axis: int = -1,
    p: int = 2,
    margin: float = 1.0,
    eps: float = 1e-6,
    reduction: Reduction = "none",
) -> mx.array:
    """max(distance(anchors, positives) - distance(anchors, negatives) + margin, 0), where the distance is
    (sum(|a - b|^p) + eps)^(1/p) over `axis`.

    Schroff et al., FaceNet, CVPR 2015.

    >>> nn.losses.triplet_loss(mx.array([[0.0, 0.0]]), mx.array([[3.0, 4.0]]), mx.array([[0.0, 2.0]]))
    array([4], dtype=float32)
    """

    def distance(other: mx.array) -> mx.array:
        return mx.power(mx.sum(mx.power(mx.abs(anchors - other), p), axis=axis) + eps, 1 / p)

    return _reduce(mx.maximum(distance(positives) - distance(negatives) + margin, 0), reduction)


def cosine_similarity_loss(
    x1: mx.array, x2: mx.array, axis: int = 1, eps: float = 1e-8, reduction: Reduction = "none"
) -> mx.array:
    """sum(x1 * x2) / max(|x1| |x2|, eps) over `axis`: the similarity, which is 1 for parallel vectors.

    >>> nn.losses.cosine_similarity_loss(mx.array([[1.0, 0.0]]), mx.array([[3.0, 4.0]]))
    array([0.6], dtype=float32)
    """
    norms = mx.linalg.norm(x1, axis=axis) * mx.linalg.norm(x2, axis=axis)
    return _reduce(mx.sum(x1 * x2, axis=axis) / mx.maximum(norms, eps), reduction)


def margin_ranking_loss(
    inputs1: mx.array, inputs2: mx.array, targets: mx.array, margin: float = 0.0, reduction: Reduction = "none"
) -> mx.array:
    """max(margin - targets * (inputs1 - inputs2), 0), where a target of 1 (or -1) wants `inputs1` (or `inputs2`) larger.

    >>> nn.losses.margin_ranking_loss(mx.array([1.0, 2.0]), mx.array([2.0, 1.0]), mx.array([1.0, 1.0]))
    array([1, 0], dtype=float32)
    """
    _same_shape("margin_ranking_loss", inputs1=inputs1, inputs2=inputs2, targets=targets)
    return _reduce(mx.maximum(margin - targets * (inputs1 - inputs2), 0), reduction)

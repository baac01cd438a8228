"""Gradients with respect to a module's parameters."""

from __future__ import annotations

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_reduce, tree_unflatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mlx.nn.layers.base import Module

__all__ = ["checkpoint", "tree_flatten", "tree_map", "tree_reduce", "tree_unflatten", "value_and_grad"]


def value_and_grad(model: Module, fn: Callable) -> Callable:
    """A function of `fn`'s arguments that gives ``fn``'s value and its gradient by the model's trainable parameters.

    `fn` uses `model` and returns a scalar, or a tuple that starts with one and goes on with whatever else it has to tell.
    The gradient is a tree like ``model.trainable_parameters()``, which optimizers take.

    >>> model = nn.Linear(2, 3)
    >>> def loss_fn(x, y):
    ...     return nn.losses.cross_entropy(model(x), y, reduction="mean")
    >>> loss, gradients = nn.value_and_grad(model, loss_fn)(mx.ones((4, 2)), mx.array([0, 1, 2, 0]))
    >>> loss.shape, gradients["weight"].shape
    ((), (3, 2))
    """

    def of_parameters(parameters: dict, *args, **kwargs):
        model.update(parameters)
        return fn(*args, **kwargs)

    transformed = mx.value_and_grad(of_parameters)

    def value_and_grad_fn(*args, **kwargs):
        return transformed(model.trainable_parameters(), *args, **kwargs)

    return _named_after(fn, value_and_grad_fn)


def checkpoint(module: Module, fn: Callable | None = None) -> Callable:
    """A function of `fn`'s arguments that gives what `fn` gives, and computes it again for gradients instead of keeping it.

    `fn` uses `module`, and is `module` itself where it is left out. Gradients flow to the module's trainable parameters and to
    the arguments. This is :func:`mlx.core.checkpoint` with the parameters among the arguments.

    >>> layer = nn.utils.checkpoint(nn.Linear(256, 256))
    """
    fn = module if fn is None else fn

    def of_parameters(parameters: dict, *args, **kwargs):
        module.update(parameters)
        return fn(*args, **kwargs)

    transformed = mx.checkpoint(of_parameters)

    def checkpointed_fn(*args, **kwargs):
        return transformed(module.trainable_parameters(), *args, **kwargs)

    return _named_after(fn, checkpointed_fn)


def _named_after(fn: Callable, wrapper: Callable) -> Callable:
    """`wrapper` with `fn`'s name and text, as functools.wraps gives them, without importing that."""
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        if hasattr(fn, name):
            setattr(wrapper, name, getattr(fn, name))
    wrapper.__wrapped__ = fn  # type: ignore[attr-defined]
    return wrapper

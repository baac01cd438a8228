"""What optimizers share: the state that mirrors the parameters, schedules, several optimizers as one, gradient clipping.
A new optimizer defines `Optimizer.init_single` and `Optimizer.apply_single`."""

from __future__ import annotations

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mlx.nn import Module


class Optimizer:
    """The base of optimizers. `schedulers` maps names of the state to functions of the step that set them.

    `state` is a dict: ``"step"``, the settings that may be scheduled, and a tree like the parameters with a dict in the
    place of each. It can be evaluated, saved, and assigned to continue from.

    >>> optimizer = optim.Adam(learning_rate=0.1)
    >>> optimizer.init({'w': mx.zeros(2)})
    >>> sorted(optimizer.state)
    ['learning_rate', 'step', 'w']
    """

    def __init__(self, schedulers: dict[str, Callable[[mx.array], mx.array]] | None = None) -> None:
        self._initialized = False
        self._state: dict[str, Any] = {"step": mx.array(0, mx.uint64)}
        self._schedulers = dict(schedulers or {})

    def update(self, model: Module, gradients: dict) -> None:
        """Moves the model's parameters one step; nothing is computed before `mlx.core.eval`.

        >>> model, optimizer = nn.Linear(1, 1, bias=False), optim.SGD(learning_rate=0.5)
        >>> model.weight = mx.array([[3.0]])
        >>> optimizer.update(model, {"weight": mx.array([[2.0]])})
        >>> mx.eval(model.parameters(), optimizer.state)
        >>> model.weight
        array([[2]], dtype=float32)
        """
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters: dict) -> None:
        """Makes the state for every parameter that has none yet; the first step does so by itself."""
        self._init_below(parameters, self._state)
        self._initialized = True

    def _init_below(self, parameters: Any, state: Any) -> Any:
        """The state for `parameters`; `state` is what there is of it, and is filled where it is a dict or a list."""
        if isinstance(parameters, dict):
            for key, below in parameters.items():
                state[key] = self._init_below(below, state.get(key, {}))
        elif isinstance(parameters, (list, tuple)):
            old = state if isinstance(state, (list, tuple)) else []
            state = [self._init_below(p, old[i] if i < len(old) else {}) for i, p in enumerate(parameters)]
        elif isinstance(parameters, mx.array) and not state:
            self.init_single(parameters, state)
        return state

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Puts into `state` what the optimizer remembers of one parameter."""
        raise NotImplementedError(f"{type(self).__name__} does not define init_single")

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """The parameters after one step, in a tree like `gradients`, whose structure `parameters` has, or more."""
        if not self._initialized:
            self.init(gradients)
        for name, scheduler in self._schedulers.items():
            self.state[name] = scheduler(self.step)
        self.state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self.state)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """One parameter after one step; changes its `state`."""
        raise NotImplementedError(f"{type(self).__name__} does not define apply_single")

    @property
    def state(self) -> dict:
        """All that changes from step to step. What is assigned is completed for further parameters at the next step."""
        return self._state

    @state.setter
    def state(self, state: dict) -> None:
        self._initialized = False
        self._state = state

    @property
    def step(self) -> mx.array:
        """How many steps were made, a uint64 scalar."""
        return self.state["step"]

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate of the next step, or where scheduled of the last, a scalar."""
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        self.state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name: str, setting: float | Callable[[mx.array], mx.array]) -> None:
        """Makes `setting`, a number or a function of the step, an entry of the state."""
        if callable(setting):
            self._schedulers[name] = setting
        self.state[name] = mx.array(setting(self.step) if callable(setting) else setting)


class MultiOptimizer(Optimizer):
    """Several optimizers as one: a parameter goes to the first whose ``filter(path, gradient)`` is true.

    The last optimizer has no filter and takes the rest.

    >>> optimizer = optim.MultiOptimizer([optim.SGD(1.0), optim.SGD(0.1)], [lambda path, g: g.ndim >= 1])
    >>> optimizer.apply_gradients({"w": mx.ones(1), "b": mx.array(1.0)}, {"w": mx.ones(1), "b": mx.array(1.0)})
    {'w': array([0], dtype=float32), 'b': array(0.9, dtype=float32)}
    """

    def __init__(self, optimizers: list[Optimizer], filters: list | tuple = ()) -> None:
        super().__init__()
        if len(filters) != len(optimizers) - 1:
            raise ValueError(
                f"[MultiOptimizer] {len(optimizers)} optimizers need {len(optimizers) - 1} filters, not {len(filters)}"
            )
        self._state = {}
        self.optimizers = list(optimizers)
        self.filters = [*filters, lambda *_: True]

    def _split_dictionary(self, tree: dict) -> list[dict]:
        """The part of `tree` for each optimizer."""
        if len(self.optimizers) == 1:
            return [tree]
        parts: list[list[tuple[str, Any]]] = [[] for _ in self.optimizers]
        for path, leaf in tree_flatten(tree):
            first = next(i for i, takes in enumerate(self.filters) if takes(path, leaf))
            parts[first].append((path, leaf))
        return [tree_unflatten(part) if part else {} for part in parts]

    def init(self, parameters: dict) -> None:
        for optimizer, part in zip(self.optimizers, self._split_dictionary(parameters)):
            optimizer.init(part)

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        result: dict = {}
        for optimizer, part in zip(self.optimizers, self._split_dictionary(gradients)):
            result = tree_merge(result, optimizer.apply_gradients(part, parameters))
        return result

    @property
    def state(self) -> dict:
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict) -> None:
        states = state.get("states", [])
        if len(states) != len(self.optimizers):
            raise ValueError(f"[MultiOptimizer] {len(self.optimizers)} optimizers cannot take {len(states)} states")
        for optimizer, one in zip(self.optimizers, states):
            optimizer.state = one

    @property
    def learning_rate(self) -> mx.array:
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate


def clip_grad_norm(grads: Any, max_norm: float) -> tuple[Any, mx.array]:
    """The gradients scaled by min(max_norm / (norm + 1e-6), 1), and norm, that of all of them as one vector.

    Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013.

    >>> optim.clip_grad_norm({'w': mx.array([3.0, 4.0])}, max_norm=1.0)
    ({'w': array([0.6, 0.8], dtype=float32)}, array(5, dtype=float32))
    """
    norm = mx.sqrt(mx.array(tree_reduce(lambda total, g: total + mx.sum(mx.square(g)), grads, 0.0)))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale, grads), norm

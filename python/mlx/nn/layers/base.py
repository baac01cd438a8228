"""Module: a dict of parameters and submodules with methods over the tree that they form. Start at `Module.filter_and_map`,
which every view of that tree (parameters, children, ...) is an instance of."""

from __future__ import annotations

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _is_floating(dtype: mx.Dtype) -> bool:
    return mx.issubdtype(dtype, mx.floating)


class Module(dict):
    """The base of layers and models.

    Arrays, lists, tuples, dicts and modules that are assigned to an attribute become part of the module's tree: they are
    items of the dict, found by `parameters`, saved, frozen and updated. Everything else is a plain attribute, and so is
    an array whose name starts with an underscore as far as `parameters` is concerned.

    A subclass calls ``super().__init__()`` first and defines ``__call__``:

    >>> class Perceptron(nn.Module):
    ...     def __init__(self, inputs, hidden, outputs):
    ...         super().__init__()
    ...         self.layers = [nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)]
    ...
    ...     def __call__(self, x):
    ...         return self.layers[1](nn.relu(self.layers[0](x)))
    >>> Perceptron(4, 8, 2)(mx.ones((5, 4))).shape
    (5, 2)
    """

    __call__: Callable

    def __init__(self) -> None:
        self._no_grad: set[str] = set()
        self._training = True

    # ---- Attributes are items -------------------------------------------------------------------------------------
    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}") from None

    def __setattr__(self, key: str, val: Any) -> None:
        if isinstance(val, (mx.array, dict, list, tuple)):
            self.__dict__.pop(key, None)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def __delattr__(self, name: str) -> None:
        if name in self:
            del self[name]
        else:
            super().__delattr__(name)

    def _extra_repr(self) -> str:
        """What `repr` prints between the parentheses, before the children."""
        return ""

    def __repr__(self) -> str:
        lines = f"{type(self).__name__}({self._extra_repr()}"
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        for name, child in children:
            lines += "\n" + f"({name}): {child!r}".replace("\n", "\n  ").join(("  ", ""))
        return lines + ("\n)" if children else ")")

    @property
    def training(self) -> bool:
        """Whether the module is in training mode: see `train`."""
        return self._training

    @property
    def state(self) -> dict:
        """The module's own dict: changing it changes the module."""
        return self

    # ---- Filters, to be given to filter_and_map -------------------------------------------------------------------
    @staticmethod
    def is_module(value: Any) -> bool:
        """Whether `value` is a module."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module: Module, key: str, value: Any) -> bool:
        """Whether `value` may hold modules."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """Whether `value` is or may hold parameters: not under a name with a leading underscore."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module: Module, key: str, value: Any) -> bool:
        """Whether `value` is or may hold parameters that are not frozen."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    # ---- Views of the tree ----------------------------------------------------------------------------------------
    def filter_and_map(
        self,
        filter_fn: Callable[[Module, str, Any], bool],
        map_fn: Callable | None = None,
        is_leaf_fn: Callable[[Module, str, Any], bool] | None = None,
    ) -> dict:
        """The part of the tree where ``filter_fn(module, key, value)`` holds, its leaves replaced by ``map_fn(leaf)``.

        A leaf is what ``is_leaf_fn(module, key, value)`` says is one, by default whatever is no container. Inside a list
        or dict of the module the key is a path, as in ``"layers.0"``, and what the filter drops leaves an empty dict.

        >>> model = nn.Linear(2, 3)
        >>> model.filter_and_map(model.valid_parameter_filter, lambda p: p.shape)
        {'weight': (3, 2), 'bias': (3,)}
        """
        map_fn = map_fn or _same
        is_leaf_fn = is_leaf_fn or _is_no_container
        return {k: _select(self, k, v, filter_fn, map_fn, is_leaf_fn) for k, v in self.items() if filter_fn(self, k, v)}

    def parameters(self) -> dict:
        """All parameters, as a tree of arrays.

        >>> model = nn.Linear(2, 3)
        >>> {name: p.shape for name, p in model.parameters().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> dict:
        """The parameters that are not frozen, as a tree of arrays.

        >>> model = nn.Linear(2, 3).freeze(keys='bias')
        >>> list(model.trainable_parameters())
        ['weight']
        """
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> dict:
        """The direct submodules, as a tree whose leaves are modules.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> [type(module).__name__ for module in model.children()['layers']]
        ['Linear', 'ReLU', 'Linear']
        """
        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=lambda m, k, v: isinstance(v, Module))

    def leaf_modules(self) -> dict:
        """The submodules that have no submodules, as a tree whose leaves are modules.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> [type(module).__name__ for module in model.leaf_modules()['layers']]
        ['Linear', 'ReLU', 'Linear']
        """

        def is_leaf(module: Module, key: str, value: Any) -> bool:
            return isinstance(value, Module) and not tree_flatten(value.children(), is_leaf=self.is_module)

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf)

    def named_modules(self) -> list[tuple[str, Module]]:
        """This module, under the empty name, and all below it with their paths.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> sorted(name for name, _ in model.named_modules())
        ['', 'layers.0', 'layers.1', 'layers.2']
        """
        found: list[tuple[str, Module]] = []
        self.apply_to_modules(lambda name, module: found.append((name, module)))
        return found

    def modules(self) -> list[Module]:
        """This module and all below it.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> len(model.modules())
        4
        """
        return [module for _, module in self.named_modules()]

    # ---- Changing the tree ----------------------------------------------------------------------------------------
    def update(self, parameters: dict, strict: bool = True) -> Module:  # type: ignore[override]
        """Replaces the parameters that `parameters` (a tree like that of `parameters`, maybe a part of it) names.

        Raises ValueError where it names what the module lacks or gives something else than an array for an array,
        unless `strict` is false, when the former are skipped.

        >>> model = nn.Linear(2, 2).update({'bias': mx.array([1.0, 2.0])})
        >>> model.bias
        array([1, 2], dtype=float32)
        """
        _update_arrays(self, parameters, strict)
        return self

    def update_modules(self, modules: dict, strict: bool = True) -> Module:
        """Replaces the submodules that `modules` (a tree like that of `children` or `leaf_modules`) names.

        Raises ValueError where it names what the module lacks or gives something else than a module, unless `strict`
        is false, when those are skipped.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> model = model.update_modules({'layers': [nn.Linear(5, 3)]})
        >>> model.layers[0].weight.shape
        (3, 5)
        """
        _update_modules(self, modules, strict)
        return self

    def apply(
        self, map_fn: Callable[[mx.array], mx.array], filter_fn: Callable[[Module, str, Any], bool] | None = None
    ) -> Module:
        """Replaces every parameter, or those that `filter_fn` lets through, by ``map_fn(parameter)``.

        >>> model = nn.Linear(4, 2).apply(lambda p: p.astype(mx.float16))
        >>> model.weight.dtype
        mlx.core.float16
        """
        return self.update(self.filter_and_map(filter_fn or self.valid_parameter_filter, map_fn))

    def apply_to_modules(self, apply_fn: Callable[[str, Module], Any]) -> Module:
        """Calls ``apply_fn(path, module)`` for this module, whose path is empty, and for all below it.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> model = model.apply_to_modules(lambda name, module: module.freeze(recurse=False))
        >>> tree_flatten(model.trainable_parameters())
        []
        """
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            name, module = stack.pop()
            apply_fn(name, module)
            stack.extend(
                tree_flatten(module.children(), prefix=f".{name}" if name else "", is_leaf=self.is_module)
            )
        return self

    def set_dtype(self, dtype: mx.Dtype, predicate: Callable[[mx.Dtype], bool] | None = _is_floating) -> None:
        """Converts the parameters for whose dtype `predicate` holds, by default the floating ones; ``None`` means all.

        >>> model = nn.Linear(2, 3)
        >>> model.set_dtype(mx.bfloat16)
        >>> model.weight.dtype
        mlx.core.bfloat16
        """
        self.apply(lambda p: p.astype(dtype) if predicate is None or predicate(p.dtype) else p)

    # ---- Files ----------------------------------------------------------------------------------------------------
    def load_weights(self, file_or_weights: str | list[tuple[str, mx.array]], strict: bool = True) -> Module:
        """Takes parameters from an ``.npz`` file or from pairs of a path and an array.

        With `strict` raises ValueError unless names and shapes are exactly those of the module's parameters.

        >>> model = nn.Linear(2, 2).load_weights([('bias', mx.array([1.0, 2.0]))], strict=False)
        >>> model.bias
        array([1, 2], dtype=float32)
        """
        weights = file_or_weights
        if not isinstance(weights, (list, tuple)):
            weights = list(mx.load(str(weights)).items())
        if strict:
            self._check_weights(dict(weights))
        if weights:
            self.update(tree_unflatten(weights), strict=False)
        return self

    def _check_weights(self, new: dict[str, mx.array]) -> None:
        current = tree_flatten(self.parameters(), destination={})
        if extra := sorted(new.keys() - current.keys()):
            raise ValueError(f"[load_weights] the module has no parameter {', '.join(extra)}")
        if missing := sorted(current.keys() - new.keys()):
            raise ValueError(f"[load_weights] the weights lack {', '.join(missing)}")
        for name, value in current.items():
            if not isinstance(new[name], mx.array):
                raise ValueError(f"[load_weights] {name} must be an array, not {type(new[name]).__name__}")
            if new[name].shape != value.shape:
                raise ValueError(f"[load_weights] {name} has the shape {value.shape}, but came with {new[name].shape}")

    def save_weights(self, file: str) -> None:
        """Writes all parameters to an ``.npz`` file, each under its path.

        >>> nn.Linear(2, 3).save_weights('layer.npz')
        >>> sorted(mx.load('layer.npz'))
        ['bias', 'weight']
        """
        file = str(file)
        if not file.endswith(".npz"):
            raise ValueError(f"[save_weights] the file's name must end in .npz, which {file!r} does not")
        mx.savez(file, **tree_flatten(self.parameters(), destination={}))

    # ---- Freezing and modes ---------------------------------------------------------------------------------------
    def _validate_keys(self, keys: str | list[str], strict: bool) -> list[str]:
        keys = keys if isinstance(keys, list) else [keys]
        if strict:
            for key in keys:
                if key not in self:
                    raise KeyError(f"{type(self).__name__} has no member {key}")
        return keys

    def freeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> Module:
        """Keeps parameters from being trained: all, or those called `keys`; here and, with `recurse`, in all submodules.

        With `strict` a module that lacks one of `keys` raises KeyError.

        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        >>> _ = model.layers[0].freeze()
        >>> [name for name, _ in tree_flatten(model.trainable_parameters())]
        ['layers.1.weight', 'layers.1.bias']
        """

        def freeze_one(_: str, module: Module) -> None:
            names = keys
            if names is None:
                own = module.filter_and_map(
                    lambda m, k, v: not isinstance(v, Module) and m.valid_parameter_filter(m, k, v)
                )
                names = [path for path, _ in tree_flatten(own)]
            module._no_grad.update(module._validate_keys(names, strict))

        return self._visit(freeze_one, recurse)

    def unfreeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> Module:
        """Lets parameters be trained again: all, or those called `keys`; the inverse of `freeze`.

        >>> model = nn.Linear(2, 3).freeze().unfreeze(keys='bias')
        >>> list(model.trainable_parameters())
        ['bias']
        """

        return self._visit(lambda _, module: module._unfreeze_own(keys, strict), recurse)

    def _unfreeze_own(self, keys: str | list[str] | None, strict: bool) -> None:
        """`unfreeze` for this module alone."""
        if keys is None:
            self._no_grad.clear()
        else:
            self._no_grad.difference_update(self._validate_keys(keys, strict))

    def _visit(self, apply_fn: Callable[[str, Module], Any], recurse: bool) -> Module:
        if recurse:
            self.apply_to_modules(apply_fn)
        else:
            apply_fn("", self)
        return self

    def _set_training_mode(self, mode: bool) -> None:
        self._training = mode

    def train(self, mode: bool = True) -> Module:
        """Puts this module and all below it in training mode, or out of it: dropout and batch statistics depend on it.

        >>> nn.Dropout(0.5).train(False).training
        False
        """
        self.apply_to_modules(lambda _, module: module._set_training_mode(mode))
        return self

    def eval(self) -> Module:
        """Puts this module and all below it in evaluation mode: ``train(False)``.

        >>> nn.Dropout(0.5).eval()(mx.ones(3))
        array([1, 1, 1], dtype=float32)
        """
        return self.train(False)


# ---- What the methods above recurse with ------------------------------------------------------------------------------
def _same(value: Any) -> Any:
    return value


def _is_no_container(module: Module, key: str, value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _select(module: Module, key: str, value: Any, filter_fn: Callable, map_fn: Callable, is_leaf_fn: Callable) -> Any:
    if is_leaf_fn(module, key, value):
        return map_fn(value)
    if isinstance(value, Module):
        return value.filter_and_map(filter_fn, map_fn, is_leaf_fn)
    if isinstance(value, (dict, list)):

        def below(name: str | int, child: Any) -> Any:
            path = f"{key}.{name}"
            return _select(module, path, child, filter_fn, map_fn, is_leaf_fn) if filter_fn(module, path, child) else {}

        if isinstance(value, dict):
            return {k: below(k, child) for k, child in value.items()}
        return [below(i, child) for i, child in enumerate(value)]
    raise RuntimeError(f"[filter_and_map] {key} is neither a container nor a leaf")


def _entries(target: Any, tree: Any, strict: bool, what: str):
    """(key, current, new) for every entry of `tree` that `target`, a container too, has as well."""
    if isinstance(tree, dict):
        for key, new in tree.items():
            if key in target:
                yield key, target[key], new
            elif strict:
                raise ValueError(f"the module has no {what} {key!r}")
    elif isinstance(tree, list) and isinstance(target, list):
        if len(tree) > len(target) and strict:
            raise ValueError(f"the module has {len(target)} entries where {len(tree)} {what}s came")
        yield from ((i, target[i], new) for i, new in enumerate(tree[: len(target)]))
    elif strict:
        raise ValueError(f"expected a dict or a list of {what}s, not {type(tree).__name__}")


def _update_arrays(target: Any, tree: Any, strict: bool) -> None:
    for key, current, new in _entries(target, tree, strict, "parameter"):
        if isinstance(current, mx.array):
            if strict and not isinstance(new, mx.array):
                raise ValueError(f"parameter {key!r} must be an array, not {type(new).__name__}")
            target[key] = new
        elif isinstance(current, (dict, list)):
            _update_arrays(current, new, strict)
        elif strict and not (isinstance(new, (dict, list)) and not new):
            raise ValueError(f"{key!r} of the module is no parameter, but {type(new).__name__} came for it")


def _update_modules(target: Any, tree: Any, strict: bool) -> None:
    for key, current, new in _entries(target, tree, strict, "sub-module"):
        if isinstance(current, Module) and isinstance(new, Module):
            target[key] = new
        elif isinstance(current, (dict, list)) and isinstance(new, (dict, list)):
            _update_modules(current, new, strict)
        elif strict and not isinstance(current, mx.array) and not (isinstance(new, (dict, list)) and not new):
            raise ValueError(f"sub-module {key!r} must be a module, not {type(new).__name__}")

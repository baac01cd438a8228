"""Trees: nested lists, tuples and dicts, of which everything else is a leaf.

Parameters, gradients and optimizer states are trees, so these functions are how a program reaches all arrays of a model at
once. Paths into a tree are keys and indices joined by dots, as in ``"layers.0.weight"``. Start at `tree_map`."""

from __future__ import annotations

from mlx.core import _tree_flatten, _tree_unflatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

__all__ = ["tree_flatten", "tree_map", "tree_map_with_path", "tree_merge", "tree_reduce", "tree_unflatten"]


def _like(tree: list | tuple, children: list) -> list | tuple:
    """`children` in a container of the type of `tree`; a named tuple keeps its names."""
    if type(tree) is list:
        return children
    return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)


def tree_map(fn: Callable, tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """A tree of the structure of `tree` whose leaves are ``fn(leaf, *leaves of the others at the same place)``.

    The trees in `rest` are read wherever `tree` has a node, so they need that structure and may have more below a leaf.
    `is_leaf` may call a container a leaf.

    >>> tree_map(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    if is_leaf is not None and is_leaf(tree):
        return fn(tree, *rest)
    if isinstance(tree, dict):
        return {k: tree_map(fn, child, *[r[k] for r in rest], is_leaf=is_leaf) for k, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        children = [tree_map(fn, child, *[r[i] for r in rest], is_leaf=is_leaf) for i, child in enumerate(tree)]
        return _like(tree, children)
    return fn(tree, *rest)


def tree_map_with_path(
    fn: Callable, tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None, path: str | None = None
) -> Any:
    """`tree_map` whose `fn` is given the leaf's path first; `path` is put before every one of them.

    >>> tree_map_with_path(lambda path, leaf: (path, leaf), {"x": [1, 2]})
    {'x': [('x.0', 1), ('x.1', 2)]}
    """
    if is_leaf is not None and is_leaf(tree):
        return fn(path, tree, *rest)
    prefix = f"{path}." if path else ""
    if isinstance(tree, dict):
        return {
            k: tree_map_with_path(fn, child, *[r[k] for r in rest], is_leaf=is_leaf, path=f"{prefix}{k}")
            for k, child in tree.items()
        }
    if isinstance(tree, (list, tuple)):
        children = [
            tree_map_with_path(fn, child, *[r[i] for r in rest], is_leaf=is_leaf, path=f"{prefix}{i}")
            for i, child in enumerate(tree)
        ]
        return _like(tree, children)
    return fn(path, tree, *rest)


def _flatten_into(tree: Any, path: str, is_leaf: Callable[[Any], bool] | None, visit: Callable[[str, Any], Any]) -> None:
    """Calls ``visit(path, leaf)`` for every leaf, where `path` starts with a dot unless `tree` itself is the leaf."""
    if is_leaf is None or not is_leaf(tree):
        if isinstance(tree, dict):
            for k, child in tree.items():
                _flatten_into(child, f"{path}.{k}", is_leaf, visit)
            return
        if isinstance(tree, (list, tuple)):
            for i, child in enumerate(tree):
                _flatten_into(child, f"{path}.{i}", is_leaf, visit)
            return
    visit(path[1:], tree)


def tree_flatten(
    tree: Any,
    prefix: str = "",
    is_leaf: Callable[[Any], bool] | None = None,
    destination: list[tuple[str, Any]] | dict[str, Any] | None = None,
) -> Any:
    """The leaves with their paths: a list of pairs, or `destination` (a list or a dict) with them added.

    `prefix` is put before every path; its own first character, a dot by convention, is dropped. Empty containers leave
    nothing. `tree_unflatten` is the inverse.

    >>> tree_flatten({"x": [1, {"y": 2}]})
    [('x.0', 1), ('x.1.y', 2)]
    >>> tree_flatten({"x": [1, {"y": 2}]}, destination={})
    {'x.0': 1, 'x.1.y': 2}
    """
    pairs = _tree_flatten(tree, prefix) if is_leaf is None else None
    if pairs is None:
        pairs = []
        _flatten_into(tree, prefix, is_leaf, lambda path, leaf: pairs.append((path, leaf)))
    if destination is None:
        return pairs
    if isinstance(destination, list):
        destination.extend(pairs)
    elif isinstance(destination, dict):
        for path, leaf in pairs:
            destination[path] = leaf
    else:
        raise ValueError(f"[tree_flatten] destination must be a list, a dict or None, not {type(destination).__name__}")
    return destination


def tree_unflatten(tree: list[tuple[str, Any]] | dict[str, Any]) -> Any:
    """The tree whose leaves and paths are given, in the form `tree_flatten` gives them.

    A level becomes a list where its first key is an integer, and a dict otherwise; an index that no path mentions becomes
    an empty dict.

    >>> tree_unflatten([("x.0", 1), ("x.1.y", 2)])
    {'x': [1, {'y': 2}]}
    """
    built = _tree_unflatten(tree)
    return _unflatten(tree.items() if isinstance(tree, dict) else tree) if built is None else built


def _unflatten(items: Collection[tuple[str, Any]]) -> Any:
    """`tree_unflatten` for paths in any order."""
    below: dict[str, list[tuple[str, Any]]] = {}
    for path, leaf in items:
        if path == "" and len(items) == 1:
            return leaf
        head, _, tail = path.partition(".")
        below.setdefault(head, []).append((tail, leaf))
    if not below:
        return []
    if next(iter(below)).isdecimal():
        children = {int(k): _unflatten(v) for k, v in below.items()}
        return [children.get(i, {}) for i in range(max(children) + 1)]
    return {k: _unflatten(v) for k, v in below.items()}


def tree_reduce(fn: Callable, tree: Any, initializer: Any = None, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Folds the leaves, in `tree_flatten`'s order: ``fn(fn(initializer, leaf0), leaf1) ...``.

    Without `initializer` the first leaf starts; a tree without leaves gives `initializer`.

    >>> tree_reduce(lambda total, leaf: total + leaf, {"x": [1, 2], "y": 3}, 0)
    6
    """
    total = initializer

    def fold(_: str, leaf: Any) -> None:
        nonlocal total
        total = leaf if total is None else fn(total, leaf)

    _flatten_into(tree, "", is_leaf, fold)
    return total


def _is_empty(tree: Any) -> bool:
    return tree is None or (isinstance(tree, (dict, list, tuple)) and len(tree) == 0)


def tree_merge(tree_a: Any, tree_b: Any, merge_fn: Callable[[Any, Any], Any] | None = None) -> Any:
    """Both trees in one: where only one has something, that; containers of a kind, merged; two leaves, ``merge_fn(a, b)``.

    Empty containers and ``None`` count as nothing. Raises ValueError for two leaves without `merge_fn`, and for
    containers of different kinds.

    >>> tree_merge({"x": 1}, {"y": [2]})
    {'x': 1, 'y': [2]}
    """
    if _is_empty(tree_a) != _is_empty(tree_b):
        return tree_b if _is_empty(tree_a) else tree_a
    if isinstance(tree_a, dict) and isinstance(tree_b, dict):
        keys = [*tree_a, *(k for k in tree_b if k not in tree_a)]
        return {k: tree_merge(tree_a.get(k), tree_b.get(k), merge_fn) for k in keys}
    if isinstance(tree_a, (list, tuple)) and type(tree_a) is type(tree_b):
        n, m = len(tree_a), len(tree_b)
        pairs = [(tree_a[i] if i < n else None, tree_b[i] if i < m else None) for i in range(max(n, m))]
        return _like(tree_a, [tree_merge(a, b, merge_fn) for a, b in pairs])
    if merge_fn is None:
        what = f"{type(tree_a).__name__} and {type(tree_b).__name__}"
        raise ValueError(f"[tree_merge] both trees have something at one place ({what}) and there is no merge_fn")
    return merge_fn(tree_a, tree_b)

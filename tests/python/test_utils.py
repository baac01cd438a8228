"""mlx.utils: trees are flattened, rebuilt, mapped, folded and merged."""

from __future__ import annotations

import collections
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx.utils
from mlx.core import _tree_flatten, _tree_unflatten
from mlx.utils import tree_flatten, tree_map, tree_map_with_path, tree_merge, tree_reduce, tree_unflatten

Pair = collections.namedtuple("Pair", "a b")
names = st.text(st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=3)
trees = st.recursive(
    st.integers(), lambda t: st.lists(t, min_size=1, max_size=3) | st.dictionaries(names, t, min_size=1, max_size=3)
)


@given(trees)
def test_unflatten_inverts_flatten(tree):
    assert tree_unflatten(tree_flatten(tree)) == tree
    assert tree_unflatten(tree_flatten(tree, destination={})) == tree


@given(trees)
def test_map_visits_leaves_in_the_order_of_flatten(tree):
    seen = []
    doubled = tree_map(lambda x: seen.append(x) or 2 * x, tree)
    flat = tree_flatten(tree)
    assert seen == [leaf for _, leaf in flat]
    assert tree_flatten(doubled) == [(path, 2 * leaf) for path, leaf in flat]
    with_path = tree_map_with_path(lambda path, leaf: (path or "", leaf), tree)
    assert [leaf for _, leaf in tree_flatten(with_path, is_leaf=lambda t: isinstance(t, tuple))] == flat


@given(trees)
def test_reduce_sums_the_leaves(tree):
    total = sum(leaf for _, leaf in tree_flatten(tree))
    assert tree_reduce(lambda a, b: a + b, tree, 0) == tree_reduce(lambda a, b: a + b, tree) == total


@given(trees)
def test_merge_with_itself_pairs_the_leaves(tree):
    assert tree_merge(tree, tree, lambda a, b: a + b) == tree_map(lambda x: 2 * x, tree)


def test_flatten_names_every_leaf():
    tree = {"a": [1, (2, 3)], "b": {}, "c": None, 4: 5}
    assert tree_flatten(tree) == [("a.0", 1), ("a.1.0", 2), ("a.1.1", 3), ("c", None), ("4", 5)]
    assert tree_flatten(3) == [("", 3)]
    assert tree_flatten([1], prefix=".x") == [("x.0", 1)]
    assert tree_flatten([[1, 2]], is_leaf=lambda t: t == [1, 2]) == [("0", [1, 2])]
    assert tree_flatten([1], destination=[("a", 1)]) == [("a", 1), ("0", 1)]
    with pytest.raises(ValueError, match="destination"):
        tree_flatten([1], destination=3)


def test_unflatten_fills_gaps_with_empty_dicts():
    assert tree_unflatten([("2.b", 2), ("0", 1)]) == [1, {}, {"b": 2}]
    assert tree_unflatten([("", 1)]) == 1
    assert tree_unflatten([]) == []


paths = st.lists(st.sampled_from(["0", "1", "2", "10", "01", "a", "b", "1a", "\u0663", "\xe9"]), min_size=1, max_size=3).map(".".join)


def outcome(function, *args):
    """What the call gives: its result, or the type of its exception."""
    try:
        return function(*args)
    except Exception as error:
        return type(error)


@given(st.dictionaries(paths, st.integers(), max_size=6))
def test_the_short_way_to_unflatten_agrees_with_the_long_one(leaves):
    expected = outcome(mlx.utils._unflatten, list(leaves.items()))
    assert outcome(tree_unflatten, leaves) == outcome(tree_unflatten, list(leaves.items())) == expected


@given(trees)
def test_the_short_way_to_flatten_agrees_with_the_long_one(tree):
    expected = []
    mlx.utils._flatten_into(tree, ".p", None, lambda path, leaf: expected.append((path, leaf)))
    assert tree_flatten(tree, ".p") == expected


def test_the_short_way_is_for_plain_trees():
    assert _tree_flatten({"a": [1, (2,)]}, ".x") == [("x.a.0", 1), ("x.a.1.0", 2)]
    assert _tree_unflatten([("a.0", 1), ("a.1.0", 2), ("b", 3)]) == {"a": [1, [2]], "b": 3}
    for tree in [{"\xe9": 1}, {1: 2}, Pair(1, 2), collections.OrderedDict(a=1)]:
        assert _tree_flatten(tree, "") is None
        assert len(tree_flatten(tree)) == len(tree)
    for pairs in [[("b.x", 1), ("a", 2), ("b.y", 3)], [("1", 1), ("0", 2)], [["a", 1]], [("a", 1), ("a.b", 2)], [("", 1)], []]:
        assert _tree_unflatten(pairs) is None
    assert tree_unflatten([("b.x", 1), ("a", 2), ("b.y", 3)]) == {"b": {"x": 1, "y": 3}, "a": 2}
    deep = ".".join(["a"] * 40)
    assert tree_flatten(tree_unflatten([(deep, 1)])) == [(deep, 1)]


def test_flatten_of_a_tree_without_an_end():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        tree_flatten(endless)


COLLECTED = """
import gc
from mlx.utils import tree_flatten

class Emptier:
    def __init__(self, tree):
        self.tree, self.me = tree, self

    def __del__(self):
        self.tree.clear()

for tree in {str(i): tuple([float(i)] * 30) for i in range(100)}, [tuple([float(i)] * 30) for i in range(100)]:
    gc.collect()
    gc.set_threshold(1000)
    Emptier(tree)
    pairs = tree_flatten(tree)
    gc.set_threshold(0)
    print(all(type(path) is str and type(leaf) is float for path, leaf in pairs))
"""


def test_flatten_while_the_collector_empties_the_tree():
    run = subprocess.run([sys.executable, "-X", "dev", "-c", COLLECTED], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_map_follows_the_first_tree():
    assert tree_map(lambda a, b: a + b, {"x": [1]}, {"x": [1, 2], "y": 3}) == {"x": [2]}
    assert tree_map(len, {"a": [1, 2]}, is_leaf=lambda t: isinstance(t, list)) == {"a": 2}
    assert tree_map(lambda x: x + 1, [(1, Pair(2, 3))]) == [(2, Pair(3, 4))]
    assert tree_map_with_path(lambda p, x, y: (p, x, y), [1], [2], path="q") == [("q.0", 1, 2)]
    with pytest.raises(KeyError):
        tree_map(lambda a, b: a, {"x": 1}, {"y": 1})
    with pytest.raises(IndexError):
        tree_map(lambda a, b: a, [1, 2], [1])


def test_merge_takes_what_is_there():
    assert tree_merge({"a": 1}, {"b": [1]}) == {"a": 1, "b": [1]}
    assert tree_merge([1, 2], [{}, {}, 3]) == [1, 2, 3]
    assert tree_merge({"p": Pair(1, None)}, {"p": Pair(None, 2)}) == {"p": Pair(1, 2)}
    with pytest.raises(ValueError, match="merge_fn"):
        tree_merge({"a": 1}, {"a": 2})
    with pytest.raises(ValueError, match="dict and list"):
        tree_merge({}, [])


def test_reduce_of_nothing_is_the_start():
    assert tree_reduce(lambda a, b: a + b, [], 5) == 5
    assert tree_reduce(lambda a, b: a + b, {}) is None


def test_import_brings_in_nothing_heavy():
    heavy = "{'typing', 'inspect', 'dataclasses', 'functools', 'numpy', 're', 'json'}"
    code = f"import sys; old = set(sys.modules); import mlx.nn, mlx.optimizers; print({heavy} & set(sys.modules) - old)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"

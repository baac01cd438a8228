"""What programs of the surface fuzz are made of besides numbers: objects that answer every question of Python's with an effect.
`namespace()` is what a program's lines see."""

from __future__ import annotations

import copy
import functools
import gc
import operator
import pickle
import types
import weakref

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils as utils
import numpy as np


class HostileError(Exception):
    """Raised by a Trap; must come out of the call as it went in."""


def evaluate(value):
    """Evaluates what a line gave, unless it is a lazy array too large to be worth the time but small enough to fit."""
    leaves = []
    utils.tree_map(lambda leaf: leaves.append(leaf) if isinstance(leaf, mx.array) else None, value)
    for leaf in leaves:
        if not 1 << 22 < leaf.nbytes < 1 << 33:
            mx.eval(leaf)


class Trap:
    """Answers `__index__`, `__len__`, `__getitem__`, ... with `answer`, after an effect on what the program holds."""

    def __init__(self, space, effect, answer=0):
        self._space, self._effect, self._answer = space, effect, answer

    def _spring(self, *args, **kwargs):
        getattr(self, "_" + self._effect)()
        return self._answer

    def _nothing(self):
        pass

    def _raise(self):
        raise HostileError("trap")

    def _collect(self):
        gc.collect()

    def _clear(self):
        """Empties the shared containers, and lets go of the arrays in them."""
        self._space["L"].clear()
        self._space["D"].clear()
        for name in [n for n in self._space if n[0] == "r" and n[1:].isdigit()]:
            self._space[name] = None

    def _grow(self):
        self._space["L"].extend([mx.ones((3,))] * 50)
        for i in range(50):
            self._space["D"][f"new{i}"] = mx.ones((3,))

    def _inplace(self):
        """Replaces the nodes of all arrays, and fills the places of those that are gone."""
        for a in [v for v in self._space.values() if type(v) is mx.array and v.size < 1000]:
            try:
                a += 1
                mx.eval(a)
            except (ValueError, MemoryError):  # a dtype that adds nothing, a graph that cannot be evaluated
                pass
        self._space["kept"] = [mx.zeros((2,)) for _ in range(20)]

    def _again(self):
        mx.sum(mx.ones((2, 3)), axis=-1).tolist()

    def __hash__(self):
        return 1

    def __bool__(self):
        return bool(self._spring())

    def __float__(self):
        return float(self._spring())

    def __iter__(self):
        self._spring()
        return iter(self._space["L"])

    def __repr__(self):
        return "Trap()"

    __index__ = __int__ = __len__ = __getitem__ = __call__ = __eq__ = __add__ = __radd__ = __mul__ = __rmul__ = __lt__ = _spring
    __array__ = __complex__ = __fspath__ = __length_hint__ = __contains__ = __enter__ = __dlpack__ = __dlpack_device__ = _spring


class SubInt(int):
    pass


class SubFloat(float):
    pass


class SubList(list):
    def __len__(self):
        return 5

    def __getitem__(self, i):
        return 1.0


class SubDict(dict):
    def items(self):
        return [("a", mx.ones((2,)))]


class Params(nn.Module):
    """A module whose parameters are what a program says."""

    def __init__(self, *values):
        super().__init__()
        for i, value in enumerate(values):
            setattr(self, f"p{i}", value)

    def __call__(self, x):
        return sum((p * x for p in self.parameters().values()), x)


@functools.cache
def abyss():
    """Made once: nobody changes what lies in it."""
    return deep(100_000)


def deep(depth, leaf=1.0, make=list):
    """A nest of lists, tuples or dicts, one in the other."""
    for _ in range(depth):
        leaf = {"a": leaf} if make is dict else make([leaf])
    return leaf


def cycle():
    nest = [mx.ones((2,))]
    nest.append(nest)
    return nest


def dict_cycle():
    nest = {"a": mx.ones((2,))}
    nest["b"] = nest
    return nest


def deleted():
    """A weak reference whose object is gone."""
    return weakref.proxy(Params())


def released():
    view = memoryview(b"12345678")
    view.release()
    return view


def namespace():
    space = {
        "mx": mx, "nn": nn, "optim": optim, "utils": utils, "np": np, "copy": copy, "pickle": pickle, "operator": operator,
        "types": types, "nan": float("nan"), "inf": float("inf"), "evaluate": evaluate, "deep": deep, "abyss": abyss, "cycle": cycle, "dict_cycle": dict_cycle,
        "deleted": deleted, "released": released, "SubInt": SubInt, "SubFloat": SubFloat, "SubList": SubList, "SubDict": SubDict,
        "Params": Params,
    }  # fmt: skip
    space["Trap"] = lambda effect, answer=0: Trap(space, effect, answer)
    space["a"] = mx.array([[1.0, -2.0, 0.5], [0.25, 4.0, -1.0]])
    space["v"] = mx.array([1.0, 2.0, 3.0])
    space["i"] = mx.array([0, 1, 1], dtype=mx.int32)
    space["b"] = mx.array([True, False])
    space["s"] = mx.array(2.0)
    space["z"] = mx.array([1 + 2j, -1j, 0.5])
    space["e"] = mx.zeros((0, 3))
    space["h"] = mx.array([[1.0, 2.0], [3.0, 5.0]], dtype=mx.float16)
    space["L"] = [mx.ones((3,)), mx.ones((3,)), 1.0, Trap(space, "nothing", 1)]
    space["D"] = {"a": mx.ones((3,)), "b": [mx.zeros((2,)), (mx.array(1), None)]}
    space.update({f"r{n}": space["v"] for n in range(10)})  # until a line gives another value
    space["m"] = nn.Linear(3, 2)
    space["o"] = optim.Adam(0.1)
    return space

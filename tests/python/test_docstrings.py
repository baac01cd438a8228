"""`help` explains every public function and class: what it does, a signature that `inspect` understands, and an example, which
is run here and must show what it says."""

from __future__ import annotations

import doctest
import inspect
import sys

import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils

MODULES = (mx, mx.linalg, mx.random, nn, nn.init, nn.losses, optim, mlx.utils)
# Made by functions and arrays, whose examples show them.
WITHOUT_EXAMPLE = {"Device", "DeviceType", "Dtype", "DtypeCategory", "ArrayAt", "ArrayIterator"}


def public():
    """Full names and objects of what the modules offer; what one only imports is skipped."""
    seen = {}
    for module in MODULES:
        for name in getattr(module, "__all__", dir(module)):
            thing = getattr(module, name)
            if not name.startswith("_") and callable(thing) and (getattr(thing, "__module__", None) or "").startswith("mlx"):
                if not isinstance(thing, (mx.Dtype, mx.DtypeCategory, mx.DeviceType)):
                    seen.setdefault(id(thing), (f"{module.__name__}.{name}", thing))
    return sorted(seen.values(), key=lambda pair: pair[0])


THINGS = public()


def everything():
    """And the public methods of classes, each where it is defined."""
    for name, thing in THINGS:
        yield name, thing
        for attribute, value in vars(thing).items() if isinstance(thing, type) else ():
            if not attribute.startswith("_") and getattr(value, "__doc__", None) and callable(value):
                yield f"{name}.{attribute}", value


def names_of(thing):
    """What the examples of a thing may use: the names of its module, and those under which the packages are known."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "mlx.core", mx)
    return {**vars(module), "mx": mx, "nn": nn, "optim": optim, "tree_flatten": mlx.utils.tree_flatten}


def test_things_are_found():
    assert len(THINGS) > 300


@pytest.mark.parametrize("name, thing", THINGS, ids=[name for name, _ in THINGS])
def test_it_has_a_signature_and_says_what_it_does(name, thing):
    text = inspect.getdoc(thing)
    assert text and len(text) > 10, name
    if not (isinstance(thing, type) and issubclass(thing, Exception)):
        inspect.signature(thing)
        assert ">>>" in text or name.removeprefix("mlx.core.") in WITHOUT_EXAMPLE, f"{name} has no example"


def test_examples_show_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder, problems = doctest.DocTestParser(), []
    runner = doctest.DocTestRunner(verbose=False)
    for name, thing in everything():
        examples = finder.get_doctest(inspect.getdoc(thing) or "", names_of(thing), name, None, 0)
        if runner.run(examples, out=problems.append, clear_globs=True).attempted:
            mx.random.seed(0)
    assert not problems, "\n".join(problems)
    assert runner.tries > 300

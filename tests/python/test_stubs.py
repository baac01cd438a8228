"""The stubs of mlx.core say what the extension has: the same names, and for every function and method the same parameters,
kinds and defaults as `inspect.signature` finds. (mypy's stubtest compares more; it is not needed to run the tests.)"""

from __future__ import annotations

import ast
import inspect
import pathlib

import pytest

import mlx.core as mx

FOLDER = pathlib.Path(__file__).parents[2] / "python" / "mlx" / "core"


def definitions(body):
    """Names and nodes of what a stub defines; `import` brings nothing but the modules beside it and what `*` does."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.setdefault(node.name, node)
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found.update({target.id: node for target in node.targets})
        elif isinstance(node, ast.ImportFrom) and node.module is None:
            found.update({name.name: node for name in node.names})
    return found


def stub(file):
    return definitions(ast.parse((FOLDER / f"{file}.pyi").read_text()).body)


OPERATIONS = stub("_operations")
CORE = {**OPERATIONS, **stub("__init__")}
STUBS = {"mlx.core": (mx, CORE), "mlx.core.linalg": (mx.linalg, stub("linalg")), "mlx.core.random": (mx.random, stub("random"))}
STUBS.update({f"mlx.core.{name}": (getattr(mx, name), stub(name)) for name in ("cuda", "metal")})
CLASSES = {name: node for name, node in CORE.items() if isinstance(node, ast.ClassDef) and not name.startswith("_")}


def members(name):
    """What the stub of a class defines, with the operations that are methods of array."""
    inherited = OPERATIONS["_ArrayMethods"].body if name == "array" else []
    return {**definitions(inherited), **definitions(CLASSES[name].body)}


def functions():
    for module, (where, names) in STUBS.items():
        yield from ((f"{module}.{name}", getattr(where, name, None), node) for name, node in names.items() if isinstance(node, ast.FunctionDef))
    for owner in CLASSES:
        for name, node in members(owner).items():
            if isinstance(node, ast.FunctionDef) and not node.decorator_list and not name.startswith("__"):
                yield f"mlx.core.{owner}.{name}", getattr(getattr(mx, owner), name, None), node


def parameters(node):
    """(name, kind, whether there is a default) of a stub's parameters."""
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    optional = len(positional) - len(a.defaults)
    for i, p in enumerate(positional):
        yield p.arg, "POSITIONAL_ONLY" if i < len(a.posonlyargs) else "POSITIONAL_OR_KEYWORD", i >= optional
    if a.vararg:
        yield a.vararg.arg, "VAR_POSITIONAL", False
    for p, default in zip(a.kwonlyargs, a.kw_defaults):
        yield p.arg, "KEYWORD_ONLY", default is not None
    if a.kwarg:
        yield a.kwarg.arg, "VAR_KEYWORD", False


@pytest.mark.parametrize("module", STUBS)
def test_stub_has_the_names_of_the_module(module):
    where, names = STUBS[module]
    public = {name for name in dir(where) if not name.startswith("_")}
    assert public == {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("name", CLASSES)
def test_stub_has_the_members_of_the_class(name):
    runtime, promised = vars(getattr(mx, name)), members(name)
    assert {member for member in runtime if not member.startswith("_")} == {member for member in promised if not member.startswith("_")}
    assert all(member in runtime for member in promised)


@pytest.mark.parametrize("name, function, node", [*functions()], ids=lambda value: value if isinstance(value, str) else "")
def test_stub_has_the_parameters_of_the_function(name, function, node):
    runtime = inspect.signature(function).parameters.values()
    expected = [(p.name, p.kind.name, p.default is not p.empty) for p in runtime if p.name != "self"]
    assert [p for p in parameters(node) if p[0] != "self"] == expected

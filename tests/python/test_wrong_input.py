"""Wrong input raises an exception that names what was wrong, from every function; the interpreter lives."""
import inspect
import itertools

import numpy as np
import pytest

import mlx.core as mx

EXPECTED = (TypeError, ValueError, IndexError, OverflowError, MemoryError, BufferError, RuntimeError, NotImplementedError)


def functions():
    return [pytest.param(f, id=name) for module in (mx, mx.random, mx.linalg) for name, f in vars(module).items()
            if callable(f) and not isinstance(f, (type, mx.Dtype)) and not name.startswith("__")]


class Hostile:
    """Converts to nothing: every way to look at it raises."""

    def __index__(self):
        raise KeyError("hostile")

    __float__ = __len__ = __iter__ = __getitem__ = __index__


CYCLE = []
CYCLE.append(CYCLE)
JUNK = ["text", None, Hostile(), object(), CYCLE, {1: 2}, b"bytes", 2**70, -1, float("nan"), 1e300, [[1], 2], mx.float32, mx.array([1, 2, 3]),
        mx.zeros((0, 3)), mx.zeros((2, 2)), np.array(["a"]), np.zeros((2, 2), dtype=">f4"), (1, "a"), range(3), lambda x: x, "a\0b"]


@pytest.mark.parametrize("f", functions())
def test_junk_raises_or_returns(f, monkeypatch, tmp_path):
    """Each argument in turn, then all of them, are junk."""
    monkeypatch.chdir(tmp_path)  # "text" is a good name for a file
    parameters = [p for p in inspect.signature(f).parameters.values() if p.name != "stream"]
    good = mx.array([[1.0, 2.0], [3.0, 4.0]])
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if f.__name__ in ("set_num_threads", "eval", "async_eval"):
        positional = positional or [None]
    for i, junk in itertools.product(range(len(positional)), JUNK):
        for args in ([good] * i + [junk], [junk] * (i + 1)):
            try:
                mx.eval(f(*args))
            except EXPECTED as e:
                assert str(e)
            except KeyError as e:
                assert e.args == ("hostile",)
    mx.set_num_threads(2)


@pytest.mark.parametrize("f", functions())
def test_unknown_keyword(f):
    if any(p.kind == p.VAR_KEYWORD for p in inspect.signature(f).parameters.values()):
        return
    with pytest.raises(TypeError):
        f(mx.array(1.0), no_such_keyword=1)


@pytest.mark.parametrize("f", functions())
def test_too_many_arguments(f):
    if any(p.kind == p.VAR_POSITIONAL for p in inspect.signature(f).parameters.values()):
        return
    with pytest.raises(TypeError):
        f(*[mx.array(1.0)] * 12)


def required(f):
    return [p for p in inspect.signature(f).parameters.values() if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


@pytest.mark.parametrize("f", functions())
def test_missing_argument(f):
    if required(f):
        with pytest.raises(TypeError):
            f()


@pytest.mark.parametrize("f", functions())
def test_argument_given_twice(f):
    parameters = list(inspect.signature(f).parameters.values())
    if parameters and parameters[0].kind == parameters[0].POSITIONAL_OR_KEYWORD:
        with pytest.raises(TypeError):
            f(mx.array(1.0), **{parameters[0].name: mx.array(1.0)})


A = mx.ones((2, 3))


@pytest.mark.parametrize("call, error, words", [
    (lambda: mx.add(A, mx.ones((2, 2))), ValueError, ["add", "(2, 3)", "(2, 2)"]),
    (lambda: A @ A, ValueError, ["matmul", "(2, 3)"]),
    (lambda: mx.sum(A, axis=2), ValueError, ["sum", "2"]),
    (lambda: mx.sum(A, axis="x"), TypeError, ["sum", "axis", "str"]),
    (lambda: mx.sum(A, axis=1.0), TypeError, ["sum", "axis", "float"]),
    (lambda: mx.sum(A, keepdims=1), TypeError, ["sum", "keepdims", "int"]),
    (lambda: mx.sum(A, nothing=1), TypeError, ["sum", "nothing"]),
    (lambda: mx.sum(A, stream=3), TypeError, ["sum", "device"]),
    (lambda: mx.sum(A, stream=mx.gpu), ValueError, ["sum", "gpu"]),
    (lambda: mx.set_default_device(mx.Device(mx.gpu)), ValueError, ["gpu"]),
    (lambda: mx.result_type("float32"), TypeError, ["dtype", "str"]),
    (lambda: mx.issubdtype(mx.float32, float), TypeError, ["type"]),
    (lambda: mx.broadcast_shapes((2, 3), (2,)), ValueError, ["3", "2"]),
    (lambda: mx.sum([1, 2]), TypeError, ["sum", "list"]),
    (lambda: mx.exp("1"), TypeError, ["exp", "str"]),
    (lambda: mx.reshape(A, (4, -1)), ValueError, ["reshape", "(2, 3)"]),
    (lambda: mx.reshape(A, (1.5,)), TypeError, ["reshape", "shape", "float"]),
    (lambda: mx.zeros((-1,)), ValueError, ["zeros", "-1"]),
    (lambda: mx.zeros((2**62, 2**62)), ValueError, ["zeros"]),
    (lambda: mx.zeros((2,), dtype="float32"), TypeError, ["zeros", "dtype", "str"]),
    (lambda: mx.array([1, [2]]), ValueError, ["ragged"]),
    (lambda: mx.array(CYCLE), ValueError, ["nested"]),
    (lambda: mx.array("text"), TypeError, ["array", "str"]),
    (lambda: mx.array([1, "a"]), TypeError, ["array", "str"]),
    (lambda: mx.array(2**70), ValueError, ["64 bits"]),
    (lambda: mx.array(), TypeError, ["array"]),
    (lambda: mx.array([1], dtype=np.float32), TypeError, ["dtype"]),
    (lambda: mx.array([300]) + mx.array([1], dtype=mx.uint8) + 2**40, ValueError, []),
    (lambda: A[5], IndexError, ["5", "2"]),
    (lambda: A[0, 0, 0], ValueError, ["too many"]),
    (lambda: A["x"], ValueError, ["str"]),
    (lambda: A[..., ...], ValueError, ["..."]),
    (lambda: A[mx.array([0.5])], ValueError, ["float32"]),
    (lambda: A[mx.array([7])].tolist(), IndexError, ["7"]),
    (lambda: A.item(), ValueError, ["item"]),
    (lambda: len(mx.array(1.0)), TypeError, ["length"]),
    (lambda: bool(A), ValueError, []),
    (lambda: [1, 2, 3][mx.array(1.0)], TypeError, ["index"]),
    (lambda: pow(A, 2, 3), TypeError, ["power"]),
    (lambda: A < "x", TypeError, []),
    (lambda: mx.einsum("ij,jk", A), ValueError, ["einsum"]),
    (lambda: mx.pad(A, 1, mode="nowhere"), ValueError, ["pad", "nowhere"]),
    (lambda: mx.linalg.norm(A, "what"), ValueError, ["what"]),
    (lambda: mx.linalg.inv(mx.zeros((2, 2))).tolist(), ValueError, ["singular"]),
    (lambda: mx.random.seed(-1), TypeError, ["seed"]),
    (lambda: mx.random.normal((2,), key=mx.array([1, 2])), ValueError, ["key"]),
    (lambda: mx.flatten(A, 2, 3), ValueError, ["[flatten]", "2", "3"]),
    (lambda: mx.flatten(A, 0, -3), ValueError, ["[flatten]", "-3"]),
    (lambda: mx.flatten(A, 3, 1), ValueError, ["[flatten]", "3", "1"]),
    (lambda: mx.grad(1), TypeError, ["[grad]", "fun", "int"]),
    (lambda: mx.value_and_grad(mx.sum, argnums=-1), ValueError, ["[value_and_grad]", "argnums", "-1"]),
    (lambda: mx.grad(mx.sum, argnames=1), TypeError, ["[grad]", "argnames"]),
    (lambda: mx.grad(mx.sum, argnums=[]), ValueError, ["[grad]"]),
    (lambda: mx.printoptions("x"), TypeError, ["[printoptions]", "precision", "str"]),
    (lambda: mx.array(1, "x"), TypeError, ["[array]", "dtype", "str"]),
    (lambda: mx.clip(A, mx.ones((2, 2)), None), ValueError, ["[clip]", "(2, 3)", "(2, 2)"]),
    (lambda: mx.trace(mx.ones((3,))), ValueError, ["[trace]", "(3,)"]),
    (lambda: mx.divmod(A, mx.ones((2, 2))), ValueError, ["[divmod]", "(2, 2)"]),
    (lambda: mx.random.laplace(key=A), ValueError, ["[random.laplace]", "key"]),
    (lambda: mx.random.uniform(2**64), ValueError, ["[random.uniform]", "low", "64 bits"]),
    (lambda: mx.arange(A), TypeError, ["[arange]", "array"]),
    (lambda: mx.argmax(A, axis=A), TypeError, ["[argmax]", "axis", "array"]),
    (lambda: mx.split(A, 0), ValueError, ["split"]),
    (lambda: mx.arange(0, 5, 0), ValueError, ["arange"]),
    (lambda: mx.arange(True), TypeError, ["arange"]),
    (lambda: memoryview(mx.array([1.0], dtype=mx.bfloat16)), BufferError, ["bfloat16"]),
])
def test_messages_say_what_was_wrong(call, error, words):
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
    for c_word in ("mx_", "MX_", "NULL"):
        assert c_word not in str(raised.value)


def test_python_code_in_arguments_cannot_pull_an_array_away():
    """The node of `a` stays alive while an __index__ replaces it."""
    a = mx.array([1.0, 2.0, 3.0])
    others = []

    class Swap:
        def __index__(self):
            nonlocal a
            a += mx.ones((3,))
            mx.eval(a)  # lets go of the old node
            others.extend(mx.zeros((3,)) for _ in range(50))  # would take the place of a node that is gone
            return 0

    assert mx.sum(a, axis=Swap()).item() == 6
    assert a.tolist() == [2, 3, 4]
    assert a[Swap()].item() == 2
    assert a.tolist() == [3, 4, 5]
    items = [mx.ones((2,)), mx.ones((2,))]

    class Clear:
        def __index__(self):
            items.clear()
            return 0

    assert mx.concatenate(items, axis=Clear()).tolist() == [1, 1, 1, 1]
    a[Swap()] = 0  # what is written to is the array as it was when the assignment began
    assert a.tolist() == [0, 4, 5]


def test_an_error_leaves_the_next_call_alone():
    with pytest.raises(ValueError):
        mx.add(A, mx.ones((2, 2)))
    assert mx.sum(A).item() == 6


def test_an_index_out_of_range_leaves_the_array_whole():
    x = mx.array([1.0, 2.0])
    y = mx.array(x)
    y[mx.array([5])] = 3.0
    with pytest.raises(IndexError):
        mx.eval(y)
    assert x.tolist() == [1, 2]


def test_lists_of_arrays_that_differ():
    with pytest.raises(ValueError, match=r"^\[array\] .*\(3,\) and \(\)"):
        mx.array([mx.zeros(3), 2.5])

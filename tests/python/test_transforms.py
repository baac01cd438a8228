"""grad, value_and_grad, vjp, jvp: trees, argument choices, exceptions, memory."""
import collections
import gc
import os
import weakref

import pytest

import mlx.core as mx
from conftest import growth

X = mx.array([1.0, 2.0, 3.0])


def test_grad_of_any_order():
    f = lambda x: (x**3).sum()  # noqa: E731
    assert mx.grad(f)(X).tolist() == [3, 12, 27]
    assert mx.grad(lambda x: mx.grad(f)(x).sum())(X).tolist() == [6, 12, 18]
    assert mx.grad(mx.grad(mx.grad(lambda x: x**3)))(mx.array(2.0)).item() == 6


def test_value_and_grad_returns_what_the_function_does():
    value, grad = mx.value_and_grad(lambda x: ((x * x).sum(), x + 1, "aux"))(X)
    assert value[0].item() == 14 and value[1].tolist() == [2, 3, 4] and value[2] == "aux" and grad.tolist() == [2, 4, 6]
    value, grad = mx.value_and_grad(lambda x: (x * x).sum())(X)
    assert value.item() == 14


def test_trees():
    params = {"w": X, "layers": [{"b": mx.array(2.0)}, (mx.array(3.0),)]}

    def loss(p, scale):
        return (p["w"] ** 2).sum() * p["layers"][0]["b"] * scale + p["layers"][1][0]

    grads = mx.grad(loss)(params, 2.0)
    assert grads["w"].tolist() == [8, 16, 24] and grads["layers"][0]["b"].item() == 28 and grads["layers"][1][0].item() == 1
    assert isinstance(grads["layers"][1], tuple) and list(grads) == ["w", "layers"]


def test_which_arguments():
    f = lambda a, b, c=None: (a * b * (1 if c is None else c)).sum()  # noqa: E731
    a, b, c = mx.array(2.0), mx.array(3.0), mx.array(5.0)
    assert mx.grad(f, argnums=1)(a, b).item() == 2
    assert [g.item() for g in mx.grad(f, argnums=(0, 1))(a, b)] == [3, 2]
    assert [g.item() for g in mx.grad(f, argnums=[1, 0])(a, b)] == [3, 2]  # in the order of the arguments, as in MLX
    assert mx.grad(f, argnums=True)(a, b).item() == 2
    assert mx.grad(f, argnames=["c", "c"])(a, b, c=c)[1]["c"].item() == 6
    assert mx.grad(f, argnums=[0])(a, b).item() == 3  # one gradient is not a tuple, as in MLX
    positional, named = mx.grad(f, argnames="c")(a, b, c=c)
    assert positional is None and named["c"].item() == 6
    positional, named = mx.grad(f, argnums=0, argnames=["c"])(a, b, c=c)
    assert positional.item() == 15 and named["c"].item() == 6
    assert mx.value_and_grad(f, 0)(a, b, c=c)[1].item() == 15


@pytest.mark.parametrize("call", [
    lambda: mx.grad(1), lambda: mx.grad(lambda x: x, argnums="a"), lambda: mx.grad(lambda x: x, argnums=-1),
    lambda: mx.grad(lambda x: x, argnums=[0, 0]), lambda: mx.grad(lambda x: x, argnums=[]), lambda: mx.grad(lambda x: x, argnums=2**80),
    lambda: mx.grad(lambda x: x)(), lambda: mx.grad(lambda x: x)(X), lambda: mx.grad(lambda x: 1.0)(X), lambda: mx.grad(lambda x: x.sum())("x"),
    lambda: mx.grad(lambda x: ())(X), lambda: mx.grad(lambda x: x, argnums=1)(X), lambda: mx.grad(lambda x: x.sum(), argnames="y")(X),
    lambda: mx.grad(lambda: X)(X), lambda: mx.vjp(lambda x: x, [X], []), lambda: mx.vjp(1, [X], [X]), lambda: mx.vjp(lambda x: "x", [X], [X]),
    lambda: mx.jvp(lambda x: x, [X], []), lambda: mx.jvp(lambda x: x, [X], [mx.ones(2)]), lambda: mx.vjp(lambda x: x, [1], [X]),
    lambda: type(mx.grad(lambda x: x))(), lambda: mx.grad(lambda x: (x.sum(), x))(X), lambda: mx.value_and_grad(lambda x: [x.sum(), x])(X),
    lambda: mx.value_and_grad(lambda x: {"a": x.sum()})(X), lambda: mx.grad(lambda p: X.sum())([]), lambda: mx.grad(lambda p: X.sum())({"a": 1}),
    lambda: mx.grad(lambda p: X.sum())(None), lambda: mx.grad(lambda x: x.sum(), argnums=0.0), lambda: mx.grad(lambda x: x, argnames=1),
    lambda: mx.vjp(lambda x: x, [X], [X, X]), lambda: mx.vjp(lambda x: {"a": x}, [X], [X]), lambda: mx.vjp(lambda x: [x, [x]], [X], [X, X]),
    lambda: mx.vjp(lambda x: (x, mx.stop_gradient(x), x), [X], [X]), lambda: mx.vjp(lambda x: x, [X], other=[X])])
def test_wrong_use(call):
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert str(raised.value)


def test_exceptions_come_out_unchanged_and_leave_no_trace():
    class Mine(Exception):
        pass

    error = Mine("here")

    def f(x):
        raise error

    for transform in (mx.grad(f), mx.value_and_grad(f), mx.grad(mx.grad(f)), lambda x: mx.vjp(f, [x], [x]), lambda x: mx.jvp(f, [x], [x])):
        with pytest.raises(Mine) as raised:
            transform(X)
        assert raised.value is error
    with pytest.raises(ValueError, match="add"):
        mx.grad(lambda x: (x + mx.ones((2,))).sum())(X)
    assert mx.grad(lambda x: (x * x).sum())(X).tolist() == [2, 4, 6]


def test_an_exception_caught_inside_is_over():
    def f(x):
        try:
            x + mx.ones((2,))
        except ValueError:
            pass
        return (x * x).sum()

    assert mx.grad(f)(X).tolist() == [2, 4, 6]


def test_evaluating_inside():
    def f(x):
        y = x * x
        mx.eval(y)
        return y.sum() * (2.0 if y[0].item() == 1 else 0.0)

    assert mx.grad(f)(X).tolist() == [4, 8, 12]


def test_arrays_kept_from_inside_are_usable():
    kept = []
    mx.grad(lambda x: (kept.append(x * 2), (x * x).sum())[1])(X)
    assert kept[0].tolist() == [2, 4, 6]


def test_arguments_changed_inside():
    def f(p):
        p.append(mx.array(1.0))
        p[0] += 1
        return (p[0] * p[0]).sum()

    params = [X]
    assert mx.grad(f)(params)[0].tolist() == [4, 6, 8] and len(params) == 1 and params[0].tolist() == [1, 2, 3]


def test_an_interrupt_comes_out_unchanged():
    def f(x):
        raise KeyboardInterrupt

    for transform in (mx.grad(f), mx.value_and_grad(f), lambda x: mx.vjp(f, [x], [x]), lambda x: mx.jvp(f, [x], [x])):
        with pytest.raises(KeyboardInterrupt):
            transform(X)
    assert mx.grad(lambda x: x.sum())(X).tolist() == [1, 1, 1]


def test_named_tuples_stay_what_they_are():
    pair = collections.namedtuple("pair", "a b")
    grads = mx.grad(lambda p: (p.a * p.b).sum())(pair(X, X + 1))
    assert type(grads) is pair and grads.a.tolist() == [2, 3, 4] and grads.b.tolist() == [1, 2, 3]
    assert mx.grad(lambda p: p["a"].sum())(collections.OrderedDict(a=X)) is not None


def test_functions_of_integers():
    """The gradient is what flows through, as in MLX; a comparison lets nothing through."""
    assert mx.grad(lambda x: (x > 0).sum())(X).tolist() == [0, 0, 0]
    grad = mx.grad(lambda x: x.sum())(mx.array([1, 2]))
    assert grad.tolist() == [1, 1] and grad.dtype == mx.int32
    value, grad = mx.value_and_grad(lambda x: (x.astype(mx.int32) * 2).sum())(X)
    assert value.item() == 12 and value.dtype == mx.int32 and grad.tolist() == [2, 2, 2] and grad.dtype == mx.float32


def test_cotangents():
    """By name; none for stop_gradient, if so wished; in the dtype of the result."""
    stop = mx.stop_gradient
    assert mx.vjp(fun=lambda x: [stop(x), x * 2], primals=[X], cotangents=[X])[1][0].tolist() == [2, 4, 6]
    assert mx.vjp(lambda x: [stop(x), x * 2], [X], [X * 100, X])[1][0].tolist() == [2, 4, 6]
    assert mx.vjp(lambda x: [x, x], [X], [X, X])[1][0].tolist() == [2, 4, 6]
    half = X.astype(mx.float16)
    assert mx.vjp(lambda x: -x, [half], [X])[1][0].dtype == mx.float16 and mx.vjp(lambda x: -x, [X], [half])[1][0].dtype == mx.float32
    assert mx.jvp(fun=lambda x: -x, primals=[X], tangents=[half])[1][0].dtype == mx.float16
    assert mx.vjp(lambda: X, [], [X])[1] == []


def test_vjp_and_jvp():
    outputs, grads = mx.vjp(lambda a, b: (a * b, a + b), [X, X], [X, mx.ones((3,))])
    assert [o.tolist() for o in outputs] == [[1, 4, 9], [2, 4, 6]] and grads[0].tolist() == [2, 5, 10]
    outputs, tangents = mx.jvp(lambda a: a * a, [X], [mx.ones((3,))])
    assert outputs[0].tolist() == [1, 4, 9] and tangents[0].tolist() == [2, 4, 6]


def test_cycles_through_gradient_functions_are_collected():
    class Model:
        def loss(self, x):
            return (x * self.w).sum()

    model = Model()
    model.w = X
    model.step = mx.grad(model.loss)  # model -> step -> bound method -> model
    gone = weakref.ref(model)
    model.step(X)
    del model
    gc.collect()
    assert gone() is None


def test_nothing_is_left_behind():
    def use():
        mx.grad(lambda x: (x * X).sum())(X)
        mx.value_and_grad(lambda p: (p["a"][0].sum(), [X]))({"a": [X]})
        mx.vjp(lambda x: [x, x], [X], [X, X])
        mx.jvp(lambda x: [x, x], [X], [X])
        for f in (lambda x: 1 / 0, lambda x: x, lambda x: "x"):
            try:
                mx.grad(f)(X)
            except (ZeroDivisionError, ValueError):
                pass

    blocks, nbytes = growth(use)
    assert blocks < 50 and nbytes == 0


def resident():
    """Bytes of the process in memory."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="the address sanitizer keeps what is freed, and reports leaks itself")
def test_calls_that_fail_leave_no_nodes():
    """A node takes 128 bytes and each of 10,000 calls makes 50 or more: 64 MB, if they stayed."""
    def f(x):
        for _ in range(25):
            x = x * x + x
        return x if x.shape else 1 / 0

    failing = [lambda: mx.grad(f)(X), lambda: mx.grad(f)(X[0]), lambda: mx.vjp(f, [X], [X[:2]]), lambda: mx.jvp(f, [X[0]], [X[0]]),
               lambda: mx.grad(mx.checkpoint(f))(X), lambda: mx.grad(mx.custom_function(lambda x: x).vjp(lambda p, g, o: f(p) / 0))(X[0])]

    def fail(times):
        for i in range(times):
            try:
                failing[i % len(failing)]()
            except (ValueError, ZeroDivisionError):
                continue
            raise AssertionError("no exception")

    fail(1000)
    before = resident()
    fail(10000)
    assert resident() - before < 8e6


def test_a_control_that_must_leak():
    kept = []
    blocks, nbytes = growth(lambda: kept.append((X + 1).tolist() and mx.eval(a := X + 1) or a))
    assert blocks >= 200 and nbytes > 0

"""custom_function and checkpoint: which rule is called with what, to any order, trees, errors; and what is kept how long.
Expected calls and values are those of released MLX, where it has any (docs/differences.md)."""
import collections
import gc
import subprocess
import sys
import threading
import weakref

import pytest

import mlx.core as mx
import mlx.nn as nn
from conftest import growth

X, TWO = mx.array([1.0, 2.0, 3.0]), mx.array(2.0)


def plain(tree):
    """Lists in the place of arrays, so that trees can be compared."""
    if isinstance(tree, mx.array):
        return tree.tolist()
    if isinstance(tree, dict):
        return {k: plain(v) for k, v in tree.items()}
    return type(tree)(map(plain, tree)) if type(tree) in (list, tuple) else tree


def custom(fun, vjp=None, jvp=None):
    """A custom function that notes its calls in `calls`."""
    calls = []

    def noting(name, f):
        def noted(*args, **keywords):
            calls.append((name, plain(args), plain(keywords)))
            return f(*args, **keywords)
        return noted

    f = mx.custom_function(noting("f", fun))
    if vjp:
        assert f.vjp(noting("vjp", vjp)) is f
    if jvp:
        assert f.jvp(noting("jvp", jvp)) is f
    return f, calls


def test_without_rules_it_is_the_function():
    f, calls = custom(lambda x, k=1: x * k)
    assert f(X, k=2).tolist() == [2, 4, 6] and mx.grad(lambda x: f(x).sum())(X).tolist() == [1, 1, 1]
    assert mx.custom_function(lambda x: "any")(1) == "any"
    captured = lambda y: mx.custom_function(lambda x: x * y)(X).sum()  # noqa: E731
    assert mx.grad(captured)(TWO).item() == 6 and calls[0] == ("f", ([1, 2, 3],), {"k": 2})


def test_the_vjp_sees_primals_cotangents_and_outputs():
    f, calls = custom(lambda x: x * 2, vjp=lambda p, g, y: g * p * y)
    assert mx.grad(lambda x: (f(x) * X).sum())(X).tolist() == [2, 16, 54]
    assert calls == [("f", ([1, 2, 3],), {}), ("vjp", ([1, 2, 3], [1, 2, 3], [2, 4, 6]), {})]
    f, calls = custom(lambda x, y: (x * y, x), vjp=lambda p, g, o: (g[0] * 10, g[1].sum() * 20))
    grads = mx.grad(lambda x, y: f(x, y)[0].sum(), argnums=(0, 1))(X, TWO)
    assert plain(grads) == ([10, 10, 10], 0)
    assert calls[1] == ("vjp", (([1, 2, 3], 2), ([1, 1, 1], [0, 0, 0]), ([2, 4, 6], [1, 2, 3])), {})


def test_trees_of_arguments_and_results():
    f, calls = custom(lambda p, n: {"a": p["w"] * n, "b": [p["z"]]}, vjp=lambda p, g, o: ({"z": g["b"][0] * 3, "w": g["a"] * 2}, None))
    loss = lambda p: (lambda o: o["a"].sum() + o["b"][0])(f(p, 3))  # noqa: E731
    assert plain(mx.grad(loss)({"w": X, "z": TWO})) == {"w": [2, 2, 2], "z": 3}  # by key, not by place
    assert calls[1][1] == (({"w": [1, 2, 3], "z": 2}, 3), {"a": [1, 1, 1], "b": [1]}, {"a": [3, 6, 9], "b": [2]})
    pair = collections.namedtuple("pair", "a b")
    f, _ = custom(lambda p: pair(p.a * 2, p.b), vjp=lambda p, g, o: pair(g.a, p.b))
    assert plain(mx.grad(lambda x: f(pair(x, x)).a.sum())(X)) == [2, 3, 4]
    f, calls = custom(lambda p: p[0], vjp=lambda p, g, o: [g])
    argument = [X]
    mx.grad(lambda x: f([x]).sum())(X), f(argument)
    assert len(argument) == 1 and calls[1][0] == "vjp" and calls[1][1][0] == [[1, 2, 3]]


@pytest.mark.parametrize("returned", [lambda g: (g, None), lambda g: [g, g], lambda g: (g, g), lambda g: {"x": g, "y": g}])
def test_gradients_in_forms_that_are_understood(returned):
    f, _ = custom(lambda x, y: x * y, vjp=lambda p, g, o: returned(g * 7))
    assert mx.grad(lambda x: f(x, X).sum())(X).tolist() == [7, 7, 7]


@pytest.mark.parametrize("returned, words", [
    (lambda g: g, "vjp returned a mlx.core.array with 1 arrays, but the positional arguments hold 2"), (lambda g: (g, g, g), "hold 2"),
    (lambda g: 1.0, "float"), (lambda g: None, None), (lambda g: (g[:2], g), r"gradient 0 has shape \(2,\) but argument 0 has shape \(3,\)"),
    (lambda g: (g, g[:2]), None), (lambda g: (g, "x"), "hold 2"), (lambda g: 1 / 0, "division")])
def test_gradients_that_do_not_fit(returned, words):
    """None is zeros; a gradient that nobody asked for may have any shape."""
    f, _ = custom(lambda x, y: x * y, vjp=lambda p, g, o: returned(g))
    call = lambda: mx.grad(lambda x: f(x, X).sum())(X)  # noqa: E731
    if words is None:
        assert call().shape == (3,)
    else:
        with pytest.raises((ValueError, ZeroDivisionError), match=words):
            call()


def test_keywords():
    f, calls = custom(lambda x, k=1: x * k, vjp=lambda p, g, o, k: g * 7)
    assert mx.grad(lambda x: f(x, k=TWO).sum())(X).tolist() == [7, 7, 7]
    assert calls[1] == ("vjp", ([1, 2, 3], [1, 1, 1], [2, 4, 6]), {"k": 2})
    assert mx.grad(lambda k: f(X * k, k=k).sum())(TWO).item() == 42  # as a keyword it is a constant
    f, _ = custom(lambda x, k=1: x * k, jvp=lambda p, t: t)
    with pytest.raises(ValueError, match="no keyword"):
        mx.jvp(lambda x: f(x, k=3), [X], [X])


def test_the_jvp_sees_primals_and_tangents():
    f, calls = custom(lambda x: x * 2, jvp=lambda p, t: t * 100)
    assert plain(mx.jvp(f, [X], [X])) == ([[2, 4, 6]], [[100, 200, 300]])
    assert calls == [("f", ([1, 2, 3],), {}), ("jvp", ([1, 2, 3], [1, 2, 3]), {})]
    f, calls = custom(lambda p, n, y: {"a": p[0] * y, "b": (p[0],)}, jvp=lambda p, t: {"b": (None,), "a": t[2] * X})
    outputs, tangents = mx.jvp(lambda y: (lambda o: (o["a"], o["b"][0]))(f([X, "s"], 3, y)), [TWO], [TWO])
    assert plain(tangents) == [[2, 4, 6], [0, 0, 0]]
    assert calls[1] == ("jvp", (([[1, 2, 3], "s"], 3, 2), ([None, None], None, 2)), {})
    for wrong, words in ((lambda t: 1.0, "jvp returned a float"), (lambda t: (t, t), "the result holds 1"), (lambda t: t[:2], "shape"),
                         (lambda t: 1 / 0, "zero")):
        f, _ = custom(lambda x: x * 2, jvp=lambda p, t: wrong(t))  # noqa: B023
        with pytest.raises((ValueError, ZeroDivisionError), match=words):
            mx.jvp(f, [X], [X])


def test_no_transform_looks_inside():
    """Singular vectors have no derivatives of their own."""
    a = mx.array([[2.0, 1.0], [1.0, 3.0]])
    vectors = mx.custom_function(lambda x: mx.linalg.svd(x)[0]).jvp(lambda p, t: t * 3).vjp(lambda p, g, u: g * 3)
    assert (mx.jvp(vectors, [a], [a])[1][0] == 3 * a).all().item() and (mx.grad(lambda x: vectors(x).sum())(a) == 3).all().item()
    with pytest.raises(NotImplementedError):
        mx.jvp(mx.checkpoint(lambda x: mx.linalg.svd(x)[0]), [a], [a])


def test_where_the_rule_is_missing_the_function_runs_again():
    f, calls = custom(lambda x: x * x, jvp=lambda p, t: t * 100)
    assert mx.grad(lambda x: f(x).sum())(X).tolist() == [2, 4, 6] and [c[0] for c in calls] == ["f", "f"]
    f, calls = custom(lambda x: x * x, vjp=lambda p, g, o: g * 100)
    assert plain(mx.jvp(f, [X], [X])[1]) == [[2, 8, 18]] and [c[0] for c in calls] == ["f", "f"]


def test_any_order():
    f, _ = custom(lambda x: x**3, vjp=lambda p, g, o: g * p * p * 7)
    first = mx.grad(lambda x: f(x).sum())
    assert mx.grad(lambda x: first(x).sum())(X).tolist() == [14, 28, 42]
    assert mx.grad(lambda x: mx.grad(lambda x: first(x).sum())(x).sum())(X).tolist() == [14, 14, 14]
    assert plain(mx.jvp(first, [X], [X])[1]) == [[14, 56, 126]]
    assert mx.grad(lambda x: mx.jvp(f, [x], [X])[1][0].sum())(X).tolist() == [6, 24, 54]  # the function itself, twice
    f, _ = custom(lambda x: x**3, jvp=lambda p, t: t * p * p * 7)
    assert plain(mx.jvp(lambda x: mx.jvp(f, [x], [X])[1][0], [X], [X])[1]) == [[14, 112, 378]]
    assert mx.grad(lambda x: mx.jvp(f, [x], [X])[1][0].sum())(X).tolist() == [14, 56, 126]
    g, _ = custom(lambda x: x * x, vjp=lambda p, g, o: g * o)
    assert mx.grad(lambda x: mx.grad(lambda x: g(x).sum())(x).sum())(X).tolist() == [1, 4, 9]  # through the outputs too


def test_custom_functions_nest():
    inner, inner_calls = custom(lambda x: x * 2, vjp=lambda p, g, o: g * 5)
    outer, _ = custom(lambda x: inner(x) + 1, jvp=lambda p, t: t)  # no vjp: runs again, and meets inner's
    assert mx.grad(lambda x: outer(x).sum())(X).tolist() == [5, 5, 5] and [c[0] for c in inner_calls] == ["f", "f", "vjp"]
    rule, _ = custom(lambda x: x, vjp=lambda p, g, o: mx.grad(lambda x: inner(x * x).sum())(p))
    assert mx.grad(lambda x: rule(x).sum())(X).tolist() == [10, 20, 30]


def test_captured_arrays_are_constants():
    def loss(y, vjp=None, jvp=None):
        f, _ = custom(lambda x: x * y, vjp, jvp)
        return f(X * y).sum()

    assert mx.grad(lambda y: loss(y, vjp=lambda p, g, o: g * 100))(TWO).item() == 600
    assert mx.grad(lambda y: loss(y, jvp=lambda p, t: t))(TWO).item() == 12  # x * y differentiated by x alone
    assert mx.grad(lambda y: mx.checkpoint(lambda x: x * y)(X * y).sum())(TWO).item() == 12
    assert mx.jvp(lambda y: mx.checkpoint(lambda x: x * y)(X), [TWO], [TWO])[1][0].tolist() == [0, 0, 0]


def test_results_must_be_arrays_where_there_is_a_rule():
    for wrong in (3, "x", None, {"a": X, "b": None}):
        f, _ = custom(lambda x: wrong, vjp=lambda p, g, o: g)  # noqa: B023
        with pytest.raises(ValueError, match="expects arrays"):
            f(X)
    assert custom(lambda: X * 2, vjp=lambda p, g, o: ())[0]().tolist() == [2, 4, 6]


@pytest.mark.parametrize("call", [
    lambda: mx.custom_function(), lambda: mx.custom_function(1), lambda: mx.custom_function(len, len), lambda: mx.custom_function(len).vjp(1),
    lambda: mx.custom_function(len).jvp(None), lambda: mx.custom_function(len).vmap("f"), lambda: mx.checkpoint(3), lambda: mx.checkpoint(),
    lambda: type(mx.checkpoint(len))(len)])
def test_wrong_use(call):
    with pytest.raises(TypeError):
        call()


def test_decorators_and_looks():
    @mx.custom_function
    def f(x):
        return x

    @f.vjp
    def f(primals, cotangents, outputs):
        return cotangents * 3

    f.vmap(lambda inputs, axes: (inputs, axes))
    assert mx.grad(f)(TWO).item() == 3 and "function" in repr(f)
    assert isinstance(f, mx.custom_function) and "len" in repr(mx.checkpoint(len))


# ---- checkpoint ----------------------------------------------------------------------------------------------------------

def test_a_checkpoint_runs_again_and_differentiates_all_arguments():
    calls = []

    def f(x, n, k=1, name=""):
        calls.append((n, name))
        return {"y": x["a"] * k, "n": n}

    c = mx.checkpoint(f)
    assert plain(c({"a": X}, 3, k=TWO, name="s")) == {"y": [2, 4, 6], "n": 3} and calls == [(3, "s")]
    grads = mx.grad(lambda x, k: c({"a": x}, 3, k=k, name="s")["y"].sum(), argnums=(0, 1))(X, TWO)
    assert plain(grads) == ([2, 2, 2], 6) and calls == [(3, "s")] * 3
    assert mx.checkpoint(lambda x: "other")(X) == "other" and mx.checkpoint(lambda: None)() is None
    cube = mx.checkpoint(lambda x: x**3)
    assert mx.grad(lambda x: mx.grad(lambda x: cube(x).sum())(x).sum())(X).tolist() == [6, 12, 18]
    assert plain(mx.jvp(cube, [X], [X])[1]) == [[3, 24, 81]]


def test_a_checkpoint_that_changes_its_mind():
    def changing(*results):
        left = list(results)
        return mx.checkpoint(lambda x: left.pop(0)(x))

    same = lambda x: x  # noqa: E731
    for second, error in ((lambda x: (x, x), ValueError), (lambda x: x[:2], ValueError), (lambda x: 1 / 0, ZeroDivisionError),
                          (lambda x: "x", ValueError)):
        c = changing(same, second)
        with pytest.raises(error):
            mx.grad(lambda x: c(x).sum())(X)  # noqa: B023


def test_random_numbers_are_the_same_when_a_checkpoint_runs_again():
    """As with dropout: the gradient belongs to what was computed, and the numbers after it are as without a checkpoint."""
    noisy = lambda x: x * mx.random.uniform(shape=(3,))  # noqa: E731
    mx.random.seed(3)
    value, grad = mx.value_and_grad(lambda x: mx.checkpoint(noisy)(x).sum())(X)
    after = mx.random.uniform()
    mx.random.seed(3)
    factors = mx.random.uniform(shape=(3,))
    assert grad.tolist() == factors.tolist() and value.item() == (X * factors).sum().item() and after.item() == mx.random.uniform().item()


def test_checkpoints_of_modules():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    loss = lambda m: lambda x: (m(x) ** 2).sum()  # noqa: E731
    value, grads = nn.value_and_grad(model, loss(model))(X)
    checkpointed = nn.utils.checkpoint(model)
    again, same = nn.value_and_grad(model, loss(checkpointed))(X)
    flat = dict(nn.utils.tree_flatten(grads))
    assert again.item() == value.item() and all((g == flat[k]).all().item() for k, g in nn.utils.tree_flatten(same)) and len(flat) == 4
    assert any((g != 0).any().item() for g in flat.values())
    assert nn.utils.checkpoint(model, loss(model)).__name__ == "<lambda>" and checkpointed.__wrapped__ is model


def test_checkpoints_of_transformers():
    """Equal but for the order in which what flows into one array is added up: some tens of roundings of 6e-8."""
    mx.random.seed(5)
    x, tgt = mx.random.normal((2, 3, 8)), mx.random.normal((2, 4, 8))
    model = nn.Transformer(8, 2, 2, 2, 16, checkpoint=True)
    loss = lambda: (model(x, tgt, None, None, None) ** 2).sum()  # noqa: E731
    value, grads = nn.value_and_grad(model, loss)()
    model.encoder.checkpoint = model.decoder.checkpoint = False
    again, same = nn.value_and_grad(model, loss)()
    same = dict(nn.utils.tree_flatten(same))
    largest = max(g.abs().max().item() for g in same.values())
    assert value.item() == again.item() and all(mx.abs(g - same[k]).max().item() < 1e-5 * largest for k, g in nn.utils.tree_flatten(grads))


# ---- What is kept, and how long ---------------------------------------------------------------------------------------------

class Model:
    """Refers to an array that a graph with the model's own rule has made: a cycle, if arrays held rules."""

    def __init__(self):
        self.f = mx.custom_function(self.forward)
        self.f.vjp(self.backward)

    def forward(self, x):
        return x * 2

    def backward(self, primals, cotangents, outputs):
        return cotangents * 5

    def loss(self, x):
        self.kept = self.f(x)
        return self.kept.sum()


def test_a_cycle_through_a_rule_is_collected():
    model = Model()
    assert mx.grad(model.loss)(X).tolist() == [5, 5, 5]
    gone = weakref.ref(model)
    kept = model.kept
    del model
    gc.collect()
    assert gone() is None and kept.tolist() == [2, 4, 6]  # the array outlives the functions that it was made with


def test_arrays_that_stay_hold_no_function():
    """Once no transform runs, none can ask for a rule."""
    kept = []

    def step():
        big = [0] * 1000
        f = mx.custom_function(noted(lambda x: (len(big), x * 2)[1]))
        f.vjp(noted(lambda p, g, o: (len(big), g)[1]))

        def loss(x):
            kept.append(f(x))
            return kept[-1].sum()
        return loss

    def noted(f):
        functions.append(weakref.ref(f))
        return f

    functions = []
    mx.grad(step())(X)
    mx.vjp(step(), [X], [mx.array(1.0)])
    mx.jvp(step(), [X], [X])
    mx.grad(lambda x: mx.grad(step())(x).sum())(X)
    gc.collect()
    assert [f() for f in functions] == [None] * 8
    assert [k.tolist() for k in kept] == [[2, 4, 6]] * 4
    f = mx.custom_function(noted(lambda x: x)).vjp(lambda p, g, o: g)
    late, gone = f(kept[0] + 1), functions[-1]  # an array of a transform that is over
    del f
    gc.collect()
    assert gone() is None and late.tolist() == [3, 5, 7]


def test_inside_a_transform_a_call_whose_array_is_gone_is_forgotten():
    def loss(x):
        def double(x):
            return x * 2

        f = mx.custom_function(double).vjp(lambda p, g, o: g)
        gone = weakref.ref(double)
        y = f(x)
        del f, double
        gc.collect()
        held.append(gone() is not None)
        del y
        mx.checkpoint(lambda x: x)(x)  # any call lets go of what is due
        held.append(gone() is not None)
        return x.sum()

    held = []
    mx.grad(loss)(X)
    assert held == [True, False]


def test_inner_transforms_keep_rules_for_outer_ones():
    def outer(x):
        f = mx.custom_function(lambda x: x * x)
        f.vjp(lambda p, g, o: g * 3 * p)

        def inner(x):
            kept.append(f(x))
            return kept[-1].sum()

        mx.grad(inner)(x)
        del f
        gc.collect()
        return kept[-1].sum()

    kept = []
    assert mx.grad(outer)(X).tolist() == [3, 6, 9]


def test_a_rule_is_there_for_the_thread_that_needs_it():
    """A worker of the traced function calls the custom function; transforms of its own come and go."""
    f = mx.custom_function(lambda x: x * 2)
    f.vjp(lambda p, g, o: g * 5)

    def loss(x):
        result = []

        def work():
            result.append(mx.custom_function(lambda x: x * 3).vjp(lambda p, g, o: g * 7)(f(x)))
            mx.grad(lambda x: f(x).sum())(X)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        gc.collect()
        return result[0].sum()

    assert mx.grad(loss)(X).tolist() == [35, 35, 35]


def test_graphs_that_end_on_other_threads():
    """The run's own thread lets go of the graph, without the GIL; what is due is released later."""
    f = mx.custom_function(lambda x: mx.sin(x))
    f.vjp(lambda p, g, o: g)
    kept = []

    def loss(x):
        kept.append(f(x) * 2)
        return kept[-1].sum()

    def use():
        mx.grad(loss)(X)
        mx.async_eval(kept.pop())
        mx.synchronize()
        mx.grad(loss)(X)
        worker = threading.Thread(target=kept.clear)
        worker.start()
        worker.join()

    blocks, nbytes = growth(use)
    assert blocks < 50 and nbytes == 0


def test_threads_with_transforms_of_their_own():
    errors = []

    def work(k):
        try:
            for i in range(100):
                f = mx.custom_function(lambda x: x * 2)
                f.vjp(lambda p, g, o: g * (k + i))  # noqa: B023
                assert mx.grad(lambda x: mx.checkpoint(f)(x).sum())(X).tolist() == [k + i] * 3  # noqa: B023
        except BaseException as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=work, args=(1000 * k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, GeneratorExit])
def test_exceptions_come_out_unchanged_and_leave_nothing(error):
    raised = error("mine")

    def fail(*args):
        raise raised

    uses = [mx.custom_function(fail).vjp(fail), mx.custom_function(lambda x: x).vjp(fail), mx.checkpoint(fail)]

    def use():
        for f in uses:
            with pytest.raises(error) as info:
                mx.grad(lambda x: f(x).sum())(X)  # noqa: B023
            assert info.value is raised
        with pytest.raises(error):
            mx.jvp(mx.custom_function(lambda x: x).jvp(fail), [X], [X])
        raised.__traceback__ = None

    blocks, nbytes = growth(use, 50)
    assert blocks < 100 and nbytes == 0


def test_leaving_the_interpreter_with_graphs_that_hold_functions():
    code = ("import mlx.core as mx\nf = mx.custom_function(lambda x: x)\nf.vjp(lambda p, g, o: g)\nkept = []\n"
            "mx.grad(lambda x: (kept.append(f(x)), kept[-1].sum())[1])(mx.ones(3))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("use", [
    lambda f, c: mx.grad(lambda x: f(x, k=2.0)["a"][0].sum())(X), lambda f, c: mx.jvp(lambda x: f(x)["a"], [X], [X]),
    lambda f, c: mx.value_and_grad(lambda p: (c(p)["y"].sum(), "aux"))({"w": X, "z": [X, (X,)]}), lambda f, c: mx.vjp(lambda x: [x, x], [X], [X, X])])
def test_each_allocation_can_fail(use):
    nothing_left = pytest.importorskip("_testcapi")
    f = mx.custom_function(lambda x, k=1: {"a": [x * k], "b": (x,)}).vjp(lambda p, g, o, k=1: g["a"][0] * 5).jvp(lambda p, t: {"a": [t], "b": (t,)})
    c = mx.checkpoint(lambda p: {"y": p["w"] * 2, "n": 3})
    use(f, c)
    failed = done = 0
    while done < 5:  # the first success may be a call that had no such allocation
        nothing_left.set_nomemory(failed + done, failed + done + 1)
        try:
            use(f, c)
            done += 1
        except MemoryError:
            failed += 1
        finally:
            nothing_left.remove_mem_hooks()
    assert failed > 5

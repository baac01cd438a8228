"""Evaluation: trees, threads, Ctrl-C, errors that come late; and that nothing leaks."""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import zlib

import pytest

import mlx.core as mx
from conftest import growth

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_trees_are_evaluated():
    a, b, c = mx.ones((2,)) + 1, mx.ones((2,)) + 2, mx.ones((2,)) + 3
    assert mx.eval(a, {"b": [b, (c, "other", None, 3)]}) is None
    mx.async_eval([a + 1], b * 2)
    mx.synchronize()
    with pytest.raises(RecursionError):
        nest = []
        nest.append(nest)
        mx.eval(nest)


def test_late_errors_are_raised_where_the_array_is_read():
    bad = mx.ones((2,))[mx.array([5])]
    for read in (mx.eval, repr, lambda a: a.tolist(), memoryview, lambda a: a + 1 and (a + 1).tolist()):
        with pytest.raises(IndexError):
            read(bad)


def long_work(seconds=3.0):
    """Products that take about as long here, whatever the machine or a sanitizer makes of one."""
    x = mx.random.normal((1000, 1000))
    mx.eval(x, x @ x)
    start = time.perf_counter()
    mx.eval(mx.sin(x @ (x + 1)))
    for _ in range(min(200, 1 + int(seconds / (time.perf_counter() - start)))):
        x = mx.sin(x @ x)
    return x


def test_ctrl_c_interrupts_and_leaves_the_library_usable():
    """The run takes seconds; a second one interrupts waiting for it again, and a thread tells whether it was over."""
    x = long_work()
    is_done = threading.Event()
    for _ in range(2):
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            mx.eval(x)
        timer.join()
    other = threading.Thread(target=lambda: (mx.eval(x), is_done.set()))
    other.start()
    assert not is_done.wait(0.2)
    assert (mx.ones((2,)) + 1).tolist() == [2, 2]
    other.join()
    assert is_done.is_set() and mx.isfinite(x).all().item()


def long_chain():
    """Seconds of work in many windows of small steps."""
    x = mx.ones((300000,))
    for _ in range(60000):
        x = x * 1.0001 + 0.5
    return x


def behind_a_run():
    """An array whose graph another run works on, far down."""
    x = long_work()
    mx.async_eval(x)
    return (x + 1).sum()


@pytest.mark.parametrize("start", [
    "y = long_chain(); f = lambda: mx.eval(y)", "y = long_chain().sum(); f = lambda: y.item()", "y = behind_a_run(); f = lambda: mx.eval([y])",
    "y = behind_a_run(); f = mx.synchronize", "y = long_chain(); f = lambda: mx.grad(lambda x: (mx.eval(y), x)[1])(mx.array(1.0))"])
def test_ctrl_c_ends_any_wait(start):
    """In a process of its own, which is gone long before the run would be over."""
    code = ("import os, signal, sys, threading\nsys.path.insert(0, 'tests/python')\nimport mlx.core as mx\n"
            f"from test_evaluation import long_chain, behind_a_run\n{start}\n"
            "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
            "try:\n    f()\nexcept KeyboardInterrupt:\n"
            "    assert mx.grad(lambda x: x * x)(mx.array(3.0)).item() == 6\n    print('interrupted', flush=True)\n    os._exit(0)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.stdout == "interrupted\n", done.stderr


def test_signal_handlers_may_evaluate():
    """They run in the middle of another evaluation of the same thread, whose walk they take over."""
    seen = []
    old = signal.signal(signal.SIGALRM, lambda *_: seen.append(chain(9000).item()))
    try:
        while not seen:
            signal.setitimer(signal.ITIMER_REAL, 0.02)  # once: a slow handler would be interrupted by the next one
            x = mx.ones((200000,))
            for _ in range(10000):
                x = x + 1
            assert (x.min().item(), x.max().item()) == (10001, 10001)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert set(seen) == {9000}


def chain(n):
    x = mx.array(0)
    for _ in range(n):
        x = x + 1
    return x


def test_threads_evaluate_parts_of_one_graph():
    """Each waits for what another one works on, while a third needs the GIL."""
    x = mx.random.normal((300, 300))
    parts = [x]
    for _ in range(40):
        parts.append(mx.tanh(parts[-1] @ x))
    expected = []
    y = mx.array(memoryview(x))
    for _ in range(40):
        y = mx.tanh(y @ x)
        mx.eval(y)
        expected.append(y.sum().item())
    errors = []

    def work(order):
        try:
            for i in order:
                (mx.async_eval if i % 3 == 0 else mx.eval)(parts[i + 1])
                assert parts[i + 1].sum().item() == expected[i]
        except BaseException as e:  # noqa: BLE001
            errors.append(e)

    orders = (range(39, -1, -1), range(40), range(0, 40, 7), range(39, -1, -5))
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    assert errors == [] and not any(t.is_alive() for t in threads)


def test_other_threads_run_while_one_evaluates():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    x = mx.random.normal((1500, 1500))
    mx.eval(x)
    before = len(ticks)
    mx.eval(x @ x @ x)
    after = len(ticks)
    stop.set()
    thread.join()
    assert after > before


def test_threads_use_each_others_arrays():
    shared = mx.arange(1000)
    errors = []

    def work(i):
        try:
            for k in range(200):
                assert mx.sum(shared + i).item() == 499500 + 1000 * i
                assert mx.grad(lambda x: (x * x).sum())(mx.array(float(i))).item() == 2 * i
                with pytest.raises(ValueError):
                    mx.add(shared, mx.ones((3,)))
        except BaseException as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def test_threads_evaluate_at_the_same_time():
    """Long enough that several are outside the GIL at once, which the thread sanitizer can see."""
    inputs = [mx.random.normal((300, 300)) for _ in range(4)]
    work = lambda x: mx.sin(x @ x).sum().item()  # noqa: E731
    expected = [work(x) for x in inputs]
    found = {}
    threads = [threading.Thread(target=lambda i=i: found.update({i: [work(inputs[i]) for _ in range(20)]})) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {i: [expected[i]] * 20 for i in range(4)}


def test_nothing_is_left_behind():
    x, y = mx.ones((3, 4)), mx.ones((4,))

    def use():
        a = x + y
        a += 1
        a[0] = 2
        a[mx.array([1]), 1:3] = 5.0
        mx.eval(a, [a.T, {"k": a[0]}])
        a.tolist(), repr(a), a.shape, memoryview(a).tolist(), list(a), a.sum(axis=(0, 1), keepdims=True), a.reshape(2, 6)
        mx.concatenate([a, a]), mx.split(a, 2, 1), mx.pad(a, [(1, 1), (0, 2)])
        mx.array([x, x]), mx.array([[1.0, 2]] * 3), mx.meshgrid(y, y), mx.einsum("ij,j->i", x, y), mx.tensordot(x, y, [[1], [0]])
        for wrong in (lambda: x + mx.ones((7,)), lambda: x[9], lambda: mx.sum(x, axis="a"), lambda: mx.array([[1], 2]), lambda: mx.array([x, "a"]),
                      lambda: mx.concatenate([x, 1]), lambda: x["a"], lambda: mx.sum(x, None, None), lambda: mx.pad(x, [(1, "a")]),
                      lambda: zlib.crc32((x + y).T), lambda: memoryview(mx.zeros((9,), dtype=mx.bfloat16) + 1)):
            try:
                wrong()
            except (ValueError, IndexError, TypeError, BufferError):
                pass
            else:
                raise AssertionError("no exception")

    blocks, nbytes = growth(use)
    assert blocks < 50 and nbytes == 0


def test_depends():
    a, b = mx.array([1.0, 2.0]), mx.array(3)
    assert mx.depends(a, b).tolist() == [1, 2] and [x.tolist() for x in mx.depends([a, b], (a, b))] == [[1, 2], 3]
    assert isinstance(mx.depends((a,), b), list) and mx.depends([], b) == [] and mx.depends(a, []).tolist() == [1, 2]
    bad = mx.take(mx.array([1]), mx.array([5]))
    with pytest.raises(IndexError):
        mx.eval(mx.depends(a, bad))
    value, gradient = mx.value_and_grad(lambda x, y: mx.depends(x * x, x * y).sum(), argnums=(0, 1))(a, a)
    assert value.item() == 5 and gradient[0].tolist() == [2, 4] and gradient[1].tolist() == [0, 0]
    assert mx.jvp(lambda x: mx.depends(x * x, x), [a], [a])[1][0].tolist() == [2, 8]
    for wrong in (lambda: mx.depends(1, a), lambda: mx.depends(a, 1), lambda: mx.depends([a, 1], a), lambda: mx.depends({"a": a}, a), lambda: mx.depends(a)):
        with pytest.raises(TypeError, match="depends"):
            wrong()


def test_reference_counts_of_arguments_are_kept():
    objects = [mx.ones((3,)), None, True, mx.float32, "constant", (0,)]
    before = [sys.getrefcount(o) for o in objects]
    x = objects[0]
    for _ in range(100):
        mx.sum(x, None, True), mx.add(x, x), x + x, mx.pad(x, 1, objects[4]), x.dtype, mx.grad(lambda a: a.sum())(x), mx.sum(x, objects[5])
    del x
    assert all(abs(sys.getrefcount(o) - n) < 20 for o, n in zip(objects, before))


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=dict(os.environ))


def test_import_is_quiet_and_needs_nothing_else():
    done = run("import sys; before = set(sys.modules); import mlx.core as mx; print(sorted(set(sys.modules) - before)); "
               "import mlx.core.random; assert mx.random is mlx.core.random")
    assert done.returncode == 0 and done.stderr == "" and done.stdout == "['mlx', 'mlx.core', 'mlx.core.cuda', 'mlx.core.linalg', 'mlx.core.metal', 'mlx.core.random']\n"


def test_leaving_while_a_run_is_on():
    assert run("import mlx.core as mx; x = mx.ones((900, 900)); [x := mx.sin(x @ x) for _ in range(50)]; mx.async_eval(x)").returncode == 0


def test_the_program_of_the_documentation():
    done = subprocess.run([sys.executable, ROOT / "examples/python/linear_regression.py"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    loss, error = (float(part.split()[-1 if "=" in part else 1]) for part in done.stdout.rstrip(", \n").split(","))
    # 1,000 residuals of deviation 0.01: half their mean square is 5e-5, within six of its standard errors; each of 100
    # weights is off by about 0.01 / sqrt(1000).
    assert abs(loss - 5e-5) < 5e-5 * 0.3 and error < 2 * 0.01 / 1000**0.5 * 100**0.5


def test_the_program_of_the_readme_is_that_of_the_documentation():
    text = (ROOT / "README.md").read_text()
    assert text.split("```python\n")[1].split("```")[0] == (ROOT / "examples" / "python" / "linear_regression.py").read_text()


def test_the_module_is_one_for_the_process():
    done = run("import sys, importlib, mlx.core as mx; a = mx.array([1.0]); del sys.modules['mlx.core']; import mlx.core as again; "
               "assert again is mx and again.array is type(a) and importlib.reload(mx) is mx and (a + 1).tolist() == [2] and mx.random.seed(1) is None")
    assert done.returncode == 0, done.stderr


def test_other_interpreters_are_refused():
    interpreters = pytest.importorskip("_xxsubinterpreters")  # Python 3.12 at the latest
    other = interpreters.create()
    try:
        with pytest.raises(interpreters.RunFailedError, match="main interpreter only|does not support loading in subinterpreters"):
            interpreters.run_string(other, f"import sys; sys.path[:0] = {sys.path!r}; import mlx.core")
    finally:
        interpreters.destroy(other)

"""Memory that comes from other objects and goes to them: the buffer protocol, __array__, __mlx_array__, bfloat16 of ml_dtypes."""
import array
import gc
import threading
import weakref

import ml_dtypes
import numpy as np
import pytest

import mlx.core as mx
from conftest import growth

X = np.arange(12, dtype=np.float32).reshape(3, 4)


def settle():
    """Owners of shared memory are told by the interpreter between two instructions; what other threads have let go of is
    noticed by the thread that made it when it evaluates."""
    gc.collect()
    for _ in range(3):
        mx.eval(mx.asarray(np.ones(1, np.float32), copy=False) + 1)


# ---- To NumPy
def test_views_of_numpy_are_the_memory_itself():
    a = mx.arange(6).reshape(2, 3)
    view, turned = np.asarray(a), np.asarray(a.T)
    assert np.shares_memory(view, turned) and turned.strides == (4, 12) and view.flags.writeable
    b = a + 1  # must not be computed in a's memory while the views live
    del a
    mx.eval(b)
    assert view.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert np.array(b, copy=True).base is None


def test_what_is_written_to_a_view_is_seen():
    a = mx.arange(6).reshape(2, 3)
    turned, part = a.T, a[1:]
    mx.eval(a, turned, part)
    assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]  # may be kept beside the array, and must not be for ever
    np.asarray(a)[1, 1] = 40
    assert a.tolist() == [[0, 1, 2], [3, 40, 5]] and turned.tolist() == [[0, 3], [1, 40], [2, 5]] and part.tolist() == [[3, 40, 5]]
    assert (a + 1).tolist() == [[1, 2, 3], [4, 41, 6]] and (turned * 2)[1, 1].item() == 80
    memoryview(a)[0, 0] = 7
    assert turned[0, 0].item() == 7


def test_numbers_and_memory_of_others_are_read_only():
    assert not np.asarray(mx.array(3.0)).flags.writeable
    shared = mx.asarray(np.frombuffer(bytes(8), np.float32), copy=False)
    assert not np.asarray(shared).flags.writeable and memoryview(shared).readonly


def test_array_method():
    a = mx.array([1.5, 2])
    assert np.shares_memory(a.__array__(), np.asarray(a)) and a.__array__("f8").dtype == np.float64 and a.__array__(np.int8).tolist() == [1, 2]
    assert not np.shares_memory(a.__array__(copy=True), np.asarray(a))
    for wrong in (lambda: a.__array__(dtype="f8", copy=False), lambda: a.__array__(copy=3), lambda: a.__array__(dtype="nothing"), lambda: a.__array__(1, 2, 3)):
        with pytest.raises((ValueError, TypeError)) as raised:
            wrong()
        assert str(raised.value)
    assert np.sin(a).tolist() == np.sin(np.array([1.5, 2], np.float32)).tolist() and np.float32(mx.array(2.5)) == 2.5


@pytest.mark.parametrize("dtype", [t for t in "?bBhHiIqQefdF"])
def test_every_dtype_both_ways(dtype):
    n = X.astype(dtype)
    a = mx.array(n, dtype=mx.float64) if dtype == "d" else mx.array(n)
    assert np.asarray(a).dtype == n.dtype and np.asarray(a).tolist() == n.tolist()
    for laid in (n[::-1], n[:, ::2], n.T, n[1:, ::-3], np.asfortranarray(n), n[:, :0], np.broadcast_to(n[:1], (5, 4)), n[0, :1].reshape(())):
        assert mx.array(laid, dtype=a.dtype).tolist() == laid.tolist()
        shared = mx.asarray(laid, dtype=a.dtype, copy=False)
        assert shared.shape == laid.shape and shared.tolist() == laid.tolist()


# ---- From NumPy and other lenders
def test_mx_array_copies_and_asarray_shares_where_told_to():
    n = X.copy()
    copied, plain, shared = mx.array(n), mx.asarray(n), mx.asarray(n, copy=False)
    turned = mx.asarray(n.T[::-1], copy=False)
    n[0, 1] = 99
    assert copied[0, 1].item() == plain[0, 1].item() == 1
    assert shared[0, 1].item() == 99 and turned[2, 0].item() == 99
    b = shared + 1
    del shared
    mx.eval(b)
    assert n[0, 1] == 99  # never computed in memory of others


def test_shared_memory_lives_as_long_as_it_is_used():
    n = X.copy()
    gone = weakref.ref(n)
    a = mx.asarray(n, copy=False)
    del n
    part = a[1:]
    mx.eval(part)
    del a
    settle()
    assert gone() is not None and part.tolist() == X[1:].tolist()
    del part
    settle()
    assert gone() is None


def test_the_owner_may_be_told_on_another_thread():
    n = X.copy()
    gone = weakref.ref(n)
    held = [mx.asarray(n, copy=False)]
    del n
    thread = threading.Thread(target=lambda: (mx.eval(held[0] * 2), held.clear()))
    thread.start()
    thread.join()
    settle()
    assert gone() is None


def test_copies_of_arrays():
    a = mx.arange(4)
    mx.eval(a)
    fresh, same = mx.asarray(a, copy=True), mx.asarray(a)
    np.asarray(a)[0] = 9
    assert fresh.tolist() == [0, 1, 2, 3] and same.tolist() == [9, 1, 2, 3]
    assert mx.asarray(mx.arange(3) * 2, copy=True).tolist() == [0, 2, 4]
    assert mx.grad(lambda x: (mx.asarray(x, copy=True) ** 2).sum())(mx.array([1.0, 2.0])).tolist() == [2, 4]
    assert mx.asarray([1, 2], dtype=mx.float16).dtype == mx.float16 and mx.asarray(a, dtype=mx.int8).dtype == mx.int8


@pytest.mark.parametrize("call", [
    lambda: mx.asarray(X.astype("f8"), copy=False), lambda: mx.asarray(X.astype("c16"), copy=False), lambda: mx.asarray(X.astype(">f4"), copy=False),
    lambda: mx.asarray(X, dtype=mx.float16, copy=False), lambda: mx.asarray(3, copy=False), lambda: mx.asarray([1], copy=False),
    lambda: mx.asarray(mx.array([1]), dtype=mx.float32, copy=False), lambda: mx.asarray(np.zeros(9, np.uint8)[1:].view("f4"), copy=False),
    lambda: mx.asarray(np.zeros(2, [("a", "f4"), ("b", "i1")])["a"], copy=False),
    lambda: mx.asarray(X.astype(ml_dtypes.bfloat16), dtype=mx.float32, copy=False)])
def test_what_cannot_be_shared(call):
    with pytest.raises(ValueError, match="shared|without a copy"):
        call()


def test_foreign_byte_orders_and_layouts():
    for dtype in (">f4", ">i8", ">u2", ">f8", ">c8", ">c16", "<i4", "=f2"):
        n = X.astype(dtype)
        assert mx.array(n).tolist() == n.tolist() and mx.array(n.T).tolist() == n.T.tolist()
    assert mx.array(np.zeros(9, np.uint8)[1:].view("f4")).tolist() == [0, 0]
    assert mx.array(array.array("d", [1, 2])).dtype == mx.float32 and mx.array(array.array("l", [1])).dtype == mx.int64
    assert mx.array(b"ab").tolist() == [97, 98]
    assert mx.array(memoryview(b"\2\0").cast("?")).view(mx.uint8).tolist() == [1, 0]  # any bit makes a true bool


@pytest.mark.parametrize("value", [np.array(["2020-01-01"], "M8[D]"), np.array([1], "m8[s]"), np.array([{}]), np.array(["a"]), np.array([b"a"]), np.zeros(1, np.longdouble),
                                   np.zeros(1, [("a", "i4")]), np.zeros(1, ml_dtypes.float8_e4m3fn), "abc", None, {1: 2}, range(3), object(), int])
def test_what_has_no_dtype_is_named(value):
    for make in (mx.array, mx.asarray, lambda v: mx.array([v])):
        with pytest.raises(TypeError, match=r"\[array\] (cannot make an array of|a buffer of)"):
            make(value)


def test_objects_that_offer_an_array():
    class Mlx:
        def __mlx_array__(self):
            return mx.array([1.5, 2])

    class NumPy:
        def __array__(self, dtype=None, copy=None):
            return X.astype("f8")

    class Wrong:
        def __mlx_array__(self):
            return 3

    class Raises:
        def __array__(self):
            raise KeyError("mine")

    assert mx.array(Mlx()).tolist() == [1.5, 2] and (mx.array([1, 2]) + Mlx()).tolist() == [2.5, 4] and (Mlx() * mx.array(2)).tolist() == [3, 4]
    assert mx.maximum(Mlx(), 1.75).tolist() == [1.75, 2] and mx.asarray(Mlx(), copy=False).tolist() == [1.5, 2]
    assert mx.array(NumPy()).tolist() == X.tolist() and mx.array(NumPy()).dtype == mx.float32 and mx.array(NumPy(), dtype=mx.float64).dtype == mx.float64
    with pytest.raises(TypeError, match="must return an array"):
        mx.array(Wrong())
    with pytest.raises(KeyError, match="mine"):
        mx.array(Raises())


def test_numbers_of_numpy_are_weak_beside_arrays():
    half, small = mx.array([1, 2], dtype=mx.float16), mx.array([1, 2], dtype=mx.int8)
    assert (half * np.float32(2)).dtype == (half + np.array(2.0)).dtype == mx.maximum(np.float64(1), half).dtype == mx.float16
    assert (small + np.int64(3)).dtype == mx.int8 and (small * np.float32(0.5)).tolist() == [0.5, 1] and (small * np.bool_(True)).dtype == mx.int8
    assert mx.full((2,), np.int8(3)).dtype == mx.int8 and mx.array(np.int64(3)).dtype == mx.int64


# ---- bfloat16
def test_bfloat16_both_ways():
    a = mx.array([[1.5, 2], [3, -0.0]], dtype=mx.bfloat16)
    n = np.asarray(a.T)
    assert n.dtype == ml_dtypes.bfloat16 and n.tolist() == [[1.5, 3], [2, -0.0]] and np.array(a, dtype="f4").dtype == np.float32
    n[0, 0] = 8
    assert a[0, 0].item() == 8
    assert mx.array(n).dtype == mx.bfloat16 and mx.array(n).tolist() == [[8, 3], [2, 0]]
    shared = mx.asarray(n.T, copy=False)
    n[0, 0] = 9
    assert shared[0, 0].item() == 9 and mx.array(ml_dtypes.bfloat16(1.5)).dtype == mx.bfloat16
    with pytest.raises(BufferError, match="bfloat16"):
        memoryview(a)


def test_bfloat16_without_ml_dtypes(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(TypeError, match="install ml_dtypes"):
        np.asarray(mx.array([1.0], dtype=mx.bfloat16))


# ---- The array API
def test_array_namespace():
    a = mx.array([1.0])
    assert a.__array_namespace__() is mx and a.__array_namespace__(api_version=None) is mx
    for version, error in (("2023.12", ValueError), (3, TypeError)):
        with pytest.raises(error):
            a.__array_namespace__(version)


def test_array_namespace_info():
    info = mx.__array_namespace_info__()
    assert info.devices() == (info.default_device(),) and info.capabilities()["boolean indexing"] is True
    assert info.default_dtypes(device=mx.Device(mx.cpu)) == {"real floating": mx.float32, "complex floating": mx.complex64, "integral": mx.int32, "indexing": mx.int32}
    every = info.dtypes()
    assert len(every) == 12 and every["bool"] == mx.bool_ and all(mx.isdtype(t, k) for k in ("bool", "integral", "numeric") for t in info.dtypes(kind=k).values())
    assert info.dtypes(kind=("bool", "complex floating")) == {"bool": mx.bool_, "complex64": mx.complex64}
    for wrong in (lambda: info.dtypes(kind="int"), lambda: info.dtypes(device=mx.Device(mx.gpu)), lambda: info.default_dtypes(device=mx.Device(mx.cpu, 1))):
        with pytest.raises(ValueError, match="there is no"):
            wrong()


def test_nothing_is_left_behind():
    def use():
        np.asarray(mx.array(X))[0, 0] = 1
        for n in (X, X.T, X[::-1, ::2], X[:0]):
            mx.asarray(n, copy=False) + 1
            mx.array(n).__array__()
        for wrong in ("abc", np.array([{}]), X.astype("f8")):
            with pytest.raises((TypeError, ValueError)):
                mx.asarray(wrong, copy=False)

    blocks, nbytes = growth(use)
    assert blocks < 50 and nbytes == 0

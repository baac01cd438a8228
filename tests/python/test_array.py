"""The array object: construction, conversions, operators, indexing, text."""
import copy
import math
import operator
import pickle
import zlib

import numpy as np
import pytest

import mlx.core as mx

DTYPES = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16, mx.float32, mx.float64,
          mx.bfloat16, mx.complex64]
NUMPY = {mx.bool_: np.bool_, mx.uint8: np.uint8, mx.uint16: np.uint16, mx.uint32: np.uint32, mx.uint64: np.uint64, mx.int8: np.int8,
         mx.int16: np.int16, mx.int32: np.int32, mx.int64: np.int64, mx.float16: np.float16, mx.float32: np.float32, mx.float64: np.float64,
         mx.complex64: np.complex64}


# ---- Construction
@pytest.mark.parametrize("value, dtype, shape", [
    (True, mx.bool_, ()), (1, mx.int32, ()), (2**40, mx.int64, ()), (1.5, mx.float32, ()), (1j, mx.complex64, ()), ([], mx.float32, (0,)),
    ([1, 2], mx.int32, (2,)), ([1, 2**40], mx.int64, (2,)), ([True, False], mx.bool_, (2,)), ([True, 2], mx.int32, (2,)),
    ([1, 2.5], mx.float32, (2,)), ([1, 2j], mx.complex64, (2,)), ([[1], [2]], mx.int32, (2, 1)), (([1, 2], (3, 4)), mx.int32, (2, 2)),
    ([[], []], mx.float32, (2, 0)), (range(0), None, None)])
def test_dtype_and_shape_of_values(value, dtype, shape):
    if dtype is None:
        with pytest.raises(TypeError):
            mx.array(value)
        return
    a = mx.array(value)
    assert (a.dtype, a.shape) == (dtype, shape)
    assert a.tolist() == (list(map(list, value)) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_survives(dtype):
    for value in (1, [1, 0], [[1.0, 0.0]]):
        a = mx.array(value, dtype=dtype)
        assert a.dtype == dtype and np.array(a.tolist()).tolist() == np.array(value).tolist()
    assert repr(dtype).startswith("mlx.core.") and pickle.loads(pickle.dumps(dtype)) is dtype
    assert a.itemsize == dtype.size and a.nbytes == 2 * dtype.size


def test_lists_of_arrays_are_stacked():
    a = mx.array([mx.array([1.0, 2.0]), np.array([3, 4], dtype=np.float32)])
    assert a.tolist() == [[1, 2], [3, 4]]
    assert mx.array([mx.array(1), 2.5]).tolist() == [1, 2.5]


@pytest.mark.parametrize("dtype", NUMPY)
def test_numpy_both_ways(dtype):
    n = np.array([[0, 1, 2], [3, 4, 5]]).astype(NUMPY[dtype])
    for view in (n, n.T, n[:, ::2], n[::-1], n[:0], n[0, 0]):
        a = mx.array(view, dtype=dtype)
        assert a.dtype == dtype
        back = np.asarray(a)
        assert back.dtype == view.dtype and back.shape == view.shape and (back == view).all()
    for strided in (a, mx.array(n).T, mx.array(n)[:, ::-1]):
        assert np.asarray(strided).shape == strided.shape


def test_numpy_defaults():
    assert mx.array(np.zeros(2)).dtype == mx.float32
    assert mx.array(np.zeros(2, dtype=np.complex128) + 1j).tolist() == [1j, 1j]
    assert mx.array(np.float32(2)).shape == () and mx.array(np.int64(3)).dtype == mx.int64
    assert (mx.array([1, 2]) + np.array([1, 2], dtype=np.int32)).tolist() == [2, 4]


def test_memoryview_flags():
    a = mx.arange(6).reshape(2, 3)
    m = memoryview(a)
    assert (m.format, m.shape, m.readonly, bytes(m)) == ("i", (2, 3), False, np.arange(6, dtype=np.int32).tobytes())
    assert memoryview(a.T).strides == (4, 12)
    with pytest.raises(BufferError):
        zlib.crc32(a.T)  # asks for contiguous memory
    assert zlib.crc32(a) == zlib.crc32(bytes(m))


# ---- As Python numbers
def test_numbers():
    assert int(mx.array(3.7)) == 3 and float(mx.array(3)) == 3.0 and bool(mx.array(0)) is False and [10, 20][mx.array(1)] == 20
    assert type(mx.array(1).item()) is int and type(mx.array(True).item()) is bool and mx.array(1 + 2j).item() == 1 + 2j
    assert mx.array([[2.5]]).item() == 2.5
    for v in (65504.0, 6e-8, -0.0, math.inf):
        assert mx.array(v, dtype=mx.float16).item() == np.float16(v) and math.copysign(1, mx.array(v, dtype=mx.float16).item()) == math.copysign(1, v)
    assert math.isnan(mx.array(math.nan, dtype=mx.float16).item()) and mx.array(3.0, dtype=mx.bfloat16).item() == 3
    assert mx.array(2**64 - 1 - 2**63, dtype=mx.uint64).item() == 2**63 - 1


# ---- Operators
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.lt, operator.le,
          operator.gt, operator.ge, operator.eq, operator.ne]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("op", BINARY + BITS)
def test_operators(op):
    n = np.array([1, 2, 3], dtype=np.int32 if op in BITS else np.float32)
    a = mx.array(n)
    for x, y, expected in [(a, a, op(n, n)), (a, 2, op(n, 2)), (2, a, op(2, n))]:
        np.testing.assert_allclose(np.array(op(x, y)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", "iadd isub imul itruediv ifloordiv imod ipow".split())
def test_in_place_swaps_the_slot(name):
    a = mx.array([1.0, 2.0, 4.0])
    alias, view = a, a[1:]
    expected = getattr(operator, name[1:] if name != "ipow" else "pow")(a, 2.0)
    a = getattr(operator, name)(a, 2.0)
    assert alias is a and a.tolist() == expected.tolist() and view.tolist() == [2, 4]


@pytest.mark.parametrize("left, right, dtype", [
    (mx.int32, 1, mx.int32), (mx.int32, 1.0, mx.float32), (mx.bool_, 1, mx.int32), (mx.float16, 1.0, mx.float16), (mx.bfloat16, 2, mx.bfloat16),
    (mx.uint8, 1, mx.uint8), (mx.float16, 1j, mx.complex64), (mx.int8, True, mx.int8)])
def test_python_numbers_are_weak(left, right, dtype):
    a = mx.array([1], dtype=left)
    assert (a + right).dtype == dtype and (right + a).dtype == dtype
    assert (a + mx.array(1.0)).dtype == (mx.complex64 if left == mx.complex64 else mx.float32)


def test_unary_operators():
    a = mx.array([1, -2])
    assert ((-a).tolist(), (+a).tolist(), abs(a).tolist(), (~a).tolist()) == ([-1, 2], [1, -2], [1, 2], [-2, 1])


def test_equality_with_other_things_is_false():
    a = mx.array([1])
    assert (a == "x") is False and (a != None) is True  # noqa: E711
    assert a in [a] and hash(a) == hash(a) and len({a, mx.array([1])}) == 2


# ---- Attributes and copies
def test_attributes():
    a = mx.zeros((2, 3, 4), dtype=mx.complex64)
    assert (a.shape, a.ndim, a.size, a.itemsize, a.nbytes, len(a)) == ((2, 3, 4), 3, 24, 8, 192, 2)
    assert (a.T.shape, a.mT.shape, a.real.dtype, a.imag.dtype) == ((4, 3, 2), (2, 4, 3), mx.float32, mx.float32)
    with pytest.raises(AttributeError):
        a.nothing = 1


def test_copies_have_slots_of_their_own():
    a = mx.array([1.0])
    b, c = copy.copy(a), copy.deepcopy(a)
    a += 1
    assert (a.item(), b.item(), c.item()) == (2, 1, 1)


def test_text_is_mlx_s():
    assert repr(mx.array([1.0, 2.5])) == "array([1, 2.5], dtype=float32)"
    assert str(mx.array([[1, 2], [3, 4]])) == "array([[1, 2],\n       [3, 4]], dtype=int32)"
    assert repr(mx.array(True)) == "array(True, dtype=bool)"
    assert len(repr(mx.arange(2**40, 2**40 + 6).reshape(1, 1, 1, 1, 1, 6))) > 50
    assert "..." in repr(mx.arange(5000))


def test_iteration_and_membership():
    rows = list(mx.array([[1, 2], [3, 4]]))
    assert [r.tolist() for r in rows] == [[1, 2], [3, 4]]
    x, y = mx.array([5, 6])
    assert (x.item(), y.item()) == (5, 6)


# ---- Indexing
N = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
I, J, K = np.array([1, 0, 1]), np.array([[0], [1]]), np.array(-1)
INDICES = [
    0, -1, (1, 2), (1, 2, 3), (1, 2, 3, 4), slice(None), slice(1, None), slice(None, None, -1), slice(5, 0, -2), slice(3, 1), (slice(None), 1),
    (slice(None), slice(0, 2), 3), (Ellipsis, 0), (0, Ellipsis), (0, Ellipsis, 1), Ellipsis, None, (None, 0), (0, None, Ellipsis, None, 1),
    (slice(None, None, 2), None, slice(2, 0, -1)), (), np.int64(1), I, (I,), (slice(None), I), (Ellipsis, I), (I, I), (I, 0), (0, I),
    (slice(None), I, I), (I, slice(None), I), (J, I), (slice(None), J, I), (I, None, 0), (None, I), (slice(0, 1), J, slice(1, 3)), (K, K), J,
    (0, slice(None), I), (0, I, slice(1, 4, 2)), (slice(None), 0, slice(None), I), (Ellipsis, I, None)]


def ours(index):
    if isinstance(index, np.ndarray):
        return mx.array(index)
    return tuple(map(ours, index)) if isinstance(index, tuple) else index


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_reading(index):
    got, expected = np.array(mx.array(N)[ours(index)]), N[index]
    assert got.shape == expected.shape and (got == expected).all()


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_writing(index):
    place = N[index]
    for value in (7, np.arange(place.size).reshape(place.shape), np.arange(place.size).reshape((1, *place.shape))):
        n, a = N.copy(), mx.array(N)
        if isinstance(value, np.ndarray) and isinstance(index, tuple) and any(isinstance(i, np.ndarray) for i in index) or isinstance(index, np.ndarray):
            value = 7  # repeated places: which of several values stays is not the subject
        n[index] = value if np.ndim(value) == 0 else value.reshape(place.shape)
        a[ours(index)] = mx.array(value) if isinstance(value, np.ndarray) else value
        assert np.array(a).tolist() == n.tolist()


def test_writing_several_values_through_arrays():
    n, a = N.copy(), mx.array(N)
    index = (slice(None), np.array([2, 0]), slice(1, 3), np.array([4, 1]))
    value = np.arange(2 * 2 * 2).reshape(2, 2, 2)
    n[index] = value
    a[ours(index)] = mx.array(value)
    assert np.array(a).tolist() == n.tolist()


def test_writing_keeps_dtype_and_leaves_views_alone():
    a = mx.array([1, 2, 3])
    view = a[1:]
    a[1] = 9.7
    assert a.dtype == mx.int32 and a.tolist() == [1, 9, 3] and view.tolist() == [2, 3]
    a[0:2] = [5, 6]
    assert a.tolist() == [5, 6, 3]
    with pytest.raises(TypeError):
        del a[0]


# ---- array.at
AT = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "maximum": np.maximum, "minimum": np.minimum}


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("index", [0, slice(None, None, 2), (slice(None), 1), (Ellipsis, None, 2), I, (slice(None), np.array([1, 1, 0])), (I, 0)],
                         ids=str)
def test_at(name, index):
    n = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    a = mx.array(n)
    AT[name].at(n, index, np.float32(2))
    assert np.array(getattr(a.at[ours(index)], name)(2)).tolist() == n.tolist()
    assert a.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_at_casts_the_value_first_and_is_differentiable():
    assert mx.array([1, 2]).at[0].add(1.7).tolist() == [2, 2]
    assert mx.array([1, 2]).at[0].divide(0.5).tolist() == [2, 2]  # a product with 2, the reciprocal as an integer
    assert mx.array([1, 2]).at[0].divide(1.5).tolist() == [0, 2]
    assert mx.array([1.0], dtype=mx.float64).at[0].divide(3.0).item() == 1 / 3
    assert mx.grad(lambda x: (x.at[mx.array([0, 0])].add(x[1]) ** 2).sum())(mx.array([1.0, 2.0])).tolist() == [10, 24]


@pytest.mark.parametrize("call", [lambda a: a.at.add(1), lambda a: a.at[0][0], lambda a: a.at[9].add(1), lambda a: a.at["x"].add(1),
                                  lambda a: a.at[0].add("x"), lambda a: a.at[0].add(mx.ones((7,))), lambda a: a.at[0].add(), lambda a: type(a.at)()])
def test_wrong_use_of_at(call):
    with pytest.raises((TypeError, ValueError, IndexError)):
        call(mx.array([1.0, 2.0]))

"""Masks, lists and odd things as indices; NumPy is the oracle where it has an answer."""
import itertools

import numpy as np
import pytest

import mlx.core as mx

N = np.arange(2 * 3 * 4).reshape(2, 3, 4)
M1, M2, M3 = np.array([False, True]), np.array([[True, False, True], [False, False, True]]), N % 3 == 1
MASKS = [
    M1, M2, M3, (M1,), (M2, 1), (M2, slice(1, 3)), (slice(None), np.array([True, False, True])), (Ellipsis, np.array([True, False, False, True])),
    (M1, slice(None), np.array([2])), (M1, np.array([1]), 2), (0, M2[0], 1), (slice(None), N[0] > 5), (slice(None), N[0] > 5, None), (None, M2),
    (M2, None), (M1, Ellipsis, slice(None)), (~M1 & False), (M2 & False), np.ones((2, 3, 4), bool),
    True, False, (True, 0), (Ellipsis, True), (False, slice(None)), np.bool_(True), (np.array([0, 0]), np.array([True, True, False]))]


def ours(index):
    if isinstance(index, np.ndarray):
        return mx.array(index)
    return tuple(map(ours, index)) if isinstance(index, tuple) else index


def equal(got, expected):
    got = np.array(got)
    assert got.shape == expected.shape and (got == expected).all()


# ---- Reading
@pytest.mark.parametrize("index", MASKS, ids=str)
def test_reading_through_masks(index):
    equal(mx.array(N)[ours(index)], N[index])
    equal(mx.array(N)[index], N[index])  # NumPy's own arrays
    equal(mx.array(N).transpose(2, 0, 1).transpose(1, 2, 0)[ours(index)], N[index])


def theirs(index):
    if isinstance(index, list):
        return np.array(index, dtype=None if index else int)
    return tuple(map(theirs, index)) if isinstance(index, tuple) else index


@pytest.mark.parametrize("index", [[1, 0], [[0, 1], [1, 1]], [True, False], [], [-1], (0, [2, 0]), ([0, 1], [2, 0], [3, 3]), (slice(None), [1]),
                                   ([True, False], slice(None), 0)], ids=repr)
def test_reading_through_lists(index):
    equal(mx.array(N)[index], N[theirs(index)])


def test_lists_of_arrays_are_indices():
    assert mx.array(N)[[mx.array(1), 0]].tolist() == N[[1, 0]].tolist()


def test_masks_of_random_shapes():
    r = np.random.default_rng(3)
    for shape in itertools.product((0, 1, 3), repeat=3):
        n = r.integers(0, 9, shape)
        for rank in range(4):
            mask = r.random(shape[:rank]) < 0.5
            equal(mx.array(n)[mx.array(mask)], n[mask])
            written, a = n.copy(), mx.array(n)
            written[mask] = 7
            a[mx.array(mask)] = 7
            equal(a, written)


def test_reading_a_mask_under_grad():
    w = mx.array([1.0, -2.0, 3.0])
    assert mx.grad(lambda x: (x[x > 0] ** 2).sum())(w).tolist() == [2, 0, 6]
    assert mx.grad(lambda x: x[mx.array([False] * 3)].sum())(w).tolist() == [0, 0, 0]


# ---- Writing
@pytest.mark.parametrize("index", MASKS, ids=str)
def test_writing_through_masks(index):
    place = N[index]
    for value in (7, np.arange(place.size).reshape(place.shape) + 50, np.arange(place.size).reshape((1, *place.shape)) + 50):
        if np.ndim(value) and isinstance(index, tuple) and any(isinstance(i, np.ndarray) and i.dtype != bool for i in index):
            continue  # places may repeat
        n, a = N.copy(), mx.array(N)
        n[index] = value if np.ndim(value) == 0 else value.reshape(place.shape)
        a[ours(index)] = mx.array(value) if isinstance(value, np.ndarray) else value
        equal(a, n)


def test_a_row_for_all_or_one_for_each():
    a = mx.zeros((3, 2), dtype=mx.int32)
    mask = mx.array([True, False, True])
    for value, expected in (([1, 2], [[1, 2], [0, 0], [1, 2]]), ([[1, 2]], [[1, 2], [0, 0], [1, 2]]), ([[1], [2]], [[1, 1], [0, 0], [2, 2]]),
                            ([[1, 2], [3, 4], [5, 6]], [[1, 2], [0, 0], [3, 4]]), ([[[1, 2], [3, 4]]], [[1, 2], [0, 0], [3, 4]])):
        b = mx.array(a)
        b[mask] = mx.array(value)
        assert b.tolist() == expected


def test_too_few_values_are_found_when_evaluated():
    a = mx.zeros(4)
    a[mx.array([True] * 3 + [False])] = mx.array([1.0, 2.0])
    with pytest.raises(IndexError):
        a.tolist()
    a = mx.zeros(4)
    a[mx.array([False] * 4)] = mx.zeros((0,))
    assert a.tolist() == [0] * 4
    a[mx.array([False, True, False, False])] = mx.zeros((0,))
    with pytest.raises(IndexError):
        mx.eval(a)


def test_writing_a_mask_is_differentiable_and_lazy():
    def f(x, v):
        x[mx.array([True, False, True])] = v
        return (x * mx.array([1.0, 2.0, 3.0])).sum()

    one, each = (mx.grad(f, argnums=(0, 1))(mx.array([5.0, 6.0, 7.0]), v) for v in (mx.array(1.0), mx.array([1.0, 2.0])))
    assert (one[0].tolist(), one[1].item()) == ([0, 2, 0], 4) and (each[0].tolist(), each[1].tolist()) == ([0, 2, 0], [1, 3])


AT = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "maximum": np.maximum, "minimum": np.minimum}


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("index", [M1, M2, M3, (slice(None), M2[0]), (M1, 0), True], ids=str)
def test_at_through_masks(name, index):
    n = N.astype(np.float32) + 1
    a = mx.array(n)
    AT[name].at(n, index, np.float32(2))
    equal(getattr(a.at[ours(index)], name)(2), n)


def test_at_a_mask_with_values_and_infinities():
    a = mx.array([mx.inf, 1.0, mx.nan])
    mask = mx.array([False, True, False])
    assert a.at[mask].multiply(mx.array([4.0])).tolist()[:2] == [mx.inf, 4]
    assert mx.grad(lambda v: a.at[mask].multiply(v)[1])(mx.array([4.0])).tolist() == [1]


# ---- What is refused
@pytest.mark.parametrize("index", [1.0, "x", b"x", 1j, {}, range(2), object(), float("nan"), np.float32(1), slice(1.0, None), slice("a"),
                                   (slice(None), 2.5), [1.5], np.array([1.5]), (0, 0, 0, 0), (Ellipsis, Ellipsis), slice(None, None, 0),
                                   mx.array([True] * 3), np.array([[True] * 2] * 2), (0, np.array([True] * 2)), ((0, 1),)], ids=repr)
def test_value_errors(index):
    a = mx.array(N)
    for use in (lambda: a[index], lambda: a.__setitem__(index, 0), lambda: a.at[index].add(1)):
        with pytest.raises(ValueError):
            use()


@pytest.mark.parametrize("index", [2, -3, 2**31, 2**40, -(2**63), 2**70, (0, 3), (0, 0, -5), np.int64(2), [2], [-3], mx.array(9)], ids=repr)
def test_index_errors(index):
    a = mx.array(N)
    for use in (lambda: a[index], lambda: a.__setitem__(index, 0), lambda: a.at[index].add(1)):
        with pytest.raises(IndexError):
            result = use()
            mx.eval(a if result is None else result)


@pytest.mark.parametrize("dtype, value", [(mx.uint8, 300), (mx.uint8, -1), (mx.int32, 2**40), (mx.int32, 2**70), (mx.bool_, 2)])
def test_numbers_that_do_not_fit(dtype, value):
    a = mx.zeros((3,), dtype=dtype)
    for index in (0, slice(2), [0, 1], mx.array([True, False, True]), (Ellipsis, [True, False, True])):
        with pytest.raises(ValueError):
            a[index] = value
        with pytest.raises(ValueError):
            a.at[index].add(value)
    assert a.tolist() == [0, 0, 0]


def test_nothing_from_an_empty_axis():
    a = mx.zeros((0, 3))
    assert a[mx.zeros((0,), dtype=mx.int32)].shape == (0, 3) and a[[]].shape == (0, 3) and a[mx.zeros((0,), dtype=mx.bool_)].shape == (0, 3)
    a[[]] = 1
    assert a.tolist() == []


def test_rank_is_limited():
    a = mx.zeros((1,) * 64)
    with pytest.raises(ValueError):
        a[True]
    with pytest.raises(ValueError):
        mx.array(1)[(None,) * 65]


def test_lists_may_be_changed_while_they_are_read():
    class Swap:
        def __index__(self):
            a[:] = mx.zeros((2,), dtype=mx.int32)
            return 1

    a = mx.array([5, 6])
    assert a[Swap()].item() == 6

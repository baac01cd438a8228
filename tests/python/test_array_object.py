"""The array as a Python object: text and print options, pickles and copies, iteration, conversions, errors about axes."""
import copy
import gc
import operator
import pickle
import threading
import weakref

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn

DTYPES = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16, mx.float32, mx.float64,
          mx.bfloat16, mx.complex64]


# ---- Text
@pytest.fixture
def options():
    """Print options as they were, whatever a test leaves."""
    before = mx.get_printoptions().precision
    yield
    mx.set_printoptions(before)


@pytest.mark.parametrize("precision, text", [(3, "[1.235, 2.000, 0.000]"), (0, "[1, 2, 0]"), (-1, "[1.23456, 2, 1e-05]"),
                                             (12, "[1.234560012817, 2.000000000000, 0.000010000000]")])
def test_precision(options, precision, text):
    a = mx.array([1.23456, 2.0, 1e-5])
    mx.set_printoptions(precision=precision)
    assert repr(a) == str(a) == f"array({text}, dtype=float32)" and mx.get_printoptions().precision == precision
    assert repr(mx.array([1, 2])) == "array([1, 2], dtype=int32)"
    mx.set_printoptions()
    assert repr(a) == "array([1.23456, 2, 1e-05], dtype=float32)"


def test_precision_of_every_kind(options):
    mx.set_printoptions(2)
    for dtype in (mx.float16, mx.bfloat16, mx.float64):
        assert repr(mx.array([1.5], dtype=dtype)) == f"array([1.50], dtype={str(dtype).split('.')[-1]})"
    assert repr(mx.array(1 - 2j)) == "array(1.00-2.00j, dtype=complex64)"
    assert repr(mx.array([mx.nan, mx.inf])) == "array([nan, inf], dtype=float32)"


def test_options_for_a_while(options):
    a = mx.array(0.123)
    mx.set_printoptions(4)
    with mx.printoptions(precision=2) as context:
        assert "0.12," in str(a)
        with context, mx.printoptions(1):
            assert "0.1," in str(a)
            mx.set_printoptions(6)
        assert "0.12," in str(a)
    assert "0.1230," in str(a)
    with pytest.raises(ZeroDivisionError), mx.printoptions():
        assert "0.123," in str(a)
        1 / 0
    assert "0.1230," in str(a)
    mx.printoptions(1).__exit__(None, None, None)  # was never entered
    assert "0.1230," in str(a)


def test_options_are_the_process_s(options):
    mx.set_printoptions(2)
    texts = []
    thread = threading.Thread(target=lambda: texts.append(str(mx.array(0.123))))
    thread.start()
    thread.join()
    assert texts == ["array(0.12, dtype=float32)"]


def test_print_options_object():
    p = mx.PrintOptions(precision=3)
    p.precision = 5
    assert (p.precision, mx.PrintOptions().precision, mx.PrintOptions(2).precision) == (5, -1, 2)
    assert mx.get_printoptions().precision == -1 and isinstance(mx.get_printoptions(), mx.PrintOptions)
    for wrong in (lambda: setattr(p, "precision", "x"), lambda: setattr(p, "precision", 2**40), lambda: delattr(p, "precision"),
                  lambda: mx.set_printoptions("x"), lambda: mx.set_printoptions(1.5), lambda: mx.printoptions(precision=1, threshold=3),
                  lambda: mx.PrintOptions(None), lambda: type(mx.printoptions())()):
        with pytest.raises(TypeError):
            wrong()


def test_too_many_decimals(options):
    mx.set_printoptions(2**31 - 1)
    with pytest.raises(ValueError, match="decimals"):
        repr(mx.array(0.5))


def test_format():
    assert f"{mx.array(1.23456):.3f}" == "1.235" and f"{mx.array(3):5d}" == "    3" and f"{mx.array(True)}" == "True"
    assert f"{mx.array(1.5)}" == "1.5" and f"{mx.array(1 + 2j):.1f}" == "1.0+2.0j" and format(mx.array(2.0), "e") == "2.000000e+00"
    assert f"{mx.array([1, 2])}" == "array([1, 2], dtype=int32)" and f"{mx.array(1.5)!r}" == "array(1.5, dtype=float32)"
    for wrong in (lambda: f"{mx.array([1.5]):.3f}", lambda: mx.array(1).__format__(3)):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError):
        f"{mx.array(3.5):d}"


# ---- Pickles and copies
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pickles(dtype, protocol):
    for a in (mx.array(1, dtype=dtype), mx.array([[1, 0, 1], [0, 0, 1]], dtype=dtype), mx.array([[1, 0, 1], [0, 0, 1]], dtype=dtype).T,
              mx.zeros((0, 3), dtype=dtype)):
        b = pickle.loads(pickle.dumps(a, protocol))
        assert (b.dtype, b.shape, b.tolist()) == (dtype, a.shape, a.tolist())


def test_pickles_hand_memory_over():
    a = mx.arange(1000)
    buffers = []
    data = pickle.dumps(a, 5, buffer_callback=buffers.append)
    assert len(data) < 500 and len(buffers) == 1
    assert pickle.loads(data, buffers=buffers).tolist() == a.tolist()


@pytest.mark.parametrize("state, dtype, value", [((np.array([1, 2], dtype=np.int32), 7), mx.int32, [1, 2]),
                                                 ((np.array([16320], dtype=np.uint16), 12), mx.bfloat16, [1.5]),
                                                 ((np.array([[1.5]], dtype=np.float64), 11), mx.float64, [[1.5]]),
                                                 ((np.array(True), 0), mx.bool_, True)])
def test_states_of_mlx(state, dtype, value):
    a = mx.array(0)
    a.__setstate__(state)
    assert (a.dtype, a.tolist()) == (dtype, value)


@pytest.mark.parametrize("state", [None, (), (1,), (b"", (1,), mx.int32), (b"1234", (2**62, 2**62), mx.int32), (b"1234", (-1,), mx.int32),
                                   (b"1234", [1], mx.int32), (b"1234", (1.0,), mx.int32), (b"1234", (1,), "int32"), ("1234", (1,), mx.int32),
                                   (np.zeros(1), 14), (np.zeros(1), -1), (np.zeros(1), "x"), (np.zeros(1), 2**70), (b"", (0,) * 65, mx.int32)],
                         ids=repr)
def test_wrong_states_change_nothing(state):
    a = mx.array([1, 2])
    with pytest.raises((TypeError, ValueError)):
        a.__setstate__(state)
    assert a.tolist() == [1, 2]


def test_an_array_made_by_new_has_a_value():
    assert mx.array.__new__(mx.array).shape == ()
    a = mx.array.__new__(mx.array, [1, 2])
    a.__init__([1, 2])
    assert a.tolist() == [1, 2]
    with pytest.raises(TypeError):
        a.__init__(1, 2, 3)
    assert a.tolist() == [1, 2]


def test_classes_may_derive_from_array():
    class Tagged(mx.array):
        def __init__(self, value, tag):
            super().__init__(value)
            self.tag = tag

        def __radd__(self, other):
            return "mine"

    a = Tagged([1.0, 2.0], "t")
    assert (a.tag, a.tolist(), type(a + 1), type(a[0]), isinstance(a, mx.array)) == ("t", [1, 2], mx.array, mx.array, True)
    assert mx.array([1]) + a == "mine" and mx.sum(a).item() == 3 and mx.array(a).tolist() == [1, 2]
    assert mx.array([5, 6, 7])[Tagged([0, 2], None)].tolist() == [5, 7] and mx.concatenate([a, mx.ones(1)]).shape == (3,)
    assert mx.grad(lambda x: (x * x).sum())(a).tolist() == [2, 4]
    a += 1
    a[0] = 9
    assert (type(a), a.tag, a.tolist()) == (Tagged, "t", [9, 3]) and type(copy.copy(a)) is mx.array
    a.itself = a
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None
    with pytest.raises(TypeError):
        Tagged([1])


def test_modules_are_pickled_and_copied():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = mx.array([[1.0, -2.0]])
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other(x).tolist() == model(x).tolist()
        other.layers[0].weight += 1
        assert other(x).tolist() != model(x).tolist()


def test_deep_copies_keep_what_is_one():
    a = mx.array([1.0])
    b, c = copy.deepcopy([a, [a]])
    a += 1
    assert (b.item(), c[0].item()) == (1, 1)


# ---- Iteration
def test_iteration_sees_the_array_as_it_was():
    a = mx.array([1, 2, 3])
    it = iter(a)
    assert type(it) is mx.ArrayIterator and iter(it) is it and next(it).item() == 1
    a[1] = 9
    assert [x.item() for x in it] == [2, 3] and next(it, None) is None
    assert [x.tolist() for x in mx.array([[1], [2]])] == [[1], [2]] and list(mx.zeros((0, 2))) == []
    assert [x.item() for x in reversed(a)] == [3, 9, 1]
    for wrong in (lambda: iter(mx.array(1)), lambda: len(mx.array(1)), lambda: 1 in mx.array(1), mx.ArrayIterator):
        with pytest.raises(TypeError):
            wrong()


def test_iteration_is_differentiable():
    assert mx.grad(lambda x: sum(i * v for i, v in enumerate(x)))(mx.array([1.0, 2.0, 3.0])).tolist() == [0, 1, 2]


def test_membership():
    a = mx.array([[1, 2], [3, 4]])
    assert 3 in a[1] and 7 not in a[1] and mx.array(4) in a[1] and "x" not in a[1] and None not in a[1]
    with pytest.raises(ValueError):
        mx.array([1, 2]) in a  # noqa: B015


# ---- Conversions
def test_bytes():
    for a in (mx.array([1, 2]), mx.array([[1.5, 2], [3, 4]]).T, mx.array(3, dtype=mx.uint8), mx.zeros((0,))):
        assert bytes(a) == np.array(a).tobytes()
    assert bytes(mx.array([1.5], dtype=mx.bfloat16)) == b"\xc0?"


def test_complex_float_int():
    assert complex(mx.array(1 + 2j)) == 1 + 2j and complex(mx.array([1.5])) == 1.5 and complex(mx.array(True)) == 1
    for convert in (complex, float, int, bool):
        with pytest.raises(ValueError):
            convert(mx.array([1.0, 2.0]))
    for convert in (float, int):
        with pytest.raises(TypeError):
            convert(mx.array(1j))
    with pytest.raises(ValueError):
        int(mx.array(mx.nan))
    with pytest.raises(OverflowError):
        int(mx.array(mx.inf))


def test_only_an_integer_is_an_index():
    assert operator.index(mx.array(3, dtype=mx.uint8)) == 3 and "abc"[mx.array(-1)] == "c" and list(range(mx.array(2))) == [0, 1]
    for a in (mx.array(3.0), mx.array(True), mx.array([3]), mx.array([1, 2])):
        with pytest.raises(TypeError):
            operator.index(a)


def test_weak_references():
    a = mx.array(1)
    gone = []
    r = weakref.ref(a, gone.append)
    assert r() is a
    del a
    assert r() is None and gone == [r]


# ---- Operators
def test_division_by_its_old_name():
    a = mx.array([1, 2])
    assert a.__div__(2).tolist() == [0.5, 1] and a.__rdiv__(2).tolist() == [2, 1] and a.__div__("x") is NotImplemented


def test_integers_are_not_divided_in_place():
    a = mx.array([1, 2])
    with pytest.raises(ValueError, match="int32"):
        a /= 2
    b = mx.array([1.0, 2.0])
    b /= 2
    assert a.tolist() == [1, 2] and b.tolist() == [0.5, 1]


def test_in_place_changes_what_shares_the_object():
    a = mx.array([1, 2])
    b, view = a, a[:1]
    a += 1.5
    assert b is a and a.dtype == mx.float32 and a.tolist() == [2.5, 3.5] and view.tolist() == [1]
    a += mx.ones((2, 2))
    assert b.shape == (2, 2)


# ---- An axis out of range
@pytest.mark.parametrize("call", [lambda a: mx.sum(a, axis=2), lambda a: a.sum(-3), lambda a: mx.softmax(a, axis=2), lambda a: mx.sort(a, axis=2),
                                  lambda a: mx.unstack(a, axis=2), lambda a: mx.stack([a], axis=3), lambda a: mx.roll(a, 1, axis=2),
                                  lambda a: mx.linalg.norm(a, axis=2), lambda a: mx.transpose(a, (0, 2)), lambda a: mx.take(a, mx.array([0]), axis=5)])
def test_axis_errors_are_both(call):
    a = mx.ones((2, 2))
    for kind in (IndexError, ValueError, mx.AxisError):
        with pytest.raises(kind, match="axis"):
            call(a)
    try:
        call(a)
    except mx.AxisError as e:
        assert pickle.loads(pickle.dumps(e)).args == e.args


def test_other_errors_are_no_axis_errors():
    a = mx.ones((2, 2))
    for call in (lambda: mx.sum(a, axis=(0, 0)), lambda: mx.squeeze(a, axis=0), lambda: mx.transpose(a, (0, 0)), lambda: a.reshape(3)):
        with pytest.raises(mx.AxisError):
            mx.sum(a, axis=9)
        with pytest.raises(ValueError) as e:
            call()
        assert not isinstance(e.value, IndexError)


# ---- unique and its like
@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != mx.bfloat16], ids=str)
def test_unique(dtype):
    n = np.array(mx.array(np.random.default_rng(1).integers(0, 2 if dtype == mx.bool_ else 9, (4, 5))).astype(dtype))
    values, index, inverse, counts = np.unique(n, return_index=True, return_inverse=True, return_counts=True)
    got = mx.unique(mx.array(n, dtype=dtype), len(values), True, True, True)
    assert [x.dtype for x in got] == [dtype, mx.uint32, mx.uint32, mx.int32]
    for x, expected in zip(got, (values, index, inverse.reshape(n.shape), counts)):
        assert np.array(x).tolist() == expected.tolist()
    longer = mx.unique(mx.array(n, dtype=dtype), len(values) + 2, return_counts=True, fill_value=1)
    assert longer[0].tolist() == [*values.tolist(), *np.ones(2, n.dtype).tolist()] and longer[1].tolist()[-2:] == [0, 0]
    shorter = mx.unique(mx.array(n, dtype=dtype), 1, return_inverse=True)
    assert shorter[0].tolist() == values[:1].tolist() and shorter[1].tolist() == np.zeros(n.shape, int).tolist()


def test_unique_of_little():
    assert mx.unique(mx.zeros((0, 2)), 0, True, True, True)[2].shape == (0, 2)
    assert mx.unique(mx.zeros((0,)), 2, fill_value=7).tolist() == [7, 7] and mx.unique(mx.array(3), 2).tolist() == [3, 3]
    assert mx.unique(mx.array([2.0, mx.nan, mx.nan]), 3, return_counts=True)[1].tolist() == [1, 1, 1]
    assert mx.grad(lambda x: mx.unique(x, 3).sum())(mx.array([2.0, 1.0, 2.0])).tolist() == [1, 2, 0]
    for wrong in (lambda: mx.unique(mx.zeros((0,)), 1), lambda: mx.unique(mx.array([1]), -1), lambda: mx.unique(mx.array([1]), 2, fill_value=2**40),
                  lambda: mx.unique(mx.array([1]), 2, fill_value=mx.array([1, 2]))):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("subscripts, shapes, steps, costs", [
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], [(1, 2), (0, 1)], (4, 3, 360, 180)), ("ij->ji", [(2, 3)], [(0,)], (2, 2, 6, 6)),
    ("ij,jk", [(2, 3), (3, 4)], [(0, 1)], (3, 3, 48, 48)), ("ij,j,ik->ik", [(2, 3), (3,), (2, 4)], [(0, 1), (0, 1)], (3, 2, 72, 20)),
    ("ij,jk,kl,lm->im", [(2, 30), (30, 4), (4, 50), (50, 6)], [(2, 3), (0, 1), (0, 1)], (5, 3, 288000, 2976)), ("ij->", [(3, 3)], [(0,)], (2, 2, 18, 18))])
def test_einsum_path(subscripts, shapes, steps, costs):
    for dtype in (mx.float32, mx.int32):
        path, text = mx.einsum_path(subscripts, *[mx.ones(shape, dtype=dtype) for shape in shapes])
        assert path == steps
        assert text == ("  Complete contraction:  {}\n         Naive scaling:  {}\n     Optimized scaling:  {}\n"
                        "      Naive FLOP count:  {}\n  Optimized FLOP count:  {}\n").format(subscripts, *costs)


def test_steps_of_a_path_make_the_result():
    terms = {0: "ab", 1: "bc", 2: "cd", 3: "de", 4: "ea"}
    arrays = [mx.random.normal((n, m)) for n, m in ((2, 9), (9, 3), (3, 8), (8, 4), (4, 2))]
    names, values = list(terms.values()), list(arrays)
    for i, j in mx.einsum_path(",".join(names) + "->", *arrays)[0]:
        rest = "".join(n for k, n in enumerate(names) if k not in (i, j))
        out = "".join(sorted({c for c in names[i] + names[j] if c in rest}))
        values.append(mx.einsum(f"{names[i]},{names[j]}->{out}", values[i], values[j]))
        names.append(out)
        del values[j], values[i], names[j], names[i]
    np.testing.assert_allclose(np.array(values[0]), np.array(mx.einsum(",".join(terms.values()) + "->", *arrays)), rtol=1e-4)


def test_wrong_paths():
    for wrong, kind in ((lambda: mx.einsum_path(), TypeError), (lambda: mx.einsum_path(3), TypeError), (lambda: mx.einsum_path("i", 3), TypeError),
                        (lambda: mx.einsum_path("ij,jk"), ValueError), (lambda: mx.einsum_path("ij,jk", mx.ones((2, 3))), ValueError),
                        (lambda: mx.einsum_path("ij,jk->ik", mx.ones((2, 3)), mx.ones((4, 4))), ValueError)):
        with pytest.raises(kind, match="einsum_path"):
            wrong()


def test_correction_is_ddof():
    a = mx.arange(4.0)
    for f, g in ((mx.var, a.var), (mx.std, a.std)):
        assert f(a, correction=1).item() == g(correction=1).item() == f(a, ddof=1).item() == f(a, ddof=2, correction=1).item()
        assert f(a, correction=None).item() == f(a).item()


def test_names_that_arguments_have():
    a = mx.array([1.0, mx.nan])
    assert a.at[0].add(value=1).tolist()[0] == 2 and mx.isnan(a=a).tolist() == [False, True]
    for wrong in (lambda: a.at[0].add(), lambda: a.at[0].add(1, 2), lambda: a.at[0].add(x=1), lambda: a.at[0].add(1, value=2)):
        with pytest.raises(TypeError):
            wrong()


def test_matrices():
    a = mx.arange(24).reshape(2, 3, 4)
    assert mx.matrix_transpose(a).tolist() == np.swapaxes(np.array(a), 1, 2).tolist()
    assert mx.matrix_norm is mx.linalg.norm and mx.matrix_norm(mx.ones((2, 2))).item() == 2
    with pytest.raises(ValueError):
        mx.matrix_transpose(mx.ones((3,)))
    assert mx.roll(mx.arange(4), shift=1, axis=0).tolist() == [3, 0, 1, 2]


def test_everything_public_has_a_text():
    for name in mx.array.__dict__:
        assert name.startswith("_") or getattr(mx.array, name).__doc__, name

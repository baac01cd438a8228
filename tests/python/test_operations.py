"""Every function of mlx.core that NumPy has too, against NumPy in float64; and that no function is left out."""
import inspect

import numpy as np
import pytest

import mlx.core as mx

RNG = np.random.default_rng(3)
# float32 operations of few roundings over numbers below 10: a few units in the last place of the largest intermediate.
RTOL, ATOL = 2e-5, 2e-5


def floats(*shape, low=-2.0, high=2.0):
    return RNG.uniform(low, high, shape).astype(np.float32)


def ints(*shape, low=-9, high=9):
    return RNG.integers(low, high, shape).astype(np.int32)


def same(ours, theirs, check_dtype=None):
    """Compares nests of arrays."""
    if isinstance(ours, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
        return
    ours, theirs = np.array(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours.astype(np.complex128), theirs.astype(np.complex128), rtol=RTOL, atol=ATOL)


UNARY = {  # name: (low, high), and NumPy's name where it is another
    "abs": (-2, 2), "arccos": (-0.9, 0.9), "arccosh": (1.1, 9), "arcsin": (-0.9, 0.9), "arcsinh": (-9, 9), "arctan": (-9, 9),
    "arctanh": (-0.9, 0.9), "ceil": (-9, 9), "conjugate": (-9, 9), "cos": (-9, 9), "cosh": (-3, 3), "degrees": (-9, 9), "exp": (-3, 3),
    "expm1": (-3, 3), "floor": (-9, 9), "imag": (-9, 9), "isfinite": (-9, 9), "isinf": (-9, 9), "isnan": (-9, 9), "isneginf": (-9, 9),
    "isposinf": (-9, 9), "log": (0.1, 9), "log10": (0.1, 9), "log1p": (-0.9, 9), "log2": (0.1, 9), "logical_not": (-9, 9),
    "nan_to_num": (-9, 9), "negative": (-9, 9), "positive": (-9, 9), "radians": (-9, 9), "real": (-9, 9), "reciprocal": (0.5, 9),
    "round": (-9, 9), "sign": (-9, 9), "sin": (-9, 9), "sinh": (-3, 3), "sqrt": (0.1, 9), "square": (-9, 9), "tan": (-1.4, 1.4),
    "tanh": (-5, 5), "trunc": (-9, 9)}
BINARY = ["add", "arctan2", "divide", "equal", "floor_divide", "greater", "greater_equal", "less", "less_equal", "logaddexp",
          "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "not_equal", "power", "remainder", "subtract"]
INTEGER = ["bitwise_and", "bitwise_or", "bitwise_xor"]


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    x = floats(3, 5, low=UNARY[name][0], high=UNARY[name][1])
    same(getattr(mx, name)(mx.array(x)), getattr(np, name)(x.astype(np.float64)))


@pytest.mark.parametrize("name", BINARY)
def test_binary_broadcasts(name):
    a, b = floats(3, 1, low=0.5, high=3), floats(4, low=0.5, high=3)
    same(getattr(mx, name)(mx.array(a), mx.array(b)), getattr(np, name)(a.astype(np.float64), b.astype(np.float64)))


@pytest.mark.parametrize("name", INTEGER)
def test_bitwise(name):
    a, b = ints(3, 4), ints(4)
    same(getattr(mx, name)(mx.array(a), mx.array(b)), getattr(np, name)(a, b))


A, B, V, I = floats(3, 4), floats(4, 5), floats(6), ints(3, 4)
T3 = floats(2, 3, 4)
SQUARE = floats(4, 4) + 6 * np.eye(4, dtype=np.float32)
POSITIVE = SQUARE @ SQUARE.T
ASCENDING = np.sort(V)

# name, arguments, NumPy's function; strings are names in np
CASES = [
    *[(name, (T3,), dict(axis=axis, keepdims=keep), name) for name in ("sum", "prod", "max", "min", "mean", "var", "std", "median")
      for axis in (None, 0, -1) for keep in (False, True)],
    *[(name, (T3,), dict(axis=[0, 2]), lambda x, axis, n=name: getattr(np, n)(x, axis=tuple(axis))) for name in ("sum", "max", "mean")],
    *[(name, (T3,), dict(axis=axis, keepdims=keep), name) for name in ("argmax", "argmin") for axis in (None, 1) for keep in (False, True)],
    *[(name, (I,), dict(axis=axis), name) for name in ("all", "any", "count_nonzero") for axis in (None, 0)],
    *[(name, (T3,), dict(axis=axis), name) for name in ("cumsum", "cumprod") for axis in (None, 1)],
    ("cummax", (T3,), dict(axis=1), np.maximum.accumulate), ("cummin", (T3,), dict(axis=2), np.minimum.accumulate),
    ("logsumexp", (A,), dict(axis=1), lambda x, axis: np.log(np.exp(x).sum(axis=axis))),
    ("logcumsumexp", (A,), dict(axis=0), np.logaddexp.accumulate),
    ("softmax", (A,), dict(axis=1), lambda x, axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)),
    ("minmax", (A,), {}, lambda x: (x.min(), x.max())),
    ("diff", (A,), dict(n=2, axis=0), "diff"), ("trace", (A,), dict(offset=1), "trace"),
    ("allclose", (A, A), {}, "allclose"), ("isclose", (A, A + 1), {}, "isclose"), ("array_equal", (A, A), {}, "array_equal"),
    ("clip", (A, -1, 1), {}, "clip"), ("clip", (A, None, 1), {}, "clip"), ("divmod", (A, 1.5), {}, "divmod"),
    ("where", (I > 0, A, 0.0), {}, "where"),
    ("reshape", (T3, (4, -1)), {}, "reshape"), ("transpose", (T3,), dict(axes=(1, 0, 2)), "transpose"), ("transpose", (T3,), {}, "transpose"),
    ("permute_dims", (T3, (2, 0, 1)), {}, "transpose"), ("swapaxes", (T3, 0, 2), {}, "swapaxes"), ("moveaxis", (T3, 0, 2), {}, "moveaxis"),
    ("flatten", (T3, 1, 2), {}, lambda x, a, b: x.reshape(2, 12)), ("unflatten", (T3, 2, (2, 2)), {}, lambda x, a, s: x.reshape(2, 3, 2, 2)),
    ("squeeze", (T3[:1], 0), {}, "squeeze"), ("expand_dims", (A, (0, 2)), {}, "expand_dims"), ("broadcast_to", (V, (2, 6)), {}, "broadcast_to"),
    ("broadcast_arrays", (A, A[:1]), {}, "broadcast_arrays"), ("contiguous", (A.T,), {}, "ascontiguousarray"),
    ("concatenate", ([A, A],), dict(axis=1), "concatenate"), ("concatenate", ([A, A],), dict(axis=None), "concatenate"),
    ("concat", ([A, A],), {}, "concatenate"), ("stack", ([A, A],), dict(axis=-1), "stack"),
    ("split", (V, 3), {}, "split"), ("split", (A, [1, 3], 1), {}, "split"), ("unstack", (A,), dict(axis=1), lambda x, axis: list(x.T)),
    ("repeat", (A, 2), {}, "repeat"), ("repeat", (A, 2, 1), {}, "repeat"), ("tile", (A, (2, 1)), {}, "tile"), ("tile", (A, 2), {}, "tile"),
    ("pad", (A, 1), {}, "pad"), ("pad", (A, (1, 2)), {}, "pad"), ("pad", (A, [(1, 2), (0, 1)]), {}, "pad"),
    ("pad", (A, 2, "edge"), {}, "pad"), ("pad", (A, 2, "reflect"), {}, "pad"), ("pad", (A, 2, "symmetric"), {}, "pad"),
    ("pad", (A, 1), dict(constant_values=3.0), "pad"),
    ("roll", (A, 2), {}, "roll"), ("roll", (A, (1, 2), (0, 1)), {}, "roll"), ("flip", (A,), {}, "flip"), ("flip", (A, 1), {}, "flip"),
    ("diag", (V, 1), {}, "diag"), ("diag", (A,), {}, "diag"), ("diagonal", (T3, 0, 1, 2), {}, "diagonal"), ("tril", (A, 1), {}, "tril"),
    ("triu", (A, -1), {}, "triu"), ("meshgrid", (V, ASCENDING), {}, "meshgrid"), ("meshgrid", (V, V), dict(indexing="ij"), "meshgrid"),
    ("atleast_1d", (V,), {}, "atleast_1d"), ("atleast_2d", (V,), {}, "atleast_2d"), ("atleast_3d", (A,), {}, "atleast_3d"),
    ("take", (A, np.array([2, 0, 1]), 0), {}, "take"), ("take", (A, np.array([5, 0])), {}, "take"),
    ("take_along_axis", (A, np.argsort(A, 1)), dict(axis=1), "take_along_axis"),
    ("sort", (A,), dict(axis=0), "sort"), ("sort", (A,), dict(axis=None), "sort"), ("argsort", (A,), {}, "argsort"),
    ("searchsorted", (ASCENDING, V), {}, "searchsorted"), ("searchsorted", (ASCENDING, V), dict(side="right"), "searchsorted"),
    ("topk", (A, 4), {}, lambda x, k: x) , ("partition", (ASCENDING, 2), {}, "partition"), ("argpartition", (ASCENDING, 2), {}, "argpartition"),
    ("full", ((2, 3), 1.5), {}, "full"), ("zeros", ((2, 3),), {}, "zeros"), ("ones", (4,), {}, "ones"), ("full_like", (A, 2), {}, "full_like"),
    ("zeros_like", (A,), {}, "zeros_like"), ("ones_like", (A,), {}, "ones_like"), ("eye", (3, 4, 1), {}, "eye"), ("identity", (3,), {}, "identity"),
    ("tri", (3, 4, 1), {}, "tri"), ("arange", (5,), {}, "arange"), ("arange", (2, 11, 3), {}, "arange"), ("arange", (0, 1, 0.25), {}, "arange"),
    ("linspace", (0, 1, 5), {}, "linspace"), ("linspace", (0, 1, 5), dict(endpoint=False), "linspace"),
    *[(name, (7,), {}, name) for name in ("bartlett", "hanning", "hamming", "blackman")],
    ("matmul", (A, B), {}, "matmul"), ("addmm", (np.float32(0) + floats(3, 5), A, B), dict(alpha=2.0, beta=0.5),
                                       lambda c, a, b, alpha, beta: alpha * (a @ b) + beta * c),
    ("inner", (A, A), {}, "inner"), ("outer", (V, V), {}, "outer"), ("tensordot", (A, B, 1), {}, "tensordot"),
    ("tensordot", (T3, A, [[1, 2], [0, 1]]), {}, "tensordot"), ("kron", (A, A), {}, "kron"), ("vecdot", (A, A), {}, lambda a, b: (a * b).sum(-1)),
    ("einsum", ("ij,jk->ki", A, B), {}, "einsum"),
    ("linalg.norm", (A,), {}, "linalg.norm"), ("linalg.norm", (A, 1, 0), {}, "linalg.norm"), ("linalg.norm", (A, "fro"), {}, "linalg.norm"),
    ("linalg.norm", (A, "nuc"), dict(keepdims=True), "linalg.norm"), ("linalg.solve", (SQUARE, SQUARE[0]), {}, "linalg.solve"),
    ("linalg.inv", (SQUARE,), {}, "linalg.inv"), ("linalg.cholesky", (POSITIVE,), {}, "linalg.cholesky"),
    ("linalg.solve_triangular", (np.tril(SQUARE), V[:4]), {}, "linalg.solve"),
    ("linalg.svd", (A,), dict(compute_uv=False), "linalg.svd"),
]


def numpy_function(name):
    found = np
    for part in name.split("."):
        found = getattr(found, part)
    return found


def ours(x):
    """NumPy's arrays, also in lists, as ours."""
    if isinstance(x, np.ndarray):
        return mx.array(x)
    return type(x)(map(ours, x)) if isinstance(x, (list, tuple)) else x


def wide(x):
    if isinstance(x, np.ndarray) and x.dtype == np.float32:
        return x.astype(np.float64)
    return type(x)(map(wide, x)) if isinstance(x, (list, tuple)) else x


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_like_numpy(case):
    name, args, keywords, theirs = case
    found = mx
    for part in name.split("."):
        found = getattr(found, part)
    expected = (numpy_function(theirs) if isinstance(theirs, str) else theirs)(*map(wide, args), **keywords)
    got = found(*map(ours, args), **keywords)
    if name == "topk":
        got, expected = mx.sort(got), np.sort(expected)
    same(got, expected)


@pytest.mark.parametrize("name", ["qr", "svd"])
def test_factors_multiply_to_the_matrix(name):
    parts = [np.array(p) for p in getattr(mx.linalg, name)(mx.array(A))]
    if name == "svd":
        u, s, vt = parts
        parts = [u[:, : len(s)] * s, vt[: len(s)]]
    same(parts[0] @ parts[1], A)


# What is neither above nor in NumPy, and has tests of its own in this folder or in tests/c.
ELSEWHERE = set("""array Dtype async_eval clear_cache eval get_active_memory get_cache_memory get_peak_memory grad jvp num_threads
set_num_threads synchronize value_and_grad vjp custom_function checkpoint linalg random as_strided astype bitwise_invert bitwise_left_shift bitwise_right_shift
left_shift right_shift empty empty_like erf erfinv from_fp8 to_fp8 put_along_axis rsqrt sigmoid slice slice_update stop_gradient view
ArrayAt load save savez Device DeviceType DtypeCategory broadcast_shapes default_device is_available issubdtype result_type set_default_device
acos acosh asin asinh atan atan2 atanh conj cumulative_prod cumulative_sum pow
Stream StreamContext ThreadLocalStream asarray can_cast clear_streams default_stream depends device_count device_info finfo from_dlpack
get_array_buffer_size get_memory_limit iinfo isdtype new_stream new_thread_local_stream new_thread_unsafe_stream reset_peak_memory
savez_compressed set_cache_limit set_default_stream set_memory_limit set_wired_limit stream""".split())


# in test_array_object.py
OBJECT = "einsum_path ArrayIterator AxisError PrintOptions get_printoptions matrix_norm matrix_transpose printoptions set_printoptions unique".split()


def test_no_function_is_left_out():
    seen = {*UNARY, *BINARY, *INTEGER, *(c[0] for c in CASES), *ELSEWHERE, *OBJECT}
    functions = [n for n in dir(mx) if callable(getattr(mx, n)) and not n.startswith("_") and not isinstance(getattr(mx, n), mx.Dtype)]
    assert [n for n in functions if n not in seen] == []


@pytest.mark.parametrize("alias, name", [("acos", "arccos"), ("asinh", "arcsinh"), ("atan2", "arctan2"), ("conj", "conjugate"), ("pow", "power"),
                                         ("bitwise_left_shift", "left_shift"), ("cumulative_sum", "cumsum")])
def test_aliases(alias, name):
    args = {"atan2": 2, "pow": 2, "bitwise_left_shift": 2}.get(alias, 1)
    x = mx.array([1, 2, 3]) if "shift" in alias else mx.array([0.1, 0.2, 0.3])
    assert mx.array_equal(getattr(mx, alias)(*[x] * args), getattr(mx, name)(*[x] * args), equal_nan=True)


def test_functions_that_numpy_does_not_have():
    x = mx.array([[1.0, 4.0], [9.0, 16.0]])
    same(mx.rsqrt(x), 1 / np.sqrt(np.array(x)))
    same(mx.sigmoid(mx.array([0.0])), [0.5])
    same(mx.erf(mx.array([0.5])), [0.5204998778])
    same(mx.erfinv(mx.array([0.5204998778])), [0.5])
    same(mx.from_fp8(mx.to_fp8(mx.array([1.5, -448.0])), dtype=mx.float32), [1.5, -448])
    same(mx.left_shift(mx.array([1, 2]), 3), [8, 16])
    same(mx.right_shift(mx.array([8, -8]), 1), [4, -4])
    same(mx.bitwise_invert(mx.array([0, 5])), [-1, -6])
    same(mx.put_along_axis(x, mx.array([[1], [0]]), 7.0, axis=1), [[1, 7], [7, 16]])
    same(mx.slice(x, mx.array([1]), (0,), (1, 2)), [[9, 16]])
    same(mx.slice(x, mx.array(1), (0,), (1, 2)), [[9, 16]])
    same(mx.slice_update(x, mx.array([[5.0, 6.0]]), mx.array([1]), (0,)), [[1, 4], [5, 6]])
    same(mx.as_strided(x, (2, 2), (1, 1), 1), [[4, 9], [9, 16]])
    same(mx.as_strided(x), x)
    assert mx.view(x, mx.int32).dtype == mx.int32
    assert mx.empty((2, 3)).shape == mx.empty_like(mx.ones((2, 3))).shape == (2, 3)
    same(mx.stop_gradient(x), x)


@pytest.mark.parametrize("name", [n for n in dir(mx.array) if not n.startswith("_") and callable(getattr(mx.array, n))])
def test_methods_agree_with_functions(name):
    arguments = {"astype": (mx.int32,), "reshape": ((4, 3),), "swapaxes": (0, 1), "moveaxis": (0, 1), "split": (3,), "view": (mx.int32,)}
    x = mx.array(floats(3, 4, low=0.1)) if name != "squeeze" else mx.array(floats(1, 4))
    if name in ("item", "tolist"):
        return
    args = arguments.get(name, ())
    same(getattr(x, name)(*args), getattr(mx, name)(x, *args))


@pytest.mark.parametrize("module", [mx, mx.random, mx.linalg])
def test_every_function_has_a_signature_and_a_docstring(module):
    for name, f in vars(module).items():
        if callable(f) and not isinstance(f, (type, mx.Dtype)):
            assert inspect.signature(f) and f.__doc__, name


def test_random_functions():
    key = mx.random.key(3)
    assert mx.array_equal(mx.random.normal((5,), key=key), mx.random.normal((5,), key=key))
    assert mx.random.split(key, 3).shape == (3, 2)
    n = np.array(mx.random.normal((20000,), loc=1.0, scale=2.0))
    assert abs(n.mean() - 1) < 6 * 2 / 20000**0.5 and abs(n.std() - 2) < 6 * 2 / 40000**0.5  # six standard errors
    u = np.array(mx.random.uniform(2, 3, (1000,)))
    assert u.min() >= 2 and u.max() < 3
    r = np.array(mx.random.randint(-3, 4, (1000,)))
    assert set(r) == set(range(-3, 4))
    assert mx.random.bernoulli(0.5, (7,)).dtype == mx.bool_ and mx.random.bernoulli(mx.array([0.1, 0.9])).shape == (2,)
    t = np.array(mx.random.truncated_normal(-1, 1, (1000,)))
    assert np.abs(t).max() <= 1
    assert mx.random.gumbel((3,)).shape == mx.random.laplace((3,)).shape == (3,)
    assert mx.random.categorical(mx.zeros((5, 2))).shape == (5,)
    assert mx.random.categorical(mx.zeros((5, 2)), num_samples=4).shape == (5, 4)
    assert mx.random.categorical(mx.zeros((5, 2)), shape=(3, 5)).shape == (3, 5)
    assert sorted(mx.random.permutation(6).tolist()) == list(range(6))
    assert sorted(mx.random.permutation(mx.array([3, 1, 2])).tolist()) == [1, 2, 3]
    assert mx.random.multivariate_normal(mx.zeros(2), mx.eye(2), (4,)).shape == (4, 2)
    mx.random.seed(5)
    first = mx.random.normal((3,))
    mx.random.seed(5)
    assert mx.array_equal(first, mx.random.normal((3,)))


def test_samples_of_one_distribution_are_those_of_mlx():
    """Released MLX looks uniform numbers up in the running sums of the probabilities."""
    logits, key = mx.array([-0.8636514544487, 0.7549761533737183, 0.5606576204299927, -0.21055497229099274]), mx.array([3297624168, 881101496], dtype=mx.uint32)
    samples = [mx.random.categorical(logits, num_samples=n, key=key).tolist() for n in (1, 2, 3, 4)]
    assert samples == [[1], [1, 3], [3, 1, 2], [3, 1, 2, 1]]
    never = mx.random.categorical(mx.array([-mx.inf, 0.0, -mx.inf]), num_samples=1000, key=key)
    assert mx.all(never == 1)


def test_softmax_over_no_axes_keeps_nan():
    assert mx.softmax(mx.array([1.0, mx.nan]), axis=[])[0].item() == 1
    assert mx.isnan(mx.softmax(mx.array([1.0, mx.nan, mx.inf]), axis=[])).tolist() == [False, True, True]

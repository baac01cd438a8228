"""Random streams: the bits of keys, and what every distribution makes of them. Start at FILES.

The first input of a random.* case is the key. random.state has no key: after seed(s) it makes the calls of
call.STATE_CALLS one after another.
"""

import mlx.core as mx
import numpy as np
from scipy import special

from .call import from_mlx, run_case
from .form import BOOL, COMPLEX, FLOATS, INTEGERS, Case, Weak, array, values_of

SEEDS = [0, 1, 42, 2**40 + 7]
SHAPES = [[], [1], [2], [7], [3, 5], [0], [33]]
HALVES = ["float16", "bfloat16"]


def key_of(seed):
    return array([seed >> 32, seed & 0xFFFFFFFF], "uint32")


def draw(name, seed, operands=(), near=True, **params):
    case = run_case(Case("random." + name, [key_of(seed), *operands], params))
    case.check = "near" if near and not case.error else "exact"
    return case


def keys(_dropped):
    for seed in SEEDS + [2**32 - 1, 2**64 - 1]:
        yield (
            run_case(Case("random.key", [], {"seed": seed}))
            if seed < 2**63
            else run_case(Case("random.split", [key_of(seed)], {"num": 2}))
        )
        for num in (0, 1, 2, 3, 5, 16):
            yield draw("split", seed, near=False, num=num)
    yield draw("split", 0, near=False, num=-1)
    for bad in (array([1, 2], "int32"), array([1, 2, 3], "uint32"), array(1, "uint32")):
        yield run_case(Case("random.split", [bad], {"num": 2}))
        yield run_case(Case("random.uniform", [bad], {"shape": [2]}))


def uniforms(_dropped):
    for seed in SEEDS:
        for shape in SHAPES:
            for dtype in ["float32"] + HALVES:
                yield draw("uniform", seed, [Weak(0.0), Weak(1.0)], near=False, shape=shape, dtype=dtype)
        for low, high in ((-1.0, 1.0), (5.0, 1.0), (2.0, 2.0), (-3.0, 1e6)):
            for dtype in ["float32"] + HALVES:
                yield draw("uniform", seed, [Weak(low), Weak(high)], near=False, shape=[9], dtype=dtype)
        low, high = array([0.0, 10.0, -5.0], "float32"), array([1, 20, 5], "int32")
        yield draw("uniform", seed, [low, high], near=False, shape=[3])
        yield draw("uniform", seed, [low, high], near=False, shape=[4, 3])
    for dtype in ("int32", "bool", "complex64"):
        yield draw("uniform", 0, [Weak(0.0), Weak(1.0)], shape=[2], dtype=dtype)
    for shape in ([2], [], [-1]):
        yield draw("uniform", 0, [low, high], shape=shape)


def integers(_dropped):
    ranges = [(0, 10), (-5, 5), (0, 2), (0, 100), (3, 3), (10, 0), (0, 1)]
    for seed in SEEDS:
        for dtype in BOOL + INTEGERS:
            for low, high in ranges:
                if low < 0 and (dtype in BOOL or dtype.startswith("u")):
                    continue
                yield draw("randint", seed, [Weak(low), Weak(high)], near=False, shape=[6], dtype=dtype)
        for shape in SHAPES:
            yield draw("randint", seed, [Weak(0), Weak(1000)], near=False, shape=shape)
        for low, high, dtype in (
            (-(2**31), 2**31 - 1, "int32"),
            (0, 2**32 - 1, "uint32"),
            (0, 2**40, "int64"),
            (-(2**62), 2**62, "int64"),
            (0, 2**40, "uint64"),
            (0, 255, "uint8"),
            (-128, 127, "int8"),
        ):
            yield draw("randint", seed, [Weak(low), Weak(high)], near=False, shape=[8], dtype=dtype)
        yield draw("randint", seed, [array([0, 10, -5], "int32"), array([5, 20, 5], "int32")], near=False, shape=[2, 3])
    for dtype in FLOATS + COMPLEX:
        yield draw("randint", 0, [Weak(0), Weak(10)], shape=[2], dtype=dtype)
    yield draw("randint", 0, [array([0, 1], "int32"), array([5, 6], "int32")], shape=[3])


def _open_uniform(seed, shape, low=None, high=1.0):
    """The uniform numbers behind a distribution, exactly as the stream gives them."""
    low = float(np.nextafter(np.float32(-1), np.float32(0))) if low is None else low
    u = mx.random.uniform(low, high, shape, key=mx.random.key(seed))
    return values_of(from_mlx(u)).astype(np.float64)


def normals(_dropped):
    for seed in SEEDS:
        for shape in SHAPES:
            case = draw("normal", seed, shape=shape)
            case.refs = [np.sqrt(2.0) * special.erfinv(_open_uniform(seed, shape))]
            yield case
        for dtype in HALVES + COMPLEX:
            for shape in ([5], [2, 3]):
                yield draw("normal", seed, shape=shape, dtype=dtype)
        yield draw("normal", seed, shape=[5], dtype="float32", loc=3.0, scale=0.5)
        yield draw("normal", seed, shape=[4], dtype="float32", loc=-1.0)
    yield draw("normal", 0, shape=[2], dtype="int32")
    yield draw("normal", 0, shape=[-1])


def others(_dropped):
    for seed in SEEDS:
        for shape in SHAPES:
            case = draw("gumbel", seed, shape=shape)
            with np.errstate(divide="ignore"):
                case.refs = [-np.log(-np.log(_open_uniform(seed, shape, 0.0)))]
            yield case
            case = draw("laplace", seed, shape=shape)
            u = _open_uniform(seed, shape)
            case.refs = [np.sign(u) * np.log1p(-np.abs(u))]
            yield case
            yield draw("truncated_normal", seed, [Weak(-2.0), Weak(2.0)], shape=shape)
        for dtype in HALVES:
            yield draw("gumbel", seed, shape=[5], dtype=dtype)
            yield draw("laplace", seed, shape=[5], dtype=dtype)
            yield draw("truncated_normal", seed, [Weak(-1.0), Weak(0.5)], shape=[5], dtype=dtype)
        yield draw("laplace", seed, shape=[5], dtype="float32", loc=2.0, scale=0.25)
        yield draw(
            "truncated_normal",
            seed,
            [array([-1.0, 0.0, 1.0], "float32"), array([0.0, 0.5, 9.0], "float32")],
            shape=[2, 3],
        )
        yield draw("truncated_normal", seed, [array([-1.0, 0.0], "float32"), array([1.0, 2.0], "float32")])
        yield draw(
            "multivariate_normal",
            seed,
            [array([1.0, -2.0], "float32"), array([[2.0, 0.5], [0.5, 1.0]], "float32")],
            shape=[3],
        )
        yield draw("multivariate_normal", seed, [array([1.0, -2.0, 0.0], "float32"), array(np.eye(3), "float32")])
    for name, operands in (("gumbel", []), ("laplace", []), ("truncated_normal", [Weak(-1.0), Weak(1.0)])):
        for dtype in ("int32", "bool", "complex64"):
            yield draw(name, 0, operands, shape=[2], dtype=dtype)
    two, eye = array([1.0, 2.0], "float32"), array(np.eye(2), "float32")
    for mean, cov in (
        (array(1.0, "float32"), eye),
        (two, two),
        (array([1.0, 2.0, 3.0], "float32"), eye),
        (two, array(np.ones((2, 3)), "float32")),
    ):
        yield draw("multivariate_normal", 0, [mean, cov])
    yield draw("multivariate_normal", 0, [two, eye], dtype="float16")


def choices(_dropped):
    logits = array([[0.0, 1.0, -1.0, 0.5], [3.0, 0.0, 0.0, -np.inf], [0.0, 0.0, 0.0, 0.0]], "float32")
    for seed in SEEDS:
        for p in (Weak(0.5), Weak(0.1), array(0.75, "float32")):
            yield draw("bernoulli", seed, [p], near=False, shape=[9])
        yield draw("bernoulli", seed, [array([0.0, 1.0, 0.5, 0.25], "float32")], near=False)
        yield draw("bernoulli", seed, [array([0.0, 1.0, 0.5], "float32")], near=False, shape=[4, 3])
        yield draw("bernoulli", seed, [array(0.5, "float16")], near=False, shape=[5])
        for params in (
            {},
            {"axis": 0},
            {"num_samples": 5},
            {"shape": [2, 3]},
            {"axis": 0, "num_samples": 2},
            {"axis": -1, "shape": [3]},
        ):
            yield draw("categorical", seed, [logits], near=False, **params)
        for n in (0, 1, 2, 9, 32):
            yield draw("permutation", seed, [Weak(n)], near=False)
        rows = array(np.arange(12).reshape(4, 3), "int32")
        for axis in (0, 1, -1):
            yield draw("permutation", seed, [rows], near=False, axis=axis)
    yield draw("bernoulli", 0, [array(1, "int32")], near=False)
    yield draw("bernoulli", 0, [array([0.5, 0.5, 0.5], "float32")], near=False, shape=[2])
    for params in ({"axis": 2}, {"shape": [2]}, {"num_samples": 2, "shape": [3]}, {"num_samples": -1}):
        yield draw("categorical", 0, [logits], near=False, **params)


def states(_dropped):
    for seed in SEEDS:
        case = run_case(Case("random.state", [], {"seed": seed}))
        case.check = "near"
        yield case


FILES = {
    "random_keys": keys,
    "random_uniform": uniforms,
    "random_randint": integers,
    "random_normal": normals,
    "random_others": others,
    "random_choices": choices,
    "random_state": states,
}

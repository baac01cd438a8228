"""Runs a case on whatever package is importable as mlx.core, and brings arrays in and out bit by bit. Start at
run_case.
"""

import functools

import mlx.core as mx
import numpy as np

from .form import UINT, WIDTH, Array, Weak

mx.set_default_device(mx.cpu)


def dtype_of(name):
    return mx.bool_ if name == "bool" else getattr(mx, name)


def name_of(dtype):
    return str(dtype).rsplit(".", 1)[-1].rstrip("_")


def to_mlx(a):
    if isinstance(a, Weak):
        return a.value
    if a.bits.size == 0:
        return mx.zeros(a.shape, dtype_of(a.dtype))
    if a.dtype == "bool":
        x = mx.array(a.bits.astype(np.bool_))
    else:
        bits = a.bits
        if a.dtype == "complex64":  # the real word comes first in memory
            bits = (bits >> np.uint64(32)) | (bits << np.uint64(32))
        x = mx.array(bits.astype(UINT[WIDTH[a.dtype]])).view(dtype_of(a.dtype))
    return x.reshape(a.shape)


def from_mlx(x):
    name, shape = name_of(x.dtype), tuple(x.shape)
    mx.eval(x)
    if x.size == 0:
        return Array(name, shape, np.zeros(0, UINT[WIDTH[name]]))
    flat = mx.contiguous(x).reshape(-1)
    if name == "bool":
        return Array(name, shape, np.array(flat).astype(np.uint8))
    unsigned = mx.view(flat, dtype_of(f"uint{8 * WIDTH[name]}"))
    bits = np.array(unsigned).astype(UINT[WIDTH[name]])
    if name == "complex64":
        bits = (bits >> np.uint64(32)) | (bits << np.uint64(32))
    return Array(name, shape, bits)


def _slices(p):
    return tuple(slice(*t) for t in zip(p["start"], p["stop"], p["step"]))


def _at(verb):
    def apply(a, *rest, axis):
        *indices, update = rest
        where = (slice(None),) * axis + tuple(indices)
        return getattr(a.at[where], verb)(update)

    return apply


def _setitem(a, *rest, axis):
    *indices, update = rest
    out = mx.array(a)
    out[(slice(None),) * axis + tuple(indices)] = update
    return out


def _slice_set(a, update, **p):
    out = mx.array(a)
    out[_slices(p)] = update
    return out


def _clip(a, *bounds, has_min=1, has_max=1):
    bounds = list(bounds)
    low = bounds.pop(0) if has_min else None
    high = bounds.pop(0) if has_max else None
    return mx.clip(a, low, high)


def _pad(a, value=None, *, low, high, mode="constant"):
    widths = list(zip(low, high))
    return mx.pad(a, widths, mode=mode, constant_values=0 if value is None else value)


def _print_ramp(shape, dtype):
    ramp = mx.arange(functools.reduce(lambda m, n: m * n, shape, 1)).reshape(shape)
    return str(ramp if dtype == "int32" else ramp.astype(mx.float32) / 4)


def _typed(fn):
    return lambda *args, dtype=None, **p: fn(*args, dtype=dtype and dtype_of(dtype), **p)


STATE_CALLS = (
    lambda: mx.random.uniform(shape=(3,)),
    lambda: mx.random.normal(shape=(3,)),
    lambda: mx.random.randint(0, 100, (5,)),
    lambda: mx.random.bernoulli(0.5, (4,)),
    lambda: mx.random.permutation(6),
    lambda: mx.random.uniform(shape=(2,), dtype=mx.float16),
    lambda: mx.random.uniform(),
)


def _state(seed):
    mx.random.seed(seed)
    return [call() for call in STATE_CALLS]


SPECIAL = {
    "array_split": lambda a, indices=None, sections=None, axis=0: mx.split(
        a, sections if indices is None else indices, axis
    ),
    "slice": lambda a, **p: a[_slices(p)],
    "slice_set": _slice_set,
    "slice_dynamic": lambda a, start, axes, size: mx.slice(a, start, axes, size),
    "slice_update": lambda a, update, start, axes: mx.slice_update(a, update, start, axes),
    "index": lambda a, *indices, axis: a[(slice(None),) * axis + tuple(indices)],
    "index_int": lambda a, i: a[i],
    "index_set": _setitem,
    "take": lambda a, indices, axis: mx.take(a, indices, axis=axis),
    "take_int": lambda a, i, axis: mx.take(a, i, axis=axis),
    "clip": _clip,
    "pad": _pad,
    "roll": lambda a, shift, axis: mx.roll(
        a, shift if isinstance(shift, int) else tuple(shift), tuple(axis) if isinstance(axis, list) else axis
    ),
    "tile": lambda a, reps: mx.tile(a, reps),
    "astype": lambda a, dtype: mx.astype(a, dtype_of(dtype)),
    "view": lambda a, dtype: mx.view(a, dtype_of(dtype)),
    "from_fp8": lambda a, dtype: mx.from_fp8(a, dtype=dtype_of(dtype)),
    "concatenate": lambda *arrays, axis=0: mx.concatenate(list(arrays), axis),
    "stack": lambda *arrays, axis=0: mx.stack(list(arrays), axis),
    "tensordot_axes": lambda a, b, axes_a, axes_b: mx.tensordot(a, b, [axes_a, axes_b]),
    "einsum": lambda *operands, subscripts: mx.einsum(subscripts, *operands),
    "arange_int": lambda start, stop, step, dtype: mx.arange(start, stop, step, dtype and dtype_of(dtype)),
    "arange_float": lambda start, stop, step, dtype: mx.arange(start, stop, step, dtype and dtype_of(dtype)),
    "full": lambda value, shape, dtype: mx.full(shape, value, dtype and dtype_of(dtype)),
    "random.state": _state,
    "result_type": lambda a, b: mx.result_type(dtype_of(a), dtype_of(b)),
    "print": lambda a: str(a),
    "print_ramp": _print_ramp,
    "broadcast_shapes": lambda a, b: mx.zeros(mx.broadcast_shapes(tuple(a), tuple(b)), dtype=mx.bool_),
}
TYPED = {
    "zeros",
    "ones",
    "zeros_like",
    "ones_like",
    "full_like",
    "eye",
    "identity",
    "tri",
    "linspace",
    "trace",
    "cumsum",
    "cumprod",
}
BOOLEANS = {"keepdims", "equal_nan", "inclusive", "reverse", "endpoint", "sparse", "precise", "upper"}
RANDOM_TYPED = {"uniform", "normal", "randint", "truncated_normal", "gumbel", "laplace", "multivariate_normal"}


def function(op, params):
    """The callable for `op` with `params` bound; arrays are what is left to give."""
    params = {k: bool(v) if k in BOOLEANS else v for k, v in params.items()}
    if op in SPECIAL:
        fn = SPECIAL[op]
    elif op.startswith("at_"):
        fn = _at(op[3:])
    elif op.startswith("random."):
        fn = getattr(mx.random, op[7:])
        fn = _typed(fn) if op[7:] in RANDOM_TYPED else fn
    else:
        fn = functools.reduce(getattr, op.split("."), mx)
        fn = _typed(fn) if op in TYPED else fn
    return functools.partial(fn, **params) if params else fn


def _keyed(op, params, inputs):
    """random.*: the first input is the key, the rest are positional operands of the call."""
    if not op.startswith("random.") or op in ("random.state", "random.key"):
        return function(op, params), inputs
    return functools.partial(function(op, params), key=inputs[0]), inputs[1:]


def _differentiate(kind, params, inputs, cotangents):
    fn = function(params["of"], {k: v for k, v in params.items() if k not in ("of", "wrt")})
    wrt = params.get("wrt", range(len(inputs)))

    def listed(*args):
        given = dict(zip(wrt, args))
        y = fn(*[given.get(i, x) for i, x in enumerate(inputs)])
        return list(y) if isinstance(y, (list, tuple)) else [y]

    return (mx.vjp if kind == "vjp" else mx.jvp)(listed, [inputs[i] for i in wrt], cotangents)[1]


def evaluate(case):
    inputs = [to_mlx(a) for a in case.inputs]
    if case.op in ("vjp", "jvp"):
        result = _differentiate(case.op, case.params, inputs, [to_mlx(a) for a in case.cotangents])
    else:
        fn, rest = _keyed(case.op, case.params, inputs)
        result = fn(*rest)
    return result


def run_case(case):
    """Fills in what the case gives: outputs, text, dtype or the name of the exception."""
    case.outputs, case.error, case.text, case.dtype = [], "", None, ""
    try:
        result = evaluate(case)
        if isinstance(result, str):
            case.text = result
        elif isinstance(result, mx.Dtype):
            case.dtype = name_of(result)
        else:
            many = result if isinstance(result, (list, tuple)) else [result]
            case.outputs = [from_mlx(y) for y in many]
    except Exception as error:  # noqa: BLE001  whatever it raises is what is recorded
        case.error = type(error).__name__
    return case

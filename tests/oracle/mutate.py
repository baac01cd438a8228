"""Random calls: a recorded case of tests/golden with other values, dtypes, sizes and parameters. Most still make sense, since sizes change
alike in all operands; the others ask for errors. Start at mutated."""

from __future__ import annotations

import math
import random

import numpy as np
from cases import form

LARGEST = 3000  # elements of an operand
# Operands after the first, or all, are indices or keys there: they stay small integers, or any bits.
INDEXED = {"take", "take_along_axis", "put_along_axis", "index", "index_set", "slice_dynamic", "slice_update"}
SIZES = ("shape", "size", "start", "stop", "low", "high", "num", "n", "m", "k", "kth", "M", "repeats", "num_samples")


def special(rng, dtype):
    tiny = {"float16": 6e-8, "bfloat16": 1e-40, "float32": 1e-45}.get(dtype, 5e-324)
    return rng.choice([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan, tiny, -tiny, 100.0, 6e4, 3e38])


def real(rng, dtype, kind):
    if kind == "special" and dtype in form.FLOATS + form.COMPLEX:
        return special(rng, dtype)
    if kind == "wide" and dtype in form.FLOATS + form.COMPLEX:
        return rng.gauss(0, 1) * 10.0 ** rng.uniform(-4, 4)
    if kind == "unit":
        return rng.uniform(-1, 1)
    return float(rng.randint(-5, 9))


def values(rng, dtype, count):
    """As many values as an operand has, in one of several manners."""
    kind = rng.choice(["small", "wide", "unit", "unit", "special"])
    if dtype == "bool":
        return [rng.random() < 0.5 for _ in range(count)]
    if dtype in form.INTEGERS:
        bits = 8 * form.WIDTH[dtype]
        low = -(1 << (bits - 1)) if dtype in form.SIGNED else 0
        ends = [low, low + (1 << bits) - 1]
        return [rng.choice(ends) if kind == "special" and rng.random() < 0.3 else rng.randint(low and -5, 9) for _ in range(count)]
    if dtype in form.COMPLEX:
        return [complex(real(rng, dtype, kind), real(rng, dtype, kind)) for _ in range(count)]
    return [real(rng, dtype, kind) for _ in range(count)]


def filled(rng, dtype, shape):
    return form.array(np.array(values(rng, dtype, math.prod(shape)), dtype=None) if dtype not in form.INTEGERS else values(rng, dtype, math.prod(shape)), dtype, shape)


def is_kept(case, i):
    """Whether the operand says where, not what."""
    return (case.op in INDEXED and i > 0) or (case.op.startswith("at_") and 0 < i < len(case.inputs) - 1) or (case.op.startswith("random.") and i == 0)


def resized(rng, case):
    """Every size is replaced alike in all operands and in the parameters that are sizes."""
    sizes = sorted({n for a in case.inputs + case.cotangents if isinstance(a, form.Array) for n in a.shape})
    change = {n: n if n == 1 and rng.random() < 0.8 else rng.choice([0, 1, 2, 3, 4, 5, 7, 17, 33]) for n in sizes}
    shapes = [tuple(change[n] for n in a.shape) if isinstance(a, form.Array) else None for a in case.inputs]
    largest = 60 if case.op in ("kron", "outer", "tensordot", "tensordot_axes", "einsum") else LARGEST  # results grow by the product
    if any(s is not None and math.prod(s) > largest for s in shapes):
        return None
    params = dict(case.params)
    for name in SIZES:
        if isinstance(params.get(name), list):
            params[name] = [change.get(n, n) for n in params[name]]
    return shapes, params


def perturbed(rng, params):
    """One parameter off by one, left out, or turned."""
    params = dict(params)
    names = [n for n in params if n not in ("of", "wrt", "dtype", "subscripts", "has_min", "has_max", "a", "b", "mode", "side", "indexing")]
    if not names:
        return params
    name = rng.choice(names)
    value = params[name]
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        params[name] = value[:at] + [value[at] + rng.choice([-2, -1, 1, 2])] + value[at + 1 :]
    elif isinstance(value, int):
        params[name] = (1 - value if value in (0, 1) and rng.random() < 0.5 else value + rng.choice([-2, -1, 1, 2]))
    elif isinstance(value, float):
        params[name] = value * rng.choice([0.5, 2, -1])
    return params


def misfit(rng, shape):
    """A shape with one axis more, less, or of another size."""
    shape = list(shape)
    kind = rng.randrange(3)
    if kind == 0 or not shape:
        shape.insert(rng.randint(0, len(shape)), rng.choice([1, 2]))
    elif kind == 1:
        shape.pop(rng.randrange(len(shape)))
    else:
        shape[rng.randrange(len(shape))] = rng.choice([0, 1, 2, 3, 5])
    return tuple(shape)


def mutated(case, number):
    """Another case of the same operation, from the recorded one and a number."""
    rng = random.Random(number)
    inputs, params = list(case.inputs), case.params
    shapes = [a.shape if isinstance(a, form.Array) else None for a in inputs]
    dtypes = [a.dtype if isinstance(a, form.Array) else None for a in inputs]
    if rng.random() < 0.5:
        shapes, params = resized(rng, case) or (shapes, params)
    if rng.random() < 0.15:
        params = perturbed(rng, params)
    arrays = [i for i, s in enumerate(shapes) if s is not None]
    if arrays and rng.random() < 0.1:
        at = rng.choice(arrays)
        shapes[at] = misfit(rng, shapes[at])
    if arrays and rng.random() < 0.25:
        dtype = rng.choice(form.DTYPES)
        for at in arrays if rng.random() < 0.7 else [rng.choice(arrays)]:
            if not is_kept(case, at):
                dtypes[at] = dtype
    for i in arrays:
        same = (tuple(shapes[i]), dtypes[i]) == (tuple(inputs[i].shape), inputs[i].dtype)
        if is_kept(case, i) and case.op.startswith("random.") and inputs[i].dtype == "uint32":
            inputs[i] = form.array([rng.randrange(1 << 32) for _ in range(math.prod(shapes[i]))], dtypes[i], shapes[i])
        elif is_kept(case, i) and not same:
            inputs[i] = form.array([rng.randint(0, 1) for _ in range(math.prod(shapes[i]))], dtypes[i], shapes[i])
        elif not is_kept(case, i):
            inputs[i] = filled(rng, dtypes[i], shapes[i])
    return form.Case(case.op, inputs, params)

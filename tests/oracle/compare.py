"""Replays golden files on the installed mlx.core and lists what differs:  python compare.py [--ulp N] [FILE ...]

With released MLX every case must agree bit for bit (differs.txt apart); with mica's Python package, `near` cases may
differ from the float64 reference by N ulp of the result's dtype, and differs.txt must hold.
"""

import argparse
import pathlib
import sys

import numpy as np

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))

from cases import call, form  # noqa: E402

PRECISION = {
    "float16": (10, -14),
    "bfloat16": (7, -126),
    "float32": (23, -126),
    "float64": (52, -1022),
    "complex64": (23, -126),
}


def parts(a):
    values = form.values_of(a)
    return np.stack([values.real, values.imag], -1).reshape(-1) if a.dtype == "complex64" else values.astype(np.float64)


def ulps(got, ref, dtype):
    """Distance in units in the last place of `dtype`; equal infinities and NaNs are 0 apart."""
    digits, lowest = PRECISION[dtype]
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(np.abs(ref), 2.0**lowest)))
        same = (got == ref) | np.isnan(got) & np.isnan(ref)
        return np.where(same, 0.0, np.abs(got - ref) / 2.0 ** (np.maximum(exponent, lowest) - digits))


def near(got, want, ref, limit):
    if (got.dtype, got.shape) != (want.dtype, want.shape):
        return False
    if got.dtype not in PRECISION:
        return form.same_bits(got, want)
    target = parts(want) if ref is None else np.array(ref)
    if got.bits.size == 0:
        return True
    return form.same_bits(got, want) or not np.any(~(ulps(parts(got), target, got.dtype) <= limit))


def unordered(case, got, want):
    """Values as a multiset along the axis; of indices only dtype and shape."""
    if (got.dtype, got.shape) != (want.dtype, want.shape):
        return False
    if case.op == "argpartition":
        return True
    axis = case.params["axis"]
    both = [np.sort(form.values_of(a).reshape(a.shape), axis=axis) for a in (got, want)]
    return bool(np.array_equal(*both))


def agrees(case, got, limit):
    if (case.error, case.text, case.dtype) != (got.error, got.text, got.dtype) or len(case.outputs) != len(got.outputs):
        return False
    refs = case.refs + [None] * len(case.outputs)
    for want, have, ref in zip(case.outputs, got.outputs, refs):
        if case.check == "near" and limit is not None:
            good = near(have, want, ref, limit)
        elif case.check == "unordered" and limit is not None:
            good = unordered(case, have, want)
        else:
            good = form.same_bits(have, want)
        if not good:
            return False
    return True


def describe(case, got):
    inputs = [a.value if isinstance(a, form.Weak) else (a.dtype, a.shape) for a in case.inputs]
    wanted = (
        case.error
        or case.text
        or case.dtype
        or [(a.dtype, a.shape, form.values_of(a)[:8].tolist()) for a in case.outputs]
    )
    found = (
        got.error or got.text or got.dtype or [(a.dtype, a.shape, form.values_of(a)[:8].tolist()) for a in got.outputs]
    )
    return f"{case.op} {case.params} {inputs}\n    want {wanted}\n    got  {found}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--ulp", type=float, default=None, help="allow near cases this distance from the reference; default: bits"
    )
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    files = options.files or sorted(f for f in GOLDEN.glob("*.txt") if f.stem != "differs" or options.ulp is not None)
    bad = total = 0
    for path in files:
        with path.open() as lines:
            for case in form.read_cases(lines):
                again = form.Case(case.op, case.inputs, case.params, case.cotangents)
                total += 1
                if not agrees(case, call.run_case(again), options.ulp):
                    bad += 1
                    print(path.name, describe(case, again))
    print(f"{total - bad} of {total} cases agree")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()

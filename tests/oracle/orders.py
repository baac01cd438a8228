"""Whether a partition is one: partition, argpartition and topk promise no order among the elements on either side of the kth."""

from __future__ import annotations

import numpy as np
from cases import form


def ranks(a):
    """Where each element would stand, equal ones alike; NaN is the last."""
    values = form.values_of(a)
    if np.iscomplexobj(values):
        pairs = np.stack([np.isnan(values), values.real, values.imag])
        order = np.lexsort(pairs[::-1])
        new = np.concatenate([[False], np.any(pairs[:, order][:, 1:] != pairs[:, order][:, :-1], axis=0)])
        out = np.empty(values.size, int)
        out[order] = np.cumsum(new[: values.size])
        return out.reshape(a.shape)
    return np.unique(values, return_inverse=True)[1].reshape(a.shape)


def ranks_of_result(case, answer):
    """The ranks of the chosen elements, or None where they are none of the input's."""
    a, out = case.inputs[0], answer.outputs[0]
    axis = case.params.get("axis", -1)
    if case.op == "argpartition":
        have = ranks(a) if axis is not None else ranks(a).reshape(-1)
        return have, np.take_along_axis(have, form.values_of(out).reshape(out.shape).astype(np.int64), axis if axis is not None else 0)
    both = ranks(form.Array(a.dtype, (a.bits.size + out.bits.size,), np.concatenate([a.bits, out.bits])))
    have, got = both[: a.bits.size].reshape(a.shape), both[a.bits.size :].reshape(out.shape)
    return (have if axis is not None else have.reshape(-1)), got


def is_partition(case, answer):
    """Of an answered case: the elements are the input's, and the kth stands where sorting puts it (topk: the largest)."""
    if not answer.outputs or not case.inputs[0].bits.size:
        return False
    axis = -1 if case.params.get("axis", -1) is None else case.params.get("axis", -1)
    have, got = (np.moveaxis(x, axis, -1) for x in ranks_of_result(case, answer))
    want = np.sort(have, axis=-1)
    if case.op == "topk":
        return bool(np.array_equal(np.sort(got, axis=-1), want[..., want.shape[-1] - got.shape[-1] :]))
    k = case.params["kth"] % have.shape[-1]
    middle = got[..., k : k + 1]
    sides = np.all(got[..., :k] <= middle) and np.all(got[..., k:] >= middle)
    return bool(sides and np.array_equal(middle, want[..., k : k + 1]) and np.array_equal(np.sort(got, axis=-1), want))

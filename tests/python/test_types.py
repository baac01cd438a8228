"""dtypes, their categories, kinds, limits and promotion."""
import ml_dtypes
import numpy as np
import pytest

import mlx.core as mx


def test_categories():
    for dtype, category in [(mx.float32, mx.floating), (mx.bfloat16, mx.inexact), (mx.int8, mx.signedinteger), (mx.uint8, mx.unsignedinteger),
                            (mx.uint64, mx.integer), (mx.complex64, mx.complexfloating), (mx.complex64, mx.number), (mx.bool_, mx.generic),
                            (mx.floating, mx.inexact), (mx.integer, mx.integer), (mx.float32, mx.float32)]:
        assert mx.issubdtype(dtype, category) is True
    for dtype, category in [(mx.float32, mx.integer), (mx.bool_, mx.number), (mx.inexact, mx.floating), (mx.float32, mx.float64),
                            (mx.floating, mx.float32)]:
        assert mx.issubdtype(dtype, category) is False


def test_promotion():
    assert mx.result_type(mx.int8, mx.uint8) == mx.int16 and mx.result_type(mx.array(1), mx.float16, mx.bfloat16) == mx.float32
    assert mx.broadcast_shapes((2, 1), (3,), ()) == (2, 3) and mx.broadcast_shapes() == ()
    with pytest.raises(ValueError):
        mx.result_type()


def test_kinds_of_the_array_api():
    kinds = {"bool": {mx.bool_}, "signed integer": {mx.int8, mx.int16, mx.int32, mx.int64}, "unsigned integer": {mx.uint8, mx.uint16, mx.uint32, mx.uint64},
             "real floating": {mx.float16, mx.float32, mx.float64, mx.bfloat16}, "complex floating": {mx.complex64}}
    kinds["integral"] = kinds["signed integer"] | kinds["unsigned integer"]
    kinds["numeric"] = kinds["integral"] | kinds["real floating"] | kinds["complex floating"]
    for kind, members in kinds.items():
        for dtype in kinds["numeric"] | kinds["bool"]:
            assert mx.isdtype(dtype, kind) is (dtype in members) and mx.isdtype(dtype=dtype, kind=(kind,)) is (dtype in members)
    assert mx.isdtype(mx.int8, mx.int8) and not mx.isdtype(mx.int8, mx.int16) and mx.isdtype(mx.int8, ("bool", mx.int8)) and not mx.isdtype(mx.int8, ())
    for dtype, kind, error in ((mx.int8, "int", ValueError), (mx.int8, ("int",), ValueError), (mx.int8, ["bool"], ValueError), (mx.int8, mx.integer, ValueError), (3, "bool", TypeError)):
        with pytest.raises(error) as raised:
            mx.isdtype(dtype, kind)
        assert str(raised.value)


def test_casts():
    assert mx.can_cast(mx.int8, mx.int16) and mx.can_cast(mx.array(1), mx.float16) and mx.can_cast(from_=mx.bool_, to=mx.int8)
    assert not mx.can_cast(mx.float32, mx.int32) and not mx.can_cast(mx.uint64, mx.int64) and not mx.can_cast(mx.int16, mx.int8)
    for wrong in (lambda: mx.can_cast(3, mx.int8), lambda: mx.can_cast(mx.int8, 3), lambda: mx.can_cast(mx.int8)):
        with pytest.raises(TypeError):
            wrong()


def test_limits():
    for dtype, theirs in ((mx.float16, np.float16), (mx.float32, np.float32), (mx.float64, np.float64), (mx.bfloat16, ml_dtypes.bfloat16)):
        ours, want = mx.finfo(dtype), (np.finfo if dtype != mx.bfloat16 else ml_dtypes.finfo)(theirs)
        assert (ours.bits, ours.min, ours.max, ours.eps, ours.smallest_normal) == (want.bits, float(want.min), float(want.max), float(want.eps), float(want.smallest_normal))
        assert ours.dtype == dtype
    assert mx.finfo(mx.complex64).dtype == mx.float32 and repr(mx.finfo(mx.bfloat16)) == "finfo(min=-3.38953e+38, max=3.38953e+38, dtype=bfloat16)"
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        ours, want = mx.iinfo(getattr(mx, name)), np.iinfo(name)
        assert (ours.min, ours.max, ours.dtype) == (want.min, want.max, getattr(mx, name)) and repr(ours) == f"iinfo(min={want.min}, max={want.max}, dtype={name})"
    for wrong, error in ((lambda: mx.finfo(mx.int8), ValueError), (lambda: mx.iinfo(mx.bool_), ValueError), (lambda: mx.iinfo(mx.float32), ValueError),
                         (lambda: mx.finfo(3), TypeError), (lambda: mx.finfo(), TypeError), (lambda: mx.iinfo(dtype=mx.int8), TypeError)):
        with pytest.raises(error):
            wrong()

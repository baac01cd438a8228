"""dtypes, their categories and promotion; devices."""
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


def test_devices():
    assert mx.default_device() == mx.cpu == mx.Device(mx.cpu, 0) and mx.default_device() != mx.gpu and mx.DeviceType.cpu is mx.cpu
    assert repr(mx.default_device()) == "Device(cpu, 0)" and mx.default_device().type is mx.cpu and len({mx.default_device(), mx.Device(mx.cpu)}) == 1
    assert mx.is_available(mx.cpu) and not mx.is_available(mx.gpu)
    mx.set_default_device(mx.cpu)
    assert mx.add(mx.ones((2,)), 1, stream=mx.cpu).tolist() == [2, 2]

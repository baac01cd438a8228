"""Devices, streams, and the memory of the machine."""
import gc
import threading
import warnings

import pytest

import mlx.core as mx


@pytest.fixture(autouse=True)
def default_again():
    before = mx.default_stream(mx.cpu)
    yield
    mx.set_default_stream(before)


# ---- Devices
def test_devices():
    assert mx.default_device() == mx.cpu == mx.Device(mx.cpu, 0) and mx.default_device() != mx.gpu and mx.DeviceType.cpu is mx.cpu
    assert repr(mx.default_device()) == "Device(cpu, 0)" and mx.default_device().type is mx.cpu and len({mx.default_device(), mx.Device(mx.cpu)}) == 1
    assert mx.is_available(mx.cpu) and not mx.is_available(mx.gpu) and (mx.cpu.name, mx.gpu.value) == ("cpu", 1)
    mx.set_default_device(mx.cpu)
    assert mx.device_count(mx.cpu) == 1 and mx.device_count(mx.gpu) == 0
    info = mx.device_info()
    assert info == mx.device_info(mx.cpu) == mx.device_info(d=mx.Device(mx.cpu)) and info["architecture"] in ("x86_64", "aarch64", "unknown")
    assert info["kernels"] in ("baseline", "avx2", "avx512") and info["memory_size"] > 0 and isinstance(info["device_name"], str)
    assert mx.device_info(mx.gpu) == {} and not mx.metal.is_available() and not mx.cuda.is_available() and mx.metal.device_info() == {}


@pytest.mark.parametrize("call", [
    lambda: mx.add(mx.array(1), 2, stream=mx.gpu), lambda: mx.sum(mx.array([1]), stream=mx.Device(mx.gpu)), lambda: mx.zeros((2,), stream=mx.Device(mx.cpu, 1)),
    lambda: mx.default_stream(mx.gpu), lambda: mx.new_stream(mx.gpu), lambda: mx.new_thread_local_stream(mx.gpu), lambda: mx.stream(mx.gpu), lambda: mx.synchronize(mx.gpu),
    lambda: mx.set_default_device(mx.gpu), lambda: mx.load("x.npy", stream=mx.gpu), lambda: mx.random.uniform(stream=mx.gpu)])
def test_what_is_asked_of_a_gpu_is_refused(call):
    with pytest.raises(ValueError, match="there is no"):
        call()


@pytest.mark.parametrize("call", [
    lambda: mx.add(mx.array(1), 2, stream="cpu"), lambda: mx.stream(3), lambda: mx.StreamContext(), lambda: mx.set_default_stream(mx.cpu), lambda: mx.default_stream(),
    lambda: mx.set_default_stream(mx.new_thread_local_stream(mx.cpu)), lambda: mx.synchronize(3), lambda: mx.Stream(), lambda: mx.ThreadLocalStream(),
    lambda: mx.device_count(mx.Device(mx.cpu)), lambda: mx.device_info(3), lambda: mx.set_memory_limit(1.5), lambda: mx.set_cache_limit("1")])
def test_wrong_types(call):
    with pytest.raises(TypeError) as raised:
        call()
    assert str(raised.value)


@pytest.mark.parametrize("name, value", [
    ("device", "set_default_device"), ("device", "is_available"), ("device", "default_stream"), ("device", "new_stream"), ("device", "new_thread_local_stream"),
    ("device_type", "device_count"), ("s", "stream")])
def test_arguments_have_names(name, value):
    function = getattr(mx, value)
    function(**{name: mx.cpu})
    with pytest.raises(TypeError, match=rf"\[{value}\] there is no keyword argument 'other'"):
        function(other=mx.cpu)
    with pytest.raises(TypeError, match=rf"\[{value}\] takes one argument, {name}, not 2"):
        function(mx.cpu, **{name: mx.cpu})


# ---- Streams
def test_streams_are_told_apart():
    a, b = mx.new_stream(mx.cpu), mx.new_thread_unsafe_stream(mx.Device(mx.cpu))
    assert a == a and a != b and a != 3 and len({a, a, b}) == 2 and a.device == mx.cpu and repr(a).startswith("Stream(Device(cpu, 0), ")
    assert repr(mx.default_stream(mx.cpu)) == "Stream(Device(cpu, 0), 0)"
    local = mx.new_thread_local_stream(mx.cpu)
    assert local == local and local != mx.new_thread_local_stream(mx.cpu) and local != a and local.device == mx.cpu
    assert mx.add(mx.array(1), 2, stream=a).item() == mx.add(mx.array(1), 2, stream=local).item() == mx.add(mx.array(1), 2, stream=None).item() == 3


def test_contexts_nest_and_come_back():
    first, a, b = mx.default_stream(mx.cpu), mx.new_stream(mx.cpu), mx.new_thread_local_stream(mx.cpu)
    outer = mx.stream(a)
    with outer as nothing:
        assert nothing is None and mx.default_stream(mx.cpu) == a
        with mx.StreamContext(b):
            mine = mx.default_stream(mx.cpu)
            assert mine not in (first, a)
        with mx.stream(mx.cpu), outer:
            assert mx.default_stream(mx.cpu) == a
        assert mx.default_stream(mx.cpu) == a
        with mx.stream(b):
            assert mx.default_stream(mx.cpu) == mine
    assert mx.default_stream(mx.cpu) == first
    outer.__exit__(None, None, None)  # once too often
    with pytest.raises(KeyError), mx.stream(a):
        raise KeyError
    assert mx.default_stream(mx.cpu) == first
    mx.set_default_stream(a)
    assert mx.default_stream(mx.cpu) == a


def test_threads_have_their_own_default():
    a, local, seen = mx.new_stream(mx.cpu), mx.new_thread_local_stream(mx.cpu), []

    def run():
        seen.append(mx.default_stream(mx.cpu))
        with mx.stream(local):
            seen.append(mx.default_stream(mx.cpu))
            mx.eval(mx.ones((3,)) + 1)

    with mx.stream(a), mx.stream(local):
        mine = mx.default_stream(mx.cpu)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert repr(seen[0]) == "Stream(Device(cpu, 0), 0)" and seen[1] not in (mine, a, seen[0])


def test_work_on_streams():
    streams = [mx.new_stream(mx.cpu) for _ in range(3)]
    results = []
    for i, s in enumerate(streams):
        with mx.stream(s):
            results.append(mx.random.normal((300, 300)) * 0 + i)
            mx.async_eval(results[-1])
    for s in (*streams, None, mx.cpu, mx.default_stream(mx.cpu)):
        mx.synchronize(s)
    mx.synchronize(stream=streams[0])
    assert [r[0, 0].item() for r in results] == [0, 1, 2] and (results[0] + results[2]).sum().item() == 2 * 300 * 300


def test_failures_are_told_by_the_stream_they_happened_on():
    s = mx.new_stream(mx.cpu)
    with mx.stream(s):
        bad = mx.take(mx.array([1, 2]), mx.array([5]))
        mx.async_eval(bad)
    mx.synchronize()
    with pytest.raises(IndexError):
        mx.synchronize(s)
    mx.synchronize(s)


def test_clear_streams():
    s = mx.new_stream(mx.cpu)
    mx.set_default_stream(s)
    result = mx.ones((100, 100)) + 1
    mx.async_eval(result)
    mx.clear_streams()
    assert repr(mx.default_stream(mx.cpu)) == "Stream(Device(cpu, 0), 0)" and result.sum().item() == 20000
    for use in (lambda: mx.add(mx.array(1), 2, stream=s), lambda: mx.set_default_stream(s), lambda: mx.stream(s), lambda: mx.synchronize(s)):
        with pytest.raises(RuntimeError, match="destroyed by clear_streams"):
            use()
    other = mx.new_stream(mx.cpu)
    assert other != s and mx.add(mx.array(1), 2, stream=other).item() == 3


def test_a_dropped_stream_finishes_its_work():
    with mx.stream(mx.new_stream(mx.cpu)):
        a = mx.ones((200, 200)) @ mx.ones((200, 200))
        mx.async_eval(a)
    gc.collect()
    assert a[0, 0].item() == 200


# ---- Memory
def test_memory_limit():
    before = mx.get_memory_limit()
    assert before > 0 and mx.set_memory_limit(mx.get_active_memory() + (1 << 20)) == before
    try:
        with pytest.raises(MemoryError):
            mx.eval(mx.zeros((1 << 20,)) + 1)
    finally:
        mx.set_memory_limit(0)
    mx.eval(mx.zeros((1 << 20,)) + 1)
    with pytest.raises(ValueError):
        mx.set_memory_limit(-1)


def test_cache_and_peak():
    before = mx.set_cache_limit(0)
    try:
        a = mx.zeros((1 << 20,)) + 1
        mx.eval(a)
        del a
        assert mx.get_cache_memory() < 1 << 22 <= mx.get_peak_memory()  # threads keep a few small blocks
        mx.reset_peak_memory()
        assert mx.get_peak_memory() < 1 << 22
    finally:
        assert mx.set_cache_limit(limit=before) == 0
    assert mx.set_wired_limit(1000) == 0


def test_array_buffer_size():
    a = mx.zeros((3000,)) + 1
    with pytest.raises(ValueError, match="not evaluated"):
        mx.get_array_buffer_size(a)
    part = a[10:20]
    mx.eval(a, part)
    size = mx.get_array_buffer_size(a)
    assert size >= 12000 and mx.get_array_buffer_size({"a": [a, part, "other"]}, a) == size and mx.get_array_buffer_size() == 0


def test_names_of_metal_forward():
    for name in ("clear_cache", "get_active_memory", "get_peak_memory", "get_cache_memory", "reset_peak_memory"):
        with pytest.warns(DeprecationWarning, match=f"use mx.{name}"):
            getattr(mx.metal, name)()
    with pytest.warns(DeprecationWarning):
        before = mx.metal.set_cache_limit(1 << 20)
    assert mx.set_cache_limit(before) == 1 << 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mx.metal.start_capture("x.gputrace")
        mx.metal.stop_capture()

"""DLPack: capsules of both kinds, read and made through ctypes by what the specification says, and NumPy's."""
import ctypes
import gc
import threading

import numpy as np
import pytest

import mlx.core as mx
from conftest import growth

X = np.arange(6, dtype=np.float32).reshape(2, 3)


# ---- The structs, a second time: nothing here comes from the extension
class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("owner", ctypes.c_void_p), ("deleter", DELETER)]


class Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("owner", ctypes.c_void_p), ("deleter", DELETER), ("flags", ctypes.c_uint64), ("tensor", Tensor)]


api = ctypes.pythonapi
api.PyCapsule_GetPointer.restype = api.PyCapsule_GetName.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
OLD, VERSIONED, USED = b"dltensor", b"dltensor_versioned", b"used_dltensor"


def opened(capsule, kind, name):
    return ctypes.cast(api.PyCapsule_GetPointer(capsule, name), ctypes.POINTER(kind)).contents


class Producer:
    """A tensor over bytes of its own, which counts calls of its deleter."""

    def __init__(self, shape=(2,), strides=None, code=2, bits=32, lanes=1, device=1, ndim=None, versioned=True, major=1, offset=0, data=bytes(64), empty=False):
        self.deleted, self.memory = 0, ctypes.create_string_buffer(data, len(data))
        self.lists = [(ctypes.c_int64 * (len(v) + 1))(*v) if v is not None else None for v in (shape, strides)]
        self.delete = DELETER(lambda _: setattr(self, "deleted", self.deleted + 1))
        tensor = Tensor(None if empty else ctypes.addressof(self.memory), device, 0, len(shape) if ndim is None else ndim, code, bits, lanes, self.lists[0], self.lists[1], offset)
        self.name = VERSIONED if versioned else OLD
        self.managed = Versioned(major, 0, None, self.delete, 0, tensor) if versioned else Managed(tensor, None, self.delete)

    def __dlpack__(self, **keywords):
        return api.PyCapsule_New(ctypes.addressof(self.managed), self.name, None)


def settle():
    """What other threads have let go of is noticed by the thread that made it when it evaluates."""
    gc.collect()
    for _ in range(3):
        mx.eval(mx.asarray(X, copy=False) + 1)


# ---- Export
@pytest.mark.parametrize("version, kind, name", [(None, Managed, OLD), ((0, 8), Managed, OLD), ((1, 0), Versioned, VERSIONED), ((2, 1), Versioned, VERSIONED)])
def test_capsules_say_what_the_specification_asks(version, kind, name):
    a = (mx.arange(6, dtype=mx.int16).reshape(2, 3) + 1).T
    capsule = a.__dlpack__(stream=None, max_version=version, dl_device=(1, 0), copy=None)
    managed = opened(capsule, kind, name)
    t = managed.tensor
    assert (t.device, t.device_id, t.ndim, t.code, t.bits, t.lanes, t.shape[:2], t.strides[:2], t.byte_offset) == (1, 0, 2, 0, 16, 1, [3, 2], [1, 3], 0)
    assert ctypes.cast(t.data, ctypes.POINTER(ctypes.c_int16))[:6] == [1, 2, 3, 4, 5, 6]
    if kind is Versioned:
        assert (managed.major, managed.minor, managed.flags) == (1, 0, 0)


def test_dtype_codes():
    codes = {mx.bool_: (6, 8), mx.uint8: (1, 8), mx.uint16: (1, 16), mx.uint32: (1, 32), mx.uint64: (1, 64), mx.int8: (0, 8), mx.int16: (0, 16), mx.int32: (0, 32),
             mx.int64: (0, 64), mx.float16: (2, 16), mx.float32: (2, 32), mx.float64: (2, 64), mx.bfloat16: (4, 16), mx.complex64: (5, 64)}
    for dtype, (code, bits) in codes.items():
        a = mx.ones((2,), dtype=dtype)
        capsule = a.__dlpack__()
        t = opened(capsule, Managed, OLD).tensor
        assert (t.code, t.bits) == (code, bits)
        assert mx.from_dlpack(capsule).dtype == (mx.float32 if dtype == mx.float64 else dtype)


def test_memory_goes_back_when_the_consumer_says_so_on_any_thread():
    for kind, name, version in ((Managed, OLD, None), (Versioned, VERSIONED, (1, 0))):
        before = mx.get_active_memory()
        a = mx.arange(5000) + 1
        capsule = a.__dlpack__(max_version=version)
        managed = opened(capsule, kind, name)
        api.PyCapsule_SetName(capsule, USED)
        data = ctypes.cast(managed.tensor.data, ctypes.POINTER(ctypes.c_int32))
        del a, capsule
        gc.collect()
        assert mx.get_active_memory() > before and data[4999] == 5000
        # A C function pointer called by ctypes runs without the GIL.
        thread = threading.Thread(target=managed.deleter, args=(ctypes.addressof(managed),))
        thread.start()
        thread.join()
        settle()
        assert mx.get_active_memory() == before


def test_an_unused_capsule_gives_its_memory_back():
    blocks, nbytes = growth(lambda: [mx.ones((3,)).__dlpack__(max_version=v, copy=c) for v in (None, (1, 0)) for c in (None, True)], times=50)
    assert blocks < 20 and nbytes == 0


def test_no_evaluation_writes_to_what_is_lent():
    a = mx.arange(6) + 1
    view = np.from_dlpack(a)
    b = a * 2
    del a
    mx.eval(b)
    assert view.tolist() == [1, 2, 3, 4, 5, 6]


def test_copies_and_what_must_not_be_written_to():
    a = mx.arange(4) + 0
    assert np.shares_memory(np.from_dlpack(a), np.asarray(a)) and np.from_dlpack(a).flags.writeable
    capsule = a.__dlpack__(max_version=(1, 0), copy=True)
    copied = opened(capsule, Versioned, VERSIONED)
    assert copied.flags == 2 and copied.tensor.data != np.asarray(a).ctypes.data
    number, shared = mx.array(3.0), mx.asarray(np.frombuffer(bytes(8), "f4"), copy=False)
    for read_only in (number, shared):
        new, old = read_only.__dlpack__(max_version=(1, 0)), read_only.__dlpack__()
        assert opened(new, Versioned, VERSIONED).flags == 1 and not np.from_dlpack(read_only).flags.writeable
        assert opened(old, Managed, OLD).tensor.data != opened(new, Versioned, VERSIONED).tensor.data
        with pytest.raises(BufferError, match="must not be written"):
            read_only.__dlpack__(copy=False)


@pytest.mark.parametrize("keywords, error", [
    ({"dl_device": (2, 0)}, BufferError), ({"dl_device": (1, 1)}, BufferError), ({"dl_device": 1}, TypeError), ({"max_version": 1}, TypeError),
    ({"max_version": (1, 0, 0)}, TypeError), ({"max_version": ("1", 0)}, TypeError), ({"copy": 1}, TypeError), ({"stream": "x"}, TypeError), ({"other": 1}, TypeError)])
def test_wrong_export(keywords, error):
    with pytest.raises(error) as raised:
        mx.array([1.0]).__dlpack__(**keywords)
    assert str(raised.value)
    assert mx.array([1.0]).__dlpack_device__() == (1, 0)


# ---- Import
@pytest.mark.parametrize("n", [X, X.T, X[::-1, ::2], X[:0], X[0, 0:1].reshape(()), X.astype("i8"), X.astype("c8"), X.astype("?"), X.astype("f2")])
def test_numpy_both_ways(n):
    for a in (mx.from_dlpack(n), mx.from_dlpack(n, copy=True), mx.from_dlpack(n, copy=False), mx.from_dlpack(n.__dlpack__())):
        assert a.shape == n.shape and a.tolist() == n.tolist()
    assert np.from_dlpack(mx.from_dlpack(n)).tolist() == n.tolist()


def test_import_copies_or_shares():
    n = X.copy()
    copied, shared = mx.from_dlpack(n), mx.from_dlpack(n, copy=False)
    n[0, 0] = 9
    assert copied[0, 0].item() == 0 and shared[0, 0].item() == 9
    n.flags.writeable = False
    assert mx.from_dlpack(n).shape == mx.from_dlpack(n, copy=False).shape == (2, 3)
    assert mx.from_dlpack(X.astype("f8")).dtype == mx.float32 and mx.from_dlpack(X.astype("c16")).dtype == mx.complex64
    a = mx.array([1, 2])
    assert mx.from_dlpack(a).tolist() == [1, 2]


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("share", [True, False])
def test_deleters_are_called_once(versioned, share):
    p = Producer(shape=(2, 2), strides=(-4, 1), offset=16, versioned=versioned, data=np.arange(8, dtype="f4").tobytes())
    a = mx.from_dlpack(p, copy=False if share else None)
    assert a.tolist() == [[4, 5], [0, 1]] and p.deleted == 0
    part = a[:1]
    mx.eval(part)
    del a
    settle()
    assert p.deleted == 0
    del part
    settle()
    assert p.deleted == share  # who copies leaves the capsule to its destructor, which this one does not have


@pytest.mark.parametrize("versioned", [True, False])
def test_what_cannot_be_shared_goes_back(versioned):
    for p in (Producer(bits=64, versioned=versioned), Producer(code=5, bits=128, versioned=versioned), Producer(offset=1, versioned=versioned)):
        with pytest.raises(ValueError, match="cannot be shared"):
            mx.from_dlpack(p, copy=False)
        assert p.deleted == 1


def test_a_used_capsule_is_refused():
    capsule = mx.ones((2,)).__dlpack__()
    mx.from_dlpack(capsule, copy=False)
    with pytest.raises(ValueError, match="not used yet"):
        mx.from_dlpack(capsule)


@pytest.mark.parametrize("producer, error", [
    (Producer(device=2), ValueError), (Producer(lanes=4), TypeError), (Producer(code=3), TypeError), (Producer(bits=4), TypeError), (Producer(bits=128), TypeError),
    (Producer(shape=(-1,)), ValueError), (Producer(shape=(2**40, 2**40)), ValueError), (Producer(shape=(0, 2**62, 2**62)), ValueError), (Producer(ndim=-1), ValueError),
    (Producer(ndim=65), ValueError), (Producer(major=2), BufferError),
    (Producer(strides=(2**61,)), ValueError), (Producer(empty=True), ValueError)])
def test_hostile_tensors(producer, error):
    for copy in (None, False):
        with pytest.raises(error) as raised:
            mx.from_dlpack(producer, copy=copy)
        assert "[from_dlpack]" in str(raised.value)
    assert producer.deleted == 0


def test_producers_of_all_ages():
    class Old:
        def __dlpack__(self):
            return X.__dlpack__()

    class Device:
        def __init__(self, device):
            self.device = device

        def __dlpack__(self, **keywords):
            raise AssertionError("must not be asked")

        def __dlpack_device__(self):
            return self.device

    class Raises:
        def __dlpack__(self, **keywords):
            raise KeyError("mine")

    class Wrong:
        def __dlpack__(self, **keywords):
            return 3

    assert mx.from_dlpack(Old()).tolist() == mx.array(Old()).tolist() == X.tolist()
    for device, error in (((2, 0), ValueError), ("cpu", TypeError), ((1,), TypeError)):
        with pytest.raises(error):
            mx.from_dlpack(Device(device))
    with pytest.raises(KeyError, match="mine"):
        mx.from_dlpack(Raises())
    for wrong in (Wrong(), 3, [1], X.astype(">f4")):
        with pytest.raises((TypeError, BufferError)):
            mx.from_dlpack(wrong)


def test_torch():
    torch = pytest.importorskip("torch")
    t = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).T
    a = mx.from_dlpack(t, copy=False)
    t[0, 0] = 9
    assert a.dtype == mx.bfloat16 and a.tolist() == t.tolist() and mx.array(t).tolist() == t.tolist()
    back = torch.from_dlpack(mx.arange(4) * 2)
    back += 1
    assert back.tolist() == [1, 3, 5, 7]


def test_jax():
    jax = pytest.importorskip("jax")
    for dtype in (mx.float32, mx.int8, mx.bfloat16, mx.bool_, mx.complex64):
        a = mx.arange(6).reshape(2, 3).astype(dtype)
        theirs = jax.dlpack.from_dlpack(a)
        assert theirs.tolist() == a.tolist()
        for ours in (mx.from_dlpack(theirs), mx.from_dlpack(theirs, copy=False), mx.array(theirs)):
            assert ours.dtype == dtype and ours.tolist() == a.tolist()

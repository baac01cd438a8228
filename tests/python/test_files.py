"""save, savez, savez_compressed, load: files that NumPy reads and writes too, paths and file objects, hostile files."""
import io
import itertools
import os
import pathlib
import struct
import zipfile

import ml_dtypes
import numpy as np
import pytest

import mlx.core as mx
from conftest import growth

X = np.arange(6, dtype=np.float32).reshape(2, 3)
NAMES = ["bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64"]


def npy(a, **keywords):
    b = io.BytesIO()
    np.save(b, a, **keywords)
    return b.getvalue()


def load(data, format="npy"):
    return mx.load(io.BytesIO(data), format=format)


# ---- By path
def test_npy_both_ways(tmp_path):
    mx.save(str(tmp_path / "a"), mx.array(X).T)
    assert np.load(tmp_path / "a.npy").tolist() == X.T.tolist()
    np.save(tmp_path / "b.npy", np.asfortranarray(X))
    assert mx.load(tmp_path / "b.npy").tolist() == X.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_every_dtype(name, tmp_path):
    a = mx.array(X).astype(getattr(mx, name))
    mx.save(tmp_path / "a.npy", a)
    n = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert n.dtype == np.dtype(name.rstrip("_")) and n.tolist() == a.tolist()
    for laid in (n, n.T, n.astype(n.dtype.newbyteorder(">")), n[:0], n[0, 0]):
        assert load(npy(laid)).dtype == a.dtype and load(npy(laid)).tolist() == laid.tolist()


def test_bfloat16_is_as_ml_dtypes_saves_it(tmp_path):
    a = mx.array(X).astype(mx.bfloat16)
    mx.save(tmp_path / "a", a)
    assert np.load(tmp_path / "a.npy").view(ml_dtypes.bfloat16).tolist() == X.tolist()
    back = load(npy(X.astype(ml_dtypes.bfloat16)))
    assert back.dtype == mx.bfloat16 and back.tolist() == X.tolist()


@pytest.mark.parametrize("save, ratio", [(mx.savez, 1), (mx.savez_compressed, 0.2)])
def test_npz_both_ways(save, ratio, tmp_path):
    large = mx.zeros((200, 100))
    save(tmp_path / "a.npz", mx.array(X), mx.array([1, 2]), other=mx.array(True), large=large, empty=mx.zeros((0, 3)))
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None and (tmp_path / "a.npz").stat().st_size < ratio * 80000 + 2000
    with np.load(tmp_path / "a.npz") as loaded:
        assert sorted(loaded) == ["arr_0", "arr_1", "empty", "large", "other"] and loaded["arr_0"].tolist() == X.tolist()
        assert loaded["large"].sum() == 0 and loaded["empty"].shape == (0, 3)
    again = mx.load(tmp_path / "a.npz")
    assert again["arr_0"].tolist() == X.tolist() and again["large"].shape == (200, 100) and again["other"].item() is True
    np.savez_compressed(tmp_path / "b.npz", x=X, y=X + 1)
    loaded = mx.load(str(tmp_path / "b.npz"))
    assert list(loaded) == ["x", "y"] and loaded["y"].tolist() == (X + 1).tolist()


def test_members_of_incompressible_and_large_arrays(tmp_path):
    a = mx.random.randint(-(2**31), 2**31 - 1, (1 << 20,))
    mx.savez_compressed(tmp_path / "a", a, b=mx.arange(1 << 19))
    with np.load(tmp_path / "a.npz") as loaded:
        assert (loaded["arr_0"] == np.asarray(a)).all() and (loaded["b"] == np.arange(1 << 19)).all()
    assert (mx.load(tmp_path / "a.npz")["arr_0"] == a).all().item()


def test_names_and_endings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = mx.array([1])
    mx.save("a.txt", a), mx.save(pathlib.Path("b"), a), mx.save(b"c", a), mx.savez("d.npy", a), mx.savez(file="e", x=a), mx.savez("f")
    assert sorted(os.listdir()) == ["a.txt.npy", "b.npy", "c.npy", "d.npy.npz", "e.npz", "f.npz"]
    assert mx.load("f.npz") == {} and mx.load("e.npz")["x"].item() == 1
    os.rename("b.npy", "b")
    os.rename("e.npz", "e.npy")
    assert mx.load("b", format="npy").item() == 1 and list(mx.load("e.npy", "npz")) == ["x"]
    os.mkdir("x.npy")
    os.rename("b", "x.npy/b")
    with pytest.raises(ValueError, match="no ending"):
        mx.load("x.npy/b")


@pytest.mark.parametrize("call", [
    lambda p: mx.load(p / "none.npy"), lambda p: mx.load(p / "a.txt"), lambda p: mx.load(p / "a"), lambda p: mx.load(3), lambda p: mx.load("a\0.npy"), lambda p: mx.save(p / "x"),
    lambda p: mx.save(p / "no" / "such" / "folder", mx.array(1)), lambda p: mx.save(p / "x", X), lambda p: mx.savez(), lambda p: mx.savez(p / "x", 1), lambda p: mx.save(3, mx.array(1)),
    lambda p: mx.savez(p / "x", mx.array(1), arr_0=mx.array(2)), lambda p: mx.savez(p / "x", **{"a/../b": 1}), lambda p: mx.savez(p / "x", file=mx.array(1)),
    lambda p: mx.load(p / "a.npy", format="safetensors"), lambda p: mx.load(p / "a.npy", format=3), lambda p: mx.load(p / "a.npy", return_metadata=True), lambda p: mx.load(file=p)])
def test_wrong_use(call, tmp_path):
    with pytest.raises((OSError, ValueError, TypeError)) as raised:
        call(tmp_path)
    assert str(raised.value) and not os.listdir(tmp_path)


# ---- File objects
def test_file_objects_both_ways(tmp_path):
    b = io.BytesIO()
    b.write(b"first")
    mx.save(b, mx.array(X).T), mx.save(b, mx.array([7])), mx.savez(b, mx.array(X), y=mx.array(2))
    b.seek(5)
    assert np.load(b).tolist() == X.T.tolist() and mx.load(b, format="npy").tolist() == [7]
    assert mx.load(b, format="npz")["arr_0"].tolist() == X.tolist() and not b.closed
    b.seek(5)
    assert mx.load(b, format="npy").tolist() == X.T.tolist() and b.tell() == 5 + len(npy(X))
    with open(tmp_path / "f.npz", "wb", buffering=0) as f:
        mx.savez_compressed(f, x=mx.zeros((1000,)))
    with open(tmp_path / "f.npz", "rb") as f:
        loaded = mx.load(f)  # by its name; read before the file is closed
    assert loaded["x"].shape == (1000,)
    with zipfile.ZipFile(tmp_path / "f.npz") as z, z.open("x.npy") as f:
        assert mx.load(f).shape == (1000,)


def test_elements_of_a_path_are_read_when_evaluated_and_of_an_object_at_once(tmp_path):
    np.save(tmp_path / "a.npy", X)
    with open(tmp_path / "a.npy", "rb") as f:
        by_object, by_path = mx.load(f), mx.load(tmp_path / "a.npy")
    with open(tmp_path / "a.npy", "r+b") as f:
        f.truncate(130)
    assert by_object.tolist() == X.tolist()
    with pytest.raises(OSError, match="truncated"):
        mx.eval(by_path)


class Slow(io.RawIOBase):
    """A file that takes and gives seven bytes at a time."""

    def __init__(self):
        self.inner = io.BytesIO()

    def write(self, data):
        return self.inner.write(bytes(data)[:7])

    def read(self, n=-1):
        return self.inner.read(min(n, 7))

    def seek(self, *where):
        return self.inner.seek(*where)

    def tell(self):
        return self.inner.tell()


def test_short_reads_and_writes():
    f = Slow()
    mx.save(f, mx.array(X))
    assert f.inner.getvalue() == npy(X)
    f.seek(0)
    assert mx.load(f, format="npy").tolist() == X.tolist()


class Broken:
    def __init__(self, **methods):
        self.__dict__.update(methods)


def raises(*_):
    raise KeyError("mine")


def tells():
    """A file of 200 bytes, asked where it begins and ends, and again."""
    return itertools.cycle([0, 200]).__next__


@pytest.mark.parametrize("format", ["npy", "npz"])
@pytest.mark.parametrize("file, error", [
    (Broken(read=raises, seek=lambda *a: 0, tell=lambda: 100), OSError), (Broken(read=raises, seek=raises, tell=lambda: 0), KeyError), (Broken(read=raises, seek=raises, tell=raises), KeyError),
    (Broken(read=raises), TypeError), (Broken(read=lambda n: "text", seek=lambda *a: 0, tell=tells()), TypeError), (io.StringIO("text"), (TypeError, OSError)),
    (Broken(read=lambda n: b"", seek=lambda *a: 0, tell=tells()), OSError), (Broken(read=lambda n: b"x" * (n + 1), seek=lambda *a: 0, tell=tells()), OSError),
    (Broken(read=raises, seek=lambda *a: 0, tell=tells()), KeyError), (Broken(read=raises, seek=lambda *a: 0, tell=lambda: -1), OSError),
    (Broken(read=raises, seek=lambda *a: 0, tell=lambda: "x"), TypeError), (3, TypeError), (io.BytesIO(), OSError)])
def test_broken_objects_are_not_read(file, error, format):
    with pytest.raises(error) as raised:
        mx.load(file, format=format)
    assert str(raised.value)


@pytest.mark.parametrize("file, error", [(Broken(write=raises), KeyError), (Broken(write=lambda b: len(b) + 1), OSError), (Broken(write=lambda b: 0), OSError),
                                         (Broken(write=lambda b: "x"), TypeError), (Broken(), TypeError), (io.StringIO(), TypeError)])
def test_broken_objects_are_not_written(file, error):
    for save in (mx.save, mx.savez, mx.savez_compressed):
        with pytest.raises(error) as raised:
            save(file, mx.array(X))
        assert str(raised.value)
    mx.save(Broken(write=lambda b: None), mx.array(X))


def test_format_of_objects():
    for name in (None, 3, "x"):
        f = io.BytesIO(npy(X))
        f.name = name
        with pytest.raises(ValueError, match="format="):
            mx.load(f)
    f.name = "x.npy"
    assert mx.load(f).tolist() == X.tolist()


# ---- Hostile files
def header(text, version=1, size=None):
    data = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(data) if size is None else size) + data


HOSTILE_NPY = {
    "nothing": b"", "magic alone": b"\x93NUMPY", "no array": b"not an array" * 20, "version": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", 9) + bytes(4),
    "header too long": header("{", size=60000), "huge header": header("{", 2, 2**32 - 1), "no dict": header("[]") + bytes(8), "code": header("__import__('os').system('true')") + bytes(8),
    "missing key": header("{'descr': '<f4', 'shape': (1,), }") + bytes(4), "too large": header("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,), }") + bytes(4),
    "overflow": header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }") + bytes(8),
    "negative": header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }") + bytes(4), "many axes": header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 65 + "), }") + bytes(4),
    "float size": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,), }") + bytes(4), "truncated": npy(X)[:-1], "truncated text": npy(X)[:60],
    "objects": npy(np.array([{}], dtype=object), allow_pickle=True), "records": npy(np.zeros(2, [("a", "f4")])), "dates": npy(np.zeros(2, "M8[D]")), "text": npy(np.array(["a"])),
    "longdouble": npy(np.zeros(2, np.longdouble)), "complex128": npy(np.zeros(2, np.complex128)), "no dtype": header("{'descr': '<x9', 'fortran_order': False, 'shape': (1,), }") + bytes(9)}


@pytest.mark.parametrize("name", HOSTILE_NPY)
def test_hostile_npy(name, tmp_path):
    (tmp_path / "a.npy").write_bytes(HOSTILE_NPY[name])
    for file in (tmp_path / "a.npy", io.BytesIO(HOSTILE_NPY[name])):
        with pytest.raises((OSError, ValueError)) as raised:
            mx.eval(mx.load(file, format="npy"))
        assert "[load]" in str(raised.value)


def archive(members, **keywords):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", **keywords) as z:
        for name, data in members:
            z.writestr(name, data)
    return b.getvalue()


def overlapping():
    """Two entries of the directory that tell of one member's bytes."""
    data = bytearray(archive([("a.npy", npy(X)), ("b.npy", npy(X))]))
    at = data.rindex(b"PK\1\2")
    data[at + 42 : at + 46] = bytes(4)
    return bytes(data)


def bomb():
    """A member that says of its few bytes that they unpack to a terabyte."""
    data = bytearray(archive([("a.npy", npy(np.zeros(1000)))], compression=zipfile.ZIP_DEFLATED))
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)
    return bytes(data)


GOOD = archive([("a.npy", npy(X))])
HOSTILE_NPZ = {"nothing": b"", "no archive": b"PK\3\4 not a zip" * 9, "truncated": GOOD[:-5], "no directory": GOOD[: len(npy(X))], "no arrays": archive([("a.npy", b"text")]),
               "objects": archive([("a.npy", npy(np.array([{}], dtype=object), allow_pickle=True))]), "pickle": archive([("a.pkl", b"cos\nsystem\n(S'true'\ntR.")]),
               "cut member": archive([("a.npy", npy(X)[:-4])]), "longer member": archive([("a.npy", npy(X) + b"more")]), "overlapping": overlapping(), "bomb": bomb(),
               "checksum": GOOD.replace(npy(X)[-24:], npy(X)[-25:-1], 1), "method": archive([("a.npy", npy(X))], compression=zipfile.ZIP_BZIP2)}


@pytest.mark.parametrize("name", HOSTILE_NPZ)
def test_hostile_npz(name, tmp_path):
    (tmp_path / "a.npz").write_bytes(HOSTILE_NPZ[name])
    for file in (tmp_path / "a.npz", io.BytesIO(HOSTILE_NPZ[name])):
        with pytest.raises((OSError, ValueError, NotImplementedError)) as raised:
            mx.eval(mx.load(file, format="npz"))
        assert "[load" in str(raised.value)


def test_names_in_archives_are_names_of_arrays_alone(tmp_path):
    names = ["../outside", "/etc/passwd", "a/b", "..", "x" * 300]
    data = archive([(n + ".npy", npy(X)) for n in names])
    assert sorted(load(data, "npz")) == sorted(names)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.npz").write_bytes(data)
    mx.savez(tmp_path / "in" / "b.npz", **{"../outside": mx.array(1)})
    assert mx.load(tmp_path / "in" / "b.npz")["../outside"].item() == 1 and mx.eval(mx.load(tmp_path / "in" / "a.npz")) is None
    assert os.listdir(tmp_path) == ["in"] and sorted(os.listdir(tmp_path / "in")) == ["a.npz", "b.npz"]


# ---- Leaks
def test_paths_leave_nothing_behind(tmp_path):
    a = mx.array(X)

    def use():
        mx.save(tmp_path / "a.npy", a)
        mx.savez_compressed(tmp_path / "a.npz", a, b=a)
        mx.load(tmp_path / "a.npy").tolist(), mx.load(tmp_path / "a.npz")["b"].tolist()
        for wrong in (lambda: mx.load(tmp_path / "n.npz"), lambda: mx.savez(tmp_path / "x", a, 1), lambda: mx.save(tmp_path / "n" / "n", a)):
            with pytest.raises((OSError, TypeError)):
                wrong()

    blocks, nbytes = growth(use, times=40)
    assert blocks < 30 and nbytes == 0


def test_file_objects_leave_nothing_behind():
    a = mx.array(X)

    def use():
        for save in (mx.savez, mx.savez_compressed):
            b = io.BytesIO()
            save(b, a, b=a)
            load(b.getvalue(), "npz"), load(npy(X)), load(npy(X.T))
        for wrong in (lambda: load(npy(X)[:-1]), lambda: mx.savez(Broken(write=raises), a), lambda: load(HOSTILE_NPZ["cut member"], "npz"), lambda: mx.load(Broken(read=raises))):
            with pytest.raises((OSError, TypeError, KeyError, ValueError)):
                wrong()

    blocks, nbytes = growth(use)
    assert blocks < 50 and nbytes == 0

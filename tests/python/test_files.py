"""save, savez, load: files that NumPy reads and writes too."""
import numpy as np
import pytest

import mlx.core as mx
from conftest import growth

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_npy_both_ways(tmp_path):
    mx.save(str(tmp_path / "a"), mx.array(X).T)
    assert np.load(tmp_path / "a.npy").tolist() == X.T.tolist()
    np.save(tmp_path / "b.npy", np.asfortranarray(X))
    assert mx.load(tmp_path / "b.npy").tolist() == X.tolist()


def test_npz_both_ways(tmp_path):
    mx.savez(tmp_path / "a.npz", mx.array(X), mx.array([1, 2]), other=mx.array(True))
    with np.load(tmp_path / "a.npz") as loaded:
        assert sorted(loaded) == ["arr_0", "arr_1", "other"] and loaded["arr_0"].tolist() == X.tolist()
    np.savez_compressed(tmp_path / "b.npz", x=X, y=X + 1)
    loaded = mx.load(str(tmp_path / "b.npz"))
    assert list(loaded) == ["x", "y"] and loaded["y"].tolist() == (X + 1).tolist()


@pytest.mark.parametrize("call", [
    lambda p: mx.load(p / "none.npy"), lambda p: mx.load(p / "a.txt"), lambda p: mx.load(3), lambda p: mx.load("a\0.npy"), lambda p: mx.save(p / "x"),
    lambda p: mx.save(p / "no" / "such" / "folder", mx.array(1)), lambda p: mx.save(p / "x", X), lambda p: mx.savez(), lambda p: mx.savez(p / "x", 1),
    lambda p: mx.savez(p / "x", mx.array(1), arr_0=mx.array(2)), lambda p: mx.savez(p / "x", **{"a/../b": 1})])
def test_wrong_use(call, tmp_path):
    with pytest.raises((OSError, ValueError, TypeError)) as raised:
        call(tmp_path)
    assert str(raised.value)


def test_object_arrays_and_damaged_files_are_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object))
    (tmp_path / "t.npy").write_bytes((tmp_path / "o.npy").read_bytes()[:20])
    (tmp_path / "z.npz").write_bytes(b"PK\3\4 not a zip")
    for name in ("o.npy", "t.npy", "z.npz"):
        with pytest.raises((OSError, ValueError)):
            mx.load(tmp_path / name)


def test_nothing_is_left_behind(tmp_path):
    a = mx.array(X)

    def use():
        mx.save(tmp_path / "a.npy", a)
        mx.savez(tmp_path / "a.npz", a, b=a)
        mx.load(tmp_path / "a.npy").tolist(), mx.load(tmp_path / "a.npz")["b"].tolist(), a.at[0].add(1).tolist()
        for wrong in (lambda: mx.load(tmp_path / "n.npz"), lambda: mx.savez(tmp_path / "x", a, 1), lambda: mx.save(tmp_path / "n" / "n", a)):
            with pytest.raises((OSError, TypeError)):
                wrong()

    blocks, nbytes = growth(use, times=100)
    assert blocks < 50 and nbytes == 0

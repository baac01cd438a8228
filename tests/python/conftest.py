"""What the tests of mlx.core share. The extension is found by PYTHONPATH: ctest sets it to the build's python folder."""
import ctypes
import gc
import os
import tracemalloc

import pytest

import mlx.core as mx


def import_numpy_unwatched():
    """NumPy loses some tuples while it is imported, which the leak sanitizer would report."""
    sanitizer = ctypes.CDLL(None)
    sanitizer.__lsan_disable()
    try:
        import numpy  # noqa: F401
    finally:
        sanitizer.__lsan_enable()


if "libasan" in os.environ.get("LD_PRELOAD", ""):
    import_numpy_unwatched()
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # of children, which import it too


@pytest.fixture(autouse=True)
def seeded():
    """Random numbers repeat from run to run."""
    mx.random.seed(7)


def live_blocks():
    """How many blocks Python's allocators hold, whichever those are."""
    gc.collect()
    return len(tracemalloc.take_snapshot().traces)


def growth(run, times=200):
    """Live blocks of Python's and active bytes that `run` leaves behind for good, after a warm-up."""
    tracemalloc.start()
    try:
        for _ in range(3):
            run()
        before = (live_blocks(), mx.get_active_memory())
        for _ in range(times):
            run()
        return live_blocks() - before[0], mx.get_active_memory() - before[1]
    finally:
        tracemalloc.stop()

"""What the tests of mlx.core share. The extension is found by PYTHONPATH: ctest sets it to the build's python folder."""
import gc
import sys

import pytest

import mlx.core as mx


@pytest.fixture(autouse=True)
def seeded():
    """Random numbers repeat from run to run."""
    mx.random.seed(7)


def growth(run, times=200):
    """Live objects and active bytes that `run` leaves behind for good, after a warm-up."""
    for _ in range(3):
        run()
    gc.collect()
    before = (sys.getallocatedblocks(), mx.get_active_memory())
    for _ in range(times):
        run()
    gc.collect()
    return sys.getallocatedblocks() - before[0], mx.get_active_memory() - before[1]

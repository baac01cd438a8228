"""Random programs over everything public never end the interpreter, and raise exceptions that say something (tests/python/surface);
so does each wrong thing in each place.

A few programs from fixed seeds; with MICA_FUZZ_SECONDS in the environment, others for that long. A failure prints the program: with
`from hostile import *; globals().update(namespace())` in tests/python/surface its lines run one by one.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

SURFACE = pathlib.Path(__file__).with_name("surface")
NOUNS = re.findall(r'^    "(.+)": ".*",$', (SURFACE / "nouns.py").read_text(), re.MULTILINE)
STUCK = 120  # seconds in one line


def wait(process, log):
    """Ends the worker when it does not come on."""
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if log.exists() and time.time() - log.stat().st_mtime > STUCK:
                process.kill()
                process.wait()
                return "stuck"


def environment():
    """For a run under the address sanitizer: memory that cannot be had is an error, and hardly any need be had."""
    options = os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1:max_allocation_size_mb=1500"
    return {**os.environ, "ASAN_OPTIONS": options}


def survive(folder, program, *arguments):
    log, output = folder / "program", folder / "output"
    with output.open("wb") as out:
        process = subprocess.Popen([sys.executable, SURFACE / program, log, *map(str, arguments)], stdout=out, stderr=out, env=environment())
        status = wait(process, log)
    said = output.read_text(errors="replace")
    died = "" if status == 1 else f"\nthe last line of:\n{log.read_text(errors='replace')}"
    assert status == 0, f"{program} {arguments}: status {status}{died}\n{said[-6000:]}"


@pytest.mark.parametrize("seed", [1, 2])
def test_programs(seed, tmp_path):
    survive(tmp_path, "worker.py", seed, 500)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_wrong_thing_in_every_place(noun, tmp_path):
    survive(tmp_path, "nouns.py", noun)


@pytest.mark.skipif("MICA_FUZZ_SECONDS" not in os.environ, reason="the long run, for make check")
def test_more_programs(tmp_path):
    end, seed = time.monotonic() + float(os.environ["MICA_FUZZ_SECONDS"]), int(time.time())
    while time.monotonic() < end:
        survive(tmp_path, "worker.py", seed, 500)
        seed += 1

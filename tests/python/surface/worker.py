"""Runs programs of the surface fuzz in this process:  worker.py LOG SEED EXAMPLES

Every line goes to LOG before it runs, so that a death of the interpreter names the call; the log of an example begins anew. A line
may raise an exception of the expected classes whose message says something; anything else is a failure, which hypothesis shrinks.
"""

from __future__ import annotations

import faulthandler
import functools
import os
import re
import resource
import sys
import tempfile
import types
import warnings

import mlx.core as mx
from hypothesis import HealthCheck, Phase, given, seed, settings

from grammar import programs
from hostile import HostileError, evaluate, namespace

EXPECTED = (
    TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError, ZeroDivisionError, MemoryError, RuntimeError, NotImplementedError, BufferError,
    OSError, ReferenceError, StopIteration, HostileError,
)  # fmt: skip
# Transforms pass on what their function raises. Of a conversion that an object refuses, its own words are told.
CORE_CALL = re.compile(r"r\d+ = mx\.(?:\w+\.)?(?!vjp|jvp)([a-z]\w+)\(")
SPEAKS_AS = {"savez_compressed": "savez", "new_thread_unsafe_stream": "new_stream", "asarray": "array"}  # what does the work there
FROM_OBJECTS = (
    "__index__ returned", "__float__ returned", "float() argument", "could not convert", "only integer scalar", "only 0-dim", "operation forbidden on released memoryview", "[from_dlpack]", "expected Trap",
)  # fmt: skip


@functools.cache
def names_of(function):
    """A function and those it is an alias of: their descriptions are the same but for the first line."""
    spaces = [mx, *(m for m in vars(mx).values() if isinstance(m, types.ModuleType))]
    found = [f for space in spaces for f in [getattr(space, function, None)] if f is not None]
    texts = {doc.partition("\n")[2] for doc in (f.__doc__ for f in found) if doc}
    return {function, SPEAKS_AS.get(function, function)} | {n for space in spaces for n, f in vars(space).items() if callable(f) and (f.__doc__ or "").partition("\n")[2] in texts}


class Log:
    """A file that holds the lines of the program under way."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)

    def begin(self):
        os.ftruncate(self.fd, 0)
        os.lseek(self.fd, 0, os.SEEK_SET)

    def write(self, line):
        os.write(self.fd, line.encode("utf-8", "backslashreplace") + b"\n")


def complain(line, error, is_called):
    """Why `error` is not what `line` may raise, or None. `is_called`: it is not from evaluating what the call gave."""
    if not isinstance(error, EXPECTED):
        return f"{type(error).__name__} is not an expected class"
    if not str(error) and not isinstance(error, (MemoryError, StopIteration, KeyError, AssertionError)):
        return f"{type(error).__name__} without a message"
    if ")(" in line:  # what a transform's function raises passes through it
        return None
    call = CORE_CALL.match(line) if is_called and not str(error).startswith(FROM_OBJECTS) else None
    if call and type(error) in (TypeError, ValueError) and not any(name in str(error) for name in names_of(call[1])):
        return "the message does not name the function"
    return None


def run(lines, log):
    mx.set_memory_limit(0)  # which the program before may have set
    space = namespace()
    log.begin()
    for line in lines:
        log.write(line)
        name = line.split(" ", 1)[0]
        is_called = True
        try:
            exec(line, space)  # noqa: S102  a program of our own grammar
            is_called = False
            log.write("    evaluate")
            evaluate(space.get(name))
        except Exception as error:  # noqa: BLE001  that is what is tested
            wrong = complain(line, error, is_called)
            if wrong:
                raise AssertionError(f"{wrong}: {error!r}\n" + "\n".join(lines)) from error


def limit_memory():
    """Huge sizes must end in MemoryError soon. The address sanitizer maps terabytes, and has a limit of its own (test_surface.py)."""
    with open("/proc/self/maps") as maps:
        is_sanitized = "asan" in maps.read()
    if not is_sanitized:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def main(log_path, number, examples):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    limit_memory()
    log = Log(log_path)

    @seed(int(number))
    @settings(max_examples=int(examples), database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])
    @given(programs())
    def lives(lines):
        run(lines, log)

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        lives()


if __name__ == "__main__":
    main(*sys.argv[1:])

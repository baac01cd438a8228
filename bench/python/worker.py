"""Times the rows of one library, in a process of its own: scripts/bench_python asks on stdin, one line `row seconds` at a time,
and gets `median best` in seconds per call, or `-` where the library lacks the row. `version 0` gets the versions.
usage: worker.py MODULE, a rows_*.py beside this file

A module has ROWS, {row: (set up, code)}: set up returns the names that the code sees, among them perhaps `setup`, code that runs
before each batch of calls; and VERSION, a text."""
import importlib
import platform
import statistics
import sys
import timeit

BATCH = 2e-3  # seconds; shorter batches measure the clock


def timer_of(row):
    """A timer for the row, and how many calls make a batch."""
    set_up, code = row
    names = set_up()
    timer = timeit.Timer(code, names.pop("setup", "pass"), globals=names)
    timer.timeit(3)  # compiles, makes plans, touches memory
    calls = 1
    while timer.timeit(calls) < BATCH:
        calls *= 2
    return timer, calls


def times(timer, calls, seconds):
    """Seconds of one call, by batches that take `seconds` in all."""
    found = []
    while sum(found) * calls < seconds or len(found) < 3:
        found.append(timer.timeit(calls) / calls)
    return found


def main(module):
    rows = importlib.import_module(module)
    timers = {}
    for line in sys.stdin:
        name, seconds = line.split()
        if name == "version":
            print(f"{rows.VERSION}, Python {platform.python_version()}", flush=True)
        elif name not in rows.ROWS:
            print("-", flush=True)
        else:
            if name not in timers:
                timers[name] = timer_of(rows.ROWS[name])
            found = times(*timers[name], float(seconds))
            print(statistics.median(found), min(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""How long Ctrl-C takes to end a wait: from the signal to KeyboardInterrupt, in milliseconds, for graphs that would run for seconds.
usage: PYTHONPATH=build/release/python .venv/bin/python bench/python/interrupt.py"""
import os
import signal
import subprocess
import sys
import threading
import time

import mlx.core as mx

ROUNDS = 5


def products():
    x = mx.random.normal((1000, 1000))
    for _ in range(200):
        x = mx.sin(x @ x)
    return x


def chain(steps, size):
    x = mx.ones((size,))
    for _ in range(steps):
        x = x * 1.0001 + 0.5
    return x


def one_product():
    a = mx.random.normal((6000, 6000))
    return a @ a


def behind_a_run():
    x = products()
    mx.async_eval(x)
    return x + 1


WAITS = {
    "one product": lambda: (one_product(), mx.eval),
    "many products": lambda: (products(), mx.eval),
    "60,000 large steps, item": lambda: (chain(60000, 300000).sum(), lambda y: y.item()),
    "1,000,000 small steps": lambda: (chain(1000000, 1000), mx.eval),
    "a part that another run works on": lambda: (behind_a_run(), mx.eval),
    "synchronize": lambda: (behind_a_run(), lambda y: mx.synchronize()),
}


def wait_once(name):
    """In a process of its own, which ends without waiting for the run."""
    y, wait = WAITS[name]()
    sent = []
    threading.Timer(0.1, lambda: (sent.append(time.perf_counter()), os.kill(os.getpid(), signal.SIGINT))).start()
    try:
        wait(y)
        text = "nan"
    except KeyboardInterrupt:
        text = str(1000 * (time.perf_counter() - sent[0]))
    print(text, flush=True)
    os._exit(0)


def main():
    print("| Ctrl-C while waiting for | worst of 5, ms |\n|---|---|")
    for name in WAITS:
        runs = [subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
        print(f"| {name} | {max(float(run.stdout) for run in runs):.0f} |", flush=True)


if __name__ == "__main__":
    wait_once(sys.argv[1]) if len(sys.argv) > 1 else main()

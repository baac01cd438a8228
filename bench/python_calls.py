"""What a call from Python costs, in nanoseconds: the best of several runs, so that a busy machine shows least.
usage: PYTHONPATH=build/release/python .venv/bin/python bench/python_calls.py"""
import platform
import sys
import timeit

import mlx.core as mx

CALLS = [
    ("`mx.add(a, b)`", "mx.add(a, b)"),
    ("`a + b`", "a + b"),
    ("`a + 1.0`", "a + 1.0"),
    ("`mx.sum(a, axis=-1, keepdims=True)`", "mx.sum(a, axis=-1, keepdims=True)"),
    ("`a.shape`", "a.shape"),
    ("`mx.grad(lambda x: (x * x).sum())`, called", "grad(a)"),
    ("`mx.eval(mx.add(a, b))` on two elements", "mx.eval(mx.add(a, b))"),
]


def main():
    names = {"mx": mx, "a": mx.array([1.0, 2.0]), "b": mx.array([3.0, 4.0]), "grad": mx.grad(lambda x: (x * x).sum())}
    print(f"| a call from Python {platform.python_version()}, ns, building only but for the last | mica |\n|---|---|")
    for text, code in CALLS:
        best = min(timeit.repeat(code, globals=names, number=50_000, repeat=9)) / 50_000
        print(f"| {text} | {best * 1e9:.0f} |")


if __name__ == "__main__":
    sys.exit(main())

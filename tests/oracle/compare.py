"""Compares mica with released MLX, call by call:  compare.py --mlx PYTHON --mica PYTHON --path FOLDER [--calls N] [--seed N]

The calls are those of tests/golden and, from each of them, others with random values, dtypes, sizes and parameters. Both
libraries answer in processes of their own (peer.py), errors included. Results must have the same dtype, shape and bits; where an operation
rounds, mica must be within what docs/numerics*.md promises of the float64 value (truth.py), and MLX's own distance from it is measured
and reported. What remains must be a row of docs/differences.md (differences.py), or it counts as unexplained, and fails."""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))

import numpy as np  # noqa: E402
from cases import form  # noqa: E402
from differences import listed, unknown_rows  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from mutate import mutated  # noqa: E402
from orders import is_partition  # noqa: E402
from peer import Peer  # noqa: E402
from truth import are_near, excess, truth  # noqa: E402


def recorded():
    for path in sorted(GOLDEN.glob("*.txt")):
        if path.stem != "differs":
            with path.open() as lines:
                yield from form.read_cases(lines)


def describe(case, ours, theirs):
    inputs = [a.value if isinstance(a, form.Weak) else (a.dtype, tuple(a.shape), form.values_of(a)[:8].tolist()) for a in case.inputs]
    lines = [f"{case.op} {case.params} {inputs}"]
    for name, answer in (("mica", ours), ("MLX ", theirs)):
        outputs = answer and [(a.dtype, tuple(a.shape), form.values_of(a)[:8].tolist()) for a in answer.outputs]
        lines.append(f"    {name} {'died or hung' if answer is None else answer.error or answer.text or answer.dtype or outputs}")
    return "\n".join(lines)


def same_class(mine, other):
    """AxisError is a ValueError and an IndexError."""
    return mine == other or (mine == "AxisError" and other in ("ValueError", "IndexError"))


def same(ours, theirs):
    if not same_class(ours.error, theirs.error) or (ours.text, ours.dtype) != (theirs.text, theirs.dtype) or len(ours.outputs) != len(theirs.outputs):
        return False
    return all(map(form.same_bits, ours.outputs, theirs.outputs))


def alike(ours, theirs):
    return not ours.error and not theirs.error and [(a.dtype, tuple(a.shape)) for a in ours.outputs] == [(a.dtype, tuple(a.shape)) for a in theirs.outputs]


def divided(case, ours, theirs):
    return case.op in ("partition", "argpartition", "topk") and alike(ours, theirs) and is_partition(case, ours)


class Comparison:
    def __init__(self, mica, mlx):
        self.mica, self.mlx = mica, mlx
        self.agreed, self.listed, self.unexplained = 0, collections.Counter(), []
        self.errors = collections.defaultdict(float)  # MLX's own, in units of what mica promises

    def answers(self, case):
        self.mica.send(case)
        self.mlx.send(case)
        return self.mica.receive(), self.mlx.receive()

    def rounds(self, case, ours, theirs):
        """Whether the disagreement is MLX's rounding: mica keeps its promise, and MLX is not wholly elsewhere."""
        if not alike(ours, theirs):
            return False
        wants = truth(ours)
        if not wants:
            return are_near(ours, theirs)
        pairs = list(zip(ours.outputs, theirs.outputs, wants))
        mine = max(excess(a, *want, b) for a, b, want in pairs)
        self.errors[case.op] = max(self.errors[case.op], *(excess(b, *want, a) for a, b, want in pairs))
        return mine <= 1

    def judge(self, case):
        """`agreed`, the words of a row, or None."""
        ours, theirs = self.answers(case)
        if ours is None:
            return None, ours, theirs
        if theirs is not None and (same(ours, theirs) or self.rounds(case, ours, theirs) or divided(case, ours, theirs)):
            return "agreed", ours, theirs
        return listed(case, ours, theirs), ours, theirs

    def add(self, case):
        verdict, ours, theirs = self.judge(case)
        if not verdict:  # once more in fresh processes: MLX may have written over its own memory before
            self.mica.stop()
            self.mlx.stop()
            verdict, ours, theirs = self.judge(case)
        if verdict == "agreed":
            self.agreed += 1
        elif verdict:
            self.listed[verdict] += 1
        else:
            self.unexplained.append(describe(case, ours, theirs))

    def report(self):
        for text in self.unexplained[:50]:
            print(text)
        print("\nMLX's largest error, in units of what mica promises of the operation:")
        print(", ".join(f"{op} {error:.3g}" for op, error in sorted(self.errors.items())))
        print("\nListed differences met:")
        for words, count in self.listed.most_common():
            print(f"{count:7} {words}")
        print(f"{self.agreed} agree, {sum(self.listed.values())} listed differences, {len(self.unexplained)} unexplained")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mlx", required=True, help="a Python that has released MLX")
    parser.add_argument("--mica", required=True, help="a Python for mica")
    parser.add_argument("--path", required=True, help="the folder that holds mica's mlx")
    parser.add_argument("--calls", type=int, default=20000, help="random calls (20000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="the operations whose names have this in them")
    return parser.parse_args()


def main():
    options = arguments()
    np.seterr(all="ignore")  # definitions meet infinities and NaN
    rows = unknown_rows()
    if rows:
        sys.exit(f"docs/differences.md has no row with: {rows}")
    cases = [c for c in recorded() if not options.only or options.only in c.op]
    comparison = Comparison(Peer(options.mica, options.path), Peer(options.mlx))
    for case in cases:
        comparison.add(case)
    # Derivatives have no definition here for any values, and factors of a covariance that is none are up to LAPACK.
    templates = [c for c in cases if c.op not in ("vjp", "jvp", "random.multivariate_normal", "random.state", "print_ramp")]

    @seed(options.seed)
    @settings(max_examples=options.calls, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.integers(0, len(templates) - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
    def calls(at, high, low):
        comparison.add(mutated(templates[at], high << 24 | low))

    calls()
    comparison.report()
    comparison.mica.stop()
    comparison.mlx.stop()
    sys.exit(bool(comparison.unexplained))


if __name__ == "__main__":
    main()

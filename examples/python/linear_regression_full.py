"""Linear regression by gradient descent, twice: a synthetic problem whose answer is known, and a table of real
measurements, with rows held out, a check for convergence, and the closed-form answer to compare with.
Copy this file to start a program of your own: the part that uses mlx is `loss`, `descend` and `closed_form`."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import pathlib
import sys
import time
from xml.sax.saxutils import escape

import mlx.core as mx

DIABETES = pathlib.Path(__file__).resolve().parents[2] / "data" / "diabetes.csv"
REPORT_EVERY = 200
CONVERGED = 1e-6  # relative gain between two reports that counts as none


class Failure(Exception):
    """What the user should read; the program ends with exit code 1."""


# ---- Descent -------------------------------------------------------------------------------------------------------
@dataclasses.dataclass
class Rows:
    """X (n, features) and y (n,), float32."""

    X: mx.array
    y: mx.array


@dataclasses.dataclass
class History:
    """Losses at some steps; held_out is empty where no rows are."""

    steps: list[int] = dataclasses.field(default_factory=list)
    train: list[float] = dataclasses.field(default_factory=list)
    held_out: list[float] = dataclasses.field(default_factory=list)

    def has_converged(self) -> bool:
        return len(self.train) > 1 and self.train[-2] - self.train[-1] <= CONVERGED * self.train[-1]


def loss(w: mx.array, rows: Rows) -> mx.array:
    """mean((X @ w - y)^2) / 2"""
    return 0.5 * mx.mean(mx.square(rows.X @ w - rows.y))


def descend(
    w: mx.array, train: Rows, held_out: Rows | None, steps: int, rate: float, quiet: bool
) -> tuple[mx.array, History]:
    """At most `steps` steps from `w`, fewer where the loss no longer falls. Gives the last w."""
    loss_and_grad = mx.value_and_grad(loss)
    history, progress = History(), Progress(quiet)
    for step in range(steps + 1):
        value, gradient = loss_and_grad(w, train)
        if step % REPORT_EVERY == 0 or step == steps:
            history.steps.append(step)
            history.train.append(value.item())
            line = f"step {step:6d}  loss {history.train[-1]:.6g}"
            if held_out:
                history.held_out.append(loss(w, held_out).item())
                line += f"  held out {history.held_out[-1]:.6g}"
            if not history.train[-1] <= 1e3 * history.train[0] < math.inf:
                raise Failure(f"the loss grows without bound at step {step}: rate {rate:g} is too high")
            progress.show(step, steps, line)
            if step == steps or history.has_converged():
                break
        w = w - rate * gradient
        mx.eval(w)  # each step: what is not evaluated is kept as a graph, which would grow with every step
    progress.end()
    return w, history


def closed_form(rows: Rows) -> mx.array | None:
    """The least-squares answer from the normal equations, in float64; None where columns depend on each other."""
    X, y = rows.X.astype(mx.float64), rows.y.astype(mx.float64)
    try:
        w = mx.linalg.solve(X.T @ X, X.T @ y).astype(mx.float32)
        mx.eval(w)
    except ValueError:
        return None
    return w


def r_squared(w: mx.array, rows: Rows) -> float:
    """1 - residual sum of squares / total sum of squares"""
    left = mx.sum(mx.square(rows.y - rows.X @ w))
    return 1 - left.item() / mx.sum(mx.square(rows.y - mx.mean(rows.y))).item()


# ---- The two problems ----------------------------------------------------------------------------------------------
def solve_synthetic(options: argparse.Namespace) -> None:
    """1,000 rows, 100 features, noise 0.01: w should come within about 0.0033 of the one that made the rows."""
    steps, rate = options.steps or 10_000, options.rate or 0.01
    w_star = mx.random.normal((100,))
    X = mx.random.normal((1000, 100))
    rows = Rows(X, X @ w_star + 1e-2 * mx.random.normal((1000,)))
    if not options.quiet:
        print(f"synthetic: {X.shape[0]} examples, {X.shape[1]} features, at most {steps} steps, rate {rate:g}")
    started = time.perf_counter()
    w, history = descend(1e-2 * mx.random.normal((100,)), rows, None, steps, rate, options.quiet)
    distance = mx.sqrt(mx.sum(mx.square(w - w_star))).item()
    print(f"Loss {history.train[-1]:.5f}, |w-w*| = {distance:.5f}, {time.perf_counter() - started:.2f} s")


def fit_table(options: argparse.Namespace) -> None:
    steps, rate = options.steps or 10_000, options.rate or 0.1
    path = options.data or DIABETES
    names, X, y = read_table(path, options.target)
    train, held_out = split(X, y, path, options.validation)
    if not options.quiet:
        count = held_out.y.size if held_out else 0
        print(f"{path}: target {options.target!r}, {train.y.size} rows to train on, {count} held out, rate {rate:g}")
    w, history = descend(mx.zeros(train.X.shape[1]), train, held_out, steps, rate, options.quiet)
    exact = closed_form(train)
    if not options.quiet and len(names) <= 40:
        print(f"{'standardised feature':24} {'descent':>12} {'closed form':>12}")
        theirs = ["-"] * w.size if exact is None else [f"{v:.4f}" for v in exact.tolist()]
        for name, ours, other in zip([*names, "(intercept)"], w.tolist(), theirs):
            print(f"{name:24} {ours:12.4f} {other:>12}")
    judge, kind = (held_out, "held-out") if held_out else (train, "training")
    print(f"{'converged' if history.has_converged() else 'stopped, not converged,'} after {history.steps[-1]} steps")
    other = "no closed form: columns depend on each other" if exact is None else f"{r_squared(exact, judge):.4f} in closed form"
    print(f"R2 on {kind} rows: {r_squared(w, judge):.4f} by descent, {other}")
    if options.plot:
        draw(options.plot, "Linear regression: loss", history.steps, {"training": history.train, "held out": history.held_out})


# ---- Tables --------------------------------------------------------------------------------------------------------
MISSING = {"", "?", "NA", "N/A", "na", "n/a", "NaN", "nan", "NULL", "null", "None"}


def read_rows(path: str | pathlib.Path) -> list[tuple[int, list[str]]]:
    """Line numbers and cells of a CSV file; blank lines are skipped."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, strict=True, skipinitialspace=True)
            return [(lines.line_num, [cell.strip() for cell in row]) for row in lines if any(map(str.strip, row))]
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failure(f"{path} is not a text file") from None
    except csv.Error as error:
        raise Failure(f"{path}: line {lines.line_num}: {error}") from None


def read_number(cell: str, where: str) -> float:
    if cell in MISSING:
        raise Failure(f"{where} has no value")
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Failure(f"{where} is not a number: {cell[:40]!r}")
    return value


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def read_table(path: str | pathlib.Path, target: str) -> tuple[list[str], mx.array, mx.array]:
    """Names of the features, features (n, width) and target (n,), float64."""
    rows = read_rows(path)
    if not rows:
        raise Failure(f"{path} is empty")
    names = rows.pop(0)[1]
    for i, name in enumerate(names):
        if not name:
            raise Failure(f"{path}: column {i + 1} has no name")
        if name in names[:i]:
            raise Failure(f"{path}: two columns are called {name!r}")
    if is_number(names[0]):
        raise Failure(f"{path} has no header row: its first line holds the number {names[0]}")
    if target not in names:
        raise Failure(f"{path}: there is no column {target!r}; the columns are {', '.join(names)}")
    if len(names) < 2:
        raise Failure(f"{path} has no column beside the target {target!r}")
    if not rows:
        raise Failure(f"{path} has no rows under its header")
    for line, cells in rows:
        if len(cells) != len(names):
            raise Failure(f"{path}: line {line} has {len(cells)} fields where the header has {len(names)}")
    values = [[read_number(c, f"{path}: line {line}: column {n!r}") for c, n in zip(cells, names)] for line, cells in rows]
    at = names.index(target)
    X = mx.array([[*row[:at], *row[at + 1 :]] for row in values], dtype=mx.float64)
    return names[:at] + names[at + 1 :], X, mx.array([row[at] for row in values], dtype=mx.float64)


def split(X: mx.array, y: mx.array, path: str | pathlib.Path, share: float) -> tuple[Rows, Rows | None]:
    """Rows to train on and rows held out, at random. Features are scaled to mean 0 and deviation 1 on the training rows,
    constant ones to 0, and a column of ones follows them."""
    count = y.size
    held_out = math.floor(share * count + 0.5)
    if count - held_out < 2:
        raise Failure(f"{path}: {count - held_out} rows are too few to train on")
    if share > 0 and held_out < 2:
        raise Failure(f"{path}: {count} rows are too few to hold some out")
    order = mx.random.permutation(count)
    X, y = X[order], y[order]
    mean, deviation = mx.mean(X[held_out:], axis=0), mx.std(X[held_out:], axis=0)
    deviation = mx.where(deviation <= 1e-12 * mx.abs(mean), 1, deviation)
    X = mx.concatenate([(X - mean) / deviation, mx.ones((count, 1), dtype=X.dtype)], axis=1).astype(mx.float32)
    y = y.astype(mx.float32)
    return Rows(X[held_out:], y[held_out:]), Rows(X[:held_out], y[:held_out]) if held_out else None


# ---- What is shown -------------------------------------------------------------------------------------------------
class Progress:
    """A bar with the latest figures in a terminal, a line for each report in a pipe."""

    WIDTH = 30

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.is_drawn = False

    def show(self, done: int, total: int, text: str) -> None:
        if self.quiet:
            return
        if not sys.stdout.isatty():
            print(text)
            return
        filled = self.WIDTH * done // total if total else self.WIDTH
        print(f"\r[{'#' * filled:.<{self.WIDTH}}] {text}\x1b[K", end="", flush=True)
        self.is_drawn = True

    def end(self) -> None:
        if self.is_drawn:
            print()
        self.is_drawn = False


def svg(title: str, steps: list[int], curves: dict[str, list[float]]) -> list[str]:
    """The lines of an SVG of the curves over the steps, on a logarithmic scale where every value is positive. Empty curves are
    left out."""
    width, height, left, right, top, bottom, ticks = 720, 420, 80, 20, 40, 50, 5
    values = [v for curve in curves.values() for v in curve]
    is_log = min(values) > 0
    scale = math.log10 if is_log else float
    low, high = scale(min(values)), scale(max(values))
    margin = 0.05 * (high - low) or 0.5
    low, high = low - margin, high + margin

    def x_of(step: float) -> float:
        return left + (width - left - right) * step / (steps[-1] or 1)

    def y_of(scaled: float) -> float:
        return height - bottom - (height - top - bottom) * (scaled - low) / (high - low)

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' font-family='sans-serif' font-size='12'>",
        "<rect width='100%' height='100%' fill='white'/>",
        f"<text x='{left}' y='24' font-size='15'>{escape(title)}</text>",
        f"<text x='{(left + width - right) / 2:.1f}' y='{height - 10}' text-anchor='middle'>step</text>",
    ]
    for i in range(ticks + 1):
        step, at = i / ticks * steps[-1], low + i / ticks * (high - low)
        value, y = 10**at if is_log else at, y_of(at)
        parts.append(f"<text x='{x_of(step):.1f}' y='{height - bottom + 20}' text-anchor='middle'>{step:.4g}</text>")
        parts.append(f"<text x='{left - 8}' y='{y + 4:.1f}' text-anchor='end'>{value:.3g}</text>")
        parts.append(f"<line x1='{left}' y1='{y:.1f}' x2='{width - right}' y2='{y:.1f}' stroke='#ddd'/>")
    drawn = [(name, curve) for name, curve in curves.items() if curve]
    for i, ((name, curve), colour) in enumerate(zip(drawn, ("#1f77b4", "#d62728", "#2ca02c"))):
        points = " ".join(f"{x_of(step):.1f},{y_of(scale(v)):.1f}" for step, v in zip(steps, curve))
        y = top + 16 + 18 * i
        parts.append(f"<polyline fill='none' stroke-width='2' stroke='{colour}' points='{points}'/>")
        parts.append(f"<path d='M {width - 150} {y - 4} h 25' stroke='{colour}' stroke-width='2'/>")
        parts.append(f"<text x='{width - 118}' y='{y}'>{escape(name)}</text>")
    return [*parts, "</svg>", ""]


def draw(path: str, title: str, steps: list[int], curves: dict[str, list[float]]) -> None:
    try:
        pathlib.Path(path).write_text("\n".join(svg(title, steps, curves)), encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None


# ---- The program ---------------------------------------------------------------------------------------------------
class Parser(argparse.ArgumentParser):
    """Complains in one line, with exit code 2."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}\n")


def number(low: float, high: float, kind: type = float):
    """What argparse calls to read a number of this kind from low to high."""

    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        what = "whole number" if kind is int else "number"
        raise argparse.ArgumentTypeError(f"needs a {what} from {low:g} to {high:g}, not {text[:40]!r}")

    return read


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="linear_regression_full", description="Linear regression by gradient descent.", allow_abbrev=False)
    add = parser.add_argument
    add("--data", metavar="FILE.csv", help="fit this table alone (default: a synthetic problem, then data/diabetes.csv)")
    add("--target", metavar="COLUMN", default="target", help="the column to predict (default: target)")
    add("--steps", metavar="N", type=number(1, 1e9, int), help="the most steps to take (default: 10000)")
    add("--rate", metavar="R", type=number(1e-12, 1e6), help="learning rate (default: 0.01 synthetic, 0.1 for tables)")
    add("--validation", metavar="F", type=number(0, 0.9), default=0.2, help="fraction of rows held out (default: 0.2)")
    add("--seed", metavar="N", type=number(0, 1e9, int), default=0, help="of the random numbers and the split (default: 0)")
    add("--threads", metavar="N", type=number(1, 1024, int), help="threads to use (default: all)")
    add("--plot", metavar="FILE.svg", help="draw the loss of the table's fit")
    add("--quiet", action="store_true", help="print the results alone")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    if options.threads:
        mx.set_num_threads(options.threads)
    mx.random.seed(options.seed)
    try:
        if options.data is None:
            solve_synthetic(options)
        fit_table(options)
    except Failure as failure:
        sys.stdout.flush()
        print(f"linear_regression_full: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

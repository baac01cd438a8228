"""A multi-layer perceptron for the rows of a CSV file, such as the handwritten digits of data/digits.csv, trained with AdamW in
minibatches, then saved, loaded again and compared. Copy this file to start a program of your own: the model is
`Perceptron`, the training is `train`."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import math
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator
from xml.sax.saxutils import escape

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "data" / "digits.csv"


class Failure(Exception):
    """What the user should read; the program ends with exit code 1."""


# ---- The model -----------------------------------------------------------------------------------------------------
class Perceptron(nn.Module):
    """x (n, inputs) gives logits (n, classes), by hidden layers with ReLU and dropout between."""

    def __init__(self, inputs: int, hidden: list[int], classes: int, dropout: float) -> None:
        super().__init__()
        sizes = [inputs, *hidden, classes]
        self.layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])]
        self.dropout = nn.Dropout(dropout)

    def __call__(self, x: mx.array) -> mx.array:
        for layer in self.layers[:-1]:
            x = self.dropout(nn.relu(layer(x)))
        return self.layers[-1](x)


@dataclasses.dataclass
class Rows:
    """x (n, inputs) float32 and labels (n,) int32."""

    x: mx.array
    labels: mx.array


def judge(model: Perceptron, rows: Rows) -> tuple[float, float]:
    """The mean loss over the rows, and the share of them whose largest logit is that of their label."""
    model.eval()
    logits = model(rows.x)
    value = nn.losses.cross_entropy(logits, rows.labels, reduction="mean")
    share = mx.mean(mx.argmax(logits, axis=-1) == rows.labels)
    model.train()
    return value.item(), share.item()


def train(model: Perceptron, rows: Rows, options: argparse.Namespace) -> Iterator[int]:
    """Trains for `options.epochs` passes over the rows; yields the number of each pass when it is done."""
    batches = math.ceil(rows.labels.size / options.batch)
    schedule = optim.cosine_decay(options.rate, options.epochs * batches)
    optimizer = optim.AdamW(learning_rate=schedule, weight_decay=options.decay)

    def loss(x: mx.array, labels: mx.array) -> mx.array:
        return nn.losses.cross_entropy(model(x), labels, label_smoothing=options.smoothing, reduction="mean")

    loss_and_grad = nn.value_and_grad(model, loss)
    for epoch in range(1, options.epochs + 1):
        order = mx.random.permutation(rows.labels.size)
        for batch in range(batches):
            picked = order[batch * options.batch : (batch + 1) * options.batch]
            _, gradients = loss_and_grad(rows.x[picked], rows.labels[picked])
            optimizer.update(model, gradients)
            mx.eval(model.parameters(), optimizer.state)
        yield epoch


# ---- The run -------------------------------------------------------------------------------------------------------
@dataclasses.dataclass
class History:
    """Mean losses after some epochs; held_out is empty where no rows are."""

    epochs: list[int] = dataclasses.field(default_factory=list)
    train: list[float] = dataclasses.field(default_factory=list)
    held_out: list[float] = dataclasses.field(default_factory=list)


def report(model: Perceptron, epoch: int, rows: Rows, held_out: Rows | None, history: History) -> str:
    """Notes the losses after an epoch; gives a line that says them."""
    value, _ = judge(model, rows)
    history.epochs.append(epoch)
    history.train.append(value)
    if not value <= 1e3 * history.train[0] < math.inf:
        raise Failure(f"the loss grows without bound in epoch {epoch}: the rate is too high")
    if not held_out:
        return f"epoch {epoch:4d}  loss {value:.6f}"
    other, share = judge(model, held_out)
    history.held_out.append(other)
    return f"epoch {epoch:4d}  loss {value:.6f}  held out {other:.6f}, accuracy {100 * share:.2f} %"


def check_file(model: Perceptron, path: pathlib.Path | str) -> None:
    """Saves the weights, loads them, and compares every element."""
    saved = dict(tree_flatten(model.parameters()))
    try:
        model.save_weights(str(path))
        loaded = mx.load(str(path))
        equal = loaded.keys() == saved.keys() and all(mx.array_equal(loaded[name], saved[name]) for name in saved)
    except OSError as error:
        raise Failure(str(error)) from None
    if not equal:
        raise Failure(f"{path} does not hold what was saved")
    print(f"saved as .npz, loaded again: all {len(saved)} arrays equal")


def fit_table(options: argparse.Namespace) -> None:
    path = options.data or DIGITS
    classes, x, labels = read_table(path, options.target)
    rows, held_out = split(x, labels, path, options.validation)
    if not options.quiet:
        count = held_out.labels.size if held_out else 0
        print(f"{path}: {len(classes)} classes, {rows.labels.size} rows to train on, {count} held out, rate {options.rate:g}")
    model = Perceptron(x.shape[1], options.hidden, len(classes), options.dropout)
    history, progress, started = History(), Progress(options.quiet), time.perf_counter()
    progress.show(0, options.epochs, report(model, 0, rows, held_out, history))
    for epoch in train(model, rows, options):
        progress.show(epoch, options.epochs, report(model, epoch, rows, held_out, history))
    progress.end()
    took = time.perf_counter() - started
    kind, (_, share) = ("held-out", judge(model, held_out)) if held_out else ("training", judge(model, rows))
    print(f"accuracy on {kind} rows: {100 * share:.2f} %, {took:.2f} s")
    if options.save:
        check_file(model, options.save)
    else:
        with tempfile.TemporaryDirectory() as folder:
            check_file(model, pathlib.Path(folder) / "mlp.npz")
    if options.plot:
        curves = {"training": history.train, "held out": history.held_out}
        draw(options.plot, "Multi-layer perceptron: loss", history.epochs, curves)


# ---- Tables --------------------------------------------------------------------------------------------------------
CLASSES_MAX = 100
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
    """The names of the classes, features (n, width) float64, and which class each row is of (n,) int32."""
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
    at = names.index(target)
    for line, cells in rows:
        if cells[at] in MISSING:
            raise Failure(f"{path}: line {line}: column {target!r} has no value")
    classes = sorted({cells[at] for _, cells in rows}, key=lambda c: (float(c) if is_number(c) else math.inf, c))
    if len(classes) > CLASSES_MAX:
        raise Failure(f"{path}: the target {target!r} holds {len(classes)} different values, too many for classes")
    features = [
        [read_number(c, f"{path}: line {line}: column {n!r}") for i, (c, n) in enumerate(zip(cells, names)) if i != at]
        for line, cells in rows
    ]
    return classes, mx.array(features, dtype=mx.float64), mx.array([classes.index(cells[at]) for _, cells in rows])


def split(x: mx.array, labels: mx.array, path: str | pathlib.Path, share: float) -> tuple[Rows, Rows | None]:
    """Rows to train on and rows held out, at random. Features are moved to mean 0, and divided by the deviation of all of them
    together on the training rows, so that pixels keep their weight."""
    count = labels.size
    held_out = math.floor(share * count + 0.5)
    if count - held_out < 2:
        raise Failure(f"{path}: {count - held_out} rows are too few to train on")
    if share > 0 and held_out < 2:
        raise Failure(f"{path}: {count} rows are too few to hold some out")
    order = mx.random.permutation(count)
    x, labels = x[order], labels[order]
    mean = mx.mean(x[held_out:], axis=0)
    deviation = mx.sqrt(mx.mean(mx.var(x[held_out:], axis=0)))
    x = ((x - mean) / mx.where(deviation == 0, 1, deviation)).astype(mx.float32)
    return Rows(x[held_out:], labels[held_out:]), Rows(x[:held_out], labels[:held_out]) if held_out else None


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
    """The lines of an SVG of the curves over the epochs, on a logarithmic scale where every value is positive. Empty curves are
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
        f"<text x='{(left + width - right) / 2:.1f}' y='{height - 10}' text-anchor='middle'>epoch</text>",
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
    parser = Parser(prog="mlp", description="A multi-layer perceptron.", allow_abbrev=False)
    add = parser.add_argument
    add("--data", metavar="FILE.csv", help="the table to learn (default: data/digits.csv)")
    add("--target", metavar="COLUMN", default="target", help="the column with the classes, numbers or words (default: target)")
    add("--epochs", metavar="N", type=number(1, 1e6, int), default=30, help="passes over the training rows (default: 30)")
    add("--batch", metavar="N", type=number(1, 1e6, int), default=64, help="rows in a step (default: 64)")
    add("--hidden", metavar="N", type=number(1, 1e5, int), nargs="*", default=[128, 64], help="hidden units (default: 128 64)")
    add("--rate", metavar="R", type=number(1e-12, 1e6), default=3e-3, help="first learning rate; falls to 0 (default: 0.003)")
    add("--decay", metavar="D", type=number(0, 1e6), default=1e-2, help="weight decay (default: 0.01)")
    add("--dropout", metavar="P", type=number(0, 0.99), default=0.2, help="share of hidden values dropped (default: 0.2)")
    add("--smoothing", metavar="S", type=number(0, 0.99), default=0.05, help="label smoothing (default: 0.05)")
    add("--validation", metavar="F", type=number(0, 0.9), default=0.2, help="fraction of rows held out (default: 0.2)")
    add("--seed", metavar="N", type=number(0, 1e9, int), default=0, help="of the weights, the split and the batches (default: 0)")
    add("--threads", metavar="N", type=number(1, 1024, int), help="threads to use (default: all)")
    add("--save", metavar="FILE.npz", help="keep the trained parameters")
    add("--plot", metavar="FILE.svg", help="draw the loss")
    add("--quiet", action="store_true", help="print the results alone")
    options = parser.parse_args(arguments)
    if options.save and not options.save.endswith(".npz"):
        parser.error(f"--save needs the name of a .npz file, not {options.save!r}")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    if options.threads:
        mx.set_num_threads(options.threads)
    mx.random.seed(options.seed)
    try:
        fit_table(options)
    except Failure as failure:
        sys.stdout.flush()
        print(f"mlp: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A multi-layer perceptron for the rows of a CSV file, such as the handwritten digits of data/digits.csv, trained with Adam in
minibatches. Copy this file to start a program of your own: the model is `Perceptron`, the training is `train`."""

from __future__ import annotations

import argparse
import csv
import pathlib
import time

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

DIGITS = pathlib.Path(__file__).parents[2] / "data" / "digits.csv"


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


def read(path: str, target: str) -> tuple[mx.array, mx.array, list[str]]:
    """Features (n, width) float32, labels (n,) int32, and the names of the classes."""
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    if target not in header:
        raise SystemExit(f"{path} has no column {target!r}; it has {', '.join(header)}")
    at = header.index(target)
    classes = sorted({row[at] for row in rows})
    features = [[float(cell) for i, cell in enumerate(row) if i != at] for row in rows]
    return mx.array(features), mx.array([classes.index(row[at]) for row in rows]), classes


def accuracy(model: Perceptron, x: mx.array, y: mx.array) -> float:
    """The share of rows whose largest logit is that of their label."""
    model.eval()
    share = mx.mean(mx.argmax(model(x), axis=-1) == y).item()
    model.train()
    return share


def train(model: Perceptron, x: mx.array, y: mx.array, options: argparse.Namespace):
    """Trains for `options.epochs` passes over the rows; yields each epoch's number and mean loss."""
    batches = max(1, x.shape[0] // options.batch)
    rate = optim.cosine_decay(options.rate, options.epochs * batches)
    optimizer = optim.AdamW(learning_rate=rate, weight_decay=options.decay)

    def loss_fn(x: mx.array, y: mx.array) -> mx.array:
        return nn.losses.cross_entropy(model(x), y, label_smoothing=options.smoothing, reduction="mean")

    loss_and_grad = nn.value_and_grad(model, loss_fn)
    for epoch in range(1, options.epochs + 1):
        order = mx.random.permutation(x.shape[0])
        losses = []
        for batch in range(batches):
            rows = order[batch * options.batch : (batch + 1) * options.batch]
            loss, gradients = loss_and_grad(x[rows], y[rows])
            optimizer.update(model, gradients)
            mx.eval(loss, model.parameters(), optimizer.state)
            losses.append(loss.item())
        yield epoch, sum(losses) / len(losses)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("data", nargs="?", default=str(DIGITS), help="CSV file whose first line names the columns")
    parser.add_argument("--target", default="target", help="the column with the classes")
    parser.add_argument("--hidden", type=int, nargs="*", default=[128, 64], help="sizes of the hidden layers")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training rows")
    parser.add_argument("--batch", type=int, default=64, help="rows in a step")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate at the start; falls to zero")
    parser.add_argument("--decay", type=float, default=1e-2, help="weight decay")
    parser.add_argument("--dropout", type=float, default=0.2, help="share of hidden values dropped in training")
    parser.add_argument("--smoothing", type=float, default=0.05, help="label smoothing")
    parser.add_argument("--held-out", type=float, default=0.2, help="share of rows to measure accuracy on")
    parser.add_argument("--seed", type=int, default=0, help="where random numbers start")
    parser.add_argument("--quiet", action="store_true", help="print the last line only")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    mx.random.seed(options.seed)
    x, y, classes = read(options.data, options.target)
    order = mx.random.permutation(x.shape[0])
    x, y = x[order], y[order]
    held_out = round(x.shape[0] * options.held_out)
    if not 0 < held_out < x.shape[0]:
        raise SystemExit(f"--held-out {options.held_out} leaves no rows to train on, or none to measure with")
    test_x, test_y, train_x, train_y = x[:held_out], y[:held_out], x[held_out:], y[held_out:]
    mean, deviation = mx.mean(train_x, axis=0), mx.maximum(mx.std(train_x, axis=0), 1e-3)
    train_x, test_x = (train_x - mean) / deviation, (test_x - mean) / deviation

    model = Perceptron(x.shape[1], options.hidden, len(classes), options.dropout)
    started = time.perf_counter()
    for epoch, loss in train(model, train_x, train_y, options):
        if not options.quiet and (epoch % 5 == 0 or epoch == options.epochs):
            print(f"epoch {epoch:3d}: loss {loss:.4f}, held-out accuracy {accuracy(model, test_x, test_y):.2%}")
    seconds = time.perf_counter() - started
    shares = f"{accuracy(model, train_x, train_y):.2%} of the training rows, {accuracy(model, test_x, test_y):.2%} held out"
    print(f"{len(classes)} classes: {shares}, {seconds:.1f} s")


if __name__ == "__main__":
    main()

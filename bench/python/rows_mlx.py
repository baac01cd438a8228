"""Rows of MLX's interface, for mica and for released MLX: the same program."""
from itertools import cycle

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import problems
from mlx.utils import tree_flatten, tree_unflatten

VERSION = getattr(mx, "__version__", "unknown")


def two():
    return {"mx": mx, "a": mx.array([1.0, 2.0]), "b": mx.array([3.0, 4.0])}


def page_loop():
    X, y, w = map(mx.array, problems.linear())

    def loss_fn(w):
        return 0.5 * mx.mean(mx.square(X @ w - y))

    return {"mx": mx, "grad_fn": mx.grad(loss_fn), "lr": problems.RATE, "start": w, "setup": "w = start"}


def tree():
    layers = [{"weight": mx.array([1.0]), "bias": mx.array([2.0])} for _ in range(50)]
    return {"tree": {"layers": layers}, "tree_flatten": tree_flatten, "tree_unflatten": tree_unflatten}


class Perceptron(nn.Module):
    def __init__(self, weights, biases):
        super().__init__()
        self.layers = [nn.Linear(w.shape[1], w.shape[0]) for w in weights]
        for layer, weight, bias in zip(self.layers, weights, biases):
            layer.weight, layer.bias = mx.array(weight), mx.array(bias)

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = nn.relu(layer(x))
        return self.layers[-1](x)


def perceptron():
    xs, labels, weights, biases = problems.perceptron()
    model = Perceptron(weights, biases)
    optimizer = optim.Adam(learning_rate=problems.ADAM)
    batches = cycle([(mx.array(x), mx.array(y)) for x, y in zip(xs, labels)])
    grad_fn = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))

    def step():
        loss, gradients = grad_fn(*next(batches))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state, loss)

    return {"step": step}


ROWS = {
    "loop": (page_loop, "grad = grad_fn(w)\nw = w - lr * grad\nmx.eval(w)"),
    "add": (two, "mx.add(a, b)"),
    "add_number": (two, "a + 1.0"),
    "sum": (two, "mx.sum(a, axis=-1, keepdims=True)"),
    "shape": (two, "a.shape"),
    "eval": (two, "mx.eval(mx.add(a, b))"),
    "tree": (tree, "tree_unflatten(tree_flatten(tree))"),
    "mlp": (perceptron, "step()"),
}

"""Rows of torch, eager, as its documentation writes them."""
from itertools import cycle

import problems
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

VERSION = torch.__version__


def two():
    return {"torch": torch, "a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0, 4.0])}


def page_loop():
    X, y, w = map(torch.from_numpy, problems.linear())
    w.requires_grad_()

    def step():
        loss = 0.5 * torch.mean(torch.square(X @ w - y))
        loss.backward()
        with torch.no_grad():
            w.sub_(problems.RATE * w.grad)
        w.grad = None

    return {"step": step}


def tree():
    layers = [{"weight": torch.ones(1), "bias": torch.ones(1)} for _ in range(50)]
    return {"tree": {"layers": layers}, "tree_flatten": tree_flatten, "tree_unflatten": tree_unflatten}


def perceptron():
    xs, labels, weights, biases = problems.perceptron()
    layers = []
    for weight, bias in zip(weights, biases):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=problems.ADAM)
    batches = cycle([(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in zip(xs, labels)])

    def step():
        x, y = next(batches)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return {"step": step}


ROWS = {
    "loop": (page_loop, "step()"),
    "add": (two, "torch.add(a, b)"),
    "add_number": (two, "a + 1.0"),
    "sum": (two, "torch.sum(a, -1, keepdim=True)"),
    "shape": (two, "a.shape"),
    "eval": (two, "torch.add(a, b)"),
    "tree": (tree, "leaves, structure = tree_flatten(tree)\ntree_unflatten(leaves, structure)"),
    "mlp": (perceptron, "step()"),
}

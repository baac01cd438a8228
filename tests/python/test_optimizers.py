"""Optimizers and schedules against their definitions, in NumPy and float64, and how state is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

RNG = np.random.default_rng(5)
STEPS = 5
# Each step chains fewer than 2^4 roundings of numbers below 2^3.
BOUND = STEPS * 2.0**7 * 2.0**-53
# Settings are Python numbers, but the learning rate is a float32 array: that is what the definitions get too.
RATE = float(np.float32(0.1))


def adam(w, g, s, t, b1=0.9, b2=0.999, corrected=False):
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g**2
    m, v = (s["m"] / (1 - b1**t), s["v"] / (1 - b2**t)) if corrected else (s["m"], s["v"])
    return w - RATE * m / (np.sqrt(v) + 1e-8)


def adamax(w, g, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = np.maximum(0.999 * s.get("v", 0), abs(g))
    return w - RATE * s["m"] / (s["v"] + 1e-8)


def lion(w, g, s, t):
    m = s.get("m", 0)
    s["m"] = 0.99 * m + 0.01 * g
    return w - RATE * (np.sign(0.9 * m + 0.1 * g) + 0.2 * w)


def momentum(w, g, s, t, nesterov):
    g = g + 0.1 * w
    s["v"] = 0.9 * s.get("v", 0) + g
    return w - RATE * (g + 0.9 * s["v"] if nesterov else s["v"])


def rmsprop(w, g, s, t):
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g**2
    return w - RATE * g / (np.sqrt(s["v"]) + 1e-8)


def adagrad(w, g, s, t):
    s["v"] = s.get("v", 0) + g**2
    return w - RATE * g / (np.sqrt(s["v"]) + 1e-8)


def adadelta(w, g, s, t):
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g**2
    d = np.sqrt(s.get("u", 0) + 1e-6) / np.sqrt(s["v"] + 1e-6) * g
    s["u"] = 0.9 * s.get("u", 0) + 0.1 * d**2
    return w - RATE * d


DEFINITIONS = {
    "sgd": (lambda: optim.SGD(0.1), lambda w, g, s, t: w - RATE * g),
    "momentum": (lambda: optim.SGD(0.1, 0.9, 0.1), lambda *a: momentum(*a, False)),
    "nesterov": (lambda: optim.SGD(0.1, 0.9, 0.1, nesterov=True), lambda *a: momentum(*a, True)),
    "rmsprop": (lambda: optim.RMSprop(0.1, alpha=0.9), rmsprop),
    "adagrad": (lambda: optim.Adagrad(0.1), adagrad),
    "adadelta": (lambda: optim.AdaDelta(0.1), adadelta),
    "adam": (lambda: optim.Adam(0.1), adam),
    "adamw": (lambda: optim.AdamW(0.1, weight_decay=0.2), lambda w, *a: adam(w * (1 - RATE * 0.2), *a)),
    "adamax": (lambda: optim.Adamax(0.1), adamax),
    "lion": (lambda: optim.Lion(0.1, weight_decay=0.2), lion),
}


def trajectories(make, definition):
    """Parameters after `STEPS` steps by the optimizer and by the definition, in float64."""
    w = RNG.uniform(-2, 2, (3, 4))
    tree, optimizer, state = {"w": mx.array(w.tolist(), dtype=mx.float64)}, make(), {}
    for t in range(1, STEPS + 1):
        g = RNG.uniform(-2, 2, (3, 4))
        tree = optimizer.apply_gradients({"w": mx.array(g.tolist(), dtype=mx.float64)}, tree)
        w = definition(w, g, state, t)
    return tree["w"], w, optimizer


@pytest.mark.parametrize("name", DEFINITIONS)
def test_optimizer_is_its_definition(name):
    ours, expected, optimizer = trajectories(*DEFINITIONS[name])
    assert ours.dtype == mx.float64 and optimizer.step.item() == STEPS
    np.testing.assert_allclose(ours.tolist(), expected, rtol=0, atol=BOUND)


def test_bias_correction_divides_by_the_lost_weight():
    ours, expected, _ = trajectories(
        lambda: optim.Adam(0.1, bias_correction=True), lambda *a: adam(*a, corrected=True)
    )
    # The corrections 1 - b2^t of a float32 step t are of the order 1e-3: an error of 2^-24 is one of 2^-14.
    np.testing.assert_allclose(ours.tolist(), expected, rtol=0, atol=STEPS * RATE * 2.0**-13)


EVERY = [optim.SGD(0.05, 0.9), optim.RMSprop(0.05), optim.Adagrad(0.5), optim.AdaDelta(20.0), optim.Adam(0.1),
         optim.AdamW(0.1), optim.Adamax(0.1), optim.Lion(0.05), optim.Adafactor(0.1, relative_step=False), optim.Muon(0.05)]  # fmt: skip


@pytest.mark.parametrize("optimizer", EVERY, ids=lambda o: type(o).__name__)
def test_every_optimizer_finds_a_minimum(optimizer):
    mx.random.seed(7)
    model = nn.Linear(3, 2)
    x = mx.random.normal((64, 3))
    y = x @ mx.random.normal((3, 2)) + 0.5
    step = nn.value_and_grad(model, lambda: nn.losses.mse_loss(model(x), y))
    first = step()[0].item()
    for _ in range(200):
        loss, gradients = step()
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
    assert loss.item() < 0.1 * first


def test_muon_steps_are_nearly_orthogonal():
    optimizer = optim.Muon(1.0, momentum=0.0, weight_decay=0.0, nesterov=False)
    for shape in ((3, 7), (7, 3), (3, 2, 4)):
        w = mx.zeros(shape)
        step = np.array(optimizer.apply_gradients({"w": mx.random.normal(shape)}, {"w": w})["w"].tolist())
        matrix = step.reshape(shape[0], -1)
        values = np.linalg.svd(matrix, compute_uv=False) / math.sqrt(max(1, matrix.shape[0] / matrix.shape[1]))
        assert values.min() > 0.3 and values.max() < 1.3  # the range of a, b, c in Jordan's note
        optimizer.state = {"step": mx.array(0, mx.uint64), "learning_rate": mx.array(1.0)}


def test_state_continues_where_it_was():
    w, gs = {"w": mx.ones((3,))}, [{"w": mx.random.normal((3,))} for _ in range(4)]
    whole, first, second = optim.Adam(0.1), optim.Adam(0.1), optim.Adam(0.3)
    a = b = w
    for g in gs:
        a = whole.apply_gradients(g, a)
    for g in gs[:2]:
        b = first.apply_gradients(g, b)
    second.state = first.state
    for g in gs[2:]:
        b = second.apply_gradients(g, b)
    assert a["w"].tolist() == b["w"].tolist() and second.step.item() == 4


def test_state_mirrors_the_parameters():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = optim.Adam(0.1)
    optimizer.init(model.trainable_parameters())
    names = {path for path, _ in tree_flatten(optimizer.state)}
    parameters = [path for path, _ in tree_flatten(model.parameters())]
    assert names == {"step", "learning_rate"} | {f"{p}.{s}" for p in parameters for s in "mv"}


def test_later_parameters_get_a_state_of_their_own():
    optimizer = optim.SGD(0.1, momentum=0.9)
    optimizer.apply_gradients({"a": mx.ones(2)}, {"a": mx.zeros(2)})
    optimizer.init({"a": mx.ones(2), "b": [mx.ones(3)]})
    assert optimizer.state["a"]["v"].tolist() == [1, 1] and optimizer.state["b"][0]["v"].tolist() == [0, 0, 0]


def test_dtypes_of_parameters_stay():
    for optimizer in EVERY:
        fresh = type(optimizer)(0.1)
        for dtype in (mx.float16, mx.bfloat16, mx.float32):
            fresh.state = {"step": mx.array(0, mx.uint64), "learning_rate": mx.array(0.1)}
            w = {"w": mx.ones((2, 3), dtype=dtype), "b": mx.ones((3,), dtype=dtype)}
            after = fresh.apply_gradients(tree_map(lambda p: p * 0.5, w), w)
            assert after["w"].dtype == after["b"].dtype == dtype, type(optimizer)


def test_schedules():
    def at(schedule, steps):
        return [mx.array(schedule(mx.array(t, mx.uint64))).item() for t in steps]

    np.testing.assert_allclose(at(optim.exponential_decay(0.5, 0.9), range(4)), [0.5 * 0.9**t for t in range(4)], rtol=1e-6)
    np.testing.assert_allclose(at(optim.step_decay(0.5, 0.5, 2), range(5)), [0.5, 0.5, 0.25, 0.25, 0.125])
    cosine = [0.1 + 0.2 * (1 + math.cos(math.pi * min(t, 4) / 4)) for t in range(7)]
    np.testing.assert_allclose(at(optim.cosine_decay(0.5, 4, 0.1), range(7)), cosine, rtol=1e-6)
    linear = optim.linear_schedule(0.1, 0.5, 4)
    np.testing.assert_allclose(at(linear, range(7)), [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5], rtol=1e-6)
    joined = optim.join_schedules([linear, optim.cosine_decay(0.5, 4, 0.1)], [4])
    np.testing.assert_allclose(at(joined, range(7)), [0.1, 0.2, 0.3, 0.4, *cosine[:3]], rtol=1e-6)
    assert optim.exponential_decay(1.0, 0.5)(3) == 0.125


def test_scheduled_rates_follow_the_step():
    optimizer = optim.SGD(optim.step_decay(0.5, 0.5, 1))
    w = {"w": mx.array(0.0)}
    for expected in (-0.5, -0.75, -0.875):
        w = optimizer.apply_gradients({"w": mx.array(1.0)}, w)
        assert w["w"].item() == expected
    assert optimizer.learning_rate.item() == 0.125


def test_multi_optimizer_gives_each_its_part():
    both = optim.MultiOptimizer([optim.SGD(1.0), optim.SGD(10.0)], [lambda path, g: path.endswith("weight")])
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    before = tree_map(lambda p: p, model.parameters())
    both.update(model, tree_map(mx.ones_like, before))
    for (path, old), (_, new) in zip(tree_flatten(before), tree_flatten(model.parameters())):
        assert (old - new).item() == pytest.approx(1 if path.endswith("weight") else 10, rel=1e-5)
    assert len(both.state["states"]) == 2 and both.learning_rate.item() == 1
    both.state = both.state
    both.learning_rate = 0.5
    assert [o.learning_rate.item() for o in both.optimizers] == [0.5, 0.5]


def test_clipping_scales_to_the_norm():
    clipped, norm = optim.clip_grad_norm({"a": mx.array([3.0]), "b": [mx.array([4.0])]}, 1.0)
    assert norm.item() == 5
    np.testing.assert_allclose([clipped["a"].item(), clipped["b"][0].item()], [0.6, 0.8], rtol=1e-6)
    same, _ = optim.clip_grad_norm({"a": mx.array([3.0, 4.0])}, 6.0)
    assert same["a"].tolist() == [3, 4]
    assert optim.clip_grad_norm({}, 1.0)[0] == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True),
        lambda: optim.RMSprop(0.1, alpha=-1),
        lambda: optim.RMSprop(0.1, eps=math.nan),
        lambda: optim.Adagrad(0.1, eps=-1),
        lambda: optim.AdaDelta(0.1, rho=-1),
        lambda: optim.Adamax(0.1, eps=-1),
        lambda: optim.MultiOptimizer([optim.SGD(0.1)], [lambda path, g: True]),
        lambda: optim.linear_schedule(0, 1, 0),
        lambda: optim.join_schedules([], []),
        lambda: optim.join_schedules([lambda step: step], [3]),
    ],
)
def test_wrong_settings_are_value_errors(make):
    with pytest.raises(ValueError, match=r"^\[\w+\] "):
        make()

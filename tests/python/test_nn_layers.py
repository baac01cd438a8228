"""Layers, losses and initialisers against their definitions, in NumPy and float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mlx.core as mx
import mlx.nn as nn

RNG = np.random.default_rng(3)
# Every definition here chains at most 2^6 roundings of numbers below 2^5, in float64.
BOUND = 2.0**11 * 2.0**-53


def close(ours, expected):
    np.testing.assert_allclose(np.array(ours.tolist()), expected, rtol=0, atol=BOUND)


def draw(*shape):
    values = RNG.uniform(-2, 2, shape)
    return values, mx.array(values.tolist(), dtype=mx.float64)


def wide(module):
    """`module` with random float64 parameters, and those in NumPy."""
    module.apply(lambda p: draw(*p.shape)[1])
    return module, {k: np.array(v.tolist()) for k, v in module.parameters().items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


erf = np.vectorize(math.erf)
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "celu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "selu": lambda x: 1.0507 * np.where(x > 0, x, 1.67326 * (np.exp(x) - 1)),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(np.log(1 + np.exp(x))),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "gelu_approx": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "gelu_fast_approx": lambda x: x * sigmoid(1.702 * x),
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "softmin": lambda x: np.exp(-x) / np.exp(-x).sum(-1, keepdims=True),
    "log_softmax": lambda x: np.log(np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "glu": lambda x: x[..., :8] * sigmoid(x[..., 8:]),
    "step": lambda x: x >= 0,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_its_definition(name):
    x, a = draw(5, 16)
    close(getattr(nn, name)(a), ACTIVATIONS[name](x))


def test_exponential_units_have_finite_gradients():
    for fn in (nn.elu, nn.celu, nn.selu, nn.softplus, nn.mish, nn.log_sigmoid):
        g = mx.grad(lambda x, fn=fn: mx.sum(fn(x)))(mx.array([-1e4, 0.0, 1e4]))
        assert all(map(math.isfinite, g.tolist())), fn


def test_linear_maps():
    (x, a), (y, b) = draw(2, 3), draw(2, 4)
    m, p = wide(nn.Linear(3, 5))
    close(m(a), x @ p["weight"].T + p["bias"])
    m, p = wide(nn.Bilinear(3, 4, 5))
    close(m(a, b), np.einsum("ni,kji,nj->nk", x, p["weight"], y) + p["bias"])
    m, p = wide(nn.Embedding(6, 3))
    close(m(mx.array([[5, 0]])), p["weight"][[[5, 0]]])
    close(m.as_linear(a), x @ p["weight"].T)


def normalised(x, axis, eps=1e-5):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def test_normalisations():
    x, a = draw(2, 3, 4, 6)
    for make, axes in ((nn.LayerNorm(6), -1), (nn.InstanceNorm(6, affine=True), (1, 2)), (nn.BatchNorm(6), (0, 1, 2))):
        m, p = wide(make)
        close(m(a), normalised(x, axes) * p["weight"] + p["bias"])
    m, p = wide(nn.RMSNorm(6))
    close(m(a), x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * p["weight"])
    strided, grouped = nn.GroupNorm(2, 6, affine=False), nn.GroupNorm(2, 6, affine=False, pytorch_compatible=True)
    close(strided(a), normalised(x.reshape(2, 36, 2), 1).reshape(x.shape))
    close(grouped(a), normalised(x.reshape(2, 12, 2, 3), (1, 3)).reshape(x.shape))


def test_half_precision_is_normalised_in_float32():
    big = mx.array([[300.0, -300.0, 600.0, 200.0]], dtype=mx.float16)
    for m in (nn.LayerNorm(4), nn.RMSNorm(4)):
        m.set_dtype(mx.float16)
        y = m(big)
        assert y.dtype == mx.float16 and max(map(abs, y.tolist()[0])) > 1
        assert m(big.astype(mx.bfloat16)).dtype == mx.float32


def test_batch_norm_keeps_running_statistics():
    m = nn.BatchNorm(3, momentum=0.2)
    x = RNG.uniform(-2, 2, (5, 3)).astype(np.float32)
    a = mx.array(x.tolist())
    m(a)
    np.testing.assert_allclose(m.running_mean.tolist(), 0.2 * x.mean(0), atol=1e-6)
    np.testing.assert_allclose(m.running_var.tolist(), 0.8 + 0.2 * x.var(0, ddof=1), atol=1e-6)
    before = m.running_mean.tolist()
    m.eval()
    expected = (x - np.array(before)) / np.sqrt(np.array(m.running_var.tolist()) + 1e-5)
    np.testing.assert_allclose(m(a).tolist(), expected, atol=1e-5)
    assert m.running_mean.tolist() == before


@pytest.mark.parametrize("layer, shape, shared", [(nn.Dropout, (200, 200), ()), (nn.Dropout2d, (40, 3, 3, 400), (1, 2)),
                                                  (nn.Dropout3d, (20, 2, 2, 2, 800), (1, 2, 3))])  # fmt: skip
def test_dropout_keeps_the_expectation(layer, shape, shared):
    m = layer(0.25)
    y = np.array(m(mx.ones(shape)).tolist())
    assert np.allclose(y[y != 0], 1 / 0.75)
    if shared:  # all of a channel, or nothing of it
        y = y.mean(shared)
        assert np.isin(y.round(6), [0, round(1 / 0.75, 6)]).all()
    kept, n = (y != 0).sum(), y.size
    assert abs(kept - 0.75 * n) < 5 * math.sqrt(n * 0.75 * 0.25)  # five deviations
    x = mx.ones((2, 2, 2, 2))
    assert m.eval()(x) is x and layer(0.0)(x) is x


def test_recurrent_layers():
    (x, a), (h, b), (c, d) = draw(2, 4, 3), draw(2, 5), draw(2, 5)
    m, p = wide(nn.RNN(3, 5))
    state, states = h, []
    for t in range(4):
        state = np.tanh(x[:, t] @ p["Wxh"].T + state @ p["Whh"].T + p["bias"])
        states.append(state)
    close(m(a, b), np.stack(states, 1))
    m, p = wide(nn.GRU(3, 5))
    (xr, xz, xn), (hr, hz, hn) = (np.split(p[w], 3) for w in ("Wx", "Wh"))
    br, bz, bn = np.split(p["b"], 3)
    state, states = h, []
    for t in range(4):
        r = sigmoid(x[:, t] @ xr.T + state @ hr.T + br)
        z = sigmoid(x[:, t] @ xz.T + state @ hz.T + bz)
        n = np.tanh(x[:, t] @ xn.T + bn + r * (state @ hn.T + p["bhn"]))
        state = (1 - z) * n + z * state
        states.append(state)
    close(m(a, b), np.stack(states, 1))
    close(m(a), np.array(m(a, mx.zeros_like(b)).tolist()))
    m, p = wide(nn.LSTM(3, 5))
    state, cell, states, cells = h, c, [], []
    for t in range(4):
        i, f, g, o = np.split(x[:, t] @ p["Wx"].T + state @ p["Wh"].T + p["bias"], 4, axis=-1)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        state = sigmoid(o) * np.tanh(cell)
        states.append(state)
        cells.append(cell)
    for ours, expected in zip(m(a, b, d), (states, cells)):
        close(ours, np.stack(expected, 1))


def test_attention():
    (q, a), (k, b), (v, c) = draw(2, 3, 6), draw(2, 4, 6), draw(2, 4, 6)
    m = nn.MultiHeadAttention(6, 2)
    m.apply(lambda p: draw(*p.shape)[1] / 4)
    weights = {n: np.array(getattr(m, f"{n}_proj").weight.tolist()) for n in ("query", "key", "value", "out")}

    def heads(x, w):
        return (x @ w.T).reshape(2, -1, 2, 3).transpose(0, 2, 1, 3)

    keep = RNG.uniform(size=(3, 4)) < 0.7
    keep[:, 0] = True
    scores = heads(q, weights["query"]) @ heads(k, weights["key"]).swapaxes(-1, -2) / np.sqrt(3)
    e = np.exp(scores) * keep
    y = (e / e.sum(-1, keepdims=True)) @ heads(v, weights["value"])
    expected = y.transpose(0, 2, 1, 3).reshape(2, 3, 6) @ weights["out"].T
    close(m(a, b, c, mask=mx.array(keep.tolist())), expected)
    additive = mx.array(np.where(keep, 0, -1e300).tolist(), dtype=mx.float64)
    close(m(a, b, c, mask=additive), expected)


def test_causal_masks_hide_what_comes_later():
    m = nn.TransformerEncoder(2, 4, 2)
    x = mx.random.normal((1, 5, 4))
    changed = mx.concatenate([x[:, :3], x[:, 3:] + 1], axis=1)
    mask = nn.MultiHeadAttention.create_additive_causal_mask(5)
    assert m(x, mask)[:, :3].tolist() == m(changed, mask)[:, :3].tolist()
    assert m(x, None)[:, :3].tolist() != m(changed, None)[:, :3].tolist()


def test_transformer_takes_other_halves():
    class Same(nn.Module):
        def __call__(self, x, *_):
            return x

    x = mx.ones((1, 2, 4))
    m = nn.Transformer(4, 2, custom_encoder=Same(), custom_decoder=Same())
    assert m(x, 2 * x, None, None, None).tolist() == (2 * x).tolist()
    assert m.parameters() == {"encoder": {}, "decoder": {}}


def test_rope_keeps_lengths_and_depends_on_distance_only():
    q, k = mx.random.normal((1, 1, 6)), mx.random.normal((1, 1, 6))
    for m in (nn.RoPE(6), nn.RoPE(6, traditional=True)):
        scores = [mx.sum(m(q, offset=i + 3) * m(k, offset=i)).item() for i in (0, 5, 11)]
        np.testing.assert_allclose(scores, scores[0], atol=2e-5)
        np.testing.assert_allclose(mx.sum(m(q, offset=9) ** 2).item(), mx.sum(q**2).item(), rtol=1e-6)
        assert m(q, offset=0).tolist() == q.tolist()


def pooled(x, kernel, stride, padding, reduce, filler):
    """By definition, over the first spatial axes of (n, h, w, c)."""
    x = np.pad(x, [(0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)], constant_values=filler)
    places = [(x.shape[i + 1] - kernel[i]) // stride[i] + 1 for i in range(2)]
    rows = []
    for i in range(places[0]):
        tops = x[:, i * stride[0] : i * stride[0] + kernel[0]]
        rows.append([reduce(tops[:, :, j * stride[1] : j * stride[1] + kernel[1]], (1, 2)) for j in range(places[1])])
    return np.array(rows).transpose(2, 0, 1, 3)


@pytest.mark.parametrize("kernel, stride, padding", [((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 0)), ((1, 3), (2, 1), (0, 1))])
def test_pooling(kernel, stride, padding):
    x, a = draw(2, 5, 6, 3)
    close(nn.MaxPool2d(kernel, stride, padding)(a), pooled(x, kernel, stride, padding, np.max, -np.inf))
    close(nn.AvgPool2d(kernel, stride, padding)(a), pooled(x, kernel, stride, padding, np.mean, 0))
    transposed = nn.MaxPool2d(kernel, stride, padding)(mx.swapaxes(mx.swapaxes(a, 1, 2), 1, 2))
    close(transposed, pooled(x, kernel, stride, padding, np.max, -np.inf))
    strided = draw(2, 3, 5, 6)
    close(nn.MaxPool2d(kernel, stride, padding)(mx.moveaxis(strided[1], 1, -1)),
          pooled(np.moveaxis(strided[0], 1, -1), kernel, stride, padding, np.max, -np.inf))  # fmt: skip


def test_losses():
    (x, a), (y, b) = draw(3, 4), draw(3, 4)
    logp = x - np.log(np.exp(x).sum(-1, keepdims=True))
    classes = np.array([0, 3, 1])
    picked = -logp[range(3), classes]
    c = mx.array(classes.tolist())
    losses = nn.losses
    close(losses.cross_entropy(a, c), picked)
    close(losses.cross_entropy(a, c, label_smoothing=0.2, reduction="sum"), (0.8 * picked - 0.2 * logp.mean(-1)).sum())
    t = np.exp(y) / np.exp(y).sum(-1, keepdims=True)
    close(losses.cross_entropy(a, mx.array(t.tolist(), dtype=mx.float64), reduction="mean"), -(t * logp).sum(-1).mean())
    close(losses.nll_loss(mx.array(logp.tolist(), dtype=mx.float64), c), picked)
    z = (x > 0) * 1.0
    zs, ps = (mx.array(v.tolist(), dtype=mx.float64) for v in (z, sigmoid(y)))
    bce = -(z * np.log(sigmoid(y)) + (1 - z) * np.log(1 - sigmoid(y)))
    close(losses.binary_cross_entropy(b, zs, reduction="none"), bce)
    close(losses.binary_cross_entropy(ps, zs, with_logits=False), bce.mean())
    d = np.abs(x - y)
    close(losses.l1_loss(a, b, reduction="none"), d)
    close(losses.mse_loss(a, b), (d**2).mean())
    close(losses.smooth_l1_loss(a, b, beta=0.5, reduction="none"), np.where(d < 0.5, d**2, d - 0.25))
    close(losses.huber_loss(a, b, delta=0.5), np.where(d < 0.5, d**2 / 2, 0.5 * (d - 0.25)))
    close(losses.log_cosh_loss(a, b), np.log(np.cosh(d)))
    close(losses.hinge_loss(a, 2 * zs - 1), np.maximum(1 - x * (2 * z - 1), 0))
    close(losses.kl_div_loss(a, b), (np.exp(y) * (y - x)).sum(-1))
    cosine = (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))
    close(losses.cosine_similarity_loss(a, b), cosine)
    close(losses.margin_ranking_loss(a, b, 2 * zs - 1, 0.1), np.maximum(0.1 - (2 * z - 1) * (x - y), 0))
    v = np.abs(y) + 0.1
    close(losses.gaussian_nll_loss(a, b, mx.array(v.tolist(), dtype=mx.float64), full=True, reduction="none"),
          0.5 * (np.log(2 * np.pi * v) + (x - y) ** 2 / v))  # fmt: skip


def test_losses_stay_finite_far_out():
    a, c = mx.array([[1e4, -1e4]]), mx.array([1])
    assert nn.losses.cross_entropy(a, c).item() == 2e4
    assert nn.losses.binary_cross_entropy(mx.array([-1e4]), mx.array([1.0])).item() == 1e4
    assert nn.losses.binary_cross_entropy(mx.array([0.0]), mx.array([1.0]), with_logits=False).item() == 100
    assert nn.losses.log_cosh_loss(mx.array([1e4]), mx.array([0.0])).item() == pytest.approx(1e4 - math.log(2))


def test_initialisers():
    a = mx.zeros((300, 200))
    for init, deviation in ((nn.init.normal(0, 2), 2), (nn.init.glorot_normal(), math.sqrt(2 / 500)),
                            (nn.init.glorot_uniform(), math.sqrt(2 / 500)), (nn.init.he_normal(), math.sqrt(1 / 200)),
                            (nn.init.he_uniform(), math.sqrt(1 / 200)), (nn.init.uniform(-1, 1), math.sqrt(1 / 3))):  # fmt: skip
        w = np.array(init(a).tolist())
        # The deviation of n = 60000 numbers is off by less than five times its own deviation, at most 1 / sqrt(2 n).
        assert abs(w.std() / deviation - 1) < 5 / math.sqrt(2 * w.size)
    q = np.array(nn.init.orthogonal(2.0)(mx.zeros((3, 5))).tolist())
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(3), atol=1e-5)
    s = np.array(nn.init.sparse(0.3)(mx.zeros((6, 10))).tolist())
    assert ((s == 0).sum(1) == 3).all()
    assert nn.init.constant(3, mx.float16)(a).dtype == mx.float16
    assert nn.init.identity()(mx.zeros((2, 2))).tolist() == [[1, 0], [0, 1]]

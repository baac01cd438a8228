"""Rows of JAX: steps jitted, with the old parameters' memory given away; calls as they are."""
from itertools import cycle

import jax
import jax.numpy as jnp
import problems

VERSION = jax.__version__


def two():
    return {"jnp": jnp, "a": jnp.array([1.0, 2.0]), "b": jnp.array([3.0, 4.0])}


def page_loop():
    X, y, w = map(jnp.asarray, problems.linear())

    def loss_fn(w):
        return 0.5 * jnp.mean(jnp.square(X @ w - y))

    step = jax.jit(lambda w: w - problems.RATE * jax.grad(loss_fn)(w))
    return {"step": step, "start": w, "setup": "w = start"}


def tree():
    layers = [{"weight": jnp.ones(1), "bias": jnp.ones(1)} for _ in range(50)]
    return {"tree": {"layers": layers}, "flatten": jax.tree.flatten, "unflatten": jax.tree.unflatten}


def loss_fn(layers, x, y):
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight.T + bias)
    logits = x @ layers[-1][0].T + layers[-1][1]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, y[:, None], axis=-1)[:, 0])


def adam(layers, m, v, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(layers, x, y)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    layers = jax.tree.map(lambda p, m, v: p - problems.ADAM * m / (jnp.sqrt(v) + 1e-8), layers, m, v)
    return layers, m, v, loss


def perceptron():
    xs, labels, weights, biases = problems.perceptron()
    layers = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(weights, biases)]
    state = [layers, jax.tree.map(jnp.zeros_like, layers), jax.tree.map(jnp.zeros_like, layers)]
    batches = cycle([(jnp.asarray(x), jnp.asarray(y)) for x, y in zip(xs, labels)])
    jitted = jax.jit(adam, donate_argnums=(0, 1, 2))

    def step():
        *state[:], loss = jitted(*state, *next(batches))
        jax.block_until_ready((state, loss))

    return {"step": step}


ROWS = {
    "loop": (page_loop, "w = step(w).block_until_ready()"),
    "add": (two, "jnp.add(a, b)"),
    "add_number": (two, "a + 1.0"),
    "sum": (two, "jnp.sum(a, axis=-1, keepdims=True)"),
    "shape": (two, "a.shape"),
    "eval": (two, "jnp.add(a, b).block_until_ready()"),
    "tree": (tree, "leaves, structure = flatten(tree)\nunflatten(structure, leaves)"),
    "mlp": (perceptron, "step()"),
}

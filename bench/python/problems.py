"""The data of the rows, the same for every library, as NumPy arrays."""
import numpy as np

RATE = 0.01  # of the page's loop
ADAM = 1e-3
SIZES = [784, 256, 256, 10]
BATCH, BATCHES = 128, 64


def linear():
    """X, y and a first w of the page's program."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 100), np.float32)
    w_star = rng.standard_normal(100, np.float32)
    y = X @ w_star + np.float32(1e-2) * rng.standard_normal(1000, np.float32)
    return X, y, np.float32(1e-2) * rng.standard_normal(100, np.float32)


def perceptron():
    """Batches of x and labels, and the first weights (outputs, inputs) and biases.

    Labels are chance and batches many, so that nothing is learnt by heart: a loss of zero would fill the gradients with
    denormals, and their cost would be all that is measured."""
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((BATCH, SIZES[0]), np.float32) for _ in range(BATCHES)]
    labels = [rng.integers(0, SIZES[-1], BATCH, np.int32) for _ in range(BATCHES)]
    weights = [rng.uniform(-1, 1, (b, a)).astype(np.float32) / np.float32(a**0.5) for a, b in zip(SIZES, SIZES[1:])]
    return x, labels, weights, [np.zeros(b, np.float32) for b in SIZES[1:]]

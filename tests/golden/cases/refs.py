"""Float64 values of elementary functions, the oracle for accuracy: released MLX is itself several ulp away from them.
Start at REF.
"""

import numpy as np
from scipy import special


def _sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def _divided(z, by):
    """Part by part: infinities stay where they are."""
    out = np.array(z)
    out.real, out.imag = z.real / by, z.imag / by
    return out


def _log2_complex(x):
    return _divided(np.log(x), np.log(2.0)) if np.iscomplexobj(x) else np.log2(x)


def _log10_complex(x):
    return _divided(np.log(x), np.log(10.0)) if np.iscomplexobj(x) else np.log10(x)


UNARY = {
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "exp": np.exp,
    "expm1": np.expm1,
    "erf": special.erf,
    "erfinv": special.erfinv,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "degrees": lambda x: x * (180 / np.pi),
    "radians": lambda x: x * (np.pi / 180),
    "log": np.log,
    "log2": _log2_complex,
    "log10": _log10_complex,
    "log1p": np.log1p,
    "sigmoid": _sigmoid,
}
BINARY = {
    "logaddexp": np.logaddexp,
    "arctan2": np.arctan2,
    "power": np.power,
    "divide": np.divide,
    "multiply": np.multiply,
}
COMPLEX = {"sign": lambda z: np.where(z == 0, 0, z / np.where(z == 0, 1, np.abs(z)))}
REF = {**UNARY, **BINARY, **COMPLEX}


def reference(op, *values):
    """op of float64 or complex128 arrays."""
    with np.errstate(all="ignore"):
        if op == "logaddexp" and np.iscomplexobj(values[0]):  # many-valued: the branch of max + log1p(exp(min - max))
            low, high = np.sort(np.stack(values), axis=0)
            return high + np.log1p(np.exp(low - high))
        return REF[op](*values)

"""Minimax polynomials for the elementary functions of src/backend/cpu/kernels/vmath_*.h.

Each row of FITS names a function, an interval, the powers of the polynomial, the weight of its error, and the format
its coefficients are rounded to. A discrete Remez exchange finds the polynomial; the coefficients are then rounded one
at a time, lowest power first, and the rest is fitted again, so that rounding costs almost nothing. Printed beside each
name is the largest weighted error. Needs mpmath.  Usage: vmath_coefficients.py [name ...]
"""
import re
import sys

import mpmath as mp

mp.mp.dps = 50
log2 = mp.log(2)


def solve(grid, target, basis, weight, free):
    """Remez exchange on a grid: the weights c of basis[free] that minimise max |weight * (target - sum c * basis)|."""
    count = len(free)
    index = [round(i * (len(grid) - 1) / count) for i in range(count + 1)]
    coefficients = []
    for _ in range(40):
        rows, right = [], []
        for sign, i in enumerate(index):
            rows.append([basis[k][i] for k in free] + [(-1) ** sign / weight[i]])
            right.append(target[i])
        coefficients = list(mp.lu_solve(mp.matrix(rows), mp.matrix(right)))
        level = abs(coefficients.pop())
        error = [w * (t - sum(c * basis[k][i] for c, k in zip(coefficients, free)))
                 for i, (t, w) in enumerate(zip(target, weight))]
        index = extrema(error, count + 1)
        if max(abs(e) for e in error) <= level * mp.mpf("1.001"):
            break
    return coefficients, max(abs(e) for e in error)


def squares(grid, target, basis, weight, free):
    """The weights that minimise the sum of squares instead: close to minimax on Chebyshev's nodes, and defined for
    any basis."""
    rows = mp.matrix([[basis[k][i] * weight[i] for k in free] for i in range(len(grid))])
    right = mp.matrix([t * w for t, w in zip(target, weight)])
    return list(mp.lu_solve(rows.T * rows, rows.T * right))


def extrema(error, wanted):
    """Indices of the largest error in each run of equal sign, trimmed to `wanted` alternating ones."""
    peaks = [0]
    for i in range(1, len(error)):
        if (error[i] > 0) != (error[peaks[-1]] > 0):
            peaks.append(i)
        elif abs(error[i]) > abs(error[peaks[-1]]):
            peaks[-1] = i
    while len(peaks) > wanted:
        if len(peaks) == wanted + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        else:
            k = min(range(len(peaks)), key=lambda j: abs(error[peaks[j]]))
            del peaks[max(k - 1, 0):max(k - 1, 0) + 2]
    if len(peaks) < wanted:
        raise SystemExit("the exchange lost its alternation")
    return peaks


def rounded(value, bits):
    """`value` rounded to a binary float of `bits` bits."""
    if value == 0:
        return mp.mpf(0)
    scale = mp.mpf(2) ** (bits - 1 - int(mp.floor(mp.log(abs(value), 2))))
    return mp.nint(value * scale) / scale


def fit(f, low, high, powers, weight, bits, split, points=240):
    """Coefficients of f on [low, high], rounded to `bits` bits, the largest weighted error, and a low part.

    `split` gives the constant a low part: for intervals inside which every power but the constant one vanishes and
    the weight does not. What is left has no exchange to work with there, so later coefficients come from squares."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    grid = [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * points)) for i in range(points)]
    target, weights = [f(x) for x in grid], [weight(x) for x in grid]
    basis = [[x ** p for x in grid] for p in powers]
    done, free, lost = [], list(range(len(powers))), mp.mpf(0)
    while free:
        if split and done:
            first = squares(grid, target, basis, weights, free)[0]
        else:
            first = solve(grid, target, basis, weights, free)[0][0]
        k, c = free.pop(0), rounded(first, bits)
        if split and not done:
            lost = rounded(first - c, bits)
        target = [t - (c + (0 if done else lost)) * b for t, b in zip(target, basis[k])]
        done.append(c)
    return done, max(abs(w * t) for t, w in zip(target, weights)), lost


def text(value, bits):
    """The C hexadecimal literal of a value that is exact in `bits` bits."""
    return re.sub(r"\.?0*p", "p", float(value).hex()) + ("f" if bits == 24 else "")


FITS = {}


def row(name, f, low, high, count, weight, bits, split=False):
    FITS[name] = (f, low, high, list(range(count)), weight, bits, split)


def exp_tail(r):
    return (mp.expm1(r) - r) / r ** 2


def log_tail(r):
    return (mp.log1p(r) - r + r * r / 2) / r ** 3


def sqrt_of(f):
    return lambda z: f(mp.sqrt(z))


half_log2, root = log2 / 2 * mp.mpf("1.0005"), mp.sqrt(2)
E32, E64 = 24, 53
row("exp_f32", exp_tail, -half_log2, half_log2, 5, lambda r: r * r / mp.exp(r), E32)
row("expm1_f32", exp_tail, -0.5, 0.5, 6, lambda r: r * r / mp.expm1(r), E32)
row("log_f32", log_tail, 1 / root - 1, root - 1, 9, lambda r: r ** 3 / max(abs(mp.log1p(r)), mp.mpf(0.125)), E32)
row("tanh_f32", sqrt_of(lambda x: (mp.tanh(x) / x - 1) / x ** 2), 0, 0.46, 6,
    sqrt_of(lambda x: x ** 3 / mp.tanh(x)), E32)
row("sin_f32", sqrt_of(lambda x: (mp.sin(x) / x - 1) / x ** 2), 0, 0.62, 3,
    sqrt_of(lambda x: x ** 3 / mp.sin(x)), E32)
row("cos_f32", sqrt_of(lambda x: (mp.cos(x) - 1 + x * x / 2) / x ** 4), 0, 0.62, 3, lambda z: z * z, E32)
row("erf_low_f32", sqrt_of(lambda x: mp.erf(x) / x - 1), 0, 1.0, 8, sqrt_of(lambda x: x / mp.erf(x)), E32)
row("erf_high_f32", lambda u: mp.erf(u + mp.mpf(2.5)), -1.5, 1.45, 15, lambda u: 1, E32, True)
row("exp_mid", exp_tail, -half_log2, half_log2, 7, lambda r: r * r / mp.exp(r), E64)
row("log_mid", sqrt_of(lambda s: (2 * mp.atanh(s) / s - 2) / s ** 2), 0, mp.mpf("0.02945"), 5,
    sqrt_of(lambda s: s ** 2), E64)
row("tan_mid", sqrt_of(lambda x: (mp.tan(x) / x - 1) / x ** 2), 0, 0.62, 7,
    sqrt_of(lambda x: x ** 3 / mp.tan(x)), E64)
row("sinh_f32", sqrt_of(lambda x: (mp.sinh(x) / x - 1) / x ** 2), 0, 1.0, 4,
    sqrt_of(lambda x: x ** 3 / mp.sinh(x)), E32)
row("arcsin_f32", sqrt_of(lambda x: (mp.asin(x) / x - 1) / x ** 2), 0, 0.25, 5,
    sqrt_of(lambda x: x ** 3 / mp.asin(x)), E32)
row("arctan_f32", sqrt_of(lambda x: (mp.atan(x) / x - 1) / x ** 2), 0, 1.0, 9,
    sqrt_of(lambda x: x ** 3 / mp.atan(x)), E32)
row("exp_f64", exp_tail, -half_log2, half_log2, 10, lambda r: r * r / mp.exp(r), E64)
row("expm1_f64", exp_tail, -0.5, 0.5, 12, lambda r: r * r / mp.expm1(r), E64)
row("log_f64", sqrt_of(lambda s: (2 * mp.atanh(s) / s - 2) / s ** 2), 0, mp.mpf("0.02945"), 7,
    sqrt_of(lambda s: s ** 2), E64)
row("log_pow", sqrt_of(lambda s: (2 * mp.atanh(s) / s - 2 - 2 * s ** 2 / 3) / s ** 4), 0, mp.mpf("0.02945"), 8,
    sqrt_of(lambda s: s ** 4), E64)
row("sin_f64", sqrt_of(lambda x: (mp.sin(x) / x - 1) / x ** 2), 0, 0.617, 6,
    sqrt_of(lambda x: x ** 3 / mp.sin(x)), E64)
row("cos_f64", sqrt_of(lambda x: (mp.cos(x) - 1 + x * x / 2) / x ** 4), 0, 0.617, 6, lambda z: z * z, E64)
row("tanh_f64", sqrt_of(lambda x: (mp.tanh(x) / x - 1) / x ** 2), 0, 0.425, 12,
    sqrt_of(lambda x: x ** 3 / mp.tanh(x)), E64)
row("sinh_f64", sqrt_of(lambda x: (mp.sinh(x) / x - 1) / x ** 2), 0, 1.0, 8,
    sqrt_of(lambda x: x ** 3 / mp.sinh(x)), E64)
row("arcsin_f64", sqrt_of(lambda x: (mp.asin(x) / x - 1) / x ** 2), 0, 0.25, 12,
    sqrt_of(lambda x: x ** 3 / mp.asin(x)), E64)
row("arctan_f64", sqrt_of(lambda x: (mp.atan(x) / x - 1) / x ** 2), 0, mp.mpf("0.1716"), 12,
    sqrt_of(lambda x: x ** 3 / mp.atan(x)), E64)
row("arcsinh_f64", sqrt_of(lambda x: (mp.asinh(x) / x - 1) / x ** 2), 0, 0.25, 14,
    sqrt_of(lambda x: x ** 3 / mp.asinh(x)), E64)
row("erf_low_f64", sqrt_of(lambda x: mp.erf(x) / x - 1), 0, 1.0, 14, sqrt_of(lambda x: x / mp.erf(x)), E64)


def erfinv_of(w):
    """erfinv(x) / x where w = -log(1 - x^2)"""
    x = mp.sqrt(-mp.expm1(-w)) if w else mp.mpf(0)
    y = mp.erfinv(x) if w < 30 else erfcinv(-mp.expm1(mp.log1p(-mp.exp(-w)) / 2))
    return y / x if x else mp.sqrt(mp.pi) / 2


def erfcinv(tail):
    """The y with erfc(y) = tail, by Newton's method on its logarithm."""
    y = mp.sqrt(-mp.log(tail))
    for _ in range(60):
        value = mp.erfc(y)
        y += mp.log(value / tail) * value * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
    return y


row("erf_high_f64", lambda u: mp.exp((1 / u - 3) ** 2) * mp.erfc(1 / u - 3), mp.mpf(1) / 9, mp.mpf(1) / 4, 13,
    lambda u: mp.erfc(1 / u - 3), E64)
row("erfinv_low_f32", lambda u: erfinv_of(u + 1.5), -1.5, 3.5, 11, lambda u: 1 / erfinv_of(u + 1.5), E32, True)
row("erfinv_high_f32", lambda u: erfinv_of((u + 3) ** 2), mp.sqrt(5) - 3, 1.0, 11,
    lambda u: 1 / erfinv_of((u + 3) ** 2), E32, True)
row("erfinv_low_f64", lambda u: erfinv_of(u + 1.5), -1.5, 4.75, 24, lambda u: 1 / erfinv_of(u + 1.5), E64, True)
row("erfinv_mid_f64", lambda u: erfinv_of((u + mp.mpf(3.25)) ** 2), -0.75, 0.75, 22,
    lambda u: 1 / erfinv_of((u + mp.mpf(3.25)) ** 2), E64, True)
row("erfinv_high_f64", lambda u: erfinv_of((u + 5) ** 2), -1.0, 1.01, 19,
    lambda u: 1 / erfinv_of((u + 5) ** 2), E64, True)


def two_over_pi(count):
    """The digits of 2 / pi in base 2^24, after three zeros: the table of vmath_pi.h."""
    with mp.workdps(600):
        digits, rest = [0, 0, 0], 2 / mp.pi
        for _ in range(count):
            rest *= 2 ** 24
            digits.append(int(mp.floor(rest)))
            rest -= digits[-1]
    return ", ".join(hex(d) for d in digits)


def main(names):
    if not names:
        print("/* two_over_pi */\n  " + two_over_pi(50))
    for name in names or FITS:
        bits = FITS[name][-2]
        coefficients, worst, lost = fit(*FITS[name])
        print(f"/* {name}: {mp.nstr(worst, 3)} = 2^{mp.nstr(mp.log(worst, 2), 4)} */")
        print("  " + ", ".join(text(c, bits) for c in coefficients) + (f", lost {text(lost, bits)}" if lost else ""))


if __name__ == "__main__":
    main(sys.argv[1:])

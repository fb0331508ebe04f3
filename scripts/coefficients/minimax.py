"""Weighted minimax polynomials by the Remez exchange, in multiple precision (Python 3 with mpmath)."""

import struct

from mpmath import cos, linspace, lu_solve, matrix, mp, mpf, pi

mp.dps = 60


def minimax(f, exponents, a, b, weight=lambda x: mpf(1), iterations=12, grid=40):
    """Coefficients c and error bound E with |weight(x)·(f(x) − Σ c_j·x^exponents[j])| ≤ E on [a, b], E smallest.

    Remez (1934): solve weight·(f − p) = ±E on count + 1 points, move the points to the extrema of the error, repeat
    until the extrema are level to 1 %. The error is searched on a Chebyshev grid of `grid` points per alternation.
    """
    a, b = mpf(a), mpf(b)
    count = len(exponents)
    nodes = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / count) for i in range(count + 1)]
    points = [(a + b) / 2 - (b - a) / 2 * cos(pi * x) for x in linspace(mpf(0), mpf(1), grid * (count + 1))]
    values = [(x, f(x), weight(x)) for x in points]
    for _ in range(iterations):
        rows = [[x**e for e in exponents] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
        solution = lu_solve(matrix(rows), matrix([f(x) for x in nodes]))
        c = [solution[j] for j in range(count)]
        errors = [w * (y - sum(cj * x**e for cj, e in zip(c, exponents))) for x, y, w in values]
        extrema = alternation(errors, count + 1)
        nodes = [points[i] for i in extrema]
        levels = [abs(errors[i]) for i in extrema]
        if max(levels) < mpf("1.01") * min(levels):
            break
    return c, max(abs(e) for e in errors)


def interpolant(f, count, h):
    """Coefficients of the polynomial through f at the Chebyshev points of [−h, h]: on short intervals minimax but for some percent."""
    points = [cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    solution = lu_solve(matrix([[x**j for j in range(count)] for x in points]), matrix([f(h * x) for x in points]))
    return [solution[j] / h**j for j in range(count)]


def alternation(errors, wanted):
    """Indices of the largest error of each run of one sign, thinned at the ends to `wanted`."""
    extrema = []
    for i, e in enumerate(errors):
        if extrema and (e > 0) == (errors[extrema[-1]] > 0):
            if abs(e) > abs(errors[extrema[-1]]):
                extrema[-1] = i
        else:
            extrema.append(i)
    while len(extrema) > wanted:
        extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
    if len(extrema) < wanted:
        raise ArithmeticError(f"{len(extrema)} alternations, {wanted} wanted: raise mp.dps or change the degree")
    return extrema


def rounded(x, dtype):
    """Nearest element of f64 or f32, as a Python float."""
    return float(x) if dtype == "f64" else struct.unpack("f", struct.pack("f", float(x)))[0]


def split(x, bits, dtype):
    """x ≈ high + low: high has `bits` significant bits, low the rest rounded to dtype."""
    exponent = mp.frexp(x)[1]
    scale = mpf(2) ** (bits - exponent)
    high = mp.nint(x * scale) / scale
    return float(high), rounded(x - high, dtype)

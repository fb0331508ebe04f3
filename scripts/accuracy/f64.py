"""The largest errors of f and f′ in f64 over some 10⁵ points, against mpmath: see accuracy.mjs.

The points: numbers of both signs in every binade, subnormal ones too; uniform ones where the function changes; neighbours
of its limits (overflow, underflow, where it becomes constant) and of the zeros of f and f′; for sin and cos the doubles
nearest to multiples of π/2 at every magnitude, and the one known to be nearest of all.
"""

import random
import struct
import sys

from mpmath import cos, cosh, erf, erfc, exp, expm1, floor, inf, isnan, ldexp, log, log1p, mp, mpf, nan, npdf, pi, sin, sqrt, tanh

mp.prec = 180
MAX = sys.float_info.max


def sigmoid(x):
    return 1 / (1 + exp(-x))


def normal_cdf(x):
    return erfc(-x / sqrt(mpf(2))) / 2 if abs(x) < 1000 else mpf(int(x > 0))  # mpmath's erfc fails on large numbers


# name: f, f′, the interval where it changes, points near which it is hard.
FUNCTIONS = {
    "exp": (exp, exp, (-745.2, 709.79), (709.782712893384, -708.3964185322641, -745.1332191019411)),
    "expm1": (expm1, exp, (-45, 709.79), (709.782712893384, -37.43, -36.74)),
    "log": (lambda x: log(x) if x >= 0 else nan, lambda x: 1 / x, (0, 4), (1, 0.7071067811865476, 1.4142135623730951)),
    "sqrt": (lambda x: sqrt(x) if x >= 0 else nan, lambda x: 1 / (2 * sqrt(x)), (0, 4), (1, 4)),
    "sin": (sin, cos, (-800, 800), ()),
    "cos": (cos, lambda x: -sin(x), (-800, 800), ()),
    "tanh": (tanh, lambda x: 1 / cosh(x) ** 2, (-380, 380), (0.5, 1, 19.061547465398498, 0.5493061443340549)),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), (-750, 750), (36.7368005696771, -708.3964185322641, -745.1332191019411)),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), (-755, 755), (-1.2784645427610738, -714.9)),
    "erf": (erf, lambda x: 2 / sqrt(pi) * exp(-x * x), (-28, 28), (0.84375, 1.25, 2.857142857142857, 5.921587195794508)),
    "gelu": (lambda x: x * normal_cdf(x), lambda x: normal_cdf(x) + x * npdf(x), (-39, 39), (-0.7517915246935645, -37.5, -38.5)),
    "elu": (lambda x: x if x > 0 else expm1(x), lambda x: mpf(1) if x > 0 else exp(x), (-750, 45), (-37.43,)),
    "softplus": (lambda x: log1p(exp(x)) if x < 0 else x + log1p(exp(-x)), sigmoid, (-750, 750), (36.7, -36.7, -745.1332191019411)),
}


def neighbours(x, count):
    """Doubles around x at distances of 1, 2, 4, … units in the last place, and at random ones."""
    (bits,) = struct.unpack("<q", struct.pack("<d", x))
    steps = [1 << i for i in range(40)] + [random.getrandbits(random.randrange(1, 44)) for _ in range(count)]
    return [struct.unpack("<d", struct.pack("<q", bits + s * step))[0] for step in [0] + steps for s in (1, -1) if bits + s * step >= -(1 << 63)]


def circular_points():
    with mp.workprec(1400):
        half = pi / 2
        for e in range(1, 1024):
            for _ in range(10):
                multiple = floor(ldexp(1 + mpf(random.random()), e) / half)
                yield float(multiple * half)
    yield from (5.319372648326541e255, 6.381956970095103e18, 1.5707963267948966, 3.141592653589793)


def points(name):
    _, _, (low, high), hard = FUNCTIONS[name]
    for e in range(-1074, 1024):
        for _ in range(10):
            x = float(ldexp(1 + random.random(), e)) if e >= -1022 else random.getrandbits(max(1, e + 1075)) * 5e-324
            yield from (x, -x)
    for _ in range(40000):
        yield random.uniform(low, high)
        yield random.uniform(max(low, -4), min(high, 4))
    for x in hard:
        yield from neighbours(x, 1000)
        yield from neighbours(-x, 200)
    if name in ("sin", "cos"):
        for x in circular_points():
            yield from (x, -x)
    yield from (0.0, 5e-324, -5e-324, 2.2250738585072014e-308, MAX, -MAX)


def ulps(y, exact):
    if isnan(exact) or y != y:
        return 0 if isnan(exact) and y != y else inf
    top = ldexp(mpf(1), 1024)
    bound = max(-top, min(top, exact))
    computed = max(-top, min(top, mpf(y)))
    exponent = -1022 if bound == 0 else max(-1022, min(1023, mp.mag(bound) - 1))
    return ldexp(abs(computed - bound), 52 - exponent)


def blocks():
    """x, f(x), f′(x) of every point."""
    read = lambda count: struct.unpack(f"<{count}d", sys.stdin.buffer.read(8 * count))
    while head := sys.stdin.buffer.read(4):
        (count,) = struct.unpack("<I", head)
        yield from zip(read(count), read(count), read(count))


def judge(name):
    f, slope, _, _ = FUNCTIONS[name]
    worst, worst_slope, beside_one, inputs = (0, 0, 0), (0, 0, 0), 0, 0
    for x, y, d in blocks():
        inputs += 1
        if name in ("log", "sqrt") and x == 0:
            continue  # −∞ and 0, tested elsewhere; no slope there
        exact = f(mpf(x))
        worst = max(worst, (ulps(y, exact), x, y))
        if not isnan(exact):
            exact = slope(mpf(x))
            worst_slope = max(worst_slope, (ulps(d, exact), x, d))
            if abs(exact) <= 1:
                beside_one = max(beside_one, float(ldexp(abs(mpf(d) - exact), 52)))
    show = lambda worst: f"{float(worst[0]):7.4g} ulp at {worst[1]!r:24}"
    print(f"{name:9} f64 {show(worst)} derivative {show(worst_slope)} ({worst_slope[2]!r}); up to 1 {beside_one:.3g} ulp of 1; {inputs} inputs")


name = sys.argv[1]
if sys.argv[2:] == ["points"]:
    random.seed(1)
    for x in points(name):
        sys.stdout.buffer.write(struct.pack("<d", x))
else:
    judge(name)

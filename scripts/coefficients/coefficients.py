"""Prints every coefficient table of assembly/math, with the error bound of each polynomial.

    python3 scripts/coefficients/coefficients.py [exp | power | log | erf | gelu | sincos | derivatives]

Needs mpmath. The tables in assembly/math/*.ts are these lines; the bound is that of the polynomial alone, before
rounding of its coefficients and of the evaluation, in the unit said on the line.
"""

import struct
import sys

from mpmath import atanh, cos, cosh, diff, erf, erfc, exp, findroot, floor, im, log, mp, mpf, nint, npdf, nstr, pi, polyroots, re, sin, sinh, sqrt

from minimax import interpolant, minimax, rounded, split

TINY = mpf(10) ** -12
DTYPES = ("f64", "f32")


def show(name, dtype, numbers, unit="", error=None):
    bound = "" if error is None else f"   // error ≤ 2^{float(mp.log(error, 2)):.1f} {unit}"
    print(f"{name} {dtype}:{bound}")
    print("  " + ", ".join(repr(rounded(x, dtype)) for x in numbers) + ",")


def exp_tables():
    """eʳ = 1 + r + r²·q(r) on |r| ≤ ln2/2; the error is relative to r, so that expm1 may use q too."""
    half = log(2) / 2 * mpf("1.001")

    def q(r):
        return (exp(r) - 1 - r) / r**2 if abs(r) > TINY else mpf(1) / 2 + r / 6 + r * r / 24

    for dtype, count, bits in (("f64", 10, 41), ("f32", 5, 15)):
        high, low = split(log(2), bits, dtype)
        show("log2(e), ln2 high, ln2 low", dtype, [1 / log(2), high, low])
        c, error = minimax(q, range(count), -half, half, lambda r: abs(r) + TINY)
        show("q", dtype, c, "·|r|", error)


def power_tables():
    """e^x = s + s·p, s = 2^(n/128), on |r| ≤ ln2/256: n·2^45 added to a word of bits makes s; p = r + r²·q(r), r with lack in it."""
    count = 128
    high, low = split(log(2) / count, 36, "f64")
    show("128·log2(e), ln2/128 high, low", "f64", [count / log(2), high, low])
    half = log(2) / (2 * count) * mpf("1.001")

    def q(r):
        return (exp(r) - 1 - r) / r**2 if abs(r) > TINY else mpf(1) / 2 + r / 6 + r * r / 24

    c, error = minimax(q, range(4), -half, half, lambda r: r * r + TINY)
    show("q", "f64", c, "absolute", error)
    c, error = minimax(q, range(3), -half, half, lambda r: r * r + TINY)
    show("q of singles", "f64", c, "absolute", error)
    words = []
    for j in range(count):
        value = mpf(2) ** (mpf(j) / count)
        lack = (value - mpf(float(value))) / mpf(float(value))
        words.append(bits(float(nint(lack * 2**64) / 2**64)))  # to a thousandth of an ulp: the module would carry further bits
        words.append((bits(float(value)) - (j << 45)) % 2**64)
    print("lack and bits:")
    for i in range(0, len(words), 8):
        print("  " + ", ".join(f"0x{word:016x}" for word in words[i : i + 8]) + ",")


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def log_tables():
    """log(1 + f) = 2s + s³·P(s²), s = f/(2 + f), for 1 + f in [√½, √2]."""
    top = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf("1.001")

    def p(z):
        s = sqrt(z)
        return (2 * atanh(s) - 2 * s) / s**3 if z > mpf(10) ** -20 else mpf(2) / 3 + 2 * z / 5

    high, low = split(log(2), 41, "f64")
    show("ln2 high, low, times 2^−20", "f64", [high / 2**20, low / 2**20])
    lift = 1074 * log(2)
    show("1074·ln2 high, low", "f64", [lift, lift - mpf(float(lift))])
    c, error = minimax(p, range(7), 0, top, lambda z: z + TINY)
    upper = [root for root in polyroots(c[::-1], maxsteps=500, extraprec=500) if im(root) > 0]
    quadratics = sorted((-2 * re(root), abs(root) ** 2) for root in upper)
    show("leading coefficient of P, and a, b of its factors z² + a·z + b", "f64", [c[6]] + [x for pair in quadratics for x in pair], "relative to s", error)
    c, error = minimax(p, range(3), 0, top, lambda z: z + TINY)
    show("P", "f32", c, "relative to s", error)


def erf_tables():
    """f32: erf(x) = x + x·P(x²), |x| < 1; erf(x) = 1 − e^(−x²)·H(t)/(x + k), t = (x − k)/(x + k), 1 ≤ x ≤ 4. f64: rows to 6."""

    def small(z):
        x = sqrt(z)
        return (erf(x) / x if z > mpf(10) ** -30 else 2 / sqrt(pi)) - 1

    c, error = minimax(small, range(7), 0, 1)
    show("erf P", "f32", c, "relative to x", error)
    k = mpf(2)

    def h(t):
        a = k * (1 + t) / (1 - t)
        return exp(a * a) * erfc(a) * (a + k)

    def weight(t):
        a = k * (1 + t) / (1 - t)
        return exp(-a * a) / (a + k)

    c, error = minimax(h, range(5), (1 - k) / (1 + k), (4 - k) / (4 + k), weight)
    show(f"erf H, k = {nstr(k)}", "f32", c, "absolute", error)

    first, error = minimax(small, range(6), 0, mpf(1) / 256)
    row = [mpf(0)] * 13
    row[1:12:2] = first
    show_rows("erf", [trimmed(row, erf(mpf(1) / 16)), *rows(erf, lambda a: 2 / sqrt(pi) * exp(-a * a))])


def gelu_tables():
    """a·Φ(−a) = e^(−a²/2)·(1/√(2π) − z·T(z)), z = 1/a², for 6 ≤ a ≤ 39.5; Φ(−a) in rows to 6."""

    def t(z):
        a = 1 / sqrt(z)
        return (1 / sqrt(2 * pi) - a * exp(a * a / 2) * erfc(a / sqrt(2)) / 2) / z

    show("1/√(2π) high, low", "f64", split(1 / sqrt(2 * pi), 26, "f64"))
    c, error = minimax(t, range(13), 1 / mpf("39.5") ** 2, mpf(1) / 36, lambda z: z)
    show("T", "f64", c, "absolute", error)
    show_rows("Φ(−a)", rows(lambda a: erfc(a / sqrt(2)) / 2, lambda a: -npdf(a), 0))


def rows(f, derivative, first=1):
    """f(c + d) = c0 + (low + d·Σ c_(j + 1)·d^j) around every c = k/8 up to 6, |d| ≤ 1/16: low, c1 … c11, c0; c0 + low is f(c)."""
    table = []
    for k in range(first, 49):
        c = mpf(k) / 8
        c0 = f(c)
        slope = lambda d: (f(c + d) - c0) / d if abs(d) > mpf(10) ** -30 else derivative(c)
        row = [c0 - mpf(float(c0)), *interpolant(slope, 11, mpf(1) / 16), c0]
        table.append(trimmed(row, min(c0, f(c + mpf(1) / 16))))
    return table


def trimmed(row, value):
    """Every number of a row but c0 to 2^−8 ulp of the value: further bits change no result, and the module would carry them."""
    unit = mpf(2) ** (floor(log(value, 2)) - 60)
    return [nint(c / (unit * 16**k)) * unit * 16**k for k, c in enumerate(row[:12])] + row[12:]


def show_parts(name, dtype, units, number, bits):
    first, _ = split(number, bits, dtype)
    second, last = split(number - mpf(first), bits, dtype)
    show(name, dtype, [units, first, second, last])


def show_rows(name, table):
    print(f"{name}, rows:")
    for row in table:
        numbers = [repr(float(x)) if abs(x) > mpf(10) ** -30 else "0.0" for x in row]
        print("  " + ", ".join(numbers[:7]) + ",\n    " + ", ".join(numbers[7:]) + ",")


def sincos_tables():
    """sin r = r + r·z·S(z), cos r = 1 + z·C(z), z = r², |r| ≤ π/256, and S, C negated; f32: cos r = 1 − z/2 + z²·C(z), |r| ≤ π/4; sin of j·π/128; 2/π."""

    def s(z):
        r = sqrt(z)
        return (1 - sin(r) / r) / z if z > TINY else mpf(1) / 6 - z / 120

    def c(z):
        return (1 - cos(sqrt(z))) / z if z > TINY else mpf(1) / 2 - z / 24

    def c_single(z):
        return (cos(sqrt(z)) - 1 + z / 2) / z**2 if z > TINY else mpf(1) / 24 - z / 720

    def top(angle):
        return angle**2 * mpf("1.001")

    unit = pi / 128
    show_parts("128/π, parts of π/128", "f64", 1 / unit, unit, 33)
    coefficients, error = minimax(s, range(2), 0, top(unit / 2), lambda z: z + TINY)
    show("S", "f64", coefficients, "relative to r", error)
    coefficients, error = minimax(c, range(3), 0, top(unit / 2), lambda z: z + TINY)
    show("C", "f64", coefficients, "absolute", error)
    show("π/2 high, low", "f64", [pi / 2, pi / 2 - mpf(float(pi / 2))])
    show("2/π; π/2 in two parts", "f64", [2 / pi, *split(pi / 2, 33, "f64")])
    show_parts("2/π, parts of π/2", "f32", 2 / pi, pi / 2, 18)
    coefficients, error = minimax(s, range(3), 0, top(pi / 4), lambda z: z + TINY)
    show("S", "f32", coefficients, "relative to r", error)
    coefficients, error = minimax(c_single, range(3), 0, top(pi / 4), lambda z: z * z + TINY)
    show("C", "f32", coefficients, "absolute", error)
    show("sin", "f64", [sin(j * unit) if j % 128 else mpf(0) for j in range(320)])
    mp.prec = 1400
    bits = int(2 / pi * mpf(2) ** 1216)
    words = [(bits >> (32 * i)) & 0xFFFFFFFF for i in range(37, -1, -1)]
    print("2/π, 32 bits a word, after two words of zeros:\n  " + ", ".join(f"0x{w:08x}" for w in words) + ",")


def derivative_tables():
    """σ′: e^(±r) = 1 + even ± odd on |r| ≤ 1/64; erf′; gelu′(−c) at c = k/8; gelu′(−a) and silu′(−a) near their zeros: a0; the slope; the curve. f32: gelu′(−a) = e^(−a²/2)·(a − a0)·Q(t)."""

    def gelu(a):
        return erfc(a / sqrt(mpf(2))) / 2 - a * npdf(a)

    def silu(a):
        return exp(-a) * (1 + exp(-a) - a) / (1 + exp(-a)) ** 2

    def even(square):
        return (cosh(sqrt(square)) - 1) / square

    def odd(square):
        return (sinh(sqrt(square)) / sqrt(square) - 1) / square

    step = exp(-mpf(1) / 32)
    show("e^(−1/32), 26 bits, the rest of a double, the rest", "f64", [*split(mpf(float(step)), 26, "f64"), step - mpf(float(step))])
    square = (mpf(1) / 64 * mpf("1.001")) ** 2
    for name, f, count, weight in ("even", even, 3, lambda z: z), ("odd", odd, 2, lambda z: z * sqrt(z)):
        c, error = minimax(f, range(count), TINY * square, square, weight)
        show(f"{name} of σ′", "f64", c, "absolute", error)
    slope = 2 / sqrt(pi)
    show("erf′(0), 26 bits and the rest; its logarithm; that less 22/128 of ln 2", "f64", [*split(slope, 26, "f64"), log(slope), log(slope) - 22 * log(2) / 128])
    values = [gelu(mpf(k) / 8) for k in range(49)]
    rests = [trimmed([c - mpf(float(c)), *[mpf(0)] * 12], abs(c))[0] for c in values]
    show("gelu′(−k/8) high, low", "f64", [x for pair in zip(values, rests) for x in pair])
    for name, f, guess, width in ("gelu", gelu, "0.75", mpf(5) / 64), ("silu", silu, "1.28", mpf(1) / 16):
        zero = findroot(f, mpf(guess))
        slope = lambda d: f(zero + d) / d if abs(d) > TINY else diff(f, zero)
        c, error = minimax(slope, range(10), -width, width)
        show(f"{name}′ near its zero", "f64", [*split(zero, 53, "f64"), *split(c[0], 26, "f64"), *c[1:]], "absolute", error)
    zero, k = findroot(gelu, mpf("0.75")), mpf(3)

    def q(t):
        a = k * (1 + t) / (1 - t)
        h = lambda a: exp(a * a / 2) * gelu(a)
        return h(a) / (a - zero) if abs(a - zero) > TINY else diff(h, zero)

    c, error = minimax(q, range(12), -1, (mpf("39.5") - k) / (mpf("39.5") + k), lambda t: 1 / q(t))
    show("Q, of doubles", "f64", c, "relative", error)


FAMILIES = {"derivatives": [derivative_tables], "sincos": [sincos_tables], "exp": [exp_tables], "power": [power_tables], "log": [log_tables], "erf": [erf_tables], "gelu": [gelu_tables]}

if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        for tables in FAMILIES[family]:
            print(f"\n# {tables.__doc__}")
            tables()

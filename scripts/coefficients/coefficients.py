"""Prints every coefficient table of assembly/math, with the error bound of each polynomial.

    python3 scripts/coefficients/coefficients.py [exp | power | log | erf | sincos]

Needs mpmath. The tables in assembly/math/*.ts are these lines; the bound is that of the polynomial alone, before
rounding of its coefficients and of the evaluation, in the unit said on the line.
"""

import struct
import sys

from mpmath import atanh, cos, erf, erfc, exp, log, mp, mpf, ncdf, nstr, pi, sin, sqrt

from minimax import minimax, minimax_rounded, rounded, split

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
    """e^x = s + s·p, s = 2^(n/128), on |r| ≤ ln2/256: n·2^45 added to a word of bits makes s; p = r + r²·q(r) + lack."""
    count = 128
    high, low = split(log(2) / count, 36, "f64")
    show("128·log2(e), ln2/128 high, low", "f64", [count / log(2), high, low])
    half = log(2) / (2 * count) * mpf("1.001")

    def q(r):
        return (exp(r) - 1 - r) / r**2 if abs(r) > TINY else mpf(1) / 2 + r / 6 + r * r / 24

    c, error = minimax(q, range(4), -half, half, lambda r: r * r + TINY)
    show("q", "f64", c, "absolute", error)
    words = []
    for j in range(count):
        value = mpf(2) ** (mpf(j) / count)
        words.append(bits(float((value - mpf(float(value))) / mpf(float(value)))))
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

    for dtype, count in (("f64", 7), ("f32", 3)):
        c, error = minimax(p, range(count), 0, top, lambda z: z + TINY)
        show("P", dtype, c, "relative to s", error)


def erf_tables():
    """erf(x) = x + x·P(x²), |x| < 1; erf(x) = 1 − e^(−x²)·H(t)/(x + k), t = (x − k)/(x + k), for 1 ≤ x ≤ 6 (f64), 4 (f32)."""

    def small(z):
        x = sqrt(z)
        return (erf(x) / x if z > mpf(10) ** -30 else 2 / sqrt(pi)) - 1

    for dtype, count in (("f64", 12), ("f32", 7)):
        c, error = minimax(small, range(count), 0, 1)
        show("erf P", dtype, c, "relative to x", error)

    for dtype, count, top, k in (("f64", 12, 6, mpf(2.5)), ("f32", 5, 4, mpf(2))):

        def h(t):
            a = k * (1 + t) / (1 - t)
            return exp(a * a) * erfc(a) * (a + k)

        def weight(t):
            a = k * (1 + t) / (1 - t)
            return exp(-a * a) / (a + k)

        c, error = minimax(h, range(count), (1 - k) / (1 + k), (top - k) / (top + k), weight)
        show(f"erf H, k = {nstr(k)}", dtype, c, "absolute", error)


def gelu_tables():
    """Φ(x) = ½ + x·P(x²), |x| < ½; Φ(−a) = e^(−a²/2)·H(t)/(a + k), t = (a − k)/(a + k), for a ≥ ½."""

    def small(z):
        x = sqrt(z)
        return (ncdf(x) - mpf(1) / 2) / x if z > mpf(10) ** -30 else 1 / sqrt(2 * pi)

    for dtype, count in (("f64", 8), ("f32", 4)):
        c, error = minimax(small, range(count), 0, mpf(1) / 4)
        show("gelu P", dtype, c, "absolute", error)

    for dtype, count, top in (("f64", 23, mpf(39)), ("f32", 10, mpf(15))):
        k = nearby_k(dtype, mpf(3) if dtype == "f64" else mpf("2.5"))
        h = mills(k)
        half = mpf(1) / 2
        c, error = minimax_rounded(h, count, (half - k) / (half + k), (top - k) / (top + k), lambda t: 1 / h(t), dtype)
        show(f"gelu H, k = {nstr(k, 20)}", dtype, c, "relative", error)


def mills(k):
    """H(t) = Q(a)·e^(a²/2)·(a + k), Q the upper tail of the normal distribution, a = k·(1 + t)/(1 − t)."""

    def h(t):
        a = k * (1 + t) / (1 - t)
        return exp(a * a / 2) * erfc(a / sqrt(2)) / 2 * (a + k)

    return h


def nearby_k(dtype, k):
    """A k near the given one whose H(0) is within 1/200 ulp of a number of the dtype: the leading coefficient rounds for free."""
    step = mpf(2) ** -12
    ulp = mpf(2) ** (-53 if dtype == "f64" else -24)
    while True:
        value = mills(k)(mpf(0))
        if abs(value - mpf(rounded(value, dtype))) < ulp / 200:
            return k
        k += step


def sincos_tables():
    """sin r = r + r·z·S(z), cos r = 1 − z/2 + z²·C(z), z = r², |r| ≤ π/4; π/2 in four parts of 33, 33, 33 and 53 bits; 2/π."""
    top = (pi / 4) ** 2 * mpf("1.001")

    def s(z):
        r = sqrt(z)
        return (sin(r) / r - 1) / z if z > TINY else mpf(-1) / 6 + z / 120

    def c(z):
        return (cos(sqrt(z)) - 1 + z / 2) / z**2 if z > TINY else mpf(1) / 24 - z / 720

    parts, rest = [], pi / 2
    for _ in range(3):
        high, _ = split(rest, 33, "f64")
        parts.append(mpf(high))
        rest -= mpf(high)
    show("2/π, parts of π/2", "f64", [2 / pi, *parts, rest])
    show("π/2 high, low", "f64", [pi / 2, pi / 2 - mpf(float(pi / 2))])
    coefficients, error = minimax(s, range(6), 0, top, lambda z: z + TINY)
    show("S", "f64", coefficients, "relative to r", error)
    coefficients, error = minimax(c, range(6), 0, top, lambda z: z * z + TINY)
    show("C", "f64", coefficients, "absolute", error)
    mp.prec = 1400
    bits = int(2 / pi * mpf(2) ** 1216)
    words = [(bits >> (32 * i)) & 0xFFFFFFFF for i in range(37, -1, -1)]
    print("2/π, 32 bits a word, after two words of zeros:\n  " + ", ".join(f"0x{w:08x}" for w in words) + ",")


FAMILIES = {"sincos": [sincos_tables], "exp": [exp_tables], "power": [power_tables], "log": [log_tables], "erf": [erf_tables, gelu_tables]}

if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        for tables in FAMILIES[family]:
            print(f"\n# {tables.__doc__}")
            tables()

/**
 * @file Elementary functions of exact doubles to more than 40 digits, in BigInt fixed point: the reference of the routines.
 *
 * A Real is n/2^p. Series are plain Taylor sums in fixed point with 200 bits below the last bit that matters; slow and
 * obvious. Every result is good to at least 2^-140 of its own size.
 */

/** n / 2^p. */
export interface Real {
  readonly n: bigint;
  readonly p: number;
}

const BITS = 200;

/** The exact value of a finite double. */
export function exactly(x: number): Real {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const n = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  return { n: x < 0 ? -n : n, p: 1075 - Math.max(exponent, 1) };
}

/** Bits of |n|. */
function lengthOf(n: bigint): number {
  const hex = (n < 0n ? -n : n).toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex[0], 16)) + 28;
}

/** e with 2^(e − 1) ≤ |x| < 2^e. */
function exponentOf({ n, p }: Real): number {
  return lengthOf(n) - p;
}

function shift(n: bigint, bits: number): bigint {
  return bits >= 0 ? n << BigInt(bits) : n >> BigInt(-bits);
}

/** x rounded to a multiple of 2^-p. */
function fixed(x: Real, p: number): bigint {
  return shift(x.n, p - x.p);
}

const add = (a: Real, b: Real): Real => {
  const p = Math.max(a.p, b.p);
  return { n: fixed(a, p) + fixed(b, p), p };
};
const negate = ({ n, p }: Real): Real => ({ n: -n, p });
const times = (a: Real, b: Real): Real => ({ n: a.n * b.n, p: a.p + b.p });
const timesPower = ({ n, p }: Real, k: number): Real => ({ n, p: p - k });
/** a/b with 2·BITS significant bits. */
const over = (a: Real, b: Real): Real => {
  const extra = Math.max(0, 2 * BITS + lengthOf(b.n) - lengthOf(a.n));
  return { n: (a.n << BigInt(extra)) / b.n, p: a.p - b.p + extra };
};
/** Nearest-but-one double of a value of moderate size. */
const toNumber = (x: Real): number => Number(fixed(x, 30)) / 2 ** 30;
const ONE: Real = { n: 1n, p: 0 };
const TWO: Real = { n: 2n, p: 0 };

/** Σ_{j ≥ 0} term_j in fixed point; each term from the one before it, until it is 0. */
function series(first: bigint, next: (term: bigint, j: number) => bigint): bigint {
  let sum = 0n;
  let term = first;
  for (let j = 1; term !== 0n && term !== -1n; j++) {
    sum += term;
    term = next(term, j);
  }
  return sum;
}

const constants = new Map<string, bigint>();

function constant(name: string, p: number, compute: (p: number) => bigint): bigint {
  const key = `${name} ${p}`;
  const known = constants.get(key);
  if (known !== undefined) return known;
  const value = compute(p + 20) >> 20n;
  constants.set(key, value);
  return value;
}

/** 2·Σ 1/((2j + 1)·3^(2j + 1)). */
const ln2 = (p: number): bigint => constant('ln2', p, (q) => 2n * arctanhOfFraction(1n << BigInt(q), 3n));
/** Machin: 16·arctan(1/5) − 4·arctan(1/239). */
const pi = (p: number): bigint => constant('pi', p, (q) => 16n * arctanOfInverse(5n, q) - 4n * arctanOfInverse(239n, q));

function arctanhOfFraction(one: bigint, m: bigint): bigint {
  let sum = 0n;
  for (let power = one / m, j = 1n; power !== 0n; power /= m * m, j += 2n) sum += power / j;
  return sum;
}

function arctanOfInverse(m: bigint, p: number): bigint {
  let sum = 0n;
  let sign = 1n;
  for (let power = (1n << BigInt(p)) / m, j = 1n; power !== 0n; power /= m * m, j += 2n, sign = -sign) sum += (sign * power) / j;
  return sum;
}

/** The next multiple of 128, so that few precisions occur and their constants are computed once. */
function inSteps(bits: number): number {
  return Math.ceil(bits / 128) * 128;
}

/** Bits of fixed point that hold x, and anything of about its size, to BITS significant bits. */
function precisionFor(x: Real): number {
  return BITS + Math.max(0, -exponentOf(x));
}

export function exp(x: Real): Real {
  const p = BITS + Math.max(0, exponentOf(x)) + 10;
  const value = fixed(x, p);
  const n = value / ln2(p);
  const r = value - n * ln2(p);
  const sum = series(1n << BigInt(p), (term, j) => ((term * r) >> BigInt(p)) / BigInt(j));
  return timesPower({ n: sum, p }, Number(n));
}

export function expm1(x: Real): Real {
  if (exponentOf(x) > -2) return add(exp(x), negate(ONE));
  const p = precisionFor(x);
  const r = fixed(x, p);
  return { n: series(r, (term, j) => ((term * r) >> BigInt(p)) / BigInt(j + 1)), p };
}

/** x > 0. x = 2^k·m with m near 1, log m = 2·artanh((m − 1)/(m + 1)). */
export function log(x: Real): Real {
  let k = exponentOf(x);
  let m = timesPower(x, -k); // in [½, 1)
  if (3n * fixed(m, BITS) < 2n << BigInt(BITS)) {
    m = timesPower(m, 1);
    k--;
  }
  const p = 2 * BITS;
  const z = fixed(over(add(m, negate(ONE)), add(m, ONE)), p);
  const z2 = (z * z) >> BigInt(p);
  let sum = 0n;
  for (let power = z, j = 1n; power !== 0n && power !== -1n; power = (power * z2) >> BigInt(p), j += 2n) sum += power / j;
  return { n: 2n * sum + BigInt(k) * ln2(p), p };
}

export function sin(x: Real): Real {
  return circular(x, 1n);
}

export function cos(x: Real): Real {
  return circular(x, 0n);
}

/** Σ (−1)^j·r^(2j + first)/(2j + first)!, r = x mod 2π, with 64 bits more for where the sum nearly vanishes. */
function circular(x: Real, first: bigint): Real {
  const p = precisionFor(x) + Math.max(0, exponentOf(x)) + 80;
  const value = fixed(x, p);
  const r = value % (2n * pi(p));
  const square = (r * r) >> BigInt(p);
  let sum = 0n;
  let term = first === 1n ? r : 1n << BigInt(p);
  for (let j = first; term !== 0n && term !== -1n; j += 2n) {
    sum += term;
    term = -((term * square) >> BigInt(p)) / ((j + 1n) * (j + 2n));
  }
  return { n: sum, p };
}

export function tanh(x: Real): Real {
  const e = expm1(timesPower(x, 1));
  return over(e, add(e, TWO));
}

export function sigmoid(x: Real): Real {
  const e = exp(x);
  return over(e, add(e, ONE));
}

export function silu(x: Real): Real {
  return times(x, sigmoid(x));
}

/** log(1 + e^x), and its series where e^x is below 2^−150. */
export function softplus(x: Real): Real {
  const e = exp(x);
  return exponentOf(e) < -150 ? add(e, timesPower(negate(times(e, e)), -1)) : log(add(ONE, e));
}

/** σ(x)·(1 + x·σ(−x)) */
export function siluDerivative(x: Real): Real {
  return times(sigmoid(x), add(ONE, times(x, sigmoid(negate(x)))));
}

/** e^(−x²) */
export function gaussian(x: Real): Real {
  return exp(negate(times(x, x)));
}

/** 4·e^(2x)/(1 + e^(2x))² */
export function sechSquared(x: Real): Real {
  return timesPower(sigmoidDerivative(timesPower(x, 1)), 2);
}

export function sigmoidDerivative(x: Real): Real {
  return times(sigmoid(x), sigmoid(negate(x)));
}

export function erf(x: Real): Real {
  return erfTo(x, precisionFor(x));
}

/** x·½·(1 + erf(x/√2)) */
export function gelu(x: Real): Real {
  return times(x, normalCdf(x));
}

/** Φ(x) + x·e^(−x²/2)/√(2π) */
export function geluDerivative(x: Real): Real {
  const p = precisionInTail(x);
  const density = times(exp(timesPower(negate(times(x, x)), -1)), rootHalf(p));
  return add(normalCdf(x), times(x, over(density, { n: rootPi(p), p })));
}

/** 2/√π·e^(−x²) */
export function erfDerivative(x: Real): Real {
  const p = precisionFor(x);
  return timesPower(over(gaussian(x), { n: rootPi(p), p }), 1);
}

function normalCdf(x: Real): Real {
  const p = precisionInTail(x);
  return timesPower(add(ONE, erfTo(times(x, rootHalf(p)), p)), -1);
}

/** With as many more bits as 1 + erf cancels. */
function precisionInTail(x: Real): number {
  return inSteps(precisionFor(x) + 0.75 * toNumber(times(x, x)) + 20);
}

const rootHalf = (p: number): Real => ({ n: constant('root half', p, (q) => squareRoot(1n << BigInt(2 * q - 1))), p });
const rootPi = (p: number): bigint => constant('root pi', p, (q) => squareRoot(pi(q) << BigInt(q)));

/** 2/√π·Σ (−1)^j·x^(2j + 1)/(j!·(2j + 1)) to p bits after the point; its terms grow to e^(x²) before they cancel. */
function erfTo(x: Real, p: number): Real {
  const square = times(x, x);
  const q = inSteps(p + 1.5 * toNumber(square) + 20);
  const z = fixed(square, q);
  let sum = 0n;
  let power = fixed(x, q);
  for (let j = 1n; power !== 0n && power !== -1n; j++) {
    sum += power / (2n * j - 1n);
    power = -((power * z) >> BigInt(q)) / j;
  }
  return { n: ((2n * sum) << BigInt(q)) / rootPi(q), p: q };
}

/** ⌊√n⌋ by Newton's iteration. */
function squareRoot(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(lengthOf(n) / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Significant bits and the exponent of the least bit of each element type. */
const FORMATS = { f64: { bits: 53, least: -1074, top: 1024 }, f32: { bits: 24, least: -149, top: 128 } } as const;

/** |y − x| in units of the last place of x in the dtype; an infinite y counts as 2^top, NaN as infinitely wrong. */
export function ulpError(y: number, x: Real, dtype: 'f64' | 'f32'): number {
  const { bits, least, top } = FORMATS[dtype];
  if (Number.isNaN(y)) return Number.POSITIVE_INFINITY;
  const computed: Real = Number.isFinite(y) ? exactly(y) : { n: y > 0 ? 1n : -1n, p: -top };
  const ulp = x.n === 0n ? least : Math.max(exponentOf(x) - bits, least);
  const error = fixed(add(computed, negate(x)), 30 - ulp);
  return Math.abs(Number(error)) / 2 ** 30;
}

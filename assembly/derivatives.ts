/**
 * @file sech², silu′ and gelu′ of a block of doubles, to the last place where they vanish too.
 *
 *   sech² x     = 4u/(1 + u)²                   u = e^(−2|x|)
 *   silu′(−a)   = u·N/(1 + u)²                  u = e^(−a), N = 1 + u − a = v + u0·(e^v − 1), v = a0 − a, silu′(−a0) = 0, u0 = e^(−a0)
 *   gelu′(−a)   = e^(−a²/2)·(a − a0)·Q(t)       t = 2a/(a + 3) − 1, gelu′(−a0) = 0
 *   f′(a)       = 1 − f′(−a)                    of both, a ≥ 0
 *
 * v + u0·(e^v − 1) adds numbers of the same sign, and a0 is high + low, so that N is right next to its zero. e^u = s + s·p
 * as in exponentials.ts. Numerators, denominators and products are kept as pairs (math/pair.ts): little but the last sum rounds.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { negativeSquare, reduceNegativeDoubled, reduceNegativeHalfSquare, reduceSame, reduceSameJoined, squareLow } from "./exponentials";
import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { fastSumError, sumError, upperHalf } from "./math/pair";
import { BLOCK, PART, SPACE } from "./math/passes";
import { Power, powerConstant, powerSquare } from "./math/power";
import { cubicFrom, splatFrom, step } from "./math/table";

const TABLE = memory.data<f64>([
  1.2784645427610737, 1.0946994183093437e-16, 0.27846454083919525, 1.921878543644515e-09,
  0.7517915246935645, -1.4956759177009883e-17, 3.0, 39.5, 27.5,
  -0.4782976777552484, 0.11997542713544507, -0.05359610983496748, 0.014074772490180217, -0.0002040713480964092, -0.0010950104711491772,
  9.407407325923958e-05, 0.00013002428782791435, -4.76452009828029e-06, -2.009233345116164e-05, -2.5397497159806274e-06, 3.016805001187264e-06,
  1.2388054102864117e-06, -2.423936424118039e-07, -3.3904457599292354e-07, -6.809754044227384e-08, 5.184955972315357e-08, 3.751671811762035e-08,
  2.710480678710587e-09, -8.110485146288511e-09, -3.6325771882863146e-09, 3.94793250048412e-10, 6.803312371379577e-10, 1.4149826132783915e-10,
  -0.47829767784097493, 0.11997542850276822, -0.0535961025595103, 0.014074732108392829, -0.00020417471051886824, -0.0010946787069684464,
  9.463495641678805e-05, 0.00012889242788971877, -6.22375828349556e-06, -1.8299795987167003e-05, -6.093711497256298e-07, 1.7674958044028436e-06,
]);
/** a0 of silu and u0, high and low; u0 high has 26 bits. */
const SILU_ZERO: i32 = 0;
const SILU_ZERO_LOW: i32 = 1;
const SILU_POWER: i32 = 2;
const SILU_POWER_LOW: i32 = 3;
/** a0 of gelu. */
const GELU_ZERO: i32 = 4;
const GELU_ZERO_LOW: i32 = 5;
const K: i32 = 6;
/** Beyond it gelu′(−a) is 0, and e^(−a²). */
const GELU_MAX: i32 = 7;
const GAUSSIAN_MAX: i32 = 8;
const Q: i32 = 9;
/** Q for results that are rounded to f32. */
const SINGLE: i32 = 33;

/** a0 − a of a block; one memory per instance. */
const VALUES = memory.data(<i32>BLOCK, 16);

/** |x| < SECH_LIMIT */
export function sechSquaredOfBlock(x: usize, end: usize, out: usize): bool {
  return sechSquared(false, x, end, out);
}

/** sechSquaredOfBlock for results that are rounded to f32, as the other …OfSingles: without pairs. */
export function sechSquaredOfSingles(x: usize, end: usize, out: usize): bool {
  return sechSquared(true, x, end, out);
}

// @ts-ignore: decorator
@inline
function sechSquared(single: bool, x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeDoubled(x, end);
  if (stop == 0) return false;
  const one = f64x2.splat(1.0);
  const four = f64x2.splat(4.0);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += 16, out += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 2 * PART);
    const sp = f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)));
    const u = f64x2.add(s, sp);
    if (single) {
      const d = f64x2.add(one, u);
      v128.store(out, f64x2.div(f64x2.mul(four, u), f64x2.mul(d, d)));
    } else {
      const uLow = fastSumError<f64>(u, s, sp);
      storeQuotient(at, f64x2.mul(four, u), f64x2.mul(four, uLow), one, u, uLow);
      v128.store(out, f64x2.add(v128.load(at), v128.load(at, PART)));
    }
  }
  return true;
}

/** (a + aLow)/(1 + (u + uLow))², u ≤ 1, as two numbers, to `at`. */
// @ts-ignore: decorator
@inline
function storeQuotient(at: usize, a: v128, aLow: v128, one: v128, u: v128, uLow: v128): void {
  const sum = f64x2.add(one, u);
  const sumLow = f64x2.add(fastSumError<f64>(sum, one, u), uLow);
  const upper = upperHalf<f64>(sum);
  const square = f64x2.mul(upper, upper); // exact
  const rest = f64x2.add(f64x2.mul(f64x2.sub(sum, upper), f64x2.add(sum, upper)), f64x2.mul(f64x2.add(sum, sum), sumLow));
  const d = f64x2.add(square, rest);
  const dLow = fastSumError<f64>(d, square, rest);
  const q = f64x2.div(a, d);
  v128.store(at, q);
  v128.store(at, f64x2.div(f64x2.sub(aLow, f64x2.mul(q, dLow)), d), PART);
}

/** |x| < POWER_LIMIT, so that a0 − a is too. */
export function siluDerivativeOfBlock(x: usize, end: usize, out: usize): void {
  const zero = constant(SILU_ZERO);
  for (let from = x, to = VALUES; from < end; from += 16, to += 16) {
    v128.store(to, f64x2.sub(zero, f64x2.abs(v128.load(from))));
  }
  const stop = reduceSame(VALUES, VALUES + (end - x));
  const one = f64x2.splat(1.0);
  const power = constant(SILU_POWER);
  const powerLow = constant(SILU_POWER_LOW);
  const zeroLow = constant(SILU_ZERO_LOW);
  for (let at = SPACE, from = x, values = VALUES; at < stop; at += 16, from += 16, values += 16) {
    const v = v128.load(values);
    const vLow = f64x2.add(sumError<f64>(v, zero, f64x2.neg(f64x2.abs(v128.load(from)))), zeroLow);
    const high = v128.load(at);
    const low = f64x2.sub(v128.load(at, PART), vLow);
    const s = v128.load(at, 2 * PART);
    const square = powerSquare(
      f64x2.sub(high, low), powerConstant(Power.Q0), powerConstant(Power.Q1), powerConstant(Power.Q2), powerConstant(Power.Q3),
    );
    const q = f64x2.sub(square, low); // e^v = s + s·(high + q)

    // e^v − 1 = m + mLow
    const lead = f64x2.sub(s, one); // 0, or further from 0 than high
    const m = f64x2.add(lead, high);
    const mLow = f64x2.add(f64x2.add(fastSumError<f64>(m, lead, high), f64x2.mul(lead, high)), f64x2.mul(s, q));
    const mUpper = upperHalf<f64>(m);
    const exact = f64x2.mul(power, mUpper);
    const rest = f64x2.add(f64x2.mul(power, f64x2.add(f64x2.sub(m, mUpper), mLow)), f64x2.mul(powerLow, f64x2.add(m, mLow)));
    // N = sum + sumLow
    const leading = f64x2.add(v, exact);
    const remaining = f64x2.add(f64x2.add(fastSumError<f64>(leading, v, exact), vLow), rest);
    const sum = f64x2.add(leading, remaining);
    const sumLow = fastSumError<f64>(sum, leading, remaining);

    // e^(−a) = u + uLow
    const sUpper = upperHalf<f64>(s);
    const exactPower = f64x2.mul(power, sUpper);
    const sp = f64x2.mul(f64x2.mul(f64x2.add(power, powerLow), s), f64x2.add(high, q));
    const restPower = f64x2.add(f64x2.add(f64x2.mul(power, f64x2.sub(s, sUpper)), f64x2.mul(powerLow, s)), sp);
    const u = f64x2.add(exactPower, restPower);
    const uLow = fastSumError<f64>(u, exactPower, restPower);

    const uUpper = upperHalf<f64>(u);
    const sumUpper = upperHalf<f64>(sum);
    const product = f64x2.mul(uUpper, sumUpper);
    const productRest = f64x2.add(
      f64x2.mul(uUpper, f64x2.add(f64x2.sub(sum, sumUpper), sumLow)), f64x2.mul(f64x2.add(f64x2.sub(u, uUpper), uLow), sum),
    );
    const a = f64x2.add(product, productRest);
    storeQuotient(at, a, fastSumError<f64>(a, product, productRest), one, u, uLow);
  }
  mirrored(false, stop, x, out);
}

export function siluDerivativeOfSingles(x: usize, end: usize, out: usize): void {
  const zero = constant(SILU_ZERO);
  for (let from = x, to = VALUES; from < end; from += 16, to += 16) {
    v128.store(to, f64x2.sub(zero, f64x2.abs(v128.load(from))));
  }
  const stop = reduceSameJoined(VALUES, VALUES + (end - x));
  const one = f64x2.splat(1.0);
  const power = f64x2.add(constant(SILU_POWER), constant(SILU_POWER_LOW));
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE, values = VALUES; at < stop; at += 16, values += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 2 * PART);
    const sp = f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)));
    const u = f64x2.mul(f64x2.add(s, sp), power);
    const d = f64x2.add(one, u);
    const sum = step<f64>(f64x2.add(f64x2.sub(s, one), sp), power, v128.load(values));
    v128.store(at, f64x2.div(f64x2.mul(u, sum), f64x2.mul(d, d)));
  }
  mirrored(true, stop, x, out);
}

/** f′(x) from f′(−|x|): two numbers each, or `single`. */
// @ts-ignore: decorator
@inline
function mirrored(single: bool, stop: usize, x: usize, out: usize): void {
  const one = f64x2.splat(1.0);
  const zero = f64x2.splat(0);
  for (let at = SPACE; at < stop; at += 16, x += 16, out += 16) {
    const value = single ? v128.load(at) : f64x2.add(v128.load(at), v128.load(at, PART));
    v128.store(out, v128.bitselect(value, f64x2.sub(one, value), f64x2.lt(v128.load(x), zero)));
  }
}

/** |x| < GELU_DERIVATIVE_LIMIT */
export function geluDerivativeOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeHalfSquare(x, end);
  if (stop == 0) return false;
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += 16) {
    const r = v128.load(at);
    const p = f64x2.add(r, powerSquare(r, q0, q1, q2, q3));
    v128.store(at, f64x2.mul(v128.load(at, 2 * PART), p), PART);
  }
  for (let at = SPACE, from = x; at < stop; at += 16, from += 16) {
    const a = f64x2.abs(v128.load(from));
    v128.store(at, quotientRest(a), 3 * PART);
  }
  const zero = constant(GELU_ZERO);
  const zeroLow = constant(GELU_ZERO_LOW);
  const first = constant(Q);
  for (let at = SPACE, from = x; at < stop; at += 16, from += 16) {
    const a = f64x2.abs(v128.load(from));
    storeFactor(at, a, v128.load(at, 3 * PART), zero, zeroLow, first);
    const factorUpper = v128.load(at, 4 * PART);
    const factorLow = v128.load(at, 5 * PART);
    const s = v128.load(at, 2 * PART);
    const sUpper = upperHalf<f64>(s);
    const sLow = f64x2.add(f64x2.sub(s, sUpper), v128.load(at, PART));
    v128.store(at, f64x2.mul(sUpper, factorUpper));
    v128.store(at, f64x2.add(f64x2.mul(sUpper, factorLow), f64x2.mul(sLow, f64x2.add(factorUpper, factorLow))), PART);
  }
  mirrored(false, stop, x, out);
  return true;
}

export function geluDerivativeOfSingles(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeHalfSquare(x, end);
  if (stop == 0) return false;
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const k = constant(K);
  const zero = constant(GELU_ZERO);
  for (let at = SPACE, from = x; at < stop; at += 16, from += 16) {
    const a = f64x2.abs(v128.load(from));
    const r = v128.load(at);
    const s = v128.load(at, 2 * PART);
    const d = f64x2.sub(a, zero);
    v128.store(at, f64x2.mul(f64x2.add(s, f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)))), d));
    v128.store(at, f64x2.sub(f64x2.div(f64x2.add(a, a), f64x2.add(a, k)), f64x2.splat(1.0)), PART);
  }
  for (let at = SPACE; at < stop; at += 16) {
    const t = v128.load(at, PART);
    const t2 = f64x2.mul(t, t);
    const t4 = f64x2.mul(t2, t2);
    const sum = step<f64>(step<f64>(cubic(SINGLE + 8, t, t2), t4, cubic(SINGLE + 4, t, t2)), t4, cubic(SINGLE, t, t2));
    v128.store(at, f64x2.mul(v128.load(at), sum));
  }
  mirrored(true, stop, x, out);
  return true;
}

/** (a − a0)·Q(t): 26 bits and the rest; `rest` is Q(t) − Q(0), `first` Q(0). */
// @ts-ignore: decorator
@inline
function storeFactor(at: usize, a: v128, rest: v128, zero: v128, zeroLow: v128, first: v128): void {
  const q = f64x2.add(first, rest);
  const qUpper = upperHalf<f64>(q);
  const qLower = f64x2.add(f64x2.sub(q, qUpper), fastSumError<f64>(q, first, rest));
  const d = f64x2.sub(a, zero);
  const dUpper = upperHalf<f64>(d);
  const dLow = f64x2.sub(sumError<f64>(d, a, f64x2.neg(zero)), zeroLow);
  const exact = f64x2.mul(dUpper, qUpper);
  const lower = f64x2.add(f64x2.mul(dUpper, qLower), f64x2.mul(f64x2.add(f64x2.sub(d, dUpper), dLow), q));
  const upper = upperHalf<f64>(f64x2.add(exact, lower));
  v128.store(at, upper, 4 * PART);
  v128.store(at, f64x2.add(f64x2.sub(exact, upper), lower), 5 * PART);
}

/** Q(t) − Q(0) */
// @ts-ignore: decorator
@inline
function quotientRest(a: v128): v128 {
  const t = f64x2.sub(f64x2.div(f64x2.add(a, a), f64x2.add(a, constant(K))), f64x2.splat(1.0));
  const t2 = f64x2.mul(t, t);
  const t4 = f64x2.mul(t2, t2);
  let sum = step<f64>(constant(Q + 23), t2, step<f64>(constant(Q + 22), t, constant(Q + 21)));
  sum = step<f64>(sum, t4, cubic(Q + 17, t, t2));
  sum = step<f64>(sum, t4, cubic(Q + 13, t, t2));
  sum = step<f64>(sum, t4, cubic(Q + 9, t, t2));
  sum = step<f64>(sum, t4, cubic(Q + 5, t, t2));
  return f64x2.mul(step<f64>(sum, t4, cubic(Q + 1, t, t2)), t);
}

/** 4·e^(−2|x|), of one vector beyond ±SECH_LIMIT, from x to out; NaN stays. */
export function farSechSquared(x: usize, out: usize): void {
  const a = f64x2.abs(v128.load(x));
  const exponent = f64x2.pmax(f64x2.neg(f64x2.add(a, a)), f64x2.splat(-760.0));
  scaledPower(exponent, f64x2.splat(0), f64x2.splat(4.0), f64x2.splat(0), out);
}

export function farGaussian(x: usize, out: usize): void {
  const a = f64x2.pmin(f64x2.abs(v128.load(x)), constant(GAUSSIAN_MAX));
  scaledPower(negativeSquare(a, 1.0), squareLow(a, 1.0), f64x2.splat(1.0), f64x2.splat(0), out);
}

/** 1, or e^x·(1 + x). */
export function farSiluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const exponent = f64x2.pmax(value, f64x2.splat(-760.0));
  const factor = f64x2.add(exponent, f64x2.splat(1.0));
  const upper = upperHalf<f64>(factor);
  scaledPower(f64x2.pmin(exponent, f64x2.splat(0)), f64x2.splat(0), upper, f64x2.sub(factor, upper), out);
  oneAbove(value, out);
}

/** 1, or e^(−x²/2)·(a − a0)·Q. */
export function farGeluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const a = f64x2.pmin(f64x2.abs(value), constant(GELU_MAX));
  storeFactor(SPACE, a, quotientRest(a), constant(GELU_ZERO), constant(GELU_ZERO_LOW), constant(Q));
  scaledPower(negativeSquare(a, 0.5), squareLow(a, 0.5), v128.load(SPACE, 4 * PART), v128.load(SPACE, 5 * PART), out);
  oneAbove(value, out);
}

/** (upper + lower)·e^(u − low), upper of 26 bits; the rounding of a subnormal result comes last. */
function scaledPower(u: v128, low: v128, upper: v128, lower: v128, out: usize): void {
  const one = f64x2.splat(1.0);
  const shifted = shiftedExponent<f64>(u);
  const n = exponentOf<f64>(shifted);
  const high = reducedHigh<f64>(u, n);
  const sum = f64x2.add(one, high);
  const rest = f64x2.add(fastSumError<f64>(sum, one, high), reducedTail<f64>(high, f64x2.add(reducedLow<f64>(n), low)));
  const power = upperHalf<f64>(f64x2.add(sum, rest));
  const powerLow = f64x2.add(f64x2.sub(sum, power), rest);
  const product = f64x2.add(f64x2.mul(power, lower), f64x2.mul(powerLow, f64x2.add(upper, lower)));
  v128.store(out, timesPowerOfTwo<f64>(f64x2.add(f64x2.mul(power, upper), product), shifted));
}

function oneAbove(x: v128, out: usize): void {
  v128.store(out, v128.bitselect(f64x2.splat(1.0), v128.load(out), f64x2.gt(x, f64x2.splat(0))));
}

// @ts-ignore: decorator
@inline
function cubic(index: i32, x: v128, x2: v128): v128 {
  return cubicFrom<f64>(TABLE, TABLE, index, x, x2);
}

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return splatFrom<f64>(TABLE, TABLE, index);
}

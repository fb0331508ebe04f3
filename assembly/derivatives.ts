/**
 * @file sech², silu′ and gelu′ of a block of doubles, to the last place where they vanish too.
 *
 *   sech² x     = 4u/(1 + u)²                   u = e^(−2|x|)
 *   silu′(−a)   = u·N/(1 + u)²                  u = e^(−a), N = 1 + u − a; where N nearly vanishes, (a − a0) times a polynomial of a − a0
 *   gelu′(−a)   = e^(−a²/2)·(a − a0)·Q(t)       t = 2a/(a + 3) − 1, gelu′(−a0) = 0
 *   f′(a)       = 1 − f′(−a)                    of both, a ≥ 0
 *
 * a0 is high + low. e^u = s + s·p as in exponentials.ts. Numerators, denominators and products are pairs (math/pair.ts) until their last
 * sum: it rounds, then the quotient does.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { negativeSquare, powersOfBlock, reduceNegativeDoubled, reduceNegativeHalfSquare, reduceNegativeMagnitude, squareLow } from "./exponentials";
import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { fastSumError, sumError, upperHalf } from "./math/pair";
import { PART, SPACE } from "./math/passes";
import { Power, powerConstant, powerSquare } from "./math/power";
import { cubicFrom, splatFrom, step } from "./math/table";

const TABLE = memory.data<f64>([
  1.2784645427610737, 1.0946994183093437e-16, -0.2178117074072361, 1.6874360004611903e-09,
  0.1466487969969472, -0.01887481422378208, -0.015222655232872737, 0.006606589134394565, 0.0001267067486772853, -0.0007984994112612675,
  0.7517915246935645, -1.4956759177009883e-17, 3.0, 39.5, 27.5, 8.534455205068992e+307,
  -0.4782976777552484, 0.11997542713544507, -0.05359610983496748, 0.014074772490180217, -0.0002040713480964092, -0.0010950104711491772,
  9.407407325923958e-05, 0.00013002428782791435, -4.76452009828029e-06, -2.009233345116164e-05, -2.5397497159806274e-06, 3.016805001187264e-06,
  1.2388054102864117e-06, -2.423936424118039e-07, -3.3904457599292354e-07, -6.809754044227384e-08, 5.184955972315357e-08, 3.751671811762035e-08,
  2.710480678710587e-09, -8.110485146288511e-09, -3.6325771882863146e-09, 3.94793250048412e-10, 6.803312371379577e-10, 1.4149826132783915e-10,
  -0.47829767784097493, 0.11997542850276822, -0.0535961025595103, 0.014074732108392829, -0.00020417471051886824, -0.0010946787069684464,
  9.463495641678805e-05, 0.00012889242788971877, -6.22375828349556e-06, -1.8299795987167003e-05, -6.093711497256298e-07, 1.7674958044028436e-06,
]);
/** a0 of silu; silu′(−a) = (a − a0)·(slope + (a − a0)·curve), the slope as high with 26 bits, and low. */
const SILU_ZERO: i32 = 0;
const SILU_ZERO_LOW: i32 = 1;
const SILU_SLOPE: i32 = 2;
const SILU_SLOPE_LOW: i32 = 3;
const SILU_CURVE: i32 = 4;
/** Where that is taken: |a − a0| below it. */
const SILU_NEAR: f64 = 0.015625;
/** a0 of gelu. */
const GELU_ZERO: i32 = 10;
const GELU_ZERO_LOW: i32 = 11;
const K: i32 = 12;
/** Beyond it gelu′(−a) is 0, and e^(−a²). */
const GELU_MAX: i32 = 13;
const GAUSSIAN_MAX: i32 = 14;
/** Its bits less those of d, as whole numbers, are those of 1/d to 6 %. */
const RECIPROCAL: i32 = 15;
const Q: i32 = 16;
/** Q for results that are rounded to f32. */
const SINGLE: i32 = 40;

/** |x| < SECH_LIMIT */
export function sechSquaredOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeDoubled(x, end);
  if (stop == 0) return false;
  storePowerRest(stop);
  const one = powerConstant(Power.One);
  const reciprocal = constant(RECIPROCAL);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, sechSquaredFrom(v128.load(at, 2 * PART), v128.load(at, PART), one, reciprocal));
    v128.store(at + toOut, sechSquaredFrom(v128.load(at, 2 * PART + 16), v128.load(at, PART + 16), one, reciprocal), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function sechSquaredFrom(s: v128, sp: v128, one: v128, reciprocal: v128): v128 {
  const u = f64x2.add(s, sp); // what it lost counts most where u is small, in the numerator
  return f64x2.mul(overSquare(u, fastSumError<f64>(u, s, sp), one, u, reciprocal), f64x2.splat(4.0));
}

/** Results that are rounded to f32, as of the other …OfSingles: without pairs. */
export function sechSquaredOfSingles(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeDoubled(x, end);
  if (!powersOfBlock(stop, SPACE)) return false;
  const one = powerConstant(Power.One);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, sechSquaredOfPower(v128.load(at), one));
    v128.store(at + toOut, sechSquaredOfPower(v128.load(at, 16), one), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function sechSquaredOfPower(u: v128, one: v128): v128 {
  const d = f64x2.add(one, u);
  const twice = f64x2.add(u, u);
  return f64x2.div(f64x2.add(twice, twice), f64x2.mul(d, d));
}

/** (a + aLow)/(head + tail)², head + tail from 1 to 2: the quotient rounds, then what the pairs add to it, with a tenth of that lost. */
// @ts-ignore: decorator
@inline
function overSquare(a: v128, aLow: v128, head: v128, tail: v128, reciprocal: v128): v128 {
  const upper = upperHalf<f64>(f64x2.add(head, tail));
  const lower = f64x2.add(f64x2.sub(head, upper), tail);
  const square = f64x2.mul(upper, upper); // exact
  const rest = f64x2.mul(lower, f64x2.add(f64x2.add(upper, upper), lower));
  const d = f64x2.add(square, rest);
  const dLow = fastSumError<f64>(d, square, rest);
  const q = f64x2.div(a, d);
  return step<f64>(f64x2.sub(aLow, f64x2.mul(q, dLow)), i64x2.sub(reciprocal, d), q);
}

/** |x| < POWER_LIMIT */
export function siluDerivativeOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeMagnitude(x, end);
  if (stop == 0) return false;
  storePowerRest(stop);
  const one = powerConstant(Power.One);
  const zero = constant(SILU_ZERO);
  const near = f64x2.splat(SILU_NEAR);
  const reciprocal = constant(RECIPROCAL);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 16) {
    const a = f64x2.abs(v128.load(at + toX));
    const s = v128.load(at, 2 * PART); // u = s + sp
    const sp = v128.load(at, PART);
    const head = f64x2.add(one, s);
    const tail = f64x2.add(fastSumError<f64>(head, one, s), sp); // 1 + u = head + tail
    const lead = f64x2.sub(head, a);
    const rest = f64x2.add(sumError<f64>(lead, head, f64x2.neg(a)), tail); // N = lead + rest
    const n = f64x2.add(lead, rest);
    const nUpper = upperHalf<f64>(n);
    const sUpper = upperHalf<f64>(s);
    const lower = f64x2.add(
      f64x2.mul(sUpper, f64x2.add(f64x2.sub(lead, nUpper), rest)), f64x2.mul(f64x2.add(f64x2.sub(s, sUpper), sp), n),
    );
    const upper = f64x2.mul(sUpper, nUpper); // exact
    const product = f64x2.add(upper, lower);
    v128.store(at, product);
    v128.store(at, fastSumError<f64>(product, upper, lower), 3 * PART);
    v128.store(at, tail, PART);
  }
  for (let at = SPACE; at < stop; at += 16) {
    const value = v128.load(at + toX);
    const a = f64x2.abs(value);
    const head = f64x2.add(one, v128.load(at, 2 * PART));
    let result = overSquare(v128.load(at), v128.load(at, 3 * PART), head, v128.load(at, PART), reciprocal);
    const isNear = f64x2.lt(f64x2.abs(f64x2.sub(a, zero)), near);
    if (v128.any_true(isNear)) result = v128.bitselect(siluDerivativeNearZero(a), result, isNear);
    v128.store(at + toOut, mirrored(result, value, one));
  }
  return true;
}

/** silu′(−a) for |a − a0| < SILU_NEAR. */
function siluDerivativeNearZero(a: v128): v128 {
  const zeroLow = constant(SILU_ZERO_LOW);
  const slope = constant(SILU_SLOPE);
  const e = f64x2.sub(a, constant(SILU_ZERO)); // exact
  const d = f64x2.sub(e, zeroLow);
  const dUpper = upperHalf<f64>(d);
  const dLower = f64x2.add(f64x2.sub(d, dUpper), f64x2.sub(f64x2.sub(e, d), zeroLow));
  const d2 = f64x2.mul(d, d);
  const curve = step<f64>(step<f64>(constant(SILU_CURVE + 5), d, constant(SILU_CURVE + 4)), f64x2.mul(d2, d2), cubic(SILU_CURVE, d, d2));
  const rest = step<f64>(d, constant(SILU_SLOPE_LOW), f64x2.mul(dLower, slope));
  return step<f64>(dUpper, slope, step<f64>(curve, d2, rest));
}

/** Results that are rounded to f32: next to its zero, N has 29 bits for them. */
export function siluDerivativeOfSingles(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeMagnitude(x, end);
  if (stop == 0) return false;
  const one = powerConstant(Power.One);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, siluDerivativeFrom(v128.load(at + toX), v128.load(at), v128.load(at, 2 * PART), one, q0, q1, q2, q3));
    v128.store(at + toOut, siluDerivativeFrom(v128.load(at + toX, 16), v128.load(at, 16), v128.load(at, 2 * PART + 16), one, q0, q1, q2, q3), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function siluDerivativeFrom(x: v128, r: v128, s: v128, one: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const u = step<f64>(f64x2.add(r, powerSquare(r, q0, q1, q2, q3)), s, s);
  const d = f64x2.add(one, u);
  const n = f64x2.add(f64x2.sub(one, f64x2.abs(x)), u);
  return mirrored(f64x2.div(f64x2.mul(u, n), f64x2.mul(d, d)), x, one);
}

/** s·p, what e^u has beyond s, to the second part of SPACE. */
function storePowerRest(stop: usize): void {
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at, powerRest(v128.load(at), v128.load(at, 2 * PART), q0, q1, q2, q3), PART);
    v128.store(at, powerRest(v128.load(at, 16), v128.load(at, 2 * PART + 16), q0, q1, q2, q3), PART + 16);
  }
}

// @ts-ignore: decorator
@inline
function powerRest(r: v128, s: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  return f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)));
}

/** f′(x) from f′(−|x|). */
// @ts-ignore: decorator
@inline
function mirrored(value: v128, x: v128, one: v128): v128 {
  return v128.bitselect(value, f64x2.sub(one, value), f64x2.lt(x, f64x2.splat(0)));
}

/** |x| < GELU_DERIVATIVE_LIMIT */
export function geluDerivativeOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeHalfSquare(x, end);
  if (stop == 0) return false;
  storePowerRest(stop);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 16) v128.store(at, quotientArgument(f64x2.abs(v128.load(at + toX))));
  for (let at = SPACE; at < stop; at += 16) v128.store(at, quotientRest(v128.load(at)));
  const one = powerConstant(Power.One);
  const zero = constant(GELU_ZERO);
  const zeroLow = constant(GELU_ZERO_LOW);
  const first = constant(Q);
  for (let at = SPACE; at < stop; at += 16) {
    const value = v128.load(at + toX);
    storeFactor(at, f64x2.abs(value), v128.load(at), zero, zeroLow, first);
    const factorUpper = v128.load(at, 4 * PART);
    const factorLow = v128.load(at, 5 * PART);
    const s = v128.load(at, 2 * PART);
    const sUpper = upperHalf<f64>(s);
    const sLow = f64x2.add(f64x2.sub(s, sUpper), v128.load(at, PART));
    const lower = f64x2.add(f64x2.mul(sUpper, factorLow), f64x2.mul(sLow, f64x2.add(factorUpper, factorLow)));
    v128.store(at + toOut, mirrored(step<f64>(sUpper, factorUpper, lower), value, one));
  }
  return true;
}

export function geluDerivativeOfSingles(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeHalfSquare(x, end);
  if (stop == 0) return false;
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const zero = constant(GELU_ZERO);
  for (let at = SPACE, from = x; at < stop; at += 16, from += 16) {
    const a = f64x2.abs(v128.load(from));
    const r = v128.load(at);
    const s = v128.load(at, 2 * PART);
    const d = f64x2.sub(a, zero);
    v128.store(at, f64x2.mul(f64x2.add(s, f64x2.mul(s, f64x2.add(r, powerSquare(r, q0, q1, q2, q3)))), d));
    v128.store(at, quotientArgument(a), PART);
  }
  const one = powerConstant(Power.One);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 16) {
    const t = v128.load(at, PART);
    const t2 = f64x2.mul(t, t);
    const t4 = f64x2.mul(t2, t2);
    const sum = step<f64>(step<f64>(cubic(SINGLE + 8, t, t2), t4, cubic(SINGLE + 4, t, t2)), t4, cubic(SINGLE, t, t2));
    v128.store(at + toOut, mirrored(f64x2.mul(v128.load(at), sum), v128.load(at + toX), one));
  }
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

/** t */
// @ts-ignore: decorator
@inline
function quotientArgument(a: v128): v128 {
  return f64x2.sub(f64x2.div(f64x2.add(a, a), f64x2.add(a, constant(K))), powerConstant(Power.One));
}

/** Q(t) − Q(0) */
// @ts-ignore: decorator
@inline
function quotientRest(t: v128): v128 {
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
  storeFactor(SPACE, a, quotientRest(quotientArgument(a)), constant(GELU_ZERO), constant(GELU_ZERO_LOW), constant(Q));
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

/**
 * @file sech² and silu′ of a block of doubles, to the last place where silu′ vanishes too, and derivatives of elements beyond.
 *
 *   sech² x     = 4u/(1 + u)²                   u = e^(−2|x|)
 *   silu′(−a)   = u·N/(1 + u)²                  u = e^(−a), N = 1 + u − a; where N nearly vanishes, (a − a0) times a polynomial of a − a0
 *   silu′(a)    = 1 − silu′(−a)                 a ≥ 0
 *
 * e^u = s + s·p as in exponentials.ts. Numerators, denominators and products are pairs (math/pair.ts): the quotient rounds, and what the
 * pairs add to it.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { negativeSquare, powersOfBlock, reduceNegativeDoubled, reduceNegativeMagnitude, squareLow } from "./exponentials";
import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { DENSITY, DENSITY_LOW, tailFactor } from "./math/gelu";
import { fastSumError, sumError, upperHalf } from "./math/pair";
import { PART, SPACE } from "./math/passes";
import { Power, powerConstant, powerSquare } from "./math/power";
import { cubicFrom, splatFrom, step } from "./math/table";

const TABLE = memory.data<f64>([27.5, 8.534455205068992e+307]);
/** Beyond it e^(−a²) is 0. */
const GAUSSIAN_MAX: i32 = 0;
/** Beyond it gelu′(−a) is 0. */
const GELU_MAX: f64 = 39.5;
/** Its bits less those of d, as whole numbers, are those of 1/d to 6 %. */
const RECIPROCAL: i32 = 1;

/** silu′(−a) near its zero, as nearZero takes it. */
const SILU_ZERO = memory.data<f64>([
  1.2784645427610737, 1.0946994183093437e-16, -0.2178117074072361, 1.6874360004686705e-09,
  0.1466487969969469, -0.01887481422378238, -0.015222655223188213, 0.0066065891384933205, 0.00012662741030832026, -0.0007985219798078188,
  0.0001857071250475881, 4.093402409767428e-05, -2.9706052335763185e-05,
]);
/** Where: |a − a0| below it. */
const SILU_NEAR: f64 = 0.015625;

/** |x| < SECH_LIMIT */
export function sechSquaredOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeDoubled(x, end);
  if (stop == 0) return false;
  storePowerRest(stop);
  const one = powerConstant(Power.One);
  const reciprocal = entryOf(TABLE, RECIPROCAL);
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
  const zero = entryOf(SILU_ZERO, 0);
  const near = f64x2.splat(SILU_NEAR);
  const reciprocal = entryOf(TABLE, RECIPROCAL);
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
    if (v128.any_true(isNear)) {
      nearZero(SILU_ZERO, at + toX, at);
      result = v128.bitselect(v128.load(at), result, isNear);
    }
    v128.store(at + toOut, mirrored(result, value, one));
  }
  return true;
}

/**
 * f(a) = (a − a0)·(slope + (a − a0)·curve) close to a0, a the magnitudes of a vector at x, to out. The table: a0 and its low part; the
 * slope, of 26 bits, and its low part; the nine coefficients of the curve.
 */
export function nearZero(table: usize, x: usize, out: usize): void {
  const zeroLow = entryOf(table, 1);
  const slope = entryOf(table, 2);
  const e = f64x2.sub(f64x2.abs(v128.load(x)), entryOf(table, 0)); // exact
  const d = f64x2.sub(e, zeroLow);
  const dUpper = upperHalf<f64>(d);
  const dLower = f64x2.add(f64x2.sub(d, dUpper), f64x2.sub(f64x2.sub(e, d), zeroLow));
  const d2 = f64x2.mul(d, d);
  const d4 = f64x2.mul(d2, d2);
  const high = step<f64>(entryOf(table, 12), d4, cubicFrom<f64>(table, table, 8, d, d2));
  const curve = step<f64>(high, d4, cubicFrom<f64>(table, table, 4, d, d2));
  const rest = step<f64>(d, entryOf(table, 3), f64x2.mul(dLower, slope));
  v128.store(out, step<f64>(dUpper, slope, step<f64>(curve, d2, rest)));
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
export function mirrored(value: v128, x: v128, one: v128): v128 {
  return v128.bitselect(value, f64x2.sub(one, value), f64x2.lt(x, f64x2.splat(0)));
}

/** 4·e^(−2|x|), of one vector beyond ±SECH_LIMIT, from x to out; NaN stays. */
export function farSechSquared(x: usize, out: usize): void {
  const a = f64x2.abs(v128.load(x));
  const exponent = f64x2.pmax(f64x2.neg(f64x2.add(a, a)), f64x2.splat(-760.0));
  scaledPower(exponent, f64x2.splat(0), f64x2.splat(4.0), f64x2.splat(0), out);
}

export function farGaussian(x: usize, out: usize): void {
  const a = f64x2.pmin(f64x2.abs(v128.load(x)), entryOf(TABLE, GAUSSIAN_MAX));
  scaledPower(negativeSquare(a, 1.0), squareLow(a, 1.0), f64x2.splat(1.0), f64x2.splat(0), out);
}

/** 1, or e^x·(1 + x). */
export function farSiluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const exponent = f64x2.pmax(value, f64x2.splat(-760.0));
  const factor = f64x2.add(exponent, f64x2.splat(1.0));
  const upper = upperHalf<f64>(factor);
  scaledPower(f64x2.pmin(exponent, f64x2.splat(0)), f64x2.splat(0), upper, f64x2.sub(factor, upper), out);
  v128.store(out, v128.bitselect(f64x2.splat(1.0), v128.load(out), f64x2.gt(value, f64x2.splat(0))));
}

/** −e^(−a²/2)·(a·D − (D − z·T(z))/a), D = 1/√(2π), z = 1/a², a = |x| ≥ GELU_LIMIT, T as in math/gelu.ts. */
export function farGeluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const a = f64x2.pmin(f64x2.abs(value), f64x2.splat(GELU_MAX));
  const inverse = f64x2.div(f64x2.splat(1.0), a);
  const z = f64x2.mul(inverse, inverse);
  const density = f64x2.splat(DENSITY);
  const densityLow = f64x2.splat(DENSITY_LOW);
  const tail = f64x2.mul(f64x2.sub(f64x2.add(density, densityLow), f64x2.mul(z, tailFactor(z))), inverse);
  const aUpper = upperHalf<f64>(a);
  const exact = f64x2.mul(aUpper, density);
  const lower = f64x2.sub(f64x2.add(f64x2.mul(f64x2.sub(a, aUpper), density), f64x2.mul(a, densityLow)), tail);
  const upper = upperHalf<f64>(f64x2.add(exact, lower));
  const rest = f64x2.add(f64x2.sub(exact, upper), lower);
  scaledPower(negativeSquare(a, 0.5), squareLow(a, 0.5), f64x2.neg(upper), f64x2.neg(rest), out);
  v128.store(out, mirrored(v128.load(out), value, f64x2.splat(1.0)));
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

// @ts-ignore: decorator
@inline
function entryOf(table: usize, index: i32): v128 {
  return splatFrom<f64>(table, table, index);
}

/**
 * @file silu′ of a block of doubles, to the last place where it vanishes too.
 *
 *   silu′(−a)   = u·N/(1 + u)²                  u = e^(−a), N = 1 + u − a; where N nearly vanishes, (a − a0) times a polynomial of a − a0
 *   silu′(a)    = 1 − silu′(−a)                 a ≥ 0
 *
 * e^u = s + s·p as in exponentials.ts. Numerators, denominators and products are pairs (math/pair.ts): the quotient rounds, and what the
 * pairs add to it.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { POWER_LIMIT, reduceNegativeMagnitude } from "./exponentials";
import { fastSumError, sumError, upperHalf } from "./math/pair";
import { PART, SPACE } from "./math/passes";
import { Power, powerConstant, powerRest } from "./math/power";
import { cubicFrom, splatFrom, step } from "./math/table";
import { Exponent, powersOfSingles } from "./powers-of-singles";

/** Its bits less those of d, as whole numbers, are those of 1/d to 6 %. */
const RECIPROCAL = memory.data<f64>([8.534455205068992e+307]);

/** silu′(−a) near its zero, as nearZero takes it. */
const SILU_ZERO = memory.data<f64>([
  1.2784645427610737, 1.0946994183093437e-16, -0.2178117074072361, 1.6874360004686705e-09,
  0.1466487969969469, -0.01887481422378238, -0.015222655223188213, 0.0066065891384933205, 0.00012662741030832026, -0.0007985219798078188,
  0.0001857071250475881, 4.093402409767428e-05, -2.9706052335763185e-05,
]);
/** Where: |a − a0| below it. */
const SILU_NEAR: f64 = 0.015625;

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
  const reciprocal = entryOf(RECIPROCAL, 0);
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
    const head = f64x2.add(one, v128.load(at, 2 * PART));
    const quotient = overSquare(v128.load(at), v128.load(at, 3 * PART), head, v128.load(at, PART), reciprocal);
    v128.store(at + toOut, mirrored(orNearZero(quotient, f64x2.abs(value), SILU_ZERO, zero, near, at + toX, at), value, one));
  }
  return true;
}

/** f′(−a), a = |x| of the vector at x: `result`, or, by way of `scratch`, what nearZero makes where a is less than `near` from a0. */
// @ts-ignore: decorator
@inline
export function orNearZero(result: v128, a: v128, table: usize, zero: v128, near: v128, x: usize, scratch: usize): v128 {
  const isNear = f64x2.lt(f64x2.abs(f64x2.sub(a, zero)), near);
  if (v128.any_true(isNear)) {
    nearZero(table, x, scratch);
    result = v128.bitselect(v128.load(scratch), result, isNear);
  }
  return result;
}

/**
 * f(a) = (a − a0)·(slope + (a − a0)·curve) close to a0, a the magnitudes of a vector at x, to out. The table: a0 and its low part; the
 * slope, of 26 bits, and its low part; the nine coefficients of the curve.
 */
function nearZero(table: usize, x: usize, out: usize): void {
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
  if (!powersOfSingles(Exponent.MinusMagnitude, POWER_LIMIT, x, end, SPACE)) return false;
  const stop = SPACE + (end - x);
  const one = powerConstant(Power.One);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, siluDerivativeOfPower(v128.load(at + toX), v128.load(at), one));
    v128.store(at + toOut, siluDerivativeOfPower(v128.load(at + toX, 16), v128.load(at, 16), one), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function siluDerivativeOfPower(x: v128, u: v128, one: v128): v128 {
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

/** f′(x) from f′(−|x|). */
// @ts-ignore: decorator
@inline
export function mirrored(value: v128, x: v128, one: v128): v128 {
  return v128.bitselect(value, f64x2.sub(one, value), f64x2.lt(x, f64x2.splat(0)));
}

// @ts-ignore: decorator
@inline
function entryOf(table: usize, index: i32): v128 {
  return splatFrom<f64>(table, table, index);
}

/**
 * @file exp, expm1, tanh, sigmoid, silu and softplus of a block of doubles within ±POWER_LIMIT, where s is a normal number.
 *
 *   exp x     = s + s·p                    e^x = s + s·p, p = lack + r + r²·q, r = high − low: math/power
 *   expm1 x   = m = (s − 1) + high + ((s − 1)·high + s·(lack·e^r − low + r²·q))   the first sum with its rounding error
 *   tanh |x|  = m/(2 + m) = 1 − 2/(2 + m)  m = expm1(2|x|); the second for m ≥ 2
 *   sigmoid x = 1/d, silu x = x/d          d = 1 + e^(−x) = larger + (smaller + s·p) of 1 and s: e^(−x) itself never rounds
 *   softplus x = max(x, 0) + log w + lost/w   w = 1 + e^(−|x|) rounded, lost what rounding lost
 */

import { rareExp, reducedPower, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { logOfBlock } from "./math/log";
import { fastSumError, upperHalf } from "./math/pair";
import { SPACE, STRIDE } from "./math/passes";
import { Power, firstEntry, powerConstant, powerScale, powerSquare, secondEntry } from "./math/power";
import { step } from "./math/table";

/** What e^u is taken of: x, −x, −|x|, 2|x|, −2|x|, −x², −x²/2. */
export const enum Argument { Same, Negative, NegativeMagnitude, Doubled, NegativeDoubled, NegativeSquare, NegativeHalfSquare }

export const POWER_LIMIT: f64 = 708.0;

/** w of a block, then log w, and lost/w; one memory per instance. */
const SUMS = memory.data(1024, 16);
const LOST = memory.data(1024, 16);

/** high or, `joined`, r, and low, s, lack of every vector, for the next pass; its end. */
// @ts-ignore: decorator
@inline
export function reduce(argument: Argument, joined: bool, x: usize, end: usize): usize {
  const log2E = powerConstant(Power.Log2E);
  const shift = powerConstant(Power.Shift);
  const high = powerConstant(Power.High);
  const low = powerConstant(Power.Low);
  const max = f64x2.splat(44.0); // beyond it tanh(u/2) is 1
  const stop = SPACE + ((end - x) >> 4) * STRIDE;
  for (let to = SPACE; to < stop; to += STRIDE, x += 16) {
    const value = v128.load(x);
    let u = value;
    if (argument == Argument.Negative) u = f64x2.neg(value);
    if (argument == Argument.NegativeMagnitude) u = f64x2.neg(f64x2.abs(value));
    if (argument == Argument.Doubled) u = f64x2.pmin(f64x2.abs(f64x2.add(value, value)), max);
    if (argument == Argument.NegativeDoubled) u = f64x2.neg(f64x2.abs(f64x2.add(value, value)));
    if (argument == Argument.NegativeSquare) u = negativeSquare(value, 1.0);
    if (argument == Argument.NegativeHalfSquare) u = negativeSquare(value, 0.5);
    const shifted = step<f64>(u, log2E, shift);
    const first = firstEntry(shifted);
    const second = secondEntry(shifted);
    const n = f64x2.sub(shifted, shift);
    const upper = f64x2.sub(u, f64x2.mul(n, high));
    let lower = f64x2.mul(n, low);
    if (argument == Argument.NegativeSquare) lower = f64x2.add(lower, squareLow(value, 1.0));
    if (argument == Argument.NegativeHalfSquare) lower = f64x2.add(lower, squareLow(value, 0.5));
    v128.store(to, joined ? f64x2.sub(upper, lower) : upper);
    if (!joined) v128.store(to, lower, 16);
    v128.store(to, powerScale(shifted, first, second), 32);
    v128.store(to, v128.shuffle<i64>(first, second, 0, 2), 48);
  }
  return stop;
}

/** −scale·x², less squareLow: exact. */
// @ts-ignore: decorator
@inline
export function negativeSquare(x: v128, scale: f64): v128 {
  const upper = upperHalf<f64>(x);
  return f64x2.mul(f64x2.mul(upper, upper), f64x2.splat(-scale));
}

/** scale·(x² − upper²). */
// @ts-ignore: decorator
@inline
export function squareLow(x: v128, scale: f64): v128 {
  const upper = upperHalf<f64>(x);
  const low = f64x2.mul(f64x2.sub(x, upper), f64x2.add(x, upper));
  return scale == 1.0 ? low : f64x2.mul(low, f64x2.splat(scale));
}

export function expOfBlock(x: usize, end: usize, out: usize): void {
  powersOfBlock(reduce(Argument.Same, true, x, end), out);
}

/** e^(−x²) */
export function gaussianOfBlock(x: usize, end: usize, out: usize): void {
  powersOfBlock(reduce(Argument.NegativeSquare, true, x, end), out);
}

/** e^u of what was reduced. */
function powersOfBlock(stop: usize, out: usize): void {
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += STRIDE, out += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 32);
    const p = f64x2.add(f64x2.add(v128.load(at, 48), r), powerSquare(r, q0, q1, q2, q3));
    v128.store(out, step<f64>(p, s, s));
  }
}

export function expm1OfBlock(x: usize, end: usize, out: usize): void {
  const stop = reduce(Argument.Same, false, x, end);
  const one = f64x2.splat(1.0);
  const sign = f64x2.splat(-0.0);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += STRIDE, x += 16, out += 16) {
    const m = minusOne(at, one, q0, q1, q2, q3);
    v128.store(out, v128.or(m, v128.and(v128.load(x), sign))); // expm1 −0 = −0
  }
}

export function tanhOfBlock(x: usize, end: usize, out: usize): void {
  const stop = reduce(Argument.Doubled, false, x, end);
  const one = f64x2.splat(1.0);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += STRIDE) v128.store(at, minusOne(at, one, q0, q1, q2, q3));
  const two = f64x2.splat(2.0);
  const minusTwo = f64x2.splat(-2.0);
  const half = f64x2.splat(-0.5);
  const sign = f64x2.splat(-0.0);
  for (let at = SPACE; at < stop; at += STRIDE, x += 16, out += 16) {
    const m = v128.load(at);
    const far = f64x2.ge(m, two);
    const d = f64x2.add(m, two);
    const quotient = f64x2.div(v128.bitselect(minusTwo, m, far), d);
    const lost = f64x2.mul(f64x2.mul(half, quotient), f64x2.sub(m, f64x2.sub(d, two))); // by rounding d, where d < 4
    const lead = v128.bitselect(one, lost, far);
    v128.store(out, v128.or(f64x2.add(lead, quotient), v128.and(v128.load(x), sign)));
  }
}

/** m. */
// @ts-ignore: decorator
@inline
function minusOne(at: usize, one: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const high = v128.load(at);
  const low = v128.load(at, 16);
  const s = v128.load(at, 32);
  const lack = v128.load(at, 48);
  const q = f64x2.add(f64x2.sub(step<f64>(lack, high, lack), low), powerSquare(f64x2.sub(high, low), q0, q1, q2, q3));
  const lead = f64x2.sub(s, one); // 0, or further from 0 than high
  const sum = f64x2.add(lead, high);
  const rest = f64x2.add(fastSumError<f64>(sum, lead, high), f64x2.mul(lead, high));
  return f64x2.add(sum, step<f64>(s, q, rest));
}

export function sigmoidOfBlock(x: usize, end: usize, out: usize): void {
  quotientOfBlock(false, x, end, out);
}

export function siluOfBlock(x: usize, end: usize, out: usize): void {
  quotientOfBlock(true, x, end, out);
}

/** 1/d or x/d. */
// @ts-ignore: decorator
@inline
function quotientOfBlock(timesX: bool, x: usize, end: usize, out: usize): void {
  const stop = reduce(Argument.Negative, true, x, end);
  const one = f64x2.splat(1.0);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += STRIDE, x += 16, out += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 32);
    const p = f64x2.add(f64x2.add(v128.load(at, 48), r), powerSquare(r, q0, q1, q2, q3));
    const d = f64x2.add(f64x2.pmax(s, one), step<f64>(p, s, f64x2.pmin(s, one)));
    v128.store(out, f64x2.div(timesX ? v128.load(x) : one, d));
  }
}

export function softplusOfBlock(x: usize, end: usize, out: usize): void {
  const stop = reduce(Argument.NegativeMagnitude, true, x, end);
  const one = f64x2.splat(1.0);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE, i: usize = 0; at < stop; at += STRIDE, i += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 32);
    const sp = f64x2.mul(s, f64x2.add(f64x2.add(v128.load(at, 48), r), powerSquare(r, q0, q1, q2, q3)));
    const u = f64x2.add(s, sp);
    const w = f64x2.add(one, u);
    const lost = f64x2.add(fastSumError<f64>(w, one, u), fastSumError<f64>(u, s, sp));
    v128.store(SUMS + i, w);
    v128.store(LOST + i, f64x2.div(lost, w));
  }
  const size = end - x;
  logOfBlock(SUMS, SUMS + size, SUMS);
  const zero = f64x2.splat(0);
  for (let i: usize = 0; i < size; i += 16) {
    v128.store(out + i, f64x2.add(f64x2.pmax(v128.load(x + i), zero), f64x2.add(v128.load(SUMS + i), v128.load(LOST + i))));
  }
}

/** Of one vector beyond ±POWER_LIMIT, from x to out; NaN stays. */
export function farExpm1(x: usize, out: usize): void {
  const value = v128.load(x);
  v128.store(out, v128.bitselect(f64x2.splat(-1.0), rareExp<f64>(value), f64x2.lt(value, f64x2.splat(0))));
}

/** 1, or e^x. */
export function farSigmoid(x: usize, out: usize): void {
  v128.store(out, rareExp<f64>(f64x2.pmin(v128.load(x), f64x2.splat(0))));
}

/** x, or e^x. */
export function farSoftplus(x: usize, out: usize): void {
  const value = v128.load(x);
  v128.store(out, v128.bitselect(value, rareExp<f64>(value), f64x2.gt(value, f64x2.splat(0))));
}

/** x, or x·e^x, whose rounding where it is subnormal comes last; −0 at −∞, the limit. */
export function farSilu(x: usize, out: usize): void {
  const factor = f64x2.pmax(v128.load(x), f64x2.splat(-760.0)); // 760·e^−760 rounds to 0
  const exponent = f64x2.pmin(factor, f64x2.splat(0));
  const shifted = shiftedExponent<f64>(exponent);
  v128.store(out, timesPowerOfTwo<f64>(f64x2.mul(reducedPower<f64>(exponent, shifted), factor), shifted));
}

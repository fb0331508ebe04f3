/**
 * @file exp, expm1, tanh, sigmoid, silu and softplus of a block of doubles within ±POWER_LIMIT, where s is a normal number.
 *
 *   exp x     = s + s·p                    e^x = s + s·p, p = r + r²·q, r = high − low: math/power
 *   expm1 x   = m = (s − 1) + high + ((s − 1)·high + s·(r²·q − low))   the first sum with its rounding error
 *   tanh |x|  = m/(2 + m)                  m = expm1(2|x|)
 *   sigmoid x = 1/d, silu x = x/d          d = 1 + e^(−x) = larger + (smaller + s·p) of 1 and s: e^(−x) itself never rounds
 *   softplus x = max(x, 0) + log w + lost/w   w = 1 + e^(−|x|) rounded, lost what rounding lost
 *
 * Loops take two vectors a turn, because a loop's own instructions are up to a third of its formula's, and wide mode joins the
 * two. Blocks are whole turns, multiples of 32 bytes. Passes that leave several quantities write both vectors out: in a function, inlined
 * too, the second's offset is added instead of standing in the instructions (exp 2 %).
 */

import { rareExp, reducedPower, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { logOfBlock } from "./math/log";
import { fastSumError } from "./math/pair";
import { BLOCK, PART, SPACE, isBeyondLimit, magnitudes } from "./math/passes";
import { Power, entry, entryOffsets, lackOf, powerConstant, powerRest, powerScale, powerSquare } from "./math/power";
import { step } from "./math/table";

/** What e^u is taken of: x, −x, −|x|, 2|x|. */
const enum Argument { Same, Negative, NegativeMagnitude, Doubled }

/** What the passes know: |x| below it. */
export const POWER_LIMIT: f64 = 708.0;

/** w of a block, then log w, and lost/w; one memory per instance. */
const SUMS = memory.data(<i32>BLOCK, 16);
const LOST = memory.data(<i32>BLOCK, 16);

/** reduce of arguments that two formulas share, or one of silu-derivative.ts takes, as functions: one copy of its code. */
export function reduceNegativeMagnitude(x: usize, end: usize): usize { return reduce(Argument.NegativeMagnitude, true, POWER_LIMIT, x, end); }
function reduceNegative(x: usize, end: usize): usize { return reduce(Argument.Negative, true, POWER_LIMIT, x, end); }

/**
 * high or, `joined`, r to the first part of SPACE, low to the second, s to the third, for the next pass; the end of the first, or 0 where an
 * element's magnitude is `limit` or more.
 */
// @ts-ignore: decorator
@inline
function reduce(argument: Argument, joined: bool, limit: f64, x: usize, end: usize): usize {
  const log2E = powerConstant(Power.Log2E);
  const shift = powerConstant(Power.Shift);
  const high = powerConstant(Power.High);
  const low = powerConstant(Power.Low);
  const max = powerConstant(Power.Max);
  const sign = powerConstant(Power.Sign);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  // Whole numbers first, so that by the second loop the entries' addresses are in memory: there, nothing waits for a vector to become one.
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    if (limit != Infinity) largest = i32x4.max_u(largest, magnitudes(x0, x1));
    const shifted0 = step<f64>(exponentOf(argument, x0, max, sign), log2E, shift);
    const shifted1 = step<f64>(exponentOf(argument, x1, max, sign), log2E, shift);
    v128.store(at, shifted0, 3 * PART);
    v128.store(at, shifted1, 3 * PART + 16);
    v128.store(at, entryOffsets(shifted0, shifted1), 4 * PART);
  }
  if (limit != Infinity && isBeyondLimit(largest, limit)) return 0;
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const u0 = exponentOf(argument, x0, max, sign);
    const shifted0 = v128.load(at, 3 * PART);
    const first0 = entry(load<u32>(at, 4 * PART));
    const second0 = entry(load<u32>(at, 4 * PART + 4));
    const n0 = f64x2.sub(shifted0, shift);
    const high0 = f64x2.sub(u0, f64x2.mul(n0, high));
    const low0 = f64x2.sub(f64x2.mul(n0, low), lackOf(first0, second0));
    v128.store(at, joined ? f64x2.sub(high0, low0) : high0);
    if (!joined) v128.store(at, low0, PART);
    v128.store(at, powerScale(shifted0, first0, second0), 2 * PART);

    const x1 = v128.load(at + toX, 16);
    const u1 = exponentOf(argument, x1, max, sign);
    const shifted1 = v128.load(at, 3 * PART + 16);
    const first1 = entry(load<u32>(at, 4 * PART + 8));
    const second1 = entry(load<u32>(at, 4 * PART + 12));
    const n1 = f64x2.sub(shifted1, shift);
    const high1 = f64x2.sub(u1, f64x2.mul(n1, high));
    const low1 = f64x2.sub(f64x2.mul(n1, low), lackOf(first1, second1));
    v128.store(at, joined ? f64x2.sub(high1, low1) : high1, 16);
    if (!joined) v128.store(at, low1, PART + 16);
    v128.store(at, powerScale(shifted1, first1, second1), 2 * PART + 16);
  }
  return stop;
}

// @ts-ignore: decorator
@inline
function exponentOf(argument: Argument, x: v128, max: v128, sign: v128): v128 {
  if (argument == Argument.Negative) return v128.xor(x, sign);
  if (argument == Argument.NegativeMagnitude) return v128.or(x, sign);
  return argument == Argument.Doubled ? f64x2.pmin(f64x2.abs(f64x2.add(x, x)), max) : x;
}

export function expOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduce(Argument.Same, true, POWER_LIMIT, x, end);
  if (stop == 0) return false;
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, power(v128.load(at), v128.load(at, 2 * PART), q0, q1, q2, q3));
    v128.store(at + toOut, power(v128.load(at, 16), v128.load(at, 2 * PART + 16), q0, q1, q2, q3), 16);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function power(r: v128, s: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  return step<f64>(f64x2.add(r, powerSquare(r, q0, q1, q2, q3)), s, s);
}

export function expm1OfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduce(Argument.Same, false, POWER_LIMIT, x, end);
  if (stop == 0) return false;
  const one = powerConstant(Power.One);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, minusOne(v128.load(at), v128.load(at, PART), v128.load(at, 2 * PART), one, q0, q1, q2, q3));
    v128.store(at + toOut, minusOne(v128.load(at, 16), v128.load(at, PART + 16), v128.load(at, 2 * PART + 16), one, q0, q1, q2, q3), 16);
  }
  return true;
}

export function tanhOfBlock(x: usize, end: usize, out: usize): void {
  const stop = reduce(Argument.Doubled, false, Infinity, x, end);
  const one = powerConstant(Power.One);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at, minusOne(v128.load(at), v128.load(at, PART), v128.load(at, 2 * PART), one, q0, q1, q2, q3));
    v128.store(at, minusOne(v128.load(at, 16), v128.load(at, PART + 16), v128.load(at, 2 * PART + 16), one, q0, q1, q2, q3), 16);
  }
  const two = powerConstant(Power.Two);
  const minusHalf = powerConstant(Power.MinusHalf);
  const sign = powerConstant(Power.Sign);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    v128.store(at + toOut, v128.or(tanhFrom(v128.load(at), two, minusHalf), v128.and(v128.load(at + toX), sign)));
    v128.store(at + toOut, v128.or(tanhFrom(v128.load(at, 16), two, minusHalf), v128.and(v128.load(at + toX, 16), sign)), 16);
  }
}

/** m. */
// @ts-ignore: decorator
@inline
function minusOne(high: v128, low: v128, s: v128, one: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const q = f64x2.sub(powerSquare(f64x2.sub(high, low), q0, q1, q2, q3), low);
  // Differences of 1 − s and of what is added last, so that the zero of −0 stays negative.
  const lead = f64x2.sub(one, s); // 0, or further from 0 than high
  const sum = f64x2.sub(high, lead);
  const error = f64x2.sub(high, f64x2.add(sum, lead));
  return f64x2.sub(sum, f64x2.sub(f64x2.sub(f64x2.mul(lead, high), error), f64x2.mul(s, q)));
}

/** m/(2 + m), and for m < 2 what the quotient lost by rounding 2 + m, which is near 2 where it counts. */
// @ts-ignore: decorator
@inline
function tanhFrom(m: v128, two: v128, minusHalf: v128): v128 {
  const d = f64x2.add(m, two);
  const quotient = f64x2.div(m, d);
  const lost = f64x2.mul(f64x2.mul(minusHalf, quotient), f64x2.sub(m, f64x2.sub(d, two)));
  return f64x2.add(quotient, v128.and(lost, f64x2.lt(m, two)));
}

export function sigmoidOfBlock(x: usize, end: usize, out: usize): bool {
  return quotientOfBlock(false, x, end, out);
}

export function siluOfBlock(x: usize, end: usize, out: usize): bool {
  return quotientOfBlock(true, x, end, out);
}

/** 1/d or x/d. */
// @ts-ignore: decorator
@inline
function quotientOfBlock(timesX: bool, x: usize, end: usize, out: usize): bool {
  const stop = reduceNegative(x, end);
  if (stop == 0) return false;
  const one = powerConstant(Power.One);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const d0 = denominator(v128.load(at), v128.load(at, 2 * PART), one, q0, q1, q2, q3);
    v128.store(at + toOut, f64x2.div(timesX ? v128.load(at + toX) : one, d0));
    const d1 = denominator(v128.load(at, 16), v128.load(at, 2 * PART + 16), one, q0, q1, q2, q3);
    v128.store(at + toOut, f64x2.div(timesX ? v128.load(at + toX, 16) : one, d1), 16);
  }
  return true;
}

/** d. */
// @ts-ignore: decorator
@inline
function denominator(r: v128, s: v128, one: v128, q0: v128, q1: v128, q2: v128, q3: v128): v128 {
  const p = f64x2.add(r, powerSquare(r, q0, q1, q2, q3));
  return f64x2.add(f64x2.pmax(s, one), step<f64>(p, s, f64x2.pmin(s, one)));
}

export function softplusOfBlock(x: usize, end: usize, out: usize): bool {
  const stop = reduceNegativeMagnitude(x, end);
  if (stop == 0) return false;
  const one = powerConstant(Power.One);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (let at = SPACE, i: usize = 0; at < stop; at += 16, i += 16) {
    const r = v128.load(at);
    const s = v128.load(at, 2 * PART);
    const sp = powerRest(r, s, q0, q1, q2, q3);
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
  return true;
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

/**
 * @file exp, sigmoid and silu of a block of f32 within ±NEAR, where 2^n is a normal number: the formulas of math/exp.ts and math/sigmoid.ts, the
 * same bits, in two short loops that keep their constants in registers (math/passes.ts). Of any f32:
 *
 *   σ′ x = s/d               d = e^(−r) + 2s + s²·e^r, e^(−|x|) = s·e^r, s = 2^n; sech² x = 4·σ′(2x)
 *   e^(±r) = 1 + even ± (high + tail)
 */

import { LN2_HIGH, LN2_LOW, LOG2_E, NEAR, ONE, Q, SHIFT, constant, tailOfSingles } from "./math/exp";
import { fastSumError } from "./math/pair";
import { PART, SPACE } from "./math/passes";
import { denominatorOf } from "./math/sigmoid";
import { step } from "./math/table";

/** What e^u is taken of: x, −x, −factor·|x|, but no less than MIN. */
const enum Argument { Same, Negative, NegativeMagnitude }

/** 4·e^−108 rounds to 0. */
const MIN: f32 = -108;
/** The bits of 2^−100: beside a power below it, d does not change. */
const SMALL_POWER: i32 = 27 << 23;

/** high, low and the bits of n of u to the parts of SPACE; the end of the first, or 0 where x or −x is beyond NEAR, or NaN. */
// @ts-ignore: decorator
@inline
function reduce(argument: Argument, factor: f32, x: usize, end: usize): usize {
  const log2E = constant<f32>(LOG2_E);
  const shift = constant<f32>(SHIFT);
  const high = constant<f32>(LN2_HIGH);
  const low = constant<f32>(LN2_LOW);
  const sign = f32x4.splat(-0.0);
  const scale = f32x4.splat(-factor);
  const least = f32x4.splat(MIN);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const u0 = exponentOf(argument, v128.load(at + toX), sign, scale, least);
    const u1 = exponentOf(argument, v128.load(at + toX, 16), sign, scale, least);
    if (argument != Argument.NegativeMagnitude) largest = i32x4.max_u(i32x4.max_u(largest, i32x4.add(u0, u0)), i32x4.add(u1, u1));
    const shifted0 = step<f32>(u0, log2E, shift);
    const n0 = f32x4.sub(shifted0, shift);
    v128.store(at, f32x4.sub(u0, f32x4.mul(n0, high)));
    v128.store(at, f32x4.mul(n0, low), PART);
    v128.store(at, i32x4.shl(shifted0, 23), 2 * PART);

    const shifted1 = step<f32>(u1, log2E, shift);
    const n1 = f32x4.sub(shifted1, shift);
    v128.store(at, f32x4.sub(u1, f32x4.mul(n1, high)), 16);
    v128.store(at, f32x4.mul(n1, low), PART + 16);
    v128.store(at, i32x4.shl(shifted1, 23), 2 * PART + 16);
  }
  if (argument == Argument.NegativeMagnitude) return stop;
  const near = constant<f32>(NEAR);
  return v128.any_true(i32x4.gt_u(largest, i32x4.add(near, near))) ? 0 : stop;
}

// @ts-ignore: decorator
@inline
function exponentOf(argument: Argument, x: v128, sign: v128, scale: v128, least: v128): v128 {
  if (argument == Argument.Same) return x;
  return argument == Argument.Negative ? v128.xor(x, sign) : f32x4.pmax(f32x4.mul(f32x4.abs(x), scale), least);
}

function reduceSame(x: usize, end: usize): usize { return reduce(Argument.Same, 1, x, end); }
function reduceNegative(x: usize, end: usize): usize { return reduce(Argument.Negative, 1, x, end); }

/** False, and nothing written, where an element is beyond, as the others. */
export function expOfBlockF32(x: usize, end: usize, out: usize): bool { return ofPowers(Result.Power, reduceSame(x, end), x, out); }
export function sigmoidOfBlockF32(x: usize, end: usize, out: usize): bool { return ofPowers(Result.Sigmoid, reduceNegative(x, end), x, out); }
export function siluOfBlockF32(x: usize, end: usize, out: usize): bool { return ofPowers(Result.Silu, reduceNegative(x, end), x, out); }

/** What is made of e^x, or of e^(−x). */
const enum Result { Power, Sigmoid, Silu }

// @ts-ignore: decorator
@inline
function ofPowers(result: Result, stop: usize, x: usize, out: usize): bool {
  const one = constant<f32>(ONE);
  const q0 = constant<f32>(Q);
  const q1 = constant<f32>(Q + 1);
  const q2 = constant<f32>(Q + 2);
  const q3 = constant<f32>(Q + 3);
  const q4 = constant<f32>(Q + 4);
  const toX = x - SPACE;
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const p0 = expm1(v128.load(at), v128.load(at, PART), q0, q1, q2, q3, q4);
    v128.store(at + toOut, resultOf(result, p0, v128.load(at, 2 * PART), result == Result.Silu ? v128.load(at + toX) : one, one));
    const p1 = expm1(v128.load(at, 16), v128.load(at, PART + 16), q0, q1, q2, q3, q4);
    v128.store(at + toOut, resultOf(result, p1, v128.load(at, 2 * PART + 16), result == Result.Silu ? v128.load(at + toX, 16) : one, one), 16);
  }
  return stop != 0;
}

/** (1 + p)·2^n, or numerator/d; `scale` is n in the bits of the exponent. */
// @ts-ignore: decorator
@inline
function resultOf(result: Result, p: v128, scale: v128, numerator: v128, one: v128): v128 {
  if (result == Result.Power) return i32x4.add(f32x4.add(one, p), scale);
  return f32x4.div(numerator, denominatorOf(p, i32x4.add(one, scale), one));
}

/** e^(high − low) − 1 */
// @ts-ignore: decorator
@inline
function expm1(high: v128, low: v128, q0: v128, q1: v128, q2: v128, q3: v128, q4: v128): v128 {
  return f32x4.add(high, tailOfSingles(high, low, q0, q1, q2, q3, q4));
}

/** factor²·σ′(factor·x), factor 1 or 2: σ′ or sech². */
export function densityOfBlockF32(factor: f32, x: usize, end: usize, out: usize): bool {
  const stop = reduce(Argument.NegativeMagnitude, factor, x, end);
  const one = constant<f32>(ONE);
  const q0 = constant<f32>(Q);
  const q1 = constant<f32>(Q + 1);
  const q2 = constant<f32>(Q + 2);
  const q3 = constant<f32>(Q + 3);
  const q4 = constant<f32>(Q + 4);
  const height = f32x4.splat(factor * factor);
  const small = i32x4.splat(SMALL_POWER);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const power0 = i32x4.add(one, v128.load(at, 2 * PART));
    const s0 = i32x4.max_s(power0, small);
    const quotient0 = f32x4.div(s0, denominator(v128.load(at), v128.load(at, PART), s0, one, q0, q1, q2, q3, q4));
    v128.store(at + toOut, f32x4.mul(quotient0, i32x4.add(i32x4.sub(power0, s0), height)));

    const power1 = i32x4.add(one, v128.load(at, 2 * PART + 16));
    const s1 = i32x4.max_s(power1, small);
    const quotient1 = f32x4.div(s1, denominator(v128.load(at, 16), v128.load(at, PART + 16), s1, one, q0, q1, q2, q3, q4));
    v128.store(at + toOut, f32x4.mul(quotient1, i32x4.add(i32x4.sub(power1, s1), height)), 16);
  }
  return true;
}

/** d, from the smallest summands on, so that two sums count: −high's and d. */
// @ts-ignore: decorator
@inline
function denominator(high: v128, low: v128, s: v128, one: v128, q0: v128, q1: v128, q2: v128, q3: v128, q4: v128): v128 {
  const r = f32x4.sub(high, low);
  const r2 = f32x4.mul(r, r);
  const even = f32x4.mul(r2, step<f32>(step<f32>(q4, r2, q2), r2, q0));
  const tail = f32x4.sub(f32x4.mul(f32x4.mul(r2, r), step<f32>(q3, r2, q1)), low);
  const s2 = f32x4.mul(s, s);
  const twice = f32x4.add(s, s);
  const lead = f32x4.add(one, twice);
  const lost = fastSumError<f32>(lead, one, twice); // where s is small, else 0
  const rest = f32x4.add(f32x4.sub(even, tail), f32x4.mul(s2, f32x4.add(even, f32x4.add(high, tail))));
  return f32x4.add(lead, f32x4.sub(f32x4.add(f32x4.add(s2, lost), rest), high));
}

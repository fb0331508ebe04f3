/**
 * @file exp, sigmoid and silu of a block of f32 within ±NEAR, where 2^n is a normal number: the formulas of math/exp.ts and math/sigmoid.ts, the
 * same bits, in two short loops that keep their constants in registers (math/passes.ts).
 */

import { LN2_HIGH, LN2_LOW, LOG2_E, NEAR, ONE, Q, SHIFT, constant, tailOfSingles } from "./math/exp";
import { PART, SPACE } from "./math/passes";
import { denominatorOf } from "./math/sigmoid";
import { step } from "./math/table";

/** high, low and the bits of n of x or −x to the parts of SPACE; the end of the first, or 0 where a magnitude is beyond NEAR, or NaN. */
// @ts-ignore: decorator
@inline
function reduce(negative: bool, x: usize, end: usize): usize {
  const log2E = constant<f32>(LOG2_E);
  const shift = constant<f32>(SHIFT);
  const high = constant<f32>(LN2_HIGH);
  const low = constant<f32>(LN2_LOW);
  const sign = f32x4.splat(-0.0);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    let x0 = v128.load(at + toX);
    let x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(i32x4.max_u(largest, i32x4.add(x0, x0)), i32x4.add(x1, x1));
    if (negative) {
      x0 = v128.xor(x0, sign);
      x1 = v128.xor(x1, sign);
    }
    const shifted0 = step<f32>(x0, log2E, shift);
    const n0 = f32x4.sub(shifted0, shift);
    v128.store(at, f32x4.sub(x0, f32x4.mul(n0, high)));
    v128.store(at, f32x4.mul(n0, low), PART);
    v128.store(at, i32x4.shl(shifted0, 23), 2 * PART);

    const shifted1 = step<f32>(x1, log2E, shift);
    const n1 = f32x4.sub(shifted1, shift);
    v128.store(at, f32x4.sub(x1, f32x4.mul(n1, high)), 16);
    v128.store(at, f32x4.mul(n1, low), PART + 16);
    v128.store(at, i32x4.shl(shifted1, 23), 2 * PART + 16);
  }
  const near = constant<f32>(NEAR);
  return v128.any_true(i32x4.gt_u(largest, i32x4.add(near, near))) ? 0 : stop;
}

function reduceSame(x: usize, end: usize): usize { return reduce(false, x, end); }
function reduceNegative(x: usize, end: usize): usize { return reduce(true, x, end); }

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

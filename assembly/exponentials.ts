/**
 * @file exp, sigmoid and silu over n contiguous doubles: out[i] ← f(x[i]); out may be x.
 *
 *   exp x     = s + s·p                        e^x = s + s·p, math/power
 *   sigmoid x = 1/d, silu x = x/d              d = 1 + e^(−x) = larger + (smaller + s·p) of 1 and s: e^(−x) itself never rounds
 *
 * A block of 64 at a time: one test tells whether all of it is within ±708, where s is a normal number. In a block that is
 * not, the elements beyond take the formulas of math/exp and math/tanh, which round a subnormal result once; the others get
 * the bits they always get. One vector a turn, the constants in registers.
 */

import { rareExp } from "./math/exp";
import { Power, firstEntry, powerConstant, powerRest, powerScale, secondEntry } from "./math/power";
import { step } from "./math/table";
import { sigmoid, silu } from "./math/tanh";

export const enum Exponential { Exp, Sigmoid, Silu }

const BLOCK: usize = 512;
/** For one block, and for the last element of an odd n, padded: one memory per instance, so no other thread writes it. */
const SCRATCH = memory.data(512, 16);
const TAIL = memory.data(16, 16);
const LIMIT: f64 = 708.0;

// @ts-ignore: decorator
@inline
export function exponentialArray(op: Exponential, n: i32, x: usize, out: usize): void {
  const end = x + (<usize>(n >> 1) << 4);
  for (; x < end; x += BLOCK, out += BLOCK) block(op, x, min<usize>(end, x + BLOCK), out);
  if (!(n & 1)) return;
  out -= x - end;
  v128.store(TAIL, v128.load64_zero(end));
  block(op, TAIL, TAIL + 16, TAIL);
  v128.store64_lane(out, v128.load(TAIL), 0);
}

// @ts-ignore: decorator
@inline
function block(op: Exponential, x: usize, end: usize, out: usize): void {
  if (allWithin(x, end)) within(op, x, end, out);
  else anyOfBlock(op, x, end, out);
}

/** NaN counts as within: every formula carries it through. */
function allWithin(x: usize, end: usize): bool {
  let largest = v128.load(x);
  let smallest = largest;
  for (x += 16; x < end; x += 16) {
    const value = v128.load(x);
    largest = f64x2.pmax(largest, value);
    smallest = f64x2.pmin(smallest, value);
  }
  return !v128.any_true(v128.or(f64x2.gt(largest, f64x2.splat(LIMIT)), f64x2.lt(smallest, f64x2.splat(-LIMIT))));
}

// @ts-ignore: decorator
@inline
function within(op: Exponential, x: usize, end: usize, out: usize): void {
  if (op == Exponential.Exp) expOfBlock(x, end, out);
  else if (op == Exponential.Sigmoid) sigmoidOfBlock(x, end, out);
  else siluOfBlock(x, end, out);
}

function anyOfBlock(op: Exponential, x: usize, end: usize, out: usize): void {
  const limit = f64x2.splat(LIMIT);
  const size = end - x;
  for (let i: usize = 0; i < size; i += 16) {
    v128.store(SCRATCH + i, f64x2.pmax(f64x2.pmin(v128.load(x + i), limit), f64x2.neg(limit)));
  }
  within(op, SCRATCH, SCRATCH + size, SCRATCH);
  for (let i: usize = 0; i < size; i += 16) {
    const value = v128.load(x + i);
    const beyond = f64x2.gt(f64x2.abs(value), limit);
    v128.store(out + i, v128.bitselect(farther(op, value), v128.load(SCRATCH + i), beyond));
  }
}

/** f(x) for |x| > LIMIT. */
// @ts-ignore: decorator
@inline
function farther(op: Exponential, x: v128): v128 {
  return op == Exponential.Exp ? rareExp<f64>(x) : op == Exponential.Sigmoid ? sigmoid<f64>(x) : silu<f64>(x);
}

function expOfBlock(x: usize, end: usize, out: usize): void {
  const log2E = powerConstant(Power.Log2E);
  const shift = powerConstant(Power.Shift);
  const high = powerConstant(Power.High);
  const low = powerConstant(Power.Low);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (; x < end; x += 16, out += 16) {
    const value = v128.load(x);
    const shifted = step<f64>(value, log2E, shift);
    const first = firstEntry(shifted);
    const second = secondEntry(shifted);
    const n = f64x2.sub(shifted, shift);
    const r = f64x2.sub(f64x2.sub(value, f64x2.mul(n, high)), f64x2.mul(n, low));
    const scale = powerScale(shifted, first, second);
    v128.store(out, step<f64>(powerRest(r, first, second, q0, q1, q2, q3), scale, scale));
  }
}

function sigmoidOfBlock(x: usize, end: usize, out: usize): void {
  quotientOfBlock(false, x, end, out);
}

function siluOfBlock(x: usize, end: usize, out: usize): void {
  quotientOfBlock(true, x, end, out);
}

/** 1/d or x/d; shifted and r of −x, without negating x. */
// @ts-ignore: decorator
@inline
function quotientOfBlock(timesX: bool, x: usize, end: usize, out: usize): void {
  const one = f64x2.splat(1.0);
  const log2E = f64x2.neg(powerConstant(Power.Log2E));
  const shift = powerConstant(Power.Shift);
  const high = f64x2.neg(powerConstant(Power.High));
  const low = powerConstant(Power.Low);
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  for (; x < end; x += 16, out += 16) {
    const value = v128.load(x);
    const shifted = step<f64>(value, log2E, shift);
    const first = firstEntry(shifted);
    const second = secondEntry(shifted);
    const n = f64x2.sub(shifted, shift);
    const r = f64x2.sub(f64x2.sub(f64x2.mul(n, high), value), f64x2.mul(n, low));
    const scale = powerScale(shifted, first, second);
    const rest = f64x2.mul(powerRest(r, first, second, q0, q1, q2, q3), scale);
    const d = f64x2.add(f64x2.pmax(scale, one), f64x2.add(f64x2.pmin(scale, one), rest));
    v128.store(out, f64x2.div(timesX ? value : one, d));
  }
}

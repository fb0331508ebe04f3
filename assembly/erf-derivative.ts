/**
 * @file erf′(x) = 2/√π·e^(−x²) of a block.
 *
 *   x² = square + rest               square = upper², exact, upper the upper half of x; rest = (x − upper)·(x + upper)
 *   erf′ = s + s·(r + lack + r²·q)   s and r as in math/power.ts, of −square − rest + ln(2/√π): s takes 22 of its 128ths, r the remainder
 *
 * The first loop finds r, n and where the table's entries are, the second the result: lack is added to r last, so that
 * the polynomial does not wait for an entry. Of f32 as doubles x² is exact.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { upperHalf } from "./math/pair";
import { PART, SPACE, isBeyondLimit, magnitudes } from "./math/passes";
import { Power, entry, entryOffsets, lackOf, powerConstant, powerScale, powerSquare } from "./math/power";
import { step } from "./math/table";
import { Exponent, powersOfSingles } from "./powers-of-singles";

/** Power.Shift + 22, and ln(2/√π) less 22/128 of ln 2. */
const SHIFT = memory.data<f64>([6755399441055766.0]);
const SLOPE = memory.data<f64>([0.0016475659765046223]);

/** What the passes know: |x| below it. */
export const ERF_DERIVATIVE_LIMIT: f64 = 26.5;

/** False, and nothing written, where |x| ≥ ERF_DERIVATIVE_LIMIT. */
export function erfDerivativeOfBlock(x: usize, end: usize, out: usize): bool {
  const log2E = powerConstant(Power.Log2E);
  const shift = v128.load64_splat(SHIFT);
  const slope = v128.load64_splat(SLOPE);
  const high = powerConstant(Power.MinusHigh);
  const low = powerConstant(Power.Low);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(largest, magnitudes(x0, x1));
    const upper0 = upperHalf<f64>(x0);
    const upper1 = upperHalf<f64>(x1);
    const square0 = f64x2.mul(upper0, upper0);
    const square1 = f64x2.mul(upper1, upper1);
    const shifted0 = f64x2.sub(shift, f64x2.mul(square0, log2E));
    const shifted1 = f64x2.sub(shift, f64x2.mul(square1, log2E));
    const rest0 = f64x2.mul(f64x2.sub(x0, upper0), f64x2.add(x0, upper0));
    const rest1 = f64x2.mul(f64x2.sub(x1, upper1), f64x2.add(x1, upper1));
    const n0 = f64x2.sub(shifted0, shift);
    const n1 = f64x2.sub(shifted1, shift);
    v128.store(at, f64x2.add(f64x2.sub(f64x2.sub(f64x2.mul(n0, high), square0), step<f64>(n0, low, rest0)), slope));
    v128.store(at, f64x2.add(f64x2.sub(f64x2.sub(f64x2.mul(n1, high), square1), step<f64>(n1, low, rest1)), slope), 16);
    v128.store(at, shifted0, PART);
    v128.store(at, shifted1, PART + 16);
    v128.store(at, entryOffsets(shifted0, shifted1), 2 * PART);
  }
  if (isBeyondLimit(largest, ERF_DERIVATIVE_LIMIT)) return false;
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const first0 = entry(load<u32>(at, 2 * PART));
    const second0 = entry(load<u32>(at, 2 * PART + 4));
    const s0 = powerScale(v128.load(at, PART), first0, second0);
    const r0 = v128.load(at);
    v128.store(at + toOut, step<f64>(f64x2.add(f64x2.add(r0, lackOf(first0, second0)), powerSquare(r0, q0, q1, q2, q3)), s0, s0));

    const first1 = entry(load<u32>(at, 2 * PART + 8));
    const second1 = entry(load<u32>(at, 2 * PART + 12));
    const s1 = powerScale(v128.load(at, PART + 16), first1, second1);
    const r1 = v128.load(at, 16);
    v128.store(at + toOut, step<f64>(f64x2.add(f64x2.add(r1, lackOf(first1, second1)), powerSquare(r1, q0, q1, q2, q3)), s1, s1), 16);
  }
  return true;
}

export function erfDerivativeOfSingles(x: usize, end: usize, out: usize): bool {
  return powersOfSingles(Exponent.ErfDerivative, ERF_DERIVATIVE_LIMIT, x, end, out);
}

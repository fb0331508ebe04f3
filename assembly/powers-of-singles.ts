/**
 * @file e^u of a block of doubles that were f32 and whose results are rounded to f32, u = −x²/2 or −|x|, exact as a double, or
 * ln(2/√π) − x², of erf′.
 *
 * As in math/power.ts, with ln2/128 as one double, which leaves r some 2^−46 off, q of degree 2, and without what the table's entries lack.
 *
 * Coefficients: scripts/coefficients/coefficients.py power, derivatives.
 */

import { PART, SPACE, isBeyondLimit, magnitudes } from "./math/passes";
import { Power, entryBits, entryOffsets, powerConstant } from "./math/power";
import { step } from "./math/table";

const CONSTANTS = memory.data<f64>([-0.005415212348124573, 0.5, 0.12078223763524522, 0.4999999999999585, 0.16666671991122742, 0.04166668252369059]);
/** −ln2/128, ½, ln(2/√π), the coefficients of q. */
const enum Single { MinusUnit, Half, LogSlope, Q0, Q1, Q2 }

export const enum Exponent { ErfDerivative, MinusHalfSquare, MinusMagnitude }

/** e^u to out; false, and nothing written, where |x| ≥ limit, or NaN. Literals in the call. */
// @ts-ignore: decorator
@inline
export function powersOfSingles(exponent: Exponent, limit: f64, x: usize, end: usize, out: usize): bool {
  const log2E = powerConstant(Power.Log2E);
  const shift = powerConstant(Power.Shift);
  const minusUnit = constant(Single.MinusUnit);
  const operand = constant(exponent == Exponent.ErfDerivative ? Single.LogSlope : Single.Half);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(largest, magnitudes(x0, x1));
    const minusU0 = negated(exponent, x0, operand);
    const minusU1 = negated(exponent, x1, operand);
    const shifted0 = f64x2.sub(shift, f64x2.mul(minusU0, log2E));
    const shifted1 = f64x2.sub(shift, f64x2.mul(minusU1, log2E));
    v128.store(at, f64x2.sub(f64x2.mul(f64x2.sub(shifted0, shift), minusUnit), minusU0));
    v128.store(at, f64x2.sub(f64x2.mul(f64x2.sub(shifted1, shift), minusUnit), minusU1), 16);
    v128.store(at, i64x2.shl(shifted0, 45), PART);
    v128.store(at, i64x2.shl(shifted1, 45), PART + 16);
    v128.store(at, entryOffsets(shifted0, shifted1), 2 * PART);
  }
  if (isBeyondLimit(largest, limit)) return false;
  powersOfReduced(stop, out);
  return true;
}

// @ts-ignore: decorator
@inline
function negated(exponent: Exponent, x: v128, operand: v128): v128 {
  if (exponent == Exponent.MinusMagnitude) return f64x2.abs(x);
  const square = f64x2.mul(x, x);
  return exponent == Exponent.ErfDerivative ? f64x2.sub(square, operand) : f64x2.mul(square, operand);
}

function powersOfReduced(stop: usize, out: usize): void {
  const q0 = constant(Single.Q0);
  const q1 = constant(Single.Q1);
  const q2 = constant(Single.Q2);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const s0 = i64x2.add(v128.load(at, PART), entryBits(load<u32>(at, 2 * PART), load<u32>(at, 2 * PART + 4)));
    const r0 = v128.load(at);
    v128.store(at + toOut, power(r0, s0, q0, q1, q2));

    const s1 = i64x2.add(v128.load(at, PART + 16), entryBits(load<u32>(at, 2 * PART + 8), load<u32>(at, 2 * PART + 12)));
    const r1 = v128.load(at, 16);
    v128.store(at + toOut, power(r1, s1, q0, q1, q2), 16);
  }
}

/** s + s·(r + r²·q) */
// @ts-ignore: decorator
@inline
function power(r: v128, s: v128, q0: v128, q1: v128, q2: v128): v128 {
  return step<f64>(step<f64>(f64x2.mul(r, r), step<f64>(step<f64>(q2, r, q1), r, q0), r), s, s);
}

// @ts-ignore: decorator
@inline
function constant(index: Single): v128 {
  return v128.load64_splat(CONSTANTS + (<usize>index << 3));
}

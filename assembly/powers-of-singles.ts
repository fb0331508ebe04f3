/**
 * @file e^u of a block of doubles that were f32 and whose results are rounded to f32, u = −x²/2, −|x| or −2|x|, exact as a double, or
 * ln(2/√π) − x², of erf′.
 *
 * As in math/power.ts, with ln2/128 as one double, which leaves r some 2^−46 off, and without what the table's entries lack.
 */

import { PART, SPACE, isBeyondLimit, magnitudes } from "./math/passes";
import { Power, entryBits, entryOffsets, powerConstant, powerSquare } from "./math/power";
import { step } from "./math/table";

/** ln(2/√π) */
const LOG_SLOPE = memory.data<f64>([0.12078223763524522]);

export const enum Exponent { ErfDerivative, MinusHalfSquare, MinusMagnitude, MinusDoubled }

/** e^u to out; false, and nothing written, where |x| ≥ limit, or NaN. Literals in the call. */
// @ts-ignore: decorator
@inline
export function powersOfSingles(exponent: Exponent, limit: f64, x: usize, end: usize, out: usize): bool {
  const log2E = powerConstant(Power.Log2E);
  const shift = powerConstant(Power.Shift);
  const minusUnit = powerConstant(Power.MinusUnit);
  const constant = exponent == Exponent.ErfDerivative ? v128.load64_splat(LOG_SLOPE) : powerConstant(Power.Half);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(largest, magnitudes(x0, x1));
    const minusU0 = negated(exponent, x0, constant);
    const minusU1 = negated(exponent, x1, constant);
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
function negated(exponent: Exponent, x: v128, constant: v128): v128 {
  if (exponent == Exponent.MinusMagnitude) return f64x2.abs(x);
  if (exponent == Exponent.MinusDoubled) return f64x2.abs(f64x2.add(x, x));
  const square = f64x2.mul(x, x);
  return exponent == Exponent.ErfDerivative ? f64x2.sub(square, constant) : f64x2.mul(square, constant);
}

function powersOfReduced(stop: usize, out: usize): void {
  const q0 = powerConstant(Power.Q0);
  const q1 = powerConstant(Power.Q1);
  const q2 = powerConstant(Power.Q2);
  const q3 = powerConstant(Power.Q3);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const s0 = i64x2.add(v128.load(at, PART), entryBits(load<u32>(at, 2 * PART), load<u32>(at, 2 * PART + 4)));
    const r0 = v128.load(at);
    v128.store(at + toOut, step<f64>(f64x2.add(r0, powerSquare(r0, q0, q1, q2, q3)), s0, s0));

    const s1 = i64x2.add(v128.load(at, PART + 16), entryBits(load<u32>(at, 2 * PART + 8), load<u32>(at, 2 * PART + 12)));
    const r1 = v128.load(at, 16);
    v128.store(at + toOut, step<f64>(f64x2.add(r1, powerSquare(r1, q0, q1, q2, q3)), s1, s1), 16);
  }
}

/**
 * @file Hyperbolic tangent of four f32.
 *
 *   tanh |x| = (1 − w + p)/(1 + w + p)      e^(2|x|) = (1 + p)/w
 *
 * Numerator and denominator keep their rounding errors, which correct the quotient, so that about one rounding remains.
 */

import { exponentOf, negativePowerOfTwo, reducedHigh, reducedLow, reducedTail, shiftedExponent } from "./exp";
import { fastSumError, quotientLow, upperHalf } from "./pair";

const F32 = memory.data<f32>([1.0, 20.0]);
const ONE: i32 = 0;
/** Beyond it tanh(u/2) is 1. */
const MAX: i32 = 1;

// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const one = constant(ONE);
  const a = f32x4.abs(x);
  const u = f32x4.pmin(f32x4.add(a, a), constant(MAX));
  const shifted = shiftedExponent<f32>(u);
  const n = exponentOf<f32>(shifted);
  const high = reducedHigh<f32>(u, n);
  const tail = reducedTail<f32>(high, reducedLow<f32>(n));
  const w = negativePowerOfTwo<f32>(shifted);

  const above = f32x4.sub(one, w); // 0, or at least ½
  const aboveLow = f32x4.sub(f32x4.sub(one, above), w);
  const numeratorSum = f32x4.add(above, high);
  const numeratorRest = f32x4.add(f32x4.add(fastSumError<f32>(numeratorSum, above, high), aboveLow), tail);
  const numerator = f32x4.add(numeratorSum, numeratorRest);
  const numeratorLow = fastSumError<f32>(numerator, numeratorSum, numeratorRest);

  const below = f32x4.add(one, w);
  const belowLow = fastSumError<f32>(below, one, w);
  const denominatorSum = f32x4.add(below, high);
  const denominatorRest = f32x4.add(f32x4.add(fastSumError<f32>(denominatorSum, below, high), belowLow), tail);
  const denominator = f32x4.add(denominatorSum, denominatorRest);
  const denominatorLow = fastSumError<f32>(denominator, denominatorSum, denominatorRest);

  const inverse = f32x4.div(one, denominator);
  const q = upperHalf<f32>(f32x4.mul(numerator, inverse));
  const qLow = quotientLow<f32>(numerator, numeratorLow, denominator, denominatorLow, inverse, q);
  return v128.or(f32x4.add(q, qLow), v128.xor(x, a));
}

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load32_splat(F32 + (<usize>index << 2));
}

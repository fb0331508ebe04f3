/**
 * @file Hyperbolic tangent and logistic sigmoid of a vector of T, and silu, which is x·sigmoid(x).
 *
 * Both are quotients of sums around e^u = 2^n·(1 + p), p = e^r − 1. Numerator and denominator keep their rounding errors,
 * which correct the quotient, so that about one rounding remains.
 *
 *   tanh |x| = (1 − w + p)/(1 + w + p)      e^(2|x|) = (1 + p)/w
 *   sigmoid  = 1/(1 + z), x ≥ 0             e^(−|x|) = z = 2^n·(1 + p)
 *            = 2^n·(1 + p)/(1 + z), x < 0   2^n last: subnormal results round once
 */

import { exponentOf, negativePowerOfTwo, powerOfTwo, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./exp";
import { fastSumError, productLow, quotientLow, upperHalf } from "./pair";
import { splatFrom } from "./table";

const F64 = memory.data<f64>([1.0, 44.0, 760.0, 6755399441055744.0, 6755399441055744.0 - 1000.0]);
const F32 = memory.data<f32>([1.0, 20.0, 112.0, 12582912.0, 12582912.0 - 110.0]);
const ONE: i32 = 0;
/** Beyond it tanh(u/2) is 1. */
const MAX_TANH: i32 = 1;
/** Beyond it e^−u is 0, and u·e^−u. */
const MAX_SIGMOID: i32 = 2;
/** shifted(0). */
const SHIFT: i32 = 3;
/** shifted(n) at an n whose 2^n is normal, and 1 + 2^n is 1. */
const MIN_SHIFTED: i32 = 4;

// @ts-ignore: decorator
@inline
export function tanh<T>(x: v128): v128 {
  const one = constant<T>(ONE);
  const a = v128.abs<T>(x);
  const u = v128.pmin<T>(v128.add<T>(a, a), constant<T>(MAX_TANH));
  const shifted = shiftedExponent<T>(u);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(u, n);
  const tail = reducedTail<T>(high, reducedLow<T>(n));
  const w = negativePowerOfTwo<T>(shifted);

  const above = v128.sub<T>(one, w); // 0, or at least ½
  const aboveLow = v128.sub<T>(v128.sub<T>(one, above), w);
  const numeratorSum = v128.add<T>(above, high);
  const numeratorRest = v128.add<T>(v128.add<T>(fastSumError<T>(numeratorSum, above, high), aboveLow), tail);
  const numerator = v128.add<T>(numeratorSum, numeratorRest);
  const numeratorLow = fastSumError<T>(numerator, numeratorSum, numeratorRest);

  const below = v128.add<T>(one, w);
  const belowLow = fastSumError<T>(below, one, w);
  const denominatorSum = v128.add<T>(below, high);
  const denominatorRest = v128.add<T>(v128.add<T>(fastSumError<T>(denominatorSum, below, high), belowLow), tail);
  const denominator = v128.add<T>(denominatorSum, denominatorRest);
  const denominatorLow = fastSumError<T>(denominator, denominatorSum, denominatorRest);

  const inverse = v128.div<T>(one, denominator);
  const q = upperHalf<T>(v128.mul<T>(numerator, inverse));
  const qLow = quotientLow<T>(numerator, numeratorLow, denominator, denominatorLow, inverse, q);
  return v128.or(v128.add<T>(q, qLow), v128.xor(x, a));
}

// @ts-ignore: decorator
@inline
export function sigmoid<T>(x: v128): v128 {
  return scaledSigmoid<T>(x, false);
}

/** x·sigmoid(x); −0 at −∞, the limit. */
// @ts-ignore: decorator
@inline
export function silu<T>(x: v128): v128 {
  const product = v128.or(scaledSigmoid<T>(x, true), v128.xor(x, v128.abs<T>(x))); // the sign of −0
  return v128.bitselect(x, product, v128.gt<T>(x, constant<T>(MAX_SIGMOID)));
}

/** sigmoid(x), or that times max(x, −MAX_SIGMOID). */
// @ts-ignore: decorator
@inline
function scaledSigmoid<T>(x: v128, timesX: bool): v128 {
  const one = constant<T>(ONE);
  const negative = v128.lt<T>(x, v128.splat<T>(<T>0));
  const u = v128.neg<T>(v128.pmin<T>(v128.abs<T>(x), constant<T>(MAX_SIGMOID)));
  const shifted = shiftedExponent<T>(u);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(u, n);
  const tail = reducedTail<T>(high, reducedLow<T>(n));

  const powerSum = v128.add<T>(one, high);
  const powerRest = v128.add<T>(fastSumError<T>(powerSum, one, high), tail);
  const power = v128.add<T>(powerSum, powerRest);
  const powerLow = fastSumError<T>(power, powerSum, powerRest);

  const scale = powerOfTwo<T>(v128.pmax<T>(shifted, constant<T>(MIN_SHIFTED)));
  const z = v128.mul<T>(power, scale);
  const denominator = v128.add<T>(one, z);
  const denominatorLow = v128.add<T>(fastSumError<T>(denominator, one, z), v128.mul<T>(powerLow, scale));

  const inverse = v128.div<T>(one, denominator);
  const numerator = v128.bitselect(power, one, negative);
  const q = upperHalf<T>(v128.mul<T>(numerator, inverse));
  const qLow = quotientLow<T>(numerator, v128.and(powerLow, negative), denominator, denominatorLow, inverse, q);
  let result: v128;
  if (timesX) {
    const factor = v128.pmax<T>(x, v128.neg<T>(constant<T>(MAX_SIGMOID)));
    const upper = upperHalf<T>(factor);
    result = v128.add<T>(v128.mul<T>(upper, q), productLow<T>(factor, upper, q, qLow));
  } else {
    result = v128.add<T>(q, qLow);
  }
  return timesPowerOfTwo<T>(result, v128.bitselect(shifted, constant<T>(SHIFT), negative));
}

// @ts-ignore: decorator
@inline
function constant<T>(index: i32): v128 {
  return splatFrom<T>(F64, F32, index);
}

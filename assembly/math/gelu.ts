/**
 * @file gelu(x) = x·Φ(x), Φ the normal distribution function, of a vector of T.
 *
 *   |x| < ½   Φ(x) = ½ + x·P(x²), so x·Φ(x) = x/2 + x²·P(x²)
 *   a ≥ ½     Φ(−a) = e^(−a²/2)·H(t)/(a + k)       t = (a − k)/(a + k)
 *
 * Nothing cancels on the negative side: gelu(−10) = −7.6e-23 to the last digits. There a²/2 is two numbers, the high one
 * exact, and so is every factor. Both are computed and one is taken.
 *
 * The map t: Shepherd and Laframboise (1981), Math. Comp. 36. Coefficients: scripts/coefficients/coefficients.py erf.
 */

import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./exp";
import { fastSumError, productLow, quotientLow, sumError, upperHalf } from "./pair";
import { cubicFrom, splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  0.5, 1.0, 39.5, 3.043212890625,
  // P
  0.3989422804014327, -0.06649038006690493, 0.009973557009992619, -0.0011873282140955192, 0.00011543466580149904, -9.444469494094892e-06,
  6.650818287157988e-07, -3.901970416676219e-08,
  // H
  0.7306408421709237, -0.5148667743481999, 0.2379404732429536, -0.0529170212125748, -0.008842405833861129, 0.007406279316308309,
  0.0006709524855165017, -0.001108836470063257, -0.00018579876030191177, 0.00017503634659594115, 6.617515978282938e-05, -2.0818812614421753e-05,
  -1.9584100510361038e-05, -1.2671862126455415e-06, 4.119781016364257e-06, 1.8428460406154623e-06, -2.8815882699510975e-07, -6.256398419506227e-07,
  -2.0186036988969535e-07, 1.0913196708109032e-07, 9.551716915789284e-08, -6.413666240107446e-09, -1.6802647316355654e-08,
]);
const F32 = memory.data<f32>([
  0.5, 1.0, 15.0, 2.500732421875,
  // P
  0.3989422917366028, -0.06648994982242584, 0.009964889846742153, -0.0011312708957120776,
  // H
  0.706696629524231, -0.4338204562664032, 0.1321377158164978, 0.009171771816909313, -0.016398698091506958, -0.0016000288305804133,
  0.002538911299780011, 0.0007114090258255601, -0.00032573373755440116, -0.0001800920144887641,
]);
const HALF: i32 = 0;
const ONE: i32 = 1;
/** Beyond it x·Φ(−|x|) is 0. */
const MAX: i32 = 2;
const K: i32 = 3;
const P: i32 = 4;
const H_F64: i32 = 12;
const H_F32: i32 = 8;

/** −0 at −∞, the limit. */
// @ts-ignore: decorator
@inline
export function gelu<T>(x: v128): v128 {
  const a = v128.abs<T>(x);
  const z = v128.mul<T>(x, x);
  const near = v128.add<T>(v128.mul<T>(constant<T>(HALF), x), v128.mul<T>(z, smallFactor<T>(z)));
  const far = largeGelu<T>(x, v128.pmin<T>(a, constant<T>(MAX)));
  return v128.bitselect(v128.or(near, v128.xor(x, a)), far, v128.lt<T>(a, constant<T>(HALF))); // the sign of −0
}

/** x·Φ(x), |x| ≥ ½; a = min(|x|, MAX). */
// @ts-ignore: decorator
@inline
function largeGelu<T>(x: v128, a: v128): v128 {
  const one = constant<T>(ONE);
  const k = constant<T>(K);
  // H(t)/(a + k) = ratio + ratioLow
  const sum = v128.add<T>(a, k);
  const inverse = v128.div<T>(one, sum);
  const t = v128.mul<T>(v128.sub<T>(a, k), inverse);
  const slope0 = constant<T>(sizeof<T>() == 8 ? H_F64 + 1 : H_F32 + 1);
  const slopeRest = v128.mul<T>(t, tailFactor<T>(t));
  const slope = v128.add<T>(slope0, slopeRest);
  const h0 = constant<T>(sizeof<T>() == 8 ? H_F64 : H_F32);
  const hRest = v128.mul<T>(t, slope);
  const h = v128.add<T>(h0, hRest);
  const hLow = v128.add<T>(sumError<T>(h, h0, hRest), v128.mul<T>(t, fastSumError<T>(slope, slope0, slopeRest)));
  const ratio = upperHalf<T>(v128.mul<T>(h, inverse));
  const ratioLow = quotientLow<T>(h, hLow, sum, sumError<T>(sum, a, k), inverse, ratio);

  // e^(−a²/2) = (power + powerLow)·2^n
  const aUpper = upperHalf<T>(a);
  const square = v128.neg<T>(v128.mul<T>(v128.mul<T>(aUpper, aUpper), constant<T>(HALF))); // exact
  const squareLow = v128.mul<T>(v128.mul<T>(v128.sub<T>(a, aUpper), v128.add<T>(a, aUpper)), constant<T>(HALF));
  const shifted = shiftedExponent<T>(square);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(square, n);
  const tail = reducedTail<T>(high, v128.add<T>(reducedLow<T>(n), squareLow));
  const powerSum = v128.add<T>(one, high);
  const powerRest = v128.add<T>(fastSumError<T>(powerSum, one, high), tail);
  const power = v128.add<T>(powerSum, powerRest);
  const powerUpper = upperHalf<T>(power);
  const powerLow = v128.add<T>(v128.sub<T>(power, powerUpper), fastSumError<T>(power, powerSum, powerRest));

  // Φ(−a) = (phi + phiLow)·2^n, then a·Φ(−a)
  const product = v128.mul<T>(powerUpper, ratio); // exact
  const productRest = v128.add<T>(v128.mul<T>(powerUpper, ratioLow), v128.mul<T>(powerLow, v128.add<T>(ratio, ratioLow)));
  const phi = v128.add<T>(product, productRest);
  const phiUpper = upperHalf<T>(phi);
  const phiLow = v128.add<T>(v128.sub<T>(phi, phiUpper), fastSumError<T>(phi, product, productRest));
  const negative = v128.lt<T>(x, v128.splat<T>(<T>0));
  const aPhi = v128.add<T>(v128.mul<T>(aUpper, phiUpper), productLow<T>(a, aUpper, phiUpper, phiLow));
  const scaled = timesPowerOfTwo<T>(v128.bitselect(v128.neg<T>(aPhi), phi, negative), shifted);
  return v128.bitselect(scaled, v128.mul<T>(x, v128.sub<T>(one, scaled)), negative);
}

/** P(z). */
// @ts-ignore: decorator
@inline
function smallFactor<T>(z: v128): v128 {
  const z2 = v128.mul<T>(z, z);
  if (sizeof<T>() == 4) return cubic<T>(P, z, z2);
  return step<T>(cubic<T>(P + 4, z, z2), v128.mul<T>(z2, z2), cubic<T>(P, z, z2));
}

/** (H(t) − c0 − c1·t)/t². */
// @ts-ignore: decorator
@inline
function tailFactor<T>(t: v128): v128 {
  const t2 = v128.mul<T>(t, t);
  const t4 = v128.mul<T>(t2, t2);
  if (sizeof<T>() == 4) return step<T>(cubic<T>(H_F32 + 6, t, t2), t4, cubic<T>(H_F32 + 2, t, t2));
  let p = step<T>(constant<T>(H_F64 + 22), t4, cubic<T>(H_F64 + 18, t, t2));
  p = step<T>(p, t4, cubic<T>(H_F64 + 14, t, t2));
  p = step<T>(p, t4, cubic<T>(H_F64 + 10, t, t2));
  p = step<T>(p, t4, cubic<T>(H_F64 + 6, t, t2));
  return step<T>(p, t4, cubic<T>(H_F64 + 2, t, t2));
}

// @ts-ignore: decorator
@inline
function cubic<T>(index: i32, x: v128, x2: v128): v128 {
  return cubicFrom<T>(F64, F32, index, x, x2);
}

// @ts-ignore: decorator
@inline
function constant<T>(index: i32): v128 {
  return splatFrom<T>(F64, F32, index);
}

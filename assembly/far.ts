/**
 * @file gelu and derivatives of elements beyond the ranges of their passes, to the last digit: of one vector, from x to out; NaN stays.
 * Those of exponentials.ts, which e^x itself ends, are there.
 *
 * u = −a²/2 and −x² are two numbers, the high one exact, and so is the power. Of gelu and gelu′, a = |x| ≥ GELU_LIMIT, D = 1/√(2π), z = 1/a².
 *
 * Coefficients: scripts/coefficients/coefficients.py gelu.
 */

import { mirrored } from "./silu-derivative";
import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./math/exp";
import { fastSumError, upperHalf } from "./math/pair";
import { cubicFrom, splatFrom, step } from "./math/table";

const T = memory.data<f64>([
  0.3989422804014103, -1.196826841147224, 5.984134151512965, -41.88891227972571, 376.9922827995736, -4145.393301714714, 53691.707163036146,
  -787345.3317180718, 12230709.366195662, -180554954.4050062, 2193950699.3674607, -18266528507.50291, 74840985975.38335,
]);
/** 1/√(2π): 26 bits, and the rest. */
const DENSITY: f64 = 0.3989422768354416;
const DENSITY_LOW: f64 = 3.5659910885844774e-09;
/** Beyond it gelu(−a) and gelu′(−a) are 0, and e^(−a²). */
const GELU_MAX: f64 = 39.5;
const ERF_MAX: f64 = 27.5;
/** 2/√π, likewise. */
const SLOPE: f64 = 1.1283791661262512;
const SLOPE_LOW: f64 = 9.692613531930338e-10;

/** e^(−|x|) */
export function farSigmoidDerivative(x: usize, out: usize): void { farDensity(1.0, x, out); }

/** 4·e^(−2|x|) */
export function farSechSquared(x: usize, out: usize): void { farDensity(2.0, x, out); }

function farDensity(factor: f64, x: usize, out: usize): void {
  const exponent = f64x2.pmax(f64x2.neg(f64x2.abs(f64x2.mul(v128.load(x), f64x2.splat(factor)))), f64x2.splat(-760.0));
  scaledPower(exponent, f64x2.splat(0), f64x2.splat(factor * factor), f64x2.splat(0), out);
}

/** 2/√π·e^(−x²) */
export function farErfDerivative(x: usize, out: usize): void {
  const a = f64x2.pmin(f64x2.abs(v128.load(x)), f64x2.splat(ERF_MAX));
  scaledPower(negativeSquare(a, 1.0), squareLow(a, 1.0), f64x2.splat(SLOPE), f64x2.splat(SLOPE_LOW), out);
}

/** 1, or e^x·(1 + x). */
export function farSiluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const exponent = f64x2.pmax(value, f64x2.splat(-760.0));
  const factor = f64x2.add(exponent, f64x2.splat(1.0));
  const upper = upperHalf<f64>(factor);
  scaledPower(f64x2.pmin(exponent, f64x2.splat(0)), f64x2.splat(0), upper, f64x2.sub(factor, upper), out);
  v128.store(out, v128.bitselect(f64x2.splat(1.0), v128.load(out), f64x2.gt(value, f64x2.splat(0))));
}

/** gelu(−a) = −e^(−a²/2)·(D − z·T(z)), gelu(a) = a less that; −0 at −∞, the limit. */
export function farGelu(x: usize, out: usize): void {
  const value = v128.load(x);
  const a = f64x2.pmin(f64x2.abs(value), f64x2.splat(GELU_MAX));
  const lower = f64x2.sub(f64x2.splat(DENSITY_LOW), tailOf(f64x2.div(f64x2.splat(1.0), a)));
  scaledPower(negativeSquare(a, 0.5), squareLow(a, 0.5), f64x2.splat(DENSITY), lower, out);
  const scaled = v128.load(out);
  v128.store(out, v128.bitselect(f64x2.neg(scaled), f64x2.sub(value, scaled), f64x2.lt(value, f64x2.splat(0))));
}

/** gelu′(−a) = −e^(−a²/2)·(a·D − (D − z·T(z))/a) */
export function farGeluDerivative(x: usize, out: usize): void {
  const value = v128.load(x);
  const a = f64x2.pmin(f64x2.abs(value), f64x2.splat(GELU_MAX));
  const inverse = f64x2.div(f64x2.splat(1.0), a);
  const density = f64x2.splat(DENSITY);
  const densityLow = f64x2.splat(DENSITY_LOW);
  const tail = f64x2.mul(f64x2.sub(f64x2.add(density, densityLow), tailOf(inverse)), inverse);
  const aUpper = upperHalf<f64>(a);
  const exact = f64x2.mul(aUpper, density);
  const lower = f64x2.sub(f64x2.add(f64x2.mul(f64x2.sub(a, aUpper), density), f64x2.mul(a, densityLow)), tail);
  const upper = upperHalf<f64>(f64x2.add(exact, lower));
  const rest = f64x2.add(f64x2.sub(exact, upper), lower);
  scaledPower(negativeSquare(a, 0.5), squareLow(a, 0.5), f64x2.neg(upper), f64x2.neg(rest), out);
  v128.store(out, mirrored(v128.load(out), value, f64x2.splat(1.0)));
}

/** −scale·x², less squareLow: exact. */
// @ts-ignore: decorator
@inline
function negativeSquare(x: v128, scale: f64): v128 {
  const upper = upperHalf<f64>(x);
  return f64x2.mul(f64x2.mul(upper, upper), f64x2.splat(-scale));
}

/** scale·(x² − upper²). */
// @ts-ignore: decorator
@inline
function squareLow(x: v128, scale: f64): v128 {
  const upper = upperHalf<f64>(x);
  const low = f64x2.mul(f64x2.sub(x, upper), f64x2.add(x, upper));
  return scale == 1.0 ? low : f64x2.mul(low, f64x2.splat(scale));
}

/** z·T(z), z = inverse². */
function tailOf(inverse: v128): v128 {
  const z = f64x2.mul(inverse, inverse);
  const z2 = f64x2.mul(z, z);
  const z4 = f64x2.mul(z2, z2);
  const top = step<f64>(step<f64>(splatFrom<f64>(T, T, 12), z4, cubicFrom<f64>(T, T, 8, z, z2)), z4, cubicFrom<f64>(T, T, 4, z, z2));
  return f64x2.mul(z, step<f64>(top, z4, cubicFrom<f64>(T, T, 0, z, z2)));
}

/** (upper + lower)·e^(u − low), upper of 26 bits; the rounding of a subnormal result comes last. */
function scaledPower(u: v128, low: v128, upper: v128, lower: v128, out: usize): void {
  const one = f64x2.splat(1.0);
  const shifted = shiftedExponent<f64>(u);
  const n = exponentOf<f64>(shifted);
  const high = reducedHigh<f64>(u, n);
  const sum = f64x2.add(one, high);
  const rest = f64x2.add(fastSumError<f64>(sum, one, high), reducedTail<f64>(high, f64x2.add(reducedLow<f64>(n), low)));
  const power = upperHalf<f64>(f64x2.add(sum, rest));
  const powerLow = f64x2.add(f64x2.sub(sum, power), rest);
  const product = f64x2.add(f64x2.mul(power, lower), f64x2.mul(powerLow, f64x2.add(upper, lower)));
  v128.store(out, timesPowerOfTwo<f64>(f64x2.add(f64x2.mul(power, upper), product), shifted));
}

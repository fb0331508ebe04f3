/**
 * @file Logistic function, SiLU and softplus of four f32, |x| within the range of exp.
 *
 *   sigmoid x = 1/d, silu x = x/d            d = 1 + e^(−x) = larger + (smaller + s·p) of 1 and s = 2^n: e^(−x) itself never rounds
 *   softplus x = max(x, 0) + log(1 + u)      u = e^(−|x|) as two numbers; log w + lost/w, lost what w = 1 + u lost by rounding
 */

import { isRareExp, powerOfTwo, rareExp, reducedExpm1, reducedPower, shiftedExponent, timesPowerOfTwo } from "./exp";
import { log } from "./log-f32";
import { fastSumError } from "./pair";

const F32 = memory.data<f32>([1.0, 0.0, -120.0]);
const ONE: i32 = 0;
const ZERO: i32 = 1;
/** 120·e^−120 rounds to 0. */
const MIN: i32 = 2;

// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  return f32x4.div(constant(ONE), denominator(x));
}

// @ts-ignore: decorator
@inline
function silu(x: v128): v128 {
  return f32x4.div(x, denominator(x));
}

// @ts-ignore: decorator
@inline
function denominator(x: v128): v128 {
  const u = f32x4.neg(x);
  const shifted = shiftedExponent<f32>(u);
  const p = reducedExpm1<f32>(u, shifted);
  return denominatorOf(p, powerOfTwo<f32>(shifted), constant(ONE));
}

/** d for e^(−x) = s + s·p. */
// @ts-ignore: decorator
@inline
export function denominatorOf(p: v128, s: v128, one: v128): v128 {
  return f32x4.add(f32x4.pmax(s, one), f32x4.add(f32x4.pmin(s, one), f32x4.mul(s, p)));
}

// @ts-ignore: decorator
@inline
export function softplus(x: v128): v128 {
  const one = constant(ONE);
  const exponent = f32x4.neg(f32x4.abs(x));
  const shifted = shiftedExponent<f32>(exponent);
  const s = powerOfTwo<f32>(shifted);
  const p = reducedExpm1<f32>(exponent, shifted);
  const power = f32x4.add(one, p);
  const u = f32x4.mul(s, power);
  const w = f32x4.add(one, u);
  const lost = f32x4.add(fastSumError<f32>(w, one, u), f32x4.mul(s, fastSumError<f32>(power, one, p)));
  return f32x4.add(f32x4.pmax(x, constant(ZERO)), f32x4.add(log(w), f32x4.div(lost, w)));
}

/** Any x, as the other rare…; within NEAR of math/exp.ts the bits of sigmoid. Beyond: e^x, or 1. */
// @ts-ignore: decorator
@inline
export function rareSigmoid(x: v128): v128 {
  return v128.bitselect(rareExp<f32>(f32x4.pmin(x, constant(ZERO))), sigmoid(x), isRareExp<f32>(x));
}

/** Beyond: x·e^x, whose rounding where it is subnormal comes last, or x; −0 at −∞, the limit. */
// @ts-ignore: decorator
@inline
export function rareSilu(x: v128): v128 {
  const factor = f32x4.pmax(x, constant(MIN));
  const exponent = f32x4.pmin(factor, constant(ZERO));
  const shifted = shiftedExponent<f32>(exponent);
  const beyond = timesPowerOfTwo<f32>(f32x4.mul(reducedPower<f32>(exponent, shifted), factor), shifted);
  return v128.bitselect(beyond, silu(x), isRareExp<f32>(x));
}

/** Beyond: e^x, or x. */
// @ts-ignore: decorator
@inline
export function rareSoftplus(x: v128): v128 {
  const beyond = v128.bitselect(x, rareExp<f32>(x), f32x4.gt(x, constant(ZERO)));
  return v128.bitselect(beyond, softplus(x), isRareExp<f32>(x));
}

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load32_splat(F32 + (<usize>index << 2));
}

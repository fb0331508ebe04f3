/**
 * @file Natural logarithm of vectors of f32.
 *
 *   x = 2^k·m, m in [√½, √2)         f = m − 1, s = f/(2 + f), z = s²
 *   log m = 2s + s³·P(z)             = f − s·(f − z·P(z)), since 2s = f − s·f
 *   log x = k·(ln2 high) + f         the sum's rounding error joins k·(ln2 low) and the rest
 *
 * Coefficients: scripts/coefficients/coefficients.py exp log.
 */

import { step } from "./table";

const CONSTANTS = memory.data<f32>([
  0.7071067690849304, 1.0, 2.0, 1.1754943508222875e-38, 3.4028234663852886e38, 33554432.0, 25.0,
  0.693145751953125, 1.428606765330187e-06,
  0.6666677594184875, 0.3997749388217926, 0.2987315356731415,
]);
/** 2^25 makes a subnormal normal. */
const enum Log { SqrtHalf, One, Two, MinNormal, MaxFinite, Lift, LiftExponent, Ln2High, Ln2Low, P0, P1, P2 }

/** x positive, normal and finite. */
// @ts-ignore: decorator
@inline
export function log(x: v128): v128 {
  return logOfScaled(x, f32x4.splat(0));
}

/** Elements that log does not know: subnormal, zero, negative, infinite, NaN. */
// @ts-ignore: decorator
@inline
export function isRareLog(x: v128): v128 {
  return v128.not(v128.and(f32x4.ge(x, constant(Log.MinNormal)), f32x4.le(x, constant(Log.MaxFinite))));
}

/** Two vectors of any elements; those that log knows get the bits that log gives. */
export function rareLog(x: usize, out: usize): void {
  const first = logOfAny(v128.load(x));
  const second = logOfAny(v128.load(x, 16));
  v128.store(out, first);
  v128.store(out, second, 16);
}

// @ts-ignore: decorator
@inline
function logOfAny(x: v128): v128 {
  const tiny = f32x4.lt(x, constant(Log.MinNormal));
  const normal = v128.bitselect(f32x4.mul(x, constant(Log.Lift)), x, tiny);
  return withSpecialValues(x, logOfScaled(normal, v128.and(constant(Log.LiftExponent), tiny)));
}

/** log(x·2^−lifted). */
// @ts-ignore: decorator
@inline
function logOfScaled(x: v128, lifted: v128): v128 {
  const fromHalf = i32x4.sub(x, constant(Log.SqrtHalf));
  const k = f32x4.sub(f32x4.convert_i32x4_s(i32x4.shr_s(fromHalf, 23)), lifted);
  const m = i32x4.sub(x, i32x4.shl(i32x4.shr_u(fromHalf, 23), 23));
  const f = f32x4.sub(m, constant(Log.One));
  const s = f32x4.div(f, f32x4.add(constant(Log.Two), f));
  const z = f32x4.mul(s, s);
  const p = step<f32>(step<f32>(constant(Log.P2), z, constant(Log.P1)), z, constant(Log.P0));
  const rest = f32x4.mul(s, f32x4.sub(f, f32x4.mul(z, p)));
  const kHigh = f32x4.mul(k, constant(Log.Ln2High)); // exact; 0, or further from 0 than f
  const sum = f32x4.add(kHigh, f);
  const error = f32x4.sub(f, f32x4.sub(sum, kHigh));
  return f32x4.add(sum, f32x4.add(error, f32x4.sub(f32x4.mul(k, constant(Log.Ln2Low)), rest)));
}

// @ts-ignore: decorator
@inline
function withSpecialValues(x: v128, result: v128): v128 {
  const zero = f32x4.splat(0);
  let out = v128.bitselect(f32x4.splat(-Infinity), result, f32x4.eq(x, zero));
  out = v128.bitselect(f32x4.splat(NaN), out, f32x4.lt(x, zero));
  return v128.bitselect(out, x, f32x4.le(x, constant(Log.MaxFinite)));
}

// @ts-ignore: decorator
@inline
function constant(index: Log): v128 {
  return v128.load32_splat(CONSTANTS + (<usize>index << 2));
}

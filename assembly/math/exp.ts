/**
 * @file exp and expm1 of a vector of T, and the reduction that every function made of e^x shares.
 *
 *   x = n·ln2 + r, |r| ≤ ln2/2       n = round(x·log2 e), found by adding 1.5·2^52 (f32: 1.5·2^23): `shifted`, whose low bits are n
 *   r = high − low                   high = x − n·(ln2 high) is exact, low = n·(ln2 low)
 *   e^r = 1 + (high + tail)          tail = r²·q(r) − low, so that only the last sums round near 1
 *   e^x = e^r·2^n                    by the exponent bits; in two halves where the result may be subnormal, so that it rounds once
 *
 * Reduction: Cody and Waite (1980). Coefficients: scripts/coefficients/coefficients.py exp.
 */

import { splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  1.4426950408889634, 0.6931471805601177, -1.7239444525614835e-13, 6755399441055744.0, 1.0, -746.0, 710.0, -40.0, 1000.0 + 6755399441055744.0, 708.0,
  0.5000000000000006, 0.16666666666666685, 0.041666666666572934, 0.008333333333314588, 0.0013888888932619297, 0.0001984126990307992,
  2.4801504141526717e-05, 2.7557227873614877e-06, 2.76264529849498e-07, 2.511450926221199e-08,
]);
const F32 = memory.data<f32>([
  1.4426950216293335, 0.693145751953125, 1.428606765330187e-06, 12582912.0, 1.0, -104.0, 89.0, -18.0, 120.0 + 12582912.0, 87.0,
  0.5, 0.16666541993618011, 0.041666269302368164, 0.008366639725863934, 0.0013947217958047986,
]);
export const LOG2_E: i32 = 0;
export const LN2_HIGH: i32 = 1;
export const LN2_LOW: i32 = 2;
export const SHIFT: i32 = 3;
export const ONE: i32 = 4;
/** exp is 0 below MIN and infinite above MAX; expm1 is −1 below MIN_EXPM1. */
const MIN: i32 = 5;
const MAX: i32 = 6;
const MIN_EXPM1: i32 = 7;
/** shifted(n) at an n whose 2^−n is below half an ulp of 1 and still normal. */
const MAX_SHIFTED: i32 = 8;
export const NEAR: i32 = 9;
export const Q: i32 = 10;

/** Elements beyond NEAR: e^x is or may be subnormal, 0 or infinite; and NaN. */
// @ts-ignore: decorator
@inline
export function isRareExp<T>(x: v128): v128 {
  return v128.not(v128.le<T>(v128.abs<T>(x), constant<T>(NEAR)));
}

/** e^x of any elements; within NEAR, f32, the bits of exponentials-f32.ts. */
// @ts-ignore: decorator
@inline
export function rareExp<T>(x: v128): v128 {
  const clamped = v128.pmax<T>(v128.pmin<T>(x, constant<T>(MAX)), constant<T>(MIN));
  const shifted = shiftedExponent<T>(clamped);
  return timesPowerOfTwo<T>(reducedPower<T>(clamped, shifted), shifted);
}

/** e^r. */
// @ts-ignore: decorator
@inline
export function reducedPower<T>(x: v128, shifted: v128): v128 {
  return v128.add<T>(constant<T>(ONE), reducedExpm1<T>(x, shifted));
}

/** e^r − 1. */
// @ts-ignore: decorator
@inline
export function reducedExpm1<T>(x: v128, shifted: v128): v128 {
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(x, n);
  return v128.add<T>(high, reducedTail<T>(high, reducedLow<T>(n)));
}

/** 2^n·((1 − 2^−n) + (e^r − 1)), the two summands added with their rounding error; the sign of x is put back for −0. */
// @ts-ignore: decorator
@inline
export function expm1<T>(x: v128): v128 {
  const clamped = v128.pmax<T>(v128.pmin<T>(x, constant<T>(MAX)), constant<T>(MIN_EXPM1));
  const shifted = shiftedExponent<T>(clamped);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(clamped, n);
  const tail = reducedTail<T>(high, reducedLow<T>(n));
  const w = negativePowerOfTwo<T>(v128.pmin<T>(shifted, constant<T>(MAX_SHIFTED)));
  const one = v128.sub<T>(constant<T>(ONE), w); // 0, ±½ or further from 0 than r
  const sum = v128.add<T>(one, high);
  const error = v128.sub<T>(high, v128.sub<T>(sum, one));
  const scaled = timesPowerOfTwo<T>(v128.add<T>(sum, v128.add<T>(error, tail)), shifted);
  return v128.or(scaled, v128.xor(x, v128.abs<T>(x)));
}

// @ts-ignore: decorator
@inline
export function constant<T>(index: i32): v128 {
  return splatFrom<T>(F64, F32, index);
}

/** n + 1.5·2^52 (f32: 1.5·2^23). */
// @ts-ignore: decorator
@inline
export function shiftedExponent<T>(x: v128): v128 {
  return v128.add<T>(v128.mul<T>(x, constant<T>(LOG2_E)), constant<T>(SHIFT));
}

// @ts-ignore: decorator
@inline
export function exponentOf<T>(shifted: v128): v128 {
  return v128.sub<T>(shifted, constant<T>(SHIFT));
}

// @ts-ignore: decorator
@inline
export function reducedHigh<T>(x: v128, n: v128): v128 {
  return v128.sub<T>(x, v128.mul<T>(n, constant<T>(LN2_HIGH)));
}

// @ts-ignore: decorator
@inline
export function reducedLow<T>(n: v128): v128 {
  return v128.mul<T>(n, constant<T>(LN2_LOW));
}

/** e^(high − low) − 1 − high. */
// @ts-ignore: decorator
@inline
export function reducedTail<T>(high: v128, low: v128): v128 {
  if (sizeof<T>() == 4) {
    return tailOfSingles(high, low, constant<T>(Q), constant<T>(Q + 1), constant<T>(Q + 2), constant<T>(Q + 3), constant<T>(Q + 4));
  }
  const r = v128.sub<T>(high, low);
  const r2 = v128.mul<T>(r, r);
  let even = step<T>(constant<T>(Q + 8), r2, constant<T>(Q + 6));
  let odd = step<T>(constant<T>(Q + 9), r2, constant<T>(Q + 7));
  even = step<T>(even, r2, constant<T>(Q + 4));
  odd = step<T>(odd, r2, constant<T>(Q + 5));
  even = step<T>(even, r2, constant<T>(Q + 2));
  odd = step<T>(odd, r2, constant<T>(Q + 3));
  even = step<T>(even, r2, constant<T>(Q));
  odd = step<T>(odd, r2, constant<T>(Q + 1));
  return v128.sub<T>(v128.mul<T>(r2, v128.add<T>(even, v128.mul<T>(odd, r))), low);
}

/** The same of f32, with q's coefficients. */
// @ts-ignore: decorator
@inline
export function tailOfSingles(high: v128, low: v128, q0: v128, q1: v128, q2: v128, q3: v128, q4: v128): v128 {
  const r = f32x4.sub(high, low);
  const r2 = f32x4.mul(r, r);
  const even = step<f32>(step<f32>(q4, r2, q2), r2, q0);
  const odd = step<f32>(q3, r2, q1);
  return f32x4.sub(f32x4.mul(r2, f32x4.add(even, f32x4.mul(odd, r))), low);
}

/** x·2^n as (x·2^⌊n/2⌋)·2^(n − ⌊n/2⌋): |n| up to 2 000 (f32: 250), one rounding. */
// @ts-ignore: decorator
@inline
export function timesPowerOfTwo<T>(x: v128, shifted: v128): v128 {
  if (sizeof<T>() == 8) {
    const half = v128.shr<u64>(shifted, 1);
    const first = v128.add<i64>(v128.shl<i64>(half, 52), constant<T>(ONE));
    const second = v128.add<i64>(v128.shl<i64>(v128.sub<i64>(shifted, half), 52), constant<T>(ONE));
    return v128.mul<T>(v128.mul<T>(x, first), second);
  } else {
    const half = v128.shr<u32>(shifted, 1);
    const first = v128.add<i32>(v128.shl<i32>(half, 23), constant<T>(ONE));
    const second = v128.add<i32>(v128.shl<i32>(v128.sub<i32>(shifted, half), 23), constant<T>(ONE));
    return v128.mul<T>(v128.mul<T>(x, first), second);
  }
}

/** 2^n, |n| ≤ 1022 (f32: 126). */
// @ts-ignore: decorator
@inline
export function powerOfTwo<T>(shifted: v128): v128 {
  if (sizeof<T>() == 8) return v128.add<i64>(constant<T>(ONE), v128.shl<i64>(shifted, 52));
  return v128.add<i32>(constant<T>(ONE), v128.shl<i32>(shifted, 23));
}

/** 2^−n, |n| ≤ 1022 (f32: 126). */
// @ts-ignore: decorator
@inline
export function negativePowerOfTwo<T>(shifted: v128): v128 {
  if (sizeof<T>() == 8) return v128.sub<i64>(constant<T>(ONE), v128.shl<i64>(shifted, 52));
  return v128.sub<i32>(constant<T>(ONE), v128.shl<i32>(shifted, 23));
}

/**
 * @file Natural logarithm of a vector of T, and of a block of doubles.
 *
 *   x = 2^k·m, m in [√½, √2)         f = m − 1, s = f/(2 + f), z = s²
 *   log m = 2s + s³·P(z)             = f − s·(f − z·P(z)), since 2s = f − s·f
 *   log x = k·(ln2 high) + f         in a vector the sum's rounding error joins k·(ln2 low) and the rest,
 *                                    in a block k·(ln2 low) joins f
 *
 * Coefficients: scripts/coefficients/coefficients.py exp log.
 */

import { PART, SPACE } from "./passes";
import { splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  0.7071067811865476, 1.0, 2.0, 2.2250738585072014e-308, 1.7976931348623157e308, 18014398509481984.0, 54.0,
  0.6931471805601177, -1.7239444525614835e-13,
  0.6666666666666735, 0.39999999999411023, 0.28571428743279415, 0.2222219847420851, 0.18183569833017246, 0.15313900871023406, 0.14797531227402008,
  -Infinity, 6.610366635895898e-07, -1.6440815473189196e-19,
]);
const F32 = memory.data<f32>([
  0.7071067690849304, 1.0, 2.0, 1.1754943508222875e-38, 3.4028234663852886e38, 33554432.0, 25.0,
  0.693145751953125, 1.428606765330187e-06,
  0.6666677594184875, 0.3997749388217926, 0.2987315356731415,
]);
const SQRT_HALF: i32 = 0;
const ONE: i32 = 1;
const TWO: i32 = 2;
const MIN_NORMAL: i32 = 3;
const MAX_FINITE: i32 = 4;
/** 2^54 (f32: 2^25) makes a subnormal normal. */
const LIFT: i32 = 5;
const LIFT_EXPONENT: i32 = 6;
const LN2_HIGH: i32 = 7;
const LN2_LOW: i32 = 8;
const P: i32 = 9;
/** The bits of sign and exponent, as −∞ has them; f64 only. */
const FIELD: i32 = 16;
/** LN2_HIGH and LN2_LOW times 2^−20, for k·2^20, the upper word of the exponent's bits; f64 only. */
const SCALED_HIGH: i32 = 17;
const SCALED_LOW: i32 = 18;

/** The upper words of 2^−1022 and of infinity. */
const MIN_NORMAL_WORD: i32 = 0x00100000;
const INFINITY_WORD: i32 = 0x7ff00000;

/** x positive, normal and finite. */
// @ts-ignore: decorator
@inline
export function log<T>(x: v128): v128 {
  return logOfScaled<T>(x, v128.splat<T>(<T>0));
}

/** Elements that log does not know: subnormal, zero, negative, infinite, NaN. */
// @ts-ignore: decorator
@inline
export function isRareLog<T>(x: v128): v128 {
  return v128.not(v128.and(v128.ge<T>(x, constant<T>(MIN_NORMAL)), v128.le<T>(x, constant<T>(MAX_FINITE))));
}

/**
 * log of a block of doubles that are positive, normal and finite: s, f, k·ln2 + f and z to the parts of SPACE, then the sum. False, and
 * nothing written, where one is not.
 */
export function logOfBlock(x: usize, end: usize, out: usize): bool {
  const half = constant<f64>(SQRT_HALF);
  const one = constant<f64>(ONE);
  const high = constant<f64>(SCALED_HIGH);
  const low = constant<f64>(SCALED_LOW);
  const field = constant<f64>(FIELD);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  const least = i32x4.splat(MIN_NORMAL_WORD);
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(largest, i32x4.sub(v128.shuffle<i32>(x0, x1, 1, 3, 5, 7), least));
    const scaled0 = v128.and(i64x2.sub(x0, half), field);
    const k0 = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(scaled0, scaled0, 1, 3, 1, 3));
    const m0 = i64x2.sub(x0, scaled0);
    const f0 = f64x2.sub(m0, one);
    const s0 = f64x2.div(f0, f64x2.add(m0, one));
    v128.store(at, s0);
    v128.store(at, f0, PART);
    v128.store(at, step<f64>(k0, high, step<f64>(k0, low, f0)), 2 * PART);
    v128.store(at, f64x2.mul(s0, s0), 3 * PART);

    const scaled1 = v128.and(i64x2.sub(x1, half), field);
    const k1 = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(scaled1, scaled1, 1, 3, 1, 3));
    const m1 = i64x2.sub(x1, scaled1);
    const f1 = f64x2.sub(m1, one);
    const s1 = f64x2.div(f1, f64x2.add(m1, one));
    v128.store(at, s1, 16);
    v128.store(at, f1, PART + 16);
    v128.store(at, step<f64>(k1, high, step<f64>(k1, low, f1)), 2 * PART + 16);
    v128.store(at, f64x2.mul(s1, s1), 3 * PART + 16);
  }
  // What is below 2^−1022, less its upper word, is large as a whole number without sign.
  if (v128.any_true(i32x4.ge_u(largest, i32x4.splat(INFINITY_WORD - MIN_NORMAL_WORD)))) return false;

  const p0 = constant<f64>(P);
  const p1 = constant<f64>(P + 1);
  const p2 = constant<f64>(P + 2);
  const p3 = constant<f64>(P + 3);
  const p4 = constant<f64>(P + 4);
  const p5 = constant<f64>(P + 5);
  const p6 = constant<f64>(P + 6);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const high0 = highRest(v128.load(at, 3 * PART), p3, p4, p5, p6);
    const low0 = lowRest(v128.load(at, 3 * PART), v128.load(at, PART), p0, p1, p2);
    v128.store(at + toOut, step<f64>(f64x2.add(high0, low0), v128.load(at), v128.load(at, 2 * PART)));
    const high1 = highRest(v128.load(at, 3 * PART + 16), p3, p4, p5, p6);
    const low1 = lowRest(v128.load(at, 3 * PART + 16), v128.load(at, PART + 16), p0, p1, p2);
    v128.store(at + toOut, step<f64>(f64x2.add(high1, low1), v128.load(at, 16), v128.load(at, 2 * PART + 16)), 16);
  }
  return true;
}

/** z⁴·(the upper coefficients' part of P). */
// @ts-ignore: decorator
@inline
function highRest(z: v128, p3: v128, p4: v128, p5: v128, p6: v128): v128 {
  const z2 = f64x2.mul(z, z);
  return f64x2.mul(step<f64>(step<f64>(p6, z, p5), z2, step<f64>(p4, z, p3)), f64x2.mul(z2, z2));
}

/** z·(the lower coefficients' part of P) − f. */
// @ts-ignore: decorator
@inline
function lowRest(z: v128, f: v128, p0: v128, p1: v128, p2: v128): v128 {
  return f64x2.sub(f64x2.mul(z, step<f64>(p2, f64x2.mul(z, z), step<f64>(p1, z, p0))), f);
}

/** Of one vector that logOfBlock does not know, from x to out. */
export function farLog(x: usize, out: usize): void {
  v128.store(out, logOfAny<f64>(v128.load(x)));
}

/** Two vectors of any elements; those that log knows get the bits that log gives. */
export function rareLog<T>(x: usize, out: usize): void {
  const first = logOfAny<T>(v128.load(x));
  const second = logOfAny<T>(v128.load(x, 16));
  v128.store(out, first);
  v128.store(out, second, 16);
}

// @ts-ignore: decorator
@inline
function logOfAny<T>(x: v128): v128 {
  const tiny = v128.lt<T>(x, constant<T>(MIN_NORMAL));
  const normal = v128.bitselect(v128.mul<T>(x, constant<T>(LIFT)), x, tiny);
  return withSpecialValues<T>(x, logOfScaled<T>(normal, v128.and(constant<T>(LIFT_EXPONENT), tiny)));
}

/** log(x·2^−lifted). */
// @ts-ignore: decorator
@inline
function logOfScaled<T>(x: v128, lifted: v128): v128 {
  const k = v128.sub<T>(exponent<T>(x), lifted);
  const f = v128.sub<T>(mantissa<T>(x), constant<T>(ONE));
  const s = v128.div<T>(f, v128.add<T>(constant<T>(TWO), f));
  const z = v128.mul<T>(s, s);
  let p: v128;
  if (sizeof<T>() == 8) {
    p = step<T>(constant<T>(P + 6), z, constant<T>(P + 5));
    p = step<T>(p, z, constant<T>(P + 4));
    p = step<T>(p, z, constant<T>(P + 3));
    p = step<T>(p, z, constant<T>(P + 2));
  } else {
    p = constant<T>(P + 2);
  }
  p = step<T>(p, z, constant<T>(P + 1));
  p = step<T>(p, z, constant<T>(P));
  const rest = v128.mul<T>(s, v128.sub<T>(f, v128.mul<T>(z, p)));
  const kHigh = v128.mul<T>(k, constant<T>(LN2_HIGH)); // exact; 0, or further from 0 than f
  const sum = v128.add<T>(kHigh, f);
  const error = v128.sub<T>(f, v128.sub<T>(sum, kHigh));
  return v128.add<T>(sum, v128.add<T>(error, v128.sub<T>(v128.mul<T>(k, constant<T>(LN2_LOW)), rest)));
}

// @ts-ignore: decorator
@inline
function withSpecialValues<T>(x: v128, result: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  let out = v128.bitselect(v128.splat<T>(<T>(-Infinity)), result, v128.eq<T>(x, zero));
  out = v128.bitselect(v128.splat<T>(<T>NaN), out, v128.lt<T>(x, zero));
  return v128.bitselect(out, x, v128.le<T>(x, constant<T>(MAX_FINITE)));
}

/** k as T. */
// @ts-ignore: decorator
@inline
function exponent<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    const high = v128.shr<i32>(v128.sub<i64>(x, constant<T>(SQRT_HALF)), 20);
    return f64x2.convert_low_i32x4_s(v128.shuffle<i32>(high, high, 1, 3, 1, 3));
  } else {
    return f32x4.convert_i32x4_s(v128.shr<i32>(v128.sub<i32>(x, constant<T>(SQRT_HALF)), 23));
  }
}

// @ts-ignore: decorator
@inline
function mantissa<T>(x: v128): v128 {
  if (sizeof<T>() == 8) {
    return v128.sub<i64>(x, v128.shl<i64>(v128.shr<u64>(v128.sub<i64>(x, constant<T>(SQRT_HALF)), 52), 52));
  } else {
    return v128.sub<i32>(x, v128.shl<i32>(v128.shr<u32>(v128.sub<i32>(x, constant<T>(SQRT_HALF)), 23), 23));
  }
}

// @ts-ignore: decorator
@inline
function constant<T>(index: i32): v128 {
  return splatFrom<T>(F64, F32, index);
}

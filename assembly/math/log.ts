/**
 * @file Natural logarithm of a block of doubles. f32: log-f32.ts.
 *
 *   x = 2^k·m, m in [√½, √2)         f = m − 1, s = f/(2 + f), z = s²
 *   log m = 2s + s³·P(z)             = f − s·(f − z·P(z)), since 2s = f − s·f
 *   log x = k·(ln2 high) + f         k·(ln2 low) joins f
 *   P(z)  = p·(z² + a·z + b)·(z² + c·z + d)·(z² + e·z + g)      fewer products than Horner's form, in a chain as short as Estrin's
 *
 * Coefficients: scripts/coefficients/coefficients.py log.
 */

import { PART, SPACE } from "./passes";
import { step } from "./table";

const CONSTANTS = memory.data<f64>([
  0.7071067811865476, 1.0, -Infinity, 6.610366635895898e-07, -1.6440815473189196e-19,
  0.14797531227402008, -1.7318525334769637, 1.6265255343587133, 0.4622798427329802, 1.6678037283007263, 2.3044683524382252, 1.6607859033507544,
]);
/** Field: the bits of sign and exponent, as −∞ has them. ln 2 is that of k·2^20, the upper word of the exponent's bits. */
const enum Log { SqrtHalf, One, Field, Ln2High, Ln2Low, P, A, B, C, D, E, G }

/** The upper words of 2^−1022 and of infinity. */
const MIN_NORMAL_WORD: i32 = 0x00100000;
const INFINITY_WORD: i32 = 0x7ff00000;

/** 2^1074, the least number's inverse, makes a subnormal 1 or more: its root, and its logarithm as two numbers. */
const ROOT_LIFT: f64 = 4.4989137945431964e161;
const LIFT_HIGH: f64 = 744.4400719213812;
const LIFT_LOW: f64 = 4.422444340918698e-14;
/** A turn of logOfBlock; one memory per instance. */
const LIFTED = memory.data(32, 16);

/**
 * log of a block of doubles that are positive, normal and finite: s, f and k·ln2 + f to the parts of SPACE, then the sum. False, and
 * nothing written, where one is not.
 */
export function logOfBlock(x: usize, end: usize, out: usize): bool {
  const half = constant(Log.SqrtHalf);
  const one = constant(Log.One);
  const field = constant(Log.Field);
  const high = constant(Log.Ln2High);
  const low = constant(Log.Ln2Low);
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

    const scaled1 = v128.and(i64x2.sub(x1, half), field);
    const k1 = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(scaled1, scaled1, 1, 3, 1, 3));
    const m1 = i64x2.sub(x1, scaled1);
    const f1 = f64x2.sub(m1, one);
    const s1 = f64x2.div(f1, f64x2.add(m1, one));
    v128.store(at, s1, 16);
    v128.store(at, f1, PART + 16);
    v128.store(at, step<f64>(k1, high, step<f64>(k1, low, f1)), 2 * PART + 16);
  }
  // What is below 2^−1022, less its upper word, is large as a whole number without sign.
  if (v128.any_true(i32x4.ge_u(largest, i32x4.splat(INFINITY_WORD - MIN_NORMAL_WORD)))) return false;

  const p = constant(Log.P);
  const a = constant(Log.A);
  const b = constant(Log.B);
  const c = constant(Log.C);
  const d = constant(Log.D);
  const e = constant(Log.E);
  const g = constant(Log.G);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const s0 = v128.load(at), s1 = v128.load(at, 16);
    const product0 = timesPolynomial(f64x2.mul(s0, s0), p, a, b, c, d, e, g);
    v128.store(at + toOut, step<f64>(f64x2.sub(product0, v128.load(at, PART)), s0, v128.load(at, 2 * PART)));
    const product1 = timesPolynomial(f64x2.mul(s1, s1), p, a, b, c, d, e, g);
    v128.store(at + toOut, step<f64>(f64x2.sub(product1, v128.load(at, PART + 16)), s1, v128.load(at, 2 * PART + 16)), 16);
  }
  return true;
}

/** z·P(z) */
// @ts-ignore: decorator
@inline
function timesPolynomial(z: v128, p: v128, a: v128, b: v128, c: v128, d: v128, e: v128, g: v128): v128 {
  const first = f64x2.mul(quadratic(z, a, b), quadratic(z, c, d));
  return f64x2.mul(first, f64x2.mul(f64x2.mul(p, z), quadratic(z, e, g)));
}

/** (z + a)·z + b */
// @ts-ignore: decorator
@inline
function quadratic(z: v128, a: v128, b: v128): v128 {
  return step<f64>(f64x2.add(z, a), z, b);
}

/** Of one vector that logOfBlock does not know, from x to out: subnormal elements, zeros, negative ones, infinities, NaN. */
export function farLog(x: usize, out: usize): void {
  const value = v128.load(x);
  const zero = f64x2.splat(0);
  const root = f64x2.splat(ROOT_LIFT);
  const subnormal = v128.and(f64x2.gt(value, zero), f64x2.lt(value, f64x2.splat(2.2250738585072014e-308)));
  v128.store(LIFTED, v128.bitselect(f64x2.mul(f64x2.mul(value, root), root), f64x2.splat(1.0), subnormal));
  v128.store(LIFTED, f64x2.splat(1.0), 16);
  logOfBlock(LIFTED, LIFTED + 32, LIFTED);
  let result = f64x2.sub(f64x2.sub(v128.load(LIFTED), f64x2.splat(LIFT_LOW)), f64x2.splat(LIFT_HIGH));
  result = v128.bitselect(f64x2.splat(-Infinity), result, f64x2.eq(value, zero));
  result = v128.bitselect(f64x2.splat(NaN), result, f64x2.lt(value, zero));
  v128.store(out, v128.bitselect(result, value, f64x2.lt(value, f64x2.splat(Infinity))));
}

// @ts-ignore: decorator
@inline
function constant(index: Log): v128 {
  return v128.load64_splat(CONSTANTS + (<usize>index << 3));
}

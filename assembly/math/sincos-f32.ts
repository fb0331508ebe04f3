/**
 * @file Sine and cosine of vectors of f32, any finite argument.
 *
 *   x = k·π/2 + r, |r| ≤ π/4          π/2 in three parts, the first two of 18 bits: k·part is exact; low is k·(the third)
 *   sin r = r − (low + r·z·S(z))      cos r = 1 − (z/2 − z²·C(z))      z = r²
 *
 * The parity of k chooses one, its second bit is the sign; cos x is sin x with k + 1. From LIMIT on r is found in f64, from
 * FAR on by remainder.ts.
 *
 * Reduction: Cody and Waite (1980). Coefficients: scripts/coefficients/coefficients.py sincos.
 */

import { Part } from "./remainder";
import { remainders } from "./sincos";
import { step } from "./table";

const CONSTANTS = memory.data<f32>([
  0.6366197466850281, 12582912.0, 12582913.0, 1.5707931518554688, 3.1749368645250797e-06, 2.5633440682570896e-12,
  0.16666655242443085, -0.008332176133990288, 0.0001951696176547557,
  0.04166664555668831, -0.0013887365348637104, 2.4438113541691564e-05,
  0.5, 1.0,
]);
/** 2/π, 1.5·2^23 and that + 1, π/2 in three parts, and the coefficients of S and C. */
const enum Circle { Units, Shift, ShiftCos, Part, Part1, Part2, S, S1, S2, C, C1, C2, Half, One }

const UNITS: f64 = 0.6366197723675814;
const SHIFT: f64 = 6755399441055744.0;
/** π/2 in two parts, the first of 33 bits. */
const PART: f64 = 1.5707963267341256;
const PART1: f64 = 6.077100506506192e-11;

/** |k| ≤ 64 below it. */
const LIMIT: f32 = 100.0;
/** k·PART is exact below it. */
const FAR: f64 = 1048576.0;

/** Elements that circularOfSingles does not know: |x| ≥ LIMIT and NaN. */
// @ts-ignore: decorator
@inline
export function isRareCircular(x: v128): v128 {
  return v128.not(f32x4.lt(f32x4.abs(x), f32x4.splat(LIMIT)));
}

/** sin(x + turn·π/2) of four elements; turn is 0 or 1. */
// @ts-ignore: decorator
@inline
export function circularOfSingles(turn: i32, x: v128): v128 {
  const shift = turn == 0 ? Circle.Shift : Circle.ShiftCos;
  const shifted = step<f32>(x, constant(Circle.Units), constant(shift));
  const n = f32x4.sub(shifted, constant(shift));
  return sum(shifted, reduced(x, n), f32x4.mul(n, constant(Circle.Part2)));
}

// @ts-ignore: decorator
@inline
function reduced(x: v128, n: v128): v128 {
  return f32x4.sub(f32x4.sub(x, f32x4.mul(n, constant(Circle.Part))), f32x4.mul(n, constant(Circle.Part1)));
}

/** k: whole numbers, or floats whose low bits they are. */
// @ts-ignore: decorator
@inline
function sum(k: v128, r: v128, low: v128): v128 {
  const z = f32x4.mul(r, r);
  const s = step<f32>(step<f32>(constant(Circle.S2), z, constant(Circle.S1)), z, constant(Circle.S));
  const sine = f32x4.sub(r, f32x4.add(low, f32x4.mul(f32x4.mul(r, z), s))); // sin −0 = −0
  const c = step<f32>(step<f32>(constant(Circle.C2), z, constant(Circle.C1)), z, constant(Circle.C));
  const cosine = f32x4.sub(constant(Circle.One), f32x4.sub(f32x4.mul(z, constant(Circle.Half)), f32x4.mul(f32x4.mul(z, z), c)));
  const odd = i32x4.shr_s(i32x4.shl(k, 31), 31);
  const sign = i32x4.shl(i32x4.shr_u(k, 1), 31);
  return v128.xor(v128.bitselect(cosine, sine, odd), sign);
}

/** Two vectors of any elements; those that circularOfSingles knows get the bits that it gives. */
export function rareCircular(turn: i32, x: usize, out: usize): void {
  const first = circularOfAny(turn, v128.load(x));
  const second = circularOfAny(turn, v128.load(x, 16));
  v128.store(out, first);
  v128.store(out, second, 16);
}

function circularOfAny(turn: i32, x: v128): v128 {
  const shifted = step<f32>(x, constant(Circle.Units), constant(Circle.Shift));
  const n = f32x4.sub(shifted, constant(Circle.Shift));
  const beyond = isRareCircular(x);
  const firstHalf = f64x2.promote_low_f32x4(x);
  const secondHalf = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
  const firstK = quadrants(firstHalf);
  const secondK = quadrants(secondHalf);
  const r = v128.shuffle<i64>(f32x4.demote_f64x2_zero(angles(firstHalf, firstK)), f32x4.demote_f64x2_zero(angles(secondHalf, secondK)), 0, 2);
  const k = v128.bitselect(v128.shuffle<i32>(firstK, secondK, 0, 2, 4, 6), shifted, beyond);
  const low = v128.andnot(f32x4.mul(n, constant(Circle.Part2)), beyond);
  return sum(i32x4.add(k, i32x4.splat(turn)), v128.bitselect(r, reduced(x, n), beyond), low);
}

/** k in the low bits. */
// @ts-ignore: decorator
@inline
function quadrants(x: v128): v128 {
  const k = step<f64>(x, f64x2.splat(UNITS), f64x2.splat(SHIFT));
  const far = isFar(x);
  return v128.any_true(far) ? v128.bitselect(f64x2.add(f64x2.splat(SHIFT), remainders(x, Part.Quadrant)), k, far) : k;
}

/** r; NaN where x is not finite. */
// @ts-ignore: decorator
@inline
function angles(x: v128, k: v128): v128 {
  const n = f64x2.sub(k, f64x2.splat(SHIFT));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, f64x2.splat(PART))), f64x2.mul(n, f64x2.splat(PART1)));
  const far = isFar(x);
  return v128.any_true(far) ? v128.bitselect(remainders(x, Part.High), r, far) : r;
}

// @ts-ignore: decorator
@inline
function isFar(x: v128): v128 {
  return v128.not(f64x2.lt(f64x2.abs(x), f64x2.splat(FAR)));
}

// @ts-ignore: decorator
@inline
function constant(index: Circle): v128 {
  return v128.load32_splat(CONSTANTS + (<usize>index << 2));
}

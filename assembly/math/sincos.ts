/**
 * @file Sine and cosine of a vector of T, any finite argument.
 *
 *   x = k·π/2 + r, |r| ≤ π/4        r = high + low, from π/2 in four parts, the first three of 33 bits: k·part is exact
 *   sin r = r + r·z·S(z)            z = r²; low enters as low·cos r
 *   cos r = 1 − z/2 + z²·C(z)       low enters as −low·sin r
 *
 * From LIMIT on the reduction is that of remainder.ts, element by element. f32 is computed in f64 and rounded.
 *
 * Reduction: Cody and Waite (1980). Coefficients: scripts/coefficients/coefficients.py sincos.
 */

import { fastSumError, sumError } from "./pair";
import { Part, remainder } from "./remainder";
import { cubicFrom, splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  0.6366197723675814, 6755399441055744.0, 1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32,
  1.0, 0.5,
  // S
  -0.16666666666666632, 0.008333333333322377, -0.00019841269829775124, 2.7557313679545728e-06, -2.505075603602843e-08, 1.5896667952905228e-10,
  // C
  0.0416666666666666, -0.0013888888888874075, 2.480158728944775e-05, -2.755731434160117e-07, 2.0875721722904975e-09, -1.135956336111957e-11,
]);
const TWO_OVER_PI: i32 = 0;
const SHIFT: i32 = 1;
const PART: i32 = 2;
const ONE: i32 = 6;
const HALF: i32 = 7;
const S: i32 = 8;
const C: i32 = 14;
/** k·part is exact below it. */
const LIMIT: f64 = 1048576.0;

// @ts-ignore: decorator
@inline
export function sin<T>(x: v128): v128 {
  return circular<T>(x, 0);
}

// @ts-ignore: decorator
@inline
export function cos<T>(x: v128): v128 {
  return circular<T>(x, 1);
}

/** sin(x + turns·π/2), |x| < LIMIT. */
// @ts-ignore: decorator
@inline
function circular<T>(x: v128, turns: i64): v128 {
  if (sizeof<T>() == 8) return circularOfPair(x, turns, false);
  const upper = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
  const low = f32x4.demote_f64x2_zero(circularOfPair(f64x2.promote_low_f32x4(x), turns, false));
  const high = f32x4.demote_f64x2_zero(circularOfPair(upper, turns, false));
  return v128.shuffle<i64>(low, high, 0, 2);
}

/** Elements that sin and cos do not know: large, infinite, NaN. */
// @ts-ignore: decorator
@inline
export function isRareCircular<T>(x: v128): v128 {
  return v128.not(v128.lt<T>(v128.abs<T>(x), v128.splat<T>(<T>LIMIT)));
}

/** Two vectors of any elements; those that sin and cos know get the bits that these give. */
export function rareCircular<T>(x: usize, out: usize, turns: i64): void {
  if (sizeof<T>() == 8) {
    const first = circularOfPair(v128.load(x), turns, true);
    const second = circularOfPair(v128.load(x, 16), turns, true);
    v128.store(out, first);
    v128.store(out, second, 16);
  } else {
    for (let i = 0; i < 32; i += 8) {
      const pair = circularOfPair(f64x2.promote_low_f32x4(v128.load64_zero(x + i)), turns, true);
      v128.store_lane<i64>(out + i, f32x4.demote_f64x2_zero(pair), 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function circularOfPair(x: v128, turns: i64, anySize: bool): v128 {
  let shifted = f64x2.add(f64x2.mul(x, constant(TWO_OVER_PI)), constant(SHIFT));
  const k = f64x2.sub(shifted, constant(SHIFT));
  const first = f64x2.sub(x, f64x2.mul(k, constant(PART))); // exact
  const product2 = f64x2.neg(f64x2.mul(k, constant(PART + 1)));
  const second = f64x2.add(first, product2);
  const product3 = f64x2.neg(f64x2.mul(k, constant(PART + 2)));
  const third = f64x2.add(second, product3);
  const rest = f64x2.sub(
    f64x2.add(sumError<f64>(second, first, product2), sumError<f64>(third, second, product3)),
    f64x2.mul(k, constant(PART + 3)),
  );
  let r = f64x2.add(third, rest);
  let low = fastSumError<f64>(r, third, rest);
  if (anySize) {
    const far = isRareCircular<f64>(x);
    shifted = v128.bitselect(f64x2.add(remainders(x, Part.Quadrant), constant(SHIFT)), shifted, far);
    r = v128.bitselect(remainders(x, Part.High), r, far);
    low = v128.bitselect(remainders(x, Part.Low), low, far);
  }
  const result = circularOfReduced(r, low, i64x2.add(shifted, i64x2.splat(turns)));
  return v128.bitselect(x, result, v128.and(f64x2.eq(x, f64x2.splat(0)), i64x2.splat(turns - 1))); // sin −0 = −0
}

/** sin(r + low + quadrant·π/2): the last two bits of quadrant count. */
// @ts-ignore: decorator
@inline
function circularOfReduced(r: v128, low: v128, quadrant: v128): v128 {
  const one = constant(ONE);
  const z = f64x2.mul(r, r);
  const z2 = f64x2.mul(z, z);
  const halfZ = f64x2.mul(constant(HALF), z);
  const cosLead = f64x2.sub(one, halfZ);
  const cosRest = f64x2.sub(f64x2.sub(one, cosLead), halfZ);
  const cosine = f64x2.add(cosLead, f64x2.add(cosRest, f64x2.sub(f64x2.mul(z2, sixTerms(C, z, z2)), f64x2.mul(r, low))));
  const sine = f64x2.add(r, f64x2.add(f64x2.mul(f64x2.mul(r, z), sixTerms(S, z, z2)), f64x2.mul(low, cosLead)));
  const swap = i64x2.neg(v128.and(quadrant, i64x2.splat(1)));
  const sign = i64x2.shl(i64x2.shr_u(quadrant, 1), 63);
  return v128.xor(v128.bitselect(cosine, sine, swap), sign);
}

/** One part of the reduction of both elements; NaN where x is not finite, anything where |x| < LIMIT. */
function remainders(x: v128, part: Part): v128 {
  return f64x2(remainderOrNaN(f64x2.extract_lane(x, 0), part), remainderOrNaN(f64x2.extract_lane(x, 1), part));
}

function remainderOrNaN(x: f64, part: Part): f64 {
  if (!(abs(x) < Infinity)) return part == Part.Quadrant ? 0.0 : NaN;
  return abs(x) < LIMIT ? 0.0 : remainder(x, part);
}

/** Σ_{j < 6} c[j]·z^j, z2 = z². */
// @ts-ignore: decorator
@inline
function sixTerms(c: i32, z: v128, z2: v128): v128 {
  const top = step<f64>(constant(c + 5), z, constant(c + 4));
  return step<f64>(top, f64x2.mul(z2, z2), cubicFrom<f64>(F64, F64, c, z, z2));
}

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return splatFrom<f64>(F64, F64, index);
}

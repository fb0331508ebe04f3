/**
 * @file Error function of a vector of T.
 *
 *   |x| < 1   erf x = x + x·P(x²)
 *   a ≥ 1     erf a = 1 − e^(−a²)·H(t)/(a + k)       t = (a − k)/(a + k)
 *
 * Both are computed and one is taken. The map t: Shepherd and Laframboise (1981), Math. Comp. 36.
 * Coefficients: scripts/coefficients/coefficients.py erf.
 */

import { powerOfTwo, reducedPower, shiftedExponent } from "./exp";
import { cubicFrom, splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  1.0, 6.0, 2.5,
  // P
  0.12837916709551256, -0.3761263890318355, 0.11283791670945253, -0.02686617064327622, 0.005223977607423468, -0.0008548325989696758,
  0.00012055295320494294, -1.4924744663335489e-05, 1.6447517677871873e-06, -1.6209175911748696e-07, 1.3722976265924504e-08, -7.801188874097751e-10,
  // H
  1.0540318203057188, -0.8046518494391531, 0.45391411664675885, -0.17125114526720447, 0.028361550138484043, 0.008393046840768272,
  -0.0048187638201358865, -0.00043916158999516045, 0.000702345764319155, 5.539970724616839e-05, -0.0001225036718909224, -3.7949345739716626e-05,
]);
const F32 = memory.data<f32>([
  1.0, 4.0, 2.0,
  // P
  0.12837916612625122, -0.3761262595653534, 0.11283600330352783, -0.026854446157813072, 0.005189536605030298, -0.0008020845707505941,
  7.889119297033176e-05,
  // H
  1.0215829610824585, -0.687160849571228, 0.2793820798397064, -0.03740782290697098, -0.025412455201148987,
]);
const ONE: i32 = 0;
/** Beyond it erf is 1. */
const MAX: i32 = 1;
const K: i32 = 2;
const P: i32 = 3;
const H_F64: i32 = 15;
const H_F32: i32 = 10;

// @ts-ignore: decorator
@inline
export function erf<T>(x: v128): v128 {
  const a = v128.abs<T>(x);
  const near = v128.add<T>(x, v128.mul<T>(x, smallFactor<T>(v128.mul<T>(x, x))));
  const far = v128.sub<T>(constant<T>(ONE), complement<T>(v128.pmin<T>(a, constant<T>(MAX))));
  return v128.bitselect(near, v128.or(far, v128.xor(x, a)), v128.lt<T>(a, constant<T>(ONE)));
}

/** erfc(a), 1 ≤ a ≤ MAX, to the precision that 1 − erfc(a) needs. */
// @ts-ignore: decorator
@inline
function complement<T>(a: v128): v128 {
  const inverse = v128.div<T>(constant<T>(ONE), v128.add<T>(a, constant<T>(K)));
  const h = tailFactor<T>(v128.mul<T>(v128.sub<T>(a, constant<T>(K)), inverse));
  const square = v128.neg<T>(v128.mul<T>(a, a));
  const shifted = shiftedExponent<T>(square);
  const scale = powerOfTwo<T>(shifted); // n ≥ −52 (f32: −24)
  return v128.mul<T>(v128.mul<T>(reducedPower<T>(square, shifted), scale), v128.mul<T>(inverse, h));
}

/** P(z). */
// @ts-ignore: decorator
@inline
function smallFactor<T>(z: v128): v128 {
  const z2 = v128.mul<T>(z, z);
  const z4 = v128.mul<T>(z2, z2);
  const top = sizeof<T>() == 8
    ? step<T>(cubic<T>(P + 8, z, z2), z4, cubic<T>(P + 4, z, z2))
    : step<T>(step<T>(constant<T>(P + 6), z, constant<T>(P + 5)), z, constant<T>(P + 4));
  return step<T>(top, z4, cubic<T>(P, z, z2));
}

/** H(t). */
// @ts-ignore: decorator
@inline
function tailFactor<T>(t: v128): v128 {
  const t2 = v128.mul<T>(t, t);
  const t4 = v128.mul<T>(t2, t2);
  if (sizeof<T>() == 4) return step<T>(constant<T>(H_F32 + 4), t4, cubic<T>(H_F32, t, t2));
  return step<T>(step<T>(cubic<T>(H_F64 + 8, t, t2), t4, cubic<T>(H_F64 + 4, t, t2)), t4, cubic<T>(H_F64, t, t2));
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

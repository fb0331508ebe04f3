/**
 * @file Error function, and gelu(x) = x·Φ(x) with Φ the normal distribution function, of a vector of T.
 *
 *   |x| < 1   erf x = x + x·P(x²)                       Φ(x) = ½ + x·P(x²)
 *   a ≥ 1     erf a = 1 − e^(−a²)·H(t)/(a + k)          Φ(−a) = e^(−a²/2)·H(t)/(a + k)        t = (a − k)/(a + k)
 *
 * The tail of Φ is relative to its own size: gelu(−10) is −7.6e-23 to a few ulp. e^(−a²/2) squares a in two halves, the
 * high one exactly. A vector takes the branches that its elements need.
 *
 * The map t is Shepherd and Laframboise (1981), Math. Comp. 36. Coefficients: scripts/coefficients/coefficients.py erf.
 */

import { exponentOf, reducedHigh, reducedLow, reducedTail, shiftedExponent, timesPowerOfTwo } from "./exp";
import { splatFrom, step } from "./table";

const F64 = memory.data<f64>([
  0.5, 1.0, 6.0, 2.5, 39.5, 4.000244140625,
  // erf P
  0.12837916709551256, -0.3761263890318355, 0.11283791670945253, -0.02686617064327622, 0.005223977607423468, -0.0008548325989696758,
  0.00012055295320494294, -1.4924744663335489e-05, 1.6447517677871873e-06, -1.6209175911748696e-07, 1.3722976265924504e-08, -7.801188874097751e-10,
  // erf H
  1.0540318203057188, -0.8046518494391531, 0.45391411664675885, -0.17125114526720447, 0.028361550138484043, 0.008393046840768272,
  -0.0048187638201358865, -0.00043916158999516045, 0.000702345764319155, 5.539970724616839e-05, -0.0001225036718909224, -3.7949345739716626e-05,
  // Φ P
  0.3989422804014327, -0.06649038006690543, 0.009973557010035033, -0.001187328215468165, 0.00011543468751740834, -9.44465579627051e-06,
  6.65967995157269e-07, -4.1224117623609465e-08, 2.270422346794056e-09, -1.1064732233798987e-10, 4.075134520517938e-12,
  // Φ H
  0.7552896280126205, -0.6079146128091402, 0.38716924023558863, -0.18655562052419933, 0.060420037221551065, -0.007550273500076646,
  -0.0034780685454180002, 0.001631643901558238, 0.00013288669789138927, -0.00023113935768172557, -1.8262086005715766e-06, 3.514834506387827e-05,
  7.019585502099777e-07, -5.92823238162064e-06, -6.255528579928636e-07, 1.0409135754128319e-06, 2.6192445340085576e-07, -1.822263124968032e-07,
  -6.482251260233566e-08, 3.0649989961653756e-08, 2.325977975469001e-09,
]);
const F32 = memory.data<f32>([
  0.5, 1.0, 4.0, 2.0, 15.0, 3.04296875,
  // erf P
  0.12837916612625122, -0.3761262595653534, 0.11283600330352783, -0.026854446157813072, 0.005189536605030298, -0.0008020845707505941,
  7.889119297033176e-05,
  // erf H
  1.0215829610824585, -0.687160849571228, 0.2793820798397064, -0.03740782290697098, -0.025412455201148987,
  // Φ P
  0.3989422917366028, -0.06649035960435867, 0.009973331354558468, -0.0011863530380651355, 0.00011351266584824771, -7.664679287699983e-06,
  // Φ H
  0.7306321859359741, -0.5148358941078186, 0.23789523541927338, -0.052884526550769806, -0.008837800472974777, 0.007393896114081144,
  0.000584940891712904, -0.0010310419602319598,
]);
const HALF: i32 = 0;
const ONE: i32 = 1;
/** Beyond it erf is 1. */
const MAX_ERF: i32 = 2;
const K_ERF: i32 = 3;
/** Beyond it x·Φ(−|x|) is 0. */
const MAX_GELU: i32 = 4;
const K_GELU: i32 = 5;

// @ts-ignore: decorator
@inline
export function erf<T>(x: v128): v128 {
  const a = v128.abs<T>(x);
  const small = v128.lt<T>(a, constant<T>(ONE));
  const large = v128.not(small);
  let result = x;
  if (v128.any_true(small)) {
    const p = erfSmall<T>(v128.mul<T>(x, x));
    result = v128.add<T>(x, v128.mul<T>(x, p));
  }
  if (v128.any_true(large)) {
    const tail = erfTail<T>(v128.pmin<T>(a, constant<T>(MAX_ERF)));
    const signed = v128.or(v128.sub<T>(constant<T>(ONE), tail), v128.xor(x, a));
    result = v128.bitselect(signed, result, large);
  }
  return result;
}

/** −0 at −∞, the limit. */
// @ts-ignore: decorator
@inline
export function gelu<T>(x: v128): v128 {
  const a = v128.abs<T>(x);
  const small = v128.lt<T>(a, constant<T>(ONE));
  const large = v128.not(small);
  let result = x;
  if (v128.any_true(small)) {
    const p = normalSmall<T>(v128.mul<T>(x, x));
    result = v128.mul<T>(x, v128.add<T>(constant<T>(HALF), v128.mul<T>(x, p)));
  }
  if (v128.any_true(large)) {
    result = v128.bitselect(geluTail<T>(x, v128.pmin<T>(a, constant<T>(MAX_GELU))), result, large);
  }
  return result;
}

/** erfc(a), 1 ≤ a ≤ MAX_ERF, to the precision that 1 − erfc(a) needs. */
// @ts-ignore: decorator
@inline
function erfTail<T>(a: v128): v128 {
  const inverse = v128.div<T>(constant<T>(ONE), v128.add<T>(a, constant<T>(K_ERF)));
  const t = v128.mul<T>(v128.sub<T>(a, constant<T>(K_ERF)), inverse);
  const h = erfTailFactor<T>(t);
  const square = v128.neg<T>(v128.mul<T>(a, a));
  const shifted = shiftedExponent<T>(square);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(square, n);
  const power = v128.add<T>(constant<T>(ONE), v128.add<T>(high, reducedTail<T>(high, reducedLow<T>(n))));
  return timesPowerOfTwo<T>(v128.mul<T>(power, v128.mul<T>(inverse, h)), shifted);
}

/** x·Φ(x), |x| ≥ 1; a = min(|x|, MAX_GELU). */
// @ts-ignore: decorator
@inline
function geluTail<T>(x: v128, a: v128): v128 {
  const one = constant<T>(ONE);
  const inverse = v128.div<T>(one, v128.add<T>(a, constant<T>(K_GELU)));
  const t = v128.mul<T>(v128.sub<T>(a, constant<T>(K_GELU)), inverse);
  const h = normalTailFactor<T>(t);

  const upper = upperHalf<T>(a);
  const square = v128.neg<T>(v128.mul<T>(v128.mul<T>(upper, upper), constant<T>(HALF))); // exact
  const rest = v128.mul<T>(v128.mul<T>(v128.sub<T>(a, upper), v128.add<T>(a, upper)), constant<T>(HALF));
  const shifted = shiftedExponent<T>(square);
  const n = exponentOf<T>(shifted);
  const high = reducedHigh<T>(square, n);
  const power = v128.add<T>(one, v128.add<T>(high, reducedTail<T>(high, v128.add<T>(reducedLow<T>(n), rest))));

  const tail = v128.mul<T>(power, v128.mul<T>(inverse, h));
  const negative = v128.lt<T>(x, v128.splat<T>(<T>0));
  const scaled = timesPowerOfTwo<T>(v128.mul<T>(tail, v128.bitselect(v128.neg<T>(a), one, negative)), shifted);
  return v128.bitselect(scaled, v128.mul<T>(x, v128.sub<T>(one, scaled)), negative);
}

/** a with the lower half of its significand cleared: its square is exact. */
// @ts-ignore: decorator
@inline
function upperHalf<T>(a: v128): v128 {
  if (sizeof<T>() == 8) return v128.shl<i64>(v128.shr<u64>(a, 27), 27);
  return v128.shl<i32>(v128.shr<u32>(a, 12), 12);
}

/** c0 + c1·x + c2·x² + c3·x³, the four constants from index c. */
// @ts-ignore: decorator
@inline
function cubic<T>(x: v128, x2: v128, c: i32): v128 {
  return step<T>(step<T>(constant<T>(c + 3), x, constant<T>(c + 2)), x2, step<T>(constant<T>(c + 1), x, constant<T>(c)));
}

// @ts-ignore: decorator
@inline
function erfSmall<T>(x: v128): v128 {
  const x2 = v128.mul<T>(x, x);
  const x4 = v128.mul<T>(x2, x2);
  if (sizeof<T>() == 8) return step<T>(step<T>(cubic<T>(x, x2, 14), x4, cubic<T>(x, x2, 10)), x4, cubic<T>(x, x2, 6));
  return step<T>(step<T>(step<T>(constant<T>(12), x, constant<T>(11)), x, constant<T>(10)), x4, cubic<T>(x, x2, 6));
}

// @ts-ignore: decorator
@inline
function erfTailFactor<T>(x: v128): v128 {
  const x2 = v128.mul<T>(x, x);
  const x4 = v128.mul<T>(x2, x2);
  if (sizeof<T>() == 8) return step<T>(step<T>(cubic<T>(x, x2, 26), x4, cubic<T>(x, x2, 22)), x4, cubic<T>(x, x2, 18));
  return step<T>(constant<T>(17), x4, cubic<T>(x, x2, 13));
}

// @ts-ignore: decorator
@inline
function normalSmall<T>(x: v128): v128 {
  const x2 = v128.mul<T>(x, x);
  const x4 = v128.mul<T>(x2, x2);
  if (sizeof<T>() == 8) {
    const top = step<T>(step<T>(constant<T>(40), x, constant<T>(39)), x, constant<T>(38));
    return step<T>(step<T>(top, x4, cubic<T>(x, x2, 34)), x4, cubic<T>(x, x2, 30));
  }
  return step<T>(step<T>(constant<T>(23), x, constant<T>(22)), x4, cubic<T>(x, x2, 18));
}

// @ts-ignore: decorator
@inline
function normalTailFactor<T>(x: v128): v128 {
  const x2 = v128.mul<T>(x, x);
  const x4 = v128.mul<T>(x2, x2);
  if (sizeof<T>() == 8) {
    let p = step<T>(constant<T>(61), x4, cubic<T>(x, x2, 57));
    p = step<T>(p, x4, cubic<T>(x, x2, 53));
    p = step<T>(p, x4, cubic<T>(x, x2, 49));
    p = step<T>(p, x4, cubic<T>(x, x2, 45));
    return step<T>(p, x4, cubic<T>(x, x2, 41));
  }
  return step<T>(cubic<T>(x, x2, 28), x4, cubic<T>(x, x2, 24));
}

// @ts-ignore: decorator
@inline
function constant<T>(index: i32): v128 {
  return splatFrom<T>(F64, F32, index);
}

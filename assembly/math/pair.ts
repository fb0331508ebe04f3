/**
 * @file Numbers as unevaluated sums a + aLow, |aLow| ≤ ulp(a)/2: what a formula keeps so that only its last sum rounds.
 *
 * Fused multiply-add would give the low part of a product in one instruction, but not the same bits everywhere. Splitting
 * does: the product of two upper halves is exact (Dekker 1971).
 */

/** The bits of a double's upper half. */
const UPPER = memory.data<u64>([0xfffffffff8000000]);

/** a with the lower half of its significand cleared (f64: 26 bits stay, f32: 12). */
// @ts-ignore: decorator
@inline
export function upperHalf<T>(a: v128): v128 {
  if (sizeof<T>() == 8) return v128.and(a, v128.load64_splat(UPPER));
  return v128.shl<i32>(v128.shr<u32>(a, 12), 12);
}

/** Rounding error of sum = a + b, where a = 0 or |a| ≥ |b|. */
// @ts-ignore: decorator
@inline
export function fastSumError<T>(sum: v128, a: v128, b: v128): v128 {
  return v128.sub<T>(b, v128.sub<T>(sum, a));
}

/** Rounding error of sum = a + b, any magnitudes (Knuth). */
// @ts-ignore: decorator
@inline
export function sumError<T>(sum: v128, a: v128, b: v128): v128 {
  const part = v128.sub<T>(sum, a);
  return v128.add<T>(v128.sub<T>(a, v128.sub<T>(sum, part)), v128.sub<T>(b, part));
}

/** What q lacks of (a + aLow)/(b + bLow), for q = upperHalf(a·inverse), inverse = 1/b. */
// @ts-ignore: decorator
@inline
export function quotientLow<T>(a: v128, aLow: v128, b: v128, bLow: v128, inverse: v128, q: v128): v128 {
  const upper = upperHalf<T>(b);
  const residual = v128.sub<T>(v128.sub<T>(a, v128.mul<T>(q, upper)), v128.mul<T>(q, v128.sub<T>(b, upper)));
  return v128.mul<T>(v128.add<T>(residual, v128.sub<T>(aLow, v128.mul<T>(q, bLow))), inverse);
}

/** What a·b lacks of a·(b + bLow), given aUpper = upperHalf(a) and product = aUpper·b exact: b is an upper half. */
// @ts-ignore: decorator
@inline
export function productLow<T>(a: v128, aUpper: v128, b: v128, bLow: v128): v128 {
  return v128.add<T>(v128.mul<T>(aUpper, bLow), v128.mul<T>(v128.sub<T>(a, aUpper), v128.add<T>(b, bLow)));
}

/**
 * @file The one step of every sum of products: multiply then add, or in the fused modules (asconfig.json defines FUSED) one
 * instruction that rounds once.
 */

/** sum + x·y. */
// @ts-ignore: decorator
@inline
export function plus<T>(sum: v128, x: v128, y: v128): v128 {
  return FUSED ? v128.relaxed_madd<T>(x, y, sum) : v128.add<T>(sum, v128.mul<T>(x, y));
}

/** The same of one element: fused multiply-add exists for vectors only. */
// @ts-ignore: decorator
@inline
export function plusOne<T>(sum: T, x: T, y: T): T {
  return FUSED ? v128.extract_lane<T>(plus<T>(v128.splat<T>(sum), v128.splat<T>(x), v128.splat<T>(y)), 0) : sum + x * y;
}

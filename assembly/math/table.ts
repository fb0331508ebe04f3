/**
 * @file Constants of a formula, read from static tables: one per element type, the same layout in both.
 *
 * A table in memory and not v128.const: V8 rebuilds vector constants at every use, a splat load is one instruction.
 */

/** Element `index` of the table of T, in every lane. */
// @ts-ignore: decorator
@inline
export function splatFrom<T>(f64Table: usize, f32Table: usize, index: i32): v128 {
  return sizeof<T>() == 8 ? v128.load64_splat(f64Table + (<usize>index << 3)) : v128.load32_splat(f32Table + (<usize>index << 2));
}

/** One step of Horner's rule: p·x + c. */
// @ts-ignore: decorator
@inline
export function step<T>(p: v128, x: v128, c: v128): v128 {
  return v128.add<T>(v128.mul<T>(p, x), c);
}

/** a / b, compensated: the quotient of a + aLow and b + bLow to about one rounding. `inverse` is 1 / b. */
// @ts-ignore: decorator
@inline
export function quotient<T>(a: v128, aLow: v128, b: v128, bLow: v128, inverse: v128): v128 {
  const q = v128.div<T>(a, b);
  return v128.add<T>(q, v128.mul<T>(v128.sub<T>(aLow, v128.mul<T>(q, bLow)), inverse));
}

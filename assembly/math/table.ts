/**
 * @file Constants and polynomials of a formula, read from static tables: one per element type, the same layout in both.
 *
 * A table in memory and not v128.const: V8 rebuilds vector constants at every use, a splat load is one instruction.
 */

/** Element `index` of the table of T, in every lane. */
// @ts-ignore: decorator
@inline
export function splatFrom<T>(f64Table: usize, f32Table: usize, index: i32): v128 {
  return sizeof<T>() == 8 ? v128.load64_splat(f64Table + (<usize>index << 3)) : v128.load32_splat(f32Table + (<usize>index << 2));
}

/** p·x + c. */
// @ts-ignore: decorator
@inline
export function step<T>(p: v128, x: v128, c: v128): v128 {
  return v128.add<T>(v128.mul<T>(p, x), c);
}

/** (c0 + c1·x) + (c2 + c3·x)·x2, the four constants from `index` on; x2 = x². */
// @ts-ignore: decorator
@inline
export function cubicFrom<T>(f64Table: usize, f32Table: usize, index: i32, x: v128, x2: v128): v128 {
  const low = step<T>(splatFrom<T>(f64Table, f32Table, index + 1), x, splatFrom<T>(f64Table, f32Table, index));
  const high = step<T>(splatFrom<T>(f64Table, f32Table, index + 3), x, splatFrom<T>(f64Table, f32Table, index + 2));
  return step<T>(high, x2, low);
}

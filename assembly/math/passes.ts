/**
 * @file Where the passes of a formula over a block of doubles leave what the next pass needs.
 *
 * A formula is one long chain of dependent operations, and a core holds some 60 operations that wait for another. Two or
 * three short loops over a block, the constants of each in registers, keep more vectors under way than one long loop.
 */

/** Doubles of a block, and their bytes. */
export const DOUBLES: i32 = 256;
export const BLOCK: usize = DOUBLES * 8;

export const STRIDE: usize = 96;
/** A block and a cache line, so that no two parts are a multiple of 4096 bytes apart. */
export const PART: usize = BLOCK + 64;
/** STRIDE bytes for each vector of a block, or PART for each of six quantities; one memory per instance, so no other thread writes it. */
export const SPACE = memory.data(6 * <i32>PART, 16);

/** Twice the upper words of two vectors, as whole numbers without sign: doubling drops an element's sign. */
// @ts-ignore: decorator
@inline
export function magnitudes(first: v128, second: v128): v128 {
  const upper = v128.shuffle<i32>(first, second, 1, 3, 5, 7);
  return i32x4.add(upper, upper);
}

/** Whether the largest of `magnitudes` is one of |x| ≥ limit, whose lower word is 0, or of NaN. */
// @ts-ignore: decorator
@inline
export function isBeyondLimit(largest: v128, limit: f64): bool {
  return v128.any_true(i32x4.ge_u(largest, i32x4.splat(<i32>(reinterpret<u64>(limit) >> 32) << 1)));
}

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

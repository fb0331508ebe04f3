/**
 * @file The microkernels of products with a symmetric matrix (symmetric-product.ts): one panel, times vectors and transposed.
 *
 *   c [ROWS] ← c + a·b       a: ROWS × SIDE, stored column by column; b [SIDE], c: as many vectors as fill two v128, interleaved
 *   c [SIDE] ← c + aᵀ·b      b [ROWS]
 */

import { STEP_BYTES } from "./interleave";
import { plus } from "./multiply-add";

/** Rows and columns of a tile, a multiple of ROWS: its part of X and out stays in L1. */
export const SIDE: i32 = 64;
/** Rows of a panel. With five, as in GEMM, the sums of the transposed product wait for each other. */
export const ROWS: i32 = 4;

/**
 * c [ROWS] ← c + a·b, a panel a, b [SIDE] interleaved. The form is explained in gemm-microkernel.ts: the first step
 * before the loop, b first, one splat at a time, the first row first in the end, three steps a turn.
 */
// @ts-ignore: decorator
@inline
function addProduct<T>(a: usize, b: usize, c: usize): void {
  const zero = v128.splat<T>(<T>0);
  const bEnd = b + SIDE * STEP_BYTES;
  let b0 = v128.load(b), b1 = v128.load(b, 16);
  let ai = v128.load_splat<T>(a, 3 * sizeof<T>());
  let c30 = plus<T>(zero, ai, b0), c31 = plus<T>(zero, ai, b1);
  ai = v128.load_splat<T>(a, 2 * sizeof<T>());
  let c20 = plus<T>(zero, ai, b0), c21 = plus<T>(zero, ai, b1);
  ai = v128.load_splat<T>(a, sizeof<T>());
  let c10 = plus<T>(zero, ai, b0), c11 = plus<T>(zero, ai, b1);
  ai = v128.load_splat<T>(a);
  let c00 = plus<T>(zero, ai, b0), c01 = plus<T>(zero, ai, b1);
  a += ROWS * sizeof<T>();
  b += STEP_BYTES;
  while (b < bEnd) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += ROWS * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 32), b1 = v128.load(b, 48);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += ROWS * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 64), b1 = v128.load(b, 80);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += ROWS * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b += 3 * STEP_BYTES;
  }
  v128.store(c, v128.add<T>(v128.load(c), c00));
  v128.store(c, v128.add<T>(v128.load(c, 16), c01), 16);
  v128.store(c, v128.add<T>(v128.load(c, 32), c10), 32);
  v128.store(c, v128.add<T>(v128.load(c, 48), c11), 48);
  v128.store(c, v128.add<T>(v128.load(c, 64), c20), 64);
  v128.store(c, v128.add<T>(v128.load(c, 80), c21), 80);
  v128.store(c, v128.add<T>(v128.load(c, 96), c30), 96);
  v128.store(c, v128.add<T>(v128.load(c, 112), c31), 112);
}

/** c [SIDE] ← c + aᵀ·b, a panel a, b [ROWS] interleaved. A branch between rows keeps V8 from putting sums among their products. */
// @ts-ignore: decorator
@inline
function addTransposedProduct<T>(a: usize, b: usize, c: usize): void {
  const b00 = v128.load(b), b01 = v128.load(b, 16), b10 = v128.load(b, 32), b11 = v128.load(b, 48);
  const b20 = v128.load(b, 64), b21 = v128.load(b, 80), b30 = v128.load(b, 96), b31 = v128.load(b, 112);
  const cEnd = c + SIDE * STEP_BYTES;
  let c0: v128, c1: v128, ai: v128;
  while (c < cEnd) {
    c0 = v128.load(c), c1 = v128.load(c, 16);
    ai = v128.load_splat<T>(a);
    c0 = plus<T>(c0, ai, b00), c1 = plus<T>(c1, ai, b01);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c0 = plus<T>(c0, ai, b10), c1 = plus<T>(c1, ai, b11);
    if (!WIDE && a == 0) {
      v128.store(c, c0);
      c0 = c1 = v128.or(c0, c1);
    }
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c0 = plus<T>(c0, ai, b20), c1 = plus<T>(c1, ai, b21);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c0 = plus<T>(c0, ai, b30), c1 = plus<T>(c1, ai, b31);
    v128.store(c, c0);
    v128.store(c, c1, 16);
    a += ROWS * sizeof<T>();
    c0 = v128.load(c, 32), c1 = v128.load(c, 48);
    ai = v128.load_splat<T>(a);
    c0 = plus<T>(c0, ai, b00), c1 = plus<T>(c1, ai, b01);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c0 = plus<T>(c0, ai, b10), c1 = plus<T>(c1, ai, b11);
    if (!WIDE && a == 0) {
      v128.store(c, c0);
      c0 = c1 = v128.or(c0, c1);
    }
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c0 = plus<T>(c0, ai, b20), c1 = plus<T>(c1, ai, b21);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c0 = plus<T>(c0, ai, b30), c1 = plus<T>(c1, ai, b31);
    v128.store(c, c0, 32);
    v128.store(c, c1, 48);
    a += ROWS * sizeof<T>();
    c0 = v128.load(c, 64), c1 = v128.load(c, 80);
    ai = v128.load_splat<T>(a);
    c0 = plus<T>(c0, ai, b00), c1 = plus<T>(c1, ai, b01);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c0 = plus<T>(c0, ai, b10), c1 = plus<T>(c1, ai, b11);
    if (!WIDE && a == 0) {
      v128.store(c, c0);
      c0 = c1 = v128.or(c0, c1);
    }
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c0 = plus<T>(c0, ai, b20), c1 = plus<T>(c1, ai, b21);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c0 = plus<T>(c0, ai, b30), c1 = plus<T>(c1, ai, b31);
    v128.store(c, c0, 64);
    v128.store(c, c1, 80);
    a += ROWS * sizeof<T>();
    c0 = v128.load(c, 96), c1 = v128.load(c, 112);
    ai = v128.load_splat<T>(a);
    c0 = plus<T>(c0, ai, b00), c1 = plus<T>(c1, ai, b01);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c0 = plus<T>(c0, ai, b10), c1 = plus<T>(c1, ai, b11);
    if (!WIDE && a == 0) {
      v128.store(c, c0);
      c0 = c1 = v128.or(c0, c1);
    }
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c0 = plus<T>(c0, ai, b20), c1 = plus<T>(c1, ai, b21);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c0 = plus<T>(c0, ai, b30), c1 = plus<T>(c1, ai, b31);
    v128.store(c, c0, 96);
    v128.store(c, c1, 112);
    a += ROWS * sizeof<T>();
    c += 4 * STEP_BYTES;
  }
}

/** The panels of a tile, for its rows and, unless it is on the diagonal (out[J] is 0), for its columns. */
// @ts-ignore: decorator
@inline
function addTile<T>(tile: usize, xj: usize, outI: usize, xi: usize, outJ: usize): void {
  for (const end = tile + SIDE * SIDE * sizeof<T>(); tile < end; tile += ROWS * SIDE * sizeof<T>()) {
    addProduct<T>(tile, xj, outI);
    if (outJ != 0) addTransposedProduct<T>(tile, xi, outJ);
    outI += ROWS * STEP_BYTES;
    xi += ROWS * STEP_BYTES;
  }
}

// Exported, so that neither Binaryen nor V8 inlines them into the loops over tiles: the engine's better code takes effect at the next call.
export function addTileF64(tile: usize, xj: usize, outI: usize, xi: usize, outJ: usize): void { addTile<f64>(tile, xj, outI, xi, outJ); }
export function addTileF32(tile: usize, xj: usize, outI: usize, xi: usize, outJ: usize): void { addTile<f32>(tile, xj, outI, xi, outJ); }

/**
 * @file Gram microkernel: a tile of A·Aᵀ from one packing of A, whose panels serve both sides.
 *
 *   C [4, NR], contiguous, ← A·B        A, B: panels of NR rows (gemm-pack.ts); A is four rows of its panel
 *
 *        panel, step by step: | 0 1 2 3 4 5 6 7 | 8 9 …      a reads 4 of the NR of a step, b all of them
 *
 * The order of every sum is that of gemm-microkernel.ts, and so are the bits; the form is explained there. Four rows and not five,
 * since a panel has 8 (f64 4, wide 16 and 8): 4 loads of a for 8 products instead of 5 for 10.
 */

import { NR_BYTES } from "./gemm-microkernel";
import { plus } from "./multiply-add";

// @ts-ignore: decorator
@inline
function gramMicrokernel<T>(k: i32, a: usize, b: usize, c: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>k * NR_BYTES;
  let c00 = zero, c01 = zero;
  let c10 = zero, c11 = zero;
  let c20 = zero, c21 = zero;
  let c30 = zero, c31 = zero;
  let b0 = zero, b1 = zero, ai = zero;
  b0 = v128.load(b), b1 = v128.load(b, 16);
  ai = v128.load_splat<T>(a, 3 * sizeof<T>());
  c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
  ai = v128.load_splat<T>(a, 2 * sizeof<T>());
  c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
  ai = v128.load_splat<T>(a, sizeof<T>());
  c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
  ai = v128.load_splat<T>(a);
  c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
  a += NR_BYTES;
  b += NR_BYTES;
  const aRest = a + <usize>((k - 1) & 3) * NR_BYTES;
  while (a < aRest) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += NR_BYTES;
    b += NR_BYTES;
  }
  while (a < aEnd) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += NR_BYTES;
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
    a += NR_BYTES;
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
    a += NR_BYTES;
    if (a == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 96), b1 = v128.load(b, 112);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += NR_BYTES;
    if (a == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b += 128;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c10, 32);
  v128.store(c, c11, 48);
  v128.store(c, c20, 64);
  v128.store(c, c21, 80);
  v128.store(c, c30, 96);
  v128.store(c, c31, 112);
}

/**
 * The left half of the tile, f32: the right half of the tile at the top of a panel of columns lies above the diagonal. Its sums wait
 * for each other, so that it takes two thirds of the whole tile's time, and more than a step a turn gains little.
 */
export function gramCornerF32(k: i32, a: usize, b: usize, c: usize): void {
  const zero = f32x4.splat(0);
  const aEnd = a + <usize>k * NR_BYTES;
  let c0 = zero, c1 = zero, c2 = zero, c3 = zero;
  while (a < aEnd) {
    const b0 = v128.load(b);
    c3 = plus<f32>(c3, v128.load_splat<f32>(a, 12), b0), c2 = plus<f32>(c2, v128.load_splat<f32>(a, 8), b0);
    c1 = plus<f32>(c1, v128.load_splat<f32>(a, 4), b0), c0 = plus<f32>(c0, v128.load_splat<f32>(a), b0);
    a += NR_BYTES;
    b += NR_BYTES;
  }
  v128.store(c, c0);
  v128.store(c, c1, 32);
  v128.store(c, c2, 64);
  v128.store(c, c3, 96);
}

/** The wide tile, twice as many columns: see gemm-microkernel-wide.ts. */
// @ts-ignore: decorator
@inline
function wideGramMicrokernel<T>(k: i32, a: usize, b: usize, c: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>k * NR_BYTES;
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero;
  let c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero;
  let c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero, ai = zero;
  b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
  ai = v128.load_splat<T>(a);
  c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
  ai = v128.load_splat<T>(a, sizeof<T>());
  c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
  ai = v128.load_splat<T>(a, 2 * sizeof<T>());
  c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
  ai = v128.load_splat<T>(a, 3 * sizeof<T>());
  c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
  a += NR_BYTES;
  b += NR_BYTES;
  while (a < aEnd) {
    b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
    a += NR_BYTES;
    if (a >= aEnd) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), b2 = v128.load(b, 96), b3 = v128.load(b, 112);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
    a += NR_BYTES;
    b += 2 * NR_BYTES;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  v128.store(c, c10, 64);
  v128.store(c, c11, 80);
  v128.store(c, c12, 96);
  v128.store(c, c13, 112);
  v128.store(c, c20, 128);
  v128.store(c, c21, 144);
  v128.store(c, c22, 160);
  v128.store(c, c23, 176);
  v128.store(c, c30, 192);
  v128.store(c, c31, 208);
  v128.store(c, c32, 224);
  v128.store(c, c33, 240);
}

export function gramMicrokernelF64(k: i32, a: usize, b: usize, c: usize): void {
  if (WIDE) wideGramMicrokernel<f64>(k, a, b, c);
  else gramMicrokernel<f64>(k, a, b, c);
}

export function gramMicrokernelF32(k: i32, a: usize, b: usize, c: usize): void {
  if (WIDE) wideGramMicrokernel<f32>(k, a, b, c);
  else gramMicrokernel<f32>(k, a, b, c);
}

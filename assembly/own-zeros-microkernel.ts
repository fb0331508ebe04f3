/**
 * @file The microkernel of a product that leaves out what is zero in a row of the left operand: a tile of one row and eight vectors.
 *
 *   C [NR] ← Σ over terms of A of a·W[term]      from C where `continues` is not 0, else from +0
 *
 * The terms of A: their values, and OFFSET bytes further the byte offsets of W's rows, as integers of the same size. At least one; in
 * their order, multiply then add: the bits of gemm's tile for the same terms. The form is explained in gemm-microkernel.ts.
 */

import { plus } from "./multiply-add";

/** Bytes of a row of the tile. */
export const NR_BYTES: i32 = 128;

/** Most terms of a call: their rows of a panel stay in L1. */
export const TERMS: i32 = 128;
/** From a term's value to its offset. A vector more than the terms, which are packed a vector at a time. */
export const OFFSET: usize = <usize>(TERMS * 8 + 16);

// @ts-ignore: decorator
@inline
function microkernel<T>(continues: i32, terms: i32, a: usize, w: usize, c: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>terms * sizeof<T>();
  let c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero, c6 = zero, c7 = zero;
  if (continues) {
    c0 = v128.load(c);
    c1 = v128.load(c, 16);
    c2 = v128.load(c, 32);
    c3 = v128.load(c, 48);
    c4 = v128.load(c, 64);
    c5 = v128.load(c, 80);
    c6 = v128.load(c, 96);
    c7 = v128.load(c, 112);
  }
  let w0 = zero, w1 = zero, ai = zero;
  let row: usize = 0;
  row = w + <usize>load<u32>(a, OFFSET);
  ai = v128.load_splat<T>(a);
  w0 = v128.load(row, 96), w1 = v128.load(row, 112);
  c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
  w0 = v128.load(row, 64), w1 = v128.load(row, 80);
  c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
  w0 = v128.load(row, 32), w1 = v128.load(row, 48);
  c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
  w0 = v128.load(row), w1 = v128.load(row, 16);
  c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
  a += sizeof<T>();
  const aRest = a + <usize>((terms - 1) & 3) * sizeof<T>();
  while (a < aRest) {
    row = w + <usize>load<u32>(a, OFFSET);
    ai = v128.load_splat<T>(a);
    w0 = v128.load(row, 96), w1 = v128.load(row, 112);
    c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
    w0 = v128.load(row, 64), w1 = v128.load(row, 80);
    c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
    w0 = v128.load(row, 32), w1 = v128.load(row, 48);
    c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
    w0 = v128.load(row), w1 = v128.load(row, 16);
    c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
    a += sizeof<T>();
  }
  while (a < aEnd) {
    row = w + <usize>load<u32>(a, OFFSET);
    ai = v128.load_splat<T>(a);
    w0 = v128.load(row, 96), w1 = v128.load(row, 112);
    c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
    w0 = v128.load(row, 64), w1 = v128.load(row, 80);
    c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
    w0 = v128.load(row, 32), w1 = v128.load(row, 48);
    c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
    w0 = v128.load(row), w1 = v128.load(row, 16);
    c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
    a += sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c6 = c7 = v128.or(c6, c7);
      c4 = c5 = v128.or(c4, c5);
      c2 = c3 = v128.or(c2, c3);
      c0 = c1 = v128.or(c0, c1);
    }
    row = w + <usize>load<u32>(a, OFFSET);
    ai = v128.load_splat<T>(a);
    w0 = v128.load(row, 96), w1 = v128.load(row, 112);
    c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
    w0 = v128.load(row, 64), w1 = v128.load(row, 80);
    c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
    w0 = v128.load(row, 32), w1 = v128.load(row, 48);
    c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
    w0 = v128.load(row), w1 = v128.load(row, 16);
    c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
    a += sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c6 = c7 = v128.or(c6, c7);
      c4 = c5 = v128.or(c4, c5);
      c2 = c3 = v128.or(c2, c3);
      c0 = c1 = v128.or(c0, c1);
    }
    row = w + <usize>load<u32>(a, OFFSET);
    ai = v128.load_splat<T>(a);
    w0 = v128.load(row, 96), w1 = v128.load(row, 112);
    c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
    w0 = v128.load(row, 64), w1 = v128.load(row, 80);
    c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
    w0 = v128.load(row, 32), w1 = v128.load(row, 48);
    c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
    w0 = v128.load(row), w1 = v128.load(row, 16);
    c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
    a += sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c6 = c7 = v128.or(c6, c7);
      c4 = c5 = v128.or(c4, c5);
      c2 = c3 = v128.or(c2, c3);
      c0 = c1 = v128.or(c0, c1);
    }
    row = w + <usize>load<u32>(a, OFFSET);
    ai = v128.load_splat<T>(a);
    w0 = v128.load(row, 96), w1 = v128.load(row, 112);
    c6 = plus<T>(c6, ai, w0), c7 = plus<T>(c7, ai, w1);
    w0 = v128.load(row, 64), w1 = v128.load(row, 80);
    c4 = plus<T>(c4, ai, w0), c5 = plus<T>(c5, ai, w1);
    w0 = v128.load(row, 32), w1 = v128.load(row, 48);
    c2 = plus<T>(c2, ai, w0), c3 = plus<T>(c3, ai, w1);
    w0 = v128.load(row), w1 = v128.load(row, 16);
    c0 = plus<T>(c0, ai, w0), c1 = plus<T>(c1, ai, w1);
    a += sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      c6 = c7 = v128.or(c6, c7);
      c4 = c5 = v128.or(c4, c5);
      c2 = c3 = v128.or(c2, c3);
      c0 = c1 = v128.or(c0, c1);
    }
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

export function ownZerosMicrokernelF64(continues: i32, terms: i32, a: usize, w: usize, c: usize): void {
  microkernel<f64>(continues, terms, a, w, c);
}

export function ownZerosMicrokernelF32(continues: i32, terms: i32, a: usize, w: usize, c: usize): void {
  microkernel<f32>(continues, terms, a, w, c);
}
